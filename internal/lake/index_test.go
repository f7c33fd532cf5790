package lake

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// counted counts the entries of facts that are read one by one.
type counted struct {
	*file.Store
	reads atomic.Int64
	lists atomic.Int64 // of entries
}

func (c *counted) List(ctx context.Context, prefix string) ([]objstore.Info, error) {
	if strings.Contains(prefix, "/catalog/facts/") {
		c.lists.Add(1)
	}
	return c.Store.List(ctx, prefix)
}

func (c *counted) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if strings.Contains(key, "/catalog/facts/") {
		c.reads.Add(1)
	}
	return c.Store.Get(ctx, key)
}

// far is a store that is not a folder here, and lists what objects' ETags are.
type far struct {
	bucket
	reads *atomic.Int64
}

func (f far) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if strings.Contains(key, "/catalog/facts/") {
		f.reads.Add(1)
	}
	return f.bucket.Get(ctx, key)
}

func (f far) List(ctx context.Context, prefix string) ([]objstore.Info, error) {
	infos, err := f.bucket.List(ctx, prefix)
	for i := range infos {
		_, is, err := f.bucket.Get(ctx, infos[i].Key)
		if err != nil {
			return nil, err
		}
		infos[i].Stamp = is.ETag
	}
	return infos, err
}

// longLake is a lake that keeps an index from two units on.
func longLake(t *testing.T) (*Lake, *counted) {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{Store: store}
	return withIndex(2, c, "p"), c
}

