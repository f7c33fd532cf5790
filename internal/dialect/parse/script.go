package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// Script reads a text of several statements: temporary tables that are made, filled and changed, and queries. Errors are *Error.
func Script(text string, o Options) (all []ast.Statement, err error) {
	defer caught(&err)
	p := newParser(text, o)
	defer p.free()
	for {
		for p.takePunct(";") {
			continue
		}
		if p.peek().Kind == lex.EOF {
			if len(all) == 0 {
				p.fail("there is no statement")
			}
			return all, nil
		}
		all = append(all, p.scripted())
		if p.peek().Kind != lex.EOF && !p.punct(";") {
			p.unexpected()
		}
	}
}

// scripted reads a statement of a script.
func (p *parser) scripted() ast.Statement {
	start := p.peek().At.Start
	if p.startsQuery() || p.punct("(") {
		return p.selected(start)
	}
	t := p.peek()
	switch {
	case t.Kind != lex.Word:
	case p.take("create"):
		return p.create(start)
	case p.take("insert"):
		return p.insert(start)
	case p.take("update"):
		return p.update(start)
	case p.take("delete"):
		return p.deleted(start)
	case p.take("truncate"):
		return p.truncate(start)
	case p.take("alter"):
		return p.alter(start)
	case p.take("drop"):
		return p.drop(start)
	case idle[t.Text]:
		p.skip(";")
		return &ast.Idle{Stated: p.stated(start)}
	case t.Text == "merge":
		p.unknown(t.At, "MERGE is not read", "write the rows that it leaves as one SELECT, which the load puts in the target's place; into a temporary table, write UPDATE … FROM, and INSERT … SELECT … WHERE NOT EXISTS (…)")
	case t.Text == "rollback" || t.Text == "abort":
		p.unknown(t.At, "ROLLBACK is not read", "leave out what it takes back")
	}
	p.unknown(t.At, "only queries, and temporary tables that are made, filled and changed, are read", "write the query whose rows are the result as one SELECT")

	return nil
}

// idle are the first words of statements that change no rows.
var idle = set("begin", "commit", "end", "start", "analyze", "analyse", "vacuum", "grant", "revoke", "comment")

func (p *parser) stated(start int) ast.Stated { return ast.Stated{At: p.since(start)} }

// selected reads a query, or SELECT INTO.
func (p *parser) selected(start int) ast.Statement {
	p.into = nil
	p.scripting = true
	q := p.query()
	p.scripting = false
	if p.into == nil {
		return &ast.Result{Query: q, Stated: p.stated(start)}
	}
	return &ast.CreateAs{Name: *p.into, Query: q, Stated: p.stated(start)}
}

// local reads the name of a table that the script makes.
func (p *parser) local(what string) ast.Name {
	n := p.name()
	if p.punct(".") {
		p.unknown(n.At, what+" with a schema's name is not read: only temporary tables are made", "leave it out: the rows of the last SELECT are the result")
	}
	return n
}

// changed reads the name of a table that changes. One with a schema's name before it is not a table that the script made: the binder refuses it.
func (p *parser) changed() ast.Name {
	n := p.name()
	for p.takePunct(".") {
		n.Text += "." + p.anyName().Text
		n.At = n.At.To(p.done())
	}
	return n
}

func (p *parser) temporary(at lex.Span) {
	p.take("local")
	if !p.take("temp") && !p.take("temporary") {
		p.unknown(at, "only temporary tables are made here", "write CREATE TEMP TABLE, or leave all but the last SELECT out")
	}
}

func (p *parser) create(start int) ast.Statement {
	p.temporary(lex.Span{Start: start, End: p.done().End})
	p.expect("table")
	ifNot := p.ifNotExists()
	name := p.local("CREATE TABLE")
	if p.punct("(") && (p.punctAhead(2, ",") || p.punctAhead(2, ")")) {
		columns := p.names()
		return p.createAs(start, name, columns, ifNot)
	}
	if !p.punct("(") {
		return p.createAs(start, name, nil, ifNot)
	}

	c := &ast.CreateTable{Name: name, IfNotExists: ifNot}
	p.expectPunct("(")
	if p.word("like") {
		p.likeTable(c)
	} else {
		p.columnDefs(c)
	}
	p.expectPunct(")")
	p.storage()
	c.Stated = p.stated(start)

	return c
}

