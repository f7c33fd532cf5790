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
	"github.com/hindcast/hindcast/internal/sqltext"
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
	{regexp.MustCompile(`(\d{4})([_-])(\d{1,2})([_-])(\d{1,2})`), []string{"{yyyy}", "{mm}", "{dd}"}, hindcast.Period{N: 1, Unit: hindcast.Days}},
	{regexp.MustCompile(`(\d{2})([_-])(\d{2})([_-])(\d{4})`), []string{"{dd}", "{mm}", "{yyyy}"}, hindcast.Period{N: 1, Unit: hindcast.Days}},
	{regexp.MustCompile(`(\d{4})([_-]?[qQ])([1-4])`), []string{"{yyyy}", "{q}"}, hindcast.Period{N: 1, Unit: hindcast.Quarters}},
	{regexp.MustCompile(`(\d{4})([_-]?)(\d{2})`), []string{"{yyyy}", "{mm}"}, hindcast.Period{N: 1, Unit: hindcast.Months}},
	{regexp.MustCompile(`(\d{4})([_-])(\d{1,2})`), []string{"{yyyy}", "{mm}"}, hindcast.Period{N: 1, Unit: hindcast.Months}},
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
		return sqltext.Identifier(own)
	}
	return own
}

// spell is spelled for a name like this one.
func (n named) spell(own string) string {
	if n.quoted {
		return sqltext.Identifier(own)
	}
	return spelled(own)
}

// exact reports whether the case of the name's letters matters: the warehouse wrote quotes that nothing else asks for.
func (n named) exact() bool { return n.quoted && !strings.ContainsAny(n.pattern, `."`) }

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
		digits := own[at[2+4*i]:at[3+4*i]]
		n, err := strconv.Atoi(digits)
		if err != nil {
			return time.Time{}, "", false
		}
		part[placeholder] = n
		if len(digits) == 1 && placeholder != "{q}" {
			placeholder = unpadded[placeholder]
		}
		pattern += placeholder
	}
	if q := part["{q}"]; q > 0 {
		part["{mm}"] = 3*q - 2
	}
	y, m, d, h := yearOf(part), part["{mm}"], part["{dd}"], part["{hh}"]
	start := time.Date(y, time.Month(m), d, h, 0, 0, 0, time.UTC)
	ok := y >= 1900 && y < 2100 && start.Year() == y && int(start.Month()) == m && start.Day() == d && start.Hour() == h
	return start, pattern, ok
}

// unpadded are the placeholders of numbers that may have one digit.
var unpadded = map[string]string{"{mm}": "{m}", "{dd}": "{d}"}

// alike gives the names of one family one spelling: 10 is written as 9 is, with or without a leading zero elsewhere.
func alike(list []named) {
	loose := func(n named) string {
		return n.schema + strings.NewReplacer("{mm}", "{m}", "{dd}", "{d}").Replace(n.pattern)
	}
	type spelling struct{ zero, single bool }
	seen := map[string]*spelling{} // by the loose pattern and the placeholder
	for _, n := range list {
		for padded, single := range unpadded {
			key := loose(n) + padded
			if seen[key] == nil {
				seen[key] = &spelling{}
			}
			small := padded == "{mm}" && n.start.Month() < 10 || padded == "{dd}" && n.start.Day() < 10
			seen[key].zero = seen[key].zero || small && strings.Contains(n.pattern, padded)
			seen[key].single = seen[key].single || strings.Contains(n.pattern, single)
		}
	}

	for i, n := range list {
		key := loose(n)
		for padded, single := range unpadded {
			if s := seen[key+padded]; s.single && !s.zero {
				list[i].pattern = strings.ReplaceAll(list[i].pattern, padded, single)
			}
		}
	}
}

// group gathers the tables whose names differ in their time only, each group in the order of time. Lone are groups
// of one table without a time column, single all other tables.
func group(tables []warehouse.Table) (groups, lone [][]named, single []warehouse.Table) {
	byPattern := map[string][]named{}
	var list []named
	for _, t := range tables {
		if n, ok := timeIn(t); ok {
			list = append(list, n)
		} else {
			single = append(single, t)
		}
	}

	alike(list)
	for _, n := range list {
		key := n.schema + n.pattern
		if !n.exact() {
			key = strings.ToLower(key)
		}
		byPattern[key] = append(byPattern[key], n)
	}
	for _, members := range byPattern {
		slices.SortFunc(members, func(a, b named) int { return a.start.Compare(b.start) })
		switch {
		case len(members) > 1:
			groups = append(groups, members)
		case len(timeColumns(members[0].table.Columns)) > 0, strings.Contains(members[0].pattern, "{m}"):
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

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are words that no table or column can be called by in SQL without quotes.
var reserved = strings.Fields(`all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check
	collate collation column columns concurrently constraint create cross default deferrable desc describe distinct
	do else end except exists false fetch for foreign freeze from full generated glob grant group having ilike in
	initially inner intersect into is isnull join lambda lateral leading left like limit map natural not notnull
	null offset on only or order outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify
	references returning right select semi show similar some struct summarize symmetric table tablesample then to
	trailing true try_cast union unique unpack unpivot using values variadic verbose when where window with`)

// inSQL writes a name as SQL needs it.
func inSQL(name string) string {
	if plainName.MatchString(name) && !slices.Contains(reserved, strings.ToLower(name)) {
		return name
	}
	return sqltext.Identifier(name)
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

// unquoted is simple, with something added where SQL would need quotes.
func unquoted(text, otherwise string) string {
	name := simple(text, otherwise)
	if name[0] >= '0' && name[0] <= '9' {
		name = "t_" + name
	}
	if slices.Contains(reserved, name) {
		name += "_rows"
	}
	return name
}

// summary names what is made of a fact.
func summary(fact string) string {
	if stem := strings.TrimSuffix(fact, "_rows"); slices.Contains(reserved, stem) {
		fact = stem
	}
	return fact + "_summary"
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
