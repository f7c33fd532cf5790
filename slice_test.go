package hindcast_test

import (
	"testing"

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
