package supervisor

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

func TestEverySliceIsPublishedAndProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("", "", 0, outcome{})
		p := unloading(planOf(20))
		p.Items[3].Reason = hindcast.ReasonUpToDate
		began := time.Now()
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitOK)
		if counts := out.State.Counts(); counts[hindcast.Succeeded] != 19 || counts[hindcast.Skipped] != 1 {
			t.Errorf("counts %v", counts)
		}
		if w.killed {
			t.Error("a run that ended by itself was killed")
		}
		// Steps overlap: each slice takes 4 s in all (the fingerprint too), one after another 76 s.
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("the run took %s: steps do not overlap", took)
		}
		for _, kind := range []hindcast.EventType{hindcast.EventFingerprint, hindcast.EventLoadPrepared, hindcast.EventCommitted} {
			if n := w.journal.count(kind, ""); n != 19 {
				t.Errorf("%d events %s", n, kind)
			}
		}
		if len(w.staged) != 0 {
			t.Errorf("staging holds %v", w.staged)
		}
	})
}

func TestEventsOfOneSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		wantExit(t, w.run(w.config(unloading(planOf(1)))), hindcast.ExitOK)
		var got []string
		for _, e := range w.journal.events {
			got = append(got, strings.TrimSpace(string(e.Type)+" "+string(e.Step)))
		}
		want := []string{"run_started", "step_started unload", "step_finished unload", "fingerprint", "step_started transform",
			"step_finished transform", "step_started load", "load_prepared", "step_finished load", "committed", "run_finished"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if w.journal.durable != len(w.journal.events) {
			t.Error("the run returned before its last event was on disk")
		}
	})
}

func TestOrderIsTheGivenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("", "", 0, outcome{})
		p := planOf(4)
		p.Shares.Transforms = 1
		c := w.config(p)
		c.Order = []int{2, 0, 3, 1}
		wantExit(t, w.run(c), hindcast.ExitOK)
		var got []string
		for _, call := range w.calls {
			if rest, ok := strings.CutPrefix(call, "transform "); ok {
				got = append(got, strings.Fields(rest)[0])
			}
		}
		if want := []string{key(2), key(0), key(3), key(1)}; !slices.Equal(got, want) {
			t.Errorf("transformed %v, want %v", got, want)
		}
	})
}

func TestStepsDoNotRunFarAhead(t *testing.T) {
	for _, slow := range []string{"load", "stage"} {
		t.Run(slow, func(t *testing.T) { stepsDoNotRunFarAhead(t, slow) })
	}
}

func stepsDoNotRunFarAhead(t *testing.T, slow string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = func(method string, _ Try) outcome {
			if method == slow {
				return outcome{Takes: time.Minute}
			}
			return outcome{Takes: time.Millisecond}
		}
		p := unloading(planOf(60))
		c := w.config(p)
		stop := make(chan StopRequest)
		c.Stop = stop
		go func() {
			time.Sleep(10 * time.Minute)
			stop <- StopRequest{By: "test"}
		}()
		wantExit(t, w.run(c), hindcast.ExitStopped)
		if limit := p.Shares.Transforms + ahead; w.aheadPeak > limit {
			t.Errorf("%d results were staged at a time, want at most %d", w.aheadPeak, limit)
		}
		loaded := w.count("load", "")
		if n, limit := w.count("unload", ""), loaded+2*(p.Shares.Transforms+ahead)+p.Shares.Unloads; n > limit {
			t.Errorf("%d slices were unloaded when %d were loaded", n, loaded)
		}
	})
}

