package parse

import "github.com/hindcast/hindcast/internal/dialect/lex"

// nestedQuery reports whether a query that begins with parentheses comes next, such as (SELECT …) UNION SELECT …, and not a join in them.
func (p *parser) nestedQuery() bool {
	open := 0
	for p.punctAhead(open, "(") {
		open++
	}
	if first := p.ahead(open); open == 0 || first.Kind != lex.Word || first.Text != "select" && first.Text != "with" && first.Text != "values" {
		return false
	}

	depth := open
	for n := open; p.ahead(n).Kind != lex.EOF; n++ {
		switch {
		case p.punctAhead(n, "("):
			depth++
		case p.punctAhead(n, ")"):
			depth--
		}
		if depth >= open {
			continue
		}
		if !goesOn(p.ahead(n + 1)) {
			return false
		}
		if open = depth; open == 0 {
			return true
		}
	}

	return false
}

// behindQuery are words that only follow a query in parentheses if it is part of another one.
var behindQuery = set("union", "intersect", "except", "minus", "order", "limit", "offset", "fetch")

func goesOn(t *lex.Token) bool {
	return t.Kind == lex.Punct && t.Text == ")" || t.Kind == lex.Word && behindQuery[t.Text]
}
