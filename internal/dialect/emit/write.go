package emit

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func decimal(p, s int) string { return "DECIMAL(" + strconv.Itoa(p) + "," + strconv.Itoa(s) + ")" }

// operand is an expression between operators.
func operand(t text) string {
	if t.loose {
		return "(" + t.text + ")"
	}
	return t.text
}

// listed are the arguments of a call.
func listed(args []text) string {
	all := make([]string, len(args))
	for i, a := range args {
		all[i] = a.text
	}
	return strings.Join(all, ", ")
}

func function(name string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		return text{text: name + "(" + listed(args) + ")" + p.behind(e)}
	}
}

func chain(word string) func(*printer, *sem.Expr, []text) text {
	return func(_ *printer, _ *sem.Expr, args []text) text {
		all := make([]string, len(args))
		for i, a := range args {
			all[i] = operand(a)
		}
		return text{text: "(" + strings.Join(all, word) + ")"}
	}
}

// extreme is GREATEST or LEAST. Spark takes no single argument.
func extreme(name string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		if len(args) == 1 {
			return args[0]
		}
		if !e.Made {
			return p.kept(e, args)
		}
		return function(name)(p, e, args)
	}
}

// whens is a CASE of conditions that is not written.
func whens(_ *printer, e *sem.Expr, args []text) text {
	var all cases
	for i := range e.N {
		all.when(args[2*i].text, args[2*i+1].text)
	}
	if len(args) > 2*e.N {
		all.WriteString(" ELSE " + args[2*e.N].text)
	}
	return text{text: "CASE" + all.String() + " END"}
}

func asIs(_ *printer, _ *sem.Expr, args []text) text { return args[0] }

func integer(p *printer, e *sem.Expr, _ []text) text {
	n, err := strconv.ParseInt(e.Text, 10, 64)
	if n == math.MinInt32 || n == math.MinInt64 {
		return text{text: "CAST(" + p.literal(e.Text) + " AS " + p.typeName(e.Type) + ")"}
	}
	if err == nil && e.Type.Kind != sem.Int4 && (e.Type.Kind == sem.Int2 || n == int64(int32(n))) {
		return text{text: "CAST(" + e.Text + " AS " + p.typeName(e.Type) + ")"}
	}
	return text{text: e.Text}
}

func decimalLiteral(_ *printer, e *sem.Expr, _ []text) text {
	digits := 0 // from the first that is not zero
	for i := range len(e.Text) {
		if c := e.Text[i]; c != '-' && c != '.' && (c != '0' || digits > 0) {
			digits++
		}
	}
	if e.Type.S > 0 && e.Type.P <= max(digits, e.Type.S+1) {
		return text{text: e.Text}
	}
	return text{text: "CAST(" + e.Text + " AS " + decimal(e.Type.P, e.Type.S) + ")"}
}

func textLiteral(p *printer, e *sem.Expr, _ []text) text { return text{text: p.literal(e.Text)} }

// widened is an exact number as a larger type. Engines do that by themselves, except for the smallest integers, which they take
// literals into, and where decimals meet their limit.
func widened(p *printer, e *sem.Expr, args []text) text {
	from := e.Args[0]
	small := from.Type.Kind == sem.Int2 && from.Op != sem.OpInt
	wide := e.Type.P > 18 && from.Type.Kind == sem.Numeric && from.Type.S != e.Type.S // where the engine has 38 digits, and drops some behind the point
	if small || e.Type.Kind == sem.Numeric && (e.Type.P >= sem.Most || wide) {
		return text{text: "CAST(" + args[0].text + " AS " + p.typeName(e.Type) + ")"}
	}
	return args[0]
}

