package emit

import (
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// name writes a name as it is, unless the engine takes it for a word of its own or quotes otherwise.
func (p *printer) name(at lex.Span, name string, quoted bool) string {
	as := at.In(p.source)
	why := ""
	switch {
	case quoted && p.Engine.spark():
		why = "Spark quotes names in backticks"
	case !quoted && words()[name]:
		why = "it is a word of the engine's"
	case !quoted && p.foreign(name):
		why = "Spark quotes such names"
	default:
		return as
	}
	out := p.quoted(name)
	p.changed(at, out, why)

	return out
}

// alias writes a name that is given. Without quotes it is given in lower case, as the source folds it.
func (p *printer) alias(s *sem.Slot) string {
	as := s.At.In(p.source)
	word := !s.Quoted && (words()[s.Text] || s.Bare && labels()[s.Text] || p.foreign(s.Text))
	out, why := as, ""
	switch {
	case word && s.Bare:
		out, why = "AS "+p.quoted(s.Text), "it is a word of the engine's"
	case word:
		out, why = p.quoted(s.Text), "it is a word of the engine's"
	case s.Quoted && p.Engine.spark():
		out, why = p.quoted(s.Text), "Spark quotes names in backticks"
	case !s.Quoted:
		out, why = s.Text, "the source folds names to lower case"
	}
	if out != as {
		p.changed(s.At, out, why)
	}

	return out
}

// foreign reports whether a name has characters that Spark takes only in quotes.
func (p *printer) foreign(name string) bool {
	return p.Engine.spark() && strings.ContainsFunc(name, func(r rune) bool { return r == '$' || r >= utf8.RuneSelf })
}

func (p *printer) quoted(name string) string {
	if p.Engine.spark() {
		return "`" + strings.ReplaceAll(name, "`", "``") + "`"
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func column(p *printer, e *sem.Expr, _ []text) text {
	if p.ofSets() && e.Item != nil {
		return text{text: operand(p.expr(e.Item))}
	}
	if e.Item != nil {
		if item, ok := p.itemOf(e.Item); ok {
			return item
		}
	}
	all := e.At
	if len(e.Names) > 0 {
		all = e.Names[0].At.To(e.Names[len(e.Names)-1].At)
	}
	from := len(p.pieces)
	for i, n := range e.Names {
		if i == 0 || n.Quoted || p.foreign(n.Text) { // every word is a name behind a point
			p.pieces = append(p.pieces, piece{n.At, p.name(n.At, n.Text, n.Quoted)})
		}
	}
	out := p.splice(all, from)
	if p.ofSets() {
		out = p.fromSource(e, out)
		p.changed(all, out, "a query in FROM gives the column")
	}
	return text{text: out}
}

// noteItem keeps an item of a select list, which is written again where another item of the list uses its alias: DuckDB does not take the alias of
// what may raise by a guard, of a query, or in an aggregate, and Spark none in a window or an aggregate.
func (p *printer) noteItem(e *sem.Expr, written text) {
	p.noted = append(p.noted, notedItem{e, written})
}

// notedItem is an item of a select list as it is written.
type notedItem struct {
	item    *sem.Expr
	written text
}

// itemOf is an item that an alias names, as it is written.
func (p *printer) itemOf(e *sem.Expr) (text, bool) {
	if p.items == nil {
		p.items = make(map[*sem.Expr]text, len(p.noted))
	}
	for _, i := range p.noted {
		p.items[i.item] = text{text: operand(i.written)}
	}
	p.noted = p.noted[:0]
	out, ok := p.items[e]

	return out, ok
}

func givenName(p *printer, e *sem.Expr, _ []text) text { return text{text: p.quoted(e.Text)} }

// escapes are what a text in Spark's quotes needs.
var escapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// literal writes a text in quotes.
func (p *printer) literal(s string) string {
	if p.Engine.spark() {
		return "'" + escapes.Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// typeName is the engine's name of a type.
func (p *printer) typeName(t sem.Type) string {
	switch k := t.Kind; {
	case k == sem.Array && p.Engine.spark():
		return "ARRAY<" + p.typeName(t.Element()) + ">"
	case k == sem.Array:
		return p.typeName(t.Element()) + "[]"
	case k == sem.Numeric:
		return decimal(t.P, t.S)
	case k == sem.Timestamp && p.Engine.spark():
		return "TIMESTAMP_NTZ"
	case k == sem.TimestampTZ && p.Engine.spark():
		return "TIMESTAMP_LTZ"
	case t.IsText() && p.Engine.spark():
		return "STRING"
	}
	return kinds[t.Kind]
}

var kinds = [...]string{sem.Bool: "BOOLEAN", sem.Int2: "SMALLINT", sem.Int4: "INTEGER", sem.Int8: "BIGINT", sem.Float4: "FLOAT", sem.Float8: "DOUBLE",
	sem.Text: "VARCHAR", sem.Varchar: "VARCHAR", sem.Char: "VARCHAR", sem.Unknown: "VARCHAR", sem.Date: "DATE", sem.Timestamp: "TIMESTAMP",
	sem.TimestampTZ: "TIMESTAMPTZ", sem.Interval: "INTERVAL"}
