package hindcast_test

import (
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

func TestLabel(t *testing.T) {
	for _, c := range []struct {
		unit      hindcast.Unit
		key, want string
	}{
		{hindcast.Months, "2016-02-01", "2016-02"}, {hindcast.Quarters, "2016-04-01", "2016-04"}, {hindcast.Years, "2016-01-01", "2016-01"},
		{hindcast.Months, "2016-02-15", "2016-02-15"}, {hindcast.Days, "2016-02-01", "2016-02-01"}, {hindcast.Weeks, "2016-02-01", "2016-02-01"},
		{hindcast.Hours, "2016-02-01T00:00+00:00", "2016-02-01T00:00+00:00"}, {hindcast.Months, hindcast.WholeKey, hindcast.WholeKey}, {"", "2016-02-01", "2016-02-01"},
	} {
		if got := (hindcast.Period{N: 1, Unit: c.unit}).Label(c.key); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.key, c.unit, got, c.want)
		}
	}
}

func TestFirstOverlap(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2016, 2, n, 0, 0, 0, 0, time.UTC) }
	list := []hindcast.Interval{{Start: day(1), End: day(2)}, {Start: day(2), End: day(3)}, {Start: day(5), End: day(9)}}
	for _, c := range []struct{ start, end, want int }{
		{1, 2, 0}, {2, 3, 1}, {1, 9, 0}, {3, 5, -1}, {4, 6, 2}, {6, 7, 2}, {8, 12, 2}, {9, 12, -1},
	} {
		in := hindcast.Interval{Start: day(c.start), End: day(c.end)}
		if got := in.FirstOverlap(len(list), func(k int) hindcast.Interval { return list[k] }); got != c.want {
			t.Errorf("%d to %d: %d, want %d", c.start, c.end, got, c.want)
		}
	}
}
