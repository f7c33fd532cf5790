package sem

import (
	"math"
	"math/big"
	"strings"
	"time"
)

// Range is what the values of a number, a date or a time lie in, both ends included: whole numbers for a number, and for the others days
// since 1970, which the times of the days lie in. What has one is neither infinite nor NaN. NULL is no value.
type Range struct {
	From, To int64
	Known    bool
}

// Days of what both engines and the source have in common: the first day of the year 1, and the last one of 9999.
const (
	FirstDay = -719162
	LastDay  = 2932896
)

// Inside reports whether all values lie in another range.
func (r Range) Inside(from, to int64) bool { return r.Known && r.From >= from && r.To <= to }

// OurEra reports whether all are dates or times of the years 1 to 9999.
func (r Range) OurEra() bool { return r.Inside(FirstDay, LastDay) }

// or is the range of values that lie in either.
func (r Range) or(other Range) Range {
	if !r.Known || !other.Known {
		return Range{}
	}
	return Range{min(r.From, other.From), max(r.To, other.To), true}
}

// and is the range of values that lie in both.
func (r Range) and(other Range) Range {
	switch {
	case !r.Known:
		return other
	case !other.Known:
		return r
	}
	return Range{max(r.From, other.From), min(r.To, other.To), true}
}

func (r Range) plus(other Range) Range {
	if !r.Known || !other.Known {
		return Range{}
	}
	from, to := r.From+other.From, r.To+other.To
	if (from < r.From) != (other.From < 0) || (to < r.To) != (other.To < 0) {
		return Range{}
	}
	return Range{from, to, true}
}

func (r Range) negative() Range {
	if r.From == math.MinInt64 {
		return Range{}
	}
	return Range{-r.To, -r.From, r.Known}
}

func (r Range) times(other Range) Range {
	const most = math.MaxInt32
	if !r.Inside(-most, most) || !other.Inside(-most, most) {
		return Range{}
	}
	a, b, c, d := r.From*other.From, r.From*other.To, r.To*other.From, r.To*other.To
	return Range{min(a, b, c, d), max(a, b, c, d), true}
}

// about is the range of what lies at most so far from values.
func (r Range) about(days int64) Range { return r.plus(Range{-days, days, true}) }

// rangeOf is that of all values of a type.
func rangeOf(t Type) Range {
	switch {
	case t.Kind == Int2:
		return Range{math.MinInt16, math.MaxInt16, true}
	case t.Kind == Int4:
		return Range{math.MinInt32, math.MaxInt32, true}
	case t.Kind == Int8:
		return Range{math.MinInt64, math.MaxInt64, true}
	case t.Kind == Numeric && t.P > 0 && t.P-t.S <= 18:
		most := int64(math.Pow10(max(t.P-t.S, 0)))
		return Range{-most, most, true}
	}
	return Range{}
}

// RangeOf is the range of values of a type, none of which lies beyond least and most, and whether it is known that none is zero. The bounds are in the
// form of hindcast.Facts; "" where none is known.
func RangeOf(t Type, least, most string) (r Range, notZero bool) {
	switch {
	case t.IsTime():
		from, to := dayOf(least), dayOf(most)
		if from.Known && to.Known {
			r = Range{from.From, to.To, true}
		}
		return r, false
	case !t.IsExact():
		return r, false
	}
	low, high := new(big.Int), new(big.Int) // whole numbers that are not above the least, and not below the most
	isLow, isHigh := false, false
	if n, ok := new(big.Rat).SetString(least); ok {
		notZero = n.Sign() > 0
		isLow = low.Div(n.Num(), n.Denom()).IsInt64()
	}
	if n, ok := new(big.Rat).SetString(most); ok {
		notZero = notZero || n.Sign() < 0
		isHigh = high.Neg(high.Div(n.Neg(n).Num(), n.Denom())).IsInt64()
	}
	switch r = rangeOf(t); {
	case r.Known:
	case isLow && isHigh:
		r = Range{math.MinInt64, math.MaxInt64, true}
	default: // values may lie beyond what a range can say
		return r, notZero
	}
	if isLow {
		r.From = max(r.From, low.Int64())
	}
	if isHigh {
		r.To = min(r.To, high.Int64())
	}
	return r, notZero
}

