package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// publication is a publication under way.
type publication struct {
	*warehouse.Publication
	owner     *Owner
	conn      *pgconn.PgConn
	home      home
	loads     []*load
	current   *load // that an error is about; nil if it is about all of them
	hooked    warehouse.Hooked
	mayMeddle bool // something may change what is deleted or stored, in any of the targets; compare finds it out
}

// load is one of its replacements under way.
type load struct {
	*publication
	*warehouse.Replacement
	row        hindcast.Committed
	staging    string // the temporary table of what the server has to cast
	target     relation
	spelled    []string // the names by which hindcast_status has the target, its own first
	fields     []pgcopy.Field
	replaced   []hindcast.Committed // status rows that it takes out
	replaces   bool                 // there are rows of the target in the slice
	xid        string               // the transaction, as the rows that it writes name it
	between    []between            // what may change what is deleted or stored
	cast       bool                 // the server reads values from text
	carried    []hindcast.Column    // of the files in which previous rows are kept
	kept       int64                // rows of the slice that were kept aside; -1 if none were to be
	sent       hindcast.Sums
	stands     *hindcast.Sums // what compare found in the slice; nil if it did not look
	after      digest         // of the slice after load.after, where deferred triggers may still change it
	substitute *substitute    // what takes the place of the slice's partition; nil if its rows are replaced where they are
}

// Publish does all replacements in one transaction (promise 2). The order matters: the targets' locks come first, then the
// fence, whose row is held until the end. For a slice of few rows round trips are what a load costs: there are three, one
// more to delete, and one for each hook.
func (w *Owner) Publish(ctx context.Context, given warehouse.Publication) ([]hindcast.Committed, error) {
	if err := given.Check(); err != nil {
		return nil, err
	}

	p := newPublication(w, &given)
	for _, l := range p.loads {
		var err error
		if l.substitute, err = readSubstitute(l.Staged); err != nil {
			return nil, err
		}
	}

	err := w.with(ctx, func(conn *pgconn.PgConn) error {
		home, err := w.ours(ctx, conn)
		if err != nil {
			return err
		}

		p.conn, p.home = conn, home
		err = p.publish(ctx)
		pgclient.Rollback(ctx, conn) // unless it is committed
		if p.hooked.Any() {          // a hook may have changed the session
			defer pgclient.Discard(conn)
		}
		err = p.explain(ctx, err)
		p.tidy(ctx)
		return err
	})

	if err != nil {
		if p.current != nil {
			err = given.Blame(p.current.Replacement, err)
		}
		return nil, err
	}

	return p.rows(), nil
}

func newPublication(w *Owner, given *warehouse.Publication) *publication {
	p := &publication{Publication: given, owner: w, hooked: given.Hooked()}
	now := time.Now()

	for i := range given.Replacements {
		r := &given.Replacements[i]
		l := &load{publication: p, Replacement: r, row: given.Row(r, now), kept: -1, staging: staging, spelled: []string{r.Target.Table}}
		if i > 0 {
			l.staging += "_" + itoa(int64(i+1))
		}
		p.loads = append(p.loads, l)
	}

	return p
}

// staging is the temporary table of what the server has to cast; the second replacement's has a number, and so on.
const staging = "hindcast_staging"

func (p *publication) rows() []hindcast.Committed {
	rows := make([]hindcast.Committed, len(p.loads))
	for i, l := range p.loads {
		rows[i] = l.row
	}
	return rows
}

// explain says what is behind an error of a publication that was rolled back: who holds a lock, which table of ours is gone,
// or which right was taken away since Prepare.
func (p *publication) explain(ctx context.Context, err error) error {
	if pgclient.IsState(err, lockTimeout) {
		err = p.owner.lockedBy(ctx, p.conn, p.Targets(), barLoading, err)
	}
	if pgclient.IsState(err, "42P01") {
		if err = p.owner.dropped(ctx, p.conn, err); pgclient.IsState(err, "42P01") {
			err = p.goneBy(err)
		}
	}
	if pgclient.IsState(err, "42501") {
		err = p.barred(ctx, err)
	}

	return err
}

