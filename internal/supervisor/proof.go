package supervisor

import (
	"context"
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
)

// proof is the run's last question (promise 6): does the warehouse hold a committed row for every slice, and does the target
// hold what that says?
type proof struct {
	running bool
	ended   bool
	answer  chan answer
}

// answer is the warehouse's.
type answer struct {
	rows     map[string]hindcast.Committed // by slice key, those of the claims that are as the run says
	standing map[string]hindcast.Sums      // of the target's rows now, by slice key; none where nobody looked
	err      error
}

// prove reports whether the proof has ended, or there is nothing to prove; otherwise it asks.
func (r *run) prove() bool {
	if r.proof.ended || r.Prove == nil || r.UnloadOnly || len(r.claims()) == 0 {
		return true
	}
	if !r.proof.running {
		r.proof.running = true
		claims := r.claims()
		go func() { r.proof.answer <- r.ask(r.compute, claims) }()
	}
	return false
}

// claim is a slice that the run says is committed, with its fingerprint.
type claim struct {
	*hindcast.Slice
	print string
}

// claims are the slices that the run says are committed: those that it loaded and those whose rows it found.
func (r *run) claims() []claim {
	var claims []claim
	for i := range r.Plan.Items {
		slice := &r.Plan.Items[i].Slice
		known := r.state.Slices[slice.Key]
		if known != nil && (known.State == hindcast.Succeeded || known.State == hindcast.Skipped && known.Fingerprint != "") {
			claims = append(claims, claim{slice, known.Fingerprint})
		}
	}
	return claims
}

// ask asks again if that can help. The run's goroutine waits meanwhile and does not use Random.
func (r *run) ask(ctx context.Context, claims []claim) answer {
	for n := 1; ; n++ {
		a := r.look(ctx, claims)
		if a.err == nil || n > r.rules.Retries || !heals(hindcast.AsError(a.err).Class) {
			return a
		}
		select {
		case <-time.After(Delay(n, r.rules.RetryWait, r.Random())):
		case <-ctx.Done():
			return answer{err: a.err}
		}
	}
}

// look asks for the committed rows, and then for what the target holds of those that the run claims.
func (r *run) look(ctx context.Context, claims []claim) answer {
	rows, err := r.Prove(ctx)
	if err != nil {
		return answer{err: err}
	}
	byKey := make(map[string]*hindcast.Committed, len(rows))
	for i := range rows {
		byKey[rows[i].Slice.Key] = &rows[i]
	}
	a := answer{rows: map[string]hindcast.Committed{}, standing: map[string]hindcast.Sums{}}
	var held []hindcast.Committed
	for _, c := range claims {
		row := byKey[c.Key]
		if row != nil && row.Fingerprint == c.print && row.Slice.Interval.Equal(c.Interval) {
			a.rows[c.Key] = *row
			held = append(held, *row)
		}
	}
	if r.Standing == nil || len(held) == 0 {
		return a
	}

	sums, err := r.Standing(ctx, held)
	if err != nil {
		return answer{err: err}
	}
	for i, row := range held {
		a.standing[row.Slice.Key] = sums[i]
	}
	return a
}

// proven compares what the run says with what the warehouse holds. A slice whose row is not there, or whose rows are not
// those that were committed, has failed.
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
	for _, c := range r.claims() {
		if text := a.doubt(c.Key, r.Plan.Pipeline.Output().Target.Table); text != "" {
			r.failures++
			r.record(hindcast.Event{Type: hindcast.EventFailed, Slice: c.Key, Step: hindcast.StepLoad, Error: &hindcast.Error{
				Code: hindcast.ELost, Class: hindcast.ClassPermanent, Message: text,
				Next: "find out who else writes to the target, be it a hook or trigger of another slice's load"}})
		}
	}
}

// doubt says why a slice does not count as committed; empty if it does.
func (a *answer) doubt(key, target string) string {
	row, found := a.rows[key]
	if !found {
		return "the slice was loaded, but the warehouse has no committed row for it any more"
	}
	is, looked := a.standing[key]
	switch {
	case !looked || is.Agrees(row.Sums):
		return ""
	case is.Rows != row.Sums.Rows:
		return fmt.Sprintf("the slice was committed with %d rows, and %d stand in %s: somebody changed them during the run", row.Sums.Rows, is.Rows, target)
	}
	return fmt.Sprintf("the slice's rows in %s are not those that were committed: somebody changed them during the run", target)
}
