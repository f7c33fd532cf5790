package dialect

import (
	"errors"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/parse"
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

// columns are those of the last table with a name; if there is none, of the first with that name behind a schema's.
func (s Schema) columns(name string) (columns []Column, known bool) {
	plain := false
	for _, t := range s.Tables {
		switch dot := strings.LastIndexByte(t.Name, '.'); {
		case t.Name == name:
			columns, known, plain = t.Columns, true, true
		case !plain && !known && dot >= 0 && t.Name[dot+1:] == name:
			columns, known = t.Columns, true
		}
	}

	return columns, known
}
