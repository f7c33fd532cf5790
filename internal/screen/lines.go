package screen

import (
	"cmp"
	"encoding/json"
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

// quiet is how long there may be no line while slices are under way.
const quiet = 30 * time.Second

// Lines follows a run without a terminal: a line for each change of state, and one that says that all is
// well when nothing changed for half a minute.
type Lines struct {
	mu    sync.Mutex
	o     Options
	live  *view.Live
	out   io.Writer
	last  time.Time // when the last line was written
	alone string    // the last line's reason to load a slice alone
	quit  chan struct{}
	done  chan struct{}
	err   error
}

// NewLines makes a display that writes plain lines to out.
func NewLines(out io.Writer, o Options, p *plan.Plan) *Lines {
	return &Lines{o: o, out: out, live: view.NewLive(p)}
}

// Start begins to watch for long silences.
func (l *Lines) Start() {
	ticker := time.NewTicker(quiet / 10)
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.quit != nil {
		ticker.Stop()
		return
	}

	l.last = l.o.clock()
	l.quit, l.done = make(chan struct{}), make(chan struct{})

	go func(quit, done chan struct{}) {
		defer close(done)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				l.tick()
			}
		}
	}(l.quit, l.done)
}

// Event writes the event's line, if it has one.
func (l *Lines) Event(e hindcast.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	begun := l.live.Begun(e.Slice)
	l.live.Apply(e)
	if text := l.line(e, begun); text != "" {
		l.write(e.Time, text)
	}
}

// Past takes in an event from before a resume, which needs no line.
func (l *Lines) Past(e hindcast.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live.Apply(e)
}

// Close stops the watch and returns the first error of writing.
func (l *Lines) Close() error {
	l.mu.Lock()
	quit, done := l.quit, l.done
	l.quit = nil
	l.mu.Unlock()

	if quit != nil {
		close(quit)
		<-done
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *Lines) write(at time.Time, text string) {
	if l.err != nil {
		return
	}
	l.last = l.o.clock()
	_, l.err = io.WriteString(l.out, at.In(l.o.Now.Location()).Format("15:04:05")+" "+l.o.text(text)+"\n")
}

// tick says what is under way, if nothing was said for long.
func (l *Lines) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()

	now := l.o.clock()
	if now.Sub(l.last) < quiet {
		return
	}

	l.live.Tally.Count()
	busy := l.live.Tally.In(hindcast.Running)
	if len(busy) == 0 {
		return
	}

	var parts []string
	for _, key := range busy[:min(len(busy), 3)] {
		s := l.live.Run.Slices[key]
		text := fmt.Sprintf("%s %s for %s", l.live.Tally.Labels.Short(key), s.Step, watch(now.Sub(s.Since)))
		if known := reached(s.Progress); known != "" {
			text += " (" + known + ")"
		}
		parts = append(parts, text)
	}
	if more := len(busy) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}

	l.write(now, fmt.Sprintf("%s slices, %s: %s", progress(l.live), etaText(l.live, l.o, now), strings.Join(parts, ", ")))
}

