package pgcopy

import (
	"context"

	"github.com/hindcast/hindcast"
)

func unload(ctx context.Context, fields []Field, sources []Source, o Options) ([]hindcast.File, hindcast.Sums, error) {
	panic("not yet")
}

func sum(ctx context.Context, fields []Field, sources []Source) (hindcast.Sums, error) {
	panic("not yet")
}

func load(ctx context.Context, fields []Field, files []string, o Options, to Target) (hindcast.Sums, error) {
	panic("not yet")
}
