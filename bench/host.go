package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/pgtest"
)

// host implements what the test servers need of a testing.TB: here they live as long as a figure. They do not use the
// rest of it.
type host struct {
	testing.TB
	ctx  context.Context
	dir  string
	ends []func()
}

// hosted measures a figure that needs servers. A server that does not start fails the figure.
func hosted(ctx context.Context, dir string, measure func(*host) error) (err error) {
	h := &host{ctx: ctx, dir: dir}
	defer func() {
		for i := len(h.ends) - 1; i >= 0; i-- {
			h.ends[i]()
		}
		if failed, ok := recover().(failure); ok {
			err = failed.error
		}
	}()

	return measure(h)
}

// failure ends a figure from within.
type failure struct{ error }

func (h *host) Helper()                           {}
func (h *host) Context() context.Context          { return h.ctx }
func (h *host) Cleanup(end func())                { h.ends = append(h.ends, end) }
func (h *host) Logf(format string, args ...any)   { say(format, args...) }
func (h *host) Fatal(args ...any)                 { panic(failure{fmt.Errorf("%s", fmt.Sprint(args...))}) }
func (h *host) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (h *host) Error(args ...any)                 { h.Fatal(args...) }

// TempDir is below the benchmarks' folder, which is removed at their end.
func (h *host) TempDir() string {
	dir, err := os.MkdirTemp(h.dir, "server-")
	if err != nil {
		h.Fatal(err)
	}
	return dir
}

// Setenv lasts until the benchmarks end, and applies to everything they start.
func (h *host) Setenv(name, value string) {
	if err := os.Setenv(name, value); err != nil {
		h.Fatal(err)
	}
}

// database is a PostgreSQL for a figure.
type database struct {
	*host
	cluster *pgtest.Cluster
	url     string // over the unix socket
}

// postgres starts a server with enough buffers, and with enough WAL for a figure: otherwise a checkpoint would be
// charged to whoever runs at the time.
func (h *host) postgres() *database {
	c := pgtest.Start(h, "", "shared_buffers=2GB", "max_wal_size=16GB", "checkpoint_timeout=1h", "jit=off", "work_mem=256MB", "maintenance_work_mem=512MB")
	return &database{host: h, cluster: c, url: c.URL("postgres")}
}

// run runs statements, each separately, and returns the rows of the last one.
func (d *database) run(statements ...string) (rows [][]string) {
	for _, s := range statements {
		rows = d.cluster.Exec(d, d.url, s)
	}
	return rows
}

// timed is run, returning the seconds that it took.
func (d *database) timed(statements ...string) float64 {
	began := time.Now()
	d.run(statements...)
	return time.Since(began).Seconds()
}
