package plan

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Window is what the SQL sees of a fact in a slice: the slice, the lookback before it and the lookahead after it.
func Window(f hindcast.Fact, s hindcast.Slice) hindcast.Interval {
	return hindcast.Interval{Start: step(f.Lookback, s.Start, -1), End: step(f.Lookahead, s.End, 1)}
}

// cutter holds the units of a fact that a history needs, margins included, in the order of time.
type cutter struct {
	p     *hindcast.Pipeline
	fact  hindcast.Fact
	from  time.Time // of the history: units before it are there for the lookback, and may be missing
	to    time.Time // of the history: the table of the last slice may go on beyond it; later ones are there for the lookahead, and may be missing
	units []DraftUnit
	given *common       // to the unit that was surveyed last
	all   time.Duration // that the units of the whole history cover
	low   int           // the first unit of the slice that was asked for last
}

// newCutter cuts a fact's own periods, counted from the history's start. The units of a plain table end with the
// history; those of time-named tables are as long as their tables are.
func newCutter(p *hindcast.Pipeline, f hindcast.Fact, history []hindcast.Slice) (*cutter, error) {
	c := &cutter{p: p, fact: f, from: p.History.From.In(zoneOf(p.History)), to: history[len(history)-1].End}
	span := hindcast.Interval{Start: Window(f, history[0]).Start, End: Window(f, history[len(history)-1]).End}
	if err := c.timeless(); err != nil {
		return c, err
	}
	if f.Files != "" && !f.TimeNamed() {
		c.add(span, hindcast.WholeKey) // one glob for all: cut into units, its files would be read twice
		return c, nil
	}
	every, anchor, err := c.grid()
	if err != nil {
		return c, err
	}
	if first := step(every, anchor, 1).Sub(anchor); first > 0 {
		c.units = make([]DraftUnit, 0, min(maxSlices, int(span.End.Sub(span.Start)/first)+2))
	}
	keys := unitKeys(every, p.History.Every, history)
	k := 0
	for step(every, anchor, k).After(span.Start) {
		k--
	}
	for start := step(every, anchor, k); start.Before(span.End); k++ {
		end := step(every, anchor, k+1)
		if !end.After(start) {
			continue
		}
		if !f.TimeNamed() && end.After(span.End) {
			end = span.End
		}
		if end.After(span.Start) {
			c.add(hindcast.Interval{Start: start, End: end}, keys(start))
		}
		if len(c.units) > maxSlices {
			err = c.invalid("every", fmt.Sprintf("fact %s has more than %s of %s", f.Name, numbers.Counted(maxSlices, "unit"), every), "make its `every` longer")
			return c, err
		}
		start = end
	}
	if len(c.units) > 0 {
		c.all = c.units[len(c.units)-1].Interval.End.Sub(c.units[0].Interval.Start)
	}
	err = c.named()
	return c, err
}

// only leaves the units that some slices read, which are in the order of time.
func (c *cutter) only(history []hindcast.Slice) {
	var kept []DraftUnit
	next := 0
	for _, s := range history {
		window := Window(c.fact, s)
		for next = max(next, c.after(window.Start)); next < len(c.units) && c.units[next].Interval.Start.Before(window.End); next++ {
			kept = append(kept, c.units[next])
		}
	}
	c.units, c.low = kept, 0
}

// Needed names the units that some slices of a history read.
func Needed(p *hindcast.Pipeline, history, chosen []hindcast.Slice) (units []LookedAt, err error) {
	for _, f := range p.Facts {
		if f.Files != "" {
			continue
		}
		c, err := newCutter(p, f, history)
		if err != nil {
			return nil, err
		}
		c.only(chosen)
		for i := range c.units {
			units = append(units, LookedAt{f.Name, c.units[i].Key})
		}
	}
	return units, nil
}

// unitKeys gives the keys of units by their starts, in the order of time. Most are those of slices, which have been written.
func unitKeys(every, ofSlices hindcast.Period, history []hindcast.Slice) func(start time.Time) string {
	at := 0
	return func(start time.Time) string {
		for at < len(history) && history[at].Start.Before(start) {
			at++
		}
		if every == ofSlices && at < len(history) && history[at].Start.Equal(start) {
			return history[at].Key
		}
		return sliceKey(start, every)
	}
}

func (c *cutter) add(in hindcast.Interval, key string) {
	c.units = append(c.units, DraftUnit{Key: key, Interval: in, Source: fill(c.fact, in.Start), Rows: -1, Bytes: -1})
	c.give(&c.units[len(c.units)-1], common{Fact: c.fact.Name})
}

func (c *cutter) invalid(key, message, next string) error {
	return invalid(c.p, "facts."+c.fact.Name+"."+key, message, next)
}

