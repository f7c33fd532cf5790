package cases_test

import (
	"fmt"
	"strings"
)

// listed are aggregates for which the order of the rows matters, and others of statistics.
func (m *maker) listed() string {
	m.from = []string{"a"}
	var list []string
	for range 2 {
		list = append(list, m.listing())
	}
	where := ""
	if m.IntN(4) == 0 {
		where = " WHERE " + m.calmly(boolean, 2)
	}
	from := " FROM " + pick(m, "tame", "wild", "tame", "none") + " a" + where
	if m.IntN(2) == 0 {
		return "SELECT " + strings.Join(list, ", ") + from
	}
	having := ""
	if m.IntN(4) == 0 {
		having = " HAVING " + pick(m, m.listing()+" IS NOT NULL", "percentile_disc(0.5) WITHIN GROUP (ORDER BY a.j) > 0", "string_agg(a.v, '' ORDER BY a.id) > 'a'")
	}
	key := m.calmly(pick(m, kinds...), m.IntN(2))
	return "SELECT " + key + " AS k, " + strings.Join(list, ", ") + from + " GROUP BY 1" + having
}

func (m *maker) listing() string {
	filter := ""
	if m.IntN(5) == 0 {
		filter = " FILTER (WHERE " + m.calmly(boolean, 1) + ")"
	}
	down := pick(m, "", "", " DESC")
	share := pick(m, "0", "1", "0.5", "0.25", "0.9", "0.07", "0.333", "0.95")
	t := m.calmly(pick(m, text_, varchar), 1)
	number := pick(m, int2, int4, int8, numeric, float)
	whole := m.calmly(pick(m, int2, int4, int8), 1)
	return pick(m,
		"string_agg("+t+", "+pick(m, "','", "''", "' - '")+" ORDER BY "+m.calmly(pick(m, kinds...), 1)+pick(m, "", " DESC", " NULLS FIRST", " DESC NULLS LAST")+", a.id"+pick(m, "", " DESC")+")",
		"string_agg(DISTINCT "+t+", ','"+pick(m, "", " ORDER BY "+t+pick(m, "", " DESC"))+")",
		"percentile_disc("+share+") WITHIN GROUP (ORDER BY "+m.calmly(pick(m, int2, int4, int8, numeric, float, text_, date, timestamp), 1)+down+")",
		"percentile_cont("+share+") WITHIN GROUP (ORDER BY "+m.calmly(number, 1)+down+")",
		"mode() WITHIN GROUP (ORDER BY "+m.calmly(pick(m, int2, int4, int8, numeric, text_, date), 1)+down+")",
		pick(m, "bit_and", "bit_or", "bit_xor")+"("+whole+")",
		pick(m, "stddev_samp", "stddev_pop", "var_samp", "var_pop")+"("+pick(m, "CAST(a.j AS double precision)", "CAST(a.s AS double precision)", "a.d * 0")+")",
		"count(DISTINCT ("+m.calmly(pick(m, kinds...), 1)+", "+m.calmly(pick(m, int4, text_, date), 1)+"))") + filter
}

