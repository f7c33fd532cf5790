package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
)

// phase is what a goroutine of a pool does with a slice at a time.
type phase int

const (
	toUnload         phase = iota + 1 // in the unload pool
	toTransform                       // in the transform pool: fingerprint, then transform
	toTransformAlone                  // the same, beside no other transform
	toRejoin                          // in the transform pool: wait for what an earlier process gave to the engine
	toResolve                         // in the load pool: resolve a load whose end is unknown, and see whether its staged result can be loaded
	toLoad                            // in the load pool
)

func (p phase) step() hindcast.Step {
	switch p {
	case toUnload:
		return hindcast.StepUnload
	case toTransform, toTransformAlone, toRejoin:
		return hindcast.StepTransform
	case toResolve, toLoad:
		return hindcast.StepLoad
	}
	return ""
}

// Limits of what comes after a step's end.
const (
	discardTime = 30 * time.Second
	lookupTime  = time.Minute
)

var errAttemptTimeout = errors.New("attempt_timeout")

// pool is the goroutines of one step. Its counts belong to the run's goroutine.
type pool struct {
	size        int // goroutines
	spare       int // goroutines beyond those, for assignments that are staging
	room        int // assignments that may be with the pool: under way, or at hand for the next free goroutine
	busy        int // assignments that are
	staging     int // assignments beyond those, whose result is on its way into the lake
	assignments chan *assignment
}

func newPool(size, atHand int) *pool {
	return &pool{size: size, room: size + atHand, assignments: make(chan *assignment, size+atHand)}
}

func (p *pool) free() bool { return p.busy < p.room }

// assignment is one phase of one attempt. Once a goroutine has it only begun changes, and what belongs to the run's goroutine.
type assignment struct {
	slice   *slice // for the run's goroutine only
	led     bool   // the same: it is one of with of another assignment
	staging bool   // the same: its transform has ended, and another may begin in its pool
	phase   phase
	try     Try
	work    *hindcast.OpenWork // with toRejoin
	staged  []*hindcast.Manifest
	unknown bool
	limited bool
	left    time.Duration // of attempt_timeout, if limited
	with    []*assignment // that are loaded in the same transaction
	result  *result       // of one that was led
	begun   atomic.Bool
	done    atomic.Pointer[hindcast.Progress] // of a transform, as its engine said last
	// The run's contexts, for this assignment alone: compute also ends when its slice is stopped, loads when that is at once.
	compute, loads     context.Context
	cancel, cancelLoad context.CancelFunc
}

// nameAttempt names the latest attempt at a slice for people, to whom attempts are counted from the last resume on.
func (r *run) nameAttempt(step hindcast.Step, key string) string {
	tries := 1
	if s := r.state.Slices[key]; s != nil {
		tries = max(s.Tries, 1)
	}
	return fmt.Sprintf("%s of %s, attempt %d", step, r.Plan.Label(key), tries)
}

// named names the assignment for people.
func (r *run) named(a *assignment) string {
	return r.nameAttempt(a.phase.step(), a.try.Item.Slice.Key)
}

// message is what a goroutine of a pool reports: an event within its assignment, that the engine is done with it, or how it ended.
type message struct {
	assignment *assignment
	event      *hindcast.Event
	durable    chan struct{} // if set, it is closed when the event is on disk
	staging    bool
	result     *result
}

// result is how an assignment ended.
type result struct {
	begun     bool // false if the run was stopping before its turn came
	canceled  bool // err is the answer to our own stop
	err       error
	took      time.Duration
	print     string // of a transform
	current   bool   // of a transform: committed rows with this fingerprint are there already
	staged    []*hindcast.Manifest
	work      *hindcast.OpenWork   // of a transform: what the engine was given, where it outlives this process
	gone      bool                 // of a transform that is rejoined: nothing runs of it, and not all of its results are there
	committed []hindcast.Committed // of a load
	unknown   bool                 // of a load: it may have been committed
	spared    bool                 // of a load: err is about other slices of the publication
	shared    bool                 // of a load: err is that of several slices that are published one by one otherwise
	reusable  bool                 // of a resolution: the staged result can be loaded
}

// work does a pool's assignments, one at a time, until the run is over.
func (r *run) work(p *pool) {
	for a := range p.assignments {
		res := r.do(a)
		a.passOn(res)
		for _, m := range a.with {
			r.send(message{assignment: m, result: m.result})
		}
		r.send(message{assignment: a, result: res})
	}
}

