package dialect_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/pgtest"
)

func options(from dialect.Source, to dialect.Target) dialect.Options {
	return dialect.Options{From: from, To: to, Schema: shopSchema, Settings: dialect.Settings{Collation: "C"}, Params: map[string]string{"run_time": "timestamptz"}}
}

// same are statements that mean the same on DuckDB: not a byte of them changes.
var same = []string{
	"SELECT id,name  FROM item -- a comment\n\tWHERE  (id=1) AND\tname<>'it''s' ORDER BY id",
	"select /* what /* ever */ */ i.id+1 as n, Coalesce( i.name , 'x' ) AS t, count( * ) AS c from item i group by 1,2",
	"SELECT CASE WHEN id>1 THEN name ELSE NULL END AS a FROM item WHERE id IN(1,2) AND NOT ok AND sold BETWEEN DATE '2020-01-01' AND DATE '2020-02-01'",
	"WITH a AS (SELECT id FROM item) SELECT id FROM a UNION ALL (SELECT item FROM sale) ORDER BY 1 LIMIT 3",
	"SELECT row_number() OVER (PARTITION BY small ORDER BY id) AS n FROM item WHERE sold IS NULL",
}

func TestNothingChanges(t *testing.T) {
	t.Parallel()
	for _, query := range same {
		r, err := dialect.Translate(query, options(dialect.Postgres, dialect.DuckDB))
		if err != nil || r.SQL != query || len(r.Changes) > 0 {
			t.Errorf("%s\n%s\n%v %v", query, r.SQL, r.Changes, err)
		}
	}
}

// Outside of the changes every byte is the user's: the outermost of them, put into the original, give the translation.
func TestChangesAreAll(t *testing.T) {
	t.Parallel()
	for _, to := range []dialect.Target{dialect.DuckDB, dialect.Spark35} {
		for _, query := range constructs {
			r, err := dialect.Translate(query, options(dialect.Postgres, to))
			if err != nil {
				continue // TestRows says so for DuckDB
			}
			var out strings.Builder
			at := 0
			for _, c := range r.Changes {
				if c.Why == "" {
					t.Errorf("%s: %+v does not say why", query, c)
				}
				if c.At.Start < at {
					continue // within another one
				}
				out.WriteString(query[at:c.At.Start])
				out.WriteString(c.Text)
				at = c.At.End
			}
			out.WriteString(query[at:])
			if got := strings.TrimSuffix(out.String(), ";"); got != r.SQL {
				t.Errorf("%s\n by changes %s\ntranslation %s\n%+v", query, got, r.SQL, r.Changes)
			}
		}
	}
}

