package scaffold

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// timeForms are how a time stands in a table's name, the finest first. The group before a number is what parts it
// from the number before it.
var timeForms = []struct {
	form  *regexp.Regexp
	order []string // the placeholders of the numbers, in the form's order
	every hindcast.Period
}{
	{regexp.MustCompile(`(\d{4})([_-]?)(\d{2})([_-]?)(\d{2})([_-]?|[tT])(\d{2})`), []string{"{yyyy}", "{mm}", "{dd}", "{hh}"}, hindcast.Period{N: 1, Unit: hindcast.Hours}},
	{regexp.MustCompile(`(\d{4})([_-]?)(\d{2})([_-]?)(\d{2})`), []string{"{yyyy}", "{mm}", "{dd}"}, hindcast.Period{N: 1, Unit: hindcast.Days}},
	{regexp.MustCompile(`(\d{2})([_-])(\d{2})([_-])(\d{4})`), []string{"{dd}", "{mm}", "{yyyy}"}, hindcast.Period{N: 1, Unit: hindcast.Days}},
	{regexp.MustCompile(`(\d{4})([_-]?[qQ])([1-4])`), []string{"{yyyy}", "{q}"}, hindcast.Period{N: 1, Unit: hindcast.Quarters}},
	{regexp.MustCompile(`(\d{4})([_-]?)(\d{2})`), []string{"{yyyy}", "{mm}"}, hindcast.Period{N: 1, Unit: hindcast.Months}},
	{regexp.MustCompile(`(\d{2})([_-])(\d{4})`), []string{"{mm}", "{yyyy}"}, hindcast.Period{N: 1, Unit: hindcast.Months}},
	{regexp.MustCompile(`(\d{4})`), []string{"{yyyy}"}, hindcast.Period{N: 1, Unit: hindcast.Years}},
}

// named is a table whose name holds a time.
type named struct {
	table   warehouse.Table
	schema  string // as it is spelled, with the dot behind it
	pattern string // the name with placeholders, without the schema, not quoted
	quoted  bool   // the warehouse spells the name with quotes
	stem    string // the name without the time
	every   hindcast.Period
	start   time.Time
}

// splitName parts the schema, as it is spelled, from the table's own name, unquoted.
func splitName(name string) (schema, own string) {
	quoted, at := false, 0
	for i := range len(name) {
		switch {
		case name[i] == '"':
			quoted = !quoted
		case name[i] == '.' && !quoted:
			at = i + 1
		}
	}
	schema, own = name[:at], name[at:]
	if len(own) > 1 && own[0] == '"' && own[len(own)-1] == '"' {
		own = strings.ReplaceAll(own[1:len(own)-1], `""`, `"`)
	}
	return schema, own
}

// spelled writes a table's own name as a pipeline file has it: quoted where a dot or a quote stands in it.
func spelled(own string) string {
	if strings.ContainsAny(own, `."`) {
		return quoteName(own)
	}
	return own
}

