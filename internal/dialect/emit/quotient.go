package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// PostgreSQL rounds a quotient of numerics to sixteen significant digits, or up to seven more: it has digits in groups of four from the point,
// tells by the operands' first groups where that of the quotient is, and rounds so many groups behind it.

func divideNumeric(p *printer, e *sem.Expr, args []text) text {
	switch l, r := e.Args[0].Type, e.Args[1].Type; {
	case e.N&sem.ByConstant != 0:
		return arithmetic("*")(p, e, args)
	case !p.Engine.spark():
		return text{text: p.unlessByZero(e, args, p.numericQuotientDuck(args[0].text, l, args[1].text, r, e, args))}
	}
	p.refuseLoose(e)
	return text{text: p.numericQuotientSpark(args[0].text, e.Args[0].Type, args[1].text, e.Args[1].Type, e.Type)}
}

// unlessByZero is a written quotient that raises where its second argument is zero and the first one is not NULL.
func (p *printer) unlessByZero(e *sem.Expr, args []text, quotient string) string {
	if p.notZero(e.Args[1]) {
		return quotient
	}
	zero := operand(args[1]) + " = 0"
	if !neverNull(e.Args[0]) {
		zero += " AND " + operand(args[0]) + " IS NOT NULL"
	}
	return p.raiseWhere(zero, "division by zero", quotient)
}

// refuseLoose refuses a quotient whose digits the values decide, which is not written for Spark.
func (p *printer) refuseLoose(e *sem.Expr) {
	if e.N != 0 || len(e.Args) > 2 {
		p.refuse(e.At, "write round(…, digits) around its parts", "how many digits PostgreSQL gives this quotient depends on those of its parts, which the values decide")
	}
}

func avgNumeric(p *printer, e *sem.Expr, args []text) text {
	const sum, count = "sum($d$1)$w", "count($d$1)$w"
	as := sem.Decimal(sem.Most, e.Args[0].Type.S)
	if !p.Engine.spark() {
		return text{text: p.numericQuotientDuck(p.fill(sum, e, p.summed(e, args)), as, p.fill(count, e, args), sem.Of(sem.Int8), e, args)}
	}
	p.refuseLoose(e)
	return text{text: p.numericQuotientSpark(p.sumAs(as, e, args), as, p.fill(count, e, args), sem.Of(sem.Int8), e.Type)}
}

// huge is a power of ten as an integer of 128 bits.
func (p *printer) huge(n int) string {
	if p.Engine.spark() {
		return "CAST('" + power(n) + "' AS " + wholeDecimal + ")"
	}
	return "CAST('" + power(n) + "' AS HUGEINT)"
}
