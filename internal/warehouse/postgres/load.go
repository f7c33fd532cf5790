package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// load is one slice's replacement under way.
type load struct {
	warehouse.Load
	owner    *Owner
	conn     *pgconn.PgConn
	home     home
	target   relation
	replaced []hindcast.Committed // status rows that this load takes out
	replaces bool                 // there are rows of the target in the slice
	xid      string               // the transaction, as the rows that it writes name it
	between  []between            // what may change what is deleted or stored
	cast     bool                 // the server reads values from text
	kept     int64                // rows of the slice that were kept aside; -1 if none were to be
	sent     hindcast.Sums
	stands   *hindcast.Sums // what compare found in the slice; nil if it did not look
}

// Load replaces a slice's rows in one transaction (promise 2). The order matters: the target's lock comes first, then
// the fence, whose row is held until the end. For a slice of few rows round trips are what a load costs: there are
// three, one more to delete, and one for each hook.
func (w *Owner) Load(ctx context.Context, l warehouse.Load) (hindcast.Committed, error) {
	c := hindcast.Committed{Pipeline: l.Pipeline, Target: l.Target.Table, Slice: l.Slice, Run: l.Run, Attempt: l.Attempt,
		Fingerprint: l.Print, Parts: l.Parts, Publication: l.Run, CommittedAt: time.Now().UTC().Truncate(time.Microsecond)}
	err := w.with(ctx, func(conn *pgconn.PgConn) error {
		home, err := w.ours(ctx, conn)
		if err != nil {
			return err
		}
		job := &load{Load: l, owner: w, conn: conn, home: home, kept: -1}
		err = job.replace(ctx, &c)
		rollback(ctx, conn) // unless it is committed
		if isState(err, lockTimeout) {
			err = w.lockedBy(ctx, conn, l.Target.Table, barLoading, err)
		}
		if isState(err, "42P01") {
			err = w.dropped(ctx, conn, err)
		}
		if isState(err, "42501") { // a right that was taken away since Prepare: name its GRANT if it is found
			err = w.barred(ctx, conn, l.Target, err)
		}
		if len(l.Hooks.Before)+len(l.Hooks.After) > 0 { // a hook may have changed the session
			discard(conn)
		}
		return err
	})
	return c, err
}

// barred is the obstacle behind a right that the server has denied, or that error where none is found.
func (w *Owner) barred(ctx context.Context, conn *pgconn.PgConn, t hindcast.Target, denied error) error {
	f, err := w.standing(ctx, conn, t)
	if err != nil {
		return denied
	}
	if obstacles, err := w.obstacles(ctx, conn, t, f); err == nil && len(obstacles) > 0 {
		return obstacles[0]
	}
	return denied
}

func (l *load) replace(ctx context.Context, c *hindcast.Committed) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	fields, err := receive(&l.target, l.Columns)
	if err != nil {
		return err
	}
	if c.Previous, err = l.keepPrevious(ctx); err != nil {
		return err
	}
	if err := l.hooks(ctx, "load.before", l.Hooks.Before); err != nil {
		return err
	}
	if err := l.swap(ctx, fields); err != nil {
		return err
	}
	if err := l.hooks(ctx, "load.after", l.Hooks.After); err != nil {
		return err
	}
	if c.Sums, err = l.stored(ctx, fields); err != nil {
		return err
	}
	return l.commit(ctx, c)
}

// swap puts the staged rows in place of the slice's, and proves that they alone are there.
func (l *load) swap(ctx context.Context, fields []pgcopy.Field) error {
	if len(l.Hooks.Before) > 0 { // one may have switched a trigger off
		rows, err := ask(ctx, l.conn, fmt.Sprintf(betweens, literal(l.target.name.sql())+"::regclass"))
		if err != nil {
			return err
		}
		l.between = readBetweens(rows)
	}
	if l.replaces || len(l.Hooks.Before) > 0 {
		n, err := affected(ctx, l.conn, "DELETE FROM "+l.target.name.sql()+" WHERE "+l.inSlice())
		if err != nil {
			return err
		}
		if err := l.deleted(ctx, n); err != nil {
			return err
		}
	}
	if len(l.Files) > 0 {
		if err := l.fill(ctx, fields); err != nil {
			return err
		}
	}
	return l.compare(ctx, fields)
}

