package emit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Times without a zone are computed in Spark without going through its session's: a time that the zone's clocks skip would become another one.

func floatToIntSpark(p *printer, e *sem.Expr, args []text) text {
	out := p.fill("CAST(rint($1) AS $t)", e, args)
	if e.Type.Kind != sem.Int8 {
		return text{text: out}
	}
	// Of 2^63, which is the least that does not fit, Spark makes the greatest BIGINT.
	return text{text: p.raiseWhere(args[0].text+" >= CAST('9223372036854775808' AS DOUBLE)", "value out of range: bigint", out)}
}

// addDaysSpark adds days to a date, or takes them off. Spark's sum wraps around; a written number does not lead there.
func addDaysSpark(name, op string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		plain := name + "(" + args[0].text + ", " + args[1].text + ")"
		if fewDays(e.Args[1]) || sem.Within(e).Inside(firstDate, lastDate) {
			return text{text: plain}
		}
		day := "datediff(" + args[0].text + ", DATE '1970-01-01') " + op + " CAST(" + args[1].text + " AS BIGINT)"
		return text{text: p.raiseWhere(fmt.Sprintf("%s NOT BETWEEN %d AND %d", day, firstDate, lastDate), "date out of range", plain)}
	}
}

func dateTruncSpark(p *printer, e *sem.Expr, args []text) text {
	form := "CAST(trunc(CAST($1 AS DATE), '$x') AS TIMESTAMP_NTZ)"
	switch e.Text {
	case "day":
		form = "CAST(CAST($1 AS DATE) AS TIMESTAMP_NTZ)"
	case "hour":
		form = "(@1 - make_dt_interval(0, 0, minute($1), extract(SECOND FROM $1)))"
	case "minute":
		form = "(@1 - make_dt_interval(0, 0, 0, extract(SECOND FROM $1)))"
	case "second":
		form = "(@1 - make_dt_interval(0, 0, 0, extract(SECOND FROM $1) % 1))"
	case "millisecond":
		form = "(@1 - make_dt_interval(0, 0, 0, extract(SECOND FROM $1) % 0.001))"
	case "microsecond":
		form = "CAST($1 AS TIMESTAMP_NTZ)"
	case "decade", "century", "millennium":
		return dateTrunc(p, e, args)
	}
	return text{text: p.fill(form, e, args)}
}

func epochSpark(p *printer, e *sem.Expr, args []text) text {
	days := sinceEpoch("day", "$1") + " * 86400"
	if e.Args[0].Type.Kind == sem.Date {
		return text{text: p.fill("CAST("+days+" AS $t)", e, args)}
	}
	return text{text: p.fill("CAST("+days+" + hour($1) * 3600 + minute($1) * 60 + extract(SECOND FROM $1) AS $t)", e, args)}
}

// dateDiffSpark counts the boundaries of a part between two times.
func dateDiffSpark(p *printer, e *sem.Expr, args []text) text {
	of := func(at string) string { return sinceEpoch(e.Text, at) }
	switch e.Text {
	case "year":
		of = func(at string) string { return "year(" + at + ")" }
	case "quarter":
		of = func(at string) string { return "(4 * year(" + at + ") + quarter(" + at + "))" }
	case "month":
		of = func(at string) string { return "(12 * year(" + at + ") + month(" + at + "))" }
	}
	return text{text: p.fill("CAST("+of("$2")+" - "+of("$1")+" AS BIGINT)", e, args)}
}

// sinceEpoch is the number of the day, hour, minute or second that a time lies in.
func sinceEpoch(part, at string) string {
	out := "CAST(datediff(CAST(" + at + " AS DATE), DATE '1970-01-01') AS BIGINT)"
	if part == "day" {
		return out
	}
	for _, finer := range []struct{ part, per string }{{"hour", "24"}, {"minute", "60"}, {"second", "60"}} {
		out = "(" + out + " * " + finer.per + " + " + finer.part + "(" + at + "))"
		if finer.part == part {
			break
		}
	}
	return out
}

