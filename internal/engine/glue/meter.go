package glue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

var _ engine.Meter = (*Engine)(nil)

// worked is what Glue said of a run and its own attempts when nothing of them was left.
type worked struct {
	job  *job
	runs []attemptRun
}

// note keeps what Glue says of the attempts of work's run until its bill is asked for, and picks them from a list.
func (e *Engine) note(w *work, list []attemptRun) (of []attemptRun) {
	for _, r := range list {
		if r.first() == w.Run {
			of = append(of, r)
		}
	}
	if e.options.Price != nil && len(of) > 0 {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		e.worked[w.Tag] = worked{job: w.Place, runs: of}
	}
	return of
}

// Bill is what Glue bills for the runs of work that has ended: DPU-seconds where it gives them, otherwise the time of each attempt with all of
// its workers. Each is billed for its minimum at least. The dollars are those of the table of prices.
func (e *Engine) Bill(ctx context.Context, h hindcast.Handle) (*hindcast.Bill, error) {
	if e.options.Price == nil {
		return nil, nil
	}
	e.mutex.Lock()
	is, known := e.worked[h.Tag]
	delete(e.worked, h.Tag)
	e.mutex.Unlock()
	if !known {
		var run string
		if is.job, run = e.named(h); is.job == nil {
			return nil, nil // no job had a run of it, or nobody knows which
		}
		last, found, err := is.job.one(ctx, e, run)
		if err != nil || !found {
			return nil, err
		}
		is.runs = []attemptRun{last}
	}

	bill := &hindcast.Bill{}
	runs, err := e.attempts(ctx, is)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		e.add(bill, r, time.Now())
	}
	if bill.Runs == 0 {
		return nil, nil
	}
	return bill, nil
}

// attempts are all of a run's, each as it is known last. Glue is asked for those that are not.
func (e *Engine) attempts(ctx context.Context, is worked) (all []attemptRun, err error) {
	if len(is.runs) == 0 {
		return nil, nil
	}
	known, most := map[int]attemptRun{}, 0
	for _, r := range is.runs {
		known[r.attempt], most = r, max(most, r.attempt)
	}
	first := is.runs[0].first()
	for n := 0; n <= most || all[n-1].retried(e.options.Glue.MaxRetries); n++ {
		r, there := known[n]
		if !there || r.live() {
			id := first
			if n > 0 {
				id = fmt.Sprintf("%s%s%d", first, attemptSuffix, n)
			}
			if r, there, err = is.job.one(ctx, e, id); err != nil || !there {
				return all, err
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// without are the states of runs that may never have had their workers: then they say that they ran for no time at all.
var without = []types.JobRunState{types.JobRunStateWaiting, types.JobRunStateStopped, types.JobRunStateExpired, types.JobRunStateError}

// add adds what a run is billed for, or has been so far.
func (e *Engine) add(bill *hindcast.Bill, r attemptRun, now time.Time) {
	seconds := r.seconds
	switch {
	case seconds == 0 && r.live() && r.state != types.JobRunStateWaiting && !r.started.IsZero():
		seconds = max(0, now.Sub(r.started).Seconds())
	case seconds == 0 && r.dpuSeconds == 0 && slices.Contains(without, r.state):
		return
	}
	rate := e.options.Price(r.size)
	hours, reckoned := rate.Hours(1, seconds), true
	if r.dpuSeconds > 0 && rate.Unit == hindcast.DPU {
		hours, reckoned = r.dpuSeconds/3600, r.live()
		if seconds > 0 && seconds < rate.Minimum {
			hours, reckoned = hours*rate.Minimum/seconds, true
		}
	}
	bill.Runs++
	bill.Unit = rate.Unit
	bill.Hours += hours
	bill.USD += hours * rate.USD
	bill.Reckoned = bill.Reckoned || reckoned
}

// spent adds to a progress what the runs have cost so far.
func (e *Engine) spent(p hindcast.Progress, runs []attemptRun) hindcast.Progress {
	if e.options.Price == nil {
		return p
	}
	var bill hindcast.Bill
	for _, r := range runs {
		e.add(&bill, r, time.Now())
	}
	p.Hours, p.USD = bill.Hours, bill.USD
	return p
}
