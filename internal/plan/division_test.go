package plan_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

func TestTheMachineHasRoomForWarehouseAndEngine(t *testing.T) {
	const mib, gib = int64(1 << 20), int64(1 << 30)
	for _, c := range []struct {
		machine   plan.Machine
		run       hindcast.RunConfig
		memory    int64
		warehouse int64
		inWords   string
	}{
		{plan.Machine{Cores: 2, Memory: 10 * gib}, hindcast.RunConfig{}, 8 * gib, 2 * gib, "2 cores, memory: 8.6 GB"},
		{plan.Machine{Cores: 16, Memory: 100 * gib}, hindcast.RunConfig{}, 80 * gib, 4 * gib, "16 cores, memory: 85.9 GB"},
		{plan.Machine{Cores: 1, Memory: 10 * gib}, hindcast.RunConfig{Memory: 300 * mib}, 300 * mib, 150 * mib, "1 core, memory: 315 MB"},
		{plan.Machine{}, hindcast.RunConfig{}, 2 * gib, 512 * mib, "1 core, memory: 2.1 GB"},
	} {
		r := c.machine.Room(c.run)
		if math.Abs(float64(r.Memory-c.memory)) > 16 || math.Abs(float64(r.Warehouse-c.warehouse)) > 16 || r.Engine()+r.Warehouse != r.Memory {
			t.Errorf("%+v: %+v", c.machine, r)
		}
		if got := r.CoresAs + ", " + r.MemoryAs; got != c.inWords {
			t.Errorf("%+v: %s, want %s", c.machine, got, c.inWords)
		}
	}
}

