package screen

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

// PlanOptions are a plan's screen, and what was asked for: a run is proposed that does the same.
type PlanOptions struct {
	Options
	Slices                            string // --slices
	Force, Fresh, AcceptLoss, Reverse bool
	// Before is the latest run, if it is under way, or if a resume would finish what the plan would run.
	Before Before
}

// Before is a run that is not done. The zero Before is none.
type Before struct {
	Run   string
	State string // as status has it
}

// next says what to do about it, and whether a new run could be begun beside it.
func (b Before) next() (step string, alone bool) {
	switch b.State {
	case "":
		return "", true
	case view.Running, view.Stopping:
		return b.Run + " is under way: hindcast status " + b.Run, false
	case view.Failed:
		return "go on with " + b.Run + ", which failed: hindcast resume " + b.Run, true
	}
	return "go on with " + b.Run + ", which was " + b.State + ": hindcast resume " + b.Run, true
}

// Plan shows what a run would do and why, and that nothing was touched.
func Plan(w io.Writer, p *plan.Plan, po PlanOptions) {
	o := po.Options
	pg := &page{o: o}

	k := planKeys(p)
	pg.ends(o.paint(bold, planTitle(p, k, o)), o.paint(dim, "nothing touched"))
	pg.add("")

	why := groups(p)
	wide := 0
	for _, g := range why {
		wide = max(wide, len(g.Reason))
	}

	for _, g := range why {
		pg.group(g, p.Total(), k, wide)
	}

	pg.add("")

	runs := running(p)
	if len(runs) > 0 {
		pg.work(p, runs)
		pg.machine(p)
	}

	pg.moved(p, k)
	pg.courses(p, k)
	pg.guards(p)
	for _, note := range p.Notes {
		pg.wrap(label("columns"), labelHang, o.text(note))
	}
	other := p.Recommended != nil && p.Recommended.Engine != p.Engine.Name
	if other {
		pg.wrap(label("engine"), labelHang, o.text(p.Recommended.Why))
	}
	for _, warning := range p.Warnings {
		pg.wrap("  "+o.paint(yellow, "warning")+"  ", "           ", o.text(warning))
	}

	if len(runs) > 0 || len(p.Warnings)+len(p.Notes)+len(p.Moved)+len(p.Courses) > 0 || other {
		pg.add("")
	}

	next := planNext(p, runs, k, po)
	if other && p.Recommended.Engine == "duckdb" {
		next = append(next, "on DuckDB: hindcast plan --engine duckdb")
	}
	pg.next(next...)
	pg.flush(w)
}

// guards says where translated SQL guards against values, why, and what lets go of that.
func (p *page) guards(pl *plan.Plan) {
	for i := range pl.Outputs {
		texts := pl.Outputs[i].Texts
		if len(texts) == 0 {
			continue
		}
		of := ""
		if len(pl.Outputs) > 1 {
			of = "of " + pl.Pipeline.Outputs[i].Name + ": "
		}
		for _, lean := range []*plan.Lean{texts[0].Lean, texts[0].Leaner} {
			if lean != nil && len(lean.Costs) > 0 {
				p.wrap(label("guards"), labelHang, p.o.text(of+guarded(lean.Costs)+"; left out in slices where "+assumed(lean.Needs)+", as their unloads record"))
			}
		}
	}
}

// guarded are the places of guards, by why they are there.
func guarded(places []plan.GuardedPlace) string {
	var whys []string
	at := map[string][]string{}
	for _, g := range places {
		if at[g.Why] == nil {
			whys = append(whys, g.Why)
		}
		at[g.Why] = append(at[g.Why], fmt.Sprintf("%d:%d", g.Line, g.Column))
	}
	for i, why := range whys {
		whys[i] = why + " (" + strings.Join(at[why], ", ") + ")"
	}
	return strings.Join(whys, "; ")
}

func assumed(needs []plan.Assumption) string {
	var list []string
	for _, n := range needs {
		if n.NoBlanks {
			list = append(list, n.Table+"."+n.Column+" has no blanks at the end")
		}
		if n.ASCII {
			list = append(list, n.Table+"."+n.Column+" is ASCII")
		}
		switch {
		case n.Least != "" && n.Most != "":
			list = append(list, n.Table+"."+n.Column+" is "+n.Least+" to "+n.Most)
		case n.Least != "":
			list = append(list, n.Table+"."+n.Column+" is "+n.Least+" or more")
		case n.Most != "":
			list = append(list, n.Table+"."+n.Column+" is "+n.Most+" or less")
		}
	}
	return strings.Join(list, ", ")
}