func (r *run) send(m message) {
	select {
	case r.inbox <- m:
	case <-r.over:
	}
}

// do does the assignment within what is left of the attempt's time, and cleans up after a failure.
func (r *run) do(a *assignment) *result {
	res := &result{unknown: a.unknown}
	if a.compute.Err() != nil && a.phase != toRejoin { // whose work is to be ended
		return res
	}

	res.begun = true
	for _, m := range a.members() {
		m.begun.Store(true)
	}

	base := a.compute
	if a.phase.step() == hindcast.StepLoad {
		base = a.loads
	}

	ctx, cancel := within(base, a)
	defer cancel()
	began := time.Now()

	switch a.phase {
	case toUnload:
		res.err = r.Worker.Unload(ctx, a.try, r.reporter(a))
	case toTransform, toTransformAlone:
		r.transform(ctx, a, res)
	case toRejoin:
		r.rejoin(ctx, a, res)
	case toResolve:
		r.resolve(ctx, a, res)
	case toLoad:
		r.load(ctx, a, res)
	}

	res.took = share(time.Since(began), 1+len(a.with))
	for _, m := range a.with {
		if m.result != nil {
			m.result.took = res.took
		}
	}
	if res.err != nil {
		r.explain(ctx, base, a, res)
		if a.phase.step() != hindcast.StepLoad && res.work == nil {
			r.discard(a.try)
		}
	}
	return res
}

func within(base context.Context, a *assignment) (context.Context, context.CancelFunc) {
	if !a.limited {
		return context.WithCancel(base)
	}
	return context.WithTimeoutCause(base, a.left, errAttemptTimeout)
}

