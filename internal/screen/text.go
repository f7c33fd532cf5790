package screen

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// cells is how many columns of a terminal the text takes; colour takes none.
func cells(s string) int {
	if !strings.Contains(s, "\x1b") {
		return uniseg.StringWidth(s)
	}

	n := 0
	for s != "" {
		text, code, rest := nextColor(s)
		n += uniseg.StringWidth(text)
		_, s = code, rest
	}
	return n
}

// nextColor cuts s at its first colour sequence: the text before it, the sequence, and the rest.
func nextColor(s string) (text, code, rest string) {
	start := strings.Index(s, "\x1b[")
	if start < 0 {
		return s, "", ""
	}

	end := strings.IndexByte(s[start:], 'm')
	if end < 0 {
		return s[:start], s[start:], ""
	}

	return s[:start], s[start : start+end+1], s[start+end+1:]
}

// clip shortens a line to width cells, with "…" for what is gone; colour is kept and closed. A width of 0
// keeps all.
func clip(s string, width int, unicodeAllowed bool) string {
	if width <= 0 || cells(s) <= width {
		return s
	}

	mark := ellipsis(unicodeAllowed)
	room := max(width-cells(mark), 0)
	if room == 0 {
		mark = mark[:min(len(mark), width)]
	}

	var b strings.Builder
	colored := false
	for s != "" && room >= 0 {
		text, code, rest := nextColor(s)
		part, full := take(text, room)
		b.WriteString(part)
		room -= cells(part)
		if !full {
			break
		}
		b.WriteString(code)
		colored = colored || code != ""
		s = rest
	}

	b.WriteString(mark)
	if colored {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// take returns as many leading characters as fit in room, and whether these are all.
func take(s string, room int) (string, bool) {
	used, rest, state := 0, s, -1
	for rest != "" {
		var w int
		var next string
		_, next, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > room {
			return s[:len(s)-len(rest)], false
		}
		used, rest = used+w, next
	}
	return s, true
}

func ellipsis(unicodeAllowed bool) string {
	if unicodeAllowed {
		return "…"
	}
	return "..."
}

// padRight fills with spaces behind the text, padLeft before it.
func padRight(s string, width int) string { return s + strings.Repeat(" ", max(width-cells(s), 0)) }
func padLeft(s string, width int) string  { return strings.Repeat(" ", max(width-cells(s), 0)) + s }

// together is what is not broken where it fits on a line: a command, or a flag with its value.
var together = regexp.MustCompile(`hindcast [a-z]+(?: --[a-z-]+(?: (?:'[^']*'|[^\s-]\S*))?| r[0-9]+)*|--[a-z-]+ [^\s-]\S*`)

// words splits text at its spaces, except those within what is not broken and takes no more room than there is.
func words(text string, room int) []string {
	const space = "\x1f" // in no text that is shown
	text = together.ReplaceAllStringFunc(text, func(whole string) string {
		if cells(whole) > room {
			return whole
		}
		return strings.ReplaceAll(whole, " ", space)
	})

	list := strings.Split(text, " ")
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], space, " ")
	}
	return list
}

// wrap breaks text between words into lines of at most width cells: the first begins with first, the others
// with hang. A word that is too long for a line is cut into pieces; nothing of it is lost.
func wrap(first, hang, text string, width int) []string {
	if width <= 0 || cells(first)+cells(text) <= width {
		return []string{first + text}
	}

	if cells(hang) > width/2 {
		hang = "  "
	}

	var lines []string
	line, empty := first, true
	flush := func() { lines, line, empty = append(lines, line), hang, true }
	for _, word := range words(text, width-cells(hang)) {
		if word == "" {
			if !empty {
				line += " " // spacing within a line stays
			}
			continue
		}
		if !empty && cells(line)+1+cells(word) > width {
			flush()
		}
		if empty && len(lines) == 0 && cells(line)+cells(word) > width && cells(hang)+cells(word) <= width && first != "" {
			flush()
		}
		for empty && cells(line)+cells(word) > width && width > cells(line) {
			part, full := take(word, width-cells(line))
			if full || part == "" {
				break
			}
			line += part
			word = word[len(part):]
			flush()
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	return append(lines, line)
}

// ascii is what stands for the signs that hindcast itself uses, where only ASCII can be shown.
var ascii = strings.NewReplacer("…", "...", "–", "-", "−", "-", "·", "-", "×", "x", "→", "->", "←", "<-",
	"≥", ">=", "≤", "<=", "’", "'", "“", `"`, "”", `"`)

// Line makes one line of what may come from anywhere, without what could move the cursor.
func (o Options) Line(s string) string { return o.text(s) }

// Wrapped is Line broken between words where lines have a width: the first line begins with first, the others with hang.
func (o Options) Wrapped(first, hang, s string) string {
	return strings.Join(wrap(first, hang, strings.TrimSpace(o.text(s)), o.Width), "\n") + "\n"
}

// Harmless is a value without control characters, as it is shown on a terminal; line breaks stay.
func Harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || bidi(r)) {
			return '?'
		}
		return r
	}, s)
}

// text makes one line of what may come from anywhere: line breaks become spaces, and control characters,
// which could move the cursor, become "?".
func (o Options) text(s string) string {
	if !o.Unicode {
		s = ascii.Replace(s)
	}

	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || bidi(r):
			return '?'
		}
		return r
	}, s)
}

// bidi reports the signs that reorder what is shown around them.
func bidi(r rune) bool { return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' }

// block is text, but keeps line breaks and widens tabs: excerpts and samples.
func (o Options) block(s string) []string {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(s, "\t", "    "), "\n"), "\n")
	for i := range lines {
		lines[i] = o.text(lines[i])
	}
	return lines
}

// or is the first of the two where signs outside ASCII can be shown.
func (o Options) or(sign, plain string) string {
	if o.Unicode {
		return sign
	}
	return plain
}
