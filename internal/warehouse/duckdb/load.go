package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// The names of the lock rows in hindcast_lease: the lock is the target's, since two pipelines may share one;
// the fence is the pipeline's.
func lockName(target string) string    { return "target " + target }
func fenceName(pipeline string) string { return "pipeline " + pipeline }

const ourTables = `
CREATE TABLE IF NOT EXISTS hindcast_lease (name VARCHAR PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS hindcast_status (
  pipeline VARCHAR NOT NULL, target VARCHAR NOT NULL, slice VARCHAR NOT NULL,
  slice_start TIMESTAMP WITH TIME ZONE NOT NULL, slice_end TIMESTAMP WITH TIME ZONE NOT NULL,
  run VARCHAR NOT NULL, attempt INTEGER NOT NULL, fingerprint VARCHAR NOT NULL, parts VARCHAR NOT NULL,
  "rows" BIGINT NOT NULL, content VARCHAR NOT NULL, totals VARCHAR NOT NULL, previous VARCHAR NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE NOT NULL, publication VARCHAR);
ALTER TABLE hindcast_status ADD COLUMN IF NOT EXISTS publication VARCHAR`

// Prepare creates what is missing and raises the fence.
func (w *Owner) Prepare(ctx context.Context, pipeline string, t hindcast.Target, columns []hindcast.Column, fence int64) error {
	w.loading.Lock()
	defer w.loading.Unlock()
	return w.inTransaction(ctx, func(conn *sql.Conn) error {
		if err := execAll(ctx, conn, ourTables, createTarget(t, columns)); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, "INSERT INTO hindcast_lease VALUES (?, 0), (?, 0) ON CONFLICT DO NOTHING",
			lockName(t.Table), fenceName(pipeline))
		if err != nil {
			return err
		}
		if err := checkFence(ctx, conn, pipeline, fence); err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, "UPDATE hindcast_lease SET n = ? WHERE name = ?", fence, fenceName(pipeline))
		return err
	})
}

// Refuses says what Prepare would refuse of the target: only its schema may be lacking.
func (w *Owner) Refuses(ctx context.Context, t hindcast.Target, _ []hindcast.Column) error {
	parts := duck.SplitTable(t.Table)
	if len(parts) == 1 {
		return nil
	}
	database, schema := "", parts[len(parts)-2]
	if len(parts) > 2 {
		database = parts[len(parts)-3]
	}
	var there bool
	err := w.withConn(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM duckdb_schemas() WHERE lower(schema_name) = lower($2) AND CASE WHEN $1 = '' "+
			"THEN database_name = current_database() ELSE lower(database_name) = lower($1) END OR $1 = '' AND lower(database_name) = lower($2)",
			database, schema).Scan(&there)
	})
	if err != nil || there {
		return err
	}
	return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Message: "the schema " + schema + " of the target is not there",
		Next: "correct its name, or: CREATE SCHEMA " + duck.Name(schema) + ";"}
}

func createTarget(t hindcast.Target, columns []hindcast.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = duck.Name(c.Name) + " " + c.Type
	}
	return "CREATE TABLE IF NOT EXISTS " + duck.Table(t.Table) + " (" + strings.Join(list, ", ") + ")"
}

// checkFence refuses a writer whose lease another took over (promise 5).
func checkFence(ctx context.Context, conn *sql.Conn, pipeline string, fence int64) error {
	var highest int64
	err := conn.QueryRowContext(ctx, "SELECT n FROM hindcast_lease WHERE name = ?", fenceName(pipeline)).Scan(&highest)
	if err != nil {
		return err
	}
	return refuseLower(highest, fence)
}

func refuseLower(highest, fence int64) error {
	if highest > fence {
		return &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("another process took the pipeline over (fence %d, ours %d)", highest, fence),
			Next:    "see who: hindcast status"}
	}
	return nil
}

// Fence returns the pipeline's fence. It is asked for after a Prepare, so that the table is there.
func (w *Owner) Fence(ctx context.Context, pipeline string) (n int64, err error) {
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, "SELECT coalesce(max(n), 0) FROM hindcast_lease WHERE name = ?", fenceName(pipeline)).Scan(&n)
	})
	return n, err
}

