package parse

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

func (p *parser) startsQuery() bool { return p.word("select") || p.word("with") || p.word("values") }

func (p *parser) query() *ast.Query {
	p.enter()
	defer p.leave()

	start := p.peek().At.Start
	q := &ast.Query{}
	if p.take("with") {
		q.Recursive = p.take("recursive")
		q.With = append(q.With, p.cte())
		for p.takePunct(",") {
			q.With = append(q.With, p.cte())
		}
	}
	q.Body = p.body(0)
	if p.take("order") {
		p.expect("by")
		q.Order = p.order()
	}
	p.limits(q)
	if p.word("for") {
		p.unknown(p.peek().At, "rows are not locked here", "leave FOR out")
	}
	q.At = p.since(start)

	return q
}

func (p *parser) cte() ast.CTE {
	start := p.peek().At.Start
	c := ast.CTE{Name: p.name()}
	if p.punct("(") {
		c.Columns = p.names()
	}
	p.expect("as")
	if from := p.peek().At; p.word("materialized") || p.word("not") {
		p.take("not")
		p.expect("materialized")
		c.Hint = from.To(p.done())
	}
	p.expectPunct("(")
	if !p.startsQuery() && !p.punct("(") {
		p.unknown(p.peek().At, "only queries are read in WITH", "")
	}
	c.Query = p.query()
	p.expectPunct(")")
	c.At = p.since(start)

	return c
}

// body reads SELECTs joined by set operations; INTERSECT binds tighter than UNION and EXCEPT.
func (p *parser) body(least int) ast.Body {
	left := p.simple()
	for n := 0; ; n++ {
		op, binds := "", 1
		switch t := p.peek(); {
		case t.Kind != lex.Word:
		case t.Text == "union" || t.Text == "except":
			op = t.Text
		case t.Text == "minus" && p.Redshift:
			op = "except"
		case t.Text == "intersect":
			op, binds = t.Text, 2
		}
		if op == "" || binds <= least {
			return left
		}
		if n > Longest {
			p.fail("too many queries are joined")
		}
		t := p.next()
		s := &ast.SetOp{Op: op, OpAt: t.At, Minus: t.Text == "minus", L: left}
		if s.All = p.take("all"); !s.All {
			p.take("distinct")
		}
		s.R = p.body(binds)
		s.At = left.Span().To(s.R.Span())
		left = s
	}
}

func (p *parser) simple() ast.Body {
	start := p.peek().At.Start
	switch {
	case p.word("select"):
		return p.selectBody()
	case p.take("values"):
		v := &ast.Values{}
		for {
			p.expectPunct("(")
			v.Rows = append(v.Rows, p.list())
			p.expectPunct(")")
			if !p.takePunct(",") {
				break
			}
		}
		v.At = p.since(start)
		return v
	case p.takePunct("("):
		q := p.query()
		p.expectPunct(")")
		return &ast.Nested{At: p.since(start), Query: q}
	case p.word("table"):
		p.unknown(p.peek().At, "TABLE is not read", "write SELECT * FROM")
	}

	p.unexpected()
	return nil
}

func (p *parser) selectBody() *ast.Select {
	s := &ast.Select{}
	start := p.next().At.Start
	p.quantifier(s)
	before := len(p.items)
	for more := true; more; more = p.takePunct(",") {
		it := p.item()
		p.items = append(p.items, it)
	}
	s.Items = slices.Clone(p.items[before:])
	p.items = p.items[:before]
	if from := p.peek().At; p.scripting && p.depth == 1 && p.into == nil && p.take("into") {
		p.temporary(from)
		p.take("table")
		name := p.local("SELECT INTO")
		p.into, s.Into = &name, from.To(p.done())
	}
	if p.word("into") {
		p.unknown(p.peek().At, "SELECT INTO is not read", "leave INTO out: the result is what the pipeline loads")
	}
	if p.take("from") {
		from := p.peek().At
		s.From = p.fromItems()
		s.FromAt = from.To(p.done())
	}
	p.clauses(s)
	s.At = p.since(start)
	s.End = s.At.End

	return s
}

// quantifier reads DISTINCT, ALL and TOP.
func (p *parser) quantifier(s *ast.Select) {
	if from := p.peek().At; p.take("distinct") {
		s.Distinct = true
		if p.take("on") {
			p.expectPunct("(")
			s.On = p.list()
			p.expectPunct(")")
		}
		s.DistinctAt = from.To(p.done())
	} else {
		p.take("all")
	}
	p.top(s)
}

