package spark

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// Binder asks a session of Spark on this machine, whatever the master is, what SQL would do. It starts one when it does not
// know the answer already and finds none that another process keeps.
type Binder struct {
	engine *Engine
	mutex  sync.Mutex // guards what follows
	own    *ours      // the session; nil before it is needed
	number int
	keep   time.Duration // see Keep
	ends   bool          // Keep was told 0
	doubt  bool          // something that was asked of the session may still run
	closed bool
}

var (
	_ engine.SQLBinder = (*Binder)(nil)
	_ engine.Sampler   = (*Binder)(nil)
	_ engine.Keeper    = (*Binder)(nil)
)

// NewBinder makes a binder with the engine's installation and folder.
func NewBinder(e *Engine) *Binder { return &Binder{engine: e} }

// say says that a session is started, which takes seconds, and what for.
func (b *Binder) say(kind string) {
	o := &b.engine.options
	switch {
	case o.Says == nil:
	case kind == sparksql.KindBind:
		o.Says("asking Spark " + o.Version + " for the types of the SQL's result")
	default:
		o.Says("starting Spark " + o.Version)
	}
}

// ask binds the SQL over empty tables.
func (b *Binder) ask(ctx context.Context, q engine.Query, checks []engine.Check, used bool) (sparksql.Bound, error) {
	r, asked, err := sparksql.Binding(q, checks, used)
	if err != nil {
		return sparksql.Bound{}, err
	}
	is, err := b.call(ctx, r, engine.Limits{})
	if err != nil {
		return sparksql.Bound{}, err
	}
	return is.Bound(asked, checks)
}

// Bind checks the SQL over empty tables.
func (b *Binder) Bind(ctx context.Context, q engine.Query, checks []engine.Check) ([]hindcast.Column, error) {
	path := b.memory().path(b.engine, q, checks, false)
	var columns []hindcast.Column
	if b.memory().recall(path, &columns) {
		return columns, nil
	}
	got, err := b.ask(ctx, q, checks, false)
	if err != nil {
		return nil, err
	}
	if columns, err = got.Columns(); err != nil {
		return nil, err
	}
	b.memory().keep(path, columns)
	_, _ = b.Used(ctx, q, checks) // a run will ask, and would have to start a session for it; if this fails, it does
	return columns, nil
}

// memory is what Spark said before.
func (b *Binder) memory() memory { return memory{filepath.Join(b.engine.options.Dir, "bound")} }

// Used says which columns the SQL reads: every column of a table is an expression that cannot be evaluated, and those that
// are left in the optimized plan are read.
func (b *Binder) Used(ctx context.Context, q engine.Query, checks []engine.Check) (map[string][]string, error) {
	path, used := b.memory().path(b.engine, q, checks, true), map[string][]string{}
	if b.memory().recall(path, &used) {
		return used, nil
	}
	got, err := b.ask(ctx, q, checks, true)
	if err != nil {
		return nil, err
	}
	used = got.Used()
	b.memory().keep(path, used)
	return used, nil
}

// Needed is Used.
func (b *Binder) Needed(ctx context.Context, q engine.Query, checks []engine.Check) (map[string][]string, error) {
	return b.Used(ctx, q, checks)
}

// Query runs an ad hoc query in the session.
func (b *Binder) Query(ctx context.Context, q engine.Query, limits engine.Limits, limit int) (engine.Rows, error) {
	r, asked, err := sparksql.Rows(q, limit)
	if err != nil {
		return engine.Rows{}, err
	}
	is, err := b.call(ctx, r, limits)
	if err != nil {
		return engine.Rows{}, err
	}
	return is.Rows(asked)
}
