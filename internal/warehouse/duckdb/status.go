package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Committed returns the pipeline's status rows. If resolved is set it waits for publications of this process; other
// processes cannot have the file open.
func (w *Owner) Committed(ctx context.Context, pipeline string, resolved bool, keys ...string) ([]hindcast.Committed, error) {
	if resolved {
		w.loading.Lock()
		defer w.loading.Unlock()
	}

	condition, args := "pipeline = ?", []any{pipeline}
	if len(keys) > 0 {
		named, err := json.Marshal(keys)
		if err != nil {
			return nil, err
		}
		condition, args = condition+" AND "+amongKeys, append(args, string(named))
	}

	var all []hindcast.Committed
	err := w.withConn(ctx, func(conn *sql.Conn) error {
		columns, err := standingColumns(ctx, conn)
		if err != nil || columns == "" {
			return err
		}

		rows, err := conn.QueryContext(ctx, "SELECT "+columns+" FROM hindcast_status WHERE "+condition+" ORDER BY slice_start", args...)
		if err != nil {
			return err
		}
		all, err = readCommitted(rows)
		return err
	})
	return all, err
}

// standingColumns selects warehouse.StatusColumns of the table as it stands; "" if there is none. Of an earlier version it has no
// publication until the next Prepare: every run published its own rows then.
func standingColumns(ctx context.Context, conn *sql.Conn) (string, error) {
	var exists, publication bool
	err := conn.QueryRowContext(ctx, `SELECT count(*) > 0, count(*) FILTER (column_name = 'publication') > 0 FROM duckdb_columns()
		WHERE database_name = current_database() AND schema_name = current_schema() AND table_name = 'hindcast_status'`).Scan(&exists, &publication)
	switch {
	case err != nil || !exists:
		return "", err
	case !publication:
		return strings.Replace(warehouse.StatusColumns, "publication", "run", 1), nil
	}
	return warehouse.StatusColumns, nil
}

// amongKeys is true of the slices in a list of JSON.
const amongKeys = `slice IN (SELECT unnest(from_json(?, '["VARCHAR"]')))`

func readCommitted(rows *sql.Rows) (all []hindcast.Committed, err error) {
	defer rows.Close()
	for rows.Next() {
		c, err := scanCommitted(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

func scanCommitted(rows *sql.Rows) (hindcast.Committed, error) {
	var c hindcast.Committed
	var parts, totals string
	var publication sql.NullString // of a row that an earlier version wrote there is none
	err := rows.Scan(&c.Pipeline, &c.Target, &c.Slice.Key, &c.Slice.Start, &c.Slice.End, &c.Run, &c.Attempt, &c.Fingerprint,
		&parts, &c.Sums.Rows, &c.Sums.Content, &totals, &c.Previous, &c.CommittedAt, &publication)
	if err != nil {
		return c, err
	}
	c.Publication = cmp.Or(publication.String, c.Run)
	c.Slice.Start, c.Slice.End, c.CommittedAt = c.Slice.Start.UTC(), c.Slice.End.UTC(), c.CommittedAt.UTC()
	if err := warehouse.ReadStatusTexts(&c, parts, totals); err != nil {
		return c, fmt.Errorf("reading hindcast_status of %s: %w", c.Slice.Key, err)
	}
	return c, nil
}

// Published sums the target's rows in each interval, in one pass over the table.
func (w *Owner) Published(ctx context.Context, p warehouse.Published) ([]hindcast.Sums, error) {
	out := make([]hindcast.Sums, len(p.Intervals))
	if len(p.Intervals) == 0 {
		return out, nil
	}
	typ := timeType(p)
	err := w.withConn(ctx, func(conn *sql.Conn) error {
		totalled, err := duck.Totalled(ctx, conn, p.Columns, duck.Table(p.Target.Table))
		if err != nil {
			return err
		}
		rows, err := conn.QueryContext(ctx, publishedQuery(p, typ, totalled))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i int
			sums, err := duck.ScanSums(rows, totalled, &i)
			if err != nil {
				return err
			}
			out[i] = sums
		}
		return rows.Err()
	})
	return out, err
}

// evenly reports whether the intervals follow each other and are equally long, as a column of that type reads them, but for the last, which may
// be shorter: a row's interval is computed then, where it would be looked for by sorting. It gives the first start and the length
// in microseconds, and the last end as a bound.
func evenly(p warehouse.Published, typ string) (first, width int64, end string, even bool) {
	if typ != "TIMESTAMP" && typ != "TIMESTAMP WITH TIME ZONE" {
		return 0, 0, "", false
	}
	for i, in := range p.Intervals {
		wall := warehouse.Wall(typ, in, p.TimeZone)
		start, stop := wall.Start.UnixMicro(), wall.End.UnixMicro()
		if i == 0 {
			first, width = start, stop-start
		}
		last := i == len(p.Intervals)-1
		if start != first+int64(i)*width || stop <= start || stop-start > width || stop-start < width && !last {
			return 0, 0, "", false
		}
	}
	return first, width, duck.Bound(typ, p.Intervals[len(p.Intervals)-1].End, p.TimeZone), true
}

// fewIntervals is up to how many intervals a query names their bounds once more.
const fewIntervals = 256

// publishedQuery places the rows by an ASOF join: the intervals of a history do not overlap. It sorts what it joins, so
// rows of the same time are summed first: a result has far fewer times than rows.
func publishedQuery(p warehouse.Published, typ string, totalled []hindcast.Column) string {
	values, starts, ends := make([]string, len(p.Intervals)), make([]string, len(p.Intervals)), make([]string, len(p.Intervals))
	for i, in := range p.Intervals {
		starts[i], ends[i] = duck.Bound(typ, in.Start, p.TimeZone), duck.Bound(typ, in.End, p.TimeZone)
		values[i] = fmt.Sprintf("(%d, %s, %s)", i, starts[i], ends[i])
	}
	grouped, over := duck.PartialSums(p.Columns, totalled)
	column := duck.Name(p.Target.Time)
	if first, width, end, even := evenly(p, typ); even {
		micros := "epoch_us(" + column + ")"
		return fmt.Sprintf("SELECT hindcast_i, %s FROM (SELECT (%s - %d) // %d AS hindcast_i, %s FROM %s WHERE %s >= %s AND %s < %s GROUP BY 1) GROUP BY 1",
			over, micros, first, width, grouped, duck.Table(p.Target.Table), column, starts[0], column, end)
	}
	within := column + " IS NOT NULL"
	if len(p.Intervals) <= fewIntervals { // DuckDB reads no other parts of the table then
		within = column + " >= least(" + strings.Join(starts, ", ") + ") AND " + column + " < greatest(" + strings.Join(ends, ", ") + ")"
	}
	return "SELECT hindcast_i, " + over + " FROM (SELECT " + column + " AS hindcast_t, " + grouped + " FROM " + duck.Table(p.Target.Table) +
		" WHERE " + within + " GROUP BY " + column + ")" +
		" ASOF JOIN (VALUES " + strings.Join(values, ", ") + ") AS hindcast_v(hindcast_i, hindcast_s, hindcast_e)" +
		" ON hindcast_t >= hindcast_s WHERE hindcast_t < hindcast_e GROUP BY hindcast_i"
}
