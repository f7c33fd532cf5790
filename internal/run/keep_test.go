package run_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
)

// kept says of each result that the lake keeps by which run it was made, and compares its rows with those of the target.
func (w two) kept() (list []string) {
	w.Helper()
	s, err := session.OpenLake(w.pipeline())
	if err != nil {
		w.Fatal(err)
	}
	for target, columns := range map[string]string{"daily": "day, n", "monthly": "month, n"} {
		found, err := s.Lake.Results(w.Context(), target)
		if err != nil {
			w.Fatal(err)
		}
		for key, m := range found {
			if err := s.Lake.Verify(w.Context(), m); err != nil {
				w.Error(err)
			}
			list = append(list, fmt.Sprintf("%s %s %s g%d", target, key, m.Run, m.Generation))
			column, _, _ := strings.Cut(columns, ",")
			want := w.query(fmt.Sprintf("SELECT CAST(count(*) AS VARCHAR(20)), CAST(sum(n) AS VARCHAR(20)), CAST(min(%[1]s) AS VARCHAR(20)), CAST(max(%[1]s) AS VARCHAR(20)) FROM %[2]s WHERE %[1]s >= '%[3]s' AND %[1]s < '%[4]s'",
				column, target, m.Interval.Start.Format("2006-01-02"), m.Interval.End.Format("2006-01-02")))
			if got := inFiles(w.T, s, m, column); got != want {
				w.Errorf("%s %s: %s is kept, and the target has %s", target, key, got, want)
			}
		}
	}
	slices.Sort(list)
	return list
}

// inFiles counts and sums what a kept result's files have.
func inFiles(t *testing.T, s *session.Session, m *hindcast.Manifest, column string) (text string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	paths := make([]string, len(m.Files))
	for i, f := range m.Files {
		paths[i] = "'" + s.Lake.Absolute(f.Path) + "'"
	}
	query := fmt.Sprintf("SELECT concat_ws(' ', count(*), sum(n), min(%[1]s), max(%[1]s)) FROM read_parquet([%[2]s])", column, strings.Join(paths, ", "))
	if err := db.QueryRow(query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// keptBy is what kept says of all results, with the run and generation of monthly ones.
func keptBy(daily, monthly string) (list []string) {
	for _, target := range []string{"daily", "monthly"} {
		by := map[string]string{"daily": daily, "monthly": monthly}[target]
		for _, key := range []string{"2020-01-01", "2020-02-01", "2020-03-01"} {
			list = append(list, target+" "+key+" "+by)
		}
	}
	return list
}

// folders are those of a slice's kept results, and of others that are left over.
func (w two) folders(below string) (names []string) {
	w.Helper()
	entries, err := os.ReadDir(filepath.Join(w.dir, "lake", "p", "results", below))
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// left are the slices of which the lake has files that are kept.
func (w two) left(target string) (keys []string) {
	w.Helper()
	for _, key := range w.folders(target) {
		found, err := filepath.Glob(filepath.Join(w.dir, "lake", "p", "results", target, key, "*", "*"))
		if err != nil {
			w.Fatal(err)
		}
		if len(found) > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// What is committed is kept as the next generation of its slice; the one before stays, and no older one.
func TestKeptResults(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit, w.keep = 9999, hindcast.KeepParquet
		w.want("the first run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("kept", w.kept(), keptBy("r1 g1", "r1 g1"))
		w.want("verify", w.findings(), []string{})
		w.want("the second run", w.run(session.Choice{}).Outcome.State.Counts()[hindcast.Skipped], 3)
		w.want("folders", w.folders("monthly/2020-01-01"), []string{"g1-r1-f1-a1"})

		for i := range 2 {
			w.monthly = strings.Replace(w.monthly, "sum(n)", "sum(n) + 0", 1)
			w.run(session.Choice{})
			w.right()
			w.want("kept", w.kept(), keptBy("r1 g1", fmt.Sprintf("r%d g%d", 3+i, 3+i)))
		}
		if got := w.folders("monthly/2020-01-01"); len(got) != 2 || !strings.HasPrefix(got[0], "g3-r3-") || !strings.HasPrefix(got[1], "g4-r4-") {
			w.Errorf("generations in the lake: %q", got)
		}
		w.want("folders", w.folders("daily/2020-01-01"), []string{"g1-r1-f1-a1"})
	})
}

// A result that is not committed is not kept, and leaves nothing.
func TestAFailedLoadKeepsNothing(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit, w.keep = 1500, hindcast.KeepParquet // March has more
		w.want("the run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitCheck)
		w.want("kept", w.kept(), slices.DeleteFunc(keptBy("r1 g1", "r1 g1"), func(s string) bool { return strings.Contains(s, "2020-03") }))
		_ = filepath.WalkDir(filepath.Join(w.dir, "lake", "p", "results"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() && strings.Contains(path, "2020-03") {
				w.Errorf("%s is left, %v", path, err)
			}
			return nil
		})
	})
}

// A lake that is to keep results from now on makes those again that are committed without it, once.
func TestResultsKeptFromNowOn(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit = 9999
		w.run(session.Choice{})
		w.keep = hindcast.KeepParquet
		for _, got := range w.outcomes() {
			if !strings.HasPrefix(got, "result not kept committed by r1, ") || !strings.HasSuffix(got, " (result not kept, result not kept)") {
				w.Errorf("a plan: %s", got)
			}
		}
		w.want("verify", len(w.findings()), 6)
		w.want("the run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("kept", w.kept(), keptBy("r2 g2", "r2 g2"))
		w.want("the next run", w.run(session.Choice{}).Outcome.State.Counts()[hindcast.Skipped], 3)
	})
}

// kill runs the pipeline in a process of its own that is killed at the moment named.
func (w two) kill(moment string) {
	w.Helper()
	killed := exec.Command(os.Args[0], "killed", w.dir, w.url, moment) //nolint:gosec // this program itself
	if out, err := killed.CombinedOutput(); killed.ProcessState == nil || killed.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		w.Fatalf("%v: %s", err, out)
	}
}

// goOn resumes the first run, or makes another, and that ends well.
func (w two) goOn(after string) {
	w.Helper()
	var ended *run.Ended
	var err error
	if after == "resume" {
		ended, err = run.Resume(w.Context(), w.pipeline(), "r1", quiet())
	} else {
		ended, err = run.Begin(w.Context(), w.pipeline(), quiet())
	}
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
		w.Fatalf("%+v, %v", ended, err)
	}
}

