package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// Used asks a worker which columns are read.
func (p *Pool) Used(ctx context.Context, q engine.Query, checks []engine.Check) (used map[string][]string, err error) {
	err = p.with(ctx, func(w *child.Process) error {
		return w.Call(ctx, "used", bindParams{q, checks}, &used)
	})
	return used, err
}

// standIn names the empty tables whose scans the plans show, by the table's number in the query. Their columns are
// c0, c1 …, so that no name has to be found again in a plan's text.
const standIn = "hindcast_used_"

// Used returns, for each of the query's tables, the columns that the query or a check reads, in the table's order. A
// table that it is not sure of is left out.
//
// It reads DuckDB's own plans over empty tables: the scans in them have the columns that its pruning leaves. Pruning
// is right or the results would be wrong without any cache. But two things make the plan of an empty table
// different: what is known to be empty is not planned, and filters that are pushed into a scan hide their columns. Optimizers
// that do these things are off; and a column counts if it is read with all others off, or with all others on.
func (r *Runner) Used(ctx context.Context, q engine.Query, checks []engine.Check) (used map[string][]string, err error) {
	return r.used(ctx, q, checks, nil, []string{pruning, duck.Strings(misleading)})
}

// used plans the statements, written again if rewrite is there, once with each of the lists of optimizers disabled.
func (r *Runner) used(ctx context.Context, q engine.Query, checks []engine.Check, rewrite func(context.Context, string) string, lists []string) (used map[string][]string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	defer r.helpers.Call(false)()
	if err := r.set(ctx, engine.Limits{}, q); err != nil {
		return nil, err
	}
	defer func() { // also after the end of ctx: the next work's plans are not our business
		ctx := context.WithoutCancel(ctx)
		err = errors.Join(err, r.exec(ctx, "RESET disabled_optimizers"), r.dropStandIns(ctx, len(q.Tables)))
	}()
	statements, err := r.standIns(ctx, q, checks)
	if err != nil {
		return nil, err
	}
	if described, err := r.described(ctx, statements); err != nil || described {
		return map[string][]string{}, err
	}
	for i := range statements {
		if rewrite != nil {
			statements[i] = rewrite(ctx, statements[i])
		}
	}

	reads := make([]map[int]bool, len(q.Tables)) // nil: all
	for i := range reads {
		reads[i] = map[int]bool{}
	}
	for _, disabled := range lists {
		if err := r.disable(ctx, disabled); err != nil {
			return nil, err
		}
		for _, statement := range statements {
			if err := r.plan(ctx, statement, q.Tables, reads); err != nil {
				return nil, err
			}
		}
	}
	return names(q.Tables, reads), nil
}

// pruning gives the optimizers that are not needed to leave columns out. In DuckDB 2.0 a correlated subquery passes all
// columns of its outer query along until projection_pullup has run; before there is no such optimizer.
const pruning = "list_filter(list(name), lambda n: n NOT IN ('unused_columns', 'projection_pullup'))"

// misleading are the optimizers that plan less for tables that are empty, or push filters into scans.
var misleading = []string{"statistics_propagation", "empty_result_pullup", "filter_pushdown", "join_filter_pushdown",
	"late_materialization", "row_group_pruner", "top_n"}

// disable turns off the optimizers that the expression, over all their names, gives.
func (r *Runner) disable(ctx context.Context, expression string) error {
	var list string
	row := r.conn.QueryRowContext(ctx, "SELECT array_to_string("+expression+", ',') FROM duckdb_optimizers()")
	if err := row.Scan(&list); err != nil {
		return duck.Translate(err)
	}
	return r.exec(ctx, "SET disabled_optimizers="+duck.String(list))
}

// standIns makes the empty tables and views over them, and returns the statements to plan.
func (r *Runner) standIns(ctx context.Context, q engine.Query, checks []engine.Check) ([]string, error) {
	for i, t := range q.Tables {
		if err := r.standIn(ctx, standIn+strconv.Itoa(i), t); err != nil {
			return nil, err
		}
	}

	text, _, err := q.Single()
	if err != nil {
		return nil, err
	}
	statements := []string{text}
	if len(checks) == 0 {
		return statements, nil
	}
	columns, err := r.describe(ctx, text)
	if err != nil {
		return nil, err
	}
	if err := r.standIn(ctx, standIn+"result", engine.Table{Name: "result", Columns: columns}); err != nil {
		return nil, err
	}
	for _, c := range checks {
		if query := queryOf(c); query != "" {
			statements = append(statements, query)
		}
	}
	return statements, nil
}

