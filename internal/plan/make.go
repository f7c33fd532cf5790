package plan

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/hindcast/hindcast"
)

// maker holds what Make works on.
type maker struct {
	Inputs
	to        time.Time // the history's end, resolved
	history   []hindcast.Slice
	parts     func(hindcast.Slice) hindcast.Parts
	cutters   []*cutter
	dims      []DimItem
	committed map[string]hindcast.Committed // by slice key; a row counts for its own interval only
	warnings  []string
	told      map[string]bool // what was looked at, or said, of a fact's table: it may hold many units
}

// Make plans: for each selected slice whether it runs and why. E-VALUE, with its place in the pipeline file, for a
// definition that cannot be cut; E-TABLE-MISSING for tables that selected slices need; E-SLICES for a selection
// that names nothing.
func Make(in Inputs) (*Plan, error) {
	to, err := ResolveTo(in.Pipeline, in.Now)
	if err != nil {
		return nil, err
	}
	if err := hooksObey(in.Pipeline); err != nil {
		return nil, err
	}
	m := &maker{Inputs: in, to: to, parts: partsOf(in.Pipeline, in.Engine), committed: map[string]hindcast.Committed{}, told: map[string]bool{}}
	if m.history, err = Cut(in.Pipeline.History, to); err != nil {
		return nil, err
	}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	out := &Plan{CreatedAt: in.Now.UTC(), Pipeline: *in.Pipeline, SQL: in.Pipeline.Transform.Text, Engine: in.Engine, Warehouse: in.Warehouse,
		History: hindcast.Interval{Start: m.history[0].Start, End: to}, Result: in.Result, Existing: in.Existing, Dims: m.dims}
	candidates := make([]candidate, len(m.history))
	for i, s := range m.history {
		if candidates[i], err = m.candidate(s); err != nil {
			return nil, err
		}
	}
	if candidates, err = m.choose(candidates); err != nil {
		return nil, err
	}
	if err := m.tablesThere(candidates); err != nil {
		return nil, err
	}
	for _, c := range candidates {
		out.Items = append(out.Items, c.Item)
	}
	m.collectUnits(out)
	out.Notes = m.columnNotes(out)
	out.Shares = Divide(in.Machine, in.Pipeline.Run, in.Unloads, out.running())
	out.Estimate = m.estimate(out)
	out.Warnings = slices.Concat(m.warnings, in.Advice)
	return out, nil
}

// running is how many of the items are worked on.
func (p *Plan) running() int {
	n := 0
	for _, item := range p.Items {
		if item.Reason.Runs() {
			n++
		}
	}
	return n
}

// prepare checks the definition against the sources, and says of each unit and dimension whether it is due.
func (m *maker) prepare() error {
	if err := m.params(); err != nil {
		return err
	}
	for _, f := range m.Pipeline.Facts {
		c, err := newCutter(m.Pipeline, f, m.history)
		if err != nil {
			return err
		}
		if err := m.columnsThere(c); err != nil {
			return err
		}
		for i := range c.units {
			if err := m.survey(c, &c.units[i]); err != nil {
				return err
			}
		}
		m.lendColumns(c)
		m.cutters = append(m.cutters, c)
	}
	if err := m.targetTime(); err != nil {
		return err
	}
	m.commits()
	var err error
	m.dims, err = m.surveyDims()
	return err
}

// commits finds the row of each slice. One of the same key and other bounds, or of another target, is not it.
func (m *maker) commits() {
	intervals := make(map[string]hindcast.Interval, len(m.history))
	for _, s := range m.history {
		intervals[s.Key] = s.Interval
	}
	for _, row := range m.Committed {
		in, found := intervals[row.Slice.Key]
		if found && row.Target == m.Pipeline.Target.Table && row.Slice.Equal(in) {
			m.committed[row.Slice.Key] = row
		}
	}
}

