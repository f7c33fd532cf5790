package cases_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is a type of values in random queries.
type kind string

// The kinds, which are names of types, too.
const (
	boolean   kind = "boolean"
	int2      kind = "smallint"
	int4      kind = "integer"
	int8      kind = "bigint"
	numeric   kind = "numeric"
	float     kind = "double precision"
	single    kind = "real"
	text_     kind = "text"
	varchar   kind = "varchar(10)"
	char      kind = "char(5)"
	date      kind = "date"
	timestamp kind = "timestamp"
	instant   kind = "timestamptz"
)

var kinds = []kind{boolean, int2, int4, int8, numeric, float, single, text_, varchar, char, date, timestamp, instant}

// families are kinds whose values are compared with each other, and made one type.
var families = map[kind][]kind{
	boolean: {boolean}, int2: {int2, int4, int8, numeric, float, single}, int4: {int2, int4, int8, numeric, float, single}, int8: {int2, int4, int8, numeric, float, single},
	numeric: {int2, int4, int8, numeric, float, single}, float: {int2, int4, int8, numeric, float, single}, single: {int2, int4, int8, numeric, float, single}, text_: {text_, varchar, char}, varchar: {text_, varchar, char},
	char: {text_, varchar, char}, date: {date, timestamp, instant}, timestamp: {date, timestamp, instant}, instant: {date, timestamp, instant},
}

// columns are those of both random tables.
var columns = map[kind][]string{boolean: {"f", "g"}, int2: {"s"}, int4: {"id", "i", "j"}, int8: {"b"}, numeric: {"p", "q", "w", "z", "e"}, float: {"d"}, single: {"r"}, text_: {"t"}, varchar: {"v", "v3"},
	char: {"c", "c1"}, date: {"dt"}, timestamp: {"ts"}, instant: {"tz"}}

const randomTable = `(id integer, f boolean, g boolean, s smallint, i integer, j integer, b bigint, p numeric(5,2), q numeric(18,6), w numeric(38,10), d double precision,
 t text, v varchar(10), c char(5), dt date, ts timestamp, tz timestamptz, r real, z numeric(38,0), e numeric(12,10), v3 varchar(3), c1 char(1))`

// order is the order of the columns' kinds in that table, behind id.
var order = []struct {
	kind
	name string
}{{boolean, "f"}, {boolean, "g"}, {int2, "s"}, {int4, "i"}, {int4, "j"}, {int8, "b"}, {numeric, "p"}, {numeric, "q"}, {numeric, "w"}, {float, "d"}, {text_, "t"}, {varchar, "v"},
	{char, "c"}, {date, "dt"}, {timestamp, "ts"}, {instant, "tz"}, {single, "r"}, {numeric, "z"}, {numeric, "e"}, {varchar, "v3"}, {char, "c1"}}

// tame and wild are the values of the tables' columns; all but those of numerics are also what literals are made of.
var tame = map[string][]string{
	"boolean": {"true", "false"}, "smallint": {"0", "1", "-1", "2", "7", "100"}, "integer": {"0", "1", "-1", "2", "3", "7", "-7", "10", "1000"},
	"bigint": {"0", "1", "-1", "2", "3", "12", "100000"}, "p": {"0", "1", "-1.5", "2.5", "0.05", "0.01", "10.25", "3"}, "q": {"0", "1", "-1.5", "2.5", "0.000001", "1.005", "33.333333"},
	"w": {"0", "1", "-1.5", "2.675", "0.0000000001", "7", "1234.5"}, "double precision": {"0", "1", "-1.5", "2.5", "0.1", "0.3", "1000000", "3.5"},
	"text": {"", "a", "A", "abc", "b", "12", "-7", "2024-02-29", "a_c", "x y z"}, "varchar(10)": {"", "a", "a", "abc", "B", "12", "1.5", "a%c"}, "char(5)": {"", "a", "abc", "B", "12", "x"},
	"date": {"2024-02-29", "2024-01-01", "2023-12-31", "2000-01-31"}, "timestamp": {"2024-02-29 12:34:56.789012", "2024-01-01 00:00:00", "2023-12-31 23:59:59.999999", "2024-02-29 00:00:00"},
	"timestamptz": {"2024-02-29 12:34:56.789012+00", "2024-01-01 00:00:00+00", "2023-12-31 23:59:59.999999+00"},
	"real":        {"0", "1", "-1.5", "2.5", "0.1", "1000000"}, "z": {"0", "1", "-7", "12", "1000"}, "e": {"0", "1", "-1.5", "0.0000000001", "12.25", "3.3333333333"},
	"v3": {"", "a", "abc", "B", "12"}, "c1": {"", "a", "B", "1"},
}

