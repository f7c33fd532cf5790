package duckdb

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

const describePrefix = "DESCRIBE "

// Bind checks the SQL over empty tables and returns the result's columns.
func (r *Runner) Bind(ctx context.Context, q engine.Query, checks []engine.Check) ([]hindcast.Column, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	defer r.helpers.Call(false)()
	if err := r.set(ctx, engine.Limits{}, q); err != nil {
		return nil, err
	}
	for _, t := range q.Tables {
		if _, err := duck.Store(t.Name, t.Columns); err != nil {
			return nil, err
		}
	}

	if err := r.over(ctx, q.Tables); err != nil {
		return nil, err
	}
	text, start, err := q.Single()
	if err != nil {
		return nil, err
	}
	if err := r.examine(ctx, text, start, q); err != nil {
		return nil, err
	}
	columns, err := r.describe(ctx, text)
	if err != nil {
		return nil, q.Known(bound(err, q, start))
	}
	if columns, err = carry(columns, q, start); err != nil {
		return nil, err
	}
	return columns, r.bindChecks(ctx, columns, checks)
}

// overflow is what DuckDB says of an operation whose place it does not tell.
var overflow = regexp.MustCompile(`^Overflow in (addition|subtraction|multiplication) of `)

// place gives an SQL error its place in the user's file. shift leads from an offset in the statement that ran to
// one in the query's text.
func place(err error, q engine.Query, shift int) error {
	e, ok := asSQL(err)
	if !ok {
		return err
	}
	if raised := q.Raised(e.Fault); raised != nil {
		return raised
	}
	fault := *e.Fault
	if fault.Place.File = q.File; e.Offset >= 0 {
		if offset := e.Offset + shift; offset >= 0 && offset <= len(q.SQL) {
			fault.Place = q.Place(offset)
		}
	}
	if what := overflow.FindStringSubmatch(fault.Message); what != nil && fault.Place.Line == 0 {
		q.Overflowed(&fault, what[1])
	}
	q.Shown(&fault)

	if fault.Next == "" {
		fault.Next = "correct the SQL; try it on one slice with: hindcast sql"
	}
	return &fault
}

// bound is place for an error of DESCRIBE. One without a position gets a likely one.
func bound(err error, q engine.Query, start int) error {
	if strings.Contains(err.Error(), "incorrect argument count") { // of the driver, which counts ? and $1
		return &hindcast.Error{Code: hindcast.ESQLParam, Class: hindcast.ClassPermanent, Place: q.Place(start + max(strings.IndexAny(q.SQL[start:], "?$"), 0)),
			Message: "the SQL has a parameter without a name", Next: "write :NAME, and its value under params:"}
	}
	if e, ok := asSQL(err); ok && e.Offset < 0 {
		at := guess(q, start, e.Fault.Message, e.Name)
		err = &duck.SQLError{Fault: e.Fault, Name: e.Name, Offset: at - start + len(describePrefix)}
	}
	return place(err, q, start-len(describePrefix))
}

func (r *Runner) describe(ctx context.Context, text string) ([]hindcast.Column, error) {
	rows, err := r.conn.QueryContext(ctx, describePrefix+text)
	if err != nil {
		return nil, duck.Translate(err)
	}
	defer rows.Close()
	var columns []hindcast.Column
	for rows.Next() {
		var c hindcast.Column
		var null, key, def, extra any
		if err := rows.Scan(&c.Name, &c.Type, &null, &key, &def, &extra); err != nil {
			return nil, duck.Translate(err)
		}
		columns = append(columns, c)
	}
	return columns, duck.Translate(rows.Err())
}

// carry refuses results that could not be staged: two columns of one name, types that Parquet would change.
func carry(columns []hindcast.Column, q engine.Query, start int) ([]hindcast.Column, error) {
	seen := map[string]bool{}
	for _, c := range columns {
		if folded := strings.ToLower(c.Name); seen[folded] {
			return nil, q.TwoColumns(start, c.Name)
		}
		seen[strings.ToLower(c.Name)] = true
	}

	for _, c := range columns {
		if _, err := duck.Store("the result", []hindcast.Column{c}); err != nil {
			e := *hindcast.AsError(err)
			e.Place, e.Next = q.Place(q.Last(start, c.Name)), "cast it in the SQL, or leave it out"
			return nil, &e
		}
	}
	return duck.Store("the result", columns)
}

