// Package run begins and resumes runs: it takes the lease, makes or reads the plan, and hands all of it to the supervisor.
// What a person sees of a run is the caller's responsibility.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/attempt"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// Options say how a run is begun or resumed.
type Options struct {
	session.Choice
	ID         string // of a new run; "" takes the next free one
	UnloadOnly bool
	// Log opens the run's log, which also gets the workers' standard error.
	Log func(path string) (io.Writer, error)
	// Planned is told the frozen plan, and the events so far, before the first slice begins.
	Planned func(p *plan.Plan, past []hindcast.Event, log io.Writer)
	Each    func(hindcast.Event) // every event, when it is durable
	Stop    <-chan supervisor.StopRequest
	// Stopping, if set, is told that the whole run is to stop, whoever asks: nothing may hold it up for long from here on.
	Stopping func()
	Waiting  func(lease.Holder)    // is told who holds the lease and seems to be lost, when the run waits for that to be certain
	Busy     func(*hindcast.Error) // is told who has the warehouse's file, when the run waits for it
}

// Ended is how a run ended.
type Ended struct {
	Plan    *plan.Plan
	Outcome *supervisor.Outcome
	LogPath string
	// Alive names a process that is not confirmed dead after all; nil if there is none.
	Alive error
}

// active is a run while this process holds its lease.
type active struct {
	*session.Session
	options Options
	run     string
	only    []string // the slices that a resume was asked for; all if empty
	before  string   // the run that had the lease before
	sweeper sync.WaitGroup
	lease   *lease.Lease
	stops   *stops
	log     io.Writer
	logPath string
	deaths  chan hindcast.Event
}

// mostDeaths is how many processes may die before the supervisor looks.
const mostDeaths = 64

// died passes the death of a worker, or of the warehouse's process, to the supervisor, which journals it.
func (a *active) died(d child.Death) {
	e := hindcast.Event{Type: hindcast.EventWorkerDied, Pid: d.Pid, Message: fmt.Sprintf("%s (pid %d): %s", d.Name, d.Pid, d.How)}
	select {
	case a.deaths <- e:
	default: // what came of it is told in any case
	}
}

// Begin plans a run, freezes the plan and supervises it to its end. An error means that no slice began.
func Begin(ctx context.Context, p *hindcast.Pipeline, o Options) (*Ended, error) {
	s, err := session.OpenLake(p)
	if err != nil {
		return nil, err
	}
	return begin(ctx, s, o)
}

func begin(ctx context.Context, s *session.Session, o Options) (*Ended, error) {
	a := &active{Session: s, options: o, run: o.ID, deaths: make(chan hindcast.Event, mostDeaths)}
	return a.stoppable(ctx, func(ctx context.Context) (*Ended, error) {
		err := a.free(ctx)
		if err != nil {
			return nil, err
		}
		if a.run == "" {
			if a.run, err = s.Lake.NewRunID(ctx); err != nil {
				return nil, err
			}
		}
		if err := a.take(ctx); err != nil {
			a.unclaim(ctx)
			return nil, err
		}
		ended, err := a.begin(ctx)
		return a.leave(ctx, ended, err)
	})
}

