package pgcopy

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// readerKey is where a connection keeps the reader of its answers.
const readerKey = "hindcast: reader"

// sendBuffer is how much a load may send ahead through a unix socket. With the usual 208 KB the system wakes a sender
// of 64 KB pieces only once the server has read the last of them, so the server waits for every third.
const sendBuffer = 512 << 10

// Connect connects as pgconn.ConnectConfig does. Only a connection made by it can be a Source: the rows are read in
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

// readerOf returns the reader for the idle connection's next answer.
func readerOf(ctx context.Context, conn *pgconn.PgConn) (io.Reader, error) {
	from, ok := conn.CustomData()[readerKey].(io.Reader)
	if !ok {
		return nil, errors.New("a COPY's connection was not made by pgcopy.Connect")
	}

	// Part of a notice that came after the last answer may be in pgconn's own buffer: the next answer brings the rest.
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
