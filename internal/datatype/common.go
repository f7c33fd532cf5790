// Package datatype knows the types of columns, in DuckDB's spelling, the common language of warehouse, lake and engine: which
// type holds the values of two others exactly. Reading and casting values is the caller's responsibility.
package datatype

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// integer is a whole number's type: how many bits, and whether it has a sign.
type integer struct {
	bits   int
	signed bool
}

var (
	integers = map[string]integer{
		"TINYINT": {8, true}, "SMALLINT": {16, true}, "INTEGER": {32, true}, "BIGINT": {64, true}, "HUGEINT": {128, true},
		"UTINYINT": {8, false}, "USMALLINT": {16, false}, "UINTEGER": {32, false}, "UBIGINT": {64, false}, "UHUGEINT": {128, false},
	}
	// digits is how many a DECIMAL needs before its point to hold every integer of a type.
	digits = map[integer]int{{8, true}: 3, {8, false}: 3, {16, true}: 5, {16, false}: 5, {32, true}: 10, {32, false}: 10,
		{64, true}: 19, {64, false}: 20}
	// wider are pairs whose second type holds every value of the first, or refuses those that it does not.
	wider = [][2]string{{"DATE", "TIMESTAMP"}, {"DATE", "TIMESTAMP_NS"}, {"TIMESTAMP", "TIMESTAMP_NS"}, {"TIME", "TIME_NS"},
		{"FLOAT", "DOUBLE"}, {"JSON", "VARCHAR"}}
)

// Common returns the type that holds the values of both types exactly, in DuckDB's spelling; false if there is none.
// The type "NULL", of a column without values, fits into every type. Unlike DuckDB's own choice it never rounds.
func Common(a, b string) (string, bool) {
	switch {
	case a == b, b == nullType:
		return a, true
	case a == nullType:
		return b, true
	}
	for _, pair := range wider {
		if a == pair[0] && b == pair[1] || b == pair[0] && a == pair[1] {
			return pair[1], true
		}
	}
	if t, ok := commonNumber(a, b); ok {
		return t, true
	}
	return commonNested(a, b)
}

// nullType is the type of a column that has no values in a file.
const nullType = "NULL"

func commonNumber(a, b string) (string, bool) {
	m, aInteger := integers[a]
	n, bInteger := integers[b]
	switch {
	case aInteger && bInteger:
		return commonInteger(m, n)
	case bInteger:
		return withInteger(a, n)
	case aInteger:
		return withInteger(b, m)
	}
	p, s, ok := ParseDecimal(a)
	q, t, both := ParseDecimal(b)
	if !ok || !both {
		return "", false
	}
	return decimalOf(max(p-s, q-t), max(s, t))
}

func commonInteger(m, n integer) (string, bool) {
	want := integer{max(m.bits, n.bits), m.signed || n.signed}
	if m.signed != n.signed {
		unsigned := m
		if m.signed {
			unsigned = n
		}
		want.bits = max(want.bits, 2*unsigned.bits)
	}
	for name, is := range integers {
		if is == want {
			return name, true
		}
	}
	return "", false
}

// withInteger is the common type of an integer and another type.
func withInteger(typ string, n integer) (string, bool) {
	switch {
	case typ == "FLOAT" && n.bits <= 16:
		return "FLOAT", true
	case (typ == "FLOAT" || typ == "DOUBLE") && n.bits <= 32:
		return "DOUBLE", true
	}
	before, bounded := digits[n]
	p, s, ok := ParseDecimal(typ)
	if !ok || !bounded {
		return "", false
	}
	return decimalOf(max(p-s, before), s)
}

var decimal = regexp.MustCompile(`^DECIMAL\((\d+),(\d+)\)$`)

// ParseDecimal reads DECIMAL(p,s).
func ParseDecimal(typ string) (precision, scale int, ok bool) {
	m := decimal.FindStringSubmatch(typ)
	if m == nil {
		return 0, 0, false
	}
	precision, _ = strconv.Atoi(m[1])
	scale, _ = strconv.Atoi(m[2])
	return precision, scale, true
}

// Exact reports whether sums over the type are exact, so that they can serve as control totals.
func Exact(typ string) bool {
	switch typ {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT":
		return true
	}
	_, _, isDecimal := ParseDecimal(typ)
	return isDecimal
}

// mostDigits is how many digits a DuckDB DECIMAL holds.
const mostDigits = 38

func decimalOf(before, scale int) (string, bool) {
	if before+scale > mostDigits {
		return "", false
	}
	return fmt.Sprintf("DECIMAL(%d,%d)", before+scale, scale), true
}

// commonNested compares lists, maps and structs member by member. A struct's fields are matched by name; one that only
// one side has is NULL for the other.
func commonNested(a, b string) (string, bool) {
	x, aList := strings.CutSuffix(a, "[]")
	y, bList := strings.CutSuffix(b, "[]")
	if aList && bList {
		t, ok := Common(x, y)
		return t + "[]", ok
	}
	if aList != bList {
		return "", false
	}
	for _, kind := range []string{"MAP(", "STRUCT("} {
		if !strings.HasPrefix(a, kind) || !strings.HasPrefix(b, kind) {
			continue
		}
		left, right := members(a[len(kind):len(a)-1]), members(b[len(kind):len(b)-1])
		if kind == "STRUCT(" {
			return commonStruct(left, right)
		}
		key, ok := Common(left[0], right[0])
		value, both := Common(left[1], right[1])
		return "MAP(" + key + ", " + value + ")", ok && both
	}
	return "", false
}

func commonStruct(left, right []string) (string, bool) {
	fields := slices.Clone(left)
	for _, r := range right {
		name, typ := field(r)
		i := slices.IndexFunc(fields, func(l string) bool { n, _ := field(l); return strings.EqualFold(plain(n), plain(name)) })
		if i < 0 {
			fields = append(fields, r)
			continue
		}
		known, other := field(fields[i])
		t, ok := Common(other, typ)
		if !ok {
			return "", false
		}
		fields[i] = known + " " + t
	}
	return "STRUCT(" + strings.Join(fields, ", ") + ")", true
}

// members splits the inside of MAP(…) or STRUCT(…) at its outermost commas.
func members(text string) []string {
	var list []string
	depth, quoted, start := 0, false, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			list = append(list, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	return append(list, strings.TrimSpace(text[start:]))
}

// field splits a struct's member into its name, which may be quoted, and its type.
func field(member string) (name, typ string) {
	quoted := false
	for i := range len(member) {
		switch c := member[i]; {
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			return member[:i], member[i+1:]
		}
	}
	return member, ""
}

// plain is a field's name without its quotes.
func plain(name string) string {
	if len(name) > 1 && name[0] == '"' {
		return strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
	}
	return name
}
