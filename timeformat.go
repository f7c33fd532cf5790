package hindcast

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// TimeFormat says how a column that is neither a DATE nor a TIMESTAMP holds times; "" is for one that is.
type TimeFormat string

// The formats. Values are compared with a slice's bounds as they are, so that an index of the column serves. A number that is not a date,
// such as 20200231, is in the slice whose bounds enclose it.
const (
	DayNumber TimeFormat = "yyyymmdd"   // 20240301, a number or a text
	DayText   TimeFormat = "yyyy-mm-dd" // 2024-03-01, a text
	Epoch     TimeFormat = "epoch"      // seconds since 1970 in UTC
	EpochMS   TimeFormat = "epoch_ms"   // milliseconds
)

// TimeFormats lists them.
var TimeFormats = []TimeFormat{DayNumber, DayText, Epoch, EpochMS}

const formatted = " as "

// TimeType is what the bounds of time of a column depend on: its Format, if it has one, and its type.
func (c Column) TimeType() string {
	if c.Format == "" {
		return c.Type
	}
	return string(c.Format) + formatted + c.Type
}

// FormatOf takes a TimeType apart: into the format, "" if there is none, and the column's type.
func FormatOf(timeType string) (TimeFormat, string) {
	if format, typ, found := strings.Cut(timeType, formatted); found {
		return TimeFormat(format), typ
	}
	return "", timeType
}

// OfInstants reports whether a column of that TimeType is cut by instants; the others are by what the zone's clocks show.
func OfInstants(timeType string) bool {
	format, typ := FormatOf(timeType)
	return format == Epoch || format == EpochMS || format == "" && typ == "TIMESTAMP WITH TIME ZONE"
}

// Timed returns the columns with the format set on the one of that name; the columns themselves if the format is "".
func Timed(columns []Column, name string, format TimeFormat) []Column {
	if format == "" {
		return columns
	}
	columns = slices.Clone(columns)
	for i := range columns {
		if strings.EqualFold(columns[i].Name, name) {
			columns[i].Format = format
		}
	}
	return columns
}

// Days reports whether the format has no hours.
func (f TimeFormat) Days() bool { return f == DayNumber || f == DayText }

// Holds reports whether a column of that type, in DuckDB's spelling, can hold times in the format.
func (f TimeFormat) Holds(typ string) bool {
	number := strings.HasPrefix(typ, "DECIMAL(") && strings.HasSuffix(typ, ",0)")
	switch typ {
	case "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT", "UHUGEINT":
		number = true
	}
	switch f {
	case DayNumber:
		return number || typ == "VARCHAR"
	case DayText:
		return typ == "VARCHAR"
	case Epoch, EpochMS:
		return number
	}
	return false
}

// Of says in words what columns can hold times in the format.
func (f TimeFormat) Of() string {
	switch f {
	case DayNumber:
		return "whole numbers and texts"
	case DayText:
		return "texts"
	case Epoch, EpochMS:
	}
	return "whole numbers"
}

// Pattern is a regular expression that texts in the format match; "" if it is not one of texts.
func (f TimeFormat) Pattern() string {
	switch f {
	case DayNumber:
		return "^[0-9]{8}$"
	case DayText:
		return "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
	case Epoch, EpochMS:
	}
	return ""
}

// FormattedBound is the SQL literal of a bound for a column of a TimeType with a format, in every dialect; "" for one without. The bound is
// given as the instant, or as what the zone's clocks show, whichever such a column is cut by.
func FormattedBound(timeType string, t time.Time) string {
	format, typ := FormatOf(timeType)
	literal := ""
	switch format {
	case DayNumber:
		literal = t.Format("20060102")
	case DayText:
		literal = t.Format(time.DateOnly)
	case Epoch:
		return strconv.FormatInt(t.Unix(), 10)
	case EpochMS:
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	if typ == "VARCHAR" && literal != "" {
		return "'" + literal + "'"
	}
	return literal
}
