package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/cache"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/scratch"
)

// settleDown returns the folder for what the session spills. A lake that is no folder gets its place on this machine
// first, and what is spilled lies in it; for others, elsewhere says.
func (s *Session) settleDown(elsewhere func() (string, error)) (spill string, err error) {
	if !s.Lake.Remote() {
		return elsewhere()
	}
	if s.place == nil {
		if s.place, err = scratch.Open(s.disk()); err != nil {
			return "", err
		}
		files, err := s.openCopies()
		if err != nil {
			return "", err
		}
		s.Lake.UseScratch(s.place.Join("work"), files)
	}
	spill = s.place.Join("spill")
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
	if s.place != nil {
		return []string{s.place.Path(), s.cacheFolder()}
	}
	if local, ok := s.Store.(objstore.Local); ok {
		return local.Places()
	}
	return []string{s.Store.URL()}
}

// openLog opens the run's log: in the lake's folder, or on this machine, from where it is brought into the lake every
// while and at its end.
func (a *active) openLog(ctx context.Context) (err error) {
	if !a.Lake.Remote() {
		folder, err := a.Lake.Folder(a.Lake.RunPrefix(a.run))
		if err != nil {
			return err
		}
		a.logPath = filepath.Join(folder, "log")
		a.log, err = a.options.Log(a.logPath)
		return err
	}
	path := a.place.Join("log")
	a.logPath = a.Lake.Absolute(a.Lake.LogKey(a.run))
	earlier, _, err := a.Store.Get(ctx, a.Lake.LogKey(a.run)) // of the run's earlier lives
	if errors.Is(err, objstore.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = os.WriteFile(path, earlier, 0o600)
	}
	if err != nil {
		return err
	}
	file, err := a.options.Log(path)
	if err != nil {
		return err
	}
	a.log = newFarLog(file, path, a.bringLog)
	return nil
}

// bringLog writes the log's text into the lake, unless somebody else runs the pipeline now.
func (a *active) bringLog(ctx context.Context, text []byte) error {
	if err := a.lease.Check(ctx); err != nil {
		return err
	}
	_, err := a.Store.Put(ctx, a.Lake.LogKey(a.run), text, objstore.Condition{})
	return err
}

// logEvery is how often a log that has changed is brought into the lake, and logPatience how long its end may take.
const (
	logEvery    = 20 * time.Second
	logPatience = 30 * time.Second
)

// farLog is a log whose file is not where it will be read.
type farLog struct {
	io.Writer
	path  string
	bring func(context.Context, []byte) error
	told  []byte // brought last
	quit  chan struct{}
	ended sync.WaitGroup
}

func newFarLog(file io.Writer, path string, bring func(context.Context, []byte) error) *farLog {
	l := &farLog{Writer: file, path: path, bring: bring, quit: make(chan struct{})}
	l.ended.Go(l.keep)
	return l
}

func (l *farLog) keep() {
	ticker := time.NewTicker(logEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = l.tell() // the next one tells it too
		case <-l.quit:
			return
		}
	}
}

func (l *farLog) tell() error {
	text, err := os.ReadFile(l.path)
	if err != nil || bytes.Equal(text, l.told) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), logPatience)
	defer cancel()
	if err := l.bring(ctx, text); err != nil {
		return fmt.Errorf("bringing the log into the lake: %w", err)
	}
	l.told = text
	return nil
}

// Close closes the file and brings the log into the lake. A log that cannot be brought there is what only this machine
// knew: that is no reason to hide how the run ended.
func (l *farLog) Close() error {
	close(l.quit)
	l.ended.Wait()
	var err error
	if c, ok := l.Writer.(io.Closer); ok {
		err = c.Close()
	}
	return errors.Join(err, l.tell())
}
