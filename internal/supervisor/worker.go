package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hindcast/hindcast"
)

// task is what a worker does with a slice at a time.
type task int

const (
	toUnload         task = iota + 1 // in the unload pool
	toTransform                      // in the transform pool: fingerprint, then transform
	toTransformAlone                 // the same, beside no other transform
	toRejoin                         // in the transform pool: wait for what an earlier process gave to the engine
	toRevive                         // in the load pool: settle a load whose end is unknown, see what is still staged
	toLoad                           // in the load pool
)

func (t task) step() hindcast.Step {
	switch t {
	case toUnload:
		return hindcast.StepUnload
	case toTransform, toTransformAlone, toRejoin:
		return hindcast.StepTransform
	case toRevive, toLoad:
		return hindcast.StepLoad
	}
	return ""
}

// How long what comes after a step's end may take.
const (
	discardTime = 30 * time.Second
	lookupTime  = time.Minute
)

var errAttemptTimeout = errors.New("attempt_timeout")

// pool is the workers of one step. Its counts belong to the run's goroutine.
type pool struct {
	workers int
	spare   int // workers beyond those, for jobs that are staging
	room    int // jobs that may be with the pool: under way, or at hand for the next free worker
	busy    int // jobs that are
	staging int // jobs beyond those, whose result is on its way into the lake
	jobs    chan *job
}

func newPool(workers, atHand int) *pool {
	return &pool{workers: workers, room: workers + atHand, jobs: make(chan *job, workers+atHand)}
}

func (p *pool) free() bool { return p.busy < p.room }

// job is one task of one attempt. It does not change once a worker has it, except for begun and what is the run's.
type job struct {
	slice   *slice // for the run's goroutine only
	staging bool   // the same: its transform has ended, and its place in the pool is another's
	task    task
	try     Try
	work    *hindcast.OpenWork // with toRejoin
	staged  *hindcast.Manifest
	unknown bool
	limited bool
	left    time.Duration // of attempt_timeout, if limited
	begun   atomic.Bool
	done    atomic.Pointer[hindcast.Progress] // of a transform, as its engine said last
	// The run's contexts, for this job alone: compute ends with its slice's stop too, loads where that is at once.
	compute, loads     context.Context
	cancel, cancelLoad context.CancelFunc
}

// named names the job for people.
func (r *run) named(j *job) string {
	return fmt.Sprintf("%s of %s, attempt %d", j.task.step(), r.Plan.Label(j.try.Item.Slice.Key), j.try.Attempt)
}

// message is what a worker says: an event within its job, that the engine is done with it, or the job's result.
type message struct {
	job     *job
	event   *hindcast.Event
	durable chan struct{} // if set, it is closed when the event is on disk
	staging bool
	result  *result
}

// result is how a job ended.
type result struct {
	begun     bool // false if the run was stopping before its turn came
	canceled  bool // err is the answer to our own stop
	err       error
	took      time.Duration
	print     string // of a transform
	current   bool   // of a transform: a committed row with this fingerprint is there already
	staged    Staged
	work      *hindcast.OpenWork  // of a transform: what the engine was given, where it outlives this process
	gone      bool                // of a transform that is rejoined: nothing runs of it, and it has no result
	committed *hindcast.Committed // of a load
	unknown   bool                // of a load: it may have been committed
	reusable  bool                // of a revival: the staged result can be loaded
}

// work is one worker's life.
func (r *run) work(p *pool) {
	for j := range p.jobs {
		r.send(message{job: j, result: r.do(j)})
	}
}

func (r *run) send(m message) {
	select {
	case r.inbox <- m:
	case <-r.over:
	}
}

// do does the job within what is left of the attempt's time, and cleans up after a failure.
func (r *run) do(j *job) *result {
	res := &result{unknown: j.unknown}
	if j.compute.Err() != nil && j.task != toRejoin { // whose work is to be ended
		return res
	}
	res.begun = true
	j.begun.Store(true)
	base := j.compute
	if j.task.step() == hindcast.StepLoad {
		base = j.loads
	}
	ctx, cancel := within(base, j)
	defer cancel()
	began := time.Now()
	switch j.task {
	case toUnload:
		res.err = r.Worker.Unload(ctx, j.try, r.reporter(j))
	case toTransform, toTransformAlone:
		r.transform(ctx, j, res)
	case toRejoin:
		r.rejoin(ctx, j, res)
	case toRevive:
		r.revive(ctx, j, res)
	case toLoad:
		r.load(ctx, j, res)
	}
	res.took = time.Since(began)
	if res.err != nil {
		r.explain(ctx, base, j, res)
		if j.task.step() != hindcast.StepLoad && res.work == nil {
			r.discard(j.try)
		}
	}
	return res
}

