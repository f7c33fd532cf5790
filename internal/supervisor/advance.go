package supervisor

import (
	"slices"
	"time"

	"github.com/hindcast/hindcast"
)

// advance moves a slice on when an assignment of it has ended.
func (r *run) advance(a *assignment, res *result) {
	s := a.slice
	s.spent += res.took

	if a.phase.step() == hindcast.StepLoad {
		s.unknown = res.unknown
	}
	if a.phase.step() == hindcast.StepTransform {
		s.work = res.work
		s.retain(res)
	}

	switch {
	case !res.begun && s.haltedBy != "" && !r.stopping():
		r.halt(s)
	case !res.begun && !r.stopping(): // another slice of the same publication was stopped alone
		r.enqueue(s, a.phase)
	case !res.begun: // it stays as it was: the run is stopping
	case res.err != nil:
		r.failed(a, res)
	case res.gone:
		r.beginAgain(s)
	case len(res.committed) > 0:
		r.committed(a, res)
	case a.phase == toUnload:
		r.unloaded(a)
	case a.phase == toResolve:
		r.resolved(a, res)
	default:
		r.transformed(a, res)
	}
}

// retain keeps the results that an assignment has staged, if it does not end its attempt with a failure, which discards them.
func (s *slice) retain(res *result) {
	if len(res.staged) == 0 || res.err != nil && res.work == nil {
		return
	}
	if s.print != res.print {
		s.staged = nil
	}

	kept := slices.Clone(res.staged)
	for _, m := range s.staged {
		if !slices.ContainsFunc(res.staged, func(now *hindcast.Manifest) bool { return now.Output == m.Output }) {
			kept = append(kept, m)
		}
	}
	s.print, s.staged = res.print, kept
}

func (r *run) unloaded(a *assignment) {
	s := a.slice
	if r.UnloadOnly {
		r.recordOf(a, hindcast.Event{Type: hindcast.EventSkipped, Message: "unloaded; the run does no more"})
		r.done(s)
		return
	}

	s.ready = count(&r.ready, s.ready, true)
	r.enqueue(s, s.transform())
}

// beginAgain has the slice's next attempt begin where a new run's would: nothing is left of the last one. It is not a failure of
// the slice, so it counts for no retry.
func (r *run) beginAgain(s *slice) {
	s.trying = false
	r.enqueue(s, r.first(s))
}

// transform is the phase of the slice's transform.
func (s *slice) transform() phase {
	if s.starved > 0 {
		return toTransformAlone
	}
	return toTransform
}

func (r *run) transformed(a *assignment, res *result) {
	s := a.slice
	if res.current {
		r.recordOf(a, hindcast.Event{Type: hindcast.EventFingerprint, Fingerprint: res.print})
		r.recordOf(a, hindcast.Event{Type: hindcast.EventSkipped, Message: "its rows are committed already"})
		r.done(s)
		return
	}

	if r.Publishing != BySlice {
		r.isStaged(a)
		return
	}
	s.quick = res.took <= gatherTime
	r.setHeld(s, true)
	r.enqueue(s, toLoad)
}

// resolved sends a slice whose staged result can be loaded to the load, any other one through all steps again.
func (r *run) resolved(a *assignment, res *result) {
	s := a.slice
	switch {
	case res.reusable && r.Publishing != BySlice:
		r.isStaged(a)
		return
	case res.reusable:
		r.enqueue(s, toLoad)
		return
	case r.StagedOnly:
		r.giveUp(a, &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
			Message: "what was staged for " + r.Plan.Label(s.item.Slice.Key) + " is gone or damaged", Next: "compute it again: " + r.resume() + ", then: hindcast publish " + r.Plan.Run})
		return
	}

	if s.item.Complete(s.staged) { // otherwise the outputs that are staged need not be made again
		s.staged, s.print = nil, ""
	}
	r.setHeld(s, false)

	if r.unloads(s.item) {
		r.enqueue(s, toUnload)
		return
	}
	r.enqueue(s, s.transform())
}

// committed is success: on disk before anybody hears of it (promise 1).
func (r *run) committed(a *assignment, res *result) {
	attempt, rows := 1, int64(0)
	for i := range res.committed {
		c := &res.committed[i]
		rows += c.Sums.Rows
		if r.LoadOnly {
			attempt = a.try.Attempt // the row is of an attempt of another run
		} else if c.Publication == r.Plan.Run || len(res.committed) == 1 { // others were up to date
			attempt = max(attempt, c.Attempt)
		}
	}

	if a.phase == toLoad {
		r.recordOf(a, hindcast.Event{Type: hindcast.EventStepFinished, Step: hindcast.StepLoad, Rows: rows, Seconds: res.took.Seconds()})
	}
	r.record(hindcast.Event{Type: hindcast.EventCommitted, Slice: a.slice.item.Slice.Key, Attempt: attempt, Rows: rows,
		Fingerprint: a.try.Fingerprint}) // of the attempt that loaded it, which a lookup may have found
	r.durable = true
	r.done(a.slice)
}

