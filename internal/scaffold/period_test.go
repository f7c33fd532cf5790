package scaffold

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// namesOf makes table names from every distance between two times.
func namesOf(layout, from string, every hindcast.Period, count int) string {
	start, err := time.Parse(time.DateOnly, from)
	if err != nil {
		panic(err)
	}
	list := make([]string, count)
	for k := range list {
		at := every.AddTo(start, k)
		list[k] = strings.NewReplacer("Q", fmt.Sprintf("q%d", (int(at.Month())+2)/3)).Replace(at.Format(layout))
	}
	return strings.Join(list, " ")
}

func months(n int) hindcast.Period { return hindcast.Period{N: n, Unit: hindcast.Months} }

func TestPeriod(t *testing.T) {
	const days, weekly = "table_20060102", "w_2006_01_02"
	cases := []struct{ names, every, missing, stray string }{
		{"a_2020_01", "1 month", "", ""},
		{"a_2020_01 a_2020_02 a_2020_04", "1 month", "a_2020_03", ""},
		{"a_2020_01 a_2020_03 a_2020_07 a_2020_09", "2 months", "a_2020_05", ""},
		{"a_2019_01 a_2019_04 a_2019_07 a_2019_08 a_2019_10 a_2020_01 a_2020_04 a_2020_07 a_2020_10", "1 quarter", "", "a_2019_08"},
		{"a_20200101 a_20200108 a_20200122", "1 week", "a_20200115", ""},
		{"a_20200101 a_20200102", "1 day", "", ""},
		{"a_2020q1 a_2020q2 a_2020q4", "1 quarter", "a_2020q3", ""},
		{"a_2010 a_2012 a_2014", "2 years", "", ""},
		{"a_2020010100 a_2020010106 a_2020010112", "6 hours", "", ""},

		// Days in the names, longer periods: the post's own names first.
		{namesOf(days, "2016-01-01", months(2), 36), "2 months", "", ""},
		{namesOf(days, "2016-01-01", months(1), 72), "1 month", "", ""},
		{namesOf(days, "2016-01-01", months(3), 24), "1 quarter", "", ""},
		{namesOf(days, "2016-02-01", months(6), 12), "6 months", "", ""},
		{namesOf(days, "2016-07-01", months(12), 6), "1 year", "", ""},
		{namesOf(days, "2016-01-15", months(1), 30), "1 month", "", ""},
		{namesOf(days, "2021-02-01", months(1), 2), "1 month", "", ""}, // 28 days
		{namesOf(days, "2020-02-01", months(1), 2), "1 month", "", ""},
		{namesOf(days, "2016-01-31", months(1), 36), "1 month", "", ""},
		{namesOf(days, "2016-01-30", months(1), 36), "1 month", "", ""},
		{"a_20160430 a_20160531 a_20160630 a_20160731 a_20160831", "1 month", "a_20160331", ""},
		{"a_20160229 a_20170228 a_20180228 a_20190228 a_20200229", "1 year", "", ""},
		{namesOf("table_2006010215", "2016-01-01", months(1), 24), "1 month", "", ""},
		{namesOf("table_2006010215", "2016-01-01", hindcast.Period{N: 1, Unit: hindcast.Days}, 24), "1 day", "", ""},
		{namesOf(weekly, "1969-12-01", hindcast.Period{N: 1, Unit: hindcast.Weeks}, 60), "1 week", "", ""},
		{namesOf(weekly, "2015-12-28", hindcast.Period{N: 2, Unit: hindcast.Weeks}, 60), "2 weeks", "", ""},
		{namesOf(days, "2016-01-01", hindcast.Period{N: 1, Unit: hindcast.Days}, 400), "1 day", "", ""},
		{namesOf("t_200601", "2016-01-01", months(2), 36), "2 months", "", ""},
		{namesOf("t_200601", "2016-01-01", months(12), 6), "1 year", "", ""},
		{namesOf("t_2006Q", "2016-01-01", months(3), 24), "1 quarter", "", ""},
		{namesOf("t_2006Q", "2016-01-01", months(12), 6), "1 year", "", ""},

		// One that does not fit costs itself and not the others.
		{namesOf(days, "2016-01-01", months(2), 36) + " table_20170415", "2 months", "", "table_20170415"},
		{"table_20151220 " + namesOf(days, "2016-01-01", months(1), 12), "1 month", "", "table_20151220"},
		{namesOf(weekly, "2020-01-06", hindcast.Period{N: 1, Unit: hindcast.Weeks}, 20) + " w_2020_03_04", "1 week", "", "w_2020_03_04"},
		// Too many that do not fit: a finer period has them all.
		{"a_2016_01 a_2016_03 a_2016_05 a_2016_06 a_2016_07 a_2016_08", "1 month", "a_2016_02 a_2016_04", ""},
		{"a_20160101 a_20160105 a_20160106 a_20160109", "1 day", "a_20160102 a_20160103 a_20160104 a_20160107 a_20160108", ""},
	}
	for _, c := range cases {
		g := period(membersOf(strings.Fields(c.names)))
		var missing, stray []string
		for _, start := range g.missing {
			missing = append(missing, hindcast.FillTime(g.on[0].pattern, start))
		}
		for _, m := range g.stray {
			stray = append(stray, m.table.Name)
		}
		if got := fmt.Sprint(g.every, missing, stray); got != fmt.Sprintf("%s [%s] [%s]", c.every, c.missing, c.stray) {
			t.Errorf("%s: got %s", c.names, got)
		}
		if len(g.on)+len(g.stray) != len(strings.Fields(c.names)) {
			t.Errorf("%s: %d tables are on the grid, %d are not", c.names, len(g.on), len(g.stray))
		}
	}
}

