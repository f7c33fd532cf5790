package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/process"
)

// StopRequest asks a run's holder to stop.
type StopRequest struct {
	Run   string `json:"run"`
	Fence int64  `json:"fence"` // of the holder that is asked: a resume ignores old requests
	Who   string `json:"who"`   // "ann on host x", for the run's report
	Now   bool   `json:"now"`   // at once, not gracefully
	// Slices are the keys of those to stop while the others go on; empty means the whole run.
	Slices []string  `json:"slices,omitempty"`
	Time   time.Time `json:"time"`
	// Before are earlier requests for slices: the holder may not have seen them yet.
	Before []StopRequest `json:"before,omitempty"`
}

// RequestStop asks the holder of the run to stop it, or only some of its slices, and returns whom it asked. The request
// is seen within Options.Poll. A request to stop the whole run is never replaced by a smaller one, and requests for
// slices add up. It returns E-RUN if nobody runs it.
func RequestStop(ctx context.Context, store objstore.Store, pipeline, run, who string, now bool, only ...string) (Holder, error) {
	holder, err := Inspect(ctx, store, pipeline)
	if err != nil {
		return Holder{}, err
	}
	if !holder.Held || holder.Run != run || holder.Dead {
		return holder, notRunning(pipeline, run, holder)
	}

	request := StopRequest{Run: run, Fence: holder.Fence, Who: who, Now: now, Slices: only, Time: time.Now().UTC()}
	for {
		err := request.put(ctx, store, lake.StopKey(pipeline, run))
		if err == nil {
			return holder, nil
		}
		if !errors.Is(err, objstore.ErrPrecondition) { // otherwise somebody else asked at the same time
			return holder, fmt.Errorf("requesting the stop of run %s: %w", run, err)
		}
	}
}

// put writes the request, together with earlier ones for slices that may not have been seen yet.
func (r StopRequest) put(ctx context.Context, store objstore.Store, key string) error {
	condition := objstore.Condition{}
	if len(r.Slices) > 0 {
		body, info, err := store.Get(ctx, key)
		var before StopRequest
		switch {
		case errors.Is(err, objstore.ErrNotExist):
			condition.IfNoneMatch = true
		case err != nil && !errors.Is(err, objstore.ErrDamaged):
			return err
		default:
			condition.IfMatch = info.ETag
			if json.Unmarshal(body, &before) == nil && before.Fence == r.Fence {
				if len(before.Slices) == 0 {
					return nil // the whole run is already asked to stop
				}
				r.Before = before.each()
			}
		}
	}

	body, err := json.Marshal(r)
	if err != nil {
		return err
	}

	_, err = store.Put(ctx, key, body, condition)
	return err
}

// each is the earlier requests in order, then this one.
func (r StopRequest) each() []StopRequest {
	all := slices.Clone(r.Before)
	r.Before = nil
	return append(all, r)
}

func notRunning(pipeline, run string, holder Holder) error {
	e := &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("run %s of pipeline %s is not under way", run, pipeline),
		Next:    "see how it ended: hindcast status " + run}
	if holder.Held && holder.Run == run {
		e.Message = fmt.Sprintf("run %s is not under way: its process %d has died", run, holder.Pid)
		e.Next = fmt.Sprintf("`hindcast resume %s` continues it", run)
	}

	return e
}

// listen polls for requests to stop and delivers each once.
func (l *Lease) listen(ctx context.Context) {
	l.mu.Lock()
	r := l.record
	l.mu.Unlock()
	seen, told := "", map[int64]bool{} // delivered requests by time
	for pause.For(ctx, l.options.Poll) == nil {
		body, info, err := l.store.Get(ctx, lake.StopKey(r.Pipeline, r.Run))
		var request StopRequest

		// Whatever cannot be read is tried again at the next poll.
		if err != nil || info.ETag == seen || json.Unmarshal(body, &request) != nil {
			continue
		}

		seen = info.ETag
		if request.Fence != r.Fence {
			continue
		}

		for _, one := range request.each() {
			at := one.Time.UnixNano()
			if told[at] {
				continue
			}
			select {
			case l.stop <- one:
				told[at] = true
			case <-ctx.Done():
				return
			}
		}
	}
}

// Holder is who holds a pipeline's lease according to the lake. The zero Holder means that it was never held.
type Holder struct {
	Pipeline string    `json:"pipeline"`
	Run      string    `json:"run"`              // "" while it is held for something else
	Task     string    `json:"task,omitempty"`   // what that is, the name of a command
	Before   string    `json:"before,omitempty"` // the run that held it before the task; "" without one
	Fence    int64     `json:"fence"`
	Host     string    `json:"host"`
	Pid      int       `json:"pid"`
	Since    time.Time `json:"since"`
	Renewed  time.Time `json:"renewed"`
	Held     bool      `json:"held"` // it has not been released
	Here     bool      `json:"here"` // on this host, since its last boot: Dead is certain either way
	Dead     bool      `json:"dead"` // its process is known to be gone

	TTL time.Duration `json:"ttl"` // once unchanged for this long, it can be taken over

	etag string // of the lease's object
}

// Watch detects silent holders as Acquire does: by our own clock, never by the times that they wrote. The zero Watch is
// ready. Not safe for concurrent use.
type Watch struct{ watch watch }

// Silent reports whether the lease, as Inspect has just seen it, is held and has not changed for its TTL since this
// Watch first saw it: it can be taken over.
func (w *Watch) Silent(h Holder) bool {
	return w.watch.silence(h.etag) >= h.TTL && h.Held
}

// Inspect returns who holds the pipeline's lease, for status. It changes nothing.
func Inspect(ctx context.Context, store objstore.Store, pipeline string) (Holder, error) {
	r, etag, err := read(ctx, store, pipeline)
	if err != nil || r.Fence == 0 {
		return Holder{}, err
	}

	us, err := process.This()
	if err != nil {
		us = process.Identity{} // then nothing is known about any process
	}
	return r.holder(us, etag), nil
}

func (r record) holder(us process.Identity, etag string) Holder {
	h := Holder{Pipeline: r.Pipeline, Run: r.Run, Fence: r.Fence, Host: r.Host, Pid: r.Pid, Since: r.Acquired,
		Renewed: r.Renewed, Held: !r.Released, Here: r.Sees(us), Dead: !r.Released && r.dead(us), TTL: r.ttl(), etag: etag}
	if r.Task != "" {
		h.Run, h.Task, h.Before = "", r.Task, r.Run
	}
	return h
}

// Who is what holds the lease, or held it last, as people read it.
func (h Holder) Who() string {
	if h.Task != "" {
		return h.Task
	}
	return "run " + h.Run
}
