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

// fetch brings a file of an UNLOAD here. Its ETag says which object it was.
func (w *Owner) fetch(ctx context.Context, e entry, dir string) (f hindcast.File, err error) {
	key, err := w.key(e.URL)
	if err != nil {
		return f, err
	}
	info, err := objstore.Stat(ctx, w.store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return f, inTransit("%s is not there, and the manifest lists it", e.URL)
	}
	if err != nil {
		return f, err
	}
	if info.Bytes != e.Meta.Bytes {
		return f, inTransit("%s has %d bytes, and the manifest says %d", e.URL, info.Bytes, e.Meta.Bytes)
	}

	f = hindcast.File{Path: filepath.Join(dir, path.Base(key)), Bytes: info.Bytes, Rows: e.Meta.Rows, ETag: info.ETag}
	out, err := os.OpenFile(f.Path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return f, fmt.Errorf("fetching %s: %w", e.URL, err)
	}
	return f, errors.Join(objstore.Copy(ctx, w.store, info, out), out.Sync(), out.Close())
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