// The engine need not wait for a result's way into the lake, and a slice that is alone not for another's.
func TestTransformsRunBesideStaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = func(method string, try Try) outcome {
			switch {
			case method == "transform" && try.Item.Slice.Key == key(2) && !try.Alone:
				return outcome{Takes: time.Second, Err: errMemory}
			case method == "transform":
				return outcome{Takes: time.Second}
			case method == "stage":
				return outcome{Takes: time.Hour - 2*time.Second} // with its transform just within attempt_timeout
			}
			return outcome{}
		}
		p := planOf(5)
		p.Shares.Transforms = 1
		began := time.Now()
		wantExit(t, w.run(w.config(p)), hindcast.ExitOK)
		if took := time.Since(began); took > time.Hour+10*time.Second {
			t.Errorf("it took %s", took)
		}
		if w.peak["stage"] != len(p.Items) {
			t.Errorf("%d results were on their way at a time, want %d", w.peak["stage"], len(p.Items))
		}
	})
}

// excused is an error that counts for no retry.
type excused struct{ error }

func (e *excused) Unwrap() error   { return e.error }
func (e *excused) Uncounted() bool { return true }

// onTransform lets a slice's transforms fail with these errors, one after the other.
func onTransform(slice string, errs []error) func(string, Try) outcome {
	return func(method string, try Try) outcome {
		if method != "transform" || try.Item.Slice.Key != slice || try.Attempt > len(errs) {
			return outcome{}
		}
		return outcome{Err: errs[try.Attempt-1]}
	}
}

func TestFailures(t *testing.T) {
	first := key(0)
	tests := []struct {
		name       string
		call       func(string, Try) outcome
		policy     hindcast.OnFailure
		exit       int
		state      hindcast.State // of the first slice
		attempts   int            // of it
		transforms int            // of it
		loads      int            // of it
	}{
		{"transient unload heals", on("unload", first, 2, outcome{Err: errTransient}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 3, 1, 1},
		{"transient fingerprint heals", on("fingerprint", first, 1, outcome{Err: errTransient}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 2, 1, 1},
		{"transient transform heals", on("transform", first, 3, outcome{Err: errTransient}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 4, 4, 1},
		{"transient transform heals not", on("transform", first, 9, outcome{Err: errTransient}), hindcast.OnFailureStop, 2, hindcast.Failed, 4, 4, 0},
		{"what is not the slice's fault does not count as a retry", onTransform(first, []error{errTransient, errTransient, &excused{errTransient}, errTransient}),
			hindcast.OnFailureStop, 0, hindcast.Succeeded, 5, 5, 1},
		{"a result that cannot be staged is made again", on("stage", first, 2, outcome{Err: errTransient}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 3, 3, 1},
		{"a result that can never be staged", on("stage", first, 9, outcome{Err: errPermanent}), hindcast.OnFailureStop, 2, hindcast.Failed, 1, 1, 0},
		{"staging takes too long", on("stage", first, 1, outcome{Takes: 2 * time.Hour}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 2, 2, 1},
		{"permanent is not retried", on("transform", first, 9, outcome{Err: errPermanent}), hindcast.OnFailureStop, 2, hindcast.Failed, 1, 1, 0},
		{"an error without a class is permanent", on("transform", first, 9, outcome{Err: errOdd}), hindcast.OnFailureStop, 2, hindcast.Failed, 1, 1, 0},
		{"continue ends with 2", on("transform", first, 9, outcome{Err: errPermanent}), hindcast.OnFailureContinue, 2, hindcast.Failed, 1, 1, 0},
		{"a check ends with 4", on("transform", first, 9, outcome{Err: errCheck}), hindcast.OnFailureStop, 4, hindcast.Failed, 1, 1, 0},
		{"a check ends with 4 also if others go on", on("transform", first, 9, outcome{Err: errCheck}), hindcast.OnFailureContinue, 4, hindcast.Failed, 1, 1, 0},
		{"a load is retried without a transform", on("load", first, 2, outcome{Err: errTransient}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 3, 1, 3},
		{"a load heals not", on("load", first, 9, outcome{Err: errTransient}), hindcast.OnFailureStop, 2, hindcast.Failed, 4, 1, 4},
		{"a lost answer to COMMIT is not a failure", on("load", first, 9, outcome{Err: errTransient, Lost: true}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 1, 1, 1},
		{"a cancel that is not ours is retried", on("transform", first, 1, outcome{Err: &hindcast.Error{Code: hindcast.EWorker,
			Class: hindcast.ClassCanceled, Message: "x"}}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 2, 2, 1},
		{"a timeout is retried", on("transform", first, 1, outcome{Takes: 2 * time.Hour}), hindcast.OnFailureStop, 0, hindcast.Succeeded, 2, 2, 1},
		{"a timeout heals not", on("transform", first, 9, outcome{Takes: 2 * time.Hour}), hindcast.OnFailureStop, 2, hindcast.Failed, 4, 4, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.call = test.call
				p := unloading(planOf(6))
				p.Pipeline.Run.OnFailure = test.policy
				out := w.run(w.config(p))
				wantExit(t, out, test.exit)
				wantState(t, out, first, test.state)
				if n := out.State.Slices[first].Attempt; n != test.attempts {
					t.Errorf("%d attempts, want %d", n, test.attempts)
				}
				wantCount(t, w, "transform", first, test.transforms)
				wantCount(t, w, "load", first, test.loads)
				stops := test.policy == hindcast.OnFailureStop && test.exit != 0
				if w.killed != stops {
					t.Errorf("killed: %v, want %v", w.killed, stops)
				}
				if !stops && out.State.Counts()[hindcast.Succeeded] < 5 {
					t.Errorf("the others did not go on: %v", out.State.Counts())
				}
				if stops && len(out.Dead) == 0 {
					t.Error("nothing is confirmed dead")
				}
			})
		})
	}
}

// again is an error after which what the slice reads has to be unloaded again.
type again struct{ error }

func (e *again) Unwrap() error         { return e.error }
func (e *again) Uncounted() bool       { return true }
func (e *again) Rewind() hindcast.Step { return hindcast.StepUnload }

// A slice that has nothing to unload unloads all the same if its input turns out to be damaged, at once and for no retry.
func TestDamagedInputIsUnloadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = onTransform(key(0), []error{&again{errTransient}})
		p := planOf(2)
		p.Pipeline.Run.Retries, p.Pipeline.Run.RetryWait = 0, time.Hour
		began := time.Now()
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitOK)
		wantCount(t, w, "unload", key(0), 1)
		wantCount(t, w, "unload", key(1), 0)
		wantCount(t, w, "transform", key(0), 2)
		if took := time.Since(began); took >= time.Hour/2 {
			t.Errorf("it waited, %s", took)
		}
	})
}

func TestTimeoutNamesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("transform", "", 9, outcome{Takes: 2 * time.Hour})
		out := w.run(w.config(planOf(1)))
		if e := out.State.Slices[key(0)].Error; e == nil || e.Code != hindcast.ETimeout || e.Next == "" {
			t.Errorf("error %v", e)
		}
	})
}