// barred is the obstacle behind a right that the server has denied, or that error if none is found.
func (p *publication) barred(ctx context.Context, denied error) error {
	for _, l := range p.loads {
		f, err := p.owner.standing(ctx, p.conn, l.Target)
		if err != nil {
			continue
		}

		if obstacles, err := p.owner.obstacles(ctx, p.conn, l.Target, f); err == nil && len(obstacles) > 0 {
			return obstacles[0]
		}
	}
	return denied
}

// publish does everything from BEGIN to COMMIT. Every replacement is taken through one step before the next step begins.
func (p *publication) publish(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}

	if err := p.each(ctx, (*load).unchanged, (*load).expected, (*load).keepPrevious, (*load).swap); err != nil {
		return err
	}

	if err := p.compare(ctx); err != nil {
		return err
	}
	if err := p.each(ctx, (*load).hooksAfter); err != nil {
		return err
	}

	if p.hooked.Any() {
		if err := p.fireDeferred(ctx); err != nil {
			return err
		}
	}

	if err := p.each(ctx, (*load).stored); err != nil {
		return err
	}
	if err := p.keep(ctx); err != nil {
		return err
	}
	if err := p.exchange(ctx); err != nil {
		return err
	}
	return p.commit(ctx)
}

// keep hands over what is replaced.
func (p *publication) keep(ctx context.Context) error {
	return p.HandOver(ctx, func(i int) (string, warehouse.Kept) {
		l := p.loads[i]
		return l.row.Previous, warehouse.Kept{Rows: l.replaced, Columns: l.carried}
	})
}

// each takes all replacements through the steps.
func (p *publication) each(ctx context.Context, steps ...func(*load, context.Context) error) error {
	return warehouse.Each(ctx, p.loads, &p.current, steps...)
}

// expected compares what is to be replaced with what the publication expects.
func (l *load) expected(ctx context.Context) error {
	return l.Met(l.Pipeline, l.replaced, func(columns []hindcast.Column) (hindcast.Sums, error) { return l.standing(ctx, columns) })
}

// swap puts the staged rows in place of the slice's, unless a table that has them already does so at the end.
func (l *load) swap(ctx context.Context) error {
	if l.substitute != nil {
		return nil
	}
	if err := l.hooks(ctx, "load.before", l.Hooks.Before); err != nil {
		return err
	}

	if l.hooked.Before { // one may have switched a trigger off
		rows, err := pgclient.Ask(ctx, l.conn, fmt.Sprintf(betweens, literal(l.target.name.SQL())+"::regclass"))
		if err != nil {
			return err
		}
		l.between = readBetweens(rows)
	}

	if l.replaces || l.hooked.Before { // one may have added rows
		n, err := pgclient.Affected(ctx, l.conn, "DELETE FROM "+l.target.name.SQL()+" WHERE "+l.inSlice())
		if err != nil {
			return err
		}
		if err := l.deleted(ctx, n); err != nil {
			return err
		}
	}

	if len(l.Files) == 0 {
		return nil
	}
	return l.fill(ctx)
}

