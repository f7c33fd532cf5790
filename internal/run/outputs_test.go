package run_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/verify"
)

// two is a pipeline of two outputs over three months of sales, one row a day: `daily` has them as they are, `monthly` their sums.
type two struct {
	*testing.T
	dir, url string
	daily    string // its SQL
	monthly  string
	limit    int // a check of monthly: no sum is larger
	keep     hindcast.Keep
}

const (
	dailySQL   = "SELECT day, n FROM sales"
	monthlySQL = "SELECT CAST(:slice_start AS DATE) AS month, CAST(sum(n) AS BIGINT) AS n FROM sales"
	doubledSQL = "SELECT day, 2 * n AS n FROM sales"
	readingSQL = "SELECT CAST(:slice_start AS DATE) AS month, CAST(sum(n) AS BIGINT) AS n FROM daily" // the rows of another output
)

// inBoth runs a test with a warehouse of each kind.
func inBoth(t *testing.T, test func(two)) {
	t.Helper()
	for _, kind := range []string{"duckdb", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(newTwo(t, kind))
		})
	}
}

// newTwo is one with a warehouse of the kind.
func newTwo(t *testing.T, kind string) two {
	t.Helper()
	w := two{T: t, dir: t.TempDir(), url: "duckdb:w.duckdb", daily: dailySQL, monthly: monthlySQL, limit: 1000}
	if kind == "postgres" {
		w.url = pgtest.Shared(t).Database(t)
	}
	w.exec("CREATE TABLE sales (day DATE, n BIGINT)",
		"INSERT INTO sales SELECT DATE '2020-01-01' + CAST(i AS INTEGER), i FROM generate_series(0, 90) r(i)")
	return w
}

func (w two) pipeline() *hindcast.Pipeline {
	w.Helper()
	p, err := twoOutputs(w.Context(), w.dir, w.url, w.daily, w.monthly, w.limit)
	if err != nil {
		w.Fatal(err)
	}
	p.Results = hindcast.Results{Keep: w.keep}
	if w.keep == hindcast.KeepIceberg {
		p.Results.Expire = time.Hour
	}
	return p
}

func twoOutputs(ctx context.Context, dir, url, daily, monthly string, limit int) (*hindcast.Pipeline, error) {
	reads := ""
	if strings.HasSuffix(monthly, "FROM daily") {
		reads = "reads: [daily], "
	}
	text := fmt.Sprintf(`pipeline: p
warehouse: %q
lake: ./lake
history: {from: 2020-01-01, to: 2020-04-01, every: 1 month}
facts: {sales: {table: sales, time: day}}
transform: {dialect: duckdb, engine: duckdb}
outputs:
  daily: {sql: daily.sql, target: {table: daily, time: day, key: [day]}}
  monthly: {sql: monthly.sql, %starget: {table: monthly, time: month}, checks: [{sql: "SELECT * FROM result WHERE n > %d"}]}
run: {retries: 0, retry_wait: 1ms, parallel: 1, on_failure: continue}
`, url, reads, limit)
	for name, text := range map[string]string{"p.yml": text, "daily.sql": daily, "monthly.sql": monthly} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return config.Load(ctx, filepath.Join(dir, "p.yml"))
}

// exec runs statements on the warehouse, and query returns the rows of one, in one text.
func (w two) exec(statements ...string) {
	w.Helper()
	if strings.HasPrefix(w.url, "postgres") {
		pgtest.Query(w, pgtest.Connect(w, w.url), strings.Join(statements, "; "))
		return
	}
	inWarehouse(w.T, w.dir, func(db *sql.DB) {
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				w.Errorf("%s: %v", s, err)
			}
		}
	})
}

