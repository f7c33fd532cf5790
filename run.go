package hindcast

import "time"

// Step is one step of an attempt.
type Step string

// The steps, in order.
const (
	StepUnload    Step = "unload"
	StepTransform Step = "transform"
	StepLoad      Step = "load"
)

// State is a slice's state in a run. docs/reference/states.md has the diagram.
type State string

// The states of a slice in a run. They form a closed set.
const (
	Pending   State = "pending"   // planned, not begun; the supervisor starts it
	Running   State = "running"   // an attempt is in progress; the attempt's end moves it on
	Retrying  State = "retrying"  // an attempt failed and the next one waits; the supervisor starts it
	Staged    State = "staged"    // its result is staged, and waits for the run's one publication, or, in a run that is held, for hindcast publish
	Succeeded State = "succeeded" // its rows are committed in the warehouse; final
	Failed    State = "failed"    // no attempt is left, or the error is permanent; resume moves it on
	Stopped   State = "stopped"   // the run stopped before it was done; resume moves it on
	Skipped   State = "skipped"   // nothing to do (up to date, or its table is missing, which is allowed); final
)

// States lists every state, in the order in which screens count them.
var States = []State{Succeeded, Skipped, Staged, Running, Retrying, Pending, Stopped, Failed}

// Final reports whether nothing of the slice is left to do for the run but to publish it.
func (s State) Final() bool {
	switch s {
	case Succeeded, Staged, Skipped, Failed, Stopped:
		return true
	case Pending, Running, Retrying:
		return false
	}
	return false
}

// Done reports whether the run will never work on the slice again: its rows are committed, or there was nothing to do.
func (s State) Done() bool { return s == Succeeded || s == Skipped }

// Reason says why a slice is in a plan.
type Reason string

// Why a slice is run, or not. The plan shows this text.
const (
	ReasonNew        Reason = "new"                // no committed row for exactly this interval
	ReasonSQL        Reason = "SQL changed"        //
	ReasonParams     Reason = "parameters changed" //
	ReasonDefinition Reason = "definition changed" // engine, time zone, hooks or columns
	ReasonFacts      Reason = "facts changed"      //
	ReasonDims       Reason = "dimension changed"  //
	ReasonUnsettled  Reason = "unsettled"          // younger than settle: unloaded again, run only if it changed
	ReasonEdited     Reason = "target edited"      // the target's rows differ from those that were committed
	ReasonUnkept     Reason = "result not kept"    // it is committed, and the lake, which is to keep it, has none or an older one
	ReasonRead       Reason = "read by another"    // its rows are those that another output, which is made, reads
	ReasonForced     Reason = "forced"             //
	ReasonUndo       Reason = "undo"               // what another run replaced is put back
	ReasonUpToDate   Reason = "up to date"         // not run
	ReasonMissing    Reason = "table missing"      // not run: `missing: skip`
)

// Runs reports whether a slice with this reason is worked on at all.
func (r Reason) Runs() bool { return r != ReasonUpToDate && r != ReasonMissing }

// EventType names what happened. It is a closed set, documented in docs/reference/events.md.
type EventType string

