// Package survey asks warehouse, lake and engine what a plan needs to know, and has package plan make the plan. It
// changes nothing: it only reads, and binds the SQL over empty tables.
package survey

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/iceberg"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Survey is what a plan is made from.
type Survey struct {
	Pipeline   *hindcast.Pipeline
	Warehouse  warehouse.Warehouse // that results are loaded into
	Source     warehouse.Warehouse // that history is read from: Warehouse, or another one
	Database   string              // which that is: see plan.FromElsewhere
	Access     string              // as whom it is read: see plan.Plan
	Apart      bool                // the two are of different databases
	Engine     engine.Engine       // only asked what it is and how much it can run
	Binder     engine.Binder
	Lake       *lake.Lake
	Now        time.Time
	Selection  string // --slices
	Force      bool
	Fresh      bool
	Compare    bool // see plan.Inputs; the plan is Whole
	AcceptLoss bool
	Tolerant   bool // damaged files of the user's own are left out and named in the plan; every file is read to find them
	Machine    plan.Machine
	Earlier    plan.Earlier // see plan.Inputs
	Other      plan.Earlier // the same
	Measured   plan.Earlier // the same
	Failed     map[string]bool
	results    map[string][]hindcast.Column // of the outputs that are bound, by name, for those that read them
	asked      []string                     // the names of all source tables of the whole history
	described  map[string]warehouse.Table   // those that are there
	found      []plan.Damaged
	loops      []string // sources that have rows of the target, in words
	outside    []string // files that match a fact and are in no slice, in words
}

// Plan makes the plan. Errors in the pipeline, the SQL, the warehouse's tables or the target are found here, before any
// slice runs.
func (s *Survey) Plan(ctx context.Context) (*plan.Plan, error) {
	in, err := s.gather(ctx)
	if err != nil {
		return nil, err
	}
	d, first, err := s.draft(ctx, in)
	if err != nil {
		return nil, err
	}
	shapes := schemas(d, first)
	if in.Outputs, err = s.bindAll(ctx, first, shapes); err != nil {
		return nil, err
	}
	if err := s.kept(ctx, &in); err != nil {
		return nil, err
	}
	if in.Reads, err = s.reads(ctx, first, shapes); err != nil {
		return nil, err
	}
	if d, err = d.Learn(in.Outputs, in.Reads); err != nil {
		return nil, err
	}
	if err := s.explainAll(ctx, d); err != nil {
		return nil, err
	}
	if in.Advice, err = s.targets(ctx, d, slices.Sorted(maps.Keys(in.Sources))); err != nil {
		return nil, err
	}
	in.Advice = append(in.Advice, s.loops...)
	left, err := s.leftOut(ctx, in)
	if err != nil {
		return nil, err
	}
	left = append(left, s.outside...)
	in.Advice = append(in.Advice, left...)
	d.Advise(in.Advice)
	if err := s.lend(ctx, d); err != nil {
		return nil, err
	}
	d.Looked = s.look(ctx, d)
	d.Settle()
	p, err := d.Plan()
	if err != nil {
		return nil, err
	}
	p.AcceptLoss, p.Damaged, p.LeftOut = s.AcceptLoss, s.found, left
	if err := s.loss(ctx, p); err != nil {
		return nil, err
	}
	if p.Strays, err = s.strays(ctx, in, d, p); err != nil {
		return nil, err
	}
	p.Warnings = append(p.Warnings, plan.StrayTexts(s.Pipeline, p.Strays)...)
	return p, known(p)
}

// targets looks for rows of the targets that were edited, refuses targets that cannot be made or loaded, and returns what the
// warehouse advises, of the sources too.
func (s *Survey) targets(ctx context.Context, d *plan.Draft, sources []string) (advice []string, err error) {
	for k := range s.Pipeline.Outputs {
		o, known := &s.Pipeline.Outputs[k], &d.Outputs[k]
		published, err := s.published(ctx, d, k)
		if err != nil {
			return nil, err
		}
		d.Edited(k, published)

		if s.Pipeline.Results.Keep == hindcast.KeepIceberg {
			if err := iceberg.Refuse(o.Target.Table, known.Result); err != nil {
				return nil, err
			}
		}
		if len(known.Result) > 0 {
			if err := s.Warehouse.Refuses(ctx, o.Target, known.Result); err != nil {
				return nil, s.ofTarget(o, err)
			}
		}
		said, err := s.advise(ctx, sources, o.Target)
		if err != nil {
			return nil, err
		}
		advice, sources = append(advice, said...), nil // which are the same for every output
	}
	return advice, nil
}

