package watch

import (
	"context"
	"iter"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/session"
)

// pace is how long Follow waits before it looks again.
const pace = 200 * time.Millisecond

// Look is what the lake says of a run at one moment.
type Look struct {
	Events []hindcast.Event   // since the look before; all of them again after a takeover made some void
	State  *hindcast.RunState // the fold of all events
	Holder lease.Holder       // who holds the pipeline's lease
	Held   bool               // this run holds it, and its process is not known to be dead
	Silent bool               // the holder has given no sign of life for as long as its lease lasts: perhaps it is lost with its machine
}

// Follow looks at a run again and again, at the journal first and then at the lease. The run need not have a journal yet. What it
// yields with an error is its last: that of ctx, or of a lake that cannot be read.
func Follow(ctx context.Context, s *session.Session, run string) iter.Seq2[Look, error] {
	return func(yield func(Look, error) bool) {
		f := follower{session: s, run: run, state: &hindcast.RunState{Run: run}, tail: journal.NewTail(s.Store, s.Lake.RunPrefix(run))}
		for {
			look, err := f.look(ctx)
			if !yield(look, err) || err != nil {
				return
			}
			if err := pause.For(ctx, pace); err != nil {
				yield(Look{}, err)
				return
			}
		}
	}
}

type follower struct {
	session *session.Session
	run     string
	state   *hindcast.RunState
	tail    *journal.Tail
	silence lease.Watch
}

func (f *follower) look(ctx context.Context) (Look, error) {
	events, restarted, err := f.tail.Next(ctx)
	if err != nil {
		return Look{}, err
	}
	if restarted {
		*f.state = hindcast.RunState{Run: f.run}
	}
	for _, e := range events {
		f.state.Apply(e)
	}

	holder, err := lease.Inspect(ctx, f.session.Store, f.session.Pipeline.Name)
	if err != nil {
		return Look{}, err
	}
	return Look{Events: events, State: f.state, Holder: holder, Held: holder.Held && !holder.Dead && holder.Run == f.run,
		Silent: f.silence.Silent(holder)}, nil
}

// Attach follows a run that another process supervises, and gives its events to each. It returns the run's state when the run
// has ended; nil if its process died before, or is silent. A run that had ended before, though not with everything done, is over
// when its process is: that died, or is about to give the lease back. The end of ctx ends the look alone.
func Attach(ctx context.Context, s *session.Session, run string, each func(hindcast.Event)) (ended *hindcast.RunState, silent bool, err error) {
	first, before := true, false
	for look, err := range Follow(ctx, s, run) {
		if ctx.Err() != nil {
			return nil, false, GoesOn(run)
		}
		if err != nil {
			return nil, false, err
		}
		for _, e := range look.Events {
			each(e)
		}

		st := look.State
		before = st.Finished && st.ExitCode != hindcast.ExitOK && (first || before)
		first = false
		switch {
		case st.Finished && !before:
			return st, false, nil
		case len(look.Events) == 0 && (!look.Held || look.Silent):
			return nil, look.Silent, nil
		}
	}
	return nil, false, nil
}

// GoesOn is the end of looking at a run that another process supervises: nothing of the run is stopped.
func GoesOn(run string) error {
	return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "run " + run + " goes on in another process: only this look at it has ended",
		Next: "see how it stands: hindcast status " + run + "; or end it: hindcast stop " + run}
}

// Waited is how waiting for a run ended: well, unless one of its flags is set.
type Waited struct {
	Holder lease.Holder
	Silent bool // the holder gives no sign of life
	Late   bool // patience is over
}

// Await waits until the run has ended, or enough is true of its state.
func Await(ctx context.Context, s *session.Session, run string, patience time.Duration, enough func(*hindcast.RunState) bool) (Waited, error) {
	began := time.Now() // no deadline of ctx: that might end while the lease is read
	for look, err := range Follow(ctx, s, run) {
		switch {
		case err != nil:
			return Waited{}, err
		case !look.Held || enough(look.State):
			return Waited{Holder: look.Holder}, nil
		case look.Silent:
			return Waited{Holder: look.Holder, Silent: true}, nil
		case time.Since(began) >= patience:
			return Waited{Holder: look.Holder, Late: true}, nil
		}
	}
	return Waited{}, ctx.Err()
}
