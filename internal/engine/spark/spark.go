// Package spark is the engine that runs slices in Apache Spark, by spark-submit and a PySpark driver of ours. An application
// works on several slices, one after the other, and outlives the process that started it: it is found again by its folder on
// this machine, which holds what it was asked for. Only the end that it writes beside a result's files, last of all, proves
// that work has ended well; what Spark or a cluster says of an application does not.
package spark

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/process"
	"github.com/hindcast/hindcast/internal/sparkhome"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// Options open an engine.
type Options struct {
	Submit   string   // the path of spark-submit
	Version  string   // of Spark: 3.5.9
	Env      []string // of the applications
	Spark    hindcast.Spark
	Bucket   func(context.Context) (Bucket, error) // the lake's, which a cluster reads and writes by itself; nil if it does not
	Dir      string                                // the folder of this machine's applications, the same for all processes of the user
	Capacity engine.Capacity
	Log      io.Writer         // gets the end of the log of an application that failed
	Says     func(what string) // hears what somebody has to wait for; may be nil
}

// Engine is Spark.
type Engine struct {
	options Options
	mutex   sync.Mutex         // guards what follows
	own     []*ours            // dead ones too, for Close
	works   map[string]*placed // by tag, of what this process started or waited for
	met     []*application     // those of other processes that had some of it
	closed  bool
}

var _ engine.Engine = (*Engine)(nil)

// ours is an application that this process started, or a warm session that it uses.
type ours struct {
	*application
	limits engine.Limits
	ended  <-chan struct{} // nil of a session that another process started
	kept   bool            // it is a session that stays for other processes
	given  int             // requests
	open   map[string]bool
	left   bool      // it was told to end, and takes nothing more
	expire time.Time // of the keys that it was given; zero if they do not
}

func (o *ours) dead() bool {
	select {
	case <-o.ended:
		return true
	default:
		return false
	}
}

// retire has it end once it has done what it was given.
func (o *ours) retire() {
	o.left = true
	o.leave()
}

// placed is work in an application.
type placed struct {
	handle hindcast.Handle
	in     *application
	ours   *ours          // nil if another process started it
	asked  sparksql.Asked // zero then
}

// Open makes the engine. It starts no application before the first work.
func Open(o Options) (*Engine, error) {
	if err := os.MkdirAll(filepath.Join(o.Dir, ends), 0o700); err != nil {
		return nil, &hindcast.Error{Code: hindcast.ESpark, Class: hindcast.ClassPermanent, Cause: err,
			Message: fmt.Sprintf("the folder of Spark's applications cannot be made: %v", err), Next: "set XDG_CACHE_HOME to a folder that can be written"}
	}
	if each := o.Capacity.Memory / int64(max(o.Capacity.Slots, 1)); hindcast.LocalMaster(o.Spark.Master) && each < leastMemory {
		return nil, &hindcast.Error{Code: hindcast.EMemory, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("Spark needs at least %s for an application; beside the warehouse there are %s", numbers.Size(leastMemory), numbers.Size(each)),
			Next:    "raise run.memory, or lower run.parallel"}
	}
	if err := sweep(o.Dir); err != nil {
		return nil, err
	}
	var last started
	if read(filepath.Join(o.Dir, startUpFile), &last) == nil && last.Version == o.Version {
		o.Capacity.StartUp = time.Duration(last.Seconds * float64(time.Second))
	}
	return &Engine{options: o, works: map[string]*placed{}}, nil
}

// started is how long it took the last time to start an application on this machine: a plan says so where another engine would
// do without.
type started struct {
	Version string  `json:"version"`
	Seconds float64 `json:"seconds"`
}

const startUpFile = "start-up.json"

// noteStartUp keeps how long an application of ours took to start; one that cannot be written is measured another time.
func (e *Engine) noteStartUp(a *application) {
	if took := a.startUp(); took > 0 {
		_ = place(filepath.Join(e.options.Dir, startUpFile), asJSON(started{e.options.Version, took.Seconds()}))
	}
}

// forgotten is how long the folder of a dead application is left to those who may want to read its log.
const forgotten = 24 * time.Hour

// unasked is how long the end of work is kept for a run that is resumed.
const unasked = 7 * 24 * time.Hour

