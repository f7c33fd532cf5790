package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

// stopAt sends the requests, each at its time from now.
func stopAt(requests ...time.Duration) <-chan StopRequest {
	stop := make(chan StopRequest, len(requests))
	for _, after := range requests {
		time.AfterFunc(after, func() { stop <- StopRequest{By: "SIGINT"} })
	}
	return stop
}

// slow: transforms take an hour less one second, the load of the first slice takes as long as given.
func slow(load outcome) func(string, Try) outcome {
	return func(method string, try Try) outcome {
		switch {
		case method == "load":
			return load
		case method == "transform" && try.Item.Slice.Key != key(0):
			return outcome{Takes: 50 * time.Minute}
		}
		return outcome{}
	}
}

func TestStop(t *testing.T) {
	tests := []struct {
		name        string
		load        outcome
		stops       []time.Duration
		unkilled    []string
		exit        int
		loaded      hindcast.State // the slice whose load is in flight
		prepared    bool
		ends        time.Duration
		unconfirmed string
	}{
		{"gracefully, a load may finish", outcome{Takes: 5 * time.Second}, []time.Duration{time.Second}, nil,
			3, hindcast.Succeeded, false, 5 * time.Second, ""},
		{"but not longer than the grace", outcome{Takes: time.Minute}, []time.Duration{time.Second}, nil,
			3, hindcast.Stopped, true, 11 * time.Second, ""},
		{"the second stops at once", outcome{Takes: 5 * time.Second}, []time.Duration{time.Second, 2 * time.Second}, nil,
			3, hindcast.Stopped, true, 2 * time.Second, ""},
		{"what Kill cannot confirm is said", outcome{}, []time.Duration{time.Second}, []string{"pid 7"},
			6, hindcast.Succeeded, false, time.Second, "pid 7"},
		{"a worker that does not return is named", outcome{Stubborn: true}, []time.Duration{time.Second}, nil,
			6, hindcast.Stopped, true, 41 * time.Second, "load of 2016-01-01, attempt 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer close(w.release)
				w.call, w.unkilled = slow(test.load), test.unkilled
				c := w.config(planOf(6))
				c.Stop = stopAt(test.stops...)
				began := time.Now()
				out := w.run(c)
				if took := time.Since(began); took != test.ends {
					t.Errorf("it took %s, want %s", took, test.ends)
				}
				wantExit(t, out, test.exit)
				wantState(t, out, key(0), test.loaded)
				wantState(t, out, key(1), hindcast.Stopped)
				wantState(t, out, key(5), hindcast.Pending)
				if got := out.State.Slices[key(0)].Prepared; got != test.prepared {
					t.Errorf("prepared: %v", got)
				}
				if out.Err == nil || out.Err.Code != hindcast.EStopped {
					t.Errorf("error %v", out.Err)
				}
				if got := strings.Join(out.Unconfirmed, "; "); got != test.unconfirmed || !slices.Equal(out.State.Unconfirmed, out.Unconfirmed) {
					t.Errorf("unconfirmed %q", got)
				}
				if n := out.State.Slices[key(1)].Tries; n != 1 || w.journal.count(hindcast.EventAttemptFailed, "") != 0 {
					t.Error("our own stop cost an attempt")
				}
			})
		})
	}
}

func TestKillThatHangsIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = slow(outcome{})
		c := w.config(planOf(3))
		c.Stop = stopAt(time.Second)
		c.Kill = func() (dead, unconfirmed []string) { <-w.release; return nil, nil }
		out := w.run(c)
		close(w.release)
		wantExit(t, out, hindcast.ExitUnknown)
		if len(out.Unconfirmed) != 1 {
			t.Errorf("unconfirmed %v", out.Unconfirmed)
		}
	})
}

func TestEndOfTheCallersContextStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = slow(outcome{Takes: time.Minute})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began := time.Now()
		out := Run(ctx, w.config(planOf(3)))
		wantExit(t, out, hindcast.ExitStopped)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestBudget(t *testing.T) {
	for _, used := range []time.Duration{0, 20 * time.Minute, 30 * time.Minute, time.Hour} {
		t.Run(used.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.call = slow(outcome{})
				p := planOf(3)
				p.Pipeline.Run.Budget.Time = 30 * time.Minute
				c := w.config(p)
				c.Used = used
				began := time.Now()
				out := w.run(c)
				wantExit(t, out, hindcast.ExitBudget)
				if took := time.Since(began); took != max(0, 30*time.Minute-used) {
					t.Errorf("it took %s", took)
				}
				if out.Err == nil || out.Err.Code != hindcast.EBudget || !strings.Contains(out.Err.Next, "resume r1") {
					t.Errorf("error %v", out.Err)
				}
			})
		})
	}
}

func TestZombiePublishesAndJournalsNothing(t *testing.T) {
	t.Run("the lease is lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.call = slow(outcome{Takes: 5 * time.Second})
			c := w.config(planOf(3))
			lost := make(chan struct{})
			c.Lost = lost
			var events int
			time.AfterFunc(time.Second, func() {
				w.journal.mu.Lock()
				events = len(w.journal.events)
				w.journal.mu.Unlock()
				close(lost)
			})
			out := w.run(c)
			wantExit(t, out, hindcast.ExitFailed)
			if out.Err == nil || out.Err.Code != hindcast.EFenced {
				t.Errorf("error %v", out.Err)
			}
			if len(w.journal.events) != events || len(w.rows) != 0 || out.State.Finished {
				t.Errorf("%d events after the loss, rows %v", len(w.journal.events)-events, w.rows)
			}
		})
	})
	t.Run("the fence is higher", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.call = slow(outcome{})
			w.fence = 2
			out := w.run(w.config(planOf(3)))
			wantExit(t, out, hindcast.ExitFailed)
			if out.Err == nil || out.Err.Code != hindcast.EFenced || out.State.Finished || !w.killed {
				t.Errorf("error %v, state %+v", out.Err, out.State)
			}
			wantCount(t, w, "load", "", 1)
			wantCount(t, w, "lookup", "", 0)
		})
	})
}

func TestJournalThatCannotBeWritten(t *testing.T) {
	full := fmt.Errorf("writing the journal: %w", syscall.ENOSPC)
	for _, kind := range []hindcast.EventType{hindcast.EventRunStarted, hindcast.EventStepStarted, hindcast.EventLoadPrepared,
		hindcast.EventCommitted, hindcast.EventRunFinished} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.call = slow(outcome{Takes: time.Second})
				w.journal.fail = func(e hindcast.Event) error {
					if e.Type == kind {
						return full
					}
					return nil
				}
				out := w.run(w.config(planOf(1)))
				wantExit(t, out, hindcast.ExitFailed)
				if out.Err == nil || out.Err.Code != hindcast.EDiskFull || !w.killed {
					t.Errorf("error %v, killed %v", out.Err, w.killed)
				}
				if kind == hindcast.EventLoadPrepared && w.count("load", "") != 0 {
					t.Error("promise 1: loaded without load_prepared")
				}
				if kind == hindcast.EventCommitted && out.State.Slices[key(0)].State == hindcast.Succeeded {
					t.Error("promise 1: success without committed")
				}
				w.journal.fail = nil
				wantExit(t, w.run(w.config(planOf(1))), hindcast.ExitOK)
			})
		})
	}
}

func TestStopAfterAFailureWaitsForTheLoadInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = func(method string, try Try) outcome {
			switch {
			case method == "load":
				return outcome{Takes: 5 * time.Second}
			case method == "transform" && try.Item.Slice.Key == key(1):
				return outcome{Takes: time.Second, Err: errPermanent}
			case method == "transform" && try.Item.Slice.Key != key(0): // so that the first slice is the one that is loaded
				return outcome{Takes: time.Millisecond}
			}
			return outcome{}
		}
		out := w.run(w.config(planOf(12)))
		wantExit(t, out, hindcast.ExitFailed)
		wantState(t, out, key(0), hindcast.Succeeded)
		wantState(t, out, key(1), hindcast.Failed)
		wantState(t, out, key(2), hindcast.Stopped) // prepared, and not begun
		wantCount(t, w, "load", "", 1)
		if out.State.Stopping == "" || !slices.Equal(out.State.Dead, []string{"engine", "warehouse"}) {
			t.Errorf("state %+v", out.State)
		}
	})
}

