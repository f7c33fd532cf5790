package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Script writes a script as one query: each step is a query of WITH.
func Script(source string, s *sem.Script, o Options) (Result, []sem.Refusal) {
	p := &printer{Options: o}
	p.source = p.blanks(source)
	steps := make([]string, len(s.Steps))
	for i := range s.Steps {
		from := len(p.changes)
		steps[i] = p.step(&s.Steps[i])
		p.changes = slices.Insert(p.changes, from, Change{s.Steps[i].At, steps[i], "a temporary table is a query of WITH"})
	}
	body := p.query(s.Result)
	if len(p.refused) > 0 {
		return Result{}, p.refused
	}
	if len(steps) > 0 {
		rest := "\n" + body
		if word := len("WITH"); strings.EqualFold(body[:word], "WITH") {
			rest = "," + body[word:]
		}
		body = "WITH " + strings.Join(steps, ",\n") + rest
	}

	return Result{SQL: body, Changes: p.changes, Guards: p.guards()}, nil
}

func (p *printer) step(s *sem.Step) string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = p.quoted(c.Name)
	}
	return fmt.Sprintf("%s(%s) AS (%s)", s.Name, strings.Join(names, ", "), p.stepBody(s))
}

func (p *printer) stepBody(s *sem.Step) string {
	switch {
	case s.Picks != nil:
		return p.altered(s)
	case s.Changes && s.Values == nil:
		return "SELECT * FROM " + s.Before + " AS " + p.quoted(s.Alias) + " WHERE " + p.remaining(s)
	case s.Changes && s.From != nil:
		return p.updatedFrom(s)
	case s.Changes:
		return p.updated(s)
	case s.Query == nil:
		values := make([]string, len(s.Columns))
		for i, c := range s.Columns {
			values[i] = "CAST(NULL AS " + p.typeName(c.Type) + ")"
		}
		return "SELECT " + strings.Join(values, ", ") + " WHERE FALSE"
	case s.Before != "":
		return p.inserted(s)
	case s.Empty:
		return "SELECT * FROM (" + p.query(s.Query) + ") AS hindcast_q WHERE FALSE"
	}
	return p.query(s.Query)
}

// remaining is true of rows that a DELETE leaves.
func (p *printer) remaining(s *sem.Step) string {
	switch {
	case s.From != nil:
		return "NOT EXISTS (SELECT 1 FROM " + p.crossed(s.From) + " WHERE " + p.condition(s) + ")"
	case s.Where == nil:
		return "FALSE"
	}
	return "NOT coalesce(" + p.expr(s.Where).text + ", FALSE)"
}

func (p *printer) updated(s *sem.Step) string {
	list := make([]string, len(s.Columns))
	where := p.condition(s)
	for i, c := range s.Columns {
		list[i] = p.quoted(s.Alias) + "." + p.quoted(c.Name)
		if s.Values[i] != nil {
			list[i] = "CAST(CASE WHEN " + where + " THEN " + p.expr(s.Values[i]).text + " ELSE " + list[i] + " END AS " + p.typeName(c.Type) + ")"
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + s.Before + " AS " + p.quoted(s.Alias)
}

func (p *printer) inserted(s *sem.Step) string {
	columns := make([]string, len(s.Query.Columns))
	for i := range columns {
		columns[i] = fmt.Sprintf("c%d", i+1)
	}
	values := make([]string, len(s.Values))
	for i, v := range s.Values {
		values[i] = "CAST(" + p.expr(v).text + " AS " + p.typeName(s.Columns[i].Type) + ")"
	}
	return "SELECT * FROM " + s.Before + " UNION ALL SELECT " + strings.Join(values, ", ") + " FROM (" + p.query(s.Query) + ") AS hindcast_q(" + strings.Join(columns, ", ") + ")"
}

// fitText raises where a text is longer than N, unless only by blanks, which are cut.
func fitText(p *printer, e *sem.Expr, args []text) text {
	x := args[0].text
	short := p.cutBehind(x, "' '")
	length := "length(" + short + ")"
	if e.Text == "bytes" {
		length = p.bytes(short)
	}
	return text{text: p.raiseWhere(fmt.Sprintf("%s > %d", length, e.N), fmt.Sprintf("value too long for a column of %d", e.N), fmt.Sprintf("left(%s, %d)", x, e.N))}
}

func notNull(p *printer, e *sem.Expr, args []text) text {
	return text{text: p.raiseWhere(operand(args[0])+" IS NULL", "a NULL for the column "+e.Text+", which is NOT NULL", args[0].text)}
}
