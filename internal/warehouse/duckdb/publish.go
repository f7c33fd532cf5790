package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// publication is a publication under way.
type publication struct {
	*warehouse.Publication
	conn         *sql.Conn
	replacements []*replacement
	current      *replacement // that an error is about; nil if it is about all of them
	hooked       warehouse.Hooked
}

// replacement is one of its replacements under way.
type replacement struct {
	*publication
	*warehouse.Replacement
	found    found
	replaced []hindcast.Committed // status rows that it takes out, where anybody wants to know
	kept     []hindcast.Column    // of the files in which the previous rows are kept
	row      hindcast.Committed
}

// Stage has nothing to do: the files are read within the transaction.
func (w *Owner) Stage(_ context.Context, p warehouse.Publication) (warehouse.Publication, error) {
	return p, nil
}

// Publish does all replacements in one transaction (promise 2). The order matters: the targets' locks come first.
func (w *Owner) Publish(ctx context.Context, given warehouse.Publication) ([]hindcast.Committed, error) {
	if err := given.Check(); err != nil {
		return nil, err
	}
	w.loading.Lock()
	defer w.loading.Unlock()

	p := &publication{Publication: &given, hooked: given.Hooked()}
	now, large := time.Now(), false
	for i := range given.Replacements {
		r := &given.Replacements[i]
		p.replacements = append(p.replacements, &replacement{publication: p, Replacement: r, row: given.Row(r, now)})
		large = large || r.Rows > rowGroup
	}

	end := (*sql.Conn).Close
	if p.hooked.Any() {
		end = onceOnly // they may SET something, or make temporary tables
		if err := w.helpers.Keep(ctx); err != nil {
			return nil, err
		}
	}
	if large {
		defer w.helpers.Call(true)()
	}
	err := w.withSession(ctx, transaction(ctx, func(conn *sql.Conn) error {
		p.conn = conn
		return p.publish(ctx)
	}), end)

	if large { // it is the whole instance's; an instance that refuses is of no use any more, as the next statement says
		_, _ = w.db.ExecContext(context.WithoutCancel(ctx), "SET preserve_insertion_order=false")
	}
	if err != nil {
		if p.current != nil {
			err = given.Blame(p.current.Replacement, err)
		}
		return nil, err
	}
	return p.rows(), nil
}

func (p *publication) rows() []hindcast.Committed {
	rows := make([]hindcast.Committed, len(p.replacements))
	for i, r := range p.replacements {
		rows[i] = r.row
	}
	return rows
}

// publish does what stands between BEGIN and COMMIT. Every replacement is taken through one step before the next step begins.
func (p *publication) publish(ctx context.Context) error {
	for _, target := range p.Targets() {
		if _, err := p.conn.ExecContext(ctx, "UPDATE hindcast_lease SET n = n + 1 WHERE name = ?", lockName(target)); err != nil {
			return err
		}
	}
	err := warehouse.Each(ctx, p.replacements, &p.current, (*replacement).look, (*replacement).keepPrevious, (*replacement).swap,
		(*replacement).hooksAfter, (*replacement).sum)
	if err != nil {
		return err
	}
	if err := p.keep(ctx); err != nil {
		return err
	}
	for _, r := range p.replacements {
		if err := r.writeStatus(ctx); err != nil {
			return err
		}
	}
	return nil
}

// found is what a replacement finds under the target's lock.
type found struct {
	fence    int64 // the highest of the pipeline
	rows     int64 // of the target in the slice
	statuses int64 // rows of hindcast_status whose slices overlap it
}

// look reads all of it in one statement: for a slice of few rows, statements are what a load costs. Then it checks the fence
// and what the replacement expects.
func (r *replacement) look(ctx context.Context) error {
	was := &r.found
	err := r.conn.QueryRowContext(ctx, "SELECT (SELECT n FROM hindcast_lease WHERE name = ?), (SELECT count(*) FROM "+r.inSlice()+
		"), (SELECT count(*) FROM hindcast_status WHERE "+overlapping+")",
		warehouse.FenceName(r.Pipeline), r.Target.Table, r.Slice.End.UTC(), r.Slice.Start.UTC()).Scan(&was.fence, &was.rows, &was.statuses)
	if err != nil {
		return err
	}
	if err := warehouse.CheckFence(was.fence, r.Fence); err != nil {
		return err
	}
	if was.statuses > 0 && (r.Keep != nil || r.Expect.From != nil) {
		rows, err := r.conn.QueryContext(ctx, "SELECT "+warehouse.StatusColumns+" FROM hindcast_status WHERE "+overlapping+" ORDER BY slice_start",
			r.Target.Table, r.Slice.End.UTC(), r.Slice.Start.UTC())
		if err != nil {
			return err
		}
		if r.replaced, err = readCommitted(rows); err != nil {
			return err
		}
	}
	return r.Met(r.replaced, func(columns []hindcast.Column) (hindcast.Sums, error) {
		return duck.SumsOf(ctx, r.conn, columns, r.inSlice())
	})
}

