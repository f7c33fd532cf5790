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
		{numbers.Decimal("2671545.026588"), "2,671,545.026588"}, {numbers.Decimal("-1234.5678"), "-1,234.5678"}, {numbers.Decimal("12345678901234567890123"), "12,345,678,901,234,567,890,123"},
		{numbers.Decimal("NaN"), "NaN"}, {numbers.Decimal("-Infinity"), "-Infinity"}, {numbers.Decimal("1.5e+20"), "1.5e+20"}, {numbers.Decimal("1e+20"), "1e+20"}, {numbers.Decimal(""), ""}, {numbers.Decimal("-.5"), "-.5"},
		{numbers.Counted(1, "slice"), "1 slice"}, {numbers.Counted(0, "row"), "0 rows"}, {numbers.Counted(int64(10_000), "slice"), "10,000 slices"},
		{numbers.Short(999_999), "999,999"}, {numbers.Short(1_000_000), "1.0 M"}, {numbers.Short(1_301_882), "1.3 M"}, {numbers.Short(213_900_000), "214 M"},
		{numbers.Short(999_949_999), "1,000 M"}, {numbers.Short(999_950_000), "1.0 bn"}, {numbers.Short(800_000_000_000), "800 bn"},
		{numbers.Size(0), "0 B"}, {numbers.Size(999), "999 B"}, {numbers.Size(1000), "1.0 KB"}, {numbers.Size(61_000_000), "61.0 MB"}, {numbers.Size(999_600_000), "1.0 GB"},
		{numbers.Size(213_600_000), "214 MB"}, {numbers.Size(3_900_000_000), "3.9 GB"}, {numbers.Size(5_000_000_000_000_000), "5,000 TB"}, {numbers.Size(-1), "unknown size"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
