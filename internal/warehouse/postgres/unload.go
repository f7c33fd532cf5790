package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// sentHash begins the Content of rows that were hashed as the server sends them, which is not DuckDB's way.
const sentHash = "pg:"

// readSnapshot begins a transaction that sees one state of the database, from its first query on, and changes nothing.
const readSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"

// lockSource makes a snapshot that is taken afterwards show the table as it is then. A snapshot older than the end of
// somebody's TRUNCATE and INSERT, or exchange of partitions, would see neither the old rows nor the new ones.
func lockSource(table string) string {
	return "LOCK TABLE " + pgclient.ParseName(table).SQL() + " IN ACCESS SHARE MODE"
}

// Unload writes an extract as Parquet. All rows are of one snapshot, which several connections share where the extract
// is large and can be divided.
func (w *Owner) Unload(ctx context.Context, u warehouse.Unload) (out warehouse.Unloaded, err error) {
	err = w.reading(ctx, u.Table, func(conn *pgconn.PgConn) error {
		elsewhere, err := w.unload(ctx, conn, u, &out)
		if errors.Is(err, errNotShared) {
			w.alone.Store(true)
			elsewhere, err = w.unload(ctx, conn, u, &out)
		}
		if err == nil && elsewhere {
			err = w.lookAgain(ctx, conn, u, &out)
		}
		if isText(err) {
			err = w.ofText(ctx, conn, u.Extract, err)
		}
		return err
	})
	if err != nil {
		return warehouse.Unloaded{}, err
	}
	err = out.Finish(u.Table)
	return out, err
}

// unload writes the rows. Elsewhere says that some of them may be another server's.
func (w *Owner) unload(ctx context.Context, conn *pgconn.PgConn, u warehouse.Unload, out *warehouse.Unloaded) (elsewhere bool, err error) {
	*out = warehouse.Unloaded{}
	defer pgclient.Rollback(ctx, conn) // it has read only
	most, elsewhere, err := w.beginReading(ctx, conn, u.Extract)
	if err != nil {
		return false, err
	}
	fields, err := w.fields(ctx, conn, u.Extract)
	if err != nil {
		return false, err
	}
	for _, f := range fields {
		out.Columns = append(out.Columns, f.Column)
	}
	out.Columns = u.Timed(out.Columns)
	readers := []*pgconn.PgConn{conn}
	var conditions []string
	if most > 1 {
		if conditions, most, err = w.divide(ctx, conn, u.Extract); err != nil {
			return false, err
		}
	}
	if most = min(most, len(conditions)); most > 1 {
		others, err := w.share(ctx, conn, u.Table, most-1)
		defer w.release(ctx, others)
		if err != nil {
			return false, err
		}
		readers = append(readers, others...)
	}
	if u.Facts {
		out.Facts = map[string]hindcast.Facts{}
	}
	out.Files, out.Sums, err = pgcopy.Unload(ctx, fields, parts(u.Extract, fields, conditions, readers),
		pgcopy.Options{Dir: u.Dir, Memory: w.part(u.Memory), Threads: w.options.Threads, Facts: out.Facts})
	out.Sums.Content = sentHash + out.Sums.Content
	return elsewhere, err
}

// beginReading begins a transaction in which the table is read as it is when its lock is ours, and says how many connections
// may read beside each other, and whether rows may be another server's. LOCK TABLE requires the right to all columns, and does
// not work on materialised views and foreign tables: there a query that reads nothing takes the lock, and the one statement
// that follows has its own snapshot.
func (w *Owner) beginReading(ctx context.Context, conn *pgconn.PgConn, x warehouse.Extract) (most int, elsewhere bool, err error) {
	foreign := fmt.Sprintf(partsOf, literal(pgclient.ParseName(x.Table).SQL())+"::regclass") + "SELECT EXISTS (SELECT FROM part JOIN pg_class USING (oid) WHERE relkind = 'f')"
	most = w.pool.Most
	results, err := pgclient.Script(ctx, conn, readSnapshot, lockSource(x.Table), foreign)
	if pgclient.IsState(err, "42501") || pgclient.IsState(err, "42809") {
		pgclient.Rollback(ctx, conn)
		most = 1
		results, err = pgclient.Script(ctx, conn, "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY",
			"SELECT "+selected(x)+" FROM "+source(x)+" LIMIT 0", foreign)
	}
	if err != nil {
		return 0, false, err
	}
	return most, results[2][0].Bool(0), nil
}

// looks is how often rows of another server are read, until a count of them agrees.
const looks = 3

// lookAgain counts rows that lie behind a foreign server, whose locks cannot be taken from here, after they were unloaded: a
// snapshot there may have been older than rows that came while it waited for a lock. Rows that were only added are accepted.
func (w *Owner) lookAgain(ctx context.Context, conn *pgconn.PgConn, u warehouse.Unload, out *warehouse.Unloaded) error {
	before := int64(math.MaxInt64)
	for try := 1; ; try++ {
		rows, err := pgclient.Ask(ctx, conn, "SELECT count(*) FROM "+source(u.Extract))
		if err != nil {
			return err
		}
		now := rows[0].Number(0)
		if now == out.Sums.Rows || out.Sums.Rows >= before {
			return nil
		}
		if try == looks {
			return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient,
				Message: fmt.Sprintf("%s is a foreign table whose rows changed while they were read: %d were unloaded, and then there were %d", u.Table, out.Sums.Rows, now),
				Next:    "unload it while nobody replaces its rows, or name the server that has them under `warehouse:`"}
		}
		before = now
		for _, f := range out.Files {
			if err := os.Remove(f.Path); err != nil {
				return err
			}
		}
		if _, err := w.unload(ctx, conn, u, out); err != nil {
			return err
		}
	}
}