// described reports whether a statement has a DESCRIBE in it: what that gives follows from columns that are in no scan.
func (r *Runner) described(ctx context.Context, statements []string) (bool, error) {
	for _, s := range statements {
		tree, err := r.parsed(ctx, s)
		if err != nil {
			return false, err
		}
		if describes(tree) {
			return true, nil
		}
	}
	return false, nil
}

func describes(node any) bool {
	switch n := node.(type) {
	case map[string]any:
		if n["type"] == "SHOW_REF" && n["show_type"] != "SUMMARY" {
			return true
		}
		for _, v := range n {
			if describes(v) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(n, describes)
	}
	return false
}

func (r *Runner) standIn(ctx context.Context, name string, t engine.Table) error {
	var columns, list []string
	for i, c := range t.Columns {
		columns = append(columns, fmt.Sprintf("c%d %s", i, c.Type))
		list = append(list, fmt.Sprintf("c%d AS %s", i, duck.Name(c.Name)))
	}
	if err := r.exec(ctx, "CREATE OR REPLACE TEMP TABLE "+name+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	return r.makeView(ctx, t.Name, windowed(t, "SELECT "+strings.Join(list, ", ")+" FROM "+name, t.Window, r.zone))
}

func (r *Runner) dropStandIns(ctx context.Context, n int) error {
	failures := []error{r.exec(ctx, "DROP TABLE IF EXISTS "+standIn+"result")}
	for i := range n {
		failures = append(failures, r.exec(ctx, "DROP TABLE IF EXISTS "+standIn+strconv.Itoa(i)))
	}
	return errors.Join(failures...)
}

// operator is a node of a plan.
type operator struct {
	Name     string         `json:"name"`
	Info     map[string]any `json:"extra_info"`
	Children []operator     `json:"children"`
}

// plan adds what a statement's plan reads. A statement that DuckDB runs but does not explain reads everything.
func (r *Runner) plan(ctx context.Context, statement string, tables []engine.Table, reads []map[int]bool) error {
	var key, text string
	err := r.conn.QueryRowContext(ctx, "EXPLAIN (FORMAT JSON) "+statement).Scan(&key, &text)
	if ctx.Err() != nil {
		return duck.Translate(ctx.Err())
	}
	var roots []operator
	if err != nil { // a PIVOT without IN becomes several statements, and may leave a transaction open
		_, _ = r.conn.ExecContext(ctx, "ROLLBACK") // usually there is none
	}
	if err != nil || json.Unmarshal([]byte(text), &roots) != nil || len(roots) == 0 {
		clear(reads)
		return nil
	}
	for _, o := range roots {
		o.scans(tables, reads)
	}
	return nil
}

// catalogue is the functions that list the columns of tables.
var catalogue = regexp.MustCompile(`(?i)^(duckdb|pragma)_`)

// scans adds what the scans in a plan read.
func (o operator) scans(tables []engine.Table, reads []map[int]bool) {
	for _, child := range o.Children {
		child.scans(tables, reads)
	}
	if function, _ := o.Info["Function"].(string); catalogue.MatchString(function) {
		clear(reads) // it may look at the columns that a table has
	}
	name, _ := o.Info["Table"].(string)
	_, number, mine := strings.Cut(name, standIn)
	i, err := strconv.Atoi(number)
	if !mine || err != nil || i >= len(tables) || reads[i] == nil {
		return // the result's, or sure already that it is not sure
	}
	list, known := projected(o.Info["Projections"])
	_, filtered := o.Info["Filters"]
	for _, c := range list {
		c, _, _ = strings.Cut(c, ".") // a field of it
		n, err := strconv.Atoi(strings.TrimPrefix(c, "c"))
		if err != nil || n >= len(tables[i].Columns) {
			known = false
			break
		}
		reads[i][n] = true
	}

	if !known || filtered {
		reads[i] = nil
	}
}

// projected are the columns of a scan: a list, the only one, or an empty text.
func projected(value any) (columns []string, known bool) {
	switch value := value.(type) {
	case string:
		if value != "" {
			columns = []string{value}
		}
		return columns, true
	case []any:
		for _, v := range value {
			c, _ := v.(string)
			columns = append(columns, c)
		}
		return columns, true
	}
	return nil, false
}

// names gives the columns' names. The column that cuts a table is always read: checks ask whether facts are empty.
func names(tables []engine.Table, reads []map[int]bool) map[string][]string {
	used := map[string][]string{}
	for i, t := range tables {
		if reads[i] == nil {
			continue
		}
		list := []string{}
		for n, c := range t.Columns {
			if reads[i][n] || strings.EqualFold(c.Name, t.Time) {
				list = append(list, c.Name)
			}
		}
		used[t.Name] = slices.Clip(list)
	}
	return used
}
