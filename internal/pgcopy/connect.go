package pgcopy

import (
	"context"
	"errors"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// readerKey is where a connection keeps what its answers are read from.
const readerKey = "hindcast: reader"

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
