package supervisor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

func TestResume(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(w *world) // the world after the crash: slice 0 was staged and prepared by attempt 1
		commits int
		calls   map[string]int // of slice 0, in the resume
	}{
		{"committed, and the journal does not know", func(w *world) {
			w.rows[key(0)] = hindcast.Committed{Target: "t", Slice: planOf(1).Items[0].Slice, Run: "r1", Attempt: 1, Fingerprint: key(0) + "/"}
		}, 0, map[string]int{"lookup": 1, "load": 0, "transform": 0}},
		{"staged and not committed", func(*world) {}, 1, map[string]int{"lookup": 1, "load": 1, "transform": 0}},
		{"staged, and the files are gone", func(w *world) { clear(w.staged) }, 1, map[string]int{"lookup": 1, "load": 1, "transform": 1}},
		{"staged and not prepared", func(w *world) { w.journal.events = w.journal.events[:len(w.journal.events)-1] }, 1,
			map[string]int{"lookup": 0, "load": 1, "transform": 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.staged[key(0)+" 1"] = true
				manifest := &hindcast.Manifest{Key: key(0), Attempt: 1}
				for _, e := range []hindcast.Event{
					{Type: hindcast.EventRunStarted, Run: "r1", Total: 2},
					{Type: hindcast.EventFingerprint, Slice: key(0), Attempt: 1, Fingerprint: key(0) + "/"},
					{Type: hindcast.EventStepStarted, Slice: key(0), Attempt: 1, Step: hindcast.StepTransform},
					{Type: hindcast.EventStepFinished, Slice: key(0), Attempt: 1, Step: hindcast.StepTransform, Manifest: manifest},
					{Type: hindcast.EventLoadPrepared, Slice: key(0), Attempt: 1, Fingerprint: key(0) + "/"},
				} {
					_ = w.journal.AppendAsync(e)
				}
				test.prepare(w)
				out := w.run(w.config(planOf(2)))
				wantExit(t, out, hindcast.ExitOK)
				for method, n := range test.calls {
					wantCount(t, w, method, key(0), n)
				}
				if n := w.commits[key(0)+" "+key(0)+"/"]; n != test.commits {
					t.Errorf("%d commits", n)
				}
				if out.State.Resumes != 1 || len(w.staged) != 0 && test.commits > 0 {
					t.Errorf("resumes %d, staged %v", out.State.Resumes, w.staged)
				}
			})
		})
	}
}

func TestResumeCountsTriesAnewAndAttemptsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call = on("transform", key(0), 6, outcome{Err: errTransient})
		wantExit(t, w.run(w.config(planOf(2))), hindcast.ExitFailed)
		calls := w.count("load", key(1))
		out := w.run(w.config(planOf(2)))
		wantExit(t, out, hindcast.ExitOK)
		if s := out.State.Slices[key(0)]; s.Attempt != 7 {
			t.Errorf("attempt %d, want 7: four, then three", s.Attempt)
		}
		wantCount(t, w, "load", key(1), max(1, calls)) // a finished slice is not touched again
	})
}

// pulse is a window that opens again and again for a while. It is open by the clock of the tests, which begins at the same instant.
type pulse struct{ every, open time.Duration }

func (p pulse) Opens(now time.Time) time.Time {
	begun := now.Truncate(p.every)
	if now.Sub(begun) < p.open {
		return now
	}
	return begun.Add(p.every)
}

