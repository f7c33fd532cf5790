package chaos_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

const (
	run      = "chaos"
	patience = time.Minute     // for a process to end
	burial   = 5 * time.Second // for the children of a dead supervisor
)

// trial is one run that is killed until it is done.
type trial struct {
	*testing.T
	random *rand.Rand
	tally  *tally
	world  *world
	start  string
	seed   uint64
	base   string // all of the trial's files
	dir    string // the pipeline's folder
	mark   string // in the environment of the trial's processes
	store  *file.Store
	lake   *lake.Lake

	strikes int     // left
	rounds  int     //
	seen    int     // events in the journal when the round began
	told    int64   // its bytes then
	length  float64 // of the round, as a part of a whole run
	stopped bool    // this round was asked to stop
}

func newTrial(t *testing.T, worlds map[string]*world, tally *tally, seed uint64) *trial {
	c := &trial{T: t, tally: tally, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), mark: fmt.Sprintf("%s=%d %s", mark, os.Getpid(), t.Name())}
	c.start = starts[c.random.IntN(len(starts))]
	c.world = worlds[c.start]
	c.strikes = 1 + c.random.IntN(9)
	base, err := os.MkdirTemp("", "hindcast-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	c.base, c.dir = base, filepath.Join(base, "pipeline")
	t.Cleanup(c.end)
	copyTree(t, c.world.dir, c.dir)
	if err := os.Mkdir(c.temporary(), 0o755); err != nil {
		t.Fatal(err)
	}
	if c.store, err = file.Open(filepath.Join(c.dir, "lake")); err != nil {
		t.Fatal(err)
	}
	c.lake = lake.New(c.store, pipeline)
	return c
}

func (c *trial) temporary() string { return filepath.Join(c.base, "tmp") }

// end leaves nothing behind but what a failure is to be explained with.
func (c *trial) end() {
	kill(processes(c.mark)...)
	c.tally.ended(c.start, max(0, c.rounds-1), c.Failed())
	if c.Failed() {
		c.Errorf("from %q after %d rounds; files and output are in %s\nrepeat with: go test ./tests/chaos -run %s -chaos.seed %d",
			c.start, c.rounds, c.base, c.Name(), c.seed)
		return
	}
	if err := os.RemoveAll(c.base); err != nil {
		c.Error(err)
	}
}

// run goes on until the run is done, and looks at what it left.
func (c *trial) run() {
	for !c.round() {
		if c.rounds > 20 {
			c.Fatal("the run does not get done")
		}
	}
	if err := buried(c.mark, burial); err != nil {
		c.Fatalf("after the end of the run: %v", err)
	}
	c.check()
	if c.random.IntN(5) == 0 {
		c.again()
	}
}

// again starts the run that is done once more: it says so and changes nothing.
func (c *trial) again() {
	before := len(c.events())
	for _, args := range [][]string{{"run", "--id", run}, {"verify"}} {
		p := c.launch(args...)
		if code := p.await(); code != 0 {
			c.Errorf("hindcast %s of the finished run: exit %d\n%s", strings.Join(args, " "), code, p.output())
		}
	}
	if after := len(c.events()); after != before {
		c.Errorf("the finished run had %d events and has %d", before, after)
	}
}

// round starts the run, or goes on with it, and does its worst. It reports whether the run is done.
func (c *trial) round() bool {
	c.rounds++
	c.seen, c.stopped = len(c.events()), false
	c.length = c.remains()
	c.told = journalSize(c.dir)
	moments := c.moments()
	p := c.launch(c.begin()...)
	var twins []*running
	for _, at := range moments {
		c.until(at, p)
		if p.ended() {
			break
		}
		if twin := c.strike(p); twin != nil {
			twins = append(twins, twin)
		}
	}
	done := c.judge(p, len(twins) > 0)
	for _, twin := range twins {
		done = c.judge(twin, true) || done
	}
	if !done && c.random.IntN(2) == 0 { // else the next round meets what is still dying
		if err := buried(c.mark, burial); err != nil {
			c.Fatalf("after the supervisor's death: %v", err)
		}
	}
	return done
}

