package bind

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// An interval has no type of its own on engines. What makes one is taken apart where it is used: added to a date, asked for its parts, or compared.

// units are what the units of an interval stand for.
var units = map[string]sem.Expr{"millennium": {Months: 12000}, "century": {Months: 1200}, "decade": {Months: 120}, "year": {Months: 12}, "month": {Months: 1},
	"week": {Days: 7}, "day": {Days: 1}, "hour": {Micros: 3600e6}, "minute": {Micros: 60e6}, "second": {Micros: 1e6}, "millisecond": {Micros: 1e3}, "microsecond": {Micros: 1}}

// interval binds INTERVAL '1 year 2 days', and INTERVAL '1' DAY.
func (b *binder) interval(x *ast.Interval) *sem.Expr {
	e := read(sem.OpInterval, sem.Of(sem.Interval), x)
	if !b.intervalText(strings.ToLower(strings.TrimSpace(x.Text)), x.Field, e) {
		return b.refuse(sem.NotKnown, x.At, "write whole numbers with their units, such as INTERVAL '1 month 2 days'", "this interval is not read")
	}
	return e
}

var (
	isoInterval   = regexp.MustCompile(`^p(?:(-?\d+)y)?(?:(-?\d+)m)?(?:(-?\d+)w)?(?:(-?\d+)d)?(?:t(?:(-?\d+)h)?(?:(-?\d+)m)?(?:(-?\d+(?:\.\d{1,6})?)s)?)?$`)
	yearToMonth   = regexp.MustCompile(`^([+-]?)(\d+)-(\d|1[01])$`)
	clockInterval = regexp.MustCompile(`^([+-]?)(\d+):([0-5]?\d)(?::([0-5]?\d(?:\.\d{1,6})?))?$`)
	apartSign     = regexp.MustCompile(`(^|\s)([+-])\s+`)
	plainNumber   = regexp.MustCompile(`^(?:[+-]?\d+(?:\.\d+)?|\.\d+)$`) // behind a sign stands a digit
	quantity      = regexp.MustCompile(`^([+-]?\d+(?:\.\d+)?|\.\d+)([a-z]*)$`)
)

// intervalText reads the text of an interval, to which a field behind it may give the unit.
func (b *binder) intervalText(text, field string, e *sem.Expr) bool {
	if m := isoInterval.FindStringSubmatch(text); m != nil && field == "" && len(text) > 2 {
		for i, unit := range intervalUnits {
			if m[i+1] != "" && !addUnit(e, m[i+1], unit) {
				return false
			}
		}
		return true
	}
	if b.Redshift {
		text = strings.ReplaceAll(text, ",", " ")
	}
	words := strings.Fields(apartSign.ReplaceAllString(text, "${1}${2}"))
	if len(words) > 0 && words[len(words)-1] == "ago" {
		if field != "" || !b.intervalWords(words[:len(words)-1], e) {
			return false
		}
		*e = *negated(e)
		return true
	}
	if field != "" {
		return fieldInterval(words, field, e)
	}

	return b.intervalWords(words, e)
}

// fieldInterval reads what stands before a field, or a range of them.
func fieldInterval(words []string, field string, e *sem.Expr) bool {
	from, to, isRange := strings.Cut(field, " to ")
	switch {
	case len(words) == 0 || len(words) > 2:
		return false
	case !isRange:
		return len(words) == 1 && plainNumber.MatchString(words[0]) && addUnit(e, words[0], field)
	case to == "month":
		return len(words) == 1 && addYearMonth(e, words[0])
	}
	clock := words[len(words)-1]
	seconds := strings.Count(clock, ":") == 2
	if from != "day" && (from != "hour" || len(words) == 2) || seconds != (to == "second") || to == "hour" {
		return false
	}
	if len(words) == 2 && !(plainNumber.MatchString(words[0]) && addUnit(e, words[0], "day")) {
		return false
	}

	return addClock(e, clock)
}

// intervalWords reads numbers with their units, years with months, and hours with minutes.
func (b *binder) intervalWords(words []string, e *sem.Expr) bool {
	for i := 0; i < len(words); i++ {
		if addYearMonth(e, words[i]) || addClock(e, words[i]) {
			continue
		}
		m := quantity.FindStringSubmatch(words[i])
		if m == nil {
			return false
		}
		unit := m[2]
		if unit == "" {
			if i++; i == len(words) {
				return false
			}
			unit = words[i]
		}
		if !addUnit(e, m[1], b.unit(unit)) {
			return false
		}
	}
	return len(words) > 0
}

// unit is the name of an interval's unit.
func (b *binder) unit(word string) string {
	switch word { // which are other parts elsewhere
	case "m":
		return "minute"
	case "d", "h", "s", "w", "y", "c":
		return map[string]string{"d": "day", "h": "hour", "s": "second", "w": "week", "y": "year", "c": "century"}[word]
	}
	return parts[word]
}

