package warehouse

import (
	"context"

	"github.com/hindcast/hindcast"
)

// Publication is one or many replacements, of one or many targets, that become visible in the same instant or not at all.
type Publication struct {
	Pipeline string `json:"pipeline"`
	Run      string `json:"run"` // that publishes
	Fence    int64  `json:"fence"`
	// Replacements of the same target must not overlap in time.
	Replacements []Replacement `json:"replacements"`
	// Keep, if set, is called once before COMMIT, unless nothing is replaced. What was replaced is in the folders Previous by
	// then; Keep takes it to PreviousAs. Its error rolls everything back.
	Keep   func(ctx context.Context, kept []Kept) error `json:"-"`
	Memory int64                                        `json:"memory"` // bytes that Stage or Publish may hold
}

// HandOver gives what is replaced to Keep, if that is set. Of each replacement, by its index, taken says where its previous rows are, ""
// if none are kept, and what they are.
func (p *Publication) HandOver(ctx context.Context, taken func(i int) (previous string, what Kept)) error {
	var kept []Kept
	for i := range p.Replacements {
		if previous, what := taken(i); previous != "" {
			what.Index = i
			kept = append(kept, what)
		}
	}
	if p.Keep == nil || len(kept) == 0 {
		return nil
	}
	return p.Keep(ctx, kept)
}

// Each takes all loads through one step before the next begins, and notes the one under way: that of an error is left there. A load that finds
// something other than what was to be replaced does not end its step, so that the error names all slices of which that is true.
func Each[L any](ctx context.Context, loads []L, current *L, steps ...func(L, context.Context) error) error {
	for _, step := range steps {
		var changed []*hindcast.Error
		for _, l := range loads {
			*current = l
			err := step(l, ctx)
			if err == nil {
				continue
			}
			e := hindcast.AsError(err)
			if e.Code != hindcast.EChanged {
				return err
			}
			changed = append(changed, e)
		}
		if len(changed) > 0 {
			return allChanged(changed)
		}
	}

	var none L
	*current = none
	return nil
}

// Kept is what one replacement takes out.
type Kept struct {
	Index int                  `json:"index"` // of the replacement
	Rows  []hindcast.Committed `json:"rows"`  // of hindcast_status
	// Columns are those of the files in its folder, in which a Replacement can put the rows back; nil if there are no files.
	Columns []hindcast.Column `json:"columns,omitempty"`
}

// Replacement puts staged rows in place of those that a target has in a slice.
type Replacement struct {
	Target   hindcast.Target   `json:"target"`
	Slice    hindcast.Slice    `json:"slice"`
	TimeZone string            `json:"time_zone"`
	Run      string            `json:"computed_by,omitempty"` // that computed the rows; the publication's if empty
	Attempt  int               `json:"attempt"`
	Print    string            `json:"fingerprint"`
	Parts    hindcast.Parts    `json:"parts"`
	Columns  []hindcast.Column `json:"columns"` // of the staged files
	// Files are staged Parquet: absolute paths, or URLs where the warehouse reads the lake by itself. None empties the slice.
	Files []hindcast.File `json:"files"`
	Rows  int64           `json:"rows"` // that the files hold
	// Summed are the columns that the status row's Sums are over, where these are not all Columns.
	Summed []hindcast.Column `json:"summed,omitempty"`
	// Unrecorded leaves no status row for the slice: it counts as never published.
	Unrecorded bool `json:"unrecorded,omitempty"`
	// Staged is what Stage has made of the files, for the driver alone; "" if it had nothing to do.
	Staged string `json:"staged,omitempty"`
	// Expect says what is to be replaced. Its zero value replaces whatever is there.
	Expect Expectation `json:"expect"`
	// Hooks are run in the transaction: those before, before these rows are replaced; those after, after all rows of the
	// publication are.
	Hooks hindcast.Load `json:"hooks"`
	// Places says where each hook stands ("load.before.0"), for the E-HOOK of one that fails.
	Places   map[string]hindcast.Place `json:"places,omitempty"`
	Previous string                    `json:"previous"` // folder (or URL) where the replaced rows are to be kept; "" keeps none
	// PreviousAs is what the status row says of where they are; Previous if empty.
	PreviousAs string `json:"previous_as,omitempty"`
}

// Claim is a run's right to publish: the fence of its lease.
type Claim struct {
	Fence int64 `json:"fence"`
	// New says that the warehouse has not seen the claim yet: a fence that is there already is another lake's, or that of a lease
	// that was lost, and would let two runs publish side by side.
	New bool `json:"new,omitempty"`
}

// Loader publishes in a warehouse.
type Loader interface {
	// Prepare creates hindcast_status and hindcast_lease where they are not, and the target from columns (their types
	// translated, with Comment on it) if it does not exist, and raises the pipeline's fence to the claim's. E-FENCED if a higher one is there or, for
	// a claim that is new, the same one. What writers with a lower fence have staged and not published is removed. A claim that
	// is not new may be repeated.
	Prepare(ctx context.Context, pipeline string, t hindcast.Target, columns []hindcast.Column, claim Claim) error
	// Fence returns the pipeline's fence; 0 if it was never raised.
	Fence(ctx context.Context, pipeline string) (int64, error)
	// Stage brings the files of a publication into the warehouse, where nobody sees them yet, without a lock on a target. It
	// returns the publication that Publish is to be given, with Staged filled in. Several may go on at the same time. Safe to
	// repeat: what an earlier attempt at a slice has staged is replaced. A warehouse that reads the files within its
	// transaction has nothing to do: its Properties say so, and Stage returns the publication as is.
	Stage(ctx context.Context, p Publication) (Publication, error)
	// Publish does all replacements in one transaction (promise 2). It takes the targets' locks, in the same order whatever
	// the order of the replacements, then checks the fence (E-FENCED) and every expectation (E-CHANGED), keeps the previous
	// rows, runs hooks, deletes, inserts, writes the status rows, but for what is Unrecorded, and commits. The Sums that it returns, and writes into the
	// status rows, are of the slices' rows as they stand in the targets then: Published gives the same until somebody edits
	// them. After an error nothing is published, unless the answer to COMMIT was lost: then Committed shows whether it was.
	// What a hook does to its session (temporary tables, SET) is gone afterwards.
	Publish(ctx context.Context, p Publication) ([]hindcast.Committed, error)
	// Committed returns the pipeline's status rows, or only those of the named slices if any are named, ordered by slice start.
	// If resolved is set, it first waits for the publications in flight to end, by a lock that they hold to their end. No table
	// means no rows.
	Committed(ctx context.Context, pipeline string, resolved bool, keys ...string) ([]hindcast.Committed, error)
	// Published sums the target's rows in each of the intervals over these columns, for "target edited" and verify. Content is
	// made as in the Sums that Publish gave, and equal if nobody has changed a row since.
	Published(ctx context.Context, p Published) ([]hindcast.Sums, error)
}

// Published asks for sums over the target.
type Published struct {
	Target    hindcast.Target     `json:"target"`
	Columns   []hindcast.Column   `json:"columns"`
	Intervals []hindcast.Interval `json:"intervals"`
	TimeZone  string              `json:"time_zone"` // for the civil reading of the bounds
}
