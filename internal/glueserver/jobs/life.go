package jobs

import (
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// life is that of a run which has not ended, in this process.
type life struct {
	ends chan struct{} // closed when the run's processes are to be ended
	once sync.Once
}

func (l *life) end() { l.once.Do(func() { close(l.ends) }) }

// ending reports whether the run's processes are to be ended.
func (l *life) ending() bool {
	select {
	case <-l.ends:
		return true
	default:
		return false
	}
}

// begin begins to look after a run. writing is held.
func (b *Book) begin(k *kept) {
	l := b.born(k)
	b.lives.Go(func() { b.live(k, l) })
}

// born notes that a run has a life. writing is held.
func (b *Book) born(k *kept) *life {
	l := &life{ends: make(chan struct{})}
	if k.JobRunState == Stopping || k.Late {
		l.end()
	}
	b.alive[k.ID] = l
	return l
}

// live takes a run to its end, and its later attempts, which have the room that it had. It leaves when the book is closed.
func (b *Book) live(k *kept, l *life) {
	leave, goes := b.enter(k, l)
	if !goes {
		return
	}
	defer leave()
	for k != nil {
		k, l = b.once(k, l)
	}
}

// once takes one attempt to its end, and returns the next one; nil if there is none.
func (b *Book) once(k *kept, l *life) (*kept, *life) {
	t := k.task()
	var end End
	if !l.ending() { // otherwise it is not begun any more
		var err error
		if end, err = b.run(k, t, l); err != nil {
			return nil, nil
		}
	}
	if l.ending() && b.kill(t) != nil {
		return nil, nil
	}
	return b.finish(k.ID, end)
}

// enter waits for room on this machine. Scripts of an earlier server run already.
func (b *Book) enter(k *kept, l *life) (leave func(), goes bool) {
	leave = func() { <-b.slots }
	select {
	case b.slots <- struct{}{}:
		return leave, true
	default:
	}
	if k.Began != nil || l.ending() {
		return func() {}, true
	}
	select {
	case b.slots <- struct{}{}:
		return leave, true
	case <-l.ends:
		return func() {}, true
	case <-b.ctx.Done():
		return nil, false
	}
}

// run has the script run, and ends it when that is due. An error is the end of the book.
func (b *Book) run(k *kept, t Task, l *life) (End, error) {
	began, done := make(chan struct{}), make(chan struct{})
	b.lives.Go(func() { b.guard(k, t, l, began, done) })
	defer close(done)
	return b.options.Runner.Run(b.ctx, t, sync.OnceFunc(func() { close(began) }))
}

// guard notes when the script begins, and kills it when it is to be ended or is late.
func (b *Book) guard(k *kept, t Task, l *life, began, done <-chan struct{}) {
	var late <-chan time.Time
	if k.Began != nil {
		late = b.deadline(k)
	}
	for {
		select {
		case <-began:
			began = nil
			if is := b.works(k.ID); is != nil {
				late = b.deadline(is)
			}
		case <-late:
			late = nil
			b.expire(k.ID)
			l.end()
		case <-l.ends:
			_ = b.kill(t) // an error is the end of the book
			return
		case <-done:
			return
		}
	}
}

func (b *Book) deadline(k *kept) <-chan time.Time {
	end := time.Time(*k.Began).Add(time.Duration(k.Timeout) * b.options.Minute)
	return time.After(end.Sub(b.options.Now()))
}

// How long it takes to look again whether a run that could not be killed is dead.
const killAgain = time.Second

// kill ends a task's processes: nil means that all of them are dead.
func (b *Book) kill(t Task) error {
	for {
		if err := b.options.Runner.Stop(b.ctx, t); err == nil {
			return nil
		}
		select {
		case <-b.ctx.Done():
			return b.ctx.Err()
		case <-time.After(killAgain):
		}
	}
}

// amend changes a run's record, if it has not ended; nil if it has, or cannot be written.
func (b *Book) amend(id string, do func(*kept)) *kept {
	b.writing.Lock()
	defer b.writing.Unlock()
	is := b.runs[id]
	if is == nil || is.JobRunState.Final() {
		return nil
	}
	k := *is
	do(&k)
	k.LastModifiedOn = b.now()
	if b.commit(change{runs: []*kept{&k}}) != nil {
		return nil
	}
	return &k
}

// works notes that the script runs. What an earlier server noted stays.
func (b *Book) works(id string) *kept {
	return b.amend(id, func(k *kept) {
		if k.Began == nil {
			k.Began = b.now()
		}
		if k.JobRunState == Starting {
			k.JobRunState = Running
		}
	})
}

// expire notes that the run is ended for its timeout.
func (b *Book) expire(id string) {
	b.amend(id, func(k *kept) { k.Late = k.JobRunState != Stopping })
}

// finish notes how a run ended, and returns the next attempt where there is one.
func (b *Book) finish(id string, end End) (next *kept, l *life) {
	b.writing.Lock()
	defer b.writing.Unlock()
	k := *b.runs[id]
	b.ended(&k, end)
	c := change{runs: []*kept{&k}}
	switch _, there := b.jobs[k.JobName]; {
	case !there:
		c = change{goneRun: []*kept{&k}}
	case k.JobRunState == Failed && k.Attempt < k.MaxRetries:
		next = b.next(&k)
		c.runs = append(c.runs, next)
	}
	if b.commit(c) != nil {
		return nil, nil // nothing can be written any more; the next server finds how it ended
	}

	delete(b.alive, id)
	if len(c.goneRun) > 0 {
		_ = b.options.Runner.Forget(id) // what is left takes space only
	}
	if next != nil {
		l = b.born(next)
	}
	_ = b.admit()
	return next, l
}

// ended fills in a run's end.
func (b *Book) ended(k *kept, end End) {
	now := b.now()
	k.CompletedOn, k.LastModifiedOn, k.StateDetail = now, now, ""
	if k.Began != nil {
		took := time.Time(*now).Sub(time.Time(*k.Began))
		k.ExecutionTime, k.DPUSeconds = int(took/time.Second), k.dpuSeconds(took)
	}
	switch {
	case k.JobRunState == Stopping:
		k.JobRunState = Stopped
	case k.Late:
		k.JobRunState, k.ErrorMessage = TimedOut, fmt.Sprintf("the run took longer than its timeout of %d minutes", k.Timeout)
	case end.Failed:
		k.JobRunState, k.ErrorMessage = Failed, short(end.Message)
	default:
		k.JobRunState = Succeeded
	}
}

// short is the beginning of a message, as much as an answer has.
func short(message string) string {
	const most = 2000
	if len(message) <= most {
		return message
	}
	for cut := most; ; cut-- {
		if utf8.RuneStart(message[cut]) {
			return message[:cut] + "…"
		}
	}
}

// admit starts waiting runs for which there is room by now, in the order of their starts. writing is held.
func (b *Book) admit() error {
	var waiting []*kept
	for name := range b.jobs {
		for _, k := range slices.Backward(b.byJob[name]) {
			if k.JobRunState == Waiting {
				waiting = append(waiting, k)
			}
		}
	}
	slices.SortFunc(waiting, func(x, y *kept) int { return int(x.Order - y.Order) })
	for _, is := range waiting {
		if b.room(is) != nil {
			continue
		}
		k := *is
		k.JobRunState, k.StateDetail, k.LastModifiedOn = Starting, "", b.now()
		if err := b.commit(change{runs: []*kept{&k}}); err != nil {
			return err
		}
		b.begin(&k)
	}
	return nil
}
