package cache

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
)

func TestAdoptedFilesAreNotFetched(t *testing.T) {
	s := newStore()
	f := s.put("facts/a.parquet", "not Parquet, but whole")
	f.ETag = etag("not Parquet, but whole")
	c, err := Open(filepath.Join(t.TempDir(), "cache"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}

	written := filepath.Join(t.TempDir(), "written")
	if err := os.WriteFile(written, []byte("not Parquet, but whole"), 0o600); err != nil {
		t.Fatal(err)
	}

	c.Adopt(t.Context(), s, f, written)
	if _, err := os.Stat(written); !os.IsNotExist(err) {
		t.Errorf("the file is where it was: %v", err)
	}

	paths, release, err := c.Local(t.Context(), s, []hindcast.File{f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()

	if text, err := os.ReadFile(paths[0]); err != nil || string(text) != "not Parquet, but whole" || s.gets != 0 {
		t.Errorf("%q, %v after %d reads of the store", text, err, s.gets)
	}

	// A copy that is shorter than what was written is not taken.
	g := s.put("facts/b.parquet", "whole")
	if err := os.WriteFile(written, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}

	c.Adopt(t.Context(), s, g, written)
	paths, let, err := c.Local(t.Context(), s, []hindcast.File{g}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer let()

	if text, err := os.ReadFile(paths[0]); err != nil || string(text) != "whole" || s.gets == 0 {
		t.Errorf("%q, %v after %d reads of the store", text, err, s.gets)
	}
}
