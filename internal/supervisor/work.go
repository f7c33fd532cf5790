package supervisor

import (
	"context"
	"errors"
	"time"

	"github.com/hindcast/hindcast"
)

// endTime bounds how long it may take to end what an earlier process gave to the engine.
const endTime = 30 * time.Second

// give gives the attempt's work to the engine. Where that outlives this process its tag is on disk before it starts, and
// its handle is journaled after that: so a resume finds it, whenever this process dies.
func (r *run) give(ctx context.Context, a *assignment, try Try) (hindcast.Handle, error) {
	if !r.Worker.Outlives() {
		return r.Worker.Start(ctx, try)
	}

	intent := hindcast.Event{Type: hindcast.EventWorkPrepared, Fence: try.Fence, Fingerprint: try.Fingerprint,
		Handle: &hindcast.Handle{Tag: r.Worker.Tag(try)}}
	if err := r.durably(ctx, a, intent); err != nil {
		return hindcast.Handle{}, err
	}
	handle, err := r.Worker.Start(ctx, try)
	if err == nil {
		r.reporter(a)(hindcast.Event{Type: hindcast.EventWorkStarted, Handle: &handle})
	}
	return handle, err
}

// durably reports an event and waits until it is on disk.
func (r *run) durably(ctx context.Context, a *assignment, e hindcast.Event) error {
	e.Slice, e.Attempt = a.try.Item.Slice.Key, a.try.Attempt
	done := make(chan struct{})
	r.send(message{assignment: a, event: &e, durable: done})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.over:
		return errors.New("the run has ended")
	}
}

// takeBack waits for the work's end, and stages its result.
func (r *run) takeBack(ctx context.Context, a *assignment, try Try, handle hindcast.Handle, res *result) {
	began := time.Now()
	res.staged, res.err = r.Worker.Wait(ctx, try, handle, func(p hindcast.Progress) { a.done.Store(&p) })
	if res.err == nil && res.staged.Manifest == nil {
		res.err = errors.New("the transform left no manifest")
	}
	if unconfirmed(res.err) {
		res.work = &hindcast.OpenWork{Attempt: try.Attempt, Fence: try.Fence, Fingerprint: try.Fingerprint, Handle: handle}
	}
	if res.err != nil {
		return
	}

	if res.staged.Manifest.Seconds == 0 {
		res.staged.Manifest.Seconds = time.Since(began).Seconds()
	}
	r.send(message{assignment: a, staging: true})
	res.err = r.Worker.Stage(ctx, try, res.staged.Manifest)
}

// rejoin waits for what an earlier process gave to the engine, if the slice would be made from the same now; if not, it
// ends that. It is never started a second time: either its result is taken, or nothing of it runs any more.
func (r *run) rejoin(ctx context.Context, a *assignment, res *result) {
	res.print, res.current, res.err = r.Worker.Fingerprint(ctx, a.try)
	if res.err != nil || res.current || res.print != a.work.Fingerprint {
		res.current = false
		r.endWork(ctx, a, res)
		return
	}

	try := a.try
	try.Fingerprint = res.print
	r.reporter(a)(hindcast.Event{Type: hindcast.EventStepStarted})
	r.takeBack(ctx, a, try, a.work.Handle, res)
	if res.err != nil && hindcast.AsError(res.err).Code == hindcast.EWorker && ctx.Err() == nil {
		res.gone, res.err = true, nil
	}
}

// endWork ends work that nobody wants the result of.
func (r *run) endWork(ctx context.Context, a *assignment, res *result) {
	stopped := ctx.Err()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err := r.Worker.End(ctx, a.work.Handle); err != nil {
		res.work, res.err = a.work, err
		return
	}
	res.gone, res.err = stopped == nil, stopped
}
