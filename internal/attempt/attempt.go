// Package attempt is one try at one slice: unload → transform → load, over the contracts of warehouse and
// engine. It skips what the lake already has. The supervisor decides when an attempt is made, retried or given up, and
// calls its steps as a supervisor.Worker.
package attempt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Steps does the steps of a run's attempts: it is the supervisor's worker. Its methods may be called in parallel for
// different slices.
type Steps struct {
	plan      *plan.Plan
	fence     int64
	lake      *lake.Lake
	exchange  lake.Exchange // with the engine
	warehouse warehouse.Warehouse
	source    warehouse.Warehouse // that history is read from: warehouse, or another one
	engine    engine.Engine
	binder    engine.Binder
	log       io.Writer
	others    *lake.Others
	claims    Claims
	apart     bool
	now       func() time.Time
	discards  sync.WaitGroup // those in the background
	units     map[unitKey]*unit
	healing   sync.Mutex // one dimension at a time is unloaded again
	mutex     sync.Mutex // guards what follows
	dims      map[string]*hindcast.Manifest
	committed map[rowKey]hindcast.Committed
	used      map[string]map[string][]string // columns that an output's SQL reads, by the tables' columns
	evidence  map[unitKey]*evidence          // of the user's own files
	given     map[string]*given              // to the engine, by tag
	counted   map[string]map[string]int64    // rows that a slice read, by its key and the fact, where no manifest says it

	reach  map[reachKey]hindcast.Interval // what slices take of each source
	strays map[reachKey]*hindcast.Strays  // what this run counted; nil while it is being counted
	told   map[reachKey]bool              // of which an event says it

	dimDamages map[string]int                           // how often each dimension was unloaded again
	dimTries   map[string]int                           // how often its unload was begun
	results    map[string]map[string]*hindcast.Manifest // that the lake keeps, by target and slice key

	showing showing

	refused  map[string]bool // staged results that are not to be loaded
	refusals map[string]int  // how many they were, by slice key
}

var _ supervisor.Worker = (*Steps)(nil)

type unitKey struct{ fact, key string }

type reachKey struct{ fact, source string }

// rowKey names a status row: of a slice, in a target.
type rowKey struct{ target, slice string }

// unit is one unit of a fact: several slices may need it, one unloads it.
type unit struct {
	mutex    sync.Mutex
	plan     plan.Unit
	manifest *hindcast.Manifest // nil until it is in the lake
	tidy     bool               // what it supersedes is gone
	damage   *hindcast.Error    // what was wrong with the generation that was in the lake
	damages  int                // how often
	tried    int                // the attempt that it was unloaded in last
	cloned   time.Duration      // how long it took to take it from another pipeline
}

// Config joins what Steps works on.
type Config struct {
	Plan      *plan.Plan
	Fence     int64
	Lake      *lake.Lake
	Warehouse warehouse.Warehouse
	Source    warehouse.Warehouse // that history is read from; nil if that is Warehouse
	Engine    engine.Engine
	Binder    engine.Binder
	Log       io.Writer // gets the failures that no slice fails for
	Claims    Claims    // nil where nothing is shared with other pipelines
	// Apart says that nothing is published: results are not compared with what is.
	Apart bool
	Now   func() time.Time
}

