package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// haveStatus reports whether the table of status rows is there.
func haveStatus(ctx context.Context, conn *sql.Conn) (exists bool, err error) {
	err = conn.QueryRowContext(ctx, `SELECT count(*) > 0 FROM duckdb_tables()
		WHERE database_name = current_database() AND schema_name = current_schema() AND table_name = 'hindcast_status'`).Scan(&exists)
	return exists, err
}

// overviewQuery has one text of all rows, a line each: to sort one text costs half of what sorting six does. The run comes last
// in a line: it is the only value that is not hindcast's own.
const overviewQuery = `SELECT count(*), coalesce(string_agg(concat(epoch_us(slice_start), chr(9), epoch_us(slice_end), chr(9),
	epoch_us(committed_at), chr(9), slice, chr(9), fingerprint, chr(9), run), chr(10) ORDER BY slice_start), '')
	FROM hindcast_status WHERE pipeline = ? AND target = ?`

// Overview puts the rows' texts together where they are: a row that is fetched costs more than one that is read.
func (w *Owner) Overview(ctx context.Context, pipeline, target string) (o warehouse.Overview, err error) {
	var text string
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		exists, err := haveStatus(ctx, conn)
		if err != nil || !exists {
			return err
		}
		return conn.QueryRowContext(ctx, overviewQuery, pipeline, target).Scan(&o.Rows, &text)
	})
	if err != nil || o.Rows == 0 {
		return o, err
	}

	columns := []*string{&o.Starts, &o.Ends, &o.At, &o.Keys, &o.Prints, &o.Runs}
	texts := make([]strings.Builder, len(columns))
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for i := range texts {
			value := line
			if i < len(texts)-1 {
				value, line, _ = strings.Cut(line, "\t")
			}
			texts[i].WriteString(value)
			texts[i].WriteByte('\n')
		}
	}
	for i, column := range columns {
		*column = strings.TrimSuffix(texts[i].String(), "\n")
	}
	return o, nil
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
		exists, err := haveStatus(ctx, conn)
		if err != nil || !exists {
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

func editedQuery(p warehouse.Published) string {
	typ := timeType(p)
	bound := func(column string) string {
		if typ == "TIMESTAMP WITH TIME ZONE" {
			return column
		}
		return "CAST(timezone(" + duck.String(p.TimeZone) + ", " + column + ") AS " + typ + ")"
	}
	grouped, over := duck.PartialContent(p.Columns)
	column := duck.Name(p.Target.Time)
	return `WITH hindcast_s AS (SELECT slice, "rows" AS n, content, ` + bound("slice_start") + " AS a, " + bound("slice_end") + ` AS b
		FROM hindcast_status WHERE pipeline = ? AND target = ?),
	hindcast_p(slice, n, content) AS (SELECT slice, ` + over + " FROM (SELECT " + column + " AS hindcast_t, " + grouped + " FROM " +
		duck.Table(p.Target.Table) + " WHERE " + column + " IS NOT NULL GROUP BY " + column + `)
		ASOF JOIN hindcast_s ON hindcast_t >= a WHERE hindcast_t < b GROUP BY slice)
	SELECT s.slice FROM hindcast_s s LEFT JOIN hindcast_p p USING (slice)
	WHERE coalesce(p.n, 0) <> s.n OR s.n <> 0 AND p.content IS DISTINCT FROM s.content ORDER BY a`
}

// timeType is the type of the target's time column.
func timeType(p warehouse.Published) string {
	for _, c := range p.Columns {
		if strings.EqualFold(c.Name, p.Target.Time) {
			return c.Type
		}
	}
	return ""
}
