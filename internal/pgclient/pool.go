package pgclient

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pause"
)

// Dial makes a connection: pgconn.ConnectConfig, or what does more than that.
type Dial func(context.Context, *pgconn.Config) (*pgconn.PgConn, error)

// Pool keeps connections for the next use, never more than Most at the same time.
type Pool struct {
	Config *pgconn.Config
	Most   int

	dial  Dial
	ready func(context.Context, *pgconn.PgConn) error // makes a new connection ready
	slots chan struct{}                               // holds one for each connection in use

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

// NewPool makes a pool without a connection yet.
func NewPool(config *pgconn.Config, most int, dial Dial, ready func(context.Context, *pgconn.PgConn) error) *Pool {
	return &Pool{Config: config, Most: most, dial: dial, ready: ready, slots: make(chan struct{}, most)}
}

// Get waits until there may be another connection. Whoever holds one must not wait for a second: take more with
// TryGet. Where the server gives no more than those that are in use, it waits for one of them, and the pool is smaller
// from then on: a role's own limit counts without being asked for.
func (p *Pool) Get(ctx context.Context) (*pgconn.PgConn, error) {
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
		if IsState(err, TooMany) {
			what = p.refused()
		}

		if what != shrinks {
			<-p.slots
		}

		switch what {
		case fails:
			return nil, err
		case waits:
			if err := pause.For(ctx, lingering/20); err != nil {
				return nil, err
			}
		}
	}
}

// SQLSTATEs that decide what is done.
const (
	TooMany  = "53300" // a server, a database or a role has all the connections it may have
	Canceled = "57014" // by us, by somebody, or by a limit of time
)

// What to do if the server gives no further connection.
const (
	fails   = iota
	repeats // at once: one was given back
	waits   // repeats in a moment
	shrinks // wait for one of ours that are in use, without the slot
)

// refused decides that. The server counts a session for a moment after its end.
func (p *Pool) refused() int {
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

// TryGet is Get where that need not wait and leaves one for others: a load does not wait for an unload that has taken all.
// It returns nil if there is none.
func (p *Pool) TryGet(ctx context.Context) (*pgconn.PgConn, error) {
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
func (p *Pool) open(ctx context.Context) (*pgconn.PgConn, error) {
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
		Discard(i.conn)
	}

	conn, err := p.dial(ctx, p.Config)
	if err != nil {
		return nil, err
	}

	if err := p.ready(ctx, conn); err != nil {
		Discard(conn)
		return nil, err
	}

	return p.give(conn), nil
}

func (p *Pool) give(conn *pgconn.PgConn) *pgconn.PgConn {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.used++
	return conn
}

// ErrClosed is the error of a pool that was closed.
var ErrClosed = errors.New("the warehouse is closed")

func (p *Pool) takeIdle() (i idle, found bool, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.closed {
		return i, false, ErrClosed
	}

	if n := len(p.idle); n > 0 {
		i, p.idle = p.idle[n-1], p.idle[:n-1]
		return i, true, nil
	}

	return i, false, nil
}

// Put takes a connection back. One that is broken or in the middle of something is closed.
func (p *Pool) Put(conn *pgconn.PgConn) {
	p.mutex.Lock()
	p.used--
	keep := !p.closed && !conn.IsClosed() && !conn.IsBusy() && conn.TxStatus() == IdleStatus
	if keep {
		p.idle = append(p.idle, idle{conn, time.Now()})
	} else {
		p.ended = time.Now()
	}
	p.mutex.Unlock()

	if !keep {
		Discard(conn)
	}
	<-p.slots
}

// Use runs f on a connection that it has to itself. One that f leaves in a transaction is closed, which rolls back. What the server
// cancelled for us is the error of ctx.
func (p *Pool) Use(ctx context.Context, f func(*pgconn.PgConn) error) error {
	conn, err := p.Get(ctx)
	if err != nil {
		return err
	}

	err = f(conn)
	p.Put(conn)
	if IsState(err, Canceled) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Close closes idle connections now, and the others when they are given back.
func (p *Pool) Close() error {
	p.mutex.Lock()
	connections := p.idle
	p.idle, p.closed = nil, true
	p.mutex.Unlock()

	for _, i := range connections {
		Discard(i.conn)
	}
	return nil
}

// Discard closes a connection and waits until the server has been notified.
func Discard(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), CancelTimeout)
	defer cancel()
	_ = conn.Close(ctx)
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}
