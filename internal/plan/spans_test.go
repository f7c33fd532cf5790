package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// light makes the status rows what the warehouse tells of a long history: fingerprints without what they are made of.
func (w *world) light() (whole []hindcast.Committed) {
	for i := range w.Committed {
		w.Committed[i].Fingerprint = plan.Fingerprint(w.Committed[i].Parts)
	}
	whole = slices.Clone(w.Committed)
	for i := range w.Committed {
		w.Committed[i].Parts, w.Committed[i].Sums = hindcast.Parts{}, hindcast.Sums{}
	}
	return whole
}

// drafted makes a plan in the steps of a survey, with what the target holds of the slices that were edited.
func (w *world) drafted(in plan.Inputs, whole []hindcast.Committed, edited map[string]hindcast.Sums) *plan.Plan {
	w.t.Helper()
	d, err := plan.Begin(in)
	if err != nil {
		w.t.Fatal(err)
	}
	explain := func(keys []string) {
		rows := slices.DeleteFunc(slices.Clone(whole), func(c hindcast.Committed) bool { return !slices.Contains(keys, c.Slice.Key) })
		if err := d.Explain(rows); err != nil {
			w.t.Fatal(err)
		}
	}
	for output := range in.Pipeline.Outputs {
		explain(d.Unexplained(output))
	}
	if _, err := d.Plan(); err != nil {
		w.t.Fatal(err)
	}
	var keys []string
	for key := range edited {
		keys = append(keys, key)
	}
	explain(keys)
	d.Edited(0, edited)
	p, err := d.Plan()
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// A plan keeps spans of the slices that are up to date in place of items. All else in it is as in the plan that has them as
// items.
func TestSpansStandForItems(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		w := newWorld(t, func(p *hindcast.Pipeline) {
			p.History.Every = months(1)
			if n%3 == 0 {
				twice(p)
			}
		}).run()
		for i := range w.Committed {
			w.Committed[i].Run = fmt.Sprintf("r%d", r.IntN(2))
		}
		whole := w.light()
		edited := map[string]hindcast.Sums{}
		for range r.IntN(4) {
			row := whole[r.IntN(len(whole))]
			key := row.Slice.Key
			switch r.IntN(6) {
			case 0:
				w.Current["usage"][key].Sums.Content = "other"
			case 1:
				delete(w.Current["billing"], key)
			case 2:
				edited[key] = hindcast.Sums{Rows: 7}
			case 3:
				edited[key] = row.Sums // looked at, and found as it was
			case 4:
				w.Committed = slices.DeleteFunc(w.Committed, func(c hindcast.Committed) bool { return c.Slice.Key == key })
			case 5:
				w.Current["usage"][key].CreatedAt = utc(2016, 1, 1) // before it was settled
			}
		}
		w.Selection = []string{"", "", "2016-03..2016-09", "2016-02,2016-04", "stale"}[r.IntN(5)]
		if n%17 == 0 {
			w.Outputs[0].Existing = false
		}

		w.Outputs[0].Published = nil
		in := w.inputs()
		if w.Selection == "stale" && (len(edited) > 0 || !stale(t, in)) {
			continue // which slices are edited is known when they have been selected
		}
		want := w.drafted(in, whole, edited)
		in.Whole = false
		sameButSpans(t, w.drafted(in, whole, edited), want)
		w.digested(&in, 1+r.IntN(8))
		sameButSpans(t, w.drafted(in, whole, edited), want)
	}
}

// stale reports whether any slice is.
func stale(t *testing.T, in plan.Inputs) bool {
	t.Helper()
	_, err := plan.Make(in)
	if err != nil && !errors.Is(err, plan.ErrNoneChosen) {
		t.Fatal(err)
	}
	return err == nil
}

