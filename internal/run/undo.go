package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Undo begins a run that puts back what a run has replaced, rows and status rows: in one transaction where that run was published so,
// otherwise slice by slice. It refuses all of it, and names the slices, if the target has anything else there by now (E-CHANGED), or what
// was replaced is not kept any more. An undo of the run that did not come to its end is resumed instead, unless it has slices that are
// not chosen now.
func Undo(ctx context.Context, p *hindcast.Pipeline, of string, o Options) (*Ended, error) {
	s, err := session.OpenLake(p)
	if err != nil {
		return nil, err
	}
	begun, err := unfinishedUndo(ctx, s, of)
	if err != nil {
		return nil, err
	}

	frozen, err := frozenFor(ctx, s, of, false)
	if err != nil {
		return nil, err
	}
	st, err := s.State(ctx, of)
	if err != nil {
		return nil, err
	}
	if err := undoable(frozen, st); err != nil {
		return nil, err
	}
	s.Pipeline = s.Pipeline.WithoutSource()
	u := &undoing{session: s, frozen: frozen, state: st}
	if u.chosen, err = plan.Select(frozen, st, o.Slices); err != nil {
		return nil, err
	}
	if begun != nil && u.within(begun) {
		o.Choice = session.Choice{} // its slices were chosen
		return resume(ctx, s, begun.Run, o, false)
	}
	return beginWith(ctx, s, o, u.plan)
}

// within reports whether an undo that was begun undoes no slice but those that are chosen now: another one may have failed for good.
func (u *undoing) within(begun *plan.Plan) bool {
	return len(u.chosen) == 0 || !slices.ContainsFunc(begun.Items, func(item plan.Item) bool { return !slices.Contains(u.chosen, item.Slice.Key) })
}

// unfinishedUndo is the plan of the latest run that undoes this one, if it did not come to its end; nil otherwise.
func unfinishedUndo(ctx context.Context, s *session.Session, of string) (*plan.Plan, error) {
	undos, err := undosOf(ctx, s, of)
	if err != nil || len(undos) == 0 {
		return nil, err
	}
	st, err := s.State(ctx, undos[0].Run)
	if err != nil || st.Finished && st.ExitCode == hindcast.ExitOK {
		return nil, err
	}
	return undos[0], nil
}

// undosOf are the plans of the runs that undo this one, the latest first.
func undosOf(ctx context.Context, s *session.Session, of string) (undos []*plan.Plan, err error) {
	runs, err := s.Lake.ListRuns(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if run == of { // those after it were planned before
			break
		}
		if p, err := s.Frozen(ctx, run); err == nil && p.Undo == of { // a plan that cannot be read is for status to say
			undos = append(undos, p)
		}
	}
	return undos, nil
}

// undoable refuses runs that have replaced nothing.
func undoable(p *plan.Plan, st *hindcast.RunState) error {
	if !p.UnloadOnly && st.Counts()[hindcast.Succeeded] > 0 {
		return nil
	}
	return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: "run " + p.Run + " has published nothing",
		Next: "see how it stands: hindcast status " + p.Run}
}

// undoing makes the plan of an undo.
type undoing struct {
	session *session.Session
	frozen  *plan.Plan // of the run that is undone
	state   *hindcast.RunState
	chosen  []string // keys of its slices; all if there are none

	rows    map[string][]hindcast.Committed // status rows by target, in the order of time
	kept    map[string]lake.Kept            // by prefix
	summed  map[string][][]hindcast.Column  // by run and output, the columns of its results
	refused []refused                       // what cannot be undone
	lost    int                             // of what is refused, how much is not in the lake any more
	undos   []*hindcast.RunState            // of the undos of this run, the latest first; nil until somebody asks
	cleaned string                          // who deleted some of what was replaced; "" if nobody did
	sums    map[string]hindcast.Sums        // what targets have in slices, once it was asked for: see standing
}

