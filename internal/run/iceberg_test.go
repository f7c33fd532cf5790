package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
)

// iceberg reads the table of a target's results, as programs that are not ours do.
func (w two) iceberg(target string, args ...string) pythontest.IcebergTable {
	w.Helper()
	root := filepath.Join(w.dir, "lake", "p", "results", target)
	version, err := os.ReadFile(filepath.Join(root, "metadata", "version-hint.text"))
	if err != nil {
		w.Fatal(err)
	}
	return pythontest.Iceberg(w, nil, root, filepath.Join(root, "metadata", "v"+string(version)+".metadata.json"), args...)
}

// rightTables compares both tables with their targets, and says how many snapshots they have.
func (w two) rightTables() (snapshots int) {
	w.Helper()
	for target, column := range map[string]string{"daily": "day", "monthly": "month"} {
		is := w.iceberg(target)
		want := strings.Split(strings.TrimSuffix(w.query(fmt.Sprintf(`SELECT '"' || CAST(%s AS VARCHAR(20)) || '" "' || CAST(n AS VARCHAR(20)) || '"' FROM %s`, column, target)), "; "), "; ")
		slices.Sort(want)
		w.want("rows that pyiceberg reads of "+target, is.PyIceberg, want)
		w.want("rows that DuckDB reads of "+target, is.DuckDB, want)
		snapshots += len(is.Snapshots)
	}
	return snapshots
}

// Each publication is a snapshot of an Iceberg table, which has what the target has; the ones before stay readable.
func TestIcebergTable(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit, w.keep = 9999, hindcast.KeepIceberg
		w.want("the first run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("snapshots", w.rightTables(), 6)
		w.want("verify", w.findings(), []string{})
		w.want("the second run", w.run(session.Choice{}).Outcome.State.Counts()[hindcast.Skipped], 3)
		before := w.iceberg("monthly")

		w.monthly = strings.Replace(w.monthly, "sum(n)", "sum(n) + 0", 1)
		for range 2 {
			w.run(session.Choice{Slices: "2020-02", Force: true})
			w.right()
		}
		w.want("snapshots after two more publications", w.rightTables(), 6+4)
		w.want("the table as it was", w.iceberg("monthly", "--snapshot", fmt.Sprint(before.Snapshots[2])).PyIceberg, before.PyIceberg)
		last := w.iceberg("monthly").Summaries[4]
		for name, value := range map[string]string{"operation": "overwrite", "hindcast.run": "r4", "hindcast.slices": "2020-02-01", "deleted-records": "1", "total-records": "3"} {
			w.want(name, last[name], value)
		}
	})
}

// Wherever a process dies between COMMIT and the snapshot, the next one makes up for it.
func TestAKillBeforeTheSnapshot(t *testing.T) {
	for key, after := range map[string]string{"daily/metadata/": "resume", "daily/metadata/v1.": "run", "monthly/metadata/v1.": "resume", "monthly/metadata/version-hint": "run"} {
		t.Run(strings.ReplaceAll(key, "/", " ")+" "+after, func(t *testing.T) {
			t.Parallel()
			w := newTwo(t, "duckdb")
			w.kill("put " + key)

			w.limit, w.keep = 9999, hindcast.KeepIceberg
			w.goOn(after)
			w.right()
			w.rightTables()
			w.want("verify", w.findings(), []string{})
		})
	}
}

// A type that the table of what is kept cannot take is refused before a slice runs, also if that table is made only now.
func TestATypeThatTheTableCannotTake(t *testing.T) {
	t.Parallel()
	w := newTwo(t, "duckdb")
	w.limit, w.keep = 9999, hindcast.KeepParquet
	w.want("the first run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)

	w.exec("ALTER TABLE monthly ALTER n TYPE DOUBLE")
	w.monthly, w.keep = strings.Replace(w.monthly, "BIGINT", "DOUBLE", 1), hindcast.KeepIceberg
	_, err := run.Begin(w.Context(), w.pipeline(), quiet())
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, "column n of the Iceberg table of the results in monthly is long") {
		t.Errorf("%v", err)
	}
	w.want("runs that have loaded slices", w.query("SELECT count(DISTINCT run) FROM hindcast_status"), "1")
}