func sameButSpans(t *testing.T, got, want *plan.Plan) {
	t.Helper()
	var items []plan.Item
	idle := map[string]string{}
	var all []string
	for _, item := range want.Items {
		all = append(all, item.Slice.Key)
		if item.Reason == hindcast.ReasonUpToDate {
			idle[item.Slice.Key] = item.Detail
		} else {
			items = append(items, item)
		}
	}
	if len(got.Items)+len(items) > 0 && !reflect.DeepEqual(got.Items, items) {
		t.Errorf("the items are\n%+v\nwant\n%+v", got.Items, items)
	}
	if keys := got.Keys(); !slices.Equal(keys, all) || got.Total() != len(all) {
		t.Errorf("%d slices: %v, want %v", got.Total(), keys, all)
	}
	for _, span := range got.UpToDate {
		if idle[span.First] != span.Detail || idle[span.Last] != span.Detail {
			t.Errorf("%+v; the details are %v", span, idle)
		}
	}
	for _, u := range got.Units {
		if !slices.ContainsFunc(want.Units, func(o plan.Unit) bool { return reflect.DeepEqual(u, o) }) {
			t.Errorf("the unit %+v", u)
		}
	}
	unloads := func(p *plan.Plan) (n int) {
		for _, u := range p.Units {
			if u.Unload {
				n++
			}
		}
		return n
	}
	if unloads(got) != unloads(want) {
		t.Errorf("%d unloads, want %d", unloads(got), unloads(want))
	}
	oldest, newest := got.Ages()
	o, n := want.Ages()
	if !oldest.Equal(o) || !newest.Equal(n) || got.Estimate != want.Estimate || !reflect.DeepEqual(got.Warnings, want.Warnings) || got.Shares != want.Shares {
		t.Errorf("ages %v, %v and %+v, %v, %+v; want %v, %v and %+v, %v, %+v", oldest, newest, got.Estimate, got.Warnings, got.Shares, o, n, want.Estimate, want.Warnings, want.Shares)
	}
}

// Who selects among the slices of a frozen plan may name those that are up to date too.
func TestSpansAreSelected(t *testing.T) {
	w := newWorld(t, func(p *hindcast.Pipeline) { p.History.Every = months(1) }).run()
	whole := w.light()
	w.Current["usage"]["2016-05-01"].Sums.Content = "other"
	in := w.inputs()
	in.Whole = false
	p := w.drafted(in, whole, nil)
	if len(p.Items) != 1 || len(p.UpToDate) != 2 || p.UpToDate[0].Slices != 4 || p.UpToDate[1].Slices != 7 {
		t.Fatalf("items %v, spans %+v", keys(p), p.UpToDate)
	}
	for selection, want := range map[string][]string{
		"2016-02..2016-03":         {"2016-02-01", "2016-03-01"},
		"2016-05":                  {"2016-05-01"},
		"2016-04..2016-06,2016-11": {"2016-04-01", "2016-05-01", "2016-06-01", "2016-11-01"},
		"stale":                    {"2016-05-01"},
		"new":                      nil,
	} {
		got, err := plan.Select(p, &hindcast.RunState{}, selection)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", selection, got, err)
		}
		only := p.Only(got)
		if left := only.Keys(); len(left)+len(want) > 0 && !slices.Equal(left, want) {
			t.Errorf("only %s: %v", selection, left)
		}
	}
	_, err := plan.Select(p, &hindcast.RunState{}, "2017-01")
	refused(t, err, hindcast.ESlices, "2017-01")
}

// A plan that was frozen with its up-to-date slices among the items is read as one with spans.
func TestFrozenItemsBecomeSpans(t *testing.T) {
	w := newWorld(t, func(p *hindcast.Pipeline) { p.History.Every = months(1) }).run()
	whole := w.light()
	w.Current["usage"]["2016-05-01"].Sums.Content = "other"
	in := w.inputs()
	withItems := w.drafted(in, whole, nil)
	in.Whole = false
	made := w.drafted(in, whole, nil)
	for _, frozen := range []*plan.Plan{withItems, made} {
		text, err := json.Marshal(frozen)
		if err != nil {
			t.Fatal(err)
		}
		var read plan.Plan
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(read.Keys(), made.Keys()) || len(read.Items) != 1 || !reflect.DeepEqual(read.UpToDate, made.UpToDate) {
			t.Errorf("read as items %v and %+v, made as %v and %+v", keys(&read), read.UpToDate, keys(made), made.UpToDate)
		}
	}
}

