package survey

import (
	"context"

	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
)

// lend finds what other pipelines of the lake have of the units that are due.
func (s *Survey) lend(ctx context.Context, d *plan.Draft) error {
	due := d.Due()
	wanted := make([]lake.Wanted, len(due))
	for i, u := range due {
		wanted[i] = lake.Wanted{Unit: lake.Unit{Fact: u.Fact, Key: u.Key}, Source: u.Source}
	}
	found, err := s.Lake.Others().Of(ctx, wanted)
	if err != nil {
		return err
	}
	for i, u := range due {
		d.Lend(u, found[wanted[i].Unit])
	}
	return nil
}
