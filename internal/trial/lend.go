package trial

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
)

// lend puts what the pipeline's lake has for the slices into the lake aside: manifests that name the files where they are,
// until release is called. What it does not have is left to the first attempt's unload.
func (t *trial) lend(ctx context.Context) (release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	units := make([]lake.Unit, len(t.plan.Units))
	for i, u := range t.plan.Units {
		units[i] = lake.Unit{Fact: u.Fact, Key: u.Key}
	}
	facts, dims, err := t.session.Lake.CurrentOf(ctx, units)
	if err != nil {
		return release, err
	}

	publish := func(m *hindcast.Manifest) error {
		let, err := t.borrow(ctx, m)
		if err == nil {
			releases = append(releases, let)
		}
		return err
	}
	for i := range t.plan.Units {
		u := &t.plan.Units[i]
		if m := facts[u.Fact][u.Key]; len(u.Files) == 0 && m != nil && t.serves(u, m) {
			u.Unload = false
			if err := publish(m); err != nil {
				return release, err
			}
		}
	}
	for i := range t.plan.Dims {
		d := &t.plan.Dims[i]
		if m := dims[d.Name]; len(d.Files) == 0 && m != nil && (!d.Unload || m.Source == d.Source && has(m, plan.Extracted(d.Columns, d.Keep))) {
			d.Unload = false
			if err := publish(m); err != nil {
				return release, err
			}
		}
	}
	return release, nil
}

// serves reports whether the lake's copy of a unit can be used, also where a run would unload it again because it is not settled.
func (t *trial) serves(u *plan.Unit, m *hindcast.Manifest) bool {
	if !u.Unload {
		return true
	}
	i := slices.IndexFunc(t.plan.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Name == u.Fact })
	return !m.Missing && !plan.FromElsewhere(m, t.plan.Database) && u.Matches(m, t.plan.Pipeline.Facts[i]) && has(m, plan.Extracted(u.Columns, u.Keep))
}

// has reports whether a manifest has columns, of their types.
func has(m *hindcast.Manifest, columns []hindcast.Column) bool {
	return !slices.ContainsFunc(columns, func(c hindcast.Column) bool {
		return !slices.ContainsFunc(m.Columns, func(is hindcast.Column) bool { return is.Name == c.Name && is.Type == c.Type })
	})
}

// borrow publishes a manifest of files that stay where they are.
func (t *trial) borrow(ctx context.Context, m *hindcast.Manifest) (release func(), err error) {
	paths, release, err := t.session.Lake.Exchange(t.where == OnGlue).Localize(ctx, m.Files, nil)
	if err != nil {
		return nil, err
	}
	copied := *m
	copied.Files = slices.Clone(m.Files)
	for i := range copied.Files {
		if copied.Files[i].Path = paths[i]; !strings.Contains(paths[i], "://") {
			copied.Files[i].Path = filepath.Clean(paths[i])
		}
	}
	if err := t.lake.PublishUnit(ctx, &copied); err != nil {
		release()
		return nil, err
	}
	return release, nil
}
