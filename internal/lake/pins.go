package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// pin names the generations that a table outside of the lake points at, by their prefixes.
type pin struct {
	Table    string   `json:"table"`
	Prefixes []string `json:"prefixes"`
	Metadata []string `json:"metadata,omitempty"` // keys, of an Iceberg table
}

// pins are the prefixes that Prune leaves, as they were when it was first asked to delete one.
type pins struct {
	mutex    sync.Mutex
	prefixes map[string]bool // nil until they are read
}

func (l *Lake) pinsPrefix() string { return Bookkeeping(l.pipeline) + "tables/" }

func (l *Lake) pinKey(catalog, table string) string {
	return l.pinsPrefix() + objstore.Escape(catalog) + "/" + objstore.Escape(table) + ".json"
}

// Pin keeps Prune from deleting generations while a table of a catalog elsewhere points at them. It replaces what was pinned for
// that table. A run that is under way, and has pruned already, does not see it: by the end of that run the generation of a unit that
// was current when it began is the one before the current one at most, which Prune leaves anyway.
func (l *Lake) Pin(ctx context.Context, catalog, table string, generations []*hindcast.Manifest) error {
	p := pin{Table: table, Prefixes: make([]string, len(generations))}
	for i, m := range generations {
		p.Prefixes[i] = l.Prefix(m)
	}
	return l.pin(ctx, catalog, p)
}

// PinAlso is Pin, and keeps what was pinned for the table before.
func (l *Lake) PinAlso(ctx context.Context, catalog, table string, generations []*hindcast.Manifest) error {
	was, err := l.readPin(ctx, l.pinKey(catalog, table))
	if err != nil {
		return err
	}

	was.Table = table
	for _, m := range generations {
		was.Prefixes = append(was.Prefixes, l.Prefix(m))
	}
	slices.Sort(was.Prefixes)
	was.Prefixes = slices.Compact(was.Prefixes)
	return l.pin(ctx, catalog, was)
}

func (l *Lake) pin(ctx context.Context, catalog string, p pin) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding what table %s points at: %w", p.Table, err)
	}

	key := l.pinKey(catalog, p.Table)
	if _, err := l.store.Put(ctx, key, body, objstore.Condition{}); err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}
	return nil
}

// PinMetadata keeps the metadata of an Iceberg table, by their keys, and what its current snapshot has, while a table of a catalog elsewhere
// names it. It replaces what was pinned for that table.
func (l *Lake) PinMetadata(ctx context.Context, catalog, table string, keys []string) error {
	return l.pin(ctx, catalog, pin{Table: table, Prefixes: []string{}, Metadata: keys})
}

// PinnedMetadata are the keys of the metadata of Iceberg tables that tables elsewhere name, as of now.
func (l *Lake) PinnedMetadata(ctx context.Context) (keys []string, err error) {
	infos, err := l.store.List(ctx, l.pinsPrefix())
	if err != nil {
		return nil, broken(l.Absolute(l.pinsPrefix()), "cannot be listed", err)
	}
	for _, info := range infos {
		p, err := l.readPin(ctx, info.Key)
		if err != nil {
			return nil, err
		}
		keys = append(keys, p.Metadata...)
	}
	return keys, nil
}

// readPin reads what is pinned for a table; nothing if there is no such record.
func (l *Lake) readPin(ctx context.Context, key string) (p pin, err error) {
	body, _, err := objstore.Find(ctx, l.store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, broken(l.Absolute(key), "cannot be read", err)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return p, &hindcast.Error{Code: hindcast.EManifest, Class: hindcast.ClassPermanent, Place: hindcast.Place{File: l.Absolute(key)}, Cause: err,
			Message: "the record of what a table points at is corrupt: " + err.Error(),
			Next:    "delete the file, then make the tables again: hindcast ddl glue --apply, or athena"}
	}
	return p, nil
}

