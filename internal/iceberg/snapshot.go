package iceberg

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/parallel"
)

// Manifests are kept few: small ones are merged when there are many of a size, so that each entry is written again a few times at most.
type sizes struct {
	few   int64 // manifests of a size, and one more, are merged; from as many entries on, a manifest is a middle one
	large int64 // entries make a manifest a large one, which is never merged
	most  int   // entries of a manifest that is written
}

var usual = sizes{few: 32, large: 128, most: 256}

// newSnapshot is the next one, without its files.
func (t *Table) newSnapshot(m *metadata) *snapshot {
	id := m.CurrentSchema
	s := &snapshot{ID: rand.Int64(), Sequence: m.LastSequence + 1, Time: max(t.Now().UnixMilli(), m.LastUpdated+1), Schema: &id}
	if current := m.current(); current != nil {
		parent := current.ID
		s.Parent = &parent
	}
	return s
}

// writer writes the manifests of a snapshot.
type writer struct {
	table    *Table
	run      string
	metadata *metadata
	snapshot *snapshot
	name     string // that the files of this try have, and of no other
	written  int
	moved    map[string]*manifestFile // where live files are now, of those that changes touched
	gone     map[string]*manifestFile
	tally    tally
}

// write writes what changes, and the list of all manifests.
func (w *writer) write(ctx context.Context, c *changes) ([]*manifestFile, error) {
	w.name, w.moved, w.gone = fmt.Sprintf("f%d-%s", w.table.Fence, newUUID()), map[string]*manifestFile{}, c.gone
	stay, entries, err := w.rewritten(ctx, c)
	if err != nil {
		return nil, err
	}

	for some := range slices.Chunk(c.add, w.table.sizes.most) {
		files, err := w.added(ctx, some)
		if err != nil {
			return nil, err
		}
		for i := range files {
			w.tally.came(&files[i])
		}
		entries = append(entries, files...)
		if len(entries) >= w.table.sizes.most {
			if stay, err = w.manifests(ctx, stay, entries); err != nil {
				return nil, err
			}
			entries = nil
		}
	}
	if stay, err = w.manifests(ctx, stay, entries); err != nil {
		return nil, err
	}

	w.snapshot.Summary = w.summary(c.which, stay)
	list := make([]manifestFile, len(stay))
	for i, m := range stay {
		list[i] = *m
	}
	body, err := encodeList(w.snapshot, list)
	if err != nil {
		return nil, fmt.Errorf("encoding the manifests of the Iceberg table of the results in %s: %w", w.table.Target, err)
	}
	w.snapshot.List, err = w.table.put(ctx, fmt.Sprintf("snap-%d-1-%s.avro", w.snapshot.ID, w.name), body)
	return stay, err
}

// rewritten splits the current manifests into those that stay as they are and the entries of the others: those that have files which go,
// and small ones of which there are many.
func (w *writer) rewritten(ctx context.Context, c *changes) (stay []*manifestFile, entries []entry, err error) {
	touched := map[*manifestFile]bool{}
	for _, m := range c.gone {
		touched[m] = true
	}
	by, bySize := w.table.sizes, map[bool]int64{}
	for _, m := range w.table.at.manifests {
		if !touched[m] && m.live() < by.large {
			bySize[m.live() >= by.few]++
		}
	}

	for _, m := range w.table.at.manifests {
		switch {
		case touched[m], m.live() < by.large && bySize[m.live() >= by.few] >= by.few:
		case m.live() == 0: // whose files are gone since the snapshot before
			continue
		default:
			stay = append(stay, m)
			continue
		}

		list, err := w.table.readManifest(ctx, m)
		if err != nil {
			return nil, nil, err
		}
		for i := range list {
			if _, goes := c.gone[list[i].path()]; goes {
				list[i].status, list[i].snapshot = deleted, w.snapshot.ID
				w.tally.gone(&list[i])
			}
		}
		if m.live() < by.few || bySize[true] >= by.few {
			entries = append(entries, list...)
			continue
		}
		if stay, err = w.manifests(ctx, stay, list); err != nil {
			return nil, nil, err
		}
	}
	return stay, entries, nil
}

