package lake

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Mended is a generation whose catalog entry is corrupt. The manifest beside its files is used in its place.
type Mended struct {
	Manifest *hindcast.Manifest
	Fault    error // what is wrong with the entry
	etag     string
}

// mended are the corrupt entries that were met, by key.
type mended struct {
	mutex   sync.Mutex
	entries map[string]Mended
}

func (l *Lake) note(key string, m Mended) {
	l.mended.mutex.Lock()
	defer l.mended.mutex.Unlock()
	if l.mended.entries == nil {
		l.mended.entries = map[string]Mended{}
	}
	l.mended.entries[key] = m
}

// Mended lists the corrupt entries that were met, in the order of their keys.
func (l *Lake) Mended() []Mended {
	l.mended.mutex.Lock()
	defer l.mended.mutex.Unlock()
	var list []Mended
	for _, key := range slices.Sorted(maps.Keys(l.mended.entries)) {
		list = append(list, l.mended.entries[key])
	}
	return list
}

// Restore writes the corrupt entries that were met again, unless somebody has replaced them meanwhile.
func (l *Lake) Restore(ctx context.Context) error {
	l.mended.mutex.Lock()
	defer l.mended.mutex.Unlock()
	for key, m := range l.mended.entries {
		if err := l.may(ctx); err != nil {
			return err
		}
		body, err := seal(m.Manifest)
		if err != nil {
			return err
		}
		if _, err = l.store.Put(ctx, key, body, objstore.Condition{IfMatch: m.etag}); err != nil && !errors.Is(err, objstore.ErrPrecondition) {
			return broken(l.Absolute(key), "cannot be written", err)
		}
		delete(l.mended.entries, key)
	}
	return nil
}

// second reads the manifest beside the files of the generation that a catalog key is of: the entry was a copy of it. Of
// several generations the latest is meant, by the fence that it was published under. Nil if there is none, or the latest
// is corrupt too: an older one would be of other rows.
func (l *Lake) second(ctx context.Context, key string) (*hindcast.Manifest, error) {
	name, unit, ok := l.catalogName(key)
	if !ok {
		return nil, nil
	}
	below := l.unitPrefix(name, unit)
	if unit == "" {
		below = l.dimPrefix(name)
	}
	folders, err := objstore.Folders(ctx, l.store, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}
	folders = slices.DeleteFunc(folders, func(folder string) bool { return generationOf(folder) == 0 })
	slices.SortFunc(folders, func(a, b string) int {
		return cmp.Or(cmp.Compare(fenceOf(b), fenceOf(a)), cmp.Compare(generationOf(b), generationOf(a)), cmp.Compare(attemptOf(b), attemptOf(a)))
	})

	for _, folder := range folders {
		place := below + folder + "/" + manifestName
		body, _, err := objstore.Find(ctx, l.store, place)
		if errors.Is(err, objstore.ErrNotExist) {
			continue // an unload that did not finish
		}
		if err != nil {
			return nil, broken(l.Absolute(place), "cannot be read", err)
		}
		m, corrupt := l.manifest(body, l.Absolute(place), key)
		if corrupt != nil || l.Prefix(m) != below+folder+"/" {
			return nil, nil
		}
		return m, nil
	}
	return nil, nil
}