// stoppable does what may be stopped at any time, also before the supervisor runs. What fails then fails for that
// reason.
func (a *active) stoppable(ctx context.Context, do func(context.Context) (*Ended, error)) (*Ended, error) {
	ctx, a.stops = newStops(ctx, a.options.Stop, a.options.Stopping)
	defer a.stops.close()
	ended, err := do(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return ended, err
}

// free refuses early where another process holds the lease, before a run's id is spent on it.
func (a *active) free(ctx context.Context) error {
	holder, err := lease.Inspect(ctx, a.Store, a.Pipeline.Name)
	if err != nil || !holder.Held || holder.Dead || !holder.Here {
		return err
	}
	l, err := lease.Acquire(ctx, a.Store, a.Pipeline.Name, a.run, a.terms(0))
	if err != nil {
		return err
	}
	return l.Release(ctx) // it was given up meanwhile
}

// unclaim gives the run's id back where no plan was frozen for it.
func (a *active) unclaim(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if body, _, err := a.Store.Get(ctx, a.Lake.PlanKey(a.run)); err == nil && len(body) < 8 {
		_ = a.Store.DeleteAll(ctx, a.Lake.RunPrefix(a.run))
	}
}

func (a *active) take(ctx context.Context) (err error) {
	if holder, err := lease.Inspect(ctx, a.Store, a.Pipeline.Name); err == nil {
		a.before = holder.Run
	}
	if a.lease, err = lease.Acquire(ctx, a.Store, a.Pipeline.Name, a.run, a.terms(0)); err == nil {
		a.stops.hear(a.lease)
		a.Lake.Guard(func(ctx context.Context) error { return a.lease.Check(ctx) })
	}
	return err
}

// terms are how the lease is taken, above a fence that was seen elsewhere.
func (a *active) terms(floor int64) lease.Options {
	return lease.Options{TTL: a.Pipeline.Run.LeaseTTL, Floor: floor, Waiting: a.options.Waiting}
}

// leave closes what is open, takes the claimed id back if there was an error before the first slice, and gives the
// lease back, last: by then nothing of the run writes any more.
func (a *active) leave(ctx context.Context, ended *Ended, err error) (*Ended, error) {
	a.sweeper.Wait()
	alive := a.Disconnect() // its processes write to the log until here
	if c, ok := a.log.(io.Closer); ok {
		_ = c.Close()
	}
	_ = a.Close() // the next run removes what stays
	if err != nil {
		a.unclaim(ctx)
	}
	// One that cannot be given back is taken over as soon as this process has ended.
	_ = a.lease.Release(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err // it is why there is nothing to report
	}
	ended.Alive = alive
	return ended, nil
}

func (a *active) open(ctx context.Context, shares plan.Shares) error {
	spill, err := a.SpillFolder(func() (string, error) { return a.Lake.Folder(a.Lake.RunPrefix(a.run) + "spill/") })
	if err != nil {
		return err
	}
	if err := a.openLog(ctx); err != nil {
		return fmt.Errorf("opening the run's log: %w", err)
	}
	a.sweeper.Go(func() { a.tell("sweeping the lake", a.Lake.Sweep(ctx)) })
	if err := os.RemoveAll(spill); err != nil {
		return fmt.Errorf("emptying %s: %w", spill, err)
	}
	told := false
	return a.patiently(ctx, opening, func() error {
		err := a.Connect(ctx, session.Connection{Spill: spill, Log: a.log, Shares: shares, Died: a.died})
		if e := hindcast.AsError(err); e != nil && e.Code == hindcast.EWarehouseBusy && !told && a.options.Busy != nil {
			told = true
			a.options.Busy(e)
		}
		return err
	})
}

func (a *active) begin(ctx context.Context) (*Ended, error) {
	if err := a.open(ctx, plan.Divide(a.Machine, a.Pipeline.Run, 0, 0)); err != nil {
		return nil, err
	}
	p, dims, err := a.settle(ctx)
	if err != nil {
		return nil, err
	}
	p.Run, p.UnloadOnly = a.run, a.options.UnloadOnly
	// The plan comes last: a run that cannot begin, for want of a right say, leaves none behind.
	if err := a.prepare(ctx, p); err != nil {
		return nil, err
	}
	if err := a.Lake.SavePlan(ctx, a.run, p); err != nil {
		return nil, err
	}
	return a.supervise(ctx, p, dims)
}

// settle makes the plan; where dimensions are due they are unloaded first, because they may make slices stale, and
// the plan is made again.
func (a *active) settle(ctx context.Context) (*plan.Plan, []*hindcast.Manifest, error) {
	now := time.Now()
	p, none := a.plan(ctx, a.options.Choice, now)
	if errors.Is(none, plan.ErrNoneChosen) { // no slice is stale yet
		all := a.options.Choice
		all.Slices = ""
		var err error
		if p, err = a.plan(ctx, all, now); err != nil {
			return nil, nil, err
		}
	} else if none != nil {
		return nil, nil, none
	}
	if err := a.markDamaged(ctx, p); err != nil {
		return nil, nil, err
	}
	if !a.markDue(p) {
		return p, nil, none
	}
	p.Run = a.run
	steps, err := a.steps(ctx, p, a.lease.Fence())
	if err != nil {
		return nil, nil, err
	}
	var dims []*hindcast.Manifest
	if err := a.patiently(ctx, transient, func() error {
		return steps.Dimensions(ctx, func(m *hindcast.Manifest) { dims = append(dims, m) })
	}); err != nil {
		return nil, nil, err
	}
	if p, err = a.plan(ctx, a.options.Choice, now); err != nil {
		return nil, nil, err
	}
	for i := range p.Dims {
		d := &p.Dims[i]
		d.Unload = false // one that is refreshed by every run is due still
		if slices.ContainsFunc(dims, func(m *hindcast.Manifest) bool { return m.Name == d.Name }) {
			d.Unloaded = time.Time{}
		}
	}
	return p, dims, nil
}

// markDamaged marks the dimensions whose files are not what was written: they are unloaded again while no slice has been made
// from them. Those of a lake that is far away are compared when a slice reads them.
func (a *active) markDamaged(ctx context.Context, p *plan.Plan) error {
	for i := range p.Dims {
		d := &p.Dims[i]
		if d.Unload || len(d.Files) > 0 || a.Lake.Remote() {
			continue
		}
		m, err := a.Lake.CurrentDim(ctx, d.Name)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		_, release, err := a.Lake.Localize(ctx, m.Files, nil)
		switch {
		case err == nil:
			release()
		case hindcast.AsError(err).Code == hindcast.EParquet:
			d.Unload, d.Why = true, "damaged"
			a.tell("unloading dimension "+d.Name+" again", err)
		default:
			return err
		}
	}
	return nil
}

// markDue marks the dimensions that the run unloads, and reports whether there are any.
func (a *active) markDue(p *plan.Plan) bool {
	due := false
	for i := range p.Dims {
		d := &p.Dims[i]
		due = due || d.Unload
	}
	return due
}

func (a *active) plan(ctx context.Context, c session.Choice, now time.Time) (p *plan.Plan, err error) {
	err = a.patiently(ctx, hangUp, func() error {
		p, err = a.Plan(ctx, c, now)
		return err
	})
	if err == nil || !a.options.UnloadOnly || hindcast.AsError(err).Class != hindcast.ClassPermanent || errors.Is(err, plan.ErrNoneChosen) {
		return p, err
	}
	// What is unloaded needs neither the SQL nor the target: only if there is no plan without them either, nothing is.
	draft, failed := a.Survey(c, now).Draft(ctx)
	if failed != nil {
		return nil, err
	}
	draft.Unbound, draft.AcceptLoss = config.PipelineRedactor(a.Pipeline).String(err.Error()), c.AcceptLoss // it is kept in the plan
	return draft, nil
}

func (a *active) steps(ctx context.Context, p *plan.Plan, fence int64) (s *attempt.Steps, err error) {
	err = a.patiently(ctx, hangUp, func() error {
		s, err = attempt.New(ctx, attempt.Config{Plan: p, Fence: fence, Lake: a.Lake, Warehouse: a.Warehouse, Engine: a.Engine, Log: a.log, Now: time.Now})
		return err
	})
	return s, err
}

// patiently repeats what failed and can heal, as slices are retried.
func (a *active) patiently(ctx context.Context, heals func(*hindcast.Error) bool, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if err == nil || !heals(hindcast.AsError(err)) || n > a.Pipeline.Run.Retries {
			return err
		}
		a.tell(fmt.Sprintf("try %d before the first slice", n), err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(supervisor.Delay(n, a.Pipeline.Run.RetryWait, rand.Float64())):
		}
	}
}

