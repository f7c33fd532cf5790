package emit

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// stamp is how an engine's own function spells a field of a timestamp: filled with zeros, and bare.
type stamp struct{ pattern, bare string }

// duckStamps are those of strftime; a bare one is without zeros before it.
var duckStamps = map[string]stamp{
	"YYYY": {pattern: "%Y"}, "YY": {pattern: "%y"}, "MM": {pattern: "%m", bare: "%-m"}, "DD": {pattern: "%d", bare: "%-d"}, "DDD": {pattern: "%j", bare: "%-j"},
	"HH24": {pattern: "%H", bare: "%-H"}, "HH12": {pattern: "%I", bare: "%-I"}, "MI": {pattern: "%M", bare: "%-M"}, "SS": {pattern: "%S", bare: "%-S"},
	"MS": {pattern: "%g", bare: "%g"}, "US": {pattern: "%f", bare: "%f"}, "IYYY": {pattern: "%G"}, "IW": {pattern: "%V"}, "AM": {pattern: "%p"},
	"Month": {bare: "%B"}, "Mon": {pattern: "%b", bare: "%b"}, "Day": {bare: "%A"}, "Dy": {pattern: "%a", bare: "%a"},
}

// sparkStamps are those of date_format.
var sparkStamps = map[string]stamp{
	"YYYY": {pattern: "yyyy"}, "YY": {pattern: "yy"}, "MM": {pattern: "MM", bare: "M"}, "DD": {pattern: "dd", bare: "d"}, "DDD": {pattern: "DDD", bare: "D"},
	"HH24": {pattern: "HH", bare: "H"}, "HH12": {pattern: "hh", bare: "h"}, "MI": {pattern: "mm", bare: "m"}, "SS": {pattern: "ss", bare: "s"},
	"MS": {pattern: "SSS", bare: "SSS"}, "US": {pattern: "SSSSSS", bare: "SSSSSS"}, "AM": {pattern: "a"},
	"Month": {bare: "MMMM"}, "Mon": {pattern: "MMM", bare: "MMM"}, "Day": {bare: "EEEE"}, "Dy": {pattern: "EEE", bare: "EEE"},
}

// fields are those that are a number, and how many digits it is filled to; @y is the engine's year of $1, and so on.
var fields = map[string]struct {
	number string
	digits int
}{
	"YYYY": {"@y", 4}, "YYY": {"@y % 1000", 3}, "YY": {"@y % 100", 2}, "Y": {"@y % 10", 1}, "IYYY": {"@g", 4}, "IW": {"@v", 2}, "MM": {"@m", 2}, "DD": {"@d", 2}, "DDD": {"@j", 3},
	"D": {"@w + 1", 1}, "ID": {"(@w + 6) % 7 + 1", 1}, "WW": {"(@j - 1) @/ 7 + 1", 2}, "W": {"(@d - 1) @/ 7 + 1", 1}, "Q": {"(@m - 1) @/ 3 + 1", 1}, "CC": {"(@y + 99) @/ 100", 2},
	"HH24": {"@h", 2}, "HH12": {"(@h + 11) % 12 + 1", 2}, "MI": {"@i", 2}, "SS": {"@s", 2}, "SSSS": {"@h * 3600 + @i * 60 + @s", 1},
}

var duckParts = strings.NewReplacer("@y", "year($1)", "@g", "isoyear($1)", "@v", "weekofyear($1)", "@m", "month($1)", "@d", "day($1)", "@j", "dayofyear($1)", "@w", "dayofweek($1)",
	"@h", "hour($1)", "@i", "minute($1)", "@s", "second($1)", "@/", "//")

var sparkParts = strings.NewReplacer("@y", "year($1)", "@g", "extract(YEAROFWEEK FROM $1)", "@v", "weekofyear($1)", "@m", "month($1)", "@d", "day($1)", "@j", "dayofyear($1)",
	"@w", "(dayofweek($1) - 1)", "@h", "hour($1)", "@i", "minute($1)", "@s", "second($1)", "@/", "div")

