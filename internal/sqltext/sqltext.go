// Package sqltext reads SQL as text: it knows strings, quoted names, comments and statements, which is enough to
// replace parameters, to hash a definition and to see what kind of statement a hook is. It does not parse: the engine
// knows what the SQL means.
package sqltext

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

// Dialect is how SQL is spelled. Any that is not named here is Standard.
type Dialect string

// The dialects.
const (
	Standard Dialect = ""      // the SQL standard's, with what DuckDB and PostgreSQL add to it
	Spark    Dialect = "spark" // Spark's, with "…" for names: spark.sql.ansi.doubleQuotedIdentifiers
)

// kind is what a piece of SQL text is.
type kind int

const (
	word    kind = iota // identifier, keyword or number
	space               // blanks and line ends
	comment             // -- or /* */
	quoted              // '...', "...", $tag$...$tag$; in Spark `...` and r'...', and no $tag$
	symbol              // one other character, or ::; in Spark also /*+ and */, the ends of a hint
)

type piece struct {
	kind kind
	text string
	at   int // byte offset
}

// lex cuts text into pieces whose concatenation is the text. An unclosed string or comment runs to the end.
func (d Dialect) lex(text string) []piece {
	var pieces []piece
	for at := 0; at < len(text); {
		k, n := d.next(text, at)
		pieces = append(pieces, piece{k, text[at : at+n], at})
		at += n
	}

	return pieces
}