var wild = map[string][]string{
	"boolean": {"true", "false"}, "smallint": {"0", "1", "32767", "-32768", "7"}, "integer": {"0", "1", "-1", "7", "2147483647", "-2147483648", "46341"},
	"bigint": {"0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993", "9007199254740992", "3037000500"},
	"p":      {"0", "1", "999.99", "-999.99", "0.05", "2.50", "0.01"}, "q": {"0", "999999999999.999999", "-999999999999.999999", "0.000001", "1.005000", "0.5"},
	"w":                {"0", "9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999", "0.0000000001", "2.675", "9007199254740993", "1"},
	"double precision": {"0", "-0", "NaN", "Infinity", "-Infinity", "0.1", "1e308", "1e-307", "9007199254740992", "-1.5", "2.5", "1e15"},
	"text":             {"", " ", "a", "a ", " a", "A", "é", "日本語", "O'Neil", `a\c`, "%", "_", "12", " 12 ", "abc  ", "1e3", "-1.2345e1", "2.5", "2024-02-29"}, "varchar(10)": {"", " ", "a", "a ", " a", "É", `a\c`, "%", "abc  ", "12"},
	"char(5)": {"", "a", " a", "é", "abc", "%", "12"}, "date": {"2024-02-29", "0001-01-01", "9999-12-31", "1900-01-01", "1969-12-31", "2024-01-31"},
	"timestamp":   {"2024-02-29 12:34:56.789012", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59", "1900-01-01 00:00:00.000001", "2024-03-31 02:30:00"},
	"timestamptz": {"2024-02-29 12:34:56.789012+00", "9999-12-31 23:59:59.999999+00", "1969-12-31 23:59:59+00", "1900-01-01 00:00:00.000001+00"},
	"real":        {"0", "-0", "NaN", "Infinity", "-Infinity", "0.1", "3.4e38", "16777217", "-2.5", "1e-45"},
	"z":           {"0", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "1", "9223372036854775808"},
	"e":           {"0", "99.9999999999", "-99.9999999999", "0.0000000001", "0.5"}, "v3": {"", " ", "a ", "é", "%", "12"}, "c1": {"", "a", "é", "%"},
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// values is a table's rows as INSERT takes them.
func (m *maker) values(name string, rows int, from map[string][]string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "CREATE TABLE %s %s; INSERT INTO %s VALUES ", name, randomTable, name)
	for n := range rows {
		if n > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, "(%d", n+1)
		for _, c := range order {
			pool := from[string(c.kind)]
			if other, of := from[c.name]; of {
				pool = other
			}
			if m.IntN(6) == 0 {
				out.WriteString(", NULL")
				continue
			}
			out.WriteString(", " + quote(pool[m.IntN(len(pool))]))
		}
		out.WriteString(")")
	}
	return out.String()
}

// maker makes random SQL.
type maker struct {
	*rand.Rand
	from []string // aliases of the tables that expressions read
	only map[kind][]string
	raw  map[kind][]string // what leaves are, instead of columns
	// calm keeps what may raise out: where engines are free to compute what the source leaves out.
	calm bool
}

func pick[T any](m *maker, all ...T) T { return all[m.IntN(len(all))] }

// beside is a kind of the same family, most often the same.
func (m *maker) beside(k kind) kind {
	if m.IntN(3) > 0 {
		return k
	}
	return pick(m, families[k]...)
}

