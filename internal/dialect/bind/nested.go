package bind

import (
	"slices"

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
	case isAggregate(e):
		if i := slices.IndexFunc(within, aggregated); i >= 0 {
			b.refuse(sem.Mismatch, within[i].At, "write a key of GROUP BY itself instead of its alias, or compute the inner one in a query in FROM",
				"an aggregate or a function of a window cannot stand within an aggregate")
		}
	}
}

func isAggregate(e *sem.Expr) bool { return e.Op >= sem.OpCountRows && e.Op <= sem.OpAny }

func windowed(e *sem.Expr) bool {
	return e.Over != nil || holds(e, windowed)
}

// aggregated reports whether an expression makes one row of many, or needs those of a window. The one text of a group is an aggregate, too.
func aggregated(e *sem.Expr) bool {
	return e.Over != nil || isAggregate(e) || e.Op == sem.OpOneSpelling || holds(e, aggregated)
}

// holds reports whether something is true of what an expression is made of, which of an alias is what it names.
func holds(e *sem.Expr, is func(*sem.Expr) bool) bool {
	return e.Item != nil && is(e.Item) || e.Filter != nil && is(e.Filter) || slices.ContainsFunc(e.Args, is)
}