// notKnown are statements that are refused, each with the part that the refusal is about.
var notKnown = []struct{ query, at string }{
	{"SELECT foo(id) FROM item", "foo"}, {"SELECT id::money FROM item", "money"}, {"SELECT nme FROM item", "nme"}, {"SELECT id FROM itm", "itm"}, {"SELECT x.id FROM item", "x"},
	{"SELECT name + 1 FROM item", "name + 1"}, {"SELECT id FROM item WHERE name = 1", "name = 1"}, {"SELECT id FROM item WHERE id", "id"},
	{"SELECT sum(price / 3) / 7 FROM item", "sum(price / 3)"}, {"SELECT greatest(price / 3, 1) / 7 FROM item", "greatest(price / 3, 1)"}, {"SELECT (price / 3)::text FROM item", "(price / 3)::text"}, {"SELECT at - at FROM item", "at - at"}, {"SELECT weight::numeric FROM item", "weight::numeric"},
	{"SELECT INTERVAL '1 day'", "INTERVAL '1 day'"}, {"SELECT price ^ 2 FROM item", "price ^ 2"}, {"SELECT :unknown", ":unknown"},
	{"SELECT id AS small FROM item ORDER BY small + 1", "small"}, {"SELECT (SELECT id, small FROM item)", "(SELECT id, small FROM item)"}, {"SELECT DATE 'tomorrow'", "'tomorrow'"},
	// What PostgreSQL makes a real, and compares as double precision.
	{"SELECT coalesce(r, 0.1) FROM tag", "coalesce(r, 0.1)"}, {"SELECT CASE WHEN id = 1 THEN b ELSE r END FROM tag", "CASE WHEN id = 1 THEN b ELSE r END"},
	{"SELECT greatest(r, b) FROM tag", "greatest(r, b)"}, {"SELECT r FROM tag UNION ALL SELECT b FROM tag", "UNION"}, {"SELECT id FROM tag WHERE r IN (0.1, 0.2)", "r IN (0.1, 0.2)"},
	{"SELECT lag(r, 1, 0.1) OVER (ORDER BY id) FROM tag", "lag(r, 1, 0.1) OVER (ORDER BY id)"},
	{"SELECT nullif(r, 0) FROM tag", "nullif(r, 0)"}, {"SELECT nullif(id, 1.5) / 2 FROM tag", "nullif(id, 1.5)"},
	// What PostgreSQL compares without trailing blanks.
	{"SELECT id FROM tag WHERE c IN (v)", "c IN (v)"}, {"SELECT id FROM tag WHERE c BETWEEN v AND v", "c BETWEEN v AND v"}, {"SELECT CASE c WHEN v THEN 1 END FROM tag", "CASE c WHEN v THEN 1 END"},
	{"SELECT id FROM tag WHERE c IN (SELECT v FROM tag)", "c IN (SELECT v FROM tag)"}, {"SELECT id FROM tag WHERE v IN (SELECT c FROM tag)", "v IN (SELECT c FROM tag)"},
	{"SELECT id FROM tag WHERE (id, c) IN (SELECT id, v FROM tag)", "c"}, {"SELECT lag(id, 1, 1 / id) OVER (ORDER BY id) FROM tag", "1 / id"},
	{"SELECT id FROM tag ORDER BY '1'::int", "'1'::int"}, {"SELECT count(*) FROM tag GROUP BY '1'::int", "'1'::int"},
	// What PostgreSQL compares pair by pair.
	{"SELECT id FROM tag WHERE b BETWEEN 1 AND d", "b BETWEEN 1 AND d"}, {"SELECT CASE b WHEN d THEN 1 WHEN b THEN 2 END FROM tag", "CASE b WHEN d THEN 1 WHEN b THEN 2 END"},
	{"SELECT id FROM tag WHERE id IN (b, '3037000500')", "'3037000500'"}, {"SELECT id FROM tag WHERE id BETWEEN '1.5' AND d", "'1.5'"},
	{"SELECT '2024-02-29'::numeric(10)", "'2024-02-29'"},
	// Arrays cannot be columns of the result, and are not compared.
	{"SELECT id, array_agg(small) FROM item GROUP BY id", "array_agg(small)"}, {"SELECT ARRAY[id, 2] FROM item", "ARRAY[id, 2]"}, {"SELECT string_to_array(name, ',') FROM item", "string_to_array(name, ',')"},
	{"SELECT * FROM (SELECT ARRAY[id] AS a FROM item) z", "*"}, {"SELECT DISTINCT z.a FROM (SELECT ARRAY[id] AS a FROM item) z", "z.a"}, {"SELECT count(*) FROM (SELECT ARRAY[1] AS a) y JOIN (SELECT ARRAY[1] AS a) z USING (a)", "a"},
	{"SELECT z.id FROM (SELECT id, ARRAY[id] AS a FROM item) z ORDER BY z.a", "z.a"}, {"SELECT count(*) FROM (SELECT DISTINCT * FROM (SELECT ARRAY[id] AS a FROM item) z) y", "*"},
	{"SELECT id FROM item WHERE ARRAY[id] IN (SELECT ARRAY[item] FROM sale)", "ARRAY[id]"}, {"SELECT max(ARRAY[id]) FROM item", "ARRAY[id]"}, {"SELECT count(*) OVER (PARTITION BY ARRAY[id]) FROM item", "ARRAY[id]"},
	{"SELECT id FROM item LEFT JOIN unnest(ARRAY[id, 2]) AS u (x) ON x > 1", "unnest(ARRAY[id, 2])"}, {"SELECT unnest(ARRAY[1])", "unnest"}, {"SELECT id FROM item WHERE id = ANY ('{1,2}')", "'{1,2}'"},
	{"SELECT ARRAY(SELECT id FROM item)", "ARRAY"}, {"CREATE TEMP TABLE x (a int[]); SELECT 1", "int[]"}, {"CREATE TEMP TABLE x AS SELECT ARRAY[id] AS a FROM item; SELECT 1", "x"}, {"SELECT id FROM item WHERE (SELECT max(name) FROM item) = ANY (string_to_array(name, ','))", "(SELECT max(name) FROM item)"},
	{"SELECT id FROM tag WHERE c IN (lower(v), 'ab ')", "c IN (lower(v), 'ab ')"},
}