// TestAnyRunEndsTruthfully runs a random world, with failures, stops, crashes of the journal's tail, windows and
// takeovers, and resumes until it is done. What must hold in each life is in world.run.
func TestAnyRunEndsTruthfully(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	lives := 300
	if testing.Short() {
		lives = 60
	}
	for i := range lives {
		seed := seed + uint64(i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { live(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func live(t *testing.T, random *rand.Rand) {
	w, p, calm := unruly(t, random)
	mode, publish := Publishing(random.IntN(3)), false
	for n := 0; ; n++ {
		if n == 8 {
			calm()
		}
		c := w.config(p)
		if w.window != (pulse{}) {
			c.Window = w.window
		}
		if c.Publishing = mode; publish {
			c.Publishing, c.StagedOnly = Together, true
		}
		stop := make(chan StopRequest, 2)
		if n < 8 {
			for range random.IntN(3) {
				time.AfterFunc(time.Duration(random.Int64N(int64(20*time.Second))), func() { stop <- StopRequest{By: "test"} })
			}
		}
		c.Stop = stop
		before := w.transactions
		out := w.run(c)
		time.Sleep(time.Minute) // the timers of this life
		if !w.crashed {
			checkEnd(t, w, c, out)
		}
		if mode != BySlice && w.transactions > 1 {
			t.Errorf("published in %d transactions", w.transactions)
		}
		if c.Publishing == Held && w.transactions > before {
			t.Error("a run that is held has published")
		}
		t.Logf("life %d of %d, publishing %d: exit %d, %v, %d transactions", n, mode, c.Publishing, out.ExitCode, out.State.Counts(), w.transactions)
		held := out.State.Held() && !w.crashed
		if out.ExitCode == hindcast.ExitOK && !held && !w.crashed || t.Failed() {
			return
		}
		publish = held
		if random.IntN(4) == 0 && !w.outlives || random.IntN(8) == 0 {
			w.mu.Lock()
			w.endAll() // the engine's machine dies too
			w.mu.Unlock()
		}
		if n > 9 {
			t.Fatalf("without trouble it ended with %d: %v", out.ExitCode, out.Err)
		}
		if random.IntN(2) == 0 { // as if it had been killed before the end was journaled
			w.journal.durable = lastDurable(w.journal.events, random)
			w.journal.crash(random.Float64())
		}
	}
}

// unruly is a world in which calls fail, processes die and slices are of any size, as it comes, with a plan; calm ends the failures.
func unruly(t *testing.T, random *rand.Rand) (w *world, p *plan.Plan, calm func()) {
	t.Helper()
	w = newWorld(t)
	p = planOf(1 + random.IntN(25))
	if random.IntN(2) == 0 {
		unloading(p)
	}
	if n := 1 + random.IntN(3); n > 1 {
		several(p, n)
		w.upToDate(p, random)
	}
	p.Shares.Transforms, p.Shares.Unloads = 1+random.IntN(4), 1+random.IntN(3)
	p.Pipeline.Run.Retries = random.IntN(4)
	if random.IntN(2) == 0 {
		p.Pipeline.Run.OnFailure = hindcast.OnFailureContinue
	}
	trouble := random.Float64() * 0.3
	dice := rand.New(rand.NewPCG(random.Uint64(), 1)) // used under the world's lock
	w.call = func(method string, _ Try) outcome { return roll(dice, method, trouble) }
	w.outlives = random.IntN(2) == 0
	w.crash = func(string, Try) bool { return trouble > 0 && dice.IntN(30) == 0 }
	if random.IntN(3) == 0 {
		every := time.Second * time.Duration(2+random.IntN(60))
		w.window = pulse{every, 1 + time.Duration(random.Int64N(int64(every)))}
	}
	if random.IntN(4) > 0 { // some of them are small, or all
		sizes, each := []int64{3, 3, 60_000, sharedRows + 1}[:1+random.IntN(4)], map[string]int64{}
		for _, item := range p.Items {
			each[item.Slice.Key] = sizes[random.IntN(len(sizes))]
		}
		w.sized = func(slice string) int64 { return each[slice] }
	}
	return w, p, func() { trouble = 0 }
}

// upToDate commits some outputs of some slices before the run. Of those the plan knows some, and has some made all the same.
func (w *world) upToDate(p *plan.Plan, random *rand.Rand) {
	for _, item := range p.Items {
		for k, o := range p.Pipeline.Outputs {
			if random.IntN(4) == 0 {
				w.rows[at(item.Slice.Key, k)] = hindcast.Committed{Target: o.Target.Table, Slice: item.Slice, Run: "r0", Publication: "r0", Attempt: 3,
					Fingerprint: w.print(item.Slice.Key, k)}
				reasons := []hindcast.Reason{hindcast.ReasonNew, hindcast.ReasonForced, hindcast.ReasonEdited, hindcast.ReasonUpToDate}
				if k == 0 {
					reasons = reasons[:3] // something is left to do
				}
				item.Outputs[k].Reason = reasons[random.IntN(len(reasons))]
			}
		}
	}
}

// lastDurable picks how much of the journal a crash may leave: never less than what a life relied on.
func lastDurable(events []hindcast.Event, random *rand.Rand) int {
	least := len(events)
	for least > 1 {
		e := events[least-1]
		if e.Type == hindcast.EventCommitted || e.Type == hindcast.EventLoadPrepared || e.Type == hindcast.EventHeld || e.Type == hindcast.EventWorkPrepared || e.Type == hindcast.EventRunResumed {
			break
		}
		least--
	}
	return least + random.IntN(len(events)-least+1)
}

// roll decides how a call goes.
func roll(dice *rand.Rand, method string, trouble float64) outcome {
	o := outcome{Takes: time.Duration(dice.Int64N(int64(2 * time.Second)))}
	if dice.Float64() >= trouble || method == "member" && dice.IntN(4) > 0 {
		return o
	}
	errs := []error{errTransient, errTransient, errMemory, errPermanent, errCheck, errOdd}
	o.Err = errs[dice.IntN(len(errs))]
	o.Lost = method == "load" && dice.IntN(2) == 0
	if dice.IntN(10) == 0 {
		o.Takes = 2 * time.Hour
	}
	return o
}

// checkEnd: the exit code says what the states say.
func checkEnd(t *testing.T, w *world, c Config, out *Outcome) {
	t.Helper()
	counts := out.State.Counts()
	if n := counts[hindcast.Running] + counts[hindcast.Retrying]; n != 0 {
		t.Errorf("%d slices are under way after the end: %v", n, counts)
	}
	if c.Publishing != Held && counts[hindcast.Staged] > 0 && out.ExitCode == hindcast.ExitOK {
		t.Errorf("success, and %d slices are only staged", counts[hindcast.Staged])
	}
	done := counts[hindcast.Succeeded]+counts[hindcast.Skipped]+counts[hindcast.Staged] == len(c.Plan.Items)
	switch out.ExitCode {
	case hindcast.ExitOK:
		if !done {
			t.Errorf("success with %v", counts)
		}
	case hindcast.ExitFailed, hindcast.ExitCheck:
		if counts[hindcast.Failed] == 0 && out.Err == nil {
			t.Errorf("exit code %d with %v", out.ExitCode, counts)
		}
	case hindcast.ExitStopped:
		if out.State.Stopping == "" {
			t.Error("stopped without a request")
		}
	default:
		t.Errorf("exit code %d: %v", out.ExitCode, out.Err)
	}
	for slice, s := range out.State.Slices {
		if _, ok := w.rows[slice]; s.State == hindcast.Succeeded && !ok {
			t.Errorf("%s is said to be committed and is not", slice)
		}
	}
}

// A resume of some slices leaves the others as they are and never says that the run is done (promise 6).
func TestResumeOfSomeSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broken := &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "broken"}
		w.call = func(method string, try Try) outcome {
			if method == "transform" {
				return outcome{Err: broken}
			}
			return outcome{}
		}
		p := planOf(3)
		p.Pipeline.Run.OnFailure = hindcast.OnFailureContinue
		wantExit(t, w.run(w.config(p)), hindcast.ExitFailed)
		w.call = nil

		c := w.config(p)
		c.Only = []string{key(1)}
		out := w.run(c)
		wantExit(t, out, hindcast.ExitStopped)
		wantState(t, out, key(0), hindcast.Failed)
		wantState(t, out, key(1), hindcast.Succeeded)
		if out.State.Stopping != "2 slices not asked for" || out.State.Slices[key(0)].Error == nil || w.count("transform", key(0)) != 1 {
			t.Errorf("%q, %+v", out.State.Stopping, out.State.Slices[key(0)])
		}
		out = w.run(w.config(p))
		wantExit(t, out, hindcast.ExitOK)
		if out.State.Stopping != "" || w.count("load", key(1)) != 1 {
			t.Errorf("%q, loaded %d times", out.State.Stopping, w.count("load", key(1)))
		}
	})
}
