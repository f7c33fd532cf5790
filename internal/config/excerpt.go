package config

import (
	"fmt"
	"regexp"
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

// locationKey is what begins a value that may hold a secret, in block and in flow style.
var locationKey = regexp.MustCompile(`^(\s*(?:.*[{,]\s*)?["']?(?:warehouse|lake)["']?\s*:\s*)(.*)$`)

// secretKey is what begins a setting of Spark whose value is a secret, in block and in flow style.
var secretKey = regexp.MustCompile(`(?i)^(.*\bspark\.[\w.-]*(?:` + secretNames + `)[\w.-]*["']?\s*:\s*)(.*)$`)

// settingOption is a secret among the options that a setting holds.
var settingOption = regexp.MustCompile(`(?i)(-D[\w.-]*(?:` + secretWords + `)[\w.-]*=)([^\s"',}]+)`)

// shown is a pipeline file's text as an excerpt may show it. A location that cannot be parsed is struck out as a whole,
// as is one that spans lines: any piece of it may be part of a password.
func shown(text string) string {
	lines := strings.Split(maskMatch(settingOption, maskPasswords(text), ""), "\n")
	top, base, inside := -1, 0, false // how far the file's keys are indented, and the one whose value is a secret; whether that value goes on
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		rest := line[indent:]
		if top < 0 && rest != "" && rest[0] != '#' && rest != "---" {
			top = indent
		}
		if strings.TrimSpace(rest) == "" {
			continue
		}

		if inside && indent > base {
			lines[i] = line[:indent] + struck
			continue
		}

		inside, base = false, indent
		if m := locationKey.FindStringSubmatch(line); len(m) > 0 && (indent == top || strings.Contains(m[1], "{")) {
			lines[i], inside = m[1]+shownValue(m[2]), true
		} else if m := secretKey.FindStringSubmatch(line); len(m) > 0 {
			if inside = true; strings.Trim(anyRef.ReplaceAllString(m[2], ""), ` "'{},`) != "" {
				lines[i] = m[1] + struck
			}
		}
	}

	return strings.Join(lines, "\n")
}

// plainComment is a comment after a plain YAML value.
var plainComment = regexp.MustCompile(`\s+#.*$`)

// shownValue is a location's text in the file, with quotes and comment.
func shownValue(text string) string {
	quote, inner, after := "", plainComment.ReplaceAllString(text, ""), ""
	if strings.TrimSpace(inner) == "" {
		return text
	}
	if strings.ContainsRune("{[|>&*!", rune(inner[0])) && len(strings.TrimSpace(inner)) > 1 {
		return struck // not a text on one line
	}

	if text[0] == '"' || text[0] == '\'' {
		quote = text[:1]
		end := strings.LastIndex(text[1:], quote) + 1
		if end == 0 {
			return struck
		}
		inner, after = text[1:end], text[end+1:]
	} else {
		after = text[len(inner):]
	}

	r := referencesIn(inner)
	masked, ok := r.masked(func(string, string) {})
	if !ok {
		return struck
	}

	return quote + masked + quote + after
}

var (
	urlPassword = regexp.MustCompile(`(://[^\s:/@"']*:)([^\s"']+)@`)
	urlSecret   = regexp.MustCompile(`(?i)([?&](?:pass|passwo?r?d|sslpassword|passphrase|secret[a-z_-]*|token|access_?key[a-z_-]*)=)([^\s&"']+)`)
	// A quoted value extends to its closing quote, wherever that is: in malformed text it is safer to strike too much.
	keywordSecret = regexp.MustCompile(`(?i)(\b(?:pass|passwo?r?d|sslpassword|passphrase)\s*=\s*)('(?:[^'\\\n]|\\.)*'?|(?:[^\s'"&\\]|\\.)+)`)
)

// maskPasswords strikes literal passwords in URLs; ${VAR} stays. It is for text that may not have been parsed: for
// parsed text there is the Redactor.
func maskPasswords(text string) string {
	text = maskMatch(urlPassword, text, "@")
	text = maskMatch(urlSecret, text, "")
	return maskMatch(keywordSecret, text, "")
}

// maskMatch strikes the second group of each match of form, unless it is only references.
func maskMatch(form *regexp.Regexp, text, after string) string {
	return form.ReplaceAllStringFunc(text, func(found string) string {
		m := form.FindStringSubmatch(found)
		if onlyRefs(m[2]) {
			return found
		}

		return m[1] + struck + after
	})
}
