package survey

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// strays finds the rows that no slice takes in what the plan's slices read. It counts where that reads next to nothing; a
// run counts what is left open here when it reads it. To compare, the user's own files are counted however long it takes.
func (s *Survey) strays(ctx context.Context, in plan.Inputs, d *plan.Draft, p *plan.Plan) ([]hindcast.Stray, error) {
	reaches, err := plan.Reaches(s.Pipeline, p.History.End)
	if err != nil || len(reaches) == 0 {
		return nil, err
	}
	units := readUnits(d, p)
	records, err := s.counted(ctx)
	if err != nil {
		return nil, err
	}

	if !s.Compare {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lookTime)
		defer cancel()
	}
	var list []hindcast.Stray
	for _, r := range reaches {
		read := units[[2]string{r.Fact, r.Source}]
		if len(read) == 0 || read[0].Missing || read[0].Gone {
			continue
		}
		found, err := s.straysOf(ctx, in, r, read, records)
		if err != nil {
			return nil, fmt.Errorf("looking at %s: %w", r.Source, err)
		}
		if found != nil && !found.None() {
			list = append(list, *found)
		}
	}
	return list, nil
}

// straysOf counts one source's; nil if that would cost too much, or is not known yet.
func (s *Survey) straysOf(ctx context.Context, in plan.Inputs, r plan.Reach, units []*plan.Unit, records map[plan.LookedAt]*hindcast.Manifest) (*hindcast.Stray, error) {
	found := &hindcast.Stray{Fact: r.Fact, Source: r.Source, Time: r.Time, Strays: hindcast.Strays{Within: r.Within}}
	fact := s.fact(r.Fact)
	switch {
	case fact.Files != "":
		u := units[0]
		s.straysOfFiles(ctx, r, u, records[plan.LookedAt{Name: u.Fact, Key: u.Key}])
		if u.Strays == nil {
			return nil, nil
		}
		found.Strays = *u.Strays
	case fact.TimeNamed():
		known := countedIn(in.Current, r, units)
		if known == nil {
			return nil, nil // it is counted when it is unloaded
		}
		found.Strays = *known
	case units[0].View:
		return nil, nil
	default:
		columns := hindcast.Timed(carried(in.Sources[r.Source].Columns), r.Time, fact.Format)
		strays, err := s.Source.Strays(ctx, warehouse.Extract{Table: r.Source, Columns: columns, Time: hindcast.Spelled(columns, r.Time), Window: r.Within,
			TimeZone: s.Pipeline.History.TimeZone}, true)
		if err != nil && ctx.Err() != nil {
			return nil, nil
		}
		found.NoTime, found.Outside, found.Estimate = strays.NoTime, strays.Outside, strays.Estimate
		return found, err
	}
	return found, nil
}

// readUnits are the units that the draft's slices read, by fact and source: as the plan has them, where it does.
func readUnits(d *plan.Draft, p *plan.Plan) map[[2]string][]*plan.Unit {
	planned := make(map[plan.LookedAt]*plan.Unit, len(p.Units))
	for i := range p.Units {
		planned[plan.LookedAt{Name: p.Units[i].Fact, Key: p.Units[i].Key}] = &p.Units[i]
	}
	units := map[[2]string][]*plan.Unit{}
	for _, u := range d.Read() {
		at := [2]string{u.Fact, u.Source}
		if own := planned[plan.LookedAt{Name: u.Fact, Key: u.Key}]; own != nil {
			units[at] = append(units[at], own)
			continue
		}
		u.Unload = false // no slice that runs reads it
		units[at] = append(units[at], &u)
	}
	return units
}

func (s *Survey) fact(name string) hindcast.Fact {
	i := slices.IndexFunc(s.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Name == name })
	return s.Pipeline.Facts[i]
}

// countedIn is what was counted in a time-named table when one of its units was unloaded, unless that is done again.
func countedIn(current plan.Generations, r plan.Reach, units []*plan.Unit) (known *hindcast.Strays) {
	for _, u := range units {
		m, found := current.Of(u.Fact, u.Key)
		if u.Unload {
			return nil
		}
		if found && m.Source == r.Source && m.Strays != nil && m.Strays.Within.Equal(r.Within) {
			known = m.Strays
		}
	}
	return known
}

// straysOfFiles counts in a unit of the user's own files, unless that was done when the files were last read. What cannot
// be counted, or not in time, is left open: no plan fails because of it.
func (s *Survey) straysOfFiles(ctx context.Context, r plan.Reach, u *plan.Unit, record *hindcast.Manifest) {
	if record != nil && record.Sums.Content == u.Content && record.Strays != nil && record.Strays.Within.Equal(r.Within) &&
		record.Time == r.Time && typeOf(record.Columns, r.Time) == typeOf(u.Columns, r.Time) {
		u.Strays = record.Strays
		return
	}
	found, err := s.Binder.Strays(ctx, engine.Table{Name: u.Fact, Columns: u.Columns, Time: hindcast.Spelled(u.Columns, r.Time), Window: r.Within, Layouts: hindcast.Filled(u.Layouts, u.Files)},
		s.Pipeline.History.TimeZone)
	if err == nil {
		u.Strays = &found
	}
}

func typeOf(columns []hindcast.Column, name string) string {
	if i := slices.IndexFunc(columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, name) }); i >= 0 {
		return columns[i].Type
	}
	return ""
}

// counted are the records of the user's own files, which hold what was counted in them.
func (s *Survey) counted(ctx context.Context) (map[plan.LookedAt]*hindcast.Manifest, error) {
	if !s.Pipeline.OwnFiles() {
		return nil, nil
	}
	records, err := s.Lake.Records(ctx)
	if err != nil {
		return nil, err
	}
	byName := make(map[plan.LookedAt]*hindcast.Manifest, len(records))
	for _, r := range records {
		byName[plan.LookedAt{Name: r.Name, Key: r.Key}] = r
	}
	return byName, nil
}