// planKeys shortens the plan's keys.
func planKeys(p *plan.Plan) view.Keys {
	first, found := p.First()
	if !found || p.Pipeline.History.Every.IsZero() {
		return view.NewKeys(p, p.Keys())
	}
	return view.NewKeys(p, []string{first}) // of a long history the first says it of all
}

func planTitle(p *plan.Plan, k view.Keys, o Options) string {
	dot := " " + o.or("·", "-") + " "
	from, to := span(p, k)

	title := o.text(Named(&p.Pipeline)) + dot + numbers.Counted(p.Total(), "slice")
	if every := p.Pipeline.History.Every.String(); every != "" {
		title += " of " + every
	}

	if p.History.Start.IsZero() {
		return title
	}

	title += dot + from + " to " + to
	switch p.Engine.Name {
	case "spark":
		title += dot + "on Spark " + o.text(p.Engine.Version)
	case "glue":
		title += dot + "on Glue " + o.text(p.Pipeline.Transform.Glue.Version)
	case "emr-serverless":
		title += dot + "on EMR Serverless, " + o.text(p.Pipeline.Transform.EMR.Release)
	}

	return title
}

// Named is a pipeline's name, and its environment.
func Named(p *hindcast.Pipeline) string {
	if p.Environment == "" {
		return p.Name
	}
	return p.Name + " in " + p.Environment
}

// span names the first and the last day (or month, or hour) of the history, both included.
func span(p *plan.Plan, k view.Keys) (from, to string) {
	form, last := "2006-01-02", p.History.End.AddDate(0, 0, -1)
	switch {
	case p.Pipeline.History.Every.Sub():
		form, last = "2006-01-02 15:04", p.History.End
	case k.Months && p.History.End.Day() == 1:
		form = "2006-01"
	}
	return p.History.Start.Format(form), last.Format(form)
}

const unloadMoved = "unload what moved again, and compute it: "

func planNext(p *plan.Plan, runs []*plan.Item, k view.Keys, o PlanOptions) []string {
	before, alone := o.Before.next()
	if !alone {
		return []string{before}
	}
	var next []string
	if selection, moved := movedSlices(p, k, o.Slices); moved && !o.Fresh {
		next = append(next, unloadMoved+o.fresh(selection))
	}

	if len(runs) == 0 && before == "" {
		return append(next, nothingNext(p, o, len(next) > 0)...)
	}
	if before != "" {
		next = append([]string{before}, next...)
		if len(runs) > 0 {
			next = append(next, "or begin a new one: "+o.run(o.Slices))
		}
		return next
	}

	next = append([]string{o.run(o.Slices)}, next...)
	if len(runs) > 1 {
		next = append(next, "one slice first: "+o.run(k.Short(runs[0].Slice.Key)))
	}
	return next
}

// nothingNext says how old the copies are that a run by force would take.
func nothingNext(p *plan.Plan, o PlanOptions, moved bool) []string {
	what := "all of it"
	if o.Slices != "" {
		what = "these"
	}

	again := o
	again.Force = true
	if moved {
		return nil
	}

	age := inTheLake(p, o.Now)
	if age == "" {
		return []string{"nothing to do; compute " + what + " again: " + again.run(o.Slices)}
	}

	return []string{"nothing to do; compute " + what + " again from the copies that were " + age + ": " + again.run(o.Slices),
		"from the sources as they are now: " + o.fresh(o.Slices)}
}

// inTheLake says when what a plan takes from the lake was unloaded; "" if it takes nothing.
func inTheLake(p *plan.Plan, now time.Time) string {
	oldest, newest := p.Ages()
	if oldest.IsZero() {
		return ""
	}

	return unloadedAt(oldest, newest, now)
}

func unloadedAt(oldest, newest, now time.Time) string {
	from, to := moment(oldest, now), moment(newest, now)
	if from == to {
		return "unloaded " + from
	}
	return "unloaded " + from + " to " + to
}

