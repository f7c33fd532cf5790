package lake

import (
	"context"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Sweep removes what writers that died left below the pipeline's own prefixes, and among the claims, and that no list shows: of a fact that has many
// units, in the folders of those that are given. The caller holds the pipeline's lease.
func (l *Lake) Sweep(ctx context.Context, units []Unit) error {
	sweeper, ok := l.store.(objstore.Sweeper)
	if !ok {
		return nil
	}

	data := objstore.Escape(l.pipeline) + "/"
	many, err := l.manyUnits(ctx, data+"facts/")
	if err != nil {
		return err
	}
	if err := l.manyFolders(ctx, data+"results/", many); err != nil {
		return err
	}

	given := map[string]bool{}
	for _, u := range units {
		given[strings.TrimSuffix(l.unitPrefix(u.Fact, u.Key), "/")] = true
	}

	into := func(folder string) bool { return !many[folder[:strings.LastIndexByte(folder, '/')+1]] || given[folder] }

	for _, prefix := range []string{Bookkeeping(l.pipeline), data, ClaimsPrefix} {
		if err := sweeper.Sweep(ctx, prefix, into); err != nil {
			return broken(l.Absolute(prefix), "cannot be swept", err)
		}
	}
	return nil
}

// manyUnits are the prefixes of the facts that have many units: those that have an index, and others that have as many folders.
func (l *Lake) manyUnits(ctx context.Context, below string) (map[string]bool, error) {
	indexes, err := l.store.List(ctx, l.indexPrefix())
	if err != nil {
		return nil, broken(l.Absolute(l.indexPrefix()), "cannot be listed", err)
	}

	many := map[string]bool{}
	for _, index := range indexes {
		many[below+strings.TrimPrefix(index.Key, l.indexPrefix())+"/"] = true
	}

	return many, l.manyFolders(ctx, below, many)
}

// manyFolders adds the prefixes, one level below, that have many folders.
func (l *Lake) manyFolders(ctx context.Context, below string, many map[string]bool) error {
	names, err := objstore.Folders(ctx, l.store, below)
	if err != nil {
		return broken(l.Absolute(below), "cannot be listed", err)
	}

	for _, name := range names {
		prefix := below + name + "/"
		if many[prefix] {
			continue
		}

		folders, err := objstore.Folders(ctx, l.store, prefix)
		if err != nil {
			return broken(l.Absolute(prefix), "cannot be listed", err)
		}
		many[prefix] = len(folders) >= l.indexed()
	}
	return nil
}

// Previous returns the prefixes where loads of the run under lower fences keep, or kept, the rows that they replaced.
func (l *Lake) Previous(ctx context.Context, run string, fence int64) ([]string, error) {
	below := l.RunPrefix(run) + "previous/"
	attempts, err := l.area.attempts(ctx, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}
	return slices.DeleteFunc(attempts, func(prefix string) bool { return fenceOf(strings.TrimSuffix(prefix, "/")) >= fence }), nil
}

// Staged returns the prefixes where attempts of the run under this fence or lower ones staged.
func (l *Lake) Staged(ctx context.Context, run string, fence int64) ([]string, error) {
	below := l.RunPrefix(run) + "staging/"
	attempts, err := l.area.attempts(ctx, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}
	return slices.DeleteFunc(attempts, func(prefix string) bool { return fenceOf(strings.TrimSuffix(prefix, "/")) > fence }), nil
}

// Unfenced is an attempt's prefix without its fence, as events distinguish attempts.
func Unfenced(prefix string) string {
	begin := strings.LastIndexByte(strings.TrimSuffix(prefix, "/"), '/') + 1
	folder := prefix[begin:]
	if fence, attempt, ok := strings.Cut(folder, "-"); ok && strings.HasPrefix(fence, "f") {
		folder = attempt
	}
	return prefix[:begin] + folder
}
