package duckdb_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
)

const boundsTables = `CREATE TABLE "T" (d DATE, "At" TIMESTAMP, z TIMESTAMPTZ, s TIMESTAMP_S, n TIMESTAMP_NS, none DATE);
	SET TimeZone='Europe/Berlin';
	INSERT INTO "T" VALUES ('2020-01-02', '2020-01-02 03:04:05.678901', '2020-07-01 00:00:00', '2020-01-02 03:04:05', '2020-01-02 03:04:05', NULL),
		('infinity', '-infinity', NULL, NULL, NULL, NULL),
		('1969-12-31', '2021-01-01', '2020-07-02 00:00:00', '2020-01-02 03:04:06', '2020-01-02 03:04:06', NULL);`

func TestBounds(t *testing.T) {
	path := create(t, boundsTables)
	client, err := duckdb.Open(t.Context(), ownerSpec(), duckdb.Options{Path: path, ReadOnly: true, TimeZone: "Asia/Tokyo"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	cases := []struct{ column, first, last string }{
		{"d", "1969-12-31T00:00:00Z", "2020-01-02T00:00:00Z"},
		{"At", "2020-01-02T03:04:05.678901Z", "2021-01-01T00:00:00Z"},
		{"z", "2020-06-30T22:00:00Z", "2020-07-01T22:00:00Z"},
		{"s", "2020-01-02T03:04:05Z", "2020-01-02T03:04:06Z"},
		{"n", "2020-01-02T03:04:05Z", "2020-01-02T03:04:06Z"},
		{"none", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	}
	var bounder warehouse.Inspector = client
	for _, c := range cases {
		first, last, err := bounder.Bounds(t.Context(), "T", c.column)
		if err != nil {
			t.Errorf("%s: %v", c.column, err)
			continue
		}
		if a, b := first.Format(time.RFC3339Nano), last.Format(time.RFC3339Nano); a != c.first || b != c.last {
			t.Errorf("%s: got %s to %s, want %s to %s", c.column, a, b, c.first, c.last)
		}
	}
}

// A name that Tables gives leads back to its table.
func TestTablesAreSpelledSoThatTheyAreFound(t *testing.T) {
	path := create(t, `CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."T.x" (i INT); CREATE TABLE "q""uo" (i INT); CREATE TABLE "Plain Name" (i INT)`)
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	tables, err := w.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 3 {
		t.Fatalf("got %d tables, want 3", len(tables))
	}
	for _, table := range tables {
		found, err := w.Describe(t.Context(), []string{table.Name})
		if err != nil || len(found) != 1 {
			t.Errorf("%s (%s): found %d, %v", table.Name, duck.Table(table.Name), len(found), err)
		}
	}
}

// A name can say the database: DuckDB takes what stands before its first dot for a schema or for a database.
func TestNamesWithADatabase(t *testing.T) {
	path := create(t, `CREATE SCHEMA s; CREATE TABLE b_2020 (i INT, j TEXT); CREATE TABLE s.b_2021 (i INT); CREATE SCHEMA b_2022`)
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	database := duck.Name(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	for pattern, want := range map[string]string{
		database + ".main.b_{yyyy}": database + ".main.b_2020",
		database + ".b_{yyyy}":      database + ".b_2020",
		database + ".s.b_{yyyy}":    database + ".s.b_2021",
		"main.b_{yyyy}":             "main.b_2020",
		"s.b_{yyyy}":                "s.b_2021",
		"b_{yyyy}":                  "b_2020",
		"other.main.b_{yyyy}":       "",
	} {
		names, err := w.Named(t.Context(), pattern)
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%s: got %q, want %q, %v", pattern, got, want, err)
		}
		found, err := w.Describe(t.Context(), names)
		if err != nil || len(found) != len(names) || want != "" && len(found[want].Columns) == 0 {
			t.Errorf("%s leads to %+v, %v", pattern, found, err)
		}
	}
}