// params refuses a user's parameter of a name that hindcast fills in.
func (m *maker) params() error {
	for _, p := range m.Pipeline.Params {
		switch p.Name {
		case "slice_start", "slice_end", "run_time":
			return invalid(m.Pipeline, "params."+p.Name, ":"+p.Name+" is given by hindcast itself", "give the parameter another name")
		}
	}
	return nil
}

// settledAt is when the source no longer changes in an interval.
func (m *maker) settledAt(in hindcast.Interval) time.Time {
	return step(m.Pipeline.History.Settle, in.End.In(zoneOf(m.Pipeline.History)), 1)
}

func (m *maker) unsettled(in hindcast.Interval) bool { return m.settledAt(in).After(m.Now) }

// Why a unit is unloaded, in words that people see.
const (
	whyAbsent    = "not in the lake"
	whyColumns   = "columns changed"
	whyChecks    = "a check reads more columns"
	whyAppeared  = "its table is there now"
	whyMissing   = "table missing"
	whyUnsettled = "unsettled"
	whyTime      = "time column changed"
	whyEarly     = "unloaded before it was settled"
)

// survey says of a unit what is known and whether it is to be unloaded.
func (m *maker) survey(c *cutter, u *Unit) error {
	source, there := m.Sources[u.Source]
	if c.fact.Files != "" {
		u.Missing, u.Files, u.Content = !there, source.Files, source.Content
		if there {
			var err error
			u.Rows, u.Bytes = source.Rows, source.Bytes
			u.Columns, err = m.wanted(c.fact, u.Source, source.Columns)
			return err
		}
		u.Rows, u.Bytes = 0, 0
		return nil
	}
	current := m.Current[u.Fact][u.Key]
	if current != nil && (!current.Interval.Equal(u.Interval) || current.Source != u.Source) {
		current = nil
	}
	if !there {
		m.surveyAbsent(c, u, current)
		return nil
	}
	columns, err := m.wanted(c.fact, u.Source, source.Columns)
	if err != nil {
		return err
	}
	u.Columns, u.Rows, u.Bytes = columns, c.share(u, source.Rows), c.share(u, partOf(source, columns))
	if current != nil && !current.Missing {
		u.Rows, u.Bytes, u.Content = current.Sums.Rows, current.Bytes, current.Sums.Content
	}
	if u.Why = m.due(c, u, current); u.Why == "" {
		u.Columns = Seen(columns, current.Columns)
	} else if current != nil && !current.Missing {
		u.Keep = m.kept(c.fact.Used, current, columns)
	}
	u.Unload = u.Why != ""
	return nil
}

// due says why a unit whose table is there must be unloaded; nothing if the lake has it as it is.
func (m *maker) due(c *cutter, u *Unit, current *hindcast.Manifest) string {
	switch {
	case current == nil:
		return whyAbsent
	case current.Missing:
		return whyAppeared
	case current.Time != c.fact.Time:
		return whyTime
	}
	columns := m.columnsDue(c.fact.Name, c.fact.Used, current.Columns, u.Columns)
	switch {
	case columns == whyColumns:
		return whyColumns
	case m.unsettled(u.Interval):
		return whyUnsettled
	case current.CreatedAt.Before(m.settledAt(u.Interval)):
		return whyEarly
	}
	return columns
}

// surveyAbsent: a table that is gone is no loss as long as the lake has its rows.
func (m *maker) surveyAbsent(c *cutter, u *Unit, current *hindcast.Manifest) {
	u.Rows, u.Bytes = 0, 0
	switch {
	case current != nil && !current.Missing:
		u.Rows, u.Bytes, u.Content, u.Columns = current.Sums.Rows, current.Bytes, current.Sums.Content, current.Columns
		if m.unsettled(u.Interval) {
			m.warnings = append(m.warnings, fmt.Sprintf("%s is not there any more; generation %d of %s is used, of %s", u.Source,
				current.Generation, c.fact.Name, day(current.CreatedAt, m.Now)))
		}
	case current != nil:
		u.Missing, u.Content, u.Columns = true, current.Sums.Content, current.Columns
	default:
		u.Missing, u.Unload, u.Why = true, true, whyMissing
	}
}

