package duckdb_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/duckdb"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
)

// A text that is not of its column's type is E-OVERFLOW with both named, as PostgreSQL reads texts and not as DuckDB does.
func TestTextsIntoOtherTypes(t *testing.T) {
	dir := t.TempDir()
	r, err := duckdb.NewRunner(t.Context(), duckdb.RunnerOptions{Allowed: []string{dir}, Memory: 1 << 30, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	path := filepath.Join(dir, "v.parquet")
	one := "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
	writeParquet(t, path, "SELECT CAST(column0 AS VARCHAR) AS t FROM (VALUES ('"+one+"')) AS v(column0)")
	year := hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)}
	facts := engine.Table{Name: "v", Files: []string{path}, Columns: []hindcast.Column{{Name: "t", Type: "VARCHAR"}}}

	for i, c := range []struct{ value, typ, want, message string }{
		{"t", "UUID", one, ""}, {"CAST(t AS UUID)", "UUID", one, ""}, {"NULL", "UUID", "NULL", ""}, {"nullif(t, t)", "UUID", "NULL", ""},
		{"upper(t)", "UUID", one, ""}, {"'{' || t || '}'", "UUID", one, ""}, {"replace(t, '-', '')", "UUID", one, ""},
		{"'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11'", "UUID", one, ""},
		{"t || '-'", "UUID", "", one + "-"}, {"'-' || t", "UUID", "", "-" + one}, {"replace(t, 'a0e', 'a-0e')", "UUID", "", "a-0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"'{' || t", "UUID", "", "{" + one}, {"t || '}'", "UUID", "", one + "}"}, {"CASE WHEN t > '' THEN 'not-a-uuid' ELSE t END", "UUID", "", "not-a-uuid"}, {"'x'", "UUID", "", "x"},
		{"t[1]", "ENUM('a', 'b')", "a", ""}, {"CAST(t[1] AS ENUM('a', 'b'))", "ENUM('a', 'b')", "a", ""}, {"t[2]", "ENUM('a', 'b')", "", "0"},
		{"'[' || t[2] || ']'", "JSON", "[0]", ""}, {"'[' || t[2]", "JSON", "", "[0"},
	} {
		work := engine.Work{Dir: filepath.Join(dir, "out", string(rune('a'+i))), Columns: []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "u", Type: c.typ}},
			Target: hindcast.Target{Table: "out", Time: "day"}, Slice: hindcast.Slice{Key: "2020", Interval: year},
			Query: engine.Query{SQL: "SELECT DATE '2020-01-01' AS day, " + c.value + " AS u FROM v", File: "x.sql", Tables: []engine.Table{facts}, TimeZone: "UTC"}}
		result, err := r.Run(t.Context(), work)
		if c.message == "" {
			if err != nil {
				t.Errorf("%s as %s: %v", c.value, c.typ, err)
			} else if got := enginetest.Query(t, result.Files, "SELECT coalesce(CAST(u AS VARCHAR), 'NULL') FROM result"); got != c.want {
				t.Errorf("%s as %s: %s, want %s", c.value, c.typ, got, c.want)
			}
			continue
		}
		kind, _, _ := strings.Cut(strings.Replace(c.typ, "ENUM", "the ENUM", 1), "(")
		want := "a text does not fit " + kind + `, the type of column "u": ` + c.message
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EOverflow || e.Class != hindcast.ClassPermanent || e.Message != want {
			t.Errorf("%s as %s: %v, want %s", c.value, c.typ, err, want)
		}
	}
}
