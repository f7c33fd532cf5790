package chaos_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// site is a pipeline with its warehouse, its lake and the machines that work on it. A trial knows only by this
// interface what kinds those are.
type site interface {
	// fork copies all of it, below base, for the trials of one slot. The copy shares nothing with the original that
	// either can change or disturb.
	fork(t *testing.T, base string, slot int) site
	// slices is how many slices there are, of two months each.
	slices() int
	// vary chooses what differs from one trial to the next, by the trial's seed.
	vary(c *trial)
	// machines each have a copy of the pipeline's folder, and share no other files unless there is only one machine.
	machines() []machine
	// objects is the folder that holds the lake's objects, each a file below its key.
	objects() string
	// open begins a session on the warehouse, which nobody else uses at that time.
	open(t *testing.T, write bool) session
	// density is the chance that one disturbance is followed by another in the same round.
	density() float64
	// strikes are what may happen to a run.
	strikes() []strike
	// pardons reports whether a process may end like this because of what was done in its round; why is for the tally.
	pardons(c *trial, code int, said string) (why string, ok bool)
	// places are where files may be after a run, below each folder.
	places() map[string]*regexp.Regexp
	// rest comes before each round, and may let time pass for what nobody uses.
	rest(c *trial)
	// ttl is how long a lease lasts that is not renewed.
	ttl() time.Duration
	// silenced returns what ends the sessions that the warehouse has now, as it does when it has long heard nothing from a machine.
	silenced() (lapse func())
	// settle comes when the run is done: nothing goes wrong any more, and what is under way elsewhere ends.
	settle(c *trial)
	// late reports whether an object may still arrive from a dead or suspended process: its request was on its way.
	late() bool
	// strays are what else arrived so late, outside of the lake, and is to disappear with the next run.
	strays(c *trial) []string
	// check looks for what is left outside the lake and the target.
	check(c *trial)
	// keep saves what a failed trial's folder does not contain.
	keep(c *trial)
}

// session runs SQL on the warehouse; temporary views last as long as it does.
type session interface {
	ask(t *testing.T, query string) [][]string // the rows, as text; NULL is "NULL"
	close()
}

// strike is one thing that may happen to the run of process p. It returns a second process of the run if there then is
// one.
type strike struct {
	weight int
	do     func(c *trial, p *running) *running
}

// machine is where processes run.
type machine struct {
	name string // of the host; "" is the one that the tests run on
	dir  string // the pipeline's
	env  []string
}

// hostname is in the environment of processes that should believe they are on another machine.
const hostname = "HINDCAST_CHAOS_HOST"

// command is hindcast on the machine. The host name in a lease says whose processes can be inspected: one of another
// machine may be alive or not.
func (m machine) command(t *testing.T, mark string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = m.dir, append(append(os.Environ(), mark), m.env...)
	if m.name != "" {
		cmd.Env = append(cmd.Env, hostname+"="+m.name)
		if err := elsewhere(cmd); err != nil {
			t.Fatal(err)
		}
	}

	return cmd
}

// calmly runs one command on an undisturbed site.
func calmly(t *testing.T, s site, args ...string) {
	t.Helper()
	if out, err := s.machines()[0].command(t, mark+"=calm", args...).CombinedOutput(); err != nil {
		t.Fatalf("hindcast %q: %v\n%s", args, err, out)
	}
}

// journalSize is how much a run has journaled.
func journalSize(s site, id string) (size int64) {
	records := filepath.Join(s.objects(), "_hindcast", pipeline, "runs", id)
	for _, form := range []string{"journal-*.jsonl", "journal-*/*.jsonl"} {
		files, _ := filepath.Glob(filepath.Join(records, form))
		for _, file := range files {
			if info, err := os.Stat(file); err == nil {
				size += info.Size()
			}
		}
	}

	return size
}
