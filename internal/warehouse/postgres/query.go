package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// row is a result's row as text.
type row []*string

// text is the value of a column that is never NULL, "" where it is.
func (r row) text(i int) string {
	if r[i] == nil {
		return ""
	}
	return *r[i]
}

// number is the value of an integer column that is never NULL, 0 where it is.
func (r row) number(i int) int64 {
	n, _ := strconv.ParseInt(r.text(i), 10, 64) // the server's own number
	return n
}

func (r row) bool(i int) bool { return r.text(i) == "t" }

// ask runs one query with its parameters as text, in one round trip, and gives all its rows. Lists go as arrays: see
// array.
func ask(ctx context.Context, conn *pgconn.PgConn, query string, params ...string) ([]row, error) {
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

func rows(result *pgconn.Result) []row {
	list := make([]row, len(result.Rows))
	for i, values := range result.Rows {
		list[i] = make(row, len(values))
		for j, v := range values {
			if v != nil {
				text := string(v)
				list[i][j] = &text
			}
		}
	}
	return list
}

// script runs statements one after another in one round trip, up to the first that fails, and gives their results.
func script(ctx context.Context, conn *pgconn.PgConn, statements ...string) ([][]row, error) {
	results, err := conn.Exec(ctx, strings.Join(statements, ";\n")).ReadAll()
	if err != nil {
		return nil, err
	}

	list := make([][]row, len(results))
	for i, r := range results {
		list[i] = rows(r)
	}
	return list, nil
}

// run is script for statements that give nothing.
func run(ctx context.Context, conn *pgconn.PgConn, statements ...string) error {
	_, err := script(ctx, conn, statements...)
	return err
}

// affected runs a statement and gives the number of rows that the server says it changed.
func affected(ctx context.Context, conn *pgconn.PgConn, statement string) (int64, error) {
	results, err := conn.Exec(ctx, statement).ReadAll()
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[len(results)-1].CommandTag.RowsAffected(), nil
}

// array is a list of texts as a parameter of type text[].
func array(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

// literal quotes a string. Sessions have standard_conforming_strings on.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
