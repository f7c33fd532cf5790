package iceberg

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Swept is what Expire took away, and what must stay.
type Swept struct {
	Snapshots int             // that it took out of the table
	Files     int             // of metadata that it deleted
	Named     map[string]bool // the folders, as keys that end in a slash, of all data that some snapshot names; nil if no snapshot went
}

// Expire takes the snapshots out of the table that are older, and those of one run but for its latest ones; never the current one, nor
// one that a branch or tag names. It deletes the metadata that nobody needs any more. Readers of an expired snapshot fail from then on.
// A process that has committed nothing, and expires nothing, deletes nothing.
func (t *Table) Expire(ctx context.Context, before time.Time) (s Swept, err error) {
	err = t.insist(ctx, func() error {
		if err := t.load(ctx); err != nil || t.at.version == 0 {
			return err
		}
		m := t.at.metadata.clone()
		if s.Snapshots = m.expire(before); s.Snapshots == 0 {
			return nil
		}
		return t.commit(ctx, m) // which also keeps a process that was taken over from committing what is deleted below
	})
	if err != nil || t.at.version == 0 || t.commits == 0 {
		return s, err
	}

	needed, manifests, err := t.needed(ctx)
	if err != nil {
		return s, err
	}
	if s.Snapshots > 0 {
		if s.Named, err = t.named(ctx, manifests); err != nil {
			return s, err
		}
	}
	s.Files, err = t.sweep(ctx, needed)
	return s, err
}

// needed are the locations of all metadata that stays, and the manifests among it.
func (t *Table) needed(ctx context.Context) (needed map[string]bool, manifests map[string]*manifestFile, err error) {
	needed, manifests = map[string]bool{t.url(versionKey(Folder(t.Root), t.at.version)): true}, map[string]*manifestFile{}
	for _, w := range t.at.metadata.MetadataLog {
		needed[w.File] = true
	}
	all := map[string]*snapshot{}
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
		if s := m.current(); s != nil {
			all[s.List] = s
		}
	}

	for location, s := range all {
		list, err := t.readList(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		needed[location] = true
		for _, m := range list {
			needed[m.path], manifests[m.path] = true, m
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

// sweep deletes the metadata that is not needed, and returns how many files that were.
func (t *Table) sweep(ctx context.Context, needed map[string]bool) (gone int, err error) {
	folder := Folder(t.Root)
	infos, err := t.Store.List(ctx, folder)
	if err != nil {
		return 0, broken(t.Store, folder, "cannot be listed", err)
	}
	for _, info := range infos {
		ours := strings.HasSuffix(info.Key, ".avro") || versionOf(folder, info.Key) > 0
		if !ours || needed[t.url(info.Key)] {
			continue
		}
		if err := t.Store.Delete(ctx, info.Key); err != nil {
			return gone, broken(t.Store, info.Key, "cannot be deleted", err)
		}
		gone++
	}
	return gone, nil
}
