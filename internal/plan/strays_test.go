package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// A table reaches as far as its name says, files as far as the slices that read them.
func TestReaches(t *testing.T) {
	ten := days(10)
	for name, c := range map[string]struct {
		fact  hindcast.Fact
		every hindcast.Period
		to    string
		want  map[string][2]time.Time // of some sources
		n     int
	}{
		"a table":                    {hindcast.Fact{Table: "f"}, months(1), "2017-01-01", map[string][2]time.Time{"f": {utc(2016, 1, 1), utc(2017, 1, 1)}}, 1},
		"a table, lookback":          {hindcast.Fact{Table: "f", Lookback: ten}, months(1), "2017-01-01", map[string][2]time.Time{"f": {utc(2015, 12, 22), utc(2017, 1, 1)}}, 1},
		"a table, lookahead":         {hindcast.Fact{Table: "f", Lookahead: ten}, months(1), "2017-01-01", map[string][2]time.Time{"f": {utc(2016, 1, 1), utc(2017, 1, 11)}}, 1},
		"a table that goes on":       {hindcast.Fact{Table: "f"}, months(1), "today", map[string][2]time.Time{"f": {utc(2016, 1, 1), utc(2020, 5, 22)}}, 1},
		"time-named tables":          {hindcast.Fact{Table: "f_{yyyy}_{mm}"}, months(2), "2017-01-01", map[string][2]time.Time{"f_2016_03": {utc(2016, 3, 1), utc(2016, 5, 1)}}, 6},
		"a table of several units":   {hindcast.Fact{Table: "f_{yyyy}", Every: months(1)}, months(1), "2017-01-01", map[string][2]time.Time{"f_2016": {utc(2016, 1, 1), utc(2017, 1, 1)}}, 1},
		"files":                      {hindcast.Fact{Files: "f/{yyyy}/{mm}/*"}, months(1), "2017-01-01", map[string][2]time.Time{"f/2016/03/*": {utc(2016, 3, 1), utc(2016, 4, 1)}}, 12},
		"files in longer slices":     {hindcast.Fact{Files: "f/{yyyy}/{mm}/*", Every: months(1)}, months(3), "2017-01-01", map[string][2]time.Time{"f/2016/05/*": {utc(2016, 4, 1), utc(2016, 7, 1)}}, 12},
		"files for several slices":   {hindcast.Fact{Files: "f/{yyyy}/*", Every: months(12)}, months(1), "2016-04-01", map[string][2]time.Time{"f/2016/*": {utc(2016, 1, 1), utc(2017, 1, 1)}}, 1},
		"files that a lookback sees": {hindcast.Fact{Files: "f/{yyyy}/{mm}/*", Lookback: ten}, months(1), "2017-01-01", map[string][2]time.Time{"f/2016/03/*": {utc(2016, 3, 1), utc(2016, 5, 1)}, "f/2015/12/*": {utc(2015, 12, 1), utc(2016, 2, 1)}}, 13},
		"files for all":              {hindcast.Fact{Files: "f/*"}, months(1), "2017-01-01", map[string][2]time.Time{"f/*": {utc(2016, 1, 1), utc(2017, 1, 1)}}, 1},
	} {
		c.fact.Name, c.fact.Time = "f", "at"
		p := &hindcast.Pipeline{History: hindcast.History{From: utc(2016, 1, 1), To: c.to, Every: c.every, TimeZone: "UTC", Zone: time.UTC},
			Facts: []hindcast.Fact{{Name: "timeless", Table: "t_{yyyy}_{mm}"}, c.fact}}
		to, err := plan.ResolveTo(p, now)
		if err != nil {
			t.Fatal(err)
		}
		list, err := plan.Reaches(p, to)
		if err != nil || len(list) != c.n {
			t.Errorf("%s: %d sources, want %d: %+v, %v", name, len(list), c.n, list, err)
		}
		for source, want := range c.want {
			i := slices.IndexFunc(list, func(r plan.Reach) bool { return r.Source == source })
			if i < 0 || !list[i].Within.Start.Equal(want[0]) || !list[i].Within.End.Equal(want[1]) || list[i].Time != "at" {
				t.Errorf("%s: %s: %+v, want %v", name, source, list, want)
			}
		}
	}
}

func TestStrayTexts(t *testing.T) {
	p := &hindcast.Pipeline{History: hindcast.History{TimeZone: "Europe/Berlin"}, Facts: []hindcast.Fact{{Name: "a"}, {Name: "b", Files: "b"}}}
	one := hindcast.Interval{Start: time.Date(2020, 1, 31, 23, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 4, 0, 0, 0, time.UTC)}
	stray := func(fact, source string, timeless, outside int64) hindcast.Stray {
		return hindcast.Stray{Fact: fact, Source: source, Time: "day", Strays: hindcast.Strays{Within: one, NoTime: timeless, Outside: outside}}
	}
	guess := stray("a", "a1", 40, 0)
	guess.Estimate = true
	for _, c := range []struct {
		strays []hindcast.Stray
		want   []string
	}{
		{nil, nil},
		{[]hindcast.Stray{stray("a", "a1", 1, 2)}, []string{"1 row of a1 has no day (NULL), and no slice takes such rows",
			"2 rows of a1 have a day before 2020-02-01 or from 2020-02-01 05:00 on, and no slice takes such rows"}},
		{[]hindcast.Stray{guess}, []string{"40 or so rows of a1 have no day (NULL), and no slice takes such rows"}},
		{[]hindcast.Stray{stray("b", "b1", 0, 1), stray("b", "b2", 0, 3), stray("b", "b3", 0, 1), stray("b", "b4", 0, 1), stray("b", "b5", 7, 1), stray("a", "a1", 1, 0)},
			[]string{"1 row of a1 has no day (NULL), and no slice takes such rows", "7 rows of b5 have no day (NULL), and no slice takes such rows",
				"7 rows of fact b have a day outside of the period of their files, and no slice takes such rows: 3 in b2, 1 in b1, 1 in b3, the rest in 2 more"}},
	} {
		if got := plan.StrayTexts(p, c.strays); !slices.Equal(got, c.want) {
			t.Errorf("%q\nwant %q", got, c.want)
		}
	}
}
