package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// candidate is a slice of the history before it is selected.
type candidate struct {
	Item      // Reason and Detail as they are without force; without Units, Parts and Outputs
	outputs   []output
	contents  []part // of the facts whose content is known, by name
	inputs    inputs
	unsettled bool
}

// output is what is known of an output in a slice.
type output struct {
	Outcome   // as it is without force
	parts     hindcast.Parts
	committed *hindcast.Committed
	same      bool // it was made of what it would be made of now
}

// first is the output that the slice's reason is of.
func (c *candidate) first() *output {
	return &c.outputs[leading(len(c.outputs), func(k int) hindcast.Reason { return c.outputs[k].Reason })]
}

// committed reports whether any output is.
func (c *candidate) committed() bool {
	return slices.ContainsFunc(c.outputs, func(o output) bool { return o.committed != nil })
}

// part is a named input's content.
type part struct{ name, content string }

// inputs is what the lake says of a slice's facts.
type inputs struct {
	skipped   bool     // a table is missing, and the slices of missing tables are skipped
	unknown   []string // facts that are unloaded, and not for their age: "billing: not in the lake"
	unsettled string   // why some are unloaded for their age
}

// look says of the slice at a place what it reads, and of each output whether it was made of that. The rows are those that the outputs have.
func (c *candidate) look(m *maker, i int, rows []*hindcast.Committed) error {
	s := m.history[i]
	*c = candidate{Item: Item{Slice: s}, contents: c.contents[:0], outputs: c.outputs[:0]}
	for _, f := range m.byName {
		if err := c.read(m, m.cutters[f]); err != nil {
			return err
		}
	}
	c.unsettled = c.inputs.unsettled != "" || m.unsettled(s.Interval)
	for k, row := range rows {
		o := output{parts: m.partsFor(k, i), committed: row}
		o.same = row != nil && fingerprint(o.parts, c.contents, m.dimParts) == row.Fingerprint
		c.outputs = append(c.outputs, o)
	}
	return nil
}

// item is the candidate at a place as the plan has it.
func (m *maker) item(i int, c *candidate) Item {
	item := c.Item
	item.Units = m.needs(i)
	item.Parts = make([]hindcast.Parts, len(c.outputs))
	outcomes := make([]Outcome, len(c.outputs))
	for k := range c.outputs {
		outcomes[k], item.Parts[k] = m.forced(&c.outputs[k]), c.outputs[k].parts
	}
	item.summarize(outcomes, m.Pipeline)
	if len(outcomes) > 1 {
		item.Outputs = outcomes
	}

	if item.Reason.Runs() {
		facts, dims := byName(c.contents), byName(m.dimParts)
		for k := range item.Parts {
			item.Parts[k].Facts, item.Parts[k].Dims = facts, dims
		}
	}
	return item
}

// judge says of each output why it is made, or not, and of the slice why it runs.
func (m *maker) judge(c *candidate) {
	for k := range c.outputs {
		c.outputs[k].Reason, c.outputs[k].Detail = m.reason(c, k)
	}
	spread(m.Pipeline, func(k int) *Outcome { return &c.outputs[k].Outcome })

	var few [4]Outcome // without a list of each of many slices
	outcomes := few[:0]
	for k := range c.outputs {
		outcomes = append(outcomes, c.outputs[k].Outcome)
	}
	c.summarize(outcomes, m.Pipeline)
}

// spread has the outputs made that are read by one that is made: their rows exist in the attempt alone that computes them.
func spread(p *hindcast.Pipeline, outcome func(k int) *Outcome) {
	for k := len(p.Outputs) - 1; k >= 0; k-- { // an output reads those before it
		if !outcome(k).Reason.Runs() {
			continue
		}
		for _, name := range p.Outputs[k].Reads {
			if o := outcome(p.OutputNamed(name)); o.Reason == hindcast.ReasonUpToDate {
				*o = Outcome{hindcast.ReasonRead, "by " + p.Outputs[k].Name}
			}
		}
	}
}

// summarize gives the slice the outcome of the first output that is made for its own sake. Where another one's differs, it names
// the output.
func (i *Item) summarize(outcomes []Outcome, p *hindcast.Pipeline) {
	first := leading(len(outcomes), func(k int) hindcast.Reason { return outcomes[k].Reason })
	i.Reason, i.Detail = outcomes[first].Reason, outcomes[first].Detail
	if slices.ContainsFunc(outcomes, func(o Outcome) bool { return o != outcomes[first] }) {
		i.Detail = strings.TrimSuffix(p.Outputs[first].Name+": "+i.Detail, ": ")
	}
}

// needs are the units that a slice reads, by fact.
func (m *maker) needs(i int) Needs {
	needs := make(Needs, 0, len(m.cutters))
	for _, f := range m.byName {
		var keys []string
		for _, u := range m.unitsOf(f, i) {
			keys = append(keys, m.cutters[f].units[u].Key)
		}
		if len(keys) > 0 {
			needs = append(needs, Need{m.cutters[f].fact.Name, keys})
		}
	}
	return needs
}

func byName(parts []part) map[string]string {
	named := make(map[string]string, len(parts))
	for _, p := range parts {
		named[p.name] = p.content
	}
	return named
}

