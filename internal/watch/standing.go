package watch

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// Standing is how a run stands.
type Standing struct {
	Plan  *plan.Plan
	State *hindcast.RunState
	Alive bool // its process holds the lease and is not known to be dead
	// Resuming is who holds the run and has not gone on with it yet: it opens the warehouse, or waits for it. Its Run is empty if
	// nobody does.
	Resuming lease.Holder
	Heard    time.Time // the run's last sign of life: of its process, by that one's clock, or its last event
	Lasting  bool      // what an engine computes for the run is still there without the run's process
	Silent   time.Time // when a process on another machine that holds it gave its last sign of life, if it is overdue
}

// Stands reads how a run stands at the time now, by the lake alone: the warehouse may be busy, or far away.
func Stands(ctx context.Context, s *session.Session, run string, now time.Time) (Standing, error) {
	p, err := s.Frozen(ctx, run)
	if err != nil {
		return Standing{}, err
	}
	st, err := s.State(ctx, run)
	if err != nil {
		return Standing{}, err
	}
	if st.Started.IsZero() { // it has no event yet
		st.Total, st.Started, st.Updated = p.Total(), p.CreatedAt, p.CreatedAt
	}

	holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	standing := Standing{Plan: p, State: st, Alive: holder.Held && !holder.Dead && holder.Run == run}
	if standing.Heard = st.Updated; holder.Run == run && holder.Renewed.After(st.Updated) {
		standing.Heard = holder.Renewed
	}
	standing.Lasting = s.Lake.Exchange(drivers.Elsewhere(&p.Pipeline)).Lasting()
	if standing.Alive && holder.Fence != st.Fence {
		standing.Resuming = holder
	}
	if standing.Alive && !holder.Here && now.Sub(holder.Renewed) > holder.TTL {
		standing.Silent = holder.Renewed
	}
	return standing, err
}

// Only is the standing of some slices alone.
func (s Standing) Only(keys []string) Standing {
	s.Plan, s.State = s.Plan.Only(keys), s.State.Only(keys)
	return s
}

// Latest is the pipeline's latest run. E-RUN if it has none.
func Latest(ctx context.Context, s *session.Session) (string, error) {
	runs, err := s.Lake.ListRuns(ctx)
	if err != nil {
		return "", err
	}
	if len(runs) == 0 {
		return "", &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
			Message: "pipeline " + s.Pipeline.Name + " has no run yet", Next: "begin one with: hindcast run"}
	}
	return runs[0], nil
}

// UnderWay is the run that holds the pipeline's lease. E-RUN if none does.
func UnderWay(ctx context.Context, s *session.Session) (string, error) {
	holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	if err != nil {
		return "", err
	}
	if !holder.Held || holder.Dead || holder.Run == "" {
		return "", &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: "no run of " + s.Pipeline.Name + " is under way",
			Next: "see how the latest ended: hindcast status"}
	}
	return holder.Run, nil
}

// Preparing is the run that holds the pipeline's lease and has no plan yet: it opens the warehouse, or waits for it. Its Run is
// empty if there is none.
func Preparing(ctx context.Context, s *session.Session) (lease.Holder, error) {
	holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	if err != nil || !holder.Held || holder.Dead || holder.Run == "" {
		return lease.Holder{}, err
	}
	if _, err = s.Frozen(ctx, holder.Run); err != nil && hindcast.AsError(err).Code == hindcast.ERun {
		return holder, nil
	}
	return lease.Holder{}, err
}
