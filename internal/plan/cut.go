package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// maxSlices bounds a history, and a fact's units: an `every` of an hour over a century is a mistake.
const maxSlices = 200_000

// ResolveTo freezes the history's end: a date, "today" (midnight in the history's zone), or a distance from today
// such as "+1 year". E-VALUE with its place if it leaves no history, or too many slices of it.
func ResolveTo(p *hindcast.Pipeline, now time.Time) (time.Time, error) {
	h := p.History
	to, ok := resolve(h, now)
	if !ok {
		return time.Time{}, invalid(p, "history.to", fmt.Sprintf("history.to is %q", h.To),
			"write a date (2022-01-01), today, or a distance from today (+1 year)")
	}
	from := h.From.In(zoneOf(h))
	switch {
	case !from.Before(to):
		return to, invalid(p, "history.to", fmt.Sprintf("history.from (%s) is not before history.to (%s)",
			from.Format(time.DateOnly), to.Format(time.DateOnly)), "correct history: in the pipeline file")
	case h.Every.N <= 0:
		return to, invalid(p, "history.every", "history.every is not set", `write a number and a unit, such as "2 months"`)
	case step(h.Every, from, maxSlices).Before(to):
		return to, invalid(p, "history.every", fmt.Sprintf("history has more than %s of %s", numbers.Counted(maxSlices, "slice"), h.Every),
			"make history.every longer")
	}
	return to, nil
}

func resolve(h hindcast.History, now time.Time) (time.Time, bool) {
	zone := zoneOf(h)
	today := startOfDay(now.In(zone))
	text := strings.TrimSpace(h.To)
	if text == "today" || text == "" {
		return today, true
	}
	if distance, plus := strings.CutPrefix(text, "+"); plus {
		period, ok := parsePeriod(distance)
		return step(period, today, 1), ok
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if civil, err := time.Parse(layout, text); err == nil {
			return hindcast.Instant(civil, zone), true
		}
	}
	return time.Time{}, false
}

// parsePeriod reads "1 year" as the decoder has accepted it already.
func parsePeriod(text string) (hindcast.Period, bool) {
	fields := strings.Fields(text)
	if len(fields) == 1 {
		fields = []string{"1", fields[0]}
	}
	if len(fields) != 2 {
		return hindcast.Period{}, false
	}
	n, err := strconv.Atoi(fields[0])
	unit := hindcast.Unit(strings.TrimSuffix(fields[1], "s") + "s")
	switch unit {
	case hindcast.Hours, hindcast.Days, hindcast.Weeks, hindcast.Months, hindcast.Quarters, hindcast.Years:
		return hindcast.Period{N: n, Unit: unit}, err == nil && n > 0
	}
	return hindcast.Period{}, false
}

// invalid is an E-VALUE at the key's place in the pipeline file, or at the nearest key above it that has one.
func invalid(p *hindcast.Pipeline, key, message, next string) error {
	return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Place: placeOf(p, key), Message: message, Next: next}
}

func placeOf(p *hindcast.Pipeline, key string) hindcast.Place {
	for {
		if place, found := p.Places[key]; found {
			return place
		}
		dot := strings.LastIndexByte(key, '.')
		if dot < 0 {
			return hindcast.Place{}
		}
		key = key[:dot]
	}
}

