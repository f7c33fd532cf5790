package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

const key = "2016-03-01"

func (w *world) row(key string) *hindcast.Committed {
	return &w.Committed[slices.IndexFunc(w.Committed, func(c hindcast.Committed) bool { return c.Slice.Key == key })]
}

// changes are all that can happen to slice 2016-03-01 after it was committed, the least of them first: each takes
// the place of those before it as the reason.
var changes = []struct {
	name   string
	change func(w *world)
	reason hindcast.Reason
	detail string
	all    bool // it concerns every slice
}{
	{"nothing", func(*world) {}, hindcast.ReasonUpToDate, "committed by r7, 3 May", true},
	{"young", func(w *world) {
		w.Pipeline.History.Settle = hindcast.Period{N: 52, Unit: hindcast.Months}
	}, hindcast.ReasonUnsettled, "younger than 52 months", true},
	{"lost from the lake", func(w *world) { delete(w.Current["usage"], key) }, hindcast.ReasonFacts, "usage: not in the lake; run only if its rows differ", false},
	{"target edited", func(w *world) { w.Outputs[0].Published[key] = hindcast.Sums{Rows: 10, Content: "other"} }, hindcast.ReasonEdited, "committed by r7, 3 May", false},
	{"dimension", func(w *world) { w.Inputs.Dims["accounts"].Sums.Content = "other" }, hindcast.ReasonDims, "accounts, committed by r7, 3 May", true},
	{"fact", func(w *world) { w.Current["billing"][key].Sums.Content = "other" }, hindcast.ReasonFacts, "billing, committed by r7, 3 May", false},
	{"hook", func(w *world) { w.Pipeline.Output().Load.Before = []string{"DELETE FROM x"} }, hindcast.ReasonDefinition, "committed by r7, 3 May", true},
	{"parameter", func(w *world) { w.Pipeline.Params[0].Literal = "1.10" }, hindcast.ReasonParams, "committed by r7, 3 May", true},
	{"SQL", func(w *world) { w.Pipeline.Output().Text += " HAVING true" }, hindcast.ReasonSQL, "committed by r7, 3 May", true},
	{"force", func(w *world) { w.Force = true }, hindcast.ReasonForced, "committed by r7, 3 May", true},
	{"row of other bounds", func(w *world) { w.row(key).Slice.End = utc(2016, 4, 1) }, hindcast.ReasonNew, "", false},
	{"table skipped", func(w *world) {
		w.Pipeline.Facts[0].Missing = hindcast.MissingSkip
		delete(w.Sources, "billing_2016_03")
		delete(w.Current["billing"], key)
	}, hindcast.ReasonMissing, "missing: skip", false},
}

func TestEachReason(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).run()
			c.change(w)
			p := w.make()
			got := item(t, p, key)
			if got.Reason != c.reason || got.Detail != c.detail {
				t.Errorf("got %q, %q; want %q, %q", got.Reason, got.Detail, c.reason, c.detail)
			}
			other := item(t, p, "2016-09-01")
			want := hindcast.ReasonUpToDate
			if c.all {
				want = c.reason
			}
			if other.Reason != want {
				t.Errorf("another slice: got %q, %q; want %q", other.Reason, other.Detail, want)
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	w := newWorld(t).run()
	for _, c := range changes {
		c.change(w)
		if got := item(t, w.make(), key); got.Reason != c.reason || got.Detail != c.detail {
			t.Errorf("%s: got %q, %q; want %q, %q", c.name, got.Reason, got.Detail, c.reason, c.detail)
		}
	}
}

func TestNewSlices(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
	}{
		{"nothing committed", func(w *world) { w.Committed = nil }},
		{"another target", func(w *world) {
			for i := range w.Committed {
				w.Committed[i].Target = "elsewhere"
			}
		}},
		{"other bounds", func(w *world) {
			for i := range w.Committed {
				w.Committed[i].Slice.Start = w.Committed[i].Slice.Start.Add(time.Hour)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).run()
			c.change(w)
			for _, i := range w.make().Items {
				if i.Reason != hindcast.ReasonNew || i.Detail != "" {
					t.Errorf("%s: %q, %q", i.Slice.Key, i.Reason, i.Detail)
				}
			}
		})
	}
}

