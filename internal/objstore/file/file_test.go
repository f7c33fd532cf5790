package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/objstoretest"
)

var _ objstore.Cloner = (*Store)(nil) // which the conformance tests do not ask of every store

func open(t *testing.T) *Store {
	t.Helper()
	store, err := Open(filepath.Join(t.TempDir(), "not", "there", "yet"))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestConformance(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store { return open(t) })
}

// TestConformanceWithoutOptional runs the fallbacks of stores that are neither Foldered nor Appender.
func TestConformanceWithoutOptional(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store { return struct{ objstore.Store }{open(t)} })
}

func TestMain(m *testing.M) {
	if root := os.Getenv("HINDCAST_TEST_COUNT_IN"); root != "" {
		if err := count(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const additions = 50

// count increments the object "count" many times, in competition with other processes.
func count(root string) error {
	store, err := Open(root)
	if err != nil {
		return err
	}

	ctx := context.Background()
	for done := 0; done < additions; {
		body, info, err := store.Get(ctx, "count")
		if err != nil {
			return err
		}

		n, err := strconv.Atoi(string(body))
		if err != nil {
			return err
		}

		_, err = store.Put(ctx, "count", []byte(strconv.Itoa(n+1)), objstore.Condition{IfMatch: info.ETag})
		if err != nil && !errors.Is(err, objstore.ErrPrecondition) {
			return err
		}
		if err == nil {
			done++
		}
	}

	return nil
}

func TestConditionsBetweenProcesses(t *testing.T) {
	store := open(t)
	if _, err := store.Put(t.Context(), "count", []byte("0"), objstore.Condition{}); err != nil {
		t.Fatal(err)
	}

	const processes = 4
	var group sync.WaitGroup
	for range processes {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), "HINDCAST_TEST_COUNT_IN="+store.URL())
		group.Go(func() {
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("a process failed: %v\n%s", err, out)
			}
		})
	}

	group.Wait()
	body, _, err := store.Get(t.Context(), "count")
	if want := strconv.Itoa(processes * additions); err != nil || string(body) != want {
		t.Errorf("count = %s, %v, want %s", body, err, want)
	}
}

func TestListSkipsWhatIsNoObject(t *testing.T) {
	store := open(t)
	if _, err := store.Put(t.Context(), "a/b", []byte("1"), objstore.Condition{IfNoneMatch: true}); err != nil {
		t.Fatal(err)
	}

	// A crash between writing and renaming leaves such a file.
	if err := os.WriteFile(store.File("a/"+temporary+"left"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(store.File(lockFolder)); err != nil {
		t.Fatalf("this test expects lock files: %v", err)
	}

	infos, err := store.List(t.Context(), "")
	if err != nil || len(infos) != 1 || infos[0].Key != "a/b" {
		t.Errorf("List = %v, %v, want a/b alone", infos, err)
	}

	for _, key := range []string{"a/" + temporary + "left", lockFolder + "/00"} {
		if _, _, err := store.Get(t.Context(), key); err == nil || errors.Is(err, objstore.ErrNotExist) {
			t.Errorf("Get(%q) = %v, want a refusal", key, err)
		}
	}
}

func TestNoTemporaryFilesAreLeft(t *testing.T) {
	store := open(t)
	for range 3 {
		_, _ = store.Put(t.Context(), "a", []byte("1"), objstore.Condition{IfNoneMatch: true})
		_, _ = store.Put(t.Context(), "a", []byte("1"), objstore.Condition{IfMatch: "other"})
		_, _ = store.Upload(t.Context(), "a", &broken{})
	}

	entries, err := os.ReadDir(store.URL())
	if err != nil {
		t.Fatal(err)
	}

	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), temporary) {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

type broken struct{}

func (*broken) Read(p []byte) (int, error) { return copy(p, "part"), errors.New("broken") }

func TestDeletedLockFolder(t *testing.T) {
	store := open(t)
	for range 3 {
		if _, err := store.Put(t.Context(), "a/b", []byte("1"), objstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(store.URL()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLinkedFolder(t *testing.T) {
	store := open(t)
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "theirs"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "ours/x", nil, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, store.File("ours/link")); err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteAll(t.Context(), "ours/"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "theirs")); err != nil {
		t.Errorf("a delete followed a link out of its prefix: %v", err)
	}
}

func TestOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); hindcast.AsError(err).Code != hindcast.ELake {
		t.Errorf("Open of a file: %v, want %s", err, hindcast.ELake)
	}
}

func TestErrors(t *testing.T) {
	store := open(t)
	tests := []struct {
		err   error
		code  hindcast.Code
		class hindcast.Class
	}{
		{syscall.ENOSPC, hindcast.EDiskFull, hindcast.ClassResource},
		{syscall.EDQUOT, hindcast.EDiskFull, hindcast.ClassResource},
		{syscall.EACCES, hindcast.EPermission, hindcast.ClassPermanent},
		{syscall.EPERM, hindcast.EPermission, hindcast.ClassPermanent},
		{syscall.EROFS, hindcast.EPermission, hindcast.ClassPermanent},
		{syscall.EIO, hindcast.ELake, hindcast.ClassTransient},
		{syscall.ESTALE, hindcast.ELake, hindcast.ClassTransient},
		{syscall.EMFILE, hindcast.ELake, hindcast.ClassTransient},
		{syscall.ENAMETOOLONG, hindcast.ELake, hindcast.ClassPermanent},
		{errors.New("odd"), hindcast.ELake, hindcast.ClassPermanent},
	}
	for _, test := range tests {
		path := store.File("a/b")
		err := store.fail("writing", path, &fs.PathError{Op: "write", Path: path, Err: test.err})
		e := hindcast.AsError(err)
		if e.Code != test.code || e.Class != test.class || e.Next == "" || !errors.Is(err, test.err) {
			t.Errorf("%v became %+v, want %s, %s", test.err, e, test.code, test.class)
		}
		if !strings.Contains(e.Message+e.Next, store.URL()) {
			t.Errorf("%q does not name the folder", e.Message)
		}
	}
}

func TestFileInTheWay(t *testing.T) {
	store := open(t)
	if _, err := store.Put(t.Context(), "a", nil, objstore.Condition{}); err != nil {
		t.Fatal(err)
	}

	_, err := store.Put(t.Context(), "a/b", nil, objstore.Condition{})
	if e := hindcast.AsError(err); e.Code != hindcast.ELake || e.Class != hindcast.ClassPermanent {
		t.Errorf("a key below an object: %v, want %s, permanent", err, hindcast.ELake)
	}
}

func BenchmarkPut(b *testing.B) {
	store, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}

	for n := range b.N {
		if _, err := store.Put(b.Context(), fmt.Sprintf("a/b/%d", n), []byte("x"), objstore.Condition{}); err != nil {
			b.Fatal(err)
		}
	}
}
