package duckdb_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// The SQL reaches nothing but its tables, however it is spelled: neither what the engine may not open, nor what it may
// because results and journal lie there too.
func TestSQLReadsItsTablesOnly(t *testing.T) {
	w := newSparseWorld(t)
	note := filepath.Join(string(w.from), "note.txt")
	if err := os.WriteFile(note, []byte("a;b\n1;2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	quoted := duck.String(note)
	serialized := serialize(t, "SELECT content AS id FROM read_text("+quoted+")")
	parquet := duck.String(filepath.Join(string(w.from), "days.parquet"))
	for _, sql := range []string{
		"SELECT * FROM json_execute_serialized_sql(" + serialized + ")",
		"SELECT id FROM facts WHERE EXISTS (FROM json_execute_serialized_sql(" + serialized + "))",
		"SELECT content AS id FROM read_text(" + quoted + ")",
		"SELECT (SELECT content FROM read_text(" + quoted + ")) AS id",
		"SELECT * FROM read_text(" + quoted + ") WHERE false",
		"SELECT * FROM query('FROM read_text(''' || " + quoted + " || ''')')",
		"SELECT * FROM query_table(" + parquet + ")",
		"SELECT * FROM query('FROM ' || 'read' || '_text(''" + note + "'')')",
		"SELECT * FROM " + parquet,
		"SELECT * FROM \"" + note + "\"",
		"SELECT * FROM read_csv(" + quoted + ")",
		"SELECT * FROM read_csv(" + quoted + ", columns = {'c': 'STRUCT(a INTEGER)'})", // fails where it is bound
		"SELECT * FROM parquet_scan(" + parquet + ")",
		"SELECT * FROM read_blob(" + quoted + ")",
		"SELECT * FROM parquet_metadata(" + parquet + ")",
		"SELECT * FROM glob(" + duck.String(string(w.from)+"/*") + ")",
		"SELECT * FROM duckdb_secrets()",
		"SELECT * FROM duckdb_settings()",
		"WITH x AS MATERIALIZED (FROM read_text(" + quoted + ")) SELECT f.id FROM facts f LEFT JOIN x ON true",
		"SELECT f.id FROM facts f, LATERAL (SELECT * FROM read_text(" + quoted + "))",
		"FROM force_checkpoint()",
	} {
		q := engine.Query{SQL: sql, File: "x.sql", Tables: w.tables, TimeZone: "UTC"}
		_, err := w.runner.Bind(t.Context(), q, nil)
		forbidden(t, "transform: "+sql, err)
		_, err = w.runner.Query(t.Context(), w.over(t, sql, nil), engine.Limits{}, 0)
		forbidden(t, "by hand: "+sql, err)
		fine := engine.Query{SQL: "SELECT id FROM facts", Tables: w.tables, TimeZone: "UTC"}
		_, err = w.runner.Bind(t.Context(), fine, []engine.Check{{Check: hindcast.Check{Name: "own", SQL: sql}}})
		forbidden(t, "check: "+sql, err)
		_, err = w.runner.Bind(t.Context(), fine, []engine.Check{{Check: hindcast.Check{Name: "own", Total: &hindcast.TotalCheck{Of: "id", Equals: "SELECT count(*) FROM (" + sql + ")"}}}})
		forbidden(t, "equals: "+sql, err)
	}
}

// A refusal says the true reason and a way out of it.
func TestRefusalsSayWhy(t *testing.T) {
	w := newSparseWorld(t)
	for sql, want := range map[string][2]string{
		"SELECT * FROM read_csv('x.csv')":                 {"the SQL reads files by itself: read_csv", "`files:`"},
		"SELECT * FROM query('FROM read_csv(''x.csv'')')": {"the SQL builds SQL while it runs, so that what it reads cannot be known before: query", "out"},
		"SELECT * FROM duckdb_settings()":                 {"the SQL asks for the state of the engine's own process, which is not the same in each slice: duckdb_settings", "`params:`"},
		"SELECT * FROM pg_catalog.pg_class":               {"the SQL asks for the state of the engine's own process, which is not the same in each slice: duckdb_", "`params:`"},
		"SELECT * FROM pragma_database_size()":            {"the SQL asks for the state of the engine's own process, which is not the same in each slice: pragma_database_size", "`params:`"},
		"SELECT * FROM test_all_types()":                  {"the SQL uses what is neither a fact nor a dimension, nor known to read nothing else: test_all_types", "functions of values"},
		"SELECT * FROM sqlite_scan('x.db', 'orders')":     {"the SQL reads another database by itself: sqlite_scan", "`table:`"},
	} {
		_, err := w.runner.Bind(t.Context(), engine.Query{SQL: sql, File: "x.sql", Tables: w.tables, TimeZone: "UTC"}, nil)
		e := hindcast.AsError(err)
		if e == nil || e.Code != hindcast.ESQLAccess || !strings.HasPrefix(e.Message, want[0]) || !strings.Contains(e.Next, want[1]) {
			t.Errorf("%s: %v", sql, e)
		}
	}
}

func forbidden(t *testing.T, what string, err error) {
	t.Helper()
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ESQLAccess || e.Class != hindcast.ClassPermanent {
		t.Errorf("%s: got %v", what, err)
	} else if strings.Contains(e.Error(), "1;2") {
		t.Errorf("%s: the error shows what it read: %v", what, err)
	}
}

// A check is one SELECT, as the transform is: nothing runs while it is bound.
func TestCheckIsOneSelect(t *testing.T) {
	w := newSparseWorld(t)
	left := filepath.Join(string(w.from), "left.csv")
	for _, c := range []hindcast.Check{
		{Name: "two", SQL: "SELECT 1 WHERE false; COPY (SELECT 1) TO " + duck.String(left)},
		{Name: "none", SQL: "COPY (SELECT 1) TO " + duck.String(left)},
		{Name: "more", Total: &hindcast.TotalCheck{Of: "id", Equals: "SELECT 1) AS b); COPY (SELECT 1) TO " + duck.String(left) + "; SELECT 1, (SELECT (SELECT 1"}},
	} {
		q := engine.Query{SQL: "SELECT id FROM facts", Tables: w.tables, TimeZone: "UTC"}
		_, err := w.runner.Bind(t.Context(), q, []engine.Check{{Check: c}})
		if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ESQLNotSelect || !strings.Contains(e.Message, c.Name) {
			t.Errorf("%s: got %v", c.Name, err)
		}
		if _, err := os.Stat(left); err == nil {
			t.Fatalf("%s: it ran", c.Name)
		}
	}
}

// What reaches no file stays possible, and a name that only looks like a file's is a name.
func TestHarmlessFunctions(t *testing.T) {
	w := newSparseWorld(t)
	for _, sql := range []string{
		"SELECT i AS id FROM range(3) r(i), generate_series(1, 2), unnest([1, 2])", "WITH \"a/b*.csv\" AS (SELECT id FROM facts) SELECT id FROM \"a/b*.csv\"",
		"SELECT facts.id, x.value FROM facts, json_each('[1, 2]') AS x", "SELECT f.id FROM facts f, LATERAL (SELECT * FROM range(f.id % 3))", "SELECT unnest([1, 2]) AS id",
		"SELECT * FROM (VALUES (1), (2)) AS v(id)", "SELECT 'read_text(1)' AS id", "SELECT id FROM facts TABLESAMPLE 10 ROWS",
	} {
		if _, err := w.runner.Bind(t.Context(), engine.Query{SQL: sql, Tables: w.tables, TimeZone: "UTC"}, nil); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}

	for _, sql := range []string{"FROM (DESCRIBE facts)", "FROM (SUMMARIZE facts)", "FROM (SHOW TABLES)", "FROM facts", "SELECT table_name FROM information_schema.tables"} {
		if _, err := w.runner.Query(t.Context(), w.over(t, sql, nil), engine.Limits{}, 0); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func serialize(t *testing.T, sql string) string {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var text string
	if err := db.QueryRow("SELECT CAST(json_serialize_sql(" + duck.String(sql) + ") AS VARCHAR)").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return duck.String(text)
}
