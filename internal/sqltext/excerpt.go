package sqltext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

// excerptWidth is the longest line that an excerpt shows whole; a longer one is cut around the place.
const excerptWidth = 100

// Excerpt shows the line of text at place and the line before it, numbered, with carets under length characters from
// place's column on (at least one, at most to the line's end). It is empty if the line is unknown or not in the text.
// Every line ends with a newline, including the last.
func Excerpt(text string, place hindcast.Place, length int) string {
	lines := strings.Split(text, "\n")
	if place.Line < 1 || place.Line > len(lines) {
		return ""
	}

	var out strings.Builder
	from := max(place.Line-1, 1)
	if from < place.Line && strings.TrimSpace(lines[from-1]) == "" {
		from = place.Line
	}

	gutter := len(fmt.Sprint(place.Line))
	start := 0
	if place.Column > excerptWidth*3/4 {
		start = place.Column - excerptWidth/2
	}

	for n := from; n <= place.Line; n++ {
		shown, _ := window(printable(lines[n-1]), start)
		fmt.Fprintf(&out, "    %*d | %s\n", gutter, n, shown)
	}

	if place.Column > 0 {
		shown, cut := window(printable(lines[place.Line-1]), start)
		fmt.Fprintf(&out, "    %*s | %s\n", gutter, "", carets(shown, place.Column-start+cut, length))
	}

	return out.String()
}

// window returns the part of a line that begins at rune start, and by how much its marks shift the columns.
func window(line string, start int) (shown string, shift int) {
	runes := []rune(line)
	if start > 0 {
		runes, shift = append([]rune("…"), runes[min(start, len(runes)):]...), 1
	}
	if len(runes) > excerptWidth {
		runes = append(runes[:excerptWidth-1:excerptWidth-1], '…')
	}
	return strings.TrimRight(string(runes), " \t"), shift
}

// carets returns the line below line; column counts from 1, in runes. Tabs stay tabs, so that the carets line up.
func carets(line string, column, length int) string {
	var out strings.Builder
	runes := []rune(line)
	for i := range max(column-1, 0) {
		if i < len(runes) && runes[i] == '\t' {
			out.WriteByte('\t')
			continue
		}
		out.WriteByte(' ')
	}

	length = min(length, utf8.RuneCountInString(line)-column+1)
	out.WriteString(strings.Repeat("^", max(length, 1)))
	return out.String()
}

// printable replaces characters that would control a terminal.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, strings.TrimRight(line, "\r"))
}
