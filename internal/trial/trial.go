// Package trial computes slices at several sizes of the engine, for `hindcast trial`. It makes the attempts of a run, in a
// lake of its own that is removed: the engine is given what a run would give it, and nothing is published.
package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/attempt"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/view"
)

// Options say what is tried.
type Options struct {
	Slices string  // as a run's
	Sizes  string  // see Sizes
	Price  float64 // of the machine for an hour, on a cluster of an executor; 0 is unknown
	Log    io.Writer
	// Each is called when a slice was computed at a size.
	Each func(size view.Size, slice view.SliceTrial)
}

// runName stands in the lake aside for a run, which a trial does not have.
const (
	runName = "trial"
	fence   = 1
)

type trial struct {
	session *session.Session
	options Options
	where   Place
	plan    *plan.Plan
	lake    *lake.Lake // the one aside
	folder  string     // in which that is, and all else that is written
	report  view.Trial
	n       int // attempts that were made
}

// Run computes the slices at each size, one after the other. The session is open to read; the warehouse, too.
func Run(ctx context.Context, s *session.Session, o Options, now time.Time) (report *view.Trial, err error) {
	if s.Engine.Properties().Name == "emr-serverless" {
		return nil, misused("a trial on EMR Serverless is not there yet", "try sizes with --engine spark, whose SQL it is, or compare runs of a few slices: hindcast run --slices")
	}
	where := placeOf(s)
	sizes, err := Sizes(o.Sizes, where)
	if err != nil {
		return nil, err
	}
	cluster := where == OnCluster
	if where == OnGlue && o.Price != 0 {
		return nil, misused("--price is what a machine or an executor costs, and the prices of Glue are in a table", "leave it out; for other prices see run.prices")
	}
	if cluster && s.Lake.Remote() {
		return nil, misused("a trial on a cluster writes beside the lake, in a folder that the cluster sees, and the lake is in a bucket",
			"try sizes over a lake in a shared folder, or with local[*]")
	}
	for _, size := range sizes {
		if err := onMachine(size, s.Machine); err != nil {
			return nil, err
		}
	}

	t := &trial{session: s, options: o, where: where}
	t.report.Cluster, t.report.Glue, t.report.Price = cluster, where == OnGlue, o.Price
	if err := t.choose(ctx, now); err != nil {
		return nil, err
	}
	var remove func() error
	if t.folder, remove, err = s.FolderAside(cluster); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	tidy, err := t.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tidy(context.WithoutCancel(ctx))) }()
	if err := t.all(ctx, sizes); err != nil {
		return nil, err
	}
	return &t.report, nil
}

// choose plans the slices, whether they are up to date or not.
func (t *trial) choose(ctx context.Context, now time.Time) (err error) {
	s := t.session
	if t.plan, err = s.Plan(ctx, session.Choice{Slices: t.options.Slices, Force: true}, now); err != nil {
		return err
	}
	t.plan.Run = runName
	t.plan.Items = slices.DeleteFunc(t.plan.Items, func(i plan.Item) bool { return !i.Reason.Runs() })
	if len(t.plan.Items) == 0 {
		return misused("none of these slices can be computed now", "see why: hindcast plan --slices "+t.options.Slices)
	}

	history, err := plan.Cut(s.Pipeline.History, t.plan.History.End)
	if err != nil {
		return err
	}
	t.report.History, t.report.Engine = len(history), t.plan.Engine.Name+" "+t.plan.Engine.Version
	for _, item := range t.plan.Items {
		t.report.Slices = append(t.report.Slices, item.Slice.Key)
		t.report.Labels = append(t.report.Labels, t.plan.Label(item.Slice.Key))
	}
	return nil
}

// open opens the lake aside. What tidy does not remove is in the folder.
func (t *trial) open() (tidy func(context.Context) error, err error) {
	if t.where == OnGlue {
		t.lake, tidy, err = t.session.BucketAside(filepath.Join(t.folder, "lake"))
		return tidy, err
	}
	t.lake, err = t.session.LakeAside(filepath.Join(t.folder, "lake"))
	return func(context.Context) error { return nil }, err
}

