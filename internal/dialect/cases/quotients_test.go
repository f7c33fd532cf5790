package cases_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
)

// digits is a number whose quotients are easily wrong: near powers of ten, at ties, with few or many digits, or with the same first group of four.
func digits(m *maker, most int) string {
	n := new(big.Int)
	power := func(base, k int) *big.Int {
		return new(big.Int).Exp(big.NewInt(int64(base)), big.NewInt(int64(k)), nil)
	}
	switch m.IntN(8) {
	case 0:
		n.SetInt64(int64(m.IntN(10)))
	case 1:
		n.Add(power(10, m.IntN(most)), big.NewInt(int64(m.IntN(3)-1)))
	case 2:
		n.Mul(power(10, m.IntN(most)), big.NewInt(5))
	case 3:
		n.Add(new(big.Int).Mul(big.NewInt(int64(1+m.IntN(3))), power(10000, m.IntN(most/4+1))), big.NewInt(int64(m.IntN(3)-1)))
	case 4:
		n.Set(power(2, m.IntN(3*most)))
	case 5:
		n.Set(power(5, m.IntN(most)))
	default:
		for range 1 + m.IntN(most) {
			n.Add(n.Mul(n, big.NewInt(10)), big.NewInt(int64(m.IntN(10))))
		}
	}
	if n.Cmp(power(10, most)) >= 0 || n.Sign() < 0 {
		n.Sub(power(10, most), big.NewInt(1))
	}
	if m.IntN(2) == 0 {
		n.Neg(n)
	}
	return n.String()
}

// pairs is a table of such numbers. A column's name is followed by its type.
func pairs(m *maker, rows int) string {
	columns := []struct {
		name    string
		p, s, n int // with how many digits it is filled
	}{{"a", 14, 2, 14}, {"b", 12, 2, 12}, {"c", 20, 8, 20}, {"d", 9, 4, 9}, {"f", 38, 2, 25}, {"g", 30, 12, 24}, {"n", 18, 0, 18}}
	var out strings.Builder
	out.WriteString("CREATE TABLE pairs (id integer, k integer")
	for _, c := range columns {
		fmt.Fprintf(&out, ", %s numeric(%d,%d)", c.name, c.p, c.s)
	}
	out.WriteString("); INSERT INTO pairs VALUES ")
	for i := range rows {
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, "(%d, %d", i+1, m.IntN(rows/2+1))
		for _, c := range columns {
			if m.IntN(20) == 0 {
				out.WriteString(", NULL")
				continue
			}
			fmt.Fprintf(&out, ", %se-%d", digits(m, c.n), c.s)
		}
		out.WriteString(")")
	}
	return out.String()
}

// Quotients and averages are PostgreSQL's, also of numbers where little decides on the last digit.
func TestQuotients(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 31))}
	rows := *randoms / 40
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, pairs(m, rows))
	for _, x := range []string{"a / b", "b / a", "a / c", "c / b", "c / d", "d / c", "a / d", "n / a", "a / n", "d / n", "n / b", "g / b", "b / g", "g / c", "b / f", "f / a",
		"a * b / (c + 1)", "(a - b) / b", "a / 7", "1 / d", "100 * a / b", "round(a / b, 2)", "round(c / d, 4)", "round(n / a)",
		"round(a / n, 3)", "round(b / f, 1)", "round(f / a, 2)", "round(a / 7, 2)", "round(d / c, 4)",
		// The quotient is rounded up to the middle of two numbers, and that again.
		"round(f / (200 * f + 0.01), 2)", "round(a / (200 * a + 0.01), 2)", "round(100000000000000.00 / (f * 0 + 20000000000000000.01), 2)",
		"coalesce(a / nullif(b, 0), 0) / c", "coalesce(b / nullif(d - d, 0), 0) / d", "d / nullif(coalesce(d / b, 0), 0)", "CASE WHEN b < 0 THEN 0 ELSE a / b END / d", "nullif(b / d, 0) / a",
		"a / (SELECT CASE WHEN a > 0 THEN a / b WHEN b > 0 THEN b / d ELSE 7 / d END)"} {
		// Those of many digits may raise, and say so: they are compared one by one.
		for lo := 1; lo <= rows; lo += 50 {
			where := fmt.Sprintf(" FROM pairs WHERE id BETWEEN %d AND %d AND a <> 0 AND b <> 0 AND c NOT IN (0, -1) AND d <> 0 AND f <> 0 AND g <> 0 AND n <> 0", lo, lo+49)
			c.apart(x, where, lo, lo+49)
		}
	}
	for _, x := range []string{"avg(a)", "avg(c)", "avg(d)", "avg(n)", "avg(k)", "avg(DISTINCT d)", "sum(a) / nullif(sum(b), 0)", "sum(c) / nullif(sum(d), 0)", "sum(a) / count(*)", "round(sum(a) / nullif(sum(b), 0), 2)", "sum(a * b) / nullif(sum(c), 0)"} {
		c.query("SELECT k, " + x + " FROM pairs WHERE abs(a) < 1e9 GROUP BY k ORDER BY k")
		c.query("SELECT k FROM pairs WHERE abs(a) < 1e9 GROUP BY k HAVING " + x + " > 1 ORDER BY k")
	}
	c.query("SELECT id, avg(d) OVER (PARTITION BY k), avg(b) OVER (PARTITION BY k ORDER BY id) FROM pairs ORDER BY id")
	c.query("SELECT avg(a), avg(b), avg(d) FROM pairs WHERE false")
	c.judge(rows, rows)
}

