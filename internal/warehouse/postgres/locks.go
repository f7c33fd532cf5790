package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
)

// partsOf lists a table, given as an expression of type regclass, with its parts, and what it reads if it is a view.
const partsOf = `
WITH RECURSIVE part(oid) AS (
  SELECT %s::oid
  UNION
  SELECT below.oid FROM part CROSS JOIN LATERAL (
    SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = part.oid
    UNION ALL
    SELECT d.refobjid FROM pg_rewrite r JOIN pg_depend d
      ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    WHERE r.ev_class = part.oid AND r.ev_type = '1') below(oid)
)`

// holders are the sessions that hold one of some locks on a table, a part of it or what a view reads, the longest first. What
// other roles' sessions do is NULL to a role without the rights of pg_read_all_stats, and their query says so.
var holders = fmt.Sprintf(partsOf, "to_regclass($1)") + `
SELECT a.pid, coalesce(nullif(a.application_name, ''), a.backend_type), a.usename, a.state,
  extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, left(regexp_replace(coalesce(a.query, ''), '\s+', ' ', 'g'), 120),
  quote_ident(current_user)
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND a.pid IN (
  SELECT l.pid FROM pg_locks l JOIN part ON part.oid = l.relation
  WHERE l.granted AND l.mode = ANY ($2::text[]) AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY a.xact_start`

var (
	barReading = []string{"AccessExclusiveLock"}
	barLoading = []string{"RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}
	barRaising = append([]string{"RowShareLock"}, barLoading...) // of the fence, whose row a load holds
)

// reading is with for what reads a table: if a lock keeps it from being read, the error names who holds that.
func (w *Owner) reading(ctx context.Context, table string, f func(*pgconn.PgConn) error) error {
	return w.with(ctx, func(conn *pgconn.PgConn) error {
		err := f(conn)
		if pgclient.IsState(err, lockTimeout) {
			pgclient.Rollback(ctx, conn)
			return w.lockedBy(ctx, conn, []string{table}, barReading, err)
		}
		return err
	})
}

// lockTimeout is the SQLSTATE of a lock that was not obtained in time.
const lockTimeout = "55P03"

// lockedBy names who holds one of the tables, after a lock was not obtained in time. That session may have ended meanwhile.
func (w *Owner) lockedBy(ctx context.Context, conn *pgconn.PgConn, tables, modes []string, cause error) error {
	var e *hindcast.Error
	if !errors.As(w.translate(cause), &e) || conn.IsClosed() {
		return cause
	}

	var rows []pgclient.Row
	var table string
	for _, table = range tables {
		found, err := pgclient.Ask(ctx, conn, holders, pgclient.ParseName(table).SQL(), pgclient.Array(modes))
		if err != nil {
			return e
		}
		if rows = found; len(rows) > 0 {
			break
		}
	}

	if len(rows) == 0 {
		return e
	}

	r := rows[0]
	e.Message = table + " is locked by " + holder(r)
	if query := strings.TrimSpace(r.Text(5)); query == hiddenQuery {
		e.Detail = append(e.Detail, "what it does is hidden from this role; GRANT pg_read_all_stats TO "+r.Text(6)+"; shows it")
	} else if query != "" {
		e.Detail = append(e.Detail, "its latest statement: "+query)
	}

	if len(rows) > 1 {
		e.Detail = append(e.Detail, fmt.Sprintf("and by %d more sessions", len(rows)-1))
	}

	e.Next = "wait until it ends, or end it, as its user or an administrator: SELECT pg_terminate_backend(" + r.Text(0) + "); SET lock_timeout under load.session waits longer"
	return e
}

// hiddenQuery is what PostgreSQL shows of a session that the role may not look at.
const hiddenQuery = "<insufficient privilege>"

// holder names a session, with as much as the role may see of it.
func holder(r pgclient.Row) string {
	said := []string{r.Text(1)}
	if r[2] != nil {
		said = append(said, "user "+r.Text(2))
	}
	if r[3] != nil {
		said = append(said, r.Text(3))
	}
	if r[4] != nil {
		said = append(said, fmt.Sprintf("for %d s", r.Number(4)))
	}

	return fmt.Sprintf("pid %s (%s)", r.Text(0), strings.Join(said, ", "))
}