// Cut cuts the history into slices without hole or overlap. Each bound is counted from the start, so that months
// do not drift; the last slice is clipped to `to`. A day that the zone skipped has no slice.
func Cut(h hindcast.History, to time.Time) ([]hindcast.Slice, error) {
	from := h.From.In(zoneOf(h))
	if h.Every.N <= 0 || !from.Before(to) {
		return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("a history from %s to %s in slices of %q cannot be cut", from.Format(time.DateOnly), to.Format(time.DateOnly), h.Every),
			Next:    "correct history: in the pipeline file"}
	}

	var history []hindcast.Slice
	if first := step(h.Every, from, 1).Sub(from); first > 0 { // room for a long one at once
		history = make([]hindcast.Slice, 0, min(maxSlices, int(to.Sub(from)/first)+2))
	}
	start := from
	for k := 1; start.Before(to); k++ {
		end := step(h.Every, from, k)
		if !end.After(start) {
			continue
		}
		if end.After(to) {
			end = to.In(zoneOf(h))
		}
		history = append(history, hindcast.Slice{Key: sliceKey(start, h.Every), Interval: hindcast.Interval{Start: start, End: end}})
		if len(history) > maxSlices {
			return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("history has more than %s of %s", numbers.Counted(maxSlices, "slice"), h.Every), Next: "make history.every longer"}
		}
		start = end
	}
	return history, nil
}

func sliceKey(start time.Time, every hindcast.Period) string {
	if every.Sub() {
		if _, offset := start.Zone(); offset == 0 && start.Second() == 0 {
			return hourKey(start)
		}
		return start.Format(keyLayout(start))
	}
	return start.Format(time.DateOnly)
}

// hourKey is the key of an hour whose offset is zero, which most of long histories are. Format knows RFC 3339, and takes half the time for it.
func hourKey(start time.Time) string {
	var buffer [len(time.RFC3339)]byte
	text := start.AppendFormat(buffer[:0], time.RFC3339)
	return string(append(text[:len(text)-len(":00Z")], "+00:00"...))
}

// keyLayout writes an hour with its offset, each with seconds where it has any: a zone's clocks were once set by the sun.
func keyLayout(t time.Time) string {
	layout := "2006-01-02T15:04"
	if t.Second() != 0 {
		layout += ":05"
	}
	if _, offset := t.Zone(); offset%60 != 0 {
		return layout + "-07:00:00"
	}
	return layout + "-07:00"
}

// step returns from moved by k periods. Hours are counted as they pass; days and longer on the calendar of from's
// zone, also where a zone changes its clocks at midnight. 24 hours are a day: keys of whole days carry no hour.
func step(p hindcast.Period, from time.Time, k int) time.Time {
	if k == 0 || p.N == 0 {
		return from
	}
	if p.Unit == hindcast.Hours {
		if p.Sub() { // in seconds: a time.Duration ends after 292 years, which maxSlices of 13 hours are
			return time.Unix(from.Unix()+int64(p.N)*int64(k)*3600, int64(from.Nanosecond())).In(from.Location())
		}
		p = hindcast.Period{N: p.N / 24, Unit: hindcast.Days}
	}
	civil := hindcast.Reading(from)
	if day := civil.Truncate(24 * time.Hour); !day.Equal(civil) && from.Equal(hindcast.Instant(day, from.Location())) {
		civil = day // the first day has no midnight; the others have
	}
	return hindcast.Instant(p.AddTo(civil, k), from.Location())
}

// startOfDay is the first instant of t's day: midnight, where there is one.
func startOfDay(t time.Time) time.Time {
	civil := hindcast.Reading(t)
	return hindcast.Instant(time.Date(civil.Year(), civil.Month(), civil.Day(), 0, 0, 0, 0, time.UTC), t.Location())
}

// zoneOf is the history's zone, also of a plan that was read back and has only its name.
func zoneOf(h hindcast.History) *time.Location {
	if h.Zone != nil {
		return h.Zone
	}
	if zone, err := time.LoadLocation(h.TimeZone); err == nil {
		return zone
	}
	return h.From.Location()
}

// wholeDays reports whether every slice begins and ends with a day.
func wholeDays(h hindcast.History) bool {
	from := h.From.In(zoneOf(h))
	if h.Every.Sub() || !from.Equal(startOfDay(from)) || strings.Contains(h.To, ":") {
		return false
	}
	distance, plus := strings.CutPrefix(strings.TrimSpace(h.To), "+")
	period, _ := parsePeriod(distance)
	return !plus || !period.Sub()
}