func (m *maker) leaf(k kind) string {
	if all := m.raw[k]; len(all) > 0 && m.IntN(5) > 0 {
		return pick(m, all...)
	}
	if m.raw != nil {
		return m.literal(k)
	}
	names := columns[k]
	if m.only != nil {
		names = m.only[k]
	}
	if len(names) > 0 && len(m.from) > 0 && m.IntN(5) > 0 {
		name := pick(m, names...)
		if len(m.from) > 1 || m.IntN(2) == 0 {
			return pick(m, m.from...) + "." + name
		}
		return name
	}
	return m.literal(k)
}

func (m *maker) literal(k kind) string {
	pool := tame[string(k)]
	if m.IntN(3) == 0 {
		pool = wild[string(k)]
	}
	switch k {
	case boolean:
		return pick(m, "TRUE", "FALSE")
	case int4:
		return pick(m, pool...)
	case numeric:
		return pick(m, "0.5", "1.005", "2.50", "100.00", "0.0001", "12345.678", "0.0", "3.0", "1e2", "-0.05", "99999999999999999999.5", "10.0")
	case int8:
		if v := pick(m, pool...); len(v) > 11 && v != "-9223372036854775808" {
			return v
		}
		return "CAST(" + pick(m, pool...) + " AS bigint)"
	case int2:
		return "CAST(" + pick(m, pool...) + " AS smallint)"
	case date, timestamp:
		return strings.ToUpper(string(k)) + " " + quote(pick(m, pool...))
	case float, single:
		return "CAST(" + quote(pick(m, pool...)) + " AS " + string(k) + ")"
	case instant:
		return "CAST(TIMESTAMP " + quote(pick(m, wild["timestamp"]...)) + " AS timestamptz)"
	case text_:
		return quote(pick(m, pool...))
	}
	return "CAST(" + quote(pick(m, pool...)) + " AS " + string(k) + ")"
}

// bare is a literal without a type that stands beside a value of a kind. It is never NULL: PostgreSQL computes nothing of what is certain to
// be NULL, and so raises nothing.
func (m *maker) bare(k kind) string {
	if k == boolean {
		return pick(m, "'t'", "'false'")
	}
	if k == numeric {
		return pick(m, "'0.5'", "'1.005'", "'12'", "'-3.14159'")
	}
	return quote(pick(m, pick(m, tame, wild)[string(k)]...))
}

// expr is a random expression of a kind.
func (m *maker) expr(k kind, depth int) string {
	if depth <= 0 || m.IntN(8) == 0 {
		return m.leaf(k)
	}
	switch m.IntN(12) {
	case 0, 1:
		return m.general(k, depth-1)
	case 2, 3, 4:
		return m.further(k, depth-1)
	case 5:
		return m.mixed(k, depth-1)
	}
	switch k {
	case boolean:
		return m.condition(depth - 1)
	case int2, int4, int8:
		return m.whole(k, depth-1)
	case numeric:
		return m.decimal(depth - 1)
	case float:
		return m.floating(depth - 1)
	case single:
		return m.further(k, depth-1)
	case text_, varchar, char:
		return m.text(k, depth-1)
	}
	return m.moment(k, depth-1)
}

// general is an expression of any kind.
func (m *maker) general(k kind, d int) string {
	switch m.IntN(8) {
	case 0:
		return "COALESCE(" + m.expr(k, d) + ", " + m.expr(m.beside(k), d) + ")"
	case 1:
		other := m.expr(m.beside(k), d)
		if m.IntN(3) == 0 {
			other = m.bare(k)
		}
		return "NULLIF(" + m.expr(k, d) + ", " + other + ")"
	case 2:
		if k == boolean {
			return "COALESCE(" + m.expr(k, d) + ", " + m.bare(k) + ")"
		}
		return pick(m, "GREATEST", "LEAST") + "(" + m.expr(k, d) + ", " + m.expr(m.beside(k), d) + ")"
	case 3, 4:
		return "CASE WHEN " + m.expr(boolean, d) + " THEN " + m.expr(k, d) + pick(m, "", " ELSE "+m.expr(m.beside(k), d), " ELSE "+m.bare(k), " ELSE NULL", " WHEN "+m.expr(boolean, d)+" THEN "+m.expr(k, d)) + " END"
	case 5:
		of := pick(m, kinds...)
		return "CASE " + m.calmly(of, d) + " WHEN " + pick(m, m.bare(of), m.calmly(m.beside(of), d)) + " THEN " + m.expr(k, d) + " ELSE " + m.expr(k, d) + " END"
	case 6:
		return "COALESCE(" + m.expr(k, d) + ", " + m.bare(k) + ")"
	}
	if m.calm {
		return m.leaf(k)
	}
	return "CAST(" + m.expr(pick(m, kinds...), d) + " AS " + string(k) + ")"
}

