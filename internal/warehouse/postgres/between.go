package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// between is something on the target that may change what a load deletes or stores: a trigger, a rule, a foreign key that
// deletes or updates rows, a partition on a foreign server.
type between struct {
	name             string // "trigger soft_delete of sales"
	deletes, inserts bool   // what it acts on
	waits            bool   // it may act as late as at the end of the transaction
}

// betweens finds them, given the target as an expression of type regclass. A partition's copy of a trigger is not named beside
// its origin, unless the origin is above the target, which is a partition itself: there the copy is all that acts. Up to version 14
// such a copy counts as internal. Triggers of constraints that only check are left out, and so are rules that a COPY passes by without a DELETE.
const betweens = `
WITH RECURSIVE part(oid) AS (SELECT %[1]s::oid UNION SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid)
SELECT 'trigger ' || quote_ident(g.tgname) || ' of ' || g.tgrelid::regclass AS name, g.tgtype & 8 <> 0, g.tgtype & 4 <> 0, g.tgdeferrable
FROM part JOIN pg_trigger g ON g.tgrelid = part.oid
WHERE g.tgenabled <> 'D' AND g.tgtype & 12 <> 0
  AND (NOT g.tgisinternal OR g.tgparentid <> 0 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = g.tgconstraint AND k.contype <> 't'))
  AND NOT EXISTS (SELECT FROM pg_trigger o JOIN part ON part.oid = o.tgrelid WHERE o.oid = g.tgparentid)
UNION ALL
SELECT 'rule ' || quote_ident(r.rulename) || ' of ' || r.ev_class::regclass, r.ev_type = '4', r.ev_type = '3', false
FROM pg_rewrite r WHERE r.ev_class = %[1]s::oid AND r.ev_type IN ('3', '4') AND r.ev_enabled <> 'D'
UNION ALL
SELECT 'foreign key ' || quote_ident(k.conname) || ' of ' || k.conrelid::regclass, true, false, false
FROM part JOIN pg_constraint k ON k.confrelid = part.oid WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd')
  AND NOT EXISTS (SELECT FROM pg_constraint o JOIN part ON part.oid = o.confrelid WHERE o.oid = k.conparentid)
UNION ALL
SELECT 'foreign table ' || c.oid::regclass, true, true, false FROM part JOIN pg_class c USING (oid) WHERE c.relkind = 'f'
ORDER BY 1`

func readBetweens(rows []pgclient.Row) []between {
	var list []between
	for _, r := range rows {
		list = append(list, between{name: r.Text(0), deletes: r.Bool(1), inserts: r.Bool(2), waits: r.Bool(3)})
	}
	return list
}

// deleted compares what the DELETE says, and what it left, with what was to go: a slice of which a row stays would be doubled.
func (l *load) deleted(ctx context.Context, n int64) error {
	if len(l.between) == 0 {
		if l.kept >= 0 && !l.hooked.Before && n != l.kept {
			return l.meddled(between.onDelete, fmt.Sprintf("of the %s of the slice that had to be replaced %s were deleted", numbers.Counted(l.kept, "row"), numbers.Thousands(n)))
		}
		return nil
	}

	rows, err := pgclient.Ask(ctx, l.conn, "SELECT count(*) FROM "+l.target.name.SQL()+" WHERE "+l.inSlice())
	if err != nil {
		return err
	}
	if left := rows[0].Number(0); left > 0 {
		return l.meddled(between.onDelete, fmt.Sprintf("%s of the slice still in %s after their DELETE", numbers.Counted(left, "row"), l.Target.Table))
	}
	return nil
}

// inserted compares what the server says that it took with what was sent. If something is in between, that says little: rows
// may have reached a partition in another way.
func (l *load) inserted(n int64) error {
	if len(l.between) == 0 && n != l.sent.Rows {
		return l.meddled(between.onInsert, fmt.Sprintf("of the %s sent for the slice the server stored %s", numbers.Counted(l.sent.Rows, "row"), numbers.Thousands(n)))
	}
	return nil
}

