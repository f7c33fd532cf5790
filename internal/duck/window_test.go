package duck_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// dawns are the first instants of n civil days, starting with the given one, found by walking in quarter hours.
func dawns(year int, month time.Month, day, n int, zone *time.Location) []time.Time {
	at := time.Date(year, month, day, 12, 0, 0, 0, zone)
	for at.Add(-15*time.Minute).Day() == at.Day() {
		at = at.Add(-15 * time.Minute)
	}
	found := []time.Time{at}
	for at = at.Add(15 * time.Minute); len(found) <= n; at = at.Add(15 * time.Minute) {
		if at.Format(time.DateOnly) > found[len(found)-1].Format(time.DateOnly) { // St. John's set its clocks back over midnight
			found = append(found, at)
		}
	}
	return found
}

// sent is the interval as another process receives it: with an offset, and without its zone.
func sent(t *testing.T, in hindcast.Interval) (out hindcast.Interval) {
	t.Helper()
	body, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(body, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBoundsAreCivilMidnights(t *testing.T) {
	for _, c := range []struct{ zone, day, date, timestamp, instant string }{
		{"America/Sao_Paulo", "2018-11-04", "DATE '2018-11-04'", "CAST('2018-11-04 00:00:00' AS TIMESTAMP)", "TIMESTAMPTZ '2018-11-04 03:00:00+00'"},
		{"America/Havana", "2018-03-11", "DATE '2018-03-11'", "CAST('2018-03-11 00:00:00' AS TIMESTAMP)", "TIMESTAMPTZ '2018-03-11 05:00:00+00'"},
		{"America/Havana", "2018-11-04", "DATE '2018-11-04'", "CAST('2018-11-04 00:00:00' AS TIMESTAMP)", "TIMESTAMPTZ '2018-11-04 04:00:00+00'"},
		{"America/Sao_Paulo", "2018-02-18", "DATE '2018-02-18'", "CAST('2018-02-18 00:00:00' AS TIMESTAMP)", "TIMESTAMPTZ '2018-02-18 03:00:00+00'"},
		{"Europe/Berlin", "2024-03-31", "DATE '2024-03-31'", "CAST('2024-03-31 00:00:00' AS TIMESTAMP)", "TIMESTAMPTZ '2024-03-30 23:00:00+00'"},
		{"", "2024-03-31", "DATE '2024-03-31'", "CAST('2024-03-31 00:00:00' AS TIMESTAMP)", "TIMESTAMPTZ '2024-03-31 00:00:00+00'"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		at := sent(t, hindcast.Interval{Start: dawns(day.Year(), day.Month(), day.Day(), 1, zone)[0]}).Start
		for typ, want := range map[string]string{"DATE": c.date, "TIMESTAMP": c.timestamp, "TIMESTAMP WITH TIME ZONE": c.instant} {
			if got := duck.Bound(typ, at, c.zone); got != want {
				t.Errorf("%s in %s as %s: %s, want %s", c.day, c.zone, typ, got, want)
			}
		}
	}
}

// Days in zones whose clocks skip or repeat midnight: every civil timestamp, even one that the zone's clocks never
// showed, is in exactly one slice, the one of its date.
func TestEveryCivilTimestampIsInTheSliceOfItsDate(t *testing.T) {
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	sore := map[string][]string{"America/Sao_Paulo": {"2018-11-04", "2018-02-18", "2017-10-15"}, "America/Havana": {"2018-03-11", "2018-11-04"},
		"Asia/Beirut": {"2019-03-31", "2018-10-28"}, "America/Asuncion": {"2019-10-06"}, "Africa/Cairo": {"2010-04-30", "2014-05-16"},
		"Europe/Berlin": {"2024-03-31"}, "America/St_Johns": {"2005-10-30"}}
	for name, days := range sore {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range days {
			day, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Fatal(err)
			}
			day = day.AddDate(0, 0, -random.IntN(4))
			bounds := dawns(day.Year(), day.Month(), day.Day(), 6, zone)
			var counts, own []string
			for i := range len(bounds) - 1 {
				in := duck.Window("ts", "TIMESTAMP", sent(t, hindcast.Interval{Start: bounds[i], End: bounds[i+1]}), name)
				counts = append(counts, "CAST("+in+" AS INTEGER)")
				own = append(own, fmt.Sprintf("(%s AND CAST(ts AS DATE) = DATE '%s')", in, bounds[i].Format(time.DateOnly)))
			}
			from, to := bounds[0].Format(time.DateOnly), bounds[len(bounds)-1].Format(time.DateOnly)
			var wrong string
			query := fmt.Sprintf(`SELECT coalesce(min(CAST(ts AS VARCHAR)), '') FROM range(TIMESTAMP '%s' - INTERVAL 2 DAY, TIMESTAMP '%s' + INTERVAL 2 DAY,
				INTERVAL 10 MINUTE) AS r(ts) WHERE %s <> CAST(ts >= DATE '%s' AND ts < DATE '%s' AS INTEGER) OR ts >= DATE '%s' AND ts < DATE '%s' AND NOT (%s)`,
				from, to, strings.Join(counts, " + "), from, to, from, to, strings.Join(own, " OR "))
			if err := db.QueryRowContext(t.Context(), query).Scan(&wrong); err != nil {
				t.Fatal(err)
			}
			if wrong != "" {
				t.Errorf("seed %d: %s from %s: %s is not in the slice of its date alone", seed, name, from, wrong)
			}
		}
	}
}
