package resize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
)

// Grow returns when the warehouse has its size for the loads and takes statements, and says what that is: where others have resized it,
// theirs. With an error the warehouse may have any size, and Back is due all the same.
func (r *Resizer) Grow(ctx context.Context, s hindcast.Sizing) (hindcast.Sizing, error) {
	ctx, cancel := r.limited(ctx)
	defer cancel()
	p := progress{Resizer: r, to: s.To, doing: fmt.Sprintf("resizing %s from %s to %s", s.Named(), s.Size(s.From), s.Size(s.To))}
	now, err := r.see(ctx)
	if err != nil {
		return s, p.ended(ctx, err)
	}
	if err := r.mark(ctx, now, s, growing); err != nil {
		return s, p.ended(ctx, err)
	}

	for {
		now, others, err := p.look(ctx)
		if err != nil {
			return s, err
		}
		s.Shared = names(others)
		taken := now.size == s.To || anyOf(others, loading) || len(others) > 0 && now.size != s.From // they have resized it
		switch {
		case !now.settled || anyOf(others, leaving):
		case taken && now.tags[r.me.tag] == r.loading(s):
			s.To = now.size
			return s, nil
		case taken: // and looked at again once that is said: somebody may have asked for another size just now
			if err := r.mark(ctx, now, s, loading); err != nil {
				return s, p.ended(ctx, err)
			}
			continue
		case p.moved: // it ended at another size
			s.To = now.size
			return s, p.failed(ctx, now)
		default:
			if err := p.ask(ctx); err != nil {
				return s, err
			}
		}
		if err := p.rest(ctx, now, inState(others, leaving)); err != nil {
			return s, err
		}
	}
}

// Back returns when the warehouse is back at the size that it had before, or is left to others who want it as it is: then Shared
// names them. s is the change that Grow made, or that was journaled before it. A warehouse that somebody else has resized meanwhile
// stays as it is, and To is that size; after a change that nobody has confirmed any size may be this run's.
func (r *Resizer) Back(ctx context.Context, s hindcast.Sizing) (hindcast.Sizing, error) {
	ctx, cancel := r.limited(ctx)
	defer cancel()
	back := s.Reversed()
	p := progress{Resizer: r, to: s.From, doing: fmt.Sprintf("resizing %s back from %s to %s", s.Named(), s.Size(s.To), s.Size(s.From))}
	now, err := r.see(ctx)
	if err != nil {
		return back, p.ended(ctx, err)
	}
	if now.size != s.From || !now.settled || s.Unsure { // otherwise nobody has to wait
		if err := r.mark(ctx, now, s, leaving); err != nil {
			return back, p.ended(ctx, err)
		}
	}

	for {
		now, others, err := p.look(ctx)
		if err != nil {
			return back, err
		}
		stay, ahead := r.sort(others)
		switch {
		case len(stay) > 0 && p.asked == 0:
			back.To, back.Shared = now.size, names(stay)
			return back, p.ended(ctx, r.unmark(ctx, now, false))
		case !now.settled || len(ahead) > 0:
		case now.size == s.From && s.Unsure && p.steady < unseen: // the request may yet arrive
		case now.size == s.From:
			return back, p.ended(ctx, r.unmark(ctx, now, true))
		case p.moved: // it ended at another size
			return back, p.failed(ctx, now)
		case now.size != s.To && !s.Unsure: // somebody else's doing
			back.To = now.size
			return back, p.ended(ctx, r.unmark(ctx, now, true))
		default:
			if err := p.ask(ctx); err != nil {
				return back, err
			}
		}
		if err := p.rest(ctx, now, ahead); err != nil {
			return back, err
		}
	}
}

// sort divides the others into those to whom the warehouse is left, and those whose end is waited for because they resize it back
// themselves. Of two that leave at the same time the one whose key is less does it: it does not wait for the other.
func (r *Resizer) sort(others []holder) (stay, first []holder) {
	for _, h := range others {
		switch {
		case h.state != leaving:
			stay = append(stay, h)
		case h.tag < r.me.tag:
			first = append(first, h)
		}
	}
	return stay, first
}

