package supervisor

import (
	"fmt"

	"github.com/hindcast/hindcast"
)

// Slices that are published one by one share a transaction where several small ones wait for the loader: a transaction is most of what the
// load of few rows costs. None waits for others to come. If it fails, each of them is loaded alone, and that counts for no retry.
const (
	sharedSlices = 64
	sharedRows   = 100_000
	sharedBytes  = 16 << 20
)

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
func (r *run) startLoad() bool {
	queue := r.queue[toLoad]
	if r.shares(queue.waiting[0]) && r.pools[hindcast.StepLoad].busy > 1 {
		return false
	}

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
