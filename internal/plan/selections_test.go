package plan_test

import (
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

const everySlice = "2016-01-01 2016-03-01 2016-05-01 2016-07-01 2016-09-01 2016-11-01"

// mixed has 2016-01-01 and 2016-05-01 up to date, 2016-03-01 stale, 2016-07-01 stale and failed, the rest new.
func mixed(t *testing.T) *world {
	w := newWorld(t).run()
	w.Committed = w.Committed[:4]
	w.Current["billing"]["2016-03-01"].Sums.Content = "other"
	w.Outputs[0].Published["2016-07-01"] = hindcast.Sums{Rows: 1}
	w.Failed["2016-07-01"] = true
	return w
}

func TestSelections(t *testing.T) {
	for _, c := range []struct{ selection, want string }{
		{"", everySlice},
		{" ", everySlice},
		{"all", everySlice},
		{"2016", everySlice},
		{"2016-03", "2016-03-01"},
		{"2016-03-01", "2016-03-01"},
		{"2016-11,2016-03", "2016-03-01 2016-11-01"},
		{"2016-03 , 2016-03-01", "2016-03-01"},
		{"2016-03..2016-07", "2016-03-01 2016-05-01 2016-07-01"},
		{"2016-02..2016-04", "2016-03-01"},
		{"..2016-03", "2016-01-01 2016-03-01"},
		{"2016-09..", "2016-09-01 2016-11-01"},
		{"new", "2016-09-01 2016-11-01"},
		{"stale", "2016-03-01 2016-07-01"},
		{"failed", "2016-07-01"},
		{"2016-01,failed,new", "2016-01-01 2016-07-01 2016-09-01 2016-11-01"},
		{"unsettled,new", "2016-09-01 2016-11-01"},
	} {
		w := mixed(t)
		w.Selection = c.selection
		if got := keys(w.make()); got != c.want {
			t.Errorf("%q: got %s, want %s", c.selection, got, c.want)
		}
		w.Force = true // chosen by what would be without it
		p := w.make()
		if got := keys(p); got != c.want {
			t.Errorf("%q with --force: got %s, want %s", c.selection, got, c.want)
		}
		for _, i := range p.Items {
			want := hindcast.ReasonForced
			if i.Slice.Key >= "2016-09" { // never committed
				want = hindcast.ReasonNew
			}
			if i.Reason != want {
				t.Errorf("%q with --force: %s is %s", c.selection, i.Slice.Key, i.Reason)
			}
		}
	}
	w := mixed(t)
	w.Selection, w.Pipeline.History.Settle = "unsettled", hindcast.Period{N: 43, Unit: hindcast.Months}
	if got := keys(w.make()); got != "2016-09-01 2016-11-01" { // 1 November 2016 and 43 months are 1 June 2020
		t.Errorf("unsettled: %s", got)
	}
}

func TestSelectionsOfNothing(t *testing.T) {
	for _, c := range []struct{ selection, says string }{
		{"2019", `no slice "2019"; the history has 2016-01 to 2016-11`},
		{"2016-04", "2016-04 lies in the slice 2016-03"},
		{"2016-12-31", "2016-12-31 lies in the slice 2016-11"},
		{"2016-1", `no slice "2016-1"`},
		{"2016-03,", `no slice ""`},
		{"..", `no slice ".."`},
		{"2016-09..2016-03", `the range "2016-09..2016-03" is reversed`},
		{"newest", `no slice "newest"`},
		{"unsettled", "no slice is unsettled"},
	} {
		w := mixed(t)
		w.Selection = c.selection
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.ESlices, c.says)
	}
}

func TestSelectionOfHours(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	w := newWorld(t, func(p *hindcast.Pipeline) {
		p.History = hindcast.History{From: utc(2018, 10, 27).In(z).Add(-2 * 3600e9), To: "2018-10-29", Every: hours(1), TimeZone: z.String(), Zone: z}
		p.Facts = p.Facts[1:]
	})
	for selection, want := range map[string]int{"2018-10-28": 25, "2018-10-28T02": 2, "2018-10-28T02:00+01:00": 1, "2018-10-27..2018-10-27": 24, "2018-10": 49} {
		w.Selection = selection
		if got := len(w.make().Items); got != want {
			t.Errorf("%s: %d slices, want %d", selection, got, want)
		}
	}
}
