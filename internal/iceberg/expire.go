package iceberg

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// Swept is what Expire took away, and what must stay.
type Swept struct {
	Snapshots int             // that it took out of the table
	Files     int             // of metadata that it deleted
	Named     map[string]bool // the folders, as keys that end in a slash, of all data that some snapshot names; nil if no snapshot went
}

// Expire takes the snapshots out of the table that were replaced before then, and those of one run but for its latest ones; never the
// current one, nor one that a branch or tag names. It deletes the metadata that nobody needs any more. Readers of an expired snapshot
// fail from then on. A process that has committed nothing, and expires nothing, deletes nothing.
func (t *Table) Expire(ctx context.Context, before time.Time) (s Swept, err error) {
	err = t.insist(ctx, func() error {
		if err := t.load(ctx); err != nil || t.at.version == 0 {
			return err
		}
		m := t.at.metadata.clone()
		if gone := m.expire(before); gone > 0 {
			if err := t.commit(ctx, m); err != nil {
				return err
			}
			s.Snapshots += gone
		}
		if err := t.point(ctx); err != nil || t.commits == 0 {
			return err
		}
		return t.sweep(ctx, &s)
	})
	return s, err
}

// sweep deletes the metadata that is not needed, if the table is what it was when it was loaded. What was written since, or by a process
// that took over, stays.
func (t *Table) sweep(ctx context.Context, s *Swept) error {
	folder := Folder(t.Root)
	infos, err := t.Store.List(ctx, folder) // before it is made sure that nobody has committed: what is written later is not in it
	if err != nil {
		return broken(t.Store, folder, "cannot be listed", err)
	}
	needed, manifests, err := t.needed(ctx)
	if err != nil {
		return err
	}
	var named map[string]bool
	if s.Snapshots > 0 {
		if named, err = t.named(ctx, manifests); err != nil {
			return err
		}
	}
	highest, err := newest(ctx, t.Store, folder)
	if err != nil {
		return err
	}
	if highest != t.at.version {
		return errConflict
	}
	if err := t.May(ctx); err != nil {
		return err
	}
	s.Named = named

	infos = slices.DeleteFunc(infos, func(info objstore.Info) bool { return needed[t.url(info.Key)] || !t.mine(folder, info.Key) })
	var gone atomic.Int64
	err = parallel.Do(len(infos), width, func(i int) error {
		if err := t.Store.Delete(ctx, infos[i].Key); err != nil {
			return broken(t.Store, infos[i].Key, "cannot be deleted", err)
		}
		gone.Add(1)
		return nil
	})
	s.Files = int(gone.Load())
	return err
}

// fenceForm is how names of lists and manifests begin.
var fenceForm = regexp.MustCompile(`^(?:snap-\d+-1-)?f(\d+)-`)

// mine reports whether metadata is of this process or of one before it.
func (t *Table) mine(folder, key string) bool {
	if n := versionOf(folder, key); n > 0 {
		return n <= t.at.version
	}
	fence := int64(0) // of names that earlier versions of hindcast gave
	if found := fenceForm.FindStringSubmatch(strings.TrimPrefix(key, folder)); found != nil {
		fence, _ = strconv.ParseInt(found[1], 10, 64)
	}
	return strings.HasSuffix(key, ".avro") && fence <= t.Fence
}

// needed are the locations of all metadata that stays, and the manifests among it.
func (t *Table) needed(ctx context.Context) (needed map[string]bool, manifests map[string]*manifestFile, err error) {
	needed, manifests = map[string]bool{t.url(versionKey(Folder(t.Root), t.at.version)): true}, map[string]*manifestFile{}
	for _, w := range t.at.metadata.MetadataLog {
		needed[w.File] = true
	}
	all, elsewhere := map[string]*snapshot{}, map[string]*snapshot{}
	for _, s := range t.at.metadata.Snapshots {
		all[s.List] = s
	}
	pinned, err := t.Pinned(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, key := range pinned {
		if !strings.HasPrefix(key, Folder(t.Root)) {
			continue
		}
		m, err := t.readMetadata(ctx, key)
		if errors.Is(err, objstore.ErrNotExist) { // somebody has deleted the metadata of the table
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		needed[t.url(key)] = true
		if s := m.current(); s != nil && all[s.List] == nil {
			elsewhere[s.List] = s
		}
	}

	keep := func(s *snapshot) error {
		list, err := t.readList(ctx, s)
		for _, m := range list {
			needed[m.path], manifests[m.path] = true, m
		}
		needed[s.List] = true
		return err
	}
	for _, s := range all {
		if err := keep(s); err != nil {
			return nil, nil, err
		}
	}
	for _, s := range elsewhere {
		if err := keep(s); err != nil && !errors.Is(err, objstore.ErrNotExist) { // it was pinned when its list was gone already
			return nil, nil, err
		}
	}
	return needed, manifests, nil
}

// named are the folders of the files that manifests have.
func (t *Table) named(ctx context.Context, manifests map[string]*manifestFile) (map[string]bool, error) {
	folders := map[string]bool{}
	for _, m := range manifests {
		entries, err := t.readManifest(ctx, m)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			key, below := t.key(e.path())
			if !below {
				return nil, t.foreign(e.path())
			}
			folders[key[:strings.LastIndexByte(key, '/')+1]] = true
		}
	}
	return folders, nil
}
