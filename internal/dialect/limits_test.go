package dialect_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// around is a text between so many of two others.
func around(before string, n int, middle, after string) string {
	return strings.Repeat(before, n) + middle + strings.Repeat(after, n)
}

// chained is n times a text with another one between.
func chained(x, between string, n int) string { return strings.Repeat(x+between, n-1) + x }

// numbered is a list of numbers, each in a form.
func numbered(form string, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(form, i)
	}
	return strings.Join(all, ", ")
}

// doubled are items of a select list, each of which has the alias of the one before it twice.
func doubled(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, ", a%d + a%d AS a%d", i, i, i+1)
	}
	return out.String()
}

// large are statements that are long or deep; run says that they have to work, others may be refused.
var large = []struct {
	name, query string
	run         bool
}{
	{"a list of 10,000 numbers", "SELECT count(*) FROM item WHERE id IN (" + numbered("%d", 10_000) + ")", true},
	{"a list of 10,000 texts", "SELECT count(*) FROM item WHERE name NOT IN (" + numbered("'%d it''s'", 10_000) + ")", true},
	{"a list of 10,000 decimals", "SELECT count(*) FROM item WHERE price IN (" + numbered("%d.5", 10_000) + ")", true},
	{"a list of 10,000 dates", "SELECT count(*) FROM item WHERE sold IN (" + numbered("DATE '2020-01-31' + %d", 10_000) + ")", true},
	{"10,000 values", "SELECT count(*) FROM item WHERE id IN (VALUES " + numbered("(%d)", 10_000) + ")", false},
	{"2,000 columns", "SELECT " + numbered("id + %[1]d AS c%[1]d", 2_000) + " FROM item", true},
	{"2,000 branches of CASE", "SELECT CASE id " + strings.ReplaceAll(numbered("WHEN %[1]d THEN 'n%[1]d'", 2_000), ",", "") + " END FROM item", true},
	{"600 sums", "SELECT " + chained("id", " + ", 600) + " FROM item", true},
	{"600 conditions", "SELECT id FROM item WHERE " + chained("id = 1", " OR ", 600), true},
	{"600 conditions of AND", "SELECT id FROM item WHERE " + chained("name <> 'x'", " AND ", 600), true},
	{"600 texts", "SELECT " + chained("name", " || ", 600) + " FROM item", true},
	{"300 queries", chained("SELECT id FROM item", " UNION ALL ", 300), true},
	{"60 joins", "SELECT count(*) FROM item a0" + strings.ReplaceAll(numbered(" JOIN item a%[1]d ON a%[1]d.id = a0.id", 60)[0:], ",", ""), false},
	{"5,000 sums", "SELECT " + chained("id", " + ", 5_000) + " FROM item", false},
	{"100,000 sums", "SELECT " + chained("id", " - ", 100_000) + " FROM item", false},
	{"10,000 conditions", "SELECT id FROM item WHERE " + chained("id = 1", " OR ", 10_000), false},
	{"1,000 divisions", "SELECT " + chained("price", " / ", 1_000) + " FROM item", false},
	{"50 averages", "SELECT " + chained("avg(price)", ", ", 50) + " FROM item", true},
	{"200 parentheses", "SELECT " + around("(", 200, "id", ")") + " FROM item", true},
	{"399 parentheses", "SELECT " + around("(", 399, "id", ")") + " FROM item", false},
	{"10,000 parentheses", "SELECT " + around("(", 10_000, "id", ")") + " FROM item", false},
	{"100 calls", "SELECT " + around("abs(", 100, "id", ")") + " FROM item", true},
	{"390 calls", "SELECT " + around("abs(", 390, "id", ")") + " FROM item", false},
	{"390 calls that may raise", "SELECT " + around("upper(", 390, "name", ")") + " FROM item", false},
	{"60 divisions in each other", "SELECT " + around("(1 / ", 60, "id", ")") + " FROM item", false},
	{"30 quotients of floats in each other", "SELECT " + around("(1.5e0::float8 / ", 30, "weight", ")") + " FROM item", false},
	{"40 queries in each other", around("SELECT id FROM (", 40, "SELECT id FROM item", ") AS t"), true},
	{"390 queries in each other", around("SELECT id FROM (", 390, "SELECT id FROM item", ") AS t"), false},
	{"390 queries as values", around("SELECT (", 390, "SELECT 1", ")"), false},
	{"190 CASEs in each other", "SELECT " + around("CASE WHEN id = 1 THEN 2 ELSE ", 190, "id", " END") + " FROM item", false},
	{"1,000 casts", "SELECT id" + strings.Repeat("::bigint", 1_000) + " FROM item", false},
	{"4 MiB of text", "SELECT '" + strings.Repeat("x", 4<<20-100) + "' AS t", true},
	{"4 MiB of comments", "SELECT 1 AS a /*" + strings.Repeat("x", 4<<20-100) + "*/", true},
	{"more than 4 MiB", "SELECT 1 AS a /*" + strings.Repeat("x", 4<<20) + "*/", false},
	{"4 MiB of blanks and words", strings.Repeat("select ", 4<<20/7), false},
	{"4 MiB of parentheses", strings.Repeat("(", 4<<20-1), false},
	{"parentheses in FROM", "SELECT 1 FROM " + strings.Repeat("(", 1<<20) + "SELECT 1" + strings.Repeat(")", 1<<20), false},
	{"4 MiB of statements", strings.Repeat("SELECT 1;", 4<<20/9), false},
	{"40 aliases, each twice in the next", "SELECT id AS a0" + doubled(40) + ", sum(a40) OVER () AS s FROM item", false},
	{"40 aliases, each twice in the next, as keys", "SELECT id AS a0" + doubled(40) + ", count(*) AS n FROM item GROUP BY a0, a40", false},
	{"a script of 200 tables", strings.Repeat("CREATE TEMP TABLE t AS SELECT id FROM item; DROP TABLE t; ", 200) + "SELECT id FROM item", true},
	{"a script of 100 changes", "CREATE TEMP TABLE t AS SELECT id FROM item; " + strings.Repeat("UPDATE t SET id = id + 1; ", 100) + "SELECT id FROM t", false},
}

// What is long or deep works, or is refused with its place.
func TestLarge(t *testing.T) {
	t.Parallel()
	_, conn := worlds(t)
	for _, c := range large {
		t.Log(c.name)
		for _, from := range []dialect.Source{dialect.Postgres, dialect.Redshift} {
			r, err := dialect.Translate(c.query, options(from, dialect.DuckDB))
			if refusals, ok := errors.AsType[dialect.Refusals](err); ok {
				if first := refusals[0]; c.run || first.Why == "" || first.Line < 1 || first.At.End > len(c.query) {
					t.Errorf("%s as %s is refused at %v: %s", c.name, from, first.At, first.Why)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s as %s: %v", c.name, from, err)
				continue
			}
			if _, err := ran(conn, r.SQL); err != nil && !strings.Contains(err.Error(), "which does not count in the source") {
				t.Errorf("%s as %s: %.300v", c.name, from, err)
			}
		}
	}
}
