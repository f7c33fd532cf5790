package hindcast

import (
	"sync"
	"time"
)

// Reading is the calendar date and clock time at t, as if in UTC.
func Reading(t time.Time) time.Time {
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	return time.Date(year, month, day, hour, minute, sec, t.Nanosecond(), time.UTC)
}

// Instant is the first instant at which the zone's clocks have reached the reading. time.Date does not say which of two
// instants it returns for a repeated hour, and for a skipped reading (midnight in São Paulo, a whole day in Apia) it
// may return the day before.
func Instant(civil time.Time, zone *time.Location) time.Time {
	year, month, day := civil.Date()
	hour, minute, sec := civil.Clock()
	t := time.Date(year, month, day, hour, minute, sec, civil.Nanosecond(), zone)
	start, end := t.ZoneBounds()
	switch is := Reading(t); {
	case is.Before(civil): // skipped, and resolved to before the change
		return end
	case is.After(civil): // skipped, and resolved to after it
		return start
	}

	if start.IsZero() {
		return t
	}

	_, before := start.Add(-time.Nanosecond).Zone()
	if first := civil.Add(-time.Duration(before) * time.Second).In(zone); first.Before(start) {
		return first
	}

	return t
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
