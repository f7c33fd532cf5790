package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
)

// patience is how long Kill and the workers may take once everything is cancelled; what has not ended then is
// named as unconfirmed.
const patience = 30 * time.Second

// cause is why a run ends before its time.
type cause int

const (
	running       cause = iota // it does not
	sliceFailed                // a slice failed for good and on_failure says stop
	stopped                    // somebody asked
	budgetSpent                //
	takenOver                  // another process has the run
	journalFailed              // nothing can be promised any more
)

// ending is how far a run has come in its end.
type ending struct {
	cause    cause
	err      *hindcast.Error
	requests int  // how often somebody asked
	zombie   bool // nothing is journaled any more

	stopLoads, stopCompute context.CancelFunc
	outer                  <-chan struct{}  // the caller's context has ended
	budget                 <-chan time.Time // the budget is spent
	grace                  <-chan time.Time // what is in flight had its time

	killing   bool
	killed    chan burial
	patience  <-chan time.Time // enough of waiting for the dead
	buried    bool
	abandoned bool
	burial    burial
}

// burial is what Kill said.
type burial struct{ dead, unconfirmed []string }

func (r *run) stopping() bool { return r.ending.cause != running }

// stop ends the run in good order: nothing begins any more, unloads and transforms are cancelled, a load in
// flight has Grace to end. Only the first cause counts.
func (r *run) stop(why cause, err *hindcast.Error, message string) {
	if r.stopping() {
		return
	}
	r.ending.cause, r.ending.err = why, err
	r.record(hindcast.Event{Type: hindcast.EventStopRequested, Message: message})
	r.ending.stopCompute()
	r.ending.grace = time.After(r.Grace)
}

func (r *run) stopRequested(request StopRequest) {
	if len(request.Slices) > 0 {
		r.haltRequested(request)
		return
	}
	r.ending.requests++
	message := request.By
	if message == "" {
		message = "a stop request"
	}
	atOnce := request.Now || r.ending.requests > 1
	switch {
	case !r.stopping():
		r.stop(stopped, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled,
			Message: "stopped by " + message, Next: r.resume()}, message)
	case atOnce:
		r.record(hindcast.Event{Type: hindcast.EventStopRequested, Message: message + ", at once"})
	}
	if atOnce {
		r.kill()
	}
}

func (r *run) resume() string { return "hindcast resume " + r.Plan.Run }

// watchBudget counts the time of the run's earlier lives too.
func (r *run) watchBudget() {
	limit := r.rules.Budget.Time
	switch {
	case limit <= 0:
	case limit <= r.Used:
		r.budgetReached()
	default:
		r.ending.budget = time.After(limit - r.Used)
	}
}

func (r *run) budgetReached() {
	r.ending.budget = nil
	limit := r.rules.Budget.Time
	r.stop(budgetSpent, &hindcast.Error{Code: hindcast.EBudget, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("the budget of %s is reached", limit),
		Next:    "raise run.budget.time, then: " + r.resume()}, fmt.Sprintf("the budget of %s", limit))
}

// fenced ends a zombie at once: another process has the run, so nothing is published or journaled any more.
func (r *run) fenced(e *hindcast.Error) {
	if r.ending.zombie {
		return
	}
	if e == nil {
		e = &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent,
			Message: "another process took run " + r.Plan.Run + " over", Next: "hindcast status " + r.Plan.Run}
	}
	r.ending.cause, r.ending.err, r.ending.zombie = takenOver, e, true
	r.kill()
}

// journalFailed ends the run at once: what cannot be recorded must not happen.
func (r *run) journalFailed(err error) {
	e := journalError(err)
	if e.Code == hindcast.EFenced {
		r.fenced(e)
		return
	}
	r.ending.cause, r.ending.err, r.ending.zombie = journalFailed, e, true
	r.kill()
}

