package bind

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// exprOrArray binds an expression, which may be an array.
func (b *binder) exprOrArray(x ast.Expr, s *scope) *sem.Expr {
	if b.work++; b.work > most {
		if b.work == most+1 {
			b.refuse(sem.NotKnown, x.Span(), "write it in several queries", "the statement is too large")
		}
		return &sem.Expr{At: x.Span()}
	}
	e := b.bare(x, s)
	if s.isKey(e) {
		return oneSpelling(e, s)
	}
	return e
}

func (b *binder) bare(x ast.Expr, s *scope) *sem.Expr {
	switch x := x.(type) {
	case *ast.Null:
		return read(sem.OpNull, sem.Of(sem.Unknown), x)
	case *ast.Bool:
		e := read(sem.OpBool, sem.Of(sem.Bool), x)
		e.Text = x.Span().In(b.text)
		return e
	case *ast.Number:
		return b.number(x, x.Text, "")
	case *ast.String:
		return b.str(x)
	case *ast.Param:
		return b.param(x)
	case *ast.Column:
		return b.column(x, s)
	case *ast.Star:
		return b.refuse(sem.NotKnown, x.At, "", "* is not read here")
	case *ast.Unary:
		return b.unary(x, s)
	case *ast.Binary:
		return b.binary(x, s)
	case *ast.Cast:
		return b.cast(x, s)
	case *ast.Interval:
		return b.interval(x)
	case *ast.Case:
		return b.caseExpr(x, s)
	case *ast.Call:
		return b.call(x, s)
	case *ast.Array:
		return b.elements(x, s)
	case *ast.Subscript:
		return b.subscript(x, s)
	case *ast.Collate:
		return b.collate(x, s)
	case *ast.Scalar:
		return b.scalar(x, s)
	case *ast.Row:
		return b.refuse(sem.NotKnown, x.At, "compare its parts", "a row is only read before IN")
	}

	return b.predicate(x, s)
}

// predicate binds what is true, false or unknown.
func (b *binder) predicate(x ast.Expr, s *scope) *sem.Expr {
	switch x := x.(type) {
	case *ast.Logical:
		return b.logical(x, s, b.expr)
	case *ast.Is:
		return b.is(x, s)
	case *ast.Distinct:
		return b.distinct(x, s)
	case *ast.Between:
		return b.between(x, s)
	case *ast.In:
		return b.in(x, s)
	case *ast.Quantified:
		return b.quantified(x, s)
	case *ast.Like:
		return b.like(x, s)
	case *ast.Exists:
		inner, _ := b.query(x.Query, s, purpose{})
		e := read(sem.OpExists, sem.Of(sem.Bool), x)
		e.Query = inner
		return e
	}

	return b.refuse(sem.NotKnown, x.Span(), "", "this expression is not read")
}

// truth binds a condition of which only matters whether it is true.
func (b *binder) truth(x ast.Expr, s *scope) *sem.Expr {
	switch x := x.(type) {
	case *ast.Logical:
		return b.logical(x, s, b.truth)
	case *ast.In:
		if row, ok := x.X.(*ast.Row); ok && x.Query != nil {
			return b.rowInQuery(x, row, s)
		}
		e := b.expr(x, s)
		if e.Op == sem.OpInQuery && !e.Not {
			e.N = sem.OnlyTruth
		}
		return e
	}
	return b.expr(x, s)
}

func (b *binder) logical(x *ast.Logical, s *scope, bind func(ast.Expr, *scope) *sem.Expr) *sem.Expr {
	op := sem.OpOr
	if x.And {
		op = sem.OpAnd
	}
	e := read(op, sem.Of(sem.Bool), x)
	e.Args = make([]*sem.Expr, len(x.Args))
	for i, a := range x.Args {
		e.Args[i] = b.boolean(bind(a, s), "an operand of AND or OR")
	}

	return e
}

// boolean converts a literal, and refuses what is not a boolean.
func (b *binder) boolean(e *sem.Expr, what string) *sem.Expr {
	switch {
	case invalid(e) || e.Type.Kind == sem.Bool:
		return e
	case e.Type.Kind == sem.Unknown:
		return b.literal(e, sem.Of(sem.Bool))
	}
	return b.refuse(sem.Mismatch, e.At, "", "%s is a boolean, and this is %s", what, e.Type)
}

