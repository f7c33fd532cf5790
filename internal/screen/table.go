package screen

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// TableOptions are what a table says beside its rows.
type TableOptions struct {
	Options
	More bool // there are more rows than these
}

// Table shows a result: numbers to the right, NULL as NULL, and what is wider than the screen is cut. Where even narrow columns
// do not fit, the last ones are left out and counted.
func Table(w io.Writer, columns []hindcast.Column, values [][]*string, o TableOptions) {
	pg := &page{o: o.Options}
	if len(columns) == 0 {
		return
	}

	texts := tableTexts(columns, values, o.Options)
	wide := widths(texts)
	shown := fit(wide, o.Width)
	bar, line, cross := o.or("│", "|"), o.or("─", "-"), o.or("┼", "+")

	for i, row := range texts {
		pg.add(tableLine(row[:shown], wide, columns, i, values, " "+bar+" ", o.Options))
		if i == 0 {
			parts := make([]string, shown)
			for c := range parts {
				parts[c] = strings.Repeat(line, wide[c])
			}
			pg.add(" " + strings.Join(parts, line+cross+line))
		}
	}

	pg.wrap(" ", " ", tableFoot(len(values), len(columns)-shown, o))
	pg.flush(w)
}

func tableFoot(n, hidden int, o TableOptions) string {
	text := numbers.Counted(n, "row")
	if o.More {
		text = "the first " + numbers.Counted(n, "row") + "; there are more"
	}

	if hidden > 0 {
		text += "; " + numbers.Counted(hidden, "column") + " more than fit here; CSV and JSON have all"
	}
	return text
}

const null = "NULL"

func tableTexts(columns []hindcast.Column, values [][]*string, o Options) [][]string {
	texts := make([][]string, 0, len(values)+1)
	head := make([]string, len(columns))
	for c := range columns {
		head[c] = o.text(columns[c].Name)
	}

	texts = append(texts, head)

	for _, row := range values {
		line := make([]string, len(columns))
		for c := range line {
			line[c] = null
			if c < len(row) && row[c] != nil {
				line[c] = o.text(*row[c])
			}
		}
		texts = append(texts, line)
	}

	return texts
}

func widths(texts [][]string) []int {
	wide := make([]int, len(texts[0]))
	for _, row := range texts {
		for c, text := range row {
			wide[c] = max(wide[c], cells(text), 1)
		}
	}
	return wide
}

// narrowest is how far a column is cut before others are left out.
const narrowest = 8

// fit cuts the widest columns until all fit the width, in place, and returns how many columns do.
func fit(wide []int, width int) int {
	if width <= 0 {
		return len(wide)
	}

	shown := len(wide)
	for shown > 1 && needed(wide[:shown], narrowest) > width {
		shown--
	}

	for needed(wide[:shown], 0) > width {
		widest := 0
		for c := range shown {
			if wide[c] > wide[widest] {
				widest = c
			}
		}
		if wide[widest] <= 1 {
			break
		}

		wide[widest]--
	}

	return shown
}

// needed is the width of the table with its columns as wide as they are, or at most limit (0: no limit).
func needed(wide []int, limit int) int {
	n := 1 + 3*(len(wide)-1)
	for _, w := range wide {
		if limit > 0 {
			w = min(w, limit)
		}
		n += w
	}
	return n
}

func tableLine(row []string, wide []int, columns []hindcast.Column, i int, values [][]*string, gap string, o Options) string {
	parts := make([]string, len(row))
	for c, text := range row {
		text = clip(text, wide[c], o.Unicode)
		if numeric(columns[c].Type) {
			text = padLeft(text, wide[c])
		} else if c < len(row)-1 {
			text = padRight(text, wide[c])
		}

		switch {
		case i == 0:
			text = o.paint(bold, text)
		case c >= len(values[i-1]) || values[i-1][c] == nil:
			text = o.paint(dim, text)
		}

		parts[c] = text
	}
	return " " + strings.Join(parts, gap)
}

