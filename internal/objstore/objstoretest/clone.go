package objstoretest

import (
	"errors"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/objstore"
)

// clone: both keys have the bytes, neither needs the other, and a repetition changes nothing.
func clone(t *testing.T, store objstore.Store) {
	cloner, ok := store.(objstore.Cloner)
	if !ok {
		t.Skip("the store does not clone")
	}
	body := strings.Repeat("0123456789abcdef", 1<<12)
	put(t, store, "from/it's 100%/one+two", body)

	for range 2 {
		info, err := cloner.Clone(t.Context(), "from/it's 100%/one+two", "to/a/b/c/d/one")
		if err != nil {
			t.Fatal(err)
		}
		if info.Key != "to/a/b/c/d/one" || info.Bytes != int64(len(body)) {
			t.Errorf("info = %+v for %d bytes", info, len(body))
		}
		if read := get(t, store, "to/a/b/c/d/one", body); info.ETag != "" && info.ETag != read.ETag {
			t.Errorf("ETag = %q, and Clone said %q", read.ETag, info.ETag)
		}
	}

	put(t, store, "from/it's 100%/one+two", "another")
	get(t, store, "to/a/b/c/d/one", body)
	if err := store.Delete(t.Context(), "from/it's 100%/one+two"); err != nil {
		t.Fatal(err)
	}
	get(t, store, "to/a/b/c/d/one", body)
	wantKeys(t, store, "to/", "to/a/b/c/d/one")

	if _, err := cloner.Clone(t.Context(), "from/nothing", "to/nothing"); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("Clone of nothing: %v, want ErrNotExist", err)
	}
	if err := store.DeleteAll(t.Context(), "to/a/"); err != nil {
		t.Fatal(err)
	}
	put(t, store, "from/x", "x")
	if _, err := cloner.Clone(t.Context(), "from/x", "to/a/b/c/d/x"); err != nil {
		t.Errorf("Clone into a folder that was deleted: %v", err)
	}
	get(t, store, "to/a/b/c/d/x", "x")
}
