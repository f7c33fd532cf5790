// Package objstoretest is the conformance suite of the object store contract. A driver's test is one call of Run; a
// driver tests for itself what it does beyond the contract.
package objstoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hindcast/hindcast/internal/objstore"
)

// Run checks every guarantee of objstore.Store, and those of Foldered, Appender, Ranged and Watched where the store has them.
// open returns an empty store, a new one for each call.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, store objstore.Store)
	}{
		{"put and get", putAndGet},
		{"absent", absent},
		{"odd keys", oddKeys},
		{"bad keys", badKeys},
		{"if none match", ifNoneMatch},
		{"if match", ifMatch},
		{"etag", etag},
		{"upload", upload},
		{"clone", clone},
		{"list", list},
		{"stamps", stamps},
		{"delete", deleteOne},
		{"delete all", deleteAll},
		{"write after delete all", writeAfterDeleteAll},
		{"folders", folders},
		{"append", appending},
		{"ranges", ranges},
		{"cancelled", cancelled},
		{"race of creators", raceOfCreators},
		{"race of replacers", raceOfReplacers},
		{"race of counters", raceOfCounters},
		{"readers see whole objects", wholeObjects},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

var always = objstore.Condition{}

func put(t *testing.T, store objstore.Store, key, body string) objstore.Info {
	t.Helper()
	info, err := store.Put(t.Context(), key, []byte(body), always)
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	return info
}

func get(t *testing.T, store objstore.Store, key, want string) objstore.Info {
	t.Helper()
	body, info, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	if string(body) != want {
		t.Fatalf("Get(%q) = %q, want %q", key, body, want)
	}

	return info
}

func gone(t *testing.T, store objstore.Store, key string) {
	t.Helper()
	if _, _, err := store.Get(t.Context(), key); !errors.Is(err, objstore.ErrNotExist) {
		t.Fatalf("Get(%q) of nothing: %v, want ErrNotExist", key, err)
	}
}

func keys(t *testing.T, store objstore.Store, prefix string) []string {
	t.Helper()
	infos, err := store.List(t.Context(), prefix)
	if err != nil {
		t.Fatalf("List(%q): %v", prefix, err)
	}

	found := []string{}
	for _, info := range infos {
		found = append(found, info.Key)
	}

	return found
}

func wantKeys(t *testing.T, store objstore.Store, prefix string, want ...string) {
	t.Helper()
	if found := keys(t, store, prefix); !slices.Equal(found, want) {
		t.Fatalf("List(%q) = %q, want %q", prefix, found, want)
	}
}

func putAndGet(t *testing.T, store objstore.Store) {
	if store.URL() == "" {
		t.Error("URL is empty")
	}
	for _, body := range []string{"", "one", strings.Repeat("x", 1<<20), "two", "\x00\xff\n"} {
		written := put(t, store, "a/b/c", body)
		read := get(t, store, "a/b/c", body)
		for _, info := range []objstore.Info{written, read} {
			if info.Key != "a/b/c" || info.Bytes != int64(len(body)) || info.ETag != read.ETag || info.ETag == "" {
				t.Errorf("info = %+v for %d bytes, and Get says %+v", info, len(body), read)
			}
		}
	}
}

func absent(t *testing.T, store objstore.Store) {
	gone(t, store, "nothing")
	gone(t, store, "no/such/folder/nothing")
	wantKeys(t, store, "")
	wantKeys(t, store, "no/such/folder/")
	put(t, store, "a/b", "1")
	gone(t, store, "a")
	gone(t, store, "a/b/c")

	if err := store.Delete(t.Context(), "a/c"); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if err := store.DeleteAll(t.Context(), "no/such/"); err != nil {
		t.Errorf("DeleteAll of nothing: %v", err)
	}
}

var odd = []string{
	"a b/c d", `it's "quoted"/x`, "été/日本/ß", "100%/50%25", "a+b&c=d/e?f#g", "[x]/*", `back\slash`, "..a/b..", "-/--x",
	"plain", "a:b/2020-01-01T00:00+01:00", "UPPER/lower", "$HOME/`x`", "semi;colon", ".hidden/x", "tab\tkey", "~",
}

func oddKeys(t *testing.T, store objstore.Store) {
	for _, key := range odd {
		put(t, store, key, "body of "+key)
	}

	for _, key := range odd {
		get(t, store, key, "body of "+key)
	}

	want := slices.Clone(odd)
	slices.Sort(want)
	wantKeys(t, store, "", want...)

	for _, key := range odd {
		if err := store.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q): %v", key, err)
		}
		gone(t, store, key)
	}
}

