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
			if c.Type != "VARCHAR" || t.ofFiles(table.Fact) || t.Pipeline.OutputNamed(table.Fact) >= 0 || c.Declared != nil || o.Schema.Tables[i].Columns[k].Type == "" || !mentions(text, c.Name) {
				continue
			}
			all = append(all, Assumption{Table: table.Fact, Column: c.Name, Facts: hindcast.Facts{NoBlanks: true, ASCII: true}})
		}
	}
	if len(all) == 0 || len(all) > most {
		return nil
	}
	best, ok := t.assuming(text, o, tables, all)
	if !ok || best.unmarked == general.unmarked {
		return nil
	}

	needs := slices.Clone(all)
	var groups [][]*bool // of a table each, at first
	var blanks, ascii []*bool
	for i := range needs {
		blanks, ascii = append(blanks, &needs[i].NoBlanks), append(ascii, &needs[i].ASCII)
		if i+1 == len(needs) || needs[i+1].Table != needs[i].Table {
			groups = append(groups, ascii, blanks)
			blanks, ascii = nil, nil
		}
	}
	for tries := max(fewest, translations/len(all)); tries > 0 && len(groups) > 0; tries-- { // what is not tried is needed
		group := groups[0]
		groups = groups[1:]
		set(group, false)
		if without, ok := t.assuming(text, o, tables, needs); ok && without.unmarked == best.unmarked {
			continue
		}
		set(group, true)
		if half := len(group) / 2; half > 0 {
			groups = append(groups, group[:half], group[half:])
		}
	}
	needs = slices.DeleteFunc(needs, func(n Assumption) bool { return n.Facts == hindcast.Facts{} })
	return &Lean{SQL: best.SQL, Shifts: best.Shifts, Guards: best.Guards, Needs: needs, Costs: costs(text, general.changes, best.changes)}
}

// A text is translated so often to find what it needs, over the number of columns; but the fewest times at least. One that seems to read more than the
// most columns keeps its guards: to translate it takes long by itself.
const translations, fewest, most = 4000, 16, 400

func set(all []*bool, to bool) {
	for _, b := range all {
		*b = to
	}
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
	type place struct{ table, column string }
	known := make(map[place]hindcast.Facts, len(facts))
	for _, n := range facts {
		known[place{n.Table, n.Column}] = n.Facts
	}
	for i := range o.Schema.Tables {
		columns := slices.Clone(o.Schema.Tables[i].Columns)
		for k := range columns {
			is := known[place{tables[i].Fact, tables[i].Columns[k].Name}]
			columns[k].NoBlanks, columns[k].ASCII = is.NoBlanks, is.ASCII
		}
		o.Schema.Tables[i].Columns = columns
	}
	result, err := dialect.Translate(text, o)
	if err != nil {
		return Text{}, false
	}
	return textOf(result), true
}
