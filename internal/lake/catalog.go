package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// The manifest's name beside the files that it lists, and what it was in a lake of an earlier version. Programs that read a whole
// folder as a table take every file for data whose name does not begin with an underscore or a dot.
const (
	manifestName        = "_manifest.json"
	earlierManifestName = "manifest.json"
)

// allRows is the key of a dimension, which has one unit only.
const allRows = "all"

func isDim(m *hindcast.Manifest) bool { return m.Key == allRows && m.Interval == hindcast.Interval{} }

// Current returns the manifests of all current generations: of facts by name and unit key, of dimensions by
// name. E-MANIFEST, with the key, if an entry is corrupt.
func (l *Lake) Current(ctx context.Context) (map[string]map[string]*hindcast.Manifest, map[string]*hindcast.Manifest, error) {
	infos, err := l.store.List(ctx, l.catalogPrefix())
	if err != nil {
		return nil, nil, broken("the catalog", "cannot be listed", err)
	}
	results := l.catalogPrefix() + "results/"
	infos = slices.DeleteFunc(infos, func(info objstore.Info) bool { return strings.HasPrefix(info.Key, results) })

	entries, err := l.readEntries(ctx, infos)
	if err != nil {
		return nil, nil, err
	}

	facts, dims := map[string]map[string]*hindcast.Manifest{}, map[string]*hindcast.Manifest{}
	for n, entry := range entries {
		switch {
		case entry == nil: // not ours, or deleted meanwhile
		case infos[n].Key == l.dimKey(entry.Name):
			dims[entry.Name] = entry
		case facts[entry.Name] == nil:
			facts[entry.Name] = map[string]*hindcast.Manifest{entry.Key: entry}
		default:
			facts[entry.Name][entry.Key] = entry
		}
	}

	return facts, dims, nil
}

// CurrentUnit returns the current manifest of a fact's unit, nil if there is none.
func (l *Lake) CurrentUnit(ctx context.Context, fact, unit string) (*hindcast.Manifest, error) {
	m, _, err := l.entry(ctx, l.factKey(fact, unit))
	return m, err
}

// CurrentDim returns the current manifest of a dimension, nil if there is none.
func (l *Lake) CurrentDim(ctx context.Context, dim string) (*hindcast.Manifest, error) {
	m, _, err := l.entry(ctx, l.dimKey(dim))
	return m, err
}

// entry reads one catalog entry; nil if there is none. Where it is corrupt the manifest beside the files says the same.
func (l *Lake) entry(ctx context.Context, key string) (*hindcast.Manifest, string, error) {
	body, info, err := objstore.Find(ctx, l.store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, "", nil
	}
	damaged, err := damage(err)
	if err != nil {
		return nil, "", broken(l.Absolute(key), "cannot be read", err)
	}

	m, corrupt := l.manifest(body, damaged, l.Absolute(key), key)
	if corrupt != nil {
		found, err := l.second(ctx, key)
		if err != nil || found.Manifest == nil {
			return nil, "", errors.Join(err, corrupt)
		}
		found.Fault, found.etag = corrupt, info.ETag
		l.note(key, found)
		m = found.Manifest
	}

	return m, info.ETag, nil
}

// manifest decodes what is the manifest of a catalog key's unit or dimension. E-MANIFEST, with the place, if it is not, or if
// it was read with that damage.
func (l *Lake) manifest(body []byte, damaged error, place, key string) (*hindcast.Manifest, error) {
	m := new(hindcast.Manifest)
	if err := unpack(body, damaged, m); err != nil {
		return nil, badManifest(place, err.Error())
	}

	if want := l.entryKey(m); key != want {
		return nil, badManifest(place, fmt.Sprintf("it is of %q, %q", m.Name, m.Key))
	}

	if wrong := wrongIn(m); wrong != "" {
		return nil, badManifest(place, wrong)
	}

	return m, nil
}

func (l *Lake) entryKey(m *hindcast.Manifest) string {
	if m.Target != "" {
		return l.keptKey(m.Target, m.Key)
	}
	if isDim(m) {
		return l.dimKey(m.Name)
	}
	return l.factKey(m.Name, m.Key)
}

