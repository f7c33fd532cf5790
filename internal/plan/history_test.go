package plan_test

import (
	"fmt"
	"math/rand"
	"sort"
	"testing"
	"testing/quick"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

var zoneNames = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia",
	"Asia/Amman", "America/Havana"}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// dawn finds the first instant of a civil day, or of the next day that there is, by looking at every quarter of an
// hour: slow, and sure to know nothing of how the package does it.
func dawn(year int, month time.Month, day int, z *time.Location) time.Time {
	wanted := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return time.Unix(wanted.Add(-30*time.Hour).Unix()+900*int64(sort.Search(4*60, func(i int) bool {
		t := wanted.Add(-30*time.Hour + time.Duration(i)*15*time.Minute).In(z)
		return !time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Before(wanted)
	})), 0).In(z)
}

// sore are days on which cutting goes wrong: ends of months, leap days, days without a midnight or with two, and
// one that Apia never had.
var sore = []time.Time{utc(2016, 1, 31), utc(2016, 2, 29), utc(2015, 8, 31), utc(2011, 12, 29), utc(2011, 12, 31), utc(2018, 11, 4), utc(2018, 11, 3),
	utc(2018, 3, 25), utc(2018, 10, 28), utc(2017, 10, 15), utc(2012, 10, 26), utc(2019, 4, 7), utc(2019, 12, 31)}

// cutting is any history.
type cutting struct {
	h  hindcast.History
	to time.Time
}

func (c cutting) String() string {
	return fmt.Sprintf("from %s to %s every %s in %s", c.h.From, c.to, c.h.Every, c.h.TimeZone)
}

func anyCutting(t *testing.T, r *rand.Rand) cutting {
	name := zoneNames[r.Intn(len(zoneNames))]
	z := zone(t, name)
	day := sore[r.Intn(len(sore))]
	if r.Intn(2) == 0 {
		day = utc(2009+r.Intn(12), time.Month(1+r.Intn(12)), 1+r.Intn(31))
	}
	units := []hindcast.Period{hours(1 + r.Intn(30)), days(1 + r.Intn(40)), {N: 1 + r.Intn(5), Unit: hindcast.Weeks}, months(1 + r.Intn(14)),
		{N: 1 + r.Intn(5), Unit: hindcast.Quarters}, {N: 1 + r.Intn(3), Unit: hindcast.Years}}
	c := cutting{h: hindcast.History{TimeZone: name, Zone: z, Every: units[r.Intn(len(units))]}}
	c.h.From = dawn(day.Year(), day.Month(), day.Day(), z)
	c.to = c.h.Every.AddTo(c.h.From, 1+r.Intn(60)).Add(time.Duration(r.Intn(50)) * time.Hour)
	return c
}

// holds runs a property over random inputs, and prints the seed that repeats a failure.
func holds(t *testing.T, times int, property func(r *rand.Rand) error) {
	t.Helper()
	seed := time.Now().UnixNano()
	config := &quick.Config{MaxCount: times, Rand: rand.New(rand.NewSource(seed))}
	err := quick.Check(func(one int64) bool {
		err := property(rand.New(rand.NewSource(one)))
		if err != nil {
			t.Errorf("seed %d: %v", one, err)
		}
		return err == nil
	}, config)
	if err != nil {
		t.Errorf("seed of all: %d", seed)
	}
}

func TestAnyHistoryIsCutWithoutHoleOrOverlap(t *testing.T) {
	holds(t, 1000, func(r *rand.Rand) error {
		c := anyCutting(t, r)
		history, err := plan.Cut(c.h, c.to)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		if err := whole(history, c.h.From, c.to); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		seen := map[string]bool{}
		for _, s := range history {
			if seen[s.Key] {
				return fmt.Errorf("%s: two slices have the key %s", c, s.Key)
			}
			seen[s.Key] = true
		}
		if c.h.Every.Unit != hindcast.Hours {
			return onCalendar(c, history)
		}
		return nil
	})
}

