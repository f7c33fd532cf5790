package warehousetest

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Hosted is a World around a warehouse in a process of its own, which open starts. How SQL is run behind the driver's back is left to
// be filled in.
func Hosted(t *testing.T, open func(context.Context) (*hosted.Client, error)) *World {
	t.Helper()
	w := &World{Warehouse: Started(t, open)}
	w.Reopen = func(t *testing.T) warehouse.Warehouse {
		t.Helper()
		if err := w.Warehouse.Close(); err != nil {
			t.Fatal(err)
		}
		return Started(t, open)
	}
	w.Kill = func(t *testing.T) {
		t.Helper()
		client, is := w.Warehouse.(*hosted.Client)
		if !is {
			t.Fatalf("the warehouse is a %T", w.Warehouse)
		}
		client.KillOwner()
	}
	return w
}

// Started opens a warehouse in a process of its own, which ends with the test.
func Started(t *testing.T, open func(context.Context) (*hosted.Client, error)) *hosted.Client {
	t.Helper()
	client, err := open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// Memory is a DuckDB without a file.
func Memory(t *testing.T) *sql.Conn {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = db.Close() })
	return conn
}

// Parquet writes the rows of a query as a file.
func Parquet(t *testing.T, path, query string) hindcast.File {
	t.Helper()
	if _, err := Memory(t).ExecContext(t.Context(), duck.CopyStatement(query, path)); err != nil {
		t.Fatal(err)
	}
	return hindcast.File{Path: path}
}

// Sums are those of files' rows.
func Sums(t *testing.T, columns []hindcast.Column, files []string) hindcast.Sums {
	t.Helper()
	s, err := duck.SumsOf(t.Context(), Memory(t), columns, "("+duck.FromParquet(columns, files)+")")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Text joins rows: values by comma, rows by line.
func Text(rows [][]string) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = strings.Join(r, ",")
	}
	return strings.Join(lines, "\n")
}
