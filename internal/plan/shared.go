package plan

import (
	"slices"
	"time"

	"github.com/hindcast/hindcast"
)

// Due are the units that the draft unloads and that another pipeline may have unloaded already, in the order of time.
func (d *Draft) Due() (due []*DraftUnit) {
	if d.Access == "" || d.Fresh {
		return nil
	}
	for _, c := range d.cutters {
		for i := range c.units {
			u := &c.units[i]
			if u.Unload && !u.Missing && c.fact.Files == "" && !d.unsettled(u.Interval) {
				due = append(due, u)
			}
		}
	}
	return due
}

// Lend says which generations other pipelines have of a unit that is due, the current ones of each. One that would do if it were the pipeline's own takes the place of the
// unload: the latest of them.
func (d *Draft) Lend(u *DraftUnit, others []*hindcast.Manifest) {
	fact := d.factOf(u.Fact)
	settled := d.settledAt(u.Interval)
	is := u.unit()
	for _, m := range others {
		if m.CreatedAt.Before(settled) || !is.Serves(m, fact, d.current(u.Fact, u.Key), d.Database, d.Access) || u.Shared != nil && !m.CreatedAt.After(u.Shared.Unloaded) {
			continue
		}
		u.Shared, u.Unloaded, u.Mark, u.Rows, u.Bytes = m.Shared, m.CreatedAt, m.Mark, m.Sums.Rows, m.Bytes
	}
}

func (m *maker) factOf(name string) hindcast.Fact {
	i := slices.IndexFunc(m.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Name == name })
	return m.Pipeline.Facts[i]
}

// Settle decides which of the generations that were lent are taken, once the sources were looked at: not one that is known not to have the rows
// that its table has now. Those are no news either: the unit is unloaded.
func (d *Draft) Settle() {
	for _, c := range d.cutters {
		for i := range c.units {
			u := &c.units[i]
			if u.Shared == nil {
				continue
			}
			u.Unloaded = time.Time{} // it is not the pipeline's own yet
			if at := (LookedAt{u.Fact, u.Key}); d.Looked[at] != "" {
				u.Decline()
				delete(d.Looked, at)
			}
		}
	}
}

// Decline has the unit unloaded, whatever was lent.
func (u *DraftUnit) Decline() {
	if u.Shared != nil {
		u.Shared, u.Unloaded = nil, time.Time{}
	}
}

// Serves reports whether a generation of another pipeline can take the place of the unload of a unit of fact f: it is of the same rows of the
// same table, read from the same database by the same access, and has the columns that would be unloaded: in any order where the pipeline file lists them (see
// Seen), otherwise in the table's order, since a query by hand takes the files' order for it. Where the pipeline has a generation of its own, current, its
// columns must be those, in the order in which it would unload them (see Alike): the contents of both are compared, and rows that were lost are
// found. How old it may be is not asked.
func (u *Unit) Serves(m *hindcast.Manifest, f hindcast.Fact, current *hindcast.Manifest, database, access string) bool {
	switch {
	case m.Missing || u.Missing || access == "" || m.Access != access:
		return false
	case database == "" || m.Database != database || !u.Matches(m, f):
		return false
	}
	want := Extracted(u.Columns, u.Keep)
	if !sameTypes(m.Columns, u.Columns) || !sameTypes(want, m.Columns) {
		return false
	}
	if len(f.Columns) == 0 && !inOrder(want, m.Columns) {
		return false
	}
	own := current != nil && !current.Missing && !FromElsewhere(current, database) && u.Matches(current, f)
	if own && m.Sums.Rows < current.Sums.Rows {
		return false
	}
	if own { // a hash of contents depends on the columns' order
		return slices.EqualFunc(Alike(want, f.Columns, current), m.Columns, func(a, b hindcast.Column) bool { return a.Name == b.Name })
	}
	return f.Used || len(want) == len(m.Columns)
}

// AsNew reports whether what another pipeline has unloaded since the plan was made, or while it was, is as new as an unload of the run must be. What has settled may have been
// read just before; anything else is read after the plan was made.
func (p *Plan) AsNew(u *Unit, m *hindcast.Manifest) bool {
	began := m.CreatedAt.Add(-time.Duration(m.Seconds * float64(time.Second)))
	if !began.Before(p.CreatedAt) {
		return true
	}
	settled := step(p.Pipeline.History.Settle, u.Interval.End.In(zoneOf(p.Pipeline.History)), 1)
	return !p.Fresh && !settled.After(p.CreatedAt) && !m.CreatedAt.Before(p.CreatedAt)
}

// inOrder reports whether some columns, which are all among others, follow each other as they do there.
func inOrder(some, all []hindcast.Column) bool {
	for _, c := range all {
		if len(some) > 0 && some[0].Name == c.Name {
			some = some[1:]
		}
	}
	return len(some) == 0
}

// sameTypes reports whether all of some columns are among others, as they are there.
func sameTypes(some, all []hindcast.Column) bool {
	for _, c := range some {
		i := slices.IndexFunc(all, func(o hindcast.Column) bool { return o.Name == c.Name })
		if i < 0 || all[i].Type != c.Type || all[i].Text != c.Text || all[i].Format != c.Format {
			return false
		}
	}
	return true
}
