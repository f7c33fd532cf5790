// Package sem is a bound SELECT statement: expressions as a tree of operations with one meaning each, and queries as the places in
// the user's text where expressions, names and other things stand that an engine may spell otherwise. The binder makes it, printers
// read it. Nothing in it belongs to a source dialect or to an engine.
package sem

import (
	"reflect"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/lex"
)

// Column is a column of a table, or of a query's result.
type Column struct {
	Name string
	Type Type
	Facts
	Declared bool // the type was declared with the column: values that are assigned are made to fit it
}

// Facts are what is known about all values of a column or expression.
type Facts struct {
	NoBlanks bool // none ends in a blank
	ASCII    bool // all characters are of ASCII
	Loose    bool // the source may show another number of digits behind the point than the decimal's type has
	Longer   bool // and even more digits than that
	Bytes    bool // they are ordered by their bytes, whatever the database's collation is
	Quotient bool // it is a quotient of numbers with few digits: its value tells, but for rare ones, how many the source gives it
	OrZero   bool // it is such a quotient or a zero, of which the digits do not matter
	// NotZero and Range are of columns; of other expressions see NotZero and Within.
	NotZero bool
	Range   Range
}

// Both are the facts that hold for values of either kind.
func (f Facts) Both(other Facts) Facts {
	return Facts{NoBlanks: f.NoBlanks && other.NoBlanks, ASCII: f.ASCII && other.ASCII, Loose: f.Loose || other.Loose, Longer: f.Longer || other.Longer,
		Bytes: f.Bytes && other.Bytes, Quotient: f.Quotient && other.Quotient, OrZero: (f.Quotient || f.OrZero) && (other.Quotient || other.OrZero),
		NotZero: f.NotZero && other.NotZero, Range: f.Range.or(other.Range)}
}

// Expr is an operation and its arguments.
type Expr struct {
	Op     Op
	Parens bool // parentheses stood around it
	Made   bool // it does not stand in the user's text as it is
	Facts
	Not      bool
	Distinct bool
	Outer    bool // of OpColumn: a query around the one that it stands in has it
	Far      bool // and another one is between the two
	Field    bool // and a column of the inner query has the name that its table has

	Type   Type
	At     lex.Span // in the user's text; of a made one, that of what it was made for
	Args   []*Expr
	Text   string // a literal's value, a name, a part of a date, an operator
	N      int    // digits, a length; OnlyTruth
	Months int    // of an interval, beside Days and Micros
	Days   int
	Micros int64
	Column *Column // of OpColumn
	Item   *Expr   // of OpColumn that is an alias of the same select list: what it names
	Names  []Name  // of OpColumn
	Query  *Query
	Filter *Expr
	Keys   []Key // the order of what is aggregated, if that matters
	Over   *Window
	Form   *Form  // of what is written or read by a pattern, which is Text
	Why    string // of a Made one: why the text is changed, if that is not the operation's own reason
}

// Key is one of an order's.
type Key struct {
	X                *Expr
	Desc, NullsFirst bool
}

// OnlyTruth is the N of an OpInQuery of which nothing but whether it is true matters: it filters rows.
const OnlyTruth = 1

// What the N of an OpNumericDivide or OpAvgNumeric says, together.
const (
	LooseDividend   = 1 << iota // the values decide how many digits behind the point the dividend has: at most those of its type
	LooseDivisor                // the same of the divisor
	ByConstant                  // the second argument is one divided by the divisor: the product is exact, and has no more digits than the quotient
	TellingDividend             // the dividend is a quotient, or a sum of such: its value tells how many digits it has
	TellingDivisor              // the same of the divisor; of sums the quotients are arguments behind the two
)

// Lenient is the N of an OpTextToMoment that takes a day beyond its month's end for one of the next month, and a text only as long as the pattern.
const Lenient = 1

// What the N of an OpJSONText says of a value. In Redshift that is of an object or array; 0 where its spelling is that of the document.
const (
	AnySpelling = iota + 1 // it may be spelled in any way, since it is read again
	NotNested              // how the source spells it is not known
	Verbatim               // the value is of PostgreSQL's json, and spelled as in the document
	Normal                 // it is of jsonb, which has a spelling of its own
)

// KeyOrPosition is the N of a step in JSON that is a key of an object or a position in an array, whatever stands there.
const KeyOrPosition = 1

// Value is that of an OpBool.
func (e *Expr) Value() bool { return strings.EqualFold(e.Text, "true") }

// Name is a name in the user's text.
type Name = lex.Name

// Window is what stands behind OVER.
type Window struct {
	At      lex.Span
	Slots   []Slot
	Frame   string // its mode, "" without a frame
	Ordered bool   // it has an order
	Key     *Expr  // that order's one key; nil if there are more
}