func (p *parser) clauses(s *ast.Select) {
	if from := p.peek().At; p.take("where") {
		s.Where = p.expr(0)
		s.WhereAt = from.To(p.done())
	}
	if from := p.peek().At; p.take("group") {
		p.expect("by")
		for {
			s.Group = append(s.Group, p.groupKey())
			if !p.takePunct(",") {
				break
			}
		}
		s.GroupAt = from.To(p.done())
	}
	if from := p.peek().At; p.take("having") {
		s.Having = p.expr(0)
		s.HavingAt = from.To(p.done())
	}
	p.qualify(s)
	if p.take("window") {
		for {
			n := ast.Named{Name: p.name()}
			p.expect("as")
			n.Window = p.window()
			s.Windows = append(s.Windows, n)
			if !p.takePunct(",") {
				break
			}
		}
	}
}

func (p *parser) item() ast.Item {
	start := p.peek().At
	if t := p.peek(); t.Kind == lex.Op && t.Text == "*" {
		p.next()
		star := &ast.Star{Node: ast.Node{At: t.At}}
		p.starExclusion(star)
		return ast.Item{At: star.At, X: star}
	}

	it := ast.Item{X: p.expr(0)}
	switch t := p.peek(); {
	case p.take("as"):
		it.As, it.Alias = true, p.anyName()
	case p.isName(t) && !notAlias[t.Text] && !(p.Redshift && t.Text == "minus"):
		it.Alias = p.name()
	}
	if star, ok := it.X.(*ast.Star); ok && it.Alias.Text != "" {
		p.unknown(it.Alias.At, "nothing may follow "+star.At.In(p.text), "write the columns that are wanted")
	}
	it.At = start.To(p.done())

	return it
}

// fromItems reads the items of FROM, or of USING in DELETE.
func (p *parser) fromItems() []ast.From {
	items := []ast.From{p.joins(p.from())}
	for p.takePunct(",") {
		items = append(items, p.joins(p.from()))
	}
	return items
}

// dotted reads a table's name, and what stands before it.
func (p *parser) dotted() []ast.Name {
	parts := p.dottedAfter(p.name())
	for p.takePunct(".") {
		parts = append(parts, p.anyName())
	}
	return parts
}

func (p *parser) from() ast.From {
	start := p.peek().At.Start
	if p.word("lateral") {
		return p.lateral()
	}
	if p.takePunct("(") {
		if p.startsQuery() || p.nestedQuery() {
			return p.derived(start)
		}
		p.enter()
		inner := p.joins(p.from())
		p.leave()
		p.expectPunct(")")
		if _, joined := inner.(*ast.Join); !joined {
			p.unknown(inner.Span(), "parentheses around a single item of FROM are not read", "leave the parentheses out")
		}
		if p.isName(p.peek()) && !notAlias[p.peek().Text] || p.word("as") {
			p.unknown(p.peek().At, "an alias of a join is not read", "leave the alias out")
		}
		return inner
	}

	if p.punctAhead(1, "(") && (p.word("generate_series") || p.word("unnest")) {
		return p.rowsOf(start)
	}
	t := &ast.Table{Parts: p.dotted()}
	if p.punct("(") {
		p.unknown(t.Parts[0].At, "functions are not read in FROM", "")
	}
	if o := p.peek(); o.Kind == lex.Op && o.Text == "*" {
		p.unexpected()
	}
	t.Alias, t.As, t.Columns = p.alias()
	t.At = p.since(start)
	if p.pivots() {
		return p.pivot(t)
	}

	return t
}

func (p *parser) derived(start int) ast.From {
	d := &ast.Derived{Query: p.query()}
	p.expectPunct(")")
	d.Alias, d.As, d.Columns = p.alias()
	d.At = p.since(start)
	if p.pivots() {
		return p.pivot(d)
	}
	if d.Alias.Text == "" {
		p.unknown(lex.Span{Start: start, End: start + 1}, "a query in FROM needs an alias", "write AS and a name behind it")
	}

	return d
}

func (p *parser) alias() (name ast.Name, as bool, columns []ast.Name) {
	t := p.peek()
	switch as = p.take("as"); {
	case as:
		name = p.name()
	case p.isName(t) && !notAlias[t.Text]:
		name = p.name()
	default:
		if notAlias[t.Text] && t.Kind == lex.Word && t.Text != "between" && t.Text != "escape" && !(p.Redshift && (t.Text == "qualify" || p.pivots())) {
			p.unknown(t.At, t.At.In(p.text)+" is not read here", "")
		}
		return name, as, nil
	}
	if p.punct("(") {
		columns = p.names()
	}
	if p.word("tablesample") {
		p.unknown(p.peek().At, "TABLESAMPLE is not read", "")
	}

	return name, as, columns
}

