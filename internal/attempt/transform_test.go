package attempt

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// cluster is an engine whose work outlives whoever started it.
type cluster struct {
	engine.Engine
	alive   []string          // tags
	done    map[string]string // tag → the folder that its result is in
	stopped []string
	immune  string // a tag that cannot be stopped
}

func (c *cluster) Properties() engine.Properties {
	return engine.Properties{Name: "cluster", Outlives: true}
}

func (c *cluster) Alive(_ context.Context, prefix string) (handles []hindcast.Handle, err error) {
	for _, tag := range c.alive {
		if strings.HasPrefix(tag, prefix) {
			handles = append(handles, hindcast.Handle{Tag: tag})
		}
	}
	return handles, nil
}

func (c *cluster) Stop(_ context.Context, h hindcast.Handle) error {
	if h.Tag == c.immune {
		return errors.New("the master does not answer")
	}
	c.stopped = append(c.stopped, h.Tag)
	return nil
}

func (c *cluster) Wait(_ context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	progress(hindcast.Progress{Done: 1})
	if c.done[h.Tag] != dir {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "nothing is known of " + h.Tag}
	}
	return engine.Result{Rows: 3, Columns: []hindcast.Column{{Name: "month", Type: "DATE"}}, Files: []hindcast.File{{Path: dir + "/part-0.parquet", Rows: 3}}}, nil
}

// What an earlier process gave to the engine is taken as that process would have: from the prefix of its fence and attempt.
func TestWhatAnEarlierProcessStartedIsTaken(t *testing.T) {
	p := frozen()
	s := world(t, p)
	earlier := supervisor.Try{Item: p.Items[1], Run: "r2", Attempt: 4, Fence: 7}
	h := hindcast.Handle{Tag: s.Tag(earlier)}
	e := &cluster{done: map[string]string{h.Tag: s.lake.Absolute(strings.TrimSuffix(s.lake.StagingPrefix("r2", slice(2).Key, 7, 4), "/"))}}
	s.engine = e
	if !s.Outlives() {
		t.Error("it outlives this process")
	}

	told := 0
	staged, err := s.Wait(t.Context(), earlier, h, func(hindcast.Progress) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	if m := staged.Manifest; m.Fence != 7 || m.Attempt != 4 || m.Sums.Rows != 3 || m.Key != slice(2).Key || filepath.Base(m.Files[0].Path) != "part-0.parquet" || told != 1 {
		t.Errorf("%+v, progress %d times", m, told)
	}

	_, err = s.Wait(t.Context(), supervisor.Try{Item: p.Items[1], Attempt: 5, Fence: 7}, hindcast.Handle{Tag: "gone"}, func(hindcast.Progress) {})
	if got := hindcast.AsError(err); got == nil || got.Code != hindcast.EWorker || !slices.Equal(e.stopped, []string{"gone"}) {
		t.Errorf("work that is gone: %v, stopped %q", err, e.stopped)
	}
	e.immune = "gone"
	_, err = s.Wait(t.Context(), supervisor.Try{Item: p.Items[1], Attempt: 5, Fence: 7}, hindcast.Handle{Tag: "gone"}, func(hindcast.Progress) {})
	var u supervisor.Unconfirmed
	if !errors.As(err, &u) || !u.Unconfirmed() || hindcast.AsError(err).Class != hindcast.ClassTransient {
		t.Errorf("work that may run: %v", err)
	}
}

// A run ends what others left of its pipeline, and not what it waits for, nor what is another lake's.
func TestWhatNobodyWaitsForIsEnded(t *testing.T) {
	p := frozen()
	s := world(t, p)
	tag := func(run string) string { return s.lake.Tags() + run + "/2020-01-01/a1" }
	e := &cluster{alive: []string{tag("r1"), tag("r2"), "p-00000000/r1/2020-01-01/a1", tag("r2") + "1"}}
	s.engine = e
	state := &hindcast.RunState{Slices: map[string]*hindcast.SliceState{"2020-01-01": {Work: &hindcast.OpenWork{Handle: hindcast.Handle{Tag: tag("r2")}}}, "2020-02-01": {}}}
	if err := s.EndOthers(t.Context(), state); err != nil || !slices.Equal(e.stopped, []string{tag("r1"), tag("r2") + "1"}) {
		t.Errorf("stopped %q, %v", e.stopped, err)
	}
	e.stopped = nil
	if err := s.EndOthers(t.Context(), nil); err != nil || len(e.stopped) != 3 {
		t.Errorf("a new run stopped %q, %v", e.stopped, err)
	}
	e.immune = tag("r1")
	if err := s.EndOthers(t.Context(), state); err == nil || !strings.Contains(err.Error(), tag("r1")) {
		t.Errorf("what may run is not named: %v", err)
	}
}
