package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
)

func (p *parser) truncate(start int) ast.Statement {
	p.take("table")
	t := &ast.Truncate{Tables: []ast.Name{p.changed()}}
	for p.takePunct(",") {
		t.Tables = append(t.Tables, p.changed())
	}
	t.Stated = p.stated(start)

	return t
}

// alter reads ALTER TABLE with one change.
func (p *parser) alter(start int) ast.Statement {
	if !p.take("table") {
		p.unknown(p.peek().At, "only temporary tables are altered here", "leave it out")
	}
	a := &ast.Alter{Table: p.changed()}
	switch t := p.peek(); {
	case p.take("add"):
		p.take("column")
		c := p.columnDef()
		a.Add = &c
	case p.take("drop"):
		p.take("column")
		a.Column = p.name()
		if !p.take("cascade") {
			p.take("restrict")
		}
	case p.take("rename"):
		if !p.take("to") {
			p.take("column")
			a.Column = p.name()
			p.expect("to")
		}
		a.To = p.name()
	case p.Redshift && p.word("append"):
		p.unknown(t.At, "ALTER TABLE APPEND takes no temporary tables in Redshift", "write INSERT INTO … SELECT")
	default:
		p.unknown(t.At, "this change of a table is not read", "write ADD COLUMN, DROP COLUMN or RENAME")
	}
	if p.punct(",") {
		p.unknown(p.peek().At, "only one change of a table is read at a time", "write ALTER TABLE for each")
	}
	a.Stated = p.stated(start)

	return a
}

func (p *parser) ifNotExists() bool {
	if !p.take("if") {
		return false
	}
	p.expect("not")
	p.expect("exists")

	return true
}

// likeTable reads LIKE other, in place of columns.
func (p *parser) likeTable(c *ast.CreateTable) {
	p.next()
	c.Like = p.dotted()
	if t := p.peek(); p.word("including") {
		p.unknown(t.At, "INCLUDING is not read", "write the columns")
	}
	if p.take("excluding") {
		p.next()
	}
	if p.punct(",") {
		p.unknown(p.peek().At, "nothing is read beside LIKE", "write the columns")
	}
}

func (p *parser) columnDefs(c *ast.CreateTable) {
	for {
		if p.constraint() {
			p.tableConstraint(c)
		} else {
			c.Columns = append(c.Columns, p.columnDef())
		}
		if !p.takePunct(",") {
			return
		}
	}
}

// notEnforced refuses a constraint that PostgreSQL holds rows to; Redshift takes it for a hint.
func (p *parser) notEnforced() {
	if !p.Redshift || p.word("check") || p.word("exclude") {
		p.unknown(p.peek().At, "constraints of temporary tables are not read", "leave it out, if the rows keep to it")
	}
}

// tableConstraint passes over a key of a table. The columns of a primary key are NOT NULL.
func (p *parser) tableConstraint(c *ast.CreateTable) {
	if p.take("constraint") {
		p.name()
	}
	p.notEnforced()
	switch {
	case p.take("primary"):
		p.expect("key")
		for _, n := range p.names() {
			for i := range c.Columns {
				c.Columns[i].NotNull = c.Columns[i].NotNull || c.Columns[i].Name.Text == n.Text
			}
		}
	case p.take("unique"):
		p.names()
	default:
		p.expect("foreign")
		p.expect("key")
		p.names()
		p.references()
	}
}

// columnConstraint passes over a key of a column, if one comes next.
func (p *parser) columnConstraint(c *ast.ColumnDef) bool {
	switch {
	case p.word("primary"):
		p.notEnforced()
		p.next()
		p.expect("key")
		c.NotNull = true
	case p.word("unique"):
		p.notEnforced()
		p.next()
	case p.word("references"):
		p.notEnforced()
		p.references()
	default:
		return false
	}
	return true
}

func (p *parser) references() {
	p.expect("references")
	p.dotted()
	if p.punct("(") {
		p.names()
	}
}
