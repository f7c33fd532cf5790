package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func formatting() map[string]function {
	return map[string]function{
		"to_char":      {least: 2, most: 2, bind: toChar},
		"to_date":      {least: 2, most: 2, bind: toDate},
		"to_timestamp": {least: 1, most: 2, bind: toTimestamp},
		"to_number":    {least: 2, most: 2, bind: toNumber},
	}
}

// pattern is an argument that has to be a written text.
func (b *binder) pattern(e *sem.Expr) (string, bool) {
	if e.Op != sem.OpText {
		b.refuse(sem.NotKnown, e.At, "write the pattern", "a pattern is read when the statement is, and so has to be written")
		return "", false
	}
	return e.Text, true
}

// unread refuses a pattern, with the place in it if it is written as it is.
func (b *binder) unread(pattern *sem.Expr, bad *wrong, instead string) *sem.Expr {
	at := pattern.At
	if !pattern.Made && at.In(b.text) == "'"+pattern.Text+"'" {
		at = lex.Span{Start: at.Start + 1 + bad.from, End: at.Start + 1 + bad.to}
	}
	return b.refuse(sem.NotKnown, at, instead, "%s", bad.why)
}

// toChar is TO_CHAR of a date, a timestamp or a number.
func toChar(b *binder, c *call) *sem.Expr {
	e := c.args[0]
	text, ok := b.pattern(c.args[1])
	switch {
	case !ok:
		return &sem.Expr{At: c.x.At}
	case e.Type.IsTime():
		return b.timeToText(c, e, text)
	case e.Type.IsExact():
		return b.numberToText(c, e, text)
	case e.Type.IsFloat():
		return b.refuse(sem.NotKnown, e.At, "cast it as numeric(38,10)", "how many digits of a floating-point number are written depends on the value")
	}
	return b.refuse(sem.Mismatch, e.At, "cast it as date, timestamp or numeric", "to_char does not write %s", e.Type)
}

func (b *binder) timeToText(c *call, e *sem.Expr, text string) *sem.Expr {
	parts, bad := timePattern(text, b.Redshift)
	if bad != nil {
		return b.unread(c.args[1], bad, "extract() and lpad() write a part by itself")
	}
	at := b.coerce(e, sem.Of(sem.Timestamp))
	if at.Type.Kind != sem.Timestamp {
		return &sem.Expr{At: c.x.At}
	}
	if len(parts) == 0 {
		return rewritten(sem.OpNull, sem.Of(sem.Text), c.x) // as PostgreSQL has it
	}
	out := rewritten(sem.OpTimeToText, sem.Of(sem.Text), c.x, at)
	out.Text, out.Form = text, &sem.Form{Time: parts}
	out.Facts = sem.Facts{ASCII: factsOf(text).ASCII, NoBlanks: !strings.ContainsAny(text, " MmDd")}

	return out
}

func (b *binder) numberToText(c *call, e *sem.Expr, text string) *sem.Expr {
	n, bad := numberPattern(text)
	if bad != nil {
		return b.unread(c.args[1], bad, "round it, cast it as text, and pad that with lpad()")
	}
	out := rewritten(sem.OpNumberToText, sem.Of(sem.Text), c.x, e)
	out.Text, out.Form = text, &sem.Form{Number: n}
	out.ASCII = factsOf(text).ASCII

	return out
}

// toDate is TO_DATE of a text.
func toDate(b *binder, c *call) *sem.Expr {
	moment := b.momentOf(c)
	if invalid(moment) {
		return moment
	}
	moment.Type = sem.Of(sem.Date)
	return moment
}

// toTimestamp is TO_TIMESTAMP, of a text, or in PostgreSQL of seconds since 1970.
func toTimestamp(b *binder, c *call) *sem.Expr {
	if len(c.args) == 1 {
		return b.sinceEpoch(c)
	}
	moment := b.momentOf(c)
	if invalid(moment) || !b.zoned(c.x.At) {
		return &sem.Expr{At: c.x.At}
	}
	return made(sem.OpToInstant, sem.Of(sem.TimestampTZ), c.x.At, moment)
}