// fields says how each column is carried. The statement is prepared, not run: its columns have the types that the rows will
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
				Next:    "start again with: hindcast run"}
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
		conditions = append([]string{window(x.Time, typ, warehouse.Wall(typ, x.Window, x.TimeZone))}, conditions...)
	}
	from := pgclient.ParseName(x.Table).SQL()
	if len(conditions) > 0 {
		from += " WHERE " + strings.Join(conditions, " AND ")
	}
	return from
}

// timeType is the TimeType of the column that cuts the extract; "" if it is not cut.
func timeType(x warehouse.Extract) string {
	for _, c := range x.Columns {
		if x.Time != "" && c.Name == x.Time {
			return c.TimeType()
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

// errNotShared says that the server cannot share a snapshot, and that trying to aborted the transaction.
var errNotShared = errors.New("the server shares no snapshot")

// share takes up to n further connections, as many as are free, that see what conn sees. It makes do with fewer if the server
// gives no more, or if somebody already waits for the table's lock: a connection that came later would wait for them, and they
// for us.
func (w *Owner) share(ctx context.Context, conn *pgconn.PgConn, table string, n int) (others []*pgconn.PgConn, err error) {
	snapshot := ""
	for range n {
		other, err := w.pool.TryGet(ctx)
		if err != nil || other == nil {
			return others, nil
		}
		others = append(others, other)
		if snapshot == "" {
			rows, err := pgclient.Ask(ctx, conn, "SELECT pg_export_snapshot()")
			if err != nil {
				return others, errors.Join(errNotShared, err)
			}
			snapshot = rows[0].Text(0)
		}
		err = pgclient.Run(ctx, other, readSnapshot, lockSource(table)+" NOWAIT", "SET TRANSACTION SNAPSHOT "+literal(snapshot))
		if pgclient.IsState(err, lockTimeout) {
			w.release(ctx, others[len(others)-1:])
			return others[:len(others)-1], nil
		}
		if err != nil {
			return others, errors.Join(errNotShared, err)
		}
	}
	return others, nil
}

func (w *Owner) release(ctx context.Context, connections []*pgconn.PgConn) {
	for _, conn := range connections {
		pgclient.Rollback(ctx, conn)
		w.pool.Put(conn)
	}
}

// part is what one copy may hold of the process's memory: as many unloads as a plan would have beside each other are
// counted, and a load.
func (w *Owner) part(memory int64) int64 {
	return memory / int64(min(max(2, cores), w.pool.Most)+1)
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
// start over after a crash.
func (w *Owner) Sum(ctx context.Context, x warehouse.Extract) (sums hindcast.Sums, err error) {
	err = w.reading(ctx, x.Table, func(conn *pgconn.PgConn) error {
		list := []string{"count(*)"}
		for _, sum := range totals(x.Columns) {
			list = append(list, sum+"::text")
		}
		rows, err := pgclient.Ask(ctx, conn, "SELECT "+strings.Join(list, ", ")+" FROM "+source(x))
		if err != nil {
			return err
		}
		sums = hindcast.Sums{Rows: rows[0].Number(0), Totals: readTotals(rows[0][1:], x.Columns)}
		return nil
	})
	return sums, err
}

// Hash reads an extract as Unload does and writes nothing.
func (w *Owner) Hash(ctx context.Context, x warehouse.Extract) (sums hindcast.Sums, err error) {
	err = w.reading(ctx, x.Table, func(conn *pgconn.PgConn) error {
		defer pgclient.Rollback(ctx, conn) // it has read only
		if _, _, err := w.beginReading(ctx, conn, x); err != nil {
			return err
		}
		fields, err := w.fields(ctx, conn, x)
		if err != nil {
			return err
		}
		sums, err = pgcopy.Sum(ctx, fields, pgcopy.One(conn, pgcopy.CopyOut(fields, source(x))))
		sums.Content = sentHash + sums.Content
		return err
	})
	return sums, err
}

const nullShare = `
SELECT null_frac FROM pg_stats WHERE schemaname = $1 AND tablename = $2 AND attname = $3 ORDER BY inherited DESC LIMIT 1`

// Strays counts the rows that no slice takes, by an index of the time where there is one; quick goes by the statistics that
// ANALYZE made.
func (w *Owner) Strays(ctx context.Context, x warehouse.Extract, quick bool) (found warehouse.Strays, err error) {
	if quick {
		return w.likelyStrays(ctx, x)
	}
	err = w.with(ctx, func(conn *pgconn.PgConn) error {
		typ := timeType(x)
		c, in := sqltext.Identifier(x.Time), warehouse.Wall(typ, x.Window, x.TimeZone)
		rows, err := pgclient.Ask(ctx, conn, "SELECT count(*) - count("+c+"), count("+c+") FROM "+pgclient.ParseName(x.Table).SQL()+
			" WHERE "+c+" IS NULL OR "+c+" < "+bound(typ, in.Start)+" OR "+c+" >= "+bound(typ, in.End))
		if err != nil {
			return err
		}
		found = warehouse.Strays{NoTime: rows[0].Number(0), Outside: rows[0].Number(1)}
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
		rows, err := pgclient.Ask(ctx, conn, nullShare, list[0].name.Schema, list[0].name.Table, x.Time)
		if err != nil || len(rows) == 0 {
			return err
		}
		share, err := strconv.ParseFloat(rows[0].Text(0), 64)
		found.NoTime = int64(math.Round(share * float64(list[0].rows)))
		return err
	})
	return found, err
}
