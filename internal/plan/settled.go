package plan

import (
	"iter"
	"slices"
	"sort"
	"time"

	"github.com/hindcast/hindcast"
)

// A long history has many slices, and few that anything is to be done for. Of a slice that is settled (every output was made of
// what it would be made of now, and nothing of it is due) no more is kept than by whom its outputs were committed. It is looked
// at again if more is asked for.

// settlements say by whom the outputs of settled slices were committed.
type settlements struct {
	outputs    int
	by         []int32 // by slice and output: the place of the committer
	committers []committer
	words      []string // what is said of each of them
	places     map[committer]int32
}

// committer is who committed a slice, and when.
type committer struct {
	run string
	day int64
}

const secondsADay = 24 * 3600

// committer is the place of who committed a row. Many were by the same run on the same day.
func (m *maker) committer(row *hindcast.Committed) int32 {
	s := &m.settled
	who := committer{row.Run, row.CommittedAt.Unix() / secondsADay}
	at, known := s.places[who]
	if !known {
		if s.places == nil {
			s.places = map[committer]int32{}
		}
		at = int32(len(s.words))
		s.places[who] = at
		s.committers = append(s.committers, who)
		s.words = append(s.words, "committed by "+row.Run+", "+day(row.CommittedAt, m.Now))
	}
	return at
}

// by says who committed a row.
func (m *maker) by(row *hindcast.Committed) string { return m.settled.words[m.committer(row)] }

// row is what is known of the status row of an output of a settled slice.
func (s *settlements) row(i, output int) *hindcast.Committed {
	who := s.committers[s.by[i*s.outputs+output]]
	return &hindcast.Committed{Run: who.run, CommittedAt: time.Unix(who.day*secondsADay, 0).UTC()}
}

// settledDetail is why a settled slice is up to date.
func (m *maker) settledDetail(i int) string {
	s := &m.settled
	by := s.by[i*s.outputs : (i+1)*s.outputs]
	first := s.words[by[0]]
	if slices.ContainsFunc(by, func(at int32) bool { return at != by[0] }) {
		return m.Pipeline.Outputs[0].Name + ": " + first
	}
	return first
}

// reader takes the status rows of an output, in the order of time.
type reader struct {
	next   func() (hindcast.Committed, bool)
	stop   func()
	target string
	row    hindcast.Committed // the next one, if there are more
	more   bool
	found  hindcast.Committed // of the slice that was asked for last
}

func (r *reader) advance() { r.row, r.more = r.next() }

// of is the row of a slice, nil if it has none. One of another key, other bounds or another target is not it.
func (r *reader) of(s *hindcast.Slice) (found *hindcast.Committed) {
	for r.more && r.row.Slice.Start.Before(s.Start) {
		r.advance()
	}
	for r.more && r.row.Slice.Start.Equal(s.Start) {
		if r.row.Target == r.target && r.row.Slice.Key == s.Key && r.row.Slice.Equal(s.Interval) {
			r.found, found = r.row, &r.found
		}
		r.advance()
	}
	return found
}

// lookAtAll looks at every slice of the history. Status rows are read of those alone that digests do not prove to be settled.
func (m *maker) lookAtAll() error {
	outputs := len(m.Pipeline.Outputs)
	m.all = make([]*candidate, len(m.history))
	m.settled = settlements{outputs: outputs, by: make([]int32, outputs*len(m.history))}
	m.rows = make([]int, outputs)

	left := []stretch{{to: len(m.history)}}
	if m.digested() {
		var err error
		if left, err = m.unproven(); err != nil {
			return err
		}
	}
	return m.lookAt(left)
}

// lookAt looks at the slices of some stretches of the history, with their status rows.
func (m *maker) lookAt(stretches []stretch) error {
	readers, err := m.readers(stretches)
	if err != nil {
		return err
	}
	defer func() {
		for k := range readers {
			readers[k].stop()
		}
	}()

	outputs := len(m.Pipeline.Outputs)
	rows := make([]*hindcast.Committed, outputs)
	c := &candidate{}
	for _, p := range stretches {
		for i := p.from; i < p.to; i++ {
			for k := range readers {
				if rows[k] = readers[k].of(&m.history[i]); rows[k] != nil {
					m.rows[k]++
				}
			}
			if err := c.look(m, i, rows); err != nil {
				return err
			}
			if !c.settled() {
				c.keep()
				m.all[i], c = c, &candidate{}
				continue
			}
			for k, row := range rows {
				m.settled.by[i*outputs+k] = m.committer(row)
			}
		}
	}
	return nil
}

