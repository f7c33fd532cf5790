package plan_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// What can be left out where something holds for columns, and what that is, is in the plan; no fingerprint depends on it.
func TestLeanTexts(t *testing.T) {
	t.Parallel()
	plain, blanks := hindcast.Facts{NoBlanks: true, ASCII: true}, hindcast.Facts{NoBlanks: true}
	for sql, want := range map[string][]plan.Assumption{
		"SELECT store, sum(cost) AS cost FROM billing GROUP BY store":                                   {{Table: "billing", Column: "store", Facts: blanks}},
		"SELECT sum(cost) AS cost FROM billing WHERE store = 'a' AND label IS NOT NULL":                 {{Table: "billing", Column: "store", Facts: blanks}},
		"SELECT upper(store) AS store, sum(cost) AS cost FROM billing WHERE label LIKE 'a%' GROUP BY 1": {{Table: "billing", Column: "store", Facts: plain}},
		"SELECT sum(cost) AS cost FROM billing":                                                         nil,
		"SELECT cost, rtrim(store) AS store FROM billing":                                               nil,
	} {
		w := speaks(t, "redshift", sql)
		for name, source := range w.Sources {
			for _, text := range []string{"store", "label"} {
				source.Columns = append(source.Columns, hindcast.Column{Name: text, Type: "VARCHAR", Source: "character varying(20)"})
			}
			w.Sources[name] = source
		}
		p := w.run().make()
		text := p.Outputs[0].Texts[0]
		if want == nil {
			if text.Lean != nil {
				t.Errorf("%s: %+v is left out", sql, text.Lean)
			}
			continue
		}
		if text.Lean == nil || !reflect.DeepEqual(text.Lean.Needs, want) {
			t.Errorf("%s: %+v, want %+v", sql, text.Lean, want)
			continue
		}
		if strings.Contains(text.Lean.SQL, "rtrim") || strings.Contains(text.Lean.SQL, "error(") || len(text.Lean.SQL) >= len(text.SQL) {
			t.Errorf("%s: it is not less: %s", sql, text.Lean.SQL)
		}
		if c := text.Lean.Costs; len(c) == 0 || c[0].Line != 1 || c[0].Column < 8 || !strings.Contains(c[0].Why, "blanks") {
			t.Errorf("%s: the costs are %+v", sql, c)
		}
	}
}

// What can be left out where bounds of numbers and times are known is in the plan, with the widest bounds that do.
func TestLeanTextsOfBounds(t *testing.T) {
	t.Parallel()
	need := func(column, least, most string) plan.Assumption {
		return plan.Assumption{Table: "billing", Column: column, Facts: hindcast.Facts{Least: least, Most: most}}
	}
	for sql, want := range map[string]struct {
		needs []plan.Assumption
		lean  bool // by what is known of texts alone, too
		why   string
	}{
		"SELECT n / qty AS cost FROM billing":                                   {needs: []plan.Assumption{need("qty", "1", "")}, why: "division by zero"},
		"SELECT n / price AS cost FROM billing":                                 {needs: []plan.Assumption{need("price", "0.01", "")}, why: "division by zero"},
		"SELECT sum(n / qty) AS cost FROM billing WHERE store = 'a'":            {needs: []plan.Assumption{need("qty", "1", ""), {Table: "billing", Column: "store", Facts: hindcast.Facts{NoBlanks: true}}}, lean: true, why: "division by zero"},
		"SELECT date_part(year, day) AS cost FROM billing":                      {needs: []plan.Assumption{need("day", "0001-01-01", "9999-12-31")}, why: "the engine"},
		"SELECT date_part(year, dateadd(day, 9, day)) AS cost FROM billing":     {needs: []plan.Assumption{need("day", "1000-01-01", "8999-12-31")}, why: "the engine"},
		"SELECT day - n AS cost FROM billing":                                   {needs: []plan.Assumption{need("day", "0001-01-01", "9999-12-31"), need("n", "-999999999", "99999")}, why: "out of range"},
		"SELECT coalesce(cost, n + qty) AS cost FROM billing":                   {needs: []plan.Assumption{need("n", "-999999999", "999999999"), need("qty", "-999999999", "999999999")}, why: "may compute"},
		"SELECT n / nullif(qty, 0) AS cost FROM billing":                        {},
		"SELECT CASE WHEN qty = 0 THEN 0 ELSE n / qty END AS cost FROM billing": {},
		"SELECT n + qty AS cost FROM billing":                                   {},
	} {
		w := speaks(t, "redshift", sql)
		for name, source := range w.Sources {
			source.Columns = append(source.Columns, hindcast.Column{Name: "store", Type: "VARCHAR", Source: "character varying(20)"}, hindcast.Column{Name: "n", Type: "INTEGER", Source: "integer"},
				hindcast.Column{Name: "qty", Type: "INTEGER", Source: "integer"}, hindcast.Column{Name: "price", Type: "DECIMAL(8,2)", Source: "numeric(8,2)"}, hindcast.Column{Name: "day", Type: "DATE", Source: "date"})
			w.Sources[name] = source
		}
		text := w.run().make().Outputs[0].Texts[0]
		if (text.Lean != nil) != want.lean {
			t.Errorf("%s: by what is known of texts %+v", sql, text.Lean)
		}
		if want.needs == nil {
			if text.Leaner != nil {
				t.Errorf("%s: %+v is left out", sql, text.Leaner)
			}
			continue
		}
		byName := func(a, b plan.Assumption) int { return strings.Compare(a.Column, b.Column) }
		slices.SortFunc(want.needs, byName)
		if text.Leaner == nil {
			t.Errorf("%s: nothing is left out of %s", sql, text.SQL)
			continue
		}
		slices.SortFunc(text.Leaner.Needs, byName)
		if !reflect.DeepEqual(text.Leaner.Needs, want.needs) {
			t.Errorf("%s: %+v, want %+v", sql, text.Leaner.Needs, want.needs)
		}
		if c := text.Leaner.Costs; len(c) != 1 || !strings.Contains(c[0].Why, want.why) || len(text.Leaner.SQL) >= len(text.SQL) {
			t.Errorf("%s: the costs are %+v of %s", sql, c, text.Leaner.SQL)
		}
	}
}

// What is not tried is taken for needed, and over too many columns all guards stay.
func TestLeanTextOfManyColumns(t *testing.T) {
	t.Parallel()
	for n, needed := range map[int]bool{30: true, 450: false} {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("c%d", i))
		}
		w := speaks(t, "redshift", "SELECT sum(cost) AS cost FROM billing WHERE store = 'a' AND coalesce("+strings.Join(names, ", ")+") IS NOT NULL")
		for name, source := range w.Sources {
			for _, text := range append(names, "store") {
				source.Columns = append(source.Columns, hindcast.Column{Name: text, Type: "VARCHAR", Source: "character varying(20)"})
			}
			w.Sources[name] = source
		}
		lean := w.run().make().Outputs[0].Texts[0].Lean
		if (lean != nil) != needed || needed && !slices.Contains(lean.Needs, plan.Assumption{Table: "billing", Column: "store", Facts: hindcast.Facts{NoBlanks: true}}) {
			t.Errorf("of %d columns: %+v", n, lean)
		}
	}
}
