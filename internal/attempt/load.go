package attempt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Reusable reports whether a staged result, perhaps from before a resume, can be loaded: all of it is there, and has
// checksums that Load compares. What a run holds is compared with them here: nothing is computed while it is published, so that
// a resume has to find what is damaged.
func (s *Steps) Reusable(ctx context.Context, staged *hindcast.Manifest) bool {
	s.mutex.Lock()
	refused := s.refused[stagedAs(staged)]
	s.mutex.Unlock()
	unknown := func(f hindcast.File) bool { return f.CRC32C == "" && f.SHA256 == "" } // of an earlier version
	verify := s.lake.VerifySizes
	if s.plan.Hold {
		verify = s.lake.Verify
	}
	return !refused && !slices.ContainsFunc(staged.Files, unknown) && verify(ctx, staged) == nil
}

// Load replaces the slices' rows by the staged ones, of all outputs that are staged, in one transaction.
func (s *Steps) Load(ctx context.Context, list []supervisor.Loading) ([][]hindcast.Committed, error) {
	publication := warehouse.Publication{Pipeline: s.plan.Pipeline.Name, Run: s.plan.Run, Fence: s.fence, Memory: s.plan.Shares.Warehouse}
	var releases []func()
	defer func() {
		for _, release := range releases {
			release()
		}
	}()
	outputs := make([][]made, len(list))
	for i, l := range list {
		var err error
		if outputs[i], err = s.madeFrom(l); err != nil {
			return nil, about(l, len(list), err)
		}
		release, err := s.replacements(ctx, l.Try, outputs[i], l.Staged, &publication)
		releases = append(releases, release)
		if err != nil {
			return nil, about(l, len(list), err)
		}
	}

	if err := s.keepPrevious(ctx, &publication); err != nil {
		return nil, err
	}
	publication, err := s.warehouse.Stage(ctx, publication)
	if err != nil {
		return nil, err
	}
	if !s.keeps() {
		for i, l := range list {
			if err := s.letGo(ctx, outputs[i], l.Try.Item.Slice); err != nil {
				return nil, err
			}
		}
	}
	rows, err := s.warehouse.Publish(ctx, publication)
	if err != nil {
		return nil, err
	}
	return bySlice(list, rows), nil
}

// about says in the error of a damaged result which of several slices it is of.
func about(l supervisor.Loading, of int, err error) error {
	if d, is := errors.AsType[*damaged](err); is && of > 1 {
		d.fault.Slices = []string{l.Try.Item.Slice.Key}
	}
	return err
}

// bySlice cuts the status rows of a publication into those of each slice.
func bySlice(list []supervisor.Loading, rows []hindcast.Committed) [][]hindcast.Committed {
	cut := make([][]hindcast.Committed, len(list))
	for i, l := range list {
		n := len(l.Staged)
		cut[i], rows = rows[:n:n], rows[n:]
	}
	return cut
}

// madeFrom is what the slice's staged results were made from. A result that was held is published as it was seen, whatever was
// unloaded since; any other one has to be made from what is in the lake now.
func (s *Steps) madeFrom(l supervisor.Loading) ([]made, error) {
	if l.Try.Before != nil {
		outputs := make([]made, len(l.Staged))
		for i, m := range l.Staged {
			if m.Made == nil {
				return nil, errNotMade
			}
			outputs[i] = made{output: s.plan.Pipeline.OutputNamed(m.Output), parts: m.Made.Parts, print: m.Made.Fingerprint}
		}
		return outputs, nil
	}

	outputs, err := s.made(l.Try.Item)
	if d, is := errors.AsType[*damaged](err); is { // while the result was on its way
		return nil, s.refuse(l.Staged, d.fault)
	}
	if err != nil {
		return nil, err
	}
	if together(outputs) != l.Try.Fingerprint {
		return nil, s.refuse(l.Staged, &hindcast.Error{Code: hindcast.EParquet,
			Message: "what the slice is made of was unloaded again while its result was on its way"})
	}
	return outputs, nil
}

var errNotMade = errors.New("publishing what is held: the staged result does not say what it was made from")

// replacements adds what takes the place of each output's rows. The files are here until release is called, also after an error.
func (s *Steps) replacements(ctx context.Context, try supervisor.Try, outputs []made, staged []*hindcast.Manifest, p *warehouse.Publication) (release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}

	for _, m := range staged {
		paths, let, err := s.lake.Localize(ctx, m.Files, nil)
		if isDamage(err) {
			return release, s.refuse([]*hindcast.Manifest{m}, hindcast.AsError(err))
		}
		if err != nil {
			return release, err
		}
		releases = append(releases, let)
		i := slices.IndexFunc(outputs, func(o made) bool { return s.output(o.output).Name == m.Output })
		p.Replacements = append(p.Replacements, s.replacement(try, outputs[i], m, paths))
	}
	return release, nil
}

