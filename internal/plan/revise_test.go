package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// revisable is a plan of n days, computed by an SQL.
func revisable(sql string, days ...int) *plan.Plan {
	p := &plan.Plan{Run: "r1", Outputs: []plan.Output{{SQL: sql}}, Pipeline: hindcast.Pipeline{Outputs: make([]hindcast.Output, 1)}}
	for _, day := range days {
		start := time.Date(2024, 1, day, 0, 0, 0, 0, time.UTC)
		p.Items = append(p.Items, plan.Item{Slice: hindcast.Slice{Key: start.Format("2006-01-02"), Interval: hindcast.Interval{Start: start, End: start.AddDate(0, 0, 1)}},
			Reason: hindcast.ReasonNew, Parts: []hindcast.Parts{{SQL: "hash of " + sql}}})
		p.Units = append(p.Units, plan.Unit{Fact: "f", Key: start.Format("2006-01-02"), Unload: true})
	}
	return p
}

// A revised plan has the slices that are done as they were, the others as they are now, and says which SQL any status row is of, after a second
// revision too. Other slices than those that are left make none.
func TestRevise(t *testing.T) {
	first := revisable("SELECT 1", 1, 2, 3)
	at := time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)
	done := func(key string) bool { return key == "2024-01-01" }
	second := first.Revise(revisable("SELECT 2", 2, 3), done, at, "ana")
	third := second.Revise(revisable("SELECT 3", 3), func(key string) bool { return key < "2024-01-03" }, at, "ben")
	if second == nil || third == nil {
		t.Fatal("no plan was made")
	}
	for i, want := range []string{"SELECT 1", "SELECT 2", "SELECT 3"} {
		row := hindcast.Committed{Parts: third.Items[i].Parts[0]}
		if got, _ := third.SQLOf(0, &row); got != want {
			t.Errorf("%s was made by %s, and is said to be by %s", third.Items[i].Slice.Key, want, got)
		}
	}
	if len(third.Revisions) != 2 || third.Revisions[1].By != "ben" || third.Format != plan.Format || third.Run != "r1" || len(third.Units) != 3 {
		t.Errorf("%+v", third)
	}
	for _, u := range third.Units {
		if u.Unload != (u.Key == "2024-01-03") {
			t.Errorf("unit %s is unloaded: %v", u.Key, u.Unload)
		}
	}

	other := revisable("SELECT 2", 2, 3)
	other.Items[1].Slice.End = other.Items[1].Slice.End.AddDate(0, 0, 1)
	for name, left := range map[string]*plan.Plan{"other bounds": other, "one too few": revisable("SELECT 2", 2), "one too many": revisable("SELECT 2", 2, 3, 4)} {
		if got := first.Revise(left, done, at, "ana"); got != nil {
			t.Error(name, fmt.Sprintf("%+v", got.Items))
		}
	}
	if !first.SameSQL(revisable("SELECT 1", 2, 3)) || first.SameSQL(revisable("SELECT 2", 2, 3)) {
		t.Error("SameSQL does not tell one SQL from another")
	}
}

// severally is a revisable plan of one day and two outputs, the second of which reads the first.
func severally(first, second string, runs ...bool) *plan.Plan {
	p := revisable(first, 1)
	p.Outputs = append(p.Outputs, plan.Output{SQL: second})
	p.Pipeline.Outputs = []hindcast.Output{{Name: "first"}, {Name: "second", Reads: []string{"first"}}}
	item := &p.Items[0]
	item.Parts = append(item.Parts, hindcast.Parts{SQL: "hash of " + second})
	item.Outputs = make([]plan.Outcome, 2)
	for k := range item.Outputs {
		item.Outputs[k].Reason = hindcast.ReasonUpToDate
		if runs[k] {
			item.Outputs[k].Reason = hindcast.ReasonForced
		}
	}
	item.Reason = hindcast.ReasonForced
	return p
}

// Of what is left a revised plan makes what the run was begun to make, what has another SQL now, and what these read.
func TestReviseOutputs(t *testing.T) {
	never := func(string) bool { return false }
	for name, c := range map[string]struct {
		was  *plan.Plan
		is   *plan.Plan
		want []hindcast.Reason
	}{
		"the first": {severally("1", "2", true, false), severally("3", "2", true, true), []hindcast.Reason{hindcast.ReasonForced, hindcast.ReasonUpToDate}},
		"the second, which reads the first": {severally("1", "2", false, true), severally("1", "3", true, true),
			[]hindcast.Reason{hindcast.ReasonRead, hindcast.ReasonForced}},
		"the second, and the first has another SQL": {severally("1", "2", false, true), severally("3", "3", true, true),
			[]hindcast.Reason{hindcast.ReasonForced, hindcast.ReasonForced}},
		"the first, and the second has another SQL": {severally("1", "2", true, false), severally("1", "3", true, true),
			[]hindcast.Reason{hindcast.ReasonForced, hindcast.ReasonForced}},
	} {
		item := c.was.Revise(c.is, never, time.Time{}, "ana").Items[0]
		if got := []hindcast.Reason{item.ReasonOf(0), item.ReasonOf(1)}; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}

}

// Whether anything is another one now goes by all outputs and their checks, and so does which SQL a status row is of.
func TestRevisedOutputs(t *testing.T) {
	if was := severally("1", "2", false, true); !was.SameSQL(severally("1", "2", true, true)) || was.SameSQL(severally("3", "2", true, true)) {
		t.Error("SameSQL does not look at all outputs")
	}
	checked := severally("1", "2", true, true)
	checked.Pipeline.Outputs[1].Checks = []hindcast.Check{{Name: "sql 1", SQL: "SELECT 1"}}
	if severally("1", "2", true, true).SameSQL(checked) {
		t.Error("SameSQL does not look at checks")
	}

	was := severally("1", "2", true, true)
	revised := was.Revise(severally("1", "3", true, true), func(string) bool { return false }, time.Time{}, "ana")
	revised.Pipeline.Outputs[1].Reads = nil // as the file has it now
	if sql, reads := revised.SQLOf(1, &hindcast.Committed{Parts: was.Items[0].Parts[1]}); sql != "2" || !slices.Equal(reads, []string{"first"}) {
		t.Errorf("what was made by 2 and read the first is said to be by %s and to read %q", sql, reads)
	}

	other := severally("1", "3", true, true)
	if was.OtherColumns(other) != -1 {
		t.Error("results without columns are said to differ")
	}
	other.Outputs[1].Result = []hindcast.Column{{Name: "more"}}
	if was.OtherColumns(other) != 1 {
		t.Error("other columns are not found")
	}
}
