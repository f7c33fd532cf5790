package lake

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
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

// LetGo takes a kept result out of the catalog, because its rows are not in the target any more. If its files are to go too, it deletes all
// generations that are not pinned, under this fence or a lower one; those that are pinned go once no table points at them. One that was
// kept in its place under a higher fence is another run's, and an error. The entry goes last, so that a call that ends before can be repeated.
func (l *Lake) LetGo(ctx context.Context, m *hindcast.Manifest, fence int64, files bool) error {
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

	if files {
		if err := l.deleteResults(ctx, l.resultPrefix(m.Target, m.Key), fence); err != nil {
			return err
		}
	}
	if err := l.store.Delete(ctx, key); err != nil {
		return broken(l.Absolute(key), "cannot be deleted", err)
	}
	return nil
}

// deleteResults deletes the finished generations below a slice's prefix that are not pinned, under this fence or a lower one, and notes
// those that are.
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
		if generationOf(folder) == 0 || fenceOf(folder) > fence {
			continue
		}
		whole, err := l.finished(ctx, prefix)
		if err != nil {
			return err
		}
		if !whole { // an attempt's, which may be under way
			continue
		}
		if pinned[prefix] {
			if err := l.noteSuperseded(ctx, prefix); err != nil {
				return err
			}
			continue
		}
		if err := l.store.DeleteAll(ctx, prefix); err != nil {
			return broken(l.Absolute(prefix), "cannot be deleted", err)
		}
	}
	return nil
}

// PruneResult is Prune for a slice's kept results, of which the current one and the one before it stay, whatever that one's number; with all
// set every one that is finished.
func (l *Lake) PruneResult(ctx context.Context, target, slice string, fence int64, all bool) ([]string, error) {
	below := l.resultPrefix(target, slice)
	return l.prune(ctx, l.keptKey(target, slice), below, fence, func(ctx context.Context, current int, folders []string) (map[int]bool, error) {
		folders = slices.Clone(folders)
		slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(generationOf(b), generationOf(a)) })
		stay := map[int]bool{}
		for _, folder := range folders {
			n := generationOf(folder)
			if n == 0 || n >= current {
				continue
			}
			if all { // prune asks whether they are finished
				stay[n] = true
				continue
			}
			if whole, err := l.finished(ctx, below+folder+"/"); whole || err != nil {
				return map[int]bool{n: true}, err
			}
		}
		return stay, nil
	})
}

// PruneResults deletes the generations of a target's kept results that are neither current nor the one before, except those below the
// prefixes that named has, those that are pinned, and those of a higher fence. It is for the end of a run. It returns how many went.
func (l *Lake) PruneResults(ctx context.Context, target string, fence int64, named map[string]bool) (gone int, err error) {
	current, err := l.Results(ctx, target)
	if err != nil {
		return 0, err
	}
	pinned, err := l.pinned(ctx)
	if err != nil {
		return 0, err
	}
	infos, err := l.store.List(ctx, l.resultsPrefix(target))
	if err != nil {
		return 0, broken(l.Absolute(l.resultsPrefix(target)), "cannot be listed", err)
	}

	all, before := keptIn(infos, current)
	for _, g := range all {
		if named[g.prefix] || pinned[g.prefix] || fenceOf(g.folder) > fence {
			continue
		}
		m := current[g.slice]
		if m == nil && fenceOf(g.folder) == fence { // its entry may be still to be written: a resume does that
			continue
		}
		if m != nil && (g.n >= m.Generation || g.n == before[g.slice]) {
			continue
		}
		if err := l.store.DeleteAll(ctx, g.prefix); err != nil {
			return gone, broken(l.Absolute(g.prefix), "cannot be deleted", err)
		}
		gone++
	}
	return gone, nil
}

// keptGeneration is a finished generation of a slice's results.
type keptGeneration struct {
	prefix, slice, folder string
	n                     int
}

// keptIn finds the finished generations in a list of a target's results, and the number of the one before the current one, by slice. What
// has no manifest is staged, perhaps for a run that is to be resumed.
func keptIn(infos []objstore.Info, current map[string]*hindcast.Manifest) (all []keptGeneration, before map[string]int) {
	before = map[string]int{}
	for _, info := range infos {
		prefix, whole := strings.CutSuffix(info.Key, manifestName)
		g := keptGeneration{prefix: prefix, folder: path.Base(prefix)}
		slice, err := objstore.Unescape(path.Base(path.Dir(strings.TrimSuffix(prefix, "/"))))
		if g.n = generationOf(g.folder); !whole || g.n == 0 || err != nil {
			continue
		}
		g.slice = slice
		all = append(all, g)
		if m := current[slice]; m != nil && g.n < m.Generation {
			before[slice] = max(before[slice], g.n)
		}
	}
	return all, before
}

// ResultsPrefix is where the results are kept that were committed in the target.
func (l *Lake) ResultsPrefix(target string) string { return l.resultsPrefix(target) }
