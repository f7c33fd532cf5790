package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
)

// Group is a source that a slice reads for a fact, among others: one of its tables.
type Group struct {
	Source  string
	Columns []hindcast.Column // none, of a table that is not there
}

// Unite gives the columns that the SQL sees of the groups together: each of the type that holds the values of all exactly.
// One that has no such type, or that only some of the groups have, is Absent and Refused: reading it would round values, or
// make up NULLs, without a word. alike reports whether all groups have these very columns.
//
// Declared columns are what their declaration says, whatever the groups have, and then the groups are read apart.
func Unite(groups []Group, declared []hindcast.Declared) (columns []hindcast.Column, alike bool) {
	if columns, alike = unite(groups, declared); len(declared) == 0 || len(columns) == 0 {
		return columns, alike
	}
	return declare(columns, groups, declared), false
}

// declare puts the declared columns in place of what the groups have of them, at the end.
func declare(columns []hindcast.Column, groups []Group, declared []hindcast.Declared) []hindcast.Column {
	var out []hindcast.Column
	for _, c := range columns {
		if !declares(declared, c.Name) {
			out = append(out, c)
		}
	}
	for _, d := range declared {
		c := hindcast.Column{Name: d.Name, Type: d.Type, Declared: &d}
		for _, g := range groups {
			if c.Refused == "" {
				c = fits(c, g)
			}
		}
		out = append(out, c)
	}
	return out
}

// declares reports whether a declared column has, or had, the name.
func declares(declared []hindcast.Declared, name string) bool {
	return slices.ContainsFunc(declared, func(d hindcast.Declared) bool {
		return strings.EqualFold(d.Name, name) || has(d.Was, name)
	})
}

// fits refuses a declared column that a group has twice, or of a type that cannot become the declared one without a loss.
func fits(c hindcast.Column, g Group) hindcast.Column {
	i := c.In(g.Columns)
	if i < 0 {
		return c
	}
	is := g.Columns[i]
	for _, other := range g.Columns {
		if other.Name != is.Name && has(c.Names(), other.Name) {
			return refuse(c, fmt.Sprintf("is in %s twice, as %s and as %s", g.Source, is.Name, other.Name), "take one of the two out of `was:`")
		}
	}
	switch {
	case isStandIn(is) || is.Type == "" || is.Refused != "":
		return refuse(c, cmp.Or(is.Refused, fmt.Sprintf("has the type %s in %s, which cannot be carried exactly", strings.TrimPrefix(is.Source, standIn), g.Source)),
			cmp.Or(is.Mend, "carry it as its exact text with `text:`"))
	case !datatype.Becomes(is.Type, c.Type):
		return refuse(c, fmt.Sprintf("is %s in %s and declared as %s: that cast could lose something", cmp.Or(is.Source, is.Type), g.Source, c.Type),
			"declare a type that holds all of its values")
	}
	c.Text, c.Collation = c.Text || is.Text, cmp.Or(c.Collation, is.Collation)
	return c
}

func unite(groups []Group, declared []hindcast.Declared) (columns []hindcast.Column, alike bool) {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g Group) bool { return len(g.Columns) == 0 })
	if len(groups) == 0 {
		return nil, true
	}
	first := groups[0]
	if !slices.ContainsFunc(groups, func(g Group) bool { return !sameRead(first.Columns, g.Columns) }) {
		return first.Columns, true
	}

	from := make([]string, 0, len(first.Columns)) // where each column is known from
	for _, g := range groups {
		for _, c := range g.Columns {
			if i := find(columns, c.Name); i < 0 {
				columns, from = append(columns, c), append(from, g.Source)
			} else if columns[i].Refused == "" {
				columns[i] = uniteColumn(columns[i], from[i], c, g.Source)
			}
		}
	}
	for i := range columns {
		for _, g := range groups {
			if columns[i].Refused == "" && find(g.Columns, columns[i].Name) < 0 && !declares(declared, columns[i].Name) {
				columns[i] = refuse(columns[i], fmt.Sprintf("is in %s and not in %s", from[i], g.Source), "add it there, in the table or a view of it")
			}
		}
	}
	return columns, false
}

// sameRead reports whether files of either columns are read by the same names and types.
func sameRead(a, b []hindcast.Column) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.EqualFunc(a, b, func(x, y hindcast.Column) bool {
		return x.Name == y.Name && x.Type == y.Type && x.Stored == y.Stored && x.Absent == y.Absent
	}))
}

func uniteColumn(a hindcast.Column, inA string, b hindcast.Column, inB string) hindcast.Column {
	typ, ok := datatype.Common(a.Type, b.Type)
	if !ok {
		return refuse(a, fmt.Sprintf("is %s in %s and %s in %s, and no type holds the values of both exactly", cmp.Or(a.Source, a.Type), inA, cmp.Or(b.Source, b.Type), inB),
			"cast it to one type in views, and name those as the fact's tables")
	}
	a.Absent = a.Absent || b.Absent
	if typ != a.Type || typ != b.Type {
		a.Type, a.Source, a.Stored = typ, "", ""
	}
	if !strings.EqualFold(a.Source, b.Source) {
		a.Source = ""
	}
	return a
}

func refuse(c hindcast.Column, why, mend string) hindcast.Column {
	c.Absent, c.Refused, c.Mend = true, why, mend+"; or leave it out of the SQL"
	return c
}

// RefuseRead is E-TYPE for the first of a table's columns that is Refused and read; nil if none is. A table that read does
// not name is read whole.
func (p *Plan) RefuseRead(table string, columns []hindcast.Column, read map[string][]string) error {
	names, sure := read[table]
	for _, c := range columns {
		if c.Refused != "" && !isStandIn(c) && (!sure || has(names, c.Name)) {
			return notCarried(&p.Pipeline, "facts."+table, table, c, c.Type)
		}
	}
	return nil
}
