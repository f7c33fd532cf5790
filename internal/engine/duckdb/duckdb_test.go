package duckdb_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/duckdb"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
)

// The test binary is also the worker's process, and a supervisor that starts work and is killed.
func TestMain(m *testing.M) {
	switch os.Getenv("DUCKDB_TEST") {
	case "worker":
		if err := duckdb.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "supervisor":
		enginetest.Supervise(begin, func(p *duckdb.Pool) string { return p.Workers()[0] })
	}

	os.Exit(m.Run())
}

func workers(n int) child.Spec {
	return child.Spec{Name: fmt.Sprintf("worker %d", n), Path: os.Args[0], Env: []string{"DUCKDB_TEST=worker"}, Stderr: os.Stderr}
}

func newPool(dir, spill string) *duckdb.Pool {
	c := engine.Capacity{Slots: 1, Cap: "2 cores", Memory: 1 << 30, Threads: 2}
	return duckdb.NewPool(workers, c, duckdb.RunnerOptions{Allowed: []string{dir}, Spill: spill})
}

func pool(t *testing.T, dir string) *duckdb.Pool {
	p := newPool(dir, t.TempDir())
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func world(t *testing.T) *enginetest.World {
	dir := t.TempDir()
	p := pool(t, dir)
	return &enginetest.World{Engine: p, Binder: p, Scanner: p, Dir: dir,
		Kill: func(t *testing.T) { kill(t, workerOf(t, p)) },
		Orphan: func(t *testing.T, work engine.Work) engine.Engine {
			orphan(t, work)
			return pool(t, dir)
		},
		Slow:   slow,
		Hungry: "SELECT DATE '2020-01-01' AS day, len(list(range::VARCHAR || repeat('x', 50))) AS n FROM range(20000000)",
		Micros: "epoch_us(now())",
		Zoned:  func(text string) string { return "TIMESTAMPTZ '" + text + "'" }}
}

const slow = "SELECT DATE '2020-01-01' AS day FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 1"

// begin is what a supervisor begins with.
func begin(work engine.Work) (*duckdb.Pool, engine.Work, error) {
	return newPool(work.Dir, filepath.Join(work.Dir, "spill")), work, nil
}

// orphan kills a supervisor, and sees its worker die with it.
func orphan(t *testing.T, work engine.Work) {
	t.Helper()
	work.Query.Tables = nil // of files that its engine may not read
	line, killSupervisor := enginetest.Supervisor(t, "DUCKDB_TEST=supervisor", work)
	gone := watch(t, pidIn(t, line))
	killSupervisor()
	gone()
}

// pidIn finds a worker's process in its name.
func pidIn(t *testing.T, name string) (pid int) {
	t.Helper()
	if _, err := fmt.Sscanf(name, "worker 1 (pid %d)", &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func workerOf(t *testing.T, p *duckdb.Pool) int {
	t.Helper()
	return pidIn(t, p.Workers()[0])
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// watch returns a function that waits for the end of the process, which need not be a child.
func watch(t *testing.T, pid int) func() {
	t.Helper()
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		defer func() { _ = unix.Close(handle) }()
		ended := []unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}
		n, err := unix.Poll(ended, int(time.Minute/time.Millisecond))
		for errors.Is(err, unix.EINTR) { // Go's scheduler interrupts threads
			n, err = unix.Poll(ended, int(time.Minute/time.Millisecond))
		}
		if n != 1 || err != nil {
			t.Fatalf("process %d outlives the one that started it: %v", pid, err)
		}
	}
}

func TestConformance(t *testing.T) {
	enginetest.Run(t, world)
	enginetest.RunScanner(t, world)
}

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