// compare looks at what stands in the slices now, before load.after. Without anything between, the answers to DELETE and COPY
// have said it.
func (p *publication) compare(ctx context.Context) error {
	p.mayMeddle = slices.ContainsFunc(p.loads, func(l *load) bool { return len(l.between) > 0 })
	if !p.mayMeddle {
		return nil
	}

	if !p.hooked.After { // hooks may rely on deferred constraints
		if err := pgclient.Run(ctx, p.conn, immediately); err != nil {
			return err
		}
	}
	return p.each(ctx, (*load).compare)
}

// compare requires as many rows as were sent and, unless a trigger is meant to change values, the same rows.
func (l *load) compare(ctx context.Context) error {
	if l.substitute != nil { // its rows do not pass through the target
		return nil
	}
	is, err := l.standing(ctx, l.Columns)
	if err != nil {
		return err
	}

	l.stands = &is
	was := l.asSent()
	if is.Rows != was.Rows {
		return l.meddled(between.onInsert, fmt.Sprintf("%s sent for the slice, and %s in %s", numbers.Counted(was.Rows, "row"), numbers.Thousands(is.Rows), l.Target.Table))
	}

	if l.Hooks.MayChange {
		return nil
	}

	for _, column := range slices.Sorted(maps.Keys(was.Totals)) {
		if is.Totals[column] != was.Totals[column] {
			return l.meddled(between.onInsert, fmt.Sprintf("the values of column %q that were sent for the slice sum to %s, and those that stand in %s to %s",
				column, was.Totals[column], l.Target.Table, is.Totals[column]))
		}
	}

	if len(l.Files) == 0 || !slices.ContainsFunc(l.between, between.onInsert) {
		return nil
	}

	same, err := l.sameContent(ctx)
	if err == nil && !same {
		return l.meddled(between.onInsert, fmt.Sprintf("the rows of the slice that stand in %s have other values than those that were sent", l.Target.Table))
	}
	return err
}

// sameContent compares every value: here, if the server returns all of them in the bytes that it was sent; otherwise at the
// server, by whole rows of the target and of the temporary table.
func (l *load) sameContent(ctx context.Context) (bool, error) {
	fields := l.fields
	here := l.target.name.SQL() + " WHERE " + l.inSlice()
	options := pgcopy.Options{Memory: l.owner.part(l.Memory), Threads: l.owner.options.Threads}
	if len(pgcopy.Verbatim(fields)) == len(fields) {
		was, err := pgcopy.Encoded(ctx, fields, l.Paths(), options)
		if err != nil {
			return false, err
		}
		is, err := pgcopy.Stored(ctx, fields, pgcopy.One(l.conn, pgcopy.CopyOut(fields, here)))
		return is.Content == was.Content, err
	}

	if !l.cast { // there is no temporary table yet
		columns := make([]string, len(fields))
		for i, f := range fields {
			columns[i] = sqltext.Identifier(f.Name) + " " + f.Type.Name
		}
		if err := pgclient.Run(ctx, l.conn, "CREATE TEMPORARY TABLE "+l.staging+" ("+strings.Join(columns, ", ")+") ON COMMIT DROP"); err != nil {
			return false, err
		}
		if _, _, err := pgcopy.Load(ctx, fields, l.Paths(), options, pgcopy.Target{Conn: l.conn, SQL: pgcopy.CopyIn(fields, l.staging)}); err != nil {
			return false, err
		}
	}

	was, err := l.digestOf(ctx, castStaged(fields), l.staging)
	if err != nil {
		return false, err
	}

	is, err := l.digestOf(ctx, quoted(namesOfFields(fields)), here)
	return is == was, err
}

