package pgcopy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// open connects to a fresh database as the driver does.
func open(t testing.TB) *pgconn.PgConn {
	t.Helper()
	return connect(t, pgtest.Shared(t).Database(t))
}

func connect(t testing.TB, dsn string) *pgconn.PgConn {
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
	return conn
}

// beside connects once more to the same database.
func beside(t testing.TB, conn *pgconn.PgConn) *pgconn.PgConn {
	t.Helper()
	rows := pgtest.Query(t, conn, "SELECT current_database()")
	return connect(t, pgtest.Shared(t).URL(rows[0][0]))
}

type attribute struct {
	name string
	typ  pgcopy.Type
}

// describe reads a table's columns from the catalogue.
func describe(t testing.TB, conn *pgconn.PgConn, table string) []attribute {
	t.Helper()
	rows := pgtest.Query(t, conn, "SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = "+
		duck.String(table)+"::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum")
	refs := make([]pgcopy.Ref, len(rows))
	for i, row := range rows {
		oid, _ := strconv.ParseUint(row[1], 10, 32)
		mod, _ := strconv.ParseInt(row[2], 10, 32)
		refs[i] = pgcopy.Ref{OID: uint32(oid), Mod: int32(mod)}
	}

	types, err := pgcopy.Resolve(t.Context(), conn, refs)
	if err != nil {
		t.Fatal(err)
	}

	attributes := make([]attribute, len(rows))
	for i, row := range rows {
		attributes[i] = attribute{row[0], types[i]}
	}

	return attributes
}

func carry(t testing.TB, attributes []attribute, asText ...string) []pgcopy.Field {
	t.Helper()
	fields := make([]pgcopy.Field, len(attributes))
	for i, a := range attributes {
		var err error
		text := false
		for _, name := range asText {
			text = text || name == a.name
		}
		if fields[i], err = pgcopy.Carry(a.name, a.typ, text); err != nil {
			t.Fatal(err)
		}
	}

	return fields
}

// unload unloads a whole table over so many connections, by pages.
func unload(t testing.TB, conn *pgconn.PgConn, table string, fields []pgcopy.Field, connections int) ([]hindcast.File, hindcast.Sums, error) {
	t.Helper()
	pages, _ := strconv.Atoi(pgtest.Query(t, conn, "SELECT pg_relation_size("+duck.String(table)+"::regclass) / 8192")[0][0])
	var from pgcopy.Source
	for i := range connections {
		where := fmt.Sprintf(" WHERE ctid >= '(%d,0)' AND ctid < '(%d,0)'", i*pages/connections, (i+1)*pages/connections)
		from.Conns, from.SQL = append(from.Conns, beside(t, conn)), append(from.SQL, pgcopy.CopyOut(fields, table+where))
	}

	return unloadAll(t.Context(), t, fields, from, pgcopy.Options{Dir: t.TempDir()})
}

// unloadAll unloads, and checks that the files have the sizes and checksums that they are said to have.
func unloadAll(ctx context.Context, t testing.TB, fields []pgcopy.Field, from pgcopy.Source, o pgcopy.Options) ([]hindcast.File, hindcast.Sums, error) {
	t.Helper()
	files, sums, err := pgcopy.Unload(ctx, fields, from, o)
	for _, f := range files {
		body, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%x", sha256.Sum256(body)); f.SHA256 != want || f.Bytes != int64(len(body)) {
			t.Errorf("%d bytes with SHA-256 %s are said to be %d with %s", len(body), want, f.Bytes, f.SHA256)
		}
	}

	return files, sums, err
}

// load loads files into a table, through a staging table where the fields need one.
func load(t testing.TB, conn *pgconn.PgConn, table string, columns []hindcast.Column, files []hindcast.File) (hindcast.Sums, error) {
	t.Helper()
	types := map[string]pgcopy.Type{}
	for _, a := range describe(t, conn, table) {
		types[a.name] = a.typ
	}

	var fields []pgcopy.Field
	for _, c := range columns {
		f, err := pgcopy.Receive(c, types[c.Name])
		if err != nil {
			return hindcast.Sums{}, err
		}
		fields = append(fields, f)
	}

	paths := pathsOf(files)
	made, read := pgcopy.Staging(fields)
	into := table
	if made != "" {
		into = "staged_rows"
		pgtest.Query(t, conn, "CREATE TEMP TABLE staged_rows ("+made+")")
	}

	sums, _, err := pgcopy.Load(t.Context(), fields, paths, pgcopy.Options{}, pgcopy.Target{Conn: conn, SQL: pgcopy.CopyIn(fields, into)})
	if err == nil && made != "" {
		list := strings.TrimSuffix(strings.TrimPrefix(pgcopy.CopyIn(fields, ""), "COPY  "), " FROM STDIN (FORMAT binary)")
		pgtest.Query(t, conn, "INSERT INTO "+table+" "+list+" SELECT "+read+" FROM staged_rows; DROP TABLE staged_rows")
	}

	return sums, err
}

func pathsOf(files []hindcast.File) (paths []string) {
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return paths
}

func columnsOf(fields []pgcopy.Field) []hindcast.Column {
	columns := make([]hindcast.Column, len(fields))
	for i, f := range fields {
		columns[i] = f.Column
	}
	return columns
}

// content is a table's rows in binary COPY, in the order of its first column.
func content(t testing.TB, conn *pgconn.PgConn, table string) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := conn.CopyTo(t.Context(), &out, "COPY (SELECT * FROM "+table+" ORDER BY 1) TO STDOUT (FORMAT binary)"); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// duckSums are DuckDB's totals over the files.
func duckSums(t testing.TB, columns []hindcast.Column, files []hindcast.File) hindcast.Sums {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()

	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}

	sums, err := duck.SumsOf(t.Context(), db, columns, "("+duck.FromParquet(columns, paths)+")")
	if err != nil {
		t.Fatal(err)
	}

	return sums
}

// wantError asserts an error's code and what its message holds.
func wantError(t testing.TB, err error, code hindcast.Code, parts ...string) {
	t.Helper()
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok || e.Code != code || e.Next == "" {
		t.Fatalf("got %v, want %s with a next step", err, code)
	}

	for _, part := range parts {
		if !strings.Contains(e.Message, part) {
			t.Errorf("the message %q lacks %q", e.Message, part)
		}
	}
}