// timeToText writes a timestamp as a text: what the engine's own function writes alike in one call of it, the rest beside that. Years before
// the first and after 9999, and infinity, raise.
func timeToText(p *printer, e *sem.Expr, args []text) text {
	w := timeWriter{p: p, e: e, args: args, function: "strftime", stamps: duckStamps, parts: duckParts}
	if p.Engine.spark() {
		w.function, w.stamps, w.parts = "date_format", sparkStamps, sparkParts
	}
	for _, part := range e.Form.Time {
		w.part(part)
	}
	w.flush()
	out := strings.Join(w.pieces, " || ")
	if len(w.pieces) > 1 {
		out = "(" + out + ")"
	}
	if !w.reads { // texts alone: but NULL stays NULL
		out = "CASE WHEN " + operand(args[0]) + " IS NOT NULL THEN " + out + " END"
	}

	return text{text: p.ofOurEra(e.Args[0], args[0].text, notOurEraAsText, out)}
}

type timeWriter struct {
	p       *printer
	e       *sem.Expr
	args    []text
	pieces  []string
	pattern string // what the engine's function is to write next
	reads   bool   // something reads the timestamp

	function string            // the engine's own
	stamps   map[string]stamp  // what that writes
	parts    *strings.Replacer // what the engine has for the parts in fields
}

// stamped is a call of the engine's function.
func (w *timeWriter) stamped(pattern string) string {
	return w.function + "($1, " + w.p.literal(pattern) + ")"
}

// flush ends a call of the engine's function.
func (w *timeWriter) flush() {
	if w.pattern == "" {
		return
	}
	w.pieces = append(w.pieces, w.p.fill(w.stamped(w.pattern), w.e, w.args))
	w.pattern, w.reads = "", true
}

// add adds an expression over the timestamp.
func (w *timeWriter) add(form string) {
	w.flush()
	w.pieces = append(w.pieces, w.p.fill(form, w.e, w.args))
	w.reads = true
}

// plain are texts that mean themselves in the engines' patterns.
var plain = regexp.MustCompile(`^[-/:., _]+$`)

func (w *timeWriter) part(part sem.TimePart) {
	switch {
	case part.Field == "" && w.pattern != "" && plain.MatchString(part.Text):
		w.pattern += part.Text
		return
	case part.Field == "":
		w.flush()
		w.pieces = append(w.pieces, w.p.literal(part.Text))
		return
	}
	name := part.Field
	switch name {
	case "HH":
		name = "HH12"
	case "FF3":
		name = "MS"
	case "FF6":
		name = "US"
	case "SSSSS":
		name = "SSSS"
	}
	pattern := w.stamps[name].pattern
	if part.Bare {
		pattern = w.stamps[name].bare
	}
	switch {
	case pattern != "" && part.Ordinal == "":
		w.pattern += pattern
	case fields[name].number != "":
		w.number(name, part)
	default:
		w.letters(name, part.Bare)
	}
}

// number writes a field that is a number, with zeros before it and its ordinal behind it.
func (w *timeWriter) number(name string, part sem.TimePart) {
	f := fields[name]
	number := w.parts.Replace(f.number)
	out := "CAST(" + number + " AS " + w.p.typeName(sem.Of(sem.Text)) + ")"
	switch {
	case name == "CC" && !part.Bare: // of three digits from the year 9901 on
		out = "CASE WHEN " + number + " < 10 THEN '0' ELSE '' END || " + out
	case f.digits > 1 && !part.Bare:
		out = fmt.Sprintf("lpad(%s, %d, '0')", out, f.digits)
	}
	w.add(out)
	if part.Ordinal == "" {
		return
	}
	ordinal := "CASE WHEN (" + number + ") % 100 BETWEEN 10 AND 19 THEN 'th' WHEN (" + number + ") % 10 = 1 THEN 'st' WHEN (" + number + ") % 10 = 2 THEN 'nd' WHEN (" + number +
		") % 10 = 3 THEN 'rd' ELSE 'th' END"
	if part.Ordinal == "TH" {
		ordinal = "upper(" + ordinal + ")"
	}
	w.add(ordinal)
}