// readers begin the names of table functions that reach files or the network, for SQL that has no plan: see permitted.
var readers = []string{"read_", "parquet_", "sniff_", "glob", "query", "json_execute", "sqlite_", "postgres_", "mysql_", "iceberg_", "delta_", "which_secret"}

// examine refuses SQL that is not a SELECT, or that reads files itself.
func (r *Runner) examine(ctx context.Context, text string, start int, q engine.Query) error {
	if q.Shows() { // which is parsed as a SELECT
		return q.NotSelect()
	}
	tree, err := r.parsed(ctx, text)
	if err != nil {
		return err
	}
	if failed, _ := tree["error"].(bool); failed {
		return unread(tree, start, q)
	}

	if name, offset, found := ownClock(tree); found {
		return notTheRuns(name, q.Place(start+offset))
	}
	if c, found := timeWord(tree); found {
		return notATime(c, q.Place(start+c.offset))
	}
	name, err := r.permitted(ctx, text, tree)
	if err == nil && name != "" {
		return noAccess(q, name)
	}
	return err
}

// unread is the error of SQL that could not be parsed as a SELECT. DuckDB makes several statements of a PIVOT that has to
// find its columns in the data.
func unread(tree map[string]any, start int, q engine.Query) error {
	pivot := q.Dialect.Find(q.SQL, start, "PIVOT", "PIVOT_WIDER")
	switch {
	case several(tree) && pivot >= 0 && !other(q):
		return &hindcast.Error{Code: hindcast.ESQLNotSelect, Class: hindcast.ClassPermanent, Place: q.Place(pivot),
			Message: "PIVOT without IN finds its columns in the data, so that each slice could have others, and they have to be known before",
			Next:    "name the values that become columns: PIVOT … ON … IN ('a', 'b') USING …"}
	case several(tree):
		return q.NotSelect()
	}
	return syntax(tree, start, q)
}

// several reports whether a text was parsed, and is not a SELECT, or becomes more than one statement.
func several(tree map[string]any) bool {
	message, _ := tree["error_message"].(string)
	return strings.Contains(message, "Only SELECT")
}

// other reports whether a statement begins as none does that gives rows.
func other(q engine.Query) bool {
	verb, _ := q.Dialect.Verb(q.SQL)
	return !slices.Contains(queries, verb)
}

// queries are what a statement that gives rows may begin with.
var queries = []string{"SELECT", "FROM", "TABLE", "VALUES", "PIVOT", "PIVOT_WIDER", "UNPIVOT"}

// syntax is what the parser says of SQL that it cannot read, with its place. DESCRIBE would give another one.
func syntax(tree map[string]any, start int, q engine.Query) error {
	message, _ := tree["error_message"].(string)
	position, known := tree["position"].(string)
	offset, err := strconv.Atoi(position)
	if !known || err != nil {
		return nil // not a syntax error: DESCRIBE reports it
	}
	fault := &hindcast.Error{Code: hindcast.ESQLSyntax, Class: hindcast.ClassPermanent, Message: message}
	return place(&duck.SQLError{Fault: fault, Offset: offset}, q, start)
}

// forbidden finds a table function or table name that would read a file.
func forbidden(node any) string {
	switch n := node.(type) {
	case map[string]any:
		if name := reads(n); name != "" {
			return name
		}
		for _, v := range n {
			if name := forbidden(v); name != "" {
				return name
			}
		}
	case []any:
		for _, v := range n {
			if name := forbidden(v); name != "" {
				return name
			}
		}
	}
	return ""
}

func reads(node map[string]any) string {
	switch node["type"] {
	case "TABLE_FUNCTION":
		function, _ := node["function"].(map[string]any)
		name, _ := function["function_name"].(string)
		for _, prefix := range readers {
			if strings.HasPrefix(strings.ToLower(name), prefix) {
				return name
			}
		}
	case "BASE_TABLE":
		name, _ := node["table_name"].(string)
		if strings.ContainsAny(name, "/\\*") {
			return name
		}
	}
	return ""
}
