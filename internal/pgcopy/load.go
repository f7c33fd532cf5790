package pgcopy

import (
	"context"

	"github.com/hindcast/hindcast"
)

func load(ctx context.Context, fields []Field, files []string, o Options, to Target) (hindcast.Sums, error) {
	panic("not yet")
}
