package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// accept gives the slices that a run has left the SQL of the pipeline file as it is now, with its parameters and checks. What they have staged by
// the former SQL is discarded first, then the plan is revised, and at last the journal says that it was: a process that dies in between
// leaves the former plan with less staged, or the new one, which the next resume journals. It returns the run's plan from here on,
// and the dimensions that were unloaded for it.
func (a *active) accept(ctx context.Context, file *hindcast.Pipeline, frozen *plan.Plan) (*plan.Plan, []*hindcast.Manifest, error) {
	s, by := a.session, a.options.AcceptSQL
	st, err := s.State(ctx, frozen.Run)
	if err != nil {
		return nil, nil, err
	}
	if err := acceptable(file, frozen, st); err != nil {
		return nil, nil, err
	}
	left := leftOf(frozen, st, nil)
	if len(left) == 0 {
		return frozen, nil, nil
	}

	made, dims, err := a.replan(ctx, file, frozen, left)
	if err != nil {
		return nil, nil, err
	}
	if frozen.SameSQL(made) {
		return frozen, dims, nil
	}
	revised := frozen.Revise(made, st.Done, time.Now().UTC(), by)
	if revised == nil {
		return nil, nil, &hindcast.Error{Code: hindcast.EPlanChanged, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("history is cut in another way now than when run %s was planned", frozen.Run), Next: "begin a new run with: hindcast run"}
	}

	if slices.ContainsFunc(left, func(key string) bool { is := st.Slices[key]; return is != nil && len(is.Staged) > 0 }) {
		if _, err := discardOf(ctx, s, frozen.Run, a.claim.fence(), by+": the SQL is another one"); err != nil {
			return nil, nil, err
		}
	}
	if err := s.Lake.RevisePlan(ctx, frozen.Run, revised); err != nil {
		return nil, nil, err
	}
	s.Pipeline = &revised.Pipeline
	return revised, dims, nil
}

// replan plans the slices that a run has left as the pipeline file is now, for the time of the run, and returns the
// dimensions as well that it has unloaded. It refuses results of other columns.
func (a *active) replan(ctx context.Context, file *hindcast.Pipeline, frozen *plan.Plan, left []string) (*plan.Plan, []*hindcast.Manifest, error) {
	s := a.session
	s.Pipeline = file
	defer func() { s.Pipeline = &frozen.Pipeline }()
	p := &planner{session: s, claim: a.claim, patience: a.patience(), choice: session.Choice{Slices: strings.Join(left, ","), Force: true}, at: frozen.CreatedAt}
	made, dims, err := p.plan(ctx)
	if err != nil {
		return nil, nil, err
	}
	if k := frozen.OtherColumns(made); k >= 0 {
		o := &file.Outputs[k]
		return nil, nil, &hindcast.Error{Code: hindcast.EPlanChanged, Class: hindcast.ClassPermanent, Place: hindcast.Place{File: o.SQLFile},
			Message: fmt.Sprintf("gives %s other columns now than when run %s was planned", o.Target.Table, frozen.Run), Next: "begin a new run with: hindcast run"}
	}
	return made, dims, nil
}

// acceptable refuses runs whose slices cannot be given another SQL.
func acceptable(file *hindcast.Pipeline, p *plan.Plan, st *hindcast.RunState) error {
	no := func(code hindcast.Code, why, next string) error {
		return &hindcast.Error{Code: code, Class: hindcast.ClassPermanent, Message: "run " + p.Run + " " + why, Next: next}
	}
	names := func(p *hindcast.Pipeline) (list []string) {
		for i := range p.Outputs {
			list = append(list, p.Outputs[i].Name+" "+p.Outputs[i].Target.Table)
		}
		return list
	}
	switch {
	case p.Undo != "" || p.UnloadOnly:
		return no(hindcast.EUsage, "computes nothing: there is no SQL to accept", "resume it without --accept-new-sql")
	case p.Hold:
		return no(hindcast.EUsage, "holds what it computes, all of it by one SQL", "discard it, and begin another one: hindcast publish "+p.Run+" --discard; hindcast run --hold")
	case p.Pipeline.Transform.Engine != file.Transform.Engine:
		return changed(p.Run, "engine", p.Pipeline.Transform.Engine, file.Transform.Engine)
	case !slices.Equal(names(&p.Pipeline), names(file)):
		return no(hindcast.EPlanChanged, "was planned for other targets than the pipeline file has now", "begin a new run with: hindcast run")
	}
	for _, key := range st.Order {
		if is := st.Slices[key]; is.Work != nil && !is.State.Done() {
			return no(hindcast.EUsage, "may still be at work on "+p.Label(key)+" by the SQL that it was planned with", "end it: hindcast stop "+p.Run+"; or resume it without --accept-new-sql")
		}
	}
	return nil
}

// accepted are the events of the revisions of a plan that the journal does not have yet.
func accepted(p *plan.Plan, past []hindcast.Event) (events []hindcast.Event) {
	known := 0
	for _, e := range past {
		if e.Type == hindcast.EventSQLAccepted {
			known++
		}
	}
	for _, r := range p.Revisions[min(known, len(p.Revisions)):] {
		events = append(events, hindcast.Event{Type: hindcast.EventSQLAccepted, Message: "accepted by " + r.By + " at " + r.At.Format(time.RFC3339)})
	}
	return events
}
