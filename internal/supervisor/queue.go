package supervisor

import (
	"container/heap"
	"time"
)

// line is a queue of slices whose head is the least by before. The zero value has no order: use byPosition or
// byDue.
type line struct {
	waiting []*slice
	before  func(a, b *slice) bool
}

// byPosition is a queue in the run's order.
func byPosition() *line {
	return &line{before: func(a, b *slice) bool { return a.position < b.position }}
}

// byDue is a queue in the order of the time at which slices are due.
func byDue() *line {
	return &line{before: func(a, b *slice) bool {
		if a.due.Equal(b.due) {
			return a.position < b.position
		}
		return a.due.Before(b.due)
	}}
}

func (l *line) add(s *slice) { heap.Push((*lineHeap)(l), s) }

func (l *line) empty() bool { return len(l.waiting) == 0 }

// take removes the head, which must be there.
func (l *line) take() *slice {
	s := l.waiting[0]
	heap.Pop((*lineHeap)(l))
	return s
}

// drop removes the slices that are to go, and returns them.
func (l *line) drop(goes func(*slice) bool) (dropped []*slice) {
	var stay []*slice
	for _, s := range l.waiting {
		if goes(s) {
			dropped = append(dropped, s)
		} else {
			stay = append(stay, s)
		}
	}

	l.waiting = stay
	heap.Init((*lineHeap)(l))
	return dropped
}

// due reports whether the head's time has come.
func (l *line) due(now time.Time) bool { return !l.empty() && !l.waiting[0].due.After(now) }

// lineHeap is what container/heap wants to see of a line.
type lineHeap line

func (h *lineHeap) Len() int           { return len(h.waiting) }
func (h *lineHeap) Less(i, a int) bool { return h.before(h.waiting[i], h.waiting[a]) }
func (h *lineHeap) Swap(i, a int)      { h.waiting[i], h.waiting[a] = h.waiting[a], h.waiting[i] }

// Push and Pop are called by container/heap only.
func (h *lineHeap) Push(x any) {
	if s, ok := x.(*slice); ok {
		h.waiting = append(h.waiting, s)
	}
}

func (h *lineHeap) Pop() any {
	last := len(h.waiting) - 1
	s := h.waiting[last]
	h.waiting[last] = nil
	h.waiting = h.waiting[:last]
	return s
}
