package duckdb

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast/internal/warehouse"
)

// A small file is read by one thread, unless more than it may be read, or it may be written.
func TestThreadsOfASmallFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		tables string
		o      Options
		one    bool
		plain  bool // helpers stay away from an unload of one row group
	}{
		{"tables alone", "CREATE TABLE t (i INT)", Options{ReadOnly: true}, true, true},
		{"a view", "CREATE VIEW v AS SELECT 1 AS i", Options{ReadOnly: true}, false, false},
		{"a session of the user's", "CREATE TABLE t (i INT)", Options{ReadOnly: true, Session: []string{"SET preserve_insertion_order = false"}}, false, false},
		{"to load into", "CREATE TABLE t (i INT)", Options{}, false, true},
		{"to load into, with a view", "CREATE VIEW v AS SELECT 1 AS i", Options{}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Path = filepath.Join(t.TempDir(), "w.duckdb")
			db, err := sql.Open("duckdb", c.o.Path)
			if err != nil {
				t.Fatal(err)
			}
			var usual int // which is 1 on a machine of one core
			if _, err := db.Exec(c.tables); err != nil {
				t.Fatal(err)
			}
			if err := db.QueryRow("SELECT current_setting('threads')").Scan(&usual); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}

			w, err := NewOwner(t.Context(), c.o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}()
			want, got := usual, 0
			if c.one {
				want = 1
			}
			if err := w.db.QueryRowContext(t.Context(), "SELECT current_setting('threads')").Scan(&got); err != nil || got != want {
				t.Errorf("%d threads, want %d, %v", got, want, err)
			}

			whole, cut := warehouse.Extract{Table: "t"}, warehouse.Extract{Table: "t", Time: "at"}
			if got := w.inOneTask(whole, rowGroup); got != c.plain {
				t.Errorf("a table of one row group is one thread's: %v, want %v", got, c.plain)
			}
			if w.inOneTask(whole, rowGroup+1) || w.inOneTask(cut, 1) {
				t.Error("a table of two row groups, or what is looked for in one, is one thread's")
			}
		})
	}
}
