package survey

import (
	"context"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
)

// text is a column of a table of the warehouse that the SQL sees as VARCHAR or JSON, and that is something else there:
// jsonb, inet, an enum, a name of at most ten characters.
type text struct{ table, column int }

// origins says of the columns of a target that is to be made which of them hold a source's values as they are, and fills in
// the type that these have in the warehouse: a jsonb that only passes through stays jsonb, and what a function made does not.
//
// The engine finds it: the SQL is bound once more with a type of its own for each such column, an ENUM of one value, which
// DuckDB keeps where a value is handed on and gives up where it could become another one. SQL that cannot be bound so, such as
// a path into a JSON column (a.b), is bound for fewer columns at a time; such a column has no origin.
func (s *Survey) origins(ctx context.Context, p *plan.Plan, o *hindcast.Output, group schema, result []hindcast.Column) ([]hindcast.Column, error) {
	query, _, err := s.query(p, o, group)
	if err != nil {
		return nil, err
	}
	result = slices.Clone(result)
	if s.Apart { // the types are the source's: the target's database may not have them
		return result, nil
	}
	s.trace(ctx, query, s.texts(group.tables), result)
	return result, ctx.Err()
}

// texts lists the columns that are worth asking about.
func (s *Survey) texts(tables []engine.Table) []text {
	files := map[string]bool{}
	for _, f := range s.Pipeline.Facts {
		files[f.Name] = f.Files != ""
	}
	for _, d := range s.Pipeline.Dims {
		files[d.Name] = d.Files != ""
	}
	var list []text
	for i, t := range tables {
		for j, c := range t.Columns {
			plain := c.Source == "" || c.Source == "text" || c.Source == "json"
			if !files[t.Name] && !c.Absent && !plain && (c.Type == "VARCHAR" || c.Type == "JSON") {
				list = append(list, text{i, j})
			}
		}
	}
	return list
}

// trace binds the query with types of their own for the columns, and fills the sources of the result in. It halves the
// columns where they cannot be bound so together.
func (s *Survey) trace(ctx context.Context, query engine.Query, columns []text, result []hindcast.Column) {
	if len(columns) == 0 || ctx.Err() != nil {
		return
	}
	marked := query
	marked.Tables = slices.Clone(query.Tables)
	sources := map[string]string{}
	for _, c := range columns {
		t := &marked.Tables[c.table]
		t.Columns = slices.Clone(t.Columns)
		mark := fmt.Sprintf("ENUM('hindcast %d.%d')", c.table, c.column)
		sources[mark], t.Columns[c.column].Type, t.Columns[c.column].Stored = t.Columns[c.column].Source, mark, ""
	}
	bound, err := s.Binder.Bind(ctx, marked, nil)
	if err != nil || len(bound) != len(result) {
		if half := len(columns) / 2; half > 0 {
			s.trace(ctx, query, columns[:half], result)
			s.trace(ctx, query, columns[half:], result)
		}
		return
	}
	for i, c := range bound {
		if source, found := sources[c.Type]; found {
			result[i].Source = source
		}
	}
}