// addUnit adds a number of a unit. Of a fraction only what is whole in the next smaller units is taken.
func addUnit(e *sem.Expr, quantity, unit string) bool {
	u, known := units[unit]
	n, ok := new(big.Rat).SetString(quantity)
	if !known || !ok {
		return false
	}
	times := func(by int64) *big.Rat { return new(big.Rat).Mul(n, big.NewRat(by, 1)) }
	months, days, micros := times(int64(u.Months)), times(int64(u.Days)), times(u.Micros)
	if !n.IsInt() && u.Days > 0 { // part of a day is time
		whole := new(big.Rat).SetInt(new(big.Int).Quo(days.Num(), days.Denom()))
		micros = new(big.Rat).Mul(new(big.Rat).Sub(days, whole), big.NewRat(dayMicros, 1))
		days = whole
	}
	if !months.IsInt() || !days.IsInt() || !micros.IsInt() || !micros.Num().IsInt64() {
		return false
	}
	m, d := int64(e.Months)+months.Num().Int64(), int64(e.Days)+days.Num().Int64()
	if max(m, -m) > math.MaxInt32 || max(d, -d) > math.MaxInt32 {
		return false
	}
	e.Months, e.Days, e.Micros = int(m), int(d), e.Micros+micros.Num().Int64()

	return max(e.Micros, -e.Micros) < 1<<53 // beyond which the source's own arithmetic is not exact
}

// addYearMonth adds years and months of the form 1-2.
func addYearMonth(e *sem.Expr, word string) bool {
	m := yearToMonth.FindStringSubmatch(word)
	return len(m) == 4 && addUnit(e, m[1]+m[2], "year") && addUnit(e, m[1]+m[3], "month")
}

// addClock adds hours and minutes of the form 1:30 or 1:30:00.
func addClock(e *sem.Expr, word string) bool {
	m := clockInterval.FindStringSubmatch(word)
	return len(m) == 5 && addUnit(e, m[1]+m[2], "hour") && addUnit(e, m[1]+m[3], "minute") && (m[4] == "" || addUnit(e, m[1]+m[4], "second"))
}

// negated is a written interval with the other sign.
func negated(e *sem.Expr) *sem.Expr {
	out := *e
	out.Months, out.Days, out.Micros, out.Made = -e.Months, -e.Days, -e.Micros, true
	return &out
}

// intervalArithmetic binds an operator that has an interval on a side.
func (b *binder) intervalArithmetic(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	left, right := l.Type.Kind == sem.Interval, r.Type.Kind == sem.Interval
	switch {
	case left && right && (x.Op == "+" || x.Op == "-"):
		return b.intervalSum(x, l, r)
	case l.Type.IsTime() && (x.Op == "+" || x.Op == "-"):
		return b.addInterval(x, l, r)
	case r.Type.IsTime() && x.Op == "+":
		return b.addInterval(x, r, l)
	case left && !right && x.Op == "*":
		return b.intervalTimes(x, l, r)
	case right && !left && x.Op == "*":
		return b.intervalTimes(x, r, l)
	}
	return b.refuse(sem.NotKnown, x.At, "add the interval to a date or timestamp", "%s %s %s is not read", l.Type, x.Op, r.Type)
}

// intervalSum adds up written intervals.
func (b *binder) intervalSum(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	if l.Op != sem.OpInterval || r.Op != sem.OpInterval {
		return b.refuse(sem.NotKnown, x.At, "add them to a date or timestamp one after the other", "only written intervals are added to each other")
	}
	if x.Op == "-" {
		r = negated(r)
	}
	e := rewritten(sem.OpInterval, l.Type, x)
	e.Months, e.Days, e.Micros = l.Months+r.Months, l.Days+r.Days, l.Micros+r.Micros

	return e
}

// intervalTimes is a written interval, a whole number of times.
func (b *binder) intervalTimes(x *ast.Binary, i, n *sem.Expr) *sem.Expr {
	switch {
	case i.Op != sem.OpInterval:
		return b.refuse(sem.NotKnown, x.At, "multiply a written interval", "only a written interval is multiplied")
	case !n.Type.IsInt():
		return b.refuse(sem.NotKnown, n.At, "cast it as integer", "an interval is multiplied by an integer, and this is %s", n.Type)
	case n.Type.Kind == sem.Int8 && i.Micros%1e6 != 0:
		return b.refuse(sem.NotKnown, n.At, "cast it as integer", "parts of seconds are multiplied by an integer, and this is bigint")
	}
	e := rewritten(sem.OpIntervalTimes, i.Type, x, n)
	e.Months, e.Days, e.Micros = i.Months, i.Days, i.Micros

	return e
}

