package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// calendar are further functions of dates.
func calendar() map[string]function {
	return map[string]function{
		"age":                {least: 2, most: 2, who: onlyPostgres, bind: age},
		"timezone":           {least: 2, most: 2, bind: atTimeZone},
		"convert_timezone":   {least: 2, most: 3, who: onlyRedshift, bind: convertTimezone},
		"make_date":          {least: 3, most: 3, who: onlyPostgres, bind: makeDate},
		"add_months":         {least: 2, most: 2, who: onlyRedshift, bind: addMonths},
		"months_between":     {least: 2, most: 2, who: onlyRedshift, bind: monthsBetween},
		"next_day":           {least: 2, most: 2, who: onlyRedshift, bind: nextDay},
		"date_cmp":           {least: 2, most: 2, who: onlyRedshift, bind: timeCompare(sem.Date, sem.Date)},
		"timestamp_cmp":      {least: 2, most: 2, who: onlyRedshift, bind: timeCompare(sem.Timestamp, sem.Timestamp)},
		"date_cmp_timestamp": {least: 2, most: 2, who: onlyRedshift, bind: timeCompare(sem.Date, sem.Timestamp)},
		"timestamp_cmp_date": {least: 2, most: 2, who: onlyRedshift, bind: timeCompare(sem.Timestamp, sem.Date)},
		"date_part_year":     {least: 1, most: 1, who: onlyRedshift, bind: datePartYear},
	}
}

// of is an argument as a date or timestamp; a text in quotes is one.
func (b *binder) of(e *sem.Expr, k sem.Kind) (*sem.Expr, bool) {
	if e.Type.Kind == sem.Unknown {
		e = b.literal(e, sem.Of(k))
	}
	if invalid(e) {
		return e, false
	}
	if e.Type.Kind != k && !(e.Type.Kind == sem.Date && k == sem.Timestamp) {
		b.refuse(sem.NotKnown, e.At, "cast it", "this is %s, and a %s is read here", e.Type, sem.Of(k))
		return e, false
	}
	return b.coerce(e, sem.Of(k)), true
}

// makeDate is make_date(year, month, day).
func makeDate(b *binder, c *call) *sem.Expr {
	if !b.counts(c.args) {
		return &sem.Expr{At: c.x.At}
	}
	return rewritten(sem.OpMakeDate, sem.Of(sem.Date), c.x, c.args...)
}

// counts reads integers of up to 32 bits, and reports whether all are.
func (b *binder) counts(args []*sem.Expr) bool {
	for i, a := range args {
		n, ok := b.narrow(a)
		if args[i] = n; !ok {
			return false
		}
	}
	return true
}

// narrow is an integer of up to 32 bits; a text in quotes is one.
func (b *binder) narrow(e *sem.Expr) (*sem.Expr, bool) {
	if e.Type.Kind == sem.Unknown {
		e = b.literal(e, sem.Of(sem.Int4))
	}
	if !invalid(e) && !counts(e.Type) {
		return b.refuse(sem.NotKnown, e.At, "cast it as integer", "this is %s, and an integer is read here", e.Type), false
	}
	return e, !invalid(e)
}

// counts reports whether a type is that of integers of up to 32 bits.
func counts(t sem.Type) bool { return t.Kind == sem.Int2 || t.Kind == sem.Int4 }

// addMonths is ADD_MONTHS, which keeps to the end of a month.
func addMonths(b *binder, c *call) *sem.Expr {
	at, ok := b.of(c.args[0], sem.Timestamp)
	n := c.args[1]
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if !counts(n.Type) {
		return b.refuse(sem.NotKnown, n.At, "cast it as integer", "this is %s, and an integer is read here", n.Type)
	}
	return rewritten(sem.OpAddMonths, sem.Of(sem.Timestamp), c.x, at, b.coerce(n, sem.Of(sem.Int4)))
}

func monthsBetween(b *binder, c *call) *sem.Expr {
	e := rewritten(sem.OpMonthsBetween, sem.Of(sem.Float8), c.x)
	for _, a := range c.args {
		a, ok := b.of(a, sem.Date)
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		e.Args = append(e.Args, a)
	}
	return e
}

// weekdays are the names of days, with their number in OpNextDay.
var weekdays = map[string]int{"su": 0, "sun": 0, "sunday": 0, "m": 1, "mo": 1, "mon": 1, "monday": 1, "tu": 2, "tue": 2, "tues": 2, "tuesday": 2,
	"w": 3, "we": 3, "wed": 3, "wednesday": 3, "th": 4, "thu": 4, "thurs": 4, "thursday": 4, "f": 5, "fr": 5, "fri": 5, "friday": 5, "sa": 6, "sat": 6, "saturday": 6}

func nextDay(b *binder, c *call) *sem.Expr {
	d, ok := b.of(c.args[0], sem.Date)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	n, known := weekdays[strings.ToLower(c.args[1].Text)]
	if !known || c.args[1].Op != sem.OpText {
		return b.refuse(sem.NotKnown, c.args[1].At, "write its name in quotes", "this is not the name of a day of the week")
	}
	e := rewritten(sem.OpNextDay, sem.Of(sem.Date), c.x, d)
	e.N = n

	return e
}

// timeCompare is DATE_CMP and its kind: -1, 0 or 1.
func timeCompare(first, second sem.Kind) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		l, ok := b.of(c.args[0], first)
		r, also := b.of(c.args[1], second)
		if !ok || !also {
			return &sem.Expr{At: c.x.At}
		}
		t := sem.Of(max(first, second))
		return rewritten(sem.OpTimeCompare, sem.Of(sem.Int4), c.x, b.coerce(l, t), b.coerce(r, t))
	}
}

func datePartYear(b *binder, c *call) *sem.Expr {
	d, ok := b.of(c.args[0], sem.Date)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	e := rewritten(sem.OpExtract, sem.Of(sem.Int4), c.x, d)
	e.Text = "year"

	return e
}
