package redshift

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgclient"
)

// link is a connection that one caller has to itself. An error is a *pgconn.PgError if the cluster refused the statement; after
// another, nobody knows whether it was run.
type link interface {
	ask(ctx context.Context, query string) ([]pgclient.Row, error)
	affected(ctx context.Context, statement string) (int64, error) // the number of rows that it changed
	rollback(ctx context.Context)                                  // of a transaction, if there is one
	closed() bool
	discard()     // has the pool not keep it
	longest() int // bytes of a statement
}

// links is a pool of them.
type links interface {
	get(ctx context.Context) (link, error)
	put(l link)
	close() error
}

// wire is a connection of PostgreSQL's protocol.
type wire struct{ conn *pgconn.PgConn }

func (w wire) ask(ctx context.Context, query string) ([]pgclient.Row, error) {
	results, err := pgclient.Script(ctx, w.conn, query)
	if err != nil || len(results) == 0 {
		return nil, err
	}
	return results[len(results)-1], nil
}

func (w wire) affected(ctx context.Context, statement string) (int64, error) {
	return pgclient.Affected(ctx, w.conn, statement)
}

func (w wire) rollback(ctx context.Context) { pgclient.Rollback(ctx, w.conn) }

func (w wire) closed() bool { return w.conn.IsClosed() }

func (w wire) discard() { pgclient.Discard(w.conn) }

func (w wire) longest() int { return 16 << 20 }

// wires is a pool of them.
type wires struct{ *pgclient.Pool }

func (w wires) get(ctx context.Context) (link, error) {
	conn, err := w.Get(ctx)
	if err != nil {
		return nil, err
	}
	return wire{conn}, nil
}

func (w wires) put(l link) {
	if own, came := l.(wire); came { // from this pool
		w.Put(own.conn)
	}
}

func (w wires) close() error { return w.Close() }
