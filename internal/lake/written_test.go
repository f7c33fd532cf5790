package lake

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// A file that a warehouse wrote into the bucket by itself is not uploaded again; one that was
// replaced after it was read does not count as one of the unit's files.
func TestFilesThatAreInTheBucketAlready(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store, err := s3.Open(t.Context(), s3test.URL(server.Endpoint, server.Bucket(t), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	l := New(store, "shop")
	l.UseScratch(t.TempDir(), nil)

	m := &hindcast.Manifest{Name: "billing", Key: "2020", Generation: 1, Run: "r1", Attempt: 1, Sums: hindcast.Sums{Rows: 1}}
	prefix := l.Prefix(m)
	if at := l.Remotely(prefix); at+"/" != store.URL()+"/"+prefix {
		t.Errorf("%s is %s there", prefix, at)
	}
	if at := newLake(t, "shop").Remotely(prefix); at != "" {
		t.Errorf("a lake in a folder is at %s", at)
	}

	folder, err := l.Empty(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	body := parquet(t)
	local := filepath.Join(folder, "unload_0000_part_00.parquet")
	if err := os.WriteFile(local, body, 0o600); err != nil {
		t.Fatal(err)
	}
	there := bytes.Repeat([]byte{1}, len(body)) // other bytes, so that an upload would show
	info, err := store.Put(t.Context(), prefix+"unload_0000_part_00.parquet", there, objstore.Condition{})
	if err != nil {
		t.Fatal(err)
	}

	m.Files = []hindcast.File{{Path: local, Bytes: int64(len(body)), Rows: 1, ETag: `"another"`}}
	wantCode(t, l.PublishUnit(t.Context(), m), hindcast.EParquet)
	m.Files = []hindcast.File{{Path: local, Bytes: int64(len(body)), Rows: 1, ETag: info.ETag}}
	if err := l.PublishUnit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if f := m.Files[0]; f.Path != info.Key || f.ETag != info.ETag || f.CRC32C == "" && f.SHA256 == "" {
		t.Errorf("published as %+v", f)
	}
	if got, _, err := store.Get(t.Context(), info.Key); err != nil || !bytes.Equal(got, there) {
		t.Errorf("the object was written again, %v", err)
	}
}
