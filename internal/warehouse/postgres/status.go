package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Committed returns the pipeline's status rows. If resolved is set, it waits for publications in flight: each holds the row of
// the pipeline's fence to its end.
func (w *Owner) Committed(ctx context.Context, pipeline string, resolved bool, keys ...string) ([]hindcast.Committed, error) {
	var all []hindcast.Committed
	err := w.reading(ctx, "hindcast_status", func(conn *pgconn.PgConn) error {
		home, err := w.ours(ctx, conn)
		if err != nil || !home.status {
			return err
		}

		statements := []string{"SELECT " + home.columns() + " FROM " + home.table(statusTable) + " WHERE pipeline = " +
			literal(pipeline) + among(keys) + " ORDER BY slice_start"}
		if resolved && home.lease { // a load that has it locked keeps it from being dropped
			statements = slices.Insert(statements, 0, "BEGIN ISOLATION LEVEL READ COMMITTED",
				"SELECT FROM "+home.table(leaseTable)+" WHERE name = "+literal(warehouse.FenceName(pipeline))+" FOR UPDATE")
		}

		results, err := pgclient.Script(ctx, conn, statements...)
		pgclient.Rollback(ctx, conn)
		if err != nil {
			return w.mayKeep(ctx, conn, home, err)
		}

		all, err = statusRows.Rows(results[len(results)-1])
		return err
	})
	return all, err
}

// statusRows are the rows of hindcast_status as PostgreSQL has them.
var statusRows = pgclient.Status{Text: literal, Instant: func(t time.Time) string { return bound(instant, t) }, Read: readInstant}

func readInstant(text string) (time.Time, error) {
	t, err := time.Parse(civilTime+"-07", text)
	return t.UTC(), err
}

// sumsQuery sums the rows of a table by a key, for readSums, which reads what follows the key. Rows are first put
// together by the transaction that wrote them: PostgreSQL turns xmin into a number by way of text, which is much to do for
// each row.
func sumsQuery(key string, columns []hindcast.Column, table, condition, places string) string {
	inner, outer := []string{key + " AS k", "xmin AS x", "count(*) AS n"}, []string{"k", "sum(n)", "min(id)", "max(id)", "sum(id * n)", places}
	for i, sum := range totals(columns) {
		inner = append(inner, fmt.Sprintf("%s AS t%d", sum, i))
		outer = append(outer, fmt.Sprintf("sum(t%d)::text", i))
	}
	return "SELECT " + strings.Join(outer, ", ") + " FROM (SELECT *, x::text::bigint AS id FROM (SELECT " + strings.Join(inner, ", ") +
		" FROM " + table + " WHERE " + condition + " GROUP BY 1, 2) written) numbered GROUP BY k"
}

// placesIn lists the places of a table's columns, of all or of those that are named: each column's number, and of its name the
// beginning of a hash. ALTER TABLE changes no row's transaction. A column that is dropped and added again, with other values than
// those that were written, has another number, and one that takes another's name keeps its own.
func placesIn(table string, named ...string) string {
	among := ""
	if len(named) > 0 {
		among = " AND attname = ANY (" + literal(pgclient.Array(named)) + "::name[])"
	}
	return "(SELECT string_agg(attnum || ':' || left(encode(sha256(convert_to(attname::text, 'UTF8')), 'hex'), " + itoa(nameDigits) + "), ',' ORDER BY attnum) " +
		"FROM pg_attribute WHERE attrelid = " + literal(table) + "::regclass AND attnum > 0 AND NOT attisdropped" + among + ")"
}

// nameDigits are how many digits of a name's hash a place has.
const nameDigits = 6

// place is that of one column, as placesIn has it.
func (a *attribute) place() string {
	hash := sha256.Sum256([]byte(a.name))
	return itoa(a.number) + ":" + hex.EncodeToString(hash[:])[:nameDigits]
}

// totals sum the exact columns. As text they are what DuckDB writes.
func totals(columns []hindcast.Column) []string {
	var list []string
	for _, c := range columns {
		if datatype.Exact(c.Type) {
			name := sqltext.Identifier(c.Name)
			switch c.Type {
			case "TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER":
				name += "::bigint" // an oid, which PostgreSQL does not sum, or a floating-point target, whose sums are not exact
			}
			_, scale, _ := datatype.ParseDecimal(c.Type) // 0 of an integer
			list = append(list, fmt.Sprintf("round(sum(%s), %d)", name, scale))
		}
	}

	return list
}