// advise asks both warehouses: each of what it has.
func (s *Survey) advise(ctx context.Context, sources []string, target hindcast.Target) ([]string, error) {
	if s.Source == s.Warehouse || len(sources) == 0 {
		return s.Warehouse.Advise(ctx, sources, target)
	}
	ofSource, err := s.Source.Advise(ctx, sources, hindcast.Target{})
	if err != nil {
		return nil, err
	}
	ofTarget, err := s.Warehouse.Advise(ctx, nil, target)
	return append(ofSource, ofTarget...), err
}

// kept finds which results the lake keeps, where it is to keep any.
func (s *Survey) kept(ctx context.Context, in *plan.Inputs) (err error) {
	if s.Pipeline.Results.Keep == "" {
		return nil
	}
	for k, target := range s.Pipeline.Targets() {
		if in.Outputs[k].Kept, err = s.Lake.Results(ctx, target, keysOf(in.Selected)...); err != nil {
			return err
		}
	}
	return nil
}

// loss refuses a plan whose slices would lose what the user's own files had before.
func (s *Survey) loss(ctx context.Context, p *plan.Plan) error {
	if p.AcceptLoss || !p.Pipeline.OwnFiles() {
		return nil
	}
	records, err := s.Lake.Records(ctx)
	if err != nil {
		return err
	}
	return p.Loss(records)
}

// Draft is a plan without the SQL or the target: which slices and units there are.
func (s *Survey) Draft(ctx context.Context) (*plan.Plan, error) {
	in, err := s.gather(ctx)
	if err != nil {
		return nil, err
	}
	_, p, err := s.draft(ctx, in)
	return p, err
}

// ErrElsewhere means that the lake alone does not have what the slices read.
var ErrElsewhere = errors.New("not all of it is in the lake")

