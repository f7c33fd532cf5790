package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Seed opens the pipeline's warehouse to make tables in it, for the demo.
func Seed(ctx context.Context, p *hindcast.Pipeline, log io.Writer, do func(seed func(context.Context, warehouse.Seed) error) error) (err error) {
	spill, err := os.MkdirTemp("", "hindcast-")
	if err != nil {
		return fmt.Errorf("making a folder to spill to: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(spill)) }()
	w, err := drivers.Warehouse(ctx, p, drivers.WarehouseOptions{Spill: spill, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	seeder, ok := w.(warehouse.Seeder)
	if !ok {
		return fmt.Errorf("making tables: %s cannot", w.Properties().Name)
	}
	return do(seeder.Seed)
}
