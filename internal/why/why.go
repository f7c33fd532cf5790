// Package why tells where a slice's published rows came from: when, by which run and attempt, with which SQL, over which
// generations; and what a run would do about the slice now. It reads the records of runs; what makes a slice stale is package
// plan's to say.
package why

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
)

// Of tells it of the one slice that a plan of now has: E-SLICES if it has another number of them.
func Of(ctx context.Context, s *session.Session, now *plan.Plan) (*view.Why, error) {
	slice, err := only(now)
	if err != nil {
		return nil, err
	}
	rows, err := s.Warehouse.Committed(ctx, s.Pipeline.Name, false, slice.Key)
	if err != nil {
		return nil, err
	}

	told := &view.Why{Slice: slice, Label: now.Label(slice.Key)}
	runs := map[string]*record{}
	for i := range s.Pipeline.Outputs {
		o := &s.Pipeline.Outputs[i]
		is := view.WhyOutput{Output: o.Name, Target: o.Target.Table, SQLFile: o.SQLFile}
		is.Reason, is.Detail = outcome(now, i)
		if k := slices.IndexFunc(rows, func(c hindcast.Committed) bool { return c.Target == o.Target.Table }); k >= 0 {
			is.Committed = &rows[k]
			if err := tell(ctx, s, o, &is, runs); err != nil {
				return nil, err
			}
		}
		told.Outputs = append(told.Outputs, is)
	}
	return told, nil
}

// only is the plan's one slice.
func only(p *plan.Plan) (hindcast.Slice, error) {
	switch {
	case p.Total() != 1:
		return hindcast.Slice{}, &hindcast.Error{Code: hindcast.ESlices, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("that is %s, and why tells of one", numbers.Counted(p.Total(), "slice")), Next: "name one slice: hindcast why " + first(p)}
	case len(p.Items) == 1:
		return p.Items[0].Slice, nil
	}
	return hindcast.Slice{Key: p.UpToDate[0].First, Interval: p.UpToDate[0].Interval}, nil
}

// first is the first of the plan's slices, as --slices takes it.
func first(p *plan.Plan) string {
	if len(p.Items) > 0 {
		return p.Label(p.Items[0].Slice.Key)
	}
	return p.Label(p.UpToDate[0].First)
}

// outcome is why an output of the one slice is computed now, or not.
func outcome(p *plan.Plan, output int) (hindcast.Reason, string) {
	if len(p.Items) == 0 {
		return hindcast.ReasonUpToDate, p.UpToDate[0].Detail
	}
	if item := &p.Items[0]; len(item.Outputs) > 0 {
		return item.Outputs[output].Reason, item.Outputs[output].Detail
	}
	return p.Items[0].Reason, p.Items[0].Detail
}

// record is what is known of a run: its plan, and what it unloaded. lost says why there is nothing.
type record struct {
	plan     *plan.Plan
	unloaded []*hindcast.Manifest
	lost     string
}

// recall reads a run's records. It is not an error that they are not in the lake.
func recall(ctx context.Context, s *session.Session, run string) (*record, error) {
	p, err := s.Frozen(ctx, run)
	if err != nil {
		if session.Lost(err) {
			return &record{lost: "the plan of run " + run + " cannot be read: " + hindcast.AsError(err).Message}, nil
		}
		return nil, err
	}
	events, err := journal.Read(ctx, s.Store, s.Lake.RunPrefix(run))
	if err != nil && hindcast.AsError(err).Code != hindcast.EJournal { // what a damaged one still says is taken
		return nil, err
	}
	r := &record{plan: p}
	for _, e := range events {
		if e.Manifest != nil && (e.Type == hindcast.EventDimension || e.Type == hindcast.EventStepFinished && e.Step == hindcast.StepUnload) {
			r.unloaded = append(r.unloaded, e.Manifest)
		}
	}
	return r, nil
}

