package parse

import "github.com/hindcast/hindcast/internal/dialect/ast"

// listed reads an array in parentheses: the elements of one that is written there and has some, or else an expression.
func (p *parser) listed() (list []ast.Expr, of ast.Expr) {
	x := p.expr(0)
	if a, written := x.(*ast.Array); written && len(a.Items) > 0 {
		return a.Items, nil
	}
	return nil, x
}

// array reads ARRAY[a, b].
func (p *parser) array() []ast.Expr {
	p.expect("array")
	p.expectPunct("[")
	if p.takePunct("]") {
		return nil
	}
	list := p.list()
	p.expectPunct("]")

	return list
}

// element reads [n] behind a column or parentheses.
func (p *parser) element(x ast.Expr, start int) ast.Expr {
	open := p.peek().At
	if _, column := x.(*ast.Column); p.Redshift || !column && !x.Parens() {
		p.unknown(open, "a subscript is not read here", "write it behind a column, or behind parentheses around the array")
	}
	p.expectPunct("[")
	e := &ast.Subscript{X: x, Index: p.expr(0)}
	if !p.punct("]") {
		p.unknown(open, "only one position is read in brackets", "number the elements by unnest() WITH ORDINALITY, and filter")
	}
	p.expectPunct("]")
	e.At = p.since(start)

	return e
}