// transient is what a slice would be retried for.
func transient(e *hindcast.Error) bool {
	return e.Class == hindcast.ClassTransient || e.Class == hindcast.ClassResource
}

// death is the end of one of our own processes. Of what else keeps a run from connecting
// little is retried: somebody may be waiting to be told what is wrong.
func death(e *hindcast.Error) bool { return e.Code == hindcast.EWorker }

// opening is what is waited for when a run connects: a process of ours that died, and somebody who has the database file open.
func opening(e *hindcast.Error) bool { return death(e) || e.Code == hindcast.EWarehouseBusy }

// hangUp is the end of a process of ours, or of a connection to a warehouse that has answered before: a server that is
// started anew costs no run its beginning.
func hangUp(e *hindcast.Error) bool {
	return death(e) || e.Code == hindcast.EWarehouse && e.Class == hindcast.ClassTransient
}

// Resume goes on with a run where it stopped: finished slices stay, attempts are counted anew. With Options.Slices
// only those are gone on with. Whether anything is left of the whole run is for its caller to ask.
func Resume(ctx context.Context, p *hindcast.Pipeline, run string, o Options) (*Ended, error) {
	s, err := session.OpenLake(p)
	if err != nil {
		return nil, err
	}
	a := &active{Session: s, options: o, run: run, deaths: make(chan hindcast.Event, mostDeaths)}
	return a.stoppable(ctx, func(ctx context.Context) (*Ended, error) {
		frozen, err := a.Frozen(ctx, run)
		if err != nil {
			return nil, err
		}
		if was, is := frozen.Pipeline.Warehouse, a.Pipeline.Warehouse; config.Database(was.Written) != config.Database(is.Written) {
			return nil, changed(run, "warehouse", was.Written, is.Written)
		}
		frozen.Pipeline.Warehouse = a.Pipeline.Warehouse
		if a.only, err = a.asked(ctx, frozen); err != nil {
			return nil, err
		}
		if err := a.take(ctx); err != nil {
			return nil, err
		}
		ended, err := a.resume(ctx, frozen)
		return a.leave(ctx, ended, err)
	})
}

