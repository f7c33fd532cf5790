package hindcast_test

import (
	"testing"

	"github.com/hindcast/hindcast"
)

func TestFactsCover(t *testing.T) {
	t.Parallel()
	bounds := func(least, most string) hindcast.Facts { return hindcast.Facts{Least: least, Most: most} }
	for _, c := range []struct {
		known, needed hindcast.Facts
		want          bool
	}{
		{hindcast.Facts{NoBlanks: true}, hindcast.Facts{}, true},
		{hindcast.Facts{NoBlanks: true}, hindcast.Facts{ASCII: true}, false},
		{bounds("1", "9"), bounds("1", ""), true},
		{bounds("2", "10"), bounds("0.01", "10"), true},
		{bounds("-2", "10"), bounds("-10", "9.99"), false},
		{bounds("0.00", "9"), bounds("0.01", ""), false},
		{bounds("0.01", "9"), bounds("0.01", ""), true},
		{bounds("", ""), bounds("1", ""), false},
		{bounds("3", ""), bounds("1", "99"), false},
		{bounds("12345678901234567890123456789", "12345678901234567890123456789"), bounds("99999999999999999", ""), true},
		{bounds("2019-01-01", "2024-02-29"), bounds("1970-01-02", "2037-12-30"), true},
		{bounds("0019-01-01", "2024-02-29"), bounds("1970-01-02", "2037-12-30"), false},
		{bounds("2019-01-01", "2038-01-01"), bounds("1970-01-02", "2037-12-30"), false},
		{bounds("5", "9"), bounds("1970-01-02", "2037-12-30"), false}, // the column is of another kind now
	} {
		if got := c.known.Cover(c.needed); got != c.want {
			t.Errorf("%+v covers %+v: %t, want %t", c.known, c.needed, got, c.want)
		}
	}
}
