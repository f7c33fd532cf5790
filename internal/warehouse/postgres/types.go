package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
)

// created are the types of a new target's columns, for the types of results in DuckDB's spelling.
var created = map[string]string{
	"BOOLEAN": "boolean", "TINYINT": "smallint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint",
	"UTINYINT": "smallint", "USMALLINT": "integer", "UINTEGER": "bigint", "UBIGINT": "numeric(20,0)", "HUGEINT": "numeric(38,0)",
	"FLOAT": "real", "DOUBLE": "double precision", "VARCHAR": "text", "BLOB": "bytea", "DATE": "date", "TIME": "time",
	"TIME WITH TIME ZONE": "time with time zone", "TIMESTAMP": "timestamp", "TIMESTAMP_S": "timestamp", "TIMESTAMP_MS": "timestamp",
	"TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "INTERVAL": "interval", "UUID": "uuid", "JSON": "json",
}

var listType = regexp.MustCompile(`^(.+)\[\d*\]$`)

// typeFor spells a type for PostgreSQL; an error if it has none that holds every value.
func typeFor(typ string) (string, error) {
	if t, ok := created[typ]; ok {
		return t, nil
	}
	if precision, scale, ok := datatype.ParseDecimal(typ); ok {
		return fmt.Sprintf("numeric(%d,%d)", precision, scale), nil
	}
	if strings.HasPrefix(typ, "ENUM(") {
		return "text", nil
	}
	if m := listType.FindStringSubmatch(typ); m != nil {
		elem, err := typeFor(m[1])
		return elem + "[]", err
	}
	return "", fmt.Errorf("no type of PostgreSQL holds every %s", typ)
}

// Spell fills in how PostgreSQL spells the columns' types.
func (w *Owner) Spell(_ context.Context, columns []hindcast.Column) ([]hindcast.Column, error) {
	columns = slices.Clone(columns)
	for i := range columns {
		columns[i].Source, _ = typeFor(columns[i].Type)
	}
	return columns, nil
}
