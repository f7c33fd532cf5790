package pgcopy

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// readerKey is where a connection keeps what its answers are read from.
const readerKey = "hindcast: reader"

// sendBuffer is what a load may send ahead through a unix socket. With the usual 208 KB the system wakes a sender of pieces of
// 64 KB only when the server has read the last of them, and so has the server wait for every third.
const sendBuffer = 512 << 10

// Connect connects as pgconn.ConnectConfig does. Only a connection made so can be a Source: the rows are read in
// large pieces from below pgconn, which takes one message at a time.
func Connect(ctx context.Context, config *pgconn.Config) (*pgconn.PgConn, error) {
	config = config.Copy()
	build := config.BuildFrontend
	var from io.Reader // of the connection that was tried last
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		from = r
		return build(r, w)
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	conn.CustomData()[readerKey] = from
	if unix, ok := conn.Conn().(*net.UnixConn); ok {
		_ = unix.SetWriteBuffer(sendBuffer) // the system may allow less
	}
	return conn, nil
}

// readerOf returns what the idle connection's next answer is to be read from.
func readerOf(ctx context.Context, conn *pgconn.PgConn) (io.Reader, error) {
	from, ok := conn.CustomData()[readerKey].(io.Reader)
	if !ok {
		return nil, errors.New("a COPY's connection was not made by pgcopy.Connect")
	}
	// A notice that came after the last answer may lie in pgconn's own buffer, in part: the next answer brings the rest.
	for range 3 {
		if conn.Frontend().ReadBufferLen() == 0 {
			return directly(conn.Conn(), from), nil
		}
		if _, err := conn.Exec(ctx, "").ReadAll(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the server does not stop sending notices")
}
