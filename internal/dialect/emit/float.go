package emit

import (
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func sharedFloats() map[sem.Op]rule {
	const raises = "what has no result raises in the source"
	return map[sem.Op]rule{
		sem.OpSqrt:          {write: within("@1 < 0", "cannot take square root of a negative number", "sqrt($1)"), why: raises},
		sem.OpLn:            {write: within("@1 <= 0", "cannot take logarithm of zero or a negative number", "ln($1)"), why: raises},
		sem.OpLog10:         {write: within("@1 <= 0", "cannot take logarithm of zero or a negative number", "log10($1)"), why: raises},
		sem.OpExp:           {write: exponential, why: "an overflow raises in the source"},
		sem.OpPower:         {write: power2, why: "an overflow raises in the source"},
		sem.OpSign:          {write: signOf, why: "the engine would give another type"},
		sem.OpDecimalModulo: {write: moduloDecimal, why: byZero},
	}
}

func duckFloats() map[sem.Op]rule {
	return map[sem.Op]rule{
		sem.OpRoundFloat:     {form: "round_even($1, 0)", why: "halves are rounded to even numbers in the source"},
		sem.OpTruncateFloat:  {form: "trunc($1)"},
		sem.OpCeilingFloat:   {form: "ceil($1)"},
		sem.OpFloorFloat:     {form: "floor($1)"},
		sem.OpFloatToDecimal: {write: floatToDecimal, why: "the source rounds the number's first digits"},
	}
}

func sparkFloats() map[sem.Op]rule {
	// From 2^52 on every number is whole, and Spark's functions give a BIGINT.
	whole := func(form string) rule {
		return rule{form: "CASE WHEN abs($1) < 4503599627370496 THEN CAST(" + form + " AS DOUBLE) ELSE $1 END", why: "the engine would give an integer"}
	}
	return map[sem.Op]rule{
		sem.OpRoundFloat:     {form: "rint($1)", why: "halves are rounded to even numbers in the source"},
		sem.OpTruncateFloat:  whole("CASE WHEN @1 < 0 THEN ceil($1) ELSE floor($1) END"),
		sem.OpCeilingFloat:   whole("ceil($1)"),
		sem.OpFloorFloat:     whole("floor($1)"),
		sem.OpFloatToDecimal: {refusal: "Spark makes a decimal of more of a floating-point number's digits than the source", instead: "compute with decimals"},
	}
}

// within raises where a condition holds.
func within(not, message, form string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		return text{text: p.fill(p.raiseWhere(not+" AND NOT isnan($1)", message, form), e, args)}
	}
}

func exponential(p *printer, e *sem.Expr, args []text) text {
	form := "CASE WHEN NOT " + p.infinite("$1") + " AND " + p.infinite("exp($1)") + " THEN " + p.raise("value out of range: overflow") +
		" WHEN NOT " + p.infinite("$1") + " AND exp($1) = 0 THEN " + p.raise("value out of range: underflow") + " ELSE exp($1) END"
	return text{text: p.fill(form, e, args)}
}

// power2 is a number to the power of another one.
func power2(p *printer, e *sem.Expr, args []text) text {
	form := "CASE WHEN $1 = 0 AND $2 < 0 THEN " + p.raise("zero raised to a negative power is undefined") +
		" WHEN $1 < 0 AND NOT isnan($2) AND NOT " + p.infinite("$2") + " AND $2 <> rint$ THEN " + p.raise("a negative number raised to a non-integer power yields a complex result") +
		" WHEN $f AND " + p.infinite("pow($1, $2)") + " THEN " + p.raise("value out of range: overflow") +
		" WHEN $f AND $1 <> 0 AND pow($1, $2) = 0 THEN " + p.raise("value out of range: underflow") + " ELSE pow($1, $2) END"
	whole := "round_even($2, 0)"
	if p.Engine.spark() {
		whole = "rint($2)"
		// In Java 1 to the power of what is not a number is not one, nor are 1 and -1 to that of an infinity.
		form = "CASE WHEN $1 = 1 AND @2 IS NOT NULL OR $1 = -1 AND " + p.infinite("$2") + " THEN CAST(1 AS DOUBLE)" + strings.TrimPrefix(form, "CASE")
	}
	finite := "NOT isnan($1) AND NOT isnan($2) AND NOT " + p.infinite("$1") + " AND NOT " + p.infinite("$2")
	form = strings.NewReplacer("rint$", whole, "$f", finite).Replace(form)

	return text{text: p.fill(strings.NewReplacer("$1 ", "@1 ", "$2 ", "@2 ").Replace(form), e, args)}
}