// asked are the slices that a resume was asked for. E-RUN if they are all done.
func (a *active) asked(ctx context.Context, p *plan.Plan) ([]string, error) {
	st, err := a.State(ctx, a.run)
	if err != nil {
		return nil, err
	}
	keys, err := plan.Select(p, st, a.options.Slices)
	if err == nil && a.options.Slices != "" && len(keys) == 0 {
		err = plan.NoneChosen(a.options.Slices, "see its slices: hindcast status "+a.run+" --all")
	}
	if err != nil || len(keys) == 0 || !st.Done(keys) {
		return keys, err
	}
	return nil, &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("of run %s the slices %s are done", a.run, a.options.Slices), Next: "see what is left: hindcast status " + a.run}
}

func (a *active) resume(ctx context.Context, p *plan.Plan) (*Ended, error) {
	a.Pipeline = &p.Pipeline
	if err := a.open(ctx, p.Shares); err != nil {
		return nil, err
	}
	e, w := a.Engine.Properties(), a.Warehouse.Properties()
	if e.Name != p.Engine.Name || plan.MajorMinor(e.Version) != plan.MajorMinor(p.Engine.Version) {
		return nil, changed(a.run, "engine", p.Engine.Name+" "+p.Engine.Version, e.Name+" "+e.Version)
	}
	if w.Name != p.Warehouse.Name {
		return nil, changed(a.run, "warehouse", p.Warehouse.Name, w.Name)
	}
	if err := a.superseded(ctx, p); err != nil {
		return nil, err
	}
	if err := a.prepare(ctx, p); err != nil {
		return nil, err
	}
	return a.supervise(ctx, p, nil)
}

// superseded refuses to go on with a run when a later one has published slices of it: older results would take the place
// of newer ones.
func (a *active) superseded(ctx context.Context, p *plan.Plan) error {
	if p.UnloadOnly {
		return nil
	}
	rows, err := a.Warehouse.Committed(ctx, p.Pipeline.Name, false)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Publication == a.run || row.Target != p.Pipeline.Target.Table || !row.CommittedAt.After(p.CreatedAt) {
			continue
		}
		for _, item := range p.Items {
			if item.Reason.Runs() && item.Slice.Overlaps(row.Slice.Interval) {
				return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
					Message: fmt.Sprintf("run %s has published %s since run %s was planned, which would put older results back", row.Publication, p.Label(row.Slice.Key), a.run),
					Next:    "plan anew: hindcast run"}
			}
		}
	}
	return nil
}

// prepare raises the fence in the warehouse, where the run loads.
func (a *active) prepare(ctx context.Context, p *plan.Plan) error {
	if p.UnloadOnly {
		return nil
	}
	return a.patiently(ctx, hangUp, func() error { return a.raiseFence(ctx, p) })
}

// raiseFence: whoever holds the lease of this lake is no zombie: a higher fence in the warehouse is of a lake that was
// lost, and the lease is taken again above it.
func (a *active) raiseFence(ctx context.Context, p *plan.Plan) error {
	err := a.Warehouse.Prepare(ctx, p.Pipeline.Name, p.Pipeline.Target, p.Result, a.lease.Fence())
	if err == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		return err
	}
	// Another lake's fence may be higher, or an older lake's. That of our successor ends us.
	if err := a.lease.Check(ctx); err != nil {
		return err
	}
	highest, err := a.Warehouse.Fence(ctx, p.Pipeline.Name)
	if err != nil {
		return err
	}
	if err := a.lease.Release(ctx); err != nil {
		return err
	}
	above, err := lease.Acquire(ctx, a.Store, p.Pipeline.Name, a.run, a.terms(highest))
	if err != nil {
		return err
	}
	a.lease = above
	a.stops.hear(above)
	return a.Warehouse.Prepare(ctx, p.Pipeline.Name, p.Pipeline.Target, p.Result, a.lease.Fence())
}

