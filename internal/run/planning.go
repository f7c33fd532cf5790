package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/attempt"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// planner makes the plan of a new run.
type planner struct {
	session    *session.Session
	claim      *claim
	patience   patience
	choice     session.Choice
	unloadOnly bool
	at         time.Time // that the plan is made for; now if it is zero
}

// plan makes the plan. Dimensions that are due are unloaded first, because they may make slices stale, and the plan is made
// again; it returns their manifests.
func (p *planner) plan(ctx context.Context) (*plan.Plan, []*hindcast.Manifest, error) {
	now := p.at
	if now.IsZero() {
		now = time.Now()
	}
	made, none := p.planOnce(ctx, p.choice, now)
	if errors.Is(none, plan.ErrNoneChosen) { // no slice is stale yet
		all := p.choice
		all.Slices = ""
		var err error
		if made, err = p.planOnce(ctx, all, now); err != nil {
			return nil, nil, err
		}
	} else if none != nil {
		return nil, nil, none
	}

	if err := p.markDamaged(ctx, made); err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(made.Dims, func(d plan.DimItem) bool { return d.Unload }) {
		return made, nil, none
	}

	dims, err := p.unload(ctx, made)
	if err != nil {
		return nil, nil, err
	}
	if made, err = p.planOnce(ctx, p.choice, now); err != nil {
		return nil, nil, err
	}
	for i := range made.Dims {
		d := &made.Dims[i]
		d.Unload = false // a dimension that every run refreshes is still due
		if slices.ContainsFunc(dims, func(m *hindcast.Manifest) bool { return m.Name == d.Name }) {
			d.Unloaded = time.Time{}
		}
	}
	return made, dims, nil
}

func (p *planner) planOnce(ctx context.Context, c session.Choice, now time.Time) (made *plan.Plan, err error) {
	err = p.patience.try(ctx, hangUp, func() error {
		made, err = p.session.Plan(ctx, c, now)
		return err
	})
	if err == nil && !p.unloadOnly {
		err = made.Beyond()
	}
	if err == nil || !p.unloadOnly || hindcast.AsError(err).Class != hindcast.ClassPermanent || errors.Is(err, plan.ErrNoneChosen) {
		return made, err
	}

	if needs := needsSQL(p.session.Pipeline, err); needs != nil {
		return nil, needs
	}
	// An unload needs neither the SQL nor the target: it fails only if there is no plan without them either.
	draft, failed := p.session.Survey(c, now).Draft(ctx)
	if failed != nil {
		return nil, err
	}
	draft.Unbound, draft.AcceptLoss = config.PipelineRedactor(p.session.Pipeline).String(err.Error()), c.AcceptLoss // it is kept in the plan
	return draft, nil
}

// markDamaged marks the dimensions whose files are not what was written: they are unloaded again while no slice has been made
// from them. Those of a remote lake are compared when a slice reads them.
func (p *planner) markDamaged(ctx context.Context, made *plan.Plan) error {
	for i := range made.Dims {
		d := &made.Dims[i]
		if d.Unload || len(d.Files) > 0 {
			continue
		}
		err := p.session.Lake.CheckDim(ctx, d.Name)
		switch {
		case err == nil:
		case hindcast.AsError(err).Code == hindcast.EParquet:
			d.Unload, d.Why = true, "damaged"
			p.patience.log.note("unloading dimension "+d.Name+" again", err)
		default:
			return err
		}
	}
	return nil
}

// unload unloads the dimensions that the plan marks.
func (p *planner) unload(ctx context.Context, made *plan.Plan) (dims []*hindcast.Manifest, err error) {
	made.Run = p.claim.run
	steps, err := newSteps(ctx, p.session, made, p.claim, p.patience)
	if err != nil {
		return nil, err
	}
	err = p.patience.try(ctx, transient, func() error {
		return steps.Dimensions(ctx, func(m *hindcast.Manifest) { dims = append(dims, m) })
	})
	return dims, err
}

// newSteps joins what the attempts of a plan work on.
func newSteps(ctx context.Context, s *session.Session, p *plan.Plan, c *claim, patience patience) (steps *attempt.Steps, err error) {
	err = patience.try(ctx, hangUp, func() error {
		steps, err = attempt.New(ctx, attempt.Config{Plan: p, Fence: c.fence(), Lake: s.Lake, Warehouse: s.Warehouse, Source: s.Source, Engine: s.Engine, Binder: s.Binder,
			Log: patience.log, Claims: claims{c}, Now: time.Now})
		return err
	})
	return steps, err
}

// needsSQL is the error of an unload whose SQL is not in order, where the columns to unload are those that it uses; nil
// where it needs none.
func needsSQL(p *hindcast.Pipeline, err error) error {
	e := *hindcast.AsError(err)
	if p.Fault() == nil && !strings.HasPrefix(string(e.Code), string(hindcast.ESQL)) {
		return nil
	}
	name := ""
	for _, f := range p.Facts {
		if f.Used {
			name = f.Name
		}
	}
	for _, d := range p.Dims {
		if d.Used {
			name = d.Name
		}
	}
	if name == "" {
		return nil
	}
	e.Message = fmt.Sprintf("`columns: used` of %s takes what the SQL reads, which is not in order: %s", name, e.Message)
	e.Next = "mend the SQL, or write a list of columns in place of `used`"
	return &e
}