// The time limit is the attempt's, over its steps, and not the step's.
func TestTimeoutIsOfTheWholeAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = func(method string, _ Try) outcome {
			if method == "unload" || method == "transform" {
				return outcome{Takes: 35 * time.Minute}
			}
			return outcome{}
		}
		p := unloading(planOf(1))
		p.Pipeline.Run.Retries = 0
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitFailed)
		if e := out.State.Slices[key(0)].Error; e.Code != hindcast.ETimeout {
			t.Errorf("error %v", e)
		}
	})
}

// The death of a worker is journaled, and before the failure that it caused.
func TestDeathsStandBeforeWhatCameOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		deaths := make(chan hindcast.Event, 9)
		tries := 0
		w.call = func(method string, _ Try) outcome {
			if method != "transform" {
				return outcome{}
			}
			if tries++; tries > 1 {
				return outcome{}
			}
			deaths <- hindcast.Event{Type: hindcast.EventWorkerDied, Message: "worker 1"}
			return outcome{Err: &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "worker 1 died"}}
		}
		c := w.config(planOf(1))
		c.Deaths = deaths
		wantExit(t, w.run(c), hindcast.ExitOK)
		var kinds []hindcast.EventType
		for _, e := range w.journal.events {
			if e.Type == hindcast.EventWorkerDied || e.Type == hindcast.EventAttemptFailed {
				kinds = append(kinds, e.Type)
			}
		}
		if !slices.Equal(kinds, []hindcast.EventType{hindcast.EventWorkerDied, hindcast.EventAttemptFailed}) {
			t.Errorf("the journal has %v", kinds)
		}
	})
}

func TestOutOfMemoryIsTriedAgainAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		alone := 0
		w.call = func(method string, try Try) outcome {
			if method != "transform" {
				return outcome{}
			}
			if try.Alone { // that it is, world.enter checks
				alone++
			}
			if try.Item.Slice.Key == key(1) && try.Starved != alone {
				t.Errorf("attempt %d after %d lacks of memory: %+v", try.Attempt, alone, try)
			}
			if try.Item.Slice.Key == key(1) && try.Starved < 2 {
				return outcome{Takes: time.Second, Err: errMemory}
			}
			return outcome{Takes: 2 * time.Second}
		}
		out := w.run(w.config(planOf(12)))
		wantExit(t, out, hindcast.ExitOK)
		if alone != 2 || out.State.Slices[key(1)].Attempt != 3 {
			t.Errorf("%d attempts alone, %d attempts", alone, out.State.Slices[key(1)].Attempt)
		}
	})
}

// Nothing may begin beside an attempt that is alone, either.
func TestNothingBeginsBesideOneAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var until time.Time
		w.call = func(method string, try Try) outcome {
			if method != "transform" {
				return outcome{}
			}
			if time.Now().Before(until) {
				t.Errorf("%s begins beside one that is alone", try.Item.Slice.Key)
			}
			switch {
			case try.Alone:
				until = time.Now().Add(time.Minute)
				return outcome{Takes: time.Minute}
			case try.Item.Slice.Key == key(0):
				return outcome{Err: errMemory}
			}
			return outcome{Takes: time.Second}
		}
		wantExit(t, w.run(w.config(planOf(12))), hindcast.ExitOK)
		if until.IsZero() {
			t.Error("no attempt was alone")
		}
	})
}

func TestAWaitingSliceHoldsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("transform", key(0), 1, outcome{Err: errTransient})
		p := planOf(10)
		p.Shares.Transforms = 1
		p.Pipeline.Run.RetryWait = time.Hour
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitOK)
		first := out.State.Slices[key(0)]
		for i := 1; i < 10; i++ {
			if s := out.State.Slices[key(i)]; !s.Since.Before(first.Since) {
				t.Errorf("%s waited for the slice that waits", key(i))
			}
		}
	})
}

// When the lookup fails as well, the next attempt looks up before it does anything else.
func TestUnknownLoadIsLookedUpFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = func(method string, try Try) outcome {
			if try.Attempt == 1 && (method == "load" || method == "lookup") {
				return outcome{Err: errTransient, Lost: true}
			}
			return outcome{}
		}
		out := w.run(w.config(planOf(1)))
		wantExit(t, out, hindcast.ExitOK)
		wantCount(t, w, "load", key(0), 1)
		wantCount(t, w, "lookup", key(0), 2)
		if n := out.State.Slices[key(0)].Attempt; n != 1 {
			t.Errorf("committed by attempt %d, want the one that loaded", n)
		}
	})
}

func TestCommittedFingerprintIsSkippedUnlessForced(t *testing.T) {
	for _, test := range []struct {
		reason hindcast.Reason
		state  hindcast.State
		loads  int
	}{
		{hindcast.ReasonUnsettled, hindcast.Skipped, 0},
		{hindcast.ReasonForced, hindcast.Succeeded, 1},
		{hindcast.ReasonEdited, hindcast.Succeeded, 1},
	} {
		t.Run(string(test.reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				p := planOf(1)
				p.Items[0].Reason = test.reason
				w.rows[key(0)] = hindcast.Committed{Target: "t", Slice: p.Items[0].Slice, Run: "r0", Attempt: 1, Fingerprint: key(0) + "/"}
				// A load that fails with certainty must not take the earlier run's row for its own.
				w.call = on("load", key(0), 1, outcome{Err: errTransient})
				out := w.run(w.config(p))
				wantExit(t, out, hindcast.ExitOK)
				wantState(t, out, key(0), test.state)
				if n := w.commits[key(0)+" "+key(0)+"/"]; n != test.loads {
					t.Errorf("%d commits, want %d", n, test.loads)
				}
			})
		})
	}
}

func TestUnloadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("unload", key(2), 1, outcome{Err: errTransient})
		c := w.config(unloading(planOf(40)))
		c.UnloadOnly = true
		out := w.run(c)
		wantExit(t, out, hindcast.ExitOK)
		wantCount(t, w, "unload", "", 41)
		wantCount(t, w, "transform", "", 0)
		if n := out.State.Counts()[hindcast.Skipped]; n != 40 {
			t.Errorf("%d slices are done", n)
		}
	})
}

func TestProof(t *testing.T) {
	lost := func(w *world) func(context.Context) ([]hindcast.Committed, error) {
		return func(ctx context.Context) ([]hindcast.Committed, error) {
			delete(w.rows, key(1))
			return w.prove(ctx)
		}
	}
	t.Run("a missing row", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.config(planOf(3))
			c.Prove = lost(w)
			out := w.run(c)
			wantExit(t, out, hindcast.ExitFailed)
			wantState(t, out, key(1), hindcast.Failed)
			if e := out.State.Slices[key(1)].Error; e.Code != hindcast.ELost {
				t.Errorf("error %v", e)
			}
			w.commits = map[string]int{}
			out = w.run(w.config(planOf(3)))
			wantExit(t, out, hindcast.ExitOK)
			wantCount(t, w, "load", key(0), 1)
			wantCount(t, w, "load", key(1), 2)
		})
	})
	t.Run("other rows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.config(planOf(3))
			c.Standing = func(_ context.Context, rows []hindcast.Committed) ([]hindcast.Sums, error) {
				sums := make([]hindcast.Sums, len(rows))
				for i, row := range rows {
					sums[i] = row.Sums
					if row.Slice.Key == key(1) {
						sums[i].Rows += 5
					}
				}
				return sums, nil
			}
			out := w.run(c)
			wantExit(t, out, hindcast.ExitFailed)
			wantState(t, out, key(0), hindcast.Succeeded)
			wantState(t, out, key(1), hindcast.Failed)
			if e := out.State.Slices[key(1)].Error; e.Code != hindcast.ELost || !strings.Contains(e.Message, "stand in") {
				t.Errorf("error %v", e)
			}
		})
	})
	t.Run("another fingerprint", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.config(planOf(3))
			c.Prove = func(ctx context.Context) ([]hindcast.Committed, error) {
				row := w.rows[key(1)]
				row.Fingerprint = "other"
				w.rows[key(1)] = row
				return w.prove(ctx)
			}
			wantExit(t, w.run(c), hindcast.ExitFailed)
		})
	})
	t.Run("asked again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c, asked := w.config(planOf(3)), 0
			c.Prove = func(ctx context.Context) ([]hindcast.Committed, error) {
				if asked++; asked < 3 {
					return nil, errTransient
				}
				return w.prove(ctx)
			}
			wantExit(t, w.run(c), hindcast.ExitOK)
		})
	})
	t.Run("no answer is not a success", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.config(planOf(3))
			c.Prove = func(context.Context) ([]hindcast.Committed, error) { return nil, errTransient }
			out := w.run(c)
			wantExit(t, out, hindcast.ExitFailed)
			if out.Err == nil || out.Err.Code != hindcast.EWarehouse {
				t.Errorf("error %v", out.Err)
			}
		})
	})
	t.Run("stopped meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.config(planOf(3))
			stop := make(chan StopRequest, 1)
			c.Stop = stop
			c.Prove = func(ctx context.Context) ([]hindcast.Committed, error) {
				stop <- StopRequest{By: "test"}
				<-ctx.Done()
				return nil, ctx.Err()
			}
			wantExit(t, w.run(c), hindcast.ExitStopped)
		})
	})
}

