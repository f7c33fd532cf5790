package launch

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/attempt"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// attempter is what the supervisor needs, made of the steps of package attempt.
type attempter struct {
	steps    *attempt.Steps
	log      io.Writer
	far      bool // the lake is no folder of this machine's
	discards sync.WaitGroup
}

// discardTime bounds a discard that nobody waits for.
const discardTime = 30 * time.Second

var _ supervisor.Attempter = (*attempter)(nil)

func (a *attempter) Unload(ctx context.Context, try supervisor.Try, report supervisor.Report) error {
	return a.steps.Unload(ctx, try.Item, try.Attempt, func(m *hindcast.Manifest) {
		report(hindcast.Event{Type: hindcast.EventStepFinished, Fact: m.Name, Rows: m.Sums.Rows, Bytes: m.Bytes, Seconds: m.Seconds, Manifest: m})
	})
}

func (a *attempter) Fingerprint(ctx context.Context, try supervisor.Try) (string, bool, error) {
	return a.steps.Fingerprint(ctx, try.Item)
}

func (a *attempter) Transform(ctx context.Context, try supervisor.Try, _ supervisor.Report) (supervisor.Staged, error) {
	m, memory, err := a.steps.Transform(ctx, try.Item, try.Attempt, try.Alone)
	rows, bytes := a.steps.Reads(try.Item)
	return supervisor.Staged{Manifest: m, Memory: memory, RowsIn: rows, BytesIn: bytes}, err
}

func (a *attempter) Stage(ctx context.Context, try supervisor.Try, result *hindcast.Manifest) error {
	return a.steps.Stage(ctx, try.Item, try.Attempt, result)
}

func (a *attempter) Reusable(ctx context.Context, staged *hindcast.Manifest) bool {
	return a.steps.Reusable(ctx, staged)
}

func (a *attempter) Load(ctx context.Context, try supervisor.Try, staged *hindcast.Manifest) (hindcast.Committed, error) {
	return a.steps.Load(ctx, try.Item, try.Attempt, try.Fingerprint, staged)
}

func (a *attempter) Lookup(ctx context.Context, try supervisor.Try) (*hindcast.Committed, error) {
	return a.steps.Lookup(ctx, try.Item, try.Fingerprint)
}

// Discard is best effort: what stays is below the run's own prefix, and named in its log. Where the lake is far away,
// the next slice's load need not wait for it.
func (a *attempter) Discard(ctx context.Context, try supervisor.Try) {
	if !a.far {
		a.discard(ctx, try)
		return
	}
	a.discards.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
		defer cancel()
		a.discard(ctx, try)
	})
}

func (a *attempter) discard(ctx context.Context, try supervisor.Try) {
	if err := a.steps.Discard(ctx, try.Item, try.Attempt); err != nil {
		_, _ = fmt.Fprintf(a.log, "%s discarding attempt %d of %s: %v\n", time.Now().Format(time.TimeOnly), try.Attempt, try.Item.Slice.Key, err)
	}
}
