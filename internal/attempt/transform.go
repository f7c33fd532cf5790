package attempt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// given is what an attempt gave to the engine, and needs until that ends.
type given struct {
	work    engine.Work
	reads   map[string][]string
	own     []*hindcast.Manifest
	seen    *testimony
	started time.Time
	release func() // what was brought here for it
}

// Outlives reports whether the engine's work goes on without this process, and its result is found again.
func (s *Steps) Outlives() bool { return s.engine.Properties().Outlives && s.exchange.Lasting() }

// Tag names the attempt's work on an output.
func (s *Steps) Tag(try supervisor.Try) string {
	tag := fmt.Sprintf("%s%s/%s/a%d", s.lake.Tags(), s.plan.Run, try.Item.Slice.Key, try.Attempt)
	if name := s.output(try.Output).Name; name != "" {
		tag += "/" + name
	}
	return tag
}

// EndOthers ends what earlier processes gave to the engine for this pipeline and this run does not wait for: state is the
// run's so far, nil for a new one. Unless that is confirmed dead the run should not begin beside it.
func (s *Steps) EndOthers(ctx context.Context, state *hindcast.RunState) error {
	if !s.engine.Properties().Outlives {
		return nil
	}
	alive, err := s.engine.Alive(ctx, s.lake.Tags())
	if err != nil {
		return err
	}

	awaited := map[string]bool{}
	if state != nil && s.Outlives() {
		for _, slice := range state.Slices {
			if slice.Work != nil {
				awaited[slice.Work.Handle.Tag] = true
			}
		}
	}

	for _, h := range alive {
		if awaited[h.Tag] {
			continue
		}
		if err := s.End(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// Start has the engine run an output's SQL over the slice, and its checks over the result.
func (s *Steps) Start(ctx context.Context, try supervisor.Try) (h hindcast.Handle, err error) {
	dir, err := s.exchange.Empty(ctx, s.staging(try))
	if err != nil {
		return h, err
	}
	g := &given{own: s.own(try.Item)}
	if g.work, err = s.work(try, dir); err != nil {
		return h, err
	}
	against, err := s.againstPrevious(ctx, try)
	if err != nil {
		return h, err
	}
	g.work.Checks = append(g.work.Checks, against...)
	if g.reads, err = s.reads(ctx, try, &g.work); err != nil {
		return h, err
	}
	if g.release, err = s.bring(ctx, try, &g.work, g.reads); err != nil {
		return h, err
	}

	if err = unchanged(g.own); err == nil {
		h, err = s.engine.Start(ctx, g.work)
	}
	if err != nil {
		g.release()
		return h, err
	}
	g.started, g.seen = s.now(), s.witness(ctx, g.own)
	s.mutex.Lock()
	s.given[g.work.Tag] = g
	s.mutex.Unlock()
	return h, nil
}

// Wait waits for the end of what the engine was given, by this process or one before it, and returns its outcome.
func (s *Steps) Wait(ctx context.Context, try supervisor.Try, h hindcast.Handle, progress func(hindcast.Progress)) (supervisor.Staged, error) {
	g, err := s.taken(ctx, try)
	if err != nil {
		return supervisor.Staged{}, err
	}
	defer g.release()

	result, err := s.await(ctx, h, g.work.Dir, progress)
	if err == nil {
		err = unchanged(g.own)
	}
	if err == nil {
		err = s.mayBeEmpty(ctx, try, result.Rows)
	}
	if err = s.record(ctx, g.seen, s.suspect(ctx, try.Item, err)); err != nil {
		return supervisor.Staged{}, s.named(try.Output, s.doubt(try.Output, &g.work, g.reads, err))
	}

	item := try.Item
	s.mutex.Lock()
	s.counted[item.Slice.Key] = result.In
	s.mutex.Unlock()
	m := &hindcast.Manifest{Name: "result", Output: s.output(try.Output).Name, Key: item.Slice.Key, Interval: item.Slice.Interval, Run: s.plan.Run, Fence: try.Fence,
		Attempt: try.Attempt, Columns: result.Columns, Files: result.Files, Bytes: result.Bytes, Sums: hindcast.Sums{Rows: result.Rows}}
	if s.keeps() {
		m.Target, m.Generation = s.kept(try).Target, s.kept(try).Generation
	}
	if s.plan.Together() {
		if m.Made, err = s.madeOf(try); err != nil {
			return supervisor.Staged{}, err
		}
	}
	m.Seconds, m.CreatedAt = s.now().Sub(g.started).Seconds(), s.now().UTC()
	staged := supervisor.Staged{Manifest: m, Memory: result.Memory, Spilled: result.Spilled, Outside: result.Outside}
	staged.RowsIn, staged.BytesIn = s.read(item)
	staged.Strays = s.untold(g.own)
	return staged, nil
}

// madeOf is what the result of the try's output is made from.
func (s *Steps) madeOf(try supervisor.Try) (*hindcast.Made, error) {
	list, err := s.made(try.Item)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(m made) bool { return m.output == try.Output })
	return &hindcast.Made{Fingerprint: list[i].print, Parts: list[i].parts}, nil
}

// named says in the error of work which of several outputs it is of, where no place in a file does.
func (s *Steps) named(output int, err error) error {
	name := s.output(output).Name
	found, is := errors.AsType[*hindcast.Error](err)
	if name == "" || !is || found.Place.File != "" {
		return err
	}
	e := *found
	e.Message, e.Cause = "output "+name+": "+e.Message, err
	return &e
}

// taken is what the attempt gave to the engine; where an earlier process did, what is left to know of it.
func (s *Steps) taken(ctx context.Context, try supervisor.Try) (*given, error) {
	tag := s.Tag(try)
	s.mutex.Lock()
	g := s.given[tag]
	delete(s.given, tag)
	s.mutex.Unlock()
	if g != nil {
		return g, nil
	}

	dir, err := s.exchange.Folder(s.staging(try))
	if err != nil {
		return nil, err
	}
	own := s.own(try.Item)
	return &given{work: engine.Work{Tag: tag, Dir: dir}, own: own, seen: s.witness(ctx, own), started: s.now(), release: func() {}}, nil
}

// await waits for the work's end. Unless it ended well nothing of it runs when await returns, or the error says so.
func (s *Steps) await(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	result, err := s.engine.Wait(ctx, h, dir, progress)
	if err == nil {
		return result, nil
	}
	if alive := s.End(context.WithoutCancel(ctx), h); alive != nil {
		return engine.Result{}, alive
	}
	return engine.Result{}, err
}

// Bill is what work that has ended has cost, where the engine is paid for by time. What cannot be found out stands in the log.
func (s *Steps) Bill(ctx context.Context, h hindcast.Handle) *hindcast.Bill {
	meter, paid := s.engine.(engine.Meter)
	if !paid {
		return nil
	}
	bill, err := meter.Bill(ctx, h)
	if err != nil && s.log != nil {
		_, _ = fmt.Fprintf(s.log, "what %s has cost is not known: %v\n", h.Tag, err) // a log is no reason to fail
	}
	return bill
}

// End ends the engine's work.
func (s *Steps) End(ctx context.Context, h hindcast.Handle) error {
	if err := s.engine.Stop(ctx, h); err != nil {
		return &unended{&hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Cause: err,
			Message: h.Tag + " is not confirmed dead: " + err.Error(), Next: "see that the engine can be reached, then resume the run"}}
	}
	return nil
}

// unended is the error of work that may still run.
type unended struct{ error }

func (e *unended) Unwrap() error     { return e.error }
func (e *unended) Unconfirmed() bool { return true }

// Stage brings the result of the attempt's transform into the lake.
func (s *Steps) Stage(ctx context.Context, try supervisor.Try, result *hindcast.Manifest) error {
	return s.exchange.Stage(ctx, s.staging(try), result)
}

// staging is where the attempt's work on its output is staged.
func (s *Steps) staging(try supervisor.Try) string {
	if s.keeps() {
		m := s.kept(try)
		return s.lake.Prefix(&m)
	}
	return lake.OutputPrefix(s.lake.StagingPrefix(s.plan.Run, try.Item.Slice.Key, try.Fence, try.Attempt), s.output(try.Output).Name)
}

// read is how many rows and bytes of its facts the slice reads: all of a unit that lies in the slice and its lookback;
// of one that does not, the rows that its transform found there, and the part in time of the bytes.
func (s *Steps) read(item plan.Item) (rows, bytes int64) {
	s.mutex.Lock()
	counted := s.counted[item.Slice.Key]
	s.mutex.Unlock()
	for _, need := range item.Units {
		window := plan.Window(s.fact(need.Fact), item.Slice)
		n, known := counted[need.Fact]
		for _, m := range s.manifests(need.Fact, need.Keys) {
			if m == nil {
				continue
			}
			if bytes += plan.Part(m.Interval, window, m.Bytes); !known {
				rows += plan.Part(m.Interval, window, m.Sums.Rows)
			}
		}
		rows += n
	}
	return rows, bytes
}

// beyond reports whether a unit has rows that do not lie in the window, as far as its manifest says: what is unloaded is
// cut, files of the user's own are not.
func beyond(m *hindcast.Manifest, window hindcast.Interval) bool {
	return m.Sums.Rows > 0 && (len(m.Layouts) > 0 || !window.Contains(m.Interval))
}

func (s *Steps) work(try supervisor.Try, dir string) (engine.Work, error) {
	p, item := &s.plan.Pipeline, try.Item
	o, known := s.output(try.Output), &s.plan.Outputs[try.Output]
	params := plan.Params(item.Slice, s.plan.CreatedAt, p)
	text := plan.Text{SQL: known.SQL, Checks: o.Checks}
	if len(known.Texts) > 0 {
		text = known.Texts[item.Text]
	}
	for _, lean := range []*plan.Lean{text.Leaner, text.Lean} {
		if lean != nil && s.hold(item, lean.Needs) {
			text.SQL, text.Shifts, text.Guards = lean.SQL, lean.Shifts, lean.Guards
			break
		}
	}
	query, err := engine.Bound(p.Transform.Native(), text.SQL, o.SQLFile, params)
	if err != nil {
		return engine.Work{}, err
	}
	query = query.From(p.Transform.Dialect, known.SQL, text.Shifts, text.Guards)
	query.TimeZone, query.Now = p.History.TimeZone, s.plan.CreatedAt
	if query.Tables, err = s.tables(item); err != nil {
		return engine.Work{}, err
	}
	for _, name := range o.Reads {
		m, err := earlier(try, name)
		if err != nil {
			return engine.Work{}, err
		}
		query.Tables = append(query.Tables, engine.ResultTable(name, m.Columns))
	}
	checks, err := engine.BoundChecks(p.Transform.Native(), text.Checks, params)
	if err != nil {
		return engine.Work{}, err
	}
	limits := engine.Limits{Memory: s.plan.Shares.Transform, Threads: s.plan.Shares.Threads, Starved: try.Starved}
	if try.Alone {
		limits.Memory *= int64(s.plan.Shares.Transforms)
		limits.Threads *= s.plan.Shares.Transforms
	}
	return engine.Work{Tag: s.Tag(try), Slice: item.Slice, Query: query,
		Columns: known.Result, Target: o.Target, Checks: checks, Dir: dir, Limits: limits, Fleeting: !s.keeps() && !s.plan.Together()}, nil
}

// tables are the slice's facts and dimensions, without their files.
func (s *Steps) tables(item plan.Item) ([]engine.Table, error) {
	var tables []engine.Table
	for _, need := range item.Units {
		name := need.Fact
		t := engine.Table{Name: name, Own: item.Slice.Interval, Time: s.fact(name).Time}
		t.Window = plan.Window(s.fact(name), item.Slice)
		var groups []plan.Group
		for i, m := range s.manifests(name, need.Keys) {
			if m == nil {
				return nil, fmt.Errorf("reading %s: %w", name, s.absent(name, need.Keys))
			}
			t.Count = t.Count || t.Time != "" && beyond(m, t.Window)
			groups = append(groups, plan.Group{Source: m.Source, Columns: plan.Seen(s.units[unitKey{name, need.Keys[i]}].plan.Columns, m.Columns)})
		}
		var alike bool
		if t.Columns, alike = plan.Unite(groups, s.fact(name).Declared); !alike {
			for _, g := range groups {
				t.Groups = append(t.Groups, engine.Group{Columns: g.Columns})
			}
		}
		t.Time = hindcast.Spelled(t.Columns, t.Time)
		tables = append(tables, t)
	}

	for i, d := range s.plan.Pipeline.Dims {
		m := s.dim(d.Name)
		if m == nil {
			return nil, fmt.Errorf("reading %s: it is not in the lake", d.Name)
		}
		tables = append(tables, engine.Table{Name: d.Name, Columns: plan.Seen(s.plan.Dims[i].Columns, m.Columns)})
	}
	return tables, nil
}

func (s *Steps) dim(name string) *hindcast.Manifest {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.dims[name]
}

// bring has what the work reads of the slice's files here until release is called, and gives it to the work.
func (s *Steps) bring(ctx context.Context, try supervisor.Try, work *engine.Work, reads map[string][]string) (release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for i := range work.Query.Tables {
		t := &work.Query.Tables[i]
		columns, sure := reads[t.Name]
		if sure && columns == nil {
			columns = []string{} // rows are only counted
		}
		bring := s.bringTable
		if slices.Contains(s.output(try.Output).Reads, t.Name) {
			bring = s.bringEarlier
		}
		let, err := bring(ctx, try, t, columns)
		if err != nil {
			release()
			return nil, err
		}
		releases = append(releases, let)
	}
	return release, nil
}

// bringTable is bring for a fact or dimension.
func (s *Steps) bringTable(ctx context.Context, try supervisor.Try, t *engine.Table, columns []string) (release func(), err error) {
	item := try.Item
	files, lengths, layouts, err := s.files(item, t.Name)
	if err != nil {
		return nil, err
	}
	if item.Units.Of(t.Name) != nil {
		columns = s.fact(t.Name).Had(columns)
	}
	paths, release, err := s.exchange.Localize(ctx, files, columns)
	if err != nil && len(layouts) > 0 { // nothing of the user's own can be made again
		return nil, err
	}
	if err != nil {
		return nil, s.heal(ctx, item, t.Name, columns, err)
	}
	for _, f := range files {
		t.Bytes += f.Bytes
	}
	if len(t.Groups) == 0 {
		t.Files, t.Layouts = paths, layouts
		return release, nil
	}
	for i := range t.Groups {
		t.Groups[i].Files, paths = paths[:lengths[i]], paths[lengths[i]:]
	}
	return release, nil
}

// bringEarlier is bring for the result of another output. One that is damaged is made again by the next attempt.
func (s *Steps) bringEarlier(ctx context.Context, try supervisor.Try, t *engine.Table, columns []string) (release func(), err error) {
	m, err := earlier(try, t.Name)
	if err != nil {
		return nil, err
	}
	if t.Files, release, err = s.exchange.Localize(ctx, m.Files, columns); err != nil {
		return nil, fmt.Errorf("reading the result of %s: %w", t.Name, err)
	}
	t.Bytes = m.Bytes
	return release, nil
}

// earlier is the staged result of an output that the attempt's output reads.
func earlier(try supervisor.Try, output string) (*hindcast.Manifest, error) {
	i := slices.IndexFunc(try.Earlier, func(m *hindcast.Manifest) bool { return m.Output == output })
	if i < 0 {
		return nil, fmt.Errorf("reading %s: its result for %s is not staged", output, try.Item.Slice.Key)
	}
	return try.Earlier[i], nil
}

// files are those of a fact's units or of a dimension, as they are now. lengths is how many each unit has.
func (s *Steps) files(item plan.Item, table string) (files []hindcast.File, lengths []int, layouts []hindcast.Layout, err error) {
	keys := item.Units.Of(table)
	if keys == nil {
		m := s.dim(table)
		return m.Files, nil, hindcast.Filled(m.Layouts, m.Files), nil
	}
	for _, m := range s.manifests(table, keys) {
		if m == nil {
			return nil, nil, nil, fmt.Errorf("reading %s: %w", table, s.absent(table, keys))
		}
		files, lengths = append(files, m.Files...), append(lengths, len(m.Files))
		layouts = append(layouts, hindcast.Filled(m.Layouts, m.Files)...)
	}
	return files, lengths, layouts, nil
}

// reads says which columns of each table have to be here and right; a table that is not named, all of them. The binder is
// asked once for tables of the same columns.
func (s *Steps) reads(ctx context.Context, try supervisor.Try, work *engine.Work) (map[string][]string, error) {
	if _, bytes := s.read(try.Item); !s.exchange.Choosy(bytes) {
		return nil, nil
	}
	key := signature(try.Output, work)
	s.mutex.Lock()
	known, found := s.used[key]
	s.mutex.Unlock()
	if found {
		return known, nil
	}
	used, err := s.binder.Used(ctx, work.Query, work.Checks)
	if err != nil {
		return nil, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.used[key] = used
	return used, nil
}

// signature distinguishes outputs, and tables with different columns.
func signature(output int, work *engine.Work) string {
	var key strings.Builder
	_, _ = fmt.Fprintln(&key, output) // never fails
	for _, t := range work.Query.Tables {
		_, _ = fmt.Fprintf(&key, "%q %v %v\n", t.Name, t.Columns, t.Groups)
	}
	return key.String()
}

// doubt looks at the error of work that read copies of some columns only. If one of them could not be read, the SQL may
// read a column after all that is not there: then all slices whose tables are like these read whole files from here
// on. That the file itself is damaged is found out there.
func (s *Steps) doubt(output int, work *engine.Work, reads map[string][]string, err error) error {
	e := hindcast.AsError(err)
	if len(reads) == 0 || e.Code != hindcast.EParquet {
		return err
	}
	s.mutex.Lock()
	s.used[signature(output, work)] = map[string][]string{}
	s.mutex.Unlock()
	var detail []string
	for _, name := range slices.Sorted(maps.Keys(reads)) {
		detail = append(detail, name+": "+strings.Join(reads[name], ", "))
	}
	return &misjudged{&hindcast.Error{Code: e.Code, Class: hindcast.ClassTransient, Cause: err, Detail: detail,
		Message: "the columns that the SQL seems to read are not enough, or damaged: " + e.Message,
		Next:    "the next attempt reads the whole files"}}
}

// misjudged is the failure of an attempt for what we thought of its SQL.
type misjudged struct{ fault *hindcast.Error }

func (m *misjudged) Error() string { return m.fault.Error() }
func (m *misjudged) Unwrap() error { return m.fault }

// Uncounted says that the attempt counts for no retry: see supervisor.Uncounted.
func (m *misjudged) Uncounted() bool { return true }
