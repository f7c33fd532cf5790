package duckdb

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
)

// schema is what a footer has on a file's columns.
type schema struct {
	leaves []leaf
	names  []string          // of the top-level columns, as written
	inside map[int][2]string // by top-level column: two fields of one STRUCT in it whose names are the same but for case
	open   []group           // the groups that the next element is in
}

// group is a group of a footer's schema below the top level.
type group struct {
	left int64             // elements that are still to come
	seen map[string]string // the names so far, by themselves in lower case
}

// add takes the next element of the footer's schema, and says which top-level column it is in.
func (s *schema) add(name string, children int64) int {
	for len(s.open) > 0 && s.open[len(s.open)-1].left == 0 {
		s.open = s.open[:len(s.open)-1]
	}
	if len(s.open) == 0 {
		s.names = append(s.names, name)
	} else {
		s.field(&s.open[len(s.open)-1], name)
	}
	if children > 0 {
		s.open = append(s.open, group{left: children, seen: map[string]string{}})
	}
	return len(s.names) - 1
}

func (s *schema) field(g *group, name string) {
	g.left--
	folded := strings.ToLower(name)
	if other, twice := g.seen[folded]; twice {
		if s.inside == nil {
			s.inside = map[int][2]string{}
		}
		s.inside[len(s.names)-1] = [2]string{other, name}
	}
	g.seen[folded] = name
}

// ambiguous finds the columns, as DuckDB describes them, that do not have a name of their own. DuckDB renames the second
// of two to NAME_1, and what is called so to another name, so that a name would mean whichever column comes first.
func (s *schema) ambiguous(columns []hindcast.Column) map[string]oddity {
	found := map[string]oddity{}
	for i, names := range s.inside {
		if i < len(columns) {
			found[columns[i].Name] = indistinct("a type with the fields", names)
		}
	}

	first, twins := map[string]int{}, map[int][2]string{}
	for i, name := range s.names {
		folded := strings.ToLower(name)
		if other, twice := first[folded]; twice {
			twins[i] = [2]string{s.names[other], name}
			twins[other] = twins[i]
		} else {
			first[folded] = i
		}
	}
	for i, c := range columns {
		if names, is := twins[i]; is {
			found[c.Name] = indistinct("one of the columns", names)
		} else if len(twins) > 0 && i < len(s.names) && c.Name != s.names[i] {
			found[c.Name] = oddity{source: fmt.Sprintf("the column %q", s.names[i]), mend: otherNames,
				reads: "DuckDB renames because of columns whose names differ in case only"}
		}
	}
	return found
}

const otherNames = "leave it out of the SQL, or write the files again with other names"

func indistinct(what string, names [2]string) oddity {
	o := oddity{source: fmt.Sprintf("%s %q and %q", what, names[0], names[1]), mend: otherNames,
		reads: "differ in case only, and the SQL could not tell them apart"}
	if names[0] == names[1] {
		o.reads = "have the same name, and the SQL could not tell them apart"
	}
	return o
}
