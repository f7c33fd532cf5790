package attempt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// reaches finds out which times slices take of the sources that are counted while they are read: time-named tables when
// they are unloaded, and the user's own files that the plan left open.
func (s *Steps) reaches() error {
	counts := func(f hindcast.Fact) bool { return f.Time != "" && (f.TimeNamed() || f.Files != "") }
	if !slices.ContainsFunc(s.plan.Pipeline.Facts, counts) {
		return nil
	}
	list, err := plan.Reaches(&s.plan.Pipeline, s.plan.History.End)
	for _, r := range list {
		s.reach[reachKey{r.Fact, r.Source}] = r.Within
	}
	return err
}

// first reports whether nobody began to count the source in this run.
func (s *Steps) first(key reachKey) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_, begun := s.strays[key]
	if !begun {
		s.strays[key] = nil
	}
	return !begun
}

// straysOfTable counts the rows of a time-named table that no slice takes, once in a run; nil where that is not done. What
// cannot be counted is no reason to fail: the slice has its rows.
func (s *Steps) straysOfTable(ctx context.Context, m *hindcast.Manifest, x warehouse.Extract) *hindcast.Strays {
	key := reachKey{m.Name, m.Source}
	within, timed := s.reach[key]
	u := s.units[unitKey{m.Name, m.Key}]
	if !timed || u == nil || u.plan.View || !s.fact(m.Name).TimeNamed() {
		return nil
	}
	if !s.first(key) {
		return s.countedOf(key)
	}

	x.Window = within
	counted, err := s.source.Strays(ctx, x, false)
	if err != nil {
		s.uncounted(key, err)
		return nil
	}
	return s.keep(key, hindcast.Strays{Within: within, NoTime: counted.NoTime, Outside: counted.Outside})
}

// straysOfFiles counts them in a unit of the user's own files, unless the plan or another slice did.
func (s *Steps) straysOfFiles(ctx context.Context, m *hindcast.Manifest) {
	key := reachKey{m.Name, m.Source}
	within, timed := s.reach[key]
	if !timed || m.Strays != nil || m.Sums.Rows == 0 || !s.first(key) {
		return
	}

	counted, err := s.binder.Strays(ctx, engine.Table{Name: m.Name, Columns: m.Columns, Time: hindcast.Spelled(m.Columns, m.Time), Window: within,
		Layouts: hindcast.Filled(m.Layouts, m.Files)}, s.plan.Pipeline.History.TimeZone)
	if err != nil {
		s.uncounted(key, err)
		return
	}
	s.keep(key, counted)
}

func (s *Steps) keep(key reachKey, counted hindcast.Strays) *hindcast.Strays {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.strays[key] = &counted
	return &counted
}

func (s *Steps) countedOf(key reachKey) *hindcast.Strays {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.strays[key]
}

// uncounted leaves the counting to who reads the source next.
func (s *Steps) uncounted(key reachKey, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.strays, key)
	_, _ = fmt.Fprintf(s.log, "%s counting the rows of %s that no slice takes: %s\n", s.now().Format(time.TimeOnly), key.source, hindcast.AsError(err).Message)
}

// counts are what is known of a unit of the user's own files: from the plan, or from this run.
func (s *Steps) counts(m *hindcast.Manifest) *hindcast.Strays {
	if m.Strays != nil {
		return m.Strays
	}
	return s.countedOf(reachKey{m.Name, m.Source})
}

// untold are the strays among the files that the run counted and has not reported.
func (s *Steps) untold(own []*hindcast.Manifest) (list []hindcast.Stray) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, m := range own {
		key := reachKey{m.Name, m.Source}
		if counted := s.strays[key]; counted != nil && !s.told[key] {
			s.told[key] = true
			list = append(list, some(&hindcast.Manifest{Name: m.Name, Source: m.Source, Time: m.Time, Strays: counted})...)
		}
	}
	return list
}

// some is what a manifest says of strays, if there are any.
func some(m *hindcast.Manifest) []hindcast.Stray {
	if m.Strays == nil || m.Strays.None() {
		return nil
	}
	return []hindcast.Stray{{Fact: m.Name, Source: m.Source, Time: m.Time, Strays: *m.Strays}}
}
