package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// DuckDB divides integers of 128 bits some thirty times as slowly as those of 64. A quotient of decimals that fit into 64 bits is therefore
// divided there, nine digits behind the point at a time.

const (
	bits64 = 18 // digits that any integer of 64 bits holds
	step   = 9  // digits by which a rest of as many is shifted
)

// quotientIn64 is a / b cut to the digits of type t; not ok if that takes more than 64 bits.
func (p *printer) quotientIn64(a *sem.Expr, x string, b *sem.Expr, y string, t sem.Type) (out string, ok bool) {
	p1, s1 := a.Type.Digits()
	p2, s2 := b.Type.Digits()
	shift := t.S - s1 + s2
	if p1+s1+1 > bits64 || p2+s2+1 > bits64 || shift < 0 {
		return "", false
	}
	x, y = in64(a, x), in64(b, y)
	whole := "CAST(" + x + " // " + y + " AS HUGEINT)"
	switch {
	case p1+shift <= bits64:
		out = x + " * " + power(shift) + " // " + y
	case p2 <= step && shift <= step:
		out = whole + " * " + power(shift) + " + " + x + " % " + y + " * " + power(shift) + " // " + y
	case p2 <= step && shift <= 2*step:
		first := x + " % " + y + " * " + power(step)
		out = whole + " * " + p.huge(shift) + " + (" + first + " // " + y + " * " + power(shift-step) + " + " + first + " % " + y + " * " + power(shift-step) + " // " + y + ")"
	default:
		return "", false
	}

	return withPoint(out, t.S, p.typeName(t)), true
}

// in64 is a decimal without its point, as an integer of 64 bits.
func in64(e *sem.Expr, x string) string {
	p, s := e.Type.Digits()
	if e.Op != sem.OpColumn || e.Item != nil { // others may have other digits on the engine
		x = "CAST(" + x + " AS " + decimal(p, s) + ")"
	}
	if s > 0 {
		x = "(" + x + " * CAST(" + power(s) + " AS " + decimal(s+1, 0) + "))"
	}
	return "CAST(" + x + " AS BIGINT)"
}
