package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// limits reads LIMIT, OFFSET and FETCH, in any order that PostgreSQL takes.
func (p *parser) limits(q *ast.Query) {
	for {
		from := p.peek().At
		switch {
		case q.LimitAt == (lex.Span{}) && p.take("limit"):
			if q.LimitNone = p.take("all") || p.take("null"); !q.LimitNone {
				q.Limit = p.expr(0)
			}
			q.LimitAt = from.To(p.done())
		case q.Offset == nil && p.take("offset"):
			q.Offset = p.expr(0)
			if p.word("row") || p.word("rows") {
				q.OffsetRows = p.next().At
			}
			q.OffsetAt = from.To(p.done())
		case q.LimitAt == (lex.Span{}) && p.take("fetch"):
			p.fetch(q, from)
		default:
			return
		}
	}
}

func (p *parser) fetch(q *ast.Query, from lex.Span) {
	if !p.take("first") {
		p.expect("next")
	}
	if p.word("row") || p.word("rows") {
		p.unknown(from, "FETCH without a number is not read", "write LIMIT 1")
	}
	q.Limit, q.Fetch = p.expr(0), true
	if !p.take("row") {
		p.expect("rows")
	}
	if q.Ties = p.take("with"); q.Ties {
		p.expect("ties")
	} else {
		p.expect("only")
	}
	q.LimitAt = from.To(p.done())
}
