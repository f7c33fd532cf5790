package bind

import "github.com/hindcast/hindcast/internal/dialect/sem"

// madeTimes are functions that make times and intervals out of numbers, and width_bucket.
func madeTimes() map[string]function {
	return map[string]function{
		"width_bucket":     {least: 4, most: 4, who: onlyPostgres, bind: widthBucket},
		"make_timestamp":   {least: 6, most: 6, who: onlyPostgres, bind: makeTimestamp},
		"make_interval":    {least: 0, most: 7, who: onlyPostgres, bind: makeInterval},
		"justify_hours":    {least: 1, most: 1, who: onlyPostgres, bind: justified(justifyHours)},
		"justify_days":     {least: 1, most: 1, who: onlyPostgres, bind: justified(justifyDays)},
		"justify_interval": {least: 1, most: 1, who: onlyPostgres, bind: justified(justifyAll)},
	}
}

// makeTimestamp is make_timestamp(year, month, day, hour, minute, seconds); NULL if one of them is.
func makeTimestamp(b *binder, c *call) *sem.Expr {
	if !b.counts(c.args[:5]) {
		return &sem.Expr{At: c.x.At}
	}
	seconds := c.args[5]
	if seconds.Type.Kind == sem.Unknown {
		seconds = b.literal(seconds, sem.Of(sem.Float8))
	}
	switch {
	case invalid(seconds):
		return seconds
	case !seconds.Type.IsNumber():
		return b.refuse(sem.Mismatch, seconds.At, "cast it as a number", "this is %s, and seconds are read here", seconds.Type)
	}
	double, at := sem.Of(sem.Float8), c.x.At
	million := made(sem.OpFloat, double, at)
	million.Text = "1000000"
	micros := made(sem.OpFloatToInt, sem.Of(sem.Int8), at, made(sem.OpFloatMultiply, double, at, b.coerce(seconds, double), million))
	time := made(sem.OpDayMicros, sem.Of(sem.Int8), at, c.args[3], c.args[4], micros)
	date := made(sem.OpDateToTimestamp, sem.Of(sem.Timestamp), at, made(sem.OpMakeDate, sem.Of(sem.Date), at, c.args[:3]...))
	e := made(sem.OpAddSpan, sem.Of(sem.Timestamp), at, date, time)
	e.Text = "+"
	for _, a := range c.args {
		if a.Op != sem.OpInt && a.Op != sem.OpDecimal {
			null := made(sem.OpNull, e.Type, at)
			e = made(sem.OpNVL2, e.Type, at, a, e, null)
		}
	}
	e.Parens = c.x.Parend

	return e
}

// intervalUnits are what make_interval takes numbers of, in its order and that of ISO 8601.
var intervalUnits = []string{"year", "month", "week", "day", "hour", "minute", "second"}

// makeInterval is make_interval: a written interval, or one unit a number of times.
func makeInterval(b *binder, c *call) *sem.Expr {
	e := rewritten(sem.OpInterval, sem.Of(sem.Interval), c.x)
	var times *sem.Expr
	unit := ""
	for i, a := range c.args {
		switch {
		case a.Op == sem.OpInt || a.Op == sem.OpDecimal && i == len(intervalUnits)-1:
			if !addUnit(e, a.Text, intervalUnits[i]) {
				return b.refuse(sem.NotKnown, a.At, "write INTERVAL '…'", "this number is not read in an interval")
			}
		case times != nil:
			return b.refuse(sem.NotKnown, a.At, "add one interval after the other", "only one number of an interval may be computed")
		case !counts(a.Type):
			return b.refuse(sem.NotKnown, a.At, unitInstead(a.Type, intervalUnits[i]), "this is %s, and an integer is read here", a.Type)
		default:
			times, unit = a, intervalUnits[i]
		}
	}
	switch {
	case times == nil:
		return e
	case e.Months != 0 || e.Days != 0 || e.Micros != 0:
		return b.refuse(sem.NotKnown, times.At, "add one interval after the other", "a number that is computed is only read alone in an interval")
	}
	u := units[unit]
	e.Op, e.Args = sem.OpIntervalTimes, []*sem.Expr{times}
	e.Months, e.Days, e.Micros = u.Months, u.Days, u.Micros

	return e
}