func dayOf(text string) Range {
	if len(text) < len(time.DateOnly) {
		return Range{}
	}
	at, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	if err != nil {
		return Range{}
	}
	day := at.Unix() / (24 * 3600)
	return Range{day, day, true}
}

// Within is what an expression's values lie in.
func Within(e *Expr) Range {
	if !e.Type.IsExact() && !e.Type.IsTime() {
		return Range{}
	}
	return rangeOf(e.Type).and(within(e))
}

func within(e *Expr) Range {
	switch e.Op {
	case OpColumn, OpScalarQuery, OpRaw:
		if e.Item != nil {
			return Range{}
		}
		return e.Range
	case OpInt, OpDecimal:
		r, _ := RangeOf(e.Type, e.Text, e.Text)
		return r
	case OpDate, OpTimestamp:
		return dayOf(e.Text)
	case OpNow, OpNowCivil, OpNowSeconds, OpToday:
		return Range{0, LastDay, true}
	case OpCount, OpCountRows, OpRowNumber, OpRank, OpDenseRank:
		return Range{0, math.MaxInt64, true}
	case OpCoalesce, OpGreatest, OpLeast, OpCase, OpCaseOf, OpDecode, OpNVL2, OpLag, OpLead, OpNullIf:
		return clamped(e, union(e))
	}
	if len(e.Args) == 0 {
		return Range{}
	}
	if first := Within(e.Args[0]); first.Known {
		return after(e, first)
	}
	return Range{}
}

// after is what an operation makes of its first argument's range.
func after(e *Expr, r Range) Range {
	switch {
	case keeps[e.Op]:
		return r
	case e.Op == OpRound && e.N >= 0, e.Op == OpTruncate && e.N >= 0:
		return r
	case len(e.Args) == 1:
		return ofOne(e, r)
	}
	switch e.Op {
	case OpAdd, OpAddDays:
		return r.plus(Within(e.Args[1]))
	case OpSubtract, OpSubtractDays, OpDaysBetween:
		return r.plus(Within(e.Args[1]).negative())
	case OpMultiply:
		return r.times(Within(e.Args[1]))
	case OpAddInterval:
		return r.about(daysOf(e.Args[1]))
	case OpAddTimes:
		n := Within(e.Args[1])
		if span := n.times(Range{0, daysOf(e), true}); span.Known {
			return r.about(max(-span.From, span.To) + 1)
		}
	case OpDateAdd:
		if n := r.times(Range{0, unitDays[e.Text], unitDays[e.Text] > 0}); n.Known {
			return Within(e.Args[1]).about(max(-n.From, n.To) + 1)
		}
	}
	return Range{}
}

func ofOne(e *Expr, r Range) Range {
	switch e.Op {
	case OpNegate:
		return r.negative()
	case OpAbs:
		if n := r.negative(); n.Known {
			return Range{max(0, r.From, n.From), max(r.To, n.To), true}
		}
	case OpDateTrunc:
		switch e.Text {
		case "year", "quarter", "month", "week", "day", "hour", "minute", "second", "milliseconds", "microseconds":
			return r.plus(Range{-366, 0, true})
		}
	case OpLastDay:
		return r.plus(Range{0, 31, true})
	case OpInZone, OpAtZone:
		return r.about(1)
	}
	return Range{}
}

// unitDays are how many days a unit has at most.
var unitDays = map[string]int64{"year": 366, "quarter": 92, "month": 31, "week": 7, "day": 1, "hour": 1, "minute": 1, "second": 1, "millisecond": 1, "microsecond": 1}

// daysOf is how many days a written interval moves a time at most, in either direction.
func daysOf(i *Expr) int64 {
	size := func(n int64) int64 { return max(n, -n) }
	return 31*size(int64(i.Months)) + size(int64(i.Days)) + size(i.Micros)/(24*3600*1e6) + 1
}

// keeps are operations that give one of their argument's values, or such a value as another type: rounded to a whole one at most.
var keeps = [Ops]bool{OpSame: true, OpPlus: true, OpWiden: true, OpIntToInt: true, OpToDecimal: true, OpDecimalToInt: true, OpCeiling: true, OpFloor: true,
	OpNotNull: true, OpDateToTimestamp: true, OpTimestampToDate: true, OpToInstant: true, OpFromInstant: true,
	OpMin: true, OpMax: true, OpAnyValue: true, OpDiscrete: true, OpFirstValue: true, OpLastValue: true, OpNthValue: true}

