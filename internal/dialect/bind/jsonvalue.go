package bind

import (
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// document is a value of PostgreSQL's types json and jsonb: a text that is JSON, and the way to the value in it. It has no type of its own on
// engines, and is read only where something is asked of it.
type document struct {
	text   *sem.Expr
	binary bool // it is jsonb
	steps  []*sem.Expr
}

// jsonColumns are the types of columns that are JSON.
var jsonColumns = map[string]sem.Type{"json": {N: sem.Verbatim}, "jsonb": {N: sem.Normal}}

// documentAlone is what to write in place of a value of JSON by itself.
const documentAlone = "ask it for a text by ->> or #>>, or leave it out"

// refuseDocument refuses a column that is a value of JSON.
func (b *binder) refuseDocument(c *sem.Column, at lex.Span) *sem.Expr {
	return b.refuse(sem.NotOnEngine, at, documentAlone, "the column %s is a value of JSON, which is not read whole here", c.Name)
}

// Document is the type of a column that is JSON and carried as its text; ok is false if that is not its type.
func Document(name string) (t sem.Type, ok bool) {
	t, ok = jsonColumns[name]
	return t, ok
}

var jsonOperators = map[string]bool{"->": true, "->>": true, "#>": true, "#>>": true}

// jsonOperator is what stands behind a text's value, ->> and #>>. What -> and #> give cannot be a value on engines.
func (b *binder) jsonOperator(x *ast.Binary, s *scope) *sem.Expr {
	d, ok := b.document(&ast.Binary{Node: x.Node, Op: strings.Replace(x.Op, ">>", ">", 1), L: x.L, R: x.R}, s)
	switch {
	case !ok:
		return &sem.Expr{At: x.At}
	case !strings.HasSuffix(x.Op, ">>"):
		return b.refuse(sem.NotOnEngine, x.At, "write "+x.Op+"> in its place", "a value of JSON by itself has no type here")
	}
	return d.ask(sem.OpJSONText, sem.Text, x)
}

// ask is an operation of a value.
func (d document) ask(op sem.Op, of sem.Kind, x ast.Expr) *sem.Expr {
	e := rewritten(op, sem.Of(of), x, append([]*sem.Expr{d.text}, d.steps...)...)
	if e.N = sem.Verbatim; d.binary {
		e.N = sem.Normal
	}
	return e
}

// document binds a value of JSON.
func (b *binder) document(x ast.Expr, s *scope) (d document, ok bool) {
	switch x := x.(type) {
	case *ast.Cast:
		if t, is := jsonColumns[x.Type.Name]; is && len(x.Type.Args) == 0 && !b.Redshift {
			d.binary = t.N == sem.Normal
			d.text = b.settled(b.expr(x.X, s))
			if !invalid(d.text) && !d.text.Type.IsText() {
				b.refuse(sem.Mismatch, x.At, "", "%s is not read as %s", d.text.Type, x.Type.Name)
				return d, false
			}
			return d, !invalid(d.text)
		}
	case *ast.Column:
		b.asDocument = x
		d.text = b.column(x, s)
		if b.asDocument = nil; invalid(d.text) {
			return d, false
		}
		if d.text.Column != nil && d.text.Column.Type.IsDocument() {
			d.binary = d.text.Column.Type.N == sem.Normal
			return d, true
		}
	case *ast.Binary:
		if x.Op == "->" || x.Op == "#>" {
			if d, ok = b.document(x.L, s); !ok {
				return d, false
			}
			ok = b.jsonStep(&d, x, s)
			return d, ok
		}
	case *ast.Call:
		if x.Name == "json_extract_path" || x.Name == "jsonb_extract_path" {
			return b.extracted(x, s)
		}
	}
	b.refuse(sem.Mismatch, x.Span(), "cast a text as json", "this is not a value of JSON")
	return d, false
}

// jsonStep adds what stands behind -> or #>.
func (b *binder) jsonStep(d *document, x *ast.Binary, s *scope) bool {
	r := b.expr(x.R, s)
	switch {
	case invalid(r):
		return false
	case x.Op == "->" && r.Op == sem.OpText:
		d.steps = append(d.steps, b.coerce(r, sem.Of(sem.Text)))
		return true
	case x.Op == "->" && (r.Type.Kind == sem.Int4 || r.Type.Kind == sem.Int2) && (r.Op == sem.OpInt || r.Op == sem.OpColumn):
		d.steps = append(d.steps, r)
		return true
	case x.Op == "#>" && r.Op == sem.OpText && plainPath.MatchString(r.Text):
		inner := strings.Trim(r.Text, "{}")
		if inner == "" {
			return true
		}
		for _, word := range strings.Split(inner, ",") {
			d.steps = append(d.steps, step(word, r))
		}
		return true
	}
	b.refuse(sem.NotKnown, r.At, "write a key in quotes, a position, or a path such as '{a,0}'", "this step of a path is not read")
	return false
}

// plainPath is a path as the text of an array whose elements need no quotes, of keys and of positions from the beginning.
var plainPath = regexp.MustCompile(`^\{(?:(?:[A-Za-z_][A-Za-z0-9_.:-]*|0|[1-9][0-9]{0,8})(?:,(?:[A-Za-z_][A-Za-z0-9_.:-]*|0|[1-9][0-9]{0,8}))*)?\}$`)

// step is a key that is an array's position, too.
func step(word string, of *sem.Expr) *sem.Expr {
	e := quoted(word, of.At)
	e.N = sem.KeyOrPosition
	return e
}

// extracted is json_extract_path.
func (b *binder) extracted(x *ast.Call, s *scope) (d document, ok bool) {
	if len(x.Args) < 2 {
		b.refuse(sem.Mismatch, x.At, "", "%s is not known with %d arguments", x.Name, len(x.Args))
		return d, false
	}
	if d, ok = b.documentOf(x, s); !ok {
		return d, false
	}
	for _, a := range x.Args[1:] {
		k := b.expr(a, s)
		if k.Op != sem.OpText || !plainPath.MatchString("{"+k.Text+"}") || strings.Contains(k.Text, ",") || k.Text == "" {
			b.refuse(sem.NotKnown, a.Span(), "write -> and the key in quotes", "this step of a path is not read")
			return d, false
		}
		d.steps = append(d.steps, step(k.Text, k))
	}
	return d, true
}

// documentOf is a function's first argument, which is jsonb if the function's name says so.
func (b *binder) documentOf(x *ast.Call, s *scope) (d document, ok bool) {
	d, ok = b.document(x.Args[0], s)
	if ok && d.binary != strings.HasPrefix(x.Name, "jsonb") {
		b.refuse(sem.Mismatch, x.NameAt, "", "%s is a function of the other type of JSON", x.Name)
		return d, false
	}
	return d, ok
}

// asked is a function of a value of JSON.
func asked(op sem.Op, of sem.Kind) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		d, ok := b.documentOf(c.x, c.s)
		if !ok {
			return &sem.Expr{At: c.x.At}
		}
		return d.ask(op, of, c.x)
	}
}

// extractedText is json_extract_path_text in PostgreSQL.
func extractedText(b *binder, c *call) *sem.Expr {
	d, ok := b.extracted(c.x, c.s)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	return d.ask(sem.OpJSONText, sem.Text, c.x)
}

// perDialect is a function that both dialects have, of other values.
func perDialect(redshift, postgres func(*binder, *call) *sem.Expr) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		if !b.Redshift {
			return postgres(b, c)
		}
		for _, a := range c.x.Args {
			c.args = append(c.args, b.expr(a, c.s))
		}
		if invalid(c.args...) {
			return &sem.Expr{At: c.x.At}
		}
		return redshift(b, c)
	}
}

// ofJSON reports whether an expression gives a value of JSON that can be asked for what it is.
func ofJSON(x ast.Expr) bool {
	b, ok := x.(*ast.Binary)
	return ok && (b.Op == "->" || b.Op == "#>")
}

// typeOfJSON is what a value of JSON is; NULL if there is none. A null in JSON is one.
func (b *binder) typeOfJSON(x ast.Expr, s *scope) *sem.Expr {
	d, ok := b.document(x, s)
	if !ok {
		return &sem.Expr{At: x.Span()}
	}
	return d.ask(sem.OpJSONType, sem.Text, x)
}
