package attempt

import (
	"context"
	"slices"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// Tables are tables elsewhere over kept results. Its methods are called one at a time.
type Tables interface {
	// Check refuses results of these columns that the table cannot have.
	Check(ctx context.Context, target string, columns []hindcast.Column) error
	// Reconcile makes the table what is kept of all slices.
	Reconcile(ctx context.Context, target string, all map[string]*hindcast.Manifest) error
	// Publish makes the table what is kept of these slices; nil of one of which nothing is kept any more.
	Publish(ctx context.Context, target string, now map[string]*hindcast.Manifest) error
}

// showing are the tables over kept results, and what they do not show yet.
type showing struct {
	tables Tables // nil if there are none
	mutex  sync.Mutex
	// Guarded by Steps.mutex, by target:
	late     map[string]map[string]bool     // keys of slices
	replaced map[string]map[string][]string // keys of slices that were let go of for one whose result is not kept yet, by its key
}

// keeps reports whether the lake keeps results.
func (s *Steps) keeps() bool { return s.plan.Pipeline.Results.Keep != "" }

// Show has tables show what is kept, now and from now on.
func (s *Steps) Show(ctx context.Context, tables Tables) error {
	for k, target := range s.plan.Pipeline.Targets() {
		if err := tables.Check(ctx, target, s.plan.Outputs[k].Result); err != nil {
			return err
		}
		if err := tables.Reconcile(ctx, target, s.results[target]); err != nil {
			return err
		}
		if err := tables.Check(ctx, target, s.plan.Outputs[k].Result); err != nil { // of a table that was made just now, of what is kept
			return err
		}
	}
	s.showing.tables, s.showing.late, s.showing.replaced = tables, map[string]map[string]bool{}, map[string]map[string][]string{}
	return nil
}

// behind says that what is kept of a slice is not what its table shows. The caller holds the mutex.
func (s *Steps) behind(target, slice string) {
	if s.showing.tables == nil {
		return
	}
	if s.showing.late[target] == nil {
		s.showing.late[target] = map[string]bool{}
	}
	s.showing.late[target][slice] = true
}

// instead says that a slice's result is to take the place of another's. The caller holds the mutex.
func (s *Steps) instead(target, slice, of string) {
	if s.showing.tables == nil {
		return
	}
	if s.showing.replaced[target] == nil {
		s.showing.replaced[target] = map[string][]string{}
	}
	s.showing.replaced[target][slice] = append(s.showing.replaced[target][slice], of)
}

// show has the table over a target's results show what is kept by now: all that no call before has shown, at once. When it returns nil,
// what the caller has kept is shown.
func (s *Steps) show(ctx context.Context, target string) error {
	if s.showing.tables == nil {
		return nil
	}
	s.showing.mutex.Lock()
	defer s.showing.mutex.Unlock()

	now := map[string]*hindcast.Manifest{}
	s.mutex.Lock()
	for slice := range s.showing.late[target] {
		now[slice] = s.results[target][slice]
	}
	s.mutex.Unlock()
	if len(now) == 0 {
		return nil
	}
	if err := s.showing.tables.Publish(ctx, target, now); err != nil {
		return err
	}

	s.mutex.Lock()
	defer s.mutex.Unlock()
	for slice, m := range now {
		if s.results[target][slice] == m { // and not another one by now
			delete(s.showing.late[target], slice)
		}
	}
	return nil
}

// knownResults reads which results the lake keeps, of the slices that run and of those whose time they may take.
func (s *Steps) knownResults(ctx context.Context) error {
	s.results = map[string]map[string]*hindcast.Manifest{}
	for _, target := range s.plan.Pipeline.Targets() {
		found, err := s.lake.Results(ctx, target)
		if err != nil {
			return err
		}
		s.results[target] = found
	}
	return nil
}

// kept names the result of the attempt's output as the lake is to keep it: a generation after the current one. Its number is the fence that
// the work was given under, which is above that of whatever the lake had kept until then: so a resume finds the work in its folder, and can
// keep it, whatever an earlier run has kept meanwhile.
func (s *Steps) kept(try supervisor.Try) hindcast.Manifest {
	m := hindcast.Manifest{Target: s.output(try.Output).Target.Table, Key: try.Item.Slice.Key, Run: s.plan.Run, Fence: try.Fence, Attempt: try.Attempt}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	m.Generation = max(lake.NextGeneration(s.results[m.Target][m.Key]), int(try.Fence))
	return m
}

// Keep makes generations of the lake of the staged results whose rows are committed, where the pipeline asks for it. It is done once a
// result, however often it is called.
func (s *Steps) Keep(ctx context.Context, _ supervisor.Try, committed []hindcast.Committed, staged []*hindcast.Manifest) error {
	for _, m := range staged {
		i := slices.IndexFunc(committed, func(row hindcast.Committed) bool { return row.Target == m.Target })
		if m.Target == "" || i < 0 || committed[i].Run != m.Run { // or another run has committed the same, and kept it
			continue
		}
		if err := s.keepOne(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Steps) keepOne(ctx context.Context, staged *hindcast.Manifest) error {
	m := *staged
	if _, err := s.supersede(ctx, m.Target, m.Key, m.Interval); err != nil {
		return committed(err, "the lake does not keep them yet")
	}
	if err := s.lake.KeepResult(ctx, &m); err != nil {
		return committed(err, "the lake does not keep them yet")
	}

	s.mutex.Lock()
	s.results[m.Target][m.Key] = &m
	s.behind(m.Target, m.Key)
	for _, key := range s.showing.replaced[m.Target][m.Key] { // they go in the snapshot in which this one comes
		s.behind(m.Target, key)
	}
	delete(s.showing.replaced[m.Target], m.Key)
	s.mutex.Unlock()
	if err := s.show(ctx, m.Target); err != nil {
		return committed(err, "the Iceberg table does not show them yet")
	}
	if _, err := s.lake.PruneResult(ctx, m.Target, m.Key, s.fence, s.snapshots()); err != nil {
		return committed(err, "kept in the lake, where older results of the slice are still to be deleted")
	}
	return nil
}

// snapshots reports whether there are tables that have snapshots of kept results: older ones have older generations, until they expire.
func (s *Steps) snapshots() bool { return s.plan.Pipeline.Results.Keep == hindcast.KeepIceberg }

// supersede lets go of the results of other slices that have part of the time: the load has taken their rows, or some of them, out of the
// target. That is so where history is cut in another way than before. It returns them.
func (s *Steps) supersede(ctx context.Context, target, key string, in hindcast.Interval) (gone []*hindcast.Manifest, err error) {
	s.mutex.Lock()
	for _, m := range s.results[target] {
		if m.Key != key && m.Interval.Overlaps(in) {
			gone = append(gone, m)
		}
	}
	s.mutex.Unlock()

	for _, m := range gone {
		if err := s.lake.LetGo(ctx, m, s.fence, !s.snapshots()); err != nil {
			return nil, err
		}
		s.mutex.Lock()
		delete(s.results[target], m.Key)
		s.instead(target, key, m.Key)
		s.mutex.Unlock()
	}
	return gone, nil
}

// letGo lets go of results that the lake kept when the pipeline still asked for it, before their rows are replaced.
func (s *Steps) letGo(ctx context.Context, outputs []made, slice hindcast.Slice) error {
	for _, o := range outputs {
		if _, err := s.supersede(ctx, s.output(o.output).Target.Table, "", slice.Interval); err != nil {
			return err
		}
	}
	return nil
}

// committed says of an error that the slice's rows are in the target nevertheless, and what is not done yet.
func committed(err error, but string) error {
	e := *hindcast.AsError(err)
	e.Message, e.Cause = "the rows are committed, and "+but+": "+e.Message, err
	return &e
}
