package plan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// twice gives the pipeline a second output of other SQL and another target.
func twice(p *hindcast.Pipeline) {
	second := p.Outputs[0]
	p.Outputs[0].Name = "months"
	second.Name, second.Text, second.Target.Table = "totals", "SELECT min(month) AS month, sum(cost) FROM billing", "totals"
	p.Outputs = append(p.Outputs, second)
}

// Each output of a slice has its own reason. The slice runs for the first that is made, and says which one that is unless all
// have the same reason.
func TestReasonsOfOutputs(t *testing.T) {
	const key = "2016-03-01"
	for name, c := range map[string]struct {
		change  func(*world)
		reasons []hindcast.Reason
		reason  hindcast.Reason
		detail  string
		wanted  []int
	}{
		"nothing":       {func(*world) {}, []hindcast.Reason{hindcast.ReasonUpToDate, hindcast.ReasonUpToDate}, hindcast.ReasonUpToDate, "committed by r7, 3 May", nil},
		"SQL of one":    {func(w *world) { w.Pipeline.Outputs[1].Text += " HAVING true" }, []hindcast.Reason{hindcast.ReasonUpToDate, hindcast.ReasonSQL}, hindcast.ReasonSQL, "totals: committed by r7, 3 May", []int{1}},
		"a hook of one": {func(w *world) { w.Pipeline.Outputs[0].Load.After = []string{"ANALYZE"} }, []hindcast.Reason{hindcast.ReasonDefinition, hindcast.ReasonUpToDate}, hindcast.ReasonDefinition, "months: committed by r7, 3 May", []int{0}},
		"a parameter":   {func(w *world) { w.Pipeline.Params[0].Literal = "2" }, []hindcast.Reason{hindcast.ReasonParams, hindcast.ReasonParams}, hindcast.ReasonParams, "committed by r7, 3 May", []int{0, 1}},
		"edited": {func(w *world) { w.Outputs[1].Published[key] = hindcast.Sums{Rows: 9} }, []hindcast.Reason{hindcast.ReasonUpToDate, hindcast.ReasonEdited},
			hindcast.ReasonEdited, "totals: committed by r7, 3 May", []int{1}},
		"a target that is gone": {func(w *world) { w.Outputs[0].Existing = false }, []hindcast.Reason{hindcast.ReasonEdited, hindcast.ReasonUpToDate},
			hindcast.ReasonEdited, "months: summary is not there; committed by r7, 3 May", []int{0}},
		"one never made": {func(w *world) {
			w.Committed = slices.DeleteFunc(w.Committed, func(c hindcast.Committed) bool { return c.Target == "totals" })
		}, []hindcast.Reason{hindcast.ReasonUpToDate, hindcast.ReasonNew}, hindcast.ReasonNew, "totals", []int{1}},
		"forced": {func(w *world) { w.Force = true }, []hindcast.Reason{hindcast.ReasonForced, hindcast.ReasonForced}, hindcast.ReasonForced, "committed by r7, 3 May", []int{0, 1}},
		"forced, one never made": {func(w *world) {
			w.Force = true
			w.Committed = slices.DeleteFunc(w.Committed, func(c hindcast.Committed) bool { return c.Target == "totals" })
		}, []hindcast.Reason{hindcast.ReasonForced, hindcast.ReasonNew}, hindcast.ReasonForced, "months: committed by r7, 3 May", []int{0, 1}},
	} {
		w := newWorld(t, twice).run()
		c.change(w)
		items := w.make().Items
		item := items[slices.IndexFunc(items, func(i plan.Item) bool { return i.Slice.Key == key })]
		if got := []hindcast.Reason{item.ReasonOf(0), item.ReasonOf(1)}; !slices.Equal(got, c.reasons) {
			t.Errorf("%s: the outputs are %q, want %q", name, got, c.reasons)
		}
		detail := strings.ReplaceAll(item.Detail, " 2020", "")
		if item.Reason != c.reason || detail != c.detail || !slices.Equal(item.Wanted(), c.wanted) {
			t.Errorf("%s: %s %q, made of %v; want %s %q, %v", name, item.Reason, detail, item.Wanted(), c.reason, c.detail, c.wanted)
		}
	}
}

