// Package engine is the contract of what runs a slice's SQL: DuckDB in a worker process, Spark, Glue. An engine reads
// Parquet and writes Parquet; where the files come from and where results go is the caller's responsibility. What a plan
// needs to know of the SQL it asks a Binder, which is apart from the Engine: a plan needs no cluster.
package engine

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Table is a fact or dimension as the SQL sees it.
type Table struct {
	Name    string            `json:"name"`
	Columns []hindcast.Column `json:"columns"`
	Files   []string          `json:"files"` // absolute paths or URLs; none means no rows
	// Layouts say which of the user's own files have the same columns; they are empty for other files.
	Layouts []hindcast.Layout `json:"layouts,omitempty"`
	// Time and Window cut the rows: only those whose Time lies in Window. An empty Time takes all.
	Time   string            `json:"time,omitempty"`
	Window hindcast.Interval `json:"window"`
	// Own is the slice's own interval where Window is wider (lookback, lookahead); checks see only this much.
	Own hindcast.Interval `json:"own"`
	// Groups are the files where they differ in their columns, which are each to be read as Columns; Files is empty then.
	Groups []Group `json:"groups,omitempty"`
	// Count asks how many rows lie in the window, if no manifest says so.
	Count bool `json:"count,omitempty"`
	// Bytes are those of all files, as far as it is known; 0 if it is not.
	Bytes int64 `json:"bytes,omitempty"`
	// Sample is the share of rows to look at, in per cent; 0 is all. For ad hoc queries only.
	Sample float64 `json:"sample,omitempty"`
}

// ResultTable is the table by which SQL sees the rows of another output of the slice: with the columns of its result, and no files yet.
func ResultTable(name string, result []hindcast.Column) Table {
	t := Table{Name: name}
	for _, c := range result {
		t.Columns = append(t.Columns, hindcast.Column{Name: c.Name, Type: c.Type, Stored: c.Stored})
	}
	return t
}

// Group is files of the lake that have the same columns.
type Group struct {
	Columns []hindcast.Column `json:"columns"`
	Files   []string          `json:"files"`
}

// Query is the user's SQL over tables.
type Query struct {
	Dialect  sqltext.Dialect `json:"dialect,omitempty"`
	Written  sqltext.Dialect `json:"written,omitempty"` // that of Original, where it is another one
	SQL      string          `json:"sql"`               // parameters already replaced by literals
	File     string          `json:"file"`              // where it is from, for places in errors
	Original string          `json:"original"`
	Shifts   []Shift         `json:"shifts,omitempty"` // maps offsets in SQL back to the text without literals
	Origin   []Shift         `json:"origin,omitempty"` // maps those back to Original, where that was translated
	Guards   []sqltext.Guard `json:"guards,omitempty"` // what of Original raises by their numbers: see Raised
	Tables   []Table         `json:"tables"`
	TimeZone string          `json:"time_zone"`
	// Now is what functions of time give: one instant for the whole run.
	Now time.Time `json:"now,omitzero"`
}

// Shift says how offsets in a text differ from those in the text that it was made of.
type Shift = sqltext.Shift

// Limits bound work, wherever its processes are.
type Limits struct {
	Memory  int64 `json:"memory"` // bytes of resident memory for all of the work's processes
	Threads int   `json:"threads"`
	// Starved is how often the work has run out of memory: an engine that can gives each of its threads more then.
	Starved int `json:"starved,omitempty"`
}

// Work is one attempt at one slice's transform: what an engine is given to do.
type Work struct {
	// Tag is unique to lake and pipeline, run, slice, attempt and, of several, output, in this order and with slashes between them, so that a prefix
	// names all work of a run, or of a pipeline.
	Tag     string            `json:"tag"`
	Slice   hindcast.Slice    `json:"slice"`
	Query   Query             `json:"query"`
	Columns []hindcast.Column `json:"columns"` // the result's bound columns
	Target  hindcast.Target   `json:"target"`
	Checks  []Check           `json:"checks"`
	Dir     string            `json:"dir"` // an empty prefix for this attempt alone, path or URL, for the result's files
	Limits  Limits            `json:"limits"`
	// Fleeting says that a loss of power may take the result: whoever reads it compares it with its checksums, and it can be made again.
	Fleeting bool `json:"fleeting,omitempty"`
}

// Check is a pipeline's check with its SQL's parameters replaced.
type Check struct {
	hindcast.Check
}

// Result is what finished work gives. Files are written and closed, and fsynced unless the work is Fleeting.
type Result struct {
	Files   []hindcast.File   // Path absolute, or a URL
	Columns []hindcast.Column // the work's, with Stored filled in
	Rows    int64
	Bytes   int64
	Outside int64            // rows that Target.Drop left out
	In      map[string]int64 // rows in the window, of each table that asks for them
	Memory  int64            // peak resident bytes of the work's processes; 0 if unknown
	Spilled int64            // bytes that the work wrote to disk for lack of memory, where the engine knows
}