// overlapping is the condition that a status row's slice overlaps one; its parameters are target, end and start.
const overlapping = "target = ? AND slice_start < ? AND slice_end > ?"

// inSlice is the target's rows that belong to the slice, for FROM and DELETE FROM.
func (r *replacement) inSlice() string {
	condition := "false"
	if c, found := r.Time(); found {
		condition = duck.Window(c.Name, c.TimeType(), r.Slice.Interval, r.TimeZone)
	}
	return duck.Table(r.Target.Table) + " WHERE " + condition
}

// keepPrevious writes the rows that will be replaced, all columns of them, where they are to be kept.
func (r *replacement) keepPrevious(ctx context.Context) error {
	if r.Previous == "" || r.found.rows == 0 && r.found.statuses == 0 {
		return nil
	}
	r.row.Previous = cmp.Or(r.PreviousAs, r.Previous)
	if r.found.rows == 0 {
		return nil
	}
	columns, err := targetColumns(ctx, r.conn, r.Target.Table)
	if err != nil {
		return err
	}
	r.kept = columns
	if err := os.MkdirAll(r.Previous, 0o700); err != nil {
		return err
	}
	_, err = duck.Copy(ctx, r.conn, "SELECT "+duck.Encode(columns)+" FROM "+r.inSlice(), r.Previous)
	return err
}

// keep hands over what is replaced.
func (p *publication) keep(ctx context.Context) error {
	return p.HandOver(ctx, func(i int) (string, warehouse.Kept) {
		r := p.replacements[i]
		return r.row.Previous, warehouse.Kept{Rows: r.replaced, Columns: r.kept}
	})
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

// swap puts the staged rows in place of those that stand in the slice.
func (r *replacement) swap(ctx context.Context) error {
	if err := r.hooks(ctx, "load.before", r.Hooks.Before); err != nil {
		return err
	}
	hooked := r.hooked.Before // one may have changed the rows since they were counted
	if n := r.found.rows; n > 0 || hooked {
		result, err := r.conn.ExecContext(ctx, "DELETE FROM "+r.inSlice())
		if err != nil {
			return err
		}
		if deleted, err := result.RowsAffected(); err != nil || deleted != n && !hooked {
			return cmp.Or(err, r.unlike(fmt.Sprintf("%s of the slice were to be replaced and %s were deleted", numbers.Counted(n, "row"), numbers.Thousands(deleted))))
		}
	}
	if len(r.Files) == 0 {
		return nil
	}

	names := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		names[i] = duck.Name(c.Name)
	}
	n, err := insert(ctx, r.conn, "INSERT INTO "+duck.Table(r.Target.Table)+" ("+strings.Join(names, ", ")+") "+
		duck.FromParquet(r.Columns, r.Paths()), r.Rows)
	if err != nil {
		return err
	}
	return r.CheckRows(n)
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

func (r *replacement) hooksAfter(ctx context.Context) error {
	return r.hooks(ctx, "load.after", r.Hooks.After)
}

func (r *replacement) hooks(ctx context.Context, key string, hooks []string) error {
	return warehouse.RunHooks(key, hooks, r.Places, func(hook string) error {
		_, err := r.conn.ExecContext(ctx, hook)
		return duck.Translate(err)
	})
}

// sum takes the sums of the slice's rows as the publication leaves them: as many as were staged, unless a hook changed that.
func (r *replacement) sum(ctx context.Context) (err error) {
	hooked := r.hooked.After
	if r.Rows == 0 && !hooked {
		return nil
	}
	sums, err := duck.SumsOf(ctx, r.conn, r.Sums(), r.inSlice())
	if err == nil && sums.Rows != r.Rows && !hooked {
		err = r.unlike(fmt.Sprintf("%s inserted for the slice, and %s in %s", numbers.Counted(r.Rows, "row"), numbers.Thousands(sums.Rows), r.Target.Table))
	}
	r.row.Sums = sums
	return err
}

// unlike is the error of a load that does not leave what was staged.
func (r *replacement) unlike(message string) error {
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: message,
		Next: "see what " + r.Target.Table + " is; everything was rolled back"}
}

// writeStatus puts the slice's row in, and takes out the older rows whose slices overlap it.
func (r *replacement) writeStatus(ctx context.Context) error {
	c := &r.row
	if r.found.statuses > 0 {
		_, err := r.conn.ExecContext(ctx, "DELETE FROM hindcast_status WHERE "+overlapping, c.Target, c.Slice.End.UTC(), c.Slice.Start.UTC())
		if err != nil {
			return err
		}
	}
	if r.Unrecorded {
		return nil
	}
	parts, totals, err := warehouse.StatusTexts(c)
	if err != nil {
		return err
	}
	_, err = r.conn.ExecContext(ctx, "INSERT INTO hindcast_status ("+warehouse.StatusColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c.Pipeline, c.Target, c.Slice.Key, c.Slice.Start.UTC(), c.Slice.End.UTC(), c.Run, c.Attempt, c.Fingerprint,
		parts, c.Sums.Rows, c.Sums.Content, totals, c.Previous, c.CommittedAt, c.Publication)
	return err
}
