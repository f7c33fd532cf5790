package emit

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// harmless are operations that raise nothing by themselves, whatever their arguments are.
var harmless = [sem.Ops]bool{sem.OpNull: true, sem.OpBool: true, sem.OpInt: true, sem.OpDecimal: true, sem.OpFloat: true, sem.OpText: true, sem.OpDate: true,
	sem.OpTimestamp: true, sem.OpColumn: true, sem.OpName: true, sem.OpParam: true, sem.OpNow: true, sem.OpNowCivil: true, sem.OpNowSeconds: true, sem.OpToday: true,
	sem.OpAnd: true, sem.OpOr: true, sem.OpNot: true, sem.OpIs: true, sem.OpDistinctFrom: true, sem.OpCompare: true, sem.OpBetween: true, sem.OpIn: true,
	sem.OpLike: true, sem.OpCase: true, sem.OpCaseOf: true, sem.OpCoalesce: true, sem.OpNullIf: true, sem.OpDecode: true, sem.OpNVL2: true,
	sem.OpGreatest: true, sem.OpLeast: true, sem.OpSame: true, sem.OpCutText: true, sem.OpConcat: true, sem.OpConcatSkip: true, sem.OpLength: true,
	sem.OpTrim: true, sem.OpTrimKey: true, sem.OpReplace: true, sem.OpLeft: true, sem.OpRight: true, sem.OpWiden: true, sem.OpDateToTimestamp: true,
	sem.OpMatches: true, sem.OpMatchReplace: true, sem.OpMatchFound: true, sem.OpMatchCount: true, sem.OpMatchPlace: true, sem.OpSHA1: true, sem.OpSHA2: true,
	sem.OpBitsBoth: true, sem.OpBitsEither: true, sem.OpBitsDiffer: true, sem.OpBitsOther: true, sem.OpShiftLeft: true, sem.OpShiftRight: true, sem.OpStartsWith: true,
	sem.OpTranslate: true, sem.OpBytes: true, sem.OpASCII: true, sem.OpConcatWith: true, sem.OpTruthLetter: true,
	sem.OpCount: true, sem.OpCountRows: true, sem.OpMin: true, sem.OpMax: true, sem.OpLag: true, sem.OpLead: true, sem.OpFirstValue: true, sem.OpLastValue: true, sem.OpNthValue: true,
	sem.OpBitAnd: true, sem.OpBitOr: true, sem.OpBitXor: true, sem.OpGrouping: true, sem.OpRow: true,
	sem.OpArray: true, sem.OpArrayConcat: true, sem.OpElement: true, sem.OpArrayLength: true, sem.OpArrayAny: true, sem.OpElementName: true, sem.OpParts: true,
	sem.OpArrayText: true, sem.OpUnnest: true, sem.OpGather: true}

// mayRaise reports whether an expression may raise.
func mayRaise(e *sem.Expr) bool {
	below := (e.Op == sem.OpLeft || e.Op == sem.OpRight) && e.N < 0 && e.Not // a length that may be below zero
	return !harmless[e.Op] && !sem.Fits(e) || below || e.Item != nil && mayRaise(e.Item) || slices.ContainsFunc(e.Args, mayRaise)
}

// filtered is an aggregate with its FILTER in its argument. Engines may compute arguments of rows that are filtered out, too, and Spark takes no
// FILTER before OVER.
func (p *printer) filtered(e *sem.Expr, args []text) (*sem.Expr, []text) {
	inside := *e
	if e.Op == sem.OpCountRows {
		inside.Op, args = sem.OpCount, []text{{text: "1"}}
	}
	inside.Filter, inside.Made, inside.Why = nil, true, "the engine computes what is filtered out, too, and may raise"
	return &inside, []text{{text: p.passed(e, args[0].text)}}
}

// passed is what an aggregate reads of the rows that its FILTER lets through, and NULL of the others.
func (p *printer) passed(e *sem.Expr, x string) string {
	return "CASE WHEN " + p.expr(e.Filter).text + " THEN " + x + " END"
}

// isLiteral reports whether an expression is a written value that is not NULL.
func isLiteral(e *sem.Expr) bool {
	switch e.Op {
	case sem.OpBool, sem.OpInt, sem.OpDecimal, sem.OpFloat, sem.OpText, sem.OpDate, sem.OpTimestamp:
		return true
	}
	return false
}

// coalesce writes COALESCE. What occurs twice in one DuckDB computes once and ahead of time, whether it is needed or not; it does not do so in
// a CASE.
func coalesce(p *printer, e *sem.Expr, args []text) text {
	if isLiteral(e.Args[0]) { // the source does not compute what stands behind it, nor what that reads in a query in FROM
		if slices.ContainsFunc(e.Args[1:], aggregates) { // but makes one row of many for it
			return text{text: "CASE WHEN count(*) IS NOT NULL THEN " + args[0].text + " END"}
		}
		return text{text: "coalesce(" + args[0].text + ")"} // a number by itself is a column's where rows are ordered or grouped
	}
	if p.Engine.spark() || !slices.ContainsFunc(e.Args[1:], mayRaise) {
		if !e.Made {
			return p.kept(e, args)
		}
		return function("coalesce")(p, e, args)
	}
	var out strings.Builder
	out.WriteString("CASE")
	last := len(args) - 1
	for _, a := range args[:last] {
		out.WriteString(" WHEN " + operand(a) + " IS NOT NULL THEN " + a.text)
	}
	out.WriteString(" ELSE " + args[last].text + " END")

	return text{text: out.String()}
}
