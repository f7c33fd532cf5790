package screen

import (
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// tally is a run seen against its plan: what stands where, and how much of it is done. Slices that the plan
// holds but does not run (up to date, table missing) are shown, and counted apart.
type tally struct {
	st    *hindcast.RunState
	keys  []string
	items map[string]*plan.Item
	short keys

	total, done int // slices that the run works on, and those of them that need no more work
	skipped     int // of the done ones, those that the run skipped
	counts      map[hindcast.State]int
	rowsTotal   int64 // of input, -1 if unknown
	rowsDone    int64
	rowsMean    int64           // of the slices of which it is known
	idle        map[string]bool // slices that the plan does not run
	fromPlan    bool
	unloads     bool                                          // the run unloads, and does no more
	waits       func(key string, s *hindcast.SliceState) bool // for a worker: shown as pending

	// For each key, so that a frame over ten thousand slices costs little: its fold, once an event named it,
	// and where it stood at the last count.
	folds  []*hindcast.SliceState
	states []hindcast.State
	fitted map[[2]int]layout // grids by width and lines
}

func newTally(st *hindcast.RunState, p *plan.Plan) *tally {
	t := &tally{st: st, keys: allKeys(st, p), items: map[string]*plan.Item{}, idle: map[string]bool{},
		fromPlan: p != nil, fitted: map[[2]int]layout{}, waits: func(string, *hindcast.SliceState) bool { return false }}
	t.short = newKeys(p, t.keys)
	t.folds, t.states = make([]*hindcast.SliceState, len(t.keys)), make([]hindcast.State, len(t.keys))
	if p != nil {
		t.unloads = p.UnloadOnly
		for i := range p.Items {
			item := &p.Items[i]
			t.items[item.Slice.Key] = item
			if !item.Reason.Runs() {
				t.idle[item.Slice.Key] = true
			}
		}
	}
	t.count()
	return t
}

// count recomputes the numbers from the fold.
func (t *tally) count() {
	t.total, t.done, t.skipped, t.rowsDone, t.rowsTotal = 0, 0, 0, 0, 0
	t.counts = map[hindcast.State]int{}
	known, sum := int64(0), int64(0)
	for i, key := range t.keys {
		if t.folds[i] == nil {
			t.folds[i] = t.st.Slices[key]
		}
		state := t.stateOf(key, t.folds[i])
		t.states[i] = state
		t.counts[state]++
		if t.idle[key] && state == hindcast.Skipped {
			continue
		}
		t.total++
		done := state == hindcast.Succeeded || state == hindcast.Skipped
		if done {
			t.done++
		}
		if state == hindcast.Skipped {
			t.skipped++
		}
		if n := t.addRows(t.rowsOf(key, t.folds[i]), done); n >= 0 {
			known, sum = known+1, sum+n
		}
	}
	t.rowsMean = sum / max(known, 1)
	if rest := t.st.Total - t.total; rest > 0 && !t.fromPlan {
		t.total += rest
		t.counts[hindcast.Pending] += rest
		t.rowsTotal = -1
	}
}

func (t *tally) addRows(n int64, done bool) int64 {
	if n < 0 {
		t.rowsTotal = -1
		return n
	}
	if t.rowsTotal >= 0 {
		t.rowsTotal += n
	}
	if done {
		t.rowsDone += n
	}
	return n
}

// state is where a slice stands; one that the plan does not run is skipped.
func (t *tally) state(key string) hindcast.State { return t.stateOf(key, t.st.Slices[key]) }

func (t *tally) stateOf(key string, s *hindcast.SliceState) hindcast.State {
	if s != nil && t.waits(key, s) {
		return hindcast.Pending
	}
	if s != nil && (s.State != hindcast.Pending || !t.idle[key]) {
		return s.State
	}
	if t.idle[key] {
		return hindcast.Skipped
	}
	return hindcast.Pending
}

// rowsIn is the best that is known of a slice's input rows: what its transform has read, or else what the plan
// read from manifests or estimates, or what this run unloaded for it; -1 if nothing is.
func (t *tally) rowsIn(key string) int64 { return t.rowsOf(key, t.st.Slices[key]) }

func (t *tally) rowsOf(key string, s *hindcast.SliceState) int64 {
	n := int64(-1)
	if item := t.items[key]; item != nil {
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

// in lists the slices that were in the given state at the last count, in the order of time.
func (t *tally) in(state hindcast.State) []string {
	if t.counts[state] == 0 {
		return nil
	}
	var found []string
	for i, key := range t.keys {
		if t.states[i] == state {
			found = append(found, key)
		}
	}
	return found
}

// spent sums the measured time of each step over all slices, and of all steps.
func (t *tally) spent() (map[hindcast.Step]time.Duration, time.Duration) {
	steps, all := map[hindcast.Step]time.Duration{}, time.Duration(0)
	for _, s := range t.st.Slices {
		for step, secs := range s.Seconds {
			steps[step] += seconds(secs)
			all += seconds(secs)
		}
	}
	return steps, all
}

// sums adds up what the slices that are proven have read and written.
func (t *tally) sums() (rowsIn, bytesIn, rowsOut, bytesOut int64) {
	for _, key := range t.keys {
		s := t.st.Slices[key]
		if s == nil || s.State != hindcast.Succeeded {
			continue
		}
		rowsIn += max(t.rowsIn(key), 0)
		rowsOut += s.Rows
		bytesOut += s.BytesOut
		bytesIn += t.bytesIn(key, s)
	}
	return rowsIn, bytesIn, rowsOut, bytesOut
}

func (t *tally) bytesIn(key string, s *hindcast.SliceState) int64 {
	if item := t.items[key]; !s.Read && item != nil {
		return max(item.Bytes, 0)
	}
	return s.BytesIn
}
