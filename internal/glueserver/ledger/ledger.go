// Package ledger keeps JSON values by key in a folder, for a server that is their only writer. A change of several values is
// durable as a whole or not at all, and survives the server's death. What the values mean is the caller's responsibility.
package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/hindcast/hindcast"
)

// Change is one value that is written, or taken out where Value is nil.
type Change struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Put is the change that writes a value. It panics for a value that is not JSON: the caller's types are.
func Put(key string, value any) Change {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return Change{Key: key, Value: text}
}

// Delete is the change that takes a value out.
func Delete(key string) Change { return Change{Key: key} }

// Ledger is open: no other process has it.
type Ledger struct {
	file   *os.File
	lock   *os.File
	broken error // of a write whose end is unknown: nothing may follow it
}

const (
	fileName = "ledger.jsonl"
	lockName = "lock"
)

// Open opens the ledger in a folder, which is created if there is none, and gives each value that it holds to load, in the order
// of the values' first writes. E-SERVE if another process has it.
func Open(dir string, load func(Change) error) (*Ledger, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(dir, err)
	}
	lock, err := hold(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	l := &Ledger{lock: lock}
	if err := l.open(filepath.Join(dir, fileName), load); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

// hold takes the folder's lock, which the kernel drops when this process dies.
func hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unusable(filepath.Dir(path), err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err,
			Message: "another server has the folder " + filepath.Dir(path) + " open", Next: "stop that one, or give this one a folder with --state"}
	}
	return f, nil
}

func unusable(path string, err error) error {
	return &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err,
		Message: fmt.Sprintf("%s cannot be used: %v", path, err), Next: "give the server a folder that it can write with --state"}
}

// open reads the file, and writes it again without what later lines replaced.
func (l *Ledger) open(path string, load func(Change) error) error {
	values, order, err := replay(path)
	if err != nil {
		return err
	}
	for _, key := range order {
		if err := load(Change{key, values[key]}); err != nil {
			return fmt.Errorf("reading %s of %s: %w", key, path, err)
		}
	}
	if l.file, err = rewrite(path, values, order); err != nil {
		return unusable(path, err)
	}
	return nil
}

// replay folds the lines of a file. The last one may be torn: it was never confirmed.
func replay(path string) (values map[string]json.RawMessage, order []string, err error) {
	values = map[string]json.RawMessage{}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return values, nil, nil
	}
	if err != nil {
		return nil, nil, unusable(path, err)
	}
	defer func() { _ = f.Close() }() // it was only read

	lines := bufio.NewReader(f)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return values, slices.DeleteFunc(order, func(key string) bool { return values[key] == nil }), nil
		}
		if err != nil {
			return nil, nil, unusable(path, err)
		}
		var changes []Change
		if err := json.Unmarshal(line, &changes); err != nil {
			return nil, nil, &hindcast.Error{Code: hindcast.EServe, Class: hindcast.ClassPermanent, Cause: err,
				Message: fmt.Sprintf("line %d of %s is damaged", number, path), Next: "move the folder away, and begin with an empty one"}
		}
		for _, c := range changes {
			if _, before := values[c.Key]; !before {
				order = append(order, c.Key)
			}
			values[c.Key] = c.Value // nil stays as a mark, so that the key is in the order once
		}
	}
}

// rewrite writes the file as it would be if it had been written at once, and opens it for more.
func rewrite(path string, values map[string]json.RawMessage, order []string) (*os.File, error) {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriter(f)
	for _, key := range order {
		_, _ = w.Write(line([]Change{{key, values[key]}})) // an error stays in w
	}
	if err := errors.Join(w.Flush(), f.Sync(), os.Rename(path+".part", path), syncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func line(changes []Change) []byte {
	text, err := json.Marshal(changes)
	if err != nil {
		panic(err) // of raw messages that were JSON before
	}
	return append(bytes.TrimSpace(text), '\n')
}

// Write makes changes durable, all or none. After an error nothing more can be written: whether the last change is there, only
// the next Open finds out. Not safe for parallel use.
func (l *Ledger) Write(changes ...Change) error {
	if l.broken != nil {
		return l.broken
	}
	if _, err := l.file.Write(line(changes)); err != nil {
		l.broken = unusable(l.file.Name(), err)
	} else if err := l.file.Sync(); err != nil {
		l.broken = unusable(l.file.Name(), err)
	}
	return l.broken
}

// Close gives the folder free.
func (l *Ledger) Close() error { return errors.Join(l.file.Close(), l.lock.Close()) }
