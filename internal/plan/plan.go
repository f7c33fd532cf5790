// Package plan turns a pipeline and what is known of its warehouse and lake into what a run will do and why:
// history cut into slices, facts cut into units, fingerprints, reasons, estimates. It is pure: whoever asks
// gathers the facts first (package survey) and hands them in.
package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// Plan is what a run will do. It is frozen into the run as JSON: a resume reads this, never the files again.
type Plan struct {
	Format    int               `json:"format"`        // see Format; it comes first
	Run       string            `json:"run,omitempty"` // set when it is frozen
	CreatedAt time.Time         `json:"created_at"`    // also :run_time, and what "today" means
	Pipeline  hindcast.Pipeline `json:"pipeline"`
	Engine    Version           `json:"engine"`
	Warehouse Version           `json:"warehouse"`
	Spoken    Spoken            `json:"spoken,omitzero"`      // of the warehouse, where its SQL is translated
	Source    Version           `json:"source,omitzero"`      // that history is read from, where that is another one
	Database  string            `json:"database,omitempty"`   // the one that history is read from: see FromElsewhere
	Access    string            `json:"access,omitempty"`     // as whom it is read, and how its times are cut: what another pipeline unloads as the same is the same; "" if that is not known
	History   hindcast.Interval `json:"history"`              // `to` resolved
	Outputs   []Output          `json:"outputs"`              // of the pipeline, in its order
	Items     []Item            `json:"items"`                // the selected slices that are not up to date, in the order of time
	UpToDate  []Span            `json:"up_to_date,omitempty"` // the others
	Dims      []DimItem         `json:"dimensions,omitempty"`
	Units     []Unit            `json:"units"` // every fact unit that the items need, once
	Shares    Shares            `json:"shares"`
	Estimate  Estimate          `json:"estimate"`
	Warnings  []string          `json:"warnings,omitempty"`
	LeftOut   []string          `json:"left_out,omitempty"` // tables and files that match a fact and are in no slice, in words; warnings too
	Notes     []string          `json:"notes,omitempty"`    // of columns that are not read, or not in the lake yet
	// Courses are the columns of time-named tables that come and go, or change their type, over the history.
	Courses []Course `json:"columns_over_time,omitempty"`
	// Recommended is the engine that fits the slices, where that can be told.
	Recommended *Recommendation `json:"recommended,omitempty"`
	// AcceptLoss lets a refresh that has fewer rows than the generation before it take that one's place.
	AcceptLoss bool `json:"accept_loss,omitempty"`
	// Fresh says that what is unloaded was asked for as it is now, however settled it is.
	Fresh bool `json:"fresh,omitempty"`
	// AllowEmpty lets a result without rows take the place of published rows.
	AllowEmpty bool `json:"allow_empty,omitempty"`
	// Copies are how old the copies in the lake are that the slices are made of, where none of them runs.
	Copies *hindcast.Ages `json:"copies,omitempty"`
	// Moved are the sources that changed since they were unloaded, as far as a cheap check shows.
	Moved []hindcast.Moved `json:"moved,omitempty"`
	// Strays are the sources with rows that no slice takes, as far as that is known without reading them; warnings too.
	Strays []hindcast.Stray `json:"strays,omitempty"`
	// Resize is what the run does with the size of its warehouse; nil if it leaves that alone, or it is not known.
	Resize *Resize `json:"resize,omitempty"`
	// Unbound says what is wrong with the SQL or the target, in a plan that only unloads and needs neither.
	Unbound string `json:"unbound,omitempty"`
	// Damaged are files of the user's own that were left out.
	Damaged []Damaged `json:"damaged,omitempty"`
	// Reverse begins with the newest slice.
	Reverse bool `json:"reverse,omitempty"`
	// Hold stages every slice and publishes none, until somebody asks for that.
	Hold bool `json:"hold,omitempty"`
	// Canary says that what the run holds was staged to be looked at: the next run deletes it.
	Canary bool `json:"canary,omitempty"`
	// Undo is the run whose replacements are taken back; empty for any other run.
	Undo string `json:"undo,omitempty"`
	// Revisions are what the run's slices were computed by before those that were left got the SQL of another time, the earliest first.
	Revisions []Revision `json:"revisions,omitempty"`
	// UnloadOnly ends every slice after its unload, also when the run is resumed.
	UnloadOnly bool `json:"unload_only,omitempty"`
}

// Recommendation is an engine, and why.
type Recommendation struct {
	Engine string `json:"engine"` // by its name
	Why    string `json:"why"`    // with the figures, and where they are from
}

