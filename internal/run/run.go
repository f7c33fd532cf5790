// Package run begins and resumes runs: it takes the lease, makes or reads the plan, and hands all of it to the supervisor.
// What a person sees of a run is the caller's responsibility.
package run

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/resize"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// Options say how a run is begun or resumed.
type Options struct {
	session.Choice
	ID           string // of a new run; "" takes the next free one
	UnloadOnly   bool
	Hold         bool               // of a new run: it stages every slice, and publishes none
	Canary       bool               // the same of one slice, or those that are chosen; the next run deletes what is staged
	Picked       func(slice string) // if set, hears which slice the canary is of, where none was chosen
	AcceptSQL    string             // of a resume: by whom the SQL of the pipeline file as it is now is accepted for the slices that are left; "" by nobody
	IgnoreWindow bool               // slices also begin outside of the pipeline's window
	AllowEmpty   bool               // a result without rows may take the place of published rows
	// Log opens the run's log, which also gets the workers' standard error.
	Log func(path string) (io.Writer, error)
	// Planned receives the frozen plan, and the events so far, before the first slice begins.
	Planned func(p *plan.Plan, past []hindcast.Event, log io.Writer)
	Each    func(hindcast.Event) // every event, when it is durable
	// Attached receives the plan of a run that another process supervises, and returns what shows it: for Named alone.
	Attached func(p *plan.Plan) View
	// Stop, if set, is called when this process begins to supervise the run, and returns the caller's requests to stop it; done is
	// called when nothing of the run can be stopped any more.
	Stop func() (requests <-chan supervisor.StopRequest, done func())
	// Stopping, if set, is called when the whole run is to stop, whoever asks: nothing may hold it up for long from here on.
	Stopping func()
	Waiting  func(lease.Holder)    // if set, hears who holds the lease and seems to be lost, when the run waits to be certain of that
	Says     func(what string)     // if set, hears what the run waits for before its first slice
	Busy     func(*hindcast.Error) // if set, hears who has the warehouse's file, when the run waits for it
	// Before, if set, sees the plan of a new run before anything is written for it, and may refuse it.
	Before func(context.Context, *plan.Plan) error
	// Agree, if set, is asked before a run that publishes is begun or resumed, and may refuse it. left are the keys of the
	// slices that it would publish.
	Agree func(ctx context.Context, p *plan.Plan, left []string) error
}

// Ended is how a run ended.
type Ended struct {
	Plan    *plan.Plan
	Outcome *supervisor.Outcome
	LogPath string
	// Elsewhere says that another process supervised the run to its end, or did earlier.
	Elsewhere bool
	// Alive names a process that is not confirmed dead after all; nil if there is none.
	Alive error
}

// Begin plans a run, freezes the plan and supervises it to its end. An error means that no slice began.
func Begin(ctx context.Context, p *hindcast.Pipeline, o Options) (*Ended, error) {
	s, err := session.OpenLake(p)
	if err != nil {
		return nil, err
	}
	return begin(ctx, s, o)
}

func begin(ctx context.Context, s *session.Session, o Options) (ended *Ended, err error) {
	return beginWith(ctx, s, o, func(ctx context.Context, a *active) (*plan.Plan, []*hindcast.Manifest, error) {
		return a.planner().plan(ctx)
	})
}

