package duck_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// A folder above the lake, or above the user's own files, may be named like a column: only what is in the files counts.
// Folders that the user's pattern names do give columns.
func TestFoldersNamedLikeColumns(t *testing.T) {
	ctx := context.Background()
	base := filepath.Join(t.TempDir(), "region=eu")
	dir := filepath.Join(base, "team=a%20b+c", "kind=__HIVE_DEFAULT_PARTITION__", "it's [x]*?{y}")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := duck.Open(ctx, duck.Options{Allowed: []string{base}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	copied, err := duck.Copy(ctx, conn, "SELECT 'us' AS region, 'own' AS filename", dir)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{copied.Files[0].Path}
	region := []hindcast.Column{{Name: "region", Type: "VARCHAR"}}
	folders := []hindcast.Column{{Name: "team", Type: "VARCHAR", Folder: base}, {Name: "kind", Type: "VARCHAR", Folder: base}, {Name: "none", Type: "BIGINT", Folder: base},
		{Name: "region", Type: "VARCHAR", Folder: base}}
	for query, want := range map[string]string{
		duck.FromParquet(region, files): "us",
		duck.FromUsersParquet(region, []hindcast.Layout{{Columns: []string{"region", "filename"}, Files: files}}):                                                         "us",
		"SELECT concat_ws('|', team, kind, none, region) FROM (" + duck.FromUsersParquet(folders, []hindcast.Layout{{Columns: []string{"filename"}, Files: files}}) + ")": "a b+c",
		duck.FromUsersParquet([]hindcast.Column{{Name: "filename", Type: "VARCHAR"}, folders[0]},
			[]hindcast.Layout{{Columns: []string{"filename"}, Files: files}}) + " ORDER BY team": "own",
	} {
		var got, second any
		dest := []any{&got, &second}
		rows, err := conn.QueryContext(ctx, query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		names, _ := rows.Columns()
		if !rows.Next() || rows.Scan(dest[:len(names)]...) != nil || got != want {
			t.Errorf("%s: %v, %v; want %q", query, got, rows.Err(), want)
		}
		_ = rows.Close()
	}
}

// pyarrow and polars omit NaN from a column's statistics, which readers use to skip rows: testdata/nan.parquet claims
// that its largest score is 3.
func TestRowsOfNaNAreFoundInTheUsersFiles(t *testing.T) {
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	columns := []hindcast.Column{{Name: "score", Type: "DOUBLE"}, {Name: "inner", Type: "STRUCT(score FLOAT)"}}
	from := duck.FromUsersParquet(columns, []hindcast.Layout{{Columns: []string{"score", "inner"}, Files: []string{"testdata/nan.parquet"}}})
	for _, condition := range []string{"score > 100", `"inner".score > 100`, "score = (SELECT max(score) FROM (" + from + "))"} {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM (" + from + ") WHERE " + condition).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", condition, n, err)
		}
	}
}

// DuckDB's own writer keeps no statistics for a column with NaN: hindcast's own files need no such care.
func TestOurOwnFilesTellNaN(t *testing.T) {
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	path := filepath.Join(t.TempDir(), "nan.parquet")
	rows := "SELECT unnest(['NaN'::DOUBLE, 1, 3]) AS score, unnest([{'score': 'NaN'::FLOAT}, {'score': 1}, {'score': 3}]) AS \"inner\""
	if _, err := db.Exec(duck.CopyStatement(rows, path)); err != nil {
		t.Fatal(err)
	}
	from := duck.FromParquet([]hindcast.Column{{Name: "score", Type: "DOUBLE"}, {Name: "inner", Type: "STRUCT(score FLOAT)"}}, []string{path})
	for _, condition := range []string{"score > 100", `"inner".score > 100`} {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM (" + from + ") WHERE " + condition).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", condition, n, err)
		}
	}
}

// What a column is compared with is found whatever a Bloom filter says, in files of the user's own and in a lake that an earlier
// version wrote: -0 by 0 and 0 by -0, and bytes that are not text.
func TestBloomFiltersHideNoRows(t *testing.T) {
	db := opened(t)
	path := filepath.Join(t.TempDir(), "bloom.parquet")
	if _, err := db.Exec(`COPY (SELECT if(i % 2 = 0, -0.0::DOUBLE, 1.5) AS d, if(i % 2 = 0, 0.0::FLOAT, 1.5) AS f, if(i % 2 = 0, '\x00\xFF'::BLOB, 'b') AS b
		FROM range(10000) r(i)) TO ` + duck.String(path) + " (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	if n := asked(t, db, "SELECT count(bloom_filter_offset) FROM parquet_metadata("+duck.String(path)+")"); n != "3" {
		t.Fatalf("%s columns have a Bloom filter", n)
	}

	narrow := []hindcast.Column{{Name: "d", Type: "DOUBLE"}, {Name: "f", Type: "FLOAT"}, {Name: "b", Type: "BLOB"}}
	wide := []hindcast.Column{{Name: "d", Type: "DOUBLE"}, {Name: "f", Type: "DOUBLE"}, {Name: "b", Type: "BLOB"}}
	layouts := []hindcast.Layout{{Columns: []string{"d", "f", "b"}, Files: []string{path}}}
	for name, from := range map[string]string{"the lake's": duck.FromParquet(narrow, []string{path}),
		"the user's": duck.FromUsersParquet(narrow, layouts), "the user's, wider": duck.FromUsersParquet(wide, layouts)} {
		for _, condition := range []string{"d = 0.0", "d = -0.0::DOUBLE", "f = 0", "f = -0.0::FLOAT", "d IN (0.0)", "d = (SELECT 0.0::DOUBLE)", "f = d AND d = 0.0",
			`b = '\x00\xFF'::BLOB`, `b IN ('\x00\xFF'::BLOB)`, "b = (SELECT min(b) FROM (" + from + "))"} {
			if n := asked(t, db, "SELECT count(*) FROM ("+from+") WHERE "+condition); n != "5000" {
				t.Errorf("%s: %s finds %s of 5000 rows", name, condition, n)
			}
		}
		if values := asked(t, db, "SELECT min(d)::VARCHAR || ' ' || min(f)::VARCHAR || ' ' || min(b)::VARCHAR FROM ("+from+")"); values != `-0.0 0.0 \x00\xFF` {
			t.Errorf("%s: the values are %s", name, values)
		}
	}
}

// Other programs with DuckDB 1.5 find the same rows in our files.
func TestOurFilesHaveNoBloomFilter(t *testing.T) {
	db := opened(t)
	path := filepath.Join(t.TempDir(), "ours.parquet")
	if _, err := db.Exec(duck.CopyStatement(`SELECT if(i % 2 = 0, -0.0::DOUBLE, 1.5) AS d, '\x00'::BLOB AS b FROM range(10000) r(i)`, path)); err != nil {
		t.Fatal(err)
	}
	for _, condition := range []string{"d = 0.0", `d < 1 AND b = '\x00'::BLOB`} {
		if n := asked(t, db, "SELECT count(*) FROM read_parquet("+duck.String(path)+") WHERE "+condition); n != "5000" {
			t.Errorf("%s finds %s of 5000 rows", condition, n)
		}
	}
}

func opened(t *testing.T) *sql.DB {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// asked is the one value that a query gives, as text.
func asked(t *testing.T, db *sql.DB, query string) (value string) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
