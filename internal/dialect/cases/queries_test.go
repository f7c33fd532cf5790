package cases_test

import (
	"fmt"
	"strings"
)

// query is a random query of more than one expression over a table, or of several tables.
func (m *maker) query() string {
	defer func(from []string, only map[kind][]string) { m.from, m.only, m.raw, m.calm = from, only, nil, false }(m.from, m.only)
	return pick(m, m.filtered, m.grouped, m.windowed, m.joined, m.united, m.derived, m.nested, m.sorted, m.listed, m.sets, m.tied, m.framed,
		m.merged, m.chained, m.correlated, m.correlated, m.lists, m.computed, m.computed, m.overWindows, m.overGroups, m.limited, m.twice, m.flatly, m.flatly, m.arrays, m.arrays)()
}

func (m *maker) table() string { return pick(m, "tame", "wild", "tame", "none") }

// filtered is a filter, of which the rows are told by their number.
func (m *maker) filtered() string {
	m.from, m.calm = []string{"a"}, true
	return "SELECT a.id FROM " + m.table() + " a WHERE " + m.expr(boolean, 3)
}

// aggregate is an aggregate of a random value.
func (m *maker) aggregate(d int) string {
	filter := ""
	if m.IntN(5) == 0 {
		filter = " FILTER (WHERE " + m.calmly(boolean, 1) + ")"
	}
	distinct := pick(m, "", "", "", "DISTINCT ")
	number := pick(m, int2, int4, int8, numeric, numeric, float)
	any_ := pick(m, int2, int4, int8, numeric, float, text_, varchar, char, date, timestamp)
	return pick(m, "count(*)", "count("+distinct+m.expr(pick(m, kinds...), d)+")", "sum("+distinct+m.expr(number, d)+")", "avg("+m.expr(number, d)+")", "min("+m.expr(any_, d)+")",
		"max("+m.expr(any_, d)+")", "bool_and("+m.expr(boolean, d)+")", "bool_or("+m.expr(boolean, d)+")", "avg("+distinct+m.expr(pick(m, int4, numeric), d)+")") + filter
}

func (m *maker) calmly(k kind, d int) string {
	calm := m.calm
	defer func() { m.calm = calm }()
	m.calm = true
	return m.expr(k, d)
}

func (m *maker) grouped() string {
	m.from = []string{"a"}
	var list []string
	for range 3 {
		list = append(list, m.aggregate(1))
	}
	where, having := "", ""
	if m.IntN(3) == 0 {
		where = " WHERE " + m.calmly(boolean, 2)
	}
	if m.IntN(4) == 0 {
		having = " HAVING " + pick(m, "count(*) > 1", "sum(a.j) IS NOT NULL", "max(a.t) > 'a'", "avg(a.j) > 1", "min(a.dt) < DATE '2024-01-01'")
	}
	if m.IntN(3) == 0 {
		return "SELECT " + strings.Join(list, ", ") + " FROM " + m.table() + " a" + where + having
	}
	key := m.calmly(pick(m, kinds...), m.IntN(2))
	return "SELECT " + key + " AS k, " + strings.Join(list, ", ") + " FROM " + m.table() + " a" + where + " GROUP BY " + pick(m, "1", "k", key) + having
}