func (m *maker) comparison(d int) string {
	defer func(calm bool) { m.calm = calm }(m.calm)
	m.calm = true // engines compare casts without making them
	k := pick(m, kinds...)
	l, r := m.expr(k, d), m.expr(m.beside(k), d)
	if m.IntN(4) == 0 {
		r = m.bare(k)
	}
	switch m.IntN(7) {
	case 0:
		return "(" + l + ") " + pick(m, "", "NOT ") + "BETWEEN " + r + " AND " + m.expr(m.beside(k), d)
	case 1, 2:
		list := []string{r, m.expr(m.beside(k), 0)}
		if m.IntN(2) == 0 {
			list = append(list, m.bare(k))
		}
		return "(" + l + ") " + pick(m, "", "NOT ") + "IN (" + strings.Join(list, ", ") + ")"
	case 3:
		return "((" + l + ") IS " + pick(m, "", "NOT ") + "DISTINCT FROM " + r + ")"
	}
	return "(" + l + pick(m, " = ", " <> ", " < ", " <= ", " > ", " >= ") + r + ")"
}

// inZone is a time in a zone, or one that a number of intervals is added to.
func (m *maker) inZone(k kind, d int) string {
	zone := pick(m, "'UTC'", "'EST'", "'America/New_York'", "'Europe/Rome'", "'Asia/Kolkata'")
	of := instant
	if k == instant {
		of = timestamp
	}
	if m.IntN(2) == 0 {
		return "(" + m.expr(of, d) + " AT TIME ZONE " + zone + ")"
	}
	return "(" + m.expr(k, d) + pick(m, " + ", " - ") + m.expr(int2, 0) + " * INTERVAL '" + pick(m, "1 day", "1 month", "36 hours", "1 month -1 days", "1.5 seconds", "1 year") + "')"
}

// partBetween is a part of the difference of two times.
func (m *maker) partBetween(d int) string {
	l, r := m.expr(timestamp, d), m.expr(pick(m, timestamp, date), d)
	if m.IntN(2) == 0 {
		return "extract(" + pick(m, "year", "month", "day", "hour", "minute", "second") + " FROM age(" + l + ", " + r + "))"
	}
	return "extract(" + pick(m, "day", "hour", "minute", "second", "epoch") + " FROM " + l + " - " + r + ")"
}

func (m *maker) condition(d int) string {
	switch m.IntN(9) {
	case 0, 1:
		return "(" + m.calmly(boolean, d) + pick(m, " AND ", " OR ") + m.calmly(boolean, d) + ")"
	case 2:
		return "NOT (" + m.expr(boolean, d) + ")"
	case 3:
		return "((" + m.expr(pick(m, kinds...), d) + ") IS " + pick(m, "", "NOT ") + "NULL)"
	case 4:
		return "((" + m.expr(boolean, d) + ") IS " + pick(m, "", "NOT ") + pick(m, "TRUE", "FALSE", "UNKNOWN") + ")"
	case 5:
		if m.IntN(3) == 0 {
			return "(" + m.expr(pick(m, text_, varchar), d) + pick(m, " ~ ", " !~ ", " ~* ") + quote(m.regex(1)) + ")"
		}
		return "(" + m.expr(pick(m, text_, varchar, char), d) + pick(m, " LIKE ", " NOT LIKE ") + pick(m, "'a%'", "'%'", "'_'", "'%c'", `'a\_c'`, "'a_c'", "''", "'% '", "'a#%%' ESCAPE '#'", m.expr(text_, 0)) + ")"
	}
	return m.comparison(d)
}

