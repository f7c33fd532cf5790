package file

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Sweep removes what dead writers left below the prefix, and nothing else: not what is young or being written, no
// object, nothing outside, and nothing behind a link unless a folder may have been moved to another disk there.
func TestSweep(t *testing.T) {
	root, elsewhere, disk := t.TempDir(), t.TempDir(), t.TempDir()
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}

	old := time.Now().Add(-time.Hour)
	plant := func(path string, at time.Time) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}

		return path
	}
	dead := []string{plant(filepath.Join(root, "ours/.tmp-A"), old), plant(filepath.Join(root, "ours/deep/er/.tmp-B"), old),
		plant(filepath.Join(disk, ".tmp-E"), old), plant(filepath.Join(disk, "below/.tmp-F"), old)}
	alive := []string{plant(filepath.Join(root, "ours/object"), old), plant(filepath.Join(root, "ours/.tmp-young"), time.Now()),
		plant(filepath.Join(root, "users/.tmp-C"), old), plant(filepath.Join(elsewhere, ".tmp-D"), old), plant(filepath.Join(root, "ours/.other"), old)}
	for link, to := range map[string]string{"ours/moved": disk, "ours/deep/er/link": elsewhere, "ours/.tmp-link": filepath.Join(elsewhere, ".tmp-D")} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}

	writing, err := s.stage(filepath.Join(root, "ours"), nothing{}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writing.Close() }()

	if err := os.Chtimes(writing.Name(), old, old); err != nil {
		t.Fatal(err)
	}

	alive = append(alive, writing.Name())
	for range 2 {
		if err := s.Sweep(t.Context(), "ours/", nil); err != nil {
			t.Fatal(err)
		}
	}

	for _, path := range dead {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}

	for _, path := range alive {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
	}

	if err := s.Sweep(t.Context(), "nowhere/", nil); err != nil {
		t.Errorf("a prefix that is not there: %v", err)
	}
	if err := s.Sweep(t.Context(), "../", nil); err == nil {
		t.Error("a prefix outside the root is swept")
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