func TestTheCapacityIsDivided(t *testing.T) {
	const gib = int64(1 << 30)
	here := plan.Room{Cores: 2, Memory: 8 * gib, Warehouse: 2 * gib}
	shared := plan.Capacity{Slots: 4, Cap: "16 cores", Memory: 64 * gib, Threads: 16}
	cluster := plan.Capacity{Slots: 4, Cap: "32 executors", Memory: 128 * gib, Threads: 32, EachMemory: 32 * gib, EachThreads: 8}
	for _, c := range []struct {
		name             string
		capacity         plan.Capacity
		run              hindcast.RunConfig
		unloads, running int
		want             plan.Shares
	}{
		{"all at once", shared, hindcast.RunConfig{}, 0, 0, plan.Shares{Transforms: 4, Threads: 4, Transform: 16 * gib, Unloads: 2, Cap: "16 cores"}},
		{"one has everything", shared, hindcast.RunConfig{}, 0, 1, plan.Shares{Transforms: 1, Threads: 16, Transform: 64 * gib, Unloads: 2, Cap: "1 slice"}},
		{"more than there are threads", plan.Capacity{Slots: 5, Cap: "run.parallel", Memory: 5 * gib, Threads: 2}, hindcast.RunConfig{}, 0, 9,
			plan.Shares{Transforms: 5, Threads: 1, Transform: gib, Unloads: 2, Cap: "run.parallel"}},
		{"one on a cluster has what it can use", cluster, hindcast.RunConfig{}, 0, 1, plan.Shares{Transforms: 1, Threads: 8, Transform: 32 * gib, Unloads: 2, Cap: "1 slice"}},
		{"the warehouse bounds unloads", shared, hindcast.RunConfig{UnloadParallel: 3}, 1, 0, plan.Shares{Transforms: 4, Threads: 4, Transform: 16 * gib, Unloads: 1, Cap: "16 cores"}},
		{"so does the pipeline", shared, hindcast.RunConfig{UnloadParallel: 3}, 0, 0, plan.Shares{Transforms: 4, Threads: 4, Transform: 16 * gib, Unloads: 3, Cap: "16 cores"}},
	} {
		c.want.Memory, c.want.Warehouse = here.Memory, here.Warehouse
		if got := plan.Divide(here, c.capacity, c.run, c.unloads, c.running); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestOrder(t *testing.T) {
	p := &plan.Plan{Items: []plan.Item{{Rows: 10}, {Rows: -1}, {Rows: 30}, {Rows: 10}, {Rows: 20}}}
	for transforms, want := range map[int]string{1: "[0 1 2 3 4]", 2: "[2 4 0 3 1]"} {
		p.Shares.Transforms = transforms
		if got := fmt.Sprint(plan.Order(p)); got != want {
			t.Errorf("%d at a time: %s, want %s", transforms, got, want)
		}
	}
	p.Reverse = true
	if got := fmt.Sprint(plan.Order(p)); got != "[4 3 2 1 0]" {
		t.Errorf("the newest first: %s", got)
	}
}

func TestEstimates(t *testing.T) {
	w := newWorld(t)
	w.Selection = "2016-03..2016-05"
	e := w.make().Estimate
	// two tables of 600 rows and 6000 bytes, a third of another such table (61 days of 366 each), and the dimension
	if e.RowsIn != 1200+2*100 || e.BytesIn != 12000+2*1000 || e.UnloadBytes != e.BytesIn+6000 {
		t.Errorf("%d rows, %d bytes in, %d to unload", e.RowsIn, e.BytesIn, e.UnloadBytes)
	}
	if e.RowsOut != -1 || e.From != "" || e.Low != 0 || e.DiskNeeded < e.UnloadBytes || e.DiskFree != 1<<40 {
		t.Errorf("without an earlier run: %+v", e)
	}
	w.Earlier = plan.Earlier{Run: "r7", Slices: 1, Unloads: 4, RowsIn: 700, RowsOut: 70, Bytes: 300,
		Seconds: map[hindcast.Step]float64{hindcast.StepUnload: 4, hindcast.StepTransform: 10, hindcast.StepLoad: 1}}
	e = w.make().Estimate
	if e.RowsOut != 140 || e.From != "r7" || e.DiskNeeded != e.UnloadBytes+600 {
		t.Errorf("with an earlier run: %+v", e)
	}
	// 20 s of transforms and 2 s of loads, and 4 s of unloads or less, beside each other in the best case
	if e.Low < 15*time.Second || e.High > 35*time.Second || e.Low >= e.High || e.Low.Seconds() != e.LowSeconds || e.High.Seconds() != e.HighSeconds {
		t.Errorf("%s to %s", e.Low, e.High)
	}
	w.Sources["billing_2016_03"] = plan.Source{Columns: w.Sources["usage"].Columns, Rows: -1, Bytes: -1}
	if e = w.make().Estimate; e.RowsIn != -1 || e.BytesIn != -1 || e.UnloadBytes != -1 || e.DiskNeeded != -1 {
		t.Errorf("with a table of unknown size: %+v", e)
	}
	if e.RowsOut != 140 { // by slices: two for one
		t.Errorf("with a table of unknown size: %d rows out", e.RowsOut)
	}
}

// What another engine took does not serve as an estimate of the time; how many rows the results have is the same on all.
func TestEstimatesAfterAnotherEngine(t *testing.T) {
	w := newWorld(t)
	w.Selection = "2016-03..2016-05"
	w.Other = plan.Earlier{Run: "r7", Engine: "duckdb", Took: 12 * time.Second, Slices: 2, RowsIn: 700, RowsOut: 70, Bytes: 300,
		Seconds: map[hindcast.Step]float64{hindcast.StepTransform: 10}}
	e := w.make().Estimate
	if e.RowsOut != 140 || e.High != 0 || e.From != "" || e.Elsewhere == nil || *e.Elsewhere != (plan.Elsewhere{Engine: "duckdb", Run: "r7", Slices: 2, Seconds: 12}) {
		t.Errorf("%+v, %+v", e, e.Elsewhere)
	}

	w.Earlier = plan.Earlier{Run: "r6", Slices: 2, RowsIn: 700, RowsOut: 60, Seconds: map[hindcast.Step]float64{hindcast.StepTransform: 10}}
	if e = w.make().Estimate; e.RowsOut != 120 || e.From != "r6" || e.Elsewhere != nil {
		t.Errorf("with an earlier run on this one: %+v", e)
	}
}

// Where all that runs is committed, the rows that are replaced are known.
func TestRowsThatAreReplaced(t *testing.T) {
	w := newWorld(t).run()
	w.Force = true
	rows := int64(0)
	for i := range w.Committed {
		w.Committed[i].Sums.Rows = int64(i) + 5
		rows += int64(i) + 5
	}
	if e := w.make().Estimate; e.RowsOut != rows {
		t.Errorf("%d rows replaced, want %d", e.RowsOut, rows)
	}
	w.Committed[0].Parts = hindcast.Parts{} // it tells by its fingerprint alone
	if e := w.make().Estimate; e.RowsOut != -1 {
		t.Errorf("%d rows replaced, of which some are not known", e.RowsOut)
	}
}

func TestNothingToDoNeedsNothing(t *testing.T) {
	w := newWorld(t).run()
	w.Earlier = plan.Earlier{Run: "r7", Slices: 6, RowsIn: 7000, RowsOut: 60, Bytes: 300, Seconds: map[hindcast.Step]float64{hindcast.StepTransform: 60}}
	if e := w.make().Estimate; e.RowsIn != 0 || e.UnloadBytes != 0 || e.DiskNeeded != 0 || e.High != 0 {
		t.Errorf("got %+v", e)
	}
}

// BenchmarkMake plans 10,000 slices of which everything is in doubt: time-named tables that are there, one table
// for all, and tables that are all missing.
func BenchmarkMake(b *testing.B) {
	for name, missing := range map[string]bool{"there": false, "missing": true} {
		b.Run(name, func(b *testing.B) {
			in := manySlices(missing)
			for b.Loop() {
				if p, err := plan.Make(in); err != nil || len(p.Items) != 10_000 {
					b.Fatal(err)
				}
			}
		})
	}
}

func manySlices(missing bool) plan.Inputs {
	h := hindcast.History{From: utc(1990, 1, 1), To: utc(1990, 1, 1).AddDate(0, 0, 10_000).Format(time.DateOnly), Every: days(1), TimeZone: "UTC", Zone: time.UTC}
	p := &hindcast.Pipeline{History: h, Outputs: []hindcast.Output{{Target: hindcast.Target{Table: "t", Time: "at"}}}, Facts: []hindcast.Fact{
		{Name: "named", Table: "n_{yyyy}{mm}{dd}", Missing: hindcast.MissingEmpty},
		{Name: "plain", Table: "p", Time: "at", Lookback: days(7), Missing: hindcast.MissingEmpty}}}
	in := plan.Inputs{Pipeline: p, Now: now, Sources: map[string]plan.Source{}, Machine: plan.Machine{Cores: 2}}
	to, _ := plan.ResolveTo(p, now)
	history, _ := plan.Cut(h, to)
	for _, name := range plan.Tables(p, history) {
		if !missing || name == "p" {
			in.Sources[name] = plan.Source{Columns: []hindcast.Column{{Name: "at", Type: "DATE"}}, Rows: 1000, Bytes: 1000}
		}
	}
	return in
}
