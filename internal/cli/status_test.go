package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// Whoever waits in vain for some slices is not told to end the whole run.
func TestWaitingInVainForSomeSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := session.OpenLake(&hindcast.Pipeline{Name: "shop", Lake: hindcast.Location{Path: t.TempDir(), Scheme: "file"}})
		if err != nil {
			t.Fatal(err)
		}
		l, err := lease.Acquire(t.Context(), s.Store, "shop", "r1", lease.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Release(context.WithoutCancel(t.Context())) }()
		var said bytes.Buffer
		a := &app{err: &said}
		err = a.awaitSlices(t.Context(), s, "r1", "2024-01", []string{"2024-01-01"})
		if err == nil || !strings.HasPrefix(said.String(), "the slices 2024-01 of run r1 have not stopped after 1m0s: ") ||
			strings.Contains(said.String(), "stop r1 --now") {
			t.Errorf("%v, %s", err, said.String())
		}
	})
}

// What is proposed for a run on another engine than the pipeline file's names its engine.
func TestCommandsOfARunOnAnotherEngine(t *testing.T) {
	for _, c := range []struct{ file, run, want string }{
		{"duckdb", "spark", "hindcast verify --engine spark; hindcast resume r1"},
		{"spark", "duckdb", "hindcast verify --engine duckdb; hindcast resume r1"},
		{"spark", "spark", "hindcast verify; hindcast resume r1"},
		{"duckdb", "", "hindcast verify; hindcast resume r1"}, // of a plan that does not say
	} {
		a := &app{given: c.file}
		p := &plan.Plan{Pipeline: hindcast.Pipeline{Transform: hindcast.Transform{Engine: c.run}}}
		if got := a.optionsFor(p).Commands("hindcast verify; hindcast resume r1"); got != c.want {
			t.Errorf("%s on a file of %s: %s", c.run, c.file, got)
		}
	}
}
