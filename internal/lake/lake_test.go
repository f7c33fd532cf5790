package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

// names are what users call things.
var names = []string{"billing", `it's "odd"`, "a/b", "..", "été 日本", "_hindcast", "50%", "x.json", " "}

func newLake(t testing.TB, pipeline string) *Lake {
	t.Helper()
	store, err := file.Open(filepath.Join(t.TempDir(), "my lake"))
	if err != nil {
		t.Fatal(err)
	}
	return New(store, pipeline)
}

func wantCode(t *testing.T, err error, code hindcast.Code) *hindcast.Error {
	t.Helper()
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok || e.Code != code || e.Next == "" {
		t.Fatalf("error = %v, want %s with a next step", err, code)
	}
	return e
}

var january = hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}

// unload writes what an unload of one file would, and returns its manifest with the file's absolute path.
func unload(t testing.TB, l *Lake, fact, unit string, generation, attempt int) *hindcast.Manifest {
	t.Helper()
	m := &hindcast.Manifest{Name: fact, Key: unit, Interval: january, Generation: generation, Run: "r1", Attempt: attempt}
	return write(t, l, m)
}

func unloadDim(t testing.TB, l *Lake, dim string, generation int) *hindcast.Manifest {
	t.Helper()
	m := &hindcast.Manifest{Name: dim, Key: "all", Generation: generation, Run: "r1", Attempt: 1}
	return write(t, l, m)
}

func write(t testing.TB, l *Lake, m *hindcast.Manifest) *hindcast.Manifest {
	t.Helper()
	dir, err := l.Folder(l.Prefix(m))
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf("%s %s %d", m.Name, m.Key, m.Generation)
	path := filepath.Join(dir, "data_0.parquet")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Files = []hindcast.File{{Path: path, Rows: 1, Bytes: int64(len(body))}}
	return m
}

func publish(t testing.TB, l *Lake, m *hindcast.Manifest) *hindcast.Manifest {
	t.Helper()
	if err := l.PublishUnit(t.Context(), m); err != nil {
		t.Fatalf("publishing %s %s: %v", m.Name, m.Key, err)
	}
	return m
}

func TestPublishAndCurrent(t *testing.T) {
	for _, pipeline := range names {
		l := newLake(t, pipeline)
		wantFacts, wantDims := map[string]map[string]*hindcast.Manifest{}, map[string]*hindcast.Manifest{}
		for _, name := range names {
			wantFacts[name] = map[string]*hindcast.Manifest{}
			for _, unit := range []string{"2020-01-01", "2020-01-01T00:00+01:00", "all"} {
				wantFacts[name][unit] = publish(t, l, unload(t, l, name, unit, 1, 1))
			}
			wantDims[name] = publish(t, l, unloadDim(t, l, name, 1))
		}
		facts, dims, err := l.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(facts, wantFacts) || !reflect.DeepEqual(dims, wantDims) {
			t.Errorf("pipeline %q: Current = %v, %v\nwant %v, %v", pipeline, facts, dims, wantFacts, wantDims)
		}
		for _, unit := range facts["billing"] {
			f := unit.Files[0]
			if filepath.IsAbs(f.Path) || f.SHA256 == "" || unit.Bytes != f.Bytes {
				t.Errorf("published file %+v of %d bytes", f, unit.Bytes)
			}
			if err := l.Verify(t.Context(), unit); err != nil {
				t.Error(err)
			}
			beside := filepath.Join(filepath.Dir(l.Absolute(f.Path)), manifestName)
			if _, err := os.Stat(beside); err != nil {
				t.Error(err)
			}
		}
		top, err := os.ReadDir(l.Store().URL())
		if err != nil || len(top) != 2 {
			t.Errorf("pipeline %q made %v at the top, %v", pipeline, top, err)
		}
	}
}

