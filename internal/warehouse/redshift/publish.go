package redshift

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// publication is a publication under way.
type publication struct {
	*warehouse.Publication
	owner   *Owner
	session *session
	home    home
	mark    string   // a table for the lock alone, if nothing is staged
	targets []string // that hindcast_status has, as it spells them
	loads   []*load
	current *load // that an error is about; nil if it is about all of them
}

// load is one of its replacements under way.
type load struct {
	*publication
	*warehouse.Replacement
	row      hindcast.Committed
	target   relation
	spelled  []string             // the names by which hindcast_status has the target, and its own
	replaced []hindcast.Committed // status rows that it takes out
	carried  []hindcast.Column    // of the files in which previous rows are kept
	rows     int64                // of the target in the slice, before
}

// Publish does all replacements in one transaction (promise 2): the lock that every writer takes first, then the fence, then what
// is short, since rows are in tables of the cluster already.
func (w *Owner) Publish(ctx context.Context, given warehouse.Publication) ([]hindcast.Committed, error) {
	if err := given.Check(); err != nil {
		return nil, err
	}

	p := &publication{Publication: &given, owner: w}
	now := time.Now()
	for i := range given.Replacements {
		r := &given.Replacements[i]
		p.loads = append(p.loads, &load{publication: p, Replacement: r, row: given.Row(r, now)})
	}

	err := w.writing(ctx, func(s *session) (err error) {
		p.session = s
		if p.home, err = s.ours(ctx); err != nil {
			return err
		}
		if !p.home.lease || !p.home.status {
			return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent,
				Message: "hindcast_lease or hindcast_status was dropped", Next: "hindcast resume, which makes it again"}
		}
		err = p.publish(ctx)
		s.rollback(ctx) // unless it is committed
		if err != nil && p.mark != "" {
			_ = s.run(ctx, "DROP TABLE IF EXISTS "+p.mark) // otherwise the next Prepare does
		}
		if given.Hooked().Any() {
			defer s.link.discard() // a hook may have changed the session
		}
		return err
	})
	if err != nil {
		if p.current != nil {
			err = given.Blame(p.current.Replacement, err)
		}
		return nil, err
	}

	rows := make([]hindcast.Committed, len(p.loads))
	for i, l := range p.loads {
		rows[i] = l.row
	}
	return rows, nil
}

// publish does everything from BEGIN to COMMIT. Every replacement is taken through one step before the next step begins.
func (p *publication) publish(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.each(ctx, (*load).look, (*load).expected, (*load).keepPrevious, (*load).swap, (*load).hooksAfter, (*load).stored); err != nil {
		return err
	}
	if err := p.keep(ctx); err != nil {
		return err
	}
	return p.commit(ctx)
}

// each takes all replacements through the steps.
func (p *publication) each(ctx context.Context, steps ...func(*load, context.Context) error) error {
	return warehouse.Each(ctx, p.loads, &p.current, steps...)
}

// begin takes the lock, with a table of what is staged, or with one that is made for that. One is enough for a successor, and a publication
// may have more than a statement can name.
func (p *publication) begin(ctx context.Context) error {
	own := ""
	for _, l := range p.loads {
		own = cmp.Or(own, l.Staged)
	}
	if own == "" {
		first := p.loads[0]
		p.mark = p.home.table(stagingName(p.Pipeline, p.Fence, first.Target.Table, first.Slice.Key))
		if err := p.session.run(ctx, marking(p.mark)); err != nil {
			return err
		}
		own = p.mark
	}
	if err := p.owner.lock(ctx, p.session, p.home, patience, own); err != nil {
		return p.swept(ctx, err)
	}
	highest, there, err := p.session.fence(ctx, p.home, p.Pipeline)
	if err != nil {
		return err
	}
	if !there {
		return permanent("hindcast_lease has no row of this pipeline: it was deleted", "hindcast resume, which puts it back")
	}
	if err := warehouse.CheckFence(highest, p.Fence); err != nil {
		return err
	}
	rows, err := p.session.ask(ctx, "SELECT DISTINCT target FROM "+p.home.table(statusTable))
	for _, r := range rows {
		p.targets = append(p.targets, r.Text(0))
	}
	return err
}

// swept is the error of a lock that was not taken. Where what was staged is gone, a successor has swept it: then the fence says so.
func (p *publication) swept(ctx context.Context, err error) error {
	if hindcast.AsError(p.owner.translate(err)).Code != hindcast.ETableMissing {
		return err
	}
	p.session.rollback(ctx)
	highest, _, unknown := p.session.fence(ctx, p.home, p.Pipeline)
	if unknown != nil {
		return err
	}
	return cmp.Or(warehouse.CheckFence(highest, p.Fence), err)
}

