package warehouse

import (
	"time"

	"github.com/hindcast/hindcast"
)

// instant is the type of columns that hold instants.
const instant = "TIMESTAMP WITH TIME ZONE"

// Wall is an interval as a column of that type, in DuckDB's spelling, is cut by it: DATE and TIMESTAMP by the reading of the bounds
// in the zone, as on the clock of UTC, with midnight where the zone's clocks skipped it; TIMESTAMP WITH TIME ZONE by the instants.
func Wall(typ string, in hindcast.Interval, zone string) hindcast.Interval {
	if typ == instant {
		return in
	}
	return hindcast.Interval{Start: Reading(typ, hindcast.Civil(in.Start, zone)), End: Reading(typ, hindcast.Civil(in.End, zone))}
}

// Reading is what a bound says to a column of that type, on the clock of UTC.
func Reading(typ string, t time.Time) time.Time {
	if typ == instant {
		return t.UTC()
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
