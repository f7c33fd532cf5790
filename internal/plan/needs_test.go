package plan_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// A frozen plan names a slice's units as an object, as it always has.
func TestNeedsAsJSON(t *testing.T) {
	needs := plan.Needs{{Fact: "billing", Keys: []string{"2020-01-01", "2019-12-01"}}, {Fact: `odd "name"`, Keys: []string{"2020-01-01"}}}
	text, err := json.Marshal(needs)
	if want := `{"billing":["2020-01-01","2019-12-01"],"odd \"name\"":["2020-01-01"]}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
	var back plan.Needs
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, needs) {
		t.Errorf("got %v, %v", back, err)
	}
	if none, err := json.Marshal(plan.Needs(nil)); err != nil || string(none) != "{}" {
		t.Errorf("none is %s, %v", none, err)
	}
}

// Status rows that do not say what they were made of are told apart by their fingerprints, and asked about where those differ.
func TestDraftAsksForWhatChanged(t *testing.T) {
	w := newWorld(t).run()
	for i := range w.Committed {
		w.Committed[i].Fingerprint = plan.Fingerprint(w.Committed[i].Parts)
	}
	whole := slices.Clone(w.Committed)
	for i := range w.Committed {
		w.Committed[i].Parts, w.Committed[i].Sums = hindcast.Parts{}, hindcast.Sums{}
	}
	key := whole[1].Slice.Key
	w.Current["usage"][key].Sums.Content = "other"
	d, err := plan.Begin(w.inputs())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Plan(); err != nil { // the plan of what is known so far leaves nothing in the one below
		t.Fatal(err)
	}
	asked := d.Unexplained(0)
	if !slices.Equal(asked, []string{key}) {
		t.Fatalf("asked for %v", asked)
	}
	if err := d.Explain(whole); err != nil {
		t.Fatal(err)
	}
	w.Outputs[0].Published = map[string]hindcast.Sums{} // nothing was edited
	d.Edited(0, w.Outputs[0].Published)
	got, err := d.Plan()
	if err != nil {
		t.Fatal(err)
	}
	w.Committed = whole
	want := w.make()
	if !reflect.DeepEqual(got.Items, want.Items) {
		t.Errorf("got\n%+v\nwant\n%+v", got.Items, want.Items)
	}
	if !reflect.DeepEqual(got.Units, want.Units) {
		t.Errorf("got\n%+v\nwant\n%+v", got.Units, want.Units)
	}
}
