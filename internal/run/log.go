package run

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

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/session"
)

// runLog is the run's log: what no slice fails for, and the standard error of the run's processes. Nothing is kept of what is
// written before it is open.
type runLog struct {
	io.Writer
	path string // for people
}

// open opens the log with the caller's function: in the lake's folder, or with a remote lake on this machine, from where it is
// copied into the lake at intervals and at its end.
func (l *runLog) open(ctx context.Context, s *session.Session, c *claim, open func(path string) (io.Writer, error)) error {
	if !s.Lake.Remote() {
		folder, err := s.Lake.Folder(s.Lake.RunPrefix(c.run))
		if err != nil {
			return err
		}
		l.path = filepath.Join(folder, "log")
		return l.write(open(l.path))
	}

	key, path := s.Lake.LogKey(c.run), s.Scratch.Join("log")
	earlier, _, err := s.Store.Get(ctx, key) // from before the run was resumed
	if errors.Is(err, objstore.ErrNotExist) || errors.Is(err, objstore.ErrDamaged) {
		err = nil
	}
	if err == nil {
		err = os.WriteFile(path, earlier, 0o600)
	}
	if err != nil {
		return err
	}
	file, err := open(path)
	if err != nil {
		return err
	}
	bring := func(ctx context.Context, text []byte) error {
		if err := c.check(ctx); err != nil { // somebody else runs the pipeline now
			return err
		}
		_, err := s.Store.Put(ctx, key, text, objstore.Condition{})
		return err
	}
	l.path = s.Lake.Absolute(key)
	return l.write(newRemoteLog(file, path, bring), nil)
}

// write writes to w from here on, if it was opened.
func (l *runLog) write(w io.Writer, err error) error {
	if err == nil {
		l.Writer = w
	}
	return err
}

// note logs the failure of what a run can do without.
func (l *runLog) note(doing string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintf(l, "%s %s: %v\n", time.Now().Format(time.TimeOnly), doing, err)
	}
}

// Close closes what was opened, if it can be closed.
func (l *runLog) Close() error {
	if c, ok := l.Writer.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// logEvery is how often a log that has changed is copied into the lake, and logPatience how long its end may take.
const (
	logEvery    = 20 * time.Second
	logPatience = 30 * time.Second
)

// remoteLog is a log whose file is on this machine and whose readers look for it in a remote lake.
type remoteLog struct {
	io.Writer
	path    string
	bring   func(context.Context, []byte) error
	brought []byte
	quit    chan struct{}
	ended   sync.WaitGroup
}

func newRemoteLog(file io.Writer, path string, bring func(context.Context, []byte) error) *remoteLog {
	l := &remoteLog{Writer: file, path: path, bring: bring, quit: make(chan struct{})}
	l.ended.Go(l.keep)
	return l
}

func (l *remoteLog) keep() {
	ticker := time.NewTicker(logEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = l.copy() // what fails now is copied the next time
		case <-l.quit:
			return
		}
	}
}

func (l *remoteLog) copy() error {
	text, err := os.ReadFile(l.path)
	if err != nil || bytes.Equal(text, l.brought) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), logPatience)
	defer cancel()
	if err := l.bring(ctx, text); err != nil {
		return fmt.Errorf("copying the log into the lake: %w", err)
	}
	l.brought = text
	return nil
}

// Close closes the file and copies the log into the lake. If that fails the log is lost, which must not hide how the run
// ended.
func (l *remoteLog) Close() error {
	close(l.quit)
	l.ended.Wait()
	var err error
	if c, ok := l.Writer.(io.Closer); ok {
		err = c.Close()
	}
	return errors.Join(err, l.copy())
}
