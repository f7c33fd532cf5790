package emit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// What a statement costs to plan on DuckDB grows with the length of its expressions, and for a small table planning is most of its time. So a
// quotient is written with the powers of ten computed, not chosen by a CASE with a branch for each; and what is computed once is handed to a
// lambda in a list, which HAVING takes, unlike one of a struct.
//
// It divides integers of 128 bits some thirty times as slowly as it multiplies them, or divides floats. So each step guesses its part of the quotient
// by floats, computes exactly what is left over, which may be negative, and the next one makes up for the error. Only if the last one was wrong, which
// is rare, are integers divided. How good the guesses are decides how long that takes, and nothing else.

// counted is how many digits a count has at most here; a greater one overflows in the division, and raises.
const counted = 14

const (
	dividend = "hindcast_x[1]"
	divisor  = "hindcast_x[2]"
	sign     = "hindcast_x[3]"
)

// usual is how many digits a divisor with few behind the point is taken to have at most. A longer one raises if it takes more steps than that.
const usual = 25

// telling is a quotient that tells how many digits it has: where its value without a point stands, and how many digits that has behind it.
type telling struct {
	at string
	s  int
}

// numericQuotientDuck is a / b as PostgreSQL divides numerics; b is 0 only where a is NULL. The operation says what it knows of the operands' digits; args
// are its arguments, of which those behind the second tell how many digits the operands have.
func (p *printer) numericQuotientDuck(a string, ta sem.Type, b string, tb sem.Type, e *sem.Expr, args []text) string {
	p2, s2 := tb.Digits()
	_, s1 := ta.Digits()
	if tb.Kind == sem.Int8 {
		p2 = counted
	}
	own, over := s2, withoutPoint(b, s2)
	divided := p2 // how many digits the divisor is taken to have at most
	if s2 <= few {
		divided = min(p2, usual)
	}
	if s1 > max(s2, few) { // a quotient that has fewer digits than its type
		over, p2, s2 = over+" * "+p.huge(s1-s2), p2+s1-s2, s1
		divided = p2
	}
	values := []string{"abs(" + withoutPoint(a, s1) + ")", "abs(" + over + ")", "CASE WHEN (" + a + " < 0) = (" + b + " < 0) THEN 1 ELSE -1 END"}
	if tb.Kind == sem.Int8 { // a count
		values[1], values[2] = over, "CASE WHEN "+a+" < 0 THEN -1 ELSE 1 END"
	}
	firsts := []telling{{dividend, s1}, {divisor, s2}}
	var tell []telling
	if e.N&sem.TellingDividend != 0 {
		tell = append(tell, firsts[0])
	}
	if e.N&sem.TellingDivisor != 0 {
		tell = append(tell, firsts[1])
	}
	for i := 2; i < len(e.Args); i++ {
		_, s := e.Args[i].Type.Digits()
		values = append(values, "abs("+withoutPoint(args[i].text, s)+")")
		tell = append(tell, telling{"hindcast_x[" + strconv.Itoa(len(values)) + "]", s})
	}

	of := quotient{ta, tb, e.Type, e.N, len(e.Args)}
	body, written := p.quotients[of]
	if !written {
		steps, most := stepsOf(divided, e.Type.S+s2-s1)
		digits := each("["+firstGroups(append(firsts, tell...))+"]", "hindcast_f", p.digits(firsts, own, e.N, tell))
		divides := each(digits, "hindcast_d", p.divided(steps, most, p2, s2-s1, e.Type.S))
		body = named(divides, "hindcast_q", p.rounded(e.Type))
	}
	if !p.Mark && len(e.Args) <= 2 { // otherwise more decides on it
		if p.quotients == nil {
			p.quotients = map[quotient]string{}
		}
		p.quotients[of] = body
	}

	return named("[["+strings.Join(values, ", ")+"]]", "hindcast_x", body)
}

// quotient is what decides how two numbers are divided once they stand in a list.
type quotient struct {
	dividend, divisor, of sem.Type
	n, args               int
}

// withoutPoint is a decimal without its point. A product with the power of ten has no room for those of many digits.
func withoutPoint(x string, s int) string {
	if s <= few {
		return wholeDuck(x, s)
	}
	return "CAST(replace(CAST(CAST(" + x + " AS " + decimal(sem.Most, s) + ") AS VARCHAR), '.', '') AS HUGEINT)"
}

// firstGroups are of numbers without a point 10000 times how many groups of four digits they have, counted from the point, and the first of them.
func firstGroups(all []telling) string {
	var out strings.Builder
	out.Grow(256)
	out.WriteString("list_transform([")
	for i, v := range all {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString("CAST(" + v.at)
		if pad := 4*sem.Fours(v.s) - v.s; pad > 0 {
			out.WriteString(" * " + power(pad))
		}
		out.WriteString(" AS VARCHAR)")
	}
	out.WriteString("], lambda hindcast_t: (length(hindcast_t) + 3) // 4 * 10000 + " +
		"CAST(left(hindcast_t, (length(hindcast_t) + 3) % 4 + 1) AS BIGINT))")

	return out.String()
}

// few are the most digits of numbers whose quotient is taken to tell how many digits it has, as the binder has it.
const few = 8