// timeless refuses what only a time column makes possible.
func (c *cutter) timeless() error {
	switch f := c.fact; {
	case f.Time != "":
		return nil
	case !f.TimeNamed():
		return c.invalid("time", fmt.Sprintf("fact %s has neither a time column nor a time in its name", f.Name),
			"give it a time column (time: …), or placeholders such as {yyyy}_{mm}")
	case !f.Lookback.IsZero():
		return c.invalid("lookback", fmt.Sprintf("fact %s has a lookback and no time column to cut it by", f.Name),
			"give it a time column (time: …)")
	case !f.Lookahead.IsZero():
		return c.invalid("lookahead", fmt.Sprintf("fact %s has a lookahead and no time column to cut it by", f.Name),
			"give it a time column (time: …)")
	}
	return nil
}

// granule is the shortest time that the fact's names tell apart.
func (c *cutter) granule() (hindcast.Period, bool) {
	name := c.fact.Table + c.fact.Files
	for _, p := range hindcast.Placeholders {
		if strings.Contains(name, p.Text) {
			return p.Period, true
		}
	}
	return hindcast.Period{}, false
}

// grid is the fact's period and where it is counted from: the history's start, rounded down to what the names tell
// apart, so that a history from the 15th still finds the tables of whole months.
func (c *cutter) grid() (hindcast.Period, time.Time, error) {
	every := c.every()
	if !c.fact.TimeNamed() {
		return every, c.from, nil
	}
	granule, known := c.granule()
	if !known {
		return every, c.from, c.invalid("table", fmt.Sprintf("fact %s has a placeholder that means no time: %s%s", c.fact.Name, c.fact.Table, c.fact.Files),
			"the placeholders are {yyyy} {yy} {q} {mm} {m} {dd} {d} {hh}")
	}
	anchor := floor(c.from, granule)
	if !c.finer(every, anchor, granule) {
		return every, anchor, nil
	}
	if c.fact.Files != "" {
		return granule, anchor, nil // files are read where they are: a glob is never cut
	}
	return every, c.from, nil
}

func (c *cutter) finer(every hindcast.Period, anchor time.Time, granule hindcast.Period) bool {
	return step(every, anchor, 1).Before(step(granule, anchor, 1))
}

// floor is the start of the granule that t lies in.
func floor(t time.Time, granule hindcast.Period) time.Time {
	civil := hindcast.Reading(t)
	year, month, day := civil.Date()
	hour := 0
	switch granule.Unit {
	case hindcast.Hours:
		return t.Add(-time.Duration(civil.Minute())*time.Minute - time.Duration(civil.Second())*time.Second)
	case hindcast.Days, hindcast.Weeks:
	case hindcast.Months:
		day = 1
	case hindcast.Quarters:
		month, day = 3*((month-1)/3)+1, 1
	case hindcast.Years:
		month, day = 1, 1
	}
	return hindcast.Instant(time.Date(year, month, day, hour, 0, 0, 0, time.UTC), t.Location())
}

// named refuses periods whose tables the placeholders do not name: a unit over two tables, one between them, or
// one table for two units that no time column tells apart.
func (c *cutter) named() error {
	if !c.fact.TimeNamed() {
		return nil
	}
	granule, _ := c.granule()
	seen := map[string]bool{}
	for _, u := range c.units {
		first := floor(u.Interval.Start, granule)
		within := u.Interval.End.After(step(granule, first, 1))
		if within && !first.Equal(u.Interval.Start) || seen[u.Source] && (c.fact.Time == "" || c.fact.Files != "") {
			return c.invalid("every", fmt.Sprintf("fact %s is cut into %s, but %s%s names tables of %s: %s stands for more than one",
				c.fact.Name, c.every(), c.fact.Table, c.fact.Files, granule, u.Source),
				fmt.Sprintf("give the fact the period of its tables (every: %s), or the placeholders that its period needs", granule))
		}
		seen[u.Source] = true
	}
	return nil
}

// every is the fact's own period, the slice's by default.
func (c *cutter) every() hindcast.Period {
	if c.fact.Every.IsZero() {
		return c.p.History.Every
	}
	return c.fact.Every
}

// fill puts a unit's start into the placeholders of the table or files.
func fill(f hindcast.Fact, start time.Time) string {
	if !f.TimeNamed() {
		return f.Table + f.Files
	}
	return hindcast.FillTime(f.Table+f.Files, start)
}

// anyTime are patterns of files with each placeholder as the digits that may stand for it.
func anyTime(files string) []string {
	patterns := []string{files}
	for _, p := range hindcast.Placeholders {
		if !strings.Contains(files, p.Text) {
			continue
		}
		digit, all := "[0-9]", patterns
		if p.Text == "{q}" {
			digit = "[1-4]"
		}
		patterns = nil
		for _, n := range p.Digits {
			for _, pattern := range all {
				patterns = append(patterns, strings.ReplaceAll(pattern, p.Text, strings.Repeat(digit, n)))
			}
		}
	}
	return patterns
}

// whole reports whether a unit that nothing can cut belongs to the slice as it is. The history's last slice is
// clipped where it ends; a table for that time holds no more than there is.
func (c *cutter) whole(s hindcast.Slice, u hindcast.Interval) bool {
	return s.Contains(u) || s.End.Equal(c.to) && !u.Start.Before(s.Start)
}

