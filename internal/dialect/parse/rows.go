package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// lateral reads LATERAL (query).
func (p *parser) lateral() ast.From {
	from := p.next().At
	if p.word("unnest") && p.punctAhead(1, "(") {
		return p.unnest(from.Start)
	}
	if !p.takePunct("(") || !p.startsQuery() {
		p.unknown(from, "LATERAL is only read before a query", "leave it out before a function")
	}
	d, ok := p.derived(from.Start).(*ast.Derived)
	if !ok {
		p.unknown(from, "LATERAL is not read before PIVOT and UNPIVOT", "write them in a query in FROM")
	}
	d.Lateral, d.LateralAt = true, from

	return d
}

// rowsOf reads a function in FROM.
func (p *parser) rowsOf(start int) ast.From {
	if p.word("unnest") {
		return p.unnest(start)
	}
	t := p.next()
	p.expectPunct("(")
	s := &ast.Series{Call: &ast.Call{Name: t.Text, NameAt: t.At}}
	s.Call.Args = p.list()
	p.expectPunct(")")
	s.Call.At = p.since(start)
	p.noOrdinality()
	s.Alias, s.As, s.Columns = p.alias()
	s.At = p.since(start)

	return s
}

func (p *parser) noOrdinality() {
	if p.word("with") && p.wordAhead(1, "ordinality") {
		p.unknown(p.peek().At, "WITH ORDINALITY is only read behind unnest()", "number the rows by row_number()")
	}
}

func (p *parser) unnest(start int) ast.From {
	p.at += 2
	u := &ast.Unnest{}
	u.List, u.Of = p.listed()
	if p.punct(",") {
		p.unknown(lex.Span{Start: start, End: p.peek().At.End}, "unnest is only read of one array", "number the elements of each by WITH ORDINALITY, and join them")
	}
	p.expectPunct(")")
	if p.take("with") {
		p.expect("ordinality")
		u.Ordinality = true
	}
	u.CallAt = p.since(start)
	u.Alias, u.As, u.Columns = p.alias()
	u.At = p.since(start)

	return u
}