// lent counts what other pipelines have unloaded, and says whose it is, and how old.
func lent(shared []*hindcast.Shared, now time.Time) string {
	var lenders []string
	oldest, newest := shared[0].Unloaded, shared[0].Unloaded
	for _, s := range shared {
		if !slices.Contains(lenders, s.Pipeline) {
			lenders = append(lenders, s.Pipeline)
		}
		if s.Unloaded.Before(oldest) {
			oldest = s.Unloaded
		}
		if s.Unloaded.After(newest) {
			newest = s.Unloaded
		}
	}
	return numbers.Thousands(len(shared)) + " shared by " + strings.Join(lenders, ", ") + ", " + unloadedAt(oldest, newest, now)
}

// movedSlices is the selection of the slices whose source moved, as far as it can be written out; otherwise what was asked for.
func movedSlices(p *plan.Plan, k view.Keys, asked string) (selection string, moved bool) {
	var list []string
	for _, m := range p.Moved {
		if len(m.Slices) == 0 {
			return asked, true
		}

		for _, key := range m.Slices {
			if !slices.Contains(list, k.Short(key)) {
				list = append(list, k.Short(key))
			}
		}

		if len(list) > maxRanges {
			return asked, true
		}
	}

	slices.Sort(list)
	return strings.Join(list, ","), len(p.Moved) > 0
}

// moved names the sources that changed since they were unloaded.
func (p *page) moved(pl *plan.Plan, k view.Keys) {
	if len(pl.Moved) == 0 {
		return
	}
	next := view.Follows(pl.Keys())
	for _, m := range pl.Moved {
		text := m.Name
		if named := k.Ranges(m.Slices, next, p.o.or("…", "...")); len(named) > maxRanges {
			text += " " + strings.Join(named[:maxRanges], ", ") + " and " + numbers.Thousands(len(named)-maxRanges) + " more ranges"
		} else if len(named) > 0 {
			text += " " + strings.Join(named, ", ")
		}
		p.wrap("  "+p.o.paint(yellow, padRight("moved", 10))+" ", labelHang, p.o.text(text+": "+m.Why))
	}
}

// fresh is the command that unloads them again first.
func (o PlanOptions) fresh(selection string) string {
	o.Fresh = true
	return o.run(selection)
}

// run is the command that runs the slices that are chosen so.
func (o PlanOptions) run(selection string) string {
	command := "hindcast run"
	if selection != "" {
		command += " --slices " + ShellWord(selection)
	}

	switch {
	case o.Fresh:
		command += " --fresh"
	case o.Force:
		command += " --force"
	}

	if o.Reverse {
		command += " --reverse"
	}
	if o.AcceptLoss {
		command += " --accept-loss"
	}

	return command
}

// ShellWord is a word that a shell reads as it is, or the text in quotes.
func ShellWord(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t'\"\\$`!*?[](){}<>|&;#~", r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func running(p *plan.Plan) []*plan.Item {
	var runs []*plan.Item
	for i := range p.Items {
		if p.Items[i].Reason.Runs() {
			runs = append(runs, &p.Items[i])
		}
	}
	return runs
}

// groups are the plan's slices by reason and detail, few for each reason.
func groups(p *plan.Plan) (out []*view.Group) {
	for _, list := range view.Groups(p) {
		out = append(out, few(list)...)
	}
	return out
}

// maxDetails bounds how many lines a reason has: a history that grew day by day was committed by as many runs.
const maxDetails = 12

// few merges a reason's many groups, except the first and the last of them, into one between those.
func few(list []*view.Group) []*view.Group {
	if len(list) <= maxDetails {
		return list
	}

	rest := len(list) - 1
	middle := view.Joined(list[1:rest], numbers.Thousands(rest-1)+" more such groups")
	return []*view.Group{list[0], middle, list[rest]}
}

// maxRanges bounds how many ranges of keys a reason names; the rest is counted.
const maxRanges = 8

// rangesText names ranges of keys, and counts those beyond maxRanges.
func rangesText(named []string) string {
	if len(named) > maxRanges {
		rest := "and " + numbers.Thousands(len(named)-maxRanges+1) + " more ranges"
		named = append(named[:maxRanges-1:maxRanges-1], rest)
	}
	return strings.Join(named, ", ")
}

