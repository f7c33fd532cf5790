package screen

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
	"github.com/rivo/uniseg"
)

// terminal understands what a canvas writes, and nothing else: text, line breaks, cursor up, erase to the
// right and below, and the private modes. It scrolls as terminals do, and remembers that it had to wrap.
type terminal struct {
	t             *testing.T
	width, height int
	rows          [][]string // a cell each; the last height of them are on the screen
	y, x          int        // y counts within rows
	hidden        bool
	syncing       bool
	wrapped       bool
	writes        int
}

func newTerminal(t *testing.T, width, height int) *terminal {
	return &terminal{t: t, width: width, height: height, rows: [][]string{nil}}
}

func (v *terminal) Write(p []byte) (int, error) {
	v.writes++
	s := string(p)
	for s != "" {
		switch {
		case strings.HasPrefix(s, "\x1b["):
			end := strings.IndexAny(s[2:], "ABCDHJKhlm") + 2
			v.escape(s[2:end], s[end])
			s = s[end+1:]
		case s[0] == '\r':
			v.x, s = 0, s[1:]
		case s[0] == '\n':
			v.y, s = v.y+1, s[1:]
			if v.y == len(v.rows) {
				v.rows = append(v.rows, nil)
			}
		default:
			var g string
			var w int
			g, s, w, _ = uniseg.FirstGraphemeClusterInString(s, -1)
			v.put(g, w)
		}
	}
	return len(p), nil
}

func (v *terminal) put(g string, w int) {
	if v.x+w > v.width {
		v.wrapped = true
	}
	row := v.rows[v.y]
	for len(row) < v.x+w {
		row = append(row, " ")
	}
	row[v.x] = g
	for i := 1; i < w; i++ {
		row[v.x+i] = ""
	}
	v.rows[v.y], v.x = row, v.x+w
}

func (v *terminal) escape(args string, kind byte) {
	switch kind {
	case 'A':
		var n int
		if _, err := fmt.Sscan(args, &n); err != nil {
			v.t.Errorf("cursor up by %q", args)
		}
		v.y = max(v.y-n, len(v.rows)-v.height, 0) // a cursor never leaves the screen
	case 'K':
		v.rows[v.y] = v.rows[v.y][:min(v.x, len(v.rows[v.y]))]
	case 'J':
		v.rows[v.y] = v.rows[v.y][:min(v.x, len(v.rows[v.y]))]
		for i := v.y + 1; i < len(v.rows); i++ {
			v.rows[i] = nil
		}
	case 'h', 'l':
		switch args {
		case "?25":
			v.hidden = kind == 'l'
		case "?2026":
			v.syncing = kind == 'h'
		}
	case 'm':
	default:
		v.t.Errorf("the terminal does not know \\x1b[%s%c", args, kind)
	}
}

