package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast/internal/config"
)

// Relative paths start at the pipeline file's folder, wherever the program was started.
func TestPathsStartAtTheFile(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/good/issue.yml")
	if err != nil {
		t.Fatal(err)
	}

	for name, body := range map[string]string{"hindcast.yml": string(text), "cost_summary.sql": "SELECT 1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	p, err := config.Load(t.Context(), filepath.Join(dir, "hindcast.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Warehouse.Path != filepath.Join(dir, "warehouse.duckdb") || p.Lake.Path != filepath.Join(dir, "lake") {
		t.Errorf("warehouse %s, lake %s", p.Warehouse.Path, p.Lake.Path)
	}
}
