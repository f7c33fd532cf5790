// Package warehouse is the contract of the SQL system that history is unloaded from and results are loaded
// into. A driver owns its connections, types and SQL; which slices are moved when is the caller's responsibility.
package warehouse

import (
	"context"

	"github.com/hindcast/hindcast"
)

// Properties say what a warehouse can do.
type Properties struct {
	Name    string // "duckdb", "postgres"
	Version string
	// Database identifies the database's contents wherever they are reached, so that a replica has its primary's; "" if the
	// warehouse does not know.
	Database string
	// Reader is what decides, beside the database and a pipeline's own settings, what a name means and which of its rows are seen: who reads, and
	// where names are looked for. "" if it is not known.
	Reader  string
	Stages  bool // Stage has something to do
	Unloads int  // unloads at the same time; 0 means no limit
	// Collation is what the database orders texts by, "C" if by bytes. TimeZone and DateStyle are those of the role's sessions, if it
	// does not set others. Each is "" if it is not known.
	Collation, TimeZone, DateStyle string
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
	// System is the schema of the warehouse's own tables that it is in; "" for all others. Describe alone fills it in.
	System string `json:"system,omitempty"`
	// ID is the same for every name that leads to this table, and no other table has it. Within are the tables whose rows include
	// all of its own, such as the one that it is a partition of. Shows are the tables that a view is over, at any depth, as far
	// as the warehouse knows. Describe alone fills these in.
	ID     string   `json:"id,omitempty"`
	Within []string `json:"within,omitempty"`
	Shows  []string `json:"shows,omitempty"`
	// Made says that hindcast fills it: one of its own tables, or a target that hindcast_status knows or Prepare has made. Only Tables
	// says so.
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

// Timed are columns that a driver has made of the extract's, with the format of its time.
func (x Extract) Timed(columns []hindcast.Column) []hindcast.Column {
	for _, c := range x.Columns {
		if x.Time != "" && c.Name == x.Time {
			return hindcast.Timed(columns, x.Time, c.Format)
		}
	}
	return columns
}

// Unload is one extract to be written.
type Unload struct {
	Extract
	Dir    string `json:"dir"`             // an empty folder (or URL) of the attempt's own
	URL    string `json:"url,omitempty"`   // where the files of Dir are to be in a lake that is in a bucket; "" elsewhere
	Memory int64  `json:"memory"`          // bytes that the unload may hold
	Facts  bool   `json:"facts,omitempty"` // look at the values of text columns, too
}

// Unloaded is a finished unload. Its files are fsynced; paths are absolute. A file with an ETag is at the Unload's URL already, as
// that object: the warehouse has written it there by itself.
type Unloaded struct {
	Columns []hindcast.Column `json:"columns"` // with Stored filled in
	Files   []hindcast.File   `json:"files"`
	Bytes   int64             `json:"bytes"`
	Sums    hindcast.Sums     `json:"sums"` // of the source's rows, in the same snapshot
	// Facts are of the text columns of the rows that were written, where that was asked for. One that is not there is unknown.
	Facts map[string]hindcast.Facts `json:"facts,omitempty"`
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
	// Sum counts the rows where they are, for verify. Content may be empty: Totals alone say less, and may cost much
	// less than another unload. Compare with Agrees.
	Sum(ctx context.Context, x Extract) (hindcast.Sums, error)
}

// Warehouse is a driver. Errors are *hindcast.Error with a class.
type Warehouse interface {
	Properties() Properties
	Unloader
	Loader
	Overviewer
	Inspector
	// Close ends all sessions; nil means that they are confirmed dead.
	Close() error
}

// Seed is a whole table to be made.
type Seed struct {
	Table   string            `json:"table"`
	Comment string            `json:"comment"` // kept on the table
	Columns []hindcast.Column `json:"columns"` // of the files
	Files   []string          `json:"files"`   // local Parquet
}

// Seeder is a Warehouse that can be given whole tables. It stands apart because a driver can do without: the demo alone asks
// for it, and makes a DuckDB file by itself.
type Seeder interface {
	// Seed makes and fills a table in one transaction. One that is there with the same comment stays as it is; E-USAGE
	// if it has another: it is somebody else's.
	Seed(ctx context.Context, s Seed) error
}
