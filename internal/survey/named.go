package survey

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// naming is a column that a check names, and where.
type naming struct {
	key    string // below the check's
	column string
	table  string // "" for the result
}

// namings are the columns that a check names in the pipeline file, outside of SQL.
func namings(c hindcast.Check) (list []naming) {
	for i, name := range c.NotNull {
		list = append(list, naming{fmt.Sprintf("not_null.%d", i), name, ""})
	}
	for i, name := range c.Unique {
		list = append(list, naming{fmt.Sprintf("unique.%d", i), name, ""})
	}
	if c.Accepted != nil {
		list = append(list, naming{"accepted_values.column", c.Accepted.Column, ""})
	}
	if c.Related != nil {
		list = append(list, naming{"relationships.column", c.Related.Column, ""}, naming{"relationships.field", c.Related.Field, c.Related.To})
	}
	return list
}

// misnamed says which columns there are if err is about a check that names another one; otherwise err is as it was. An engine knows only its own query, in
// which the table has another name.
func (s *Survey) misnamed(ctx context.Context, o *hindcast.Output, query engine.Query, err error) error {
	e := hindcast.AsError(err)
	i := checkOf(o, e)
	if e.Code != hindcast.ESQLColumn || i < 0 {
		return err
	}
	result, failed := s.Binder.Bind(ctx, query, nil)
	if failed != nil {
		return err
	}
	for _, n := range namings(o.Checks[i]) {
		if names := columnsOf(n.table, query, result); len(names) > 0 && !slices.ContainsFunc(names, func(is string) bool { return strings.EqualFold(is, n.column) }) {
			return s.noColumn(o.Key(fmt.Sprintf("checks.%d", i)), o.Checks[i].Name, n, names)
		}
	}
	return err
}

// columnsOf names the columns of the result, or of a table of the query.
func columnsOf(table string, query engine.Query, result []hindcast.Column) (names []string) {
	if table != "" {
		i := slices.IndexFunc(query.Tables, func(t engine.Table) bool { return t.Name == table })
		if i < 0 {
			return nil
		}
		result = hindcast.Present(query.Tables[i].Columns)
	}
	for _, c := range result {
		names = append(names, c.Name)
	}
	return names
}

// noColumn is the error of a check that names a column which is not among these.
func (s *Survey) noColumn(key, check string, n naming, names []string) error {
	of := "the result"
	if n.table != "" {
		of = n.table
	}
	place, found := s.Pipeline.Places[key+"."+n.key]
	if !found {
		place = s.Pipeline.Places[key]
	}
	return &hindcast.Error{Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Place: place, Message: fmt.Sprintf("check %q: %s has no column %q", check, of, n.column),
		Detail: []string{"the columns of " + of + ": " + strings.Join(names, ", ")}, Next: "correct it under checks: in the pipeline file"}
}
