package lake

import (
	"context"
	"errors"
	"runtime"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/parallel"
)

// Localizer makes files of a remote lake readable by programs that open plain files. Safe for use by many
// goroutines.
type Localizer interface {
	// Localize returns a path for each of the files, in their order. Only the named columns will be read of them; nil
	// means all. The paths are good until release is called, once; it is nil after an error. E-PARQUET if a file is not
	// there or not what its manifest says.
	Localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error)
	// Adopt takes over a local copy of a file that was just uploaded, to keep or to remove. Best effort.
	Adopt(ctx context.Context, f hindcast.File, path string)
}

// Localize returns a path that programs on this machine can open for each of the files, in their order, as
// Localizer.Localize does. What lies in a folder lake, or is the user's own, is where it is; the former is compared with
// its checksums when it is first read (promise 8), the latter has none.
func (l *Lake) Localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error) {
	var own []hindcast.File
	var at []int
	paths = make([]string, len(files))

	for i, f := range files {
		if foreign(f.Path) {
			paths[i] = f.Path
			continue
		}
		own, at = append(own, f), append(at, i)
	}

	if len(own) == 0 {
		return paths, func() {}, ctx.Err()
	}

	found, release, err := l.area.localize(ctx, own, columns)
	if err != nil {
		return nil, nil, err
	}

	for i, path := range found {
		paths[at[i]] = path
	}

	return paths, release, nil
}

// CheckDim compares the files of a dimension's current generation with their checksums, if programs on this machine read them
// where they lie: others are compared when they are fetched. E-PARQUET names the first that is not what was written.
func (l *Lake) CheckDim(ctx context.Context, dim string) error { return l.area.checkDim(ctx, dim) }

// Choosy reports whether it pays to find out which columns are read, of so many bytes: only those are fetched, or compared.
func (l *Lake) Choosy(bytes int64) bool { return l.area.choosy(bytes) }

// compare compares the columns of files in a folder lake, nil being all, with their checksums. E-PARQUET names the first
// file that is not what was written.
func (l *Lake) compare(ctx context.Context, files []hindcast.File, columns []string) error {
	return parallel.Do(len(files), runtime.GOMAXPROCS(0), func(n int) error {
		f := files[n]
		if err := ctx.Err(); err != nil {
			return err
		}

		path := l.Absolute(f.Path)
		err := l.checker.Check(path, f, columns)
		if damage, is := errors.AsType[*chunks.DamageError](err); is {
			return badParquet(path, damage.What)
		}

		if err != nil {
			return broken(path, "cannot be read", err)
		}
		return nil
	})
}
