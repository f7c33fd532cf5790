// Package bind gives names, operators, functions and literals of a syntax tree the meaning that PostgreSQL or Redshift gives them:
// it makes package sem's tree. What it does not know it refuses. How an engine spells an operation is the printers' business.
package bind

import (
	"fmt"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Options are the source dialect, and what it is to know about the database.
type Options struct {
	Redshift bool
	Params   map[string]sem.Type // types of :names
	// Table finds a table's columns by its name, or by schema.name where the schema is given.
	Table func(name string) (columns []Column, known bool)
	// Column is a table's column in the binder's words. It is asked of those that a statement reads, since most read few of a table.
	Column func(Column) sem.Column
	// Bytewise says that texts are ordered by their bytes, and that only letters of ASCII have an upper or lower case: the collation
	// C. Redshift orders so, too.
	Bytewise bool
	// Collation is the database's, for messages; "" if it is not known.
	Collation string
	// Folding is the database's collation where that is not known to compare texts byte by byte: what compares texts is refused.
	Folding string
	UTC     bool // the session's time zone is UTC
	ISO     bool // its DateStyle is ISO
	// Divisions of decimals, and averages of integers, are rounded rather than cut. Only Redshift leaves that open.
	RoundDivision, RoundAverage bool
}

// Column is a column of a table. Type is the source's name of its type, such as varchar(10).
type Column struct {
	Name, Type string
	NoBlanks   bool // no value ends in a blank
	ASCII      bool // all values are of ASCII
	// Least and Most are bounds of all values of a number, date or time, in the form of hindcast.Facts; "" where none is known.
	Least, Most string
}

// binder binds one statement.
type binder struct {
	Options
	text    string
	refused []sem.Refusal
	temps   map[string]*temp // of a script
	// asDocument is the column that is being read as JSON; others of such a type are refused.
	asDocument *ast.Column
	work       int        // how many expressions have been bound; some are bound more than once
	columns    []sem.Expr // made, for the columns that are named next
	sizes      map[*sem.Expr]int
	spare      []sem.Slot // for those of the next select list
}

// most is how many expressions are bound before a statement is taken for too large.
const most = 1 << 18

// refuse notes a refusal, and returns an expression that refuses nothing further.
func (b *binder) refuse(reason sem.Reason, at lex.Span, instead, format string, args ...any) *sem.Expr {
	b.refused = append(b.refused, sem.Refusal{Reason: reason, At: at, Why: fmt.Sprintf(format, args...), Instead: instead})
	return &sem.Expr{At: at}
}

// purpose says what becomes of a query's rows.
type purpose struct {
	labels bool // the names of its columns matter
	guards bool // equal rows are made one: trailing blanks would matter
	trims  bool // its column is compared with something
	whole  bool // another query reads it: its columns may be values of JSON
	ties   bool // only the first ones matter, with their ties
}

// documents reports whether columns that are JSON may be among the query's.
func (p purpose) documents() bool { return p.whole && !p.guards && !p.trims }

// output is a column of a query's result, and the expressions that give it: several in a set operation.
type output struct {
	sem.Column
	from []*sem.Expr // nil if the column comes from a *
	star lex.Span
	open bool // it is a literal in quotes or NULL, whose type another query may decide
	// column is what the output stands for, if that is a column of FROM.
	column *sem.Column
	// counted says that equal values decide which rows there are: to make more of them equal would change that.
	counted bool
}

// invalid reports whether an expression, or one of several, was refused already.
func invalid(all ...*sem.Expr) bool {
	for _, e := range all {
		if e != nil && e.Type.Kind == sem.Invalid {
			return true
		}
	}
	return false
}

// made is an operation that stands for an expression of the user's.
func made(op sem.Op, t sem.Type, at lex.Span, args ...*sem.Expr) *sem.Expr {
	return &sem.Expr{Op: op, Type: t, At: at, Args: args, Made: true}
}

// read is an operation as the user wrote it.
func read(op sem.Op, t sem.Type, x ast.Expr, args ...*sem.Expr) *sem.Expr {
	return &sem.Expr{Op: op, Type: t, At: x.Span(), Parens: x.Parens(), Args: args}
}

// rewritten is an operation that is never spelled as the user wrote it.
func rewritten(op sem.Op, t sem.Type, x ast.Expr, args ...*sem.Expr) *sem.Expr {
	e := read(op, t, x, args...)
	e.Made = true
	return e
}
