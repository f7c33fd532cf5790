package chaos_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/demo"
	"github.com/hindcast/hindcast/internal/duck"
)

const (
	tables   = 12
	rows     = 1000 // in each table
	pipeline = "cloud_costs"
)

// The states of the world that a trial's run may begin in.
const (
	fresh    = "nothing"     // no earlier run
	replace  = "other SQL"   // an earlier run with another parameter: nothing to unload, every row to replace
	refresh  = "other facts" // the source has changed as well and all of it is unloaded anew
	lostLake = "no lake"     // an earlier run whose lake is gone: the fence in the warehouse is higher than the lake's
)

var starts = []string{fresh, replace, refresh, refresh, lostLake}

// world is a prepared folder and what is known of it.
type world struct {
	dir    string
	rate   string
	span   time.Duration    // of an undisturbed run
	told   int64            // bytes in its journal
	before map[string]int64 // the target's rows by slice, before the run
}

// prepare makes a folder for each start, once; trials work on copies.
func prepare(t *testing.T) map[string]*world {
	t.Helper()
	base := t.TempDir()
	source := filepath.Join(base, "source")
	options := demo.Options{Path: demo.WarehousePath(source), Slices: tables, Rows: rows}
	if _, err := demo.Generate(context.Background(), options); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Files(source, options); err != nil {
		t.Fatal(err)
	}
	edit(t, source, "parallel: auto, memory: auto,", "parallel: 2, memory: 2GB, retry_wait: 10ms,")
	earlier := filepath.Join(base, "earlier")
	copyTree(t, source, earlier)
	calmly(t, earlier, "run")
	edit(t, earlier, "rate: 1.0", "rate: 2.0")
	worlds := map[string]*world{fresh: {dir: source, rate: "1.0"}}
	for name, change := range map[string]func(dir string){
		replace: func(string) {},
		refresh: func(dir string) {
			edit(t, dir, "settle: 45 days", "settle: 100 years")
			edit(t, dir, "refresh: 24h", "refresh: 0s")
			changeSource(t, dir)
		},
		lostLake: func(dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "lake")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		w := &world{dir: filepath.Join(base, strings.ReplaceAll(name, " ", "-")), rate: "2.0"}
		copyTree(t, earlier, w.dir)
		change(w.dir)
		w.before = published(t, w.dir)
		worlds[name] = w
	}
	for name, w := range worlds {
		calm := filepath.Join(base, "calm-"+strings.ReplaceAll(name, " ", "-"))
		copyTree(t, w.dir, calm)
		began := time.Now()
		calmly(t, calm, "run", "--id", "chaos")
		w.span, w.told = time.Since(began), journalSize(calm)
	}
	return worlds
}

// calmly runs one command of a world that is undisturbed.
func calmly(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), mark+"=calm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hindcast %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func program(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func edit(t *testing.T, dir, was, is string) {
	t.Helper()
	path := filepath.Join(dir, demo.PipelineFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), was) {
		t.Fatalf("%s holds no %q", path, was)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), was, is, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// changeSource edits facts and a dimension, and bills a line late.
func changeSource(t *testing.T, dir string) {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Path: demo.WarehousePath(dir)})
	if err != nil {
		t.Fatal(err)
	}
	for n := range tables {
		table := demo.TableName(n)
		for _, change := range []string{
			"UPDATE " + table + " SET cost = cost + 1 WHERE rowid % 7 = 0",
			"INSERT INTO " + table + " SELECT * FROM " + table + " WHERE rowid % 50 = 0",
			"UPDATE accounts SET segment = 'moved' WHERE rowid % 10 = 0",
		} {
			if _, err := db.ExecContext(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// journalSize is how much the run of the folder has journaled.
func journalSize(dir string) (size int64) {
	files, _ := filepath.Glob(filepath.Join(dir, "lake/_hindcast", pipeline, "runs", run, "journal-*"))
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			size += info.Size()
		}
	}
	return size
}
