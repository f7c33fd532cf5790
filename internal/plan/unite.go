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
func Unite(groups []Group) (columns []hindcast.Column, alike bool) {
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
			if columns[i].Refused == "" && find(g.Columns, columns[i].Name) < 0 {
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