// line is what an event says, in words; empty for those that change no state that a person follows. begun says whether the
// slice's attempt was under way before.
func (l *Lines) line(e hindcast.Event, begun bool) string {
	key, tries := l.live.Tally.Labels.Short(e.Slice), 0
	if s := l.live.Run.Slices[e.Slice]; s != nil {
		tries = s.Tries
	}

	switch e.Type {
	case hindcast.EventRunStarted:
		text := fmt.Sprintf("%s started: %s", e.Run, numbers.Counted(e.Total, "slice"))
		if e.UpToDate > 0 {
			text += fmt.Sprintf(", %s up to date", numbers.Thousands(e.UpToDate))
		}
		return text
	case hindcast.EventRunResumed:
		l.live.Tally.Count()
		text := fmt.Sprintf("%s resumed: %s slices done", e.Run, progress(l.live))
		if len(e.Slices) > 0 {
			text += fmt.Sprintf(", %s asked for", numbers.Thousands(len(e.Slices)))
		}
		return text
	case hindcast.EventStepStarted:
		if e.Message != "" && e.Message != l.alone { // of slices that failed together the first line is enough
			l.alone = e.Message
			return fmt.Sprintf("%s attempt %d started: %s %s", key, tries, e.Step, e.Message)
		}
		if begun {
			return ""
		}
		return fmt.Sprintf("%s attempt %d started: %s", key, tries, e.Step)
	case hindcast.EventUnloadWaits:
		return key + " waits: " + e.Message
	case hindcast.EventCommitted:
		return key + " committed " + rows(e.Rows) + l.took(e.Slice)
	case hindcast.EventStaged:
		return key + " staged " + rows(e.Rows) + l.took(e.Slice)
	case hindcast.EventSkipped:
		return key + " skipped" + because(e.Message)
	case hindcast.EventAttemptFailed:
		return retryLine(key, tries+1, e)
	case hindcast.EventFailed:
		if e.Attempt == 0 { // of a slice that no attempt was at work on, such as one whose committed row is gone
			return key + " failed for good" + reason(e.Error)
		}
		return fmt.Sprintf("%s failed for good after attempt %d%s", key, tries, reason(e.Error))
	case hindcast.EventStopped, hindcast.EventDiscarded:
		return key + " " + cmp.Or(e.Message, "stopped")
	case hindcast.EventStopRequested:
		return "stopping" + because(e.Message)
	case hindcast.EventWorkerDied:
		return "worker died" + because(e.Message)
	case hindcast.EventDimension:
		return dimensionLine(e)
	case hindcast.EventResizePrepared, hindcast.EventResized, hindcast.EventResizeFailed:
		return resizeLine(e, l.live.Run.Resized)
	case hindcast.EventRunWaiting:
		return waits(l.live.Run.Waits, l.live.Plan, l.o.Now)
	case hindcast.EventSQLAccepted:
		return "the slices that are left have SQL, parameters and checks as they are now, " + e.Message
	case hindcast.EventRunGoesOn:
		return "the window is open"
	case hindcast.EventRunFinished:
		l.live.Tally.Count()
		if l.live.Run.Held() {
			return fmt.Sprintf("%s held: %s, exit %d", e.Run, stagedText(l.live.Tally), l.live.Run.ExitCode)
		}
		return fmt.Sprintf("%s finished: %s slices done, exit %d", e.Run, progress(l.live), l.live.Run.ExitCode)
	case hindcast.EventStepFinished, hindcast.EventProgress, hindcast.EventFingerprint, hindcast.EventHeld, hindcast.EventLoadPrepared, hindcast.EventWorkPrepared, hindcast.EventWorkStarted,
		hindcast.EventWorkBilled:
	}
	return ""
}

// took says how long each step of a slice has taken.
func (l *Lines) took(key string) string {
	s := l.live.Run.Slices[key]
	var parts []string

	total := 0.0
	for _, step := range []hindcast.Step{hindcast.StepUnload, hindcast.StepTransform, hindcast.StepLoad} {
		if secs, ok := s.Seconds[step]; ok {
			total += secs
			parts = append(parts, string(step)+" "+spoken(seconds(secs)))
		}
	}

	if len(parts) == 0 {
		return ""
	}

	return " in " + spoken(seconds(total)) + " (" + strings.Join(parts, ", ") + ")"
}

func retryLine(key string, attempt int, e hindcast.Event) string {
	what := key + " " + string(e.Step) + " failed"
	if e.Step == "" {
		what = key + " failed"
	}

	next := fmt.Sprintf(", attempt %d", attempt)
	if e.Seconds > 0 {
		return what + reason(e.Error) + next + " in " + spoken(seconds(e.Seconds))
	}
	return what + reason(e.Error) + next + " now"
}

func reason(e *hindcast.Error) string {
	if e == nil {
		return ""
	}
	return " (" + string(e.Class) + ": " + e.Message + ")"
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return ": " + message
}

func dimensionLine(e hindcast.Event) string {
	name, n := e.Fact, e.Rows
	if e.Manifest != nil {
		name, n = e.Manifest.Name, e.Manifest.Sums.Rows
	}
	return "dimension " + name + " unloaded: " + rows(n)
}

// JSONLines follows a run for a program: one event a line, as docs/reference/events.md describes it.
type JSONLines struct {
	mu  sync.Mutex
	enc *json.Encoder
	err error
}

// NewJSONLines makes a display that writes each event as a line of JSON.
func NewJSONLines(out io.Writer) *JSONLines {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return &JSONLines{enc: enc}
}

// Start does nothing.
func (j *JSONLines) Start() {}

// Event writes the event in one write.
func (j *JSONLines) Event(e hindcast.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	e.Time = e.Time.UTC()
	j.err = j.enc.Encode(e)
}

// Close returns the first error of writing.
func (j *JSONLines) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}
