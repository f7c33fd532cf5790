package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// timeArithmetic binds + and - of dates and times; nil if neither side is one.
func (b *binder) timeArithmetic(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	lt, rt := l.Type, r.Type
	if lt.Kind == sem.Interval || rt.Kind == sem.Interval {
		return b.intervalArithmetic(x, l, r)
	}
	if !lt.IsTime() && !rt.IsTime() {
		return nil
	}
	if x.Op != "+" && x.Op != "-" {
		return b.refuse(sem.Mismatch, x.At, "", "%s %s %s is not read", lt, x.Op, rt)
	}
	plus := x.Op == "+"
	switch {
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
	case !plus && lt.IsTime() && (rt.IsTime() || rt.Kind == sem.Unknown):
		return b.difference(x, l, r)
	}

	return b.refuse(sem.NotKnown, x.At, "add an INTERVAL, or use datediff or extract", "%s %s %s is not read", lt, x.Op, rt)
}

// parts are the names of parts of a date or time.
var parts = map[string]string{
	"year": "year", "years": "year", "yr": "year", "yrs": "year", "quarter": "quarter", "qtr": "quarter",
	"month": "month", "months": "month", "mon": "month", "mons": "month", "week": "week", "weeks": "week",
	"day": "day", "days": "day", "hour": "hour", "hours": "hour", "hr": "hour", "hrs": "hour",
	"minute": "minute", "minutes": "minute", "min": "minute", "mins": "minute",
	"second": "second", "seconds": "second", "sec": "second", "secs": "second",
	"dow": "dow", "doy": "doy", "isodow": "isodow", "epoch": "epoch", "isoyear": "isoyear",
	"ms": "millisecond", "msec": "millisecond", "msecs": "millisecond", "msecond": "millisecond", "mseconds": "millisecond", "millisecond": "millisecond", "milliseconds": "millisecond",
	"us": "microsecond", "usec": "microsecond", "usecs": "microsecond", "usecond": "microsecond", "useconds": "microsecond", "microsecond": "microsecond", "microseconds": "microsecond",
	"dec": "decade", "decs": "decade", "decade": "decade", "decades": "decade", "c": "century", "cent": "century", "century": "century", "centuries": "century",
	"mil": "millennium", "mils": "millennium", "millennium": "millennium", "millennia": "millennium",
}

// partsRedshift are further names of Redshift.
var partsRedshift = map[string]string{"y": "year", "qtrs": "quarter", "quarters": "quarter", "d": "day", "w": "week", "h": "hour", "m": "minute", "s": "second",
	"dayofweek": "dow", "dw": "dow", "weekday": "dow", "dayofyear": "doy", "dy": "doy", "yearday": "doy",
	"cents": "century", "millisec": "millisecond", "millisecs": "millisecond", "millisecon": "millisecond", "microsec": "microsecond", "microsecs": "microsecond"}

// ofDay are the parts of a time of day.
var ofDay = map[string]bool{"hour": true, "minute": true, "second": true, "millisecond": true, "microsecond": true}

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
	if p := parts[word]; p != "" && !(b.Redshift && (p == "isodow" || p == "isoyear")) {
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
	case e.Type.Kind == sem.TimestampTZ && !b.Redshift:
		return b.coerce(e, sem.Of(sem.Timestamp)), true
	case e.Type.Kind == sem.TimestampTZ:
		b.refuse(sem.NotKnown, e.At, "cast it as timestamp first", "a timestamp with time zone is not read here")
		return e, false
	case !e.Type.IsTime():
		b.refuse(sem.Mismatch, e.At, "cast it as date or timestamp", "this is %s, and a date or timestamp is read here", e.Type)
		return e, false
	}
	return e, true
}

// timestamp is a date or timestamp as a timestamp; a text in quotes is one.
func (b *binder) timestamp(e *sem.Expr) (*sem.Expr, bool) {
	if e.Type.Kind == sem.Unknown {
		e = b.literal(e, sem.Of(sem.Timestamp))
	}
	e, ok := b.moment(e)
	if !ok {
		return e, false
	}
	e = b.coerce(e, sem.Of(sem.Timestamp))

	return e, !invalid(e)
}