// all tries each size, and chooses.
func (t *trial) all(ctx context.Context, sizes []view.Size) (err error) {
	release, err := t.lend(ctx)
	defer release()
	if err != nil {
		return err
	}

	if err := t.unload(ctx); err != nil {
		return err
	}
	for _, size := range sizes {
		m, err := t.size(ctx, size)
		if err != nil {
			return err
		}
		t.report.Reckon(&m)
		t.report.Sizes = append(t.report.Sizes, m)
	}
	if best := t.report.Best(); best != nil {
		t.report.Advice = t.advice(best)
	}
	t.report.Mark()
	return nil
}

// unload brings what is not in the lake into the one aside, before anything is measured.
func (t *trial) unload(ctx context.Context) error {
	steps, err := t.steps(ctx, t.plan, t.session.Engine)
	if err != nil {
		return err
	}
	defer steps.Close()
	if err := steps.Dimensions(ctx, func(*hindcast.Manifest) {}); err != nil {
		return err
	}
	for _, item := range t.plan.Items {
		if err := steps.Unload(ctx, t.try(item), func(hindcast.Event) {}); err != nil {
			return err
		}
	}
	return nil
}

// steps makes the attempts of a plan, in the lake aside.
func (t *trial) steps(ctx context.Context, p *plan.Plan, e engine.Engine) (*attempt.Steps, error) {
	return attempt.New(ctx, attempt.Config{Apart: true, Plan: p, Fence: fence, Lake: t.lake, Warehouse: t.session.Warehouse, Source: t.session.Source, Engine: e, Binder: t.session.Binder,
		Log: t.options.Log, Now: time.Now})
}

// try is the next attempt at a slice: what was staged by the one before is gone.
func (t *trial) try(item plan.Item) supervisor.Try {
	t.n++
	return supervisor.Try{Item: item, Run: runName, Attempt: t.n, Fence: fence}
}

func (t *trial) advice(m *view.Measured) *view.Advice {
	if t.where == OnGlue {
		return &view.Advice{Size: m.Size.Name, Parallel: m.Parallel, WorkerType: m.Size.WorkerType, Workers: m.Size.Workers}
	}
	a := &view.Advice{Size: m.Size.Name, Parallel: m.Parallel, Executors: m.Size.Executors, Cores: m.Size.Cores}
	if t.report.Cluster {
		a.ExecutorMemory = m.Size.Memory
	} else {
		a.Memory = memoryFor(int64(m.Parallel)*m.Size.Memory, t.session.Machine)
	}
	return a
}

// size computes the slices at one size, with an engine of its own.
func (t *trial) size(ctx context.Context, size view.Size) (m view.Measured, err error) {
	m = view.Measured{Size: size, Slices: []view.SliceTrial{}}
	name := strings.ReplaceAll(size.Name, ":", "x")
	w := &stopwatch{spill: filepath.Join(t.folder, "spill-"+name), dir: filepath.Join(t.folder, "start-"+name)}
	for _, dir := range []string{w.spill, w.dir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return m, fmt.Errorf("making a folder for the trial: %w", err)
		}
	}
	if t.where == OnGlue {
		if w.dir, err = t.lake.Exchange(true).Folder("start-" + name + "/"); err != nil {
			return m, err
		}
	}

	p, room, slots := t.given(size)
	w.opened = time.Now()
	e, binder, err := t.session.EngineAside(p, room, slots, w.spill)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, e.Close(), binder.Close()) }()
	w.Engine = e

	err = t.slices(ctx, t.shared(p, size, e.Capacity()), w, &m)
	m.StartUp, m.Memory, m.Parallel = w.startUp.Seconds(), w.memory, e.Capacity().Slots
	switch t.where {
	case OnCluster:
		m.Memory = 0 // what is known is the driver's alone
	case OnGlue:
		m.Parallel = t.session.Engine.Capacity().Slots
	case OnMachine:
		m.Parallel = beside(size, t.session.Machine.Room(t.session.Pipeline.Run))
	}
	if err == nil {
		return m, nil
	}
	if e := hindcast.AsError(err); e.Code == hindcast.EMemory {
		m.Failed, err = e.Message, nil
	}
	return m, err
}

