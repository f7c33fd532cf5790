package lake

import (
	"context"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Sweep removes what writers that died left below the pipeline's own prefixes and that no list shows. The caller
// holds the pipeline's lease.
func (l *Lake) Sweep(ctx context.Context) error {
	sweeper, ok := l.store.(objstore.Sweeper)
	if !ok {
		return nil
	}
	for _, prefix := range []string{Bookkeeping(l.pipeline), objstore.Escape(l.pipeline) + "/"} {
		if err := sweeper.Sweep(ctx, prefix); err != nil {
			return broken(l.Absolute(prefix), "cannot be swept", err)
		}
	}
	return nil
}

// Previous returns the prefixes where loads of the run keep, or kept, the rows that they replaced.
func (l *Lake) Previous(ctx context.Context, run string) ([]string, error) {
	var found []string
	below := l.RunPrefix(run) + "previous/"
	keys, err := objstore.Folders(ctx, l.store, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}
	for _, key := range keys {
		attempts, err := objstore.Folders(ctx, l.store, below+key+"/")
		if err != nil {
			return nil, broken(l.Absolute(below+key), "cannot be listed", err)
		}
		for _, attempt := range attempts {
			found = append(found, below+key+"/"+attempt+"/")
		}
	}
	return found, nil
}
