package screen

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
)

// cell is what a sign of the grid stands for.
type cell struct {
	sign, plain string
	style       style
	word        string
}

// partly is the cell of several slices of which some are done and none is under way or has failed.
const partly hindcast.State = "partly done"

var cellOf = map[hindcast.State]cell{
	hindcast.Succeeded: {"✓", "+", green, "done"},
	hindcast.Running:   {"▶", ">", cyan, "running"},
	hindcast.Retrying:  {"↻", "~", yellow, "retrying"},
	hindcast.Pending:   {"·", ".", dim, "pending"},
	hindcast.Stopped:   {"■", "#", yellow, "stopped"},
	hindcast.Failed:    {"✗", "x", red, "failed"},
	hindcast.Skipped:   {"–", "-", dim, "skipped"},
	partly:             {"•", "o", plain, "partly done"},
}

func (o Options) cell(state hindcast.State) string {
	c := cellOf[state]
	return o.paint(c.style, o.or(c.sign, c.plain))
}

// gridUnit is the span of keys that a label of the grid covers: how many leading characters of the key it shares.
type gridUnit struct {
	prefix int
	suffix string
}

// gridUnits in the order of preference among those that show as much.
var gridUnits = []gridUnit{{4, ""}, {7, ""}, {10, ""}, {3, "0s"}}

// section is the slices of one label, from the first to before the second index.
type section struct {
	label    string
	from, to int
}

// layout of a grid: groups of cells below each other in columns.
type layout struct {
	unit    gridUnit
	groups  []section
	columns int
	lines   int
	per     int // slices in a cell
	shift   int // cells that the first group begins later, because history does
}

const gridIndent, gridGap = 2, 4

// fitGrid finds the layout that shows most: the fewest slices in a cell, then the fewest lines.
func fitGrid(all []string, width, maxLines int) layout {
	var best layout
	for _, unit := range gridUnits {
		l := layout{unit: unit, groups: groupKeys(all, unit)}
		longest := longestGroup(l.groups)
		if longest == 1 && len(l.groups) > 1 && unit.prefix != 3 {
			continue // a label for every cell says nothing
		}
		for columns := 1; columns <= min(len(l.groups), 16); columns++ {
			l.columns, l.lines = columns, (len(l.groups)+columns-1)/columns
			room := (width-gridIndent-(columns-1)*gridGap)/columns - cells(l.groups[0].label) - 2
			if l.lines > maxLines || room < 1 {
				continue
			}
			l.per = (longest + room - 1) / room
			if best.per == 0 || l.per < best.per || l.per == best.per && l.unit == best.unit && l.lines < best.lines {
				best = l
			}
		}
	}
	if best.per == 1 && len(best.groups) > 1 && best.unit.prefix == 4 {
		best.shift = longestGroup(best.groups) - best.groups[0].to
	}
	return best
}

func groupKeys(all []string, unit gridUnit) []section {
	var out []section
	last := ""
	for i, key := range all {
		prefix := key[:min(unit.prefix, len(key))]
		if prefix != last || len(out) == 0 {
			out = append(out, section{label: prefix + unit.suffix, from: i})
			last = prefix
		}
		out[len(out)-1].to = i + 1
	}
	return out
}

func longestGroup(groups []section) int {
	longest := 0
	for _, g := range groups {
		longest = max(longest, g.to-g.from)
	}
	return longest
}

// grid draws every slice as a cell, by year, or several slices as one where they are too many.
func (t *tally) grid(o Options, width, maxLines int) []string {
	if len(t.keys) == 0 || maxLines < 1 {
		return nil
	}
	l, ok := t.fitted[[2]int{width, maxLines}]
	if !ok {
		l = fitGrid(t.keys, width, maxLines)
		t.fitted[[2]int{width, maxLines}] = l
	}
	if l.per == 0 {
		return t.bar(o, width)
	}
	wide := 0
	texts := make([]string, len(l.groups))
	for i, g := range l.groups {
		texts[i] = g.label + "  "
		if i == 0 {
			texts[i] += strings.Repeat(" ", l.shift)
		}
		texts[i] += cellsOf(o, t.states[g.from:g.to], l.per)
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
	return append(out, t.legend(o, width, l.per)...)
}

// bar is the grid of a screen that is too small for labels.
func (t *tally) bar(o Options, width int) []string {
	per := (len(t.keys) + max(width, 1) - 1) / max(width, 1)
	return append([]string{cellsOf(o, t.states, per)}, t.legend(o, width, per)...)
}

func cellsOf(o Options, group []hindcast.State, per int) string {
	var b strings.Builder
	for i := 0; i < len(group); i += per {
		b.WriteString(o.cell(merged(group[i:min(i+per, len(group))])))
	}
	return b.String()
}

// merged is the one state that stands for several slices: what needs a person's eye most.
func merged(group []hindcast.State) hindcast.State {
	if len(group) == 1 {
		return group[0]
	}
	seen := map[hindcast.State]bool{}
	for _, state := range group {
		seen[state] = true
	}
	for _, state := range []hindcast.State{hindcast.Failed, hindcast.Retrying, hindcast.Running, hindcast.Stopped} {
		if seen[state] {
			return state
		}
	}
	switch {
	case seen[hindcast.Pending] && seen[hindcast.Succeeded]:
		return partly
	case seen[hindcast.Pending]:
		return hindcast.Pending
	case seen[hindcast.Succeeded]:
		return hindcast.Succeeded
	}
	return hindcast.Skipped
}

// legend counts the states and so explains the signs.
func (t *tally) legend(o Options, width, per int) []string {
	var parts []string
	for _, state := range hindcast.States {
		if n := t.counts[state]; n > 0 {
			parts = append(parts, o.cell(state)+" "+exact(int64(n))+" "+cellOf[state].word)
		}
	}
	if per > 1 {
		parts = append(parts, fmt.Sprintf("(a cell is %d slices, %s partly done)", per, o.cell(partly)))
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
