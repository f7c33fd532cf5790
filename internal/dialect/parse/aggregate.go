package parse

import "github.com/hindcast/hindcast/internal/dialect/ast"

// within reads WITHIN GROUP (ORDER BY …).
func (p *parser) within(c *ast.Call) {
	if !p.word("within") || !p.wordAhead(1, "group") {
		return
	}
	if len(c.Order) > 0 {
		p.unexpected()
	}
	p.at += 2
	p.expectPunct("(")
	p.expect("order")
	p.expect("by")
	c.Order, c.Within = p.order(), true
	p.expectPunct(")")
}

// nullTreatment reads IGNORE NULLS and RESPECT NULLS, in the parentheses or behind them.
func (p *parser) nullTreatment(c *ast.Call) {
	if (p.word("ignore") || p.word("respect")) && p.wordAhead(1, "nulls") {
		if c.Nulls != "" {
			p.unexpected()
		}
		c.Nulls = p.next().Text
		p.next()
	}
}

// refuseEstimates refuses Redshift's APPROXIMATE before an aggregate: each system estimates in its own way.
func (p *parser) refuseEstimates() {
	t := p.peek()
	if !p.Redshift || t.Text != "approximate" {
		return
	}
	switch {
	case p.wordAhead(1, "count"):
		p.unknown(t.At, "engines do not estimate as Redshift does", "leave APPROXIMATE out: count(DISTINCT …) counts exactly")
	case p.wordAhead(1, "percentile_disc"):
		p.unknown(t.At, "engines do not estimate as Redshift does", "number the rows by row_number() and filter in an outer query")
	}
}
