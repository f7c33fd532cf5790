package attempt

import (
	"context"
	"errors"
	"fmt"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// damaged is the failure of an attempt for bytes of the lake that are not what was written. The next attempt makes them
// again: it unloads, or transforms.
type damaged struct {
	fault *hindcast.Error
	from  hindcast.Step // with which the next attempt begins
	first bool          // the bytes were made again for no damage before
}

func (d *damaged) Error() string { return d.fault.Error() }
func (d *damaged) Unwrap() error { return d.fault }

// Uncounted says that the attempt counts for no retry: see supervisor.Uncounted. A disk that damages what is made again counts.
func (d *damaged) Uncounted() bool { return d.first }

// Rewind is the step with which the next attempt begins: see supervisor.Rewinding.
func (d *damaged) Rewind() hindcast.Step { return d.from }

// isDamage reports whether an error is of a file that is not what was written, or not there.
func isDamage(err error) bool {
	return err != nil && hindcast.AsError(err).Code == hindcast.EParquet
}

// healing is the fault, as one that heals: there is nothing for anybody to do.
func healing(fault *hindcast.Error, how string) *hindcast.Error {
	e := *fault
	e.Class, e.Next = hindcast.ClassTransient, ""
	e.Message += "; " + how
	return &e
}

// heal finds out which of a table's files are damaged, and has the next attempt unload them again. found is the error that
// they were met with.
func (s *Steps) heal(ctx context.Context, item plan.Item, table string, columns []string, found error) error {
	if !isDamage(found) {
		return found
	}
	keys := item.Units.Of(table)
	if keys == nil {
		return s.healDimension(ctx, table, found)
	}

	var some *damaged
	for _, key := range keys {
		u := s.units[unitKey{table, key}]
		d, err := s.inspect(ctx, u, columns)
		if err != nil {
			return err
		}
		if d != nil && some != nil {
			d.first = d.first && some.first
		}
		if d != nil {
			some = d
		}
	}
	if some == nil { // it was wrong once, and is not now
		return healing(hindcast.AsError(found), "it is read again")
	}
	return some
}

// suspect looks for damage in all that a slice reads, where the engine met some in bytes that nobody had compared.
func (s *Steps) suspect(ctx context.Context, item plan.Item, found error) error {
	if s.exchange.Compared() || !isDamage(found) {
		return found
	}
	var tables []string
	for _, need := range item.Units {
		tables = append(tables, need.Fact)
	}
	for _, d := range s.plan.Pipeline.Dims {
		tables = append(tables, d.Name)
	}

	for _, table := range tables {
		files, _, _, err := s.files(item, table)
		if err != nil {
			return err
		}
		_, release, err := s.lake.Localize(ctx, files, nil)
		if err != nil {
			return s.heal(ctx, item, table, nil, err)
		}
		release()
	}
	return found
}

// inspect reads a unit's files once more. One that is damaged is not in the lake any more, as far as this run goes.
func (s *Steps) inspect(ctx context.Context, u *unit, columns []string) (*damaged, error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.manifest != nil {
		_, release, err := s.lake.Localize(ctx, u.manifest.Files, columns)
		if err == nil {
			release()
			return nil, nil
		}
		if !isDamage(err) {
			return nil, err
		}
		u.manifest, u.damage, u.tidy = nil, hindcast.AsError(err), false
		u.damages++
	}
	return u.damaged(), nil
}

// damaged says why the unit is not in the lake, if it was damaged. Its mutex is held.
func (u *unit) damaged() *damaged {
	if u.manifest != nil || u.damage == nil {
		return nil
	}
	return &damaged{fault: healing(u.damage, "it is unloaded again"), from: hindcast.StepUnload, first: u.damages == 1}
}

// absent is why units that a slice needs are not in the lake.
func (s *Steps) absent(fact string, keys []string) error {
	for _, key := range keys {
		u := s.units[unitKey{fact, key}]
		if u == nil {
			continue
		}
		u.mutex.Lock()
		d := u.damaged()
		u.mutex.Unlock()
		if d != nil {
			return d
		}
	}
	return errors.New("a unit of " + fact + " is not in the lake")
}

// beyondRepair is the failure to unload again what was damaged. A transient error is returned as is.
func beyondRepair(damage *hindcast.Error, accept string, err error) error {
	e := hindcast.AsError(err)
	if e.Class != hindcast.ClassPermanent {
		return err
	}
	return &hindcast.Error{Code: damage.Code, Class: hindcast.ClassPermanent, Cause: err, Detail: e.Detail,
		Message: fmt.Sprintf("%s; and it cannot be unloaded again: %s", damage.Message, e.Message),
		Next:    "put the file back from a backup; or, to go on with what the source has now: hindcast unload --fresh --accept-loss --slices " + accept}
}

// healDimension unloads a dimension again in the middle of a run, if it is still the one that is damaged.
func (s *Steps) healDimension(ctx context.Context, name string, found error) error {
	s.healing.Lock()
	defer s.healing.Unlock()
	for _, d := range s.plan.Dims {
		current := s.dim(name)
		if d.Name != name || len(d.Files) > 0 || current == nil {
			continue
		}
		_, release, err := s.lake.Localize(ctx, current.Files, nil)
		if err == nil { // another slice had it unloaded
			release()
			return &damaged{fault: healing(hindcast.AsError(found), "it is read again"), from: hindcast.StepTransform, first: s.dimDamages[name] <= 1}
		}
		if !isDamage(err) {
			return err
		}
		if err := s.replaceDimension(ctx, d, current, hindcast.AsError(err)); err != nil {
			return err
		}
		return &damaged{fault: healing(hindcast.AsError(err), "dimension "+name+" was unloaded again"),
			from: hindcast.StepTransform, first: s.dimDamages[name] == 1}
	}
	return found
}

// replaceDimension unloads a dimension whose files are damaged again. Its rows have to be the same: else some slices of the
// run would be of other rows than the rest.
func (s *Steps) replaceDimension(ctx context.Context, d plan.DimItem, current *hindcast.Manifest, damage *hindcast.Error) error {
	m, err := s.dimension(ctx, d, current)
	if err != nil {
		return beyondRepair(damage, "all", err)
	}
	if !m.Sums.Agrees(current.Sums) {
		return &hindcast.Error{Code: damage.Code, Class: hindcast.ClassPermanent, Cause: damage,
			Message: fmt.Sprintf("%s; dimension %s was unloaded again, and has other rows now than this run began with", damage.Message, d.Name),
			Next:    "begin again with: hindcast run"}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.dims[d.Name] = m
	s.dimDamages[d.Name]++
	return nil
}

// refuse says that staged results of a slice are not to be loaded: the next attempt transforms again.
func (s *Steps) refuse(staged []*hindcast.Manifest, fault *hindcast.Error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key := staged[0].Key
	for _, m := range staged {
		s.refused[stagedAs(m)] = true
	}
	s.refusals[key]++
	return &damaged{fault: healing(fault, "it is made again"), from: hindcast.StepTransform, first: s.refusals[key] == 1}
}

// stagedAs names the attempt that staged an output's result.
func stagedAs(m *hindcast.Manifest) string {
	return fmt.Sprintf("%s %q f%d a%d", m.Key, m.Output, m.Fence, m.Attempt)
}

// sameDimensions keeps a resume from making slices of a dimension that has other rows than when the run's committed slices
// were made: it was unloaded again since, because it was damaged or for another run.
func (s *Steps) sameDimensions() error {
	var done []hindcast.Committed
	left := false
	targets := s.plan.Pipeline.Targets()
	for _, item := range s.plan.Items {
		ours := 0
		for _, target := range targets {
			if row, found := s.committed[rowKey{target, item.Slice.Key}]; found && row.Run == s.plan.Run {
				done = append(done, row)
				ours++
			}
		}
		left = left || ours == 0 && item.Reason.Runs()
	}
	if !left {
		return nil
	}

	for _, row := range done {
		for _, d := range s.plan.Dims {
			now, was := s.dims[d.Name], row.Parts.Dims[d.Name]
			if now == nil || was == "" {
				continue
			}
			before := now.Sums
			before.Content = was
			if !before.Agrees(now.Sums) {
				return &hindcast.Error{Code: hindcast.ESource, Class: hindcast.ClassPermanent,
					Message: fmt.Sprintf("dimension %s has other rows now than those that this run made %s of", d.Name, s.plan.Label(row.Slice.Key)),
					Next:    "begin again with: hindcast run"}
			}
		}
	}
	return nil
}
