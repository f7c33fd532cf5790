package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// indexedFrom is how many entries a fact's catalog has that is worth an index.
const indexedFrom = 1000

// folder is what is known of the entries of one fact.
type folder struct {
	fact  string
	alone bool            // the index tells alone
	infos []objstore.Info // the entries, where it does not
	index *index          // nil if there is none, or none that can be read
}

// Generations are the current generations of the facts' units. Of long histories their manifests have no Files, Layouts, Totals
// and Seconds, and what nobody changed since the index was written is taken from it, one at a time. It is not for several
// goroutines.
type Generations struct {
	facts map[string]unitsOf
}

// unitsOf are a fact's: in an index, or in memory.
type unitsOf struct {
	index *index
	byKey map[string]*hindcast.Manifest
}

// Of returns the current manifest of a fact's unit.
func (g *Generations) Of(fact, key string) (m hindcast.Manifest, found bool) {
	units := g.facts[fact]
	if units.index != nil {
		return units.index.find(key)
	}
	if at := units.byKey[key]; at != nil {
		return *at, true
	}
	return m, false
}

// Generations is Current for a plan.
func (l *Lake) Generations(ctx context.Context) (*Generations, map[string]*hindcast.Manifest, error) {
	dims, err := l.currentDims(ctx)
	if err != nil {
		return nil, nil, err
	}
	folders, err := l.folders(ctx)
	if err != nil {
		return nil, nil, err
	}
	g := &Generations{facts: make(map[string]unitsOf, len(folders))}
	for _, f := range folders {
		if f.alone {
			g.facts[f.fact] = unitsOf{index: f.index}
			continue
		}
		list, err := l.generations(ctx, f, false)
		if err != nil {
			return nil, nil, err
		}
		g.facts[f.fact] = unitsOf{byKey: byKey(list)}
	}
	return g, dims, nil
}

// GenerationsOf is Generations of a few units.
func (l *Lake) GenerationsOf(ctx context.Context, units []Unit) (*Generations, map[string]*hindcast.Manifest, error) {
	facts, dims, err := l.CurrentOf(ctx, units)
	if err != nil {
		return nil, nil, err
	}
	g := &Generations{facts: make(map[string]unitsOf, len(facts))}
	for fact, byKey := range facts {
		g.facts[fact] = unitsOf{byKey: byKey}
	}
	return g, dims, nil
}

// Paths is Current for views: of long histories the manifests of facts have the paths of their files, and nothing else of
// them, and what nobody changed since the index was written is taken from it.
func (l *Lake) Paths(ctx context.Context) (map[string]map[string]*hindcast.Manifest, map[string]*hindcast.Manifest, error) {
	dims, err := l.currentDims(ctx)
	if err != nil {
		return nil, nil, err
	}

	folders, err := l.folders(ctx)
	if err != nil {
		return nil, nil, err
	}

	facts := make(map[string]map[string]*hindcast.Manifest, len(folders))
	for _, f := range folders {
		list, err := l.generations(ctx, f, true)
		if err != nil {
			return nil, nil, err
		}

		if len(list) > 0 {
			facts[f.fact] = byKey(list)
		}
	}

	return facts, dims, nil
}