func whole(history []hindcast.Slice, from, to time.Time) error {
	at := from
	for _, s := range history {
		if !s.Start.Equal(at) {
			return fmt.Errorf("slice %s begins at %s, the one before ends at %s", s.Key, s.Start, at)
		}
		if !s.Start.Before(s.End) {
			return fmt.Errorf("slice %s is empty", s.Key)
		}
		at = s.End
	}
	if !at.Equal(to) {
		return fmt.Errorf("the last slice ends at %s", at)
	}
	return nil
}

// onCalendar checks every bound against a calendar of civil days that knows nothing of zones.
func onCalendar(c cutting, history []hindcast.Slice) error {
	first, _ := time.Parse(time.DateOnly, history[0].Key)
	want := map[string]bool{}
	for k := range 4 * len(history) {
		civil := c.h.Every.AddTo(first, k)
		start := dawn(civil.Year(), civil.Month(), civil.Day(), c.h.Zone)
		if !start.Before(c.to) {
			break
		}
		want[start.Format(time.RFC3339)] = true
	}
	if len(want) != len(history) {
		return fmt.Errorf("%s: %d slices, want %d", c, len(history), len(want))
	}
	for _, s := range history {
		if !want[s.Start.Format(time.RFC3339)] || s.Key != s.Start.Format(time.DateOnly) {
			return fmt.Errorf("%s: slice %s begins at %s", c, s.Key, s.Start)
		}
	}
	return nil
}

func TestSlicesStayWhenTheHistoryGrows(t *testing.T) {
	holds(t, 300, func(r *rand.Rand) error {
		c := anyCutting(t, r)
		before, err := plan.Cut(c.h, c.to)
		if err != nil {
			return err
		}
		after, err := plan.Cut(c.h, c.to.AddDate(0, 5, 3))
		if err != nil {
			return err
		}
		for i, s := range before {
			if s.Key != after[i].Key || i < len(before)-1 && !s.Equal(after[i].Interval) {
				return fmt.Errorf("%s: %v became %v", c, s, after[i])
			}
		}
		return nil
	})
}

func TestCutByHand(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		from       string
		every      hindcast.Period
		to         string
		keys       string
	}{
		{"months from the 31st do not drift", "UTC", "2016-01-31", months(1), "2016-05-31", "[2016-01-31 2016-02-29 2016-03-31 2016-04-30]"},
		{"the last is clipped", "UTC", "2016-01-01", months(2), "2016-03-02", "[2016-01-01 2016-03-01]"},
		{"years from a leap day", "UTC", "2016-02-29", hindcast.Period{N: 1, Unit: hindcast.Years}, "2018-03-01", "[2016-02-29 2017-02-28 2018-02-28]"},
		{"a day that never was", "Pacific/Apia", "2011-12-28", days(1), "2012-01-02", "[2011-12-28 2011-12-29 2011-12-31 2012-01-01]"},
		{"a day without midnight", "America/Sao_Paulo", "2018-11-03", days(1), "2018-11-06", "[2018-11-03 2018-11-04 2018-11-05]"},
		{"an hour twice", "Europe/Berlin", "2018-10-28", hours(1), "2018-10-28T04:00",
			"[2018-10-28T00:00+02:00 2018-10-28T01:00+02:00 2018-10-28T02:00+02:00 2018-10-28T02:00+01:00 2018-10-28T03:00+01:00]"},
		{"24 hours are a day", "Europe/Berlin", "2018-10-27", hours(24), "2018-10-30", "[2018-10-27 2018-10-28 2018-10-29]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := zone(t, c.zone)
			from, err := time.ParseInLocation(time.DateOnly, c.from, z)
			if err != nil {
				t.Fatal(err)
			}
			h := hindcast.History{From: from, To: c.to, Every: c.every, TimeZone: c.zone, Zone: z}
			to, err := plan.ResolveTo(&hindcast.Pipeline{History: h}, now)
			if err != nil {
				t.Fatal(err)
			}
			history, err := plan.Cut(h, to)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range history {
				got = append(got, s.Key)
			}
			if fmt.Sprint(got) != c.keys {
				t.Errorf("got  %v\nwant %v", got, c.keys)
			}
			if !history[len(history)-1].End.Equal(to) {
				t.Errorf("the last slice ends at %s, not at %s", history[len(history)-1].End, to)
			}
		})
	}
}

