package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Localizer makes files of a lake that is no folder readable by programs that open plain files. Safe for use by many
// goroutines.
type Localizer interface {
	// Localize returns a path for each of the files, in their order. Only the named columns will be read of them; nil
	// means all. The paths are good until release is called, once; it is nil after an error. E-PARQUET if a file is not
	// there or not what its manifest says.
	Localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error)
	// Adopt takes over a local copy of a file that was just uploaded, to keep or to remove. Best effort.
	Adopt(f hindcast.File, path string)
}

// Localize returns a path that programs on this machine can open for each of the files, in their order, as
// Localizer.Localize does. What lies in a folder lake, or is the user's own, is where it is.
func (l *Lake) Localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error) {
	paths = make([]string, len(files))
	var far []hindcast.File
	var at []int
	for i, f := range files {
		if l.Remote() && !foreign(f.Path) {
			far, at = append(far, f), append(at, i)
			continue
		}
		paths[i] = l.Absolute(f.Path)
	}
	if len(far) == 0 {
		return paths, func() {}, nil
	}
	if l.files == nil {
		return nil, nil, errors.New("reading files of the lake: it has no scratch folder")
	}
	near, release, err := l.files.Localize(ctx, far, columns)
	if err != nil {
		return nil, nil, err
	}
	for i, path := range near {
		paths[at[i]] = path
	}
	return paths, release, nil
}

// Copies is a Localizer that brings whole files, and keeps them for the next reader as long as there is room.
type Copies struct {
	store  objstore.Store
	folder string
	limit  int64 // of bytes; what is being read may exceed it

	mutex sync.Mutex // guards what follows
	known map[string]*localCopy
	bytes int64
	clock int64
}

// localCopy is one file here, or on its way.
type localCopy struct {
	path    string
	bytes   int64
	readers int
	used    int64         // by the clock, when it was last let go
	ready   chan struct{} // closed when it is here, or err says why not
	err     error
}

// NewCopies keeps copies of the store's files below folder, which it makes.
func NewCopies(store objstore.Store, folder string, limit int64) *Copies {
	return &Copies{store: store, folder: folder, limit: limit, known: map[string]*localCopy{}}
}

// Localize brings the files that are not here.
func (c *Copies) Localize(ctx context.Context, files []hindcast.File, _ []string) ([]string, func(), error) {
	held := make([]*localCopy, len(files))
	release := func() {
		for i, f := range files {
			c.release(f, held[i])
		}
	}
	err := parallel(len(files), runtime.GOMAXPROCS(0), func(n int) (err error) {
		held[n], err = c.hold(ctx, files[n])
		return err
	})
	if err != nil {
		release()
		return nil, nil, err
	}
	paths := make([]string, len(files))
	for i, h := range held {
		paths[i] = h.path
	}
	return paths, release, nil
}

// hold returns the file's copy, which stays until it is released.
func (c *Copies) hold(ctx context.Context, f hindcast.File) (*localCopy, error) {
	for {
		h, ours := c.claim(f)
		if ours {
			err := c.fetch(ctx, f, h.path)
			c.mutex.Lock()
			h.err = err
			c.mutex.Unlock()
			close(h.ready)
		}
		select {
		case <-h.ready:
		case <-ctx.Done():
			c.release(f, h)
			return nil, ctx.Err()
		}
		if h.err == nil {
			return h, nil
		}
		c.release(f, h)
		if ours || !errors.Is(h.err, context.Canceled) { // else the reader who brought it gave up, and we do not
			return nil, h.err
		}
	}
}

// claim counts a reader of the file's copy; ours says that the caller has to bring it.
func (c *Copies) claim(f hindcast.File) (h *localCopy, ours bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	h = c.known[f.Path]
	if ours = h == nil; ours {
		h = &localCopy{path: filepath.Join(c.folder, filepath.FromSlash(f.Path)), bytes: f.Bytes, ready: make(chan struct{})}
		c.known[f.Path] = h
		c.bytes += f.Bytes
	}
	h.readers++
	c.makeRoom()
	return h, ours
}

// release lets a copy go. One that did not come is forgotten, so that the next reader tries again.
func (c *Copies) release(f hindcast.File, h *localCopy) {
	if h == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	h.readers--
	c.clock++
	h.used = c.clock
	if h.err != nil && c.known[f.Path] == h {
		delete(c.known, f.Path)
		c.bytes -= h.bytes
	}
	c.makeRoom()
}

// makeRoom removes what was not read for longest, until the rest is within the limit. The caller holds the mutex.
func (c *Copies) makeRoom() {
	for c.bytes > c.limit {
		oldest := ""
		for key, h := range c.known {
			if h.readers == 0 && (oldest == "" || h.used < c.known[oldest].used) {
				oldest = key
			}
		}
		if oldest == "" {
			return
		}
		_ = os.Remove(c.known[oldest].path) // what stays goes with the whole folder
		c.bytes -= c.known[oldest].bytes
		delete(c.known, oldest)
	}
}

// fetch brings a file, and proves that it is what its manifest says before it has its name.
func (c *Copies) fetch(ctx context.Context, f hindcast.File, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return broken(path, "cannot be made", err)
	}
	err := c.bring(ctx, f, path)
	if err != nil && hindcast.AsError(err).Code == hindcast.EParquet {
		err = c.bring(ctx, f, path) // perhaps it was damaged on its way
	}
	if errors.Is(err, objstore.ErrNotExist) || errors.Is(err, objstore.ErrPrecondition) {
		return badParquet(f.Path, "it is not there, or was replaced")
	}
	if err != nil {
		return broken(f.Path, "cannot be brought here", err)
	}
	return nil
}

func (c *Copies) bring(ctx context.Context, f hindcast.File, path string) error {
	out, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	digest := sha256.New()
	err = objstore.Copy(ctx, c.store, objstore.Info{Key: f.Path, Bytes: f.Bytes, ETag: f.ETag}, io.MultiWriter(out, digest))
	err = errors.Join(err, out.Close())
	if err == nil && f.SHA256 != "" && f.SHA256 != hex.EncodeToString(digest.Sum(nil)) {
		err = badParquet(f.Path, "its checksum is not the manifest's")
	}
	if err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		_ = os.Remove(out.Name()) // the first error counts
	}
	return err
}

// Adopt makes the local file the object's copy.
func (c *Copies) Adopt(f hindcast.File, path string) {
	to := filepath.Join(c.folder, filepath.FromSlash(f.Path))
	err := os.MkdirAll(filepath.Dir(to), 0o777)
	if err == nil {
		err = os.Rename(path, to)
	}
	if err != nil {
		_ = os.Remove(path) // it is in the lake
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.known[f.Path] != nil {
		return // somebody has it already: the same bytes
	}
	c.clock++
	h := &localCopy{path: to, bytes: f.Bytes, used: c.clock, ready: make(chan struct{})}
	close(h.ready)
	c.known[f.Path] = h
	c.bytes += f.Bytes
	c.makeRoom()
}
