// Package parse reads statements of PostgreSQL or Redshift into a syntax tree: queries, and what makes and changes temporary tables. What it
// does not know it refuses, with the place; whether names and types exist is the binder's business.
package parse

import (
	"errors"
	"sync"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// Options are what differs between the dialects.
type Options struct {
	Redshift bool // TOP, MINUS, CONVERT(type, x), (+), SYSDATE
}

// Deepest is how deep expressions and queries may be nested.
const Deepest = 400

// Longest is how many operators of one kind may follow each other: engines walk such a chain as deep nesting.
const Longest = 900

// Error is a statement that is not read: one that is wrong, or one of a form that is not known (Unknown).
type Error struct {
	At      lex.Span
	Why     string
	Instead string // how to write it, if there is a way
	Unknown bool
}

func (e *Error) Error() string { return e.Why }

type parser struct {
	Options
	text  string
	all   []lex.Token
	kept  *[]lex.Token // the same, of spare
	at    int
	depth int
	// scripting says that SELECT INTO is read, and into what it says.
	scripting bool
	into      *ast.Name

	// Made, for the columns and names that are read next.
	columns []ast.Column
	parts   []ast.Name

	// Stacks of lists that are being read.
	exprs []ast.Expr
	items []ast.Item
}

// Type reads a text that is the name of a type. Errors are *Error.
func Type(text string, o Options) (t ast.Type, err error) {
	defer caught(&err)
	p := newParser(text, o)
	defer p.free()
	if t = p.typeName(); p.peek().Kind != lex.EOF {
		p.unexpected()
	}

	return t, nil
}

func newParser(text string, o Options) *parser {
	kept, _ := spare.Get().(*[]lex.Token)
	all, err := lex.Append((*kept)[:0], text)
	if bad, ok := errors.AsType[*lex.Error](err); ok {
		panic(&Error{At: bad.At, Why: bad.Why})
	}
	*kept = all
	return &parser{Options: o, text: text, all: all, kept: kept, exprs: make([]ast.Expr, 0, 32)}
}

// spare are slices of tokens that parsers have done with: they are a large part of what reading a text takes.
var spare = sync.Pool{New: func() any { return new([]lex.Token) }}

// free lets another parser have the tokens. Nothing of the tree refers to them.
func (p *parser) free() { spare.Put(p.kept) }

// caught turns the panic that ends a reading into its error.
func caught(err *error) {
	if fault := recover(); fault != nil {
		e, ours := fault.(*Error)
		if !ours {
			panic(fault)
		}
		*err = e
	}
}

// fail ends the reading: the statement is wrong at the next token.
func (p *parser) fail(why string) { panic(&Error{At: p.peek().At, Why: why}) }

// unknown ends the reading: the statement may be right, and is of a form that is not known.
func (p *parser) unknown(at lex.Span, why, instead string) {
	panic(&Error{At: at, Why: why, Instead: instead, Unknown: true})
}

func (p *parser) unexpected() {
	t := p.peek()
	if t.Kind == lex.EOF {
		p.fail("the statement ends too early")
	}
	p.fail("syntax error at or near " + t.At.In(p.text))
}

func (p *parser) enter() {
	if p.depth++; p.depth > Deepest {
		p.fail("the statement is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) peek() *lex.Token { return &p.all[p.at] }

// ahead is the token n places on.
func (p *parser) ahead(n int) *lex.Token { return &p.all[min(p.at+n, len(p.all)-1)] }

func (p *parser) next() *lex.Token {
	t := &p.all[p.at]
	if t.Kind != lex.EOF {
		p.at++
	}
	return t
}

// done is the span of the token read last.
func (p *parser) done() lex.Span { return p.all[max(p.at-1, 0)].At }

// since is the span from a start to the token read last.
func (p *parser) since(start int) lex.Span { return lex.Span{Start: start, End: p.done().End} }

func (p *parser) word(w string) bool { t := p.peek(); return t.Kind == lex.Word && t.Text == w }

func (p *parser) wordAhead(n int, w string) bool {
	t := p.ahead(n)
	return t.Kind == lex.Word && t.Text == w
}

func (p *parser) take(w string) bool {
	if p.word(w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(w string) {
	if !p.take(w) {
		p.unexpected()
	}
}

func (p *parser) punct(s string) bool { t := p.peek(); return t.Kind == lex.Punct && t.Text == s }

func (p *parser) punctAhead(n int, s string) bool {
	t := p.ahead(n)
	return t.Kind == lex.Punct && t.Text == s
}

func (p *parser) takePunct(s string) bool {
	if p.punct(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expectPunct(s string) {
	if !p.takePunct(s) {
		p.unexpected()
	}
}

// isName reports whether a token can name a table or a column.
func (p *parser) isName(t *lex.Token) bool {
	return t.Kind == lex.Quoted || t.Kind == lex.Word && !reserved[t.Text] && !(p.Redshift && reservedRedshift[t.Text])
}

// name reads a name.
func (p *parser) name() ast.Name {
	if t := p.peek(); !p.isName(t) {
		p.unexpected()
	}
	return p.anyName()
}

// anyName reads a name where keywords are names, too.
func (p *parser) anyName() ast.Name {
	t := p.next()
	switch {
	case t.Kind == lex.Quoted && t.Form == 'U':
		p.unknown(t.At, `names of the form U&"…" are not read`, "write the name in plain double quotes")
	case t.Kind == lex.Quoted:
		return ast.Name{At: t.At, Text: t.Text, Quoted: true}
	case t.Kind != lex.Word:
		p.at--
		p.unexpected()
	}
	return ast.Name{At: t.At, Text: t.Text}
}

// dottedAfter begins the names that are joined by dots.
func (p *parser) dottedAfter(first ast.Name) []ast.Name {
	n := 1
	if p.punct(".") {
		n = 2
	}
	if len(p.parts) < n {
		p.parts = make([]ast.Name, 32)
	}
	all := p.parts[:1:n]
	all[0], p.parts = first, p.parts[n:]

	return all
}

// names reads (a, b).
func (p *parser) names() []ast.Name {
	p.expectPunct("(")
	list := []ast.Name{p.name()}
	for p.takePunct(",") {
		list = append(list, p.name())
	}
	p.expectPunct(")")
	return list
}

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// reserved are the words that PostgreSQL takes for no name of a column.
var reserved = set("all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check", "collate",
	"column", "constraint", "create", "current_catalog", "current_date", "current_role", "current_time", "current_timestamp", "current_user",
	"default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group",
	"having", "in", "initially", "intersect", "into", "lateral", "leading", "limit", "localtime", "localtimestamp", "not", "null", "offset", "on",
	"only", "or", "order", "placing", "primary", "references", "returning", "select", "session_user", "some", "symmetric", "table", "then", "to",
	"trailing", "true", "union", "unique", "user", "using", "variadic", "when", "where", "window", "with",
	"authorization", "binary", "collation", "concurrently", "cross", "current_schema", "freeze", "full", "ilike", "inner", "is", "isnull", "join",
	"left", "like", "natural", "notnull", "outer", "overlaps", "right", "similar", "tablesample", "verbose")

// reservedRedshift are further ones of Redshift.
var reservedRedshift = set("minus", "top", "sysdate", "qualify", "pivot", "unpivot")

// notAlias are words that are not an alias without AS.
var notAlias = set("over", "filter", "within", "ignore", "respect", "qualify", "pivot", "unpivot", "exclude", "tablesample", "escape", "between")
