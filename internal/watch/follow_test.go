package watch_test

import (
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/watch"
)

// Whoever attaches to a run sees every event once, and its end; of one whose lease was given back before, that it is left.
func TestAttach(t *testing.T) {
	s, err := session.OpenLake(&hindcast.Pipeline{Name: "shop", Lake: hindcast.Location{Path: t.TempDir(), Scheme: "file"}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := lease.Acquire(t.Context(), s.Store, "shop", "r1", lease.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), s.Store, s.Lake.RunPrefix("r1"), l.Fence(), journal.Options{Run: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	record := func(e hindcast.Event) {
		t.Helper()
		e.V = hindcast.EventVersion
		if err := j.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	record(hindcast.Event{Type: hindcast.EventRunStarted, Total: 1, Fence: l.Fence()})

	var seen []hindcast.EventType
	ended, silent, err := watch.Attach(t.Context(), s, "r1", func(e hindcast.Event) {
		seen = append(seen, e.Type)
		if e.Type == hindcast.EventRunStarted { // the run ends while it is looked at
			code := hindcast.ExitOK
			record(hindcast.Event{Type: hindcast.EventRunFinished, ExitCode: &code})
		}
	})
	if err != nil || silent || ended == nil || !ended.Finished || len(seen) != 2 {
		t.Fatalf("%+v, silent %v, %v; saw %v", ended, silent, err, seen)
	}

	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ended, silent, err := watch.Attach(t.Context(), s, "r2", func(hindcast.Event) {}); ended != nil || silent || err != nil {
		t.Errorf("a run that nobody supervises: %+v, silent %v, %v", ended, silent, err)
	}
	if run, err := watch.UnderWay(t.Context(), s); err == nil {
		t.Errorf("%s is under way, and its lease is free", run)
	}
}