var numericTypes = map[string]bool{"TINYINT": true, "SMALLINT": true, "INTEGER": true, "BIGINT": true, "HUGEINT": true,
	"UTINYINT": true, "USMALLINT": true, "UINTEGER": true, "UBIGINT": true, "UHUGEINT": true, "FLOAT": true, "DOUBLE": true,
	"REAL": true, "DECIMAL": true, "NUMERIC": true}

// numeric reports whether a type, in DuckDB's spelling, is one of numbers.
func numeric(typ string) bool {
	name, _, _ := strings.Cut(strings.ToUpper(typ), "(")
	return numericTypes[strings.TrimSpace(name)] && !strings.HasSuffix(typ, "]")
}

// CSV writes a result with its header; NULL is an empty field. On a terminal control characters, which could command it,
// become "?"; elsewhere every byte is as it is.
func CSV(w io.Writer, columns []hindcast.Column, values [][]*string, terminal bool) error {
	shown := func(s string) string { return s }
	if terminal {
		shown = Harmless
	}

	out := csv.NewWriter(w)
	line := make([]string, len(columns))
	for c := range columns {
		line[c] = shown(columns[c].Name)
	}

	if err := out.Write(line); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	for _, row := range values {
		for c := range line {
			line[c] = ""
			if c < len(row) && row[c] != nil {
				line[c] = shown(*row[c])
			}
		}
		if err := out.Write(line); err != nil {
			return fmt.Errorf("writing CSV: %w", err)
		}
	}

	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

// JSON writes a result as an object a line, its members in the order of the columns. Numbers are written
// with all of their digits, true and false as such, and anything else as text. JSON escapes most control characters; on a
// terminal the others become "?".
func JSON(w io.Writer, columns []hindcast.Column, values [][]*string, terminal bool) error {
	var b strings.Builder

	for _, row := range values {
		b.Reset()
		b.WriteByte('{')
		for c := range columns {
			if c > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quoted(columns[c].Name) + ":")
			if c < len(row) {
				b.WriteString(jsonValue(columns[c].Type, row[c]))
			} else {
				b.WriteString("null")
			}
		}

		b.WriteString("}\n")
		line := b.String()
		if terminal {
			line = Harmless(line)
		}

		if _, err := io.WriteString(w, line); err != nil {
			return fmt.Errorf("writing JSON: %w", err)
		}
	}
	return nil
}

func jsonValue(typ string, value *string) string {
	switch {
	case value == nil:
		return "null"
	case numeric(typ) && json.Valid([]byte(*value)): // not "inf" and "nan"
		return *value
	case strings.EqualFold(typ, "BOOLEAN") && (*value == "true" || *value == "false"):
		return *value
	}
	return quoted(*value)
}

func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// plainTable writes columns below each other with a head and no lines; the last one may be cut.
func plainTable(w io.Writer, head []string, right []bool, list [][]string, o Options) {
	pg := &page{o: o}
	all := append([][]string{head}, list...)
	wide := widths(all)
	drop := droppable(wide, right, o.Width)

	for i, row := range all {
		var parts []string
		for c, text := range row {
			switch {
			case drop[c]:
				continue
			case right[c]:
				text = padLeft(text, wide[c])
			case c < len(row)-1:
				text = padRight(text, wide[c])
			}
			parts = append(parts, text)
		}

		line := strings.Join(parts, "  ")
		if i == 0 {
			line = o.paint(dim, line)
		}

		pg.add(line)
	}

	pg.flush(w)
}

// droppable are the columns that a narrow screen does without: from the right, the last one excepted.
func droppable(wide []int, right []bool, width int) map[int]bool {
	drop := map[int]bool{}
	if width <= 0 {
		return drop
	}

	last := len(wide) - 1
	total := func() int {
		n := min(wide[last], 24)
		for c := range last {
			if !drop[c] {
				n += wide[c] + 2
			}
		}
		return n
	}

	for c := last - 1; c >= 2 && total() > width; c-- {
		if right[c] || c > 2 {
			drop[c] = true
		}
	}

	return drop
}
