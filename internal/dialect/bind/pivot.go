package bind

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// pivoting is a PIVOT or UNPIVOT that is bound: it becomes a query in FROM.
type pivoting struct {
	x       *ast.Pivot
	inner   *scope
	of      *table
	source  *sem.Query // the item that is pivoted, as it is written
	as      string     // its alias, if none is written
	slot    sem.Slot
	text    strings.Builder
	columns []sem.Column
}

// pivot binds PIVOT or UNPIVOT.
func (b *binder) pivot(x *ast.Pivot, s *scope, bound *sem.Query) {
	p := &pivoting{x: x, inner: &scope{outer: s.outer, beside: s.tables}, source: &sem.Query{At: x.Of.Span()}}
	p.slot = sem.Slot{Kind: sem.SlotReplace, At: x.At, Why: "engines write PIVOT and UNPIVOT in another way, or do not have them"}
	b.from(x.Of, p.inner, p.source)
	if d, ok := x.Of.(*ast.Derived); ok && d.Alias.Text == "" {
		p.as = " AS hindcast_p"
		p.source.Slots = slices.DeleteFunc(p.source.Slots, func(s sem.Slot) bool { return s.Kind == sem.SlotAlias })
	}
	sortSlots(p.source.Slots)
	s.reads = s.reads || p.inner.reads
	if p.inner.unknown || len(p.inner.tables) != 1 {
		p.unknown(s)
		return
	}
	p.of = p.inner.tables[0]

	write := b.pivoted
	if x.Un {
		write = b.unpivoted
	}
	p.text.WriteString("(")
	if !write(p) {
		p.unknown(s)
		return
	}
	name := x.Alias
	if name.Text == "" {
		name = ast.Name{At: x.For.At, Text: "hindcast_pivot"}
	}
	p.text.WriteString(") AS \x00")
	p.slot.Slots = append(p.slot.Slots, sem.Slot{Kind: sem.SlotExpr, At: name.At, Expr: b.called(name)})
	p.slot.Text = p.text.String()
	bound.Slots = append(bound.Slots, p.slot)
	b.add(b.newTable(name.Text, p.columns, nil, x.At), s, x.At)
}

// unknown stands for what was refused.
func (p *pivoting) unknown(s *scope) {
	s.unknown = true
	s.tables = append(s.tables, &table{name: p.x.Alias.Text})
}

// called is a name that does not stand in the text as it is.
func (b *binder) called(n ast.Name) *sem.Expr {
	e := made(sem.OpName, sem.Of(sem.Bool), n.At)
	e.Text = n.Text
	return e
}

// give writes a column of the result.
func (p *pivoting) give(b *binder, e *sem.Expr, name string, at lex.Span) {
	if !strings.HasSuffix(p.text.String(), "SELECT ") {
		p.text.WriteString(", ")
	}
	p.text.WriteString("\x00 AS \x00")
	p.slot.Slots = append(p.slot.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e}, sem.Slot{Kind: sem.SlotExpr, At: at, Expr: b.called(ast.Name{At: at, Text: name})})
}

// from writes what is pivoted.
func (p *pivoting) from() {
	p.text.WriteString(" FROM \x00" + p.as)
	p.slot.Slots = append(p.slot.Slots, sem.Slot{Kind: sem.SlotQuery, At: p.source.At, Query: p.source})
}

// kept are the columns that are neither named nor read by what is pivoted.
func (p *pivoting) kept(read map[*sem.Column]bool) (all []*sem.Column) {
	for i := range p.of.len() {
		if c := p.of.column(i); !read[c] {
			all = append(all, c)
		}
	}
	return all
}

// columnOf is a column by its name alone.
func (b *binder) columnOf(c *sem.Column, at lex.Span) *sem.Expr {
	e := b.called(ast.Name{At: at, Text: c.Name})
	e.Type, e.Facts, e.Column = c.Type, c.Facts, c
	if c.Type.Kind == sem.Invalid {
		b.refuse(sem.NotKnown, at, "write the columns that are wanted in a query in FROM", "the type of the column %s is not known here", c.Name)
	}
	return e
}

// pivoted is PIVOT: an aggregate for each value, grouped by all columns that it does not name.
func (b *binder) pivoted(p *pivoting) bool {
	x := p.x
	by := b.expr(&ast.Column{Node: ast.Node{At: x.For.At}, Parts: []ast.Name{x.For}}, p.inner)
	if invalid(by) {
		return false
	}
	if !pivotable(x.Aggregate) {
		b.refuse(sem.NotKnown, x.Aggregate.At, "write sum, count, min, max or avg of one value", "PIVOT does not take this here")
		return false
	}
	f := functions()[x.Aggregate.Name]
	var of *sem.Expr
	if x.Aggregate.Star {
		of = b.number(&ast.Number{Node: ast.Node{At: x.Aggregate.At}, Text: "1"}, "1", "")
		of.Made = true
	} else if of = b.settled(b.expr(x.Aggregate.Args[0], p.inner)); invalid(of) {
		return false
	}
	read := map[*sem.Column]bool{by.Column: true}
	columnsIn(of, read)

	p.text.WriteString("SELECT ")
	keys := p.kept(read)
	for _, c := range keys {
		e := b.guarded(b.columnOf(c, x.For.At))
		p.give(b, e, c.Name, x.For.At)
		p.columns = append(p.columns, sem.Column{Name: c.Name, Type: c.Type, Facts: e.Facts})
	}
	for _, it := range x.In {
		e, name := b.pivotedValue(p, f, it, of)
		if invalid(e) {
			return false
		}
		p.give(b, e, name, it.At)
		p.columns = append(p.columns, sem.Column{Name: name, Type: e.Type, Facts: e.Facts})
	}
	p.from()
	if len(keys) > 0 {
		p.text.WriteString(" GROUP BY 1" + numbersTo(len(keys)))
	}

	return true
}

