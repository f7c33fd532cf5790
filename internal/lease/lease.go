// Package lease lets one process at a time run a pipeline. The lease is an object in the lake with a fence: a number
// that only grows, so that a warehouse can distinguish the holder from a zombie. A dead holder on this host is taken
// over at once, any other once its lease has not changed for a while, measured by our own clock: two machines' clocks
// are never compared. The package also delivers requests to stop a run to its holder. What a fence protects, and what
// stopping means, is the caller's responsibility.
package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/process"
)

// Defaults of Options.
const (
	DefaultTTL  = 30 * time.Second
	DefaultPoll = 300 * time.Millisecond
)

// Options are how a lease is taken and kept. The zero Options are usable.
type Options struct {
	// Wait waits for a holder to release its lease or to fall silent, instead of failing with E-LEASE-HELD.
	Wait bool
	// TTL is how long our lease may stay unchanged before it counts as abandoned; DefaultTTL if 0. It is stored in the
	// lease: a waiting process uses the holder's, not its own.
	TTL time.Duration
	// Poll is how often a waiting process looks at the lease, and a holder for requests to stop; DefaultPoll if 0.
	Poll time.Duration
	// Floor is a fence seen elsewhere, in the warehouse: the new one will be higher.
	Floor int64
	// Now is the wall clock that dates what is written; time.Now if nil. It may jump.
	Now func() time.Time
	// Task is what the lease is taken for where that is not a run: the name of a command.
	Task string
	// Process says who we are; process.This() if zero.
	Process process.Identity
	// Waiting, if set, is called once with the holder when all that is left is to wait whether it is silent.
	Waiting func(Holder)
}

// record is the lease's object. Changed only makes each write differ from the last.
type record struct {
	Pipeline         string    `json:"pipeline"`
	Run              string    `json:"run"` // with a Task, the run that held the lease before
	Task             string    `json:"task,omitempty"`
	Fence            int64     `json:"fence"`
	process.Identity           // who holds it
	Token            string    `json:"token"`
	Acquired         time.Time `json:"acquired"`
	Renewed          time.Time `json:"renewed"`
	Renewal          int64     `json:"renewal"` // counts, so that each renewal changes the object whatever the clock says
	Released         bool      `json:"released,omitempty"`

	TTL time.Duration `json:"ttl,omitempty"` // nanoseconds; the default if absent
}

// Lease is held until Release, or until Lost is closed.
type Lease struct {
	store   objstore.Store
	key     string
	options Options
	lost    chan struct{}
	stop    chan StopRequest
	cancel  context.CancelFunc
	ended   sync.WaitGroup

	mu     sync.Mutex // held while the object is written
	record record
	etag   string
	why    error // why it was lost
}

// Acquire takes the pipeline's lease for the run, or for Options.Task, whose run is "". If another process holds it and Options.Wait is not set, it returns
// E-LEASE-HELD, which names the holder. Even then a holder that, by the wall clock, has been silent for longer than the
// TTL is watched for one TTL and taken over if it stays silent: most likely its machine is lost.
func Acquire(ctx context.Context, store objstore.Store, pipeline, run string, options Options) (*Lease, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}

	l := &Lease{store: store, key: lake.LeaseKey(pipeline), options: options,
		lost: make(chan struct{}), stop: make(chan StopRequest)}
	l.record = record{Pipeline: pipeline, Run: run, Task: options.Task, Identity: options.Process, Token: rand.Text(), TTL: options.TTL}
	var watch watch
	for {
		was, etag, err := read(ctx, store, pipeline)
		if err == nil && etag == "" { // never taken, or its object is lost
			var known int64
			if known, err = highestKnown(ctx, store, pipeline); err != nil {
				return nil, fmt.Errorf("looking for earlier fences: %w", err)
			}
			options.Floor = max(options.Floor, known)
			l.options.Floor = options.Floor
		}

		if err != nil {
			return nil, err
		}

		silent, ttl := watch.silence(etag), was.ttl()
		if !was.free() && !was.dead(options.Process) && silent < ttl {
			if !options.Wait && (watch.changed || options.Now().Sub(was.Renewed) < ttl) {
				return nil, held(was, options.Process)
			}
			if options.Waiting != nil {
				options.Waiting(was.holder(options.Process, etag))
				options.Waiting = nil
			}

			if err := pause.For(ctx, min(options.Poll, ttl-silent)); err != nil {
				return nil, err
			}
			continue
		}

		err = l.take(ctx, was, etag)
		if err == nil {
			l.start()
			return l, nil
		}

		if !errors.Is(err, objstore.ErrPrecondition) {
			return nil, err
		}
	}
}

