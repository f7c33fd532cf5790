package duckdb_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/duckdb"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
)

// The test binary is also the worker's process.
func TestMain(m *testing.M) {
	if os.Getenv("DUCKDB_TEST") == "worker" {
		if err := duckdb.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func pool(t *testing.T, dir string) *duckdb.Pool {
	p := duckdb.NewPool(func(n int) child.Spec {
		return child.Spec{Name: fmt.Sprintf("worker %d", n), Path: os.Args[0], Env: []string{"DUCKDB_TEST=worker"}, Stderr: os.Stderr}
	}, 1, duckdb.RunnerOptions{Allowed: []string{dir}, Spill: t.TempDir(), Memory: 1 << 30, Threads: 2})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func world(t *testing.T) *enginetest.World {
	dir := t.TempDir()
	return &enginetest.World{Engine: pool(t, dir), Dir: dir, Parquet: parquet, Query: query,
		Slow: "SELECT DATE '2020-01-01' AS day FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 1"}
}

func parquet(t *testing.T, path, statement string) {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(duck.CopyStatement(statement, path)); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, files []hindcast.File, text string) string {
	t.Helper()
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("CREATE TABLE result AS FROM read_parquet(" + duck.Strings(paths) + ")"); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (" + text + ")")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		values := make([]any, len(names))
		dest := make([]any, len(names))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		fields := make([]string, len(values))
		for i, v := range values {
			fields[i] = fmt.Sprint(v)
		}
		lines = append(lines, strings.Join(fields, ","))
	}
	return strings.Join(lines, "\n")
}

func TestConformance(t *testing.T) { enginetest.Run(t, world) }

func TestVersionIsTheOneThatIsLinked(t *testing.T) {
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var version string
	if err := db.QueryRow("SELECT version()").Scan(&version); err != nil || version != duckdb.Version {
		t.Errorf("linked %s, Version says %s (%v)", version, duckdb.Version, err)
	}
}

// A worker that is killed costs the job it had; the next job gets another worker.
func TestAWorkerThatDiesIsReplaced(t *testing.T) {
	w := world(t)
	p := w.Engine.(*duckdb.Pool)
	if _, err := p.Bind(t.Context(), engine.Query{SQL: "SELECT 1 AS a"}, nil); err != nil {
		t.Fatal(err)
	}
	h, err := p.Submit(t.Context(), engine.Job{Tag: "doomed", Dir: w.Dir, Columns: []hindcast.Column{{Name: "day", Type: "DATE"}},
		Query: engine.Query{SQL: w.Slow}, Target: hindcast.Target{Time: "day"}})
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscanf(p.Workers()[0], "worker 1 (pid %d)", &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_, err = p.Wait(t.Context(), h)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EWorker || e.Class != hindcast.ClassTransient {
		t.Errorf("got %v", err)
	}
	if _, err := p.Bind(t.Context(), engine.Query{SQL: "SELECT 1 AS a"}, nil); err != nil {
		t.Errorf("after the death: %v", err)
	}
}

func TestOutOfMemoryIsAResourceError(t *testing.T) {
	w := world(t)
	h, err := w.Engine.Submit(t.Context(), engine.Job{Tag: "large", Dir: w.Dir, Columns: []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "l", Type: "BIGINT"}},
		Query:  engine.Query{SQL: "SELECT DATE '2020-01-01' AS day, len(list(range::VARCHAR || repeat('x', 50))) AS l FROM range(20000000)"},
		Target: hindcast.Target{Time: "day"}, Limits: engine.Limits{Memory: 64 << 20, Threads: 2}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Engine.Wait(t.Context(), h)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EMemory || e.Class != hindcast.ClassResource {
		t.Errorf("got %v", err)
	}
}

func TestFilesOutsideTheAllowedFoldersAreRefused(t *testing.T) {
	w := world(t)
	outside := t.TempDir() + "/secret.parquet"
	parquet(t, outside, "SELECT DATE '2020-01-01' AS day")
	h, err := w.Engine.Submit(t.Context(), engine.Job{Tag: "sly", Dir: w.Dir, Columns: []hindcast.Column{{Name: "day", Type: "DATE"}},
		Query: engine.Query{SQL: "SELECT * FROM read_parquet('" + outside + "')"}, Target: hindcast.Target{Time: "day"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Engine.Wait(t.Context(), h); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.ESQLAccess {
		t.Errorf("got %v", err)
	}
}
