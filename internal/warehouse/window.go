package warehouse

import (
	"time"

	"github.com/hindcast/hindcast"
)

// Wall is an interval as a column of that TimeType, in DuckDB's spelling, is cut by it: DATE and TIMESTAMP by the reading of the bounds
// in the zone, as on the clock of UTC, with midnight where the zone's clocks skipped it; TIMESTAMP WITH TIME ZONE by the instants.
func Wall(typ string, in hindcast.Interval, zone string) hindcast.Interval {
	if hindcast.OfInstants(typ) {
		return in
	}
	return hindcast.Interval{Start: Reading(typ, hindcast.Civil(in.Start, zone)), End: Reading(typ, hindcast.Civil(in.End, zone))}
}

// Reading is what a bound says to a column of that type, on the clock of UTC.
func Reading(typ string, t time.Time) time.Time {
	if hindcast.OfInstants(typ) {
		return t.UTC()
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
