// Package session opens a pipeline's lake, warehouse and engine, closes them again, and asks them for what commands begin
// with: a plan of how things stand now, a run's frozen plan, its state.
package session

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/machine"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/scratch"
	"github.com/hindcast/hindcast/internal/survey"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Session is a pipeline with its lake, warehouse and engine open.
type Session struct {
	Pipeline  *hindcast.Pipeline
	Store     objstore.Store
	Lake      *lake.Lake
	Warehouse warehouse.Warehouse // that results are loaded into
	// Source is the warehouse that history is read from: Warehouse, or one of its own.
	Source  warehouse.Warehouse
	Engine  engine.Engine
	Binder  engine.Binder
	Machine plan.Machine
	Scratch *scratch.Folder    // with a remote lake; nil otherwise
	latest  *hindcast.RunState // of the pipeline's latest run, as Plan found it; nil if there is none
	spill   string
	toRead  Connection
}

// OpenLake opens the lake alone: enough for status, list and stop.
func OpenLake(p *hindcast.Pipeline) (*Session, error) {
	store, err := drivers.Lake(p)
	if err != nil {
		return nil, err
	}
	s := &Session{Pipeline: p, Store: store, Lake: lake.New(store, p.Name)}
	if p.Lake.Hidden() {
		s.Lake.Hide(p.Lake.Written)
	}
	s.Lake.UseJournals(s.recall)
	s.Machine = machine.Measure(s.disk())
	return s, nil
}

// recall finds the manifest of an unload in the journal of its run. A journal that is damaged as well has none.
func (s *Session) recall(ctx context.Context, run string, is func(*hindcast.Manifest) bool) (*hindcast.Manifest, error) {
	events, err := journal.Read(ctx, s.Store, s.Lake.RunPrefix(run))
	if err != nil && hindcast.AsError(err).Code != hindcast.EJournal {
		return nil, err
	}
	for _, e := range events {
		if e.Manifest != nil && is(e.Manifest) {
			m := *e.Manifest
			return &m, nil
		}
	}
	return nil, nil
}

// disk is the folder on this machine whose disk a run fills. A remote lake has none yet: its scratch folder is the session's to
// choose.
func (s *Session) disk() string {
	if s.Lake.Remote() {
		return cmp.Or(s.Pipeline.Run.Scratch, scratch.Default())
	}
	return s.Pipeline.Lake.Path
}

// Open opens everything to read: for plan and verify.
func Open(ctx context.Context, p *hindcast.Pipeline, log io.Writer) (*Session, error) {
	s, err := OpenEngine(p, log)
	if err != nil {
		return s, err
	}
	err = s.Reach(ctx)
	return s, err
}

// OpenWarehouse opens lake and warehouse to read, and no engine: for clean.
func OpenWarehouse(ctx context.Context, p *hindcast.Pipeline, log io.Writer) (*Session, error) {
	s, err := OpenLake(p.WithoutSource())
	if err != nil {
		return nil, err
	}
	if s.spill, err = os.MkdirTemp("", "hindcast-"); err != nil {
		return s, fmt.Errorf("making a folder to spill to: %w", err)
	}
	s.Warehouse, err = drivers.Warehouse(ctx, s.Pipeline, s.warehouseOptions(Connection{ReadOnly: true, Spill: s.spill, Log: log}))
	err = s.busyWith(ctx, err)
	return s, err
}

// OpenEngine opens everything but the warehouse, which Reach opens where a query needs it: for sql.
func OpenEngine(p *hindcast.Pipeline, log io.Writer) (*Session, error) {
	s, err := OpenLake(p)
	if err != nil {
		return nil, err
	}
	spill, err := s.SpillFolder(func() (string, error) { return os.MkdirTemp("", "hindcast-") }) // the user's alone: rows are spilled there
	if err != nil {
		return s, fmt.Errorf("making a folder to spill to: %w", err)
	}
	s.toRead = Connection{ReadOnly: true, Spill: spill, Log: log, Says: saying(log)}
	err = s.StartEngine(s.toRead)
	return s, err
}

