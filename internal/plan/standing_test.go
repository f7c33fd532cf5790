package plan_test

import (
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Totals count where Content only names transactions, as numbers, and only of columns that are still summed exactly.
func TestStands(t *testing.T) {
	for name, c := range map[string]struct {
		content, was, is, typ string
		want                  bool
	}{
		"equal":                         {"xid:7", "3.50", "3.50", "DECIMAL(18,2)", true},
		"a column that was added again": {"xid:7", "3.50", "", "DECIMAL(18,2)", false},
		"with a default":                {"xid:7", "3", "0", "BIGINT", false},
		"a zero that is NULL now":       {"xid:7", "0", "", "BIGINT", false},
		"more decimals":                 {"xid:7", "-3.5", "-3.500000", "DECIMAL(18,6)", true},
		"zeros before the point":        {"xid:7", "100", "100.00", "DECIMAL(18,2)", true},
		"fewer, of nothing but zeros":   {"xid:7", "3.500000", "3.50", "DECIMAL(18,2)", true},
		"fewer, which say nothing":      {"xid:7", "3.512345", "3.51", "DECIMAL(18,2)", true},
		"fewer, and NULL":               {"xid:7", "3.512345", "", "DECIMAL(18,2)", false},
		"a column of the new SQL":       {"xid:7", "", "3", "BIGINT", true},
		"not exact any more":            {"xid:7", "3", "", "DOUBLE", true},
		"a hash of all values":          {"7", "3", "4", "BIGINT", true},
	} {
		sums := func(total string) hindcast.Sums {
			s := hindcast.Sums{Rows: 2, Content: c.content}
			if total != "" {
				s.Totals = map[string]string{"n": total}
			}
			return s
		}

		columns := []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: c.typ}}
		if got := plan.Stands(sums(c.was), sums(c.is), columns); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		if plan.Stands(sums(c.was), hindcast.Sums{Rows: 3, Content: c.content}, columns) {
			t.Errorf("%s: another number of rows stands", name)
		}
	}
}
