package supervisor

import (
	"time"

	"github.com/hindcast/hindcast"
)

// Window says when slices may begin.
type Window interface {
	// Opens is the first instant from now on at which they may: now, if they may now.
	Opens(now time.Time) time.Time
}

// lookAgain is how long the clock is not looked at while a run waits for its window: it may be set, and a machine may sleep.
const lookAgain = time.Minute

// shut are the slices that wait for the window.
type shut struct {
	line  *line
	again <-chan time.Time // when to look again; nil if nothing waits
	said  bool             // the journal says that the run waits
}

// gate keeps slices that have not begun from beginning outside of the window, and lets them go within it. The run says that it waits once nothing
// of it runs any more.
func (r *run) gate(now time.Time) {
	if r.Window == nil {
		return
	}
	opens := r.Window.Opens(now)
	if !opens.After(now) {
		r.reopen()
		return
	}

	for _, p := range []phase{toUnload, toTransform} {
		for _, s := range r.queue[p].drop(func(s *slice) bool { return !s.begun }) {
			r.shut.line.add(s)
		}
	}
	if r.shut.line.empty() {
		return
	}
	if r.shut.again == nil {
		r.shut.again = time.After(min(opens.Sub(now), lookAgain))
	}
	if !r.shut.said && len(r.underway) == 0 && r.resting.empty() {
		r.shut.said = true
		until := opens.UTC()
		r.record(hindcast.Event{Type: hindcast.EventRunWaiting, Until: &until})
		r.ending.budget = nil // what it waits for is not what it uses
	}
}

// reopen lets the slices go that have waited.
func (r *run) reopen() {
	for !r.shut.line.empty() {
		s := r.shut.line.take()
		r.queue[s.next].add(s)
	}
	if r.shut.said {
		r.shut.said = false
		r.record(hindcast.Event{Type: hindcast.EventRunGoesOn})
		r.Used = r.state.Active
		r.watchBudget()
	}
}