// begin takes the target's lock, which holds other writers off and lets readers read, then the fence, and looks at the
// target: nothing of it can change from here on.
func (l *load) begin(ctx context.Context) error {
	table := parseName(l.Target.Table).sql()
	oid := literal(table) + "::regclass"
	results, err := script(ctx, l.conn,
		"BEGIN ISOLATION LEVEL READ COMMITTED",
		"SET LOCAL application_name = "+literal(sessionName(l.Pipeline)),
		"LOCK TABLE "+table+" IN SHARE ROW EXCLUSIVE MODE",
		"SELECT n FROM "+l.home.table(leaseTable)+" WHERE name = "+literal(fenceName(l.Pipeline))+" FOR SHARE",
		"SET LOCAL row_security = off", // an error rather than rows that are not seen
		"SELECT n.nspname, c.relname, EXISTS (SELECT FROM "+table+" WHERE "+l.inSlice()+"), pg_current_xact_id()::xid "+
			"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "+oid,
		fmt.Sprintf(attributes, "ARRAY["+oid+"]"),
		fmt.Sprintf(betweens, oid),
		"SELECT "+l.home.columns()+" FROM "+l.home.table(statusTable)+l.overlapping()+" ORDER BY slice_start")
	if err != nil {
		return err
	}
	fence, target, columns := results[3], results[5][0], results[6]
	if len(fence) == 0 {
		return permanent("hindcast_lease has no row of this pipeline: it was deleted", "hindcast resume, which puts it back")
	}
	if err := refuseLower(fence[0].number(0), l.Fence); err != nil {
		return err
	}
	l.replaces, l.xid, l.between = target.bool(2), target.text(3), readBetweens(results[7])
	l.target = relation{name: name{schema: target.text(0), table: target.text(1)}, found: l.Target.Table}
	for _, r := range columns {
		l.target.attribute = append(l.target.attribute, readAttribute(r))
	}
	for _, r := range results[8] {
		c, err := readCommitted(r)
		if err != nil {
			return fmt.Errorf("reading hindcast_status of %s: %w", c.Slice.Key, err)
		}
		l.replaced = append(l.replaced, c)
	}
	return l.owner.resolve(ctx, l.conn, []relation{l.target})
}

// overlapping is the condition of the status rows that the load takes out.
func (l *load) overlapping() string {
	return " WHERE target = " + literal(l.Target.Table) + " AND slice_start < " + bound(instant, l.Slice.End) + " AND slice_end > " + bound(instant, l.Slice.Start)
}

// inSlice is the condition that a row of the target belongs to the slice.
func (l *load) inSlice() string {
	for _, c := range l.Columns {
		if strings.EqualFold(c.Name, l.Target.Time) {
			return window(c.Name, c.Type, wall(c.Type, l.Slice.Interval, l.TimeZone))
		}
	}
	return "false"
}

// keepPrevious keeps what will be replaced, rows and status rows, and returns where; "" if there is nothing.
func (l *load) keepPrevious(ctx context.Context) (string, error) {
	if !l.replaces && len(l.replaced) == 0 || l.Previous == "" {
		return "", nil
	}
	if l.replaces {
		if err := l.copyPrevious(ctx); err != nil {
			return "", err
		}
	}
	if l.Keep != nil {
		if err := l.Keep(ctx, l.replaced); err != nil {
			return "", err
		}
	}
	return cmp.Or(l.PreviousAs, l.Previous), nil
}

// copyPrevious writes the rows that will be replaced, all columns of them. What has no type in the lake is kept as its
// text.
func (l *load) copyPrevious(ctx context.Context) error {
	fields := make([]pgcopy.Field, len(l.target.attribute))
	for i, a := range l.target.attribute {
		f, err := pgcopy.Carry(a.name, a.typ, false)
		if err != nil {
			f, err = pgcopy.Carry(a.name, a.typ, true)
		}
		if err != nil {
			return err
		}
		fields[i] = f
	}
	if err := os.MkdirAll(l.Previous, 0o700); err != nil {
		return err
	}
	from := l.target.name.sql() + " WHERE " + l.inSlice()
	_, sums, err := pgcopy.Unload(ctx, fields, pgcopy.One(l.conn, pgcopy.CopyOut(fields, from)),
		pgcopy.Options{Dir: l.Previous, Memory: l.owner.part(l.Load.Memory), Threads: 1})
	l.kept = sums.Rows
	return err
}

