package sem

import "github.com/hindcast/hindcast/internal/dialect/lex"

// Reason is why something is refused, as a kind.
type Reason uint8

// The reasons.
const (
	Syntax       Reason = iota // the statement is wrong
	NoTable                    // a table that the schema does not have
	NoColumn                   // a column that does not exist, or could be several
	Mismatch                   // the source would refuse the types
	NotKnown                   // it may be right, and is not known here
	NotOnEngine                // the engine cannot give the source's answer
	NotDecidable               // the answer depends on what is not known, such as the collation
)

// Refusal is a part of a statement that is not translated, and why.
type Refusal struct {
	Reason  Reason
	At      lex.Span
	Why     string
	Instead string // how to write it; "" if there is no way
}
