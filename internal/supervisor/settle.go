package supervisor

import (
	"time"

	"github.com/hindcast/hindcast"
)

// settle moves a slice on when a job of it has ended.
func (r *run) settle(j *job, res *result) {
	s := j.slice
	s.spent += res.took
	if j.task.step() == hindcast.StepLoad {
		s.unknown = res.unknown
	}
	if j.task.step() == hindcast.StepTransform {
		s.work = res.work
	}
	switch {
	case !res.begun && s.haltedBy != "" && !r.stopping():
		r.halt(s)
	case !res.begun: // it stays as it was: the run is stopping
	case res.err != nil:
		r.failed(j, res)
	case res.gone:
		r.beginAgain(s)
	case res.committed != nil:
		r.committed(j, res)
	case j.task == toUnload:
		r.unloaded(j)
	case j.task == toRevive:
		r.revived(s, res)
	default:
		r.transformed(j, res)
	}
}

func (r *run) unloaded(j *job) {
	s := j.slice
	if r.UnloadOnly {
		r.recordOf(j, hindcast.Event{Type: hindcast.EventSkipped, Message: "unloaded; the run does no more"})
		r.done(s)
		return
	}
	s.ready = count(&r.ready, s.ready, true)
	r.enqueue(s, s.transform())
}

// beginAgain has the slice's next attempt begin where a new run's would: nothing is left of the last one. It has not failed of
// itself, so that it counts for no retry.
func (r *run) beginAgain(s *slice) {
	s.trying, s.print = false, ""
	r.enqueue(s, r.first(s))
}

// transform is the task of the slice's transform.
func (s *slice) transform() task {
	if s.alone {
		return toTransformAlone
	}
	return toTransform
}

func (r *run) transformed(j *job, res *result) {
	s := j.slice
	if res.current {
		r.recordOf(j, hindcast.Event{Type: hindcast.EventFingerprint, Fingerprint: res.print})
		r.recordOf(j, hindcast.Event{Type: hindcast.EventSkipped, Message: "its rows are committed already"})
		r.done(s)
		return
	}
	m := res.staged.Manifest
	r.recordOf(j, hindcast.Event{Type: hindcast.EventStepFinished, Step: hindcast.StepTransform, Manifest: m,
		Rows: m.Sums.Rows, Bytes: m.Bytes, Seconds: m.Seconds, Memory: res.staged.Memory, RowsIn: res.staged.RowsIn, BytesIn: res.staged.BytesIn})
	s.print, s.staged = res.print, m
	s.held = count(&r.held, s.held, true)
	r.enqueue(s, toLoad)
}

// revived sends a slice that has a staged result to the load, any other one through all steps again.
func (r *run) revived(s *slice, res *result) {
	if res.reusable {
		r.enqueue(s, toLoad)
		return
	}
	s.staged, s.print = nil, ""
	s.held = count(&r.held, s.held, false)
	if r.unloads(s.item) {
		r.enqueue(s, toUnload)
		return
	}
	r.enqueue(s, s.transform())
}

// committed is success: on disk before anybody hears of it (promise 1).
func (r *run) committed(j *job, res *result) {
	c := res.committed
	if j.task == toLoad {
		r.recordOf(j, hindcast.Event{Type: hindcast.EventStepFinished, Step: hindcast.StepLoad, Rows: c.Sums.Rows,
			Seconds: res.took.Seconds()})
	}
	r.record(hindcast.Event{Type: hindcast.EventCommitted, Slice: j.slice.item.Slice.Key, Attempt: max(1, c.Attempt),
		Rows: c.Sums.Rows, Fingerprint: c.Fingerprint}) // of the attempt that loaded it, which a lookup may have found
	r.durable = true
	r.done(j.slice)
}

// enqueue lets the slice wait for a worker.
func (r *run) enqueue(s *slice, next task) {
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
	s.held = count(&r.held, s.held, false)
	s.ready = count(&r.ready, s.ready, false)
}

// failed decides what a step's error means: the end of the run's right, the answer to our own stop, another
// attempt, or the end of the slice. Our own stop costs no attempt.
func (r *run) failed(j *job, res *result) {
	e := hindcast.AsError(res.err)
	switch {
	case e.Code == hindcast.EFenced:
		r.fenced(e)
	case r.stopping() && res.canceled:
	case res.canceled:
		r.halt(j.slice)
	case !heals(e.Class):
		r.giveUp(j, e)
	case r.stopping(): // resume tries again
	case j.slice.haltedBy != "":
		r.halt(j.slice)
	case uncounted(res.err):
		r.rest(j, res.err)
	case j.slice.failures >= r.rules.Retries:
		r.giveUp(j, e)
	default:
		j.slice.failures++
		r.rest(j, res.err)
	}
}

// rest lets the slice wait for its next attempt; it holds no worker meanwhile. A load is tried again from the
// staged result, a transform that ran out of memory alone.
func (r *run) rest(j *job, err error) {
	s, e := j.slice, hindcast.AsError(err)
	s.trying = false
	switch j.task {
	case toUnload:
		s.next = toUnload
	case toTransform, toTransformAlone, toRejoin:
		s.alone = s.alone || e.Code == hindcast.EMemory
		s.next = s.transform()
		if rewound(err) == hindcast.StepUnload {
			s.next = toUnload
		}
		if s.work != nil {
			s.next = toRejoin
		}
	case toRevive, toLoad:
		s.next = toRevive
	}
	var wait time.Duration
	if !uncounted(err) {
		wait = Delay(s.failures, r.rules.RetryWait, r.Random())
	}
	s.due = time.Now().Add(wait)
	r.recordOf(j, hindcast.Event{Type: hindcast.EventAttemptFailed, Step: j.task.step(), Error: e, Seconds: wait.Seconds()})
	r.resting.add(s)
}

// giveUp ends the slice, and with on_failure: stop the run.
func (r *run) giveUp(j *job, e *hindcast.Error) {
	r.recordOf(j, hindcast.Event{Type: hindcast.EventFailed, Step: j.task.step(), Error: e})
	r.failures++
	if e.Class == hindcast.ClassCheck {
		r.checks++
	}
	r.done(j.slice)
	if r.rules.OnFailure != hindcast.OnFailureContinue {
		r.stop(sliceFailed, nil, r.Plan.Label(j.slice.item.Slice.Key)+" failed: "+string(e.Code))
	}
}
