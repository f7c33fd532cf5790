package screen

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

// StatusOptions are what a status says beside the run's own state.
type StatusOptions struct {
	Options
	Alive bool   // a supervisor holds the run; otherwise a run that is not finished was interrupted
	Log   string // where the run's log is
	// Heard is when the run, if it is interrupted, gave its last sign of life.
	Heard time.Time
	// Lasting says that what an engine computes for the run is still there without the run's process.
	Lasting bool
	// Silent is when the run's process, of another host, gave its last sign of life by that host's clock, if it is long ago.
	Silent time.Time
	// Refused says why a resume, or to publish what is held, would be refused, Instead what to do then. Both are empty where nothing speaks against it.
	Refused, Instead string
	Left             []Left // what goes on without a supervisor
	Of               int    // how many slices the run works on, where only some of them are shown; 0 otherwise
}

// interrupted reports whether the run is not finished, and nobody is at it.
func (o StatusOptions) interrupted(st *hindcast.RunState) bool {
	return view.StateOf(st, o.Alive) == view.Interrupted
}

// tally counts a run as it stands.
func (o StatusOptions) tally(st *hindcast.RunState, p *plan.Plan) *view.Tally {
	t := view.NewTally(st, p)
	if o.interrupted(st) {
		t.Abandon()
	}
	return t
}

// taken says what a resume does with the slices that were under way; nothing if it would be refused.
func (o StatusOptions) taken(t *view.Tally) map[string]view.Taken {
	if o.Refused != "" {
		return nil
	}
	return t.Taken(o.Lasting)
}

// until is up to when the run is known to have worked.
func (o StatusOptions) until(st *hindcast.RunState) time.Time {
	switch {
	case o.interrupted(st):
		return o.Heard
	case !o.Silent.IsZero():
		return o.Silent
	}
	return o.Now
}

// Left is work of an engine that goes on, or may, or an application that has no work any more, though the process that supervised
// the run has died.
type Left struct {
	Slice  string          `json:"slice,omitempty"` // that it works on
	Handle hindcast.Handle `json:"handle"`
	Since  time.Time       `json:"since,omitzero"`
	Idle   bool            `json:"idle,omitempty"`      // it has no work, and ends by itself soon
	Taken  bool            `json:"taken,omitempty"`     // a resume takes its result; otherwise it ends the work
	Host   string          `json:"elsewhere,omitempty"` // another machine, on which it may have ended
}

// Named is the work in words, or the application that has none.
func (l Left) Named(p *plan.Plan) string {
	text := cmp.Or(l.Handle.IDs["application"], l.Handle.Tag)
	if l.Slice != "" {
		text += " with " + p.Label(l.Slice)
	}
	if master := l.Handle.IDs["master"]; master != "" {
		text += " on " + master
	}
	if l.Host != "" {
		text += ", begun on " + l.Host
	}
	return text
}

// left lists what a run without a supervisor left.
func (pg *page) left(p *plan.Plan, o StatusOptions) {
	for _, l := range o.Left {
		named, since := l.Named(p), ""
		if !l.Since.IsZero() {
			since = " since " + moment(l.Since, o.Now)
		}
		switch {
		case l.Host != "":
			pg.wrap("  perhaps alive: ", "    ", o.text(named+since+"; ask there"))
		case l.Idle:
			pg.wrap("  idle: ", "    ", o.text(named+", without a supervisor; it ends by itself within half a minute"))
		case o.Refused != "":
			pg.wrap("  still alive: ", "    ", o.text(named+since+", without a supervisor; nobody will take its result"))
		case l.Taken:
			pg.wrap("  still alive: ", "    ", o.text(named+since+", without a supervisor; a resume takes its result"))
		default:
			pg.wrap("  still alive: ", "    ", o.text(named+since+", without a supervisor; a resume ends it, and computes the slice again"))
		}
	}
}

// endable reports whether something lives here that a stop would end.
func (o StatusOptions) endable() bool {
	return slices.ContainsFunc(o.Left, func(l Left) bool { return l.Host == "" })
}

var runStyle = map[string]style{view.Running: cyan, view.Stopping: yellow, view.Done: green, view.Held: yellow, view.Stopped: yellow,
	view.Failed: red, view.Interrupted: red}

