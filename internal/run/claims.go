package run

import (
	"context"

	"github.com/hindcast/hindcast/internal/attempt"
	"github.com/hindcast/hindcast/internal/lease"
)

// claims says for a run's attempts which units it unloads, while it does, to the lake's other pipelines.
type claims struct{ claim *claim }

var _ attempt.Claims = claims{}

// Claim claims a unit: see attempt.Claims.
func (c claims) Claim(ctx context.Context, key string, columns []string, done func(context.Context) (bool, error), waits func(who string)) (bool, func(), error) {
	s := c.claim.session
	ours := lease.Claim{Pipeline: s.Pipeline.Name, Run: c.claim.run, Fence: c.claim.fence(), Columns: columns}
	return ours.Take(ctx, s.Store, key, lease.Claiming{Done: done,
		Serves:  func(by lease.Claim) bool { return by.Covers(columns) },
		Waiting: func(by lease.Claim) { waits("run " + by.Run + " of " + by.Pipeline) }})
}
