package query

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/warehouse"
)

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
	fetched []string            // tables that were read from the warehouse
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
		if t.Columns, alike = plan.Unite(groups, f.Declared); alike {
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
		case m != nil && r.covered(d.Name, r.textOf(d.Name), d.Columns, m.Columns):
			t.Columns = plan.Seen(d.Columns, m.Columns)
			t.Files, err = r.paths(ctx, m.Files)
		default:
			var columns []hindcast.Column
			columns, t.Files, err = r.fetch(ctx, d.Name, warehouse.Extract{Table: d.Source, Columns: r.wanted(d.Name, "", d.Columns)})
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
	case m != nil && u.Matches(m, f) && !r.elsewhere(m) && (m.Missing || r.covered(f.Name, f.Text, u.Columns, m.Columns)):
		paths, err := r.paths(ctx, m.Files)
		return m.Columns, paths, err
	case u.Missing:
		return u.Columns, nil, nil
	}
	return r.fetch(ctx, f.Name, warehouse.Extract{Table: u.Source, Columns: r.wanted(f.Name, f.Time, u.Columns), Time: hindcast.Spelled(u.Columns, f.Time), Window: u.Interval,
		TimeZone: r.Pipeline.History.TimeZone})
}

// elsewhere reports whether a generation is of another database than the one that is read now, where that can be asked.
func (r *reader) elsewhere(m *hindcast.Manifest) bool {
	return r.Source != nil && plan.FromElsewhere(m, r.Database())
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

// textOf are a dimension's columns that are carried as text.
func (r *reader) textOf(dim string) []string {
	i := slices.IndexFunc(r.Pipeline.Dims, func(d hindcast.Dim) bool { return d.Name == dim })
	return r.Pipeline.Dims[i].Text
}

// covered reports whether the lake has what the query reads of a table, as text where the pipeline says so now.
func (r *reader) covered(name string, text []string, all, inLake []hindcast.Column) bool {
	if reads, sure := r.reads[name]; sure && len(reads) == 0 {
		return true
	}
	return !slices.ContainsFunc(r.wanted(name, "", all), func(c hindcast.Column) bool {
		asText := slices.ContainsFunc(text, func(n string) bool { return strings.EqualFold(n, c.Name) })
		return !slices.ContainsFunc(inLake, func(l hindcast.Column) bool { return l.Name == c.Name && l.Text == asText })
	})
}

// errNotInLake means that the lake alone does not have what the query reads.
var errNotInLake = errors.New("not all of it is in the lake")

func (r *reader) fetch(ctx context.Context, name string, x warehouse.Extract) ([]hindcast.Column, []string, error) {
	if r.Source == nil {
		return nil, nil, errNotInLake
	}
	r.n++
	if !slices.Contains(r.fetched, name) {
		r.fetched = append(r.fetched, name)
	}
	dir := filepath.Join(r.scratch, fmt.Sprintf("query-%d", r.n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("making a folder for the query: %w", err)
	}
	out, err := r.Source.Unload(ctx, warehouse.Unload{Extract: x, Dir: dir})
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
