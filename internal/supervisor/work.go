package supervisor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
)

// endTime bounds how long it may take to end what an earlier process gave to the engine.
const endTime = 30 * time.Second

// makeAll makes the results of the outputs, one after another: a slot of the transforms is one slice's. What was staged before
// from the same is taken as is.
func (r *run) makeAll(ctx context.Context, a *assignment, res *result, outputs []int) {
	report, try := r.reporter(a), a.try
	try.Fingerprint = res.print

	for n, output := range outputs {
		name := r.Plan.Pipeline.Outputs[output].Name
		if m := r.stagedBefore(ctx, a, res.print, name); m != nil {
			res.staged = append(res.staged, m)
			continue
		}

		try.Output, try.Earlier = output, res.staged
		report(hindcast.Event{Type: hindcast.EventStepStarted, Output: name})
		handle, err := r.give(ctx, a, try, name)
		if err != nil {
			res.err = err
			return
		}
		if r.takeBack(ctx, a, try, handle, res, n == len(outputs)-1); res.err != nil {
			return
		}
	}
}

// stagedBefore is the output's result of an earlier assignment or process, if it was made from what the print is of and is still there.
func (r *run) stagedBefore(ctx context.Context, a *assignment, print, output string) *hindcast.Manifest {
	for _, m := range a.staged {
		if m.Output == output && a.try.Fingerprint == print && r.Worker.Reusable(ctx, m) {
			return m
		}
	}
	return nil
}

// give gives the attempt's work to the engine. Where that outlives this process its tag is on disk before it starts, and
// its handle is journaled after that: so a resume finds it, whenever this process dies.
func (r *run) give(ctx context.Context, a *assignment, try Try, output string) (hindcast.Handle, error) {
	if !r.Worker.Outlives() {
		return r.Worker.Start(ctx, try)
	}

	intent := hindcast.Event{Type: hindcast.EventWorkPrepared, Output: output, Fence: try.Fence, Fingerprint: try.Fingerprint,
		Handle: &hindcast.Handle{Tag: r.Worker.Tag(try)}}
	if err := r.durably(ctx, a, intent); err != nil {
		return hindcast.Handle{}, err
	}

	handle, err := r.Worker.Start(ctx, try)
	if err == nil {
		r.reporter(a)(hindcast.Event{Type: hindcast.EventWorkStarted, Output: output, Handle: &handle})
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

// takeBack waits for the work's end, and stages its result. After the last of the slice's outputs the engine is free for the next
// slice before it is asked what that cost, and before that is staged.
func (r *run) takeBack(ctx context.Context, a *assignment, try Try, handle hindcast.Handle, res *result, last bool) {
	began, output := time.Now(), r.Plan.Pipeline.Outputs[try.Output].Name
	staged, err := r.Worker.Wait(ctx, try, handle, r.follow(a, output))
	took, m := time.Since(began), staged.Manifest
	if err == nil && m == nil {
		err = errors.New("the transform left no manifest")
	}
	if last && err == nil {
		r.send(message{assignment: a, staging: true})
	}
	if !unconfirmed(err) {
		r.bill(ctx, a, output, handle)
	}

	if res.err = err; unconfirmed(err) {
		res.work = &hindcast.OpenWork{Attempt: try.Attempt, Output: output, Fence: try.Fence, Fingerprint: try.Fingerprint, Handle: handle}
	}

	if res.err != nil {
		return
	}

	if m.Seconds == 0 {
		m.Seconds = took.Seconds()
	}
	if res.err = r.Worker.Stage(ctx, try, m); res.err != nil {
		return
	}

	res.staged = append(res.staged, m)
	r.reporter(a)(hindcast.Event{Type: hindcast.EventStepFinished, Output: output, Manifest: m, Rows: m.Sums.Rows, Bytes: m.Bytes,
		Seconds: m.Seconds, Memory: staged.Memory, Spilled: staged.Spilled, Outside: staged.Outside, RowsIn: staged.RowsIn, BytesIn: staged.BytesIn, Strays: staged.Strays})
}

// billTime bounds how long the end of work waits for what it has cost.
const billTime = 10 * time.Second

// bill reports what work has cost that has ended, also if we have stopped it.
func (r *run) bill(ctx context.Context, a *assignment, output string, handle hindcast.Handle) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), billTime)
	defer cancel()

	if b := r.Worker.Bill(ctx, handle); b != nil {
		if p := a.done.Load(); p != nil { // from here on the bill says it
			last := *p
			last.Hours, last.USD = 0, 0
			a.done.Store(&last)
		}
		r.reporter(a)(hindcast.Event{Type: hindcast.EventWorkBilled, Output: output, Bill: b})
	}
}

// A long transform reports its progress the first time after progressEvery, and then after at least a progressShare of its
// time so far: the journal of one that takes hours has tens of reports of it, not thousands.
const (
	progressEvery = 5 * time.Second
	progressShare = 10
)

// follow is what a transform's progress is given to.
func (r *run) follow(a *assignment, output string) func(hindcast.Progress) {
	began := time.Now()
	next := began.Add(progressEvery)
	var last hindcast.Progress

	return func(p hindcast.Progress) {
		a.done.Store(&p)
		now := time.Now()
		if now.Before(next) || p == last || p == (hindcast.Progress{}) {
			return
		}
		last, next = p, now.Add(max(progressEvery, now.Sub(began)/progressShare))
		r.reporter(a)(hindcast.Event{Type: hindcast.EventProgress, Output: output, Progress: &p})
	}
}

// rejoin waits for what an earlier process gave to the engine, if the slice would be made from the same now; if not, it
// ends that. It is never started a second time: either its result is taken, or nothing of it runs any more. What else the
// slice needs and has not been staged is left to the next attempt.
func (r *run) rejoin(ctx context.Context, a *assignment, res *result) {
	var due []int
	res.print, due, res.err = r.Worker.Fingerprint(ctx, a.try)
	at := slices.IndexFunc(due, func(output int) bool { return r.Plan.Pipeline.Outputs[output].Name == a.work.Output })
	if res.err != nil || at < 0 || res.print != a.work.Fingerprint {
		r.endWork(ctx, a, res)
		return
	}

	try := a.try
	try.Fingerprint, try.Output, try.Fence = res.print, due[at], a.work.Fence // its files are below the prefix of that
	r.reporter(a)(hindcast.Event{Type: hindcast.EventStepStarted, Output: a.work.Output})
	r.takeBack(ctx, a, try, a.work.Handle, res, true)
	if res.err != nil {
		if hindcast.AsError(res.err).Code == hindcast.EWorker && ctx.Err() == nil {
			res.gone, res.err = true, nil
		}
		return
	}

	for _, output := range slices.Delete(due, at, at+1) {
		m := r.stagedBefore(ctx, a, res.print, r.Plan.Pipeline.Outputs[output].Name)
		if m == nil { // the next attempt makes it: this one may have given it to the engine already
			res.gone = true
			return
		}
		res.staged = append(res.staged, m)
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
	r.bill(ctx, a, a.work.Output, a.work.Handle)
	res.gone, res.err = stopped == nil, stopped
}
