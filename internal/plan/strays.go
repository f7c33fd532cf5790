package plan

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Reach says which times of a source slices take, by the fact's time column. Rows of other times, and those without one,
// are in no slice.
type Reach struct {
	Fact, Source, Time string
	Within             hindcast.Interval
}

// Reaches lists the sources of a pipeline's facts that have a time column, in the order of facts and of time. A time-named
// table reaches as far as its name says. Files of the user's own are read whole: a row may lie in any slice that reads
// its file.
func Reaches(p *hindcast.Pipeline, to time.Time) ([]Reach, error) {
	whole := hindcast.Slice{Interval: hindcast.Interval{Start: p.History.From.In(zoneOf(p.History)), End: to}}
	var list []Reach
	for _, f := range p.Facts {
		if f.Time == "" {
			continue
		}
		if !f.TimeNamed() {
			list = append(list, Reach{f.Name, f.Table + f.Files, f.Time, Window(f, whole)})
			continue
		}
		history, err := Cut(p.History, to)
		if err != nil {
			return nil, err
		}
		c, err := newCutter(p, f, history)
		if err != nil {
			return nil, err
		}
		list = append(list, c.reaches(history)...)
	}

	if p.History.To == "" || p.History.To == "today" {
		for i := range list {
			if end, over := &list[i].Within.End, step(live, to, 1); !end.Before(to) && end.Before(over) {
				*end = over
			}
		}
	}
	return list, nil
}

// live is what a source may have beyond a history that ends today: the rows of a day that is not over, wherever it is not.
// Slices take them tomorrow.
var live = hindcast.Period{N: 2, Unit: hindcast.Days}

// reaches are those of a time-named fact.
func (c *cutter) reaches(history []hindcast.Slice) (list []Reach) {
	for _, u := range c.units {
		in := u.Interval
		if c.fact.Files != "" {
			in = c.readers(history, in)
		}
		if last := len(list) - 1; last >= 0 && list[last].Source == u.Source { // one table serves several units
			list[last].Within.End = in.End
			continue
		}
		list = append(list, Reach{c.fact.Name, u.Source, c.fact.Time, in})
	}
	return list
}

// readers is a unit's interval, and that of all slices that read the unit.
func (c *cutter) readers(history []hindcast.Slice, in hindcast.Interval) hindcast.Interval {
	first := sort.Search(len(history), func(i int) bool { return history[i].End.After(in.Start) })
	after := sort.Search(len(history), func(i int) bool { return !Window(c.fact, history[i]).Start.Before(in.End) })
	if first >= after {
		return in
	}

	start := history[first].Start
	if first == 0 {
		start = Window(c.fact, history[0]).Start
	}
	if start.Before(in.Start) {
		in.Start = start
	}
	if end := history[after-1].End; end.After(in.End) {
		in.End = end
	}
	return in
}

// StrayTexts says of which sources rows are left out because no slice takes them, a sentence for each fact and kind.
func StrayTexts(p *hindcast.Pipeline, strays []hindcast.Stray) (texts []string) {
	for _, f := range p.Facts {
		var timeless, outside []hindcast.Stray
		for _, s := range strays {
			if s.Fact == f.Name && s.NoTime > 0 {
				timeless = append(timeless, s)
			}
			if s.Fact == f.Name && s.Outside > 0 {
				outside = append(outside, s)
			}
		}
		if len(timeless) > 0 {
			of, rows, list := together(f, timeless, func(s hindcast.Stray) int64 { return s.NoTime })
			texts = append(texts, fmt.Sprintf("%s of %s %s no %s (NULL), and no slice takes such rows%s", counted(rows, timeless[0].Estimate), of, have(rows), timeless[0].Time, list))
		}
		if len(outside) > 0 {
			of, rows, list := together(f, outside, func(s hindcast.Stray) int64 { return s.Outside })
			texts = append(texts, fmt.Sprintf("%s of %s %s a %s %s, and no slice takes such rows%s", counted(rows, outside[0].Estimate), of, have(rows), outside[0].Time, elsewhere(p, f, outside), list))
		}
	}
	return texts
}

// elsewhere says outside of what the times of strays lie.
func elsewhere(p *hindcast.Pipeline, f hindcast.Fact, strays []hindcast.Stray) string {
	if len(strays) > 1 {
		what := "table"
		if f.Files != "" {
			what = "files"
		}
		return "outside of the period of their " + what
	}
	zone := zoneOf(p.History)
	return "before " + bound(strays[0].Within.Start.In(zone)) + " or from " + bound(strays[0].Within.End.In(zone)) + " on"
}

// bound writes a date, with the hour if it is not midnight.
func bound(t time.Time) string {
	if t.Hour() == 0 && t.Minute() == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04")
}

// together names the source of strays, or the fact and, in a list, those of its sources that have most of them.
func together(f hindcast.Fact, strays []hindcast.Stray, count func(hindcast.Stray) int64) (of string, rows int64, list string) {
	if len(strays) == 1 {
		return strays[0].Source, count(strays[0]), ""
	}

	slices.SortStableFunc(strays, func(a, b hindcast.Stray) int { return cmp.Compare(count(b), count(a)) })
	const shown = 3
	var named []string
	for i, s := range strays {
		rows += count(s)
		if i < shown {
			named = append(named, fmt.Sprintf("%s in %s", numbers.Thousands(count(s)), s.Source))
		}
	}
	if len(strays) > shown {
		named = append(named, fmt.Sprintf("the rest in %d more", len(strays)-shown))
	}
	return "fact " + f.Name, rows, ": " + strings.Join(named, ", ")
}

func counted(rows int64, estimate bool) string {
	text := numbers.Counted(rows, "row")
	if estimate {
		text = strings.Replace(text, " ", " or so ", 1)
	}
	return text
}

func have(rows int64) string {
	if rows == 1 {
		return "has"
	}
	return "have"
}
