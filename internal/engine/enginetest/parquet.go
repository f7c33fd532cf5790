package enginetest

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// Parquet writes the rows of a SELECT as a Parquet file, as hindcast does.
func Parquet(t *testing.T, path, statement string) {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(duck.CopyStatement(statement, path)); err != nil {
		t.Fatal(err)
	}
}

// Query runs DuckDB's SQL over the files as `result`; values by comma, rows by line.
func Query(t *testing.T, files []hindcast.File, text string) string {
	t.Helper()
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("CREATE TABLE result AS FROM read_parquet(" + duck.Strings(paths) + ")"); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (" + text + ")")
	if err != nil {
		t.Fatal(err)
	}
	return Lines(t, rows, func(v sql.NullString) string {
		if !v.Valid {
			return "<nil>"
		}
		return v.String
	})
}

// Lines are rows of texts, which it closes: values by comma, each as show has it, rows by line.
func Lines(t *testing.T, rows *sql.Rows, show func(sql.NullString) string) string {
	t.Helper()
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		values, to := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		fields := make([]string, len(values))
		for i, v := range values {
			fields[i] = show(v)
		}
		lines = append(lines, strings.Join(fields, ","))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