// shared is the plan with the shares that a slice has at a size.
func (t *trial) shared(p *hindcast.Pipeline, size view.Size, c engine.Capacity) *plan.Plan {
	of := *t.plan
	room := t.session.Machine.Room(p.Run)
	of.Shares = plan.Divide(room, plan.Capacity(c), p.Run, 0, 1)
	of.Shares.Warehouse = room.EachWarehouse(p)
	if t.where == OnMachine {
		of.Shares.Threads, of.Shares.Transform = size.Threads, size.Memory
	}
	return &of
}

// given is the pipeline as it is for a size, and what its engine has.
func (t *trial) given(size view.Size) (*hindcast.Pipeline, engine.Room, int) {
	p := *t.session.Pipeline
	if t.where == OnGlue {
		p.Run.Parallel = 0
		g := &p.Transform.Glue
		g.WorkerType, g.Workers, g.Jobs, g.RunsPerJob = size.WorkerType, size.Workers, 1, 1
		return &p, engine.Room{Cores: t.session.Machine.Cores, Memory: t.session.Machine.Memory}, 0
	}
	if t.report.Cluster {
		p.Transform.Spark.Executors, p.Transform.Spark.Cores = size.Executors, size.Cores
		p.Transform.Spark.ExecutorMemory = cmp.Or(size.Memory, p.Transform.Spark.ExecutorMemory)
		return &p, engine.Room{Cores: t.session.Machine.Cores, Memory: t.session.Machine.Memory}, 0
	}
	p.Run.Parallel, p.Transform.Spark.ExecutorMemory = 1, 0
	return &p, engine.Room{Cores: size.Threads, Memory: size.Memory}, 1
}

// slices makes an attempt at each slice.
func (t *trial) slices(ctx context.Context, p *plan.Plan, w *stopwatch, m *view.Measured) error {
	steps, err := t.steps(ctx, p, w)
	if err != nil {
		return err
	}
	defer steps.Close()

	for _, item := range p.Items {
		slice, err := attemptAt(ctx, steps, t.try(item), w)
		if err != nil {
			return err
		}
		m.Slices = append(m.Slices, slice)
		if t.options.Each != nil {
			t.options.Each(m.Size, slice)
		}
	}
	return nil
}

// attemptAt is an attempt at a slice up to its load, which a trial leaves out.
func attemptAt(ctx context.Context, steps *attempt.Steps, try supervisor.Try, w *stopwatch) (view.SliceTrial, error) {
	slice := view.SliceTrial{Key: try.Item.Slice.Key}
	defer steps.Discard(context.WithoutCancel(ctx), try)
	for _, output := range try.Item.Wanted() {
		try.Output = output
		h, err := steps.Start(ctx, try)
		if err != nil {
			return slice, err
		}
		staged, err := steps.Wait(ctx, try, h, nil)
		if err != nil {
			return slice, err
		}
		if next := try.Item.Wanted(); output != next[len(next)-1] { // the others may read it
			if err := steps.Stage(ctx, try, staged.Manifest); err != nil {
				return slice, err
			}
			try.Earlier = append(try.Earlier, staged.Manifest)
		}
		slice.Seconds += w.took.Seconds()
		bill, err := w.bill(ctx, h)
		if err != nil {
			return slice, err
		}
		slice.Hours, slice.USD = slice.Hours+bill.Hours, slice.USD+bill.USD
		slice.Spilled = max(slice.Spilled, w.spilled)
		slice.RowsIn, slice.Rows = staged.RowsIn, slice.Rows+staged.Manifest.Sums.Rows
	}
	return slice, nil
}
