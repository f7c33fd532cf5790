//go:build unix

package redshifttest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// duckdb writes and reads Parquet: each argument is a statement, whose rows it prints as JSON.
const duckdb = `
for statement in sys.argv[1:]:
    print(json.dumps(sql.execute(statement).fetchall(), default=str))
`

// COPY converts nothing: what a file says of a column has to be what the table says. The files are DuckDB's.
func TestColumnsOfFiles(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	cases := []struct{ column, value, options, copy, refused string }{
		{"boolean", "true", "", "", ""},
		{"smallint", "1::SMALLINT", "", "", ""},
		{"smallint", "1::INTEGER", "", "", "Column type: SMALLINT, Parquet schema: required int32 v [i:0 d:0 r:0]"},
		{"integer", "1::INTEGER", "", "", ""},
		{"integer", "1::BIGINT", "", "", "Column type: INTEGER, Parquet schema: required int64 v"},
		{"bigint", "1::BIGINT", "", "", ""},
		{"bigint", "1::INTEGER", "", "", "Column type: BIGINT, Parquet schema: required int32 v"},
		{"bigint", "1::UBIGINT", "", "", "Column type: BIGINT"},
		{"real", "0.5::FLOAT", "", "", ""},
		{"real", "0.5::DOUBLE", "", "", "Column type: REAL"},
		{"double precision", "0.1::DOUBLE", "", "", ""},
		{"decimal(38,2)", "1.5::DECIMAL(38,2)", "", "", ""},
		{"decimal(38,2)", "1.5::DECIMAL(38,3)", "", "", "Column type: DECIMAL(38, 2)"},
		{"decimal(18,2)", "1.5::DECIMAL(18,2)", "", "", "Column type: DECIMAL(18, 2), Parquet schema: required int64 v"},
		{"decimal(20,2)", "1.5::DECIMAL(20,2)", "", "", "Column type: DECIMAL(20, 2), Parquet schema: required fixed_len_byte_array v"}, // of 16 bytes, not 9
		{"date", "DATE '1969-12-31'", "", "", ""},
		{"date", "TIMESTAMP '2024-01-01 00:00:00'", "", "", "Column type: DATE"},
		{"timestamp", "TIMESTAMP '1969-12-31 23:59:59.5'", ", WRITE_TIMESTAMP_AS_INT96 true", "", ""},
		{"timestamp", "TIMESTAMP '2024-01-01 00:00:00'", "", "", "Column type: TIMESTAMP, Parquet schema: required int64 v"},
		{"varchar(4)", "'ümla'::VARCHAR", "", "", "The length of the data column v is longer than the length defined in the table. Table: 4, Data: 5"},
		{"varchar(5)", "'ümla'::VARCHAR", "", "", ""},
		{"varchar(5)", "1::INTEGER", "", "", "Column type: VARCHAR(5)"},
		{"varbyte(4)", "'ab'::BLOB", "", "", ""},
		{"super", "'{}'::VARCHAR", "", "", "SUPER column in COPY query requires SERIALIZETOJSON option"},
		{"super", "'{}'::VARCHAR", "", "SERIALIZETOJSON", ""},
		{"integer", "1::INTEGER AS v, 2::INTEGER AS w", "", "", "Table columns: 1, Data columns: 2"},
		{"integer", "'x'::VARCHAR", "", "", "Column type: INTEGER, Parquet schema: required byte_array v"},
	}

	dir := t.TempDir()
	var statements []string
	for i, c := range cases {
		value := c.value
		if !strings.Contains(value, " AS ") {
			value += " AS v"
		}
		statements = append(statements, fmt.Sprintf("COPY (SELECT %s) TO 'case%d.parquet' (FORMAT PARQUET%s)", value, i, c.options))
	}
	pythontest.DuckDB2(t, dir, duckdb, statements...)

	for i, c := range cases {
		name := fmt.Sprintf("case%d.parquet", i)
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s.put(t, name, string(body))
		table := fmt.Sprintf("t%d", i)
		pgtest.Query(t, conn, "CREATE TABLE "+table+" (v "+c.column+")")
		_, err = conn.Exec(t.Context(), s.load(table, name, c.copy)).ReadAll()
		if c.refused == "" {
			if err != nil {
				t.Errorf("%s from %s: %v", c.column, c.value, err)
			}
			continue
		}

		if err == nil {
			t.Errorf("%s from %s: no error", c.column, c.value)
			continue
		}
		rows := pgtest.Query(t, conn, "SELECT trim(file_name), trim(error_message), error_code FROM sys_load_error_detail ORDER BY query_id DESC LIMIT 1")
		if rows[0][0] != "s3://"+s.bucket+"/"+name || !strings.Contains(rows[0][1], c.refused) || rows[0][2] != "15007" {
			t.Errorf("%s from %s: got %q", c.column, c.value, rows)
		}
	}
}

