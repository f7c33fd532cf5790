package bind

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func (b *binder) selectBody(x *ast.Select, outer *scope, why purpose, bound *sem.Query) ([]output, *scope) {
	shape := shapeOf(x, why)
	s := &scope{outer: outer, selects: true, labels: b.labels(x, why.labels || shape != nil), tables: make([]*table, 0, len(x.From)), shape: shape}
	bound.Slots = slices.Grow(bound.Slots, 2*(len(x.Items)+len(x.From)+1)+len(x.Group))
	if shape != nil {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotSelect, At: x.At, Select: shape})
	}
	start := len(bound.Slots)
	if b.Redshift && marked(x.Where) {
		b.outerJoins(x, s, bound)
	} else {
		for _, f := range x.From {
			b.from(f, s, bound)
		}
		b.condition(x.Where, s, bound)
	}
	if shape != nil {
		ofSource(x, start, bound)
	}
	if x.Into != (lex.Span{}) {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: x.Into, Why: "a temporary table is a query of WITH"})
	}
	b.windows(x, s, bound)
	b.quantifier(x, s, &why, bound)
	b.groupKeys(x, s, bound)

	list := sem.Query{Slots: b.spare} // which stands before the others
	b.spare = nil
	outputs := b.items(x, s, why, &list)
	bound.Slots = slices.Insert(bound.Slots, start, list.Slots...)
	clear(list.Slots)
	b.spare = list.Slots[:0]
	emptyGroup(x, outputs, bound)
	s.named = outputs
	if shape != nil {
		shape.Names = namesOf(outputs)
	}
	b.qualify(x, s, bound)
	s.aliases = nil
	b.condition(x.Having, s, bound)
	noteOuter(s, bound)
	if !x.Distinct {
		return outputs, s
	}

	for i := range outputs {
		outputs[i].open, outputs[i].counted = false, true // DISTINCT settles a literal's type
	}
	if x.On != nil {
		return outputs, s
	}

	return outputs, nil // only columns of the result order what is distinct
}

// labels are the names that a select list gives, by AS or where label writes one.
func (b *binder) labels(x *ast.Select, all bool) []string {
	names := make([]string, 0, len(x.Items))
	for _, it := range x.Items {
		column, plain := it.X.(*ast.Column)
		switch {
		case it.Alias.Text != "":
			names = append(names, it.Alias.Text)
		case (all || b.Redshift) && (!plain || len(column.Parts) > 1):
			names = append(names, labelOf(it.X))
		}
	}

	return names
}

// renamed is what a name stands for in a select list, whatever the case of its letters: a column, or nil for anything else, or several.
func renamed(outputs []output, name string) (column *sem.Column, known bool) {
	if len(outputs) > 0 {
		name = strings.ToLower(name)
	}
	for i := range outputs {
		o := &outputs[i]
		folded := strings.ToLower(o.Name)
		if len(o.from) != 1 || folded != name { // by *, or another
			continue
		}
		if known && column != o.column {
			column = nil
			continue
		}
		column, known = o.column, true
	}

	return column, known
}

// condition binds WHERE, HAVING or ON; nil is none.
func (b *binder) condition(x ast.Expr, s *scope, bound *sem.Query) {
	if x == nil {
		return
	}
	e := b.boolean(b.truth(x, s), "a condition")
	all := []*sem.Expr{e}
	if e.Op == sem.OpAnd {
		all = e.Args
	}
	for _, c := range all {
		if c.Op == sem.OpInQuery {
			c.N = sem.OnlyTruth
		}
	}
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
}

func (b *binder) windows(x *ast.Select, s *scope, bound *sem.Query) {
	for _, n := range x.Windows {
		w := b.window(n.Window, s)
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotName, At: n.Name.At, Text: n.Name.Text, Quoted: n.Name.Quoted})
		bound.Slots = append(bound.Slots, w.Slots...)
		for other := range s.windows {
			switch {
			case other == n.Name.Text:
				b.refuse(sem.Syntax, n.Name.At, "", "two windows are named %s", other)
			case strings.EqualFold(other, n.Name.Text):
				b.refuse(sem.NotOnEngine, n.Name.At, "give one of them another name", "engines do not tell the windows %s and %s apart", other, n.Name.Text)
			}
		}
		if s.windows == nil {
			s.windows = map[string]*sem.Window{}
		}
		s.windows[n.Name.Text] = w
	}
}

