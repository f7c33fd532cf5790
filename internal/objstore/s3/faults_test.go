package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/objstoretest"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// faulty returns a store whose requests meet the faults of rule.
func faulty(t *testing.T, server *s3test.Server, rule func(s3test.Request) s3test.Fault) (*s3.Store, *s3test.Proxy) {
	t.Helper()
	proxy := server.Proxy(t, rule)
	return open(t, proxy.Endpoint, server.Bucket(t), "lake"), proxy
}

// firstTwo breaks the first two requests of each operation on each key.
func firstTwo(fault s3test.Fault) func(s3test.Request) s3test.Fault {
	return func(r s3test.Request) s3test.Fault {
		if r.Nth <= 2 {
			return fault
		}
		return s3test.None
	}
}

func TestEveryOperationHeals(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	for name, fault := range map[string]s3test.Fault{"refused": s3test.Refuse, "answer lost": s3test.Lose, "body cut": s3test.Cut,
		"slow down": s3test.SlowDown, "internal error": s3test.Internal, "clock": s3test.Skewed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, proxy := faulty(t, server, firstTwo(fault))
			everyOperation(t, store)

			if proxy.Count("PUT") == 0 || proxy.Count("DELETE-MANY") == 0 || proxy.Count("PART") == 0 {
				t.Error("the proxy was not asked")
			}
		})
	}
}

// A server that closes connections exists, and gets as many tries as one that has answered.
func TestServerThatHangsUpAtFirst(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store, proxy := faulty(t, server, func(r s3test.Request) s3test.Fault {
		if r.Nth <= 8 {
			return s3test.Refuse
		}
		return s3test.None
	})
	if _, err := store.Put(t.Context(), "a/one", []byte("first"), objstore.Condition{}); err != nil || proxy.Count("PUT") != 9 {
		t.Errorf("after %d tries: %v", proxy.Count("PUT"), err)
	}
}

func everyOperation(t *testing.T, store *s3.Store) {
	t.Helper()
	ctx := t.Context()
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}

	info, err := store.Put(ctx, "a/one", []byte("first"), objstore.Condition{IfNoneMatch: true})
	check("creating", err)
	info, err = store.Put(ctx, "a/one", []byte("second"), objstore.Condition{IfMatch: info.ETag})
	check("replacing", err)
	_, err = store.Put(ctx, "a/two", []byte("2"), objstore.Condition{})
	check("writing", err)
	body, read, err := store.Get(ctx, "a/one")
	check("reading", err)

	if string(body) != "second" || read.ETag != info.ETag {
		t.Errorf("read %q, %+v; wrote %+v", body, read, info)
	}

	p := make([]byte, 3)
	check("reading a range", store.GetRange(ctx, "a/one", info.ETag, 1, p))
	if string(p) != "eco" {
		t.Errorf("range = %q", p)
	}

	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<16)
	_, err = store.Upload(ctx, "a/big", bytes.NewReader(big))
	check("uploading", err)
	body, _, err = store.Get(ctx, "a/big")
	check("reading what was uploaded", err)

	if !bytes.Equal(body, big) {
		t.Error("what was uploaded has changed")
	}

	infos, err := store.List(ctx, "a/")
	check("listing", err)
	if len(infos) != 3 {
		t.Errorf("listed %v", infos)
	}

	check("deleting", store.Delete(ctx, "a/two"))
	check("deleting all", store.DeleteAll(ctx, "a/"))
	if infos, err = store.List(ctx, ""); err != nil || len(infos) != 0 {
		t.Errorf("left: %v, %v", infos, err)
	}
}

