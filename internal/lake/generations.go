package lake

import (
	"context"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
	"github.com/hindcast/hindcast/internal/pause"
)

// indexedFrom is how many entries a fact's catalog has that is worth an index.
const indexedFrom = 1000

// settling is how long a folder that has just changed is waited for: by then most file systems give the next change another time.
const settling = 60 * time.Millisecond

// folder is what is known of the entries of one fact.
type folder struct {
	fact   string
	alone  bool            // the digest is enough: no entry has to be listed
	infos  []objstore.Info // the entries, where it does not
	digest *digest         // nil if there are few entries
}

// Generations are the current generations of the facts' units. Of long histories their manifests have no Files, Layouts, Totals
// and Seconds, and what nobody changed since the index was written is taken from it, one at a time. It is not for several
// goroutines.
type Generations struct {
	lake  *Lake
	facts map[string]unitsOf
}

// unitsOf are a fact's: packed, or in memory.
type unitsOf struct {
	digest *digest
	byKey  map[string]*hindcast.Manifest
}

// Of returns the current manifest of a fact's unit.
func (g *Generations) Of(fact, key string) (m hindcast.Manifest, found bool) {
	units := g.facts[fact]
	if units.digest == nil {
		if at := units.byKey[key]; at != nil {
			return *at, true
		}
		return m, false
	}

	x, at, found := units.digest.find(key)
	if !found {
		return m, false
	}
	return x.unit(at), true
}

// WithPaths is Of with Files, of which at least the paths are known, for what Paths returned.
func (g *Generations) WithPaths(fact, key string) (m hindcast.Manifest, found bool) {
	units := g.facts[fact]
	if units.digest == nil {
		return g.Of(fact, key)
	}

	x, at, found := units.digest.find(key)
	if !found {
		return m, false
	}

	var d detail
	m = x.unit(at)
	x.detail(at, &d)
	m.Files = g.lake.filesOf(&m, d)
	return m, true
}

// Generations is Current for a plan.
func (l *Lake) Generations(ctx context.Context) (*Generations, map[string]*hindcast.Manifest, error) {
	return l.generations(ctx, false)
}

// Paths is Generations for views, with the paths of files.
func (l *Lake) Paths(ctx context.Context) (*Generations, map[string]*hindcast.Manifest, error) {
	return l.generations(ctx, true)
}

func (l *Lake) generations(ctx context.Context, paths bool) (*Generations, map[string]*hindcast.Manifest, error) {
	dims, err := l.currentDims(ctx)
	if err != nil {
		return nil, nil, err
	}

	folders, err := l.folders(ctx)
	if err != nil {
		return nil, nil, err
	}

	g := &Generations{lake: l, facts: make(map[string]unitsOf, len(folders))}
	for _, f := range folders {
		if g.facts[f.fact], err = l.unitsOf(ctx, f, paths); err != nil {
			return nil, nil, err
		}
	}
	return g, dims, nil
}

func (l *Lake) unitsOf(ctx context.Context, f folder, paths bool) (units unitsOf, err error) {
	if f.alone && (!paths || f.digest.locate()) {
		return unitsOf{digest: f.digest}, nil
	}

	if f.alone { // damaged in a way that the checksum does not show: the entries tell
		if f.infos, err = l.store.List(ctx, l.factPrefix(f.fact)); err != nil {
			return units, broken("the catalog", "cannot be listed", err)
		}
	}

	if len(f.infos) >= l.indexed() {
		units.digest, _, err = l.renew(ctx, f)
		return units, err
	}

	list, err := l.readEntries(ctx, f.infos)
	units.byKey = make(map[string]*hindcast.Manifest, len(list))
	for _, m := range list {
		if m != nil {
			units.byKey[m.Key] = m
		}
	}
	return units, err
}

