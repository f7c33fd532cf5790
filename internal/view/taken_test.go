package view

import (
	"fmt"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// What a resume does with a slice follows from what the journal has of it, as it does in the supervisor.
func TestTaken(t *testing.T) {
	began := time.Date(2026, 5, 12, 12, 0, 0, 0, time.UTC)
	const key = "2024-01-01"
	event := func(typ hindcast.EventType, step hindcast.Step) hindcast.Event {
		return hindcast.Event{Type: typ, Step: step, Slice: key, Attempt: 1, Time: began}
	}
	unload, transform, load := event(hindcast.EventStepStarted, hindcast.StepUnload), event(hindcast.EventStepStarted, hindcast.StepTransform),
		event(hindcast.EventStepStarted, hindcast.StepLoad)
	work := event(hindcast.EventWorkPrepared, "")
	work.Handle = &hindcast.Handle{Tag: "t"}
	staged := event(hindcast.EventStepFinished, hindcast.StepTransform)
	staged.Manifest = &hindcast.Manifest{}
	failed := event(hindcast.EventAttemptFailed, hindcast.StepTransform)

	for i, c := range []struct {
		events  []hindcast.Event
		lasting bool
		want    Taken
	}{
		{[]hindcast.Event{unload}, true, Unloads},
		{[]hindcast.Event{unload, transform}, true, Transforms},
		{[]hindcast.Event{transform, failed}, true, Transforms},
		{[]hindcast.Event{transform, work}, true, Rejoins},
		{[]hindcast.Event{transform, work}, false, Transforms},
		{[]hindcast.Event{transform, work, staged}, true, Loads},
		{[]hindcast.Event{transform, staged, load}, true, Loads},
		{[]hindcast.Event{transform, staged, load, event(hindcast.EventLoadPrepared, "")}, true, Resolves},
		{[]hindcast.Event{transform, staged, load, event(hindcast.EventLoadPrepared, ""), event(hindcast.EventCommitted, "")}, true, ""},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			st := &hindcast.RunState{}
			for _, e := range c.events {
				st.Apply(e)
			}
			p := &plan.Plan{Items: []plan.Item{{Slice: hindcast.Slice{Key: key}, Reason: hindcast.ReasonNew}}}
			tally := NewTally(st, p)
			if taken := tally.Taken(c.lasting); len(taken) > 0 {
				t.Errorf("of a run that goes on: %v", taken)
			}
			tally.Abandon()
			if got := tally.Taken(c.lasting)[key]; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if running := tally.Counts[hindcast.Running] + tally.Counts[hindcast.Retrying]; running > 0 {
				t.Errorf("%d slices are under way", running)
			}
		})
	}
}
