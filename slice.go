package hindcast

import (
	"encoding/json"
	"sort"
	"strings"
	"time"
)

// Interval is a half-open range of time: it includes Start and excludes End. Both are instants; for DATE and TIMESTAMP
// columns their civil time in the pipeline's time zone counts. As JSON they are in UTC: RFC 3339 truncates an offset to
// minutes, and Paris was once 9 minutes and 21 seconds ahead.
type Interval struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Overlaps reports whether the two half-open intervals share an instant.
func (i Interval) Overlaps(o Interval) bool { return i.Start.Before(o.End) && o.Start.Before(i.End) }

// FirstOverlap is the index of the first of n intervals that shares an instant with i; -1 if none does. They are in the order of time and do
// not overlap each other.
func (i Interval) FirstOverlap(n int, at func(int) Interval) int {
	next := sort.Search(n, func(k int) bool { return at(k).End.After(i.Start) })
	if next < n && at(next).Overlaps(i) {
		return next
	}
	return -1
}

// Contains reports whether o lies wholly within i.
func (i Interval) Contains(o Interval) bool { return !o.Start.Before(i.Start) && !o.End.After(i.End) }

// Equal reports whether both bounds are the same instants.
func (i Interval) Equal(o Interval) bool { return i.Start.Equal(o.Start) && i.End.Equal(o.End) }

// MarshalJSON writes the bounds in UTC. Bounds written with an offset can be read too.
func (i Interval) MarshalJSON() ([]byte, error) {
	type plain Interval
	return json.Marshal(plain(i.utc()))
}

func (i Interval) utc() Interval { return Interval{Start: i.Start.UTC(), End: i.End.UTC()} }

// Slice is one half-open interval of history: the unit of work, of retry and of replacement.
type Slice struct {
	// Key is the slice's stable text: its start as 2006-01-02 or, for slices shorter than a day, with hours and the
	// zone's offset (2006-01-02T15:04-07:00); seconds are written if there are any.
	Key string `json:"key"`
	Interval
}

// MarshalJSON writes the bounds in UTC.
func (s Slice) MarshalJSON() ([]byte, error) {
	type bounds Interval
	return json.Marshal(struct {
		Key string `json:"key"`
		bounds
	}{s.Key, bounds(s.utc())})
}

// Unit is a calendar unit of a Period.
type Unit string

// The units that `every`, `refresh`, `settle`, `lookback` and `lookahead` may be given in.
const (
	Hours    Unit = "hours"
	Days     Unit = "days"
	Weeks    Unit = "weeks"
	Months   Unit = "months"
	Quarters Unit = "quarters"
	Years    Unit = "years"
)

// Period is a calendar distance such as "2 months". The zero Period means "not set".
type Period struct {
	N    int  `json:"n"`
	Unit Unit `json:"unit"`
}

// IsZero reports whether the period was not set.
func (p Period) IsZero() bool { return p.N == 0 }

// Sub reports whether the period is shorter than a day.
func (p Period) Sub() bool { return p.Unit == Hours && p.N%24 != 0 }

// AddTo returns start moved by k periods on the calendar of start's zone. Months, quarters and years clamp to the last
// day of the month (31 January + 1 month is the last of February), each counted from start, so that a history that
// begins on a 31st does not drift.
func (p Period) AddTo(start time.Time, k int) time.Time {
	n := p.N * k
	switch p.Unit {
	case Hours:
		return start.Add(time.Duration(n) * time.Hour)
	case Days:
		return start.AddDate(0, 0, n)
	case Weeks:
		return start.AddDate(0, 0, 7*n)
	case Months:
		return addMonths(start, n)
	case Quarters:
		return addMonths(start, 3*n)
	case Years:
		return addMonths(start, 12*n)
	}

	return start
}

func addMonths(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	first := time.Date(year, month+time.Month(n), 1, hour, minute, sec, t.Nanosecond(), t.Location())
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, t.Location()).Day()
	return time.Date(first.Year(), first.Month(), min(day, last), hour, minute, sec, t.Nanosecond(), t.Location())
}

// Label is how people see the key of a slice or unit of this period: 2020-05 for 2020-05-01 if all of them begin on the
// first of a month. --slices accepts it too. The lake, hindcast_status and JSON always use the key.
func (p Period) Label(key string) string {
	switch p.Unit {
	case Months, Quarters, Years: // they all begin on the same day of the month
		if month, first := strings.CutSuffix(key, "-01"); first && len(month) == len("2006-01") {
			return month
		}
	case Hours, Days, Weeks:
	}
	return key
}

// String returns the period as a pipeline file spells it: "2 months", "1 day".
func (p Period) String() string {
	if p.IsZero() {
		return ""
	}

	unit := string(p.Unit)
	if p.N == 1 {
		unit = unit[:len(unit)-1]
	}
	return itoa(p.N) + " " + unit
}
