package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// dividedNumeric is PostgreSQL's division of numerics.
func (b *binder) dividedNumeric(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	l, r = b.exact(l), b.exact(r)
	t, ok := b.quotient(l, r.Type, x.At)
	if !ok || b.refuseLoose(r) {
		return &sem.Expr{At: x.At}
	}
	return rewritten(sem.OpNumericDivide, t, x, l, r)
}

// quotient is the type of a quotient of numerics: digits enough for what PostgreSQL rounds ordinary quotients to, which is 16 significant
// digits or a few more, and as many before the point as that leaves.
func (b *binder) quotient(l *sem.Expr, by sem.Type, at lex.Span) (t sem.Type, ok bool) {
	if b.refuseLoose(l) {
		return t, false
	}
	p1, s1 := l.Type.Digits()
	p2, s2 := by.Digits()
	const usual, most, room = 24, sem.Most - 8, 4
	s := max(sem.Most-1-(p1-s1+s2)-room, usual)
	s = max(min(s, most, sem.QuotientDigits(s1, p2, s2)), s1, s2)
	if p1 == 0 || p2 == 0 || s > most {
		b.refuse(sem.NotOnEngine, at, "round the parts first", "the quotient has too many digits behind the point for an engine")
		return t, false
	}

	return sem.Decimal(sem.Most, s), true
}

// refuseLoose refuses to divide a number of which the values decide how many digits it has, and reports whether it is one.
func (b *binder) refuseLoose(e *sem.Expr) bool {
	if !loose(e) {
		return false
	}
	b.refuse(sem.NotKnown, e.At, "write round(…, digits) around it", "how many digits PostgreSQL gives a quotient depends on those of this number, which the values decide")
	return true
}

// loose reports whether the source may give values of a decimal another number of digits behind the point than its type says.
func loose(e *sem.Expr) bool {
	if e.Type.Kind != sem.Numeric {
		return false
	}
	switch e.Op {
	case sem.OpNumericDivide, sem.OpAvgNumeric, sem.OpMiddle:
		return true
	case sem.OpColumn, sem.OpScalarQuery, sem.OpDecimal:
		return e.Loose
	case sem.OpRound, sem.OpTruncate, sem.OpCeiling, sem.OpFloor, sem.OpToDecimal, sem.OpTextToDecimal:
		return false
	case sem.OpNullIf:
		return loose(e.Args[2]) // the others are only compared
	case sem.OpWiden:
		if e.Args[0].Type.S != e.Type.S {
			return true
		}
	default:
	}
	for _, a := range e.Args {
		if loose(a) {
			return true
		}
	}

	return false
}
