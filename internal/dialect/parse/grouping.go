package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// groupKey reads an item of GROUP BY.
func (p *parser) groupKey() ast.Expr {
	start := p.peek().At.Start
	g := &ast.Grouping{}
	switch t := p.peek(); {
	case t.Kind == lex.Word && (t.Text == "rollup" || t.Text == "cube") && p.punctAhead(1, "("):
		g.Kind = p.next().Text
	case t.Kind == lex.Word && t.Text == "grouping" && p.wordAhead(1, "sets"):
		p.at += 2
		g.Kind = "sets"
	case p.punct("(") && p.punctAhead(1, ")"):
		p.at += 2
		g.At = p.since(start)
		return g
	default:
		return p.expr(0)
	}

	p.enter()
	defer p.leave()
	read := func() ast.Expr { return p.expr(0) }
	if g.Kind == "sets" {
		read = p.groupKey
	}
	p.expectPunct("(")
	g.Items = append(g.Items, read())
	for p.takePunct(",") {
		g.Items = append(g.Items, read())
	}
	p.expectPunct(")")
	g.At = p.since(start)

	return g
}

// qualify reads Redshift's QUALIFY.
func (p *parser) qualify(s *ast.Select) {
	if !p.word("qualify") {
		return
	}
	from := p.peek().At
	if !p.Redshift {
		p.unknown(from, "PostgreSQL does not have QUALIFY", "filter in an outer query")
	}
	p.next()
	s.Qualify = p.expr(0)
	s.QualifyAt = from.To(p.done())
}

// top reads Redshift's TOP n, before or behind DISTINCT.
func (p *parser) top(s *ast.Select) {
	from := p.peek().At
	if !p.Redshift || !p.take("top") {
		return
	}
	parens := p.takePunct("(")
	s.Top = p.primary()
	if parens {
		p.expectPunct(")")
	}
	s.TopAt = from.To(p.done())
	if at := p.peek().At; !s.Distinct && p.take("distinct") {
		s.Distinct, s.DistinctAt = true, at
	}
}

// frameExclusion reads EXCLUDE in a frame.
func (p *parser) frameExclusion(f *ast.Frame) {
	from := p.peek().At
	if !p.take("exclude") {
		return
	}
	switch {
	case p.take("current"):
		p.expect("row")
	case p.take("no"):
		p.expect("others")
	case !p.take("group"):
		p.expect("ties")
	}
	f.Exclude = from.To(p.done())
}

// starExclusion reads Redshift's * EXCLUDE a, or (a, b).
func (p *parser) starExclusion(star *ast.Star) {
	if !p.word("exclude") {
		return
	}
	if !p.Redshift {
		p.unknown(p.peek().At, "EXCLUDE is not read", "write the columns that are wanted")
	}
	p.next()
	if p.punct("(") {
		star.Exclude = p.names()
	} else {
		star.Exclude = []ast.Name{p.name()}
	}
	star.At = p.since(star.At.Start)
}