// read adds what the slice reads of a fact.
func (c *candidate) read(m *maker, cutter *cutter) error {
	name, in := cutter.fact.Name, &c.inputs
	reads, err := cutter.in(c.Slice)
	if err != nil {
		return err
	}
	window := Window(cutter.fact, c.Slice)
	contents, unknown := m.contents[:0], ""
	take := func(u *DraftUnit) {
		c.Rows, c.Bytes = add(c.Rows, Part(u.Interval, window, u.Rows)), add(c.Bytes, Part(u.Interval, window, u.Bytes))
		contents = append(contents, u.Content)
		switch {
		case !u.Unload || u.Why == whyFresh: // what the lake has is known, and says why the slice would run by itself
		case u.Why == whyUnsettled || u.Why == whyEarly:
			in.unsettled = u.Why
		case u.Why == whyChecks: // what the slice was made from is there
		default:
			unknown = name + ": " + u.Why
		}
	}
	for i := reads.own; i < reads.after; i++ {
		in.skipped = in.skipped || cutter.units[i].Missing && cutter.fact.Missing == hindcast.MissingSkip
	}
	reads.each(cutter, func(i int) { take(&cutter.units[i]) })
	m.contents = contents
	if unknown != "" {
		in.unknown = append(in.unknown, unknown)
		return nil
	}
	c.contents = append(c.contents, part{name, FactContent(contents)})
	return nil
}

// optional: a margin's table before or after the history, or where slices of missing tables are skipped, may be missing;
// the margin is that much shorter then.
func (c *cutter) optional(i int) bool {
	u := &c.units[i]
	return u.Missing && (c.fact.Missing == hindcast.MissingSkip || !u.Interval.End.After(c.from) || !u.Interval.Start.Before(c.to))
}

// Part estimates how much of a unit's n rows, or bytes, lies in the window.
func Part(unit, window hindcast.Interval, n int64) int64 {
	if n <= 0 || window.Contains(unit) {
		return n
	}
	start, end := unit.Start, unit.End
	if window.Start.After(start) {
		start = window.Start
	}
	if window.End.Before(end) {
		end = window.End
	}
	return int64(float64(n) * end.Sub(start).Seconds() / unit.End.Sub(unit.Start).Seconds())
}

// add adds estimates; what is unknown makes the sum unknown.
func add(sum, n int64) int64 {
	if sum < 0 || n < 0 {
		return -1
	}
	return sum + n
}

// reason is why an output is made, or not: the first that holds. What is sure to change the slice comes before what may turn out to be the same:
// of the latter the supervisor looks at the fingerprint again after the unload.
func (m *maker) reason(c *candidate, k int) (hindcast.Reason, string) {
	o, in := &c.outputs[k], &c.inputs
	row := o.committed
	switch {
	case in.skipped:
		return hindcast.ReasonMissing, "missing: skip"
	case row == nil:
		return hindcast.ReasonNew, ""
	}
	by := m.by(row)
	if reason, what := m.changed(o, c.contents); reason != "" {
		return reason, strings.TrimPrefix(what+", "+by, ", ")
	}
	var known Known
	if len(m.Outputs) > 0 {
		known = m.Outputs[k]
	}
	switch is, looked := known.Published[c.Slice.Key]; {
	case known.Result != nil && !known.Existing:
		return hindcast.ReasonEdited, m.Pipeline.Outputs[k].Target.Table + " is not there; " + by
	case looked && !Stands(row.Sums, is, known.Result):
		return hindcast.ReasonEdited, by
	case !known.keeps(&c.Slice, row.Run):
		return hindcast.ReasonUnkept, by
	case len(in.unknown) > 0:
		return hindcast.ReasonFacts, strings.Join(in.unknown, ", ") + "; run only if its rows differ"
	case in.unsettled == whyEarly:
		return hindcast.ReasonUnsettled, whyEarly
	case in.unsettled != "" && m.Pipeline.History.Settle.IsZero():
		return hindcast.ReasonUnsettled, "not over yet"
	case in.unsettled != "":
		return hindcast.ReasonUnsettled, "younger than " + m.Pipeline.History.Settle.String()
	}
	return hindcast.ReasonUpToDate, by
}

// changed compares what an output was made from with what it would be made from, as far as that is known.
func (m *maker) changed(o *output, contents []part) (hindcast.Reason, string) {
	if o.same {
		return "", ""
	}
	switch was, is := o.committed.Parts, o.parts; {
	case was.SQL != is.SQL:
		return hindcast.ReasonSQL, ""
	case was.Params != is.Params:
		return hindcast.ReasonParams, ""
	case was.Definition != is.Definition && was.Engine != "" && was.Engine != is.Engine:
		return hindcast.ReasonDefinition, "made by " + was.Engine + ", the engine is " + is.Engine + " now"
	case was.Definition != is.Definition:
		return hindcast.ReasonDefinition, ""
	}
	if names := differing(o.committed.Parts.Facts, contents); names != "" {
		return hindcast.ReasonFacts, names
	}
	if names := differing(o.committed.Parts.Dims, m.dimParts); names != "" {
		return hindcast.ReasonDims, names
	}
	return "", ""
}

// differing names the facts or dimensions whose content is another now.
func differing(was map[string]string, is []part) string {
	var names []string
	for _, p := range is {
		if was[p.name] != p.content {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

func day(t, now time.Time) string {
	if t.Year() == now.Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}
