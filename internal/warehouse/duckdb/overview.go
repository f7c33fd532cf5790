package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// have reports whether a table of ours is there.
func have(ctx context.Context, conn *sql.Conn, table string) (exists bool, err error) {
	err = conn.QueryRowContext(ctx, `SELECT count(*) > 0 FROM duckdb_tables()
		WHERE database_name = current_database() AND schema_name = current_schema() AND table_name = ?`, table).Scan(&exists)
	return exists, err
}

// digested are the rows that digests stand for, by range.
const digested = ` FROM (SELECT (epoch_us(slice_start) - $3) // $4 AS n, epoch_us(slice_start) AS start, epoch_us(slice_end) AS stop, slice, fingerprint, run,
	epoch_us(committed_at) // 86400000000 AS day FROM hindcast_status WHERE pipeline = $1 AND target = $2 AND epoch_us(slice_start) >= $3) WHERE n < $5`

// commitsQuery says who committed the rows of each range; of one where that is too many the first alone.
const commitsQuery = `SELECT n, run, day, count(*), min(start), max(start), count(*) OVER of_range` + digested + ` GROUP BY n, run, day
	WINDOW of_range AS (PARTITION BY n) QUALIFY count(*) OVER of_range <= $6 OR row_number() OVER of_range = 1 ORDER BY n, min(start)`

// sumsQuery sums up the hashes of each range. DuckDB has a text's MD5 as a number of 128 bits, whose last byte is the highest; asking for
// its halves would hash it twice.
const sumsQuery = `SELECT n, CAST(sum(CAST(hash & 18446744073709551615 AS UBIGINT)) AS VARCHAR), CAST(sum(CAST(hash >> 64 AS UBIGINT)) AS VARCHAR)
	FROM (SELECT n, md5_number(concat(start, '|', stop, '|', slice, '|', fingerprint)) AS hash` + digested + `) GROUP BY n`

// Digests reads the rows where they are.
func (w *Owner) Digests(ctx context.Context, pipeline, target string, ranges hindcast.Ranges) (warehouse.Digests, error) {
	found := warehouse.Digests{Hashing: warehouse.HashMD5}
	args := []any{pipeline, target, ranges.From.UnixMicro(), ranges.Width.Microseconds(), ranges.Count}
	err := w.withConn(ctx, func(conn *sql.Conn) error {
		exists, err := have(ctx, conn, "hindcast_status")
		if err != nil || !exists {
			return err
		}
		if found.Ranges, err = commits(ctx, conn, append(args, hindcast.MostCommits)); err != nil || len(found.Ranges) == 0 {
			return err
		}
		return sums(ctx, conn, args, found.Ranges)
	})
	return found, err
}

func commits(ctx context.Context, conn *sql.Conn, args []any) (found []hindcast.Digest, err error) {
	rows, err := conn.QueryContext(ctx, commitsQuery, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var by hindcast.Commits
		var first, last, all int64
		if err := rows.Scan(&n, &by.Run, &by.Day, &by.Rows, &first, &last, &all); err != nil {
			return nil, err
		}
		by.First, by.Last = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		found = warehouse.WithCommits(found, n, by)
	}
	return found, rows.Err()
}

func sums(ctx context.Context, conn *sql.Conn, args []any, found []hindcast.Digest) error {
	rows, err := conn.QueryContext(ctx, sumsQuery, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var low, high string
		if err := rows.Scan(&n, &low, &high); err != nil {
			return err
		}
		if err := warehouse.WithSums(found, n, low, high); err != nil {
			return err
		}
	}
	return rows.Err()
}

const overviewQuery = `SELECT epoch_us(slice_start), epoch_us(slice_end), epoch_us(committed_at), slice, fingerprint, run
	FROM hindcast_status WHERE pipeline = ? AND target = ?`

// beginning is true of the rows whose slices begin within one of the intervals.
func beginning(within []hindcast.Interval) string {
	if within == nil {
		return ""
	}
	each := []string{"false"}
	for _, in := range within {
		each = append(each, fmt.Sprintf("epoch_us(slice_start) >= %d AND epoch_us(slice_start) < %d", in.Start.UnixMicro(), in.End.UnixMicro()))
	}
	return " AND (" + strings.Join(each, " OR ") + ")"
}

// Overview packs the rows as they come.
func (w *Owner) Overview(ctx context.Context, pipeline, target string, within []hindcast.Interval) (warehouse.Overview, error) {
	var packer warehouse.Packer
	err := w.withConn(ctx, func(conn *sql.Conn) error {
		exists, err := have(ctx, conn, "hindcast_status")
		if err != nil || !exists {
			return err
		}
		rows, err := conn.QueryContext(ctx, overviewQuery+beginning(within)+" ORDER BY slice_start", pipeline, target)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c hindcast.Committed
			var start, end, at int64
			if err := rows.Scan(&start, &end, &at, &c.Slice.Key, &c.Fingerprint, &c.Run); err != nil {
				return err
			}
			c.Slice.Start, c.Slice.End, c.CommittedAt = time.UnixMicro(start), time.UnixMicro(end), time.UnixMicro(at)
			packer.Add(&c)
		}
		return rows.Err()
	})
	return packer.Overview(), err
}