// A row of the same key and other bounds hides the right row neither before nor behind it.
func TestRowsOfTheSameKey(t *testing.T) {
	w := newWorld(t).run()
	wrong := *w.row(key)
	wrong.Slice.End, wrong.Run = utc(2016, 4, 1), "r6"
	right := slices.Clone(w.Committed)
	for _, rows := range [][]hindcast.Committed{append([]hindcast.Committed{wrong}, right...), append(slices.Clone(right), wrong)} {
		w.Committed = rows
		if got := item(t, w.make(), key); got.Reason != hindcast.ReasonUpToDate {
			t.Errorf("got %q, %q", got.Reason, got.Detail)
		}
	}
}

func TestDetailsOfSeveral(t *testing.T) {
	w := newWorld(t).run()
	w.Current["billing"][key].Sums.Content, w.Current["usage"][key].Sums.Content = "other", "other"
	for range 20 { // the order does not depend on a map's
		if got := item(t, w.make(), key).Detail; got != "billing, usage, committed by r7, 3 May" {
			t.Fatalf("got %q", got)
		}
	}
	w.row(key).CommittedAt = utc(2019, 12, 31)
	if got := item(t, w.make(), key).Detail; got != "billing, usage, committed by r7, 31 Dec 2019" {
		t.Errorf("got %q", got)
	}
}

func TestTargetGone(t *testing.T) {
	w := newWorld(t).run()
	w.Outputs[0].Existing, w.Outputs[0].Published = false, nil
	if got := item(t, w.make(), key); got.Reason != hindcast.ReasonEdited || !strings.Contains(got.Detail, "summary is not there") {
		t.Errorf("got %q, %q", got.Reason, got.Detail)
	}
}

func TestRowsLostFromTheTarget(t *testing.T) {
	w := newWorld(t).run()
	w.Outputs[0].Published[key] = hindcast.Sums{Rows: 9, Content: w.Outputs[0].Published[key].Content}
	if got := item(t, w.make(), key); got.Reason != hindcast.ReasonEdited {
		t.Errorf("got %q, %q", got.Reason, got.Detail)
	}
}

func TestUnloads(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		unload bool
		why    string
	}{
		{"in the lake", func(*world) {}, false, ""},
		{"not there", func(w *world) { delete(w.Current["billing"], key) }, true, "not in the lake"},
		{"of other bounds", func(w *world) { w.Current["billing"][key].Interval.End = utc(2016, 4, 1) }, true, "not in the lake"},
		{"of another table", func(w *world) { w.Current["billing"][key].Source = "old_2016_03" }, true, "not in the lake"},
		{"a column more", func(w *world) {
			w.Sources["billing_2016_03"] = plan.Source{Columns: append(slices.Clone(w.Sources["billing_2016_03"].Columns), hindcast.Column{Name: "tax", Type: "BIGINT"})}
		}, true, "columns changed"},
		{"another type", func(w *world) {
			w.Sources["billing_2016_03"] = plan.Source{Columns: []hindcast.Column{{Name: "at", Type: "DATE"}, {Name: "cost", Type: "BIGINT"}}}
		}, true, "columns changed"},
		{"narrowed", func(w *world) { w.Pipeline.Facts[0].Columns = []string{"COST"} }, true, "columns changed"},
		{"as text", func(w *world) { w.Pipeline.Facts[0].Text = []string{"COST"} }, true, "columns changed"},
		{"younger than settle", func(w *world) { w.Pipeline.History.Settle = hindcast.Period{N: 10, Unit: hindcast.Years} }, true, "unsettled"},
		{"unloaded too early", func(w *world) { w.Current["billing"][key].CreatedAt = utc(2016, 4, 28) }, true, "unloaded before it was settled"},
		{"missing then, there now", func(w *world) { w.Current["billing"][key].Missing = true }, true, "its table is there now"},
		{"gone, and in the lake", func(w *world) { delete(w.Sources, "billing_2016_03") }, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).run()
			c.change(w)
			p := w.make()
			if u := unit(t, p, "billing", key); u.Unload != c.unload || u.Why != c.why || u.Missing {
				t.Errorf("unload %v, %q, missing %v; want %v, %q", u.Unload, u.Why, u.Missing, c.unload, c.why)
			}
			if got := item(t, p, key).Reason.Runs(); got != c.unload {
				t.Errorf("the slice runs: %v", got)
			}
		})
	}
}

