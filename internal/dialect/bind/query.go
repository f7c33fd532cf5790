package bind

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// query binds a query in the scope around it.
func (b *binder) query(q *ast.Query, outer *scope, why purpose) (*sem.Query, []output) {
	bound := &sem.Query{At: q.At, Plain: plain(q)}
	around := outer
	if len(q.With) > 0 {
		around = &scope{outer: outer, with: map[string][]sem.Column{}}
		b.with(q, around, bound)
	}

	b.aroundParens(q, bound)
	body := len(bound.Slots)
	why.ties = q.Ties
	outputs, inner := b.body(q.Body, around, why, bound)
	b.order(q, inner, outputs, bound)
	b.distinctOn(q, inner)
	b.limits(q, inner, bound)
	if inner != nil {
		noteOuter(inner, bound) // an order may read one, too
	}
	if _, lone := q.Body.(*ast.Select); lone {
		enclose(bound, body, q.At.End)
	}
	bound.Outer = bound.Outer || around != outer && around.reads
	sortSlots(bound.Slots)
	bound.Columns = columnsOf(outputs)
	if q.Limit != nil || q.Offset != nil {
		for i := range outputs {
			outputs[i].counted = true // an order may decide which rows are left
		}
	}

	return bound, outputs
}

// aroundParens binds what an order or limit around parentheses means, of which the source makes one query with what stands in them: it takes no clause
// twice, and orders before a limit and skips rows before it, though that stands in the parentheses.
func (b *binder) aroundParens(q *ast.Query, bound *sem.Query) {
	var order, limit, offset bool
	for in, ok := q.Body.(*ast.Nested); ok; in, ok = in.Query.Body.(*ast.Nested) {
		order = order || len(in.Query.Order) > 0
		limit = limit || in.Query.Limit != nil || in.Query.LimitNone
		offset = offset || in.Query.Offset != nil
	}
	twice := func(at lex.Span, clause string) {
		b.refuse(sem.Syntax, at, "leave one of them out, or write the inner query in FROM", "%s stands in the parentheses, too", clause)
	}
	before := func(at lex.Span) {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: lex.Span{Start: at.Start, End: at.Start}, Text: "before a limit in parentheses"})
	}
	switch {
	case len(q.Order) > 0 && order:
		twice(q.Order[0].At, "ORDER BY")
	case limit && (q.Limit != nil || q.LimitNone):
		twice(q.LimitAt, "LIMIT")
	case offset && q.Offset != nil:
		twice(q.OffsetAt, "OFFSET")
	case len(q.Order) > 0 && (limit || offset):
		before(q.Order[0].At)
	case limit && q.Offset != nil:
		before(q.OffsetAt)
	}
}

// noteOuter notes whether a SELECT reads a query around it, as far as it is bound.
func noteOuter(s *scope, bound *sem.Query) {
	bound.Outer = bound.Outer || s.reads
	if s.shape != nil {
		s.shape.Outer = s.reads
	}
}

// sortSlots puts slots in the order of the text. What stands between two words comes before the second one.
func sortSlots(all []sem.Slot) {
	for i := range len(all) - 1 {
		if compareSpans(all[i].At, all[i+1].At) > 0 { // most are in order
			slices.SortStableFunc(all, func(x, y sem.Slot) int { return compareSpans(x.At, y.At) })
			return
		}
	}
}

func compareSpans(x, y lex.Span) int { return cmp.Or(x.Start-y.Start, x.End-y.End) }

func plain(q *ast.Query) bool {
	s, ok := q.Body.(*ast.Select)
	return ok && len(s.Group) == 0 && s.Having == nil && !s.Distinct && s.On == nil && len(q.With) == 0 && len(q.Order) == 0 && q.Limit == nil && q.Offset == nil
}

