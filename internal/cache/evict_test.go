package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hindcast/hindcast"
)

// filled puts files of 100,000 bytes into a store. They need not be Parquet: they are fetched whole.
func filled(from *store, n int) []hindcast.File {
	files := make([]hindcast.File, n)
	for i := range files {
		files[i] = from.put(fmt.Sprintf("part-%d.parquet", i), strings.Repeat(fmt.Sprintf("%09d\n", i), 10000))
	}
	return files
}

// ticking gives the cache a clock that advances with each reading.
func ticking(c *Cache) {
	var mutex sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.now = func() time.Time {
		mutex.Lock()
		defer mutex.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func content(t *testing.T, path string, f hindcast.File) {
	t.Helper()
	text, err := os.ReadFile(path)
	if want := strings.TrimSuffix(strings.TrimPrefix(f.Path, "part-"), ".parquet"); err != nil || int64(len(text)) != f.Bytes ||
		!strings.HasSuffix(string(text), fmt.Sprintf("%09s\n", want)) {
		t.Errorf("%s holds %d bytes of another file (%v)", f.Path, len(text), err)
	}
}

func TestTheLongestUnusedGoesFirst(t *testing.T) {
	from := newStore()
	files := filled(from, 8)
	c := open(t, t.TempDir(), 450_000)
	ticking(c)

	use := func(n int) int {
		paths, release := local(t, c, from, nil, files[n])
		content(t, paths[0], files[n])
		release()
		_, gets := from.tally()
		if bytes, _ := onDisk(c); bytes > c.limit {
			t.Errorf("%d bytes on disk, the limit is %d", bytes, c.limit)
		}

		return gets
	}

	for n := range 4 {
		if use(n) == 0 {
			t.Errorf("%d was there", n)
		}
	}

	if use(0) != 0 {
		t.Error("0 was fetched again")
	}

	use(4) // no room for five: 1 goes, the least recently used
	for _, n := range []int{0, 2, 3, 4} {
		if use(n) != 0 {
			t.Errorf("%d was evicted", n)
		}
	}

	if use(1) == 0 {
		t.Error("1 was not evicted")
	}
}

// A slice larger than the cache still runs: files in use stay, whichever process uses them, and go when they are
// released.
func TestWhatIsInUseIsNotEvicted(t *testing.T) {
	from, dir := newStore(), t.TempDir()
	files := filled(from, 10)
	c, other := open(t, dir, 250_000), open(t, dir, 250_000) // like two processes: locks belong to the open file
	paths, release := local(t, c, from, nil, files[:5]...)
	others, release2 := local(t, other, from, nil, files[3:9]...)

	for i, p := range paths {
		content(t, p, files[i])
	}

	for i, p := range others {
		content(t, p, files[3+i])
	}

	if bytes, entries := onDisk(c); entries != 9 || bytes < 900_000 {
		t.Errorf("%d entries of %d bytes: something in use was evicted", entries, bytes)
	}

	release()
	if _, entries := onDisk(c); entries != 6 {
		t.Errorf("%d entries, want the six that the other uses", entries)
	}

	for i, p := range others {
		content(t, p, files[3+i])
	}

	release2()
	release2() // safe to repeat
	if bytes, _ := onDisk(c); bytes > c.limit {
		t.Errorf("%d bytes are left, the limit is %d", bytes, c.limit)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "trash")); len(left) > 0 {
		t.Errorf("the trash holds %d entries", len(left))
	}
}

func TestALimitOfNothingKeepsNothing(t *testing.T) {
	from := newStore()
	files := filled(from, 3)
	c := open(t, t.TempDir(), 0)
	paths, release := local(t, c, from, nil, files...)
	for i, p := range paths {
		content(t, p, files[i])
	}

	release()
	if bytes, entries := onDisk(c); entries != 0 {
		t.Errorf("%d entries of %d bytes are left", entries, bytes)
	}
}

// Others fetch too: a process looks at the disk from time to time instead of counting only its own fetches.
func TestTheLimitIsOfAllProcessesTogether(t *testing.T) {
	from, dir := newStore(), t.TempDir()
	files := filled(from, 64)
	caches := []*Cache{open(t, dir, 1_600_000), open(t, dir, 1_600_000)}
	for n, f := range files {
		_, release := local(t, caches[n%2], from, nil, f)
		release()
		if bytes, _ := onDisk(caches[0]); bytes > 1_600_000+2*110_000 {
			t.Fatalf("%d bytes on disk", bytes)
		}
	}
}

// What a process left that died between making an entry and recording it is evicted first.
func TestWhatNobodyCanUseGoesFirst(t *testing.T) {
	from := newStore()
	files := filled(from, 5)
	c := open(t, t.TempDir(), 450_000)
	ticking(c)

	for _, f := range files[:4] {
		_, release := local(t, c, from, nil, f)
		release()
	}

	newest := c.look()[3].dir
	if err := os.Remove(filepath.Join(newest, "record")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(c.dir, "trash", "left-behind", "x"), 0o755); err != nil {
		t.Fatal(err)
	}

	_, release := local(t, c, from, nil, files[4])
	release()
	if _, err := os.Stat(newest); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if _, entries := onDisk(c); entries != 4 {
		t.Errorf("%d entries, want the three others and the new one", entries)
	}
	if left, _ := os.ReadDir(filepath.Join(c.dir, "trash")); len(left) > 0 {
		t.Errorf("the trash holds %d entries", len(left))
	}
}

// A full disk is first emptied of what nobody uses; then the error says what to do, and once there is space everything
// works again. The test needs root, for a small disk.
func TestADiskThatIsFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=600k"); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})

	from := newStore()
	files := filled(from, 9)
	c := open(t, filepath.Join(dir, "cache"), 1<<30)
	for n := range files { // more than there is space for, one after another
		paths, release := local(t, c, from, nil, files[n])
		content(t, paths[0], files[n])
		release()
	}

	held, release := local(t, c, from, nil, files[:3]...)
	_, _, err := c.Local(t.Context(), from, files[3:9], nil)
	wantError(t, err, hindcast.EDiskFull, hindcast.ClassResource, "no space is left in the cache "+dir)

	for i, p := range held {
		content(t, p, files[i])
	}

	release()
	paths, release := local(t, c, from, nil, files[4:8]...)
	defer release()

	for i, p := range paths {
		content(t, p, files[4+i])
	}
}
