package attempt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Transform runs the SQL over the slice and its checks over the result, and returns the staged result's manifest
// and the worker's peak memory. When ctx ends, the job is cancelled and confirmed dead before it returns.
func (s *Steps) Transform(ctx context.Context, item plan.Item, attempt int, alone bool) (*hindcast.Manifest, int64, error) {
	prefix := s.lake.StagingPrefix(s.plan.Run, item.Slice.Key, s.fence, attempt)
	dir, err := s.empty(prefix)
	if err != nil {
		return nil, 0, err
	}
	tables, release, err := s.tables(ctx, item)
	if err != nil {
		return nil, 0, err
	}
	defer release()
	job, err := s.job(item, attempt, tables, dir, alone)
	if err != nil {
		return nil, 0, err
	}
	started := s.now()
	result, err := s.await(ctx, job)
	if err != nil {
		return nil, 0, err
	}
	m := &hindcast.Manifest{Name: "result", Key: item.Slice.Key, Interval: item.Slice.Interval, Run: s.plan.Run, Fence: s.fence,
		Attempt: attempt, Columns: result.Columns, Files: result.Files, Bytes: result.Bytes, Sums: hindcast.Sums{Rows: result.Rows}}
	if err := s.lake.Stage(ctx, prefix, m); err != nil {
		return nil, 0, err
	}
	m.Seconds, m.CreatedAt = s.now().Sub(started).Seconds(), s.now().UTC()
	return m, result.Memory, nil
}

// Reads is how many rows and bytes of its facts the slice reads, as their manifests say: all of a unit that lies in
// the slice and its lookback, the part in time of one that does not.
func (s *Steps) Reads(item plan.Item) (rows, bytes int64) {
	for name, keys := range item.Units {
		window := plan.Window(s.fact(name), item.Slice)
		for _, m := range s.manifests(name, keys) {
			if m != nil {
				rows += plan.Part(m.Interval, window, m.Sums.Rows)
				bytes += plan.Part(m.Interval, window, m.Bytes)
			}
		}
	}
	return rows, bytes
}

func (s *Steps) await(ctx context.Context, job engine.Job) (engine.Result, error) {
	handle, err := s.engine.Submit(ctx, job)
	if err != nil {
		return engine.Result{}, err
	}
	result, err := s.engine.Wait(ctx, handle)
	if ctx.Err() != nil {
		if dead := s.engine.Cancel(context.WithoutCancel(ctx), handle); dead != nil {
			return engine.Result{}, fmt.Errorf("cancelling %s: %w", job.Tag, dead)
		}
	}
	return result, err
}

func (s *Steps) job(item plan.Item, attempt int, tables []engine.Table, dir string, alone bool) (engine.Job, error) {
	p := &s.plan.Pipeline
	params := plan.Params(item.Slice, s.plan.CreatedAt, p)
	query, err := engine.Bound(s.plan.SQL, p.Transform.SQLFile, params)
	if err != nil {
		return engine.Job{}, err
	}
	query.TimeZone, query.Tables = p.History.TimeZone, tables
	checks, err := engine.BoundChecks(p.Checks, params)
	if err != nil {
		return engine.Job{}, err
	}
	limits := engine.Limits{Memory: s.plan.Shares.Transform, Threads: s.plan.Shares.Threads, Alone: alone}
	if alone {
		limits.Memory = s.plan.Shares.Memory - s.plan.Shares.Warehouse
		limits.Threads = s.plan.Shares.Threads * s.plan.Shares.Transforms
	}
	return engine.Job{Tag: fmt.Sprintf("%s/%s/%s/a%d", p.Name, s.plan.Run, item.Slice.Key, attempt), Slice: item.Slice, Query: query,
		Columns: s.plan.Result, Target: p.Target, Checks: checks, Dir: dir, Limits: limits}, nil
}

