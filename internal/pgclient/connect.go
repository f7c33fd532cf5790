// Package pgclient is what the drivers of servers share that speak PostgreSQL's protocol: connections that notice a peer that is
// gone, a pool of them, rows as text, names as such servers read them, rows of hindcast_status, and what is behind an error. What
// else is said to the server is the driver's responsibility.
package pgclient

import (
	"context"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// CancelTimeout is for the server to end a statement that was cancelled; otherwise the connection is closed.
const CancelTimeout = 5 * time.Second

const connectTimeout = 30 * time.Second

// A peer that is gone is noticed after about half a minute, on both sides: a lost machine must not hold the target's
// lock for the hours that systems wait by default.
const (
	KeepAliveIdle     = 15 // seconds
	KeepAliveInterval = 5  // seconds
	KeepAliveCount    = 3
)

// Harden makes connections of this configuration notice a peer that is gone, and cancel at the server what is cancelled here.
func Harden(config *pgconn.Config) {
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: KeepAliveIdle * time.Second,
		Interval: KeepAliveInterval * time.Second, Count: KeepAliveCount}}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}

	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			go watch(tcp)
		}
		return conn, err
	}

	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: CancelTimeout}
	}
}