func (p *page) group(g *view.Group, all int, k view.Keys, wide int) {
	named := k.Shown(g.Ranges, p.o.or("…", "..."))
	text := rangesText(named)
	if g.Slices == all && all > 1 {
		text = "all"
	}
	if g.Detail != "" {
		text += ": " + g.Detail
	}

	count := padLeft(numbers.Thousands(g.Slices), len(numbers.Thousands(all)))
	first := "  " + count + "  " + padRight(string(g.Reason), wide) + "  "
	hang := strings.Repeat(" ", cells(first))
	if p.o.layout() < 60 {
		first, hang = "  "+count+"  "+string(g.Reason)+": ", "    "
	}

	if !g.Reason.Runs() {
		first = p.o.paint(dim, first)
	}

	p.wrap(first, hang, p.o.text(text))
}

// label begins a line of facts: its name in a separate column.
func label(name string) string { return "  " + padRight(name, 10) + " " }

const labelHang = "             "

// fact adds a line of facts. On a narrow screen the name has less room.
func (p *page) fact(name string, parts ...string) {
	kept := parts[:0:0]
	for _, part := range parts {
		if strings.TrimSpace(part) != "" {
			kept = append(kept, part)
		}
	}

	text := strings.TrimRight(strings.Join(kept, "  "), " ")
	first := label(name)
	if cells(first)+cells(text) <= p.o.layout() || p.o.Width == 0 {
		p.add(first + text)
		return
	}

	p.wrap(first, labelHang, strings.Join(strings.Fields(text), " "))
}

// work says how much each step has to do.
func (p *page) work(pl *plan.Plan, runs []*plan.Item) {
	unloads, amount, why := unloadWork(pl, p.o.Now)
	out := approx(pl.Estimate.RowsOut) + targets(pl, runs)
	count := numbers.Counted(len(runs), "slice")
	wide := max(cells(unloads), cells(count))

	p.outputs(pl, runs)
	p.fact("unload", padRight(unloads, wide), amount, p.o.text(why))
	if text := dimWork(pl); text != "" {
		p.fact("", p.o.text(text))
	}
	p.fact("transform", padRight(count, wide), approx(pl.Estimate.RowsIn), source(pl))
	if text := broadcast(pl); text != "" {
		p.fact("", p.o.text(text))
	}
	p.fact("load", padRight(count, wide), p.o.text(out))
}

// outputs says of each of several outputs in how many slices it is made, and why.
func (p *page) outputs(pl *plan.Plan, runs []*plan.Item) {
	if len(pl.Outputs) < 2 {
		return
	}
	name, wide := "outputs", 0
	for k := range pl.Pipeline.Outputs {
		wide = max(wide, cells(pl.Pipeline.Outputs[k].Name))
	}
	for k := range pl.Outputs {
		var why []hindcast.Reason
		counts := map[hindcast.Reason]int{}
		for _, item := range runs {
			reason := item.ReasonOf(k)
			if counts[reason]++; reason.Runs() && !slices.Contains(why, reason) {
				why = append(why, reason)
			}
		}
		made := make([]string, len(why))
		for i, reason := range why {
			made[i] = numbers.Thousands(counts[reason]) + " " + string(reason)
		}
		p.fact(name, padRight(pl.Pipeline.Outputs[k].Name, wide), cmp.Or(strings.Join(made, ", "), string(hindcast.ReasonUpToDate)))
		name = ""
	}
}

// targets says where the rows go: they replace others, or are the first in a new table.
func targets(pl *plan.Plan, runs []*plan.Item) string {
	var replaced, made []string
	for k := range pl.Outputs {
		if !slices.ContainsFunc(runs, func(item *plan.Item) bool { return item.ReasonOf(k).Runs() }) {
			continue
		}
		if table := pl.Pipeline.Outputs[k].Target.Table; pl.Outputs[k].Existing {
			replaced = append(replaced, table)
		} else {
			made = append(made, table)
		}
	}

	var parts []string
	if len(replaced) > 0 {
		parts = append(parts, " replaced in "+strings.Join(replaced, ", "))
	}
	switch len(made) {
	case 0:
	case 1:
		parts = append(parts, " into the new table "+made[0])
	default:
		parts = append(parts, " into the new tables "+strings.Join(made, ", "))
	}
	return strings.Join(parts, ",")
}