func rowInQuery(p *printer, e *sem.Expr, args []text) text {
	names, conditions := make([]string, len(args)), make([]string, len(args))
	for i, a := range args {
		names[i] = fmt.Sprintf("hindcast_c%d", i+1)
		conditions[i] = "hindcast_row." + names[i] + " = " + operand(a)
	}
	word, equal := "EXISTS", strings.Join(conditions, " AND ")
	if e.Not { // a row that may be equal makes it unknown, which counts as false
		word, equal = "NOT EXISTS", "coalesce("+equal+", TRUE)"
	}
	return text{text: word + " (SELECT 1 FROM (" + p.query(e.Query) + ") AS hindcast_row(" + strings.Join(names, ", ") + ") WHERE " + equal + ")"}
}

func inQuery(p *printer, e *sem.Expr, args []text) text {
	word := " IN ("
	if e.Not {
		word = " NOT IN ("
	}
	return text{text: "(" + operand(args[0]) + word + p.query(e.Query) + "))"}
}

// same is the operator that is true of equal values and of two NULLs, and never NULL itself.
func (p *printer) same() string {
	if p.Engine.spark() {
		return "<=>"
	}
	return "IS NOT DISTINCT FROM"
}

func is(p *printer, e *sem.Expr, args []text) text {
	form := "(@1 IS NULL)"
	switch e.Text {
	case "null":
		if !e.Made {
			return p.kept(e, args)
		}
	case "true":
		form = "(@1 " + p.same() + " TRUE)"
	case "false":
		form = "(@1 " + p.same() + " FALSE)"
	}
	out := p.fill(form, e, args)
	if e.Not {
		out = "(NOT " + out + ")"
	}
	return text{text: out}
}

func distinctSpark(p *printer, e *sem.Expr, args []text) text {
	out := p.fill("(@1 <=> @2)", e, args)
	if !e.Not {
		out = "(NOT " + out + ")"
	}
	return text{text: out}
}

func like(p *printer, e *sem.Expr, args []text) text {
	if !e.Made {
		return p.kept(e, args)
	}
	word := " LIKE "
	if e.Not {
		word = " NOT LIKE "
	}
	if p.Engine.spark() {
		return text{text: "(" + operand(args[0]) + word + p.patternSpark(e, args[1]) + ")"}
	}
	out := operand(args[0]) + word + operand(args[1])
	if e.Text != "" {
		out += " ESCAPE " + p.literal(e.Text)
	}

	return text{text: "(" + out + ")"}
}

func decode(p *printer, e *sem.Expr, args []text) text {
	var out strings.Builder
	out.WriteString("CASE")
	for i := range e.N {
		out.WriteString(" WHEN " + operand(args[0]) + " " + p.same() + " " + operand(args[1+2*i]) + " THEN " + args[2+2*i].text)
	}
	if rest := args[1+2*e.N:]; len(rest) > 0 {
		out.WriteString(" ELSE " + rest[0].text)
	}
	out.WriteString(" END")
	return text{text: out.String()}
}

func divideInt(p *printer, e *sem.Expr, args []text) text { return p.guarded(e, args, " // ") }
func moduloInt(p *printer, e *sem.Expr, args []text) text {
	if !p.Engine.spark() && !sem.Within(e.Args[1]).Inside(0, math.MaxInt64) { // DuckDB overflows on the least by -1
		of := "CASE WHEN " + operand(args[1]) + " = -1 THEN 1 ELSE " + operand(args[1]) + " END"
		return p.guarded(e, []text{args[0], {text: "(" + of + ")"}}, " % ")
	}
	return p.guarded(e, args, " % ")
}

// neverNull reports whether a number is never NULL by how it is written.
func neverNull(e *sem.Expr) bool {
	switch e = sem.Inner(e); e.Op {
	case sem.OpInt, sem.OpDecimal, sem.OpCountRows:
		return e.Over == nil
	case sem.OpCoalesce:
		return slices.ContainsFunc(e.Args, neverNull)
	}
	return false
}

// guarded is an operation whose second argument must not be zero.
func (p *printer) guarded(e *sem.Expr, args []text, op string) text {
	plain := operand(args[0]) + op + operand(args[1])
	if p.notZero(e.Args[1]) {
		return text{text: "(" + plain + ")"}
	}
	byZero := p.raise("division by zero")
	if !neverNull(e.Args[0]) {
		byZero = "CASE WHEN " + operand(args[0]) + " IS NOT NULL THEN " + byZero + " END"
	}
	return text{text: "CASE WHEN " + operand(args[1]) + " = 0 THEN " + byZero + " ELSE " + plain + " END"}
}