// GenerationsOf is Generations of a few units.
func (l *Lake) GenerationsOf(ctx context.Context, units []Unit) (*Generations, map[string]*hindcast.Manifest, error) {
	facts, dims, err := l.CurrentOf(ctx, units)
	if err != nil {
		return nil, nil, err
	}
	g := &Generations{lake: l, facts: make(map[string]unitsOf, len(facts))}
	for fact, byKey := range facts {
		g.facts[fact] = unitsOf{byKey: byKey}
	}
	return g, dims, nil
}

// Unit names a fact's unit.
type Unit struct{ Fact, Key string }

// CurrentOf is Current of a few units, and of all dimensions.
func (l *Lake) CurrentOf(ctx context.Context, units []Unit) (map[string]map[string]*hindcast.Manifest, map[string]*hindcast.Manifest, error) {
	dims, err := l.currentDims(ctx)
	if err != nil {
		return nil, nil, err
	}
	infos := make([]objstore.Info, len(units))
	for i, u := range units {
		infos[i].Key = l.factKey(u.Fact, u.Key)
	}

	list, err := l.readEntries(ctx, infos)
	if err != nil {
		return nil, nil, err
	}

	facts := map[string]map[string]*hindcast.Manifest{}
	for _, m := range list {
		if m == nil {
			continue
		}

		if facts[m.Name] == nil {
			facts[m.Name] = map[string]*hindcast.Manifest{}
		}
		facts[m.Name][m.Key] = m
	}

	return facts, dims, nil
}

func (l *Lake) currentDims(ctx context.Context) (map[string]*hindcast.Manifest, error) {
	infos, err := l.store.List(ctx, l.catalogPrefix()+"dimensions/")
	if err != nil {
		return nil, broken("the catalog", "cannot be listed", err)
	}

	list, err := l.readEntries(ctx, infos)

	dims := make(map[string]*hindcast.Manifest, len(list))
	for _, m := range list {
		if m != nil {
			dims[m.Name] = m
		}
	}
	return dims, err
}

// readEntries reads entries one by one: nil for what is not an entry, or not there any more.
func (l *Lake) readEntries(ctx context.Context, infos []objstore.Info) ([]*hindcast.Manifest, error) {
	entries := make([]*hindcast.Manifest, len(infos))
	err := parallel.Do(len(infos), l.area.width(), func(n int) (err error) {
		if _, ok := l.generationsOf(infos[n].Key); ok {
			entries[n], _, err = l.entry(ctx, infos[n].Key)
		}
		return err
	})

	return entries, err
}

// folders finds the facts that have entries, lists those of which the index does not tell alone, and reads the indexes. A
// store that is far away lists all at once.
func (l *Lake) folders(ctx context.Context) ([]folder, error) {
	watched, ok := l.store.(objstore.Watched)
	if !ok {
		return l.listed(ctx)
	}

	found, err := l.watched(ctx, watched)
	for i := range found {
		f := &found[i]
		if f.alone {
			continue
		}
		if f.infos, err = l.store.List(ctx, l.factPrefix(f.fact)); err != nil {
			return nil, broken("the catalog", "cannot be listed", err)
		}
	}
	return found, err
}

// watched finds the facts that have entries, and for which of them the index is enough. It lists no entries.
func (l *Lake) watched(ctx context.Context, store objstore.Watched) (found []folder, err error) {
	names, err := objstore.Folders(ctx, l.store, l.catalogPrefix()+"facts/")
	if err != nil {
		return nil, broken("the catalog", "cannot be listed", err)
	}

	for _, name := range names {
		fact, err := objstore.Unescape(name)
		if err != nil {
			continue // not ours
		}

		f := folder{fact: fact}
		if f.digest, err = l.readDigest(ctx, fact); err != nil {
			return nil, err
		}

		// An unchanged folder has the entries that were indexed: all writers rename.
		now, err := store.Stamp(ctx, l.factPrefix(fact))
		if err != nil {
			return nil, broken("the catalog", "cannot be listed", err)
		}

		f.alone = f.digest.stamp != "" && f.digest.stamp == now
		found = append(found, f)
	}
	return found, nil
}

