package cache

import (
	"context"
	"os"
	"path/filepath"

	"github.com/hindcast/hindcast"
)

// Adopt takes a local copy of a file that was just written to the store, so that nobody has to fetch it. The copy is
// moved into the cache, or removed if the cache cannot take it: best effort. Nobody else may write to it.
func (c *Cache) Adopt(ctx context.Context, from Source, f hindcast.File, path string) {
	defer func() { _ = os.Remove(path) }() // after a move it is no longer there
	info, err := c.stat(ctx, from, f)
	if err != nil {
		return
	}

	e, err := c.open(ctx, from, info)
	if err != nil {
		return
	}
	defer c.release([]*entry{e})

	c.reserve(ctx, info.Bytes)
	defer c.arrived(info.Bytes)
	_ = e.adopt(path) // a half-adopted entry has no record, and is fetched
}

// adopt makes the file the entry's data, unless it already has data.
func (e *entry) adopt(path string) error {
	if _, err := e.load(); err == nil {
		return nil
	}

	here, err := os.Stat(path)
	if err != nil || here.Size() != e.object.Bytes {
		return errMissing
	}

	place := filepath.Join(e.dir, "data")
	if err := os.Rename(path, place); err != nil {
		return err
	}

	data, err := os.OpenFile(place, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = data.Close() }() // nothing is written to it

	_, err = e.keep(data, spans{{0, e.object.Bytes}})
	return err
}
