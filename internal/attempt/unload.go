package attempt

import (
	"context"
	"fmt"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Unload brings the slice's units into the lake and reports each that it unloaded; those that are there already cost
// nothing.
func (s *Steps) Unload(ctx context.Context, try supervisor.Try, report supervisor.Report) error {
	waits := func(fact, who string) {
		report(hindcast.Event{Type: hindcast.EventUnloadWaits, Fact: fact, Message: who})
	}
	each := func(m *hindcast.Manifest, seconds float64) {
		report(hindcast.Event{Type: hindcast.EventStepFinished, Fact: m.Name, Rows: m.Sums.Rows, Bytes: m.Bytes, Seconds: seconds, Manifest: m, Strays: some(m)})
	}
	for _, need := range try.Item.Units {
		for _, key := range need.Keys {
			u := s.units[unitKey{need.Fact, key}]
			if u == nil {
				return fmt.Errorf("unloading %s of %s: %w", key, need.Fact, errNoUnit)
			}
			if err := s.unloadUnit(ctx, u, try.Attempt, each, waits); err != nil {
				return err
			}
		}
	}
	return nil
}

// unloadUnit unloads one unit unless it is there; a second slice that needs it waits for the first.
func (s *Steps) unloadUnit(ctx context.Context, u *unit, attempt int, each func(m *hindcast.Manifest, seconds float64), waits func(fact, who string)) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.manifest != nil {
		return s.tidy(ctx, u)
	}
	u.tried = max(u.tried+1, attempt) // another slice may have tried in its attempt of the same number, into a folder of its own
	m := &hindcast.Manifest{Name: u.plan.Fact, Key: u.plan.Key, Interval: u.plan.Interval, Source: u.plan.Source, Database: s.plan.Database, Access: s.plan.Access,
		Run: s.plan.Run, Fence: s.fence, Attempt: u.tried, Missing: u.plan.Missing}
	fact := s.fact(u.plan.Fact)
	m.Time = fact.Time
	current, err := s.lake.CurrentUnit(ctx, m.Name, m.Key)
	if err != nil {
		return err
	}
	m.Generation, m.Columns = lake.NextGeneration(current), plan.Alike(plan.Extracted(u.plan.Columns, u.plan.Keep), fact.Columns, current)
	extract := warehouse.Extract{Table: u.plan.Source, Columns: m.Columns, Time: hindcast.Spelled(m.Columns, fact.Time), Window: u.plan.Interval,
		TimeZone: s.plan.Pipeline.History.TimeZone}
	if err := s.sharing(ctx, u, current, m, extract, waits); err != nil {
		if u.damage != nil {
			return beyondRepair(u.damage, s.plan.Reader(m.Name, m.Key), err)
		}
		return err
	}
	u.manifest = m
	seconds := m.Seconds
	if m.Shared != nil { // m.Seconds is what the other pipeline's unload took
		seconds = u.cloned.Seconds()
	}
	each(m, seconds)
	return s.tidy(ctx, u)
}

// filesManifest stands for the user's own files: nothing is moved.
func filesManifest(u plan.Unit, time string) *hindcast.Manifest {
	m := &hindcast.Manifest{Name: u.Fact, Key: u.Key, Interval: u.Interval, Source: u.Source, Time: time, Missing: u.Missing, Columns: u.Columns,
		Strays: u.Strays, Files: u.Files, Layouts: u.Layouts, Bytes: u.Bytes, Sums: hindcast.Sums{Rows: max(u.Rows, 0), Content: u.Content}}
	return m
}

// generate unloads a new generation after current and publishes it: the manifest comes last.
func (s *Steps) generate(ctx context.Context, current, m *hindcast.Manifest, extract warehouse.Extract) error {
	started, prefix := s.now(), s.lake.Prefix(m)
	defer func() { _ = s.lake.Clear(prefix) }() // what is left goes with the scratch folder
	if !m.Missing {
		if err := s.extract(ctx, m, prefix, extract); err != nil {
			return err
		}
	}
	if err := s.refuseLoss(current, m); err != nil {
		return err
	}
	m.CreatedAt = s.now().UTC()
	m.Seconds = s.now().Sub(started).Seconds()
	return s.lake.PublishUnit(ctx, m)
}

// tidy deletes the generations that this run's new one supersedes, and what died attempts at it left. After a
// resume that may still be to do, though the new generation is there.
func (s *Steps) tidy(ctx context.Context, u *unit) error {
	if u.tidy || u.manifest.Run != s.plan.Run || u.manifest.Generation == 0 {
		return nil
	}
	_, err := s.lake.Prune(ctx, u.manifest.Name, u.manifest.Key, s.fence, keep(u.manifest))
	u.tidy = err == nil
	return err
}

