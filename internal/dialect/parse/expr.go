package parse

import (
	"slices"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// How tightly PostgreSQL's operators bind, from loosest to tightest.
const (
	bindOr = iota + 1
	bindAnd
	bindNot
	bindIs
	bindCompare
	bindIn // BETWEEN, IN, LIKE
	bindOther
	bindAdd
	bindMultiply
	bindPower
	bindAt
	bindCollate
	bindSign
)

// infix says how tightly the next token binds as an operator between two expressions; 0 if it is none.
func (p *parser) infix() int {
	switch t := p.peek(); t.Kind {
	case lex.Op:
		switch t.Text {
		case "<", ">", "=", "<=", ">=", "<>", "!=":
			return bindCompare
		case "+", "-":
			return bindAdd
		case "*", "/", "%":
			return bindMultiply
		case "^":
			return bindPower
		}
		return bindOther
	case lex.Word:
		if b := infixWord(t.Text); b > 0 {
			return b
		}
		if t.Text == "not" && (p.wordAhead(1, "in") || p.wordAhead(1, "like") || p.wordAhead(1, "ilike") || p.wordAhead(1, "similar") || p.wordAhead(1, "between")) {
			return bindIn
		}
		if t.Text == "at" && p.wordAhead(1, "time") {
			return bindAt
		}
	default:
	}

	return 0
}

// infixWord says how tightly a word binds that is an operator wherever it stands between two expressions; 0 if it is none.
func infixWord(w string) int {
	switch w {
	case "or":
		return bindOr
	case "and":
		return bindAnd
	case "is", "isnull", "notnull":
		return bindIs
	case "between", "in", "like", "ilike", "similar", "overlaps":
		return bindIn
	case "collate":
		return bindCollate
	}
	return 0
}

// expr reads an expression whose operators bind more tightly than least. Chains are read in a loop; only what is nested recurses.
func (p *parser) expr(least int) ast.Expr {
	p.enter()
	defer p.leave()

	start := p.peek().At.Start
	left := p.prefix(least)
	for n := 0; ; n++ {
		binds := p.infix()
		if binds == 0 || binds <= least {
			return left
		}
		if n > Longest {
			p.fail("too many operators follow each other")
		}
		left = p.operation(left, binds, start)
		if (binds == bindCompare || binds == bindIn) && p.infix() == binds {
			p.unexpected() // these do not associate
		}
	}
}

// operation reads an operator behind left, and what belongs to it.
func (p *parser) operation(left ast.Expr, binds, start int) ast.Expr {
	switch binds {
	case bindOr, bindAnd:
		return p.logical(left, binds, start)
	case bindIs:
		return p.is(left, start)
	case bindIn:
		return p.membership(left, start)
	case bindAt:
		return p.atTimeZone(left, start)
	case bindCollate:
		return p.collate(left, start)
	}

	t := p.next()
	if p.word("any") || p.word("all") || p.word("some") {
		return p.quantified(left, t.Text, start)
	}
	b := &ast.Binary{Op: t.Text, L: left, R: p.expr(binds)}
	b.At = p.since(start)

	return b
}

func (p *parser) collate(left ast.Expr, start int) ast.Expr {
	p.next()
	name := p.name()
	if p.punct(".") {
		p.unknown(p.since(start), "a collation of a schema is not read", "write COLLATE \"C\"")
	}
	c := &ast.Collate{X: left, Collation: name.Text}
	c.At = p.since(start)

	return c
}

func (p *parser) logical(left ast.Expr, binds, start int) ast.Expr {
	word := "or"
	if binds == bindAnd {
		word = "and"
	}
	before := len(p.exprs)
	p.push(left)
	for p.take(word) {
		if len(p.exprs)-before > Longest {
			p.fail("too many conditions follow each other")
		}
		p.push(p.expr(binds))
	}
	l := &ast.Logical{And: binds == bindAnd, Args: p.pushed(before)}
	l.At = p.since(start)

	return l
}

func (p *parser) is(left ast.Expr, start int) ast.Expr {
	i := &ast.Is{X: left, What: "null"}
	switch {
	case p.take("isnull"):
	case p.take("notnull"):
		i.Not = true
	default:
		p.next()
		i.Not = p.take("not")
		if p.take("distinct") {
			p.expect("from")
			d := &ast.Distinct{L: left, R: p.expr(bindIs), Not: i.Not}
			d.At = p.since(start)
			return d
		}
		if t := p.peek(); p.word("null") || p.word("true") || p.word("false") || p.word("unknown") {
			i.What = t.Text
			p.next()
		} else {
			p.unexpected()
		}
	}
	i.At = p.since(start)

	return i
}

func (p *parser) membership(left ast.Expr, start int) ast.Expr {
	not := p.take("not")
	t := p.next()
	switch t.Text {
	case "between":
		symmetric := p.peek().At
		if p.take("symmetric") {
			p.unknown(symmetric, "SYMMETRIC is not read", "write least() and greatest() for the bounds")
		}
		p.take("asymmetric")
		b := &ast.Between{X: left, Not: not, Low: p.expr(bindIn)}
		p.expect("and")
		b.High = p.expr(bindIn)
		b.At = p.since(start)
		return b
	case "like", "ilike", "similar":
		l := &ast.Like{X: left, Not: not, Word: t.Text}
		if t.Text == "similar" {
			p.expect("to")
		}
		if p.word("any") || p.word("all") || p.word("some") {
			p.unknown(p.peek().At, "ANY and ALL are not read", "write one LIKE for each pattern")
		}
		l.Pattern = p.expr(bindIn)
		if p.take("escape") {
			l.Escape = p.expr(bindIn)
		}
		l.At = p.since(start)
		return l
	case "in":
		return p.in(left, not, start)
	}

	p.unknown(t.At, t.At.In(p.text)+" is not read", "write LIKE, or compare in another way")
	return nil
}

func (p *parser) in(left ast.Expr, not bool, start int) ast.Expr {
	i := &ast.In{X: left, Not: not}
	p.expectPunct("(")
	if p.startsQuery() {
		i.Query = p.query()
	} else {
		i.List = p.list()
	}
	p.expectPunct(")")
	if len(i.List) == 1 {
		if s, ok := i.List[0].(*ast.Scalar); ok {
			i.Query, i.List = s.Query, nil
		}
	}
	i.At = p.since(start)

	return i
}

// prefixes are how the operators that stand before a number bind: signs, the other bits, the roots, and the absolute value.
var prefixes = map[string]int{"-": bindSign, "+": bindSign, "~": bindOther, "|/": bindOther, "||/": bindOther, "@": bindOther}

// prefix reads NOT, a sign or another operator, or what stands without one.
func (p *parser) prefix(least int) ast.Expr {
	t := p.peek()
	switch {
	case t.Kind == lex.Word && t.Text == "not":
		if least > bindNot {
			p.unexpected()
		}
		p.next()
		u := &ast.Unary{Op: "not", X: p.expr(bindNot - 1)}
		u.At = p.since(t.At.Start)
		return u
	case t.Kind == lex.Op:
		binds := prefixes[t.Text]
		if binds == 0 {
			p.unexpected()
		}
		p.next()
		u := &ast.Unary{Op: t.Text, X: p.expr(binds)}
		u.At = p.since(t.At.Start)
		return u
	}

	return p.postfix(t.At.Start)
}

// postfix reads an expression without operators before it, and the casts behind it.
func (p *parser) postfix(start int) ast.Expr {
	x := p.primary()
	for n := 0; ; n++ {
		switch {
		case n > Deepest:
			p.fail("too many casts follow each other")
		case p.takePunct("::"):
			c := &ast.Cast{X: x, Type: p.typeName()}
			c.At = p.since(start)
			x = c
		case p.punct("["):
			x = p.element(x, start)
		case p.punct("."):
			p.field()
		default:
			return x
		}
	}
}

func (p *parser) list() []ast.Expr {
	before := len(p.exprs)
	for more := true; more; more = p.takePunct(",") {
		p.push(p.expr(0))
	}
	return p.pushed(before)
}

// push adds to the list that is being read.
func (p *parser) push(x ast.Expr) { p.exprs = append(p.exprs, x) }

// pushed is the list that was begun when the stack had so many.
func (p *parser) pushed(before int) []ast.Expr {
	list := slices.Clone(p.exprs[before:])
	p.exprs = p.exprs[:before]
	return list
}

func (p *parser) primary() ast.Expr {
	t := p.peek()
	switch t.Kind {
	case lex.Integer, lex.Decimal:
		p.next()
		return &ast.Number{Node: ast.Node{At: t.At}, Text: t.Text, Integer: t.Kind == lex.Integer}
	case lex.String:
		p.next()
		p.checkString(t)
		return &ast.String{Node: ast.Node{At: t.At}, Value: t.Text, Form: t.Form}
	case lex.Param:
		p.next()
		return &ast.Param{Node: ast.Node{At: t.At}, Name: t.Text}
	case lex.Quoted:
		return p.reference()
	case lex.Word:
		return p.wordExpr(t)
	default:
	}
	if t.Text == "(" {
		return p.parens(t)
	}

	p.unexpected()
	return nil
}

func (p *parser) checkString(t *lex.Token) {
	switch t.Form {
	case 'B', 'X':
		p.unknown(t.At, "bit strings are not read", "")
	case 'N', 'U':
		p.unknown(t.At, "texts of this form are not read", "write a plain text in single quotes")
	}
}

// parens reads what begins with a parenthesis: a query, a row, or an expression.
func (p *parser) parens(t *lex.Token) ast.Expr {
	p.next()
	if p.startsQuery() {
		s := &ast.Scalar{Query: p.query()}
		p.expectPunct(")")
		s.At = p.since(t.At.Start)
		return s
	}
	x := p.expr(0)
	if p.punct(",") {
		row := &ast.Row{Items: []ast.Expr{x}}
		for p.takePunct(",") {
			row.Items = append(row.Items, p.expr(0))
		}
		p.expectPunct(")")
		row.At = p.since(t.At.Start)
		return row
	}
	if p.word("union") || p.word("except") || p.word("intersect") || p.word("minus") {
		p.unknown(t.At, "a set operation whose first query stands in parentheses is not read here", "leave those parentheses out")
	}
	p.expectPunct(")")
	if w, ok := x.(interface{ Wrap() }); ok {
		if _, scalar := x.(*ast.Scalar); !scalar {
			w.Wrap()
		}
	}

	return x
}

// wordExpr reads what begins with a word.
func (p *parser) wordExpr(t *lex.Token) ast.Expr {
	node := ast.Node{At: t.At}
	switch t.Text {
	case "null":
		p.next()
		return &ast.Null{Node: node}
	case "true", "false":
		p.next()
		return &ast.Bool{Node: node, Value: t.Text == "true"}
	case "case":
		return p.caseExpr()
	case "cast":
		return p.cast()
	case "exists":
		if p.punctAhead(1, "(") {
			return p.exists()
		}
	case "interval":
		if p.ahead(1).Kind == lex.String {
			return p.interval()
		}
	case "array":
		if p.punctAhead(1, "[") && !p.Redshift {
			a := &ast.Array{Items: p.array()}
			a.At = p.since(t.At.Start)
			return a
		}
		if p.punctAhead(1, "(") && !p.Redshift {
			p.unknown(t.At, "ARRAY of a query is not read", "write array_agg() in the query")
		}
		fallthrough
	case "row", "xmlelement", "treat", "normalize", "nextval":
		if p.punctAhead(1, "(") || p.punctAhead(1, "[") {
			p.unknown(t.At, t.At.In(p.text)+" is not read", "")
		}
	case "current_date", "current_timestamp", "localtimestamp", "current_time", "localtime", "current_user", "session_user", "user", "current_catalog",
		"current_role", "current_schema":
		return p.niladic(t)
	case "sysdate":
		if p.Redshift {
			return p.niladic(t)
		}
	}
	p.refuseEstimates()
	if p.punctAhead(1, "(") && !p.outerMark(1) {
		return p.called(t)
	}
	if c := p.typedLiteral(); c != nil {
		return c
	}

	return p.reference()
}

func (p *parser) niladic(t *lex.Token) ast.Expr {
	p.next()
	if p.punct("(") {
		p.unknown(p.peek().At, "nothing is read in parentheses behind "+t.At.In(p.text), "leave the parentheses out")
	}
	return &ast.Call{Node: ast.Node{At: t.At}, Name: t.Text, NameAt: t.At}
}

func (p *parser) exists() ast.Expr {
	start := p.next().At.Start
	p.expectPunct("(")
	if !p.startsQuery() {
		p.unexpected()
	}
	e := &ast.Exists{Query: p.query()}
	p.expectPunct(")")
	e.At = p.since(start)

	return e
}

func (p *parser) caseExpr() ast.Expr {
	start := p.next().At.Start
	c := &ast.Case{}
	if !p.word("when") {
		c.Operand = p.expr(0)
	}
	for p.take("when") {
		c.When = append(c.When, p.expr(0))
		p.expect("then")
		c.Then = append(c.Then, p.expr(0))
	}
	if len(c.When) == 0 {
		p.unexpected()
	}
	if p.take("else") {
		c.Else = p.expr(0)
	}
	p.expect("end")
	c.At = p.since(start)

	return c
}

func (p *parser) cast() ast.Expr {
	start := p.next().At.Start
	p.expectPunct("(")
	c := &ast.Cast{X: p.expr(0)}
	p.expect("as")
	c.Type = p.typeName()
	p.expectPunct(")")
	c.At = p.since(start)

	return c
}

// interval reads INTERVAL '…' and the fields behind it.
func (p *parser) interval() ast.Expr {
	start := p.next().At.Start
	t := p.next()
	p.checkString(t)
	i := &ast.Interval{Text: t.Text}
	if f := p.peek(); f.Kind == lex.Word && intervalFields[f.Text] {
		i.Field = p.next().Text
		if p.take("to") {
			if f = p.peek(); f.Kind != lex.Word || !intervalFields[f.Text] {
				p.unexpected()
			}
			i.Field += " to " + p.next().Text
		}
		if p.punct("(") {
			p.unknown(p.peek().At, "a field's precision is not read", "leave it out")
		}
	}
	i.At = p.since(start)

	return i
}

var intervalFields = set("year", "month", "day", "hour", "minute", "second")

// typedLiteral reads DATE '…' and the like; nil if there is none.
func (p *parser) typedLiteral() ast.Expr {
	t := p.peek()
	n := 1
	switch t.Text {
	case "timestamp", "time":
		if (p.wordAhead(1, "with") || p.wordAhead(1, "without")) && p.wordAhead(2, "time") && p.wordAhead(3, "zone") {
			n = 4
		}
	case "double", "character":
		n = 2
	}
	if p.ahead(n).Kind != lex.String || !simpleTypes[t.Text] {
		return nil
	}

	c := &ast.Cast{Type: p.typeName(), Literal: true}
	s := p.next()
	p.checkString(s)
	c.X = &ast.String{Node: ast.Node{At: s.At}, Value: s.Text, Form: s.Form}
	c.At = p.since(t.At.Start)

	return c
}

var simpleTypes = set("date", "timestamp", "timestamptz", "time", "timetz", "int", "integer", "int2", "int4", "int8", "smallint", "bigint", "numeric",
	"decimal", "dec", "real", "float", "float4", "float8", "double", "text", "varchar", "char", "character", "bool", "boolean", "bpchar", "nvarchar", "nchar")

// typeName reads the name of a type.
func (p *parser) typeName() ast.Type {
	first := p.peek()
	if first.Kind != lex.Word {
		p.unknown(first.At, "this type is not known", "")
	}
	t := ast.Type{Name: p.next().Text}
	switch {
	case t.Name == "double" && p.take("precision"):
		t.Name = "double precision"
	case (t.Name == "character" || t.Name == "char" || t.Name == "bit") && p.take("varying"):
		t.Name += " varying"
	}
	if p.takePunct("(") {
		for {
			t.Args = append(t.Args, p.typeArg(t.Name))
			if !p.takePunct(",") {
				break
			}
		}
		p.expectPunct(")")
	}
	if (t.Name == "timestamp" || t.Name == "time") && (p.word("with") || p.word("without")) && p.wordAhead(1, "time") {
		if p.next().Text == "with" {
			t.Name += "tz"
		}
		p.expect("time")
		p.expect("zone")
	}
	t.Array = p.punctAhead(1, "]") && !p.Redshift && p.takePunct("[") && p.takePunct("]")
	if p.punct("[") || p.word("array") || p.punct(".") {
		p.unknown(first.At, "this type is not known", "")
	}
	t.At = p.since(first.At.Start)

	return t
}

func (p *parser) typeArg(name string) int {
	n := p.peek()
	if n.Kind == lex.Word && n.Text == "max" && p.Redshift && name != "numeric" {
		p.next()
		return 65535
	}
	if n.Kind != lex.Integer || len(n.Text) > 8 {
		p.unexpected()
	}
	p.next()
	v := 0
	for _, c := range []byte(n.Text) {
		v = v*10 + int(c-'0')
	}

	return v
}

// outerMark reports whether (+) stands n tokens ahead.
func (p *parser) outerMark(n int) bool {
	plus := p.ahead(n + 1)
	return p.Redshift && p.punctAhead(n, "(") && plus.Kind == lex.Op && plus.Text == "+" && p.punctAhead(n+2, ")")
}

// reference reads a column, or t.*.
func (p *parser) reference() ast.Expr {
	start := p.peek().At.Start
	parts := p.dottedAfter(p.name())
	for p.takePunct(".") {
		if o := p.peek(); o.Kind == lex.Op && o.Text == "*" {
			p.next()
			return &ast.Star{Node: ast.Node{At: p.since(start)}, Table: parts}
		}
		parts = append(parts, p.anyName())
	}
	if p.punct("(") && !p.outerMark(0) {
		p.unknown(parts[0].At, "functions of a schema are not known", "")
	}
	if len(p.columns) == 0 {
		p.columns = make([]ast.Column, 16)
	}
	c := &p.columns[0]
	p.columns = p.columns[1:]
	c.At, c.Parts = p.since(start), parts
	if p.outerMark(0) {
		p.at += 3
		c.Outer = true
		c.At = p.since(start)
	}

	return c
}
