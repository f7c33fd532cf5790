// Package lake keeps a pipeline's unloaded history: where each file lies, which generation of each unit is
// current, and what its manifest says of it. It moves no rows: warehouses and engines write the files, the
// object store keeps the bytes, and who may write at all is for package lease.
//
// Below the lake's root (docs/reference/lake.md has the whole layout):
//
//	<pipeline>/facts/<fact>/<unit>/g<N>-<run>-f<fence>-a<attempt>/      Parquet files and _manifest.json
//	<pipeline>/dimensions/<dimension>/g<N>-<run>-f<fence>-a<attempt>/   the same
//	<pipeline>/results/<target>/<slice>/g<N>-<run>-f<fence>-a<attempt>/  the same, where results are kept
//	<pipeline>/views.sql                                                views for any DuckDB client
//	_hindcast/<pipeline>/lease.json                                     who runs the pipeline
//	_hindcast/<pipeline>/catalog/facts/<fact>/<unit>.json               the current generation's manifest
//	_hindcast/<pipeline>/catalog/dimensions/<dimension>.json            the same
//	_hindcast/<pipeline>/catalog/results/<target>/<slice>.json           the same, where results are kept
//	_hindcast/<pipeline>/index/<fact>                                   what a long catalog says, in short
//	_hindcast/<pipeline>/changes/<fact>                                 what changed in it since the index was written
//	_hindcast/<pipeline>/tables/<catalog>/<table>.json                  which generations a table elsewhere points at
//	_hindcast/<pipeline>/runs/<run>/                                    plan.json, journal-*, log, stop.json
//	_hindcast/<pipeline>/runs/<run>/staging/<slice>/f<fence>-a<attempt>/
//	_hindcast/<pipeline>/runs/<run>/previous/<slice>/f<fence>-a<attempt>/
//
// Names are escaped by objstore.Escape. A generation is current when its catalog entry is written, which is
// the last write of its publication.
//
// A remote lake has a scratch folder on each machine that works with it: steps write there, and what they
// wrote is uploaded before anybody hears of it; what is read is brought there by a Localizer.
package lake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Lake is one pipeline's part of a lake. Safe for use by many goroutines.
type Lake struct {
	store    objstore.Store
	pipeline string
	area     area
	guard    func(context.Context) error
	written  string // how the pipeline file writes where the lake is, if that is a secret
	checker  chunks.Checker
	mended   mended
	recall   Recall
	pins     pins
	lender   *Lake // of files that manifests here name by their URLs; nil if there is none

	indexFrom int // see indexed; 0 is the default
}

// New returns the pipeline's part of the lake that store holds.
func New(store objstore.Store, pipeline string) *Lake {
	l := &Lake{store: store, pipeline: pipeline}
	if local, ok := store.(objstore.Local); ok {
		l.area = inPlace{l, local}
	} else {
		l.area = viaScratch{Lake: l}
	}
	return l
}

// Store returns what holds the lake's bytes.
func (l *Lake) Store() objstore.Store { return l.store }

// Remote reports whether each call to the lake's store is waited for, and its files are fetched before they are read. Such a
// lake needs UseScratch before files are written or read. It is for those who own what such a lake needs on this machine, or who
// would wait for its calls; how files are written, read and compared is the lake's own.
func (l *Lake) Remote() bool { return l.area.remote() }

// UseScratch gives a remote lake its folder on this machine, and who brings files there. It is called before all else.
func (l *Lake) UseScratch(folder string, files Localizer) {
	l.area = viaScratch{Lake: l, scratch: folder, files: files}
}

// Borrow lets manifests of this lake name files of another one by their URLs, where they are. It is called before all else.
func (l *Lake) Borrow(from *Lake) { l.lender = from }

// Hide keeps where the lake is out of all that is written into it: the pipeline file writes it with a secret, ${LAKE} say.
// It is called before all else.
func (l *Lake) Hide(written string) { l.written = written }

// Guard sets what is asked before a generation is published, a result is uploaded, a plan is frozen or the views are
// written: its error, if this process may not any more, is the caller's. It is called before all else.
func (l *Lake) Guard(may func(context.Context) error) { l.guard = may }

func (l *Lake) may(ctx context.Context) error { return l.May(ctx) }

// May is an error if this process was taken over, and may not write any more: see Guard.
func (l *Lake) May(ctx context.Context) error {
	if l.guard == nil {
		return nil
	}
	return l.guard(ctx)
}

// Folder returns the absolute folder, which it makes, where an engine or warehouse is to write below the prefix. It
// ends without a slash.
func (l *Lake) Folder(prefix string) (string, error) {
	if err := objstore.CheckFolder(prefix); err != nil {
		return "", fmt.Errorf("making a folder of the lake: %w", err)
	}
	return l.area.folder(prefix)
}

// Empty is Folder, and removes what is in it: an earlier try may have died there.
func (l *Lake) Empty(ctx context.Context, prefix string) (string, error) {
	folder, err := l.Folder(prefix)
	if err != nil {
		return "", err
	}

	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) == 0 {
		return folder, err
	}

	if err := l.area.remove(ctx, prefix); err != nil {
		return "", err
	}

	return l.Folder(prefix)
}

// Remotely is the URL of the prefix where the lake is in a bucket, and "" where it is a folder.
func (l *Lake) Remotely(prefix string) string {
	if !l.Remote() {
		return ""
	}
	return objstore.Location(l.store, strings.TrimSuffix(prefix, "/"))
}

// Aside returns the absolute folder where a load is to write the rows that it replaces, below the prefix, before Keep. The load
// makes the folder if it is not there.
func (l *Lake) Aside(ctx context.Context, prefix string) (string, error) {
	return l.area.aside(ctx, prefix)
}

// Clear removes what a step wrote below the prefix from this machine, where the lake does not need it here.
func (l *Lake) Clear(prefix string) error { return l.area.clear(prefix) }

// Absolute resolves a file's path, which is a key below the lake or the absolute path or URL of a file of the
// user's, to an absolute path or URL, for people. What programs here are to open, Localize says.
func (l *Lake) Absolute(path string) string {
	if foreign(path) {
		return path
	}
	return objstore.Location(l.store, path)
}

// Key is the reverse of Absolute: the key of a path in the lake, and any other path itself.
func (l *Lake) Key(path string) string {
	root := strings.TrimSuffix(l.store.URL(), "/") + "/"
	if key, ok := strings.CutPrefix(path, root); ok {
		return key
	}
	return path
}

// foreign reports whether a path is not a key of the lake: absolute or a URL.
func foreign(path string) bool { return filepath.IsAbs(path) || strings.Contains(path, "://") }

// broken says that something in the lake cannot be read or written. Errors that have a code keep it.
func broken(what, how string, err error) error {
	if _, ok := errors.AsType[*hindcast.Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("using %s: %w", what, err)
	}

	e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassTransient, Cause: err,
		Message: fmt.Sprintf("%s %s: %v", what, how, err), Next: "look at the lake"}
	if errors.Is(err, os.ErrPermission) {
		e.Code, e.Class = hindcast.EPermission, hindcast.ClassPermanent
		e.Next = "give the user that runs hindcast the right to read and write there"
	}

	return e
}
