package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// timeArithmetic binds + and - of dates and times; nil if neither side is one.
func (b *binder) timeArithmetic(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	lt, rt := l.Type, r.Type
	if !lt.IsTime() && !rt.IsTime() {
		if lt.Kind == sem.Interval || rt.Kind == sem.Interval {
			return b.refuse(sem.NotKnown, x.At, "add the interval to a date or timestamp", "arithmetic of intervals is not read")
		}
		return nil
	}
	if x.Op != "+" && x.Op != "-" {
		return b.refuse(sem.Mismatch, x.At, "", "%s %s %s is not read", lt, x.Op, rt)
	}
	plus := x.Op == "+"
	switch {
	case lt.IsTime() && rt.Kind == sem.Interval:
		return b.addInterval(x, l, r)
	case plus && lt.Kind == sem.Interval && rt.IsTime():
		return b.addInterval(x, r, l)
	case lt.Kind == sem.Date && (rt.Kind == sem.Int4 || rt.Kind == sem.Int2):
		op := sem.OpAddDays
		if !plus {
			op = sem.OpSubtractDays
		}
		return read(op, lt, x, l, b.coerce(r, sem.Of(sem.Int4)))
	case plus && rt.Kind == sem.Date && (lt.Kind == sem.Int4 || lt.Kind == sem.Int2):
		return rewritten(sem.OpAddDays, rt, x, r, b.coerce(l, sem.Of(sem.Int4)))
	case !plus && lt.Kind == sem.Date && rt.Kind == sem.Unknown:
		r = b.literal(r, lt)
		rt = r.Type
		fallthrough
	case !plus && lt.Kind == sem.Date && rt.Kind == sem.Date:
		if invalid(r) {
			return r
		}
		return read(sem.OpDaysBetween, sem.Of(sem.Int4), x, l, r)
	}

	return b.refuse(sem.NotKnown, x.At, "add an INTERVAL, or use datediff or extract", "%s %s %s is not read", lt, x.Op, rt)
}

func (b *binder) addInterval(x *ast.Binary, at, amount *sem.Expr) *sem.Expr {
	if at.Type.Kind == sem.TimestampTZ {
		return b.refuse(sem.NotKnown, x.At, "cast it as timestamp first", "an interval is not added to a timestamp with time zone")
	}
	if amount.Op != sem.OpInterval {
		return b.refuse(sem.NotKnown, x.At, "write INTERVAL '…'", "only a written interval is read here")
	}
	e := rewritten(sem.OpAddInterval, sem.Of(sem.Timestamp), x, b.coerce(at, sem.Of(sem.Timestamp)), amount)
	e.Text = x.Op

	return e
}

// parts are the names of parts of a date or time.
var parts = map[string]string{
	"year": "year", "years": "year", "yr": "year", "yrs": "year", "quarter": "quarter", "qtr": "quarter",
	"month": "month", "months": "month", "mon": "month", "mons": "month", "week": "week", "weeks": "week",
	"day": "day", "days": "day", "hour": "hour", "hours": "hour", "hr": "hour", "hrs": "hour",
	"minute": "minute", "minutes": "minute", "min": "minute", "mins": "minute",
	"second": "second", "seconds": "second", "sec": "second", "secs": "second",
	"dow": "dow", "doy": "doy", "isodow": "isodow", "epoch": "epoch",
}

// partsRedshift are further names of Redshift.
var partsRedshift = map[string]string{"y": "year", "qtrs": "quarter", "quarters": "quarter", "d": "day", "w": "week", "h": "hour", "m": "minute", "s": "second",
	"dayofweek": "dow", "dw": "dow", "weekday": "dow", "dayofyear": "doy", "dy": "doy", "yearday": "doy"}

// part is the part of a date that an argument names.
func (b *binder) part(x ast.Expr) string {
	word := ""
	switch x := x.(type) {
	case *ast.String:
		word = strings.ToLower(x.Value)
	case *ast.Column:
		if len(x.Parts) == 1 && b.Redshift {
			word = x.Parts[0].Text
		}
	}
	if p := parts[word]; p != "" && !(b.Redshift && p == "isodow") {
		return p
	}
	if p := partsRedshift[word]; p != "" && b.Redshift {
		return p
	}
	b.refuse(sem.NotKnown, x.Span(), "write year, quarter, month, week, day, hour, minute or second", "this part of a date is not read")

	return ""
}

// moment is a date or timestamp; a text in its place is refused, since either could be meant.
func (b *binder) moment(e *sem.Expr) (*sem.Expr, bool) {
	switch {
	case invalid(e):
		return e, false
	case e.Type.Kind == sem.TimestampTZ:
		b.refuse(sem.NotKnown, e.At, "cast it as timestamp first", "a timestamp with time zone is not read here")
		return e, false
	case !e.Type.IsTime():
		b.refuse(sem.Mismatch, e.At, "cast it as date or timestamp", "this is %s, and a date or timestamp is read here", e.Type)
		return e, false
	}
	return e, true
}

