package bind

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Trailing blanks do not count where Redshift compares texts. A group's texts may differ in them, and Redshift does not say which of them it
// shows; the groups are made without them, and a group of more than one text raises where it is shown.

// blankKey makes groups of what a key of GROUP BY gives without its trailing blanks.
func blankKey(e *sem.Expr, at lex.Span, bound *sem.Query) {
	key := trimmed(e)
	key.At = at
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: at, Expr: key})
}

// oneSpelling is a key of GROUP BY where it is shown.
func oneSpelling(e *sem.Expr, s *scope) *sem.Expr {
	out := made(sem.OpOneSpelling, e.Type, e.At, e)
	out.Facts, out.Not = sem.Facts{ASCII: e.ASCII}, s.sets
	return out
}

// isKey reports whether an expression is one of the keys of GROUP BY that may end in blanks.
func (s *scope) isKey(e *sem.Expr) bool {
	return slices.ContainsFunc(s.keys, func(k *sem.Expr) bool { return sem.Same(k, e) })
}

// ungrouped takes the keys of GROUP BY out of a scope, to bind what an aggregate computes of a group's rows, before there are groups. What it
// returns puts them back.
func (s *scope) ungrouped() (again func()) {
	keys := s.keys
	s.keys = nil
	return func() { s.keys = keys }
}

// trimmedKey orders by a column of the result without its trailing blanks; false if that cannot be written.
func (b *binder) trimmedKey(x ast.Expr, o *output, s *scope, bound *sem.Query) bool {
	var of *sem.Expr
	switch column, named := x.(*ast.Column); {
	case s == nil:
		return false
	case len(o.from) == 1:
		of = o.from[0]
	case named && o.column != nil:
		of = b.named(column, o.column)
	default:
		return false
	}
	if captured(of, o, s) {
		return false
	}
	key := *trimmed(of)
	key.At = x.Span()
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: key.At, Expr: &key})

	return true
}

// captured reports whether an engine may take a column in what gives the result's column o for another one's alias.
func captured(e *sem.Expr, o *output, s *scope) bool {
	if e.Op == sem.OpOneSpelling {
		e = e.Args[0]
		if e.Op == sem.OpColumn && strings.EqualFold(e.Column.Name, o.Name) {
			return false // the alias is that text, or raises
		}
	}
	if e.Op == sem.OpColumn && len(e.Names) == 1 {
		other, ok := renamed(s.named, e.Column.Name)
		return ok && other != e.Column
	}
	return e.Query != nil || slices.ContainsFunc(e.Args, func(a *sem.Expr) bool { return captured(a, o, s) })
}
