package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// rangedBucket is a bucket that counts what is read of it.
type rangedBucket struct {
	bucket
	reads atomic.Int64
	// during, if set, is called in each read.
	during func()
}

func (b *rangedBucket) Stat(ctx context.Context, key string) (objstore.Info, error) {
	_, info, err := b.Get(ctx, key)
	return info, err
}

func (b *rangedBucket) GetRange(ctx context.Context, key, etag string, offset int64, p []byte) error {
	b.reads.Add(1)
	if b.during != nil {
		b.during()
	}
	body, info, err := b.Get(ctx, key)
	if err != nil {
		return err
	}
	if etag != "" && etag != info.ETag {
		return objstore.ErrPrecondition
	}
	if copy(p, body[min(offset, int64(len(body))):]) < len(p) {
		return errors.New("the object has fewer bytes")
	}
	return nil
}

// faraway makes a bucket with files of 100 bytes.
func faraway(t *testing.T, names ...string) (*rangedBucket, map[string]hindcast.File) {
	t.Helper()
	b := &rangedBucket{bucket: bucket{newLake(t, "p").store}}
	files := map[string]hindcast.File{}
	for _, name := range names {
		info, err := b.Put(t.Context(), name, bytes.Repeat([]byte(name[:1]), 100), objstore.Condition{})
		if err != nil {
			t.Fatal(err)
		}
		files[name] = hindcast.File{Path: name, Bytes: 100, SHA256: info.ETag, ETag: info.ETag} // a folder's ETags are that
	}
	return b, files
}

func localize(t *testing.T, c *Copies, files ...hindcast.File) func() {
	t.Helper()
	paths, release, err := c.Localize(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		if body, err := os.ReadFile(path); err != nil || len(body) != 100 || body[0] != files[i].Path[0] {
			t.Errorf("the copy of %s is %q, %v", files[i].Path, body, err)
		}
	}
	return release
}

func TestCopiesStayAsLongAsThereIsRoom(t *testing.T) {
	b, files := faraway(t, "a/1", "b/1", "c/1")
	c := NewCopies(b, t.TempDir(), 250)
	for _, step := range []struct {
		read  string
		reads int64
	}{{"a/1", 1}, {"a/1", 1}, {"b/1", 2}, {"a/1", 2}, {"c/1", 3}, {"a/1", 3}, {"b/1", 4}} { // b was not read for longest
		localize(t, c, files[step.read])()
		if got := b.reads.Load(); got != step.reads {
			t.Fatalf("%d reads after %s, want %d", got, step.read, step.reads)
		}
	}
	release := localize(t, c, files["a/1"], files["b/1"], files["c/1"]) // more than the limit, for as long as it takes
	release()
	if c.bytes > 250 {
		t.Errorf("%d bytes stay", c.bytes)
	}
}

func TestCopiesAreBroughtOnce(t *testing.T) {
	b, files := faraway(t, "a/1")
	c := NewCopies(b, t.TempDir(), 0)
	var readers sync.WaitGroup
	all := make(chan func(), 20)
	for range 20 {
		readers.Go(func() { all <- localize(t, c, files["a/1"]) })
	}
	readers.Wait()
	close(all)
	if n := b.reads.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
	for release := range all {
		release()
	}
	if _, err := os.Stat(filepath.Join(c.folder, "a/1")); !errors.Is(err, os.ErrNotExist) || c.bytes != 0 {
		t.Errorf("the copy stays without room for it: %v, %d bytes", err, c.bytes)
	}
}

func TestCopiesAdopt(t *testing.T) {
	b, files := faraway(t, "a/1", "b/1")
	c := NewCopies(b, t.TempDir(), 250)
	for name := range files {
		path := filepath.Join(t.TempDir(), "written")
		if err := os.WriteFile(path, bytes.Repeat([]byte(name[:1]), 100), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Adopt(files[name], path)
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("what was adopted is still where it was written: %v", err)
		}
		localize(t, c, files[name])()
	}
	if n := b.reads.Load(); n != 0 {
		t.Errorf("%d reads of what was here", n)
	}
}