func (b *binder) with(q *ast.Query, s *scope, bound *sem.Query) {
	for _, c := range q.With {
		inner, outputs := b.cte(q, c, s, bound)
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotName, At: c.Name.At, Text: c.Name.Text, Quoted: c.Name.Quoted})
		b.names(c.Columns, bound)
		if c.Hint != (lex.Span{}) {
			bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: c.Hint, Text: "materialized"})
		}
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotQuery, At: inner.At, Query: inner})
		if _, twice := s.with[c.Name.Text]; twice {
			b.refuse(sem.Syntax, c.Name.At, "", "two queries of WITH are named %s", c.Name.Text)
		}
		if other := s.sameQuery(c.Name.Text); other != "" {
			b.refuse(sem.NotOnEngine, c.Name.At, "give one of them another name", "engines do not tell the queries %s and %s apart", other, c.Name.Text)
		}
		t := b.newTable(c.Name.Text, columnsOf(outputs), c.Columns, c.Name.At)
		s.with[c.Name.Text] = t.columns
	}
}

// outputOf is an expression as a column of the result.
func outputOf(e *sem.Expr, name string, open bool) output {
	return output{Column: columnLike(e, name), from: []*sem.Expr{e}, open: open}
}

// columnLike is a column of an expression's values.
func columnLike(e *sem.Expr, name string) sem.Column {
	e.Loose, e.Longer = ragged(e)
	e.Quotient, e.OrZero = isQuotient(e), orZero(e)
	e.NotZero, e.Range = sem.NotZero(e), sem.Within(e)
	return sem.Column{Name: name, Type: e.Type, Facts: e.Facts}
}

func columnsOf(outputs []output) []sem.Column {
	all := make([]sem.Column, len(outputs))
	for i, o := range outputs {
		all[i] = o.Column
	}
	return all
}

func (b *binder) names(names []ast.Name, bound *sem.Query) {
	for _, n := range names {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotName, At: n.At, Text: n.Text, Quoted: n.Quoted})
	}
}

// body binds SELECTs and what joins them. The scope is that of a lone SELECT, and nil otherwise.
func (b *binder) body(x ast.Body, outer *scope, why purpose, bound *sem.Query) ([]output, *scope) {
	switch x := x.(type) {
	case *ast.Select:
		from := len(bound.Slots)
		outputs, s := b.selectBody(x, outer, why, bound)
		enclose(bound, from, x.At.End)
		return outputs, s
	case *ast.SetOp:
		return b.setOp(x, outer, why, bound), nil
	case *ast.Nested:
		inner, outputs := b.query(x.Query, outer, why)
		bound.Outer = bound.Outer || inner.Outer
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotQuery, At: inner.At, Query: inner})
		return outputs, nil
	case *ast.Values:
		return b.values(x, outer, why, bound), nil
	}

	return nil, nil
}

func (b *binder) setOp(x *ast.SetOp, outer *scope, why purpose, bound *sem.Query) []output {
	if !x.All || x.Op != "union" {
		why.guards = true
	}
	if x.All && x.Op != "union" && b.Redshift {
		b.refuse(sem.Mismatch, x.OpAt, "", "Redshift does not have %s ALL", strings.ToUpper(x.Op))
	}
	if x.Minus {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: x.OpAt, Text: "EXCEPT", Why: "MINUS is EXCEPT"})
	}
	b.refuseTop(x.L)
	b.refuseTop(x.R)
	left, _ := b.body(x.L, outer, why, bound)
	why.labels = false // the first query names the columns
	right, _ := b.body(x.R, outer, why, bound)
	if len(left) != len(right) {
		b.refuse(sem.Mismatch, x.OpAt, "", "the queries give %d and %d columns", len(left), len(right))
		return left
	}
	for i := range left {
		left[i] = b.joined(left[i], right[i], x.OpAt)
		left[i].counted = left[i].counted || !x.All || x.Op != "union"
	}

	return left
}

