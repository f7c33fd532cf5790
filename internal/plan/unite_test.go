package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

func columnsOf(spec string) (columns []hindcast.Column) {
	for _, c := range strings.Split(spec, ", ") {
		name, typ, _ := strings.Cut(c, " ")
		columns = append(columns, hindcast.Column{Name: name, Type: typ})
	}
	return columns
}

// A slice may read several tables of a fact. What they do not have alike is of a type that holds the values of all, or Refused.
func TestUnite(t *testing.T) {
	for _, c := range []struct{ first, second, want string }{
		{"t DATE, x BIGINT", "t DATE, x BIGINT", "alike: t DATE, x BIGINT"},
		{"t DATE, x BIGINT", "x BIGINT, t DATE", "t DATE, x BIGINT"},
		{"t DATE, x INTEGER", "t TIMESTAMP, X BIGINT", "t TIMESTAMP, x BIGINT"},
		{"x DECIMAL(18,2)", "x DECIMAL(12,10)", "x DECIMAL(26,10)"},
		{"x DECIMAL(38,2)", "x DECIMAL(38,10)", "x refused: is DECIMAL(38,2) in a and DECIMAL(38,10) in b, and no type holds the values of both exactly"},
		{"x BIGINT", "x DOUBLE", "x refused: is BIGINT in a and DOUBLE in b, and no type holds the values of both exactly"},
		{"t DATE, x BIGINT", "t DATE", "t DATE, x refused: is in a and not in b"},
		{"t DATE", "t DATE, y VARCHAR", "t DATE, y refused: is in b and not in a"},
		{"t DATE", "", "alike: t DATE"},
	} {
		groups := []plan.Group{{Source: "a", Columns: columnsOf(c.first)}, {Source: "b", Columns: columnsOf(c.second)}}
		if c.second == "" { // a table that is not there
			groups[1].Columns = nil
		}
		columns, alike := plan.Unite(groups, nil)
		var got []string
		for _, column := range columns {
			if column.Absent != (column.Refused != "") {
				t.Errorf("%+v: %+v", c, column)
			}
			if column.Refused != "" {
				got = append(got, column.Name+" refused: "+column.Refused)
			} else {
				got = append(got, column.Name+" "+column.Type)
			}
		}
		text := strings.Join(got, ", ")
		if alike {
			text = "alike: " + text
		}
		if text != c.want {
			t.Errorf("%q and %q: %s; want %s", c.first, c.second, text, c.want)
		}
	}
}

// Stored is how one file keeps a type: files that keep it otherwise are read apart.
func TestUniteReadsApartWhatIsStoredOtherwise(t *testing.T) {
	a, b := hindcast.Column{Name: "x", Type: "INTERVAL", Stored: "VARCHAR"}, hindcast.Column{Name: "x", Type: "INTERVAL"}
	columns, alike := plan.Unite([]plan.Group{{Source: "a", Columns: []hindcast.Column{a}}, {Source: "b", Columns: []hindcast.Column{b}}}, nil)
	if alike || fmt.Sprint(columns[0].Type, columns[0].Refused) != "INTERVAL" {
		t.Errorf("alike is %v, %+v", alike, columns)
	}
}

// Declared columns have one name and type for the SQL, whatever the tables have. What a cast could lose, or is there twice, is Refused.
func TestUniteDeclared(t *testing.T) {
	declared := []hindcast.Declared{{Name: "tag", Type: "VARCHAR", Was: []string{"label", "mark"}}, {Name: "n", Type: "BIGINT"}}
	for _, c := range []struct{ first, second, want string }{
		{"t DATE, label VARCHAR, n INTEGER", "t DATE, TAG VARCHAR, n BIGINT", "t DATE, tag VARCHAR, n BIGINT"},
		{"t DATE, label VARCHAR, n INTEGER", "t DATE, label VARCHAR, n INTEGER", "t DATE, tag VARCHAR, n BIGINT"},
		{"t DATE", "t DATE, mark INTEGER", "t DATE, tag VARCHAR, n BIGINT"},
		{"t DATE", "t DATE, label VARCHAR, tag VARCHAR", "t DATE, tag refused: is in b twice, as tag and as label, n BIGINT"},
		{"t DATE, n DOUBLE", "t DATE, n BIGINT", "t DATE, tag VARCHAR, n refused: is DOUBLE in a and declared as BIGINT: that cast could lose something"},
		{"t DATE, label DATE", "t DATE, y VARCHAR", "t DATE, y refused: is in b and not in a, tag refused: is DATE in a and declared as VARCHAR: that cast could lose something, n BIGINT"},
	} {
		columns, alike := plan.Unite([]plan.Group{{Source: "a", Columns: columnsOf(c.first)}, {Source: "b", Columns: columnsOf(c.second)}}, declared)
		var got []string
		for _, column := range columns {
			if column.Refused != "" {
				got = append(got, column.Name+" refused: "+column.Refused)
			} else {
				got = append(got, column.Name+" "+column.Type)
			}
		}
		if text := strings.Join(got, ", "); alike || text != c.want {
			t.Errorf("%q and %q: %s, alike %v; want %s", c.first, c.second, text, alike, c.want)
		}
	}
}

// The line to paste has one type for each column that differs, and a rename only where one column alone could be it.
func TestDeclarations(t *testing.T) {
	course := func(name string, types ...string) plan.Course {
		c := plan.Course{Fact: "s", Column: name}
		for i, typ := range types {
			key := fmt.Sprintf("2024-%02d", i+1)
			c.Of = append(c.Of, plan.Stretch{From: key, To: key, Type: typ})
		}
		return c
	}
	for _, c := range []struct {
		courses []plan.Course
		want    string
	}{
		{[]plan.Course{course("tag", "", "VARCHAR"), course("label", "VARCHAR", "")}, "columns: {tag: {type: varchar, was: [label]}}"},
		{[]plan.Course{course("tag", "", "BIGINT"), course("label", "INTEGER", "")}, "columns: {tag: {type: bigint, was: [label]}}"},
		{[]plan.Course{course("tag", "", "VARCHAR"), course("label", "DATE", "")}, "columns: {tag: {type: varchar}, label: {type: date}}"},
		{[]plan.Course{course("a", "", "VARCHAR"), course("b", "", "VARCHAR"), course("c", "VARCHAR", "")},
			"columns: {a: {type: varchar}, b: {type: varchar}, c: {type: varchar}}"},
		{[]plan.Course{course("n", "INTEGER", "VARCHAR"), course("x", "BIGINT", "DOUBLE")}, "columns: {'n': {type: varchar}}"},
		{[]plan.Course{course("no", "DECIMAL(9,2)", "DECIMAL(12,4)"), course("l", "INTEGER[]", "")}, `columns: {'no': {type: "decimal(12,4)"}}`},
	} {
		p := &plan.Plan{Courses: c.courses}
		if line, _ := p.Declarations(&hindcast.Fact{Name: "s"}, func(plan.Course) bool { return true }); line != c.want {
			t.Errorf("%+v: %s; want %s", c.courses, line, c.want)
		}
	}
}
