package view

import (
	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Group is the slices of a plan that have the same reason and the same detail.
type Group struct {
	Reason hindcast.Reason
	Detail string
	Keys   []string
}

// reasons in the order in which a plan lists them: what runs first.
var reasons = []hindcast.Reason{hindcast.ReasonNew, hindcast.ReasonSQL, hindcast.ReasonParams,
	hindcast.ReasonDefinition, hindcast.ReasonFacts, hindcast.ReasonDims, hindcast.ReasonEdited,
	hindcast.ReasonForced, hindcast.ReasonUnsettled, hindcast.ReasonUpToDate, hindcast.ReasonMissing}

// Groups are the plan's slices by reason, and of each reason by detail.
func Groups(p *plan.Plan) [][]*Group {
	type kind struct {
		reason hindcast.Reason
		detail string
	}
	found := map[kind]*Group{}
	byReason := map[hindcast.Reason][]*Group{}
	for i := range p.Items {
		item := &p.Items[i]
		g := found[kind{item.Reason, item.Detail}]
		if g == nil {
			g = &Group{Reason: item.Reason, Detail: item.Detail}
			found[kind{item.Reason, item.Detail}] = g
			byReason[item.Reason] = append(byReason[item.Reason], g)
		}
		g.Keys = append(g.Keys, item.Slice.Key)
	}

	var out [][]*Group
	for _, reason := range reasons {
		if list := byReason[reason]; len(list) > 0 {
			out = append(out, list)
		}
	}
	return out
}