// letters writes a field of letters in its case, filled to nine characters if it is a whole name.
func (w *timeWriter) letters(name string, bare bool) {
	switch name {
	case "am", "pm", "PM", "AM", "a.m.", "p.m.", "A.M.", "P.M.":
		out := w.stamped(w.stamps["AM"].pattern)
		if strings.Contains(name, ".") {
			out = "CASE " + out + " WHEN 'AM' THEN 'A.M.' WHEN 'PM' THEN 'P.M.' END"
		}
		if strings.ToLower(name) == name {
			out = "lower(" + out + ")"
		}
		w.add(out)
		return
	case "FF1", "FF2", "FF4", "FF5":
		w.add("left(" + w.stamped(w.stamps["US"].pattern) + ", " + name[2:] + ")")
		return
	}
	out := w.stamped(w.stamps[strings.ToUpper(name[:1])+strings.ToLower(name[1:])].bare)
	switch name {
	case strings.ToUpper(name):
		out = "upper(" + out + ")"
	case strings.ToLower(name):
		out = "lower(" + out + ")"
	}
	if !bare && len(name) > 2 && !strings.EqualFold(name, "mon") {
		out = "rpad(" + out + ", 9, ' ')"
	}
	w.add(out)
}

// months are the names of months by three letters; three times its number less two is where one begins.
const months = "janfebmaraprmayjunjulaugsepoctnovdec"

const (
	monthNames = "january|february|march|april|may|june|july|august|september|october|november|december"
	monthShort = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
)

// moment is how a text is read as a timestamp: the form of the texts that are read, and in which group of it each part stands.
type moment struct {
	form   string
	groups map[string]int
	micros int // how many digits a fraction has at most
}

// momentOf is how texts are read by a pattern; with a tail they may be longer.
func momentOf(parts []sem.TimePart, tail bool) moment {
	m := moment{groups: map[string]int{}}
	group := func(part, form string) {
		m.groups[part] = len(m.groups) + 1
		m.form += "(" + form + ")"
	}
	for _, p := range parts {
		digits := "[0-9]{2}"
		if p.Loose {
			digits = "[0-9]{1,2}"
		}
		switch strings.ToUpper(p.Field) {
		case "":
			m.form += separator(p)
		case "YYYY":
			group("year", "[0-9]{4}")
		case "YY":
			group("short", "[0-9]{2}")
		case "MM":
			group("month", digits)
		case "MON":
			group("name", "(?i:"+monthShort+")")
		case "MONTH":
			group("name", "(?i:"+monthNames+")")
		case "DD":
			group("day", digits)
		case "HH24":
			group("hour", digits)
		case "HH12", "HH":
			group("hour12", digits)
		case "MI":
			group("minute", digits)
		case "SS":
			group("second", digits)
		case "AM", "PM":
			group("half", "(?i:am|pm)")
		case "MS", "US":
			m.micros = map[string]int{"MS": 3, "US": 6}[p.Field]
			form := fmt.Sprintf("[0-9]{%d}", m.micros)
			if p.Loose {
				form = fmt.Sprintf("[0-9]{1,%d}", m.micros)
			}
			group("fraction", form)
		}
	}
	if last := parts[len(parts)-1]; tail && last.Field != "" && last.Loose {
		m.form += "(?:[^0-9](?s:.*))?" // what follows is not read
	}

	return m
}

// separator is what stands between fields as texts have it: for one separator, any.
func separator(p sem.TimePart) string {
	if p.Any {
		return "[ !-/:-@\\[-`{-~]"
	}
	return regexp.QuoteMeta(p.Text)
}

