// Package scratch gives a process a folder on its own machine for as long as it lives: what a lake in a bucket needs
// here while a run works with it. The folder is removed at the end, and where its process dies by the next one that
// asks. What is in it is the caller's responsibility.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hindcast/hindcast"
)

// Default is where folders are made if nothing else is said: below the user's cache, or below the system's folder for
// temporary files where the user has none.
func Default() string {
	if cache, err := os.UserCacheDir(); err == nil {
		return filepath.Join(cache, "hindcast", "scratch")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("hindcast-%d", os.Getuid()), "scratch")
}

// Folder is one process's own.
type Folder struct {
	path string
	lock *os.File // held as long as the process lives: the kernel lets it go
}

// suffix ends the name of a folder's lock, which lies beside it.
const suffix = ".lock"

// Open makes a new folder below base, which it makes as well, the user's alone: rows of theirs go through it. It
// removes those whose processes have died.
func Open(base string) (*Folder, error) {
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, failed("making", base, err)
	}
	sweep(base)
	for {
		if f, err := create(base); f != nil || err != nil {
			return f, err
		}
	}
}

// create makes a folder after its lock: whoever dies in between leaves nothing that is not swept. It returns nil if
// somebody swept the lock before we had it.
func create(base string) (*Folder, error) {
	file, err := os.CreateTemp(base, "*"+suffix)
	if err != nil {
		return nil, failed("making a lock in", base, err)
	}
	_ = file.Close() // nothing was written
	lock, err := take(file.Name(), 0)
	if errors.Is(err, fs.ErrNotExist) || err == nil && lock == nil {
		return nil, nil
	}
	if err != nil {
		return nil, failed("locking a folder in", base, err)
	}
	f := &Folder{path: strings.TrimSuffix(file.Name(), suffix), lock: lock}
	if err := os.Mkdir(f.path, 0o700); err != nil {
		_ = f.Close()
		return nil, failed("making a folder in", base, err)
	}
	return f, nil
}

// Path is the folder's, absolute if base was.
func (f *Folder) Path() string { return f.path }

// Join names something in the folder.
func (f *Folder) Join(name string) string { return filepath.Join(f.path, name) }

// Close removes the folder. Safe to repeat.
func (f *Folder) Close() error {
	err := errors.Join(removeTree(f.path), remove(f.path+suffix))
	if f.lock != nil {
		_ = f.lock.Close() // and lets it go
	}
	if err != nil {
		return failed("removing", f.path, err)
	}
	return nil
}

// removeTree removes a folder with all that is in it, and nothing that links in it lead to.
func removeTree(path string) error {
	in, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return in.RemoveAll(filepath.Base(path))
}

// sweep removes the folders whose processes are dead. Best effort: what cannot be removed stays until the next time.
func sweep(base string) {
	locks, _ := filepath.Glob(filepath.Join(base, "*"+suffix))
	for _, path := range locks {
		lock, err := take(path, 0)
		if err != nil || lock == nil {
			continue // it lives
		}
		_ = (&Folder{path: strings.TrimSuffix(path, suffix), lock: lock}).Close()
	}
}

// take takes a lock file, or returns nil if another process has it, or has just removed it.
func take(path string, flag int) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, lock.Close()
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	ours, err := lock.Stat()
	there, gone := os.Stat(path)
	if err != nil || gone != nil || !os.SameFile(ours, there) {
		return nil, lock.Close()
	}
	return lock, nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func failed(doing, path string, err error) error {
	e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Cause: err,
		Message: fmt.Sprintf("%s the scratch folder %s failed: %v", doing, path, err),
		Next:    "set `run.scratch` to a folder that can be written"}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Code = hindcast.EPermission
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Code, e.Class = hindcast.EDiskFull, hindcast.ClassResource
	}
	return e
}