// begin takes the targets' locks, which hold other writers off and let readers read, then the fence, and looks at the
// targets: nothing of them can change from here on. Of a slice whose partition is exchanged it is the partition's lock, and the
// parent is not touched before exchange: whoever has a weak lock on it and waits for a strong one may wait for ever.
func (p *publication) begin(ctx context.Context) error {
	tables, err := p.inOrder(ctx)
	if err != nil {
		return err
	}

	statements := []string{
		"BEGIN ISOLATION LEVEL READ COMMITTED",
		"SET LOCAL application_name = " + literal(sessionName(p.Pipeline)),
		lockTargets(tables),
		"SELECT n FROM " + p.home.table(leaseTable) + " WHERE name = " + literal(warehouse.FenceName(p.Pipeline)) + " FOR SHARE",
		"SET LOCAL row_security = off", // an error rather than rows that are not seen
		p.home.targets()}
	first := len(statements)
	for _, l := range p.loads {
		oid := literal(pgclient.ParseName(l.Target.Table).SQL()) + "::regclass"
		statements = append(statements,
			"SELECT n.nspname, c.relname, EXISTS (SELECT FROM "+l.holds()+" WHERE "+l.inSlice()+"), pg_current_xact_id()::xid, "+
				"pg_table_is_visible(c.oid), current_database() "+
				"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "+oid,
			fmt.Sprintf(attributes, "ARRAY["+oid+"]"),
			fmt.Sprintf(betweens, oid),
			l.overlapped())
	}

	results, err := pgclient.Script(ctx, p.conn, statements...)
	if err != nil {
		return err
	}

	fence := results[3]
	if len(fence) == 0 {
		return permanent("hindcast_lease has no row of this pipeline: it was deleted", "hindcast resume, which puts it back")
	}
	if err := warehouse.CheckFence(fence[0].Number(0), p.Fence); err != nil {
		return err
	}

	for i, l := range p.loads {
		if err := l.found(ctx, results[first-1], results[first+4*i:]); err != nil {
			return err
		}
	}
	return nil
}

// inOrder are the targets for LOCK TABLE, in the same order for everybody, so that two publications do not wait for each other:
// by oid, because one table may be named in several ways. (Where one target is a partition of another, it is left to
// PostgreSQL to see a deadlock; the publication that it ends is tried again.)
func (p *publication) inOrder(ctx context.Context) ([]string, error) {
	var tables []string
	for _, l := range p.loads {
		tables = append(tables, l.holds())
	}
	return byOID(ctx, p.conn, tables)
}

// lockTargets is the statement that holds other writers off, and lets readers read.
func lockTargets(tables []string) string {
	return "LOCK TABLE " + strings.Join(tables, ", ") + " IN SHARE ROW EXCLUSIVE MODE"
}

// byOID are tables, each once, in an order that does not depend on how they are named.
func byOID(ctx context.Context, conn *pgconn.PgConn, tables []string) ([]string, error) {
	slices.Sort(tables)
	tables = slices.Compact(tables)
	if len(tables) < 2 {
		return tables, nil
	}

	rows, err := pgclient.Ask(ctx, conn, "SELECT name FROM unnest($1::text[]) name ORDER BY to_regclass(name)::oid", pgclient.Array(tables))
	for i, r := range rows {
		tables[i] = r.Text(0)
	}
	return tables, err
}

// holds is the table that has the slice's rows, as SQL: the target, or its partition that is replaced.
func (l *load) holds() string {
	switch {
	case l.substitute != nil:
		return l.substitute.Partition.SQL()
	case l.target.name.Table != "": // a hook may change the search path
		return l.target.name.SQL()
	}
	return pgclient.ParseName(l.Target.Table).SQL()
}

// found reads what begin has seen of the target, and of those that hindcast_status has.
func (l *load) found(ctx context.Context, targets []pgclient.Row, results [][]pgclient.Row) error {
	target := results[0][0]
	l.replaces, l.xid, l.between = target.Bool(2), target.Text(3), readBetweens(results[2])
	l.target = relation{name: pgclient.Name{Schema: target.Text(0), Table: target.Text(1)}, found: l.Target.Table}

	for _, r := range results[1] {
		l.target.attribute = append(l.target.attribute, readAttribute(r))
	}
	for _, r := range targets {
		if name := r.Text(0); name != l.Target.Table && pgclient.ParseName(name).Is(l.target.name, target.Bool(4), target.Text(5)) {
			l.spelled = append(l.spelled, name)
		}
	}
	var err error
	if len(l.spelled) > 1 { // begin has asked for those of its own name
		if results[3], err = pgclient.Ask(ctx, l.conn, l.overlapped()); err != nil {
			return err
		}
	}
	if l.replaced, err = statusRows.Rows(results[3]); err != nil {
		return err
	}
	if err = l.owner.resolve(ctx, l.conn, []relation{l.target}); err == nil {
		l.fields, err = receive(&l.target, l.Columns)
	}
	return err
}

