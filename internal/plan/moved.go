package plan

import (
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Look is a table whose units, or a dimension, may have changed since they were unloaded.
type Look struct {
	Name   string
	Source string
	Time   string // the fact's time column; "" for a dimension, or a table that is read whole
	Format hindcast.TimeFormat
	Units  []*DraftUnit       // those that the lake has, in the order of time; of a dimension none
	Dim    *hindcast.Manifest // of a dimension
}

// LookedAt names what was looked at: a fact's unit, or a dimension.
type LookedAt struct{ Name, Key string }

// Looks are what a cheap look at the sources is about: what slices read from the lake although its table is there.
func (d *Draft) Looks() (looks []Look) {
	for _, c := range d.cutters {
		if c.fact.Files != "" {
			continue
		}
		for i := range c.units {
			u := &c.units[i]
			if _, there := d.Sources[u.Source]; !there || u.Missing || u.Unloaded.IsZero() {
				continue
			}
			if n := len(looks); n == 0 || looks[n-1].Name != u.Fact || looks[n-1].Source != u.Source {
				looks = append(looks, Look{Name: u.Fact, Source: u.Source, Time: c.fact.Time, Format: c.fact.Format})
			}
			of := &looks[len(looks)-1]
			of.Units = append(of.Units, u)
		}
	}
	for _, item := range d.dims {
		if m := d.Dims[item.Name]; m != nil && len(item.Files) == 0 && !item.Unloaded.IsZero() {
			if _, there := d.Sources[item.Source]; there {
				looks = append(looks, Look{Name: item.Name, Source: item.Source, Dim: m})
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

// Grew reports whether rows only came to a table, as far as its marks tell: none of those that were there is another one.
func Grew(was, is *hindcast.Mark) bool {
	return was == nil || is == nil ||
		is.Inserted >= was.Inserted && is.Updated == was.Updated && is.Deleted == was.Deleted && is.Stored == was.Stored
}

// moved puts what was looked at together: for each fact and dimension what changed, and which of the chosen slices read it.
func (m *maker) moved() (list []hindcast.Moved) {
	about := map[string]bool{}
	for at, why := range m.Looked {
		about[at.Name] = about[at.Name] || why != ""
	}
	for f, c := range m.cutters {
		if !about[c.fact.Name] {
			continue
		}
		byWhy := map[string][]string{}
		var order []string
		for _, i := range m.chosen {
			key := m.history[i].Key
			for _, u := range m.unitsOf(f, i) {
				why := m.Looked[LookedAt{c.fact.Name, c.units[u].Key}]
				said := byWhy[why]
				if why == "" || len(said) > 0 && said[len(said)-1] == key {
					continue
				}
				if byWhy[why] == nil {
					order = append(order, why)
				}
				byWhy[why] = append(byWhy[why], key)
			}
		}
		for _, why := range order {
			list = append(list, hindcast.Moved{Name: c.fact.Name, Slices: byWhy[why], Why: why})
		}
		if why := m.Looked[LookedAt{Name: c.fact.Name}]; why != "" {
			list = append(list, hindcast.Moved{Name: c.fact.Name, Why: why})
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

// ages are the oldest and the newest of several times.
type ages struct{ oldest, newest time.Time }

func (a *ages) add(t time.Time) {
	if t.IsZero() {
		return
	}
	if a.oldest.IsZero() || t.Before(a.oldest) {
		a.oldest = t
	}
	if t.After(a.newest) {
		a.newest = t
	}
}

// copies are how old the lake's copies are that the chosen slices were made of, where none of them runs.
func (m *maker) copies(out *Plan) *hindcast.Ages {
	if out.Running() > 0 {
		return nil
	}
	var a ages
	for f, c := range m.cutters {
		for i, needed := range m.needed(f) {
			if needed {
				a.add(c.units[i].Unloaded)
			}
		}
	}
	if a.oldest.IsZero() {
		return nil
	}
	return &hindcast.Ages{Oldest: a.oldest, Newest: a.newest}
}

// Ages are when the oldest and the newest of what the slices that run take from the lake were unloaded, or, where none
// runs, of what all were made from; zero if that is nothing.
func (p *Plan) Ages() (oldest, newest time.Time) {
	var a ages
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
			a.add(u.Unloaded)
		}
	}
	if p.Copies != nil {
		a.add(p.Copies.Oldest)
		a.add(p.Copies.Newest)
	}
	for i := range p.Dims {
		a.add(p.Dims[i].Unloaded)
	}
	return a.oldest, a.newest
}
