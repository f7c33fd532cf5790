package chaos_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts what happened over all trials.
type tally struct {
	mutex   sync.Mutex
	began   time.Time
	kills   int    // wanted, or
	seeds   int    // trials
	first   uint64 // the first of the seeds where nobody says another; 0 takes any
	trials  int
	failed  int
	killed  int
	logged  time.Time
	kinds   map[string]int // what was killed
	phases  map[string]int // what the run was doing
	starts  map[string]int // what the trial began with
	others  map[string]int // stops, freezes, second runs
	resumes int
}

func newTally() *tally {
	return &tally{began: time.Now(), kinds: map[string]int{}, phases: map[string]int{}, starts: map[string]int{},
		others: map[string]int{}}
}

// next is the number of the next trial, if there is to be one.
func (c *tally) next() (int, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.kills > 0 && c.killed >= c.kills || c.seeds > 0 && c.trials >= c.seeds || c.failed >= enough {
		return 0, false
	}

	c.trials++
	return c.trials - 1, true
}

func (c *tally) kill(kind, phase string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.killed++
	c.kinds[kind]++
	c.phases[phase]++
}

func (c *tally) other(what string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.others[what]++
}

func (c *tally) ended(start string, resumes int, failed bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.starts[start]++
	c.resumes += resumes

	if failed {
		c.failed++
	}

	if max(c.kills, c.seeds) > 100 && time.Since(c.logged) > time.Minute {
		c.logged = time.Now()
		fmt.Fprintf(os.Stderr, "%s\n", c.line())
	}
}

// String is the summary.
func (c *tally) String() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.line()
}

func (c *tally) line() string {
	return fmt.Sprintf("chaos: %d kills in %d trials, %d failed; of %s; while %s; from %s; and %s; %d resumes; %.0f s", c.killed, c.trials,
		c.failed, list(c.kinds), list(c.phases), list(c.starts), list(c.others), c.resumes, time.Since(c.began).Seconds())
}

func list(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}
