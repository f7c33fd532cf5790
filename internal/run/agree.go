package run

import (
	"context"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// agreed asks before a new run publishes.
func (o Options) agreed(ctx context.Context, p *plan.Plan) error {
	if o.Agree == nil || p.UnloadOnly || p.Hold {
		return nil
	}
	return o.Agree(ctx, p, leftOf(p, &hindcast.RunState{}, nil))
}

// agreedAgain asks before a run that is resumed goes on to publish, or what it holds is published; only are the slices that it is to
// go on with, nil all.
func (o Options) agreedAgain(ctx context.Context, s *session.Session, p *plan.Plan, only []string, publish bool) error {
	if o.Agree == nil || p.UnloadOnly || p.Hold && !publish {
		return nil
	}
	st, err := s.State(ctx, p.Run)
	if err != nil {
		return err
	}
	return o.Agree(ctx, p, leftOf(p, st, only))
}

// leftOf are the keys of the slices that a run has left to do, as far as its state is known: of those in only, or of all if it is nil.
func leftOf(p *plan.Plan, st *hindcast.RunState, only []string) (keys []string) {
	for _, item := range p.Left(st.Done) {
		if only == nil || slices.Contains(only, item.Slice.Key) {
			keys = append(keys, item.Slice.Key)
		}
	}
	return keys
}