// Properties say what an engine is.
type Properties struct {
	Name    string // "duckdb"
	Version string // major.minor.patch; major.minor counts in fingerprints
	// Outlives says that work goes on when the process that started it has died. Then it is found again, by its handle or
	// its tag, and never run twice. Where it is false the work dies with that process, and nobody has to look for it.
	Outlives bool
	// Elsewhere says that the work's processes run on other machines: files are shared folders', or URLs of a bucket.
	Elsewhere bool
}

// Capacity is what an engine can run at once. It says nothing of what is running.
type Capacity struct {
	Slots   int    // how many slices are worked on side by side, at least 1
	Cap     string // what keeps them from being more, in words: "2 cores", "run.parallel", "memory: 1.1 GB"
	Memory  int64  // bytes for all of them together; one that runs alone has all of it
	Threads int    // the same
	// EachMemory and EachThreads are the most that one slice can use when there are no others to use the rest; 0 if it
	// can use everything.
	EachMemory  int64
	EachThreads int
	StartUp     time.Duration  // until it could work, when it was last started on this machine; 0 if unknown, or next to nothing
	Rate        *hindcast.Rate // what a slice costs, where the engine is paid for by time; nil where it is not
}

// Room is what a run leaves to an engine on this machine. An engine that runs elsewhere need not look at it.
type Room struct {
	Cores    int
	CoresAs  string // in words: "2 cores"
	Memory   int64  // bytes, beside what the warehouse's process has
	MemoryAs string // what bounds it, in words: "memory: 8.6 GB"
}

// Engine runs work. All methods may be called in parallel. An engine starts no process before it is first given work,
// unless that costs nothing, so that Properties and Capacity can always be asked.
//
// Errors are *hindcast.Error with a class: a user's SQL error is permanent and carries its place; a failed check is
// ClassCheck with sample rows; out of memory is ClassResource; work that died, or that nobody knows, is ClassTransient.
//
// Work ends well only if its result is what the plan says:
//   - The SQL sees of each table the rows in Window and no others, checks those in Own. All functions of time give
//     Query.Now, in Query.TimeZone. Nothing else can be read: no file, no setting, no other table.
//   - Names, order and types of the result are those of Columns. Values are cast to them; one that has no such value is
//     an error (E-OVERFLOW, or E-SQL as a cast in the SQL would be), never NULL.
//   - Target.Time of every row lies in the slice and is not NULL (E-OUTSIDE; with Target.Drop those rows are left out and counted); the columns of Target.Key are not NULL, and
//     together unique (E-KEY). Every check holds (E-CHECK).
//   - An empty result is a result.
type Engine interface {
	Properties() Properties
	Capacity() Capacity
	// Start begins the work and returns at once; after an error nothing has begun. Starting a tag again gives the same work. A caller that starts more than
	// Capacity has slots for may have to wait for one in Wait.
	Start(ctx context.Context, work Work) (hindcast.Handle, error)
	// Wait blocks until the work has ended. When ctx ends first the work goes on. It calls progress, if that is not nil,
	// now and then with what the engine knows, and not after it has returned. dir is the work's Dir.
	//
	// The end is given once. Where work outlives its starter it is given whenever it is asked for, to every process that has
	// the handle, or knows its tag alone. Work that is not alive and left no result is E-WORKER.
	Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (Result, error)
	// Stop ends the work; nil means that it is confirmed dead, also if it had ended already or was never started.
	Stop(ctx context.Context, h hindcast.Handle) error
	// Alive gives the handles of all work whose tag begins with the prefix and that runs, or waits for a slot, whichever
	// process started it.
	Alive(ctx context.Context, tagPrefix string) ([]hindcast.Handle, error)
	// Close ends all work that this process started or waited for; nil means confirmed dead.
	Close() error
}

// Meter is implemented by engines that are paid for by time. The progress of their work says what that has cost so far.
type Meter interface {
	// Bill is what work has cost whose Wait or Stop has returned, whichever process started it; nil if nothing was ever billed for it.
	Bill(ctx context.Context, h hindcast.Handle) (*hindcast.Bill, error)
}

// Remains are the processes on this machine of engines whose work outlives its starter. It needs no installation of an engine.
type Remains interface {
	// Found lists what lives of a run, given by how the tags of its work begin, whichever process started it.
	Found(ctx context.Context, tagPrefix string) ([]Remnant, error)
	// End kills it and removes what it left on this machine, but no results; nil means that it is confirmed dead. Other work that
	// waits for the same processes is lost with it.
	End(ctx context.Context, r Remnant) error
}

// Remnant is work that goes on, or processes that have none.
type Remnant struct {
	Handle hindcast.Handle // of the work; where there is none, of the last that there was
	Idle   bool            // there is none: without their supervisor the processes end by themselves soon
	Given  time.Time       // when the engine was given the work
}

