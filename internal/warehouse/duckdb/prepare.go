package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// lockName is the target's row in hindcast_lease, beside the pipelines' fences: two pipelines may share a target.
func lockName(target string) string { return "target " + target }

const ourTables = `
CREATE TABLE IF NOT EXISTS hindcast_lease (name VARCHAR PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS hindcast_status (
  pipeline VARCHAR NOT NULL, target VARCHAR NOT NULL, slice VARCHAR NOT NULL,
  slice_start TIMESTAMP WITH TIME ZONE NOT NULL, slice_end TIMESTAMP WITH TIME ZONE NOT NULL,
  run VARCHAR NOT NULL, attempt INTEGER NOT NULL, fingerprint VARCHAR NOT NULL, parts VARCHAR NOT NULL,
  "rows" BIGINT NOT NULL, content VARCHAR NOT NULL, totals VARCHAR NOT NULL, previous VARCHAR NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE NOT NULL, publication VARCHAR);
ALTER TABLE hindcast_status ADD COLUMN IF NOT EXISTS publication VARCHAR`

// Prepare creates what is missing and raises the fence.
func (w *Owner) Prepare(ctx context.Context, pipeline string, t hindcast.Target, columns []hindcast.Column, claim warehouse.Claim) error {
	w.loading.Lock()
	defer w.loading.Unlock()
	statements, err := w.makeTarget(ctx, t, columns)
	if err != nil {
		return err
	}
	return w.inTransaction(ctx, func(conn *sql.Conn) error {
		if err := execAll(ctx, conn, append([]string{ourTables}, statements...)...); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, "INSERT INTO hindcast_lease VALUES (?, 0), (?, 0) ON CONFLICT DO NOTHING",
			lockName(t.Table), warehouse.FenceName(pipeline))
		if err != nil {
			return err
		}
		if err := checkClaim(ctx, conn, pipeline, claim); err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, "UPDATE hindcast_lease SET n = ? WHERE name = ?", claim.Fence, warehouse.FenceName(pipeline))
		return err
	})
}

// place is where DuckDB would have a new table.
const place = `SELECT
	(SELECT count(*) > 0 FROM duckdb_schemas() WHERE lower(schema_name) = lower($2) AND CASE WHEN $1 = '' THEN database_name = current_database()
		ELSE lower(database_name) = lower($1) END OR $1 = '' AND lower(database_name) = lower($2)),
	(SELECT count(*) > 0 FROM duckdb_schemas() WHERE lower($2) = lower(schema_name) AND schema_name IN ('information_schema', 'pg_catalog')),
	(SELECT count(*) > 0 FROM duckdb_databases() WHERE internal AND (lower($1) = lower(database_name) OR $1 = '' AND lower($2) = lower(database_name))),
	(SELECT count(*) > 0 FROM duckdb_views() WHERE internal AND lower(view_name) = lower($3))
		AND (SELECT count(*) = 0 FROM duckdb_tables() WHERE lower(table_name) = lower($3) AND NOT internal)`

// Refuses says what Prepare would refuse of the target: its schema may be lacking, or be DuckDB's own. A table by the name of one
// of DuckDB's views would hide it from everybody.
func (w *Owner) Refuses(ctx context.Context, t hindcast.Target, _ []hindcast.Column) error {
	parts := append([]string{"", ""}, duck.SplitTable(t.Table)...)
	database, schema, table := parts[len(parts)-3], parts[len(parts)-2], parts[len(parts)-1]
	var there, system, internal, view bool
	err := w.withConn(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, place, database, schema, table).Scan(&there, &system, &internal, &view)
	})
	switch {
	case err != nil:
		return err
	case system:
		return warehouse.InSystem(t.Table, schema)
	case internal:
		return warehouse.InSystem(t.Table, cmp.Or(database, schema))
	case view:
		return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("%s is the name of one of DuckDB's own views, which the new table would hide", t.Table), Next: "give the target another name"}
	case there || schema == "":
		return nil
	}
	return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Message: "the schema " + schema + " of the target is not there",
		Next: "correct its name, or: CREATE SCHEMA " + duck.Name(schema) + ";"}
}

// makeTarget are the statements that make the target, if it is not there.
func (w *Owner) makeTarget(ctx context.Context, t hindcast.Target, columns []hindcast.Column) ([]string, error) {
	found, err := w.Describe(ctx, []string{t.Table})
	if _, there := found[t.Table]; there || err != nil {
		return nil, err
	}
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = duck.Name(c.Name) + " " + c.Type
	}
	table := duck.Table(t.Table)
	return []string{"CREATE TABLE IF NOT EXISTS " + table + " (" + strings.Join(list, ", ") + ")", "COMMENT ON TABLE " + table + " IS " + duck.String(warehouse.Comment)}, nil
}

// checkClaim refuses a writer whose lease another took over (promise 5).
func checkClaim(ctx context.Context, conn *sql.Conn, pipeline string, claim warehouse.Claim) error {
	var highest int64
	err := conn.QueryRowContext(ctx, "SELECT n FROM hindcast_lease WHERE name = ?", warehouse.FenceName(pipeline)).Scan(&highest)
	if err != nil {
		return err
	}
	return warehouse.CheckClaim(highest, claim)
}

// Fence returns the pipeline's fence; 0 where nothing was loaded yet.
func (w *Owner) Fence(ctx context.Context, pipeline string) (n int64, err error) {
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		exists, err := have(ctx, conn, "hindcast_lease")
		if err != nil || !exists {
			return err
		}
		return conn.QueryRowContext(ctx, "SELECT coalesce(max(n), 0) FROM hindcast_lease WHERE name = ?", warehouse.FenceName(pipeline)).Scan(&n)
	})
	return n, err
}
