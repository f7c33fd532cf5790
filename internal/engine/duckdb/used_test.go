package duckdb_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/cache"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/duckdb"
	"github.com/hindcast/hindcast/internal/objstore"
)

// folder is an object store whose objects are files.
type folder string

func (f folder) URL() string { return "s3://bucket" }

func (f folder) Stat(_ context.Context, key string) (objstore.Info, error) {
	info, err := os.Stat(filepath.Join(string(f), key))
	if err != nil {
		return objstore.Info{}, err
	}
	return objstore.Info{Key: key, Bytes: info.Size(), ETag: `"1"`}, nil
}

func (f folder) GetRange(_ context.Context, key, _ string, offset int64, p []byte) error {
	object, err := os.Open(filepath.Join(string(f), key))
	if err != nil {
		return err
	}
	defer func() { _ = object.Close() }()
	_, err = object.ReadAt(p, offset)
	return err
}

// sparseWorld is a fact and two dimensions, each of them once whole and, by way of a cache, in part.
type sparseWorld struct {
	runner *duckdb.Runner
	from   folder
	cache  *cache.Cache
	tables []engine.Table
	files  map[string][]hindcast.File
}

const sparseRows = 30000 // several row groups, and files that are not small

func newSparseWorld(t *testing.T) *sparseWorld {
	t.Helper()
	dir := t.TempDir()
	for name, query := range map[string]string{
		"facts-0": factRows(0), "facts-1": factRows(1),
		"accounts": fmt.Sprintf("SELECT i AS id, 'account ' || i AS name, CASE WHEN i %% 5 > 0 THEN i // 10 END AS parent, md5(CAST(i AS VARCHAR)) AS note, i * 1.5 AS weight FROM range(%d) r(i)", sparseRows),
		"days":     fmt.Sprintf("SELECT DATE '2019-12-01' + CAST(i AS INTEGER) AS day, i // 7 AS week, repeat(md5(CAST(i AS VARCHAR)), 9) AS note FROM range(%d) r(i)", 5000),
	} {
		writeParquet(t, filepath.Join(dir, name+".parquet"), query)
	}

	r, err := duckdb.NewRunner(t.Context(), duckdb.RunnerOptions{Allowed: []string{dir}, Memory: 1 << 30, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	c, err := cache.Open(filepath.Join(dir, "cache"), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	february := hindcast.Interval{Start: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC)}
	tables := []engine.Table{
		{Name: "facts", Time: "day", Window: hindcast.Interval{Start: january.Start, End: february.End}, Own: february, Columns: []hindcast.Column{
			{Name: "id", Type: "BIGINT"}, {Name: "day", Type: "DATE"}, {Name: "account", Type: "BIGINT"}, {Name: "cost", Type: "DECIMAL(18,6)"},
			{Name: "odd \"na.me\"", Type: "VARCHAR"}, {Name: "tags", Type: "STRUCT(a BIGINT, b VARCHAR)"}, {Name: "list", Type: "BIGINT[]"},
			{Name: "took", Type: "INTERVAL", Stored: "VARCHAR"}, {Name: "moment", Type: "TIMESTAMP"}, {Name: "region", Type: "VARCHAR"}}},
		{Name: "accounts", Columns: []hindcast.Column{{Name: "id", Type: "BIGINT"}, {Name: "name", Type: "VARCHAR"}, {Name: "parent", Type: "BIGINT"},
			{Name: "note", Type: "VARCHAR"}, {Name: "weight", Type: "DOUBLE"}}},
		{Name: "days", Columns: []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "week", Type: "BIGINT"}, {Name: "note", Type: "VARCHAR"}}},
	}
	w := &sparseWorld{runner: r, from: folder(dir), cache: c, tables: tables, files: map[string][]hindcast.File{
		"facts": {{Path: "facts-0.parquet"}, {Path: "facts-1.parquet"}}, "accounts": {{Path: "accounts.parquet"}}, "days": {{Path: "days.parquet"}}}}
	return w
}