func TestResolveTo(t *testing.T) {
	late := time.Date(2020, 5, 20, 22, 30, 0, 0, time.UTC) // the 21st in Berlin, the 20th in New York
	for _, c := range []struct{ to, zone, want string }{
		{"2022-01-01", "UTC", "2022-01-01T00:00:00Z"},
		{"2022-01-01", "Europe/Berlin", "2022-01-01T00:00:00+01:00"},
		{"2022-07-01T06:00", "Europe/Berlin", "2022-07-01T06:00:00+02:00"},
		{"2022-07-01 06:00", "UTC", "2022-07-01T06:00:00Z"},
		{"today", "UTC", "2020-05-20T00:00:00Z"},
		{"", "UTC", "2020-05-20T00:00:00Z"},
		{"today", "Europe/Berlin", "2020-05-21T00:00:00+02:00"},
		{"today", "America/New_York", "2020-05-20T00:00:00-04:00"},
		{"+1 year", "UTC", "2021-05-20T00:00:00Z"},
		{"+1 year", "Europe/Berlin", "2021-05-21T00:00:00+02:00"},
		{"+ 9 months", "Europe/Berlin", "2021-02-21T00:00:00+01:00"},
		{"+week", "UTC", "2020-05-27T00:00:00Z"},
	} {
		p := &hindcast.Pipeline{History: hindcast.History{From: utc(2016, 1, 1), To: c.to, Every: months(1), TimeZone: c.zone, Zone: zone(t, c.zone)}}
		to, err := plan.ResolveTo(p, late)
		if err != nil || to.Format(time.RFC3339) != c.want {
			t.Errorf("%q in %s: %s, %v; want %s", c.to, c.zone, to.Format(time.RFC3339), err, c.want)
		}
	}
}

func TestTodayWithoutMidnight(t *testing.T) {
	z := zone(t, "America/Sao_Paulo")
	p := &hindcast.Pipeline{History: hindcast.History{From: utc(2016, 1, 1), To: "today", Every: months(1), TimeZone: z.String(), Zone: z}}
	to, err := plan.ResolveTo(p, time.Date(2018, 11, 4, 15, 0, 0, 0, time.UTC))
	if err != nil || to.Format(time.RFC3339) != "2018-11-04T01:00:00-02:00" {
		t.Errorf("today is %s, %v", to.Format(time.RFC3339), err)
	}
}

func TestHistoriesThatCannotBeCut(t *testing.T) {
	for _, c := range []struct {
		name  string
		to    string
		every hindcast.Period
		says  string
	}{
		{"no date", "tomorrow", months(1), `history.to is "tomorrow"`},
		{"no distance", "+1 blink", months(1), `history.to is "+1 blink"`},
		{"a distance backwards", "+-1 year", months(1), `history.to is "+-1 year"`},
		{"before it begins", "2015-01-01", months(1), "history.from (2016-01-01) is not before history.to (2015-01-01)"},
		{"as it begins", "2016-01-01", months(1), "is not before"},
		{"no period", "2017-01-01", hindcast.Period{}, "history.every is not set"},
		{"too many", "2090-01-01", hours(1), "more than 200,000 slices of 1 hour"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := hindcast.History{From: utc(2016, 1, 1), To: c.to, Every: c.every, TimeZone: "UTC", Zone: time.UTC}
			p := &hindcast.Pipeline{History: h, Places: map[string]hindcast.Place{"history": {File: "hindcast.yml", Line: 4}}}
			_, err := plan.ResolveTo(p, now)
			refused(t, err, hindcast.EValue, c.says)
			if place := hindcast.AsError(err).Place; place.Line != 4 {
				t.Errorf("the place is %q", place)
			}
			_, err = plan.Make(plan.Inputs{Pipeline: p, Now: now})
			refused(t, err, hindcast.EValue, c.says)
		})
	}
	_, err := plan.Cut(hindcast.History{From: utc(2016, 1, 1), Every: hours(1), Zone: time.UTC}, utc(2090, 1, 1))
	refused(t, err, hindcast.EValue, "more than 200,000 slices")
	_, err = plan.Cut(hindcast.History{From: utc(2016, 1, 1), Every: months(1), Zone: time.UTC}, utc(2016, 1, 1))
	refused(t, err, hindcast.EValue)
}
