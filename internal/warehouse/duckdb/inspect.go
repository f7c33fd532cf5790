package duckdb

import (
	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Hidden is nothing: DuckDB knows no rights.
func (w *Owner) Hidden(context.Context) ([]string, error) { return nil, nil }

// Advise is nothing: who opens the file may do everything, and DuckDB has neither triggers nor foreign keys that act.
func (w *Owner) Advise(context.Context, []string, hindcast.Target) ([]string, error) { return nil, nil }

// Marks are none: DuckDB does not count changes.
func (w *Owner) Marks(context.Context, []string) (map[string]hindcast.Mark, error) { return nil, nil }

// Spell changes nothing: hindcast spells types as DuckDB does.
func (w *Owner) Spell(_ context.Context, columns []hindcast.Column) ([]hindcast.Column, error) {
	return columns, nil
}

// Hash is Sum, which reads every value.
func (w *Owner) Hash(ctx context.Context, x warehouse.Extract) (hindcast.Sums, error) {
	return w.Sum(ctx, x)
}