// begin is the command that a round begins with.
func (c *trial) begin() []string {
	if c.planned() && c.random.IntN(2) == 0 {
		return []string{"resume", run}
	}
	return []string{"run", "--id", run}
}

func (c *trial) planned() bool {
	_, err := os.Stat(c.store.File(c.lake.PlanKey(run)))
	return err == nil
}

// startup is the part of the instants that lie before the first event of a round.
const startup = 0.25

// moments are the instants at which this round is disturbed, from 0, its start, to 1, its end.
func (c *trial) moments() []float64 {
	var at []float64
	for len(at) < c.strikes && (len(at) == 0 || c.random.IntN(3) == 0) {
		at = append(at, c.random.Float64())
	}
	c.strikes -= len(at)
	slices.Sort(at)
	return at
}

// until waits for the instant, or for the process to end. Before the first event instants count by the clock, after
// it by what the run has journaled, so that all steps are met on slow and fast machines alike.
func (c *trial) until(at float64, p *running) {
	if at < startup {
		select {
		case <-p.done:
		case <-time.After(time.Until(p.began.Add(time.Duration(at / startup * 0.5 * float64(c.world.span))))):
		}
		return
	}
	goal := c.told + int64((at-startup)/(1-startup)*c.length*float64(c.world.told))
	for !p.ended() && journalSize(c.dir) <= goal {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(c.random.IntN(10_000)) * time.Microsecond)
}

// remains is the part of the run that is to be done still.
func (c *trial) remains() float64 {
	st := c.state()
	if st.Total == 0 {
		return 1
	}
	return 1 - float64(st.Counts()[hindcast.Succeeded])/float64(st.Total)
}

// strike does one bad thing, and returns the second process of the run if that was it.
func (c *trial) strike(p *running) *running {
	switch n := c.random.IntN(100); {
	case n < 5:
		c.stop()
	case n < 12:
		c.freeze(p)
	case n < 19:
		c.tally.other("second starts")
		return c.launch("run", "--id", run)
	default:
		c.kill(p)
	}
	return nil
}

// kill kills something of what there is at this instant.
func (c *trial) kill(p *running) {
	there := processes(c.mark)
	roles := map[string][]process{all: there}
	for _, one := range there {
		if one.role == supervisor {
			continue // there may be a second one
		}
		roles[one.role] = append(roles[one.role], one)
	}
	roles[supervisor] = []process{{pid: p.cmd.Process.Pid, role: supervisor}}
	var choice []string
	for _, role := range []string{supervisor, worker, owner, all} {
		if len(roles[role]) > 0 {
			choice = append(choice, role)
		}
	}
	role := choice[c.random.IntN(len(choice))]
	victims := roles[role]
	c.random.Shuffle(len(victims), func(i, k int) { victims[i], victims[k] = victims[k], victims[i] })
	if role == worker || role == owner {
		kill(victims[0])
		c.tally.kill(role, c.phase())
		return
	}
	kill(victims...)
	c.tally.kill(role, c.phase())
	<-p.done
}

// stop asks from another process.
func (c *trial) stop() {
	c.tally.other("stops")
	c.stopped = true
	s := c.launch("stop", run)
	if code := s.await(); code != 0 && !strings.Contains(s.output(), "E-RUN") {
		c.Errorf("hindcast stop: exit %d\n%s", code, s.output())
	}
}

