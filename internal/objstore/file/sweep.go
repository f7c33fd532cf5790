package file

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hindcast/hindcast/internal/objstore"
)

// young is how old a temporary file must be before its lock is asked for: its writer may not have it yet.
const young = time.Minute

// Sweep removes the temporary files below prefix whose writers are dead: nobody holds their lock any more.
func (s *Store) Sweep(ctx context.Context, prefix string) error {
	if err := objstore.CheckFolder(prefix); err != nil {
		return s.fail("sweeping", s.root, err)
	}
	err := filepath.WalkDir(s.File(prefix), func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return ignoreAbsent(err)
		}
		if entry.Type().IsRegular() && strings.HasPrefix(entry.Name(), temporary) {
			return ignoreAbsent(s.sweep(path))
		}
		return nil
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
