package supervisor

import (
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
)

// Slices that are published one by one share a transaction where several small ones wait for the loader: a transaction is most of what the
// load of few rows costs. If it fails, each of them is loaded alone, and that counts for no retry.
const (
	sharedSlices = 64
	sharedRows   = 100_000
	sharedBytes  = 16 << 20
)

// While many results are still to come, and they come quickly, a load waits a moment for some of them: behind a fast loader nothing queues, and each
// slice would have a transaction of its own.
const (
	gatherSlices = 16
	gatherTime   = 300 * time.Millisecond
)

// gathering is the loader's wait for more small results.
type gathering struct {
	until time.Time        // zero: nothing waits
	ends  <-chan time.Time // wakes the run then
	begun bool             // the run has begun a load: its first one waits for nobody
}

// extent is how large staged results are.
type extent struct{ rows, bytes int64 }

func extentOf(staged []*hindcast.Manifest) (e extent) {
	for _, m := range staged {
		e.rows += m.Sums.Rows
		e.bytes += m.Bytes
	}
	return e
}

func (e extent) and(other extent) extent { return extent{e.rows + other.rows, e.bytes + other.bytes} }

func (e extent) small() bool { return e.rows <= sharedRows && e.bytes <= sharedBytes }

// mayShare reports whether slices of the run may share a transaction at all: hooks of one would see the rows of others.
func mayShare(config Config) bool {
	for _, o := range config.Plan.Pipeline.Outputs {
		if len(o.Load.Before)+len(o.Load.After) > 0 {
			return false
		}
	}
	return config.Publishing == BySlice && !config.LoadOnly
}

// shares reports whether the load of a slice may take others along, and be taken along.
func (r *run) shares(s *slice) bool {
	return r.mayShare && s.alone == "" && s.before == nil && len(s.staged) > 0 && extentOf(s.staged).small()
}

// startLoad begins the load of the slice that is first, with the small ones that wait behind it, and reports whether it has. No more than one
// load that may be shared is kept at hand for the loader: more slices may wait by the time it is free.
func (r *run) startLoad(now time.Time) bool {
	queue := r.queue[toLoad]
	if r.shares(queue.waiting[0]) && (r.pools[hindcast.StepLoad].busy > 1 || r.gathers(now)) {
		return false
	}

	r.gathering = gathering{begun: true}
	first := queue.take()
	group, size := []*slice{first}, extentOf(first.staged)
	for r.shares(first) && len(group) < sharedSlices && !queue.empty() && r.shares(queue.waiting[0]) {
		if size = size.and(extentOf(queue.waiting[0].staged)); !size.small() {
			break
		}
		group = append(group, queue.take())
	}
	r.startTogether(group)
	return true
}

// gathers reports whether the small results that wait had better wait for more: as long as the loader is busy, or else for a moment. It is asked again
// when something has changed, and when the moment is over.
func (r *run) gathers(now time.Time) bool {
	waiting := r.queue[toLoad].waiting
	if !r.gathering.begun || r.left <= gatherSlices || !waiting[0].quick || len(waiting) >= gatherSlices || !r.heldSize.small() || !r.moreComes() {
		return false
	}
	if r.gathering.until.IsZero() {
		r.gathering.until, r.gathering.ends = now.Add(gatherTime), time.After(gatherTime)
	}
	return r.pools[hindcast.StepLoad].busy > 0 || now.Before(r.gathering.until)
}

// moreComes reports whether a step before the load is under way, or begins as soon as the loads have been looked at.
func (r *run) moreComes() bool {
	unloader, transformer := r.pools[hindcast.StepUnload], r.pools[hindcast.StepTransform]
	if transformer.busy+transformer.staging > 0 {
		return true
	}
	return r.mayTransform() && (unloader.busy > 0 || !r.queue[toTransform].empty() || !r.queue[toUnload].empty())
}

// startTogether begins one load of the slices. Its first assignment leads the others: it has the goroutine, and they its contexts.
func (r *run) startTogether(group []*slice) {
	lead := r.assign(group[0])
	for _, s := range group[1:] {
		a := r.assign(s)
		a.led = true
		a.cancel()
		a.cancelLoad()
		a.compute, a.loads, a.cancel, a.cancelLoad = lead.compute, lead.loads, lead.cancel, lead.cancelLoad
		lead.left += a.left
		lead.with = append(lead.with, a)
	}
	r.hand(lead)
}

// goesAlone has a slice that failed with others loaded alone, by another attempt, which says why: that shows whose fault it was.
func (r *run) goesAlone(s *slice, e *hindcast.Error) {
	s.alone = fmt.Sprintf("alone, since it was not published with others (%s: %s)", e.Class, e.Message)
	r.loadAgain(s)
}

// setHeld says whether a slice's result is staged and not yet loaded.
func (r *run) setHeld(s *slice, is bool) {
	switch {
	case is && !s.held:
		s.size = extentOf(s.staged)
		r.heldSize = r.heldSize.and(s.size)
	case s.held && !is:
		r.heldSize = r.heldSize.and(extent{-s.size.rows, -s.size.bytes})
	}
	s.held = count(&r.held, s.held, is)
}

// mayTransform reports whether another transform may begin: results do not pile up before the loader, beyond what it can publish at once, nor
// on their way into the lake.
func (r *run) mayTransform() bool {
	p := r.pools[hindcast.StepTransform]
	coming := p.staging + p.busy
	if coming >= p.size+ahead {
		return false
	}
	return r.held+coming < p.size+ahead || r.mayShare && r.heldSize.small() && r.held+coming < sharedSlices
}