// reading is which units of a fact a slice reads: those from own to before after are its own, from first to before own the lookback's, from
// after to before end the lookahead's.
type reading struct{ first, own, after, end int }

// each gives the units, the slice's own first, then those of the margins that are not optional, in the order of time.
func (r reading) each(c *cutter, take func(i int)) {
	for i := r.own; i < r.after; i++ {
		take(i)
	}
	for i := r.first; i < r.end; i++ {
		if (i < r.own || i >= r.after) && !c.optional(i) {
			take(i)
		}
	}
}

// in returns which units the slice reads. E-VALUE if a unit that nothing can cut does not lie within the slice.
func (c *cutter) in(s hindcast.Slice) (r reading, err error) {
	window := Window(c.fact, s)
	r.first = c.after(window.Start)
	r.own, r.after = r.first, r.first
	for r.end = r.first; r.end < len(c.units) && c.units[r.end].Interval.Start.Before(window.End); r.end++ {
		u := &c.units[r.end].Interval
		if c.fact.Time == "" && !c.whole(s, *u) {
			return reading{}, c.invalid("table", fmt.Sprintf("%s of fact %s covers %s to %s and does not lie within the slice %s",
				c.units[r.end].Source, c.fact.Name, u.Start.Format(time.DateOnly), u.End.Format(time.DateOnly), c.p.History.Every.Label(s.Key)),
				"give the fact a time column (time: …), or an `every` that fits")
		}
		switch {
		case u.Overlaps(s.Interval):
			r.after = r.end + 1
		case !u.Start.Before(s.End): // of the lookahead
		default:
			r.own, r.after = r.end+1, r.end+1
		}
	}
	return r, nil
}

// after is the first unit that ends after t. Slices are asked for in the order of time: it is the one of the slice before, or
// the next.
func (c *cutter) after(t time.Time) int {
	is := func(i int) bool {
		return (i == len(c.units) || c.units[i].Interval.End.After(t)) && (i == 0 || !c.units[i-1].Interval.End.After(t))
	}
	for i := c.low; i <= min(c.low+1, len(c.units)); i++ {
		if is(i) {
			c.low = i
			return i
		}
	}
	c.low = sort.Search(len(c.units), func(i int) bool { return c.units[i].Interval.End.After(t) })
	return c.low
}

// Tables lists every table that the slices' facts and the dimensions need, margins included. What cannot be cut
// is left out: Make says why.
func Tables(p *hindcast.Pipeline, history []hindcast.Slice) []string {
	seen := map[string]bool{}
	var list []string
	add := func(name string) {
		if name != "" && !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	for _, f := range p.Facts {
		if f.Table == "" || len(history) == 0 {
			continue
		}
		if !f.TimeNamed() { // one table for all its units
			add(f.Table)
			continue
		}
		c, err := newCutter(p, f, history)
		if err != nil {
			continue
		}
		for _, u := range c.units {
			add(u.Source)
		}
	}
	for _, d := range p.Dims {
		add(d.Table)
	}
	return list
}

// Files are the user's own files of one fact or dimension that a history needs.
type Files struct {
	Key      string            // "facts.NAME" or "dimensions.NAME"
	Patterns []string          // with the placeholders filled in
	All      []string          // patterns of every file that the fact could mean; none if its names hold no time
	Types    map[string]string // that columns are read as
	Folders  map[string]string // types of columns that folders give
}

// FilesOf lists them for each fact and dimension that has any. What cannot be cut is left out: Make says why.
func FilesOf(p *hindcast.Pipeline, history []hindcast.Slice) []Files {
	var list []Files
	for _, f := range p.Facts {
		if f.Files == "" || len(history) == 0 {
			continue
		}
		c, err := newCutter(p, f, history)
		if err != nil {
			continue
		}
		files := Files{Key: "facts." + f.Name, Types: f.Types, Folders: folderTypes(f)}
		if f.TimeNamed() {
			files.All = anyTime(f.Files)
		}
		for _, u := range c.units {
			files.Patterns = append(files.Patterns, u.Source)
		}
		list = append(list, files)
	}
	for _, d := range p.Dims {
		if d.Files != "" {
			list = append(list, Files{Key: "dimensions." + d.Name, Patterns: []string{d.Files}, Types: d.Types})
		}
	}
	return list
}

// ofTwoDigits finds folders that are named by a column and a placeholder of two digits.
var ofTwoDigits = regexp.MustCompile(`(?:^|/)([^/={}]+)=\{(?:mm|dd|hh)\}/`)

// folderTypes are the types of folders named like month={mm}: a text in every slice, since 08 is one and 12 could be a
// number.
func folderTypes(f hindcast.Fact) map[string]string {
	types := map[string]string{}
	for _, m := range ofTwoDigits.FindAllStringSubmatch(f.Files, -1) {
		types[m[1]] = "VARCHAR"
	}
	return types
}
