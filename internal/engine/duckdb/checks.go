package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

func asSQL(err error) (*duck.SQLError, bool) { return errors.AsType[*duck.SQLError](err) }

// bindChecks checks the checks' SQL over an empty result.
func (r *Runner) bindChecks(ctx context.Context, columns []hindcast.Column, checks []engine.Check) error {
	if err := r.viewResult(ctx, columns, nil); err != nil {
		return err
	}
	for _, c := range checks {
		query := queryOf(c)
		if query == "" {
			continue
		}
		if err := r.examineCheck(ctx, query); err != nil {
			return c.At(err)
		}
		if _, err := r.describe(ctx, query); err != nil {
			return c.At(err)
		}
	}
	return nil
}

// examineCheck applies to a check's SQL the rules of the transform's: one SELECT, over what a slice has.
func (r *Runner) examineCheck(ctx context.Context, query string) error {
	q := engine.Query{SQL: query}
	text, start, err := q.Single()
	if err != nil {
		return err
	}
	return r.examine(ctx, text, start, q)
}

func (r *Runner) viewResult(ctx context.Context, columns []hindcast.Column, files []string) error {
	return r.makeView(ctx, "result", duck.FromParquet(columns, files))
}

// readsResult reports whether a check's SQL may read the result's rows again.
func readsResult(c engine.Check, columns []hindcast.Column) bool {
	if c.Total == nil {
		return queryOf(c) != ""
	}
	return knownSum(c.Total, columns, hindcast.Sums{}) == "" || strings.Contains(strings.ToLower(c.Total.Equals), "result")
}

func (r *Runner) unique(ctx context.Context, work engine.Work, keys []string) error {
	list := strings.Join(keys, ", ")
	query := "SELECT " + list + ", count(*) AS \"rows\" FROM result GROUP BY " + list + " HAVING count(*) > 1"
	var n int64
	if err := r.conn.QueryRowContext(ctx, "SELECT count(*) FROM ("+query+")").Scan(&n); err != nil || n == 0 {
		return duck.Translate(err)
	}
	return work.KeyTwice(n, r.sample(ctx, query))
}

// sample renders a few rows of a query, for an error's detail; none if that fails.
func (r *Runner) sample(ctx context.Context, query string) []string {
	columns, err := r.describe(ctx, query)
	if err != nil {
		return nil
	}
	rows, err := r.values(ctx, "SELECT "+texts(columns)+" FROM ("+query+") LIMIT "+fmt.Sprint(engine.Samples), len(columns))
	if err != nil {
		return nil
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		fields := make([]string, len(row))
		for j, v := range row {
			value := "NULL"
			if v != nil {
				value = *v
			}
			fields[j] = columns[j].Name + "=" + value
		}
		lines[i] = strings.Join(fields, "  ")
	}
	return lines
}

// holdAtOnce asks in one statement whether all checks that are queries hold: over few rows, planning a query of its own for each costs more than
// running it. If the answer is no, one of them does not hold, or fails: asking them one by one shows which.
func (r *Runner) holdAtOnce(ctx context.Context, work engine.Work, sums hindcast.Sums) bool {
	var list []string
	for _, c := range work.Checks {
		switch {
		case c.Rows != nil:
		case c.Total != nil:
			list = append(list, "(SELECT holds FROM ("+c.Query(spelling, sumToCheck(c.Total, work.Columns, sums))+") AS t(a, b, holds))")
		default:
			list = append(list, "NOT EXISTS (SELECT 1 FROM ("+queryOf(c)+"\n) LIMIT 1)")
		}
	}
	if len(list) < 2 {
		return false
	}
	var hold sql.NullBool
	head := duck.Once([]hindcast.Column{{Name: "holds", Type: "BOOLEAN"}})
	err := r.conn.QueryRowContext(ctx, head+"SELECT "+strings.Join(list, " AND "), 0).Scan(&hold)
	return err == nil && hold.Bool
}