func readSums(r pgclient.Row, columns []hindcast.Column) hindcast.Sums {
	sums := hindcast.Sums{Rows: r.Number(0)}
	if sums.Rows > 0 {
		sums.Content = contentOf(r.Text(1), r.Text(2), r.Text(3), r.Text(4))
	}
	sums.Totals = readTotals(r[5:], columns)
	return sums
}

func readTotals(r pgclient.Row, columns []hindcast.Column) map[string]string {
	var totals map[string]string
	i := 0

	for _, c := range columns {
		if !datatype.Exact(c.Type) {
			continue
		}
		if r[i] != nil {
			if totals == nil {
				totals = map[string]string{}
			}
			totals[c.Name] = *r[i]
		}
		i++
	}

	return totals
}

// contentOf names the transactions that wrote a set of rows: the one, or of several the first, the last and the sum over
// the rows; and the places of the columns where their values are.
func contentOf(first, last, sum, places string) string {
	if first == last {
		return "xid:" + first + "@" + places
	}
	return "xid:" + first + "-" + last + "/" + sum + "@" + places
}

// Published sums the target's rows in each interval, in one pass over the table.
func (w *Owner) Published(ctx context.Context, p warehouse.Published) ([]hindcast.Sums, error) {
	out := make([]hindcast.Sums, len(p.Intervals))
	if len(p.Intervals) == 0 {
		return out, nil
	}

	query, bucket := publishedQuery(p)
	err := w.reading(ctx, p.Target.Table, func(conn *pgconn.PgConn) error {
		rows, err := pgclient.Ask(ctx, conn, query)
		if err != nil {
			return err
		}

		for _, r := range rows {
			if i, ok := bucket[int(r.Number(0))]; ok {
				out[i] = readSums(r[1:], p.Columns)
			}
		}

		return nil
	})
	return out, err
}

// publishedQuery places each row between the sorted bounds of the intervals, which do not overlap: whatever is between
// the k-th and the next is counted under k. The map says which interval that is; there may be none.
func publishedQuery(p warehouse.Published) (query string, bucket map[int]int) {
	typ, column := timeOf(p)
	bounds := make([]time.Time, 0, 2*len(p.Intervals))
	begins := make(map[int64]int, len(p.Intervals)) // interval by its start
	for i, in := range p.Intervals {
		in = warehouse.Wall(typ, in, p.TimeZone)
		bounds = append(bounds, in.Start, in.End)
		begins[in.Start.UnixMicro()] = i
	}

	slices.SortFunc(bounds, time.Time.Compare)
	bounds = slices.CompactFunc(bounds, time.Time.Equal)

	list := make([]string, len(bounds))
	bucket = make(map[int]int, len(p.Intervals))
	for k, b := range bounds {
		list[k] = bound(typ, b)
		if i, found := begins[b.UnixMicro()]; found {
			bucket[k+1] = i
		}
	}

	whole := hindcast.Interval{Start: bounds[0], End: bounds[len(bounds)-1]}
	table := pgclient.ParseName(p.Target.Table).SQL()
	return sumsQuery("width_bucket("+bucketed(typ, sqltext.Identifier(column))+", ARRAY["+strings.Join(list, ", ")+"]"+arrayOf(typ)+")", p.Columns,
		table, window(column, typ, whole), placesIn(table)), bucket
}

// bucketType is the type as which width_bucket compares a target's time that has a format with the bounds in an array; "" if it has none,
// and they are compared as they are.
func bucketType(typ string) string {
	switch format, held := hindcast.FormatOf(typ); {
	case format == "":
		return ""
	case held == "VARCHAR":
		return "text"
	}
	return "bigint"
}

// bucketed is a target's time as width_bucket compares it.
func bucketed(typ, value string) string {
	if as := bucketType(typ); as != "" {
		return "CAST(" + value + " AS " + as + ")"
	}
	return value
}

// arrayOf casts an array of bounds for it.
func arrayOf(typ string) string {
	if as := bucketType(typ); as != "" {
		return "::" + as + "[]"
	}
	return ""
}