// spell is spelled for a name like this one.
func (n named) spell(own string) string {
	if n.quoted {
		return quoteName(own)
	}
	return spelled(own)
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// timeIn finds the time in a table's name.
func timeIn(t warehouse.Table) (named, bool) {
	schema, own := splitName(t.Name)
	for _, f := range timeForms {
		for _, at := range f.form.FindAllStringSubmatchIndex(own, -1) {
			if digit(own, at[0]-1) || digit(own, at[1]) {
				continue
			}
			start, pattern, ok := readTime(own, at, f.order)
			if !ok {
				continue
			}
			return named{table: t, schema: schema, quoted: strings.HasSuffix(t.Name, `"`), every: f.every, start: start,
				pattern: own[:at[0]] + pattern + own[at[1]:],
				stem:    strings.Trim(own[:at[0]], "_- .") + joint(own[:at[0]], own[at[1]:]) + strings.Trim(own[at[1]:], "_- .")}, true
		}
	}
	return named{}, false
}

func joint(before, after string) string {
	if strings.Trim(before, "_- .") == "" || strings.Trim(after, "_- .") == "" {
		return ""
	}
	return "_"
}

func digit(s string, i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }

// readTime turns the numbers of a match into a time, and the match into placeholders.
func readTime(own string, at []int, order []string) (time.Time, string, bool) {
	part := map[string]int{"{mm}": 1, "{dd}": 1}
	pattern := ""
	for i, placeholder := range order {
		if i > 0 {
			pattern += own[at[4*i]:at[4*i+1]]
		}
		n, err := strconv.Atoi(own[at[2+4*i]:at[3+4*i]])
		if err != nil {
			return time.Time{}, "", false
		}
		part[placeholder] = n
		pattern += placeholder
	}
	if q := part["{q}"]; q > 0 {
		part["{mm}"] = 3*q - 2
	}
	y, m, d, h := part["{yyyy}"], part["{mm}"], part["{dd}"], part["{hh}"]
	start := time.Date(y, time.Month(m), d, h, 0, 0, 0, time.UTC)
	ok := y >= 1900 && y < 2100 && start.Year() == y && int(start.Month()) == m && start.Day() == d && start.Hour() == h
	return start, pattern, ok
}

// fill puts a time into a name's placeholders.
func fill(pattern string, start time.Time) string {
	return strings.NewReplacer("{yyyy}", start.Format("2006"), "{mm}", start.Format("01"), "{dd}", start.Format("02"),
		"{hh}", start.Format("15"), "{q}", strconv.Itoa((int(start.Month())+2)/3)).Replace(pattern)
}

// group gathers the tables whose names differ in their time only, each group in the order of time. Lone are groups
// of one table without a time column, single all other tables.
func group(tables []warehouse.Table) (groups, lone [][]named, single []warehouse.Table) {
	byPattern := map[string][]named{}
	for _, t := range tables {
		n, ok := timeIn(t)
		if !ok {
			single = append(single, t)
			continue
		}
		key := strings.ToLower(n.schema + n.pattern)
		byPattern[key] = append(byPattern[key], n)
	}
	for _, members := range byPattern {
		slices.SortFunc(members, func(a, b named) int { return a.start.Compare(b.start) })
		switch {
		case len(members) > 1:
			groups = append(groups, members)
		case len(timeColumns(members[0].table.Columns)) > 0:
			single = append(single, members[0].table)
		default:
			lone = append(lone, members)
		}
	}
	byName := func(a, b []named) int { return cmp.Compare(a[0].table.Name, b[0].table.Name) }
	slices.SortFunc(groups, byName)
	slices.SortFunc(lone, byName)
	slices.SortFunc(single, func(a, b warehouse.Table) int { return cmp.Compare(a.Name, b.Name) })
	return groups, lone, single
}

// period guesses how much of time one table of a group covers, from the distances between their names, and which
// names are missing between the first and the last. Stray are tables that the period does not name.
func period(members []named) (every hindcast.Period, missing, stray []string) {
	unit := members[0].every
	count, common := map[int]int{}, 0
	for i := 1; i < len(members); i++ {
		n := distance(unit, members[i-1].start, members[i].start)
		count[n]++
		common = gcd(common, n)
	}
	if common == 0 {
		return unit, nil, nil
	}
	often := common
	for n, times := range count {
		if times > count[often] || times == count[often] && n < often {
			often = n
		}
	}
	every = hindcast.Period{N: common, Unit: unit.Unit}
	missing, stray = gaps(members, every)
	if often != common {
		other := hindcast.Period{N: often, Unit: unit.Unit}
		if m, s := gaps(members, other); len(m)+len(s) < len(missing) {
			every, missing, stray = other, m, s
		}
	}
	if every.Unit == hindcast.Days && every.N%7 == 0 {
		every = hindcast.Period{N: every.N / 7, Unit: hindcast.Weeks}
	}
	return every, missing, stray
}

func gaps(members []named, every hindcast.Period) (missing, stray []string) {
	first, last := members[0], members[len(members)-1]
	there := map[time.Time]bool{}
	for _, m := range members {
		there[m.start] = true
	}
	on := map[time.Time]bool{}
	for k := 0; ; k++ {
		start := every.AddTo(first.start, k)
		if start.After(last.start) {
			break
		}
		on[start] = true
		if !there[start] {
			missing = append(missing, first.schema+first.spell(fill(first.pattern, start)))
		}
	}
	for _, m := range members {
		if !on[m.start] {
			stray = append(stray, m.table.Name)
		}
	}
	return missing, stray
}

// distance counts the units between two times.
func distance(unit hindcast.Period, from, to time.Time) int {
	months := (to.Year()-from.Year())*12 + int(to.Month()-from.Month())
	switch unit.Unit {
	case hindcast.Hours:
		return int(to.Sub(from).Hours())
	case hindcast.Days, hindcast.Weeks:
		return int(to.Sub(from).Hours()) / 24
	case hindcast.Months:
		return months
	case hindcast.Quarters:
		return months / 3
	case hindcast.Years:
		return months / 12
	}
	return 0
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are words that no table or column can be called by in SQL without quotes.
var reserved = strings.Fields(`all analyse analyze and anti any array as asc asymmetric both case cast check collate
	column constraint create cross default deferrable desc describe distinct do else end except exists false fetch for
	foreign from full glob grant group having ilike in initially inner intersect into is isnull join lambda lateral
	leading left like limit map natural not notnull null offset on only or order outer overlaps pivot placing
	positional primary qualify references returning right select semi show similar some struct summarize symmetric
	table tablesample then to trailing true try_cast union unique unpivot using values variadic when where window with`)

// inSQL writes a name as SQL needs it.
func inSQL(name string) string {
	if plainName.MatchString(name) && !slices.Contains(reserved, strings.ToLower(name)) {
		return name
	}
	return quoteName(name)
}

var notInNames = regexp.MustCompile(`[^a-z0-9_]+`)

// simple makes a name of small letters, digits and _; otherwise if nothing is left.
func simple(text, otherwise string) string {
	text = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(text), "_"), "_")
	const long = 60
	if len(text) > long {
		text = strings.Trim(text[:long], "_")
	}
	if text == "" {
		return otherwise
	}
	return text
}

// free returns the name, with a number behind it if it is taken, and takes it.
func free(name string, taken map[string]bool) string {
	unique := name
	for n := 2; taken[strings.ToLower(unique)]; n++ {
		unique = fmt.Sprintf("%s_%d", name, n)
	}
	taken[strings.ToLower(unique)] = true
	return unique
}