// unscaled is a decimal without its point, as an integer of 128 bits.
func unscaled(t string, s int) string {
	if s == 0 {
		return "CAST(" + t + " AS HUGEINT)"
	}
	return "CAST(CAST(" + t + " AS " + decimal(sem.Most, s) + ") * " + power(s) + " AS HUGEINT)"
}

func power(n int) string { return "1" + zeros(n) }

const manyZeros = "00000000000000000000000000000000000000000000000000000000000000000000000000000000"

func zeros(n int) string {
	if n <= len(manyZeros) {
		return manyZeros[:n]
	}
	return strings.Repeat("0", n)
}

// withPoint is an integer of 128 bits with a point before its last s digits, as type t.
func withPoint(x string, s int, t string) string {
	before, behind := pointed(s, t)
	return before + x + behind
}

// pointed is what withPoint writes before and behind the integer.
func pointed(s int, t string) (before, behind string) {
	behind = " AS DECIMAL(38,0)) AS " + t + ")"
	if s > 0 {
		behind = " AS DECIMAL(38,0)) * 0." + zeros(s-1) + "1 AS " + t + ")"
	}
	return "CAST(CAST(", behind
}

func divideDecimal(p *printer, e *sem.Expr, args []text) text {
	out := p.decimalQuotient(e, args)
	if p.notZero(e.Args[1]) {
		return text{text: out}
	}
	return text{text: p.raiseWhere(operand(args[1])+" = 0", "division by zero", out)}
}

// decimalQuotient is a quotient of decimals in the way that costs DuckDB least: a product, in 64 bits, or in 128.
func (p *printer) decimalQuotient(e *sem.Expr, args []text) string {
	t := p.typeName(e.Type)
	if len(e.Args) > 2 {
		return "CAST(" + operand(args[0]) + " * " + operand(args[2]) + " AS " + t + ")"
	}
	if e.N == 0 {
		if out, ok := p.quotientIn64(e.Args[0], args[0].text, e.Args[1], args[1].text, e.Type); ok {
			return out
		}
	}
	_, s1 := e.Args[0].Type.Digits()
	_, s2 := e.Args[1].Type.Digits()
	a, b := shifted(wholeDuck(args[0].text, s1), wholeDuck(args[1].text, s2), e.Type.S-s1+s2)

	return withPoint(cutQuotient(a, b, e.N == 1), e.Type.S, t)
}

// shifted are two integers of 128 bits whose quotient has some digits more than that of a and b, or less.
func shifted(a, b string, by int) (dividend, divisor string) {
	switch {
	case by > 0:
		a = "(" + a + " * CAST(" + power(by) + " AS HUGEINT))"
	case by < 0:
		b = "(" + b + " * CAST(" + power(-by) + " AS HUGEINT))"
	}
	return a, b
}

func avgInt(p *printer, e *sem.Expr, args []text) text {
	behind := p.behind(e)
	a, b := "sum("+p.summed(e, args)[0].text+")"+behind, "nullif(count("+args[0].text+")"+behind+", 0)"
	return text{text: withPoint(cutQuotient(a, b, e.N == 1), 0, "BIGINT")}
}

func avgExact(p *printer, e *sem.Expr, args []text) text {
	behind := p.behind(e)
	a, b := wholeDuck("sum("+args[0].text+")"+behind, e.Type.S), "nullif(count("+args[0].text+")"+behind+", 0)"
	return text{text: withPoint(cutQuotient(a, b, e.N == 1), e.Type.S, p.typeName(e.Type))}
}

func avgIntSpark(p *printer, e *sem.Expr, args []text) text {
	if e.N == 1 {
		return avgCutSpark(p, e, args)
	}
	return text{text: p.fill("CAST(sum(CAST($1 AS DECIMAL(28,0)))$w div nullif(count($1)$w, 0) AS BIGINT)", e, args)}
}

