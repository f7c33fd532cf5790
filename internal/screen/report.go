package screen

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

// ReportOptions are what a report says beside the run's own state.
type ReportOptions struct {
	Options
	Log string // where the run's log is
}

// Report ends a run: what is proven, what it took, what failed, what is dead, and what to do next.
func Report(w io.Writer, st *hindcast.RunState, p *plan.Plan, o ReportOptions) {
	t := view.NewTally(st, p)
	pg := &page{o: o.Options}

	pg.headline(t)
	if st.Finished && st.ExitCode == hindcast.ExitOK {
		pg.figures(t, p)
		pg.cost(st, p)
		moved := pg.sources(t, p)
		pg.leftOut(t, p)
		pg.dropped(t)
		pg.skipped(t)
		pg.retries(st)
		pg.resized(st.Resized, o.Now, false)
		if st.Held() {
			pg.log(o)
			pg.next(afterHold(t)...)
			pg.flush(w)
			return
		}
		pg.logAndVerify(o)
		if p != nil && p.Hold && t.Counts[hindcast.Succeeded] > 0 {
			moved = append(moved, "to put back what stood there before: hindcast undo "+st.Run)
		}
		pg.next(moved...)
		pg.flush(w)
		return
	}

	pg.failures(t, 3)
	pg.cost(st, p)
	if st.Finished {
		pg.dead(st)
		pg.resized(st.Resized, o.Now, false)
	}

	pg.log(o)

	next := afterwards(t)
	if leftResized(st, false) {
		next = append(next, sizeBack)
	}
	pg.next(next...)
	pg.flush(w)
}

// afterHold is what to do with a run that is held.
func afterHold(t *view.Tally) []string {
	run := t.Run.Run
	if t.Canary {
		return []string{"all of them: hindcast run --hold, or hindcast run", "this one is deleted by the next run; or publish it: hindcast publish " + run}
	}
	return []string{"hindcast diff " + run, "then publish it: hindcast publish " + run, "or delete what is staged: hindcast publish " + run + " --discard"}
}

// stagedText counts what a run has staged and what it has published: the last is nothing, or somebody has published part of it.
func stagedText(t *view.Tally) string {
	return fmt.Sprintf("%s staged, %s published", numbers.Thousands(t.Staged), numbers.Thousands(t.Counts[hindcast.Succeeded]))
}

func (p *page) log(o ReportOptions) {
	if o.Log != "" {
		p.wrap("  log: ", "       ", o.text(o.near(o.Log)))
	}
}

func (p *page) headline(t *view.Tally) {
	st := t.Run
	color, text := headline(t)

	if st.ExitCode == hindcast.ExitOK && st.Finished {
		text += " in " + watch(st.Active)
	}

	right := fmt.Sprintf("exit %d", st.ExitCode)
	if !st.Finished {
		right = ""
	}

	text = p.o.text(text)
	if head, rest, ok := strings.Cut(text, ":"); ok && cells(text)+2+cells(right) <= p.o.layout() {
		text = p.o.paint(color, head) + ":" + rest
	}

	if right == "" {
		p.wrap("", "  ", text)
		return
	}

	p.ends(text, right)
}

// Headline says in a line how a run stands or ended.
func Headline(st *hindcast.RunState, p *plan.Plan) string {
	_, text := headline(view.NewTally(st, p))
	return text
}

