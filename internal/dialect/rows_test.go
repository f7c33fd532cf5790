package dialect_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// shop are tables that both databases get, with what traps: NULLs, ties, extremes, months' ends.
const shop = `
CREATE TABLE item (id integer, small smallint, big bigint, price numeric(10,2), rate numeric(6,4), weight double precision, name varchar(20), code char(4), sold date,
 "at" timestamp, ok boolean);
INSERT INTO item VALUES
 (1, 7, 10, 12.50, 0.0750, 1.5, 'apple', 'a1', DATE '2020-01-31', TIMESTAMP '2020-01-31 23:59:59.5', true),
 (2, -7, -3, -12.50, 1.2345, -2.5, 'Pear', 'b', DATE '2020-02-29', TIMESTAMP '2020-02-29 00:00:00', false),
 (3, 0, 0, 0.00, 0.0000, 0, '', '', DATE '1999-12-31', TIMESTAMP '1999-12-31 12:30:15.123456', NULL),
 (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (5, 2, 9007199254740993, 99999999.99, 0.5000, 1e10, 'a_b%c', 'zz', DATE '2021-03-28', TIMESTAMP '2021-03-28 02:30:00', true),
 (6, 7, 3, 2.50, 0.1250, 0.1, 'apple', 'a1', DATE '2020-01-31', TIMESTAMP '2020-01-31 00:00:00', true),
 (7, -2, 5, 0.05, 0.3333, 2.5, 'apple pie', 'q', DATE '2019-06-15', TIMESTAMP '2019-06-15 06:07:08', false);
CREATE TABLE sale (item integer, day date, amount integer, region varchar(10));
INSERT INTO sale VALUES (1, DATE '2020-02-01', 3, 'n'), (1, DATE '2020-02-02', NULL, 's'), (2, DATE '2020-02-01', 4, 'n'), (9, DATE '2020-02-03', 5, NULL), (5, DATE '2020-02-03', 2, 's');
CREATE TABLE tag (id integer, c char(4), v varchar(4), r real, d double precision, b bigint);
INSERT INTO tag VALUES (1, 'abcd', 'abcd', 0.1, 0.1, 123456789), (2, 'ab', 'ab  ', 2.5, 2.5, 3), (3, 'x', 'x', NULL, 1e10, NULL), (4, NULL, NULL, -1, NULL, -1), (5, '', ' ', 0, 0, 0);`

var shopSchema = dialect.Schema{Tables: []dialect.Table{
	{Name: "item", Columns: []dialect.Column{{Name: "id", Type: "integer"}, {Name: "small", Type: "smallint"}, {Name: "big", Type: "bigint"}, {Name: "price", Type: "numeric(10,2)"},
		{Name: "rate", Type: "numeric(6,4)"}, {Name: "weight", Type: "double precision"}, {Name: "name", Type: "varchar(20)"}, {Name: "code", Type: "char(4)"},
		{Name: "sold", Type: "date"}, {Name: "at", Type: "timestamp"}, {Name: "ok", Type: "boolean"}}},
	{Name: "sale", Columns: []dialect.Column{{Name: "item", Type: "integer"}, {Name: "day", Type: "date"}, {Name: "amount", Type: "integer"}, {Name: "region", Type: "varchar(10)"}}},
	{Name: "tag", Columns: []dialect.Column{{Name: "id", Type: "integer"}, {Name: "c", Type: "char(4)"}, {Name: "v", Type: "varchar(4)"}, {Name: "r", Type: "real"},
		{Name: "d", Type: "double precision"}, {Name: "b", Type: "bigint"}}},
}}

