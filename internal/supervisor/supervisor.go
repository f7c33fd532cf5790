// Package supervisor is a run: it takes the slices of a frozen plan through unload, transform and load, each
// step with its own limit, retries what can heal, stops when it must, journals all of it, and reports truthfully
// how the run ended. The Worker does the steps; the Journal makes events durable.
//
// One goroutine owns the run's state and the journal's order (run.go); the steps run in fixed pools of
// goroutines (pool.go) that send it messages. docs/reference/states.md has the diagram of the states.
package supervisor

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Journal makes events durable, in the order in which they are given. Only the supervisor appends to it while
// a run goes on. An error of either method ends the run: nothing can be promised any more.
type Journal interface {
	// Append returns when the events, and all before them, are durable.
	Append(ctx context.Context, events ...hindcast.Event) error
	// AppendAsync returns at once; the events are durable soon, and before those of any later Append.
	AppendAsync(events ...hindcast.Event) error
}

// Report reports an event within a step to the supervisor, which journals it: step_started and step_finished of
// each fact's unload, dimension. Slice, Attempt and Step are filled in. It usually returns
// at once, and has no effect after the call that it was given to has returned.
type Report func(hindcast.Event)

// Worker does the steps of one slice's attempt. Its methods are called in parallel, but one at a time for
// each slice; Lookup, Reusable and Load never run beside each other. When ctx ends, a method ends what it
// started, also in other processes, and returns soon. Errors are *hindcast.Error with a class, anything else
// counts as permanent; E-FENCED ends the run.
type Worker interface {
	// Unload brings the slice's fact units, and the dimensions, into the lake where the plan says so, and reports step_finished
	// with the manifest for each fact. It returns quickly if all is there already: it is called again when the attempt is.
	// Unloading units that slices share only once is its responsibility.
	Unload(ctx context.Context, try Try, report Report) error
	// Fingerprint is the slice's, now that its inputs are in the lake: of all outputs that the slice is run for. due are those of
	// them, by their index in Plan.Outputs, of which no status row with their fingerprint is in the warehouse, or that are made
	// in any case (Item.Forced). If none is, the slice is skipped.
	Fingerprint(ctx context.Context, try Try) (print string, due []int, err error)
	// Outlives reports whether what Start gives to the engine goes on when this process has died. Then its tag is
	// journaled before Start and its handle after it, and a resume begins at Wait.
	Outlives() bool
	// Tag is the name by which the engine knows the attempt's work on Try.Output: the same in every process.
	Tag(try Try) string
	// Start gives the SQL and the checks of Try.Output to the engine, and returns at once. After an error nothing has been
	// started.
	Start(ctx context.Context, try Try) (hindcast.Handle, error)
	// Wait waits until the engine is done, also with what an earlier process gave it. The result is where the engine
	// wrote it, below the attempt's own prefix (promise 3). After an error, or when ctx has ended, the work is confirmed
	// dead when it returns; otherwise the error is Unconfirmed. Of work that is not known any more it says E-WORKER. It
	// calls progress now and then, and not after it has returned.
	Wait(ctx context.Context, try Try, h hindcast.Handle, progress func(hindcast.Progress)) (Staged, error)
	// End ends the work; nil means that it is confirmed dead.
	End(ctx context.Context, h hindcast.Handle) error
	// Bill is what work has cost that has ended; nil if it cost nothing, or nobody knows.
	Bill(ctx context.Context, h hindcast.Handle) *hindcast.Bill
	// Stage brings the transform's result into the lake, and completes its manifest. The engine is free by then:
	// the next slice's transform may run beside it.
	Stage(ctx context.Context, try Try, result *hindcast.Manifest) error
	// Reusable says whether the staged files are all there, as their manifest says.
	Reusable(ctx context.Context, staged *hindcast.Manifest) bool
	// Load publishes the staged results of one or many slices, of each one of every output that was due, in one transaction
	// (promise 2), and returns the status rows of each. A result may be of an earlier attempt (its Attempt). Where a try has a
	// Before, E-CHANGED if the target has anything else there.
	Load(ctx context.Context, list []Loading) ([][]hindcast.Committed, error)
	// Before says what the targets have in each of the slices, of the outputs that it is run for.
	Before(ctx context.Context, tries []Try) ([][]hindcast.Before, error)
	// Keep keeps the staged results of rows that are committed in the lake, where the pipeline asks for it. Repeating it does no harm.
	// It is called before the slice counts as committed.
	Keep(ctx context.Context, try Try, committed []hindcast.Committed, staged []*hindcast.Manifest) error
	// Lookup resolves a load whose end is unknown: the status rows of the outputs that the slice is run for, in their order, if
	// together they have Try.Fingerprint, whichever attempts wrote them, read under the targets' locks so that a commit in
	// flight has ended; nil if they do not.
	Lookup(ctx context.Context, try Try) ([]hindcast.Committed, error)
	// Discard removes what Try.Attempt and those before it left behind below their own prefixes, after it failed
	// or when its result is committed: staged files. Never a generation of a fact, nor previous rows. Best effort:
	// failures are logged.
	Discard(ctx context.Context, try Try)
}

