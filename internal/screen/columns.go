package screen

import (
	"io"
	"strings"
)

// Columns shows rows of columns as wide as they have to be. The last one is broken between words where the terminal ends. Words with a meaning,
// in any but the last, are in its colour.
func Columns(w io.Writer, rows [][]string, o Options) {
	var widths []int
	for _, row := range rows {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells(o.text(text)))
		}
	}

	pg := &page{o: o}
	for _, row := range rows {
		first, hang := "", ""
		for i, text := range row[:max(len(row)-1, 0)] {
			text = o.text(text)
			first += o.paint(meanings[text], text) + strings.Repeat(" ", widths[i]-cells(text)+2)
			hang += strings.Repeat(" ", widths[i]+2)
		}
		if len(row) == 0 {
			pg.add("")
			continue
		}
		pg.wrap(first, hang, o.text(row[len(row)-1]))
	}
	pg.flush(w)
}

// meanings are the words that have a colour.
var meanings = map[string]style{"ok": green, "note": cyan, "problem": red, "unknown": yellow}