// sweep ends applications that nobody will ask for anything again, and removes the folders that dead supervisors left of dead
// ones.
func sweep(dir string) error {
	written, err := filepath.Glob(filepath.Join(dir, ends, "*"))
	if err != nil {
		return fmt.Errorf("looking for the ends of Spark's work: %w", err)
	}
	for _, end := range written {
		if info, err := os.Stat(end); err == nil && time.Since(info.ModTime()) > unasked {
			_ = os.Remove(end) // or the next one does it
		}
	}

	all, err := applications(dir)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.forsaken() {
			a.leave()
		}
		if info, err := os.Stat(a.dir); err != nil || time.Since(info.ModTime()) < forgotten || a.alive() {
			continue
		}
		_ = a.remove() // or the next one does it
	}
	return nil
}

// Properties say what Spark is.
func (e *Engine) Properties() engine.Properties {
	p := Properties(e.options.Version)
	p.Elsewhere = !hindcast.LocalMaster(e.options.Spark.Master)
	return p
}

// Properties say what Spark of a version is, without an engine.
func Properties(version string) engine.Properties {
	return engine.Properties{Name: "spark", Version: version, Outlives: true}
}

// Capacity is what the engine was opened for.
func (e *Engine) Capacity() engine.Capacity { return e.options.Capacity }

// endFile is the name, in a work's folder, of the file that says how it ended. Spark leaves names that begin so alone.
const endFile = "_hindcast.json"

// ends is the folder for those of work that writes to a bucket: its driver is on this machine.
const ends = "ends"

// endOf is the path of the file that says how work ended.
func (e *Engine) endOf(tag, dir string) string {
	if !remote(dir) {
		return filepath.Join(dir, endFile)
	}
	sum := sha256.Sum256([]byte(tag + "\n" + dir))
	return filepath.Join(e.options.Dir, ends, hex.EncodeToString(sum[:16])+".json")
}

func remote(dir string) bool { return strings.Contains(dir, "://") }

// Start gives the work to an application: one that is free, a new one while there is room, or else the one with the least
// to do.
func (e *Engine) Start(ctx context.Context, work engine.Work) (hindcast.Handle, error) {
	r, asked, err := sparksql.Transform(work, e.options.Spark)
	if err != nil {
		return hindcast.Handle{}, err
	}
	r.ByS3A()
	r.End = e.endOf(work.Tag, work.Dir)
	if work.Limits.Memory > 0 && work.Limits.Memory < leastMemory {
		return hindcast.Handle{}, e.tooLittle(work.Limits)
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.closed {
		return hindcast.Handle{}, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "the engine is closed"}
	}
	if p := e.works[work.Tag]; p != nil {
		return p.handle, nil
	}

	o, err := e.applicationFor(ctx, work.Limits)
	if err != nil {
		return hindcast.Handle{}, err
	}
	o.given++
	o.open[work.Tag] = true
	if err := o.ask(o.given, r); err != nil {
		return hindcast.Handle{}, fmt.Errorf("asking a Spark application: %w", err)
	}
	us, err := process.This()
	if err != nil {
		return hindcast.Handle{}, err
	}
	h := hindcast.Handle{Tag: work.Tag, IDs: map[string]string{"application": o.name(), "host": us.Host, "master": e.options.Spark.Master}}
	e.works[work.Tag] = &placed{handle: h, in: o.application, ours: o, asked: asked}
	return h, nil
}

func (e *Engine) tooLittle(l engine.Limits) error {
	return &hindcast.Error{Code: hindcast.EMemory, Class: hindcast.ClassResource,
		Message: fmt.Sprintf("Spark needs at least %s for an application; there are %s", numbers.Size(leastMemory), numbers.Size(l.Memory)),
		Next:    "raise run.memory, or lower run.parallel"}
}

// applicationFor chooses an application for work with these limits; it may start one.
func (e *Engine) applicationFor(ctx context.Context, limits engine.Limits) (*ours, error) {
	var living, fitting []*ours
	for _, o := range e.own {
		if o.left || o.dead() {
			continue
		}
		ending := expires(o.expire)
		if ending && len(o.open) == 0 {
			o.retire()
			continue
		}
		living = append(living, o)
		if !ending && o.limits == limits && (e.options.Spark.PerApplication == 0 || o.given < e.options.Spark.PerApplication) {
			fitting = append(fitting, o)
		}
	}

	least := func(list []*ours) (found *ours) {
		for _, o := range list {
			if found == nil || len(o.open) < len(found.open) {
				found = o
			}
		}
		return found
	}
	if o := least(fitting); o != nil && (len(o.open) == 0 || len(living) >= e.options.Capacity.Slots) {
		return o, nil
	}
	if len(living) >= e.options.Capacity.Slots {
		if o := least(living); len(o.open) > 0 && len(fitting) == 0 && o.limits == limits {
			return o, nil // it waits there, beyond what one application should have
		} else if len(o.open) == 0 {
			o.retire()
		}
	}
	return e.start(ctx, limits)
}

