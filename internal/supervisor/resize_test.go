package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
)

// sizer is a warehouse with a size, in the world of a test. A resize takes ten minutes.
type sizer struct {
	world *world
	grow  error // of Grow
	back  error // of Back
	long  bool  // Back goes on until its context ends

	mu    sync.Mutex
	size  int
	calls []string
	known *hindcast.Sizing // what the last Intend was told
}

const (
	sizeBefore = 4
	sizeLoad   = 8
	resizeTime = 10 * time.Minute
)

func (s *sizer) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *sizer) Intend(_ context.Context, open *hindcast.Sizing) (hindcast.Sizing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = open
	return hindcast.Sizing{Cluster: "dw", From: sizeBefore, To: sizeLoad}, nil
}

func (s *sizer) Grow(ctx context.Context, change hindcast.Sizing) (hindcast.Sizing, error) {
	s.note("grow")
	return change, s.resize(ctx, change, s.grow)
}

func (s *sizer) Back(ctx context.Context, change hindcast.Sizing) (hindcast.Sizing, error) {
	s.note("back")
	if s.long {
		<-ctx.Done()
		return change.Reversed(), ctx.Err()
	}
	return change.Reversed(), s.resize(ctx, change.Reversed(), s.back)
}

// resize checks what holds while the size changes, and changes it.
func (s *sizer) resize(ctx context.Context, change hindcast.Sizing, err error) error {
	if !s.world.journal.onDisk(hindcast.EventResizePrepared, "", 0) {
		s.world.t.Error("promise 1: the warehouse is resized before resize_prepared is on disk")
	}
	select {
	case <-time.After(resizeTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	s.world.mu.Lock()
	for _, method := range []string{"unload", "load", "lookup"} {
		if s.world.active[method] > 0 {
			s.world.t.Errorf("a %s runs while the warehouse is resized", method)
		}
	}
	s.world.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.size = change.To
	}
	return err
}

// sized is a world with a sizer, whose loads take a second and must not begin before the size is there.
func sizedWorld(t *testing.T) (*world, *sizer, Config) {
	w := newWorld(t)
	s := &sizer{world: w, size: sizeBefore}
	w.call = func(method string, _ Try) outcome {
		s.mu.Lock()
		defer s.mu.Unlock()
		if method == "load" && s.size != sizeLoad && s.grow == nil {
			t.Error("a load began before the warehouse had its size")
		}
		return outcome{Takes: time.Second}
	}
	c := w.config(planOf(6))
	c.Resizer = s
	return w, s, c
}

func (w *world) resizes() string {
	var list []string
	for _, e := range w.journal.events {
		if e.Resize != nil {
			list = append(list, fmt.Sprintf("%s %d>%d", e.Type, e.Resize.From, e.Resize.To))
		}
	}
	return strings.Join(list, ", ")
}

const thereAndBack = "resize_prepared 4>8, resized 4>8, resize_prepared 8>4, resized 8>4"

func TestTheWarehouseIsResizedAroundTheLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, c := sizedWorld(t)
		out := w.run(c)
		wantExit(t, out, hindcast.ExitOK)
		if got := w.resizes(); got != thereAndBack || s.size != sizeBefore {
			t.Errorf("journaled %s, and the size is %d", got, s.size)
		}
		if is := out.State.Resized; is.Open || is.Underway || is.Origin != sizeBefore || is.Grown != sizeLoad {
			t.Errorf("the state is %+v", is)
		}
		if last := w.journal.events[len(w.journal.events)-1]; last.Type != hindcast.EventRunFinished {
			t.Errorf("the last event is %s", last.Type)
		}
	})
}

func TestARunWithoutLoadsResizesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, c := sizedWorld(t)
		wantExit(t, w.run(c), hindcast.ExitOK)
		c = w.config(planOf(6))
		s.calls, c.Resizer, c.State = nil, s, nil
		w.journal.events = nil
		wantExit(t, w.run(c), hindcast.ExitOK)
		if len(s.calls) > 0 {
			t.Errorf("calls %v", s.calls)
		}
	})
}

func TestTheWarehouseIsBackWhateverTheEnd(t *testing.T) {
	tests := []struct {
		name  string
		set   func(w *world, s *sizer, c *Config)
		exit  int
		calls string
		size  int
	}{
		{"a slice fails for good", func(w *world, s *sizer, _ *Config) {
			w.call = func(method string, try Try) outcome {
				if method == "load" && try.Item.Slice.Key == key(2) {
					return outcome{Err: errPermanent}
				}
				return outcome{Takes: time.Second}
			}
		}, hindcast.ExitFailed, "grow back", sizeBefore},
		{"stopped in the middle of the loads", func(_ *world, _ *sizer, c *Config) {
			c.Stop = stopAt(resizeTime + 4*time.Second)
		}, hindcast.ExitStopped, "grow back", sizeBefore},
		{"stopped in the middle of the resize", func(_ *world, _ *sizer, c *Config) {
			c.Stop = stopAt(resizeTime / 2)
		}, hindcast.ExitStopped, "grow back", sizeBefore},
		{"stopped before the first load", func(_ *world, _ *sizer, c *Config) {
			c.Stop = stopAt(time.Second / 2)
		}, hindcast.ExitStopped, "", sizeBefore},
		{"it cannot be resized: loads go on", func(_ *world, s *sizer, _ *Config) {
			s.grow = &hindcast.Error{Code: hindcast.EResize, Class: hindcast.ClassPermanent, Message: "no capacity"}
		}, hindcast.ExitOK, "grow back", sizeBefore},
		{"it cannot be resized back", func(_ *world, s *sizer, _ *Config) {
			s.back = &hindcast.Error{Code: hindcast.EResize, Class: hindcast.ClassTransient, Message: "no answer"}
		}, hindcast.ExitUnknown, "grow back", sizeLoad},
		{"nobody waits for the way back", func(_ *world, s *sizer, c *Config) {
			s.long, c.Stop = true, stopAt(time.Hour)
		}, hindcast.ExitUnknown, "grow back", sizeLoad},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, s, c := sizedWorld(t)
				test.set(w, s, &c)
				out := w.run(c)
				wantExit(t, out, test.exit)
				if got := strings.Join(s.calls, " "); got != test.calls || s.size != test.size {
					t.Errorf("calls %q, and the size is %d: %s", got, s.size, w.resizes())
				}
				left := slices.ContainsFunc(out.Unconfirmed, func(what string) bool { return strings.HasPrefix(what, "cluster dw, which had 4 nodes") })
				if left != (test.exit == hindcast.ExitUnknown) {
					t.Errorf("unconfirmed %q", out.Unconfirmed)
				}
			})
		})
	}
}

