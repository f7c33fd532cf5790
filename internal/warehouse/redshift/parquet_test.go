package redshift

import (
	"database/sql"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

func database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// value is one of a column of a target, in DuckDB's SQL.
type extremes struct {
	source   string // the target's type in Redshift
	typ      string // the same in DuckDB's spelling
	physical string // what COPY takes
	values   []string
}

var shapes = map[string]extremes{
	"small":    {"smallint", "SMALLINT", "INT32", []string{"-32768", "32767", "0"}},
	"whole":    {"integer", "INTEGER", "INT32", []string{"-2147483648", "2147483647", "0"}},
	"big":      {"bigint", "BIGINT", "INT64", []string{"-9223372036854775808", "9223372036854775807", "0"}},
	"single":   {"real", "FLOAT", "FLOAT", []string{"-3.4028235e38", "1e-45", "-0.0"}},
	"double":   {"double precision", "DOUBLE", "DOUBLE", []string{"-1.7976931348623157e308", "5e-324", "0.1"}},
	"yes":      {"boolean", "BOOLEAN", "BOOLEAN", []string{"true", "false", "true"}},
	"name":     {"character varying(10)", "VARCHAR", "BYTE_ARRAY", []string{"''", "'it''s \\ é'", "'😀'"}},
	"day":      {"date", "DATE", "INT32", []string{"'0001-01-01'", "'9999-12-31'", "'1969-12-31'"}},
	"moment":   {"timestamp without time zone", "TIMESTAMP", "INT96", []string{"'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'"}},
	"instant":  {"timestamp with time zone", instant, "INT96", []string{"'0001-01-01 00:00:00.000001+00'", "'9999-12-31 23:59:59.999999+00'", "'1969-12-31 23:59:59.999999+00'"}},
	"clock":    {"time without time zone", "TIME", "BYTE_ARRAY", []string{"'00:00:00'", "'23:59:59.999999'", "'12:00:00.5'"}},
	"document": {"super", "JSON", "BYTE_ARRAY", []string{`'{"a": [1, null]}'`, "'null'", "'\"x\"'"}},
	"d1":       {"numeric(1,0)", "DECIMAL(1,0)", "FIXED_LEN_BYTE_ARRAY(1)", []string{"-9", "9", "0"}},
	"d4":       {"numeric(4,2)", "DECIMAL(4,2)", "FIXED_LEN_BYTE_ARRAY(2)", []string{"-99.99", "99.99", "-0.01"}},
	"d9":       {"numeric(9,9)", "DECIMAL(9,9)", "FIXED_LEN_BYTE_ARRAY(4)", []string{"-0.999999999", "0.999999999", "0"}},
	"d18":      {"numeric(18,2)", "DECIMAL(18,2)", "FIXED_LEN_BYTE_ARRAY(8)", []string{"-9999999999999999.99", "9999999999999999.99", "-0.01"}},
	"d19":      {"numeric(19,0)", "DECIMAL(19,0)", "FIXED_LEN_BYTE_ARRAY(9)", []string{"-9999999999999999999", "9999999999999999999", "-1"}},
	"d38":      {"numeric(38,6)", "DECIMAL(38,6)", "FIXED_LEN_BYTE_ARRAY(16)", []string{"-99999999999999999999999999999999.999999", "99999999999999999999999999999999.999999", "-0.000001"}},
}

// Every type's extremes come out of what is written for COPY as they went in, in the shape that COPY takes, and in the order of the
// table's columns.
func TestShapesOfCopy(t *testing.T) {
	db := database(t)
	dir := t.TempDir()
	var columns []hindcast.Column
	var types []string
	rows := make([][]string, 4)
	for name, e := range shapes { // in any order: that of the file is another one than the table's
		c := columnOf(name, e.source)
		if c.Type != e.typ {
			t.Errorf("%s is known as %s", e.source, c.Type)
		}
		columns, types = append(columns, c), append(types, e.physical)
		for i := range rows {
			value := "NULL"
			if i < len(e.values) {
				value = e.values[i]
			}
			rows[i] = append(rows[i], fmt.Sprintf("CAST(%s AS %s) AS %s", value, e.typ, name))
		}
	}
	var selects []string
	for _, r := range rows {
		selects = append(selects, "SELECT "+strings.Join(r, ", "))
	}
	from, to := filepath.Join(dir, "from.parquet"), filepath.Join(dir, "to.parquet")
	if _, err := db.ExecContext(t.Context(), duck.CopyStatement(strings.Join(selects, " UNION ALL "), from)); err != nil {
		t.Fatal(err)
	}

	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	reversed := make([]hindcast.Column, len(columns))
	for i, c := range columns {
		reversed[len(columns)-1-i] = c
	}
	n, err := reshape(from, out, reversed, 0)
	if err != nil || n != 4 || out.Close() != nil {
		t.Fatalf("%d rows, %v", n, err)
	}

	i := len(columns) - 1
	schema, err := db.QueryContext(t.Context(), "SELECT name, type, type_length, repetition_type FROM parquet_schema('"+to+"') WHERE num_children IS NULL OR num_children = 0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = schema.Close() }()
	for ; schema.Next(); i-- {
		var name, typ, repetition string
		var length sql.NullString
		if err := schema.Scan(&name, &typ, &length, &repetition); err != nil {
			t.Fatal(err)
		}
		if typ == "FIXED_LEN_BYTE_ARRAY" {
			typ += "(" + length.String + ")"
		}
		if name != columns[i].Name || typ != types[i] || repetition != "OPTIONAL" {
			t.Errorf("column %d is %s %s %s, want %s %s", len(columns)-i, name, typ, repetition, columns[i].Name, types[i])
		}
	}
	if i != -1 || schema.Err() != nil {
		t.Errorf("%d columns are missing, %v", i+1, schema.Err())
	}

	for _, c := range columns {
		as := c.Name
		if c.Type == instant { // INT96 has no zone: the session's is UTC here
			as = "CAST(" + c.Name + " AT TIME ZONE 'UTC' AS VARCHAR)"
		}
		query := fmt.Sprintf("SELECT CAST(list(CAST(%s AS VARCHAR)) AS VARCHAR) FROM read_parquet('%s')", as, from)
		other := fmt.Sprintf("SELECT CAST(list(CAST(CAST(%s AS %s) AS VARCHAR)) AS VARCHAR) FROM read_parquet('%s')", c.Name, strings.TrimSuffix(c.Type, " WITH TIME ZONE"), to)
		var want, got string
		if err := db.QueryRowContext(t.Context(), query).Scan(&want); err != nil {
			t.Fatal(c.Name, err)
		}
		if err := db.QueryRowContext(t.Context(), other).Scan(&got); err != nil {
			t.Fatal(c.Name, err)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", c.Source, got, want)
		}
	}

	totals := map[string]*big.Int{"d38": {}, "small": {}, "big": {}}
	if rows, err := contents(to, reversed, totals, nil); err != nil || rows != 4 || fixed(totals["d38"], 6) != "-0.000001" || fixed(totals["big"], 0) != "-1" || fixed(totals["small"], 0) != "-1" {
		t.Errorf("the file holds %d rows, %v, %v", rows, totals, err)
	}
}

// What holds for all texts of a file is read from it.
func TestFactsOfAFile(t *testing.T) {
	db := database(t)
	path := filepath.Join(t.TempDir(), "a.parquet")
	if _, err := db.ExecContext(t.Context(), "COPY (SELECT * FROM (VALUES ('a b', 'x ', 'é', 1), ('', NULL, 'e', 2), (NULL, 'y', ' z', 3)) t(plain, blank, wide, n)) TO '"+path+"' (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	columns := []hindcast.Column{{Name: "plain", Type: "VARCHAR"}, {Name: "blank", Type: "VARCHAR"}, {Name: "wide", Type: "VARCHAR"}, {Name: "n", Type: "INTEGER"}}
	facts := plain(columns)
	want := map[string]hindcast.Facts{"plain": {NoBlanks: true, ASCII: true}, "blank": {ASCII: true}, "wide": {NoBlanks: true}}
	if rows, err := contents(path, columns, nil, facts); err != nil || rows != 3 || !maps.Equal(facts, want) {
		t.Errorf("got %d rows, %+v, %v; want %+v", rows, facts, err, want)
	}
}

// A value that the target's column cannot hold is named, and nothing is cut.
func TestValuesThatDoNotFit(t *testing.T) {
	db := database(t)
	for _, c := range []struct{ value, file, source string }{
		{"32768", "INTEGER", "smallint"},
		{"2147483648", "BIGINT", "integer"},
		{"10", "DECIMAL(2,0)", "numeric(1,0)"},
		{"99999999999999999999999999999999", "DECIMAL(38,0)", "numeric(38,7)"},
		{"TIMESTAMP_NS '2020-01-01 00:00:00.000000001'", "TIMESTAMP_NS", "timestamp without time zone"},
	} {
		path := filepath.Join(t.TempDir(), "from.parquet")
		if _, err := db.ExecContext(t.Context(), duck.CopyStatement("SELECT CAST("+c.value+" AS "+c.file+") AS n", path)); err != nil {
			t.Fatal(err)
		}
		_, err := reshape(path, &strings.Builder{}, []hindcast.Column{columnOf("n", c.source)}, 0)
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EOverflow || !strings.Contains(e.Message, `column "n"`) {
			t.Errorf("%s into %s: %v", c.value, c.source, err)
		}
	}

	path := filepath.Join(t.TempDir(), "from.parquet")
	if _, err := db.ExecContext(t.Context(), duck.CopyStatement("SELECT [1] AS n", path)); err != nil {
		t.Fatal(err)
	}
	_, err := reshape(path, &strings.Builder{}, []hindcast.Column{columnOf("n", "super")}, 0)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EType {
		t.Errorf("a list: %v", err)
	}
}

// BenchmarkReshape writes 200,000 rows of ten columns for COPY.
func BenchmarkReshape(b *testing.B) {
	db, err := duck.Open(b.Context(), duck.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	path := filepath.Join(b.TempDir(), "from.parquet")
	query := `SELECT i AS id, i::INTEGER AS n, (i / 7)::DECIMAL(18,2) AS cost, (i * 3)::DECIMAL(38,6) AS total, 'account ' || i % 100 AS account, 'text ' || i AS note,
		DATE '2020-01-01' + (i % 365)::INTEGER AS day, TIMESTAMP '2020-01-01' + to_seconds(i) AS moment, i % 2 = 0 AS yes, i / 3.0::DOUBLE AS ratio FROM range(200000) r(i)`
	if _, err := db.ExecContext(b.Context(), duck.CopyStatement(query, path)); err != nil {
		b.Fatal(err)
	}
	var columns []hindcast.Column
	for _, c := range [][2]string{{"id", "bigint"}, {"n", "integer"}, {"cost", "numeric(18,2)"}, {"total", "numeric(38,6)"}, {"account", "character varying(20)"}, {"note", "character varying(20)"},
		{"day", "date"}, {"moment", "timestamp without time zone"}, {"yes", "boolean"}, {"ratio", "double precision"}} {
		columns = append(columns, columnOf(c[0], c[1]))
	}
	for b.Loop() {
		if n, err := reshape(path, io.Discard, columns, 0); err != nil || n != 200000 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(200000*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
