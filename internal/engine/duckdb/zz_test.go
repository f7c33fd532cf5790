package duckdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

func TestZZ(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	r, err := NewRunner(ctx, RunnerOptions{Allowed: []string{dir}, Spill: dir + "/spill", Memory: 4 << 30, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	f := filepath.Join(dir, "in.parquet")
	if err := r.exec(ctx, "COPY (SELECT DATE '2020-01-01' AS event_date, i::BIGINT AS event_id, (hash(i)%100)::BIGINT AS account_id, ((hash(i * 7) % 1000000) / 100.0)::DECIMAL(18,6) AS cost FROM range(1000) AS r(i)) TO '"+f+"' (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	d0 := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	in := hindcast.Interval{Start: d0, End: d0.AddDate(0, 0, 1)}
	var el = map[string]time.Duration{}
	n := 200
	for i := 0; i < n; i++ {
		out := fmt.Sprintf("%s/o%d", dir, i)
		job := engine.Job{Slice: hindcast.Slice{Key: "2020-01-01", Interval: in}, Dir: out,
			Target:  hindcast.Target{Table: "x", Time: "event_date", Key: []string{"event_date", "account_id"}},
			Columns: []hindcast.Column{{Name: "event_date", Type: "DATE"}, {Name: "account_id", Type: "BIGINT"}, {Name: "cost", Type: "DECIMAL(38,6)"}, {Name: "events", Type: "BIGINT"}},
			Query: engine.Query{SQL: "SELECT event_date, account_id, sum(cost) AS cost, count(*) AS events FROM events GROUP BY ALL", TimeZone: "UTC",
				Tables: []engine.Table{{Name: "events", Time: "event_date", Own: in, Window: in, Files: []string{f}, Columns: []hindcast.Column{
					{Name: "event_date", Type: "DATE"}, {Name: "event_id", Type: "BIGINT"}, {Name: "account_id", Type: "BIGINT"}, {Name: "cost", Type: "DECIMAL(18,6)"}}}}},
			Checks: []engine.Check{{Check: hindcast.Check{Name: "total", Total: &hindcast.TotalCheck{Of: "cost", Equals: "SELECT SUM(cost) FROM events"}}}},
		}
		t0 := time.Now()
		step := func(name string) { el[name] += time.Since(t0); t0 = time.Now() }
		if err := r.views(ctx, job.Query.Tables); err != nil {
			t.Fatal(err)
		}
		step("1 views")
		files, err := r.write(ctx, job)
		if err != nil {
			t.Fatal(err)
		}
		step("2 write")
		paths := []string{files[0].Path}
		if err := r.viewResult(ctx, job.Columns, paths); err != nil {
			t.Fatal(err)
		}
		step("3 viewresult")
		sums, err := r.inspectRows(ctx, job)
		if err != nil {
			t.Fatal(err)
		}
		step("4 inspect")
		if err := r.check(ctx, job, job.Checks[0], sums); err != nil {
			t.Fatal(err)
		}
		step("5 check")
		if err := r.exec(ctx, "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		step("6 select 1")
	}
	for k, v := range el {
		fmt.Fprintln(os.Stderr, k, v/time.Duration(n))
	}
}
