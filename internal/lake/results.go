package lake

import (
	"context"
	"errors"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Results are the results that the lake keeps of what is committed in the target, by slice key: of some slices, or of all if no
// keys are given.
func (l *Lake) Results(ctx context.Context, target string, keys ...string) (map[string]*hindcast.Manifest, error) {
	infos := make([]objstore.Info, len(keys))
	for i, key := range keys {
		infos[i].Key = l.keptKey(target, key)
	}
	if len(keys) == 0 {
		var err error
		if infos, err = l.store.List(ctx, l.keptPrefix(target)); err != nil {
			return nil, broken("the catalog", "cannot be listed", err)
		}
	}

	entries, err := l.readEntries(ctx, infos)
	if err != nil {
		return nil, err
	}

	kept := make(map[string]*hindcast.Manifest, len(entries))
	for _, m := range entries {
		if m != nil {
			kept[m.Key] = m
		}
	}
	return kept, nil
}

// KeepResult makes a staged result the current generation of its slice. The rows of it have to be committed in m's Target. Its files
// are where Prefix says: they are not written again. Repeating it does no harm. Errors are as PublishUnit's.
func (l *Lake) KeepResult(ctx context.Context, m *hindcast.Manifest) error {
	return l.publish(ctx, m, func() error {
		prefix := l.Prefix(m)
		for _, f := range m.Files {
			if !strings.HasPrefix(f.Path, prefix) {
				return errors.New("keeping a result: " + f.Path + " is not below " + prefix)
			}
		}
		if err := l.VerifySizes(ctx, m); err != nil {
			return err
		}
		return l.writeManifest(ctx, prefix, m, m)
	})
}

// LetGo takes a kept result out of the catalog, because its rows are not in the target any more, and deletes its generations: all that
// are not pinned, under this fence or a lower one. One that was kept in its place under a higher fence is another run's, and an error.
// The entry goes last, so that a call that ends before can be repeated.
func (l *Lake) LetGo(ctx context.Context, m *hindcast.Manifest, fence int64) error {
	key := l.keptKey(m.Target, m.Key)
	current, _, err := l.entry(ctx, key)
	if err != nil {
		return err
	}
	if current != nil && current.Fence > fence {
		return overtaken(&hindcast.Manifest{Name: m.Name, Key: m.Key, Generation: m.Generation, Fence: fence}, current)
	}
	if err := l.may(ctx); err != nil {
		return err
	}

	if err := l.deleteResults(ctx, l.resultPrefix(m.Target, m.Key), fence); err != nil {
		return err
	}
	if err := l.store.Delete(ctx, key); err != nil {
		return broken(l.Absolute(key), "cannot be deleted", err)
	}
	return nil
}

// deleteResults deletes the finished generations below a slice's prefix that are not pinned, under this fence or a lower one.
func (l *Lake) deleteResults(ctx context.Context, below string, fence int64) error {
	pinned, err := l.pinned(ctx)
	if err != nil {
		return err
	}
	folders, err := objstore.Folders(ctx, l.store, below)
	if err != nil {
		return broken(l.Absolute(below), "cannot be listed", err)
	}

	for _, folder := range folders {
		prefix := below + folder + "/"
		if generationOf(folder) == 0 || pinned[prefix] || fenceOf(folder) > fence {
			continue
		}
		whole, err := l.finished(ctx, prefix)
		if err != nil {
			return err
		}
		if !whole { // an attempt's, which may be under way
			continue
		}
		if err := l.store.DeleteAll(ctx, prefix); err != nil {
			return broken(l.Absolute(prefix), "cannot be deleted", err)
		}
	}
	return nil
}

// PruneResult is Prune for a slice's kept results.
func (l *Lake) PruneResult(ctx context.Context, target, slice string, fence int64, keep map[int]bool) ([]string, error) {
	return l.prune(ctx, l.keptKey(target, slice), l.resultPrefix(target, slice), fence, keep)
}