func (b *binder) param(x *ast.Param) *sem.Expr {
	t, known := b.Params[x.Name]
	if !known {
		return b.refuse(sem.NotKnown, x.At, "where it is NULL, write a NULL with a cast in its place", "the type of :%s is not known", x.Name)
	}
	e := read(sem.OpParam, t, x)
	e.Text = x.Name
	return e
}

func (b *binder) scalar(x *ast.Scalar, s *scope) *sem.Expr {
	inner, outputs := b.query(x.Query, s, purpose{})
	if len(outputs) != 1 {
		if len(outputs) > 0 {
			b.refuse(sem.Mismatch, x.At, "", "a query as a value gives one column, and this one gives %d", len(outputs))
		}
		return &sem.Expr{At: x.At}
	}
	e := read(sem.OpScalarQuery, outputs[0].Type, x)
	e.Query, e.Facts = inner, outputs[0].Facts
	if e.Type.IsText() {
		e.NoBlanks = outputs[0].NoBlanks
	}

	return e
}

// signed is a number with minuses before it, in parentheses or not, which PostgreSQL reads as the number's; nil if that is not what stands there.
// Plain says that it is one minus.
func signed(x *ast.Unary) (n *ast.Number, sign string, plain bool) {
	of := ast.Expr(x)
	for minuses := 0; ; minuses++ {
		minus, ok := of.(*ast.Unary)
		if !ok {
			n, _ = of.(*ast.Number)
			return n, strings.Repeat("-", minuses%2), minuses == 1
		}
		if minus.Op != "-" {
			return nil, "", false
		}
		of = minus.X
	}
}

func (b *binder) unary(x *ast.Unary, s *scope) *sem.Expr {
	if n, sign, plain := signed(x); n != nil {
		e := b.number(x, n.Text, sign)
		e.Made = e.Made || !plain
		return e
	}
	if name := prefixFunctions[x.Op]; name != "" {
		e := b.call(&ast.Call{Node: x.Node, Name: name, NameAt: x.At, Args: []ast.Expr{x.X}}, s)
		e.Made = true
		return e
	}
	inner := b.expr(x.X, s)
	if invalid(inner) {
		return inner
	}
	if x.Op == "not" {
		return read(sem.OpNot, sem.Of(sem.Bool), x, b.boolean(inner, "what NOT stands before"))
	}

	op := sem.OpNegate
	switch {
	case x.Op == "~":
		return b.otherBits(x, inner)
	case inner.Op == sem.OpInterval && x.Op == "-":
		e := negated(inner)
		e.At, e.Parens = x.At, x.Parend
		return e
	case !inner.Type.IsNumber():
		return b.refuse(sem.NotKnown, x.At, "", "%s before %s is not read", x.Op, inner.Type)
	case x.Op == "+":
		op = sem.OpPlus
	case inner.Type.IsFloat():
		op = sem.OpFloatNegate
	}

	return read(op, inner.Type, x, inner)
}

func (b *binder) is(x *ast.Is, s *scope) *sem.Expr {
	var inner *sem.Expr
	if x.What == "null" && ofJSON(x.X) {
		inner = b.typeOfJSON(x.X, s)
	} else {
		inner = b.exprOrArray(x.X, s)
	}
	if invalid(inner) {
		return inner
	}
	if x.What != "null" {
		inner = b.boolean(inner, "what IS "+strings.ToUpper(x.What)+" stands behind")
	}
	e := read(sem.OpIs, sem.Of(sem.Bool), x, inner)
	e.Text, e.Not = x.What, x.Not
	word := strings.ToLower(b.text[x.X.Span().End:x.At.End])
	e.Made = strings.Contains(word, "isnull") || strings.Contains(word, "notnull") || x.What == "unknown"

	return e
}

func (b *binder) distinct(x *ast.Distinct, s *scope) *sem.Expr {
	if b.Redshift {
		return b.refuse(sem.Mismatch, x.At, "compare, and say what NULL means with IS NULL", "Redshift does not have IS DISTINCT FROM")
	}
	l, r, ok := b.comparable(b.expr(x.L, s), b.expr(x.R, s), x.At, "IS DISTINCT FROM")
	if !ok {
		return &sem.Expr{At: x.At}
	}
	e := read(sem.OpDistinctFrom, sem.Of(sem.Bool), x, l, r)
	e.Not = x.Not

	return e
}

