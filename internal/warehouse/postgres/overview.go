package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// ofTarget is the condition of the pipeline's status rows for the target.
func ofTarget(pipeline, target string) string {
	return " WHERE pipeline = " + literal(pipeline) + " AND target = " + literal(target)
}

// among narrows a condition to the slices of these keys, if there are any.
func among(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return " AND slice = ANY (" + literal(pgclient.Array(keys)) + "::text[])"
}

// status asks about hindcast_status, given as a FROM clause; nothing is asked where there is none. Locked is the table
// that a lock is most likely waited for.
func (w *Owner) status(ctx context.Context, locked string, query func(h home, from string) string, each func(pgclient.Row) error) error {
	return w.reading(ctx, locked, func(conn *pgconn.PgConn) error {
		home, err := w.ours(ctx, conn)
		if err != nil || !home.status {
			return err
		}

		rows, err := pgclient.Ask(ctx, conn, query(home, " FROM "+home.table(statusTable)))
		if err != nil {
			return w.mayKeep(ctx, conn, home, err)
		}

		for _, r := range rows {
			if err := each(r); err != nil {
				return err
			}
		}

		return nil
	})
}

// micros is a time in microseconds since 1970.
func micros(value string) string { return "(extract(epoch FROM " + value + ") * 1000000)::bigint" }

// digested are the rows that digests stand for, by range.
func digested(pipeline, target, from string, ranges hindcast.Ranges) string {
	return " FROM (SELECT (" + micros("slice_start") + " - " + itoa(ranges.From.UnixMicro()) + ") / " + itoa(ranges.Width.Microseconds()) + " AS n, " +
		micros("slice_start") + " AS start, " + micros("slice_end") + " AS stop, slice, fingerprint, run, " + micros("committed_at") + " / 86400000000 AS day" +
		from + ofTarget(pipeline, target) + " AND slice_start >= " + bound(instant, ranges.From) + ") digested WHERE n < " + itoa(int64(ranges.Count))
}

// commitsQuery says who committed the rows of each range; of one where that is too many the first alone.
func commitsQuery(digested string) string {
	return "SELECT n, run, day, number, first, last FROM (SELECT n, run, day, count(*) AS number, min(start) AS first, max(start) AS last, " +
		"count(*) OVER (PARTITION BY n) AS groups, row_number() OVER (PARTITION BY n) AS place" + digested + " GROUP BY n, run, day) grouped WHERE groups <= " +
		itoa(hindcast.MostCommits) + " OR place = 1 ORDER BY n, first"
}

// hashesQuery sums up the hashes of each range. A server may be set up to refuse MD5, and none refuses SHA-256.
func hashesQuery(digested string) string {
	half := func(at int64) string { return "sum(('x' || substr(hash, " + itoa(at) + ", 16))::bit(64)::bigint)" }
	return "SELECT n, " + half(1) + ", " + half(17) + " FROM (SELECT n, encode(sha256(convert_to(concat_ws('|', start, stop, slice, fingerprint), 'UTF8')), 'hex') AS hash" +
		digested + ") hashed GROUP BY n"
}

// Digests has the server hash the rows.
func (w *Owner) Digests(ctx context.Context, pipeline, target string, ranges hindcast.Ranges) (warehouse.Digests, error) {
	found := warehouse.Digests{Hashing: warehouse.HashSHA256}
	err := w.status(ctx, statusTable, func(_ home, from string) string { return commitsQuery(digested(pipeline, target, from, ranges)) }, func(r pgclient.Row) error {
		by := hindcast.Commits{Run: r.Text(1), Day: r.Number(2), Rows: r.Number(3), First: time.UnixMicro(r.Number(4)).UTC(), Last: time.UnixMicro(r.Number(5)).UTC()}
		found.Ranges = warehouse.WithCommits(found.Ranges, int(r.Number(0)), by)
		return nil
	})
	if err != nil || len(found.Ranges) == 0 {
		return found, err
	}

	err = w.status(ctx, statusTable, func(_ home, from string) string { return hashesQuery(digested(pipeline, target, from, ranges)) }, func(r pgclient.Row) error {
		return warehouse.WithSums(found.Ranges, int(r.Number(0)), r.Text(1), r.Text(2))
	})
	return found, err
}

