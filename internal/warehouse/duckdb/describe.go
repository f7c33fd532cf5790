package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// describeAll lists the columns of every table and view of the database, with DuckDB's own row estimates. Whether a default is a generated
// column's is looked for under CASE: the operands of AND are computed for all rows, and each row's pattern is compiled.
const describeAll = `
SELECT c.database_name, c.schema_name, c.table_name, c.column_name, c.data_type, NOT c.is_nullable, c.column_default IS NOT NULL,
       coalesce(t.estimated_size, -1), t.table_name IS NULL, c.schema_name = current_schema(),
       CASE WHEN c.column_default IS NOT NULL AND t.sql IS NOT NULL THEN regexp_matches(t.sql, '[(,] *"?' ||
         regexp_escape(replace(c.column_name, '"', '""')) || '"? ' || regexp_escape(c.data_type) || ' GENERATED ALWAYS', 'i') ELSE false END,
       coalesce(t.comment, '') = $1
FROM duckdb_columns() c
LEFT JOIN duckdb_tables() t USING (database_name, schema_name, table_name)
WHERE c.database_name = current_database() AND NOT c.internal
ORDER BY c.schema_name, c.table_name, c.column_index`

// bytesPerValue guesses what a value takes in Parquet, for estimates only (FOCUS billing rows: 3 to 7 bytes).
const bytesPerValue = 5

// Describe returns what is known of each of the tables that exists.
func (w *Owner) Describe(ctx context.Context, names []string) (map[string]warehouse.Table, error) {
	all, err := w.catalog(ctx, names)
	if err != nil {
		return nil, err
	}
	found := map[string]warehouse.Table{}
	for _, name := range names {
		if t, ok := all[key(duck.SplitTable(name))]; ok {
			t.Name, t.Made = name, false
			found[name] = t
		}
	}

	return found, w.under(ctx, all, found, names)
}

// viewsBound is how many views Describe binds to find what they are over, at some 0.3 ms each.
const viewsBound = 1000

// under fills in which tables the views are over. DuckDB keeps no record of that, and finds it by binding each view; a view that
// cannot be bound is the caller's problem when it is read.
//
// DuckDB's plan shows it, before it is optimized: the optimizer leaves out what cannot have rows. DuckDB's own extraction of table names
// must not be used here: it binds views with placeholders for their columns, and the next checkpoint writes those into the file.
func (w *Owner) under(ctx context.Context, all, found map[string]warehouse.Table, names []string) error {
	views := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !found[name].View })
	if len(views) == 0 {
		return nil
	}
	return w.withSession(ctx, func(conn *sql.Conn) error {
		if err := execAll(ctx, conn, "SET explain_output='all'"); err != nil {
			return err
		}

		for _, name := range views[:min(len(views), viewsBound)] {
			t := found[name]
			below, err := scanned(ctx, conn, name)
			if err != nil {
				continue
			}
			for _, b := range below {
				table, known := all[key(duck.SplitTable(b))]
				if known && table.ID != t.ID && !slices.Contains(t.Shows, table.ID) {
					t.Shows = append(t.Shows, table.ID)
				}
			}
			found[name] = t
		}
		return ctx.Err()
	}, onceOnly)
}

// planned is a node of a plan that has not been optimized.
type planned struct {
	Children []planned      `json:"children"`
	Info     map[string]any `json:"extra_info"`
}

// scanned are the qualified names of the tables that a view's plan scans. The connection's explain_output must be all.
func scanned(ctx context.Context, conn *sql.Conn, view string) (tables []string, err error) {
	var kind, text string
	err = conn.QueryRowContext(ctx, "EXPLAIN (FORMAT JSON) FROM "+duck.Table(view)).Scan(&kind, &text) // the first row has the plan before it is optimized
	if err != nil {
		return nil, err
	}
	var nodes []planned
	if err := json.Unmarshal([]byte(text), &nodes); err != nil {
		return nil, fmt.Errorf("reading the %s of %s: %w", kind, view, err)
	}

	for len(nodes) > 0 {
		node := nodes[0]
		nodes = append(nodes[1:], node.Children...)
		if table, ok := node.Info["Table"].(string); ok {
			tables = append(tables, table)
		}
	}
	return tables, nil
}

