// Package glue is the engine that runs slices as runs of AWS Glue jobs, each of one slice. The jobs, and the script that they run, are made
// from the pipeline. A run outlives the process that started it, and is found again by the tag in its arguments. Only the end that the script
// writes beside a result's files, last of all, proves that work has ended well; what Glue says of a run does not.
package glue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// Options open an engine.
type Options struct {
	Glue     hindcast.Glue
	Spark    hindcast.Spark // of which only what is broadcast counts
	Name     string         // what the names of the jobs begin with: unique to pipeline and lake
	Store    objstore.Store // the lake's, a bucket
	Scripts  objstore.Store // where the script is put
	Folder   string         // the prefix for it: "" or ends in "/"
	Clients  Clients
	Capacity engine.Capacity
	Log      io.Writer     // gets the end of the log of a run that died
	Pace     time.Duration // how often a job is asked for its runs; a second if it is 0
}

// Engine is Glue.
type Engine struct {
	options Options
	calls   caller
	jobs    []*job
	upload  sync.Mutex // held while the script is put
	script  string     // its URL, once it is there
	mutex   sync.Mutex // guards what follows, and what jobs say of room
	works   map[string]*given
	closed  bool
}

var _ engine.Engine = (*Engine)(nil)

// pace is how often each job is asked for its runs: Glue throttles those who ask more.
const pace = time.Second

// Open makes the engine. It calls nobody before the first work.
func Open(o Options) *Engine {
	if o.Pace == 0 {
		o.Pace = pace
	}
	e := &Engine{options: o, calls: caller{pace: o.Pace, region: o.Clients.Region}, works: map[string]*given{}}
	for n := range o.Glue.Jobs {
		e.jobs = append(e.jobs, e.job(n))
	}
	return e
}

// Properties say what Glue is.
func (e *Engine) Properties() engine.Properties { return Properties(e.options.Glue) }

// Properties say what Glue is, without an engine. The version is that of its Spark.
func Properties(g hindcast.Glue) engine.Properties {
	return engine.Properties{Name: "glue", Version: hindcast.GlueSpark[g.Version], Outlives: true, Elsewhere: true}
}

// Capacity is what the engine was opened for.
func (e *Engine) Capacity() engine.Capacity { return e.options.Capacity }

// Capacity is what the jobs run at once. A run has its workers for itself, less the one that is the driver, and
// costs the rate.
func Capacity(run hindcast.RunConfig, g hindcast.Glue, rate *hindcast.Rate) engine.Capacity {
	c := engine.Capacity{Slots: g.Jobs * g.RunsPerJob, Cap: fmt.Sprintf("%d Glue jobs with %d runs each", g.Jobs, g.RunsPerJob)}
	if g.Jobs == 1 {
		c.Cap = fmt.Sprintf("a Glue job with %d runs", g.RunsPerJob)
	}
	if run.Parallel > 0 && run.Parallel < c.Slots {
		c.Slots, c.Cap = run.Parallel, "run.parallel"
	}
	w := g.Worker()
	c.EachMemory, c.EachThreads = int64(g.Workers-1)*w.Memory, (g.Workers-1)*w.Cores
	c.Rate = rate
	c.Memory, c.Threads = c.EachMemory*int64(c.Slots), c.EachThreads*c.Slots
	return c
}

// Names of objects in a work's folder. Spark leaves those that begin so alone.
const (
	requestFile = "_hindcast_request.json"
	endFile     = "_hindcast.json"
)

// The arguments of a run. Glue has its own, beside which they must be recognized.
const (
	requestArgument = "--hindcast_request"
	tagArgument     = "--hindcast_tag"
)

// given is work of this process, or one that it waits for.
type given struct {
	tag   string
	dir   string         // a URL
	asked sparksql.Asked // zero if another process started it

	mutex   sync.Mutex // held while it is started, or looked for
	job     *job       // nil before a job has taken it
	run     string     // the id of its first run; "" before Glue has said it
	unsure  bool       // Glue may have started it
	dropped bool       // it is not to be started any more
}

// Start has Glue run the work. Where there is no room for it, it is started while somebody waits for it.
func (e *Engine) Start(ctx context.Context, work engine.Work) (hindcast.Handle, error) {
	r, asked, err := sparksql.Transform(work, e.options.Spark)
	if err != nil {
		return hindcast.Handle{}, err
	}
	r.End = work.Dir + "/" + endFile

	g, mine, err := e.admit(work, asked)
	if err != nil {
		return hindcast.Handle{}, err
	}
	if !mine {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		return e.handle(g), nil
	}
	defer g.mutex.Unlock()
	if err = e.put(ctx, work.Dir, r); err == nil {
		err = e.begin(ctx, g)
	}
	if err != nil {
		e.forget(g)
		return hindcast.Handle{}, err
	}
	return e.handle(g), nil
}

