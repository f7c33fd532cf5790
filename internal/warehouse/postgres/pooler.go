package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
)

const (
	poolerTries   = 3               // further connections that are opened to see whether they share one of the server's
	poolerTimeout = 5 * time.Second // for each of them: a pool of sessions may have none left
)

// refuseShared refuses a pooler that gives each transaction another session of the server's, before anything is set there: it
// would reach other clients. A server answers with the process that it named when the connection was made; a pooler
// names another. One that pools sessions is as good as the server.
func (w *Owner) refuseShared(ctx context.Context, conn *pgconn.PgConn) error {
	pid, err := backend(ctx, conn)
	if err != nil || pid == itoa(int64(conn.PID())) || w.pooled.Load() {
		return err
	}

	shared, sure, err := w.shares(ctx, conn, pid)
	if err != nil {
		return err
	}

	if shared {
		return permanent(w.address()+" is a pooler that gives each transaction another session of the server, or each statement: what hindcast sets would reach other clients",
			"name the server itself under `warehouse:`, or have the pooler pool sessions for this database (pool_mode = session in PgBouncer)")
	}

	if sure {
		w.pooled.Store(true)
	}

	return nil
}

// shares reports whether a session that the connection had is given to another one, or the connection another session. It is
// not sure, and to be asked of the next connection again, where a further one was not answered in time: all sessions
// may be in use.
func (w *Owner) shares(ctx context.Context, conn *pgconn.PgConn, pid string) (shared, sure bool, err error) {
	if err := pgclient.Run(ctx, conn, "BEGIN"); err != nil {
		if server, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(server.Code, "08") {
			return true, false, nil // the pooler's own word: it has no transactions
		}
		return false, false, err
	}
	pgclient.Rollback(ctx, conn)

	var closing []func()
	defer func() {
		for _, closeIt := range closing {
			closeIt()
		}
	}()

	sure = true
	for range poolerTries {
		other, closeIt, err := w.beside(ctx)
		if err != nil { // it gives no more sessions
			_, failed := errors.AsType[*pgconn.ConnectError](err)
			sure = pgclient.IsState(err, pgclient.TooMany) || failed && !errors.Is(err, context.DeadlineExceeded)
			break
		}
		closing = append(closing, closeIt) // not before the last: it would be given again
		if other == pid {
			return true, true, nil
		}
	}

	now, err := backend(ctx, conn)
	return now != pid, sure, err
}

// beside opens a transaction on a further connection and gives its backend.
func (w *Owner) beside(ctx context.Context) (pid string, closeIt func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, poolerTimeout)
	defer cancel()

	conn, err := pgcopy.Connect(ctx, w.pool.Config)
	if err != nil {
		return "", nil, err
	}

	closeIt = func() { pgclient.Rollback(context.Background(), conn); pgclient.Discard(conn) }

	if err = pgclient.Run(ctx, conn, "BEGIN"); err == nil {
		pid, err = backend(ctx, conn)
	}
	if err != nil {
		closeIt()
		return "", nil, err
	}

	return pid, closeIt, nil
}

// backend is the server's process. The role's own time limit still holds, and on a busy server a tight one may end even this
// query.
func backend(ctx context.Context, conn *pgconn.PgConn) (string, error) {
	for try := 1; ; try++ {
		results, err := pgclient.Script(ctx, conn, "SELECT pg_backend_pid()")
		switch {
		case err == nil:
			return results[0][0].Text(0), nil
		case try == 10 || !pgclient.IsState(err, pgclient.Canceled) || ctx.Err() != nil:
			return "", err
		}
	}
}
