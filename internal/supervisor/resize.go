package supervisor

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
)

// Resizer gives the warehouse its size for a run's loads, and its own back. Its methods are called one at a time, and return soon
// after ctx has ended.
type Resizer interface {
	// Intend says what Grow would do; open is what the run journaled before and did not confirm to be back, nil if nothing is.
	Intend(ctx context.Context, open *hindcast.Sizing) (hindcast.Sizing, error)
	// Grow returns when the warehouse has its size for the loads and takes statements, with the size as it came about.
	Grow(ctx context.Context, s hindcast.Sizing) (hindcast.Sizing, error)
	// Back returns when the warehouse is confirmed to be back, or left to other runs that want it as it is, whom Shared names.
	Back(ctx context.Context, s hindcast.Sizing) (hindcast.Sizing, error)
}

// sizing is how far the run has come with the warehouse's size. All of it belongs to the run's goroutine.
type sizing struct {
	wanted  bool // a result waits for its load
	running bool // a call of the Resizer is under way
	ready   bool // loads may begin: it has its size, or cannot have it
	began   time.Time
	answer  chan sized
}

// sized is what a call of the Resizer came to.
type sized struct {
	intent bool // it was Intend
	change hindcast.Sizing
	err    error
}

// sizesFirst reports whether loads have to wait for the warehouse's size.
func (r *run) sizesFirst() bool { return r.Resizer != nil && !r.sizing.ready }

// holds reports whether nothing that asks the warehouse may begin: a resize of it is under way, or begins as soon as what asks it now
// has ended. An elastic resize holds sessions or drops them.
func (r *run) holds() bool { return r.sizing.wanted && !r.sizing.ready }

// grow has the warehouse resized before the run's first load. Transforms under way go on meanwhile.
func (r *run) grow(now time.Time) {
	if !r.sizesFirst() || r.sizing.running {
		return
	}
	r.sizing.wanted = r.loadsWait() // the only one that waited may have been stopped
	if !r.sizing.wanted || r.pools[hindcast.StepUnload].busy > 0 || r.pools[hindcast.StepLoad].busy > 0 {
		return
	}

	var open *hindcast.Sizing
	if was := r.state.Resized; was != nil && was.Open {
		begun := was.Begun()
		open = &begun
	}
	r.sizing.began = now
	r.resizing(func() sized {
		change, err := r.Resizer.Intend(r.compute, open)
		return sized{intent: true, change: change, err: err}
	})
}

// resizing makes a call of the Resizer beside the run.
func (r *run) resizing(call func() sized) {
	r.sizing.running = true
	go func() { r.sizing.answer <- call() }()
}

// resized takes in what a call of the Resizer came to. The intent is on disk before anything is asked for (promise 1). A warehouse
// that cannot be resized is loaded into at the size that it has.
func (r *run) resized(a sized) {
	r.sizing.running = false
	if r.stopping() { // the way back is in end
		return
	}

	if a.intent && a.err == nil {
		change := a.change
		r.record(hindcast.Event{Type: hindcast.EventResizePrepared, Resize: &change})
		r.durable = true
		if !r.commit() {
			return
		}
		r.resizing(func() sized {
			change, err := r.Resizer.Grow(r.compute, change)
			return sized{change: change, err: err}
		})
		return
	}
	r.recordSize(a)
	r.sizing.ready = true
}

func (r *run) recordSize(a sized) {
	e := hindcast.Event{Type: hindcast.EventResized, Resize: &a.change, Seconds: time.Since(r.sizing.began).Seconds()}
	if a.err != nil {
		e.Type, e.Error = hindcast.EventResizeFailed, hindcast.AsError(a.err)
	}
	r.record(e)
	r.durable = true
}

// sizeBack gives the warehouse its size back, whatever the run's end is, and names one that is not confirmed to have it. A zombie
// leaves that to its successor.
func (r *run) sizeBack() {
	if r.sizing.running {
		r.resized(<-r.sizing.answer) // its context has ended
	}
	was := r.state.Resized
	if was == nil || !was.Open || r.ending.cause == takenOver {
		return
	}

	begun := was.Begun()
	if !r.ending.zombie && r.Resizer != nil && r.returned(begun) {
		return
	}
	if r.ending.cause != takenOver {
		r.ending.exits.unconfirmed = append(r.ending.exits.unconfirmed, begun.Left())
	}
}

// returned reports whether the warehouse is confirmed to be back.
func (r *run) returned(begun hindcast.Sizing) bool {
	back := begun.Reversed()
	r.record(hindcast.Event{Type: hindcast.EventResizePrepared, Resize: &back})
	r.durable = true
	if !r.commit() {
		return false
	}

	ctx, cancel := context.WithCancel(context.WithoutCancel(r.loads))
	defer cancel()
	r.sizing.began = time.Now()
	r.resizing(func() sized {
		change, err := r.Resizer.Back(ctx, begun)
		return sized{change: change, err: err}
	})

	a := r.awaitBack(cancel)
	r.sizing.running = false
	r.recordSize(a)
	return r.commit() && a.err == nil
}

// awaitBack waits for the way back until somebody asks to stop: nothing else is left of the run by then, and that may take a quarter
// of an hour.
func (r *run) awaitBack(leave context.CancelFunc) sized {
	for {
		select {
		case a := <-r.sizing.answer:
			return a
		case request, ok := <-r.Stop:
			if !ok {
				r.Stop = nil
			} else if len(request.Slices) == 0 {
				leave()
			}
		case <-r.ending.outer:
			r.ending.outer = nil
			leave()
		case <-r.Lost:
			r.leaseLost()
			leave()
		}
	}
}
