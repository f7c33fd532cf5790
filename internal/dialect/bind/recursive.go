package bind

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// cte binds one of WITH's queries.
func (b *binder) cte(q *ast.Query, c ast.CTE, s *scope, bound *sem.Query) (*sem.Query, []output) {
	if q.Recursive {
		at := lex.Span{Start: c.Name.At.Start, End: c.Name.At.Start}
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: at, Text: "recursive"})
		if union, ok := c.Query.Body.(*ast.SetOp); ok && union.Op == "union" && namesTable(union.R, c.Name.Text) {
			return b.recursive(c, union, s)
		}
	}
	values, listed := c.Query.Body.(*ast.Values)
	labels := !listed || len(c.Columns) != len(values.Rows[0])

	return b.query(c.Query, s, purpose{labels: labels, whole: true})
}

// recursive binds a query that reads itself: what its first part gives is what the second one reads, which is to give the same types.
func (b *binder) recursive(c ast.CTE, x *ast.SetOp, s *scope) (*sem.Query, []output) {
	bound := &sem.Query{At: c.Query.At}
	q := c.Query
	step, plain := x.R.(*ast.Select)
	switch {
	case !plain || len(q.With) > 0 || len(q.Order) > 0 || q.Limit != nil || q.Offset != nil || namesTable(x.L, c.Name.Text):
		b.refuse(sem.NotKnown, c.Name.At, "write SELECT … UNION ALL SELECT …", "this form of a recursive query is not read")
		return bound, nil
	case b.Redshift && (!x.All || len(c.Columns) == 0):
		b.refuse(sem.Mismatch, c.Name.At, "write UNION ALL, and the columns' names behind the query's", "Redshift wants UNION ALL and a list of columns in a recursive query")
		return bound, nil
	case step.Distinct || len(step.Group) > 0 || step.Having != nil || step.Top != nil || !once(step.From, c.Name.Text):
		b.refuse(sem.NotKnown, c.Name.At, "read it once in FROM, joined by JOIN or a comma", "the second part of a recursive query is not read in this form")
		return bound, nil
	}

	outputs, _ := b.body(x.L, s, purpose{labels: len(c.Columns) == 0, guards: !x.All}, bound)
	for i := range outputs {
		outputs[i].Facts, outputs[i].open, outputs[i].Declared = sem.Facts{}, false, false
	}
	before, hides := s.with[c.Name.Text]
	s.with[c.Name.Text] = b.newTable(c.Name.Text, columnsOf(outputs), c.Columns, c.Name.At).columns
	again, _ := b.body(x.R, s, purpose{guards: !x.All}, bound)
	if delete(s.with, c.Name.Text); hides {
		s.with[c.Name.Text] = before
	}
	b.sameTypes(outputs, again, x.OpAt)
	sortSlots(bound.Slots)
	bound.Columns = columnsOf(outputs)

	return bound, outputs
}

// sameTypes refuses a second part that does not give the types of the first.
func (b *binder) sameTypes(first, second []output, at lex.Span) {
	if len(first) != len(second) {
		b.refuse(sem.Mismatch, at, "", "the queries give %d and %d columns", len(first), len(second))
		return
	}
	for i, o := range first {
		from := second[i]
		if from.Type.Kind == sem.Invalid || o.Type.Kind == sem.Invalid {
			continue
		}
		if from.open {
			b.decide(&from, o.Type)
		}
		if o.Type != from.Type || o.Type.Kind == sem.Numeric && (first[i].Loose || from.Loose) {
			b.refuse(sem.Mismatch, at, "cast it in both", "the first part of the recursive query gives %s for the column %s, and the second one %s", o.Type, o.Name, from.Type)
		}
	}
}

// once reports whether a query's name stands once among the items of FROM, and in no outer join.
func once(from []ast.From, name string) bool {
	n, outer := 0, false
	var visit func(ast.From)
	visit = func(f ast.From) {
		switch f := f.(type) {
		case *ast.Table:
			if len(f.Parts) == 1 && f.Parts[0].Text == name {
				n++
			}
		case *ast.Join:
			outer = outer || f.Kind != "inner" && f.Kind != "cross"
			visit(f.L)
			visit(f.R)
		case *ast.Derived:
			outer = true // which may read it
		}
	}
	for _, f := range from {
		visit(f)
	}

	return n == 1 && !outer
}

// namesTable reports whether a query names another one among the tables of its FROM.
func namesTable(x ast.Body, name string) bool {
	switch x := x.(type) {
	case *ast.SetOp:
		return namesTable(x.L, name) || namesTable(x.R, name)
	case *ast.Nested:
		return namesTable(x.Query.Body, name)
	case *ast.Select:
		return slices.ContainsFunc(x.From, func(f ast.From) bool { return names(f, name) })
	}
	return false
}

func names(f ast.From, name string) bool {
	switch f := f.(type) {
	case *ast.Table:
		return len(f.Parts) == 1 && f.Parts[0].Text == name
	case *ast.Join:
		return names(f.L, name) || names(f.R, name)
	case *ast.Derived:
		return namesTable(f.Query.Body, name)
	}
	return false
}
