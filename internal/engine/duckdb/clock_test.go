package duckdb_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// Texts that are times elsewhere and not in DuckDB are refused when the plan is made, not where a row first needs them.
func TestWordsThatAreNoTimes(t *testing.T) {
	w := newSparseWorld(t)
	bind := func(sql string, checks ...engine.Check) *hindcast.Error {
		_, err := w.runner.Bind(t.Context(), engine.Query{SQL: sql, File: "x.sql", Tables: w.tables, TimeZone: "UTC"}, checks)
		return hindcast.AsError(err)
	}
	for value, instead := range map[string]string{
		"CAST('now' AS timestamp)":                        "write localtimestamp,",
		"'Now'::timestamptz":                              "write now(),",
		"TIMESTAMP ' now '":                               "write localtimestamp,",
		"'now'::time":                                     "write localtime,",
		"DATE 'today'":                                    "write current_date,",
		"'tomorrow'::timestamp":                           "write CAST(current_date + 1 AS TIMESTAMP),",
		"CAST('yesterday' AS date)":                       "write current_date - 1,",
		"coalesce(NULL, 'today'::date)":                   "write current_date,",
		"(SELECT 'now'::TIMESTAMP_NS)":                    "write localtimestamp,",
		"list_transform([1], lambda x: 'now'::timestamp)": "write localtimestamp,",
	} {
		e := bind("SELECT id,\n  " + value + " AS t FROM facts")
		if e == nil || e.Code != hindcast.ESQL || !strings.HasPrefix(e.Next, instead) || e.Place.Line != 2 {
			t.Errorf("%s: %+v", value, e)
		}
	}

	for _, value := range []string{"'epoch'::timestamp", "'infinity'::timestamp", "'now'", "TRY_CAST('now' AS timestamp)", "'2024-01-01'::date"} {
		if e := bind("SELECT id, " + value + " AS t FROM facts"); e != nil {
			t.Errorf("%s: %v", value, e)
		}
	}
	late := engine.Check{Check: hindcast.Check{Name: "late", SQL: "SELECT * FROM result WHERE id > 'now'::date"}}
	if e := bind("SELECT id FROM facts", late); e == nil || e.Code != hindcast.ESQL || !strings.Contains(e.Message, "'now' is not a DATE") {
		t.Errorf("in a check: %v", e)
	}
}
