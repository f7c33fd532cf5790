package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/watch"
)

// View shows the events of a run that another process supervises.
type View interface {
	Event(hindcast.Event)
	Close() error
}

// Named attaches to the run named Options.ID while another process supervises it, resumes it where it stopped, or begins it. If
// everything of it is done it only says how it ended.
func Named(ctx context.Context, p *hindcast.Pipeline, o Options) (*Ended, error) {
	if strings.ContainsAny(o.ID, "/\\ \t\n") {
		return nil, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("%q cannot be a run's name", o.ID),
			Next: "use letters, digits, dots, dashes and underscores"}
	}
	s, err := session.OpenLake(p)
	if err != nil {
		return nil, err
	}
	for {
		frozen, err := s.Frozen(ctx, o.ID)
		if fault := p.Fault(); unknown(err) && fault != nil {
			return nil, fault
		}
		if unknown(err) {
			ended, err := Begin(ctx, p, o)
			if err == nil || hindcast.AsError(err).Code != hindcast.ELeaseHeld {
				return ended, err
			}
			if err := awaitPlan(ctx, s, o.ID, err); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}

		ended, err := attach(ctx, s, frozen, o)
		if ended != nil || err != nil {
			return ended, err
		}
		st, err := s.State(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		if st.Finished && st.ExitCode == hindcast.ExitOK { // or held: it is for somebody else to publish it
			return over(s, frozen, st), nil
		}
		if o.Hold && !frozen.Hold {
			return nil, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "run " + o.ID + " was not begun with --hold: going on with it publishes",
				Next: "go on with it: hindcast resume " + o.ID + "; or begin one that holds, of another name"}
		}
		o.Choice = session.Choice{} // the choice was of the frozen plan's slices
		return Resume(ctx, p, o.ID, o)
	}
}

// unknown reports whether there is no such run.
func unknown(err error) bool { return err != nil && hindcast.AsError(err).Code == hindcast.ERun }

// awaitPlan waits while another process makes the run's plan. It returns held, the refusal to begin, if the lease is another
// run's, or its process is silent.
func awaitPlan(ctx context.Context, s *session.Session, id string, held error) error {
	for look, err := range watch.Follow(ctx, s, id) {
		if ctx.Err() != nil {
			return watch.GoesOn(id)
		}
		if err != nil || look.Holder.Run != id || look.Silent {
			return held
		}
		if _, err := s.Frozen(ctx, id); !look.Held || !unknown(err) {
			return nil
		}
	}
	return nil
}

// attach shows the run until it ends, if another process supervises it; nil if none does any more, or it is silent.
func attach(ctx context.Context, s *session.Session, p *plan.Plan, o Options) (*Ended, error) {
	for {
		holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
		if err != nil || !holder.Held || holder.Dead || holder.Run != p.Run {
			return nil, err
		}
		view := o.Attached(p)
		st, silent, err := watch.Attach(ctx, s, p.Run, view.Event)
		if err := errors.Join(err, view.Close()); err != nil {
			return nil, err
		}
		if st != nil {
			return over(s, p, st), nil
		}
		if silent {
			return nil, nil
		}
	}
}

// over is the end of a run that another process supervised.
func over(s *session.Session, p *plan.Plan, st *hindcast.RunState) *Ended {
	return &Ended{Elsewhere: true, Plan: p, Outcome: &supervisor.Outcome{ExitCode: st.ExitCode, State: st}, LogPath: s.Lake.Absolute(s.Lake.LogKey(p.Run))}
}
