package sem

// Form is what a pattern says of how a date or a number is written.
type Form struct {
	Time   []TimePart
	Number Numeral
	Match  Match
}

// Match is what a function does with the matches of a pattern.
type Match struct {
	Start, End bool // a match can only begin, or end, where the text does
	Each       bool // all of them, not the first one
	Nth        int  // which of them, from 1
	Group      int  // which group of it; 0 is the whole
	Blank      bool // where there is none, it is the empty text
	With       []Piece
}

// Piece is a part of what a match is replaced by: a text, or what a group matched.
type Piece struct {
	Text  string
	Group int // 0 is the whole match
	Found bool
}

// TimePart is a field of a date or time, or what stands between fields.
type TimePart struct {
	Field   string // as PostgreSQL spells it, such as HH24 or Month; "" between fields
	Text    string // between fields
	Bare    bool   // without blanks or zeros that fill it
	Ordinal string // what stands behind the field: th or TH
	Loose   bool   // as it is read: of one digit or more, since no digit can follow it
	Any     bool   // between fields, as it is read: whatever separates them
}

// Numeral is how a number is written.
type Numeral struct {
	Whole  int    // how many digits stand before the point
	Zeros  int    // how many of them are written even if they are zero
	Point  bool   //
	Digits int    // how many stand behind it
	Kept   int    // how many of them are written even if they are zero; only for Bare
	Groups []int  // before how many of the last whole digits a comma stands, from the least
	Bare   bool   // nothing fills it
	Sign   string // where it stands: "" before the first digit, or S<, >S, >MI, PR, SG<
	Before string // a text before it
	Behind string
}
