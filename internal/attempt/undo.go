package attempt

import (
	"context"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Undo is the worker of a run that puts back what another one has replaced: each of its slices is a load, and nothing else.
type Undo struct{ *Steps }

var _ supervisor.Worker = Undo{}

// Load puts back what was replaced in the slices, in one transaction. E-CHANGED if anything else stands there than when the undo was
// planned.
func (u Undo) Load(ctx context.Context, list []supervisor.Loading) ([][]hindcast.Committed, error) {
	p := warehouse.Publication{Pipeline: u.plan.Pipeline.Name, Run: u.plan.Run, Fence: u.fence, Memory: u.plan.Shares.Warehouse}
	var releases []func()
	defer func() {
		for _, release := range releases {
			release()
		}
	}()
	found, err := u.warehouse.Describe(ctx, u.plan.Pipeline.Targets())
	if err != nil {
		return nil, err
	}
	var undone []*plan.Undoing
	for i := range list {
		for n := range list[i].Try.Item.Undo {
			is := &list[i].Try.Item.Undo[n]
			r, release, err := u.back(ctx, &list[i].Try, is, found)
			if err != nil {
				return nil, err
			}
			releases, undone = append(releases, release), append(undone, is)
			p.Replacements = append(p.Replacements, r)
		}
	}

	if err := u.keepPrevious(ctx, &p); err != nil {
		return nil, err
	}
	for i, is := range undone {
		if is.Row != nil { // whose attempt it was; what is kept is of this run's own
			p.Replacements[i].Attempt = is.Row.Attempt
		}
	}
	if p, err = u.warehouse.Stage(ctx, p); err != nil {
		return nil, err
	}
	if err := u.letGoOf(ctx, p.Replacements); err != nil {
		return nil, err
	}
	rows, err := u.warehouse.Publish(ctx, p)
	if err != nil {
		return nil, err
	}
	return u.bySlice(list, rows), nil
}

// bySlice cuts the rows of a publication into those of each slice. A row that was not written is told by its fingerprint.
func (u Undo) bySlice(list []supervisor.Loading, rows []hindcast.Committed) [][]hindcast.Committed {
	cut := make([][]hindcast.Committed, len(list))
	for i, l := range list {
		for n := range l.Try.Item.Undo {
			row := rows[n]
			row.Fingerprint = l.Try.Item.Undo[n].Print()
			cut[i] = append(cut[i], row)
		}
		rows = rows[len(l.Try.Item.Undo):]
	}
	return cut
}

// back puts what was replaced in place of what stands there. The files are here until release is called.
func (u Undo) back(ctx context.Context, try *supervisor.Try, is *plan.Undoing, found map[string]warehouse.Table) (r warehouse.Replacement, release func(), err error) {
	target := u.output(is.Output).Target
	r = warehouse.Replacement{Target: target, Slice: try.Item.Slice, TimeZone: u.plan.Pipeline.History.TimeZone, Attempt: try.Attempt,
		Columns: is.Before.Columns, Summed: is.Summed, Unrecorded: is.Row == nil, Expect: expected([]hindcast.Before{is.Before}, target.Table)}
	if is.Row != nil {
		r.Slice, r.Run, r.Print, r.Parts = is.Row.Slice, is.Row.Run, is.Row.Fingerprint, is.Row.Parts
	}
	if is.Before.Publication == "" { // no status row stands there
		r.Expect.From = &warehouse.Origin{}
	}
	if is.Previous == "" {
		return r, func() {}, nil
	}

	m, err := u.replaced(ctx, is)
	if err != nil {
		return r, nil, err
	}
	if m.Sums.Rows == 0 {
		return r, func() {}, nil
	}
	if r.Columns, err = loadable(target.Table, found[target.Table].Columns, m.Columns); err != nil {
		return r, nil, err
	}
	paths, release, err := u.lake.Localize(ctx, m.Files, nil)
	if err != nil {
		return r, nil, lost(try.Item.Slice.Key, err)
	}
	r.Files, r.Rows = located(m.Files, paths), m.Sums.Rows
	return r, release, nil
}

// lost says of a damaged file that nothing can make it again.
func lost(slice string, err error) error {
	if !isDamage(err) {
		return err
	}
	e := *hindcast.AsError(err)
	e.Class = hindcast.ClassPermanent
	e.Message, e.Next = "what was replaced in "+slice+" cannot be put back: "+e.Message, "undo the other slices with --slices; for this one go back to the SQL of that time, then: hindcast run"
	return &e
}

// loadable are the columns of what was kept that can be loaded. E-TARGET if the target, which has these columns, has not all of them.
func loadable(table string, has, kept []hindcast.Column) ([]hindcast.Column, error) {
	var columns []hindcast.Column
	for _, c := range kept {
		i := slices.IndexFunc(has, func(is hindcast.Column) bool { return is.Name == c.Name })
		if i < 0 {
			return nil, otherTarget(table, fmt.Sprintf("has no column %q any more", c.Name))
		}
		if !has[i].Generated {
			columns = append(columns, c)
		}
	}
	return columns, nil
}

func otherTarget(table, what string) error {
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: table + " " + what + ": what was replaced does not fit",
		Next: "give the target the columns that it had, then undo again"}
}

