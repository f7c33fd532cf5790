package duckdb

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/duck"
)

// spelled are the names by which hindcast_status has each of the targets, that of the publication first: two pipelines may name one table
// in two ways, and a slice of a table has one status row. The loads' lock must be held.
func (w *Owner) spelled(ctx context.Context, conn *sql.Conn, targets []string) (map[string][]string, error) {
	if w.targets == nil { // while the file is open here nobody else writes into it
		known, err := knownTargets(ctx, conn)
		if err != nil {
			return nil, err
		}
		w.targets = known
	}

	all := map[string][]string{}
	for _, target := range targets {
		others, err := w.otherNames(ctx, conn, target)
		if err != nil {
			return nil, err
		}
		all[target] = append([]string{target}, others...)
	}
	for _, target := range targets {
		w.targets[target] = true
	}
	return all, nil
}

func knownTargets(ctx context.Context, conn *sql.Conn) (map[string]bool, error) {
	rows, err := conn.QueryContext(ctx, "SELECT DISTINCT target FROM hindcast_status")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]bool{}
	for rows.Next() {
		var target string
		if err := rows.Scan(&target); err != nil {
			return nil, err
		}
		known[target] = true
	}
	return known, rows.Err()
}

// sameName lists the tables that a name may lead to, wherever they are.
const sameName = `SELECT database_name, schema_name, table_name, schema_name = current_schema() FROM duckdb_tables()
WHERE database_name = current_database() AND lower(table_name) = lower($1)`

// otherNames are those of the known targets that are the same table by another name.
func (w *Owner) otherNames(ctx context.Context, conn *sql.Conn, target string) (others []string, err error) {
	parts := duck.SplitTable(target)
	name := parts[len(parts)-1]
	for _, known := range slices.Sorted(maps.Keys(w.targets)) {
		parts := duck.SplitTable(known)
		if known != target && strings.EqualFold(parts[len(parts)-1], name) {
			others = append(others, known)
		}
	}
	if len(others) == 0 {
		return nil, nil
	}

	rows, err := conn.QueryContext(ctx, sameName, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var database, schema, table string
		var current bool
		if err := rows.Scan(&database, &schema, &table, &current); err != nil {
			return nil, err
		}
		leads := map[string]bool{}
		for _, s := range spellings(database, schema, table, current) {
			leads[key(s)] = true
		}
		if leads[key(parts)] {
			return slices.DeleteFunc(others, func(other string) bool { return !leads[key(duck.SplitTable(other))] }), nil
		}
	}
	return nil, rows.Err()
}
