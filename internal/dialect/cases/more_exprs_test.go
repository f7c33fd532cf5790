package cases_test

import "strings"

// further is an expression of a kind that the first generators do not make.
func (m *maker) further(k kind, d int) string {
	switch k {
	case boolean:
		return m.furtherCondition(d)
	case text_, varchar, char:
		if !m.calm {
			return m.furtherText(d)
		}
	case int2, int4, int8:
		if !m.calm {
			return m.furtherWhole(k, d)
		}
	case numeric:
		if !m.calm {
			return m.furtherDecimal(d)
		}
	case float, single:
		if !m.calm {
			return m.furtherFloat(d)
		}
	case date, timestamp, instant:
		if !m.calm {
			return m.furtherMoment(k, d)
		}
	}
	return m.leaf(k)
}

// likePattern is a pattern of LIKE, with an escape or without.
func (m *maker) likePattern() string {
	escape := pick(m, `\`, `\`, `\`, "#", "!", "a", "")
	out := ""
	for range m.IntN(5) {
		out += pick(m, "a", "b", "c", "%", "_", "%", " ", "é", "A", "12", ".", "*", "(", "[a]", "^", "$", "?", "+", "|", escape+"%", escape+"_", escape+escape, `\`)
	}
	return quote(out) + map[string]string{`\`: pick(m, "", "", ` ESCAPE '\'`)}[escape] + map[bool]string{true: " ESCAPE " + quote(escape)}[escape != `\`]
}

func (m *maker) furtherCondition(d int) string {
	defer func(calm bool) { m.calm = calm }(m.calm)
	m.calm = true
	k, j := pick(m, kinds...), pick(m, kinds...)
	pair := func() string { return "(" + m.expr(m.beside(k), 0) + ", " + m.expr(m.beside(j), 0) + ")" }
	switch m.IntN(12) {
	case 0, 1:
		return "(" + pair() + pick(m, " = ", " <> ", " < ", " <= ", " > ", " >= ") + pair() + ")"
	case 2:
		return "(" + pair() + pick(m, " IN (", " NOT IN (") + pair() + ", " + pair() + "))"
	case 3, 4, 5:
		return "(" + m.expr(pick(m, text_, varchar), d) + pick(m, " LIKE ", " NOT LIKE ", " ILIKE ") + m.likePattern() + ")"
	case 6:
		return "(" + m.expr(k, d) + pick(m, " IN (", " NOT IN (") + m.expr(k, 0) + ", NULL" + pick(m, "", ", "+m.bare(k)) + "))"
	case 7:
		return "(" + m.expr(k, d) + pick(m, " BETWEEN SYMMETRIC ", " NOT BETWEEN SYMMETRIC ") + m.expr(k, 0) + " AND " + m.expr(k, 0) + ")"
	case 8:
		l, r := m.expr(timestamp, 0), m.expr(pick(m, timestamp, date), 0)
		return "(" + l + " - " + r + pick(m, " > ", " <= ", " = ") + "INTERVAL '" + pick(m, "1 day", "1 month", "00:00:01", "-3 days", "365 days 06:00:00") + "')"
	case 9:
		return "(" + m.expr(boolean, d) + pick(m, " = ", " <> ", " < ", " >= ") + m.expr(boolean, d) + ")"
	case 10:
		return "(" + m.expr(k, d) + " IS NOT DISTINCT FROM " + pick(m, "NULL", m.expr(m.beside(k), 0)) + ")"
	}
	return "starts_with(" + m.expr(text_, d) + ", " + m.expr(text_, 0) + ")"
}

func (m *maker) furtherWhole(k kind, d int) string {
	tie := pick(m, "0.5", "1.5", "-0.5", "-1.5", "2.5", "2147483647.5", "-2147483648.5", "32767.4", "9223372036854775806.5")
	switch m.IntN(9) {
	case 0:
		return "CAST(extract(" + pick(m, "year", "month", "day", "dow", "week", "epoch", "doy", "quarter") + " FROM " + m.expr(pick(m, date, timestamp), d) + ") AS " + pick(m, "integer", "bigint", "smallint") + ")"
	case 1:
		return "CAST(" + tie + pick(m, " + ", " * ") + m.leaf(int2) + " AS " + string(k) + ")"
	case 2:
		return "length(CAST(" + m.expr(pick(m, kinds...), d) + " AS " + pick(m, "text", "varchar(5)", "varchar") + "))"
	case 3:
		return "CASE WHEN " + m.expr(boolean, d) + " THEN 1 ELSE 0 END"
	case 4:
		return "(" + m.expr(k, d) + pick(m, " & ", " | ", " # ", " << ", " >> ") + m.leaf(int2) + ")"
	case 5:
		return "CAST(" + m.expr(pick(m, kinds...), d) + " AS " + string(k) + ")"
	case 6:
		return "(" + m.expr(k, d) + pick(m, " / ", " % ") + pick(m, "-1", "-3", "7", "-2147483648") + ")"
	case 7:
		return "CAST(CAST(" + m.expr(pick(m, float, single, numeric), d) + " AS " + pick(m, "numeric(10,1)", "double precision", "real") + ") AS " + string(k) + ")"
	}
	return "CAST(" + quote(pick(m, " 7", "7 ", "+5", "-0", "007", "1_000", "0x1F", "1e3", "5.", ".5", "", "99999999999", "9223372036854775808", "-9223372036854775808", "٣", "1 2", "--1")) + pick(m, "", "::text") + " AS " + string(k) + ")"
}

func (m *maker) furtherDecimal(d int) string {
	typ := pick(m, "numeric(5,2)", "numeric(38,0)", "numeric(38,37)", "numeric(4,4)", "numeric(12,10)", "numeric(1)", "numeric(20,5)", "numeric(38,19)")
	switch m.IntN(10) {
	case 0:
		return pick(m, "round", "trunc") + "(" + m.expr(pick(m, numeric, int4, int8), d) + ", " + pick(m, "-12", "-3", "-2", "0", "1", "3", "7", "12") + ")"
	case 1:
		return "(100.0 * " + m.expr(pick(m, int4, int8, numeric), d) + " / NULLIF(" + m.expr(pick(m, int4, int8, numeric), d) + ", 0))"
	case 2:
		return "round(" + m.expr(numeric, d) + " / NULLIF(" + m.expr(numeric, d) + ", 0), " + pick(m, "0", "2", "4", "10") + ")"
	case 3:
		return "CAST(" + m.expr(pick(m, kinds...), d) + " AS " + typ + ")"
	case 4:
		return "(CAST(" + m.expr(pick(m, int4, numeric), d) + " AS " + typ + ")" + pick(m, " + ", " - ", " * ", " / ", " % ") + m.expr(pick(m, int4, numeric), d) + ")"
	case 5:
		return "CAST(" + quote(pick(m, "1.005", " 2.5 ", "1e2", "-1E-3", ".5", "5.", "NaN", "1e40", "99999", "-0.0", "0.00000000000000000000000000000000000001", "Infinity", "1,000", "", "+.5e1")) + pick(m, "", "::text") + " AS " + typ + ")"
	case 6:
		return "mod(" + m.expr(numeric, d) + ", NULLIF(" + m.expr(pick(m, numeric, int4), d) + ", 0))"
	case 7:
		return "extract(" + pick(m, "year", "isoyear", "decade", "century", "millennium", "milliseconds", "microseconds", "month", "day", "dow", "doy", "quarter", "week", "hour", "minute", "second", "epoch", "isodow", "julian", "timezone") +
			" FROM " + m.expr(pick(m, date, timestamp, instant), d) + ")"
	case 8:
		return "(" + m.expr(pick(m, int4, int8), d) + " * " + pick(m, "1.0", "0.01", "100.00", "1e0", "0.333") + pick(m, "", " / 3", " / 7.0", " + 0.5") + ")"
	}
	return "(" + m.expr(numeric, d) + pick(m, " / ", " % ", " * ", " - ") + pick(m, "-0.7", "3", "-1", "0.0003", "1e3", "99999999999999.9", "7.000") + ")"
}

func (m *maker) furtherFloat(d int) string {
	switch m.IntN(6) {
	case 0, 1:
		return "date_part(" + quote(pick(m, "year", "isoyear", "decade", "century", "millennium", "milliseconds", "microseconds", "month", "day", "dow", "doy", "quarter", "week", "hour", "minute", "second", "epoch", "isodow")) + ", " +
			m.expr(pick(m, date, timestamp, instant), d) + ")"
	case 2:
		return "power(" + m.expr(pick(m, float, int4), d) + ", " + pick(m, "0", "2", "0.5::double precision", "-1", m.expr(float, 0)) + ")"
	case 3:
		return "CAST(" + m.expr(pick(m, kinds...), d) + " AS " + pick(m, "double precision", "real") + ")"
	case 4:
		return "(" + m.expr(pick(m, float, single), d) + pick(m, " + ", " - ", " * ", " / ") + m.expr(pick(m, single, int4, numeric), d) + ")"
	}
	return "CAST(" + quote(pick(m, " 1.5 ", "1e3", "nan", "-infinity", "inf", "1e400", "1e-400", "", "0x10", "1_0", ".5", "5.", "-0", "+1", "1e")) + pick(m, "", "::text") + " AS double precision)"
}

func (m *maker) furtherText(d int) string {
	any_ := func() string { return m.expr(pick(m, text_, text_, varchar, char), d) }
	number := func() string {
		return pick(m, "-2147483648", "-3", "-1", "0", "1", "2", "4", "2147483647", m.leaf(int4), m.leaf(int2))
	}
	switch m.IntN(15) {
	case 0:
		return "substring(" + any_() + " FROM " + number() + pick(m, "", " FOR "+number()) + ")"
	case 1:
		return "substr(" + any_() + ", " + number() + ", " + number() + ")"
	case 2:
		return "CAST(" + m.expr(pick(m, kinds...), d) + " AS " + pick(m, "text", "varchar(3)", "varchar(1)", "char(3)", "char(10)", "char", "varchar") + ")"
	case 3:
		return "(" + any_() + " || " + m.expr(pick(m, kinds...), d) + ")"
	case 4:
		return "concat(" + any_() + ", " + m.expr(pick(m, kinds...), d) + ", NULL, " + m.expr(pick(m, kinds...), 0) + ")"
	case 5:
		return "(CAST(" + any_() + " AS " + pick(m, "char(3)", "char(8)", "varchar(2)") + ") || '|')"
	case 6:
		return pick(m, "left", "right", "repeat") + "(" + any_() + ", " + pick(m, "-3", "-1", "0", "2", m.leaf(int2)) + ")"
	case 7:
		return pick(m, "lpad", "rpad") + "(" + any_() + ", " + pick(m, "-1", "0", "3", "7", m.leaf(int2)) + pick(m, "", ", '-='", ", ' '") + ")"
	case 8:
		return "split_part(" + any_() + ", " + pick(m, "'-'", "' '", "'a'", "'ab'", "''", "'.'", "'|'") + ", " + pick(m, "-2", "-1", "0", "1", "2", "5") + ")"
	case 9:
		return pick(m, "ltrim", "rtrim", "btrim") + "(" + any_() + ", " + pick(m, "''", "' '", "'a'", "'ab '", "'é'", m.leaf(varchar)) + ")"
	case 10:
		return "replace(" + any_() + ", " + pick(m, "''", "'a'", "' '", "'%'", `'\'`, m.leaf(varchar)) + ", " + pick(m, "''", "'a'", `'\1'`, "NULL", m.leaf(varchar)) + ")"
	case 11:
		return "overlay(" + any_() + " PLACING " + pick(m, "'xy'", "''", m.leaf(text_)) + " FROM " + pick(m, "1", "2", "9") + pick(m, "", " FOR 0", " FOR 1", " FOR 5") + ")"
	case 12:
		return "chr(" + pick(m, "65", "233", "26085", "0", "-1", "10", "1114111", m.leaf(int2)) + ")"
	case 13:
		return "translate(" + any_() + ", " + pick(m, "'abc'", "'aa'", "' '", "''") + ", " + pick(m, "'x'", "''", "'xyz'", "'xyzw'") + ")"
	}
	return "coalesce(CAST(" + m.expr(pick(m, kinds...), d) + " AS " + pick(m, "text", "varchar(5)") + "), " + any_() + ")"
}

// amount is an interval as it is written.
func (m *maker) amount() string {
	return pick(m, "INTERVAL '1 month'", "INTERVAL '-1 month'", "INTERVAL '1 year'", "INTERVAL '1 mon 1 day'", "INTERVAL '1.5 days'", "INTERVAL '1 week ago'", "INTERVAL 'P1M'", "INTERVAL 'P1Y2M3DT4H5M6S'", "INTERVAL '1-2'",
		"INTERVAL '1 12:30:00'", "INTERVAL '1' MONTH", "INTERVAL '2' YEAR", "INTERVAL '1-2' YEAR TO MONTH", "INTERVAL '10:30' HOUR TO MINUTE", "INTERVAL '36' HOUR", "INTERVAL '0.000001 seconds'", "INTERVAL '-25 hours'",
		"INTERVAL '12 months'", "INTERVAL '1 decade'", "INTERVAL '13 months -1 days'", "INTERVAL '-1 year 1 month'", "INTERVAL '1.5 months'", "INTERVAL '90 minutes 61 seconds'", "INTERVAL '-00:00:01'", "INTERVAL '1 century'")
}

func (m *maker) furtherMoment(k kind, d int) string {
	part := quote(pick(m, "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "millennium"))
	edge := pick(m, "2024-01-31", "2024-02-29", "2023-02-28", "2024-03-31", "2024-12-31", "2025-01-01", "1999-12-31", "2000-02-29", "1900-02-28", "2021-01-03", "2020-12-31", "2016-01-03", "2024-04-30", "0001-01-01", "9999-12-31")
	odd := quote(pick(m, "2024-2-9", "20240229", "2024-02-29 10:00", " 2024-02-29 ", "Feb 29 2024", "02/29/2024", "2024-02-30", "0000-01-01", "10000-01-01", "2024-02-29T10:00:00Z", "2024-02-29 24:00:00", "2024-02-29 23:59:60",
		"2024-02-29 10:00:00+05", "2024-02-29 23:59:59.9999995", "2024-02-29 10:00:00.1234567", "24-02-29", "2024-366", "2024.060", "", "2024-02-29 12:00 PM", "2024-02-29 00:00 AM", "2024-W09-4"))
	switch {
	case k == date && m.IntN(3) == 0:
		return "(DATE '" + edge + "'" + pick(m, " + ", " - ") + pick(m, "1", "30", "366", "0", m.leaf(int2), m.leaf(int4)) + ")"
	case k == date && m.IntN(3) == 0:
		return "CAST(date_trunc('" + pick(m, "month", "quarter", "year", "week") + "', " + m.expr(pick(m, date, timestamp), d) + ") + INTERVAL '1 month' - INTERVAL '1 day' AS date)"
	case k == date && m.IntN(2) == 0:
		return "make_date(" + pick(m, "2024", "2023", "1", "9999", "0", "-1", m.leaf(int2)) + ", " + pick(m, "2", "12", "1", "13", "0", m.leaf(int2)) + ", " + pick(m, "28", "29", "30", "31", "0", m.leaf(int2)) + ")"
	case k == date:
		return "CAST(" + pick(m, odd+"::text", m.expr(pick(m, kinds...), d)) + " AS date)"
	}
	add := pick(m, " + ", " - ")
	switch m.IntN(6) {
	case 0:
		return "CAST(" + pick(m, "DATE", "TIMESTAMP") + " '" + edge + "'" + add + m.amount() + " AS " + string(k) + ")"
	case 1:
		return "(" + m.expr(k, d) + add + m.amount() + pick(m, "", add+m.amount()) + ")"
	case 2:
		return "date_trunc(" + part + ", " + m.expr(pick(m, k, k, date), d) + ")"
	case 3:
		return "(" + m.expr(k, d) + add + "(" + m.leaf(timestamp) + " - " + m.leaf(timestamp) + "))"
	case 4:
		return "(" + m.expr(k, d) + add + m.leaf(pick(m, int2, int4)) + " * " + m.amount() + ")"
	}
	return "CAST(" + pick(m, odd+"::text", m.expr(pick(m, kinds...), d)) + " AS " + string(k) + ")"
}

// mixed is a value that comes of several types.
func (m *maker) mixed(k kind, d int) string {
	other := func() string {
		return pick(m, "NULL", "CAST(NULL AS "+string(m.beside(k))+")", m.bare(k), m.expr(m.beside(k), d), m.literal(m.beside(k)))
	}
	switch m.IntN(5) {
	case 0:
		return "CASE WHEN " + m.calmly(boolean, d) + " THEN " + other() + " WHEN " + m.calmly(boolean, 0) + " THEN " + m.expr(k, d) + " ELSE " + other() + " END"
	case 1:
		return "COALESCE(" + strings.Join([]string{other(), m.expr(m.beside(k), d), other()}, ", ") + ")"
	case 2:
		if k == boolean {
			return m.leaf(k)
		}
		return pick(m, "GREATEST(", "LEAST(") + strings.Join([]string{m.expr(k, d), other(), other()}, ", ") + ")"
	case 3:
		return "NULLIF(" + m.expr(m.beside(k), d) + ", " + other() + ")"
	}
	of := pick(m, kinds...)
	return "CASE " + m.calmly(of, 0) + " WHEN " + m.calmly(m.beside(of), 0) + " THEN " + other() + " WHEN NULL THEN " + other() + " ELSE " + m.expr(k, d) + " END"
}