// lendColumns gives units without a table the columns of the nearest one that has them, so that the SQL finds a
// table of no rows.
func (m *maker) lendColumns(c *cutter) {
	var lenders []int
	for i := range c.units {
		if u := &c.units[i]; !u.Missing && len(u.Columns) > 0 {
			lenders = append(lenders, i)
		}
	}
	if len(lenders) == 0 {
		return
	}
	for i := range c.units {
		u := &c.units[i]
		if !u.Missing {
			continue
		}
		n := min(sort.SearchInts(lenders, i), len(lenders)-1)
		if n > 0 && i-lenders[n-1] < lenders[n]-i {
			n--
		}
		found := c.units[lenders[n]].Columns
		if why := m.columnsDue(c.fact.Name, c.fact.Used, u.Columns, found); why != "" && why != whyChecks {
			u.Unload, u.Why = c.fact.Files == "", whyMissing
		}
		u.Columns = found
	}
}

// share is a unit's part of a table that holds all of history.
func (c *cutter) share(u *Unit, whole int64) int64 {
	if whole <= 0 || c.fact.TimeNamed() {
		return whole
	}
	all := c.units[len(c.units)-1].Interval.End.Sub(c.units[0].Interval.Start)
	return int64(float64(whole) * (u.Interval.End.Sub(u.Interval.Start).Seconds() / all.Seconds()))
}

// tablesThere refuses a plan whose running slices need tables that are not there.
func (m *maker) tablesThere(candidates []candidate) error {
	for f, c := range m.cutters {
		if c.fact.Missing == hindcast.MissingEmpty || c.fact.Missing == hindcast.MissingSkip {
			continue
		}
		var gone []string
		seen := map[int]bool{}
		for _, item := range candidates {
			for _, i := range item.units[f] {
				if u := &c.units[i]; u.Missing && !seen[i] {
					seen[i] = true
					gone = append(gone, u.Source)
				}
			}
		}
		if len(gone) > 0 {
			slices.Sort(gone)
			gone = slices.Compact(gone) // one table may serve many slices
			return missingTables(m.Pipeline, c.fact, gone)
		}
	}
	return nil
}

func missingTables(p *hindcast.Pipeline, f hindcast.Fact, gone []string) error {
	key, what, verb := "table", "table", "is"
	if f.Files != "" {
		key, what = "files", "glob"
	}
	message := gone[0]
	if len(gone) > 1 {
		verb = "are"
		message = fmt.Sprintf("%d %ss, %s to %s", len(gone), what, gone[0], gone[len(gone)-1])
	}
	rest := " not there"
	if f.Files != "" {
		verb, rest = "match", " no file"
		if len(gone) == 1 {
			verb = "matches"
		}
	}
	return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Place: placeOf(p, "facts."+f.Name+"."+key),
		Message: fmt.Sprintf("%s of fact %s %s%s", message, f.Name, verb, rest), Detail: some(gone),
		Next: "create what is missing, correct history: or the name, or say what a missing table means: `missing: empty` or `missing: skip`"}
}

// some lists a few of many names.
func some(names []string) []string {
	const shown = 10
	if len(names) <= 1 {
		return nil
	}
	if len(names) <= shown {
		return names
	}
	return append(slices.Clone(names[:shown]), fmt.Sprintf("and %d more", len(names)-shown))
}

// collectUnits puts the units that the items need into the plan, once each; only what a running slice needs is
// unloaded.
func (m *maker) collectUnits(out *Plan) {
	for _, c := range m.cutters {
		needed := map[string]bool{}
		for _, item := range out.Items {
			for _, key := range item.Units[c.fact.Name] {
				needed[key] = needed[key] || item.Reason.Runs()
			}
		}
		for _, u := range c.units {
			runs, seen := needed[u.Key]
			if !seen {
				continue
			}
			if u.Unload = u.Unload && runs; !u.Unload {
				u.Why = ""
			}
			out.Units = append(out.Units, u)
		}
	}
}
