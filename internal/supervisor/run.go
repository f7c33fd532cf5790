package supervisor

import (
	"context"
	"errors"
	"runtime"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// ahead is how many slices a step may be ahead of the next one, beyond those that the next one can have under
// way: unloaded and waiting for their transform, staged and waiting for their load, prepared for the loader.
const ahead = 4

// run is a run under way. All of it belongs to the goroutine that called Run; the pools' goroutines use only its Config,
// its inbox and the two contexts.
type run struct {
	Config
	rules  hindcast.RunConfig
	state  *hindcast.RunState
	wanted wanted

	open     []*slice // every slice that was to be done, in order
	left     int      // those of them that are not done
	failures int      // those that failed for good
	checks   int      // those of the failures that were checks
	queue    map[phase]*line
	resting  *line       // waiting for their next attempt
	alarm    *time.Timer // rings when the first of them is due
	ready    int         // slices unloaded by this run whose transform has not begun
	held     int         // results staged by this run and not yet loaded
	heldSize extent      // of those
	mayShare bool        // small slices may share the transaction of their load

	pools    map[hindcast.Step]*pool
	underway map[*assignment]bool
	inbox    chan message
	over     chan struct{}   // closed when nobody reads the inbox any more
	loads    context.Context // of loads: ends when the run must end at once
	compute  context.Context // of unloads and transforms, a child of loads: ends with the first stop request

	events   []hindcast.Event // recorded and not yet journaled
	durable  bool             // they must be on disk before what follows them
	outgoing []*assignment    // they go to their pools after that
	waiting  []chan struct{}  // are closed after that

	ending ending
	proof  proof
	noting noting
	sizing sizing
	scope  scope
	shut   shut

	gathering gathering
}

// slice is one slice on its way.
type slice struct {
	item     *plan.Item
	position int  // in the run's order
	attempt  int  // the number of the attempt under way, or of the last one
	trying   bool // that attempt is under way
	failures int  // failed attempts since the run was started or resumed, as far as they count
	next     phase
	due      time.Time // the end of its rest
	spent    time.Duration
	print    string
	staged   []*hindcast.Manifest
	begun    bool               // more than its unload was begun, or is there of an earlier process
	before   []hindcast.Before  // what a held result is to replace
	unknown  bool               // a load was prepared and nobody knows how it ended
	work     *hindcast.OpenWork // an earlier process, or an earlier try of the attempt, gave this to the engine
	starved  int                // how often its transform ran out of memory: then it is alone
	haltedBy string             // who stopped this slice alone
	over     bool               // nothing of it is left to do
	ready    bool               // counts in run.ready
	held     bool               // counts in run.held
	size     extent             // of what is held
	quick    bool               // its transform took no longer than a load waits for more
	alone    string             // why its load shares no transaction: how one that it did share has failed; "" if it may
}

func newRun(ctx context.Context, config Config) *run {
	if config.Grace == 0 {
		config.Grace = 10 * time.Second
	}
	if config.State == nil {
		config.State = &hindcast.RunState{}
	}

	r := &run{
		Config: config, rules: config.Plan.Pipeline.Run, state: config.State, wanted: want(config.Plan),
		queue: map[phase]*line{}, resting: byDue(), alarm: time.NewTimer(0),
		mayShare: mayShare(config), pools: map[hindcast.Step]*pool{}, underway: map[*assignment]bool{},
		inbox: make(chan message, 256), over: make(chan struct{}),
		ending: ending{outer: ctx.Done(), killed: make(chan exits, 1)},
		sizing: sizing{answer: make(chan sized, 1)},
		noting: noting{answer: make(chan held, 1)},
		proof:  proof{answer: make(chan answer, 1)}, scope: newScope(config.Only), shut: shut{line: byPosition()},
	}

	for _, p := range []phase{toUnload, toTransform, toTransformAlone, toRejoin, toResolve, toLoad} {
		r.queue[p] = byPosition()
	}

	r.loads, r.ending.stopLoads = context.WithCancel(context.WithoutCancel(ctx))
	r.compute, r.ending.stopCompute = context.WithCancel(r.loads)

	r.pools[hindcast.StepUnload] = newPool(max(1, config.Plan.Shares.Unloads), 0)
	r.pools[hindcast.StepTransform] = newPool(max(1, config.Plan.Shares.Transforms), 0)
	r.pools[hindcast.StepTransform].spare = ahead // no more assignments than that have a result, see dispatchTransforms
	r.pools[hindcast.StepLoad] = newPool(1, ahead)
	return r
}

// begin journals that the run is ours, and queues what is to be done.
func (r *run) begin() {
	start := hindcast.Event{Type: hindcast.EventRunStarted, Total: r.Plan.Total(), UpToDate: r.Plan.Total() - len(r.Plan.Items), Fence: r.Fence, Host: r.Host, Pid: r.Pid}
	if r.state.Run != "" {
		start.Type, start.Slices = hindcast.EventRunResumed, r.Only
	} else {
		start.Engine, start.Moved = r.Plan.Engine.Name, r.Plan.Moved
		if oldest, newest := r.Plan.Ages(); !oldest.IsZero() {
			start.Copies = &hindcast.Ages{Oldest: oldest.UTC(), Newest: newest.UTC()}
		}
	}

	r.record(start)
	for _, e := range r.Before {
		r.record(e)
	}

	r.durable = true
	if !r.commit() {
		return
	}

	r.watchBudget()
	if r.Order != nil {
		for position, i := range r.Order {
			r.admit(&r.Plan.Items[i], position)
		}
	} else {
		for i := range r.Plan.Items {
			r.admit(&r.Plan.Items[i], i)
		}
	}

	for _, p := range r.pools {
		for range p.size + p.spare {
			go r.work(p)
		}
	}
}

// admit queues the item's slice, unless an earlier run of this supervisor finished it (promise 4) or the plan
// does not run it.
func (r *run) admit(item *plan.Item, position int) {
	known := r.state.Slices[item.Slice.Key]
	if known == nil {
		known = &hindcast.SliceState{State: hindcast.Pending}
	}

	switch {
	case known.State.Done():
		return
	case !item.Reason.Runs():
		r.record(hindcast.Event{Type: hindcast.EventSkipped, Slice: item.Slice.Key, Message: string(item.Reason)})
		return
	case !r.scope.wants(item.Slice.Key) && known.Work == nil:
		r.scope.unasked++
		return
	}

	s := &slice{item: item, position: position, attempt: known.Attempt, print: known.Fingerprint, staged: known.Staged, before: known.Before,
		unknown: known.Prepared, work: known.Work}
	if !r.scope.wants(item.Slice.Key) {
		s.haltedBy = "the resume of other slices"
	}

	if r.LoadOnly {
		s.print = item.Undone()
	}

	s.begun = s.unknown || s.work != nil || s.item.Complete(s.staged)
	r.open = append(r.open, s)
	r.left++
	s.next = r.first(s)
	r.queue[s.next].add(s)
}

// first is the phase that a slice begins with.
func (r *run) first(s *slice) phase {
	switch {
	case r.UnloadOnly:
		return toUnload
	case r.StagedOnly, r.LoadOnly:
		return toResolve
	case s.unknown || s.item.Complete(s.staged):
		return toResolve
	case s.work != nil:
		return toRejoin
	case r.unloads(s.item):
		return toUnload
	}
	return toTransform
}

// unloads reports whether the slice needs anything that the plan wants unloaded.
func (r *run) unloads(item *plan.Item) bool {
	if r.wanted.all {
		return true
	}

	for _, need := range item.Units {
		for _, key := range need.Keys {
			if r.wanted.units[unit{need.Fact, key}] {
				return true
			}
		}
	}

	return false
}

// unit names a fact's unit.
type unit struct{ fact, key string }

// wanted is what a plan wants unloaded: some units, or for every slice something, which is a dimension.
type wanted struct {
	all   bool
	units map[unit]bool
}

func want(p *plan.Plan) wanted {
	w := wanted{units: map[unit]bool{}}
	for _, u := range p.Units {
		if u.Unload {
			w.units[unit{u.Fact, u.Key}] = true
		}
	}

	for _, d := range p.Dims {
		w.all = w.all || d.Unload
	}
	return w
}

// loop goes on until nothing is left to do, or nothing runs any more after a stop.
func (r *run) loop() {
	for {
		r.deaths()
		r.dispatch(time.Now())
		r.commit()
		if r.idle() {
			return
		}
		r.wait()
	}
}

// idle reports whether the loop has nothing to wait for.
func (r *run) idle() bool {
	if r.sizing.running {
		return r.ending.abandoned
	}
	if r.stopping() {
		return r.ending.abandoned || len(r.underway) == 0 && !r.proof.running && !r.noting.running && (r.ending.zombie || r.queue[toRejoin].empty())
	}
	return len(r.underway) == 0 && (r.left == 0 || r.gathered() && !r.loadsWait() && r.hold()) && r.prove()
}

// record adds an event to what the next commit journals.
func (r *run) record(e hindcast.Event) {
	e.V, e.Run = hindcast.EventVersion, r.Plan.Run
	r.events = append(r.events, e)
}

// commit journals what was recorded, then lets its effects happen: assignments go to their pools only now, so that
// load_prepared is on disk before any COMMIT, and success is in the state only when committed is on disk
// (promise 1). Everything that was recorded since the last commit shares one write. It reports success.
func (r *run) commit() bool {
	events, outgoing, waiting := r.events, r.outgoing, r.waiting
	r.events, r.outgoing, r.waiting = nil, nil, nil
	if err := r.journal(events); err != nil {
		for _, a := range outgoing {
			r.leave(a)
		}
		r.journalFailed(err)
		return false
	}

	for _, done := range waiting {
		close(done)
	}

	for _, a := range outgoing {
		r.pools[a.phase.step()].assignments <- a // has room: pool.free was asked
	}
	return true
}

func (r *run) journal(events []hindcast.Event) error {
	durable := r.durable
	r.durable = false
	if len(events) == 0 || r.ending.zombie {
		return nil
	}

	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range events {
		events[i].Seq, events[i].Time = r.state.Seq+int64(i)+1, now
	}

	var err error
	if durable {
		err = r.Journal.Append(context.WithoutCancel(r.loads), events...)
	} else {
		err = r.Journal.AppendAsync(events...)
	}
	if err != nil {
		return err
	}

	for _, e := range events {
		r.state.Apply(e)
	}
	return nil
}

// journalError gives a journal's error a code if it has none.
func journalError(err error) *hindcast.Error {
	if e, ok := errors.AsType[*hindcast.Error](err); ok {
		return e
	}
	e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient, Cause: err,
		Message: "the journal cannot be written: " + err.Error(), Next: "repair the lake, then resume the run"}

	if errors.Is(err, syscall.ENOSPC) {
		e.Code, e.Class, e.Next = hindcast.EDiskFull, hindcast.ClassResource, "free space, then resume the run"
	}
	return e
}

