package plan_test

import (
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

func TestDrifted(t *testing.T) {
	was := hindcast.Mark{Inserted: 100, Updated: 10, Deleted: 5, Stored: "1"}
	for name, c := range map[string]struct {
		is    *hindcast.Mark
		whole bool
		want  string
	}{
		"no counters":        {nil, true, ""},
		"nothing":            {&hindcast.Mark{Inserted: 100, Updated: 10, Deleted: 5, Stored: "1"}, true, ""},
		"updated":            {&hindcast.Mark{Inserted: 100, Updated: 11, Deleted: 5, Stored: "1"}, false, "rows were updated"},
		"deleted":            {&hindcast.Mark{Inserted: 100, Updated: 10, Deleted: 6, Stored: "1"}, false, "rows were deleted"},
		"rows of other time": {&hindcast.Mark{Inserted: 101, Updated: 10, Deleted: 5, Stored: "1"}, false, ""},
		"added":              {&hindcast.Mark{Inserted: 101, Updated: 10, Deleted: 5, Stored: "1"}, true, "rows were added"},
		"written again":      {&hindcast.Mark{Inserted: 200, Updated: 10, Deleted: 5, Stored: "2"}, false, "all its rows were written again"},
		"counters at zero":   {&hindcast.Mark{Inserted: 3, Stored: "1"}, true, ""},
	} {
		if got := plan.Drifted(&was, c.is, c.whole); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := plan.Drifted(nil, &was, true); got != "" {
		t.Errorf("a generation without a mark: %q", got)
	}
}
