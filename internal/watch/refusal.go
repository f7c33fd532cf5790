// Package watch follows a pipeline's runs from outside, by the lake alone: how they stand, and what a resume would meet.
package watch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// Trace is what matters of a run to the other runs of its pipeline: what it publishes, and where.
type Trace struct {
	run       string
	planned   time.Time
	tables    []string
	database  string
	source    string
	within    string // the environment
	engine    plan.Version
	transform hindcast.Transform // as a resume would take it
	loads     bool
	held      bool
	wanted    []hindcast.Interval // in the order of time
	published []publication
}

type publication struct {
	hindcast.Interval
	at time.Time
}

// NewTrace takes the trace of a run from its plan and its journal.
func NewTrace(run string, p *plan.Plan, st *hindcast.RunState) *Trace {
	t := &Trace{run: run, planned: p.CreatedAt, tables: p.Pipeline.Targets(), database: config.Database(p.Pipeline.Warehouse.Written), within: p.Pipeline.Environment, source: config.Database(p.Pipeline.Origin().Written),
		engine: p.Engine, transform: p.Pipeline.Transform, loads: !p.UnloadOnly, held: st.Held()}
	if p.Undo != "" { // which reads nothing of history
		t.source = ""
	}
	for i := range p.Items {
		item := &p.Items[i]
		if !item.Reason.Runs() {
			continue
		}
		t.wanted = append(t.wanted, item.Slice.Interval)
		if s := st.Slices[item.Slice.Key]; t.loads && s != nil && s.State == hindcast.Succeeded {
			t.published = append(t.published, publication{item.Slice.Interval, s.Since})
		}
	}
	return t
}

// overtakes reports whether the run has published slices of the other one since that was planned, and when it did last.
func (t *Trace) overtakes(other *Trace) (at time.Time, overtakes bool) {
	if !t.loads || !other.loads || t.run == other.run || !t.shares(other) || t.database != other.database {
		return at, false
	}
	for _, p := range t.published {
		if !p.at.After(other.planned) || !p.at.After(at) {
			continue
		}
		if p.FirstOverlap(len(other.wanted), func(k int) hindcast.Interval { return other.wanted[k] }) >= 0 {
			at, overtakes = p.at, true
		}
	}
	return at, overtakes
}

// shares reports whether both publish in the same table.
func (t *Trace) shares(other *Trace) bool {
	return slices.ContainsFunc(t.tables, func(table string) bool { return slices.Contains(other.tables, table) })
}

// Refusal says why a resume, or to publish what is held, would be refused, and what to do instead. The zero Refusal is none.
type Refusal struct {
	Why  string
	Next string
}

// again is the command that does what the run does, from the beginning.
func (t *Trace) again() string {
	switch {
	case !t.loads:
		return "hindcast unload"
	case t.held:
		return "hindcast run --hold"
	}
	return "hindcast run"
}

// Refuses reports whether a resume of a run, or to publish what it holds, would be refused, without asking the warehouse. The
// traces are those of the pipeline's runs.
func Refuses(ctx context.Context, s *session.Session, t *Trace, all []*Trace, now time.Time) (Refusal, error) {
	again := t.again()
	as := *s.Pipeline
	as.Transform = t.transform // the run's own engine, whatever the file's is
	engine, err := drivers.EngineVersion(&as)
	switch {
	case err != nil:
		return Refusal{t.engine.Name + " is not there: " + err.Error(), ""}, nil
	case t.within != s.Pipeline.Environment && t.within != "":
		return Refusal{"planned in environment " + t.within, again}, nil
	case t.within != s.Pipeline.Environment:
		return Refusal{"planned in no environment", again}, nil
	case t.database != config.Database(s.Pipeline.Warehouse.Written):
		return Refusal{"planned for another warehouse", again}, nil
	case t.source != "" && t.source != config.Database(s.Pipeline.Origin().Written):
		return Refusal{"planned for another source", again}, nil
	case t.engine.Name != engine.Name || plan.MajorMinor(t.engine.Version) != plan.MajorMinor(engine.Version):
		return Refusal{fmt.Sprintf("planned for %s %s", t.engine.Name, t.engine.Version), again}, nil
	}
	by, last := "", time.Time{}
	for _, other := range all {
		if at, overtakes := other.overtakes(t); overtakes && at.After(last) {
			by, last = other.run, at
		}
	}
	if by != "" {
		return Refusal{"superseded by " + by, again}, nil
	}
	holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	silent := !holder.Here && now.Sub(holder.Renewed) > holder.TTL // then a resume of any run takes the lease over
	if holder.Held && !holder.Dead && !silent && holder.Run != t.run {
		if holder.Task != "" {
			return Refusal{holder.Task + " is under way", "hindcast list"}, nil
		}
		return Refusal{holder.Run + " is under way", "hindcast status " + holder.Run}, nil
	}
	return Refusal{}, err
}

// readers is how many runs are read from the lake at the same time.
const readers = 8

// Traces reads the traces of the pipeline's runs. What cannot be read is left out: whoever looks at that run sees the error.
func Traces(ctx context.Context, s *session.Session) ([]*Trace, error) {
	runs, err := s.Lake.ListRuns(ctx)
	if err != nil {
		return nil, err
	}
	traces := make([]*Trace, len(runs))
	ticket := make(chan struct{}, readers)
	var group sync.WaitGroup
	for i, run := range runs {
		ticket <- struct{}{}
		group.Go(func() {
			defer func() { <-ticket }()
			p, err := s.Frozen(ctx, run)
			if err != nil {
				return
			}
			if st, err := s.State(ctx, run); err == nil {
				traces[i] = NewTrace(run, p, st)
			}
		})
	}
	group.Wait()
	return slices.DeleteFunc(traces, func(t *Trace) bool { return t == nil }), ctx.Err()
}