// Query is a query: a part of the text, and the places in it that matter, in order.
type Query struct {
	At      lex.Span
	Slots   []Slot
	Columns []Column
	Outer   bool // it reads a query around it
	// Computed says that a key of its GROUP BY is more than a column: engines find it in the select list by how it is written.
	Computed bool
	// Plain says that it is a SELECT without GROUP BY, HAVING, DISTINCT, and without WITH, an order or a limit around it.
	Plain bool
}

// SlotKind is what stands at a place.
type SlotKind uint8

// The kinds of slot.
const (
	SlotExpr    SlotKind = iota // an expression; Text is order where it is a key of that, and item in a select list
	SlotQuery                   // a query
	SlotName                    // a name that is used or given
	SlotAlias                   // a name that is given to a column, AS before it or not (Bare)
	SlotLabel                   // nothing stands here, and the engine would name the column otherwise; Bare: only where a SlotSelect is written in another shape
	SlotNulls                   // the end of an ORDER BY key that does not say where NULLs go
	SlotReplace                 // something that no engine spells so: Text stands for it, with Slots in it
	SlotEngine                  // something that one engine does not take: Text says what
	SlotSelect                  // a SELECT with the order and limit around it that an engine may take only in another shape: Select says what is in it
	SlotSource                  // FROM and WHERE of such a SELECT
)

// Slot is a place in a query's text.
type Slot struct {
	Kind   SlotKind
	Quoted bool
	Bare   bool
	Desc   bool
	At     lex.Span
	Expr   *Expr
	Query  *Query
	Text   string
	Slots  []Slot // of SlotReplace: what takes turns with the parts of Text, which is cut at NUL
	Select *Select
	Why    string
}

// Item reports whether an item of a select list stands at the place. A table may be named item, too.
func (s Slot) Item() bool { return s.Kind == SlotExpr && s.Text == "item" }

// Select is what an engine may take only in another shape of a SELECT.
type Select struct {
	Items      lex.Span // the select list
	End        int      // where the last clause ends, before an order
	Quantifier lex.Span // of DISTINCT or DISTINCT ON with its keys; empty if there is none
	Distinct   bool     // equal rows are left out, at last
	Names      []string // of the result's columns; nil if two have one name, or one has none
	Outer      bool     // it reads a query around it
	Sets       *Sets    // nil if engines take them as they are
	Kept       *Kept    // nil if that is nothing
}

// Sets are grouping sets with HAVING, or with the empty one, which gives a row, the total, of no rows, too.
type Sets struct {
	Total   bool     // the empty one is among them
	GroupBy lex.Span // with its keys
	Having  lex.Span // with its condition; empty if there is none
	Keys    []*Expr  // of all sets
	Star    lex.Span // of a * in the select list; empty if there is none
}

// Kept says which rows of a SELECT are kept once functions of windows are computed: QUALIFY, DISTINCT ON, FETCH … WITH TIES.
type Kept struct {
	Where  *Slot    // the condition, as an expression or a SlotReplace; nil if it cannot be written
	Clause lex.Span // of QUALIFY and its condition, or of FETCH; empty of DISTINCT ON
	Added  lex.Span // of the slot that adds the condition where it is not written
}

// Aggregates reports whether an operation is an aggregate, over a window or not.
func (e *Expr) Aggregates() bool { return e.Op >= OpCountRows && e.Op <= OpAny }

// Same reports whether two expressions compute the same value in the same query. Queries in them are the same only if they are one.
func Same(a, b *Expr) bool {
	if a != nil && a.Op == OpOneSpelling {
		a = a.Args[0]
	}
	if b != nil && b.Op == OpOneSpelling {
		b = b.Args[0]
	}
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Op != b.Op || a.Type != b.Type || a.Text != b.Text || a.N != b.N || a.Not != b.Not || a.Column != b.Column ||
		a.Distinct != b.Distinct || a.Query != b.Query || a.Over != b.Over || a.Months != b.Months || a.Days != b.Days || a.Micros != b.Micros ||
		len(a.Args) != len(b.Args) || !Same(a.Filter, b.Filter) || !slices.EqualFunc(a.Keys, b.Keys, sameKey) || !reflect.DeepEqual(a.Form, b.Form) {
		return false
	}
	for i := range a.Args {
		if !Same(a.Args[i], b.Args[i]) {
			return false
		}
	}

	return true
}

func sameKey(a, b Key) bool {
	return a.Desc == b.Desc && a.NullsFirst == b.NullsFirst && Same(a.X, b.X)
}
