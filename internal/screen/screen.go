// Package screen shows plans, runs, reports and errors to a person, and the same as JSON to a program. It
// only renders what it is handed: it decides nothing about a run and reads no file. Striking secrets out is
// left to the writers that it is given, and choosing what to show to package cli.
package screen

import (
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// Options say what the reader of a screen can see. The zero value is plain ASCII without a width.
type Options struct {
	// Width is the number of cells in a line; no line is longer. 0 means that lines may be of any length, as
	// for a file; what is aligned to the right then stands as on 80 columns.
	Width int
	// Height is the number of lines of a terminal; 0 means unknown. Only the board needs it.
	Height int
	Color  bool // colour repeats what the text says
	// Unicode allows signs outside ASCII. Names and values of the user's are shown as they are in any case.
	Unicode bool
	Now     time.Time // what "today" is; its location is the one in which times are shown
	Dir     string    // the working directory: places below it are shown relative to it
	File    string    // the pipeline file that commands name; "" is the default one, which need not be named
	Engine  string    // the engine that commands name; "" is the pipeline file's
	// Environment is the environment that commands name; "" is none.
	Environment string
	// Clock and Size are asked for every frame of a board; nil means time.Now, and Width and Height.
	Clock func() time.Time
	Size  func() (width, height int)
}

// Detect finds out what f can show, and whether it is a terminal on which a board can be drawn. env is
// os.Getenv, or a test's. NO_COLOR, TERM=dumb and anything but a terminal have no colour; a dumb terminal
// has no board either.
func Detect(f *os.File, env func(string) string) (Options, bool) {
	o := Options{Unicode: utf8Locale(env), Now: time.Now()}
	if dir, err := os.Getwd(); err == nil {
		o.Dir = dir
	}

	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return o, false
	}

	dumb := env("TERM") == "dumb" || env("TERM") == ""
	o.Color = env("NO_COLOR") == "" && !dumb
	o.Size = func() (int, int) { return terminalSize(fd, env) }
	o.Width, o.Height = o.Size()
	return o, !dumb
}

func terminalSize(fd int, env func(string) string) (width, height int) {
	width, height, err := term.GetSize(fd)
	if err != nil || width <= 0 || height <= 0 {
		width, height = 80, 24
		if n, err := strconv.Atoi(env("COLUMNS")); err == nil && n > 0 {
			width = n
		}
	}

	return width, height
}

// utf8Locale follows POSIX: the first of LC_ALL, LC_CTYPE and LANG that is set decides.
func utf8Locale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(env(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// layout is the width to align to.
func (o Options) layout() int {
	if o.Width <= 0 {
		return 80
	}
	return o.Width
}

func (o Options) clock() time.Time {
	if o.Clock != nil {
		return o.Clock()
	}
	return time.Now()
}

func (o Options) size() (width, height int) {
	if o.Size != nil {
		return o.Size()
	}
	return o.layout(), max(o.Height, 0)
}

// style is a colour or weight, as the parameters of its escape sequence.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

func (o Options) paint(s style, text string) string {
	if !o.Color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// page collects the lines of a screen and writes them at once.
type page struct {
	o     Options
	lines []string
}

func (p *page) add(line string) { p.lines = append(p.lines, line) }

// wrap adds text, broken between words, every line but the first indented by hang.
func (p *page) wrap(first, hang, text string) {
	p.lines = append(p.lines, wrap(first, hang, text, p.o.Width)...)
}

// ends adds a line with left and right at its two ends, no further apart than the eye can follow. If both do not fit, right
// goes on the next line, or the rest of left does.
func (p *page) ends(left, right string) {
	width := min(p.o.layout(), 100)
	if cells(left)+2+cells(right) > width && (cells(right) > width/2 || cells(left) <= width) {
		p.wrap("", "  ", left)
		p.wrap("  ", "  ", right)
		return
	}

	lines := wrap("", "", left, width-cells(right)-2)
	p.add(padRight(lines[0], width-cells(right)) + right)

	if len(lines) > 1 {
		p.wrap("  ", "  ", strings.Join(lines[1:], " "))
	}
}

// next adds the commands that a person may copy: each is a step and, where it needs words, what it is for.
func (p *page) next(steps ...string) {
	label := "  Next: "
	for _, step := range steps {
		p.wrap(label, strings.Repeat(" ", len("  Next: ")), p.o.text(p.o.Commands(step)))
		label = strings.Repeat(" ", len("  Next: "))
	}
}

// command is a command in a text that reads a pipeline file, and the engine that it names.
var command = regexp.MustCompile(`\b(hindcast (?:plan|run|status|list|resume|stop|verify|unload|sql|notebook|doctor|diff|publish|undo|why|clean|trial|ddl|resize)\b)( --engine \w+)?`)

// planning is a command that plans with an engine.
var planning = regexp.MustCompile(`^hindcast (plan|run|verify|unload|sql|notebook)\b`)

// Commands names the pipeline file and its environment in every command of a text, and the engine in those that plan: without them they would be
// of another pipeline, or find its slices out of date.
func (o Options) Commands(text string) string {
	return command.ReplaceAllStringFunc(text, func(named string) string {
		parts := command.FindStringSubmatch(named)
		verb, engine := parts[1], parts[2]
		if o.File != "" {
			verb += " --file " + ShellWord(o.File)
		}
		if o.Environment != "" {
			verb += " --env " + ShellWord(o.Environment)
		}
		if o.Engine != "" && engine == "" && planning.MatchString(verb) {
			engine = " --engine " + o.Engine
		}
		return verb + engine
	})
}

func (p *page) flush(w io.Writer) {
	var b strings.Builder
	for _, line := range p.lines {
		b.WriteString(clip(strings.TrimRight(line, " "), p.o.Width, p.o.Unicode))
		b.WriteByte('\n')
	}
	_, _ = io.WriteString(w, b.String()) // output for people: when the terminal is gone there is nobody to tell
}
