package plan

import (
	"slices"
	"time"

	"github.com/hindcast/hindcast"
)

// DraftUnit is a Unit while a plan is made. A long history has many, which differ in little: what they have in common they share.
type DraftUnit struct {
	Key         string
	Interval    hindcast.Interval
	Source      string
	Content     string
	Unloaded    time.Time
	Rows, Bytes int64
	Shared      *hindcast.Shared
	Mark        *hindcast.Mark // of the source, when the rows in the lake were unloaded; nil where the warehouse gives none
	*common
}

// common is what many units share, so it is never changed: see cutter.give.
type common struct {
	Fact    string
	Missing bool
	Gone    bool
	Unload  bool
	View    bool
	Why     string
	Columns []hindcast.Column
	Keep    []string
	Files   []hindcast.File
	Layouts []hindcast.Layout
}

// unit is the unit as the plan has it.
func (u *DraftUnit) unit() Unit {
	return Unit{Fact: u.Fact, Key: u.Key, Interval: u.Interval, Source: u.Source, Missing: u.Missing, Gone: u.Gone, Unload: u.Unload, Why: u.Why,
		Shared: u.Shared, Columns: u.Columns, Keep: u.Keep, Files: u.Files, Layouts: u.Layouts, Content: u.Content, Unloaded: u.Unloaded, Rows: u.Rows, Bytes: u.Bytes,
		View: u.View}
}

// give gives a unit what it shares with others: what was given last, if that is the same.
func (c *cutter) give(u *DraftUnit, is common) {
	if c.given == nil || !c.given.equal(&is) {
		given := is
		c.given = &given
	}
	u.common = c.given
}

// any reports whether something is true of what any unit shares with others.
func (c *cutter) any(is func(*common) bool) bool {
	var last *common
	for i := range c.units {
		if shared := c.units[i].common; shared != last {
			if is(shared) {
				return true
			}
			last = shared
		}
	}
	return false
}

func (a *common) equal(b *common) bool {
	return a.Fact == b.Fact && a.Missing == b.Missing && a.Gone == b.Gone && a.Unload == b.Unload && a.View == b.View && a.Why == b.Why &&
		identical(a.Columns, b.Columns) && slices.Equal(a.Keep, b.Keep) && identical(a.Files, b.Files) && identical(a.Layouts, b.Layouts)
}

// identical reports whether both are the same list, at the same place in memory.
func identical[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