func (w two) query(statement string) (text string) {
	w.Helper()
	if strings.HasPrefix(w.url, "postgres") {
		for _, row := range pgtest.Query(w, pgtest.Connect(w, w.url), statement) {
			text += strings.Join(row, " ") + "; "
		}
		return strings.TrimSuffix(text, "; ")
	}
	inWarehouse(w.T, w.dir, func(db *sql.DB) {
		rows, err := db.Query("SELECT to_json(r)->>'$.*' FROM (" + statement + ") r")
		if err != nil {
			w.Fatalf("%s: %v", statement, err)
		}
		for rows.Next() {
			var values []any
			if err := rows.Scan(&values); err != nil {
				w.Fatal(err)
			}
			text += strings.Trim(fmt.Sprint(values), "[]") + "; "
		}
		if err := rows.Close(); err != nil {
			w.Error(err)
		}
	})
	return strings.TrimSuffix(text, "; ")
}

// status says of each output and slice which run committed its rows, and how many.
func (w two) status() string {
	w.Helper()
	return w.query("SELECT target, slice, run, rows FROM hindcast_status ORDER BY target, slice_start")
}

// run runs the pipeline, and returns how it ended.
func (w two) run(choice session.Choice) *run.Ended {
	w.Helper()
	o := quiet()
	o.Choice = choice
	ended, err := run.Begin(w.Context(), w.pipeline(), o)
	if err != nil {
		w.Fatal(err)
	}
	return ended
}

// open gives a session to read with.
func (w two) open(f func(*session.Session)) {
	w.Helper()
	s, err := session.Open(w.Context(), w.pipeline(), io.Discard)
	if err != nil {
		w.Fatal(err)
	}
	f(s)
	if err := s.Close(); err != nil {
		w.Error(err)
	}
}

// outcomes are the reasons of all of the plan's slices as they are shown, each with those of the outputs.
func (w two) outcomes() (list []string) {
	w.Helper()
	w.open(func(s *session.Session) {
		made, err := s.Plan(w.Context(), session.Choice{Compare: true}, time.Now())
		if err != nil {
			w.Fatal(err)
		}
		for _, item := range made.Items {
			name, _, _ := strings.Cut(item.Detail, ": ")
			list = append(list, fmt.Sprintf("%s %s (%s, %s)", item.Reason, name, item.ReasonOf(0), item.ReasonOf(1)))
		}
	})
	return list
}

// findings are what verify finds.
func (w two) findings() (list []string) {
	w.Helper()
	w.open(func(s *session.Session) {
		made, err := s.Plan(w.Context(), session.Choice{Compare: true}, time.Now())
		if err != nil {
			w.Fatal(err)
		}
		result, err := (&verify.Verify{Plan: made, Lake: s.Lake, Warehouse: s.Warehouse, Source: s.Source, Files: true, Each: func(int, int) {}}).Run(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		if result.Slices != 3 {
			w.Errorf("%d slices were compared", result.Slices)
		}
		for _, f := range result.Findings {
			list = append(list, f.What+" "+f.Name+" "+f.Key)
		}
	})
	return list
}

// right checks that both targets hold what the source has.
func (w two) right() {
	w.Helper()
	if got, want := w.query("SELECT count(*), sum(n), min(day), max(day) FROM daily"), "91 4095 2020-01-01 2020-03-31"; got != want {
		w.Errorf("daily holds %q, want %q", got, want)
	}
	if got, want := w.query("SELECT month, n FROM monthly ORDER BY month"), "2020-01-01 465; 2020-02-01 1305; 2020-03-01 2325"; got != want {
		w.Errorf("monthly holds %q, want %q", got, want)
	}
}

func (w two) want(what string, got, want any) {
	w.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("%s: %v, want %v", what, got, want)
	}
}

const byR1 = "daily 2020-01-01 r1 31; daily 2020-02-01 r1 29; daily 2020-03-01 r1 31; monthly 2020-01-01 r1 1; monthly 2020-02-01 r1 1; monthly 2020-03-01 r1 1"

// apart counts the slices whose outputs were not published in one transaction. Several small slices may share one.
const apart = "SELECT count(*) FROM (SELECT slice FROM hindcast_status GROUP BY slice HAVING count(DISTINCT committed_at) > 1) AS apart"

