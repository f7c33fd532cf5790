package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// faraway makes a bucket with files of 100 bytes.
func faraway(t *testing.T, names ...string) (bucket, map[string]hindcast.File) {
	t.Helper()
	b := bucket{newLake(t, "p").store}
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

// nearby is a Localizer that keeps what is adopted, and brings nothing.
type nearby struct{ folder string }

func (n nearby) Localize(_ context.Context, files []hindcast.File, _ []string) ([]string, func(), error) {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = filepath.Join(n.folder, filepath.Base(f.Path))
	}
	return paths, func() {}, nil
}

func (n nearby) Adopt(_ context.Context, f hindcast.File, path string) {
	_ = os.Rename(path, filepath.Join(n.folder, filepath.Base(f.Path)))
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
	l.UseScratch(t.TempDir(), nearby{t.TempDir()})
	paths, release, err := l.Localize(t.Context(), []hindcast.File{theirs, files["a/1"]}, nil)
	if err != nil || paths[0] != theirs.Path || filepath.Base(paths[1]) != "1" {
		t.Fatalf("%q, %v", paths, err)
	}
	release()
}

// TestDiscardHere: an attempt that is writing here, and has uploaded nothing yet, keeps its folder when the one before it
// is discarded.
func TestDiscardHere(t *testing.T) {
	b, _ := faraway(t)
	l := New(b, "p")
	l.UseScratch(t.TempDir(), nearby{t.TempDir()})
	var dirs []string
	for attempt := range 3 {
		dir, err := l.Folder(l.StagingPrefix("r1", "2020", 3, attempt+1))
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	if err := l.Discard(t.Context(), Staging{Run: "r1", Slice: "2020", Fence: 3, Attempt: 2}); err != nil {
		t.Fatal(err)
	}
	for i, dir := range dirs {
		if _, err := os.Stat(dir); (err == nil) != (i == 2) {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
	if err := l.Discard(t.Context(), Staging{Run: "r1", Slice: "2021", Fence: 3, Attempt: 2}); err != nil {
		t.Errorf("nothing to discard: %v", err)
	}
}

// TestSteps: what a step writes is uploaded, cleared here, and read again without being brought.
func TestSteps(t *testing.T) {
	b, _ := faraway(t)
	l := New(b, "p")
	scratch := t.TempDir()
	l.UseScratch(filepath.Join(scratch, "work"), nearby{scratch})
	m := publish(t, l, fenced(t, l, 1, 3))
	if f := m.Files[0]; f.Path != l.Prefix(m)+"data_0.parquet" || f.ETag == "" || f.SHA256 == "" {
		t.Errorf("published %+v", f)
	}
	paths, release, err := l.Localize(t.Context(), m.Files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(paths[0]); err != nil {
		t.Errorf("what was uploaded was not handed over: %v", err)
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
	previous := &hindcast.Manifest{Name: "previous", Key: "2020", Generation: 1}
	stood := hindcast.Committed{Pipeline: "p", Target: "result", Run: "r0", Publication: "r0", Sums: hindcast.Sums{Rows: 2}}
	if err := l.Keep(t.Context(), prefix, previous, []hindcast.Committed{stood}); err != nil {
		t.Fatal(err)
	}
	body, _, err := b.Get(t.Context(), prefix+"_manifest.json")
	var record kept
	if err == nil {
		err = errors.Join(unseal(body), json.Unmarshal(body, &record))
	}
	if err != nil || len(record.Files) != 2 || !reflect.DeepEqual(record.Replaced, []hindcast.Committed{stood}) {
		t.Errorf("the record is %s, %v", body, err)
	}
	if infos, err := b.List(t.Context(), prefix); err != nil || len(infos) != 3 {
		t.Errorf("kept %v, %v", infos, err)
	}
	if err := l.Verify(t.Context(), previous); err != nil || len(previous.Files) != 2 || previous.Files[0].SHA256 == "" {
		t.Errorf("kept %+v, %v", previous.Files, err)
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
	wantCode(t, l.Views(t.Context(), "", gathered(nil, nil)), hindcast.EFenced)
}
