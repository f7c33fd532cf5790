package plan_test

import (
	"math"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/cost"
	"github.com/hindcast/hindcast/internal/plan"
)

// The post's own plan: 36 slices, each a run of 75 workers of G.2X, for half an hour each.
func TestWhatThePostsPlanCosts(t *testing.T) {
	for name, c := range map[string]struct {
		region, class, version string
		minutes, budget        float64
		hours, usd             float64
		refused                string
	}{
		"as it was":               {minutes: 30, hours: 2700, usd: 1188},
		"FLEX":                    {class: "FLEX", minutes: 30, hours: 2700, usd: 783},
		"empty slices":            {minutes: 1. / 60, hours: 90, usd: 39.6},
		"within its budget":       {minutes: 30, budget: 1188, hours: 2700, usd: 1188},
		"beyond it":               {minutes: 30, budget: 200, hours: 2700, usd: 1188, refused: "the plan costs about $1188.00, and run.budget.usd is $200.00"},
		"a first run":             {budget: 200},
		"a first run, beyond it":  {budget: 30, refused: "the plan costs at least $39.60, and run.budget.usd is $30.00"},
		"elsewhere":               {region: "eu-central-1", minutes: 30, hours: 2700},
		"elsewhere, with a limit": {region: "eu-central-1", minutes: 30, budget: 2000, hours: 2700, refused: "what the plan costs is not known: the table of prices of 2026-11-22 has us-east-1 and not eu-central-1"},
		"another price":           {version: "6.0", minutes: 30, hours: 2700},
	} {
		g := hindcast.Glue{WorkerType: "G.2X", Workers: 75, Version: "5.1", Class: "STANDARD", Jobs: 12, RunsPerJob: 3}
		region := "us-east-1"
		if c.region != "" {
			region = c.region
		}
		if c.class != "" {
			g.Class = c.class
		}
		if c.version != "" {
			g.Version = c.version
		}
		w := newWorld(t, func(p *hindcast.Pipeline) {
			p.History.To, p.Run.Budget.USD, p.Transform.Engine, p.Transform.Dialect = "2022-01-01", c.budget, "glue", "spark"
		})
		rate := cost.Table().Glue(region, g)
		w.Engine, w.Capacity.Rate = plan.Version{Name: "glue", Version: "3.5.6"}, &rate
		if c.minutes > 0 {
			w.Earlier = plan.Earlier{Run: "r7", Engine: "glue", Slices: 36, Seconds: map[hindcast.Step]float64{hindcast.StepTransform: 36 * 60 * c.minutes}}
		}
		p := w.make()
		is := p.Estimate.Cost
		if is == nil || is.Runs != 36 || is.Rate.Each != 150 || is.Least != 90 || math.Abs(is.Hours-c.hours) > 1e-6 || math.Abs(is.USD-c.usd) > 1e-6 {
			t.Errorf("%s: %+v", name, is)
		}
		switch err := p.Beyond(); {
		case c.refused == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.refused != "" && (err == nil || hindcast.AsError(err).Code != hindcast.EBudget || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: %v", name, err)
		}
	}
	if is := newWorld(t).make().Estimate.Cost; is != nil {
		t.Errorf("DuckDB costs %+v", is)
	}
}
