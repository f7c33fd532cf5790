package duckdb_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// hourly are replacements of so many hours of a target, each of as many rows as its number.
func hourly(t *testing.T, hours int, typ, zone string) (warehouse.Publication, hindcast.Target, []hindcast.Column) {
	t.Helper()
	target := hindcast.Target{Table: "result", Time: "at"}
	columns := []hindcast.Column{{Name: "at", Type: typ}, {Name: "k", Type: "INTEGER"}}
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	p := warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1}
	for i := range hours {
		in := hindcast.Interval{Start: time.Date(2021, 5, 1, i, 0, 0, 0, location), End: time.Date(2021, 5, 1, i+1, 0, 0, 0, location)}
		from := "CAST('2021-05-01 00:00:00' AS TIMESTAMP) + to_hours(%d) + to_minutes(range)"
		if typ != "TIMESTAMP" {
			from = "timezone('" + zone + "', " + from + ")"
		}
		file := filepath.Join(t.TempDir(), "staged.parquet")
		warehousetest.Parquet(t, file, fmt.Sprintf("SELECT "+from+" AS \"at\", CAST(%d + range AS INTEGER) AS k FROM range(%d)", i, 100*i, i))
		p.Replacements = append(p.Replacements, warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: fmt.Sprint("hour ", i), Interval: in},
			TimeZone: zone, Attempt: 1, Print: "p", Columns: columns, Files: warehousetest.Files(file), Rows: int64(i)})
	}
	return p, target, columns
}

// Slices that share statements have each what is its own, by local times and by instants.
func TestSlicesShareStatements(t *testing.T) {
	for _, typ := range []string{"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"} {
		w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: create(t, "SELECT 1")})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = w.Close() }()
		p, target, columns := hourly(t, 20, typ, "Europe/Berlin")
		if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		for _, run := range []string{"r1", "r2"} { // the second one replaces what the first one put there
			p.Run = run
			rows, err := w.Publish(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range rows {
				sums, err := w.Published(t.Context(), warehouse.Published{Target: target, Columns: columns, Intervals: []hindcast.Interval{c.Slice.Interval}, TimeZone: "Europe/Berlin"})
				if err != nil || c.Sums.Rows != int64(i) || c.Publication != run || !sums[0].Agrees(c.Sums) || sums[0].Content != c.Sums.Content {
					t.Errorf("%s: %s says %+v, and has %+v, %v", typ, c.Slice.Key, c.Sums, sums, err)
				}
			}
		}
	}
}

// Where one of many breaks a rule of the target, or its files are not what was staged, the error names it, and nothing is published.
func TestWhichOfManyIsToBlame(t *testing.T) {
	for what, change := range map[string]func(*warehouse.Publication){
		"duplicate key \"300\"": func(p *warehouse.Publication) {
			warehousetest.Parquet(t, p.Replacements[5].Files[0].Path, "SELECT TIMESTAMP '2021-05-01 05:00:00' + to_minutes(range) AS \"at\", CAST(300 + range AS INTEGER) AS k FROM range(5)")
		},
		"the staged files hold 5 rows, their manifest says 4": func(p *warehouse.Publication) { p.Replacements[5].Rows = 4 },
		"5 rows inserted for the slice, and 4 in result": func(p *warehouse.Publication) {
			warehousetest.Parquet(t, p.Replacements[5].Files[0].Path, "SELECT TIMESTAMP '2021-05-01 05:00:00' + to_minutes(15 * range) AS \"at\", CAST(range AS INTEGER) AS k FROM range(5)")
		},
	} {
		path := create(t, "CREATE TABLE result (\"at\" TIMESTAMP, k INTEGER UNIQUE)")
		w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		p, target, columns := hourly(t, 9, "TIMESTAMP", "UTC")
		if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		change(&p)
		_, err = w.Publish(t.Context(), p)
		if err == nil || !strings.Contains(err.Error(), "hour 5 of result: ") || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		direct(t, path, func(db *sql.DB) {
			if got := rows(t, db, "SELECT (SELECT count(*) FROM result), (SELECT count(*) FROM hindcast_status)"); got != "0,0" {
				t.Errorf("%s: %s rows are there", what, got)
			}
		})
	}
}

// Totals that do not fit, or might not, are left out of slices that have them, as where a slice is published alone.
func TestSlicesShareStatementsOfLargeValues(t *testing.T) {
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: create(t, "SELECT 1")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	target := hindcast.Target{Table: "result", Time: "day"}
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "DECIMAL(38,0)"}}
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	p := warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1}
	for i, n := range []string{"1", strings.Repeat("9", 38), "3"} {
		start := time.Date(2021, 5, 1+i, 0, 0, 0, 0, time.UTC)
		file := filepath.Join(t.TempDir(), "staged.parquet")
		warehousetest.Parquet(t, file, fmt.Sprintf("SELECT DATE '2021-05-%02d' AS day, CAST('%s' AS DECIMAL(38,0)) AS n FROM range(2)", 1+i, n))
		p.Replacements = append(p.Replacements, warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: n, Interval: hindcast.Interval{Start: start, End: start.AddDate(0, 0, 1)}},
			TimeZone: "UTC", Attempt: 1, Print: "p", Columns: columns, Files: warehousetest.Files(file), Rows: 2})
	}
	rows, err := w.Publish(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2", "", "6"} {
		if c := rows[i]; c.Sums.Totals["n"] != want || c.Sums.Rows != 2 {
			t.Errorf("%s has %+v, want the total %q", c.Slice.Key, c.Sums, want)
		}
	}
}
