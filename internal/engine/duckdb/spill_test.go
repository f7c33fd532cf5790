package duckdb_test

import (
	"context"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// What a work spills shows while it runs: here a sort of far more than its memory.
func TestWhatIsSpilledIsReported(t *testing.T) {
	dir := t.TempDir()
	p := pool(t, dir)
	january := hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}
	work := engine.Work{Tag: "pipeline/r1/sorted/a1", Slice: hindcast.Slice{Key: "2020-01-01", Interval: january}, Dir: dir,
		Columns: []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "UBIGINT"}}, Target: hindcast.Target{Table: "out", Time: "day"},
		Query:  engine.Query{SQL: "SELECT DATE '2020-01-01' AS day, hash(range) AS n FROM range(100000000) ORDER BY n", File: "x.sql", TimeZone: "UTC"},
		Limits: engine.Limits{Memory: 256 << 20, Threads: 2}}
	h, err := p.Start(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}

	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var seen int64
	result, err := p.Wait(ctx, h, dir, func(got hindcast.Progress) {
		if seen = got.Spilled; seen > 0 {
			enough()
		}
	})
	if seen == 0 {
		t.Fatalf("nothing was seen to be spilled until %+v, %v", result, err)
	}
	if err := p.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
}
