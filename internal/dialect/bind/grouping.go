package bind

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// groupKeys binds GROUP BY.
func (b *binder) groupKeys(x *ast.Select, s *scope, bound *sem.Query) {
	for _, g := range x.Group {
		b.groupKey(g, x, s, bound)
	}
	if s.sets && !slices.ContainsFunc(x.Group, func(g ast.Expr) bool { return !mayBeEmpty(g) }) {
		start := x.Group[0].Span().Start
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: lex.Span{Start: start, End: start + 1}, Text: "empty grouping set"})
	}
}

// groupKey binds a key of GROUP BY, or those of a grouping set. A key that is a number or an alias of an item stays as it is: the item is
// bound with the others.
func (b *binder) groupKey(g ast.Expr, x *ast.Select, s *scope, bound *sem.Query) {
	switch g := g.(type) {
	case *ast.Grouping:
		s.sets = true
		for _, k := range g.Items {
			b.groupKey(k, x, s, bound)
		}
		return
	case *ast.Row:
		if s.sets {
			for _, k := range g.Items {
				b.groupKey(k, x, s, bound)
			}
			return
		}
	}

	item, byItem := b.groupItem(g, x, s)
	e := b.settled(b.expr(item, s))
	if invalid(e) {
		return
	}
	if guard := b.guarded(e); guard != e {
		s.keys = append(s.keys, e)
		e = guard
	}
	if !byItem {
		b.constant(e, "GROUP BY")
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
		return
	}
	s.grouped = append(s.grouped, item)
	if s.sets {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: g.Span(), Text: "number in a grouping set"})
	}
}

// mayBeEmpty reports whether a part of GROUP BY has the empty grouping set, which makes a row of no rows, too.
func mayBeEmpty(g ast.Expr) bool {
	set, ok := g.(*ast.Grouping)
	if !ok {
		return false
	}
	return set.Kind != "sets" || slices.ContainsFunc(set.Items, mayBeEmpty)
}

// grouping is GROUPING(a, b).
func grouping(b *binder, c *call) *sem.Expr {
	if !c.s.sets {
		return b.refuse(sem.NotKnown, c.x.At, "write 0", "without grouping sets GROUPING is 0")
	}
	return rewritten(sem.OpGrouping, sem.Of(sem.Int4), c.x, c.args...)
}

// qualify binds QUALIFY, which may name what the select list names.
func (b *binder) qualify(x *ast.Select, s *scope, bound *sem.Query) {
	if x.Qualify == nil {
		return
	}
	start := x.QualifyAt.Start
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: lex.Span{Start: start, End: start + len("qualify")}, Text: "qualify"})
	b.condition(x.Qualify, s, bound)
	bound.Slots[len(bound.Slots)-1].Text = "having"
}
