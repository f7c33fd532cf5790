package regex

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// span is a range of characters, both ends included.
type span struct{ from, to rune }

// set is a set of characters: spans in order that do not touch each other.
type set []span

var every = set{{0, utf8.MaxRune}}

func one(r rune) set { return set{{r, r}} }

// union is the set of what is in either.
func (s set) union(other set) set {
	sorted := slices.SortedFunc(slices.Values(slices.Concat(s, other)), func(a, b span) int { return int(a.from - b.from) })
	var out set
	for _, r := range sorted {
		if last := len(out) - 1; last >= 0 && r.from <= out[last].to+1 {
			out[last].to = max(out[last].to, r.to)
			continue
		}
		out = append(out, r)
	}
	return out
}

// negated is every other character.
func (s set) negated() set {
	var out set
	next := rune(0)
	for _, r := range s {
		if r.from > next {
			out = append(out, span{next, r.from - 1})
		}
		next = r.to + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, span{next, utf8.MaxRune})
	}
	return out
}

// meets reports whether the sets have a character in common.
func (s set) meets(other set) bool {
	for _, a := range s {
		for _, b := range other {
			if a.from <= b.to && b.from <= a.to {
				return true
			}
		}
	}
	return false
}

// folded has the letters of ASCII in both cases if it has them in one.
func (s set) folded() set {
	out := s
	for _, r := range s {
		for _, letters := range []struct {
			from, to rune
			shift    rune
		}{{'a', 'z', 'A' - 'a'}, {'A', 'Z', 'a' - 'A'}} {
			if from, to := max(r.from, letters.from), min(r.to, letters.to); from <= to {
				out = out.union(set{{from + letters.shift, to + letters.shift}})
			}
		}
	}
	return out
}

// ascii reports whether all characters of a set that is not negated are of ASCII.
func (s set) ascii() bool { return len(s) == 0 || s[len(s)-1].to < utf8.RuneSelf }

// String is the set as RE2 and Java read it.
func (s set) String() string {
	switch {
	case len(s) == 1 && s[0] == every[0]:
		return "(?s:.)"
	case len(s) == 1 && s[0].from == s[0].to:
		return escaped(s[0].from)
	case len(s) > 0 && s[len(s)-1].to == utf8.MaxRune:
		return "[^" + s.negated().spans() + "]"
	}
	return "[" + s.spans() + "]"
}

func (s set) spans() string {
	var out strings.Builder
	for _, r := range s {
		out.WriteString(escaped(r.from))
		if r.to > r.from+1 {
			out.WriteByte('-')
		}
		if r.to > r.from {
			out.WriteString(escaped(r.to))
		}
	}
	return out.String()
}

// escaped is a character that means nothing but itself, in brackets and outside of them.
func escaped(r rune) string {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == ' ', r == '_', r == '@', r == ',', r == ';', r == ':', r == '/', r == '%', r == '=':
		return string(r)
	case r > ' ' && r < 0x7f:
		return `\` + string(r)
	case r >= 0xa1 && r < 0x2000:
		return string(r)
	}
	return fmt.Sprintf(`\x{%X}`, r)
}

// classes are those of POSIX over ASCII: in the collation C, and in Redshift, no other character is in one.
var classes = map[string]set{
	"alpha": {{'A', 'Z'}, {'a', 'z'}}, "digit": {{'0', '9'}}, "alnum": {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, "upper": {{'A', 'Z'}}, "lower": {{'a', 'z'}},
	"space": {{'\t', '\r'}, {' ', ' '}}, "blank": {{'\t', '\t'}, {' ', ' '}}, "punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
	"xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, "cntrl": {{0, 0x1f}, {0x7f, 0x7f}}, "graph": {{'!', '~'}}, "print": {{' ', '~'}}, "word": {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
}

// shorthands are the letters behind a backslash that stand for a class; a capital stands for all other characters.
var shorthands = map[rune]string{'d': "digit", 's': "space", 'w': "word"}