func badKeys(t *testing.T, store objstore.Store) {
	for _, key := range []string{"", "/a", "a/", "../a", "a/../b", "a//b", "./a", "a/.", "..", ".", "a/..", "a\x00b"} {
		if _, err := store.Put(t.Context(), key, nil, always); err == nil {
			t.Errorf("Put(%q) is taken", key)
		}
		if _, err := store.Upload(t.Context(), key, strings.NewReader("")); err == nil {
			t.Errorf("Upload(%q) is taken", key)
		}
		if _, _, err := store.Get(t.Context(), key); err == nil {
			t.Errorf("Get(%q) is taken", key)
		}
		if err := store.Delete(t.Context(), key); err == nil {
			t.Errorf("Delete(%q) is taken", key)
		}
	}

	for _, prefix := range []string{"", "/", "a", "../", "a/../", "./", "a//"} {
		if err := store.DeleteAll(t.Context(), prefix); err == nil {
			t.Errorf("DeleteAll(%q) is taken", prefix)
		}
	}

	wantKeys(t, store, "")
}

func ifNoneMatch(t *testing.T, store objstore.Store) {
	create := objstore.Condition{IfNoneMatch: true}
	if _, err := store.Put(t.Context(), "k/x", []byte("1"), create); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "k/x", []byte("2"), create); !errors.Is(err, objstore.ErrPrecondition) {
		t.Fatalf("creating twice: %v, want ErrPrecondition", err)
	}

	get(t, store, "k/x", "1")
	if err := store.Delete(t.Context(), "k/x"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "k/x", []byte("3"), create); err != nil {
		t.Fatalf("creating after a delete: %v", err)
	}
}

func ifMatch(t *testing.T, store objstore.Store) {
	if _, err := store.Put(t.Context(), "x", []byte("0"), objstore.Condition{IfMatch: "nope"}); !errors.Is(err, objstore.ErrPrecondition) {
		t.Fatalf("replacing nothing: %v, want ErrPrecondition", err)
	}

	gone(t, store, "x")
	first := put(t, store, "x", "1")
	second, err := store.Put(t.Context(), "x", []byte("2"), objstore.Condition{IfMatch: first.ETag})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "x", []byte("3"), objstore.Condition{IfMatch: first.ETag}); !errors.Is(err, objstore.ErrPrecondition) {
		t.Fatalf("replacing an older object: %v, want ErrPrecondition", err)
	}
	if info := get(t, store, "x", "2"); info.ETag != second.ETag {
		t.Errorf("ETag = %q, and Put said %q", info.ETag, second.ETag)
	}
}

// etag checks that it changes with the content, even at the same size and within the same instant.
func etag(t *testing.T, store objstore.Store) {
	seen := map[string]bool{}
	for i := range 50 {
		info := put(t, store, "x", fmt.Sprintf("%04d", i))
		if seen[info.ETag] {
			t.Fatalf("ETag %q of the content %d was there before", info.ETag, i)
		}
		seen[info.ETag] = true
	}
}

func upload(t *testing.T, store objstore.Store) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	info, err := store.Upload(t.Context(), "big/one", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if info.Bytes != int64(len(body)) || info.Key != "big/one" {
		t.Errorf("info = %+v for %d bytes", info, len(body))
	}
	if read := get(t, store, "big/one", string(body)); read.ETag != info.ETag {
		t.Errorf("ETag = %q, and Upload said %q", read.ETag, info.ETag)
	}

	broken := &failing{left: 1000}
	if _, err := store.Upload(t.Context(), "big/two", broken); err == nil {
		t.Error("Upload hides its reader's error")
	}

	wantKeys(t, store, "big/", "big/one")
}

type failing struct{ left int }

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errors.New("the reader broke")
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

func list(t *testing.T, store objstore.Store) {
	all := []string{"a", "b.x", "b/1", "b/10", "b/2", "b/c/d", "b0", "bb/1", "z/y/x/w"}
	for i := range all {
		put(t, store, all[len(all)-1-i], strings.Repeat("x", i))
	}

	tests := []struct {
		prefix string
		want   []string
	}{
		{"", all},
		{"b/", []string{"b/1", "b/10", "b/2", "b/c/d"}},
		{"b/1", []string{"b/1", "b/10"}},
		{"b", all[1:8]},
		{"b/c/", []string{"b/c/d"}},
		{"b/c/d", []string{"b/c/d"}},
		{"z/y/", []string{"z/y/x/w"}},
		{"z/", []string{"z/y/x/w"}},
		{"c/", nil},
		{"b/c/e", nil},
	}
	for _, test := range tests {
		wantKeys(t, store, test.prefix, test.want...)
	}

	infos, err := store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}

	for _, info := range infos {
		body, got, err := store.Get(t.Context(), info.Key)
		if err != nil || info.Bytes != int64(len(body)) || info.ETag != "" && info.ETag != got.ETag {
			t.Errorf("List says %+v, Get says %+v, %v", info, got, err)
		}
	}
}

