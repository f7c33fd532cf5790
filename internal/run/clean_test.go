package run_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/clean"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
)

var cleanSeed = flag.Uint64("clean.seed", 0, "the seed of TestCleanLeavesWhatIsNeeded")

// After any sequence of runs, undos, holds, stops and cleans, of which some die, the catalog's files are there, the earlier states that `keep`
// names, and all that an undo of the latest run, a resume and the publication of a held run need.
func TestCleanLeavesWhatIsNeeded(t *testing.T) {
	seed := cmp.Or(*cleanSeed, uint64(time.Now().UnixNano()))
	inBoth(t, func(world two) {
		w := &cleaner{looker: newLooker(world), random: rand.New(rand.NewPCG(seed, 0)), earlier: map[place][]string{}, by: map[place]string{}}
		w.Logf("seed %d", seed)
		w.limit = 1e9
		w.did(w.randomRun(w.random, 1))
		for n := 2; n < 11; n++ {
			switch choice := w.random.IntN(10); {
			case choice < 3:
				w.did(w.randomRun(w.random, n))
			case choice == 3:
				w.begins(n, false)
			case choice == 4:
				w.begins(n, true)
			case choice == 5:
				w.goesOn()
			case choice == 6:
				w.regrets()
			default:
				w.cleans()
			}
		}
		w.cleans()
		w.goesOn()
		w.regrets()
		w.Logf("%d deleted, %d killed, %d undone, %d gone on with", w.deleted, w.killed, w.undone, w.resumed)
	})
}

type cleaner struct {
	*looker
	random                           *rand.Rand
	last                             past
	open, held                       string // runs that can be gone on with, if nobody has published over them since
	earlier                          map[place][]string
	by                               map[place]string
	deleted, killed, undone, resumed int
}

func (w *cleaner) did(p past) {
	w.last = p
	w.note()
}

// note takes in where the latest publications keep what they replaced.
func (w *cleaner) note() {
	for at, is := range w.stands() {
		if is.by == "" || is.by == w.by[at] {
			continue
		}
		previous := w.ask(fmt.Sprintf("SELECT coalesce(previous, '') FROM hindcast_status WHERE target = '%s' AND slice = '%s'", at.target, at.month))
		w.earlier[at], w.by[at] = append(w.earlier[at], previous), is.by
	}
}

// begins begins a run that is held, or stopped after its first slice.
func (w *cleaner) begins(n int, hold bool) {
	w.daily = fmt.Sprintf("SELECT day, n * %d AS n FROM sales", n)
	o := quiet()
	before := w.stands()
	if o.Hold = hold; !hold {
		stop := make(chan supervisor.StopRequest, 1)
		o.Stop = func() (<-chan supervisor.StopRequest, func()) { return stop, func() {} }
		o.Each = func(e hindcast.Event) {
			if e.Type == hindcast.EventCommitted {
				select {
				case stop <- supervisor.StopRequest{By: "the test", Now: true}:
				default:
				}
			}
		}
	}
	ended, err := run.Begin(w.Context(), w.pipeline(), o)
	if err != nil {
		w.Fatal(err)
	}
	switch {
	case hold:
		w.held = ended.Plan.Run
	case ended.Outcome.ExitCode == hindcast.ExitStopped:
		w.open = ended.Plan.Run
		w.did(past{ended.Plan.Run, before, w.stands()})
	default: // it was done first
		w.did(past{ended.Plan.Run, before, w.stands()})
	}
}

// goesOn goes on with the run that was stopped, and publishes the one that is held: refused only after another run's publication.
func (w *cleaner) goesOn() {
	for _, id := range []string{w.open, w.held} {
		if id == "" {
			continue
		}
		do := run.Resume
		if id == w.held {
			do = run.Publish
		}
		before := w.stands()
		ended, err := do(w.Context(), w.pipeline(), id, quiet())
		switch e := hindcast.AsError(err); {
		case err != nil && e.Code == hindcast.ERun && strings.Contains(e.Message, "has published"):
		case err != nil:
			w.Fatalf("going on with %s: %v", id, err)
		case ended.Outcome.ExitCode != hindcast.ExitOK:
			w.Fatalf("going on with %s: exit %d, %v %+v", id, ended.Outcome.ExitCode, ended.Outcome.Err, ended.Outcome.State.Failures)
		default:
			w.resumed++
			if id == w.last.run {
				before = w.last.before
			}
			w.did(past{id, before, w.stands()})
		}
	}
	w.open, w.held = "", ""
}

// regrets undoes the latest run, which is to work whatever was cleaned.
func (w *cleaner) regrets() {
	now := w.stands()
	ended, err := run.Undo(w.Context(), w.pipeline(), w.last.run, quiet())
	if err != nil && hindcast.AsError(err).Code == hindcast.ERun { // it has published nothing
		return
	}
	if w.judge(w.last, now, err); err == nil {
		w.undone++
		w.did(past{ended.Plan.Run, now, w.stands()})
	}
}

