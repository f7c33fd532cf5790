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
	run     func(string) cases.Ran
	options dialect.Options
	counts  map[string]int // by outcome
	refused map[string]int // by why
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
	c := &trial{t: t, pg: pg, counts: map[string]int{}, refused: map[string]int{},
		options: dialect.Options{From: from, To: to, Schema: schemaOf(tables), Settings: dialect.Settings{Collation: "C"}}}
	if to == dialect.DuckDB {
		c.run = onDuckDB(t, tables)
	} else {
		c.run = onSpark(t, string(to), tables, "")
	}
	return c
}

// judge says what became of so many tries. They say nothing if fewer than least are equal.
func (c *trial) judge(tried, least int) {
	c.t.Helper()
	c.t.Logf("seed %d: %d tries, %v", *seed, tried, c.counts)
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
	sql, ok := c.translate(query)
	want := ask(c.t, c.pg, query)
	if ok && want.Error == "" {
		if got := c.run(sql); got.Raised == "" && (cases.Case{Want: want}).Difference(got.Result) == "" {
			c.counts[cases.Equal] += len(list)
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
	for _, n := range []int{1, 2, 3, 5, 8, 13, 21} {
		c.query(fmt.Sprintf("%s WHERE a.id = %d", query, n))
	}
}

func (c *trial) translate(query string) (string, bool) {
	out, err := dialect.Translate(query, c.options)
	refusals, refused := errors.AsType[dialect.Refusals](err)
	if err != nil && !refused {
		c.t.Fatalf("%s: %v", query, err)
	}
	if refused {
		c.counts[cases.Refused]++
		c.refused[whys.ReplaceAllString(refusals[0].Why, "…")]++
	}
	return out.SQL, !refused
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

// query compares a query. Where several errors are to be raised, which of them comes first is nobody's promise.
func (c *trial) query(query string) {
	sql, ok := c.translate(query)
	if !ok {
		return
	}
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
	switch {
	case outcome != cases.Failed && outcome != cases.Wrong:
	case (want.Error != "") != (got.Raised != "") && c.folded(query, sql):
		outcome = "folded"
	case outcome == cases.Failed && tooLong.MatchString(got.Raised) && !strings.Contains(got.Raised, "No function matches"):
		outcome = "too long"
	case outcome == cases.Failed && want.Error != "":
		outcome = "other error"
	}
	c.counts[outcome]++
	if outcome == cases.Failed || outcome == cases.Wrong {
		c.t.Errorf("%s: %s\n%s\n%s", outcome, why, query, sql)
	}
}

var verbose = flag.Bool("random-more", false, "say more of random queries")
