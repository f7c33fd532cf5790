package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// readSnapshot begins a transaction that sees one state of the database to its end and changes nothing.
const readSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"

// Unload writes an extract as Parquet. All rows are of one snapshot, which several connections share where the extract
// is large and can be divided.
func (w *Owner) Unload(ctx context.Context, u warehouse.Unload) (out warehouse.Unloaded, err error) {
	err = w.reading(ctx, u.Table, func(conn *pgconn.PgConn) error {
		err := w.unload(ctx, conn, u, &out)
		if errors.Is(err, errNotShared) {
			w.alone.Store(true)
			err = w.unload(ctx, conn, u, &out)
		}
		if isText(err) {
			err = w.ofText(ctx, conn, u.Extract, err)
		}
		return err
	})
	if err != nil {
		return warehouse.Unloaded{}, err
	}
	var written int64
	for _, f := range out.Files {
		out.Bytes += f.Bytes
		written += f.Rows
	}
	if written != out.Sums.Rows {
		return warehouse.Unloaded{}, &hindcast.Error{Code: hindcast.EInternal, Class: hindcast.ClassPermanent,
			Message: "the unload of " + u.Table + " wrote another number of rows than it counted"}
	}
	return out, nil
}

func (w *Owner) unload(ctx context.Context, conn *pgconn.PgConn, u warehouse.Unload, out *warehouse.Unloaded) error {
	*out = warehouse.Unloaded{}
	return transaction(ctx, conn, readSnapshot, func() error {
		fields, err := w.fields(ctx, conn, u.Extract)
		if err != nil {
			return err
		}
		for _, f := range fields {
			out.Columns = append(out.Columns, f.Column)
		}
		conditions, most, err := w.divide(ctx, conn, u.Extract)
		if err != nil {
			return err
		}
		readers := []*pgconn.PgConn{conn}
		if most = min(most, len(conditions)); most > 1 {
			others, err := w.share(ctx, conn, most-1)
			defer w.release(ctx, others)
			if err != nil {
				return err
			}
			readers = append(readers, others...)
		}
		out.Files, out.Sums, err = pgcopy.Unload(ctx, fields, parts(u.Extract, fields, conditions, readers),
			pgcopy.Options{Dir: u.Dir, Memory: w.part(u.Memory), Threads: w.options.Threads})
		out.Sums.Content = "pg:" + out.Sums.Content // made otherwise than DuckDB's
		return err
	})
}

// fields says how each column travels. The statement is prepared, not run: its columns have the types that the rows will
// have, and the lock that it takes keeps them so until the transaction ends.
func (w *Owner) fields(ctx context.Context, conn *pgconn.PgConn, x warehouse.Extract) ([]pgcopy.Field, error) {
	statement, err := conn.Prepare(ctx, "", "SELECT "+selected(x)+" FROM "+source(x), nil)
	if err != nil {
		return nil, err
	}
	refs := make([]pgcopy.Ref, len(statement.Fields))
	for i, f := range statement.Fields {
		refs[i] = pgcopy.Ref{OID: f.DataTypeOID, Mod: f.TypeModifier}
	}
	types, err := w.typesOf(ctx, conn, refs)
	if err != nil {
		return nil, err
	}
	fields := make([]pgcopy.Field, len(x.Columns))
	for i, c := range x.Columns {
		if fields[i], err = pgcopy.Carry(c.Name, types[i], c.Text); err != nil {
			return nil, err
		}
		if fields[i].Column.Type != c.Type {
			return nil, &hindcast.Error{Code: hindcast.EPlanChanged, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q of %s is %s now; when the run was planned it was carried as %s", c.Name, x.Table, types[i].Name, c.Type),
				Next:    "begin anew with: hindcast run"}
		}
	}
	return fields, nil
}

// selected is the extract's columns as a select list.
func selected(x warehouse.Extract) string {
	names := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		names[i] = c.Name
	}
	return quoted(names)
}

// source is the extract as an expression for FROM, with a further condition.
func source(x warehouse.Extract, conditions ...string) string {
	if typ := timeType(x); typ != "" {
		conditions = append([]string{window(x.Time, typ, wall(typ, x.Window, x.TimeZone))}, conditions...)
	}
	from := parseName(x.Table).sql()
	if len(conditions) > 0 {
		from += " WHERE " + strings.Join(conditions, " AND ")
	}
	return from
}

// timeType is the type of the column that cuts the extract; "" if it is not cut.
func timeType(x warehouse.Extract) string {
	for _, c := range x.Columns {
		if x.Time != "" && c.Name == x.Time {
			return c.Type
		}
	}
	return ""
}

