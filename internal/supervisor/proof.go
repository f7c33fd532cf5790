package supervisor

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
)

// proof is the run's last question (promise 6): does the warehouse hold a committed row for every slice?
type proof struct {
	running bool
	ended   bool
	answer  chan answer
}

// answer is the warehouse's.
type answer struct {
	rows []hindcast.Committed
	err  error
}

// prove reports whether the proof has ended, or there is nothing to prove; otherwise it asks.
func (r *run) prove() bool {
	if r.proof.ended || r.Prove == nil || r.UnloadOnly || len(r.claims()) == 0 {
		return true
	}
	if !r.proof.running {
		r.proof.running = true
		go func() { r.proof.answer <- r.ask(r.compute) }()
	}
	return false
}

// claims are the slices that the run says are committed: those that it loaded and those whose rows it found.
func (r *run) claims() []*hindcast.Slice {
	var claims []*hindcast.Slice
	for i := range r.Plan.Items {
		slice := &r.Plan.Items[i].Slice
		known := r.state.Slices[slice.Key]
		if known != nil && (known.State == hindcast.Succeeded || known.State == hindcast.Skipped && known.Fingerprint != "") {
			claims = append(claims, slice)
		}
	}
	return claims
}

// ask asks again if that can help. The run's goroutine waits meanwhile and does not use Random.
func (r *run) ask(ctx context.Context) answer {
	for n := 1; ; n++ {
		rows, err := r.Prove(ctx)
		if err == nil || n > r.rules.Retries || !heals(hindcast.AsError(err).Class) {
			return answer{rows, err}
		}
		select {
		case <-time.After(Delay(n, r.rules.RetryWait, r.Random())):
		case <-ctx.Done():
			return answer{err: err}
		}
	}
}

// proven compares what the run says with what the warehouse holds. A slice whose row is not there has failed.
func (r *run) proven(a answer) {
	r.proof.running, r.proof.ended = false, true
	if r.stopping() {
		return
	}
	if a.err != nil {
		r.ending.err = hindcast.AsError(a.err)
		if r.ending.err.Code == hindcast.EFenced {
			r.fenced(r.ending.err)
		}
		return
	}
	rows := make(map[string]*hindcast.Committed, len(a.rows))
	for i := range a.rows {
		rows[a.rows[i].Slice.Key] = &a.rows[i]
	}
	for _, slice := range r.claims() {
		row, print := rows[slice.Key], r.state.Slices[slice.Key].Fingerprint
		if row != nil && row.Fingerprint == print && row.Slice.Interval.Equal(slice.Interval) {
			continue
		}
		r.failures++
		r.record(hindcast.Event{Type: hindcast.EventFailed, Slice: slice.Key, Step: hindcast.StepLoad, Error: &hindcast.Error{
			Code: hindcast.ELost, Class: hindcast.ClassPermanent,
			Message: "the slice was loaded, but the warehouse has no committed row for it any more",
			Next:    "find out who else writes to the target"}})
	}
}