func TestCopiesProveWhatTheyBring(t *testing.T) {
	b, files := faraway(t, "a/1", "b/1", "c/1", "d/1")
	c := NewCopies(b, t.TempDir(), 1000)
	if err := b.Delete(t.Context(), "a/1"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "b/1", bytes.Repeat([]byte("x"), 100), objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	wrong := files["d/1"]
	wrong.SHA256 = fmt.Sprintf("%064d", 1)
	replaced := files["b/1"]
	short := files["d/1"]
	short.Bytes, short.SHA256 = 101, ""
	for what, f := range map[string]hindcast.File{"deleted": files["a/1"], "replaced": replaced, "damaged": wrong} {
		_, _, err := c.Localize(t.Context(), []hindcast.File{files["c/1"], f}, nil)
		if e := wantCode(t, err, hindcast.EParquet); e.Class != hindcast.ClassPermanent {
			t.Errorf("%s: class %s", what, e.Class)
		}
	}
	if _, _, err := c.Localize(t.Context(), []hindcast.File{short}, nil); err == nil {
		t.Error("a file that is too short is taken")
	}
	localize(t, c, files["c/1"])() // and what failed is not remembered
	if left, _ := filepath.Glob(filepath.Join(c.folder, "*", ".tmp-*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestCopiesOutliveTheirReader: one reader's end does not take the file from another who waits for it.
func TestCopiesOutliveTheirReader(t *testing.T) {
	b, files := faraway(t, "a/1")
	c := NewCopies(b, t.TempDir(), 1000)
	impatient, cancel := context.WithCancel(t.Context())
	reading := make(chan struct{})
	var once sync.Once
	b.during = func() {
		once.Do(func() { close(reading) })
		if b.reads.Load() == 1 {
			cancel()
		}
	}
	first := make(chan error, 1)
	go func() {
		_, release, err := c.Localize(impatient, []hindcast.File{files["a/1"]}, nil)
		if err == nil {
			release()
		}
		first <- err
	}()
	<-reading
	localize(t, c, files["a/1"])()
	if err := <-first; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestLocalizeLeavesTheUsersFiles(t *testing.T) {
	b, files := faraway(t, "a/1")
	l := New(b, "p")
	theirs := hindcast.File{Path: "/data/x.parquet"}
	if paths, release, err := l.Localize(t.Context(), []hindcast.File{theirs}, nil); err != nil || paths[0] != theirs.Path {
		t.Errorf("%q, %v", paths, err)
	} else {
		release()
	}
	if _, _, err := l.Localize(t.Context(), []hindcast.File{files["a/1"]}, nil); err == nil {
		t.Error("files far away are read without a scratch folder")
	}
	l.UseScratch(t.TempDir(), NewCopies(b, t.TempDir(), 1000))
	paths, release, err := l.Localize(t.Context(), []hindcast.File{theirs, files["a/1"]}, nil)
	if err != nil || paths[0] != theirs.Path || filepath.Base(paths[1]) != "1" {
		t.Fatalf("%q, %v", paths, err)
	}
	release()
}

// TestSteps: what a step writes is uploaded, cleared here, and read again without being brought.
func TestSteps(t *testing.T) {
	b, _ := faraway(t)
	l := New(b, "p")
	scratch := t.TempDir()
	l.UseScratch(filepath.Join(scratch, "work"), NewCopies(b, filepath.Join(scratch, "copies"), 1000))
	m := publish(t, l, fenced(t, l, 1, 3))
	if f := m.Files[0]; f.Path != l.Prefix(m)+"data_0.parquet" || f.ETag == "" || f.SHA256 == "" {
		t.Errorf("published %+v", f)
	}
	_, release, err := l.Localize(t.Context(), m.Files, nil)
	if err != nil || b.reads.Load() != 0 {
		t.Fatalf("%v after %d reads", err, b.reads.Load())
	}
	release()
	prefix := l.PreviousPrefix("r1", "2020", 3, 1)
	dir, err := l.Folder(prefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"part-0.parquet", "part-1.parquet"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.StageFolder(t.Context(), prefix); err != nil {
		t.Fatal(err)
	}
	if infos, err := b.List(t.Context(), prefix); err != nil || len(infos) != 2 {
		t.Errorf("kept %v, %v", infos, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was uploaded stays here: %v", err)
	}
	if err := l.Verify(t.Context(), m); err != nil {
		t.Error(err)
	}
	gone := hindcast.AsError(error(&hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent, Next: "stop"}))
	l.Guard(func(context.Context) error { return gone })
	staged := &hindcast.Manifest{Name: "result", Files: []hindcast.File{{Path: filepath.Join(dir, "no matter"), Bytes: 1}}}
	wantCode(t, l.Stage(t.Context(), l.StagingPrefix("r1", "2020", 3, 1), staged), hindcast.EFenced)
}
