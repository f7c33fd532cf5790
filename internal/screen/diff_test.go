package screen_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/view"
)

// A column that came with a later year has a line for that year alone, whatever other columns have totals.
func TestTotalsOfAColumnThatIsNew(t *testing.T) {
	total := func(column, before, after string) view.DiffTotal {
		return view.DiffTotal{Column: column, Before: amount(before), After: amount(after)}
	}
	slice := func(key string, totals ...view.DiffTotal) view.DiffSlice {
		return view.DiffSlice{Slice: hindcast.Slice{Key: key}, Label: key, Before: 1, After: 1, Changed: 1, ByKey: true, Totals: totals}
	}
	d := &view.Diff{Before: "r1", After: "r2", Targets: []view.DiffTarget{{Target: "t", Key: []string{"k"}, Slices: []view.DiffSlice{
		slice("2019-01", total("cost", "1", "2")), slice("2020-01", total("tax", "5", "7"), total("cost", "3", "3")),
	}}}}

	var out strings.Builder
	screen.Diff(&out, d, screen.Options{})
	for _, want := range []string{
		"  cost  before  after  change\n  2019       1      2      +1  +100.0 %\n  2020       3      3       0\n  all        4      5      +1   +25.0 %\n",
		"  tax   before  after  change\n  2020       5      7      +2  +40.0 %\n  all        5      7      +2  +40.0 %\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no\n%sin\n%s", want, out.String())
		}
	}
}
