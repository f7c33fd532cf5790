package duck_test

import (
	"database/sql"
	"testing"

	"github.com/hindcast/hindcast/internal/duck"
)

// helped opens an instance of so many threads, whose helpers are away.
func helped(t *testing.T, threads int) (*sql.DB, *duck.Helpers) {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h, err := duck.NewHelpers(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return db, h
}

// callers is how many threads of the instance are its callers'.
func callers(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT current_setting('external_threads')").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// until waits for the instance to have so many callers.
func until(t *testing.T, db *sql.DB, want int) {
	t.Helper()
	for callers(t, db) != want {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHelpersComeAndGo(t *testing.T) {
	db, h := helped(t, 3)
	if got := callers(t, db); got != 3 {
		t.Errorf("%d of 3 threads are its callers'", got)
	}

	soon, after := h.Call(true), h.Call(false)
	until(t, db, 1)
	soon()
	after()
	until(t, db, 3)

	first := h.Call(false)
	until(t, db, 1)
	second := h.Call(true)
	first()
	second()
	until(t, db, 3)

	if err := h.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Call(true)()
	if got := callers(t, db); got != 1 {
		t.Errorf("%d callers once the helpers stay", got)
	}
	if _, err := db.ExecContext(t.Context(), "SET threads=1"); err != nil { // as a user's hook may
		t.Error(err)
	}
}

// An instance can be given fewer threads, and more, while its helpers are away.
func TestHelpersOfOtherThreads(t *testing.T) {
	db, h := helped(t, 4)
	for _, n := range []int{2, 1, 3} {
		if err := h.SetThreads(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		var threads int
		if err := db.QueryRowContext(t.Context(), "SELECT current_setting('threads')").Scan(&threads); err != nil || threads != n || callers(t, db) != n {
			t.Errorf("%d threads, %d of them callers', want %d, %v", threads, callers(t, db), n, err)
		}
	}
}

// What is divided for all threads is whole, whoever works on it, and whoever comes or goes meanwhile.
func TestHelpersAndAStatement(t *testing.T) {
	db, h := helped(t, 4)
	const query = "SELECT CAST(sum(hash(i) % 1000) AS VARCHAR) FROM range(3000000) r(i)"
	var want, got string
	if err := db.QueryRowContext(t.Context(), query).Scan(&want); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		done := h.Call(true)
		err := db.QueryRowContext(t.Context(), query).Scan(&got)
		done()
		if err != nil || got != want {
			t.Errorf("got %s, want %s, %v", got, want, err)
		}
	}
}