// saying writes what somebody has to wait for as a line.
func saying(to io.Writer) func(string) {
	return func(what string) { _, _ = fmt.Fprintln(to, what+" …") } // who cannot be told waits all the same
}

// Reach opens the warehouse to read, in a session that OpenEngine opened.
func (s *Session) Reach(ctx context.Context) error { return s.busyWith(ctx, s.Connect(ctx, s.toRead)) }

// Spilled is the folder for what the session spills; Close removes it.
func (s *Session) Spilled() string { return s.spill }

// busyWith names the run that has the warehouse's file, where it is one of this pipeline's.
func (s *Session) busyWith(ctx context.Context, err error) error {
	if err == nil || s.Pipeline.Warehouse.Scheme != "duckdb" || hindcast.AsError(err).Code != hindcast.EWarehouseBusy {
		return err
	}
	holder, unknown := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	if unknown != nil || !holder.Held || holder.Dead || !holder.Here {
		return err
	}
	e := *hindcast.AsError(err)
	e.Message = fmt.Sprintf("%s is under way (pid %d) and has the database file to itself", holder.Who(), holder.Pid)
	e.Next = fmt.Sprintf("see how far it is: hindcast status %s; or end it: hindcast stop %s", holder.Run, holder.Run)
	if holder.Task != "" {
		e.Next = "wait until it has ended"
	}
	return &e
}

// Connection is how warehouse and engine are opened.
type Connection struct {
	ReadOnly bool
	Spill    string
	Log      io.Writer         // gets their processes' standard error
	Shares   plan.Shares       // of a frozen plan; zero where there is none yet
	Says     func(what string) // hears what somebody has to wait for; may be nil
	Died     func(child.Death) // is called when one of their processes dies; may be nil
}

// StartEngine starts the engine, unless it is running.
func (s *Session) StartEngine(c Connection) (err error) {
	s.spill = c.Spill
	if s.Engine == nil { // not the second time, after a warehouse's process that died
		room := s.Machine.Room(s.Pipeline.Run)
		s.Engine, s.Binder, err = drivers.Engine(s.Pipeline, drivers.EngineOptions{Store: s.Store, Tags: s.Lake.Tags(), Slots: c.Shares.Transforms, Spill: c.Spill,
			Room:    engine.Room{Cores: room.Cores, CoresAs: room.CoresAs, Memory: room.Engine(), MemoryAs: room.MemoryAs},
			Allowed: append(s.readable(), c.Spill), Log: c.Log, Died: c.Died, Says: c.Says})
	}
	return err
}

// Connect starts the engine and opens the warehouse.
func (s *Session) Connect(ctx context.Context, c Connection) (err error) {
	if err := s.StartEngine(c); err != nil { // first: its worker starts while the warehouse opens
		return err
	}
	o := s.warehouseOptions(c)
	if s.Warehouse, err = drivers.Warehouse(ctx, s.Pipeline, o); err != nil {
		return err
	}
	if s.Source = s.Warehouse; !s.Pipeline.Apart() {
		return nil
	}

	o.Spill = filepath.Join(c.Spill, "source")
	source, err := drivers.Source(ctx, s.Pipeline, o)
	if err != nil {
		s.Source = nil
		return errors.Join(ofSource(s.Pipeline, err), s.closeWarehouse())
	}
	s.Source = source
	return nil
}

func (s *Session) warehouseOptions(c Connection) drivers.WarehouseOptions {
	return drivers.WarehouseOptions{ReadOnly: c.ReadOnly, Memory: cmp.Or(c.Shares.Warehouse, s.Machine.Room(s.Pipeline.Run).EachWarehouse(s.Pipeline)),
		Spill: filepath.Join(c.Spill, "warehouse"), Log: c.Log, Died: c.Died, Aside: lake.Bookkeeping(s.Pipeline.Name) + "warehouse/"}
}

