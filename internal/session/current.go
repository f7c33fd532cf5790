package session

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Current gives the current generations of the whole history up to its end: of each fact's units in their order, with the paths of
// their files, and of dimensions. A manifest of a unit holds until the next one is asked for.
func (s *Session) Current(ctx context.Context, p *hindcast.Pipeline, end time.Time) (facts map[string]iter.Seq[*hindcast.Manifest], dims map[string]*hindcast.Manifest, err error) {
	known, dims, err := s.Lake.Paths(ctx)
	if err != nil {
		return nil, nil, err
	}
	units, err := plan.Present(p, end)
	if err != nil {
		return nil, nil, err
	}

	facts = make(map[string]iter.Seq[*hindcast.Manifest], len(units))
	for fact, present := range units {
		facts[fact] = func(yield func(*hindcast.Manifest) bool) {
			for i := range present {
				m, found := known.WithPaths(fact, present[i].Key)
				if found && m.Interval.Equal(present[i].Interval) && !yield(&m) {
					return
				}
			}
		}
	}
	return facts, dims, nil
}

// Results are the results that the lake keeps, of each target in the order of time; none where the pipeline does not ask for it.
func (s *Session) Results(ctx context.Context, p *hindcast.Pipeline) (kept []hindcast.KeptResults, err error) {
	if p.Results.Keep == "" {
		return nil, nil
	}
	for i, target := range p.Targets() {
		found, err := s.Lake.Results(ctx, target)
		if err != nil {
			return nil, err
		}
		list := slices.SortedFunc(maps.Values(found), func(a, b *hindcast.Manifest) int {
			return cmp.Or(a.Interval.Start.Compare(b.Interval.Start), cmp.Compare(a.Key, b.Key))
		})
		kept = append(kept, hindcast.KeptResults{Name: p.ResultTables()[i], Target: target, Slices: slices.Values(list)})
	}
	return kept, nil
}