// pivotable reports whether PIVOT takes an aggregate.
func pivotable(c *ast.Call) bool {
	if c.Star {
		return c.Name == "count" && c.Over == nil && c.Filter == nil
	}
	plain := c.Over == nil && c.Filter == nil && c.Nulls == "" && len(c.Order) == 0
	return plain && len(c.Args) == 1 && slices.Contains([]string{"sum", "count", "min", "max", "avg"}, c.Name)
}

// numbersTo are the numbers from 2 on.
func numbersTo(n int) string {
	var out strings.Builder
	for i := 2; i <= n; i++ {
		out.WriteString(", " + strconv.Itoa(i))
	}
	return out.String()
}

// pivotedValue is the aggregate of the rows that have a value.
func (b *binder) pivotedValue(p *pivoting, f function, it ast.Item, of *sem.Expr) (*sem.Expr, string) {
	name := it.Alias.Text
	switch v := it.X.(type) {
	case *ast.String:
		name = either(name, v.Value)
	case *ast.Number:
		name = either(name, v.Text)
	default:
		return b.refuse(sem.NotKnown, it.At, "write a text or a number", "only constants are read here"), ""
	}
	if it.Alias.Text == "" && (name == "" || name != strings.ToLower(name)) {
		return b.refuse(sem.NotDecidable, it.At, "write AS and a name", "how Redshift folds this name is not documented"), ""
	}
	by := b.expr(&ast.Column{Node: ast.Node{At: p.x.For.At}, Parts: []ast.Name{p.x.For}}, p.inner)
	l, r, ok := b.comparable(by, b.expr(it.X, p.inner), it.At, "IN")
	if !ok {
		return &sem.Expr{At: it.At}, ""
	}
	one := made(sem.OpDecode, of.Type, of.At, l, r, of)
	one.N, one.Facts = 1, of.Facts
	c := &call{x: p.x.Aggregate, s: p.inner, args: []*sem.Expr{one}}
	if p.x.Aggregate.Name != "count" {
		e := f.bind(b, c)
		e.Made = true
		return e, name
	}
	if p.x.Aggregate.Distinct {
		one = b.compared(one)
	}
	e := rewritten(sem.OpCount, sem.Of(sem.Int8), p.x.Aggregate, one)
	e.Distinct = p.x.Aggregate.Distinct

	return e, name
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// columnsIn notes the columns that an expression reads.
func columnsIn(e *sem.Expr, read map[*sem.Column]bool) {
	if e.Op == sem.OpColumn {
		read[e.Column] = true
	}
	for _, a := range e.Args {
		columnsIn(a, read)
	}
}

// unpivoted is UNPIVOT: a query for each column, all of them together.
func (b *binder) unpivoted(p *pivoting) bool {
	x := p.x
	read := map[*sem.Column]bool{}
	var values []*sem.Expr
	for _, it := range x.In {
		column, plain := it.X.(*ast.Column)
		if !plain || len(column.Parts) > 1 {
			b.refuse(sem.NotKnown, it.At, "write a column", "only a column is read here")
			return false
		}
		e := b.expr(column, p.inner)
		if invalid(e) {
			return false
		}
		if len(values) > 0 && !alikeTypes(e.Type, values[0].Type) {
			b.refuse(sem.NotKnown, it.At, "cast the columns in a query in FROM", "UNPIVOT makes one column of %s and %s", values[0].Type, e.Type)
			return false
		}
		read[e.Column] = true
		values = append(values, e)
	}

	keys := p.kept(read)
	value := sem.Column{Name: x.Value.Text, Type: values[0].Type, Facts: values[0].Facts}
	for i, e := range values {
		if i > 0 {
			p.text.WriteString(" UNION ALL ")
		}
		p.text.WriteString("SELECT ")
		for _, c := range keys {
			p.give(b, b.columnOf(c, x.For.At), c.Name, x.For.At)
		}
		p.give(b, quoted(either(x.In[i].Alias.Text, e.Column.Name), x.In[i].At), x.For.Text, x.For.At)
		p.give(b, e, x.Value.Text, x.Value.At)
		p.from()
		if !x.Nulls {
			p.text.WriteString(" WHERE \x00 IS NOT NULL")
			p.slot.Slots = append(p.slot.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
		}
		value.Facts = value.Both(e.Facts)
		value.Type = widerText(value.Type, e.Type)
	}
	for _, c := range keys {
		p.columns = append(p.columns, *c)
	}
	p.columns = append(p.columns, sem.Column{Name: x.For.Text, Type: sem.Of(sem.Varchar), Facts: sem.Facts{NoBlanks: true}}, value)

	return true
}

// alikeTypes reports whether values of two types make one column as they are.
func alikeTypes(a, b sem.Type) bool {
	return a.IsText() && b.IsText() && (a.Kind == sem.Char) == (b.Kind == sem.Char) || a.Kind == b.Kind && (a.Kind != sem.Numeric || a == b)
}

// widerText is a type of both texts, without a length if theirs differ; of others the first.
func widerText(a, b sem.Type) sem.Type {
	if a.IsText() && a != b {
		return sem.Of(min(a.Kind, b.Kind))
	}
	return a
}
