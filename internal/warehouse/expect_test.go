package warehouse_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

func month(m time.Month) hindcast.Interval {
	return hindcast.Interval{Start: time.Date(2020, m, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, m+1, 1, 0, 0, 0, 0, time.UTC)}
}

// An expectation is compared with the status rows and the sums that stand, and only what it names is asked for.
func TestMet(t *testing.T) {
	row := func(key string, in hindcast.Interval, publication string) hindcast.Committed {
		return hindcast.Committed{Pipeline: "p", Slice: hindcast.Slice{Key: key, Interval: in}, Publication: publication, Fingerprint: "f"}
	}
	january, r1 := row("january", month(1), "r1"), &warehouse.Origin{Publication: "r1", Fingerprint: "f"}
	theirs := january
	theirs.Pipeline, theirs.Fingerprint = "q", "g"
	three := &hindcast.Sums{Rows: 3, Totals: map[string]string{"n": "6"}}
	for what, c := range map[string]struct {
		expect warehouse.Expectation
		rows   []hindcast.Committed
		sums   hindcast.Sums
		says   string // "" if it is met
	}{
		"anything":          {rows: []hindcast.Committed{january}},
		"the same":          {expect: warehouse.Expectation{From: r1}, rows: []hindcast.Committed{january}},
		"none":              {expect: warehouse.Expectation{From: &warehouse.Origin{}}},
		"one instead":       {expect: warehouse.Expectation{From: &warehouse.Origin{}}, rows: []hindcast.Committed{january}, says: "run r1 has committed it since"},
		"another":           {expect: warehouse.Expectation{From: r1}, rows: []hindcast.Committed{row("january", month(1), "r2")}, says: "run r2 has committed it since"},
		"another pipeline":  {expect: warehouse.Expectation{From: r1}, rows: []hindcast.Committed{theirs}, says: "run r1 of pipeline q has committed it since"},
		"gone":              {expect: warehouse.Expectation{From: r1}, says: "run r1 should have committed it, and it has not"},
		"another interval":  {expect: warehouse.Expectation{From: r1}, rows: []hindcast.Committed{row("both", hindcast.Interval{Start: month(1).Start, End: month(2).End}, "r1")}, says: "as a part of slice both"},
		"two":               {expect: warehouse.Expectation{From: r1}, rows: []hindcast.Committed{january, row("x", month(1), "r3")}, says: "run r3"},
		"the same rows":     {expect: warehouse.Expectation{Sums: three}, sums: *three},
		"other rows":        {expect: warehouse.Expectation{Sums: three}, sums: hindcast.Sums{Rows: 2}, says: "edited"},
		"other values":      {expect: warehouse.Expectation{Sums: three}, sums: hindcast.Sums{Rows: 3, Totals: map[string]string{"n": "7"}}, says: "edited"},
		"both, one is not":  {expect: warehouse.Expectation{From: r1, Sums: three}, rows: []hindcast.Committed{january}, says: "edited"},
		"both, rows are it": {expect: warehouse.Expectation{From: r1, Sums: three}, sums: *three, says: "it has not"},
	} {
		r := warehouse.Replacement{Target: hindcast.Target{Table: "result"}, Slice: hindcast.Slice{Key: "january", Interval: month(1)}, Expect: c.expect}
		asked := false
		err := r.Met("p", c.rows, func([]hindcast.Column) (hindcast.Sums, error) { asked = true; return c.sums, nil })
		if asked && c.expect.Sums == nil {
			t.Errorf("%s: the rows are summed without need", what)
		}
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EChanged || !strings.Contains(e.Message, "slice january of result") || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Two publications that differ in which columns they sum are compared over the columns that the expectation names.
func TestMetSumsTheColumnsThatItNames(t *testing.T) {
	kept, staged := []hindcast.Column{{Name: "a"}, {Name: "b"}}, []hindcast.Column{{Name: "a"}}
	for _, want := range [][]hindcast.Column{kept, nil} {
		r := warehouse.Replacement{Columns: staged, Expect: warehouse.Expectation{Sums: &hindcast.Sums{}, Columns: want}}
		var asked []hindcast.Column
		if err := r.Met("p", nil, func(columns []hindcast.Column) (hindcast.Sums, error) { asked = columns; return hindcast.Sums{}, nil }); err != nil {
			t.Error(err)
		}
		if len(asked) != max(len(want), 1) {
			t.Errorf("summed over %v", asked)
		}
	}
}

// All that changed is in one error, and what is said of several is said once, whatever their targets are called.
func TestEachNamesAllThatChanged(t *testing.T) {
	edited := &hindcast.Sums{Rows: 3}
	loads := []*warehouse.Replacement{
		{Target: hindcast.Target{Table: `"a: b"`}, Slice: hindcast.Slice{Key: "2020-01-01", Interval: month(1)}, Expect: warehouse.Expectation{Sums: edited}},
		{Target: hindcast.Target{Table: "c"}, Slice: hindcast.Slice{Key: "2020-01-01", Interval: month(1)}, Expect: warehouse.Expectation{Sums: edited}},
		{Target: hindcast.Target{Table: "c"}, Slice: hindcast.Slice{Key: "2020-02-01", Interval: month(2)}, Expect: warehouse.Expectation{Sums: edited}},
		{Target: hindcast.Target{Table: "c"}, Slice: hindcast.Slice{Key: "2020-03-01", Interval: month(3)}},
	}
	var current *warehouse.Replacement
	err := warehouse.Each(t.Context(), loads, &current, func(r *warehouse.Replacement, _ context.Context) error {
		return r.Met("p", nil, func([]hindcast.Column) (hindcast.Sums, error) { return hindcast.Sums{}, nil })
	})
	e := hindcast.AsError(err)
	if e == nil || e.Code != hindcast.EChanged || !slices.Equal(e.Slices, []string{"2020-01-01", "2020-02-01"}) || len(e.Detail) > 0 ||
		!strings.HasPrefix(e.Message, `slice 2020-01-01 of "a: b" is not what was to be replaced: `) || !strings.HasSuffix(e.Message, ", and 1 more") {
		t.Errorf("%+v", e)
	}
}
