package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Clone gives a file a second name, which takes no space. Where that cannot be, as on another disk, its bytes are copied.
func (s *Store) Clone(ctx context.Context, from, to string) (objstore.Info, error) {
	source, err := s.path(ctx, from)
	if err != nil {
		return objstore.Info{}, err
	}
	path, err := s.path(ctx, to)
	if err != nil {
		return objstore.Info{}, err
	}

	for again := false; ; again = true {
		if err := s.makeFolder(filepath.Dir(path)); err != nil {
			return objstore.Info{}, err
		}
		err = s.link(source, path)
		if again || !absent(err) {
			break
		}
		s.forget(filepath.Dir(path)) // it was known, and may have been deleted since
	}
	switch {
	case absent(err):
		return objstore.Info{}, fmt.Errorf("linking %s: %w", from, objstore.ErrNotExist)
	case errors.Is(err, errCopied):
		return s.copied(ctx, source, to)
	case err != nil:
		return objstore.Info{}, s.fail("linking", path, err)
	}

	info, err := os.Stat(path)
	if err != nil {
		return objstore.Info{}, s.fail("reading", path, err)
	}
	return objstore.Info{Key: to, Bytes: info.Size()}, s.syncFolder(filepath.Dir(path))
}

// errCopied means that a file can have no second name there.
var errCopied = errors.New("the file has to be copied")

// link gives the file source the name path too, which is free or of an earlier try. Neither may lead out of the lake.
func (s *Store) link(source, path string) error {
	in, name, err := s.enter(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	from, old, err := s.enter(source)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	if err := s.refuseLink(from, old); err != nil {
		return err
	}

	if err := in.Remove(name); err != nil && !absent(err) {
		return err
	}
	// Both are opened below folders that no link leads out of, so that their descriptors are of the lake.
	old, name = filepath.ToSlash(old), filepath.ToSlash(name)
	oldAt, oldName, err := openParent(from, old)
	if err != nil {
		return err
	}
	defer func() { _ = oldAt.Close() }()
	newAt, newName, err := openParent(in, name)
	if err != nil {
		return err
	}
	defer func() { _ = newAt.Close() }()

	err = unix.Linkat(int(oldAt.Fd()), oldName, int(newAt.Fd()), newName, 0)
	for _, cannot := range []error{unix.EXDEV, unix.EPERM, unix.EMLINK, unix.ENOTSUP, unix.ENOSYS, unix.EACCES} {
		if errors.Is(err, cannot) {
			return errCopied
		}
	}
	return err
}

// openParent opens the folder of a name below root.
func openParent(root *os.Root, name string) (folder *os.File, base string, err error) {
	dir := "."
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, name = name[:i], name[i+1:]
	}
	folder, err = root.Open(dir)
	return folder, name, err
}

func (s *Store) copied(ctx context.Context, source, to string) (objstore.Info, error) {
	in, err := os.Open(source)
	if absent(err) {
		return objstore.Info{}, fmt.Errorf("copying %s: %w", s.key(source), objstore.ErrNotExist)
	}
	if err != nil {
		return objstore.Info{}, s.fail("reading", source, err)
	}
	defer func() { _ = in.Close() }() // only read
	info, err := s.Upload(ctx, to, in)
	info.ETag = ""
	return info, err
}
