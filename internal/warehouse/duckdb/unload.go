package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Unload writes an extract as Parquet. The rows and their sums are read in one transaction: one snapshot.
func (w *Owner) Unload(ctx context.Context, u warehouse.Unload) (warehouse.Unloaded, error) {
	columns, err := duck.Store(u.Table, u.Columns)
	if err != nil {
		return warehouse.Unloaded{}, err
	}
	out := warehouse.Unloaded{Columns: columns}
	err = w.alone(ctx, transaction(ctx, func(conn *sql.Conn) error {
		from, err := source(u.Extract)
		if err != nil {
			return err
		}
		if err := w.measure(ctx, conn, u, from, &out); err != nil || out.Sums.Rows == 0 {
			return err
		}
		if !w.inOneTask(u.Extract, out.Sums.Rows) {
			defer w.helpers.Call(false)()
		}
		written, err := duck.CopyFleeting(ctx, conn, "SELECT "+duck.Encode(columns)+" FROM "+from, u.Dir)
		if out.Files = written.Files; err != nil || len(out.Files) == 0 {
			return err
		}
		return duck.SyncFiles(out.Files[0].Path) // the manifest that is written beside it makes its name durable
	}), (*sql.Conn).Close)
	if err != nil {
		return warehouse.Unloaded{}, err
	}
	err = out.Finish(u.Table)
	return out, err
}

// measure reads an extract's sums, and its facts if they are asked for.
func (w *Owner) measure(ctx context.Context, conn *sql.Conn, u warehouse.Unload, from string, out *warehouse.Unloaded) (err error) {
	defer w.helpers.Call(false)()
	if out.Sums, err = duck.SumsOf(ctx, conn, out.Columns, from); err != nil || out.Sums.Rows == 0 || !u.Facts {
		return err
	}
	out.Facts, err = duck.FactsOf(ctx, conn, out.Columns, from)
	return err
}

// inOneTask reports whether one thread reads all of an extract, so that helpers would only have it poll: a whole table of one row group,
// however fast the machine is.
func (w *Owner) inOneTask(x warehouse.Extract, rows int64) bool {
	return w.plain && x.Time == "" && rows <= rowGroup
}

// Sum counts an extract's rows where they are.
func (w *Owner) Sum(ctx context.Context, x warehouse.Extract) (sums hindcast.Sums, err error) {
	columns, err := duck.Store(x.Table, x.Columns)
	if err != nil {
		return sums, err
	}
	from, err := source(x)
	if err != nil {
		return sums, err
	}
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		sums, err = duck.SumsOf(ctx, conn, columns, from)
		return err
	})
	return sums, err
}

// source is the extract as an expression for FROM. Columns that are carried as text are text in it already.
func source(x warehouse.Extract) (string, error) {
	from := duck.Table(x.Table)
	if x.Time != "" {
		i := slices.IndexFunc(x.Columns, func(c hindcast.Column) bool { return c.Name == x.Time })
		if i < 0 {
			return "", fmt.Errorf("cutting %s: its time column %q is not among those to be read", x.Table, x.Time)
		}
		from += " WHERE " + duck.Window(x.Time, x.Columns[i].TimeType(), x.Window, x.TimeZone)
	}
	var texts []string
	for _, c := range x.Columns {
		if c.Text {
			texts = append(texts, "CAST("+duck.Name(c.Name)+" AS VARCHAR) AS "+duck.Name(c.Name))
		}
	}
	if len(texts) > 0 {
		from = "(SELECT * REPLACE (" + strings.Join(texts, ", ") + ") FROM " + from + ")"
	}
	return from, nil
}

// Strays counts the rows that no slice takes. DuckDB reads only what its statistics of a column leave open, so that a quick
// look can count them as well.
func (w *Owner) Strays(ctx context.Context, x warehouse.Extract, _ bool) (found warehouse.Strays, err error) {
	at := slices.IndexFunc(x.Columns, func(c hindcast.Column) bool { return c.Name == x.Time })
	if at < 0 {
		return found, fmt.Errorf("counting %s: its time column %q is not among those to be read", x.Table, x.Time)
	}
	err = w.withConn(ctx, func(conn *sql.Conn) error {
		query := duck.Strays(duck.Table(x.Table), x.Time, x.Columns[at].TimeType(), x.Window, x.TimeZone)
		return conn.QueryRowContext(ctx, query).Scan(&found.NoTime, &found.Outside)
	})
	return found, err
}
