package duck

import (
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
)

// Window is the condition that column, of the given TimeType, lies in the interval. DATE and TIMESTAMP columns are compared
// with the bounds' civil time in the zone, TIMESTAMP WITH TIME ZONE with the instants.
func Window(column, typ string, in hindcast.Interval, zone string) string {
	return fmt.Sprintf("(%s >= %s AND %s < %s)", Name(column), Bound(typ, in.Start, zone), Name(column), Bound(typ, in.End, zone))
}

// Strays is a query of how many rows of a FROM have no time, and how many one outside of the interval. The rows of the
// interval need not be read where statistics say that they lie in it.
func Strays(from, column, typ string, in hindcast.Interval, zone string) string {
	c := Name(column)
	return fmt.Sprintf("SELECT count(*) - count(%s), count(%s) FROM %s WHERE %s IS NULL OR %s < %s OR %s >= %s",
		c, c, from, c, c, Bound(typ, in.Start, zone), c, Bound(typ, in.End, zone))
}

// Bound is the literal of the given TimeType for a slice's bound.
func Bound(typ string, t time.Time, zone string) string {
	const moment = "2006-01-02 15:04:05.999999"
	if format, _ := hindcast.FormatOf(typ); format != "" {
		if !hindcast.OfInstants(typ) {
			t = hindcast.Civil(t, zone)
		}
		return hindcast.FormattedBound(typ, t)
	}
	switch typ {
	case "DATE":
		return "DATE " + String(hindcast.Civil(t, zone).Format(time.DateOnly))
	case "TIMESTAMP WITH TIME ZONE":
		return "TIMESTAMPTZ " + String(t.UTC().Format(moment)+"+00")
	default:
		return "CAST(" + String(hindcast.Civil(t, zone).Format(moment)) + " AS " + typ + ")"
	}
}
