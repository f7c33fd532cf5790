package lake

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// damagedLake is a lake in a bucket, with an index from a few units on, whose records can be damaged behind its back.
type damagedLake struct {
	*Lake
	bucket string       // its folder
	reads  atomic.Int64 // of catalog entries
}

func newDamagedLake(t *testing.T) *damagedLake {
	t.Helper()
	server := s3test.Start(t)
	server.Setenv(t)
	d := new(damagedLake)
	proxy := server.Proxy(t, func(r s3test.Request) s3test.Fault {
		if r.Op == "GET" && strings.Contains(r.Key, "/catalog/facts/") {
			d.reads.Add(1)
		}
		return s3test.None
	})

	bucket := server.Bucket(t)
	store, err := s3.Open(t.Context(), s3test.URL(proxy.Endpoint, bucket, "lake"))
	if err != nil {
		t.Fatal(err)
	}
	d.Lake, d.bucket = withIndex(3, store, "p"), filepath.Join(server.Root, bucket, "lake")
	return d
}

func (d *damagedLake) spoil(t *testing.T, key string, change func(body []byte) []byte) {
	t.Helper()
	path := filepath.Join(d.bucket, key)
	body, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(body), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (d *damagedLake) manifests(t *testing.T, m *hindcast.Manifest) (entry, beside string) {
	t.Helper()
	entry, beside = d.entryKey(m), d.Prefix(m)+manifestName
	body, err := seal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{entry, beside} {
		if _, err := d.store.Put(t.Context(), key, body, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	return entry, beside
}

func cut(body []byte) []byte    { return body[:len(body)/2] }
func turned(body []byte) []byte { body[len(body)/2] ^= 1; return body }

// The entries tell where an index or its changes are damaged, and the next run writes them again.
func TestDamagedIndexInS3(t *testing.T) {
	l := newDamagedLake(t)
	const units = 20
	for n := range units {
		entryOf(t, l.Lake, hourOf(l.Lake, "events", n, 1))
	}
	saveIndex(t, l.Lake)

	for n, change := range []func([]byte) []byte{cut, turned} {
		check := func(when string, want int64) {
			t.Helper()
			if got := agree(t, l.Lake, &l.reads); got != want {
				t.Errorf("%s %d entries were read, want %d", when, got, want)
			}
		}
		entryOf(t, l.Lake, hourOf(l.Lake, "events", 7, n+2))
		saveIndex(t, l.Lake)
		check("with changes", 0)
		l.spoil(t, l.changesKey("events"), change)
		check("with damaged changes", 1)
		saveIndex(t, l.Lake)
		check("with changes that were written again", 0)
		l.spoil(t, l.indexKey("events"), change)
		check("with a damaged index", units)
		saveIndex(t, l.Lake)
		check("with an index that was written again", 0)
	}
}

// The copy beside the files, or that of the journal, is used for a damaged entry until it is written again.
func TestDamagedEntryInS3(t *testing.T) {
	l := newDamagedLake(t)
	want := hourOf(l.Lake, "events", 1, 1)
	entry, beside := l.manifests(t, want)
	l.UseJournals(func(context.Context, string, func(*hindcast.Manifest) bool) (*hindcast.Manifest, error) {
		return want, nil
	})

	for name, spoiled := range map[string][]string{"the copy beside the files": {entry}, "the copy in the journal of r1": {entry, beside}} {
		for _, key := range spoiled {
			l.spoil(t, key, turned)
		}
		got, err := l.CurrentUnit(t.Context(), "events", want.Key)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("without all but %s: %+v, %v", name, got, err)
		}
		if list := l.Mended(); len(list) != 1 || list[0].From != name || !strings.Contains(list[0].Fault.Error(), "not those that were written") {
			t.Errorf("mended: %+v, want one from %s", list, name)
		}

		if err := l.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := l.CurrentUnit(t.Context(), "events", want.Key); err != nil || len(l.Mended()) != 0 {
			t.Errorf("after it was written again: %v, %+v", err, l.Mended())
		}
		if err := l.Beside(t.Context(), want); err != nil {
			t.Error(err)
		}
	}

	l.spoil(t, beside, cut)
	e := wantCode(t, l.Beside(t.Context(), want), hindcast.EManifest)
	if e.Place.File != l.Absolute(beside) {
		t.Errorf("the place is %+v", e.Place)
	}
}

// Records without a copy are corrupt, as they are in a folder: none hides the others.
func TestDamagedPlanAndRecordInS3(t *testing.T) {
	l := newDamagedLake(t)
	for _, id := range []string{"r1", "r2"} {
		if err := l.SavePlan(t.Context(), id, map[string]string{"sql": "SELECT 1"}); err != nil {
			t.Fatal(err)
		}
	}
	m := hourOf(l.Lake, "files", 1, 1)
	if err := l.Record(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	previous := l.RunPrefix("r1") + "previous/2024/f1-a1/" + manifestName
	if _, err := l.store.Put(t.Context(), previous, []byte("{}"), objstore.Condition{}); err != nil {
		t.Fatal(err)
	}

	for _, key := range []string{l.PlanKey("r1"), l.recordKey(m.Name, m.Key), previous} {
		l.spoil(t, key, turned)
	}

	var plan map[string]string
	wantCode(t, l.LoadPlan(t.Context(), "r1", &plan), hindcast.EManifest)
	if ids, err := l.ListRuns(t.Context()); err != nil || !reflect.DeepEqual(ids, []string{"r2", "r1"}) {
		t.Errorf("the runs are %v, %v", ids, err)
	}
	_, err := l.Records(t.Context())
	wantCode(t, err, hindcast.EManifest)
	kept, err := l.Replaced(t.Context())
	if err != nil || len(kept) != 1 || kept[0].Fault == nil {
		t.Fatalf("replaced: %+v, %v", kept, err)
	}
	wantCode(t, kept[0].Fault, hindcast.EManifest)
}