// Status shows how a run stands, from its journal alone.
func Status(w io.Writer, st *hindcast.RunState, p *plan.Plan, o StatusOptions) {
	t := o.tally(st, p)
	l := view.NewLive(p)

	l.Run, l.Tally, l.Taken = *st, t, o.taken(t)
	for key, s := range st.Slices {
		if s.Error != nil {
			l.Errors[key] = s.Error.Message
		}
	}

	pg := &page{o: o.Options}
	pg.ends(statusTitle(t, p, o), o.paint(dim, statusSince(st, o)))

	for _, line := range (fits{}).grid(t, o.Options, o.layout(), 8) {
		pg.add(line)
	}

	if active := actives(l, o.Options, o.until(st), o.layout(), 12, hindcast.Running, hindcast.Retrying, view.Interrupted); len(active) > 0 {
		pg.add("")
		pg.lines = append(pg.lines, active...)
	}

	pg.add("")
	pg.failures(t, 5)
	pg.dropped(t)
	pg.lent(t)
	pg.cost(st, p)
	if st.Finished && st.ExitCode != hindcast.ExitOK {
		pg.dead(st)
	}

	for _, by := range st.Accepted {
		pg.wrap("  SQL: ", "       ", o.text("as the files had it then for the slices that were left, "+by))
	}
	if o.Alive && !st.Finished && !st.Waits.IsZero() {
		pg.wrap("  ", "  ", o.text(waits(st.Waits, p, o.Now)))
	}
	pg.left(p, o)
	pg.resized(st.Resized, o.until(st), o.Alive && !st.Finished)
	if o.Log != "" {
		pg.wrap("  log: ", "       ", o.text(o.near(o.Log)))
	}
	if o.Refused != "" {
		what := "  no resume: "
		if view.StateOf(st, o.Alive) == view.Held {
			what = "  not to be published: "
		}
		pg.wrap(what, "  ", o.text(o.Refused))
	}

	next := statusSteps(t, o)
	if leftResized(st, o.Alive) {
		next = append(next, sizeBack)
	}
	if o.endable() {
		next = append(next, "end what is left of it: hindcast stop "+st.Run)
	}
	pg.next(next...)
	pg.flush(w)
}

func statusTitle(t *view.Tally, p *plan.Plan, o StatusOptions) string {
	state := view.StateOf(t.Run, o.Alive)
	name := t.Run.Run
	if p != nil {
		name += " " + Named(&p.Pipeline)
	}

	if p != nil && p.Undo != "" {
		name += ", undo of " + p.Undo
	}

	text := o.paint(bold, o.text(name)) + "  " + o.paint(runStyle[state], state)
	text += "  " + numbers.Thousands(t.Done) + "/" + numbers.Thousands(t.Total) + " slices"
	if t.Staged > 0 {
		text += ", " + numbers.Thousands(t.Staged) + " staged"
	}
	if o.Of > 0 {
		text += " chosen of " + numbers.Thousands(o.Of)
	}

	if t.RowsTotal > 0 {
		text += "  " + numbers.Short(t.RowsDone) + " of " + rows(t.RowsTotal)
	}

	return text
}

func statusSince(st *hindcast.RunState, o StatusOptions) string {
	if st.Finished {
		return fmt.Sprintf("%s, took %s", moment(st.Updated, o.Now), watch(st.Active))
	}

	if o.interrupted(st) {
		return fmt.Sprintf("started %s, last heard of %s", moment(st.Started, o.Now), moment(o.Heard, o.Now))
	}

	since := "since " + moment(st.Started, o.Now)
	if st.Pid > 0 && o.Alive {
		since += fmt.Sprintf(", pid %d on %s", st.Pid, o.text(st.Host))
	}

	if !o.Silent.IsZero() {
		since += ", silent since " + moment(o.Silent, o.Now)
	}

	return since
}

// statusNext is what to do next, in one line.
func statusNext(t *view.Tally, o StatusOptions) string {
	return strings.Join(statusSteps(t, o), "; ")
}

// statusSteps are what to do next, one after another or one of them.
func statusSteps(t *view.Tally, o StatusOptions) []string {
	if !t.Run.Finished && !o.Silent.IsZero() {
		return []string{"if its machine is lost, go on with it from here: hindcast resume " + t.Run.Run}
	}
	switch view.StateOf(t.Run, o.Alive) {
	case view.Running:
		return []string{"hindcast stop " + t.Run.Run}
	case view.Stopping:
		return []string{"hindcast status " + t.Run.Run}
	case view.Held:
		if o.Refused == "" {
			return afterHold(t)
		}
		next := []string{"what is staged is deleted by: hindcast publish " + t.Run.Run + " --discard"}
		if o.Instead != "" {
			next = append([]string{o.Instead}, next...)
		}
		return next
	case view.Done:
		return []string{"hindcast verify"}
	}

	if o.Refused != "" {
		return []string{o.Instead}
	}
	return afterwards(t)
}