// headline is the whole truth in one line, and its colour.
func headline(t *view.Tally) (style, string) {
	st := t.Run
	switch {
	case !st.Finished:
		return yellow, st.Run + " not finished: " + standing(t)
	case st.Held():
		text := st.Run + " held: " + stagedText(t)
		if t.Skipped > 0 {
			text += fmt.Sprintf(", %s skipped,", numbers.Thousands(t.Skipped))
		}
		return green, text
	case st.ExitCode == hindcast.ExitOK && t.Total == 0:
		return green, st.Run + " done: nothing to do"
	case st.ExitCode == hindcast.ExitOK && t.Unloads:
		return green, st.Run + " done: " + unloaded(t)
	case st.ExitCode == hindcast.ExitOK:
		text := fmt.Sprintf("%s done: %s of %s proven", st.Run, numbers.Thousands(t.Done-t.Skipped), numbers.Counted(t.Total, "slice"))
		if t.Skipped > 0 {
			text += fmt.Sprintf(", %s skipped,", numbers.Thousands(t.Skipped))
		}
		return green, text
	case st.ExitCode == hindcast.ExitStopped:
		return yellow, st.Run + " stopped" + onAsk(st) + ": " + standing(t)
	case st.ExitCode == hindcast.ExitBudget:
		return yellow, st.Run + " stopped, budget reached: " + standing(t)
	case st.ExitCode == hindcast.ExitUnknown && leftResized(st, false) && len(st.Unconfirmed) == 1:
		return red, st.Run + " ended, warehouse NOT back at its size: " + standing(t)
	case st.ExitCode == hindcast.ExitUnknown:
		return red, st.Run + " stopped, NOT confirmed dead: " + standing(t)
	}

	if t.Counts[hindcast.Stopped]+t.Counts[hindcast.Pending] == 0 {
		return red, st.Run + " failed: " + failing(t) + standing(t)
	}
	return red, st.Run + " stopped: " + failing(t) + standing(t)
}

// unloaded says what a run that does no more than unload brought into the lake.
func unloaded(t *view.Tally) string {
	any, n, lent := false, int64(0), int64(0)
	for _, s := range t.Run.Slices {
		_, did := s.Seconds[hindcast.StepUnload]
		any, n, lent = any || did, n+s.Unloaded, lent+s.LentRows
	}

	text := numbers.Counted(t.Total, "slice") + " in the lake, "
	switch {
	case !any:
		return text + "no fact was due,"
	case lent > 0 && n == 0:
		return text + rows(lent) + " of facts shared"
	case lent > 0:
		return text + rows(n) + " of facts unloaded, " + numbers.Thousands(lent) + " shared"
	}
	return text + rows(n) + " of facts unloaded"
}

func onAsk(st *hindcast.RunState) string {
	if st.Stopping == "" {
		return ""
	}
	return " (" + st.Stopping + ")"
}

// failing names the slice that failed, or counts them.
func failing(t *view.Tally) string {
	failed := t.In(hindcast.Failed)
	if len(failed) == 0 {
		return ""
	}
	if len(failed) > 1 {
		return numbers.Counted(len(failed), "slice") + " failed, "
	}

	s := t.Run.Slices[failed[0]]
	text := t.Labels.Short(failed[0]) + " failed"
	switch {
	case t.Run.ExitCode == hindcast.ExitCheck:
		return text + " a check, "
	case s.Tries > 1:
		text += fmt.Sprintf(" %d times", s.Tries)
	}
	return text + ", "
}

// standing counts the slices of a run that did not come to its proof: committed, begun when the run stopped, not begun.
func standing(t *view.Tally) string {
	text := numbers.Thousands(t.Done-t.Skipped) + " of " + numbers.Thousands(t.Total) + " committed"
	if t.Staged > 0 {
		text += fmt.Sprintf(", %s staged", numbers.Thousands(t.Staged))
	}
	if t.Skipped > 0 {
		text += fmt.Sprintf(", %s skipped", numbers.Thousands(t.Skipped))
	}

	begun := t.Counts[hindcast.Stopped] + t.Counts[hindcast.Running] + t.Counts[hindcast.Retrying]
	waiting := t.Counts[hindcast.Pending]
	for _, key := range t.In(hindcast.Stopped) {
		if t.Run.Slices[key].Attempt == 0 { // it was stopped alone, while it waited
			begun, waiting = begun-1, waiting+1
		}
	}

	switch {
	case begun > 0 && waiting > 0 && t.Counts[hindcast.Failed] > 0:
		return text + fmt.Sprintf(", %s not done", numbers.Thousands(begun+waiting))
	case begun > 0 && waiting > 0:
		return text + fmt.Sprintf(", %s begun, %s not begun", numbers.Thousands(begun), numbers.Thousands(waiting))
	case begun > 0:
		return text + fmt.Sprintf(", %s begun", numbers.Thousands(begun))
	case waiting > 0:
		return text + fmt.Sprintf(", %s not begun", numbers.Thousands(waiting))
	}
	return text
}