func deleteOne(t *testing.T, store objstore.Store) {
	put(t, store, "a/1", "1")
	put(t, store, "a/2", "2")
	if err := store.Delete(t.Context(), "a/1"); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), "a/1"); err != nil {
		t.Errorf("deleting twice: %v", err)
	}

	wantKeys(t, store, "", "a/2")
}

func deleteAll(t *testing.T, store objstore.Store) {
	for _, key := range []string{"a/b/1", "a/b/c/2", "a/bb/3", "a/b.4", "a/5", "b/6"} {
		put(t, store, key, key)
	}

	if err := store.DeleteAll(t.Context(), "a/b/"); err != nil {
		t.Fatal(err)
	}

	wantKeys(t, store, "", "a/5", "a/b.4", "a/bb/3", "b/6")
	if err := store.DeleteAll(t.Context(), "a/b/"); err != nil {
		t.Errorf("deleting twice: %v", err)
	}
}

func writeAfterDeleteAll(t *testing.T, store objstore.Store) {
	for range 3 {
		put(t, store, "a/b/c/1", "1")
		put(t, store, "a/b/2", "2")
		if err := store.DeleteAll(t.Context(), "a/"); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, store, "")
	}
}

func folders(t *testing.T, store objstore.Store) {
	for _, key := range []string{"r/r2/plan", "r/r10/a/b/c", "r/r1/x", "r/file", "r/r1/y", "top"} {
		put(t, store, key, "")
	}
	for prefix, want := range map[string][]string{"r/": {"r1", "r10", "r2"}, "r/r10/": {"a"}, "none/": nil, "": {"r"}} {
		names, err := objstore.Folders(t.Context(), store, prefix)
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "_") })
		if err != nil || !slices.Equal(names, want) {
			t.Errorf("Folders(%q) = %q, %v, want %q", prefix, names, err, want)
		}
	}
}

func appending(t *testing.T, store objstore.Store) {
	appender, ok := store.(objstore.Appender)
	if !ok {
		return // the contract lets a store be without it
	}

	for i, text := range []string{"one,", "two,", "three"} {
		f, err := appender.Append(t.Context(), "log/x")
		if err != nil {
			t.Fatal(err)
		}

		if i == 2 {
			if err := f.Truncate(4); err != nil {
				t.Fatal(err)
			}
		}

		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}

	get(t, store, "log/x", "one,three")
}

func ranges(t *testing.T, store objstore.Store) {
	ranged, ok := store.(objstore.Ranged)
	if !ok {
		return // the contract lets a store be without it
	}

	const body = "0123456789"
	info := put(t, store, "r/x", body)
	if got, err := ranged.Stat(t.Context(), "r/x"); err != nil || got != info {
		t.Errorf("Stat = %+v, %v, and Put said %+v", got, err, info)
	}

	for _, test := range []struct {
		from, to int
		etag     string
	}{{0, 10, ""}, {0, 1, info.ETag}, {3, 7, info.ETag}, {9, 10, ""}, {4, 4, ""}} {
		p := make([]byte, test.to-test.from)
		if err := ranged.GetRange(t.Context(), "r/x", test.etag, int64(test.from), p); err != nil || string(p) != body[test.from:test.to] {
			t.Errorf("GetRange(%d, %d) = %q, %v", test.from, test.to, p, err)
		}
	}

	if err := ranged.GetRange(t.Context(), "r/x", "", 5, make([]byte, 6)); err == nil {
		t.Error("a range beyond the end is given")
	}

	put(t, store, "r/x", "abcdefghij")
	if err := ranged.GetRange(t.Context(), "r/x", info.ETag, 0, make([]byte, 2)); !errors.Is(err, objstore.ErrPrecondition) {
		t.Errorf("a range of what was replaced: %v, want ErrPrecondition", err)
	}
	if err := ranged.GetRange(t.Context(), "r/y", "", 0, make([]byte, 2)); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("a range of nothing: %v, want ErrNotExist", err)
	}
	if _, err := ranged.Stat(t.Context(), "r/y"); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("Stat of nothing: %v, want ErrNotExist", err)
	}
}

func cancelled(t *testing.T, store objstore.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Put(ctx, "x", nil, always)
	_, _, err2 := store.Get(ctx, "x")
	_, err3 := store.List(ctx, "")
	_, err4 := store.Upload(ctx, "x", strings.NewReader("x"))
	for _, err := range []error{err, err2, err3, err4, store.Delete(ctx, "x"), store.DeleteAll(ctx, "x/")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after the cancel: %v, want context.Canceled", err)
		}
	}

	wantKeys(t, store, "")
}