func (l *Lake) listed(ctx context.Context) (found []folder, err error) {
	infos, err := l.store.List(ctx, l.catalogPrefix()+"facts/")
	if err != nil {
		return nil, broken("the catalog", "cannot be listed", err)
	}

	for len(infos) > 0 {
		fact, ok := l.factOf(infos[0].Key)
		prefix := infos[0].Key[:strings.LastIndexByte(infos[0].Key, '/')+1]
		n := 1
		for n < len(infos) && strings.HasPrefix(infos[n].Key, prefix) {
			n++
		}

		f := folder{fact: fact, infos: infos[:n]}
		infos = infos[n:]
		if !ok || prefix != l.factPrefix(fact) {
			continue // not ours
		}

		if n >= l.indexed() {
			if f.digest, err = l.readDigest(ctx, fact); err != nil {
				return nil, err
			}
		}

		found = append(found, f)
	}
	return found, nil
}

// indexed is from how many entries on there is an index.
func (l *Lake) indexed() int {
	if l.indexFrom > 0 {
		return l.indexFrom
	}
	return indexedFrom
}

// SaveIndex writes an index of each fact whose catalog is long, or what changed since it was written, where what is there does not
// tell all. Whoever else writes one at the same time writes one that holds as far as its stamps do. The caller holds the lease.
func (l *Lake) SaveIndex(ctx context.Context) error {
	var folders []folder
	var err error
	if watched, ok := l.store.(objstore.Watched); ok { // the entries are listed where an index is to be written
		folders, err = l.watched(ctx, watched)
	} else {
		folders, err = l.listed(ctx)
	}
	if err != nil {
		return err
	}

	for _, f := range folders {
		if !f.alone {
			if err := l.saveIndex(ctx, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Lake) saveIndex(ctx context.Context, f folder) error {
	stamp, err := l.list(ctx, &f)
	if err != nil || len(f.infos) < l.indexed() {
		return err
	}

	now, changed, err := l.renew(ctx, f)
	if err != nil {
		return err
	}

	if len(l.Mended()) > 0 { // a corrupt entry must be met again until it is restored
		return nil
	}

	if !changed && now.etag != "" && (stamp == "" || stamp == now.stamp) {
		return nil // it would say the same again
	}

	now.stamp = stamp
	if err := l.may(ctx); err != nil {
		return err
	}
	return l.writeDigest(ctx, now)
}

// list lists the entries of a fact, where a store that is far away has not, and returns the stamp of the folder that has just them. It
// waits for the moment in which the stamp of a folder that has just changed could stay the same.
func (l *Lake) list(ctx context.Context, f *folder) (stamp string, err error) {
	watched, ok := l.store.(objstore.Watched)
	for tries := 0; ok; tries++ {
		// The stamp is taken before the list: what changes after it changes the stamp.
		if stamp, err = watched.Settled(ctx, l.factPrefix(f.fact)); err == nil {
			f.infos, err = l.store.List(ctx, l.factPrefix(f.fact))
		}
		if err != nil {
			return "", broken("the catalog", "cannot be listed", err)
		}
		if stamp != "" || len(f.infos) < l.indexed() || tries > 0 {
			break
		}

		if err := pause.For(ctx, settling); err != nil {
			return "", err
		}
	}
	return stamp, nil
}

// writeDigest writes what changed since the index was written, or all in one where that is much.
func (l *Lake) writeDigest(ctx context.Context, d *digest) error {
	if d.etag != "" && !d.long() {
		return l.writeIndex(ctx, l.changesKey(d.fact), d.changes())
	}

	body, err := d.whole(l)
	if err != nil {
		return err
	}
	if err := l.writeIndex(ctx, l.indexKey(d.fact), body); err != nil {
		return err
	}

	_ = l.store.Delete(ctx, l.changesKey(d.fact)) // they are of the index before, and say nothing any more
	return nil
}

func (l *Lake) writeIndex(ctx context.Context, key string, body []byte) error {
	if _, err := l.store.Put(ctx, key, body, objstore.Condition{}); err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}
	return nil
}
