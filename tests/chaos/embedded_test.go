package chaos_test

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/demo"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/lease"
)

// embedded is the default: a DuckDB file and a folder, on one machine.
type embedded struct {
	base string // the pipeline's folder is in it, and TMPDIR
}

// newEmbedded makes the demo's tables and pipeline.
func newEmbedded(t *testing.T, base string) site {
	t.Helper()
	s := embedded{base}.made(t)
	options := demo.Options{Path: demo.WarehousePath(s.dir()), Slices: tables, Rows: rows}
	if _, err := demo.Generate(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Files(s.dir(), options); err != nil {
		t.Fatal(err)
	}

	return s
}

func (s embedded) made(t *testing.T) embedded {
	t.Helper()
	for _, dir := range []string{s.dir(), s.temporary()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}

	return s
}

func (s embedded) dir() string       { return filepath.Join(s.base, "pipeline") }
func (s embedded) temporary() string { return filepath.Join(s.base, "tmp") }
func (s embedded) objects() string   { return filepath.Join(s.dir(), "lake") }

func (s embedded) fork(t *testing.T, base string, _ int) site {
	t.Helper()
	copied := embedded{base}.made(t)
	copyTree(t, s.dir(), copied.dir())
	return copied
}

func (s embedded) machines() []machine {
	return []machine{{dir: s.dir(), env: []string{"TMPDIR=" + s.temporary()}}}
}

func (s embedded) density() float64 { return 0.33 }

func (s embedded) strikes() []strike {
	return []strike{{5, (*trial).stop}, {7, (*trial).freeze}, {7, (*trial).second}, {81, (*trial).kill}}
}

func (s embedded) pardons(*trial, int, string) (string, bool) { return "", false }

func (s embedded) slices() int { return tables }

func (s embedded) vary(*trial) {}

func (s embedded) rest(*trial) {}

func (s embedded) settle(*trial) {}

func (s embedded) ttl() time.Duration { return lease.DefaultTTL }

func (s embedded) silenced() func() { return func() {} }

func (s embedded) late() bool { return false }

func (s embedded) strays(*trial) []string { return nil }

func (s embedded) places() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{s.dir(): regexp.MustCompile(`^(` + ownFiles + `|warehouse\.duckdb(\.wal)?|lake/(` + objects +
		`|_hindcast/\.locks/\d\d|_hindcast/cloud_costs/runs/\w+/journal-\d+\.jsonl))$`)}
}

func (s embedded) check(c *trial) { empty(c, s.temporary()) }

func (s embedded) keep(*trial) {} // all of it is in the trial's folder

// open waits until the kernel has let go of the warehouse's file for a process that was killed: such a process has no environment any more,
// by which it would be found.
func (s embedded) open(t *testing.T, write bool) session {
	t.Helper()
	for deadline := time.Now().Add(burial); ; time.Sleep(2 * time.Millisecond) {
		db, err := duck.Open(t.Context(), duck.Options{Path: demo.WarehousePath(s.dir()), ReadOnly: !write})
		if err == nil {
			db.SetMaxOpenConns(1) // temporary views belong to a session
			return duckSession{db}
		}
		if hindcast.AsError(err).Code != hindcast.EWarehouseBusy || time.Now().After(deadline) {
			t.Fatalf("opening the warehouse: %v", err)
		}
	}
}

type duckSession struct{ db *sql.DB }

func (s duckSession) close() { _ = s.db.Close() }

func (s duckSession) ask(t *testing.T, query string) [][]string {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer rows.Close()

	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}

	var all [][]string
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}

		if err := rows.Scan(into...); err != nil {
			t.Fatalf("%v\n%s", err, query)
		}

		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
			if !v.Valid {
				row[i] = "NULL"
			}
		}

		all = append(all, row)
	}

	if err := rows.Err(); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}

	return all
}

// empty: nothing is left in a folder.
func empty(c *trial, dir string) {
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		c.Errorf("left in %s: %v (%v)", dir, left, err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}

		copied := filepath.Join(to, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			return os.MkdirAll(copied, 0o755)
		}

		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}

		return os.WriteFile(copied, content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
