package scaffold

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Unread are tables whose names hold a time that is not read, and why.
type Unread struct {
	Tables []string
	Why    string
}

const (
	whyWeekly = "no placeholder stands for the number of a week; a view of them all with a time column can be a fact"
	whyWorded = "no placeholder stands for a month's name; a view of them all with a time column can be a fact"
	whyShort  = "the time in the names can be read in several ways; if %s is right, make it a fact"
	whySplit  = "the names differ in more than the time; a view of them all with a time column can be a fact"
)

// weekForm is the number of a week.
var weekForm = regexp.MustCompile(`(?:^|\D)\d{4}[_-]?[wW](?:[kK]|eek)?[_-]?\d{1,2}(?:$|\D)`)

// wordForm is a month's name beside a year, the name with a capital where letters stand before it.
var wordForm = func() *regexp.Regexp {
	const month = `(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)`
	return regexp.MustCompile(`(?i)(?:(?:^|[^a-z])` + month + `[_-]?(?:\d{4}|\d{2})(?:$|\D)|(?:^|\D)(?:\d{4}|\d{2})[_-]?` + month + `(?:$|[^a-z]))`)
}()

// capital is where a word begins within a name.
var capital = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// shortForms are times whose year may have two digits, or whose month may stand before the day. Some may as well be of the
// usual form.
var shortForms = []struct {
	form  *regexp.Regexp
	order []string
	usual bool
}{
	{regexp.MustCompile(`(\d{2})([_-])(\d{2})([_-])(\d{4})`), []string{"{mm}", "{dd}", "{yyyy}"}, true},
	{regexp.MustCompile(`(\d{2})([_-])(\d{2})([_-])(\d{2})`), []string{"{yy}", "{mm}", "{dd}"}, false},
	{regexp.MustCompile(`(\d{2})([_-])(\d{2})`), []string{"{yy}", "{mm}"}, false},
	{regexp.MustCompile(`(\d{2})()(\d{2})()(\d{2})`), []string{"{yy}", "{mm}", "{dd}"}, true},
	{regexp.MustCompile(`(\d{2})()(\d{2})`), []string{"{yy}", "{mm}"}, true},
}

// unread puts aside the tables whose names hold a time that no placeholder stands for, or one that would be guessed.
func (found *Found) unread(tables []warehouse.Table) (rest []warehouse.Table) {
	var weekly, worded []warehouse.Table
	for _, t := range tables {
		switch _, own := splitName(t.Name); {
		case weekForm.MatchString(own):
			weekly = append(weekly, t)
		case wordForm.MatchString(capital.ReplaceAllString(own, "${1}_${2}")):
			worded = append(worded, t)
		default:
			rest = append(rest, t)
		}
	}

	found.aside(weekly, whyWeekly)
	if len(worded) == 1 { // a month in the name of a table that stands alone
		rest = append(rest, worded...)
	} else {
		found.aside(worded, whyWorded)
	}
	return found.shortYears(rest)
}

