package scratch_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/scratch"
)

const child = "HINDCAST_TEST_SCRATCH"

// The test binary is also a process that holds a folder until its input ends.
func TestMain(m *testing.M) {
	if base := os.Getenv(child); base != "" {
		f, err := scratch.Open(base)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(f.Path())
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func open(t *testing.T, base string) *scratch.Folder {
	t.Helper()
	f, err := scratch.Open(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Join("x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

func there(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestFoldersGoWithTheirProcesses(t *testing.T) {
	base := filepath.Join(t.TempDir(), "a", "b")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+base)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(line, err)
	}
	theirs := line[:len(line)-1]
	first := open(t, base)
	if !there(theirs) || !there(first.Path()) {
		t.Fatal("a living process's folder is gone")
	}
	if err := errors.Join(cmd.Process.Kill(), in.Close()); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	second := open(t, base)
	if there(theirs) {
		t.Error("a dead process's folder stays")
	}
	if !there(first.Join("x")) {
		t.Error("our own folder is gone")
	}
	for _, f := range []*scratch.Folder{first, second} {
		if err := errors.Join(f.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(base); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	base := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				f, err := scratch.Open(base)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(f.Join("x"), nil, 0o600); err != nil {
					t.Error(err)
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if left, err := os.ReadDir(base); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestNoFolderWithoutItsLock: whenever a process dies, what it leaves is swept.
func TestNoFolderWithoutItsLock(t *testing.T) {
	base := t.TempDir()
	var group sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		group.Go(func() {
			for range 200 {
				f, err := scratch.Open(base)
				if err != nil {
					t.Error(err)
					return
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		group.Wait()
		close(done)
	}()
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		entries, err := os.ReadDir(base)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			path := filepath.Join(base, entry.Name())
			if entry.IsDir() && !there(path+".lock") && there(path) {
				t.Errorf("%s has no lock", path)
			}
		}
	}
}

func TestNoPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := scratch.Open(filepath.Join(file, "below"))
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ELake || e.Next == "" {
		t.Errorf("%v", err)
	}
}
