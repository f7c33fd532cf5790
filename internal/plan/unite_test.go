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
		columns, alike := plan.Unite(groups)
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
	columns, alike := plan.Unite([]plan.Group{{Source: "a", Columns: []hindcast.Column{a}}, {Source: "b", Columns: []hindcast.Column{b}}})
	if alike || fmt.Sprint(columns[0].Type, columns[0].Refused) != "INTERVAL" {
		t.Errorf("alike is %v, %+v", alike, columns)
	}
}
