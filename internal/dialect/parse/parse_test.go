package parse

import (
	"errors"
	"strings"
	"testing"
)

// read are statements of forms that are read; RS before one is for Redshift.
var read = []string{
	"SELECT 1", "SELECT a, b.c, d AS e, f g FROM t, s.u AS v(w, x) WHERE a = 1;",
	"SELECT DISTINCT a FROM (SELECT 1 AS a) AS t JOIN u USING (a, b) LEFT OUTER JOIN v ON v.a = t.a CROSS JOIN w",
	"SELECT a FROM t JOIN u JOIN v ON u.x = v.x ON t.x = u.x", "SELECT a FROM (t JOIN u ON true) JOIN v ON false",
	"WITH a(b) AS (SELECT 1), c AS NOT MATERIALIZED (VALUES (1, 2), (3, 4)) SELECT * FROM a UNION ALL SELECT 1 INTERSECT (SELECT 2) ORDER BY 1 DESC NULLS LAST LIMIT 3 OFFSET 2",
	"SELECT count(*), sum(DISTINCT a) FILTER (WHERE b) OVER (PARTITION BY c ORDER BY d ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING), f() OVER w FROM t GROUP BY 1, a HAVING true WINDOW w AS ()",
	"SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, CASE WHEN a THEN b END, CAST(a AS numeric(3,2)), a::varchar(3)::text, -a, NOT a, NOT NOT a",
	"SELECT a IS NOT NULL, a ISNULL, a IS DISTINCT FROM b, a NOT IN (1, 2), a IN (SELECT 1), (a, b) IN ((1, 2)), a NOT BETWEEN 1 AND 2 AND b, a LIKE 'x' ESCAPE '!'",
	"SELECT EXTRACT(year FROM a), POSITION('a' IN b), SUBSTRING(a FROM 1 FOR 2), TRIM(BOTH 'x' FROM a), INTERVAL '1' DAY, DATE '2020-01-01', TIMESTAMP WITH TIME ZONE 'x'",
	"SELECT EXISTS (SELECT 1), (SELECT 1), ((1)), :run_time, current_date, left(a, 1), double precision '1'",
	"SELECT 1; SELECT 2;", "INSERT INTO t VALUES (1), (2)", "INSERT INTO t (a, b) (SELECT 1, 2)", "CREATE TEMP TABLE t AS SELECT 1 WITH NO DATA", "UPDATE t u SET a = 1, b = a WHERE c",
	"CREATE TEMPORARY TABLE t (a int NOT NULL, b varchar(3) DEFAULT 'x')", "SELECT a INTO TEMP TABLE b FROM t", "DROP TABLE IF EXISTS a, s.b CASCADE", "BEGIN; COMMIT; ANALYZE t",
	"RS CREATE TEMP TABLE t DISTSTYLE KEY DISTKEY (a) COMPOUND SORTKEY (a, b) AS SELECT 1", "RS CREATE TEMP TABLE t (a int ENCODE lzo DISTKEY) SORTKEY (a)", "RS DELETE t WHERE a",
	"SELECT a, grouping(a, b), string_agg(c, ',' ORDER BY c DESC NULLS LAST, d), mode() WITHIN GROUP (ORDER BY c) FROM t GROUP BY a, ROLLUP (b, (c, d)), CUBE (e), GROUPING SETS ((), f, ROLLUP (g)), ()",
	"SELECT sum(a) OVER (w ORDER BY b RANGE BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t LIMIT ALL", "SELECT a FROM t ORDER BY a FETCH NEXT 3 ROWS WITH TIES", "SELECT a FROM t LIMIT NULL OFFSET 1",
	"RS SELECT TOP (3) DISTINCT lag(a, 1) IGNORE NULLS OVER (), last_value(a RESPECT NULLS) OVER () FROM t QUALIFY true", "RS SELECT DISTINCT TOP 3 a FROM t GROUP BY a HAVING true QUALIFY true",
	"RS SELECT TOP 3 a, convert(int, b), sysdate FROM t MINUS SELECT 1", "RS SELECT a FROM t, u WHERE t.x = u.y(+) AND u.z (+) = 1",
}

func options(text string) (string, Options) {
	rest, redshift := strings.CutPrefix(text, "RS ")
	return rest, Options{Redshift: redshift}
}

