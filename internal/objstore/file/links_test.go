package file

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// TestPlantedLinks: what is behind a link below the folders that a user may move is neither written nor deleted, also
// where the link leads back into the lake.
func TestPlantedLinks(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}

	precious := func() []string {
		var found []string
		for _, dir := range []string{elsewhere, filepath.Join(root, "p/facts/f/other")} {
			err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
				found = append(found, path)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}

		return found
	}

	if err := os.MkdirAll(filepath.Join(elsewhere, "2020/g1"), 0o700); err != nil {
		t.Fatal(err)
	}

	for _, path := range []string{filepath.Join(elsewhere, "2020/g1/a"), filepath.Join(elsewhere, "a")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if _, err := s.Put(t.Context(), "p/facts/f/other/2020/g1/a", nil, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}

	before := precious()

	for _, to := range []string{elsewhere, "other"} {
		link := filepath.Join(root, "p/facts/f/unit")
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}

		_, put := s.Put(t.Context(), "p/facts/f/unit/b", []byte("x"), objstore.Condition{})
		_, upload := s.Upload(t.Context(), "p/facts/f/unit/2020/b", strings.NewReader("x"))
		_, appending := s.Append(t.Context(), "p/facts/f/unit/2020/c")
		_, folder := s.Folder("p/facts/f/unit/2021/")
		_, itself := s.Folder("p/facts/f/unit/")
		for what, err := range map[string]error{"put": put, "upload": upload, "append": appending, "folder": folder, "itself": itself,
			"check": s.Check("p/facts/f/unit/2020/g1/"), "delete": s.Delete(t.Context(), "p/facts/f/unit/2020/g1/a"),
			"delete all": s.DeleteAll(t.Context(), "p/facts/f/unit/2020/g1/")} {
			if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ELake || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, link) {
				t.Errorf("%s behind a link to %s: %v", what, to, err)
			}
		}

		s.Abandon("p/facts/f/unit/2020/")
		if err := s.DeleteAll(t.Context(), "p/facts/f/unit/"); err != nil {
			t.Errorf("the link itself: %v", err)
		}
		if _, err := os.Lstat(link); !absent(err) {
			t.Errorf("the link itself stays: %v", err)
		}
	}

	if after := precious(); !slices.Equal(before, after) {
		t.Errorf("there was %q, and is %q", before, after)
	}
}

// TestALinkInPlaceOfAnObject: the link is replaced, and its target stays.
func TestALinkInPlaceOfAnObject(t *testing.T) {
	root, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}

	for _, key := range []string{"a", "a/b/c/d/e"} {
		path := s.File(key)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, path); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(t.Context(), key); err == nil {
			t.Errorf("%s: a link is appended to", key)
		}
		if _, err := s.Put(t.Context(), key, []byte("ours"), objstore.Condition{}); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}

	if text, err := os.ReadFile(outside); err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestMovedFolders: each of the first three folders can be a link to another disk.
func TestMovedFolders(t *testing.T) {
	for _, moved := range []string{"p", "p/facts", "p/facts/f"} {
		root, disk := t.TempDir(), t.TempDir()
		s, err := Open(root)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(s.File(moved)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(disk, s.File(moved)); err != nil {
			t.Fatal(err)
		}

		keys := []string{"p/facts/f/2020/g1/a", "p/facts/f/2020/g2/a", "p/facts/f/2021/g1/a"}
		for _, key := range keys {
			if _, err := s.Put(t.Context(), key, []byte("x"), objstore.Condition{IfNoneMatch: true}); err != nil {
				t.Fatal(err)
			}
		}

		if _, err := os.Stat(filepath.Join(disk, strings.TrimPrefix(keys[0], moved))); err != nil {
			t.Errorf("%s: %v", moved, err)
		}

		list := func() (got []string) {
			for _, prefix := range []string{"", "p/", "p/fa", "p/facts/f/"} {
				infos, err := s.List(t.Context(), prefix)
				if err != nil {
					t.Fatal(err)
				}
				for _, info := range infos {
					got = append(got, info.Key)
				}
			}
			return got
		}
		if got := list(); !slices.Equal(got, slices.Repeat(keys, 4)) {
			t.Errorf("%s: lists %q", moved, got)
		}

		for prefix, want := range map[string]string{"": "_hindcast p", "p/": "facts", "p/facts/": "f", "p/facts/f/": "2020 2021"} {
			if got, err := s.Folders(t.Context(), prefix); err != nil || strings.Join(got, " ") != want {
				t.Errorf("%s: folders of %q: %q, %v", moved, prefix, got, err)
			}
		}

		if _, err := s.Folder("p/facts/f/2022/g1/"); err != nil {
			t.Errorf("%s: %v", moved, err)
		}
		if err := s.DeleteAll(t.Context(), "p/facts/f/2020/g1/"); err != nil {
			t.Errorf("%s: %v", moved, err)
		}
		if got := list(); !slices.Equal(got, slices.Repeat(keys[1:], 4)) {
			t.Errorf("%s: lists %q", moved, got)
		}
	}
}

// TestPermissions: new files are private, unless the lake's folder says otherwise.
func TestPermissions(t *testing.T) {
	for name, c := range map[string]struct{ root, folder, file fs.FileMode }{
		"new": {0, 0o700, 0o600}, "of the user's alone": {0o700, 0o700, 0o600}, "shared": {0o750, 0o750, 0o640},
	} {
		root := filepath.Join(t.TempDir(), "lake")
		if c.root != 0 {
			if err := os.Mkdir(root, c.root); err != nil {
				t.Fatal(err)
			}
		}

		s, err := Open(root)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(t.Context(), "a/b/c/d/e", nil, objstore.Condition{IfNoneMatch: true}); err != nil {
			t.Fatal(err)
		}

		log, err := s.Append(t.Context(), "a/log")
		if err != nil {
			t.Fatal(err)
		}

		_ = log.Close()
		err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}

			info, err := entry.Info()
			want := c.file
			if entry.IsDir() {
				want = c.folder
			}
			if err == nil && info.Mode().Perm() != want {
				t.Errorf("%s: %s has %v, want %v", name, path, info.Mode().Perm(), want)
			}

			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
