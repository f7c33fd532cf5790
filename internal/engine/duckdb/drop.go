package duckdb

import (
	"context"
	"os"
	"path/filepath"

	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// drop leaves out of the staged rows those that do not lie in the slice, and counts them. Mostly there are none, which the statistics of
// the file say; where there are, what is left is written once more.
func (r *Runner) drop(ctx context.Context, work engine.Work, staged duck.Copied) (duck.Copied, int64, error) {
	if len(staged.Files) == 0 || within(staged.Columns, work) {
		return staged, 0, nil
	}

	all := duck.FromParquet(work.Columns, paths(staged))
	var outside int64
	count := "SELECT count(*) FILTER (WHERE (" + window(work) + ") IS NOT TRUE) FROM (" + all + ")"
	if err := r.conn.QueryRowContext(ctx, count).Scan(&outside); err != nil {
		return staged, 0, duck.Translate(err)
	}
	if outside == 0 {
		return staged, 0, nil
	}

	beside := filepath.Join(work.Dir, "inside")
	if err := os.Mkdir(beside, 0o700); err != nil {
		return staged, 0, duck.Translate(err)
	}
	kept, err := duck.Copy(ctx, r.conn, "SELECT "+duck.EncodeCast(work.Columns)+" FROM ("+all+") AS result WHERE "+window(work), beside)
	if err != nil {
		return staged, 0, err
	}
	return kept, outside, replace(staged, kept, work.Dir, beside)
}

// replace puts the files that were written beside the staged ones into their place.
func replace(staged, kept duck.Copied, dir, beside string) error {
	for _, f := range staged.Files {
		if err := os.Remove(f.Path); err != nil {
			return duck.Translate(err)
		}
	}
	for i := range kept.Files {
		path := filepath.Join(dir, filepath.Base(kept.Files[i].Path))
		if err := os.Rename(kept.Files[i].Path, path); err != nil {
			return duck.Translate(err)
		}
		kept.Files[i].Path = path
	}
	if err := os.Remove(beside); err != nil {
		return duck.Translate(err)
	}
	return duck.Sync(dir)
}
