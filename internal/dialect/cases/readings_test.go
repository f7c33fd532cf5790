package cases_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// What Redshift has other words for is made in both: [[NVL¦COALESCE]] is the first in Redshift's words and the second in PostgreSQL's.
var readings = regexp.MustCompile(`\[\[([^¦\]]*)¦([^¦\]]*)\]\]`)

func inRedshift(text string) string { return readings.ReplaceAllString(text, "$1") }
func inPostgres(text string) string { return readings.ReplaceAllString(text, "$2") }

// word is an expression in the words of both, of a kind.
func (m *maker) word(k kind, d int) string {
	if d <= 0 || m.IntN(6) == 0 {
		switch k {
		case boolean:
			return pick(m, "a.f", "a.g", "(a.j > 1)", "(a.t IS NULL)", "(a.i = a.j)")
		case int4:
			return pick(m, "a.i", "a.j", "a.id", "7", "-1", "0")
		case text_:
			return pick(m, "a.t", "a.v", "a.t", "'ab'", "'x'")
		case date:
			return pick(m, "a.dt", "a.dt", "DATE '2024-02-29'", "DATE '2023-12-31'")
		}
		return pick(m, "a.ts", "a.ts", "TIMESTAMP '2024-01-31 23:59:59'")
	}
	d--
	n := func() string { return m.word(int4, d) }
	t := func() string { return m.word(text_, d) }
	switch m.IntN(5) {
	case 0:
		return "[[NVL¦COALESCE]](" + m.word(k, d) + ", " + m.word(k, d) + ")"
	case 1:
		return "[[NVL2(¦CASE WHEN (]]" + t() + "[[,¦) IS NOT NULL THEN]] " + m.word(k, d) + "[[,¦ ELSE]] " + m.word(k, d) + "[[)¦ END]]"
	case 2:
		of, when := pick(m, int4, text_), ""
		x := m.word(of, 0)
		for range 1 + m.IntN(2) {
			when += "[[, ¦ WHEN ]][[¦" + x + " IS NOT DISTINCT FROM ]]" + pick(m, m.word(of, 0), "NULL") + "[[, ¦ THEN ]]" + m.word(k, d)
		}
		return "[[DECODE(" + x + "¦CASE]]" + when + "[[, ¦ ELSE ]]" + m.word(k, d) + "[[)¦ END]]"
	}
	switch k {
	case boolean:
		return "(" + pick(m, n()+pick(m, " = ", " < ", " <> ")+n(), t()+" = "+t(), m.word(date, d)+" >= "+m.word(date, d), t()+" LIKE 'a%'", m.word(boolean, d)+" AND "+m.word(boolean, d), n()+" IN (1, 2, 3)") + ")"
	case int4:
		return pick(m, "[[LEN¦length]]("+t()+")", "[[CHARINDEX('a', ¦strpos(]]"+t()+"[[)¦, 'a')]]", "CAST([[DATEDIFF(day, ¦(]]"+m.word(date, d)+"[[, ¦ - ]]"+m.word(date, d)+") * [[1¦-1]] AS integer)", "("+n()+" % 7)", "[[CONVERT(integer, ¦CAST(]]"+pick(m, "a.s", "a.id")+"[[)¦ AS integer)]]",
			"CAST(extract("+pick(m, "year", "month", "day", "quarter", "week", "doy", "dow")+" FROM "+m.word(date, d)+") AS integer)", "[[DATE_PART_YEAR(¦CAST(extract(year FROM ]]"+m.word(date, d)+"[[)¦) AS integer)]]", "CASE WHEN "+m.word(boolean, d)+" THEN 1 ELSE 0 END",
			"[[DATE_CMP(¦sign(]]"+m.word(date, d)+"[[,¦ -]] "+m.word(date, d)+"[[)¦)::integer]]")
	case text_:
		return pick(m, "("+t()+" || "+t()+")", "upper("+t()+")", "[[BTRIM¦btrim]]("+t()+", 'a')", "substring("+t()+", 1, 2)", "[[TO_CHAR(¦to_char(]]"+m.word(date, d)+", 'YYYY-MM')", "replace("+t()+", 'a', 'b')", "CAST("+n()+" AS varchar(20))", "left("+t()+", 2)")
	case date:
		return pick(m, "("+m.word(date, d)+" + 1)", "[[LAST_DAY(¦CAST(date_trunc('month', ]]"+m.word(date, d)+"[[)¦) + INTERVAL '1 month -1 day' AS date)]]", "[[TRUNC(¦CAST(]]"+m.word(timestamp, d)+"[[)¦ AS date)]]", "CAST("+m.word(timestamp, d)+" AS date)",
			"[[TO_DATE¦to_date]](CAST("+m.word(date, 0)+" AS varchar(10)), 'YYYY-MM-DD')")
	}
	part := pick(m, "day", "month", "quarter", "hour", "minute", "week")
	by := pick(m, "1", "-1", "12", "-13", "a.id")
	return pick(m, "[[DATEADD("+part+", "+by+", ¦(]]"+m.word(timestamp, d)+"[[)¦ + ("+by+") * INTERVAL '"+map[bool]string{true: "3 month", false: "1 " + part}[part == "quarter"]+"')]]", "date_trunc('"+pick(m, "month", "year", "day", "hour", "quarter", "week")+"', "+m.word(timestamp, d)+")", "CAST("+m.word(date, d)+" AS timestamp)",
		"("+m.word(timestamp, d)+" + INTERVAL '"+pick(m, "1 day", "1 month", "2 hours")+"')")
}