// What a slice that does not run needs is not unloaded for it.
func TestOnlyRunningSlicesUnload(t *testing.T) {
	w := newWorld(t)
	w.Selection = key
	p := w.make()
	for _, u := range p.Units {
		if u.Key != key || !u.Unload || u.Why != "not in the lake" {
			t.Errorf("unit %s of %s: %v, %q", u.Key, u.Fact, u.Unload, u.Why)
		}
	}
	if len(p.Units) != 2 {
		t.Errorf("%d units", len(p.Units))
	}
}

func TestMissingTables(t *testing.T) {
	gone := func(t *testing.T, missing hindcast.Missing, names ...string) *world {
		w := newWorld(t, func(p *hindcast.Pipeline) { p.Facts[0].Missing = missing })
		for _, name := range names {
			delete(w.Sources, name)
		}
		return w
	}
	t.Run("fail", func(t *testing.T) {
		w := gone(t, hindcast.MissingFail, "billing_2016_03")
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.ETableMissing, "billing_2016_03 of fact billing is not there", "missing: skip", "missing: empty")
		if place := hindcast.AsError(err).Place.String(); place != "hindcast.yml:7" {
			t.Errorf("the place is %s", place)
		}
		w.Selection = "2016-05..2016-11"
		w.make() // the slices chosen do not need it
	})
	t.Run("fail, several", func(t *testing.T) {
		w := gone(t, hindcast.MissingFail, "billing_2016_03", "billing_2016_05", "billing_2016_07")
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.ETableMissing, "3 tables, billing_2016_03 to billing_2016_07 of fact billing are not there", "billing_2016_05")
	})
	t.Run("skip", func(t *testing.T) {
		p := gone(t, hindcast.MissingSkip, "billing_2016_03").make()
		if got := item(t, p, key); got.Reason != hindcast.ReasonMissing || got.Detail != "missing: skip" {
			t.Errorf("got %q, %q", got.Reason, got.Detail)
		}
		if u := unit(t, p, "usage", key); u.Unload {
			t.Error("the other fact of a slice that is skipped is unloaded")
		}
	})
	t.Run("empty", func(t *testing.T) {
		w := gone(t, hindcast.MissingEmpty, "billing_2016_03")
		p := w.make()
		got := item(t, p, key)
		if got.Reason != hindcast.ReasonNew || got.Rows != 100 { // a sixth of usage, and nothing of billing
			t.Errorf("got %q with %d rows", got.Reason, got.Rows)
		}
		u := unit(t, p, "billing", key)
		if !u.Missing || !u.Unload || u.Why != "table missing" || len(u.Columns) != 2 {
			t.Errorf("the unit is %+v", u)
		}
		w.run()
		if got := item(t, w.make(), key); got.Reason != hindcast.ReasonUpToDate {
			t.Errorf("after the run: %q, %q", got.Reason, got.Detail)
		}
	})
	t.Run("lookback", func(t *testing.T) {
		back := func(p *hindcast.Pipeline) {
			p.Facts = []hindcast.Fact{{Name: "b", Table: "b_{yyyy}_{mm}", Time: "at", Lookback: days(7), Missing: hindcast.MissingFail}}
		}
		w := newWorld(t, back)
		delete(w.Sources, "b_2015_11") // before history: nobody promised it
		if got := item(t, w.make(), "2016-01-01").Units.Of("b"); !slices.Equal(got, []string{"2016-01-01"}) {
			t.Errorf("the first slice reads %v", got)
		}
		delete(w.Sources, "b_2016_01") // in history: a slice without its lookback would be wrong in silence
		w.Selection = key
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.ETableMissing, "b_2016_01")
	})
	t.Run("dimension", func(t *testing.T) {
		w := newWorld(t)
		delete(w.Sources, "accounts")
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.ETableMissing, "accounts of dimension accounts is not there")
	})
}

