package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// ClaimsPrefix is where pipelines say what they are unloading.
const ClaimsPrefix = reserved + "_sources/"

// ClaimKey is where it is noted which pipeline unloads a unit, for others that are about to unload the same: that of another database, read
// by somebody else, or cut otherwise, has another key.
func ClaimKey(m *hindcast.Manifest) string {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%q %q %q %d %d", m.Database, m.Access, strings.ToLower(m.Time), m.Interval.Start.Unix(), m.Interval.End.Unix())
	return ClaimsPrefix + objstore.Escape(m.Source) + "-" + hex.EncodeToString(hash.Sum(nil)[:8]) + "/" + objstore.Escape(m.Key) + entrySuffix
}

// Wanted is a unit that a pipeline is about to unload.
type Wanted struct {
	Unit
	Source string // the table
}

// Others finds what other pipelines of the lake have unloaded. Each pipeline has its files for itself: what another one has is
// cloned, and nothing that it deletes is missed. Safe for use by many goroutines.
type Others struct {
	lake  *Lake
	mutex sync.Mutex
	since time.Time // when they were listed
	facts []otherFact
	apart map[apart]bool
}

// otherFact is a fact of another pipeline.
type otherFact struct {
	lake *Lake
	fact string
}

// apart names two facts of which one unit was found to be of different tables: their other units are not looked at.
type apart struct{ pipeline, theirs, ours string }

// relisted is for how long the pipelines, and their facts, count as they were listed, where each list is waited for.
const relisted = 2 * time.Second

// Forget has the pipelines listed again: one of them may have got its first unit.
func (o *Others) Forget() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.since = time.Time{}
}

// Others are the other pipelines of the lake.
func (l *Lake) Others() *Others { return &Others{lake: l, apart: map[apart]bool{}} }

// Of returns, for each of the units, the current generations that other pipelines have of the same key and table, whatever else they are; Shared
// says whose they are. What cannot be read, because it is corrupt or somebody else's, is not there: the unit is unloaded then.
func (o *Others) Of(ctx context.Context, wanted []Wanted) (map[Unit][]*hindcast.Manifest, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	byFact := map[string][]Wanted{}
	for _, w := range wanted {
		byFact[w.Fact] = append(byFact[w.Fact], w)
	}
	found := map[Unit][]*hindcast.Manifest{}
	for _, other := range o.list(ctx) {
		for fact, units := range byFact {
			pair := apart{other.lake.pipeline, other.fact, fact}
			for len(units) > 0 && !o.isApart(pair) { // one first: most facts are of other tables
				n := 1
				if len(units) < len(byFact[fact]) {
					n = len(units)
				}
				o.read(ctx, other, units[:n], pair, found)
				units = units[n:]
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return found, nil
}

// read adds what another pipeline has of some units of one fact.
func (o *Others) read(ctx context.Context, other otherFact, units []Wanted, pair apart, found map[Unit][]*hindcast.Manifest) {
	list := make([]*hindcast.Manifest, len(units))
	_ = parallel.Do(len(units), o.lake.area.width(), func(n int) error {
		list[n] = other.current(ctx, units[n].Key)
		return nil
	})
	for n, m := range list {
		switch {
		case m == nil:
		case m.Source == units[n].Source:
			found[units[n].Unit] = append(found[units[n].Unit], m)
		default:
			o.mutex.Lock()
			o.apart[pair] = true
			o.mutex.Unlock()
		}
	}
}

func (o *Others) isApart(pair apart) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.apart[pair]
}

// list is what facts other pipelines have. It is listed again after a while: another one may have begun.
func (o *Others) list(ctx context.Context) []otherFact {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.lake.Remote() && !o.since.IsZero() && time.Since(o.since) < relisted {
		return o.facts
	}
	o.facts = nil
	folders, _ := objstore.Folders(ctx, o.lake.store, reserved)
	for _, folder := range folders {
		name, err := objstore.Unescape(folder)
		if err != nil || objstore.Escape(name) != folder || name == o.lake.pipeline {
			continue // what does not belong to a pipeline begins with an underscore or a dot, which a name's folder does not
		}
		l := New(o.lake.store, name)
		facts, _ := objstore.Folders(ctx, o.lake.store, l.catalogPrefix()+"facts/")
		for _, fact := range facts {
			if fact, err := objstore.Unescape(fact); err == nil {
				o.facts = append(o.facts, otherFact{l, fact})
			}
		}
	}
	o.since = time.Now()
	return o.facts
}

// current is the pipeline's current generation of a unit; nil if it has none that can be read.
func (f otherFact) current(ctx context.Context, unit string) *hindcast.Manifest {
	key := f.lake.factKey(f.fact, unit)
	body, _, err := f.lake.store.Get(ctx, key)
	if err != nil {
		return nil
	}
	m, corrupt := f.lake.manifest(body, nil, key, key)
	if corrupt != nil {
		return nil
	}
	m.Shared = &hindcast.Shared{Pipeline: f.lake.pipeline, Fact: f.fact, Generation: m.Generation, Run: m.Run, Unloaded: m.CreatedAt}
	return m
}

// ErrNotShared means that a generation of another pipeline cannot be cloned: it may have been deleted.
var ErrNotShared = errors.New("it cannot be cloned")

// Share makes a generation of another pipeline, as Others found it, the current one of m's unit: it clones the files below m's
// own prefix, completes m, and publishes it as PublishUnit does. The checksums are those that the files were written with: what is damaged is found
// when it is read. ErrNotShared if nothing was published for a fault of the files.
func (l *Lake) Share(ctx context.Context, m, of *hindcast.Manifest) error {
	cloner, ok := l.store.(objstore.Cloner)
	if !ok {
		return ErrNotShared
	}
	if err := l.may(ctx); err != nil {
		return err
	}

	prefix, theirs := l.Prefix(m), New(l.store, of.Shared.Pipeline).Prefix(of)
	files := make([]hindcast.File, len(of.Files))
	err := parallel.Do(len(files), l.area.width(), func(n int) error {
		files[n] = of.Files[n]
		below, ok := strings.CutPrefix(of.Files[n].Path, theirs)
		if !ok {
			return ErrNotShared
		}
		files[n].Path = prefix + below
		info, err := cloner.Clone(ctx, of.Files[n].Path, files[n].Path)
		if err == nil && info.Bytes != files[n].Bytes {
			return ErrNotShared
		}
		if files[n].ETag != "" {
			files[n].ETag = info.ETag
		}
		return err
	})
	if err != nil {
		_ = l.store.DeleteAll(ctx, prefix) // what is left is an unload that was not finished
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %w", ErrNotShared, err)
	}

	m.Columns, m.Files, m.Bytes, m.Sums, m.Facts, m.Mark, m.Strays = of.Columns, files, of.Bytes, of.Sums, of.Facts, of.Mark, of.Strays
	m.CreatedAt, m.Seconds, m.Shared = of.CreatedAt, of.Seconds, of.Shared
	return l.publish(ctx, m, func() error { return l.writeManifest(ctx, prefix, m, m) })
}