// reading is a query in the words of both.
func (m *maker) reading() string {
	k := pick(m, boolean, int4, text_, date, timestamp)
	x := m.word(k, 2)
	switch m.IntN(6) {
	case 0: // an outer join by marks
		at := pick(m, "id", "j", "t", "s", "dt")
		more, marks := pick(m, [2]string{"", ""}, [2]string{" AND b.f", " AND b.f(+)"}, [2]string{" AND b.id > 3", " AND b.id(+) > 3"}), pick(m, "", " AND a.id < 9")
		table := m.table()
		return "SELECT a.id, b.id, " + x + " FROM " + table + " a[[, ¦ LEFT JOIN ]]tame b[[ WHERE a." + at + " = b." + at + "(+)" + more[1] + "¦ ON a." + at + " = b." + at + more[0] + "]]" +
			map[bool]string{true: "[[" + marks + "¦ WHERE " + strings.TrimPrefix(marks, " AND ") + "]]"}[marks != ""]
	case 1:
		return "SELECT " + x + " AS x FROM " + m.table() + " a [[MINUS¦EXCEPT]] SELECT " + m.word(k, 1) + " FROM " + m.table() + " a"
	case 2:
		return "SELECT " + x + " AS k, count(*), sum(a.j), max(a.dt) FROM " + m.table() + " a GROUP BY 1"
	case 3:
		y := m.word(int4, 1)
		return fmt.Sprintf("SELECT a.id, %s AS x, [[x + 1¦%s + 1]] AS y FROM %s a", y, y, m.table())
	case 4:
		return "SELECT a.id, " + x + " FROM " + m.table() + " a WHERE " + m.word(boolean, 2)
	}
	return "SELECT a.id, " + x + ", " + m.word(pick(m, int4, text_, date), 2) + " FROM " + m.table() + " a"
}

// both compares a query that is in the words of both: what the translation of Redshift's gives is what PostgreSQL gives of its own.
func (c *trial) both(query string) {
	out, ok := c.translate(inRedshift(query))
	if !ok {
		return
	}
	c.compare(inPostgres(query), out)
}

// Random queries in Redshift's own words give what PostgreSQL gives of the same in its words.
func TestRandomReadings(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 17))}
	noBlanks := "UPDATE tame SET t = translate(t, ' ', '_'), v = translate(v, ' ', '_'), v3 = translate(v3, ' ', '_'); UPDATE wild SET t = translate(t, ' ', '_'), v = translate(v, ' ', '_'), v3 = translate(v3, ' ', '_')"
	c := trialOf(t, dialect.Redshift, dialect.DuckDB, append(m.randomTables(), noBlanks)...)
	for range *randoms / 4 {
		c.both(m.reading())
	}
	c.judge(*randoms/4, *randoms/20)
}