func sumSpark(p *printer, e *sem.Expr, args []text) text {
	if e.Args[0].Type.Kind == sem.Int8 {
		return text{text: p.fill("sum($dCAST($1 AS DECIMAL(28,0)))$w", e, args)}
	}
	return text{text: p.fill("CAST(sum($d$1)$w AS $t)", e, args)}
}

// sumFloat raises where the sum of finite numbers overflows. Beside one that is not finite PostgreSQL raises only if the overflow comes
// before it, in whatever order it reads the rows: there a guard raises whenever the others could overflow in any order.
func sumFloat(p *printer, e *sem.Expr, args []text) text {
	s, most := p.fill("sum($d$1)$w", e, args), p.fill("max(abs($1))$w", e, args)
	overflowed := p.infinite(s) + " AND NOT " + p.infinite(most)

	beside := "(" + p.infinite(most) + " OR isnan(" + most + "))"
	couldOverflow := beside + " AND " + p.mostFinite(e, args) + " > CAST('1.7e308' AS DOUBLE) / " + p.fill("count($1)$w", e, args)

	return text{text: "CASE WHEN " + overflowed + " THEN " + p.raise("value out of range: overflow") +
		" WHEN " + couldOverflow + " THEN " + p.raise("a sum of what is not finite, beside numbers that may overflow before it") + " ELSE " + s + " END"}
}

// avgFloat raises where PostgreSQL may: it sums up squares beside the values, which may overflow if they are of more than 1e150, in whatever
// order it reads the rows. Beside what is not finite it raises only if the overflow comes before it.
func avgFloat(p *printer, e *sem.Expr, args []text) text {
	return text{text: p.raiseWhere(p.mostFinite(e, args)+" > CAST('1e150' AS DOUBLE)", "an average of numbers beyond 1e150, which may overflow", p.fill("avg($d$1)$w", e, args))}
}

// mostFinite is the largest absolute value of an aggregate's numbers that are finite.
func (p *printer) mostFinite(e *sem.Expr, args []text) string {
	return p.fill("max(CASE WHEN NOT isnan($1) AND NOT "+p.infinite("$1")+" THEN abs($1) END)$w", e, args)
}

func (p *printer) infinite(x string) string {
	if p.Engine.spark() {
		return "abs(" + x + ") = CAST('Infinity' AS DOUBLE)"
	}
	return "isinf(" + x + ")"
}

// floating is an operation of floating-point numbers: what overflows, underflows or divides by zero raises, unless an operand is
// infinite or not a number itself.
func floating(op string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		a, b := operand(args[0]), operand(args[1])
		plain := a + " " + op + " " + b
		finiteA, finiteB := p.finite(e.Args[0], a), p.finite(e.Args[1], b)
		var out strings.Builder
		out.WriteString("CASE")
		if op == "/" && !p.notZero(e.Args[1]) {
			out.WriteString(" WHEN " + b + " = 0 AND " + a + " IS NOT NULL AND NOT isnan(" + a + ") THEN " + p.raise("division by zero"))
			if p.Engine.spark() { // which raises for what is not a number, too
				out.WriteString(" WHEN " + b + " = 0 THEN " + a)
			}
		}
		out.WriteString(" WHEN " + p.infinite(plain) + finiteA + finiteB + " THEN " + p.raise("value out of range: overflow"))
		switch op {
		case "*":
			out.WriteString(" WHEN " + plain + " = 0 AND " + a + " <> 0 AND " + b + " <> 0 THEN " + p.raise("value out of range: underflow"))
		case "/":
			out.WriteString(" WHEN " + plain + " = 0 AND " + a + " <> 0" + finiteB + " THEN " + p.raise("value out of range: underflow"))
		}
		out.WriteString(" ELSE " + plain + " END")
		return text{text: out.String()}
	}
}