// hooks runs the user's SQL in the load's transaction. Transaction control would end it: refused.
func (l *load) hooks(ctx context.Context, key string, hooks []string) error {
	for i, hook := range hooks {
		place := l.Places[fmt.Sprintf("%s.%d", key, i)]
		if word, _, found := sqltext.TransactionControl(hook); found {
			return &hindcast.Error{Code: hindcast.EHook, Class: hindcast.ClassPermanent, Place: place,
				Message: fmt.Sprintf("%s[%d] holds %s: a hook is part of the load's transaction and cannot control it", key, i, word),
				Next:    "take it out of the hook"}
		}
		if err := run(ctx, l.conn, "SET LOCAL TimeZone = "+literal(l.TimeZone), hook); err != nil {
			e := *hindcast.AsError(l.owner.translate(err))
			if e.Code == hindcast.EOverflow { // of a value of the hook's own
				e.Next = ""
			}
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

// staging is the temporary table of what the server has to cast.
const staging = "hindcast_staging"

// fill copies the staged rows in: straight into the target, or through a temporary table where a column's type can
// only be read from text.
func (l *load) fill(ctx context.Context, fields []pgcopy.Field) error {
	table := l.target.name.sql()
	columns, selected := pgcopy.Staging(fields)
	if columns != "" {
		table = staging
		if err := run(ctx, l.conn, "CREATE TEMPORARY TABLE "+table+" ("+columns+") ON COMMIT DROP"); err != nil {
			return err
		}
	}
	sums, stored, err := pgcopy.Load(ctx, fields, l.Files, pgcopy.Options{Memory: l.owner.part(l.Load.Memory), Threads: l.owner.options.Threads},
		pgcopy.Target{Conn: l.conn, SQL: pgcopy.CopyIn(fields, table)})
	if err != nil {
		return err
	}
	if sums.Rows != l.Rows {
		return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the staged files hold %d rows, their manifest says %d", sums.Rows, l.Rows)}
	}
	l.sent = sums
	if columns == "" {
		return l.inserted(stored)
	}
	l.cast = true
	if err := l.refuseRounding(ctx, fields, table); err != nil {
		return err
	}
	if stored, err = l.insertStaged(ctx, fields, table, selected); err != nil {
		return err
	}
	return l.inserted(stored)
}

// refuseRounding: what the server reads from text it would round to the target's scale without a word.
func (l *load) refuseRounding(ctx context.Context, fields []pgcopy.Field, staged string) error {
	conditions := pgcopy.Rounding(fields)
	for _, column := range slices.Sorted(maps.Keys(conditions)) {
		rows, err := ask(ctx, l.conn, "SELECT "+identifier(column)+" FROM "+staged+" WHERE "+conditions[column]+" LIMIT 1")
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return &hindcast.Error{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q: %s does not fit the target's scale, which would round it", column, rows[0].text(0)),
				Next:    "round it in the SQL, or give the target's column a larger scale"}
		}
	}
	return nil
}

// stored sums the slice's rows as they stand in the target now, after hooks and triggers. Where there are none they are
// those that were sent, and need not be read again (which is a third of a load of many rows, measured).
//
// Their Content names the transactions that wrote the rows (xmin), by which Published sees that nobody has changed one
// since: every UPDATE gives a row a new one. A hash over the values would have every plan read every value of every
// slice.
func (l *load) stored(ctx context.Context, fields []pgcopy.Field) (hindcast.Sums, error) {
	switch {
	case len(l.Hooks.Before)+len(l.Hooks.After) > 0:
		if err := l.settle(ctx, fields); err != nil {
			return hindcast.Sums{}, err
		}
	case l.stands != nil:
		return *l.stands, nil
	case !l.cast:
		return l.asSent(), nil
	}
	return l.standing(ctx)
}

// standing are the sums of the slice's rows in the target.
func (l *load) standing(ctx context.Context) (hindcast.Sums, error) {
	rows, err := ask(ctx, l.conn, sumsQuery("1", l.Columns, l.target.name.sql()+" WHERE "+l.inSlice()))
	if err != nil || len(rows) == 0 {
		return hindcast.Sums{}, err
	}
	return readSums(rows[0][1:], l.Columns), nil
}

// asSent is what stored finds of rows that this transaction sent: the transform has proven that they lie in the slice.
func (l *load) asSent() hindcast.Sums {
	sums := hindcast.Sums{Rows: l.sent.Rows}
	if sums.Rows == 0 {
		return sums
	}
	sums.Content = contentOf(l.xid, l.xid, "")
	for _, c := range l.Columns {
		if total, some := l.sent.Totals[l.target.column(c.Name).name]; some {
			if sums.Totals == nil {
				sums.Totals = map[string]string{}
			}
			sums.Totals[c.Name] = total
		}
	}
	return sums
}

// commit writes the status row, in place of those whose slices overlap it, and commits.
func (l *load) commit(ctx context.Context, c *hindcast.Committed) error {
	insert, err := statusRow(l.home, c)
	if err != nil {
		return err
	}
	err = run(ctx, l.conn,
		"DELETE FROM "+l.home.table(statusTable)+l.overlapping(), insert, "COMMIT")
	if server, ok := errors.AsType[*pgconn.PgError](err); err == nil || ok && server.Severity == "ERROR" {
		return err // of which the server says that it rolled back
	}
	e := l.owner.lost(err)
	e.Message += " while the slice was being committed: its status row tells whether it was"
	return e
}

func statusRow(h home, c *hindcast.Committed) (string, error) {
	parts, err := json.Marshal(c.Parts)
	if err != nil {
		return "", err
	}
	totals, err := json.Marshal(c.Sums.Totals)
	if err != nil {
		return "", err
	}
	values := []string{literal(c.Pipeline), literal(c.Target), literal(c.Slice.Key), bound(instant, c.Slice.Start), bound(instant, c.Slice.End),
		literal(c.Run), itoa(int64(c.Attempt)), literal(c.Fingerprint), literal(string(parts)), itoa(c.Sums.Rows), literal(c.Sums.Content),
		literal(string(totals)), literal(c.Previous), bound(instant, c.CommittedAt)}
	columns := strings.TrimSuffix(statusColumns, ", publication")
	if h.publication {
		columns, values = statusColumns, append(values, literal(c.Publication))
	}
	return "INSERT INTO " + h.table(statusTable) + " (" + columns + ") VALUES (" + strings.Join(values, ", ") + ")", nil
}

const statusColumns = `pipeline, target, slice, slice_start, slice_end, run, attempt, fingerprint, parts, "rows", content, totals, previous, committed_at, publication`