func (p *parser) createAs(start int, name ast.Name, columns []ast.Name, ifNot bool) ast.Statement {
	p.storage()
	p.expect("as")
	if !p.startsQuery() && !p.punct("(") {
		p.unexpected()
	}
	c := &ast.CreateAs{Name: name, Columns: columns, Query: p.query(), IfNotExists: ifNot}
	if p.take("with") {
		c.NoData = p.take("no")
		p.expect("data")
	}
	c.Stated = p.stated(start)

	return c
}

// storage passes over what Redshift's statements say of where rows are kept.
func (p *parser) storage() {
	for p.Redshift {
		switch {
		case p.take("compound"), p.take("interleaved"):
		case p.take("distkey"), p.take("sortkey"), p.take("encode"):
			if p.punct("(") {
				p.names()
			} else {
				p.next()
			}
		case p.take("diststyle"), p.take("backup"):
			p.next()
		default:
			return
		}
	}
}

func (p *parser) columnDef() ast.ColumnDef {
	c := ast.ColumnDef{Name: p.name(), Type: p.typeName()}
	for !p.punct(",") && !p.punct(")") && !p.punct(";") && p.peek().Kind != lex.EOF {
		switch t := p.peek(); {
		case p.take("null"):
		case p.take("not"):
			p.expect("null")
			c.NotNull = true
		case p.take("default"):
			c.Default = p.expr(bindIn)
		case p.Redshift && (p.take("distkey") || p.take("sortkey")):
		case p.Redshift && p.take("encode"):
			p.next()
		case p.columnConstraint(&c):
		default:
			p.unknown(t.At, "this property of a column is not read", "leave it out")
		}
	}
	return c
}

func (p *parser) insert(start int) ast.Statement {
	p.expect("into")
	i := &ast.Insert{Table: p.changed()}
	if p.punct("(") && !p.wordAhead(1, "select") && !p.wordAhead(1, "with") && !p.punctAhead(1, "(") {
		i.Columns = p.names()
	}
	if !p.startsQuery() && !p.punct("(") {
		p.unexpected()
	}
	i.Query = p.query()
	i.Stated = p.stated(start)

	return i
}

// target reads a table that changes, with its alias.
func (p *parser) target() (name, alias ast.Name) {
	p.take("only")
	name = p.changed()
	if t := p.peek(); p.take("as") || p.isName(t) && t.Text != "set" && t.Text != "using" {
		alias = p.name()
	}
	return name, alias
}

// where reads a condition; nil if there is none.
func (p *parser) where() ast.Expr {
	if !p.take("where") {
		return nil
	}
	return p.expr(0)
}

func (p *parser) update(start int) ast.Statement {
	u := &ast.Update{}
	u.Table, u.Alias = p.target()
	p.expect("set")
	for {
		if p.punct("(") {
			p.unknown(p.peek().At, "several columns at once are not read", "write each as column = value")
		}
		a := ast.Assignment{Column: p.name()}
		if t := p.next(); t.Kind != lex.Op || t.Text != "=" {
			p.at--
			p.unexpected()
		}
		if p.word("default") {
			p.unknown(p.peek().At, "DEFAULT is not read here", "write the value")
		}
		a.X = p.expr(0)
		u.Set = append(u.Set, a)
		if !p.takePunct(",") {
			break
		}
	}
	if p.take("from") {
		u.From = p.fromItems()
	}
	u.Where = p.where()
	u.Stated = p.stated(start)

	return u
}

func (p *parser) deleted(start int) ast.Statement {
	if !p.take("from") && !p.Redshift {
		p.unexpected()
	}
	d := &ast.Delete{}
	d.Table, d.Alias = p.target()
	if p.take("using") {
		d.Using = p.fromItems()
	}
	d.Where = p.where()
	d.Stated = p.stated(start)

	return d
}

func (p *parser) drop(start int) ast.Statement {
	if !p.take("table") {
		p.unknown(p.peek().At, "only tables are dropped here", "leave it out")
	}
	d := &ast.Drop{}
	if p.take("if") {
		p.expect("exists")
		d.IfExists = true
	}
	for {
		n := p.name()
		for p.takePunct(".") {
			n = p.anyName()
			n.Text = "." // of another schema: no table of the script
		}
		d.Names = append(d.Names, n)
		if !p.takePunct(",") {
			break
		}
	}
	if !p.take("cascade") {
		p.take("restrict")
	}
	d.Stated = p.stated(start)

	return d
}