// figures are the rows in and out, the time by step and the speed.
func (p *page) figures(t *view.Tally, pl *plan.Plan) {
	rowsIn, bytesIn, rowsOut, bytesOut := t.Sums()
	if t.Counts[hindcast.Succeeded]+t.Staged == 0 {
		return
	}

	wideRows := max(len(numbers.Thousands(rowsIn)), len(numbers.Thousands(rowsOut)))
	wideSize := max(len(numbers.Size(bytesIn)), len(numbers.Size(bytesOut)))
	line := func(name string, n, bytes int64, more ...string) {
		text := fmt.Sprintf("  %-4s %s rows  %s  ", name, padLeft(numbers.Thousands(n), wideRows), padLeft(numbers.Size(bytes), wideSize))
		for _, part := range more {
			if cells(text)+2+cells(part) > p.o.layout() {
				p.add(text)
				text = "     "
			}
			text += "  " + part
		}
		p.add(text)
	}

	steps, _ := t.Spent()
	var times []string
	for _, step := range []hindcast.Step{hindcast.StepUnload, hindcast.StepTransform, hindcast.StepLoad} {
		if d, ok := steps[step]; ok {
			times = append(times, string(step)+" "+watch(d))
		}
	}

	if pl != nil && pl.Undo != "" { // it reads no facts
		p.add("  put back  " + rows(rowsOut) + "    " + strings.Join(times, "  "))
		return
	}
	line("in", rowsIn, bytesIn, times...)
	var speed []string
	if text := rate(rowsIn, t.Run.Active); text != "" {
		speed = append(speed, text)
	}
	if t.Run.Memory > 0 {
		speed = append(speed, "peak memory "+numbers.Size(t.Run.Memory))
	}
	line("out", rowsOut, bytesOut, speed...)
}

// sources says how old the copies are that the results are made from, also where nothing ran, and which sources moved since;
// it gives the command that takes what moved in.
func (p *page) sources(t *view.Tally, pl *plan.Plan) (next []string) {
	if pl == nil {
		return nil
	}

	if age := inTheLake(pl, p.o.Now); age != "" && (t.Total == 0 || t.Counts[hindcast.Succeeded] > 0) {
		p.wrap("  ", "  ", p.o.text("from copies in the lake, "+age))
	}

	p.lent(t)
	k := planKeys(pl)
	p.moved(pl, k)
	if selection, moved := movedSlices(pl, k, ""); moved {
		next = append(next, unloadMoved+PlanOptions{}.fresh(selection))
	}

	return next
}

// lent says what the run took in place of unloads, of which pipelines.
func (p *page) lent(t *view.Tally) {
	var all []*hindcast.Shared
	for _, key := range t.Keys {
		if s := t.Run.Slices[key]; s != nil {
			all = append(all, s.Lent...)
		}
	}
	if len(all) > 0 {
		p.wrap("  not unloaded: ", "  ", p.o.text(lent(all, p.o.Now)))
	}
}

// leftOut says which rows of the sources no slice takes, as the plan knew or the run counted.
func (p *page) leftOut(t *view.Tally, pl *plan.Plan) {
	if pl == nil || t.Total == 0 {
		return
	}

	var list []hindcast.Stray
	for _, s := range slices.Concat(pl.Strays, t.Run.Strays) {
		same := func(o hindcast.Stray) bool { return o.Fact == s.Fact && o.Source == s.Source }
		list = append(slices.DeleteFunc(list, same), s)
	}

	for _, text := range plan.StrayTexts(&pl.Pipeline, list) {
		p.wrap("  "+p.o.paint(yellow, "left out")+"  ", "            ", p.o.text(text))
	}
}

// dropped says how many rows of the result were outside of their slices, and of which.
func (p *page) dropped(t *view.Tally) {
	var all int64
	var keys []string
	for _, key := range t.Keys {
		if s := t.Run.Slices[key]; s != nil && s.Dropped() > 0 {
			all += s.Dropped()
			keys = append(keys, key)
		}
	}
	if all == 0 {
		return
	}

	named := t.Labels.Ranges(keys, view.Follows(t.Keys), p.o.or("…", "..."))
	text := numbers.Counted(all, "row") + " outside of their slices (target.outside: drop): " + rangesText(named)
	p.wrap("  "+p.o.paint(yellow, "dropped")+"  ", "           ", p.o.text(text))
}

