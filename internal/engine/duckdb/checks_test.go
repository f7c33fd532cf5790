package duckdb_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// Checks over few rows share a statement; the error is that of the first that does not hold, or cannot be run, as if each had its own.
func TestChecksTogether(t *testing.T) {
	w := world(t)
	total := func(equals string) engine.Check {
		return engine.Check{Check: hindcast.Check{Name: "total", Total: &hindcast.TotalCheck{Of: "cost", Equals: equals, Within: "0"}}}
	}
	rows := func(name, sql string) engine.Check { return engine.Check{Check: hindcast.Check{Name: name, SQL: sql}} }
	for name, test := range map[string]struct {
		checks []engine.Check
		says   string // "" if all hold
	}{
		"hold":        {[]engine.Check{total("SELECT sum(cost) FROM facts -- all"), rows("a", "SELECT * FROM result WHERE cost < 0;"), rows("b", "SELECT 1 FROM facts WHERE id > 7 -- none")}, ""},
		"no total":    {[]engine.Check{total("SELECT sum(cost) + 1 FROM facts"), rows("a", "SELECT 1 WHERE false")}, `check "total" failed: the result's sum of cost is 1.000000, expected 2.000000`},
		"NULL total":  {[]engine.Check{total("SELECT sum(cost) FROM facts WHERE false"), rows("a", "SELECT 1 WHERE false")}, `check "total" failed: the result's sum of cost is 1.000000, expected NULL`},
		"a row":       {[]engine.Check{total("SELECT sum(cost) FROM facts"), rows("a", "SELECT * FROM result")}, `check "a" failed: it gave 1 row`},
		"the first":   {[]engine.Check{rows("a", "SELECT 1 WHERE false"), rows("b", "FROM result"), rows("c", "FROM facts")}, `check "b" failed`},
		"an error":    {[]engine.Check{rows("a", "SELECT 1 WHERE false"), rows("b", "SELECT 1 FROM facts WHERE error('no ' || id) IS NULL")}, `check "b": no 1`},
		"too few too": {[]engine.Check{rows("a", "SELECT 1 WHERE false"), {Check: hindcast.Check{Name: "rows", Rows: &hindcast.RowsCheck{Min: limit(2)}}}, total("SELECT sum(cost) FROM facts")}, `check "rows" failed: 1 row, at least 2 expected`},
	} {
		_, err := run(t, w, strings.ReplaceAll(name, " ", "-"), "SELECT day, cost FROM facts", time.Time{}, "UTC", test.checks,
			hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "cost", Type: "DECIMAL(18,6)"})
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}
