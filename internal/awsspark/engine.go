// Package awsspark is what engines share whose work is runs of Spark that a service of AWS operates: calls with retries of their own, the
// script, requests and ends as objects of a bucket, and the life of work from its start to its end. A run outlives the process that started
// it, and is found again by its tag. Only the end that the script writes beside a result's files, last of all, proves that work has ended
// well; what the service says of a run does not.
package awsspark

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// Work is what this process was given to do, or waits for. P is the place that its run has.
type Work[P any] struct {
	Tag   string
	Dir   string         // a URL
	asked sparksql.Asked // zero if another process started it

	mutex   sync.Mutex // held while it is started, or looked for
	Place   P
	Run     string // the id of its first run; "" before the service has said it
	Unsure  bool   // the service may have begun it
	Dropped bool   // it is not to be begun any more
}

// Runs are those of a service. P is the place that a run has there, such as a job.
type Runs[P any] interface {
	// Begin has the service take the work, and sets Place and Run. It leaves Run "" without an error where the service has no room, or
	// is not ready, or did not answer; then it is called again. Whoever calls it holds the work.
	Begin(ctx context.Context, w *Work[P]) error
	// Find is the run that a handle names, or that has its tag; "" if there is none. The place of one that was found is held.
	Find(ctx context.Context, h hindcast.Handle) (place P, run string, err error)
	// Leave lets go of a place that Begin or Find held.
	Leave(place P)
	// Follow waits until nothing of the run lives. died makes the error of a run without an end; nil says that the service does not know the run.
	Follow(ctx context.Context, w *Work[P], progress func(hindcast.Progress)) (died func(context.Context) error, err error)
	// End ends what the service has of the work, begun or perhaps begun; nil means that it says so. Whoever calls it holds the work.
	End(ctx context.Context, w *Work[P]) error
	// Live calls each, which may be called in parallel, with all runs that have not ended.
	Live(ctx context.Context, each func(place P, tag, run string)) error
	// IDs are those by which a handle names a run.
	IDs(place P, run string) map[string]string
	// Label is a run's name for people.
	Label(place P, run string) string
}

// Engine is the life of work, for engines that have Runs.
type Engine[P any] struct {
	runs    Runs[P]
	objects *Objects
	spark   hindcast.Spark // of which only what is broadcast counts
	pace    time.Duration

	mutex  sync.Mutex
	works  map[string]*Work[P] // by tag
	closed bool
}

// New makes an engine over runs, which are asked whether they have begun once in a pace.
func New[P any](runs Runs[P], objects *Objects, spark hindcast.Spark, pace time.Duration) *Engine[P] {
	return &Engine[P]{runs: runs, objects: objects, spark: spark, pace: pace, works: map[string]*Work[P]{}}
}

// Start has the service run the work. Where there is no room for it, it is started while somebody waits for it.
func (e *Engine[P]) Start(ctx context.Context, work engine.Work) (hindcast.Handle, error) {
	r, asked, err := sparksql.Transform(work, e.spark)
	if err != nil {
		return hindcast.Handle{}, err
	}
	r.End = work.Dir + "/" + endFile

	w, mine, err := e.admit(work, asked)
	if err != nil {
		return hindcast.Handle{}, err
	}
	if !mine {
		w.mutex.Lock()
	}
	defer w.mutex.Unlock()
	if !mine {
		return e.handle(w), nil
	}
	if err = e.objects.ask(ctx, work.Dir, r); err == nil {
		err = e.runs.Begin(ctx, w)
	}
	if err != nil {
		e.forget(w)
		return hindcast.Handle{}, err
	}
	return e.handle(w), nil
}

// admit takes the work in, unless this process has it already; its mutex is held if it is new.
func (e *Engine[P]) admit(work engine.Work, asked sparksql.Asked) (w *Work[P], mine bool, err error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.closed {
		return nil, false, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "the engine is closed"}
	}
	if w := e.works[work.Tag]; w != nil {
		return w, false, nil
	}
	w = &Work[P]{Tag: work.Tag, Dir: work.Dir, asked: asked}
	w.mutex.Lock()
	e.works[work.Tag] = w
	return w, true, nil
}

func (e *Engine[P]) forget(w *Work[P]) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	delete(e.works, w.Tag)
}

// handle finds the work again. What the service has not taken yet is found by nobody else, and need not be.
func (e *Engine[P]) handle(w *Work[P]) hindcast.Handle {
	h := hindcast.Handle{Tag: w.Tag}
	if w.Run != "" {
		h.IDs = e.runs.IDs(w.Place, w.Run)
	}
	return h
}

// Wait waits until the work's run has ended, and reads its end.
func (e *Engine[P]) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	if progress == nil {
		progress = func(hindcast.Progress) {}
	}
	result, err := e.wait(ctx, h, dir, progress)
	if ctx.Err() != nil && err != nil {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: ctx.Err()}
	}
	return result, err
}

func (e *Engine[P]) wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	w, err := e.known(ctx, h)
	if err != nil {
		return engine.Result{}, err
	}
	if w == nil { // the service has no run of it: it may have ended long ago
		return e.ended(ctx, &Work[P]{Tag: h.Tag, Dir: dir}, nil)
	}
	if w.Dir == "" {
		w.Dir = dir
	}
	if err := e.begun(ctx, w, progress); err != nil {
		return engine.Result{}, err
	}
	var died func(context.Context) error
	if w.Run != "" {
		if died, err = e.runs.Follow(ctx, w, progress); err != nil {
			return engine.Result{}, err
		}
	}
	e.leave(w)
	return e.ended(ctx, w, died)
}

