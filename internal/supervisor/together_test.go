package supervisor

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hindcast/hindcast"
)

// together runs a plan whose slices are published at once, or held.
func (w *world) together(n int, mode Publishing) Config {
	c := w.config(planOf(n))
	c.Publishing = mode
	return c
}

// All slices of such a run are published in one transaction, whatever fails before it, in it, or of the answer to it.
func TestTogether(t *testing.T) {
	for name, call := range map[string]func(string, Try) outcome{
		"well":                   on("", "none", 0, outcome{}),
		"a transform heals":      on("transform", key(1), 2, outcome{Err: errTransient}),
		"the load heals":         on("load", "", 2, outcome{Err: errTransient}),
		"the answer is lost":     on("load", "", 1, outcome{Err: errTransient, Lost: true}),
		"a result is not kept":   on("keep", key(2), 1, outcome{Err: errTransient}),
		"a lookup fails as well": lostAndSilent,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.call = call
				wantExit(t, w.run(w.together(5, Together)), hindcast.ExitOK)
				if w.transactions != 1 || w.journal.count(hindcast.EventStaged, "") < 5 {
					t.Errorf("%d transactions, %d staged", w.transactions, w.journal.count(hindcast.EventStaged, ""))
				}
			})
		})
	}
}

// lostAndSilent commits, loses the answer, and does not answer the first questions about it.
func lostAndSilent(method string, try Try) outcome {
	if (method == "load" || method == "lookup") && try.Attempt == 1 {
		return outcome{Err: errTransient, Lost: method == "load"}
	}
	return outcome{}
}

// A slice that fails for good keeps all others from being published, until a resume has it.
func TestTogetherIsWholeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("transform", key(1), 9, outcome{Err: errPermanent})
		c := w.together(3, Together)
		c.Plan.Pipeline.Run.OnFailure = hindcast.OnFailureContinue
		out := w.run(c)
		wantExit(t, out, hindcast.ExitFailed)
		wantState(t, out, key(0), hindcast.Staged)
		wantState(t, out, key(1), hindcast.Failed)
		wantState(t, out, key(2), hindcast.Staged)
		if w.transactions != 0 {
			t.Error("something was published")
		}

		w.call = nil
		out = w.run(w.together(3, Together))
		wantExit(t, out, hindcast.ExitOK)
		wantCount(t, w, "transform", key(0), 1)
		if w.transactions != 1 {
			t.Errorf("%d transactions", w.transactions)
		}
	})
}

// A slice that is stopped alone while all are published takes none of the others with it.
func TestTogetherOneIsStopped(t *testing.T) {
	for _, now := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.together(3, Together)
			stop := make(chan StopRequest, 1)
			c.Stop = stop
			w.call = func(method string, try Try) outcome {
				if method == "load" {
					stop <- StopRequest{By: "test", Now: now, Slices: []string{key(1)}}
				}
				return outcome{Takes: 1e9}
			}
			out := w.run(c)
			if !now { // a load may finish
				wantExit(t, out, hindcast.ExitOK)
				return
			}
			wantExit(t, out, hindcast.ExitStopped)
			wantState(t, out, key(0), hindcast.Staged)
			wantState(t, out, key(1), hindcast.Stopped)
			w.call = nil
			wantExit(t, w.run(w.together(3, Together)), hindcast.ExitOK)
		})
	}
}

// Of many slices that somebody changed, the event of each has its own key alone.
func TestManyThatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		wantExit(t, w.run(w.together(3, Held)), hindcast.ExitOK)
		for i, item := range planOf(2).Items {
			w.rows[key(i)] = hindcast.Committed{Target: "t", Slice: item.Slice, Run: "r9", Publication: "r9", Fingerprint: "newer"}
		}
		c := w.together(3, Together)
		c.StagedOnly = true
		out := w.run(c)
		wantExit(t, out, hindcast.ExitFailed)
		wantState(t, out, key(2), hindcast.Staged)
		for i := range 2 {
			wantState(t, out, key(i), hindcast.Failed)
			if e := out.State.Slices[key(i)].Error; !slices.Equal(e.Slices, []string{key(i)}) || e.Message != out.State.Slices[key(0)].Error.Message {
				t.Errorf("%s: %+v", key(i), e)
			}
		}
	})
}

// What a run holds is published later, in place of what stood there, or not at all.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		item := planOf(1).Items[0]
		w.rows[key(0)] = hindcast.Committed{Target: "t", Slice: item.Slice, Run: "r0", Publication: "r0", Fingerprint: "old"}
		out := w.run(w.together(3, Held))
		wantExit(t, out, hindcast.ExitOK)
		if !out.State.Held() || w.transactions != 0 || w.count("load", "") != 0 {
			t.Fatalf("held %v, %d transactions", out.State.Held(), w.transactions)
		}
		if b := out.State.Slices[key(0)].Before; len(b) != 1 || b[0].Publication != "r0" || b[0].Fingerprint != "old" {
			t.Errorf("before it was %+v", b)
		}

		publish := func() *Outcome {
			c := w.together(3, Together)
			c.StagedOnly = true
			return w.run(c)
		}
		w.rows[key(0)] = hindcast.Committed{Target: "t", Slice: item.Slice, Run: "r9", Publication: "r9", Fingerprint: "newer"}
		out = publish()
		wantExit(t, out, hindcast.ExitFailed)
		if is := out.State.Slices[key(0)]; w.transactions != 0 || is.State != hindcast.Failed || is.Error.Code != hindcast.EChanged {
			t.Errorf("%d transactions, %+v", w.transactions, is)
		}
		wantState(t, out, key(1), hindcast.Staged) // only what somebody changed has failed
		wantState(t, out, key(2), hindcast.Staged)

		w.rows[key(0)] = hindcast.Committed{Target: "t", Slice: item.Slice, Run: "r0", Publication: "r0", Fingerprint: "old"}
		delete(w.staged, key(1)+" 1")
		out = publish()
		wantExit(t, out, hindcast.ExitFailed)
		wantState(t, out, key(1), hindcast.Failed)
		if w.transactions != 0 || w.count("transform", key(1)) != 1 {
			t.Errorf("%d transactions, transformed %d times", w.transactions, w.count("transform", key(1)))
		}

		wantExit(t, w.run(w.together(3, Held)), hindcast.ExitOK) // a resume makes it again
		wantExit(t, publish(), hindcast.ExitOK)
		if w.transactions != 1 || w.count("transform", key(0)) != 1 || w.count("transform", key(1)) != 2 {
			t.Errorf("%d transactions", w.transactions)
		}
	})
}
