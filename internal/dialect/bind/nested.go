package bind

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// nested refuses an aggregate or a window's function within an aggregate, and a window's function within another one, which an alias of the select
// list may hide: the source takes none of them, and an engine may.
func (b *binder) nested(e *sem.Expr) {
	within := slices.Clone(e.Args)
	if e.Filter != nil {
		within = append(within, e.Filter)
	}
	for _, k := range e.Keys {
		within = append(within, k.X)
	}
	switch {
	case e.Over != nil:
		for _, s := range e.Over.Slots {
			if s.Expr != nil {
				within = append(within, s.Expr)
			}
		}
		if i := slices.IndexFunc(within, windowed); i >= 0 {
			b.refuse(sem.Mismatch, within[i].At, "compute the inner one in a query in FROM", "a function of a window cannot stand within another one")
		}
	case e.Aggregates():
		if i := slices.IndexFunc(within, aggregated); i >= 0 {
			b.refuse(sem.Mismatch, within[i].At, "write a key of GROUP BY itself instead of its alias, or compute the inner one in a query in FROM",
				"an aggregate or a function of a window cannot stand within an aggregate")
		}
	}
}

func windowed(e *sem.Expr) bool {
	return e.Over != nil || holds(e, windowed)
}

// aggregated reports whether an expression makes one row of many, or needs those of a window. The one text of a group is an aggregate, too.
func aggregated(e *sem.Expr) bool {
	return e.Over != nil || e.Aggregates() || e.Op == sem.OpOneSpelling || holds(e, aggregated)
}

// holds reports whether something is true of what an expression is made of, which of an alias is what it names.
func holds(e *sem.Expr, is func(*sem.Expr) bool) bool {
	return e.Item != nil && is(e.Item) || e.Filter != nil && is(e.Filter) || slices.ContainsFunc(e.Args, is)
}

// besideWindow notes a key that orders groups beside a function of a window and reads what is not in the select list, which Spark does not find.
func besideWindow(key *sem.Expr, outputs []output, bound *sem.Query) {
	of := func(is func(*sem.Expr) bool) bool {
		return slices.ContainsFunc(outputs, func(o output) bool { return slices.ContainsFunc(o.from, is) })
	}
	grouped := func(e *sem.Expr) bool { return e.Over == nil && aggregated(e) }
	if key == nil || !of(windowed) || !of(grouped) || !readsOther(key, outputs) {
		return
	}
	at := lex.Span{Start: key.At.Start, End: key.At.Start}
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: at, Text: "order of groups beside a window"})
}

// readsOther reports whether an expression reads a column whose name is not one of the result's.
func readsOther(e *sem.Expr, outputs []output) bool {
	if e.Op == sem.OpColumn && !slices.ContainsFunc(outputs, func(o output) bool { return strings.EqualFold(o.Name, e.Column.Name) }) {
		return true
	}
	return slices.ContainsFunc(e.Args, func(a *sem.Expr) bool { return readsOther(a, outputs) })
}
