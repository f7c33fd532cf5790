package warehouse_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

func row(key, print, run string, start, end, at time.Time) hindcast.Committed {
	return hindcast.Committed{Pipeline: "p", Target: "t", Slice: hindcast.Slice{Key: key, Interval: hindcast.Interval{Start: start, End: end}},
		Fingerprint: print, Run: run, CommittedAt: at}
}

func TestAnOverviewIsUnpackedAsItWasPacked(t *testing.T) {
	t0 := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	want := []hindcast.Committed{
		row("1900-01-01", "", "r1", time.Date(1899, 12, 31, 23, 50, 39, 0, time.UTC), t0, t0.Add(123456*time.Microsecond)),
		row("2020-01-01", "0123456789abcdef", "r2", t0, t0.Add(time.Hour), t0.AddDate(0, 0, 1)),
		row("2020-01-01T01:00+00:00", "0123456789ABCDEF", "r1", t0.Add(time.Hour), t0.Add(2*time.Hour), t0), // not as we write it
		row("2020", "abc", "a run\nof two lines", t0.AddDate(1, 0, 0), t0.AddDate(2, 0, 0), t0),
		row("", "a\tb", "", t0, t0, t0), // overlaps the one before
	}
	var packer warehouse.Packer
	for i := range want {
		packer.Add(&want[i])
	}
	o := packer.Overview()
	rows, err := o.Committed("p", "t")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // as often as it is asked
		if got := slices.Collect(rows); !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	}
}

func TestADamagedOverviewIsRefused(t *testing.T) {
	var packer warehouse.Packer
	t0 := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 {
		c := row(t0.Format(time.DateOnly), "0123456789abcdef", "r1", t0, t0.AddDate(0, 0, 1), t0)
		packer.Add(&c)
		t0 = t0.AddDate(0, 0, i+1)
	}
	whole := packer.Overview()
	for n := range whole.Packed {
		short := whole
		short.Packed = whole.Packed[:n]
		if _, err := short.Committed("p", "t"); err == nil {
			t.Errorf("the first %d of %d bytes are taken", n, len(whole.Packed))
		}
	}
	other := whole
	other.Runs = nil
	if _, err := other.Committed("p", "t"); err == nil {
		t.Error("a run that is not there is taken")
	}
}