// shadowed are statements whose names DuckDB would look up otherwise: it finds an inner alias, a neighbour, or a name in other letters first.
var shadowed = []struct{ query, at string }{
	{"SELECT id FROM item WHERE EXISTS (SELECT 1 AS id FROM sale WHERE sale.item = id)", "id"},
	{"SELECT id FROM item WHERE EXISTS (SELECT 1 AS \"ID\" FROM sale WHERE sale.item = id)", "id"},
	{"SELECT id FROM item WHERE id / 10 IN (SELECT amount AS id FROM sale WHERE amount > id)", "id"},
	{"SELECT id, (SELECT -1 AS id WHERE id > 0) FROM item", "id"},
	{"SELECT (SELECT q.y FROM (SELECT 1 AS id, id AS y) q) FROM item", "id"},
	{"SELECT id FROM item WHERE (1, id) IN (SELECT 1 AS id, id FROM (SELECT 1 AS z) z)", "id"},
	{"SELECT (SELECT max(amount) AS id FROM sale GROUP BY amount + id LIMIT 1) FROM item", "id"},
	{"SELECT (SELECT q.y FROM (SELECT 5 AS id) a, (SELECT id AS y) q) FROM item", "id"},
	{"SELECT (SELECT q.y FROM (SELECT 5 AS id) item, (SELECT item.id AS y) q) FROM item", "item.id"},
	{"SELECT (SELECT max(id) FROM (SELECT 5 AS \"ID\") a) FROM item", "id"},
	{"SELECT (SELECT max(i.id) FROM (SELECT 5 AS id) \"I\") FROM item i", "i.id"},
}

// folded are statements with names that only differ in the case of their letters, which DuckDB does not tell apart.
var folded = []struct{ query, at string }{
	{"SELECT small AS \"ID\", id FROM item ORDER BY id", "id"}, {"SELECT -id AS \"ID\" FROM item ORDER BY id", "id"},
	{"SELECT -id AS \"ID\" FROM item ORDER BY id + 1", "id"}, {"SELECT max(id) AS \"SMALL\" FROM item GROUP BY small ORDER BY small", "small"},
	{"SELECT (SELECT item.id AS amount FROM sale ORDER BY amount + 1 LIMIT 1) FROM item", "amount"},
	{"SELECT -id AS id FROM item ORDER BY (SELECT max(amount) FROM sale WHERE item = id)", "id"},
	{"SELECT DISTINCT small AS \"ID\", id FROM item ORDER BY id", "id"}, {"SELECT small AS \"ID\" FROM item GROUP BY \"ID\"", "\"ID\""},
	{"SELECT DISTINCT ON (id) small AS \"ID\" FROM item", "id"},
	{"WITH \"X\" AS (SELECT 1 AS a), x AS (SELECT 2 AS a) SELECT a FROM x", "x"}, {"WITH \"ITEM\" AS (SELECT 1 AS id) SELECT id FROM item", "item"},
	{"SELECT t.item FROM item \"T\", sale t", "t"},
	{"SELECT rank() OVER w FROM item WINDOW \"W\" AS (ORDER BY id), w AS (ORDER BY small)", "w"},
}

func TestFolded(t *testing.T) {
	t.Parallel()
	refusesEach(t, folded)
}