// whole is an integer.
func (m *maker) whole(k kind, d int) string {
	narrow := pick(m, int2, int4)
	if k == int8 {
		narrow = pick(m, int2, int4, int8, int8)
	}
	if m.calm {
		return pick(m, "length("+m.expr(text_, d)+")", "strpos("+m.expr(text_, d)+", "+m.expr(text_, 0)+")", m.leaf(k))
	}
	switch m.IntN(9) {
	case 0, 1, 2:
		return "(" + m.expr(k, d) + pick(m, " + ", " - ", " * ") + m.expr(narrow, d) + ")"
	case 3, 4:
		return "(" + m.expr(k, d) + pick(m, " / ", " % ") + pick(m, "NULLIF("+m.expr(narrow, d)+", 0)", m.expr(narrow, d)) + ")"
	case 5:
		return pick(m, "abs("+m.expr(k, d)+")", "(- "+m.expr(k, d)+")", "mod("+m.expr(k, d)+", NULLIF("+m.expr(narrow, d)+", 0))")
	case 6:
		if m.IntN(3) == 0 {
			return pick(m, "ascii(", "octet_length(") + m.expr(pick(m, text_, varchar, char), d) + ")"
		}
		return pick(m, "length("+m.expr(pick(m, text_, varchar, char), d)+")", "strpos("+m.expr(text_, d)+", "+m.expr(varchar, 0)+")", "position("+m.expr(text_, 0)+" in "+m.expr(text_, d)+")")
	case 7:
		return "(" + m.expr(date, d) + " - " + m.expr(date, d) + ")"
	}
	return "CAST(" + m.expr(pick(m, int4, int8, numeric, float, boolean), d) + pick(m, " AS integer)", " AS bigint)", " AS smallint)")
}

func (m *maker) decimal(d int) string {
	if m.calm {
		return m.leaf(numeric)
	}
	other := pick(m, int2, int4, int8, numeric, numeric)
	switch m.IntN(9) {
	case 0, 1, 2:
		return "(" + m.expr(numeric, d) + pick(m, " + ", " - ", " * ") + m.expr(other, d) + ")"
	case 3:
		return "(" + m.expr(other, d) + pick(m, " + ", " - ", " * ") + m.expr(numeric, d) + ")"
	case 4:
		return "(" + m.expr(numeric, d) + pick(m, " / ", " / ", " % ") + pick(m, "NULLIF("+m.expr(other, d)+", 0)", m.expr(other, d)) + ")"
	case 5:
		return pick(m, "round", "trunc") + "(" + m.expr(numeric, d) + pick(m, "", ", 0", ", 1", ", 2", ", 4", ", -1", ", 8") + ")"
	case 6:
		return pick(m, "ceil", "floor", "abs", "-", "sign") + "(" + m.expr(numeric, d) + ")"
	case 7:
		if m.IntN(3) == 0 {
			return m.partBetween(d)
		}
		return "extract(" + pick(m, "year", "isoyear", "decade", "century", "milliseconds", "microseconds", "month", "day", "dow", "doy", "quarter", "week", "hour", "minute", "second", "epoch", "isodow") + " FROM " + m.expr(pick(m, date, timestamp), d) + ")"
	}
	return "CAST(" + m.expr(pick(m, int4, int8, numeric, float, text_), d) + " AS " + pick(m, "numeric(5,2)", "numeric(18,6)", "numeric(38,10)", "numeric(10)", "numeric") + ")"
}

func (m *maker) floating(d int) string {
	if m.calm {
		return m.leaf(float)
	}
	switch m.IntN(6) {
	case 0, 1, 2:
		return "(" + m.expr(float, d) + pick(m, " + ", " - ", " * ", " / ") + m.expr(m.beside(float), d) + ")"
	case 3:
		return "(" + m.expr(pick(m, int4, int8, numeric), d) + pick(m, " + ", " * ", " / ") + m.expr(float, d) + ")"
	case 4:
		return pick(m, "abs", "-", "floor", "ceil", "round", "trunc", "sign", "sqrt", "exp", "ln", "log") + "(" + m.expr(pick(m, float, float, int4), d) + ")"
	}
	return "CAST(" + m.expr(pick(m, int4, int8, numeric, text_), d) + " AS double precision)"
}

