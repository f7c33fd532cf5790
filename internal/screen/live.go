package screen

import (
	"math"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// live is the fold of a run's events, with what else a display remembers of them.
type live struct {
	st      hindcast.RunState
	t       *tally
	plan    *plan.Plan
	known   map[string]bool
	errs    map[string]string    // the last error of each slice that has not been committed since
	retryAt map[string]time.Time // when the next attempt of a slice begins
	queue   queue
	pace    pace
}

func newLive(p *plan.Plan) *live {
	l := &live{plan: p, known: map[string]bool{}, errs: map[string]string{}, retryAt: map[string]time.Time{}, queue: newQueue(p)}
	l.pace.reset(time.Time{})
	l.st.Slices = map[string]*hindcast.SliceState{}
	l.retally()
	return l
}

func (l *live) retally() {
	l.t = newTally(&l.st, l.plan)
	l.t.waits = l.queue.waits
	for _, key := range l.t.keys {
		l.known[key] = true
	}
}

func (l *live) apply(e hindcast.Event) {
	before := 0
	if s := l.st.Slices[e.Slice]; s != nil {
		before = s.Attempt
	}
	l.st.Apply(e)
	l.queue.apply(e)
	if e.Slice != "" && !l.known[e.Slice] {
		l.retally()
	}
	switch e.Type {
	case hindcast.EventRunStarted, hindcast.EventRunResumed:
		l.pace.reset(e.Time)
		for key, s := range l.st.Slices {
			l.pace.earlier[key] = worked(s)
		}
		clear(l.errs)
	case hindcast.EventStepStarted:
		if e.Attempt > before || l.pace.attempts[e.Slice].IsZero() {
			l.pace.attempts[e.Slice] = e.Time
		}
		delete(l.retryAt, e.Slice)
	case hindcast.EventAttemptFailed, hindcast.EventFailed:
		if e.Error != nil {
			l.errs[e.Slice] = e.Error.Message
		}
		l.retryAt[e.Slice] = e.Time.Add(seconds(e.Seconds))
		delete(l.pace.attempts, e.Slice)
	case hindcast.EventCommitted:
		delete(l.errs, e.Slice)
		l.pace.finish(l.t, e)
	case hindcast.EventSkipped, hindcast.EventStopped:
		delete(l.pace.attempts, e.Slice)
	case hindcast.EventStepFinished, hindcast.EventFingerprint, hindcast.EventLoadPrepared, hindcast.EventStopRequested, hindcast.EventWorkerDied, hindcast.EventDimension,
		hindcast.EventRunFinished:
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

func (p *pace) finish(t *tally, e hindcast.Event) {
	p.finished++
	p.weight += t.weight(e.Slice)
	p.rows += max(t.rowsIn(e.Slice), 0)
	if s := t.st.Slices[e.Slice]; s != nil {
		p.took += worked(s) - p.earlier[e.Slice]
	}
	delete(p.attempts, e.Slice)
}

// weight is how much work a slice is taken to be: its input rows by the plan, for slices that are done as well, so
// that an estimate that is wrong for all does not matter; otherwise what it has read, or the mean of the others'.
func (t *tally) weight(key string) float64 {
	n := int64(-1)
	if item := t.items[key]; item != nil {
		n = item.Rows
	}
	if n < 0 {
		n = t.rowsIn(key)
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
func (p *pace) eta(t *tally, now time.Time) (time.Duration, bool) {
	elapsed := now.Sub(p.began)
	if p.finished < 2 || elapsed <= 0 || p.weight <= 0 {
		return 0, false
	}
	left, credit := 0.0, 0.0
	for i, key := range t.keys {
		if t.states[i].Final() || t.st.Asked != nil && !t.st.Asked[key] {
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

// credit is the part of a slice under way that is taken to be done, by the time that the steps of its like have taken;
// never all of it. The time that it waits for a worker does it no good.
func (p *pace) credit(t *tally, key string, now time.Time) float64 {
	s := t.st.Slices[key]
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

// etaText is "ETA 0:58", or "ETA –" while nothing can be said.
func (l *live) etaText(o Options, now time.Time) string {
	if left, ok := l.pace.eta(l.t, now); ok {
		return "ETA " + watch(left)
	}
	return "ETA " + o.or("–", "-")
}

func (l *live) progress() string {
	return exact(int64(l.t.done)) + "/" + exact(int64(l.t.total))
}