// FromLake is a Draft from the lake's contents, without the warehouse, which another process may hold exclusively. Dimensions
// are used however old they are. If the lake does not have everything it fails: with ErrElsewhere, or as if the table of a
// missing dimension did not exist.
func (s *Survey) FromLake(ctx context.Context) (*plan.Plan, error) {
	p := *s.Pipeline
	p.Dims = slices.Clone(p.Dims)
	for i := range p.Dims {
		p.Dims[i].Refresh = math.MaxInt64
	}
	alone := *s
	alone.Pipeline, alone.Warehouse, alone.Source = &p, nil, nil
	made, err := alone.Draft(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(made.Units, func(u plan.Unit) bool { return u.Unload }) ||
		slices.ContainsFunc(made.Items, func(i plan.Item) bool { return !i.Reason.Runs() }) {
		return nil, ErrElsewhere
	}
	return made, nil
}

// draft makes a first plan. It asks for the details only of status rows whose slices may have changed.
func (s *Survey) draft(ctx context.Context, in plan.Inputs) (*plan.Draft, *plan.Plan, error) {
	d, err := plan.Begin(in)
	if err != nil {
		return nil, nil, err
	}
	if err := s.explainAll(ctx, d); err != nil {
		return nil, nil, err
	}
	p, err := d.Plan()
	if err != nil {
		return nil, nil, err
	}
	return d, p, known(p)
}

// explainAll asks for the details of all outputs' status rows that need them.
func (s *Survey) explainAll(ctx context.Context, d *plan.Draft) error {
	for k := range s.Pipeline.Outputs {
		if err := s.explain(ctx, d, k, d.Unexplained(k)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Survey) explain(ctx context.Context, d *plan.Draft, output int, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	rows, err := s.Warehouse.Details(ctx, s.Pipeline.Name, s.Pipeline.Outputs[output].Target.Table, keys)
	if err != nil {
		return err
	}
	return d.Explain(rows)
}

func (s *Survey) gather(ctx context.Context) (plan.Inputs, error) {
	p := s.Pipeline
	in := plan.Inputs{Pipeline: p, Now: s.Now, Selection: s.Selection, Force: s.Force, Fresh: s.Fresh, Compare: s.Compare, Whole: s.Compare, Machine: s.Machine, Earlier: s.Earlier, Other: s.Other, Measured: s.Measured, Failed: s.Failed}
	engineIs := s.Engine.Properties()
	in.Engine, in.Capacity = plan.Version{Name: engineIs.Name, Version: engineIs.Version}, plan.Capacity(s.Engine.Capacity())
	if s.Warehouse != nil {
		warehouseIs := s.Warehouse.Properties()
		in.Warehouse = plan.Version{Name: warehouseIs.Name, Version: warehouseIs.Version}
		sourceIs := s.Source.Properties()
		in.Unloads, in.Database, in.Access = sourceIs.Unloads, s.Database, s.Access
		if s.Source != s.Warehouse {
			in.Source = plan.Version{Name: sourceIs.Name, Version: sourceIs.Version}
		}
		in.Spoken = plan.Spoken{Collation: sourceIs.Collation, TimeZone: sourceIs.TimeZone, DateStyle: sourceIs.DateStyle}
	}
	to, err := plan.ResolveTo(p, s.Now)
	if err != nil {
		return in, err
	}
	history, err := plan.Cut(p.History, to)
	if err != nil {
		return in, err
	}
	in.History = history
	if in.Sources, in.Notes, err = s.sources(ctx, history); err != nil {
		return in, err
	}
	if in.Selected, err = s.selected(history, in.Sources); err != nil {
		return in, err
	}
	if in.Current, in.Dims, err = s.generations(ctx, in); err != nil {
		return in, err
	}
	in.Committed, err = s.committed(ctx, history, in.Selected)
	return in, err
}

// few is up to how many slices are asked about by name: about all of a history in other ways.
const few = 100

// selected are the slices that are chosen by their keys, if these are few: nothing of the others is asked then. Where one of
// their tables is missing the whole history is: another one's columns stand for it.
func (s *Survey) selected(history []hindcast.Slice, sources map[string]plan.Source) ([]hindcast.Slice, error) {
	named, ok, err := plan.Named(s.Selection, history, s.Pipeline.History.Every)
	if err != nil || !ok || len(named) > few {
		return nil, err
	}
	missing := func(name string) bool { _, there := sources[name]; return !there && s.Warehouse != nil }
	if slices.ContainsFunc(plan.Tables(s.Pipeline, named), missing) {
		return nil, nil
	}
	return named, nil
}

func (s *Survey) generations(ctx context.Context, in plan.Inputs) (plan.Generations, map[string]*hindcast.Manifest, error) {
	if in.Selected == nil {
		return s.Lake.Generations(ctx)
	}
	needed, err := plan.Needed(s.Pipeline, in.History, in.Selected)
	if err != nil {
		return nil, nil, err
	}
	units := make([]lake.Unit, len(needed))
	for i, u := range needed {
		units[i] = lake.Unit{Fact: u.Name, Key: u.Key}
	}
	return s.Lake.GenerationsOf(ctx, units)
}

// committed is what is known of the status rows of each output: of the selected slices all of each row, if there are any.
func (s *Survey) committed(ctx context.Context, history, selected []hindcast.Slice) (standing []plan.Standing, err error) {
	if s.Warehouse == nil {
		return nil, nil
	}
	if selected != nil {
		named, err := s.Warehouse.Committed(ctx, s.Pipeline.Name, false, keysOf(selected)...)
		rows := func([]hindcast.Interval) (iter.Seq[hindcast.Committed], error) { return slices.Values(named), nil }
		for range s.Pipeline.Outputs {
			standing = append(standing, plan.Standing{Rows: rows}) // a plan takes those of the target
		}
		return standing, err
	}

	ranges, long := plan.Ranges(history)
	for _, table := range s.Pipeline.Targets() {
		is := plan.Standing{Rows: func(within []hindcast.Interval) (iter.Seq[hindcast.Committed], error) {
			overview, err := s.Warehouse.Overview(ctx, s.Pipeline.Name, table, within)
			if err != nil {
				return nil, err
			}
			return overview.Committed(s.Pipeline.Name, table)
		}}
		if long {
			found, err := s.Warehouse.Digests(ctx, s.Pipeline.Name, table, ranges)
			if err != nil {
				return nil, err
			}
			if found.Hashing != warehouse.HashNone {
				is.Digests = &plan.Digests{Ranges: ranges, Of: found.Ranges, Hash: found.Hashing.Rows()}
			}
		}
		standing = append(standing, is)
	}
	return standing, nil
}

func keysOf(history []hindcast.Slice) []string {
	keys := make([]string, len(history))
	for i := range history {
		keys[i] = history[i].Key
	}
	return keys
}

// sources describes every table of the history at once, and scans the user's own files.
func (s *Survey) sources(ctx context.Context, history []hindcast.Slice) (sources map[string]plan.Source, notes []string, err error) {
	sources = map[string]plan.Source{}
	var tables map[string]warehouse.Table
	if s.Warehouse != nil {
		s.asked = plan.Tables(s.Pipeline, history)
		if tables, err = s.Source.Describe(ctx, s.asked); err != nil {
			return nil, nil, err
		}
	}
	s.described = tables
	for name, t := range tables {
		sources[name] = plan.Source{Columns: t.Columns, Rows: t.Rows, Bytes: t.Bytes, View: t.View}
	}
	for _, of := range plan.FilesOf(s.Pipeline, history) {
		found, err := s.files(ctx, of, sources)
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, found...)
	}
	return sources, notes, nil
}

// leftOut warns of tables that a time-named fact's name could mean and that no slice reads.
func (s *Survey) leftOut(ctx context.Context, in plan.Inputs) (warnings []string, err error) {
	for _, f := range s.Pipeline.Facts {
		if f.Table == "" || !f.TimeNamed() {
			continue
		}
		names, err := s.Source.Named(ctx, f.Table)
		if err != nil {
			return nil, fmt.Errorf("listing the tables of %s: %w", f.Name, err)
		}
		names = slices.DeleteFunc(names, func(name string) bool { _, used := in.Sources[name]; return used })
		if text := plan.LeftOut(f, "table", names); text != "" {
			warnings = append(warnings, text)
		}
	}
	return warnings, nil
}

// files scans the user's own files of one fact or dimension, and records them under their patterns.
func (s *Survey) files(ctx context.Context, of plan.Files, sources map[string]plan.Source) (notes []string, err error) {
	found, err := s.Binder.Scan(ctx, engine.Search{Dir: s.Pipeline.Dir, Patterns: of.Patterns, All: of.All, Types: of.Types, Folders: of.Folders, Tolerant: s.Tolerant})
	if err != nil {
		e := *hindcast.AsError(err)
		if e.Code == hindcast.EValue {
			e.Place = s.place(of.Key, "types", "files")
		}
		return nil, fmt.Errorf("looking at the files of %s: %w", nameOf(of.Key), &e)
	}
	if err := s.damaged(ctx, of, &found); err != nil {
		return nil, err
	}
	for _, f := range s.Pipeline.Facts {
		if text := plan.LeftOut(f, "file", found.Outside); text != "" && of.Key == "facts."+f.Name {
			s.outside = append(s.outside, text)
		}
	}
	for i, m := range found.Matches {
		source := plan.Source{Columns: found.Columns, Content: m.Content, Files: m.Files, Layouts: m.Layouts}
		for _, f := range m.Files {
			source.Rows += f.Rows
			source.Bytes += f.Bytes
		}
		if len(m.Files) > 0 || m.Damaged { // damaged files exist, and are reported
			sources[of.Patterns[i]] = source
		}
	}
	for _, note := range found.Notes {
		notes = append(notes, nameOf(of.Key)+": "+note)
	}
	return notes, nil
}

// place is the position of the first of the keys that is in the file.
func (s *Survey) place(of string, keys ...string) hindcast.Place {
	for _, key := range keys {
		if place, found := s.Pipeline.Places[of+"."+key]; found {
			return place
		}
	}
	return hindcast.Place{}
}

func nameOf(key string) string { return key[strings.IndexByte(key, '.')+1:] }

// known refuses a plan whose SQL would read a fact without any table (`missing: empty`): its columns are unknown.
func known(p *plan.Plan) error {
	for _, u := range p.Units {
		if u.Missing && len(u.Columns) == 0 && needed(p, u) {
			return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Place: p.Pipeline.Places["facts."+u.Fact],
				Message: fmt.Sprintf("no table of fact %s is there, so its columns are not known", u.Fact),
				Next:    "correct `table:`, or create one of its tables"}
		}
	}
	return nil
}

func needed(p *plan.Plan, u plan.Unit) bool {
	return slices.ContainsFunc(p.Items, func(item plan.Item) bool {
		return item.Reason.Runs() && slices.Contains(item.Units.Of(u.Fact), u.Key)
	})
}

// published sums the rows of an output's target in every committed slice that somebody may have edited.
func (s *Survey) published(ctx context.Context, d *plan.Draft, output int) (map[string]hindcast.Sums, error) {
	target, known := s.Pipeline.Outputs[output].Target, &d.Outputs[output]
	if !known.Existing || !d.AnyCommitted(output) {
		return nil, nil
	}
	ask := warehouse.Published{Target: target, Columns: known.Result, TimeZone: s.Pipeline.History.TimeZone}
	keys, err := s.edited(ctx, d, output, ask)
	if err != nil || len(keys) == 0 {
		return nil, inTarget(ask.Target, err)
	}
	keys, ask.Intervals = d.AmongCommitted(output, keys) // others were committed this instant, or are not slices any more
	if len(keys) == 0 {
		return nil, nil
	}
	sums, err := s.Warehouse.Published(ctx, ask)
	if err != nil {
		return nil, inTarget(ask.Target, err)
	}
	found := make(map[string]hindcast.Sums, len(keys))
	for i, key := range keys {
		found[key] = sums[i]
	}
	return found, nil
}

// edited are the slices whose rows are to be summed: the selected ones, or those that seem to have been edited.
func (s *Survey) edited(ctx context.Context, d *plan.Draft, output int, ask warehouse.Published) ([]string, error) {
	if d.Selected != nil {
		return keysOf(d.Selected), nil
	}
	keys, err := s.Warehouse.Edited(ctx, s.Pipeline.Name, ask)
	if err != nil {
		return nil, err
	}
	return keys, s.explain(ctx, d, output, keys)
}

func inTarget(target hindcast.Target, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("looking at %s: %w", target.Table, err)
}