// beginning is true of the rows whose slices begin within one of the intervals.
func beginning(within []hindcast.Interval) string {
	if within == nil {
		return ""
	}

	each := []string{"false"}
	for _, in := range within {
		each = append(each, "slice_start >= "+bound(instant, in.Start)+" AND slice_start < "+bound(instant, in.End))
	}
	return " AND (" + strings.Join(each, " OR ") + ")"
}

// Overview joins the rows' texts at the server: a row that is fetched costs more than one that is read.
func (w *Owner) Overview(ctx context.Context, pipeline, target string, within []hindcast.Interval) (warehouse.Overview, error) {
	lines := func(value string) string {
		return "coalesce(string_agg(" + value + ", chr(10) ORDER BY slice_start), '')"
	}
	instants := func(column string) string { return lines(micros(column) + "::text") }

	query := "SELECT count(*), " + strings.Join([]string{instants("slice_start"), instants("slice_end"), instants("committed_at"), lines("slice"),
		lines("fingerprint"), lines("run")}, ", ")

	var packer warehouse.Packer
	err := w.status(ctx, statusTable, func(_ home, from string) string { return query + from + ofTarget(pipeline, target) + beginning(within) }, func(r pgclient.Row) error {
		return pack(&packer, int(r.Number(0)), []string{r.Text(1), r.Text(2), r.Text(3), r.Text(4), r.Text(5), r.Text(6)})
	})
	return packer.Overview(), err
}

// pack packs rows of which each column is a text with a line for each row.
func pack(packer *warehouse.Packer, rows int, columns []string) error {
	line := func(i int) (first string) {
		first, columns[i], _ = strings.Cut(columns[i], "\n")
		return first
	}

	for range rows {
		var c hindcast.Committed
		for i, to := range []*time.Time{&c.Slice.Start, &c.Slice.End, &c.CommittedAt} {
			micros, err := strconv.ParseInt(line(i), 10, 64)
			if err != nil {
				return fmt.Errorf("reading a time of hindcast_status: %w", err)
			}
			*to = time.UnixMicro(micros)
		}

		c.Slice.Key, c.Fingerprint, c.Run = line(3), line(4), line(5)
		packer.Add(&c)
	}
	return nil
}

// Details returns the whole rows of some slices.
func (w *Owner) Details(ctx context.Context, pipeline, target string, keys []string) (all []hindcast.Committed, err error) {
	if len(keys) == 0 {
		return nil, nil
	}

	err = w.status(ctx, statusTable, func(h home, from string) string {
		return "SELECT " + h.columns() + from + ofTarget(pipeline, target) + among(keys) + " ORDER BY slice_start"
	}, func(r pgclient.Row) error {
		c, err := statusRows.Row(r)
		all = append(all, c)
		return err
	})
	return all, err
}

// Edited compares within one statement. It takes a slice's bounds as PostgreSQL reads them in the zone: if that differs from
// our reading, the slice is named and looked at again.
func (w *Owner) Edited(ctx context.Context, pipeline string, p warehouse.Published) (keys []string, err error) {
	untouched := false
	look := func(query func(warehouse.Published, string) string, each func(pgclient.Row)) error {
		return w.status(ctx, p.Target.Table, func(_ home, from string) string { return query(p, from+ofTarget(pipeline, p.Target.Table)) },
			func(r pgclient.Row) error { each(r); return nil })
	}

	if err := look(untouchedQuery, func(r pgclient.Row) { untouched = r.Text(0) == "t" }); err != nil || untouched {
		return nil, err
	}
	err = look(editedQuery, func(r pgclient.Row) { keys = append(keys, r.Text(0)) })
	return keys, err
}

