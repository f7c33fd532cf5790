package emit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Spark has no integers of 128 bits: it divides DECIMALs of 38 digits without a point. Its own quotient of two has six digits behind the
// point, and so 32 before it; it is exact where the rest was taken off before. For PostgreSQL's quotient both operands are divided step by step to
// one digit more than the type has; where PostgreSQL rounds is then a power of ten.

// sparkReach is how many digits a quotient of two such DECIMALs has at most.
const sparkReach = 32

// reach is how many digits operands of wide types may have before the division overflows, and raises.
const reach = 20

const wholeDecimal = "DECIMAL(38,0)"

// over is the quotient of two integers of many digits, cut. The dividend stands in it twice.
func over(a, b string) string {
	return "CAST((" + a + " - (" + a + ") % " + b + ") / " + b + " AS " + wholeDecimal + ")"
}

// whole is an exact number without its point, as Spark computes with it. A product with a power of ten is cheaper than a text with an
// exponent, and has room for its digits only if the number does not have most of them itself.
func whole(t string, of sem.Type) string {
	p, s := of.Digits()
	switch {
	case s == 0:
		return "CAST(" + t + " AS " + wholeDecimal + ")"
	case p <= 30:
		return "CAST(CAST(" + t + " AS " + decimal(p, s) + ") * " + power(s) + " AS " + wholeDecimal + ")"
	}
	return "CAST(concat(CAST(CAST(" + t + " AS " + decimal(p, s) + ") AS STRING), 'E" + strconv.Itoa(s) + "') AS " + wholeDecimal + ")"
}

// pointed is an integer with a point before its last s digits. No product of Spark's has room for all of them.
func (p *printer) pointed(t string, s int, as sem.Type) string {
	if s > 0 {
		t = "concat(CAST(" + t + " AS STRING), 'E-" + strconv.Itoa(s) + "')"
	}
	return "CAST(" + t + " AS " + p.typeName(as) + ")"
}

// numericQuotientSpark is a / b as PostgreSQL divides numerics, of type t.
func (p *printer) numericQuotientSpark(a string, ta sem.Type, b string, tb sem.Type, t sem.Type) string {
	p1, s1 := ta.Digits()
	p2, s2 := tb.Digits()
	q, rest := p.longDivision(t.S+1+s2-s1, min(p1, reach), min(p2, reach))
	tooLong := p.raise("a quotient has more digits than a DECIMAL holds")
	up := "$q + CAST($u / 2 AS " + wholeDecimal + ")"
	rounded := "CASE WHEN $u > 0 THEN " + up + " - (" + up + ") % $u WHEN $r = 0 AND $q % 10 = 0 THEN $q ELSE " + tooLong + " END"
	inner := let("hindcast_q", rounded, binding{"$q", q}, binding{"$r", rest}, binding{"$u", p.roundingUnit(p1, s1, p2, s2, t.S)})
	body := "CASE WHEN $b = 0 AND $a IS NOT NULL THEN " + p.raise("division by zero")
	if p1 > reach {
		body += " WHEN $a >= " + p.huge(reach) + " THEN " + tooLong
	}
	if p2 > reach {
		body += " WHEN $b >= " + p.huge(reach) + " THEN " + tooLong
	}
	body += " WHEN " + over("$a", "$b") + " >= " + p.huge(max(sem.Most-1-t.S+s1-s2, 0)) + " THEN " + tooLong + " ELSE " + inner + " * $n END"
	sign := "CASE WHEN (" + a + " < 0) = (" + b + " < 0) THEN 1 ELSE -1 END"
	out := let("hindcast_x", body, binding{"$a", "abs(" + whole(a, ta) + ")"}, binding{"$b", "abs(" + whole(b, tb) + ")"}, binding{"$n", sign})

	return p.pointed(out, t.S+1, t)
}

