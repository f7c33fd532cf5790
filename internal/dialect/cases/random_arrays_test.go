package cases_test

import "fmt"

// arrays gathers values, by groups or all of them, and reads their elements.
func (m *maker) arrays() string {
	k := pick(m, int2, int4, int8, numeric, numeric, float, text_, varchar, date, timestamp, boolean)
	m.from = []string{"a"}
	x := pick(m, m.expr(k, 1), m.calmly(k, 1))
	filter := ""
	if m.IntN(3) == 0 {
		filter = " FILTER (WHERE " + m.calmly(boolean, 1) + ")"
	}
	order := pick(m, " ORDER BY a.id", " ORDER BY a.id DESC", " ORDER BY a.f DESC NULLS LAST, a.id")
	gathered := "array_agg(" + x + order + ")" + filter
	switch m.IntN(6) {
	case 0:
		gathered = "array_agg(DISTINCT " + x + pick(m, "", " ORDER BY "+x+pick(m, "", " DESC", " NULLS FIRST")) + ")" + filter
	case 1:
		gathered = "ARRAY[" + x + ", " + m.calmly(m.beside(k), 1) + ", " + pick(m, "NULL", x, m.calmly(k, 1)) + "]"
	}
	grouped := gathered[:5] == "array" && m.IntN(3) > 0
	inner := "SELECT " + pick(m, "a.f", "a.f", "a.j % 3") + " AS g, " + gathered + " AS v FROM " + m.table() + " a"
	switch {
	case grouped:
		inner += " GROUP BY 1"
	case gathered[:5] == "array":
		inner = "SELECT true AS g, " + gathered + " AS v FROM " + m.table() + " a"
	}
	return m.elements(k, inner)
}

// elements reads what a query gives as v, an array of a kind.
func (m *maker) elements(k kind, inner string) string {
	of := "(" + inner + ") z"
	m.from = []string{"b"}
	y := m.calmly(m.beside(k), m.IntN(2))
	op := pick(m, "=", "=", "<>", "<", ">=")
	switch m.IntN(6) {
	case 0:
		return "SELECT z.g, u.x FROM " + of + ", unnest(z.v) AS u (x)"
	case 1:
		return "SELECT z.g, u.x, u.n FROM " + of + " LEFT JOIN LATERAL unnest(z.v) WITH ORDINALITY AS u (x, n) ON true"
	case 2:
		return "SELECT b.id, z.g, " + y + " " + op + " ANY (z.v), " + y + " " + op + " ALL (z.v) FROM " + of + ", " + m.table() + " b"
	case 3:
		return "SELECT z.g, cardinality(z.v), array_length(z.v, 1), z.v[1], z.v[" + pick(m, "2", "0", "-1", "99", "NULL", "1 + 1") + "], z.v IS NULL FROM " + of
	case 4:
		return fmt.Sprintf("SELECT z.g, cardinality(z.v || z.v), (z.v || z.v[1])[cardinality(z.v) + 1], coalesce(z.v || array_cat(z.v, NULL), z.v) IS NULL, (array_prepend(z.v[2], z.v))[1] FROM %s", of)
	}
	return "SELECT z.g, count(*), count(u.x), " + pick(m, "max(u.x)", "count(DISTINCT u.x)", "min(u.n)") + " FROM " + of + ", unnest(z.v) WITH ORDINALITY AS u (x, n) GROUP BY z.g"
}
