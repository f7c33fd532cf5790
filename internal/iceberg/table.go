// Package iceberg shows the results that the lake keeps as an Iceberg table: it writes the metadata of the format's version 2 over the
// Parquet files as they are, a snapshot for each publication. Which results are current is the lake's to say.
//
// The table is what is current in the lake, and nothing else: whatever differs, because a process died, is made up for by the next run.
// Metadata is committed by writing the next version where none is yet, in a folder and in a bucket, so that of two writers one wins.
package iceberg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
	"github.com/hindcast/hindcast/internal/pause"
)

// Table is the one over the results that are kept of what is committed in a target. It is for one goroutine at a time.
type Table struct {
	Store    objstore.Store
	Root     string // of the results: a key that ends in a slash; the metadata is below it
	Pipeline string
	Target   string
	Fence    int64
	May      func(context.Context) error             // is asked before each commit: an error if this process was taken over
	Pinned   func(context.Context) ([]string, error) // keys of metadata that tables of other catalogs name
	Now      func() time.Time

	at      *state // nil until it is loaded, and after a conflict
	commits int    // that this process has made
	sizes   sizes  // of manifests; zero means the usual ones
}

// Results are what is kept of slices, by their keys; nil of one of which nothing is kept any more.
type Results map[string]*hindcast.Manifest

// state is the table as it was read or committed last.
type state struct {
	version   int // of the metadata; 0 if there is no table
	hinted    int // the version that the hint names; 0 if that is not known
	metadata  *metadata
	manifests []*manifestFile                     // of the current snapshot
	live      map[string]map[string]*manifestFile // by the slice's folder and the file's location
}

// errConflict says that another writer was faster.
var errConflict = errors.New("the table has changed")

// How often a commit is tried while others are faster, and how long the first wait is.
const (
	tries     = 20
	firstWait = 20 * time.Millisecond
)

// width is how many small objects are read or written at the same time.
const width = 16

// Folder is where the metadata is of a table whose results are below root.
func Folder(root string) string { return root + "metadata/" }

// Publish makes the table what is kept of these slices, in one snapshot that the run made. Nothing is written if it is that already.
func (t *Table) Publish(ctx context.Context, run string, now Results) error {
	columns, err := columnsOf(t.Target, now)
	if err != nil {
		return err
	}
	return t.insist(ctx, func() error { return t.publish(ctx, run, now, columns, true) })
}

// Reconcile makes the table what is kept of all slices: it makes up for what a process that died did not get to. Columns that no result
// has leave the current schema.
func (t *Table) Reconcile(ctx context.Context, run string, all Results) error {
	columns, err := columnsOf(t.Target, all)
	if err != nil {
		return err
	}
	t.at = nil
	return t.insist(ctx, func() error {
		if err := t.load(ctx); err != nil {
			return err
		}
		now, err := t.all(all)
		if err != nil {
			return err
		}
		return t.publish(ctx, run, now, columns, false)
	})
}

// all are the results with those slices that the table has and of which nothing is kept.
func (t *Table) all(kept Results) (Results, error) {
	now := maps.Clone(kept)
	if now == nil {
		now = Results{}
	}
	for folder := range t.at.live {
		slice, err := objstore.Unescape(folder)
		if err != nil {
			return nil, t.foreign(folder)
		}
		if kept[slice] == nil {
			now[slice] = nil
		}
	}
	return now, nil
}

// Check refuses columns of results that the table, as it is now, cannot have.
func (t *Table) Check(ctx context.Context, columns []hindcast.Column) error {
	if err := Refuse(t.Target, columns); err != nil {
		return err
	}
	if err := t.load(ctx); err != nil {
		return err
	}
	_, err := t.at.metadata.evolve(t.Target, columns, true)
	return err
}

// insist repeats a commit while other writers are faster.
func (t *Table) insist(ctx context.Context, do func() error) error {
	wait := firstWait
	for n := 1; ; n++ {
		err := do()
		if !errors.Is(err, errConflict) {
			return err
		}
		t.at = nil
		if n == tries {
			return &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassTransient, Cause: err,
				Message: fmt.Sprintf("somebody else changed the Iceberg table of the results in %s each time that it was to be committed, %d times", t.Target, tries),
				Next:    "find out who else writes to it, and let nobody do that"}
		}
		if err := pause.For(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, time.Second)
	}
}

// load reads the table, unless it is known.
func (t *Table) load(ctx context.Context) error {
	if t.sizes.few == 0 {
		t.sizes = usual
	}
	if t.at != nil {
		return nil
	}
	version, err := newest(ctx, t.Store, Folder(t.Root))
	if err != nil {
		return err
	}
	at := &state{version: version, live: map[string]map[string]*manifestFile{}}
	location := t.url(strings.TrimSuffix(t.Root, "/"))
	if version > 0 {
		if at.metadata, err = t.readMetadata(ctx, versionKey(Folder(t.Root), version)); err != nil {
			return err
		}
	}

	switch m := at.metadata; {
	case m == nil:
		at.metadata = newMetadata(newUUID(), location)
	case m.Location != location: // the lake was moved: what the snapshots name is not there
		moved := newMetadata(m.UUID, location)
		moved.LastColumn, moved.Schemas, moved.CurrentSchema, moved.LastSequence = m.LastColumn, m.Schemas, m.CurrentSchema, m.LastSequence
		moved.Properties[propMapping] = m.Properties[propMapping]
		at.metadata = moved
	}
	at.metadata.Properties[propPipeline], at.metadata.Properties[propTarget] = t.Pipeline, t.Target
	if fence, _ := strconv.ParseInt(at.metadata.Properties[propFence], 10, 64); fence > t.Fence {
		return &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the Iceberg table of the results in %s was changed by a process that took this pipeline over", t.Target), Next: "`hindcast status` says who runs this pipeline"}
	}
	if err := t.loadFiles(ctx, at); err != nil {
		return err
	}
	t.at = at
	return nil
}

