package spark_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/process"
)

// A session that was kept answers the queries of later processes, also when SQL is bound, and ends by itself. What it was asked,
// and its answers, do not stay.
func TestASessionStaysForTheNextQuery(t *testing.T) {
	i := installed(t, "spark40")
	i.Plain = true
	base := t.TempDir()
	later := func(use func(*spark.Binder)) {
		t.Helper()
		e, err := i.open(base)
		if err != nil {
			t.Fatal(err)
		}
		b := spark.NewBinder(e)
		use(b)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	ask := func(b *spark.Binder) {
		t.Helper()
		rows, err := b.Query(t.Context(), engine.Query{SQL: "SELECT 1 AS n", TimeZone: "UTC"}, engine.Limits{}, 10)
		if err != nil || len(rows.Values) != 1 || *rows.Values[0][0] != "1" {
			t.Errorf("%+v, %v", rows, err)
		}
	}

	later(func(b *spark.Binder) { b.Keep(time.Hour); ask(b) })
	first := sessions(t, base)
	if len(first) != 1 {
		t.Fatalf("after the first query there are %q", first)
	}
	later(func(b *spark.Binder) {
		columns, err := b.Bind(t.Context(), engine.Query{SQL: "SELECT 1 AS n", TimeZone: "UTC"}, nil)
		if err != nil || len(columns) != 1 || columns[0] != (hindcast.Column{Name: "n", Type: "INTEGER"}) {
			t.Errorf("%+v, %v", columns, err)
		}
	})
	if now := sessions(t, base); !slices.Equal(now, first) {
		t.Errorf("%q were started beside %q", now, first)
	}
	for _, pattern := range []string{"inbox/*.json", "done/*", "end-*"} {
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // it removes a request after the answer
			left, _ := filepath.Glob(filepath.Join(first[0], pattern))
			if len(left) == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%q are left", left)
			}
		}
	}

	later(func(b *spark.Binder) { b.Keep(time.Millisecond); ask(b) })
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		pids, err := process.Find(first[0])
		if _, gone := os.Stat(first[0]); err == nil && len(pids) == 0 && os.IsNotExist(gone) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the session is still there: %v, %v", pids, err)
		}
	}
	if now := sessions(t, base); len(now) != 0 {
		t.Errorf("%q were started beside it", now)
	}
}

// sessions are the folders of the applications below base.
func sessions(t *testing.T, base string) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(base, "application-*"))
	if err != nil {
		t.Fatal(err)
	}
	return folders
}
