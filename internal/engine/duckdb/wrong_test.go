package duckdb_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/duckdb"
)

const wrongPage = "../../../docs/reference/duckdb.md"

var wrongRow = regexp.MustCompile("(?m)^\\| `([^`]+)`.*\\| `([^`]+)`[^`|]* \\|$")

// What the reference says of DuckDB's wrong answers is so: the first condition of each row misses or invents rows, and the
// one to write in its place finds the first row alone. If a later DuckDB is right, its row goes.
func TestWrongAnswers(t *testing.T) {
	page, err := os.ReadFile(wrongPage)
	if err != nil {
		t.Fatal(err)
	}
	conditions, _, _ := strings.Cut(string(page), "Three values")
	dir := t.TempDir()
	path := filepath.Join(dir, "v.parquet")
	writeParquet(t, path, `SELECT * FROM (VALUES (1, DATE '2024-03-10', TIMESTAMP '2024-06-12 10:00', TIMESTAMPTZ '2024-06-12 10:00:00+00'),
		(40000, DATE '2024-03-11', NULL, NULL), (-3, NULL, NULL, NULL)) v(n, d, ts, tz)`)
	r, err := duckdb.NewRunner(t.Context(), duckdb.RunnerOptions{Allowed: []string{dir}, Memory: 1 << 30, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	tables := []engine.Table{{Name: "v", Files: []string{path}, Columns: []hindcast.Column{
		{Name: "n", Type: "INTEGER"}, {Name: "d", Type: "DATE"}, {Name: "ts", Type: "TIMESTAMP"}, {Name: "tz", Type: "TIMESTAMP WITH TIME ZONE"}}}}
	finds := func(condition string) string {
		rows, err := r.Query(t.Context(), engine.Query{SQL: "SELECT CAST(list(n) AS VARCHAR) FROM v WHERE " + condition, Tables: tables, TimeZone: "UTC"}, engine.Limits{}, 0)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		if v := rows.Values[0][0]; v != nil {
			return *v
		}
		return "NULL"
	}

	known := wrongRow.FindAllStringSubmatch(conditions, -1)
	if len(known) < 4 {
		t.Fatalf("the page has %d conditions", len(known))
	}
	for _, row := range known {
		if got := finds(row[1]); got == "[1]" {
			t.Errorf("DuckDB %s is right about %s: take it off the page", duck.Version, row[1])
		}
		if got := finds(row[2]); got != "[1]" {
			t.Errorf("%s finds %s", row[2], got)
		}
	}

	for condition, right := range map[string]string{ // what the rows call likewise
		"date_trunc('hour', d) > DATE '2024-03-10'": "[40000]", "date_trunc('hour', d) <> DATE '2024-03-10'": "[40000]", "date_trunc('hour', d) <= DATE '2024-03-10'": "[1]",
		"date_trunc('quarter', ts) <> DATE '2024-06-12'": "[1]", "date_trunc('decade', ts) <> DATE '2024-06-12'": "[1]",
		"date_trunc('month', d) <> DATE '2024-03-10'":               "[1, 40000]",
		"date_trunc('day', ts) <> TIMESTAMP '2024-06-12 10:00:00'":  "[1]",
		"date_trunc('hour', ts) <> TIMESTAMP '2024-06-12 10:30:00'": "[1]",
		"TRY_CAST(n AS SMALLINT) <> 1":                              "[-3]",
	} {
		if got := finds(condition); got == right {
			t.Errorf("DuckDB %s is right about %s: take it off the page", duck.Version, condition)
		}
	}
	if got := finds("coalesce(TRY_CAST(n AS SMALLINT), 1) <> 1"); got != "[-3]" {
		t.Errorf("a failed cast as a value that the condition does not hold for finds %s", got)
	}
}

// What it says of values is so, too, and what is to be written in their place raises, is NULL, or is right.
func TestWrongValues(t *testing.T) {
	page, err := os.ReadFile(wrongPage)
	if err != nil {
		t.Fatal(err)
	}
	_, values, _ := strings.Cut(string(page), "Three values")
	known := wrongRow.FindAllStringSubmatch(values, -1)
	if len(known) != 3 {
		t.Fatalf("the page has %d values", len(known))
	}

	dir := t.TempDir()
	path := filepath.Join(dir, "v.parquet")
	writeParquet(t, path, "SELECT CAST(2147483647.5 AS DOUBLE) AS x, CAST(NULL AS DECIMAL(12,9)) AS d, 9007199254740993.5 AS e")
	r, err := duckdb.NewRunner(t.Context(), duckdb.RunnerOptions{Allowed: []string{dir}, Memory: 1 << 30, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	tables := []engine.Table{{Name: "v", Files: []string{path}, Columns: []hindcast.Column{{Name: "x", Type: "DOUBLE"}, {Name: "d", Type: "DECIMAL(12,9)"},
		{Name: "e", Type: "DECIMAL(17,1)"}}}}
	value := func(expression string) string {
		rows, err := r.Query(t.Context(), engine.Query{SQL: "SELECT CAST(" + expression + " AS VARCHAR) FROM v", Tables: tables, TimeZone: "UTC"}, engine.Limits{}, 0)
		switch {
		case err != nil && hindcast.AsError(err).Code == hindcast.EOverflow:
			return "too large"
		case err != nil:
			t.Fatalf("%s: %v", expression, err)
		case rows.Values[0][0] == nil:
			return "NULL"
		}
		return *rows.Values[0][0]
	}

	for i, want := range [][2]string{{"-2147483648", "too large"}, {"0", "NULL"}, {"9007199254740992.0", "9007199254740994.0"}} {
		if got := [2]string{value(known[i][1]), value(known[i][2])}; got != want {
			t.Errorf("DuckDB %s: %s is %s, and %s is %s; want %v", duck.Version, known[i][1], got[0], known[i][2], got[1], want)
		}
	}
}
