package lake

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// keeper remembers the files that it is given to keep.
type keeper struct{ adopted map[string]string }

func (k keeper) Localize(context.Context, []hindcast.File, []string) ([]string, func(), error) {
	panic("nothing is brought here for an engine that reads the bucket itself")
}

func (k keeper) Adopt(_ context.Context, f hindcast.File, path string) { k.adopted[f.Path] = path }

// An engine that runs elsewhere reads and writes objects itself. What it reads is compared with what was written as far as that
// is known without reading it; what it wrote is read once.
func TestExchangeByURL(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	store, err := s3.Open(t.Context(), s3test.URL(server.Endpoint, bucket, "a lake"))
	if err != nil {
		t.Fatal(err)
	}
	l, keeps := New(store, "shop"), keeper{map[string]string{}}
	l.UseScratch(t.TempDir(), keeps)
	here, there := l.Exchange(false), l.Exchange(true)
	if here.Lasting() || !there.Lasting() || !here.Choosy(1<<40) || there.Choosy(1<<40) || !newLake(t, "shop").Exchange(true).Lasting() {
		t.Error("what is written to a scratch folder goes with its process, and what is written to a bucket or a lake's folder does not")
	}

	prefix := l.StagingPrefix("r1", "2020-01-01", 2, 1)
	put := func(key string, body []byte) objstore.Info {
		t.Helper()
		in := &awss3.PutObjectInput{Bucket: &bucket, Key: aws.String("a lake/" + key), Body: bytes.NewReader(body)}
		if _, err := server.Client().PutObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		info, err := objstore.Stat(t.Context(), store, key)
		if err != nil && !strings.HasSuffix(key, "/") {
			t.Fatal(err)
		}
		return info
	}
	keys := func(below string) (found []string) {
		t.Helper()
		infos, err := store.List(t.Context(), below)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range infos {
			found = append(found, info.Key)
		}
		return found
	}

	t.Run("empty", func(t *testing.T) {
		for _, name := range []string{"", "_temporary/0/", "_temporary/0/task_1/part-0.parquet", "__magic_job/x", "_SUCCESS", "part-1.parquet"} {
			put(prefix+name, nil)
		}
		dir, err := there.Empty(t.Context(), prefix)
		if want := "s3://" + bucket + "/a lake/" + strings.TrimSuffix(prefix, "/"); err != nil || dir != want {
			t.Errorf("got %s, %v, want %s", dir, err, want)
		}
		if left := keys(prefix); len(left) != 0 {
			t.Errorf("left %q", left)
		}
	})

	body := parquet(t)
	t.Run("stage", func(t *testing.T) {
		info := put(prefix+"part-0 é.parquet", body)
		m := &hindcast.Manifest{Files: []hindcast.File{{Path: l.Absolute(info.Key), Rows: 3, Bytes: int64(len(body))}}}
		if err := there.Stage(t.Context(), prefix, m); err != nil {
			t.Fatal(err)
		}
		want, err := chunks.Sum(bytes.NewReader(body), int64(len(body)), nil)
		if f := m.Files[0]; err != nil || f.Path != info.Key || f.CRC32C != want || f.ETag != info.ETag || m.Bytes != int64(len(body)) {
			t.Errorf("got %+v, %v, want %s of %s", f, err, want, info.ETag)
		}
		if kept, err := os.ReadFile(keeps.adopted[info.Key]); err != nil || !bytes.Equal(kept, body) {
			t.Errorf("what was read is not kept: %v", err)
		}

		turned, err := os.ReadFile(filepath.Join("..", "chunks", "testdata", "spark-3.5.9.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		turned[100] ^= 1
		info = put(prefix+"part-1.parquet", turned)
		for want, f := range map[string]hindcast.File{
			`the checksum of a page of its column "id" differs`: {Path: l.Absolute(info.Key), Bytes: info.Bytes},
			"and the engine wrote 1":                            {Path: l.Absolute(info.Key), Bytes: 1},
			"it is not there":                                   {Path: l.Absolute(prefix + "none.parquet")},
		} {
			err := there.Stage(t.Context(), prefix, &hindcast.Manifest{Files: []hindcast.File{f}})
			if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EParquet || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, want) {
				t.Errorf("%s: %v", want, err)
			}
		}

		m = &hindcast.Manifest{Files: []hindcast.File{{Path: l.Absolute("elsewhere/part-0.parquet")}}}
		if err := there.Stage(t.Context(), prefix, m); err == nil {
			t.Error("a file of another prefix was taken")
		}
	})

	t.Run("read", func(t *testing.T) {
		info := put("shop/facts/x/part-0.parquet", body)
		written := hindcast.File{Path: info.Key, Bytes: info.Bytes, ETag: info.ETag}
		paths, release, err := there.Localize(t.Context(), []hindcast.File{written, {Path: "/data/own.parquet"}}, nil)
		if err != nil || !slices.Equal(paths, []string{"s3://" + bucket + "/a lake/" + info.Key, "/data/own.parquet"}) {
			t.Fatalf("got %q, %v", paths, err)
		}
		release()

		for what, change := range map[string]func(*hindcast.File){
			"bytes":                func(f *hindcast.File) { f.Bytes++ },
			"it was replaced":      func(f *hindcast.File) { f.ETag = `"another"` },
			"it is not there":      func(f *hindcast.File) { f.Path = "shop/facts/x/part-1.parquet" },
			"its manifest says 99": func(f *hindcast.File) { f.Bytes, f.ETag = 99, "" },
		} {
			f := written
			change(&f)
			_, _, err := there.Localize(t.Context(), []hindcast.File{f}, nil)
			if e := wantCode(t, err, hindcast.EParquet); !strings.Contains(e.Message, what) {
				t.Errorf("%s: %s", what, e.Message)
			}
		}
	})

	t.Run("discard", func(t *testing.T) {
		begin := func(attempt int) string {
			key := "a lake/" + l.StagingPrefix("r1", "2020-01-01", 2, attempt) + "part-7.parquet"
			if _, err := server.Client().CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key}); err != nil {
				t.Fatal(err)
			}
			return key
		}
		begin(1)
		later := begin(3)
		put(l.StagingPrefix("r1", "2020-01-01", 2, 2), nil) // a folder's own object
		put(l.StagingPrefix("r1", "2020-01-01", 2, 3)+"part-0.parquet", body)
		if err := there.Discard(t.Context(), Staging{Run: "r1", Slice: "2020-01-01", Fence: 2, Attempt: 2}); err != nil {
			t.Fatal(err)
		}
		if left := server.Uploads(t, bucket); !slices.Equal(left, []string{later}) {
			t.Errorf("uploads %q", left)
		}
		if left := keys(l.stagingOf("r1", "2020-01-01")); len(left) != 1 || !strings.HasSuffix(left[0], "/f2-a3/part-0.parquet") {
			t.Errorf("objects %q", left)
		}
	})
}

// parquet is a small file of DuckDB's.
func parquet(t *testing.T) []byte {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	path := filepath.Join(t.TempDir(), "a.parquet")
	if _, err := db.ExecContext(t.Context(), "COPY (SELECT i, 'x' || i AS name FROM range(3) r(i)) TO "+duck.String(path)+" (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
