package emit

// DuckDB divides integers of 128 bits some thirty times as slowly as those of 64, whatever their values.

const top, bottom = "hindcast_a", "hindcast_b"

// bound is an expression in which x and y name the two integers of a list. If the list is longer, its value is x for the next integer.
func bound(list, x, y, out string) string {
	return "list_reduce(" + list + ", lambda " + x + ", " + y + ": " + out + ")"
}

// each is a list of what an expression gives for each element of a list, which has a name in it.
func each(list, name, out string) string {
	return "list_transform(" + list + ", lambda " + name + ": " + out + ")"
}

// named is an expression in which a name stands for the one element of a list.
func named(list, name, out string) string { return each(list, name, out) + "[1]" }

// alone is a list with one text, for a lambda that may raise. DuckDB takes a function with a lambda for one that never raises, and computes it for
// all that a column's dictionary holds, whatever rows WHERE and CASE leave. For a slice of a list it does not.
func alone(x string) string { return "[" + x + "][1:1]" }

// long is from how many bytes on an expression is written once, and named.
const long = 40

// wholeDuck is unscaled, but a cast of a decimal of 128 bits divides, and is only made if the value needs them.
func wholeDuck(x string, s int) string {
	if s == 0 || s > few {
		return unscaled(x, s)
	}
	name := x
	if len(x) >= long {
		name = "hindcast_y"
	}
	out := "coalesce(CAST(TRY_CAST(" + name + " AS " + decimal(bits64-1-s, s) + ") * CAST(" + power(s) + " AS " + decimal(s+1, 0) + ") AS BIGINT), " + unscaled(name, s) + ")"
	if name == x {
		return out
	}
	return named("["+x+"]", name, out)
}

// cutQuotient is a quotient of integers of 128 bits, cut to an integer or rounded half up. It is divided in 64 bits if both fit.
func cutQuotient(a, b string, round bool) string {
	out := in64or128(top, bottom)
	if round {
		out = roundedQuotient
	}
	return bound("["+a+", "+b+"]", top, bottom, out)
}

func in64or128(x, y string) string {
	return "coalesce(TRY(TRY_CAST(" + x + " AS BIGINT) // TRY_CAST(" + y + " AS BIGINT)), " + x + " // " + y + ")"
}

// A quotient of top and bottom is rounded half up as that of twice the one, and the other one, by twice the other one.
const twice, twiceBottom = "(abs(" + top + ") * 2 + abs(" + bottom + "))", "(abs(" + bottom + ") * 2)"

var roundedQuotient = in64or128(twice, twiceBottom) + " * CASE WHEN (" + top + " < 0) = (" + bottom + " < 0) THEN 1 ELSE -1 END"