// plan makes the plan: the run's own, with what is put back in place of what is made.
func (u *undoing) plan(ctx context.Context, a *active) (*plan.Plan, []*hindcast.Manifest, error) {
	rows, err := u.session.Warehouse.Committed(ctx, u.frozen.Pipeline.Name, true)
	if err != nil {
		return nil, nil, err
	}
	kept, err := u.session.Lake.ReplacedBy(ctx, u.frozen.Run)
	if err != nil {
		return nil, nil, err
	}
	cleaned, err := u.session.Lake.Cleaned(ctx)
	if err != nil {
		return nil, nil, err
	}
	if by := cleaned[u.frozen.Run]; by.At.After(u.frozen.CreatedAt) {
		u.cleaned = by.String()
	}
	u.rows, u.kept, u.summed = map[string][]hindcast.Committed{}, map[string]lake.Kept{}, map[string][][]hindcast.Column{}
	for _, row := range rows {
		u.rows[row.Target] = append(u.rows[row.Target], row)
	}
	for _, k := range kept {
		u.kept[k.Prefix] = k
	}

	p := *u.frozen
	p.Undo, p.CreatedAt, p.Hold, p.Items = u.frozen.Run, time.Now().UTC(), false, nil
	p.UpToDate, p.Units, p.Dims, p.Strays, p.Moved, p.Copies, p.Warnings, p.Notes, p.Damaged, p.LeftOut = nil, nil, nil, nil, nil, nil, nil, nil, nil, nil
	p.Pipeline.Facts, p.Pipeline.Dims = nil, nil
	p.Pipeline.Outputs = slices.Clone(p.Pipeline.Outputs)
	for k := range p.Pipeline.Outputs {
		p.Pipeline.Outputs[k].Load = hindcast.Load{MayChange: p.Pipeline.Outputs[k].Load.MayChange} // hooks are for what was computed
	}
	if p.Pipeline.Publish = ""; u.frozen.Together() {
		p.Pipeline.Publish = hindcast.PublishRun
	}
	for i := range u.frozen.Items {
		item, err := u.item(ctx, &u.frozen.Items[i])
		if err != nil {
			return nil, nil, err
		}
		if item != nil {
			p.Items = append(p.Items, *item)
		}
	}
	if err := u.refusal(p.Items); err != nil {
		return nil, nil, err
	}
	if len(p.Items) == 0 {
		return nil, nil, &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: "of run " + p.Undo + " nothing is left to undo",
			Next: "see what is there: hindcast list"}
	}
	return &p, nil, nil
}

// item is what is put back of a slice; nil if the run has not published it, or it is not chosen.
func (u *undoing) item(ctx context.Context, was *plan.Item) (*plan.Item, error) {
	is := u.state.Slices[was.Slice.Key]
	if is == nil || is.State != hindcast.Succeeded || len(u.chosen) > 0 && !slices.Contains(u.chosen, was.Slice.Key) {
		return nil, nil
	}
	item := &plan.Item{Slice: was.Slice, Reason: hindcast.ReasonUndo, Detail: "of " + u.frozen.Run, Parts: was.Parts, Rows: -1, Bytes: -1}
	for range was.Outputs {
		item.Outputs = append(item.Outputs, plan.Outcome{Reason: hindcast.ReasonUpToDate})
	}
	for _, k := range was.Wanted() {
		one, err := u.output(ctx, was, k)
		if err != nil {
			return nil, err
		}
		if one == nil {
			continue
		}
		if len(item.Outputs) > 0 {
			item.Outputs[k].Reason = hindcast.ReasonUndo
		}
		item.Undo = append(item.Undo, *one)
	}
	if len(item.Undo) == 0 {
		return nil, nil
	}
	return item, nil
}

// output is what is put back of an output of a slice; nil if the run has not published it, or it is refused.
func (u *undoing) output(ctx context.Context, item *plan.Item, k int) (*plan.Undoing, error) {
	target := u.frozen.Pipeline.Outputs[k].Target
	refuse := func(why string, args ...any) (*plan.Undoing, error) {
		u.refused = append(u.refused, refused{item.Slice.Key, target.Table, fmt.Sprintf(why, args...)})
		return nil, nil
	}

	row := u.stands(target.Table, item.Slice.Interval)
	columns, undone := u.frozen.Outputs[k].Result, item.Undoes(k) // the run that is undone may be an undo
	if undone != nil && len(undone.Summed) > 0 {
		columns = undone.Summed
	}
	if why, err := u.since(ctx, item.Slice.Key, row, undone); err != nil {
		return nil, err
	} else if why != "" {
		return refuse("%s", why)
	}
	if row != nil && row.Publication != u.frozen.Run { // the output was up to date
		return nil, nil
	}

	sums, err := u.standing(ctx, item, k, columns)
	if err != nil {
		return nil, err
	}
	one := &plan.Undoing{Output: k, Before: hindcast.Before{Target: target.Table, Columns: columns, Sums: sums}}
	previous := ""
	if row != nil {
		if !sums.Agrees(row.Sums) {
			return refuse("was edited since")
		}
		one.Before.Publication, one.Before.Fingerprint = row.Publication, row.Fingerprint
		previous = row.Previous
	} else {
		previous = u.previousOf(item.Slice.Key, target.Table)
	}
	if previous == "" {
		return one, nil
	}
	one.Previous = u.session.Lake.KeptAt(previous)
	return u.whatStood(ctx, item, one, refuse)
}

// since is what has become of a slice's rows since the run published them, by the status row that stands there; "" if nothing has.
func (u *undoing) since(ctx context.Context, slice string, row *hindcast.Committed, undone *plan.Undoing) (why string, err error) {
	switch {
	case row == nil && (undone == nil || undone.Row != nil):
		why = "has no status row any more"
	case row != nil && row.Publication != u.frozen.Run && row.CommittedAt.After(u.frozen.CreatedAt):
		why = "was replaced by run " + row.Publication + " since"
	default:
		return "", nil
	}
	if by, err := u.undoneBy(ctx, slice, row); by != "" || err != nil {
		return "was undone by run " + by + " already", err
	}
	return why, nil
}