// look sees what there is of the target and of its slice.
func (l *load) look(ctx context.Context) error {
	s := l.session
	found, err := s.findNames(ctx, append([]string{l.Target.Table}, l.sameName()...)...)
	if err != nil {
		return err
	}
	target, there := found[l.Target.Table]
	if !there {
		return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Message: "the target " + l.Target.Table + " was dropped",
			Next: "hindcast resume, which makes it again"}
	}
	if err := target.loadable(l.Columns); err != nil {
		return err
	}
	l.target = target
	for name, is := range found {
		if is.oid == target.oid {
			l.spelled = append(l.spelled, name)
		}
	}
	slices.Sort(l.spelled)

	r, err := s.one(ctx, "SELECT count(*) FROM "+l.slice())
	if err != nil {
		return err
	}
	l.rows = r.Number(0)
	l.replaced, err = s.committed(ctx, l.home, l.overlapping())
	return err
}

// sameName are the targets that hindcast_status has whose names end as the load's target's does: they may be the same table.
func (l *load) sameName() (names []string) {
	own := pgclient.ParseName(l.Target.Table).Table
	for _, name := range l.targets {
		if pgclient.ParseName(name).Table == own {
			names = append(names, name)
		}
	}
	return names
}

// slice is a FROM clause of the target's rows in the slice.
func (l *load) slice() string { return l.target.within(l.Target, l.Slice.Interval, l.TimeZone) }

// overlapping is the condition of the status rows that it takes out.
func (l *load) overlapping() string {
	return " WHERE target IN " + literals(l.spelled) + " AND slice_start < " + bound(instant, l.Slice.End) + " AND slice_end > " + bound(instant, l.Slice.Start)
}

// expected compares what is to be replaced with what the publication expects.
func (l *load) expected(ctx context.Context) error {
	return l.Met(l.Pipeline, l.replaced, func(columns []hindcast.Column) (hindcast.Sums, error) { return l.standing(ctx, columns) })
}

// standing are the sums of the slice's rows in the target.
func (l *load) standing(ctx context.Context, columns []hindcast.Column) (hindcast.Sums, error) {
	as := l.target.spelled(columns)
	sums, err := l.session.sums(ctx, as, l.slice())
	return named(sums, as, columns), err
}

// keepPrevious unloads the rows that will be replaced, all columns of them, and brings them where they are to be kept. What
// UNLOAD cannot write as Parquet has no copy, and such a row is not replaced.
func (l *load) keepPrevious(ctx context.Context) error {
	if l.Previous == "" || l.rows == 0 && len(l.replaced) == 0 {
		return nil
	}
	l.row.Previous = cmp.Or(l.PreviousAs, l.Previous)
	if l.rows == 0 {
		return nil
	}

	w := l.owner
	if _, err := w.bucket(); err != nil {
		return err
	}
	list, err := selected(warehouse.Extract{Table: l.Target.Table, Columns: l.target.columns})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.Previous, 0o700); err != nil {
		return fmt.Errorf("keeping replaced rows: %w", err)
	}
	folder, done := w.asideFor(ctx, fmt.Sprintf("previous-f%d-%s", l.Fence, rand.Text()))
	defer done()
	if err := w.unload(ctx, l.session, "SELECT "+selectList(list)+" FROM "+l.slice(), folder, l.rows); err != nil {
		return err
	}

	columns := make([]hindcast.Column, len(list))
	for i := range list {
		columns[i] = list[i].column
	}
	l.carried = columns
	_, err = w.take(ctx, folder, l.Previous, columns, &hindcast.Sums{Rows: l.rows}, nil, false)
	return err
}

// swap puts the staged rows in place of the slice's.
func (l *load) swap(ctx context.Context) error {
	if err := l.hooks(ctx, "load.before", l.Hooks.Before); err != nil {
		return err
	}
	if l.rows > 0 || len(l.Hooks.Before) > 0 {
		if err := l.session.run(ctx, "DELETE FROM "+l.slice()); err != nil {
			return err
		}
	}
	if l.Staged == "" {
		return nil
	}

	var into, from []string
	for _, c := range l.target.taking(l.Columns) {
		_, expression := placed(c.Name, c.Source)
		into, from = append(into, sqltext.Identifier(c.Name)), append(from, expression)
	}
	n, err := l.session.link.affected(ctx, "INSERT INTO "+l.target.name.SQL()+" ("+strings.Join(into, ", ")+") SELECT "+strings.Join(from, ", ")+" FROM "+l.Staged)
	if err != nil {
		return err
	}
	return l.CheckRows(n)
}

