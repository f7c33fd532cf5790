package s3_test

import (
	"os"
	"testing"

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/objstoretest"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

var _ objstore.Cloner = (*s3.Store)(nil) // which the conformance tests do not ask of every store

func TestMain(m *testing.M) {
	s3.Hasten()
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	objstoretest.Run(t, func(t *testing.T) objstore.Store {
		return open(t, server.Endpoint, server.Bucket(t), "a lake/of ours")
	})
}

func open(t *testing.T, endpoint, bucket, prefix string) *s3.Store {
	t.Helper()
	store, err := s3.Open(t.Context(), s3test.URL(endpoint, bucket, prefix))
	if err != nil {
		t.Fatal(err)
	}
	return store
}
