package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/hindcast/hindcast/internal/numbers"
)

// largest is the largest size in bytes of a file that people write by hand.
const largest = 8 << 20

// ReadFile reads a file that a user names: a pipeline file, SQL, a secret. It may be a pipe. It returns when ctx ends,
// even from a pipe that nobody writes to, and with an error if the file is larger than any such file should be.
func ReadFile(ctx context.Context, path string) ([]byte, error) {
	type result struct {
		body []byte
		err  error
	}

	read := make(chan result, 1)
	go func() { // blocked on a pipe it stays behind until the program ends
		body, err := readAtMost(path, largest)
		read <- result{body, err}
	}()

	select {
	case r := <-read:
		return r.body, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read

	body, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(body)) > most {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %s", numbers.Size(most))}
	}
	return body, err
}

// Reread reads a file that was read before, to show a part of it: not a pipe, which can be read once.
func Reread(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}

	return readAtMost(path, largest)
}