// parts are the statements whose rows together are the extract's: one for each condition, for the reader that is free next.
func parts(x warehouse.Extract, fields []pgcopy.Field, conditions []string, readers []*pgconn.PgConn) pgcopy.Source {
	if len(readers) == 1 {
		return pgcopy.One(readers[0], pgcopy.CopyOut(fields, source(x)))
	}
	from := pgcopy.Source{Conns: readers}
	for _, c := range conditions {
		from.SQL = append(from.SQL, pgcopy.CopyOut(fields, source(x, c)))
	}
	return from
}

// errNotShared says that the server cannot share a snapshot, and that the transaction has failed of it.
var errNotShared = errors.New("the server shares no snapshot")

// share takes up to n further connections, as many as are free, that see what conn sees. Where the server gives no more
// connections, those there are do.
func (w *Owner) share(ctx context.Context, conn *pgconn.PgConn, n int) (others []*pgconn.PgConn, err error) {
	snapshot := ""
	for range n {
		other, err := w.pool.tryGet(ctx)
		if err != nil || other == nil {
			return others, nil
		}
		others = append(others, other)
		if snapshot == "" {
			rows, err := ask(ctx, conn, "SELECT pg_export_snapshot()")
			if err != nil {
				return others, errors.Join(errNotShared, err)
			}
			snapshot = rows[0].text(0)
		}
		if err := run(ctx, other, readSnapshot, "SET TRANSACTION SNAPSHOT "+literal(snapshot)); err != nil {
			return others, errors.Join(errNotShared, err)
		}
	}
	return others, nil
}

func (w *Owner) release(ctx context.Context, connections []*pgconn.PgConn) {
	for _, conn := range connections {
		rollback(ctx, conn)
		w.pool.put(conn)
	}
}

// part is what one copy may hold of the process's memory: as many unloads as a plan would have beside each other are
// counted, and a load.
func (w *Owner) part(memory int64) int64 {
	return memory / int64(min(max(2, cores), w.pool.most)+1)
}

// threads is how many connections one unload may use beside each other: what this side can keep busy.
func (w *Owner) threads() int {
	if n := w.options.Threads; n > 0 {
		return n
	}
	return min(cores, defaultConnections)
}

// Sum counts an extract's rows, and sums the columns whose sums are exact, at the server. There is no Content: that would
// be as much work as another unload. PostgreSQL's statistics cannot stand for it: they are of whole tables, come late, and
// begin anew after a crash.
func (w *Owner) Sum(ctx context.Context, x warehouse.Extract) (sums hindcast.Sums, err error) {
	err = w.reading(ctx, x.Table, func(conn *pgconn.PgConn) error {
		list := []string{"count(*)"}
		for _, sum := range totals(x.Columns) {
			list = append(list, sum+"::text")
		}
		rows, err := ask(ctx, conn, "SELECT "+strings.Join(list, ", ")+" FROM "+source(x))
		if err != nil {
			return err
		}
		sums = hindcast.Sums{Rows: rows[0].number(0), Totals: readTotals(rows[0][1:], x.Columns)}
		return nil
	})
	return sums, err
}

const nullShare = `
SELECT null_frac FROM pg_stats WHERE schemaname = $1 AND tablename = $2 AND attname = $3 ORDER BY inherited DESC LIMIT 1`

// Strays counts the rows that no slice has; quick goes by the statistics that ANALYZE made.
func (w *Owner) Strays(ctx context.Context, x warehouse.Extract, quick bool) (found warehouse.Strays, err error) {
	if quick {
		return w.likelyStrays(ctx, x)
	}
	err = w.with(ctx, func(conn *pgconn.PgConn) error {
		typ := timeType(x)
		rows, err := ask(ctx, conn, "SELECT count(*) - count("+identifier(x.Time)+"), count("+identifier(x.Time)+") - count(*) FILTER (WHERE "+
			window(x.Time, typ, wall(typ, x.Window, x.TimeZone))+") FROM "+parseName(x.Table).sql())
		if err != nil {
			return err
		}
		found = warehouse.Strays{NoTime: rows[0].number(0), Outside: rows[0].number(1)}
		return nil
	})
	return found, err
}

func (w *Owner) likelyStrays(ctx context.Context, x warehouse.Extract) (found warehouse.Strays, err error) {
	found.Estimate = true
	err = w.with(ctx, func(conn *pgconn.PgConn) error {
		list, err := w.findNames(ctx, conn, x.Table)
		if err != nil || len(list) == 0 || list[0].rows <= 0 {
			return err
		}
		rows, err := ask(ctx, conn, nullShare, list[0].name.schema, list[0].name.table, x.Time)
		if err != nil || len(rows) == 0 {
			return err
		}
		share, err := strconv.ParseFloat(rows[0].text(0), 64)
		found.NoTime = int64(math.Round(share * float64(list[0].rows)))
		return err
	})
	return found, err
}