// replacement puts an output's staged files in place of the rows that its target has in the slice.
func (s *Steps) replacement(try supervisor.Try, m made, staged *hindcast.Manifest, paths []string) warehouse.Replacement {
	o := s.output(m.output)
	return warehouse.Replacement{Target: o.Target, Slice: try.Item.Slice, TimeZone: s.plan.Pipeline.History.TimeZone, Attempt: try.Attempt,
		Print: m.print, Parts: m.parts, Columns: staged.Columns, Files: located(staged.Files, paths), Rows: staged.Sums.Rows,
		Expect: expected(try.Before, o.Target.Table), Hooks: o.Load, Places: hookPlaces(&s.plan.Pipeline, o)}
}

// expected is what a held result expects to replace in the target; anything if it was not held.
func expected(before []hindcast.Before, target string) warehouse.Expectation {
	i := slices.IndexFunc(before, func(b hindcast.Before) bool { return b.Target == target })
	if i < 0 {
		return warehouse.Expectation{}
	}
	b := &before[i]
	expect := warehouse.Expectation{Sums: &b.Sums, Columns: b.Columns}
	if b.Publication != "" {
		expect.From = &warehouse.Origin{Publication: b.Publication, Fingerprint: b.Fingerprint}
	}
	return expect
}

// Before says what the targets have in each of the slices: which status row stands for it, and the sums of its rows.
func (s *Steps) Before(ctx context.Context, tries []supervisor.Try) ([][]hindcast.Before, error) {
	rows, err := s.warehouse.Committed(ctx, s.plan.Pipeline.Name, true)
	if err != nil {
		return nil, err
	}
	var places []hindcast.Committed // of the outputs, one try after the other
	for i := range tries {
		for _, k := range tries[i].Item.Wanted() {
			places = append(places, hindcast.Committed{Target: s.output(k).Target.Table, Slice: tries[i].Item.Slice})
		}
	}
	sums, err := s.Standing(ctx, places)
	if err != nil {
		return nil, err
	}

	stand, found := standing(rows), make([][]hindcast.Before, len(tries))
	for i := range tries {
		for _, k := range tries[i].Item.Wanted() {
			b := hindcast.Before{Target: places[0].Target, Columns: s.plan.Outputs[k].Result, Sums: sums[0]}
			if row := stand[standAt(b.Target, places[0].Slice.Interval)]; row != nil {
				b.Publication, b.Fingerprint = row.Publication, row.Fingerprint
			}
			found[i], places, sums = append(found[i], b), places[1:], sums[1:]
		}
	}
	return found, nil
}

// stand is where a status row stands: for exactly an interval of a target.
type stand struct {
	target     string
	start, end int64
}

func standAt(target string, in hindcast.Interval) stand {
	return stand{target, in.Start.Unix(), in.End.Unix()}
}

// standing are status rows by where they stand.
func standing(rows []hindcast.Committed) map[stand]*hindcast.Committed {
	at := make(map[stand]*hindcast.Committed, len(rows))
	for i := range rows {
		at[standAt(rows[i].Target, rows[i].Slice.Interval)] = &rows[i]
	}
	return at
}

// located are the files where they can be read: their paths are these.
func located(files []hindcast.File, paths []string) []hindcast.File {
	files = slices.Clone(files)
	for i := range files {
		files[i].Path = paths[i]
	}
	return files
}

