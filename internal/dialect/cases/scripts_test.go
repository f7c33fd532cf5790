package cases_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// script is a random script: a temporary table that is made, changed, and read.
func (m *maker) script() string {
	defer func(from []string, only map[kind][]string) { m.from, m.only, m.calm = from, only, false }(m.from, m.only)
	columns := "id, f, s, i, j, b, p, q, d, t, v, dt, ts"
	kindOf := map[string]kind{"f": boolean, "s": int2, "i": int4, "j": int4, "b": int8, "p": numeric, "q": numeric, "d": float, "t": text_, "v": varchar, "dt": date, "ts": timestamp}
	names := strings.Split(columns, ", ")[1:]
	m.from = []string{"a"}
	value := func(name string) string {
		m.calm = m.IntN(2) == 0
		return m.expr(kindOf[name], m.IntN(3))
	}

	all := []string{"CREATE TEMP TABLE r AS SELECT " + columns + " FROM " + m.table()}
	for range 1 + m.IntN(4) {
		switch m.IntN(3) {
		case 0:
			list, values := []string{"id"}, []string{"a.id + 100"}
			for _, at := range m.Perm(len(names))[:3] {
				list, values = append(list, names[at]), append(values, value(names[at]))
			}
			all = append(all, "INSERT INTO r ("+strings.Join(list, ", ")+") SELECT "+strings.Join(values, ", ")+" FROM "+pick(m, "tame", "wild", "r")+" a"+m.where())
		case 1:
			var list []string
			for _, at := range m.Perm(len(names))[:1+m.IntN(2)] {
				list = append(list, names[at]+" = "+value(names[at]))
			}
			all = append(all, "UPDATE r a SET "+strings.Join(list, ", ")+m.where())
		case 2:
			all = append(all, "DELETE FROM r a"+m.where())
		}
	}

	return strings.Join(all, "; ") + "; SELECT " + columns + " FROM r"
}

// where is a random condition, or none.
func (m *maker) where() string {
	if m.IntN(4) == 0 {
		return ""
	}
	return " WHERE " + m.calmly(boolean, 2)
}

// Random scripts give PostgreSQL's rows on DuckDB, raise what it raises, or are refused.
func TestRandomScripts(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 15))}
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, m.randomTables()...)
	for range *randoms / 4 {
		c.query(m.script())
	}
	c.judge(*randoms/4, *randoms/40)
}

// otherMeaning matches what Redshift understands otherwise than PostgreSQL: decimals and averages have other digits, trailing blanks do not count,
// concat() keeps NULL, sums of BIGINT are BIGINT, times have no zone of the session.
var otherMeaning = regexp.MustCompile(`concat\(|avg\(|numeric|real|decade|milli|micro|\b([pqwcbzer]|c1)\b|char\(5\)|char\(3\)|bigint|FILTER|tz\b|timestamptz|pad\(|split_part|initcap|'[^0-9'-][^']* [^']*'|' [^']*'|trim\(|DISTINCT FROM|[0-9]\.[0-9]| ALL SELECT`)

// Random queries whose meaning is the same in Redshift give PostgreSQL's rows on DuckDB as well if they are translated as Redshift's.
func TestRandomRedshift(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 16))}
	noBlanks := "UPDATE tame SET t = translate(t, ' ', '_'), v = translate(v, ' ', '_'), v3 = translate(v3, ' ', '_'); UPDATE wild SET t = translate(t, ' ', '_'), v = translate(v, ' ', '_'), v3 = translate(v3, ' ', '_')"
	c := trialOf(t, dialect.Redshift, dialect.DuckDB, append(m.randomTables(), noBlanks)...)
	asked := 0
	for tried := 0; asked < *randoms/4 && tried < *randoms*50; tried++ {
		q := pick(m, m.query, m.single)()
		if otherMeaning.MatchString(q) {
			continue
		}
		asked++
		c.query(q)
	}
	c.judge(asked, *randoms/40)
}

// single is a query of one expression.
func (m *maker) single() string {
	defer func(from []string) { m.from, m.calm = from, false }(m.from)
	m.from = []string{"a"}
	return "SELECT a.id, " + m.expr(pick(m, boolean, int2, int4, float, text_, varchar, date, timestamp), 1+m.IntN(3)) + " FROM " + pick(m, "tame", "wild") + " a"
}
