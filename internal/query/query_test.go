package query_test

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers/driverstest"
	"github.com/hindcast/hindcast/internal/query"
	"github.com/hindcast/hindcast/internal/session"
)

// The test binary is also the workers of its sessions.
func TestMain(m *testing.M) { driverstest.Main(m) }

// pipeline makes a folder with a warehouse of three months of sales.
func pipeline(t *testing.T) *hindcast.Pipeline {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"p.yml": `pipeline: p
warehouse: duckdb:w.duckdb
lake: ./lake
history: {from: 2020-01-01, to: 2020-04-01, every: 1 month}
facts: {sales: {table: sales, time: day}}
transform: {sql: totals.sql}
target: {table: totals, time: month}
`, "totals.sql": "SELECT CAST(:slice_start AS DATE) AS month, sum(n) AS n FROM sales"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("duckdb", filepath.Join(dir, "w.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE sales AS SELECT DATE '2020-01-01' + CAST(range AS INTEGER) AS day, 1 AS n FROM range(91)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := config.Load(t.Context(), filepath.Join(dir, "p.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A query needs no lake: what is not there yet is read from the warehouse, and nothing stays behind.
func TestAQueryBeforeTheFirstRun(t *testing.T) {
	p := pipeline(t)
	s, err := session.Open(t.Context(), p, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := query.Run(t.Context(), s, query.Query{Slice: "2020-02", Text: "SELECT count(*) AS n FROM sales"}, p.History.From)
	if closing := s.Close(); closing != nil {
		t.Error(closing)
	}
	if err != nil || len(rows.Values) != 1 || *rows.Values[0][0] != "29" {
		t.Fatalf("%+v, %v", rows, err)
	}
	if _, err := os.Stat(p.Lake.Path); !os.IsNotExist(err) {
		t.Errorf("the query left a lake behind: %v", err)
	}
}
