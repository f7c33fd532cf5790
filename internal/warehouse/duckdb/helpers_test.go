package duckdb_test

import (
	"database/sql"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// A hook, and a session, may give the instance fewer threads than it has, though its helpers were sent away until then. Hooks end their
// connection, so that the second load is another session.
func TestFewerThreadsForALoad(t *testing.T) {
	for _, session := range [][]string{nil, {"SET threads = 1"}} {
		path := create(t, "CREATE TABLE result (day DATE); CREATE TABLE seen (v VARCHAR)")
		w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, Session: session})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = w.Close() }()
		target, columns := hindcast.Target{Table: "result", Time: "day"}, []hindcast.Column{{Name: "day", Type: "DATE"}}
		if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		l := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1},
			Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: "2020-01-01", Interval: warehousetest.January}, Attempt: 1, Columns: columns}}
		for _, threads := range []string{"1", "3"} {
			l.Hooks.Before = []string{"SET threads = " + threads, "INSERT INTO seen SELECT current_setting('threads')"}
			if _, err := l.Into(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		direct(t, path, func(db *sql.DB) {
			if got := rows(t, db, "SELECT string_agg(v, ' ' ORDER BY v) FROM seen"); got != "1 3" {
				t.Errorf("with the session %v the hooks saw %s threads", session, got)
			}
		})
	}
}