func (m *maker) text(k kind, d int) string {
	any_ := func() string { return m.expr(pick(m, text_, text_, varchar, char), d) }
	small := pick(m, "0", "1", "2", "3", "5", "10")
	switch n := m.IntN(16); {
	case n >= 14:
		return m.moreText(d)
	case n < 3:
		return "(" + any_() + " || " + m.expr(pick(m, text_, varchar, char, int4, numeric, date), d) + ")"
	case n == 3:
		return pick(m, "upper", "lower", "initcap", "reverse", "md5") + "(" + any_() + ")"
	case n == 4:
		return pick(m, "substring("+any_()+", "+pick(m, "1", "2", "0", "-1", m.leaf(int4))+")", "substr("+any_()+", "+small+", "+small+")", "substring("+any_()+" FROM "+small+" FOR "+small+")")
	case n == 5:
		return pick(m, "trim", "ltrim", "rtrim", "btrim") + "(" + any_() + pick(m, "", ", ' '", ", 'a'", ", 'ab '") + ")"
	case n == 6:
		return "trim(" + pick(m, "both", "leading", "trailing") + pick(m, "", " 'a'", " ' '") + " from " + any_() + ")"
	case n == 7:
		return "replace(" + any_() + ", " + pick(m, "'a'", "' '", "'bc'") + ", " + pick(m, "''", "'xy'", m.expr(text_, 0)) + ")"
	case n == 8:
		return pick(m, "left", "right", "repeat") + "(" + any_() + ", " + small + ")"
	case n == 9:
		return pick(m, "lpad", "rpad") + "(" + any_() + ", " + small + pick(m, "", ", 'xy'") + ")"
	case n == 10:
		return "split_part(" + any_() + ", " + pick(m, "' '", "'a'", "'_'") + ", " + pick(m, "1", "2", "3") + ")"
	case n == 11:
		return "concat(" + any_() + ", " + m.expr(pick(m, text_, varchar, int4, numeric, date), d) + ")"
	}
	return "CAST(" + m.expr(pick(m, int4, int8, numeric, text_, varchar, char, date, timestamp, boolean), d) + " AS " + pick(m, "text", "varchar(3)", "varchar(10)", "char(3)", "varchar", "text", string(k)) + ")"
}

func (m *maker) moment(k kind, d int) string {
	part := "'" + pick(m, "year", "month", "day", "hour", "week", "quarter", "minute", "second") + "'"
	if m.calm {
		return pick(m, m.leaf(k), "CAST("+m.expr(timestamp, 0)+" AS "+string(k)+")")
	}
	switch k {
	case date:
		return pick(m, "("+m.expr(date, d)+pick(m, " + ", " - ")+pick(m, "1", "30", m.expr(int2, d))+")", "CAST("+m.expr(pick(m, timestamp, text_, date), d)+" AS date)")
	case instant:
		if m.IntN(3) == 0 {
			return m.inZone(k, d)
		}
		return pick(m, "CAST("+m.expr(pick(m, timestamp, date, instant), d)+" AS timestamptz)", "date_trunc("+part+", "+m.expr(pick(m, date, instant), d)+")")
	}
	if m.IntN(4) == 0 {
		return m.inZone(k, d)
	}
	interval := "INTERVAL '" + pick(m, "1 day", "1 month", "-1 month", "1 year", "3 hours", "90 minutes", "1 month 2 days", "1 week", "59 seconds", "13 months") + "'"
	return pick(m, "("+m.expr(pick(m, date, timestamp), d)+pick(m, " + ", " - ")+interval+")", "date_trunc("+part+", "+m.expr(timestamp, d)+")",
		"CAST("+m.expr(pick(m, date, text_, instant, timestamp), d)+" AS timestamp)")
}
