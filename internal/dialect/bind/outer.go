package bind

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// marked reports whether (+) stands somewhere in a condition, outside of queries in it.
func marked(x ast.Expr) bool {
	found := false
	visitColumns(x, func(c *ast.Column) { found = found || c.Outer })
	return found
}

// visitColumns calls visit with the columns of a condition. It walks what (+) is read in: comparisons and what is between them.
func visitColumns(x ast.Expr, visit func(*ast.Column)) {
	switch x := x.(type) {
	case *ast.Column:
		visit(x)
	case *ast.Logical:
		for _, a := range x.Args {
			visitColumns(a, visit)
		}
	case *ast.Binary:
		visitColumns(x.L, visit)
		visitColumns(x.R, visit)
	case *ast.Unary:
		visitColumns(x.X, visit)
	case *ast.Cast:
		visitColumns(x.X, visit)
	case *ast.Is:
		visitColumns(x.X, visit)
	case *ast.Between:
		visitColumns(x.X, visit)
		visitColumns(x.Low, visit)
		visitColumns(x.High, visit)
	case *ast.Like:
		visitColumns(x.X, visit)
		visitColumns(x.Pattern, visit)
	case *ast.In:
		visitColumns(x.X, visit)
		for _, a := range x.List {
			visitColumns(a, visit)
		}
	case *ast.Call:
		for _, a := range x.Args {
			visitColumns(a, visit)
		}
	}
}

// item is one of FROM with what makes it an outer one.
type item struct {
	x      ast.From
	table  *table
	slots  []sem.Slot
	on     []*sem.Expr
	needs  map[*table]bool
	outer  bool
	placed bool
}

// outerJoins binds FROM and WHERE of a SELECT that marks its outer joins with (+), and writes them as LEFT JOINs.
func (b *binder) outerJoins(x *ast.Select, s *scope, bound *sem.Query) {
	items := make([]*item, len(x.From))
	for i, f := range x.From {
		if _, joined := f.(*ast.Join); joined {
			b.refuse(sem.NotKnown, f.Span(), "write all joins with JOIN", "(+) and JOIN are not read in one query")
			return
		}
		inner := &sem.Query{}
		b.from(f, s, inner)
		items[i] = &item{x: f, table: s.tables[len(s.tables)-1], slots: inner.Slots, needs: map[*table]bool{}}
	}

	conditions := []ast.Expr{x.Where}
	if all, ok := x.Where.(*ast.Logical); ok && all.And {
		conditions = all.Args
	}
	var rest []*sem.Expr
	for _, c := range conditions {
		owner, ok := b.owner(c, items, s)
		if !ok {
			return
		}
		e := b.boolean(b.truth(unmarked(c), s), "a condition")
		if owner == nil {
			rest = append(rest, e)
			continue
		}
		owner.outer = true
		owner.on = append(owner.on, e)
		if len(owner.needs) > 1 {
			b.refuse(sem.Mismatch, c.Span(), "", "Redshift joins a table that (+) marks to one other table, and %s to two", owner.table.name)
			return
		}
	}

	from := b.placed(items, x.FromAt)
	bound.Slots = append(bound.Slots, from, whereSlot(rest, x.WhereAt))
}

// owner is the item that a condition's marks make an outer one; nil without marks.
func (b *binder) owner(c ast.Expr, items []*item, s *scope) (*item, bool) {
	var owner *item
	ok := true
	var others []*table
	visitColumns(c, func(column *ast.Column) {
		at := b.itemOf(column, items, s)
		switch {
		case at == nil:
		case !column.Outer:
			others = append(others, at.table)
		case owner != nil && owner != at:
			ok = false
		default:
			owner = at
		}
	})
	if !ok {
		b.refuse(sem.NotKnown, c.Span(), "write LEFT JOIN … ON", "(+) marks two tables in one condition")
		return nil, false
	}
	if logical, isLogical := c.(*ast.Logical); isLogical && owner != nil {
		b.refuse(sem.NotKnown, logical.At, "write LEFT JOIN … ON", "(+) is only read in conditions that are joined by AND")
		return nil, false
	}
	if owner == nil {
		return nil, true
	}
	for _, t := range others {
		if t == owner.table {
			b.refuse(sem.NotKnown, c.Span(), "write LEFT JOIN … ON", "a column of %s stands in this condition with (+) and without", t.name)
			return nil, false
		}
		owner.needs[t] = true
	}

	return owner, true
}

func (b *binder) itemOf(c *ast.Column, items []*item, s *scope) *item {
	qualifier := ""
	if len(c.Parts) == 2 {
		qualifier = c.Parts[0].Text
	}
	for _, it := range items {
		alone := scope{tables: []*table{it.table}}
		if _, n, _ := alone.find(qualifier, c.Parts[len(c.Parts)-1].Text); n > 0 {
			return it
		}
	}

	return nil
}

// unmarked takes the marks off a condition's columns; they have been read.
func unmarked(x ast.Expr) ast.Expr {
	visitColumns(x, func(c *ast.Column) {
		c.Marked = c.Marked || c.Outer
		c.Outer = false
	})
	return x
}

// placed writes FROM: the tables that nothing marks first, then each outer one behind those that its conditions name.
func (b *binder) placed(items []*item, at lex.Span) sem.Slot {
	slot := sem.Slot{Kind: sem.SlotReplace, At: at, Why: "(+) marks an outer join"}
	var text strings.Builder
	var order []*item
	add := func(it *item) {
		it.placed = true
		order = append(order, it)
		slot.Slots = append(slot.Slots, sem.Slot{Kind: sem.SlotQuery, At: it.x.Span(), Query: &sem.Query{At: it.x.Span(), Slots: it.slots}})
		text.WriteByte(0)
	}
	for _, it := range items {
		if !it.outer {
			if text.Len() > 0 {
				text.WriteString(" CROSS JOIN ")
			}
			add(it)
		}
	}
	for left := true; left; {
		left = false
		for _, it := range items {
			if it.placed || text.Len() == 0 || !ready(it, items) {
				continue
			}
			text.WriteString(" LEFT JOIN ")
			add(it)
			text.WriteString(" ON ")
			slot.Slots = append(slot.Slots, conjunction(it.on, &text)...)
			left = true
		}
	}
	for _, it := range items {
		if !it.placed {
			b.refuse(sem.NotKnown, it.x.Span(), "write LEFT JOIN … ON", "every table is an outer one of another")
			break
		}
	}
	slot.Text = text.String()
	if !slices.Equal(order, items) {
		items[0].table.shuffled = true
	}

	return slot
}

func ready(it *item, items []*item) bool {
	for _, other := range items {
		if it.needs[other.table] && !other.placed {
			return false
		}
	}
	return true
}

// conjunction writes conditions joined by AND, each with its place in slots.
func conjunction(all []*sem.Expr, text *strings.Builder) []sem.Slot {
	var slots []sem.Slot
	for i, e := range all {
		if i > 0 {
			text.WriteString(" AND ")
		}
		text.WriteString("(\x00)")
		slots = append(slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
	}
	return slots
}

func whereSlot(rest []*sem.Expr, at lex.Span) sem.Slot {
	slot := sem.Slot{Kind: sem.SlotReplace, At: at, Why: "(+) marks an outer join"}
	if len(rest) > 0 {
		var text strings.Builder
		text.WriteString("WHERE ")
		slot.Slots = conjunction(rest, &text)
		slot.Text = text.String()
	}
	return slot
}