func (e *Engine) start(ctx context.Context, limits engine.Limits) (*ours, error) {
	if c, is := sparkhome.Standalone(e.options.Spark.Master, e.options.Env); is && c.Refused(ctx) {
		return nil, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "no master of Spark listens at " + e.options.Spark.Master,
			Next: "start it, or correct spark.master; ask: hindcast doctor spark"}
	}
	s := e.submissionTo(e.options.Spark.Master, limits)
	expire, err := e.toBucket(ctx, &s)
	if err != nil {
		return nil, err
	}
	a, ended, err := e.begin(s)
	if err != nil {
		return nil, err
	}
	o := &ours{application: a, limits: limits, ended: ended, open: map[string]bool{}, expire: expire}
	e.own = append(e.own, o)
	return o, nil
}

// begin starts an application, if all that it needs is there.
func (e *Engine) begin(s submission) (*application, <-chan struct{}, error) {
	if missing := e.options.Spark.Fault(); missing != nil {
		return nil, nil, missing
	}
	return begin(e.options.Dir, s)
}

// Spark does not start with a heap of which less than 450 MiB can be used, and some collectors keep a part.
const (
	leastHeap   = 512 << 20
	leastMemory = leastHeap + leastHeap/4
)

// outsideHeap is the share of an application's memory that is not its JVM's heap: the JVM's own, and the driver's Python.
const outsideHeap = 0.15

// submissionTo is how to start an application with these limits.
func (e *Engine) submissionTo(master string, limits engine.Limits) submission {
	spark := e.options.Spark
	set := map[string]string{"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
	s := submission{submit: e.options.Submit, env: e.options.Env, master: master, set: set, secret: map[string]string{}}
	if hindcast.LocalMaster(master) {
		threads := "*"
		if limits.Threads > 0 {
			threads = strconv.Itoa(max(1, limits.Threads>>limits.Starved))
		}
		s.master = "local[" + threads + "]"
		heap := max(float64(limits.Memory)*(1-outsideHeap), leastHeap)
		set["spark.driver.memory"] = fmt.Sprintf("%dm", int64(heap)>>20)
		set["spark.driver.host"], set["spark.driver.bindAddress"] = "127.0.0.1", "127.0.0.1"
	} else {
		for key, value := range map[string]int{"spark.executor.instances": spark.Executors, "spark.executor.cores": spark.Cores} {
			if value > 0 {
				set[key] = strconv.Itoa(value)
			}
		}
		if spark.Executors > 0 && spark.Cores > 0 {
			set["spark.cores.max"] = strconv.Itoa(spark.Executors * spark.Cores)
		}
		if spark.ExecutorMemory > 0 {
			set["spark.executor.memory"] = fmt.Sprintf("%dm", spark.ExecutorMemory>>20)
		}
		if limits.Starved > 0 { // fewer tasks share an executor's memory
			if each := e.executorCores(); each > 1 {
				set["spark.task.cpus"] = strconv.Itoa(min(each, 1<<limits.Starved))
			}
		}
	}
	for key, value := range spark.Conf {
		if strings.Contains(spark.ConfWritten[key], "${") {
			s.secret[key] = value
			continue
		}
		set[key] = value
	}

	s.packages = slices.Clone(spark.Packages)
	return s
}

// executorCores is how many cores an executor has at least, where that is known.
func (e *Engine) executorCores() int {
	if e.options.Spark.Cores > 0 {
		return e.options.Spark.Cores
	}
	c, is := sparkhome.Standalone(e.options.Spark.Master, e.options.Env)
	if !is {
		return 1
	}
	p, err := c.Page(context.Background())
	if err != nil || len(p.Workers) == 0 {
		return 1
	}
	least := p.Workers[0].Cores
	for _, w := range p.Workers {
		if w.State == "ALIVE" {
			least = min(least, w.Cores)
		}
	}
	return least
}

// toBucket adds what the application needs for the lake's bucket, and says when its keys expire.
func (e *Engine) toBucket(ctx context.Context, s *submission) (expire time.Time, err error) {
	if e.options.Bucket == nil || hindcast.LocalMaster(s.master) {
		return expire, nil
	}
	b, err := e.options.Bucket(ctx)
	if err != nil {
		return expire, err
	}
	for key, value := range b.settings() {
		if _, named := s.set[key]; !named {
			s.set[key] = value
		}
	}
	if b.Package != "" {
		s.packages = append(s.packages, b.Package)
	}
	if b.provided(e.options.Spark.Conf) {
		return expire, nil
	}
	maps.Copy(s.secret, b.keys())
	return b.Keys.Expire, nil
}

// How often a wait looks: for the end first every endPoll, later less often, so that it comes late by a hundredth of the work's
// time at most. Waking every few milliseconds for as long as a slice takes would use a per cent or two of a core.
const (
	endPoll   = 5 * time.Millisecond
	endShare  = 100
	endLate   = 100 * time.Millisecond
	alivePoll = 500 * time.Millisecond
)

// Wait waits until the work's end is written.
func (e *Engine) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	p, err := e.find(h)
	if err != nil {
		return engine.Result{}, err
	}
	end := e.endOf(h.Tag, dir)
	if p == nil && !there(end) {
		return engine.Result{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "nothing is known here of " + h.Tag}
	}
	written, err := awaitEnd(ctx, end, nil, func() bool {
		if progress != nil {
			progress(p.in.progress(h.Tag))
		}
		return p.living()
	})
	if err != nil {
		return engine.Result{}, err
	}
	e.finished(h.Tag)
	if !written {
		return engine.Result{}, e.died(p.in)
	}
	return p.result(end, dir)
}

