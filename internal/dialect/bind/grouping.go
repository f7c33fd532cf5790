package bind

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// groupKeys binds GROUP BY.
func (b *binder) groupKeys(x *ast.Select, s *scope, bound *sem.Query) {
	var blank []*sem.Expr
	for _, g := range x.Group {
		blank = append(blank, b.groupKey(g, x, s, bound)...)
	}
	s.keys = blank
	if s.sets && !slices.ContainsFunc(x.Group, func(g ast.Expr) bool { return !mayBeEmpty(g) }) {
		start := x.Group[0].Span().Start
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: lex.Span{Start: start, End: start + 1}, Text: "empty grouping set"})
	}
}

// groupKey binds a key of GROUP BY, or those of a grouping set, and returns those that may end in blanks. A key that is a number or an alias of
// an item stays as it is: the item is bound with the others.
func (b *binder) groupKey(g ast.Expr, x *ast.Select, s *scope, bound *sem.Query) (blank []*sem.Expr) {
	switch g := g.(type) {
	case *ast.Grouping:
		s.sets = true
		for _, k := range g.Items {
			blank = append(blank, b.groupKey(k, x, s, bound)...)
		}
		return blank
	case *ast.Row:
		if s.sets {
			for _, k := range g.Items {
				blank = append(blank, b.groupKey(k, x, s, bound)...)
			}
			return blank
		}
	}

	item, byItem := b.groupItem(g, x, s)
	e := b.settled(b.expr(item, s))
	if invalid(e) {
		return nil
	}
	if byItem {
		s.grouped = append(s.grouped, item)
	} else {
		b.constant(e, "GROUP BY")
	}
	switch {
	case b.guarded(e) != e:
		blankKey(e, g.Span(), bound)
		return []*sem.Expr{e}
	case !byItem:
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
	case s.sets:
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: g.Span(), Text: "number in a grouping set"})
	}

	return nil
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
	for i, a := range c.args {
		if a.Op == sem.OpOneSpelling {
			c.args[i] = trimmed(a)
		}
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