// joined is a column of two queries that are joined: both get one type.
func (b *binder) joined(l, r output, at lex.Span) output {
	if l.Type.IsDocument() && l.Type == r.Type && l.Declared && r.Declared {
		l.column, l.from = nil, append(slices.Clone(l.from), r.from...)
		return l
	}
	if l.Type.IsDocument() || r.Type.IsDocument() {
		b.refuse(sem.NotKnown, at, "ask it for a text by ->> in both queries", "the column %s is JSON in one of the queries, and something else in the other one", l.Name)
	}
	if l.Type.Kind == sem.Invalid || r.Type.Kind == sem.Invalid {
		l.Type = sem.Type{}
		return l
	}
	switch {
	case l.open && !r.open:
		b.decide(&l, r.Type)
	case r.open && !l.open:
		b.decide(&r, l.Type)
	}
	l.open = false
	t, ok := b.common([]sem.Type{l.Type, r.Type})
	if !ok && b.mixed([]sem.Type{l.Type, r.Type}, at, "a set operation") {
		l.Type = sem.Type{}
		return l
	}
	if ok && t.Kind == sem.Char {
		b.trimmedOutput(r)
	} else if !ok {
		t, ok = b.unify(l.Type, r.Type)
	}
	if !ok {
		b.refuse(sem.Mismatch, at, "cast one of them", "the queries give %s and %s for the column %s", l.Type, r.Type, l.Name)
		l.Type = sem.Type{}
		return l
	}
	for _, o := range []output{l, r} {
		if o.counted && merges(o.Type, t) {
			b.refuse(sem.NotKnown, at, "cast it in a query around that", "the column %s is made a %s, as which more of its values are equal, and a query that leaves equal rows out gives it", o.Name, t)
			continue
		}
		if !differs(o.Type, t) || o.from == nil && o.Type == t {
			continue
		}
		if o.from == nil {
			b.refuse(sem.NotKnown, o.star, "write the columns, and cast "+o.Name, "the column %s is made a %s, and comes from *", o.Name, t)
			continue
		}
		for _, e := range o.from {
			inner := *e
			inner.Parens = false
			*e = *b.coerce(&inner, t)
		}
	}
	l.column, l.Declared, l.counted = nil, false, l.counted || r.counted
	mixed := t.Kind == sem.Numeric && (l.Type.S != t.S || r.Type.S != t.S)
	l.Type, l.Facts, l.from = t, l.Both(r.Facts), append(slices.Clone(l.from), r.from...)
	l.Loose = l.Loose || mixed

	return l
}

// trimmedOutput takes trailing blanks off a column of a query that is joined to one of character(n).
func (b *binder) trimmedOutput(o output) {
	if o.Type.Kind == sem.Char {
		return
	}
	if o.from == nil {
		b.refuse(sem.NotKnown, o.star, "write the columns, and cast "+o.Name, "the column %s is made a character, and comes from *", o.Name)
	}
	for _, e := range o.from {
		inner := *e
		inner.Parens = false
		*e = *trimmed(&inner)
	}
}

// merges reports whether values that differ may be equal once they are converted.
func merges(from, to sem.Type) bool {
	p, _ := from.Digits()
	return from.IsExact() && to.IsFloat() && (p == 0 || p > heldByFloats) || from.IsText() && from.Kind != sem.Char && to.Kind == sem.Char
}

// differs reports whether values have to be converted: engines widen numbers by themselves, but where they have made one of as many digits as they hold,
// as they may beyond 18: of those behind the point they would drop some.
func differs(from, to sem.Type) bool {
	switch {
	case from.IsText() && to.IsText(), from.IsInt() && to.IsInt():
		return false
	case from.IsExact() && to.Kind == sem.Numeric:
		const short = 18
		return to.P >= sem.Most || to.P > short && from.Kind == sem.Numeric && from.S != to.S
	}
	return from.Kind != to.Kind
}

