package trial

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// stopwatch is an engine that is given one work after another, and measures it.
type stopwatch struct {
	engine.Engine
	opened time.Time // when the engine was
	spill  string    // its folder
	dir    string    // an empty one, for the first work
	began  time.Time

	startUp time.Duration // until it had done work over no rows
	took    time.Duration // the last work
	memory  int64         // the most of all
	spilled int64         // the last work's
}

// Start has the engine work over no rows first, so that what it takes to start is not part of the first slice.
func (w *stopwatch) Start(ctx context.Context, work engine.Work) (hindcast.Handle, error) {
	if w.startUp == 0 {
		if err := w.warm(ctx, work); err != nil {
			return hindcast.Handle{}, err
		}
		w.startUp = time.Since(w.opened)
	}
	w.began = time.Now()
	return w.Engine.Start(ctx, work)
}

// warm runs the work over empty tables. What it says of them does not matter: an aggregate may give a row that lies outside.
func (w *stopwatch) warm(ctx context.Context, work engine.Work) error {
	work.Tag, work.Dir, work.Checks = work.Tag+"/start", w.dir, nil
	tables := make([]engine.Table, len(work.Query.Tables))
	for i, t := range work.Query.Tables {
		tables[i] = engine.Table{Name: t.Name, Columns: t.Columns, Time: t.Time, Window: t.Window, Own: t.Own}
	}
	work.Query.Tables = tables

	h, err := w.Engine.Start(ctx, work)
	if err != nil {
		return err
	}
	if _, err = w.Engine.Wait(ctx, h, work.Dir, nil); err == nil {
		return nil
	}
	if stopped := w.Engine.Stop(context.WithoutCancel(ctx), h); stopped != nil {
		return stopped
	}
	if e := hindcast.AsError(err); e.Class == hindcast.ClassPermanent || e.Class == hindcast.ClassCheck {
		return nil
	}
	return err
}

// Wait measures the work to its end.
func (w *stopwatch) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	seen := watchFolder(w.spill)
	result, err := w.Engine.Wait(ctx, h, dir, progress)
	w.took = time.Since(w.began)
	w.spilled = max(seen(), result.Spilled)
	w.memory = max(w.memory, result.Memory)
	return result, err
}

// spillPoll is how often the spill folder is looked at: a file that lives shorter may be missed.
const spillPoll = 20 * time.Millisecond

// watchFolder looks at a folder's size until the most that it was is asked for.
func watchFolder(folder string) (most func() int64) {
	done, peak := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(spillPoll)
		defer ticker.Stop()
		var high int64
		for {
			select {
			case <-ticker.C:
				high = max(high, engine.Written(folder))
			case <-done:
				peak <- max(high, engine.Written(folder))
				return
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-peak
	}
}

// bill is what work has cost that has ended, on an engine that is paid for by time.
func (w *stopwatch) bill(ctx context.Context, h hindcast.Handle) (hindcast.Bill, error) {
	meter, paid := w.Engine.(engine.Meter)
	if !paid {
		return hindcast.Bill{}, nil
	}
	bill, err := meter.Bill(ctx, h)
	if err != nil || bill == nil {
		return hindcast.Bill{}, err
	}
	return *bill, nil
}
