package redshifttest

import (
	"strings"
)

// kind is what a token of SQL is.
type kind int

const (
	space  kind = iota // and comments
	word               // an identifier without quotes, or a key word
	quoted             // an identifier in double quotes
	text               // a literal in single quotes or dollars
	number
	param // $1
	symbol
)

// token is a piece of SQL: all tokens of a text together are the text.
type token struct {
	kind kind
	raw  string
	up   string // of a word: in upper case
}

// is reports whether the token is this key word or symbol.
func (t token) is(upper string) bool {
	return t.kind == word && t.up == upper || t.kind == symbol && t.raw == upper
}

// value is what a literal or an identifier says. A backslash is an escape in every literal in quotes, as in PostgreSQL 8.0.
func (t token) value() string {
	switch {
	case t.kind == quoted:
		return strings.ReplaceAll(t.raw[1:len(t.raw)-1], `""`, `"`)
	case t.kind == text && t.raw[0] == '$':
		tag := strings.Index(t.raw[1:], "$") + 2
		return t.raw[tag : len(t.raw)-tag]
	case t.kind == text:
		return unescape(t.raw[strings.IndexByte(t.raw, '\'')+1 : len(t.raw)-1])
	}

	return t.raw
}

var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 'b': "\b", 'f': "\f"}

func unescape(body string) string {
	var out strings.Builder
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '\'': // doubled
			i++
			out.WriteByte('\'')
		case body[i] == '\\' && i+1 < len(body):
			i++
			if named, ok := escapes[body[i]]; ok {
				out.WriteString(named)
			} else {
				out.WriteByte(body[i])
			}
		default:
			out.WriteByte(body[i])
		}
	}

	return out.String()
}

// literal quotes a text for a server that takes a backslash for an escape.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

// scan divides a text into tokens.
func scan(sql string) (tokens []token) {
	for rest := sql; rest != ""; {
		t := next(rest)
		if t.kind == word {
			t.up = strings.ToUpper(t.raw)
		}
		tokens = append(tokens, t)
		rest = rest[len(t.raw):]
	}

	return tokens
}

func next(s string) token {
	switch c := s[0]; {
	case strings.ContainsRune(" \t\r\n\f\v", rune(c)):
		return token{kind: space, raw: s[:len(s)-len(strings.TrimLeft(s, " \t\r\n\f\v"))]}
	case strings.HasPrefix(s, "--"):
		return token{kind: space, raw: upTo(s, "\n")}
	case strings.HasPrefix(s, "/*"):
		return token{kind: space, raw: comment(s)}
	case c == '\'':
		return enclosed(s, 0, text)
	case (c == 'E' || c == 'e') && len(s) > 1 && s[1] == '\'':
		return enclosed(s, 1, text)
	case c == '"':
		return enclosed(s, 0, quoted)
	case c == '$' && len(s) > 1 && digit(s[1]):
		return token{kind: param, raw: s[:1+len(run(s[1:], digit))]}
	case c == '$':
		return dollars(s)
	case digit(c) || c == '.' && len(s) > 1 && digit(s[1]):
		return token{kind: number, raw: run(s, func(c byte) bool { return digit(c) || c == '.' })}
	case letter(c):
		return token{kind: word, raw: run(s, func(c byte) bool { return letter(c) || digit(c) || c == '$' })}
	case strings.HasPrefix(s, "::"):
		return token{kind: symbol, raw: "::"}
	}

	return token{kind: symbol, raw: s[:1]}
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
func letter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func run(s string, in func(byte) bool) string {
	n := 1
	for n < len(s) && in(s[n]) {
		n++
	}
	return s[:n]
}

// upTo is the beginning of a text including an end, or all of it.
func upTo(s, end string) string {
	if i := strings.Index(s, end); i >= 0 {
		return s[:i+len(end)]
	}
	return s
}

// comment is the comment that a text begins with; comments nest.
func comment(s string) string {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return s[:i+1]
		}
	}

	return s
}

// enclosed is the token from the quote at a place to the next; without one, which the server refuses, the quote alone.
func enclosed(s string, at int, k kind) token {
	quote := s[at]
	for i := at + 1; i < len(s); i++ {
		switch {
		case k == text && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return token{kind: k, raw: s[:i+1]}
		}
	}

	return token{kind: symbol, raw: s[:at+1]}
}

func dollars(s string) token {
	end := strings.IndexByte(s[1:], '$')
	if end < 0 {
		return token{kind: symbol, raw: s[:1]}
	}

	tag := s[:end+2]
	for _, c := range []byte(tag[1 : len(tag)-1]) {
		if !letter(c) && !digit(c) {
			return token{kind: symbol, raw: s[:1]}
		}
	}

	body := strings.Index(s[len(tag):], tag)
	if body < 0 {
		return token{kind: symbol, raw: s[:1]}
	}

	return token{kind: text, raw: s[:len(tag)+body+len(tag)]}
}

// join puts tokens together again.
func join(tokens []token) string {
	var out strings.Builder
	for _, t := range tokens {
		out.WriteString(t.raw)
	}
	return out.String()
}

// solid leaves out spaces and comments.
func solid(tokens []token) (out []token) {
	for _, t := range tokens {
		if t.kind != space {
			out = append(out, t)
		}
	}
	return out
}

// divide splits a text at its semicolons; empty statements are left out.
func divide(tokens []token) (statements [][]token) {
	var current []token
	for _, t := range append(tokens, token{kind: symbol, raw: ";"}) {
		if t.is(";") {
			if len(solid(current)) > 0 {
				statements = append(statements, current)
			}
			current = nil
			continue
		}
		current = append(current, t)
	}

	return statements
}
