package cases_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/pgtest"
)

var (
	randoms = flag.Int("random", 1200, "how many random expressions and queries are compared with PostgreSQL")
	seed    = flag.Uint64("seed", 1, "what random queries begin with")
)

// batch is how many expressions stand in one SELECT.
const batch = 40

// trial compares random SQL on PostgreSQL and an engine.
type trial struct {
	t       *testing.T
	pg      *pgconn.PgConn
	tables  []table
	run     func(string) cases.Ran
	options dialect.Options
	counts  map[string]int // by outcome, of an expression that raises of some of its rows
	refused map[string]int // by why
	// compared is how many expressions and queries were translated, and are right in themselves.
	compared int
	differs  func(format string, args ...any)
}

// randomTables make the tables that random SQL reads.
func (m *maker) randomTables() []string {
	return []string{m.values("tame", 24, tame), m.values("wild", 24, wild), "CREATE TABLE none " + randomTable}
}

// trialOf is a trial over tables that statements make in both.
func trialOf(t *testing.T, from dialect.Source, to dialect.Target, statements ...string) *trial {
	t.Helper()
	dsn := pgtest.Shared(t).Database(t)
	pg := pgtest.Connect(t, dsn)
	for _, s := range append(statements, "SET TimeZone = 'UTC'") {
		pgtest.Query(t, pg, s)
	}
	tables := unloadedFrom(t, dsn)
	c := &trial{t: t, pg: pg, tables: tables, counts: map[string]int{}, refused: map[string]int{}, differs: t.Errorf,
		options: dialect.Options{From: from, To: to, Schema: schemaOf(tables), Settings: dialect.Settings{Collation: "C"}}}
	if to == dialect.DuckDB {
		c.run = onDuckDB(t, tables)
	} else {
		c.run = onSpark(t, string(to), tables, "", true)
	}
	return c
}

// judge says what became of so many tries. They say nothing if fewer than least are equal.
func (c *trial) judge(tried, least int) {
	c.t.Helper()
	c.t.Logf("seed %d: of %d tries %d compared, %v", *seed, tried, c.compared, c.counts)
	whys := slices.SortedFunc(maps.Keys(c.refused), func(a, b string) int { return cmp.Compare(c.refused[b], c.refused[a]) })
	for _, why := range whys[:min(len(whys), 60)] {
		c.t.Logf("%6d refused: %s", c.refused[why], why)
	}
	if c.counts[cases.Equal] < least {
		c.t.Errorf("of %d only %d are equal: too few to say anything", tried, c.counts[cases.Equal])
	}
}

// Random queries over random data give PostgreSQL's rows on DuckDB, raise what it raises, or are refused.
func TestRandom(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 14))}
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, m.randomTables()...)
	for tried := 0; tried < *randoms; tried += batch + batch/2 {
		c.expressions(m)
		for range batch / 2 {
			c.query(m.query())
		}
	}
	c.judge(*randoms, *randoms/4)
}

// expressions compares a SELECT of many expressions over a table.
func (c *trial) expressions(m *maker) {
	m.from = []string{"a"}
	c.batchOf(pick(m, "tame", "wild"), func() string { return m.expr(pick(m, kinds...), 1+m.IntN(3)) })
}

// batchOf compares a batch of expressions over a table; those that are refused are left out.
func (c *trial) batchOf(table string, expr func() string) {
	var list []string
	for range batch {
		x := expr()
		if _, ok := c.translate("SELECT a.id, " + x + " FROM " + table + " a"); ok {
			list = append(list, x)
		}
	}
	c.columns(table, list)
}

// columns compares expressions together, or apart where some of them raise.
func (c *trial) columns(table string, list []string) {
	if len(list) == 0 {
		return
	}
	query := "SELECT a.id, " + strings.Join(list, ", ") + " FROM " + table + " a"
	if len(list) == 1 {
		c.each(query)
		return
	}
	out, ok := c.translate(query)
	want := ask(c.t, c.pg, query)
	if ok && want.Error == "" {
		if got := c.run(out.SQL); got.Raised == "" && (cases.Case{Want: want}).Difference(got.Result) == "" && otherTypes(out.Columns, want.Types) == "" {
			c.counts[cases.Equal] += len(list)
			c.compared += len(list)
			return
		}
	}
	c.columns(table, list[:len(list)/2])
	c.columns(table, list[len(list)/2:])
}

// each compares an expression; one that raises is compared row by row, in some rows.
func (c *trial) each(query string) {
	want := ask(c.t, c.pg, query)
	if want.Error == "" || !cases.AtRun(want.Error) {
		c.query(query)
		return
	}
	before := c.compared
	defer func() { c.compared = min(c.compared, before+1) }()
	for _, n := range []int{1, 2, 3, 5, 8, 13, 21} {
		c.query(fmt.Sprintf("%s WHERE a.id = %d", query, n))
	}
}

