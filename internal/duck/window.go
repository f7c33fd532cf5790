package duck

import (
	"fmt"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
)

// Window is the condition that column, of the given type, lies in the interval. DATE and TIMESTAMP columns are compared
// with the bounds' civil time in the zone, TIMESTAMP WITH TIME ZONE with the instants.
func Window(column, typ string, in hindcast.Interval, zone string) string {
	return fmt.Sprintf("(%s >= %s AND %s < %s)", Name(column), Bound(typ, in.Start, zone), Name(column), Bound(typ, in.End, zone))
}

// Strays is a query of how many rows of a FROM have no time, and how many one outside of the interval. The rows of the
// interval need not be read where statistics say that they lie in it.
func Strays(from, column, typ string, in hindcast.Interval, zone string) string {
	c := Name(column)
	return fmt.Sprintf("SELECT count(*) - count(%s), count(%s) FROM %s WHERE %s IS NULL OR %s < %s OR %s >= %s",
		c, c, from, c, c, Bound(typ, in.Start, zone), c, Bound(typ, in.End, zone))
}

// Bound is the literal of the given type for a slice's bound.
func Bound(typ string, t time.Time, zone string) string {
	const moment = "2006-01-02 15:04:05.999999"
	switch typ {
	case "DATE":
		return "DATE " + String(Civil(t, zone).Format(time.DateOnly))
	case "TIMESTAMP WITH TIME ZONE":
		return "TIMESTAMPTZ " + String(t.UTC().Format(moment)+"+00")
	default:
		return "CAST(" + String(Civil(t, zone).Format(moment)) + " AS " + typ + ")"
	}
}

// Civil is the calendar date and clock time at a bound. The first instant of a day counts as midnight, even if the
// zone's clocks skipped midnight: rows of the skipped hour, which a civil column may contain, belong to that day.
// Instants come from other processes, with an offset at best: the zone is named explicitly, never taken from them.
func Civil(t time.Time, zone string) time.Time {
	place, err := location(zone)
	if err != nil {
		return t // cannot happen: the pipeline's decoder has refused it
	}
	t = t.In(place)
	year, month, day := t.Date()
	if before := t.Add(-time.Nanosecond); before.Day() != day {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return t
}

var locations sync.Map // by zone name: loading one costs more than a small statement

func location(zone string) (*time.Location, error) {
	known, _ := locations.Load(zone)
	if place, found := known.(*time.Location); found {
		return place, nil
	}
	place, err := time.LoadLocation(zone)
	if err == nil {
		locations.Store(zone, place)
	}
	return place, err
}