// explain distinguishes a step's own failure from our stop and from the end of its time.
func (r *run) explain(ctx, base context.Context, a *assignment, res *result) {
	switch {
	case base.Err() != nil:
		res.canceled = true
	case errors.Is(context.Cause(ctx), errAttemptTimeout):
		limit := r.rules.AttemptTimeout
		res.err = &hindcast.Error{Code: hindcast.ETimeout, Class: hindcast.ClassTransient, Cause: res.err,
			Message: fmt.Sprintf("the attempt took longer than attempt_timeout, %s", limit), Detail: reached(a.done.Load()),
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
	if p.Tasks > 0 {
		known = append(known, fmt.Sprintf("stage %d, %d of %d tasks", p.Stage, p.TasksDone, p.Tasks))
	}
	if p.Rows > 0 {
		known = append(known, numbers.Counted(p.Rows, "row")+" read")
	}
	if p.Bytes > 0 {
		known = append(known, numbers.Size(p.Bytes)+" written")
	}
	if p.Spilled > 0 {
		known = append(known, numbers.Size(p.Spilled)+" spilled")
	}

	if known == nil {
		return nil
	}
	return []string{"when it was stopped: " + strings.Join(known, ", ")}
}

// transform finds the fingerprint, reports it before the first transform begins, and makes the results of the outputs that
// are due.
func (r *run) transform(ctx context.Context, a *assignment, res *result) {
	var due []int
	res.print, due, res.err = r.Worker.Fingerprint(ctx, a.try)
	if res.err != nil {
		return
	}
	if len(due) == 0 {
		res.current = true
		return
	}

	r.reporter(a)(hindcast.Event{Type: hindcast.EventFingerprint, Fingerprint: res.print})
	r.makeAll(ctx, a, res, due)
}

// resolve finds out how a load ended whose end is unknown (promise 4), then whether its staged result can be loaded.
func (r *run) resolve(ctx context.Context, a *assignment, res *result) {
	if a.unknown {
		res.committed, res.err = r.lookup(ctx, a)
		if res.err != nil {
			return
		}
		res.unknown = false
		if res.committed != nil {
			r.settle(ctx, a, res, res.committed)
			return
		}
	}

	switch {
	case r.LoadOnly:
		res.reusable = true
	case r.StagedOnly: // all that was due: other outputs may have been up to date
		res.reusable = len(a.staged) > 0
	default:
		res.reusable = a.try.Item.Complete(a.staged)
	}
	for _, m := range a.staged {
		res.reusable = res.reusable && r.Worker.Reusable(ctx, m)
	}
}

// load publishes, also the assignments that are led, in one transaction. After any failure but a fence's it looks the status rows up
// at once, because the answer to a COMMIT may have been lost; if that fails too the end stays unknown.
func (r *run) load(ctx context.Context, a *assignment, res *result) {
	members := a.members()
	results, loading := []*result{res}, make([]Loading, len(members))
	for i, m := range members {
		loading[i] = Loading{Try: m.try, Staged: m.staged}
		if i > 0 {
			m.result = &result{begun: true}
			results = append(results, m.result)
		}
	}

	committed, err := r.Worker.Load(ctx, loading)
	if err == nil {
		for i, m := range members {
			r.settle(ctx, m, results[i], committed[i])
		}
		return
	}

	e := hindcast.AsError(err)
	fenced := e.Code == hindcast.EFenced
	blamed := map[string]bool{} // as far as the error says
	for _, key := range e.Slices {
		blamed[key] = true
	}
	about := func(m *assignment) bool { return blamed[m.try.Item.Slice.Key] }
	named := slices.ContainsFunc(members, about)
	for i, one := range results {
		one.err, one.unknown, one.spared = err, !fenced, named && !about(members[i])
		one.shared = r.mayShare && len(members) > 1
	}
	if !fenced && r.loads.Err() == nil {
		r.seek(members, results)
	}
	r.explainLed(ctx, a)
}

// seek looks up how the load ended. Where the first slice's row is not there none is: they are of one transaction.
func (r *run) seek(members []*assignment, results []*result) {
	ctx, cancel := context.WithTimeout(r.loads, lookupTime)
	defer cancel()

	for i, m := range members {
		found, err := r.lookup(ctx, m)
		if err != nil {
			return
		}
		results[i].unknown = false
		if found != nil {
			r.settle(ctx, m, results[i], found)
			continue
		}
		if i == 0 {
			for _, one := range results {
				one.unknown = false
			}
			return
		}
	}
}

// explainLed is explain for the assignments that are led.
func (r *run) explainLed(ctx context.Context, a *assignment) {
	for _, m := range a.with {
		if m.result.err != nil {
			r.explain(ctx, a.loads, a, m.result)
		}
	}
}

// settle ends a load that is committed. Where the lake keeps results and this one is not kept, the load's end counts as unknown: the next
// attempt finds the rows, and keeps it.
func (r *run) settle(ctx context.Context, a *assignment, res *result, committed []hindcast.Committed) {
	res.committed, res.shared, res.spared, res.err = nil, false, false, r.Worker.Keep(ctx, a.try, committed, a.staged)
	if res.unknown = res.err != nil; res.unknown {
		return
	}
	res.committed = committed
	r.discardStaged(a)
}

// lookup is the Worker's, but of an output that is made in any case, or is published with other slices, only this run's own row counts.
func (r *run) lookup(ctx context.Context, a *assignment) ([]hindcast.Committed, error) {
	try := a.try
	found, err := r.Worker.Lookup(ctx, try)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if plan.Together(prints(found)) != try.Fingerprint {
		return nil, nil
	}

	for i, output := range try.Item.Wanted() {
		name := r.Plan.Pipeline.Outputs[output].Name
		own := try.Item.Forced(output) || r.Publishing == Together && slices.ContainsFunc(a.staged, func(m *hindcast.Manifest) bool { return m.Output == name })
		if own && found[i].Publication != try.Run {
			return nil, nil
		}
	}
	return found, nil
}

func prints(rows []hindcast.Committed) []string {
	list := make([]string, len(rows))
	for i := range rows {
		list[i] = rows[i].Fingerprint
	}
	return list
}

// discardStaged removes the results that are committed now, with the attempts that made them.
func (r *run) discardStaged(a *assignment) {
	try, made := a.try, 0
	for _, m := range a.staged {
		made = max(made, m.Attempt)
	}

	if made > 0 {
		try.Attempt = made
	}
	r.discard(try)
}

// discard removes what an attempt left, unless the run ends at once.
func (r *run) discard(try Try) {
	if r.loads.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.loads, discardTime)
	defer cancel()
	r.Worker.Discard(ctx, try)
}

// inStep are the events that belong to a step.
var inStep = []hindcast.EventType{hindcast.EventStepStarted, hindcast.EventStepFinished, hindcast.EventUnloadWaits, hindcast.EventProgress}

// reporter fills in what the run knows of an event.
func (r *run) reporter(a *assignment) Report {
	return func(e hindcast.Event) {
		if e.Type != hindcast.EventDimension {
			e.Slice, e.Attempt = a.try.Item.Slice.Key, a.try.Attempt
		}
		if slices.Contains(inStep, e.Type) {
			e.Step = a.phase.step()
		}
		r.send(message{assignment: a, event: &e})
	}
}