func (c *trial) translate(query string) (dialect.Result, bool) {
	out, err := dialect.Translate(query, c.options)
	refusals, refused := errors.AsType[dialect.Refusals](err)
	if err != nil && !refused {
		c.t.Fatalf("%s: %v", query, err)
	}
	if refused {
		c.counts[cases.Refused]++
		c.refused[whys.ReplaceAllString(refusals[0].Why, "…")]++
	}
	return out, !refused
}

var whys = regexp.MustCompile(`\([0-9, ]+\)|"[^"]*"|column [a-z0-9]+`)

// tooLong is what DuckDB says of a number that has more digits than its type, of which the source's has more.
var tooLong = regexp.MustCompile(`(?i)DECIMAL|INT128|HUGEINT`)

// folded reports whether PostgreSQL computes part of a query before it runs: it raises for what no row needs, and nothing for what is NULL
// whatever the rows are. DuckDB adds up constants apart.
func (c *trial) folded(query, sql string) bool {
	if c.run("EXPLAIN "+sql).Raised != "" {
		return true
	}
	plan, err := c.pg.Exec(c.t.Context(), "EXPLAIN (VERBOSE, COSTS OFF) "+query).ReadAll()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(plan[0].Rows, func(row [][]byte) bool { return strings.Contains(string(row[0]), "NULL::") })
}

// filter is what leaves groups or rows out at the end of a query, FETCH … WITH TIES among it.
var filter = regexp.MustCompile(`(?s) (HAVING|QUALIFY) .*`)

// hidden reports whether it is the engine's optimizer that leaves an error out, with what no row of the result depends on: b * 10 = 1 is false
// whatever b is, and groups are filtered before their aggregates are computed, as rows are before their columns. PostgreSQL does the same with
// others, and promises no order.
func (c *trial) hidden(condition, sql string) bool {
	raises := func(sql string) bool {
		outcome, _ := cases.Case{Want: cases.Result{Error: condition}}.Outcome(c.literally(sql))
		return outcome == cases.Raised || outcome == cases.Guarded
	}
	return raises(sql) || filter.MatchString(sql) && raises(filter.ReplaceAllString(sql, ""))
}

// literally runs SQL without what leaves parts of it out.
func (c *trial) literally(sql string) cases.Ran {
	c.run("SET disabled_optimizers = 'expression_rewriter,filter_pullup,filter_pushdown,statistics_propagation,unused_columns,empty_result_pullup,in_clause,top_n,limit_pushdown'")
	defer c.run("SET disabled_optimizers = ''")
	return c.run(sql)
}

// query compares a query. Where several errors are to be raised, which of them comes first is nobody's promise.
func (c *trial) query(query string) {
	if out, ok := c.translate(query); ok {
		c.compare(query, out)
	}
}

// compare compares what PostgreSQL says of a query and an engine of a translation.
func (c *trial) compare(query string, out dialect.Result) {
	sql := out.SQL
	want := ask(c.t, c.pg, query)
	if want.Error != "" && !cases.AtRun(want.Error) {
		c.counts["wrong in itself"]++
		if *verbose {
			c.t.Logf("PostgreSQL: %s\n%s", want.Error, query)
		}
		return
	}
	got := c.run(sql)
	one := cases.Case{Want: want, Ordered: total(query)}
	outcome, why := one.Outcome(got)
	if other := otherTypes(out.Columns, want.Types); outcome == cases.Equal && other != "" && c.options.From == dialect.Postgres { // Redshift has others
		outcome, why = cases.Wrong, other
	}
	c.compared++
	switch {
	case outcome != cases.Failed && outcome != cases.Wrong:
	case (want.Error != "") != (got.Raised != "") && c.folded(query, sql):
		outcome = "folded"
	case want.Error != "" && got.Raised == "" && c.hidden(want.Error, sql):
		outcome = "hidden"
	case outcome == cases.Failed && tooLong.MatchString(got.Raised) && !strings.Contains(got.Raised, "No function matches"):
		outcome = "too long"
	case outcome == cases.Failed && want.Error != "":
		outcome = "other error"
	}
	c.counts[outcome]++
	if outcome == cases.Failed || outcome == cases.Wrong {
		c.differs("%s: %s\n%s\n%s", outcome, why, query, sql)
	}
}

// otherTypes says which types a translation takes its columns for that PostgreSQL does not give them. Which of its types of texts without padding
// one has matters nowhere.
func otherTypes(got []dialect.Output, want []cases.Type) string {
	if len(want) == 0 {
		return "" // without rows the types are not told
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d columns, not %d", len(got), len(want))
	}
	for i, t := range want {
		name, _, _ := strings.Cut(got[i].Type, "(")
		if one, short := shortTypes[name]; short {
			name = one
		}
		if name != t.Name && !(name == "varchar" && t.Name == "text") && !(name == "text" && t.Name == "varchar") {
			return fmt.Sprintf("column %d is taken for a %s, and is a %s", i+1, got[i].Type, t)
		}
	}
	return ""
}

var shortTypes = map[string]string{"double precision": "double", "character varying": "varchar", "character": "char", "timestamp without time zone": "timestamp",
	"timestamp with time zone": "timestamptz"}

var verbose = flag.Bool("random-more", false, "say more of random queries")