// New reads the catalog and the status rows, so that a resume finds what is done already.
func New(ctx context.Context, c Config) (*Steps, error) {
	s := &Steps{plan: c.Plan, fence: c.Fence, lake: c.Lake, exchange: c.Lake.Exchange(c.Engine != nil && c.Engine.Properties().Elsewhere), warehouse: c.Warehouse, source: c.Source, engine: c.Engine, binder: c.Binder, log: c.Log, others: c.Lake.Others(), claims: c.Claims, apart: c.Apart, now: c.Now,
		units: map[unitKey]*unit{}, committed: map[rowKey]hindcast.Committed{}, used: map[string]map[string][]string{}, counted: map[string]map[string]int64{},
		evidence: map[unitKey]*evidence{}, given: map[string]*given{},
		reach: map[reachKey]hindcast.Interval{}, strays: map[reachKey]*hindcast.Strays{}, told: map[reachKey]bool{},
		dimDamages: map[string]int{}, dimTries: map[string]int{}, refused: map[string]bool{}, refusals: map[string]int{}}
	if s.source == nil {
		s.source = c.Warehouse
	}
	facts, dims, err := c.current(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.reaches(); err != nil {
		return nil, err
	}
	if err := c.Lake.Restore(ctx); err != nil {
		return nil, err
	}
	s.dims = dims
	var records []*hindcast.Manifest
	if c.Plan.Pipeline.OwnFiles() {
		if records, err = c.Lake.Records(ctx); err != nil {
			return nil, err
		}
		for _, r := range records {
			if slices.ContainsFunc(c.Plan.Items, func(item plan.Item) bool { return item.Reason == hindcast.ReasonForced }) {
				break // what is there is meant to be taken: it is recorded again
			}
			s.evidence[unitKey{r.Name, r.Key}] = &evidence{content: r.Sums.Content, kept: true}
		}
	}
	for _, d := range c.Plan.Dims {
		if len(d.Files) > 0 {
			s.dims[d.Name] = &hindcast.Manifest{Name: d.Name, Key: hindcast.WholeKey, Source: d.Source, Columns: d.Columns, Files: d.Files, Layouts: d.Layouts,
				Bytes: d.Bytes, Sums: hindcast.Sums{Rows: d.Rows, Content: d.Content}}
		}
	}
	for _, u := range c.Plan.Units {
		m := usable(u, facts[u.Fact][u.Key], c.Plan.Run)
		if s.fact(u.Fact).Files != "" {
			m = filesManifest(u, s.fact(u.Fact).Time) // the user's files are never unloaded: a slice of nothing else has no such step
		}
		s.units[unitKey{u.Fact, u.Key}] = &unit{plan: u, manifest: m}
	}
	if err := s.accept(ctx, records); err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		s.committed[rowKey{row.Target, row.Slice.Key}] = row
	}
	if err := s.knownResults(ctx); err != nil {
		return nil, err
	}
	if err := s.sameDimensions(); err != nil {
		return nil, err
	}
	return s, nil
}

// few is up to how many units, or slices, are asked for by name, and not all of them.
const few = 100

// current are the current generations of the plan's units, and of the dimensions. A run of few slices reads no others: a long
// history has many.
func (c Config) current(ctx context.Context) (map[string]map[string]*hindcast.Manifest, map[string]*hindcast.Manifest, error) {
	if len(c.Plan.Units) > few {
		return c.Lake.Current(ctx)
	}
	units := make([]lake.Unit, len(c.Plan.Units))
	for i := range units {
		units[i] = lake.Unit{Fact: c.Plan.Units[i].Fact, Key: c.Plan.Units[i].Key}
	}
	return c.Lake.CurrentOf(ctx, units)
}

// rows are the status rows of the slices that run, or of all where those are many, in the targets of the plan.
func (s *Steps) rows(ctx context.Context) ([]hindcast.Committed, error) {
	var keys []string
	for i := range s.plan.Items {
		if item := &s.plan.Items[i]; item.Reason.Runs() {
			keys = append(keys, item.Slice.Key)
		}
	}
	switch {
	case len(keys) == 0:
		return nil, nil
	case len(keys) > few:
		keys = nil
	}
	rows, err := s.warehouse.Committed(ctx, s.plan.Pipeline.Name, true, keys...)
	targets := s.plan.Pipeline.Targets()
	return slices.DeleteFunc(rows, func(row hindcast.Committed) bool { // the pipeline had another target before
		return !slices.Contains(targets, row.Target)
	}), err
}

// usable is the current generation, unless this run is to unload a new one and has not yet.
func usable(u plan.Unit, current *hindcast.Manifest, run string) *hindcast.Manifest {
	if current == nil || !current.Interval.Equal(u.Interval) || (u.Unload && current.Run != run) {
		return nil
	}
	return current
}

// fact and dim find a definition by its name.
func (s *Steps) fact(name string) hindcast.Fact {
	i := slices.IndexFunc(s.plan.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Name == name })
	return s.plan.Pipeline.Facts[i]
}

