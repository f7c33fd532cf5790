package file

import (
	"context"
	"os"
	"path/filepath"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Append opens the object for appending, creating it if needed; its name is durable when Append returns.
func (s *Store) Append(ctx context.Context, key string) (objstore.AppendFile, error) {
	path, err := s.path(ctx, key)
	if err != nil {
		return nil, err
	}

	f, err := s.create(filepath.Dir(path), filepath.Base(path), os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return nil, err
	}

	if err := s.syncFolder(filepath.Dir(path)); err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}

	return &appendFile{store: s, file: f}, nil
}

// appendFile is a file open for appending, with errors that name it.
type appendFile struct {
	store *Store
	file  *os.File
}

func (a *appendFile) Write(p []byte) (int, error) {
	n, err := a.file.Write(p)
	return n, a.fail("writing", err)
}

func (a *appendFile) Sync() error { return a.fail("syncing", a.file.Sync()) }

func (a *appendFile) Truncate(size int64) error { return a.fail("truncating", a.file.Truncate(size)) }

func (a *appendFile) Close() error { return a.fail("closing", a.file.Close()) }

func (a *appendFile) fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	return a.store.fail(doing, a.file.Name(), err)
}