// keepPrevious says where what a publication replaces is kept, of each output. Before it commits, that gets manifests with
// checksums.
func (s *Steps) keepPrevious(ctx context.Context, p *warehouse.Publication) (err error) {
	prefixes, attempts := make([]string, len(p.Replacements)), make([]int, len(p.Replacements))
	for i := range p.Replacements {
		r := &p.Replacements[i]
		attempts[i] = r.Attempt
		name := s.output(slices.Index(s.plan.Pipeline.Targets(), r.Target.Table)).Name
		prefixes[i] = lake.OutputPrefix(s.lake.PreviousPrefix(s.plan.Run, r.Slice.Key, s.fence, r.Attempt), name)
		r.PreviousAs = strings.TrimSuffix(prefixes[i], "/") // which holds wherever the lake is, and does not show where
		if r.Previous, err = s.lake.Aside(ctx, prefixes[i]); err != nil {
			return err
		}
	}

	p.Keep = func(ctx context.Context, kept []warehouse.Kept) error {
		for _, k := range kept {
			r := &p.Replacements[k.Index]
			m := &hindcast.Manifest{Name: "previous", Key: r.Slice.Key, Interval: r.Slice.Interval, Source: r.Target.Table, Generation: 1,
				Run: s.plan.Run, Fence: s.fence, Attempt: attempts[k.Index], Columns: k.Columns, CreatedAt: s.now().UTC()}
			if err := s.lake.Keep(ctx, prefixes[k.Index], m, k.Rows); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// hookPlaces says where an output's hooks stand in the pipeline file, by their keys without the output's.
func hookPlaces(p *hindcast.Pipeline, o *hindcast.Output) map[string]hindcast.Place {
	if len(o.Load.Before)+len(o.Load.After) == 0 {
		return nil
	}
	places := map[string]hindcast.Place{}
	for key, place := range p.Places {
		if rest, of := strings.CutPrefix(key, o.Key("load.")); of {
			places["load."+rest] = place
		}
	}
	return places
}

// discardTime bounds a discard that nobody waits for.
const discardTime = 30 * time.Second

// Discard removes what the slice's attempts up to this one staged, including those of a process that died. It is best
// effort: what remains is below the run's own prefix, and the failure is in the run's log. With a remote lake it goes on in
// the background, so that the next slice's load need not wait for it; Close waits for it.
func (s *Steps) Discard(ctx context.Context, try supervisor.Try) {
	if !s.lake.Remote() {
		s.discard(ctx, try)
		return
	}
	s.discards.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
		defer cancel()
		s.discard(ctx, try)
	})
}

func (s *Steps) discard(ctx context.Context, try supervisor.Try) {
	staging := lake.Staging{Run: s.plan.Run, Slice: try.Item.Slice.Key, Fence: s.fence, Attempt: try.Attempt}
	if s.keeps() {
		staging.Kept = s.plan.Pipeline.Targets()
	}
	if err := s.exchange.Discard(ctx, staging); err != nil {
		_, _ = fmt.Fprintf(s.log, "%s discarding attempt %d of %s: %v\n", s.now().Format(time.TimeOnly), try.Attempt, try.Item.Slice.Key, err)
	}
}

// Lookup resolves a load whose end is unknown: it returns the status rows of the slice's outputs, read under the targets' locks,
// if together they have the try's fingerprint; nil if they do not.
func (s *Steps) Lookup(ctx context.Context, try supervisor.Try) ([]hindcast.Committed, error) {
	rows, err := s.warehouse.Committed(ctx, s.plan.Pipeline.Name, true, try.Item.Slice.Key)
	if err != nil {
		return nil, err
	}

	var found []hindcast.Committed
	var prints []string
	for _, k := range try.Item.Wanted() {
		i := slices.IndexFunc(rows, func(row hindcast.Committed) bool {
			return row.Target == s.output(k).Target.Table && row.Slice.Key == try.Item.Slice.Key && row.Slice.Equal(try.Item.Slice.Interval)
		})
		if i < 0 {
			return nil, nil
		}
		found, prints = append(found, rows[i]), append(prints, rows[i].Fingerprint)
	}
	if plan.Together(prints) != try.Fingerprint {
		return nil, nil
	}
	return found, nil
}

// Prove returns the status rows as they are in the warehouse now, for the final proof.
func (s *Steps) Prove(ctx context.Context) ([]hindcast.Committed, error) { return s.rows(ctx) }

// Standing sums the targets' rows in the slices of these status rows, as a plan does that looks for edits.
func (s *Steps) Standing(ctx context.Context, rows []hindcast.Committed) ([]hindcast.Sums, error) {
	out := make([]hindcast.Sums, len(rows))
	for k := range s.plan.Outputs {
		var of []int // the rows of this output
		for i := range rows {
			if rows[i].Target == s.output(k).Target.Table {
				of = append(of, i)
			}
		}
		if err := s.sum(ctx, k, s.plan.Outputs[k].Result, rows, of, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sum sums an output's target over the columns in the slices of some of the rows, which are given by their indices.
func (s *Steps) sum(ctx context.Context, output int, columns []hindcast.Column, rows []hindcast.Committed, of []int, out []hindcast.Sums) error {
	if len(of) == 0 {
		return nil
	}
	ask := warehouse.Published{Target: s.output(output).Target, Columns: columns, TimeZone: s.plan.Pipeline.History.TimeZone}
	for _, i := range of {
		ask.Intervals = append(ask.Intervals, rows[i].Slice.Interval)
	}
	sums, err := s.warehouse.Published(ctx, ask)
	if err != nil {
		return err
	}
	for n, i := range of {
		out[i] = sums[n]
	}
	return nil
}
