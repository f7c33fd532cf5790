//go:build unix

package resize_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/resize"
)

// world is a control plane with a cluster of 4 nodes and a workgroup of 32 RPU.
type world struct {
	*control.Server
	t      *testing.T
	living map[string]string // of each pipeline in the lake, the run that has a process

	mutex  sync.Mutex
	pauses int
	paused func(n int) // called at each pause, from 1
}

// onPause has f called at each pause from here on.
func (w *world) onPause(f func(n int)) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.paused = f
}

func (w *world) pause(ctx context.Context, _ time.Duration) error {
	w.mutex.Lock()
	w.pauses++
	n, f := w.pauses, w.paused
	w.mutex.Unlock()
	if f != nil {
		f(n)
	}
	return ctx.Err()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Server: control.Start(t), t: t, living: map[string]string{}}
	for _, variable := range append(w.Env(), "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null") {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	w.Add(&control.Cluster{Name: "dw", NodeType: "ra3.4xlarge", Nodes: 4, Allowed: []int{2, 3, 4, 5, 6, 8, 16}})
	w.AddWorkgroups(&control.Workgroup{Name: "etl", RPU: 32})
	return w
}

func (w *world) open(rules hindcast.Resize, lake, pipeline, run string) *resize.Resizer {
	w.t.Helper()
	r, err := resize.Open(w.t.Context(), rules, resize.Options{Pipeline: pipeline, Run: run, Lake: lake,
		Living: func(_ context.Context, pipeline string) (string, error) { return w.living[pipeline], nil },
		Pause:  w.pause})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

var (
	cluster   = hindcast.Resize{Cluster: "dw", Nodes: 8}
	workgroup = hindcast.Resize{Workgroup: "etl", RPU: 256}
)

// subject is one of the two kinds of warehouse.
type subject struct {
	name     string
	rules    hindcast.Resize
	ask      string // the action that asks for a size
	from, to int
	look     func(w *world) (size int, settled bool, tags map[string]string)
}

var subjects = []subject{
	{"cluster", cluster, "ResizeCluster", 4, 8, func(w *world) (int, bool, map[string]string) {
		c := w.Cluster("dw")
		return c.Nodes, c.Settled(), c.Tags
	}},
	{"workgroup", workgroup, "UpdateWorkgroup", 32, 256, func(w *world) (int, bool, map[string]string) {
		g := w.Workgroup("etl")
		return g.RPU, g.Settled(), g.Tags
	}},
}

// grow intends and grows, as the supervisor does.
func grow(t *testing.T, r *resize.Resizer) (hindcast.Sizing, error) {
	t.Helper()
	s, err := r.Intend(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Grow(t.Context(), s)
}

func wantSize(t *testing.T, w *world, of subject, size int) {
	t.Helper()
	got, settled, tags := of.look(w)
	if got != size || !settled {
		t.Errorf("the size is %d (settled: %v), want %d", got, settled, size)
	}
	if size == of.from && len(tags) > 0 {
		t.Errorf("it has tags left: %v", tags)
	}
}

func TestThereAndBack(t *testing.T) {
	rules := map[string]func(ask string) func(control.Call) control.Fault{
		"without a fault": func(string) func(control.Call) control.Fault { return nil },
		"the answers are lost": func(ask string) func(control.Call) control.Fault {
			return func(c control.Call) control.Fault {
				if c.Action == ask || strings.Contains(c.Action, "Tag") && c.Nth == 1 {
					return control.Lose
				}
				return control.None
			}
		},
		"requests are lost": func(ask string) func(control.Call) control.Fault {
			return func(c control.Call) control.Fault {
				if c.Nth == 1 && c.Action != "" {
					return control.Refuse
				}
				return control.None
			}
		},
		"every other call is throttled": func(string) func(control.Call) control.Fault {
			return func(c control.Call) control.Fault {
				if c.Nth%2 == 1 {
					return control.Throttle
				}
				return control.None
			}
		},
		"something else changes it": func(ask string) func(control.Call) control.Fault {
			return func(c control.Call) control.Fault {
				if (c.Action == ask || c.Action == "CreateTags") && c.Nth%3 != 0 {
					return control.Busy
				}
				return control.None
			}
		},
	}
	for _, of := range subjects {
		for _, name := range slices.Sorted(maps.Keys(rules)) {
			t.Run(of.name+" "+name, func(t *testing.T) {
				w := newWorld(t)
				w.Rule(rules[name](of.ask))
				r := w.open(of.rules, "s3://lake", "shop", "r1")
				if _, err := r.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				s, err := grow(t, r)
				if err != nil || s.From != of.from || s.To != of.to || s.Shared != nil {
					t.Fatalf("grown as %+v: %v", s, err)
				}
				wantSize(t, w, of, of.to)
				if _, _, tags := of.look(w); len(tags) != 1 {
					t.Errorf("tags %v", tags)
				}

				back, err := r.Back(t.Context(), s)
				if err != nil || back.To != of.from || !back.Back {
					t.Fatalf("back as %+v: %v", back, err)
				}
				wantSize(t, w, of, of.from)
			})
		}
	}
}

func TestWhatIsNotAllowedIsRefusedWithWhatIs(t *testing.T) {
	w := newWorld(t)
	rules := cluster
	rules.Nodes = 7
	_, err := w.open(rules, "s3://lake", "shop", "r1").Check(t.Context())
	e := hindcast.AsError(err)
	if e.Code != hindcast.EResize || !strings.Contains(e.Message, "4 nodes of ra3.4xlarge") || !strings.HasSuffix(e.Next, "2, 3, 4, 5, 6, 8, 16") {
		t.Errorf("got %v, next %q", err, e.Next)
	}
	if asked := w.Calls("ResizeCluster"); len(asked) > 0 {
		t.Errorf("asked for %v", asked)
	}
}

func TestErrorsOfAmazon(t *testing.T) {
	tests := []struct {
		name  string
		rules hindcast.Resize
		fault control.Fault
		code  hindcast.Code
	}{
		{"no such cluster", hindcast.Resize{Cluster: "nowhere", Nodes: 8}, control.None, hindcast.EResize},
		{"no such workgroup", hindcast.Resize{Workgroup: "nowhere", RPU: 8}, control.None, hindcast.EResize},
		{"no right", cluster, control.Forbid, hindcast.EPermission},
		{"no right", workgroup, control.Forbid, hindcast.EPermission},
	}
	for _, test := range tests {
		w := newWorld(t)
		w.Rule(func(control.Call) control.Fault { return test.fault })
		_, err := w.open(test.rules, "s3://lake", "shop", "r1").Check(t.Context())
		if e := hindcast.AsError(err); e.Code != test.code || e.Class != hindcast.ClassPermanent {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestAResizeThatIsRefusedOrFails(t *testing.T) {
	for _, of := range subjects {
		for name, fault := range map[string]control.Fault{"no capacity": control.Full, "it fails": control.Fail, "another number than asked for": control.Short} {
			t.Run(of.name+" "+name, func(t *testing.T) {
				w := newWorld(t)
				w.Rule(control.At(of.ask, fault))
				r := w.open(of.rules, "s3://lake", "shop", "r1")
				s, err := grow(t, r)
				if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EResize {
					t.Fatalf("grown as %+v: %v", s, err)
				}
				if _, err := r.Back(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				wantSize(t, w, of, of.from)
			})
		}
	}
}

func TestTheStatesOfAResizeAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.Hold()
	steps := 0
	w.onPause(func(n int) {
		if n%4 == 0 { // three looks at each state
			steps++
			w.Advance()
		}
	})
	if _, err := grow(t, w.open(cluster, "s3://lake", "shop", "r1")); err != nil {
		t.Fatal(err)
	}
	if steps < 3 {
		t.Errorf("it was taken to be there after %d of 3 states", steps)
	}
	if asked := w.Calls("ResizeCluster"); len(asked) != 1 {
		t.Errorf("it was asked for %d times", len(asked))
	}
}

func TestAResizeThatTakesTooLong(t *testing.T) {
	w := newWorld(t)
	w.Hold()
	rules := cluster
	rules.Timeout = 300 * time.Millisecond
	r := w.open(rules, "s3://lake", "shop", "r1")
	s, err := grow(t, r)
	if e := hindcast.AsError(err); err == nil || e.Code != hindcast.EResize || !strings.Contains(e.Message, "redshift.resize.timeout, 300ms") {
		t.Fatalf("got %v", err)
	}
	for range 4 {
		w.Advance()
	}
	w.onPause(func(int) { w.Advance() })
	if _, err := w.open(cluster, "s3://lake", "shop", "r1").Back(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	wantSize(t, w, subjects[0], 4)
}

// Two runs of two pipelines, in one lake or two: the cluster is resized once there and once back, whoever leaves first.
func TestTwoRunsAtOnce(t *testing.T) {
	for _, of := range subjects {
		for _, lakes := range [][2]string{{"s3://one", "s3://one"}, {"s3://one", "s3://two"}} {
			for _, first := range []int{0, 1} {
				w := newWorld(t)
				w.living = map[string]string{"shop": "r1", "other": "r1"}
				other := of.rules
				if other.Nodes > 0 {
					other.Nodes = 16
				} else {
					other.RPU = 512
				}
				runs := []*resize.Resizer{w.open(of.rules, lakes[0], "shop", "r1"), w.open(other, lakes[1], "other", "r1")}
				var changes []hindcast.Sizing
				for i, r := range runs {
					s, err := grow(t, r)
					if err != nil || s.From != of.from || s.To != of.to || len(s.Shared) != i {
						t.Fatalf("%s: run %d grew as %+v: %v", of.name, i, s, err)
					}
					changes = append(changes, s)
				}

				left, err := runs[first].Back(t.Context(), changes[first])
				if err != nil || len(left.Shared) != 1 || left.To != of.to {
					t.Fatalf("%s: the first to leave left it as %+v: %v", of.name, left, err)
				}
				wantSize(t, w, of, of.to)
				if back, err := runs[1-first].Back(t.Context(), changes[1-first]); err != nil || back.Shared != nil || back.To != of.from {
					t.Fatalf("%s: the last to leave left it as %+v: %v", of.name, back, err)
				}
				wantSize(t, w, of, of.from)
				if asked := w.Calls(of.ask); len(asked) != 2 {
					t.Errorf("%s: it was asked for %d sizes: %v", of.name, len(asked), asked)
				}
			}
		}
	}
}

// A run of another pipeline that died counts no more, in the same lake; the size before is the one that it found.
func TestTheDeadAreNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.living = map[string]string{"shop": "r1", "other": "r1"}
	if _, err := grow(t, w.open(cluster, "s3://lake", "other", "r1")); err != nil {
		t.Fatal(err)
	}
	delete(w.living, "other") // it was killed

	r := w.open(cluster, "s3://lake", "shop", "r1")
	s, err := grow(t, r)
	if err != nil || s.From != 4 || s.To != 8 || s.Shared != nil {
		t.Fatalf("grown as %+v: %v", s, err)
	}
	if _, err := r.Back(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	wantSize(t, w, subjects[0], 4)

	// and of the same pipeline: a new run takes over what a dead one left
	if _, err := grow(t, w.open(cluster, "s3://lake", "shop", "r2")); err != nil {
		t.Fatal(err)
	}
	r = w.open(cluster, "s3://lake", "shop", "r3")
	if s, err = grow(t, r); err != nil || s.From != 4 {
		t.Fatalf("grown as %+v: %v", s, err)
	}
	if _, err := r.Back(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	wantSize(t, w, subjects[0], 4)
}

// Whoever comes while another run is about to resize back waits for that, and then resizes again.
func TestWhoComesWhileAnotherLeaves(t *testing.T) {
	w := newWorld(t)
	one, two := w.open(cluster, "s3://one", "shop", "r1"), w.open(cluster, "s3://two", "other", "r1")
	s, err := grow(t, one)
	if err != nil {
		t.Fatal(err)
	}

	w.Hold()
	done := make(chan error, 1)
	var grown hindcast.Sizing
	w.onPause(func(int) {
		w.onPause(func(int) { w.Advance() })
		go func() { // the first is on its way back by now
			change, err := two.Intend(context.Background(), nil)
			if err == nil {
				grown, err = two.Grow(context.Background(), change)
			}
			done <- err
		}()
	})
	if _, err := one.Back(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if grown.From != 4 || grown.To != 8 {
		t.Errorf("grown as %+v", grown)
	}
	wantSize(t, w, subjects[0], 8)
	if _, err := two.Back(t.Context(), grown); err != nil {
		t.Fatal(err)
	}
	wantSize(t, w, subjects[0], 4)
}

// A cluster that a person has resized during the run stays as it is.
func TestAPersonsSizeStays(t *testing.T) {
	w := newWorld(t)
	r := w.open(cluster, "s3://lake", "shop", "r1")
	s, err := grow(t, r)
	if err != nil {
		t.Fatal(err)
	}
	person := w.open(hindcast.Resize{Cluster: "dw", Nodes: 16}, "s3://lake", "shop", "by-hand")
	if _, err := person.Grow(t.Context(), hindcast.Sizing{Cluster: "dw", From: 8, To: 16}); err != nil {
		t.Fatal(err)
	}
	back, err := r.Back(t.Context(), s)
	if err != nil || back.To != 16 {
		t.Fatalf("back as %+v: %v", back, err)
	}
	if is := w.Cluster("dw"); is.Nodes != 16 || len(is.Tags) != 0 {
		t.Errorf("%d nodes, tags %v", is.Nodes, is.Tags)
	}
}

// What comes late of a change that nobody confirmed is this run's: it is resized back, whatever size it is by then.
func TestBackFromAChangeThatNobodyConfirmed(t *testing.T) {
	for _, of := range subjects {
		t.Run(of.name, func(t *testing.T) {
			w := newWorld(t)
			s, err := grow(t, w.open(of.rules, "s3://lake", "shop", "r1"))
			if err != nil {
				t.Fatal(err)
			}
			s.To, s.Unsure = s.To*2, true // what is known is not what was asked for
			back, err := w.open(of.rules, "s3://lake", "shop", "r1").Back(t.Context(), s)
			if err != nil || back.To != of.from {
				t.Fatalf("back as %+v: %v", back, err)
			}
			wantSize(t, w, of, of.from)

			// and the request is done only after some looks
			first := w.open(of.rules, "s3://lake", "shop", "r1")
			if s, err = first.Intend(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			s.Unsure = true
			looks, late := 0, w.open(of.rules, "s3://lake", "shop", "late")
			w.onPause(func(int) {
				if looks++; looks == 3 {
					w.onPause(nil)
					if _, err := late.Grow(t.Context(), s); err != nil {
						t.Error(err)
					}
				}
			})
			if back, err = first.Back(t.Context(), s); err != nil || back.To != of.from || looks < 3 {
				t.Fatalf("back as %+v after %d looks: %v", back, looks, err)
			}
			wantSize(t, w, of, of.from)
		})
	}
}

// What a person has resized for good after a run died is the size before the next one; what a dead run may have done is not.
func TestASizeThatNoRunGaveIsTheOneBefore(t *testing.T) {
	for size, from := range map[int]int{16: 16, 8: 4, 4: 4} {
		w := newWorld(t)
		if _, err := grow(t, w.open(cluster, "s3://lake", "shop", "dead")); err != nil {
			t.Fatal(err)
		}
		is := w.Cluster("dw")
		w.Add(&control.Cluster{Name: "dw", NodeType: is.NodeType, Nodes: size, Allowed: is.Allowed, Tags: is.Tags})

		s, err := w.open(hindcast.Resize{Cluster: "dw", Nodes: 6}, "s3://lake", "shop", "r1").Intend(t.Context(), nil)
		if err != nil || s.From != from || s.To != 6 {
			t.Errorf("at %d nodes: %+v: %v", size, s, err)
		}
	}
}

// A run that died while it resized, there or back, may have given any size: one that it had asked for before, and whose answer was lost.
func TestASizeThatADeadRunMayHaveGivenIsNotTheOneBefore(t *testing.T) {
	for state, from := range map[string]int{"": 16, " - growing": 4, " - back now": 4} {
		w := newWorld(t)
		if _, err := grow(t, w.open(cluster, "s3://lake", "shop", "dead")); err != nil {
			t.Fatal(err)
		}
		is := w.Cluster("dw")
		for tag := range is.Tags {
			is.Tags[tag] = "resized from 4 to 8" + state
		}
		w.Add(&control.Cluster{Name: "dw", NodeType: is.NodeType, Nodes: 16, Allowed: is.Allowed, Tags: is.Tags})

		r := w.open(hindcast.Resize{Cluster: "dw", Nodes: 6}, "s3://lake", "shop", "r1")
		s, err := grow(t, r)
		if err != nil || s.From != from || s.To != 6 {
			t.Fatalf("after %q: %+v: %v", state, s, err)
		}
		back, err := r.Back(t.Context(), s)
		if is := w.Cluster("dw"); err != nil || back.To != from || is.Nodes != from || len(is.Tags) != 0 {
			t.Errorf("after %q: back at %d nodes, tags %v: %v", state, is.Nodes, is.Tags, err)
		}
	}
}

// A tag that another change keeps from being deleted is deleted after it.
func TestTheTagIsTakenOffWhenThatIsPossible(t *testing.T) {
	w := newWorld(t)
	r := w.open(cluster, "s3://lake", "shop", "r1")
	s, err := grow(t, r)
	if err != nil {
		t.Fatal(err)
	}
	w.Rule(func(c control.Call) control.Fault {
		if c.Action == "DeleteTags" && c.Nth < 4 {
			return control.Busy
		}
		return control.None
	})
	if _, err := r.Back(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	wantSize(t, w, subjects[0], 4)
}

// Whoever waits for another that never ends says for whom, and what to do about it.
func TestWhoIsWaitedForIsNamed(t *testing.T) {
	w := newWorld(t)
	dead := w.open(cluster, "s3://one", "shop", "r1")
	s, err := grow(t, dead)
	if err != nil {
		t.Fatal(err)
	}
	w.Rule(func(c control.Call) control.Fault {
		if c.Action == "ResizeCluster" {
			return control.Forbid
		}
		return control.None
	})
	if _, err := dead.Back(t.Context(), s); err == nil {
		t.Fatal("it is back")
	}

	rules := cluster
	rules.Timeout = 300 * time.Millisecond
	_, err = grow(t, w.open(rules, "s3://two", "other", "r2"))
	e := hindcast.AsError(err)
	if err == nil || e.Code != hindcast.EResize || !strings.Contains(e.Message, "it waited for run r1 of pipeline shop to resize it back") ||
		!strings.Contains(e.Next, "hindcast resize --back") || !strings.Contains(e.Next, ":shop:r1") {
		t.Errorf("got %v, next %q", err, e)
	}
}

func TestLook(t *testing.T) {
	w := newWorld(t)
	if _, err := grow(t, w.open(cluster, "s3://lake", "shop", "nightly-2026-05-03")); err != nil {
		t.Fatal(err)
	}
	is, err := w.open(cluster, "s3://lake", "shop", "").Look(t.Context())
	if err != nil || is.From != 8 || is.Kind != "ra3.4xlarge" || is.State != "available" || !slices.Equal(is.Runs, []string{"run nightly-2026-05-03 of pipeline shop"}) {
		t.Errorf("got %+v: %v", is, err)
	}
}

// What a plan says is what a run that began now would do, whoever died in the middle of a resize.
func TestOutlook(t *testing.T) {
	w := newWorld(t)
	look := func(rules hindcast.Resize) resize.Outlook {
		t.Helper()
		is, err := w.open(rules, "s3://lake", "shop", "").Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	want := func(is resize.Outlook, from, to, now int, shared ...string) {
		t.Helper()
		if is.From != from || is.To != to || is.Now != now || !slices.Equal(is.Shared, shared) || is.Kind != "ra3.4xlarge" {
			t.Errorf("%+v, want from %d to %d, now %d, for %q", is, from, to, now, shared)
		}
	}
	want(look(cluster), 4, 8, 4)

	dead := w.open(cluster, "s3://lake", "shop", "r1")
	if _, err := grow(t, dead); err != nil {
		t.Fatal(err)
	}
	want(look(cluster), 4, 8, 8)
	larger := cluster
	larger.Nodes = 16
	want(look(larger), 4, 16, 8)

	if _, err := grow(t, w.open(cluster, "s3://two", "other", "r7")); err != nil {
		t.Fatal(err)
	}
	want(look(larger), 4, 8, 8, "run r7 of pipeline other")
}
