// Package query answers an ad hoc query over one slice, for `hindcast sql`.
package query

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Query is an ad hoc query over one slice.
type Query struct {
	Slice  string // "" is the latest
	Text   string
	File   string  // where the text is from, for places in errors
	Sample float64 // per cent of each fact's rows; 0 is all
	Limit  int
}

// Run answers a query over a slice's facts and dimensions as the transform would see them. The session's engine is open. What
// is not in the lake is read from the warehouse, which is opened for it, into the session's folder, which its Close removes.
func Run(ctx context.Context, s *session.Session, q Query, now time.Time) (engine.Rows, error) {
	sampler, ok := s.Binder.(engine.Sampler)
	if !ok {
		return engine.Rows{}, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
			Message: "the engine " + s.Engine.Properties().Name + " runs no queries by hand", Next: "use the engine duckdb"}
	}
	// By the lake alone first: a run may have the warehouse to itself, and the query may need none.
	p, err := fromLake(ctx, s, q.Slice, now)
	var unknown error // a column that the lake has not, or that there is not at all
	if err == nil {
		rows, err := over(ctx, s, sampler, p, q, now)
		if err == nil || hindcast.AsError(err).Code != hindcast.ESQLColumn || !narrows(s.Pipeline) {
			return rows, err
		}
		unknown = err
	}
	if err := s.Reach(ctx); err != nil {
		if unknown != nil {
			return engine.Rows{}, errors.Join(unknown, err)
		}
		return engine.Rows{}, err
	}
	if p, err = planAny(ctx, s, q.Slice, now); err != nil {
		return engine.Rows{}, err
	}
	return over(ctx, s, sampler, p, q, now)
}

// narrows reports whether the lake may have fewer columns than the warehouse.
func narrows(p *hindcast.Pipeline) bool {
	return slices.ContainsFunc(p.Facts, func(f hindcast.Fact) bool { return f.Used }) ||
		slices.ContainsFunc(p.Dims, func(d hindcast.Dim) bool { return d.Used })
}

// over runs the query over the last of the plan's slices.
func over(ctx context.Context, s *session.Session, sampler engine.Sampler, p *plan.Plan, q Query, now time.Time) (engine.Rows, error) {
	item := p.Items[len(p.Items)-1]
	query, err := engine.Bound(s.Pipeline.Transform.Dialect, q.Text, q.File, plan.Params(item.Slice, now, s.Pipeline))
	if err != nil {
		return engine.Rows{}, err
	}
	query.TimeZone, query.Now = s.Pipeline.History.TimeZone, now
	r := &reader{Session: s, plan: p, item: item, scratch: s.Spilled(), sample: q.Sample, reads: readBy(ctx, s, query, p, item)}
	defer r.release()
	if query.Tables, err = r.tables(ctx); err != nil {
		return engine.Rows{}, err
	}
	return sampler.Query(ctx, query, engine.Limits{}, q.Limit)
}

// fromLake plans the slice by the lake alone.
func fromLake(ctx context.Context, s *session.Session, slice string, now time.Time) (*plan.Plan, error) {
	if slice == "" {
		to, err := plan.ResolveTo(s.Pipeline, now)
		if err != nil {
			return nil, err
		}
		history, err := plan.Cut(s.Pipeline.History, to)
		if err != nil {
			return nil, err
		}
		slice = history[len(history)-1].Key
	}
	return s.Survey(session.Choice{Slices: slice, Force: true}, now).FromLake(ctx)
}

// planAny plans the slice without binding the pipeline's SQL, which may be what is being worked on.
func planAny(ctx context.Context, s *session.Session, slice string, now time.Time) (*plan.Plan, error) {
	asked := s.Survey(session.Choice{Slices: slice, Force: true}, now)
	return asked.Draft(ctx)
}

// readBy says which columns of each table the query reads; nothing of a table where that is not sure, or where the query is
// wrong: it is bound after this.
func readBy(ctx context.Context, s *session.Session, query engine.Query, p *plan.Plan, item plan.Item) map[string][]string {
	for _, f := range s.Pipeline.Facts {
		t := engine.Table{Name: f.Name, Time: f.Time}
		var groups []plan.Group
		for _, key := range item.Units.Of(f.Name) {
			u := unitOf(p, f.Name, key)
			groups = append(groups, plan.Group{Source: u.Source, Columns: u.Columns})
		}
		t.Columns, _ = plan.Unite(groups)
		query.Tables = append(query.Tables, t)
	}
	for _, d := range p.Dims {
		query.Tables = append(query.Tables, engine.Table{Name: d.Name, Columns: d.Columns})
	}
	used, err := s.Binder.Used(ctx, query, nil)
	if err != nil {
		return nil
	}
	return used
}

// reader finds a slice's rows wherever they are.
type reader struct {
	*session.Session
	plan    *plan.Plan
	item    plan.Item
	scratch string
	sample  float64
	n       int
	reads   map[string][]string // columns, by table; one that is not there is read whole
	held    []func()            // release what was localized
}

func (r *reader) release() {
	for _, release := range r.held {
		release()
	}
}