// Of slices that are selected by their keys the plan is the same where nothing was asked about any other.
func TestSelectedSlicesArePlannedAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 200 {
		w := newWorld(t, func(p *hindcast.Pipeline) {
			p.History.Every = months(1)
			p.Facts = append(p.Facts, hindcast.Fact{Name: "back", Table: "back", Time: "at", Lookback: days(r.IntN(80)), Every: []hindcast.Period{{}, months(3), days(5)}[n%3], Missing: hindcast.MissingFail})
			if n%4 == 0 {
				twice(p)
			}
		}).run()
		for range r.IntN(4) {
			key := w.Committed[r.IntN(len(w.Committed))].Slice.Key
			switch r.IntN(4) {
			case 0:
				w.Current["usage"][key].Sums.Content = "other"
			case 1:
				delete(w.Current["billing"], key)
			case 2:
				w.Outputs[0].Published[key] = hindcast.Sums{Rows: 7}
			case 3:
				w.Committed = slices.DeleteFunc(w.Committed, func(c hindcast.Committed) bool { return c.Slice.Key == key })
			}
		}
		w.Selection = []string{"2016-03", "2016-01", "2016-12", "2016-02..2016-05", "2016-03,2016-09", "..2016-02,2016-11.."}[r.IntN(6)]
		in := w.inputs()
		in.Whole = n%2 == 0
		in.Force = n%5 == 0
		history := w.history()
		selected, ok, err := plan.Named(w.Selection, history, in.Pipeline.History.Every)
		if err != nil || !ok {
			t.Fatal(selected, ok, err)
		}
		needed, err := plan.Needed(in.Pipeline, history, selected)
		if err != nil {
			t.Fatal(err)
		}
		want := plannedAs(t, in)
		in.History, in.Selected, in.Current = history, selected, some{w.Current, needed}
		if got := plannedAs(t, in); got != want {
			t.Fatalf("%s is planned alone as\n%s\nand among others as\n%s", w.Selection, got, want)
		}
	}
}

func (w *world) history() []hindcast.Slice {
	w.t.Helper()
	to, err := plan.ResolveTo(w.Pipeline, w.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	history, err := plan.Cut(w.Pipeline.History, to)
	if err != nil {
		w.t.Fatal(err)
	}
	return history
}

// some are the manifests of some units.
type some struct {
	all   plan.Manifests
	units []plan.LookedAt
}

func (s some) Of(fact, key string) (hindcast.Manifest, bool) {
	if !slices.Contains(s.units, plan.LookedAt{Name: fact, Key: key}) {
		return hindcast.Manifest{}, false
	}
	return s.all.Of(fact, key)
}

func plannedAs(t *testing.T, in plan.Inputs) string {
	t.Helper()
	p, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a selection names is known before anything else is; how slices stand is not.
func TestNamed(t *testing.T) {
	w := newWorld(t)
	for selection, want := range map[string]int{"2016-03": 1, "2016-03,2016-05": 2, "2016": 6, "": -1, " ": -1, "all": -1, "new": -1, "2016-03,stale": -1, "failed": -1, "unsettled": -1, "missing": -1} {
		named, ok, err := plan.Named(selection, w.history(), w.Pipeline.History.Every)
		if err != nil || ok != (want >= 0) || ok && len(named) != want {
			t.Errorf("%q: %d slices, %v, %v", selection, len(named), ok, err)
		}
	}
	_, _, err := plan.Named("2017", w.history(), w.Pipeline.History.Every)
	refused(t, err, hindcast.ESlices, "2017")
}
