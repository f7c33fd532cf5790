package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// batch is one or several replacements of one target, in the order of their slices, that share statements: for slices of few rows,
// planning statements is what a load costs. Several have no hooks, and no more rows than a row group together.
type batch struct {
	*publication
	members []*replacement
	current *replacement // that an error is about; nil if it is about any of them
	rows    int64        // of all members' files
}

// maxShared is how many replacements share statements at most: the bounds of all of them are in some.
const maxShared = 64

// divide divides the replacements into batches of up to that many.
func (p *publication) divide(most int) (all []*batch) {
	open := map[string]*batch{} // the last one of each target
	for _, r := range p.replacements {
		b := open[r.Target.Table]
		if b == nil || p.hooked.Any() || !b.takes(r, most) {
			b = &batch{publication: p}
			open[r.Target.Table] = b
			all = append(all, b)
		}
		b.members = append(b.members, r)
		b.rows += r.Rows
	}
	for _, b := range all {
		slices.SortFunc(b.members, func(x, y *replacement) int { return x.Slice.Start.Compare(y.Slice.Start) })
	}
	return all
}

// takes reports whether statements for the members can do for the replacement, too.
func (b *batch) takes(r *replacement, most int) bool {
	_, timed := r.Time()
	first := b.members[0]
	return timed && len(b.members) < most && b.rows+r.Rows <= rowGroup && r.TimeZone == first.TimeZone && reflect.DeepEqual(r.Target, first.Target) &&
		reflect.DeepEqual(r.Columns, first.Columns) && reflect.DeepEqual(r.Sums(), first.Sums())
}

// several reports whether an error may be about any of several replacements. The batch may be nil.
func (b *batch) several() bool { return b != nil && len(b.members) > 1 && b.current == nil }

// blamed is the replacement that an error is about; nil if that is not known. The batch may be nil.
func (b *batch) blamed() *replacement {
	switch {
	case b == nil:
		return nil
	case b.current == nil && len(b.members) == 1:
		return b.members[0]
	}
	return b.current
}

// each takes each member through a step, and notes which one.
func (b *batch) each(ctx context.Context, step func(*replacement, context.Context) error) error {
	return warehouse.Each(ctx, b.members, &b.current, step)
}

// target is the target's table, as SQL.
func (b *batch) target() string { return duck.Table(b.members[0].Target.Table) }

// within is the condition that a row of the target belongs to one of the slices of these members. Those that follow each other are
// one interval.
func within(members []*replacement) string {
	c, found := members[0].Time()
	if !found {
		return "false"
	}
	var list []string
	for _, in := range joined(members) {
		list = append(list, duck.Window(c.Name, c.TimeType(), in, members[0].TimeZone))
	}
	return "(" + strings.Join(list, " OR ") + ")"
}

// joined are the members' slices, those that follow each other as one.
func joined(members []*replacement) (list []hindcast.Interval) {
	for _, r := range members {
		if last := len(list) - 1; last >= 0 && list[last].End.Equal(r.Slice.Start) {
			list[last].End = r.Slice.End
			continue
		}
		list = append(list, r.Slice.Interval)
	}
	return list
}

// overlapping is the condition that a status row's slice overlaps one of the members'.
func overlapping(members []*replacement) string {
	const instant = "TIMESTAMP WITH TIME ZONE"
	var list []string
	for _, in := range joined(members) {
		list = append(list, fmt.Sprintf("(slice_start < %s AND slice_end > %s)", duck.Bound(instant, in.End, ""), duck.Bound(instant, in.Start, "")))
	}
	var names []string
	for _, name := range members[0].spelled[members[0].Target.Table] {
		names = append(names, duck.String(name))
	}
	return "target IN (" + strings.Join(names, ", ") + ") AND (" + strings.Join(list, " OR ") + ")"
}