// sinceEpoch is the instant that is so many seconds after 1970 began.
func (b *binder) sinceEpoch(c *call) *sem.Expr {
	n := c.args[0]
	switch {
	case b.Redshift:
		return b.refuse(sem.NotKnown, c.x.At, "", "Redshift reads a text and a pattern here")
	case !n.Type.IsExact() || n.Type.S > 6:
		return b.refuse(sem.NotKnown, n.At, "cast it as numeric(18,6)", "seconds since 1970 are read as an integer, or with up to six digits after the point")
	}
	return rewritten(sem.OpSinceEpoch, sem.Of(sem.TimestampTZ), c.x, b.exact(n))
}

// momentOf is a text as a timestamp by a pattern.
func (b *binder) momentOf(c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	text, ok := b.pattern(c.args[1])
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	parts, bad := timePattern(text, b.Redshift)
	if bad == nil {
		bad = readable(parts, text, b.Redshift)
	}
	if bad != nil {
		return b.unread(c.args[1], bad, "write YYYY, MM or Mon, DD, HH24, MI and SS")
	}
	out := rewritten(sem.OpTextToMoment, sem.Of(sem.Timestamp), c.x, c.args[0])
	out.Text, out.Form = text, &sem.Form{Time: parts}
	if b.Redshift {
		out.N = sem.Lenient
	}

	return out
}

// reads are the fields by which texts are read, and what each of them says of a moment.
var reads = map[string]string{"YYYY": "year", "YY": "year", "MM": "month", "MON": "month", "Mon": "month", "mon": "month", "MONTH": "month", "Month": "month", "month": "month", "DD": "day",
	"HH24": "hour", "HH12": "hour", "HH": "hour", "MI": "minute", "SS": "second", "MS": "fraction", "US": "fraction", "AM": "half", "PM": "half", "am": "half", "pm": "half"}

// readable says why a text is not read by a pattern, and how far each field of it goes: one that something other than a digit follows may
// have fewer or more digits than the pattern.
func readable(parts []sem.TimePart, text string, redshift bool) *wrong {
	whole := func(why string) *wrong { return &wrong{0, len(text), why} }
	seen := map[string]string{}
	for i := range parts {
		p := &parts[i]
		if p.Field == "" {
			r := p.Text[0]
			p.Any = !redshift && len(p.Text) == 1 && r >= ' ' && r < 0x7f && !alphanumeric(r)
			continue
		}
		part := reads[p.Field]
		switch {
		case part == "" || p.Ordinal != "" || redshift && p.Field == "YY":
			return whole(p.Field + p.Ordinal + " can be written, but not read")
		case seen[part] != "":
			return whole(p.Field + " says what " + seen[part] + " said")
		case i > 0 && part == "month" && lettered[strings.ToUpper(p.Field)] && parts[i-1].Field != "" && lettered[strings.ToUpper(parts[i-1].Field)]:
			return whole("letters follow letters")
		}
		seen[part] = p.Field
		p.Loose = p.Bare || i+1 == len(parts) || notDigit(parts[i+1])
	}
	switch {
	case seen["year"] == "":
		return whole("a date without its year is not read")
	case seen["month"] == "" && seen["day"] != "":
		return whole("a day without its month is not read")
	case (seen["hour"] == "HH24") == (seen["half"] != "") && seen["hour"] != "":
		return whole("HH24 stands without AM, and HH12 with it")
	case seen["half"] != "" && seen["hour"] == "":
		return whole("AM without an hour is not read")
	}

	return nil
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// notDigit reports whether what is read next cannot begin with a digit.
func notDigit(p sem.TimePart) bool {
	if p.Field != "" {
		return lettered[strings.ToUpper(p.Field)]
	}
	return p.Text[0] < '0' || p.Text[0] > '9'
}

// toNumber is TO_NUMBER of a text.
func toNumber(b *binder, c *call) *sem.Expr {
	if !b.asTexts(c, 0) {
		return &sem.Expr{At: c.x.At}
	}
	text, ok := b.pattern(c.args[1])
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	n, bad := numberPattern(text)
	if bad == nil && (n.Before != "" || n.Behind != "" || n.Sign == "PR" || n.Whole+n.Digits > sem.Most-1) {
		bad = &wrong{0, len(text), "this can be written, but not read"}
	}
	if bad != nil {
		return b.unread(c.args[1], bad, "take other characters out with replace(), and cast the rest as numeric(…)")
	}
	out := rewritten(sem.OpTextToNumber, sem.Decimal(n.Whole+n.Digits, n.Digits), c.x, c.args[0])
	out.Text, out.Form, out.Loose = text, &sem.Form{Number: n}, true

	return out
}
