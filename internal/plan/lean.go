package plan

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Lean is translated SQL without guards that cannot fire over what a slice reads. An attempt takes it where the manifests of its slice's inputs
// say that the needs hold. It gives the same rows then, so that a fingerprint is of the other text, and of what is recorded of a column nothing
// becomes stale.
type Lean struct {
	SQL    string          `json:"sql"`
	Shifts []sqltext.Shift `json:"shifts,omitempty"`
	Guards []sqltext.Guard `json:"guards,omitempty"`
	Needs  []Assumption    `json:"needs"`
	Costs  []GuardedPlace  `json:"costs"` // what the other text has beside it, in the order of the text that people wrote

	unmarked string
	changes  []dialect.Change
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

// leaner translates a text twice more, as if everything held that the lake can record of texts, and as if everything held that it can record at all, and
// finds which of that makes a difference; nil where nothing does. What is recorded of numbers and times holds less often: only the second text needs it.
func (t Translator) leaner(text string, general Text, tables []ShapeTable) (texts, all *Lean) {
	texts = t.lean(text, general, nil, t.claims(text, tables, textClaims), tables)
	return texts, t.lean(text, general, texts, t.claims(text, tables, allClaims), tables)
}

// claim is something that may hold for all values of a column, and is assumed as long as it is on.
type claim struct {
	table, column string
	what          string // its kind: those of one kind and one table are tried together
	on            bool
	hindcast.Facts
}

// claims are those of the columns of tables that a text may read. There are none of columns that the lake records nothing of.
func (t Translator) claims(text string, tables []ShapeTable, of func(typ string) []claim) []claim {
	o := t.options(tables)
	var all []claim
	for i, table := range tables {
		for k, c := range table.Columns {
			if t.ofFiles(table.Fact) || t.Pipeline.OutputNamed(table.Fact) >= 0 || c.Declared != nil || o.Schema.Tables[i].Columns[k].Type == "" {
				continue
			}
			list := of(c.Type)
			if len(list) == 0 || !mentions(text, c.Name) {
				continue
			}
			for _, one := range list {
				one.table, one.column, one.on = table.Fact, c.Name, true
				all = append(all, one)
			}
		}
	}
	return all
}

func textClaims(typ string) []claim {
	if typ != "VARCHAR" {
		return nil
	}
	return []claim{{what: "ASCII", Facts: hindcast.Facts{ASCII: true}}, {what: "blanks", Facts: hindcast.Facts{NoBlanks: true}}}
}

// allClaims are those of a type. Narrower bounds come first: values within the narrowest bound that is on are within the others.
func allClaims(typ string) []claim {
	switch _, scale, decimal := datatype.ParseDecimal(typ); {
	case decimal && scale > 0:
		unit := "0." + strings.Repeat("0", scale-1) + "1"
		return bounds([]string{unit, "0"}, nil)
	case decimal, typ == "BIGINT":
		return bounds([]string{"1", "0", "-99999999999999999"}, []string{"99999999999999999"})
	case typ == "INTEGER":
		return bounds([]string{"1", "0", "-99999", "-999999999"}, []string{"99999", "999999999"})
	case typ == "SMALLINT":
		return bounds([]string{"1", "0", "-9999"}, []string{"9999"})
	case hindcast.IsTime(typ):
		return bounds([]string{"1970-01-02", "1000-01-01", "0001-01-01"}, []string{"2037-12-30", "8999-12-31", "9999-12-31"})
	}
	return textClaims(typ)
}

func bounds(least, most []string) (all []claim) {
	for _, l := range least {
		all = append(all, claim{what: "least" + l, Facts: hindcast.Facts{Least: l}})
	}
	for _, m := range most {
		all = append(all, claim{what: "most" + m, Facts: hindcast.Facts{Most: m}})
	}
	return all
}

// assumed are the facts of the claims that are on, a column each.
func assumed(claims []claim) []Assumption {
	var all []Assumption
	for _, c := range claims {
		if n := len(all); n == 0 || all[n-1].Table != c.table || all[n-1].Column != c.column {
			all = append(all, Assumption{Table: c.table, Column: c.column})
		}
		if !c.on {
			continue
		}
		f := &all[len(all)-1].Facts
		f.NoBlanks, f.ASCII = f.NoBlanks || c.NoBlanks, f.ASCII || c.ASCII
		f.Least, f.Most = cmp.Or(f.Least, c.Least), cmp.Or(f.Most, c.Most)
	}
	return slices.DeleteFunc(all, func(a Assumption) bool { return a.Facts == hindcast.Facts{} })
}

// lean translates a text for the claims, and finds which of them the result needs; nil if it is the same as the text for fewer of them, or as the
// general one.
func (t Translator) lean(text string, general Text, fewer *Lean, claims []claim, tables []ShapeTable) *Lean {
	columns := len(assumed(claims))
	if columns == 0 || columns > most {
		return nil
	}
	if fewer != nil {
		general.unmarked, general.changes = fewer.unmarked, fewer.changes
	}
	o := t.options(tables)
	best, ok := t.assuming(text, o, tables, assumed(claims))
	if !ok || best.unmarked == general.unmarked {
		return nil
	}

	groups := byKind(claims)
	for tries := max(fewest, translations/columns); tries > 0 && len(groups) > 0; tries-- { // what is not tried is needed
		group := groups[0]
		groups = groups[1:]
		set(group, false)
		if without, ok := t.assuming(text, o, tables, assumed(claims)); ok && without.unmarked == best.unmarked {
			continue
		}
		set(group, true)
		if half := len(group) / 2; half > 0 {
			groups = append(groups, group[:half], group[half:])
		}
	}
	return &Lean{SQL: best.SQL, Shifts: best.Shifts, Guards: best.Guards, Needs: assumed(claims), Costs: costs(text, general.changes, best.changes),
		unmarked: best.unmarked, changes: best.changes}
}

// byKind are the claims of each kind, of a table each.
func byKind(claims []claim) (groups [][]*claim) {
	type kind struct{ table, what string }
	at := map[kind]int{}
	for i := range claims {
		c := &claims[i]
		k := kind{c.table, c.what}
		n, known := at[k]
		if !known {
			n = len(groups)
			at[k], groups = n, append(groups, nil)
		}
		groups[n] = append(groups[n], c)
	}
	return groups
}

// A text is translated so often to find what it needs, over the number of columns; but the fewest times at least. One that seems to read more than the
// most columns keeps its guards: to translate it takes long by itself.
const translations, fewest, most = 4000, 16, 400

func set(all []*claim, to bool) {
	for _, c := range all {
		c.on = to
	}
}

// costs are the changes of a text that are not among others: of those within each other the innermost. What is only put in beside an
// expression, such as its name, costs nothing.
func costs(text string, all, lean []dialect.Change) []GuardedPlace {
	var list []GuardedPlace
	more := slices.DeleteFunc(slices.Clone(all), func(c dialect.Change) bool { return c.At.Start == c.At.End || slices.Contains(lean, c) })
	for i, c := range more {
		inner := slices.ContainsFunc(more[i+1:], func(o dialect.Change) bool {
			return (o.At != c.At || c.Why == dialect.Spelling) && c.At.Start <= o.At.Start && o.At.End <= c.At.End
		})
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
			columns[k].NoBlanks, columns[k].ASCII, columns[k].Least, columns[k].Most = is.NoBlanks, is.ASCII, is.Least, is.Most
		}
		o.Schema.Tables[i].Columns = columns
	}
	result, err := dialect.Translate(text, o)
	if err != nil {
		return Text{}, false
	}
	return textOf(result), true
}
