package hindcast

import "math/big"

// Facts are what holds for all values of a column: what SQL that is translated need not guard against.
type Facts struct {
	NoBlanks bool `json:"no_blanks,omitempty"` // of texts: none ends in a blank
	ASCII    bool `json:"ascii,omitempty"`     // all characters are of ASCII
	// Least and Most are bounds of integers and decimals, as numbers, and of dates and times, as days YYYY-MM-DD (in UTC): no value lies
	// beyond them. "" where none is known.
	Least string `json:"least,omitempty"`
	Most  string `json:"most,omitempty"`
}

// Cover reports whether they say all that others say.
func (f Facts) Cover(other Facts) bool {
	return (f.NoBlanks || !other.NoBlanks) && (f.ASCII || !other.ASCII) &&
		(other.Least == "" || notBeyond(other.Least, f.Least)) && (other.Most == "" || notBeyond(f.Most, other.Most))
}

// notBeyond reports whether a bound is no more than another one of its kind.
func notBeyond(low, high string) bool {
	if low == "" || high == "" {
		return false
	}
	from, number := new(big.Rat).SetString(low)
	to, too := new(big.Rat).SetString(high)
	if number && too {
		return from.Cmp(to) <= 0
	}
	return !number && !too && low <= high
}