// Tables lists all tables and views.
func (w *Owner) Tables(ctx context.Context) ([]warehouse.Table, error) {
	all, err := w.catalog(ctx, nil)
	if err != nil {
		return nil, err
	}
	loaded, err := w.loaded(ctx, all)
	if err != nil {
		return nil, err
	}
	var tables []warehouse.Table
	for full, t := range all {
		if t.Name == "" {
			continue
		}
		parts := strings.Split(full, "\x00")
		current := len(duck.SplitTable(t.Name)) == 1
		t.Made = t.Made || warehouse.Own(t.Name) || slices.ContainsFunc(spellings(parts[0], parts[1], parts[2], current), func(s []string) bool { return loaded[key(s)] })
		tables = append(tables, t)
	}
	return tables, nil
}

// loaded are the keys of the targets that our status table knows.
func (w *Owner) loaded(ctx context.Context, all map[string]warehouse.Table) (map[string]bool, error) {
	status := all[key([]string{"hindcast_status"})].Columns
	if !slices.ContainsFunc(status, func(c hindcast.Column) bool { return c.Name == "target" }) {
		return nil, nil // there is none, or it is somebody else's
	}
	keys := map[string]bool{}
	err := w.withConn(ctx, func(conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, "SELECT DISTINCT CAST(target AS VARCHAR) FROM hindcast_status WHERE target IS NOT NULL")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var target string
			if err := rows.Scan(&target); err != nil {
				return err
			}
			keys[key(duck.SplitTable(target))] = true
		}
		return rows.Err()
	})
	return keys, err
}

// named lists tables and views by their names alone.
const named = `
SELECT database_name, schema_name, name, schema_name = current_schema() FROM (
  SELECT database_name, schema_name, table_name AS name, internal FROM duckdb_tables()
  UNION ALL
  SELECT database_name, schema_name, view_name, internal FROM duckdb_views())
WHERE database_name = current_database() AND NOT internal AND name ILIKE $1 ESCAPE '\'`

// Named lists the tables that a pattern could mean.
func (w *Owner) Named(ctx context.Context, pattern string) (list []string, err error) {
	parts := duck.SplitTable(pattern)
	p := warehouse.NewPattern(pattern, parts, true)
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, named, p.Like())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var database, schema, table string
			var current bool
			if err := rows.Scan(&database, &schema, &table, &current); err != nil {
				return err
			}
			for _, own := range spellings(database, schema, table, current) {
				if name, ok := p.Match(own...); ok {
					list = append(list, name)
					break
				}
			}
		}
		return rows.Err()
	})
	return list, err
}

// spellings are the names that lead to a table: DuckDB takes what stands before the dot of a name for a schema or a database.
func spellings(database, schema, table string, current bool) [][]string {
	list := [][]string{{schema, table}, {database, schema, table}}
	if current {
		list = append(list, []string{table}, []string{database, table})
	}
	return list
}

// Bounds finds the first and the last value of a time column. Microseconds since 1970 are the civil reading of a
// column without a time zone, and the instant of one with it.
func (w *Owner) Bounds(ctx context.Context, table, column string) (first, last time.Time, err error) {
	name := duck.Name(column)
	query := "SELECT epoch_us(min(" + name + ")), epoch_us(max(" + name + ")) FROM " + duck.Table(table) +
		" WHERE isfinite(" + name + ")"
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		var low, high sql.NullInt64
		if err := conn.QueryRowContext(ctx, query).Scan(&low, &high); err != nil {
			return err
		}
		if low.Valid && high.Valid {
			first, last = time.UnixMicro(low.Int64).UTC(), time.UnixMicro(high.Int64).UTC()
		}
		return nil
	})
	return first, last, err
}

