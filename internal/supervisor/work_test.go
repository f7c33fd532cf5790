package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

// given is what the world's engine was given. One that outlives the run goes on until it is due or ended, whoever waits.
type given struct {
	slice   string
	print   string
	outcome outcome
	began   time.Time
	over    time.Time // when its bill was first asked for
	due     time.Time
	ended   bool // or it died
	taken   bool // its end was told
}

func (g *given) runs() bool { return !g.ended && time.Now().Before(g.due) }

func (w *world) Outlives() bool { return w.outlives }

func (w *world) Tag(try Try) string {
	return fmt.Sprintf("p/%s/%s/a%d", try.Run, at(try.Item.Slice.Key, try.Output), try.Attempt)
}

// crashes lets the run's process die here, if it is to.
func (w *world) crashes(at string, try Try) bool {
	if !w.crashed && (w.crash == nil || !w.crash(at, try)) {
		return false
	}
	w.crashed = true
	w.journal.mu.Lock()
	w.journal.dead = true
	w.journal.mu.Unlock()
	w.die()
	return true
}

func (w *world) Start(_ context.Context, try Try) (hindcast.Handle, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tag, key := w.Tag(try), try.Item.Slice.Key
	if w.outlives && !w.journal.onDisk(hindcast.EventWorkPrepared, key, try.Attempt) {
		w.t.Errorf("%s is started before work_prepared is on disk", tag)
	}
	if w.crashes("before the start", try) {
		return hindcast.Handle{}, errCrashed
	}

	made := at(key, try.Output)
	for other, g := range w.given {
		if w.outlives && g.slice == made && (g.runs() || !g.ended && !g.taken && g.print == try.Fingerprint && g.outcome.Err == nil) {
			w.t.Errorf("%s is started, and %s is there", tag, other)
		}
	}
	if w.outlives && w.given[tag] != nil {
		w.t.Errorf("%s is started again: the engine would give what it has of that", tag)
	}
	o := w.draw("transform", try)
	w.given[tag] = &given{slice: made, print: try.Fingerprint, outcome: o, began: time.Now(), due: time.Now().Add(o.Takes)}
	if w.crashes("after the start", try) {
		return hindcast.Handle{}, errCrashed
	}
	return hindcast.Handle{Tag: tag, IDs: map[string]string{"process": "7"}}, nil
}

// await is the engine's end of Wait.
func (w *world) await(ctx context.Context, try Try, h hindcast.Handle, progress func(hindcast.Progress)) (outcome, error) {
	w.mu.Lock()
	g := w.given[h.Tag]
	dies := w.crashes("waiting", try)
	lost := g == nil || g.ended || g.taken && g.outcome.Err != nil // which left no result
	w.mu.Unlock()
	switch {
	case dies:
		return outcome{}, errCrashed
	case lost:
		return outcome{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "nothing is known of " + h.Tag}
	}

	progress(hindcast.Progress{Done: 0.25, Rows: 10, Bytes: 2_000_000})
	o := g.outcome
	o.Takes = max(0, time.Until(g.due))
	if !w.outlives {
		o.Takes = g.outcome.Takes
	}
	unmeter := w.meter(g, progress)
	err := w.spend(ctx, o)
	unmeter()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.crashed {
		return o, errCrashed
	}
	if ctx.Err() != nil {
		g.ended = true
	}
	g.taken = true
	return o, err
}

func (w *world) End(_ context.Context, h hindcast.Handle) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g := w.given[h.Tag]; g != nil && !w.crashed {
		g.ended = true
	}
	return nil
}

