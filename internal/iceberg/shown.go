package iceberg

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Shown is what a catalog elsewhere shows of a table.
type Shown struct {
	Key      string // of the metadata that is current
	Location string // of the table: a folder or URL, without a slash at its end
	Columns  []ShownColumn
}

// ShownColumn is a column, with its type as Hive has it. Readers take types from the metadata.
type ShownColumn struct {
	ID   int
	Name string
	Type string
}

// Current is what there is of a table whose results are below root; nil if there is none yet.
func Current(ctx context.Context, store objstore.Store, root string) (*Shown, error) {
	version, err := newest(ctx, store, Folder(root))
	if err != nil || version == 0 {
		return nil, err
	}
	t := &Table{Store: store, Root: root, Target: root}
	key := versionKey(Folder(root), version)
	m, err := t.readMetadata(ctx, key)
	if err != nil {
		return nil, err
	}

	s := &Shown{Key: key, Location: m.Location}
	if columns := m.schema(); columns != nil {
		for _, f := range columns.Fields {
			s.Columns = append(s.Columns, ShownColumn{f.ID, f.Name, f.Type.hive()})
		}
	}
	return s, nil
}

// Stands reports whether the current snapshot of a table's metadata is one that the table still has. What expires it later reads first
// which metadata is pinned.
func Stands(ctx context.Context, store objstore.Store, root, key string) (bool, error) {
	t := &Table{Store: store, Root: root, Target: root}
	m, err := t.readMetadata(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	version, err := newest(ctx, store, Folder(root))
	if err != nil || version == 0 {
		return false, err
	}
	now, err := t.readMetadata(ctx, versionKey(Folder(root), version))
	if err != nil {
		return false, err
	}

	named := version == versionOf(Folder(root), key) || slices.ContainsFunc(now.MetadataLog, func(w written) bool { return w.File == t.url(key) })
	s := m.current()
	return named && (s == nil || slices.ContainsFunc(now.Snapshots, func(other *snapshot) bool { return other.ID == s.ID })), nil
}

// Behind are the keys of slices of which the current snapshot has other files than those that are kept, in order: what a process that died
// did not get to, and the next run makes up for.
func Behind(ctx context.Context, store objstore.Store, root, target string, kept Results) ([]string, error) {
	t := &Table{Store: store, Root: root, Target: target, Fence: math.MaxInt64}
	if err := t.load(ctx); err != nil {
		return nil, err
	}
	now, err := t.all(kept)
	if err != nil {
		return nil, err
	}
	return t.compare(now).which, nil
}

// Ours reports whether a location is of metadata that this package commits for the table below root.
func Ours(store objstore.Store, root, location string) bool {
	key, below := strings.CutPrefix(location, strings.TrimSuffix(objstore.Location(store, "x"), "x"))
	return below && versionOf(Folder(root), key) > 0
}

var hiveTypes = map[string]string{"int": "int", "long": "bigint", "timestamptz": "timestamp", "time": "string", "uuid": "string"}

// hive is the type of Hive that catalogs show for one.
func (t typ) hive() string {
	switch {
	case t.Element != nil:
		return "array<" + t.Element.hive() + ">"
	case t.Key != nil:
		return "map<" + t.Key.hive() + "," + t.Value.hive() + ">"
	case t.plain == "":
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name + ":" + f.Type.hive()
		}
		return "struct<" + strings.Join(parts, ",") + ">"
	}
	if is := hiveTypes[t.plain]; is != "" {
		return is
	}
	return strings.ReplaceAll(t.plain, " ", "")
}
