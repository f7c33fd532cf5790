package cases_test

import (
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/dialect/parse"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// raisingRows tells in which rows of a table an expression raises.
const raisingRows = `CREATE FUNCTION raising_rows(expression text, of text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n integer; rows text := '';
BEGIN
 FOR n IN EXECUTE 'SELECT id FROM ' || of LOOP
  BEGIN
   EXECUTE 'SELECT a.id, ' || expression || ' FROM ' || of || ' a WHERE a.id = ' || n;
  EXCEPTION WHEN others THEN rows := rows || ', ' || n;
  END;
 END LOOP;
 RETURN substr(rows, 3);
END $$`

// Random expressions, many to a SELECT, and random queries give PostgreSQL's rows on Spark, raise what it raises, or are refused.
func TestRandomOnSpark(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv(sparks)) {
		t.Run(name, func(t *testing.T) {
			m := &maker{Rand: rand.New(rand.NewPCG(*seed, 35))}
			c := trialOf(t, dialect.Postgres, dialect.Target(name), m.randomTables()...)
			pgtest.Query(t, c.pg, raisingRows)
			for tried := 0; tried < *randoms; tried += batch {
				c.fewStatements(m, pick(m, "tame", "wild"))
				c.query(m.query())
				if tried%1000 == 0 {
					t.Logf("%d: %v", tried, c.counts)
				}
			}
			c.judge(*randoms, *randoms/4)
		})
	}
}

// fewStatements compares a batch of expressions. Each statement costs Spark a job: those that raise nowhere are compared together, the others
// together in the rows in which none of them raises, and apart in one row in which they do.
func (c *trial) fewStatements(m *maker, table string) {
	m.from = []string{"a"}
	var never, some []string
	rows := map[string]string{} // in which an expression raises
	for range batch {
		x := m.expr(pick(m, kinds...), 1+m.IntN(3))
		query := "SELECT a.id, " + x + " FROM " + table + " a"
		if _, ok := c.translate(query); !ok {
			continue
		}
		switch want := ask(c.t, c.pg, query); {
		case want.Error == "":
			never = append(never, x)
		case !cases.AtRun(want.Error):
			c.counts["wrong in itself"]++
		default:
			some = append(some, x)
			rows[x] = ask(c.t, c.pg, "SELECT raising_rows("+quote(x)+", "+quote(table)+")").Rows[0][0].Text
		}
	}

	c.together(table, never, rows)
	c.together(table, some, rows)
	for _, x := range some {
		row, _, _ := strings.Cut(rows[x], ", ")
		c.raises(table+" a WHERE a.id = "+row, x)
	}
}

// sql is the translation of what has been counted, or is no more than a part of that.
func (c *trial) sql(query string) (string, bool) {
	out, err := dialect.Translate(query, c.options)
	return out.SQL, err == nil
}

// together compares expressions in the rows in which none of them raises, or apart where few such rows are left or something differs.
func (c *trial) together(table string, list []string, rows map[string]string) {
	if len(list) == 0 {
		return
	}
	var without []string
	for _, x := range list {
		if rows[x] != "" {
			without = append(without, rows[x])
		}
	}
	query := "SELECT a.id, " + strings.Join(list, ", ") + " FROM " + table + " a"
	if len(without) > 0 {
		query += " WHERE a.id NOT IN (" + strings.Join(without, ", ") + ")"
	}
	if len(list) == 1 {
		c.query(query)
		return
	}
	want := ask(c.t, c.pg, query)
	if sql, ok := c.sql(query); ok && want.Error == "" && len(want.Rows) >= 6 {
		got := c.run(sql)
		if got.Raised == "" && (cases.Case{Want: want}).Difference(got.Result) == "" {
			c.counts[cases.Equal] += len(list)
			return
		}
	}
	c.together(table, list[:len(list)/2], rows)
	c.together(table, list[len(list)/2:], rows)
}

// raises compares an expression in a row in which it raises.
func (c *trial) raises(from, x string) {
	query := "SELECT a.id, " + x + " FROM " + from
	sql, ok := c.sql(query)
	if !ok {
		return
	}
	got := c.run(sql)
	switch outcome, _ := (cases.Case{Want: ask(c.t, c.pg, query)}).Outcome(got); {
	case got.Raised != "" && outcome == cases.Failed:
		c.counts["other error"]++
	case got.Raised != "":
		c.counts[outcome]++
	case c.needless(from, x):
		c.counts["needless"]++ // PostgreSQL's documentation promises to compute no more of an expression than its value needs
	default:
		c.query(query)
	}
}

// needless reports whether what raises in an expression stands beside a NULL, which decides on the value: Spark does not compute it then.
func (c *trial) needless(from, x string) bool {
	null, raising, inner := false, false, true
	for _, operand := range operands(c.t, x) {
		query := "SELECT a.id, (" + operand + ") FROM " + from
		want := ask(c.t, c.pg, query)
		switch {
		case want.Error == "":
			null = null || len(want.Rows) == 1 && want.Rows[0][1].Null
			continue
		case !cases.AtRun(want.Error):
			continue
		}
		sql, ok := c.sql(query)
		if raising = true; !ok { // an interval is no value by itself
			continue
		}
		if c.run(sql).Raised != "" {
			inner = false
		} else if !c.needless(from, operand) {
			return false
		}
	}
	return raising && (null || inner)
}

// operands are the expressions that an expression is made of.
func operands(t *testing.T, x string) (all []string) {
	t.Helper()
	text := "SELECT " + x
	script, err := parse.Script(text, parse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	of := script[0].(*ast.Result).Query.Body.(*ast.Select).Items[0].X
	node := reflect.ValueOf(of).Elem()
	for i := range node.NumField() {
		switch field := node.Field(i).Interface().(type) {
		case ast.Expr:
			all = append(all, field.Span().In(text))
		case []ast.Expr:
			for _, one := range field {
				all = append(all, one.Span().In(text))
			}
		}
	}
	return all
}
