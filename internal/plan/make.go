package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Draft is a plan in the making: history is cut, and what each slice reads is known. The SQL's result and the target may
// not be yet.
type Draft struct{ maker }

// maker holds what a plan is made of.
type maker struct {
	Inputs
	to           time.Time                             // the history's end, resolved
	whole        []hindcast.Slice                      // history
	history      []hindcast.Slice                      // what is planned of it
	parts        []func(hindcast.Slice) hindcast.Parts // by output
	cutters      []*cutter
	byName       []int // the cutters in the order of their facts' names
	dims         []DimItem
	dimParts     []part       // what is known of the dimensions' contents, by name
	all          []*candidate // of every slice of the history; nil of one that is settled
	settled      settlements
	rows         []int             // how many slices are committed, by output
	known        known             // columns of a source, as the unit before had them
	manifest     hindcast.Manifest // of the unit that was asked for last
	contents     []string          // of a slice's units, while it is looked at
	expected     candidate         // the slice whose status rows are expected, while digests are compared
	chosen       []int             // the slices that are selected, by their place
	wholly       map[int][]bool    // see needed
	among        []int             // see unitsOf
	shapes       shapes
	translations []*translated // by the shape's number
	replaced     replaced      // by the slices that run
	warnings     []string
	told         map[string]bool // what was looked at, or said, of a fact's table: it may hold many units
}

// Make plans: for each selected slice whether it runs and why. E-VALUE, with its place in the pipeline file, for a
// definition that cannot be cut; E-TABLE-MISSING for tables that selected slices need; E-SLICES for a selection
// that names nothing.
func Make(in Inputs) (*Plan, error) {
	d, err := Begin(in)
	if err != nil {
		return nil, err
	}
	return d.Plan()
}

// Begin cuts history and looks at what each slice reads.
func Begin(in Inputs) (*Draft, error) {
	to, err := ResolveTo(in.Pipeline, in.Now)
	if err != nil {
		return nil, err
	}
	if err := hooksObey(in.Pipeline); err != nil {
		return nil, err
	}
	d := &Draft{maker{Inputs: in, to: to, told: map[string]bool{}, wholly: map[int][]bool{}, whole: in.History}}
	m := &d.maker
	m.warnings = unstable(in.Pipeline)
	for k := range in.Pipeline.Outputs {
		m.parts = append(m.parts, partsOf(in.Pipeline, &in.Pipeline.Outputs[k], in.Engine))
	}
	if m.whole == nil {
		if m.whole, err = Cut(in.Pipeline.History, to); err != nil {
			return nil, err
		}
	}
	if m.history = m.whole; in.Selected != nil {
		m.history = in.Selected
	}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	if err := m.lookAtAll(); err != nil {
		return nil, err
	}
	return d, nil
}

// Learn adds what is known of the outputs once their SQL is bound. What is read of a source may narrow what is unloaded of it: then the
// draft is begun again.
func (d *Draft) Learn(outputs []Known, reads map[string]Reads) (*Draft, error) {
	d.Outputs, d.Reads = outputs, reads
	if slices.ContainsFunc(d.Pipeline.Outputs, func(o hindcast.Output) bool { return len(o.Reads) > 0 }) {
		d.translations = nil // of SQL that reads what is known now
	}
	if len(reads) == 0 && !d.narrowed() {
		return d, nil
	}
	return Begin(d.Inputs)
}

// narrowed reports whether a unit's columns, or a dimension's, were left out.
func (m *maker) narrowed() bool {
	absent := func(columns []hindcast.Column) bool {
		return slices.ContainsFunc(columns, func(c hindcast.Column) bool { return c.Absent })
	}
	for _, c := range m.cutters {
		if c.any(func(is *common) bool { return absent(is.Columns) }) {
			return true
		}
	}
	return slices.ContainsFunc(m.dims, func(d DimItem) bool { return absent(d.Columns) })
}

// Edited adds the target's sums of an output's slices that may have been edited.
func (d *Draft) Edited(output int, published map[string]hindcast.Sums) {
	d.Outputs[output].Published = published
}

// Advise adds the warehouse's advice.
func (d *Draft) Advise(advice []string) { d.Advice = advice }

