// Package launch runs what jobs of the Glue API execute, on this machine and in processes that outlive the server: a pipeline of
// hindcast's, a PySpark script by spark-submit, or a script of Python. Each run has a folder, by which a later server finds it.
package launch

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

//go:embed awsglue/*.py
var shim embed.FS

// Options say what there is to run scripts with.
type Options struct {
	Dir      string   // of the runs' folders; absolute
	Root     string   // the folder that pipelines and scripts lie in: nothing outside of it is run
	Hindcast []string // the command of this program, to which a pipeline's are added
	Env      []string // of the scripts; nil is this process's environment
	Threads  int      // of each Spark; at least 1
	Conf     []string // settings of each Spark: KEY=VALUE
	Packages []string // of each Spark, as Maven names them
	// Grace is how long processes are given to end by themselves when they are asked to: a pipeline finishes its load, or rolls it
	// back. 0 is 20 seconds.
	Grace time.Duration
	// Spark finds Spark and its Python, when the first script needs it.
	Spark func(ctx context.Context) (sparkhome.Home, error)
	// Fetch reads a script whose location is a URL.
	Fetch func(ctx context.Context, url string) ([]byte, error)
}

// Launcher is a jobs.Runner.
type Launcher struct {
	options Options
	home    func() (sparkhome.Home, error)

	mutex sync.Mutex
	turns map[string]*turn         // by run
	held  map[string]chan struct{} // by pipeline file: one run works on it at a time
}

var _ jobs.Runner = (*Launcher)(nil)

// New makes a launcher.
func New(o Options) (*Launcher, error) {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Grace == 0 {
		o.Grace = 20 * time.Second
	}
	l := &Launcher{options: o, turns: map[string]*turn{}, held: map[string]chan struct{}{}}
	l.home = sync.OnceValues(func() (sparkhome.Home, error) { return o.Spark(context.Background()) })
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of runs: %w", err)
	}
	if err := l.writeShim(); err != nil {
		return nil, fmt.Errorf("writing awsglue: %w", err)
	}
	return l, nil
}

// writeShim puts the awsglue of this version beside the runs.
func (l *Launcher) writeShim() error {
	dir := filepath.Join(l.options.Dir, shimFolder)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, shim)
}

const shimFolder = "python"

// The files of a run's folder.
const (
	begunFile   = "begun.json"  // before its first process: whose machine it is on
	leaderFile  = "leader.json" // the first process, whose session has all of them
	exitFile    = "exit"        // how the script exited, written last
	stoppedFile = "stopped"     // it is not to run, or not any more
	scriptFile  = "script.py"   // a copy of what a bucket had
)

func (l *Launcher) dir(id string) string { return filepath.Join(l.options.Dir, id) }

// turn is held while a run's processes are started or stopped.
type turn struct {
	sync.Mutex
	stop    sync.Once
	stopped chan struct{} // closed by a stop
}

func (l *Launcher) turn(id string) *turn {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.turns[id] == nil {
		l.turns[id] = &turn{stopped: make(chan struct{})}
	}
	return l.turns[id]
}

// Run runs the task to its end, or takes up what an earlier server began.
func (l *Launcher) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	work, err := l.prepare(ctx, t)
	if ctx.Err() != nil {
		return jobs.End{}, ctx.Err()
	}
	if err != nil {
		return failed("%v", err), nil
	}
	release, err := l.hold(ctx, work, t)
	if err != nil {
		return jobs.End{}, err
	}
	defer release()
	r := &running{dir: l.dir(t.ID), grace: l.options.Grace}
	for {
		end, again, err := l.once(ctx, r, work, t, began)
		if !again || err != nil {
			return end, err
		}
	}
}

// once runs the task's processes to their end. A pipeline that was killed with its machine is to run again: it goes on where it was.
func (l *Launcher) once(ctx context.Context, r *running, work work, t jobs.Task, began func()) (end jobs.End, again bool, err error) {
	taken, err := l.start(ctx, r, work, t)
	if err != nil {
		return failed("%v", err), false, nil
	}
	began()
	if err := r.wait(ctx); err != nil {
		return jobs.End{}, false, err
	}
	end, known := r.end(work)
	if !known && taken && work.resumes && !there(r.join(stoppedFile)) {
		return end, true, nil
	}
	return end, false, nil
}

// start starts the task's processes, unless they were started before, or it was stopped; taken reports the former.
func (l *Launcher) start(ctx context.Context, r *running, work work, t jobs.Task) (taken bool, err error) {
	turn := l.turn(t.ID)
	turn.Lock()
	defer turn.Unlock()
	if there(r.join(exitFile)) || there(r.join(stoppedFile)) {
		return false, nil
	}
	if there(r.join(begunFile)) {
		alive, err := r.alive()
		if err != nil || len(alive) > 0 || !work.resumes {
			return true, err
		}
	}
	return false, r.start(ctx, l.options.Env, work)
}

// Stop ends the task's processes.
func (l *Launcher) Stop(ctx context.Context, t jobs.Task) error {
	turn := l.turn(t.ID)
	turn.stop.Do(func() { close(turn.stopped) })
	turn.Lock()
	defer turn.Unlock()
	r := &running{dir: l.dir(t.ID), grace: l.options.Grace}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(r.join(stoppedFile), nil, 0o600); err != nil {
		return err
	}
	return r.kill(ctx)
}

// Forget removes the run's folder.
func (l *Launcher) Forget(id string) error {
	l.mutex.Lock()
	delete(l.turns, id)
	l.mutex.Unlock()
	return os.RemoveAll(l.dir(id))
}

// Log opens what the run wrote.
func (l *Launcher) Log(id string, s jobs.Stream) (io.ReadSeekCloser, error) {
	return os.Open(filepath.Join(l.dir(id), string(s)))
}

// hold waits until no other run works on the same pipeline, which is one process's at a time.
func (l *Launcher) hold(ctx context.Context, w work, t jobs.Task) (release func(), err error) {
	if w.alone == "" {
		return func() {}, nil
	}
	l.mutex.Lock()
	alone := l.held[w.alone]
	if alone == nil {
		alone = make(chan struct{}, 1)
		l.held[w.alone] = alone
	}
	l.mutex.Unlock()
	select {
	case <-l.turn(t.ID).stopped:
		return func() {}, nil
	case alone <- struct{}{}:
		return func() { <-alone }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func failed(format string, args ...any) jobs.End {
	return jobs.End{Failed: true, Message: fmt.Sprintf(format, args...)}
}

// there reports whether a file exists.
func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}

// place writes a file whole or not at all.
func place(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".part", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
