package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// How tightly operators bind in the source, from loosest to tightest. Engines agree on the order of these, and not on where other
// operators stand among them.
const (
	levelOr = iota
	levelAnd
	levelNot
	levelPredicate // IS, IN, BETWEEN, LIKE, and whatever engines do not agree on
	levelCompare
	levelOther // ||
	levelAdd
	levelMultiply
	levelSign
	levelAtom
)

// levels is how tightly each operation binds.
var levels = func() (all [sem.Ops]int) {
	for op := range all {
		all[op] = levelAtom
	}
	for op, level := range operators {
		all[op] = level
	}
	return all
}()

var operators = map[sem.Op]int{
	sem.OpOr: levelOr, sem.OpAnd: levelAnd, sem.OpNot: levelNot,
	sem.OpIs: levelPredicate, sem.OpDistinctFrom: levelPredicate, sem.OpBetween: levelPredicate, sem.OpIn: levelPredicate, sem.OpInQuery: levelPredicate,
	sem.OpLike: levelPredicate, sem.OpCompare: levelCompare, sem.OpConcat: levelOther,
	sem.OpAdd: levelAdd, sem.OpSubtract: levelAdd, sem.OpFloatAdd: levelAdd, sem.OpFloatSubtract: levelAdd, sem.OpAddDays: levelAdd, sem.OpSubtractDays: levelAdd,
	sem.OpDaysBetween: levelAdd, sem.OpMultiply: levelMultiply, sem.OpFloatMultiply: levelMultiply, sem.OpIntDivide: levelMultiply, sem.OpIntModulo: levelMultiply,
	sem.OpFloatDivide: levelMultiply, sem.OpDecimalDivide: levelMultiply, sem.OpNegate: levelSign, sem.OpPlus: levelSign, sem.OpFloatNegate: levelSign,
}

func level(op sem.Op) int { return levels[op] }

// bare reports whether an expression needs no parentheses anywhere.
func bare(e *sem.Expr) bool {
	switch e.Op {
	case sem.OpWiden, sem.OpSame:
		return len(e.Args) == 0 || bare(e.Args[0])
	default:
	}
	return level(e.Op) == levelAtom
}

// nests reports whether all engines read an operation as the argument of another one without parentheses.
func nests(e, a *sem.Expr, i int) bool {
	for (a.Op == sem.OpWiden || a.Op == sem.OpSame) && len(a.Args) == 1 {
		a = a.Args[0]
	}
	outer, inner := level(e.Op), level(a.Op)
	switch {
	case outer == levelAtom, e.Op == sem.OpIn && i > 0: // arguments of a call, or in a list
		return true
	case outer == levelOther || inner == levelOther:
		return outer == levelOther && inner == levelOther && i == 0
	case outer == levelPredicate || outer == levelCompare:
		return inner >= levelAdd
	case outer == inner:
		return i == 0 && outer >= levelAdd && outer != levelSign || outer == levelNot
	case outer == levelSign:
		return false
	}

	return inner > outer
}