func membersOf(names []string) []named {
	var members []named
	for _, name := range names {
		n, _ := timeIn(warehouse.Table{Name: name})
		members = append(members, n)
	}
	slices.SortFunc(members, func(a, b named) int { return a.start.Compare(b.start) })
	return members
}

// Whatever is taken out of a history or put into it: each table is in use or named, and each that is in use is what its
// period's start spells.
func TestPeriodLosesNoTable(t *testing.T) {
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for range 500 {
		layout := []string{"t_20060102", "t_200601", "t_2006010215", "t_2006"}[random.IntN(4)]
		every := hindcast.Period{N: 1 + random.IntN(4), Unit: []hindcast.Unit{hindcast.Days, hindcast.Weeks, hindcast.Months, hindcast.Years, hindcast.Hours}[random.IntN(5)]}
		start := time.Date(1950+random.IntN(80), time.Month(1+random.IntN(12)), 1+random.IntN(31), 0, 0, 0, 0, time.UTC)
		seen := map[string]bool{}
		var names []string
		for k := range 2 + random.IntN(40) {
			at := every.AddTo(start, k)
			switch random.IntN(12) {
			case 0:
				continue
			case 1:
				at = at.AddDate(0, 0, random.IntN(20))
			}
			if name := at.Format(layout); !seen[name] && at.Year() < 2100 {
				seen[name] = true
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			continue
		}
		g := period(membersOf(names))
		begins := map[string]bool{}
		for k := 0; !g.every.AddTo(g.anchor, k).After(g.to); k++ {
			begins[hindcast.FillTime(g.on[0].pattern, g.every.AddTo(g.anchor, k))] = true
		}
		for _, m := range g.on {
			if !begins[m.table.Name] {
				t.Errorf("seed %d, %v: %s is in use, and no period of %s from %s spells it", seed, names, m.table.Name, g.every, g.anchor)
			}
		}
		if len(g.on)+len(g.stray) != len(names) {
			t.Errorf("seed %d, %v: %d tables are on the grid, %d are not", seed, names, len(g.on), len(g.stray))
		}
	}
}