// wait sleeps until something happens, and takes in everything that has.
func (r *run) wait() {
	select {
	case m := <-r.inbox:
		r.take(m)
	case e := <-r.Deaths:
		r.record(e)
	case <-r.shut.again: // dispatch looks whether the window is open
		r.shut.again = nil
	case <-r.gathering.ends: // dispatch loads what has come
		r.gathering.ends = nil
	case <-r.alarm.C: // dispatch looks at who is due
	case a := <-r.proof.answer:
		r.proven(a)
	case h := <-r.noting.answer:
		r.noted(h)
	case a := <-r.sizing.answer:
		r.resized(a)
	case request, ok := <-r.Stop:
		if !ok {
			r.Stop = nil
			return
		}
		r.stopRequested(request)
	case <-r.Lost:
		r.leaseLost()
	case <-r.ending.outer:
		r.ending.outer = nil
		r.stopRequested(StopRequest{By: "the end of the program", Now: true})
	case <-r.ending.budget:
		r.budgetReached()
	case <-r.ending.spending:
		r.watchSpending()
	case <-r.ending.grace:
		r.kill()
	case <-r.ending.patience:
		r.abandon()
	case b := <-r.ending.killed:
		r.ending.exits, r.ending.exited = b, true
	}

	runtime.Gosched() // goroutines that have finished report now, and share the next commit's fsync
	for len(r.inbox) > 0 {
		r.take(<-r.inbox)
	}
}

// deaths records the workers that have died by now.
func (r *run) deaths() {
	for {
		select {
		case e := <-r.Deaths:
			r.record(e)
		default:
			return
		}
	}
}

// take folds one message in. A death was reported before the calls that failed because of it, and so it comes before them in
// the journal.
func (r *run) take(m message) {
	r.deaths()

	switch {
	case !r.underway[m.assignment]: // a report after its call's end
	case m.event != nil:
		r.record(*m.event)
		if m.durable != nil {
			r.durable = true
			r.waiting = append(r.waiting, m.durable)
		}
	case m.staging:
		p := r.pools[m.assignment.phase.step()]
		m.assignment.staging = true
		p.busy--
		p.staging++
	case m.result != nil:
		r.leave(m.assignment)
		r.advance(m.assignment, m.result)
	}
}

// leave takes an assignment that has ended, or never begins, off its pool.
func (r *run) leave(a *assignment) {
	delete(r.underway, a)
	switch p := r.pools[a.phase.step()]; {
	case a.led: // its lead has the goroutine
	case a.staging:
		p.staging--
	default:
		p.busy--
	}

	a.cancel()
	a.cancelLoad()
}
