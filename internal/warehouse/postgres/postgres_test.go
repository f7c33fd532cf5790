//go:build unix

package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/pgtest"
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

func world(t *testing.T) *warehousetest.World {
	c, url := database(t, warehousetest.Setup)
	w := warehousetest.Hosted(t, func(ctx context.Context) (*hosted.Client, error) {
		return postgres.Open(ctx, ownerSpec(), postgres.Options{URL: url})
	})
	w.Exec = func(t *testing.T, statement string) { c.Exec(t, url, statement) }
	w.Query = func(t *testing.T, query string) string { return warehousetest.Text(c.Exec(t, url, query)) }
	return w
}

func TestConformance(t *testing.T) { warehousetest.Run(t, world) }
