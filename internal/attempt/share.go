package attempt

import (
	"context"
	"errors"
	"fmt"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Claims keep two pipelines from unloading the same unit at the same time.
type Claims interface {
	// Claim returns whether another pipeline has unloaded the unit, as done says, which is asked again and again; if not, the unit is ours to
	// unload until release is called. While somebody unloads these columns of it, or more, Claim waits, and says for whom.
	Claim(ctx context.Context, key string, columns []string, done func(context.Context) (bool, error), waits func(who string)) (is bool, release func(), err error)
}

// sharing takes the unit from another pipeline that has unloaded it, or unloads it. What was damaged here may be damaged there too, where it is the
// same file: it is unloaded.
func (s *Steps) sharing(ctx context.Context, u *unit, current, m *hindcast.Manifest, extract warehouse.Extract, waits func(fact, who string)) error {
	unload := func() error { return s.generate(ctx, current, m, extract) }
	if s.claims == nil || s.plan.Access == "" || m.Missing || u.damage != nil {
		return unload()
	}
	columns := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		columns[i] = c.Name
	}
	waiting := false
	done, release, err := s.claims.Claim(ctx, lake.ClaimKey(m), columns,
		func(ctx context.Context) (bool, error) {
			if waiting { // it may be the first unit that the other one has
				s.others.Forget()
			}
			return s.take(ctx, u, current, m, extract)
		},
		func(who string) {
			waiting = true
			waits(m.Name, fmt.Sprintf("%s is unloading %s of %s", who, s.plan.UnitLabel(m.Name, m.Key), m.Source))
		})
	if err != nil {
		return err
	}
	defer release()
	if done {
		return nil
	}
	return unload()
}

// take looks for a generation of another pipeline that can take the place of the unload, and makes it the unit's: the one that the plan names, or one
// that came since.
func (s *Steps) take(ctx context.Context, u *unit, current, m *hindcast.Manifest, extract warehouse.Extract) (bool, error) {
	unit := lake.Unit{Fact: m.Name, Key: m.Key}
	found, err := s.others.Of(ctx, []lake.Wanted{{Unit: unit, Source: m.Source}})
	if err != nil {
		return false, err
	}
	fact := s.fact(m.Name)
	for _, of := range found[unit] {
		planned := u.plan.Shared
		named := planned != nil && planned.Pipeline == of.Shared.Pipeline && planned.Fact == of.Shared.Fact && planned.Unloaded.Equal(of.CreatedAt)
		if !named && !s.plan.AsNew(&u.plan, of) || !u.plan.Serves(of, fact, current, s.plan.Database, s.plan.Access) {
			continue
		}
		if s.refuseLoss(current, of) != nil {
			continue // the unload says so
		}
		if of.Strays == nil || !of.Strays.Within.Equal(s.reach[reachKey{m.Name, m.Source}]) { // they are rows of no slice of the other one
			of.Strays = s.straysOfTable(ctx, m, extract)
		}
		share, began := *m, s.now()
		err := s.lake.Share(ctx, &share, of)
		if err == nil {
			*m, u.cloned = share, s.now().Sub(began)
			return true, nil
		}
		if !errors.Is(err, lake.ErrNotShared) {
			return false, err
		}
	}
	return false, nil
}
