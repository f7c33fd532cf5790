package cases

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Type is a type of PostgreSQL, with its short name: numeric(10,2), varchar(5), timestamptz.
type Type struct {
	Name string
	Args []int // length, or precision and scale
}

// String is the type as SQL has it.
func (t Type) String() string {
	if len(t.Args) == 0 {
		return t.Name
	}
	args := make([]string, len(t.Args))
	for i, n := range t.Args {
		args[i] = strconv.Itoa(n)
	}
	return t.Name + "(" + strings.Join(args, ",") + ")"
}

var knownTypes = []string{"boolean", "smallint", "integer", "bigint", "numeric", "real", "double", "char", "varchar", "text", "date", "timestamp",
	"timestamptz", "interval", "time", "unknown"}

// parseTypes reads "integer, numeric(10,2)".
func parseTypes(list string) ([]Type, error) {
	var types []Type
	for rest := list; rest != ""; {
		end := strings.IndexByte(rest+",", ',')
		if open := strings.IndexByte(rest, '('); open >= 0 && open < end {
			end = open + strings.IndexByte(rest[open:]+")", ')') + 1
		}
		if end > len(rest) {
			return nil, fmt.Errorf("%q is not a list of types", list)
		}
		t, err := parseType(strings.TrimSpace(rest[:end]))
		if err != nil {
			return nil, err
		}
		types = append(types, t)
		rest = strings.TrimPrefix(strings.TrimSpace(rest[end:]), ",")
	}
	return types, nil
}

func parseType(text string) (Type, error) {
	name, args, has := strings.Cut(text, "(")
	t := Type{Name: name}
	if !slices.Contains(knownTypes, name) {
		return t, fmt.Errorf("the type %q is not known here", text)
	}
	if !has {
		return t, nil
	}
	for arg := range strings.SplitSeq(strings.TrimSuffix(args, ")"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(arg))
		if err != nil {
			return t, fmt.Errorf("%q is not a type: %w", text, err)
		}
		t.Args = append(t.Args, n)
	}
	return t, nil
}

// quoted reports whether values of the type are quoted in a file.
func (t Type) quoted() bool {
	return slices.Contains([]string{"char", "varchar", "text", "interval", "unknown"}, t.Name)
}

// tolerance is how far floats may be apart, relative to the expected one.
const tolerance = 1e-12

// Difference says how a result differs from what the case expects, after the cast to the target's types; empty if it does not.
func (c Case) Difference(got Result) string {
	want, types := c.Want, c.Want.Types
	if len(c.Target) > 0 {
		types = c.Target
	}
	for _, row := range got.Rows {
		if len(row) != len(types) {
			return fmt.Sprintf("%d columns, not %d", len(row), len(types))
		}
	}
	if len(got.Rows) != len(want.Rows) {
		return fmt.Sprintf("%d rows, not %d", len(got.Rows), len(want.Rows))
	}
	if c.Ordered {
		for i := range want.Rows {
			if !equalRows(types, want.Rows[i], got.Rows[i]) {
				return fmt.Sprintf("row %d is (%s), not (%s)", i+1, want.row(got.Rows[i]), want.row(want.Rows[i]))
			}
		}
		return ""
	}

	left := slices.Clone(got.Rows)
	for _, row := range want.Rows {
		at := slices.IndexFunc(left, func(other []Value) bool { return equalRows(types, row, other) })
		if at < 0 {
			return fmt.Sprintf("no row is (%s): %s", want.row(row), rowsText(want, left))
		}
		left = slices.Delete(left, at, at+1)
	}
	return ""
}

// rowsText is the first few rows that match none.
func rowsText(form Result, rows [][]Value) string {
	var texts []string
	for _, row := range rows[:min(len(rows), 4)] {
		texts = append(texts, "("+form.row(row)+")")
	}
	return strings.Join(texts, " ")
}

func equalRows(types []Type, want, got []Value) bool {
	for i, t := range types {
		if want[i].Null != got[i].Null || !want[i].Null && !t.Equal(want[i].Text, got[i].Text) {
			return false
		}
	}
	return true
}

// Equal reports whether two texts are the same value of the type. Numbers of a type with a scale are rounded to it first, as the
// cast to a column of that type does.
func (t Type) Equal(want, got string) bool {
	switch t.Name {
	case "boolean":
		return truth(want) == truth(got) && truth(got) != ""
	case "smallint", "integer", "bigint", "numeric":
		return t.equalNumbers(want, got)
	case "real", "double":
		return t.equalFloats(want, got)
	case "char":
		return strings.TrimRight(want, " ") == strings.TrimRight(got, " ") // the lake holds it without its padding
	case "date", "timestamp", "timestamptz":
		return instant(want) == instant(got)
	default:
		return want == got
	}
}

func truth(text string) string {
	switch text {
	case "t", "true":
		return "true"
	case "f", "false":
		return "false"
	}
	return ""
}

func (t Type) equalNumbers(want, got string) bool {
	a, okA := new(big.Rat).SetString(want)
	b, okB := new(big.Rat).SetString(got)
	if !okA || !okB {
		return want == got
	}
	if len(t.Args) == 2 {
		a, b = rounded(a, t.Args[1]), rounded(b, t.Args[1])
	}
	return a.Cmp(b) == 0
}

// rounded is the number with so many digits, ties away from zero.
func rounded(r *big.Rat, digits int) *big.Rat {
	out, _ := new(big.Rat).SetString(r.FloatString(digits))
	return out
}

func (t Type) equalFloats(want, got string) bool {
	bits, near := 64, tolerance
	if t.Name == "real" {
		bits, near = 32, 1e-6
	}
	a, errA := strconv.ParseFloat(want, bits)
	b, errB := strconv.ParseFloat(got, bits)
	if errA != nil || errB != nil {
		return false
	}
	return a == b || math.IsNaN(a) && math.IsNaN(b) || !math.IsInf(a, 0) && math.Abs(a-b) <= near*math.Abs(a)
}

// instant is a date or time in one spelling: midnight is written, UTC and the zeros at a fraction's end are not, and the year before 1 is 0.
func instant(text string) string {
	if before, bc := strings.CutSuffix(text, " BC"); bc {
		year, rest, _ := strings.Cut(before, "-")
		if y, err := strconv.Atoi(year); err == nil {
			text = fmt.Sprintf("%05d-%s", 1-y, rest)
			if y == 1 {
				text = "0000-" + rest
			}
		}
	}
	text = strings.TrimPrefix(text, "+") // which Spark writes before five digits
	text = strings.TrimSuffix(strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "+00"), "+00:00")
	if day, clock, has := strings.Cut(text, " "); has {
		if strings.Contains(clock, ".") {
			clock = strings.TrimRight(strings.TrimRight(clock, "0"), ".")
		}
		return day + " " + clock
	}
	return text + " 00:00:00"
}