// skipped names the slices that were not run and why, except those that the plan knew to be up to date.
func (p *page) skipped(t *view.Tally) {
	why := map[string][]string{}
	var order []string

	for _, key := range t.In(hindcast.Skipped) {
		text := sliceStatus(t, key).Message
		if t.Idle[key] && t.Reason(key) == hindcast.ReasonUpToDate || t.Unloads && !t.Idle[key] {
			continue
		}
		if why[text] == nil {
			order = append(order, text)
		}
		why[text] = append(why[text], key)
	}

	for i, text := range order {
		if i == 2 {
			p.add(p.o.Commands("  and others: hindcast status " + t.Run.Run))
			return
		}

		named := t.Labels.Ranges(why[text], view.Follows(t.Keys), p.o.or("…", "..."))
		line := numbers.Thousands(len(why[text])) + ": " + rangesText(named)
		if text != "" {
			line += " (" + text + ")"
		}
		p.wrap("  skipped ", "          ", p.o.text(line))
	}
}

// retries counts the attempts that healed, and why they had to.
func (p *page) retries(st *hindcast.RunState) {
	if st.Retries == 0 {
		return
	}

	text := numbers.Thousands(st.Retries)
	var why []string
	for _, f := range st.Failures {
		why = append(why, f.Error.Message)
	}

	if len(why) > 2 {
		why = append(why[:2], "and "+numbers.Thousands(len(why)-2)+" other errors")
	}
	if len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}

	p.wrap("  retries ", "          ", p.o.text(text))
}

func (p *page) logAndVerify(o ReportOptions) {
	verify := o.Commands("verify any time: hindcast verify")
	if o.Log == "" {
		p.wrap("  ", "  ", p.o.text(verify))
		return
	}

	log := "  log: " + p.o.text(o.near(o.Log))
	if gap := p.o.layout() - cells(log) - cells(verify); gap >= 2 {
		p.add(log + strings.Repeat(" ", min(gap, 8)) + verify)
		return
	}

	p.wrap("", "       ", log)
	p.wrap("  ", "  ", p.o.text(verify))
}

// failures shows each different error once, with the slices that have met it; first those that ended a slice, the most frequent
// first.
func (p *page) failures(t *view.Tally, most int) {
	list := ending(t)
	for i, f := range list {
		if i == most {
			p.add(p.o.Commands(fmt.Sprintf("  and %s: hindcast status %s", numbers.Counted(len(list)-most, "other error"), t.Run.Run)))
			return
		}

		e := f.Error
		text := e.Message
		if place := p.o.place(e.Place); place != "" {
			text = place + "  " + text
		}
		text += " (" + met(f, t) + ")"

		p.wrap("  "+p.o.paint(red, string(e.Code))+"  ", "    ", p.o.text(text))
		p.excerpt(e)
		p.details(e, 2)
	}
}

// ending are the errors that ended a slice, or all of them if none did. What an earlier attempt met is not among them: it
// was tried again for that, and the last error says how that ended.
func ending(t *view.Tally) []*hindcast.Failure {
	last := map[string]int{} // attempt, by slice
	for _, f := range t.Run.Failures {
		for key, attempts := range f.Attempts {
			last[key] = max(last[key], slices.Max(attempts))
		}
	}

	var list []*hindcast.Failure
	for _, f := range t.Run.Failures {
		for _, key := range f.Slices {
			if t.State(key) == hindcast.Failed && slices.Contains(f.Attempts[key], last[key]) {
				list = append(list, f)
				break
			}
		}
	}

	if len(list) == 0 && len(t.In(hindcast.Failed)) == 0 {
		list = append(list, t.Run.Failures...)
	}

	sort.SliceStable(list, func(i, j int) bool { return len(list[i].Slices) > len(list[j].Slices) })
	return list
}