// tell fills in what the run that computed an output's rows says of them.
func tell(ctx context.Context, s *session.Session, o *hindcast.Output, is *view.WhyOutput, runs map[string]*record) (err error) {
	run := is.Committed.Run
	r := runs[run]
	if r == nil {
		if r, err = recall(ctx, s, run); err != nil {
			return err
		}
		runs[run] = r
	}
	if is.Unknown = r.lost; r.lost != "" {
		return nil
	}

	was := slices.IndexFunc(r.plan.Pipeline.Outputs, func(was hindcast.Output) bool { return was.Target.Table == is.Target })
	item := slices.IndexFunc(r.plan.Items, func(item plan.Item) bool { return item.Slice.Key == is.Committed.Slice.Key })
	if was < 0 || item < 0 {
		is.Unknown = "the plan of run " + run + " has no such slice: another lake has a run of that name"
		return nil
	}
	is.SQL, is.Reads = r.plan.SQLOf(was, is.Committed)
	is.Diff = diff(is.SQL, o.Text)
	if parts := r.plan.Items[item].Parts; was < len(parts) && parts[was].Params == is.Committed.Parts.Params { // not those of before another SQL was accepted
		is.Params = params(r.plan.Pipeline.Params, s.Pipeline.Params)
	}
	is.Inputs, err = r.inputs(ctx, s, &r.plan.Items[item])
	return err
}

// params are the parameters that have other values now.
func params(was, now []hindcast.Param) (changed []view.WhyParam) {
	literals := func(list []hindcast.Param) map[string]string {
		m := make(map[string]string, len(list))
		for _, p := range list {
			m[p.Name] = p.Written()
		}
		return m
	}
	before, today := literals(was), literals(now)
	for _, p := range append(slices.Clone(was), now...) {
		is := view.WhyParam{Name: p.Name, Was: before[p.Name], Now: today[p.Name]}
		if is.Was != is.Now && !slices.Contains(changed, is) {
			changed = append(changed, is)
		}
	}
	return changed
}

// inputs are the units and dimensions that a slice of the run was computed from.
func (r *record) inputs(ctx context.Context, s *session.Session, item *plan.Item) (list []view.WhyInput, err error) {
	facts, dims, err := s.Lake.Current(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range r.plan.Units {
		if !slices.Contains(item.Units.Of(u.Fact), u.Key) {
			continue
		}
		in := view.WhyInput{Name: u.Fact, Key: u.Key, Label: r.plan.UnitLabel(u.Fact, u.Key), Source: u.Source, Missing: u.Missing && !u.Gone,
			Own: len(u.Files) > 0, Rows: u.Rows, Bytes: u.Bytes, Unloaded: u.Unloaded}
		r.trace(&in, facts[u.Fact][u.Key])
		list = append(list, in)
	}
	for _, d := range r.plan.Dims {
		in := view.WhyInput{Name: d.Name, Key: hindcast.WholeKey, Source: d.Source, Own: len(d.Files) > 0, Rows: d.Rows, Bytes: d.Bytes, Unloaded: d.Unloaded}
		r.trace(&in, dims[d.Name])
		list = append(list, in)
	}
	return list, nil
}

// trace finds the generation that an input was: the last one that the run unloaded, or else the one that the lake had by then, which may be
// its current one.
func (r *record) trace(in *view.WhyInput, current *hindcast.Manifest) {
	if in.Own {
		return
	}
	var used *hindcast.Manifest
	for _, m := range r.unloaded {
		if m.Name == in.Name && m.Key == in.Key {
			used = m
		}
	}
	if used == nil && current != nil && same(current.CreatedAt, in.Unloaded) {
		used = current
	}
	if used != nil {
		in.Generation, in.Rows, in.Bytes, in.Unloaded, in.Shared = used.Generation, used.Sums.Rows, used.Bytes, used.CreatedAt, used.Shared
	}
	in.Gone = current == nil || !same(current.CreatedAt, in.Unloaded)
}

func same(a, b time.Time) bool { return a.Truncate(time.Second).Equal(b.Truncate(time.Second)) }
