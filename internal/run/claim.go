package run

import (
	"cmp"
	"context"
	"sync/atomic"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// claim is a run's right to write: its id, and the pipeline's lease with its fence.
type claim struct {
	session *session.Session
	run     string
	before  string // the run that held the lease before
	stops   *stops // hears what comes through the lease
	waiting func(lease.Holder)
	current atomic.Pointer[lease.Lease]
}

// claimNew claims the lease for a new run, under the id that was asked for or the next free one.
func claimNew(ctx context.Context, s *session.Session, o Options, stops *stops) (*claim, error) {
	c := &claim{session: s, run: o.ID, stops: stops, waiting: o.Waiting}
	err := c.refuse(ctx)
	if err != nil {
		return nil, err
	}

	if c.run == "" {
		if c.run, err = s.Lake.NewRunID(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.take(ctx, 0); err != nil {
		c.forget(ctx)
		return nil, err
	}
	return c, nil
}

// claimAgain claims the lease for a run that is resumed, with a fence above those that its journal was written under: a lease that
// was restored from a backup may be lower.
func claimAgain(ctx context.Context, s *session.Session, run string, o Options, stops *stops) (*claim, error) {
	c := &claim{session: s, run: run, stops: stops, waiting: o.Waiting}
	known, err := journal.HighestFence(ctx, s.Store, s.Lake.RunPrefix(run))
	if err == nil {
		err = c.take(ctx, known)
	}
	return c, err
}

// refuse refuses early where another process holds the lease, before an id is spent on the run.
func (c *claim) refuse(ctx context.Context) error {
	holder, err := lease.Inspect(ctx, c.session.Store, c.session.Pipeline.Name)
	if err != nil || !holder.Held || holder.Dead || !holder.Here {
		return err
	}
	l, err := c.acquire(ctx, 0)
	if err != nil {
		return err
	}
	return l.Release(ctx) // its holder gave it up meanwhile
}

func (c *claim) take(ctx context.Context, floor int64) error {
	if holder, err := lease.Inspect(ctx, c.session.Store, c.session.Pipeline.Name); err == nil {
		c.before = cmp.Or(holder.Run, holder.Before)
	}
	l, err := c.acquire(ctx, floor)
	if err != nil {
		return err
	}
	c.hold(l)
	c.session.Lake.Guard(c.check)
	return nil
}

// acquire takes the lease with a fence above one that was seen elsewhere.
func (c *claim) acquire(ctx context.Context, floor int64) (*lease.Lease, error) {
	p := c.session.Pipeline
	return lease.Acquire(ctx, c.session.Store, p.Name, c.run, lease.Options{TTL: p.Run.LeaseTTL, Floor: floor, Waiting: c.waiting})
}

func (c *claim) hold(l *lease.Lease) {
	c.current.Store(l)
	c.stops.hear(l)
}

func (c *claim) lease() *lease.Lease { return c.current.Load() }

func (c *claim) fence() int64 { return c.lease().Fence() }

// check asks the lake whether the lease is still ours.
func (c *claim) check(ctx context.Context) error { return c.lease().Check(ctx) }

// rise takes the lease again if the warehouse has seen a fence as high as the lease's. That does not make the lease's holder a
// zombie: another lake was used with the warehouse, or this lake's lease was lost, or is one of earlier times.
func (c *claim) rise(ctx context.Context, seen int64) error {
	if seen < c.fence() {
		return nil
	}

	if err := c.check(ctx); err != nil { // the fence is our successor's, who may have given the lease back since
		return err
	}
	if err := c.lease().Release(ctx); err != nil {
		return err
	}
	if err := c.lease().Err(); err != nil { // somebody took over between the two
		return err
	}
	above, err := c.acquire(ctx, seen)
	if err != nil {
		return err
	}
	c.hold(above)
	return nil
}

// prepare raises the warehouse's fence to the lease's, which rises once more if another lake's run was faster.
func (c *claim) prepare(ctx context.Context, p *plan.Plan) error {
	err := c.prepareTargets(ctx, p)
	if err == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		return err
	}

	seen, err := c.session.Warehouse.Fence(ctx, p.Pipeline.Name)
	if err != nil {
		return err
	}
	if err := c.rise(ctx, seen); err != nil {
		return err
	}
	return c.prepareTargets(ctx, p)
}

// prepareTargets raises the warehouse's fence, and makes the targets that are not there.
func (c *claim) prepareTargets(ctx context.Context, p *plan.Plan) error {
	for k := range p.Outputs {
		err := c.session.Warehouse.Prepare(ctx, p.Pipeline.Name, p.Pipeline.Outputs[k].Target, p.Outputs[k].Result, warehouse.Claim{Fence: c.fence(), New: k == 0})
		if err != nil && hindcast.AsError(err).Code == hindcast.ETarget { // it may be a table that was made just now, by another name and with other columns
			err = cmp.Or(c.apart(ctx, p), err)
		}
		if err != nil {
			return err
		}
	}
	return c.apart(ctx, p)
}

// apart refuses targets that are one table by two names. Survey does so for those that are there; of new ones nobody can tell before they are made.
func (c *claim) apart(ctx context.Context, p *plan.Plan) error {
	var made []int
	for k := range p.Outputs {
		if !p.Outputs[k].Existing {
			made = append(made, k)
		}
	}
	if len(made) < 2 {
		return nil
	}
	found, err := c.session.Warehouse.Describe(ctx, p.Pipeline.Targets())
	if err != nil {
		return err
	}
	first := map[string]int{}
	for _, k := range made {
		id := found[p.Pipeline.Outputs[k].Target.Table].ID
		if one, is := first[id]; is && id != "" {
			return plan.OneTarget(&p.Pipeline, one, k)
		}
		first[id] = k
	}
	return nil
}

// forget gives the run's id back if no plan was frozen for it.
func (c *claim) forget(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	s := c.session
	if body, _, err := s.Store.Get(ctx, s.Lake.PlanKey(c.run)); err == nil && len(body) < 8 {
		_ = s.Store.DeleteAll(ctx, s.Lake.RunPrefix(c.run))
	}
}

// release gives the lease back. One that cannot be given back is taken over as soon as this process has ended.
func (c *claim) release(ctx context.Context) { _ = c.lease().Release(context.WithoutCancel(ctx)) }
