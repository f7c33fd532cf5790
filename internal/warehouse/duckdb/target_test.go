package duckdb_test

import (
	"database/sql"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// Generated columns are told from those with a default, whatever they are called and whatever stands beside them.
func TestGeneratedColumnsAreFound(t *testing.T) {
	path := create(t, `CREATE TABLE v (a INTEGER DEFAULT 5, data INTEGER GENERATED ALWAYS AS (a + 1), note VARCHAR DEFAULT 'x, y',
		price DECIMAL(18,2) GENERATED ALWAYS AS (a * 1.5), "odd ""n" INTEGER GENERATED ALWAYS AS (a))`)
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	tables, err := w.Describe(t.Context(), []string{"v"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, c := range tables["v"].Columns {
		got[c.Name] = c.Generated
	}
	want := map[string]bool{"a": false, "data": true, "note": false, "price": true, `odd "n`: true}
	if !maps.Equal(got, want) {
		t.Errorf("generated: %v, want %v", got, want)
	}
}

// The status row says what is in the target, also where a hook changed it after the insert: else the next plan
// would take the slice for edited, for ever.
func TestStatusRowsAreOfTheTargetAfterTheHooks(t *testing.T) {
	path := create(t, "CREATE TABLE result (day DATE, total INTEGER)")
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	target := hindcast.Target{Table: "result", Time: "day"}
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "total", Type: "INTEGER"}}
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "s.parquet")
	warehousetest.Parquet(t, file, "SELECT DATE '2020-01-05' + CAST(range AS INTEGER) AS day, CAST(range AS INTEGER) AS total FROM range(3)")
	c, err := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1},
		Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: "2020-01-01", Interval: warehousetest.January}, Attempt: 1, Columns: columns, Files: warehousetest.Files(file), Rows: 3, Hooks: hindcast.Load{After: []string{"DELETE FROM result WHERE total = 0", "UPDATE result SET total = total * 10"}}}}.Into(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	published, err := w.Published(t.Context(), warehouse.Published{Target: target, Columns: columns, Intervals: []hindcast.Interval{warehousetest.January}})
	if err != nil {
		t.Fatal(err)
	}
	if is := published[0]; c.Sums.Rows != 2 || c.Sums.Totals["total"] != "30" || is.Rows != c.Sums.Rows || is.Content != c.Sums.Content {
		t.Errorf("the status row says %+v, the target holds %+v", c.Sums, is)
	}
}

// What a hook does to its session ends with its load: temporary tables, variables, SET.
func TestHooksLeaveNothingInTheSession(t *testing.T) {
	path := create(t, "CREATE TABLE result (day DATE, total INTEGER); CREATE TABLE seen (v VARCHAR)")
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	target := hindcast.Target{Table: "result", Time: "day"}
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "total", Type: "INTEGER"}}
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	hooks := hindcast.Load{Before: []string{"INSERT INTO seen SELECT getvariable('v')",
		"CREATE TEMP TABLE x AS SELECT 1 AS n", "SET VARIABLE v = 'mine'"}}
	for i, in := range []hindcast.Interval{warehousetest.January, warehousetest.February, warehousetest.January} {
		l := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1},
			Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: in.Start.Format(time.DateOnly), Interval: in}, Attempt: i + 1, Columns: columns, Hooks: hooks}}
		if _, err := l.Into(t.Context(), w); err != nil {
			t.Fatalf("load %d: %v", i+1, err)
		}
		l.Hooks = hindcast.Load{Before: []string{"CREATE TEMP TABLE x AS SELECT 1 AS n", "SET VARIABLE v = 'lost'", "SELECT * FROM nosuch"}}
		if _, err := l.Into(t.Context(), w); err == nil || hindcast.AsError(err).Code != hindcast.EHook {
			t.Fatalf("load %d of a bad hook: %v", i+1, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	direct(t, path, func(db *sql.DB) {
		if got := rows(t, db, "SELECT count(*), count(v) FROM seen"); got != "3,0" {
			t.Errorf("loads and those that saw another's variable: %s", got)
		}
	})
}

// A large insert that fails says why, and leaves the instance as it was.
func TestALargeInsertThatFails(t *testing.T) {
	path := create(t, "CREATE TABLE result (day DATE, total INTEGER); CREATE TABLE seen (v VARCHAR)")
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	target := hindcast.Target{Table: "result", Time: "day"}
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "total", Type: "BIGINT"}}
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "s.parquet")
	warehousetest.Parquet(t, file, "SELECT DATE '2020-01-05' AS day, range * 100000 AS total FROM range(150000)")
	l := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1},
		Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: "2020-01-01", Interval: warehousetest.January}, Attempt: 1, Columns: columns, Files: warehousetest.Files(file), Rows: 150_000}}
	_, err = l.Into(t.Context(), w)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EOverflow || e.Class != hindcast.ClassPermanent {
		t.Errorf("got %+v", e)
	}
	l.Files, l.Rows, l.Hooks.Before = nil, 0, []string{"INSERT INTO seen SELECT current_setting('preserve_insertion_order')"}
	if _, err := l.Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	direct(t, path, func(db *sql.DB) {
		if got := rows(t, db, "SELECT v FROM seen"); got != "false" {
			t.Errorf("preserve_insertion_order is %s afterwards", got)
		}
	})
}

// The ALTER TABLE that is proposed for a civil time says in which zone, of whichever precision it is.
func TestCivilTimesAreAlteredInTheHistorysZone(t *testing.T) {
	for _, typ := range []string{"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"} {
		path := create(t, "CREATE TABLE result (t "+typ+"); INSERT INTO result VALUES ('2020-06-01 00:30')")
		w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		found, err := w.Describe(t.Context(), []string{"result"})
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		_, err = warehouse.Fit("result", "", "America/New_York", found["result"].Columns, []hindcast.Column{{Name: "t", Type: "TIMESTAMP WITH TIME ZONE"}})
		if err == nil {
			t.Errorf("an instant fits %s", typ)
			continue
		}
		alter, _, _ := strings.Cut(hindcast.AsError(err).Next, ";")
		db, err := sql.Open("duckdb", path)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if _, err = db.Exec("SET TimeZone = 'Asia/Tokyo'; " + alter); err == nil {
			err = db.QueryRow("SELECT strftime(t AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M') FROM result").Scan(&got)
		}
		_ = db.Close()
		if got != "2020-06-01 04:30" || err != nil {
			t.Errorf("%s gives %s, want 2020-06-01 04:30; %v", alter, got, err)
		}
	}
}
