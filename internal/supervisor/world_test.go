package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// memory is a journal in memory that knows which of its events are durable.
type memory struct {
	mu      sync.Mutex
	events  []hindcast.Event
	durable int
	fail    func(hindcast.Event) error // of the events that are appended
	dead    bool                       // its process is: nothing is appended any more
}

func (m *memory) Append(_ context.Context, events ...hindcast.Event) error {
	if err := m.AppendAsync(events...); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.durable = len(m.events)
	return nil
}

func (m *memory) AppendAsync(events ...hindcast.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errCrashed
	}
	for _, e := range events { // all or none
		if m.fail == nil {
			break
		}
		if err := m.fail(e); err != nil {
			return err
		}
	}
	for _, e := range events {
		e.Seq, e.Time = int64(len(m.events)+1), time.Now().UTC().Truncate(time.Microsecond)
		m.events = append(m.events, e)
	}
	return nil
}

// onDisk reports whether such an event is durable.
func (m *memory) onDisk(kind hindcast.EventType, slice string, attempt int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := m.durable - 1; i >= 0; i-- {
		if e := m.events[i]; e.Type == kind && e.Slice == slice && e.Attempt == attempt {
			return true
		}
	}
	return false
}

// fold folds the first n events, or all if n is negative.
func (m *memory) fold(n int) *hindcast.RunState {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n < 0 {
		n = len(m.events)
	}
	state := &hindcast.RunState{}
	for _, e := range m.events[:n] {
		state.Apply(e)
	}
	return state
}

// crash loses events that were not durable, all or some.
func (m *memory) crash(lost float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keep := len(m.events) - int(float64(len(m.events)-m.durable)*lost)
	m.events, m.durable = m.events[:keep], keep
}

func (m *memory) count(kind hindcast.EventType, slice string) int {
	n := 0
	for _, e := range m.events {
		if e.Type == kind && (slice == "" || e.Slice == slice) {
			n++
		}
	}
	return n
}

// world is the lake, the engine and the warehouse of a test, and what it saw. call, if set, decides how a
// method's call goes; see outcome.
type world struct {
	t       testing.TB
	journal *memory
	call    func(method string, try Try) outcome

	mu           sync.Mutex
	outputs      []hindcast.Output             // of the plan
	rows         map[string]hindcast.Committed // the status rows, by slice and output: see at
	commits      map[string]int                // slice and output, and fingerprint → how often committed
	kept         map[string]bool               // slice and output, and fingerprint → the result of a commit is kept
	staged       map[string]bool               // slice and output, and attempt, if there are files → they are in the lake
	calls        []string                      // "method slice attempt", as they began
	active       map[string]int
	peak         map[string]int
	fence        int64
	version      string // of the definition: a part of fingerprints
	killed       bool
	unkilled     []string // what Kill is to call unconfirmed
	release      chan struct{}
	transactions int                      // loads that were committed, of one or many slices
	aheadPeak    int                      // most results staged at a time
	most         int                      // slices of one load
	sized        func(slice string) int64 // rows of a slice's result; see size
	window       pulse
	touched      map[string]bool // slices of which any life has begun anything

	given    map[string]*given           // what the engine was given, by tag
	price    float64                     // dollars for a second of work
	billing  time.Duration               // how long the engine takes to say what work has cost
	outlives bool                        // the engine's work outlives the run
	crash    func(at string, _ Try) bool // whether the run's process dies here; see die
	crashed  bool                        // it has: nothing that the run does has any effect
	die      context.CancelFunc          // of the run's context
}

// outcome of a call: it takes Takes (or until its context ends, unless Stubborn), then fails with Err. A Load
// with Lost commits and fails all the same.
type outcome struct {
	Takes    time.Duration
	Err      error
	Lost     bool
	Stubborn bool // ignores its context until the world's release is closed
	Memory   int64
}

func newWorld(t testing.TB) *world {
	return &world{t: t, journal: &memory{}, rows: map[string]hindcast.Committed{}, commits: map[string]int{},
		kept: map[string]bool{}, touched: map[string]bool{}, staged: map[string]bool{}, given: map[string]*given{}, active: map[string]int{}, peak: map[string]int{}, fence: 1, release: make(chan struct{})}
}

func (w *world) enter(method string, try Try) outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(method, try)
	return w.draw(method, try)
}