// admit takes the work in, unless this process has it already; its mutex is held if it is new.
func (e *Engine) admit(work engine.Work, asked sparksql.Asked) (g *given, mine bool, err error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.closed {
		return nil, false, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "the engine is closed"}
	}
	if g := e.works[work.Tag]; g != nil {
		return g, false, nil
	}
	g = &given{tag: work.Tag, dir: work.Dir, asked: asked}
	g.mutex.Lock()
	e.works[work.Tag] = g
	return g, true, nil
}

func (e *Engine) forget(g *given) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	delete(e.works, g.tag)
}

// handle finds the work again. What no job has taken yet is found by nobody else, and needs not to be.
func (e *Engine) handle(g *given) hindcast.Handle {
	h := hindcast.Handle{Tag: g.tag}
	if g.run != "" {
		h.IDs = e.ids(g.job, g.run)
	}
	return h
}

func (e *Engine) ids(j *job, run string) map[string]string {
	return map[string]string{"job": j.name, "run": run, "region": e.options.Clients.Region}
}

// put writes what the script is to read.
func (e *Engine) put(ctx context.Context, dir string, r sparksql.Request) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("asking Glue: %w", err)
	}
	key, err := e.key(dir)
	if err != nil {
		return err
	}
	_, err = e.options.Store.Put(ctx, key+requestFile, text, objstore.Condition{})
	return err
}

// key is the prefix of a folder of the lake, whose URL is given.
func (e *Engine) key(dir string) (string, error) {
	below, is := strings.CutPrefix(dir, e.options.Store.URL()+"/")
	if !is {
		return "", fmt.Errorf("the folder %s is not below the lake %s", dir, e.options.Store.URL())
	}
	return strings.TrimSuffix(below, "/") + "/", nil
}

// end is what the script wrote last; nil if it has not.
func (e *Engine) end(ctx context.Context, dir string) (*sparksql.End, error) {
	key, err := e.key(dir)
	if err != nil {
		return nil, err
	}
	text, _, err := e.options.Store.Get(ctx, key+endFile)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var is sparksql.End
	if err := json.Unmarshal(text, &is); err != nil {
		return nil, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Cause: err, Message: "the end that a run of Glue wrote cannot be read: " + err.Error()}
	}
	return &is, nil
}

// Wait waits until the work's run has ended, and reads its end.
func (e *Engine) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	if progress == nil {
		progress = func(hindcast.Progress) {}
	}
	result, err := e.wait(ctx, h, dir, progress)
	if ctx.Err() != nil && err != nil {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: ctx.Err()}
	}
	return result, err
}

func (e *Engine) wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	g, err := e.known(ctx, h)
	if err != nil {
		return engine.Result{}, err
	}
	if g == nil { // no job has it: it may have ended long ago
		return e.ended(ctx, &given{tag: h.Tag, dir: dir}, nil)
	}
	if g.dir == "" {
		g.dir = dir
	}
	if err := e.begun(ctx, g, progress); err != nil {
		return engine.Result{}, err
	}
	last, err := e.follow(ctx, g, progress)
	if err != nil {
		return engine.Result{}, err
	}
	e.leave(g)
	return e.ended(ctx, g, last)
}

// begun waits until Glue has the work: there may have been no room for it, or no answer.
func (e *Engine) begun(ctx context.Context, g *given, progress func(hindcast.Progress)) error {
	for wait := e.options.Pace; ; wait = min(2*wait, 15*e.options.Pace) {
		g.mutex.Lock()
		err := e.begin(ctx, g)
		done := g.run != "" || g.dropped
		g.mutex.Unlock()
		if err != nil || done {
			return err
		}
		progress(hindcast.Progress{})
		if err := pause(ctx, jittered(wait)); err != nil {
			return err
		}
	}
}

// known is the work of a handle; nil if no job has a run of it.
func (e *Engine) known(ctx context.Context, h hindcast.Handle) (*given, error) {
	e.mutex.Lock()
	g := e.works[h.Tag]
	e.mutex.Unlock()
	if g != nil {
		return g, nil
	}
	j, run := e.named(h)
	if j == nil {
		var err error
		if j, run, err = e.find(ctx, h.Tag); err != nil || j == nil {
			return nil, err
		}
	}

	e.mutex.Lock()
	defer e.mutex.Unlock()
	if g := e.works[h.Tag]; g != nil {
		return g, nil
	}
	g = &given{tag: h.Tag, job: j, run: run}
	e.works[h.Tag] = g
	j.open++
	return g, nil
}

// named is the job and run that a handle names; nil if it names none.
func (e *Engine) named(h hindcast.Handle) (*job, string) {
	name, run := h.IDs["job"], h.IDs["run"]
	if name == "" || run == "" || h.IDs["region"] != e.options.Clients.Region {
		return nil, ""
	}
	for _, j := range e.jobs {
		if j.name == name {
			return j, run
		}
	}
	return e.newJob(name), run // of an earlier pipeline file that had more
}