// ofSource says of an error that it came from the warehouse that is read. Drivers name a session's statements by the key of the target's.
func ofSource(p *hindcast.Pipeline, err error) error {
	e := *hindcast.AsError(err)
	e.Message = "the source: " + strings.ReplaceAll(e.Message, "load.session", "source.session")
	e.Next = strings.ReplaceAll(e.Next, "load.session", "source.session")
	if e.Place.Line == 0 {
		e.Place = p.Places["source.warehouse"]
	}
	return &e
}

// Database names the database that history is read from, by its identifier, if the warehouse knows one, and by its URL: see
// plan.SameDatabase.
func (s *Session) Database() string { return s.named(s.Source, s.Pipeline.Origin()) }

// access stands for all that decides, beside the database, which rows an unload of a table takes: see plan.Plan. Of a warehouse that does not say
// who reads it is "".
func (s *Session) access() string {
	is := s.Source.Properties()
	if is.Reader == "" {
		return ""
	}
	at, settings := s.Pipeline.Origin(), s.Pipeline.Session
	if s.Pipeline.Apart() {
		settings = s.Pipeline.SourceSession
	}
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%q %q %q %q %q", is.Name, is.Reader, at.Path, settings, s.Pipeline.History.TimeZone)
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

func (s *Session) named(w warehouse.Warehouse, at hindcast.Location) string {
	escape := func(name string) string { return strings.ReplaceAll(name, " ", "%20") }
	return strings.TrimSpace(escape(w.Properties().Database) + " " + escape(config.Origin(s.Pipeline, at)))
}

// apart reports whether history is in another database than results are loaded into. A replica of that, or another role in it, is not.
func (s *Session) apart() bool {
	return s.Source != s.Warehouse && !plan.SameDatabase(s.Database(), s.named(s.Warehouse, s.Pipeline.Warehouse))
}

func (s *Session) closeWarehouse() error {
	err := s.Warehouse.Close()
	s.Warehouse = nil
	return err
}

// Close ends the session's processes and removes what they left on this machine.
func (s *Session) Close() error {
	err := s.Disconnect()
	if s.Scratch != nil {
		err = errors.Join(err, s.Scratch.Close())
	}
	return err
}

// Disconnect ends the session's processes and removes what they spilled. The scratch folder stays, for who still writes to it.
func (s *Session) Disconnect() error {
	var failures []error
	if s.Engine != nil {
		failures = append(failures, s.Engine.Close(), s.Binder.Close())
		s.Engine, s.Binder = nil, nil
	}
	if s.Source != nil && s.Source != s.Warehouse {
		failures = append(failures, s.Source.Close())
	}
	s.Source = nil
	if s.Warehouse != nil {
		failures = append(failures, s.closeWarehouse())
	}
	if s.spill != "" {
		failures = append(failures, os.RemoveAll(s.spill))
	}
	return errors.Join(failures...)
}

// Choice is what a person chose on the command line.
type Choice struct {
	Slices     string
	Force      bool // also what is up to date
	Fresh      bool // the same, from sources that are unloaded again
	AcceptLoss bool
	Tolerant   bool // see survey.Survey
	Compare    bool // see plan.Inputs
	Reverse    bool // the newest slice begins first
}

// Plan makes the plan of a session as things are now.
func (s *Session) Plan(ctx context.Context, c Choice, now time.Time) (*plan.Plan, error) {
	asked := s.Survey(c, now)
	if err := s.earlier(ctx, asked); err != nil {
		return nil, err
	}
	made, err := asked.Plan(ctx)
	if err != nil {
		return nil, err
	}
	made.Reverse = c.Reverse
	if beyond := made.Beyond(); beyond != nil { // `plan` shows it, `run` refuses it
		made.Warnings = append(made.Warnings, beyond.Error())
	}
	if made.Estimate.Warehouse, err = drivers.Warehousing(s.Pipeline); err != nil {
		return nil, err
	}
	made.Warnings = config.PipelineRedactor(s.Pipeline).Strings(made.Warnings) // the warehouse's own words are among them
	return made, nil
}

// Resizing is what a change of the warehouse's size adds to its costs; nil if nothing changes.
func (s *Session) Resizing(change hindcast.Sizing, kind string) (*hindcast.Rate, error) {
	return drivers.Resizing(s.Pipeline, change, kind)
}

// Survey asks this session for what a plan is made from.
func (s *Session) Survey(c Choice, now time.Time) *survey.Survey {
	database, access, apart := "", "", false
	if s.Source != nil {
		database, access, apart = s.Database(), s.access(), s.apart()
	}
	return &survey.Survey{Pipeline: s.Pipeline, Database: database, Access: access, Apart: apart, Warehouse: s.Warehouse, Source: s.Source, Engine: s.Engine, Binder: s.Binder, Lake: s.Lake, Now: now, Selection: c.Slices,
		Force: c.Force || c.Fresh, Fresh: c.Fresh, AcceptLoss: c.AcceptLoss, Tolerant: c.Tolerant, Compare: c.Compare, Machine: s.Machine}
}

// earlierRuns is how many runs back an estimate looks.
const earlierRuns = 5

// earlier reads what the latest finished run on the same engine took, and that on DuckDB, and which slices the latest run left
// undone.
func (s *Session) earlier(ctx context.Context, asked *survey.Survey) error {
	asked.Failed = map[string]bool{}
	runs, err := s.Lake.ListRuns(ctx)
	if err != nil {
		return err
	}
	here := s.Engine.Properties().Name
	for i, id := range runs[:min(len(runs), earlierRuns)] {
		st, err := s.State(ctx, id)
		if err != nil {
			continue // status and resume report a journal that cannot be read
		}
		if i == 0 {
			s.latest = st
			for key, slice := range st.Slices {
				asked.Failed[key] = slice.State == hindcast.Failed || slice.State == hindcast.Stopped
			}
		}
		e := measure(id, st)
		if e.Slices == 0 || !st.Finished {
			continue
		}
		if asked.Earlier.Run == "" && (e.Engine == here || e.Engine == "") { // a journal of an older version does not say it
			asked.Earlier = e
		}
		if asked.Other.Run == "" && e.Engine != here && e.Engine != "" {
			asked.Other = e
		}
		if asked.Measured.Run == "" && e.Engine == "duckdb" {
			asked.Measured = e
		}
		if asked.Earlier.Run != "" && (asked.Measured.Run != "" || e.Engine == "") {
			break // those before it are older still
		}
	}
	return nil
}

// Latest is the pipeline's latest run as Plan found it, "" if there was none, and whether it is done.
func (s *Session) Latest() (run string, done bool) {
	if s.latest == nil {
		return "", false
	}
	return s.latest.Run, s.latest.Finished && s.latest.ExitCode == hindcast.ExitOK
}

func measure(run string, st *hindcast.RunState) plan.Earlier {
	e := plan.Earlier{Run: run, Engine: st.Engine, Took: st.Active, Seconds: map[hindcast.Step]float64{}}
	for _, key := range st.Order {
		slice := st.Slices[key]
		if _, computed := slice.Seconds[hindcast.StepTransform]; slice.State != hindcast.Succeeded || !computed { // an undo's are put back
			continue
		}
		e.Largest = max(e.Largest, slice.BytesIn)
		if slice.Memory > e.Most.Bytes {
			e.Most = plan.Peak{Slice: key, Bytes: slice.Memory}
		}
		if slice.Spilled > e.Spilled.Bytes {
			e.Spilled = plan.Peak{Slice: key, Bytes: slice.Spilled}
		}
		e.Slices++
		e.RowsIn += slice.RowsIn
		e.RowsOut += slice.Rows
		e.Bytes += slice.BytesOut
		unloaded := slice.Seconds[hindcast.StepUnload] > 0 && len(slice.Lent) == 0 // what another pipeline had says nothing of an unload
		if unloaded {
			e.Unloads++
		}
		for step, seconds := range slice.Seconds {
			if step != hindcast.StepUnload || unloaded {
				e.Seconds[step] += seconds
			}
		}
	}
	return e
}

// State folds a run's journal.
func (s *Session) State(ctx context.Context, run string) (*hindcast.RunState, error) {
	events, err := journal.Read(ctx, s.Store, s.Lake.RunPrefix(run))
	if err != nil {
		return nil, err
	}
	st := &hindcast.RunState{Run: run}
	for _, e := range events {
		st.Apply(e)
	}
	return st, nil
}

// dropHookPlaces forgets where hooks of a frozen plan stood that are others in the pipeline file now.
func (s *Session) dropHookPlaces(frozen *hindcast.Pipeline) {
	for k := range frozen.Outputs {
		o := &frozen.Outputs[k]
		i := slices.IndexFunc(s.Pipeline.Outputs, func(is hindcast.Output) bool { return is.Name == o.Name })
		if i >= 0 {
			if is := &s.Pipeline.Outputs[i].Load; slices.Equal(o.Load.Before, is.Before) && slices.Equal(o.Load.After, is.After) {
				continue
			}
		}
		frozen.Places = maps.Clone(frozen.Places)
		maps.DeleteFunc(frozen.Places, func(key string, _ hindcast.Place) bool { return strings.HasPrefix(key, o.Key("load.")) })
	}
}

// Frozen reads a run's plan, and makes its times and zone whole again. Its warehouse is only named: who resumes it compares
// that with the pipeline file's.
func (s *Session) Frozen(ctx context.Context, run string) (*plan.Plan, error) {
	var p plan.Plan
	if err := s.Lake.LoadPlan(ctx, run, &p); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(p.Pipeline.History.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("reading the plan of run %s: %w", run, err)
	}
	p.Pipeline.History.Zone = zone
	for k := range p.Pipeline.Outputs {
		p.Pipeline.Outputs[k].Text = p.Outputs[k].SQL
	}
	for i := range p.Items {
		in := &p.Items[i].Slice.Interval
		in.Start, in.End = in.Start.In(zone), in.End.In(zone)
	}
	for i := range p.Units {
		in := &p.Units[i].Interval
		in.Start, in.End = in.Start.In(zone), in.End.In(zone)
	}
	// What may hold secrets is not in the plan: it comes from the pipeline file, where it must still be the same.
	p.Pipeline.Secrets, p.Pipeline.Places = s.Pipeline.Secrets, s.Pipeline.Places
	s.dropHookPlaces(&p.Pipeline)
	p.Pipeline.Lake = s.Pipeline.Lake // it was found there
	// What bounds a run without deciding its results may be changed for a resume: a spent budget is raised there.
	p.Pipeline.Run.Budget, p.Pipeline.Run.AttemptTimeout = s.Pipeline.Run.Budget, s.Pipeline.Run.AttemptTimeout
	p.Pipeline.Run.Retries, p.Pipeline.Run.RetryWait = s.Pipeline.Run.Retries, s.Pipeline.Run.RetryWait
	p.Pipeline.Run.LeaseTTL, p.Pipeline.Window = s.Pipeline.Run.LeaseTTL, s.Pipeline.Window
	p.Pipeline.Run.Scratch, p.Pipeline.Run.Prices = s.Pipeline.Run.Scratch, s.Pipeline.Run.Prices // of this machine
	switch t := &p.Pipeline.Transform; t.Engine {
	case "spark":
		t.Spark = t.Spark.Resumed(s.Pipeline.Transform.Spark)
	case "glue":
		t.Spark, t.Glue = s.Pipeline.Transform.Spark, t.Glue.Resumed(s.Pipeline.Transform.Glue)
	case "emr-serverless":
		t.Spark, t.EMR = s.Pipeline.Transform.Spark, t.EMR.Resumed(s.Pipeline.Transform.EMR)
	}
	return &p, nil
}

// Lost reports whether an error of Frozen says that a run's plan is not in the lake any more, or cannot be read there.
func Lost(err error) bool {
	return slices.Contains([]hindcast.Code{hindcast.ERun, hindcast.EManifest, hindcast.EFormat}, hindcast.AsError(err).Code)
}
