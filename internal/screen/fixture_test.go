package screen

import (
	"fmt"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

var (
	noon = time.Date(2026, 5, 12, 12, 0, 0, 0, time.UTC)
	gb   = int64(1_000_000_000)
)

// months is a plan of n slices of two months from 2016 on. The first four are up to date.
func months(n int) *plan.Plan {
	from := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	every := hindcast.Period{N: 2, Unit: hindcast.Months}
	p := history("cloud_costs", from, every, n)
	for i := range p.Items {
		item := &p.Items[i]
		item.Rows, item.Bytes = 1_200_000+int64(i)*5_000, 110_000_000
		item.Units = plan.Needs{{Fact: "billing", Keys: []string{item.Slice.Key}}}
		switch i {
		case 0, 2, 3, 5:
			item.Reason = hindcast.ReasonUpToDate
		case n - 1:
			item.Reason, item.Detail = hindcast.ReasonUnsettled, "younger than 45 days"
		default:
			item.Reason, item.Detail = hindcast.ReasonSQL, "cost_summary.sql, committed by r7, 3 May"
		}
		p.Units = append(p.Units, plan.Unit{Fact: "billing", Key: item.Slice.Key, Unload: i == n-1, Why: "unsettled"})
	}
	p.Dims = []plan.DimItem{{Name: "accounts", Unload: true, Why: "older than 24h", Rows: 2_001}}
	p.Shares = plan.Shares{Transforms: 1, Threads: 2, Unloads: 1, Transform: 5_800_000_000, Cap: "2 cores"}
	p.Estimate = plan.Estimate{RowsIn: 41_203_118, BytesIn: 3_900_000_000, UnloadBytes: gb / 5, RowsOut: 1_103_442,
		DiskNeeded: 3_100_000_000, DiskFree: 84 * gb, LowSeconds: 160, HighSeconds: 210, From: "r7"}
	p.Outputs[0].Existing = true
	return p
}

func history(name string, from time.Time, every hindcast.Period, n int) *plan.Plan {
	p := &plan.Plan{CreatedAt: noon}
	p.Pipeline.Name = name
	p.Pipeline.Facts = []hindcast.Fact{{Name: "billing", Table: "billing_{yyyy}_{mm}"}}
	p.Outputs = make([]plan.Output, 1)
	p.Pipeline.Outputs = []hindcast.Output{{Target: hindcast.Target{Table: "cost_summary"}}}
	p.Pipeline.History.Every = every
	p.History = hindcast.Interval{Start: from, End: every.AddTo(from, n)}
	form := "2006-01-02"
	if every.Sub() {
		form = "2006-01-02T15:04-07:00"
	}
	for i := range n {
		start := every.AddTo(from, i)
		p.Items = append(p.Items, plan.Item{Reason: hindcast.ReasonNew, Rows: -1, Bytes: -1, Slice: hindcast.Slice{
			Key: start.Format(form), Interval: hindcast.Interval{Start: start, End: every.AddTo(from, i+1)}}})
	}
	return p
}

// script makes a run's events, with a clock of its own.
type script struct {
	now    time.Time
	seq    int64
	run    string
	events []hindcast.Event
}

func newScript(run string, total int) *script {
	s := &script{now: noon, run: run}
	s.add(hindcast.Event{Type: hindcast.EventRunStarted, Total: total, Pid: 4242, Host: "crunch"})
	return s
}

func (s *script) add(e hindcast.Event) {
	s.seq++
	e.V, e.Seq, e.Time, e.Run = hindcast.EventVersion, s.seq, s.now, s.run
	s.events = append(s.events, e)
}

func (s *script) wait(d time.Duration) { s.now = s.now.Add(d) }

func (s *script) step(key string, attempt int, step hindcast.Step) {
	s.add(hindcast.Event{Type: hindcast.EventStepStarted, Slice: key, Attempt: attempt, Step: step})
}

func (s *script) finish(key string, attempt int, step hindcast.Step, rows, bytes int64, took float64) {
	e := hindcast.Event{Type: hindcast.EventStepFinished, Slice: key, Attempt: attempt, Step: step, Rows: rows,
		Bytes: bytes, Seconds: took, Memory: 2_100_000_000}
	if step == hindcast.StepTransform {
		e.RowsIn, e.BytesIn = 1_300_000, 110_000_000
	}
	s.add(e)
}

// do brings a slice from its first step to its commit in 6.5 s.
func (s *script) do(key string, attempt int) {
	s.step(key, attempt, hindcast.StepTransform)
	s.wait(5 * time.Second)
	s.finish(key, attempt, hindcast.StepTransform, 34_118, 1_906_000, 5)
	s.step(key, attempt, hindcast.StepLoad)
	s.wait(1500 * time.Millisecond)
	s.finish(key, attempt, hindcast.StepLoad, 34_118, 0, 1.5)
	s.add(hindcast.Event{Type: hindcast.EventCommitted, Slice: key, Attempt: attempt, Rows: 34_118})
}

var reset = &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Message: "connection reset"}

