package screen

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/view"
)

// cell is what a sign of the grid stands for.
type cell struct {
	sign, plain string
	style       style
	word        string
}

var cellOf = map[hindcast.State]cell{
	hindcast.Succeeded: {"✓", "+", green, "done"},
	hindcast.Staged:    {"◆", "=", green, "staged"},
	hindcast.Running:   {"▶", ">", cyan, "running"},
	hindcast.Retrying:  {"↻", "~", yellow, "retrying"},
	hindcast.Pending:   {"·", ".", dim, "pending"},
	hindcast.Stopped:   {"■", "#", yellow, "stopped"},
	hindcast.Failed:    {"✗", "x", red, "failed"},
	hindcast.Skipped:   {"–", "-", dim, "skipped"},
	view.Interrupted:   {"▷", "?", red, "interrupted"},
	view.Partly:        {"•", "o", plain, "partly done"},
}

func (o Options) cell(state hindcast.State) string {
	c := cellOf[state]
	return o.paint(c.style, o.or(c.sign, c.plain))
}

// layout of a grid: groups of cells below each other in columns.
type layout struct {
	unit    view.Unit
	groups  []view.Section
	columns int
	lines   int
	per     int // slices in a cell
	shift   int // cells that the first group begins later, because history does
}

const gridIndent, gridGap = 2, 4

// fitGrid finds the layout that shows most: the fewest slices in a cell, then the fewest lines.
func fitGrid(all []string, width, maxLines int) layout {
	var best layout
	for _, unit := range view.Units {
		l := layout{unit: unit, groups: view.Sections(all, unit)}
		longest := view.Longest(l.groups)
		if longest == 1 && len(l.groups) > 1 && unit.Prefix != 3 {
			continue // a label for every cell says nothing
		}

		for columns := 1; columns <= min(len(l.groups), 16); columns++ {
			l.columns, l.lines = columns, (len(l.groups)+columns-1)/columns
			room := (width-gridIndent-(columns-1)*gridGap)/columns - cells(l.groups[0].Label) - 2
			if l.lines > maxLines || room < 1 {
				continue
			}
			l.per = (longest + room - 1) / room
			if best.per == 0 || l.per < best.per || l.per == best.per && l.unit == best.unit && l.lines < best.lines {
				best = l
			}
		}
	}

	if best.per == 1 && len(best.groups) > 1 && best.unit.Prefix == 4 {
		best.shift = view.Longest(best.groups) - best.groups[0].To
	}
	return best
}

// fits are the layouts of grids by width, lines and number of keys, so that a frame over ten thousand slices costs little.
type fits map[[3]int]layout

// grid draws every slice as a cell, by year, or several slices as one cell if there are too many.
func (fitted fits) grid(t *view.Tally, o Options, width, maxLines int) []string {
	if len(t.Keys) == 0 || maxLines < 1 {
		return nil
	}

	at := [3]int{width, maxLines, len(t.Keys)}
	l, ok := fitted[at]
	if !ok {
		l = fitGrid(t.Keys, width, maxLines)
		fitted[at] = l
	}

	if l.per == 0 {
		return bar(t, o, width)
	}

	wide := 0
	texts := make([]string, len(l.groups))
	for i, g := range l.groups {
		texts[i] = g.Label + "  "
		if i == 0 {
			texts[i] += strings.Repeat(" ", l.shift)
		}
		texts[i] += cellsOf(o, t.States[g.From:g.To], l.per)
		wide = max(wide, cells(texts[i]))
	}

	out := make([]string, 0, l.lines+1)
	for line := range l.lines {
		text := strings.Repeat(" ", gridIndent)
		for i := line; i < len(texts); i += l.lines {
			text += padRight(texts[i], wide+gridGap)
		}
		out = append(out, strings.TrimRight(text, " "))
	}

	return append(out, legend(t, o, width, l.per)...)
}

// bar is the grid of a screen that is too small for labels.
func bar(t *view.Tally, o Options, width int) []string {
	per := (len(t.Keys) + max(width, 1) - 1) / max(width, 1)
	return append([]string{cellsOf(o, t.States, per)}, legend(t, o, width, per)...)
}

func cellsOf(o Options, group []hindcast.State, per int) string {
	var b strings.Builder
	for i := 0; i < len(group); i += per {
		b.WriteString(o.cell(view.Merged(group[i:min(i+per, len(group))])))
	}
	return b.String()
}

// legend counts the states and so explains the signs.
func legend(t *view.Tally, o Options, width, per int) []string {
	var parts []string
	for _, state := range view.SliceStates {
		if n := t.Counts[state]; n > 0 {
			parts = append(parts, o.cell(state)+" "+numbers.Thousands(n)+" "+cellOf[state].word)
		}
	}

	if per > 1 {
		parts = append(parts, fmt.Sprintf("(a cell is %s slices, %s partly done)", numbers.Thousands(per), o.cell(view.Partly)))
	}
	return pack("  ", parts, width)
}

// pack sets parts beside each other, two spaces between, on as many lines as it takes.
func pack(indent string, parts []string, width int) []string {
	var out []string
	line := ""
	for _, part := range parts {
		if line != "" && cells(line)+2+cells(part) > width {
			out, line = append(out, line), ""
		}
		if line == "" {
			line = indent + part
		} else {
			line += "  " + part
		}
	}

	if line != "" {
		out = append(out, line)
	}
	return out
}