func (m *maker) windowed() string {
	m.from = []string{"a"}
	var list []string
	for range 2 {
		k := pick(m, int2, int4, int8, numeric, numeric, float)
		v := pick(m, kinds...)
		partition := ""
		if m.IntN(2) == 0 {
			partition = "PARTITION BY " + m.calmly(pick(m, kinds...), m.IntN(2)) + " "
		}
		key := "ORDER BY " + m.calmly(pick(m, kinds...), m.IntN(2)) + pick(m, "", " DESC", " ASC NULLS FIRST", " DESC NULLS LAST")
		total := key + ", a.id"
		frame := pick(m, "", " ROWS UNBOUNDED PRECEDING", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING")
		list = append(list, pick(m,
			pick(m, "rank()", "dense_rank()", "percent_rank()", "cume_dist()")+" OVER ("+partition+key+")",
			"row_number() OVER ("+partition+total+")", "ntile("+pick(m, "1", "3", "5")+") OVER ("+partition+total+")",
			pick(m, "sum", "avg", "min", "max", "count")+"("+m.expr(k, 1)+") OVER ("+partition+")",
			pick(m, "sum", "avg", "min", "max", "count")+"("+m.expr(k, 1)+") OVER ("+partition+key+")",
			pick(m, "sum", "avg", "min", "max", "count")+"("+m.expr(k, 1)+") OVER ("+partition+total+frame+")",
			pick(m, "lag", "lead")+"("+m.calmly(v, 1)+pick(m, "", ", 1", ", 2", ", 0")+") OVER ("+partition+total+")",
			pick(m, "lag", "lead")+"("+m.calmly(v, 1)+", 1, "+pick(m, m.calmly(m.beside(v), 1), m.bare(v))+") OVER ("+partition+total+")",
			pick(m, "first_value", "last_value")+"("+m.calmly(v, 1)+") OVER ("+partition+total+frame+")"))
	}
	return "SELECT a.id, " + strings.Join(list, ", ") + " FROM " + m.table() + " a"
}

func (m *maker) joined() string {
	k := pick(m, kinds...)
	m.from = []string{"a"}
	left := m.calmly(k, m.IntN(2))
	m.from = []string{"b"}
	right := m.calmly(m.beside(k), m.IntN(2))
	m.from = []string{"a", "b"}
	on := left + " = " + right
	if m.IntN(2) == 0 {
		on += " AND " + m.calmly(boolean, 1)
	}
	kind := pick(m, " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ")
	if kind == " FULL JOIN " {
		on = left + " = " + right
	}
	where := ""
	if m.IntN(3) == 0 {
		where = " WHERE " + m.calmly(boolean, 2)
	}
	return "SELECT a.id, b.id, " + m.expr(pick(m, kinds...), 1) + ", " + m.expr(pick(m, kinds...), 2) + " FROM " + m.table() + " a" + kind + m.table() + " b ON " + on + where
}

func (m *maker) united() string {
	k := pick(m, kinds...)
	side := func(k kind) string {
		m.from = []string{"a"}
		x := m.expr(k, m.IntN(2))
		if m.IntN(5) == 0 {
			return "SELECT " + pick(m, m.bare(k), "DISTINCT "+m.bare(k)) + " AS x FROM tame a" + pick(m, "", " GROUP BY 1")
		}
		return "SELECT " + pick(m, "", "", "DISTINCT ") + x + " AS x FROM " + pick(m, "tame", "wild") + " a"
	}
	op := func() string {
		return pick(m, " UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " INTERSECT ALL ", " EXCEPT ALL ")
	}
	out := side(k) + op() + side(m.beside(k))
	if m.IntN(4) == 0 {
		out += op() + side(m.beside(k))
	}
	return out
}

// derived is an expression over the results of another.
func (m *maker) derived() string {
	m.from = []string{"a"}
	only := map[kind][]string{}
	var inner []string
	for n := range 4 {
		k := pick(m, kinds...)
		name := fmt.Sprintf("x%d", n)
		inner = append(inner, m.expr(k, 1)+" AS "+name)
		only[k] = append(only[k], name)
	}
	of := "SELECT a.id, " + strings.Join(inner, ", ") + " FROM " + pick(m, "tame", "wild") + " a"
	m.from, m.only = []string{"q"}, only
	list := "q.id"
	for range 3 {
		k := pick(m, kinds...)
		for len(only[k]) == 0 {
			k = pick(m, kinds...)
		}
		list += ", " + m.expr(k, 2)
	}
	if m.IntN(2) == 0 {
		return "WITH q AS (" + of + ") SELECT " + list + " FROM q"
	}
	return "SELECT " + list + " FROM (" + of + ") q"
}

// nested has queries as values and conditions.
func (m *maker) nested() string {
	k := pick(m, kinds...)
	m.from = []string{"b"}
	of := m.calmly(m.beside(k), m.IntN(2))
	m.from = []string{"a"}
	v := m.calmly(k, m.IntN(2))
	m.from = []string{"a", "b"}
	same := "b.id = a.id"
	if m.IntN(2) == 0 {
		same = m.calmly(boolean, 1)
	}
	m.from = []string{"b"}
	value := pick(m, "max(b.j)", "sum(b.q)", "count(*)", "min(b.dt)", "count(b.t)")
	condition := pick(m, v+pick(m, " IN ", " NOT IN ")+"(SELECT "+of+" FROM "+m.table()+" b)", pick(m, "", "NOT ")+"EXISTS (SELECT 1 FROM "+m.table()+" b WHERE "+same+")",
		"(SELECT "+value+" FROM "+m.table()+" b WHERE b.id = a.id) IS NOT NULL")
	if m.IntN(2) == 0 {
		return "SELECT a.id FROM " + m.table() + " a WHERE " + condition
	}
	return "SELECT a.id, " + condition + ", (SELECT " + value + " FROM " + m.table() + " b WHERE " + same + ") FROM " + m.table() + " a"
}

func (m *maker) sorted() string {
	m.from = []string{"a"}
	if m.IntN(3) == 0 {
		x := m.calmly(pick(m, kinds...), 1)
		return "SELECT DISTINCT " + x + " AS x FROM " + m.table() + " a ORDER BY " + pick(m, "1", "x", "x DESC") + pick(m, "", " LIMIT 3", " OFFSET 2")
	}
	return "SELECT a.id, " + m.calmly(pick(m, kinds...), 1) + " AS x FROM " + m.table() + " a ORDER BY " + m.calmly(pick(m, kinds...), 2) + pick(m, "", " DESC", " NULLS FIRST", " DESC NULLS LAST") +
		", a.id" + pick(m, "", " DESC") + pick(m, "", " LIMIT 5", " LIMIT 3 OFFSET 2")
}
