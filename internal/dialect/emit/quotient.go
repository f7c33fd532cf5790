package emit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// PostgreSQL rounds a quotient of numerics to sixteen significant digits, or up to seven more: it has digits in groups of four from the point,
// tells by the operands' first groups where that of the quotient is, and rounds so many groups behind it. Here both operands are integers of
// 128 bits, divided step by step to one digit more than the type has; where PostgreSQL rounds is then a power of ten.

// reach is how many digits operands of wide types may have before the division overflows, and raises.
const reach = 20

func divideNumeric(p *printer, e *sem.Expr, args []text) text {
	switch l, r := e.Args[0].Type, e.Args[1].Type; {
	case e.N&sem.ByConstant != 0:
		return arithmetic("*")(p, e, args)
	case !p.Engine.spark():
		out := p.numericQuotientDuck(args[0].text, l, args[1].text, r, e, args)
		if nonZero(e.Args[1]) {
			return text{text: out}
		}
		a, b := operand(args[0]), operand(args[1])
		return text{text: "CASE WHEN " + b + " = 0 AND " + a + " IS NOT NULL THEN " + p.raise("division by zero") + " ELSE " + out + " END"}
	}
	p.refuseLoose(e)
	return text{text: p.numericQuotientSpark(args[0].text, e.Args[0].Type, args[1].text, e.Args[1].Type, e.Type)}
}

// refuseLoose refuses a quotient whose digits the values decide, which is not written for Spark.
func (p *printer) refuseLoose(e *sem.Expr) {
	if e.N != 0 || len(e.Args) > 2 {
		p.refuse(e.At, "write round(…, digits) around its parts", "how many digits PostgreSQL gives this quotient depends on those of its parts, which the values decide")
	}
}

func avgNumeric(p *printer, e *sem.Expr, args []text) text {
	sum, form := sem.Decimal(sem.Most, e.Args[0].Type.S), "sum($d$1)$w"
	if !p.Engine.spark() {
		return text{text: p.numericQuotientDuck(p.fill(form, e, args), sum, p.fill("count($d$1)$w", e, args), sem.Of(sem.Int8), e, args)}
	}
	p.refuseLoose(e)
	if e.Args[0].Type.IsInt() { // its sum would be a BIGINT
		form = "sum($dCAST($1 AS DECIMAL(28,0)))$w"
	}
	a := p.fill("CAST("+form+" AS "+p.typeName(sum)+")", e, args)
	return text{text: p.numericQuotientSpark(a, sum, p.fill("count($d$1)$w", e, args), sem.Of(sem.Int8), e.Type)}
}

// binding is a name in a form, and what it stands for.
type binding struct{ name, text string }

// let is a form whose names stand for expressions that are computed once. DuckDB takes no lambda in HAVING: they are computed each time there.
func (p *printer) let(param, form string, all ...binding) string {
	if p.Engine.spark() {
		return letSpark(param, form, all)
	}
	fields, of := make([]string, len(all)), make([]string, 0, 2*len(all))
	for i, b := range all {
		fields[i] = "'hindcast_" + b.name[1:] + "': " + b.text // no literal of the user's: DuckDB would take it for one that is grouped by
		if p.having {
			of = append(of, b.name, "("+b.text+")")
		} else {
			of = append(of, b.name, param+".hindcast_"+b.name[1:])
		}
	}
	form = strings.NewReplacer(of...).Replace(form)
	if p.having {
		return form
	}

	return "list_transform([{" + strings.Join(fields, ", ") + "}], lambda " + param + ": " + form + ")[1]"
}

// longDivision is $a with so many zeros behind it, divided by $b, and what is left; p1 and p2 are the digits of the two.
func (p *printer) longDivision(zeros, p1, p2 int) (quotient, rest string) {
	most := sem.Most
	if p.Engine.spark() {
		most = sparkReach
	}
	step := min(zeros, most-p1)
	shifted := "$a * " + p.huge(step)
	quotient, rest = "("+p.over(shifted, "$b")+")", "(("+shifted+") % $b)"
	for zeros -= step; zeros > 0; zeros -= step {
		step = min(zeros, most-p2)
		shifted = rest + " * " + p.huge(step)
		quotient = "(" + quotient + " * " + p.huge(step) + " + " + p.over(shifted, "$b") + ")"
		rest = "((" + shifted + ") % $b)"
	}

	return quotient, rest
}

// huge is a power of ten as an integer of 128 bits.
func (p *printer) huge(n int) string {
	if p.Engine.spark() {
		return "CAST('" + power(n) + "' AS " + wholeDecimal + ")"
	}
	return "CAST('" + power(n) + "' AS HUGEINT)"
}

// roundingUnit is the power of ten that a quotient with s+1 digits behind the point is rounded to; 0 if PostgreSQL keeps more than s.
func (p *printer) roundingUnit(p1, s1, p2, s2, s int) string {
	least, most := -sem.Fours(s1)-sem.Fours(p2-s2), sem.Fours(p1-s1)+sem.Fours(s2)
	var out strings.Builder
	fmt.Fprintf(&out, "CASE (%s - %s + 199999) %s 10000 - %d", p.firstFour("$a", p1, s1), p.firstFour("$b", p2, s2), p.div(), 20+sem.Fours(s1)-sem.Fours(s2))
	for w := least; w <= most; w++ {
		digits, unit := max(16-4*w, s1, s2), "0"
		if digits <= s {
			unit = p.huge(s + 1 - digits)
		}
		out.WriteString(" WHEN " + strconv.Itoa(w) + " THEN " + unit)
	}
	out.WriteString(" ELSE " + p.huge(s+1-max(s1, s2)) + " END")

	return out.String()
}

// firstFour is the first group of four digits of a number that has at most so many digits, s of them behind the point, from which groups are
// counted; and 10000 more for each group that follows.
func (p *printer) firstFour(x string, digits, s int) string {
	pad := 4*sem.Fours(s) - s // makes the last four whole
	var out strings.Builder
	n := 0
	for ; 4*(n+1)-pad < digits; n++ {
		out.WriteString(" WHEN " + x + " < " + p.huge(4*(n+1)-pad) + " THEN " + p.fourAt(x, n, pad))
	}
	if n == 0 {
		return p.fourAt(x, 0, pad)
	}

	return "CASE" + out.String() + " ELSE " + p.fourAt(x, n, pad) + " END"
}

// fourAt is the group of four digits of a number that n others follow, and 10000 more for each of them.
func (p *printer) fourAt(x string, n, pad int) string {
	four := x
	switch shift := 4*n - pad; {
	case shift > 0:
		four = x + " " + p.div() + " " + p.huge(shift)
	case shift < 0:
		four = x + " * " + power(-shift)
	}
	return "CAST(" + strconv.Itoa(10000*n) + " + " + four + " AS BIGINT)"
}

// div is the operator of a quotient that is cut, and fits into a BIGINT.
func (p *printer) div() string {
	if p.Engine.spark() {
		return "div"
	}
	return "//"
}
