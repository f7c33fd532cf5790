package cache

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// The test binary also acts as other processes on the same cache.
func TestMain(m *testing.M) {
	switch os.Getenv("CACHE_TEST") {
	case "":
		os.Exit(m.Run())
	case "victim":
		victim(os.Getenv("CACHE_DIR"), os.Getenv("CACHE_STORE"))
	case "busy":
		busy(os.Getenv("CACHE_DIR"), os.Getenv("CACHE_STORE"))
	}
}

// folder is an object store whose objects are files. Each GetRange reports itself and waits for permission to go on.
type folder struct {
	dir  string
	step func() // called before each half of a range; nil does nothing
}

func (f folder) URL() string { return "s3://bucket/folder" }

func (f folder) Stat(_ context.Context, key string) (objstore.Info, error) {
	info, err := os.Stat(filepath.Join(f.dir, key))
	if err != nil {
		return objstore.Info{}, err
	}
	return objstore.Info{Key: key, Bytes: info.Size(), ETag: `"1"`}, nil
}

func (f folder) GetRange(_ context.Context, key, _ string, offset int64, p []byte) error {
	object, err := os.Open(filepath.Join(f.dir, key))
	if err != nil {
		return err
	}
	defer func() { _ = object.Close() }()

	for _, half := range []span{{0, int64(len(p) / 2)}, {int64(len(p) / 2), int64(len(p))}} {
		if f.step != nil {
			f.step()
		}
		if _, err := object.ReadAt(p[half.from:half.to], offset+half.from); err != nil {
			return err
		}
	}

	return nil
}

func (f folder) files(names ...string) []hindcast.File {
	files := make([]hindcast.File, len(names))
	for i, name := range names {
		files[i] = hindcast.File{Path: name}
	}
	return files
}

func start(t *testing.T, what, dir, objects string) (in io.WriteCloser, out *bufio.Scanner, process *exec.Cmd) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "CACHE_TEST="+what, "CACHE_DIR="+dir, "CACHE_STORE="+objects)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}

	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = command.Process.Kill() })
	return in, bufio.NewScanner(pipe), command
}

func die(what string, err error) {
	fmt.Fprintln(os.Stderr, what, err)
	os.Exit(1)
}

// victim fetches the columns it is asked for, until it is killed.
func victim(dir, objects string) {
	in := bufio.NewScanner(os.Stdin)
	c, err := Open(dir, 1<<30)
	if err != nil {
		die("opening:", err)
	}

	c.small, c.slots = 0, make(chan struct{}, 1)
	from := folder{objects, func() {
		fmt.Println("step")
		in.Scan()
	}}

	for {
		fmt.Println("columns?")
		if !in.Scan() {
			return
		}

		columns := strings.Split(in.Text(), ",")
		if in.Text() == "all" {
			columns = nil
		}

		_, release, err := c.Local(context.Background(), from, from.files("a.parquet", "b.parquet"), columns)
		if err != nil {
			die("fetching:", err)
		}

		release()
	}
}