func TestGenerations(t *testing.T) {
	l := newLake(t, "p")
	if m, err := l.CurrentUnit(t.Context(), "billing", "2020"); m != nil || err != nil || NextGeneration(m) != 1 {
		t.Errorf("CurrentUnit = %v, %v before any", m, err)
	}
	first := publish(t, l, unload(t, l, "billing", "2020", 1, 1))
	publish(t, l, unload(t, l, "billing", "2020", 1, 1)) // again, as after a crash
	wantCode(t, l.PublishUnit(t.Context(), unload(t, l, "billing", "2020", 1, 2)), hindcast.ELake)
	second := publish(t, l, unload(t, l, "billing", "2020", NextGeneration(first), 2))
	wantCode(t, l.PublishUnit(t.Context(), unload(t, l, "billing", "2020", 1, 3)), hindcast.ELake)
	current, err := l.CurrentUnit(t.Context(), "billing", "2020")
	if err != nil || !reflect.DeepEqual(current, second) {
		t.Errorf("current = %+v, %v, want generation 2", current, err)
	}
	if err := l.Verify(t.Context(), first); err != nil {
		t.Errorf("the superseded generation was touched: %v", err)
	}
}

func TestPublishRace(t *testing.T) {
	l := newLake(t, "p")
	var won sync.Map
	var group sync.WaitGroup
	for n := range 8 {
		m := unload(t, l, "billing", "2020", 1, n+1)
		group.Go(func() {
			if err := l.PublishUnit(t.Context(), m); err == nil {
				won.Store(n+1, true)
			} else if e := hindcast.AsError(err); e.Code != hindcast.ELake || e.Class != hindcast.ClassTransient {
				t.Errorf("attempt %d: %v", n+1, err)
			}
		})
	}
	group.Wait()
	current, err := l.CurrentUnit(t.Context(), "billing", "2020")
	if err != nil {
		t.Fatal(err)
	}
	won.Range(func(attempt, _ any) bool {
		if attempt != current.Attempt {
			t.Errorf("attempt %v believes that it won, and %d did", attempt, current.Attempt)
		}
		return true
	})
}

func TestPublishChecksFiles(t *testing.T) {
	l := newLake(t, "p")
	for name, spoil := range map[string]func(m *hindcast.Manifest){
		"missing":  func(m *hindcast.Manifest) { m.Files[0].Path += "x" },
		"size":     func(m *hindcast.Manifest) { m.Files[0].Bytes++ },
		"truncate": func(m *hindcast.Manifest) { _ = os.Truncate(m.Files[0].Path, 1) },
	} {
		m := unload(t, l, name, "2020", 1, 1)
		spoil(m)
		wantCode(t, l.PublishUnit(t.Context(), m), hindcast.EParquet)
		if current, err := l.CurrentUnit(t.Context(), name, "2020"); current != nil || err != nil {
			t.Errorf("%s: it was published: %v, %v", name, current, err)
		}
	}
}

func TestVerify(t *testing.T) {
	l := newLake(t, "p")
	m := publish(t, l, unload(t, l, "billing", "2020", 1, 1))
	path := l.Absolute(m.Files[0].Path)
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body[0] ^= 1
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.VerifySizes(t.Context(), m); err != nil {
		t.Errorf("VerifySizes: %v", err)
	}
	if e := wantCode(t, l.Verify(t.Context(), m), hindcast.EParquet); !strings.Contains(e.Message, path) {
		t.Errorf("%q does not name %s", e.Message, path)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.VerifySizes(t.Context(), m), hindcast.EParquet)
}

