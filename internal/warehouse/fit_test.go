package warehouse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// fits is what a type of the result may become in the target, besides itself: each keeps every value that the cast lets through.
// What is not listed could lose something without an error, and is refused.
var fits = map[string]string{
	"TINYINT":                  wholes + decimals + "FLOAT DOUBLE",
	"UTINYINT":                 wholes + decimals + "FLOAT DOUBLE",
	"SMALLINT":                 wholes + decimals + "FLOAT DOUBLE",
	"USMALLINT":                wholes + decimals + "FLOAT DOUBLE",
	"INTEGER":                  wholes + decimals + "DOUBLE",
	"UINTEGER":                 wholes + decimals + "DOUBLE",
	"BIGINT":                   wholes + decimals,
	"UBIGINT":                  wholes + decimals,
	"HUGEINT":                  wholes + decimals,
	"UHUGEINT":                 wholes + decimals,
	"DECIMAL(9,0)":             wholes + decimals,
	"DECIMAL(18,6)":            "DECIMAL(38,6) DECIMAL(38,10)",
	"DECIMAL(38,6)":            "DECIMAL(18,6) DECIMAL(38,10)", // fewer digits before the point: refused value by value
	"DECIMAL(38,10)":           "",
	"FLOAT":                    "DOUBLE",
	"DOUBLE":                   "",
	"VARCHAR":                  "JSON UUID ENUM('a','b')",
	"JSON":                     "VARCHAR",
	"ENUM('a','b')":            "VARCHAR",
	"BLOB":                     "",
	"UUID":                     "",
	"BOOLEAN":                  "",
	"DATE":                     "TIMESTAMP",
	"TIME":                     "",
	"TIMESTAMP":                "",
	"TIMESTAMP_S":              "",
	"TIMESTAMP_NS":             "",
	"TIMESTAMP WITH TIME ZONE": "",
	"INTERVAL":                 "",
	"INTEGER[]":                "",
	`"NULL"`:                   "everything",
}

const (
	wholes   = "TINYINT UTINYINT SMALLINT USMALLINT INTEGER UINTEGER BIGINT UBIGINT HUGEINT UHUGEINT "
	decimals = "DECIMAL(9,0) DECIMAL(18,6) DECIMAL(38,6) DECIMAL(38,10) "
)

func allowed(from, to string) bool {
	list := " " + fits[from] + " "
	return from == to || fits[from] == "everything" || strings.Contains(list, " "+to+" ")
}

// Every type of a result against every type of a target: what fits is staged as the target's type, what does not is refused
// with a statement that mends it.
func TestFitOfAllPairs(t *testing.T) {
	for from := range fits {
		for to := range fits {
			if to == `"NULL"` {
				continue // no table has such a column
			}
			target, result := []hindcast.Column{{Name: "Value", Type: to}}, []hindcast.Column{{Name: "value", Type: from}}
			staged, err := warehouse.Fit("sales", "", "UTC", target, result)
			if allowed(from, to) {
				if err != nil || len(staged) != 1 || staged[0].Type != to || staged[0].Name != "Value" {
					t.Errorf("%s into %s: staged as %+v, %v", from, to, staged, err)
				}
				continue
			}
			e := hindcast.AsError(err)
			if err == nil || e.Code != hindcast.ETarget || !strings.Contains(e.Message, from) || !strings.Contains(e.Message, to) {
				t.Errorf("%s into %s: %v", from, to, err)
				continue
			}
			alter := fmt.Sprintf(`ALTER TABLE sales ALTER COLUMN "Value" TYPE %s USING `, from)
			if !strings.HasPrefix(e.Next, alter) || !strings.Contains(e.Next, fmt.Sprintf("CAST(… AS %s)", to)) {
				t.Errorf("%s into %s: proposes %s", from, to, e.Next)
			}
		}
	}
}

// Columns are matched by name; what is missing on one side is named, unless the target can do without.
func TestFitOfColumns(t *testing.T) {
	day, n := hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "n", Type: "BIGINT"}
	odd := hindcast.Column{Name: `a "b"`, Type: "jsonb", Source: "jsonb"}
	for what, c := range map[string]struct {
		target, result []hindcast.Column
		message, next  string // "" if it fits
	}{
		"the same":              {target: []hindcast.Column{day, n}, result: []hindcast.Column{day, n}},
		"another order":         {target: []hindcast.Column{n, day}, result: []hindcast.Column{day, n}},
		"more in the target":    {target: []hindcast.Column{day, n}, result: []hindcast.Column{day}},
		"more in the result":    {target: []hindcast.Column{day}, result: []hindcast.Column{day, n}, message: `sales has no column "n"`, next: `ALTER TABLE s.sales ADD COLUMN "n" BIGINT`},
		"a name with quotes":    {target: []hindcast.Column{day}, result: []hindcast.Column{day, odd}, message: `no column "a \"b\""`, next: `ADD COLUMN "a ""b""" jsonb`},
		"NOT NULL":              {target: []hindcast.Column{day, {Name: "n", Type: "BIGINT", NotNull: true}}, result: []hindcast.Column{day}, message: `column "n" of sales may not be NULL`, next: `ALTER TABLE s.sales ALTER COLUMN "n" DROP NOT NULL`},
		"NOT NULL with default": {target: []hindcast.Column{day, {Name: "n", Type: "BIGINT", NotNull: true, Default: true}}, result: []hindcast.Column{day}},
		"generated":             {target: []hindcast.Column{day, {Name: "n", Type: "BIGINT", Generated: true}}, result: []hindcast.Column{day, n}, message: `column "n" of sales is generated`, next: "leave it out"},
		"left to the warehouse": {target: []hindcast.Column{{Name: "day", Source: "inet"}}, result: []hindcast.Column{day}},
	} {
		staged, err := warehouse.Fit("sales", "s.sales", "UTC", c.target, c.result)
		if c.message == "" {
			if err != nil || len(staged) != len(c.result) {
				t.Errorf("%s: %+v, %v", what, staged, err)
			}
			continue
		}
		if e := hindcast.AsError(err); err == nil || e.Code != hindcast.ETarget || !strings.Contains(e.Message, c.message) || !strings.Contains(e.Next, c.next) {
			t.Errorf("%s: %v; %v", what, err, e)
		}
	}
}

// What turns an instant into a civil time, or back, names the history's zone: the session's would be another.
func TestFitNamesTheZone(t *testing.T) {
	const instant, zone = "TIMESTAMP WITH TIME ZONE", "Europe/Paris"
	for _, c := range []struct{ target, result, using string }{
		{instant, "TIMESTAMP", `"t" AT TIME ZONE 'Europe/Paris'`},
		{"TIMESTAMP", instant, `"t" AT TIME ZONE 'Europe/Paris'`},
		{"TIMESTAMP_NS", instant, `"t"::TIMESTAMP AT TIME ZONE 'Europe/Paris'`},
		{instant, "DATE", `("t" AT TIME ZONE 'Europe/Paris')::DATE`},
		{"DATE", instant, `"t"::timestamp AT TIME ZONE 'Europe/Paris'`},
		{"DOUBLE", "DECIMAL(18,6)", `"t"::DECIMAL(18,6)`},
	} {
		_, err := warehouse.Fit("sales", "", zone, []hindcast.Column{{Name: "t", Type: c.target}}, []hindcast.Column{{Name: "t", Type: c.result}})
		if err == nil || !strings.Contains(hindcast.AsError(err).Next, "USING "+c.using+";") {
			t.Errorf("%s to %s: %v", c.target, c.result, hindcast.AsError(err).Next)
		}
	}
}
