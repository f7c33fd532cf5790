package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/hindcast/hindcast"
)

// fail turns an error of the file system into one that a user can act on. A cancelled context and errors
// that have a code stay as they are.
func (s *Store) fail(doing, path string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*hindcast.Error](err); ok {
		return err
	}

	e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient, Cause: err,
		Message: fmt.Sprintf("%s %s failed: %s", doing, path, reason(err)),
		Next:    "check the lake's folder " + s.root}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Code, e.Class = hindcast.EDiskFull, hindcast.ClassResource
		e.Message = fmt.Sprintf("no space is left in %s while %s %s", s.root, doing, filepath.Base(path))
		e.Next = "free space on the disk that holds " + s.root
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Code, e.Class = hindcast.EPermission, hindcast.ClassPermanent
		e.Message = fmt.Sprintf("permission denied while %s %s", doing, path)
		e.Next = "give the user that runs hindcast permission to write in " + s.root
	case !heals(err):
		e.Class = hindcast.ClassPermanent
	}

	return e
}

// heals reports whether the same call may succeed later: errors caused by the names themselves do not heal.
func heals(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return false
	}
	lasting := []syscall.Errno{syscall.ENOTDIR, syscall.EISDIR, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.ELOOP, syscall.ENOTEMPTY}
	return !slices.Contains(lasting, errno)
}

// reason is the cause without the path, which the message already has.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

func isFolder(err error) bool {
	return errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR)
}

func notFolder(path string) error {
	return &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent,
		Message: path + " is a file, not a folder", Next: "name a folder as the lake"}
}
