package view

import (
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Tally is a run seen against its plan: what stands where, and how much of it is done. Slices that the plan
// holds but does not run (up to date, table missing) are shown, and counted apart.
type Tally struct {
	Run    *hindcast.RunState
	Keys   []string // of all slices, in the order of time
	Items  map[string]*plan.Item
	Labels Keys

	Total, Done int  // slices that the run works on, and those of them that need no more work
	Staged      int  // that are, and are neither done nor published
	Holds       bool // the run holds what is staged
	Canary      bool // it is one, and the next run deletes that
	Skipped     int  // of the done ones, those that the run skipped
	Counts      map[hindcast.State]int
	RowsTotal   int64 // of input, -1 if unknown
	RowsDone    int64
	Idle        map[string]bool  // slices that the plan does not run
	Unloads     bool             // the run unloads, and does no more
	States      []hindcast.State // of each key, at the last count

	abandoned bool  // nobody is at the run
	rowsMean  int64 // of the slices of which it is known
	fromPlan  bool
	waits     func(key string, s *hindcast.SliceState) bool // for a worker: counted as pending

	// For each key its fold, once an event named it, so that a count of ten thousand slices costs little.
	folds []*hindcast.SliceState
}

// NewTally counts a run. Both may be unknown: p nil, or st without events.
func NewTally(st *hindcast.RunState, p *plan.Plan) *Tally {
	t := &Tally{Run: st, Keys: AllKeys(st, p), Items: map[string]*plan.Item{}, Idle: map[string]bool{},
		fromPlan: p != nil, waits: func(string, *hindcast.SliceState) bool { return false }}
	t.Labels = NewKeys(p, t.Keys)
	t.folds, t.States = make([]*hindcast.SliceState, len(t.Keys)), make([]hindcast.State, len(t.Keys))
	if p != nil {
		t.Unloads, t.Holds, t.Canary = p.UnloadOnly, p.Hold, p.Canary
		for i := range p.Items {
			item := &p.Items[i]
			t.Items[item.Slice.Key] = item
			if !item.Reason.Runs() {
				t.Idle[item.Slice.Key] = true
			}
		}
		if len(p.UpToDate) > 0 {
			for _, key := range p.Keys() {
				t.Idle[key] = t.Idle[key] || t.Items[key] == nil
			}
		}
	}
	t.Count()
	return t
}

// Abandon counts what the journal has as under way, or waiting for its next attempt, as interrupted: nobody is at the run.
func (t *Tally) Abandon() {
	t.abandoned = true
	t.Count()
}

// Count recomputes the numbers from the fold.
func (t *Tally) Count() {
	t.Total, t.Done, t.Skipped, t.RowsDone, t.RowsTotal = 0, 0, 0, 0, 0
	t.Counts = map[hindcast.State]int{}
	known, sum := int64(0), int64(0)
	for i, key := range t.Keys {
		if t.folds[i] == nil {
			t.folds[i] = t.Run.Slices[key]
		}
		state := t.stateOf(key, t.folds[i])
		t.States[i] = state
		t.Counts[state]++
		if t.Idle[key] && state == hindcast.Skipped {
			continue
		}
		t.Total++
		done := state.Done()
		if done {
			t.Done++
		}
		if state == hindcast.Skipped {
			t.Skipped++
		}
		if n := t.addRows(t.rowsOf(key, t.folds[i]), done || state == hindcast.Staged); n >= 0 {
			known, sum = known+1, sum+n
		}
	}
	t.Staged = t.Counts[hindcast.Staged]
	t.rowsMean = sum / max(known, 1)
	if rest := t.Run.Total - t.Run.UpToDate - t.Total; rest > 0 && !t.fromPlan {
		t.Total += rest
		t.Counts[hindcast.Pending] += rest
		t.RowsTotal = -1
	}
}

// Whole reports whether the run holds the results of every slice that it works on, but for those that are done: they can be published.
func (t *Tally) Whole() bool {
	if !t.Holds {
		return false
	}
	for i, key := range t.Keys {
		if !t.Idle[key] && !t.States[i].Done() && !t.folds[i].Holds() {
			return false
		}
	}
	return true
}

func (t *Tally) addRows(n int64, done bool) int64 {
	if n < 0 {
		t.RowsTotal = -1
		return n
	}
	if t.RowsTotal >= 0 {
		t.RowsTotal += n
	}
	if done {
		t.RowsDone += n
	}
	return n
}

// Reason is why the plan runs a slice, or does not.
func (t *Tally) Reason(key string) hindcast.Reason {
	if item := t.Items[key]; item != nil {
		return item.Reason
	}
	return hindcast.ReasonUpToDate
}

// State is where a slice stands; one that the plan does not run is skipped.
func (t *Tally) State(key string) hindcast.State { return t.stateOf(key, t.Run.Slices[key]) }

func (t *Tally) stateOf(key string, s *hindcast.SliceState) hindcast.State {
	if s != nil && t.waits(key, s) {
		return hindcast.Pending
	}
	if s != nil && t.abandoned && (s.State == hindcast.Running || s.State == hindcast.Retrying) {
		return Interrupted
	}
	if s != nil && (s.State != hindcast.Pending || !t.Idle[key]) {
		return s.State
	}
	if t.Idle[key] {
		return hindcast.Skipped
	}
	return hindcast.Pending
}

// RowsIn is the best that is known of a slice's input rows: what its transform has read, otherwise what the plan
// read from manifests or estimates, or what this run unloaded for it; -1 if nothing is.
func (t *Tally) RowsIn(key string) int64 { return t.rowsOf(key, t.Run.Slices[key]) }

func (t *Tally) rowsOf(key string, s *hindcast.SliceState) int64 {
	n := int64(-1)
	if item := t.Items[key]; item != nil {
		n = item.Rows
	}
	switch {
	case s == nil:
	case s.Read:
		n = s.RowsIn
	case s.Unloaded > n:
		n = s.Unloaded
	}
	return n
}

// In lists the slices that were in the given state at the last count, in the order of time.
func (t *Tally) In(state hindcast.State) []string {
	if t.Counts[state] == 0 {
		return nil
	}
	var found []string
	for i, key := range t.Keys {
		if t.States[i] == state {
			found = append(found, key)
		}
	}
	return found
}

// Spent sums the measured time of each step over all slices, and of all steps.
func (t *Tally) Spent() (map[hindcast.Step]time.Duration, time.Duration) {
	steps, all := map[hindcast.Step]time.Duration{}, time.Duration(0)
	for _, s := range t.Run.Slices {
		for step, secs := range s.Seconds {
			steps[step] += seconds(secs)
			all += seconds(secs)
		}
	}
	return steps, all
}

// RowsStaged are the rows of the slices that are staged: nobody reads them in the target.
func (t *Tally) RowsStaged() (rows int64) {
	for _, key := range t.In(hindcast.Staged) {
		rows += t.Run.Slices[key].Rows
	}
	return rows
}

// Sums adds up what the slices that are proven, or staged, have read and written.
func (t *Tally) Sums() (rowsIn, bytesIn, rowsOut, bytesOut int64) {
	for _, key := range t.Keys {
		s := t.Run.Slices[key]
		if s == nil || s.State != hindcast.Succeeded && s.State != hindcast.Staged {
			continue
		}
		rowsIn += max(t.RowsIn(key), 0)
		rowsOut += s.Rows
		bytesOut += s.BytesOut
		bytesIn += t.bytesIn(key, s)
	}
	return rowsIn, bytesIn, rowsOut, bytesOut
}

func (t *Tally) bytesIn(key string, s *hindcast.SliceState) int64 {
	if item := t.Items[key]; !s.Read && item != nil {
		return max(item.Bytes, 0)
	}
	return s.BytesIn
}
