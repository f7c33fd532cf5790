package sem

import "github.com/hindcast/hindcast/internal/dialect/lex"

// Script is a script's result: a query over those before it, each of which is a temporary table after a statement that made or changed it.
type Script struct {
	Steps  []Step
	Result *Query
}

// Step is a statement that made or changed a temporary table.
type Step struct {
	At      lex.Span
	Name    string   // of the table after it
	Columns []Column // of the table
	Before  string   // the table before it, as Name; "" if the statement makes it
	Query   *Query   // what fills it, or is added; nil for CREATE TABLE, UPDATE and DELETE
	Empty   bool     // without the query's rows

	// Values are the new values of the columns: of an INSERT over the query's columns, which are $1, $2, …; of an UPDATE over the table, nil for a
	// column that keeps its value.
	Values  []*Expr
	Alias   string // of the table in Values and Where
	Changes bool   // it is UPDATE or DELETE, of the rows where Where is true, or of all
	Where   *Expr
	// From are the items of FROM in an UPDATE or of USING in a DELETE: rows change that Where is true of with a row of each.
	From []Item

	// Picks are the columns of the table before that ALTER TABLE leaves, with the names that Columns give them; Added is the value of one more.
	Picks []string
	Added *Expr
}

// Item is an item of FROM in a statement that changes a table.
type Item struct {
	Query
	Join bool // it is several tables, joined
}
