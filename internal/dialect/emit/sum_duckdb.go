package emit

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// sumDuck is a sum of exact numbers on DuckDB, as a type.
func sumDuck(as string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		return text{text: p.fill("CAST(sum($d$1)$w AS "+as+")", e, p.summed(e, args))}
	}
}

// summed is what a sum adds up. DuckDB makes sum(x + 1) of integers sum(x) + count(x), which never computes an x + 1 that overflows: a wider type
// around it keeps it from that.
func (p *printer) summed(e *sem.Expr, args []text) []text {
	x := e.Args[0]
	if p.Engine.spark() || sem.Fits(x) || x.Op != sem.OpAdd || !x.Type.IsInt() || !slices.ContainsFunc(x.Args, fixed) {
		return args
	}
	wider := map[sem.Kind]string{sem.Int2: "INTEGER", sem.Int4: "BIGINT", sem.Int8: "HUGEINT"}[x.Type.Kind]
	return []text{{text: "CAST(" + args[0].text + " AS " + wider + ")"}}
}

// fixed reports whether an expression has the same value in every row.
func fixed(e *sem.Expr) bool {
	return e.Op != sem.OpColumn && e.Query == nil && !slices.ContainsFunc(e.Args, func(a *sem.Expr) bool { return !fixed(a) })
}