func (b *binder) values(x *ast.Values, s *scope, why purpose, bound *sem.Query) []output {
	if why.labels {
		b.refuse(sem.NotKnown, x.At, "write SELECT … UNION ALL SELECT …, with AS in the first one", "engines name the columns of VALUES otherwise")
		return nil
	}
	columns := make([]output, len(x.Rows[0]))
	for n, row := range x.Rows {
		if len(row) != len(columns) {
			b.refuse(sem.Syntax, x.At, "", "the rows of VALUES are of different lengths")
			return nil
		}
		for i, item := range row {
			e := b.expr(item, s)
			open := e.Type.Kind == sem.Unknown
			e = b.settled(e)
			bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
			one := outputOf(e, "column"+strconv.Itoa(i+1), open)
			if n > 0 {
				open = open && columns[i].open
				one = b.joined(columns[i], one, item.Span())
				one.open = open
			}
			columns[i] = one
		}
	}

	return columns
}

// decide gives literals without a type the other query's.
func (b *binder) decide(o *output, t sem.Type) {
	for _, e := range o.from {
		inner := *e
		inner.Type = sem.Of(sem.Unknown)
		t = b.unsized(t, &inner)
		*e = *b.literal(&inner, t)
	}
	o.Type = t
}

// settled makes a literal whose type nothing decided a text.
func (b *binder) settled(e *sem.Expr) *sem.Expr {
	if e.Type.Kind != sem.Unknown {
		return e
	}
	e = b.literal(e, sem.Of(sem.Text))
	e.Made = e.Made || e.Op == sem.OpNull // engines would take a bare NULL for a number
	return e
}

func (b *binder) order(q *ast.Query, s *scope, outputs []output, bound *sem.Query) {
	for _, k := range q.Order {
		before := len(bound.Slots)
		if b.outputKey(k.X, outputs, s, bound) {
			if len(bound.Slots) > before {
				besideWindow(bound.Slots[before].Expr, outputs, bound)
			}
			b.nulls(k, &bound.Slots)
			continue
		}
		if s == nil {
			b.refuse(sem.NotKnown, k.X.Span(), "order by a column of the result", "only columns of the result order a set operation")
			continue
		}
		s.aliases = nil
		b.key(k, s, &bound.Slots)
	}
	if s != nil {
		s.named = nil
	}
}

// outputKey reports whether a key of ORDER BY is a column of the result, by number or by name, whose order is plain.
func (b *binder) outputKey(x ast.Expr, outputs []output, s *scope, bound *sem.Query) bool {
	var o *output
	switch x := x.(type) {
	case *ast.Number:
		if n, err := strconv.Atoi(x.Text); err == nil && n >= 1 && n <= len(outputs) {
			o = &outputs[n-1]
		} else {
			b.refuse(sem.Syntax, x.At, "", "%s is not the number of a column", x.Text)
			return true
		}
	case *ast.Column:
		if len(x.Parts) > 1 {
			return false
		}
		o = b.outputNamed(x, outputs)
	}
	if o == nil {
		return false
	}
	o.open = false // an order settles a literal's type
	b.ordered(o.Type, x.Span(), o.Facts)
	b.matched(o.Type, x.Span())
	if b.Redshift && o.Type.IsText() && !o.NoBlanks && !b.trimmedKey(x, o, s, bound) {
		b.refuse(sem.NotKnown, x.Span(), "order by rtrim() of it", "trailing blanks do not count in Redshift's order, and the engine counts them in the column %s", o.Name)
	}

	return true
}

// outputNamed is the column of the result with a name; nil if there is none. It refuses a name that could be several, as the source or engines see it.
func (b *binder) outputNamed(x *ast.Column, outputs []output) *output {
	var o *output
	name := x.Parts[0].Text
	for i := range outputs {
		other := &outputs[i]
		switch {
		case !strings.EqualFold(other.Name, name):
		case other.Name != name:
			b.refuse(sem.NotOnEngine, x.At, "give the column of the result another name", "engines do not tell %s and the result's column %s apart", name, other.Name)
		case o != nil && (o.column == nil || o.column != other.column):
			b.refuse(sem.NoColumn, x.At, "give one of them another name, or order by its number", "%s could be several columns of the result", name)
		default:
			o = other
		}
	}

	return o
}

