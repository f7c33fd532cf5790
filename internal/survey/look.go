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
	l.marks, _ = s.Warehouse.Marks(ctx, slices.Compact(tables))

	for len(looks) > 0 {
		n := 1
		for n < len(looks) && looks[n].Name == looks[0].Name && looks[n].Source == looks[0].Source {
			n++
		}
		l.table(ctx, looks[:n])
		looks = looks[n:]
	}
	return l.found
}

// mark is the table's current mark, nil if it has none.
func (l *looker) mark(k *plan.Look) *hindcast.Mark {
	if mark, found := l.marks[k.Source]; found {
		return &mark
	}
	return nil
}

// table checks the units of one table, or a dimension. If the counters have not moved nothing is counted.
func (l *looker) table(ctx context.Context, looks []plan.Look) {
	moved := looks[:0:0]
	for _, k := range looks {
		if mark := l.mark(&k); mark == nil || k.Manifest.Mark == nil || *mark != *k.Manifest.Mark {
			moved = append(moved, k)
		}
	}
	source := l.sources[looks[0].Source]
	if len(moved) == 0 || source.View || len(l.Pipeline.Session) > 0 { // a session's settings may affect what is visible
		return
	}
	first := &moved[0]
	switch {
	case first.Interval.End.IsZero():
		l.dimension(ctx, first, source)
	case first.Time == "":
		l.whole(ctx, first)
	default:
		l.count(ctx, moved, source)
		l.drift(moved, len(looks) == 1 && l.named(first.Name))
	}
}

// named reports whether each period of the fact has its own table.
func (l *looker) named(fact string) bool {
	return slices.ContainsFunc(l.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Name == fact && f.TimeNamed() })
}

// drift reports what the counters say if the numbers of rows are the same.
func (l *looker) drift(looks []plan.Look, whole bool) {
	for i := range looks {
		k := &looks[i]
		why := plan.Drifted(k.Manifest.Mark, l.mark(k), whole)
		if why == "" || l.found[plan.LookedAt{Name: k.Name, Key: k.Manifest.Key}] != "" {
			continue
		}
		if whole {
			l.found[plan.LookedAt{Name: k.Name, Key: k.Manifest.Key}] = why
			continue
		}
		l.found[plan.LookedAt{Name: k.Name}] = why + " in " + k.Source + "; the counters do not say of which slices"
	}
}

// dimension compares a small one in full; for a large one, or one with counters, the counters decide.
func (l *looker) dimension(ctx context.Context, k *plan.Look, source plan.Source) {
	at := plan.LookedAt{Name: k.Name, Key: hindcast.WholeKey}
	if l.found[at] = plan.Drifted(k.Manifest.Mark, l.mark(k), true); l.found[at] != "" || l.mark(k) != nil || source.Rows > lookRows {
		return
	}
	sums, err := l.Warehouse.Sum(ctx, warehouse.Extract{Table: k.Source, Columns: k.Manifest.Columns, TimeZone: l.Pipeline.History.TimeZone})
	if err == nil && !sums.Agrees(k.Manifest.Sums) {
		if l.found[at] = plan.Counts(sums.Rows, k.Manifest.Sums.Rows); l.found[at] == "" {
			l.found[at] = "rows were updated"
		}
	}
}

// whole counts a table that is a single unit.
func (l *looker) whole(ctx context.Context, k *plan.Look) {
	at := plan.LookedAt{Name: k.Name, Key: k.Manifest.Key}
	if l.found[at] = plan.Drifted(k.Manifest.Mark, l.mark(k), true); l.found[at] != "" || l.mark(k) != nil {
		return
	}
	sums, err := l.Warehouse.Sum(ctx, warehouse.Extract{Table: k.Source, Columns: k.Manifest.Columns[:1], TimeZone: l.Pipeline.History.TimeZone})
	if err == nil {
		l.found[at] = plan.Counts(sums.Rows, k.Manifest.Sums.Rows)
	}
}

// count counts the rows of one table's units at once. A long history is first counted in longer ranges, and only those
// that differ are examined.
func (l *looker) count(ctx context.Context, looks []plan.Look, source plan.Source) {
	i := slices.IndexFunc(source.Columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, looks[0].Time) })
	if i < 0 {
		return
	}
	parts := inParts(looks, max(1, (len(looks)+lookParts-1)/lookParts))
	ask := warehouse.Published{Target: hindcast.Target{Table: looks[0].Source, Time: source.Columns[i].Name}, Columns: source.Columns[i : i+1],
		TimeZone: l.Pipeline.History.TimeZone}
	for _, part := range parts {
		ask.Intervals = append(ask.Intervals, hindcast.Interval{Start: part[0].Interval.Start, End: part[len(part)-1].Interval.End})
	}
	sums, err := l.Warehouse.Published(ctx, ask)
	if err != nil {
		return
	}
	for n, part := range parts {
		var lake int64
		for i := range part {
			lake += part[i].Manifest.Sums.Rows
		}
		switch {
		case sums[n].Rows == lake:
		case len(part) == 1:
			l.found[plan.LookedAt{Name: part[0].Name, Key: part[0].Manifest.Key}] = plan.Counts(sums[n].Rows, lake)
		default:
			l.count(ctx, part, source)
		}
	}
}

// inParts puts up to n units together that follow each other without a hole.
func inParts(looks []plan.Look, n int) (parts [][]plan.Look) {
	start := 0
	for i := 1; i <= len(looks); i++ {
		if i < len(looks) && i-start < n && looks[i-1].Interval.End.Equal(looks[i].Interval.Start) {
			continue
		}
		parts = append(parts, looks[start:i])
		start = i
	}
	return parts
}
