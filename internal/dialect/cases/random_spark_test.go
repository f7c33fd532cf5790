package cases_test

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// Random expressions, many to a SELECT, and random queries give PostgreSQL's rows on Spark, raise what it raises, or are refused.
func TestRandomOnSpark(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv(sparks)) {
		t.Run(name, func(t *testing.T) {
			m := &maker{Rand: rand.New(rand.NewPCG(*seed, 35))}
			dsn := pgtest.Shared(t).Database(t)
			pg := pgtest.Connect(t, dsn)
			for _, make := range []string{m.values("tame", 24, tame), m.values("wild", 24, wild), "CREATE TABLE none " + randomTable, "SET TimeZone = 'UTC'"} {
				pgtest.Query(t, pg, make)
			}
			tables := unloadedFrom(t, dsn)
			c := trial{t: t, pg: pg, duck: onSpark(t, name, tables, ""), counts: map[string]int{}, refused: map[string]int{},
				options: dialect.Options{From: dialect.Postgres, To: dialect.Target(name), Schema: schemaOf(tables), Settings: dialect.Settings{Collation: "C"}}}

			for tried := 0; tried < *randoms; tried += batch + batch/8 {
				c.expressions(m)
				for range batch / 8 { // each is a job of its own
					c.query(m.query())
				}
			}
			t.Logf("seed %d: %v", *seed, c.counts)
			whys := slices.SortedFunc(maps.Keys(c.refused), func(a, b string) int { return cmp.Compare(c.refused[b], c.refused[a]) })
			for _, why := range whys[:min(len(whys), 60)] {
				t.Logf("%6d refused: %s", c.refused[why], why)
			}
			if c.counts[cases.Equal] < *randoms/4 {
				t.Errorf("of %d only %d are equal: too few to say anything", *randoms, c.counts[cases.Equal])
			}
		})
	}
}