// RunStatus is `hindcast status --json`.
type RunStatus struct {
	Run         string          `json:"run"`
	Pipeline    string          `json:"pipeline,omitempty"`
	Environment string          `json:"environment,omitempty"`
	Undo        string          `json:"undo,omitempty"` // the run whose replacements it takes back
	State       string          `json:"state"`          // running, stopping, done, held, stopped, failed, interrupted
	StartedAt   time.Time       `json:"started_at"`
	UpdatedAt   time.Time       `json:"updated_at"`        // of the last event
	HeardAt     time.Time       `json:"heard_at,omitzero"` // the last sign of life of a run that is interrupted, or whose process is silent
	Seconds     float64         `json:"seconds"`           // that it was worked on, over all resumes
	Resumes     int             `json:"resumes"`
	Host        string          `json:"host,omitempty"`
	Pid         int             `json:"pid,omitempty"`
	ExitCode    *int            `json:"exit_code,omitempty"`    // once finished
	Stopping    string          `json:"stopping,omitempty"`     // why, once a stop was requested
	WaitsUntil  time.Time       `json:"waits_until,omitzero"`   // when its window opens, while it waits for that
	AcceptedSQL []string        `json:"accepted_sql,omitempty"` // by whom, and when, another SQL was accepted for the slices that were left
	Total       int             `json:"total"`                  // slices that the run works on, of those that are shown
	Of          int             `json:"of,omitempty"`           // slices that the run works on, where only some are shown
	Staged      int             `json:"staged,omitempty"`       // of them, those that are staged and not published
	Done        int             `json:"done"`                   // of them, those that need no more work
	Counts      map[string]int  `json:"counts"`                 // slices in each state, also those that the run does not work on
	RowsIn      int64           `json:"rows_in"`                // read by the slices that are proven
	RowsOut     int64           `json:"rows_out"`               // committed by them
	RowsStaged  int64           `json:"rows_staged,omitempty"`  // of the slices that are staged and not published
	Retries     int             `json:"retries"`
	PeakMemory  int64           `json:"peak_memory"`         // bytes, the highest of any worker
	Billed      []hindcast.Bill `json:"billed,omitempty"`    // for work that has ended, on an engine that is paid for by time
	SpentUSD    float64         `json:"spent_usd,omitempty"` // that and what is under way, as far as prices are known
	Slices      []SliceStatus   `json:"slices"`              // every slice, in the order of time
	Errors      []ErrorStatus   `json:"errors,omitempty"`
	Dead        []string        `json:"confirmed_dead,omitempty"`
	Unconfirmed []string        `json:"not_confirmed,omitempty"`
	Resize      *ResizeStatus   `json:"resize,omitempty"` // where it stands with the size of its warehouse
	Left        []Left          `json:"left,omitempty"`   // what goes on without a supervisor
	Log         string          `json:"log,omitempty"`
	Refused     string          `json:"refused,omitempty"` // why a resume, or to publish what is held, would be refused
	Next        string          `json:"next"`
}

// SliceStatus is a slice in a RunStatus.
type SliceStatus struct {
	Key     string          `json:"key"`
	State   hindcast.State  `json:"state"`             // or "interrupted"
	Resume  view.Taken      `json:"resume,omitempty"`  // what a resume does with it, if it is interrupted
	Attempt int             `json:"attempt,omitempty"` // the latest, counted over all resumes, as in events
	Tries   int             `json:"tries,omitempty"`   // attempts since the run was started or last resumed
	Step    hindcast.Step   `json:"step,omitempty"`
	RowsIn  int64           `json:"rows_in"` // -1 if unknown
	Rows    int64           `json:"rows,omitempty"`
	Seconds float64         `json:"seconds,omitempty"` // over all steps and attempts
	Billed  []hindcast.Bill `json:"billed,omitempty"`  // for its work, over all attempts
	Error   *hindcast.Error `json:"error,omitempty"`
	Message string          `json:"message,omitempty"` // why it is skipped, or who stopped it alone
}

// ErrorStatus is an error in a RunStatus, once for all slices that met it.
type ErrorStatus struct {
	Error    *hindcast.Error  `json:"error"`
	Attempts map[string][]int `json:"attempts"` // slice → the attempts that met it
}

