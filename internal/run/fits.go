package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// frozenFor reads the plan of a run that is to be resumed with the session's pipeline file. Where nothing of history is read, to undo a
// run or to publish what it holds, the plan's pipeline has no source: it need not be there, nor be the one of that time.
func frozenFor(ctx context.Context, s *session.Session, run string, reads bool) (*plan.Plan, error) {
	p, err := s.Frozen(ctx, run)
	if err != nil {
		return nil, err
	}
	if was, is := p.Pipeline.Environment, s.Pipeline.Environment; was != is {
		return nil, otherEnvironment(run, was, is)
	}
	if was, is := p.Pipeline.Warehouse, s.Pipeline.Warehouse; config.Database(was.Written) != config.Database(is.Written) {
		return nil, changed(run, "warehouse", was.Written, is.Written)
	}
	p.Pipeline.Warehouse = s.Pipeline.Warehouse
	if !reads || p.Undo != "" {
		p.Pipeline = *p.Pipeline.WithoutSource()
		return p, nil
	}
	if was, is := p.Pipeline.Origin(), s.Pipeline.Origin(); config.Database(was.Written) != config.Database(is.Written) {
		return nil, changed(run, "source", was.Written, is.Written)
	}
	p.Pipeline.Source = s.Pipeline.Source
	return p, nil
}

// chosen are the slices that a resume is to go on with; all of them if none are returned. E-RUN if they are all done.
func chosen(ctx context.Context, s *session.Session, p *plan.Plan, selection string) ([]string, error) {
	st, err := s.State(ctx, p.Run)
	if err != nil {
		return nil, err
	}
	keys, err := plan.Select(p, st, selection)
	if err == nil && selection != "" && len(keys) == 0 {
		err = plan.NoneChosen(selection, "see its slices: hindcast status "+p.Run+" --all")
	}
	left := func(key string) bool { return !st.Done(key) }
	if err != nil || len(keys) == 0 || slices.ContainsFunc(keys, left) {
		return keys, err
	}
	return nil, &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("of run %s the slices %s are done", p.Run, selection), Next: "see what is left: hindcast status " + p.Run}
}

// stillFits refuses to resume a run with another engine, if it computes, or warehouse than it was planned for, or after a later run.
func stillFits(ctx context.Context, s *session.Session, p *plan.Plan, computes bool) error {
	e, w := s.Engine.Properties(), s.Warehouse.Properties()
	if computes && (e.Name != p.Engine.Name || plan.MajorMinor(e.Version) != plan.MajorMinor(p.Engine.Version)) {
		return changed(p.Run, "engine", p.Engine.Name+" "+p.Engine.Version, e.Name+" "+e.Version)
	}
	if w.Name != p.Warehouse.Name {
		return changed(p.Run, "warehouse", p.Warehouse.Name, w.Name)
	}
	if !computes {
		return superseded(ctx, s, p)
	}
	if is := s.Source.Properties(); s.Source != s.Warehouse && is.Name != p.Source.Name {
		return changed(p.Run, "source", p.Source.Name, is.Name)
	}
	return superseded(ctx, s, p)
}

// superseded refuses to resume a run when a later one has published slices of it: older results would replace newer ones.
func superseded(ctx context.Context, s *session.Session, p *plan.Plan) error {
	if p.UnloadOnly {
		return nil
	}
	rows, err := s.Warehouse.Committed(ctx, p.Pipeline.Name, false)
	if err != nil {
		return err
	}
	targets := p.Pipeline.Targets()
	for _, row := range rows {
		if row.Publication == p.Run || !slices.Contains(targets, row.Target) || !row.CommittedAt.After(p.CreatedAt) {
			continue
		}
		for _, item := range p.Items {
			if item.Reason.Runs() && item.Slice.Overlaps(row.Slice.Interval) {
				next := "plan again: hindcast run"
				if p.Hold {
					next = "compute again: hindcast run --hold; delete what is staged: hindcast publish " + p.Run + " --discard"
				}
				return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
					Message: fmt.Sprintf("run %s has published %s since run %s was planned, which would put older results back", row.Publication, p.Label(row.Slice.Key), p.Run),
					Next:    next}
			}
		}
	}
	return nil
}

func otherEnvironment(run, was, is string) error {
	next := "choose it: --env " + was
	if was == "" {
		next = "leave --env and HINDCAST_ENV out"
	}
	return &hindcast.Error{Code: hindcast.EPlanChanged, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("run %s was planned in %s; this is %s", run, environment(was), environment(is)), Next: next + ", or begin a new run with: hindcast run"}
}

func environment(name string) string {
	if name == "" {
		return "no environment"
	}
	return "environment " + name
}

func changed(run, what, was, is string) error {
	return &hindcast.Error{Code: hindcast.EPlanChanged, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("run %s was planned for the %s %s; now it is %s", run, what, was, is),
		Next:    fmt.Sprintf("go back to %s, or begin a new run with: hindcast run", was)}
}