// reading has the second output read the first, and a third one the second.
func reading(p *hindcast.Pipeline) {
	twice(p)
	p.Outputs[1].Reads = []string{"months"}
	third := p.Outputs[0]
	third.Name, third.Text, third.Target.Table, third.Reads = "years", "SELECT min(month) AS month FROM totals", "years", []string{"totals"}
	p.Outputs = append(p.Outputs, third)
}

// An output is made when one that it reads changes, and has that one made when it is made itself; the slice runs for the one that
// is made for its own sake. A plan in which an output reads another one needs a reader that knows of it.
func TestOutputsThatRead(t *testing.T) {
	const key = "2016-03-01"
	const new, same, read = hindcast.ReasonNew, hindcast.ReasonUpToDate, hindcast.ReasonRead
	const sql, other, edited = hindcast.ReasonSQL, hindcast.ReasonDefinition, hindcast.ReasonEdited
	for name, c := range map[string]struct {
		change  func(*world)
		reasons []hindcast.Reason
		detail  string
	}{
		"nothing":         {func(*world) {}, []hindcast.Reason{same, same, same}, "committed by r7, 3 May"},
		"SQL of the last": {func(w *world) { w.Pipeline.Outputs[2].Text += " HAVING true" }, []hindcast.Reason{read, read, sql}, "years: committed by r7, 3 May"},
		"SQL between":     {func(w *world) { w.Pipeline.Outputs[1].Text += " HAVING true" }, []hindcast.Reason{read, sql, other}, "totals: committed by r7, 3 May"},
		"SQL of the first": {func(w *world) { w.Pipeline.Outputs[0].Text += " HAVING true" }, []hindcast.Reason{sql, other, other},
			"months: committed by r7, 3 May"},
		"what the first drops": {func(w *world) { w.Pipeline.Outputs[0].Target.Drop = true }, []hindcast.Reason{other, other, other}, "committed by r7, 3 May"},
		"a hook of the first":  {func(w *world) { w.Pipeline.Outputs[0].Load.After = []string{"ANALYZE"} }, []hindcast.Reason{other, same, same}, "months: committed by r7, 3 May"},
		"edited":               {func(w *world) { w.Outputs[1].Published[key] = hindcast.Sums{Rows: 9} }, []hindcast.Reason{read, edited, same}, "totals: committed by r7, 3 May"},
		"one never made": {func(w *world) {
			w.Committed = slices.DeleteFunc(w.Committed, func(c hindcast.Committed) bool { return c.Target == "years" })
		}, []hindcast.Reason{read, read, new}, "years"},
	} {
		w := newWorld(t, reading).run()
		c.change(w)
		p := w.make()
		item := p.Items[slices.IndexFunc(p.Items, func(i plan.Item) bool { return i.Slice.Key == key })]
		got := []hindcast.Reason{item.ReasonOf(0), item.ReasonOf(1), item.ReasonOf(2)}
		if detail := strings.ReplaceAll(item.Detail, " 2020", ""); !slices.Equal(got, c.reasons) || detail != c.detail {
			t.Errorf("%s: the outputs are %q, %q; want %q, %q", name, got, detail, c.reasons, c.detail)
		}
		if p.Format != 4 {
			t.Errorf("%s: the plan has format %d", name, p.Format)
		}
	}
}

// The only output stays up to date when it becomes one of several. A plan of one output says nothing of outputs in its slices; of several, a slice has the parts of each.
func TestPartsOfOutputs(t *testing.T) {
	one, both := newWorld(t).run().make().Items[0], newWorld(t, twice).run().make().Items[0]
	text, err := json.Marshal(one)
	if err != nil || strings.Contains(string(text), "outputs") {
		t.Errorf("%s, %v", text, err)
	}
	if len(one.Parts) != 1 || len(both.Parts) != 2 || both.Parts[0].SQL != one.Parts[0].SQL || both.Parts[1].SQL == one.Parts[0].SQL ||
		both.Parts[0].Definition != one.Parts[0].Definition {
		t.Errorf("%+v and %+v", one.Parts, both.Parts)
	}

	prints := []string{plan.Fingerprint(both.Parts[0]), plan.Fingerprint(both.Parts[1])}
	if plan.Together(prints[:1]) != prints[0] {
		t.Error("the fingerprint of the only output is not the slice's")
	}
	together := plan.Together(prints)
	slices.Reverse(prints)
	if together == plan.Together(prints) || slices.Contains(prints, together) {
		t.Errorf("together %s", together)
	}
}