func extract(b *binder, c *call) *sem.Expr {
	p := b.part(c.x.Args[0])
	e := b.expr(c.x.Args[1], c.s)
	if e.Type.Kind == sem.Interval && p != "" {
		return b.intervalPart(c, p, e)
	}
	e, ok := b.moment(e)
	if !ok || p == "" {
		return &sem.Expr{At: c.x.At}
	}
	if e.Type.Kind == sem.Date && ofDay[p] {
		return b.refuse(sem.Mismatch, c.x.At, "", "a date has no %s", p)
	}
	if b.Redshift && (p == "epoch" || p == "microsecond" || p == "millisecond" && c.x.Name == "date_part") {
		instead := map[string]string{"epoch": "write datediff(second, '1970-01-01', …)"}[p]
		return b.refuse(sem.NotDecidable, c.x.At, instead, "the type of this in Redshift is not documented clearly")
	}

	t := sem.Decimal(10, 0)
	op := sem.OpExtract
	switch {
	case b.Redshift && p == "second" && c.x.Name == "date_part":
		op, t = sem.OpExtractSeconds, sem.Decimal(8, 6)
	case b.Redshift && p == "decade": // which is numbered like a century
		p, t = "decade from 1", sem.Of(sem.Int4)
	case b.Redshift && p == "millisecond": // without the seconds
		p, t = "millisecond of a second", sem.Of(sem.Int4)
	case b.Redshift:
		t = sem.Of(sem.Int4)
	case p == "millisecond":
		t = sem.Decimal(8, 3)
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
	e := b.expr(c.x.Args[1], c.s)
	if len(c.x.Args) == 3 {
		return b.truncIn(c, p, e)
	}
	instant := (e.Type.Kind == sem.Date || e.Type.Kind == sem.TimestampTZ) && !b.Redshift // PostgreSQL takes a date for an instant
	e, ok := b.moment(e)
	if !ok || !b.cutTo(c, p) {
		return &sem.Expr{At: c.x.At}
	}
	out := rewritten(sem.OpDateTrunc, sem.Of(sem.Timestamp), c.x, b.coerce(e, sem.Of(sem.Timestamp)))
	out.Text = p
	if instant {
		b.zoned(c.x.At)
		return made(sem.OpToInstant, sem.Of(sem.TimestampTZ), c.x.At, out)
	}

	return out
}

// cutTo reports whether times are cut to a part.
func (b *binder) cutTo(c *call, p string) bool {
	switch p {
	case "":
		return false
	case "dow", "doy", "isodow", "epoch", "isoyear":
		b.refuse(sem.Mismatch, c.x.At, "", "nothing is cut to %s", p)
		return false
	}
	return true
}

// truncIn is DATE_TRUNC(part, instant, zone). Hours and less are cut off the instant: an hour that the zone's clock shows twice stays two.
func (b *binder) truncIn(c *call, p string, e *sem.Expr) *sem.Expr {
	at := b.expr(c.x.Args[2], c.s)
	if b.Redshift {
		return b.refuse(sem.Mismatch, c.x.At, "", "Redshift's date_trunc takes no time zone")
	}
	name, hours, ok := b.zone(at)
	if !ok || invalid(e) || !b.cutTo(c, p) {
		return &sem.Expr{At: c.x.At}
	}
	if e.Type.Kind != sem.TimestampTZ {
		return b.refuse(sem.NotKnown, e.At, "cast it as timestamptz", "this is %s, and a timestamp with time zone is read here", e.Type)
	}
	local := civil(e, name, hours)
	cut := made(sem.OpDateTrunc, sem.Of(sem.Timestamp), c.x.At, local)
	cut.Text = p
	if !ofDay[p] {
		return again(instantOf(cut, name, hours), c)
	}
	off := made(sem.OpMicrosBetween, sem.Of(sem.Int8), c.x.At, local, cut)
	back := made(sem.OpAddSpan, sem.Of(sem.Timestamp), c.x.At, made(sem.OpFromInstant, sem.Of(sem.Timestamp), e.At, e), off)
	back.Text = "-"

	return again(made(sem.OpToInstant, sem.Of(sem.TimestampTZ), c.x.At, back), c)
}

// dateAdd is Redshift's DATEADD(part, amount, time).
func dateAdd(b *binder, c *call) *sem.Expr {
	p := b.part(c.x.Args[0])
	amount := b.expr(c.x.Args[1], c.s)
	e, ok := b.timestamp(b.expr(c.x.Args[2], c.s))
	if !ok || p == "" || invalid(amount) {
		return &sem.Expr{At: c.x.At}
	}
	if !counts(amount.Type) {
		return b.refuse(sem.NotKnown, c.x.Args[1].Span(), "cast it as integer", "this is %s, and an integer is read here", amount.Type)
	}
	switch p {
	case "dow", "doy", "epoch", "decade", "century", "millennium":
		return b.refuse(sem.Mismatch, c.x.At, "", "%s is not added", p)
	}
	out := rewritten(sem.OpDateAdd, sem.Of(sem.Timestamp), c.x, b.coerce(amount, sem.Of(sem.Int4)), e)
	out.Text = p

	return out
}

// dateDiff is Redshift's DATEDIFF(part, from, to): how many boundaries lie between.
func dateDiff(b *binder, c *call) *sem.Expr {
	p := b.part(c.x.Args[0])
	out := rewritten(sem.OpDateDiff, sem.Of(sem.Int8), c.x)
	out.Text = p
	for _, a := range c.x.Args[1:] {
		e, ok := b.timestamp(b.expr(a, c.s))
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		out.Args = append(out.Args, e)
	}
	switch p {
	case "":
		return &sem.Expr{At: c.x.At}
	case "week":
		return b.refuse(sem.NotDecidable, c.x.At, "count days, or the difference of date_trunc('week', …)", "which day begins a week in Redshift's DATEDIFF is not documented")
	case "dow", "doy", "epoch", "decade", "century", "millennium":
		return b.refuse(sem.Mismatch, c.x.At, "", "the boundaries of %s are not counted", p)
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
