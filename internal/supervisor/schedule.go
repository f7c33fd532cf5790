package supervisor

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
)

// dispatch gives free pools what is next, the last step first, so that what is nearly done gets done.
func (r *run) dispatch(now time.Time) {
	if r.stopping() {
		r.dispatchRejoins()
		return
	}

	for r.resting.due(now) {
		s := r.resting.take()
		r.queue[s.next].add(s)
	}

	if !r.resting.empty() {
		r.alarm.Reset(r.resting.waiting[0].due.Sub(now))
	}

	r.gate(now)
	r.dispatchRejoins()
	r.grow(now)
	if r.holds() {
		return
	}
	r.dispatchLoads(now)
	r.dispatchTransforms()
	r.dispatchUnloads()
}

// dispatchRejoins comes first, also in a run that is stopping: what earlier processes gave to the engine has its slots, and is
// waited for or ended. There was never more of it at a time than the pool has goroutines.
func (r *run) dispatchRejoins() {
	for r.pools[hindcast.StepTransform].free() && !r.queue[toRejoin].empty() && !r.ending.zombie {
		r.start(r.queue[toRejoin].take())
	}
}

func (r *run) dispatchLoads(now time.Time) {
	loader := r.pools[hindcast.StepLoad]
	for _, p := range []phase{toLoad, toResolve} {
		if p == toLoad && (r.Publishing != BySlice || r.sizesFirst()) {
			continue
		}
		for loader.free() && !r.queue[p].empty() {
			if p == toResolve {
				r.start(r.queue[p].take())
			} else if !r.startLoad(now) {
				break
			}
		}
	}
	if r.Publishing == Together && r.loadsWait() && !r.sizesFirst() {
		r.publish()
	}
}

// dispatchTransforms starts transforms as long as they may. A slice that must be alone waits until no transform runs, and meanwhile none begins.
func (r *run) dispatchTransforms() {
	transformer := r.pools[hindcast.StepTransform]
	for transformer.free() && r.mayTransform() && !r.aloneRuns() {
		if !r.queue[toTransformAlone].empty() {
			if transformer.busy == 0 {
				r.start(r.queue[toTransformAlone].take())
			}
			return
		}

		if r.queue[toTransform].empty() {
			return
		}
		r.start(r.queue[toTransform].take())
	}
}

func (r *run) aloneRuns() bool {
	for a := range r.underway {
		if a.phase == toTransformAlone && !a.staging {
			return true
		}
	}
	return false
}

// dispatchUnloads starts unloads as long as they are not far ahead of the transforms.
func (r *run) dispatchUnloads() {
	unloader, transformer := r.pools[hindcast.StepUnload], r.pools[hindcast.StepTransform]
	for unloader.free() && r.ready+unloader.busy < transformer.size+unloader.size+ahead && !r.queue[toUnload].empty() {
		r.start(r.queue[toUnload].take())
	}
}

// start makes an assignment of the slice's next phase; it leaves with the next commit.
func (r *run) start(s *slice) { r.hand(r.assign(s)) }

// hand gives an assignment to its pool, with the next commit.
func (r *run) hand(a *assignment) {
	r.pools[a.phase.step()].busy++
	r.outgoing = append(r.outgoing, a)
}

// try names the slice's attempt under way, or its last one.
func (r *run) try(s *slice) Try {
	return Try{Item: *s.item, Run: r.Plan.Run, Attempt: s.attempt, Alone: s.starved > 0, Starved: s.starved, Fence: r.Fence, Fingerprint: s.print, Before: s.before}
}

// assign makes an assignment of the slice's next phase.
func (r *run) assign(s *slice) *assignment {
	s.begun = s.begun || s.next != toUnload
	if !s.trying {
		s.trying, s.spent = true, 0
		if s.next != toRejoin { // which goes on with the attempt that the work is of
			s.attempt++
		}
	}

	s.ready = count(&r.ready, s.ready, false)
	a := &assignment{slice: s, phase: s.next, work: s.work, staged: s.staged, unknown: s.unknown, limited: r.rules.AttemptTimeout > 0,
		left: r.rules.AttemptTimeout - s.spent, try: r.try(s)}

	switch a.phase {
	case toUnload:
		r.recordOf(a, hindcast.Event{Type: hindcast.EventStepStarted, Step: hindcast.StepUnload})
	case toLoad:
		r.recordOf(a, hindcast.Event{Type: hindcast.EventStepStarted, Step: hindcast.StepLoad, Message: s.alone})
		r.recordOf(a, hindcast.Event{Type: hindcast.EventLoadPrepared, Fingerprint: s.print})
		r.durable = true // promise 1: before any COMMIT
	case toTransform, toTransformAlone, toRejoin, toResolve: // the pool's goroutine reports the transform's start
	}

	a.compute, a.cancel = context.WithCancel(r.compute)
	a.loads, a.cancelLoad = context.WithCancel(r.loads)
	if s.haltedBy != "" {
		a.cancel()
	}
	r.underway[a] = true
	return a
}

// recordOf records an event of the assignment's attempt.
func (r *run) recordOf(a *assignment, e hindcast.Event) {
	e.Slice, e.Attempt = a.slice.item.Slice.Key, a.try.Attempt
	r.record(e)
}

// count keeps n, the number of slices whose flag is set, when the flag of one of them changes from was to is.
func count(n *int, was, is bool) bool {
	switch {
	case is && !was:
		*n++
	case was && !is:
		*n--
	}
	return is
}
