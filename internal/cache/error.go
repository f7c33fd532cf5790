package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// fail turns an error of the file system into one that a user can act on.
func (c *Cache) fail(doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*hindcast.Error](err); ok {
		return err
	}

	e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient, Cause: err,
		Message: fmt.Sprintf("%s the cache %s failed: %v", doing, c.dir, err), Next: "look at the folder " + c.dir + "; it may be deleted while hindcast is not running"}
	switch {
	case full(err):
		e.Code, e.Class = hindcast.EDiskFull, hindcast.ClassResource
		e.Message = fmt.Sprintf("no space is left in the cache %s, and nothing more can be evicted from it", c.dir)
		e.Next = "free space on the disk that holds " + c.dir + ", or put the cache on another one"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Code, e.Class = hindcast.EPermission, hindcast.ClassPermanent
		e.Message = fmt.Sprintf("permission denied while %s the cache %s", doing, c.dir)
		e.Next = "give the user that runs hindcast permission to write in " + c.dir + ", or put the cache elsewhere"
	case errors.Is(err, syscall.ENAMETOOLONG):
		e.Class = hindcast.ClassPermanent
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOTSUP):
		e.Class, e.Next = hindcast.ClassPermanent, "put the cache into a folder on a local disk"
	}

	return e
}

// full reports whether the disk or the user's quota is full.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// described turns the store's answer about an object into our words. Errors that are already ours stay as they are.
func described(from Source, object objstore.Info, err error) error {
	switch {
	case errors.Is(err, objstore.ErrNotExist):
		return bad(from, object, "is not there")
	case errors.Is(err, objstore.ErrPrecondition):
		e := bad(from, object, "was replaced while it was read")
		e.Class, e.Next = hindcast.ClassTransient, "the next attempt reads the new one; files of a lake must not be replaced in place"
		return e
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("fetching %s: %w", object.Key, err)
}

// bad is a file that is not what it should be.
func bad(from Source, object objstore.Info, what string) *hindcast.Error {
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("%s/%s %s", from.URL(), object.Key, what),
		Next:    "`hindcast verify --files` names the damaged files; unload those slices again with `hindcast unload --fresh`, or restore the file if it is your own"}
}