func byKey(list []*hindcast.Manifest) map[string]*hindcast.Manifest {
	units := make(map[string]*hindcast.Manifest, len(list))
	for _, m := range list {
		units[m.Key] = m
	}
	return units
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

// readEntries reads entries one by one: nil for what is no entry, or not there any more.
func (l *Lake) readEntries(ctx context.Context, infos []objstore.Info) ([]*hindcast.Manifest, error) {
	entries := make([]*hindcast.Manifest, len(infos))
	err := parallel.Do(len(infos), l.area.width(), func(n int) (err error) {
		if _, _, ok := l.catalogName(infos[n].Key); ok {
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

// watched finds the facts that have entries, and of which the index tells alone. It lists no entries.
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
		if f.index, err = l.readIndex(ctx, fact); err != nil {
			return nil, err
		}

		// An unchanged folder has the entries that were indexed: all writers rename.
		now, err := store.Stamp(ctx, l.factPrefix(fact))
		if err != nil {
			return nil, broken("the catalog", "cannot be listed", err)
		}

		f.alone = f.index != nil && f.index.stamp != "" && f.index.stamp == now
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
		fact, _, ok := l.catalogName(infos[0].Key)
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
			if f.index, err = l.readIndex(ctx, fact); err != nil {
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

// readIndex reads the index of a fact; nil if there is none, or one that cannot be used.
func (l *Lake) readIndex(ctx context.Context, fact string) (*index, error) {
	body, _, err := l.store.Get(ctx, l.indexKey(fact))
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, nil
	}

	if err != nil {
		return nil, broken(l.Absolute(l.indexKey(fact)), "cannot be read", err)
	}

	x, err := decodeIndex(fact, body)
	if err != nil {
		return nil, nil //nolint:nilerr // it is written again by the next run, and the entries tell meanwhile
	}

	return x, nil
}

// generations are the current manifests of a fact, in the order of its entries.
func (l *Lake) generations(ctx context.Context, f folder, files bool) ([]*hindcast.Manifest, error) {
	if !f.alone {
		list, details, _, err := l.fresh(ctx, f)
		for i, m := range list {
			if files && m.Files == nil {
				m.Files = details[i].paths()
			}
		}
		return list, err
	}

	units := f.index.all()
	list := make([]*hindcast.Manifest, len(units))
	for i := range list {
		list[i] = &units[i]
	}

	if !files || f.index.each(l, func(m *hindcast.Manifest, d detail) { m.Files = d.paths() }) {
		return list, nil
	}

	// The index is damaged in a way that its checksum does not show: the entries tell.
	infos, err := l.store.List(ctx, l.factPrefix(f.fact))
	if err != nil {
		return nil, broken("the catalog", "cannot be listed", err)
	}
	return l.generations(ctx, folder{fact: f.fact, infos: infos}, files)
}

func (d detail) paths() []hindcast.File {
	list := make([]hindcast.File, len(d.files))
	for i := range list {
		list[i].Path = d.files[i]
	}
	return list
}

// fresh reads what the index does not know of a fact's entries, and says how many those are.
func (l *Lake) fresh(ctx context.Context, f folder) (list []*hindcast.Manifest, details []detail, read int, err error) {
	list, details = l.fromIndex(f)
	var unknown []objstore.Info
	var places []int
	for i, m := range list {
		if m == nil {
			unknown, places = append(unknown, f.infos[i]), append(places, i)
		}
	}

	entries, err := l.readEntries(ctx, unknown)
	if err != nil {
		return nil, nil, 0, err
	}

	var columns []hindcast.Column
	for n, m := range entries {
		if m == nil {
			continue
		}

		d := detail{stamp: unknown[n].Stamp}
		for _, file := range m.Files {
			d.files = append(d.files, file.Path)
		}

		list[places[n]], details[places[n]] = m, d
		if len(f.infos) < l.indexed() {
			continue
		}

		light := *m // an entry that is to be restored keeps all
		light.Files, light.Layouts, light.Sums.Totals, light.Seconds = nil, nil, nil, 0
		if slices.Equal(columns, light.Columns) {
			light.Columns = columns // many have the same
		}
		columns, list[places[n]] = light.Columns, &light
	}

	n := 0
	for i, m := range list {
		if m != nil { // an entry, and there still
			list[n], details[n] = m, details[i]
			n++
		}
	}

	return list[:n], details[:n], len(entries), nil
}

// fromIndex are the manifests of the entries that have not changed since they were indexed; nil for others.
func (l *Lake) fromIndex(f folder) (list []*hindcast.Manifest, details []detail) {
	list, details = make([]*hindcast.Manifest, len(f.infos)), make([]detail, len(f.infos))
	if f.index == nil {
		return list, details
	}

	at := 0
	whole := f.index.each(l, func(m *hindcast.Manifest, d detail) {
		key := l.factKey(m.Name, m.Key)
		for at < len(f.infos) && f.infos[at].Key < key {
			at++
		}
		if at < len(f.infos) && f.infos[at].Key == key && d.stamp != "" && d.stamp == f.infos[at].Stamp {
			list[at], details[at] = m, d
		}
	})

	if !whole {
		clear(list)
	}

	return list, details
}

// SaveIndex writes an index of each fact whose catalog is long, where the one that is there does not tell all. Whoever else
// writes one at the same time writes one that holds as far as its stamps do. The caller holds the lease.
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

func (l *Lake) saveIndex(ctx context.Context, f folder) (err error) {
	stamp := ""
	if watched, ok := l.store.(objstore.Watched); ok { // before the list: what changes after it changes the stamp
		if stamp, err = watched.Settled(ctx, l.factPrefix(f.fact)); err != nil {
			return broken("the catalog", "cannot be listed", err)
		}
		if f.infos, err = l.store.List(ctx, l.factPrefix(f.fact)); err != nil {
			return broken("the catalog", "cannot be listed", err)
		}
	}
	if len(f.infos) < l.indexed() {
		return nil
	}

	list, details, read, err := l.fresh(ctx, f)
	if err != nil {
		return err
	}

	if len(l.Mended()) > 0 { // a corrupt entry must be met again until it is restored
		return nil
	}

	if stamp == "" && read == 0 && f.index != nil && len(list) == len(f.index.offsets) {
		return nil // it would say the same again
	}

	body, err := l.encodeIndex(f.fact, stamp, list, details)
	if err != nil {
		return fmt.Errorf("encoding the index of %s: %w", f.fact, err)
	}

	if err := l.may(ctx); err != nil {
		return err
	}

	if _, err := l.store.Put(ctx, l.indexKey(f.fact), body, objstore.Condition{}); err != nil {
		return broken(l.Absolute(l.indexKey(f.fact)), "cannot be written", err)
	}

	return nil
}