// finite is a further condition that a number is finite; none if it cannot but be.
func (p *printer) finite(e *sem.Expr, x string) string {
	if e.Op == sem.OpToFloat && len(e.Args) == 1 && e.Args[0].Type.IsExact() {
		return ""
	}
	return " AND NOT " + p.infinite(x)
}

// digitsOf is how many digits an engine gives an exact number.
func digitsOf(e *sem.Expr) (p, s int) {
	if e.Op == sem.OpInt {
		return len(strings.TrimLeft(e.Text, "-")), 0
	}
	return e.Type.Digits()
}

// arithmetic is an operation of exact numbers. Decimals are given room where the engine would not.
func arithmetic(op string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		if e.Type.Kind == sem.Numeric {
			p.roomy(op, e, args)
		}
		if !e.Made {
			return p.kept(e, args)
		}
		return text{text: "(" + operand(args[0]) + " " + op + " " + operand(args[1]) + ")"}
	}
}

// roomy casts operands so that no digit is lost: DuckDB computes with 18 digits unless one operand has more, Spark drops digits
// behind the point where there are more than 38 in all.
func (p *printer) roomy(op string, e *sem.Expr, args []text) {
	p1, s1 := digitsOf(e.Args[0])
	p2, s2 := digitsOf(e.Args[1])
	i1, i2 := p1-s1, p2-s2
	need := max(i1, i2) + 1 + max(s1, s2)
	if op == "*" {
		need = p1 + p2
	}
	cast := func(n, p, s int) {
		args[n] = text{text: "CAST(" + args[n].text + " AS " + decimal(p, s) + ")"}
	}
	switch {
	case !p.Engine.spark():
		if need > 18 && p1 <= 18 && p2 <= 18 {
			cast(0, sem.Most, s1)
		}
	case op == "*" && need+1 > sem.Most:
		room := sem.Most - 1 - s1 - s2
		i1 = min(i1, max(room/2, room-i2))
		n1, n2 := max(i1+s1, 1), max(room-i1+s2, 1)
		if n1+n2+1 > sem.Most {
			p.refuse(e.At, "cast them as decimals of fewer digits after the point", "the product has more digits after the point than Spark keeps")
		}
		cast(0, n1, s1)
		cast(1, n2, s2)
	case op != "*" && need > sem.Most:
		room := sem.Most - 1 - max(s1, s2)
		cast(0, min(i1, room)+s1, s1)
		cast(1, min(i2, room)+s2, s2)
	}
}

func shown(p *printer, e *sem.Expr, args []text) text {
	of := args[0].text
	if a := e.Args[0]; a.Type.Kind == sem.Numeric && (a.Op != sem.OpColumn || a.Item != nil || a.Type.P == a.Type.S) {
		// Others than columns may have other digits on the engine, and DuckDB leaves out the zero before the point if the type has no digit for it.
		of = "CAST(" + of + " AS " + decimal(min(max(a.Type.P, a.Type.S+1), sem.Most), a.Type.S) + ")"
	}
	out := "CAST(" + of + " AS " + p.typeName(sem.Of(sem.Text)) + ")"
	if !e.Args[0].Type.IsTime() {
		return text{text: out}
	}
	return text{text: p.ofOurEra(e.Args[0], args[0].text, notOurEraAsText, out)}
}

// What raises where a date is not of the years 1 to 9999.
const (
	notOurEra       = "the year of a date before the year 1 or after 9999"
	notOurEraAsText = "a date before the year 1 or after 9999 as text"
)

// ofOurEra is an expression for dates and times of the years 1 to 9999; others, and infinite ones, raise.
func (p *printer) ofOurEra(e *sem.Expr, date, raises, out string) string {
	if sem.Within(e).OurEra() {
		return out
	}
	return p.raiseWhere("CAST("+date+" AS DATE) NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'", raises, out)
}

func cutText(_ *printer, e *sem.Expr, args []text) text {
	if e.N == 0 {
		return args[0]
	}
	return text{text: "left(" + args[0].text + ", " + strconv.Itoa(e.N) + ")"}
}

