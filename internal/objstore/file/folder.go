package file

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// linked is how many of a key's first folders may be symbolic links: the lake's owner may have moved one of them to
// another disk. The folders below them are created and deleted by this program; nobody has reason to put a link there,
// so one is not followed for writing or deleting.
const linked = 3

// private are the permissions of a lake folder that this program creates.
const private = 0o700

// modes are the permissions of new folders and files: those of the lake's folder, so that whether it is shared with
// others is decided once, there.
func (s *Store) modes() (folder, file fs.FileMode) {
	folder = private
	if info, err := os.Stat(s.root); err == nil {
		folder |= info.Mode().Perm()
	}
	return folder, folder & 0o666
}

// enter opens the folder from which the path is written or deleted, and returns the path's name within it: nothing
// leads outside that folder. The caller closes it.
func (s *Store) enter(path string) (in *os.Root, name string, err error) {
	base, rest := s.split(path)
	if in, err = os.OpenRoot(base); err != nil {
		return nil, "", err
	}

	for i := range rest {
		if err == nil && rest[i] == filepath.Separator {
			err = s.refuseLink(in, rest[:i])
		}
	}

	if err != nil {
		_ = in.Close() // nothing was opened in it
		return nil, "", err
	}

	return in, rest, nil
}

// split cuts a path below the root after the folders that may be links. The rest is never empty.
func (s *Store) split(path string) (base, rest string) {
	base, rest = s.root, strings.TrimPrefix(strings.TrimPrefix(path, s.root), string(filepath.Separator))
	for range linked {
		first, more, deeper := strings.Cut(rest, string(filepath.Separator))
		if !deeper {
			break
		}
		base, rest = filepath.Join(base, first), more
	}

	return base, rest
}

// refuseLink fails if the name is a symbolic link.
func (s *Store) refuseLink(in *os.Root, name string) error {
	info, err := in.Lstat(name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return ignoreAbsent(err)
	}

	return &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent,
		Message: filepath.Join(in.Name(), name) + " is a symbolic link, and nothing is written or deleted behind it",
		Next:    "remove the link; a folder of the lake can be on another disk if one of its first three levels is the link"}
}

// Folder creates the folder that prefix names, and returns it.
func (s *Store) Folder(prefix string) (string, error) {
	if err := s.Check(prefix); err != nil {
		return "", err
	}

	folder := s.File(prefix)
	if err := s.makeFolder(folder); err != nil {
		return "", err
	}

	if _, err := os.Stat(folder); absent(err) { // it was known, and is gone
		s.forget(folder)
		return folder, s.makeFolder(folder)
	}

	return folder, nil
}

// Check refuses a folder that a link would lead out of the lake, whether or not it exists.
func (s *Store) Check(prefix string) error {
	if err := objstore.CheckFolder(prefix); err != nil {
		return s.fail("using", s.root, err)
	}

	folder := s.File(prefix)
	in, name, err := s.enter(folder)
	if absent(err) {
		return nil
	}
	if err == nil {
		defer func() { _ = in.Close() }()
	}
	if err == nil && strings.Count(s.key(folder), "/") >= linked { // otherwise it may be one
		err = s.refuseLink(in, name)
	}
	if err != nil {
		return s.fail("using", folder, err)
	}

	return nil
}

// Roots are the store's folder, and the targets of links among a key's first folders.
func (s *Store) Roots() []string {
	places := []string{s.root}
	var look func(folder string, levels int)
	look = func(folder string, levels int) {
		entries, _ := os.ReadDir(folder) // an unreadable folder has no targets
		for _, entry := range entries {
			path := filepath.Join(folder, entry.Name())
			if entry.Type()&fs.ModeSymlink != 0 {
				to, err := filepath.EvalSymlinks(path)
				if info, bad := os.Stat(path); err != nil || bad != nil || !info.IsDir() {
					continue
				}
				places = append(places, to)
			} else if !entry.IsDir() {
				continue
			}

			if levels > 1 {
				look(path, levels-1)
			}
		}
	}
	look(s.root, linked)
	return places
}

// Abandon removes the folder that prefix names if nothing is in it.
func (s *Store) Abandon(prefix string) {
	in, name, err := s.enter(s.File(prefix))
	if err != nil {
		return
	}
	defer func() { _ = in.Close() }()

	if info, err := in.Lstat(name); err == nil && info.IsDir() {
		if in.Remove(name) == nil { // fails unless it is empty
			s.forgetBelow(s.File(prefix))
		}
	}
}

// makeFolder creates a folder and its parents so that they survive a loss of power. A folder is checked once in a
// store's life: thousands of small writes must not pay for it each time.
func (s *Store) makeFolder(folder string) error {
	s.mu.Lock()
	known := s.known[folder]
	s.mu.Unlock()

	if known {
		return nil
	}

	parent := filepath.Dir(folder)
	if parent == folder {
		return nil
	}

	if folder == s.root {
		// What is above the root is the user's; it is created as mkdir -p does.
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return s.fail("creating", parent, err)
		}
	} else if err := s.makeFolder(parent); err != nil {
		return err
	}

	err := s.mkdir(folder)
	if absent(err) && folder != s.root { // what is above it was known, and has been deleted since
		s.forget(parent)
		if err := s.makeFolder(parent); err != nil {
			return err
		}
		err = s.mkdir(folder)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return s.fail("creating", folder, err)
	}

	// Also for a folder that existed: its creator may have died before this.
	if err := s.syncFolder(parent); err != nil && folder != s.root {
		return err // we may not be able to read the root's parent, which is up to the user
	}

	s.mu.Lock()
	s.known[folder] = true
	s.mu.Unlock()
	return nil
}

// mkdir creates one folder; its parent exists.
func (s *Store) mkdir(folder string) error {
	if folder == s.root {
		return os.Mkdir(folder, private)
	}

	in, name, err := s.enter(folder)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()

	mode, _ := s.modes()
	return in.Mkdir(name, mode)
}

// forget drops what is known about a folder and everything above and below it.
func (s *Store) forget(folder string) {
	s.forgetWhere(func(known string) bool { return within(known, folder) || within(folder, known) })
}

// forgetBelow drops what is known about a folder that we delete, and everything below it.
func (s *Store) forgetBelow(folder string) {
	s.forgetWhere(func(known string) bool { return within(known, folder) })
}

func (s *Store) forgetWhere(gone func(known string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.known, func(known string, _ bool) bool { return gone(known) })
}

// within reports whether a path is a folder, or below it.
func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// syncFolder makes the names in a folder durable. A deleted folder has none.
func (s *Store) syncFolder(folder string) error {
	f, err := os.Open(folder)
	if absent(err) {
		return nil
	}

	if err == nil {
		err = f.Sync()
		_ = f.Close() // nothing was written through it
	}

	if err != nil {
		return s.fail("syncing", folder, err)
	}

	return nil
}
