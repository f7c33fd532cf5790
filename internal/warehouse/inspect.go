package warehouse

import (
	"context"
	"time"

	"github.com/hindcast/hindcast"
)

// Inspector answers what init, plan and verify ask of a warehouse. It changes nothing, and reads no more of a table than each
// method says. A driver for which there is nothing to say, such as one without rights, says nothing.
type Inspector interface {
	// Tables lists the tables that a pipeline could use, and those that hindcast fills.
	Tables(ctx context.Context) ([]Table, error)
	// Hidden says which tables are not among them because they may not be read: a sentence each schema, with the statement
	// that lets them be read.
	Hidden(ctx context.Context) ([]string, error)
	// Named returns the tables and views that a time-named table of a pipeline could mean, whatever its placeholders stand
	// for, spelled as the pipeline spells them, in no order. Those that may not be read are among them. None is looked at.
	Named(ctx context.Context, pattern string) ([]string, error)
	// Marks returns what the warehouse counts of the changes to each table; one of which nothing is counted is absent.
	Marks(ctx context.Context, tables []string) (map[string]hindcast.Mark, error)

	// Bounds returns the first and the last value of a DATE or TIMESTAMP column, infinities left out: their civil reading, in
	// UTC for a column with a time zone. Both are zero where there is no value.
	Bounds(ctx context.Context, table, column string) (first, last time.Time, err error)
	// Spread counts the different values of columns in some of the table's rows, at most SpreadRows of them. The columns hold
	// times, texts, integers or enumerations.
	Spread(ctx context.Context, table string, columns []string) (Spread, error)
	// Strays counts the rows that no slice takes, which are left out without an error: those whose Time is NULL, and those
	// outside of the Window. Quick reads no table for it: a driver may go by statistics, and leave the latter uncounted.
	Strays(ctx context.Context, x Extract, quick bool) (Strays, error)
	// Hash is Sum with the Content that Unload gives for the same rows. It reads every value, and may cost as much as an
	// unload.
	Hash(ctx context.Context, x Extract) (hindcast.Sums, error)

	// Advise says of tables that are read which of them do not show all their rows, what keeps a run from loading, such as a
	// missing right, and of an existing target what makes its loads slow or lets them reach further than the slice: a
	// sentence each, with the statement that mends it where there is one. Of the zero Target nothing is said.
	Advise(ctx context.Context, sources []string, target hindcast.Target) ([]string, error)
	// Refuses gives the error of a target that could not be made, or not be loaded into, with these columns: what Prepare
	// would refuse. What only a right or a setting keeps from loading is for Advise: it may be given by the time of the run.
	Refuses(ctx context.Context, target hindcast.Target, columns []hindcast.Column) error
	// Spell fills in Source where the warehouse spells types differently: what a table's column of that Type would be here. It
	// stays empty where there is no such type.
	Spell(ctx context.Context, columns []hindcast.Column) ([]hindcast.Column, error)
}

// Spread is how many different values columns have in some rows of a table.
type Spread struct {
	Rows     int64   `json:"rows"`     // that were looked at
	Distinct []int64 `json:"distinct"` // of each column, NULL left out
}

// SpreadRows bounds what Spread looks at.
const SpreadRows = 100_000

// Strays are rows of a table that no slice has.
type Strays struct {
	NoTime   int64 `json:"no_time"`            // their time is NULL
	Outside  int64 `json:"outside"`            // of the window
	Estimate bool  `json:"estimate,omitempty"` // by statistics
}