// pinned are the prefixes of all generations that tables elsewhere point at.
func (l *Lake) pinned(ctx context.Context) (map[string]bool, error) {
	l.pins.mutex.Lock()
	defer l.pins.mutex.Unlock()
	if l.pins.prefixes != nil {
		return l.pins.prefixes, nil
	}

	infos, err := l.store.List(ctx, l.pinsPrefix())
	if err != nil {
		return nil, broken(l.Absolute(l.pinsPrefix()), "cannot be listed", err)
	}

	found := map[string]bool{}
	for _, info := range infos {
		p, err := l.readPin(ctx, info.Key)
		if err != nil {
			return nil, err
		}
		for _, prefix := range p.Prefixes {
			found[prefix] = true
		}
	}
	l.pins.prefixes = found
	return found, nil
}

// Whole checks that the folders of these generations, of one fact or dimension, hold their files and nothing else that a program
// which reads a whole folder would take for data. E-LAKE names the first that does not.
func (l *Lake) Whole(ctx context.Context, name string, generations []*hindcast.Manifest) error {
	if len(generations) == 0 {
		return nil
	}

	below := objstore.Escape(l.pipeline) + "/facts/" + objstore.Escape(name) + "/"
	switch {
	case generations[0].Target != "":
		below = l.resultsPrefix(name)
	case isDim(generations[0]):
		below = l.dimPrefix(name)
	}
	infos, err := l.store.List(ctx, below)
	if err != nil {
		return broken(l.Absolute(below), "cannot be listed", err)
	}

	there := make(map[string][]string, len(generations)) // what is in each folder that is asked for
	for _, m := range generations {
		there[l.Prefix(m)] = nil
	}
	for _, info := range infos {
		parts := strings.SplitAfter(strings.TrimPrefix(info.Key, below), "/")
		prefix, depth := below, min(2, len(parts))
		if isDim(generations[0]) {
			depth = 1
		}
		prefix += strings.Join(parts[:depth], "")
		if keys, asked := there[prefix]; asked {
			there[prefix] = append(keys, info.Key)
		}
	}

	for _, m := range generations {
		if err := l.whole(m, there[l.Prefix(m)]); err != nil {
			return err
		}
	}
	return nil
}

// hidden reports whether programs that read a folder as a table leave out a file below it: Hive, Spark and Athena do where its name, or
// that of a folder on the way to it, begins with _ or a dot.
func hidden(below string) bool {
	return slices.ContainsFunc(strings.Split(below, "/"), func(name string) bool {
		return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".")
	})
}

func (l *Lake) whole(m *hindcast.Manifest, keys []string) error {
	missing := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		missing[f.Path] = true
	}

	for _, key := range keys {
		base := key[strings.LastIndexByte(key, '/')+1:]
		if missing[key] || hidden(strings.TrimPrefix(key, l.Prefix(m))) {
			delete(missing, key)
			continue
		}
		e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("%s is not a file of generation %d of %s %s: a program that reads the whole folder would take it for data",
				l.Absolute(key), m.Generation, m.Name, m.Key),
			Next: "remove it if it is yours"}
		if base == earlierManifestName {
			e.Message = fmt.Sprintf("%s lies among the files of %s %s, which an earlier hindcast unloaded: a program that reads the whole folder would take it for data",
				l.Absolute(key), m.Name, m.Key)
			e.Next = "unload it again: hindcast unload --fresh"
		}
		return e
	}

	for path := range missing {
		return badParquet(l.Absolute(path), "it is not there")
	}
	return nil
}

// FolderOf is where a generation's files are, as an absolute path or URL that ends in a slash.
func (l *Lake) FolderOf(m *hindcast.Manifest) string {
	return strings.TrimSuffix(l.Absolute(strings.TrimSuffix(l.Prefix(m), "/")), "/") + "/"
}

// ResultFolder is where the results are kept that were committed in the target, as an absolute path or URL that ends in a slash.
func (l *Lake) ResultFolder(target string) string {
	return l.Absolute(strings.TrimSuffix(l.resultsPrefix(target), "/")) + "/"
}

// FactFolder is where all units of a fact are, as an absolute path or URL that ends in a slash.
func (l *Lake) FactFolder(fact string) string {
	return l.Absolute(objstore.Escape(l.pipeline)+"/facts/"+objstore.Escape(fact)) + "/"
}