func TestScript(t *testing.T) {
	t.Parallel()
	for _, text := range read {
		text, o := options(text)
		if _, err := Script(text, o); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// refused are statements that are not read, and what the place of the refusal says.
var refused = []struct{ text, at string }{
	{"", ""}, {"SELECT", ""}, {"SELECT FROM t", "FROM"}, {"SELECT a FROM", ""}, {"SELECT a b c", "c"}, {"SELECT 1 < 2 < 3", "<"}, {"SELECT a + NOT b", "NOT"},
	{"CREATE TABLE t (a int)", "CREATE"}, {"UPDATE t SET (a, b) = (1, 2)", "("}, {"MERGE INTO t", "MERGE"}, {"ROLLBACK", "ROLLBACK"}, {"SELECT 1 SELECT 2", "SELECT"}, {"; ;", ""},
	{"SELECT (SELECT a INTO TEMP b FROM t)", "INTO"}, {"CREATE TEMP TABLE t (a int PRIMARY KEY)", "PRIMARY"}, {"ALTER TABLE t ADD a int, ADD b int", ","}, {"ALTER TABLE t OWNER TO u", "OWNER"}, {"SELECT a INTO b FROM t", "INTO"}, {"SELECT (1", ""}, {"SELECT a FROM t WHERE", ""},
	{"SELECT a FROM t, LATERAL f(1) u", "LATERAL"}, {"RS SELECT a FROM t, LATERAL (SELECT 1 b) PIVOT (sum(b) FOR b IN (1))", "LATERAL"}, {"SELECT a FROM t, unnest(b, c) u", "unnest(b,"}, {"SELECT a FROM f(1)", "f"},
	{"SELECT a FROM t GROUP BY ROLLUP ()", ")"}, {"SELECT sum(a ORDER BY a) WITHIN GROUP (ORDER BY b)", "WITHIN"}, {"SELECT lag(a IGNORE NULLS) IGNORE NULLS OVER ()", "IGNORE"},
	{"SELECT sum(a) OVER (ROWS 1 PRECEDING EXCLUDE t)", "t"}, {"SELECT a FROM t FETCH FIRST 1 ROWS WITH", ""}, {"SELECT sum(a) WITHIN GROUP (b)", "b"},
	{"RS SELECT a[1]", "["}, {"SELECT f(a)[1]", "["}, {"SELECT a[1, 2]", "["}, {"RS SELECT ARRAY[1]", "ARRAY"}, {"SELECT a > ANY (SELECT 1)", "ANY"},
	{"SELECT a FROM t FOR UPDATE", "FOR"}, {"SELECT a FROM t QUALIFY true", "QUALIFY"}, {"SELECT X'ff'", "X'ff'"},
	{"SELECT 1 FROM t WHERE t.x = u.y(+)", "u"}, {"SELECT TOP 3 a", "3"}, {"SELECT 'a", "'"},
}

func TestScriptRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range refused {
		text, o := options(c.text)
		_, err := Script(text, o)
		bad, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := bad.At.In(text); got != c.at || bad.Why == "" {
			t.Errorf("%s: refused at %q (%s), want %q", c.text, got, bad.Why, c.at)
		}
	}
}

// What is long is read; what is deep, or a chain that engines would take for deep, is refused with its place.
func TestLimits(t *testing.T) {
	t.Parallel()
	list := strings.Repeat("1,", 9_999) + "1"
	for _, text := range []string{"SELECT a IN (" + list + ")", "SELECT " + list, "SELECT " + strings.Repeat("1+", 800) + "1", "SELECT " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300),
		"SELECT 1 WHERE " + strings.Repeat("a OR ", 800) + "a"} {
		if _, err := Script(text, Options{}); err != nil {
			t.Errorf("%.40s…: %v", text, err)
		}
	}
	for _, text := range []string{"SELECT " + strings.Repeat("(", 100_000), "SELECT " + strings.Repeat("1+", 100_000) + "1", "SELECT " + strings.Repeat("- ", 100_000) + "1",
		"SELECT " + strings.Repeat("NOT ", 100_000) + "a", "SELECT 1 WHERE " + strings.Repeat("a OR ", 100_000) + "a", "SELECT a" + strings.Repeat("::int", 10_000),
		strings.Repeat("SELECT (", 50_000), "SELECT " + strings.Repeat("CASE WHEN ", 50_000), strings.Repeat("SELECT 1 FROM (", 50_000), "SELECT 1" + strings.Repeat(" UNION SELECT 1", 50_000)} {
		_, err := Script(text, Options{})
		if bad, ok := errors.AsType[*Error](err); !ok || bad.At.Start == 0 {
			t.Errorf("%.40s…: %v", text, err)
		}
	}
}

// FuzzStatement: a text is read or refused with a place in it.
func FuzzStatement(f *testing.F) {
	for _, text := range read {
		f.Add(text, strings.HasPrefix(text, "RS "))
	}
	for _, c := range refused {
		f.Add(c.text, false)
	}
	f.Fuzz(func(t *testing.T, text string, redshift bool) {
		_, err := Script(text, Options{Redshift: redshift})
		if err == nil {
			return
		}
		bad, ok := errors.AsType[*Error](err)
		if !ok || bad.At.Start < 0 || bad.At.End < bad.At.Start || bad.At.End > len(text) {
			t.Fatalf("%q: %v at %v", text, err, bad)
		}
	})
}

func TestTables(t *testing.T) {
	t.Parallel()
	found, err := Tables(`SET x = 1; CREATE TABLE a.b (id integer NOT NULL DEFAULT nextval('s'::regclass), "N m" character varying(10) ENCODE lzo, p numeric(10, 2),
		t timestamp with time zone, CONSTRAINT k PRIMARY KEY (id, p)) DISTKEY(id); CREATE INDEX i ON b (x); CREATE TEMP TABLE c AS SELECT 1; CREATE TABLE IF NOT EXISTS d (x date)`, Options{})
	if err != nil || len(found) != 2 || found[0].Name != "a.b" || len(found[0].Columns) != 4 || found[1].Columns[0] != (TableColumn{"x", "date"}) {
		t.Fatalf("%+v, %v", found, err)
	}
	if got := found[0].Columns[1]; got != (TableColumn{"N m", "character varying(10)"}) {
		t.Error(got)
	}
	if _, err := Tables("CREATE TABLE a (b", Options{}); err == nil {
		t.Error("a table that does not end is read")
	}
}
