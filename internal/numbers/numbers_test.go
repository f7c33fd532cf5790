package numbers_test

import (
	"math"
	"testing"

	"github.com/hindcast/hindcast/internal/numbers"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{numbers.Thousands(0), "0"}, {numbers.Thousands(999), "999"}, {numbers.Thousands(1000), "1,000"}, {numbers.Thousands(34118), "34,118"},
		{numbers.Thousands(-1), "-1"}, {numbers.Thousands(-999), "-999"}, {numbers.Thousands(-1234567), "-1,234,567"},
		{numbers.Thousands(int64(math.MinInt64)), "-9,223,372,036,854,775,808"},
		{numbers.Counted(1, "slice"), "1 slice"}, {numbers.Counted(0, "row"), "0 rows"}, {numbers.Counted(int64(10_000), "slice"), "10,000 slices"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
