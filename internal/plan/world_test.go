package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// now is when the tests' plans are made: long after the history that they cover.
var now = time.Date(2020, 5, 20, 12, 0, 0, 0, time.UTC)

func months(n int) hindcast.Period { return hindcast.Period{N: n, Unit: hindcast.Months} }
func days(n int) hindcast.Period   { return hindcast.Period{N: n, Unit: hindcast.Days} }
func hours(n int) hindcast.Period  { return hindcast.Period{N: n, Unit: hindcast.Hours} }

func utc(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// world is what a plan is made from: a pipeline of six two-month slices of 2016, with a time-named fact, a fact in
// one table, and a dimension. Everything is at the source; nothing is in the lake or in the target.
type world struct {
	plan.Inputs
	Committed []hindcast.Committed
	Current   plan.Manifests
	t         *testing.T
}

func newWorld(t *testing.T, edits ...func(*hindcast.Pipeline)) *world {
	t.Helper()
	p := &hindcast.Pipeline{
		Name:    "costs",
		History: hindcast.History{From: utc(2016, 1, 1), To: "2017-01-01", Every: months(2), TimeZone: "UTC", Zone: time.UTC},
		Facts: []hindcast.Fact{
			{Name: "billing", Table: "billing_{yyyy}_{mm}", Missing: hindcast.MissingFail},
			{Name: "usage", Table: "usage", Time: "at", Missing: hindcast.MissingFail},
		},
		Dims:      []hindcast.Dim{{Name: "accounts", Table: "accounts", Refresh: 24 * time.Hour}},
		Transform: hindcast.Transform{Dialect: "duckdb", Engine: "duckdb"},
		Outputs: []hindcast.Output{{Text: "SELECT month, sum(cost) FROM billing GROUP BY 1",
			Target: hindcast.Target{Table: "summary", Time: "month", Key: []string{"month"}}}},
		Params: []hindcast.Param{{Name: "rate", Literal: "1.0"}},
		Places: map[string]hindcast.Place{"history": {File: "hindcast.yml", Line: 4}, "facts.billing.table": {File: "hindcast.yml", Line: 7}},
	}
	for _, edit := range edits {
		edit(p)
	}
	w := &world{t: t, Current: plan.Manifests{}, Inputs: plan.Inputs{Pipeline: p, Now: now, Engine: plan.Version{Name: "duckdb", Version: "v1.5.5"},
		Sources: map[string]plan.Source{}, Whole: true, Dims: map[string]*hindcast.Manifest{},
		Failed: map[string]bool{}, Machine: plan.Machine{Cores: 2, Memory: 8 << 30, DiskFree: 1 << 40},
		Capacity: plan.Capacity{Slots: 1, Cap: "2 cores", Memory: 4 << 30, Threads: 2}}}
	w.fill()
	return w
}

// fill puts every table and file that the pipeline names where it says.
func (w *world) fill() {
	w.t.Helper()
	to, err := plan.ResolveTo(w.Pipeline, w.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	history, err := plan.Cut(w.Pipeline.History, to)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range slices.Concat(plan.Tables(w.Pipeline, history), patterns(w.Pipeline, history)) {
		w.Sources[name] = plan.Source{Columns: []hindcast.Column{{Name: "at", Type: "TIMESTAMP WITH TIME ZONE"}, {Name: "cost", Type: "BIGINT"}},
			Rows: 600, Bytes: 6000, Content: "content of " + name}
	}
	for _, glob := range patterns(w.Pipeline, history) {
		source := w.Sources[glob]
		source.Files = []hindcast.File{{Path: glob, Rows: 600, Bytes: 6000}}
		w.Sources[glob] = source
	}
}

// patterns are those of all the user's own files.
func patterns(p *hindcast.Pipeline, history []hindcast.Slice) []string {
	list := []string{}
	for _, of := range plan.FilesOf(p, history) {
		list = append(list, of.Patterns...)
	}
	return list
}

func (w *world) inputs() plan.Inputs {
	in := w.Inputs
	in.Committed, in.Current = plan.Sorted(w.Pipeline, w.Committed), w.Current
	return in
}

func (w *world) make() *plan.Plan {
	w.t.Helper()
	p, err := plan.Make(w.inputs())
	if err != nil {
		w.t.Fatalf("Make: %v", err)
	}
	return p
}

// run does what a run would: it unloads what is due and commits every slice, as run r7.
func (w *world) run() *world {
	w.t.Helper()
	w.unload()
	w.Committed = nil
	w.Outputs = nil
	for range w.Pipeline.Outputs {
		w.Outputs = append(w.Outputs, plan.Known{Existing: true, Published: map[string]hindcast.Sums{},
			Result: []hindcast.Column{{Name: "month", Type: "DATE"}, {Name: "cost", Type: "BIGINT"}}})
	}
	for _, item := range w.make().Items {
		if len(item.Parts[0].Facts) != len(w.Pipeline.Facts) || len(item.Parts[0].Dims) != len(w.Pipeline.Dims) {
			w.t.Fatalf("slice %s: the content of facts or dimensions is not known after an unload: %+v", item.Slice.Key, item.Parts)
		}
		sums := hindcast.Sums{Rows: 10, Content: "result of " + item.Slice.Key}
		for k, table := range w.Pipeline.Targets() {
			w.Outputs[k].Published[item.Slice.Key] = sums
			w.Committed = append(w.Committed, hindcast.Committed{Pipeline: w.Pipeline.Name, Target: table, Slice: item.Slice, Run: "r7",
				Parts: item.Parts[k], Sums: sums, CommittedAt: time.Date(2020, 5, 3, 8, 0, 0, 0, time.UTC)})
		}
	}
	return w
}

func (w *world) unload() {
	w.t.Helper()
	p := w.make()
	for _, u := range p.Units {
		if !u.Unload {
			continue
		}
		if w.Current[u.Fact] == nil {
			w.Current[u.Fact] = map[string]*hindcast.Manifest{}
		}
		w.Current[u.Fact][u.Key] = &hindcast.Manifest{Name: u.Fact, Key: u.Key, Interval: u.Interval, Source: u.Source, Time: timeOf(w.Pipeline, u.Fact), Generation: 1, Missing: u.Missing,
			Columns: plan.Extracted(u.Columns, u.Keep), Bytes: 500, Sums: hindcast.Sums{Rows: 50, Content: "rows of " + u.Fact + " " + u.Key}, CreatedAt: w.Now.Add(-time.Hour)}
		w.over(w.Current[u.Fact][u.Key])
	}
	for _, d := range p.Dims {
		if d.Unload {
			w.Inputs.Dims[d.Name] = &hindcast.Manifest{Name: d.Name, Key: hindcast.WholeKey, Source: d.Source, Columns: plan.Extracted(d.Columns, d.Keep), Bytes: 70,
				Sums: hindcast.Sums{Rows: 7, Content: "rows of " + d.Name}, CreatedAt: w.Now.Add(-time.Hour)}
			w.over(w.Inputs.Dims[d.Name])
		}
	}
}

// over makes the content of a wide source depend on the columns that are unloaded, as it does.
func (w *world) over(m *hindcast.Manifest) {
	if len(w.Sources[m.Source].Columns) > 2 {
		m.Sums.Content += " over " + names(m.Columns)
	}
}

func names(columns []hindcast.Column) string {
	var list []string
	for _, c := range columns {
		list = append(list, c.Name)
	}
	return strings.Join(list, " ")
}

func timeOf(p *hindcast.Pipeline, fact string) string {
	for _, f := range p.Facts {
		if f.Name == fact {
			return f.Time
		}
	}
	return ""
}

func item(t *testing.T, p *plan.Plan, key string) plan.Item {
	t.Helper()
	i := slices.IndexFunc(p.Items, func(i plan.Item) bool { return i.Slice.Key == key })
	if i < 0 {
		t.Fatalf("the plan has no slice %s", key)
	}
	return p.Items[i]
}

func unit(t *testing.T, p *plan.Plan, fact, key string) plan.Unit {
	t.Helper()
	i := slices.IndexFunc(p.Units, func(u plan.Unit) bool { return u.Fact == fact && u.Key == key })
	if i < 0 {
		t.Fatalf("the plan has no unit %s of %s", key, fact)
	}
	return p.Units[i]
}

func keys(p *plan.Plan) string {
	var list []string
	for _, i := range p.Items {
		list = append(list, i.Slice.Key)
	}
	return strings.Join(list, " ")
}

// refused checks that err is the user's error of that code, permanent, with a next step, and that it says all of
// the texts.
func refused(t *testing.T, err error, code hindcast.Code, texts ...string) {
	t.Helper()
	var e *hindcast.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.Class != hindcast.ClassPermanent || e.Next == "" {
		t.Errorf("got %s, %s, next %q; want %s, permanent, with a next step", e.Code, e.Class, e.Next, code)
	}
	all := strings.Join(append([]string{e.Message, e.Next}, e.Detail...), "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("the error does not say %q:\n%s", text, all)
		}
	}
}
