package run

import (
	"context"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// stops carries requests to stop, wherever they come from, to the supervisor. Until that runs, a request for the whole
// run ends the context of what comes before the first slice: planning may take long, and nobody else would hear.
type stops struct {
	requests chan supervisor.StopRequest
	early    context.CancelCauseFunc
	told     func() // of a request for the whole run; may be nil
	done     func() // with the caller's requests
	quit     chan struct{}
	sources  sync.WaitGroup
}

// newStops returns the context of all that comes before the supervisor. The end of ctx is a request as well.
func newStops(ctx context.Context, o Options) (context.Context, *stops) {
	s := &stops{requests: make(chan supervisor.StopRequest), quit: make(chan struct{}), told: o.Stopping, done: func() {}}
	var signals <-chan supervisor.StopRequest
	if o.Stop != nil {
		signals, s.done = o.Stop()
	}
	var before context.Context
	before, s.early = context.WithCancelCause(context.WithoutCancel(ctx))
	s.sources.Go(func() {
		ended := ctx.Done()
		for {
			select {
			case request := <-signals:
				s.pass(request)
			case <-ended:
				ended = nil
				s.pass(supervisor.StopRequest{By: "the end of the program", Now: true})
			case <-s.quit:
				return
			}
		}
	})
	return before, s
}

// hear passes on what comes through the lake, from `hindcast stop`.
func (s *stops) hear(l *lease.Lease) {
	s.sources.Go(func() {
		for {
			select {
			case r := <-l.Stop():
				s.pass(supervisor.StopRequest{By: "hindcast stop by " + r.Who, Now: r.Now, Slices: r.Slices})
			case <-s.quit:
				return
			}
		}
	})
}

func (s *stops) pass(request supervisor.StopRequest) {
	if len(request.Slices) > 0 { // the others go on, and a request for the whole run is not to wait behind it
		s.sources.Go(func() { s.send(request) })
		return
	}
	if s.told != nil {
		s.told()
	}
	s.early(&hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled,
		Message: "stopped by " + request.By + " before the first slice began", Next: "nothing was published; run it again when you like"})
	s.send(request)
}

func (s *stops) send(request supervisor.StopRequest) {
	select {
	case s.requests <- request:
	case <-s.quit:
	}
}

// end ends all listening. An error that came after the whole run was asked to stop is that request; ctx is newStops'.
func (s *stops) end(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	close(s.quit)
	s.sources.Wait()
	s.done()
	s.early(nil)
	return err
}
