package clean

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
)

// replaced is what a load kept of the rows that it replaced, in the order in which loads commit: fences only grow, and of what overlaps under
// one fence a slice has one load.
type replaced struct {
	prefix string
	hindcast.Interval
	fence   int64
	attempt int
}

// previous are the prefixes of the previous rows that stay: those that the latest publications of any part of history replaced, as many as the
// pipeline file says; those of runs that may still go on, and those that an undo is about to put back.
func (c *collector) previous() map[string]bool {
	keep := c.session.Pipeline.Retention.Previous
	needed, byTarget := map[string]bool{}, map[string][]replaced{}
	standing, written := c.written()
	for _, r := range c.records {
		for i := range r.holdings.Previous {
			p := &r.holdings.Previous[i]
			m := manifestOf(p)
			damaged := p.Kept != nil && m == nil // verify names it
			if r.stays != "" || damaged || keep > 0 && standing[p.Prefix] {
				needed[p.Prefix] = true
			}
			if m != nil && (written[p.Prefix] || r.committed[lake.Unfenced(p.Attempt)]) {
				byTarget[m.Source] = append(byTarget[m.Source], replaced{p.Prefix, m.Interval, m.Fence, m.Attempt})
			}
		}
		if r.stays != "" && r.plan != nil && r.plan.Undo != "" {
			for i := range r.plan.Items {
				for _, is := range r.plan.Items[i].Undo {
					needed[is.Previous] = true
				}
			}
		}
	}

	for _, list := range byTarget {
		for _, prefix := range latest(list, keep) {
			needed[prefix] = true
		}
	}
	return needed
}

// manifestOf is the manifest of what a load replaced; nil if there is none that can be read.
func manifestOf(p *lake.Previous) *hindcast.Manifest {
	if p.Kept == nil {
		return nil
	}
	return p.Kept.Manifest
}

// written are the prefixes that status rows name: those that stand, and those that stand or were replaced.
func (c *collector) written() (standing, written map[string]bool) {
	standing, written = map[string]bool{}, map[string]bool{}
	name := func(row *hindcast.Committed) {
		if row.Previous != "" {
			written[c.session.Lake.KeptAt(row.Previous)] = true
		}
	}
	for i := range c.rows {
		name(&c.rows[i])
	}
	maps.Copy(standing, written)
	for _, r := range c.records {
		for i := range r.holdings.Previous {
			if p := &r.holdings.Previous[i]; p.Kept != nil {
				for k := range p.Kept.Rows {
					name(&p.Kept.Rows[k])
				}
			}
		}
	}
	return standing, written
}

// latest are the prefixes of those that part of history has had fewer publications after than keep. Slices may have been cut in another way
// meanwhile.
func latest(list []replaced, keep int) (prefixes []string) {
	slices.SortFunc(list, func(a, b replaced) int {
		return cmp.Or(cmp.Compare(b.fence, a.fence), cmp.Compare(b.attempt, a.attempt))
	})
	var bounds []time.Time
	for i := range list {
		bounds = append(bounds, list[i].Start, list[i].End)
	}
	slices.SortFunc(bounds, time.Time.Compare)
	bounds = slices.CompactFunc(bounds, time.Time.Equal)
	at := func(t time.Time) int {
		n, _ := slices.BinarySearchFunc(bounds, t, time.Time.Compare)
		return n
	}

	after := make([]int, len(bounds)) // publications of the part that begins at the bound
	for i := range list {
		parts := after[at(list[i].Start):at(list[i].End)]
		if len(parts) == 0 || slices.Min(parts) < keep {
			prefixes = append(prefixes, list[i].prefix)
		}
		for k := range parts {
			parts[k]++
		}
	}
	return prefixes
}
