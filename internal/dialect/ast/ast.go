// Package ast is the syntax tree of a SELECT statement of PostgreSQL or Redshift. Every node has the span of the text that it was
// read from; nothing here knows what a name or an operator means.
package ast

import "github.com/hindcast/hindcast/internal/dialect/lex"

// Name is an identifier.
type Name = lex.Name

// Expr is an expression. Its span leaves out parentheses around it.
type Expr interface {
	Span() lex.Span
	// Parens reports whether parentheses stood around the expression.
	Parens() bool
}

// Node is what all expressions have.
type Node struct {
	At     lex.Span
	Parend bool
}

// Span is where the expression stands.
func (n *Node) Span() lex.Span { return n.At }

// Parens reports whether parentheses stood around it.
func (n *Node) Parens() bool { return n.Parend }

// Wrap notes parentheses around it.
func (n *Node) Wrap() { n.Parend = true }

// The expressions.
type (
	// Null is NULL.
	Null struct{ Node }
	// Bool is TRUE or FALSE.
	Bool struct {
		Node
		Value bool
	}
	// Number is a number as it is written.
	Number struct {
		Node
		Text    string
		Integer bool
	}
	// String is a text; Form is the lexer's.
	String struct {
		Node
		Value string
		Form  byte
	}
	// Param is :name.
	Param struct {
		Node
		Name string
	}
	// Column is a name, possibly behind names of a table and a schema. Outer is (+) behind it, Marked one that has been read.
	Column struct {
		Node
		Parts         []Name
		Outer, Marked bool
	}
	// Star is * or t.*.
	Star struct {
		Node
		Table   []Name
		Exclude []Name // * EXCLUDE (a, b)
	}
	// Unary is an operator before X; NOT is one.
	Unary struct {
		Node
		Op string
		X  Expr
	}
	// Binary is an operator between two.
	Binary struct {
		Node
		Op   string
		L, R Expr
	}
	// Logical is a chain of AND or of OR.
	Logical struct {
		Node
		And  bool
		Args []Expr
	}
	// Is is IS [NOT] NULL, TRUE, FALSE, UNKNOWN.
	Is struct {
		Node
		X    Expr
		What string // null, true, false, unknown
		Not  bool
	}
	// Distinct is IS [NOT] DISTINCT FROM.
	Distinct struct {
		Node
		L, R Expr
		Not  bool
	}
	// Between is [NOT] BETWEEN.
	Between struct {
		Node
		X, Low, High Expr
		Not          bool
	}
	// In is [NOT] IN, of a list or a query.
	In struct {
		Node
		X     Expr
		List  []Expr
		Query *Query
		Not   bool
		// Respelled says that it was = ANY or <> ALL.
		Respelled bool
	}
	// Quantified is a comparison with ANY or ALL of an array, which is written as a List or is Of.
	Quantified struct {
		Node
		Op   string
		All  bool
		X    Expr
		List []Expr
		Of   Expr
	}
	// Array is ARRAY[a, b].
	Array struct {
		Node
		Items []Expr
	}
	// Collate is X COLLATE Collation.
	Collate struct {
		Node
		X         Expr
		Collation string
	}
	// Subscript is X[Index].
	Subscript struct {
		Node
		X, Index Expr
	}
	// Like is [NOT] LIKE, ILIKE or SIMILAR TO.
	Like struct {
		Word string // like, ilike, similar
		Node
		X, Pattern, Escape Expr
		Not                bool
	}
	// Exists is EXISTS (query).
	Exists struct {
		Node
		Query *Query
	}
	// Scalar is a query as a value.
	Scalar struct {
		Node
		Query *Query
	}
	// Case is CASE; Operand and Else may be nil.
	Case struct {
		Node
		Operand, Else Expr
		When, Then    []Expr
	}
	// Cast is a cast in any of its forms; DATE '…' is one, Literal.
	Cast struct {
		Node
		X       Expr
		Type    Type
		Literal bool
	}
	// Interval is INTERVAL '…' field.
	Interval struct {
		Node
		Text, Field string
	}
	// Row is (a, b).
	Row struct {
		Node
		Items []Expr
	}
	// Call is a function call. Forms with words in them (EXTRACT, POSITION, SUBSTRING, TRIM) are calls with their parts as arguments.
	Call struct {
		Node
		Name     string
		NameAt   lex.Span
		Args     []Expr
		Star     bool
		Distinct bool
		Order    []Order // in the parentheses, or behind WITHIN GROUP
		Within   bool    // WITHIN GROUP (ORDER BY …) stands behind
		Nulls    string  // ignore or respect, before NULLS
		Filter   Expr
		Over     *Window
	}
	// Grouping is ROLLUP, CUBE or GROUPING SETS in GROUP BY, or () there, which is of no kind.
	Grouping struct {
		Node
		Kind  string // rollup, cube, sets, or ""
		Items []Expr // a Row is several keys as one
	}
)

// Type is the name of a type, such as varchar(10).
type Type struct {
	At    lex.Span
	Name  string // canonical words, in lower case: "double precision"
	Args  []int
	Array bool // [] stands behind
}

