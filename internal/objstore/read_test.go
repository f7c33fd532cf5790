package objstore_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

// ranged is a folder that can also be read in ranges.
type ranged struct{ *file.Store }

func (r ranged) Stat(ctx context.Context, key string) (objstore.Info, error) {
	_, info, err := r.Get(ctx, key)
	return info, err
}

func (r ranged) GetRange(ctx context.Context, key, etag string, offset int64, p []byte) error {
	body, info, err := r.Get(ctx, key)
	if err == nil && etag != info.ETag {
		err = objstore.ErrPrecondition
	}
	if err == nil {
		copy(p, body[offset:])
	}
	return err
}

func TestCopy(t *testing.T) {
	folder, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}

	for _, size := range []int{0, 1, 8 << 20, 8<<20 + 1, 41 << 20} {
		body := bytes.Repeat([]byte("31 bytes, which divide no part."), size/31+1)[:size]
		if _, err := folder.Put(t.Context(), "x", body, objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		for _, store := range []objstore.Store{folder, ranged{folder}} {
			info, err := objstore.Stat(t.Context(), store, "x")
			if err != nil || info.Bytes != int64(size) {
				t.Fatalf("Stat = %+v, %v", info, err)
			}
			var out bytes.Buffer
			if err := objstore.Copy(t.Context(), store, info, &out); err != nil || !bytes.Equal(out.Bytes(), body) {
				t.Errorf("a copy of %d bytes has %d, %v", size, out.Len(), err)
			}
		}
	}

	info := objstore.Info{Key: "x", Bytes: 41 << 20, ETag: "another"}
	if err := objstore.Copy(t.Context(), ranged{folder}, info, &bytes.Buffer{}); !errors.Is(err, objstore.ErrPrecondition) {
		t.Errorf("a copy of what was replaced: %v", err)
	}

	for _, store := range []objstore.Store{folder, ranged{folder}} {
		if _, err := objstore.Stat(t.Context(), store, "y"); !errors.Is(err, objstore.ErrNotExist) {
			t.Errorf("Stat of nothing: %v", err)
		}
	}
}
