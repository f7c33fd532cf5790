package hindcast

import "time"

// Reading is what calendar and clock show at t, as if they were in UTC.
func Reading(t time.Time) time.Time {
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	return time.Date(year, month, day, hour, minute, sec, t.Nanosecond(), time.UTC)
}

// Instant is the first instant at which the zone's calendar and clock have come as far as the reading. time.Date
// promises neither of the two that an hour set back gives, and for one that was skipped (midnight in São Paulo, a
// whole day in Apia) it may answer with the day before.
func Instant(civil time.Time, zone *time.Location) time.Time {
	year, month, day := civil.Date()
	hour, minute, sec := civil.Clock()
	t := time.Date(year, month, day, hour, minute, sec, civil.Nanosecond(), zone)
	start, end := t.ZoneBounds()
	switch is := Reading(t); {
	case is.Before(civil): // skipped, answered from before the change
		return end
	case is.After(civil): // skipped, answered from after it
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
