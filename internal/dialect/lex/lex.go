// Package lex cuts SQL of PostgreSQL and Redshift into tokens, each with its span in the text. What tokens mean together is the
// parser's business.
package lex

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast/internal/sqltext"
)

// Span is a part of the text, from Start up to but not including End, in bytes.
type Span struct{ Start, End int }

// In returns the text of the span.
func (s Span) In(text string) string { return text[s.Start:s.End] }

// To is the span from the beginning of s to the end of another one.
func (s Span) To(other Span) Span { return Span{s.Start, other.End} }

// Kind is what a token is.
type Kind uint8

// The kinds of token.
const (
	EOF     Kind = iota
	Word         // a name or keyword without quotes; Text is in lower case
	Quoted       // a name in double quotes; Text is what it stands for
	String       // a text in any of its forms; Text is what it stands for
	Integer      // digits
	Decimal      // digits with a point, an exponent, or both
	Op           // an operator, cut by PostgreSQL's rule
	Punct        // ( ) [ ] , ; . : ::
	Param        // :name or $1; Text is the name
)

// Token is one token.
type Token struct {
	Kind Kind
	Form byte // of a String: ' for a plain one, E, $, U, B, X or N; of a Quoted: " or U
	At   Span
	Text string
}

// Name is an identifier in the text: folded if it stood without quotes.
type Name struct {
	At     Span
	Text   string
	Quoted bool
}

// Error is a text that cannot be cut into tokens.
type Error struct {
	At  Span
	Why string
}

func (e *Error) Error() string { return e.Why }

// Longest is the longest text that is read, in bytes.
const Longest = 4 << 20

type lexer struct {
	text string
	at   int
	all  []Token
	// glued is where the last string ended if a string on a later line would continue it, or -1.
	glued int
}

// Tokens cuts a text; the last token is EOF.
func Tokens(text string) ([]Token, error) { return Append(nil, text) }

// Append cuts a text, and appends its tokens to others.
func Append(all []Token, text string) ([]Token, error) {
	if len(text) > Longest {
		return nil, &Error{Span{0, 0}, "the text is longer than 4 MiB"}
	}
	if bad := invalid(text); bad >= 0 {
		return nil, &Error{Span{bad, bad + 1}, "the text is not valid UTF-8 here, or holds a zero byte"}
	}

	l := &lexer{text: text, all: slices.Grow(all, len(text)/6+8), glued: -1}
	for {
		if err := l.blank(); err != nil {
			return nil, err
		}
		if l.at >= len(text) {
			l.all = append(l.all, Token{Kind: EOF, At: Span{len(text), len(text)}})
			return l.all, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

// invalid finds the first byte that no text holds.
func invalid(text string) int {
	if utf8.ValidString(text) {
		return strings.IndexByte(text, 0)
	}
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if c == 0 {
				return i
			}
			i++
			continue
		}

		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}

	return -1
}

// blank skips blanks and comments.
func (l *lexer) blank() error {
	newline := false
	for l.at < len(l.text) {
		switch c := l.text[l.at]; c {
		case '\n', '\r':
			newline = true
			l.at++
			continue
		case ' ', '\t', '\f', '\v':
			l.at++
			continue
		}

		switch rest := l.text[l.at:]; {
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			l.at += end
		case strings.HasPrefix(rest, "/*"):
			n := sqltext.CommentEnd(rest)
			if n < 0 {
				return &Error{Span{l.at, l.at + 2}, "the comment does not end"}
			}
			l.at += n
		default:
			if !newline {
				l.glued = -1
			}
			return nil
		}
	}

	return nil
}

func (l *lexer) next() error {
	glued := l.glued
	l.glued = -1
	c := l.text[l.at]
	switch {
	case c == '\'':
		return l.plain(glued)
	case c == '"':
		return l.name()
	case c == '$':
		return l.dollar()
	case isStart(c):
		return l.word()
	case isDigit(c), c == '.' && l.at+1 < len(l.text) && isDigit(l.text[l.at+1]):
		return l.number()
	case c == ':':
		return l.colon()
	case c == '(' || c == ')' || c == ',' || c == '.' || c == '[' || c == ']' || c == ';':
		l.add(Punct, l.at+1, l.text[l.at:l.at+1])
		return nil
	case strings.IndexByte(operators, c) >= 0:
		l.operator()
		return nil
	}

	return &Error{Span{l.at, l.at + 1}, "this character has no meaning here"}
}

func (l *lexer) add(kind Kind, end int, text string) {
	l.all = append(l.all, Token{Kind: kind, At: Span{l.at, end}, Text: text})
	l.at = end
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isStart(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= utf8.RuneSelf }

// parts are the bytes of names.
var parts = func() (all [256]bool) {
	for i := range all {
		c := byte(i)
		all[i] = isStart(c) || isDigit(c) || c == '$'
	}
	return all
}()

func (l *lexer) wordEnd(from int) int {
	for from < len(l.text) && parts[l.text[from]] {
		from++
	}
	return from
}

// word cuts a name, or a text or name with a prefix such as E'…'.
func (l *lexer) word() error {
	if l.at+1 < len(l.text) && l.text[l.at+1] == '\'' {
		switch c := l.text[l.at] &^ 0x20; c {
		case 'E':
			return l.escaped()
		case 'B', 'X', 'N':
			return l.prefixed(c, 1)
		}
	}
	if rest := l.text[l.at:]; len(rest) > 2 && rest[0]&^0x20 == 'U' && rest[1] == '&' && (rest[2] == '\'' || rest[2] == '"') {
		return l.prefixed('U', 2)
	}

	end := l.wordEnd(l.at)
	l.add(Word, end, lower(l.text[l.at:end]))
	return nil
}

// lower folds the letters of ASCII, as PostgreSQL folds names in UTF-8.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for j, c := range b {
				if c >= 'A' && c <= 'Z' {
					b[j] = c | 0x20
				}
			}
			return string(b)
		}
	}

	return s
}

