package dialect

import (
	"errors"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/parse"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// ReadSchema reads the tables that statements may name from CREATE TABLE statements, such as pg_dump --schema-only writes. Other
// statements, constraints, defaults and what is said of storage are passed over. The error is Refusals.
func ReadSchema(text string, from Source) (Schema, error) {
	found, err := parse.Tables(text, parse.Options{Redshift: from == Redshift})
	if err != nil {
		if _, ok := errors.AsType[*parse.Error](err); ok {
			return Schema{}, notRead(text, err)
		}
		return Schema{}, err
	}

	var s Schema
	for _, t := range found {
		table := Table{Name: t.Name}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, Column{Name: c.Name, Type: c.Type})
		}
		s.Tables = append(s.Tables, table)
	}

	return s, nil
}

// reader is what reads the columns of a table, by its name, in the binder's words: most statements name few tables of a schema.
func (s Schema) reader(redshift bool) func(name string) ([]sem.Column, bool) {
	types := map[string]sem.Type{} // most columns are of few types
	return func(name string) ([]sem.Column, bool) {
		t := s.table(name)
		if t == nil {
			return nil, false
		}
		columns := make([]sem.Column, len(t.Columns))
		for i, c := range t.Columns {
			of, known := types[c.Type]
			if !known {
				of, _ = typeOf(c.Type, redshift)
				types[c.Type] = of
			}
			columns[i] = columnOf(c, of)
		}
		return columns, true
	}
}

// table is the last one with a name; if there is none, the first with that name behind a schema's; nil if there is none of those either.
func (s Schema) table(name string) (found *Table) {
	plain := false
	for i := range s.Tables {
		t := &s.Tables[i]
		switch dot := strings.LastIndexByte(t.Name, '.'); {
		case t.Name == name:
			found, plain = t, true
		case !plain && found == nil && dot >= 0 && t.Name[dot+1:] == name:
			found = t
		}
	}
	return found
}
