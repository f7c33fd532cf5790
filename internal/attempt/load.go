package attempt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Reusable reports whether a staged result, perhaps from before a resume, can be loaded: all of it is there, and has
// checksums that Load compares.
func (s *Steps) Reusable(ctx context.Context, staged *hindcast.Manifest) bool {
	s.mutex.Lock()
	refused := s.refused[stagedAs(staged)]
	s.mutex.Unlock()
	unknown := func(f hindcast.File) bool { return f.CRC32C == "" && f.SHA256 == "" } // of an earlier version
	return !refused && !slices.ContainsFunc(staged.Files, unknown) && s.lake.VerifySizes(ctx, staged) == nil
}

// Load replaces the slice's rows by the staged ones, in one transaction.
func (s *Steps) Load(ctx context.Context, try supervisor.Try, staged *hindcast.Manifest) (hindcast.Committed, error) {
	parts, err := s.parts(try.Item)
	if d, is := errors.AsType[*damaged](err); is { // while the result was on its way
		return hindcast.Committed{}, s.refuse(staged, d.fault)
	}
	if err != nil {
		return hindcast.Committed{}, err
	}
	if plan.Fingerprint(parts) != try.Fingerprint {
		return hindcast.Committed{}, s.refuse(staged, &hindcast.Error{Code: hindcast.EParquet,
			Message: "what the slice is made of was unloaded again while its result was on its way"})
	}
	paths, release, err := s.lake.Localize(ctx, staged.Files, nil)
	if isDamage(err) {
		return hindcast.Committed{}, s.refuse(staged, hindcast.AsError(err))
	}
	if err != nil {
		return hindcast.Committed{}, err
	}
	defer release()

	p := &s.plan.Pipeline
	publication := warehouse.Publication{Pipeline: p.Name, Run: s.plan.Run, Fence: s.fence, Memory: s.plan.Shares.Warehouse,
		Replacements: []warehouse.Replacement{{Target: p.Output().Target, Slice: try.Item.Slice, TimeZone: p.History.TimeZone, Attempt: try.Attempt,
			Print: try.Fingerprint, Parts: parts, Columns: staged.Columns, Files: located(staged.Files, paths), Rows: staged.Sums.Rows,
			Hooks: p.Output().Load, Places: hookPlaces(p)}}}
	if err := s.keepPrevious(ctx, &publication); err != nil {
		return hindcast.Committed{}, err
	}
	if publication, err = s.warehouse.Stage(ctx, publication); err != nil {
		return hindcast.Committed{}, err
	}

	rows, err := s.warehouse.Publish(ctx, publication)
	if err != nil {
		return hindcast.Committed{}, err
	}
	return rows[0], nil
}

// located are the files where they can be read: their paths are these.
func located(files []hindcast.File, paths []string) []hindcast.File {
	files = slices.Clone(files)
	for i := range files {
		files[i].Path = paths[i]
	}
	return files
}

// keepPrevious says where what a publication of one replaces is kept. Before it commits, that gets a manifest with checksums.
func (s *Steps) keepPrevious(ctx context.Context, p *warehouse.Publication) (err error) {
	r := &p.Replacements[0]
	prefix := s.lake.PreviousPrefix(s.plan.Run, r.Slice.Key, s.fence, r.Attempt)
	r.PreviousAs = strings.TrimSuffix(prefix, "/") // which holds wherever the lake is, and does not show where
	m := &hindcast.Manifest{Name: "previous", Key: r.Slice.Key, Interval: r.Slice.Interval, Source: r.Target.Table, Generation: 1,
		Run: s.plan.Run, Fence: s.fence, Attempt: r.Attempt, CreatedAt: s.now().UTC()}
	p.Keep = func(ctx context.Context, kept []warehouse.Kept) error {
		return s.lake.Keep(ctx, prefix, m, kept[0].Rows)
	}
	r.Previous, err = s.lake.Aside(ctx, prefix)
	return err
}

// hookPlaces says where the pipeline file's hooks stand.
func hookPlaces(p *hindcast.Pipeline) map[string]hindcast.Place {
	if len(p.Output().Load.Before)+len(p.Output().Load.After) == 0 {
		return nil
	}
	places := map[string]hindcast.Place{}
	for key, place := range p.Places {
		if strings.HasPrefix(key, "load.") {
			places[key] = place
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
	if err := s.lake.Discard(ctx, s.plan.Run, try.Item.Slice.Key, s.fence, try.Attempt); err != nil {
		_, _ = fmt.Fprintf(s.log, "%s discarding attempt %d of %s: %v\n", s.now().Format(time.TimeOnly), try.Attempt, try.Item.Slice.Key, err)
	}
}

// Lookup resolves a load whose end is unknown: it returns the status row with the try's fingerprint, read under the
// target's lock, or nil.
func (s *Steps) Lookup(ctx context.Context, try supervisor.Try) (*hindcast.Committed, error) {
	rows, err := s.warehouse.Committed(ctx, s.plan.Pipeline.Name, true, try.Item.Slice.Key)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row.Fingerprint == try.Fingerprint && row.Target == s.plan.Pipeline.Output().Target.Table && row.Slice.Equal(try.Item.Slice.Interval) {
			return &row, nil
		}
	}
	return nil, nil
}

// Prove returns the status rows as they are in the warehouse now, for the final proof.
func (s *Steps) Prove(ctx context.Context) ([]hindcast.Committed, error) {
	rows, err := s.rows(ctx)
	return slices.DeleteFunc(rows, func(row hindcast.Committed) bool { // the pipeline had another target before
		return row.Target != s.plan.Pipeline.Output().Target.Table
	}), err
}

// Standing sums the target's rows in the slices of these status rows, as a plan does that looks for edits.
func (s *Steps) Standing(ctx context.Context, rows []hindcast.Committed) ([]hindcast.Sums, error) {
	p := &s.plan.Pipeline
	ask := warehouse.Published{Target: p.Output().Target, Columns: s.plan.Output().Result, TimeZone: p.History.TimeZone}
	for _, row := range rows {
		ask.Intervals = append(ask.Intervals, row.Slice.Interval)
	}
	return s.warehouse.Published(ctx, ask)
}
