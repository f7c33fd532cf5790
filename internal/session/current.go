package session

import (
	"context"
	"iter"
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
