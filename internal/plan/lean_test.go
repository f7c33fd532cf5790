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
