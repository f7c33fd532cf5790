package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
)

// patience is how long Kill and the pools may take once everything is cancelled; what has not ended by then is named as
// unconfirmed.
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
	budget                 <-chan time.Time // the budget of time is spent
	spending               <-chan time.Time // it is time to look at what was spent of the one in dollars
	grace                  <-chan time.Time // what is in flight had its time

	killing   bool
	killed    chan exits
	patience  <-chan time.Time // the wait for what was killed has been long enough
	exited    bool
	abandoned bool
	exits     exits
}

// exits are what Kill said: what has exited, and what is not confirmed to have.
type exits struct{ dead, unconfirmed []string }

func (r *run) stopping() bool { return r.ending.cause != running }

// stop ends the run gracefully: nothing begins any more, unloads and transforms are cancelled, a load in
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

// spendingEvery is how often the run looks at what its work has cost.
const spendingEvery = time.Second

// watchBudget also counts the time before the run was resumed, and what that has cost.
func (r *run) watchBudget() {
	r.watchSpending()
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

// watchSpending ends the run if its budget in dollars is spent, and looks again later.
func (r *run) watchSpending() {
	r.ending.spending = nil
	limit := r.rules.Budget.USD
	if limit <= 0 || r.stopping() {
		return
	}

	spent := r.spent()
	if spent < limit {
		r.ending.spending = time.After(spendingEvery)
		return
	}
	r.stop(budgetSpent, &hindcast.Error{Code: hindcast.EBudget, Class: hindcast.ClassPermanent, Place: r.Plan.Pipeline.Places["run.budget.usd"],
		Message: fmt.Sprintf("the budget of $%.2f is reached: $%.2f has been spent", limit, spent),
		Next:    "raise run.budget.usd, then: " + r.resume()}, fmt.Sprintf("the budget of $%.2f", limit))
}

// spent is what the run's work has cost in dollars: what has ended, over all resumes, and what is under way by its engine's last word.
func (r *run) spent() float64 {
	usd := 0.0
	for _, b := range r.state.Billed() {
		usd += b.USD
	}
	for a := range r.underway {
		if p := a.done.Load(); p != nil {
			usd += p.USD
		}
	}
	return usd
}

// leaseLost ends a run whose lease is not its own any more, or may not be, and says why.
func (r *run) leaseLost() {
	r.Lost = nil
	var why *hindcast.Error
	if r.LostBy != nil {
		why = hindcast.AsError(r.LostBy())
	}
	r.fenced(why)
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

// kill cancels everything and closes engine and warehouse, in a separate goroutine because that may hang.
func (r *run) kill() {
	if r.ending.killing {
		return
	}

	r.ending.killing, r.ending.grace = true, nil
	r.ending.stopCompute()
	r.ending.stopLoads()
	r.ending.patience = time.After(patience)

	go func() {
		var b exits
		if r.Kill != nil {
			b.dead, b.unconfirmed = r.Kill()
		}
		r.ending.killed <- b
	}()
}

// awaitExits kills what is left of a run that ended before its time, and waits until every process is confirmed to have
// exited, or patience ends.
func (r *run) awaitExits() {
	if !r.stopping() {
		return
	}
	r.kill()
	for !r.ending.abandoned && (!r.ending.exited || len(r.underway) > 0) {
		r.wait()
	}
}

// abandon stops waiting, and names what is not confirmed to have ended.
func (r *run) abandon() {
	r.ending.abandoned = true
	b := &r.ending.exits
	if !r.ending.exited {
		b.unconfirmed = append(b.unconfirmed, "engine and warehouse: closing them has not ended")
	}

	var left []string
	for a := range r.underway {
		if a.begun.Load() {
			left = append(left, r.named(a))
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
	r.awaitExits()
	r.nameUnended()
	r.recordStopped()
	r.commit()
	r.sizeBack()

	code := r.exitCode()
	r.record(hindcast.Event{Type: hindcast.EventRunFinished, ExitCode: &code, Counts: r.state.Counts(), Billed: r.state.Billed(),
		Message: r.scope.String(), Dead: r.ending.exits.dead, Unconfirmed: r.ending.exits.unconfirmed})
	r.durable = true
	r.commit()
	r.awaitExits() // if the journal failed only now

	close(r.over)
	for _, p := range r.pools {
		close(p.assignments)
	}
	r.ending.stopLoads()

	return &Outcome{ExitCode: r.exitCode(), State: r.state, Err: r.ending.err,
		Dead: r.ending.exits.dead, Unconfirmed: r.ending.exits.unconfirmed}
}

// nameUnended names what was given to the engine and not confirmed dead, unless the engine as a whole is.
func (r *run) nameUnended() {
	if r.ending.killing {
		return
	}

	for _, s := range r.open {
		if s.work != nil {
			r.ending.exits.unconfirmed = append(r.ending.exits.unconfirmed,
				r.nameAttempt(hindcast.StepTransform, s.item.Slice.Key))
		}
	}
}

// recordStopped names the slices that were under way or waiting for another attempt.
func (r *run) recordStopped() {
	if !r.stopping() {
		return
	}
	r.commit() // what the last assignments reported

	for _, s := range r.open {
		known := r.state.Slices[s.item.Slice.Key]
		if known != nil && (known.State == hindcast.Running || known.State == hindcast.Retrying) {
			r.record(hindcast.Event{Type: hindcast.EventStopped, Slice: s.item.Slice.Key, Attempt: known.Attempt})
		}
	}
}

// exitCode is promise 6 as a number.
func (r *run) exitCode() int {
	if len(r.ending.exits.unconfirmed) > 0 {
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
	case r.scope.undone() > 0:
		return hindcast.ExitStopped
	}
	return hindcast.ExitOK
}
