package cases_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
)

// The comparison of random queries finds what an engine would do wrong: each of these differences is told.
func TestPlantedDifferences(t *testing.T) {
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, "CREATE TABLE tame (id integer, j integer, t text, q numeric(18,6), d double precision, f boolean)",
		"INSERT INTO tame VALUES (1, 0, '', 0.5, 0.1, true), (2, 7, 'a ', 0, 1e300, false), (3, NULL, NULL, NULL, NULL, NULL)")
	right, told := c.run, 0
	c.differs = func(string, ...any) { told++ }
	all, sorted, raising := "SELECT a.id, a.j, a.t, a.q, a.d, a.f FROM tame a", "SELECT a.id FROM tame a ORDER BY a.t, a.id", "SELECT 1 / a.j FROM tame a"

	planted := map[string]struct {
		query string
		do    func(r *cases.Ran)
	}{
		"an integer":           {all, func(r *cases.Ran) { r.Result.Rows[1][1].Text = "8" }},
		"a digit":              {all, func(r *cases.Ran) { r.Result.Rows[0][3].Text = "0.500001" }},
		"a float":              {all, func(r *cases.Ran) { r.Result.Rows[0][4].Text = "0.1000000001" }},
		"a boolean":            {all, func(r *cases.Ran) { r.Result.Rows[0][5].Text = "false" }},
		"a trailing blank":     {all, func(r *cases.Ran) { r.Result.Rows[1][2].Text = "a" }},
		"NULL for nothing":     {all, func(r *cases.Ran) { r.Result.Rows[0][2].Null = true }},
		"nothing for NULL":     {all, func(r *cases.Ran) { r.Result.Rows[2][2].Null = false }},
		"a row is missing":     {all, func(r *cases.Ran) { r.Result.Rows = r.Result.Rows[1:] }},
		"a row is there twice": {all, func(r *cases.Ran) { r.Result.Rows[1] = r.Result.Rows[0] }},
		"another order":        {sorted, func(r *cases.Ran) { slices.Reverse(r.Result.Rows) }},
		"an error":             {all, func(r *cases.Ran) { *r = cases.Ran{Raised: "Out of Range Error: Overflow"} }},
		"no error":             {raising, func(r *cases.Ran) { *r = cases.Ran{Result: cases.Result{Rows: [][]cases.Value{{{Text: "1"}}}}} }},
	}
	for _, query := range []string{all, sorted, raising} {
		if c.query(query); told > 0 {
			t.Errorf("%s differs although nothing was planted", query)
		}
	}
	for _, query := range []string{"SELECT a.f, count(CAST(a.t AS integer)) FROM tame a GROUP BY a.f, ROLLUP (a.j) HAVING a.f IS NULL", "SELECT a.id, a.j * 1000000000 = 1 FROM tame a"} {
		if c.query(query); told > 0 {
			t.Errorf("%s differs, although it is the optimizer that does not compute what raises", query)
		}
	}
	if c.counts["hidden"] != 2 {
		t.Errorf("the optimizer hides %d errors, not 2", c.counts["hidden"])
	}
	for name, p := range planted {
		told = 0
		c.run = func(sql string) cases.Ran {
			r := right(sql)
			if !strings.HasPrefix(sql, "EXPLAIN") {
				p.do(&r)
			}
			return r
		}
		if c.query(p.query); told != 1 {
			t.Errorf("%s: %d differences were told", name, told)
		}
	}

	if otherTypes([]dialect.Output{{Type: "bigint"}}, []cases.Type{{Name: "integer"}}) == "" {
		t.Error("a bigint is taken for an integer")
	}
}