func within(base context.Context, j *job) (context.Context, context.CancelFunc) {
	if !j.limited {
		return context.WithCancel(base)
	}
	return context.WithTimeoutCause(base, j.left, errAttemptTimeout)
}

// explain tells a step's own failure from our stop and from the end of its time.
func (r *run) explain(ctx, base context.Context, j *job, res *result) {
	switch {
	case base.Err() != nil:
		res.canceled = true
	case errors.Is(context.Cause(ctx), errAttemptTimeout):
		limit := r.rules.AttemptTimeout
		res.err = &hindcast.Error{Code: hindcast.ETimeout, Class: hindcast.ClassTransient, Cause: res.err,
			Message: fmt.Sprintf("the attempt took longer than attempt_timeout, %s", limit), Detail: reached(j.done.Load()),
			Next: "raise run.attempt_timeout"}
	}
}

// reached says how far a transform had come.
func reached(p *hindcast.Progress) []string {
	if p == nil {
		return nil
	}
	var known []string
	if p.Done > 0 {
		known = append(known, fmt.Sprintf("%.0f %% of it done", 100*p.Done))
	}
	if p.Rows > 0 {
		known = append(known, fmt.Sprintf("%d rows read", p.Rows))
	}
	if p.Bytes > 0 {
		known = append(known, fmt.Sprintf("%.1f MB written", float64(p.Bytes)/1e6))
	}
	if known == nil {
		return nil
	}
	return []string{"when it was stopped: " + strings.Join(known, ", ")}
}

// transform finds the fingerprint, reports it before the transform begins, transforms, and stages the result.
func (r *run) transform(ctx context.Context, j *job, res *result) {
	var committed bool
	res.print, committed, res.err = r.Worker.Fingerprint(ctx, j.try)
	if res.err != nil {
		return
	}
	if committed && !j.try.Forced() {
		res.current = true
		return
	}
	report, try := r.reporter(j), j.try
	try.Fingerprint = res.print
	report(hindcast.Event{Type: hindcast.EventFingerprint, Fingerprint: res.print})
	report(hindcast.Event{Type: hindcast.EventStepStarted})

	var handle hindcast.Handle
	if handle, res.err = r.give(ctx, j, try); res.err != nil {
		return
	}
	r.takeBack(ctx, j, try, handle, res)
}

// revive settles a load whose end is unknown (promise 4), then looks whether its staged result can be loaded.
func (r *run) revive(ctx context.Context, j *job, res *result) {
	if j.unknown {
		res.committed, res.err = r.lookup(ctx, j.try)
		if res.err != nil {
			return
		}
		res.unknown = false
		if res.committed != nil {
			r.discardStaged(j)
			return
		}
	}
	res.reusable = j.staged != nil && r.Worker.Reusable(ctx, j.staged)
}

// load publishes. After any failure but a fence's it looks the status row up at once, because the answer to a
// COMMIT may have been lost; if that fails too the end stays unknown.
func (r *run) load(ctx context.Context, j *job, res *result) {
	committed, err := r.Worker.Load(ctx, j.try, j.staged)
	if err == nil {
		res.committed = &committed
		r.discardStaged(j)
		return
	}
	res.err = err
	if hindcast.AsError(err).Code == hindcast.EFenced {
		return
	}
	res.unknown = true
	if r.loads.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.loads, lookupTime)
	defer cancel()
	found, err := r.lookup(ctx, j.try)
	if err != nil {
		return
	}
	res.unknown = false
	if found != nil {
		res.committed, res.err = found, nil
		r.discardStaged(j)
	}
}

// lookup is the Worker's, but for a slice that is run in any case only this run's own row counts.
func (r *run) lookup(ctx context.Context, try Try) (*hindcast.Committed, error) {
	found, err := r.Worker.Lookup(ctx, try)
	if err != nil || found == nil {
		return nil, err
	}
	if found.Fingerprint != try.Fingerprint || try.Forced() && found.Run != try.Run {
		return nil, nil
	}
	return found, nil
}

// discardStaged removes the result that is committed now, with the attempt that made it.
func (r *run) discardStaged(j *job) {
	try := j.try
	if j.staged != nil && j.staged.Attempt > 0 {
		try.Attempt = j.staged.Attempt
	}
	r.discard(try)
}

// discard leaves everything as it is when the run ends at once.
func (r *run) discard(try Try) {
	if r.loads.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.loads, discardTime)
	defer cancel()
	r.Worker.Discard(ctx, try)
}

// reporter fills in what the run knows of an event.
func (r *run) reporter(j *job) Report {
	return func(e hindcast.Event) {
		if e.Type != hindcast.EventDimension {
			e.Slice, e.Attempt = j.try.Item.Slice.Key, j.try.Attempt
		}
		if e.Type == hindcast.EventStepStarted || e.Type == hindcast.EventStepFinished {
			e.Step = j.task.step()
		}
		r.send(message{job: j, event: &e})
	}
}
