package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// Table is one of the demo's tables as Parquet files.
type Table struct {
	Name    string
	Mark    string // the comment by which a later demo recognises its own tables
	Columns []hindcast.Column
	Files   []string
}

// Export makes the tables for a warehouse that is not a DuckDB file: in a temporary DuckDB file, from which each is
// passed on as Parquet. Options.Path is not used; progress counts the tables passed on.
func Export(ctx context.Context, o Options, each func(context.Context, Table) error) (made Generated, err error) {
	if o, err = o.filled(); err != nil {
		return made, err
	}

	dir, err := os.MkdirTemp("", "hindcast-demo-")
	if err != nil {
		return made, duck.Translate(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	inner := o
	inner.Path, inner.Progress = filepath.Join(dir, WarehouseFile), nil
	if made, err = Generate(ctx, inner); err != nil {
		return made, err
	}

	db, err := duck.Open(ctx, duck.Options{Path: inner.Path, ReadOnly: true})
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	conn, err := db.Conn(ctx)
	if err != nil {
		return made, duck.Translate(err)
	}
	defer func() { _ = conn.Close() }() // before the database

	names := []string{dimensions, "skus"}
	for number := range o.Slices {
		names = append(names, TableName(number))
	}

	for i, name := range names {
		o.Progress(max(0, i-2), o.Slices)
		if err := export(ctx, conn, name, filepath.Join(dir, name), o.mark(), each); err != nil {
			return made, fmt.Errorf("making %s: %w", name, err)
		}
	}

	o.Progress(o.Slices, o.Slices)
	return made, nil
}

// mark is the comment on each of the demo's tables.
func (o Options) mark() string {
	return fmt.Sprintf("made by hindcast demo --rows %d --seed %d", o.Rows, o.Seed)
}

func export(ctx context.Context, conn *sql.Conn, name, dir, mark string, each func(context.Context, Table) error) error {
	t := Table{Name: name, Mark: mark}
	rows, err := conn.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE "+duck.Name(name)+")")
	if err != nil {
		return duck.Translate(err)
	}
	defer rows.Close()

	for rows.Next() {
		var c hindcast.Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return duck.Translate(err)
		}
		t.Columns = append(t.Columns, c)
	}

	if err := rows.Err(); err != nil {
		return duck.Translate(err)
	}
	if t.Columns, err = duck.Store(name, t.Columns); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return duck.Translate(err)
	}

	copied, err := duck.Copy(ctx, conn, "SELECT "+duck.Encode(t.Columns)+" FROM "+duck.Name(name), dir)
	if err != nil {
		return err
	}

	for _, f := range copied.Files {
		t.Files = append(t.Files, f.Path)
	}

	return errors.Join(each(ctx, t), os.RemoveAll(dir))
}
