package chaos_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// site is a pipeline with its warehouse, its lake and the machines that work on it. Of which kind those are, a trial
// knows from here alone.
type site interface {
	// fork makes a copy of all of it, below base, for the trials of one slot. The copy and what it was made from share
	// nothing that either can change or disturb.
	fork(t *testing.T, base string, slot int) site
	// machines have one copy of the pipeline's folder each, and no other file in common unless one machine is all there is.
	machines() []machine
	// objects is the folder in which the lake's objects lie, each a file below its key.
	objects() string
	// open begins a session of the warehouse, which nobody else uses meanwhile.
	open(t *testing.T, write bool) session
	// density is the chance that something is followed by something else in the same round.
	density() float64
	// strikes are what may happen to a run.
	strikes() []strike
	// pardons reports whether a process may end like this because of what was done in its round; why is for the tally.
	pardons(c *trial, code int, said string) (why string, ok bool)
	// places are where files may lie after a run, below each folder.
	places() map[string]*regexp.Regexp
	// late reports whether an object may still come from a process that is dead or was suspended: its request was on its way.
	late() bool
	// check looks for what is left behind outside of the lake and the target.
	check(c *trial)
	// keep saves for a person what a failed trial's folder does not hold.
	keep(c *trial)
}

// session runs SQL of the warehouse; temporary views last as long as it does.
type session interface {
	ask(t *testing.T, query string) [][]string // the rows, as text; NULL is "NULL"
	close()
}

// strike is one thing that may happen to the run of process p. It returns a second process of the run if there is one
// then.
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

// hostname is in the environment of processes that are to believe that they are on another machine.
const hostname = "HINDCAST_CHAOS_HOST"

// command is hindcast on the machine. By its host's name a lease tells whose processes it can look at: one of another
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

// calmly runs one command of a site that is undisturbed.
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
