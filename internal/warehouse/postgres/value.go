package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// ofValue reports whether the server refuses a value, and not a statement: a domain's condition is of the class of
// constraints.
func ofValue(err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(server.Code, "22") || server.Code == "23514" && server.ColumnName == "")
}

func namesOfFields(fields []pgcopy.Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// insertStaged casts the staged rows into the target. If the server refuses a value it does not say in which column: then each
// column is cast by itself.
func (l *load) insertStaged(ctx context.Context, fields []pgcopy.Field, staged, selected string) (int64, error) {
	if err := pgclient.Run(ctx, l.conn, "SAVEPOINT hindcast_staged"); err != nil {
		return 0, err
	}
	stored, err := pgclient.Affected(ctx, l.conn, "INSERT INTO "+l.target.name.SQL()+" ("+quoted(namesOfFields(fields))+") OVERRIDING SYSTEM VALUE SELECT "+selected+" FROM "+staged)
	if !ofValue(err) {
		return stored, err
	}
	if back := pgclient.Run(ctx, l.conn, "ROLLBACK TO hindcast_staged"); back != nil {
		return 0, err
	}
	for _, f := range fields {
		columns, selected := pgcopy.Staging([]pgcopy.Field{f})
		if columns == "" {
			continue
		}
		column := sqltext.Identifier(f.Name)
		cast := pgclient.Run(ctx, l.conn, "CREATE TEMPORARY TABLE hindcast_cast ("+column+" "+f.Type.Name+") ON COMMIT DROP",
			"INSERT INTO hindcast_cast SELECT "+selected+" FROM "+staged, "DROP TABLE hindcast_cast")
		if server, ok := errors.AsType[*pgconn.PgError](cast); ok && ofValue(cast) {
			e := ofServer(server, cast)
			e.Message = fmt.Sprintf("column %q of %s: %s", f.Name, l.target.found, e.Message)
			return 0, e
		}
		if cast != nil {
			return 0, err
		}
	}
	return 0, err
}

// isText reports whether the server refuses to send text because it is not UTF-8, or cannot become it. It does not say of
// which column.
func isText(err error) bool { return pgclient.IsState(err, "22021") || pgclient.IsState(err, "22P05") }

// ofText finds the column of the extract whose text the server refuses to send.
func (w *Owner) ofText(ctx context.Context, conn *pgconn.PgConn, x warehouse.Extract, refused error) error {
	rows, err := pgclient.Ask(ctx, conn, "SHOW server_encoding")
	if err != nil {
		return refused
	}
	encoding := rows[0].Text(0)
	for _, c := range x.Columns {
		one := x
		one.Columns = []hindcast.Column{c}
		err := pgclient.Transaction(ctx, conn, readSnapshot, func() error {
			fields, err := w.fields(ctx, conn, one)
			if err != nil {
				return err
			}
			_, err = conn.CopyTo(ctx, discarded{}, pgcopy.CopyOut(fields, source(x)))
			return err
		})
		if !isText(err) {
			continue
		}
		next := "mend the text at the source, or leave the column out with `columns:`"
		if encoding == "SQL_ASCII" {
			next += fmt.Sprintf("; if it is all of one encoding, such as LATIN1, a view can tell: convert_from(convert(convert_to(%s, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'UTF8')",
				sqltext.Identifier(c.Name))
		}
		return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Cause: err, Next: next,
			Message: fmt.Sprintf("column %q of %s holds text that is not UTF-8: %s", c.Name, x.Table, hindcast.AsError(w.translate(err)).Message)}
	}
	return refused
}

// discarded is where rows go that are read only for the server's error.
type discarded struct{}

func (discarded) Write(p []byte) (int, error) { return len(p), nil }