func TestDimensionsDue(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		why    string
	}{
		{"an hour old", func(*world) {}, ""},
		{"not there", func(w *world) { delete(w.Inputs.Dims, "accounts") }, "not in the lake"},
		{"old", func(w *world) { w.Inputs.Dims["accounts"].CreatedAt = w.Now.Add(-24 * time.Hour) }, "older than 24h"},
		{"nearly old", func(w *world) { w.Inputs.Dims["accounts"].CreatedAt = w.Now.Add(-24*time.Hour + time.Second) }, ""},
		{"every run", func(w *world) { w.Pipeline.Dims[0].Refresh = 0 }, "in every run"},
		{"older than 90 minutes", func(w *world) {
			w.Pipeline.Dims[0].Refresh = 90 * time.Minute
			w.Inputs.Dims["accounts"].CreatedAt = w.Now.Add(-2 * time.Hour)
		}, "older than 1h30m"},
		{"narrowed", func(w *world) { w.Pipeline.Dims[0].Columns = []string{"cost"} }, "columns changed"},
		{"as text", func(w *world) { w.Pipeline.Dims[0].Text = []string{"cost"} }, "columns changed"},
		{"another table", func(w *world) { w.Inputs.Dims["accounts"].Source = "old" }, "not in the lake"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).run()
			c.change(w)
			if d := w.make().Dims[0]; d.Why != c.why || d.Unload != (c.why != "") {
				t.Errorf("unload %v, %q; want %q", d.Unload, d.Why, c.why)
			}
		})
	}
	w := newWorld(t)
	w.Pipeline.Dims[0].Columns = []string{"team"}
	_, err := plan.Make(w.inputs())
	refused(t, err, hindcast.EValue, `accounts has no column "team"`, "its columns: at, cost")
	w = newWorld(t)
	w.Pipeline.Dims[0].Text = []string{"team"}
	_, err = plan.Make(w.inputs())
	refused(t, err, hindcast.EValue, `accounts has no column "team"`, "correct `text:`")
}

func TestFilesAreReadWhereTheyAre(t *testing.T) {
	w := newWorld(t, func(p *hindcast.Pipeline) {
		p.Facts = []hindcast.Fact{{Name: "b", Files: "x/{yyyy}_{mm}/*.parquet", Missing: hindcast.MissingEmpty}}
		p.Dims = []hindcast.Dim{{Name: "d", Files: "d/*.parquet"}}
	})
	w.run()
	p := w.make()
	u := unit(t, p, "b", key)
	if u.Unload || u.Missing || len(u.Files) != 1 || u.Content == "" || u.Rows != 600 {
		t.Errorf("the unit is %+v", u)
	}
	if d := p.Dims[0]; d.Unload || len(d.Files) != 1 {
		t.Errorf("the dimension is %+v", d)
	}
	if got := item(t, p, key); got.Reason != hindcast.ReasonUpToDate {
		t.Errorf("got %q, %q", got.Reason, got.Detail)
	}
	glob := "x/2016_03/*.parquet"
	w.Sources[glob] = plan.Source{Columns: u.Columns, Files: u.Files, Content: "other"}
	if got := item(t, w.make(), key); got.Reason != hindcast.ReasonFacts || got.Detail != "b, committed by r7, 3 May" {
		t.Errorf("other files: %q, %q", got.Reason, got.Detail)
	}
	delete(w.Sources, glob)
	if got := item(t, w.make(), key); got.Reason != hindcast.ReasonFacts {
		t.Errorf("no files: %q, %q", got.Reason, got.Detail)
	}
	w.Pipeline.Facts[0].Missing = hindcast.MissingFail
	_, err := plan.Make(w.inputs())
	refused(t, err, hindcast.ETableMissing, glob+" of fact b matches no file")
	w.fill()
	w.Sources["d/*.parquet"] = plan.Source{Files: w.Sources["d/*.parquet"].Files, Columns: u.Columns, Content: "other"}
	if got := item(t, w.make(), key); got.Reason != hindcast.ReasonDims || got.Detail != "d, committed by r7, 3 May" {
		t.Errorf("other files of the dimension: %q, %q", got.Reason, got.Detail)
	}
}

