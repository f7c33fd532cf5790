package cli

import (
	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/diff"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
)

// canary runs a canary, and compares what it has staged with what stands there.
func (a *app) canary(ctx context.Context, p *hindcast.Pipeline, o run.Options) error {
	o.Picked = func(slice string) {
		if !a.json {
			_, _ = a.err.Write([]byte("canary: " + a.plain(slice) + ", the latest complete slice that has something to do\n"))
		}
	}
	var ended *run.Ended
	err := a.supervised(ctx, p, o, func(ctx context.Context, o run.Options) (_ *run.Ended, err error) {
		ended, err = run.Begin(ctx, p, o)
		return ended, err
	})
	if err != nil || a.json || !ended.Outcome.State.Held() { // programs ask for the comparison: hindcast diff --json
		return err
	}

	s, err := session.Open(ctx, p, a.log())
	if err != nil {
		return closing(s, err)
	}
	found, err := diff.Of(ctx, s, diff.Choice{After: ended.Plan.Run})
	if err := closing(s, err); err != nil {
		return err
	}
	screen.Diff(a.out, found, a.options)
	return nil
}
