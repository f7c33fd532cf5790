package duckdb_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// What is not a SELECT is called by its name, where it stands, with what to write instead.
func TestStatementsThatAreNotSelects(t *testing.T) {
	w := newSparseWorld(t)
	pivot, known := "PIVOT without IN finds its columns in the data", "IN ('a', 'b')"
	for sql, want := range map[string]struct {
		says, next string
		column     int
	}{
		"PIVOT facts ON id USING count(*)":                               {pivot, known, 1},
		"SELECT * FROM (PIVOT facts ON id USING count(*))":               {pivot, known, 16},
		"WITH p AS (PIVOT facts ON id USING count(*)) SELECT * FROM p":   {pivot, known, 12},
		"WITH p AS (FROM facts) PIVOT_WIDER p ON id USING count(*)":      {pivot, known, 24},
		"INSERT INTO x SELECT * FROM (PIVOT facts ON id USING count(*))": {"this is INSERT", "leave the SELECT only", 1},
		"WITH a(b) AS (SELECT 1), c AS (FROM a) INSERT INTO x FROM c":    {"this is INSERT", "leave the SELECT only", 40},
		"/* DELETE */ WITH a AS (SELECT 'INSERT') DELETE FROM x":         {"this is DELETE", "leave the SELECT only", 42},
		"CREATE TABLE x AS SELECT 1 AS id":                               {"this is CREATE", "leave the SELECT only", 1},
		"  summarize facts":                                              {"this is SUMMARIZE", "SELECT … FROM (SUMMARIZE …)", 3},
		"DESCRIBE SELECT 1":                                              {"this is DESCRIBE", "SELECT … FROM (DESCRIBE …)", 1},
		"SHOW TABLES":                                                    {"this is SHOW", "SELECT … FROM (SHOW …)", 1},
		"EXPLAIN SELECT 1":                                               {"this is EXPLAIN", "leave EXPLAIN out", 1},
		"SET threads = 1":                                                {"this is SET", "leave the SELECT only", 1},
	} {
		_, err := w.runner.Bind(t.Context(), engine.Query{SQL: sql, File: "x.sql", Tables: w.tables, TimeZone: "UTC"}, nil)
		e := hindcast.AsError(err)
		if e == nil || e.Code != hindcast.ESQLNotSelect || !strings.Contains(e.Message, want.says) || !strings.Contains(e.Next, want.next) || e.Place.Column != want.column {
			t.Errorf("%s: %v, at %d, next: %s", sql, e, e.Place.Column, e.Next)
		}
	}
}

// Whatever gives rows is a query, however it begins, and by hand also what shows something.
func TestStatementsThatGiveRows(t *testing.T) {
	w := newSparseWorld(t)
	for _, sql := range []string{"FROM facts", "FROM facts SELECT id", "TABLE facts", "VALUES (1)", "(SELECT id FROM facts)", "PIVOT facts ON id IN (1, 2) USING count(*)",
		"UNPIVOT (SELECT id FROM facts) ON id", "WITH a AS (FROM facts) FROM a", "SELECT * FROM (SUMMARIZE facts)", "SELECT * FROM (DESCRIBE facts)"} {
		if _, err := w.runner.Bind(t.Context(), engine.Query{SQL: sql, Tables: w.tables, TimeZone: "UTC"}, nil); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}

	for _, sql := range []string{"DESCRIBE facts", "SUMMARIZE facts;", "SHOW TABLES", "PIVOT (FROM facts ORDER BY id LIMIT 3) ON id USING count(*)", "DESCRIBE SELECT id FROM facts"} {
		if rows, err := w.runner.Query(t.Context(), w.over(t, sql, nil), engine.Limits{}, 0); err != nil || len(rows.Values) == 0 {
			t.Errorf("%s: %d rows, %v", sql, len(rows.Values), err)
		}
	}
	for _, sql := range []string{"INSERT INTO facts SELECT 1", "WITH a AS (SELECT 1) DELETE FROM facts", "EXPLAIN SELECT 1", "SET threads = 1"} {
		if _, err := w.runner.Query(t.Context(), w.over(t, sql, nil), engine.Limits{}, 0); err == nil || hindcast.AsError(err).Code != hindcast.ESQLNotSelect {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
