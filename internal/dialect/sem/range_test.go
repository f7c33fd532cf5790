package sem_test

import (
	"math"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// A bound says nothing of the other end of a range, where the least integer and decimals beyond 64 bits are.
func TestRangeOf(t *testing.T) {
	t.Parallel()
	whole, wide, price := sem.Of(sem.Int8), sem.Decimal(38, 0), sem.Decimal(8, 2)
	for _, one := range []struct {
		of          sem.Type
		least, most string
		want        sem.Range
		notZero     bool
	}{
		{whole, "", "5", sem.Range{From: math.MinInt64, To: 5, Known: true}, false},
		{whole, "1", "", sem.Range{From: 1, To: math.MaxInt64, Known: true}, true},
		{whole, "", "-1", sem.Range{From: math.MinInt64, To: -1, Known: true}, true},
		{wide, "1", "", sem.Range{}, true},
		{wide, "", "-1", sem.Range{}, true},
		{wide, "1", "99999999999999999999", sem.Range{}, true},
		{wide, "-7", "9", sem.Range{From: -7, To: 9, Known: true}, false},
		{price, "0.01", "1.5", sem.Range{From: 0, To: 2, Known: true}, true},
		{price, "-1.5", "-0.01", sem.Range{From: -2, To: 0, Known: true}, true},
		{price, "", "", sem.Range{From: -1000000, To: 1000000, Known: true}, false},
		{sem.Of(sem.Date), "1970-01-02", "", sem.Range{}, false},
		{sem.Of(sem.Date), "1970-01-02", "1970-02-01", sem.Range{From: 1, To: 31, Known: true}, false},
	} {
		if got, notZero := sem.RangeOf(one.of, one.least, one.most); got != one.want || notZero != one.notZero {
			t.Errorf("%s from %q to %q: %+v, not zero %v", one.of, one.least, one.most, got, notZero)
		}
	}
}
