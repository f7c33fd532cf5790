package plan

import (
	"iter"
	"time"

	"github.com/hindcast/hindcast"
)

// Of a long history the warehouse tells digests of the status rows, by range, before any is read. A plan knows the rows that a range
// has if each of its slices was made of what it would be made of now: where those have the same digest, the range is settled, and
// none of its rows is read.

// Standing is what is known of the status rows of an output.
type Standing struct {
	Digests *Digests // nil if the rows alone tell
	// Rows gives those whose slices begin within one of the intervals, of which nil are all, in the order of time. One without Parts and
	// Sums tells by its Fingerprint alone whether anything changed: see Draft.Unexplained.
	Rows func(within []hindcast.Interval) (iter.Seq[hindcast.Committed], error)
}

// Digests are those of an output's status rows.
type Digests struct {
	Ranges hindcast.Ranges
	Of     []hindcast.Digest                       // of the ranges that have rows, in their order
	Hash   func(row *hindcast.Committed) [2]uint64 // of a row, for which its slice and its fingerprint are enough
}

const (
	digestedFrom = 1024 // how many slices are worth digests
	sliceARange  = 512  // of such a history
)

// Ranges are those that digests of a history's status rows are made by; false for a short history, whose rows are as well read.
func Ranges(history []hindcast.Slice) (r hindcast.Ranges, long bool) {
	if len(history) < digestedFrom {
		return r, false
	}
	first, end := history[0].Start, history[len(history)-1].End
	r = hindcast.Ranges{From: first, Count: (len(history) + sliceARange - 1) / sliceARange}
	r.Width = time.Duration((end.UnixMicro()-first.UnixMicro())/int64(r.Count)+1) * time.Microsecond
	return r, true
}

// stretch is some of the history's slices, by their places.
type stretch struct {
	from, to int  // to is the first after it
	bare     bool // no output has status rows of it
}

// digested reports whether there are digests of every output.
func (m *maker) digested() bool {
	for k := range m.Committed {
		if m.Committed[k].Digests == nil || m.Committed[k].Digests.Ranges != m.Committed[0].Digests.Ranges {
			return false
		}
	}
	return len(m.Committed) > 0
}

// unproven settles the stretches of the history that the digests prove to be settled, and gives the others.
func (m *maker) unproven() (left []stretch, err error) {
	ranges := m.Committed[0].Digests.Ranges
	next := make([]int, len(m.Committed)) // digest, by output
	digests := make([]hindcast.Digest, len(m.Committed))
	for from := 0; from < len(m.history); {
		n, to := ranges.Of(m.history[from].Start), from+1
		for to < len(m.history) && ranges.Of(m.history[to].Start) == n {
			to++
		}

		p := stretch{from: from, to: to, bare: n >= 0}
		for k := range m.Committed {
			of := m.Committed[k].Digests.Of
			for next[k] < len(of) && of[next[k]].Range < n {
				next[k]++
			}
			if digests[k] = (hindcast.Digest{}); next[k] < len(of) && of[next[k]].Range == n {
				digests[k], p.bare = of[next[k]], false
			}
		}

		proven, err := m.proven(p, digests)
		if err != nil {
			return nil, err
		}
		if !proven {
			left = append(left, p)
		}
		from = to
	}
	return left, nil
}

// proven reports whether the digests are those of a stretch whose slices are all settled, and settles it then.
func (m *maker) proven(p stretch, digests []hindcast.Digest) (bool, error) {
	for _, d := range digests {
		if !m.follow(p, d) {
			return false, nil
		}
	}

	c := &m.expected
	want := make([]hindcast.Digest, len(digests))
	var row hindcast.Committed // one for all
	for i := p.from; i < p.to; i++ {
		if err := c.look(m, i, nil); err != nil || c.due() {
			return false, err
		}
		for k := range want {
			row.Slice, row.Fingerprint = m.history[i], fingerprint(m.partsFor(k, i), c.contents, m.dimParts)
			want[k].Add(m.Committed[k].Digests.Hash(&row))
		}
	}

	for k, d := range digests {
		if d.Sums != want[k].Sums {
			return false, nil
		}
	}
	for k, d := range digests {
		m.rows[k] += p.to - p.from
		i := p.from
		for _, of := range d.By {
			by := m.committer(&hindcast.Committed{Run: of.Run, CommittedAt: time.Unix(of.Day*secondsADay, 0).UTC()})
			for range of.Rows {
				m.settled.by[i*m.settled.outputs+k] = by
				i++
			}
		}
	}
	return true, nil
}

// follow reports whether a digest has as many rows as the stretch has slices, and each of those who committed them did so for slices
// that follow each other.
func (m *maker) follow(p stretch, d hindcast.Digest) bool {
	at := int64(p.from)
	for _, of := range d.By {
		last := at + of.Rows - 1
		if of.Rows < 1 || last >= int64(p.to) || !m.history[at].Start.Equal(of.First) || !m.history[last].Start.Equal(of.Last) {
			return false
		}
		at = last + 1
	}
	return at == int64(p.to) && d.Rows == int64(p.to-p.from)
}

// within are the times in which status rows of some stretches of the history begin; nil if those may be any. What has none is left out.
func (m *maker) within(stretches []stretch) []hindcast.Interval {
	if !m.digested() {
		return nil
	}
	list := []hindcast.Interval{}
	for _, p := range stretches {
		in := hindcast.Interval{Start: m.history[p.from].Start, End: m.history[p.to-1].End}
		switch n := len(list); {
		case p.bare:
		case n > 0 && list[n-1].End.Equal(in.Start):
			list[n-1].End = in.End
		default:
			list = append(list, in)
		}
	}
	return list
}