// digits are how many digits behind the point the quotient gets: sixteen, less four for each group of the quotient before the point and more for
// each behind it, and no fewer than the operands have. The first group of a quotient is as far from the point as that of the dividend is from
// that of the divisor, or one further if it is not greater.
//
// of are the operands as they are divided, s2 how many digits the divisor itself has behind the point.
//
// A quotient among the operands has as many as its own first group tells, or four more if that is 1: then the first groups that it is of may
// have been the same. Where that would matter the run ends.
func (p *printer) digits(of []telling, s2, n int, tell []telling) string {
	least, most := 0, 0
	for _, o := range []struct{ s, loose, telling int }{{of[0].s, sem.LooseDividend, sem.TellingDividend}, {s2, sem.LooseDivisor, sem.TellingDivisor}} {
		switch {
		case n&o.loose == 0:
			least = max(least, o.s)
		case n&o.telling == 0 && o.s <= few:
			most = max(most, o.s)
		}
	}
	sure := []string{strconv.Itoa(96+4*(sem.Fours(of[0].s)-sem.Fours(of[1].s))) + " - (hindcast_f[1] - hindcast_f[2] + 199999) // 10000 * 4", strconv.Itoa(least)}
	perhaps := []string{strconv.Itoa(most)}
	for i, q := range tell {
		f := "hindcast_f[" + strconv.Itoa(i+3) + "]"
		own := fmt.Sprintf("%d - %s // 10000 * 4", 20+4*sem.Fours(q.s), f)
		sure = append(sure, own)
		perhaps = append(perhaps, strconv.Itoa(few), own+" + CASE WHEN "+f+" % 10000 > 1 THEN 0 WHEN "+f+" % 10000 = 1 THEN 4 ELSE 99 END")
	}
	out := "greatest(" + strings.Join(sure, ", ") + ")"
	if most <= least && len(tell) == 0 {
		return out
	}

	return "CASE WHEN " + dividend + " <> 0 AND " + divisor + " <> 0 AND " + out + " < greatest(" + strings.Join(perhaps, ", ") + ") THEN " +
		p.raise(digitsNotKnown) + " ELSE " + out + " END"
}

// guessed is by how many digits a step may shift so that floats guess nearly all of its part.
const guessed = 13

// stepsOf is in how many steps to divide by a number of so many digits, a quotient with so many digits behind the point, and how many digits a
// step has at most: 38 are all that there are.
func stepsOf(divisor, behind int) (steps, most int) {
	for steps = 1; ; steps++ {
		most = (max(behind, 1) + steps - 1) / steps
		if divisor+most <= sem.Most && most <= guessed || steps == 4 {
			return steps, most
		}
	}
}

// powers are the powers of ten that each step shifts by, each in a list: DuckDB reduces lists to what they are of.
func powers(steps, most, shift, s int) string {
	digits := plus("least(hindcast_d, "+strconv.Itoa(s)+")", shift)
	all := make([]string, steps)
	for i := range steps {
		all[i] = digits
		if steps > 1 {
			all[i] = fmt.Sprintf("least(greatest(%s, 0), %d)", plus(digits, -i*most), most)
		}
	}
	return each("["+strings.Join(all, ", ")+"]", "hindcast_p", "[CAST(pow(10, hindcast_p) AS HUGEINT)]")
}

func powerOfTen(n string) string { return "CAST('1e' || (" + n + ") AS HUGEINT)" }

func plus(x string, n int) string {
	switch {
	case n > 0:
		return x + " + " + strconv.Itoa(n)
	case n < 0:
		return x + " - " + strconv.Itoa(-n)
	}
	return x
}

// divided divides step by step: the quotient without its point, what is left over, and how many digits the quotient has behind the point.
func (p *printer) divided(steps, most, p2, shift, s int) string {
	beyond := dividend + " / " + divisor + " >= 1e" + strconv.Itoa(min(max(sem.Most-1-s-shift, 0), sem.Most))
	if p2+most > sem.Most {
		beyond += " OR " + divisor + " > " + p.huge(sem.Most-most)
	}
	whole := "CAST(" + dividend + " / " + divisor + " AS HUGEINT)"
	part := "CAST(hindcast_r[2] / " + divisor + " * hindcast_n[1] AS HUGEINT)"

	return "CASE WHEN " + beyond + " THEN " + p.raise(tooLong) + " ELSE list_reduce(" + powers(steps, most, shift, s) + ", lambda hindcast_r, hindcast_n: " +
		"[hindcast_r[1] * hindcast_n[1] + " + part + ", hindcast_r[2] * hindcast_n[1] - " + part + " * " + divisor + ", hindcast_r[3]], " +
		"[" + whole + ", " + dividend + " - " + whole + " * " + divisor + ", hindcast_d]) END"
}

const (
	tooLong        = "a quotient has more digits than a DECIMAL holds"
	digitsNotKnown = "a quotient has more digits than are known"
)

// rounded rounds what was divided half up, gives it its sign, and puts the point.
func (p *printer) rounded(t sem.Type) string {
	const more = "hindcast_q[2] * 2"
	wrongBy := "CASE WHEN " + more + " >= " + divisor + " THEN (" + more + " + " + divisor + ") // (" + divisor + " * 2) " +
		"WHEN " + more + " < -" + divisor + " THEN (" + more + " - " + divisor + " + 1) // (" + divisor + " * 2) ELSE 0 END"
	return fmt.Sprintf("CASE WHEN hindcast_q[3] > %d AND hindcast_q[2] <> 0 THEN %s ELSE ", t.S, p.raise(tooLong)) +
		withPoint(fmt.Sprintf("(hindcast_q[1] + %s) * %s * %s", wrongBy, powerOfTen(fmt.Sprintf("greatest(%d - hindcast_q[3], 0)", t.S)), sign), t.S, p.typeName(t)) + " END"
}
