// Package duckdb is the engine that runs slices in DuckDB, each in a separate worker process: one process a slot, used
// again for the next slice, replaced when it dies. Pool is the engine, and its binder, as the supervisor's process sees
// them; Runner and Serve are what runs inside a worker. Which slices run when is the caller's responsibility.
package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// Version is the DuckDB that is linked in; its major.minor counts in fingerprints. A test holds it to the truth.
const Version = duck.Version

// Pool is the engine and the binder: a number of worker processes. They die with the process that started them, and all
// work with them.
type Pool struct {
	start    func(worker int) child.Spec
	options  RunnerOptions
	capacity engine.Capacity
	free     chan *slot
	mutex    sync.Mutex // guards works and closed
	works    map[string]*running
	closed   bool
	all      []*slot
}

var (
	_ engine.Engine  = (*Pool)(nil)
	_ engine.Binder  = (*Pool)(nil)
	_ engine.Sampler = (*Pool)(nil)
)

// slot holds one worker, or none yet.
type slot struct {
	number int
	mutex  sync.Mutex
	worker *child.Process
	spill  string // the worker's folder
}

// running is work that was started.
type running struct {
	done    chan struct{}
	cancel  context.CancelFunc
	spill   atomic.Pointer[string] // its worker's folder, once it has one
	spilled atomic.Int64           // the most that was seen there
	result  engine.Result
	err     error
}

// progress looks how far the work is, whose result is written to dir.
func (r *running) progress(dir string) hindcast.Progress {
	if folder := r.spill.Load(); folder != nil {
		r.spilled.Store(max(r.spilled.Load(), engine.Written(*folder)))
	}
	return hindcast.Progress{Bytes: engine.Written(dir), Spilled: r.spilled.Load()}
}

// NewPool makes the engine; workers are started when they are first needed. Each has its share of the capacity, unless
// work comes with other limits.
func NewPool(start func(worker int) child.Spec, c engine.Capacity, o RunnerOptions) *Pool {
	o.Memory, o.Threads = c.Memory/int64(c.Slots), max(1, c.Threads/c.Slots)
	p := &Pool{start: start, options: o, capacity: c, free: make(chan *slot, c.Slots), works: map[string]*running{}}
	for i := range c.Slots {
		s := &slot{number: i + 1}
		p.all = append(p.all, s)
		p.free <- s
	}
	return p
}

// Warm starts a first worker in the background, so that whoever needs one later need not wait for it. One that cannot
// start fails its first call, as ever.
func (p *Pool) Warm() {
	go func() { _ = p.with(context.Background(), func(*child.Process) error { return nil }) }()
}

// Properties say what DuckDB is.
func (p *Pool) Properties() engine.Properties { return Properties() }

// Properties say what DuckDB is, without a pool.
func Properties() engine.Properties { return engine.Properties{Name: "duckdb", Version: Version} }

// Capacity is what the pool was made for.
func (p *Pool) Capacity() engine.Capacity { return p.capacity }

// with runs f on a free slot's living worker.
func (p *Pool) with(ctx context.Context, f func(*child.Process) error) error {
	select {
	case s := <-p.free:
		defer func() { p.free <- s }()
		w, err := p.worker(ctx, s)
		if err != nil {
			return err
		}
		return f(w)
	case <-ctx.Done():
		return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: ctx.Err()}
	}
}

func (p *Pool) worker(ctx context.Context, s *slot) (*child.Process, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p.mutex.Lock()
	closed := p.closed
	p.mutex.Unlock()
	if closed {
		return nil, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "the engine is closed"}
	}
	if s.worker != nil {
		select {
		case <-s.worker.Done():
		default:
			return s.worker, nil
		}
	}

	if s.spill != "" { // of a worker that died, and could not remove what it spilled
		_ = os.RemoveAll(s.spill)
	}
	w, err := child.Start(p.start(s.number))
	if err != nil {
		return nil, err
	}
	o := p.options
	o.Spill = fmt.Sprintf("%s/worker-%d-%d", o.Spill, s.number, w.Pid())
	if err := w.Call(ctx, "open", o, nil); err != nil {
		_ = w.Kill()
		return nil, err
	}
	s.worker, s.spill = w, o.Spill
	return w, nil
}

