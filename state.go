package hindcast

import (
	"regexp"
	"slices"
	"time"
)

// SliceState is what a run's events say about one slice.
type SliceState struct {
	State       State
	Attempt     int  // the latest, counted from 1 over all resumes
	Step        Step // the latest begun
	Fact        string
	Tries       int       // attempts since the run was started or last resumed before the slice was done: what people are shown
	Rows        int64     // of the result
	Unloaded    int64     // rows that this run unloaded for it
	Lent        []*Shared // what it took in place of unloads, of other pipelines
	LentRows    int64
	Read        bool // its transform has read RowsIn rows and BytesIn bytes of facts
	RowsIn      int64
	BytesIn     int64
	BytesOut    int64            // of the staged result
	Outside     map[string]int64 // rows that its transform dropped, by output; nil if none were
	Fingerprint string
	Prepared    bool        // a load was prepared and its outcome is not journaled: look up the status row first
	Work        *OpenWork   // of an engine whose work outlives the supervisor; nil if there is none
	Before      []Before    // what the held result would replace; nil if it is not held
	Staged      []*Manifest // finished transforms for Fingerprint, one of each output, which need not be done again
	Error       *Error
	Message     string
	Since       time.Time // when the state or step began
	Progress    Progress  // of the step under way, as it was last journaled
	Memory      int64     // the most that a worker had for its transform
	Spilled     int64     // the most that one of its transforms wrote to disk for lack of memory
	Seconds     map[Step]float64
	Bills       []WorkBill // of all attempts whose work has ended
	reaching    int        // its unloads and loads that are under way
}

// RunState is the fold over a run's events. The zero value is a run about which nothing is known yet.
type RunState struct {
	Run         string
	Total       int
	UpToDate    int    // how many slices of the Total are, and that no event names
	Engine      string // by its name, "duckdb"; empty if the journal is older than that event's field
	Started     time.Time
	Updated     time.Time
	Warehouse   Use           // what its unloads and loads had of the warehouse
	Active      time.Duration // how long supervisors worked on it, over all resumes: the budget limits this
	Accepted    []string      // by whom, and when, another SQL was accepted for the slices that were left
	Waits       time.Time     // until when slices wait for the window, and nothing works; zero if none do
	Resumes     int
	Slices      map[string]*SliceState
	Order       []string // keys in the order in which events first named them
	Retries     int
	Seq         int64
	Stopping    string          // why, once a stop was requested, or why slices are left
	Asked       map[string]bool // the slices that the last resume asked for; nil is all
	Finished    bool
	ExitCode    int
	Host        string
	Pid         int
	Fence       int64    // of the supervisor that works on it, or was the last to
	Memory      int64    // highest worker peak seen
	Resized     *Resized // the size of the warehouse; nil if the run has not touched it
	Strays      []Stray  // what the run counted of them, in its order
	Dead        []string
	Unconfirmed []string
	Failures    []*Failure // each distinct error once, in the order of first occurrence
	failures    map[failureKey]*Failure
	reaching    int           // slices whose unload or load is under way
	burst       time.Duration // since there is one
}

// Failure is one error and every attempt that met it: the same error in many slices is shown once.
type Failure struct {
	Error    *Error
	Slices   []string         // in the order in which they met it
	Attempts map[string][]int // slice key → the attempts that failed with it
}

type failureKey struct {
	code    Code
	message string
}

// fail counts the error of an attempt_failed or failed event; an attempt that has both counts once.
func (r *RunState) fail(e Event) {
	if e.Error == nil {
		return
	}
	if r.failures == nil {
		r.failures = map[failureKey]*Failure{}
	}

	key := keyOf(e.Error)
	f := r.failures[key]
	if f == nil {
		f = &Failure{Error: e.Error, Attempts: map[string][]int{}}
		r.failures[key] = f
		r.Failures = append(r.Failures, f)
	}

	met := f.Attempts[e.Slice]
	if met == nil {
		f.Slices = append(f.Slices, e.Slice)
	}
	if len(met) == 0 || met[len(met)-1] != e.Attempt {
		f.Attempts[e.Slice] = append(met, e.Attempt)
	}
}

// paths matches what differs between messages about a full disk.
var paths = regexp.MustCompile(`"[^"]*"|'[^']*'|\S*/\S*`)

