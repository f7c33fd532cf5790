package diff

import (
	"context"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
)

// unlike are the columns that have no other on the other side, or one of another type.
func unlike(before, after []hindcast.Column) (differ []view.DiffColumn) {
	for _, is := range after {
		switch was, there := named(before, is.Name); {
		case !there:
			differ = append(differ, view.DiffColumn{Name: is.Name, After: is.Type})
		case was.Type != is.Type:
			differ = append(differ, view.DiffColumn{Name: is.Name, Before: was.Type, After: is.Type})
		}
	}
	for _, was := range before {
		if _, there := named(after, was.Name); !there {
			differ = append(differ, view.DiffColumn{Name: was.Name, Before: was.Type})
		}
	}
	return differ
}

// named is the column of a name, in whatever case.
func named(columns []hindcast.Column, name string) (hindcast.Column, bool) {
	i := slices.IndexFunc(columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return hindcast.Column{}, false
	}
	return columns[i], true
}

// computed are the columns that the SQL of both runs gives differently. The target does not show that: a column that the SQL gives no more is there
// all the same, with what stands for nothing.
func (d *differ) computed(ctx context.Context, target string, t task) ([]view.DiffColumn, error) {
	before, err := d.result(ctx, t.before.by, target)
	if err != nil || before == nil {
		return nil, err
	}
	after, err := d.result(ctx, t.after.by, target)
	if err != nil || after == nil {
		return nil, err
	}
	return unlike(before, after), nil
}

// result are the columns that a run has computed for a target; nil if that is not known.
func (d *differ) result(ctx context.Context, run, target string) ([]hindcast.Column, error) {
	p, known := d.plans[run]
	if !known {
		var err error
		if p, err = d.session.Frozen(ctx, run); err != nil && !session.Lost(err) {
			return nil, err
		}
		d.plans[run] = p
	}
	if p == nil || len(p.Outputs) != len(p.Pipeline.Outputs) {
		return nil, nil
	}
	if k := slices.Index(p.Pipeline.Targets(), target); k >= 0 {
		return p.Outputs[k].Result, nil
	}
	return nil, nil
}
