package redshifttest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// fits reports whether COPY takes a file's column for a table's. It converts nothing.
func (c *column) fits(element *format.SchemaElement) bool {
	if !element.Type.Valid {
		return false
	}

	kind, plain := parquet.Kind(element.Type.V), !element.ConvertedType.Valid && element.LogicalType.Value == nil
	is := func(types ...deprecated.ConvertedType) bool {
		return element.ConvertedType.Valid && slices.Contains(types, element.ConvertedType.V)
	}

	switch c.oid {
	case oidBool:
		return kind == parquet.Boolean
	case oidInt2:
		return kind == parquet.Int32 && is(deprecated.Int8, deprecated.Int16)
	case oidInt4:
		return kind == parquet.Int32 && (plain || is(deprecated.Int8, deprecated.Int16, deprecated.Int32))
	case oidInt8:
		return kind == parquet.Int64 && (plain || is(deprecated.Int64))
	case oidFloat4:
		return kind == parquet.Float
	case oidFloat8:
		return kind == parquet.Double
	case oidVarchar, oidBPChar, oidText:
		return kind == parquet.ByteArray && (plain || is(deprecated.UTF8, deprecated.Enum, deprecated.Json))
	case oidDate:
		return kind == parquet.Int32 && is(deprecated.Date)
	case oidTimestamp, oidTimestampTZ:
		return kind == parquet.Int96
	case oidTime:
		return kind == parquet.Int64 && is(deprecated.TimeMicros)
	case oidNumeric:
		return kind == parquet.FixedLenByteArray && is(deprecated.Decimal) && int(element.Precision.V) == c.precision &&
			int(element.Scale.V) == c.scale && int(element.TypeLength.V) == decimalBytes(c.precision)
	case oidVarbyte:
		return kind == parquet.ByteArray && plain
	case oidSuper:
		return true // its own rules
	}

	return false
}

// declared is the type of a table's column, as errors name it.
func (c *column) declared() string {
	switch c.oid {
	case oidNumeric:
		return fmt.Sprintf("DECIMAL(%d, %d)", c.precision, c.scale)
	case oidVarchar:
		return fmt.Sprintf("VARCHAR(%d)", c.length)
	case oidBPChar:
		return fmt.Sprintf("CHAR(%d)", c.length)
	case oidTimestamp:
		return "TIMESTAMP"
	}

	return strings.ToUpper(c.kind)
}

// described is a file's column as errors describe it.
func described(element *format.SchemaElement, index int) string {
	repetition, level := "required", 0
	if element.RepetitionType.Valid {
		repetition = strings.ToLower(element.RepetitionType.V.String())
	}
	if repetition != "required" {
		level = 1
	}

	kind := "group"
	if element.Type.Valid {
		kind = strings.ToLower(element.Type.V.String())
	}
	return fmt.Sprintf("%s %s %s [i:%d d:%d r:0]", repetition, kind, element.Name, index, level)
}