func approx(n int64) string {
	if n < 0 {
		return "unknown rows"
	}
	if n == 0 {
		return rows(0)
	}
	return "~" + rows(n)
}

func source(pl *plan.Plan) string {
	if pl.Estimate.BytesIn <= 0 {
		return ""
	}
	return "~" + numbers.Size(pl.Estimate.BytesIn)
}

// unloadWork counts what will be unloaded, how much that is, and why; and what need not be.
func unloadWork(pl *plan.Plan, now time.Time) (count, amount, why string) {
	n, kept := 0, 0
	var whys []string
	var shared []*hindcast.Shared
	times := map[string]int{}
	for i := range pl.Units {
		u := &pl.Units[i]
		switch {
		case u.Unload && u.Shared != nil:
			shared = append(shared, u.Shared)
		case u.Unload:
			n++
			if times[u.Why] == 0 {
				whys = append(whys, u.Why)
			}
			times[u.Why]++
		case !u.Missing:
			kept++
		}
	}

	for i, text := range whys {
		whys[i] = strings.TrimSpace(numbers.Thousands(times[text]) + " " + text)
		if len(whys) == 1 {
			whys[i] = text
		}
	}

	why = strings.Join(whys, ", ")
	if len(shared) > 0 {
		why = strings.TrimPrefix(why+"; "+lent(shared, now), "; ")
	}
	if kept > 0 {
		why = strings.TrimPrefix(why+"; "+numbers.Thousands(kept)+" in the lake", "; ")
		if age := inTheLake(pl, now); age != "" {
			why += ", " + age
		}
	}

	if n == 0 {
		return "nothing", "", why
	}

	if pl.Estimate.UnloadBytes > 0 {
		amount = "~" + numbers.Size(pl.Estimate.UnloadBytes)
	}

	return tables(pl, n), amount, why
}

// tables counts the tables that n units are unloaded from: time-named ones whole, a plain one in parts.
func tables(pl *plan.Plan, n int) string {
	named := map[string]bool{}
	for i := range pl.Pipeline.Facts {
		named[pl.Pipeline.Facts[i].Name] = pl.Pipeline.Facts[i].TimeNamed()
	}

	sources, parts := map[string]bool{}, false
	for i := range pl.Units {
		if u := &pl.Units[i]; u.Unload && u.Shared == nil {
			sources[u.Source] = true
			parts = parts || !named[u.Fact]
		}
	}

	if parts || len(sources) < n {
		return numbers.Counted(n, "part") + " of " + numbers.Counted(len(sources), "table")
	}
	return numbers.Counted(n, "table")
}

// dimWork names the dimensions that will be unloaded, and why.
func dimWork(pl *plan.Plan) string {
	var names []string
	for i := range pl.Dims {
		d := &pl.Dims[i]
		if !d.Unload {
			continue
		}

		name := d.Name
		var about []string
		if d.Rows >= 0 {
			about = append(about, rows(d.Rows))
		}
		if d.Why != "" {
			about = append(about, d.Why)
		}

		if len(about) > 0 {
			name += " (" + strings.Join(about, ", ") + ")"
		}
		names = append(names, name)
	}

	if len(names) == 0 {
		return ""
	}

	word := "dimension "
	if len(names) > 1 {
		word = "dimensions "
	}

	return word + strings.Join(names, ", ")
}