// beginWith begins a run of the plan that planning makes once the warehouse is open; it returns the dimensions as well that it has unloaded.
func beginWith(ctx context.Context, s *session.Session, o Options, planning func(context.Context, *active) (*plan.Plan, []*hindcast.Manifest, error)) (ended *Ended, err error) {
	ctx, stops := newStops(ctx, o)
	defer func() { err = stops.end(ctx, err) }()

	c, err := claimNew(ctx, s, o, stops)
	if err != nil {
		return nil, err
	}
	a := newActive(s, c, stops, o)
	defer func() { ended, err = a.leave(ctx, ended, err) }()
	if err := a.open(ctx, plan.Shares{}); err != nil {
		return nil, err
	}
	if err := a.rise(ctx); err != nil {
		return nil, err
	}

	if err := a.canary(ctx); err != nil {
		return nil, err
	}
	p, dims, err := planning(ctx, a)
	if err != nil {
		return nil, err
	}
	p.Run, p.UnloadOnly, p.Hold, p.Canary, p.AllowEmpty = c.run, o.UnloadOnly, o.Hold || o.Canary, o.Canary, o.AllowEmpty
	p.Reverse = o.Reverse
	p.Number()
	if err := a.sizes(ctx, p); err != nil {
		return nil, err
	}
	if o.Before != nil {
		if err := o.Before(ctx, p); err != nil {
			return nil, err
		}
	}
	if err := o.agreed(ctx, p); err != nil {
		return nil, err
	}
	// The plan is saved last: a run that cannot begin, for lack of a permission, say, leaves none behind.
	if err := a.prepare(ctx, p); err != nil {
		return nil, err
	}
	if err := s.Lake.SavePlan(ctx, c.run, p); err != nil {
		return nil, err
	}
	return a.supervise(ctx, p, dims, nil)
}

// Resume goes on with a run where it stopped: finished slices stay, attempts are counted from 1 again. With Options.Slices it
// goes on with only those. Whether anything of the run is left to do is for the caller to find out first.
func Resume(ctx context.Context, p *hindcast.Pipeline, run string, o Options) (*Ended, error) {
	s, err := session.OpenLake(p)
	if err != nil {
		return nil, err
	}
	return resume(ctx, s, run, o, false)
}

// resume goes on with a run, or publishes what it holds.
func resume(ctx context.Context, s *session.Session, run string, o Options, publish bool) (ended *Ended, err error) {
	ctx, stops := newStops(ctx, o)
	defer func() { err = stops.end(ctx, err) }()

	frozen, err := frozenFor(ctx, s, run, !publish)
	if err != nil {
		return nil, err
	}
	only, err := chosen(ctx, s, frozen, o.Slices)
	if err != nil {
		return nil, err
	}
	if err := o.agreedAgain(ctx, s, frozen, only, publish); err != nil {
		return nil, err
	}
	c, err := claimAgain(ctx, s, run, o, stops)
	if err != nil {
		return nil, err
	}
	a := newActive(s, c, stops, o)
	a.publish = publish
	defer func() { ended, err = a.leave(ctx, ended, err) }()
	file := s.Pipeline
	s.Pipeline, frozen.AllowEmpty = &frozen.Pipeline, frozen.AllowEmpty || o.AllowEmpty
	if err := a.open(ctx, frozen.Shares); err != nil {
		return nil, err
	}
	if err := a.rise(ctx); err != nil {
		return nil, err
	}

	if err := a.patience().try(ctx, hangUp, func() error { return stillFits(ctx, s, frozen, !publish && frozen.Undo == "") }); err != nil {
		return nil, err
	}
	var dims []*hindcast.Manifest
	if o.AcceptSQL != "" {
		if frozen, dims, err = a.accept(ctx, file, frozen); err != nil {
			return nil, err
		}
	}
	if err := a.prepare(ctx, frozen); err != nil {
		return nil, err
	}
	return a.supervise(ctx, frozen, dims, only)
}

// active is a run while this process has its claim.
type active struct {
	session *session.Session
	options Options
	claim   *claim
	publish bool // what the run holds, and nothing else
	stops   *stops
	log     *runLog
	sweeper *sweeper
	resizer *resize.Resizer // nil if nothing resizes the warehouse
	deaths  deaths
}

func newActive(s *session.Session, c *claim, stops *stops, o Options) *active {
	a := &active{session: s, options: o, claim: c, stops: stops, log: &runLog{Writer: io.Discard}, deaths: make(deaths, mostDeaths)}
	a.sweeper = &sweeper{session: s, claim: c, log: a.log}
	return a
}

