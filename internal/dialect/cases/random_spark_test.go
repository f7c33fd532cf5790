package cases_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// Random expressions, many to a SELECT, and random queries give PostgreSQL's rows on Spark, raise what it raises, or are refused.
func TestRandomOnSpark(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv(sparks)) {
		t.Run(name, func(t *testing.T) {
			m := &maker{Rand: rand.New(rand.NewPCG(*seed, 35))}
			c := trialOf(t, dialect.Postgres, dialect.Target(name), m.randomTables()...)
			for tried := 0; tried < *randoms; tried += batch + batch/8 {
				c.expressions(m)
				for range batch / 8 { // each is a job of its own
					c.query(m.query())
				}
			}
			c.judge(*randoms, *randoms/4)
		})
	}
}