// NewRunStatus gathers what Status shows, for programs.
func NewRunStatus(st *hindcast.RunState, p *plan.Plan, o StatusOptions) RunStatus {
	t := o.tally(st, p)
	rowsIn, _, rowsOut, _ := t.Sums()
	staged := t.RowsStaged()

	s := RunStatus{Run: st.Run, State: view.StateOf(st, o.Alive), StartedAt: st.Started.UTC(), UpdatedAt: st.Updated.UTC(), Seconds: st.Active.Seconds(),
		Resumes: st.Resumes, Host: st.Host, Pid: st.Pid, Stopping: st.Stopping, Total: t.Total, Of: o.Of, Staged: t.Staged, Done: t.Done,
		Counts: map[string]int{}, RowsIn: rowsIn, RowsOut: rowsOut - staged, RowsStaged: staged, Retries: st.Retries, PeakMemory: st.Memory, Billed: st.Billed(), SpentUSD: st.Spent(),
		Slices: []SliceStatus{}, Dead: st.Dead, Unconfirmed: st.Unconfirmed, Left: o.Left, Log: o.Log, Refused: o.Refused, Next: o.Commands(statusNext(t, o))}
	if is := st.Resized; is != nil {
		s.Resize = &ResizeStatus{Sizing: is.Sizing, Before: is.Origin, Underway: is.Underway, Open: is.Open, Error: is.Error, Refused: is.Refused}
	}
	if p != nil {
		s.Pipeline, s.Environment, s.Undo = p.Pipeline.Name, p.Pipeline.Environment, p.Undo
	}
	if st.Finished {
		s.ExitCode = &st.ExitCode
	}
	if o.Alive && !st.Finished && !st.Waits.IsZero() {
		s.WaitsUntil = st.Waits.UTC()
	}
	s.AcceptedSQL = st.Accepted
	if heard := o.until(st); !heard.Equal(o.Now) {
		s.HeardAt = heard.UTC()
	}

	for state, n := range t.Counts {
		s.Counts[string(state)] = n
	}
	taken := o.taken(t)
	for _, key := range t.Keys {
		one := sliceStatus(t, key)
		one.Resume = taken[key]
		s.Slices = append(s.Slices, one)
	}

	for _, f := range st.Failures {
		s.Errors = append(s.Errors, ErrorStatus{f.Error, f.Attempts})
	}

	return s
}

func sliceStatus(t *view.Tally, key string) SliceStatus {
	out := SliceStatus{Key: key, State: t.State(key), RowsIn: t.RowsIn(key)}
	if t.Idle[key] {
		out.Message = string(t.Reason(key))
	}

	s := t.Run.Slices[key]
	if s == nil {
		return out
	}

	out.Billed = s.Billed()
	out.Attempt, out.Tries, out.Step, out.Rows, out.Error = s.Attempt, s.Tries, s.Step, s.Rows, s.Error
	if s.Message != "" {
		out.Message = s.Message
	}
	for _, step := range []hindcast.Step{hindcast.StepUnload, hindcast.StepTransform, hindcast.StepLoad} {
		out.Seconds += s.Seconds[step]
	}

	return out
}

// WriteJSON writes the status as indented JSON.
func (s RunStatus) WriteJSON(w io.Writer) error { return writeJSON(w, s) }

func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// SliceTable shows every slice of a run, one a line.
func SliceTable(w io.Writer, st *hindcast.RunState, p *plan.Plan, so StatusOptions) {
	t, o := so.tally(st, p), so.Options
	head := []string{"SLICE", "STATE", "ATTEMPT", "STEP", "ROWS", "TIME", "ERROR"}
	right := []bool{false, false, true, false, true, true, false}
	list := make([][]string, 0, len(t.Keys))

	for _, key := range t.Keys {
		s := sliceStatus(t, key)
		line := []string{t.Labels.Short(key), o.paint(cellOf[s.State].style, string(s.State)), "", "", "", "", o.text(s.Message)}
		if s.Tries > 0 {
			line[2], line[3] = fmt.Sprint(s.Tries), string(s.Step)
			line[4], line[5] = numbers.Thousands(s.Rows), watch(seconds(s.Seconds))
		}

		if s.Error != nil {
			line[6] = o.text(string(s.Error.Code) + " " + s.Error.Message)
		}

		list = append(list, line)
	}

	plainTable(w, head, right, list, o)
}

