package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// refusals say why SQL may not use table functions whose names begin this way, and what to do instead. The first match counts.
var refusals = []struct {
	names     []string
	why, next string
}{
	{[]string{"query", "json_execute_serialized_sql"}, "builds SQL while it runs, so that what it reads cannot be known before: %s",
		"write the query, or the name of the fact or dimension, out"},
	{[]string{"sqlite_", "postgres_", "mysql_", "iceberg_", "delta_", "ducklake_", "read_duckdb", "arrow_scan"}, "reads another database by itself: %s",
		"declare its table as a fact or dimension with `table:` or `files:` and name that instead"},
	{[]string{"read_", "parquet_", "sniff_", "glob"}, "reads files by itself: %s",
		"declare the files as a fact or dimension with `files:` and name that instead"},
	{[]string{"duckdb_", "pragma_", "which_secret", "sql_auto_complete", "checkpoint", "force_checkpoint", "show_", "database_", "storage_info"},
		"asks for the state of the engine's own process, which is not the same in each slice: %s",
		"leave it out; what the SQL has to know can be a value under `params:`"},
}

// refusal says why the SQL may not read what is named.
func refusal(name string) (why, next string) {
	for _, r := range refusals {
		if slices.ContainsFunc(r.names, func(prefix string) bool { return strings.HasPrefix(strings.ToLower(name), prefix) }) {
			return r.why, r.next
		}
	}

	if strings.ContainsAny(name, "/\\*.") {
		return "reads files by itself: %s", "declare the files as a fact or dimension with `files:` and name that instead"
	}
	return "uses what is neither a fact nor a dimension, nor known to read nothing else: %s", "write it with facts, dimensions and functions of values"
}

// harmless are the table functions that reach nothing outside of their arguments and the names of tables: all others are
// refused, also those that a later DuckDB brings.
var harmless = map[string]bool{
	"range": true, "generate_series": true, "unnest": true, "repeat": true, "repeat_row": true, "json_each": true, "json_tree": true, "summary": true,
	"pg_timezone_names": true, "icu_calendar_names": true,
	"duckdb_tables": true, "duckdb_views": true, "duckdb_columns": true, "duckdb_types": true, "duckdb_functions": true, "duckdb_keywords": true,
	"pragma_table_info": true, "pragma_show": true, "pragma_version": true,
}

// permitted refuses SQL that reads more than facts and dimensions: it would escape the slice, the fingerprint and the
// lake. What it reads is what DuckDB plans to: names in the text may be built, serialized or hidden in a macro. The
// views must be over no files, so that every scan in the plan is the SQL's own. tree is the parsed text, which decides
// where there is no plan: an error of a reader may show lines of what it read.
func (r *Runner) permitted(ctx context.Context, text string, tree any) (name string, err error) {
	if err := r.disable(ctx, "list(name)"); err != nil {
		return "", err
	}
	var key, plan string
	err = r.conn.QueryRowContext(ctx, "EXPLAIN (FORMAT JSON) "+text).Scan(&key, &plan)
	if ctx.Err() != nil {
		return "", duck.Translate(ctx.Err())
	}
	if err != nil {
		_, _ = r.conn.ExecContext(ctx, "ROLLBACK") // a PIVOT without IN may leave a transaction open; usually there is none
	}
	if reset := r.exec(ctx, "RESET disabled_optimizers"); reset != nil {
		return "", reset
	}
	var roots []operator
	if err != nil || json.Unmarshal([]byte(plan), &roots) != nil || len(roots) == 0 {
		return forbidden(tree), nil // the SQL's own error is reported when it is bound
	}
	for _, o := range roots {
		name := o.reader()
		if written := forbidden(tree); name != "" && written != "" && !strings.Contains(strings.ToLower(text), name) {
			name = written // a file is named instead of a table
		}
		if name != "" {
			return name, nil
		}
	}
	return "", nil
}

// reader is the first table function in a plan that is not harmless, or the first table.
func (o operator) reader() string {
	for _, child := range o.Children {
		if name := child.reader(); name != "" {
			return name
		}
	}

	function, called := o.Info["Function"].(string)
	if !called && strings.EqualFold(o.Name, "INOUT_FUNCTION") {
		function, called = o.Info["Name"].(string)
	}
	table, scanned := o.Info["Table"].(string)
	switch function = strings.ToLower(function); {
	case called && !harmless[function]:
		return function
	case scanned:
		return table
	}
	return ""
}

// noAccess is E-SQL-ACCESS for what the query reads besides facts and dimensions.
func noAccess(q engine.Query, name string) error {
	why, next := refusal(name)
	return &hindcast.Error{Code: hindcast.ESQLAccess, Class: hindcast.ClassPermanent,
		Place:   q.Place(max(strings.Index(strings.ToLower(q.SQL), name), 0)),
		Message: "the SQL " + fmt.Sprintf(why, name), Next: next}
}

// parsed is the SQL's tree as DuckDB's parser gives it; it has an "error" if the SQL is not valid.
func (r *Runner) parsed(ctx context.Context, text string) (map[string]any, error) {
	var raw any
	if err := r.conn.QueryRowContext(ctx, "SELECT json_serialize_sql("+duck.String(text)+")").Scan(&raw); err != nil {
		return nil, duck.Translate(err)
	}
	tree, _ := raw.(map[string]any)
	return tree, nil
}

// over makes the views of tables without their files.
func (r *Runner) over(ctx context.Context, tables []engine.Table) error {
	empty := slices.Clone(tables)
	for i := range empty {
		empty[i].Files, empty[i].Layouts, empty[i].Groups = nil, nil, nil
	}
	return r.views(ctx, empty)
}

// alone refuses an ad hoc query that reads more than facts and dimensions. It may be a DESCRIBE or a SHOW, too.
func (r *Runner) alone(ctx context.Context, q engine.Query, text string) error {
	if err := r.over(ctx, q.Tables); err != nil {
		return err
	}
	text = "SELECT * FROM (" + text + "\n)"
	tree, err := r.parsed(ctx, text)
	if err != nil {
		return err
	}
	name, err := r.permitted(ctx, text, tree)
	if err == nil && name != "" {
		return noAccess(q, name)
	}
	return err
}
