package attempt

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// recorded are tables that record what they are to show.
type recorded struct {
	calls     []string
	published [][]string // keys of slices; with a - before those of which nothing is kept
	err       error      // of Publish
}

func (r *recorded) Check(context.Context, string, []hindcast.Column) error {
	r.calls = append(r.calls, "check")
	return nil
}

func (r *recorded) Reconcile(context.Context, string, map[string]*hindcast.Manifest) error {
	r.calls = append(r.calls, "reconcile")
	return nil
}

func (r *recorded) Publish(_ context.Context, _ string, now map[string]*hindcast.Manifest) error {
	if r.err != nil {
		return r.err
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if now[key] == nil {
			key = "-" + key
		}
		keys = append(keys, key)
	}
	r.published = append(r.published, keys)
	return nil
}

// A slice that another takes the time of goes from the table when that one comes, and not before, whatever is kept meanwhile.
func TestARecutSliceGoesWhenItsSuccessorComes(t *testing.T) {
	p := frozen()
	p.Pipeline.Results.Keep = hindcast.KeepIceberg
	p.Outputs = make([]plan.Output, 1)
	s := world(t, p)
	tables := &recorded{}
	if err := s.Show(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tables.calls, " "); got != "check reconcile check" {
		t.Errorf("calls: %s", got)
	}

	result := func(key string, in hindcast.Interval) *hindcast.Manifest {
		return &hindcast.Manifest{Target: "totals", Name: "totals", Key: key, Interval: in, Run: "r2", Fence: 1, Attempt: 1, Generation: 1}
	}
	late := month(1)
	late.Start = late.Start.AddDate(0, 0, 14)
	recut := result("2020-01-15", late)
	recut.Files = []hindcast.File{{Path: s.lake.Prefix(recut) + "missing.parquet", Rows: 1, Bytes: 1}}
	for _, is := range []struct {
		m     *hindcast.Manifest
		fails bool
	}{{result("2020-01-01", month(1)), false}, {recut, true}, {result("2020-02-01", month(2)), false}} {
		if err := s.keepOne(t.Context(), is.m); (err != nil) != is.fails {
			t.Fatalf("%s: %v", is.m.Key, err)
		}
	}
	tables.err = errors.New("no room")
	if err := s.keepOne(t.Context(), result("2020-03-01", month(3))); err == nil || !strings.Contains(err.Error(), "committed, and the Iceberg table does not show them yet: ") {
		t.Errorf("%v", err)
	}
	tables.err = nil
	recut.Files = nil
	if err := s.keepOne(t.Context(), recut); err != nil {
		t.Fatal(err)
	}

	want := [][]string{{"2020-01-01"}, {"2020-02-01"}, {"-2020-01-01", "2020-01-15", "2020-03-01"}}
	if !slices.EqualFunc(tables.published, want, slices.Equal[[]string]) {
		t.Errorf("published: %q, want %q", tables.published, want)
	}
}
