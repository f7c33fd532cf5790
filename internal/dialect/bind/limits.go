package bind

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// limits binds LIMIT, OFFSET, FETCH and TOP; s is the scope of a lone SELECT, nil of others.
func (b *binder) limits(q *ast.Query, s *scope, bound *sem.Query) {
	b.top(q, bound)
	for _, n := range []ast.Expr{q.Limit, q.Offset} {
		if n == nil {
			continue
		}
		b.wholeNumber(n)
	}
	replace := func(at lex.Span, text, why string) {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: at, Text: text, Why: why})
	}
	switch {
	case q.LimitNone:
		replace(q.LimitAt, "", "LIMIT ALL and LIMIT NULL set no limit")
	case q.Ties:
		b.ties(q, s, bound)
	case q.Limit != nil && q.Offset != nil && q.OffsetAt.Start < q.LimitAt.Start:
		replace(q.OffsetAt, "LIMIT "+q.Limit.Span().In(b.text)+" OFFSET "+q.Offset.Span().In(b.text), "engines want LIMIT first")
		replace(q.LimitAt, "", "engines want LIMIT first")
		return
	case q.Fetch:
		replace(q.LimitAt, "LIMIT "+q.Limit.Span().In(b.text), "FETCH is LIMIT")
	}
	if q.OffsetRows != (lex.Span{}) {
		replace(q.OffsetRows, "", "ROWS says nothing here")
	}
}

// wholeNumber refuses what is not written as a whole number.
func (b *binder) wholeNumber(x ast.Expr) {
	if n, ok := x.(*ast.Number); !ok || !n.Integer {
		b.refuse(sem.NotKnown, x.Span(), "write a number", "only a whole number is read here")
	}
}

// top is Redshift's TOP n: LIMIT at the end of the query.
func (b *binder) top(q *ast.Query, bound *sem.Query) {
	x, lone := q.Body.(*ast.Select)
	if !lone || x.Top == nil {
		return
	}
	n, ok := x.Top.(*ast.Number)
	switch {
	case !ok || !n.Integer:
		b.refuse(sem.NotKnown, x.TopAt, "write a number", "only a whole number is read behind TOP")
	case q.LimitAt != (lex.Span{}):
		b.refuse(sem.Mismatch, x.TopAt, "leave one of them out", "TOP and LIMIT do not stand in one query")
	case q.Offset != nil:
		b.refuse(sem.NotKnown, x.TopAt, "write LIMIT "+n.Text+" before OFFSET", "TOP is not read beside OFFSET")
	}
	const why = "TOP is LIMIT"
	end := lex.Span{Start: q.At.End, End: q.At.End}
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: x.TopAt, Why: why},
		sem.Slot{Kind: sem.SlotReplace, At: end, Text: " LIMIT " + x.Top.Span().In(b.text), Why: why})
}

// refuseTop refuses TOP in a SELECT that is a part of a set operation, where no LIMIT can stand.
func (b *binder) refuseTop(x ast.Body) {
	if s, ok := x.(*ast.Select); ok && s.Top != nil {
		b.refuse(sem.NotKnown, s.TopAt, "write it as a query in FROM", "TOP is not read in a set operation")
	}
}

// ties is FETCH FIRST n ROWS WITH TIES: the rows of rank n or less.
func (b *binder) ties(q *ast.Query, s *scope, bound *sem.Query) {
	x, lone := q.Body.(*ast.Select)
	switch {
	case len(q.Order) == 0:
		b.refuse(sem.Syntax, q.LimitAt, "write ORDER BY", "WITH TIES needs an order")
		return
	case !lone || x.Distinct || s == nil || q.Offset != nil || len(x.Windows) > 0 || x.Qualify != nil:
		b.refuse(sem.NotKnown, q.LimitAt, "filter by rank() in an outer query", "WITH TIES is only read of a plain SELECT without OFFSET and QUALIFY")
		return
	}
	keys := make([]*sem.Expr, len(q.Order))
	for i, k := range q.Order {
		if keys[i] = b.compared(b.settled(b.expr(b.sortedItem(k.X, x), s))); invalid(keys[i]) {
			return
		}
	}
	where := ranking("rank", nil, q.Order, keys)
	where.At, where.Text = lex.Span{Start: x.End, End: x.End}, where.Text+" <= "+q.Limit.Span().In(b.text)
	where.Why = "rows of rank n or less are the first n with their ties"
	qualify := where
	qualify.Text = " QUALIFY " + where.Text
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: q.LimitAt, Text: "ties"}, qualify)

	if kept := s.shape.Kept; !slices.ContainsFunc(keys, windowed) {
		kept.Clause, kept.Added, kept.Where = q.LimitAt, qualify.At, &where
	}
}

// direction is how a key sorts, in full.
func direction(k ast.Order) string {
	out := ""
	if k.Desc {
		out = " DESC"
	}
	if nullsFirst(k) {
		return out + " NULLS FIRST"
	}
	return out + " NULLS LAST"
}

// nullsFirst reports whether a key puts NULLs first: they are greater than everything if it does not say so.
func nullsFirst(k ast.Order) bool { return k.Nulls == "first" || k.Nulls == "" && k.Desc }

// sortedItem is what a key of ORDER BY stands for: an item of the select list by its number or name, or itself.
func (b *binder) sortedItem(k ast.Expr, x *ast.Select) ast.Expr {
	switch k := k.(type) {
	case *ast.Number:
		item, _, _ := b.groupItem(k, x, &scope{})
		return item
	case *ast.Column:
		if len(k.Parts) > 1 {
			return k
		}
		for _, it := range x.Items {
			if it.Alias.Text == k.Parts[0].Text {
				return it.X
			}
		}
	}
	return k
}

// distinctOn refuses an order that does not begin with the keys of DISTINCT ON: engines take one, the source does not.
func (b *binder) distinctOn(q *ast.Query, s *scope) {
	x, lone := q.Body.(*ast.Select)
	if !lone || x.On == nil || len(q.Order) == 0 || s == nil {
		return
	}
	on := make([]*sem.Expr, len(x.On))
	for i, k := range x.On {
		on[i] = b.settled(b.expr(b.sortedItem(k, x), s))
	}
	met := map[int]bool{}
	other := false
	keys := make([]*sem.Expr, len(q.Order))
	for n, k := range q.Order {
		e := b.settled(b.expr(b.sortedItem(k.X, x), s))
		keys[n] = b.compared(e)
		i := slices.IndexFunc(on, func(o *sem.Expr) bool { return sem.Same(o, e) })
		switch {
		case i < 0:
			other = true
		case other:
			b.refuse(sem.Mismatch, k.At, "order by the keys of DISTINCT ON first", "ORDER BY does not begin with the keys of DISTINCT ON")
			return
		default:
			met[i] = true
		}
	}
	if other && len(met) < len(on) {
		b.refuse(sem.Mismatch, q.Order[0].At, "order by the keys of DISTINCT ON first", "ORDER BY does not begin with the keys of DISTINCT ON")
	}
	if !slices.ContainsFunc(keys, windowed) && !slices.ContainsFunc(on, windowed) && !invalid(slices.Concat(keys, on)...) {
		first := ranking("row_number", on, q.Order, keys)
		first.At, first.Text, first.Why = x.DistinctAt, first.Text+" = 1", "the first row of each"
		s.shape.Kept.Where = &first
	}
}
