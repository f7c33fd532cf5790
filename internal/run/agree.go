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
	return o.Agree(ctx, p, toPublish(p, &hindcast.RunState{}, nil))
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
	return o.Agree(ctx, p, toPublish(p, st, only))
}

// toPublish are the keys of the slices that a run would publish, as far as its state is known.
func toPublish(p *plan.Plan, st *hindcast.RunState, only []string) (keys []string) {
	for i := range p.Items {
		key := p.Items[i].Slice.Key
		if p.Items[i].Reason.Runs() && !st.Done([]string{key}) && (only == nil || slices.Contains(only, key)) {
			keys = append(keys, key)
		}
	}
	return keys
}