func (b *binder) quantifier(x *ast.Select, s *scope, why *purpose, bound *sem.Query) {
	if x.Distinct {
		why.guards = true
	}
	if x.On != nil {
		word := lex.Span{Start: x.DistinctAt.Start, End: x.DistinctAt.Start + len("distinct")} // the keys are slots of their own
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: word, Text: "distinct on"})
		if b.Redshift {
			b.refuse(sem.Mismatch, x.DistinctAt, "number the rows by row_number() and filter in an outer query", "Redshift does not have DISTINCT ON")
		}
		for _, k := range x.On {
			if c, ok := k.(*ast.Column); ok && len(c.Parts) == 1 && folds(x, c.Parts[0].Text) {
				b.refuse(sem.NotOnEngine, c.At, "write the table's name before it", "engines may take %s for the alias of that name here", c.Parts[0].Text)
			}
			e := b.settled(b.expr(k, s))
			bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
		}
	}
}

// folds reports whether an item's alias is this name in other letters.
func folds(x *ast.Select, name string) bool {
	return slices.ContainsFunc(x.Items, func(it ast.Item) bool { return strings.EqualFold(it.Alias.Text, name) && it.Alias.Text != name })
}

// groupItem is what a key of GROUP BY stands for; where that is an item of the select list, before are the items before it.
func (b *binder) groupItem(g ast.Expr, x *ast.Select, s *scope) (item ast.Expr, before []ast.Item, byItem bool) {
	switch k := g.(type) {
	case *ast.Number:
		n, err := strconv.Atoi(k.Text)
		if err != nil || n < 1 || n > len(x.Items) {
			b.refuse(sem.Syntax, k.At, "", "%s is not the number of a column", k.Text)
			return &ast.Null{Node: ast.Node{At: k.At}}, nil, true
		}
		for _, it := range x.Items[:n] {
			if star, ok := it.X.(*ast.Star); ok {
				b.refuse(sem.NotKnown, k.At, "write the column's name", "a number is not read behind %s", star.At.In(b.text))
				return &ast.Null{Node: ast.Node{At: k.At}}, nil, true
			}
		}
		return x.Items[n-1].X, x.Items[:n-1], true
	case *ast.Column:
		if len(k.Parts) > 1 {
			return g, nil, false
		}
		if _, n, _ := s.find("", k.Parts[0].Text); n > 0 {
			return g, nil, false
		}
		for i, it := range x.Items {
			if it.Alias.Text != k.Parts[0].Text {
				continue
			}
			if !s.distinct(it.Alias.Text) {
				b.refuse(sem.NotOnEngine, k.At, "give the alias another name", "engines do not tell the alias %s and another name apart", it.Alias.Text)
			}
			return it.X, x.Items[:i], true
		}
	}

	return g, nil, false
}

func (b *binder) items(x *ast.Select, s *scope, why purpose, bound *sem.Query) []output {
	outputs, from := make([]output, 0, len(x.Items)), make([]*sem.Expr, len(x.Items))
	bound.Slots = slices.Grow(bound.Slots, 2*len(x.Items))
	for i, it := range x.Items {
		if star, ok := it.X.(*ast.Star); ok {
			outputs = append(outputs, b.star(star, s, why, bound)...)
			continue
		}
		if c, plain := it.X.(*ast.Column); plain && why.documents() {
			b.asDocument = c
		}
		e := b.item(it.X, s)
		b.asDocument = nil
		open := e.Type.Kind == sem.Unknown && !slices.Contains(s.grouped, it.X) // GROUP BY settles a literal's type
		e = b.settled(e)
		switch {
		case invalid(e) || open:
		case why.trims:
			e = b.compared(e)
		case why.guards:
			e = b.guarded(e)
		}
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e, Text: "item"})
		from[i] = e
		o := output{Column: columnLike(e, it.Alias.Text), from: from[i : i+1 : i+1], open: open}
		o.counted = slices.Contains(s.grouped, it.X)
		if e.Op == sem.OpColumn {
			o.column, o.Declared = e.Column, e.Column.Declared
			if e.Column.Type.IsDocument() {
				o.Type, o.Facts = e.Column.Type, e.Column.Facts
			}
		}
		b.label(it, &o, why, s, bound)
		if b.Redshift && it.Alias.Text != "" {
			s.aliases = append(s.aliases, alias{o.Name, e})
		}
		outputs = append(outputs, o)
	}

	return outputs
}

// item binds an item of a select list. One that GROUP BY names is a key itself: no group's text stands in it.
func (b *binder) item(x ast.Expr, s *scope) *sem.Expr {
	if !slices.Contains(s.grouped, x) {
		return b.exprOrArray(x, s)
	}
	again := s.ungrouped()
	e := b.expr(x, s)
	again()
	if s.isKey(e) {
		return oneSpelling(e, s)
	}
	return e
}