// Two outputs are planned, made, published in one transaction and verified; only what is stale of them is made again.
func TestTwoOutputs(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit = 9999
		w.want("a first plan", w.outcomes(), slices.Repeat([]string{"new  (new, new)"}, 3))
		ended := w.run(session.Choice{})
		w.want("the first run", ended.Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("the status rows", w.status(), byR1)
		w.want("rows of a slice", ended.Outcome.State.Slices["2020-01-01"].Rows, 32)
		w.want("slices published in two transactions", w.query(apart), "0")
		w.want("verify", w.findings(), []string{})
		for _, got := range w.outcomes() {
			if !strings.HasPrefix(got, "up to date committed by r1, ") || !strings.HasSuffix(got, " (up to date, up to date)") {
				w.Errorf("a plan after the run: %s", got)
			}
		}

		w.monthly += " -- the same\n"
		w.want("a comment", w.run(session.Choice{}).Outcome.State.Counts()[hindcast.Skipped], 3)
		w.monthly = strings.Replace(w.monthly, "sum(n)", "sum(n) + 0", 1)
		w.want("SQL of one output", w.outcomes(), slices.Repeat([]string{"SQL changed monthly (up to date, SQL changed)"}, 3))
		w.want("the run of that", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("the status rows", w.status(), strings.ReplaceAll(byR1, "-01 r1 1", "-01 r3 1"))
	})
}

// An output that reads another one's rows is made when that one changes, and has it made, too, when it changes itself. Both are
// published in one transaction.
func TestAnOutputReadsAnother(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit, w.monthly = 9999, readingSQL
		w.want("the first run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("the status rows", w.status(), byR1)
		w.want("verify", w.findings(), []string{})
		w.want("a run after it", w.run(session.Choice{}).Outcome.State.Counts()[hindcast.Succeeded], 0)

		w.exec("UPDATE monthly SET n = 0 WHERE month = '2020-03-01'")
		w.want("an edited one", w.outcomes()[2], "target edited monthly (read by another, target edited)")
		w.want("the run of that", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		byR3 := strings.NewReplacer("daily 2020-03-01 r1", "daily 2020-03-01 r3", "monthly 2020-03-01 r1", "monthly 2020-03-01 r3").Replace(byR1)
		w.want("the status rows", w.status(), byR3)

		w.daily = strings.Replace(w.daily, ", n", ", n + 0 AS n", 1)
		w.want("SQL of what is read", w.outcomes(), slices.Repeat([]string{"SQL changed daily (SQL changed, definition changed)"}, 3))
		w.want("the run of that", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("slices published in two transactions", w.query(apart), "0")

		w.monthly = strings.Replace(w.monthly, "sum(n)", "sum(n) + 1", 1)
		w.want("its own SQL", w.outcomes(), slices.Repeat([]string{"SQL changed monthly (read by another, SQL changed)"}, 3))
		w.want("the run of that", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.want("verify", w.findings(), []string{})
		w.want("monthly", w.query("SELECT sum(n) FROM monthly"), "4098")
	})
}

// A reader never finds one output of a slice new and the other old, whenever a process that publishes them dies.
func TestReadersSeeOutputsTogether(t *testing.T) {
	for _, point := range []string{"step_finished monthly", "load_prepared ", "committed "} {
		t.Run(strings.TrimSpace(point), func(t *testing.T) {
			t.Parallel()
			w := newTwo(t, "postgres")
			w.limit, w.monthly = 9999, readingSQL
			w.run(session.Choice{})

			over, read := make(chan struct{}), make(chan int)
			go w.compare(over, read)
			w.kill(reading + doubled + point)
			w.daily = doubledSQL
			ended, err := run.Resume(w.Context(), w.pipeline(), "r2", quiet())
			close(over)
			if n := <-read; n == 0 {
				w.Error("nothing was read meanwhile")
			}
			if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
				w.Fatalf("%+v, %v", ended, err)
			}
			w.want("daily", w.query("SELECT sum(n) FROM daily"), "8190")
			w.want("monthly", w.query("SELECT sum(n) FROM monthly"), "8190")
			w.want("verify", w.findings(), []string{})
		})
	}
}

// compare reads both targets in one statement, again and again, and says at the end how often it did.
func (w two) compare(over chan struct{}, read chan int) {
	const differing = "SELECT m.month FROM monthly AS m JOIN (SELECT date_trunc('month', day)::DATE AS month, sum(n) AS n FROM daily GROUP BY 1) AS d ON d.month = m.month WHERE d.n <> m.n"
	defer close(read)
	db := pgtest.Connect(w, w.url)
	for n := 0; ; n++ {
		select {
		case <-over:
			read <- n
			return
		default:
		}
		if rows := pgtest.Query(w, db, differing); len(rows) > 0 {
			w.Errorf("a reader found the outputs of %v apart", rows)
		}
	}
}

// Rows of one target that somebody edited are found by verify and by the plan, and made again without the other's.
func TestAnEditedOutput(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit = 9999
		w.run(session.Choice{})
		w.exec("DELETE FROM daily WHERE day = '2020-02-03'", "UPDATE monthly SET n = 0 WHERE month = '2020-03-01'")
		w.want("verify", w.findings(), []string{"target daily 2020-02-01", "target monthly 2020-03-01"})
		got := w.outcomes()
		w.want("February", got[1], "target edited daily (target edited, up to date)")
		w.want("March", got[2], "target edited monthly (up to date, target edited)")
		w.want("the run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
		w.want("the status rows", w.status(), strings.NewReplacer("daily 2020-02-01 r1", "daily 2020-02-01 r2", "monthly 2020-03-01 r1", "monthly 2020-03-01 r2").Replace(byR1))
		w.want("verify", w.findings(), []string{})
	})
}