// Spread counts the different values of columns in the table's first rows.
func (w *Owner) Spread(ctx context.Context, table string, columns []string) (s warehouse.Spread, err error) {
	names, counts := make([]string, len(columns)), []string{"count(*)"}
	s.Distinct = make([]int64, len(columns))
	dest := []any{&s.Rows}
	for i, c := range columns {
		names[i] = duck.Name(c)
		counts, dest = append(counts, "count(DISTINCT "+names[i]+")"), append(dest, &s.Distinct[i])
	}
	query := fmt.Sprintf("SELECT %s FROM (SELECT %s FROM %s LIMIT %d)", strings.Join(counts, ", "), strings.Join(names, ", "), duck.Table(table), warehouse.SpreadRows)
	err = w.withConn(ctx, func(conn *sql.Conn) error { return conn.QueryRowContext(ctx, query).Scan(dest...) })
	return s, err
}

// key folds a name's parts as DuckDB does: case does not matter.
func key(parts []string) string { return strings.ToLower(strings.Join(parts, "\x00")) }

// catalog reads the whole catalog at once: a history has many tables, and one query costs what ten do. Tables are found
// by all their spellings; only the entry of the longest has a Name. The columns of the named views are those that they have now.
func (w *Owner) catalog(ctx context.Context, names []string) (all map[string]warehouse.Table, err error) {
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		if all, err = readCatalog(ctx, conn); err != nil {
			return err
		}
		views := unsure(all, names)
		if len(views) == 0 {
			return nil
		}

		for _, view := range views {
			if statement, err := conn.PrepareContext(ctx, "FROM "+duck.Table(view)); err == nil { // otherwise whoever reads it is told
				_ = statement.Close()
			}
		}
		all, err = readCatalog(ctx, conn)
		return err
	})
	return all, err
}

// unsure are the views whose columns the catalog may have wrong until they are bound, which corrects it: the named ones, and all
// where one has placeholders for its columns. DuckDB leaves those in a file where table names were extracted from SQL, see under.
func unsure(all map[string]warehouse.Table, names []string) (views []string) {
	for _, name := range names {
		if all[key(duck.SplitTable(name))].View {
			views = append(views, name)
		}
	}

	var every []string
	placeholders := false
	for _, t := range all {
		if t.Name != "" && t.View {
			every = append(every, t.Name)
			placeholders = placeholders || slices.ContainsFunc(t.Columns, func(c hindcast.Column) bool { return strings.HasPrefix(c.Name, "__dummy_col") })
		}
	}
	if placeholders {
		return append(views, every...)
	}
	return views
}

func readCatalog(ctx context.Context, conn *sql.Conn) (map[string]warehouse.Table, error) {
	rows, err := conn.QueryContext(ctx, describeAll, warehouse.Comment)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]warehouse.Table{}
	for rows.Next() {
		if err := addColumn(rows, all); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

func addColumn(rows *sql.Rows, all map[string]warehouse.Table) error {
	var database, schema, table string
	var c hindcast.Column
	var size int64
	var view, current, made bool
	if err := rows.Scan(&database, &schema, &table, &c.Name, &c.Type, &c.NotNull, &c.Default, &size, &view, &current, &c.Generated, &made); err != nil {
		return err
	}
	c.NoText = !duck.Textual(c.Type)
	if _, carried := duck.Carry(c.Type); !carried {
		c.Source, c.Type = c.Type, ""
	}
	full := key([]string{database, schema, table})
	t := all[full]
	t.Name, t.ID = "", full
	t.Rows, t.View, t.Made = size, view, made
	t.Columns = append(t.Columns, c)
	t.Bytes = -1
	if size >= 0 {
		t.Bytes = size * int64(len(t.Columns)) * bytesPerValue
	}
	for _, name := range spellings(database, schema, table, current) {
		all[key(name)] = t
	}
	t.Name = spell(table)
	if !current {
		t.Name = spell(schema) + "." + t.Name
	}
	all[full] = t
	return nil
}

// spell writes one part of a name so that duck.SplitTable reads it back.
func spell(part string) string {
	if strings.ContainsAny(part, `."`) {
		return duck.Name(part)
	}
	return part
}
