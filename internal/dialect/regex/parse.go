package regex

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Options say how a pattern is read.
type Options struct {
	Fold  bool // the case of letters of ASCII does not matter
	Plain bool // Redshift's: without the escapes, the shortest matches and the groups that do not count of PostgreSQL
}

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

type parser struct {
	Options
	text    string
	at      int
	pattern *Pattern
	depth   int
	err     *Error
	similar bool // it is one of SIMILAR TO
	escape  rune // of SIMILAR TO; -1 if there is none
}

// Bounds of what is read: engines set such, too.
const (
	deepest = 50
	largest = 1000 // characters, with what is repeated counted as often
	counted = 255  // the most that PostgreSQL counts to
)

// Posix reads a regular expression.
func Posix(text string, o Options) (*Pattern, *Error) {
	p := &parser{Options: o, text: text, escape: -1, pattern: &Pattern{}}
	if strings.HasPrefix(text, "***") || strings.HasPrefix(text, "(?") && !strings.HasPrefix(text, "(?:") {
		return nil, &Error{0, min(len(text), 4), "options in a pattern are not read"}
	}
	return p.read()
}

// Similar reads a pattern of SIMILAR TO, which is of the whole text; escape is -1 if there is none.
func Similar(text string, escape rune) (*Pattern, *Error) {
	return (&parser{text: text, escape: escape, similar: true, pattern: &Pattern{}}).read()
}

// Like reads a pattern of LIKE, which is of the whole text.
func Like(text string, escape rune, fold bool) (*Pattern, *Error) {
	p := &parser{Options: Options{Fold: fold}, text: text, escape: escape, pattern: &Pattern{}}
	var all []node
	for p.at < len(text) {
		switch r := p.rune(); {
		case r == escape && p.at == len(text):
			return nil, &Error{p.at - 1, p.at, "the pattern ends with the escape"}
		case r == escape:
			all = append(all, p.literal(p.rune()))
		case r == '%':
			all = append(all, anything())
		case r == '_':
			all = append(all, node{kind: chars, set: every})
		default:
			all = append(all, p.literal(r))
		}
	}
	p.pattern.root = node{kind: concat, of: all}
	return p.pattern, p.err
}

func anything() node {
	return node{kind: repeat, of: []node{{kind: chars, set: every}}, most: -1}
}

func (p *parser) read() (*Pattern, *Error) {
	root := p.either()
	if p.err == nil && p.at < len(p.text) {
		p.fail(p.at, p.at+1, "this parenthesis closes nothing")
	}
	if p.err == nil {
		p.pattern.root = root
		if root.size() > largest {
			p.fail(0, len(p.text), "the pattern is too large")
		} else if root.slow() {
			p.fail(0, len(p.text), "what is counted can be divided in several ways, which takes some engines practically forever")
		}
	}
	return p.pattern, p.err
}

func (p *parser) fail(from, to int, why string) {
	if p.err == nil {
		p.err = &Error{from, max(min(to, len(p.text)), from), why}
	}
}

// rune takes the next character.
func (p *parser) rune() rune {
	r, n := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += n
	if r == utf8.RuneError && n <= 1 {
		p.fail(p.at-n, p.at, "this is not valid UTF-8")
	}
	return r
}

