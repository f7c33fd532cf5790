package run

import (
	"context"
	"fmt"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/attempt"
	"github.com/hindcast/hindcast/internal/iceberg"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// tables are the Iceberg tables over the results that the lake keeps, by target.
type tables struct {
	run string
	of  map[string]*iceberg.Table
}

var _ attempt.Tables = (*tables)(nil)

// newTables are the pipeline's; nil where it does not ask for any.
func newTables(s *session.Session, p *plan.Plan, fence int64) *tables {
	if p.Pipeline.Results.Keep != hindcast.KeepIceberg || p.UnloadOnly {
		return nil
	}
	t := &tables{run: p.Run, of: map[string]*iceberg.Table{}}
	for _, target := range p.Pipeline.Targets() {
		t.of[target] = &iceberg.Table{Store: s.Store, Root: s.Lake.ResultsPrefix(target), Pipeline: p.Pipeline.Name, Target: target, Fence: fence,
			May: s.Lake.May, Pinned: s.Lake.PinnedMetadata, Now: time.Now}
	}
	return t
}

// Check is attempt.Tables'.
func (t *tables) Check(ctx context.Context, target string, columns []hindcast.Column) error {
	return t.of[target].Check(ctx, columns)
}

// Reconcile is attempt.Tables'.
func (t *tables) Reconcile(ctx context.Context, target string, all map[string]*hindcast.Manifest) error {
	return t.of[target].Reconcile(ctx, t.run, all)
}

// Publish is attempt.Tables'.
func (t *tables) Publish(ctx context.Context, target string, now map[string]*hindcast.Manifest) error {
	return t.of[target].Publish(ctx, t.run, now)
}

// expire takes old snapshots out of the tables, and deletes the data that only they had. The log says what went.
func (a *active) expire(ctx context.Context, t *tables, p *plan.Plan) {
	if t == nil {
		return
	}
	for _, target := range p.Pipeline.Targets() {
		swept, err := t.of[target].Expire(ctx, time.Now().Add(-p.Pipeline.Results.Expire))
		data := 0
		if err == nil && swept.Named != nil {
			data, err = a.session.Lake.PruneResults(ctx, target, a.claim.fence(), swept.Named)
		}
		if swept.Snapshots+swept.Files+data > 0 {
			_, _ = fmt.Fprintf(a.log, "%s the Iceberg table of %s: %d snapshots expired, %d files of metadata and %d generations of results deleted\n",
				time.Now().Format(time.TimeOnly), target, swept.Snapshots, swept.Files, data)
		}
		a.log.note("expiring snapshots of "+target, err)
	}
}