// A process may be killed at any instant: before, during and after each range, while it makes bytes durable and while
// it records them. What is read afterwards is correct, and usually not everything is fetched again.
func TestKilledAtAnyInstant(t *testing.T) {
	db := newDatabase(t)
	objects, dir := t.TempDir(), t.TempDir()
	bodies := map[string]string{}
	for _, name := range []string{"a.parquet", "b.parquet"} {
		bodies[name] = db.parquet(fmt.Sprintf("SELECT * FROM (%s) WHERE id %% 2 = %d", strings.Replace(real, "100000", "20000", 1), len(bodies)), ", ROW_GROUP_SIZE 2048")
		if err := os.WriteFile(filepath.Join(objects, name), []byte(bodies[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	wholes := []string{db.save(bodies["a.parquet"]), db.save(bodies["b.parquet"])}
	all := []string{"id", "day", "region", "receipt", "cost", "account", "quantity", "at", "tags", "taxed"}
	holds(t, 25, func(random *rand.Rand) error {
		if random.IntN(4) == 0 {
			dir = t.TempDir()
		}

		in, out, process := start(t, "victim", dir, objects)
		for left := random.IntN(60); left > 0 && out.Scan(); left-- {
			answer := ""
			if out.Text() == "columns?" {
				random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				if answer = strings.Join(all[:1+random.IntN(4)], ","); random.IntN(8) == 0 {
					answer = "all"
				}
			}

			if _, err := fmt.Fprintln(in, answer); err != nil {
				return err
			}
		}

		if err := process.Process.Signal(syscall.SIGKILL); err != nil {
			return err
		}

		_ = process.Wait() // killed
		c := open(t, dir, 1<<30)
		from := folder{dir: objects}
		columns := all[:1+random.IntN(4)]
		paths, release, err := c.Local(t.Context(), from, from.files("a.parquet", "b.parquet"), columns)
		if err != nil {
			return err
		}
		defer release()

		query := "SELECT " + quoted(columns) + " FROM FILES WHERE " + conditions(random, columns[0])
		if got, want := db.ask(query, paths...), db.ask(query, wholes...); got != want {
			return fmt.Errorf("%s: got\n%.300s\nwant\n%.300s", query, got, want)
		}

		return nil
	})
}

// busy reads random columns of random files through a cache that is far too small, and compares.
func busy(dir, objects string) {
	c, err := Open(dir, 300_000)
	if err != nil {
		die("opening:", err)
	}

	c.small = 0
	from := folder{dir: objects}
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 0))
	names, err := filepath.Glob(filepath.Join(objects, "*"))
	if err != nil {
		die("listing:", err)
	}

	columns := []string{"id", "day", "region", "receipt", "cost", "account", "quantity", "at", "tags", "taxed"}
	for range 120 {
		fmt.Println("next")
		name := filepath.Base(names[random.IntN(len(names))])
		body, err := os.ReadFile(filepath.Join(objects, name))
		if err != nil {
			die("reading:", err)
		}

		some := []string{columns[random.IntN(len(columns))], columns[random.IntN(len(columns))]}
		paths, release, err := c.Local(context.Background(), from, from.files(name), some)
		if err != nil {
			die("fetching:", err)
		}

		want, err := wanted(int64(len(body)), some, func(s span) ([]byte, error) { return body[s.from:s.to], nil })
		if err != nil {
			die("looking:", err)
		}

		got, err := os.ReadFile(paths[0])
		if err != nil || len(got) != len(body) {
			die("reading the copy:", fmt.Errorf("%d of %d bytes, %w", len(got), len(body), err))
		}

		for _, s := range want {
			if string(got[s.from:s.to]) != string(body[s.from:s.to]) {
				die("comparing:", fmt.Errorf("%s %q %v differs", name, some, s))
			}
		}

		release()
	}

	fmt.Println("right")
}

func TestProcessesFetchAndEvictAtOnce(t *testing.T) {
	db := newDatabase(t)
	objects, dir := t.TempDir(), t.TempDir()
	for n := range 6 {
		body := db.parquet(fmt.Sprintf("SELECT * FROM (%s) WHERE id %% 6 = %d", strings.Replace(real, "100000", "20000", 1), n), ", ROW_GROUP_SIZE 2048")
		if err := os.WriteFile(filepath.Join(objects, fmt.Sprintf("%d.parquet", n)), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	var group sync.WaitGroup
	for range 2 {
		_, out, _ := start(t, "busy", dir, objects)
		group.Go(func() {
			last := ""
			for out.Scan() {
				last = out.Text()
			}

			if last != "right" {
				t.Errorf("a process ended after %q", last)
			}
		})
	}

	for n := range 12 { // and others that are killed early
		_, out, process := start(t, "busy", dir, objects)
		for range n * 3 {
			out.Scan()
		}
		if err := process.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = process.Wait() // killed
	}

	group.Wait()
	c := open(t, dir, 300_000)
	c.shrink(t.Context())

	if bytes, _ := onDisk(c); bytes > 300_000 {
		t.Errorf("%d bytes are left", bytes)
	}
}