// kill cancels everything and closes engine and warehouse, in a goroutine of its own because that may hang.
func (r *run) kill() {
	if r.ending.killing {
		return
	}
	r.ending.killing, r.ending.grace = true, nil
	r.ending.stopCompute()
	r.ending.stopLoads()
	r.ending.patience = time.After(patience)
	go func() {
		var b burial
		if r.Kill != nil {
			b.dead, b.unconfirmed = r.Kill()
		}
		r.ending.killed <- b
	}()
}

// bury kills what is left of a run that ended before its time, and waits until all is confirmed dead or
// patience ends.
func (r *run) bury() {
	if !r.stopping() {
		return
	}
	r.kill()
	for !r.ending.abandoned && (!r.ending.buried || len(r.underway) > 0) {
		r.wait()
	}
}

// abandon stops waiting, and names what did not end.
func (r *run) abandon() {
	r.ending.abandoned = true
	b := &r.ending.burial
	if !r.ending.buried {
		b.unconfirmed = append(b.unconfirmed, "engine and warehouse: closing them has not ended")
	}
	var left []string
	for j := range r.underway {
		if j.begun.Load() {
			left = append(left, r.named(j))
		}
	}
	slices.Sort(left)
	b.unconfirmed = append(b.unconfirmed, left...)
	if r.proof.running {
		b.unconfirmed = append(b.unconfirmed, "reading the committed rows")
	}
}

// end journals how the run ended, and says so.
func (r *run) end() *Outcome {
	r.bury()
	r.nameUnended()
	r.recordStopped()
	r.commit()
	code := r.exitCode()
	r.record(hindcast.Event{Type: hindcast.EventRunFinished, ExitCode: &code, Counts: r.state.Counts(),
		Message: r.part.String(), Dead: r.ending.burial.dead, Unconfirmed: r.ending.burial.unconfirmed})
	r.durable = true
	r.commit()
	r.bury() // if the journal failed only now
	close(r.over)
	for _, p := range r.pools {
		close(p.jobs)
	}
	r.ending.stopLoads()
	return &Outcome{ExitCode: r.exitCode(), State: r.state, Err: r.ending.err,
		Dead: r.ending.burial.dead, Unconfirmed: r.ending.burial.unconfirmed}
}

// nameUnended names what was given to the engine and not confirmed dead, unless the engine as a whole is.
func (r *run) nameUnended() {
	if r.ending.killing {
		return
	}
	for _, s := range r.open {
		if s.work != nil {
			r.ending.burial.unconfirmed = append(r.ending.burial.unconfirmed,
				fmt.Sprintf("transform of %s, attempt %d", r.Plan.Label(s.item.Slice.Key), s.work.Attempt))
		}
	}
}

// recordStopped names the slices that were under way or waiting for another attempt.
func (r *run) recordStopped() {
	if !r.stopping() {
		return
	}
	r.commit() // what the last jobs reported
	for _, s := range r.open {
		known := r.state.Slices[s.item.Slice.Key]
		if known != nil && (known.State == hindcast.Running || known.State == hindcast.Retrying) {
			r.record(hindcast.Event{Type: hindcast.EventStopped, Slice: s.item.Slice.Key, Attempt: known.Attempt})
		}
	}
}

// exitCode is promise 6 in a number.
func (r *run) exitCode() int {
	if len(r.ending.burial.unconfirmed) > 0 {
		return hindcast.ExitUnknown
	}
	switch r.ending.cause {
	case stopped:
		return hindcast.ExitStopped
	case budgetSpent:
		return hindcast.ExitBudget
	case takenOver, journalFailed:
		return hindcast.ExitFailed
	case running, sliceFailed:
	}
	switch {
	case r.failures > 0 && r.failures == r.checks:
		return hindcast.ExitCheck
	case r.failures > 0 || r.ending.err != nil:
		return hindcast.ExitFailed
	case r.part.undone() > 0:
		return hindcast.ExitStopped
	}
	return hindcast.ExitOK
}
