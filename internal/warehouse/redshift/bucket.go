package redshift

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// manifest is what UNLOAD writes last, and what COPY reads: a file that it does not list is not there. COPY wants the length of
// each columnar file.
type manifest struct {
	Entries []entry `json:"entries"`
}

type entry struct {
	URL       string `json:"url"`
	Mandatory bool   `json:"mandatory,omitempty"`
	Meta      struct {
		Bytes int64 `json:"content_length"`
		Rows  int64 `json:"record_count,omitempty"`
	} `json:"meta"`
}

const manifestName = "manifest" // UNLOAD's own, after the prefix

// unloadPrefix begins the names of the files that UNLOAD writes into a folder.
const unloadPrefix = "unload_"

// key is an object's key in the lake's bucket.
func (w *Owner) key(url string) (string, error) {
	key, found := strings.CutPrefix(url, strings.TrimSuffix(w.store.URL(), "/")+"/")
	if !found {
		return "", permanent(url+" is not in the lake "+w.store.URL(), "")
	}
	return key, nil
}

func (w *Owner) url(key string) string { return objstore.Location(w.store, key) }

// unloaded reads what an UNLOAD into the folder says that it wrote, and removes that: what is read of the folder later is its data.
func (w *Owner) unloaded(ctx context.Context, folder string) (m manifest, err error) {
	key, err := w.key(folder + unloadPrefix + manifestName)
	if err != nil {
		return m, err
	}
	body, _, err := objstore.Find(ctx, w.store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return m, inTransit("the UNLOAD into %s left no manifest: it did not end", folder)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, inTransit("the manifest of the UNLOAD into %s cannot be read: %v", folder, err)
	}
	return m, w.store.Delete(ctx, key)
}

// objects finds what a manifest lists, in one list: of a manifest with many files, asking for each would take longer than their bytes.
func (w *Owner) objects(ctx context.Context, folder string, m manifest) ([]objstore.Info, error) {
	prefix, err := w.key(folder)
	if err != nil {
		return nil, err
	}
	list, err := w.store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	there := make(map[string]objstore.Info, len(list))
	for _, info := range list {
		there[info.Key] = info
	}

	found := make([]objstore.Info, len(m.Entries))
	for i, e := range m.Entries {
		key, err := w.key(e.URL)
		if err != nil {
			return nil, err
		}
		info, listed := there[key]
		if !listed || info.ETag == "" { // a list that lags behind, or knows less
			if info, err = objstore.Stat(ctx, w.store, key); errors.Is(err, objstore.ErrNotExist) {
				return nil, inTransit("%s is not there, and the manifest lists it", e.URL)
			}
			if err != nil {
				return nil, err
			}
		}
		if info.Bytes != e.Meta.Bytes {
			return nil, inTransit("%s has %d bytes, and the manifest says %d", e.URL, info.Bytes, e.Meta.Bytes)
		}
		found[i] = info
	}
	return found, nil
}

// fetch brings a file of an UNLOAD here. Its ETag says which object it was.
func (w *Owner) fetch(ctx context.Context, info objstore.Info, rows int64, dir string, sync bool) (f hindcast.File, err error) {
	f = hindcast.File{Path: filepath.Join(dir, path.Base(info.Key)), Bytes: info.Bytes, Rows: rows, ETag: info.ETag}
	out, err := os.OpenFile(f.Path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return f, fmt.Errorf("fetching %s: %w", info.Key, err)
	}
	if err = objstore.Copy(ctx, w.store, info, out); err == nil && sync {
		err = out.Sync()
	}
	return f, errors.Join(err, out.Close())
}

// send brings a local file into the folder, and gives its entry for a manifest.
func (w *Owner) send(ctx context.Context, local, folder string) (e entry, err error) {
	in, err := os.Open(local)
	if err != nil {
		return e, fmt.Errorf("uploading: %w", err)
	}
	defer func() { _ = in.Close() }() // it is only read
	info, err := w.store.Upload(ctx, folder+objstore.Escape(filepath.Base(local)), in)
	if err != nil {
		return e, err
	}
	e.URL, e.Mandatory, e.Meta.Bytes = w.url(info.Key), true, info.Bytes
	return e, nil
}
