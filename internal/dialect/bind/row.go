package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// rows compares two rows part by part, as the source does: what is unknown of a part is unknown of the row, unless another part decides.
func (b *binder) rows(x *ast.Binary, l *ast.Row, s *scope) *sem.Expr {
	r, ok := x.R.(*ast.Row)
	op := comparisons[x.Op]
	switch {
	case !ok || op == "":
		return b.refuse(sem.NotKnown, x.At, "compare its parts", "a row is only compared with another one that is written")
	case len(l.Items) != len(r.Items):
		return b.refuse(sem.Mismatch, x.At, "", "rows of %d and %d parts are not compared", len(l.Items), len(r.Items))
	case b.Redshift && op != "=" && op != "<>":
		return b.refuse(sem.NotDecidable, x.At, "compare its parts", "Redshift's documentation does not say how rows are ordered")
	}
	var e *sem.Expr
	switch op {
	case "=", "<>":
		e = b.eachPart(op, l, r, s, x.At)
	default:
		e = b.inOrder(op, l.Items, r.Items, s, x.At)
	}
	e.Parens, e.Why = x.Parend, "a row is compared part by part: engines give NULL in a row another meaning"

	return e
}

// eachPart is true if all parts are equal, or if any differs.
func (b *binder) eachPart(op string, l, r *ast.Row, s *scope, at lex.Span) *sem.Expr {
	e := made(sem.OpAnd, sem.Of(sem.Bool), at)
	if op == "<>" {
		e.Op = sem.OpOr
	}
	for i := range l.Items {
		e.Args = append(e.Args, b.comparePart(op, l.Items[i], r.Items[i], s, at))
	}
	return e
}

// inOrder compares the first parts, and where those are equal the rest.
func (b *binder) inOrder(op string, l, r []ast.Expr, s *scope, at lex.Span) *sem.Expr {
	if len(l) == 1 {
		return b.comparePart(op, l[0], r[0], s, at)
	}
	rest := made(sem.OpAnd, sem.Of(sem.Bool), at, b.comparePart("=", l[0], r[0], s, at), b.inOrder(op, l[1:], r[1:], s, at))
	return made(sem.OpOr, sem.Of(sem.Bool), at, b.comparePart(op[:1], l[0], r[0], s, at), rest)
}

// comparePart compares two parts of rows.
func (b *binder) comparePart(op string, l, r ast.Expr, s *scope, at lex.Span) *sem.Expr {
	return b.comparison(op, b.expr(l, s), b.expr(r, s), at)
}

// quantified is a comparison with any, or with all, of the elements of an array, which are of one type by themselves.
func (b *binder) quantified(x *ast.Quantified, s *scope) *sem.Expr {
	op := comparisons[x.Op]
	if op == "" || b.Redshift {
		return b.refuse(sem.NotKnown, x.At, "write IN and a list, or comparisons", "%s with an array is not read", x.Op)
	}
	if x.Of != nil {
		return b.quantifiedArray(x, op, s)
	}
	list := make([]*sem.Expr, len(x.List))
	for i, a := range x.List {
		list[i] = b.expr(a, s)
	}
	if invalid(list...) || b.mixed(typesOf(list), x.At, "an array") {
		return &sem.Expr{At: x.At}
	}
	t, ok := b.unifyAll(list)
	if !ok {
		return b.refuse(sem.Mismatch, x.At, "cast what differs", "an array has elements of several types")
	}
	if t.Kind == sem.Unknown {
		t = sem.Of(sem.Text)
	}
	e := rewritten(sem.OpOr, sem.Of(sem.Bool), x)
	if x.All {
		e.Op = sem.OpAnd
	}
	for _, a := range list {
		e.Args = append(e.Args, b.comparison(op, b.expr(x.X, s), b.coerce(a, t), x.At))
	}
	if len(e.Args) > 1 {
		return e
	}

	return e.Args[0]
}