// letGoOf lets go of what the lake keeps as the results of the slices: their rows are not in the target any more.
func (u Undo) letGoOf(ctx context.Context, list []warehouse.Replacement) error {
	for i := range list {
		target := list[i].Target.Table
		gone, err := u.supersede(ctx, target, "", list[i].Slice.Interval)
		if err != nil {
			return err
		}
		u.mutex.Lock()
		for _, m := range gone {
			u.behind(target, m.Key)
		}
		u.mutex.Unlock()
	}
	return nil
}

// Keep shows in the tables over kept results that these are gone.
func (u Undo) Keep(ctx context.Context, _ supervisor.Try, committed []hindcast.Committed, _ []*hindcast.Manifest) error {
	for _, row := range committed {
		if err := u.show(ctx, row.Target); err != nil {
			return err
		}
	}
	return nil
}

// Discard has nothing to remove: nothing is staged.
func (u Undo) Discard(context.Context, supervisor.Try) {}

// Lookup says whether the slice is undone, under the targets' locks.
func (u Undo) Lookup(ctx context.Context, try supervisor.Try) ([]hindcast.Committed, error) {
	rows, err := u.warehouse.Committed(ctx, u.plan.Pipeline.Name, true)
	if err != nil {
		return nil, err
	}
	return u.undone(ctx, &try.Item, standing(rows))
}

// undone are the status rows of a slice that is undone; nil if it is not. One that is not recorded is there in name.
func (u Undo) undone(ctx context.Context, item *plan.Item, stands map[stand]*hindcast.Committed) ([]hindcast.Committed, error) {
	var found []hindcast.Committed
	for n := range item.Undo {
		is := &item.Undo[n]
		target := u.output(is.Output).Target
		row := stands[standAt(target.Table, item.Slice.Interval)]
		switch {
		case is.Row != nil && (row == nil || row.Publication != u.plan.Run), is.Row == nil && row != nil:
			return nil, nil
		case is.Row != nil:
			found = append(found, *row)
			continue
		}

		want, err := u.rowsOf(ctx, is)
		if err != nil {
			return nil, err
		}
		sums, err := u.warehouse.Published(ctx, warehouse.Published{Target: target, Columns: is.Before.Columns, Intervals: []hindcast.Interval{item.Slice.Interval},
			TimeZone: u.plan.Pipeline.History.TimeZone})
		if err != nil || sums[0].Rows != want {
			return nil, err
		}
		found = append(found, hindcast.Committed{Pipeline: u.plan.Pipeline.Name, Target: target.Table, Slice: item.Slice, Run: u.plan.Run, Publication: u.plan.Run,
			Fingerprint: is.Print(), Sums: sums[0]})
	}
	return found, nil
}

// rowsOf is how many rows are put back.
func (u Undo) rowsOf(ctx context.Context, is *plan.Undoing) (int64, error) {
	if is.Previous == "" {
		return 0, nil
	}
	m, err := u.replaced(ctx, is)
	if err != nil {
		return 0, err
	}
	return m.Sums.Rows, nil
}

// replaced is the manifest of what was replaced, where anything was.
func (u Undo) replaced(ctx context.Context, is *plan.Undoing) (*hindcast.Manifest, error) {
	kept, err := u.lake.Kept(ctx, is.Previous)
	if err == nil {
		err = kept.Fault
	}
	return kept.Manifest, err
}

// Prove returns the status rows as they are now, and for slices that are undone and not recorded what stands for one.
func (u Undo) Prove(ctx context.Context) ([]hindcast.Committed, error) {
	rows, err := u.warehouse.Committed(ctx, u.plan.Pipeline.Name, true)
	if err != nil {
		return nil, err
	}
	all, stands := rows, standing(rows)
	for i := range u.plan.Items {
		item := &u.plan.Items[i]
		found, err := u.undone(ctx, item, stands)
		if err != nil {
			return nil, err
		}
		for n := range found {
			if item.Undo[n].Row == nil {
				all = append(all, found[n])
			}
		}
	}
	return all, nil
}

// Standing sums the targets' rows over the columns that each status row is of: what differs in these is asked for apart.
func (u Undo) Standing(ctx context.Context, rows []hindcast.Committed) ([]hindcast.Sums, error) {
	items := map[stand]*plan.Item{}
	for i := range u.plan.Items {
		items[standAt("", u.plan.Items[i].Slice.Interval)] = &u.plan.Items[i]
	}
	type question struct {
		output  int
		columns []hindcast.Column
		of      []int // the rows
	}
	asked, targets := map[string]*question{}, u.plan.Pipeline.Targets()
	for i := range rows {
		k := slices.Index(targets, rows[i].Target)
		columns := u.plan.Outputs[k].Result
		if item := items[standAt("", rows[i].Slice.Interval)]; item != nil {
			columns = u.summed(item, k)
		}
		key := fmt.Sprint(k, columns)
		if asked[key] == nil {
			asked[key] = &question{output: k, columns: columns}
		}
		asked[key].of = append(asked[key].of, i)
	}

	out := make([]hindcast.Sums, len(rows))
	for _, q := range asked {
		if err := u.sum(ctx, q.output, q.columns, rows, q.of, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// summed are the columns that the sums of an output's status row are over, once it is undone.
func (u Undo) summed(item *plan.Item, output int) []hindcast.Column {
	if is := item.Undoes(output); is != nil && len(is.Summed) > 0 {
		return is.Summed
	}
	return u.plan.Outputs[output].Result
}
