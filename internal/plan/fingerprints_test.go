package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

func (w *world) fingerprint() string { return plan.Fingerprint(item(w.t, w.make(), key).Parts[0]) }

func TestWhatAFingerprintCounts(t *testing.T) {
	pipeline := func(edit func(*hindcast.Pipeline)) func(*world) { return func(w *world) { edit(w.Pipeline) } }
	for _, c := range []struct {
		name   string
		change func(*world)
		counts bool
	}{
		{"nothing", func(*world) {}, false},
		{"SQL", pipeline(func(p *hindcast.Pipeline) { p.Output().Text += " ORDER BY 1" }), true},
		{"text in quotes", pipeline(func(p *hindcast.Pipeline) { p.Output().Text = "SELECT 'a  b'" }), true},
		{"comments and spacing", pipeline(func(p *hindcast.Pipeline) {
			p.Output().Text = "-- costs\nSELECT month,  sum(cost) /* net */\n\tFROM billing GROUP BY 1\n"
		}), false},
		{"dialect", pipeline(func(p *hindcast.Pipeline) { p.Transform.Dialect = "postgres" }), true},
		{"parameter", pipeline(func(p *hindcast.Pipeline) { p.Params[0].Literal = "1.00" }), true},
		{"parameter's name", pipeline(func(p *hindcast.Pipeline) { p.Params[0].Name = "ratio" }), true},
		{"one parameter more", pipeline(func(p *hindcast.Pipeline) { p.Params = append(p.Params, hindcast.Param{Name: "b", Literal: "2"}) }), true},
		{"bounds", pipeline(func(p *hindcast.Pipeline) {
			p.History.Every, p.Facts[0].Every, p.Facts[0].Time = months(1), months(2), "at"
		}), true},
		{"time zone", pipeline(func(p *hindcast.Pipeline) { p.History.TimeZone = "Etc/UTC" }), true},
		{"hook before", pipeline(func(p *hindcast.Pipeline) { p.Output().Load.Before = []string{"SELECT 1"} }), true},
		{"hook after", pipeline(func(p *hindcast.Pipeline) { p.Output().Load.After = []string{"SELECT 1"} }), true},
		{"session", pipeline(func(p *hindcast.Pipeline) { p.Session = []string{"SET x = 1"} }), true},
		{"engine", func(w *world) { w.Engine.Name = "spark" }, true},
		{"engine's minor version", func(w *world) { w.Engine.Version = "v1.6.0" }, true},
		{"engine's patch version", func(w *world) { w.Engine.Version = "v1.5.9" }, false},
		{"warehouse's version", func(w *world) { w.Warehouse.Version = "v9" }, false},
		{"run time", func(w *world) { w.Now = w.Now.Add(time.Minute) }, false},
		{"checks", pipeline(func(p *hindcast.Pipeline) { p.Output().Checks = []hindcast.Check{{Name: "sql 1", SQL: "SELECT 1"}} }), false},
		{"run's settings", pipeline(func(p *hindcast.Pipeline) { p.Run.Parallel, p.Run.Retries = 3, 1 }), false},
		{"longer history", pipeline(func(p *hindcast.Pipeline) { p.History.To = "2016-09-01" }), false},
		{"a fact's text", pipeline(func(p *hindcast.Pipeline) { p.Facts[1].Text = []string{"cost"} }), true},
		{"a dimension's text", pipeline(func(p *hindcast.Pipeline) { p.Dims[0].Text = []string{"cost"} }), true},
		{"refresh", pipeline(func(p *hindcast.Pipeline) { p.Dims[0].Refresh *= 2 }), false},
		{"fact's content", func(w *world) { w.Current["usage"][key].Sums.Content = "other" }, true},
		{"fact's age", func(w *world) {
			w.Current["usage"][key].CreatedAt, w.Current["usage"][key].Generation = utc(2020, 5, 1), 7
		}, false},
		{"another slice's content", func(w *world) { w.Current["usage"]["2016-01-01"].Sums.Content = "other" }, false},
		{"lookback's content", func(w *world) { w.Current["back"]["2016-01-01"].Sums.Content = "other" }, true},
		{"dimension's content", func(w *world) { w.Inputs.Dims["accounts"].Sums.Content = "other" }, true},
		{"dimension's generation", func(w *world) { w.Inputs.Dims["accounts"].Generation = 9 }, false},
		{"Spark's speed", pipeline(func(p *hindcast.Pipeline) {
			p.Transform.Spark = hindcast.Spark{Master: "yarn", ConfWritten: map[string]string{"spark.sql.shuffle.partitions": "7"}}
		}), false},
		{"what decides on Spark", pipeline(func(p *hindcast.Pipeline) {
			p.Transform.Spark.ConfWritten = map[string]string{"spark.sql.mapKeyDedupPolicy": "LAST_WIN"}
		}), true},
		{"order of facts", pipeline(func(p *hindcast.Pipeline) { slices.Reverse(p.Facts) }), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(p *hindcast.Pipeline) {
				p.Facts = append(p.Facts, hindcast.Fact{Name: "back", Table: "usage", Time: "at", Lookback: days(3)})
				p.Transform.Engine = "spark" // which has settings of its own
			}).run()
			before := w.fingerprint()
			c.change(w)
			if after := w.fingerprint(); (after != before) != c.counts {
				t.Errorf("%s before, %s after; counts: %v", before, after, c.counts)
			}
		})
	}
}

func TestSlicesHaveDifferentFingerprints(t *testing.T) {
	seen := map[string]string{}
	for _, i := range newWorld(t).make().Items {
		print := plan.Fingerprint(i.Parts[0])
		if seen[print] != "" {
			t.Errorf("%s and %s have the same", seen[print], i.Slice.Key)
		}
		seen[print] = i.Slice.Key
	}
}

// Two parts never run together: what one loses another must not gain.
func TestPartsAreKeptApart(t *testing.T) {
	seen := map[string]bool{}
	list := []hindcast.Parts{{SQL: "a"}, {Params: "a"}, {Definition: "a"}, {SQL: "aa"}, {Facts: map[string]string{"a": "b"}}, {Facts: map[string]string{"ab": ""}},
		{Dims: map[string]string{"a": "b"}}, {Facts: map[string]string{"a": "b"}, Dims: map[string]string{"a": "b"}},
		{Facts: map[string]string{"a": "b", "c": "d"}}, {Facts: map[string]string{"a": "d", "c": "b"}}}
	for _, p := range list {
		seen[plan.Fingerprint(p)] = true
	}
	if len(seen) != len(list) {
		t.Errorf("%d fingerprints of %d parts", len(seen), len(list))
	}
	if plan.FactContent([]string{"a", "b"}) == plan.FactContent([]string{"b", "a"}) || plan.FactContent([]string{"ab"}) == plan.FactContent([]string{"a", "b"}) {
		t.Error("a fact's content does not know its units apart")
	}
}
