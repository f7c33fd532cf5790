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
	if p.punct("[") {
		p.unknown(p.peek().At, "arrays of arrays are not read", "keep the rows as rows, or join the arrays by ||")
	}
	list := p.list()
	p.expectPunct("]")

	return list
}

// Why a path into a SUPER is refused, and what to write in its place.
const (
	superWhy     = "a path into a SUPER is not read"
	superInstead = "keep the document as a text, and read it by json_extract_path_text() and json_extract_array_element_text()"
)

// field refuses .name behind a value: it is only read behind the name of a table.
func (p *parser) field() {
	if p.Redshift {
		p.unknown(p.peek().At, superWhy, superInstead)
	}
	p.unknown(p.peek().At, "fields of a value are not read", "")
}

// element reads [n] behind a column or parentheses.
func (p *parser) element(x ast.Expr, start int) ast.Expr {
	open := p.peek().At
	if p.Redshift {
		p.unknown(open, superWhy, superInstead)
	}
	if _, column := x.(*ast.Column); !column && !x.Parens() {
		p.unknown(open, "a subscript is not read here", "write it behind a column, or behind parentheses around the array")
	}
	e := &ast.Subscript{X: x, Index: p.index()}
	e.At = p.since(start)

	return e
}

// index reads [n].
func (p *parser) index() ast.Expr {
	open := p.peek().At
	p.expectPunct("[")
	var n ast.Expr
	if !p.punct(":") {
		n = p.expr(0)
	}
	if !p.punct("]") {
		p.unknown(open, "only one position is read in brackets", "number the elements by unnest() WITH ORDINALITY, and filter")
	}
	p.expectPunct("]")

	return n
}
