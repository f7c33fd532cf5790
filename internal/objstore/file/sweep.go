package file

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hindcast/hindcast/internal/objstore"
)

// young is how old a temporary file must be before its lock is tried: its writer may not hold it yet.
const young = time.Minute

// Sweep removes the temporary files below prefix whose writers are dead: nobody holds their lock any more. It follows
// links where objects can be behind them.
func (s *Store) Sweep(ctx context.Context, prefix string, into func(folder string) bool) error {
	if err := objstore.CheckFolder(prefix); err != nil {
		return s.fail("sweeping", s.root, err)
	}

	err := s.walk(ctx, strings.TrimSuffix(prefix, "/"), prefix, into, func(_ *os.File, key string) error {
		path := s.File(key)
		if !strings.HasPrefix(filepath.Base(path), temporary) {
			return nil
		}
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			return ignoreAbsent(err)
		}

		return ignoreAbsent(s.sweep(path))
	})
	if err != nil {
		return s.fail("sweeping", s.File(prefix), err)
	}

	return nil
}

func (s *Store) sweep(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()

	info, err := f.Stat()
	if err != nil || time.Since(info.ModTime()) < young {
		return err
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return nil // it is being written
	}

	return s.unlink(path)
}
