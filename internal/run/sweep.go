package run

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// sweeper removes from the lake what processes that died left there. A sweep that fails is only logged: the next run sweeps
// again.
type sweeper struct {
	session    *session.Session
	claim      *claim
	log        *runLog
	background sync.WaitGroup
}

// lake sweeps what killed writes left, in the background; wait waits for it. Unloads of a unit that this run unloads may have
// been killed before.
func (s *sweeper) lake(ctx context.Context, p *plan.Plan) {
	var units []lake.Unit
	for i := range p.Units {
		if u := &p.Units[i]; u.Unload {
			units = append(units, lake.Unit{Fact: u.Fact, Key: u.Key})
		}
	}
	fence := s.claim.fence()
	s.background.Go(func() {
		s.log.note("sweeping the lake", s.session.Lake.Sweep(ctx, units))
		s.log.note("deleting claims", lease.DropClaims(ctx, s.session.Store, lake.ClaimsPrefix, s.session.Pipeline.Name, fence))
		s.log.note("deleting what no table points at any longer", s.session.Lake.PruneUnpinned(ctx, fence))
	})
}

func (s *sweeper) wait() { s.background.Wait() }

// before sweeps, before the first slice, what earlier runs left.
func (s *sweeper) before(ctx context.Context, p *plan.Plan) {
	s.lake(ctx, p)
	if s.claim.before != s.claim.run {
		s.log.note("deleting what a canary staged", s.canary(ctx))
		s.log.note("sweeping what was staged", s.staging(ctx, s.claim.before, s.isDone))
	}
	if !p.UnloadOnly { // then the fence is raised: nobody else's load can commit any more
		s.log.note("sweeping what loads that died kept", s.previous(ctx, p))
	}
}

// canary deletes what the run before has staged, if that was a canary.
func (s *sweeper) canary(ctx context.Context) error {
	run := s.claim.before
	if run == "" {
		return nil
	}
	var p struct {
		Canary bool `json:"canary"`
	}
	if err := s.session.Lake.LoadPlan(ctx, run, &p); err != nil || !p.Canary {
		return nil // a plan that cannot be read is of no canary that anybody could publish
	}
	st, err := s.session.State(ctx, run)
	if err != nil || !st.Held() {
		return err
	}
	_, err = discardOf(ctx, s.session, run, s.claim.fence(), "run "+s.claim.run+", which came after the canary")
	return err
}

// after sweeps what this run has staged, once every slice is proven.
func (s *sweeper) after(ctx context.Context) {
	done := func(context.Context, string) (bool, error) { return true, nil }
	s.log.note("sweeping what was staged", s.staging(ctx, s.claim.run, done))
}

// staging removes what a run that is done still has staged: with a remote lake a load does not wait for that, and the process
// may have died before it was done.
func (s *sweeper) staging(ctx context.Context, run string, done func(context.Context, string) (bool, error)) error {
	l := s.session.Lake
	if run == "" || !l.Remote() {
		return nil
	}
	staged, err := l.Staged(ctx, run, s.claim.fence())
	if err != nil || len(staged) == 0 {
		return err
	}
	if ok, err := done(ctx, run); err != nil || !ok {
		return err
	}
	return s.remove(ctx, staged)
}

// isDone reports whether a run ended with every slice proven: one that is held has not.
func (s *sweeper) isDone(ctx context.Context, run string) (bool, error) {
	st, err := s.session.State(ctx, run)
	return err == nil && st.Finished && st.ExitCode == hindcast.ExitOK && !st.Held(), err
}

// previous removes the rows that loads kept which never committed: of this run before it was resumed, and of the runs before
// it that nobody has swept after yet.
func (s *sweeper) previous(ctx context.Context, p *plan.Plan) error {
	runs, err := s.unswept(ctx)
	if err != nil {
		return err
	}
	var dead []string
	for _, run := range runs {
		kept, err := s.session.Lake.Previous(ctx, run, s.claim.fence())
		if err != nil {
			return err
		}
		if len(kept) == 0 {
			continue
		}
		committed, err := s.committed(ctx, run)
		if err != nil {
			return err
		}
		dead = append(dead, slices.DeleteFunc(kept, func(prefix string) bool { return committed[lake.Unfenced(prefix)] })...)
	}
	if len(dead) == 0 {
		return nil
	}

	rows, err := s.session.Warehouse.Committed(ctx, p.Pipeline.Name, true)
	if err != nil {
		return err
	}
	needed := func(prefix string) bool { // also where the journal does not know of the commit
		return slices.ContainsFunc(rows, func(row hindcast.Committed) bool {
			return strings.HasPrefix(s.session.Lake.KeptAt(row.Previous), prefix)
		})
	}
	return s.remove(ctx, slices.DeleteFunc(dead, needed))
}

func (s *sweeper) remove(ctx context.Context, prefixes []string) error {
	for _, prefix := range prefixes {
		if err := s.session.Store.DeleteAll(ctx, prefix); err != nil {
			return err
		}
	}
	return nil
}

// unswept are this run, the one that held the lease before it, and, as long as that one did not sweep itself, the one
// planned before.
func (s *sweeper) unswept(ctx context.Context) ([]string, error) {
	list, before := []string{s.claim.run}, s.claim.before
	if before == "" {
		return list, nil
	}
	list = slices.Compact(append(list, before))
	if s.swept(ctx, before) {
		return list, nil
	}

	runs, err := s.session.Lake.ListRuns(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range runs[slices.Index(runs, before)+1:] {
		if !slices.Contains(list, run) {
			list = append(list, run)
		}
		if s.swept(ctx, run) {
			break
		}
	}
	return list, nil
}

// swept reports whether a run swept what those before it left: one that only unloads does not, and one that ended before
// its first slice may not have. A run that cannot be read counts as one that did not.
func (s *sweeper) swept(ctx context.Context, run string) bool {
	var p struct {
		UnloadOnly bool `json:"unload_only"`
	}
	if err := s.session.Lake.LoadPlan(ctx, run, &p); err != nil || p.UnloadOnly {
		return false
	}
	st, err := s.session.State(ctx, run)
	return err == nil && !st.Started.IsZero()
}

// committed are the prefixes of the loads that the run's journal says are committed.
func (s *sweeper) committed(ctx context.Context, run string) (map[string]bool, error) {
	events, err := journal.Read(ctx, s.session.Store, s.session.Lake.RunPrefix(run))
	committed := map[string]bool{}
	for _, e := range events {
		if e.Type == hindcast.EventCommitted {
			committed[s.session.Lake.PreviousPrefix(run, e.Slice, 0, e.Attempt)] = true
		}
	}
	return committed, err
}
