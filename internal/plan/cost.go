package plan

import (
	"fmt"

	"github.com/hindcast/hindcast"
)

// cost is what the running items cost on an engine that is paid for by time; nil on another one. Each is taken to run as long as a slice of
// the earlier run on the same engine did, by the rows where they are known.
func (m *maker) cost(p *Plan, scale float64) *Cost {
	rate := m.Capacity.Rate
	if rate == nil {
		return nil
	}
	c := &Cost{Rate: *rate}
	for i := range p.Items {
		if p.Items[i].Reason.Runs() {
			c.Runs += len(p.Items[i].Wanted())
		}
	}
	c.Least = rate.Hours(c.Runs, 0)
	if seconds := m.Earlier.Seconds[hindcast.StepTransform] * scale; seconds > 0 && c.Runs > 0 {
		c.Seconds = seconds / float64(c.Runs)
		c.Hours = rate.Hours(c.Runs, c.Seconds)
		c.USD = c.Hours * rate.USD
	}
	return c
}

// Beyond is the error of a plan that costs more than the pipeline's budget, as far as that is known; nil if it does not.
func (p *Plan) Beyond() error {
	budget, c := p.Pipeline.Run.Budget.USD, p.Estimate.Cost
	if budget <= 0 || c == nil || c.Runs == 0 {
		return nil
	}
	e := &hindcast.Error{Code: hindcast.EBudget, Class: hindcast.ClassPermanent, Place: p.Pipeline.Places["run.budget.usd"],
		Next: "raise run.budget.usd, give a run fewer or smaller workers, or choose fewer slices: --slices"}
	switch expected := max(c.USD, c.LeastUSD()); {
	case c.Rate.USD == 0:
		e.Message, e.Next = "what the plan costs is not known: "+c.Rate.Unknown, "name a table that has the price, run.prices, or leave run.budget.usd out"
	case expected <= budget:
		return nil
	case c.USD == 0:
		e.Message = fmt.Sprintf("the plan costs at least $%.2f, and run.budget.usd is $%.2f", expected, budget)
	default:
		e.Message = fmt.Sprintf("the plan costs about $%.2f, and run.budget.usd is $%.2f", expected, budget)
	}
	return e
}
