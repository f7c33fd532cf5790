package scaffold

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
)

// grid is a period, counted from anchor, held against the tables of a group.
type grid struct {
	every   hindcast.Period
	anchor  time.Time
	to      time.Time   // the end of the last table's period
	on      []named     // tables whose time begins a period, in the order of time
	missing []time.Time // periods between the first and the last that have no table
	stray   []named     // tables whose time begins no period
}

// strayCost is how many missing tables are as bad as one that lies off the grid: its rows are left out.
const strayCost = 8

func (g grid) cost() int { return len(g.missing) + strayCost*len(g.stray) }

// period guesses how much of time one table of a group covers: the period that leaves the fewest tables out, and
// gaps between the others. Of two that fit as well it is the longer unit: 1 January and 1 February are a month
// apart, and not 31 days.
func period(members []named) grid {
	form := members[0].every
	if len(members) == 1 {
		return grid{every: form, anchor: members[0].start, to: form.AddTo(members[0].start, 1), on: members}
	}
	var best grid
	for _, unit := range unitsOf(form.Unit) {
		for _, n := range distances(unit, members) {
			for _, monthEnds := range []bool{false, true} {
				g, ok := fit(members, hindcast.Period{N: n, Unit: unit}, monthEnds)
				if ok && (best.on == nil || g.cost() < best.cost()) {
					best = g
				}
			}
		}
	}
	best.every = shortest(best.every)
	return best
}

// unitsOf are the units that times written this finely can be periods of, the longest first.
func unitsOf(written hindcast.Unit) []hindcast.Unit {
	switch written {
	case hindcast.Hours:
		return []hindcast.Unit{hindcast.Months, hindcast.Days, hindcast.Hours}
	case hindcast.Days:
		return []hindcast.Unit{hindcast.Months, hindcast.Days}
	case hindcast.Weeks, hindcast.Months, hindcast.Quarters, hindcast.Years:
	}
	return []hindcast.Unit{written}
}

// shortest writes a period with the number as small as it can be. A month's third and a year are of other lengths in
// days: only what is equal on every calendar is rewritten.
func shortest(p hindcast.Period) hindcast.Period {
	switch {
	case p.Unit == hindcast.Days && p.N%7 == 0:
		return hindcast.Period{N: p.N / 7, Unit: hindcast.Weeks}
	case p.Unit == hindcast.Months && p.N%12 == 0:
		return hindcast.Period{N: p.N / 12, Unit: hindcast.Years}
	case p.Unit == hindcast.Months && p.N == 3:
		return hindcast.Period{N: 1, Unit: hindcast.Quarters}
	case p.Unit == hindcast.Quarters && p.N%4 == 0:
		return hindcast.Period{N: p.N / 4, Unit: hindcast.Years}
	}
	return p
}

// mostDistances is how many lengths are tried.
const mostDistances = 12

// distances are the lengths that a group's period may have: what all distances between its tables are multiples of, and
// the most frequent of these distances.
func distances(unit hindcast.Unit, members []named) []int {
	count, common := map[int]int{}, 0
	for i := 1; i < len(members); i++ {
		if n := number(unit, members[i].start) - number(unit, members[i-1].start); n > 0 {
			count[n]++
			common = gcd(common, n)
		}
	}
	often := slices.SortedFunc(maps.Keys(count), func(a, b int) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	often = often[:min(len(often), mostDistances)]
	if common > 0 && !slices.Contains(often, common) {
		often = append(often, common)
	}
	return often
}

// number counts whole units up to t.
func number(unit hindcast.Unit, t time.Time) int {
	months := 12*t.Year() + int(t.Month()) - 1
	switch unit {
	case hindcast.Hours:
		return int(t.Unix() / 3600)
	case hindcast.Days, hindcast.Weeks:
		return int(t.Unix() / (24 * 3600))
	case hindcast.Months:
		return months
	case hindcast.Quarters:
		return months / 3
	case hindcast.Years:
		return t.Year()
	}
	return 0
}

// phase is what the times of one grid have in common.
type phase struct{ number, day, hour int }

func phaseOf(every hindcast.Period, t time.Time, monthEnds bool) phase {
	p := phase{number: (number(every.Unit, t)%every.N + every.N) % every.N, hour: t.Hour()}
	switch {
	case every.Unit == hindcast.Hours:
		p.hour = 0
	case every.Unit == hindcast.Months && monthEnds && t.AddDate(0, 0, 1).Day() == 1:
		p.day = 31
	case every.Unit == hindcast.Months:
		p.day = t.Day()
	}
	return p
}

// fit lays the grid through the tables so that most of them lie on it. With monthEnds the last days of months are on
// one grid, of whichever number they are; it does not fit where the last day does not matter.
func fit(members []named, every hindcast.Period, monthEnds bool) (grid, bool) {
	count := map[phase]int{}
	for _, m := range members {
		count[phaseOf(every, m.start, monthEnds)]++
	}
	g := grid{every: every}
	var most phase
	for _, m := range members { // in their order: the first of equally many
		if p := phaseOf(every, m.start, monthEnds); count[p] > count[most] {
			most = p
		}
	}
	if monthEnds && (every.Unit != hindcast.Months || most.day != 31) {
		return g, false
	}

	var alike []time.Time
	for _, m := range members {
		if phaseOf(every, m.start, monthEnds) == most {
			alike = append(alike, m.start)
		}
	}
	g.anchor = anchor(every, alike)
	g.hold(members)
	return g, true
}

// hold says of each table whether it begins a period, and which periods between have no table.
func (g *grid) hold(members []named) {
	rest := members
	for k := 0; len(rest) > 0; k++ {
		start := g.every.AddTo(g.anchor, k)
		for len(rest) > 0 && rest[0].start.Before(start) {
			g.stray, rest = append(g.stray, rest[0]), rest[1:]
		}
		if len(rest) == 0 {
			return
		}
		if !rest[0].start.Equal(start) {
			g.missing = append(g.missing, start)
			continue
		}
		g.on, rest = append(g.on, rest[0]), rest[1:]
		g.to = g.every.AddTo(g.anchor, k+1)
	}
}

// anchor is where the grid is counted from: the first table, or a few periods before it where only a longer month
// leads to all the last days of months.
func anchor(every hindcast.Period, alike []time.Time) time.Time {
	first := alike[0]
	if every.Unit != hindcast.Months {
		return first
	}
	wanted := 0
	for _, t := range alike {
		wanted = max(wanted, t.Day())
	}
	const years = 8 // from one 29 February to the next, at most
	for k := 0; k <= 12*years; k++ {
		month := time.Date(first.Year(), first.Month()-time.Month(k*every.N), 1, first.Hour(), 0, 0, 0, time.UTC)
		if end := month.AddDate(0, 1, -1); end.Day() >= wanted {
			return month.AddDate(0, 0, wanted-1)
		}
	}
	return first
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