// Plan makes the plan of what is known. It may be called again when more is.
func (d *Draft) Plan() (*Plan, error) {
	m := &d.maker
	if err := m.targetTimes(); err != nil {
		return nil, err
	}
	out := &Plan{Format: formatFor(m.Pipeline), CreatedAt: m.Now.UTC(), Pipeline: *m.Pipeline, Engine: m.Engine, Warehouse: m.Warehouse, Source: m.Source, Database: m.Database, Access: m.Access, Fresh: m.Fresh,
		History: hindcast.Interval{Start: m.whole[0].Start, End: m.to}, Dims: m.dims, Outputs: make([]Output, len(m.Pipeline.Outputs)),
		Items: []Item{}, Units: []Unit{}}
	for k := range out.Outputs {
		out.Outputs[k].SQL = m.Pipeline.Outputs[k].Text
		if len(m.Outputs) > 0 {
			out.Outputs[k].Result, out.Outputs[k].Existing = m.Outputs[k].Result, m.Outputs[k].Existing
		}
	}
	if m.Pipeline.Transform.Translates() {
		out.Spoken = m.Spoken
	}
	if err := m.unsettle(); err != nil {
		return nil, err
	}
	for _, c := range m.all {
		if c != nil {
			m.judge(c)
		}
	}
	var err error
	if m.chosen, err = m.choose(); err != nil {
		return nil, err
	}
	if err := m.tablesThere(); err != nil {
		return nil, err
	}
	if err := m.fill(out); err != nil {
		return nil, err
	}
	gone := m.gone()
	if err := m.refuseGone(gone); err != nil {
		return nil, err
	}
	out.Notes, out.Courses = m.columnNotes(out), m.courses()
	out.Recommended = recommend(out, m.Machine.Room(m.Pipeline.Run).Engine(), m.Measured, m.Capacity.StartUp)
	m.broadcast(out)
	room := m.Machine.Room(m.Pipeline.Run)
	out.Shares = Divide(room, m.Capacity, m.Pipeline.Run, m.Unloads, out.Running())
	out.Shares.Warehouse = room.EachWarehouse(m.Pipeline)
	out.Estimate = m.estimate(out)
	out.Moved = m.moved()
	out.Copies = m.copies(out)
	out.Warnings = slices.Concat(m.warnings, m.warnGone(gone), m.Inputs.Notes, m.Advice)
	return out, nil
}

// fill puts the chosen slices into the plan, with the units that those among its items read, once each; only what a running
// slice needs is unloaded.
func (m *maker) fill(out *Plan) error {
	needed, runs := make([][]bool, len(m.cutters)), make([][]bool, len(m.cutters))
	for f, c := range m.cutters {
		needed[f], runs[f] = make([]bool, len(c.units)), make([]bool, len(c.units))
	}
	m.replaced = replaced{}
	texts := map[int]int{}
	out.Items = make([]Item, 0, m.open()) // room for many at once
	for _, i := range m.chosen {
		c := m.all[i]
		if c == nil && (m.Force || m.Whole) {
			var err error
			if c, err = m.candidate(i); err != nil {
				return err
			}
			m.judge(c)
		}
		var item Item
		detail := ""
		if c != nil {
			item = m.item(i, c)
			detail = item.Detail
		} else {
			detail = m.settledDetail(i)
		}
		if c == nil || item.Reason == hindcast.ReasonUpToDate && !m.Whole {
			out.span(&m.history[i], detail)
			continue
		}
		if m.Pipeline.Transform.Translates() {
			var err error
			if item.Text, err = m.text(out, i, texts); err != nil {
				return err
			}
		}
		out.Items = append(out.Items, item)
		if item.Reason.Runs() {
			m.replaced.add(&item, c)
		}
		for f := range m.cutters {
			for _, u := range m.unitsOf(f, i) {
				needed[f][u] = true
				runs[f][u] = runs[f][u] || item.Reason.Runs()
			}
		}
	}
	for f, c := range m.cutters {
		out.Units = slices.Grow(out.Units, count(needed[f]))
		for i := range c.units {
			if !needed[f][i] {
				continue
			}
			u := c.units[i].unit()
			if u.Unload = u.Unload && runs[f][i]; !u.Unload {
				u.Why, u.Shared = "", nil
			}
			out.Units = append(out.Units, u)
		}
	}
	return nil
}

func count(marked []bool) (n int) {
	for _, is := range marked {
		if is {
			n++
		}
	}
	return n
}

// open is how many of the chosen slices may become items.
func (m *maker) open() int {
	if m.Force || m.Whole {
		return len(m.chosen)
	}
	n := 0
	for _, i := range m.chosen {
		if m.all[i] != nil {
			n++
		}
	}
	return n
}