// inSlice is the condition that a row of the target belongs to the slice.
func (l *load) inSlice() string {
	c, found := l.Time()
	if !found {
		return "false"
	}
	return window(c.Name, c.TimeType(), warehouse.Wall(c.TimeType(), l.Slice.Interval, l.TimeZone))
}

// overlapped is SQL that reads the status rows that it takes out.
func (l *load) overlapped() string {
	return "SELECT " + l.home.columns() + " FROM " + l.home.table(statusTable) + l.overlapping() + " ORDER BY slice_start"
}

// overlapping is the condition of the status rows that it takes out.
func (l *load) overlapping() string {
	names := make([]string, len(l.spelled))
	for i, name := range l.spelled {
		names[i] = literal(name)
	}
	return " WHERE target IN (" + strings.Join(names, ", ") + ") AND slice_start < " + bound(instant, l.Slice.End) + " AND slice_end > " + bound(instant, l.Slice.Start)
}

// keepPrevious writes the rows that will be replaced, all columns of them, where they are to be kept. What has no type in the
// lake is kept as its text.
func (l *load) keepPrevious(ctx context.Context) error {
	if l.Previous == "" || !l.replaces && len(l.replaced) == 0 {
		return nil
	}
	l.row.Previous = cmp.Or(l.PreviousAs, l.Previous)
	if !l.replaces {
		return nil
	}

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
		l.carried = append(l.carried, f.Column)
	}

	if err := os.MkdirAll(l.Previous, 0o700); err != nil {
		return err
	}

	from := l.holds() + " WHERE " + l.inSlice()
	_, sums, err := pgcopy.Unload(ctx, fields, pgcopy.One(l.conn, pgcopy.CopyOut(fields, from)),
		pgcopy.Options{Dir: l.Previous, Memory: l.owner.part(l.Memory), Threads: 1})
	l.kept = sums.Rows
	return err
}

func (l *load) hooksAfter(ctx context.Context) error {
	return l.hooks(ctx, "load.after", l.Hooks.After)
}

// hooks runs the user's SQL in the transaction.
func (l *load) hooks(ctx context.Context, key string, hooks []string) error {
	return warehouse.RunHooks(key, hooks, l.Places, func(hook string) error {
		err := pgclient.Run(ctx, l.conn, "SET LOCAL TimeZone = "+literal(l.TimeZone), hook)
		if err == nil {
			return nil
		}

		e := *hindcast.AsError(l.owner.translate(err))
		if e.Code == hindcast.EOverflow { // of a value of the hook's own
			e.Next = ""
		}
		return &e
	})
}

// fill copies the staged rows in: straight into the target, or through a temporary table where a column's type can
// only be read from text.
func (l *load) fill(ctx context.Context) error {
	table := l.target.name.SQL()
	columns, selected := pgcopy.Staging(l.fields)
	if columns != "" {
		table = l.staging
		if err := pgclient.Run(ctx, l.conn, "CREATE TEMPORARY TABLE "+table+" ("+columns+") ON COMMIT DROP"); err != nil {
			return err
		}
	}

	stored, err := l.send(ctx, pgcopy.CopyIn(l.fields, table))
	if err != nil {
		return err
	}
	if columns == "" {
		return l.inserted(stored)
	}

	l.cast = true
	if err := l.refuseRounding(ctx, table); err != nil {
		return err
	}
	if stored, err = l.insertStaged(ctx, l.fields, table, selected); err != nil {
		return err
	}
	return l.inserted(stored)
}

// send sends the staged rows by a COPY, and returns how many the server says that it stored.
func (l *load) send(ctx context.Context, statement string) (stored int64, err error) {
	sums, stored, err := pgcopy.Load(ctx, l.fields, l.Paths(), pgcopy.Options{Memory: l.owner.part(l.Memory), Threads: l.owner.options.Threads},
		pgcopy.Target{Conn: l.conn, SQL: statement})
	if err != nil {
		return 0, err
	}
	if err := l.CheckRows(sums.Rows); err != nil {
		return 0, err
	}

	l.sent = sums
	return stored, nil
}

