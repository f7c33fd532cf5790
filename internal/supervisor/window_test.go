package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

// night is a window from 22:00 on; the clock of these tests begins at midnight.
var night = hindcast.Window{From: 22 * 60, To: 6 * 60, TimeZone: "UTC", Zone: time.UTC}

// Outside of the window no slice begins, those that have begun are finished, and their retries too; the run says until when it waits, and what
// it waits for counts for no budget.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		began := map[string]time.Time{}
		w.call = func(method string, try Try) outcome {
			if method != "transform" {
				return outcome{}
			}
			if _, again := began[try.Item.Slice.Key]; !again {
				began[try.Item.Slice.Key] = time.Now()
			}
			if try.Item.Slice.Key == key(1) && try.Attempt == 1 {
				return outcome{Takes: 4 * time.Hour, Err: errTransient} // until 08:00; the next attempt is of a slice that has begun
			}
			return outcome{Takes: 4 * time.Hour}
		}
		c := w.config(planOf(5))
		c.Window = night
		c.Plan.Shares.Transforms = 1
		c.Plan.Pipeline.Run.AttemptTimeout = 0
		c.Plan.Pipeline.Run.Budget.Time = 30 * time.Hour
		out := w.run(c)
		wantExit(t, out, hindcast.ExitOK)

		for slice, at := range began {
			if night.Opens(at).After(at) {
				t.Errorf("%s began at %s", slice, at)
			}
		}
		waits := 0
		for _, e := range w.journal.events {
			if e.Type == hindcast.EventRunWaiting {
				waits++
				if e.Until == nil || e.Until.Hour() != 22 {
					t.Errorf("it waits until %v", e.Until)
				}
			}
		}
		if waits != 2 || w.journal.count(hindcast.EventRunGoesOn, "") != waits {
			t.Errorf("it waited %d times and went on %d times", waits, w.journal.count(hindcast.EventRunGoesOn, ""))
		}
		if active := out.State.Active; active > 26*time.Hour {
			t.Errorf("it was active for %s", active)
		}
	})
}

// A run that waits for its window can be stopped, and its slices are left to a resume, which waits too.
func TestStopOutsideOfTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(7 * time.Hour) // 07:00
		c := w.config(planOf(3))
		c.Window = night
		stop := make(chan StopRequest)
		c.Stop = stop
		go func() {
			time.Sleep(time.Hour)
			stop <- StopRequest{By: "ana"}
		}()
		out := w.run(c)
		wantExit(t, out, hindcast.ExitStopped)
		if len(w.calls) > 0 || w.journal.count(hindcast.EventRunWaiting, "") != 1 || !out.State.Waits.IsZero() {
			t.Errorf("calls %v, waits %s", w.calls, out.State.Waits)
		}

		c = w.config(planOf(3))
		c.Window, c.State = night, w.journal.fold(-1)
		wantExit(t, w.run(c), hindcast.ExitOK)
		if now := time.Now(); now.Hour() != 22 {
			t.Errorf("it is %s", now)
		}
	})
}