// Window is what stands behind OVER.
type Window struct {
	At        lex.Span
	Name      string // of a window of the WINDOW clause
	Base      Name   // of one that this begins with
	Partition []Expr
	Order     []Order
	Frame     *Frame
}

// Frame is a window's frame.
type Frame struct {
	At         lex.Span
	Mode       string // rows, range, groups
	Start, End Bound
	Exclude    lex.Span // of EXCLUDE and what it excludes
}

// Bound is a frame's beginning or end.
type Bound struct {
	Kind   string // unbounded preceding, preceding, current row, following, unbounded following
	Offset Expr
}

// Order is a key of ORDER BY.
type Order struct {
	At    lex.Span
	X     Expr
	Desc  bool
	Nulls string // first, last, or ""
}

// Query is WITH … body ORDER BY … LIMIT ….
type Query struct {
	At            lex.Span
	With          []CTE
	Recursive     bool
	Body          Body
	Order         []Order
	Limit, Offset Expr
	LimitAt       lex.Span // of everything from LIMIT or FETCH to its end, if it is to be written otherwise
	LimitNone     bool     // LIMIT ALL or LIMIT NULL; Limit is nil
	Fetch         bool     // FETCH FIRST n ROWS ONLY; LimitAt is its span
	Ties          bool     // FETCH FIRST n ROWS WITH TIES
	OffsetAt      lex.Span // from OFFSET to its end
	OffsetRows    lex.Span // of the word ROWS behind OFFSET n
}

// CTE is one of WITH's queries.
type CTE struct {
	At      lex.Span
	Name    Name
	Columns []Name
	Hint    lex.Span // of [NOT] MATERIALIZED
	Query   *Query
}

// Body is Select, SetOp, Values or Nested.
type Body interface{ Span() lex.Span }

// SetOp joins two bodies.
type SetOp struct {
	At    lex.Span
	OpAt  lex.Span
	Op    string // union, intersect, except
	Minus bool
	All   bool
	L, R  Body
}

// Nested is a query in parentheses as a body.
type Nested struct {
	At    lex.Span
	Query *Query
}

// Values is VALUES (…), (…).
type Values struct {
	At   lex.Span
	Rows [][]Expr
}

// Select is one SELECT.
type Select struct {
	At         lex.Span
	DistinctAt lex.Span
	Distinct   bool
	On         []Expr // DISTINCT ON
	Top        Expr
	TopAt      lex.Span
	Items      []Item
	Into       lex.Span // of INTO and what follows it, in a script
	From       []From
	FromAt     lex.Span // of all items
	Where      Expr
	WhereAt    lex.Span // from WHERE to the end of the condition
	Group      []Expr
	GroupAt    lex.Span // from GROUP to the end of the keys
	Having     Expr
	HavingAt   lex.Span // from HAVING to the end of the condition
	Qualify    Expr
	QualifyAt  lex.Span // from QUALIFY to the end of the condition
	Windows    []Named
	End        int // where the last clause ends
}

// Named is a window of the WINDOW clause.
type Named struct {
	Name   Name
	Window *Window
}

// Item is one of the select list.
type Item struct {
	At    lex.Span
	X     Expr
	Alias Name
	As    bool // AS stood before the alias
}

// From is Table, Derived, Series, Unnest, Join or Pivot.
type From interface{ Span() lex.Span }

// Table is a table by its name.
type Table struct {
	At      lex.Span
	Parts   []Name
	Alias   Name
	As      bool
	Columns []Name
}

// Derived is a query in FROM.
type Derived struct {
	At      lex.Span
	Query   *Query
	Lateral bool
	// LateralAt is the span of the word.
	LateralAt lex.Span
	Alias     Name
	As        bool
	Columns   []Name
}

// Pivot is PIVOT or UNPIVOT (Un) of an item of FROM.
type Pivot struct {
	At        lex.Span
	Of        From
	Un        bool
	Nulls     bool  // INCLUDE NULLS
	Aggregate *Call // of PIVOT
	Value     Name  // of UNPIVOT
	For       Name
	In        []Item
	Alias     Name
}

// Join joins two items of FROM.
type Join struct {
	At    lex.Span
	Kind  string // inner, left, right, full, cross
	L, R  From
	On    Expr
	Using []Name
	// Natural is the span of NATURAL.
	Natural lex.Span
}

// Series is generate_series(…) in FROM.
type Series struct {
	At      lex.Span
	Call    *Call
	Alias   Name
	As      bool
	Columns []Name
}

// Unnest is unnest(…) in FROM, of an array that is written as a List or is Of.
type Unnest struct {
	At         lex.Span
	List       []Expr
	Of         Expr
	Ordinality bool
	CallAt     lex.Span // of all but the alias, with LATERAL before it
	Alias      Name
	As         bool
	Columns    []Name
}

// Span is where it stands.
func (x *SetOp) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Nested) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Values) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Select) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Table) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Derived) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Series) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Unnest) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Join) Span() lex.Span { return x.At }

// Span is where it stands.
func (x *Pivot) Span() lex.Span { return x.At }
