package ast

import "github.com/hindcast/hindcast/internal/dialect/lex"

// Statement is one of a script: Result, CreateAs, CreateTable, Insert, Update, Delete, Truncate, Alter, Drop or Idle.
type Statement interface{ Span() lex.Span }

// Stated is what all statements have.
type Stated struct{ At lex.Span }

// Span is where the statement stands.
func (s *Stated) Span() lex.Span { return s.At }

// The statements.
type (
	// Result is a query by itself.
	Result struct {
		Stated
		Query *Query
	}
	// CreateAs is CREATE TEMP TABLE AS, and SELECT INTO TEMP.
	CreateAs struct {
		Stated
		Name    Name
		Columns []Name
		Query   *Query
		NoData  bool

		IfNotExists bool
	}
	// CreateTable is CREATE TEMP TABLE with columns, or those of another table: LIKE.
	CreateTable struct {
		Stated
		Name        Name
		Columns     []ColumnDef
		Like        []Name
		IfNotExists bool
	}
	// Insert is INSERT INTO; VALUES is a query, too.
	Insert struct {
		Stated
		Table   Name
		Columns []Name
		Query   *Query
	}
	// Update is UPDATE … SET … FROM … WHERE of one table.
	Update struct {
		Stated
		Table, Alias Name
		Set          []Assignment
		From         []From
		Where        Expr
	}
	// Delete is DELETE FROM … USING … WHERE.
	Delete struct {
		Stated
		Table, Alias Name
		Using        []From
		Where        Expr
	}
	// Truncate is TRUNCATE.
	Truncate struct {
		Stated
		Tables []Name
	}
	// Alter is ALTER TABLE with one change: Add, or a Column that gets the name To or is dropped, or the table that gets the name To.
	Alter struct {
		Stated
		Table      Name
		Add        *ColumnDef
		Column, To Name
	}
	// Drop is DROP TABLE.
	Drop struct {
		Stated
		Names    []Name
		IfExists bool
	}
	// Idle is a statement that changes no rows: BEGIN, COMMIT, ANALYZE.
	Idle struct{ Stated }
)

// ColumnDef is a column of CREATE TABLE.
type ColumnDef struct {
	Name    Name
	Type    Type
	NotNull bool
	Default Expr
}

// Assignment is a column and its new value.
type Assignment struct {
	Column Name
	X      Expr
}