// PostgreSQL raises for all of these, too.
func TestRaisedBefore(t *testing.T) {
	t.Parallel()
	pg, _ := worlds(t)
	for query, want := range map[string]hindcast.Code{
		"SELECT id AS x, small AS x FROM item ORDER BY x": hindcast.ESQLColumn, "SELECT *, -id AS id FROM item ORDER BY id": hindcast.ESQLColumn,
		"SELECT id FROM item UNION SELECT 1 ORDER BY x": hindcast.EDialect,
		"SELECT 'x' AS a GROUP BY 1 UNION SELECT 1":     hindcast.EDialect, "SELECT 'x' AS a GROUP BY a UNION SELECT 1": hindcast.EDialect, "SELECT DISTINCT '1' UNION SELECT 1": hindcast.EDialect,
		"(SELECT '1' AS x ORDER BY x) UNION ALL SELECT 1": hindcast.EDialect, "SELECT TIMESTAMP '2024-01-01 10:00:00,5'": hindcast.EDialect,
		"SELECT DATE '2024-01-01 10:00:00,5'": hindcast.EDialect, "SELECT '2024-01-01 10:00:00,5'::timestamp": hindcast.EDialect,
	} {
		_, err := dialect.Translate(query, options(dialect.Postgres, dialect.DuckDB))
		refused, ok := errors.AsType[dialect.Refusals](err)
		if !ok || refused[0].Code != want {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
		if rows, raised := judged(pg, query); raised == nil {
			t.Errorf("%s: PostgreSQL answers %q", query, rows)
		}
	}
}

func TestShadowed(t *testing.T) {
	t.Parallel()
	refusesEach(t, shadowed)
}

func refusesEach(t *testing.T, all []struct{ query, at string }) {
	t.Helper()
	for _, c := range all {
		_, err := dialect.Translate(c.query, options(dialect.Postgres, dialect.DuckDB))
		refused, ok := errors.AsType[dialect.Refusals](err)
		meant := func(r dialect.Refusal) bool {
			return r.Code == hindcast.EDialect && r.Instead != "" && r.At.In(c.query) == c.at
		}
		if !ok || !slices.ContainsFunc(refused, meant) {
			t.Errorf("%s: %v %q, want a refusal of %s", c.query, err, refused, c.at)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range notKnown {
		_, err := dialect.Translate(c.query, options(dialect.Postgres, dialect.DuckDB))
		refused, ok := errors.AsType[dialect.Refusals](err)
		if !ok {
			t.Errorf("%s is translated: %v", c.query, err)
			continue
		}
		if got := refused[0].At.In(c.query); got != c.at {
			t.Errorf("%s: refused at %q (%s), want %q", c.query, got, refused[0].Why, c.at)
		}
	}
}

// What one engine or dialect alone would answer wrongly.
func TestRefusesOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query, at string
		from      dialect.Source
		to        dialect.Target
	}{
		{"SELECT id IN (SELECT item FROM sale) FROM item", "id IN (SELECT item FROM sale)", dialect.Postgres, dialect.Spark35},
		{"SELECT id FROM item WHERE NOT id IN (SELECT item FROM sale)", "id IN (SELECT item FROM sale)", dialect.Postgres, dialect.Spark40},
		{"SELECT id FROM item WHERE id > 1 OR id NOT IN (SELECT item FROM sale)", "id NOT IN (SELECT item FROM sale)", dialect.Postgres, dialect.Spark35},
		{"SELECT id FROM item i WHERE EXISTS (SELECT count(*) FROM sale s WHERE s.item = i.id)", "EXISTS (SELECT count(*) FROM sale s WHERE s.item = i.id)", dialect.Postgres, dialect.Spark40},
		{"SELECT * FROM item i, sale s WHERE i.id(+) = s.item", "*", dialect.Redshift, dialect.DuckDB},
		{"SELECT sum(small) OVER (ORDER BY id) FROM item", "(ORDER BY id)", dialect.Redshift, dialect.DuckDB},
		{"SELECT id FROM item WHERE price = '12.504'", "'12.504'", dialect.Redshift, dialect.DuckDB},
		{"SELECT price * '0.125' FROM item", "'0.125'", dialect.Redshift, dialect.DuckDB},
	} {
		_, err := dialect.Translate(c.query, options(c.from, c.to))
		if refused, ok := errors.AsType[dialect.Refusals](err); !ok || refused[0].At.In(c.query) != c.at {
			t.Errorf("%s for %s: %v %v", c.query, c.to, err, refused)
		}
	}

	for _, query := range []string{"SELECT id FROM item WHERE id IN (SELECT item FROM sale) AND id NOT IN (SELECT item FROM sale)",
		"SELECT id FROM item WHERE id = 1 OR id IN (SELECT item FROM sale)", "SELECT id FROM item i WHERE EXISTS (SELECT 1 FROM sale s WHERE s.item = i.id)"} {
		if _, err := dialect.Translate(query, options(dialect.Postgres, dialect.Spark35)); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]hindcast.Code{"SELECT": hindcast.ESQLSyntax, "SELECT a FROM nowhere": hindcast.ESQLTable, "SELECT nme FROM item": hindcast.ESQLColumn, "SELECT foo(1)": hindcast.EDialect} {
		_, err := dialect.Translate(query, options(dialect.Postgres, dialect.DuckDB))
		refused, ok := errors.AsType[dialect.Refusals](err)
		if !ok || refused[0].Code != want || refused[0].Line != 1 {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
	if _, err := dialect.Translate("SELECT 1", dialect.Options{From: "oracle", To: dialect.DuckDB}); hindcast.AsError(err).Code != hindcast.EUsage {
		t.Error(err)
	}
}

// The order of texts is only known for the collation C; of Redshift's it is.
func TestCollation(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"SELECT id FROM item ORDER BY name", "SELECT max(name) FROM item", "SELECT id FROM item WHERE name < 'b'", "SELECT rank() OVER (ORDER BY name) FROM item"} {
		o := options(dialect.Postgres, dialect.DuckDB)
		o.Settings.Collation = "en_US.UTF-8"
		if _, err := dialect.Translate(query, o); err == nil || !strings.Contains(err.Error(), "collation") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// COLLATE "C" asks for the order that engines have, of the texts that it is said of and of what is made of them.
func TestCollationC(t *testing.T) {
	t.Parallel()
	o := options(dialect.Postgres, dialect.DuckDB)
	o.Settings.Collation = "en_US.UTF-8"
	for _, query := range []string{`SELECT id FROM item ORDER BY name COLLATE "C"`, `SELECT max(name COLLATE "C") FROM item`, `SELECT id FROM item WHERE 'b' > name COLLATE "C"`,
		`SELECT q.n FROM (SELECT name COLLATE "C" AS n FROM item) AS q ORDER BY 1`, `SELECT rank() OVER (ORDER BY name COLLATE "C") FROM item`} {
		if got, err := dialect.Translate(query, o); err != nil || strings.Contains(got.SQL, "COLLATE") {
			t.Errorf("%s: %v, %v", query, got, err)
		}
	}
	for query, want := range map[string]string{`SELECT id FROM item ORDER BY name COLLATE "de_DE"`: "by the collation de_DE", `SELECT id FROM item ORDER BY id COLLATE "C"`: "has no collation",
		`SELECT name COLLATE "C" FROM item ORDER BY item.name`: "depends on the database's collation", `SELECT id FROM item ORDER BY name COLLATE pg_catalog."C"`: "of a schema"} {
		if _, err := dialect.Translate(query, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// What compares texts is refused of a Redshift database that does so without regard to case, or does not tell; the rest is read.
func TestCaseInsensitiveDatabase(t *testing.T) {
	t.Parallel()
	for _, collation := range []string{"case_insensitive", "CASE_INSENSITIVE", "unknown"} {
		o := options(dialect.Redshift, dialect.DuckDB)
		o.Settings.Collation = collation
		for _, query := range []string{
			"SELECT id FROM item WHERE name = 'Pear'", "SELECT id FROM item WHERE name <> code", "SELECT id FROM item WHERE name IN ('a', 'b')", "SELECT id FROM item WHERE name < 'b'",
			"SELECT id FROM item WHERE name BETWEEN 'a' AND 'b'", "SELECT id FROM item WHERE name LIKE 'a%'", "SELECT id FROM item WHERE name IN (SELECT region FROM sale)",
			"SELECT id FROM item WHERE (id, name) IN (SELECT item, region FROM sale)", "SELECT i.id FROM item i JOIN sale s ON i.name = s.region", "SELECT i.id FROM item i, sale s WHERE i.name = s.region(+)",
			"SELECT name, count(*) FROM item GROUP BY name", "SELECT name, count(*) FROM item GROUP BY 1",
			"SELECT i.id FROM item i JOIN (SELECT region AS name FROM sale) s USING (name)", "SELECT i.id FROM tag i JOIN tag j USING (c)", "SELECT name FROM item ORDER BY 1", "SELECT c FROM tag ORDER BY 1",
			"SELECT * FROM tag UNION SELECT * FROM tag", "SELECT DISTINCT * FROM tag", "SELECT c, count(*) FROM tag GROUP BY c", "SELECT id FROM tag WHERE c = 'a'", "SELECT max(c) FROM tag", "SELECT rank() OVER (ORDER BY c) FROM tag",
			"SELECT DISTINCT name FROM item", "SELECT name FROM item UNION SELECT region FROM sale", "SELECT name FROM item EXCEPT SELECT region FROM sale", "SELECT id FROM item ORDER BY name",
			"SELECT count(DISTINCT name) FROM item", "SELECT max(name) FROM item", "SELECT greatest(name, 'b') FROM item", "SELECT nullif(name, 'b') FROM item", "SELECT decode(name, 'b', 1) FROM item",
			"SELECT CASE name WHEN 'b' THEN 1 END FROM item", "SELECT row_number() OVER (PARTITION BY name ORDER BY id) FROM item", "SELECT row_number() OVER (ORDER BY name) FROM item",
			"SELECT replace(name, 'a', 'b') FROM item", "SELECT strpos(name, 'a') FROM item", "SELECT charindex('a', name) FROM item", "SELECT split_part(name, 'a', 1) FROM item", "SELECT btrim(name, 'a') FROM item",
		} {
			if _, err := dialect.Translate(query, o); err == nil || !strings.Contains(err.Error(), "which is "+strings.ToLower(collation)) {
				t.Errorf("%s: %s: %v", collation, query, err)
			}
		}
		for _, query := range []string{"SELECT upper(name), substring(name, 1, 2), name || 'x', trim(name), coalesce(name, '-'), len(name) FROM item WHERE id = 1 AND name IS NULL ORDER BY id",
			"SELECT id, count(*), count(name) FROM item GROUP BY id", "SELECT name FROM item UNION ALL SELECT region FROM sale"} {
			if _, err := dialect.Translate(query, o); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
}

// redshift are statements of Redshift, and what means the same on PostgreSQL.
var redshift = [][2]string{
	{"SELECT nvl(small, id), nvl(name, 'x'), nvl2(small, 1, 2) FROM item", "SELECT coalesce(small, id), coalesce(name, 'x'), CASE WHEN small IS NOT NULL THEN 1 ELSE 2 END FROM item"},
	{"SELECT nvl(c, 'unknown'), nvl(v, 'unknown'), decode(v, 'abcde', 1, 'x', 2), decode(id, 1, v, 'neither'), v = 'abcde' FROM tag",
		"SELECT coalesce(c, 'unknown'), coalesce(v, 'unknown'), CASE v WHEN 'x' THEN 2 END, CASE id WHEN 1 THEN v ELSE 'neither' END, v = 'abcde' FROM tag"},
	{"SELECT decode(small, 7, 'seven', NULL, 'none', 'other') FROM item", "SELECT CASE WHEN small = 7 THEN 'seven' WHEN small IS NULL THEN 'none' ELSE 'other' END FROM item"},
	{"SELECT i.id, s.amount FROM item i, sale s WHERE i.id = s.item(+) AND s.amount(+) > 2 AND i.id < 6", "SELECT i.id, s.amount FROM item i LEFT JOIN sale s ON i.id = s.item AND s.amount > 2 WHERE i.id < 6"},
	{"SELECT s.item, i.id FROM item i, sale s, item j WHERE i.id(+) = s.item AND j.id = s.item", "SELECT s.item, i.id FROM sale s JOIN item j ON j.id = s.item LEFT JOIN item i ON i.id = s.item"},
	{"SELECT concat(name, NULL), concat(name, '!') FROM item", "SELECT name || NULL, name || '!' FROM item"},
	{"SELECT avg(small), avg(id), avg(big) FROM item WHERE id <> 5", "SELECT trunc(avg(small)), trunc(avg(id)), trunc(avg(big)) FROM item WHERE id <> 5"},
	{"SELECT price / 3, price / rate FROM item WHERE rate <> 0", "SELECT trunc(price::numeric(38,20) / 3, 13), trunc(price::numeric(38,20) / rate, 5) FROM item WHERE rate <> 0"},
	{"SELECT price / rate FROM item", "SELECT price / rate FROM item"},
	{"SELECT sum(price) / sum(rate) FROM item", "SELECT trunc(sum(price)::numeric(38,20) / sum(rate), 4) FROM item"},
	{"SELECT dateadd(month, 1, sold), dateadd(day, -1, sold), dateadd('hour', 25, at), dateadd(qtr, 1, sold), dateadd(w, 2, at), dateadd(yr, 1, sold + 1) FROM item",
		"SELECT sold + INTERVAL '1 month', sold - INTERVAL '1 day', at + INTERVAL '25 hours', sold + INTERVAL '3 months', at + INTERVAL '14 days', sold + 1 + INTERVAL '1 year' FROM item"},
	{"SELECT datediff(day, sold, '2020-03-01'), datediff(month, sold, at), datediff(year, sold, '2021-01-01') FROM item",
		"SELECT DATE '2020-03-01' - sold, extract(year from at) * 12 + extract(month from at) - extract(year from sold) * 12 - extract(month from sold), 2021 - extract(year from sold) FROM item"},
	{"SELECT date_trunc('month', sold), trunc(at), last_day(sold), extract(dow from sold) FROM item", "SELECT date_trunc('month', sold::timestamp), at::date, (date_trunc('month', sold::timestamp) + INTERVAL '1 month 0 days' - INTERVAL '1 day')::date, extract(dow from sold) FROM item"},
	{"SELECT id + 1 AS n, n * 2 AS twice FROM item", "SELECT id + 1, (id + 1) * 2 FROM item"},
	{"SELECT len(name), charindex('p', name), convert(int, round(price)), CAST(name AS varchar(3)) FROM item WHERE id = -1", "SELECT length(name), strpos(name, 'p'), price::int, name::varchar(3) FROM item WHERE id = -1"},
	{"SELECT count(*) FROM (SELECT 'a ' AS k UNION ALL SELECT 'a') t WHERE k = 'a'", "SELECT 2"},
	{"SELECT count(DISTINCT k) FROM (SELECT 'a ' AS k UNION ALL SELECT 'a') t", "SELECT 1"},
	{"SELECT name, count(*) FROM item GROUP BY name", "SELECT name, count(*) FROM item GROUP BY name"},
	{"SELECT id FROM item MINUS SELECT item FROM sale", "SELECT id FROM item EXCEPT SELECT item FROM sale"},
	{"SELECT v, count(*) FROM tag GROUP BY v", "SELECT v, count(*) FROM tag GROUP BY v"}, // each group has one text
	{"SELECT substring(v, 1, 3) AS k, max(id) FROM tag GROUP BY 1 ORDER BY k", "SELECT substring(v, 1, 3), max(id) FROM tag GROUP BY 1 ORDER BY rtrim(substring(v, 1, 3))"},
	{"SELECT v || '!' AS x, count(*), rank() OVER (PARTITION BY v ORDER BY max(id)), max(length(v)) FROM tag GROUP BY v HAVING v <> 'x' ORDER BY v", "SELECT v || '!', count(*), 1, max(length(v)) FROM tag GROUP BY v HAVING v <> 'x' ORDER BY rtrim(v)"},
	{"SELECT v FROM tag ORDER BY 1 DESC", "SELECT v FROM tag ORDER BY rtrim(v) DESC"}, {"SELECT v AS w, id FROM tag ORDER BY w, id", "SELECT v, id FROM tag ORDER BY rtrim(v), id"},
	{"SELECT * FROM tag ORDER BY v, id", "SELECT * FROM tag ORDER BY rtrim(v), id"},
	{"SELECT k, count(*) FROM (SELECT 'a ' AS k UNION ALL SELECT 'a') t GROUP BY k", "SELECT 1 / 0"}, // equal in Redshift; which one is kept is not said: it raises
}

func TestRedshiftRows(t *testing.T) {
	t.Parallel()
	pg, conn := worlds(t)
	for _, c := range redshift {
		r, err := dialect.Translate(c[0], options(dialect.Redshift, dialect.DuckDB))
		if err != nil {
			refused, _ := errors.AsType[dialect.Refusals](err)
			t.Errorf("%s: %v %q", c[0], err, refused)
			continue
		}
		match(t, pg, conn, c[0], c[1], r.SQL)
	}
}

// Every word of DuckDB's is a name where it is one in the source.
func TestWordsAsNames(t *testing.T) {
	t.Parallel()
	_, conn := worlds(t)
	found, err := conn.QueryContext(context.Background(), "SELECT DISTINCT keyword_name FROM duckdb_keywords()")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for found.Next() {
		var w string
		if err := found.Scan(&w); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	_ = found.Close()
	tried := 0
	for _, w := range all {
		for _, query := range []string{"SELECT x." + w + " FROM (SELECT 1 AS " + w + ") AS x", "SELECT " + w + " + 1 AS two FROM (SELECT id AS " + w + " FROM item) x",
			"SELECT " + w + ".id FROM item AS " + w, "SELECT id FROM item " + w, "SELECT sum(id) " + w + " FROM item", "WITH " + w + " AS (SELECT 1 AS a) SELECT a FROM " + w} {
			r, err := dialect.Translate(query, options(dialect.Postgres, dialect.DuckDB))
			if err != nil {
				continue // the source reserves the word
			}
			tried++
			if _, err := ran(conn, r.SQL); err != nil {
				t.Errorf("%s\n%s\n%v", query, r.SQL, err)
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d of %d words' queries were tried", tried, len(all))
	}
}

func BenchmarkTranslate(b *testing.B) {
	query := `WITH best AS (SELECT i.name, s.day, sum(s.amount) AS total, count(*) AS n FROM item i, sale s WHERE i.id = s.item AND s.day BETWEEN '2020-01-01' AND '2020-12-31' AND i.price > 1.5
 GROUP BY i.name, s.day) SELECT name, day, total, n, total / n AS each, CASE WHEN total > 10 THEN 'many' ELSE 'few' END AS much, rank() OVER (PARTITION BY name ORDER BY total DESC) AS place,
 lag(total) OVER (PARTITION BY name ORDER BY day) AS before FROM best WHERE name IN ('apple', 'pear') AND EXISTS (SELECT 1 FROM item x WHERE x.name = best.name) ORDER BY name, day LIMIT 100`
	o := options(dialect.Postgres, dialect.DuckDB)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dialect.Translate(query, o); err != nil {
			b.Fatal(err)
		}
	}
}

// scripts are scripts of PostgreSQL, whose last query's rows are the result.
var scripts = []string{
	"CREATE TEMP TABLE best AS SELECT id, price FROM item WHERE price > 1; SELECT id, price * 2 FROM best ORDER BY id",
	"BEGIN; CREATE TEMP TABLE t (a integer NOT NULL, b varchar(3) DEFAULT 'x', c numeric(5,1)); INSERT INTO t (a, c) SELECT id, rate FROM item; UPDATE t SET b = 'yes', c = c * 1.25 WHERE a > 2; DELETE FROM t u WHERE u.c IS NULL; SELECT * FROM t ORDER BY a; COMMIT",
	"CREATE TEMP TABLE t AS SELECT id, name FROM item; INSERT INTO t VALUES (100, 'new'), (101, NULL); DELETE FROM t WHERE id = 3; SELECT count(*) FROM t",
	"SELECT id INTO TEMP t FROM item WHERE small > 0; WITH u AS (SELECT id FROM t) SELECT x.id, t.id FROM u x JOIN t ON t.id = x.id ORDER BY 1",
	"CREATE TEMP TABLE t AS SELECT price FROM item; UPDATE t SET price = 2.255; SELECT DISTINCT price FROM t", "CREATE TEMP TABLE t (a smallint); INSERT INTO t SELECT 70000; SELECT a FROM t",
	"CREATE TEMP TABLE item AS SELECT 7 AS id; SELECT item.id, (SELECT max(id) FROM item) FROM item",
}

func TestScripts(t *testing.T) {
	t.Parallel()
	pg, conn := worlds(t)
	for _, script := range scripts {
		r, err := dialect.Translate(script, options(dialect.Postgres, dialect.DuckDB))
		if err != nil {
			t.Errorf("%s: %v", script, err)
			continue
		}
		pgtest.Query(t, pg, "DISCARD TEMP")
		match(t, pg, conn, script, script, r.SQL)
	}
}

// A table's column that is an array is of a type that is not known.
func TestArrayColumn(t *testing.T) {
	t.Parallel()
	o := options(dialect.Postgres, dialect.DuckDB)
	schema, err := dialect.ReadSchema("CREATE TABLE basket (id int, items text[], n int[] NOT NULL);", dialect.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	o.Schema = schema
	for query, want := range map[string]bool{"SELECT id FROM basket": true, "SELECT items FROM basket": false, "SELECT n[1] FROM basket": false, "SELECT id FROM basket WHERE items = 'a'": false} {
		if _, err := dialect.Translate(query, o); err == nil != want {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// A table may have a name that means something to the translator: the query around it has no expression there.
func TestATableNamedItem(t *testing.T) {
	schema := dialect.Schema{Tables: []dialect.Table{{Name: "item", Columns: []dialect.Column{{Name: "k", Type: "integer"}, {Name: "price", Type: "integer"}}},
		{Name: "t", Columns: []dialect.Column{{Name: "k", Type: "integer"}}}}}
	const query = "SELECT k, (SELECT max(price) FROM item WHERE item.k = t.k) AS most FROM t"
	for _, to := range []dialect.Target{dialect.DuckDB, dialect.Spark35, dialect.Spark40} {
		out, err := dialect.Translate(query, dialect.Options{From: dialect.Postgres, To: to, Schema: schema})
		if err != nil || out.SQL != query {
			t.Errorf("for %s it is %q: %v", to, out.SQL, err)
		}
	}
}
