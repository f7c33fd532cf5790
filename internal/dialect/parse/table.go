package parse

import (
	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// Table is what a CREATE TABLE statement says of a table.
type Table struct {
	Name    string // with the schema's name before it, if that was written
	Columns []TableColumn
}

// TableColumn is a column: its name and, as it is written, its type.
type TableColumn struct{ Name, Type string }

// Tables reads the CREATE TABLE statements of a text, and passes over the others. Errors are *Error.
func Tables(text string, o Options) (tables []Table, err error) {
	defer caught(&err)
	p := newParser(text, o)
	defer p.free()
	for p.peek().Kind != lex.EOF {
		if t, ok := p.table(); ok {
			tables = append(tables, t)
		}
		p.skip(";")
		p.takePunct(";")
	}

	return tables, nil
}

// table reads a CREATE TABLE; not ok if the statement is another one.
func (p *parser) table() (t Table, ok bool) {
	if !p.take("create") {
		return t, false
	}
	for p.word("temp") || p.word("temporary") || p.word("unlogged") || p.word("local") {
		p.next()
	}
	if !p.take("table") {
		return t, false
	}
	if p.take("if") {
		p.expect("not")
		p.expect("exists")
	}
	for {
		t.Name += p.anyName().Text
		if !p.takePunct(".") {
			break
		}
		t.Name += "."
	}
	if !p.takePunct("(") {
		return t, false // CREATE TABLE AS: its columns are not written
	}
	for !p.punct(")") {
		if !p.constraint() {
			c := TableColumn{Name: p.anyName().Text}
			c.Type = p.typeName().At.In(p.text)
			t.Columns = append(t.Columns, c)
		}
		p.skip(",")
		if !p.takePunct(",") {
			break
		}
	}
	p.expectPunct(")")

	return t, true
}

// constraint reports whether a constraint of the table comes next, in place of a column.
func (p *parser) constraint() bool {
	for _, w := range []string{"constraint", "primary", "foreign", "unique", "check", "exclude", "like"} {
		if p.word(w) {
			return true
		}
	}
	return false
}

// skip passes over tokens up to a mark, or to the end of what is in parentheses.
func (p *parser) skip(mark string) {
	for depth := 0; p.peek().Kind != lex.EOF; p.next() {
		switch {
		case p.punct("(") || p.punct("["):
			depth++
		case depth == 0 && (p.punct(mark) || p.punct(")") && mark == ","):
			return
		case p.punct(")") || p.punct("]"):
			depth--
		}
	}
}
