package postgres

import (
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const (
	civilDay  = "2006-01-02"
	civilTime = "2006-01-02 15:04:05.999999"
)

// window is the condition that a column, of the given TimeType in DuckDB's spelling, lies in the interval. DATE and
// TIMESTAMP columns are cut by the civil reading of the bounds, TIMESTAMP WITH TIME ZONE by the instants.
func window(column, typ string, in hindcast.Interval) string {
	c := sqltext.Identifier(column)
	return "(" + c + " >= " + bound(typ, in.Start) + " AND " + c + " < " + bound(typ, in.End) + ")"
}

func bound(typ string, t time.Time) string {
	t = warehouse.Reading(typ, t)
	if literal := hindcast.FormattedBound(typ, t); literal != "" {
		return literal
	}
	switch typ {
	case "DATE":
		return "DATE " + literal(t.Format(civilDay))
	case instant:
		return "TIMESTAMPTZ " + literal(t.Format(civilTime)+"+00")
	}
	return "TIMESTAMP " + literal(t.Format(civilTime))
}

// instant is the type of columns that hold instants.
const instant = "TIMESTAMP WITH TIME ZONE"

// cut divides an interval into at most n that are about as long; fewer if they would become shorter than the type can
// distinguish.
func cut(typ string, in hindcast.Interval, n int) []hindcast.Interval {
	grain := time.Second
	if format, _ := hindcast.FormatOf(typ); typ == "DATE" || format.Days() {
		grain = 24 * time.Hour
	}
	start, end := warehouse.Reading(typ, in.Start), warehouse.Reading(typ, in.End)
	step := (end.Sub(start)/time.Duration(n) + grain - 1).Truncate(grain)
	if step <= 0 {
		step = grain
	}
	var parts []hindcast.Interval
	for at := start; at.Before(end); at = at.Add(step) {
		part := hindcast.Interval{Start: at, End: at.Add(step)}
		if part.End.After(end) {
			part.End = end
		}
		parts = append(parts, part)
	}
	return parts
}

// literal quotes a string. Sessions have standard_conforming_strings on.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