// undoneBy is the undo of the run that wrote a slice's status row, or that left it without one; "" if there is none.
func (u *undoing) undoneBy(ctx context.Context, slice string, row *hindcast.Committed) (string, error) {
	if u.undos == nil {
		plans, err := undosOf(ctx, u.session, u.frozen.Run)
		if err != nil {
			return "", err
		}
		u.undos = []*hindcast.RunState{}
		for _, p := range plans {
			st, err := u.session.State(ctx, p.Run)
			if err != nil {
				return "", err
			}
			u.undos = append(u.undos, st)
		}
	}
	for _, undo := range u.undos {
		is := undo.Slices[slice]
		if row != nil && row.Publication == undo.Run || row == nil && is != nil && is.State == hindcast.Succeeded {
			return undo.Run, nil
		}
	}
	return "", nil
}

// stands is the first status row of a target that has part of an interval; nil if there is none. Rows of a target do not overlap.
func (u *undoing) stands(target string, in hindcast.Interval) *hindcast.Committed {
	rows := u.rows[target]
	if i := in.FirstOverlap(len(rows), func(k int) hindcast.Interval { return rows[k].Slice.Interval }); i >= 0 {
		return &rows[i]
	}
	return nil
}

// standing sums what an output's target has in a slice. The first question is for all slices of the run, whose columns are mostly the same.
func (u *undoing) standing(ctx context.Context, item *plan.Item, output int, columns []hindcast.Column) (hindcast.Sums, error) {
	of := func(slice string) string { return fmt.Sprint(output, slice, columns) }
	if sums, known := u.sums[of(item.Slice.Key)]; known {
		return sums, nil
	}
	ask := warehouse.Published{Target: u.frozen.Pipeline.Outputs[output].Target, Columns: columns, TimeZone: u.frozen.Pipeline.History.TimeZone}
	for i := range u.frozen.Items {
		ask.Intervals = append(ask.Intervals, u.frozen.Items[i].Slice.Interval)
	}
	sums, err := u.session.Warehouse.Published(ctx, ask)
	if err != nil {
		return hindcast.Sums{}, err
	}
	if u.sums == nil {
		u.sums = map[string]hindcast.Sums{}
	}
	for i := range u.frozen.Items {
		u.sums[of(u.frozen.Items[i].Slice.Key)] = sums[i]
	}
	return u.sums[of(item.Slice.Key)], nil
}

// whatStood fills in what the run has replaced there.
func (u *undoing) whatStood(ctx context.Context, item *plan.Item, one *plan.Undoing, refuse func(string, ...any) (*plan.Undoing, error)) (*plan.Undoing, error) {
	kept, there := u.kept[one.Previous]
	switch {
	case !there:
		u.lost++
		if u.cleaned != "" {
			return refuse("cannot be put back: what stood there was deleted by %s", u.cleaned)
		}
		return refuse("cannot be put back: what stood there is not in the lake any more")
	case kept.Fault != nil:
		return refuse("cannot be put back: %v", kept.Fault)
	}
	if kept.Manifest.Columns == nil && len(kept.Manifest.Files) > 0 {
		return refuse("cannot be put back: an earlier hindcast kept what stood there, without its columns")
	}
	if err := u.session.Lake.Verify(ctx, kept.Manifest); err != nil {
		if e := hindcast.AsError(err); e.Code == hindcast.EParquet {
			return refuse("cannot be put back: %s", e.Message)
		}
		return nil, err
	}
	switch {
	case len(kept.Rows) == 0, kept.Rows[0].Pipeline != u.frozen.Pipeline.Name: // rows of somebody else, or of another pipeline's run
		return one, nil
	case len(kept.Rows) > 1, !kept.Rows[0].Slice.Equal(item.Slice.Interval):
		return refuse("cannot be put back: history was cut in another way then (%s)", kept.Rows[0].Slice.Key)
	}
	one.Row = &kept.Rows[0]
	var err error
	one.Summed, err = u.columnsOf(ctx, one.Row, one.Output, item)
	return one, err
}

// columnsOf are the columns that a status row's sums are over: those of the run that computed it; nil if that is not known any more.
func (u *undoing) columnsOf(ctx context.Context, row *hindcast.Committed, output int, item *plan.Item) ([]hindcast.Column, error) {
	results, known := u.summed[row.Run]
	if !known {
		p, err := u.session.Frozen(ctx, row.Run)
		if err != nil && hindcast.AsError(err).Code != hindcast.ERun {
			return nil, err
		}
		if err == nil {
			for k := range p.Outputs {
				results = append(results, p.Outputs[k].Result)
			}
		}
		u.summed[row.Run] = results
	}
	if output >= len(results) {
		return u.frozen.Outputs[output].Result, nil
	}
	return results[output], nil
}

// previousOf is where the run kept what it replaced in a slice of a target, where no status row says it: its last attempt did.
func (u *undoing) previousOf(slice, target string) string {
	prefix, last := "", &hindcast.Manifest{}
	for _, k := range u.kept {
		if m := k.Manifest; k.Slice == slice && m != nil && m.Source == target && cmp.Or(cmp.Compare(m.Fence, last.Fence), cmp.Compare(m.Attempt, last.Attempt)) > 0 {
			prefix, last = k.Prefix, m
		}
	}
	return prefix
}
