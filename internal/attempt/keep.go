package attempt

import (
	"context"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// keeps reports whether the lake keeps results.
func (s *Steps) keeps() bool { return s.plan.Pipeline.Results.Keep != "" }

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

// kept names the result of the attempt's output as the lake is to keep it: a generation after the current one.
func (s *Steps) kept(try supervisor.Try) hindcast.Manifest {
	m := hindcast.Manifest{Target: s.output(try.Output).Target.Table, Key: try.Item.Slice.Key, Run: s.plan.Run, Fence: try.Fence, Attempt: try.Attempt}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	m.Generation = lake.NextGeneration(s.results[m.Target][m.Key])
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
			return unkept(err)
		}
	}
	return nil
}

func (s *Steps) keepOne(ctx context.Context, staged *hindcast.Manifest) error {
	m := *staged
	if err := s.supersede(ctx, m.Target, m.Key, m.Interval); err != nil {
		return err
	}
	if err := s.lake.KeepResult(ctx, &m); err != nil {
		return err
	}

	s.mutex.Lock()
	s.results[m.Target][m.Key] = &m
	s.mutex.Unlock()
	_, err := s.lake.PruneResult(ctx, m.Target, m.Key, s.fence, keep(&m))
	return err
}

// supersede lets go of the results of other slices that have part of the time: the load has taken their rows, or some of them, out of the
// target. That is so where history is cut in another way than before.
func (s *Steps) supersede(ctx context.Context, target, key string, in hindcast.Interval) error {
	s.mutex.Lock()
	var gone []*hindcast.Manifest
	for _, m := range s.results[target] {
		if m.Key != key && m.Interval.Overlaps(in) {
			gone = append(gone, m)
		}
	}
	s.mutex.Unlock()

	for _, m := range gone {
		if err := s.lake.LetGo(ctx, m, s.fence); err != nil {
			return err
		}
		s.mutex.Lock()
		delete(s.results[target], m.Key)
		s.mutex.Unlock()
	}
	return nil
}

// letGo lets go of results that the lake kept when the pipeline still asked for it, before their rows are replaced.
func (s *Steps) letGo(ctx context.Context, outputs []made, slice hindcast.Slice) error {
	for _, o := range outputs {
		if err := s.supersede(ctx, s.output(o.output).Target.Table, "", slice.Interval); err != nil {
			return err
		}
	}
	return nil
}

// unkept says of an error that the slice's rows are in the target nevertheless.
func unkept(err error) error {
	e := *hindcast.AsError(err)
	e.Message, e.Cause = "the rows are committed, and the lake does not keep them yet: "+e.Message, err
	return &e
}
