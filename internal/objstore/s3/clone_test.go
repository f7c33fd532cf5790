package s3_test

import (
	"bytes"
	"errors"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// TestCloneInParts: an object that is too large for one call arrives whole, and what fails leaves no parts.
func TestCloneInParts(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	store := open(t, server.Endpoint, bucket, "a lake/of ours")
	s3.CloneInParts(t, 6<<20, 5<<20)
	body := bytes.Repeat([]byte("0123456789abcdef"), 13<<16)
	body[6<<20] = 'x'
	if _, err := store.Upload(t.Context(), "a+b/big", bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	info, err := store.Clone(t.Context(), "a+b/big", "c d/big")
	if err != nil || info.Bytes != int64(len(body)) {
		t.Fatalf("cloned: %+v, %v", info, err)
	}
	got, read, err := store.Get(t.Context(), "c d/big")
	if err != nil || !bytes.Equal(got, body) || read.ETag != info.ETag {
		t.Errorf("the clone has %d bytes of %d, ETag %s and Clone said %s, %v", len(got), len(body), read.ETag, info.ETag, err)
	}
	if _, err := store.Clone(t.Context(), "nothing", "c d/nothing"); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("Clone of nothing: %v", err)
	}
	left, err := server.Client().ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil || len(left.Uploads) != 0 {
		t.Errorf("parts are left of %d uploads, %v", len(left.Uploads), err)
	}
}