// meter says every second what work has cost so far, until end has returned.
func (w *world) meter(g *given, progress func(hindcast.Progress)) (end func()) {
	if w.price == 0 {
		return func() {}
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Second):
				took := time.Since(g.began)
				progress(hindcast.Progress{Rows: 10, Hours: took.Hours(), USD: took.Seconds() * w.price})
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

func (w *world) Bill(_ context.Context, h hindcast.Handle) *hindcast.Bill {
	defer time.Sleep(w.billing)
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.given[h.Tag]
	if w.price == 0 || g == nil || w.crashed {
		return nil
	}
	if g.over.IsZero() {
		g.over = time.Now()
	}
	took := g.over.Sub(g.began)
	return &hindcast.Bill{Runs: 1, Unit: "DPU", Hours: took.Hours(), USD: took.Seconds() * w.price}
}

// endAll is the end of the engine. The world is locked.
func (w *world) endAll() {
	for _, g := range w.given {
		g.ended = true
	}
}

// checkGiven: a run that is over leaves nothing running, unless its process has died.
func (w *world) checkGiven(out *Outcome) {
	w.t.Helper()
	for tag, g := range w.given {
		if w.outlives && !w.crashed && out.ExitCode != hindcast.ExitUnknown && g.runs() {
			w.t.Errorf("%s runs after the run has ended", tag)
		}
	}
}

// outliving is a world whose engine's work outlives the run, and takes an hour.
func outliving(t *testing.T) *world {
	w := newWorld(t)
	w.outlives = true
	w.call = func(method string, _ Try) outcome {
		if method == "transform" {
			return outcome{Takes: time.Hour / 2}
		}
		return outcome{}
	}
	return w
}

func atFirst(point string) func(string, Try) bool {
	return func(at string, try Try) bool { return at == point && try.Item.Slice.Key == key(0) && try.Attempt == 1 }
}

// Work that outlives the run is found again by a resume, wherever the run's process died, and never run twice.
func TestWorkIsFoundAgain(t *testing.T) {
	for name, c := range map[string]struct {
		crash  string
		before func(w *world) // the resume
		starts int            // of slice 0, in all
		took   time.Duration  // the resume, at most
		tries  int
	}{
		"intent, and not started":           {crash: "before the start", starts: 1, took: time.Hour, tries: 2},
		"started, and no handle":            {crash: "after the start", starts: 1, took: time.Hour / 2, tries: 1},
		"waited for":                        {crash: "waiting", starts: 1, took: time.Hour / 2, tries: 1},
		"finished while nobody waited":      {crash: "after the start", before: func(*world) { time.Sleep(time.Hour) }, starts: 1, took: time.Hour / 2, tries: 1},
		"died while nobody waited":          {crash: "waiting", before: func(w *world) { w.endAll() }, starts: 2, took: time.Hour, tries: 2},
		"made from what is not so any more": {crash: "waiting", before: func(w *world) { w.version = "2" }, starts: 2, took: time.Hour, tries: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := outliving(t)
				w.crash = atFirst(c.crash)
				p := planOf(2)
				w.run(w.config(p))
				if s := w.journal.fold(-1).Slices[key(0)]; !w.crashed || s.Work == nil || s.Work.Attempt != 1 || s.Work.Fingerprint != key(0)+"/" || s.Work.Fence != 1 {
					t.Fatalf("crashed: %t, slice 0: %+v", w.crashed, s)
				}
				w.crash = nil
				if c.before != nil {
					c.before(w)
				}

				began := time.Now()
				resumed := w.config(p)
				resumed.Fence, w.fence = 2, 2
				out := w.run(resumed)
				wantExit(t, out, hindcast.ExitOK)
				if took := time.Since(began); took > c.took+time.Minute {
					t.Errorf("it took %s", took)
				}
				if s := out.State.Slices[key(0)]; s.Attempt != c.tries || s.Work != nil || out.State.Retries != 0 {
					t.Errorf("attempt %d, %d retries, %+v", s.Attempt, out.State.Retries, s.Work)
				}
				starts := 0
				for tag, g := range w.given {
					if g.slice == key(0) {
						starts++
					}
					if g.runs() {
						t.Errorf("%s still runs", tag)
					}
				}
				if starts != c.starts {
					t.Errorf("%d starts: %v", starts, w.given)
				}
			})
		})
	}
}

// The journal has the intent before the start, and the handle after it; with an engine whose work dies with the run neither.
func TestEventsOfWork(t *testing.T) {
	for outlives, want := range map[bool]string{
		true:  "fingerprint, step_started, work_prepared p/r1/2016-01-01/a1 map[], work_started p/r1/2016-01-01/a1 map[process:7], step_finished",
		false: "fingerprint, step_started, step_finished",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := outliving(t)
			w.outlives = outlives
			wantExit(t, w.run(w.config(planOf(1))), hindcast.ExitOK)
			var got []string
			for _, e := range w.journal.events[1:] {
				text := string(e.Type)
				if e.Type == hindcast.EventWorkPrepared || e.Type == hindcast.EventWorkStarted {
					text += fmt.Sprint(" ", e.Handle.Tag, " ", e.Handle.IDs)
				}
				if got = append(got, text); e.Type == hindcast.EventStepFinished {
					break
				}
			}
			if text := strings.Join(got, ", "); text != want {
				t.Errorf("got  %s\nwant %s", text, want)
			}
		})
	}
}

