package run

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/resize"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// Resizes reports whether runs of the pipeline resize its warehouse.
func Resizes(p *hindcast.Pipeline) bool {
	return !p.Redshift.Resize.IsZero() && strings.HasPrefix(p.Warehouse.Scheme, "redshift")
}

// openResizer opens what resizes a warehouse for a run of the session's pipeline.
func openResizer(ctx context.Context, s *session.Session, rules hindcast.Resize, run string, says func(string)) (*resize.Resizer, error) {
	return resize.Open(ctx, rules, resize.Options{Pipeline: s.Pipeline.Name, Run: run, Lake: s.Lake.Absolute(""), Says: says,
		Living: func(ctx context.Context, pipeline string) (string, error) {
			holder, err := lease.Inspect(ctx, s.Store, pipeline)
			if err != nil || !holder.Held || holder.Dead {
				return "", err
			}
			return holder.Run, nil
		}})
}

// WarehouseSize says how the pipeline's warehouse stands.
func WarehouseSize(ctx context.Context, s *session.Session) (resize.Standing, error) {
	r, err := openResizer(ctx, s, s.Pipeline.Redshift.Resize, "", nil)
	if err != nil {
		return resize.Standing{}, err
	}
	return r.Look(ctx)
}

// PlanSize notes in a plan what a run of it would do with the size of its warehouse: E-RESIZE if that cannot have the size that the
// pipeline file asks for.
func PlanSize(ctx context.Context, s *session.Session, p *plan.Plan) error {
	if !Resizes(s.Pipeline) || p.Running() == 0 {
		return nil
	}
	r, err := openResizer(ctx, s, s.Pipeline.Redshift.Resize, "", nil)
	if err != nil {
		return err
	}
	return planSize(ctx, s, r, p)
}

func planSize(ctx context.Context, s *session.Session, r *resize.Resizer, p *plan.Plan) error {
	is, err := r.Check(ctx)
	if err != nil {
		return err
	}
	p.Resize = &plan.Resize{Sizing: is.Sizing, Now: is.Now, Kind: is.Kind}
	p.Resize.Rate, err = s.Resizing(is.Sizing, is.Kind)
	return err
}

// settle opens the run's resizer, if it has one, and waits until no resize is under way, be it one that an earlier process of the run
// began: the warehouse may take no connection until then.
func (a *active) settle(ctx context.Context) error {
	p := a.session.Pipeline
	if !Resizes(p) || a.options.UnloadOnly {
		return nil
	}
	var err error
	if a.resizer, err = openResizer(ctx, a.session, p.Redshift.Resize, a.claim.run, a.says); err != nil {
		return err
	}
	return a.patience().try(ctx, transient, func() error { return a.resizer.Settle(ctx) })
}

// sizes refuses a plan whose loads are to go to a warehouse of a size that it cannot have, before anything of it has begun.
func (a *active) sizes(ctx context.Context, p *plan.Plan) error {
	if a.resizer == nil || p.UnloadOnly || p.Running() == 0 {
		return nil
	}
	return a.patience().try(ctx, transient, func() error { return planSize(ctx, a.session, a.resizer, p) })
}

// around is what resizes the warehouse around the run's loads, for the supervisor: nil if nothing does.
func (a *active) around(p *plan.Plan) supervisor.Resizer {
	if a.resizer == nil || p.UnloadOnly {
		return nil
	}
	return a.resizer
}

// Returned is what became of a warehouse that a run had left resized.
type Returned struct {
	Run    string          `json:"run"`
	Resize hindcast.Sizing `json:"resize"`
	Error  *hindcast.Error `json:"error,omitempty"` // it is not confirmed to be back
}

// LeftResized are the runs of the session's pipeline that are not known to have given the warehouse its size back, the newest first.
func LeftResized(ctx context.Context, s *session.Session) (runs []string, states []*hindcast.RunState, err error) {
	all, err := s.Lake.ListRuns(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, run := range all {
		st, err := s.State(ctx, run)
		if err != nil {
			return nil, nil, err
		}
		if st.Resized != nil && st.Resized.Open {
			runs, states = append(runs, run), append(states, st)
		}
	}
	return runs, states, nil
}

// SizeBack restores the size of a warehouse that runs of the pipeline have left resized, and journals it. It takes the pipeline's lease
// meanwhile: E-LEASE-HELD if a run is under way, whose own end does it.
func SizeBack(ctx context.Context, s *session.Session, o Options) ([]Returned, error) {
	runs, states, err := LeftResized(ctx, s)
	if err != nil {
		return nil, err
	}

	var all []Returned
	for i, run := range runs {
		one, err := sizeBack(ctx, s, run, states[i].Resized.Begun(), o)
		if err != nil {
			return all, err
		}
		all = append(all, one)
	}
	return all, nil
}

// sizeBack does it for one run.
func sizeBack(ctx context.Context, s *session.Session, run string, begun hindcast.Sizing, o Options) (one Returned, err error) {
	ctx, stops := newStops(ctx, o)
	defer func() { err = stops.end(ctx, err) }()
	c, err := claimAgain(ctx, s, run, o, stops)
	if err != nil {
		return one, err
	}
	defer c.release(ctx)

	r, err := openResizer(ctx, s, resize.Of(begun, s.Pipeline.Redshift.Resize.Timeout), run, o.Says)
	if err != nil {
		return one, err
	}
	j, err := journal.Open(ctx, s.Store, s.Lake.RunPrefix(run), c.fence(), journal.Options{Run: run, Strike: config.PipelineRedactor(s.Pipeline).Event})
	if err != nil {
		return one, err
	}
	defer func() { _ = j.Close() }() // whoever needs an event to be durable has waited for it

	one, err = returned(ctx, r, j, c.fence(), begun)
	one.Run = run
	return one, err
}

// returned does and journals the way back. Its events have the fence, which says that the run itself did no work.
func returned(ctx context.Context, r *resize.Resizer, j *journal.Journal, fence int64, begun hindcast.Sizing) (Returned, error) {
	host, _ := os.Hostname()
	event := func(t hindcast.EventType, s hindcast.Sizing) hindcast.Event {
		return hindcast.Event{Type: t, Resize: &s, Fence: fence, Host: host, Pid: os.Getpid()}
	}
	if err := j.Append(ctx, event(hindcast.EventResizePrepared, begun.Reversed())); err != nil {
		return Returned{}, err
	}

	back, failure := r.Back(ctx, begun)
	e := event(hindcast.EventResized, back)
	if failure != nil {
		e.Type, e.Error = hindcast.EventResizeFailed, hindcast.AsError(failure)
	}
	if err := j.Append(context.WithoutCancel(ctx), e); err != nil {
		return Returned{}, fmt.Errorf("noting how the resize ended: %w", err)
	}
	return Returned{Resize: back, Error: e.Error}, nil
}