// entryOf writes an entry as a publication does, without files on disk.
func entryOf(t *testing.T, l *Lake, m *hindcast.Manifest) {
	t.Helper()
	body, err := seal(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.store.Put(t.Context(), l.entryKey(m), body, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
}

func hourOf(l *Lake, fact string, n, generation int) *hindcast.Manifest {
	start := january.Start.Add(time.Duration(n) * time.Hour)
	m := &hindcast.Manifest{Name: fact, Key: start.Format("2006-01-02T15:04"), Interval: hindcast.Interval{Start: start, End: start.Add(time.Hour)}, Source: "events",
		Time: "at", Generation: generation, Run: fmt.Sprintf("r%d", generation), Fence: int64(generation), Attempt: 1,
		Columns: []hindcast.Column{{Name: "at", Type: "TIMESTAMP"}, {Name: "cost", Type: "DECIMAL(18,6)"}},
		Sums:    hindcast.Sums{Rows: int64(n), Content: fmt.Sprintf("v1:%d.%d", n, generation), Totals: map[string]string{"cost": "1.000000"}},
		Seconds: 0.5, CreatedAt: start.Add(time.Duration(generation)*time.Minute + 123456789)}
	m.Files = []hindcast.File{{Path: l.Prefix(m) + "data_0.parquet", Rows: int64(n), Bytes: 10, SHA256: "ab", CRC32C: "cd"}}
	m.Bytes = 10
	return m
}

// settle makes the folder of a fact's entries as old as one that nobody has written to for a while.
func settle(t *testing.T, l *Lake, fact string) {
	t.Helper()
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(l.Absolute(l.factPrefix(fact)), old, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func saveIndex(t *testing.T, l *Lake) {
	t.Helper()
	if err := l.SaveIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// found asks for each generation, in the order of time and against it, and for some that are not there.
func found(t *testing.T, l *Lake, facts map[string]map[string]*hindcast.Manifest) {
	t.Helper()
	g, _, err := l.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for fact, units := range facts {
		keys := slices.Sorted(maps.Keys(units))
		backwards := slices.Clone(keys)
		slices.Reverse(backwards)
		for _, key := range slices.Concat(keys, backwards) {
			m, there := g.Of(fact, key)
			want := *units[key]
			m.Files, want.Files = nil, nil
			if !there || light(&m) != light(&want) {
				t.Errorf("Of(%s, %s) is %+v, %v; want %+v", fact, key, m, there, want)
			}
		}
		for _, key := range []string{"", "!", keys[0] + "!", keys[len(keys)-1] + "~", "~"} {
			if m, there := g.Of(fact, key); there {
				t.Errorf("Of(%s, %q) is %+v", fact, key, m)
			}
		}
	}
	if m, there := g.Of("no such fact", "x"); there {
		t.Errorf("of a fact that is not there it is %+v", m)
	}
}

// agree compares what a plan is told with the entries, read one by one, and returns how many entries the plan's reading read.
func agree(t *testing.T, l *Lake, reads *atomic.Int64) int64 {
	t.Helper()
	facts, dims, err := l.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reads.Store(0)
	known, gotDims, err := l.Paths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := reads.Load()
	got := known.all(l)
	found(t, l, facts)
	if !reflect.DeepEqual(dims, gotDims) || len(facts) != len(got) {
		t.Errorf("Paths has %d facts and the dimensions %v, want %d and %v", len(got), gotDims, len(facts), dims)
	}
	for fact, units := range facts {
		if len(got[fact]) != len(units) {
			t.Errorf("Paths has %d units of %s, the catalog %d", len(got[fact]), fact, len(units))
		}
		for key, m := range units {
			is := got[fact][key]
			if is == nil {
				t.Errorf("Paths has no %s %s", fact, key)
				continue
			}
			if want, now := light(m), light(is); want != now {
				t.Errorf("%s %s is\n%s, want\n%s", fact, key, now, want)
			}
		}
	}
	return n
}

// all are the manifests of all units, by fact and key.
func (g *Generations) all(l *Lake) map[string]map[string]*hindcast.Manifest {
	facts := map[string]map[string]*hindcast.Manifest{}
	add := func(fact, key string) {
		if facts[fact] == nil {
			facts[fact] = map[string]*hindcast.Manifest{}
		}
		if m, found := g.WithPaths(fact, key); found {
			facts[fact][key] = &m
		}
	}
	for fact, units := range g.facts {
		for key := range units.byKey {
			add(fact, key)
		}
		if units.digest != nil {
			units.digest.each(l, func(_ string, x *index, at int) { add(fact, x.key(at)) })
		}
	}
	return facts
}

// light is what Generations tells of a manifest, as text.
func light(m *hindcast.Manifest) string {
	c := *m
	c.Files, c.Layouts, c.Sums.Totals, c.Seconds = nil, nil, nil, 0
	for _, f := range m.Files {
		c.Files = append(c.Files, hindcast.File{Path: f.Path})
	}
	text, _ := json.Marshal(c)
	return string(text)
}

func TestIndex(t *testing.T) {
	l, store := longLake(t)
	for n := range 5 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	entryOf(t, l, hourOf(l, "few", 0, 1))
	if n := agree(t, l, &store.reads); n != 6 {
		t.Errorf("without an index %d entries were read, want all 6", n)
	}
	settle(t, l, "events")
	saveIndex(t, l)
	if n := agree(t, l, &store.reads); n != 1 {
		t.Errorf("with an index %d entries were read, want the 1 of the short catalog", n)
	}
	// Another process, which may know of no index, publishes one, and deletes one.
	entryOf(t, l, hourOf(l, "events", 2, 2))
	if err := store.Delete(t.Context(), l.factKey("events", hourOf(l, "events", 4, 1).Key)); err != nil {
		t.Fatal(err)
	}
	if n := agree(t, l, &store.reads); n != 2 {
		t.Errorf("with one new entry %d were read, want it and the short catalog's", n)
	}
	saveIndex(t, l) // with a folder that has just changed
	if n := agree(t, l, &store.reads); n != 1 {
		t.Errorf("after it was written again %d entries were read", n)
	}
	saved, err := os.ReadFile(l.Absolute(l.indexKey("events")))
	if err != nil {
		t.Fatal(err)
	}
	saveIndex(t, l)
	if again, err := os.ReadFile(l.Absolute(l.indexKey("events"))); err != nil || !bytes.Equal(saved[:20], again[:20]) {
		t.Errorf("written again: %v", err)
	}
}

// A folder that has just been written to may be written to again within the same tick of its file system's clock.
func TestIndexOfAFreshFolder(t *testing.T) {
	l, store := longLake(t)
	for n := range 3 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	future := time.Now().Add(time.Hour)
	folder := l.Absolute(l.factPrefix("events"))
	if err := os.Chtimes(folder, future, future); err != nil {
		t.Fatal(err)
	}
	saveIndex(t, l)
	entryOf(t, l, hourOf(l, "events", 1, 2))
	if err := os.Chtimes(folder, future, future); err != nil {
		t.Fatal(err)
	}
	if n := agree(t, l, &store.reads); n != 1 {
		t.Errorf("%d entries were read, want the new one", n)
	}
}

func TestDamagedIndex(t *testing.T) {
	l, store := longLake(t)
	for n := range 20 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	settle(t, l, "events")
	saveIndex(t, l)
	path := l.Absolute(l.indexKey("events"))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := newIndexWriter().index("other", "")
	damaged := map[string][]byte{"empty": nil, "of another fact": other, "cut off": whole[:len(whole)/2], "longer": append(bytes.Clone(whole), 0),
		"of the version before": append([]byte("hindcast index 2\n"), whole[len(indexMagic):]...)}
	for range 50 {
		at, bit := rand.IntN(len(whole)), byte(1)<<rand.IntN(8)
		flipped := bytes.Clone(whole)
		flipped[at] ^= bit
		damaged[fmt.Sprintf("byte %d ^ %d", at, bit)] = flipped
	}
	for name, body := range damaged {
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if n := agree(t, l, &store.reads); n != 20 {
			t.Errorf("%s: %d entries were read, want all 20", name, n)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if n := agree(t, l, &store.reads); n != 20 {
		t.Errorf("without it %d entries were read, want all 20", n)
	}
	saveIndex(t, l)
	if n := agree(t, l, &store.reads); n != 0 {
		t.Errorf("after the next run %d entries were read", n)
	}
}

// A reader of damaged bytes whose checksum happens to hold must not fail.
func TestIndexReaderEndures(t *testing.T) {
	l, _ := longLake(t)
	units := []*hindcast.Manifest{hourOf(l, "events", 0, 1), hourOf(l, "events", 1, 1)}
	units[1].Mark, units[1].Missing = &hindcast.Mark{Inserted: 1, Stored: "x"}, true
	units[1].Strays = &hindcast.Strays{Within: units[1].Interval, NoTime: 3, Outside: 1 << 40}
	w := newIndexWriter()
	for i, m := range units {
		if err := w.add(m, detail{fmt.Sprint(i), []fileName{{true, "b"}, {false, "/c"}}[i:]}); err != nil {
			t.Fatal(err)
		}
	}
	body := w.index("events", "stamp")
	for at := len(indexMagic); at < len(body)-4; at++ {
		for _, b := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			changed := bytes.Clone(body)
			changed[at] = b
			resum(changed)
			if x, err := decodeIndex("events", changed); err == nil && x.locate() {
				var d detail
				for i := range x.offsets {
					m := x.unit(i)
					x.detail(i, &d)
					l.filesOf(&m, d)
				}
			}
		}
	}
}

// versions are what objects of an index were, so that older ones can come back: a process that was suspended writes late, a
// backup is restored, an older hindcast writes an index and knows of no changes.
type versions struct {
	lake *Lake
	keys []string
	were [][]byte
}

func (v *versions) keep(t *testing.T) {
	t.Helper()
	for _, key := range []string{v.lake.indexKey("events"), v.lake.changesKey("events")} {
		if body, _, err := v.lake.store.Get(t.Context(), key); err == nil {
			v.keys, v.were = append(v.keys, key), append(v.were, body)
		}
	}
}

func (v *versions) restore(t *testing.T, random *rand.Rand) {
	t.Helper()
	if len(v.keys) == 0 {
		return
	}
	n := random.IntN(len(v.keys))
	body := v.were[n]
	if random.IntN(4) == 0 {
		body = body[:random.IntN(len(body))]
	}
	if _, err := v.lake.store.Put(t.Context(), v.keys[n], body, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// Whatever several processes do to a catalog, and whenever its index and what changed since were written, they and the entries agree.
func TestIndexAndEntriesAgree(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			one, store := longLake(t)
			two := withIndex(2, store, "p")
			var reads atomic.Int64
			away := withIndex(2, far{bucket{store.Store}, &reads}, "p")
			past, generations := &versions{lake: one}, map[int]int{}
			for step := range 120 {
				l := []*Lake{one, two, away}[random.IntN(3)]
				n := random.IntN(24)
				switch random.IntN(12) {
				case 0:
					if err := l.store.Delete(t.Context(), l.factKey("events", hourOf(l, "events", n, 1).Key)); err != nil {
						t.Fatal(err)
					}
				case 1, 2:
					settle(t, one, "events")
					fallthrough
				case 3:
					saveIndex(t, l)
					past.keep(t)
				case 4:
					if err := l.store.Delete(t.Context(), []string{l.indexKey("events"), l.changesKey("events")}[n%2]); err != nil {
						t.Fatal(err)
					}
				case 5:
					past.restore(t, random)
				default:
					generations[n]++
					m := hourOf(l, "events", n, generations[n])
					if random.IntN(3) == 0 {
						m.Missing, m.Files, m.Bytes, m.Mark = true, nil, 0, &hindcast.Mark{Inserted: -1, Updated: 1 << 40, Stored: "s"}
					}
					entryOf(t, l, m)
				}
				if step%3 == 0 {
					agree(t, one, &store.reads)
					agree(t, away, &reads)
				}
			}
		})
	}
}

// indexed is a lake of that many entries with a new index.
func indexed(t *testing.T, units int) (*Lake, *counted) {
	t.Helper()
	l, store := longLake(t)
	for n := range units {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	settle(t, l, "events")
	saveIndex(t, l)
	return l, store
}

// stored is an object of the index; nil if it is not there.
func stored(t *testing.T, l *Lake, key string) []byte {
	t.Helper()
	body, _, err := l.store.Get(t.Context(), key)
	if err != nil && !errors.Is(err, objstore.ErrNotExist) {
		t.Fatal(err)
	}
	return body
}

// An index of many entries is not written again when few of them change: what changed is written beside it.
func TestChanges(t *testing.T) {
	l, store := indexed(t, 40)
	index := stored(t, l, l.indexKey("events"))
	tells := func(when string) {
		t.Helper()
		settle(t, l, "events")
		saveIndex(t, l)
		store.lists.Store(0)
		if n := agree(t, l, &store.reads); n != 0 || store.lists.Load() != 0 {
			t.Errorf("%s %d entries were read, and they were listed %d times", when, n, store.lists.Load())
		}
	}

	saveIndex(t, l)
	if stored(t, l, l.changesKey("events")) != nil {
		t.Error("nothing has changed, and that was written")
	}
	tells("in a folder that was touched")
	for _, m := range []*hindcast.Manifest{hourOf(l, "events", 39, 2), hourOf(l, "events", 40, 1), hourOf(l, "events", 7, 2)} {
		entryOf(t, l, m)
		tells("after " + m.Key)
	}
	if err := store.Delete(t.Context(), l.factKey("events", hourOf(l, "events", 12, 1).Key)); err != nil {
		t.Fatal(err)
	}
	tells("after one was deleted")
	entryOf(t, l, hourOf(l, "events", 39, 3)) // which had changed before
	tells("after one changed again")
	changes := stored(t, l, l.changesKey("events"))
	if !bytes.Equal(stored(t, l, l.indexKey("events")), index) || len(changes) == 0 || len(changes) > len(index)/2 {
		t.Errorf("the index was written again, or %d bytes of changes to its %d", len(changes), len(index))
	}

	for n := range 5 {
		entryOf(t, l, hourOf(l, "events", n, 2))
	}
	tells("after many changed")
	if bytes.Equal(stored(t, l, l.indexKey("events")), index) || stored(t, l, l.changesKey("events")) != nil {
		t.Error("the index was not written again, or the changes to the old one are still there")
	}

	// A process that dies between the two leaves changes of the old index, which say nothing of the new one.
	if _, err := store.Put(t.Context(), l.changesKey("events"), changes, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if n := agree(t, l, &store.reads); n != 0 {
		t.Errorf("beside changes of an older index %d entries were read", n)
	}
}

// A lease that was lost goes on above the fences of a long catalog without reading its entries.
func TestFencesOfAnIndex(t *testing.T) {
	l, store := indexed(t, 40)
	entryOf(t, l, hourOf(l, "events", 7, 3))
	saveIndex(t, l)
	store.reads.Store(0)
	if highest, err := l.highestFence(t.Context()); err != nil || highest != 3 || store.reads.Load() != 0 {
		t.Errorf("the highest fence is %d, %v, and %d entries were read", highest, err, store.reads.Load())
	}
	entryOf(t, l, hourOf(l, "events", 9, 5))
	if highest, err := l.highestFence(t.Context()); err != nil || highest != 5 {
		t.Errorf("the highest fence is %d, %v", highest, err)
	}
}

// Changes that cannot be read say nothing: the entries tell, and the next run writes them again.
func TestDamagedChanges(t *testing.T) {
	l, store := indexed(t, 40)
	entryOf(t, l, hourOf(l, "events", 3, 2))
	entryOf(t, l, hourOf(l, "events", 4, 2))
	settle(t, l, "events")
	saveIndex(t, l)
	path := l.Absolute(l.changesKey("events"))
	whole := stored(t, l, l.changesKey("events"))
	damaged := map[string][]byte{"empty": nil, "cut off": whole[:len(whole)/2], "longer": append(bytes.Clone(whole), 0),
		"of another version": append([]byte("hindcast changes 2\n"), whole[len(changesMagic):]...)}
	for range 50 {
		flipped := bytes.Clone(whole)
		flipped[rand.IntN(len(whole))] ^= byte(1) << rand.IntN(8)
		damaged[fmt.Sprintf("%x", crc32.ChecksumIEEE(flipped))] = flipped
	}
	for name, body := range damaged {
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if n := agree(t, l, &store.reads); n != 2 {
			t.Errorf("%s: %d entries were read, want the 2 that changed", name, n)
		}
	}
	saveIndex(t, l)
	if n := agree(t, l, &store.reads); n != 0 {
		t.Errorf("after the next run %d entries were read", n)
	}

	// Whoever reads damaged bytes whose checksum happens to hold must not fail.
	known, err := l.readDigest(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	for at := len(changesMagic); at < len(whole)-crc32.Size; at++ {
		for _, b := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			changed := bytes.Clone(whole)
			changed[at] = b
			resum(changed)
			d := newDigest("events")
			d.base, d.etag = known.base, known.etag
			_ = d.change(changed) // an error, or other changes
			d.each(l, func(_ string, x *index, at int) { x.unit(at) })
		}
	}
}

// An index that is written as soon as the entries are tells alone: the moment in which another one could have the same time is
// waited for.
func TestIndexOfANewFolder(t *testing.T) {
	l, store := longLake(t)
	for n := range 3 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	saveIndex(t, l)
	store.lists.Store(0)
	if n := agree(t, l, &store.reads); n != 0 || store.lists.Load() != 0 {
		t.Errorf("%d entries were read, and they were listed %d times", n, store.lists.Load())
	}
}

func TestIndexOfABucket(t *testing.T) {
	local, store := longLake(t)
	var reads atomic.Int64
	l := withIndex(2, far{bucket{store.Store}, &reads}, "p")
	for n := range 5 {
		entryOf(t, local, hourOf(local, "events", n, 1))
	}
	saveIndex(t, l)
	if n := agree(t, l, &reads); n != 0 {
		t.Errorf("%d entries were read", n)
	}
	entryOf(t, local, hourOf(local, "events", 2, 2))
	if n := agree(t, l, &reads); n != 1 {
		t.Errorf("%d entries were read, want the new one", n)
	}
	saveIndex(t, l)
	if n := agree(t, l, &reads); n != 0 {
		t.Errorf("%d entries were read after the index was written again", n)
	}
	if left, err := filepath.Glob(filepath.Join(local.Absolute("_hindcast"), "p", "index", "*")); err != nil || len(left) != 1 {
		t.Errorf("the index is %q, %v", left, err)
	}
}

// An index that is kept in a real bucket, beside entries that other writers replace and delete.
func TestIndexInS3(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	var reads atomic.Int64
	proxy := server.Proxy(t, func(r s3test.Request) s3test.Fault {
		if r.Op == "GET" && strings.Contains(r.Key, "/catalog/facts/") {
			reads.Add(1)
		}
		return s3test.None
	})
	store, err := s3.Open(t.Context(), s3test.URL(proxy.Endpoint, server.Bucket(t), "a lake/of ours"))
	if err != nil {
		t.Fatal(err)
	}

	l := withIndex(3, store, "it's p")
	for n := range 5 {
		entryOf(t, l, hourOf(l, "the events", n, 1))
	}
	entryOf(t, l, hourOf(l, "the events and more", 0, 1)) // its name begins with the other's
	check := func(when string, want int64) {
		t.Helper()
		if n := agree(t, l, &reads); n != want {
			t.Errorf("%s %d entries were read, want %d", when, n, want)
		}
	}

	check("without an index", 6)
	saveIndex(t, l)
	check("with an index", 1)
	entryOf(t, l, hourOf(l, "the events", 2, 2))
	check("with one new entry", 2)
	if err := store.Delete(t.Context(), l.factKey("the events", hourOf(l, "the events", 4, 1).Key)); err != nil {
		t.Fatal(err)
	}
	check("with one entry less", 2)
	saveIndex(t, l)
	check("after it was written again", 1)
}

// A process that dies after it published, before it wrote the index or while it did, leaves an index that is older than
// the catalog.
func TestCrashBeforeTheIndex(t *testing.T) {
	l, store := longLake(t)
	for n := range 4 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	settle(t, l, "events")
	saveIndex(t, l)
	old, err := os.ReadFile(l.Absolute(l.indexKey("events")))
	if err != nil {
		t.Fatal(err)
	}

	m := hourOf(l, "events", 1, 2)
	m.Files = nil
	m.Bytes = 0
	publish(t, l, m)
	dead := filepath.Join(filepath.Dir(l.Absolute(l.indexKey("events"))), ".tmp-dead")
	if err := os.WriteFile(dead, old[:len(old)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dead, past, past); err != nil {
		t.Fatal(err)
	}

	next := withIndex(2, store, "p")
	if n := agree(t, next, &store.reads); n != 1 {
		t.Errorf("%d entries were read, want the one that was published last", n)
	}
	if err := next.Sweep(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half an index is left: %v", err)
	}
	settle(t, l, "events")
	saveIndex(t, next)
	if n := agree(t, next, &store.reads); n != 0 {
		t.Errorf("%d entries were read after the next run", n)
	}
}

// A corrupt entry is not indexed: whoever reads the catalog meets it, until it is restored.
func TestCorruptEntryAndIndex(t *testing.T) {
	l, store := longLake(t)
	for n := range 3 {
		m := publish(t, l, unload(t, l, "events", fmt.Sprint(n), 1, 1))
		if m.Generation != 1 {
			t.Fatal(m.Generation)
		}
	}
	settle(t, l, "events")
	saveIndex(t, l)
	key := l.factKey("events", "1")
	whole, _, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), key, whole[:len(whole)/2], objstore.Condition{}); err != nil {
		t.Fatal(err)
	}

	next := withIndex(2, store, "p")
	for range 2 { // saving the index in between does not hide it
		if n := agree(t, next, &store.reads); n != 1 || len(next.Mended()) != 1 {
			t.Fatalf("%d entries were read and %d found corrupt, want the one", n, len(next.Mended()))
		}
		settle(t, next, "events")
		saveIndex(t, next)
		next = withIndex(2, store, "p")
	}
	if _, _, err := next.Generations(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := next.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if body, _, err := store.Get(t.Context(), key); err != nil || !bytes.Equal(body, whole) {
		t.Errorf("restored as %s, %v", body, err)
	}
	settle(t, next, "events")
	saveIndex(t, next)
	if n := agree(t, next, &store.reads); n != 0 || len(next.Mended()) != 0 {
		t.Errorf("after it was restored %d entries were read and %d found corrupt", n, len(next.Mended()))
	}
}

// A folder of entries that is gone when the index would be written.
func TestNothingToIndex(t *testing.T) {
	l, _ := longLake(t)
	for n := range 3 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	folders, err := l.folders(t.Context())
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	if err := l.store.DeleteAll(t.Context(), l.factPrefix("events")); err != nil {
		t.Fatal(err)
	}
	if err := l.saveIndex(t.Context(), folders[0]); err != nil {
		t.Fatal(err)
	}
	if facts, _, err := l.Paths(t.Context()); err != nil || len(facts.facts) != 0 {
		t.Errorf("Paths = %v, %v", facts, err)
	}
}

// An index whose checksum holds and whose second part cannot be read is not believed.
func TestIndexWithoutDetails(t *testing.T) {
	l, store := longLake(t)
	for n := range 3 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	settle(t, l, "events")
	saveIndex(t, l)
	path := l.Absolute(l.indexKey("events"))
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)-crc32.Size-1] = 0x7f // the name of the last file
	resum(body)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := agree(t, l, &store.reads); n != 3 {
		t.Errorf("%d entries were read, want all 3", n)
	}
}

// resum gives changed bytes of an index the checksum that fits them.
func resum(body []byte) {
	end := len(body) - crc32.Size
	binary.BigEndian.PutUint32(body[end:], crc32.Checksum(body[:end], castagnoli))
}

func TestCurrentOf(t *testing.T) {
	l, store := longLake(t)
	for n := range 5 {
		entryOf(t, l, hourOf(l, "events", n, 1))
	}
	publish(t, l, unloadDim(t, l, "accounts", 1))
	wanted := hourOf(l, "events", 3, 1)
	facts, dims, err := l.CurrentOf(t.Context(), []Unit{{"events", wanted.Key}, {"events", "none"}, {"other", "none"}})
	if err != nil || len(facts) != 1 || len(facts["events"]) != 1 || !reflect.DeepEqual(facts["events"][wanted.Key], wanted) || dims["accounts"] == nil {
		t.Errorf("CurrentOf = %v, %v, %v", facts, dims, err)
	}
	if n := store.reads.Load(); n != 3 {
		t.Errorf("%d entries of facts were asked for, want the 3 that were named", n)
	}
}

// Of a fact with many units only those that are unloaded are swept; of others all.
func TestSweepOfManyUnits(t *testing.T) {
	l, _ := longLake(t)
	plant := func(m *hindcast.Manifest) string {
		path := l.Absolute(l.Prefix(m) + ".tmp-dead")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		return path
	}
	given, other, few := hourOf(l, "events", 0, 1), hourOf(l, "events", 1, 1), hourOf(l, "few", 0, 1)
	for _, index := range []bool{false, true} {
		if index {
			for _, m := range []*hindcast.Manifest{given, other, few} {
				entryOf(t, l, m)
			}
			saveIndex(t, l)
		}

		left := map[string]bool{plant(given): false, plant(other): true, plant(few): false}
		if err := l.Sweep(t.Context(), []Unit{{"events", given.Key}}); err != nil {
			t.Fatal(err)
		}
		for path, want := range left {
			if _, err := os.Stat(path); (err == nil) != want {
				t.Errorf("with an index %v: %s is there: %v, want %v", index, path, err == nil, want)
			}
		}
	}
}

// withIndex is New for a lake whose facts have an index from that many units on.
func withIndex(units int, store objstore.Store, pipeline string) *Lake {
	l := New(store, pipeline)
	l.indexFrom = units
	return l
}
