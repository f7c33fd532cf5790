package screen

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

// frameEvery is the time between two frames of a board.
const frameEvery = 125 * time.Millisecond

// Board is the live view of a run on a terminal.
type Board struct {
	mu     sync.Mutex
	o      Options
	live   *view.Live
	fits   fits
	canvas canvas
	closed bool
	fresh  bool      // an event came after the last frame
	drawn  time.Time // when that was
	quit   chan struct{}
	done   chan struct{}
}

// NewBoard makes a board on out, a terminal (or a writer before one). Nothing is drawn before Start.
func NewBoard(out io.Writer, o Options, p *plan.Plan) *Board {
	return &Board{o: o, live: view.NewLive(p), fits: fits{}, canvas: canvas{out: out}}
}

// Start draws the board, and from now on about eight times a second.
func (b *Board) Start() {
	ticker := time.NewTicker(frameEvery)
	b.start(ticker.C, ticker.Stop)
}

func (b *Board) start(ticks <-chan time.Time, stop func()) {
	b.mu.Lock()
	if b.quit != nil || b.closed {
		b.mu.Unlock()
		stop()
		return
	}

	quit, done := make(chan struct{}), make(chan struct{})
	b.quit, b.done = quit, done
	b.mu.Unlock()
	b.Draw()

	go func() {
		defer close(done)
		defer stop()
		for {
			select {
			case <-quit:
				return
			case <-ticks:
				b.tick()
			}
		}
	}()
}

// tick draws a frame if there may be something new: an event, or a second more on a stop watch.
func (b *Board) tick() {
	b.mu.Lock()
	idle := !b.fresh && b.o.clock().Sub(b.drawn) < time.Second/2
	b.mu.Unlock()
	if !idle {
		b.Draw()
	}
}

// Event folds an event in; the next frame shows it. The death of a worker, which no frame shows, has a line above them.
func (b *Board) Event(e hindcast.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.apply(e)
	if e.Type == hindcast.EventWorkerDied {
		b.above("worker died" + because(e.Message))
	}
}

// Past takes in an event from before a resume.
func (b *Board) Past(e hindcast.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.apply(e)
}

func (b *Board) apply(e hindcast.Event) {
	b.live.Apply(e)
	b.fresh = true
}

// above prints a line above the board.
func (b *Board) above(line string) {
	width, height := b.o.size()
	text := wrap("", "  ", b.o.text(line), max(width-1, 1))

	if b.closed {
		text, b.canvas.lines = append(text, b.canvas.lines...), nil
		b.canvas.print(text)
		return
	}

	b.canvas.draw(text, b.frame(width, height), width, height)
}

// Draw draws a frame now.
func (b *Board) Draw() {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.closed {
		return
	}

	width, height := b.o.size()
	b.fresh, b.drawn = false, b.o.clock()
	b.canvas.draw(nil, b.frame(width, height), width, height)
}

// Close draws the last frame, which stays, and gives the cursor back. It returns the first error of writing.
func (b *Board) Close() error {
	b.mu.Lock()
	quit, done := b.quit, b.done
	b.quit = nil
	b.mu.Unlock()

	if quit != nil {
		close(quit)
		<-done
	}

	b.Draw()

	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.canvas.release()
	}
	return b.canvas.err
}

// frame makes the lines of a frame: fewer than height, and each narrower than width, so that no terminal
// wraps or scrolls.
func (b *Board) frame(width, height int) []string {
	if height <= 0 {
		height = 24
	}

	width--
	now, l := b.o.clock(), b.live
	l.Tally.Count()

	lines := []string{header(l, b.o, now, width)}
	if grid := b.fits.grid(l.Tally, b.o, width, max(min(8, height-8), 1)); len(grid)+2 < height {
		lines = append(lines, grid...)
	}

	if l.Run.Stopping != "" && !l.Run.Finished {
		lines = append(lines, stoppingLine(l, b.o, width))
	}

	if !l.Run.Waits.IsZero() && !l.Run.Finished && l.Run.Stopping == "" {
		lines = append(lines, b.o.paint(yellow, "  "+b.o.text(waits(l.Run.Waits, l.Plan, now))))
	}
	if is := l.Run.Resized; is != nil && is.Underway && !l.Run.Finished {
		text, _ := resizedText(is, now, true)
		lines = append(lines, b.o.paint(yellow, "  "+b.o.text(text)))
	}

	if room := height - 1 - len(lines) - 1; room > 0 {
		if rows := actives(l, b.o, now, width, room, hindcast.Running, hindcast.Retrying, hindcast.Failed); len(rows) > 0 {
			lines = append(append(lines, ""), rows...)
		}
	}

	lines = lines[:min(len(lines), max(height-1, 1))]
	for i := range lines {
		lines[i] = clip(lines[i], width, b.o.Unicode)
	}

	return lines
}