// Results are the arguments of which an operation gives one, where it gives one of several.
func Results(e *Expr) (all []*Expr) {
	from := 0
	switch e.Op {
	case OpCoalesce, OpGreatest, OpLeast:
		return e.Args
	case OpNullIf:
		return e.Args[2:]
	case OpNVL2:
		return e.Args[1:]
	case OpLag, OpLead:
		all = append(all, e.Args[0])
		if len(e.Args) > 2 {
			all = append(all, e.Args[2])
		}
		return all
	case OpCaseOf, OpDecode:
		from = 1
	}
	for i := range e.N {
		all = append(all, e.Args[from+2*i+1])
	}
	return append(all, e.Args[from+2*e.N:]...)
}

// union is the range of what an operation gives one of.
func union(e *Expr) (r Range) {
	first := true
	for _, a := range Results(e) {
		switch of := Within(a); {
		case a.Op == OpNull:
		case first:
			r, first = of, false
		default:
			r = r.or(of)
		}
	}
	return r
}

// Fits reports whether an operation of integers, or a cast of one, gives what its type holds whatever its arguments are, so that it never raises.
func Fits(e *Expr) bool {
	switch e.Op {
	case OpAdd, OpSubtract, OpMultiply, OpNegate, OpAbs, OpIntToInt:
		of, r := rangeOf(e.Type), within(e)
		return e.Type.IsInt() && r.Inside(of.From, of.To)
	case OpIntModulo:
		return NotZero(e.Args[1])
	case OpIntDivide:
		return NotZero(e.Args[1]) && (Within(e.Args[1]).From >= 0 || Within(e.Args[0]).From > rangeOf(e.Type).From)
	}
	return false
}

// clamped is what GREATEST and LEAST leave of a range where a written number is among their arguments, which is never NULL.
func clamped(e *Expr, r Range) Range {
	for _, a := range e.Args {
		if !r.Known || e.Op != OpGreatest && e.Op != OpLeast || a.Op != OpInt {
			continue
		}
		if n := Within(a); e.Op == OpGreatest {
			r.From = max(r.From, n.From)
		} else {
			r.To = min(r.To, n.To)
		}
	}
	return r
}

// NotZero reports whether no value of a number is zero.
func NotZero(e *Expr) bool {
	if r := Within(e); r.Known && (r.From > 0 || r.To < 0) {
		return true
	}
	switch e.Op {
	case OpInt, OpDecimal:
		return strings.Trim(e.Text, "-0.") != ""
	case OpColumn, OpScalarQuery, OpRaw:
		return e.NotZero && e.Item == nil
	case OpNullIf:
		return IsZero(e.Args[1]) || NotZero(e.Args[2])
	case OpToDecimal: // which may round to zero
		_, before := e.Args[0].Type.Digits()
		_, behind := e.Type.Digits()
		return before <= behind && NotZero(e.Args[0])
	case OpToFloat:
		return e.Type.Kind == Float8 && NotZero(e.Args[0])
	case OpSame, OpPlus, OpWiden, OpIntToInt, OpNotNull, OpNegate, OpAbs, OpMin, OpMax, OpAnyValue, OpDiscrete, OpFirstValue, OpLastValue, OpNthValue:
		return len(e.Args) > 0 && NotZero(e.Args[0])
	case OpCoalesce, OpGreatest, OpLeast, OpCase, OpCaseOf, OpDecode, OpNVL2, OpLag, OpLead:
		for _, a := range Results(e) {
			if a.Op != OpNull && !NotZero(a) {
				return false
			}
		}
		return true
	}
	return false
}

// Inner is a number as it is before its type was made a wider one.
func Inner(e *Expr) *Expr {
	for (e.Op == OpWiden || e.Op == OpSame || e.Op == OpToFloat) && len(e.Args) == 1 {
		e = e.Args[0]
	}
	return e
}

// IsZero reports whether an expression is a zero that is written.
func IsZero(e *Expr) bool {
	e = Inner(e)
	return (e.Op == OpInt || e.Op == OpDecimal || e.Op == OpFloat) && strings.Trim(e.Text, "-0.") == ""
}