func factRows(part int) string {
	return fmt.Sprintf(`SELECT i AS id, DATE '2019-12-15' + CAST(hash(i) %% 90 AS INTEGER) AS day, CAST(hash(i, 1) %% 1000 AS BIGINT) AS account,
		CAST(hash(i, 2) %% 100000 AS DECIMAL(18,6)) AS cost, 'odd ' || i %% 500 AS "odd ""na.me""", {'a': i, 'b': 'tag ' || hash(i, 3) %% 50} AS tags,
		[i, i %% 10] AS list, CAST(i %% 1000 AS VARCHAR) || ' seconds' AS took, TIMESTAMP '2020-01-01' + i * INTERVAL 1 SECOND AS moment,
		'region ' || hash(i, 4) %% 20 AS region FROM range(%d) r(i) WHERE i %% 2 = %d`, sparseRows, part)
}

func writeParquet(t *testing.T, path, query string) {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("COPY (" + query + ") TO " + duck.String(path) + " (FORMAT parquet, ROW_GROUP_SIZE 4096, WRITE_BLOOM_FILTER true)"); err != nil {
		t.Fatal(err)
	}
}

// over gives the query tables whose files are whole, or have the used columns only. Each copy is a new one: what an
// earlier query fetched is not there.
func (w *sparseWorld) over(t *testing.T, query string, used map[string][]string) engine.Query {
	t.Helper()
	q := engine.Query{SQL: query, File: "used.sql", TimeZone: "UTC"}
	c := w.cache
	if used != nil {
		var err error
		if c, err = cache.Open(filepath.Join(string(w.from), strings.ReplaceAll(t.Name(), "=", "")+fmt.Sprint(time.Now().UnixNano())), 1<<30); err != nil {
			t.Fatal(err)
		}
	}

	for _, table := range w.tables {
		columns := used[table.Name]
		paths, release, err := c.Local(t.Context(), w.from, w.files[table.Name], columns)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		table.Files = paths
		q.Tables = append(q.Tables, table)
	}
	return q
}

func (w *sparseWorld) used(t *testing.T, query string, checks ...engine.Check) map[string][]string {
	t.Helper()
	used, err := w.runner.Used(t.Context(), engine.Query{SQL: query, Tables: w.tables, TimeZone: "UTC"}, checks)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return used
}

// errWhole means that DuckDB does not answer the query at all.
var errWhole = errors.New("over whole files")

// compare runs the query over whole files and over those with the used columns only.
func (w *sparseWorld) compare(t *testing.T, query string) (used map[string][]string, err error) {
	t.Helper()
	rows := func(q engine.Query) (string, error) {
		got, err := w.runner.Query(t.Context(), q, engine.Limits{}, 0)
		if err != nil {
			return "", err
		}
		lines := make([]string, len(got.Values))
		for i, row := range got.Values {
			for _, v := range row {
				if v == nil {
					lines[i] += "NULL|"
				} else {
					lines[i] += *v + "|"
				}
			}
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n"), nil
	}
	want, err := rows(w.over(t, query, nil))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errWhole, err)
	}
	used = w.used(t, query)
	got, err := rows(w.over(t, query, used))
	if err != nil {
		return used, fmt.Errorf("over %q: %w", used, err)
	}
	if got != want {
		return used, fmt.Errorf("over %q: got\n%.400s\nwant\n%.400s", used, got, want)
	}
	return used, nil
}

// all is what a table is when nothing can be left out.
const all = "*"