// exactFloats is how far a double holds every integer: 2^53.
const exactFloats = "9007199254740992"

// toFloatDuck is an exact number as a floating-point one. Of a decimal beyond 2^53 of its last digits DuckDB adds up two doubles, or two halves
// of an integer of 128 bits, and so rounds twice; of a text it rounds once, as the source does.
func toFloatDuck(p *printer, e *sem.Expr, args []text) text {
	digits, scale := e.Args[0].Type.Digits()
	if e.Type.Kind != sem.Float8 || e.Args[0].Type.Kind != sem.Numeric || digits < len(exactFloats) || digits <= 18 && scale == 0 {
		return text{text: p.fill("CAST($1 AS $t)", e, args)}
	}
	limit := exactFloats
	if scale > 0 {
		limit = strings.Repeat("0", max(0, scale+1-len(limit))) + limit
		limit = limit[:len(limit)-scale] + "." + limit[len(limit)-scale:]
	}
	return text{text: p.fill("CASE WHEN @1 BETWEEN -"+limit+" AND "+limit+" THEN CAST($1 AS $t) ELSE CAST(CAST($1 AS VARCHAR) AS $t) END", e, args)}
}

// signOf is -1, 0 or 1; 0 of what is not a number.
func signOf(p *printer, e *sem.Expr, args []text) text {
	not := ""
	if e.Type.Kind == sem.Float8 {
		not = "WHEN isnan($1) THEN 0 "
	}
	return text{text: p.fill("CAST(CASE "+not+"WHEN @1 > 0 THEN 1 WHEN @1 < 0 THEN -1 WHEN @1 = 0 THEN 0 END AS $t)", e, args)}
}

// moduloDecimal is the rest of a division of decimals of one type.
func moduloDecimal(p *printer, e *sem.Expr, args []text) text {
	for i := range args {
		args[i] = text{text: "CAST(" + args[i].text + " AS " + p.typeName(e.Type) + ")"}
	}
	return p.guarded(e, args, " % ")
}

// floatToIntDuck is a floating-point number as an integer. DuckDB makes the least integer of 2147483647.5, which is rounded after it is compared with the
// greatest one: as a larger integer it has no fraction any more.
func floatToIntDuck(p *printer, e *sem.Expr, args []text) text {
	if e.Type.Kind == sem.Int8 { // of such size there are no fractions
		return text{text: p.fill("CAST($1 AS $t)", e, args)}
	}
	return text{text: p.fill("CAST(CAST($1 AS BIGINT) AS $t)", e, args)}
}

// floatToDecimal goes by the digits that a floating-point number holds for certain. DuckDB makes some number of a text whose exponent is far too large.
func floatToDecimal(p *printer, e *sem.Expr, args []text) text {
	digits := "15"
	if e.Args[0].Type.Kind == sem.Float4 {
		digits = "6"
	}
	zero := "4.999e-" + strconv.Itoa(e.Type.S+1) // DuckDB rounds some texts away from zero whose exponent leaves no digit
	return text{text: p.fill("CASE WHEN isnan($1) THEN "+p.raise("a number that no DECIMAL holds")+" WHEN isinf($1) THEN "+p.raise("value out of range: infinity")+
		" WHEN abs($1) >= CAST('1e"+strconv.Itoa(e.Type.P-e.Type.S)+"' AS DOUBLE) THEN "+p.raise("value out of range: more digits than "+e.Type.String()+" has")+
		" WHEN abs($1) < CAST('"+zero+"' AS DOUBLE) THEN CAST(0 AS $t) ELSE CAST(printf('%."+digits+"g', $1) AS $t) END", e, args)}
}

// cutDigits rounds or cuts a decimal. DuckDB gives 0 where more digits are cut than the type has before the point, though NULL is cut or they may round
// up: the type is given one more.
func cutDigits(form string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		form := form
		if of := e.Args[0].Type; e.N < 0 && !p.Engine.spark() {
			form = strings.Replace(form, "$1", "CAST($1 AS "+decimal(min(max(of.P, of.S-e.N)+1, sem.Most), of.S)+")", 1)
		}
		return text{text: p.fill("CAST("+form+" AS $t)", e, args)}
	}
}
