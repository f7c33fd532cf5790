package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
)

// tell logs the failure of what a run can do without.
func (a *active) tell(doing string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintf(a.log, "%s %s: %v\n", time.Now().Format(time.TimeOnly), doing, err)
	}
}

// sweepPrevious removes the rows that loads kept which never committed: of this run before it was resumed, and of
// the runs before it that nobody has swept after yet.
func (a *active) sweepPrevious(ctx context.Context, p *plan.Plan) error {
	runs, err := a.unswept(ctx)
	if err != nil {
		return err
	}
	var dead []string
	for _, run := range runs {
		kept, err := a.Lake.Previous(ctx, run, a.lease.Fence())
		if err != nil {
			return err
		}
		if len(kept) == 0 {
			continue
		}
		committed, err := a.committedPrevious(ctx, run)
		if err != nil {
			return err
		}
		for _, prefix := range kept {
			if !committed[lake.Unfenced(prefix)] {
				dead = append(dead, prefix)
			}
		}
	}
	if len(dead) == 0 {
		return nil
	}
	rows, err := a.Warehouse.Committed(ctx, p.Pipeline.Name, true)
	if err != nil {
		return err
	}
	needed := map[string]bool{} // also where the journal does not know of the commit
	for _, row := range rows {
		needed[a.Lake.Key(row.Previous)+"/"] = true
	}
	for _, prefix := range dead {
		if needed[prefix] {
			continue
		}
		if err := a.Store.DeleteAll(ctx, prefix); err != nil {
			return err
		}
	}
	return nil
}

// unswept are this run, the one that held the lease before it, and, as long as that one did not sweep itself, the one
// planned before.
func (a *active) unswept(ctx context.Context) ([]string, error) {
	list := []string{a.run}
	if a.before == "" {
		return list, nil
	}
	list = slices.Compact(append(list, a.before))
	if a.swept(ctx, a.before) {
		return list, nil
	}
	runs, err := a.Lake.ListRuns(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range runs[slices.Index(runs, a.before)+1:] {
		if !slices.Contains(list, run) {
			list = append(list, run)
		}
		if a.swept(ctx, run) {
			break
		}
	}
	return list, nil
}

// swept reports whether a run swept what those before it left: one that only unloads does not, and one that ended before
// its first slice may not have. What cannot be read tells nothing.
func (a *active) swept(ctx context.Context, run string) bool {
	var p struct {
		UnloadOnly bool `json:"unload_only"`
	}
	if err := a.Lake.LoadPlan(ctx, run, &p); err != nil || p.UnloadOnly {
		return false
	}
	st, err := a.State(ctx, run)
	return err == nil && !st.Started.IsZero()
}

// sweepStaging removes what a run that is done still has staged: where the lake is far away, a load does not wait for
// that, and the process may have died before it was done.
func (a *active) sweepStaging(ctx context.Context, run string, done func() (bool, error)) error {
	if run == "" || !a.Lake.Remote() {
		return nil
	}
	staged, err := a.Lake.Staged(ctx, run, a.lease.Fence())
	if err != nil || len(staged) == 0 {
		return err
	}
	if ok, err := done(); err != nil || !ok {
		return err
	}
	for _, prefix := range staged {
		if err := a.Store.DeleteAll(ctx, prefix); err != nil {
			return err
		}
	}
	return nil
}

// isDone reports whether a run ended with every slice proven.
func (a *active) isDone(ctx context.Context, run string) (bool, error) {
	st, err := a.State(ctx, run)
	return err == nil && st.Finished && st.ExitCode == hindcast.ExitOK, err
}

// committedPrevious are the prefixes of the loads that the run's journal says are committed.
func (a *active) committedPrevious(ctx context.Context, run string) (map[string]bool, error) {
	events, err := journal.Read(ctx, a.Store, a.Lake.RunPrefix(run))
	committed := map[string]bool{}
	for _, e := range events {
		if e.Type == hindcast.EventCommitted {
			committed[a.Lake.PreviousPrefix(run, e.Slice, 0, e.Attempt)] = true
		}
	}
	return committed, err
}