func (r *Runner) check(ctx context.Context, work engine.Work, c engine.Check, sums hindcast.Sums) error {
	switch {
	case c.Rows != nil:
		return r.checkRows(ctx, work, c, sums.Rows)
	case c.Total != nil:
		return r.checkTotal(ctx, work, c, sums)
	default:
		return r.checkSQL(ctx, c)
	}
}

// checkRows does not apply where all facts are empty.
func (r *Runner) checkRows(ctx context.Context, work engine.Work, c engine.Check, rows int64) error {
	failed := c.FailedRows(rows)
	if failed == nil || c.Rows.Min == nil || rows >= *c.Rows.Min {
		return failed
	}
	if empty, err := r.factsEmpty(ctx, work); err != nil || empty {
		return err
	}
	return failed
}

// factsEmpty looks at the facts' own rows; dimensions have no own interval.
func (r *Runner) factsEmpty(ctx context.Context, work engine.Work) (bool, error) {
	for _, t := range work.Query.Tables {
		if t.Own.End.IsZero() {
			continue
		}
		var some bool
		err := r.conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM (SELECT 1 FROM "+duck.Name(t.Name)+" LIMIT 1)").Scan(&some)
		if err != nil || some {
			return false, duck.Translate(err)
		}
	}
	return true, nil
}

var spelling = engine.Spelling{Difference: "a - b", Name: duck.Name,
	Text:    func(expression string) string { return "CAST(" + expression + " AS VARCHAR)" },
	Literal: func(literal string) string { return literal }}

// queryOf is the SQL that a check runs, or "".
func queryOf(c engine.Check) string {
	if c.Total != nil {
		return c.Query(spelling, sumOf(c.Total))
	}
	return c.Query(spelling, "")
}

// sumOf is the expression for the sum that a total is of, over the result's rows.
func sumOf(t *hindcast.TotalCheck) string { return "(SELECT sum(" + duck.Name(t.Of) + ") FROM result)" }

// knownSum is the same sum as a literal of its type, from the pass that was taken over the result; "" if sums of the
// column are not exact, so that the pass has none.
func knownSum(t *hindcast.TotalCheck, columns []hindcast.Column, sums hindcast.Sums) string {
	for _, c := range columns {
		if !strings.EqualFold(c.Name, t.Of) || !datatype.Exact(c.Type) {
			continue
		}
		value := "NULL"
		if total, some := sums.Totals[c.Name]; some {
			value = duck.String(total)
		}
		return "CAST(" + value + " AS " + duck.SumType(c.Type) + ")"
	}
	return ""
}

// sumToCheck is the sum that a total is of: known, or as an expression.
func sumToCheck(t *hindcast.TotalCheck, columns []hindcast.Column, sums hindcast.Sums) string {
	return cmp.Or(knownSum(t, columns, sums), sumOf(t))
}

func (r *Runner) checkTotal(ctx context.Context, work engine.Work, c engine.Check, sums hindcast.Sums) error {
	sum := sumToCheck(c.Total, work.Columns, sums)
	var a, b *string
	var equal bool
	if err := r.conn.QueryRowContext(ctx, c.Query(spelling, sum)).Scan(&a, &b, &equal); err != nil {
		return c.At(duck.Translate(err))
	}
	if equal {
		return nil
	}
	return c.FailedTotal(a, b)
}

func (r *Runner) checkSQL(ctx context.Context, c engine.Check) error {
	query := queryOf(c)
	var some bool
	if err := r.conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM (SELECT 1 FROM ("+query+"\n) LIMIT 1)").Scan(&some); err != nil {
		return c.At(duck.Translate(err))
	}
	if !some {
		return nil
	}
	var rows int64
	if err := r.conn.QueryRowContext(ctx, "SELECT count(*) FROM ("+query+"\n)").Scan(&rows); err != nil {
		return c.At(duck.Translate(err))
	}
	return c.FailedSQL(rows, r.sample(ctx, query))
}
