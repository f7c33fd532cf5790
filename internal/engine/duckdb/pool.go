// Package duckdb is the engine that runs slices in DuckDB, each in a worker process of its own: one process a
// slot, used again for the next slice, replaced when it dies. Pool is the engine as the supervisor's process
// sees it; Runner and Serve are what runs inside a worker. Which slices run when is for its callers.
package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// Version is the DuckDB that is linked in; its major.minor counts in fingerprints. A test holds it to the truth.
const Version = duck.Version

// Pool is the engine: a number of worker processes.
type Pool struct {
	start   func(worker int) child.Spec
	options RunnerOptions
	slots   int
	free    chan *slot
	mutex   sync.Mutex // guards jobs and closed
	jobs    map[string]*running
	closed  bool
	all     []*slot
}

var (
	_ engine.Engine  = (*Pool)(nil)
	_ engine.Sampler = (*Pool)(nil)
)

// slot holds one worker, or none yet.
type slot struct {
	number int
	mutex  sync.Mutex
	worker *child.Process
	spill  string // the worker's folder
}

// running is a submitted job.
type running struct {
	done   chan struct{}
	cancel context.CancelFunc
	result engine.Result
	err    error
}

// NewPool makes the engine; workers are started when they are first needed.
func NewPool(start func(worker int) child.Spec, slots int, o RunnerOptions) *Pool {
	p := &Pool{start: start, options: o, slots: slots, free: make(chan *slot, slots), jobs: map[string]*running{}}
	for i := range slots {
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

// Properties say what DuckDB can do.
func (p *Pool) Properties() engine.Properties {
	return engine.Properties{Name: "duckdb", Version: Version}
}

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

// Query runs an ad hoc query in a worker.
func (p *Pool) Query(ctx context.Context, q engine.Query, limits engine.Limits, limit int) (rows engine.Rows, err error) {
	err = p.with(ctx, func(w *child.Process) error {
		return w.Call(ctx, "query", queryParams{q, limits, limit}, &rows)
	})
	return rows, err
}

// Submit starts the job when a slot is free.
func (p *Pool) Submit(_ context.Context, job engine.Job) (engine.Handle, error) {
	h := engine.Handle{Tag: job.Tag}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.jobs[job.Tag] != nil {
		return h, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{done: make(chan struct{}), cancel: cancel}
	p.jobs[job.Tag] = r
	go func() {
		defer close(r.done)
		defer cancel()
		r.err = p.with(ctx, func(w *child.Process) error {
			return w.Call(ctx, "run", job, &r.result)
		})
	}()
	return h, nil
}

// Wait returns the job's end, once.
func (p *Pool) Wait(ctx context.Context, h engine.Handle) (engine.Result, error) {
	p.mutex.Lock()
	r := p.jobs[h.Tag]
	p.mutex.Unlock()
	if r == nil {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "no job " + h.Tag + " is known here"}
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return engine.Result{}, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: ctx.Err()}
	}
	p.mutex.Lock()
	delete(p.jobs, h.Tag)
	p.mutex.Unlock()
	return r.result, r.err
}

// Cancel ends the job; its worker lives on if it lets go, and is killed otherwise.
func (p *Pool) Cancel(_ context.Context, h engine.Handle) error {
	p.mutex.Lock()
	r := p.jobs[h.Tag]
	p.mutex.Unlock()
	if r == nil {
		return nil
	}
	r.cancel()
	<-r.done
	p.mutex.Lock()
	delete(p.jobs, h.Tag)
	p.mutex.Unlock()
	return nil
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
	for _, r := range p.jobs {
		r.cancel()
	}
	p.mutex.Unlock()
	var failures []error
	for _, s := range p.all {
		s.mutex.Lock()
		if s.worker != nil {
			failures = append(failures, s.worker.Kill())
		}
		s.mutex.Unlock()
	}
	return errors.Join(failures...)
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
		"run": child.Handle(func(ctx context.Context, job engine.Job) (engine.Result, error) {
			r, err := get()
			if err != nil {
				return engine.Result{}, err
			}
			result, err := r.Run(ctx, job)
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
		"query": child.Handle(func(ctx context.Context, p queryParams) (engine.Rows, error) {
			r, err := get()
			if err != nil {
				return engine.Rows{}, err
			}
			return r.Query(ctx, p.Query, p.Limits, p.Limit)
		}),
	})
}