func (s *script) fails(key string, attempt int, step hindcast.Step, e *hindcast.Error, wait float64) {
	s.add(hindcast.Event{Type: hindcast.EventAttemptFailed, Slice: key, Attempt: attempt, Step: step, Error: e, Seconds: wait})
}

func (s *script) end(code int, dead, unconfirmed []string) {
	s.add(hindcast.Event{Type: hindcast.EventRunFinished, ExitCode: &code, Dead: dead, Unconfirmed: unconfirmed})
}

func (s *script) state() *hindcast.RunState {
	st := &hindcast.RunState{}
	for _, e := range s.events {
		st.Apply(e)
	}
	return st
}

func runKeys(p *plan.Plan) []string {
	var out []string
	for _, item := range running(p) {
		out = append(out, item.Slice.Key)
	}
	return out
}

// underWay is a run of 32 slices with 20 done, one in its transform, one loading again, one waiting.
func underWay(p *plan.Plan) *script {
	s := newScript("r8", len(running(p)))
	keys := runKeys(p)
	for _, key := range keys[:20] {
		s.do(key, 1)
	}
	s.step(keys[21], 1, hindcast.StepTransform)
	s.fails(keys[21], 1, hindcast.StepLoad, reset, 1)
	s.wait(time.Second)
	s.step(keys[21], 2, hindcast.StepLoad)
	s.step(keys[20], 1, hindcast.StepTransform)
	s.add(hindcast.Event{Type: hindcast.EventProgress, Slice: keys[20], Attempt: 1, Step: hindcast.StepTransform,
		Progress: &hindcast.Progress{Done: 0.25, Stage: 3, Tasks: 200, TasksDone: 50, Rows: 650_000, Bytes: 1_200_000, Spilled: 2_100_000_000}})
	s.wait(2 * time.Second)
	s.step(keys[22], 1, hindcast.StepTransform)
	s.fails(keys[22], 1, hindcast.StepTransform, &hindcast.Error{Code: hindcast.EMemory, Class: hindcast.ClassResource,
		Message: "out of memory: 5.8 GB of 5.8 GB used, and nothing more of the join could be spilled to disk"}, 4)
	return s
}

func finished(p *plan.Plan) *script {
	s := newScript("r8", len(running(p)))
	keys := runKeys(p)
	s.step(keys[0], 1, hindcast.StepUnload)
	s.finish(keys[0], 1, hindcast.StepUnload, 0, 0, 6)
	s.fails(keys[0], 1, hindcast.StepLoad, reset, 1)
	for i, key := range keys {
		s.do(key, 1+min(1, max(0, 1-i)))
	}
	s.end(hindcast.ExitOK, nil, nil)
	return s
}

var full = &hindcast.Error{Code: hindcast.EDiskFull, Class: hindcast.ClassResource,
	Message: "/data is full: 214 MB needed, 3 MB free", Next: "free space"}

