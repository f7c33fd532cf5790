package postgres

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// struck stands where a value was struck out.
const struck = "***"

var (
	optionParts = regexp.MustCompile(`(?:\\.|[^\s\\])+`)
	escaped     = regexp.MustCompile(`\\(.)`)
)

// asked are the values that a connection asks the server to begin with and that may be secret: those in `options`, and of
// settings with a dot in their name.
func asked(settings map[string]string) (values []string) {
	for name, value := range settings {
		switch {
		case name == "options":
			for _, part := range optionParts.FindAllString(value, -1) {
				setting, of, found := strings.Cut(escaped.ReplaceAllString(part, "$1"), "=")
				if !found { // -c alone, or what no setting looks like
					of = strings.TrimPrefix(strings.TrimLeft(setting, "-"), "c")
				}
				values = append(values, of)
			}
		case strings.Contains(name, "."):
			values = append(values, value)
		}
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}

// strike takes the values that a server refuses, and quotes, out of its error. A short one is struck out where it is quoted
// only: it may be a word of the message.
func strike(e *hindcast.Error, settings map[string]string) {
	const shortest = 4
	for _, value := range asked(settings) {
		pairs := []string{`"` + value + `"`, `"` + struck + `"`}
		if len(value) >= shortest {
			pairs = []string{value, struck}
		}
		r := strings.NewReplacer(pairs...)
		e.Message, e.Next = r.Replace(e.Message), r.Replace(e.Next)
		for i := range e.Detail {
			e.Detail[i] = r.Replace(e.Detail[i])
		}
	}
}
