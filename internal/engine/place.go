package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Single returns the one statement of the query's text and the offset at which it starts; E-SQL-NOT-SELECT if there are
// more or none.
func (q Query) Single() (text string, start int, err error) {
	statements := q.Dialect.Statements(q.SQL)
	if len(statements) == 1 {
		return statements[0].Text, statements[0].Offset, nil
	}

	e := &hindcast.Error{Code: hindcast.ESQLNotSelect, Class: hindcast.ClassPermanent, Place: hindcast.Place{File: q.File},
		Message: "the SQL must be one SELECT; it is empty", Next: "write the SELECT that makes a slice's rows"}
	if len(statements) > 1 {
		e.Place = q.Place(statements[1].Offset)
		e.Message = fmt.Sprintf("the SQL must be one SELECT; there are %d statements", len(statements))
		e.Next = "use WITH … SELECT instead of several statements"
	}
	return "", 0, e
}

// Place is the place of a byte offset in the query's text as the user wrote it.
func (q Query) Place(offset int) hindcast.Place {
	text := q.Original
	if text == "" {
		text = q.SQL
	}

	offset = min(max(shifted(shifted(offset, q.Shifts), q.Origin), 0), len(text))
	line, column := sqltext.LineColumn(text, offset)
	return hindcast.Place{File: q.File, Line: line, Column: column}
}

// shifted is an offset in the text before, of one in the text after.
func shifted(offset int, shifts []Shift) int {
	is := offset
	for _, s := range shifts {
		switch {
		case offset < s.At:
		case s.Fixed:
			is = s.At + s.Delta
		default:
			is = offset + s.Delta
		}
	}
	return is
}

// Last is where a name occurs in the text for the last time from start on; start if it does not.
func (q Query) Last(start int, name string) int {
	at := start
	for next := start; next >= 0; next = q.Dialect.Find(q.SQL, next+1, name) {
		at = next
	}
	return at
}

// TwoColumns is the error of a result with two columns of one name, in any case. start is where the statement begins.
func (q Query) TwoColumns(start int, name string) error {
	return &hindcast.Error{Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Place: q.Place(q.Last(start, name)),
		Message: fmt.Sprintf("the result has two columns named %q", name), Next: "give one of them another name with AS"}
}

// shows are statements that show something, and are a table behind FROM where they are no SELECT.
var shows = []string{"DESCRIBE", "DESC", "SUMMARIZE", "SHOW"}

// Shows reports whether the statement shows something and is not a SELECT.
func (q Query) Shows() bool {
	verb, _ := q.Dialect.Verb(q.SQL)
	return slices.Contains(shows, verb)
}

// NotSelect is the error of a statement that is not a query.
func (q Query) NotSelect() error {
	e := &hindcast.Error{Code: hindcast.ESQLNotSelect, Class: hindcast.ClassPermanent, Place: q.Place(0),
		Message: "the SQL must be a SELECT", Next: "hindcast replaces the slice's rows itself: leave the SELECT only"}
	verb, at := q.Dialect.Verb(q.SQL)
	if verb == "" || verb == "SELECT" {
		return e
	}

	e.Place, e.Message = q.Place(at), "the SQL must be a SELECT, and this is "+verb
	switch {
	case verb == "EXPLAIN":
		e.Next = "leave EXPLAIN out; `hindcast plan` binds the SQL, and `hindcast sql` shows what it gives"
	case q.Shows() && q.Dialect != sqltext.Spark:
		e.Next = "write SELECT … FROM (" + verb + " …), or try it with: hindcast sql"
	}
	return e
}

// Known lists the tables, if the error is that the SQL names another one.
func (q Query) Known(err error) error {
	e := hindcast.AsError(err)
	if e.Code != hindcast.ESQLTable {
		return err
	}

	names := make([]string, len(q.Tables))
	for i, t := range q.Tables {
		names[i] = t.Name
	}
	e.Detail = []string{"the SQL sees the facts and dimensions: " + strings.Join(names, ", ")}
	e.Next = "correct the name, or declare the table under facts: or dimensions:"
	return e
}