func (b *binder) between(x *ast.Between, s *scope) *sem.Expr {
	all := []*sem.Expr{b.expr(x.X, s), b.expr(x.Low, s), b.expr(x.High, s)}
	if !b.alike(all, x.At, "BETWEEN") {
		return &sem.Expr{At: x.At}
	}
	b.ordered(all[0].Type, x.At, factsOfAll(all)...)
	e := read(sem.OpBetween, sem.Of(sem.Bool), x, all...)
	e.Not = x.Not

	return e
}

// alike makes several of one type to compare them.
func (b *binder) alike(all []*sem.Expr, at lex.Span, what string) bool {
	if b.spans(all); invalid(all...) {
		return false
	}
	if b.padded(all, at, what) || !b.literals(all, at, what) {
		return false
	}
	t, ok := b.unifyAll(all)
	if !ok {
		b.refuse(sem.Mismatch, at, "cast what differs", "%s compares %s with other types", what, all[0].Type)
		return false
	}
	if t.Kind == sem.Unknown {
		t = sem.Of(sem.Text)
	}
	for i := range all {
		all[i] = b.compared(b.coerce(all[i], t))
	}

	return !invalid(all...)
}

// literals gives literals without a type that of what is looked for: the source compares each pair by itself. The constants of a list of IN
// have one type, if there are several.
func (b *binder) literals(all []*sem.Expr, at lex.Span, what string) bool {
	t, first, constants := all[0].Type, sem.Type{}, 0
	for _, e := range all[1:] {
		if constant(e) {
			constants++
		}
		switch {
		case e.Type.Kind == sem.Unknown:
		case first.Kind == sem.Invalid:
			first = e.Type
		case t.Kind == sem.Unknown && first.Kind != e.Type.Kind:
			b.refuse(sem.NotKnown, at, "cast the literal", "%s compares a literal with values of several types", what)
			return false
		}
	}
	for _, e := range all[1:] {
		if what == "IN" && constants > 1 && constant(e) {
			t, _ = b.unify(t, e.Type)
		}
	}
	for i, e := range all[1:] {
		if e.Type.Kind == sem.Unknown && t.Kind != sem.Unknown && t.Kind != sem.Invalid {
			all[i+1] = b.literal(e, b.unsized(t, e))
		}
	}

	return !invalid(all...)
}

// constant reports whether an expression reads no column.
func constant(e *sem.Expr) bool {
	return e.Op != sem.OpColumn && e.Query == nil && !slices.ContainsFunc(e.Args, func(a *sem.Expr) bool { return !constant(a) })
}

// padded refuses a list of which PostgreSQL compares some with trailing blanks and some without; Redshift takes them off all.
// The list of IN is made one type like the results of CASE, where other lists are compared one by one.
func (b *binder) padded(all []*sem.Expr, at lex.Span, what string) bool {
	var char, text, exact, single bool
	open := false
	for _, e := range all {
		char = char || e.Type.Kind == sem.Char
		text = text || e.Type.Kind == sem.Text
		open = open || e.Type.Kind == sem.Unknown
		exact = exact || e.Type.IsExact()
		single = single || e.Type.Kind == sem.Float4
	}
	switch {
	case apart(all):
		b.refuse(sem.NotKnown, at, "cast all of them as double precision, or write comparisons", "%s compares floating-point and large exact numbers, each pair in its own type", what)
		return true
	case !b.Redshift && char && text && open:
		b.refuse(sem.NotKnown, at, "cast the character column as text", "%s compares character with text and with a literal", what)
		return true
	case what == "IN" && len(all) > 2 && single && exact:
		b.refuse(sem.NotKnown, at, "cast the real as double precision", "IN makes real and other numbers one type, which is real")
		return true
	case b.Redshift || !char:
		return false
	}
	return b.mixed(typesOf(all), at, what)
}

// heldByFloats is how many digits of an exact number every floating-point number holds.
const heldByFloats = 15

