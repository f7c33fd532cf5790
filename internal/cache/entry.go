package cache

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/objstore"
)

// entry is the copy of one version of an object, in use.
type entry struct {
	cache  *Cache
	from   Source
	object objstore.Info
	dir    string
	use    *os.File // the lock, shared
}

var (
	errGone    = errors.New("evicted")
	errMissing = errors.New("not fetched yet")
)

// open finds or creates the entry of an object and holds it.
func (c *Cache) open(ctx context.Context, from Source, object objstore.Info) (*entry, error) {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%q %q %q", from.URL(), object.Key, object.ETag) // never fails
	id := hex.EncodeToString(hash.Sum(nil)[:20])
	e := &entry{cache: c, from: from, object: object, dir: filepath.Join(c.dir, "files", id[:2], id)}
	for {
		err := c.roomy(ctx, small, func() error { return e.hold(ctx) })
		if err == nil {
			return e, nil
		}
		if !errors.Is(err, errGone) {
			return nil, c.fail("opening", err)
		}
	}
}

// hold takes the shared lock; errGone if the entry is evicted in the meantime.
func (e *entry) hold(ctx context.Context) error {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}

	path := filepath.Join(e.dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return errGone
	}
	if err != nil {
		return err
	}
	if err := lock(ctx, f, syscall.LOCK_SH, e.cache.patience); err != nil {
		return err
	}

	if !isAt(f, path) {
		_ = f.Close() // which releases the lock of what is gone
		return errGone
	}

	e.use = f
	return nil
}

// close lets go of the entry and records that it was used until now.
func (e *entry) close() {
	now := e.cache.now()
	_ = os.Chtimes(e.use.Name(), now, now) // at worst it is evicted sooner
	_ = e.use.Close()                      // which releases the lock
}

// local returns the path under which the columns can be read, after fetching what is missing. Data that arrives damaged
// is fetched once more: it may be intact in the store and have been damaged on the way.
func (e *entry) local(ctx context.Context, f hindcast.File, columns []string) (string, error) {
	f.Bytes = e.object.Bytes
	path, err := e.brought(ctx, f, columns)
	if _, damaged := errors.AsType[*broken](err); damaged {
		path, err = e.brought(ctx, f, columns)
	}
	return path, err
}