// find looks for a run by its tag; a nil job if none has one.
func (e *Engine) find(ctx context.Context, tag string) (found *job, run string, err error) {
	var mutex sync.Mutex
	err = e.everyJob(ctx, func(j *job, runs []attemptRun) {
		mutex.Lock()
		defer mutex.Unlock()
		for _, r := range runs {
			if r.tag == tag && found == nil {
				found, run = j, r.first()
			}
		}
	})
	return found, run, err
}

// everyJob calls do with the runs of every job that may have one that lives. There may be more jobs than the pipeline has now.
func (e *Engine) everyJob(ctx context.Context, do func(*job, []attemptRun)) error {
	look := func(j *job) (there bool, err error) {
		runs, there, err := j.all(ctx, e)
		if err == nil && there {
			do(j, runs)
		}
		return there, err
	}
	err := parallel.Do(len(e.jobs), lookWidth, func(n int) error {
		_, err := look(e.jobs[n])
		return err
	})
	for n := len(e.jobs); err == nil; n++ {
		var there bool
		if there, err = look(e.job(n)); !there {
			break
		}
	}
	return err
}

// lookWidth is how many jobs are asked side by side.
const lookWidth = 4

// leave lets go of the place that the work had in its job.
func (e *Engine) leave(g *given) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.works[g.tag] == g {
		delete(e.works, g.tag)
		if g.job != nil {
			g.job.open--
		}
	}
}

// Stop ends the work's runs, and waits until Glue says that they have ended.
func (e *Engine) Stop(ctx context.Context, h hindcast.Handle) error {
	g, err := e.known(ctx, h)
	if err != nil || g == nil {
		return err
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.dropped = true
	if g.unsure {
		if err := e.settle(ctx, g); err != nil {
			return err
		}
	}
	if g.run != "" {
		if err := g.job.end(ctx, e, g.run); err != nil {
			return err
		}
	}
	e.leave(g)
	return nil
}

// Alive names the work that Glue has and that has not ended, and what waits here for room.
func (e *Engine) Alive(ctx context.Context, tagPrefix string) ([]hindcast.Handle, error) {
	var mutex sync.Mutex
	var handles []hindcast.Handle
	seen := map[string]bool{}
	err := e.everyJob(ctx, func(j *job, runs []attemptRun) {
		mutex.Lock()
		defer mutex.Unlock()
		for _, r := range runs {
			if r.live() && strings.HasPrefix(r.tag, tagPrefix) && !seen[r.tag] {
				seen[r.tag] = true
				handles = append(handles, hindcast.Handle{Tag: r.tag, IDs: e.ids(j, r.first())})
			}
		}
	})
	if err != nil {
		return nil, err
	}

	for _, g := range e.all() {
		g.mutex.Lock()
		if g.run == "" && !g.dropped && strings.HasPrefix(g.tag, tagPrefix) && !seen[g.tag] {
			handles = append(handles, hindcast.Handle{Tag: g.tag})
		}
		g.mutex.Unlock()
	}
	return handles, nil
}

// Remains are the runs of the pipeline's jobs.
type Remains struct{ *Engine }

var _ engine.Remains = Remains{}

// Found lists the runs of work that have not ended.
func (r Remains) Found(ctx context.Context, tagPrefix string) (found []engine.Remnant, err error) {
	alive, err := r.Alive(ctx, tagPrefix)
	for _, h := range alive {
		found = append(found, engine.Remnant{Handle: h})
	}
	return found, err
}

// End stops a run.
func (r Remains) End(ctx context.Context, is engine.Remnant) error { return r.Stop(ctx, is.Handle) }

func (e *Engine) all() []*given {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	list := make([]*given, 0, len(e.works))
	for _, g := range e.works {
		list = append(list, g)
	}
	return list
}

// Workers names the runs that this process started or waits for, for people.
func (e *Engine) Workers() []string {
	var names []string
	for _, g := range e.all() {
		g.mutex.Lock()
		if g.run != "" {
			names = append(names, "the run "+g.run+" of Glue's "+g.job.name)
		}
		g.mutex.Unlock()
	}
	return names
}

func (e *Engine) isClosed() bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.closed
}

// closing bounds how long it may take to end all runs.
const closing = 5 * time.Minute

// Close ends all work that this process started or waited for.
func (e *Engine) Close() error {
	e.mutex.Lock()
	e.closed = true
	e.mutex.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	works := e.all()
	failures := make(chan error, len(works))
	for _, g := range works {
		go func() { failures <- e.Stop(ctx, hindcast.Handle{Tag: g.tag}) }()
	}
	var all []error
	for range works {
		all = append(all, <-failures)
	}
	return errors.Join(all...)
}
