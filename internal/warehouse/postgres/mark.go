package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgclient"
)

// A table that hindcast made and has not attached yet, and one that it has detached, say so in their comments: what a process that
// died has left is found by them. The name is part of the mark, so that a table that somebody gave another name is theirs.
const (
	markStaged   = "staged"   // to become a partition; its number is the fence
	markDetached = "detached" // was one; its number is the transaction that detached it
)

// mark is the comment of a table; name is the table's.
func mark(kind, pipeline, slice, number, name, said string) string {
	return fmt.Sprintf("hindcast: %s [hindcast %s %s %s %s %s]", said, kind, short(pipeline), short(slice), number, short(name))
}

// short is the beginning of a text's hash, as shortSQL has it.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

func shortSQL(text string) string {
	return "left(encode(sha256(convert_to(" + text + "::text, 'UTF8')), 'hex'), 8)"
}

// marked are the tables that a pipeline has marked. One that was detached may still be needed: by a transaction whose snapshot is older,
// such as a dump's, that finds it in its own view of the catalogue. Sessions of this pipeline never name it. The pattern is the same for
// all tables: every comment on a table of the database is compared with it, and one with the table's name would be compiled for each.
var marked = `
SELECT oid, nspname, relname, kind, slice, number, kind = 'detached' AND EXISTS (SELECT FROM pg_stat_activity a
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.application_name <> $2 AND age(a.backend_xmin) >= age(number::xid))
FROM (SELECT c.oid, n.nspname, c.relname, m[1] AS kind, m[2] AS slice, m[3] AS number
  FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0 JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL regexp_match(d.description, '\[hindcast (staged|detached) ' || $1 || ' ([0-9a-f]{8}) ([0-9]+) ([0-9a-f]{8})\]$') m
  WHERE c.relkind = 'r' AND NOT c.relispartition AND m[4] = ` + shortSQL("c.relname") + ` AND pg_has_role(c.relowner, 'USAGE')) found`

// leftover is a marked table.
type leftover struct {
	oid    string
	name   pgclient.Name
	kind   string
	slice  string
	number int64
	needed bool // perhaps, by a session that is older
}

func leftovers(ctx context.Context, conn *pgconn.PgConn, pipeline string) (list []leftover, err error) {
	rows, err := pgclient.Ask(ctx, conn, marked, short(pipeline), sessionName(pipeline))
	for _, r := range rows {
		list = append(list, leftover{oid: r.Text(0), name: pgclient.Name{Schema: r.Text(1), Table: r.Text(2)}, kind: r.Text(3),
			slice: r.Text(4), number: r.Number(5), needed: r.Bool(6)})
	}
	return list, err
}

// sweep drops those of a pipeline's marked tables that are not needed, and of which drop says so. One that is in use, or that somebody
// has built on, stays for the next.
func sweep(ctx context.Context, conn *pgconn.PgConn, pipeline string, drop func(leftover) bool) error {
	list, err := leftovers(ctx, conn, pipeline)
	if err != nil {
		return err
	}
	for _, left := range list {
		if left.needed || !drop(left) {
			continue
		}
		err := pgclient.Transaction(ctx, conn, "BEGIN", func() error { return left.drop(ctx, conn) })
		if _, refused := errors.AsType[*pgconn.PgError](err); err != nil && !refused {
			return err
		}
	}
	return nil
}

// drop drops the table, unless somebody has made it a partition again.
func (left *leftover) drop(ctx context.Context, conn *pgconn.PgConn) error {
	if err := pgclient.Run(ctx, conn, "SET LOCAL lock_timeout = '100ms'", "LOCK TABLE "+left.name.SQL()+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	rows, err := pgclient.Ask(ctx, conn, "SELECT FROM pg_class WHERE oid = $1::oid AND oid = to_regclass($2) AND NOT relispartition", left.oid, left.name.SQL())
	if err != nil || len(rows) == 0 {
		return err
	}
	return pgclient.Run(ctx, conn, "DROP TABLE "+left.name.SQL())
}
