package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// PostgreSQL rounds a quotient first to the digits that it has, R, and round(a / b, n) then rounds it to n. Once is as good: the two differ only
// where the quotient lies less than 10^-R below the middle of two numbers of n digits, and the first rounding makes it that. R is at least 16, less
// four for each group of four digits before the quotient's point, so that 10^-R is at most the quotient by 10^16. What is left over of the division
// tells how far from the middle it is; where it may be as near as that the run ends. Where the dividend has no more than sixteen digits, nothing is.

// oncePlaces are the most digits behind the point that a quotient of less than 10^15 has whatever it is.
const oncePlaces = 4

// roundsOnce reports whether an expression is a quotient that DuckDB rounds to the digits that are asked for, and not to PostgreSQL's before.
func (p *printer) roundsOnce(e *sem.Expr) bool {
	if p.Engine != DuckDB || e.Op != sem.OpRound || e.N < 0 || e.N > oncePlaces || e.Type.S != e.N || e.Type.P-e.Type.S > 15 {
		return false
	}
	of := e.Args[0]
	return of.Op == sem.OpNumericDivide && of.N&sem.ByConstant == 0 && of.Args[0].Type.S <= few && of.Args[1].Type.S <= few
}

// once is the rule of such an expression, whose arguments are those of the quotient.
var once = rule{write: roundOnce, why: "the engine would divide decimals as floating-point numbers"}

func roundOnce(p *printer, e *sem.Expr, args []text) text {
	_, s1 := e.Args[0].Type.Digits()
	_, s2 := e.Args[1].Type.Digits()
	a, b := shifted(wholeDuck(args[0].text, s1), wholeDuck(args[1].text, s2), e.N-s1+s2)
	const large = "10000000000000000"
	near := "abs(" + top + ") >= " + large + " AND " + twiceBottom + " - " + twice + " % " + twiceBottom + " <= abs(" + top + ") // " + large
	divided := p.raiseWhere(near, digitsNotKnown, roundedQuotient)
	out := withPoint(bound("["+a+", "+b+"]", top, bottom, divided), e.N, p.typeName(e.Type))

	return text{text: p.unlessByZero(e, args, out)}
}