// freeze suspends the supervisor; a second run meanwhile is told who holds the pipeline. The supervisor then goes
// on, or is killed as it is.
func (c *trial) freeze(p *running) {
	c.tally.other("freezes")
	pid := p.cmd.Process.Pid
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	holder, err := lease.Inspect(c.Context(), c.store, pipeline)
	if err != nil {
		c.Errorf("who holds the lease of a suspended run: %v", err)
	}
	if holder.Held && holder.Pid == pid && !holder.Dead {
		second := c.launch("run")
		select {
		case <-second.done:
			said := second.output()
			if second.code() != hindcast.ExitUsage || !strings.Contains(said, "E-LEASE-HELD") || !strings.Contains(said, fmt.Sprint(pid)) {
				c.Errorf("a second run beside process %d: exit %d\n%s", pid, second.code(), said)
			}
		case <-time.After(burial): // it waits for a lock on a file that the suspended process holds
			kill(process{pid: second.cmd.Process.Pid})
			<-second.done
		}
	}
	if c.random.IntN(2) == 0 {
		kill(process{pid: pid})
		c.tally.kill(supervisor, c.phase())
		<-p.done
		return
	}
	_ = syscall.Kill(pid, syscall.SIGCONT)
}

// judge waits for the process and reports whether it says that the run is done. It fails the trial where it ended
// as it never may.
func (c *trial) judge(p *running, rival bool) bool {
	code := p.await()
	said := p.output()
	switch {
	case code == hindcast.ExitOK:
		return true
	case p.killed():
		return false
	case code == hindcast.ExitStopped && c.stopped:
		return false
	case code == hindcast.ExitUsage && strings.Contains(said, "is done: nothing is left"):
		return true // it was killed when all had been journaled
	case code == hindcast.ExitUsage && rival && strings.Contains(said, "E-LEASE-HELD"):
		return false
	}
	c.Fatalf("%s: exit %d\n%s", strings.Join(p.cmd.Args[1:], " "), code, said)
	return false
}

// events is the journal so far.
func (c *trial) events() []hindcast.Event {
	events, err := journal.Read(c.Context(), c.store, c.lake.RunPrefix(run))
	if err != nil {
		c.Fatalf("reading the journal: %v", err)
	}
	return events
}

func (c *trial) state() *hindcast.RunState {
	st := &hindcast.RunState{Run: run}
	for _, e := range c.events() {
		st.Apply(e)
	}
	return st
}

// phase is what the run was at, by the last that this round journaled.
func (c *trial) phase() string {
	events := c.events()
	if len(events) <= c.seen {
		if c.planned() {
			return "preparing"
		}
		return "planning"
	}
	st := c.state()
	if done := st.Counts(); done[hindcast.Succeeded]+done[hindcast.Skipped] == st.Total {
		return "ending"
	}
	for i := len(events) - 1; i >= c.seen; i-- {
		switch e := events[i]; e.Type {
		case hindcast.EventStepStarted, hindcast.EventStepFinished:
			return string(e.Step)
		case hindcast.EventFingerprint:
			return string(hindcast.StepTransform)
		case hindcast.EventLoadPrepared, hindcast.EventCommitted:
			return string(hindcast.StepLoad)
		}
	}
	return "preparing"
}

// running is one process of the program.
type running struct {
	trial *trial
	cmd   *exec.Cmd
	file  string
	began time.Time
	done  chan struct{}
}

// launch starts a command in the trial's folder.
func (c *trial) launch(args ...string) *running {
	f, err := os.CreateTemp(c.base, "output-*")
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	p := &running{trial: c, file: f.Name(), done: make(chan struct{}), began: time.Now(), cmd: exec.Command(program(c.T), args...)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = c.dir, f, f
	p.cmd.Env = append(os.Environ(), c.mark, "TMPDIR="+c.temporary())
	if err := p.cmd.Start(); err != nil {
		c.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	return p
}

func (p *running) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// await returns the exit code. A process that does not end tells what it is at, and fails the trial.
func (p *running) await() int {
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.done
		p.trial.Fatalf("%s did not end in %s:\n%s", strings.Join(p.cmd.Args[1:], " "), patience, p.output())
	}
	return p.code()
}

func (p *running) code() int { return p.cmd.ProcessState.ExitCode() }

func (p *running) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// output is what the process said so far, the end of it if that is much.
func (p *running) output() string {
	f, err := os.Open(p.file)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	const most = 8000
	return string(text[max(0, len(text)-most):])
}