// A check of one output that fails keeps the slice from being published, the other output too.
func TestACheckOfOneOutput(t *testing.T) {
	inBoth(t, func(w two) {
		w.limit = 1500 // March has more
		ended := w.run(session.Choice{})
		w.want("the run", ended.Outcome.ExitCode, hindcast.ExitCheck)
		w.want("March", ended.Outcome.State.Slices["2020-03-01"].State, hindcast.Failed)
		if e := ended.Outcome.State.Slices["2020-03-01"].Error; e == nil || e.Code != hindcast.ECheck || !strings.HasPrefix(e.Message, "output monthly: check ") {
			w.Errorf("the error is %v", e)
		}
		w.want("the status rows", w.status(), "daily 2020-01-01 r1 31; daily 2020-02-01 r1 29; monthly 2020-01-01 r1 1; monthly 2020-02-01 r1 1")
		w.want("daily", w.query("SELECT count(*) FROM daily WHERE day >= '2020-03-01'"), "0")

		w.limit = 9999 // a run is resumed as it was planned; the next one plans again
		w.want("a plan after it", w.outcomes()[2], "new  (new, new)")
		w.want("the next run", w.run(session.Choice{}).Outcome.ExitCode, hindcast.ExitOK)
		w.right()
	})
}

// Two outputs with one target would replace each other's rows.
func TestOutputsOfTheSameTarget(t *testing.T) {
	inBoth(t, func(w two) {
		p := w.pipeline()
		p.Outputs[1].Target.Table = "Daily"
		_, err := run.Begin(w.Context(), p, quiet())
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETarget || !strings.Contains(e.Message, "two outputs, daily and monthly") {
			w.Errorf("got %v", err)
		}
	})
}