// span adds a slice that is up to date, to the span before it if it follows that one.
func (p *Plan) span(s *hindcast.Slice, detail string) {
	if n := len(p.UpToDate); n > 0 && p.UpToDate[n-1].Detail == detail && p.UpToDate[n-1].Interval.End.Equal(s.Start) {
		span := &p.UpToDate[n-1]
		span.Last, span.Interval.End = s.Key, s.End
		span.Slices++
		return
	}
	p.UpToDate = append(p.UpToDate, Span{First: s.Key, Last: s.Key, Slices: 1, Interval: s.Interval, Detail: detail})
}

// Running is how many of the items are worked on.
func (p *Plan) Running() int {
	n := 0
	for i := range p.Items {
		if p.Items[i].Reason.Runs() {
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
		c, err := newCutter(m.Pipeline, f, m.whole)
		if err != nil {
			return err
		}
		if m.Selected != nil {
			c.only(m.history)
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
		m.byName = append(m.byName, len(m.cutters))
		m.cutters = append(m.cutters, c)
	}
	slices.SortFunc(m.byName, func(a, b int) int { return strings.Compare(m.cutters[a].fact.Name, m.cutters[b].fact.Name) })
	var err error
	if m.dims, err = m.surveyDims(); err != nil {
		return err
	}
	for _, d := range m.dims {
		if content, known := m.dimContent(d); known {
			m.dimParts = append(m.dimParts, part{d.Name, content})
		}
	}
	slices.SortFunc(m.dimParts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return nil
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
	whyElsewhere = "unloaded from another database"
	whyColumns   = "columns changed"
	whyChecks    = "a check reads more columns"
	whyAppeared  = "its table is there now"
	whyMissing   = "table missing"
	whyUnsettled = "unsettled"
	whyTime      = "time column changed"
	whyEarly     = "unloaded before it was settled"
	whyFresh     = "asked for"
)

// survey says of a unit what is known and whether it is to be unloaded.
func (m *maker) survey(c *cutter, u *DraftUnit) error {
	is := common{Fact: c.fact.Name}
	if err := m.look(c, u, &is); err != nil {
		return err
	}
	c.give(u, is)
	return nil
}

func (m *maker) look(c *cutter, u *DraftUnit, is *common) (err error) {
	source, there := m.Sources[u.Source]
	if c.fact.Files != "" {
		is.Missing, is.Files, is.Layouts, u.Content = !there, source.Files, source.Layouts, source.Content
		u.Rows, u.Bytes = source.Rows, source.Bytes
		if there {
			is.Columns, err = m.wanted(c.fact, u.Source, source.Columns)
		}
		return err
	}
	current := m.current(is.Fact, u.Key)
	if current != nil && (!current.Interval.Equal(u.Interval) || current.Source != u.Source) {
		current = nil
	}
	if current != nil && !there && FromElsewhere(current, m.Database) { // the other database's rows do not stand in for a table that is not here
		current = nil
	}
	if !there {
		surveyAbsent(c.fact, u, is, current)
		return nil
	}
	if !m.known.of(is.Fact, u.Source) {
		columns, err := m.wanted(c.fact, u.Source, source.Columns)
		if err != nil {
			return err
		}
		m.known = known{is.Fact, u.Source, columns}
	}
	is.Columns, is.View = m.known.columns, source.View
	u.Rows, u.Bytes = c.share(u, source.Rows), c.share(u, partOf(source, is.Columns))
	if current != nil && !current.Missing {
		u.Rows, u.Bytes, u.Content = current.Sums.Rows, current.Bytes, current.Sums.Content
	}
	if is.Why = m.due(c, u, is.Columns, current); is.Why == "" {
		is.Columns = Seen(is.Columns, current.Columns)
		u.Unloaded, u.Mark = current.CreatedAt, current.Mark
	} else if current != nil && !current.Missing {
		is.Keep = m.kept(c.fact.Used, current, is.Columns)
	}
	is.Unload = is.Why != ""
	return nil
}

// known are the columns that a fact's units take of their source: all units of a plain table share them.
type known struct {
	fact, source string
	columns      []hindcast.Column
}

func (k *known) of(fact, source string) bool {
	return k.columns != nil && k.fact == fact && k.source == source
}

// due says why a unit whose table is there must be unloaded; nothing if the lake has it as it is.
func (m *maker) due(c *cutter, u *DraftUnit, found []hindcast.Column, current *hindcast.Manifest) string {
	switch {
	case current == nil:
		return whyAbsent
	case current.Missing:
		return whyAppeared
	case FromElsewhere(current, m.Database):
		return whyElsewhere
	case !cutBy(current, c.fact):
		return whyTime
	}
	columns := m.columnsDue(c.fact.Name, c.fact.Used, current.Columns, found)
	switch {
	case columns == whyColumns:
		return whyColumns
	case m.unsettled(u.Interval):
		return whyUnsettled
	case current.CreatedAt.Before(m.settledAt(u.Interval)):
		return whyEarly
	case columns == "" && m.Fresh:
		return whyFresh
	}
	return columns
}

// surveyAbsent: a missing table is not a loss as long as the lake has its rows.
func surveyAbsent(f hindcast.Fact, u *DraftUnit, is *common, current *hindcast.Manifest) {
	u.Rows, u.Bytes = 0, 0
	if current != nil {
		is.Columns = pick(current.Columns, f.Columns, f.Time)
	}
	switch {
	case current != nil && !current.Missing:
		u.Rows, u.Bytes, u.Content, u.Unloaded = current.Sums.Rows, current.Bytes, current.Sums.Content, current.CreatedAt
		is.Gone = true
	case current != nil:
		is.Missing, u.Content = true, current.Sums.Content
	default:
		is.Missing, is.Unload, is.Why = true, true, whyMissing
	}
}

// lendColumns gives units without a table the columns of the nearest one that has them, so that the SQL finds a
// table of no rows.
func (m *maker) lendColumns(c *cutter) {
	if !c.any(func(is *common) bool { return is.Missing }) {
		return
	}
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
		is := *u.common
		is.Columns = c.units[lenders[n]].Columns
		if why := m.columnsDue(c.fact.Name, c.fact.Used, u.Columns, is.Columns); why != "" && why != whyChecks {
			is.Unload, is.Why = c.fact.Files == "", whyMissing
		}
		c.give(u, is)
	}
}

// share is a unit's part of a table that holds all of history.
func (c *cutter) share(u *DraftUnit, whole int64) int64 {
	if whole <= 0 || c.fact.TimeNamed() {
		return whole
	}
	return int64(float64(whole) * (u.Interval.End.Sub(u.Interval.Start).Seconds() / c.all.Seconds()))
}

// tablesThere refuses a plan whose running slices need tables that are not there.
func (m *maker) tablesThere() error {
	for f, c := range m.cutters {
		if c.fact.Missing == hindcast.MissingEmpty || c.fact.Missing == hindcast.MissingSkip {
			continue
		}
		var gone []string
		if !c.any(func(is *common) bool { return is.Missing }) {
			continue
		}
		for i, needed := range m.needed(f) {
			if u := &c.units[i]; needed && u.Missing {
				gone = append(gone, u.Source)
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
		message = fmt.Sprintf("%s, %s to %s", numbers.Counted(len(gone), what), gone[0], gone[len(gone)-1])
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
	return append(slices.Clone(names[:shown]), "and "+numbers.Thousands(len(names)-shown)+" more")
}

// unitsOf are the units of a fact that a slice reads: its own first, then those of its margins. The list holds until the next is asked for:
// every slice of a long history has one.
func (m *maker) unitsOf(f, i int) []int {
	c := m.cutters[f]
	reads, err := c.in(m.history[i])
	if err != nil {
		return nil // the history was not judged then
	}
	m.among = m.among[:0]
	reads.each(c, func(u int) { m.among = append(m.among, u) })
	return m.among
}

// needed says of each unit of a fact whether a chosen slice reads it. Of a whole history, which most plans are of, it is found once.
func (m *maker) needed(f int) []bool {
	whole := len(m.chosen) == len(m.history)
	if whole && m.wholly[f] != nil {
		return m.wholly[f]
	}
	needed := make([]bool, len(m.cutters[f].units))
	for _, i := range m.chosen {
		for _, u := range m.unitsOf(f, i) {
			needed[u] = true
		}
	}
	if whole {
		m.wholly[f] = needed
	}
	return needed
}

// current is the current manifest of a unit, nil if there is none. It holds until the next is asked for.
func (m *maker) current(fact, key string) *hindcast.Manifest {
	if m.Current == nil {
		return nil
	}
	found := false
	if m.manifest, found = m.Current.Of(fact, key); found {
		return &m.manifest
	}
	return nil
}
