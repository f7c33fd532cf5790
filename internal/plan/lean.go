package plan

import (
	"regexp"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Lean is translated SQL without the guards that cannot fire over what a slice reads. An attempt takes it where the manifests of its slice's inputs
// say that the needs hold. It gives the same rows then, so that a fingerprint is of the other text, and of what is recorded of a column nothing
// becomes stale.
type Lean struct {
	SQL    string          `json:"sql"`
	Shifts []sqltext.Shift `json:"shifts,omitempty"`
	Guards []sqltext.Guard `json:"guards,omitempty"`
	Needs  []Assumption    `json:"needs"`
	Costs  []GuardedPlace  `json:"costs"` // what the other text has beside it, in the order of the text that people wrote
}

// GuardedPlace is a place of a guard, and why it is there.
type GuardedPlace struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Why    string `json:"why"`
}

// Assumption is what has to hold for all values of a column.
type Assumption struct {
	Table  string `json:"table"`
	Column string `json:"column"` // as the SQL sees it
	hindcast.Facts
}

// lean translates a text again for columns of which everything holds that the lake can record, and finds which of that makes a difference; nil
// if nothing does.
func (t Translator) lean(text string, general Text, tables []ShapeTable) *Lean {
	o := t.options(tables)
	var all []Assumption
	for i, table := range tables {
		for k, c := range table.Columns {
			if t.ofFiles(table.Fact) || c.Declared != nil || o.Schema.Tables[i].Columns[k].Type == "" || !mentions(text, c.Name) {
				continue
			}
			all = append(all, Assumption{Table: table.Fact, Column: c.Name, Facts: hindcast.Facts{NoBlanks: true, ASCII: true}})
		}
	}
	best, ok := t.assuming(text, o, tables, all)
	if !ok || best.unmarked == general.unmarked {
		return nil
	}

	needs := slices.Clone(all)
	for i := range needs {
		for _, fact := range []*bool{&needs[i].NoBlanks, &needs[i].ASCII} {
			*fact = false
			if without, ok := t.assuming(text, o, tables, needs); !ok || without.unmarked != best.unmarked {
				*fact = true
			}
		}
	}
	needs = slices.DeleteFunc(needs, func(n Assumption) bool { return n.Facts == hindcast.Facts{} })
	return &Lean{SQL: best.SQL, Shifts: best.Shifts, Guards: best.Guards, Needs: needs, Costs: costs(text, general.changes, best.changes)}
}

// costs are the changes of a text that are not among others: of those within each other the innermost. What is only put in beside an
// expression, such as its name, costs nothing.
func costs(text string, all, lean []dialect.Change) []GuardedPlace {
	var list []GuardedPlace
	more := slices.DeleteFunc(slices.Clone(all), func(c dialect.Change) bool { return c.At.Start == c.At.End || slices.Contains(lean, c) })
	for i, c := range more {
		inner := slices.ContainsFunc(more[i+1:], func(o dialect.Change) bool { return o.At != c.At && c.At.Start <= o.At.Start && o.At.End <= c.At.End })
		line, column := dialect.Position(text, c.At.Start)
		if is := (GuardedPlace{line, column, c.Why}); !inner && !slices.Contains(list, is) {
			list = append(list, is)
		}
	}
	return list
}

// star is a * that stands for columns.
var star = regexp.MustCompile(`(?i)(select|distinct|all|,|\.)\s*\*`)

// mentions reports whether a text seems to read a column: it has its name, or a *.
func mentions(text, name string) bool {
	return sqltext.Standard.Find(text, 0, name) >= 0 || star.MatchString(text)
}

// assuming translates a text where facts hold.
func (t Translator) assuming(text string, o dialect.Options, tables []ShapeTable, facts []Assumption) (Text, bool) {
	for i := range o.Schema.Tables {
		columns := slices.Clone(o.Schema.Tables[i].Columns)
		for k := range columns {
			at := slices.IndexFunc(facts, func(n Assumption) bool { return n.Table == tables[i].Fact && n.Column == tables[i].Columns[k].Name })
			columns[k].NoBlanks, columns[k].ASCII = at >= 0 && facts[at].NoBlanks, at >= 0 && facts[at].ASCII
		}
		o.Schema.Tables[i].Columns = columns
	}
	result, err := dialect.Translate(text, o)
	if err != nil {
		return Text{}, false
	}
	return textOf(result), true
}
