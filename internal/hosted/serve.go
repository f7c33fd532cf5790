package hosted

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Driver is what runs inside the process.
type Driver struct {
	// Open opens the warehouse by the options that the Client was given.
	Open func(ctx context.Context, options json.RawMessage) (warehouse.Warehouse, error)
	// Fatal reports whether an error leaves the warehouse of no use: its process ends after it has answered, and
	// the next call starts another. Nil means that none does.
	Fatal func(error) bool
}

// overviews answers what is asked of the status rows.
func (s *session) overviews() map[string]child.Handler {
	return map[string]child.Handler{
		"committed": handle(s, func(w warehouse.Warehouse, ctx context.Context, p committed) (any, error) {
			return w.Committed(ctx, p.Pipeline, p.Resolved, p.Keys...)
		}),
		"marks": handle(s, warehouse.Warehouse.Marks),
		"digests": handle(s, func(w warehouse.Warehouse, ctx context.Context, p digests) (warehouse.Digests, error) {
			return w.Digests(ctx, p.Pipeline, p.Target, p.Ranges)
		}),
		"overview": handle(s, func(w warehouse.Warehouse, ctx context.Context, p overview) (warehouse.Overview, error) {
			return w.Overview(ctx, p.Pipeline, p.Target, p.Within)
		}),
		"details": handle(s, func(w warehouse.Warehouse, ctx context.Context, p ofTarget) ([]hindcast.Committed, error) {
			return w.Details(ctx, p.Pipeline, p.Target, p.Keys)
		}),
		"edited": handle(s, func(w warehouse.Warehouse, ctx context.Context, p edited) ([]string, error) {
			return w.Edited(ctx, p.Pipeline, p.Published)
		}),
	}
}

// looks answers what init, plan and verify ask of the tables that are there.
func (s *session) looks() map[string]child.Handler {
	return map[string]child.Handler{
		"tables": handle(s, func(w warehouse.Warehouse, ctx context.Context, _ any) ([]warehouse.Table, error) {
			return w.Tables(ctx)
		}),
		"hidden": handle(s, func(w warehouse.Warehouse, ctx context.Context, _ any) ([]string, error) { return w.Hidden(ctx) }),
		"named":  handle(s, warehouse.Warehouse.Named),
		"spread": handle(s, func(w warehouse.Warehouse, ctx context.Context, p spread) (warehouse.Spread, error) {
			return w.Spread(ctx, p.Table, p.Columns)
		}),
		"bounds": handle(s, func(w warehouse.Warehouse, ctx context.Context, p bounds) (b bounded, err error) {
			b.First, b.Last, err = w.Bounds(ctx, p.Table, p.Column)
			return b, err
		}),
	}
}

// extracts answers what is read of source tables.
func (s *session) extracts() map[string]child.Handler {
	return map[string]child.Handler{
		"describe": handle(s, warehouse.Warehouse.Describe),
		"unload":   handle(s, warehouse.Warehouse.Unload),
		"sum":      handle(s, warehouse.Warehouse.Sum),
		"hash":     handle(s, warehouse.Warehouse.Hash),
		"strays": handle(s, func(w warehouse.Warehouse, ctx context.Context, p strays) (warehouse.Strays, error) {
			return w.Strays(ctx, p.Extract, p.Quick)
		}),
	}
}

// loads answers what makes and fills tables.
func (s *session) loads() map[string]child.Handler {
	return map[string]child.Handler{
		"fence":   handle(s, warehouse.Warehouse.Fence),
		"stage":   handle(s, warehouse.Warehouse.Stage),
		"publish": handle(s, warehouse.Warehouse.Publish),
		"hold": handle(s, func(w warehouse.Warehouse, ctx context.Context, p warehouse.Publication) (held, error) {
			return s.held.begin(ctx, w, p)
		}),
		"kept": handle(s, func(_ warehouse.Warehouse, ctx context.Context, k kept) ([]hindcast.Committed, error) {
			return s.held.end(ctx, k)
		}),
		"prepare": handle(s, func(w warehouse.Warehouse, ctx context.Context, p prepare) (any, error) {
			return nil, w.Prepare(ctx, p.Pipeline, p.Target, p.Columns, p.Claim)
		}),
		"seed": handle(s, func(w warehouse.Warehouse, ctx context.Context, t warehouse.Seed) (any, error) {
			seeder, ok := w.(warehouse.Seeder)
			if !ok {
				return nil, errors.New("making " + t.Table + ": the warehouse cannot")
			}
			return nil, seeder.Seed(ctx, t)
		}),
	}
}

// targets answers what plan and verify ask of the target.
func (s *session) targets() map[string]child.Handler {
	return map[string]child.Handler{
		"published": handle(s, warehouse.Warehouse.Published),
		"advise": handle(s, func(w warehouse.Warehouse, ctx context.Context, p advise) ([]string, error) {
			return w.Advise(ctx, p.Sources, p.Target)
		}),
		"refuses": handle(s, func(w warehouse.Warehouse, ctx context.Context, p refuses) (any, error) {
			return nil, w.Refuses(ctx, p.Target, p.Columns)
		}),
		"spell": handle(s, warehouse.Warehouse.Spell),
	}
}

// Serve is the owner's process: it answers a Client until its input ends.
func Serve(in io.Reader, out io.Writer, d Driver) error {
	s := &session{driver: d}
	handlers := map[string]child.Handler{
		"open":  s.open,
		"close": func(context.Context, json.RawMessage) (any, error) { return nil, s.close() },
	}
	for _, more := range []map[string]child.Handler{s.extracts(), s.loads(), s.targets(), s.overviews(), s.looks()} {
		maps.Copy(handlers, more)
	}
	return child.Serve(in, out, handlers)
}

// session is the warehouse that a served process has opened.
type session struct {
	driver    Driver
	held      publications
	mutex     sync.Mutex // guards what follows
	warehouse warehouse.Warehouse
}

func (s *session) open(ctx context.Context, options json.RawMessage) (any, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	w, err := s.driver.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	s.warehouse = w
	return w.Properties(), nil
}

func (s *session) get() (warehouse.Warehouse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.warehouse == nil {
		return nil, errors.New("the warehouse is not open")
	}
	return s.warehouse, nil
}

func (s *session) close() error {
	w, err := s.get()
	if err != nil {
		return nil
	}
	return w.Close()
}

func handle[P, R any](s *session, f func(warehouse.Warehouse, context.Context, P) (R, error)) child.Handler {
	return child.Handle(func(ctx context.Context, p P) (R, error) {
		w, err := s.get()
		if err != nil {
			var none R
			return none, err
		}
		result, err := f(w, ctx, p)
		if err != nil && s.driver.Fatal != nil && s.driver.Fatal(err) {
			err = child.Last(err)
		}
		return result, err
	})
}
