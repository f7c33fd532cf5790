package objstore

import (
	"strings"
	"testing"
	"testing/quick"
)

func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"billing": "billing", "": "%", "..": "%2E.", "_hindcast": "%5Fhindcast", "a b": "a%20b", `it's`: "it%27s",
		"é": "%C3%A9", "a/b": "a%2Fb", "50%": "50%25", "2020-01-01T00:00+01:00": "2020-01-01T00%3A00%2B01%3A00",
	} {
		if got := Escape(name); got != want {
			t.Errorf("Escape(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEscapeIsReversibleAndSafe(t *testing.T) {
	reversible := func(name string) bool {
		part := Escape(name)
		back, err := Unescape(part)
		return err == nil && back == name && CheckKey(part) == nil && !strings.ContainsAny(part, "/\\\"' *?[]")
	}
	if err := quick.Check(reversible, nil); err != nil {
		t.Error(err)
	}
}

func TestUnescapeRefuses(t *testing.T) {
	for _, part := range []string{"", ".", "..", "a b", "%2e.", "%zz", "a%", "%41", "a/b"} {
		if name, err := Unescape(part); err == nil {
			t.Errorf("Unescape(%q) = %q, want an error", part, name)
		}
	}
}
