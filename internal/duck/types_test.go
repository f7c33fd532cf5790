package duck_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// A folder above the lake, or above the user's own files, may be named like a column: what stands in the files counts.
// Folders that the user's pattern names give columns.
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

// pyarrow and polars leave NaN out of a column's statistics, and rows are found by these: testdata/nan.parquet says that
// its scores end with 3.
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

// DuckDB's own writer keeps no statistics of a column that has NaN: what hindcast writes needs no such care.
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
