package survey

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
)

// wide is the number of columns from which a table is examined, because the plan may have advice about it.
const wide = 20

// reads returns which columns SQL and checks read, of all outputs, over every schema that the slices have: what one of them
// reads is read. A table of which the binder is not sure in one of them is left out. Empty if nothing depends on it.
func (s *Survey) reads(ctx context.Context, p *plan.Plan, schemas []schema) (map[string]plan.Reads, error) {
	if !slices.ContainsFunc(schemas, s.asks) {
		return map[string]plan.Reads{}, nil
	}
	found := map[string]plan.Reads{}
	needed := map[string][]string{} // of tables with columns that cannot be carried
	for _, group := range schemas {
		for k := range s.Pipeline.Outputs {
			query, checks, err := s.query(p, &s.Pipeline.Outputs[k], group)
			if err != nil {
				return nil, err
			}
			if err := s.readBy(ctx, query, checks, found); err != nil {
				return nil, err
			}
			if err := s.needed(ctx, query, checks, found, needed); err != nil {
				return nil, err
			}
		}
	}
	for k := range s.Pipeline.Outputs {
		for _, name := range s.Pipeline.Outputs[k].Reads {
			delete(found, name) // is not unloaded
		}
	}
	for _, group := range schemas {
		along(group.tables, found, needed)
	}
	return found, nil
}

// readBy adds the columns that one query and its checks read.
func (s *Survey) readBy(ctx context.Context, query engine.Query, checks []engine.Check, found map[string]plan.Reads) error {
	bySQL, err := s.Binder.Used(ctx, query, nil)
	if err != nil {
		return fmt.Errorf("looking for the columns that the SQL reads: %w", err)
	}
	byAll := bySQL
	if len(checks) > 0 {
		if byAll, err = s.Binder.Used(ctx, query, checks); err != nil {
			return fmt.Errorf("looking for the columns that the checks read: %w", err)
		}
	}

	for _, t := range query.Tables {
		sql, sure := bySQL[t.Name]
		all, all2 := byAll[t.Name]
		r := found[t.Name]
		found[t.Name] = plan.Reads{SQL: union(r.SQL, sql), All: union(r.All, all), Unsure: r.Unsure || !sure || !all2}
	}
	return nil
}

// needed adds the columns that results depend on, of tables with columns that cannot be carried and seem to be read. It
// leaves all as it is where there are none.
func (s *Survey) needed(ctx context.Context, query engine.Query, checks []engine.Check, found map[string]plan.Reads, needed map[string][]string) error {
	seems := func(t engine.Table) bool {
		r := found[t.Name]
		return slices.ContainsFunc(t.Columns, func(c hindcast.Column) bool { return c.Absent && (r.Unsure || slices.Contains(r.All, c.Name)) })
	}
	if !slices.ContainsFunc(query.Tables, seems) {
		return nil
	}
	is, err := s.Binder.Needed(ctx, query, checks)
	if err != nil {
		return fmt.Errorf("looking for the columns that results depend on: %w", err)
	}
	for _, t := range query.Tables {
		columns, sure := is[t.Name]
		if !sure {
			for _, c := range t.Columns {
				columns = append(columns, c.Name)
			}
		}
		if seems(t) {
			needed[t.Name] = union(needed[t.Name], columns)
		}
	}
	return nil
}

// along notes which columns that cannot be carried are read without being needed.
func along(tables []engine.Table, found map[string]plan.Reads, needed map[string][]string) {
	for _, t := range tables {
		columns, asked := needed[t.Name]
		if !asked {
			continue
		}
		r := found[t.Name]
		for _, c := range t.Columns {
			if c.Absent && !slices.Contains(columns, c.Name) {
				r.Along = union(r.Along, []string{c.Name})
			}
		}
		found[t.Name] = r
	}
}

// asks reports whether it matters which columns of the group's tables are read.
func (s *Survey) asks(group schema) bool {
	used := map[string]bool{}
	for _, f := range s.Pipeline.Facts {
		used[f.Name] = f.Used
	}
	for _, d := range s.Pipeline.Dims {
		used[d.Name] = d.Used
	}
	return slices.ContainsFunc(group.tables, func(t engine.Table) bool {
		return used[t.Name] || len(t.Columns) >= wide || slices.ContainsFunc(t.Columns, func(c hindcast.Column) bool { return c.Absent })
	})
}

func union(a, b []string) []string {
	for _, name := range b {
		if !slices.Contains(a, name) {
			a = append(a, name)
		}
	}
	return a
}

// carried are the columns whose type the lake has.
func carried(columns []hindcast.Column) []hindcast.Column {
	return slices.DeleteFunc(slices.Clone(columns), func(c hindcast.Column) bool { return c.Type == "" })
}

// explained looks for the cause of an SQL error in the types of the columns.
func (s *Survey) explained(p *plan.Plan, o *hindcast.Output, err error) error {
	if !strings.HasPrefix(string(hindcast.AsError(err).Code), string(hindcast.ESQL)) {
		return err // of the target, or of a process that has died
	}
	text := o.Text
	for _, c := range o.Checks {
		text += "\n" + c.SQL
		if c.Total != nil {
			text += "\n" + c.Total.Equals
		}
	}
	return p.Explain(err, text)
}
