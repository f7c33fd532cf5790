package glue

import (
	"math"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
)

// A run is billed as Glue says, or for the time of all its workers, and for a minute at least.
func TestWhatARunIsBilled(t *testing.T) {
	t.Parallel()
	now := time.Now()
	price := func(g hindcast.Glue) hindcast.Rate {
		return hindcast.Rate{Each: g.Units(), Unit: g.Worker().Metered, Minimum: 60, USD: map[string]float64{"STANDARD": 0.5, "FLEX": 0.25}[g.Class]}
	}
	e := &Engine{options: Options{Price: price}}
	standard, flex := hindcast.Glue{WorkerType: "G.2X", Workers: 30, Class: "STANDARD"}, hindcast.Glue{WorkerType: "G.2X", Workers: 30, Class: "FLEX"} // 60 DPU: one a minute
	for name, c := range map[string]struct {
		run      attemptRun
		minutes  float64 // of all workers
		usd      float64 // for an hour of a DPU
		reckoned bool
	}{
		"by its time":                  {attemptRun{size: standard, state: types.JobRunStateSucceeded, seconds: 600}, 10, 0.5, true},
		"it failed":                    {attemptRun{size: standard, state: types.JobRunStateFailed, seconds: 600}, 10, 0.5, true},
		"it was stopped":               {attemptRun{size: standard, state: types.JobRunStateStopped, seconds: 90}, 1.5, 0.5, true},
		"a short one":                  {attemptRun{size: standard, state: types.JobRunStateSucceeded, seconds: 7}, 1, 0.5, true},
		"a very short one":             {attemptRun{size: standard, state: types.JobRunStateSucceeded}, 1, 0.5, true},
		"FLEX":                         {attemptRun{size: flex, state: types.JobRunStateSucceeded, seconds: 600, dpuSeconds: 30_000}, 30_000. / 3600, 0.25, false},
		"FLEX, a short one":            {attemptRun{size: flex, state: types.JobRunStateSucceeded, seconds: 30, dpuSeconds: 1800}, 1, 0.25, true},
		"FLEX, without a figure":       {attemptRun{size: flex, state: types.JobRunStateSucceeded, seconds: 120}, 2, 0.25, true},
		"it failed at once":            {attemptRun{size: standard, state: types.JobRunStateFailed}, 1, 0.5, true},
		"expired while it waited":      {attemptRun{size: standard, state: types.JobRunStateExpired}, 0, 0, false},
		"stopped while it waited":      {attemptRun{size: standard, state: types.JobRunStateStopped}, 0, 0, false},
		"it waits":                     {attemptRun{size: flex, state: types.JobRunStateWaiting, started: now.Add(-time.Hour)}, 0, 0, false},
		"it runs, and has for a while": {attemptRun{size: standard, state: types.JobRunStateRunning, started: now.Add(-10 * time.Minute)}, 10, 0.5, true},
		"it runs, as Glue says":        {attemptRun{size: standard, state: types.JobRunStateRunning, started: now.Add(-time.Hour), seconds: 300}, 5, 0.5, true},
		"it has only just started":     {attemptRun{size: standard, state: types.JobRunStateStarting, started: now}, 1, 0.5, true},
		"a clock that is behind":       {attemptRun{size: standard, state: types.JobRunStateRunning, started: now.Add(time.Minute)}, 1, 0.5, true},
	} {
		var bill hindcast.Bill
		e.add(&bill, c.run, now)
		if c.minutes == 0 {
			if bill != (hindcast.Bill{}) {
				t.Errorf("%s: %+v", name, bill)
			}
			continue
		}
		if bill.Runs != 1 || bill.Unit != "DPU" || math.Abs(bill.Hours-c.minutes) > 1e-9 || math.Abs(bill.USD-c.minutes*c.usd) > 1e-9 || bill.Reckoned != c.reckoned {
			t.Errorf("%s: %+v", name, bill)
		}
	}
}