// read is a text as another type, where only texts of a form are read. DuckDB rounds some texts with a negative exponent otherwise: it makes -1 of
// '-6e-5' as DECIMAL(10,0).
func read(form string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		x, odd := args[0].text, ""
		match := "regexp_full_match(" + x + ", " + p.literal(form) + ")"
		if p.Engine.spark() {
			match = "(" + operand(args[0]) + " RLIKE " + p.literal("^("+form+`)\z`) + ")"
		} else if e.Type.Kind == sem.Numeric {
			odd = " WHEN regexp_matches(" + x + ", '[eE]-') THEN " + p.raise("a number that no DECIMAL holds as the source does: its exponent is negative")
		}
		invalid := p.raise("invalid input syntax for type " + e.Type.String())
		if e.Type.Kind == sem.Numeric {
			invalid = "CASE WHEN lower(trim(" + x + ")) = 'nan' THEN " + p.raise("a number that no DECIMAL holds") + " ELSE " + invalid + " END"
		}
		if e.Type.IsTime() {
			match = "(" + match + " AND " + operand(args[0]) + " > '0001')"
		} else {
			x = "trim(" + x + ")"
		}
		return text{text: "CASE WHEN NOT " + match + " THEN " + invalid + odd + " ELSE CAST(" + x +
			" AS " + p.typeName(e.Type) + ") END"}
	}
}

// bytes is how many bytes a text has.
func (p *printer) bytes(x string) string {
	if p.Engine.spark() {
		return "octet_length(" + x + ")"
	}
	return "strlen(" + x + ")"
}

// cutBehind is a text without what it ends in of one character, which is given in quotes.
func (p *printer) cutBehind(x, what string) string {
	if p.Engine.spark() {
		return "trim(TRAILING " + what + " FROM " + x + ")"
	}
	return "rtrim(" + x + ", " + what + ")"
}

func trimDuck(_ *printer, e *sem.Expr, args []text) text {
	name := map[string]string{"both": "trim", "leading": "ltrim", "trailing": "rtrim"}[e.Text]
	return text{text: name + "(" + args[0].text + ", " + args[1].text + ")"}
}

func trimSpark(_ *printer, e *sem.Expr, args []text) text {
	return text{text: "trim(" + strings.ToUpper(e.Text) + " " + args[1].text + " FROM " + args[0].text + ")"}
}

func concatSkipSpark(_ *printer, _ *sem.Expr, args []text) text {
	all := make([]string, len(args))
	for i, a := range args {
		all[i] = "coalesce(" + a.text + ", '')"
	}
	return text{text: "concat(" + strings.Join(all, ", ") + ")"}
}

func substring(p *printer, e *sem.Expr, args []text) text {
	from, _ := strconv.Atoi(e.Args[1].Text)
	fixed := e.Args[1].Op == sem.OpInt && from >= 1
	if len(args) == 2 {
		if fixed {
			return text{text: "substring(" + args[0].text + ", " + args[1].text + ")"}
		}
		return text{text: "substring(" + args[0].text + ", greatest(" + args[1].text + ", 1) + " + zeroOf(args[1]) + ")"}
	}
	n, _ := strconv.Atoi(e.Args[2].Text)
	if fixed && e.Args[2].Op == sem.OpInt && n >= 0 {
		return text{text: "substring(" + args[0].text + ", " + args[1].text + ", " + args[2].text + ")"}
	}

	start, length := operand(args[1]), operand(args[2])
	end := "greatest(CAST(" + start + " AS BIGINT) + " + length + ", 1)"
	return text{text: "CASE WHEN " + operand(args[0]) + " IS NULL OR " + start + " IS NULL OR " + length + " IS NULL THEN NULL WHEN " + length + " < 0 THEN " +
		p.raise("negative substring length not allowed") + " ELSE substring(" + args[0].text + ", greatest(" + start + ", 1), CAST(" + end + " - greatest(" + start + ", 1) AS INTEGER)) END"}
}

