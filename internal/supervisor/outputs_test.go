package supervisor

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

// The outputs of a slice are made one after another in one attempt, and loaded at once.
func TestOutputsAreMadeInOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sized = tiny
		p := several(planOf(2), 3)
		p.Shares.Transforms = 1
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitOK)
		wantCount(t, w, "transform", key(0), 3)
		wantCount(t, w, "stage", key(0), 3)
		wantCount(t, w, "load", key(0), 1)
		if n := w.journal.count(hindcast.EventCommitted, key(0)); n != 1 {
			t.Errorf("%d times committed", n)
		}
		if s := out.State.Slices[key(0)]; s.Rows != 9 || s.Attempt != 1 || len(w.staged) != 0 {
			t.Errorf("%d rows by attempt %d; staging holds %v", s.Rows, s.Attempt, w.staged)
		}
	})
}

// An output that is up to date is left alone, whether the plan knew that or only the fingerprint shows it; where all are, the
// slice is skipped.
func TestOutputsThatAreUpToDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := several(planOf(3), 2)
		p.Items[0].Outputs[0].Reason = hindcast.ReasonUpToDate
		row := func(slice, output int) {
			w.rows[at(key(slice), output)] = hindcast.Committed{Target: p.Pipeline.Outputs[output].Target.Table, Slice: p.Items[slice].Slice, Run: "r0",
				Publication: "r0", Attempt: 9, Fingerprint: w.print(key(slice), output)}
		}
		row(1, 1)
		row(2, 0)
		row(2, 1)
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitOK)
		for i, want := range []int{1, 1, 0} {
			wantCount(t, w, "transform", key(i), want)
			wantCount(t, w, "load", key(i), want)
		}
		wantState(t, out, key(1), hindcast.Succeeded)
		wantState(t, out, key(2), hindcast.Skipped)
		if n := w.commits[at(key(0), 0)+" "+w.print(key(0), 0)] + w.commits[at(key(1), 1)+" "+w.print(key(1), 1)]; n != 0 {
			t.Errorf("what was up to date was committed %d times", n)
		}
		if out.State.Slices[key(1)].Attempt != 1 {
			t.Errorf("committed by attempt %d", out.State.Slices[key(1)].Attempt)
		}
	})
}

// What fails of one output fails the slice: nothing of it is loaded. The next attempt makes all of them again.
func TestAnOutputThatFails(t *testing.T) {
	for _, err := range []*hindcast.Error{errTransient, errCheck} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.call = func(method string, try Try) outcome {
				if method == "transform" && try.Output == 1 && try.Attempt == 1 {
					return outcome{Err: err}
				}
				return outcome{}
			}
			out := w.run(w.config(several(planOf(1), 3)))
			if err.Class == hindcast.ClassCheck {
				wantExit(t, out, hindcast.ExitCheck)
				wantCount(t, w, "load", key(0), 0)
				if len(w.rows) != 0 {
					t.Errorf("rows %v", w.rows)
				}
				return
			}
			wantExit(t, out, hindcast.ExitOK)
			wantCount(t, w, "transform", key(0), 5)
			wantCount(t, w, "load", key(0), 1)
		})
	}
}

// A resume takes what was staged of a slice before the process died, waits for what the engine has of it, and makes the rest.
func TestOutputsOfAProcessThatDied(t *testing.T) {
	for _, outlives := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.outlives = outlives
			w.call = func(method string, _ Try) outcome {
				if method == "transform" {
					return outcome{Takes: time.Minute}
				}
				return outcome{}
			}
			w.crash = func(at string, try Try) bool { return at == "waiting" && try.Output == 1 && try.Attempt == 1 }
			p := several(planOf(1), 3)
			c := w.config(p)
			c.Worker = unhurried{w}
			w.run(c)
			if staged := w.journal.fold(-1).Slices[key(0)].Staged; len(staged) != 1 || staged[0].Output != "o0" {
				t.Fatalf("staged %+v", staged)
			}

			w.crash = nil
			started := len(w.given)
			out := w.run(w.config(p))
			wantExit(t, out, hindcast.ExitOK)
			want := []string{"o1", "o2"}
			if outlives {
				want = want[1:] // the engine still had the second
			}
			if n := len(w.given) - started; n != len(want) {
				t.Errorf("%d were started, want %q: %v", n, want, w.given)
			}
			if attempt := out.State.Slices[key(0)].Attempt; attempt != 2 { // the first may have given the engine more than the journal says
				t.Errorf("committed by attempt %d", attempt)
			}
			if w.count("load", key(0)) != 1 || len(w.rows) != 3 {
				t.Errorf("%d loads, rows %v", w.count("load", key(0)), w.rows)
			}
		})
	}
}

// unhurried is a worker that lets everybody else come to rest before it waits, so what a crash then leaves does not depend on chance.
type unhurried struct{ *world }

func (u unhurried) Wait(ctx context.Context, try Try, h hindcast.Handle, progress func(hindcast.Progress)) (Staged, error) {
	time.Sleep(time.Nanosecond)
	return u.world.Wait(ctx, try, h, progress)
}

// While it is not confirmed that work on one output is dead, what is staged of the others stays, and is not made again.
func TestUnconfirmedWorkOnAnOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := outliving(t)
		var doubts atomic.Bool
		doubts.Store(true)
		c := w.config(several(planOf(1), 3))
		c.Worker = looseOf{w, 1, &doubts}
		out := w.run(c)
		wantExit(t, out, hindcast.ExitOK)
		if len(w.given) != 3 || len(w.rows) != 3 {
			t.Errorf("given %v, rows %v", w.given, w.rows)
		}
	})
}

// looseOf is a worker that cannot confirm once that the work on one output is dead.
type looseOf struct {
	*world
	output int
	yes    *atomic.Bool
}

func (l looseOf) Wait(ctx context.Context, try Try, h hindcast.Handle, progress func(hindcast.Progress)) (Staged, error) {
	if try.Output == l.output && l.yes.Swap(false) {
		return Staged{}, alive{errTransient}
	}
	return l.world.Wait(ctx, try, h, progress)
}

// A row of one output that is gone at the end, or rows of one target that were edited, fail the slice, and the error names it.
func TestTheProofIsOfEveryOutput(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*world, []hindcast.Sums)
		says string
	}{
		"a row is gone":  {func(w *world, _ []hindcast.Sums) { delete(w.rows, at(key(0), 1)) }, "no committed row"},
		"rows are added": {func(_ *world, sums []hindcast.Sums) { sums[1].Rows++ }, "3 rows, and 4 stand in t1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.sized = tiny
			config := w.config(several(planOf(1), 2))
			config.Prove = func(ctx context.Context) ([]hindcast.Committed, error) {
				c.edit(w, make([]hindcast.Sums, 2))
				return w.prove(ctx)
			}
			config.Standing = func(_ context.Context, rows []hindcast.Committed) ([]hindcast.Sums, error) {
				slices.SortFunc(rows, func(a, b hindcast.Committed) int { return strings.Compare(a.Target, b.Target) })
				sums := make([]hindcast.Sums, len(rows))
				for i := range rows {
					sums[i] = rows[i].Sums
				}
				c.edit(w, sums)
				return sums, nil
			}
			out := w.run(config)
			wantExit(t, out, hindcast.ExitFailed)
			if e := out.State.Slices[key(0)].Error; e == nil || e.Code != hindcast.ELost || !strings.Contains(e.Message, c.says) {
				t.Errorf("%s: %v", name, e)
			}
		})
	}
}