// awaitEnd waits until the file that says how work ended is there; written is false if the application is gone without it: its
// processes have ended, or living says so when it is asked now and then.
func awaitEnd(ctx context.Context, path string, ended <-chan struct{}, living func() bool) (written bool, err error) {
	began, look, life := time.Now(), time.NewTimer(endPoll), time.NewTicker(alivePoll)
	defer look.Stop()
	defer life.Stop()
	for !there(path) {
		gone := false
		select {
		case <-ctx.Done():
			return false, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: ctx.Err()}
		case <-ended:
			gone = true
		case <-life.C:
			gone = !living()
		case <-look.C:
			look.Reset(min(max(endPoll, time.Since(began)/endShare), endLate))
		}
		if gone {
			return there(path), nil
		}
	}
	return true, nil
}

// living reports whether the application of the work lives.
func (p *placed) living() bool {
	if p.ours != nil && !p.ours.dead() {
		return true
	}
	return p.in.alive()
}

// find finds the application that has the work; nil if none on this machine has.
func (e *Engine) find(h hindcast.Handle) (*placed, error) {
	e.mutex.Lock()
	p := e.works[h.Tag]
	e.mutex.Unlock()
	if p != nil {
		return p, nil
	}
	all, err := applications(e.options.Dir)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(a *application) bool { return a.name() == h.IDs["application"] })
	if i < 0 {
		i = slices.IndexFunc(all, func(a *application) bool { return a.has(h.Tag) })
	}
	if i < 0 {
		return nil, nil
	}
	p = &placed{handle: h, in: all[i]}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.works[h.Tag], e.met = p, append(e.met, all[i])
	return p, nil
}

// finished forgets work of which an application has no more to do.
func (e *Engine) finished(tag string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	p := e.works[tag]
	switch {
	case p == nil:
		return
	case p.ours == nil: // a dead supervisor's, which nobody will ask for anything again
		if !p.in.busy(tag) {
			p.in.leave()
		}
		return
	}
	delete(p.ours.open, tag)
	if n := e.options.Spark.PerApplication; n > 0 && p.ours.given >= n && len(p.ours.open) == 0 {
		p.ours.retire()
	}
}