// header is the run in a line; if that is narrow, what matters least is left out first.
func header(l *view.Live, o Options, now time.Time, width int) string {
	run := o.text(l.Run.Run)
	name, count := "", progress(l)+" slices"
	if l.Plan != nil {
		name = o.text(Named(&l.Plan.Pipeline))
	}

	eta, speed := etaText(l, o, now), rate(l.Pace(now))
	if l.Run.Finished {
		rowsIn, _, _, _ := l.Tally.Sums() // of the whole run, as the report has it
		eta, speed = "in "+watch(l.Run.Active), rate(rowsIn, l.Run.Active)
	}

	if usd := spent(&l.Run); usd != "" {
		eta += "  " + usd
	}

	for _, parts := range [][]string{
		{strings.TrimSpace(run + " " + name), count, rowsText(l), eta, speed},
		{strings.TrimSpace(run + " " + name), count, rowsText(l), eta},
		{strings.TrimSpace(run + " " + name), count, eta},
		{run, count, eta},
	} {
		if text, ok := joinHeader(o, parts, width); ok {
			return text
		}
	}
	return count
}

func joinHeader(o Options, parts []string, width int) (string, bool) {
	right := ""
	if len(parts) == 5 {
		right, parts = parts[4], parts[:4]
	}

	var kept []string
	for i, part := range parts {
		if part == "" {
			continue
		}
		if i == 0 {
			part = o.paint(bold, part)
		}
		kept = append(kept, part)
	}

	left := strings.Join(kept, "  ")
	if right == "" {
		return left, cells(left) <= width
	}

	gap := min(width, 100) - cells(left) - cells(right)
	return left + strings.Repeat(" ", max(gap, 2)) + right, gap >= 2
}

// etaText is "ETA 0:58", or "ETA –" while nothing can be said.
func etaText(l *view.Live, o Options, now time.Time) string {
	if left, ok := l.ETA(now); ok {
		return "ETA " + watch(left)
	}
	return "ETA " + o.or("–", "-")
}

func progress(l *view.Live) string {
	done := l.Tally.Done
	if l.Tally.Holds && !l.Run.Finished {
		done += l.Tally.Staged
	}
	return numbers.Thousands(done) + "/" + numbers.Thousands(l.Tally.Total)
}

func rowsText(l *view.Live) string {
	switch {
	case l.Tally.RowsTotal > 0:
		return numbers.Short(l.Tally.RowsDone) + " of " + rows(l.Tally.RowsTotal)
	case l.Tally.RowsDone > 0:
		return rows(l.Tally.RowsDone)
	}
	return ""
}

func stoppingLine(l *view.Live, o Options, width int) string {
	n := l.Tally.Counts[hindcast.Running]
	why := " (" + o.text(l.Run.Stopping) + ")"
	rest := ": waiting for " + numbers.Counted(n, "slice") + ", Ctrl-C again to kill"

	if n == 0 {
		rest = ": confirming that every process has exited"
	}

	if cells("  stopping"+why+rest) > width {
		why = ""
	}

	return o.paint(yellow, "  stopping"+why+rest)
}

