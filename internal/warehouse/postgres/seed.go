package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Seed makes and fills a table.
func (w *Owner) Seed(ctx context.Context, s warehouse.Seed) error {
	return w.with(ctx, func(conn *pgconn.PgConn) error {
		return pgclient.Transaction(ctx, conn, "BEGIN", func() error { return w.seed(ctx, conn, s) })
	})
}

func (w *Owner) seed(ctx context.Context, conn *pgconn.PgConn, s warehouse.Seed) error {
	table := pgclient.ParseName(s.Table).SQL()
	rows, err := pgclient.Ask(ctx, conn, "SELECT coalesce(obj_description(to_regclass($1), 'pg_class'), '') WHERE to_regclass($1) IS NOT NULL", table)
	if err != nil {
		return err
	}

	if len(rows) > 0 {
		if rows[0].Text(0) == s.Comment {
			return nil
		}
		return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("table %s is already in the database and is not what is to be made", s.Table),
			Next:    "name another schema in the URL (?search_path=SCHEMA), or remove the table"}
	}

	if err := mayCreate(ctx, conn, pgclient.ParseName(s.Table).Schema); err != nil {
		return err
	}

	made, err := w.createTarget(ctx, conn, hindcast.Target{Table: s.Table}, s.Columns)
	if err != nil {
		return err
	}

	fields, err := receive(&made[0], s.Columns)
	if err != nil {
		return err
	}

	if len(s.Files) > 0 {
		_, _, err = pgcopy.Load(ctx, fields, s.Files, pgcopy.Options{Memory: w.options.Memory, Threads: w.options.Threads},
			pgcopy.Target{Conn: conn, SQL: pgcopy.CopyIn(fields, table)})
		if err != nil {
			return err
		}
	}

	return pgclient.Run(ctx, conn, "COMMENT ON TABLE "+table+" IS "+literal(s.Comment), "ANALYZE "+table)
}
