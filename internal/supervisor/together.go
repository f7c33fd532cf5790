package supervisor

import (
	"time"

	"github.com/hindcast/hindcast"
)

// Publishing says when a run publishes its results.
type Publishing int

// When a run publishes its results.
const (
	BySlice  Publishing = iota // each slice's as soon as it is staged
	Together                   // all slices' in one transaction, once every slice is staged
	Held                       // none: the run is done when every slice is staged
)

// gathered reports whether every slice that is not done is staged, and waits for the others no longer.
func (r *run) gathered() bool {
	return r.Publishing != BySlice && r.left > 0 && len(r.queue[toLoad].waiting) == r.left
}

// whole reports whether all that the plan runs is there: a run that is published at once is published whole or not at all.
func (r *run) whole() bool { return r.failures == 0 && r.scope.undone() == 0 }

// loadsWait reports whether a load is to begin as soon as the warehouse is ready for it.
func (r *run) loadsWait() bool {
	if r.Publishing == BySlice {
		return !r.queue[toLoad].empty()
	}
	return r.Publishing == Together && r.gathered() && r.whole()
}

// isStaged notes that all of a slice's result is staged, in a run that publishes later.
func (r *run) isStaged(a *assignment) {
	if r.LoadOnly { // what it loads was there before
		r.enqueue(a.slice, toLoad)
		return
	}
	e := hindcast.Event{Type: hindcast.EventStaged, Rows: extentOf(a.slice.staged).rows}
	if r.StagedOnly { // it is held as it was
		e = hindcast.Event{Type: hindcast.EventHeld, Before: a.slice.before}
	}
	r.recordOf(a, e)
	r.enqueue(a.slice, toLoad)
}

// publish begins the one load of all slices.
func (r *run) publish() {
	var all []*slice
	for !r.queue[toLoad].empty() {
		all = append(all, r.queue[toLoad].take())
	}
	r.startTogether(all)
}

// members are the assignments that are loaded in one transaction.
func (a *assignment) members() []*assignment { return append([]*assignment{a}, a.with...) }

// passOn gives each of the assignments that were led its own copy of what the lead came to, where it has none.
func (a *assignment) passOn(res *result) {
	for _, m := range a.with {
		if m.result == nil {
			own := *res
			own.committed = nil
			m.result = &own
		}
	}
}

// noting is how far a run that is held has come in looking at what it would replace.
type noting struct {
	running bool
	ended   bool
	answer  chan held
}

// held is what the targets have in each slice.
type held struct {
	waiting []*slice
	before  [][]hindcast.Before
	err     error
}

// hold reports whether a run that is held has noted what each slice would replace, or there is nothing to note; otherwise it looks.
func (r *run) hold() bool {
	if r.Publishing != Held || !r.whole() || r.noting.ended {
		return true
	}
	if r.noting.running {
		return false
	}

	r.noting.running = true
	waiting := append([]*slice(nil), r.queue[toLoad].waiting...)
	tries := make([]Try, len(waiting))
	for i, s := range waiting {
		tries[i] = r.try(s)
	}
	go func() {
		before, err := insist(r.compute, r, func() ([][]hindcast.Before, error) { return r.Worker.Before(r.compute, tries) })
		r.noting.answer <- held{waiting, before, err}
	}()
	return false
}

// noted takes in what the targets have: from here on the run's results are published only in place of that.
func (r *run) noted(h held) {
	r.noting.running, r.noting.ended = false, true
	if r.stopping() {
		return
	}
	if h.err != nil {
		r.unanswered(h.err)
		return
	}

	for i, s := range h.waiting {
		r.record(hindcast.Event{Type: hindcast.EventHeld, Slice: s.item.Slice.Key, Attempt: s.attempt, Before: h.before[i]})
	}
	r.durable = true
}

// share is the part of the time of one load that each of n slices is said to have taken.
func share(took time.Duration, n int) time.Duration { return took / time.Duration(n) }