// RunInfo is a line of `hindcast list`.
type RunInfo struct {
	Run       string    `json:"run"`
	In        string    `json:"environment,omitempty"`
	State     string    `json:"state"` // as in RunStatus
	Done      int       `json:"done"`
	Total     int       `json:"total"`
	Rows      int64     `json:"rows"`               // committed
	Staged    int64     `json:"staged,omitempty"`   // rows that are staged, and not published
	Unloaded  int64     `json:"unloaded,omitempty"` // rows, by a run that only unloads
	Shared    int64     `json:"shared,omitempty"`   // rows that it took of other pipelines in place of that
	StartedAt time.Time `json:"started_at"`
	Seconds   float64   `json:"seconds"`           // that it was worked on, over all resumes
	Refused   string    `json:"refused,omitempty"` // why a resume, or to publish what is held, would be refused
	Next      string    `json:"next,omitempty"`
}

// Info sums a run up for List.
func Info(st *hindcast.RunState, p *plan.Plan, o StatusOptions) RunInfo {
	t := view.NewTally(st, p)
	_, _, out, _ := t.Sums()
	staged := t.RowsStaged()

	info := RunInfo{Run: st.Run, State: view.StateOf(st, o.Alive), Done: t.Done, Total: t.Total, Rows: out - staged, Staged: staged,
		StartedAt: st.Started.UTC(), Seconds: st.Active.Seconds()}

	if p != nil {
		info.In = p.Pipeline.Environment
	}
	if p != nil && p.UnloadOnly {
		for _, s := range st.Slices {
			info.Unloaded, info.Shared = info.Unloaded+s.Unloaded, info.Shared+s.LentRows
		}
	}

	switch info.State {
	case view.Running, view.Stopping:
		info.Next = "hindcast status " + st.Run
	case view.Held:
		info.Next = "hindcast publish " + st.Run
	case view.Stopped, view.Failed, view.Interrupted:
		info.Next = goOn(t)
	}

	info.Next = o.Commands(info.Next)
	return info
}

// Refuse withdraws the proposal of a resume, or to publish what is held, if why says that it would be refused, and proposes next instead.
func (r *RunInfo) Refuse(why, next string) {
	if why != "" && view.Refusable(r.State) {
		r.Refused, r.Next = why, next
	}
}

// Resumed reports whether a resume is what to do next about a run, and would not be refused.
func Resumed(st *hindcast.RunState, p *plan.Plan, o StatusOptions) bool {
	return view.Resumable(view.StateOf(st, o.Alive)) && o.Refused == "" && strings.HasSuffix(statusNext(o.tally(st, p), o), "hindcast resume "+st.Run)
}

// List shows the runs of a pipeline, the latest first.
func List(w io.Writer, runs []RunInfo, o Options) {
	if len(runs) == 0 {
		pg := &page{o: o}
		pg.add("No runs yet.")
		pg.next("hindcast plan")
		pg.flush(w)
		return
	}

	runs = append(runs[:0:0], runs...)
	sort.SliceStable(runs, func(i, j int) bool { return runs[i].StartedAt.After(runs[j].StartedAt) })

	head := []string{"RUN", "STATE", "SLICES", "ROWS", "STARTED", "TOOK", "NEXT"}
	right := []bool{false, false, true, true, false, true, false}
	list := make([][]string, 0, len(runs))

	for _, r := range runs {
		next, rows := cmp.Or(r.Refused, r.Next), numbers.Thousands(r.Rows)
		switch {
		case r.Unloaded > 0 && r.Shared > 0:
			rows = numbers.Thousands(r.Unloaded) + " unloaded, " + numbers.Thousands(r.Shared) + " shared"
		case r.Unloaded > 0:
			rows = numbers.Thousands(r.Unloaded) + " unloaded"
		case r.Shared > 0:
			rows = numbers.Thousands(r.Shared) + " shared"
		case r.Staged > 0 && r.Rows > 0:
			rows += ", " + numbers.Thousands(r.Staged) + " staged"
		case r.Staged > 0:
			rows = numbers.Thousands(r.Staged) + " staged"
		}

		named := r.Run
		if r.In != "" {
			named += " in " + r.In
		}
		list = append(list, []string{o.text(named), o.paint(runStyle[r.State], r.State), numbers.Thousands(r.Done) + "/" + numbers.Thousands(r.Total),
			rows, moment(r.StartedAt, o.Now), watch(seconds(r.Seconds)), o.text(next)})
	}
	plainTable(w, head, right, list, o)
}

// ListJSON writes the runs as indented JSON, {"runs": […]}.
func ListJSON(w io.Writer, runs []RunInfo) error {
	if runs == nil {
		runs = []RunInfo{}
	}
	return writeJSON(w, struct {
		Runs []RunInfo `json:"runs"`
	}{runs})
}