// keyOf identifies equal errors. A full disk is one error, whichever file met it; other errors about files concern each
// file separately.
func keyOf(e *Error) failureKey {
	key := failureKey{e.Code, e.Message}
	if e.Code == EDiskFull {
		key.message = paths.ReplaceAllString(e.Message, "")
	}
	return key
}

// Slice returns the state of the slice, pending if no event has named it yet.
func (r *RunState) Slice(key string) *SliceState {
	if r.Slices == nil {
		r.Slices = map[string]*SliceState{}
	}

	s := r.Slices[key]
	if s == nil {
		s = &SliceState{State: Pending, Seconds: map[Step]float64{}}
		r.Slices[key] = s
		r.Order = append(r.Order, key)
	}

	return s
}

// Apply folds in one event. Any prefix of a valid journal gives a valid state; an event out of order (at or below the
// last Seq) is ignored, so that a reader may see an event twice.
func (r *RunState) Apply(e Event) {
	if e.Seq != 0 && e.Seq <= r.Seq {
		return
	}
	if e.Seq != 0 {
		r.Seq = e.Seq
	}
	if e.Type != EventRunResumed && !e.aside() && r.Waits.IsZero() && !r.Updated.IsZero() && e.Time.After(r.Updated) {
		r.Active += e.Time.Sub(r.Updated)
		r.use(e.Time.Sub(r.Updated))
	}

	r.Updated = e.Time
	if e.Slice != "" {
		s := r.Slice(e.Slice)
		r.applySlice(s, e)
		r.reach(s, e)
		return
	}

	switch e.Type {
	case EventRunStarted:
		r.Run, r.Total, r.UpToDate, r.Started, r.Host, r.Pid, r.Fence, r.Engine = e.Run, e.Total, e.UpToDate, e.Time, e.Host, e.Pid, e.Fence, e.Engine
	case EventRunResumed:
		r.Run, r.Host, r.Pid, r.Fence = e.Run, e.Host, e.Pid, e.Fence
		r.resume(e.Slices)
	case EventStopRequested:
		r.Stopping = e.Message
	case EventRunWaiting:
		if e.Until != nil {
			r.Waits = *e.Until
		}
	case EventRunGoesOn:
		r.Waits = time.Time{}
	case EventSQLAccepted:
		r.Accepted = append(slices.Clone(r.Accepted), e.Message)
	case EventDimension:
		r.Warehouse.Seconds += e.Seconds
		r.Warehouse.Billed += e.Seconds
	case EventRunFinished:
		r.leaveWarehouse()
		r.Finished, r.Dead, r.Unconfirmed, r.Waits = true, e.Dead, e.Unconfirmed, time.Time{}
		if r.Stopping == "" {
			r.Stopping = e.Message
		}
		if e.ExitCode != nil {
			r.ExitCode = *e.ExitCode
		}
	case EventResizePrepared, EventResized, EventResizeFailed:
		now := Resized{}
		if r.Resized != nil { // a copy: a state may have been handed on
			now = *r.Resized
		}
		now.apply(e)
		r.Resized = &now
	case EventWorkerDied, EventStepStarted, EventStepFinished, EventUnloadWaits, EventProgress, EventFingerprint, EventWorkPrepared,
		EventWorkStarted, EventWorkBilled, EventStaged, EventHeld, EventDiscarded, EventLoadPrepared, EventCommitted, EventSkipped, EventAttemptFailed, EventFailed, EventStopped:
	}
}

// aside reports whether the event is of a resize that was finished after the run's end: it says nothing of the run's own work.
func (e Event) aside() bool { return e.Resize != nil && e.Fence != 0 }

// resume sets everything that is not done back to pending; attempts go on counting, tries start over. If only some
// slices are asked for, the others stay as they are, except those that a crash left in progress.
func (r *RunState) resume(only []string) {
	r.Resumes++
	r.Waits = time.Time{}
	r.leaveWarehouse()
	r.Finished, r.Stopping, r.ExitCode, r.Dead, r.Unconfirmed = false, "", 0, nil, nil
	r.Asked = nil

	if len(only) > 0 {
		r.Asked = make(map[string]bool, len(only))
	}

	for _, key := range only {
		r.Asked[key] = true
	}

	for key, s := range r.Slices {
		if r.Asked != nil && !r.Asked[key] && s.State.Final() {
			continue
		}
		if !s.State.Done() {
			s.State, s.Error, s.Message, s.Tries = Pending, nil, "", 0
		}
	}
}

