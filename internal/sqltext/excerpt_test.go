package sqltext

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("x", 200) + "HERE" + strings.Repeat("y", 200)
	for _, c := range []struct {
		name, text   string
		line, column int
		length       int
		want         string
	}{
		{"design", strings.Repeat("\n", 20) + "  a.segment,\n  b.tier,\n", 22, 3, 6,
			"    21 |   a.segment,\n    22 |   b.tier,\n       |   ^^^^^^\n"},
		{"first line", "SELECT x", 1, 8, 1, "    1 | SELECT x\n      |        ^\n"},
		{"gutter", strings.Repeat("a\n", 10), 10, 1, 1, "     9 | a\n    10 | a\n       | ^\n"},
		{"tabs", "\tx\ty", 1, 4, 1, "    1 | \tx\ty\n      | \t \t^\n"},
		{"runes", "é = ü", 1, 5, 1, "    1 | é = ü\n      |     ^\n"},
		{"too long", "ab", 1, 2, 99, "    1 | ab\n      |  ^\n"},
		{"beyond the end", "ab", 1, 3, 0, "    1 | ab\n      |   ^\n"},
		{"crlf", "a\r\nb\r\n", 2, 1, 1, "    1 | a\n    2 | b\n      | ^\n"},
		{"control", "a\x1b[2J", 1, 1, 1, "    1 | a·[2J\n      | ^\n"},
		{"no column", "a\nb", 2, 0, 1, "    1 | a\n    2 | b\n"},
		{"unknown", "a", 0, 0, 1, ""},
		{"outside", "a", 7, 1, 1, ""},
	} {
		got := Excerpt(c.text, hindcast.Place{Line: c.line, Column: c.column}, c.length)
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}

	lines := strings.Split(Excerpt(long, hindcast.Place{Line: 1, Column: 201}, 4), "\n")
	at := strings.Index(lines[1], "^^^^")
	if at < 0 || string([]rune(lines[0])[at:at+4]) != "HERE" || len([]rune(lines[0])) > 120 {
		t.Errorf("a long line:\n%s", strings.Join(lines, "\n"))
	}
}