// ordered refuses an order of values that depends on what is not known.
func (b *binder) ordered(t sem.Type, at lex.Span, of ...sem.Facts) {
	b.refuseArray(t, at, "as an order")
	if t.IsDocument() {
		b.refuse(sem.NotOnEngine, at, documentAlone, "values of JSON have another order in engines, or none")
	}
	if t.IsText() && !b.Bytewise && !slices.ContainsFunc(of, func(f sem.Facts) bool { return f.Bytes }) {
		which, instead := "", "say --collation C, if it is, or order by … COLLATE \"C\""
		if b.Collation != "" {
			which, instead = ", which is "+b.Collation, "order by … COLLATE \"C\", numbers or dates, or compute it in the warehouse, in a view that the fact reads"
		}
		b.refuse(sem.NotDecidable, at, instead, "the order of texts depends on the database's collation%s", which)
	}
}

// collate is a text that is ordered by its bytes: no other collation is read.
func (b *binder) collate(x *ast.Collate, s *scope) *sem.Expr {
	inner := b.settled(b.expr(x.X, s))
	switch {
	case invalid(inner):
		return inner
	case b.Redshift:
		return b.refuse(sem.NotKnown, x.At, "leave it out", "COLLATE is not read")
	case !inner.Type.IsText():
		return b.refuse(sem.Mismatch, x.At, "leave it out", "%s has no collation", inner.Type)
	case x.Collation != "C":
		return b.refuse(sem.NotOnEngine, x.At, `write COLLATE "C", which orders texts by their bytes`, "engines do not order texts by the collation %s", x.Collation)
	}
	e := same(inner, x.At)
	e.Parens, e.Facts, e.Why = x.Parend, inner.Facts, "the engine orders texts by their bytes"
	e.Bytes = true

	return e
}

func factsOfAll(all []*sem.Expr) (facts []sem.Facts) {
	for _, e := range all {
		facts = append(facts, e.Facts)
	}
	return facts
}

// key binds a key of ORDER BY.
func (b *binder) key(k ast.Order, s *scope, slots *[]sem.Slot) *sem.Expr {
	e := b.sortKey(k.X, s)
	*slots = append(*slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e, Text: "order"})
	b.nulls(k, slots)

	return e
}

// sortKey is what a key of an order sorts by.
func (b *binder) sortKey(x ast.Expr, s *scope) *sem.Expr {
	e := b.settled(b.expr(x, s))
	b.constant(e, "ORDER BY")
	b.ordered(e.Type, e.At, e.Facts)
	return b.compared(e)
}

// numbered refuses a key that is a number, in an order that has no columns for it to name, and reports whether it did.
func (b *binder) numbered(k ast.Order) bool {
	n, ok := k.X.(*ast.Number)
	if ok {
		b.refuse(sem.NotKnown, n.At, "write the column", "a number does not name a column here")
	}
	return ok
}

// constant refuses a key that is a literal: an engine takes a number for a column's, and others for a mistake.
func (b *binder) constant(e *sem.Expr, what string) {
	if e.Op >= sem.OpNull && e.Op <= sem.OpTimestamp {
		b.refuse(sem.NotKnown, e.At, "leave it out", "a constant is not read in %s", what)
	}
}

// nulls notes where NULLs go if the text does not say so: PostgreSQL and Redshift take them for greater than everything.
func (b *binder) nulls(k ast.Order, slots *[]sem.Slot) {
	if k.Nulls == "" {
		*slots = append(*slots, sem.Slot{Kind: sem.SlotNulls, At: lex.Span{Start: k.At.End, End: k.At.End}, Desc: k.Desc})
	}
}
