package attempt

import (
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// both is frozen with two outputs, of which the slice of February is run for the second alone.
func both() *plan.Plan {
	p := frozen()
	p.Pipeline.Outputs = []hindcast.Output{{Name: "daily", Target: hindcast.Target{Table: "totals", Time: "month"}}, {Name: "per team", Target: hindcast.Target{Table: "teams", Time: "month"}}}
	p.Outputs = make([]plan.Output, 2)
	for i := range p.Items {
		p.Items[i].Parts = []hindcast.Parts{{SQL: "1"}, {SQL: "2"}}
		p.Items[i].Outputs = []plan.Outcome{{Reason: hindcast.ReasonNew}, {Reason: hindcast.ReasonNew}}
	}
	p.Items[1].Outputs[0].Reason = hindcast.ReasonUpToDate
	return p
}

// The only output has no name: what it is called by, and where it lies, is what it was before there could be several.
func TestKeysOfOutputs(t *testing.T) {
	for what, c := range map[string]struct {
		plan     *plan.Plan
		output   int
		tag, key string
	}{
		"the only one":   {frozen(), 0, "r2/2020-02-01/a4", ""},
		"one of several": {both(), 0, "r2/2020-02-01/a4/daily", "daily/"},
		"another":        {both(), 1, "r2/2020-02-01/a4/per team", "per%20team/"},
	} {
		s := world(t, c.plan)
		try := supervisor.Try{Item: c.plan.Items[1], Attempt: 4, Fence: 7, Output: c.output}
		if got := strings.TrimPrefix(s.Tag(try), s.lake.Tags()); got != c.tag {
			t.Errorf("%s: tagged %q", what, got)
		}
		if got := s.staging(try); got != "_hindcast/p/runs/r2/staging/2020-02-01/f7-a4/"+c.key {
			t.Errorf("%s: staged in %q", what, got)
		}
		p := &warehouse.Publication{Replacements: []warehouse.Replacement{{Target: s.output(c.output).Target, Slice: slice(2), Attempt: 4}}}
		if err := s.keepPrevious(t.Context(), p); err != nil || p.Replacements[0].PreviousAs+"/" != "_hindcast/p/runs/r2/previous/2020-02-01/f1-a4/"+c.key {
			t.Errorf("%s: kept in %q, %v", what, p.Replacements[0].PreviousAs, err)
		}
	}
}

// An output that is due has those made that it reads, and those that they read.
func TestOutputsThatAreRead(t *testing.T) {
	p := both()
	p.Pipeline.Outputs = append(p.Pipeline.Outputs, hindcast.Output{Name: "alone"}, hindcast.Output{Name: "last", Reads: []string{"per team"}})
	p.Pipeline.Outputs[1].Reads = []string{"daily"}
	s := world(t, p)
	for _, c := range []struct{ due, want []int }{{nil, nil}, {[]int{0}, []int{0}}, {[]int{2}, []int{2}}, {[]int{1}, []int{0, 1}}, {[]int{0, 2, 3}, []int{0, 1, 2, 3}}} {
		if got := s.withRead(slices.Clone(c.due)); !slices.Equal(got, c.want) {
			t.Errorf("due are %v, made %v, want %v", c.due, got, c.want)
		}
	}
}

// A slice's fingerprint is of the outputs that it is run for, and its status rows are theirs.
func TestFingerprintsOfOutputs(t *testing.T) {
	p := both()
	due := func(item plan.Item, rows ...hindcast.Committed) (string, []int) {
		t.Helper()
		print, due, err := world(t, p, rows...).Fingerprint(t.Context(), supervisor.Try{Item: item})
		if err != nil {
			t.Fatal(err)
		}
		return print, due
	}
	prints := func(item plan.Item) (list []string) {
		made, err := world(t, p).made(item)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made {
			list = append(list, m.print)
		}
		return list
	}

	january, february := p.Items[0], p.Items[1]
	of := prints(january)
	together, all := due(january)
	if len(of) != 2 || together != plan.Together(of) || !slices.Equal(all, []int{0, 1}) {
		t.Fatalf("%s of %q; due are %v", together, of, all)
	}
	if print, rest := due(january, row("totals", slice(1), of[0])); print != together || !slices.Equal(rest, []int{1}) {
		t.Errorf("where one is committed: %s, due are %v", print, rest)
	}
	if _, rest := due(january, row("totals", slice(1), of[0]), row("teams", slice(1), of[1])); len(rest) != 0 {
		t.Errorf("where both are committed, due are %v", rest)
	}
	if print, rest := due(february); print != prints(february)[0] || !slices.Equal(rest, []int{1}) {
		t.Errorf("of the one that it is run for: %s, due are %v", print, rest)
	}

	for what, c := range map[string]struct {
		rows  []hindcast.Committed
		found int
	}{
		"both":       {[]hindcast.Committed{row("teams", slice(1), of[1]), row("totals", slice(1), of[0])}, 2},
		"one":        {[]hindcast.Committed{row("totals", slice(1), of[0])}, 0},
		"other rows": {[]hindcast.Committed{row("totals", slice(1), of[0]), row("teams", slice(1), of[0])}, 0},
	} {
		found, err := world(t, p, c.rows...).Lookup(t.Context(), supervisor.Try{Item: january, Fingerprint: together})
		if err != nil || len(found) != c.found || c.found == 2 && found[0].Target != "totals" {
			t.Errorf("%s: %+v, %v", what, found, err)
		}
	}
}
