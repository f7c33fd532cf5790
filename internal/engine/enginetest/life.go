package enginetest

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

func capacity(t *testing.T, w *World) {
	c := w.Engine.Capacity()
	if c.Slots < 1 || c.Cap == "" || c.Threads < 1 || c.Memory < 1 {
		t.Errorf("%+v", c)
	}
	if p := w.Engine.Properties(); p.Name == "" || strings.Count(p.Version, ".") < 2 {
		t.Errorf("%+v", p)
	}
}

func twice(t *testing.T, w *World) {
	work := w.work(t, "", perDay, dayTotal...)
	a, b := w.start(t, work), w.start(t, work)
	if !reflect.DeepEqual(a, b) || a.Tag != work.Tag {
		t.Errorf("%+v, %+v", a, b)
	}
	if _, err := w.Engine.Wait(t.Context(), a, work.Dir, nil); err != nil {
		t.Error(err)
	}
}

// once: where work outlives its starter its end is given again: whoever received it may have died before it was journaled.
func once(t *testing.T, w *World) {
	work := w.work(t, "", perDay, dayTotal...)
	h := w.start(t, work)
	first, err := w.Engine.Wait(t.Context(), h, work.Dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Engine.Wait(t.Context(), hindcast.Handle{Tag: h.Tag}, work.Dir, nil)
	if !w.Engine.Properties().Outlives {
		wantError(t, "a second time", err, hindcast.EWorker, hindcast.ClassTransient)
		return
	}
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("%+v, %v, want %+v", again, err, first)
	}
}

// until waits for the work until it has made some progress.
func (w *World) until(t *testing.T, e engine.Engine, h hindcast.Handle, dir string) hindcast.Progress {
	t.Helper()
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var last hindcast.Progress
	_, err := e.Wait(ctx, h, dir, func(p hindcast.Progress) {
		last = p
		enough()
	})
	wantError(t, "waiting no longer", err, hindcast.EStopped, hindcast.ClassCanceled)
	return last
}

func progress(t *testing.T, w *World) {
	work := w.work(t, "", w.Slow, day)
	h := w.start(t, work)
	for range 2 { // the end of a wait is not the end of the work
		if p := w.until(t, w.Engine, h, work.Dir); p.Done < 0 || p.Done > 1 || p.Rows < 0 || p.Bytes < 0 {
			t.Errorf("%+v", p)
		}
	}
	for w.Counts {
		p := w.until(t, w.Engine, h, work.Dir)
		if p.TasksDone > p.Tasks {
			t.Errorf("%+v", p)
		}
		if p.Stage > 0 && p.TasksDone > 0 && p.Rows > 0 {
			break
		}
	}
	if err := w.Engine.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
}

func stop(t *testing.T, w *World) {
	work := w.work(t, "", w.Slow, day)
	h := w.start(t, work)
	w.until(t, w.Engine, h, work.Dir)
	for range 2 {
		if err := w.Engine.Stop(t.Context(), h); err != nil {
			t.Error(err)
		}
	}

	if err := w.Engine.Stop(t.Context(), hindcast.Handle{Tag: "pipeline/r1/never started/a1"}); err != nil {
		t.Error(err)
	}
	_, err := w.Engine.Wait(t.Context(), h, work.Dir, nil)
	wantError(t, "after it was stopped", err, hindcast.EWorker, hindcast.ClassTransient)
}

func afterStop(t *testing.T, w *World) {
	stop(t, w)
	if result := w.mustRun(t, w.work(t, "after", perDay, dayTotal...)); result.Rows != 2 {
		t.Errorf("%+v", result)
	}
}

func closed(t *testing.T, w *World) {
	under, waiting := w.work(t, "under way", w.Slow, day), w.work(t, "waiting", w.Slow, day)
	h := w.start(t, under)
	w.until(t, w.Engine, h, under.Dir)
	w.start(t, waiting)
	for range 2 {
		if err := w.Engine.Close(); err != nil {
			t.Error(err)
		}
	}

	w.wantAlive(t, w.Engine, "")
	if _, err := w.Engine.Wait(t.Context(), h, under.Dir, nil); err == nil {
		t.Error("it ended well")
	}

	late, err := w.Engine.Start(t.Context(), w.work(t, "late", perDay, dayTotal...))
	if err == nil {
		_, err = w.Engine.Wait(t.Context(), late, w.Dir, nil)
	}
	if err == nil {
		t.Error("an engine that is closed works on")
	}
}

func (w *World) wantAlive(t *testing.T, e engine.Engine, prefix string, want ...hindcast.Handle) {
	t.Helper()
	got, err := e.Alive(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("alive below %s: %+v, want %+v", prefix, got, want)
	}
}

func alive(t *testing.T, w *World) {
	work := w.work(t, "", w.Slow, day)
	w.wantAlive(t, w.Engine, "pipeline/")
	h := w.start(t, work)
	w.wantAlive(t, w.Engine, "pipeline/", h)
	w.wantAlive(t, w.Engine, work.Tag, h)
	w.wantAlive(t, w.Engine, "other/")
	if err := w.Engine.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
	w.wantAlive(t, w.Engine, "pipeline/")

	done := w.work(t, "done", perDay, dayTotal...)
	w.mustRun(t, done)
	w.wantAlive(t, w.Engine, done.Tag)
}

func death(t *testing.T, w *World) {
	work := w.work(t, "", w.Slow, day)
	h := w.start(t, work)
	w.until(t, w.Engine, h, work.Dir)
	w.Kill(t)
	_, err := w.Engine.Wait(t.Context(), h, work.Dir, nil)
	wantError(t, "after the kill", err, hindcast.EWorker, hindcast.ClassTransient)
	if result := w.mustRun(t, w.work(t, "after", perDay, dayTotal...)); result.Rows != 2 {
		t.Errorf("%+v", result)
	}
	if _, err := w.Binder.Bind(t.Context(), work.Query, nil); err != nil {
		t.Error(err)
	}
}

func hungry(t *testing.T, w *World) {
	work := w.work(t, "", w.Hungry, day, hindcast.Column{Name: "n", Type: "BIGINT"})
	work.Limits.Memory = 64 << 20
	_, err := w.run(t, work)
	wantError(t, "with little memory", err, hindcast.EMemory, hindcast.ClassResource)
}

// orphan: work either dies with the process that started it, or is found by its tag, can be waited for and stopped.
func orphan(t *testing.T, w *World) {
	work := w.work(t, "", w.Slow, day)
	later := w.Orphan(t, work)
	h := hindcast.Handle{Tag: work.Tag}
	if later.Properties().Outlives {
		found, err := later.Alive(t.Context(), "pipeline/r1/")
		if err != nil || len(found) != 1 || found[0].Tag != work.Tag {
			t.Fatalf("alive: %+v, %v", found, err)
		}
		w.until(t, later, h, work.Dir)
		h = found[0]
	} else {
		w.wantAlive(t, later, "")
	}

	if err := later.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
	w.wantAlive(t, later, "")
	_, err := later.Wait(t.Context(), h, work.Dir, nil)
	wantError(t, "confirmed dead", err, hindcast.EWorker, hindcast.ClassTransient)
}