// A process that is killed between two outputs, or before their load is known to be committed, leaves a run that a resume
// completes, without making again what is staged.
func TestAKillBetweenOutputs(t *testing.T) {
	for _, point := range []string{"step_finished daily", "step_finished monthly", "load_prepared ", "committed ", reading + "step_finished daily", reading + "load_prepared "} {
		t.Run(strings.TrimSpace(point), func(t *testing.T) {
			inBoth(t, func(w two) {
				if strings.HasPrefix(point, reading) {
					w.monthly = readingSQL
				}
				w.kill(point)
				staged := w.staged()
				if len(staged) == 0 {
					w.Error("nothing is staged")
				}

				made := map[string]int{}
				o := quiet()
				o.Each = func(e hindcast.Event) {
					if e.Type == hindcast.EventStepFinished && e.Step == hindcast.StepTransform && e.Slice == "2020-01-01" {
						made[e.Output]++
					}
				}
				w.limit = 9999
				ended, err := run.Resume(w.Context(), w.pipeline(), "r1", o)
				if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
					w.Fatalf("%+v, %v", ended, err)
				}
				w.right()
				w.want("the status rows", w.status(), byR1)
				w.want("verify", w.findings(), []string{})
				w.want("slices published in two transactions", w.query(apart), "0")
				for _, name := range []string{"daily", "monthly"} {
					if was := slices.Contains(staged, name); was == (made[name] == 1) {
						w.Errorf("%s was staged before: %v, and made %d times after", name, was, made[name])
					}
				}
			})
		})
	}
}

// staged are the outputs of January that the run's journal says are staged, or committed.
func (w two) staged() (names []string) {
	w.Helper()
	s, err := session.OpenLake(w.pipeline())
	if err != nil {
		w.Fatal(err)
	}
	state, err := s.State(w.Context(), "r1")
	if err != nil {
		w.Fatal(err)
	}
	if state.Slice("2020-01-01").State == hindcast.Succeeded {
		return []string{"daily", "monthly"}
	}
	for _, m := range state.Slice("2020-01-01").Staged {
		names = append(names, m.Output)
	}
	return names
}

// runKilled runs the pipeline in a process of its own that is killed when the event of that name is durable, or, with results kept,
// when the first of them is to be.
func runKilled(dir, url, point string) error {
	daily, monthly := dailySQL, monthlySQL
	point, reads := strings.CutPrefix(point, reading)
	if reads {
		monthly = readingSQL
	}
	point, twice := strings.CutPrefix(point, doubled)
	if twice {
		daily = doubledSQL
	}
	p, err := twoOutputs(context.Background(), dir, url, daily, monthly, 9999)
	if err != nil {
		return err
	}
	o := quiet()
	point, kept := strings.CutPrefix(point, keptJanuary)
	if kept {
		o.Slices = "2020-01"
	}
	o.Waiting = func(lease.Holder) {}
	o.Each = func(e hindcast.Event) {
		if e.Slice == "2020-01-01" && string(e.Type)+" "+e.Output == point {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	o.Planned = func(*plan.Plan, []hindcast.Event, io.Writer) {}
	s, err := session.OpenLake(p)
	if err != nil {
		return err
	}
	if kept {
		p.Results.Keep = hindcast.KeepParquet
	}
	if key, keeps := strings.CutPrefix(point, "put "); keeps {
		p.Results = hindcast.Results{Keep: hindcast.KeepIceberg, Expire: time.Hour}
		if point == keeping {
			p.Results = hindcast.Results{Keep: hindcast.KeepParquet}
		}
		s.Store = killing{s.Store.(*file.Store), key}
		s.Lake = lake.New(s.Store, p.Name)
	}
	_, err = run.BeginIn(context.Background(), s, o)
	return err
}

// keeping is the moment after a commit, before its result is kept. A process dies when it writes an object with this in its key.
const keeping = "put _hindcast/p/catalog/results/"

// keptJanuary begins the moments of runs that keep results, of January alone.
const keptJanuary = "January, kept: "

// reading begins the moments of runs in which monthly reads daily, and doubled after it those in which daily has twice as much.
const (
	reading = "reading: "
	doubled = "doubled: "
)

// killing is a lake in which such an object is written by nobody.
type killing struct {
	*file.Store
	key string
}

func (k killing) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	if strings.Contains(key, k.key) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return k.Store.Put(ctx, key, body, cond)
}
