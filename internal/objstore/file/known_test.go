package file

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast/internal/objstore"
)

// What is above a folder that is deleted stays known, so that the next one beside it does not sync all of that again; what is gone is made again,
// whoever deleted it.
func TestKnownFolders(t *testing.T) {
	root := t.TempDir()
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	mk := func(prefix string) string {
		t.Helper()
		folder, err := s.Folder(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			t.Fatal(prefix, err)
		}
		return folder
	}
	mk("a/b/c/")
	if err := s.DeleteAll(t.Context(), "a/b/c/"); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]bool{"a": true, "a/b": true, "a/b/c": false} {
		if known := s.known[filepath.Join(root, folder)]; known != want {
			t.Errorf("%s: known is %v", folder, known)
		}
	}
	mk("a/b/c/")
	mk("a/b/d/")
	s.Abandon("a/b/d/")
	mk("a/b/d/e/")

	for _, gone := range []string{"a/b/d/e", "a/b", "a"} {
		if err := os.RemoveAll(filepath.Join(root, gone)); err != nil {
			t.Fatal(err)
		}
		mk("a/b/d/e/")
		mk("a/b/new-" + filepath.Base(gone) + "/")
		if err := os.RemoveAll(filepath.Join(root, gone)); err != nil {
			t.Fatal(err)
		}
		mk("a/b/other-" + filepath.Base(gone) + "/")
		if _, err := s.Put(t.Context(), "a/b/d/e/x", []byte("1"), objstore.Condition{}); err != nil {
			t.Error(err)
		}
	}
}

// An object that a loss of power may take is like any other until then.
func TestFleeting(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Put(t.Context(), "a/x", []byte("1"), objstore.Condition{IfNoneMatch: true, Fleeting: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "a/x", []byte("2"), objstore.Condition{IfNoneMatch: true, Fleeting: true}); !errors.Is(err, objstore.ErrPrecondition) {
		t.Errorf("it was there, and %v", err)
	}
	if _, err := s.Put(t.Context(), "a/x", []byte("3"), objstore.Condition{IfMatch: info.ETag, Fleeting: true}); err != nil {
		t.Error(err)
	}
	if _, err := s.Put(t.Context(), "a/x", []byte("4"), objstore.Condition{IfMatch: info.ETag, Fleeting: true}); !errors.Is(err, objstore.ErrPrecondition) {
		t.Errorf("it was replaced, and %v", err)
	}
	if body, _, err := s.Get(t.Context(), "a/x"); err != nil || string(body) != "3" {
		t.Errorf("%q, %v", body, err)
	}
}