// look reads what stands in the slices, in one statement if nothing does, and checks the fence.
func (b *batch) look(ctx context.Context) error {
	var fence, rows, statuses int64
	err := b.conn.QueryRowContext(ctx, "SELECT (SELECT n FROM hindcast_lease WHERE name = "+duck.String(warehouse.FenceName(b.Pipeline))+
		"), (SELECT count(*) FROM "+b.target()+" WHERE "+within(b.members)+"), (SELECT count(*) FROM hindcast_status WHERE "+overlapping(b.members)+")").
		Scan(&fence, &rows, &statuses)
	if err != nil {
		return err
	}
	if err := warehouse.CheckFence(fence, b.Fence); err != nil {
		return err
	}
	if err := b.countRows(ctx, rows); err != nil {
		return err
	}
	return b.readStatuses(ctx, statuses)
}

// countRows says of each member how many of the rows that stand in the slices are its own.
func (b *batch) countRows(ctx context.Context, all int64) error {
	if len(b.members) == 1 {
		b.members[0].found.rows = all
		return nil
	}
	if all == 0 {
		return nil
	}
	rows, err := b.conn.QueryContext(ctx, b.bySlice("count(*)"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i int
		var n int64
		if err := rows.Scan(&i, &n); err != nil {
			return err
		}
		b.members[i].found.rows = n
	}
	return rows.Err()
}

// bySlice is a query over the target's rows in the slices: the number of the member, and aggregates of its rows. Of few rows it is cheaper to
// compare each with the bounds than to join them.
func (b *batch) bySlice(aggregates string) string {
	c, _ := b.members[0].Time()
	var member strings.Builder
	for i, r := range b.members {
		fmt.Fprintf(&member, " WHEN %s < %s THEN %d", duck.Name(c.Name), duck.Bound(c.TimeType(), r.Slice.End, r.TimeZone), i)
	}
	return "SELECT CASE" + member.String() + " END, " + aggregates + " FROM " + b.target() + " WHERE " + within(b.members) + " GROUP BY 1"
}

// readStatuses reads the status rows that are taken out, of which there are that many, where anybody wants to know.
func (b *batch) readStatuses(ctx context.Context, n int64) error {
	asks := func(r *replacement) bool { return r.Expect.From != nil }
	if n == 0 || len(b.members) == 1 && b.Keep == nil && !slices.ContainsFunc(b.members, asks) {
		b.members[0].found.statuses = n
		return nil
	}
	rows, err := b.conn.QueryContext(ctx, "SELECT "+warehouse.StatusColumns+" FROM hindcast_status WHERE "+overlapping(b.members)+" ORDER BY slice_start")
	if err != nil {
		return err
	}
	all, err := readCommitted(rows)
	if err != nil {
		return err
	}
	for _, r := range b.members {
		for _, c := range all {
			if c.Slice.Overlaps(r.Slice.Interval) {
				r.replaced = append(r.replaced, c)
			}
		}
		r.found.statuses = int64(len(r.replaced))
	}
	return nil
}

// keepPrevious writes the rows that will be replaced where they are to be kept.
func (b *batch) keepPrevious(ctx context.Context) error {
	var columns []hindcast.Column // of the target
	return b.each(ctx, func(r *replacement, ctx context.Context) (err error) {
		if r.Previous == "" || r.found.rows == 0 && r.found.statuses == 0 {
			return nil
		}
		r.row.Previous = cmp.Or(r.PreviousAs, r.Previous)
		if r.found.rows == 0 {
			return nil
		}
		if columns == nil {
			if columns, err = targetColumns(ctx, r.conn, r.Target.Table); err != nil {
				return err
			}
		}
		return r.keepPrevious(ctx, columns)
	})
}

// swap puts the staged rows in place of those that stand in the slices.
func (b *batch) swap(ctx context.Context) error {
	err := b.each(ctx, func(r *replacement, ctx context.Context) error { return r.hooks(ctx, "load.before", r.Hooks.Before) })
	if err != nil {
		return err
	}
	if err := b.empty(ctx); err != nil {
		return err
	}
	return b.fill(ctx)
}

// empty deletes what stands in the slices.
func (b *batch) empty(ctx context.Context) error {
	hooked := b.hooked.Before // one may have changed the rows since they were counted
	var full []*replacement
	var counted int64
	for _, r := range b.members {
		if r.found.rows > 0 || hooked {
			full = append(full, r)
			counted += r.found.rows
		}
	}
	if len(full) == 0 {
		return nil
	}
	result, err := b.conn.ExecContext(ctx, "DELETE FROM "+b.target()+" WHERE "+within(full))
	if err != nil {
		return err
	}
	if deleted, err := result.RowsAffected(); err != nil || deleted != counted && !hooked {
		return cmp.Or(err, full[0].unlike(fmt.Sprintf("%s of the slice were to be replaced and %s were deleted", numbers.Counted(counted, "row"), numbers.Thousands(deleted))))
	}
	return nil
}

// fill inserts the staged rows. That each member's files hold as many as they should is seen by their sum, or else by counting.
func (b *batch) fill(ctx context.Context) error {
	columns, names, paths := b.members[0].Columns, []string(nil), []string(nil)
	for _, c := range columns {
		names = append(names, duck.Name(c.Name))
	}
	for _, r := range b.members {
		paths = append(paths, r.Paths()...)
	}
	if len(paths) == 0 {
		return nil
	}

	n, err := insert(ctx, b.conn, "INSERT INTO "+b.target()+" ("+strings.Join(names, ", ")+") "+duck.FromGivenParquet(columns, len(paths)), duck.Given(paths), b.rows)
	if err != nil || n == b.rows {
		return err
	}
	if len(b.members) == 1 {
		return b.members[0].CheckRows(n)
	}
	return b.each(ctx, func(r *replacement, ctx context.Context) error {
		var held int64
		if len(r.Files) > 0 {
			if err := r.conn.QueryRowContext(ctx, "SELECT count(*) FROM ("+duck.FromParquet(columns, r.Paths())+")").Scan(&held); err != nil {
				return err
			}
		}
		return r.CheckRows(held)
	})
}

func (b *batch) hooksAfter(ctx context.Context) error {
	return b.each(ctx, func(r *replacement, ctx context.Context) error { return r.hooks(ctx, "load.after", r.Hooks.After) })
}

// sum takes the sums of the slices' rows as the publication leaves them: as many as were staged, unless a hook changed that.
func (b *batch) sum(ctx context.Context) error {
	hooked := b.hooked.After
	if b.rows == 0 && !hooked {
		return nil
	}
	if err := b.sums(ctx); err != nil {
		return err
	}
	return b.each(ctx, func(r *replacement, _ context.Context) error {
		if r.row.Sums.Rows == r.Rows || hooked {
			return nil
		}
		return r.unlike(fmt.Sprintf("%s inserted for the slice, and %s in %s", numbers.Counted(r.Rows, "row"), numbers.Thousands(r.row.Sums.Rows), r.Target.Table))
	})
}

// sums reads them: of several members in one pass.
func (b *batch) sums(ctx context.Context) (err error) {
	first := b.members[0]
	if len(b.members) == 1 {
		sumsOf := duck.SumsOf
		if b.rows <= rowGroup {
			sumsOf = duck.SumsOfFew
		}
		first.row.Sums, err = sumsOf(ctx, b.conn, first.Sums(), first.inSlice())
		return err
	}
	if fit, err := b.sumsAtOnce(ctx); err != nil || fit {
		return err
	}
	return b.each(ctx, func(r *replacement, ctx context.Context) (err error) {
		r.row.Sums, err = duck.SumsOf(ctx, r.conn, r.Sums(), r.inSlice())
		return err
	})
}

// sumsAtOnce reads the sums of several members by one statement; false if there are values so large that their totals may not fit.
func (b *batch) sumsAtOnce(ctx context.Context) (fit bool, err error) {
	list, totalled, possible := duck.SumsAtOnce(b.members[0].Sums())
	if !possible {
		return false, nil
	}
	rows, err := b.conn.QueryContext(ctx, b.bySlice(list))
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var i int
		var beyond int64
		sums, err := duck.ScanSums(rows, totalled, &i, &beyond)
		if err != nil || beyond > 0 {
			return false, err
		}
		b.members[i].row.Sums = sums
	}
	return true, rows.Err()
}
