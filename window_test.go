package hindcast

import (
	"testing"
	"time"
)

// A window is by the clock on the wall, also on the days on which that is put forward or back.
func TestWindowOpens(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := Window{From: 22 * 60, To: 6 * 60, TimeZone: "Europe/Berlin", Zone: berlin}
	short := Window{From: 2*60 + 15, To: 2*60 + 45, TimeZone: "Europe/Berlin", Zone: berlin}
	late := Window{From: 2*60 + 30, To: 4 * 60, TimeZone: "Europe/Berlin", Zone: berlin}
	evening := Window{From: 18 * 60, To: 24 * 60, TimeZone: "Europe/Berlin", Zone: berlin}
	for _, c := range []struct {
		window    Window
		now, want string // UTC
	}{
		{night, "2026-01-10T20:59:59", "2026-01-10T21:00:00"}, // 22:00 is 21:00 in winter
		{night, "2026-07-10T12:00:10", "2026-07-10T20:00:00"}, // and 20:00 in summer
		{night, "2026-01-10T23:30:00", "2026-01-10T23:30:00"}, // after midnight it is open
		{night, "2026-01-10T04:59:59", "2026-01-10T04:59:59"},
		{night, "2026-01-10T05:00:00", "2026-01-10T21:00:00"},
		{evening, "2026-01-10T22:59:00", "2026-01-10T22:59:00"},
		{evening, "2026-01-10T23:00:00", "2026-01-11T17:00:00"},
		// The clock goes from 02:00 to 03:00 on 29 March 2026 at 01:00 UTC.
		{night, "2026-03-29T04:00:00", "2026-03-29T20:00:00"},
		{late, "2026-03-29T00:10:00", "2026-03-29T01:00:00"},  // 03:00 is within it
		{short, "2026-03-29T00:10:00", "2026-03-30T00:15:00"}, // there is no 02:15 on that day
		// And from 03:00 to 02:00 on 25 October 2026 at 01:00 UTC: 02:15 comes twice.
		{short, "2026-10-25T00:00:00", "2026-10-25T00:15:00"},
		{short, "2026-10-25T00:45:00", "2026-10-25T01:15:00"},
		{short, "2026-10-25T01:45:00", "2026-10-26T01:15:00"},
		{Window{}, "2026-10-25T01:45:00", "2026-10-25T01:45:00"},
	} {
		now, err := time.Parse("2006-01-02T15:04:05", c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.window.Opens(now).UTC().Format("2006-01-02T15:04:05"); got != c.want {
			t.Errorf("%s at %s opens %s, want %s", c.window, c.now, got, c.want)
		}
	}
}
