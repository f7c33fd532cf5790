package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

func asSQL(err error) (*duck.SQLError, bool) { return errors.AsType[*duck.SQLError](err) }

// samples is how many offending rows an error shows.
const samples = 5

// bindChecks checks the checks' SQL over an empty result.
func (r *Runner) bindChecks(ctx context.Context, columns []hindcast.Column, checks []engine.Check) error {
	if err := r.viewResult(ctx, columns, nil); err != nil {
		return err
	}
	for _, c := range checks {
		query := checkQuery(c)
		if query == "" {
			continue
		}
		if err := r.examineCheck(ctx, query); err != nil {
			return inCheck(err, c)
		}
		if _, err := r.describe(ctx, query); err != nil {
			return inCheck(err, c)
		}
	}
	return nil
}

// examineCheck applies to a check's SQL the rules of the transform's: one SELECT, over what a slice has.
func (r *Runner) examineCheck(ctx context.Context, query string) error {
	q := engine.Query{SQL: query}
	text, start, err := single(q)
	if err != nil {
		return err
	}
	return r.examine(ctx, text, start, q)
}

// checkQuery is the SQL that a check runs, or "".
func checkQuery(c engine.Check) string {
	if c.Total != nil {
		return totalQuery(c.Total, sumOf(c.Total))
	}
	return strings.TrimRight(strings.TrimSpace(c.SQL), ";")
}

func inCheck(err error, c engine.Check) error {
	e := *hindcast.AsError(err)
	if e.Class == hindcast.ClassPermanent {
		e.Message = fmt.Sprintf("check %q: %s", c.Name, e.Message)
		e.Next = "correct it under checks: in the pipeline file"
	}
	return &e
}

func (r *Runner) viewResult(ctx context.Context, columns []hindcast.Column, files []string) error {
	return r.makeView(ctx, "result", duck.FromParquet(columns, files))
}

// readsResult reports whether a check's SQL may read the result's rows again.
func readsResult(c engine.Check, columns []hindcast.Column) bool {
	if c.Total == nil {
		return c.SQL != ""
	}
	return knownSum(c.Total, columns, hindcast.Sums{}) == "" || strings.Contains(strings.ToLower(c.Total.Equals), "result")
}

func (r *Runner) outside(ctx context.Context, work engine.Work, inside string, n int64) error {
	return &hindcast.Error{Code: hindcast.EOutside, Class: hindcast.ClassCheck,
		Message: fmt.Sprintf("%s a %s that is NULL or outside the slice", rowsHave(n), work.Target.Time),
		Detail:  r.sample(ctx, "SELECT * FROM result WHERE ("+inside+") IS NOT TRUE"),
		Next:    "correct the SQL: a row outside its slice could never be replaced"}
}

func (r *Runner) unique(ctx context.Context, work engine.Work, keys []string) error {
	list := strings.Join(keys, ", ")
	query := "SELECT " + list + ", count(*) AS \"rows\" FROM result GROUP BY " + list + " HAVING count(*) > 1"
	var n int64
	if err := r.conn.QueryRowContext(ctx, "SELECT count(*) FROM ("+query+")").Scan(&n); err != nil || n == 0 {
		return duck.Translate(err)
	}
	columns, message := strings.Join(work.Target.Key, ", "), "%d keys (%s) stand in more than one row of the result"
	if n == 1 {
		message = "%d key (%s) stands in more than one row of the result"
	}
	return r.keyError(ctx, work, fmt.Sprintf(message, n, columns), query)
}

// rowsHave begins a sentence about rows of the result.
func rowsHave(n int64) string {
	if n == 1 {
		return "1 row of the result has"
	}
	return fmt.Sprintf("%d rows of the result have", n)
}

func (r *Runner) keyError(ctx context.Context, _ engine.Work, message, query string) error {
	return &hindcast.Error{Code: hindcast.EKeyViolated, Class: hindcast.ClassCheck, Message: message,
		Detail: r.sample(ctx, query), Next: "correct the SQL, or target.key in the pipeline file"}
}

// sample renders a few rows of a query, for an error's detail; none if that fails.
func (r *Runner) sample(ctx context.Context, query string) []string {
	columns, err := r.describe(ctx, query)
	if err != nil {
		return nil
	}
	rows, err := r.values(ctx, "SELECT "+texts(columns)+" FROM ("+query+") LIMIT "+fmt.Sprint(samples), len(columns))
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

func failed(c engine.Check, message string, detail []string) error {
	return &hindcast.Error{Code: hindcast.ECheck, Class: hindcast.ClassCheck, Message: fmt.Sprintf("check %q failed: %s", c.Name, message),
		Detail: detail, Next: "nothing of this slice was published; correct the SQL, the data or the check"}
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
	low := c.Rows.Min != nil && rows < *c.Rows.Min
	high := c.Rows.Max != nil && rows > *c.Rows.Max
	if !low && !high {
		return nil
	}
	if low {
		empty, err := r.factsEmpty(ctx, work)
		if err != nil || empty {
			return err
		}
		return failed(c, fmt.Sprintf("%d rows, at least %d expected", rows, *c.Rows.Min), nil)
	}
	return failed(c, fmt.Sprintf("%d rows, at most %d expected", rows, *c.Rows.Max), nil)
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

// sumOf is the expression for the sum that a total is of, over the result's rows.
func sumOf(t *hindcast.TotalCheck) string { return "(SELECT sum(" + duck.Name(t.Of) + ") FROM result)" }

// knownSum is the same sum as a literal of its type, from the pass that was taken over the result; "" if sums of the
// column are not exact, so that the pass has none.
func knownSum(t *hindcast.TotalCheck, columns []hindcast.Column, sums hindcast.Sums) string {
	for _, c := range columns {
		if !strings.EqualFold(c.Name, t.Of) || !duck.Exact(c.Type) {
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

// totalQuery compares sum, an expression, with what it should equal.
func totalQuery(t *hindcast.TotalCheck, sum string) string {
	within := t.Within
	if within == "" {
		within = "0"
	}
	return "SELECT CAST(a AS VARCHAR), CAST(b AS VARCHAR), (a IS NULL AND b IS NULL) OR coalesce(abs(a - b) <= " + within + ", false)" +
		" FROM (SELECT " + sum + " AS a, (" + strings.TrimRight(strings.TrimSpace(t.Equals), ";") + "\n) AS b)"
}

func (r *Runner) checkTotal(ctx context.Context, work engine.Work, c engine.Check, sums hindcast.Sums) error {
	sum := knownSum(c.Total, work.Columns, sums)
	if sum == "" {
		sum = sumOf(c.Total)
	}
	var a, b *string
	var equal bool
	if err := r.conn.QueryRowContext(ctx, totalQuery(c.Total, sum)).Scan(&a, &b, &equal); err != nil {
		return inCheck(duck.Translate(err), c)
	}
	if equal {
		return nil
	}
	return failed(c, fmt.Sprintf("the result's sum of %s is %s, expected %s (within %s)", c.Total.Of, orNull(a), orNull(b), c.Total.Within), nil)
}

func orNull(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

func (r *Runner) checkSQL(ctx context.Context, c engine.Check) error {
	query := checkQuery(c)
	var some bool
	if err := r.conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM (SELECT 1 FROM ("+query+"\n) LIMIT 1)").Scan(&some); err != nil {
		return inCheck(duck.Translate(err), c)
	}
	if !some {
		return nil
	}
	return failed(c, "it gave rows", r.sample(ctx, query))
}