// halting asks for the stop of slices after a while, each request after the one before.
func halting(by string, now bool, after time.Duration, keys ...string) <-chan StopRequest {
	requests := make(chan StopRequest, 1)
	time.AfterFunc(after, func() { requests <- StopRequest{By: by, Now: now, Slices: keys} })
	return requests
}

func TestStopOfSomeSlices(t *testing.T) {
	tests := []struct {
		name  string
		keys  []string
		now   bool
		takes map[string]time.Duration // method → how long it takes for the first slice
		ends  []hindcast.State
	}{
		{"a transform is cancelled", []string{key(0)}, false, map[string]time.Duration{"transform": time.Minute},
			[]hindcast.State{hindcast.Stopped, hindcast.Succeeded, hindcast.Succeeded, hindcast.Succeeded}},
		{"the way of a result into the lake is cancelled", []string{key(0)}, false, map[string]time.Duration{"stage": time.Minute},
			[]hindcast.State{hindcast.Stopped, hindcast.Succeeded, hindcast.Succeeded, hindcast.Succeeded}},
		{"an unload is cancelled", []string{key(0)}, false, map[string]time.Duration{"unload": time.Minute},
			[]hindcast.State{hindcast.Stopped, hindcast.Succeeded, hindcast.Succeeded, hindcast.Succeeded}},
		{"a load may finish", []string{key(0)}, false, map[string]time.Duration{"load": 5 * time.Second},
			[]hindcast.State{hindcast.Succeeded, hindcast.Succeeded, hindcast.Succeeded, hindcast.Succeeded}},
		{"unless it is at once", []string{key(0)}, true, map[string]time.Duration{"load": time.Minute},
			[]hindcast.State{hindcast.Stopped, hindcast.Succeeded, hindcast.Succeeded, hindcast.Succeeded}},
		{"what waits does not begin", []string{key(0), key(3)}, false, map[string]time.Duration{"unload": 3 * time.Second},
			[]hindcast.State{hindcast.Stopped, hindcast.Succeeded, hindcast.Succeeded, hindcast.Stopped}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.call = func(method string, try Try) outcome {
					if try.Item.Slice.Key == key(0) {
						return outcome{Takes: test.takes[method]}
					}
					return outcome{}
				}
				c := w.config(unloading(planOf(4)))
				c.Plan.Shares.Transforms = 1
				c.Stop = halting("hindcast stop by ana", test.now, time.Second, test.keys...)
				out := w.run(c)
				wantExit(t, out, map[bool]int{true: hindcast.ExitStopped, false: hindcast.ExitOK}[slices.Contains(test.ends, hindcast.Stopped)])
				for i, want := range test.ends {
					wantState(t, out, key(i), want)
				}
				if out.Err != nil || w.killed {
					t.Errorf("the run as a whole was stopped: %v", out.Err)
				}
				if w.journal.count(hindcast.EventAttemptFailed, "") != 0 {
					t.Error("our own stop cost an attempt")
				}
				w.call = nil
				if out.ExitCode != hindcast.ExitOK {
					wantExit(t, w.run(w.config(unloading(planOf(4)))), hindcast.ExitOK)
				}
			})
		})
	}
}

// A slice that waits for its next attempt is stopped without one.
func TestStopOfASliceThatRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("transform", key(1), 9, outcome{Err: &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "died"}})
		c := w.config(planOf(3))
		c.Plan.Pipeline.Run.RetryWait = time.Hour
		c.Stop = halting("ana", false, time.Minute, key(1))
		began := time.Now()
		out := w.run(c)
		wantExit(t, out, hindcast.ExitStopped)
		wantState(t, out, key(1), hindcast.Stopped)
		if took := time.Since(began); took != time.Minute || out.State.Stopping != "1 slice stopped by ana" {
			t.Errorf("it took %s; %q", took, out.State.Stopping)
		}
	})
}
