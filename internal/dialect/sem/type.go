package sem

import "strconv"

// Kind is a type without its length or precision.
type Kind uint8

// The kinds of type.
const (
	Invalid Kind = iota // of what was refused already
	Unknown             // of a literal in quotes or NULL whose type is not decided yet
	Bool
	Int2
	Int4
	Int8
	Numeric
	Float4
	Float8
	Text
	Varchar
	Char
	Date
	Timestamp
	TimestampTZ
	Interval
	Array // of one dimension, whose elements are of the kind Elem and have the type's other properties
)

// Most is the most digits that an engine's decimal holds.
const Most = 38

// Type is a type of the source. A Numeric has at most P digits, S of them behind the point; a Varchar or Char has at most N
// characters, 0 if there is no limit.
type Type struct {
	Kind Kind
	Elem Kind // of an Array
	P, S int
	N    int
}

// Of is a type without further properties.
func Of(k Kind) Type { return Type{Kind: k} }

// ArrayOf is the type of an array of elements of a type.
func ArrayOf(t Type) Type { return Type{Kind: Array, P: t.P, S: t.S, N: t.N, Elem: t.Kind} }

// Element is the type of an array's elements.
func (t Type) Element() Type { return Type{Kind: t.Elem, P: t.P, S: t.S, N: t.N} }

// IsDocument reports whether this is the type of a column that is JSON. No expression has it; N tells it apart from a type that is not known.
func (t Type) IsDocument() bool { return t.Kind == Invalid && t.N > 0 }

// Decimal is a numeric type; what it holds beyond the engines' digits raises when it is met.
func Decimal(p, s int) Type { return Type{Kind: Numeric, P: min(p, Most), S: s} }

var kindNames = [...]string{"invalid", "unknown", "boolean", "smallint", "integer", "bigint", "numeric", "real", "double precision", "text",
	"character varying", "character", "date", "timestamp without time zone", "timestamp with time zone", "interval", "array"}

// String is PostgreSQL's name of the type.
func (t Type) String() string {
	name := kindNames[t.Kind]
	switch {
	case t.Kind == Array:
		return t.Element().String() + "[]"
	case t.Kind == Numeric && t.P > 0:
		return "numeric(" + strconv.Itoa(t.P) + "," + strconv.Itoa(t.S) + ")"
	case (t.Kind == Varchar || t.Kind == Char) && t.N > 0:
		return name + "(" + strconv.Itoa(t.N) + ")"
	}
	return name
}

// QuotientDigits is how many digits behind the point PostgreSQL gives a quotient of numerics at most: of one with s1 digits behind the
// point by one of at most p2 digits, s2 of them behind the point. It has digits in groups of four, and wants sixteen significant ones.
func QuotientDigits(s1, p2, s2 int) int { return 16 + 4*(Fours(s1)+Fours(p2-s2)) }

// Fours is how many groups of four so many digits take.
func Fours(digits int) int { return (digits + 3) / 4 }

// IsText reports whether values are texts.
func (t Type) IsText() bool { return t.Kind == Text || t.Kind == Varchar || t.Kind == Char }

// IsInt reports whether values are integers.
func (t Type) IsInt() bool { return t.Kind == Int2 || t.Kind == Int4 || t.Kind == Int8 }

// IsExact reports whether values are integers or decimals.
func (t Type) IsExact() bool { return t.IsInt() || t.Kind == Numeric }

// IsFloat reports whether values are floating-point numbers.
func (t Type) IsFloat() bool { return t.Kind == Float4 || t.Kind == Float8 }

// IsNumber reports whether values are numbers.
func (t Type) IsNumber() bool { return t.IsExact() || t.IsFloat() }

// IsTime reports whether values are dates or times.
func (t Type) IsTime() bool { return t.Kind == Date || t.Kind == Timestamp || t.Kind == TimestampTZ }

// Digits is how many digits an exact number has at most, and how many of them behind the point.
func (t Type) Digits() (p, s int) {
	switch t.Kind {
	case Int2:
		return 5, 0
	case Int4:
		return 10, 0
	case Int8:
		return 19, 0
	default:
		return t.P, t.S
	}
}