// draw decides how a call goes. The world is locked.
func (w *world) draw(method string, try Try) outcome {
	if w.call == nil {
		return outcome{}
	}
	return w.call(method, try)
}

// note notes a call that begins. The world is locked.
func (w *world) note(method string, try Try) {
	w.calls = append(w.calls, fmt.Sprintf("%s %s %d", method, try.Item.Slice.Key, try.Attempt))
	if slice := try.Item.Slice.Key; !w.touched[slice] {
		w.touched[slice] = true
		if now := time.Now(); w.window != (pulse{}) && w.window.Opens(now).After(now) {
			w.t.Errorf("%s of %s begins while the window is shut", method, slice)
		}
	}
	w.active[method]++
	w.peak[method] = max(w.peak[method], w.active[method])
	if try.Alone && method == "transform" && w.active[method] > 1 {
		w.t.Errorf("%s is to be alone, and %d transforms run", try.Item.Slice.Key, w.active[method])
	}
}

func (w *world) leave(method string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active[method]--
}

// spend lets time pass.
func (w *world) spend(ctx context.Context, o outcome) error {
	if o.Stubborn {
		<-w.release
		return ctx.Err()
	}
	if o.Takes > 0 {
		select {
		case <-time.After(o.Takes):
		case <-ctx.Done():
			return fmt.Errorf("waiting: %w", ctx.Err())
		}
	}
	return o.Err
}

func (w *world) Unload(ctx context.Context, try Try, report Report) error {
	o := w.enter("unload", try)
	defer w.leave("unload")
	if err := w.spend(ctx, o); err != nil {
		return err
	}
	report(hindcast.Event{Type: hindcast.EventStepFinished, Fact: "f", Rows: 7, Manifest: &hindcast.Manifest{Name: "f"}})
	return nil
}

// at names an output of a slice: the first one has the slice's name.
func at(slice string, output int) string {
	if output == 0 {
		return slice
	}
	return fmt.Sprintf("%s#%d", slice, output)
}

func (w *world) print(slice string, output int) string { return at(slice, output) + "/" + w.version }

// indexOf is the output of this name.
func (w *world) indexOf(name string) int {
	return slices.IndexFunc(w.outputs, func(o hindcast.Output) bool { return o.Name == name })
}

func (w *world) stagedAs(m *hindcast.Manifest) string {
	return fmt.Sprintf("%s %d", at(m.Key, w.indexOf(m.Output)), m.Attempt)
}

