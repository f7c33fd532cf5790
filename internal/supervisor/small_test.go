package supervisor

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

// slowLoads let a load take as long as several transforms, whatever it publishes.
func slowLoads(method string, _ Try) outcome {
	if method == "load" {
		return outcome{Takes: 20 * time.Second}
	}
	return outcome{Takes: time.Second}
}

// tiny is the size of small results.
func tiny(string) int64 { return 3 }

// Small slices that wait for the loader are published at once; the first one waits for nobody.
func TestSmallSlicesShareATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sized = tiny
		w.call = slowLoads
		out := w.run(w.config(planOf(60)))
		wantExit(t, out, hindcast.ExitOK)
		if w.transactions > 8 || w.most < 10 || w.most > sharedSlices {
			t.Errorf("%d transactions, one of %d slices", w.transactions, w.most)
		}
		loaded := slices.IndexFunc(w.calls, func(call string) bool { return call == "load "+key(0)+" 1" })
		if i := slices.Index(w.calls, "transform "+key(4)+" 1"); loaded < 0 || i < loaded {
			t.Errorf("the first slice waited for others: %v", w.calls[:max(loaded, 0)+1])
		}
		for _, kind := range []hindcast.EventType{hindcast.EventLoadPrepared, hindcast.EventCommitted} {
			if n := w.journal.count(kind, ""); n != 60 {
				t.Errorf("%d events %s", n, kind)
			}
		}
		if len(w.staged) != 0 {
			t.Errorf("staging holds %v", w.staged)
		}
	})
}

// quickly lets every step take its time of these, and no other call any.
func quickly(unload, transform, load time.Duration) func(string, Try) outcome {
	takes := map[string]time.Duration{"unload": unload, "transform": transform, "load": load}
	return func(method string, _ Try) outcome { return outcome{Takes: takes[method]} }
}

// Small slices share transactions also where none would have to wait for the loader: it waits for some of those that come, for a moment. The first
// one waits for nobody, and nor do the last ones.
func TestSmallSlicesAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sized = tiny
		w.call = quickly(time.Millisecond, 10*time.Millisecond, time.Millisecond)
		began := time.Now()
		c := w.config(planOf(100))
		wantExit(t, w.run(c), hindcast.ExitOK)
		if w.transactions > 16 || w.most > sharedSlices {
			t.Errorf("%d transactions, one of %d slices", w.transactions, w.most)
		}
		if i := slices.Index(w.calls, "load "+key(0)+" 1"); i < 0 || slices.Contains(w.calls[:i], "transform "+key(2*c.Plan.Shares.Transforms)+" 1") {
			t.Errorf("the first slice waited for others: %v", w.calls[:max(i, 0)+1])
		}
		all := 100 * 10 * time.Millisecond / time.Duration(c.Plan.Shares.Transforms)
		if took := time.Since(began); took > all+5*time.Millisecond {
			t.Errorf("the run took %s, its transforms %s", took, all)
		}
	})
}

// A load waits for no more than a moment for a transform that takes long, and not at all after one.
func TestNoLoadWaitsForLong(t *testing.T) {
	quick := 10 * time.Millisecond
	for name, test := range map[string]struct{ third, others, most time.Duration }{
		"for one that takes long": {time.Hour, quick, gatherTime},
		"after such":              {time.Minute, time.Minute, 0},
		"where the last was such": {time.Minute, quick, gatherTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sized = tiny
				staged, loads := map[string]time.Time{}, 0
				w.call = func(method string, try Try) outcome {
					slice := try.Item.Slice.Key
					switch method {
					case "transform":
						takes := test.others
						if slice == key(2) {
							takes = test.third
						}
						staged[slice] = time.Now().Add(takes)
						return outcome{Takes: takes}
					case "member":
						loads++
						if waited := time.Since(staged[slice]); waited > test.most {
							t.Errorf("%s waited %s", slice, waited)
						}
					}
					return outcome{}
				}
				p := planOf(40)
				p.Pipeline.Run.AttemptTimeout = 2 * time.Hour
				wantExit(t, w.run(w.config(p)), hindcast.ExitOK)
				if loads != 40 {
					t.Errorf("%d slices were loaded", loads)
				}
			})
		})
	}
}

// Slices that are not small, or that have hooks, share no transaction.
func TestLargeSlicesGoAlone(t *testing.T) {
	for name, change := range map[string]func(*world, *Config){
		"large":  func(w *world, _ *Config) { w.sized = func(string) int64 { return sharedRows + 1 } },
		"hooked": func(_ *world, c *Config) { c.Plan.Pipeline.Outputs[0].Load.After = []string{"ANALYZE"} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sized = tiny
				w.call = slowLoads
				c := w.config(planOf(20))
				change(w, &c)
				wantExit(t, w.run(c), hindcast.ExitOK)
				if w.transactions != 20 || w.most != 1 || w.aheadPeak > c.Plan.Shares.Transforms+ahead {
					t.Errorf("%d transactions, one of %d slices; %d were staged at a time", w.transactions, w.most, w.aheadPeak)
				}
			})
		})
	}
}