func (r *RunState) applySlice(s *SliceState, e Event) {
	if e.Attempt > s.Attempt {
		s.Attempt = e.Attempt
		s.Tries++
	} else if e.Attempt > 0 && s.Tries == 0 { // a resume goes on with an attempt from before it
		s.Tries = 1
	}

	if e.Memory > r.Memory {
		r.Memory = e.Memory
	}
	r.Strays = append(r.Strays, e.Strays...)
	if s.Work != nil && e.Attempt > s.Work.Attempt { // which begins only when nothing of an earlier attempt runs
		s.Work = nil
	}

	switch e.Type {
	case EventStepStarted:
		s.State, s.Step, s.Fact, s.Since, s.Error, s.Progress = Running, e.Step, e.Fact, e.Time, nil, Progress{}
	case EventStepFinished:
		s.finish(e)
	case EventUnloadWaits:
		s.Fact = e.Fact
	case EventProgress:
		if e.Progress != nil {
			s.Progress = *e.Progress
		}
	case EventFingerprint:
		if s.Fingerprint != e.Fingerprint {
			s.Staged = nil
		}
		s.Fingerprint = e.Fingerprint
	case EventWorkPrepared, EventWorkStarted:
		s.open(e)
	case EventWorkBilled:
		s.bill(e)
	case EventStaged:
		s.State, s.Rows, s.Since, s.Error, s.Before = Staged, e.Rows, e.Time, nil, nil
	case EventHeld:
		s.State, s.Since, s.Before = Staged, e.Time, e.Before
	case EventDiscarded:
		s.State, s.Message, s.Since, s.Staged, s.Before = Stopped, e.Message, e.Time, nil, nil
	case EventLoadPrepared:
		s.Prepared = true
	case EventCommitted:
		s.State, s.Prepared, s.Rows, s.Error, s.Since, s.Staged, s.Work = Succeeded, false, e.Rows, nil, e.Time, nil, nil
	case EventSkipped:
		s.State, s.Message, s.Since = Skipped, e.Message, e.Time
	case EventAttemptFailed:
		s.State, s.Error, s.Since = Retrying, e.Error, e.Time
		s.fail(e)
		r.Retries++
		r.fail(e)
	case EventFailed:
		s.State, s.Error, s.Since = Failed, e.Error, e.Time
		s.fail(e)
		r.fail(e)
	case EventStopped:
		s.State, s.Message, s.Since = Stopped, e.Message, e.Time
	case EventRunStarted, EventRunResumed, EventStopRequested, EventWorkerDied, EventDimension, EventResizePrepared, EventResized, EventResizeFailed, EventRunWaiting, EventRunGoesOn,
		EventSQLAccepted, EventRunFinished:
	}
}

// fail forgets what the attempt whose transform failed has staged of other outputs: that is discarded, unless work of the attempt may
// still run. What an earlier attempt has staged is still there, and may be published with what the next one makes.
func (s *SliceState) fail(e Event) {
	if e.Step != StepTransform || s.Work != nil {
		return
	}
	s.Staged = s.stagedWhere(func(m *Manifest) bool { return m.Attempt != e.Attempt })
}

// open notes what an engine was given, and then the names by which the engine knows it.
func (s *SliceState) open(e Event) {
	if e.Handle == nil {
		return
	}
	if e.Type == EventWorkPrepared { // of an output whose result, if there was one, is not to be loaded
		s.Staged = s.without(e.Output)
		s.Work = &OpenWork{Attempt: e.Attempt, Output: e.Output, Fence: e.Fence, Fingerprint: e.Fingerprint, Since: e.Time, Handle: *e.Handle}
		return
	}
	if s.Work != nil {
		work := *s.Work // a copy: a state may have been handed on
		work.Handle = *e.Handle
		s.Work = &work
	}
}

// bill notes what an attempt's work has cost; what was said of it before is replaced. The list is a copy, since a state may have been
// handed on.
func (s *SliceState) bill(e Event) {
	s.Progress.Hours, s.Progress.USD = 0, 0
	if e.Bill == nil {
		return
	}
	bills := make([]WorkBill, 0, len(s.Bills)+1)
	for _, b := range s.Bills {
		if b.Attempt != e.Attempt || b.Output != e.Output {
			bills = append(bills, b)
		}
	}
	bills = append(bills, WorkBill{Attempt: e.Attempt, Output: e.Output, Bill: *e.Bill})
	s.Bills = bills
}