func (r *reader) tables(ctx context.Context) ([]engine.Table, error) {
	var units []lake.Unit
	for _, need := range r.item.Units {
		for _, key := range need.Keys {
			units = append(units, lake.Unit{Fact: need.Fact, Key: key})
		}
	}
	facts, dims, err := r.Lake.CurrentOf(ctx, units)
	if err != nil {
		return nil, err
	}
	var tables []engine.Table
	for _, f := range r.Pipeline.Facts {
		t := engine.Table{Name: f.Name, Time: f.Time, Window: plan.Window(f, r.item.Slice), Own: r.item.Slice.Interval, Sample: r.sample}
		var groups []plan.Group
		for _, key := range r.item.Units.Of(f.Name) {
			u := unitOf(r.plan, f.Name, key)
			t.Layouts = append(t.Layouts, hindcast.Filled(u.Layouts, u.Files)...)
			columns, files, err := r.unit(ctx, f, u, facts[f.Name][key])
			if err != nil {
				return nil, err
			}
			groups = append(groups, plan.Group{Source: u.Source, Columns: plan.Seen(u.Columns, columns)})
			t.Groups = append(t.Groups, engine.Group{Columns: groups[len(groups)-1].Columns, Files: files})
			t.Files = append(t.Files, files...)
		}
		var alike bool
		if t.Columns, alike = plan.Unite(groups); alike {
			t.Groups = nil
		} else {
			t.Files = nil
		}
		t.Time = hindcast.Spelled(t.Columns, t.Time)
		tables = append(tables, t)
	}
	for _, d := range r.plan.Dims {
		t := engine.Table{Name: d.Name, Columns: d.Columns}
		switch m := dims[d.Name]; {
		case len(d.Files) > 0:
			t.Layouts = hindcast.Filled(d.Layouts, d.Files)
			t.Files, err = r.paths(ctx, d.Files)
		case m != nil && r.covered(d.Name, d.Columns, m.Columns):
			t.Columns = plan.Seen(d.Columns, m.Columns)
			t.Files, err = r.paths(ctx, m.Files)
		default:
			var columns []hindcast.Column
			columns, t.Files, err = r.fetch(ctx, warehouse.Extract{Table: d.Source, Columns: r.wanted(d.Name, "", d.Columns)})
			t.Columns = plan.Seen(d.Columns, columns)
		}
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func unitOf(p *plan.Plan, fact, key string) plan.Unit {
	for _, u := range p.Units {
		if u.Fact == fact && u.Key == key {
			return u
		}
	}
	return plan.Unit{Fact: fact, Key: key, Missing: true}
}

func (r *reader) unit(ctx context.Context, f hindcast.Fact, u plan.Unit, m *hindcast.Manifest) ([]hindcast.Column, []string, error) {
	switch {
	case len(u.Files) > 0:
		paths, err := r.paths(ctx, u.Files)
		return u.Columns, paths, err
	case m != nil && m.Interval.Equal(u.Interval) && m.Source == u.Source && strings.EqualFold(m.Time, f.Time) && (m.Missing || r.covered(f.Name, u.Columns, m.Columns)):
		paths, err := r.paths(ctx, m.Files)
		return m.Columns, paths, err
	case u.Missing:
		return u.Columns, nil, nil
	}
	return r.fetch(ctx, warehouse.Extract{Table: u.Source, Columns: r.wanted(f.Name, f.Time, u.Columns), Time: hindcast.Spelled(u.Columns, f.Time), Window: u.Interval,
		TimeZone: r.Pipeline.History.TimeZone})
}

// wanted are the columns of a table that the query reads; one, where it only counts rows.
func (r *reader) wanted(name, time string, all []hindcast.Column) []hindcast.Column {
	all = hindcast.Present(all)
	reads, sure := r.reads[name]
	if !sure {
		return all
	}
	columns := slices.DeleteFunc(slices.Clone(all), func(c hindcast.Column) bool {
		return !slices.Contains(reads, c.Name) && (time == "" || !strings.EqualFold(c.Name, time))
	})
	if len(columns) == 0 {
		return all[:min(1, len(all))]
	}
	return columns
}

// covered reports whether the lake has what the query reads of a table.
func (r *reader) covered(name string, all, inLake []hindcast.Column) bool {
	if reads, sure := r.reads[name]; sure && len(reads) == 0 {
		return true
	}
	return !slices.ContainsFunc(r.wanted(name, "", all), func(c hindcast.Column) bool {
		return !slices.ContainsFunc(inLake, func(l hindcast.Column) bool { return l.Name == c.Name })
	})
}

func (r *reader) fetch(ctx context.Context, x warehouse.Extract) ([]hindcast.Column, []string, error) {
	r.n++
	dir := filepath.Join(r.scratch, fmt.Sprintf("query-%d", r.n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("making a folder for the query: %w", err)
	}
	out, err := r.Warehouse.Unload(ctx, warehouse.Unload{Extract: x, Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	paths, err := r.paths(ctx, out.Files)
	return out.Columns, paths, err
}

// paths are where the files can be read until the reader is released.
func (r *reader) paths(ctx context.Context, files []hindcast.File) ([]string, error) {
	paths, release, err := r.Lake.Localize(ctx, files, nil)
	if err != nil {
		return nil, err
	}
	r.held = append(r.held, release)
	return paths, nil
}