func TestDamagedBodiesAreReadAgain(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store, _ := faulty(t, server, func(r s3test.Request) s3test.Fault {
		if r.Op == "GET" && r.Nth <= 2 {
			return s3test.Damage
		}
		return s3test.None
	})
	if _, err := store.Put(t.Context(), "x", []byte("as it was written"), objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if body, _, err := store.Get(t.Context(), "x"); err != nil || string(body) != "as it was written" {
		t.Errorf("read %q, %v", body, err)
	}
}

// What is damaged where it is stored is told after a few tries; what each answer has other damage of may heal for longer.
func TestDamagedObjects(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	proxy := server.Proxy(t, func(r s3test.Request) s3test.Fault {
		if r.Op == "GET" && strings.HasSuffix(r.Key, "/flipped") && r.Nth <= 7 {
			return []s3test.Fault{s3test.Damage, s3test.None, s3test.Cut}[r.Nth%3]
		}
		return s3test.None
	})
	spoil := func(key string, change func(body []byte) []byte) {
		t.Helper()
		path := filepath.Join(server.Root, bucket, "lake", key)
		body, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, change(body), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	turned := func(body []byte) []byte { body[3] ^= 1; return body }

	store := open(t, proxy.Endpoint, bucket, "lake")
	objstoretest.Damaged(t, store, func(key string) { spoil(key, turned) })
	objstoretest.Damaged(t, store, func(key string) { spoil(key, func(body []byte) []byte { return body[:5] }) })
	tries := 0
	for _, r := range proxy.Requests() {
		if r.Op == "GET" && strings.HasSuffix(r.Key, "/a/one") {
			tries++
		}
	}
	if tries != 2*(3+1) {
		t.Errorf("a damaged object and the one in its place were read with %d tries, want 3 and 1, twice", tries)
	}

	if _, err := store.Put(t.Context(), "flipped", []byte("as it was written"), objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	spoil("flipped", turned) // every third answer turns another bit as well, every third is cut off
	if _, _, err := store.Get(t.Context(), "flipped"); !errors.Is(err, objstore.ErrDamaged) {
		t.Errorf("an object that is damaged in two ways: %v", err)
	}
}

// TestLostAnswers: of many writers whose answers are often lost, exactly one wins, and it knows.
func TestLostAnswersOfConditionalWrites(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store, _ := faulty(t, server, func(r s3test.Request) s3test.Fault {
		if r.Op == "PUT" && r.Nth%3 != 0 {
			return s3test.Lose
		}
		return s3test.None
	})

	for round := range 10 {
		key := fmt.Sprintf("race/%d", round)
		won := racers(t, func(n int) error {
			_, err := store.Put(t.Context(), key, []byte("all the same"), objstore.Condition{IfNoneMatch: true})
			return err
		})
		if won != 1 {
			t.Fatalf("%d writers created the same object", won)
		}
	}
}

func racers(t *testing.T, write func(n int) error) int64 {
	t.Helper()
	var won atomic.Int64
	done := make(chan struct{})
	for n := range 6 {
		go func() {
			defer func() { done <- struct{}{} }()
			if err := write(n); err == nil {
				won.Add(1)
			} else if !errors.Is(err, objstore.ErrPrecondition) {
				t.Errorf("writer %d: %v", n, err)
			}
		}()
	}

	for range 6 {
		<-done
	}

	return won.Load()
}

// TestConflicts: a 409 decides nothing. The write is tried again; if the condition no longer holds, it has lost.
func TestConflicts(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store, proxy := faulty(t, server, func(r s3test.Request) s3test.Fault {
		if r.Op == "PUT" && (r.Nth <= 2 || r.Nth >= 5) {
			return s3test.Conflict
		}
		return s3test.None
	})
	info, err := store.Put(t.Context(), "x", []byte("1"), objstore.Condition{IfNoneMatch: true}) // the third is taken
	if err != nil || proxy.Count("PUT") != 3 {
		t.Fatalf("%v after %d tries", err, proxy.Count("PUT"))
	}

	now, err := store.Put(t.Context(), "x", []byte("2"), objstore.Condition{IfMatch: info.ETag}) // the fourth
	if err != nil {
		t.Fatal(err)
	}

	for _, cond := range []objstore.Condition{{IfNoneMatch: true}, {IfMatch: info.ETag}} {
		if _, err := store.Put(t.Context(), "x", []byte("3"), cond); !errors.Is(err, objstore.ErrPrecondition) {
			t.Errorf("%+v: %v, want ErrPrecondition", cond, err)
		}
	}

	if _, err := store.Put(t.Context(), "x", []byte("4"), objstore.Condition{IfMatch: now.ETag}); err == nil || errors.Is(err, objstore.ErrPrecondition) {
		t.Errorf("a write that the server never takes: %v", err)
	}
	if _, read, err := store.Get(t.Context(), "x"); err != nil || read.ETag != now.ETag {
		t.Errorf("%+v, %v: the loser wrote", read, err)
	}
}

func TestUploadLeavesNoParts(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	ctx, cancel := context.WithCancel(t.Context())
	store, proxy := faulty(t, server, func(r s3test.Request) s3test.Fault {
		if r.Op == "PART" && strings.HasSuffix(r.Key, "/stopped") {
			cancel()
		}
		return s3test.None
	})

	broken := io.MultiReader(bytes.NewReader(make([]byte, 20<<20)), &brokenReader{})
	if _, err := store.Upload(t.Context(), "broken", broken); err == nil || !strings.Contains(err.Error(), "the reader broke") {
		t.Errorf("Upload hides its reader's error: %v", err)
	}
	if _, err := store.Upload(ctx, "stopped", bytes.NewReader(make([]byte, 40<<20))); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled upload: %v", err)
	}
	if n := proxy.Count("ABORT"); n != 2 {
		t.Errorf("%d aborts, want 2", n)
	}

	bucket := strings.SplitN(strings.TrimPrefix(store.URL(), "s3://"), "/", 2)[0]
	left, err := server.Client().ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil || len(left.Uploads) != 0 {
		t.Errorf("parts are left of %d uploads, %v", len(left.Uploads), err)
	}
	if infos, err := store.List(t.Context(), ""); err != nil || len(infos) != 0 {
		t.Errorf("objects are left: %v, %v", infos, err)
	}
}

type brokenReader struct{}

func (*brokenReader) Read([]byte) (int, error) { return 0, errors.New("the reader broke") }

func TestUploadOfFiles(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	store := open(t, server.Endpoint, server.Bucket(t), "")
	for _, size := range []int{0, 1, 8 << 20, 8<<20 + 1, 33 << 20} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(i * 7 >> 3)
		}

		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, body, 0o644); err != nil {
			t.Fatal(err)
		}

		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}

		for name, reader := range map[string]io.Reader{"file": file, "stream": struct{ io.Reader }{bytes.NewReader(body)}} {
			info, err := store.Upload(t.Context(), name, reader)
			if err != nil || info.Bytes != int64(size) {
				t.Fatalf("uploading %d bytes of a %s: %+v, %v", size, name, info, err)
			}
			if read, got, err := store.Get(t.Context(), name); err != nil || !bytes.Equal(read, body) || got != info {
				t.Errorf("a %s of %d bytes came back as %d bytes, %+v, %v; Upload said %+v", name, size, len(read), got, err, info)
			}
		}

		_ = file.Close()
	}
}
