package bind

import (
	"strings"
	"time"
	_ "time/tzdata" // so that zones are known on every machine

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// fixed are names of zones that are so many hours from UTC all the year: both dialects take an abbreviation for such a zone.
var fixed = map[string]int64{"utc": 0, "gmt": 0, "z": 0, "zulu": 0, "uct": 0, "etc/utc": 0, "etc/gmt": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6,
	"pst": -8, "pdt": -7, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "jst": 9}

// zone is a written time zone: a name that engines know, or a number of hours. ok is false if it was refused.
func (b *binder) zone(e *sem.Expr) (name string, hours int64, ok bool) {
	if e.Op != sem.OpText {
		b.refuse(sem.NotKnown, e.At, "write its name in quotes", "only a written time zone is read")
		return "", 0, false
	}
	if hours, ok = fixed[strings.ToLower(e.Text)]; ok {
		return "", hours, true
	}
	_, err := time.LoadLocation(e.Text)
	if _, city, area := strings.Cut(e.Text, "/"); err != nil || !area || city == "" {
		b.refuse(sem.NotKnown, e.At, "write UTC, or a name such as Europe/Rome", "%q is not read as a time zone", e.Text)
		return "", 0, false
	}
	return e.Text, 0, true
}

// civil is the clock of a zone at an instant.
func civil(e *sem.Expr, zone string, hours int64) *sem.Expr {
	t := sem.Of(sem.Timestamp)
	if zone == "" {
		return shifted(made(sem.OpFromInstant, t, e.At, e), hours)
	}
	out := made(sem.OpInZone, t, e.At, e)
	out.Text = zone

	return out
}

// instantOf is the instant when the clock of a zone shows a time. Of two, it is the later one; a time that the clock jumps over is one before the jump.
func instantOf(e *sem.Expr, zone string, hours int64) *sem.Expr {
	t := sem.Of(sem.TimestampTZ)
	if zone == "" {
		return made(sem.OpToInstant, t, e.At, shifted(e, -hours))
	}
	out := made(sem.OpAtZone, t, e.At, e)
	out.Text = zone

	return out
}

// shifted is a timestamp so many hours later.
func shifted(e *sem.Expr, hours int64) *sem.Expr {
	if hours == 0 {
		return e
	}
	by := made(sem.OpInterval, sem.Of(sem.Interval), e.At)
	by.Micros = hours * 3600e6
	out := made(sem.OpAddInterval, e.Type, e.At, e, by)
	out.Text = "+"

	return out
}

// atTimeZone is timezone(zone, time), which is what AT TIME ZONE is read as.
func atTimeZone(b *binder, c *call) *sem.Expr {
	name, hours, ok := b.zone(c.args[0])
	e := c.args[1]
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	var out *sem.Expr
	switch e.Type.Kind {
	case sem.Timestamp:
		out = instantOf(e, name, hours)
	case sem.TimestampTZ:
		out = civil(e, name, hours)
	case sem.Date: // PostgreSQL takes it for an instant
		if !b.Redshift {
			out = civil(b.coerce(e, sem.Of(sem.TimestampTZ)), name, hours)
		}
	}
	if out == nil {
		return b.refuse(sem.NotKnown, e.At, "cast it as timestamp", "a time zone is not read of %s", e.Type)
	}

	return again(out, c)
}

// again is an expression that stands for a call.
func again(e *sem.Expr, c *call) *sem.Expr {
	out := *e
	out.At, out.Parens, out.Made = c.x.At, c.x.Parend, true
	return &out
}

// convertTimezone is CONVERT_TIMEZONE([from,] to, time); from is UTC.
func convertTimezone(b *binder, c *call) *sem.Expr {
	last := len(c.args) - 1
	e, ok := b.of(c.args[last], sem.Timestamp)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	for i, a := range c.args[:last] {
		name, hours, ok := b.zone(a)
		switch {
		case !ok:
			return &sem.Expr{At: c.x.At}
		case i < last-1:
			e = instantOf(e, name, hours)
		case last == 1:
			e = civil(made(sem.OpToInstant, sem.Of(sem.TimestampTZ), e.At, e), name, hours)
		default:
			e = civil(e, name, hours)
		}
	}

	return again(e, c)
}
