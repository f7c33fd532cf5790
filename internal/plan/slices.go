package plan

import (
	"sort"

	"github.com/hindcast/hindcast"
)

// Total is how many slices the plan is of, those that are up to date too.
func (p *Plan) Total() int {
	n := len(p.Items)
	for i := range p.UpToDate {
		n += p.UpToDate[i].Slices
	}
	return n
}

// First is the key of the first of them.
func (p *Plan) First() (key string, found bool) {
	entries := p.Entries()
	switch {
	case len(entries) == 0:
		return "", false
	case entries[0].Item != nil:
		return entries[0].Item.Slice.Key, true
	}
	return entries[0].Span.First, true
}

// Read are the units that the chosen slices read, in the order of facts and of time; of a table that holds all of history, the
// first.
func (d *Draft) Read() (units []Unit) {
	for f, c := range d.cutters {
		for i, needed := range d.needed(f) {
			if !needed {
				continue
			}
			units = append(units, c.units[i].unit())
			if !c.fact.TimeNamed() {
				break
			}
		}
	}
	return units
}

// Entry is one of the plan's items, or a span of slices between them.
type Entry struct {
	Item *Item
	Span *Span // nil if it is an item
}

// Entries are the plan's items and spans in the order of time.
func (p *Plan) Entries() []Entry {
	list := make([]Entry, 0, len(p.Items)+len(p.UpToDate))
	n := 0
	for i := range p.Items {
		for n < len(p.UpToDate) && p.UpToDate[n].Interval.Start.Before(p.Items[i].Slice.Start) {
			list = append(list, Entry{Span: &p.UpToDate[n]})
			n++
		}
		list = append(list, Entry{Item: &p.Items[i]})
	}
	for ; n < len(p.UpToDate); n++ {
		list = append(list, Entry{Span: &p.UpToDate[n]})
	}
	return list
}

// Keys are those of all the plan's slices, in the order of time.
func (p *Plan) Keys() []string {
	all := p.slices()
	keys := make([]string, len(all))
	for i := range all {
		keys[i] = all[i].Key
	}
	return keys
}

// slices are all the plan's slices, in the order of time.
func (p *Plan) slices() []hindcast.Slice {
	all := make([]hindcast.Slice, 0, p.Total())
	within := p.spans()
	for _, e := range p.Entries() {
		if e.Item != nil {
			all = append(all, e.Item.Slice)
		} else {
			all = append(all, within(e.Span)...)
		}
	}
	return all
}

// spans gives the slices of a span: those of the history from its first on.
func (p *Plan) spans() func(*Span) []hindcast.Slice {
	var history []hindcast.Slice
	return func(span *Span) []hindcast.Slice {
		if span.Slices == 1 {
			return []hindcast.Slice{{Key: span.First, Interval: span.Interval}}
		}
		if history == nil {
			history, _ = Cut(p.Pipeline.History, p.History.End) // as it was for the plan
		}
		first := sort.Search(len(history), func(i int) bool { return !history[i].Start.Before(span.Interval.Start) })
		return history[first:min(first+span.Slices, len(history))]
	}
}