// quotientSpark is a / b to s digits behind the point, cut or rounded, of type t.
func (p *printer) quotientSpark(a string, ta sem.Type, b string, tb sem.Type, s int, round bool, t sem.Type) string {
	_, s1 := ta.Digits()
	_, s2 := tb.Digits()
	x, y, room := "$a", "$b", sparkReach
	switch shift := s - s1 + s2; {
	case shift > 0:
		x, room = "($a * "+p.huge(shift)+")", sparkReach-shift
	case shift < 0:
		y = "($b * " + p.huge(-shift) + ")"
	}
	out := over(x, y)
	if round {
		out += " + CASE WHEN 2 * abs(" + x + " % " + y + ") < abs(" + y + ") THEN 0 WHEN ($a < 0) = ($b < 0) THEN 1 ELSE -1 END"
	}
	body := "CASE WHEN $b = 0 AND $a IS NOT NULL THEN " + p.raise("division by zero") + " WHEN abs($a) >= " + p.huge(max(room, 0)) + " THEN " +
		p.raise("a quotient has more digits than a DECIMAL holds") + " ELSE " + out + " END"

	return p.pointed(let("hindcast_x", body, binding{"$a", whole(a, ta)}, binding{"$b", whole(b, tb)}), s, t)
}

func divideDecimalSpark(p *printer, e *sem.Expr, args []text) text {
	return text{text: p.quotientSpark(args[0].text, e.Args[0].Type, args[1].text, e.Args[1].Type, e.Type.S, e.N == 1, e.Type)}
}

// avgCutSpark is an average to S digits behind the point, cut or rounded.
func avgCutSpark(p *printer, e *sem.Expr, args []text) text {
	sum := sem.Decimal(sem.Most, e.Type.S)
	return text{text: p.quotientSpark(p.sumAs(sum, e, args), sum, p.fill("count($d$1)$w", e, args), sem.Of(sem.Int8), e.Type.S, e.N == 1, e.Type)}
}

// sumAs is a sum of exact numbers as another type on Spark, where one of integers would be a BIGINT.
func (p *printer) sumAs(t sem.Type, e *sem.Expr, args []text) string {
	form := "sum($d$1)$w"
	if e.Args[0].Type.IsInt() {
		form = "sum($dCAST($1 AS DECIMAL(28,0)))$w"
	}
	return p.fill("CAST("+form+" AS "+p.typeName(t)+")", e, args)
}

// binding is a name in a form, and what it stands for.
type binding struct{ name, text string }

// let is a form whose names stand for expressions that are computed once.
func let(param, form string, all ...binding) string {
	fields, of := make([]string, len(all)), make([]string, 0, 2*len(all))
	for i, b := range all {
		fields[i] = "'" + b.name[1:] + "', " + b.text
		of = append(of, b.name, param+"."+b.name[1:])
	}
	return "transform(array(named_struct(" + strings.Join(fields, ", ") + ")), " + param + " -> " + strings.NewReplacer(of...).Replace(form) + ")[0]"
}

// longDivision is $a with so many zeros behind it, divided by $b, and what is left; p1 and p2 are the digits of the two.
func (p *printer) longDivision(zeros, p1, p2 int) (quotient, rest string) {
	step := min(zeros, sparkReach-p1)
	shifted := "$a * " + p.huge(step)
	quotient, rest = "("+over(shifted, "$b")+")", "(("+shifted+") % $b)"
	for zeros -= step; zeros > 0; zeros -= step {
		step = min(zeros, sparkReach-p2)
		shifted = rest + " * " + p.huge(step)
		quotient = "(" + quotient + " * " + p.huge(step) + " + " + over(shifted, "$b") + ")"
		rest = "((" + shifted + ") % $b)"
	}

	return quotient, rest
}

// roundingUnit is the power of ten that a quotient with s+1 digits behind the point is rounded to; 0 if PostgreSQL keeps more than s.
func (p *printer) roundingUnit(p1, s1, p2, s2, s int) string {
	least, most := -sem.Fours(s1)-sem.Fours(p2-s2), sem.Fours(p1-s1)+sem.Fours(s2)
	var out strings.Builder
	fmt.Fprintf(&out, "CASE (%s - %s + 199999) div 10000 - %d", p.firstFour("$a", p1, s1), p.firstFour("$b", p2, s2), 20+sem.Fours(s1)-sem.Fours(s2))
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
		four = x + " div " + p.huge(shift)
	case shift < 0:
		four = x + " * " + power(-shift)
	}
	return "CAST(" + strconv.Itoa(10000*n) + " + " + four + " AS BIGINT)"
}
