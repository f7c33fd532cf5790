// Package warehouse is the contract of the SQL system that history is unloaded from and results are loaded
// into. A driver owns its connections, types and SQL; which slices are moved when is the caller's responsibility.
package warehouse

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
)

// Properties say what a warehouse can do.
type Properties struct {
	Name    string // "duckdb", "postgres"
	Version string
	Marks   bool // it is a Marker
	Stages  bool // Stage has something to do
	Unloads int  // unloads at the same time; 0 means no limit of its own
}

// Table is what a warehouse knows of a table without reading it.
type Table struct {
	Name    string            `json:"name"`
	Columns []hindcast.Column `json:"columns"`
	Rows    int64             `json:"rows"`  // estimate; -1 if unknown
	Bytes   int64             `json:"bytes"` // estimate; -1 if unknown
	View    bool              `json:"view"`  // no rows can be loaded into it: a view of some kind, or a foreign table
	// Statement is how anybody's statements name it, schema and quotes included; "" if that is Name.
	Statement string `json:"statement,omitempty"`
	// Made says that hindcast fills it: one of its own tables, or a target that hindcast_status knows. Tables alone tells.
	Made bool `json:"made,omitempty"`
}

// Extract names rows of one table: all, or those whose Time lies in Window.
type Extract struct {
	Table    string            `json:"table"`
	Columns  []hindcast.Column `json:"columns"` // as Describe gave them, narrowed to what is wanted; VARCHAR where Text is set
	Time     string            `json:"time,omitempty"`
	Window   hindcast.Interval `json:"window"`
	TimeZone string            `json:"time_zone"`
}

// Unload is one extract to be written.
type Unload struct {
	Extract
	Dir    string `json:"dir"`    // an empty folder (or URL) of the attempt's own
	Memory int64  `json:"memory"` // bytes that the unload may hold
}

// Unloaded is a finished unload. Its files are fsynced; paths are absolute.
type Unloaded struct {
	Columns []hindcast.Column `json:"columns"` // with Stored filled in
	Files   []hindcast.File   `json:"files"`
	Bytes   int64             `json:"bytes"`
	Sums    hindcast.Sums     `json:"sums"` // of the source's rows, in the same snapshot
}

// Unloader reads from a warehouse. Parallel.
type Unloader interface {
	// Describe returns what is known of each table that exists; one that does not is absent from the map.
	// E-PERMISSION if it exists and may not be read. NoText marks columns that Unload cannot carry as their text.
	Describe(ctx context.Context, tables []string) (map[string]Table, error)
	// Unload writes the rows as Parquet, exactly, in bounded memory. Not safe to repeat into the same Dir.
	// Columns whose Text is set hold the text that the warehouse reads back to the same value. E-TYPE if a column's type
	// cannot be carried, named.
	Unload(ctx context.Context, u Unload) (Unloaded, error)
	// Sum counts the rows where they are, for verify. Content may be empty: Totals alone tell less, and may be had for much
	// less than another unload. Compare with Agrees.
	Sum(ctx context.Context, x Extract) (hindcast.Sums, error)
}

// Hasher is a Warehouse whose Sum does not look at every value, and that can: for `verify --deep`.
type Hasher interface {
	// Hash is Sum with the Content that Unload gives for the same rows, at the price of another unload: it sends every value,
	// and writes none.
	Hash(ctx context.Context, x Extract) (hindcast.Sums, error)
}

// Warehouse is a driver. Errors are *hindcast.Error with a class.
type Warehouse interface {
	Properties() Properties
	Unloader
	Loader
	Overviewer
	// Tables lists the tables that a pipeline could use, and those that hindcast fills, for init.
	Tables(ctx context.Context) ([]Table, error)
	// Close ends all sessions; nil means that they are confirmed dead.
	Close() error
}

// Bounder is a Warehouse that can tell where a time column's values lie, for init.
type Bounder interface {
	// Bounds returns the first and the last value of a DATE or TIMESTAMP column, infinities left out: their
	// civil reading, in UTC for a column with a time zone. Both are zero where there is no value.
	Bounds(ctx context.Context, table, column string) (first, last time.Time, err error)
}

// Spread is how many different values columns have in some rows of a table.
type Spread struct {
	Rows     int64   `json:"rows"`     // that were looked at
	Distinct []int64 `json:"distinct"` // of each column, NULL left out
}

// Spreader is a Warehouse that can count the different values of columns, for init.
type Spreader interface {
	// Spread looks at some of the table's rows, at most SpreadRows of them. The columns hold times, texts, integers or
	// enumerations.
	Spread(ctx context.Context, table string, columns []string) (Spread, error)
}

// SpreadRows bounds what a Spreader looks at.
const SpreadRows = 100_000

// Hider is a Warehouse whose Tables leaves out what may not be read, for init.
type Hider interface {
	// Hidden says which tables these are: a sentence each schema, with the statement that lets them be read.
	Hidden(ctx context.Context) ([]string, error)
}

// Lister is a Warehouse that can list tables by their names without looking at them, for plan and verify: which of them a
// pipeline leaves out.
type Lister interface {
	// Named returns the tables and views that a time-named table of a pipeline could mean, whatever its placeholders stand
	// for, spelled as the pipeline spells them, in no order. Those that may not be read are among them.
	Named(ctx context.Context, pattern string) ([]string, error)
}

// Strays are rows of a table that no slice has.
type Strays struct {
	NoTime   int64 `json:"no_time"`            // their time is NULL
	Outside  int64 `json:"outside"`            // of the window
	Estimate bool  `json:"estimate,omitempty"` // by statistics
}

// StrayCounter is a Warehouse that can count the rows that no slice has, for verify and plan: they are left out without
// an error.
type StrayCounter interface {
	// Strays counts the rows whose Time is NULL, and those outside of the Window. Quick counts the former alone, and by
	// statistics where that would read the table.
	Strays(ctx context.Context, x Extract, quick bool) (Strays, error)
}

// Adviser is a Warehouse that can tell beforehand what will hurt, for plan's warnings.
type Adviser interface {
	// Advise says of tables that are read which of them do not show all their rows, what keeps a run from loading, such as
	// a missing right, and of an existing target what makes its loads slow or lets them reach further than the slice: a
	// sentence each, with the statement that mends it where there is one.
	Advise(ctx context.Context, sources []string, target hindcast.Target) ([]string, error)
}

// Refuser is a Warehouse that can say beforehand what Prepare would refuse, so that plan says it. What only a right or a
// setting keeps from loading is an Adviser's: it may be given by the time of the run.
type Refuser interface {
	// Refuses gives the error of a target that could not be made, or not be loaded into, with these columns.
	Refuses(ctx context.Context, target hindcast.Target, columns []hindcast.Column) error
}

// Speller is a Warehouse that spells types otherwise than hindcast.Column does.
type Speller interface {
	// Spell fills in Source: what a table's column of that Type would be here. It stays empty where there is no such type.
	Spell(ctx context.Context, columns []hindcast.Column) ([]hindcast.Column, error)
}

// Seed is a whole table to be made.
type Seed struct {
	Table   string            `json:"table"`
	Comment string            `json:"comment"` // kept on the table
	Columns []hindcast.Column `json:"columns"` // of the files
	Files   []string          `json:"files"`   // local Parquet
}

// Seeder is a Warehouse that can be given whole tables, for the demo.
type Seeder interface {
	// Seed makes and fills a table in one transaction. One that is there with the same comment stays as it is; E-USAGE
	// if it has another: it is somebody else's.
	Seed(ctx context.Context, s Seed) error
}