// progress is how far the application is with the work.
func (a *application) progress(tag string) hindcast.Progress {
	var said struct {
		hindcast.Progress
		Request string `json:"request"`
	}
	if read(a.join(progressFile), &said) != nil || said.Tasks == 0 {
		return hindcast.Progress{}
	}
	var r sparksql.Request
	if read(filepath.Join(a.join(inbox), said.Request), &r) != nil || r.Tag != tag {
		return hindcast.Progress{}
	}
	return said.Progress // how much of all that is, Spark itself does not know before its last stage
}

// Stop kills the application that has the work, unless the work has ended: Spark's own ways to cancel may leave tasks behind.
// Other work that waits in the same application is lost with it, and its attempts are made again.
func (e *Engine) Stop(_ context.Context, h hindcast.Handle) error {
	p, err := e.find(h)
	if err != nil || p == nil {
		return err
	}
	defer e.ended(p)
	if !p.in.has(h.Tag) {
		return nil
	}
	if err := p.in.kill(e.options.Env); err != nil {
		return err
	}
	if p.ours != nil {
		<-p.ours.ended
	}
	return nil
}

// ended lets go of work that was stopped. What another process had started can be started again by its tag: its journal may not
// have the attempt, so that a resume begins with the same one.
func (e *Engine) ended(p *placed) {
	e.finished(p.handle.Tag)
	if p.ours != nil {
		return
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	delete(e.works, p.handle.Tag)
}

// Alive names the work that applications of this machine have and have not ended.
func (e *Engine) Alive(ctx context.Context, tagPrefix string) ([]hindcast.Handle, error) {
	found, err := Remains{Dir: e.options.Dir}.Found(ctx, tagPrefix)
	if err != nil {
		return nil, err
	}
	var handles []hindcast.Handle
	for _, r := range found {
		if !r.Idle {
			handles = append(handles, r.Handle)
		}
	}
	return handles, nil
}

// Workers names the living applications, for people.
func (e *Engine) Workers() []string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	var names []string
	for _, o := range e.own {
		if !o.dead() {
			names = append(names, "Spark's "+o.name())
		}
	}
	return names
}

// Close kills every application that this process started or waited for, and removes their folders.
func (e *Engine) Close() error {
	e.mutex.Lock()
	e.closed = true
	doomed, ended := map[string]*application{}, map[string]<-chan struct{}{}
	for _, o := range e.own {
		e.noteStartUp(o.application)
		doomed[o.dir], ended[o.dir] = o.application, o.ended
	}
	for _, a := range e.met {
		doomed[a.dir] = a
	}
	e.mutex.Unlock()

	failures := make(chan error, len(doomed))
	for _, a := range doomed {
		go func() {
			err := a.kill(e.options.Env)
			if err == nil {
				if done := ended[a.dir]; done != nil {
					<-done // it is reaped, so that its time counts as ours
				}
				err = a.remove()
			}
			failures <- err
		}()
	}
	var all []error
	for range doomed {
		all = append(all, <-failures)
	}
	return errors.Join(all...)
}

// DefaultDir is where a user's applications have their folders.
func DefaultDir() string {
	if cache, err := os.UserCacheDir(); err == nil {
		return filepath.Join(cache, "hindcast", "spark")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("hindcast-%d", os.Getuid()), "spark")
}

// Capacity is what Spark can run at once in the room, or on its cluster.
func Capacity(room engine.Room, run hindcast.RunConfig, s hindcast.Spark, env []string) engine.Capacity {
	c := engine.Capacity{Slots: 1, Cap: "one application at a time on " + s.Master, Memory: room.Memory, Threads: max(room.Cores, 1)}
	if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(s.Master, "local["), "]")); err == nil {
		c.Threads = n
	}
	if s.ExecutorMemory > 0 {
		c.Memory = s.ExecutorMemory
	}
	if !hindcast.LocalMaster(s.Master) {
		c.Slots, c.Cap, c.Threads, c.Memory = fits(s, env)
		c.Threads, c.Memory = max(c.Threads, max(s.Executors, 1)*max(s.Cores, 1)), max(c.Memory, max(s.ExecutorMemory, leastMemory)*int64(max(s.Executors, 1)))
	}
	if run.Parallel > 0 {
		c.Slots, c.Cap = run.Parallel, "run.parallel"
	}
	if most := int(max(1, c.Memory/leastMemory)); hindcast.LocalMaster(s.Master) && c.Slots > most {
		c.Slots, c.Cap = most, room.MemoryAs
	}
	return c
}