func (s *SliceState) finish(e Event) {
	s.Seconds[e.Step] += e.Seconds
	s.Progress = Progress{}
	switch e.Step {
	case StepUnload:
		if m := e.Manifest; m != nil && m.Shared != nil {
			s.Lent, s.LentRows = append(s.Lent, m.Shared), s.LentRows+e.Rows
		} else {
			s.Unloaded += e.Rows
		}
	case StepTransform:
		s.stage(e)
		s.Work = nil
		s.Read, s.RowsIn, s.BytesIn = true, e.RowsIn, e.BytesIn
		s.Memory, s.Spilled = max(s.Memory, e.Memory), max(s.Spilled, e.Spilled)
	case StepLoad:
	}
}

// drop notes the rows that the latest transform of an output has dropped.
func (s *SliceState) drop(e Event) {
	delete(s.Outside, e.Output)
	if e.Outside == 0 {
		return
	}
	if s.Outside == nil {
		s.Outside = map[string]int64{}
	}
	s.Outside[e.Output] = e.Outside
}

// Dropped is how many rows of its results were outside of the slice and dropped.
func (s *SliceState) Dropped() (n int64) {
	for _, rows := range s.Outside {
		n += rows
	}
	return n
}

// stage notes the result of one output, and counts what all of them have.
func (s *SliceState) stage(e Event) {
	s.Rows, s.BytesOut = e.Rows, e.Bytes
	s.drop(e)
	if e.Manifest == nil {
		s.Staged = nil
		return
	}

	s.Staged = append(s.without(e.Output), e.Manifest)
	if e.Output == "" {
		return
	}
	s.Rows, s.BytesOut = 0, 0
	for _, m := range s.Staged {
		s.Rows += m.Sums.Rows
		s.BytesOut += m.Bytes
	}
}

// without are the staged results of the other outputs.
func (s *SliceState) without(output string) []*Manifest {
	return s.stagedWhere(func(m *Manifest) bool { return m.Output != output })
}

// stagedWhere are the staged results for which it holds: a copy, since a state may have been handed on.
func (s *SliceState) stagedWhere(holds func(*Manifest) bool) []*Manifest {
	var list []*Manifest
	for _, m := range s.Staged {
		if holds(m) {
			list = append(list, m)
		}
	}
	return list
}

// Only is the state of some slices, as if the run had no others.
func (r *RunState) Only(keys []string) *RunState {
	out := *r
	out.Total, out.UpToDate, out.Slices, out.Order, out.Failures, out.failures = len(keys), 0, map[string]*SliceState{}, nil, nil, nil
	for _, key := range keys {
		if s := r.Slices[key]; s != nil {
			out.Slices[key] = s
			out.Order = append(out.Order, key)
		}
	}

	for _, f := range r.Failures {
		some := &Failure{Error: f.Error, Attempts: map[string][]int{}}
		for _, key := range f.Slices {
			if out.Slices[key] != nil {
				some.Slices, some.Attempts[key] = append(some.Slices, key), f.Attempts[key]
			}
		}

		if len(some.Slices) > 0 {
			out.Failures = append(out.Failures, some)
		}
	}

	return &out
}

// Holds reports whether its results are staged and held: what they would replace is noted.
func (s *SliceState) Holds() bool { return s != nil && s.Before != nil && len(s.Staged) > 0 }

// Held reports whether the run ended with results that are staged and wait to be published.
func (r *RunState) Held() bool {
	return r.Finished && r.ExitCode == ExitOK && r.Counts()[Staged] > 0
}

// Done reports whether the run will never work on a slice again.
func (r *RunState) Done(key string) bool {
	s := r.Slices[key]
	return s != nil && s.State.Done()
}

// Counts returns how many slices are in each state; of those that no event has named the ones that are up to date are skipped,
// and the others pending.
func (r *RunState) Counts() map[State]int {
	counts := map[State]int{}
	for _, s := range r.Slices {
		counts[s.State]++
	}

	if r.UpToDate > 0 {
		counts[Skipped] += r.UpToDate
	}
	if rest := r.Total - r.UpToDate - len(r.Slices); rest > 0 {
		counts[Pending] += rest
	}
	return counts
}
