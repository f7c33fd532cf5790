//go:build unix

package redshift

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/parallel"
	"github.com/hindcast/hindcast/internal/s3test"
)

// unloadedFiles makes what an UNLOAD of one row a file would leave in the folder "u/", and returns an owner of the bucket.
func unloadedFiles(tb testing.TB, endpoint func(*s3test.Server) string, count int) *Owner {
	tb.Helper()
	server := s3test.Start(tb)
	server.Keys.Setenv(tb)
	bucket := server.Bucket(tb)
	body := oneRow(tb)
	var m manifest
	for i := range count {
		e := entry{URL: fmt.Sprintf("s3://%s/lake/u/%s%06d_part_00.parquet", bucket, unloadPrefix, i)}
		e.Meta.Bytes, e.Meta.Rows = int64(len(body)), 1
		m.Entries = append(m.Entries, e)
	}
	text, err := json.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	put := func(key string, body []byte) error {
		return server.Put(context.Background(), bucket, "lake/u/"+key, body)
	}
	err = parallel.Do(count, 16, func(n int) error { return put(fmt.Sprintf("%s%06d_part_00.parquet", unloadPrefix, n), body) })
	if err == nil {
		err = put(unloadPrefix+manifestName, text)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return &Owner{store: openBucket(tb, s3test.URL(endpoint(server), bucket, "lake"))}
}

func openBucket(tb testing.TB, at *url.URL) objstore.Store {
	tb.Helper()
	store, err := s3.Open(context.Background(), at)
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

var oneColumn = []hindcast.Column{{Name: "n", Type: "BIGINT", Source: "bigint"}}

// oneRow is a Parquet file.
func oneRow(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "one.parquet")
	writeRow(tb, path)
	body, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// What a manifest lists is looked up in one list, whatever the number of files.
func TestAManifestOfManyFiles(t *testing.T) {
	var proxy *s3test.Proxy
	const count = 30
	w := unloadedFiles(t, func(s *s3test.Server) string {
		proxy = s.Proxy(t, func(s3test.Request) s3test.Fault { return s3test.None })
		return proxy.Endpoint
	}, count)
	files, err := w.take(t.Context(), w.url("u/"), t.TempDir(), oneColumn, &hindcast.Sums{Rows: count, Totals: map[string]string{"n": fmt.Sprint(count)}}, nil, true)
	if err != nil || len(files) != count || files[7].ETag == "" {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if heads, lists := proxy.Count("HEAD"), proxy.Count("LIST"); heads != 0 || lists != 1 {
		t.Errorf("%d HEADs and %d lists", heads, lists)
	}
}

// BenchmarkManifest takes the manifest of an UNLOAD of ten thousand files over the tests' S3 server: it is read, and everything that it
// lists is found and has its size and ETag. read-s is for bringing the files here and adding up what they hold.
func BenchmarkManifest(b *testing.B) {
	const count = 10_000
	w := unloadedFiles(b, func(s *s3test.Server) string { return s.Endpoint }, count)
	text, _, err := w.store.Get(b.Context(), "u/"+unloadPrefix+manifestName)
	if err != nil {
		b.Fatal(err)
	}
	again := func() {
		if _, err := w.store.Put(b.Context(), "u/"+unloadPrefix+manifestName, text, objstore.Condition{}); err != nil {
			b.Fatal(err)
		}
	}

	for b.Loop() {
		m, err := w.unloaded(b.Context(), w.url("u/"))
		if err != nil {
			b.Fatal(err)
		}
		if found, err := w.objects(b.Context(), w.url("u/"), m); err != nil || len(found) != count {
			b.Fatal(len(found), err)
		}
		b.StopTimer()
		again()
		b.StartTimer()
	}
	b.StopTimer()
	began := time.Now()
	if _, err := w.take(b.Context(), w.url("u/"), b.TempDir(), oneColumn, &hindcast.Sums{Rows: count}, nil, true); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "read-s")
}

// writeRow writes a file of one row.
func writeRow(tb testing.TB, path string) {
	tb.Helper()
	one := int64(1)
	if err := parquet.WriteFile(path, []struct {
		N *int64 `parquet:"n,optional"`
	}{{&one}}); err != nil {
		tb.Fatal(err)
	}
}