// Details returns the whole rows of some slices.
func (w *Owner) Details(ctx context.Context, pipeline, target string, keys []string) (all []hindcast.Committed, err error) {
	wanted, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		columns, err := standingColumns(ctx, conn)
		if err != nil {
			return err
		}
		rows, err := conn.QueryContext(ctx, "SELECT "+columns+" FROM hindcast_status WHERE pipeline = ? AND target = ? AND "+amongKeys+" ORDER BY slice_start", pipeline, target, string(wanted))
		if err != nil {
			return err
		}
		all, err = readCommitted(rows)
		return err
	})
	return all, err
}

// Edited compares within one statement. It takes a slice's bounds as DuckDB reads them in the zone: should that be another
// reading than ours, the slice is named and looked at again.
func (w *Owner) Edited(ctx context.Context, pipeline string, p warehouse.Published) (keys []string, err error) {
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		exists, err := have(ctx, conn, "hindcast_status")
		if err != nil || !exists {
			return err
		}
		var untouched bool
		if err := conn.QueryRowContext(ctx, untouchedQuery(p), pipeline, p.Target.Table).Scan(&untouched); err != nil || untouched {
			return err
		}
		rows, err := conn.QueryContext(ctx, editedQuery(p), pipeline, p.Target.Table)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			if err := rows.Scan(&key); err != nil {
				return err
			}
			keys = append(keys, key)
		}
		return rows.Err()
	})
	return keys, err
}

// untouchedQuery compares all slices at once, which costs a fraction of comparing each: where the target has as many rows as were
// committed, from the first slice to the last, and their hashes add up to the same, each slice has its own. A row's time is a
// part of its hash, so that it counts for no other slice. Rows between slices make it false.
func untouchedQuery(p warehouse.Published) string {
	column := duck.Name(p.Target.Time)
	return `WITH hindcast_s AS (SELECT CAST(coalesce(sum("rows"), 0) AS BIGINT) AS n, coalesce(sum(TRY_CAST(content AS HUGEINT)), 0) AS content,
		count(*) FILTER ("rows" <> 0 AND TRY_CAST(content AS HUGEINT) IS NULL) AS unknown, ` + boundOf(p, "min(slice_start)") + " AS a, " + boundOf(p, "max(slice_end)") + ` AS b
		FROM hindcast_status WHERE pipeline = ? AND target = ?),
	hindcast_p AS (SELECT count(*) AS n, coalesce(` + duck.Content(p.Columns) + ", 0) AS content FROM " + duck.Table(p.Target.Table) + " WHERE " + column +
		" >= (SELECT a FROM hindcast_s) AND " + column + ` < (SELECT b FROM hindcast_s))
	SELECT s.unknown = 0 AND s.n = p.n AND s.content = p.content FROM hindcast_s s, hindcast_p p`
}

// boundOf is a slice's bound as the target's time column has it.
func boundOf(p warehouse.Published, bound string) string {
	typ := timeType(p)
	if typ == "TIMESTAMP WITH TIME ZONE" {
		return bound
	}
	civil := "timezone(" + duck.String(p.TimeZone) + ", " + bound + ")"
	switch format, held := hindcast.FormatOf(typ); format {
	case hindcast.DayNumber:
		return "CAST(strftime(" + civil + ", '%Y%m%d') AS " + held + ")"
	case hindcast.DayText:
		return "strftime(" + civil + ", '%Y-%m-%d')"
	case hindcast.Epoch:
		return "CAST(epoch(" + bound + ") AS " + held + ")"
	case hindcast.EpochMS:
		return "CAST(epoch_ms(" + bound + ") AS " + held + ")"
	}
	return "CAST(" + civil + " AS " + typ + ")"
}

func editedQuery(p warehouse.Published) string {
	grouped, over := duck.PartialContent(p.Columns)
	column := duck.Name(p.Target.Time)
	return `WITH hindcast_s AS (SELECT slice, "rows" AS n, content, ` + boundOf(p, "slice_start") + " AS a, " + boundOf(p, "slice_end") + ` AS b
		FROM hindcast_status WHERE pipeline = ? AND target = ?),
	hindcast_p(slice, n, content) AS (SELECT slice, ` + over + " FROM (SELECT " + column + " AS hindcast_t, " + grouped + " FROM " +
		duck.Table(p.Target.Table) + " WHERE " + column + " IS NOT NULL GROUP BY " + column + `)
		ASOF JOIN hindcast_s ON hindcast_t >= a WHERE hindcast_t < b GROUP BY slice)
	SELECT s.slice FROM hindcast_s s LEFT JOIN hindcast_p p USING (slice)
	WHERE coalesce(p.n, 0) <> s.n OR s.n <> 0 AND p.content IS DISTINCT FROM s.content ORDER BY a`
}

// timeType is the TimeType of the target's time column.
func timeType(p warehouse.Published) string {
	for _, c := range p.Columns {
		if strings.EqualFold(c.Name, p.Target.Time) {
			return c.TimeType()
		}
	}
	return ""
}
