// Package clean finds what a pipeline's runs have left in its lake that nothing needs any more, and deletes it. It decides by the records of
// runs, the catalog, and the rows of hindcast_status. What it does not know it leaves alone.
package clean

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
)

// task is what the lease is held for.
const task = "hindcast clean"

// found is what is to be deleted: how it is shown, and where it is, item by item.
type found struct {
	*view.Clean
	holdings []lake.Holding
	cleaned  map[string]bool // of which runs, and whether of all that there is of it
}

// List finds what would be deleted, and changes nothing. The session is open to read. What a run that is under way has is left out.
func List(ctx context.Context, s *session.Session) (*view.Clean, error) {
	holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	if err != nil {
		return nil, err
	}
	c := &collector{session: s, fence: holder.Fence}
	if holder.Held && !holder.Dead { // what was begun since is not to be judged
		c.underWay, c.fence = holder.Run, holder.Fence-1
	}
	f, err := c.collect(ctx)
	if err != nil {
		return nil, err
	}
	return f.Clean, nil
}

// Delete finds what is to be deleted and deletes it on behalf of by, while it holds the pipeline's lease: E-LEASE-HELD if a run has it, or another clean. It
// can be ended, or killed, at any instant, and called again. The session is open to read.
func Delete(ctx context.Context, s *session.Session, by string, waiting func(lease.Holder)) (_ *view.Clean, err error) {
	l, err := lease.Acquire(ctx, s.Store, s.Pipeline.Name, "", lease.Options{TTL: s.Pipeline.Run.LeaseTTL, Task: task, Waiting: waiting})
	if err != nil {
		return nil, err
	}
	defer func() {
		if released := l.Release(context.WithoutCancel(ctx)); err == nil {
			err = released
		}
	}()

	c := &collector{session: s, fence: l.Fence()}
	f, err := c.collect(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.delete(ctx, s, l, by); err != nil {
		return nil, err
	}
	f.Deleted = true
	return f.Clean, nil
}

// delete deletes. Who asks later for what is gone is told by whom it was deleted, also if this ends in the middle.
func (f *found) delete(ctx context.Context, s *session.Session, l *lease.Lease, by string) error {
	if len(f.Items) == 0 {
		return nil
	}
	now, note := time.Now().UTC(), map[string]lake.Cleaned{}
	for run, whole := range f.cleaned {
		note[run] = lake.Cleaned{At: now, By: by, Whole: whole}
	}
	if err := l.Check(ctx); err != nil {
		return err
	}
	if err := s.Lake.NoteCleaned(ctx, note); err != nil {
		return err
	}

	for i := range f.holdings {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := l.Err(); err != nil {
			return err
		}
		if err := s.Lake.Delete(ctx, &f.holdings[i]); err != nil {
			return err
		}
	}
	for run, whole := range f.cleaned {
		if whole {
			if err := s.Lake.Forget(ctx, run); err != nil {
				return err
			}
		}
	}
	return nil
}

// record is what is known of one run.
type record struct {
	run       string
	latest    bool // one of those whose records stay in any case
	holdings  *lake.RunHoldings
	plan      *plan.Plan
	state     *hindcast.RunState
	committed map[string]bool // the attempts' prefixes, without fences, of the loads that its journal says are committed
	stays     string          // why nothing of it is touched; "" of a run that is over
}

// collector finds what nothing needs.
type collector struct {
	session  *session.Session
	fence    int64  // that holds; nothing under a higher one is touched
	underWay string // the run that holds the lease

	rows    []hindcast.Committed
	records []*record
	byRun   map[string]*record
	needed  map[string]bool   // prefixes of previous rows that stay
	named   map[string]string // runs, by what names them
	out     found
}

func (c *collector) collect(ctx context.Context) (*found, error) {
	s := c.session
	c.out = found{Clean: &view.Clean{Pipeline: s.Pipeline.Name, Runs: s.Pipeline.Retention.Runs, Previous: s.Pipeline.Retention.Previous,
		Items: []view.CleanItem{}, Kept: []view.CleanKept{}}, cleaned: map[string]bool{}}
	var err error
	if c.rows, err = s.Warehouse.Committed(ctx, s.Pipeline.Name, false); err != nil {
		return nil, err
	}
	if err := c.read(ctx); err != nil {
		return nil, err
	}
	c.needed = c.previous()
	if err := c.names(ctx); err != nil {
		return nil, err
	}

	// Records last: as long as they are there, what belongs to them is found again.
	for _, r := range c.records {
		c.partsOf(r)
	}
	if err := c.unloads(ctx); err != nil {
		return nil, err
	}
	last := c.lastNumber()
	for _, r := range c.records {
		c.recordsOf(r, last)
	}
	return &c.out, nil
}

// read reads the records of all runs.
func (c *collector) read(ctx context.Context) error {
	order, err := c.session.Lake.ListRuns(ctx) // the latest first
	if err != nil {
		return err
	}
	all, err := c.session.Lake.Runs(ctx)
	if err != nil {
		return err
	}
	cleaned, err := c.session.Lake.Cleaned(ctx)
	if err != nil {
		return err
	}

	c.byRun = map[string]*record{}
	for _, run := range order {
		r, err := c.readOne(ctx, run)
		if err != nil {
			return err
		}
		r.latest = len(c.records) < c.session.Pipeline.Retention.Runs
		c.records, c.byRun[run] = append(c.records, r), r
	}
	for _, run := range all {
		if c.byRun[run] != nil || !cleaned[run].Whole {
			continue // a run that claims its id, or nobody knows what
		}
		h, err := c.session.Lake.Holdings(ctx, run)
		if err != nil {
			return err
		}
		if !h.Planned { // a clean that was killed has left it
			c.records = append(c.records, &record{run: run, holdings: h})
		}
	}
	return nil
}

func (c *collector) readOne(ctx context.Context, run string) (*record, error) {
	r := &record{run: run}
	var err error
	if r.holdings, err = c.session.Lake.Holdings(ctx, run); err != nil {
		return nil, err
	}
	r.plan, err = c.session.Frozen(ctx, run)
	if err != nil {
		if slices.Contains([]hindcast.Code{hindcast.ERun, hindcast.EManifest, hindcast.EFormat}, hindcast.AsError(err).Code) {
			r.stays = "its plan cannot be read"
			return r, nil
		}
		return nil, err
	}
	events, err := journal.Read(ctx, c.session.Store, c.session.Lake.RunPrefix(run))
	if err != nil {
		if slices.Contains([]hindcast.Code{hindcast.EJournal, hindcast.EFormat}, hindcast.AsError(err).Code) {
			r.stays = "its journal cannot be read"
			return r, nil
		}
		return nil, err
	}

	r.state, r.committed = &hindcast.RunState{Run: run}, map[string]bool{}
	for _, e := range events {
		r.state.Apply(e)
		if e.Type == hindcast.EventCommitted {
			r.committed[c.session.Lake.PreviousPrefix(run, e.Slice, 0, e.Attempt)] = true
		}
	}
	r.stays = c.goesOn(r)
	return r, nil
}

// goesOn says why a run may still need what it has; "" if it is over.
func (c *collector) goesOn(r *record) string {
	is, was := c.session.Pipeline.Warehouse.Written, r.plan.Pipeline.Warehouse.Written
	switch {
	case r.run == c.underWay:
		return "is under way"
	case config.Database(is) != config.Database(was):
		return "it is of another warehouse"
	case r.state.Held():
		return "is held"
	case r.state.Finished && r.state.ExitCode == hindcast.ExitOK, c.superseded(r.plan):
		return ""
	}
	return "can be resumed"
}

// superseded reports whether another run has published slices of a run since it was planned: then a resume is refused, and so is whatever a
// process of it might still load.
func (c *collector) superseded(p *plan.Plan) bool {
	if p.UnloadOnly {
		return false
	}
	for _, target := range p.Pipeline.Targets() {
		var since []hindcast.Interval // in the order of time; those of a target do not overlap
		for i := range c.rows {
			if row := &c.rows[i]; row.Target == target && row.Publication != p.Run && row.CommittedAt.After(p.CreatedAt) {
				since = append(since, row.Slice.Interval)
			}
		}
		for i := range p.Items {
			if p.Items[i].Reason.Runs() && p.Items[i].Slice.FirstOverlap(len(since), func(k int) hindcast.Interval { return since[k] }) >= 0 {
				return true
			}
		}
	}
	return false
}

// names says what names each run: what is published, what may be put back, the generations that are current. Who asks where these came
// from, or mends them, reads the run's plan and journal.
func (c *collector) names(ctx context.Context) error {
	c.named = map[string]string{}
	name := func(run, why string) {
		if c.named[run] == "" {
			c.named[run] = why
		}
	}
	for i := range c.rows {
		name(c.rows[i].Run, "computed what is published")
		name(c.rows[i].Publication, "published what stands there")
	}
	for _, r := range c.records {
		for i := range r.holdings.Previous {
			p := &r.holdings.Previous[i]
			if p.Kept == nil || !c.needed[p.Prefix] {
				continue
			}
			for k := range p.Kept.Rows {
				name(p.Kept.Rows[k].Run, "computed rows that can be put back")
				name(p.Kept.Rows[k].Publication, "published rows that can be put back")
			}
		}
	}
	return c.session.Lake.EachCurrent(ctx, func(m *hindcast.Manifest) {
		name(m.Run, "unloaded what is current")
	})
}

// partsOf finds what goes of a run whose records may stay.
func (c *collector) partsOf(r *record) {
	if r.stays != "" {
		return
	}
	for i := range r.holdings.Staging {
		c.add(r, view.CleanItem{Kind: view.CleanStaging, Key: sliceOf(r.holdings.Staging[i].Prefix), Why: "the run is over"}, r.holdings.Staging[i])
	}
	if r.holdings.Spill.Objects > 0 {
		c.add(r, view.CleanItem{Kind: view.CleanStaging, Why: "a process that died has left it"}, r.holdings.Spill)
	}
	for i := range r.holdings.Previous {
		if p := &r.holdings.Previous[i]; !c.needed[p.Prefix] {
			c.replaced(r, p)
		}
	}
	if !r.latest && r.holdings.Log.Objects > 0 {
		c.add(r, view.CleanItem{Kind: view.CleanLog, Why: c.older()}, r.holdings.Log)
	}
}

func (c *collector) older() string {
	return "past the latest " + strconv.Itoa(c.session.Pipeline.Retention.Runs)
}

func (c *collector) replaced(r *record, p *lake.Previous) {
	item := view.CleanItem{Kind: view.CleanPrevious, Key: p.Slice, Why: "never committed"}
	if m := manifestOf(p); m != nil {
		item.Name = m.Source
	}
	if r.committed[lake.Unfenced(p.Attempt)] {
		item.Why = "past the latest " + strconv.Itoa(c.session.Pipeline.Retention.Previous) + " of each slice"
	}
	c.add(r, item, p.Holding)
}

// sliceOf is the slice that an attempt is of, by its prefix.
func sliceOf(prefix string) string { return path.Base(path.Dir(strings.TrimSuffix(prefix, "/"))) }

// recordsOf finds whether a run's plan and journal go; last is the run of the highest number.
func (c *collector) recordsOf(r *record, last string) {
	if r.latest || r.holdings.Records.Objects == 0 {
		return
	}
	why := r.stays
	if why == "" {
		why = c.named[r.run]
	}
	if why == "" && slices.ContainsFunc(r.holdings.Previous, func(p lake.Previous) bool { return c.needed[p.Prefix] }) {
		why = "can be undone"
	}
	if why == "" && last == r.run {
		why = "has the latest number: no other run is to have it"
	}
	if why != "" {
		c.out.Kept = append(c.out.Kept, view.CleanKept{Run: r.run, Why: why})
		return
	}
	c.add(r, view.CleanItem{Kind: view.CleanRecords, Why: c.older()}, r.holdings.Records)
	c.out.cleaned[r.run] = true
}

// lastNumber is the run of the highest number among those that hindcast has numbered.
func (c *collector) lastNumber() (run string) {
	last := -1
	for _, r := range c.records {
		digits, numbered := strings.CutPrefix(r.run, "r")
		if n, err := strconv.Atoi(digits); numbered && err == nil && n > last {
			run, last = r.run, n
		}
	}
	return run
}

// unloads finds the generations that nothing leads to.
func (c *collector) unloads(ctx context.Context) error {
	gone, err := c.session.Lake.Superseded(ctx, c.fence, func(run string) bool {
		r := c.byRun[run]
		return run == c.underWay && run != "" || r != nil && r.stays != ""
	})
	if err != nil {
		return err
	}
	for i := range gone {
		u := &gone[i]
		item := view.CleanItem{Kind: view.CleanUnload, Run: u.Run, Name: u.Name, Key: u.Key, Why: "superseded"}
		if u.Unfinished {
			item.Why = "not finished"
		}
		c.add(nil, item, u.Holding)
	}
	return nil
}

// add takes in an item, of a run if there is one.
func (c *collector) add(r *record, i view.CleanItem, h lake.Holding) {
	i.Path, i.Objects, i.Bytes, i.Linked = h.Prefix, h.Objects, h.Bytes, h.Linked
	if h.Prefix == "" && len(h.Keys) > 0 {
		i.Path = h.Keys[0]
	}
	if r != nil {
		i.Run = r.run
		if i.Kind == view.CleanPrevious && !c.out.cleaned[r.run] {
			c.out.cleaned[r.run] = false
		}
	}
	c.out.Add(i)
	c.out.holdings = append(c.out.holdings, h)
}
