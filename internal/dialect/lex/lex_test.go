package lex

import (
	"slices"
	"strings"
	"testing"
)

// words are texts and their tokens, as they stand in the text.
var words = []struct {
	text string
	want []string
}{
	{"SELECT a.b, c::int", []string{"SELECT", "a", ".", "b", ",", "c", "::", "int"}},
	{"1+-2 - -3", []string{"1", "+", "-", "2", "-", "-", "3"}},
	{"a<>b!=c||d", []string{"a", "<>", "b", "!=", "c", "||", "d"}},
	{"a@-b a=-1 a<--x\n1", []string{"a", "@-", "b", "a", "=", "-", "1", "a", "<", "1"}},
	{"1--2\n3", []string{"1", "3"}},
	{"1/* a /* b */ c */2", []string{"1", "2"}},
	{"1.5 .5 5. 1e3 1.5e-3", []string{"1.5", ".5", "5.", "1e3", "1.5e-3"}},
	{":run_time :a::int $1", []string{":run_time", ":a", "::", "int", "$1"}},
	{"'it''s' E'a\\'b' $$x$$ $a$ $$ $a$", []string{"'it''s'", `E'a\'b'`, "$$x$$", "$a$ $$ $a$"}},
	{"'a'\n 'b' 'c'", []string{"'a'\n 'b'", "'c'"}},
	{`"A""b" Größe`, []string{`"A""b"`, "Größe"}},
	{"b.y(+)=c", []string{"b", ".", "y", "(", "+", ")", "=", "c"}},
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, c := range words {
		all, err := Tokens(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		var got []string
		for _, token := range all[:len(all)-1] {
			got = append(got, token.At.In(c.text))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"FooBar": "foobar", `"Foo""Bar"`: `Foo"Bar`, "'it''s'": "it's", `E'a\tb\\\x41\u00e9\101'`: "a\tb\\AéA",
		"$q$it's$q$": "it's", "'a'\n'b'": "ab", ":Name": "Name", "ÄB": "Äb"} {
		all, err := Tokens(text)
		if err != nil || len(all) != 2 || all[0].Text != want {
			t.Errorf("%s: got %v, %v, want %q", text, all, err, want)
		}
	}
}

func TestTokensRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"'a", `"a`, `""`, "/* /* */", "$a$ $b$", "12ab", `E'\uZZZZ'`, "E'\\000'", "a\x00b", "\xff", "\\", strings.Repeat(" ", Longest+1)} {
		if all, err := Tokens(text); err == nil {
			t.Errorf("%.20q gives %.10v", text, all)
		}
	}
}

// FuzzTokens: tokens lie in the text, in order, and what is between them is blank or a comment.
func FuzzTokens(f *testing.F) {
	for _, c := range words {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Tokens(text)
		if err != nil {
			return
		}
		at := 0
		for _, token := range all {
			if token.At.Start < at || token.At.End < token.At.Start || token.At.End > len(text) {
				t.Fatalf("%q: %+v stands before %d", text, token, at)
			}
			between := strings.TrimLeft(text[at:token.At.Start], " \t\r\n\f\v")
			if between != "" && !strings.HasPrefix(between, "--") && !strings.HasPrefix(between, "/*") {
				t.Fatalf("%q: %q is lost", text, between)
			}
			at = token.At.End
		}
	})
}
