package bind

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// shapeOf says what engines may take only in another shape of a SELECT; nil if there is nothing.
func shapeOf(x *ast.Select, why purpose) *sem.Select {
	sets := slices.ContainsFunc(x.Group, func(g ast.Expr) bool { _, ok := g.(*ast.Grouping); return ok }) && !onlyEmpty(x)
	total := sets && !slices.ContainsFunc(x.Group, func(g ast.Expr) bool { return !mayBeEmpty(g) })
	sets = total || sets && x.Having != nil && len(x.From) > 0
	kept := x.Qualify != nil || x.On != nil || why.ties
	if !sets && !kept {
		return nil
	}

	shape := &sem.Select{Items: x.Items[0].At.To(x.Items[len(x.Items)-1].At), End: x.End, Quantifier: x.DistinctAt, Distinct: x.Distinct && x.On == nil}
	if sets {
		shape.Sets = &sem.Sets{Total: total, GroupBy: x.GroupAt, Having: x.HavingAt}
		for _, it := range x.Items {
			if star, ok := it.X.(*ast.Star); ok {
				shape.Sets.Star = star.At
			}
		}
	}
	if kept {
		shape.Kept = &sem.Kept{Clause: x.QualifyAt}
	}

	return shape
}

// onlyEmpty reports whether GROUP BY is that of () alone, which is as if there were none beside aggregates.
func onlyEmpty(x *ast.Select) bool {
	return len(x.Group) > 0 && !slices.ContainsFunc(x.Group, func(g ast.Expr) bool {
		set, ok := g.(*ast.Grouping)
		return !ok || set.Kind != "" || len(set.Items) > 0
	})
}

// emptyGroup notes GROUP BY ().
func emptyGroup(x *ast.Select, outputs []output, bound *sem.Query) {
	if !onlyEmpty(x) {
		return
	}
	slot := sem.Slot{Kind: sem.SlotEngine, At: x.GroupAt, Text: "empty group"}
	if !slices.ContainsFunc(outputs, func(o output) bool { return slices.ContainsFunc(o.from, aggregated) }) {
		slot.Text = "empty group of constants"
	}
	bound.Slots = append(bound.Slots, slot)
}

// ofSource makes one slot of those of FROM and WHERE, which are the last ones.
func ofSource(x *ast.Select, from int, bound *sem.Query) {
	if len(x.From) == 0 {
		return
	}
	source := sem.Slot{Kind: sem.SlotSource, At: x.FromAt, Slots: slices.Clone(bound.Slots[from:])}
	if x.Where != nil {
		source.At = source.At.To(x.WhereAt)
	}
	sortSlots(source.Slots)
	bound.Slots = append(bound.Slots[:from], source)
}

// enclose puts the slots behind that of a SELECT, if there is one at this place, into it: they stand in its text up to an end.
func enclose(bound *sem.Query, at, end int) {
	if at == len(bound.Slots) || bound.Slots[at].Kind != sem.SlotSelect {
		return
	}
	s := &bound.Slots[at]
	s.Slots = append(s.Slots, bound.Slots[at+1:]...)
	s.At.End = end
	sortSlots(s.Slots)
	bound.Slots = bound.Slots[:at+1]
}

// keysOfSets are the keys of all grouping sets, each once.
func keysOfSets(s *scope) (keys []*sem.Expr) {
	for _, k := range s.setKeys {
		e := k.x
		if s.isKey(e) {
			e = trimmed(e)
		}
		if !slices.ContainsFunc(keys, func(other *sem.Expr) bool { return sem.Same(other, e) }) {
			keys = append(keys, e)
		}
	}
	return keys
}

// namesOf are the names of a result's columns; nil if engines do not tell two of them apart, or one has none.
func namesOf(outputs []output) []string {
	names, met := make([]string, len(outputs)), map[string]bool{}
	for i, o := range outputs {
		folded := strings.ToLower(o.Name)
		if o.Name == unnamed || met[folded] {
			return nil
		}
		names[i], met[folded] = o.Name, true
	}
	return names
}

// ranking is a function that numbers rows by keys in the directions of an order, within those whose other keys are the same.
func ranking(function string, within []*sem.Expr, order []ast.Order, keys []*sem.Expr) sem.Slot {
	var out strings.Builder
	out.WriteString(function + "() OVER (")
	slot := sem.Slot{Kind: sem.SlotReplace}
	list := func(i int, e *sem.Expr, behind string) {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString("\x00" + behind)
		slot.Slots = append(slot.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
	}
	for i, e := range within {
		if i == 0 {
			out.WriteString("PARTITION BY ")
		}
		list(i, e, "")
	}
	if len(within) > 0 {
		out.WriteString(" ")
	}
	out.WriteString("ORDER BY ")
	for i, e := range keys {
		list(i, e, direction(order[i]))
	}
	slot.Text = out.String() + ")"

	return slot
}
