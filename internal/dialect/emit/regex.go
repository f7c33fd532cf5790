package emit

import (
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// has is whether a text has a match.
func (p *printer) has(x text, pattern string) string {
	if p.Engine.spark() {
		return "(" + operand(x) + " RLIKE " + p.literal(pattern) + ")"
	}
	return "regexp_matches(" + x.text + ", " + p.literal(pattern) + ")"
}

func matches(p *printer, e *sem.Expr, args []text) text {
	out := p.has(args[0], e.Text)
	if e.Not {
		out = "(NOT " + out + ")"
	}
	return text{text: out}
}

// asWhole is a pattern for the whole of a text.
func asWhole(pattern string) string { return `\A(?:` + pattern + `)\z` }

// extract is the first match, or a group of it; the empty text if there is none.
func (p *printer) extract(x, pattern string, group int) string {
	return "regexp_extract(" + x + ", " + p.literal(pattern) + ", " + strconv.Itoa(group) + ")"
}

// replacement is what takes a match's place, in the engine's words.
func (p *printer) replacement(with []sem.Piece) string {
	mark, quote := `\`, strings.NewReplacer(`\`, `\\`)
	if p.Engine.spark() {
		mark, quote = "$", strings.NewReplacer(`\`, `\\`, "$", `\$`)
	}
	out := ""
	for _, w := range with {
		if w.Found {
			out += mark + strconv.Itoa(w.Group)
			continue
		}
		out += quote.Replace(w.Text)
	}
	return out
}

// matchReplace replaces the first match, or each. Spark replaces each: where there can be several, it is given the first one alone.
func matchReplace(p *printer, e *sem.Expr, args []text) text {
	m, x := e.Form.Match, args[0].text
	pattern, with := p.literal(e.Text), p.literal(p.replacement(m.With))
	switch {
	case !p.Engine.spark() && m.Each:
		return text{text: "regexp_replace(" + x + ", " + pattern + ", " + with + ", 'g')"}
	case !p.Engine.spark() || m.Each || m.Start:
		return text{text: "regexp_replace(" + x + ", " + pattern + ", " + with + ")"}
	case m.End:
		p.refuse(e.At, "write it with 'g'", "Spark replaces each match, and where one ends the text it may find an empty one there")
	}
	found := p.extract(x, e.Text, 0)
	at := "instr(" + x + ", " + found + ")"
	return text{text: "CASE WHEN " + p.has(args[0], e.Text) + " THEN concat(left(" + x + ", " + at + " - 1), regexp_replace(" + found + ", " +
		p.literal(asWhole(e.Text)) + ", " + with + "), substring(" + x + ", " + at + " + length(" + found + "))) ELSE " + x + " END"}
}

// matchFound is a match, or a group of it.
func matchFound(p *printer, e *sem.Expr, args []text) text {
	m, x := e.Form.Match, args[0].text
	if m.Nth == 1 {
		out := p.extract(x, e.Text, m.Group)
		if m.Blank {
			return text{text: out}
		}
		return text{text: "CASE WHEN " + p.has(args[0], e.Text) + " THEN " + out + " END"}
	}
	out := "regexp_extract_all(" + x + ", " + p.literal(e.Text) + ", " + strconv.Itoa(m.Group) + ")"
	if p.Engine.spark() {
		out = "get(" + out + ", " + strconv.Itoa(m.Nth-1) + ")"
	} else {
		out += "[" + strconv.Itoa(m.Nth) + "]"
	}
	if m.Blank {
		out = "CASE WHEN " + operand(args[0]) + " IS NOT NULL THEN coalesce(" + out + ", '') END"
	}

	return text{text: out}
}

func matchCount(p *printer, e *sem.Expr, args []text) text {
	has := p.has(args[0], e.Text)
	if m := e.Form.Match; m.Start || m.End {
		return text{text: "CASE WHEN " + has + " THEN 1 WHEN NOT " + has + " THEN 0 END"}
	}
	x := args[0].text
	if p.Engine.spark() {
		return text{text: "regexp_count(" + x + ", " + p.literal(e.Text) + ")"}
	}
	return text{text: "CASE WHEN " + operand(args[0]) + " IS NOT NULL THEN CAST(length(regexp_extract_all(" + x + ", " + p.literal(e.Text) + ")) AS INTEGER) END"}
}

// matchPlace is where the first match begins. What matches at a place matches wherever else the same characters stand, so it is where these stand
// first; but for a match that begins or ends the text.
func matchPlace(p *printer, e *sem.Expr, args []text) text {
	x, has := args[0].text, p.has(args[0], e.Text)
	found := p.extract(x, e.Text, 0)
	at := p.position(x, found)
	switch {
	case e.Form.Match.Start:
		at = "1"
	case e.Form.Match.End:
		at = "length(" + x + ") - length(" + found + ") + 1"
	}
	if !p.Engine.spark() {
		at = "CAST(" + at + " AS INTEGER)"
	}
	return text{text: "CASE WHEN " + has + " THEN " + at + " WHEN NOT " + has + " THEN 0 END"}
}