func (v *terminal) text() []string {
	var out []string
	for _, row := range v.rows {
		out = append(out, strings.TrimRight(strings.Join(row, ""), " "))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// Whatever happens, the screen holds the log lines and below them exactly the last frame; every frame is one
// write, none is as high as the terminal, nothing wraps, and the cursor comes back.
func TestBoardLeavesTheLastFrame(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			width, height := 30+rng.IntN(100), 3+rng.IntN(30)
			view := newTerminal(t, width, height)
			p := months(36)
			o := options(width)
			o.Height, o.Color = height, seed%2 == 0
			now := noon
			o.Clock = func() time.Time { return now }
			b := NewBoard(view, o, p)
			var logged []string
			for _, e := range append(underWay(p).events, diskFull(p).events...) {
				now = e.Time
				e.Seq = 0
				b.Event(e)
				before := view.writes
				if rng.IntN(4) == 0 {
					pid := fmt.Sprint(len(logged))
					logged = append(logged, "worker died: "+pid)
					b.Event(hindcast.Event{Type: hindcast.EventWorkerDied, Time: now, Message: pid})
				} else {
					b.Draw()
				}
				if view.writes > before+1 {
					t.Fatalf("a frame took %d writes", view.writes-before)
				}
				if n := len(b.canvas.lines); n >= height {
					t.Fatalf("a frame of %d lines on a terminal of %d", n, height)
				}
				if !view.hidden {
					t.Fatal("the cursor shows beside a frame")
				}
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			want := logged
			for _, line := range b.canvas.lines {
				want = append(want, strings.TrimRight(uncolored(line), " "))
			}
			if got := strings.Join(view.text(), "\n"); got != strings.Join(want, "\n") {
				t.Errorf("the terminal shows\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
			if view.hidden || view.syncing || view.wrapped {
				t.Errorf("hidden %v, in a frame %v, wrapped %v", view.hidden, view.syncing, view.wrapped)
			}
		})
	}
}

func TestBoardResizes(t *testing.T) {
	width, height := 100, 24
	o := options(0)
	o.Size = func() (int, int) { return width, height }
	var out bytes.Buffer
	b := NewBoard(&out, o, months(36))
	for _, e := range underWay(months(36)).events {
		b.Event(e)
	}
	b.Draw()
	wide := b.canvas.lines
	width, height = 40, 10
	out.Reset()
	b.Draw()
	rowsNow := 0
	for _, line := range wide {
		rowsNow += max((cells(line)+39)/40, 1)
	}
	up := fmt.Sprintf("\x1b[%dA", min(rowsNow, height-1))
	if !strings.Contains(out.String(), up) {
		t.Errorf("after the terminal became narrow the frame begins with %q, want %q in it", out.String()[:30], up)
	}
	if len(b.canvas.lines) >= height {
		t.Errorf("%d lines on a terminal of %d", len(b.canvas.lines), height)
	}
	for _, line := range b.canvas.lines {
		if cells(line) >= width {
			t.Errorf("%d cells on a terminal of %d: %q", cells(line), width, line)
		}
	}
}

// The same frame is not written again.
func TestBoardIsStill(t *testing.T) {
	view := newTerminal(t, 80, 24)
	o := options(80)
	o.Clock = func() time.Time { return noon }
	b := NewBoard(view, o, months(36))
	b.Draw()
	b.Draw()
	if view.writes != 1 {
		t.Errorf("%d writes for one picture", view.writes)
	}
}

func TestBoardRestoresTheCursorInAPanic(t *testing.T) {
	view := newTerminal(t, 80, 24)
	b := NewBoard(view, options(80), months(36))
	func() {
		defer func() { _ = recover() }()
		defer b.Close()
		b.Start()
		panic("at the worst moment")
	}()
	if view.hidden {
		t.Error("the cursor is gone")
	}
	writes := view.writes
	b.Draw()
	if err := b.Close(); err != nil || view.writes != writes {
		t.Errorf("a closed board wrote again (%v)", err)
	}
}

// A board takes events from many goroutines while it draws.
func TestBoardTogether(t *testing.T) {
	p := months(36)
	b := NewBoard(newTerminal(t, 80, 24), options(80), p)
	ticks := make(chan time.Time)
	b.start(ticks, func() {})
	var wg sync.WaitGroup
	for _, e := range underWay(p).events {
		wg.Go(func() { e.Seq = 0; b.Event(e) })
		ticks <- e.Time
	}
	b.Event(hindcast.Event{Type: hindcast.EventWorkerDied, Message: "a line"})
	wg.Wait()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// display is what all three have in common.
type display interface {
	Start()
	Event(e hindcast.Event)
	Close() error
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

var errBroken = errors.New("broken pipe")

func TestDisplaysReportBrokenPipes(t *testing.T) {
	for _, d := range []display{NewBoard(brokenPipe{}, options(80), nil), NewLines(brokenPipe{}, options(80), nil), NewJSONLines(brokenPipe{})} {
		d.Start()
		d.Event(hindcast.Event{Type: hindcast.EventRunStarted, Run: "r1", Time: noon})
		if err := d.Close(); !errors.Is(err, errBroken) {
			t.Errorf("%T: %v, want %v", d, err, errBroken)
		}
	}
}

// With slices of the same size and speed the estimate is right from the second one on, counts down, and
// takes a change of speed on within half a minute.
func TestETA(t *testing.T) {
	p := history("even", noon, hindcast.Period{N: 1, Unit: hindcast.Days}, 40)
	for i := range p.Items {
		p.Items[i].Rows = 1000
	}
	l := view.NewLive(p)
	s := newScript("r1", 40)
	feed := func() {
		for _, e := range s.events {
			l.Apply(e)
		}
		s.events = nil
	}
	estimate := func() (time.Duration, bool) {
		l.Tally.Count()
		return l.ETA(s.now)
	}
	s.do(p.Items[0].Slice.Key, 1)
	feed()
	if _, ok := estimate(); ok {
		t.Error("an estimate from one slice")
	}
	for i := 1; i < 20; i++ {
		s.do(p.Items[i].Slice.Key, 1)
		feed()
		want := time.Duration(39-i) * 6500 * time.Millisecond
		if got, ok := estimate(); !ok || (got-want).Abs() > want/20+time.Second {
			t.Errorf("after %d slices: %s (%v), want about %s", i+1, got, ok, want)
		}
	}
	s.step(p.Items[20].Slice.Key, 1, hindcast.StepTransform)
	feed()
	before, _ := estimate()
	s.wait(3 * time.Second)
	after, _ := estimate()
	if d := before - after; d < 2*time.Second || d > 4*time.Second {
		t.Errorf("the estimate went down by %s in 3 s", d)
	}
	s.wait(10 * time.Minute)
	if stuck, _ := estimate(); stuck < after {
		t.Errorf("a slice hangs for ten minutes and %s became %s", after, stuck)
	}
}

// Slices that are unloaded and wait for a transform are not under way, and the time that they wait brings the end no nearer.
func TestSlicesThatWait(t *testing.T) {
	p := history("queued", noon, hindcast.Period{N: 1, Unit: hindcast.Days}, 20)
	for i := range p.Items {
		item := &p.Items[i]
		item.Rows, item.Units = 1000, plan.Needs{{Fact: "billing", Keys: []string{item.Slice.Key}}}
		p.Units = append(p.Units, plan.Unit{Fact: "billing", Key: item.Slice.Key, Unload: true})
	}
	l, s := view.NewLive(p), newScript("r1", 20)
	key := func(i int) string { return p.Items[i].Slice.Key }
	unload := func(i int) {
		s.step(key(i), 1, hindcast.StepUnload)
		s.add(hindcast.Event{Type: hindcast.EventStepFinished, Slice: key(i), Attempt: 1, Step: hindcast.StepUnload, Seconds: 0.5,
			Manifest: &hindcast.Manifest{Name: "billing", Key: key(i)}})
	}
	for i := range 6 {
		unload(i)
	}
	for i := range 8 {
		s.do(key(i), 1) // one after the other, of 6.5 s
		unload(6 + i)
	}
	s.step(key(14), 1, hindcast.StepUnload)
	s.step(key(8), 1, hindcast.StepTransform)
	s.wait(time.Second)
	for _, e := range s.events {
		l.Apply(e)
	}
	l.Tally.Count()
	if running := l.Tally.In(hindcast.Running); !slices.Equal(running, []string{key(8), key(14)}) || l.Tally.Counts[hindcast.Pending] != 10 {
		t.Errorf("under way are %v; %d are pending", running, l.Tally.Counts[hindcast.Pending])
	}
	want := 12*6500*time.Millisecond - time.Second
	if got, ok := l.ETA(s.now); !ok || (got-want).Abs() > want/8 {
		t.Errorf("%s are said to be left (%v), and it will be %s", got, ok, want)
	}
	s.events = nil
	s.finish(key(8), 1, hindcast.StepTransform, 1, 1, 5)
	l.Apply(s.events[0])
	if l.Tally.State(key(8)) != hindcast.Pending {
		t.Error("a slice whose result waits for the loader is under way")
	}
}

// A resumed run is measured from its resume on.
func TestETAAfterResume(t *testing.T) {
	p := history("even", noon, hindcast.Period{N: 1, Unit: hindcast.Days}, 10)
	l := view.NewLive(p)
	s := newScript("r1", 10)
	s.do(p.Items[0].Slice.Key, 1)
	s.wait(20 * time.Hour)
	s.add(hindcast.Event{Type: hindcast.EventRunResumed})
	for i := 1; i < 5; i++ {
		s.do(p.Items[i].Slice.Key, 1)
	}
	for _, e := range s.events {
		l.Apply(e)
	}
	l.Tally.Count()
	if got, ok := l.ETA(s.now); !ok || (got-5*6500*time.Millisecond).Abs() > time.Second {
		t.Errorf("%s (%v), want 32.5 s", got, ok)
	}
}

// Every slice has its cell, in its place, whatever the period and the size of the screen.
func TestGridShowsEverySlice(t *testing.T) {
	for _, every := range []hindcast.Period{{N: 1, Unit: hindcast.Hours}, {N: 1, Unit: hindcast.Days}, {N: 1, Unit: hindcast.Weeks},
		{N: 2, Unit: hindcast.Months}, {N: 1, Unit: hindcast.Quarters}, {N: 1, Unit: hindcast.Years}} {
		for _, n := range []int{1, 2, 17, 100, 2500} {
			p := history("any", time.Date(2003, 7, 1, 0, 0, 0, 0, time.UTC), every, n)
			for _, width := range []int{20, 40, 79, 200} {
				st := &hindcast.RunState{Total: n}
				st.Slice(p.Items[n/2].Slice.Key).State = hindcast.Failed
				tally := view.NewTally(st, p)
				lines := fits{}.grid(tally, options(width), width, 8)
				legend := legend(tally, options(width), width, fitGrid(tally.Keys, width, 8).per)
				text := strings.Join(lines, "\n")
				if got := strings.Count(text, "✗"); got != 2 { // the cell, and the legend's
					t.Errorf("%d of %s at %d: %d signs of failure:\n%s", n, every, width, got, text)
				}
				if len(lines)-len(legend) > 8 {
					t.Errorf("%d of %s at %d: %d lines", n, every, width, len(lines))
				}
			}
		}
	}
}
