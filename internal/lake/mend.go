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

// Mended is a generation whose catalog entry is corrupt. The manifest beside its files is used in its place, or, if that is
// corrupt too, the one in the journal of the run that unloaded it.
type Mended struct {
	Manifest *hindcast.Manifest
	Fault    error  // what is wrong with the entry
	From     string // which copy is used, in words
	etag     string
	beside   bool // the manifest beside the files is corrupt too
}

// Recall returns the manifest that a run's journal has of an unload, by its prefix in the lake; nil if it has none.
type Recall func(ctx context.Context, run string, is func(*hindcast.Manifest) bool) (*hindcast.Manifest, error)

// UseJournals has manifests of which both copies are corrupt looked up in the journals.
func (l *Lake) UseJournals(recall Recall) { l.recall = recall }

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

		if place := l.Prefix(m.Manifest) + manifestName; m.beside {
			if _, err = l.store.Put(ctx, place, body, objstore.Condition{}); err != nil {
				return broken(l.Absolute(place), "cannot be written", err)
			}
		}

		if _, err = l.store.Put(ctx, key, body, objstore.Condition{IfMatch: m.etag}); err != nil && !errors.Is(err, objstore.ErrPrecondition) {
			return broken(l.Absolute(key), "cannot be written", err)
		}

		delete(l.mended.entries, key)
	}

	return nil
}

// second reads the manifest beside the files of the generation that a catalog key is of: the entry was a copy of it. Of
// several generations the latest is meant, by the fence that it was published under. If that is corrupt too, the journal of
// the run that unloaded it has a third copy. No Manifest if there is none: an older generation would be of other rows.
func (l *Lake) second(ctx context.Context, key string) (found Mended, err error) {
	below, ok := l.generationsOf(key)
	if !ok {
		return found, nil
	}

	folders, err := objstore.Folders(ctx, l.store, below)
	if err != nil {
		return found, broken(l.Absolute(below), "cannot be listed", err)
	}

	folders = slices.DeleteFunc(folders, func(folder string) bool { return generationOf(folder) == 0 })
	slices.SortFunc(folders, func(a, b string) int {
		return cmp.Or(cmp.Compare(fenceOf(b), fenceOf(a)), cmp.Compare(generationOf(b), generationOf(a)), cmp.Compare(attemptOf(b), attemptOf(a)))
	})

	for _, folder := range folders {
		place, body, err := l.findBeside(ctx, below+folder+"/")
		if errors.Is(err, objstore.ErrNotExist) {
			continue // an unload that did not finish
		}
		damaged, err := damage(err)
		if err != nil {
			return found, broken(l.Absolute(place), "cannot be read", err)
		}

		m, corrupt := l.manifest(body, damaged, l.Absolute(place), key)
		if corrupt == nil && l.Prefix(m) == below+folder+"/" {
			return Mended{Manifest: m, From: "the copy beside the files"}, nil
		}

		return l.recalled(ctx, key, below+folder+"/", runOf(folder))
	}
	return found, nil
}

// recalled looks in the run's journal for the manifest of what lies below prefix.
func (l *Lake) recalled(ctx context.Context, key, prefix, run string) (found Mended, err error) {
	if l.recall == nil || run == "" {
		return found, nil
	}

	m, err := l.recall(ctx, run, func(m *hindcast.Manifest) bool { return l.entryKey(m) == key && l.Prefix(m) == prefix })
	if err != nil || m == nil || wrongIn(m) != "" {
		return found, err
	}

	return Mended{Manifest: m, From: "the copy in the journal of " + run, beside: true}, nil
}

// Beside compares a current manifest with the copy beside its files. E-MANIFEST if that is corrupt, not there, or another
// one.
func (l *Lake) Beside(ctx context.Context, m *hindcast.Manifest) error {
	place, body, err := l.findBeside(ctx, l.Prefix(m))
	if errors.Is(err, objstore.ErrNotExist) {
		return badManifest(l.Absolute(place), "it is not there")
	}
	damaged, err := damage(err)
	if err != nil {
		return broken(l.Absolute(place), "cannot be read", err)
	}

	copied, err := l.manifest(body, damaged, l.Absolute(place), l.entryKey(m))
	if err == nil && l.Prefix(copied) != l.Prefix(m) {
		err = badManifest(l.Absolute(place), "it is of another generation")
	}

	return err
}

// findBeside reads the manifest in the folder of a generation, under the name that it has there.
func (l *Lake) findBeside(ctx context.Context, prefix string) (place string, body []byte, err error) {
	place = prefix + manifestName
	body, _, err = objstore.Find(ctx, l.store, place)
	if !errors.Is(err, objstore.ErrNotExist) {
		return place, body, err
	}

	earlier := prefix + earlierManifestName
	body, _, none := objstore.Find(ctx, l.store, earlier)
	if errors.Is(none, objstore.ErrNotExist) {
		return place, nil, err
	}
	return earlier, body, none
}
