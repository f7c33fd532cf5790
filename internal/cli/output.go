package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/screen"
)

// output is a stream whose reader may go away, or not read on, or whose disk may be full: what a command does goes on, and
// whether all of its output arrived is asked at its end. Safe for concurrent use.
type output struct {
	to      io.Writer
	over    chan struct{} // closed when its reader is waited for no longer
	hurried sync.Once
	mutex   sync.Mutex // guards what follows, and the order of writes
	err     error      // the first; nothing is written after it
}

func newOutput(to io.Writer) *output { return &output{to: to, over: make(chan struct{})} }

var errUnread = errors.New("nobody reads it")

// Write never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.err == nil {
		o.err = o.write(bytes.Clone(p))
	}
	return len(p), nil
}

// write ends when the text is written, or nobody waits for that any longer.
func (o *output) write(text []byte) error {
	written := make(chan error, 1)
	go func() {
		_, err := o.to.Write(text)
		written <- err
	}()
	select {
	case err := <-written:
		return err
	case <-o.over:
	}
	select {
	case err := <-written: // at once, where somebody reads
		return err
	case <-time.After(readerGrace):
		return errUnread
	}
}

// readerGrace is how long each write may take after that.
const readerGrace = 100 * time.Millisecond

// readerPatience is how long a run that is to stop waits for who reads its output.
const readerPatience = 10 * time.Second

// hurry bounds how long a reader that does not read on, or a terminal that is held by Ctrl-S, holds up what is to stop.
func (o *output) hurry(patience time.Duration) {
	o.hurried.Do(func() { time.AfterFunc(patience, func() { close(o.over) }) })
}

func (o *output) failure() error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.err
}

// acts are the commands whose exit code says what they did. That of all others says whether their output is whole: it is
// what they were called for.
var acts = map[string]bool{"run": true, "resume": true, "publish": true, "undo": true, "clean": true, "unload": true, "stop": true, "demo": true, "init": true, "resize": true}

// delivered says on standard error what became of an output that did not arrive, and gives the exit code.
func (a *app) delivered(code int) int {
	err := a.printed.failure()
	if err == nil {
		return code
	}
	closed := errors.Is(err, syscall.EPIPE)
	if a.acts || !closed { // `hindcast plan | head` needs no word
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		e := &hindcast.Error{Code: hindcast.EOutput, Class: hindcast.ClassPermanent, Message: "standard output cannot be written: " + err.Error()}
		if a.acts {
			e.Next = "what the command did is done all the same: hindcast status"
		}
		screen.Error(a.err, e, a.shownOptions())
	}
	if code == hindcast.ExitOK && !a.acts {
		return hindcast.ExitUsage
	}
	return code
}

func (a *app) shownOptions() screen.Options {
	o := a.options
	o.Color = o.Color && !a.noColor
	return o
}

// strike strikes secrets out of all that is printed from here on.
func (a *app) strike(redactor *config.Redactor) {
	a.redactor = redactor
	a.workers = redactor.Writer(a.err)
	a.err = newWhole(redactor.Writer(a.err))
	if a.json {
		a.out = values{redactor, a.out}
		return
	}
	a.out = newWhole(redactor.Writer(a.out))
}

// values writes JSON through a redactor, a value a write.
type values struct {
	redactor *config.Redactor
	to       io.Writer
}

func (v values) Write(p []byte) (int, error) {
	_, err := v.to.Write(v.redactor.JSON(p))
	return len(p), err
}

// whole writes through a redactor, which keeps the beginning of what may become a secret: each write ends here.
// Several may write at the same time.
type whole struct {
	mutex  sync.Mutex
	writer *config.Writer
}

func newWhole(w *config.Writer) *whole { return &whole{writer: w} }

func (w *whole) Write(p []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	n, err := w.writer.Write(p)
	if err == nil {
		err = w.writer.Flush()
	}
	return n, err
}

// log gets what the processes of a session say on standard error. It comes in pieces of any size, and several share it: what
// may be the beginning of a secret waits for the rest.
func (a *app) log() io.Writer {
	if a.workers == nil {
		return a.err
	}
	return a.workers
}

// plain makes one line that does no harm to a terminal of what may come from anywhere.
func (a *app) plain(text string) string { return strings.TrimSpace(a.options.Line(text)) }
