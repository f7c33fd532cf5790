package scaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// shape is a starting SELECT over one fact.
type shape struct {
	lines   []string // of the SELECT's list
	time    string   // the target's
	timeWhy string   //
	keys    []string // of the target, with time
	keyWhy  string
	total   string // the result's column that a check can hold against the source; "" if there is none
	summed  string // the fact's column behind it

	unsummed, uncarried []string // amounts that the SQL leaves out
}

const (
	mostKeys = 3
	mostSums = 6
)

// shapeOf guesses what a summary of the fact by period and key looks like. Alias is the fact's in the SQL.
func shapeOf(f Fact, dimensions []Dimension, alias string) shape {
	s := shape{}
	taken := map[string]bool{}
	var items [][2]string // an expression and its name
	add := func(expression, name string) string {
		name = free(name, taken)
		items = append(items, [2]string{expression, inSQL(name)})
		return name
	}
	column, _ := find(f.Columns, f.Time)
	expression, name := s.timeOf(f, column, alias)
	s.time = add(expression, name)
	s.keys = []string{s.time}
	keys := keysOf(f, dimensions)
	for _, c := range keys {
		s.keys = append(s.keys, add(keyExpression(c, alias), c.Name))
	}
	s.keyWhy = keyWhy(keys, dimensions, f)
	add("count(*)", "row_count")
	for _, c := range sumsOf(f, keys) {
		expression := "sum(" + alias + "." + inSQL(c.Name) + ")"
		switch {
		case large(c.Type):
			expression = "CAST(" + expression + " AS DECIMAL(38,0))"
		case isInteger(c.Type):
			expression = "CAST(" + expression + " AS BIGINT)" // a sum of integers is a HUGEINT
		}
		sum := add(expression, c.Name)
		if isDecimal(c.Type) && s.total == "" {
			s.total, s.summed = sum, c.Name
		}
	}
	s.lines = aligned(items)
	s.unsummed, s.uncarried = unsummed(f)
	s.lines = slices.Insert(s.lines, len(s.lines)-1, proposed(s.unsummed, alias)...)
	return s
}

// unsummed are the amounts without a limit to their digits, which the lake has as text: how many of them the sums are to
// keep is the user's to say, as to round them silently would be wrong. Of others, such as money, it has nothing.
func unsummed(f Fact) (texts, uncarried []string) {
	for _, c := range f.Columns {
		number := c.Source == "money" || c.Source == "numeric" || strings.HasPrefix(c.Source, "numeric(")
		switch {
		case c.Type != "" || !number || !isAmount(c.Name):
		case c.NoText:
			uncarried = append(uncarried, c.Name)
		default:
			texts = append(texts, c.Name)
		}
	}
	return texts, uncarried
}

// proposed are lines of the SELECT's list, in comments, that sum amounts carried as text.
func proposed(texts []string, alias string) (lines []string) {
	if len(texts) == 0 {
		return nil
	}
	lines = []string{"-- carried as text, as a numeric without a precision has no limit to its digits; a CAST rounds, so choose a scale that keeps them:"}
	for _, name := range texts {
		lines = append(lines, "-- sum(CAST("+alias+"."+inSQL(name)+" AS DECIMAL(38,9))) AS "+inSQL(name)+",")
	}
	return lines
}

// timeOf is the expression of the target's time column, and its name.
func (s *shape) timeOf(f Fact, c hindcast.Column, alias string) (expression, name string) {
	if c.Name == "" {
		s.timeWhy = "guessed: no column places every row of the fact in its table's time; a row's own time is finer"
		if f.Every.Unit == hindcast.Hours {
			return "CAST(:slice_start AS TIMESTAMP WITH TIME ZONE)", "slice_start"
		}
		return "CAST(:slice_start AS DATE)", "slice_start"
	}
	at, part := alias+"."+inSQL(c.Name), "month"
	switch f.Every.Unit {
	case hindcast.Hours:
		part = "hour"
	case hindcast.Days, hindcast.Weeks:
		part = "day"
	case hindcast.Months, hindcast.Quarters, hindcast.Years:
		if f.From.Day() != 1 { // a month begins in the slice before
			part = "day"
		}
	}
	s.timeWhy = fmt.Sprintf("guessed: %s by %s", c.Name, part)
	name = partName(c.Name, part)
	if part == "hour" {
		return "date_trunc('hour', " + at + ")", name
	}
	return "CAST(date_trunc('" + part + "', " + at + ") AS DATE)", name
}