// worlds opens both databases with the tables in them.
func worlds(t testing.TB) (*pgconn.PgConn, *sql.Conn) {
	t.Helper()
	cluster := pgtest.Shared(t)
	pg := pgtest.Connect(t, cluster.Database(t))
	pgtest.Query(t, pg, shop)

	db, err := duck.Open(context.Background(), duck.Options{TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.ExecContext(context.Background(), shop); err != nil {
		t.Fatal(err)
	}

	return pg, conn
}

// judged are the rows of PostgreSQL, as texts; raised if it raises.
func judged(pg *pgconn.PgConn, query string) (rows [][]string, raised error) {
	results, err := pg.Exec(context.Background(), query).ReadAll()
	if err != nil {
		return nil, err
	}
	const char = 1042 // its padding is not carried
	last := results[0]
	for _, r := range results {
		if len(r.FieldDescriptions) > 0 {
			last = r
		}
	}
	for _, row := range last.Rows {
		one := make([]string, len(row))
		for i, v := range row {
			one[i] = string(v)
			switch {
			case v == nil:
				one[i] = "NULL"
			case last.FieldDescriptions[i].DataTypeOID == char:
				one[i] = strings.TrimRight(one[i], " ")
			}
		}
		rows = append(rows, one)
	}

	return rows, nil
}

// ran are the rows of DuckDB, written as PostgreSQL writes them.
func ran(conn *sql.Conn, query string) (rows [][]string, raised error) {
	found, err := conn.QueryContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	types, err := found.ColumnTypes()
	if err != nil {
		return nil, err
	}
	for found.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		one := make([]string, len(values))
		for i, v := range values {
			one[i] = shown(v, types[i].DatabaseTypeName())
		}
		rows = append(rows, one)
	}

	return rows, found.Err()
}

func shown(v any, typeName string) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return fmt.Sprint(v)[:1]
	case time.Time:
		switch typeName {
		case "DATE":
			return v.Format(time.DateOnly)
		case "TIMESTAMPTZ":
			return v.UTC().Format("2006-01-02 15:04:05.999999") + "+00"
		}
		return v.Format("2006-01-02 15:04:05.999999")
	case float64:
		if math.IsInf(v, 0) {
			return strings.TrimSuffix(fmt.Sprint(v)[:1], "+") + "Infinity"
		}
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$`)

// plain makes numbers comparable: how many zeros end one is a matter of its column's type.
func plain(rows [][]string) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, c := range row {
			if cells[j] = c; number.MatchString(c) {
				if f, err := strconv.ParseFloat(c, 64); err == nil && strings.Contains(c, "e") {
					c = strconv.FormatFloat(f, 'f', -1, 64)
				}
				if strings.Contains(c, ".") {
					c = strings.TrimRight(strings.TrimRight(c, "0"), ".")
				}
				if c == "-0" {
					c = "0"
				}
				cells[j] = c
			}
		}
		out[i] = strings.Join(cells, "|")
	}

	return out
}

// compare runs a query of PostgreSQL there, and its translation on DuckDB: the rows are equal, or both raise.
func compare(t *testing.T, pg *pgconn.PgConn, conn *sql.Conn, query string) {
	t.Helper()
	r, err := dialect.Translate(query, dialect.Options{From: dialect.Postgres, To: dialect.DuckDB, Schema: shopSchema, Settings: dialect.Settings{Collation: "C"}})
	if refused, ok := errors.AsType[dialect.Refusals](err); ok {
		t.Errorf("%s\nrefused: %s (%s)", query, refused[0].Why, refused[0].At.In(query))
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	match(t, pg, conn, query, query, r.SQL)

	plainer, err := dialect.Translate(query, dialect.Options{From: dialect.Postgres, To: dialect.DuckDB, Schema: shopFacts(), Settings: dialect.Settings{Collation: "C"}})
	if err != nil {
		t.Errorf("%s, where more is known of the columns: %v", query, err)
	} else if plainer.SQL != r.SQL {
		match(t, pg, conn, query, query, plainer.SQL)
	}
}

// shopFacts are the shop's tables with what holds for all of their texts.
func shopFacts() dialect.Schema {
	known := dialect.Schema{Tables: slices.Clone(shopSchema.Tables)}
	for i := range known.Tables {
		columns := slices.Clone(known.Tables[i].Columns)
		for k := range columns {
			columns[k].ASCII, columns[k].NoBlanks = true, columns[k].Name != "v"
		}
		known.Tables[i].Columns = columns
	}
	return known
}

// match runs the judge's query on PostgreSQL and the translation on DuckDB.
func match(t *testing.T, pg *pgconn.PgConn, conn *sql.Conn, query, judge, translated string) {
	t.Helper()
	want, raised := judged(pg, judge)
	got, failed := ran(conn, translated)
	if (raised == nil) != (failed == nil) || raised != nil && !sameError(raised, failed) {
		t.Errorf("%s\n%s\nPostgreSQL: %v %q\nDuckDB: %v %q", query, translated, raised, want, failed, got)
		return
	}
	left, right := plain(want), plain(got)
	if !strings.Contains(strings.ToLower(query), "order by") || strings.Contains(query, "OVER") {
		slices.Sort(left)
		slices.Sort(right)
	}
	if !slices.Equal(left, right) {
		t.Errorf("%s\n%s\nPostgreSQL: %q\nDuckDB:     %q", query, translated, left, right)
	}
}

// sameError reports whether DuckDB raises what PostgreSQL raises, or what a translation says of values that it does not treat.
func sameError(raised, failed error) bool {
	e, ok := errors.AsType[*pgconn.PgError](raised)
	guarded := strings.Contains(failed.Error(), "which does not count in the source")
	return ok && (guarded || cases.Raises(cases.Condition(e.Code), failed.Error()))
}

// TestRows runs each construct on PostgreSQL as it is written and on DuckDB as it is translated.
func TestRows(t *testing.T) {
	t.Parallel()
	pg, conn := worlds(t)
	for _, query := range constructs {
		compare(t, pg, conn, query)
	}
}
