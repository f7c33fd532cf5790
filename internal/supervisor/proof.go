package supervisor

import (
	"context"
	"fmt"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
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
	held map[string][]holding // by slice key, of the claims that are as the run says
	err  error
}

// holding is a committed row, and the sums of the target's rows in its slice now; nil where nobody looked.
type holding struct {
	row      hindcast.Committed
	standing *hindcast.Sums
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
	item  *plan.Item
	print string
}

// claims are the slices that the run says are committed: those that it loaded and those whose rows it found.
func (r *run) claims() []claim {
	var claims []claim

	for i := range r.Plan.Items {
		item := &r.Plan.Items[i]
		known := r.state.Slices[item.Slice.Key]
		if known != nil && (known.State == hindcast.Succeeded || known.State == hindcast.Skipped && known.Fingerprint != "") {
			print := known.Fingerprint
			if r.LoadOnly {
				print = item.Undone()
			}
			claims = append(claims, claim{item, print})
		}
	}
	return claims
}

// ask looks, again if that can help.
func (r *run) ask(ctx context.Context, claims []claim) answer {
	a, err := insist(ctx, r, func() (answer, error) { return r.look(ctx, claims) })
	a.err = err
	return a
}

// look asks for the committed rows, and then for what the targets hold of those that the run claims.
func (r *run) look(ctx context.Context, claims []claim) (answer, error) {
	rows, err := r.Prove(ctx)
	if err != nil {
		return answer{}, err
	}

	found := make(map[position]*hindcast.Committed, len(rows))
	for i := range rows {
		found[position{rows[i].Slice.Key, rows[i].Target}] = &rows[i]
	}

	var held []hindcast.Committed
	for _, c := range claims {
		held = append(held, r.claimed(c, found)...)
	}

	var sums []hindcast.Sums
	if r.Standing != nil && len(held) > 0 {
		if sums, err = r.Standing(ctx, held); err != nil {
			return answer{}, err
		}
	}

	a := answer{held: make(map[string][]holding, len(claims))}
	for i, row := range held {
		h := holding{row: row}
		if sums != nil {
			h.standing = &sums[i]
		}
		a.held[row.Slice.Key] = append(a.held[row.Slice.Key], h)
	}

	return a, nil
}

// position is where a status row stands: one for each slice of each target.
type position struct{ slice, target string }

// claimed are the status rows of the outputs that the slice is run for; none unless all are there and together have the
// fingerprint of the claim.
func (r *run) claimed(c claim, found map[position]*hindcast.Committed) []hindcast.Committed {
	outputs := c.item.Wanted()
	rows := make([]hindcast.Committed, 0, len(outputs))
	for _, output := range outputs {
		row := found[position{c.item.Slice.Key, r.Plan.Pipeline.Outputs[output].Target.Table}]
		if row == nil || !row.Slice.Interval.Equal(c.item.Slice.Interval) {
			return nil
		}
		rows = append(rows, *row)
	}

	if plan.Together(prints(rows)) != c.print {
		return nil
	}
	return rows
}

// proven compares what the run says with what the warehouse holds. A slice whose row is not there, or whose rows are not
// those that were committed, has failed.
func (r *run) proven(a answer) {
	r.proof.running, r.proof.ended = false, true
	if r.stopping() {
		return
	}

	if a.err != nil {
		r.unanswered(a.err)
		return
	}

	for _, c := range r.claims() {
		if text := a.doubt(c.item.Slice.Key); text != "" {
			r.failures++
			r.record(hindcast.Event{Type: hindcast.EventFailed, Slice: c.item.Slice.Key, Step: hindcast.StepLoad, Error: &hindcast.Error{
				Code: hindcast.ELost, Class: hindcast.ClassPermanent, Message: text,
				Next: "find out who else writes to the target, be it a hook or trigger of another slice's load"}})
		}
	}
}

// unanswered ends the run with what the warehouse said in place of an answer about the targets.
func (r *run) unanswered(err error) {
	r.ending.err = hindcast.AsError(err)
	if r.ending.err.Code == hindcast.EFenced {
		r.fenced(r.ending.err)
	}
}

// doubt says why a slice does not count as committed; empty if it does.
func (a *answer) doubt(key string) string {
	if len(a.held[key]) == 0 {
		return "the slice was loaded, but the warehouse has no committed row for it any more"
	}

	for _, h := range a.held[key] {
		switch {
		case h.standing == nil || h.standing.Agrees(h.row.Sums):
		case h.standing.Rows != h.row.Sums.Rows:
			return fmt.Sprintf("the slice was committed with %s, and %s stand in %s: somebody changed them during the run",
				numbers.Counted(h.row.Sums.Rows, "row"), numbers.Thousands(h.standing.Rows), h.row.Target)
		default:
			return fmt.Sprintf("the slice's rows in %s are not those that were committed: somebody changed them during the run", h.row.Target)
		}
	}
	return ""
}