func (a *active) supervise(ctx context.Context, p *plan.Plan, dims []*hindcast.Manifest) (*Ended, error) {
	state := &hindcast.RunState{}
	var past []hindcast.Event
	live := false
	j, err := journal.Open(ctx, a.Store, a.Lake.RunPrefix(a.run), a.lease.Fence(), journal.Options{Run: a.run, Strike: config.PipelineRedactor(a.Pipeline).Event, Each: func(e hindcast.Event) {
		if !live {
			state.Apply(e)
			past = append(past, e)
			return
		}
		a.options.Each(e)
	}})
	if err != nil {
		return nil, err
	}
	a.options.Planned(p, past, a.log)
	live = true
	outcome, err := a.conduct(ctx, p, dims, j, state)
	_ = j.Close() // the supervisor has waited for the last event; what came of that is in the outcome
	if err != nil {
		return nil, err
	}
	if outcome.ExitCode == hindcast.ExitOK {
		ours := func() (bool, error) { return true, nil }
		a.tell("sweeping what was staged", a.sweepStaging(context.WithoutCancel(ctx), a.run, ours))
	}
	a.tell("writing the views", a.views(context.WithoutCancel(ctx), p)) // no reason to hide how the run ended
	return &Ended{Plan: p, Outcome: outcome, LogPath: a.logPath}, nil
}

func (a *active) conduct(ctx context.Context, p *plan.Plan, dims []*hindcast.Manifest, j *journal.Journal, state *hindcast.RunState) (*supervisor.Outcome, error) {
	steps, err := a.steps(ctx, p, a.lease.Fence())
	if err != nil {
		return nil, err
	}
	var before []hindcast.Event
	for _, m := range dims {
		before = append(before, hindcast.Event{Type: hindcast.EventDimension, Fact: m.Name, Rows: m.Sums.Rows, Bytes: m.Bytes,
			Seconds: m.Seconds, Manifest: m})
	}
	if state.Run == "" { // nothing was journaled yet
		state = nil
	}
	if a.before != a.run {
		theirs := func() (bool, error) { return a.isDone(ctx, a.before) }
		a.tell("sweeping what was staged", a.sweepStaging(ctx, a.before, theirs))
	}
	if !p.UnloadOnly { // then the fence is raised: nobody else's load can commit any more
		a.tell("sweeping what loads that died kept", a.sweepPrevious(ctx, p))
	}
	host, _ := os.Hostname()
	if ctx.Err() != nil { // asked to stop before anything began
		return nil, context.Cause(ctx)
	}
	defer steps.Close()
	return supervisor.Run(context.WithoutCancel(ctx), supervisor.Config{Plan: p, Order: plan.Order(p), Only: a.only, UnloadOnly: p.UnloadOnly, State: state, Journal: j, Before: before,
		Worker: steps, Fence: a.lease.Fence(), Host: host, Pid: os.Getpid(), Used: used(state),
		Stop: a.stops.requests, Deaths: a.deaths, Lost: a.lease.Lost(), LostBy: a.lease.Err, Prove: steps.Prove, Standing: steps.Standing, Kill: steps.Kill, Random: rand.Float64}), nil
}

// used is how long the run was active before.
func used(state *hindcast.RunState) time.Duration {
	if state == nil {
		return 0
	}
	return state.Active
}

// views writes the script of views over the current generations of the whole history.
func (a *active) views(ctx context.Context, p *plan.Plan) error {
	facts, dims, err := a.Lake.Current(ctx)
	if err != nil {
		return err
	}
	units, err := plan.Present(&p.Pipeline, p.History.End)
	if err != nil {
		return err
	}
	chosen := map[string][]*hindcast.Manifest{}
	for _, u := range units {
		if m := facts[u.Fact][u.Key]; m != nil && m.Interval.Equal(u.Interval) {
			chosen[u.Fact] = append(chosen[u.Fact], m)
		}
	}
	return a.Lake.Views(ctx, chosen, dims)
}

func changed(run, what, was, is string) error {
	return &hindcast.Error{Code: hindcast.EPlanChanged, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("run %s was planned for the %s %s; now it is %s", run, what, was, is),
		Next:    fmt.Sprintf("go back to %s, or begin anew with: hindcast run", was)}
}
