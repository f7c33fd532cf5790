// Package hosted keeps a warehouse in a child process, so that a crash in a driver, or in a library that it links,
// costs an attempt and not the run. Open starts the process and gives a warehouse that speaks to it; Serve is what
// runs inside. What the process opens is the driver's: the options cross as JSON on its standard input, never as
// arguments or environment, because they may hold secrets (promise 7).
package hosted

import (
	"context"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Client is the warehouse outside the process that owns it. An owner that died is restarted by the next call, so
// that its death costs an attempt and no more.
type Client struct {
	start   child.Spec
	options any
	grace   time.Duration
	mutex   sync.Mutex // guards what follows
	owner   *child.Process
	props   warehouse.Properties
	closed  bool
}

var (
	_ warehouse.Warehouse = (*Client)(nil)
	_ warehouse.Seeder    = (*Client)(nil)
)

// Open starts the owner and proves that it can open the warehouse. The options are for the driver's Opener; grace is how long the
// owner may take to close the warehouse before it is killed.
func Open(ctx context.Context, start child.Spec, options any, grace time.Duration) (*Client, error) {
	c := &Client{start: start, options: options, grace: grace}
	if _, err := c.process(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// process returns the living owner, started if need be.
func (c *Client) process(ctx context.Context) (*child.Process, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return nil, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "the warehouse is closed"}
	}
	if c.owner != nil {
		select {
		case <-c.owner.Done():
		default:
			return c.owner, nil
		}
	}
	p, err := child.Start(c.start)
	if err != nil {
		return nil, err
	}
	if err := p.Call(ctx, "open", c.options, &c.props); err != nil {
		_ = p.Kill()
		return nil, err
	}
	c.owner = p
	return p, nil
}

func call[R any](ctx context.Context, c *Client, method string, params any) (result R, err error) {
	p, err := c.process(ctx)
	if err != nil {
		return result, err
	}
	err = p.Call(ctx, method, params, &result)
	return result, err
}

// Properties are the owner's.
func (c *Client) Properties() warehouse.Properties {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.props
}

// Describe asks the owner.
func (c *Client) Describe(ctx context.Context, tables []string) (map[string]warehouse.Table, error) {
	return call[map[string]warehouse.Table](ctx, c, "describe", tables)
}

// Tables asks the owner.
func (c *Client) Tables(ctx context.Context) ([]warehouse.Table, error) {
	return call[[]warehouse.Table](ctx, c, "tables", nil)
}

// Hidden asks the owner.
func (c *Client) Hidden(ctx context.Context) ([]string, error) {
	return call[[]string](ctx, c, "hidden", nil)
}

// Named asks the owner.
func (c *Client) Named(ctx context.Context, pattern string) ([]string, error) {
	return call[[]string](ctx, c, "named", pattern)
}

type spread struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// Spread asks the owner.
func (c *Client) Spread(ctx context.Context, table string, columns []string) (warehouse.Spread, error) {
	return call[warehouse.Spread](ctx, c, "spread", spread{table, columns})
}

type bounds struct {
	Table  string `json:"table"`
	Column string `json:"column"`
}

type bounded struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// Bounds asks the owner.
func (c *Client) Bounds(ctx context.Context, table, column string) (first, last time.Time, err error) {
	b, err := call[bounded](ctx, c, "bounds", bounds{table, column})
	return b.First, b.Last, err
}

// Unload has the owner write the files.
func (c *Client) Unload(ctx context.Context, u warehouse.Unload) (warehouse.Unloaded, error) {
	return call[warehouse.Unloaded](ctx, c, "unload", u)
}

// Sum asks the owner.
func (c *Client) Sum(ctx context.Context, x warehouse.Extract) (hindcast.Sums, error) {
	return call[hindcast.Sums](ctx, c, "sum", x)
}

// Hash asks the owner.
func (c *Client) Hash(ctx context.Context, x warehouse.Extract) (hindcast.Sums, error) {
	return call[hindcast.Sums](ctx, c, "hash", x)
}

type prepare struct {
	Pipeline string            `json:"pipeline"`
	Target   hindcast.Target   `json:"target"`
	Columns  []hindcast.Column `json:"columns"`
	Claim    warehouse.Claim   `json:"claim"`
}

// Prepare has the owner create tables and raise the fence.
func (c *Client) Prepare(ctx context.Context, pipeline string, t hindcast.Target, columns []hindcast.Column, claim warehouse.Claim) error {
	_, err := call[any](ctx, c, "prepare", prepare{pipeline, t, columns, claim})
	return err
}

// Fence asks the owner.
func (c *Client) Fence(ctx context.Context, pipeline string) (int64, error) {
	return call[int64](ctx, c, "fence", pipeline)
}

// Stage has the owner bring files into the warehouse, if that does so.
func (c *Client) Stage(ctx context.Context, p warehouse.Publication) (warehouse.Publication, error) {
	if !c.Properties().Stages {
		return p, nil
	}
	staged, err := call[warehouse.Publication](ctx, c, "stage", p)
	staged.Keep = p.Keep
	return staged, err
}

// Publish has the owner do it. If the owner dies its answer is lost: Committed shows whether it was done.
func (c *Client) Publish(ctx context.Context, p warehouse.Publication) ([]hindcast.Committed, error) {
	if p.Keep == nil {
		return call[[]hindcast.Committed](ctx, c, "publish", p)
	}
	owner, err := c.process(ctx) // the same for both calls: another one holds no publication
	if err != nil {
		return nil, err
	}
	var begun held
	if err := owner.Call(ctx, "hold", p, &begun); err != nil || begun.ID == 0 {
		return begun.Committed, err
	}

	answer := kept{ID: begun.ID}
	if err := p.Keep(ctx, begun.Kept); err != nil {
		answer.Error = hindcast.AsError(err)
		ctx = context.WithoutCancel(ctx) // the transaction is rolled back in any case
	}
	var committed []hindcast.Committed
	err = owner.Call(ctx, "kept", answer, &committed)
	return committed, err
}

type committed struct {
	Pipeline string   `json:"pipeline"`
	Resolved bool     `json:"resolved"`
	Keys     []string `json:"keys,omitempty"`
}

// Committed asks the owner.
func (c *Client) Committed(ctx context.Context, pipeline string, resolved bool, keys ...string) ([]hindcast.Committed, error) {
	return call[[]hindcast.Committed](ctx, c, "committed", committed{pipeline, resolved, keys})
}

// Published asks the owner.
func (c *Client) Published(ctx context.Context, p warehouse.Published) ([]hindcast.Sums, error) {
	return call[[]hindcast.Sums](ctx, c, "published", p)
}

// Marks asks the owner.
func (c *Client) Marks(ctx context.Context, tables []string) (map[string]hindcast.Mark, error) {
	return call[map[string]hindcast.Mark](ctx, c, "marks", tables)
}

type ofTarget struct {
	Pipeline string   `json:"pipeline"`
	Target   string   `json:"target"`
	Keys     []string `json:"keys,omitempty"`
}

type digests struct {
	Pipeline string          `json:"pipeline"`
	Target   string          `json:"target"`
	Ranges   hindcast.Ranges `json:"ranges"`
}

// Digests asks the owner.
func (c *Client) Digests(ctx context.Context, pipeline, target string, ranges hindcast.Ranges) (warehouse.Digests, error) {
	return call[warehouse.Digests](ctx, c, "digests", digests{pipeline, target, ranges})
}

type overview struct {
	Pipeline string              `json:"pipeline"`
	Target   string              `json:"target"`
	Within   []hindcast.Interval `json:"within"`
}

// Overview asks the owner.
func (c *Client) Overview(ctx context.Context, pipeline, target string, within []hindcast.Interval) (warehouse.Overview, error) {
	return call[warehouse.Overview](ctx, c, "overview", overview{pipeline, target, within})
}

// Details asks the owner.
func (c *Client) Details(ctx context.Context, pipeline, target string, keys []string) ([]hindcast.Committed, error) {
	return call[[]hindcast.Committed](ctx, c, "details", ofTarget{pipeline, target, keys})
}

type edited struct {
	Pipeline  string              `json:"pipeline"`
	Published warehouse.Published `json:"published"`
}

// Edited asks the owner.
func (c *Client) Edited(ctx context.Context, pipeline string, p warehouse.Published) ([]string, error) {
	return call[[]string](ctx, c, "edited", edited{pipeline, p})
}

type advise struct {
	Sources []string        `json:"sources"`
	Target  hindcast.Target `json:"target"`
}

// Advise asks the owner.
func (c *Client) Advise(ctx context.Context, sources []string, target hindcast.Target) ([]string, error) {
	return call[[]string](ctx, c, "advise", advise{sources, target})
}

type strays struct {
	Extract warehouse.Extract `json:"extract"`
	Quick   bool              `json:"quick"`
}

// Strays asks the owner.
func (c *Client) Strays(ctx context.Context, x warehouse.Extract, quick bool) (warehouse.Strays, error) {
	return call[warehouse.Strays](ctx, c, "strays", strays{x, quick})
}

type refuses struct {
	Target  hindcast.Target   `json:"target"`
	Columns []hindcast.Column `json:"columns"`
}

// Refuses asks the owner.
func (c *Client) Refuses(ctx context.Context, target hindcast.Target, columns []hindcast.Column) error {
	_, err := call[any](ctx, c, "refuses", refuses{target, columns})
	return err
}

// Spell asks the owner.
func (c *Client) Spell(ctx context.Context, columns []hindcast.Column) ([]hindcast.Column, error) {
	return call[[]hindcast.Column](ctx, c, "spell", columns)
}

// Seed has the owner make a table.
func (c *Client) Seed(ctx context.Context, s warehouse.Seed) error {
	_, err := call[any](ctx, c, "seed", s)
	return err
}

// Close ends the owner gracefully, or kills it. Nil confirms that it is dead.
func (c *Client) Close() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.closed = true
	if c.owner == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.grace)
	defer cancel()
	_ = c.owner.Call(ctx, "close", nil, nil)
	return c.owner.Close(time.Second)
}

// Kill ends the owner at once, for good; what was not committed is rolled back.
func (c *Client) Kill() (name string, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.closed = true
	if c.owner == nil {
		return "", nil
	}
	return c.owner.Name(), c.owner.Kill()
}

// KillOwner kills the owner as a crash would; the next call starts another.
func (c *Client) KillOwner() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.owner != nil {
		_ = c.owner.Kill()
	}
}
