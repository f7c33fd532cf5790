package parse

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// called reads a function call.
func (p *parser) called(t *lex.Token) ast.Expr {
	if reserved[t.Text] && t.Text != "left" && t.Text != "right" {
		p.unexpected()
	}
	switch {
	case t.Text == "convert" && p.Redshift:
		return p.convert()
	case t.Text == "extract":
		return p.extract()
	case t.Text == "position":
		return p.position()
	case t.Text == "substring":
		return p.substring()
	case t.Text == "trim":
		return p.trim()
	case t.Text == "overlay":
		return p.overlay()
	}

	c := &ast.Call{Name: t.Text, NameAt: t.At}
	p.next()
	p.expectPunct("(")
	p.arguments(c)
	p.expectPunct(")")
	p.behind(c)
	c.At = p.since(t.At.Start)

	return c
}

func (p *parser) arguments(c *ast.Call) {
	if o := p.peek(); o.Kind == lex.Op && o.Text == "*" {
		p.next()
		c.Star = true
		return
	}
	if c.Distinct = p.take("distinct"); !c.Distinct {
		p.take("all")
	}
	if p.punct(")") {
		return
	}
	if c.Name == "make_interval" {
		p.intervalArguments(c)
		return
	}
	before := len(p.exprs)
	for more := true; more; more = p.takePunct(",") {
		if p.named() {
			p.unknown(p.peek().At, "only the arguments of make_interval are read by their names", "write them in their order, without names")
		}
		p.push(p.expr(0))
	}
	c.Args = p.pushed(before)
	if p.take("order") {
		p.expect("by")
		c.Order = p.order()
	}
	p.nullTreatment(c)
}

// named reports whether an argument comes next that is given by its name.
func (p *parser) named() bool {
	mark := p.ahead(1)
	return p.peek().Kind == lex.Word && mark.Kind == lex.Op && (mark.Text == "=>" || mark.Text == ":=")
}

// intervalNames are the names of make_interval's arguments, in their order.
var intervalNames = []string{"years", "months", "weeks", "days", "hours", "mins", "secs"}

// intervalArguments reads make_interval's arguments. The last ones may be given by name; those that are left out are zero.
func (p *parser) intervalArguments(c *ast.Call) {
	named := map[string]ast.Expr{}
	for more := true; more; more = p.takePunct(",") {
		t := p.peek()
		if !p.named() {
			if len(named) > 0 {
				p.unexpected()
			}
			c.Args = append(c.Args, p.expr(0))
			continue
		}
		n := slices.Index(intervalNames, t.Text)
		if n < len(c.Args) || named[t.Text] != nil {
			p.unexpected()
		}
		p.at += 2
		named[t.Text] = p.expr(0)
	}
	if len(c.Args) > len(intervalNames) {
		p.unexpected()
	}
	for _, name := range intervalNames[len(c.Args):] {
		x := named[name]
		if x == nil {
			x = &ast.Number{Node: ast.Node{At: lex.Span{Start: p.peek().At.Start, End: p.peek().At.Start}}, Text: "0", Integer: true}
		}
		c.Args = append(c.Args, x)
	}
}

// behind reads WITHIN GROUP, FILTER, IGNORE NULLS and OVER.
func (p *parser) behind(c *ast.Call) {
	p.within(c)
	p.nullTreatment(c)
	if p.word("filter") && p.punctAhead(1, "(") {
		p.at += 2
		p.expect("where")
		c.Filter = p.expr(0)
		p.expectPunct(")")
	}
	if p.take("over") {
		if p.punct("(") {
			c.Over = p.window()
			return
		}
		name := p.name()
		c.Over = &ast.Window{At: name.At, Name: name.Text}
	}
}

// convert reads Redshift's CONVERT(type, x).
func (p *parser) convert() ast.Expr {
	start := p.next().At.Start
	p.expectPunct("(")
	c := &ast.Cast{Type: p.typeName()}
	p.expectPunct(",")
	c.X = p.expr(0)
	p.expectPunct(")")
	c.At = p.since(start)

	return c
}

// form begins a call of a form with words in it.
func (p *parser) form() *ast.Call {
	t := p.next()
	p.expectPunct("(")
	return &ast.Call{Name: t.Text, NameAt: t.At, Node: ast.Node{At: t.At}}
}

func (p *parser) formed(c *ast.Call) ast.Expr {
	p.expectPunct(")")
	c.At = p.since(c.At.Start)
	return c
}

func (p *parser) extract() ast.Expr {
	c := p.form()
	t := p.next()
	if t.Kind != lex.Word && t.Kind != lex.String {
		p.at--
		p.unexpected()
	}
	p.expect("from")
	c.Args = []ast.Expr{&ast.String{Node: ast.Node{At: t.At}, Value: t.Text, Form: t.Form}, p.expr(0)}

	return p.formed(c)
}

// position reads POSITION(a IN b), with the arguments of strpos(b, a).
func (p *parser) position() ast.Expr {
	c := p.form()
	part := p.expr(bindIn)
	p.expect("in")
	c.Args = []ast.Expr{p.expr(bindIn), part}
	c.Name = "position"

	return p.formed(c)
}

func (p *parser) substring() ast.Expr {
	c := p.form()
	c.Args = []ast.Expr{p.expr(0)}
	switch {
	case p.take("from"):
		c.Args = append(c.Args, p.expr(0))
		if p.take("for") {
			c.Args = append(c.Args, p.expr(0))
		}
	case p.take("for"):
		one := &ast.Number{Node: ast.Node{At: lex.Span{Start: p.done().Start, End: p.done().Start}}, Text: "1", Integer: true}
		c.Args = append(c.Args, one, p.expr(0))
	case p.word("similar"):
		p.unknown(p.peek().At, "SIMILAR is not read", "")
	default:
		for p.takePunct(",") {
			c.Args = append(c.Args, p.expr(0))
		}
	}

	return p.formed(c)
}

// overlay reads OVERLAY(s PLACING t FROM n FOR m).
func (p *parser) overlay() ast.Expr {
	c := p.form()
	c.Args = []ast.Expr{p.expr(0)}
	p.expect("placing")
	c.Args = append(c.Args, p.expr(0))
	p.expect("from")
	c.Args = append(c.Args, p.expr(0))
	if p.take("for") {
		c.Args = append(c.Args, p.expr(0))
	}

	return p.formed(c)
}

// trim reads TRIM(BOTH 'x' FROM s) and its shorter forms, as btrim, ltrim or rtrim.
func (p *parser) trim() ast.Expr {
	c := p.form()
	c.Name = "btrim"
	switch {
	case p.take("both"):
	case p.take("leading"):
		c.Name = "ltrim"
	case p.take("trailing"):
		c.Name = "rtrim"
	}
	if p.take("from") {
		c.Args = p.list()
		return p.formed(c)
	}

	first := p.expr(0)
	if p.take("from") {
		c.Args = []ast.Expr{p.expr(0), first}
		return p.formed(c)
	}
	c.Args = []ast.Expr{first}
	for p.takePunct(",") {
		c.Args = append(c.Args, p.expr(0))
	}

	return p.formed(c)
}