func (p *parser) peek() byte {
	if p.at < len(p.text) && p.err == nil {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) either() node {
	from := p.at
	branches := []node{p.branch()}
	for p.err == nil && p.peek() == '|' {
		p.at++
		branches = append(branches, p.branch())
	}
	if len(branches) == 1 {
		return branches[0]
	}
	out := node{kind: either, of: branches}
	single := set{}
	for i := range branches {
		if len(branches[i].of) == 0 {
			p.fail(from, p.at, "an empty branch is not read")
			return out
		}
		if b := branches[i].of; len(b) != 1 || b[0].kind != chars {
			single = nil
		} else if single != nil {
			single = single.union(b[0].set)
		}
	}
	if single != nil { // one character of several: as a set it costs no stack
		return node{kind: concat, of: []node{{kind: chars, set: single}}}
	}

	return out
}

func (p *parser) branch() node {
	out := node{kind: concat}
	for p.err == nil && p.at < len(p.text) && p.peek() != '|' && p.peek() != ')' {
		out.of = append(out.of, p.quantified())
	}
	return out
}

func (p *parser) quantified() node {
	from := p.at
	n := p.atom()
	if p.err != nil {
		return n
	}
	least, most, ok := p.quantifier()
	if !ok {
		return n
	}
	out := node{kind: repeat, of: []node{n}, least: least, most: most}
	switch {
	case n.kind == start || n.kind == end:
		p.fail(from, p.at, "nothing is counted here")
	case n.nullable():
		p.fail(from, p.at, "what may be empty is counted, which engines do not do alike")
	}
	if p.peek() == '?' && !p.similar {
		p.at++
		if out.lazy = true; p.Plain {
			p.fail(from, p.at, "the shortest match is not known in Redshift")
		}
	}
	if c := p.peek(); c == '*' || c == '+' || c == '?' || c == '{' {
		p.fail(from, p.at+1, "a count follows a count")
	}

	return out
}

// quantifier reads a count.
func (p *parser) quantifier() (least, most int, ok bool) {
	from := p.at
	switch p.peek() {
	case '*':
		p.at++
		return 0, -1, true
	case '+':
		p.at++
		return 1, -1, true
	case '?':
		p.at++
		return 0, 1, true
	case '{':
		body, _, closed := strings.Cut(p.text[p.at+1:], "}")
		low, high, two := strings.Cut(body, ",")
		least, errLeast := strconv.Atoi(low)
		most, errMost := strconv.Atoi(high)
		switch {
		case !two:
			most, errMost = least, nil
		case high == "":
			most, errMost = -1, nil
		}
		if p.at += len(body) + 2; !closed || errLeast != nil || errMost != nil || least < 0 || max(least, most) > counted || most >= 0 && most < least || most == 0 {
			p.fail(from, p.at, "this is not a count that is read")
		}
		return least, most, true
	}
	return 0, 0, false
}

func (p *parser) literal(r rune) node {
	s := one(r)
	if p.Fold {
		if r >= utf8.RuneSelf {
			p.pattern.Classes = true // the locale decides on its other case
		}
		s = s.folded()
	}
	return node{kind: chars, set: s}
}

func (p *parser) atom() node {
	from := p.at
	r := p.rune()
	switch {
	case r == p.escape && p.similar:
		if p.at == len(p.text) {
			p.fail(from, p.at, "the pattern ends with the escape")
			return node{}
		}
		if r = p.rune(); strings.ContainsRune(`"`+alphanumeric, r) {
			p.fail(from, p.at, "this escape is not read")
		}
		return p.literal(r)
	case r == '(':
		return p.parens(from)
	case r == '[':
		return node{kind: chars, set: p.bracket(from)}
	case r == '*' || r == '+' || r == '?' || r == '{':
		p.fail(from, p.at, "nothing stands before this count")
	case p.similar && r == '%':
		return anything()
	case p.similar && r == '_', !p.similar && r == '.':
		return node{kind: chars, set: every}
	case p.similar:
		return p.literal(r)
	case r == '^':
		return node{kind: start}
	case r == '$':
		return node{kind: end}
	case r == '\\':
		return p.escaped(from)
	}
	return p.literal(r)
}

func (p *parser) parens(from int) node {
	if p.depth++; p.depth > deepest {
		p.fail(from, p.at, "parentheses are nested too deeply")
		return node{}
	}
	defer func() { p.depth-- }()
	counts := !p.similar
	if strings.HasPrefix(p.text[p.at:], "?") {
		if !strings.HasPrefix(p.text[p.at:], "?:") || p.Plain || p.similar {
			p.fail(from, p.at+2, "what looks ahead or behind is not read")
			return node{}
		}
		p.at += 2
		counts = false
	}
	inner := p.either()
	switch {
	case p.peek() != ')':
		p.fail(from, from+1, "this parenthesis is not closed")
	case inner.kind == concat && len(inner.of) == 0:
		p.fail(from, p.at+1, "empty parentheses are not read")
	}
	p.at++
	if !counts {
		return inner
	}
	p.pattern.groups++
	return node{kind: group, of: []node{inner}}
}

// escaped reads what stands behind a backslash.
func (p *parser) escaped(from int) node {
	if p.at == len(p.text) {
		p.fail(from, p.at, "a backslash stands at the end")
		return node{}
	}
	r := p.rune()
	switch r {
	case 'A':
		return node{kind: start}
	case 'Z':
		return node{kind: end}
	}
	if s, ok := p.shorthand(r); ok {
		return node{kind: chars, set: s}
	}
	return p.literal(p.escapedRune(from, r))
}

// shorthand is the class that a letter behind a backslash stands for.
func (p *parser) shorthand(r rune) (set, bool) {
	low := r | 0x20
	name, ok := shorthands[low]
	if !ok || p.Plain {
		return nil, false
	}
	p.pattern.Classes = true
	if r == low {
		return classes[name], true
	}
	return classes[name].negated(), true
}

// escapedRune is the character that one behind a backslash stands for.
func (p *parser) escapedRune(from int, r rune) rune {
	controls := map[rune]rune{'a': '\a', 'b': '\b', 'e': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'B': '\\'}
	if c, ok := controls[r]; ok {
		return c
	}
	if r < utf8.RuneSelf && strings.ContainsRune(alphanumeric, r) {
		p.fail(from, p.at, "this escape is not read")
	}
	return r
}