// Try names one attempt at one slice.
type Try struct {
	Item        plan.Item
	Run         string
	Attempt     int   // counts from 1, and on over resumes
	Output      int   // that is transformed, by its index in Plan.Outputs
	Alone       bool  // no other transform runs beside it: it may have all of the memory
	Starved     int   // how often it ran out of memory
	Fence       int64 // for the load, and of whoever gave the engine its work
	Fingerprint string
	// Earlier are the results of outputs before Output that are staged for the same slice, which its SQL may read.
	Earlier []*hindcast.Manifest
	Before  []hindcast.Before // what a held result is to replace; nil replaces whatever is there
}

// Loading is the result of one slice, to be published.
type Loading struct {
	Try    Try
	Staged []*hindcast.Manifest
}

// Staged is a finished transform of one output.
type Staged struct {
	Manifest *hindcast.Manifest
	Memory   int64 // peak resident bytes of its process; 0 if unknown
	Spilled  int64 // bytes that it wrote to disk for lack of memory, as far as the engine knows
	Outside  int64 // rows of the result that it dropped
	RowsIn   int64 // rows of the facts that it read
	BytesIn  int64
	Strays   []hindcast.Stray // counted meanwhile: rows that no slice takes
}

// StopRequest asks a run to stop. The first one stops it gracefully: nothing new begins, unloads and
// transforms are cancelled, a load may finish within Config.Grace. The second one, or one with Now, at once.
type StopRequest struct {
	By  string // who asks, for people: "SIGINT", "hindcast stop by ana"
	Now bool
	// Slices are the keys of those that are to stop while the others go on; the whole run if empty. Such a request
	// counts neither as a first one nor as a second.
	Slices []string
}

// Config is what a run is made of. Retries, waits, timeouts, the budget and the failure policy are those of
// Plan.Pipeline.Run, the limits those of Plan.Shares; load is one at a time.
type Config struct {
	Plan *plan.Plan
	// Order lists indices into Plan.Items, in the order in which slices begin; nil is the plan's own.
	Order []int
	// Only are the keys of the slices that a resume is asked for; every one that is not done if empty. The others
	// stay as they are, and the run then ends with ExitStopped at best (promise 6).
	Only []string
	// Publishing says when results become visible.
	Publishing Publishing
	// StagedOnly publishes what is staged, and computes nothing: a slice whose staged result is not there any more fails.
	StagedOnly bool
	// LoadOnly gives every slice a load, and no step before it: its Worker knows what to load.
	LoadOnly bool
	// UnloadOnly ends every slice after its unload, as `hindcast unload` does.
	UnloadOnly bool
	// State is the journal so far, folded; nil for a new run. The supervisor owns it from here on, and
	// journals run_started or run_resumed itself.
	State   *hindcast.RunState
	Journal Journal
	// Before are events of what came before the first slice, dimensions that were unloaded; they are journaled right
	// after run_started or run_resumed.
	Before []hindcast.Event
	Worker Worker
	Fence  int64
	Host   string
	Pid    int
	// Used is how long the run was active before this resume; it counts for the budget.
	Used time.Duration
	Stop <-chan StopRequest
	// Deaths are events of workers that died, each sent before what it was doing fails; nil if nobody reports them.
	Deaths <-chan hindcast.Event
	// Lost is closed when the lease is: another process has the run, and this one is a zombie.
	Lost <-chan struct{}
	// LostBy says why the lease was lost; nil if nobody knows.
	LostBy func() error
	// Prove returns the pipeline's committed rows as they are in the warehouse, for the end (promise 6).
	Prove func(ctx context.Context) ([]hindcast.Committed, error)
	// Standing sums the target's rows in the slices of these committed rows, as they are now, for the same proof; nil if only the
	// rows of hindcast_status count.
	Standing func(ctx context.Context, rows []hindcast.Committed) ([]hindcast.Sums, error)
	// Resizer, if set, makes the warehouse larger before the first load, and gives it its size back at the end.
	Resizer Resizer
	// Kill closes engine and warehouse by force, and names what is confirmed dead and what is not. It
	// is called once if the run ends before its time, and not at all if it ends by itself: then the caller
	// closes them.
	Kill func() (dead, unconfirmed []string)
	// Window, if set, says when slices may begin.
	Window Window
	// Random gives the jitter of retries, in [0,1).
	Random func() float64
	// Grace is how long work in flight has after a first stop request; 10 s if zero.
	Grace time.Duration
}

// Outcome is how a run ended.
type Outcome struct {
	ExitCode int
	// State is the fold of all that was journaled. If the journal failed, events of the last moments may be
	// in it that are not on disk.
	State *hindcast.RunState
	// Err says why the run as a whole ended early or is not proven: E-STOPPED, E-BUDGET, E-FENCED, the
	// journal's or the proof's error. It is nil if slices failed, see State.Failures, or all is well.
	Err *hindcast.Error
	// Dead and Unconfirmed are what Kill returned, and calls of the Worker that did not return. ExitCode is 6 if anything
	// is unconfirmed.
	Dead        []string
	Unconfirmed []string
}

// Run supervises the run until it ends. It returns when nothing of the run goes on any more, or names
// what could not be confirmed dead. The end of ctx is a stop at once.
func Run(ctx context.Context, config Config) *Outcome {
	r := newRun(ctx, config)
	r.begin()
	r.loop()
	return r.end()
}
