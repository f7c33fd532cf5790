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
)

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
	path := a.Scratch.Join("log")
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