// label names a column of the result, as the source would if the text does not.
func (b *binder) label(it ast.Item, o *output, why purpose, s *scope, bound *sem.Query) {
	if it.Alias.Text != "" {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotAlias, At: it.Alias.At, Text: it.Alias.Text, Quoted: it.Alias.Quoted, Bare: !it.As})
		return
	}
	o.Name = labelOf(it.X)
	column, plain := it.X.(*ast.Column)
	guarded := plain && len(o.from) == 1 && (o.from[0].Op == sem.OpBlankGuard || o.from[0].Op == sem.OpTrimKey || o.from[0].Op == sem.OpOneSpelling) // no more a column
	label := sem.Slot{Kind: sem.SlotLabel, At: lex.Span{Start: it.At.End, End: it.At.End}, Text: o.Name}
	switch {
	case guarded || why.labels && o.Name != unnamed && (!plain || mixed(column, b.text)):
		bound.Slots = append(bound.Slots, label)
	case s.shape != nil && o.Name != unnamed && (!plain || s.shape.Sets != nil):
		label.Bare = true
		bound.Slots = append(bound.Slots, label)
	}
}

// mixed reports whether a column is written in capitals, which engines would keep in the result's name.
func mixed(x *ast.Column, text string) bool {
	last := x.Parts[len(x.Parts)-1]
	return !last.Quoted && last.At.In(text) != last.Text
}

const unnamed = "?column?"

// labelOf is the name that PostgreSQL gives to a column without an alias.
func labelOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Column:
		return x.Parts[len(x.Parts)-1].Text
	case *ast.Call:
		return x.Name
	case *ast.Cast:
		if name := labelOf(x.X); name != unnamed {
			return name
		}
		return typeLabel(x.Type.Name)
	case *ast.Case:
		if x.Else != nil {
			if name := labelOf(x.Else); name != unnamed && name != "case" {
				return name
			}
		}
		return "case"
	case *ast.Exists:
		return "exists"
	case *ast.Scalar:
		if s, ok := x.Query.Body.(*ast.Select); ok && len(s.Items) == 1 {
			if s.Items[0].Alias.Text != "" {
				return s.Items[0].Alias.Text
			}
			return labelOf(s.Items[0].X)
		}
	case *ast.Array:
		return "array"
	case *ast.Subscript:
		return labelOf(x.X)
	case *ast.Collate:
		return labelOf(x.X)
	case *ast.Interval:
		return "interval"
	case *ast.Bool:
		return "bool"
	}

	return unnamed
}

func typeLabel(name string) string {
	if short, ok := map[string]string{"int": "int4", "integer": "int4", "smallint": "int2", "bigint": "int8", "decimal": "numeric", "dec": "numeric",
		"double precision": "float8", "float": "float8", "real": "float4", "boolean": "bool", "character varying": "varchar",
		"char": "bpchar", "character": "bpchar"}[name]; ok {
		return short
	}
	return name
}

// star is all columns of the tables, or of one.
func (b *binder) star(x *ast.Star, s *scope, why purpose, bound *sem.Query) []output {
	if len(x.Table) > 1 {
		b.refuse(sem.NotKnown, x.At, "write the table's alias", "a schema's name is not read before *")
		return nil
	}
	if len(x.Exclude) > 0 {
		return b.starWithout(x, s, why, bound)
	}
	var outputs []output
	known := s.unknown // what it stands for was refused
	for _, t := range s.tables {
		if len(x.Table) == 1 && t.name != x.Table[0].Text {
			continue
		}
		known, outputs = true, slices.Grow(outputs, t.len())
		if t.shuffled && len(x.Table) == 0 {
			b.refuse(sem.NotOnEngine, x.At, "write the columns", "an engine would give the columns of this join in another order")
		}
		for i := range t.len() {
			if t.hides(i) && len(x.Table) == 0 {
				continue
			}
			c := t.column(i)
			switch {
			case c.Type.IsDocument() && !why.documents():
				b.refuseDocument(c, x.At)
			case c.Type.Kind == sem.Invalid && !c.Type.IsDocument():
				b.refuse(sem.NotKnown, x.At, "write the columns that are wanted", "the type of the column %s is not known here", c.Name)
			}
			if why.guards || why.trims {
				b.matched(c.Type, x.At)
			}
			if b.Redshift && (why.guards || why.trims || len(s.keys) > 0) && c.Type.IsText() && !c.NoBlanks {
				b.refuse(sem.NotKnown, x.At, "write the columns", "trailing blanks do not count in Redshift, and nothing guards the column %s in a *", c.Name)
			}
			outputs = append(outputs, output{Column: *c, star: x.At, column: c})
		}
	}
	if !known {
		b.refuse(sem.NoTable, x.At, "", "* stands for no table here")
	}
	if len(x.Table) == 1 {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotName, At: x.Table[0].At, Text: x.Table[0].Text, Quoted: x.Table[0].Quoted})
	}

	return outputs
}
