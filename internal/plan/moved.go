package plan

import (
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Look is a unit, or a dimension, whose source may have changed since it was unloaded.
type Look struct {
	Name     string
	Source   string
	Time     string            // the fact's time column; "" for a dimension, or a table that is read whole
	Interval hindcast.Interval // zero for a dimension
	Manifest *hindcast.Manifest
}

// LookedAt names a look.
type LookedAt struct{ Name, Key string }

// Looks are what a cheap look at the sources is about: what the plan's slices read from the lake although its table is there.
func (d *Draft) Looks() (looks []Look) {
	for _, c := range d.cutters {
		if c.fact.Files != "" {
			continue
		}
		for i := range c.units {
			u := &c.units[i]
			m := d.Current[u.Fact][u.Key]
			if _, there := d.Sources[u.Source]; there && m != nil && !m.Missing && !u.Unloaded.IsZero() {
				looks = append(looks, Look{u.Fact, u.Source, c.fact.Time, u.Interval, m})
			}
		}
	}
	for _, item := range d.dims {
		if m := d.Dims[item.Name]; m != nil && len(item.Files) == 0 && !item.Unloaded.IsZero() {
			if _, there := d.Sources[item.Source]; there {
				looks = append(looks, Look{Name: item.Name, Source: item.Source, Manifest: m})
			}
		}
	}
	return looks
}

// Drifted says how a table moved as far as its marks tell, in words; "" if they tell of nothing, or are not both there.
// Rows that came are told only where all is of one unit: a table that grows gets rows for other slices all the time.
func Drifted(was, is *hindcast.Mark, whole bool) string {
	switch {
	case was == nil || is == nil || is.Inserted < was.Inserted || is.Updated < was.Updated || is.Deleted < was.Deleted:
		return "" // the counters began again
	case was.Stored != is.Stored:
		return "all its rows were written again"
	case is.Updated > was.Updated:
		return "rows were updated"
	case is.Deleted > was.Deleted:
		return "rows were deleted"
	case whole && is.Inserted > was.Inserted:
		return "rows were added"
	}
	return ""
}

// moved puts what was looked at together: for each fact and dimension what changed, and which of the plan's slices read it.
func (m *maker) moved(out *Plan) (list []hindcast.Moved) {
	if len(m.Looked) == 0 {
		return nil
	}
	for _, f := range m.Pipeline.Facts {
		byWhy := map[string][]string{}
		var order []string
		for i := range out.Items {
			item := &out.Items[i]
			for _, key := range item.Units.Of(f.Name) {
				why := m.Looked[LookedAt{f.Name, key}]
				said := byWhy[why]
				if why == "" || len(said) > 0 && said[len(said)-1] == item.Slice.Key {
					continue
				}
				if byWhy[why] == nil {
					order = append(order, why)
				}
				byWhy[why] = append(byWhy[why], item.Slice.Key)
			}
		}
		for _, why := range order {
			list = append(list, hindcast.Moved{Name: f.Name, Slices: byWhy[why], Why: why})
		}
		if why := m.Looked[LookedAt{Name: f.Name}]; why != "" {
			list = append(list, hindcast.Moved{Name: f.Name, Why: why})
		}
	}
	for _, d := range m.dims {
		if why := m.Looked[LookedAt{d.Name, hindcast.WholeKey}]; why != "" {
			list = append(list, hindcast.Moved{Name: d.Name, Why: why})
		}
	}
	return list
}

// Counts is how a unit's rows moved, in words; "" if they did not.
func Counts(source, lake int64) string {
	if source == lake {
		return ""
	}
	return fmt.Sprintf("%s at the source, %s in the lake", numbers.Counted(source, "row"), numbers.Thousands(lake))
}

// Ages are when the oldest and the newest of what the slices that run take from the lake were unloaded, or, where none
// runs, of what all were made from; zero if that is nothing.
func (p *Plan) Ages() (oldest, newest time.Time) {
	add := func(t time.Time) {
		if t.IsZero() {
			return
		}
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
		if t.After(newest) {
			newest = t
		}
	}
	type unit struct{ fact, key string }
	needed := map[unit]bool{}
	for i := range p.Items {
		for _, need := range p.Items[i].Units {
			for _, key := range need.Keys {
				if p.Items[i].Reason.Runs() {
					needed[unit{need.Fact, key}] = true
				}
			}
		}
	}
	for i := range p.Units {
		if u := &p.Units[i]; len(needed) == 0 || needed[unit{u.Fact, u.Key}] {
			add(u.Unloaded)
		}
	}
	for i := range p.Dims {
		add(p.Dims[i].Unloaded)
	}
	return oldest, newest
}