// refuseRounding refuses values that the server, which reads them from text, would silently round to the target's scale.
func (l *load) refuseRounding(ctx context.Context, staged string) error {
	conditions := pgcopy.Rounding(l.fields)
	for _, column := range slices.Sorted(maps.Keys(conditions)) {
		rows, err := pgclient.Ask(ctx, l.conn, "SELECT "+sqltext.Identifier(column)+" FROM "+staged+" WHERE "+conditions[column]+" LIMIT 1")
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return &hindcast.Error{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q: %s does not fit the target's scale, which would round it", column, rows[0].Text(0)),
				Next:    "round it in the SQL, or give the target's column a larger scale"}
		}
	}

	return nil
}

// stored sums the slice's rows as they stand in the target now, after hooks and triggers. Where there are none they are
// those that were sent, and need not be read again (which is a third of a load of many rows, measured).
//
// Their Content names the transactions that wrote the rows (xmin), by which Published sees that nobody has changed one
// since: every UPDATE gives a row a new one. What ALTER TABLE does without writing rows is seen by the columns' places. A hash
// over the values would have every plan read every value of every slice.
func (l *load) stored(ctx context.Context) (err error) {
	switch {
	case l.substitute != nil:
		l.row.Sums = l.substitute.Sums
	case l.hooked.Any() || len(l.Summed) > 0 || l.stands == nil && (l.cast || l.mayMeddle):
		l.row.Sums, err = l.standing(ctx, l.Sums())
	case l.stands != nil:
		l.row.Sums = *l.stands
	default:
		l.row.Sums = l.asSent()
	}
	return err
}

// standing are the sums of the slice's rows in the target.
func (l *load) standing(ctx context.Context, columns []hindcast.Column) (hindcast.Sums, error) {
	return l.standingIn(ctx, l.holds(), columns)
}

// standingIn are those of a table that has the slice's rows, or is to have them.
func (l *load) standingIn(ctx context.Context, from string, columns []hindcast.Column) (hindcast.Sums, error) {
	table := l.target.name.SQL()
	rows, err := pgclient.Ask(ctx, l.conn, sumsQuery("1", columns, from, l.inSlice(), placesIn(table, namesOfFields(l.fields)...)))
	if err != nil || len(rows) == 0 {
		return hindcast.Sums{}, err
	}
	return readSums(rows[0][1:], columns), nil
}

// asSent is what stored finds of rows that this transaction sent: the transform has proven that they lie in the slice.
func (l *load) asSent() hindcast.Sums {
	sums := hindcast.Sums{Rows: l.sent.Rows}
	if sums.Rows == 0 {
		return sums
	}

	sums.Content = contentOf(l.xid, l.xid, "", l.places())
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

// places are those of the columns that are loaded, as placesIn lists them.
func (l *load) places() string {
	var places []string
	for i := range l.target.attribute { // in the order of their numbers
		if a := &l.target.attribute[i]; slices.ContainsFunc(l.fields, func(f pgcopy.Field) bool { return f.Name == a.name }) {
			places = append(places, a.place())
		}
	}
	return strings.Join(places, ",")
}

// commit writes the status rows, in place of those whose slices overlap theirs, and commits.
func (p *publication) commit(ctx context.Context) error {
	var statements []string
	for _, l := range p.loads {
		insert, err := statusRows.Insert(p.home.table(statusTable), p.home.publication, &l.row)
		if err != nil {
			return err
		}
		statements = append(statements, "DELETE FROM "+p.home.table(statusTable)+l.overlapping())
		if !l.Unrecorded {
			statements = append(statements, insert)
		}
	}

	err := pgclient.Run(ctx, p.conn, append(statements, "COMMIT")...)
	if server, ok := errors.AsType[*pgconn.PgError](err); err == nil || ok && server.Severity == "ERROR" {
		return err // of which the server says that it rolled back
	}

	e := p.owner.lost(err)
	e.Message += " while the slice was being committed: its status row shows whether it was"
	return e
}
