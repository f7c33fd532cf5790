package run

import (
	"context"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// A request for some slices does not end what comes before the first slice, for the others go on; nor does it keep
// one for the whole run from being heard.
func TestAnEarlyStopOfSomeSlicesIsNoStopOfTheRun(t *testing.T) {
	signals := make(chan supervisor.StopRequest, 2)
	ctx, s := newStops(t.Context(), Options{Stop: func() (<-chan supervisor.StopRequest, func()) { return signals, func() {} }})
	defer func() { _ = s.end(ctx, nil) }()
	signals <- supervisor.StopRequest{By: "ana", Slices: []string{"2020-01-01"}}
	signals <- supervisor.StopRequest{By: "SIGINT"}
	<-ctx.Done()
	if e := hindcast.AsError(context.Cause(ctx)); e.Code != hindcast.EStopped || e.Message != "stopped by SIGINT before the first slice began" {
		t.Errorf("%v", e)
	}
	heard := map[string]bool{(<-s.requests).By: true, (<-s.requests).By: true}
	if !heard["ana"] || !heard["SIGINT"] {
		t.Errorf("the supervisor hears of %v", heard)
	}
}