// readers take the status rows of some stretches of the history, by output.
func (m *maker) readers(stretches []stretch) ([]reader, error) {
	within := m.within(stretches)
	if within != nil && len(within) == 0 { // none of them has any
		return nil, nil
	}

	readers := make([]reader, 0, len(m.Committed))
	for k := range m.Committed {
		rows, err := m.Committed[k].Rows(within)
		if err != nil {
			for i := range readers {
				readers[i].stop()
			}
			return nil, err
		}
		r := reader{target: m.Pipeline.Outputs[k].Target.Table}
		r.next, r.stop = iter.Pull(rows)
		r.advance()
		readers = append(readers, r)
	}
	return readers, nil
}

// keep makes the status rows the candidate's own.
func (c *candidate) keep() {
	for k := range c.outputs {
		if o := &c.outputs[k]; o.committed != nil {
			row := *o.committed
			o.committed = &row
		}
	}
}

// settled reports whether the slice is up to date, unless somebody edited a target or asks for more. A status row with its
// details is not put aside.
func (c *candidate) settled() bool {
	return !c.due() && !slices.ContainsFunc(c.outputs, func(o output) bool { return !o.same || o.committed.Parts.SQL != "" })
}

// due reports whether the slice may have to be made for what it reads, whatever is committed.
func (c *candidate) due() bool {
	return c.unsettled || c.inputs.skipped || len(c.inputs.unknown) > 0
}

// candidate is the slice at a place, looked at again if it was settled.
func (m *maker) candidate(i int) (*candidate, error) {
	if m.all[i] != nil {
		return m.all[i], nil
	}
	rows := make([]*hindcast.Committed, m.settled.outputs)
	for k := range rows {
		rows[k] = m.settled.row(i, k)
	}
	c := &candidate{}
	if err := c.look(m, i, rows); err != nil {
		return nil, err
	}
	for k := range c.outputs {
		o := &c.outputs[k]
		o.committed.Fingerprint, o.same = fingerprint(o.parts, c.contents, m.dimParts), true
	}
	m.all[i] = c
	return c, nil
}

// unsettle looks again at the settled slices that may not be up to date after all.
func (m *maker) unsettle() error {
	gone := slices.ContainsFunc(m.Outputs, func(known Known) bool { return known.Result != nil && !known.Existing })
	looked := func(key string) bool {
		return slices.ContainsFunc(m.Outputs, func(known Known) bool { _, looked := known.Published[key]; return looked })
	}
	if !gone && !slices.ContainsFunc(m.Outputs, func(known Known) bool { return len(known.Published) > 0 || known.Kept != nil }) {
		return nil
	}
	for i := range m.all {
		if m.all[i] == nil && (gone || looked(m.history[i].Key) || m.unkept(i)) {
			if _, err := m.candidate(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// unkept reports whether the lake lacks a result of a settled slice.
func (m *maker) unkept(i int) bool {
	s := &m.settled
	for k := range m.Outputs {
		if !m.Outputs[k].keeps(&m.history[i], s.committers[s.by[i*s.outputs+k]].run) {
			return true
		}
	}
	return false
}

// place finds the slice that a status row is of, and its output.
func (m *maker) place(row *hindcast.Committed) (at, output int, ours bool) {
	output = slices.Index(m.Pipeline.Targets(), row.Target)
	at = sort.Search(len(m.history), func(k int) bool { return !m.history[k].Start.Before(row.Slice.Start) })
	return at, output, at < len(m.history) && output >= 0 && row.Slice.Key == m.history[at].Key && row.Slice.Equal(m.history[at].Interval)
}

// Unexplained names the slices whose output changed, or may change, and whose status row does not say yet what
// they were made of.
func (d *Draft) Unexplained(output int) (keys []string) {
	for _, c := range d.all {
		if c == nil {
			continue
		}
		if o := &c.outputs[output]; o.committed != nil && !o.same && o.committed.Parts.SQL == "" {
			keys = append(keys, c.Slice.Key)
		}
	}
	return keys
}

// Explain takes the whole status rows of these slices.
func (d *Draft) Explain(rows []hindcast.Committed) error {
	for i := range rows {
		at, output, ours := d.place(&rows[i])
		if !ours {
			continue
		}
		c, err := d.candidate(at)
		if err != nil {
			return err
		}
		if o := &c.outputs[output]; o.committed != nil && o.committed.Fingerprint == rows[i].Fingerprint {
			o.committed = &rows[i]
		}
	}
	return nil
}

// AnyCommitted reports whether any slice of the history has the output committed.
func (d *Draft) AnyCommitted(output int) bool { return d.rows[output] > 0 }

// AmongCommitted are those of the keys whose slices have the output committed, with their intervals.
func (d *Draft) AmongCommitted(output int, keys []string) (committed []string, intervals []hindcast.Interval) {
	wanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	for i := range d.history {
		if s := &d.history[i]; wanted[s.Key] && (d.all[i] == nil || d.all[i].outputs[output].committed != nil) {
			committed, intervals = append(committed, s.Key), append(intervals, s.Interval)
		}
	}
	return committed, intervals
}