// added are entries of new files, with what their footers say.
func (w *writer) added(ctx context.Context, files []hindcast.File) ([]entry, error) {
	entries, columns := make([]entry, len(files)), w.metadata.schema()
	err := parallel.Do(len(files), width, func(i int) error {
		f := files[i]
		s, err := statistics(ctx, w.table.Store, f)
		if err != nil {
			return broken(w.table.Store, f.Path, "cannot be read", err)
		}
		if s != nil && s.Rows != f.Rows {
			return otherFile(w.table.Store, f, fmt.Sprintf("its footer says %d rows, and its manifest %d", s.Rows, f.Rows), nil)
		}
		entries[i] = entry{status: added, snapshot: w.snapshot.ID, file: dataFile(w.table.url(f.Path), f, s, columns)}
		return nil
	})
	return entries, err
}

// manifests writes entries as manifests, after those that are there.
func (w *writer) manifests(ctx context.Context, after []*manifestFile, entries []entry) ([]*manifestFile, error) {
	for some := range slices.Chunk(entries, w.table.sizes.most) {
		body, m, err := encodeManifest(w.metadata.schema(), w.snapshot, some)
		if err != nil {
			return nil, fmt.Errorf("encoding a manifest of the Iceberg table of the results in %s: %w", w.table.Target, err)
		}
		if m.path, err = w.table.put(ctx, fmt.Sprintf("%s-m%d.avro", w.name, w.written), body); err != nil {
			return nil, err
		}
		w.written++
		for i := range some {
			if some[i].status != deleted {
				w.moved[some[i].path()] = &m
			}
		}
		after = append(after, &m)
	}
	return after, nil
}

// tally counts what is new in a snapshot, and what is gone.
type tally struct{ added, addedRows, addedBytes, deleted, deletedRows, deletedBytes int64 }

func (t *tally) came(e *entry) {
	t.added, t.addedRows, t.addedBytes = t.added+1, t.addedRows+e.rows(), t.addedBytes+e.bytes()
}

func (t *tally) gone(e *entry) {
	t.deleted, t.deletedRows, t.deletedBytes = t.deleted+1, t.deletedRows+e.rows(), t.deletedBytes+e.bytes()
}

// mostNamed is how many slices a snapshot's summary names.
const mostNamed = 100

// summary is what a snapshot says of itself.
func (w *writer) summary(which []string, manifests []*manifestFile) map[string]string {
	t, all := w.tally, map[string]string{"operation": "overwrite", propPipeline: w.table.Pipeline}
	switch {
	case t.deleted == 0:
		all["operation"] = "append"
	case t.added == 0:
		all["operation"] = "delete"
	}
	if w.run != "" {
		all[summaryRun] = w.run
	}
	all["hindcast.slices"] = strings.Join(which, ",")
	if len(which) > mostNamed {
		all["hindcast.slices"] = fmt.Sprintf("%d slices", len(which))
	}

	var files, rows int64
	for _, m := range manifests {
		files, rows = files+m.live(), rows+m.rows[existing]+m.rows[added]
	}
	size := t.addedBytes - t.deletedBytes
	if s := w.metadata.current(); s != nil {
		before, _ := strconv.ParseInt(s.Summary["total-files-size"], 10, 64)
		size += before
	}
	counts := map[string]int64{totalFiles: files, "total-records": rows, "total-files-size": size,
		"total-delete-files": 0, "total-position-deletes": 0, "total-equality-deletes": 0, "changed-partition-count": min(1, t.added+t.deleted)}
	for name, n := range map[string]int64{"added-data-files": t.added, "added-records": t.addedRows, "added-files-size": t.addedBytes,
		"deleted-data-files": t.deleted, "deleted-records": t.deletedRows, "removed-files-size": t.deletedBytes} {
		if n > 0 {
			counts[name] = n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all[name] = strconv.FormatInt(counts[name], 10)
	}
	return all
}
