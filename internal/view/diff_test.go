package view

import (
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

func amount(s string) *string { return &s }

func TestTotalsAreExact(t *testing.T) {
	slice := func(key, before, after string) DiffSlice {
		at, _ := time.Parse(time.DateOnly, key)
		s := DiffSlice{Slice: hindcast.Slice{Key: key, Interval: hindcast.Interval{Start: at}}, Before: 1, After: 2, Added: 1, ByKey: true}
		s.Totals = []DiffTotal{{Column: "x", Before: amount(before), After: amount(after)}, {Column: "y"}}
		return s
	}
	target := DiffTarget{Slices: []DiffSlice{slice("2019-11-01", "0.1", "0.1"), slice("2020-01-01", "12345678901234567890.01", "12345678901234567890.02"), slice("2020-03-01", "0.20", "-7")}}
	years := target.Years()
	if len(years) != 2 || years[0].Label != "2019" || years[1].Before != 2 || years[1].Added != 2 {
		t.Fatalf("got %+v", years)
	}
	x := years[1].Totals[0]
	if *x.Before != "12345678901234567890.21" || *x.After != "12345678901234567883.02" || x.Difference() != "-7.19" || years[1].Totals[1].Before != nil {
		t.Errorf("got %s, %s, %s", *x.Before, *x.After, x.Difference())
	}
	if movers := target.Movers("x", 5); len(movers) != 2 || movers[0].Slice.Key != "2020-03-01" {
		t.Errorf("got %v", movers)
	}
	if share, known := target.Slices[2].Totals[0].Moved(); !known || share != -36 {
		t.Errorf("moved by %v, %t", share, known)
	}
	if _, known := (DiffTotal{After: amount("1")}).Moved(); known {
		t.Error("a change from nothing has a share")
	}
}

// A slice that is empty on both sides is not compared by the key, and says nothing against the others.
func TestSumOfAnEmptySlice(t *testing.T) {
	if sum := Sum("all", []DiffSlice{{After: 2, Added: 1, Changed: 1, ByKey: true}, {}}); !sum.ByKey || sum.Changed != 1 {
		t.Errorf("got %+v", sum)
	}
	if sum := Sum("all", []DiffSlice{{ByKey: true}, {Added: 1}}); sum.ByKey {
		t.Errorf("got %+v", sum)
	}
}