// Another reader finds in UNLOAD's files what was unloaded, in the types that Redshift writes.
func TestFilesOfUnload(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	pgtest.Query(t, conn, source)
	pgtest.Query(t, conn, s.unload("SELECT *, json_parse('{\"a\": 1}') AS doc FROM source WHERE i4 <> 4 ORDER BY i4", "out/", "PARALLEL OFF"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.parquet"), s.get(t, "out/000.parquet"), 0o600); err != nil {
		t.Fatal(err)
	}

	out := strings.Split(pythontest.DuckDB2(t, dir, duckdb, "SELECT name, type, CASE WHEN type LIKE 'FIXED%' THEN type_length END, repetition_type, converted_type FROM parquet_schema('f.parquet') WHERE num_children IS NULL",
		"SELECT * FROM 'f.parquet'", "SELECT DISTINCT compression FROM parquet_metadata('f.parquet')"), "\n")
	want := []string{
		`[["b", "BOOLEAN", null, "OPTIONAL", null], ["i2", "INT32", null, "OPTIONAL", "INT_16"], ["i4", "INT32", null, "OPTIONAL", null], ["i8", "INT64", null, "OPTIONAL", null], ` +
			`["f4", "FLOAT", null, "OPTIONAL", null], ["f8", "DOUBLE", null, "OPTIONAL", null], ["n", "FIXED_LEN_BYTE_ARRAY", "8", "OPTIONAL", "DECIMAL"], ` +
			`["big", "FIXED_LEN_BYTE_ARRAY", "16", "OPTIONAL", "DECIMAL"], ["c", "BYTE_ARRAY", null, "OPTIONAL", "UTF8"], ["v", "BYTE_ARRAY", null, "OPTIONAL", "UTF8"], ` +
			`["d", "INT32", null, "OPTIONAL", "DATE"], ["ts", "INT96", null, "OPTIONAL", null], ["tz", "INT96", null, "OPTIONAL", null], ["doc", "BYTE_ARRAY", null, "OPTIONAL", "UTF8"]]`,
		`[[true, -1, 2, 9007199254740993, 0.5, -0.1, "-12345.67", "1234567890123456789012345678901234.5678", "ab ", "it's \\ \"q\"", "1969-12-31", "1969-12-31 23:59:59.999999", ` +
			`"2024-03-10 00:00:00.000001", "{\"a\": 1}"], [null, null, 3, null, null, null, null, null, null, null, null, null, null, "{\"a\": 1}"]]`,
		`[["SNAPPY"]]`,
	}
	for i := range want {
		if out[i] != want[i] {
			t.Errorf("got  %s\nwant %s", out[i], want[i])
		}
	}
}

// A manifest says what is loaded, and what must be there.
func TestManifestsOfCopy(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	pgtest.Query(t, conn, "CREATE TABLE a (i int, j int); CREATE TABLE b (j int, i int, k int)")
	pgtest.Query(t, conn, s.unload("SELECT 1 AS one, 2 AS two", "out/", "MANIFEST"))
	size := len(s.get(t, "out/0000_part_00.parquet"))
	entry := func(key string, more map[string]any) map[string]any {
		more["url"] = "s3://" + s.bucket + "/" + key
		return more
	}
	length := map[string]any{"content_length": size}
	for _, c := range []struct {
		name    string
		entries []map[string]any
		refused string
	}{
		{"whole", []map[string]any{entry("out/0000_part_00.parquet", map[string]any{"meta": length, "mandatory": true})}, ""},
		{"without meta", []map[string]any{entry("out/0000_part_00.parquet", map[string]any{})}, "File entry does not have 'meta' key."},
		{"another length", []map[string]any{entry("out/0000_part_00.parquet", map[string]any{"meta": map[string]any{"content_length": size - 1}})}, "Spectrum Scan Error"},
		{"a missing one", []map[string]any{entry("out/0000_part_00.parquet", map[string]any{"meta": length}), entry("gone", map[string]any{"meta": length})}, ""},
		{"a missing mandatory one", []map[string]any{entry("gone", map[string]any{"meta": length, "mandatory": true})}, "Mandatory url is not present in manifest file."},
		{"none that exists", []map[string]any{entry("gone", map[string]any{"meta": length})}, "Manifest file contained no files that exist"},
	} {
		text, err := json.Marshal(map[string]any{"entries": c.entries})
		if err != nil {
			t.Fatal(err)
		}
		s.put(t, "list", string(text))
		if c.refused == "" {
			pgtest.Query(t, conn, s.load("a", "list", "MANIFEST"))
		} else if said := refused(t, conn, s.load("a", "list", "MANIFEST")); said.Message != c.refused {
			t.Errorf("%s: got %v", c.name, said)
		}
	}

	if rows := pgtest.Query(t, conn, "SELECT count(*), sum(i), sum(j) FROM a"); fmt.Sprint(rows) != "[[2 2 4]]" {
		t.Errorf("got %v", rows)
	}
	pgtest.Query(t, conn, s.load("b (i, j)", "out/0000", ""))
	if rows := pgtest.Query(t, conn, "SELECT i, j, k FROM b"); fmt.Sprint(rows) != "[[1 2 NULL]]" {
		t.Errorf("got %v", rows)
	}
	if said := refused(t, conn, strings.Replace(s.load("a", "out/0000", ""), "role/", "role/other-", 1)); !strings.Contains(said.Message, "is not authorized to assume IAM Role") {
		t.Errorf("got %v", said)
	}
	if said := refused(t, conn, s.load("a", "none/", "")); said.Message != "The specified S3 prefix 'none/' does not exist" {
		t.Errorf("got %v", said)
	}
	refused(t, conn, s.load("a", "out/", "")) // the manifest is not data
}

// The role's right to S3 can end while a statement runs.
func TestExpiry(t *testing.T) {
	s := start(t)
	var expired atomic.Value // an operation
	s.Endpoint = s.s3.Proxy(t, func(r s3test.Request) s3test.Fault {
		if r.Op == expired.Load() && strings.HasSuffix(r.Key, "0001_part_00.parquet") {
			return s3test.Expired
		}
		return s3test.None
	}).Endpoint
	conn := s.connect(t)
	pgtest.Query(t, conn, "CREATE TABLE a (i int); INSERT INTO a VALUES (1), (2)")
	pgtest.Query(t, conn, s.unload("SELECT i FROM a", "out/", "MANIFEST"))

	expired.Store("GET")
	if said := refused(t, conn, s.load("a", "out/manifest", "MANIFEST")); !strings.HasPrefix(said.Message, "S3ServiceException:") || !strings.Contains(said.Message, "ExpiredToken") {
		t.Errorf("got %v", said)
	}
	expired.Store("PUT")
	if said := refused(t, conn, s.unload("SELECT i FROM a", "again/", "MANIFEST")); !strings.Contains(said.Message, "ExpiredToken") {
		t.Errorf("got %v", said)
	}
	if got := s.keys(t, "again/"); len(got) != 1 || got[0] != "again/0000_part_00.parquet" {
		t.Errorf("got %v", got)
	}
	if rows := pgtest.Query(t, conn, "SELECT count(*) FROM a"); rows[0][0] != "2" {
		t.Errorf("got %v", rows)
	}
}