// keep says which generations may still be needed: the new one, and the one before, which the slices that were
// committed last were made from.
func keep(m *hindcast.Manifest) map[int]bool {
	return map[int]bool{m.Generation: true, m.Generation - 1: true}
}

func (s *Steps) extract(ctx context.Context, m *hindcast.Manifest, prefix string, extract warehouse.Extract) error {
	dir, err := s.lake.Empty(ctx, prefix)
	if err != nil {
		return err
	}
	m.Mark = s.mark(ctx, extract.Table)
	out, err := s.source.Unload(ctx, warehouse.Unload{Extract: extract, Dir: dir, URL: s.lake.Remotely(prefix), Memory: s.plan.Shares.Warehouse,
		Facts: s.plan.Pipeline.Transform.Translates()})
	if err != nil {
		return err
	}
	m.Columns, m.Files, m.Bytes, m.Sums, m.Facts = out.Columns, out.Files, out.Bytes, out.Sums, out.Facts
	if s.plan.Pipeline.Transform.Translates() {
		m.Facts = bounded(out.Facts, out.Columns, out.Files)
	}
	m.Strays = s.straysOfTable(ctx, m, extract)
	return nil
}

// mark is what the warehouse counts of the table's changes before it is unloaded: what comes while it is read is after that.
// It serves a later plan's look, and nothing else misses it.
func (s *Steps) mark(ctx context.Context, table string) *hindcast.Mark {
	marks, err := s.source.Marks(ctx, []string{table})
	if mark, found := marks[table]; err == nil && found {
		return &mark
	}
	return nil
}

// refuseLoss keeps a source that lost rows from silently taking the place of a fuller generation.
func (s *Steps) refuseLoss(before, now *hindcast.Manifest) error {
	cutAlike := before != nil && !plan.FromElsewhere(before, now.Database) && before.Interval.Equal(now.Interval) && before.Time == now.Time
	if !cutAlike || s.plan.AcceptLoss || now.Sums.Rows >= before.Sums.Rows {
		return nil
	}
	what := now.Source
	if !now.Interval.End.IsZero() {
		what += " (" + s.plan.UnitLabel(now.Name, now.Key) + ")"
	}
	return &hindcast.Error{Code: hindcast.ESource, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("%s has %s now; generation %d of %s had %s", what, numbers.Counted(now.Sums.Rows, "row"), before.Generation,
			before.CreatedAt.Format("2006-01-02"), numbers.Thousands(before.Sums.Rows)),
		Next: "the fuller generation is still in the lake; if the rows were deleted on purpose: hindcast unload --fresh --accept-loss --slices " + s.plan.Reader(now.Name, now.Key)}
}

// Dimensions unloads the dimensions that are due, before any slice; each is reported once it is in the lake.
func (s *Steps) Dimensions(ctx context.Context, each func(*hindcast.Manifest)) error {
	for _, d := range s.plan.Dims {
		if !d.Unload {
			continue
		}
		current := s.dim(d.Name)
		if current != nil && current.Run == s.plan.Run {
			continue
		}
		m, err := s.dimension(ctx, d, current)
		if err != nil {
			return err
		}
		s.mutex.Lock()
		s.dims[d.Name] = m
		s.mutex.Unlock()
		each(m)
	}
	return nil
}

// dimension unloads one. Each try has a prefix of its own: a warehouse that writes by itself may not have ended the one before.
func (s *Steps) dimension(ctx context.Context, d plan.DimItem, current *hindcast.Manifest) (*hindcast.Manifest, error) {
	s.mutex.Lock()
	s.dimTries[d.Name]++
	attempt := s.dimTries[d.Name]
	s.mutex.Unlock()

	m := &hindcast.Manifest{Name: d.Name, Key: hindcast.WholeKey, Source: d.Source, Database: s.plan.Database, Run: s.plan.Run, Fence: s.fence, Attempt: attempt,
		Columns:    plan.Extracted(d.Columns, d.Keep),
		Generation: lake.NextGeneration(current)}
	extract := warehouse.Extract{Table: d.Source, Columns: m.Columns, TimeZone: s.plan.Pipeline.History.TimeZone}
	if err := s.generate(ctx, current, m, extract); err != nil {
		return nil, fmt.Errorf("unloading dimension %s: %w", d.Name, err)
	}
	_, err := s.lake.PruneDim(ctx, d.Name, s.fence, keep(m))
	return m, err
}