func TestDelay(t *testing.T) {
	for n := 1; n <= 100; n++ {
		low, high := Delay(n, time.Second, 0), Delay(n, time.Second, 1)
		full := 60 * time.Second
		if n < 7 {
			full = min(full, time.Second<<(n-1))
		}
		if low != full/2 || high != full {
			t.Errorf("retry %d waits %s to %s, want %s to %s", n, low, high, full/2, full)
		}
	}
	if d := Delay(5, 0, 0.5); d != 0 {
		t.Errorf("no wait is %s", d)
	}
}

func BenchmarkEmptySlices10000(b *testing.B) {
	p := planOf(10000)
	for b.Loop() {
		w := newWorld(b)
		w.call = nil
		quick := quickWorld{world: w}
		c := w.config(p)
		c.Worker = &quick
		if out := Run(context.Background(), c); out.ExitCode != hindcast.ExitOK {
			b.Fatal(out.ExitCode, out.Err)
		}
	}
}

func BenchmarkResume10000(b *testing.B) {
	p := planOf(10000)
	w := newWorld(b)
	c := w.config(p)
	c.Worker = &quickWorld{world: w}
	Run(context.Background(), c)
	for b.Loop() {
		w.journal = &memory{events: slices.Clone(w.journal.events)}
		if out := Run(context.Background(), w.config(p)); out.ExitCode != hindcast.ExitOK {
			b.Fatal(out.ExitCode, out.Err)
		}
	}
}

// quickWorld does nothing but remember the rows.
type quickWorld struct{ *world }

func (q *quickWorld) Fingerprint(_ context.Context, try Try) (string, []int, error) {
	return try.Item.Slice.Key, []int{0}, nil
}

func (q *quickWorld) Start(context.Context, Try) (hindcast.Handle, error) {
	return hindcast.Handle{}, nil
}

func (q *quickWorld) Wait(_ context.Context, try Try, _ hindcast.Handle, _ func(hindcast.Progress)) (Staged, error) {
	return Staged{Manifest: &hindcast.Manifest{Name: "result", Key: try.Item.Slice.Key, Attempt: try.Attempt}}, nil
}

func (q *quickWorld) Stage(context.Context, Try, *hindcast.Manifest) error { return nil }

func (q *quickWorld) Load(_ context.Context, list []Loading) ([][]hindcast.Committed, error) {
	try := list[0].Try
	c := hindcast.Committed{Target: "t", Slice: try.Item.Slice, Run: try.Run, Attempt: try.Attempt, Fingerprint: try.Fingerprint}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rows[c.Slice.Key] = c
	return [][]hindcast.Committed{{c}}, nil
}

func (q *quickWorld) Discard(context.Context, Try) {}

func (q *quickWorld) Keep(context.Context, Try, []hindcast.Committed, []*hindcast.Manifest) error {
	return nil
}

func TestHeals(t *testing.T) {
	want := map[hindcast.Class]bool{hindcast.ClassPermanent: false, hindcast.ClassCheck: false, hindcast.ClassTransient: true,
		hindcast.ClassResource: true, hindcast.ClassCanceled: true, "": false}
	for class, heal := range want {
		if heals(class) != heal {
			t.Errorf("class %q heals: %v", class, !heal)
		}
	}
}

// What came before the first slice is journaled after the run's start, which is any journal's first event.
func TestWhatCameBeforeFollowsTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.config(planOf(1))
		c.Before = []hindcast.Event{{Type: hindcast.EventDimension, Fact: "accounts"}}
		wantExit(t, w.run(c), hindcast.ExitOK)
		if w.journal.events[0].Type != hindcast.EventRunStarted || w.journal.events[1].Type != hindcast.EventDimension || w.journal.events[1].Run != "r1" {
			t.Errorf("the journal begins with %+v", w.journal.events[:2])
		}
	})
}
