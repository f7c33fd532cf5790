package view

import (
	"cmp"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Group is the slices of a plan that have the same reason and the same detail.
type Group struct {
	Reason hindcast.Reason
	Detail string
	Slices int
	Ranges []Range // in the order of time
}

// Range is slices that follow each other in a plan: from the From-th to before the To-th.
type Range struct {
	First, Last string // keys
	From, To    int
}

func (g *Group) add(r Range) {
	g.Slices += r.To - r.From
	if n := len(g.Ranges); n > 0 && g.Ranges[n-1].To == r.From {
		g.Ranges[n-1].Last, g.Ranges[n-1].To = r.Last, r.To
		return
	}
	g.Ranges = append(g.Ranges, r)
}

// Joined puts the ranges of groups together.
func Joined(groups []*Group, detail string) *Group {
	var all []Range
	for _, g := range groups {
		all = append(all, g.Ranges...)
	}
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	merged := &Group{Reason: groups[0].Reason, Detail: detail}
	for _, r := range all {
		merged.add(r)
	}
	return merged
}

// reasons in the order in which a plan lists them: what runs first.
var reasons = []hindcast.Reason{hindcast.ReasonNew, hindcast.ReasonSQL, hindcast.ReasonParams,
	hindcast.ReasonDefinition, hindcast.ReasonFacts, hindcast.ReasonDims, hindcast.ReasonEdited, hindcast.ReasonUnkept,
	hindcast.ReasonRead, hindcast.ReasonForced, hindcast.ReasonUnsettled, hindcast.ReasonUpToDate, hindcast.ReasonMissing}

// Groups are the plan's slices by reason, and of each reason by detail.
func Groups(p *plan.Plan) [][]*Group {
	type kind struct {
		reason hindcast.Reason
		detail string
	}
	found := map[kind]*Group{}
	byReason := map[hindcast.Reason][]*Group{}
	at := 0
	take := func(reason hindcast.Reason, detail, first, last string, n int) {
		g := found[kind{reason, detail}]
		if g == nil {
			g = &Group{Reason: reason, Detail: detail}
			found[kind{reason, detail}] = g
			byReason[reason] = append(byReason[reason], g)
		}
		g.add(Range{first, last, at, at + n})
		at += n
	}
	for _, e := range p.Entries() {
		if e.Item != nil {
			take(e.Item.Reason, e.Item.Detail, e.Item.Slice.Key, e.Item.Slice.Key, 1)
		} else {
			take(hindcast.ReasonUpToDate, e.Span.Detail, e.Span.First, e.Span.Last, e.Span.Slices)
		}
	}

	var out [][]*Group
	for _, reason := range reasons {
		if list := byReason[reason]; len(list) > 0 {
			out = append(out, list)
		}
	}
	return out
}
