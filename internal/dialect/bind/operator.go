package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

var comparisons = map[string]string{"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}

// likes are the operators that PostgreSQL has for LIKE and ILIKE.
var likes = map[string]string{"~~": "like", "~~*": "ilike"}

func (b *binder) binary(x *ast.Binary, s *scope) *sem.Expr {
	if word, ok := likes[strings.TrimPrefix(x.Op, "!")]; ok {
		e := b.like(&ast.Like{Node: x.Node, X: x.L, Pattern: x.R, Word: word, Not: x.Op[0] == '!'}, s)
		e.Made = true
		return e
	}
	if l, ok := x.L.(*ast.Row); ok {
		return b.rows(x, l, s)
	}
	if jsonOperators[x.Op] {
		return b.jsonOperator(x, s)
	}
	if x.Op == "||" {
		l, r := b.exprOrArray(x.L, s), b.exprOrArray(x.R, s)
		if l.Type.Kind == sem.Array || r.Type.Kind == sem.Array {
			return b.joinedArrays(x, l, r, "")
		}
		return b.concat(x, l, r)
	}
	l, r := b.expr(x.L, s), b.expr(x.R, s)
	if invalid(l, r) {
		return &sem.Expr{At: x.At}
	}
	if comparisons[x.Op] != "" {
		return b.compare(x, l, r)
	}
	switch x.Op {
	case "~", "~*", "!~", "!~*":
		return b.matches(x, l, r)
	case "+", "-", "*", "/", "%":
		return b.arithmetic(x, l, r)
	case "^":
		return b.power(x, l, r)
	case "&", "|", "#":
		return b.bitwise(x, l, r)
	case "<<", ">>":
		return b.shift(x, l, r)
	case "^@":
		return b.call(&ast.Call{Node: x.Node, Name: "starts_with", NameAt: x.At, Args: []ast.Expr{x.L, x.R}}, s)
	}

	return b.refuse(sem.NotKnown, x.At, "", "the operator %s is not read", x.Op)
}

// compare is a comparison as the user wrote it.
func (b *binder) compare(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	e := b.comparison(x.Op, l, r, x.At)
	e.Parens, e.Made = x.Parend, false
	return e
}

// comparison compares two that have been bound, by an operator of comparisons.
func (b *binder) comparison(op string, l, r *sem.Expr, at lex.Span) *sem.Expr {
	l, r, ok := b.comparable(l, r, at, op)
	if !ok {
		return &sem.Expr{At: at}
	}
	e := made(sem.OpCompare, sem.Of(sem.Bool), at, l, r)
	e.Text = comparisons[op]
	if e.Text != "=" && e.Text != "<>" {
		b.ordered(l.Type, at, l.Facts, r.Facts)
	}

	return e
}

// comparable makes two of one type to compare them; trailing blanks are taken off where they do not count.
func (b *binder) comparable(l, r *sem.Expr, at lex.Span, op string) (left, right *sem.Expr, ok bool) {
	both := []*sem.Expr{l, r}
	if b.spans(both); invalid(both...) {
		return l, r, false
	}
	l, r = both[0], both[1]
	t, ok := b.unifyAll(both)
	if !ok {
		b.refuse(sem.Mismatch, at, "cast one of them", "%s cannot compare %s with %s", op, l.Type, r.Type)
		return l, r, false
	}
	if t.Kind == sem.Unknown {
		t = sem.Of(sem.Text)
	}
	padded := !b.Redshift && (l.Type.Kind == sem.Char && r.Type.Kind == sem.Varchar || l.Type.Kind == sem.Varchar && r.Type.Kind == sem.Char)
	l, r = b.coerce(l, t), b.coerce(r, t)
	if padded { // PostgreSQL compares them as character(n)
		return trimmed(l), trimmed(r), !invalid(l, r)
	}

	return b.compared(l), b.compared(r), !invalid(l, r)
}

// compared is a text as it is compared: in Redshift trailing blanks do not count.
func (b *binder) compared(e *sem.Expr) *sem.Expr {
	if !b.Redshift || !e.Type.IsText() {
		return e
	}
	b.matched(e.Type, e.At)
	return trimmed(e)
}

// matched refuses a text that is compared where the database's collation decides which texts are equal.
func (b *binder) matched(t sem.Type, at lex.Span) {
	if b.refuseArray(t, at, "where equal rows are found") {
		return
	}
	if b.Folding != "" && t.IsText() {
		b.refuse(sem.NotDecidable, at, "", "which texts are equal depends on the database's collation, which is %s", b.Folding)
	}
}

// trimmed is a text without trailing blanks.
func trimmed(e *sem.Expr) *sem.Expr {
	if e.Op == sem.OpOneSpelling { // of which the groups are made
		e = e.Args[0]
	}
	if e.NoBlanks || e.Op == sem.OpNull {
		return e
	}
	key := made(sem.OpTrimKey, e.Type, e.At, e)
	key.Facts = sem.Facts{NoBlanks: true, ASCII: e.ASCII}

	return key
}

// guarded is a text of which equal ones are made one. Redshift takes texts that differ in trailing blanks for equal, and does not say
// which of them it keeps: one with trailing blanks raises.
func (b *binder) guarded(e *sem.Expr) *sem.Expr {
	b.matched(e.Type, e.At)
	if !b.endsInBlanks(e) {
		return e
	}
	guard := made(sem.OpBlankGuard, e.Type, e.At, e)
	guard.Facts = sem.Facts{NoBlanks: true, ASCII: e.ASCII}

	return guard
}

// endsInBlanks reports whether a value may be a text with trailing blanks, which do not count.
func (b *binder) endsInBlanks(e *sem.Expr) bool {
	return b.Redshift && e.Type.IsText() && !e.NoBlanks && e.Op != sem.OpNull && e.Op != sem.OpBlankGuard
}

func (b *binder) concat(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	switch {
	case invalid(l, r):
		return &sem.Expr{At: x.At}
	case !textual(l.Type) && !textual(r.Type):
		return b.refuse(sem.Mismatch, x.At, "cast one of them as text", "|| does not join %s and %s", l.Type, r.Type)
	}
	if b.Redshift && (l.Type.Kind == sem.Char || r.Type.Kind == sem.Char) {
		return b.refuse(sem.NotDecidable, x.At, "write rtrim() around it", "whether Redshift keeps the trailing blanks of a CHAR here is not documented")
	}
	l, r = b.asText(l), b.asText(r)
	if invalid(l, r) {
		return &sem.Expr{At: x.At}
	}
	e := read(sem.OpConcat, sem.Of(sem.Text), x, l, r)
	e.Facts = sem.Facts{ASCII: l.ASCII && r.ASCII, NoBlanks: r.NoBlanks && (r.Op == sem.OpText && r.Text != "")}

	return e
}

func textual(t sem.Type) bool { return t.IsText() || t.Kind == sem.Unknown }

// asText is a value as a text, as || makes it one.
func (b *binder) asText(e *sem.Expr) *sem.Expr {
	if textual(e.Type) {
		return b.coerce(e, sem.Of(sem.Text))
	}
	return b.converted(e, sem.Of(sem.Text), e.At)
}

func (b *binder) arithmetic(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	if e := b.timeArithmetic(x, l, r); e != nil {
		return e
	}
	switch {
	case l.Type.Kind == sem.Unknown && r.Type.IsNumber():
		l = b.literal(l, b.unsized(r.Type, l))
	case r.Type.Kind == sem.Unknown && l.Type.IsNumber():
		r = b.literal(r, b.unsized(l.Type, r))
	}
	if invalid(l, r) {
		return &sem.Expr{At: x.At}
	}
	switch {
	case !l.Type.IsNumber() || !r.Type.IsNumber():
		return b.refuse(sem.Mismatch, x.At, "cast them", "%s %s %s is not read", l.Type, x.Op, r.Type)
	case l.Type.IsFloat() || r.Type.IsFloat():
		return b.floats(x, l, r)
	case l.Type.IsInt() && r.Type.IsInt():
		return b.integers(x, l, r)
	}

	return b.decimals(x, l, r)
}

var intOps = map[string]sem.Op{"+": sem.OpAdd, "-": sem.OpSubtract, "*": sem.OpMultiply, "/": sem.OpIntDivide, "%": sem.OpIntModulo}

func (b *binder) integers(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	t := sem.Of(max(l.Type.Kind, r.Type.Kind))
	return read(intOps[x.Op], t, x, b.coerce(l, t), b.coerce(r, t))
}

var floatOps = map[string]sem.Op{"+": sem.OpFloatAdd, "-": sem.OpFloatSubtract, "*": sem.OpFloatMultiply, "/": sem.OpFloatDivide}

func (b *binder) floats(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	op, ok := floatOps[x.Op]
	if !ok || l.Type.Kind == sem.Float4 && r.Type.Kind == sem.Float4 {
		return b.refuse(sem.NotKnown, x.At, "cast them as double precision", "%s %s %s is not read", l.Type, x.Op, r.Type)
	}
	t := sem.Of(sem.Float8)
	return read(op, t, x, b.coerce(l, t), b.coerce(r, t))
}

// decimals binds what has at least one decimal. Digits behind the point are what both dialects say; more digits than engines hold
// raise when they are met.
func (b *binder) decimals(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	var t sem.Type
	switch x.Op {
	case "+", "-":
		t = sumType(l.Type, r.Type)
	case "*":
		t = productType(l.Type, r.Type)
	case "/":
		return b.divided(x, l, r)
	default:
		return b.decimalModulo(x, l, r)
	}
	if t.S >= sem.Most {
		return b.refuse(sem.NotOnEngine, x.At, "round the parts first", "the result has %d digits after the point, and engines hold %d in all", t.S, sem.Most)
	}

	return read(intOps[x.Op], t, x, l, r)
}

// sumType is the type of the sum or difference of decimals, or of one and an integer.
func sumType(l, r sem.Type) sem.Type {
	p1, s1 := l.Digits()
	p2, s2 := r.Digits()
	s := max(s1, s2)
	return sem.Decimal(max(p1-s1, p2-s2)+1+s, s)
}

// productType is the same of a product.
func productType(l, r sem.Type) sem.Type {
	p1, s1 := l.Digits()
	p2, s2 := r.Digits()
	return sem.Decimal(p1+p2, s1+s2)
}

// divided is a division of decimals. Redshift's documentation gives its digits.
func (b *binder) divided(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	if !b.Redshift {
		return b.dividedNumeric(x, l, r)
	}
	p1, s1 := l.Type.Digits()
	p2, s2 := r.Type.Digits()
	s := max(4, s1+p2-s2+1)
	p := p1 - s1 + s2 + s
	if p > sem.Most {
		s = max(sem.Most+s-p, 4)
		p = sem.Most
	}
	t := sem.Decimal(p, s)
	e := rewritten(sem.OpDecimalDivide, t, x, b.exact(l), b.exact(r))
	if b.RoundDivision {
		e.N = 1
	}
	if inverse := byConstant(l.Type, r); inverse != nil && l.Type.S+inverse.Type.S <= t.S {
		e.Args = append(e.Args, inverse)
	}

	return e
}

// exact is a number as a decimal.
func (b *binder) exact(e *sem.Expr) *sem.Expr {
	if !e.Type.IsInt() {
		return e
	}
	p, _ := e.Type.Digits()
	return b.coerce(e, sem.Decimal(p, 0))
}
