package chaos_test

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

var flipsFlag = flag.Int("chaos.flips", 0, "TestFlips: number of trials on each lake (default 5)")

// TestFlips flips one bit of a fact, a dimension or a staged result in each trial, at rest or on its way from the bucket: then
// the run is as right as any other (promise 8). The long form:
//
//	go test ./tests/chaos -run TestFlips -chaos.flips 1000 -timeout 180m -v
func TestFlips(t *testing.T) {
	for name, source := range map[string]func(*testing.T) site{
		"folder": func(t *testing.T) site { return newEmbedded(t, t.TempDir()) },
		"bucket": func(t *testing.T) site { return newRemote(t, t.TempDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			s := source(t)
			worlds := flippable(t, s)
			if s, is := s.(*remote); is {
				s.share(t)
			}

			tally := newTally()
			tally.seeds = cmp.Or(*flipsFlag, 5)
			trials(t, worlds, tally, *seedFlag != 0 && *flipsFlag == 0, (*trial).flip)
			t.Log(tally)
			tally.flippedAll(t)
		})
	}
}

// flippable are worlds whose lake is full, and whose run reads all of it and replaces every row.
func flippable(t *testing.T, source site) map[string]*world {
	t.Helper()
	change(t, source, "parallel: auto, memory: auto,", "parallel: 2, memory: 2GB, retry_wait: 20ms,")
	calmly(t, source, "run", "--id", "r1")
	change(t, source, "rate: 1.0", "rate: 2.0")
	w := &world{site: source, rate: "2.0", before: published(t, source)}
	worlds := map[string]*world{}
	for _, start := range starts {
		worlds[start] = w
	}

	return worlds
}

// flip flips a bit, and checks how the run deals with it.
func (c *trial) flip() {
	var flipped func() string // returns the key of the damaged file; "" if none was
	s, far := c.site.(*remote)
	atRest := true
	switch n := c.random.IntN(6); {
	case n == 0:
		flipped = c.flipStaged()
	case far && n < 4:
		atRest = false
		s.harm.flip(1 + c.random.IntN(c.site.slices()))
		flipped = s.harm.flippedIn
	default:
		key := c.flipIn(filepath.Join(c.site.objects(), pipeline))
		if key == "" {
			c.Fatal("the lake has no file to flip a bit of")
		}
		flipped = func() string { return key }
	}

	c.rounds++
	args, m := []string{"run", "--id", run}, c.site.machines()[0]
	if c.planned() {
		args, m = []string{"resume", run}, c.anywhere()
		c.silence(m)
	}

	p := c.launch(m, args...)
	code := p.await()
	for code == hindcast.ExitFailed && c.rounds < 5 && strings.Contains(p.output(), "the lease could not be renewed") {
		c.rounds++ // a lease of a second runs out on a machine that has too much to do
		c.silence(m)
		args = []string{"resume", run}
		p = c.launch(m, args...)
		code = p.await()
	}
	if code != 0 {
		c.Fatalf("hindcast %s with a bit flipped in %s: exit %d\n%s", args, flipped(), code, p.output())
	}

	key := flipped()
	if far {
		s.harm.flip(0) // none reaches verify
	}

	c.tally.other(strings.Join([]string{"flips", area(key), healed(p.output())}, " "))

	c.checkJournal()
	c.checkWarehouse()
	p = c.launch(m, "verify", "--files")
	code = p.await()
	named := atRest && key != "" && strings.Contains(p.output(), filepath.Join(filepath.Base(filepath.Dir(key)), filepath.Base(key)))
	if code != 0 && !named {
		c.Errorf("hindcast verify with a bit flipped in %s: exit %d\n%s", key, code, p.output()) // the first four bytes are read by verify alone
	}
}

// manyFlips is how many trials reach every area of the lake: there are few files of dimensions.
const manyFlips = 400

// flippedAll fails if an area of the lake had no bit flipped, in however many trials.
func (c *tally) flippedAll(t *testing.T) {
	t.Helper()
	c.mutex.Lock()
	defer c.mutex.Unlock()

	for _, name := range []string{"facts", "dimensions", "staging"} {
		n := 0
		for what, times := range c.others {
			if strings.HasPrefix(what, "flips in "+name+" ") {
				n += times
			}
		}

		if n < c.trials/manyFlips {
			t.Errorf("%d of %d trials flipped a bit in %s", n, c.trials, name)
		}
	}
}

// area is the area of the lake that a key belongs to.
func area(key string) string {
	for _, name := range []string{"facts", "dimensions", "staging"} {
		if strings.Contains(key, "/"+name+"/") {
			return "in " + name
		}
	}
	return "of nothing"
}

// healed says whether the run's output reports damage.
func healed(said string) string {
	if strings.Contains(said, "is not what was written") {
		return "that were reported"
	}
	return "that healed unnoticed"
}

// flipStaged kills the run as soon as a result is staged, and flips a bit in it.
func (c *trial) flipStaged() func() string {
	p, staging := c.launch(c.site.machines()[0], "run", "--id", run), filepath.Join(c.site.objects(), "_hindcast", pipeline, "runs", run, "staging")
	for end := time.Now().Add(patience); !p.ended() && time.Now().Before(end) && len(parquet(staging)) == 0; {
		time.Sleep(time.Millisecond)
	}

	kill(processes(c.mark)...)
	<-p.done
	if err := buried(c.mark, burial, ""); err != nil {
		c.Fatalf("after the run's death: %v", err)
	}

	key := c.flipIn(staging)
	return func() string { return key }
}

// parquet are the files below a folder.
func parquet(folder string) (found []string) {
	_ = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// flipIn flips one bit of one Parquet file below the folder, and returns its key; "" if there is none.
func (c *trial) flipIn(folder string) string {
	files := parquet(folder)
	if len(files) == 0 {
		return ""
	}

	path := files[c.random.IntN(len(files))]
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = f.Close() }()

	info, err := f.Stat()
	if err != nil {
		c.Fatal(err)
	}
	if info.Size() == 0 { // whoever was writing it is dead
		return ""
	}

	at, b := c.random.Int64N(info.Size()), make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		c.Fatal(err)
	}

	b[0] ^= 1 << c.random.IntN(8)
	if _, err := f.WriteAt(b, at); err != nil {
		c.Fatal(err)
	}

	return strings.TrimPrefix(path, c.site.objects())
}