func diskFull(p *plan.Plan) *script {
	s := newScript("r9", len(running(p)))
	keys := runKeys(p)
	for i, key := range keys[:26] {
		if i != 15 {
			s.do(key, 1)
		}
	}
	s.step(keys[16], 2, hindcast.StepTransform)
	s.fails(keys[27], 1, hindcast.StepTransform, full, 1)
	for attempt := 1; attempt <= 10; attempt++ {
		s.fails(keys[15], attempt, hindcast.StepTransform, full, 1)
	}
	s.add(hindcast.Event{Type: hindcast.EventFailed, Slice: keys[15], Attempt: 11, Error: full})
	s.add(hindcast.Event{Type: hindcast.EventStopRequested, Message: "2019-03 failed"})
	s.add(hindcast.Event{Type: hindcast.EventStopped, Slice: keys[27]})
	s.add(hindcast.Event{Type: hindcast.EventStopped, Slice: keys[16]})
	s.end(hindcast.ExitFailed, []string{"2 workers", "1 warehouse connection"}, nil)
	return s
}

func byUser(p *plan.Plan) *script {
	s := newScript("r8", len(running(p)))
	keys := runKeys(p)
	s.do(keys[0], 1)
	s.step(keys[1], 1, hindcast.StepTransform)
	s.add(hindcast.Event{Type: hindcast.EventStopRequested, Message: "Ctrl-C"})
	s.wait(time.Second)
	s.add(hindcast.Event{Type: hindcast.EventStopped, Slice: keys[1]})
	s.end(hindcast.ExitUnknown, []string{"1 worker"}, []string{"the warehouse's process (pid 4711)"})
	return s
}

// inEvery is a failed check with the same words in many slices.
func inEvery(p *plan.Plan) *script {
	s := newScript("r8", len(running(p)))
	e := &hindcast.Error{Code: hindcast.ECheck, Class: hindcast.ClassCheck, Place: hindcast.Place{File: "/home/ana/costs/hindcast.yml", Line: 14, Column: 5},
		Message: "check \"total net_cost\" failed: the result has 0.01 more than the facts",
		Detail:  []string{"expected  1,204,118.20", "found     1,204,118.21"}, Next: "mend the SQL or the check"}
	for _, key := range runKeys(p) {
		s.step(key, 1, hindcast.StepTransform)
		s.add(hindcast.Event{Type: hindcast.EventFailed, Slice: key, Attempt: 1, Step: hindcast.StepTransform, Error: e})
	}
	s.end(hindcast.ExitCheck, []string{"2 workers"}, nil)
	return s
}

var tenThousandOnce = sync.OnceValues(tenThousand)

// tenThousand is a run of daily slices, some of them done.
func tenThousand() (*plan.Plan, *script) {
	p := history("daily", time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), hindcast.Period{N: 1, Unit: hindcast.Days}, 10_000)
	s := newScript("r1", len(p.Items))
	for i := range 4_321 {
		s.add(hindcast.Event{Type: hindcast.EventCommitted, Slice: p.Items[i].Slice.Key, Attempt: 1, Rows: 10})
		s.wait(time.Millisecond)
	}
	for i := 6_000; i < 6_080; i++ {
		s.step(p.Items[i].Slice.Key, 1, hindcast.StepTransform)
	}
	s.add(hindcast.Event{Type: hindcast.EventFailed, Slice: p.Items[7_000].Slice.Key, Attempt: 11, Error: reset})
	return p, s
}

func userErrors() error {
	column := &hindcast.Error{Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent,
		Message: `no column "tier" in billing for 13 slices`, Place: hindcast.Place{File: "/home/ana/costs/cost_summary.sql", Line: 22, Column: 9},
		Excerpt: "21 |   a.segment,\n22 |   b.tier,\n   |     ^^^^",
		Detail:  []string{"billing_2016_01 … billing_2018_01 have no such column; later tables do."},
		Next:    "leave it out, or give these slices a value, then: hindcast run"}
	long := &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "cannot compare DATE and BIGINT",
		Place:   hindcast.Place{File: "/elsewhere/entirely/models/of/another/team/q.sql", Line: 7, Column: 131},
		Excerpt: fmt.Sprintf("7 | SELECT %s WHERE usage_date = account_id\n  | %141s", fmt.Sprintf("%0120d", 1), "^^^^^^^^^^^"),
		Detail:  []string{"a\x1b[2Jb\tc"}}
	return fmt.Errorf("checking the pipeline: %w", joined{column, fmt.Errorf("binding 2016-01: %w", long), fmt.Errorf("no code")})
}

type joined []error

func (j joined) Error() string   { return "several" }
func (j joined) Unwrap() []error { return j }
