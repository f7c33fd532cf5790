package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// pivots reports whether Redshift's PIVOT or UNPIVOT comes next.
func (p *parser) pivots() bool { return p.Redshift && (p.word("pivot") || p.word("unpivot")) }

// pivot reads PIVOT (sum(x) FOR column IN (1 AS a, 2)) or UNPIVOT (value FOR name IN (a, b)) behind an item of FROM.
func (p *parser) pivot(of ast.From) ast.From {
	x := &ast.Pivot{Of: of}
	if x.Un = p.next().Text == "unpivot"; x.Un && (p.word("include") || p.word("exclude")) {
		x.Nulls = p.next().Text == "include"
		p.expect("nulls")
	}
	p.expectPunct("(")
	if x.Un {
		x.Value = p.name()
	} else {
		x.Aggregate = p.pivoted()
	}
	p.expect("for")
	x.For = p.name()
	p.expect("in")
	p.expectPunct("(")
	x.In = append(x.In, p.pivotItem())
	for p.takePunct(",") {
		x.In = append(x.In, p.pivotItem())
	}
	p.expectPunct(")")
	p.expectPunct(")")
	if p.take("as") || p.isName(p.peek()) && !notAlias[p.peek().Text] {
		x.Alias = p.name()
	}
	x.At = of.Span().To(p.done())

	return x
}

// pivoted reads the aggregate of PIVOT.
func (p *parser) pivoted() *ast.Call {
	t := p.peek()
	if t.Kind != lex.Word || !p.punctAhead(1, "(") {
		p.unexpected()
	}
	c, ok := p.called(t).(*ast.Call)
	if !ok {
		p.unknown(t.At, "only an aggregate is read here", "")
	}
	if p.word("as") || p.isName(p.peek()) {
		p.unknown(p.peek().At, "a name of PIVOT's aggregate is not read", "leave it out, and name the values behind IN")
	}
	return c
}

func (p *parser) pivotItem() ast.Item {
	it := ast.Item{X: p.expr(0)}
	if it.As = p.take("as"); it.As || p.isName(p.peek()) {
		it.Alias = p.anyName()
	}
	it.At = it.X.Span().To(p.done())

	return it
}