func extract(b *binder, c *call) *sem.Expr {
	p := b.part(c.x.Args[0])
	e, ok := b.moment(b.expr(c.x.Args[1], c.s))
	if !ok || p == "" {
		return &sem.Expr{At: c.x.At}
	}
	timeOfDay := p == "hour" || p == "minute" || p == "second"
	if e.Type.Kind == sem.Date && timeOfDay {
		return b.refuse(sem.Mismatch, c.x.At, "", "a date has no %s", p)
	}
	if b.Redshift && (p == "second" || p == "epoch") {
		return b.refuse(sem.NotDecidable, c.x.At, "", "the type of this in Redshift is not documented clearly")
	}

	t := sem.Decimal(10, 0)
	op := sem.OpExtract
	switch {
	case b.Redshift:
		t = sem.Of(sem.Int4)
	case p == "second":
		op, t = sem.OpExtractSeconds, sem.Decimal(8, 6)
	case p == "epoch" && e.Type.Kind == sem.Date:
		op, t = sem.OpEpoch, sem.Decimal(18, 0)
	case p == "epoch":
		op, t = sem.OpEpoch, sem.Decimal(24, 6)
	}
	out := rewritten(op, t, c.x, e)
	out.Text = p
	if c.x.Name != "date_part" {
		return out
	}
	return b.coerce(out, sem.Of(sem.Float8))
}

func dateTrunc(b *binder, c *call) *sem.Expr {
	p := b.part(c.x.Args[0])
	e, ok := b.moment(b.expr(c.x.Args[1], c.s))
	if !ok || p == "" {
		return &sem.Expr{At: c.x.At}
	}
	if p == "dow" || p == "doy" || p == "isodow" || p == "epoch" {
		return b.refuse(sem.Mismatch, c.x.At, "", "nothing is cut to %s", p)
	}
	isDate := e.Type.Kind == sem.Date
	e = b.coerce(e, sem.Of(sem.Timestamp))
	out := rewritten(sem.OpDateTrunc, sem.Of(sem.Timestamp), c.x, e)
	out.Text = p
	if isDate && !b.Redshift { // PostgreSQL takes the date for an instant
		b.zoned(c.x.At)
		return made(sem.OpToInstant, sem.Of(sem.TimestampTZ), c.x.At, out)
	}

	return out
}

// dateAdd is Redshift's DATEADD(part, amount, time).
func dateAdd(b *binder, c *call) *sem.Expr {
	p := b.part(c.x.Args[0])
	amount := b.expr(c.x.Args[1], c.s)
	e := b.expr(c.x.Args[2], c.s)
	if e.Type.Kind == sem.Unknown {
		e = b.literal(e, sem.Of(sem.Timestamp))
	}
	e, ok := b.moment(e)
	if !ok || p == "" || invalid(amount) {
		return &sem.Expr{At: c.x.At}
	}
	if amount.Type.Kind != sem.Int4 && amount.Type.Kind != sem.Int2 {
		return b.refuse(sem.NotKnown, c.x.Args[1].Span(), "cast it as integer", "this is %s, and an integer is read here", amount.Type)
	}
	if p == "dow" || p == "doy" || p == "epoch" {
		return b.refuse(sem.Mismatch, c.x.At, "", "%s is not added", p)
	}
	out := rewritten(sem.OpDateAdd, sem.Of(sem.Timestamp), c.x, b.coerce(amount, sem.Of(sem.Int4)), b.coerce(e, sem.Of(sem.Timestamp)))
	out.Text = p

	return out
}

// dateDiff is Redshift's DATEDIFF(part, from, to): how many boundaries lie between.
func dateDiff(b *binder, c *call) *sem.Expr {
	p := b.part(c.x.Args[0])
	out := rewritten(sem.OpDateDiff, sem.Of(sem.Int8), c.x)
	out.Text = p
	for _, a := range c.x.Args[1:] {
		e := b.expr(a, c.s)
		if e.Type.Kind == sem.Unknown {
			e = b.literal(e, sem.Of(sem.Timestamp))
		}
		e, ok := b.moment(e)
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		out.Args = append(out.Args, b.coerce(e, sem.Of(sem.Timestamp)))
	}
	switch p {
	case "":
		return &sem.Expr{At: c.x.At}
	case "week":
		return b.refuse(sem.NotDecidable, c.x.At, "count days, or the difference of date_trunc('week', …)", "which day begins a week in Redshift's DATEDIFF is not documented")
	case "dow", "doy", "epoch":
		return b.refuse(sem.Mismatch, c.x.At, "", "%s has no boundaries", p)
	}

	return out
}

func lastDay(b *binder, c *call) *sem.Expr {
	e, ok := b.moment(c.args[0])
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if e.Type.Kind == sem.Timestamp {
		e = made(sem.OpTimestampToDate, sem.Of(sem.Date), e.At, e)
	}
	return rewritten(sem.OpLastDay, sem.Of(sem.Date), c.x, e)
}

// clock is a function that gives the run's time.
func clock(op sem.Op, k sem.Kind) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if k == sem.Date || op == sem.OpNowCivil {
			b.zoned(c.x.At)
		}
		return rewritten(op, sem.Of(k), c.x)
	}
}
