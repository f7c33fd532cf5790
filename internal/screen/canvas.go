package screen

import (
	"io"
	"slices"
	"strconv"
	"strings"
)

// The sequences that a canvas needs; today's terminals know them, and ignore those that they do not.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	beginFrame = "\x1b[?2026h" // synchronized update: nothing is shown until endFrame
	endFrame   = "\x1b[?2026l"
	eraseRight = "\x1b[K"
	eraseBelow = "\x1b[J"
)

// canvas keeps the last frame at the end of what a terminal shows, and replaces it in one write. Between
// frames the cursor stands at the start of the line below. Lines must be narrower than the terminal.
type canvas struct {
	out    io.Writer
	lines  []string // the frame on the screen
	width  int      // of the terminal when it was drawn
	hidden bool
	err    error
}

// draw prints the lines above, which stay, and then the frame.
func (c *canvas) draw(above, frame []string, width, height int) {
	if c.err != nil || len(above) == 0 && width == c.width && slices.Equal(frame, c.lines) {
		return
	}

	var b strings.Builder
	b.WriteString(beginFrame)
	if !c.hidden {
		b.WriteString(hideCursor)
	}

	c.hidden = true
	if up := min(c.rows(width), max(height-1, 1)); up > 0 {
		b.WriteString("\x1b[" + strconv.Itoa(up) + "A")
	}

	b.WriteString("\r")
	if width != c.width && c.width > 0 {
		b.WriteString(eraseBelow) // the terminal may have rewrapped the old lines
	}

	for _, line := range above {
		b.WriteString(line + eraseRight + "\r\n")
	}
	for _, line := range frame {
		b.WriteString(line + eraseRight + "\r\n")
	}

	b.WriteString(eraseBelow + endFrame)

	c.lines, c.width = frame, width
	_, c.err = io.WriteString(c.out, b.String())
}

// rows is how many lines of the terminal the last frame takes, now that it is width cells wide.
func (c *canvas) rows(width int) int {
	n := 0
	for _, line := range c.lines {
		n += 1 + max(cells(line)-1, 0)/max(width, 1)
	}
	return n
}

// print writes lines as they are.
func (c *canvas) print(lines []string) {
	if c.err == nil {
		_, c.err = io.WriteString(c.out, strings.Join(lines, "\r\n")+"\r\n")
	}
}

// release gives the cursor back, also after an error of writing: nothing is lost by trying.
func (c *canvas) release() {
	if !c.hidden {
		return
	}
	c.hidden = false
	if _, err := io.WriteString(c.out, showCursor); c.err == nil {
		c.err = err
	}
}