// enqueue lets the slice wait for a free goroutine of its next phase.
func (r *run) enqueue(s *slice, next phase) {
	if s.haltedBy != "" && !r.stopping() {
		r.halt(s)
		return
	}
	s.next = next
	r.queue[next].add(s)
}

// done takes the slice off the run's list.
func (r *run) done(s *slice) {
	r.left--
	s.over, s.trying, s.staged = true, false, nil
	r.setHeld(s, false)
	s.ready = count(&r.ready, s.ready, false)
}

// failed decides what a step's error means: the run is fenced, the error is the answer to our own stop, the slice is tried
// again, or it has failed for good. Our own stop costs no attempt.
func (r *run) failed(a *assignment, res *result) {
	e := hindcast.AsError(res.err)
	if len(e.Slices) > 1 { // each of them has an event of its own: a list of all in each would be as long as their number squared
		own := *e
		own.Slices = []string{a.slice.item.Slice.Key}
		e = &own
	}

	switch {
	case e.Code == hindcast.EFenced:
		r.fenced(e)
	case r.stopping() && (res.canceled || res.shared):
	case res.canceled && a.slice.haltedBy == "": // it was published with another slice, which was stopped alone
		r.loadAgain(a.slice)
	case res.canceled, res.shared && a.slice.haltedBy != "":
		r.halt(a.slice)
	case res.shared && (res.spared || !uncounted(res.err)):
		r.goesAlone(a.slice, e)
	case res.spared && !heals(e.Class):
		r.spare(a, res)
	case !heals(e.Class):
		r.giveUp(a, e)
	case r.stopping(): // resume tries again
	case a.slice.haltedBy != "":
		r.halt(a.slice)
	case uncounted(res.err):
		r.rest(a, res.err)
	case a.slice.failures >= r.rules.Retries:
		r.giveUp(a, e)
	default:
		a.slice.failures++
		r.rest(a, res.err)
	}
}

// spare is for a slice whose publication failed for good, and not because of it.
func (r *run) spare(a *assignment, res *result) {
	switch {
	case !res.unknown && !r.LoadOnly: // it is staged, as it was before
		r.isStaged(a)
	case !r.stopping():
		r.loadAgain(a.slice)
	}
}

// loadAgain has another attempt load the slice, after it has looked how the last one ended. It counts for no retry, and what the last one
// left is not in its way.
func (r *run) loadAgain(s *slice) {
	s.trying = false
	r.enqueue(s, toResolve)
}

// rest lets the slice wait for its next attempt; it occupies no pool meanwhile. A load is tried again from the
// staged result, a transform that ran out of memory alone.
func (r *run) rest(a *assignment, err error) {
	s, e := a.slice, hindcast.AsError(err)
	s.trying = false

	switch a.phase {
	case toUnload:
		s.next = toUnload
	case toTransform, toTransformAlone, toRejoin:
		if e.Code == hindcast.EMemory {
			s.starved++
		}
		s.next = s.transform()
		if rewound(err) == hindcast.StepUnload {
			s.next = toUnload
		}
		if s.work != nil {
			s.next = toRejoin
		}
	case toResolve, toLoad:
		s.next = toResolve
	}

	var wait time.Duration
	if !uncounted(err) {
		wait = Delay(s.failures, r.rules.RetryWait, r.Random())
	}
	s.due = time.Now().Add(wait)

	r.recordOf(a, hindcast.Event{Type: hindcast.EventAttemptFailed, Step: a.phase.step(), Error: e, Seconds: wait.Seconds()})
	r.resting.add(s)
}

// giveUp ends the slice, and with on_failure: stop the run.
func (r *run) giveUp(a *assignment, e *hindcast.Error) {
	r.recordOf(a, hindcast.Event{Type: hindcast.EventFailed, Step: a.phase.step(), Error: e})
	r.failures++
	if e.Class == hindcast.ClassCheck {
		r.checks++
	}
	r.done(a.slice)

	if r.rules.OnFailure != hindcast.OnFailureContinue {
		r.stop(sliceFailed, nil, r.Plan.Label(a.slice.item.Slice.Key)+" failed: "+string(e.Code))
	}
}
