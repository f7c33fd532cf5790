package ast

import "github.com/hindcast/hindcast/internal/dialect/lex"

// Statement is one of a script: Result, CreateAs, CreateTable, Insert, Update, Delete, Drop or Idle.
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
	}
	// CreateTable is CREATE TEMP TABLE with columns.
	CreateTable struct {
		Stated
		Name    Name
		Columns []ColumnDef
	}
	// Insert is INSERT INTO; VALUES is a query, too.
	Insert struct {
		Stated
		Table   Name
		Columns []Name
		Query   *Query
	}
	// Update is UPDATE … SET … WHERE of one table.
	Update struct {
		Stated
		Table, Alias Name
		Set          []Assignment
		Where        Expr
	}
	// Delete is DELETE FROM … WHERE, or TRUNCATE.
	Delete struct {
		Stated
		Table, Alias Name
		Where        Expr
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
