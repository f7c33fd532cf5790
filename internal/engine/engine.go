// Package engine is the contract of what runs a slice's SQL: DuckDB in a worker process, Spark, Glue. An
// engine reads Parquet and writes Parquet; where the files come from and where results go is for its callers.
package engine

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
)

// Properties say what an engine can do.
type Properties struct {
	Name    string // "duckdb"
	Version string // major.minor.patch; major.minor counts in fingerprints
}

// Table is a fact or dimension as the SQL sees it.
type Table struct {
	Name    string            `json:"name"`
	Columns []hindcast.Column `json:"columns"`
	Files   []string          `json:"files"` // absolute paths or URLs; none means no rows
	// Layouts say of files that are the user's own, and of none else, which of them have the same columns.
	Layouts []hindcast.Layout `json:"layouts,omitempty"`
	// Time and Window cut the rows: only those whose Time lies in Window. An empty Time takes all.
	Time   string            `json:"time,omitempty"`
	Window hindcast.Interval `json:"window"`
	// Own is the slice's own interval where Window is wider (lookback); checks see only this much.
	Own hindcast.Interval `json:"own"`
	// Count asks how many rows lie in the window, where no manifest says it.
	Count bool `json:"count,omitempty"`
	// Sample is the share of rows to look at, in per cent; 0 is all. For ad hoc queries only.
	Sample float64 `json:"sample,omitempty"`
}

// Query is the user's SQL over tables.
type Query struct {
	SQL      string  `json:"sql"`  // parameters already replaced by literals
	File     string  `json:"file"` // where it is from, for places in errors
	Original string  `json:"original"`
	Shifts   []Shift `json:"shifts,omitempty"` // maps offsets in SQL back to Original
	Tables   []Table `json:"tables"`
	TimeZone string  `json:"time_zone"`
	// Now is what functions of the time give: one instant for all of a run.
	Now time.Time `json:"now,omitzero"`
}

// Shift says that from byte offset At of the SQL on, offsets in the original text are Delta larger.
type Shift struct {
	At    int `json:"at"`
	Delta int `json:"delta"`
}

// Limits bound a job.
type Limits struct {
	Memory  int64 `json:"memory"` // bytes of resident memory for the job's whole process
	Threads int   `json:"threads"`
}

// Job is one attempt at one slice's transform.
type Job struct {
	// Tag is unique to run, slice and attempt. Submitting a tag twice gives the same job.
	Tag     string            `json:"tag"`
	Slice   hindcast.Slice    `json:"slice"`
	Query   Query             `json:"query"`
	Columns []hindcast.Column `json:"columns"` // the result's bound columns: names, order and types are cast to these
	Target  hindcast.Target   `json:"target"`
	Checks  []Check           `json:"checks"`
	Dir     string            `json:"dir"` // an empty prefix of the attempt's own, path or URL, for the result's files
	Limits  Limits            `json:"limits"`
}

// Check is a pipeline's check with its SQL's parameters replaced.
type Check struct {
	hindcast.Check
}

// Handle finds a submitted job again.
type Handle struct {
	Tag string `json:"tag"`
}

// Result is a finished job. Files are written, fsynced and closed.
type Result struct {
	Files   []hindcast.File   // Path absolute, or a URL
	Columns []hindcast.Column // the job's, with Stored filled in
	Rows    int64
	Bytes   int64
	In      map[string]int64 // rows in the window, of each table that asks for them
	Memory  int64            // peak resident bytes of the job's process
}

// Engine runs jobs. All methods may be called in parallel.
//
// Errors are *hindcast.Error with a class: a user's SQL error is permanent and carries its place; a failed
// check is ClassCheck with sample rows; out of memory is ClassResource; a died worker is ClassTransient.
type Engine interface {
	Properties() Properties
	// Bind checks the SQL, and the checks' SQL, over empty tables and returns the result's columns. It reads no
	// file.
	Bind(ctx context.Context, q Query, checks []Check) ([]hindcast.Column, error)
	// Submit starts the job and returns at once, or blocks until a slot is free.
	Submit(ctx context.Context, job Job) (Handle, error)
	// Wait blocks until the job has ended. When ctx ends first the job is not cancelled.
	Wait(ctx context.Context, h Handle) (Result, error)
	// Cancel ends the job; nil means that it is confirmed dead, also if it had ended already.
	Cancel(ctx context.Context, h Handle) error
	// Close ends all jobs of this process; nil means confirmed dead.
	Close() error
}

// Sampler is implemented by engines that can run an ad hoc query, for `hindcast sql`.
type Sampler interface {
	// Query calls row for each row of the result, of at most limit rows (0: no limit).
	Query(ctx context.Context, q Query, limits Limits, limit int) (Rows, error)
}

// Rows is a small result: values are rendered as text, nil is NULL.
type Rows struct {
	Columns []hindcast.Column `json:"columns"`
	Values  [][]*string       `json:"values"`
	More    bool              `json:"more"` // the limit cut it
}

// Pruner is implemented by engines that know which columns a job reads, so that only these have to be brought to it.
type Pruner interface {
	// Used returns for each table by its name the columns that the SQL, the checks or the table's Time read; none
	// where rows are only counted. A table that is not in the map is read whole: the engine is not sure. It reads no
	// file. Parameters do not matter, so that slices whose tables have the same columns need be asked once. The query
	// and the checks have been bound.
	Used(ctx context.Context, q Query, checks []Check) (map[string][]string, error)
}

// Scanner is implemented by engines that can look at the user's own Parquet files, for facts with `files:`.
type Scanner interface {
	// Scan looks at the files that each pattern matches, in the patterns' order. A pattern that matches none is no error.
	Scan(ctx context.Context, s Search) (Scanned, error)
}

// Search names the user's own files of one fact or dimension.
type Search struct {
	Dir      string            `json:"dir"`           // where relative patterns begin; nothing in it is a pattern
	Patterns []string          `json:"patterns"`      // with *, ** for folders, ? and [a-z]; \ takes a character as it is
	All      string            `json:"all,omitempty"` // matches these and other files, which are named; "" asks for none
	Types    map[string]string `json:"types"`         // of columns, by name, as the pipeline has them read
	Folders  map[string]string `json:"folders"`       // types of columns that folders give, where values do not decide
	Tolerant bool              `json:"tolerant"`      // leave damaged files out, and name them
}

// Scanned are files as they are now. Their columns are the same for all patterns: each with the type that holds what
// the files have, or with none and the reason.
type Scanned struct {
	Columns []hindcast.Column `json:"columns"`
	Matches []Matched         `json:"matches"` // by pattern
	Notes   []string          `json:"notes"`   // what was left out, or is no plain set of files
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