// Load replaces a slice's rows in one transaction (promise 2). The order matters: the target's lock comes first.
func (w *Owner) Load(ctx context.Context, l warehouse.Load) (hindcast.Committed, error) {
	w.loading.Lock()
	defer w.loading.Unlock()
	c := hindcast.Committed{Pipeline: l.Pipeline, Target: l.Target.Table, Slice: l.Slice, Run: l.Run, Attempt: l.Attempt,
		Fingerprint: l.Print, Parts: l.Parts, Publication: l.Run, CommittedAt: time.Now().UTC().Truncate(time.Microsecond)}
	end := (*sql.Conn).Close
	if len(l.Hooks.Before)+len(l.Hooks.After) > 0 {
		end = onceOnly // they may SET something, or make temporary tables
	}
	err := w.withSession(ctx, transaction(ctx, func(conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "UPDATE hindcast_lease SET n = n + 1 WHERE name = ?", lockName(l.Target.Table)); err != nil {
			return err
		}
		was, err := before(ctx, conn, l)
		if err != nil {
			return err
		}
		if err := refuseLower(was.fence, l.Fence); err != nil {
			return err
		}
		if c.Previous, err = keepPrevious(ctx, conn, l, was); err != nil {
			return err
		}
		if err := replaceRows(ctx, conn, l, was.rows); err != nil {
			return err
		}
		if c.Sums, err = loaded(ctx, conn, l); err != nil {
			return err
		}
		return writeStatus(ctx, conn, c, was.statuses)
	}), end)
	if l.Rows > rowGroup { // it is the whole instance's; an instance that refuses is of no use any more, as the next statement says
		_, _ = w.db.ExecContext(context.WithoutCancel(ctx), "SET preserve_insertion_order=false")
	}
	return c, err
}

// found is what a load finds under the target's lock.
type found struct {
	fence    int64 // the highest of the pipeline
	rows     int64 // of the target in the slice
	statuses int64 // rows of hindcast_status whose slices overlap it
}

// before looks at all of it in one statement: for a slice of few rows, statements are what a load costs.
func before(ctx context.Context, conn *sql.Conn, l warehouse.Load) (was found, err error) {
	err = conn.QueryRowContext(ctx, "SELECT (SELECT n FROM hindcast_lease WHERE name = ?), (SELECT count(*) FROM "+duck.Table(l.Target.Table)+
		" WHERE "+inSlice(l)+"), (SELECT count(*) FROM hindcast_status WHERE "+overlapping+")",
		fenceName(l.Pipeline), l.Target.Table, l.Slice.End.UTC(), l.Slice.Start.UTC()).Scan(&was.fence, &was.rows, &was.statuses)
	return was, err
}

// overlapping is the condition that a status row's slice overlaps one; its parameters are target, end and start.
const overlapping = "target = ? AND slice_start < ? AND slice_end > ?"

// inSlice is the condition that a row of the target belongs to the slice.
func inSlice(l warehouse.Load) string {
	for _, c := range l.Columns {
		if strings.EqualFold(c.Name, l.Target.Time) {
			return duck.Window(c.Name, c.Type, l.Slice.Interval, l.TimeZone)
		}
	}
	return "false"
}

// keepPrevious keeps what will be replaced, rows with all of their columns and status rows, and returns where; "" if there
// is nothing.
func keepPrevious(ctx context.Context, conn *sql.Conn, l warehouse.Load, was found) (string, error) {
	if was.rows == 0 && was.statuses == 0 || l.Previous == "" {
		return "", nil
	}
	if was.rows > 0 {
		if err := copyPrevious(ctx, conn, l); err != nil {
			return "", err
		}
	}
	if l.Keep != nil {
		replaced, err := replacedStatus(ctx, conn, l, was.statuses)
		if err != nil {
			return "", err
		}
		if err := l.Keep(ctx, replaced); err != nil {
			return "", err
		}
	}
	return cmp.Or(l.PreviousAs, l.Previous), nil
}

func copyPrevious(ctx context.Context, conn *sql.Conn, l warehouse.Load) error {
	columns, err := targetColumns(ctx, conn, l.Target.Table)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.Previous, 0o700); err != nil {
		return err
	}
	_, err = duck.Copy(ctx, conn, "SELECT "+duck.Encode(columns)+" FROM "+duck.Table(l.Target.Table)+" WHERE "+inSlice(l), l.Previous)
	return err
}

// replacedStatus are the n status rows that the load takes out.
func replacedStatus(ctx context.Context, conn *sql.Conn, l warehouse.Load, n int64) ([]hindcast.Committed, error) {
	if n == 0 {
		return nil, nil
	}
	rows, err := conn.QueryContext(ctx, "SELECT "+statusColumns+" FROM hindcast_status WHERE "+overlapping+" ORDER BY slice_start",
		l.Target.Table, l.Slice.End.UTC(), l.Slice.Start.UTC())
	if err != nil {
		return nil, err
	}
	return readCommitted(rows)
}

func targetColumns(ctx context.Context, conn *sql.Conn, table string) ([]hindcast.Column, error) {
	rows, err := conn.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE "+duck.Table(table)+")")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var columns []hindcast.Column
	for rows.Next() {
		var c hindcast.Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return duck.Store(table, columns)
}

