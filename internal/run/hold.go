package run

import (
	"context"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// publishing is when a run publishes; publish says that somebody has asked for what it holds.
func publishing(p *plan.Plan, publish bool) supervisor.Publishing {
	switch {
	case p.Hold && !publish:
		return supervisor.Held
	case p.Together():
		return supervisor.Together
	}
	return supervisor.BySlice
}

// Publish publishes what a run holds, in one transaction and only in place of what stood there when it was held: E-CHANGED if a slice has
// anything else by now. Nothing is computed: what is not staged any more is an error. One that was killed is called again.
func Publish(ctx context.Context, p *hindcast.Pipeline, run string, o Options) (*Ended, error) {
	s, err := session.OpenLake(p)
	if err != nil {
		return nil, err
	}
	frozen, st, err := holds(ctx, s, run)
	if err != nil {
		return nil, err
	}
	for _, item := range frozen.Left(st.Done) {
		if !st.Slices[item.Slice.Key].Holds() {
			return nil, &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
				Message: "run " + run + " is not whole: " + frozen.Label(item.Slice.Key) + " is not staged", Next: "go on with it: hindcast resume " + run}
		}
	}
	return resume(ctx, s, run, o, true)
}

// holds reads a run that is to hold something. E-RUN if it does not.
func holds(ctx context.Context, s *session.Session, run string) (*plan.Plan, *hindcast.RunState, error) {
	p, err := s.Frozen(ctx, run)
	if err != nil {
		return nil, nil, err
	}
	st, err := s.State(ctx, run)
	if err != nil {
		return nil, nil, err
	}
	no := func(why, next string) error {
		return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: "run " + run + " " + why, Next: next}
	}
	switch {
	case !p.Hold:
		return nil, nil, no("does not hold anything: it was not begun with --hold", "see how it stands: hindcast status "+run)
	case st.Finished && st.ExitCode == hindcast.ExitOK && !st.Held():
		return nil, nil, no("is published already", "see how it stands: hindcast status "+run)
	}
	return p, st, nil
}

// Discard deletes what a run has staged, and journals before that by whom it was asked to. It returns how many slices were staged. A
// resume computes them again.
func Discard(ctx context.Context, p *hindcast.Pipeline, run, by string) (int, error) {
	s, err := session.OpenLake(p)
	if err != nil {
		return 0, err
	}
	if _, _, err := holds(ctx, s, run); err != nil {
		return 0, err
	}
	requests, end := newStops(ctx, Options{})
	defer func() { _ = end.end(requests, nil) }()
	c, err := claimAgain(ctx, s, run, Options{}, end)
	if err != nil {
		return 0, err
	}
	defer c.release(ctx)

	return discardOf(ctx, s, run, c.fence(), by)
}

// discardOf is Discard for whoever holds the pipeline's lease.
func discardOf(ctx context.Context, s *session.Session, run string, fence int64, by string) (int, error) {
	n, staged, err := discarded(ctx, s, run, fence, by)
	if err != nil {
		return 0, err
	}
	prefixes, err := s.Lake.Staged(ctx, run, fence)
	if err != nil {
		return 0, err
	}
	for _, m := range staged { // where the lake keeps results they are staged where they stay
		for _, f := range m.Files {
			if prefix := path.Dir(f.Path) + "/"; m.Target != "" && strings.HasPrefix(prefix, s.Lake.ResultsPrefix(m.Target)) && !slices.Contains(prefixes, prefix) {
				prefixes = append(prefixes, prefix)
			}
		}
	}
	for _, prefix := range prefixes {
		if err := s.Store.DeleteAll(ctx, prefix); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// discarded journals that what a run has staged is not to be published, and returns how many slices that is of, and what was staged.
func discarded(ctx context.Context, s *session.Session, run string, fence int64, by string) (n int, staged []*hindcast.Manifest, err error) {
	st := &hindcast.RunState{}
	j, err := journal.Open(ctx, s.Store, s.Lake.RunPrefix(run), fence, journal.Options{Run: run,
		Strike: config.PipelineRedactor(s.Pipeline).Event, Each: st.Apply})
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = j.Close() }() // Append has waited for the last event

	host, _ := os.Hostname()
	events := []hindcast.Event{{Type: hindcast.EventRunResumed, Fence: fence, Host: host, Pid: os.Getpid()}}
	for _, key := range st.Order {
		is := st.Slices[key]
		staged = append(staged, is.Staged...)
		if len(is.Staged) > 0 {
			n++
			events = append(events, hindcast.Event{Type: hindcast.EventDiscarded, Slice: key, Attempt: is.Attempt, Message: "discarded by " + by})
		}
	}
	for _, e := range events {
		st.Apply(e)
	}
	code := hindcast.ExitStopped
	events = append(events, hindcast.Event{Type: hindcast.EventRunFinished, ExitCode: &code, Counts: st.Counts(), Message: "discarded by " + by})
	return n, staged, j.Append(ctx, events...)
}

// canary chooses the slice of a canary, where none is named: the latest complete one that has something to do, or else the latest of all
// that have. It is the run's only one from here on.
func (a *active) canary(ctx context.Context) error {
	if !a.options.Canary || a.options.Slices != "" {
		return nil
	}
	p := a.planner()
	now := time.Now()
	made, err := p.planOnce(ctx, a.options.Choice, now)
	if err != nil {
		return err
	}
	var chosen *plan.Item
	for i := range made.Items {
		item := &made.Items[i]
		if item.Reason.Runs() && (chosen == nil || !item.Slice.End.After(now) || chosen.Slice.End.After(now)) {
			chosen = item
		}
	}
	if chosen == nil { // the plan says that nothing is to do
		return nil
	}
	a.options.Slices = chosen.Slice.Key
	if a.options.Picked != nil {
		a.options.Picked(made.Label(chosen.Slice.Key))
	}
	return nil
}
