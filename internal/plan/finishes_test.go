package plan

import (
	"testing"

	"github.com/hindcast/hindcast"
)

// A resume is as good as a new run where it does all that a plan would do, and makes the same of it.
func TestFinishes(t *testing.T) {
	item := func(key, sql string, reason hindcast.Reason) Item {
		return Item{Slice: hindcast.Slice{Key: key}, Reason: reason, Parts: []hindcast.Parts{{SQL: sql, Params: "p", Definition: "d"}}}
	}
	two := []Item{item("a", "s", hindcast.ReasonNew), item("b", "s", hindcast.ReasonNew)}
	done := func(keys ...string) *hindcast.RunState {
		st := &hindcast.RunState{}
		for _, key := range keys {
			st.Slice(key).State = hindcast.Succeeded
		}
		return st
	}

	for name, c := range map[string]struct {
		frozen Plan
		st     *hindcast.RunState
		now    []Item
		want   bool
	}{
		"nothing is done":         {Plan{Items: two}, done(), two, true},
		"one is done":             {Plan{Items: two}, done("a"), two[1:], true},
		"all is done":             {Plan{Items: two}, done("a", "b"), nil, false},
		"one is to be done again": {Plan{Items: two}, done("a"), two, false},
		"the SQL is another":      {Plan{Items: two}, done("a"), []Item{item("b", "t", hindcast.ReasonNew)}, false},
		"one is not the run's":    {Plan{Items: two[:1]}, done(), two, false},
		"one is up to date":       {Plan{Items: two}, done(), []Item{two[0], item("b", "s", hindcast.ReasonUpToDate)}, true},
		"a forced run":            {Plan{Items: []Item{item("a", "s", hindcast.ReasonForced)}}, done(), []Item{item("a", "s", hindcast.ReasonUpToDate)}, true},
		"it only unloads":         {Plan{Items: two, UnloadOnly: true}, done(), two, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Finishes(&c.frozen, c.st, &Plan{Items: c.now}); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