// The columns that are used, and that they are enough: the same answer as over whole files.
func TestUsedColumnsAreEnough(t *testing.T) {
	w := newSparseWorld(t)
	for query, want := range map[string][3]string{
		"SELECT * FROM facts WHERE id < 500":                                                {all, "", ""},
		"SELECT COLUMNS(*) FROM facts WHERE id < 50":                                        {all, "", ""},
		"SELECT COLUMNS('^(id|cost)$') FROM facts":                                          {"id day cost", "", ""},
		"SELECT * EXCLUDE (tags, list, took) REPLACE (cost * 2 AS cost) FROM facts":         {`id day account cost odd "na.me" moment region`, "", ""},
		"SELECT facts FROM facts WHERE id < 20":                                             {all, "", ""},
		"SELECT count(*) FROM facts":                                                        {"day", "", ""},
		"SELECT count(*) FROM accounts":                                                     {"", "", ""},
		"SELECT 1 AS one FROM accounts WHERE 1 = 1":                                         {"", "", ""},
		"SELECT count(*) FROM accounts, days WHERE week < 3":                                {"", "", "week"},
		"SELECT max(day), min(id) FROM facts":                                               {"id day", "", ""},
		"SELECT region, sum(cost) FROM facts WHERE account % 3 = 0 GROUP BY region":         {"day account cost region", "", ""},
		"SELECT region FROM facts GROUP BY ALL HAVING max(moment) > TIMESTAMP '2020-01-01'": {"day moment region", "", ""},
		`SELECT count(DISTINCT "odd ""na.me""") FROM facts`:                                 {`day odd "na.me"`, "", ""},
		"SELECT max(took) FROM facts":                                                       {"day took", "", ""},
		"SELECT f.region, a.name, sum(f.cost) FROM facts f JOIN accounts a ON a.id = f.account WHERE a.weight > 100 GROUP BY ALL":                                                   {"day account cost region", "id name weight", ""},
		"SELECT f.id FROM facts f LEFT JOIN accounts a ON a.id = f.account":                                                                                                         {"id day account", "id", ""},
		"SELECT count(*) FROM facts JOIN days USING (day)":                                                                                                                          {"day", "", "day"},
		"SELECT count(*) FROM facts NATURAL JOIN days":                                                                                                                              {"day", "", "day"},
		"SELECT f.id FROM facts f SEMI JOIN accounts a ON a.id = f.account ANTI JOIN days d ON d.week = f.account":                                                                  {"id day account", "id", "week"},
		"SELECT d.week, f.day FROM days d ASOF JOIN facts f ON d.day >= f.day":                                                                                                      {"day", "", "day week"},
		"SELECT count(*) FROM accounts POSITIONAL JOIN days WHERE name IS NOT NULL":                                                                                                 {"", "name", ""},
		"SELECT id FROM facts WHERE account IN (SELECT id FROM accounts WHERE name LIKE '%9')":                                                                                      {"id day account", "id name", ""},
		"SELECT id, (SELECT max(name) FROM accounts a WHERE a.parent = f.account) FROM facts f":                                                                                     {"id day account", "name parent", ""},
		"SELECT f.id, x.n FROM facts f, LATERAL (SELECT count(*) AS n FROM accounts a WHERE a.parent = f.account) x":                                                                {"id day account", "parent", ""},
		"SELECT id FROM facts WHERE EXISTS (SELECT * FROM accounts a WHERE a.id = account AND a.weight > 700)":                                                                      {"id day account", "id weight", ""},
		"WITH c AS (SELECT * FROM facts) SELECT max(cost) FROM c":                                                                                                                   {"day cost", "", ""},
		"WITH c AS MATERIALIZED (SELECT * FROM facts) SELECT a.id FROM c a JOIN c b ON a.id = b.account":                                                                            {"id day account", "", ""},
		"WITH c AS NOT MATERIALIZED (SELECT * FROM facts) SELECT max(a.cost), max(b.moment) FROM c a, c b WHERE a.id = b.id":                                                        {"id day cost moment", "", ""},
		"WITH RECURSIVE up AS (SELECT id, parent FROM accounts WHERE id = 999 UNION ALL SELECT a.id, a.parent FROM accounts a JOIN up ON a.id = up.parent) SELECT count(*) FROM up": {"", "id parent", ""},
		"SELECT tags.b, count(*) FROM facts GROUP BY ALL":                                                                                                                           {"day tags", "", ""},
		"SELECT struct_extract(tags, 'a') FROM facts WHERE tags.b = 'tag 7'":                                                                                                        {"day tags", "", ""},
		"SELECT count(*) FROM (SELECT unnest(list) AS v FROM facts) WHERE v > 5":                                                                                                    {"day list", "", ""},
		"SELECT list_sum(list) + len(list) FROM facts":                                                                                                                              {"day list", "", ""},
		"SELECT list_transform(list, lambda x: x + account) FROM facts":                                                                                                             {"day account list", "", ""},
		"SELECT id, sum(cost) OVER (PARTITION BY region ORDER BY moment, id) FROM facts":                                                                                            {"id day cost moment region", "", ""},
		"SELECT id FROM facts QUALIFY row_number() OVER (PARTITION BY account ORDER BY cost DESC, id) = 1":                                                                          {"id day account cost", "", ""},
		"SELECT id, region FROM (SELECT *, row_number() OVER (PARTITION BY day ORDER BY cost, id) n FROM facts) WHERE n <= 2":                                                       {"id day cost region", "", ""},
		"SELECT DISTINCT ON (region) region, id FROM facts ORDER BY region, cost, id":                                                                                               {"id day cost region", "", ""},
		"SELECT DISTINCT region FROM facts":                                                                                                                                         {"day region", "", ""},
		"SELECT id, tags FROM facts ORDER BY cost DESC, id LIMIT 7":                                                                                                                 {"id day cost tags", "", ""},
		"FROM (PIVOT (SELECT region, account, cost FROM facts) ON region IN ('region 1', 'region 2') USING sum(cost) GROUP BY account)":                                             {"day account cost region", "", ""},
		"FROM (UNPIVOT (SELECT id, account, cost FROM facts) ON account, cost INTO NAME n VALUE v) WHERE v > 99000":                                                                 {"id day account cost", "", ""},
		"SELECT region FROM facts UNION ALL SELECT name FROM accounts":                                                                                                              {"day region", "name", ""},
		"SELECT region FROM facts UNION SELECT name FROM accounts":                                                                                                                  {"day region", "name", ""},
		"SELECT account FROM facts EXCEPT SELECT id FROM accounts INTERSECT SELECT week FROM days":                                                                                  {"day account", "id", "week"},
		"SELECT region, GROUPING(region, account), sum(cost) FROM facts GROUP BY ROLLUP (region, account)":                                                                          {"day account cost region", "", ""},
		"SELECT arg_max(region, cost * 1000000 + id), count(account) FROM facts":                                                                                                    {"id day account cost region", "", ""},
		"SELECT count(*) FILTER (WHERE region = 'region 3'), string_agg(DISTINCT region, ',' ORDER BY region) FROM facts":                                                           {"day region", "", ""},
		"SELECT CASE WHEN cost > 10 THEN region ELSE 'x' END FROM facts":                                                                                                            {"day cost region", "", ""},
		"SELECT id FROM facts WHERE false":                                                                                                                                          {"id day", "", ""},
		"SELECT id FROM facts WHERE cost > 1e12":                                                                                                                                    {"id day cost", "", ""},
		"SELECT id FROM facts LIMIT 0":                                                                                                                                              {"id day", "", ""},
		"SELECT 1 AS nothing":                                                                                                                                                       {"", "", ""},
		"VALUES (1), (2)":                                                                                                                                                           {"", "", ""},
		"SELECT count(*) FROM (SELECT f.*, a.* FROM facts f JOIN accounts a ON a.id = f.account)":                                                                                   {"day account", "id", ""},
		"SELECT column_name FROM (SUMMARIZE accounts)":                                                                                                                              {"", all, ""},
	} {
		used, err := w.compare(t, query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		for i, table := range w.tables {
			expected := want[i]
			if expected == "" && table.Time != "" {
				expected = table.Time
			}
			if expected == all {
				var names []string
				for _, c := range table.Columns {
					names = append(names, c.Name)
				}
				expected = strings.Join(names, " ")
			}
			if columns, sure := used[table.Name]; !sure || strings.Join(columns, " ") != expected {
				t.Errorf("%s\n\tuses of %s %q (sure: %t), want %q", query, table.Name, columns, sure, expected)
			}
		}
	}
}

// Where it cannot be known, or not exactly, more is read and never less.
func TestUsedColumnsWhereItIsNotSure(t *testing.T) {
	w := newSparseWorld(t)
	for _, query := range []string{
		"PIVOT (SELECT region, cost FROM facts) ON region USING sum(cost)",
		"FROM (PIVOT (SELECT region, cost FROM facts) ON region USING sum(cost))",
		"DESCRIBE facts",
		"WITH c AS (SELECT * FROM accounts), u AS (SELECT * FROM c UNION SELECT * FROM c) SELECT count(*) FROM u",
		"WITH c AS (SELECT * FROM accounts), u AS (SELECT * FROM c UNION ALL SELECT * FROM c) SELECT count(*) FROM u",
		"WITH c AS MATERIALIZED (SELECT * FROM accounts) SELECT count(*) FROM c, (SELECT 1 FROM c LIMIT 1)",
		"SELECT a.id FROM (SELECT * FROM facts WHERE cost > 50000) a JOIN (SELECT * FROM facts WHERE cost > 50000) b ON a.id = b.id",
		"SELECT id, cost - avg(cost) OVER (PARTITION BY region) FROM facts",
		"SELECT f.id FROM facts f JOIN (SELECT region, max(cost) AS m FROM facts GROUP BY region) x ON x.region = f.region AND x.m = f.cost",
	} {
		if _, err := w.compare(t, query); err != nil && !errors.Is(err, errWhole) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// What depends on which columns a table has, though it reads none of them, leaves nothing sure.
func TestUsedColumnsWhereTheyAreTold(t *testing.T) {
	w := newSparseWorld(t)
	for _, query := range []string{"SELECT column_name FROM (DESCRIBE days)", "SELECT id FROM facts WHERE EXISTS (FROM (DESCRIBE accounts))",
		"SELECT column_name FROM duckdb_columns() WHERE table_name = 'days'", "SELECT name FROM pragma_table_info('days')"} {
		if used := w.used(t, query); len(used) != 0 {
			t.Errorf("%s: %q", query, used)
		}
	}
	check := engine.Check{Check: hindcast.Check{Name: "columns", SQL: "SELECT column_name FROM (DESCRIBE facts) WHERE column_name = 'old'"}}
	if used := w.used(t, "SELECT id FROM facts", check); len(used) != 0 {
		t.Errorf("by a check: %q", used)
	}
}

func TestUsedColumnsOfChecks(t *testing.T) {
	w := newSparseWorld(t)
	const query = "SELECT day, sum(cost) AS total FROM facts GROUP BY day"
	for name, c := range map[string]struct {
		check hindcast.Check
		want  [3]string
	}{
		"rows":               {hindcast.Check{Rows: &hindcast.RowsCheck{Min: limit(1)}}, [3]string{"day cost", "", ""}},
		"total":              {hindcast.Check{Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT sum(cost) FROM facts WHERE region <> 'x';"}}, [3]string{"day cost region", "", ""}},
		"relationships":      {hindcast.Check{Related: &hindcast.RelatedCheck{Column: "day", To: "days", Field: "day"}}, [3]string{"day cost", "", "day"}},
		"sql":                {hindcast.Check{SQL: "SELECT name FROM accounts WHERE weight < 0 ;\n"}, [3]string{"day cost", "name weight", ""}},
		"sql over result":    {hindcast.Check{SQL: "SELECT * FROM result r WHERE NOT EXISTS (SELECT 1 FROM days d WHERE d.day = r.day)"}, [3]string{"day cost", "", "day"}},
		"sql with a comment": {hindcast.Check{SQL: "SELECT id FROM facts WHERE moment < TIMESTAMP '2019-01-01' -- never"}, [3]string{"id day cost moment", "", ""}},
	} {
		c.check.Name = name
		checks := []engine.Check{{Check: c.check}}
		used := w.used(t, query, checks...)
		for i, table := range w.tables {
			if got := strings.Join(used[table.Name], " "); got != c.want[i] {
				t.Errorf("%s: uses of %s %q, want %q", name, table.Name, got, c.want[i])
			}
		}
		dir := filepath.Join(string(w.from), "staging", strings.ReplaceAll(name, " ", "-"))
		work := engine.Work{Tag: name, Slice: hindcast.Slice{Key: "all", Interval: w.tables[0].Window}, Query: w.over(t, query, used), Columns: dayTotal,
			Target: hindcast.Target{Table: "out", Time: "day"}, Checks: checks, Dir: dir}
		work.Query.Tables[0].Own = work.Query.Tables[0].Window
		if _, err := w.runner.Run(t.Context(), work); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var (
	january  = hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}
	dayTotal = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "total", Type: "DECIMAL(38,6)"}}
)

func limit(n int64) *int64 { return &n }

// It asks for plans with optimizers off, and leaves them on.
func TestUsedLeavesNothingBehind(t *testing.T) {
	w := newSparseWorld(t)
	w.used(t, "SELECT id FROM facts", engine.Check{Check: hindcast.Check{Name: "c", SQL: "SELECT * FROM result"}})
	for query, want := range map[string]string{
		"SELECT current_setting('disabled_optimizers') AS v":                                           "",
		"SELECT CAST(count(*) AS VARCHAR) AS v FROM duckdb_tables() WHERE table_name LIKE 'hindcast%'": "0",
		"SELECT CAST(count(*) > 1000 AS VARCHAR) AS v FROM facts":                                      "true",
	} {
		rows, err := w.runner.Query(t.Context(), w.over(t, query, nil), engine.Limits{}, 0)
		if err != nil || *rows.Values[0][0] != want {
			t.Errorf("%s: %v, %v", query, rows.Values, err)
		}
	}

	if _, err := w.runner.Used(t.Context(), engine.Query{SQL: "SELECT nothing FROM facts", Tables: w.tables}, nil); err != nil {
		t.Errorf("SQL that does not bind is for Bind to refuse: %v", err)
	}
}

// writer writes random queries over the world's tables.
type writer struct{ *rand.Rand }

func (w writer) of(options ...string) string { return options[w.IntN(len(options))] }

// source is something for FROM, with columns k (a number), v (a number) and s (a text).
func (w writer) source(depth int) string {
	plain := w.of("SELECT account AS k, CAST(cost AS BIGINT) AS v, region AS s FROM facts", "SELECT id AS k, CAST(weight AS BIGINT) AS v, name AS s FROM accounts",
		"SELECT week AS k, week * 2 AS v, note AS s FROM days", `SELECT id AS k, tags.a AS v, "odd ""na.me""" AS s FROM facts`,
		"SELECT *, parent AS k, CAST(weight AS BIGINT) AS v, note AS s FROM accounts", "SELECT *, account AS k, len(list) AS v, tags.b AS s FROM facts",
		"SELECT k, v, s FROM c1", "SELECT * FROM c1")
	if depth == 0 {
		return "(" + plain + ")"
	}
	a, b := w.source(depth-1), w.source(depth-1)
	n := w.IntN(50)
	return "(" + w.of(
		plain,
		fmt.Sprintf("SELECT * FROM %s WHERE k %% 7 = %d", a, n%7),
		fmt.Sprintf("SELECT k, sum(v) AS v, max(s) AS s FROM %s GROUP BY k HAVING count(*) > %d", a, n%3),
		fmt.Sprintf("SELECT k, v, s FROM %s UNION ALL SELECT k, v, s FROM %s", a, b),
		fmt.Sprintf("SELECT k, v, s FROM %s %s SELECT k, v, s FROM %s", a, w.of("UNION", "EXCEPT", "INTERSECT"), b),
		fmt.Sprintf("SELECT a.k, b.v, a.s FROM %s a %s JOIN (SELECT k, max(v) AS v FROM %s GROUP BY k) b ON a.k = b.k", a, w.of("", "LEFT", "RIGHT", "FULL"), b),
		fmt.Sprintf("SELECT * FROM %s a %s JOIN (SELECT DISTINCT k AS kk FROM %s) b ON a.k = b.kk", a, w.of("SEMI", "ANTI"), b),
		fmt.Sprintf("SELECT * FROM %s a WHERE %s (SELECT 1 FROM %s b WHERE b.k = a.k AND b.v > %d)", a, w.of("EXISTS", "NOT EXISTS"), b, n),
		fmt.Sprintf("SELECT * FROM %s a WHERE k %s (SELECT k FROM %s WHERE s IS NOT NULL AND k IS NOT NULL)", a, w.of("IN", "NOT IN"), b),
		fmt.Sprintf("SELECT k, v - (SELECT CAST(avg(v) AS BIGINT) FROM %s) AS v, s FROM %s", b, a),
		fmt.Sprintf("SELECT k, v, s FROM (SELECT *, %s OVER (PARTITION BY k %% 50 ORDER BY v, s, k) AS n FROM %s) WHERE n <= %d",
			w.of("row_number()", "rank()", "count(*)"), a, 1+n%3),
		fmt.Sprintf("SELECT k, max(v) OVER (PARTITION BY s) AS v, s FROM %s", a),
		fmt.Sprintf("SELECT k, v, s FROM %s ORDER BY v, k, s LIMIT %d", a, n),
		fmt.Sprintf("SELECT DISTINCT k, 1 AS v, s FROM %s", a),
		fmt.Sprintf("SELECT a.k, x.v, a.s FROM (SELECT DISTINCT k, s FROM %s) a, LATERAL (SELECT max(v) AS v FROM %s b WHERE b.k = a.k) x", a, b),
		fmt.Sprintf("SELECT k, CAST(x AS BIGINT) AS v, s FROM (SELECT k, s, unnest([v, k]) AS x FROM %s)", a),
	) + ")"
}

func (w writer) query() string {
	with := fmt.Sprintf("WITH c1 AS %s (SELECT * FROM %s) ", w.of("", "MATERIALIZED", "NOT MATERIALIZED"),
		strings.ReplaceAll(w.source(w.IntN(2)), "c1", "(SELECT id AS k, CAST(weight AS BIGINT) AS v, name AS s FROM accounts) AS d1"))
	from := w.source(1 + w.IntN(2))
	return with + w.of(
		"SELECT count(*) FROM "+from,
		"SELECT count(*), count(DISTINCT s) FROM "+from,
		"SELECT k % 10 AS k, sum(v) FROM "+from+" GROUP BY ALL",
		"SELECT max(s) FROM "+from+" WHERE v > 10",
		"SELECT bit_xor(hash(t)) FROM "+from+" AS t",
		"SELECT count(*) FROM "+from+" AS a, (SELECT count(*) FROM c1) AS n",
		"SELECT s FROM "+from+" GROUP BY ALL ORDER BY s LIMIT 5",
	)
}

var queries = flag.Int("queries", 25, "random queries whose used columns are tried")

// Random SQL over the used columns gives what it gives over whole files.
func TestUsedColumnsOfAnyQuery(t *testing.T) {
	w := newSparseWorld(t)
	seed := uint64(time.Now().UnixNano())
	sure, saved := 0, 0
	for i := range *queries {
		query := writer{rand.New(rand.NewPCG(seed+uint64(i), 0))}.query()
		used, err := w.compare(t, query)
		if err != nil && !errors.Is(err, errWhole) {
			t.Errorf("seed %d: %s\n%v", seed+uint64(i), query, err)
		}
		for _, table := range w.tables {
			if columns, is := used[table.Name]; is {
				if sure++; len(columns) < len(table.Columns) {
					saved++
				}
			}
		}
	}

	if sure < *queries*len(w.tables)*9/10 || saved < sure/2 {
		t.Errorf("it was sure of %d of %d tables, and left columns out of %d", sure, *queries*len(w.tables), saved)
	}
}
