package regex

import "strings"

// bracket reads [...] behind its first character.
func (p *parser) bracket(from int) set {
	negated := p.peek() == '^'
	if negated {
		p.at++
	}
	var out set
	for first := true; p.err == nil; first = false {
		if p.at >= len(p.text) {
			p.fail(from, from+1, "this bracket is not closed")
			return out
		}
		if p.peek() == ']' && !first {
			p.at++
			break
		}
		if p.similar && (p.peek() == ']' || strings.HasPrefix(p.text[p.at:], string(p.escape))) {
			p.fail(p.at, p.at+1, "this is not read in brackets")
			return out
		}
		out = out.union(p.member(first))
	}
	if p.Fold {
		if !out.ascii() {
			p.pattern.Classes = true
		}
		out = out.folded()
	}
	if negated {
		out = out.negated()
	}
	if len(out) == 0 && p.err == nil {
		p.fail(from, p.at, "no character is in these brackets")
	}

	return out
}

// member reads a character, a range or a class. A dash that does not stand in a range stands first or last.
func (p *parser) member(first bool) set {
	from := p.at
	if rest := p.text[p.at:]; len(rest) > 1 && rest[0] == '[' && strings.IndexByte(":.=", rest[1]) >= 0 {
		name, _, closed := strings.Cut(rest[2:], rest[1:2]+"]")
		s, known := classes[name]
		if p.at += len(name) + 4; rest[1] != ':' || !closed || !known || name == "word" {
			p.fail(from, p.at, "this class is not read")
		}
		p.pattern.Classes = true
		return s
	}
	dash := p.peek() == '-'
	low, class := p.one()
	if class != nil {
		return class
	}
	if dash && !first && p.peek() != ']' {
		p.fail(from, p.at, "a dash stands between two characters, first or last")
	}
	if rest := p.text[p.at:]; len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
		return one(low)
	}
	p.at++
	high, class := p.one()
	if class != nil || high < low || high == '[' || high == '-' {
		p.fail(from, p.at, "this is not a range")
		return nil
	}

	return set{{low, high}}
}

// one reads a character in brackets, or the class that an escape stands for.
func (p *parser) one() (rune, set) {
	from := p.at
	r := p.rune()
	if r != '\\' || p.similar {
		return r, nil
	}
	if p.at == len(p.text) {
		p.fail(from, p.at, "a backslash stands at the end")
		return r, nil
	}
	r = p.rune()
	if s, ok := p.shorthand(r); ok {
		if r >= 'A' && r <= 'Z' {
			p.fail(from, p.at, "this is not read in brackets")
		}
		return 0, s
	}
	return p.escapedRune(from, r), nil
}
