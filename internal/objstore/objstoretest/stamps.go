package objstoretest

import (
	"testing"

	"github.com/hindcast/hindcast/internal/objstore"
)

// stamps checks that neither a rewritten object nor a changed folder keeps its stamp.
func stamps(t *testing.T, store objstore.Store) {
	put(t, store, "a/one", "1")
	put(t, store, "a/two", "2")
	before := stampsOf(t, store)
	if again := stampsOf(t, store); before["a/one"] == "" || again["a/one"] != before["a/one"] || again["a/two"] != before["a/two"] {
		t.Fatalf("the stamps are %q and, with nothing written, %q", before, again)
	}

	put(t, store, "a/one", "3") // of the same size, in the same moment
	if after := stampsOf(t, store); after["a/one"] == before["a/one"] || after["a/two"] != before["a/two"] {
		t.Errorf("after one was written the stamps are %q, before %q", after, before)
	}

	if watched, ok := store.(objstore.Watched); ok {
		folderStamps(t, store, watched)
	}
}

func stampsOf(t *testing.T, store objstore.Store) map[string]string {
	t.Helper()
	infos, err := store.List(t.Context(), "a/")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, info := range infos {
		found[info.Key] = info.Stamp
	}
	return found
}

// folderStamps takes the settled stamp of a folder, and then writes and deletes in it.
func folderStamps(t *testing.T, store objstore.Store, watched objstore.Watched) {
	if stamp, err := watched.Settled(t.Context(), "nowhere/"); err != nil || stamp != "" {
		t.Errorf("a folder that does not exist is stamped %q, %v", stamp, err)
	}

	changes := []func(){
		func() { put(t, store, "a/one", "4") },
		func() { put(t, store, "a/three", "5") },
		func() {
			if err := store.Delete(t.Context(), "a/three"); err != nil {
				t.Fatal(err)
			}
		},
	}
	for i, change := range changes {
		settled := settledStamp(t, watched)
		change()
		if now, err := watched.Stamp(t.Context(), "a/"); err != nil || now == settled {
			t.Errorf("after change %d the folder's stamp is the same, %v", i, err)
		}
	}
}

// settledStamp asks until the last change is old enough.
func settledStamp(t *testing.T, watched objstore.Watched) string {
	t.Helper()
	for {
		stamp, err := watched.Settled(t.Context(), "a/")
		if err != nil {
			t.Fatal(err)
		}
		if stamp != "" {
			return stamp
		}
	}
}