// partName names a time column by the part that it is cut to: usage_date by month is usage_month.
func partName(column, part string) string {
	stem := strings.ReplaceAll(strings.ToLower(column), " ", "_")
	for _, end := range []string{"_date", "_at", "_on", "_time", "_timestamp", "_ts", "_day", "_datetime"} {
		if s, ok := strings.CutSuffix(stem, end); ok && s != "" {
			return s + "_" + part
		}
	}
	switch stem {
	case "date", "day", "time", "timestamp", "ts", "datetime":
		return part
	}
	return stem + "_" + part
}

// keysOf are the columns that name what a row is about: those that dimensions explain, otherwise the first that
// look like keys of others.
func keysOf(f Fact, dimensions []Dimension) []hindcast.Column {
	var keys, others []hindcast.Column
	for _, c := range f.Columns {
		explained := slices.ContainsFunc(dimensions, func(d Dimension) bool { return d.FactName == f.Name && d.FactKey == c.Name })
		switch {
		case explained:
			keys = append(keys, c)
		case isKey(c) && !ownKey(c.Name, f.Name):
			others = append(others, c)
		}
	}
	if telling := slices.DeleteFunc(slices.Clone(others), func(c hindcast.Column) bool { return !f.groups(c) }); len(telling) > 0 {
		others = telling
	}
	if len(keys) == 0 {
		keys = others
		if len(keys) > 1 {
			keys = keys[:1]
		}
	}
	return keys[:min(len(keys), mostKeys)]
}

// groups reports whether a column has several values and many rows of each, as far as is known.
func (f Fact) groups(c hindcast.Column) bool {
	const few = 4
	n, known := f.spread[c.Name]
	return !known || n > 1 && n <= f.sample/few
}

func keyWhy(keys []hindcast.Column, dimensions []Dimension, f Fact) string {
	switch {
	case len(keys) == 0:
		return "guessed: no column looks like a key"
	case slices.ContainsFunc(dimensions, func(d Dimension) bool { return d.FactName == f.Name && d.FactKey == keys[0].Name }):
		return "guessed: dimensions are named by " + joined(keys)
	}
	return "guessed: " + joined(keys) + " looks like a key"
}

func joined(columns []hindcast.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.Name
	}
	return strings.Join(list, ", ")
}

// keyExpression keeps rows without a key: a key may not be NULL in the target.
func keyExpression(c hindcast.Column, alias string) string {
	at := alias + "." + inSQL(c.Name)
	switch {
	case c.NotNull:
		return at
	case c.Type == "VARCHAR":
		return "coalesce(" + at + ", '(none)')"
	case isInteger(c.Type) && !strings.HasPrefix(c.Type, "U"):
		return "coalesce(" + at + ", -1)"
	}
	return "coalesce(CAST(" + at + " AS VARCHAR), '(none)')"
}

// sumsOf are the columns worth adding up: decimals, whose sums are exact; where there are none, other numbers.
func sumsOf(f Fact, keys []hindcast.Column) []hindcast.Column {
	var decimals, others []hindcast.Column
	for _, c := range f.Columns {
		key := isKey(c) || ownKey(c.Name, f.Name) || slices.ContainsFunc(keys, func(k hindcast.Column) bool { return k.Name == c.Name })
		switch {
		case key || !isAmount(c.Name):
		case isDecimal(c.Type):
			decimals = append(decimals, c)
		case isInteger(c.Type) || c.Type == "DOUBLE" || c.Type == "FLOAT":
			others = append(others, c)
		}
	}
	if len(decimals) == 0 {
		decimals = others
	}
	slices.SortStableFunc(decimals, func(a, b hindcast.Column) int { return cmp.Compare(amountRank(a.Name), amountRank(b.Name)) })
	return decimals[:min(len(decimals), mostSums)]
}

// aligned writes a SELECT's list with its names below each other.
func aligned(items [][2]string) []string {
	wide := 0
	for _, item := range items {
		wide = max(wide, len(item[0]))
	}
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = fmt.Sprintf("%-*s AS %s", wide, item[0], item[1])
		if i < len(items)-1 {
			lines[i] += ","
		}
	}
	return lines
}
