package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// atTimeZone reads x AT TIME ZONE zone, as timezone(zone, x).
func (p *parser) atTimeZone(left ast.Expr, start int) ast.Expr {
	from := p.next().At
	p.expect("time")
	p.expect("zone")
	c := &ast.Call{Name: "timezone", NameAt: from.To(p.done())}
	c.Args = []ast.Expr{p.expr(bindAt), left}
	c.At = p.since(start)

	return c
}

// quantified reads what stands behind a comparison with ANY or ALL: an array that is written, or a query.
func (p *parser) quantified(left ast.Expr, op string, start int) ast.Expr {
	all := p.next()
	p.expectPunct("(")
	if p.startsQuery() {
		return p.quantifiedQuery(left, op, all, start)
	}
	q := &ast.Quantified{Op: op, All: all.Text == "all", X: left}
	q.List, q.Of = p.listed()
	p.expectPunct(")")
	q.At = p.since(start)

	return q
}

// quantifiedQuery reads = ANY (query) and <> ALL (query), which are IN and NOT IN.
func (p *parser) quantifiedQuery(left ast.Expr, op string, all *lex.Token, start int) ast.Expr {
	i := &ast.In{X: left, Not: all.Text == "all", Respelled: true}
	switch {
	case op == "=" && !i.Not, (op == "<>" || op == "!=") && i.Not:
	default:
		p.unknown(all.At, op+" "+all.At.In(p.text)+" (query) is not read", "write EXISTS, or compare with a query's min() or max()")
	}
	i.Query = p.query()
	p.expectPunct(")")
	i.At = p.since(start)

	return i
}