// Output is what a plan knows of one of the pipeline's outputs.
type Output struct {
	SQL string `json:"sql"` // the text of its SQL file
	// Texts are what the engine is given in its place, where that is translated: see Item.Text.
	Texts    []Text            `json:"texts,omitempty"`
	Result   []hindcast.Column `json:"result"` // the bound columns, with the types in which results are staged
	Existing bool              `json:"target_exists"`
}

// Damaged is a file of the user's own that cannot be read, and was left out where that was asked for.
type Damaged struct {
	Name    string `json:"name"` // the fact's or dimension's
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Version names a driver and the version that the plan was made with.
type Version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Item is one slice of a plan.
type Item struct {
	Slice  hindcast.Slice  `json:"slice"`
	Reason hindcast.Reason `json:"reason"`
	Detail string          `json:"detail,omitempty"` // "committed by r7, 3 May", "accounts", "younger than 45 days"
	Units  Needs           `json:"units"`
	Text   int             `json:"text,omitempty"` // which of the outputs' Texts it is made by
	// Outputs say why each output is made, or not, where there are several. Reason is that of the first that is made for its own sake.
	Outputs []Outcome `json:"outputs,omitempty"`
	// Parts are, for each output, the parts known before the unload; of a slice that runs with its facts and dimensions.
	Parts []hindcast.Parts `json:"parts"`
	// Undo says what is put back, in the plan of an undo: of each output that the slice is run for, in their order.
	Undo  []Undoing `json:"undo,omitempty"`
	Rows  int64     `json:"rows"`  // estimated input rows; -1 if unknown
	Bytes int64     `json:"bytes"` // estimated input bytes; -1 if unknown
}

// Outcome says why a slice's output is made, or not.
type Outcome struct {
	Reason hindcast.Reason `json:"reason"`
	Detail string          `json:"detail,omitempty"`
}

// ReasonOf is why an output is made, or not; it is given by its index.
func (i *Item) ReasonOf(output int) hindcast.Reason {
	if len(i.Outputs) == 0 {
		return i.Reason
	}
	return i.Outputs[output].Reason
}

// Forced reports whether an output is made although a committed row with its fingerprint may exist.
func (i *Item) Forced(output int) bool {
	reason := i.ReasonOf(output)
	return reason == hindcast.ReasonForced || reason == hindcast.ReasonEdited || reason == hindcast.ReasonUnkept
}

// leading is the output that the slice's reason is of: the first that is made for its own sake.
func leading(n int, reason func(int) hindcast.Reason) int {
	for output := range n {
		if is := reason(output); is.Runs() && is != hindcast.ReasonRead {
			return output
		}
	}
	return 0
}

// Wanted are the outputs that the slice is run for, by their indices.
func (i *Item) Wanted() []int {
	var wanted []int
	for output := range max(1, len(i.Outputs)) {
		if i.ReasonOf(output).Runs() {
			wanted = append(wanted, output)
		}
	}
	return wanted
}

// Complete reports whether there is a staged result of every output that the slice is run for.
func (i *Item) Complete(staged []*hindcast.Manifest) bool {
	return len(staged) > 0 && len(staged) == len(i.Wanted())
}

// Span is slices that follow each other in the history and are up to date for the same reason.
type Span struct {
	First    string            `json:"first"` // key
	Last     string            `json:"last"`  // key
	Slices   int               `json:"slices"`
	Interval hindcast.Interval `json:"interval"`         // from the first's start to the last's end
	Detail   string            `json:"detail,omitempty"` // "committed by r7, 3 May"
}

// Unit is what one unload of a fact covers: one of the fact's own periods.
type Unit struct {
	Fact     string            `json:"fact"`
	Key      string            `json:"key"`
	Interval hindcast.Interval `json:"interval"`
	Source   string            `json:"source"`            // the table, or the glob of the user's files, placeholders filled in
	Missing  bool              `json:"missing,omitempty"` // the table is not there
	Gone     bool              `json:"gone,omitempty"`    // the table is not there any more: the lake's rows are used
	Unload   bool              `json:"unload"`            // it will be unloaded by this run
	Why      string            `json:"why,omitempty"`     // "not in the lake", "unsettled", "columns changed"
	Columns  []hindcast.Column `json:"columns,omitempty"` // of the source; those that are not unloaded are Absent
	Keep     []string          `json:"keep,omitempty"`    // unloaded again all the same: see Extracted
	Shared   *hindcast.Shared  `json:"shared,omitempty"`  // the generation of another pipeline that takes the place of the unload; nil if there is none
	Files    []hindcast.File   `json:"files,omitempty"`   // the user's own, where the fact has `files:`
	Layouts  []hindcast.Layout `json:"layouts,omitempty"` // of those
	Content  string            `json:"content,omitempty"` // of those: changes when they do
	Unloaded time.Time         `json:"unloaded,omitzero"` // when the rows that are used were unloaded; zero if this run unloads them
	Rows     int64             `json:"rows"`              // estimate; -1 if unknown
	Bytes    int64             `json:"bytes"`             // estimate; -1 if unknown
	View     bool              `json:"view,omitempty"`    // the source is not a table of its own: counting its rows costs as much as reading them
	// Strays are the rows of the user's own files that no slice takes; nil if they were not counted.
	Strays *hindcast.Strays `json:"strays,omitempty"`
}

// Matches reports whether a manifest is of the unit's interval, from its source and by the fact's time column.
func (u *Unit) Matches(m *hindcast.Manifest, f hindcast.Fact) bool {
	return m.Interval.Equal(u.Interval) && m.Source == u.Source && cutBy(m, f)
}

// cutBy reports whether a unit was cut by the fact's time column, and in its format.
func cutBy(m *hindcast.Manifest, f hindcast.Fact) bool {
	if !strings.EqualFold(m.Time, f.Time) {
		return false
	}
	i := find(m.Columns, f.Time)
	return i < 0 || m.Columns[i].Format == f.Format
}

// FromElsewhere reports whether a generation was unloaded from another database than this one. One that does not say counts as from
// this one.
func FromElsewhere(m *hindcast.Manifest, database string) bool {
	return m.Database != "" && database != "" && !SameDatabase(m.Database, database)
}

// SameDatabase reports whether two databases are one. Each goes by its names, with spaces between: one that has moved keeps its
// identifier, one that was restored or upgraded its URL.
func SameDatabase(a, b string) bool {
	names := strings.Fields(b)
	return slices.ContainsFunc(strings.Fields(a), func(name string) bool { return slices.Contains(names, name) })
}

// DimItem is a dimension in a plan.
type DimItem struct {
	Name     string            `json:"name"`
	Source   string            `json:"source"`
	Gone     bool              `json:"gone,omitempty"` // as a unit's
	Unload   bool              `json:"unload"`
	Why      string            `json:"why,omitempty"`
	Columns  []hindcast.Column `json:"columns,omitempty"`
	Keep     []string          `json:"keep,omitempty"`    // as a unit's
	Files    []hindcast.File   `json:"files,omitempty"`   // the user's own, where the dimension has `files:`
	Layouts  []hindcast.Layout `json:"layouts,omitempty"` // of those
	Content  string            `json:"content,omitempty"` // of those
	Unloaded time.Time         `json:"unloaded,omitzero"` // as a unit's
	Rows     int64             `json:"rows"`
	Bytes    int64             `json:"bytes"`
	// Broadcast says that Spark is to send it whole to every executor, as far as its bytes are known; of several outputs, for one
	// at least.
	Broadcast bool `json:"broadcast,omitempty"`
}

// Shares divides the machine and the engine between the steps.
type Shares struct {
	Transforms int    `json:"transforms"` // at the same time
	Threads    int    `json:"threads"`    // of each
	Unloads    int    `json:"unloads"`
	Memory     int64  `json:"memory"`           // bytes for the whole run
	Transform  int64  `json:"transform_memory"` // bytes for each transform's process
	Warehouse  int64  `json:"warehouse_memory"` // bytes for the warehouse's process
	Cap        string `json:"cap"`              // what caps the parallelism, in words: "2 cores"
}

// Estimate is what the plan expects. Negative numbers and zero durations mean unknown.
type Estimate struct {
	RowsIn      int64         `json:"rows_in"`
	BytesIn     int64         `json:"bytes_in"`
	UnloadBytes int64         `json:"unload_bytes"`
	RowsOut     int64         `json:"rows_out"`
	DiskNeeded  int64         `json:"disk_needed"`
	DiskFree    int64         `json:"disk_free"`
	Low, High   time.Duration `json:"-"`
	LowSeconds  float64       `json:"low_seconds"`
	HighSeconds float64       `json:"high_seconds"`
	From        string        `json:"from,omitempty"` // the run that the time is estimated from
	Cost        *Cost         `json:"cost,omitempty"` // of an engine that is paid for by time
	// Warehouse is what an hour of the warehouse costs, where the pipeline file says what it is.
	Warehouse *hindcast.Rate `json:"warehouse,omitempty"`
	// Elsewhere is what a run took on another engine, where none has ended on this one.
	Elsewhere *Elsewhere `json:"elsewhere,omitempty"`
}

// Elsewhere is what a run took on another engine.
type Elsewhere struct {
	Engine  string  `json:"engine"` // its name
	Run     string  `json:"run"`
	Slices  int     `json:"slices"` // that it did
	Seconds float64 `json:"seconds"`
}

// Cost is what the transforms of a plan cost, where each needs one attempt: all others are paid for, too.
type Cost struct {
	Rate    hindcast.Rate `json:"rate"`
	Runs    int           `json:"runs"`              // slices and outputs
	Seconds float64       `json:"seconds,omitempty"` // of each, as in the run that From names; 0 if that is not known
	Least   float64       `json:"least_unit_hours"`  // if each takes no longer than it is billed for at least
	Hours   float64       `json:"unit_hours,omitempty"`
	USD     float64       `json:"usd,omitempty"` // 0 if unknown
}

// LeastUSD is what Least costs; 0 if the price is not known.
func (c *Cost) LeastUSD() float64 { return c.Least * c.Rate.USD }

// Peak is the most of something in an earlier run, and the slice that had it.
type Peak struct {
	Slice string // its key
	Bytes int64  // 0 if unknown
}

// Inputs are what Make plans from.
type Inputs struct {
	Pipeline  *hindcast.Pipeline
	Now       time.Time
	History   []hindcast.Slice // as Cut cut it; nil has it cut
	Engine    Version
	Warehouse Version // that results are loaded into
	Source    Version // that history is read from, where that is another one
	Database  string  // the one that history is read from; "" if nobody was asked
	Access    string  // see Plan
	Spoken    Spoken  // of the warehouse
	Selection string  // --slices
	// Selected are the slices that Selection names by their keys, where no others were asked about: see Named.
	Selected []hindcast.Slice
	Force    bool
	Fresh    bool // what the slices that run read is unloaded again
	Compare  bool // a dimension that is due and whose source is gone is named as Gone, and not refused
	// Sources holds every table that Tables named and that exists, and every glob of files that matches.
	Sources map[string]Source
	// Reads says what is read of each fact and dimension, by name; one that is not there is read whole, as far as the
	// engine can tell. Nil: nobody has asked it yet.
	Reads map[string]Reads
	// Whole puts the slices that are up to date among the plan's Items, with what they read among its Units.
	Whole bool
	// Current has the current generations of the facts, and Dims those of the dimensions.
	Current Generations
	Dims    map[string]*hindcast.Manifest
	// Outputs are what is known of the pipeline's outputs, in its order; none while nobody has asked.
	Outputs   []Known
	Committed []Standing          // what is known of the status rows of each
	Unloads   int                 // at the same time, by the warehouse; 0 means no limit of its own
	Failed    map[string]bool     // slices that failed or were stopped in the latest run, for --slices failed
	Looked    map[LookedAt]string // how sources moved since they were unloaded, in words
	Advice    []string            // the warehouse's, of the target: shown as warnings
	Notes     []string            // of the user's own files: shown as warnings
	Machine   Machine
	Capacity  Capacity
	Earlier   Earlier // on the same engine
	Other     Earlier // on another engine, where there is none on the same
	Measured  Earlier // on DuckDB, with its engine known: what an engine is recommended by
}

// Generations finds the current manifest of a fact's unit.
type Generations interface {
	Of(fact, key string) (m hindcast.Manifest, found bool)
}

// Known is what is known of an output.
type Known struct {
	Result   []hindcast.Column // see Output
	Existing bool              // its target is there
	// Published are the target's sums for those of its committed slices, by key, that may have been edited.
	Published map[string]hindcast.Sums
	// Kept are the results that the lake keeps, by slice key; nil if it is to keep none.
	Kept map[string]*hindcast.Manifest
}

// keeps reports whether the lake has the result that the run committed for the slice, or is to keep none.
func (k *Known) keeps(s *hindcast.Slice, run string) bool {
	if k.Kept == nil {
		return true
	}
	m := k.Kept[s.Key]
	return m != nil && m.Run == run && m.Interval.Equal(s.Interval)
}

// Source is what is known of a table or a glob of files.
type Source struct {
	Columns []hindcast.Column
	Rows    int64  // -1 if unknown
	Bytes   int64  // -1 if unknown
	Content string // of files: changes when they do
	Files   []hindcast.File
	Layouts []hindcast.Layout
	View    bool // not a table of its own
}

// Machine is what the run may use.
type Machine struct {
	Cores    int
	Memory   int64  // bytes: the cgroup's limit or the machine's
	MemoryBy string // "24.1 GB of memory", "cgroup limit 4.3 GB"
	DiskFree int64
}

// Earlier is what an earlier run took, for estimates. The zero Earlier means that there was none.
type Earlier struct {
	Run     string
	Engine  string // that it ran on; empty if that is not known
	Most    Peak   // memory that a slice's transform took
	Spilled Peak   // bytes that a slice's transform wrote to disk for lack of memory
	Largest int64  // bytes of its facts that a slice read
	Took    time.Duration
	Slices  int
	Unloads int
	RowsIn  int64
	RowsOut int64
	Bytes   int64                     // of staged results
	Seconds map[hindcast.Step]float64 // summed over slices
}
