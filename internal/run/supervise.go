package run

import (
	"context"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"os"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/attempt"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// supervise opens the run's journal and supervises the run to its end. dims were unloaded for it; a resume may be asked for only
// some slices.
func (a *active) supervise(ctx context.Context, p *plan.Plan, dims []*hindcast.Manifest, only []string) (*Ended, error) {
	state := &hindcast.RunState{}
	var past []hindcast.Event
	live := false
	j, err := journal.Open(ctx, a.session.Store, a.session.Lake.RunPrefix(p.Run), a.claim.fence(), journal.Options{Run: p.Run,
		Strike: config.PipelineRedactor(a.session.Pipeline).Event, Each: func(e hindcast.Event) {
			if !live {
				state.Apply(e)
				past = append(past, e)
				return
			}
			a.options.Each(e)
		}})
	if err != nil {
		return nil, err
	}
	a.options.Planned(p, past, a.log)
	live = true

	outcome, err := a.conduct(ctx, p, supervisor.Config{Only: only, State: journaled(state), Journal: j, Before: append(accepted(p, past), unloaded(dims)...)})
	_ = j.Close() // the supervisor has waited for the last event; the outcome says what that led to
	if err != nil {
		return nil, err
	}
	if outcome.ExitCode == hindcast.ExitOK && !outcome.State.Held() {
		a.sweeper.after(context.WithoutCancel(ctx))
	}
	a.log.note("writing the index", a.session.Lake.SaveIndex(context.WithoutCancel(ctx))) // first: the views are written by it
	if p.Undo != "" {                                                                     // the pipeline's facts are not in its plan
		return &Ended{Plan: p, Outcome: outcome, LogPath: a.log.path}, nil
	}
	a.log.note("writing the views", writeViews(context.WithoutCancel(ctx), a.session, p)) // no reason to hide how the run ended
	return &Ended{Plan: p, Outcome: outcome, LogPath: a.log.path}, nil
}

// conduct runs the supervisor over the steps of the run's attempts. Config says what is special about this run; conduct adds
// what every run has.
func (a *active) conduct(ctx context.Context, p *plan.Plan, c supervisor.Config) (*supervisor.Outcome, error) {
	steps, err := newSteps(ctx, a.session, p, a.claim, a.patience())
	if err != nil {
		return nil, err
	}
	defer steps.Close()
	if err := a.patience().try(ctx, hangUp, func() error { return steps.EndOthers(ctx, c.State) }); err != nil {
		return nil, err
	}
	t := newTables(a.session, p, a.claim.fence())
	if t != nil {
		if err := a.patience().try(ctx, transient, func() error { return steps.Show(ctx, t) }); err != nil {
			return nil, err
		}
	}
	a.sweeper.before(ctx, p)
	if ctx.Err() != nil { // asked to stop before anything began
		return nil, context.Cause(ctx)
	}

	c.Plan, c.Order, c.UnloadOnly = p, plan.Order(p), p.UnloadOnly
	c.Worker, c.Prove, c.Standing, c.Kill = steps, steps.Prove, steps.Standing, steps.Kill
	if p.Undo != "" {
		u := attempt.Undo{Steps: steps}
		c.Worker, c.Prove, c.Standing = u, u.Prove, u.Standing
	}
	c.Publishing, c.StagedOnly, c.LoadOnly = publishing(p, a.publish), a.publish, p.Undo != ""
	if w := p.Pipeline.Window; !w.IsZero() && !a.options.IgnoreWindow && !a.publish && p.Undo == "" { // what somebody asks for by name is done at once
		c.Window = w
	}
	c.Resizer = a.around(p)
	c.Fence, c.Lost, c.LostBy = a.claim.fence(), a.claim.lease().Lost(), a.claim.lease().Err
	c.Stop, c.Deaths, c.Random = a.stops.requests, a.deaths, rand.Float64
	c.Host, _ = os.Hostname()
	c.Pid = os.Getpid()
	if c.State != nil {
		c.Used = c.State.Active
	}
	outcome := supervisor.Run(context.WithoutCancel(ctx), c)
	if outcome.Err == nil || outcome.Err.Code != hindcast.EFenced { // the tables are a successor's to sweep
		a.expire(context.WithoutCancel(ctx), t, p)
	}
	return outcome, nil
}

// journaled is the state of a run that has a journal; nil for a new run.
func journaled(state *hindcast.RunState) *hindcast.RunState {
	if state.Run == "" {
		return nil
	}
	return state
}

// unloaded are the events of dimensions that were unloaded before the first slice.
func unloaded(dims []*hindcast.Manifest) (events []hindcast.Event) {
	for _, m := range dims {
		events = append(events, hindcast.Event{Type: hindcast.EventDimension, Fact: m.Name, Rows: m.Sums.Rows, Bytes: m.Bytes,
			Seconds: m.Seconds, Manifest: m})
	}
	return events
}

// keptTargets are the targets whose results the lake keeps.
func keptTargets(p *hindcast.Pipeline) []string {
	if p.Results.Keep == "" {
		return nil
	}
	return p.Targets()
}

// writeViews writes the script of views over the current generations of the whole history, unless it is there already.
func writeViews(ctx context.Context, s *session.Session, p *plan.Plan) error {
	of, err := json.Marshal(struct { // it decides which units there are
		Facts   []hindcast.Fact
		History hindcast.History
		End     time.Time
		Results hindcast.Results `json:",omitzero"`
		Targets []string         `json:",omitempty"`
	}{p.Pipeline.Facts, p.Pipeline.History, p.History.End.UTC(), p.Pipeline.Results, keptTargets(&p.Pipeline)})
	if err != nil {
		return err
	}

	return s.Lake.Views(ctx, string(of), func() (map[string]iter.Seq[*hindcast.Manifest], map[string]*hindcast.Manifest, error) {
		facts, dims, err := s.Current(ctx, &p.Pipeline, p.History.End)
		if err != nil {
			return nil, nil, err
		}
		kept, err := s.Results(ctx, &p.Pipeline)
		for _, r := range kept {
			facts[r.Name] = r.Slices
		}
		return facts, dims, err
	})
}