// Bind checks the SQL in a worker.
func (p *Pool) Bind(ctx context.Context, q engine.Query, checks []engine.Check) (columns []hindcast.Column, err error) {
	err = p.with(ctx, func(w *child.Process) error {
		return w.Call(ctx, "bind", bindParams{q, checks}, &columns)
	})
	return columns, err
}

// Strays counts rows outside of a window in a worker.
func (p *Pool) Strays(ctx context.Context, t engine.Table, zone string) (found hindcast.Strays, err error) {
	err = p.with(ctx, func(w *child.Process) error { return w.Call(ctx, "strays", straysParams{t, zone}, &found) })
	return found, err
}

// Query runs an ad hoc query in a worker.
func (p *Pool) Query(ctx context.Context, q engine.Query, limits engine.Limits, limit int) (rows engine.Rows, err error) {
	err = p.with(ctx, func(w *child.Process) error {
		return w.Call(ctx, "query", queryParams{q, limits, limit}, &rows)
	})
	return rows, err
}

// Start starts the work as soon as a slot is free.
func (p *Pool) Start(_ context.Context, work engine.Work) (hindcast.Handle, error) {
	h := hindcast.Handle{Tag: work.Tag}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.works[work.Tag] != nil {
		return h, nil
	}

	ctx, cancel := context.WithCancel(context.Background())
	r := &running{done: make(chan struct{}), cancel: cancel}
	p.works[work.Tag] = r
	go func() {
		defer close(r.done)
		defer cancel()
		r.err = p.with(ctx, func(w *child.Process) error {
			r.spill.Store(p.spillOf(w))
			return w.Call(ctx, "run", work, &r.result)
		})
	}()
	return h, nil
}

// progressEvery is how often Wait looks how far a work is.
const progressEvery = 500 * time.Millisecond

// Wait returns the work's end. Of its progress DuckDB's Go driver says nothing: known is how much of the result is
// written, and how much lay in the worker's spill folder when it was looked at.
func (p *Pool) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	r := p.known(h)
	if r == nil {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "nothing is known here of " + h.Tag}
	}

	var look <-chan time.Time
	if progress != nil {
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		look = ticker.C
	}

	for {
		select {
		case <-r.done:
			p.forget(h)
			result := r.result
			result.Spilled = r.spilled.Load()
			return result, r.err
		case <-ctx.Done():
			return engine.Result{}, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: ctx.Err()}
		case <-look:
			progress(r.progress(dir))
		}
	}
}

// spillOf is the folder where a worker spills; nil if it is not a slot's any more.
func (p *Pool) spillOf(w *child.Process) *string {
	for _, s := range p.all {
		s.mutex.Lock()
		folder, is := s.spill, s.worker == w
		s.mutex.Unlock()
		if is {
			return &folder
		}
	}
	return nil
}

// Stop ends the work; its worker lives on if it lets go, and is killed otherwise.
func (p *Pool) Stop(_ context.Context, h hindcast.Handle) error {
	r := p.known(h)
	if r == nil {
		return nil
	}
	r.cancel()
	<-r.done
	p.forget(h)
	return nil
}

// Alive names this pool's works: those of another have died with it.
func (p *Pool) Alive(_ context.Context, tagPrefix string) ([]hindcast.Handle, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var handles []hindcast.Handle
	for tag, r := range p.works {
		if !strings.HasPrefix(tag, tagPrefix) {
			continue
		}
		select {
		case <-r.done:
		default:
			handles = append(handles, hindcast.Handle{Tag: tag})
		}
	}
	return handles, nil
}

func (p *Pool) known(h hindcast.Handle) *running {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.works[h.Tag]
}