// wrongIn says what is impossible in a manifest of ours; "" if nothing is.
func wrongIn(m *hindcast.Manifest) string {
	var size int64
	for _, f := range m.Files {
		if f.Path == "" || f.Bytes < 0 || f.Rows < 0 {
			return "it lists a file without a path or with a negative size"
		}
		if !foreign(f.Path) && objstore.CheckKey(f.Path) != nil {
			return fmt.Sprintf("it lists the file %q", f.Path)
		}
		size += f.Bytes
	}

	switch {
	case m.Name == "" || m.Key == "":
		return "it names no unit"
	case m.Generation < 1:
		return fmt.Sprintf("its generation is %d", m.Generation)
	case m.Bytes != size:
		return fmt.Sprintf("its files have %d bytes together and it says %d", size, m.Bytes)
	}
	return ""
}

func badManifest(path, what string) error {
	return &hindcast.Error{Code: hindcast.EManifest, Class: hindcast.ClassPermanent, Place: hindcast.Place{File: path},
		Message: "the manifest is corrupt: " + what,
		Next:    "delete the file, then run again: the unit is unloaded again"}
}

// NextGeneration returns the number that the next unload must have after the current generation, which is nil if there is none.
func NextGeneration(current *hindcast.Manifest) int {
	if current == nil {
		return 1
	}
	return current.Generation + 1
}

// PublishUnit makes m the current generation of its unit or dimension. It checks that the files are there with their sizes,
// fills in missing checksums and the sum of bytes, writes _manifest.json beside the files and then the catalog entry, which is
// the publication. Paths in m become keys where they are below the lake; local files of a remote lake are uploaded. Repeating
// it does no harm. E-FENCED if a process that took the pipeline over has published one; a transient E-LAKE if one that was
// taken over was faster: the next attempt supersedes it.
func (l *Lake) PublishUnit(ctx context.Context, m *hindcast.Manifest) error {
	return l.publish(ctx, m, func() error { return l.SaveManifest(ctx, l.Prefix(m), m) })
}

// publish is PublishUnit, of which save writes the manifest beside the files.
func (l *Lake) publish(ctx context.Context, m *hindcast.Manifest, save func() error) error {
	key := l.entryKey(m)
	current, etag, err := l.entry(ctx, key)
	if err != nil {
		return err
	}

	if current != nil && l.Prefix(current) == l.Prefix(m) {
		*m = *current
		return nil
	}

	if current != nil && (current.Generation >= m.Generation || current.Fence > m.Fence) {
		return overtaken(m, current)
	}

	if err := save(); err != nil {
		return err
	}

	if err := l.may(ctx); err != nil {
		return err
	}

	body, err := seal(m)
	if err != nil {
		return fmt.Errorf("encoding the manifest of %s %s: %w", m.Name, m.Key, err)
	}

	cond := objstore.Condition{IfNoneMatch: current == nil, IfMatch: etag}
	if _, err = l.store.Put(ctx, key, body, cond); errors.Is(err, objstore.ErrPrecondition) {
		if current, _, err = l.entry(ctx, key); err != nil {
			return err
		}
		return overtaken(m, current)
	}

	if err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}

	return nil
}

// SaveManifest finishes what a step wrote below prefix: it seals m's files as PublishUnit does and writes
// _manifest.json there, so that the files' names are durable too. It publishes nothing.
func (l *Lake) SaveManifest(ctx context.Context, prefix string, m *hindcast.Manifest) error {
	return l.save(ctx, prefix, m, m, true)
}

// save writes the record, of which m is the manifest.
func (l *Lake) save(ctx context.Context, prefix string, m *hindcast.Manifest, record any, whole bool) error {
	if err := l.sealFiles(ctx, prefix, m, whole, l.area.sealFile); err != nil {
		return err
	}
	return l.writeManifest(ctx, prefix, m, record)
}

// writeManifest writes the record of sealed files, of which m is the manifest, beside them.
func (l *Lake) writeManifest(ctx context.Context, prefix string, m *hindcast.Manifest, record any) error {
	if wrong := wrongIn(m); wrong != "" {
		return badManifest(l.Absolute(prefix+manifestName), wrong)
	}

	body, err := seal(record)
	if err != nil {
		return fmt.Errorf("encoding the manifest of %s %s: %w", m.Name, m.Key, err)
	}

	if _, err := l.store.Put(ctx, prefix+manifestName, body, objstore.Condition{}); err != nil {
		return broken(l.Absolute(prefix+manifestName), "cannot be written", err)
	}
	return nil
}

// overtaken says that by, nil if it is gone again, was published in m's place: by a successor, or by a zombie.
func overtaken(m, by *hindcast.Manifest) error {
	e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient,
		Message: fmt.Sprintf("generation %d of %s %s changed meanwhile", m.Generation, m.Name, m.Key),
		Next:    "`hindcast status` says who runs this pipeline"}

	if by != nil {
		e.Message = fmt.Sprintf("generation %d of %s %s was published by run %s meanwhile", by.Generation, m.Name, m.Key, by.Run)
	}

	if by != nil && by.Fence > m.Fence {
		e.Code, e.Class = hindcast.EFenced, hindcast.ClassPermanent
	}
	return e
}

