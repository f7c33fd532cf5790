package cases_test

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// table is one of the cases' tables as a lake has it.
type table struct {
	name    string
	file    string // of Parquet
	columns []column
}

// column is one with its type in PostgreSQL's catalogue and in the file.
type column struct {
	name, source, carried string
}

// unloaded are the cases' tables, unloaded from PostgreSQL as a run unloads them.
func unloaded(t *testing.T) []table {
	t.Helper()
	return unloadedFrom(t, tables(t))
}

// unloadedFrom are a database's tables, unloaded in the same way.
func unloadedFrom(t *testing.T, dsn string) []table {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgcopy.Connect(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	pgtest.Query(t, conn, strings.Join(pgcopy.Settings, ";"))

	var all []table
	for _, row := range pgtest.Query(t, conn, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname") {
		all = append(all, unload(t, conn, row[0]))
	}
	return all
}

func unload(t *testing.T, conn *pgconn.PgConn, name string) table {
	t.Helper()
	out := table{name: name}
	rows := pgtest.Query(t, conn, "SELECT attname, atttypid, atttypmod, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = "+
		duck.String(name)+"::regclass AND attnum > 0 ORDER BY attnum")
	var refs []pgcopy.Ref
	for _, row := range rows {
		refs = append(refs, pgcopy.Ref{OID: uint32(whole(t, row[1])), Mod: int32(whole(t, row[2]))})
	}
	types, err := pgcopy.Resolve(t.Context(), conn, refs)
	if err != nil {
		t.Fatal(err)
	}
	var fields []pgcopy.Field
	for i, row := range rows {
		field, err := pgcopy.Carry(row[0], types[i], false)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, field)
		out.columns = append(out.columns, column{row[0], row[3], field.Column.Type})
	}

	files, _, err := pgcopy.Unload(t.Context(), fields, pgcopy.One(conn, pgcopy.CopyOut(fields, duck.Name(name))), pgcopy.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 1 {
		out.file = files[0].Path
	}
	return out
}

func whole(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// view is what FROM says of the table in DuckDB: its file, or no rows with its columns.
func (b table) view() string {
	if b.file != "" {
		return "SELECT * FROM read_parquet(" + duck.String(filepath.ToSlash(b.file)) + ")"
	}
	var list []string
	for _, c := range b.columns {
		list = append(list, "CAST(NULL AS "+c.carried+") AS "+duck.Name(c.name))
	}
	return "SELECT " + strings.Join(list, ", ") + " WHERE false"
}