// highestKnown is the highest fence that the lake knows of where there is no lease: from generations, and from the journals of runs
// that may have unloaded nothing.
func highestKnown(ctx context.Context, store objstore.Store, pipeline string) (int64, error) {
	highest, err := lake.HighestFence(ctx, store, pipeline)
	if err != nil {
		return 0, err
	}

	l := lake.New(store, pipeline)
	runs, err := l.Runs(ctx)
	if err != nil {
		return 0, err
	}
	for _, run := range runs {
		fence, err := journal.HighestFence(ctx, store, l.RunPrefix(run))
		if err != nil {
			return 0, err
		}
		highest = max(highest, fence)
	}
	return highest, nil
}

func (o Options) complete() (Options, error) {
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.Now == nil {
		o.Now = time.Now
	}

	if o.Process == (process.Identity{}) {
		this, err := process.This()
		if err != nil {
			return o, fmt.Errorf("finding out who we are: %w", err)
		}
		o.Process = this
	}

	return o, nil
}

// watch measures how long an object has not changed, by the monotonic clock.
type watch struct {
	etag    string
	since   time.Time // never written: its monotonic reading is what counts
	changed bool      // since the first look
}

func (w *watch) silence(etag string) time.Duration {
	if w.since.IsZero() || w.etag != etag {
		w.changed = !w.since.IsZero()
		w.etag, w.since = etag, time.Now()
	}
	return time.Since(w.since)
}

// read returns the pipeline's lease; the zero record and an empty ETag if there has never been one.
func read(ctx context.Context, store objstore.Store, pipeline string) (record, string, error) {
	key := lake.LeaseKey(pipeline)
	body, info, err := objstore.Find(ctx, store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return record{}, "", nil
	}
	damaged := errors.Is(err, objstore.ErrDamaged)
	if err != nil && !damaged {
		return record{}, "", fmt.Errorf("reading the lease: %w", err)
	}

	var r record
	if err := json.Unmarshal(body, &r); err != nil || r.Fence < 1 || damaged {
		return record{}, "", &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Cause: err,
			Message: "the lease is corrupt", Place: hindcast.Place{File: objstore.Location(store, key)},
			Next: "make sure that nobody runs this pipeline, then delete the file"}
	}

	return r, info.ETag, nil
}

// ttl is how long the lease may stay unchanged before it can be taken over.
func (r record) ttl() time.Duration { return cmp.Or(r.TTL, DefaultTTL) }

func (r record) free() bool { return r.Fence == 0 || r.Released }

// dead reports whether the holder is known to be dead, which only its own host can know, and only since its last boot.
func (r record) dead(us process.Identity) bool { return r.Sees(us) && !r.Alive() }

// take writes the lease with the next fence, if it is still what was read.
func (l *Lease) take(ctx context.Context, was record, etag string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.options.Now().UTC()
	l.record.Fence = max(was.Fence, l.options.Floor) + 1
	if l.record.Task != "" { // the next run sweeps what that one left
		l.record.Run = was.Run
	}
	l.record.Acquired, l.record.Renewed = now, now
	return l.put(ctx, l.record, objstore.Condition{IfNoneMatch: etag == "", IfMatch: etag})
}

// put writes the record and remembers what was written. The caller holds the mutex. If the condition fails, the writer
// may have been us: an earlier write whose answer was lost or not waited for. The token shows whether it was. If the
// lease is missing, nobody has taken it over: it was deleted, or the store failed to find it. It is then put back.
func (l *Lease) put(ctx context.Context, r record, cond objstore.Condition) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the lease: %w", err)
	}

	for try := 0; ; try++ {
		info, err := l.store.Put(ctx, l.key, append(body, '\n'), cond)
		if errors.Is(err, objstore.ErrPrecondition) && try < 5 {
			now, etag, reading := read(ctx, l.store, r.Pipeline)
			switch {
			case reading != nil:
			case now.Token == r.Token && now.Renewal == r.Renewal && now.Released == r.Released:
				info, err = objstore.Info{ETag: etag}, nil
			case now.Token == r.Token:
				cond = objstore.Condition{IfMatch: etag}
				continue
			case etag == "" && cond.IfMatch != "":
				cond = objstore.Condition{IfNoneMatch: true}
				continue
			}
		}

		if err != nil {
			return fmt.Errorf("writing the lease: %w", err)
		}

		l.record, l.etag = r, info.ETag
		return nil
	}
}