// broadcast names the dimensions that Spark is to send to every executor.
func broadcast(pl *plan.Plan) string {
	var names []string
	for i := range pl.Dims {
		if d := &pl.Dims[i]; d.Broadcast {
			names = append(names, fmt.Sprintf("%s (%s)", d.Name, numbers.Size(d.Bytes)))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "broadcast " + strings.Join(names, ", ")
}

// machine says what the run takes of the machine, and how long.
func (p *page) machine(pl *plan.Plan) {
	s := pl.Shares
	if s.Transforms > 0 {
		text := fmt.Sprintf("%d %s %s", s.Transforms, p.o.or("×", "x"), numbers.Counted(s.Threads, "thread"))
		if s.Cap != "" {
			text += " (" + s.Cap + ")"
		}
		if s.Transform > 0 {
			text += ", " + numbers.Size(s.Transform) + " each"
		}
		p.fact("parallel", p.o.text(text)+"; unload and load beside it")
	}

	if pl.Reverse {
		p.fact("order", "the newest slice first")
	}
	if w := pl.Pipeline.Window; !w.IsZero() {
		text := "open"
		if opens := w.Opens(p.o.Now); opens.After(p.o.Now) {
			text = "closed until " + inZone(opens, w.Zone)
		}
		p.fact("window", p.o.text(w.String()), text)
	}
	e := pl.Estimate
	if e.DiskNeeded >= 0 {
		text := numbers.Size(e.DiskNeeded) + " needed"
		if e.DiskFree > 0 {
			text += ", " + numbers.Size(e.DiskFree) + " free"
		}
		if e.DiskFree > 0 && e.DiskNeeded > e.DiskFree {
			text += p.o.paint(red, ": NOT ENOUGH")
		}
		p.fact("disk", text)
	}

	if pl.Resize != nil {
		p.wrap(label("resize"), labelHang, p.o.text(resizeWork(pl.Resize, e.High)))
	}
	p.fact("time", p.o.text(timeWork(&e, pl.Engine.Name)))
	if e.Cost != nil && e.Cost.Runs > 0 {
		p.fact("cost", p.o.text(costs(e.Cost)))
	}
	if e.Warehouse != nil {
		p.fact("warehouse", p.o.text(anHour(e.Warehouse)))
	}
}

// costs says what the runs of an engine that is paid for by time cost.
func costs(c *plan.Cost) string {
	hours, usd, least := c.Hours, c.USD, ""
	if hours == 0 {
		hours, usd, least = c.Least, c.LeastUSD(), "at least "
	}
	text := least + amount(hours) + " " + c.Rate.Unit + "-hours"
	if c.Rate.USD > 0 {
		text += fmt.Sprintf(", $%s at $%s (%s)", money(usd), each(c.Rate.USD), priced(c.Rate, " on "))
	} else {
		text += "; the price is not known: " + c.Rate.Unknown
	}
	text += fmt.Sprintf("; %s of %s %s", numbers.Counted(c.Runs, "run"), amount(c.Rate.Each), c.Rate.Unit)
	if c.Hours == 0 {
		return text + ", a minute each"
	}
	return text + ", " + spoken(seconds(c.Seconds)) + " each"
}

// each is the price of one unit, which may be far below a cent.
func each(usd float64) string {
	if usd >= 0.1 {
		return money(usd)
	}
	return strconv.FormatFloat(math.Round(usd*1e5)/1e5, 'f', -1, 64)
}

// priced says of what a price is: STANDARD in us-east-1 on 2026-11-22.
func priced(r hindcast.Rate, as string) string {
	what := r.Class
	if r.Unit == hindcast.VCPU {
		what = "memory included,"
	}
	return strings.TrimSpace(what + " in " + r.Region + as + r.Date)
}

// amount has as many decimals as say something.
func amount(n float64) string {
	if n >= 100 {
		return numbers.Thousands(int64(math.Round(n)))
	}
	return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64)
}

func money(usd float64) string {
	whole, cents := math.Modf(math.Round(usd*100) / 100)
	return fmt.Sprintf("%s.%02.0f", numbers.Thousands(int64(whole)), cents*100)
}

func timeWork(e *plan.Estimate, engine string) string {
	low, high := e.Low, e.High
	if low == 0 && high == 0 {
		low, high = seconds(e.LowSeconds), seconds(e.HighSeconds)
	}

	switch before := e.Elsewhere; {
	case high > 0:
	case before != nil:
		return fmt.Sprintf("unknown on %s: no earlier run; on %s %s took %s for %s", plan.EngineLabel(engine), plan.EngineLabel(before.Engine),
			before.Run, spoken(seconds(before.Seconds)), numbers.Counted(before.Slices, "slice"))
	default:
		return "unknown: no earlier run"
	}

	text := spoken(low) + " to " + spoken(high)
	if spoken(low) == spoken(high) {
		text = "about " + spoken(high)
	}
	if high < time.Second {
		text = "under 1 s"
	}

	if e.From != "" {
		text += " (from " + e.From + ")"
	}

	return text
}