// brought is local with one try.
func (e *entry) brought(ctx context.Context, f hindcast.File, columns []string) (string, error) {
	path, err := e.ready(f, columns)
	if err == nil {
		return path, nil
	}

	data, err := os.OpenFile(filepath.Join(e.dir, "data"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", e.cache.fail("opening", err)
	}

	// The fetcher holds the file's lock, so that nothing is fetched twice. The lock protects nothing else: fetching the
	// same bytes twice is harmless, and a suspended process is not waited for.
	switch err := lock(ctx, data, syscall.LOCK_EX, e.cache.patience); {
	case errors.Is(err, errBusy):
		if data, err = os.OpenFile(data.Name(), os.O_RDWR, 0o600); err != nil {
			return "", e.cache.fail("opening", err)
		}
	case err != nil:
		return "", e.cache.fail("locking", err)
	}

	defer func() { _ = data.Close() }() // synced, or worthless
	if path, err = e.ready(f, columns); err == nil {
		return path, nil
	}

	return e.fill(ctx, data, f, columns, err)
}

// ready returns the path if the columns are there and match what was written. Any error means that they have to be
// fetched; chunks.ErrBroken, that nothing in the copy can be trusted.
func (e *entry) ready(f hindcast.File, columns []string) (string, error) {
	r, err := e.load()
	if err != nil {
		return "", err
	}

	data, err := os.Open(filepath.Join(e.dir, "data"))
	if err != nil {
		return "", err
	}
	defer func() { _ = data.Close() }() // it was only read

	path := e.path(r.View)
	if !isAt(data, path) {
		return "", errMissing
	}

	want, err := wanted(e.object.Bytes, columns, func(s span) ([]byte, error) {
		if !r.spans.covers(spans{s}) {
			return nil, errMissing
		}

		text := make([]byte, s.bytes())
		_, err := data.ReadAt(text, s.from)
		return text, err
	})
	if err == nil && !r.spans.covers(want) {
		err = errMissing
	}

	if err == nil {
		if err = e.cache.checker.Check(data.Name(), f, columns); err != nil {
			err = fmt.Errorf("%w: %w", chunks.ErrBroken, err)
		}
	}

	return path, err
}

// record says which ranges of a copy are there.
type record struct {
	Lake   string     `json:"lake"` // a digest of its URL, which may be a secret
	Key    string     `json:"key"`
	ETag   string     `json:"etag"`
	Bytes  int64      `json:"bytes"`
	View   string     `json:"view"`
	Ranges [][2]int64 `json:"ranges"`
	spans  spans
}

// recordVersion and the hash of the rest make up a record's first line.
const recordVersion = "hindcast-cache-1"

// load reads the record; errMissing if there is no valid one.
func (e *entry) load() (record, error) {
	var r record
	text, err := os.ReadFile(filepath.Join(e.dir, "record"))
	if err != nil {
		return r, errMissing
	}

	head, body, _ := strings.Cut(string(text), "\n")
	if head != recordVersion+" "+digest(body) || json.Unmarshal([]byte(body), &r) != nil ||
		r.Lake != digest(e.from.URL()) || r.Key != e.object.Key || r.ETag != e.object.ETag || r.Bytes != e.object.Bytes {
		return record{}, errMissing
	}

	if info, err := os.Stat(filepath.Join(e.dir, "data")); err != nil || info.Size() != r.Bytes {
		return record{}, errMissing
	}

	for _, at := range r.Ranges {
		r.spans = append(r.spans, span{at[0], at[1]})
	}

	r.spans = union(r.spans...)
	return r, nil
}

// keep makes the data durable, gives it a path, and only then says so in the record.
func (e *entry) keep(data *os.File, have spans) (path string, err error) {
	r := record{Lake: digest(e.from.URL()), Key: e.object.Key, ETag: e.object.ETag, Bytes: e.object.Bytes, View: rand.Text()[:8]}
	for _, s := range have {
		r.Ranges = append(r.Ranges, [2]int64{s.from, s.to})
	}

	body, err := json.Marshal(r)
	if err != nil {
		return "", err
	}

	path = e.path(r.View)
	if err := data.Sync(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := os.Link(data.Name(), path); err != nil {
		return "", err
	}

	text := recordVersion + " " + digest(string(body)) + "\n" + string(body)
	return path, write(filepath.Join(e.dir, "record"), []byte(text))
}

// forget drops the record: nothing in the copy can be trusted.
func (e *entry) forget() error {
	if err := os.Remove(filepath.Join(e.dir, "record")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// path is where an engine sees a view: below the key's folders named column=value, under the key's own name, without
// what an engine would take for a pattern.
func (e *entry) path(view string) string {
	parts := []string{e.dir, view}
	keys := strings.Split(e.object.Key, "/")
	for _, part := range keys[:len(keys)-1] {
		if name, value, is := strings.Cut(part, "="); is && name != "" {
			parts = append(parts, plain(name)+"="+plain(value))
		}
	}

	name := plain(keys[len(keys)-1])
	if len(name) > longest || name == "" || name[0] == '.' {
		name = "data.parquet"
	}

	return filepath.Join(append(parts, name)...)
}

// longest is a name length that every file system accepts.
const longest = 200

// plain escapes a name the way engines unescape values in paths; existing escapes stay.
func plain(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; strings.IndexByte("*?[]{}'\"\\", c) >= 0 || c < ' ' || c == 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}

	return b.String()
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// temporary is the prefix of files that are being written.
const temporary = ".tmp-"

// write writes a file whole and durably, or not at all.
func write(path string, text []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return err
	}

	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}

	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}

	if err != nil {
		_ = os.Remove(f.Name()) // it does not exist, or stays as garbage that nobody reads
		return err
	}

	return syncFolder(dir)
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