// Fence is the lease's number: higher than that of every lease before it.
func (l *Lease) Fence() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record.Fence
}

// Check asks the lake whether the lease is still ours: E-FENCED if another process took it over. A missing lease is put
// back.
func (l *Lease) Check(ctx context.Context) error {
	l.mu.Lock()
	ours := l.record
	l.mu.Unlock()
	now, etag, err := read(ctx, l.store, ours.Pipeline)
	switch {
	case err != nil || now.Token == ours.Token:
		return err
	case etag != "":
		return taken(ours)
	}

	if err := l.renew(ctx, l.options.TTL); !errors.Is(err, objstore.ErrPrecondition) {
		return err // it is back, or cannot be written
	}

	return taken(ours)
}

// Lost is closed when the lease is no longer ours, or may not be: all work must stop. Release does not close it.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Err says why the lease was lost, as E-FENCED or E-LAKE; nil while it is not.
func (l *Lease) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// Stop delivers requests to stop this run, each once.
func (l *Lease) Stop() <-chan StopRequest { return l.stop }

// Release gives the lease back, so that the next process need not wait. It does nothing to a lost lease. Safe to
// repeat.
func (l *Lease) Release(ctx context.Context) error {
	l.cancel()
	l.ended.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.why != nil || l.record.Released {
		return nil
	}

	r := l.record
	r.Released, r.Renewed = true, l.options.Now().UTC()
	err := l.put(ctx, r, objstore.Condition{IfMatch: l.etag})
	if errors.Is(err, objstore.ErrPrecondition) {
		l.why = taken(r)
		return nil
	}

	return err
}

func (l *Lease) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.ended.Go(func() { l.keep(ctx) })
	l.ended.Go(func() { l.listen(ctx) })
}

// keep renews the lease until it is released or lost. A failed renewal is tried again, more often, until the TTL since
// the last success is over: from then on somebody may have taken it over. A late renewal (the process was suspended)
// that succeeds still proves that nobody did.
func (l *Lease) keep(ctx context.Context) {
	good := time.Now()
	wait := l.options.TTL / 3
	for pause.For(ctx, wait) == nil {
		begun := time.Now()
		err := l.renew(ctx, l.options.TTL-time.Since(good))
		switch {
		case err == nil:
			good, wait = begun, l.options.TTL/3
		case ctx.Err() != nil:
			return
		case errors.Is(err, objstore.ErrPrecondition):
			l.lose(taken(l.record))
			return
		case time.Since(good) >= l.options.TTL:
			l.lose(silenced(err, l.options.TTL))
			return
		default:
			wait = min(l.options.TTL/30, l.options.TTL-time.Since(good))
		}
	}
}

func (l *Lease) renew(ctx context.Context, left time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, max(left, l.options.TTL/10))
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.record
	r.Renewed = l.options.Now().UTC()
	r.Renewal++
	return l.put(ctx, r, objstore.Condition{IfMatch: l.etag})
}

func (l *Lease) lose(why error) {
	l.mu.Lock()
	l.why = why
	l.mu.Unlock()
	close(l.lost)
}

func held(by record, us process.Identity) error {
	where, next := "on this host", "`hindcast status` shows it, `hindcast stop` stops it"
	if !by.Sees(us) {
		where = "on host " + by.Host
		next += fmt.Sprintf("; if its machine is lost, `hindcast resume %s` continues once %s have passed since its last sign of life, at %s by its clock",
			by.Run, by.ttl(), by.Renewed.Format("15:04:05 MST"))
	}
	if by.Task != "" {
		next = "wait until it has ended"
	}

	return &hindcast.Error{Code: hindcast.ELeaseHeld, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("%s of pipeline %s is under way in process %d %s since %s",
			by.who(), by.Pipeline, by.Pid, where, by.Acquired.Format("2006-01-02 15:04:05 MST")),
		Next: next}
}

// who is what holds the lease, as people read it.
func (r record) who() string {
	if r.Task != "" {
		return r.Task
	}
	return "run " + r.Run
}

func taken(r record) error {
	return &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("another process took over pipeline %s from %s", r.Pipeline, r.who()),
		Next:    "`hindcast status` says who runs it"}
}

func silenced(cause error, ttl time.Duration) error {
	return &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Cause: cause,
		Message: fmt.Sprintf("the lease could not be renewed for %s: %v", ttl, cause),
		Next:    "check that the lake is reachable, then `hindcast resume`"}
}