// Fingerprint is the slice's fingerprint now that its inputs are in the lake, and the outputs of which no committed row with
// theirs is in the warehouse.
func (s *Steps) Fingerprint(_ context.Context, try supervisor.Try) (print string, due []int, err error) {
	made, err := s.made(try.Item)
	if err != nil {
		return "", nil, err
	}

	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, m := range made {
		row, found := s.committed[rowKey{s.output(m.output).Target.Table, try.Item.Slice.Key}]
		if !found || row.Fingerprint != m.print || !row.Slice.Equal(try.Item.Slice.Interval) || try.Item.Forced(m.output) {
			due = append(due, m.output)
		}
	}
	return together(made), s.withRead(due), nil
}

// withRead adds to outputs those that they read.
func (s *Steps) withRead(due []int) []int {
	for k := len(s.plan.Pipeline.Outputs) - 1; k >= 0; k-- { // an output reads those before it
		if !slices.Contains(due, k) {
			continue
		}
		for _, name := range s.output(k).Reads {
			if i := s.plan.Pipeline.OutputNamed(name); !slices.Contains(due, i) {
				due = append(due, i)
			}
		}
	}
	slices.Sort(due)
	return due
}

// output finds an output by its index.
func (s *Steps) output(k int) *hindcast.Output { return &s.plan.Pipeline.Outputs[k] }

// made says what an output of a slice is made from.
type made struct {
	output int
	parts  hindcast.Parts
	print  string
}

// together is the slice's fingerprint.
func together(outputs []made) string {
	prints := make([]string, len(outputs))
	for i, m := range outputs {
		prints[i] = m.print
	}
	return plan.Together(prints)
}

// made is what the outputs are made from that the slice is run for. It completes the parts known at plan time with the contents
// that are known after the unload.
func (s *Steps) made(item plan.Item) ([]made, error) {
	contents, err := s.contents(item)
	if err != nil {
		return nil, err
	}
	var list []made
	for _, k := range item.Wanted() {
		parts := item.Parts[k]
		parts.Facts, parts.Dims = contents.Facts, contents.Dims
		list = append(list, made{k, parts, plan.Fingerprint(parts)})
	}
	return list, nil
}

// contents are those of a slice's facts and dimensions.
func (s *Steps) contents(item plan.Item) (hindcast.Parts, error) {
	parts := hindcast.Parts{Facts: map[string]string{}, Dims: map[string]string{}}
	for _, need := range item.Units {
		var contents []string
		for _, m := range s.manifests(need.Fact, need.Keys) {
			if m == nil {
				return parts, fmt.Errorf("fingerprinting %s: %w", item.Slice.Key, s.absent(need.Fact, need.Keys))
			}
			contents = append(contents, m.Sums.Content)
		}
		parts.Facts[need.Fact] = plan.FactContent(contents)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, d := range s.plan.Pipeline.Dims {
		m := s.dims[d.Name]
		if m == nil {
			return parts, fmt.Errorf("fingerprinting %s: dimension %s is not in the lake", item.Slice.Key, d.Name)
		}
		parts.Dims[d.Name] = m.Sums.Content
	}
	return parts, nil
}

func (s *Steps) manifests(fact string, keys []string) []*hindcast.Manifest {
	list := make([]*hindcast.Manifest, 0, len(keys))
	for _, key := range keys {
		u := s.units[unitKey{fact, key}]
		if u == nil {
			list = append(list, nil)
			continue
		}
		u.mutex.Lock()
		list = append(list, u.manifest)
		u.mutex.Unlock()
	}
	return list
}

// Kill ends every process of the run and names those that are confirmed dead and those that are not.
func (s *Steps) Kill() (dead, unconfirmed []string) {
	tell := func(what string, err error) {
		if err != nil {
			unconfirmed = append(unconfirmed, what+": "+err.Error())
			return
		}
		dead = append(dead, what)
	}
	workers := "the engine"
	if w, ok := s.engine.(interface{ Workers() []string }); ok {
		names := w.Workers()
		switch len(names) {
		case 0: // all have ended already
		case 1:
			workers = names[0]
		default:
			workers = fmt.Sprintf("%d workers", len(names))
		}
	}
	tell(workers, s.engine.Close())
	tell("the warehouse's process", s.warehouse.Close())
	if s.source != s.warehouse {
		tell("the source's process", s.source.Close())
	}
	return dead, unconfirmed
}

// Close waits for what still goes on in the background.
func (s *Steps) Close() { s.discards.Wait() }

var errNoUnit = errors.New("the plan has no such unit")
