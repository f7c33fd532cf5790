package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// The zones have clocks that change at 2:00, at midnight, by half an hour, never, and over a whole day.
var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo",
	"America/Havana", "Pacific/Apia"}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func period(n int, unit hindcast.Unit) hindcast.Period { return hindcast.Period{N: n, Unit: unit} }

func date(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04Z07:00", text)
	if err != nil {
		if t, err = time.Parse(time.DateOnly, text); err != nil {
			panic(err)
		}
	}
	return t
}

// anyHistory draws a history that begins between 1990 and 2030, often right before a change of clocks.
func anyHistory(t *testing.T, r *rand.Rand) (hindcast.History, time.Time) {
	units := []hindcast.Unit{hindcast.Hours, hindcast.Days, hindcast.Weeks, hindcast.Months, hindcast.Quarters, hindcast.Years}
	h := hindcast.History{TimeZone: zones[r.IntN(len(zones))], Every: period(1+r.IntN(30), units[r.IntN(len(units))])}
	h.Zone = zone(t, h.TimeZone)
	day := date("1990-01-01").AddDate(0, 0, r.IntN(40*365))
	switch r.IntN(4) {
	case 0: // the end of a month, leap days among them
		day = time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	case 1:
		if _, end := instant(day, h.Zone).ZoneBounds(); !end.IsZero() {
			day = reading(end.AddDate(0, 0, -r.IntN(3))).Truncate(24 * time.Hour)
		}
	case 2:
		day = date("2011-12-20").AddDate(0, 0, r.IntN(12))
	}
	if h.Every.Sub() && r.IntN(2) == 0 {
		day = day.Add(time.Duration(r.IntN(24)) * time.Hour)
	}
	h.From = instant(day, h.Zone)
	to := step(h.Every, h.From, 1+r.IntN(200)).Add(time.Duration(r.IntN(72)) * time.Hour)
	return h, to
}

// Any history and any `every` cut into slices without hole or overlap, under keys that are unique, that sort as
// time does, and that do not change when the history grows.
func TestAnyHistoryIsCutWithoutHoleOrOverlap(t *testing.T) {
	for seed := range uint64(4000) {
		h, to := anyHistory(t, rand.New(rand.NewPCG(seed, 1)))
		what := fmt.Sprintf("seed %d: %s to %s every %s in %s", seed, h.From, to, h.Every, h.TimeZone)
		history, err := Cut(h, to)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !history[0].Start.Equal(h.From) || !history[len(history)-1].End.Equal(to) {
			t.Fatalf("%s: covers %s to %s", what, history[0].Start, history[len(history)-1].End)
		}
		seen := map[string]bool{}
		for i, s := range history {
			if !s.Start.Before(s.End) || i > 0 && !history[i-1].End.Equal(s.Start) {
				t.Fatalf("%s: slice %d is %s to %s", what, i, s.Start, s.End)
			}
			if seen[s.Key] || s.Key != sliceKey(s.Start, h.Every) {
				t.Fatalf("%s: slice %d has the key %s", what, i, s.Key)
			}
			seen[s.Key] = true
		}
		longer, err := Cut(h, to.AddDate(2, 0, 0))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for i, s := range history {
			if grown := longer[i]; grown.Key != s.Key || i < len(history)-1 && !grown.Equal(s.Interval) {
				t.Fatalf("%s: slice %s became %s when the history grew", what, s.Key, grown.Key)
			}
		}
	}
}

// Slices of whole days begin at the first instant of a day.
func TestDaysBeginWithTheDay(t *testing.T) {
	for seed := range uint64(2000) {
		h, to := anyHistory(t, rand.New(rand.NewPCG(seed, 2)))
		if h.Every.Sub() {
			continue
		}
		h.From = startOfDay(h.From)
		history, err := Cut(h, to)
		if err != nil {
			continue // nothing is left
		}
		for _, s := range history {
			before := s.Start.Add(-time.Nanosecond)
			if before.Format(time.DateOnly) == s.Start.Format(time.DateOnly) {
				t.Fatalf("seed %d: %s is not the first instant of its day in %s", seed, s.Start, h.TimeZone)
			}
		}
	}
}

func keysOf(history []hindcast.Slice) []string {
	var list []string
	for _, s := range history {
		list = append(list, s.Key)
	}
	return list
}

