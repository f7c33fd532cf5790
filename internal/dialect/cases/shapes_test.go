package cases_test

import (
	"fmt"
	"strings"
)

// Queries of further shapes: joins of several tables, queries that refer to one around them, values that come of aggregates and windows,
// and operators without parentheses.

// merged joins two or three tables by columns of the same name.
func (m *maker) merged() string {
	join := func() string {
		return pick(m, " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ", " LEFT JOIN ", " INNER JOIN ")
	}
	using := func() string {
		return " USING (" + pick(m, "id", "id", "j", "s", "id, f", "t", "v", "dt", "f, j", "p", "ts", "c") + ")"
	}
	if m.IntN(4) == 0 {
		side := func() string {
			return "(SELECT " + pick(m, "id, j, t", "id, f", "j, p, id", "t, id") + " FROM " + m.table() + pick(m, "", " WHERE id < 9", " WHERE j IS NOT NULL") + ") "
		}
		names := pick(m, "*", "id", "count(*)", "a.id, b.id")
		return "SELECT " + names + " FROM " + side() + "a NATURAL" + join() + side() + "b"
	}

	from := m.table() + " a" + join() + m.table() + " b" + using()
	m.from = []string{"a", "b"}
	if m.IntN(3) == 0 {
		from += join() + m.table() + " x USING (id)"
		m.from = append(m.from, "x")
	}
	list := []string{pick(m, "id", "j", "s", "t", "a.id", "coalesce(id, -1)"), pick(m, "b.id", "b.t", "a.dt", "a.j")}
	list = append(list, m.calmly(pick(m, kinds...), 1))
	where := ""
	if m.IntN(3) == 0 {
		where = " WHERE " + pick(m, "id > 5", "a.id IS NULL", "b.id IS NULL", "b.id IS NOT NULL", m.calmly(boolean, 1))
	}
	if m.IntN(4) == 0 {
		return "SELECT id, count(*), count(a.id), count(b.id), max(a.j) FROM " + from + where + " GROUP BY id"
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + from + where
}

// chained joins three tables, each to those before it or to a pair in parentheses.
func (m *maker) chained() string {
	on := func(l, r string) string {
		col := pick(m, "id", "j", "t", "s", "f", "dt", "c", "v", "b", "q")
		return l + "." + col + " = " + r + "." + col + pick(m, "", "", " AND "+l+".id < 12", " AND "+r+".f", " OR "+l+".id = 3 AND "+r+".id = 4")
	}
	join := func() string {
		return pick(m, " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " LEFT JOIN ")
	}
	m.from = []string{"a", "b", "x"}
	list := "a.id, b.id, x.id, " + m.calmly(pick(m, kinds...), 1)
	where := pick(m, "", "", " WHERE x.id IS NULL", " WHERE b.id IS NULL", " WHERE a.f", " WHERE coalesce(x.j, b.j, a.j) > 1", " WHERE "+m.calmly(boolean, 1))
	switch m.IntN(4) {
	case 0:
		return "SELECT " + list + " FROM " + m.table() + " a" + join() + "(" + m.table() + " b" + join() + m.table() + " x ON " + on("b", "x") + ") ON " + on("a", "b") + where
	case 1:
		return "SELECT " + list + " FROM " + m.table() + " a, " + m.table() + " b, " + m.table() + " x WHERE " + on("a", "b") + " AND " + on("b", "x")
	case 2:
		return "SELECT " + list + " FROM " + m.table() + " a CROSS JOIN " + m.table() + " b" + join() + m.table() + " x ON " + on("b", "x") + " WHERE a.id < 4 AND b.id < 5"
	}
	return "SELECT " + list + " FROM " + m.table() + " a" + join() + m.table() + " b ON " + on("a", "b") + join() + m.table() + " x ON " + on(pick(m, "a", "b"), "x") + where
}

// correlated has queries that read the table of the one around them.
func (m *maker) correlated() string {
	m.from = []string{"a"}
	k := pick(m, kinds...)
	outer := m.calmly(k, m.IntN(2))
	m.from = []string{"b"}
	inner := m.calmly(m.beside(k), m.IntN(2))
	m.from = []string{"a", "b"}
	same := pick(m, "b.id = a.id", "b.j = a.j", "b.f = a.f", "b.id <= a.id", "b.t = a.t", "b.id < a.id AND b.j IS NOT NULL", "b.s = a.s OR b.id = 1", "b.c = a.c", m.calmly(boolean, 1))
	m.from = []string{"b"}
	number := m.calmly(pick(m, int4, int8, numeric, float), 1) // engines may compute it of rows that no row around it asks for
	sub := func() string {
		return pick(m, "(SELECT count(*) FROM %s b WHERE %s)", "(SELECT max("+inner+") FROM %s b WHERE %s)", "(SELECT sum("+number+") FROM %s b WHERE %s)", "(SELECT "+inner+" FROM %s b WHERE %s ORDER BY b.id LIMIT 1)",
			"(SELECT count("+inner+") FROM %s b WHERE %s HAVING count(*) > 1)", "coalesce((SELECT avg("+number+") FROM %s b WHERE %s), 0)", "(SELECT count(*) FROM %s b WHERE %s) + a.id", "(SELECT b.j FROM %s b WHERE b.id = a.id AND (%s))",
			"(SELECT max(a.id) FROM %s b WHERE %s)", "(SELECT a.j + b.j FROM %s b WHERE %s ORDER BY b.id DESC LIMIT 1)")
	}
	fill := func(text string) string { return fmt.Sprintf(text, m.table(), same) }
	condition := fill(pick(m, "EXISTS (SELECT * FROM %s b WHERE %s)", "NOT EXISTS (SELECT 1 FROM %s b WHERE %s)", outer+" IN (SELECT "+inner+" FROM %s b WHERE %s)", outer+" NOT IN (SELECT "+inner+" FROM %s b WHERE %s)",
		outer+" = ANY (SELECT "+inner+" FROM %s b WHERE %s)", outer+" <> ALL (SELECT "+inner+" FROM %s b WHERE %s)", outer+" >= ALL (SELECT "+inner+" FROM %s b WHERE %s)", outer+" < ANY (SELECT "+inner+" FROM %s b WHERE %s)",
		"(a.id, "+outer+") IN (SELECT b.id, "+inner+" FROM %s b WHERE %s)", "EXISTS (SELECT b.f, count(*) FROM %s b WHERE %s GROUP BY b.f HAVING count(*) > 1)", outer+" = (SELECT "+inner+" FROM %s b WHERE %s ORDER BY b.id LIMIT 1)",
		"EXISTS (SELECT count(*) FROM %s b WHERE %s)"))
	switch m.IntN(4) {
	case 0:
		return "SELECT a.id, " + fill(sub()) + " FROM " + m.table() + " a"
	case 1:
		return "SELECT a.id, " + condition + " FROM " + m.table() + " a"
	case 2:
		return "SELECT a.id FROM " + m.table() + " a WHERE " + condition + pick(m, "", " OR a.id = 2", " AND NOT "+condition)
	}
	return "SELECT a.f, count(*), sum(" + fill("(SELECT count(*) FROM %s b WHERE %s)") + ") FROM " + m.table() + " a GROUP BY a.f"
}

// lists joins queries of several columns by set operations, with NULLs of a type and without one.
func (m *maker) lists() string {
	kindsOf := []kind{pick(m, kinds...), pick(m, kinds...), int4}
	side := func(first bool) string {
		m.from = []string{"a"}
		var list []string
		for i, k := range kindsOf {
			x := m.expr(m.beside(k), m.IntN(2))
			switch m.IntN(6) {
			case 0:
				x = "NULL"
			case 1:
				x = "CAST(NULL AS " + string(m.beside(k)) + ")"
			case 2:
				x = m.bare(k)
			}
			if first {
				x += fmt.Sprintf(" AS x%d", i)
			}
			list = append(list, x)
		}
		of := "SELECT " + pick(m, "", "", "DISTINCT ") + strings.Join(list, ", ")
		if m.IntN(4) == 0 && !strings.Contains(of, "a.") {
			return of
		}
		return of + " FROM " + m.table() + " a" + pick(m, "", " WHERE a.id < 7", " WHERE a.f")
	}
	op := func() string {
		return pick(m, " UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " UNION ALL ", " EXCEPT ALL ", " INTERSECT ALL ")
	}
	out := side(true) + op() + side(false)
	switch m.IntN(4) {
	case 0:
		out = side(true) + op() + "(" + side(false) + op() + side(false) + ")"
	case 1:
		out += op() + side(false)
	}
	switch m.IntN(4) {
	case 0:
		return "SELECT count(*), count(x0), count(DISTINCT x1) FROM (" + out + ") u"
	case 1:
		return "WITH u AS (" + out + ") SELECT x0, count(*) FROM u GROUP BY x0"
	case 2:
		return out + " ORDER BY 1, 2, 3"
	}
	return out
}

// raws are expressions that stand as leaves for what is computed of aggregates or windows.
func (m *maker) raws(count int, of func() (kind, string)) {
	m.raw = map[kind][]string{}
	for range count {
		k, x := of()
		m.raw[k] = append(m.raw[k], x)
	}
}

// present is a kind that raws have.
func (m *maker) present() kind {
	k := pick(m, kinds...)
	for len(m.raw[k]) == 0 {
		k = pick(m, kinds...)
	}
	return k
}

// aggregateOf is an aggregate, and the kind of its value.
func (m *maker) aggregateOf() (kind, string) {
	raw := m.raw
	defer func() { m.raw = raw }()
	m.raw = nil
	filter := ""
	if m.IntN(6) == 0 {
		filter = " FILTER (WHERE " + m.calmly(boolean, 1) + ")"
	}
	switch m.IntN(9) {
	case 0:
		return int8, "count(*)" + filter
	case 1:
		return int8, "count(" + pick(m, "", "DISTINCT ") + m.calmly(pick(m, kinds...), 1) + ")" + filter
	case 2:
		return int8, "sum(" + m.expr(pick(m, int2, int4), 1) + ")" + filter
	case 3:
		return numeric, pick(m, "sum", "avg") + "(" + m.expr(pick(m, int8, numeric), 1) + ")" + filter
	case 4:
		return numeric, "avg(" + m.expr(pick(m, int2, int4), 1) + ")" + filter
	case 5:
		return float, pick(m, "sum", "avg") + "(" + m.calmly(float, 1) + ")" + filter
	case 6:
		return boolean, pick(m, "bool_and", "bool_or") + "(" + m.calmly(boolean, 1) + ")" + filter
	}
	k := pick(m, int2, int4, int8, numeric, float, text_, date, timestamp)
	return k, pick(m, "min", "max") + "(" + m.expr(k, 1) + ")" + filter
}

// computed has expressions over aggregates and keys of groups.
func (m *maker) computed() string {
	m.from = []string{"a"}
	key := pick(m, "", "a.f", "a.j", "a.s", "a.t", "a.dt", "a.p", "a.c", "date_trunc('month', a.ts)", "a.id % 3", "CASE WHEN a.j > 1 THEN 'x' ELSE a.v END", "upper(a.t)", "extract(year FROM a.dt)", "coalesce(a.i, 0)")
	m.raws(4, m.aggregateOf)
	if len(key) == 3 {
		for _, c := range order {
			if "a."+c.name == key {
				m.raw[c.kind] = append(m.raw[c.kind], key)
			}
		}
	}
	var list []string
	for range 3 {
		list = append(list, m.expr(m.present(), 2))
	}
	having, by := "", ""
	if m.IntN(3) == 0 {
		having = " HAVING " + m.calmly(boolean, 2)
	}
	m.raw = nil
	if key != "" {
		list, by = append(list, key), " GROUP BY "+key
	}
	where := ""
	if m.IntN(4) == 0 {
		where = " WHERE " + m.calmly(boolean, 1)
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + m.table() + " a" + where + by + having
}

// windowOf is a function of a window, and the kind of its value.
func (m *maker) windowOf() (kind, string) {
	raw := m.raw
	defer func() { m.raw = raw }()
	m.raw = nil
	over := " OVER (" + pick(m, "", "PARTITION BY a.f ", "PARTITION BY a.j ", "PARTITION BY a.t, a.f ") + "ORDER BY " + pick(m, "a.id", "a.dt, a.id", "a.j DESC, a.id", "a.t NULLS FIRST, a.id DESC") + ")"
	ties := " OVER (" + pick(m, "", "PARTITION BY a.f ") + "ORDER BY " + pick(m, "a.j", "a.f", "a.dt DESC", "a.c", "a.p NULLS FIRST") + ")"
	whole := " OVER (" + pick(m, "", "PARTITION BY a.f", "PARTITION BY a.j") + ")"
	switch m.IntN(7) {
	case 0:
		return int8, pick(m, "row_number()"+over, "rank()"+ties, "dense_rank()"+ties, "count(*)"+ties, "count(a.t)"+whole)
	case 1:
		return int8, "sum(" + pick(m, "a.j", "a.s") + ")" + pick(m, over, ties, whole)
	case 2:
		return numeric, pick(m, "sum", "avg") + "(" + pick(m, "a.p", "a.q", "a.b") + ")" + pick(m, over, ties, whole)
	case 3:
		return numeric, "avg(a.j)" + pick(m, over, ties, whole)
	case 4:
		return float, pick(m, "percent_rank()"+ties, "cume_dist()"+ties)
	}
	k := pick(m, int2, int4, int8, numeric, float, text_, date, timestamp)
	return k, pick(m, "lag(", "lead(", "first_value(", "last_value(") + m.calmly(k, 1) + ")" + over
}

// overWindows has expressions over functions of windows.
func (m *maker) overWindows() string {
	m.from = []string{"a"}
	m.raws(3, m.windowOf)
	for k, names := range columns {
		if m.IntN(4) == 0 {
			m.raw[k] = append(m.raw[k], "a."+names[0])
		}
	}
	list := "a.id"
	for range 2 {
		list += ", " + m.expr(m.present(), 2)
	}
	where := pick(m, "", "", " WHERE a.f", " WHERE a.id > 7", " WHERE a.j IS NOT NULL")
	m.raw = nil
	return "SELECT " + list + " FROM " + m.table() + " a" + where
}

// overGroups has windows over groups.
func (m *maker) overGroups() string {
	key := pick(m, "a.f", "a.j", "a.s", "a.dt", "a.t")
	of := pick(m, "sum(a.j)", "count(*)", "max(a.id)", "sum(a.p)", "min(a.q)")
	window := pick(m, "sum("+of+") OVER ()", "sum("+of+") OVER (ORDER BY "+key+")", "rank() OVER (ORDER BY "+of+" DESC)", "lag("+of+") OVER (ORDER BY "+key+")", "row_number() OVER (ORDER BY "+of+", "+key+")",
		"1.0 * "+of+" / sum("+of+") OVER ()", "round(100.0 * count(*) / sum(count(*)) OVER (), 2)", "max("+of+") OVER (ORDER BY "+key+" ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", "avg("+of+") OVER w")
	named := ""
	if strings.HasSuffix(window, " w") {
		named = " WINDOW w AS (" + pick(m, "", "ORDER BY "+key, "PARTITION BY "+key) + ")"
	}
	return "SELECT " + key + ", " + of + ", " + window + " FROM " + m.table() + " a GROUP BY " + key + pick(m, "", " HAVING count(*) > 1", " HAVING "+of+" > 0") + named
}

// limited has an order, and a limit behind it.
func (m *maker) limited() string {
	m.from = []string{"a"}
	limit := pick(m, " LIMIT 4", " LIMIT 0", " LIMIT 100", " OFFSET 3", " LIMIT 2 OFFSET 30", " LIMIT ALL", " OFFSET 1 LIMIT 2", " FETCH FIRST 3 ROWS ONLY", " FETCH FIRST ROW ONLY", " OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY", "")
	down := func() string {
		return pick(m, "", " DESC", " NULLS FIRST", " DESC NULLS LAST", " ASC NULLS LAST", " ASC")
	}
	x, y := m.calmly(pick(m, kinds...), 1), m.calmly(pick(m, kinds...), 1)
	switch m.IntN(6) {
	case 0:
		return "SELECT DISTINCT " + x + " AS x, " + y + " AS y FROM " + m.table() + " a ORDER BY 1" + down() + ", 2" + down() + limit
	case 1:
		return "SELECT DISTINCT ON (" + x + ") a.id, " + x + " AS x FROM " + m.table() + " a ORDER BY " + x + down() + ", a.id" + down()
	case 2:
		return "SELECT id, x FROM (SELECT a.id, " + x + " AS x, row_number() OVER (PARTITION BY " + y + " ORDER BY a.id" + down() + ") AS n FROM " + m.table() + " a) q WHERE n = " + pick(m, "1", "2")
	case 3:
		return "SELECT count(*), count(x), min(id), max(id) FROM (SELECT a.id, " + x + " AS x FROM " + m.table() + " a ORDER BY " + y + down() + ", a.id" + limit + ") q"
	case 4:
		return "SELECT " + x + " AS x, count(*) FROM " + m.table() + " a GROUP BY " + x + " ORDER BY " + pick(m, "1", "x", "count(*), 1", "2 DESC, 1", "max(a.id)") + limit
	}
	return "SELECT a.id, " + x + " AS x, " + y + " AS y FROM " + m.table() + " a ORDER BY " + pick(m, "x", "y", "2", "3", x) + down() + ", " + pick(m, "y", "3", y) + down() + ", a.id" + down() + limit
}

// twice reads a query of WITH more than once.
func (m *maker) twice() string {
	m.from = []string{"a"}
	k := pick(m, kinds...)
	x := m.expr(k, 1)
	with := "WITH q AS (SELECT a.id, a.f, " + x + " AS x FROM " + m.table() + " a" + pick(m, "", " WHERE a.id > 3", " WHERE a.f") + ")"
	switch m.IntN(5) {
	case 0:
		return with + " SELECT l.id, r.id FROM q l JOIN q r ON l.x = r.x AND l.id < r.id"
	case 1:
		return with + " SELECT q.id, q.x FROM q WHERE q.x " + pick(m, "=", "<>", "IN", "NOT IN") + " (SELECT " + pick(m, "min(x)", "max(x)") + " FROM q)"
	case 2:
		return with + ", g AS (SELECT f, count(*) AS n, count(x) AS m FROM q GROUP BY f) SELECT q.id, g.n, g.m FROM q LEFT JOIN g ON g.f = q.f"
	case 3:
		return with + " SELECT x FROM q WHERE f UNION ALL SELECT x FROM q WHERE NOT f"
	}
	return with + ", q2 AS (SELECT id, x FROM q WHERE x IS NOT NULL) SELECT (SELECT count(*) FROM q), (SELECT count(*) FROM q2), (SELECT count(DISTINCT x) FROM q)"
}

// flat is an expression of several operators without parentheses: what binds closer is the grammar's to say.
func (m *maker) flat(k kind) string {
	whole := func() string {
		leaf := func() string {
			return pick(m, "a.j", "a.s", "a.id", "a.j", "a.q", "7", "3", "-1", "CAST(2 AS smallint)")
		}
		out := pick(m, "", "", "- ", "-", "+") + leaf()
		for range 1 + m.IntN(3) {
			if k == boolean { // of which some need not be computed: none raises
				out += pick(m, " + ", " - ", " * ", " - -", " * -") + leaf() + pick(m, "", "", "", "::bigint", "::double precision", "::numeric(12,2)", " / 3", " % 4", " / -2")
				continue
			}
			out += pick(m, " + ", " - ", " * ", " / ", " % ", " - -", " * -") + leaf() + pick(m, "", "", "", "::bigint", "::integer", "::numeric(10,2)")
		}
		return out
	}
	words := func() string {
		out := m.leaf(pick(m, text_, varchar))
		for range 1 + m.IntN(2) {
			out += " || " + pick(m, m.leaf(text_), m.leaf(varchar), m.leaf(int4), m.leaf(int4)+" + 1", m.leaf(date)+"::text", "-"+m.leaf(int2))
		}
		return out
	}
	if k == text_ {
		return words()
	}
	if k == int4 {
		return whole()
	}
	term := func() string {
		f := m.leaf(boolean)
		return pick(m, f, "NOT "+f, whole()+pick(m, " > ", " <= ", " = ", " <> ")+whole(), whole()+" IS NOT NULL", whole()+" IS NULL", f+" IS TRUE", f+" IS NOT FALSE", f+" IS UNKNOWN", "NOT "+f+" IS NULL",
			"NOT "+whole()+" IN (1, 2, 3)", whole()+" BETWEEN -1 AND "+whole(), words()+" = "+words(), words()+" LIKE 'a%' || '_'", words()+" NOT LIKE '%1'", words()+" IN ('a1', '', 'abc')", "NOT "+f+" = "+m.leaf(boolean),
			f+" <> "+m.leaf(boolean), whole()+" > 1 IS TRUE", whole()+" = 1 IS NOT NULL", whole()+" IN (1, 2) = "+f, whole()+" < 3 IS DISTINCT FROM "+f, f+" IS NOT NULL = "+f, words()+" IS NULL IS FALSE", "NOT NOT "+f,
			whole()+" IS DISTINCT FROM "+whole(), words()+" ~ 'a' || 'b'", words()+" ~ '^a' = "+f, whole()+" NOT BETWEEN 0 AND 7 = "+f, words()+" LIKE 'a%' IS TRUE", m.leaf(date)+" + 1 > "+m.leaf(date)+" - 1")
	}
	out := term()
	for range m.IntN(3) {
		out += pick(m, " AND ", " OR ") + term()
	}
	return out
}

// flatly is a SELECT of such expressions.
func (m *maker) flatly() string {
	m.from = []string{"a"}
	if m.IntN(3) == 0 {
		return "SELECT a.id FROM " + pick(m, "tame", "tame", "none") + " a WHERE " + m.flat(boolean)
	}
	return "SELECT a.id, " + m.flat(pick(m, boolean, boolean, int4, text_)) + " FROM tame a"
}
