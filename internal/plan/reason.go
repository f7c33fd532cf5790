package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// candidate is a slice of the history before it is selected.
type candidate struct {
	Item
	units     [][]int // by fact, into its cutter
	committed *hindcast.Committed
	unsettled bool
}

// inputs is what the lake says of a slice's facts.
type inputs struct {
	skipped   bool     // a table is missing, and the slices of missing tables are skipped
	unknown   []string // facts that are unloaded, and not for their age: "billing: not in the lake"
	unsettled string   // why some are unloaded for their age
}

// candidate says of one slice what it reads and why it would run. Force is not looked at yet: --slices stale has
// to know what is stale.
func (m *maker) candidate(s hindcast.Slice) (candidate, error) {
	c := candidate{Item: Item{Slice: s, Units: map[string][]string{}, Parts: m.parts(s)}}
	if row, found := m.committed[s.Key]; found && row.Slice.Equal(s.Interval) {
		c.committed = &row
	}
	c.Parts.Facts, c.Parts.Dims = map[string]string{}, map[string]string{}
	var in inputs
	for _, cutter := range m.cutters {
		if err := c.read(cutter, &in); err != nil {
			return c, err
		}
	}
	for _, d := range m.dims {
		if content, known := m.dimContent(d); known {
			c.Parts.Dims[d.Name] = content
		}
	}
	c.unsettled = in.unsettled != "" || m.unsettled(s.Interval)
	c.Reason, c.Detail = m.reason(&c, in)
	return c, nil
}

// read adds a fact's units to the slice.
func (c *candidate) read(cutter *cutter, in *inputs) error {
	name := cutter.fact.Name
	own, before, err := cutter.in(c.Slice)
	if err != nil {
		return err
	}
	before = slices.DeleteFunc(before, cutter.optional)
	for _, i := range own {
		in.skipped = in.skipped || cutter.units[i].Missing && cutter.fact.Missing == hindcast.MissingSkip
	}
	kept := slices.Concat(own, before)
	window := Window(cutter.fact, c.Slice)
	var contents []string
	unknown := ""
	for _, i := range kept {
		u := &cutter.units[i]
		c.Units[name] = append(c.Units[name], u.Key)
		c.Rows, c.Bytes = add(c.Rows, Part(u.Interval, window, u.Rows)), add(c.Bytes, Part(u.Interval, window, u.Bytes))
		contents = append(contents, u.Content)
		switch {
		case !u.Unload:
		case u.Why == whyUnsettled || u.Why == whyEarly:
			in.unsettled = u.Why
		case u.Why == whyChecks: // what the slice was made from is there
		default:
			unknown = name + ": " + u.Why
		}
	}
	c.units = append(c.units, kept)
	if unknown != "" {
		in.unknown = append(in.unknown, unknown)
		return nil
	}
	c.Parts.Facts[name] = FactContent(contents)
	return nil
}

// optional: a lookback's table before the history, or where slices of missing tables are skipped, may be missing;
// the lookback is that much shorter then.
func (c *cutter) optional(i int) bool {
	u := &c.units[i]
	return u.Missing && (c.fact.Missing == hindcast.MissingSkip || !u.Interval.End.After(c.from))
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

// reason is the first that holds. What is sure to change the slice comes before what may turn out to be the same:
// of the latter the supervisor looks at the fingerprint again after the unload.
func (m *maker) reason(c *candidate, in inputs) (hindcast.Reason, string) {
	row := c.committed
	switch {
	case in.skipped:
		return hindcast.ReasonMissing, "missing: skip"
	case row == nil:
		return hindcast.ReasonNew, ""
	}
	by := "committed by " + row.Run + ", " + day(row.CommittedAt, m.Now)
	if reason, what := changed(row.Parts, c.Parts); reason != "" {
		return reason, strings.TrimPrefix(what+", "+by, ", ")
	}
	switch is, known := m.Published[c.Slice.Key]; {
	case m.Result != nil && !m.Existing:
		return hindcast.ReasonEdited, m.Pipeline.Target.Table + " is not there; " + by
	case known && !is.Agrees(row.Sums):
		return hindcast.ReasonEdited, by
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

// changed compares what a slice was made from with what it would be made from, as far as that is known.
func changed(was, is hindcast.Parts) (hindcast.Reason, string) {
	switch {
	case was.SQL != is.SQL:
		return hindcast.ReasonSQL, ""
	case was.Params != is.Params:
		return hindcast.ReasonParams, ""
	case was.Definition != is.Definition:
		return hindcast.ReasonDefinition, ""
	}
	if names := differing(was.Facts, is.Facts); names != "" {
		return hindcast.ReasonFacts, names
	}
	if names := differing(was.Dims, is.Dims); names != "" {
		return hindcast.ReasonDims, names
	}
	return "", ""
}

// differing names the facts or dimensions whose content is another now.
func differing(was, is map[string]string) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if was[name] != is[name] {
			names = append(names, name)
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