// untouchedQuery compares all slices at once, without finding the slice of each row: where the target has, from the first slice to
// the last, as many rows of each transaction as were committed by it, and all of them lie in the slice that it loaded, each slice
// has its own: a row that is changed is another transaction's. A slice that several transactions wrote, several slices of one
// transaction, and rows between slices make it false.
func untouchedQuery(p warehouse.Published, from string) string {
	typ, name := timeOf(p)
	column := sqltext.Identifier(name)
	bound := func(t string) string { return boundOf(typ, t, p.TimeZone) }
	table := pgclient.ParseName(p.Target.Table).SQL()
	return `WITH s AS MATERIALIZED (SELECT slice_start, slice_end, "rows" AS n, ` + contentParts + from + `),
	` + movedPlaces(table) + `,
	p AS (SELECT 'xid:' || x::text AS content, n, first, last FROM (SELECT xmin AS x, count(*) AS n, min(` + column + ") AS first, max(" + column + ") AS last FROM " +
		table + " WHERE " + column + " >= (SELECT " + bound("min(slice_start)") + " FROM s) AND " + column + " < (SELECT " + bound("max(slice_end)") + ` FROM s) GROUP BY 1) written),
	c AS (SELECT content, count(*) AS number, sum(n) AS n, ` + bound("min(slice_start)") + " AS a, " + bound("max(slice_end)") + ` AS b FROM s WHERE n <> 0 GROUP BY 1)
	SELECT NOT EXISTS (SELECT FROM p FULL JOIN c USING (content) WHERE p.n IS DISTINCT FROM c.n OR c.number > 1 OR p.first < c.a OR p.last >= c.b)
	AND NOT EXISTS (SELECT FROM moved)`
}

// contentParts are what contentOf has put together; a row of an earlier version has no places.
const contentParts = "split_part(content, '@', 1) AS content, split_part(content, '@', 2) AS places"

// movedPlaces finds the places of slices s that are not all the table's any more.
func movedPlaces(table string) string {
	return "moved AS MATERIALIZED (SELECT DISTINCT places FROM s WHERE n <> 0 AND NOT string_to_array(places, ',') <@ string_to_array(" + placesIn(table) + ", ','))"
}

// timeOf is the TimeType and the name of the target's time column.
func timeOf(p warehouse.Published) (typ, column string) {
	column = p.Target.Time
	for _, c := range p.Columns {
		if strings.EqualFold(c.Name, p.Target.Time) {
			typ, column = c.TimeType(), c.Name
		}
	}
	return typ, column
}

// boundOf is a bound, an expression of an instant, as a column of that TimeType has it.
func boundOf(typ, t, zone string) string {
	civil := "(" + t + " AT TIME ZONE " + literal(zone) + ")"
	format, held := hindcast.FormatOf(typ)
	switch {
	case format == hindcast.DayNumber && held == "VARCHAR":
		return "to_char(" + civil + ", 'YYYYMMDD')"
	case format == hindcast.DayNumber:
		return "to_char(" + civil + ", 'YYYYMMDD')::bigint"
	case format == hindcast.DayText:
		return "to_char(" + civil + ", 'YYYY-MM-DD')"
	case format == hindcast.Epoch:
		return "extract(epoch FROM " + t + ")::bigint"
	case format == hindcast.EpochMS:
		return "(extract(epoch FROM " + t + ")::bigint * 1000)"
	case typ == instant:
		return t
	case typ == "DATE":
		return civil + "::date"
	}
	return civil
}

// editedQuery sums the target between the sorted bounds of all slices, as Published does.
func editedQuery(p warehouse.Published, from string) string {
	typ, name := timeOf(p)
	column := sqltext.Identifier(name)
	bound := func(t string) string { return boundOf(typ, t, p.TimeZone) }
	bucket := func(value string) string {
		return "width_bucket(" + bucketed(typ, value) + ", (SELECT list FROM bounds))"
	}
	table := pgclient.ParseName(p.Target.Table).SQL()
	return "WITH s AS MATERIALIZED (SELECT slice, slice_start, \"rows\" AS n, " + contentParts + ", " + bound("slice_start") + " AS a, " + bound("slice_end") + " AS b" + from + `),
	` + movedPlaces(table) + `,
	bounds AS MATERIALIZED (SELECT array_agg(x ORDER BY x) AS list FROM (SELECT a FROM s UNION SELECT b FROM s) each(x)),
	p(k, n, first, last, total, places) AS (` + sumsQuery(bucket(column), nil, table,
		column+" >= (SELECT list[1] FROM bounds) AND "+column+" < (SELECT list[cardinality(list)] FROM bounds)", placesIn(table)) + `)
	SELECT s.slice FROM s LEFT JOIN p ON p.k = ` + bucket("s.a") + `
	WHERE coalesce(p.n, 0) <> s.n OR s.n <> 0 AND (s.places IN (SELECT places FROM moved) OR s.content IS DISTINCT FROM
	  'xid:' || CASE WHEN p.first = p.last THEN p.first::text ELSE p.first || '-' || p.last || '/' || p.total END)
	ORDER BY s.slice_start`
}
