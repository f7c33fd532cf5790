package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// makeFolder makes a folder and its parents so that they survive a loss of power. A folder is looked at once
// in a store's life: thousands of small writes must not pay for it each time.
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
		// What is above the root is the user's; it is made like mkdir -p does.
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return s.fail("creating", parent, err)
		}
	} else if err := s.makeFolder(parent); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return s.fail("creating", folder, err)
	}
	// Also where the folder was there: its maker may have died before this.
	if err := s.syncFolder(parent); err != nil && folder != s.root {
		return err // the root's parent may be unreadable for us, which is the user's affair
	}
	s.mu.Lock()
	s.known[folder] = true
	s.mu.Unlock()
	return nil
}

// forget drops what is known of a folder and of all that is above and below it.
func (s *Store) forget(folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for known := range s.known {
		if known == folder || strings.HasPrefix(known, folder+"/") || strings.HasPrefix(folder, known+"/") {
			delete(s.known, known)
		}
	}
}

// syncFolder makes the names in a folder durable. A folder that is gone has none.
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