// castStaged selects the staged values as the target holds them.
func castStaged(fields []pgcopy.Field) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = sqltext.Identifier(f.Name)
		if _, selected := pgcopy.Staging([]pgcopy.Field{f}); selected != "" {
			list[i] = "CAST(" + selected + " AS " + f.Type.Name + ")"
		}
	}

	return strings.Join(list, ", ")
}

// fireDeferred makes everything that was deferred act now, where we can see what it does, once the hooks have done what some of
// it waits for. What the targets' own triggers then change in a slice was not done by a hook.
func (p *publication) fireDeferred(ctx context.Context) error {
	if err := p.each(ctx, func(l *load, ctx context.Context) (err error) {
		if l.firesLate() {
			l.after, err = l.digestOf(ctx, quoted(namesOfFields(l.fields)), l.target.name.SQL()+" WHERE "+l.inSlice())
		}
		return err
	}); err != nil {
		return err
	}

	if err := pgclient.Run(ctx, p.conn, immediately); err != nil {
		return err
	}

	return p.each(ctx, (*load).compareFired)
}

// firesLate reports whether triggers of the target act after load.after; without such hooks compare has seen what they did.
func (l *load) firesLate() bool {
	return l.hooked.After && slices.ContainsFunc(l.between, between.atEnd)
}

// compareFired requires the slice to be as it was before the deferred triggers were fired, unless they are meant to change it.
func (l *load) compareFired(ctx context.Context) error {
	if !l.firesLate() {
		return nil
	}

	is, err := l.digestOf(ctx, quoted(namesOfFields(l.fields)), l.target.name.SQL()+" WHERE "+l.inSlice())
	if err != nil {
		return err
	}

	switch {
	case is.rows != l.after.rows:
		return l.meddled(between.atEnd, fmt.Sprintf("%s of the slice in %s after load.after, and %s at the end of the load", numbers.Counted(l.after.rows, "row"), l.Target.Table, numbers.Thousands(is.rows)))
	case is != l.after && !l.Hooks.MayChange:
		return l.meddled(between.atEnd, fmt.Sprintf("the rows of the slice that stood in %s after load.after have other values at the end of the load", l.Target.Table))
	}

	return nil
}

// digest is the same for rows that have the same texts, in any order.
type digest struct {
	rows int64
	sum  string
}

// digestOf has the server compute the digest of the rows of a FROM clause, over a select list.
func (l *load) digestOf(ctx context.Context, list, from string) (digest, error) {
	rows, err := pgclient.Ask(ctx, l.conn, "SELECT count(*), coalesce(sum(hashtextextended(ROW("+list+")::text, 0)), 0) FROM "+from)
	if err != nil {
		return digest{}, err
	}
	return digest{rows: rows[0].Number(0), sum: rows[0].Text(1)}, nil
}

// immediately makes deferred triggers and constraints act now, and not at COMMIT, when everything has been compared already.
const immediately = "SET CONSTRAINTS ALL IMMEDIATE"

func (b between) onDelete() bool { return b.deletes }
func (b between) onInsert() bool { return b.inserts }
func (b between) atEnd() bool    { return b.waits }

// meddled is the error of a load that did not store what it sent: who may have done it, and what helps.
func (l *load) meddled(acts func(between) bool, what string) *hindcast.Error {
	var named []string
	for _, b := range l.between {
		if acts(b) {
			named = append(named, b.name)
		}
	}

	if len(named) == 0 { // then it is one of those that act on something else
		for _, b := range l.between {
			named = append(named, b.name)
		}
	}

	e := &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: what,
		Next: "load into a table of which hindcast alone decides what its slices hold, and serve the other one from it; everything was rolled back"}
	if len(named) > 0 {
		e.Message += ": see " + strings.Join(named, ", ")
		e.Next = "take that off the target, or switch it off in load.before and on again in load.after (ALTER TABLE … DISABLE TRIGGER …); " +
			"a trigger that is meant to change values, and no rows, is allowed by `load: {triggers: may_change_values}`; everything was rolled back"
	}
	return e
}
