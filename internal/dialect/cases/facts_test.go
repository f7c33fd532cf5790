package cases_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/duck"
)

// known is a schema with what holds for all values of the tables.
func known(t *testing.T, tables []table) dialect.Schema {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	schema := schemaOf(tables)
	for i, one := range tables {
		facts(t, db, one, schema.Tables[i].Columns)
	}
	return schema
}

// Random queries give the same without the guards that what is known of the columns makes needless, and raise where they raise with them.
func TestRandomFacts(t *testing.T) {
	for _, from := range []dialect.Source{dialect.Redshift, dialect.Postgres} {
		t.Run(string(from), func(t *testing.T) {
			m := &maker{Rand: rand.New(rand.NewPCG(*seed, 18))}
			c := trialOf(t, from, dialect.DuckDB, append(m.randomTables(), "UPDATE wild SET v = rtrim(v), v3 = translate(v3, 'é', 'e')",
				"UPDATE wild SET s = 1 + abs(s % 50), j = abs(j % 1000), p = least(abs(p), 900) + 0.01, q = -least(abs(q), 99999) - 0.000001, dt = CASE WHEN dt BETWEEN '0001-01-01' AND '9999-12-31' THEN dt ELSE '2000-02-29' END, "+
					"ts = CASE WHEN ts BETWEEN '1970-01-02' AND '2037-12-30' THEN ts ELSE '2024-02-29 12:00' END",
				"UPDATE tame SET id = id - 12, i = 2 + abs(i), b = -1 - abs(b % 100000)")...)
			lean := c.options
			lean.Schema = known(t, c.tables)
			if from == dialect.Postgres {
				c.options.Settings.Collation, lean.Settings.Collation = "en_US.utf8", "en_US.utf8"
			}
			makers := []func() string{m.query, m.single, m.script, m.matching, func() string { return inRedshift(m.reading()) }}
			if from == dialect.Postgres {
				makers = makers[:4]
			}
			for range *randoms {
				c.leaner(makers[m.IntN(len(makers))](), lean)
			}
			c.judge(*randoms, *randoms/1200)
		})
	}
}

// The cases give the same without the guards that what is known of the columns makes needless.
func TestFactsOfCases(t *testing.T) {
	tables := unloaded(t)
	c := &trial{t: t, run: onDuckDB(t, tables), counts: map[string]int{}, refused: map[string]int{}, differs: t.Errorf}
	c.options = dialect.Options{To: dialect.DuckDB, Schema: schemaOf(tables), Settings: dialect.Settings{Collation: "C"}}
	lean := c.options
	lean.Schema = known(t, tables)
	all := corpus(t)
	for _, one := range all {
		for _, from := range one.Dialects {
			c.options.From, lean.From = dialect.Source(from), dialect.Source(from)
			c.leaner(one.Query, lean)
		}
	}
	c.judge(len(all), 50)
}

// shown are a result's rows, in order where a query says which.
func shown(result cases.Result, query string) []string {
	rows := make([]string, len(result.Rows))
	for i, row := range result.Rows {
		rows[i] = fmt.Sprintf("%+v", row)
	}
	if !total(query) {
		slices.Sort(rows)
	}
	return rows
}

// leaner compares what a translation gives with what it gives where more is known of columns, if that is another one.
func (c *trial) leaner(query string, lean dialect.Options) {
	c.t.Helper()
	guarded, ok := c.translate(query)
	if !ok {
		return
	}
	out, err := dialect.Translate(query, lean)
	if err != nil {
		c.differs("refused where more is known: %v\n%s", err, query)
		return
	}
	if out.SQL == guarded.SQL {
		return
	}
	c.compared++
	want, got := c.run(guarded.SQL), c.run(out.SQL)
	switch {
	case want.Raised != "" && got.Raised != "":
		c.counts["raised"]++
	case want.Raised == "" && got.Raised == "":
		if !slices.Equal(guarded.Columns, out.Columns) {
			c.differs("other columns: %v and %v\n%s", guarded.Columns, out.Columns, query)
		}
		if a, b := shown(want.Result, query), shown(got.Result, query); !slices.Equal(a, b) {
			c.differs("%q, and without guards %q\n%s\n%s\n%s", a, b, query, guarded.SQL, out.SQL)
			return
		}
		c.counts[cases.Equal]++
	case got.Raised == "" && c.literally(out.SQL).Raised != "":
		c.counts["hidden"]++
	default:
		c.differs("with guards %q, without %q\n%s\n%s\n%s", want.Raised, got.Raised, query, guarded.SQL, out.SQL)
	}
}