// met names the slices of a failure and how often each had it: "2019-03 11 times, 2019-05".
func met(f *hindcast.Failure, t *view.Tally) string {
	order := slices.Sorted(slices.Values(f.Slices)) // which is that of time
	sort.SliceStable(order, func(i, j int) bool { return len(f.Attempts[order[i]]) > len(f.Attempts[order[j]]) })
	most := 4
	if len(order) > most {
		most = 3
	}

	var named []string
	for _, key := range order[:min(most, len(order))] {
		text := t.Labels.Short(key)
		if n := len(f.Attempts[key]); n > 1 {
			text += " " + numbers.Counted(n, "time")
		}
		named = append(named, text)
	}

	if rest := len(order) - len(named); rest > 0 {
		named = append(named, "and "+numbers.Thousands(rest)+" more")
		return numbers.Counted(len(order), "slice") + ": " + strings.Join(named, ", ")
	}
	return strings.Join(named, ", ")
}

// dead says what is confirmed dead, and loudly what is not.
func (p *page) dead(st *hindcast.RunState) {
	unconfirmed := st.Unconfirmed
	if leftResized(st, false) {
		unconfirmed = slices.DeleteFunc(slices.Clone(unconfirmed), func(what string) bool { return what == st.Resized.Begun().Left() }) // has a line of its own
	}
	if len(unconfirmed) > 0 {
		text := strings.Join(unconfirmed, ", ") + "."
		p.wrap("  "+p.o.paint(red, "NOT confirmed dead:")+" ", "  ", p.o.text(text))
	}
	if len(st.Dead) > 0 {
		p.wrap("  Confirmed dead: ", "  ", p.o.text(strings.Join(st.Dead, ", ")+"."))
	}
}

// afterwards is what to do after a run that is not done.
func afterwards(t *view.Tally) []string {
	resume, again := goOn(t), "hindcast run"
	if t.Unloads {
		again = "hindcast unload"
	}
	if !t.Run.Finished && t.Run.Run == "" {
		resume = again
	}

	list := ending(t)
	if len(list) == 0 || len(t.In(hindcast.Failed)) == 0 {
		return []string{resume}
	}

	e := list[0].Error
	for _, one := range list { // what healed, or would have, is not what is to be done about
		if e.Class != hindcast.ClassPermanent && one.Error.Class == hindcast.ClassPermanent {
			e = one.Error
		}
	}

	command := resume
	if inSQL(e.Code) {
		command = again // a resume goes on with the SQL and the checks as they were
	}
	if e.Next == "" {
		return []string{command}
	}

	next := strings.TrimRight(e.Next, ". ")
	if strings.Contains(next, command) || strings.Contains(next, resume) {
		return []string{next}
	}
	if command == again && t.Counts[hindcast.Succeeded] > 0 && byText(e.Code) && !t.Canary {
		return []string{next + ", then: " + command, "to have the slices that are done stay as they are: " + resume + " --accept-new-sql"}
	}
	return []string{next + ", then: " + command}
}

// goOn is the command that goes on with a run that is not done: a canary that is not whole begins again, and where all is held the run
// was being published.
func goOn(t *view.Tally) string {
	switch {
	case t.Canary && !t.Whole():
		return "hindcast run --canary"
	case t.Whole() && t.Counts[hindcast.Failed] == 0:
		return "hindcast publish " + t.Run.Run
	}
	return "hindcast resume " + t.Run.Run
}

// inSQL reports whether a change to the SQL or to the pipeline file would fix the error. A new run finds the slices that are
// done up to date if the text is the same, so it serves as well if the data were wrong.
func inSQL(code hindcast.Code) bool {
	return mended[code] || strings.HasPrefix(string(code), string(hindcast.ESQL))
}

// byText reports whether a change to the SQL, its parameters or its checks may be all that the error needs.
func byText(code hindcast.Code) bool {
	return strings.HasPrefix(string(code), string(hindcast.ESQL)) || slices.Contains([]hindcast.Code{hindcast.ECheck, hindcast.EOutside, hindcast.EKeyViolated, hindcast.EOverflow}, code)
}

var mended = map[hindcast.Code]bool{hindcast.EHook: true, hindcast.ECheck: true, hindcast.EOutside: true,
	hindcast.EKeyViolated: true, hindcast.EOverflow: true, hindcast.EParquet: true, hindcast.ESource: true,
	hindcast.EType: true, hindcast.ETarget: true, hindcast.ETableMissing: true, hindcast.EMemory: true,
	hindcast.EPlanChanged: true, hindcast.ELost: true, hindcast.EDialect: true}