// Binder says what SQL would do, and what files hold, without running the SQL. It needs no engine that runs. All methods
// may be called in parallel; their errors are those of an Engine. Each engine has an SQLBinder of its own; the user's files may
// be looked at by another one's Scanner.
type Binder interface {
	SQLBinder
	Scanner
}

// SQLBinder says what SQL would do in its engine.
type SQLBinder interface {
	// Bind checks the SQL, and the checks' SQL, over empty tables and returns the result's columns. It reads no file.
	Bind(ctx context.Context, q Query, checks []Check) ([]hindcast.Column, error)
	// Used returns for each table by its name the columns that the SQL, the checks or the table's Time read; none where
	// rows are only counted. A table that is not in the map is read whole: the binder is not sure. It reads no file.
	// Parameters do not matter, so that slices whose tables have the same columns need be asked once. The query and the
	// checks have been bound.
	Used(ctx context.Context, q Query, checks []Check) (map[string][]string, error)
	// Needed is Used without the columns that the engine reads along although no result depends on their values.
	Needed(ctx context.Context, q Query, checks []Check) (map[string][]string, error)
	// Close ends its processes; nil means confirmed dead. It may be the engine's Close, and called twice.
	Close() error
}

// Scanner says what the user's own Parquet files hold.
type Scanner interface {
	// Scan looks at the user's own Parquet files that each pattern matches, in the patterns' order. A pattern that matches
	// none is not an error.
	Scan(ctx context.Context, s Search) (Scanned, error)
	// Strays counts the rows of a table of the user's own files whose Time is NULL, and those whose Time lies outside of
	// Window, in the time zone. It reads no more than the Time column, where the files' statistics leave it open.
	Strays(ctx context.Context, t Table, zone string) (hindcast.Strays, error)
}

// Sampler is implemented by binders that can also run an ad hoc query, for `hindcast sql`.
type Sampler interface {
	// Query calls row for each row of the result, of at most limit rows (0: no limit).
	Query(ctx context.Context, q Query, limits Limits, limit int) (Rows, error)
}

// Scripter is implemented by binders whose tables a program of Python can open by itself, for `hindcast notebook`.
type Scripter interface {
	// Script is such a program for the query's tables, time zone and time. The query's SQL is not in it, nor is any secret.
	Script(q Query) (Script, error)
}

// Script is Python that opens tables as an engine does for a slice. Its parts run one after the other; the second may call
// same_version(package, is, runs) to say that the package is of another version than the engine. From then on
// fetch(sql, limit) gives the names of a query's columns and its first rows, as tuples of exact values; it raises what the
// engine raises.
type Script struct {
	Packages []string // of PyPI, as pip installs them: "duckdb==1.5.6"
	Library  string   // the same for all tables
	Open     string   // opens these
	// Words are the literals such as "date today" that the engine would take for the time of now, with what stands for the query's.
	Words   map[string]string
	Session string // the name of what the tables are open in, and what it is: "db, a connection of DuckDB"
}

// Keeper is implemented by Samplers that may leave a session to the next process: one that takes long to start.
type Keeper interface {
	// Keep has the session that answers queries stay so long after the last one. Otherwise, and with 0, it ends with the
	// binder, except for one that another process keeps: that one is used, and ended with 0 only.
	Keep(time.Duration)
}

// Rows is a small result: values are rendered as text, nil is NULL.
type Rows struct {
	Columns []hindcast.Column `json:"columns"`
	Values  [][]*string       `json:"values"`
	More    bool              `json:"more"` // the limit cut it
}

// Search names the user's own files of one fact or dimension.
type Search struct {
	Dir      string            `json:"dir"`           // where relative patterns begin; nothing in it is a pattern
	Patterns []string          `json:"patterns"`      // with *, ** for folders, ? and [a-z]; \ takes a character as is
	All      []string          `json:"all,omitempty"` // match these and other files, which are listed
	Types    map[string]string `json:"types"`         // of columns, by name, as the pipeline has them read
	Folders  map[string]string `json:"folders"`       // types of columns that folders give, if the values should not decide
	Tolerant bool              `json:"tolerant"`      // leave damaged files out, and name them
}

// Scanned are files as they are now. Their columns are the same for all patterns: each with the type that holds what
// the files have, or with no type and the reason.
type Scanned struct {
	Columns []hindcast.Column `json:"columns"`
	Matches []Matched         `json:"matches"` // by pattern
	Notes   []string          `json:"notes"`   // what was left out, or is not a plain set of files
	Outside []string          `json:"outside"` // files of Search.All that no pattern matches
	Damaged []Damaged         `json:"damaged"` // files that were left out
}

// Damaged is a file that cannot be read.
type Damaged struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Matched are the files of one pattern, in the order of their names.
type Matched struct {
	Files   []hindcast.File   `json:"files"`
	Layouts []hindcast.Layout `json:"layouts"`
	Content string            `json:"content"` // changes when the files do
	Damaged bool              `json:"damaged"` // files were left out
}
