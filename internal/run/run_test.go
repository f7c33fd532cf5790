package run_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers/driverstest"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// The test binary is also the workers of its runs, and a run that is killed.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "killed" {
		panic(runKilled(os.Args[2], os.Args[3], os.Args[4]))
	}
	driverstest.Main(m)
}

const definition = `pipeline: p
warehouse: duckdb:w.duckdb
lake: ./lake
history: {from: 2020-01-01, to: 2020-04-01, every: 1 month}
facts: {sales: {table: sales, time: day}}
transform: {sql: totals.sql, dialect: duckdb, engine: duckdb}
target: {table: totals, time: month}
`

// pipeline makes a folder with a warehouse of three months of sales.
func pipeline(t *testing.T) *hindcast.Pipeline {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"p.yml": definition,
		"totals.sql": "SELECT CAST(:slice_start AS DATE) AS month, sum(n) AS n FROM sales"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inWarehouse(t, dir, func(db *sql.DB) {
		if _, err := db.Exec("CREATE TABLE sales AS SELECT DATE '2020-01-01' + CAST(range AS INTEGER) AS day, 1 AS n FROM range(91)"); err != nil {
			t.Fatal(err)
		}
	})
	p, err := config.Load(t.Context(), filepath.Join(dir, "p.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inWarehouse(t *testing.T, dir string, f func(*sql.DB)) {
	t.Helper()
	db, err := openWarehouse(dir)
	for deadline := time.Now().Add(time.Minute); err != nil; db, err = openWarehouse(dir) {
		if !strings.Contains(err.Error(), "lock on file") || time.Now().After(deadline) { // which a process that is dying still has
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	f(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func openWarehouse(dir string) (*sql.DB, error) {
	db, err := sql.Open("duckdb", filepath.Join(dir, "w.duckdb"))
	if err != nil {
		return nil, err
	}
	return db, db.Ping()
}

// quiet are the options of a run that nobody looks at.
func quiet() run.Options {
	return run.Options{Log: func(string) (io.Writer, error) { return io.Discard, nil },
		Planned: func(*plan.Plan, []hindcast.Event, io.Writer) {}, Each: func(hindcast.Event) {}}
}

// target counts the target's rows; -1 if it is not there.
func target(t *testing.T, p *hindcast.Pipeline) (n int) {
	t.Helper()
	inWarehouse(t, p.Dir, func(db *sql.DB) {
		if err := db.QueryRow("SELECT count(*) FROM totals").Scan(&n); err != nil {
			n = -1
		}
	})
	return n
}

// Ctrl-C while the plan is made ends it, and leaves neither a run nor a lease.
func TestAStopBeforeThePlanIsFrozen(t *testing.T) {
	p := pipeline(t)
	o := quiet()
	stop := make(chan supervisor.StopRequest)
	o.Stop = func() (<-chan supervisor.StopRequest, func()) { return stop, func() {} }
	o.Log = func(string) (io.Writer, error) { // the run's first sign of life
		stop <- supervisor.StopRequest{By: "Ctrl-C"}
		return io.Discard, nil
	}
	_, err := run.Begin(t.Context(), p, o)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EStopped || e.Class != hindcast.ClassCanceled {
		t.Fatalf("got %v", err)
	}
	s, err := session.OpenLake(p)
	if err != nil {
		t.Fatal(err)
	}
	if runs, err := s.Lake.ListRuns(t.Context()); err != nil || len(runs) > 0 {
		t.Errorf("runs %v, %v", runs, err)
	}
	ended, err := run.Begin(t.Context(), p, quiet())
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK || target(t, p) != 3 {
		t.Errorf("the next run: %+v, %v; %d rows", ended, err, target(t, p))
	}
}

// `hindcast unload` that was stopped and is resumed still only unloads.
func TestAResumedUnloadOnlyUnloads(t *testing.T) {
	p := pipeline(t)
	o := quiet()
	o.UnloadOnly = true
	stop := make(chan supervisor.StopRequest)
	o.Stop = func() (<-chan supervisor.StopRequest, func()) { return stop, func() {} }
	var id string
	o.Planned = func(made *plan.Plan, _ []hindcast.Event, _ io.Writer) {
		id = made.Run
		stop <- supervisor.StopRequest{By: "Ctrl-C", Now: true}
	}
	if _, err := run.Begin(t.Context(), p, o); err != nil && hindcast.AsError(err).Code != hindcast.EStopped {
		t.Fatal(err)
	}
	ended, err := run.Resume(context.Background(), p, id, quiet())
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
		t.Fatalf("%+v, %v", ended, err)
	}
	if n := ended.Outcome.State.Counts()[hindcast.Skipped]; n != 3 {
		t.Errorf("%d slices were unloaded, want 3", n)
	}
	if n := target(t, p); n != -1 {
		t.Errorf("the target has %d rows: an unload published something", n)
	}
}

// A lake that was lost begins its fences at 1 again; the warehouse remembers higher ones.
func TestALakeThatWasLost(t *testing.T) {
	p := pipeline(t)
	for range 2 {
		if _, err := run.Begin(t.Context(), p, quiet()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(p.Lake.Path); err != nil {
		t.Fatal(err)
	}
	o := quiet()
	o.Force = true
	ended, err := run.Begin(t.Context(), p, o)
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK || target(t, p) != 3 {
		t.Errorf("%+v, %v; %d rows", ended, err, target(t, p))
	}
}

// A view cannot be loaded: that is said before any slice runs.
// What a run is refused for before it begins is seen with the plan, and nothing is left of the run.
func TestARunThatIsRefusedBeforeItBegins(t *testing.T) {
	p, refusal, seen := pipeline(t), errors.New("the account lacks something"), 0
	o := quiet()
	o.Before = func(_ context.Context, made *plan.Plan) error {
		seen = len(made.Items)
		return refusal
	}
	if _, err := run.Begin(t.Context(), p, o); !errors.Is(err, refusal) || seen == 0 {
		t.Errorf("got %v after a plan of %d slices", err, seen)
	}

	o.Before = func(context.Context, *plan.Plan) error { return nil }
	ended, err := run.Begin(t.Context(), p, o)
	if err != nil || ended.Plan.Run != "r1" || ended.Outcome.ExitCode != hindcast.ExitOK {
		t.Errorf("then %+v, %v", ended, err)
	}
}

func TestATargetThatIsAView(t *testing.T) {
	p := pipeline(t)
	inWarehouse(t, p.Dir, func(db *sql.DB) {
		if _, err := db.Exec("CREATE VIEW totals AS SELECT DATE '2020-01-01' AS month, CAST(1 AS HUGEINT) AS n"); err != nil {
			t.Fatal(err)
		}
	})
	_, err := run.Begin(t.Context(), p, quiet())
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETarget || e.Place.Line == 0 {
		t.Errorf("got %v", err)
	}
}
