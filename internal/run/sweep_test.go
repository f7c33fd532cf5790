package run_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/run"
)

// What a killed write left, and the previous rows of loads that never committed, are gone when the next run has
// begun; the previous rows of those that did commit stay.
func TestWhatDiedIsSwept(t *testing.T) {
	p := pipeline(t)
	begin := func(exit int, force bool) *run.Ended {
		t.Helper()
		o := quiet()
		o.Force = force
		ended, err := run.Begin(t.Context(), p, o)
		if err != nil || ended.Outcome.ExitCode != exit {
			t.Fatalf("%+v, %v", ended, err)
		}
		return ended
	}
	begin(hindcast.ExitOK, false)
	begin(hindcast.ExitOK, true) // r2 keeps what r1 loaded
	p.Output().Load.After = []string{"INSERT INTO nosuch VALUES (1)"}
	p.Run.OnFailure = hindcast.OnFailureContinue
	begin(hindcast.ExitFailed, true) // r3 keeps rows for loads that are rolled back
	previous := func(run string) []string {
		t.Helper()
		kept, err := filepath.Glob(filepath.Join(p.Lake.Path, "_hindcast", p.Name, "runs", run, "previous", "*", "f*"))
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	before := previous("r2")
	if len(before) != 3 || len(previous("r3")) != 3 {
		t.Fatalf("r2 keeps %v, r3 %v", before, previous("r3"))
	}
	torn := filepath.Join(p.Lake.Path, p.Name, "facts", "sales", ".tmp-TORN")
	if err := os.WriteFile(torn, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(torn, old, old); err != nil {
		t.Fatal(err)
	}
	p.Output().Load.After = nil
	unloads := quiet()
	unloads.UnloadOnly, unloads.ID = true, "aside" // sweeps no rows: the next run does
	if _, err := run.Begin(t.Context(), p, unloads); err != nil {
		t.Fatal(err)
	}
	if len(previous("r3")) != 3 {
		t.Error("a run that only unloads swept the rows of loads, without a fence")
	}
	begin(hindcast.ExitOK, true)
	if _, err := os.Stat(torn); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", torn, err)
	}
	if !slices.Equal(previous("r2"), before) || len(previous("r3")) != 0 || len(previous("r4")) != 3 {
		t.Errorf("kept are %v, %v, %v", previous("r2"), previous("r3"), previous("r4"))
	}
	inWarehouse(t, p.Dir, func(db *sql.DB) {
		rows, err := db.Query("SELECT previous FROM hindcast_status")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var path string
			if err := rows.Scan(&path); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(p.Lake.Path, path)); err != nil {
				t.Error(err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
	})
}
