//go:build unix

package run

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/cache"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/iceberg"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/session"
)

// inBucket makes a pipeline over three months of sales, of some MB a month, whose lake is in a bucket.
func inBucket(t *testing.T) *hindcast.Pipeline {
	t.Helper()
	server, dir := s3test.Start(t), t.TempDir()
	server.Setenv(t)
	text := fmt.Sprintf(`pipeline: p
warehouse: duckdb:w.duckdb
lake: %q
history: {from: 2020-01-01, to: 2020-04-01, every: 1 month}
facts: {sales: {table: sales, time: day}}
transform: {sql: totals.sql}
target: {table: totals, time: month}
run: {retries: 0, retry_wait: 1ms, scratch: scratch, parallel: 3}
`, s3test.URL(server.Endpoint, server.Bucket(t), "lake"))
	for name, text := range map[string]string{"p.yml": text,
		"totals.sql": "SELECT CAST(:slice_start AS DATE) AS month, sum(n) AS n, sum(m) AS m, max(length(note)) AS longest FROM sales"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir, func(db *sql.DB) {
		if _, err := db.Exec(`CREATE TABLE sales AS SELECT DATE '2020-01-01' + CAST(range % 91 AS INTEGER) AS day, range AS n, hash(range)::DECIMAL(38,0) AS m,
			md5(range::VARCHAR) AS note FROM range(200000)`); err != nil {
			t.Fatal(err)
		}
	})
	p, err := config.Load(t.Context(), filepath.Join(dir, "p.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t *testing.T, dir string, f func(*sql.DB)) {
	t.Helper()
	db, err := sql.Open("duckdb", filepath.Join(dir, "w.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	f(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// totals are the rows of the target in one text.
func totals(t *testing.T, p *hindcast.Pipeline) (rows string) {
	t.Helper()
	open(t, p.Dir, func(db *sql.DB) {
		if err := db.QueryRow("SELECT string_agg(totals::VARCHAR, ' ' ORDER BY month) FROM totals").Scan(&rows); err != nil {
			t.Fatal(err)
		}
	})
	return rows
}

// watched are the options of a run whose failed attempts are gathered.
func watched(unloadOnly bool) (Options, func() []hindcast.Event) {
	var mutex sync.Mutex
	var failed []hindcast.Event
	o := Options{UnloadOnly: unloadOnly, Log: func(string) (io.Writer, error) { return io.Discard, nil },
		Planned: func(*plan.Plan, []hindcast.Event, io.Writer) {},
		Each: func(e hindcast.Event) {
			if e.Type == hindcast.EventAttemptFailed || e.Type == hindcast.EventFailed {
				mutex.Lock()
				defer mutex.Unlock()
				failed = append(failed, e)
			}
		}}
	return o, func() []hindcast.Event {
		mutex.Lock()
		defer mutex.Unlock()
		return failed
	}
}

// cacheFolder is where copies of the lake's files are kept.
func cacheFolder(p *hindcast.Pipeline) string { return filepath.Join(p.Run.Scratch, "cache") }

// run begins a run over a lake of which nothing is near, with the binder if there is one.
func run(t *testing.T, p *hindcast.Pipeline, o Options, wrap func(engine.Binder) engine.Binder) {
	t.Helper()
	s, err := session.OpenLake(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(cacheFolder(p)); err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		spill, err := s.SpillFolder(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.StartEngine(session.Connection{Spill: spill, Log: io.Discard}); err != nil {
			t.Fatal(err)
		}
		s.Binder = wrap(s.Binder)
	}
	ended, err := begin(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if out := ended.Outcome; out.ExitCode != hindcast.ExitOK {
		for _, f := range out.State.Failures {
			t.Errorf("%+v", f.Error)
		}
		t.Fatalf("exit %d, %v", out.ExitCode, out.Err)
	}
}

// blind is a binder that overlooks what a query reads.
type blind struct {
	engine.Binder
	sees []string
}

func (b blind) Used(context.Context, engine.Query, []engine.Check) (map[string][]string, error) {
	return map[string][]string{"sales": b.sees}, nil
}

// A wrong guess of what the SQL reads costs an attempt of the slices under way, though the pipeline has no retries, and
// never the run.
func TestAColumnThatWasOverlooked(t *testing.T) {
	p := inBucket(t)
	whole, _ := watched(false)
	run(t, p, whole, nil)
	want := totals(t, p)
	for _, sees := range [][]string{{}, {"day"}, {"day", "n"}, {"day", "m", "note"}} {
		o, failed := watched(false)
		o.Force = true
		run(t, p, o, func(b engine.Binder) engine.Binder { return blind{b, sees} })
		events := failed()
		if len(events) == 0 || len(events) > 3 {
			t.Errorf("%q: %d attempts failed of three slices", sees, len(events))
		}
		for _, e := range events {
			if e.Type != hindcast.EventAttemptFailed || e.Error.Code != hindcast.EParquet || e.Error.Class != hindcast.ClassTransient || e.Attempt != 1 {
				t.Errorf("%q: %+v %v", sees, e, e.Error)
			}
		}
		if got := totals(t, p); got != want {
			t.Errorf("%q: the target holds %s, want %s", sees, got, want)
		}
	}
}

// A slice larger than the cache still runs, and nothing of it stays.
func TestASliceLargerThanTheCache(t *testing.T) {
	p := inBucket(t)
	p.Run.Cache = 100_000
	unloads, _ := watched(true)
	run(t, p, unloads, nil)
	o, failed := watched(false)
	run(t, p, o, nil)
	if events := failed(); len(events) > 0 {
		t.Errorf("failed: %+v", events)
	}
	s, err := session.OpenLake(p)
	if err != nil {
		t.Fatal(err)
	}
	if kept := cache.Usage(cacheFolder(p)); kept > p.Run.Cache {
		t.Errorf("the cache keeps %d bytes", kept)
	}
	m, err := s.Lake.CurrentUnit(t.Context(), "sales", "2020-01-01")
	if err != nil || m.Bytes < 10*p.Run.Cache {
		t.Errorf("the slice has %d bytes, %v", m.Bytes, err)
	}
	if totals(t, p) == "" {
		t.Error("the target is empty")
	}
}

// In a bucket, too, each output has its own prefix below an attempt's: for what is staged, which another output may read, and for the
// rows that are replaced.
func TestTwoOutputsInABucket(t *testing.T) {
	p := inBucket(t)
	p.Outputs[0].Name = "totals"
	p.Outputs = append(p.Outputs, hindcast.Output{Name: "days", Text: "SELECT day, count(*) AS n FROM sales GROUP BY day", Target: hindcast.Target{Table: "days", Time: "day"}},
		hindcast.Output{Name: "counts", Reads: []string{"days"}, Text: "SELECT min(day) AS day, sum(n)::BIGINT AS n FROM days", Target: hindcast.Target{Table: "counts", Time: "day"}})
	for _, force := range []bool{false, true} {
		o, failed := watched(false)
		o.Force = force
		run(t, p, o, nil)
		if events := failed(); len(events) > 0 {
			t.Errorf("failed: %+v", events)
		}
	}
	open(t, p.Dir, func(db *sql.DB) {
		var days, rows int
		if err := db.QueryRow("SELECT count(*), sum(n) FROM days").Scan(&days, &rows); err != nil || days != 91 || rows != 200_000 {
			t.Errorf("%d days of %d rows, %v", days, rows, err)
		}
		var counts int
		if err := db.QueryRow("SELECT count(*), sum(n) FROM counts").Scan(&counts, &rows); err != nil || counts != 3 || rows != 200_000 {
			t.Errorf("%d rows that were read of another output count %d, %v", counts, rows, err)
		}
	})

	s, err := session.OpenLake(p)
	if err != nil {
		t.Fatal(err)
	}
	previous, err := s.Lake.Previous(t.Context(), "r2", 1000)
	if err != nil || len(previous) != 3 {
		t.Fatalf("rows of %q are kept, %v", previous, err)
	}
	for _, prefix := range previous {
		for _, o := range p.Outputs {
			if _, _, err := s.Store.Get(t.Context(), prefix+o.Name+"/_manifest.json"); err != nil {
				t.Error(err)
			}
		}
	}
	if left, err := s.Lake.Staged(t.Context(), "r2", 1000); err != nil || len(left) > 0 {
		t.Errorf("%q is staged still, %v", left, err)
	}
}

// Results are kept in a bucket as they were staged there; what an earlier attempt staged, and what is superseded twice, is not left.
func TestKeptInABucket(t *testing.T) {
	p := inBucket(t)
	p.Results.Keep = hindcast.KeepParquet
	for range 3 {
		o, failed := watched(false)
		o.Force = true
		run(t, p, o, nil)
		if events := failed(); len(events) > 0 {
			t.Errorf("failed: %+v", events)
		}
	}

	s, err := session.OpenLake(p)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := s.Lake.Results(t.Context(), "totals")
	if err != nil || len(kept) != 3 {
		t.Fatalf("%d results, %v", len(kept), err)
	}
	for key, m := range kept {
		if m.Run != "r3" || m.Generation != 3 || m.Sums.Rows != 1 {
			t.Errorf("%s: %+v", key, m)
		}
		if err := s.Lake.VerifySizes(t.Context(), m); err != nil {
			t.Error(err)
		}
	}

	infos, err := s.Store.List(t.Context(), s.Lake.Key(s.Lake.ResultFolder("totals")))
	if err != nil || len(infos) != 3*2*2 { // two generations of each slice, of a file and its manifest
		t.Errorf("%d objects are kept, %v: %+v", len(infos), err, infos)
	}
	if left, err := s.Lake.Staged(t.Context(), "r3", 1000); err != nil || len(left) > 0 {
		t.Errorf("%q is staged still, %v", left, err)
	}
}

// An Iceberg table over results in a bucket is read by others as it is in the target.
func TestIcebergInABucket(t *testing.T) {
	p := inBucket(t)
	p.Results = hindcast.Results{Keep: hindcast.KeepIceberg, Expire: time.Hour}
	o, failed := watched(false)
	run(t, p, o, nil)
	if events := failed(); len(events) > 0 {
		t.Errorf("failed: %+v", events)
	}

	s, err := session.OpenLake(p)
	if err != nil {
		t.Fatal(err)
	}
	root := s.Lake.ResultsPrefix("totals")
	current, err := iceberg.Current(t.Context(), s.Store, root)
	if err != nil || current == nil {
		t.Fatalf("%+v, %v", current, err)
	}
	env := []string{"ENDPOINT=" + p.Lake.URL.Query().Get("endpoint")}
	is := pythontest.Iceberg(t, env, s.Lake.Absolute(strings.TrimSuffix(root, "/")), s.Lake.Absolute(current.Key))
	var want [][]*string
	open(t, p.Dir, func(db *sql.DB) {
		rows, err := db.Query("SELECT COLUMNS(*)::VARCHAR FROM totals")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			row := make([]*string, 4)
			if err := rows.Scan(&row[0], &row[1], &row[2], &row[3]); err != nil {
				t.Fatal(err)
			}
			want = append(want, row)
		}
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
	})
	rows := pythontest.Texts(want)
	if len(rows) != 3 || !slices.Equal(is.PyIceberg, rows) || !slices.Equal(is.DuckDB, rows) || len(is.Snapshots) == 0 {
		t.Errorf("%d snapshots; pyiceberg reads\n%q\nDuckDB\n%q\nthe target has\n%q", len(is.Snapshots), is.PyIceberg, is.DuckDB, rows)
	}
}