// apart compares an expression over some rows, and over each of them where it raises.
func (c *trial) apart(x, where string, lo, hi int) {
	query := "SELECT id, " + x + where
	out, ok := c.translate(query)
	if !ok {
		return
	}
	if lo == hi || c.run(out.SQL).Raised == "" && ask(c.t, c.pg, query).Error == "" {
		c.compare(query+" ORDER BY id", dialect.Result{SQL: out.SQL + " ORDER BY id", Columns: out.Columns})
		return
	}
	for id := lo; id <= hi; id++ {
		c.apart(x, fmt.Sprintf("%s AND id = %d", where, id), id, id)
	}
}

// Redshift's quotients of decimals are cut behind the digits of their type, or rounded there.
func TestCutQuotients(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 32))}
	rows := *randoms / 40
	c := trialOf(t, dialect.Redshift, dialect.DuckDB, pairs(m, rows))
	for _, of := range [][2]string{{"a", "b"}, {"b", "d"}, {"d", "c"}, {"f", "b"}, {"b", "f"}, {"f", "f"}, {"n", "b"}, {"a", "2"}, {"f", "8"}, {"a", "3"}, {"c", "0.25"}} {
		for _, how := range []string{"cut", "round"} {
			c.options.Settings.DecimalDivision = how
			query := fmt.Sprintf("SELECT id, %[1]s, %[2]s, %[1]s / %[2]s FROM pairs WHERE %[2]s <> 0 AND %[1]s IS NOT NULL AND abs(%[1]s) < 1e9 AND abs(%[2]s) < 1e20 ORDER BY id", of[0], of[1])
			out, ok := c.translate(query)
			if !ok {
				t.Fatalf("%s is refused", query)
			}
			for _, row := range cutRows(t, c.run(out.SQL), query) {
				c.compared++
				c.counts[cases.Equal]++
				if want := cut(t, row[0].Text, row[1].Text, row[2].Text, how == "round"); rational(t, row[2].Text).Cmp(rational(t, want)) != 0 {
					t.Errorf("%s / %s is %s, not %s (%s)\n%s", row[0].Text, row[1].Text, row[2].Text, want, how, out.SQL)
				}
			}
		}
	}
	c.judge(rows, rows)
}

func cutRows(t *testing.T, ran cases.Ran, query string) [][]cases.Value {
	t.Helper()
	if ran.Raised != "" {
		t.Errorf("%s: %s", query, ran.Raised)
	}
	var rows [][]cases.Value
	for _, row := range ran.Result.Rows {
		rows = append(rows, row[1:])
	}
	return rows
}

// cut is a / b with as many digits behind the point as a text has.
func cut(t *testing.T, a, b, like string, round bool) string {
	t.Helper()
	q := new(big.Rat).Quo(rational(t, a), rational(t, b))
	_, behind, _ := strings.Cut(like, ".")
	if round {
		return q.FloatString(len(behind))
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(behind))), nil)
	whole := new(big.Int).Quo(new(big.Int).Mul(q.Num(), scale), q.Denom())
	return new(big.Rat).SetFrac(whole, scale).FloatString(len(behind))
}

func rational(t *testing.T, text string) *big.Rat {
	t.Helper()
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is not a number", text)
	}
	return x
}
