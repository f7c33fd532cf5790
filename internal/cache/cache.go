// Package cache keeps local copies of Parquet files from an object store, for engines that read local files. Of each
// file it fetches the footer and the chunks of the wanted columns; the rest of the copy is a hole. Which columns are
// wanted, and what is done with the files, is the caller's responsibility.
//
//	<dir>/CACHEDIR.TAG              makes backups skip the folder, and marks it as ours
//	<dir>/lock                      held while something is evicted
//	<dir>/trash/                    evicted, about to be deleted
//	<dir>/files/<2>/<id>/           one version of one object: <id> is a hash of store, key and ETag
//	    lock                        shared: in use; exclusive: being evicted. Its time is when it was last used
//	    data                        the bytes, at their offsets; held exclusively while fetching
//	    record                      which ranges of data are there; written after they are on disk
//	    <view>/[a=b/…]<name>        a link to data, as engines see it: a new one whenever data has grown
//
// Only what a record lists counts, so a process may be killed at any instant. Locks are the kernel's and end with
// their process. An engine may remember what it read of a path, holes too (DuckDB does), so that a copy which has
// grown gets a path of its own. Folders named column=value stay in the path: they are columns to some engines.
package cache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Source is what the cache needs of an object store.
type Source interface {
	// URL names the store; with a key it names an object.
	URL() string
	// Stat returns an object's size and ETag, or objstore.ErrNotExist. Safe for parallel use.
	Stat(ctx context.Context, key string) (objstore.Info, error)
	// GetRange fills p with the object's bytes from offset on, all of them or an error, from the version with that
	// ETag: objstore.ErrPrecondition if it was replaced. It retries transient errors. Safe for parallel use.
	GetRange(ctx context.Context, key, etag string, offset int64, p []byte) error
}

// How much is requested at once, which bounds the cache's memory; and up to which size a file is not worth a second
// request.
const (
	requests = 16
	piece    = 4 << 20
	small    = 64 << 10
)

// Cache is a folder of copies. Its methods may be called in parallel, also by other processes on the same folder.
type Cache struct {
	dir      string
	limit    int64
	small    int64 // files of at most this many bytes are fetched whole
	now      func() time.Time
	patience time.Duration
	slots    chan struct{} // one per request
	buffers  sync.Pool
	checker  chunks.Checker

	evicting sync.Mutex
	mutex    sync.Mutex // guards what follows
	used     int64      // bytes on disk, as far as this process knows
	fetched  int64      // bytes since the last look at the disk
	inFlight int64      // bytes that are being fetched
	released bool       // something that was in use at the last look may now be evictable
}

// patience is how long a lock is waited for. Locks are held for an instant, or while one file is fetched; a process
// that is suspended while it holds one must not block all others.
const patience = time.Minute

// Open opens the cache in its own folder on a local disk, creating it if needed. The cache stays below limit bytes on
// disk, apart from files in use; with 0 it keeps only those. It returns E-VALUE if the folder is not a cache's, or
// cannot be one.
func Open(dir string, limit int64) (*Cache, error) {
	c := &Cache{limit: max(limit, 0), small: small, now: time.Now, patience: patience, slots: make(chan struct{}, requests)}
	c.buffers.New = func() any { return new([piece]byte) }
	c.fetched = c.limit // it has never looked
	var err error
	if c.dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("opening the cache %s: %w", dir, err)
	}

	if strings.ContainsAny(c.dir, "=*?[\\") {
		return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the cache's folder %s has one of = * ? [ \\ in its path, which are special to engines", c.dir),
			Next:    "name another folder"}
	}

	if err := c.mark(); err != nil {
		return nil, err
	}

	return c, nil
}

const (
	tagName = "CACHEDIR.TAG"
	tag     = "Signature: 8a477f597d28d172789f06886806bc55\n" +
		"# hindcast keeps copies of a lake's files here, and deletes what it no longer needs. The folder may be deleted as a whole.\n"
)

