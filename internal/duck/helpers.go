package duck

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// Helpers are the threads that an instance has beside those of its callers. A caller whose statement a helper works on polls for
// its end, and takes a core for that: a COPY of one row group, which one thread works on, took 1.4 times the processor time
// (docs/decisions/duckdb.md). So they are sent away until somebody has waited for a moment, or says that there is much to do.
// They take their part of a statement that has begun already: it is divided for all threads from the beginning.
type Helpers struct {
	db      *sql.DB
	mutex   sync.Mutex // guards what follows, and is held while they come or go
	threads int        // of the instance, with one caller
	calls   int        // how many want them
	gone    bool       // they are sent away now
	kept    bool       // they stay
}

// helpAfter is how long a caller works alone. What it loses by that is a part of it, once.
const helpAfter = 150 * time.Millisecond

// NewHelpers sends an instance's helpers away.
func NewHelpers(ctx context.Context, db *sql.DB) (*Helpers, error) {
	h := &Helpers{db: db}
	if err := db.QueryRowContext(ctx, "SELECT current_setting('threads')").Scan(&h.threads); err != nil {
		return nil, Translate(err)
	}
	if err := h.settle(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// Call calls them, at once if there is much to do and else after a moment, and returns what lets them go again. They come while
// the caller goes on.
func (h *Helpers) Call(much bool) (done func()) {
	after := helpAfter
	if much {
		after = 0
	}
	timer := time.AfterFunc(after, func() { h.change(1) })
	return func() {
		if !timer.Stop() {
			go h.change(-1) // one that still works on somebody else's statement is waited for
		}
	}
}

// Keep has them stay from here on. It is for whoever runs statements of the user's: as long as they are away, an instance refuses
// to be given fewer threads.
func (h *Helpers) Keep(ctx context.Context) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.kept = true
	return h.settle(ctx)
}

// SetThreads changes how many threads the instance has.
func (h *Helpers) SetThreads(ctx context.Context, n int) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if err := h.set(ctx, false); err != nil { // there are never fewer threads than callers
		return err
	}
	if _, err := h.db.ExecContext(ctx, fmt.Sprintf("SET threads=%d", n)); err != nil {
		return Translate(err)
	}
	h.threads = n
	return h.settle(ctx)
}

// change takes note of one more who wants them, or one fewer. Where they cannot be set, the statements that are running say why.
func (h *Helpers) change(by int) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.calls += by
	_ = h.settle(context.Background())
}

// settle has them here or away, as it should be now.
func (h *Helpers) settle(ctx context.Context) error { return h.set(ctx, h.calls <= 0 && !h.kept) }

// set sends them away or has them come: an instance has as many of its own threads as are not its callers'.
func (h *Helpers) set(ctx context.Context, gone bool) error {
	if gone == h.gone || h.threads <= 1 {
		return nil
	}
	callers := 1
	if gone {
		callers = h.threads
	}
	if _, err := h.db.ExecContext(ctx, fmt.Sprintf("SET external_threads=%d", callers)); err != nil {
		return Translate(err)
	}
	h.gone = gone
	return nil
}