// patternSpark is a pattern of LIKE whose escape is a backslash. Spark refuses an escape before what needs none.
func (p *printer) patternSpark(e *sem.Expr, pattern text) string {
	if of := e.Args[1]; of.Op == sem.OpText {
		return p.literal(backslashed(of.Text, e.Text))
	}
	if e.Text != `\` {
		p.refuse(e.At, "write the pattern, or escape by a backslash", "a pattern that is not written is only read with a backslash as its escape")
	}
	return `regexp_replace(` + pattern.text + `, '(?s)(\\\\[%_\\\\])|\\\\(.)', '$1$2')`
}

// backslashed is a pattern with another escape, or with none, as one whose escape is a backslash that stands only where it has to.
func backslashed(pattern, escape string) string {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i : i+1]
		escaped := c == escape && i+1 < len(pattern)
		if escaped {
			i++
			c = pattern[i : i+1]
		}
		if c == `\` || escaped && (c == "%" || c == "_") {
			out.WriteString(`\`)
		}
		out.WriteString(c)
	}
	return out.String()
}

// hints are those that Spark knows.
var hints = regexp.MustCompile(`(?i)^/\*\+\s*(?:(?:BROADCAST(?:JOIN)?|MAPJOIN|(?:SHUFFLE_)?MERGE|MERGEJOIN|SHUFFLE_HASH|SHUFFLE_REPLICATE_NL|COALESCE|REPARTITION(?:_BY_RANGE)?|REBALANCE)` +
	`\s*(?:\(\s*\w+(?:\s*,\s*\w+)*\s*\))?[\s,]*)+\*/$`)

// blanks is the source with what stands between its words as Spark reads it: comments that it takes for longer ones, or for hints, and blanks
// that it does not know. Each is one byte for another.
func (p *printer) blanks(source string) string {
	if !p.Engine.spark() || !strings.ContainsAny(source, "\f\v") && !strings.Contains(source, "\\\n") && !strings.Contains(source, "/*+") {
		return source
	}
	tokens, err := lex.Tokens(source)
	if err != nil {
		return source // cannot be: it was parsed
	}
	out, from := []byte(source), 0
	for i, t := range tokens {
		if t.At.Start > from {
			hint := i > 0 && tokens[i-1].Kind == lex.Word && tokens[i-1].Text == "select"
			p.blank(out, lex.Span{Start: from, End: t.At.Start}, hint)
		}
		from = t.At.End
	}
	return string(out)
}

// blank does so between two words.
func (p *printer) blank(out []byte, at lex.Span, hint bool) {
	set := func(i int, why string) {
		out[i] = ' '
		p.changed(lex.Span{Start: i, End: i + 1}, " ", why)
	}
	for i := at.Start; i < at.End; i++ {
		rest := string(out[i:at.End])
		switch {
		case out[i] == '\f' || out[i] == '\v':
			set(i, "Spark does not take it for a blank")
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexAny(rest+"\n", "\r\n")
			if strings.HasPrefix(rest[end:], "\n") && rest[end-1] == '\\' {
				set(i+end-1, "a comment that ends in a backslash goes on in the next line in Spark")
			}
			i += end
		case strings.HasPrefix(rest, "/*"):
			end := sqltext.CommentEnd(rest)
			if comment := rest[:end]; hint && hints.MatchString(comment) {
				hint = false
			} else {
				for n := strings.Index(comment, "/*+"); n >= 0; n = strings.Index(string(out[i:i+end]), "/*+") {
					set(i+n+2, "Spark would take the comment for a hint")
				}
			}
			i += end - 1
		}
	}
}

// oneRow is the Text of a slot with the column of a query that is made an aggregate.
const oneRow = "one row"

// scalarSpark is a query as a value. Where it depends on the row around it Spark wants an aggregate, and makes NULL of a count where it
// has found that no row is counted.
func scalarSpark(p *printer, e *sem.Expr, args []text) text {
	if e.Query.Outer && hasItem(e.Query.Slots, func(x *sem.Expr) bool { return counts[x.Op] }) {
		out := "coalesce(" + p.kept(e, args).text + ", 0)"
		p.changed(e.At, out, "Spark may take a count of no rows for NULL")
		return text{text: out}
	}
	if !e.Query.Outer || hasItem(e.Query.Slots, aggregates) {
		return p.kept(e, args)
	}
	one, q := *e, *e.Query
	q.Slots = slices.Clone(q.Slots)
	for i := range q.Slots {
		if q.Slots[i].Item() {
			q.Slots[i].Text = oneRow
		}
	}
	one.Query = &q

	return p.kept(&one, args)
}

var counts = map[sem.Op]bool{sem.OpCount: true, sem.OpCountRows: true}

// oneRow is the column of such a query, which raises for several rows.
func (p *printer) oneRow(e *sem.Expr) string {
	out := "CASE WHEN count(*) > 1 THEN " + p.raise("more than one row returned by a subquery used as an expression") + " ELSE first(" + p.expr(e).text + ") END"
	p.changed(e.At, out, "Spark takes only an aggregate here")
	return out
}

// ranks are functions of a window that Spark takes only where it has an order.
var ranks = map[sem.Op]bool{sem.OpRowNumber: true, sem.OpRank: true, sem.OpDenseRank: true, sem.OpPercentRank: true, sem.OpCumeDist: true, sem.OpNtile: true,
	sem.OpLag: true, sem.OpLead: true}

// window is what stands behind OVER.
func (p *printer) window(e *sem.Expr) string {
	w := e.Over
	out := p.slotted(w.At, w.Slots)
	switch {
	case !p.Engine.spark() || !ranks[e.Op] || w.Ordered:
	case w.Frame != "" || !strings.HasSuffix(out, ")"):
		p.refuse(w.At, "give the window an order", "Spark takes %s only where the window has an order", e.At.In(p.source))
	default:
		out = strings.TrimSuffix(out, ")") + " ORDER BY 1)"
		p.changed(w.At, out, "Spark wants an order, and by a constant it is none")
	}
	return out
}