// begun waits until the service has the work: there may have been no room for it, or no answer.
func (e *Engine[P]) begun(ctx context.Context, w *Work[P], progress func(hindcast.Progress)) error {
	for wait := e.pace; ; wait = min(2*wait, 15*e.pace) {
		w.mutex.Lock()
		var err error
		if w.Run == "" && !w.Dropped {
			err = e.runs.Begin(ctx, w)
		}
		done := w.Run != "" || w.Dropped
		w.mutex.Unlock()
		if err != nil || done {
			return err
		}
		progress(hindcast.Progress{})
		if err := pause.For(ctx, Jittered(wait)); err != nil {
			return err
		}
	}
}

// ended is the outcome of work of which nothing runs any more: what its script wrote last, or why it could not. died is nil if the service
// knows no run of it.
func (e *Engine[P]) ended(ctx context.Context, w *Work[P], died func(context.Context) error) (engine.Result, error) {
	is, err := e.objects.end(ctx, w.Dir)
	switch {
	case err != nil:
		return engine.Result{}, err
	case is != nil:
		return is.Result(w.asked, w.Dir)
	case died == nil:
		return engine.Result{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "no run was found for " + w.Tag}
	}
	return engine.Result{}, died(ctx)
}

// known is the work of a handle; nil if the service has no run of it.
func (e *Engine[P]) known(ctx context.Context, h hindcast.Handle) (*Work[P], error) {
	e.mutex.Lock()
	w := e.works[h.Tag]
	e.mutex.Unlock()
	if w != nil {
		return w, nil
	}
	place, run, err := e.runs.Find(ctx, h)
	if err != nil || run == "" {
		return nil, err
	}

	e.mutex.Lock()
	defer e.mutex.Unlock()
	if w := e.works[h.Tag]; w != nil {
		e.runs.Leave(place)
		return w, nil
	}
	w = &Work[P]{Tag: h.Tag, Place: place, Run: run}
	e.works[h.Tag] = w
	return w, nil
}

// leave lets go of the place that the work had.
func (e *Engine[P]) leave(w *Work[P]) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.works[w.Tag] == w {
		delete(e.works, w.Tag)
		e.runs.Leave(w.Place)
	}
}

// Stop ends the work's runs, and waits until the service says that they have ended.
func (e *Engine[P]) Stop(ctx context.Context, h hindcast.Handle) error {
	w, err := e.known(ctx, h)
	if err != nil || w == nil {
		return err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.Dropped = true
	if w.Run != "" || w.Unsure {
		if err := e.runs.End(ctx, w); err != nil {
			return err
		}
	}
	e.leave(w)
	return nil
}

// Alive names the work that the service has and that has not ended, and what waits here for room.
func (e *Engine[P]) Alive(ctx context.Context, tagPrefix string) ([]hindcast.Handle, error) {
	var mutex sync.Mutex
	var handles []hindcast.Handle
	seen := map[string]bool{}
	err := e.runs.Live(ctx, func(place P, tag, run string) {
		mutex.Lock()
		defer mutex.Unlock()
		if strings.HasPrefix(tag, tagPrefix) && !seen[tag] {
			seen[tag] = true
			handles = append(handles, hindcast.Handle{Tag: tag, IDs: e.runs.IDs(place, run)})
		}
	})
	if err != nil {
		return nil, err
	}

	for _, w := range e.all() {
		w.mutex.Lock()
		if w.Run == "" && !w.Dropped && strings.HasPrefix(w.Tag, tagPrefix) && !seen[w.Tag] {
			handles = append(handles, hindcast.Handle{Tag: w.Tag})
		}
		w.mutex.Unlock()
	}
	return handles, nil
}

func (e *Engine[P]) all() []*Work[P] {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	list := make([]*Work[P], 0, len(e.works))
	for _, w := range e.works {
		list = append(list, w)
	}
	return list
}

// Workers names the runs that this process started or waits for, for people.
func (e *Engine[P]) Workers() []string {
	var names []string
	for _, w := range e.all() {
		w.mutex.Lock()
		if w.Run != "" {
			names = append(names, e.runs.Label(w.Place, w.Run))
		}
		w.mutex.Unlock()
	}
	return names
}

// Closed reports whether no more work is to be begun.
func (e *Engine[P]) Closed() bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.closed
}

// closing bounds how long it may take to end all runs.
const closing = 5 * time.Minute

// Close ends all work that this process started or waited for.
func (e *Engine[P]) Close() error {
	e.mutex.Lock()
	e.closed = true
	e.mutex.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	works := e.all()
	failures := make(chan error, len(works))
	for _, w := range works {
		go func() { failures <- e.Stop(ctx, hindcast.Handle{Tag: w.Tag}) }()
	}
	var all []error
	for range works {
		all = append(all, <-failures)
	}
	return errors.Join(all...)
}

// Remains are the runs of a service that supervisors which died may have left.
type Remains struct{ engine.Engine }

var _ engine.Remains = Remains{}

// Found lists the runs of work that have not ended.
func (r Remains) Found(ctx context.Context, tagPrefix string) (found []engine.Remnant, err error) {
	alive, err := r.Alive(ctx, tagPrefix)
	for _, h := range alive {
		found = append(found, engine.Remnant{Handle: h})
	}
	return found, err
}

// End stops a run.
func (r Remains) End(ctx context.Context, is engine.Remnant) error { return r.Stop(ctx, is.Handle) }