// textToMoment reads a text as a timestamp, or as a date if the expression is one. Texts of another form than the pattern's raise: some of
// them PostgreSQL reads.
func textToMoment(p *printer, e *sem.Expr, args []text) text {
	m := momentOf(e.Form.Time, e.N != sem.Lenient)
	x := args[0].text
	number := func(part string) string {
		return "CAST(" + p.group(x, m.form, m.groups[part]) + " AS INTEGER)"
	}
	or := func(part, otherwise string) string {
		if m.groups[part] == 0 {
			return otherwise
		}
		return number(part)
	}

	month := or("month", "1")
	if g := m.groups["name"]; g > 0 {
		month = "CAST((" + p.position("'"+months+"'", "lower(left("+p.group(x, m.form, g)+", 3))") + " + 2) / 3 AS INTEGER)"
	}
	day := or("day", "1")
	year := or("year", "CASE WHEN "+number("short")+" < 70 THEN 2000 ELSE 1900 END + "+number("short"))
	first := "make_date(" + year + ", " + month + ", 1)"
	date, last := "make_date("+year+", "+month+", "+day+")", "day(last_day("+first+"))"
	if e.N == sem.Lenient {
		date, last = p.plusDays(first, day+" - 1"), "31"
	}
	bad := append([]string{month + " NOT BETWEEN 1 AND 12", day + " < 1"}, outOfBounds(m, or)...)
	out := date
	if e.Type.Kind != sem.Date {
		out = p.plusTime(date, m, x, or)
	}
	overflow := " THEN " + p.raise("date/time field value out of range")

	return text{text: "CASE WHEN NOT " + p.matches(x, m.form) + " THEN " + p.raise("invalid input syntax for type "+e.Type.String()) + " WHEN " + year + " < 1 THEN " +
		p.raise("a date before the year 1") + " WHEN " + strings.Join(bad, " OR ") + overflow +
		" WHEN " + day + " > " + last + overflow + " ELSE " + out + " END"}
}

// outOfBounds are conditions that are true of fields that make no time of day.
func outOfBounds(m moment, or func(part, otherwise string) string) (bad []string) {
	for _, f := range []struct{ part, bounds string }{{"hour", "0 AND 23"}, {"hour12", "1 AND 12"}, {"minute", "0 AND 59"}, {"second", "0 AND 59"}} {
		if m.groups[f.part] > 0 {
			bad = append(bad, or(f.part, "0")+" NOT BETWEEN "+f.bounds)
		}
	}
	return bad
}

// plusTime is a date with the time of a text.
func (p *printer) plusTime(date string, m moment, x string, or func(part, otherwise string) string) string {
	hour := or("hour", "0")
	if m.groups["hour12"] > 0 {
		half := p.group(x, m.form, m.groups["half"])
		hour = or("hour12", "0") + " % 12 + CASE WHEN lower(" + half + ") = 'pm' THEN 12 ELSE 0 END"
	}
	micros := "0"
	if g := m.groups["fraction"]; g > 0 {
		micros = "CAST(rpad(" + p.group(x, m.form, g) + ", 6, '0') AS INTEGER)"
	}
	all := "(((" + hour + ") * 60 + " + or("minute", "0") + ") * 60 + " + or("second", "0") + ") * CAST(1000000 AS BIGINT) + " + micros
	if p.Engine.spark() {
		return "CAST(timestamp_micros(unix_micros(CAST(" + date + " AS TIMESTAMP_LTZ)) + " + all + ") AS TIMESTAMP_NTZ)"
	}
	return "CAST(" + date + " AS TIMESTAMP) + to_microseconds(" + all + ")"
}

// instantOf is an instant by its seconds since 1970, within PostgreSQL's range.
func instantOf(p *printer, _ *sem.Expr, args []text) text {
	micros := "CAST(CAST(" + args[0].text + " AS DECIMAL(30,6)) * 1000000 AS BIGINT)"
	out := "make_timestamp(" + micros + ") AT TIME ZONE 'UTC'"
	if p.Engine.spark() {
		out = "timestamp_micros(" + micros + ")"
	}
	return text{text: p.raiseWhere(operand(args[0])+" NOT BETWEEN -210866803200 AND 9224318015999", "timestamp out of range", out)}
}

// group is what a group of a form matches in a text.
func (p *printer) group(x, form string, n int) string {
	return p.extract(x, asWhole(form), n)
}

// matches is whether a text is of a form as a whole.
func (p *printer) matches(x, form string) string {
	if p.Engine.spark() {
		return "((" + x + ") RLIKE " + p.literal(asWhole(form)) + ")"
	}
	return "regexp_full_match(" + x + ", " + p.literal(form) + ")"
}

// position is where a text stands in another one, from 1.
func (p *printer) position(in, what string) string {
	if p.Engine.spark() {
		return "instr(" + in + ", " + what + ")"
	}
	return "strpos(" + in + ", " + what + ")"
}

func (p *printer) plusDays(date, days string) string {
	if p.Engine.spark() {
		return "date_add(" + date + ", " + days + ")"
	}
	return "(" + date + " + CAST(" + days + " AS INTEGER))"
}