func (found *Found) aside(tables []warehouse.Table, why string) {
	if len(tables) == 0 {
		return
	}
	var names []string
	for _, t := range tables {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	found.Unread = append(found.Unread, Unread{names, why})
}

// family are the tables whose names differ in the same digits, as a short form reads them.
type family struct {
	pattern string
	short   []named
	whole   []named // those that can be read in the usual form
}

// shortYears puts aside families of tables whose years have two digits: where no other reading fits all of them, or where
// another would leave more gaps.
func (found *Found) shortYears(tables []warehouse.Table) (rest []warehouse.Table) {
	families := map[string]*family{}
	for _, t := range tables {
		if n, whole, ok := shortTime(t); ok {
			f := families[n.schema+n.pattern]
			if f == nil {
				f = &family{pattern: n.schema + n.spell(n.pattern)}
				families[n.schema+n.pattern] = f
			}
			f.short = append(f.short, n)
			if whole != nil && (len(f.whole) == 0 || f.whole[0].pattern == whole.pattern) {
				f.whole = append(f.whole, *whole)
			}
		}
	}

	short := map[string]bool{}
	for _, key := range sortedKeys(families) {
		f := families[key]
		if !f.isShort() {
			continue
		}
		var members []warehouse.Table
		for _, n := range f.short {
			members, short[n.table.Name] = append(members, n.table), true
		}
		found.aside(members, strings.Replace(whyShort, "%s", f.pattern, 1))
	}
	return slices.DeleteFunc(tables, func(t warehouse.Table) bool { return short[t.Name] })
}

func sortedKeys(families map[string]*family) []string {
	keys := make([]string, 0, len(families))
	for key := range families {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// isShort reports whether the names are rather of two-digit years.
func (f *family) isShort() bool {
	if len(f.short) < 2 {
		return false // one table says nothing
	}
	if len(f.whole) < len(f.short) {
		return true
	}
	byTime := func(a, b named) int { return a.start.Compare(b.start) }
	slices.SortFunc(f.short, byTime)
	slices.SortFunc(f.whole, byTime)
	const computers = 1970 // tables of years before are rather of another reading
	if last := f.whole[len(f.whole)-1]; last.start.Year() < computers {
		return true
	}
	return period(f.whole).cost() > period(f.short).cost()
}

// shortTime reads a name whose year has two digits; whole is the same name with a year of four, if it can be read so.
func shortTime(t warehouse.Table) (n named, whole *named, ok bool) {
	schema, own := splitName(t.Name)
	for _, f := range shortForms {
		for _, at := range f.form.FindAllStringSubmatchIndex(own, -1) {
			if digit(own, at[0]-1) || digit(own, at[1]) || strings.ContainsRune("_-", before(own, at[0])) && digit(own, at[0]-2) {
				continue
			}
			start, pattern, read := readTime(own, at, f.order)
			if !read {
				continue
			}
			n = named{table: t, schema: schema, quoted: strings.HasSuffix(t.Name, `"`), start: start, every: hindcast.Period{N: 1, Unit: hindcast.Months},
				pattern: own[:at[0]] + pattern + own[at[1]:]}
			if len(f.order) == 3 {
				n.every.Unit = hindcast.Days
			}
			if full, found := timeIn(t); found && f.usual {
				whole = &full
			} else if found {
				return n, nil, false // a time with a year of four digits is in the name, too
			}
			return n, whole, true
		}
	}
	return n, nil, false
}

// before is the character before a position of a name, 0 where there is none.
func before(own string, at int) rune {
	if at == 0 {
		return 0
	}
	return rune(own[at-1])
}

// century is what a year of two digits is read in.
const century = 2000

// yearOf is the year that a placeholder's number means.
func yearOf(part map[string]int) int {
	if short, is := part["{yy}"]; is {
		return century + short
	}
	return part["{yyyy}"]
}

// split puts aside lone tables that have the same columns: they are pieces of one, by something else than the time. Others are
// facts.
func (found *Found) split(lone [][]named) (groups [][]named) {
	alike := map[string][]warehouse.Table{}
	shape := func(t warehouse.Table) (key string) {
		for _, c := range t.Columns {
			key += c.Name + "\x00" + c.Type + "\x00"
		}
		return key
	}
	for _, members := range lone {
		t := members[0].table
		alike[shape(t)] = append(alike[shape(t)], t)
	}

	for _, members := range lone {
		t := members[0].table
		switch many := alike[shape(t)]; {
		case len(many) == 1:
			groups = append(groups, members)
		case many[0].Name == t.Name:
			found.aside(many, whySplit)
		}
	}
	return groups
}

// either is another reading of a group's names; "" if there is none that fits all of them.
func either(members []named) string {
	pattern := ""
	for _, m := range members {
		n, whole, ok := shortTime(m.table)
		if !ok || whole == nil || pattern != "" && pattern != n.pattern {
			return ""
		}
		pattern = n.pattern
	}
	return pattern
}