// apart reports whether an exact number is compared with a floating-point number as well as with an exact one, where a floating-point
// number does not hold them all. The source compares each pair by itself.
func apart(all []*sem.Expr) bool {
	if !all[0].Type.IsExact() {
		return false
	}
	large, float, exact := false, false, false
	for i, e := range all {
		p, _ := e.Type.Digits()
		large = large || e.Type.IsExact() && e.Op != sem.OpInt && (p == 0 || p > heldByFloats)
		large = large || e.Op == sem.OpInt && len(e.Text) > heldByFloats
		float = float || e.Type.IsFloat()
		exact = exact || i > 0 && e.Type.IsExact()
	}

	return large && float && exact
}

func (b *binder) in(x *ast.In, s *scope) *sem.Expr {
	if row, ok := x.X.(*ast.Row); ok {
		return b.rowIn(x, row, s)
	}
	v := b.expr(x.X, s)
	e := read(sem.OpIn, sem.Of(sem.Bool), x)
	e.Not = x.Not
	if x.Query != nil {
		return b.inQuery(x, v, s)
	}

	// All of the list are of one type, and so is what is looked for.
	all := append(make([]*sem.Expr, 0, len(x.List)+1), v)
	for _, a := range x.List {
		all = append(all, b.expr(a, s))
	}
	if !b.alike(all, x.At, "IN") {
		return &sem.Expr{At: x.At}
	}
	e.Args = all

	return e
}

func (b *binder) inQuery(x *ast.In, v *sem.Expr, s *scope) *sem.Expr {
	inner, outputs := b.query(x.Query, s, purpose{trims: true})
	if len(outputs) != 1 {
		if len(outputs) > 0 {
			b.refuse(sem.Mismatch, x.Query.At, "", "a query behind IN gives one column, and this one gives %d", len(outputs))
		}
		return &sem.Expr{At: x.At}
	}
	if invalid(v) || outputs[0].Type.Kind == sem.Invalid {
		return &sem.Expr{At: x.At}
	}
	if !b.Redshift && v.Type.IsText() && b.mixed([]sem.Type{v.Type, outputs[0].Type}, x.At, "IN") {
		return &sem.Expr{At: x.At}
	}
	t, ok := b.unifyAll([]*sem.Expr{v, {Type: outputs[0].Type}})
	if !ok || differs(outputs[0].Type, t) {
		return b.refuse(sem.Mismatch, x.At, "cast one of them", "IN compares %s with %s", v.Type, outputs[0].Type)
	}
	e := read(sem.OpInQuery, sem.Of(sem.Bool), x, b.compared(b.coerce(v, t)))
	e.Not, e.Query, e.Made = x.Not, inner, x.Respelled

	return e
}

// rowIn is (a, b) IN ((1, 2), …): a chain of comparisons.
func (b *binder) rowIn(x *ast.In, row *ast.Row, s *scope) *sem.Expr {
	if x.Query != nil {
		return b.refuse(sem.NotKnown, x.At, "write NOT EXISTS", "a row before [NOT] IN (query) is only read where it is a condition joined by AND or OR")
	}
	e := rewritten(sem.OpOr, sem.Of(sem.Bool), x)
	for _, a := range x.List {
		other, ok := a.(*ast.Row)
		if !ok || len(other.Items) != len(row.Items) {
			return b.refuse(sem.Mismatch, a.Span(), "", "this is not a row of %d", len(row.Items))
		}
		all := made(sem.OpAnd, sem.Of(sem.Bool), a.Span())
		for i := range row.Items {
			all.Args = append(all.Args, b.equal(b.expr(row.Items[i], s), b.expr(other.Items[i], s), a.Span()))
		}
		e.Args = append(e.Args, all)
	}
	e.Why = "a row is compared part by part: engines give NULL in a row another meaning"
	if !x.Not {
		return e
	}
	e.Parens = true

	return made(sem.OpNot, sem.Of(sem.Bool), x.At, e)
}

// equal is a comparison of two that have been bound.
func (b *binder) equal(l, r *sem.Expr, at lex.Span) *sem.Expr {
	l, r, ok := b.comparable(l, r, at, "=")
	if !ok {
		return &sem.Expr{At: at}
	}
	e := made(sem.OpCompare, sem.Of(sem.Bool), at, l, r)
	e.Text = "="

	return e
}