func (w *world) Fingerprint(ctx context.Context, try Try) (print string, due []int, err error) {
	o := w.enter("fingerprint", try)
	defer w.leave("fingerprint")
	if err := w.spend(ctx, o); err != nil {
		return "", nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, k := range try.Item.Wanted() {
		of := w.print(try.Item.Slice.Key, k)
		if all = append(all, of); w.rows[at(try.Item.Slice.Key, k)].Fingerprint != of || try.Item.Forced(k) {
			due = append(due, k)
		}
	}
	return plan.Together(all), due, nil
}

func (w *world) Wait(ctx context.Context, try Try, h hindcast.Handle, progress func(hindcast.Progress)) (Staged, error) {
	w.mu.Lock()
	w.note("transform", try)
	w.mu.Unlock()
	defer w.leave("transform")
	o, err := w.await(ctx, try, h, progress)
	if err != nil {
		return Staged{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &hindcast.Manifest{Name: "result", Output: w.outputs[try.Output].Name, Key: try.Item.Slice.Key, Attempt: try.Attempt,
		Seconds: 1, Sums: hindcast.Sums{Rows: w.size(try.Item.Slice.Key)}}
	w.staged[w.stagedAs(m)] = false
	w.aheadPeak = max(w.aheadPeak, len(w.staged))
	return Staged{Memory: o.Memory, Manifest: m}, nil
}

// size is how many rows a slice's result has: too many to share a transaction, unless the test says otherwise.
func (w *world) size(slice string) int64 {
	if w.sized == nil {
		return sharedRows + 1
	}
	return w.sized(slice)
}

func (w *world) Stage(ctx context.Context, try Try, m *hindcast.Manifest) error {
	o := w.enter("stage", try)
	defer w.leave("stage")
	if err := w.spend(ctx, o); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.staged[w.stagedAs(m)] = true
	return nil
}

func (w *world) Reusable(_ context.Context, staged *hindcast.Manifest) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.staged[w.stagedAs(staged)]
}

func (w *world) Load(ctx context.Context, list []Loading) (rows [][]hindcast.Committed, err error) {
	o := w.enter("load", list[0].Try)
	defer w.leave("load")
	w.mu.Lock()
	w.most = max(w.most, len(list))
	for _, l := range list { // any of them may be at fault
		if err := w.draw("member", l.Try).Err; err != nil && o.Err == nil {
			o.Err = err
		}
	}
	w.mu.Unlock()
	for _, l := range list {
		key := l.Try.Item.Slice.Key
		if !w.journal.onDisk(hindcast.EventLoadPrepared, key, l.Try.Attempt) {
			w.t.Errorf("promise 1: %s attempt %d is loaded before load_prepared is on disk", key, l.Try.Attempt)
		}
		for _, m := range l.Staged {
			if !w.Reusable(ctx, m) {
				w.t.Errorf("%s attempt %d is loaded from files of %q that are not there", key, l.Try.Attempt, m.Output)
			}
		}
	}
	if err := w.spend(ctx, o); err != nil && !o.Lost {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if list[0].Try.Fence < w.fence {
		return nil, &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent, Message: "taken over"}
	}
	var changed []string
	for _, l := range list {
		if l.Try.Before != nil && !reflect.DeepEqual(l.Try.Before, w.before(l.Try)) {
			changed = append(changed, l.Try.Item.Slice.Key)
		}
	}
	if len(changed) > 0 {
		return nil, &hindcast.Error{Code: hindcast.EChanged, Class: hindcast.ClassPermanent, Message: changed[0] + " is not what was to be replaced", Slices: changed}
	}
	for _, l := range list {
		rows = append(rows, w.commit(l))
	}
	w.transactions++
	if o.Lost {
		return nil, o.Err
	}
	return rows, nil
}

// commit puts a slice's rows in. The world is locked.
func (w *world) commit(l Loading) (rows []hindcast.Committed) {
	try, key := l.Try, l.Try.Item.Slice.Key
	for _, m := range l.Staged {
		k := w.indexOf(m.Output)
		c := hindcast.Committed{Target: w.outputs[k].Target.Table, Slice: try.Item.Slice, Run: try.Run, Publication: try.Run, Attempt: try.Attempt,
			Fingerprint: w.print(key, k), Sums: m.Sums}
		w.rows[at(key, k)] = c
		w.commits[at(key, k)+" "+c.Fingerprint]++
		rows = append(rows, c)
	}
	w.checkWhole(try)
	return rows
}

// before is what the targets have in the try's slice. The world is locked.
func (w *world) before(try Try) []hindcast.Before {
	list := []hindcast.Before{}
	for _, k := range try.Item.Wanted() {
		c := w.rows[at(try.Item.Slice.Key, k)]
		list = append(list, hindcast.Before{Target: w.outputs[k].Target.Table, Publication: c.Publication, Fingerprint: c.Fingerprint, Sums: c.Sums})
	}
	return list
}

func (w *world) Before(ctx context.Context, tries []Try) (found [][]hindcast.Before, err error) {
	o := w.enter("before", tries[0])
	defer w.leave("before")
	if err := w.spend(ctx, o); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, try := range tries {
		found = append(found, w.before(try))
	}
	return found, nil
}

// checkWhole: after a load, every output that the slice is run for has its row. The world is locked.
func (w *world) checkWhole(try Try) {
	for _, k := range try.Item.Wanted() {
		if w.rows[at(try.Item.Slice.Key, k)].Fingerprint != w.print(try.Item.Slice.Key, k) {
			w.t.Errorf("%s was loaded without output %d", try.Item.Slice.Key, k)
		}
	}
}

func (w *world) Lookup(ctx context.Context, try Try) (found []hindcast.Committed, err error) {
	o := w.enter("lookup", try)
	defer w.leave("lookup")
	if err := w.spend(ctx, o); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range try.Item.Wanted() {
		c, ok := w.rows[at(try.Item.Slice.Key, k)]
		if !ok {
			return nil, nil
		}
		found = append(found, c)
	}
	if plan.Together(prints(found)) != try.Fingerprint {
		return nil, nil
	}
	return found, nil
}

func (w *world) Keep(ctx context.Context, try Try, committed []hindcast.Committed, staged []*hindcast.Manifest) error {
	o := w.enter("keep", try)
	defer w.leave("keep")
	if o.Err == nil {
		o.Takes = 0 // the files are where they stay
	}
	if err := w.spend(ctx, o); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.crashed {
		return errCrashed
	}
	for _, c := range committed {
		for _, m := range staged {
			if k := w.indexOf(m.Output); w.outputs[k].Target.Table == c.Target {
				w.kept[at(try.Item.Slice.Key, k)+" "+c.Fingerprint] = true
			}
		}
	}
	return nil
}

func (w *world) Discard(_ context.Context, try Try) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.crashed {
		return
	}
	for k := range w.outputs {
		delete(w.staged, fmt.Sprintf("%s %d", at(try.Item.Slice.Key, k), try.Attempt))
	}
}

func (w *world) prove(context.Context) ([]hindcast.Committed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := make([]hindcast.Committed, 0, len(w.rows))
	for _, c := range w.rows {
		rows = append(rows, c)
	}
	return rows, nil
}

func (w *world) kill() (dead, unconfirmed []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.killed {
		w.t.Error("Kill was called twice")
	}
	w.killed = true
	if !w.crashed {
		w.endAll()
	}
	return []string{"engine", "warehouse"}, w.unkilled
}

// count counts the calls of a method for a slice, or for all.
func (w *world) count(method, slice string) int {
	n := 0
	for _, c := range w.calls {
		var m, s string
		var attempt int
		if _, err := fmt.Sscan(c, &m, &s, &attempt); err == nil && m == method && (slice == "" || s == slice) {
			n++
		}
	}
	return n
}

func key(i int) string { return time.Date(2016, 1, 1+i, 0, 0, 0, 0, time.UTC).Format("2006-01-02") }

// planOf is a plan of n days.
func planOf(n int) *plan.Plan {
	p := &plan.Plan{Run: "r1", Shares: plan.Shares{Transforms: 2, Unloads: 1}}
	p.Pipeline.Outputs = []hindcast.Output{{Target: hindcast.Target{Table: "t"}}}
	p.Pipeline.Run = hindcast.RunConfig{Retries: 3, RetryWait: time.Second, AttemptTimeout: time.Hour, OnFailure: hindcast.OnFailureStop}
	for i := range n {
		start := time.Date(2016, 1, 1+i, 0, 0, 0, 0, time.UTC)
		p.Items = append(p.Items, plan.Item{Reason: hindcast.ReasonNew, Units: plan.Needs{{Fact: "f", Keys: []string{key(i)}}},
			Slice: hindcast.Slice{Key: key(i), Interval: hindcast.Interval{Start: start, End: start.AddDate(0, 0, 1)}}})
	}
	return p
}

// several gives the plan n outputs, all of which are made.
func several(p *plan.Plan, n int) *plan.Plan {
	p.Pipeline.Outputs = nil
	for k := range n {
		p.Pipeline.Outputs = append(p.Pipeline.Outputs, hindcast.Output{Name: fmt.Sprintf("o%d", k), Target: hindcast.Target{Table: fmt.Sprintf("t%d", k)}})
	}
	for i := range p.Items {
		p.Items[i].Outputs = slices.Repeat([]plan.Outcome{{Reason: p.Items[i].Reason}}, n)
	}
	return p
}

// unloading makes the plan unload every unit.
func unloading(p *plan.Plan) *plan.Plan {
	for _, item := range p.Items {
		p.Units = append(p.Units, plan.Unit{Fact: "f", Key: item.Slice.Key, Unload: true})
	}
	return p
}

func (w *world) config(p *plan.Plan) Config {
	c := Config{Plan: p, Journal: w.journal, Worker: w, Fence: 1, Host: "here", Pid: 1, Prove: w.prove, Kill: w.kill,
		Random: rand.New(rand.NewPCG(1, 1)).Float64}
	if len(w.journal.events) > 0 {
		c.State = w.journal.fold(-1)
	}
	w.killed, w.outputs = false, p.Pipeline.Outputs
	return c
}

// run runs, and checks what holds for every run.
func (w *world) run(c Config) *Outcome {
	w.t.Helper()
	before := len(w.journal.events)
	ctx, die := context.WithCancel(context.Background())
	defer die()
	w.die, w.crashed, w.journal.dead = die, false, false
	out := Run(ctx, c)
	w.mu.Lock()
	defer w.mu.Unlock()
	for method, n := range w.active {
		if n != 0 && out.ExitCode != hindcast.ExitUnknown {
			w.t.Errorf("%d calls of %s still run", n, method)
		}
	}
	for method, limit := range map[string]int{"unload": c.Plan.Shares.Unloads, "transform": c.Plan.Shares.Transforms, "load": 1} {
		if w.peak[method] > limit {
			w.t.Errorf("%d calls of %s ran at a time, %d may", w.peak[method], method, limit)
		}
	}
	if folded := w.journal.fold(-1); !reflect.DeepEqual(folded, out.State) {
		w.t.Errorf("the journal folds to\n%+v, and the state is\n%+v", folded, out.State)
	}
	w.checkCommits(c, out)
	w.checkGiven(out)
	w.checkAttempts(c.Plan, w.journal.events[before:])
	return out
}

// checkCommits: at most one commit of a fingerprint, and success if and only if all are committed.
func (w *world) checkCommits(c Config, out *Outcome) {
	w.t.Helper()
	for what, n := range w.commits {
		if n > 1 {
			w.t.Errorf("%s was committed %d times", what, n)
		}
	}
	for what := range w.commits {
		output, print, _ := strings.Cut(what, " ")
		slice, _, _ := strings.Cut(output, "#")
		if s := out.State.Slices[slice]; s != nil && s.State == hindcast.Succeeded && w.rows[output].Fingerprint == print && !w.kept[what] {
			w.t.Errorf("%s counts as committed, and its result is not kept", what)
		}
	}
	if out.ExitCode != hindcast.ExitOK || c.UnloadOnly || c.Publishing == Held {
		return
	}
	for _, item := range c.Plan.Items {
		for _, k := range item.Wanted() {
			if _, ok := w.rows[at(item.Slice.Key, k)]; !ok {
				w.t.Errorf("success, and %s is not committed", at(item.Slice.Key, k))
			}
		}
	}
}

// checkAttempts: none beyond the limit in one life of the run.
func (w *world) checkAttempts(p *plan.Plan, events []hindcast.Event) {
	w.t.Helper()
	failures := map[string]int{}
	for _, e := range events {
		if e.Type == hindcast.EventAttemptFailed || e.Type == hindcast.EventFailed && e.Error.Code != hindcast.ELost {
			failures[e.Slice]++
		}
	}
	for slice, n := range failures {
		if limit := p.Pipeline.Run.Retries + 1; n > limit {
			w.t.Errorf("%d attempts at %s failed, %d are allowed", n, slice, limit)
		}
	}
}

// Errors of the classes, to fail with.
var (
	errTransient = &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Message: "connection reset"}
	errMemory    = &hindcast.Error{Code: hindcast.EMemory, Class: hindcast.ClassResource, Message: "out of memory"}
	errPermanent = &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Message: "division by zero"}
	errCheck     = &hindcast.Error{Code: hindcast.ECheck, Class: hindcast.ClassCheck, Message: "check rows failed"}
	errOdd       = errors.New("odd")
	errCrashed   = errors.New("the process has died")
)