func (l *load) hooksAfter(ctx context.Context) error {
	return l.hooks(ctx, "load.after", l.Hooks.After)
}

// hooks runs the user's SQL in the transaction.
func (l *load) hooks(ctx context.Context, key string, hooks []string) error {
	if len(hooks) == 0 {
		return nil
	}
	err := warehouse.RunHooks(key, hooks, l.Places, func(hook string) error {
		if err := commits(hook); err != nil {
			return err
		}
		err := l.session.run(ctx, append([]string{"SET LOCAL timezone TO " + literal(l.TimeZone)}, statements(hook)...)...)
		if err == nil {
			return nil
		}
		e := *hindcast.AsError(l.owner.translate(err))
		if e.Code == hindcast.EOverflow { // of a value of the hook's own
			e.Next = ""
		}
		return &e
	})
	if err != nil {
		return err
	}
	return l.session.run(ctx, settings...)
}

// escape is a character that Redshift reads as itself within quotes.
var escape = regexp.MustCompile(`(?s)\\.`)

// escaped is a text without backslashes, every byte in its place, that has the quotes which a server finds that reads them as escapes.
func escaped(text string) string {
	return escape.ReplaceAllStringFunc(text, func(is string) string { return strings.Repeat("x", len(is)) })
}

// statements are those of a hook, one by one: the Data API takes no two at once. A hook that is divided differently with backslashes as
// escapes and without stays whole.
func statements(hook string) (list []string) {
	plain, other := sqltext.Standard.Statements(hook), sqltext.Standard.Statements(escaped(hook))
	if len(plain) != len(other) {
		return []string{hook}
	}
	for i, s := range plain {
		if s.Offset != other[i].Offset || len(s.Text) != len(other[i].Text) {
			return []string{hook}
		}
		list = append(list, s.Text)
	}
	return list
}

// commits refuses a hook that would end the transaction: TRUNCATE and ALTER TABLE … APPEND commit in Redshift. Quoted text is
// read in both ways: with backslashes as escapes, and without.
func commits(hook string) error {
	for _, reading := range []string{hook, escaped(hook)} {
		words, _, found := sqltext.TransactionControl(reading)
		for _, statement := range sqltext.Standard.Statements(reading) {
			text := strings.ToUpper(sqltext.Standard.Normalize(statement.Text))
			switch {
			case strings.HasPrefix(text, "TRUNCATE"):
				words, found = "TRUNCATE", true
			case strings.HasPrefix(text, "ALTER TABLE") && strings.Contains(text, " APPEND FROM "):
				words, found = "ALTER TABLE APPEND", true
			}
		}
		if found {
			return &hindcast.Error{Code: hindcast.EHook, Class: hindcast.ClassPermanent,
				Message: words + " ends the transaction in Redshift, and a hook is part of the load's", Next: "use DELETE in its place, or take it out of the hook"}
		}
	}
	return nil
}

// stored sums the slice's rows as they stand in the target now.
func (l *load) stored(ctx context.Context) (err error) {
	l.row.Sums, err = l.standing(ctx, l.Sums())
	return err
}

// keep hands over what is replaced.
func (p *publication) keep(ctx context.Context) error {
	return p.HandOver(ctx, func(i int) (string, warehouse.Kept) {
		l := p.loads[i]
		return l.row.Previous, warehouse.Kept{Rows: l.replaced, Columns: l.carried}
	})
}

// commit writes the status rows, in place of those whose slices overlap theirs, drops the staging tables, and commits.
func (p *publication) commit(ctx context.Context) error {
	var statements, drops []string
	for _, l := range p.loads {
		insert, err := statusRows.Insert(p.home.table(statusTable), true, &l.row)
		if err != nil {
			return err
		}
		statements = append(statements, "DELETE FROM "+p.home.table(statusTable)+l.overlapping())
		if !l.Unrecorded {
			statements = append(statements, insert)
		}
		if l.Staged != "" {
			drops = append(drops, "DROP TABLE "+l.Staged)
		}
	}
	if p.mark != "" {
		drops = append(drops, "DROP TABLE "+p.mark)
	}
	if err := p.session.run(ctx, slices.Concat(statements, drops)...); err != nil {
		return err
	}

	if err := ctx.Err(); err != nil {
		return err
	}
	err := p.session.run(ctx, "COMMIT")
	if server, ok := errors.AsType[*pgconn.PgError](err); err == nil || ok && server.Severity == "ERROR" {
		return err // of which the server says that it rolled back
	}
	e := p.owner.lost(err)
	e.Message += " while the slice was being committed: its status row shows whether it was"
	return e
}