// writers is how many race in each race.
const writers = 8

// race runs write in many goroutines at once and returns how many won.
func race(t *testing.T, write func(n int) error) (won []int) {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	start := make(chan struct{})
	for n := range writers {
		group.Go(func() {
			<-start
			err := write(n)
			mu.Lock()
			defer mu.Unlock()

			if err == nil {
				won = append(won, n)
			} else if !errors.Is(err, objstore.ErrPrecondition) {
				t.Errorf("writer %d: %v", n, err)
			}
		})
	}

	close(start)
	group.Wait()
	return won
}

func raceOfCreators(t *testing.T, store objstore.Store) {
	for round := range 20 {
		key := fmt.Sprintf("race/%d", round)
		won := race(t, func(n int) error {
			_, err := store.Put(t.Context(), key, fmt.Appendf(nil, "writer %d", n), objstore.Condition{IfNoneMatch: true})
			return err
		})
		if len(won) != 1 {
			t.Fatalf("writers %v created the same object", won)
		}
		get(t, store, key, fmt.Sprintf("writer %d", won[0]))
	}
}

func raceOfReplacers(t *testing.T, store objstore.Store) {
	for round := range 20 {
		was := put(t, store, "race", fmt.Sprintf("round %d", round))
		won := race(t, func(n int) error {
			_, err := store.Put(t.Context(), "race", fmt.Appendf(nil, "writer %d", n), objstore.Condition{IfMatch: was.ETag})
			return err
		})
		if len(won) != 1 {
			t.Fatalf("writers %v replaced the same object", won)
		}
		get(t, store, "race", fmt.Sprintf("writer %d", won[0]))
	}
}

// raceOfCounters lets every writer increment until each has done so ten times: no increment may be lost.
func raceOfCounters(t *testing.T, store objstore.Store) {
	put(t, store, "count", "0")
	race(t, func(int) error {
		for done := 0; done < 10; {
			body, info, err := store.Get(t.Context(), "count")
			if err != nil {
				return err
			}

			var n int
			if _, err := fmt.Sscan(string(body), &n); err != nil {
				return err
			}

			_, err = store.Put(t.Context(), "count", fmt.Append(nil, n+1), objstore.Condition{IfMatch: info.ETag})
			if err != nil && !errors.Is(err, objstore.ErrPrecondition) {
				return err
			}
			if err == nil {
				done++
			}
		}
		return nil
	})

	get(t, store, "count", fmt.Sprint(writers*10))
}

// wholeObjects reads and lists while others write: a reader sees one write's bytes, never a mixture.
func wholeObjects(t *testing.T, store objstore.Store) {
	bodyOf := func(n int) string { return strings.Repeat(fmt.Sprint(n), 1<<16) }
	put(t, store, "w/x", bodyOf(0))
	race(t, func(n int) error {
		for range 10 {
			if n%2 == 0 {
				if _, err := store.Put(t.Context(), "w/x", []byte(bodyOf(n)), always); err != nil {
					return err
				}
				continue
			}

			body, _, err := store.Get(t.Context(), "w/x")
			if err != nil {
				return err
			}
			if len(body) != 1<<16 || strings.Count(string(body), string(body[0])) != len(body) {
				t.Errorf("a reader saw %d bytes of a mixture", len(body))
			}
			if infos, err := store.List(t.Context(), "w/"); err != nil || len(infos) != 1 {
				t.Errorf("a list while others write: %v, %v", infos, err)
			}
		}
		return nil
	})
}

// Damaged checks what a store that can tell reports of an object whose bytes are not those that were written. spoil changes the
// bytes of a key's object where they are stored.
func Damaged(t *testing.T, store objstore.Store, spoil func(key string)) {
	was := put(t, store, "a/one", "as it was written")
	put(t, store, "a/two", "the other one")
	spoil("a/one")

	body, info, err := objstore.Find(t.Context(), store, "a/one")
	if !errors.Is(err, objstore.ErrDamaged) || len(body) == 0 || string(body) == "as it was written" {
		t.Errorf("damaged: %q, %v", body, err)
	}
	if info.Key != "a/one" || info.ETag == "" {
		t.Errorf("the info of a damaged object is %+v; it was %+v", info, was)
	}
	get(t, store, "a/two", "the other one")

	if _, err := store.Put(t.Context(), "a/one", []byte("again"), objstore.Condition{IfMatch: info.ETag}); err != nil {
		t.Errorf("replacing it: %v", err)
	}
	get(t, store, "a/one", "again")
}
