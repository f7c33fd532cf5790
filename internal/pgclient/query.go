package pgclient

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Row is a result's row as text.
type Row []*string

// Text is the value of a column that is never NULL, "" where it is.
func (r Row) Text(i int) string {
	if r[i] == nil {
		return ""
	}
	return *r[i]
}

// Number is the value of an integer column that is never NULL, 0 where it is.
func (r Row) Number(i int) int64 {
	n, _ := strconv.ParseInt(r.Text(i), 10, 64) // the server's own number
	return n
}

// Bool is the value of a boolean column that is never NULL, false where it is.
func (r Row) Bool(i int) bool { return r.Text(i) == "t" }

// Ask runs one query with its parameters as text, in one round trip, and gives all its rows. Lists go as arrays: see
// Array.
func Ask(ctx context.Context, conn *pgconn.PgConn, query string, params ...string) ([]Row, error) {
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}

	result := conn.ExecParams(ctx, query, values, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, result.Err
	}

	return rows(result), nil
}

func rows(result *pgconn.Result) []Row {
	list := make([]Row, len(result.Rows))
	for i, values := range result.Rows {
		list[i] = make(Row, len(values))
		for j, v := range values {
			if v != nil {
				text := string(v)
				list[i][j] = &text
			}
		}
	}
	return list
}

// Script runs statements one after another in one round trip, up to the first that fails, and gives their results.
func Script(ctx context.Context, conn *pgconn.PgConn, statements ...string) ([][]Row, error) {
	results, err := conn.Exec(ctx, strings.Join(statements, ";\n")).ReadAll()
	if err != nil {
		return nil, err
	}

	list := make([][]Row, len(results))
	for i, r := range results {
		list[i] = rows(r)
	}
	return list, nil
}

// Run is Script for statements that give nothing.
func Run(ctx context.Context, conn *pgconn.PgConn, statements ...string) error {
	_, err := Script(ctx, conn, statements...)
	return err
}

// Affected runs a statement and gives the number of rows that the server says it changed.
func Affected(ctx context.Context, conn *pgconn.PgConn, statement string) (int64, error) {
	results, err := conn.Exec(ctx, statement).ReadAll()
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[len(results)-1].CommandTag.RowsAffected(), nil
}

// Array is a list of texts as a parameter of type text[].
func Array(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

// IsState reports whether an error is the server's, of this SQLSTATE.
func IsState(err error, state string) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && server.Code == state
}

// IdleStatus is what TxStatus says of a connection outside a transaction.
const IdleStatus = 'I'

// Transaction runs f between begin and COMMIT, or rolls back.
func Transaction(ctx context.Context, conn *pgconn.PgConn, begin string, f func() error) error {
	if err := Run(ctx, conn, begin); err != nil {
		return err
	}

	if err := f(); err != nil {
		Rollback(ctx, conn)
		return err
	}
	return Run(ctx, conn, "COMMIT")
}

// Rollback ends a transaction also where ctx has ended, so that its locks are gone when we return. A connection that does not
// answer is closed later, by whoever gives it back.
func Rollback(ctx context.Context, conn *pgconn.PgConn) {
	if conn.IsClosed() || conn.TxStatus() == IdleStatus {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CancelTimeout)
	defer cancel()
	_ = Run(ctx, conn, "ROLLBACK")
}
