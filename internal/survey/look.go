package survey

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// What checking the sources may cost: a plan must not read them.
const (
	lookTime  = 2 * time.Second
	lookParts = 256     // counts at once
	lookRows  = 1 << 20 // of a dimension that is compared whole
)

// looker finds cheaply what changed at the source since it was unloaded: by the warehouse's counters if it has them, by
// the number of rows, and for small dimensions by all values.
type looker struct {
	*Survey
	sources map[string]plan.Source
	marks   map[string]hindcast.Mark
	found   map[plan.LookedAt]string
}

// look returns how the sources moved. What cannot be checked in time is left out: no plan fails because of it.
func (s *Survey) look(ctx context.Context, d *plan.Draft) map[plan.LookedAt]string {
	looks := d.Looks()
	if len(looks) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	l := &looker{Survey: s, sources: d.Sources, found: map[plan.LookedAt]string{}}
	var tables []string
	for _, k := range looks {
		tables = append(tables, k.Source)
	}
	slices.Sort(tables)
	l.marks, _ = s.Source.Marks(ctx, slices.Compact(tables))

	for i := range looks {
		l.table(ctx, &looks[i])
	}
	return l.found
}

// mark is the table's current mark, nil if it has none.
func (l *looker) mark(source string) *hindcast.Mark {
	if mark, found := l.marks[source]; found {
		return &mark
	}
	return nil
}

// table checks the units of one table, or a dimension. If the counters have not moved nothing is counted.
func (l *looker) table(ctx context.Context, look *plan.Look) {
	now := l.mark(look.Source)
	moved := func(was *hindcast.Mark) bool { return now == nil || was == nil || *now != *was }
	source := l.sources[look.Source]
	if source.View || len(l.Pipeline.Session)+len(l.Pipeline.SourceSession) > 0 { // a session's settings may affect what is visible
		for _, u := range look.Units {
			if moved(u.Mark) {
				u.Decline() // nobody knows what it would be now: a view may be another one since
			}
		}
		return
	}
	if look.Dim != nil {
		if moved(look.Dim.Mark) {
			l.dimension(ctx, look, source)
		}
		return
	}

	units := slices.DeleteFunc(slices.Clone(look.Units), func(u *plan.DraftUnit) bool { return !moved(u.Mark) })
	switch {
	case len(units) == 0:
	case look.Time == "":
		l.whole(ctx, look, units[0])
	default:
		l.count(ctx, look, units, source)
		l.drift(look, units)
	}
}

// named reports whether each period of the fact has its own table.
func (l *looker) named(fact string) bool {
	return slices.ContainsFunc(l.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Name == fact && f.TimeNamed() })
}

// drift reports what the counters say if the numbers of rows are the same.
func (l *looker) drift(look *plan.Look, units []*plan.DraftUnit) {
	whole := len(look.Units) == 1 && l.named(look.Name)
	for _, u := range units {
		at := plan.LookedAt{Name: look.Name, Key: u.Key}
		if u.Shared != nil {
			if !plan.Grew(u.Mark, l.mark(look.Source)) {
				u.Decline() // these may be rows that changed
			}
			continue
		}
		why := plan.Drifted(u.Mark, l.mark(look.Source), whole)
		if why == "" || l.found[at] != "" {
			continue
		}
		if whole {
			l.found[at] = why
			continue
		}
		l.found[plan.LookedAt{Name: look.Name}] = why + " in " + look.Source + "; the counters do not say of which slices"
	}
}

// dimension compares a small one in full; for a large one, or one with counters, the counters decide.
func (l *looker) dimension(ctx context.Context, look *plan.Look, source plan.Source) {
	at := plan.LookedAt{Name: look.Name, Key: hindcast.WholeKey}
	if l.found[at] = plan.Drifted(look.Dim.Mark, l.mark(look.Source), true); l.found[at] != "" || l.mark(look.Source) != nil || source.Rows > lookRows {
		return
	}
	sums, err := l.Source.Sum(ctx, warehouse.Extract{Table: look.Source, Columns: look.Dim.Columns, TimeZone: l.Pipeline.History.TimeZone})
	if err == nil && !sums.Agrees(look.Dim.Sums) {
		if l.found[at] = plan.Counts(sums.Rows, look.Dim.Sums.Rows); l.found[at] == "" {
			l.found[at] = "rows were updated"
		}
	}
}

// whole counts a table that is a single unit.
func (l *looker) whole(ctx context.Context, look *plan.Look, u *plan.DraftUnit) {
	if u.Shared != nil && l.mark(look.Source) != nil {
		u.Decline() // its counters moved
		return
	}
	at := plan.LookedAt{Name: look.Name, Key: u.Key}
	if l.found[at] = plan.Drifted(u.Mark, l.mark(look.Source), true); l.found[at] != "" || l.mark(look.Source) != nil {
		return
	}
	sums, err := l.Source.Sum(ctx, warehouse.Extract{Table: look.Source, Columns: hindcast.Present(u.Columns)[:1], TimeZone: l.Pipeline.History.TimeZone})
	if err == nil {
		l.found[at] = plan.Counts(sums.Rows, u.Rows)
	}
}

// count counts the rows of one table's units at once. A long history is first counted in longer ranges, and only those
// that differ are examined.
func (l *looker) count(ctx context.Context, look *plan.Look, units []*plan.DraftUnit, source plan.Source) {
	i := slices.IndexFunc(source.Columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, look.Time) })
	if i < 0 {
		return
	}
	parts := inParts(units, max(1, (len(units)+lookParts-1)/lookParts))
	ask := warehouse.Published{Target: hindcast.Target{Table: look.Source, Time: source.Columns[i].Name, Format: look.Format},
		Columns:  hindcast.Timed(source.Columns[i:i+1], look.Time, look.Format),
		TimeZone: l.Pipeline.History.TimeZone}
	for _, part := range parts {
		ask.Intervals = append(ask.Intervals, hindcast.Interval{Start: part[0].Interval.Start, End: part[len(part)-1].Interval.End})
	}
	sums, err := l.Source.Published(ctx, ask)
	if err != nil {
		return
	}
	for n, part := range parts {
		var lake int64
		for _, u := range part {
			lake += u.Rows
		}
		switch {
		case sums[n].Rows == lake:
		case len(part) == 1:
			l.found[plan.LookedAt{Name: look.Name, Key: part[0].Key}] = plan.Counts(sums[n].Rows, lake)
		default:
			l.count(ctx, look, part, source)
		}
	}
}

// inParts puts up to n units together that follow each other without a hole.
func inParts(units []*plan.DraftUnit, n int) (parts [][]*plan.DraftUnit) {
	start := 0
	for i := 1; i <= len(units); i++ {
		if i < len(units) && i-start < n && units[i-1].Interval.End.Equal(units[i].Interval.Start) {
			continue
		}
		parts = append(parts, units[start:i])
		start = i
	}
	return parts
}