// Where a shared transaction fails, each of its slices is loaded alone: the one whose fault it is fails by its own error, the others are published,
// and none has been retried.
func TestOneOfASharedTransactionFails(t *testing.T) {
	for name, err := range map[string]*hindcast.Error{"for good": errPermanent, "and heals": errTransient} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sized = tiny
				w.call = func(method string, try Try) outcome {
					if method == "member" && try.Item.Slice.Key == key(9) && (err == errPermanent || try.Attempt == 1) {
						return outcome{Err: err}
					}
					return slowLoads(method, try)
				}
				p := planOf(30)
				p.Pipeline.Run.OnFailure, p.Pipeline.Run.Retries = hindcast.OnFailureContinue, 0
				out := w.run(w.config(p))
				last := hindcast.Succeeded
				if err == errPermanent {
					last = hindcast.Failed
					wantExit(t, out, hindcast.ExitFailed)
				} else {
					wantExit(t, out, hindcast.ExitOK)
				}
				for i := range 30 {
					want := hindcast.Succeeded
					if i == 9 {
						want = last
					}
					wantState(t, out, key(i), want)
				}
				if !says(w, "since it was not published with others ("+string(err.Class)+": "+err.Message+")") {
					t.Error("the journal does not say why slices are loaded alone")
				}
				if n := w.journal.count(hindcast.EventAttemptFailed, ""); n != 0 || w.most < 5 || out.State.Retries != 0 {
					t.Errorf("%d attempts failed, %d slices at most in one transaction", n, w.most)
				}
			})
		})
	}
}

// says reports whether the load of a second attempt began with this reason, and none of a first one with any.
func says(w *world, reason string) (said bool) {
	for _, e := range w.journal.events {
		if e.Type != hindcast.EventStepStarted || e.Message == "" {
			continue
		}
		if said = strings.Contains(e.Message, reason) && e.Step == hindcast.StepLoad && e.Attempt == 2; !said {
			return false
		}
	}
	return said
}

// Where the staged result of one slice of many is damaged, the journal says that its attempt failed, and that of no other one.
func TestOneOfASharedTransactionIsDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sized = tiny
		w.call = func(method string, try Try) outcome {
			if method == "member" && try.Item.Slice.Key == key(9) && try.Attempt == 1 {
				return outcome{Err: &excused{&hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassTransient, Message: "damaged", Slices: []string{key(9)}}}}
			}
			return slowLoads(method, try)
		}
		p := planOf(30)
		p.Pipeline.Run.Retries = 0
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitOK)
		if all, own := w.journal.count(hindcast.EventAttemptFailed, ""), w.journal.count(hindcast.EventAttemptFailed, key(9)); all != 1 || own != 1 || w.most < 5 {
			t.Errorf("%d attempts failed, %d of the damaged slice; %d slices at most in one transaction", all, own, w.most)
		}
		if !says(w, "damaged") {
			t.Error("the journal does not say why the others are loaded alone")
		}
	})
}

// The answer to the COMMIT of a shared transaction is lost, and so are the first answers about it: no slice is published twice.
func TestASharedAnswerIsLost(t *testing.T) {
	for _, silent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.sized = tiny
			w.call = func(method string, try Try) outcome {
				if method == "load" && w.most > 1 && w.transactions < 3 {
					return outcome{Err: errTransient, Lost: true}
				}
				if method == "lookup" && silent && try.Attempt == 1 && w.transactions < 4 && try.Item.Slice.Key > key(8) {
					return outcome{Err: errTransient}
				}
				return slowLoads(method, try)
			}
			wantExit(t, w.run(w.config(planOf(40))), hindcast.ExitOK)
			if w.most < 3 {
				t.Errorf("at most %d slices in one transaction", w.most)
			}
		})
	}
}

// A run that is stopped while a shared transaction fails leaves its slices to a resume.
func TestStopDuringASharedTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sized = tiny
		stop := make(chan StopRequest, 1)
		w.call = func(method string, try Try) outcome {
			if method == "member" && w.most > 1 {
				if len(stop) == 0 {
					stop <- StopRequest{By: "test"}
				}
				return outcome{Err: errPermanent}
			}
			if method == "load" {
				return outcome{Takes: 5 * time.Second}
			}
			return outcome{Takes: time.Second}
		}
		c := w.config(planOf(20))
		c.Stop = stop
		out := w.run(c)
		wantExit(t, out, hindcast.ExitStopped)
		if n := out.State.Counts()[hindcast.Failed]; n != 0 {
			t.Errorf("%d slices failed for the fault of others", n)
		}
		w.call = nil
		wantExit(t, w.run(w.config(planOf(20))), hindcast.ExitOK)
	})
}
