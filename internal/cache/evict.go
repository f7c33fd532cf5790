package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// share is how often this process looks at what is on disk, since others fetch too: after each sixteenth of the limit.
// It is also how much is evicted at once, so that a full cache is not searched for every file.
const share = 16

// reserve makes room for bytes that are about to be fetched, as far as files in use allow.
func (c *Cache) reserve(ctx context.Context, bytes int64) {
	c.mutex.Lock()
	c.used += bytes
	c.fetched += bytes
	c.inFlight += bytes
	look := c.fetched >= c.limit/share || c.used > c.limit && c.released
	c.mutex.Unlock()

	if look {
		c.shrink(ctx)
	}
}

// arrived says that reserved bytes are on disk, or will not be.
func (c *Cache) arrived(bytes int64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.inFlight -= bytes
}

// shrink brings the cache below its limit, if files in use allow that.
func (c *Cache) shrink(ctx context.Context) {
	c.evict(ctx, func(used int64) int64 {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		used += c.inFlight
		c.used, c.fetched, c.released = used, 0, false

		if used <= c.limit {
			return 0
		}

		return used - c.limit + c.limit/share
	})
}

// roomy calls do, which needs that much space, again while the disk is full and something can be evicted. It tries once
// more even if nothing can: another process may have made space.
func (c *Cache) roomy(ctx context.Context, bytes int64, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if !full(err) {
			return err
		}
		if freed := c.evict(ctx, func(int64) int64 { return bytes }); freed == 0 && try > 1 {
			return err
		}
	}
}

// kept is an entry on disk.
type kept struct {
	dir   string
	bytes int64
	used  time.Time // zero if it has no record and nobody can use it
}

// evict removes entries that nobody uses, the longest unused first, until as many bytes are free as goal says, given
// the bytes in use. Only one process evicts at a time: two would evict twice the excess.
func (c *Cache) evict(ctx context.Context, goal func(used int64) int64) (freed int64) {
	c.evicting.Lock()
	defer c.evicting.Unlock()
	f, err := os.OpenFile(filepath.Join(c.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil && lock(ctx, f, syscall.LOCK_EX, c.patience) == nil {
		defer func() { _ = f.Close() }() // which releases the lock
	} // otherwise it is full, or the other process is suspended: at worst too much is evicted

	c.empty()
	entries := c.look()
	var used int64
	for _, e := range entries {
		used += e.bytes
	}

	excess := goal(used)
	for _, e := range entries {
		if freed >= excess {
			break
		}
		if c.remove(e) {
			freed += e.bytes
		}
	}

	c.mutex.Lock()
	c.used -= min(freed, c.used)
	c.mutex.Unlock()
	c.empty()

	return freed
}

// Usage is how many bytes a cache's folder takes on disk; 0 if it does not exist.
func Usage(dir string) (bytes int64) {
	for _, e := range (&Cache{dir: dir}).look() {
		bytes += e.bytes
	}
	return bytes
}

// look lists what is on disk, in the order of eviction.
func (c *Cache) look() []kept {
	var found []kept
	dirs, _ := filepath.Glob(filepath.Join(c.dir, "files", "??", "*")) // the pattern is well-formed
	for _, dir := range dirs {
		e := kept{dir: dir}
		if info, err := os.Stat(filepath.Join(dir, "data")); err == nil {
			e.bytes = allocated(info)
		}

		info, err := os.Stat(filepath.Join(dir, "lock"))
		if _, none := os.Stat(filepath.Join(dir, "record")); err == nil && none == nil {
			e.used = info.ModTime()
		}

		found = append(found, e)
	}

	slices.SortFunc(found, func(a, b kept) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.dir, b.dir)) })
	return found
}

// remove moves an entry away, unless somebody uses it. Whoever waits for its lock finds it gone and creates it again.
func (c *Cache) remove(e kept) bool {
	path := filepath.Join(e.dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // which releases the lock

	if flock(f, syscall.LOCK_EX|syscall.LOCK_NB) != nil || !isAt(f, path) {
		return false
	}

	return os.Rename(e.dir, filepath.Join(c.dir, "trash", filepath.Base(e.dir)+"-"+rand.Text()[:8])) == nil
}

// empty removes what was evicted, including what dead processes left behind.
func (c *Cache) empty() {
	in, err := os.OpenRoot(c.dir) // nothing outside it, wherever links lead
	if err != nil {
		return
	}
	defer func() { _ = in.Close() }()

	entries, _ := fs.ReadDir(in.FS(), "trash")
	for _, e := range entries {
		_ = in.RemoveAll(filepath.Join("trash", e.Name())) // what stays is tried again next time
	}
}
