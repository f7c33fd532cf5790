package sqltext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// nextOfSpark cuts what Spark spells differently from the standard; 0 where it does not.
func nextOfSpark(rest string) (kind, int) {
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "--"):
		return comment, sparkLineEnd(rest)
	case strings.HasPrefix(rest, "/*+"):
		return symbol, 3
	case strings.HasPrefix(rest, "*/"):
		return symbol, 2
	case strings.HasPrefix(rest, "/*"):
		return comment, sparkBlockEnd(rest)
	case c == '\'' || c == '"': // backslashes escape in names, too
		return quoted, quoteEnd(rest, c, true)
	case c == '`':
		return quoted, quoteEnd(rest, c, false)
	case (c == 'r' || c == 'R') && len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"'):
		return quoted, rawEnd(rest)
	case c == '$':
		return symbol, 1
	case isWord(c):
		if n := sparkWordEnd(rest); n > 0 {
			return word, n // also the e of E'…', which is not a string of its own kind
		}
		_, n := utf8.DecodeRuneInString(rest)
		return space, n
	}
	return symbol, 0
}

// sparkLineEnd finds the end of a -- comment: a backslash before the line's end continues it on the next line.
func sparkLineEnd(s string) int {
	for i := range len(s) {
		if s[i] == '\r' || s[i] == '\n' && s[i-1] != '\\' {
			return i
		}
	}
	return len(s)
}

// sparkBlockEnd finds the end of a block comment. They nest, but the beginning of a hint is text in them.
func sparkBlockEnd(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i:i+2] == "/*" && !strings.HasPrefix(s[i:], "/*+"):
			depth++
			i++
		case s[i:i+2] == "*/":
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}

	return len(s)
}

// rawEnd finds the end of r'…', which ends at the first quote.
func rawEnd(s string) int {
	if i := strings.IndexByte(s[2:], s[1]); i >= 0 {
		return 2 + i + 1
	}
	return len(s)
}

// sparkWordEnd finds the end of a word; 0 if s begins with a blank beyond ASCII, which Spark 4 takes for one.
func sparkWordEnd(s string) int {
	for i, r := range s {
		if r < utf8.RuneSelf && !isWord(s[i]) || r >= utf8.RuneSelf && unicode.IsSpace(r) {
			return i
		}
	}
	return len(s)
}

// Literal spells a literal of the standard, as a pipeline has it, in the dialect. Spark takes two quotes in a text for its end
// and the beginning of another one, which it appends: a quote is escaped there, as a backslash is.
func (d Dialect) Literal(literal string) string {
	if d != Spark {
		return literal
	}

	if rest, found := strings.CutPrefix(literal, "TIMESTAMPTZ '"); found {
		return "TIMESTAMP_LTZ '" + rest
	}
	if len(literal) > 1 && literal[0] == '\'' {
		text := strings.ReplaceAll(literal[1:len(literal)-1], "''", "'")
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
	}
	return literal
}