func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		zone, from, to string
		every          hindcast.Period
		want           []string
	}{
		"two months": {"UTC", "2016-01-01", "2016-07-01", period(2, hindcast.Months), []string{"2016-01-01", "2016-03-01", "2016-05-01"}},
		"the last is clipped": {"UTC", "2016-01-01", "2016-03-10", period(1, hindcast.Months),
			[]string{"2016-01-01", "2016-02-01", "2016-03-01"}},
		"months do not drift": {"UTC", "2016-01-31", "2016-05-01", period(1, hindcast.Months),
			[]string{"2016-01-31", "2016-02-29", "2016-03-31", "2016-04-30"}},
		"leap years": {"UTC", "2016-02-29", "2021-01-01", period(1, hindcast.Years),
			[]string{"2016-02-29", "2017-02-28", "2018-02-28", "2019-02-28", "2020-02-29"}},
		"quarters": {"UTC", "2016-02-01", "2016-12-01", period(1, hindcast.Quarters),
			[]string{"2016-02-01", "2016-05-01", "2016-08-01", "2016-11-01"}},
		"weeks":                  {"UTC", "2016-02-22", "2016-03-09", period(1, hindcast.Weeks), []string{"2016-02-22", "2016-02-29", "2016-03-07"}},
		"24 hours are a day":     {"Europe/Berlin", "2020-10-24", "2020-10-27", period(24, hindcast.Hours), []string{"2020-10-24", "2020-10-25", "2020-10-26"}},
		"no midnight":            {"America/Sao_Paulo", "2018-11-03", "2018-11-06", period(1, hindcast.Days), []string{"2018-11-03", "2018-11-04", "2018-11-05"}},
		"midnight twice":         {"America/Havana", "2023-11-04", "2023-11-07", period(1, hindcast.Days), []string{"2023-11-04", "2023-11-05", "2023-11-06"}},
		"a day that was skipped": {"Pacific/Apia", "2011-12-28", "2012-01-01", period(1, hindcast.Days), []string{"2011-12-28", "2011-12-29", "2011-12-31"}},
		"an hour twice": {"Europe/Berlin", "2020-10-25", "2020-10-25T05:00Z", period(1, hindcast.Hours),
			[]string{"2020-10-25T00:00+02:00", "2020-10-25T01:00+02:00", "2020-10-25T02:00+02:00", "2020-10-25T02:00+01:00",
				"2020-10-25T03:00+01:00", "2020-10-25T04:00+01:00", "2020-10-25T05:00+01:00"}},
		"an hour never": {"Europe/Berlin", "2020-03-29", "2020-03-29T02:00Z", period(1, hindcast.Hours),
			[]string{"2020-03-29T00:00+01:00", "2020-03-29T01:00+01:00", "2020-03-29T03:00+02:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := hindcast.History{TimeZone: c.zone, Zone: zone(t, c.zone), Every: c.every}
			h.From = instant(date(c.from), h.Zone)
			to := date(c.to)
			if len(c.to) == len(time.DateOnly) {
				to = instant(to, h.Zone)
			}
			history, err := Cut(h, to)
			if got := keysOf(history); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestCutRefuses(t *testing.T) {
	h := hindcast.History{From: date("2020-01-01"), Every: period(1, hindcast.Days), Zone: time.UTC}
	for name, c := range map[string]struct {
		every hindcast.Period
		to    string
	}{"no end": {h.Every, "2020-01-01"}, "backwards": {h.Every, "2019-01-01"}, "no period": {hindcast.Period{}, "2021-01-01"},
		"too many": {period(1, hindcast.Hours), "2120-01-01"}} {
		h.Every = c.every
		_, err := Cut(h, date(c.to))
		if code := hindcast.AsError(err); code == nil || code.Code != hindcast.EValue {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestResolveTo(t *testing.T) {
	now := time.Date(2020, 6, 30, 23, 30, 0, 0, time.UTC) // 1 July in Berlin
	for text, want := range map[string]string{
		"2022-01-01": "2022-01-01T00:00+01:00", "2022-07-01T05:00": "2022-07-01T05:00+02:00", "2022-07-01 06:00": "2022-07-01T06:00+02:00",
		"today": "2020-07-01T00:00+02:00", "": "2020-07-01T00:00+02:00",
		"+1 year": "2021-07-01T00:00+02:00", "+2 quarters": "2021-01-01T00:00+01:00", "+day": "2020-07-02T00:00+02:00", "+5 hours": "2020-07-01T05:00+02:00",
	} {
		p := &hindcast.Pipeline{History: hindcast.History{To: text, Every: period(1, hindcast.Days), TimeZone: "Europe/Berlin", Zone: zone(t, "Europe/Berlin")}}
		p.History.From = instant(date("2020-01-01"), p.History.Zone)
		got, err := ResolveTo(p, now)
		if err != nil || got.Format("2006-01-02T15:04-07:00") != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestResolveToSaysWhere(t *testing.T) {
	place := hindcast.Place{File: "p.yml", Line: 4, Column: 30}
	for name, c := range map[string]struct {
		to    string
		every hindcast.Period
		key   string
	}{
		"no date":        {"soon", period(1, hindcast.Days), "history.to"},
		"no distance":    {"+1 blue moon", period(1, hindcast.Days), "history.to"},
		"before from":    {"2019-01-01", period(1, hindcast.Days), "history.to"},
		"too many":       {"2120-01-01", period(1, hindcast.Hours), "history.every"},
		"no period":      {"2021-01-01", hindcast.Period{}, "history.every"},
		"from the whole": {"2019-01-01", period(1, hindcast.Days), "history"},
	} {
		p := &hindcast.Pipeline{History: hindcast.History{From: date("2020-01-01"), To: c.to, Every: c.every, Zone: time.UTC},
			Places: map[string]hindcast.Place{c.key: place}}
		_, err := ResolveTo(p, date("2020-06-01"))
		if e, ok := errors.AsType[*hindcast.Error](err); !ok || e.Code != hindcast.EValue || e.Place != place || e.Next == "" {
			t.Errorf("%s: got %+v", name, err)
		}
	}
}