func (d Dialect) next(text string, at int) (kind, int) {
	rest := text[at:]
	if d == Spark {
		if k, n := nextOfSpark(rest); n > 0 {
			return k, n
		}
	}

	c := rest[0]
	switch {
	case strings.HasPrefix(rest, "--"):
		return comment, lineEnd(rest)
	case strings.HasPrefix(rest, "/*"):
		if n := CommentEnd(rest); n >= 0 {
			return comment, n
		}
		return comment, len(rest)
	case c == '\'':
		return quoted, quoteEnd(rest, '\'', false)
	case (c == 'e' || c == 'E') && len(rest) > 1 && rest[1] == '\'':
		return quoted, 1 + quoteEnd(rest[1:], '\'', true)
	case c == '"':
		return quoted, quoteEnd(rest, '"', false)
	case c == '$':
		if n := dollarEnd(rest); n > 0 {
			return quoted, n
		}
		return symbol, 1
	case isSpace(c):
		n := 1
		for n < len(rest) && isSpace(rest[n]) {
			n++
		}
		return space, n
	case isWord(c):
		n := 1
		for n < len(rest) && (isWord(rest[n]) || rest[n] == '$') {
			n++
		}
		return word, n
	case strings.HasPrefix(rest, "::"):
		return symbol, 2
	default:
		return symbol, 1
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// CommentEnd is the length of the block comment that a text begins with; they nest. -1 if it does not end.
func CommentEnd(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); {
		switch s[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}

	return -1
}

func quoteEnd(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// dollarEnd finds the end of $tag$ … $tag$; 0 if s does not begin one.
func dollarEnd(s string) int {
	n := 1
	for n < len(s) && isWord(s[n]) {
		n++
	}

	if n >= len(s) || s[n] != '$' || n > 1 && s[1] >= '0' && s[1] <= '9' {
		return 0
	}

	tag := s[:n+1]
	if i := strings.Index(s[len(tag):], tag); i >= 0 {
		return len(tag) + i + len(tag)
	}

	return len(s)
}

// Shift says that offsets in the original text are Delta larger from byte offset At of the bound text on. Where it is Fixed all of
// them, up to the next shift, mean the place in the original that At means.
type Shift struct {
	At    int  `json:"at"`
	Delta int  `json:"delta"`
	Fixed bool `json:"fixed,omitempty"`
}

// Bind replaces each :name in the text by its literal. Strings, quoted names, comments, casts (::) and array slices
// ([1:2]) are left alone. The shifts map offsets in the result back to the text. It returns E-SQL-PARAM, with line and
// column, for a name without a literal.
func (d Dialect) Bind(text string, literals map[string]string) (string, []Shift, error) {
	var out strings.Builder
	var shifts []Shift
	pieces := d.lex(text)
	braces := 0 // {'key':value} is DuckDB's struct: there the colon after a key does not begin a parameter
	for i := 0; i < len(pieces); i++ {
		p := pieces[i]
		switch p.text {
		case "{":
			braces++
		case "}":
			braces = max(0, braces-1)
		}

		if !isParam(pieces, i) || braces > 0 && behindKey(pieces, i) {
			out.WriteString(p.text)
			continue
		}

		name := pieces[i+1].text
		literal, known := literals[name]
		if !known {
			return "", nil, unknownParam(text, p.at, name, literals)
		}

		out.WriteString(literal)
		i++
		shifts = append(shifts, Shift{At: out.Len(), Delta: p.at + 1 + len(name) - out.Len()})
	}

	return out.String(), shifts, nil
}

// isParam reports whether a colon begins a parameter: a name that is not a number follows, and nothing before it makes
// it an array slice's bound.
func isParam(pieces []piece, i int) bool {
	if pieces[i].text != ":" || pieces[i].kind != symbol || i+1 >= len(pieces) || pieces[i+1].kind != word {
		return false
	}
	if c := pieces[i+1].text[0]; c >= '0' && c <= '9' {
		return false
	}

	return i == 0 || pieces[i-1].kind != word && pieces[i-1].text != ":" && pieces[i-1].text != "]"
}

// behindKey reports whether the colon follows a name or a string, ignoring blanks and comments.
func behindKey(pieces []piece, i int) bool {
	for i--; i >= 0; i-- {
		if k := pieces[i].kind; k != space && k != comment {
			return k == word || k == quoted
		}
	}
	return false
}

func unknownParam(text string, at int, name string, literals map[string]string) error {
	line, column := LineColumn(text, at)
	known := ":" + strings.Join(slices.Sorted(maps.Keys(literals)), ", :")
	return &hindcast.Error{Code: hindcast.ESQLParam, Class: hindcast.ClassPermanent, Place: hindcast.Place{Line: line, Column: column},
		Message: fmt.Sprintf("the parameter :%s has no value", name), Detail: []string{"there are " + known},
		Next: "give it one under params: in the pipeline file"}
}

// LineColumn converts a byte offset into a line and a column, both counted from 1, columns in characters.
func LineColumn(text string, offset int) (line, column int) {
	offset = min(max(offset, 0), len(text))
	before := text[:offset]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// Normalize returns the text without comments and trailing semicolons, and with single blanks: what counts in a
// definition's hash.
func (d Dialect) Normalize(text string) string {
	var out strings.Builder
	gap := false
	for _, p := range d.lex(text) {
		if p.kind == space || p.kind == comment {
			gap = true
			continue
		}

		if gap && out.Len() > 0 {
			out.WriteByte(' ')
		}
		gap = false
		out.WriteString(p.text)
	}

	return strings.TrimRight(out.String(), "; ")
}

// Statement is one of several in a text.
type Statement struct {
	Text   string // without the semicolon and the blanks around it
	Offset int    // where it starts in the whole text
}

// Statements splits the text at its semicolons; a statement of nothing but comments is left out.
func (d Dialect) Statements(text string) []Statement {
	var list []Statement
	start, end, any := -1, 0, false
	flush := func() {
		if any {
			list = append(list, Statement{text[start:end], start})
		}
		start, any = -1, false
	}

	for _, p := range d.lex(text) {
		switch {
		case p.kind == symbol && p.text == ";":
			flush()
		case p.kind != space && p.kind != comment:
			if start < 0 {
				start = p.at
			}
			any, end = true, p.at+len(p.text)
		}
	}

	flush()
	return list
}

// control are the first words of statements that begin, end or leave a transaction.
var control = []string{"BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION", "END", "ABORT", "SAVEPOINT", "RELEASE",
	"PREPARE TRANSACTION", "SET TRANSACTION", "CHECKPOINT", "FORCE CHECKPOINT", "ATTACH", "DETACH"}

// TransactionControl finds a statement of a warehouse's SQL that would control the transaction it runs in.
func TransactionControl(text string) (words string, offset int, found bool) {
	for _, s := range Standard.Statements(text) {
		first := strings.ToUpper(Standard.Normalize(s.Text))
		for _, c := range control {
			if first == c || strings.HasPrefix(first, c+" ") {
				return c, s.Offset, true
			}
		}
	}
	return "", 0, false
}

// Find returns the offset of the first of the words at or after from, as a keyword or an identifier, quoted or not; -1
// if there is none. Strings and comments do not count.
func (d Dialect) Find(text string, from int, words ...string) int {
	for _, p := range d.lex(text) {
		name := p.text
		if quote := name[:1]; p.kind == quoted && (quote == `"` || quote == "`") {
			name = strings.ReplaceAll(strings.Trim(name, quote), quote+quote, quote)
		} else if p.kind != word {
			continue
		}

		if p.at >= from && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, name) }) {
			return p.at
		}
	}
	return -1
}

// verbs begin what may follow WITH.
var verbs = []string{"SELECT", "FROM", "TABLE", "VALUES", "PIVOT", "PIVOT_WIDER", "UNPIVOT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "COPY"}

// Verb returns the word that says what a statement does, in capitals, and its offset: its first word, or the one behind the
// definitions of WITH. It is empty if there is none.
func (d Dialect) Verb(text string) (verb string, offset int) {
	depth, with := 0, false
	for _, p := range d.lex(text) {
		switch p.text {
		case "(":
			depth++
		case ")":
			depth--
		}
		if p.kind != word {
			continue
		}
		switch name := strings.ToUpper(p.text); {
		case !with && name == "WITH":
			with = true
		case !with || depth == 0 && slices.Contains(verbs, name):
			return name, p.at
		}
	}
	return "", 0
}

// Typed is a literal that says its type: DATE '2020-01-01'. Value is what stands between its quotes.
type Typed struct {
	At, End     int
	Type, Value string
}

// Typed finds the typed literals of the types.
func (d Dialect) Typed(text string, types ...string) []Typed {
	var list []Typed
	var typ piece
	for _, p := range d.lex(text) {
		switch {
		case p.kind == space || p.kind == comment:
			continue
		case p.kind == quoted && typ.text != "" && strings.HasPrefix(strings.TrimLeft(p.text, "rR"), "'"):
			_, value, _ := strings.Cut(p.text, "'")
			list = append(list, Typed{At: typ.at, End: p.at + len(p.text), Type: typ.text, Value: strings.TrimSuffix(value, "'")})
		}
		typ = piece{}
		if p.kind == word && slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, p.text) }) {
			typ = p
		}
	}
	return list
}

// Identifier quotes a name, of a table or a column, as the SQL standard has it.
func Identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
