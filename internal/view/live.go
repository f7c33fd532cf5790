package view

import (
	"math"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Live is the fold of a run's events, with what else a display remembers of them.
type Live struct {
	Run     hindcast.RunState
	Tally   *Tally
	Plan    *plan.Plan           // nil if it is unknown
	Errors  map[string]string    // the last error of each slice that has not been committed since
	RetryAt map[string]time.Time // when the next attempt of a slice begins
	Taken   map[string]Taken     // what a resume does with slices that are interrupted
	known   map[string]bool
	queue   queue
	pace    pace
}

// NewLive begins before the first event of a run; p is nil if its plan is unknown.
func NewLive(p *plan.Plan) *Live {
	l := &Live{Plan: p, known: map[string]bool{}, Errors: map[string]string{}, RetryAt: map[string]time.Time{}, queue: newQueue(p)}
	l.pace.reset(time.Time{})
	l.Run.Slices = map[string]*hindcast.SliceState{}
	l.retally()
	return l
}

func (l *Live) retally() {
	l.Tally = NewTally(&l.Run, l.Plan)
	l.Tally.waits = l.queue.waits
	for _, key := range l.Tally.Keys {
		l.known[key] = true
	}
}

// Apply takes in the next event.
func (l *Live) Apply(e hindcast.Event) {
	before := 0
	if s := l.Run.Slices[e.Slice]; s != nil {
		before = s.Attempt
	}
	l.Run.Apply(e)
	l.queue.apply(e)
	if e.Slice != "" && !l.known[e.Slice] {
		l.retally()
	}
	switch e.Type {
	case hindcast.EventRunStarted, hindcast.EventRunResumed:
		l.pace.reset(e.Time)
		for key, s := range l.Run.Slices {
			l.pace.earlier[key] = worked(s)
		}
		clear(l.Errors)
	case hindcast.EventStepStarted:
		if e.Attempt > before || l.pace.attempts[e.Slice].IsZero() {
			l.pace.attempts[e.Slice] = e.Time
		}
		delete(l.RetryAt, e.Slice)
	case hindcast.EventAttemptFailed, hindcast.EventFailed:
		if e.Error != nil {
			l.Errors[e.Slice] = e.Error.Message
		}
		l.RetryAt[e.Slice] = e.Time.Add(seconds(e.Seconds))
		delete(l.pace.attempts, e.Slice)
	case hindcast.EventCommitted:
		delete(l.Errors, e.Slice)
		l.pace.finish(l.Tally, e)
	case hindcast.EventStaged:
		delete(l.Errors, e.Slice)
		if l.Tally.Holds { // otherwise it is still to be loaded
			l.pace.finish(l.Tally, e)
		}
	case hindcast.EventSkipped, hindcast.EventStopped, hindcast.EventDiscarded:
		delete(l.pace.attempts, e.Slice)
	case hindcast.EventStepFinished, hindcast.EventUnloadWaits, hindcast.EventProgress, hindcast.EventFingerprint, hindcast.EventWorkPrepared, hindcast.EventWorkStarted, hindcast.EventWorkBilled, hindcast.EventHeld, hindcast.EventLoadPrepared,
		hindcast.EventStopRequested, hindcast.EventWorkerDied, hindcast.EventDimension,
		hindcast.EventResizePrepared, hindcast.EventResized, hindcast.EventResizeFailed,
		hindcast.EventRunWaiting, hindcast.EventRunGoesOn, hindcast.EventSQLAccepted, hindcast.EventRunFinished:
	}
}

// queue knows which slices have done a step and wait for a worker of the next one: the journal says when a step begins,
// and of what it wrote, not that a slice waits.
type queue struct {
	needs    map[string][]unit // of each slice, what the plan wants unloaded for it
	unloaded map[unit]bool     // by whichever slice
	staged   map[string]bool   // the slice's transform has ended
}

// unit names a fact's unit.
type unit struct{ fact, key string }

func newQueue(p *plan.Plan) queue {
	q := queue{needs: map[string][]unit{}, unloaded: map[unit]bool{}, staged: map[string]bool{}}
	if p == nil {
		return q
	}
	wanted := map[unit]bool{}
	for i := range p.Units {
		if u := &p.Units[i]; u.Unload {
			wanted[unit{u.Fact, u.Key}] = true
		}
	}
	for i := range p.Items {
		for _, need := range p.Items[i].Units {
			for _, key := range need.Keys {
				if u := (unit{need.Fact, key}); wanted[u] {
					q.needs[p.Items[i].Slice.Key] = append(q.needs[p.Items[i].Slice.Key], u)
				}
			}
		}
	}
	return q
}

func (q *queue) apply(e hindcast.Event) {
	switch {
	case e.Type == hindcast.EventStepStarted:
		delete(q.staged, e.Slice)
	case e.Type != hindcast.EventStepFinished:
	case e.Step == hindcast.StepTransform:
		q.staged[e.Slice] = true
	case e.Step == hindcast.StepUnload && e.Manifest != nil:
		q.unloaded[unit{e.Manifest.Name, e.Manifest.Key}] = true
	}
}

// waits reports whether a slice that has begun holds no worker.
func (q *queue) waits(key string, s *hindcast.SliceState) bool {
	switch {
	case s.State != hindcast.Running:
		return false
	case s.Step == hindcast.StepUnload:
		needs := q.needs[key]
		return len(needs) > 0 && !slices.ContainsFunc(needs, func(u unit) bool { return !q.unloaded[u] })
	}
	return s.Step == hindcast.StepTransform && q.staged[key]
}

// worked is the time that a slice's finished steps have taken.
func worked(s *hindcast.SliceState) time.Duration {
	total := 0.0
	for _, secs := range s.Seconds {
		total += secs
	}
	return seconds(total)
}

// pace measures how fast the run goes, since it was started or last resumed.
type pace struct {
	began    time.Time
	attempts map[string]time.Time     // when the attempt under way of a slice began
	earlier  map[string]time.Duration // that a slice was worked on before
	finished int
	weight   float64       // of the finished slices
	took     time.Duration // by the steps of the finished slices
	rows     int64
	shown    time.Duration // the estimate last given, at the time shownAt
	shownAt  time.Time
}

func (p *pace) reset(at time.Time) {
	*p = pace{began: at, attempts: map[string]time.Time{}, earlier: map[string]time.Duration{}}
}

func (p *pace) finish(t *Tally, e hindcast.Event) {
	p.finished++
	p.weight += t.weight(e.Slice)
	p.rows += max(t.RowsIn(e.Slice), 0)
	if s := t.Run.Slices[e.Slice]; s != nil {
		p.took += worked(s) - p.earlier[e.Slice]
	}
	delete(p.attempts, e.Slice)
}

// weight is how much work a slice is taken to be: its input rows by the plan, for slices that are done as well, so
// that an estimate that is wrong for all does not matter; otherwise what it has read, or the mean of the others'.
func (t *Tally) weight(key string) float64 {
	n := int64(-1)
	if item := t.Items[key]; item != nil {
		n = item.Rows
	}
	if n < 0 {
		n = t.RowsIn(key)
	}
	if n < 0 {
		n = t.rowsMean
	}
	return float64(max(n, 0)) + 1
}

// adapting is how long it takes until the shown estimate has taken on most of a change.
const adapting = 8 * time.Second

// eta estimates the time that is left from the rows that finished slices had and the time they took, and
// lets what is shown drift to it. There is none until two slices are done.
func (p *pace) eta(t *Tally, now time.Time) (time.Duration, bool) {
	elapsed := now.Sub(p.began)
	if p.finished < 2 || elapsed <= 0 || p.weight <= 0 {
		return 0, false
	}
	left, credit := 0.0, 0.0
	for i, key := range t.Keys {
		if t.States[i].Final() || t.Run.Asked != nil && !t.Run.Asked[key] {
			continue
		}
		left += t.weight(key)
		credit += p.credit(t, key, now)
	}
	if left == 0 {
		return 0, false
	}
	speed := (p.weight + credit) / elapsed.Seconds()
	raw := seconds((left - credit) / speed)
	if p.shownAt.IsZero() {
		p.shown, p.shownAt = raw, now
		return raw, true
	}
	passed := now.Sub(p.shownAt)
	counted := p.shown - passed
	share := 1 - math.Exp(-passed.Seconds()/adapting.Seconds())
	p.shown, p.shownAt = max(counted+time.Duration(share*float64(raw-counted)), 0), now
	return p.shown, true
}

// credit estimates how much of a running slice is done, from the time that slices like it took;
// it is always less than 1. Time spent waiting for a worker does not count.
func (p *pace) credit(t *Tally, key string, now time.Time) float64 {
	s := t.Run.Slices[key]
	if s == nil || p.took <= 0 || s.State != hindcast.Running {
		return 0
	}
	spent := worked(s) - p.earlier[key]
	if !t.waits(key, s) {
		spent += max(now.Sub(s.Since)-seconds(s.Seconds[s.Step]), 0)
	}
	weight := t.weight(key)
	expected := p.took.Seconds() * weight / p.weight
	return weight * min(spent.Seconds()/expected, 0.95)
}

// ETA estimates the time that is left; ok is false while nothing can be said.
func (l *Live) ETA(now time.Time) (left time.Duration, ok bool) { return l.pace.eta(l.Tally, now) }

// Pace is how many rows slices that finished since the run was started or last resumed have read, and in which time.
func (l *Live) Pace(now time.Time) (rows int64, took time.Duration) {
	return l.pace.rows, now.Sub(l.pace.began)
}

// Begun reports whether an attempt of the slice is under way.
func (l *Live) Begun(key string) bool { return !l.pace.attempts[key].IsZero() }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