// TestDamagedEntries cuts a catalog entry at every byte, and spoils it in other ways.
func TestDamagedEntries(t *testing.T) {
	l := newLake(t, "p")
	publish(t, l, unload(t, l, "other", "2020", 1, 1))
	publish(t, l, unload(t, l, "billing", "2020", 1, 1))
	key := l.factKey("billing", "2020")
	whole, _, err := l.store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	bodies := []string{"null", "{}", string(whole) + "{}", strings.Replace(string(whole), `"name":"billing"`, `"name":"other"`, 1),
		strings.Replace(string(whole), `"generation":1`, `"generation":0`, 1), strings.Replace(string(whole), "p/facts", "../facts", 1),
		strings.Replace(string(whole), `"bytes":`, `"bytes":1`, 1)}
	for size := range len(whole) {
		bodies = append(bodies, string(whole[:size]))
	}
	path := l.Absolute(key)
	current, err := l.CurrentUnit(t.Context(), "billing", "2020")
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(path, body string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// the manifest beside the files says the same, and the entry is written again
	for _, body := range bodies {
		spoil(path, body)
		facts, _, err := l.Current(t.Context())
		if err != nil || !reflect.DeepEqual(facts["billing"]["2020"], current) || len(l.Mended()) != 1 {
			t.Fatalf("%q: %+v, %v, want %+v", body, facts["billing"]["2020"], err, current)
		}
	}
	if err := l.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if body, err := os.ReadFile(path); err != nil || string(body) != string(whole) || len(l.Mended()) != 0 {
		t.Errorf("restored as %s, %v", body, err)
	}

	// neither an older generation nor a later unfinished unload is a copy of it
	publish(t, l, unload(t, l, "billing", "2020", 2, 1))
	unload(t, l, "billing", "2020", 3, 1)
	spoil(path, "{}")
	if m, err := l.CurrentUnit(t.Context(), "billing", "2020"); err != nil || m.Generation != 2 {
		t.Errorf("the second generation is read as %+v, %v", m, err)
	}
	spoil(l.Absolute(l.unitPrefix("billing", "2020")+"g2-r1-a1/"+manifestName), "{")
	for _, body := range bodies {
		spoil(path, body)
		_, _, err := l.Current(t.Context())
		if e := wantCode(t, err, hindcast.EManifest); e.Place.File != path {
			t.Fatalf("%q is said to be in %q", body, e.Place.File)
		}
	}
}

func TestUserFiles(t *testing.T) {
	l := newLake(t, "p")
	path := filepath.Join(t.TempDir(), "theirs.parquet")
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &hindcast.Manifest{Name: "own", Key: "2020", Interval: january, Generation: 1, Run: "r1", Attempt: 1,
		Files: []hindcast.File{{Path: path, Bytes: 6}}}
	publish(t, l, m)
	if m.Files[0].Path != path || l.Absolute(path) != path {
		t.Errorf("the user's path became %q", m.Files[0].Path)
	}
	publish(t, l, unload(t, l, "own", "2020", 2, 1))
	if _, err := l.Prune(t.Context(), "own", "2020", 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the user's file was deleted: %v", err)
	}
}

func TestPrune(t *testing.T) {
	l := newLake(t, "p")
	for generation := 1; generation <= 4; generation++ {
		unload(t, l, "billing", "2020", generation, 1) // failed
		publish(t, l, unload(t, l, "billing", "2020", generation, 2))
	}
	publish(t, l, unload(t, l, "billing", "2021", 1, 1))
	unload(t, l, "billing", "2020", 5, 1) // under way
	theirs := l.Absolute(l.unitPrefix("billing", "2020") + "notes/todo")
	if err := os.MkdirAll(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	gone, err := l.Prune(t.Context(), "billing", "2020", 1, map[int]bool{2: true})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, part := range []string{"g1-r1-a1", "g1-r1-a2", "g2-r1-a1", "g3-r1-a1", "g3-r1-a2", "g4-r1-a1"} {
		want = append(want, l.unitPrefix("billing", "2020")+part+"/")
	}
	if !slices.Equal(gone, want) {
		t.Errorf("pruned %q, want %q", gone, want)
	}
	left, err := objstore.Folders(t.Context(), l.store, l.unitPrefix("billing", "2020"))
	if want := []string{"g2-r1-a2", "g4-r1-a2", "g5-r1-a1", "notes"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %q, %v, want %q", left, err, want)
	}
	publish(t, l, unloadDim(t, l, "accounts", 1))
	publish(t, l, unloadDim(t, l, "accounts", 2))
	if gone, err := l.PruneDim(t.Context(), "accounts", 1, nil); err != nil || len(gone) != 1 {
		t.Errorf("PruneDim = %q, %v", gone, err)
	}
	if gone, err := l.Prune(t.Context(), "nothing", "2020", 1, nil); err != nil || len(gone) != 0 {
		t.Errorf("Prune of nothing = %q, %v", gone, err)
	}
}

// TestPlanOfZombie: whoever was taken over, before its plan was written or while it was, freezes none.
func TestPlanOfZombie(t *testing.T) {
	l := newLake(t, "p")
	gone := &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent, Next: "stop"}
	l.Guard(func(context.Context) error { return gone })
	wantCode(t, l.SavePlan(t.Context(), "nightly", map[string]string{"by": "a zombie"}), hindcast.EFenced)
	var plan map[string]string
	wantCode(t, l.LoadPlan(t.Context(), "nightly", &plan), hindcast.ERun)
	first := true
	l.Guard(func(ctx context.Context) error {
		if !first {
			return gone
		}
		first = false
		return New(l.store, "p").SavePlan(ctx, "nightly", map[string]string{"by": "its successor"})
	})
	wantCode(t, l.SavePlan(t.Context(), "nightly", map[string]string{"by": "a zombie"}), hindcast.EFenced)
	if err := l.LoadPlan(t.Context(), "nightly", &plan); err != nil || plan["by"] != "its successor" {
		t.Errorf("the plan is %q, %v", plan, err)
	}
}

func TestRuns(t *testing.T) {
	l := newLake(t, "p")
	type plan struct {
		SQL       string
		CreatedAt time.Time `json:"created_at"`
	}
	for i, id := range []string{"r9", "nightly 2/3", "r1x"} { // r9 is planned last
		if err := l.SavePlan(t.Context(), id, plan{id, time.Date(2026, 1, 9-i, 0, 0, 0, 0, time.UTC)}); err != nil {
			t.Fatal(err)
		}
	}
	id, err := l.NewRunID(t.Context())
	if err != nil || id != "r10" {
		t.Fatalf("NewRunID = %q, %v, want r10", id, err)
	}
	var got plan
	wantCode(t, l.LoadPlan(t.Context(), id, &got), hindcast.ERun)
	wantCode(t, l.LoadPlan(t.Context(), "r77", &got), hindcast.ERun)
	if err := l.SavePlan(t.Context(), id, plan{SQL: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.SavePlan(t.Context(), id, plan{SQL: "SELECT 2"}), hindcast.ERun)
	if err := l.LoadPlan(t.Context(), id, &got); err != nil || got.SQL != "SELECT 1" {
		t.Errorf("LoadPlan = %+v, %v", got, err)
	}
	if _, err := l.NewRunID(t.Context()); err != nil { // r11, never planned
		t.Fatal(err)
	}
	ids, err := l.ListRuns(t.Context())
	if want := []string{"r9", "nightly 2/3", "r1x", "r10"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("ListRuns = %q, %v, want %q", ids, err, want)
	}
	if err := os.Truncate(l.Absolute(l.PlanKey("r9")), 9); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.LoadPlan(t.Context(), "r9", &got), hindcast.EManifest)
	ids, err = l.ListRuns(t.Context())
	if want := []string{"nightly 2/3", "r1x", "r10", "r9"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("with a plan that is corrupt: %q, %v, want %q", ids, err, want)
	}
}

func TestRunIDsAreUnique(t *testing.T) {
	l := newLake(t, "p")
	var mu sync.Mutex
	seen := map[string]bool{}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 3 {
				id, err := l.NewRunID(t.Context())
				mu.Lock()
				if err != nil || seen[id] {
					t.Errorf("NewRunID = %q, %v, given before: %v", id, err, seen[id])
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if !seen["r1"] || !seen["r24"] || len(seen) != 24 {
		t.Errorf("ids %v, want r1 to r24", seen)
	}
}

func TestNatural(t *testing.T) {
	sorted := []string{"a", "a1", "a2", "a2b", "a02c", "a10", "b", "r9", "r010x", "r11"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := natural(a, b); got != (i < j) {
				t.Errorf("natural(%q, %q) = %v", a, b, got)
			}
		}
	}
}

func TestPrefixesAreApart(t *testing.T) {
	l := newLake(t, "p")
	seen := map[string]string{}
	for _, a := range names {
		for _, b := range names {
			for kind, prefix := range map[string]string{
				"fact": l.Prefix(&hindcast.Manifest{Name: a, Key: b, Interval: january, Generation: 1, Run: "r1", Attempt: 1}),
				"dim":  l.Prefix(&hindcast.Manifest{Name: a, Key: "all", Generation: 1, Run: b, Attempt: 1}), "staging": l.StagingPrefix(a, b, 0, 1),
				"fenced": l.StagingPrefix(a, b, 1, 1), "previous": l.PreviousPrefix(a, b, 1, 1), "output": OutputPrefix(l.StagingPrefix(a, b, 1, 1), a+b),
				"other": New(l.store, a).Prefix(&hindcast.Manifest{Name: b, Key: "x", Interval: january, Generation: 1, Run: "r1", Attempt: 1}),
			} {
				if err := objstore.CheckFolder(prefix); err != nil {
					t.Error(err)
				}
				name := fmt.Sprintf("%s %q %q", kind, a, b)
				if other := seen[prefix]; other != "" {
					t.Errorf("%s and %s are both at %s", name, other, prefix)
				}
				seen[prefix] = name
			}
		}
	}
}

// What an attempt at one of several outputs kept is below a folder of the output's, and goes with the attempt.
func TestAttemptsAreFoundAboveOutputs(t *testing.T) {
	folder := newLake(t, "p")
	for what, l := range map[string]*Lake{"a folder": folder, "a bucket": New(bucket{folder.store}, "p")} {
		first, second := l.PreviousPrefix("r1", "2020", 1, 1), l.PreviousPrefix("r1", "2020", 2, 1)
		for _, key := range []string{OutputPrefix(first, "costs") + "part-0.parquet", OutputPrefix(first, "usage") + "part-0.parquet", second + "part-0.parquet"} {
			if _, err := folder.store.Put(t.Context(), key, []byte("x"), objstore.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		found, err := l.Previous(t.Context(), "r1", 3)
		if err != nil || !slices.Equal(found, []string{first, second}) {
			t.Errorf("in %s: %q, %v", what, found, err)
		}
	}
}

// The place of facts that pipelines share belongs to no pipeline: none can have its name, and no pipeline's sweep reaches it.
func TestSharedSourcesAreNoPipelines(t *testing.T) {
	for _, name := range append(names, "_sources", "sources") {
		l := newLake(t, name)
		shared := []string{"_sources/shop/facts/sales/", "_hindcast/_sources/shop/"}
		for _, prefix := range shared {
			for _, own := range []string{Bookkeeping(name), l.Prefix(&hindcast.Manifest{Name: "shop", Key: "sales", Interval: january, Generation: 1, Run: "r1"}), l.ViewsKey()} {
				if strings.HasPrefix(own, prefix) || strings.HasPrefix(prefix, own) {
					t.Errorf("pipeline %q has %s, in %s", name, own, prefix)
				}
			}
		}
	}
}

func TestDiskFree(t *testing.T) {
	dir := t.TempDir()
	here, err := DiskFree(dir)
	if err != nil || here <= 0 {
		t.Errorf("DiskFree = %d, %v", here, err)
	}
	if below, err := DiskFree(filepath.Join(dir, "not", "yet")); err != nil || below <= 0 {
		t.Errorf("DiskFree of a folder to be = %d, %v", below, err)
	}
	if url, err := DiskFree("s3://bucket/x"); err != nil || url != -1 {
		t.Errorf("DiskFree of a URL = %d, %v, want -1", url, err)
	}
}

func TestHashFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum, size, err := hashFile(path)
	if err != nil || size != 3 || sum != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("hashFile = %s, %d, %v", sum, size, err)
	}
	if _, _, err := hashFile(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("hashFile of nothing: %v", err)
	}
}

// fenced writes what an unload under a fence would.
func fenced(t testing.TB, l *Lake, generation int, fence int64) *hindcast.Manifest {
	t.Helper()
	return write(t, l, &hindcast.Manifest{Name: "billing", Key: "2020", Interval: january, Generation: generation, Run: "r1", Fence: fence, Attempt: 1})
}

// TestZombies: a process that was taken over publishes nothing, deletes nothing of its successor's, and never writes
// where that writes, though both count the same generation and attempt.
func TestZombies(t *testing.T) {
	l := newLake(t, "p")
	publish(t, l, fenced(t, l, 1, 3))
	zombie, successor := fenced(t, l, 2, 4), fenced(t, l, 2, 5)
	if l.Prefix(zombie) == l.Prefix(successor) {
		t.Fatal("both write to the same place")
	}
	publish(t, l, successor)
	wantCode(t, l.PublishUnit(t.Context(), zombie), hindcast.EFenced)
	wantCode(t, l.PublishUnit(t.Context(), fenced(t, l, 3, 4)), hindcast.EFenced) // it looked again since
	publish(t, l, fenced(t, l, 3, 5))
	unfinished := fenced(t, l, 4, 6)
	for _, keep := range []map[int]bool{nil, {1: true, 2: true}} { // whatever the zombie believes to be current
		if _, err := l.Prune(t.Context(), "billing", "2020", 4, keep); err != nil {
			t.Fatal(err)
		}
	}
	left, err := objstore.Folders(t.Context(), l.store, l.unitPrefix("billing", "2020"))
	if want := []string{"g2-r1-f5-a1", "g3-r1-f5-a1", "g4-r1-f6-a1"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %q, %v, want %q", left, err, want)
	}
	may := error(&hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent, Next: "stop"})
	l.Guard(func(context.Context) error { return may })
	wantCode(t, l.PublishUnit(t.Context(), unfinished), hindcast.EFenced)
	may = nil
	publish(t, l, unfinished)
	if highest, err := HighestFence(t.Context(), l.store, "p"); err != nil || highest != 6 {
		t.Errorf("HighestFence = %d, %v", highest, err)
	}
}

// TestLateZombie: where a zombie was faster than its successor, that one has to try again, and then supersedes it.
func TestLateZombie(t *testing.T) {
	l := newLake(t, "p")
	publish(t, l, fenced(t, l, 1, 4))
	e := wantCode(t, l.PublishUnit(t.Context(), fenced(t, l, 1, 5)), hindcast.ELake)
	if e.Class != hindcast.ClassTransient {
		t.Errorf("class %s: the successor would give up", e.Class)
	}
	publish(t, l, fenced(t, l, 2, 5))
}

func TestDiscard(t *testing.T) {
	l := newLake(t, "p")
	for _, fence := range []int64{0, 3, 4} {
		for attempt := range 2 {
			key := l.StagingPrefix("r1", "2020", fence, attempt+1) + "data_0.parquet"
			if _, err := l.store.Put(t.Context(), key, []byte("x"), objstore.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Discard(t.Context(), Staging{Run: "r1", Slice: "2020", Fence: 3, Attempt: 1}); err != nil {
		t.Fatal(err)
	}
	left, err := objstore.Folders(t.Context(), l.store, l.stagingOf("r1", "2020"))
	if want := []string{"f3-a2", "f4-a1", "f4-a2"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("attempt 1 under fence 3 left %q, %v, want %q", left, err, want)
	}
	if err := l.Discard(t.Context(), Staging{Run: "r1", Slice: "2020", Fence: 4, Attempt: 2}); err != nil {
		t.Fatal(err)
	}
	if left, err := l.store.List(t.Context(), l.stagingOf("r1", "2020")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// bucket is a store whose objects are not files.
type bucket struct{ store objstore.Store }

func (b bucket) URL() string { return "s3://bucket/lake" }
func (b bucket) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	return b.store.Get(ctx, key)
}
func (b bucket) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	return b.store.Put(ctx, key, body, cond)
}
func (b bucket) Upload(ctx context.Context, key string, body io.Reader) (objstore.Info, error) {
	return b.store.Upload(ctx, key, body)
}
func (b bucket) List(ctx context.Context, prefix string) ([]objstore.Info, error) {
	return b.store.List(ctx, prefix)
}
func (b bucket) Delete(ctx context.Context, key string) error { return b.store.Delete(ctx, key) }
func (b bucket) DeleteAll(ctx context.Context, prefix string) error {
	return b.store.DeleteAll(ctx, prefix)
}

func TestBucket(t *testing.T) {
	local := newLake(t, "p")
	l := New(bucket{local.store}, "p")
	scratch := t.TempDir()
	if dir, err := l.Folder(l.StagingPrefix("r1", "2020", 2, 1)); err == nil {
		t.Errorf("Folder without a scratch folder = %q", dir)
	}
	l.UseScratch(scratch, nil)
	if dir, err := l.Folder(l.StagingPrefix("r1", "2020", 2, 1)); err != nil || dir != scratch+"/_hindcast/p/runs/r1/staging/2020/f2-a1" {
		t.Errorf("Folder = %q, %v", dir, err)
	}
	path := filepath.Join(t.TempDir(), "data 0.parquet")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := publish(t, l, &hindcast.Manifest{Name: "billing", Key: "2020", Interval: january, Generation: 1, Run: "r1", Attempt: 1,
		Files: []hindcast.File{{Path: path, Bytes: 3}}})
	if want := l.Prefix(m) + "data%200.parquet"; m.Files[0].Path != want {
		t.Errorf("uploaded to %q, want %q", m.Files[0].Path, want)
	}
	if err := l.Verify(t.Context(), m); err != nil {
		t.Error(err)
	}
	if _, err := local.store.Put(t.Context(), m.Files[0].Path, []byte("abd"), objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.Verify(t.Context(), m), hindcast.EParquet)
	if err := local.store.Delete(t.Context(), m.Files[0].Path); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.VerifySizes(t.Context(), m), hindcast.EParquet)
}

// BenchmarkCurrent reads a catalog of 10,000 units.
func BenchmarkCurrent(b *testing.B) {
	l := newLake(b, "p")
	columns := make([]hindcast.Column, 15)
	for i := range columns {
		columns[i] = hindcast.Column{Name: fmt.Sprintf("column_%d", i), Type: "DECIMAL(18,6)"}
	}
	m := unload(b, l, "billing", "0", 1, 1)
	m.Columns = columns
	publish(b, l, m)
	body, _, err := l.store.Get(b.Context(), l.factKey("billing", "0"))
	if err != nil {
		b.Fatal(err)
	}
	for n := range 10_000 {
		key := fmt.Sprint(n)
		text := strings.Replace(string(body), `"key":"0"`, `"key":"`+key+`"`, 1)
		if err := os.WriteFile(l.Absolute(l.factKey("billing", key)), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for range b.N {
		facts, _, err := l.Current(b.Context())
		if err != nil || len(facts["billing"]) != 10_000 {
			b.Fatal(len(facts["billing"]), err)
		}
	}
}