// on fails the method's calls for the slice (all slices if empty) as long as the attempt's number is at most
// last; everything takes a while.
func on(method, slice string, last int, o outcome) func(string, Try) outcome {
	return func(m string, try Try) outcome {
		if m == method && (slice == "" || slice == try.Item.Slice.Key) && try.Attempt <= last {
			if o.Takes == 0 {
				o.Takes = time.Second
			}
			return o
		}
		return outcome{Takes: time.Second}
	}
}

func wantExit(t testing.TB, out *Outcome, code int) {
	t.Helper()
	if out.ExitCode != code {
		t.Errorf("exit code %d (%v), want %d", out.ExitCode, out.Err, code)
	}
	if out.State.Finished && out.State.ExitCode != out.ExitCode {
		t.Errorf("exit code %d, journaled as %d", out.ExitCode, out.State.ExitCode)
	}
}

func wantState(t testing.TB, out *Outcome, slice string, want hindcast.State) {
	t.Helper()
	s := out.State.Slices[slice]
	if s == nil {
		s = &hindcast.SliceState{State: hindcast.Pending}
	}
	if s.State != want {
		t.Errorf("%s is %s (%v), want %s", slice, s.State, s.Error, want)
	}
}

func wantCount(t testing.TB, w *world, method, slice string, want int) {
	t.Helper()
	if n := w.count(method, slice); n != want {
		t.Errorf("%d calls of %s for %q, want %d: %v", n, method, slice, want, w.calls)
	}
}