// Two runs died over the same slice: the first had committed it, and its resume keeps the result; the second had staged its own meanwhile,
// which its resume finds, loads and keeps.
func TestAResultThatAnotherRunKeptMeanwhile(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit, w.keep = 9999, hindcast.KeepParquet
		w.kill(keptJanuary + keeping)
		w.kill(keptJanuary + "step_finished monthly")
		for _, id := range []string{"r1", "r2"} {
			made := 0
			o := quiet()
			o.Each = func(e hindcast.Event) {
				if e.Type == hindcast.EventStepFinished && e.Step == hindcast.StepTransform {
					made++
				}
			}
			ended, err := run.Resume(w.Context(), w.pipeline(), id, o)
			if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
				w.Fatalf("%s: %+v, %v", id, ended, err)
			}
			w.want("made again by "+id, made, 0)
			for _, got := range w.kept() {
				if !strings.Contains(got, " 2020-01-01 "+id+" ") {
					w.Errorf("after the resume of %s: %s", id, got)
				}
			}
			w.want("outputs kept", len(w.kept()), 2)
		}
		if got := w.folders("daily/2020-01-01"); len(got) != 2 || !strings.Contains(got[0], "-r1-") || !strings.Contains(got[1], "-r2-") {
			w.Errorf("generations in the lake: %q", got)
		}
	})
}

// A process that is killed after a commit, before its result is kept, leaves what a resume keeps without a second load, and what a new
// run makes again.
func TestAKillBeforeKeeping(t *testing.T) {
	for _, after := range []string{"resume", "run"} {
		t.Run(after, func(t *testing.T) {
			inBoth(t, func(w two) {
				w.kill(keeping)
				w.limit, w.keep = 9999, hindcast.KeepParquet
				slice := w.query("SELECT DISTINCT slice FROM hindcast_status")
				committed := "SELECT target, committed_at FROM hindcast_status WHERE slice = '" + slice + "' ORDER BY target"
				before := w.query(committed)
				w.want("kept", w.kept(), []string{})
				if !strings.Contains(before, "daily") || !strings.Contains(before, "monthly") {
					w.Fatalf("the killed run has committed %q", before)
				}

				if after == "run" {
					if got := strings.Join(w.outcomes(), "; "); strings.Count(got, "result not kept committed by r1, ") != 1 || strings.Count(got, "new  ") != 2 {
						w.Errorf("a plan: %s", got)
					}
				}
				w.goOn(after)
				w.right()
				by := map[string]string{"resume": "r1", "run": "r2"}[after]
				kept := w.kept()
				for i, is := range kept { // of what generation says under which fence it was made
					kept[i], _, _ = strings.Cut(is, " g")
				}
				w.want("kept", kept, keptBy(by, by))
				w.want("not loaded again", w.query(committed) == before, after == "resume")
				w.want("verify", w.findings(), []string{})
			})
		})
	}
}

// Where results are not kept any more, what was kept of a slice goes when it is replaced; and where history is cut in another way, no
// two kept results have the same time.
func TestResultsLetGo(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit, w.keep = 9999, hindcast.KeepParquet
		w.run(session.Choice{})
		w.keep = ""
		w.run(session.Choice{Slices: "2020-02", Force: true})
		w.keep = hindcast.KeepParquet
		w.want("kept", w.kept(), slices.DeleteFunc(keptBy("r1 g1", "r1 g1"), func(s string) bool { return strings.Contains(s, "2020-02") }))
		w.want("the run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("the slices", len(w.kept()), 6)

		p := w.pipeline()
		p.History.Every.N = 3
		p.Outputs[1].Text = strings.ReplaceAll(monthlySQL, ":slice_start", "min(day)")
		ended, err := run.Begin(w.Context(), p, quiet())
		if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
			w.Fatalf("%+v, %v", ended, err)
		}
		kept := w.kept()
		if len(kept) != 2 || !strings.HasPrefix(kept[0], "daily 2020-01-01 r4 ") || !strings.HasPrefix(kept[1], "monthly 2020-01-01 r4 ") {
			w.Errorf("after another cut %q are kept", kept)
		}
		w.want("slices in the lake", w.left("daily"), []string{"2020-01-01"})
	})
}