func TestColumns(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*hindcast.Fact)
		want  string
		error []string
	}{
		{"all", func(*hindcast.Fact) {}, "at cost", nil},
		{"narrowed, with the time column", func(f *hindcast.Fact) { f.Columns = []string{"cost"} }, "at cost", nil},
		{"the time column once", func(f *hindcast.Fact) { f.Columns = []string{"COST", "AT"} }, "cost at", nil},
		{"one as text that is not there", func(f *hindcast.Fact) { f.Text = []string{"tax"} }, "", []string{`usage has no column "tax"`, "correct `text:`"}},
		{"one that is not there", func(f *hindcast.Fact) { f.Columns = []string{"tax"} }, "", []string{`usage has no column "tax"`, "its columns: at, cost"}},
		{"a time that is not there", func(f *hindcast.Fact) { f.Time = "day" }, "", []string{`usage has no column "day"`}},
		{"a time in capitals", func(f *hindcast.Fact) { f.Time = "AT" }, "at cost", nil},
		{"a time that is a number", func(f *hindcast.Fact) { f.Time = "cost" }, "", []string{`column "cost" of usage has type BIGINT`, "DATE or TIMESTAMP"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(p *hindcast.Pipeline) { c.edit(&p.Facts[1]) })
			p, err := plan.Make(w.inputs())
			if c.error != nil {
				refused(t, err, hindcast.EValue, c.error...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := names(unit(t, p, "usage", key).Columns); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A time column that cannot be read exactly says so itself, also before anybody has asked what the SQL reads.
func TestATimeColumnThatIsRefused(t *testing.T) {
	w := newWorld(t)
	w.Sources["usage"] = plan.Source{Columns: []hindcast.Column{{Name: "at", Source: "INT96", NoText: true,
		Refused: "is INT96, which is cut at microseconds", Mend: "have it cut with `types: {at: TIMESTAMP}`"}, {Name: "cost", Type: "BIGINT"}}}
	for _, reads := range []map[string]plan.Reads{nil, {}} {
		w.Reads = reads
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.EType, `column "at" of usage is INT96, which is cut at microseconds`, "types: {at: TIMESTAMP}")
	}
}

// A column whose type the lake does not have is carried as its text where the pipeline says so, and only there.
func TestColumnsAsText(t *testing.T) {
	plans := func(column hindcast.Column, text ...string) (*plan.Plan, error) {
		w := newWorld(t, func(p *hindcast.Pipeline) { p.Facts[1].Text = text })
		w.Sources["usage"] = plan.Source{Columns: []hindcast.Column{{Name: "at", Type: "DATE"}, column}}
		w.Reads = map[string]plan.Reads{} // the engine is not sure, so all is read
		return plan.Make(w.inputs())
	}
	_, err := plans(hindcast.Column{Name: "cost", Source: "numeric"})
	refused(t, err, hindcast.EType, `column "cost" of usage has type numeric`, "with `text: [cost]`", "leave it out with `columns:`")
	_, err = plans(hindcast.Column{Name: "cost", Source: "money", NoText: true})
	refused(t, err, hindcast.EType, `column "cost" of usage has type money`)
	if e := hindcast.AsError(err); strings.Contains(e.Next, "text") {
		t.Errorf("advises text for what has none: %s", e.Next)
	}
	w := newWorld(t)
	w.Sources["usage"] = plan.Source{Columns: []hindcast.Column{{Name: "at", Source: "numeric"}, {Name: "cost", Type: "BIGINT"}}}
	_, err = plan.Make(w.inputs())
	refused(t, err, hindcast.EType, `column "at" of usage has type numeric`, "use a view that has it as a DATE")
	_, err = plans(hindcast.Column{Name: "cost", Type: "INTEGER[]", NoText: true}, "cost")
	refused(t, err, hindcast.EType, `column "cost" of usage has type INTEGER[], which has no exact text`, "take it out of `text:`")
	for _, c := range []hindcast.Column{{Name: "cost", Source: "numeric"}, {Name: "cost", Type: "BIGINT"}} {
		p, err := plans(c, "COST")
		if err != nil {
			t.Fatal(err)
		}
		want := hindcast.Column{Name: "cost", Type: "VARCHAR", Source: c.Source + c.Type, Text: true}
		if got := unit(t, p, "usage", key).Columns[1]; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestReservedParameters(t *testing.T) {
	for _, name := range []string{"slice_start", "slice_end", "run_time"} {
		w := newWorld(t, func(p *hindcast.Pipeline) { p.Params[0].Name = name })
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.EValue, name)
	}
}