// What is found and not wanted is ended: the run is to stop, or other slices are asked for.
func TestWorkThatIsNotWantedIsEnded(t *testing.T) {
	for name, prepare := range map[string]func(*Config){
		"the budget is spent":         func(c *Config) { c.Plan.Pipeline.Run.Budget.Time, c.Used = time.Hour, time.Hour },
		"stopped at once":             func(c *Config) { c.Stop = asked(StopRequest{By: "test", Now: true}) },
		"stopped":                     func(c *Config) { c.Stop = asked(StopRequest{By: "test"}) },
		"this slice is stopped":       func(c *Config) { c.Stop = asked(StopRequest{By: "test", Slices: []string{key(0)}}) },
		"other slices are asked for":  func(c *Config) { c.Only = []string{key(1)} },
		"its fingerprint is not had":  func(c *Config) { c.Worker = unfingerprinted{c.Worker} },
		"the engine dies in the wait": func(c *Config) { c.Stop = asked(StopRequest{By: "test"}, StopRequest{By: "test"}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := outliving(t)
				w.crash = atFirst("after the start")
				w.run(w.config(planOf(2)))
				w.crash = nil
				c := w.config(planOf(2))
				prepare(&c)
				out := w.run(c)
				if out.ExitCode == hindcast.ExitOK || out.ExitCode == hindcast.ExitUnknown {
					t.Errorf("exit code %d", out.ExitCode)
				}
				if g := w.given["p/r1/"+key(0)+"/a1"]; g == nil || !g.ended {
					t.Errorf("not ended: %+v", g)
				}
			})
		})
	}
}

func asked(requests ...StopRequest) <-chan StopRequest {
	c := make(chan StopRequest, len(requests))
	for _, r := range requests {
		c <- r
	}
	return c
}

// unfingerprinted is a worker whose slices lack an input.
type unfingerprinted struct{ Worker }

func (u unfingerprinted) Fingerprint(context.Context, Try) (string, []int, error) {
	return "", nil, errPermanent
}

// loose is a worker whose work cannot be confirmed dead, as long as it says so.
type loose struct {
	*world
	yes *atomic.Bool
}

type alive struct{ error }

func (a alive) Unwrap() error     { return a.error }
func (a alive) Unconfirmed() bool { return true }

func (l loose) Wait(ctx context.Context, try Try, h hindcast.Handle, progress func(hindcast.Progress)) (Staged, error) {
	if l.yes.Load() {
		return Staged{}, alive{errTransient}
	}
	return l.world.Wait(ctx, try, h, progress)
}

// While nobody knows whether work is dead, no other attempt begins: it is waited for again, and in the end named.
func TestUnconfirmedWorkIsNotStartedAgain(t *testing.T) {
	for heals, exit := range map[bool]int{true: hindcast.ExitOK, false: hindcast.ExitUnknown} {
		synctest.Test(t, func(t *testing.T) {
			w, yes := outliving(t), &atomic.Bool{}
			yes.Store(true)
			c := w.config(planOf(1))
			c.Plan.Pipeline.Run.OnFailure = hindcast.OnFailureContinue
			c.Worker = loose{w, yes}
			if heals {
				time.AfterFunc(500*time.Millisecond, func() { yes.Store(false) })
			}
			out := w.run(c)
			wantExit(t, out, exit)
			if len(w.given) != 1 {
				t.Errorf("%d starts", len(w.given))
			}
			if named := strings.Contains(strings.Join(out.Unconfirmed, "; "), "transform of"); named == heals {
				t.Errorf("not confirmed: %q", out.Unconfirmed)
			}
		})
	}
}

// An attempt that takes too long says how far it was.
func TestATimeoutSaysHowFarItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := outliving(t)
		p := planOf(1)
		p.Pipeline.Run.AttemptTimeout, p.Pipeline.Run.Retries = time.Minute, 0
		out := w.run(w.config(p))
		wantExit(t, out, hindcast.ExitFailed)
		e := out.State.Slices[key(0)].Error
		if e == nil || e.Code != hindcast.ETimeout || strings.Join(e.Detail, "") != "when it was stopped: 25 % of it done, 10 rows read, 2.0 MB written" {
			t.Errorf("%+v", e)
		}
	})
}

func TestAJournalThatFailsStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := outliving(t)
		w.journal.fail = func(e hindcast.Event) error {
			if e.Type == hindcast.EventWorkPrepared {
				return errors.New("no space")
			}
			return nil
		}
		wantExit(t, w.run(w.config(planOf(1))), hindcast.ExitFailed)
		if len(w.given) != 0 {
			t.Errorf("started %v", w.given)
		}
	})
}