// A run that died at any event goes on with the size that it journaled, and is back at the end; a successor has nothing to find.
func TestAResumeGivesTheWarehouseItsSizeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, c := sizedWorld(t)
		wantExit(t, w.run(c), hindcast.ExitOK)
		events := w.journal.events
		for n, e := range events {
			if e.Resize == nil {
				continue
			}
			again, s, c := sizedWorld(t)
			again.journal.events, again.journal.durable = slices.Clone(events[:n+1]), n+1
			for _, e := range events[:n+1] {
				if e.Type == hindcast.EventCommitted {
					again.rows[e.Slice] = w.rows[e.Slice]
				}
				for _, m := range []*hindcast.Manifest{e.Manifest} {
					if m != nil && m.Name == "result" {
						again.staged[again.stagedIn(c, m)] = true
					}
				}
			}
			if e.Type == hindcast.EventResized {
				s.size = e.Resize.To
			} else {
				s.size = sizeLoad // the worst
			}
			c.State = again.journal.fold(-1)
			out := again.run(c)
			wantExit(t, out, hindcast.ExitOK)
			if s.size != sizeBefore || out.State.Resized.Open {
				t.Errorf("died after %s: the size is %d, %+v", e.Type, s.size, out.State.Resized)
			}
			if s.known != nil && (s.known.From != sizeBefore || s.known.To != sizeLoad) {
				t.Errorf("died after %s: told %+v", e.Type, s.known)
			}
		}
	})
}

// stagedIn is the key of a result in the world before its run begins.
func (w *world) stagedIn(c Config, m *hindcast.Manifest) string {
	w.outputs = c.Plan.Pipeline.Outputs
	return w.stagedAs(m)
}

// A lease that is lost during the way back is lost for the reason that it has, as at any other time.
func TestALeaseThatIsLostOnTheWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, c := sizedWorld(t)
		lost := make(chan struct{})
		s.long = true
		time.AfterFunc(time.Hour, func() { close(lost) })
		why := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Message: "the lease could not be renewed"}
		c.Lost, c.LostBy = lost, func() error { return why }
		out := w.run(c)
		wantExit(t, out, hindcast.ExitFailed)
		if out.Err == nil || out.Err.Code != hindcast.ELake {
			t.Errorf("it says %v", out.Err)
		}
	})
}

// A zombie leaves the size to its successor.
func TestAZombieResizesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, c := sizedWorld(t)
		lost := make(chan struct{})
		time.AfterFunc(resizeTime+4*time.Second, func() { close(lost) })
		c.Lost = lost
		out := w.run(c)
		wantExit(t, out, hindcast.ExitFailed)
		if got := strings.Join(s.calls, " "); got != "grow" || len(out.Unconfirmed) > 0 {
			t.Errorf("calls %q, unconfirmed %q", got, out.Unconfirmed)
		}
	})
}

// A run whose journal failed cannot resize, and says what it left.
func TestARunWithoutAJournalNamesWhatItLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, c := sizedWorld(t)
		w.journal.fail = func(e hindcast.Event) error {
			if e.Type == hindcast.EventCommitted {
				return errors.New("the lake is gone")
			}
			return nil
		}
		out := Run(t.Context(), c)
		wantExit(t, out, hindcast.ExitUnknown)
		if got := strings.Join(s.calls, " "); got != "grow" || len(out.Unconfirmed) != 1 || s.size != sizeLoad {
			t.Errorf("calls %q, unconfirmed %q", got, out.Unconfirmed)
		}
	})
}

// The only result that waits for its load is stopped while another slice's unload holds the resize up: the run goes on, and resizes for
// the load of that one.
func TestAStopOfWhatWaitsForTheResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, _ := sizedWorld(t)
		w.call = func(method string, try Try) outcome {
			if method == "unload" && try.Item.Slice.Key == key(1) {
				return outcome{Takes: time.Minute}
			}
			return outcome{}
		}
		c := w.config(unloading(planOf(3)))
		c.Resizer = s
		c.Plan.Shares.Unloads = 2
		c.Stop = halting("hindcast stop by ana", false, time.Second, key(0), key(2))

		out := w.run(c)
		wantExit(t, out, hindcast.ExitStopped)
		wantState(t, out, key(0), hindcast.Stopped)
		wantState(t, out, key(1), hindcast.Succeeded)
		if got := w.resizes(); got != thereAndBack || s.size != sizeBefore {
			t.Errorf("journaled %s, and the size is %d", got, s.size)
		}
	})
}