// open opens the log, then warehouse and engine, and begins to sweep the lake beside that. The shares are of a frozen plan,
// zero where there is none yet.
func (a *active) open(ctx context.Context, shares plan.Shares) error {
	if t := &a.session.Pipeline.Transform; t.Engine == "spark" && t.Spark.Fault() != nil && !a.options.UnloadOnly {
		return t.Spark.Fault() // rather than when the first slice has been unloaded
	}
	l := a.session.Lake
	spill, err := a.session.SpillFolder(func() (string, error) { return l.Folder(l.RunPrefix(a.claim.run) + "spill/") })
	if err != nil {
		return err
	}
	if err := a.log.open(ctx, a.session, a.claim, a.options.Log); err != nil {
		return fmt.Errorf("opening the run's log: %w", err)
	}
	if err := os.RemoveAll(spill); err != nil {
		return fmt.Errorf("emptying %s: %w", spill, err)
	}
	if err := a.settle(ctx); err != nil {
		return err
	}

	heard := a.options.Busy == nil
	return a.patience().try(ctx, opening, func() error {
		err := a.session.Connect(ctx, session.Connection{Spill: spill, Log: a.log, Shares: shares, Died: a.deaths.record, Says: a.says})
		if err != nil && hindcast.AsError(err).Code == hindcast.EWarehouseBusy && !heard {
			heard = true
			a.options.Busy(hindcast.AsError(err))
		}
		return err
	})
}

// says notes in the log, where a status finds it, what the run waits for.
func (a *active) says(what string) {
	_, _ = fmt.Fprintln(a.log, what+" …") // the log is for people: without it the run goes on
	if a.options.Says != nil {
		a.options.Says(what)
	}
}

func (a *active) patience() patience {
	rules := a.session.Pipeline.Run
	return patience{retries: rules.Retries, wait: rules.RetryWait, log: a.log}
}

func (a *active) planner() *planner {
	return &planner{session: a.session, claim: a.claim, patience: a.patience(), choice: a.options.Choice, unloadOnly: a.options.UnloadOnly}
}

// rise brings the run's fence above the warehouse's before anything is written under it, of a run that only unloads too: the
// lake refuses a generation whose fence is below that of the one before. A warehouse that does not say it keeps nobody from
// unloading; whoever loads hears of it in prepare.
func (a *active) rise(ctx context.Context) error {
	var seen int64
	err := a.patience().try(ctx, hangUp, func() (err error) {
		seen, err = a.session.Warehouse.Fence(ctx, a.session.Pipeline.Name)
		return err
	})
	if err != nil && hindcast.AsError(err).Class == hindcast.ClassPermanent {
		a.log.note("asking the warehouse for its fence", err)
		return nil
	}

	if err != nil {
		return err
	}
	return a.claim.rise(ctx, seen)
}

// prepare raises the fence in the warehouse, if the run loads.
func (a *active) prepare(ctx context.Context, p *plan.Plan) error {
	if p.UnloadOnly {
		return nil
	}
	return a.patience().try(ctx, hangUp, func() error { return a.claim.prepare(ctx, p) })
}

// leave closes what is open, gives the run's id back if an error came before the first slice, and the lease last: by then
// nothing of the run writes any more.
func (a *active) leave(ctx context.Context, ended *Ended, err error) (*Ended, error) {
	a.sweeper.wait()
	alive := a.session.Disconnect() // until here its processes write to the log
	_ = a.log.Close()
	_ = a.session.Close() // what remains is removed by the next run
	if err != nil {
		a.claim.forget(ctx)
	}
	a.claim.release(ctx)
	if err != nil {
		return nil, err
	}
	ended.Alive = alive
	return ended, nil
}

// deaths carries the deaths of workers, and of the warehouse's process, to the supervisor, which journals them.
type deaths chan hindcast.Event

// mostDeaths is how many processes may die before the supervisor looks.
const mostDeaths = 64

func (d deaths) record(death child.Death) {
	e := hindcast.Event{Type: hindcast.EventWorkerDied, Pid: death.Pid, Message: fmt.Sprintf("%s (pid %d): %s", death.Name, death.Pid, death.How)}
	select {
	case d <- e:
	default: // what fails for it is journaled in any case
	}
}