// number cuts a number. What follows one immediately must not be a letter: PostgreSQL 15 refuses it, earlier ones read an alias.
func (l *lexer) number() error {
	i, kind := l.at, Integer
	for i < len(l.text) && isDigit(l.text[i]) {
		i++
	}
	if i < len(l.text) && l.text[i] == '.' && !strings.HasPrefix(l.text[i:], "..") {
		kind = Decimal
		for i++; i < len(l.text) && isDigit(l.text[i]); i++ {
		}
	}
	if end := exponentEnd(l.text, i); end > i {
		kind, i = Decimal, end
	}
	if i < len(l.text) && isStart(l.text[i]) {
		return &Error{Span{l.at, l.wordEnd(i)}, "letters follow the number immediately"}
	}

	l.add(kind, i, l.text[l.at:i])
	return nil
}

// exponentEnd is where an exponent that begins at i ends; i if there is none.
func exponentEnd(s string, i int) int {
	if i >= len(s) || s[i]|0x20 != 'e' {
		return i
	}
	j := i + 1
	if j < len(s) && (s[j] == '+' || s[j] == '-') {
		j++
	}
	if j >= len(s) || !isDigit(s[j]) {
		return i
	}
	for j < len(s) && isDigit(s[j]) {
		j++
	}

	return j
}

// colon cuts ::, := and :name.
func (l *lexer) colon() error {
	rest := l.text[l.at:]
	switch {
	case strings.HasPrefix(rest, "::"):
		l.add(Punct, l.at+2, "::")
	case strings.HasPrefix(rest, ":="):
		l.add(Op, l.at+2, ":=")
	case len(rest) > 1 && isStart(rest[1]):
		end := l.wordEnd(l.at + 1)
		l.add(Param, end, l.text[l.at+1:end])
	default:
		l.add(Punct, l.at+1, ":")
	}

	return nil
}

const operators = "+-*/<>=~!@#%^&|`?"

// operator cuts an operator: the longest run of its characters that begins no comment; one of several characters ends in + or -
// only if it also holds one of ~ ! @ # % ^ & | ` ?.
func (l *lexer) operator() {
	rest := l.text[l.at:]
	n, special := 0, false
	for n < len(rest) && strings.IndexByte(operators, rest[n]) >= 0 {
		if n > 0 && (strings.HasPrefix(rest[n:], "--") || strings.HasPrefix(rest[n:], "/*")) {
			break
		}
		special = special || strings.IndexByte("~!@#%^&|`?", rest[n]) >= 0
		n++
	}
	for n > 1 && !special && (rest[n-1] == '+' || rest[n-1] == '-') {
		n--
	}

	l.add(Op, l.at+n, rest[:n])
}