// replaceRows puts the staged rows in place of the n that were there before the user's hooks.
func replaceRows(ctx context.Context, conn *sql.Conn, l warehouse.Load, n int64) error {
	if err := runHooks(ctx, conn, "load.before", l.Hooks.Before, l.Places); err != nil {
		return err
	}
	if n > 0 || len(l.Hooks.Before) > 0 {
		result, err := conn.ExecContext(ctx, "DELETE FROM "+duck.Table(l.Target.Table)+" WHERE "+inSlice(l))
		if err != nil {
			return err
		}
		if deleted, err := result.RowsAffected(); err != nil || deleted != n && len(l.Hooks.Before) == 0 {
			return cmp.Or(err, unlike(l, fmt.Sprintf("%d rows of the slice were to be replaced and %d were deleted", n, deleted)))
		}
	}
	if len(l.Files) > 0 {
		names := make([]string, len(l.Columns))
		for i, c := range l.Columns {
			names[i] = duck.Name(c.Name)
		}
		n, err := insert(ctx, conn, "INSERT INTO "+duck.Table(l.Target.Table)+" ("+strings.Join(names, ", ")+") "+
			duck.FromParquet(l.Columns, l.Files), l.Rows)
		if err != nil {
			return err
		}
		if n != l.Rows {
			return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("the staged files hold %d rows, their manifest says %d", n, l.Rows)}
		}
	}
	return runHooks(ctx, conn, "load.after", l.Hooks.After, l.Places)
}

// rowGroup is how many rows DuckDB keeps in one row group of a table.
const rowGroup = 122_880

// insert runs an INSERT of about that many rows. Many rows go in by row groups, written side by side, if their order
// is kept: that takes 0.7 of the time (docs/decisions/duckdb.md). The load sets that back when its transaction has ended:
// in one that an error aborted nothing can be set.
func insert(ctx context.Context, conn *sql.Conn, statement string, rows int64) (int64, error) {
	if rows > rowGroup {
		if err := execAll(ctx, conn, "SET preserve_insertion_order=true"); err != nil {
			return 0, err
		}
	}
	result, err := conn.ExecContext(ctx, statement)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// loaded are the sums of the slice's rows as the load leaves them: as many as were staged, unless a hook changed that.
func loaded(ctx context.Context, conn *sql.Conn, l warehouse.Load) (hindcast.Sums, error) {
	if l.Rows == 0 && len(l.Hooks.After) == 0 {
		return hindcast.Sums{}, nil
	}
	sums, err := duck.SumsOf(ctx, conn, l.Columns, duck.Table(l.Target.Table)+" WHERE "+inSlice(l))
	if err == nil && sums.Rows != l.Rows && len(l.Hooks.After) == 0 {
		err = unlike(l, fmt.Sprintf("%d rows were inserted for the slice, and %d stand in %s", l.Rows, sums.Rows, l.Target.Table))
	}
	return sums, err
}

// unlike is the error of a load that does not leave what was staged.
func unlike(l warehouse.Load, message string) error {
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: message,
		Next: "see what " + l.Target.Table + " is; everything was rolled back"}
}

// runHooks runs the user's SQL in the load's transaction. Transaction control would end it: refused.
func runHooks(ctx context.Context, conn *sql.Conn, key string, hooks []string, places map[string]hindcast.Place) error {
	for i, hook := range hooks {
		place := places[fmt.Sprintf("%s.%d", key, i)]
		if word, _, found := sqltext.TransactionControl(hook); found {
			return &hindcast.Error{Code: hindcast.EHook, Class: hindcast.ClassPermanent, Place: place,
				Message: fmt.Sprintf("%s[%d] holds %s: a hook is part of the load's transaction and cannot control it", key, i, word),
				Next:    "take it out of the hook"}
		}
		if _, err := conn.ExecContext(ctx, hook); err != nil {
			e := *hindcast.AsError(duck.Translate(err))
			if e.Class == hindcast.ClassPermanent {
				e.Code = hindcast.EHook
			}
			e.Message, e.Place = fmt.Sprintf("%s[%d]: %s", key, i, e.Message), place
			if e.Next == "" {
				e.Next = "correct the hook in the pipeline file: what it did was rolled back with the slice"
			}
			return &e
		}
	}
	return nil
}

// writeStatus puts the slice's row in, and takes out the n older rows whose slices overlap it.
func writeStatus(ctx context.Context, conn *sql.Conn, c hindcast.Committed, n int64) error {
	if n > 0 {
		_, err := conn.ExecContext(ctx, "DELETE FROM hindcast_status WHERE "+overlapping, c.Target, c.Slice.End.UTC(), c.Slice.Start.UTC())
		if err != nil {
			return err
		}
	}
	parts, err := json.Marshal(c.Parts)
	if err != nil {
		return err
	}
	totals, err := json.Marshal(c.Sums.Totals)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "INSERT INTO hindcast_status ("+statusColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c.Pipeline, c.Target, c.Slice.Key, c.Slice.Start.UTC(), c.Slice.End.UTC(), c.Run, c.Attempt, c.Fingerprint,
		string(parts), c.Sums.Rows, c.Sums.Content, string(totals), c.Previous, c.CommittedAt, c.Publication)
	return err
}
