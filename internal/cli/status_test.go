package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lease"
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
