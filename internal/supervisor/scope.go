package supervisor

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// scope is which slices a run does, and what it leaves undone: slices that a resume was not asked for, and slices that somebody
// stopped alone.
type scope struct {
	asked   map[string]bool // nil is every slice
	unasked int
	halted  int
	by      []string // who stopped them
}

func newScope(only []string) scope {
	if len(only) == 0 {
		return scope{}
	}

	p := scope{asked: make(map[string]bool, len(only))}
	for _, key := range only {
		p.asked[key] = true
	}

	return p
}

func (p *scope) wants(key string) bool { return p.asked == nil || p.asked[key] }

func (p *scope) undone() int { return p.unasked + p.halted }

// String says what is left and why, for people; empty if nothing is.
func (p *scope) String() string {
	var left []string
	if p.unasked > 0 {
		left = append(left, numbers.Counted(p.unasked, "slice")+" not asked for")
	}
	if p.halted > 0 {
		left = append(left, numbers.Counted(p.halted, "slice")+" stopped by "+strings.Join(p.by, ", "))
	}

	return strings.Join(left, ", ")
}

// haltRequested stops some slices while the others go on. What waits is stopped now, an unload or transform under
// way is cancelled, a load may finish unless the request says at once.
func (r *run) haltRequested(request StopRequest) {
	if r.stopping() {
		return
	}

	asked := newScope(request.Slices)
	for _, s := range r.open {
		if asked.asked[s.item.Slice.Key] && !s.over && s.haltedBy == "" {
			s.haltedBy = request.By
		}
	}

	for a := range r.underway {
		if asked.asked[a.slice.item.Slice.Key] {
			a.cancel()
			if request.Now {
				a.cancelLoad()
			}
		}
	}

	lines := []*line{r.resting, r.shut.line}
	for _, l := range r.queue {
		lines = append(lines, l)
	}

	var waiting []*slice
	for _, l := range lines {
		waiting = append(waiting, l.drop(func(s *slice) bool { return s.haltedBy != "" })...)
	}

	slices.SortFunc(waiting, func(a, b *slice) int { return a.position - b.position })
	for _, s := range waiting {
		r.halt(s)
	}
}

// halt ends a slice that was stopped alone: nothing of it runs any more.
func (r *run) halt(s *slice) {
	r.record(hindcast.Event{Type: hindcast.EventStopped, Slice: s.item.Slice.Key, Attempt: s.attempt, Message: "stopped by " + s.haltedBy})
	r.scope.halted++
	if !slices.Contains(r.scope.by, s.haltedBy) {
		r.scope.by = append(r.scope.by, s.haltedBy)
	}
	r.done(s)
}
