package duckdb

import (
	"context"
	"database/sql"
	"os"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// publication is a publication under way.
type publication struct {
	*warehouse.Publication
	conn         *sql.Conn
	replacements []*replacement
	batches      []*batch
	current      *batch // that an error is about; nil if it is about all of them
	hooked       warehouse.Hooked
	owner        *Owner
	spelled      map[string][]string // the names that hindcast_status has of each target
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

// Publish does all replacements in one transaction (promise 2). The order matters: the targets' locks come first. Where statements
// that several replacements share fail, each is tried with its own, to find out which of them it is.
func (w *Owner) Publish(ctx context.Context, given warehouse.Publication) ([]hindcast.Committed, error) {
	if err := given.Check(); err != nil {
		return nil, err
	}
	w.loading.Lock()
	defer w.loading.Unlock()

	p, err := w.publishAs(ctx, &given, maxShared)
	if err != nil && p.current.several() && blamable(err) {
		p, err = w.publishAs(ctx, &given, 1)
	}
	if err != nil {
		if r := p.current.blamed(); r != nil {
			err = given.Blame(r.Replacement, err)
		}
		return nil, err
	}
	return p.rows(), nil
}

// blamable reports whether one replacement may be to blame for an error, which its own statements would show.
func blamable(err error) bool {
	e := hindcast.AsError(err)
	return (e.Class == hindcast.ClassPermanent || e.Class == hindcast.ClassCheck) && e.Code != hindcast.EFenced
}

// publishAs publishes with statements that up to that many replacements share.
func (w *Owner) publishAs(ctx context.Context, given *warehouse.Publication, shared int) (*publication, error) {
	p := &publication{Publication: given, hooked: given.Hooked(), owner: w}
	now, large := time.Now(), false
	for i := range given.Replacements {
		r := &given.Replacements[i]
		p.replacements = append(p.replacements, &replacement{publication: p, Replacement: r, row: given.Row(r, now)})
		large = large || r.Rows > rowGroup
	}
	p.batches = p.divide(shared)

	end := (*sql.Conn).Close
	if p.hooked.Any() {
		end = onceOnly // they may SET something, or make temporary tables
		if err := w.helpers.Keep(ctx); err != nil {
			return p, err
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
	return p, err
}

func (p *publication) rows() []hindcast.Committed {
	rows := make([]hindcast.Committed, len(p.replacements))
	for i, r := range p.replacements {
		rows[i] = r.row
	}
	return rows
}

// publish does what stands between BEGIN and COMMIT. Every batch is taken through one step before the next step begins.
func (p *publication) publish(ctx context.Context) error {
	for _, target := range p.Targets() {
		if _, err := p.conn.ExecContext(ctx, "UPDATE hindcast_lease SET n = n + 1 WHERE name = "+duck.String(lockName(target))); err != nil {
			return err
		}
	}
	var err error
	if p.spelled, err = p.owner.spelled(ctx, p.conn, p.Targets()); err != nil {
		return err
	}
	if err := warehouse.Each(ctx, p.batches, &p.current, (*batch).look); err != nil {
		return err
	}
	if err := p.met(ctx); err != nil {
		return err
	}
	err = warehouse.Each(ctx, p.batches, &p.current, (*batch).keepPrevious, (*batch).swap, (*batch).hooksAfter, (*batch).sum)
	if err != nil {
		return err
	}
	if err := p.keep(ctx); err != nil {
		return err
	}
	return p.writeStatus(ctx)
}

// met compares what stands in the slices with what the replacements expect. The error names all that are not what was expected.
func (p *publication) met(ctx context.Context) error {
	var current *replacement
	err := warehouse.Each(ctx, p.replacements, &current, func(r *replacement, ctx context.Context) error {
		return r.Met(p.Pipeline, r.replaced, func(columns []hindcast.Column) (hindcast.Sums, error) {
			return duck.SumsOf(ctx, r.conn, columns, r.inSlice())
		})
	})
	if err != nil {
		return p.Blame(current.Replacement, err)
	}
	return nil
}

// found is what a replacement finds under the target's lock.
type found struct {
	rows     int64 // of the target in the slice
	statuses int64 // rows of hindcast_status whose slices overlap it
}

// inSlice is the target's rows that belong to the slice, for FROM and DELETE FROM.
func (r *replacement) inSlice() string {
	return duck.Table(r.Target.Table) + " WHERE " + within([]*replacement{r})
}

// keepPrevious writes the rows that will be replaced, all columns of the target, where they are to be kept.
func (r *replacement) keepPrevious(ctx context.Context, columns []hindcast.Column) error {
	r.kept = columns
	if err := os.MkdirAll(r.Previous, 0o700); err != nil {
		return err
	}
	_, err := duck.Copy(ctx, r.conn, "SELECT "+duck.Encode(columns)+" FROM "+r.inSlice(), r.Previous)
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

// rowGroup is how many rows DuckDB keeps in one row group of a table.
const rowGroup = 122_880

// insert runs an INSERT of about that many rows. Many rows go in by row groups, written side by side, if their order
// is kept: that takes 0.7 of the time (docs/decisions/duckdb.md). The load sets that back when its transaction has ended:
// in one that an error aborted nothing can be set.
func insert(ctx context.Context, conn *sql.Conn, statement string, paths []string, rows int64) (int64, error) {
	if rows > rowGroup {
		if err := execAll(ctx, conn, "SET preserve_insertion_order=true"); err != nil {
			return 0, err
		}
	}
	result, err := conn.ExecContext(ctx, statement, paths)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (r *replacement) hooks(ctx context.Context, key string, hooks []string) error {
	return warehouse.RunHooks(key, hooks, r.Places, func(hook string) error {
		_, err := r.conn.ExecContext(ctx, hook)
		return duck.Translate(err)
	})
}

// unlike is the error of a load that does not leave what was staged.
func (r *replacement) unlike(message string) error {
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: message,
		Next: "see what " + r.Target.Table + " is; everything was rolled back"}
}
