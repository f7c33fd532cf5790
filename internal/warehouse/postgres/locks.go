package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
)

// holders are the sessions that hold one of some locks on a table, the longest first.
const holders = `
SELECT a.pid, coalesce(nullif(a.application_name, ''), a.backend_type), coalesce(a.usename, ''), coalesce(a.state, ''),
  coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, 0), left(regexp_replace(coalesce(a.query, ''), '\s+', ' ', 'g'), 120)
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.relation = to_regclass($1) AND l.granted AND l.mode = ANY ($2::text[]) AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY a.xact_start`

var (
	barReading = []string{"AccessExclusiveLock"}
	barLoading = []string{"RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}
)

// lockedBy says who holds the table, after a lock was waited for in vain. That may have ended meanwhile.
func (w *Owner) lockedBy(ctx context.Context, conn *pgconn.PgConn, table string, modes []string, cause error) error {
	var e *hindcast.Error
	if !errors.As(w.translate(cause), &e) || conn.IsClosed() {
		return cause
	}
	rows, err := ask(ctx, conn, holders, parseName(table).sql(), array(modes))
	if err != nil || len(rows) == 0 {
		return e
	}
	r := rows[0]
	e.Message = fmt.Sprintf("%s is locked by pid %s (%s, user %s, %s, for %d s)", table, r.text(0), r.text(1), r.text(2), r.text(3), r.number(4))
	if query := strings.TrimSpace(r.text(5)); query != "" {
		e.Detail = append(e.Detail, "its latest statement: "+query)
	}
	if len(rows) > 1 {
		e.Detail = append(e.Detail, fmt.Sprintf("and by %d more sessions", len(rows)-1))
	}
	e.Next = "wait until it ends, or end it: SELECT pg_terminate_backend(" + r.text(0) + "); SET lock_timeout under load.session waits longer"
	return e
}