// rowInQuery is (a, b) IN (query) where unknown counts as false: whether the query has an equal row.
func (b *binder) rowInQuery(x *ast.In, row *ast.Row, s *scope) *sem.Expr {
	inner, outputs := b.query(x.Query, s, purpose{trims: true})
	if len(outputs) != len(row.Items) {
		return b.refuse(sem.Mismatch, x.At, "", "the row has %d parts, and the query gives %d columns", len(row.Items), len(outputs))
	}
	e := rewritten(sem.OpRowInQuery, sem.Of(sem.Bool), x)
	e.Query, e.Not = inner, x.Not
	for i, a := range row.Items {
		v := b.expr(a, s)
		if invalid(v) || outputs[i].Type.Kind == sem.Invalid {
			return &sem.Expr{At: x.At}
		}
		if !b.Redshift && v.Type.IsText() && b.mixed([]sem.Type{v.Type, outputs[i].Type}, a.Span(), "IN") {
			return &sem.Expr{At: x.At}
		}
		t, ok := b.unifyAll([]*sem.Expr{v, {Type: outputs[i].Type}})
		if !ok || differs(outputs[i].Type, t) {
			return b.refuse(sem.Mismatch, a.Span(), "cast one of them", "IN compares %s with %s", v.Type, outputs[i].Type)
		}
		e.Args = append(e.Args, b.compared(b.coerce(v, t)))
	}

	return e
}

func (b *binder) caseExpr(x *ast.Case, s *scope) *sem.Expr {
	e := read(sem.OpCase, sem.Type{}, x)
	e.N = len(x.When)
	results := make([]*sem.Expr, 0, len(x.Then)+1) // ELSE first
	if x.Else != nil {
		results = append(results, b.exprOrArray(x.Else, s))
	}
	for _, r := range x.Then {
		results = append(results, b.exprOrArray(r, s))
	}
	whens, ok := b.whens(x, s)
	if !ok || !b.level(results, &e.Type, &e.Facts, x.At, "CASE") {
		return &sem.Expr{At: x.At}
	}
	if x.Else != nil {
		results = append(results[1:], results[0])
	}

	e.Args = make([]*sem.Expr, 0, len(whens)+len(results))
	if x.Operand != nil {
		e.Op = sem.OpCaseOf
		e.Args = append(e.Args, whens[0])
		whens = whens[1:]
	}
	for i := range whens {
		e.Args = append(e.Args, whens[i], results[i])
	}
	e.Args = append(e.Args, results[len(whens):]...)

	return e
}

// whens binds the conditions of a CASE; with an operand, that first and all of one type.
func (b *binder) whens(x *ast.Case, s *scope) ([]*sem.Expr, bool) {
	all := make([]*sem.Expr, 0, len(x.When)+1)
	if x.Operand == nil {
		for _, w := range x.When {
			all = append(all, b.boolean(b.truth(w, s), "a condition of CASE"))
		}
		return all, !invalid(all...)
	}

	all = append(all, b.expr(x.Operand, s))
	for _, w := range x.When {
		all = append(all, b.expr(w, s))
	}

	return all, b.alike(all, x.At, "CASE")
}

// level makes several results of one type, of which the first decides where PostgreSQL goes by their order.
func (b *binder) level(all []*sem.Expr, t *sem.Type, f *sem.Facts, at lex.Span, what string) bool {
	if invalid(all...) {
		return false
	}
	one, texts := b.common(typesOf(all))
	if !texts && b.mixed(typesOf(all), at, what) {
		return false
	}
	ok := texts
	if !texts {
		one, ok = b.unifyAll(all)
	}
	if !ok {
		b.refuse(sem.Mismatch, at, "cast what differs", "%s gives values of several types", what)
		return false
	}
	if one.Kind == sem.Unknown {
		one = sem.Of(sem.Text)
	}
	*f = sem.Facts{NoBlanks: true, ASCII: true}
	for i := range all {
		if all[i] = b.coerce(all[i], one); one.Kind == sem.Char && texts {
			all[i] = trimmed(all[i])
		}
		if all[i].Op != sem.OpNull {
			*f = f.Both(all[i].Facts)
		}
	}
	*t = one

	return !invalid(all...)
}