// zeroOf is 0, or NULL where a number is: greatest() leaves NULLs out.
func zeroOf(t text) string { return "0 * " + operand(t) }

// neighbour is LAG or LEAD. With a default of another type of numbers, value and default are cast to the type of both.
func neighbour(name string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		if len(args) == 3 && !p.Engine.spark() && mayRaise(e.Args[2]) {
			p.refuse(e.Args[2].At, "write coalesce() around it, if the value is never NULL", "the engine computes this default for all rows, and it may raise")
		}
		if e.Made { // where NULLs are ignored, or not
			return edge(name)(p, e, args)
		}
		if len(args) < 3 || !e.Type.IsExact() || e.Args[0].Op != sem.OpWiden && e.Args[2].Op != sem.OpWiden && e.Args[0].Type == e.Args[2].Type {
			return p.keptCall(e, args)
		}
		cast := func(t text) string { return "CAST(" + t.text + " AS " + p.typeName(e.Type) + ")" }
		return text{text: name + "(" + cast(args[0]) + ", " + args[1].text + ", " + cast(args[2]) + ")" + p.behind(e)}
	}
}

// The source's first and last date, in days since 1970.
const firstDate, lastDate = -2440588, 2145042905

// fewDays reports whether a number of days is written and too small to lead out of that range.
func fewDays(n *sem.Expr) bool { return n.Op == sem.OpInt && len(n.Text) <= 6 }

// addDays adds days to a date. DuckDB has dates that PostgreSQL does not have; a written number does not lead there.
func addDays(op string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		plain := operand(args[0]) + " " + op + " " + operand(args[1])
		switch {
		case fewDays(e.Args[1]) && !e.Made:
			return p.kept(e, args)
		case fewDays(e.Args[1]), sem.Within(e).Inside(firstDate, lastDate):
			return text{text: "(" + plain + ")"}
		}
		inRange := plain + " BETWEEN DATE '4713-01-01 (BC)' AND DATE '5874897-12-31' OR isinf(" + args[0].text + ")"
		return text{text: p.raiseWhere("NOT ("+inRange+")", "date out of range", plain)}
	}
}

var duckAdds = map[string]string{"year": "to_years($1)", "quarter": "to_months(3 * @1)", "month": "to_months($1)", "week": "to_days(7 * @1)", "day": "to_days($1)",
	"hour": "to_hours($1)", "minute": "to_minutes($1)", "second": "to_seconds($1)", "millisecond": "to_microseconds(1000 * CAST($1 AS BIGINT))", "microsecond": "to_microseconds(CAST($1 AS BIGINT))"}

var sparkAdds = map[string]string{"year": "make_ym_interval($1)", "quarter": "make_ym_interval(0, 3 * @1)", "month": "make_ym_interval(0, $1)",
	"week": "make_dt_interval(7 * @1)", "day": "make_dt_interval($1)", "hour": "make_dt_interval(0, $1)", "minute": "make_dt_interval(0, 0, $1)",
	"second": "make_dt_interval(0, 0, 0, $1)", "millisecond": "make_dt_interval(0, 0, 0, CAST(@1 * 0.001 AS DECIMAL(18,6)))",
	"microsecond": "make_dt_interval(0, 0, 0, CAST(@1 * 0.000001 AS DECIMAL(18,6)))"}

func dateAdd(p *printer, e *sem.Expr, args []text) text {
	form, day, none := duckAdds[e.Text], "INTERVAL 1 DAY", "INTERVAL 0 DAY"
	if p.Engine.spark() {
		form, day, none = sparkAdds[e.Text], "INTERVAL '1' DAY", "INTERVAL '0' DAY"
	}
	if e.Text == "year" { // years after 29 February is 1 March in Redshift, unlike twelve months after it
		form += " + CASE WHEN day($2) = 29 AND day(@2 + " + form + ") = 28 THEN " + day + " ELSE " + none + " END"
	}
	return text{text: p.fill("(@2 + "+form+")", e, args)}
}
