package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgcopy"
)

// pool keeps connections for the next use, never more than most at the same time.
type pool struct {
	config *pgconn.Config
	most   int
	ready  func(context.Context, *pgconn.PgConn) error // makes a new connection ready
	slots  chan struct{}                               // holds one for each connection in use

	mutex  sync.Mutex // guards what follows
	idle   []idle     // the latest used at the end
	used   int        // connections that are given out
	ended  time.Time  // when a connection was last closed
	closed bool
}

type idle struct {
	conn  *pgconn.PgConn
	since time.Time
}

// fresh is how long an idle connection is taken to be alive without asking.
const fresh = time.Second

func newPool(config *pgconn.Config, most int, ready func(context.Context, *pgconn.PgConn) error) *pool {
	return &pool{config: config, most: most, ready: ready, slots: make(chan struct{}, most)}
}

// get waits until there may be another connection. Whoever holds one must not wait for a second: take more with
// tryGet. Where the server gives no more than those that are in use, it waits for one of them, and the pool is smaller
// from then on: a role's own limit counts without being asked for.
func (p *pool) get(ctx context.Context) (*pgconn.PgConn, error) {
	for {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}

		conn, err := p.open(ctx)
		if err == nil {
			return conn, nil
		}

		what := fails
		if isState(err, tooMany) {
			what = p.refused()
		}

		if what != shrinks {
			<-p.slots
		}

		switch what {
		case fails:
			return nil, err
		case waits:
			if !pause(ctx, lingering/20) {
				return nil, ctx.Err()
			}
		}
	}
}

// pause waits, and reports whether it has not ended with ctx.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// tooMany is the SQLSTATE of a server, a database or a role that has all the connections it may have.
const tooMany = "53300"

// What to do if the server gives no further connection.
const (
	fails   = iota
	repeats // at once: one was given back
	waits   // repeats in a moment
	shrinks // wait for one of ours that are in use, without the slot
)

// refused decides that. The server counts a session for a moment after its end.
func (p *pool) refused() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()

	switch {
	case len(p.idle) > 0:
		return repeats
	case p.used > 0:
		return shrinks
	case time.Since(p.ended) < lingering:
		return waits
	}
	return fails
}

// lingering is how long a session that we have ended may count at the server.
const lingering = time.Second

// tryGet is get where that need not wait and leaves one for others: a load does not wait for an unload that has taken all.
// It returns nil if there is none.
func (p *pool) tryGet(ctx context.Context) (*pgconn.PgConn, error) {
	select {
	case p.slots <- struct{}{}:
	default:
		return nil, nil
	}

	if len(p.slots) == cap(p.slots) {
		<-p.slots
		return nil, nil
	}

	conn, err := p.open(ctx)
	if err != nil {
		<-p.slots
	}
	return conn, err
}

// open gives an idle connection that lives, or a new one.
func (p *pool) open(ctx context.Context) (*pgconn.PgConn, error) {
	for {
		i, found, err := p.takeIdle()
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		if time.Since(i.since) < fresh || i.conn.Ping(ctx) == nil {
			return p.give(i.conn), nil
		}
		discard(i.conn)
	}

	conn, err := pgcopy.Connect(ctx, p.config)
	if err != nil {
		return nil, err
	}

	if err := p.ready(ctx, conn); err != nil {
		discard(conn)
		return nil, err
	}

	return p.give(conn), nil
}

func (p *pool) give(conn *pgconn.PgConn) *pgconn.PgConn {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.used++
	return conn
}

var errClosed = errors.New("the warehouse is closed")

func (p *pool) takeIdle() (i idle, found bool, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.closed {
		return i, false, errClosed
	}

	if n := len(p.idle); n > 0 {
		i, p.idle = p.idle[n-1], p.idle[:n-1]
		return i, true, nil
	}

	return i, false, nil
}

// put takes a connection back. One that is broken or in the middle of something is closed.
func (p *pool) put(conn *pgconn.PgConn) {
	p.mutex.Lock()
	p.used--
	keep := !p.closed && !conn.IsClosed() && !conn.IsBusy() && conn.TxStatus() == idleStatus
	if keep {
		p.idle = append(p.idle, idle{conn, time.Now()})
	} else {
		p.ended = time.Now()
	}
	p.mutex.Unlock()

	if !keep {
		discard(conn)
	}
	<-p.slots
}

// idleStatus is what TxStatus says of a connection outside a transaction.
const idleStatus = 'I'

// close closes idle connections now, and the others when they are given back.
func (p *pool) close() error {
	p.mutex.Lock()
	connections := p.idle
	p.idle, p.closed = nil, true
	p.mutex.Unlock()

	for _, i := range connections {
		discard(i.conn)
	}
	return nil
}

// discard closes a connection and waits until the server has been notified.
func discard(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_ = conn.Close(ctx)
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}