// The events of a run's journal, which are also the lines of --json.
const (
	EventRunStarted     EventType = "run_started"     // the plan is frozen; Total slices, UpToDate of them with nothing to do
	EventRunResumed     EventType = "run_resumed"     // a supervisor took over the run; attempts start over; Slices if only some are asked for
	EventStepStarted    EventType = "step_started"    // Slice, Attempt, Step; Message says why it is loaded alone: it shared a transaction that failed
	EventStepFinished   EventType = "step_finished"   // Slice, Attempt, Step, Rows, Bytes, Seconds; Manifest for unload and transform, and Strays
	EventUnloadWaits    EventType = "unload_waits"    // Slice, Attempt, Step, Fact, Message says who unloads the same: another pipeline's run
	EventProgress       EventType = "progress"        // Slice, Attempt, Step, Progress; a few times in a long transform
	EventFingerprint    EventType = "fingerprint"     // Slice, Attempt, Fingerprint; before the transform
	EventWorkPrepared   EventType = "work_prepared"   // Slice, Attempt, Fence, Fingerprint, Handle without IDs; before work starts that may outlive us
	EventWorkStarted    EventType = "work_started"    // Slice, Attempt, Handle; after that
	EventWorkBilled     EventType = "work_billed"     // Slice, Attempt, Bill; work has ended, well or not, on an engine that is paid for by time
	EventStaged         EventType = "staged"          // Slice, Attempt, Rows; all of its result is staged, and is published with the run's other slices
	EventHeld           EventType = "held"            // Slice, Attempt, Before; the same in a run that is held: what it would replace
	EventDiscarded      EventType = "discarded"       // Slice, Message says by whom: what was staged for it is not to be published
	EventLoadPrepared   EventType = "load_prepared"   // Slice, Attempt, Fingerprint; before the COMMIT
	EventCommitted      EventType = "committed"       // Slice, Attempt, Rows; the status row is in the warehouse: succeeded
	EventSkipped        EventType = "skipped"         // Slice, Message says why: skipped
	EventAttemptFailed  EventType = "attempt_failed"  // Slice, Attempt, Step, Error; Seconds is the wait before the next
	EventFailed         EventType = "failed"          // Slice, Attempt, Error: no further attempt
	EventStopped        EventType = "stopped"         // Slice: it was in progress or waiting when the run stopped, or it alone was stopped: Message says by whom
	EventStopRequested  EventType = "stop_requested"  // Message says who asked: a signal, hindcast stop, a failure, the budget
	EventWorkerDied     EventType = "worker_died"     // Pid, Message; one of our processes ended unexpectedly. Its work fails, and costs an attempt
	EventDimension      EventType = "dimension"       // a dimension was unloaded: Manifest
	EventResizePrepared EventType = "resize_prepared" // Resize; before the warehouse is resized
	EventResized        EventType = "resized"         // Resize as it came about, Seconds; the warehouse is available at that size
	EventResizeFailed   EventType = "resize_failed"   // Resize, Error; it did not come about, or is not confirmed
	EventRunWaiting     EventType = "run_waiting"     // Until; it is outside of its window: slices wait, and nothing of the run works
	EventRunGoesOn      EventType = "run_goes_on"     // the window is open
	EventSQLAccepted    EventType = "sql_accepted"    // Message; the slices that are left are computed by the SQL as it is now
	EventRunFinished    EventType = "run_finished"    // ExitCode, Counts; Message if slices are left because nobody asked for them
)

// EventVersion is the version of the event schema; a breaking change raises it.
const EventVersion = 1