// loading is what this run's tag says while it loads.
func (r *Resizer) loading(s hindcast.Sizing) string {
	return holder{from: s.From, to: s.To, state: loading}.value()
}

func (r *Resizer) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.rules.Timeout, errTimeout)
}

var errTimeout = errors.New("redshift.resize.timeout")

// progress is one resize under way.
type progress struct {
	*Resizer
	to     int
	doing  string
	looks  int  // so far
	steady int  // of them, how many in a row showed it settled at the size
	asked  int  // the look at which it was last asked for; 0 if it was not
	moved  bool // it was seen to be under way since
	said   string
	waits  []holder // for whose end it waits
}

func (p *progress) look(ctx context.Context) (now standing, others []holder, err error) {
	now, err = p.see(ctx)
	if err == nil {
		others, err = p.others(ctx, now)
	}
	if err != nil {
		return now, nil, p.ended(ctx, err)
	}
	p.looks++
	if p.steady++; !now.settled || now.size != p.to {
		p.steady = 0
	}
	if p.asked > 0 && !now.settled {
		p.moved = true
	}
	return now, others, nil
}

// unseen is how many looks may show nothing of a resize that was asked for before it is asked for again: the request may have
// been lost, or what is seen may be old.
const unseen = 6

// ask asks for the size, unless that has just been done. What is refused because something else goes on is asked for again, and
// so is what may not have arrived: a look decides.
func (p *progress) ask(ctx context.Context) error {
	if p.asked > 0 && p.looks-p.asked < unseen {
		return nil
	}
	err := p.target.ask(ctx, p.to)
	switch {
	case err == nil, unsure(err):
		p.asked = p.looks
		return nil
	case heals(err), busy(err):
		return nil
	}
	return p.ended(ctx, p.translate(p.doing, err))
}

// busy reports whether a resize was refused because the cluster is changed already, be it by a resize of ours whose answer was lost.
func busy(err error) bool {
	return slices.Contains([]string{"InvalidClusterState", "InvalidClusterStateFault", "ConflictException", "DependentServiceUnavailable"}, awsquery.Code(err))
}

// rest waits before the next look, and says once in each state what for: others too, who are to resize it back first.
func (p *progress) rest(ctx context.Context, now standing, others []holder) error {
	text := "it is " + now.state
	if p.waits = others; len(others) > 0 {
		text += fmt.Sprintf(", and waits for %s to resize it back: if that is dead, %s", joined(others), p.release())
	}
	if p.said != text {
		p.said = text
		p.options.Says(p.doing + ": " + text)
	}
	if err := p.options.Pause(ctx, wait(p.looks-1)); err != nil {
		return p.ended(ctx, err)
	}
	return nil
}

// failed is the error of a resize that ended at another size than was asked for.
func (p *progress) failed(ctx context.Context, now standing) error {
	message := fmt.Sprintf("%s ended with %s", p.doing, p.named(0, 0).Size(now.size))
	if why := p.target.why(ctx); why != "" {
		message += ": " + why
	}
	return &hindcast.Error{Code: hindcast.EResize, Class: hindcast.ClassTransient, Message: message, Next: "look at the cluster in Amazon's console"}
}

// ended distinguishes the end of the time for a resize from other ends.
func (p *progress) ended(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), errTimeout) {
		return err
	}
	e := &hindcast.Error{Code: hindcast.EResize, Class: hindcast.ClassTransient, Cause: err,
		Message: fmt.Sprintf("%s is not done after redshift.resize.timeout, %s", p.doing, p.rules.Timeout), Next: "look at the cluster in Amazon's console, or raise the timeout"}
	if len(p.waits) > 0 {
		e.Message += fmt.Sprintf(": it waited for %s to resize it back", joined(p.waits))
		e.Next = "if that is dead, " + p.release()
	}
	return e
}

// release is how to end the wait for a run that is dead.
func (p *progress) release() string {
	tags := make([]string, len(p.waits))
	for i, h := range p.waits {
		tags[i] = h.tag
	}
	return "run hindcast resize --back with its pipeline, or delete the tag " + strings.Join(tags, ", ")
}

func joined(all []holder) string { return strings.Join(names(all), ", ") }
