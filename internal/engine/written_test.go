package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast/internal/engine"
)

// Files at any depth count, and a folder that is not there has none.
func TestWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, bytes := range map[string]int{"x": 3, "a/y": 5, "a/b/z": 7} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, bytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if n := engine.Written(dir); n != 15 {
		t.Errorf("%d bytes", n)
	}
	if n := engine.Written(filepath.Join(dir, "nowhere")); n != 0 {
		t.Errorf("%d bytes of a folder that is not there", n)
	}
}
