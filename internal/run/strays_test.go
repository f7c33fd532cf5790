package run

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// late is a binder that counts nothing in the time that a plan has.
type late struct {
	engine.Binder
	planned *atomic.Bool
	counts  *atomic.Int64
}

func (l late) Strays(ctx context.Context, t engine.Table, zone string) (hindcast.Strays, error) {
	if !l.planned.Load() {
		return hindcast.Strays{}, errors.New("it takes too long")
	}
	l.counts.Add(1)
	return l.Binder.Strays(ctx, t, zone)
}

// What a plan could not count in the user's own files, the run counts while it reads them, once for all slices, reports, and
// keeps for the next plan.
func TestARunCountsWhatThePlanLeftOpen(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"totals.sql": "SELECT day AS month, n FROM sales", "p.yml": `pipeline: p
warehouse: duckdb:w.duckdb
lake: ./lake
history: {from: 2020-01-01, to: 2020-04-01, every: 1 month}
facts: {sales: {files: "in/{yyyy}/*.parquet", every: 1 year, time: day}}
transform: {sql: totals.sql}
target: {table: totals, time: month}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "in", "2020"), 0o700); err != nil {
		t.Fatal(err)
	}
	execute(t, filepath.Join(dir, "w.duckdb"), "CREATE TABLE other AS SELECT 1 AS one")
	execute(t, "", `COPY (SELECT unnest([DATE '2020-01-05', DATE '2020-02-05', DATE '2020-03-05', DATE '2020-12-31', DATE '2019-12-31', NULL, NULL]) AS day, 1 AS n)
		TO '`+filepath.Join(dir, "in/2020/a.parquet")+"'")
	p, err := config.Load(t.Context(), filepath.Join(dir, "p.yml"))
	if err != nil {
		t.Fatal(err)
	}

	planned, counts := new(atomic.Bool), new(atomic.Int64)
	o := Options{Log: func(string) (io.Writer, error) { return io.Discard, nil }, Each: func(hindcast.Event) {},
		Planned: func(*plan.Plan, []hindcast.Event, io.Writer) { planned.Store(true) }}
	s, err := session.OpenLake(p)
	if err != nil {
		t.Fatal(err)
	}
	spill, err := s.SpillFolder(func() (string, error) { return t.TempDir(), nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.StartEngine(session.Connection{Spill: spill, Log: io.Discard}); err != nil {
		t.Fatal(err)
	}
	s.Binder = late{s.Binder, planned, counts}
	ended, err := begin(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}

	found := ended.Outcome.State.Strays
	if ended.Outcome.ExitCode != hindcast.ExitOK || len(ended.Plan.Strays) != 0 || counts.Load() != 1 || len(found) != 1 {
		t.Fatalf("%+v; the plan knew %+v; counted %d times: %+v", ended.Outcome, ended.Plan.Strays, counts.Load(), found)
	}
	if f := found[0]; f.Fact != "sales" || f.Time != "day" || f.NoTime != 2 || f.Outside != 1 {
		t.Errorf("the run counted %+v", f)
	}
	records, err := s.Lake.Records(t.Context())
	if err != nil || len(records) != 1 || records[0].Strays == nil || records[0].Strays.NoTime != 2 {
		t.Errorf("the record: %+v, %v", records, err)
	}
}

func execute(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("duckdb", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
