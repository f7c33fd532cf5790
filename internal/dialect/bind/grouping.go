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
	if s.sets {
		b.setKeys(s.setKeys)
	}
	if s.shape != nil && s.shape.Sets != nil {
		s.shape.Sets.Keys = keysOfSets(s)
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

	item, before, byItem := b.groupItem(g, x, s)
	s.before = before
	e := b.settled(b.expr(item, s))
	if s.before = nil; invalid(e) {
		return nil
	}
	s.setKeys = append(s.setKeys, spelled{e, item.Span().In(b.text)})
	bound.Computed = bound.Computed || e.Op != sem.OpColumn || e.Item != nil
	if byItem {
		s.grouped = append(s.grouped, item)
	} else {
		b.constant(e, "GROUP BY")
	}
	b.matched(e.Type, e.At)
	switch {
	case usesAlias(e) && (b.endsInBlanks(e) || b.usesBlanks(e)):
		b.refuse(sem.NotOnEngine, g.Span(), "write the other item itself in place of its alias", "a key of GROUP BY is not read with the alias of a text that may end in blanks, nor where it may itself")
	case usesAlias(e) && s.sets:
		b.refuse(sem.NotKnown, g.Span(), "write the other item itself in place of its alias", "a key of grouping sets is not read with the alias of another item")
	case b.endsInBlanks(e):
		blankKey(e, g.Span(), bound)
		return []*sem.Expr{e}
	case !byItem:
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
	case s.sets:
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: g.Span(), Text: "number in a grouping set", Expr: e})
	}

	return nil
}

// usesAlias reports whether an expression names another item of its select list.
func usesAlias(e *sem.Expr) bool { return e.Item != nil || holds(e, usesAlias) }

// usesBlanks reports whether one of the items that an expression names may end in blanks.
func (b *binder) usesBlanks(e *sem.Expr) bool {
	return e.Item != nil && b.endsInBlanks(e.Item) || holds(e, b.usesBlanks)
}

// spelled is a key of GROUP BY and how the text spells it.
type spelled struct {
	x    *sem.Expr
	text string
}

// setKeys refuses keys that engines take otherwise in grouping sets: PostgreSQL before its release 18 forgets that it is to be NULL in some sets
// what it computes before it runs, and DuckDB takes one column that is spelled in two ways for two, and loses rows.
func (b *binder) setKeys(keys []spelled) {
	for i, k := range keys {
		if foldable(k.x) {
			b.refuse(sem.NotKnown, k.x.At, "leave it out", "a constant is not read in grouping sets")
		}
		for _, other := range keys[:i] {
			if other.text != k.text && sem.Same(other.x, k.x) {
				b.refuse(sem.NotOnEngine, k.x.At, "write it as "+other.text+" everywhere", "engines do not see that %s is %s", k.text, other.text)
				break
			}
		}
	}
}

// foldable reports whether PostgreSQL may compute an expression, or a part of it that rows seem to decide on, before it runs.
func foldable(e *sem.Expr) bool {
	if constant(e) {
		return true
	}
	some, none := []*sem.Expr{}, e.Args
	switch e.Op {
	case sem.OpCoalesce:
		some, none = e.Args[:1], nil
	case sem.OpCaseOf:
		none = nil
	case sem.OpCase:
		for i := 0; i+1 < len(e.Args); i += 2 {
			some = append(some, e.Args[i])
		}
		none = nil
	case sem.OpAnd, sem.OpOr:
		some = e.Args
	}
	isNull := func(a *sem.Expr) bool { return a.Op == sem.OpNull }
	return slices.ContainsFunc(some, constant) || slices.ContainsFunc(none, isNull) ||
		slices.ContainsFunc(e.Args, func(a *sem.Expr) bool { return !constant(a) && foldable(a) })
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
	e := b.boolean(b.truth(x.Qualify, s), "a condition")
	where := sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e}
	bound.Slots = append(bound.Slots, where)
	s.shape.Kept.Where = &where
}