// HighestFence is the highest fence that a current generation was published under; 0 if there is none. A lease whose
// object was lost goes on above it.
func HighestFence(ctx context.Context, store objstore.Store, pipeline string) (int64, error) {
	return New(store, pipeline).highestFence(ctx)
}

func (l *Lake) highestFence(ctx context.Context) (int64, error) {
	g, dims, err := l.Generations(ctx)
	if err != nil {
		return 0, err
	}

	var highest int64
	for _, m := range dims {
		highest = max(highest, m.Fence)
	}
	for _, units := range g.facts {
		for _, m := range units.byKey {
			highest = max(highest, m.Fence)
		}
		if units.digest != nil {
			units.digest.each(l, func(_ string, x *index, at int) { highest = max(highest, x.unit(at).Fence) })
		}
	}

	return highest, nil
}

// Prune deletes the generations of a fact's unit that are superseded, except those that keep names, those that are pinned and the
// current one, and what attempts at any of them left that died before their manifest. It touches nothing but
// folders that hindcast made (promise 3), under this fence or a lower one: a process that was taken over deletes
// nothing of its successors'. It returns their prefixes.
func (l *Lake) Prune(ctx context.Context, fact, unit string, fence int64, keep map[int]bool) ([]string, error) {
	return l.prune(ctx, l.factKey(fact, unit), l.unitPrefix(fact, unit), fence, numbered(keep))
}

// PruneDim is Prune for a dimension.
func (l *Lake) PruneDim(ctx context.Context, dim string, fence int64, keep map[int]bool) ([]string, error) {
	return l.prune(ctx, l.dimKey(dim), l.dimPrefix(dim), fence, numbered(keep))
}

// staying says which generations below the current one stay, of those whose folders are there.
type staying func(ctx context.Context, current int, folders []string) (map[int]bool, error)

func numbered(keep map[int]bool) staying {
	return func(context.Context, int, []string) (map[int]bool, error) { return keep, nil }
}

// prune is Prune. What only a pin keeps is noted, so that it goes when the pin does.
func (l *Lake) prune(ctx context.Context, key, below string, fence int64, stay staying) ([]string, error) {
	current, _, err := l.entry(ctx, key)
	if err != nil || current == nil {
		return nil, err // nothing was published: nothing is superseded
	}

	pinned, err := l.pinned(ctx)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{l.Prefix(current): true}
	for _, f := range current.Files {
		used[f.Path[:strings.LastIndexByte(f.Path, '/')+1]] = true
	}

	folders, err := objstore.Folders(ctx, l.store, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}

	keep, err := stay(ctx, current.Generation, folders)
	if err != nil {
		return nil, err
	}

	var gone []string
	for _, folder := range folders {
		n := generationOf(folder)
		prefix := below + folder + "/"
		// A higher number than the current one is an unload under way.
		if n == 0 || n > current.Generation || used[prefix] || fenceOf(folder) > fence {
			continue
		}

		if keep[n] && n < current.Generation {
			whole, err := l.finished(ctx, prefix)
			if err != nil {
				return gone, err
			}
			if whole {
				continue
			}
		}

		if pinned[prefix] {
			if err := l.noteSuperseded(ctx, prefix); err != nil {
				return gone, err
			}
			continue
		}
		if err := l.store.DeleteAll(ctx, prefix); err != nil {
			return gone, broken(l.Absolute(prefix), "cannot be deleted", err)
		}
		gone = append(gone, prefix)
	}
	return gone, nil
}

// finished reports whether the folder of a generation has its manifest: an attempt that died left none.
func (l *Lake) finished(ctx context.Context, prefix string) (bool, error) {
	for _, name := range []string{manifestName, earlierManifestName} {
		_, err := objstore.Stat(ctx, l.store, prefix+name)
		if err == nil || !errors.Is(err, objstore.ErrNotExist) {
			if err != nil {
				err = broken(l.Absolute(prefix), "cannot be read", err)
			}
			return err == nil, err
		}
	}
	return false, nil
}

// decode is json.Unmarshal that keeps numbers exact where the type is open.
func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()

	if err := decoder.Decode(into); err != nil {
		return err
	}

	if decoder.More() {
		return errors.New("more text follows the value")
	}
	return nil
}
