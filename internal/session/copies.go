package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/cache"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/scratch"
)

// SpillFolder returns the folder for what the session spills: with a remote lake, one in a scratch folder on this machine,
// which is opened first; otherwise what elsewhere returns.
func (s *Session) SpillFolder(elsewhere func() (string, error)) (spill string, err error) {
	if !s.Lake.Remote() {
		return elsewhere()
	}
	if s.Scratch == nil {
		if s.Scratch, err = scratch.Open(s.disk()); err != nil {
			return "", err
		}
		files, err := s.openCopies()
		if err != nil {
			return "", err
		}
		s.Lake.UseScratch(s.Scratch.Join("work"), files)
	}
	spill = s.Scratch.Join("spill")
	return spill, os.MkdirAll(spill, 0o700)
}

// copies brings files of the lake here, into the cache that all processes of this machine share.
type copies struct {
	cache *cache.Cache
	store cache.Source
}

// openCopies opens the cache, beside the scratch folders.
func (s *Session) openCopies() (*copies, error) {
	store, ok := s.Store.(cache.Source)
	if !ok {
		return nil, fmt.Errorf("reading %s: the store cannot read parts of its objects", s.Store.URL())
	}
	c, err := cache.Open(s.cacheFolder(), s.cacheLimit())
	return &copies{cache: c, store: store}, err
}

func (s *Session) cacheFolder() string { return filepath.Join(s.disk(), "cache") }

// cacheLimit is what the pipeline says. If it says nothing, half of the disk may hold copies for the next reader: what
// is being read, or written, needs the rest.
func (s *Session) cacheLimit() int64 {
	if limit := s.Pipeline.Run.Cache; limit > 0 {
		return limit
	}
	return (max(s.Machine.DiskFree, 0) + cache.Usage(s.cacheFolder())) / 2
}

// Localize is lake.Localizer's.
func (c *copies) Localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error) {
	return c.cache.Local(ctx, c.store, files, columns)
}

// Adopt is lake.Localizer's.
func (c *copies) Adopt(ctx context.Context, f hindcast.File, path string) {
	c.cache.Adopt(ctx, c.store, f, path)
}

// readable are the folders in which engines find the lake's files, and write theirs.
func (s *Session) readable() []string {
	if s.Scratch != nil {
		return []string{s.Scratch.Path(), s.cacheFolder()}
	}
	if local, ok := s.Store.(objstore.Local); ok {
		return local.Roots()
	}
	return []string{s.Store.URL()}
}
