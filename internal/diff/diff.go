// Package diff compares the rows of slices as they were before and after a run, or after two runs, by slice and by key. What a
// target had is with the loads that replaced it, in the lake; what it has is unloaded from it, a slice at a time; what a run has not
// published yet is staged. It changes nothing. How that is shown is left to package screen.
package diff

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Choice is what is compared, and what is shown of it.
type Choice struct {
	Before string // a run; "" is what After replaced
	After  string // a run
	Slices string // as --slices has it
	Wanted
	Each func(done, of int) // progress; may be nil
}

// task is one slice of one target.
type task struct {
	row           hindcast.Committed // that stands for After; of a slice that is staged, what is known of it before it is published
	before, after source
	staged        bool
}

// differ is one comparison of many slices.
type differ struct {
	session *session.Session
	choice  Choice
	plan    *plan.Plan // of the run After
	conn    *sql.Conn
	known   map[string]warehouse.Table // targets, as they are now
	plans   map[string]*plan.Plan      // of runs; nil of one that cannot be read
	done    int
	all     int
}

// Of compares. The session is open to read.
func Of(ctx context.Context, s *session.Session, c Choice) (out *view.Diff, err error) {
	frozen, err := s.Frozen(ctx, c.After)
	if err != nil {
		return nil, err
	}
	chosen, err := plan.Select(frozen, &hindcast.RunState{}, c.Slices)
	if err != nil {
		return nil, err
	}
	st, err := s.State(ctx, c.After)
	if err != nil {
		return nil, err
	}
	states, err := learn(ctx, s, frozen.Pipeline.Targets())
	if err != nil {
		return nil, err
	}

	d := &differ{session: s, choice: c, plan: frozen, known: map[string]warehouse.Table{}, plans: map[string]*plan.Plan{"": nil}}
	out = &view.Diff{Before: "what it replaced", After: c.After, Run: c.After}
	if c.Before != "" {
		out.Before = c.Before
	}
	var tasks [][]task
	for i := range frozen.Pipeline.Outputs {
		o := &frozen.Pipeline.Outputs[i]
		t := view.DiffTarget{Target: o.Target.Table, Time: o.Target.Time, Key: o.Target.Key, Slices: []view.DiffSlice{}}
		var list []task
		if list, t.Only, err = d.tasks(states[o.Target.Table], waiting(frozen, st, o), chosen); err != nil {
			return nil, err
		}
		t.Gone = d.goneOf(i, st, list, chosen)
		if len(list)+len(t.Only) == 0 { // the run did not make this output
			continue
		}
		if c.Before == "" && slices.ContainsFunc(list, func(t task) bool { return t.staged }) {
			out.Before = "what is published"
		}
		d.all += len(list)
		out.Targets, tasks = append(out.Targets, t), append(tasks, list)
	}
	if d.all == 0 {
		return nil, d.nothing(st, chosen)
	}
	return out, d.open(ctx, func() error {
		for i := range out.Targets {
			if err := d.target(ctx, &out.Targets[i], tasks[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// goneOf are the slices in which the run has published an output, and which a comparison with what it replaced has to leave out.
func (d *differ) goneOf(output int, st *hindcast.RunState, list []task, chosen []string) (gone []string) {
	if d.choice.Before != "" { // Only says it
		return nil
	}
	compared, wanted := map[string]bool{}, among(chosen)
	for i := range list {
		compared[list[i].row.Slice.Key] = true
	}
	for i := range d.plan.Items {
		item := &d.plan.Items[i]
		key, is := item.Slice.Key, st.Slices[item.Slice.Key]
		published := is != nil && is.State == hindcast.Succeeded && len(item.Undo) == 0 && item.ReasonOf(output).Runs()
		if published && wanted(key) && !compared[key] {
			gone = append(gone, d.plan.Label(key))
		}
	}
	return gone
}

// among reports whether a slice is one of those that were chosen; nil chooses all of them.
func among(chosen []string) func(key string) bool {
	wanted := map[string]bool{}
	for _, key := range chosen {
		wanted[key] = true
	}
	return func(key string) bool { return chosen == nil || wanted[key] }
}

// waiting are an output's slices that the run has staged and not published, as if it had, with their files.
func waiting(p *plan.Plan, st *hindcast.RunState, o *hindcast.Output) (list []task) {
	for i := range p.Items {
		slice := p.Items[i].Slice
		is := st.Slices[slice.Key]
		if is == nil || is.State == hindcast.Succeeded {
			continue
		}
		for _, m := range is.Staged {
			if m.Output == o.Name {
				list = append(list, task{row: hindcast.Committed{Target: o.Target.Table, Slice: slice, Publication: st.Run, Sums: m.Sums},
					before: source{now: true}, after: source{files: m.Files, by: p.Run}, staged: true})
			}
		}
	}
	return list
}

// nothing is the error of runs that have no slice to compare.
func (d *differ) nothing(st *hindcast.RunState, chosen []string) error {
	of := ""
	if d.choice.Slices != "" {
		of = " of " + d.choice.Slices
	}
	message := "run " + d.choice.After + " has published nothing" + of
	if st.Counts()[hindcast.Succeeded] > 0 {
		message = "what run " + d.choice.After + " has published" + of + " was replaced since, and is not kept any more"
	}
	if d.choice.Before != "" {
		message = "runs " + d.choice.Before + " and " + d.choice.After + " have published no slice in common" + of
	}
	next := "see the runs: hindcast list"
	if d.choice.Before == "" && d.unrecorded(st, chosen) {
		message = "run " + d.choice.After + " has undone run " + d.plan.Undo + ", and nothing" + of + " has a status row now"
		next = "see what was published: hindcast diff " + d.plan.Undo
	}
	return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: message, Next: next}
}

// unrecorded reports whether the run is an undo that has put back no status rows, as where nothing stood before.
func (d *differ) unrecorded(st *hindcast.RunState, chosen []string) bool {
	wanted, some := among(chosen), false
	for i := range d.plan.Items {
		item := &d.plan.Items[i]
		is := st.Slices[item.Slice.Key]
		if !wanted(item.Slice.Key) || is == nil || is.State != hindcast.Succeeded {
			continue
		}
		if some = true; len(item.Undo) == 0 || slices.ContainsFunc(item.Undo, func(u plan.Undoing) bool { return u.Row != nil }) {
			return false
		}
	}
	return some
}

// tasks are the slices to compare, and those that only one of two runs has.
func (d *differ) tasks(s *states, staged []task, chosen []string) (list []task, only []string, err error) {
	waits, wanted := map[string]task{}, among(chosen)
	for _, t := range staged {
		waits[t.row.Slice.Key] = t
	}
	is := standing(s.published(d.choice.After), staged)
	var was []hindcast.Committed
	if d.choice.Before != "" {
		was = s.published(d.choice.Before)
	}
	then, now := byKey(was), byKey(is)

	for i := range is {
		row := &is[i]
		if !wanted(row.Slice.Key) {
			continue
		}
		t, waiting := waits[row.Slice.Key]
		if !waiting {
			t.row = *row
			if t.after, err = s.after(*row); err != nil {
				return nil, nil, err
			}
		}
		old := then[row.Slice.Key]
		switch {
		case d.choice.Before == "" && waiting: // against what stands there now
			t.before.by = computedBy(s.rows, row.Slice)
		case d.choice.Before == "":
			t.before, err = s.before(*row)
		case old == nil:
			only = append(only, d.plan.Label(row.Slice.Key)+" ("+d.choice.After+")")
			continue
		case !old.Slice.Equal(row.Slice.Interval):
			err = s.gone(*old, "the slice had other bounds")
		default:
			t.before, err = s.after(*old)
		}
		if err != nil {
			return nil, nil, err
		}
		list = append(list, t)
	}
	for i := range was {
		if key := was[i].Slice.Key; now[key] == nil && wanted(key) {
			only = append(only, d.plan.Label(key)+" ("+d.choice.Before+")")
		}
	}
	return list, only, nil
}

// standing are the rows that stand for After, in the order of time: those of slices that are staged, and what is published of the others.
func standing(published []hindcast.Committed, staged []task) (rows []hindcast.Committed) {
	for i := range staged {
		rows = append(rows, staged[i].row)
	}
	waits := byKey(rows)
	for _, row := range published {
		if waits[row.Slice.Key] == nil {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b hindcast.Committed) int { return a.Slice.Start.Compare(b.Slice.Start) })
	return rows
}

// byKey are status rows by the keys of their slices.
func byKey(rows []hindcast.Committed) map[string]*hindcast.Committed {
	of := make(map[string]*hindcast.Committed, len(rows))
	for i := range rows {
		of[rows[i].Slice.Key] = &rows[i]
	}
	return of
}

// open opens the DuckDB that compares, within the memory that a run may use, and closes it after do.
func (d *differ) open(ctx context.Context, do func() error) (err error) {
	room := d.session.Machine.Room(d.session.Pipeline.Run)
	db, err := duck.Open(ctx, duck.Options{Memory: room.Engine(), Threads: room.Cores, Spill: filepath.Join(d.session.Spilled(), "diff"),
		TimeZone: d.plan.Pipeline.History.TimeZone})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if d.conn, err = db.Conn(ctx); err != nil {
		return duck.Translate(err)
	}
	defer func() { _ = d.conn.Close() }()
	return do()
}

// target compares the slices of one target. The rows of the next slice are brought while one is compared.
func (d *differ) target(ctx context.Context, t *view.DiffTarget, tasks []task) error {
	ctx, cancel := context.WithCancel(ctx)
	next := make(chan *brought)
	go func() {
		defer close(next)
		for _, task := range tasks {
			b := d.bringBoth(ctx, t, task)
			select {
			case next <- b:
			case <-ctx.Done():
				b.release()
				return
			}
		}
	}()
	defer func() {
		cancel()
		for b := range next {
			b.release()
		}
	}()

	for _, task := range tasks {
		b, there := <-next
		if !there {
			return context.Cause(ctx)
		}
		s, columns, err := d.slice(ctx, t, task, b)
		b.release()
		if err != nil {
			return fmt.Errorf("comparing %s of %s: %w", task.row.Slice.Key, t.Target, err)
		}
		t.Slices = append(t.Slices, s)
		for _, c := range columns {
			if !slices.Contains(t.Columns, c) {
				t.Columns = append(t.Columns, c)
			}
		}
		if d.done++; d.choice.Each != nil {
			d.choice.Each(d.done, d.all)
		}
	}
	return nil
}

// brought are the rows of a slice, readable here until they are released.
type brought struct {
	before, after Side
	releases      []func()
	err           error
}

func (b *brought) release() {
	for _, release := range b.releases {
		release()
	}
}

func (d *differ) bringBoth(ctx context.Context, t *view.DiffTarget, task task) *brought {
	b := &brought{}
	for _, side := range []struct {
		*Side
		source
	}{{&b.before, task.before}, {&b.after, task.after}} {
		var release func()
		*side.Side, release, b.err = d.bring(ctx, t, task, side.source)
		if b.releases = append(b.releases, release); b.err != nil {
			break
		}
	}
	return b
}

func (d *differ) slice(ctx context.Context, t *view.DiffTarget, task task, b *brought) (out view.DiffSlice, columns []view.DiffColumn, err error) {
	if b.err != nil {
		return out, nil, b.err
	}
	out, columns, err = Compare(ctx, d.conn, b.before, b.after, t.Key, d.choice.Wanted)
	if task.staged { // the target keeps its columns and their types
		columns = nil
	}
	if err == nil {
		var computed []view.DiffColumn
		computed, err = d.computed(ctx, t.Target, task)
		for _, c := range computed {
			if !slices.ContainsFunc(columns, func(is view.DiffColumn) bool { return strings.EqualFold(is.Name, c.Name) }) {
				columns = append(columns, c)
			}
		}
	}
	out.Slice, out.Label = task.row.Slice, d.plan.Label(task.row.Slice.Key)
	if err == nil && task.after.now && out.After != task.row.Sums.Rows {
		out.Note = fmt.Sprintf("somebody edited it since: %s published %s", task.row.Publication, numbers.Counted(task.row.Sums.Rows, "row"))
	}
	return out, columns, err
}

// bring makes rows readable here, until release, which is never nil.
func (d *differ) bring(ctx context.Context, t *view.DiffTarget, task task, from source) (side Side, release func(), err error) {
	if from.now {
		return d.unload(ctx, t, task.row.Slice)
	}
	paths, release, err := d.session.Lake.Localize(ctx, from.files, nil)
	if err != nil {
		return Side{}, func() {}, d.damaged(err, task)
	}
	return Side{Files: paths}, release, nil
}

// damaged gives an error of a result's file its own next step: the slice's facts need not be unloaded again.
func (d *differ) damaged(err error, task task) error {
	e := hindcast.AsError(err)
	if e.Code != hindcast.EParquet {
		return err
	}
	mine := *e
	mine.Next = "compare the slices that are there: --slices"
	if task.staged {
		mine.Next = "it cannot be published; compute all again: hindcast publish " + d.choice.After + " --discard, then: hindcast resume " + d.choice.After
	}
	return &mine
}

// unload brings a slice's rows as the target has them now.
func (d *differ) unload(ctx context.Context, t *view.DiffTarget, slice hindcast.Slice) (side Side, release func(), err error) {
	none := func() {}
	table, err := d.describe(ctx, t.Target)
	if err != nil {
		return side, none, err
	}
	dir, err := os.MkdirTemp(d.session.Spilled(), "slice-")
	if err != nil {
		return side, none, fmt.Errorf("making a folder for a slice's rows: %w", err)
	}
	release = func() { _ = os.RemoveAll(dir) }
	columns := table.Columns
	for _, o := range d.plan.Pipeline.Outputs {
		if o.Target.Table == t.Target {
			columns = hindcast.Timed(columns, t.Time, o.Target.Format)
		}
	}
	out, err := d.session.Warehouse.Unload(ctx, warehouse.Unload{Dir: dir, Extract: warehouse.Extract{Table: t.Target, Columns: columns,
		Time: hindcast.Spelled(table.Columns, t.Time), Window: slice.Interval, TimeZone: d.plan.Pipeline.History.TimeZone}})
	for _, f := range out.Files {
		side.Files = append(side.Files, f.Path)
	}
	return side, release, err
}

// describe is the target as it is now. What the lake has no type for is carried as its text, as loads keep it.
func (d *differ) describe(ctx context.Context, target string) (warehouse.Table, error) {
	if table, known := d.known[target]; known {
		return table, nil
	}
	found, err := d.session.Warehouse.Describe(ctx, []string{target})
	if err != nil {
		return warehouse.Table{}, err
	}
	table, there := found[target]
	if !there {
		return table, &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Message: "the target " + target + " does not exist any more",
			Next: "a run makes it again: hindcast run"}
	}
	table.Columns = slices.DeleteFunc(table.Columns, func(c hindcast.Column) bool { return c.Type == "" && c.NoText })
	for i := range table.Columns {
		if c := &table.Columns[i]; c.Type == "" {
			c.Type, c.Text = "VARCHAR", true
		}
	}
	d.known[target] = table
	return table, nil
}