func (p *Pool) forget(h hindcast.Handle) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.works, h.Tag)
}

// Workers names the living workers, for people.
func (p *Pool) Workers() []string {
	var names []string
	for _, s := range p.all {
		s.mutex.Lock()
		if s.worker != nil {
			names = append(names, s.worker.Name())
		}
		s.mutex.Unlock()
	}
	return names
}

// Close kills every worker: they hold nothing that is worth saving. Nil means that all are confirmed dead.
func (p *Pool) Close() error {
	p.mutex.Lock()
	p.closed = true
	works := slices.Collect(maps.Values(p.works))
	p.mutex.Unlock()
	for _, r := range works {
		r.cancel()
	}

	var failures []error
	for _, s := range p.all {
		s.mutex.Lock()
		if s.worker != nil {
			failures = append(failures, s.worker.Kill())
		}
		s.mutex.Unlock()
	}

	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, r := range works {
		<-r.done
	}
	return nil
}

type bindParams struct {
	Query  engine.Query   `json:"query"`
	Checks []engine.Check `json:"checks"`
}

type queryParams struct {
	Query  engine.Query  `json:"query"`
	Limits engine.Limits `json:"limits"`
	Limit  int           `json:"limit"`
}

type straysParams struct {
	Table    engine.Table `json:"table"`
	TimeZone string       `json:"time_zone"`
}

// openTimeout bounds how long a worker may take to open its instance.
const openTimeout = time.Minute

// Serve is a worker's process: it answers a Pool until its input ends.
func Serve(in io.Reader, out io.Writer) error {
	var mutex sync.Mutex
	var runner *Runner
	get := func() (*Runner, error) {
		mutex.Lock()
		defer mutex.Unlock()
		if runner == nil {
			return nil, errors.New("the worker is not open")
		}
		return runner, nil
	}
	return child.Serve(in, out, map[string]child.Handler{
		"open": child.Handle(func(ctx context.Context, o RunnerOptions) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, openTimeout)
			defer cancel()
			mutex.Lock()
			defer mutex.Unlock()
			r, err := NewRunner(ctx, o)
			runner = r
			return nil, err
		}),
		"bind": child.Handle(func(ctx context.Context, p bindParams) ([]hindcast.Column, error) {
			r, err := get()
			if err != nil {
				return nil, err
			}
			return r.Bind(ctx, p.Query, p.Checks)
		}),
		"used": child.Handle(func(ctx context.Context, p bindParams) (map[string][]string, error) {
			r, err := get()
			if err != nil {
				return nil, err
			}
			return r.Used(ctx, p.Query, p.Checks)
		}),
		"needed": child.Handle(func(ctx context.Context, p bindParams) (map[string][]string, error) {
			r, err := get()
			if err != nil {
				return nil, err
			}
			return r.Needed(ctx, p.Query, p.Checks)
		}),
		"run": child.Handle(func(ctx context.Context, work engine.Work) (engine.Result, error) {
			r, err := get()
			if err != nil {
				return engine.Result{}, err
			}
			result, err := r.Run(ctx, work)
			return result, r.last(err)
		}),
		"scan": child.Handle(func(ctx context.Context, s engine.Search) (engine.Scanned, error) {
			r, err := get()
			if err != nil {
				return engine.Scanned{}, err
			}
			found, err := r.Scan(ctx, s)
			return found, r.last(err)
		}),
		"strays": child.Handle(func(ctx context.Context, p straysParams) (hindcast.Strays, error) {
			r, err := get()
			if err != nil {
				return hindcast.Strays{}, err
			}
			found, err := r.Strays(ctx, p.Table, p.TimeZone)
			return found, r.last(err)
		}),
		"query": child.Handle(func(ctx context.Context, p queryParams) (engine.Rows, error) {
			r, err := get()
			if err != nil {
				return engine.Rows{}, err
			}
			return r.Query(ctx, p.Query, p.Limits, p.Limit)
		}),
	})
}
