package supervisor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

// steady is a worker whose transforms take so long, and say twice a second how far they are.
type steady struct {
	*world
	takes time.Duration
	still bool // what they say is always the same
}

func (s steady) Wait(ctx context.Context, try Try, h hindcast.Handle, progress func(hindcast.Progress)) (Staged, error) {
	progress(hindcast.Progress{})
	for n := int64(1); n <= int64(s.takes/(500*time.Millisecond)); n++ {
		time.Sleep(500 * time.Millisecond)
		if s.still {
			progress(hindcast.Progress{Bytes: 7})
			continue
		}
		progress(hindcast.Progress{Bytes: n, Stage: 1, Tasks: 9, TasksDone: 3})
	}
	staged, err := s.world.Wait(ctx, try, h, func(hindcast.Progress) {})
	staged.Spilled = 11
	return staged, err
}

// The progress of a long transform is journaled, the more seldom the longer it takes, and forgotten at its end.
func TestProgressIsJournaled(t *testing.T) {
	for name, c := range map[string]struct {
		takes           time.Duration
		still           bool
		atLeast, atMost int
	}{
		"a short one":     {takes: 4 * time.Second},
		"half a minute":   {takes: 30 * time.Second, atLeast: 5, atMost: 6},
		"half an hour":    {takes: 30 * time.Minute, atLeast: 40, atMost: 60},
		"nothing happens": {takes: 30 * time.Second, still: true, atLeast: 1, atMost: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				config := w.config(planOf(1))
				config.Worker = steady{w, c.takes, c.still}
				out := w.run(config)
				wantExit(t, out, hindcast.ExitOK)
				if n := w.journal.count(hindcast.EventProgress, key(0)); n < c.atLeast || n > c.atMost {
					t.Errorf("%d reports, want %d to %d", n, c.atLeast, c.atMost)
				}
				for _, e := range w.journal.events {
					if e.Type == hindcast.EventProgress && (e.Attempt != 1 || e.Step != hindcast.StepTransform || e.Progress == nil || e.Progress.Bytes == 0) {
						t.Errorf("%+v", e)
					}
				}
				if s := out.State.Slices[key(0)]; s.Progress != (hindcast.Progress{}) || s.Spilled != 11 {
					t.Errorf("at the end %+v, %d spilled", s.Progress, s.Spilled)
				}
			})
		})
	}
}
