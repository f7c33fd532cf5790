package why

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	for _, c := range []struct{ was, is, want string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nb", ""}, // only the end differs
		{"a\nb\nc\nd\ne\nf\ng", "a\nb\nc\nx\ne\nf\ng", "@@| b| c|-d|+x| e| f|@@"},
		{"a", "b\na\nc", "+b| a|+c"},
		{"", "a", "-|+a"},
	} {
		if got := strings.Join(diff(c.was, c.is), "|"); got != c.want && (c.want != "" || strings.ContainsAny(got, "+-")) {
			t.Errorf("%q to %q: %s", c.was, c.is, got)
		}
	}
}

// Lines marked as those of a text are the text, whatever the texts are.
func TestEditsHaveBothTexts(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	text := func() (lines []string) {
		for range random.IntN(12) {
			lines = append(lines, fmt.Sprint(random.IntN(4)))
		}
		return lines
	}
	for range 2000 {
		was, is := text(), text()
		var left, right []string
		for _, line := range edits(was, is) {
			if line[0] != '+' {
				left = append(left, line[1:])
			}
			if line[0] != '-' {
				right = append(right, line[1:])
			}
		}
		if !slices.Equal(left, was) || !slices.Equal(right, is) {
			t.Fatalf("seed %d: %v to %v: %v", seed, was, is, edits(was, is))
		}
	}
}