// mark proves that the folder is a cache's, and marks an empty one: what is in a cache gets deleted.
func (c *Cache) mark() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil { // the lake's data is not for every account on this machine
		return c.fail("making", err)
	}

	path := filepath.Join(c.dir, tagName)
	marked := func() bool {
		text, err := os.ReadFile(path)
		return err == nil && string(text) == tag
	}

	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return c.fail("reading", err)
	}

	for _, e := range entries { // the temporary file of another process that is just creating the cache is harmless
		if !strings.HasPrefix(e.Name(), temporary) && !marked() {
			return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("the cache's folder %s holds something else (%s)", c.dir, e.Name()),
				Next:    "name an empty folder, or one that does not exist"}
		}
	}

	if !marked() {
		if err := write(path, []byte(tag)); err != nil {
			return c.fail("marking", err)
		}
	}

	for _, name := range []string{"files", "trash"} {
		if err := os.MkdirAll(filepath.Join(c.dir, name), 0o700); err != nil {
			return c.fail("making", err)
		}
	}

	return nil
}

// Local makes the wanted columns of files readable under local paths, in the files' order, until release is called.
// File.Path is the key in the store. Bytes, and CRC32C or otherwise SHA256, are compared if set: the checksums of the
// wanted columns, whenever this process first reads a copy. With SHA256 alone a file is fetched whole. Columns are
// top-level columns of Parquet, in any case; a column that a file does not have is not an error. None needs the footers
// only, nil all columns. Only the wanted columns may be read: the others are holes.
//
// It returns E-PARQUET if a file is missing, is not a Parquet file or does not match File even after a second fetch, or
// changes while it is fetched (then transient); E-DISK-FULL if evicting does not free enough space. Errors of the store
// are passed on.
func (c *Cache) Local(ctx context.Context, from Source, files []hindcast.File, columns []string) (paths []string, release func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	paths = make([]string, len(files))
	entries := make([]*entry, len(files))
	err = parallel(len(files), requests, cancel, func(n int) (err error) {
		entries[n], paths[n], err = c.one(ctx, from, files[n], columns)
		return err
	})

	release = sync.OnceFunc(func() { c.release(entries) })
	if err != nil {
		release()
		return nil, nil, err
	}

	return paths, release, nil
}

// one makes one file readable. The entry, if there is one, must be released after an error too.
func (c *Cache) one(ctx context.Context, from Source, f hindcast.File, columns []string) (*entry, string, error) {
	info, err := c.stat(ctx, from, f)
	if err != nil {
		return nil, "", err
	}

	e, err := c.open(ctx, from, info)
	if err != nil {
		return nil, "", err
	}
	if info.Bytes <= c.small || f.CRC32C == "" && f.SHA256 != "" { // a checksum of the whole needs the whole
		columns = nil
	}

	path, err := e.local(ctx, f, columns)
	return e, path, err
}

// stat returns which version of the file is meant: the one that was written or, if unknown, the current one.
func (c *Cache) stat(ctx context.Context, from Source, f hindcast.File) (objstore.Info, error) {
	if f.ETag != "" && f.Bytes > 0 {
		return objstore.Info{Key: f.Path, Bytes: f.Bytes, ETag: f.ETag}, nil
	}

	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return objstore.Info{}, ctx.Err()
	}

	info, err := from.Stat(ctx, f.Path)
	info.Key = f.Path
	switch {
	case err != nil:
		return info, described(from, info, err)
	case f.Bytes > 0 && info.Bytes != f.Bytes:
		return info, bad(from, info, fmt.Sprintf("has %d bytes and its manifest says %d", info.Bytes, f.Bytes))
	case info.ETag == "":
		return info, &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent,
			Message: from.URL() + " gives its objects no ETag, so an outdated copy could not be recognised",
			Next:    "use a store that has ETags"}
	}

	return info, nil
}

// release lets go of entries, some of which may be nil, and shrinks the cache to its limit.
func (c *Cache) release(entries []*entry) {
	for _, e := range entries {
		if e != nil {
			e.close()
		}
	}

	c.mutex.Lock()
	c.released = true
	over := c.used > c.limit
	c.mutex.Unlock()

	if over {
		c.shrink(context.Background())
	}
}

// parallel calls f for 0 to n-1, at most wide at a time, and returns the first error other than those of the
// cancellation that it causes.
func parallel(n, wide int, cancel func(), f func(n int) error) error {
	var group sync.WaitGroup
	var mutex sync.Mutex
	var first error
	next := 0
	take := func(err error) int {
		mutex.Lock()
		defer mutex.Unlock()
		if err != nil {
			if first == nil {
				first = err
			}
			cancel()
			next = n
		}

		next++
		return next - 1
	}

	for range min(n, wide) {
		group.Go(func() {
			var err error
			for i := take(nil); i < n; i = take(err) {
				err = f(i)
			}
		})
	}

	group.Wait()
	return first
}
