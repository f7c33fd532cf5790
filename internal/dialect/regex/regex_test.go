package regex

import "testing"

// A pattern is written as RE2 and Java read it, and known for what a search by it may find.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, written string
		same, groups     bool // engines find the same match, and the same groups
	}{
		{"abc", "abc", true, true},
		{"a.c", "a(?s:.)c", true, true},
		{`^\d{3}-[a-c]+$`, `\A[0-9]{3}\-[a-c]+\z`, true, true},
		{"[^a]", "[^a]", true, true},
		{"a|b", "[ab]", true, true},
		{"ab|cd", "ab|cd", true, true},
		{"a|ab", "a|ab", false, false},
		{"ab|ac", "ab|ac", true, true},
		{"(a|ab)(c|bcd)", "(?:a|ab)(?:c|bcd)", false, false},
		{"a*(ab)?", "a*(?:ab)?", false, false},
		{"<.*?>", `\<(?s:.)*?\>`, true, true},
		{"<.*>", `\<(?s:.)*\>`, true, true},
		{"a*.*?b", "a*(?s:.)*?b", false, false},
		{"^.*/", `\A(?s:.)*/`, true, true},
		{"^(.*)-(.*)$", `\A(?:(?s:.)*)\-(?:(?s:.)*)\z`, true, true},
		{"^(.*)-(.*)-.*x$", `\A(?:(?s:.)*)\-(?:(?s:.)*)\-(?s:.)*x\z`, true, true},
		{"a?(?:ab)?(.*)$", `a?(?:ab)?(?:(?s:.)*)\z`, true, false},
		{"([^,]*),([^,]*)", "(?:[^,]*),(?:[^,]*)", true, true},
		{"(a)+", "(?:a)+", true, false},
		{"(?:ab){2,3}c", "(?:ab){2,3}c", true, true},
		{"a^b", `a\Ab`, false, false},
		{`[\w.-]+@`, `[\-\.0-9A-Z_a-z]+@`, true, true},
	} {
		p, bad := Posix(c.pattern, Options{})
		if bad != nil {
			t.Errorf("%s: %s", c.pattern, bad.Why)
			continue
		}
		if got := p.String(); got != c.written {
			t.Errorf("%s is written %s, not %s", c.pattern, got, c.written)
		}
		if same := p.Same(false) == ""; same != c.same {
			t.Errorf("%s: same is %v: %s", c.pattern, same, p.Same(false))
		}
		if groups := p.Same(true) == ""; groups != c.groups {
			t.Errorf("%s: groups are %v: %s", c.pattern, groups, p.Same(true))
		}
	}
}

// What is not read is refused with its place.
func TestRefused(t *testing.T) {
	t.Parallel()
	for pattern, place := range map[string]string{
		"(":        "(",
		"a)":       ")",
		"*a":       "*",
		"a**":      "a**",
		"(a*)*":    "(a*)*",
		"(a+)+b":   "(a+)+b",
		"[a":       "[",
		"[[:x:]]":  "[:x:]",
		"[z-a]":    "z-a",
		`[\w-a]`:   "-",
		`a\1`:      `\1`,
		`\mword`:   `\m`,
		"(?=a)":    "(?=a",
		"a{300}":   "{300}",
		"a||b":     "a||b",
		"x()":      "()",
		"***=a":    "***=",
		`a\`:       `\`,
		"[[.a.]]x": "[.a.]",
	} {
		_, bad := Posix(pattern, Options{})
		if bad == nil {
			t.Errorf("%s is read", pattern)
			continue
		}
		if at := pattern[bad.From:bad.To]; at != place {
			t.Errorf("%s is refused at %s, not %s: %s", pattern, at, place, bad.Why)
		}
	}
}
