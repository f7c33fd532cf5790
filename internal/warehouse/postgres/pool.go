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
// tryGet.
func (p *pool) get(ctx context.Context) (*pgconn.PgConn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return p.open(ctx)
}

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
	return p.open(ctx)
}

// open gives an idle connection that lives, or a new one. The slot is given back if there is an error.
func (p *pool) open(ctx context.Context) (*pgconn.PgConn, error) {
	for {
		i, found, err := p.takeIdle()
		if err != nil {
			<-p.slots
			return nil, err
		}
		if !found {
			break
		}
		if time.Since(i.since) < fresh || i.conn.Ping(ctx) == nil {
			return i.conn, nil
		}
		discard(i.conn)
	}
	conn, err := pgcopy.Connect(ctx, p.config)
	if err == nil {
		if err = p.ready(ctx, conn); err == nil {
			return conn, nil
		}
		discard(conn)
	}
	<-p.slots
	return nil, err
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
	keep := !p.closed && !conn.IsClosed() && !conn.IsBusy() && conn.TxStatus() == idleStatus
	if keep {
		p.idle = append(p.idle, idle{conn, time.Now()})
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

// discard closes a connection and waits until the server has been told.
func discard(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_ = conn.Close(ctx)
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}
