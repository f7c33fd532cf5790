package redshift

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/sqltext"
)

const (
	instant = "TIMESTAMP WITH TIME ZONE"
	// longest is how many bytes a VARCHAR of Redshift can hold.
	longest = 65535
)

// held is how a type of Redshift is known to the rest of hindcast.
type held struct {
	typ      string // in DuckDB's spelling; "" if it cannot be carried
	stored   string // what its files have, if that is another type
	selected string // what UNLOAD selects; %s is the column. "" is the column itself
	text     bool   // its text reads back as the same value
}

// Times are unloaded as their text: Redshift would write INT96, which has no statistics either, and which Spark takes for
// instants, and refuses to read as times without a zone.
var plainTypes = map[string]held{
	"smallint":                    {typ: "SMALLINT", text: true},
	"integer":                     {typ: "INTEGER", text: true},
	"bigint":                      {typ: "BIGINT", text: true},
	"real":                        {typ: "FLOAT"},
	"double precision":            {typ: "DOUBLE"},
	"boolean":                     {typ: "BOOLEAN"},
	"date":                        {typ: "DATE", text: true},
	"time without time zone":      {typ: "TIME", stored: "VARCHAR", selected: "CAST(%s AS VARCHAR)", text: true},
	"timestamp without time zone": {typ: "TIMESTAMP", stored: "VARCHAR", selected: "CAST(%s AS VARCHAR)", text: true},
	"timestamp with time zone":    {typ: instant, stored: "VARCHAR", selected: "CAST(%s AS VARCHAR)"},
	"time with time zone":         {text: true},
	"super":                       {typ: "JSON", stored: "VARCHAR"},
	"text":                        {typ: "VARCHAR", text: true},
}

var (
	numericType = regexp.MustCompile(`^numeric\((\d+),(-?\d+)\)$`)
	textType    = regexp.MustCompile(`^(character varying|character)(?:\((\d+)\))?$`)
)

// hold is what is known of a type as format_type spells it.
func hold(source string) held {
	if h, ok := plainTypes[source]; ok {
		return h
	}
	if m := numericType.FindStringSubmatch(source); m != nil {
		return held{typ: "DECIMAL(" + m[1] + "," + m[2] + ")", text: true}
	}
	if m := textType.FindStringSubmatch(source); m != nil {
		if m[1] == "character" { // whose blanks at the end mean nothing, and go
			return held{typ: "VARCHAR", selected: "CAST(%s AS VARCHAR)"}
		}
		return held{typ: "VARCHAR", text: true}
	}
	return held{}
}

// columnOf is a column as the rest of hindcast sees it. A type that cannot be carried is left empty: Source names it.
func columnOf(name, source string) hindcast.Column {
	h := hold(source)
	return hindcast.Column{Name: name, Type: h.typ, Source: source, NoText: !h.text}
}

// carry says what UNLOAD selects for a column of an extract, and what its files then hold.
func carry(table string, c hindcast.Column) (expression string, carried hindcast.Column, err error) {
	h, name := hold(c.Source), sqltext.Identifier(c.Name)
	switch {
	case c.Text && h.text:
		c.Type, c.Stored = "VARCHAR", ""
		return "CAST(" + name + " AS VARCHAR)", c, nil
	case c.Text || h.typ == "":
		return "", c, &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("column %q of %s has type %s, which Redshift does not unload exactly as Parquet", c.Name, table, c.Source),
			Next:    "leave it out with `columns:`, or cast it in a view and use the view"}
	}

	c.Stored = h.stored
	if h.selected == "" {
		return name, c, nil
	}
	return fmt.Sprintf(h.selected, name), c, nil
}

// created are the types of a new target's columns, for the types of results in DuckDB's spelling.
var created = map[string]string{
	"BOOLEAN": "boolean", "TINYINT": "smallint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint",
	"UTINYINT": "smallint", "USMALLINT": "integer", "UINTEGER": "bigint", "UBIGINT": "numeric(20,0)", "HUGEINT": "numeric(38,0)",
	"FLOAT": "real", "DOUBLE": "double precision", "VARCHAR": "varchar(65535)", "DATE": "date", "TIME": "time",
	"TIMESTAMP": "timestamp", "TIMESTAMP_S": "timestamp", "TIMESTAMP_MS": "timestamp", instant: "timestamptz", "JSON": "super",
}

// typeFor spells a type for Redshift; "" if it has none that holds every value.
func typeFor(typ string) string {
	if t, ok := created[typ]; ok {
		return t
	}
	if precision, scale, ok := datatype.ParseDecimal(typ); ok && scale <= 37 {
		return fmt.Sprintf("numeric(%d,%d)", precision, scale)
	}
	if strings.HasPrefix(typ, "ENUM(") {
		return "varchar(65535)"
	}
	return ""
}

// Spell fills in how Redshift spells the columns' types.
func (w *Owner) Spell(_ context.Context, columns []hindcast.Column) ([]hindcast.Column, error) {
	columns = slices.Clone(columns)
	for i := range columns {
		columns[i].Source = typeFor(columns[i].Type)
	}
	return columns, nil
}

// placed is how a staged column goes into a target's: the staging table's type, which COPY takes without coercion, and the
// expression that INSERT selects.
func placed(name, source string) (staging, expression string) {
	c := sqltext.Identifier(name)
	switch source {
	case "timestamp with time zone":
		return "timestamp", c + " AT TIME ZONE 'UTC'"
	case "time without time zone":
		return "varchar(64)", "CAST(" + c + " AS time)"
	case "super":
		return fmt.Sprintf("varchar(%d)", longest), "json_parse(" + c + ")"
	case "character varying", "text":
		return fmt.Sprintf("varchar(%d)", longest), c
	}
	return source, c
}