// sets has grouping sets.
func (m *maker) sets() string {
	m.from = []string{"a"}
	keys := []string{"a." + pick(m, "f", "g"), "a." + pick(m, "j", "s", "p"), pick(m, "a.v", "a.c", "a.dt", m.calmly(int4, 1), m.calmly(text_, 1))}
	m.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	a, b, c := keys[0], keys[1], keys[2]
	group := pick(m, "ROLLUP ("+a+", "+b+", "+c+")", "CUBE ("+a+", "+b+")", "GROUPING SETS (("+a+", "+b+"), ("+c+"), ())", a+", ROLLUP ("+b+", "+c+")", "ROLLUP (("+a+", "+b+"), "+c+")",
		"GROUPING SETS (ROLLUP ("+a+", "+b+"), CUBE ("+c+"))", "ROLLUP ("+a+"), CUBE ("+b+")", "GROUPING SETS (("+a+"), ("+b+"), ("+a+", "+c+"))", "()")
	var list []string
	for _, k := range keys {
		if strings.Contains(group, k) && m.IntN(3) > 0 {
			list = append(list, pick(m, k, k, "grouping("+k+")", "coalesce("+k+", "+k+")"))
		}
	}
	if strings.Contains(group, a) && strings.Contains(group, b) {
		list = append(list, "grouping("+a+", "+b+")")
	}
	list = append(list, m.aggregate(1), m.aggregate(1))
	where, having := "", ""
	if m.IntN(3) == 0 {
		where = " WHERE " + m.calmly(boolean, 2)
	}
	if strings.Contains(group, a) && m.IntN(3) == 0 {
		having = " HAVING " + pick(m, "grouping("+a+") = 0", "("+a+") IS NULL", "count(*) > 1", "("+a+") IS NOT NULL AND count(*) > 1")
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + m.table() + " a" + where + " GROUP BY " + group + having
}

// tied takes the first rows and those that are equal to the last of them.
func (m *maker) tied() string {
	m.from = []string{"a"}
	key := m.calmly(pick(m, kinds...), m.IntN(3)) + pick(m, "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
	if m.IntN(4) == 0 {
		key = pick(m, "2", "x", "2 DESC", "x DESC NULLS LAST")
	}
	return fmt.Sprintf("SELECT a.id, %s AS x FROM %s a ORDER BY %s FETCH FIRST %d ROWS WITH TIES", m.calmly(pick(m, kinds...), 1), m.table(), key, 1+m.IntN(5)) // of 0 rows the source computes no key
}

// framed has frames of windows.
func (m *maker) framed() string {
	m.from = []string{"a"}
	number := func() string { return pick(m, "0", "1", "2", "5", "1000") }
	decimal := func() string { return pick(m, "0.5", "1", "0.05", "100") }
	interval := func() string {
		return "INTERVAL '" + pick(m, "1 day", "1 month", "36 hours", "1 year", "1 week", "1 month 2 days") + "'"
	}
	key, far := "a."+pick(m, "s", "i", "j", "b", "id"), number
	switch m.IntN(3) {
	case 0:
		key, far = "a."+pick(m, "p", "q"), decimal
	case 1:
		key, far = "a."+pick(m, "dt", "ts"), interval
	}
	mode := "RANGE"
	if m.IntN(3) == 0 {
		mode, far = pick(m, "ROWS", "GROUPS"), func() string { return pick(m, "0", "1", "2") }
	}
	frame := mode + " BETWEEN " + pick(m, far()+" PRECEDING AND "+far()+" FOLLOWING", far()+" PRECEDING AND CURRENT ROW", "CURRENT ROW AND "+far()+" FOLLOWING", "UNBOUNDED PRECEDING AND "+far()+" FOLLOWING",
		far()+" PRECEDING AND UNBOUNDED FOLLOWING") + pick(m, "", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")
	down := pick(m, "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
	if mode == "ROWS" {
		down += ", a.id"
	}
	partition := pick(m, "", "PARTITION BY a.f ")
	of := pick(m, "count(*)", "sum(a.j)", "min(a.id)", "max(a.p)", "count(a.t)")
	if mode == "ROWS" {
		of = pick(m, of, "nth_value(a.t, 2)", "first_value(a.j)", "last_value(a.t)")
	}
	return "SELECT a.id, " + of + " OVER (" + partition + "ORDER BY " + key + down + " " + frame + ") FROM " + pick(m, "tame", "wild", "none") + " a"
}

// total reports whether the rows of a query have an order that leaves none of them open.
func total(query string) bool {
	i := strings.LastIndex(query, "ORDER BY")
	if i < 0 || strings.Count(query[i:], "(") < strings.Count(query[i:], ")") {
		return false
	}
	keys := query[i:]
	at := strings.LastIndex(keys, ", a.id")
	return at >= 0 && strings.Count(keys[:at], "(") == strings.Count(keys[:at], ")")
}
