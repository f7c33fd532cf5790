package chaos_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/demo"
)

const (
	tables   = 12
	rows     = 1000 // in each table
	pipeline = "cloud_costs"
)

// The states of the world that a trial's run may begin in.
const (
	fresh    = "nothing"     // no earlier run
	replace  = "other SQL"   // an earlier run with another parameter: nothing to unload, every row to replace
	refresh  = "other facts" // the source has changed as well and all of it is unloaded again
	lostLake = "no lake"     // an earlier run whose lake is gone: the fence in the warehouse is higher than the lake's
)

var starts = []string{fresh, replace, refresh, refresh, lostLake}

// world is a prepared site and what is known about it.
type world struct {
	site    site
	rate    string
	span    time.Duration    // of an undisturbed run
	written int64            // bytes in its journal
	before  map[string]int64 // the target's rows by slice, before the run
}

// prepare makes a site for each start from one with the demo's tables; trials work on copies. With arguments for the earlier run, which
// then is a cheaper one, one run is measured for all starts.
func prepare(t *testing.T, source site, cheaper ...string) map[string]*world {
	t.Helper()
	fork := func(s site) site { return s.fork(t, t.TempDir(), 0) }
	change(t, source, "parallel: auto, memory: auto,", "parallel: 2, memory: 2GB, retry_wait: 20ms,")
	earlier := fork(source)
	worlds := map[string]*world{fresh: {site: source, rate: "1.0"}}
	worlds[fresh].measure(t, earlier, "r1", cheaper...)
	change(t, earlier, "rate: 1.0", "rate: 2.0")

	for name, alter := range map[string]func(site){
		replace: func(site) {},
		refresh: func(s site) {
			change(t, s, "settle: 45 days", "settle: 100 years")
			change(t, s, "refresh: 24h", "refresh: 0s")
			changeSource(t, s)
		},
		lostLake: func(s site) {
			if err := os.RemoveAll(s.objects()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		w := &world{site: fork(earlier), rate: "2.0"}
		alter(w.site)
		w.before = published(t, w.site)
		worlds[name] = w
	}

	worlds[refresh].measure(t, fork(worlds[refresh].site), run)
	if len(cheaper) == 0 {
		worlds[replace].measure(t, fork(worlds[replace].site), run)
	} else {
		worlds[fresh].as(worlds[refresh])
		worlds[replace].as(worlds[refresh])
	}
	worlds[lostLake].as(worlds[refresh]) // which do the same
	return worlds
}

// replacing is trial after trial over rows that an earlier run published with another parameter: every row is replaced, and nothing unloaded.
func replacing(t *testing.T, source site, seeds int, do func(*trial)) {
	t.Helper()
	worlds := prepare(t, source)
	if s, is := source.(*remote); is {
		s.share(t)
	}
	for start := range worlds {
		worlds[start] = worlds[replace]
	}
	tally := newTally()
	tally.seeds = cmp.Or(*seedsFlag, seeds)
	trials(t, worlds, tally, *seedFlag != 0 && *seedsFlag == 0, do)
	t.Log(tally)
}

// measure measures an undisturbed run.
func (w *world) measure(t *testing.T, copied site, id string, args ...string) {
	t.Helper()
	began := time.Now()
	calmly(t, copied, append([]string{"run", "--id", id}, args...)...)
	w.span, w.written = time.Since(began), journalSize(copied, id)
}

// as takes over what was measured of another.
func (w *world) as(other *world) { w.span, w.written = other.span, other.written }

// change edits the pipeline file of each machine.
func change(t *testing.T, s site, was, is string) {
	t.Helper()
	for _, m := range s.machines() {
		edit(t, m.dir, was, is)
	}
}

func edit(t *testing.T, dir, was, is string) {
	t.Helper()
	path := filepath.Join(dir, demo.PipelineFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), was) {
		t.Fatalf("%s holds no %q", path, was)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), was, is, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// changeSource edits facts and a dimension, and bills a line late.
func changeSource(t *testing.T, s site) {
	t.Helper()
	db := s.open(t, true)
	defer db.close()

	for n := range s.slices() {
		table := demo.TableName(n)
		db.ask(t, "UPDATE "+table+" SET cost = cost + 1 WHERE line_id % 7 = 0")
		db.ask(t, "INSERT INTO "+table+" SELECT * FROM "+table+" WHERE line_id % 50 = 0")
	}

	db.ask(t, "UPDATE accounts SET segment = 'moved' WHERE account_id LIKE '%7'")
}
