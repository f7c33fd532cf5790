package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// dividedNumeric is PostgreSQL's division of numerics.
func (b *binder) dividedNumeric(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	l, r = b.exact(l), b.exact(r)
	if inverse := byConstant(l.Type, r); inverse != nil {
		p, s := inverse.Type.Digits()
		e := rewritten(sem.OpNumericDivide, sem.Decimal(l.Type.P+p, l.Type.S+s), x, l, inverse)
		e.N = sem.ByConstant
		return e
	}
	t, ok := b.quotient(l, r.Type, x.At)
	telling, known := b.telling(l, r)
	if !ok || !known {
		return &sem.Expr{At: x.At}
	}
	e := rewritten(sem.OpNumericDivide, t, x, l, r)
	e.N = looseness(l, r)
	for _, q := range telling {
		switch q {
		case l:
			e.N |= sem.TellingDividend
		case r:
			e.N |= sem.TellingDivisor
		default:
			e.Args = append(e.Args, q)
		}
	}

	return e
}

// telling are the quotients in operands that tell by their values how many digits those have; not ok if others decide on that, which is refused.
func (b *binder) telling(operands ...*sem.Expr) (all []*sem.Expr, ok bool) {
	for _, e := range operands {
		found, ok := quotients(e)
		if !ok && orZero(e) {
			found, ok = []*sem.Expr{e}, true
		}
		if !ok {
			b.refuseLoose(e)
			return nil, false
		}
		all = append(all, found...)
	}
	return all, true
}

func quotients(e *sem.Expr) (all []*sem.Expr, ok bool) {
	loose, longer := ragged(e)
	switch {
	case !loose, !longer && e.Type.S <= few:
		return nil, true
	case isQuotient(e):
		return []*sem.Expr{e}, true
	case e.Op == sem.OpAdd, e.Op == sem.OpSubtract, e.Op == sem.OpNegate, e.Op == sem.OpPlus, e.Op == sem.OpAbs, e.Op == sem.OpSame, e.Op == sem.OpWiden:
		for _, a := range e.Args {
			found, ok := quotients(a)
			if !ok || len(found) == 0 && a.Type.S > few {
				return nil, false
			}
			all = append(all, found...)
		}
		return all, true
	}

	return nil, false
}

// orZero reports whether an expression is a quotient as isQuotient has it, or a zero: then the quotient that it is divided to is zero whatever
// its digits are, or there is none.
func orZero(e *sem.Expr) bool {
	switch e.Op {
	case sem.OpColumn:
		return e.OrZero || e.Quotient
	case sem.OpInt, sem.OpDecimal:
		return sem.IsZero(e)
	case sem.OpCoalesce, sem.OpNullIf, sem.OpCase, sem.OpCaseOf, sem.OpDecode, sem.OpNVL2:
	case sem.OpWiden, sem.OpSame:
		return orZero(e.Args[0])
	default:
		return isQuotient(e)
	}
	for _, a := range sem.Results(e) {
		if a.Op != sem.OpNull && !orZero(a) {
			return false
		}
	}
	return true
}

// isQuotient reports whether an expression is a quotient, or a column of such, of numbers with few digits that are known.
func isQuotient(e *sem.Expr) bool {
	switch e.Op {
	case sem.OpColumn:
		return e.Quotient
	case sem.OpNumericDivide:
		return e.N&^sem.ByConstant == 0 && len(e.Args) == 2 && e.Args[0].Type.S <= few && e.Args[1].Type.S <= few
	case sem.OpAvgNumeric:
		return e.N == 0 && e.Args[0].Type.S <= few
	default:
		return false
	}
}

// quotient is the type of a quotient of numerics: digits enough for what PostgreSQL rounds ordinary quotients to, which is 16 significant
// digits or a few more, and as many before the point as that leaves.
func (b *binder) quotient(l *sem.Expr, by sem.Type, at lex.Span) (t sem.Type, ok bool) {
	p1, s1 := l.Type.Digits()
	p2, s2 := by.Digits()
	const usual, most, room = 24, sem.Most - 8, 4
	s := max(sem.Most-1-(p1-s1+s2)-room, usual)
	s = max(min(s, most, sem.QuotientDigits(s1, p2, s2)), s1, s2)
	if p1 == 0 || p2 == 0 || s > most {
		b.refuse(sem.NotOnEngine, at, "round the parts first", "the quotient has too many digits after the point for an engine")
		return t, false
	}

	return sem.Decimal(sem.Most, s), true
}

// few are the most digits behind the point that a loose number may have in a quotient: they only matter to one of 10^12 or more.
const few = 8

// refuseLoose refuses to divide a number of which the values decide how many digits it has, if that can matter, and reports whether it did.
func (b *binder) refuseLoose(e *sem.Expr) bool {
	if !loose(e) || !longer(e) && e.Type.S <= few {
		return false
	}
	b.refuse(sem.NotKnown, e.At, "write round(…, digits) around it", "how many digits PostgreSQL gives a quotient depends on those of this number, which the values decide")
	return true
}

// looseness is the N of a quotient.
func looseness(l, r *sem.Expr) (n int) {
	if loose(l) {
		n |= sem.LooseDividend
	}
	if r != nil && loose(r) {
		n |= sem.LooseDivisor
	}
	return n
}

// loose reports whether the source may give values of a decimal another number of digits behind the point than its type says.
func loose(e *sem.Expr) bool {
	out, _ := ragged(e)
	return out
}

// longer reports whether it may even give them more.
func longer(e *sem.Expr) bool {
	_, out := ragged(e)
	return out
}

func ragged(e *sem.Expr) (loose, longer bool) {
	if e.Type.Kind != sem.Numeric {
		return false, false
	}
	switch e.Op {
	case sem.OpNumericDivide, sem.OpAvgNumeric, sem.OpMiddle:
		return true, true
	case sem.OpColumn, sem.OpScalarQuery, sem.OpDecimal, sem.OpElement, sem.OpElementName:
		return e.Loose, e.Longer
	case sem.OpRound, sem.OpTruncate, sem.OpCeiling, sem.OpFloor, sem.OpToDecimal, sem.OpTextToDecimal, sem.OpFloatToDecimal, sem.OpSign:
		return false, false
	case sem.OpNullIf:
		return ragged(e.Args[2]) // the others are only compared
	case sem.OpWiden:
		loose = e.Args[0].Type.S != e.Type.S
	default:
	}
	for _, a := range e.Args {
		l, m := ragged(a)
		loose, longer = loose || l, longer || m
	}

	return loose, longer
}
