// Package glue is the engine that runs slices as runs of AWS Glue jobs, each of one slice. The jobs, and the script that they run, are made
// from the pipeline. How work lives is awsspark's; here is what Glue is asked.
package glue

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
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
	Price    func(hindcast.Glue) hindcast.Rate // what a run of such workers costs; nil where nobody wants to know
	Log      io.Writer                         // gets the end of the log of a run that died
	Pace     time.Duration                     // how often a job is asked for its runs; a second if it is 0
}

// Engine is Glue.
type Engine struct {
	*awsspark.Engine[*job]
	options Options
	service awsspark.Service
	objects *awsspark.Objects
	jobs    []*job
	mutex   sync.Mutex        // guards what jobs say of room, and what follows
	worked  map[string]worked // what Glue said last of work's runs, by its tag, until its bill is asked for
}

var (
	_ engine.Engine       = (*Engine)(nil)
	_ awsspark.Runs[*job] = runs{}
)

// pace is how often each job is asked for its runs: Glue throttles those who ask more.
const pace = time.Second

// Open makes the engine. It calls nobody before the first work.
func Open(o Options) *Engine {
	if o.Pace == 0 {
		o.Pace = pace
	}
	e := &Engine{options: o, service: service, objects: &awsspark.Objects{Store: o.Store, Scripts: o.Scripts, Folder: o.Folder}, worked: map[string]worked{}}
	e.service.Pace, e.service.Region = o.Pace, o.Clients.Region
	e.Engine = awsspark.New(runs{e}, e.objects, o.Spark, o.Pace)
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
	c := engine.Capacity{Slots: g.Jobs * g.RunsPerJob, Cap: fmt.Sprintf("%d Glue jobs with %s each", g.Jobs, numbers.Counted(g.RunsPerJob, "run"))}
	if g.Jobs == 1 {
		c.Cap = "a Glue job with " + numbers.Counted(g.RunsPerJob, "run")
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

// work is what this process was given to do, or waits for.
type work = awsspark.Work[*job]

// runs are those of the pipeline's jobs, each in one of them.
type runs struct{ *Engine }

// IDs are those by which a handle names a run.
func (e runs) IDs(j *job, run string) map[string]string {
	return map[string]string{"job": j.name, "run": run, "region": e.options.Clients.Region}
}

// Label is a run's name for people.
func (e runs) Label(j *job, run string) string { return "the run " + run + " of Glue's " + j.name }

// Find is the run that a handle names, or that has its tag.
func (e runs) Find(ctx context.Context, h hindcast.Handle) (*job, string, error) {
	j, run := e.named(h)
	if j == nil {
		var err error
		if j, run, err = e.find(ctx, h.Tag); err != nil || j == nil {
			return nil, "", err
		}
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	j.open++
	return j, run, nil
}

// Leave lets go of a run's place in its job.
func (e runs) Leave(j *job) {
	if j == nil {
		return // no job has taken it
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	j.open--
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

// Live calls each with all runs that have not ended.
func (e runs) Live(ctx context.Context, each func(j *job, tag, run string)) error {
	return e.everyJob(ctx, func(j *job, runs []attemptRun) {
		for _, r := range runs {
			if r.live() {
				each(j, r.tag, r.first())
			}
		}
	})
}

// End ends the work's runs, and waits until Glue says that they have ended.
func (e runs) End(ctx context.Context, w *work) error {
	if w.Unsure {
		if err := e.settle(ctx, w); err != nil {
			return err
		}
	}
	if w.Run == "" {
		return nil
	}
	last, err := w.Place.end(ctx, e.Engine, w.Run)
	if err == nil {
		e.note(w, last)
	}
	return err
}
