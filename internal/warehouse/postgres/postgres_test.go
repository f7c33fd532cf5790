//go:build unix

package postgres_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// The test binary is also the process that holds the connections.
func TestMain(m *testing.M) {
	if os.Getenv("POSTGRES_TEST") == "owner" {
		if err := postgres.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func ownerSpec() child.Spec {
	return child.Spec{Name: "warehouse", Path: os.Args[0], Env: []string{"POSTGRES_TEST=owner"}, Stderr: os.Stderr}
}

// open connects in this process.
func open(t *testing.T, o postgres.Options) *postgres.Owner {
	t.Helper()
	w, err := postgres.NewOwner(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// database makes a fresh database with some tables.
func database(t *testing.T, setup string) (c *pgtest.Cluster, url string) {
	t.Helper()
	c = pgtest.Shared(t)
	url = c.Database(t)
	if setup != "" {
		c.Exec(t, url, setup)
	}
	return c, url
}

// text joins a query's rows: values by comma, rows by line.
func text(rows [][]string) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = strings.Join(r, ",")
	}
	return strings.Join(lines, "\n")
}

func world(t *testing.T) *warehousetest.World {
	c, url := database(t, warehousetest.Setup)
	w := &warehousetest.World{Parquet: parquet, Sums: sums}
	connect := func(t *testing.T) warehouse.Warehouse {
		t.Helper()
		client, err := postgres.Open(context.Background(), ownerSpec(), postgres.Options{URL: url})
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
	w.Warehouse = connect(t)
	w.Reopen = func(t *testing.T) warehouse.Warehouse {
		if err := w.Warehouse.Close(); err != nil {
			t.Fatal(err)
		}
		return connect(t)
	}
	w.Kill = func(t *testing.T) { w.Warehouse.(*hosted.Client).KillOwner() }
	w.Exec = func(t *testing.T, statement string) { c.Exec(t, url, statement) }
	w.Query = func(t *testing.T, query string) string { return text(c.Exec(t, url, query)) }
	return w
}

func memory(t *testing.T) *sql.Conn {
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

func parquet(t *testing.T, path, query string) hindcast.File {
	t.Helper()
	if _, err := memory(t).ExecContext(t.Context(), duck.CopyStatement(query, path)); err != nil {
		t.Fatal(err)
	}
	return hindcast.File{Path: path}
}

func sums(t *testing.T, columns []hindcast.Column, files []string) hindcast.Sums {
	t.Helper()
	s, err := duck.SumsOf(t.Context(), memory(t), columns, "("+duck.FromParquet(columns, files)+")")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) { warehousetest.Run(t, world) }