// loadFiles reads which files the current snapshot has.
func (t *Table) loadFiles(ctx context.Context, at *state) error {
	s := at.metadata.current()
	if s == nil {
		return nil
	}
	list, err := t.readList(ctx, s)
	if err != nil {
		return err
	}
	files := make([][]entry, len(list))
	err = parallel.Do(len(list), width, func(i int) error {
		var err error
		files[i], err = t.readManifest(ctx, list[i])
		for j := range files[i] {
			files[i][j].file = record{"file_path": files[i][j].path()} // of a long history, all of it would be much
		}
		return err
	})
	if err != nil {
		return err
	}
	at.manifests = list
	total := 0
	for i, m := range list {
		total += len(files[i])
		for _, e := range files[i] {
			if err := t.enter(at.live, e.path(), m); err != nil {
				return err
			}
		}
	}
	if says := s.Summary[totalFiles]; says != "" && says != strconv.Itoa(total) {
		return t.damaged(s.List, fmt.Errorf("its manifests have %d files, and the snapshot says %s", total, says))
	}
	return nil
}

// enter says which manifest has a live file.
func (t *Table) enter(live map[string]map[string]*manifestFile, location string, m *manifestFile) error {
	folder, ours := t.folder(location)
	if !ours {
		return t.foreign(location)
	}
	if live[folder] == nil {
		live[folder] = map[string]*manifestFile{}
	}
	live[folder][location] = m
	return nil
}

// folder is the folder of the slice whose result a file is of; false if it is not one that the lake keeps.
func (t *Table) folder(location string) (folder string, ours bool) {
	key, inLake := t.key(location)
	below, kept := strings.CutPrefix(key, t.Root)
	folder, _, nested := strings.Cut(below, "/")
	return folder, inLake && kept && nested
}

func (t *Table) foreign(location string) error {
	return &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("the Iceberg table of the results in %s has %s, which is not a result that the lake keeps: somebody else writes to it", t.Target, location),
		Next:    t.again()}
}

// again is what helps against metadata that cannot be used.
func (t *Table) again() string {
	return "let nobody else write to it. If you delete " + objstore.Location(t.Store, strings.TrimSuffix(Folder(t.Root), "/")) +
		", the next run makes it again from what is kept, without its older snapshots"
}

func (t *Table) url(key string) string { return objstore.Location(t.Store, key) }

// key is the reverse of url; false if it is not in the lake.
func (t *Table) key(location string) (string, bool) {
	return strings.CutPrefix(location, strings.TrimSuffix(t.url("x"), "x"))
}

// publish makes the table what is kept of these slices; columns are those of the latest results, and others says that slices which are not
// given may have more.
func (t *Table) publish(ctx context.Context, run string, now Results, columns []hindcast.Column, others bool) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	m := t.at.metadata.clone()
	if len(columns) == 0 && m.schema() == nil {
		return nil // nothing was ever kept
	}
	if len(columns) > 0 {
		s, err := m.evolve(t.Target, columns, others)
		if err != nil {
			return err
		}
		if err := m.setSchema(s, spellings(now)); err != nil {
			return err
		}
	}

	c := t.compare(now)
	if c.none() && t.at.version > 0 {
		if m.schema() != t.at.metadata.schema() { // only the columns are others
			if err := t.commit(ctx, m); err != nil {
				return err
			}
		}
		return t.committed(ctx)
	}
	w := &writer{table: t, run: run, metadata: m, snapshot: t.newSnapshot(m)}
	manifests, err := w.write(ctx, c)
	if err != nil {
		return err
	}
	m.add(w.snapshot)
	m.expire(time.Time{})
	if err := t.commit(ctx, m); err != nil {
		return err
	}
	if err := t.took(manifests, w); err != nil {
		return err
	}
	return t.committed(ctx)
}

// took makes what was committed the state.
func (t *Table) took(manifests []*manifestFile, w *writer) error {
	t.at.manifests = manifests
	for location, m := range w.moved {
		if err := t.enter(t.at.live, location, m); err != nil {
			return err
		}
	}
	for location := range w.gone {
		folder, _ := t.folder(location)
		if delete(t.at.live[folder], location); len(t.at.live[folder]) == 0 {
			delete(t.at.live, folder)
		}
	}
	return nil
}

// changes is what differs between the current snapshot and what is kept.
type changes struct {
	gone  map[string]*manifestFile // by location, the manifests that have the files
	add   []hindcast.File          // with keys for paths
	which []string                 // keys of slices, in order
}

func (c *changes) none() bool { return len(c.gone)+len(c.add) == 0 }

// compare finds what is to be added to the current snapshot, and what is to go.
func (t *Table) compare(now Results) *changes {
	c := &changes{gone: map[string]*manifestFile{}}
	for _, slice := range slices.Sorted(maps.Keys(now)) {
		had, wanted := t.at.live[objstore.Escape(slice)], map[string]bool{}
		before := len(c.gone) + len(c.add)
		if m := now[slice]; m != nil {
			for _, f := range m.Files {
				location := t.url(f.Path)
				wanted[location] = true
				if _, there := had[location]; !there && f.Rows > 0 { // one without rows is nothing to a reader
					c.add = append(c.add, f)
				}
			}
		}
		for location, m := range had {
			if !wanted[location] {
				c.gone[location] = m
			}
		}
		if len(c.gone)+len(c.add) > before {
			c.which = append(c.which, slice)
		}
	}
	return c
}