// cleans cleans, sometimes twice because the first one dies.
func (w *cleaner) cleans() {
	p := w.pipeline()
	p.Retention = hindcast.Retention{Runs: 1 + w.random.IntN(3), Previous: 1 + w.random.IntN(2)}
	before := w.stands()
	if w.random.IntN(2) == 0 {
		left := w.random.IntN(6)
		if err := w.clean(p, &left); err != nil && !errors.Is(err, errDied) {
			w.Fatal(err)
		} else if err != nil {
			w.killed++
			w.whole(p)
		}
	}
	if err := w.clean(p, nil); err != nil {
		w.Fatal(err)
	}
	for at, is := range w.stands() {
		if is != before[at] {
			w.Errorf("a clean has changed %v to %v", at, is)
		}
	}
	w.whole(p)

	s := w.opened(p)
	if found, err := clean.List(w.Context(), s); err != nil || len(found.Items) > 0 {
		w.Errorf("after a clean there is %+v to delete, %v", found, err)
	}
	w.close(s)
}

func (w *cleaner) opened(p *hindcast.Pipeline) *session.Session {
	w.Helper()
	s, err := session.OpenWarehouse(w.Context(), p, io.Discard)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *cleaner) close(s *session.Session) {
	if err := s.Close(); err != nil {
		w.Error(err)
	}
}

// clean deletes; with left it dies in the middle of the deletion after so many.
func (w *cleaner) clean(p *hindcast.Pipeline, left *int) error {
	s := w.opened(p)
	defer w.close(s)
	if left != nil {
		s.Store = dying{s.Store.(*file.Store), left}
		s.Lake = lake.New(s.Store, p.Name)
	}
	found, err := clean.Delete(w.Context(), s, "the test", nil)
	if err == nil {
		w.deleted += found.Objects
	}
	return err
}

// whole looks whether all is there that somebody may need.
func (w *cleaner) whole(p *hindcast.Pipeline) {
	w.Helper()
	s, err := session.OpenLake(p)
	if err != nil {
		w.Fatal(err)
	}
	facts, dims, err := s.Lake.Current(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	all := []*hindcast.Manifest{}
	for _, m := range dims {
		all = append(all, m)
	}
	for _, units := range facts {
		for _, m := range units {
			all = append(all, m)
		}
	}
	for at, list := range w.earlier {
		list = list[max(0, len(list)-p.Retention.Previous):]
		w.earlier[at] = list // what was before may be gone for good
		for _, previous := range list {
			if previous == "" {
				continue
			}
			kept, err := s.Lake.Kept(w.Context(), strings.TrimSuffix(s.Lake.Key(previous), "/")+"/")
			if err != nil || kept.Fault != nil {
				w.Fatalf("%v with keep %+v: %s: %v %v", at, p.Retention, previous, kept.Fault, err)
			}
			all = append(all, kept.Manifest)
		}
	}
	for _, m := range all {
		if err := s.Lake.Verify(w.Context(), m); err != nil {
			w.Error(err)
		}
	}
	for _, run := range []string{w.open, w.held} {
		if run != "" {
			if _, err := s.Frozen(w.Context(), run); err != nil {
				w.Error(err)
			}
		}
	}
}

// dying is a store whose process dies in a deletion: of a folder only part has gone then.
type dying struct {
	*file.Store
	left *int
}

var errDied = errors.New("died")

func (d dying) dies() bool {
	*d.left--
	return *d.left < 0
}

func (d dying) Delete(ctx context.Context, key string) error {
	if d.dies() {
		return errDied
	}
	return d.Store.Delete(ctx, key)
}

func (d dying) DeleteAll(ctx context.Context, prefix string) error {
	if !d.dies() {
		return d.Store.DeleteAll(ctx, prefix)
	}
	if infos, err := d.List(ctx, prefix); err == nil && len(infos) > 0 {
		_ = d.Store.Delete(ctx, infos[len(infos)/2].Key)
	}
	return errDied
}

// Of several cleans one at a time deletes, and none while a run has the lease.
func TestCleansTakeTurns(t *testing.T) {
	t.Parallel()
	p := pipeline(t)
	p.Retention = hindcast.Retention{Runs: 1, Previous: 1}
	open := func() *session.Session {
		s, err := session.OpenWarehouse(t.Context(), p, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	o := quiet()
	for range 3 {
		if _, err := run.Begin(t.Context(), p, o); err != nil {
			t.Fatal(err)
		}
		o.Force = true
	}

	var during error
	o.Planned = func(*plan.Plan, []hindcast.Event, io.Writer) {
		s, err := session.OpenLake(p)
		if err != nil {
			t.Error(err)
			return
		}
		_, during = clean.Delete(t.Context(), s, "the test", nil)
	}
	if _, err := run.Begin(t.Context(), p, o); err != nil {
		t.Fatal(err)
	}
	if e := hindcast.AsError(during); e == nil || e.Code != hindcast.ELeaseHeld {
		t.Errorf("a clean beside a run: %v", during)
	}

	errs := make(chan error, 3)
	for range cap(errs) {
		s := open()
		go func() {
			_, err := clean.Delete(t.Context(), s, "the test", nil)
			errs <- errors.Join(err, s.Close())
		}()
	}
	done := 0
	for range cap(errs) {
		switch err := <-errs; {
		case err == nil:
			done++
		case hindcast.AsError(err).Code != hindcast.ELeaseHeld:
			t.Error(err)
		}
	}
	if done == 0 {
		t.Error("none of the cleans has done anything")
	}
	left, err := filepath.Glob(filepath.Join(p.Lake.Path, "_hindcast", p.Name, "runs", "r*", "previous", "*", "f*"))
	if err != nil || len(left) != 3 {
		t.Errorf("left are %v, %v", left, err)
	}
}