// Event is one thing that happened in a run: a line of the journal and of --json.
type Event struct {
	V           int           `json:"v"`
	Seq         int64         `json:"seq"`  // counts from 1 in a run, without gaps
	Time        time.Time     `json:"time"` // UTC
	Run         string        `json:"run"`
	Type        EventType     `json:"type"`
	Slice       string        `json:"slice,omitempty"`
	Attempt     int           `json:"attempt,omitempty"`
	Step        Step          `json:"step,omitempty"`
	Fact        string        `json:"fact,omitempty"`   // with unload: which fact
	Output      string        `json:"output,omitempty"` // with transform: which output, where there are several
	Rows        int64         `json:"rows,omitempty"`
	Bytes       int64         `json:"bytes,omitempty"`
	RowsIn      int64         `json:"rows_in,omitempty"`  // with transform: of the facts, as far as they are in the slice
	BytesIn     int64         `json:"bytes_in,omitempty"` // of their files
	Seconds     float64       `json:"seconds,omitempty"`
	Memory      int64         `json:"memory,omitempty"`  // peak resident bytes of the worker
	Spilled     int64         `json:"spilled,omitempty"` // with transform: bytes that it wrote to disk for lack of memory, as far as the engine knows
	Outside     int64         `json:"outside,omitempty"` // with transform: rows of the result outside of the slice, which were dropped
	Progress    *Progress     `json:"progress,omitempty"`
	Fingerprint string        `json:"fingerprint,omitempty"`
	Handle      *Handle       `json:"handle,omitempty"`
	Bill        *Bill         `json:"bill,omitempty"`
	Manifest    *Manifest     `json:"manifest,omitempty"`
	Before      []Before      `json:"before,omitempty"` // with held: of each output
	Strays      []Stray       `json:"strays,omitempty"` // with unload and transform: sources that have rows which no slice takes
	Error       *Error        `json:"error,omitempty"`
	Message     string        `json:"message,omitempty"`
	Total       int           `json:"total,omitempty"`
	UpToDate    int           `json:"up_to_date,omitempty"` // with run_started: how many of the slices are, and that no event names
	Slices      []string      `json:"slices,omitempty"`     // with run_resumed: the keys that were asked for; empty means everything that is not done
	Engine      string        `json:"engine,omitempty"`     // with run_started: its name
	Moved       []Moved       `json:"moved,omitempty"`      // with run_started: sources that changed since they were unloaded
	Resize      *Sizing       `json:"resize,omitempty"`     // with the events of a resize
	Copies      *Ages         `json:"copies,omitempty"`     // with run_started: how old the copies in the lake are that are used
	Until       *time.Time    `json:"until,omitempty"`      // with run_waiting: UTC
	Fence       int64         `json:"fence,omitempty"`
	Pid         int           `json:"pid,omitempty"`
	Host        string        `json:"host,omitempty"`
	ExitCode    *int          `json:"exit_code,omitempty"`
	Counts      map[State]int `json:"counts,omitempty"`
	Billed      []Bill        `json:"billed,omitempty"`         // with run_finished: of the whole run
	Dead        []string      `json:"confirmed_dead,omitempty"` // with run_finished
	Unconfirmed []string      `json:"not_confirmed,omitempty"`  // with run_finished: exit code 6
}

// Before is what a target has in a slice whose staged result is held: it is published only in place of exactly this.
type Before struct {
	Target string `json:"target"`
	// Publication and Fingerprint are those of the status row; empty if there is none.
	Publication string   `json:"publication,omitempty"`
	Fingerprint string   `json:"fingerprint,omitempty"`
	Columns     []Column `json:"columns"` // that the Sums are over
	Sums        Sums     `json:"sums"`
}

// Moved is a fact or a dimension whose source changed since it was unloaded.
type Moved struct {
	Name   string   `json:"name"`
	Slices []string `json:"slices,omitempty"` // keys of the slices that read what changed; none where that is not known
	Why    string   `json:"why"`              // "62 rows at the source, 60 in the lake"
}

// Ages are when the oldest and the newest of several copies were unloaded.
type Ages struct {
	Oldest time.Time `json:"oldest"` // UTC
	Newest time.Time `json:"newest"` // UTC
}

// Committed is a row of hindcast_status: the proof that a slice's rows are published, written in the same transaction
// as the rows.
type Committed struct {
	Pipeline    string    `json:"pipeline"`
	Target      string    `json:"target"`
	Slice       Slice     `json:"slice"`
	Run         string    `json:"run"`
	Attempt     int       `json:"attempt"`
	Fingerprint string    `json:"fingerprint"`
	Parts       Parts     `json:"parts"`
	Sums        Sums      `json:"sums"`     // of the rows in the target
	Previous    string    `json:"previous"` // where the replaced rows are kept; empty if nothing was replaced
	CommittedAt time.Time `json:"committed_at"`
	// Publication is the run whose transaction wrote the row. It differs from Run if a run publishes what an earlier
	// one computed.
	Publication string `json:"publication"`
}

// Parts are the hashes that a fingerprint is made of, kept separately so that "why" can be answered.
type Parts struct {
	SQL        string            `json:"sql"`    // text without comments and spacing
	Params     string            `json:"params"` //
	Definition string            `json:"definition"`
	Engine     string            `json:"engine,omitempty"`     // in words, DuckDB 1.5: it is in the definition, and here for people
	Facts      map[string]string `json:"facts,omitempty"`      // fact → hash over the content of its units
	Dims       map[string]string `json:"dimensions,omitempty"` // dimension → content
}