// unitInstead is how to write a number of units that is not an integer of 32 bits.
func unitInstead(t sem.Type, unit string) string {
	switch {
	case t.IsInt():
		return "multiply INTERVAL '1 " + unit + "' by it"
	case t.IsNumber() && unit == "second":
		return "cast it as integer, and add INTERVAL '1 microsecond' times the rest, cast as integer"
	}
	return "cast it as integer"
}

// justified is JUSTIFY_HOURS or the like, of a written interval. The difference of two times has no more hours than a day has.
func justified(by func(*sem.Expr)) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		e := c.args[0]
		switch {
		case e.Op == sem.OpTimeBetween && c.x.Name == "justify_hours":
			same := *e
			same.At, same.Parens, same.Made = c.x.At, c.x.Parend, true
			return &same
		case e.Op == sem.OpInterval:
			out := rewritten(sem.OpInterval, e.Type, c.x)
			out.Months, out.Days, out.Micros = e.Months, e.Days, e.Micros
			by(out)
			return out
		}
		return b.refuse(sem.NotKnown, c.x.At, "ask age() or the difference of the times for its parts", "%s is only read of an interval that is written", c.x.Name)
	}
}

const dayMicros = 24 * 3600e6

func justifyHours(e *sem.Expr) {
	e.Days += int(e.Micros / dayMicros)
	e.Micros %= dayMicros
	oneSign(&e.Days, &e.Micros, dayMicros)
}

func justifyDays(e *sem.Expr) {
	days := int64(e.Days)
	e.Months += int(days / 30)
	days %= 30
	oneSign(&e.Months, &days, 30)
	e.Days = int(days)
}

func justifyAll(e *sem.Expr) {
	e.Days += int(e.Micros / dayMicros)
	e.Micros %= dayMicros
	e.Months += e.Days / 30
	e.Days %= 30
	switch {
	case e.Months > 0 && (e.Days < 0 || e.Days == 0 && e.Micros < 0):
		e.Months, e.Days = e.Months-1, e.Days+30
	case e.Months < 0 && (e.Days > 0 || e.Days == 0 && e.Micros > 0):
		e.Months, e.Days = e.Months+1, e.Days-30
	}
	oneSign(&e.Days, &e.Micros, dayMicros)
}

// oneSign gives the smaller unit the larger one's sign.
func oneSign(large *int, small *int64, per int64) {
	switch {
	case *large > 0 && *small < 0:
		*large, *small = *large-1, *small+per
	case *large < 0 && *small > 0:
		*large, *small = *large+1, *small-per
	}
}

// crc is Redshift's CRC32, of a text's bytes.
func crc(b *binder, c *call) *sem.Expr {
	a := b.settled(c.args[0])
	switch {
	case invalid(a):
		return a
	case !a.Type.IsText():
		return b.refuse(sem.NotDecidable, a.At, "cast it as a text", "which bytes of a %s are counted is not documented", a.Type)
	case a.Type.Kind == sem.Char:
		return b.refuse(sem.NotKnown, a.At, "cast it as character varying", "the padding of a character(n) counts, and is not carried")
	}
	e := rewritten(sem.OpCRC, sem.Type{Kind: sem.Varchar, N: 8}, c.x, a)
	e.Facts = sem.Facts{NoBlanks: true, ASCII: true}

	return e
}

// strtol is Redshift's STRTOL: a text as a number of a base.
func strtol(b *binder, c *call) *sem.Expr {
	a := b.settled(c.args[0])
	base, ok := b.written(c.args[1], 2)
	switch {
	case invalid(a) || !ok:
		return &sem.Expr{At: c.x.At}
	case base > 36:
		return b.refuse(sem.Mismatch, c.args[1].At, "write a base from 2 to 36", "there is no base %d", base)
	case !a.Type.IsText():
		return b.refuse(sem.Mismatch, a.At, "cast it as a text", "this is %s, and a text is read here", a.Type)
	}
	e := rewritten(sem.OpTextInBase, sem.Of(sem.Int8), c.x, a)
	e.N = base

	return e
}