// joinKind reads the words up to and including JOIN; "" if there are none.
func (p *parser) joinKind() string {
	t := p.peek()
	if t.Kind != lex.Word {
		return ""
	}
	switch t.Text {
	case "join":
		p.next()
		return "inner"
	case "inner", "cross":
		p.next()
		p.expect("join")
		return t.Text
	case "left", "right", "full":
		p.next()
		p.take("outer")
		p.expect("join")
		return t.Text
	}

	return ""
}

// joins reads what is joined to an item.
func (p *parser) joins(left ast.From) ast.From {
	for n := 0; ; n++ {
		natural := p.peek().At
		if !p.take("natural") {
			natural = lex.Span{}
		}
		kind := p.joinKind()
		if kind == "" {
			if natural != (lex.Span{}) {
				p.unexpected()
			}
			return left
		}
		if n > Deepest {
			p.fail("too many tables are joined")
		}
		j := &ast.Join{Kind: kind, L: left, R: p.from(), Natural: natural}
		if kind != "cross" && natural == (lex.Span{}) {
			if !p.word("on") && !p.word("using") {
				p.enter()
				j.R = p.joins(j.R)
				p.leave()
			}
			if p.take("on") {
				j.On = p.expr(0)
			} else {
				p.expect("using")
				j.Using = p.names()
				if p.word("as") {
					p.unknown(p.peek().At, "an alias behind USING is not read", "leave the alias out")
				}
			}
		}
		j.At = left.Span().To(p.done())
		left = j
	}
}

func (p *parser) order() []ast.Order {
	var keys []ast.Order
	for {
		from := p.peek().At
		k := ast.Order{X: p.expr(0)}
		switch {
		case p.take("asc"):
		case p.take("desc"):
			k.Desc = true
		case p.word("using"):
			p.unknown(p.peek().At, "USING is not read here", "write ASC or DESC")
		}
		if p.take("nulls") {
			switch {
			case p.take("first"):
				k.Nulls = "first"
			default:
				p.expect("last")
				k.Nulls = "last"
			}
		}
		k.At = from.To(p.done())
		keys = append(keys, k)
		if !p.takePunct(",") {
			return keys
		}
	}
}

// window reads (PARTITION BY … ORDER BY … frame).
func (p *parser) window() *ast.Window {
	w := &ast.Window{}
	start := p.peek().At.Start
	p.expectPunct("(")
	if t := p.peek(); t.Kind == lex.Quoted || t.Kind == lex.Word && !inWindow(t.Text) {
		w.Base = p.name()
	}
	if p.take("partition") {
		p.expect("by")
		w.Partition = p.list()
	}
	if p.take("order") {
		p.expect("by")
		w.Order = p.order()
	}
	if p.word("rows") || p.word("range") || p.word("groups") {
		w.Frame = p.frame()
	}
	p.expectPunct(")")
	w.At = p.since(start)

	return w
}

// inWindow reports whether a word begins a part of a window, and is not the name of another one.
func inWindow(w string) bool {
	switch w {
	case "partition", "order", "rows", "range", "groups":
		return true
	}
	return false
}

func (p *parser) frame() *ast.Frame {
	t := p.next()
	f := &ast.Frame{Mode: t.Text, End: ast.Bound{Kind: "current row"}}
	if p.take("between") {
		f.Start = p.bound()
		p.expect("and")
		f.End = p.bound()
	} else {
		f.Start = p.bound()
	}
	p.frameExclusion(f)
	f.At = t.At.To(p.done())

	return f
}

func (p *parser) bound() ast.Bound {
	switch {
	case p.take("unbounded"):
		if p.take("preceding") {
			return ast.Bound{Kind: "unbounded preceding"}
		}
		p.expect("following")
		return ast.Bound{Kind: "unbounded following"}
	case p.take("current"):
		p.expect("row")
		return ast.Bound{Kind: "current row"}
	}

	b := ast.Bound{Offset: p.expr(0)}
	if b.Kind = "preceding"; !p.take(b.Kind) {
		b.Kind = "following"
		p.expect(b.Kind)
	}

	return b
}