// tables are the slice's facts and dimensions as files that are here until release is called.
func (s *Steps) tables(ctx context.Context, item plan.Item) (tables []engine.Table, release func(), err error) {
	var files []hindcast.File
	var ends []int // of each table's files in files
	for _, name := range slices.Sorted(maps.Keys(item.Units)) {
		t := engine.Table{Name: name, Own: item.Slice.Interval, Time: s.fact(name).Time, Users: s.fact(name).Files != ""}
		t.Window = plan.Window(s.fact(name), item.Slice)
		for _, m := range s.manifests(name, item.Units[name]) {
			if m == nil {
				return nil, nil, fmt.Errorf("reading %s: a unit is not in the lake", name)
			}
			if t.Columns == nil {
				t.Columns = m.Columns
			}
			files = append(files, m.Files...)
		}
		tables, ends = append(tables, t), append(ends, len(files))
	}
	for _, d := range s.plan.Pipeline.Dims {
		s.mutex.Lock()
		m := s.dims[d.Name]
		s.mutex.Unlock()
		if m == nil {
			return nil, nil, fmt.Errorf("reading %s: it is not in the lake", d.Name)
		}
		files = append(files, m.Files...)
		tables, ends = append(tables, engine.Table{Name: d.Name, Columns: m.Columns, Users: d.Files != ""}), append(ends, len(files))
	}
	paths, release, err := s.lake.Localize(ctx, files, nil)
	if err != nil {
		return nil, nil, err
	}
	begin := 0
	for i, end := range ends {
		tables[i].Files = paths[begin:end:end]
		begin = end
	}
	return tables, release, nil
}

// Reusable reports whether a staged result from before a resume is still whole.
func (s *Steps) Reusable(ctx context.Context, staged *hindcast.Manifest) bool {
	return s.lake.VerifySizes(ctx, staged) == nil
}

// Load replaces the slice's rows by the staged ones, in one transaction.
func (s *Steps) Load(ctx context.Context, item plan.Item, attempt int, print string, staged *hindcast.Manifest) (hindcast.Committed, error) {
	parts, err := s.parts(item)
	if err != nil {
		return hindcast.Committed{}, err
	}
	paths, release, err := s.lake.Localize(ctx, staged.Files, nil)
	if err != nil {
		return hindcast.Committed{}, err
	}
	defer release()
	p := &s.plan.Pipeline
	load := warehouse.Load{Pipeline: p.Name, Target: p.Target, Slice: item.Slice, TimeZone: p.History.TimeZone,
		Run: s.plan.Run, Attempt: attempt, Fence: s.fence, Print: print, Parts: parts, Columns: staged.Columns, Files: paths,
		Rows: staged.Sums.Rows, Hooks: p.Load, Places: hookPlaces(p), Memory: s.plan.Shares.Warehouse}
	if err := s.keepPrevious(&load); err != nil {
		return hindcast.Committed{}, err
	}
	return s.warehouse.Load(ctx, load)
}

// keepPrevious says where the rows that the load replaces are kept. In a lake that is no folder they are written here
// and brought there before the load commits.
func (s *Steps) keepPrevious(load *warehouse.Load) (err error) {
	prefix := s.lake.PreviousPrefix(s.plan.Run, load.Slice.Key, s.fence, load.Attempt)
	place := s.lake.Absolute(strings.TrimSuffix(prefix, "/"))
	if !s.lake.Remote() {
		load.Previous = place
		return nil
	}
	load.PreviousAs = place
	load.Keep = func(ctx context.Context) error { return s.lake.StageFolder(ctx, prefix) }
	load.Previous, err = s.empty(prefix)
	return err
}

// hookPlaces says where the pipeline file's hooks stand.
func hookPlaces(p *hindcast.Pipeline) map[string]hindcast.Place {
	if len(p.Load.Before)+len(p.Load.After) == 0 {
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

// Discard removes what the slice's attempts up to this one staged, those of a process that died among them. Best effort: what
// stays is below the run's own prefix.
func (s *Steps) Discard(ctx context.Context, item plan.Item, attempt int) error {
	return s.lake.Discard(ctx, s.plan.Run, item.Slice.Key, s.fence, attempt)
}