// addInterval adds an interval to a time, or takes it off.
func (b *binder) addInterval(x *ast.Binary, at, amount *sem.Expr) *sem.Expr {
	zoned := at.Type.Kind == sem.TimestampTZ
	at = b.coerce(at, sem.Of(sem.Timestamp))
	e := rewritten(sem.OpAddInterval, sem.Of(sem.Timestamp), x, at, amount)
	e.Text = x.Op
	switch amount.Op {
	case sem.OpInterval:
	case sem.OpIntervalTimes:
		e.Op, e.Args[1] = sem.OpAddTimes, amount.Args[0]
		e.Months, e.Days, e.Micros = amount.Months, amount.Days, amount.Micros
	case sem.OpTimeBetween:
		e.Op, e.Args[1] = sem.OpAddSpan, span(amount)
	default:
		return b.refuse(sem.NotKnown, x.At, "write INTERVAL '…', or a whole number times that", "this interval is not added")
	}
	if zoned { // in UTC, as the coercion has said
		return made(sem.OpToInstant, sem.Of(sem.TimestampTZ), x.At, e)
	}

	return e
}

// difference is that of two times, an interval of days and less.
func (b *binder) difference(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	if r.Type.Kind == sem.Unknown {
		r = b.literal(r, l.Type)
	}
	if l.Type.Kind == sem.TimestampTZ && r.Type.Kind == sem.TimestampTZ { // in whatever zone
		l, r = made(sem.OpFromInstant, sem.Of(sem.Timestamp), l.At, l), made(sem.OpFromInstant, sem.Of(sem.Timestamp), r.At, r)
	}
	l, r = b.coerce(l, sem.Of(sem.Timestamp)), b.coerce(r, sem.Of(sem.Timestamp))
	if invalid(l, r) {
		return &sem.Expr{At: x.At}
	}
	return rewritten(sem.OpTimeBetween, sem.Of(sem.Interval), x, l, r)
}

// age is AGE(later, earlier), in years, months and days.
func age(b *binder, c *call) *sem.Expr {
	e := rewritten(sem.OpAge, sem.Of(sem.Interval), c.x)
	for _, a := range c.args {
		a, ok := b.timestamp(a)
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		e.Args = append(e.Args, a)
	}
	return e
}

// span is the difference of two times in microseconds.
func span(e *sem.Expr) *sem.Expr {
	return made(sem.OpMicrosBetween, sem.Of(sem.Int8), e.At, e.Args...)
}

// spans makes intervals numbers of microseconds, as they are compared: a month has thirty days, a day twenty-four hours.
func (b *binder) spans(all []*sem.Expr) {
	has := false
	for _, e := range all {
		has = has || e.Type.Kind == sem.Interval
	}
	for i, e := range all {
		if has {
			all[i] = b.spanOf(e)
		}
	}
}

func (b *binder) spanOf(e *sem.Expr) *sem.Expr {
	if e.Type.Kind == sem.Unknown && e.Op == sem.OpText {
		literal := made(sem.OpInterval, sem.Of(sem.Interval), e.At)
		if !b.intervalText(strings.ToLower(strings.TrimSpace(e.Text)), "", literal) {
			return b.refuse(sem.NotKnown, e.At, "write INTERVAL '…'", "%q is not read as an interval", e.Text)
		}
		e = literal
	}
	switch e.Op {
	case sem.OpTimeBetween:
		return span(e)
	case sem.OpInterval:
		out := made(sem.OpInt, sem.Of(sem.Int8), e.At)
		out.Text = strconv.FormatInt((int64(e.Months)*30+int64(e.Days))*dayMicros+e.Micros, 10)
		return out
	case sem.OpInvalid, sem.OpNull:
		return e
	default:
		return b.refuse(sem.NotKnown, e.At, "compare times", "this interval is not compared")
	}
}

// intervalPart is EXTRACT of an interval.
func (b *binder) intervalPart(c *call, p string, e *sem.Expr) *sem.Expr {
	whole := map[string]bool{"day": true, "hour": true, "minute": true}
	t := sem.Decimal(10, 0)
	out := rewritten(sem.OpSpanPart, t, c.x)
	switch {
	case e.Op == sem.OpTimeBetween && (whole[p] || p == "second" || p == "epoch"):
		out.Args = []*sem.Expr{span(e)}
	case e.Op == sem.OpAge && (whole[p] || p == "year" || p == "month" || p == "second"):
		out.Op, out.Args = sem.OpAgePart, e.Args
	default:
		return b.refuse(sem.NotKnown, c.x.At, "ask for day, hour, minute, second or epoch of a difference of two times", "this part of this interval is not read")
	}
	out.Text = p
	switch {
	case b.Redshift && (p == "epoch" || p == "second"):
		return b.refuse(sem.NotDecidable, c.x.At, "use datediff", "the type of this in Redshift is not documented clearly")
	case b.Redshift:
		out.Type = sem.Of(sem.Int4)
	case p == "second":
		out.Type = sem.Decimal(8, 6)
	case p == "epoch":
		out.Type = sem.Decimal(24, 6)
	}
	if c.x.Name == "date_part" {
		return b.coerce(out, sem.Of(sem.Float8))
	}

	return out
}