// actives are the slices in the given states, one per line.
func actives(l *view.Live, o Options, now time.Time, width, room int, states ...hindcast.State) []string {
	var keys []string
	for _, state := range states {
		keys = append(keys, l.Tally.In(state)...)
	}

	more := 0
	if len(keys) > room {
		more = len(keys) - room + 1
		keys = keys[:room-1]
	}

	list := make([][]string, 0, len(keys))
	for _, key := range keys {
		list = append(list, activeLine(l, o, key, now))
	}

	out := columns(list, []bool{false, false, false, true, true, false}, width)
	if more > 0 {
		out = append(out, fmt.Sprintf("  and %d more", more))
	}

	return out
}

// activeLine is a slice's line in columns: key, step, attempt, rows, time, progress and error.
func activeLine(l *view.Live, o Options, key string, now time.Time) []string {
	s := l.Run.Slices[key]
	step, n := string(s.Step), l.Tally.RowsIn(key)
	if s.Step == hindcast.StepLoad {
		n = s.Rows
	}

	amount := ""
	if n > 0 {
		amount = rows(n)
	}

	since := watch(now.Sub(s.Since))
	problem := o.text(l.Errors[key])

	switch l.Tally.State(key) {
	case view.Interrupted:
		problem = strings.TrimSpace(resumes[l.Taken[key]] + "  " + problem)
		if s.State == hindcast.Retrying {
			since = ""
		}
	case hindcast.Retrying:
		step = "retrying"
		if at := l.RetryAt[key]; at.After(now) {
			since = "in " + watch(at.Sub(now))
		}
		problem = o.paint(yellow, problem)
	case hindcast.Failed:
		step, since = "failed", ""
		problem = o.paint(red, problem)
	case hindcast.Running:
		problem = strings.TrimSpace(reached(s.Progress) + "  " + problem)
	case hindcast.Pending, hindcast.Staged, hindcast.Succeeded, hindcast.Stopped, hindcast.Skipped:
	}
	return []string{l.Tally.Labels.Short(key), step, fmt.Sprintf("attempt %d", s.Tries), amount, since, problem}
}

// resumes says what a resume does with a slice.
var resumes = map[view.Taken]string{
	view.Resolves:   "resume checks its commit",
	view.Loads:      "resume loads its result",
	view.Rejoins:    "resume asks for its result",
	view.Transforms: "resume transforms it again",
	view.Unloads:    "resume unloads its rest",
}

// reached says how far a step has come, as far as that is known.
func reached(p hindcast.Progress) string {
	var known []string
	switch {
	case p.Tasks > 0:
		known = append(known, fmt.Sprintf("stage %d: %s/%s", p.Stage, numbers.Thousands(p.TasksDone), numbers.Counted(p.Tasks, "task")))
	case p.Done > 0:
		known = append(known, fmt.Sprintf("%.0f %%", 100*p.Done))
	}
	if p.Rows > 0 {
		known = append(known, rows(p.Rows)+" read")
	}
	if p.Bytes > 0 {
		known = append(known, numbers.Size(p.Bytes)+" written")
	}
	if p.Spilled > 0 {
		known = append(known, numbers.Size(p.Spilled)+" spilled")
	}
	return strings.Join(known, ", ")
}

// columns aligns cells below each other. If that is too wide, the columns of rows and attempts are left out first.
func columns(list [][]string, right []bool, width int) []string {
	wide := make([]int, len(right))
	for _, line := range list {
		for i, text := range line {
			wide[i] = max(wide[i], cells(text))
		}
	}

	drop := map[int]bool{}
	for _, i := range []int{3, 2} {
		if sum(wide, drop) > width {
			drop[i] = true
		}
	}

	out := make([]string, 0, len(list))
	for _, line := range list {
		text := " "
		for i, part := range line {
			switch {
			case drop[i] || wide[i] == 0:
			case right[i]:
				text += " " + padLeft(part, wide[i]) + " "
			default:
				text += " " + padRight(part, wide[i]) + " "
			}
		}
		out = append(out, strings.TrimRight(text, " "))
	}

	return out
}

// sum is how wide the columns are together; an error may be cut, but not to less than 20 cells.
func sum(wide []int, drop map[int]bool) int {
	n := 1
	for i, w := range wide {
		if i == len(wide)-1 {
			w = min(w, 20)
		}
		if w > 0 && !drop[i] {
			n += w + 2
		}
	}
	return n
}
