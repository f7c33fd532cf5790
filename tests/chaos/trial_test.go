package chaos_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
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
	patience = 3 * time.Minute // for a process to end
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
	mark   string // in the environment of the trial's processes
	site   site
	store  *file.Store // the lake's objects, even if the runs see a remote lake
	lake   *lake.Lake

	strikes  int           // left
	patience time.Duration // for a process to end
	rounds   int
	seen     int      // events in the journal when the round began
	written  int64    // its bytes then
	length   float64  // of the round, as a fraction of a whole run
	fenced   bool     // somebody was
	last     string   // the machine that the round began on
	hasty    bool     // it began without waiting for a lease
	stopped  bool     // this round was asked to stop
	strays   []string // files that a zombie or a dead process brought too late
	hungUp   bool     // the warehouse did, in this round
}

func newTrial(t *testing.T, worlds map[string]*world, tally *tally, seed uint64, slot int) *trial {
	c := &trial{T: t, tally: tally, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), patience: patience, mark: fmt.Sprintf("%s=%d %s", mark, os.Getpid(), t.Name())}
	c.start = starts[c.random.IntN(len(starts))]
	c.world = worlds[c.start]
	c.strikes = 1 + c.random.IntN(9)
	base, err := os.MkdirTemp("", "hindcast-chaos-")
	if err != nil {
		t.Fatal(err)
	}

	c.base = base
	c.site = c.world.site.fork(t, base, slot)
	t.Cleanup(c.end)

	if c.store, err = file.Open(c.site.objects()); err != nil {
		t.Fatal(err)
	}

	c.lake = lake.New(c.store, pipeline)
	c.site.vary(c)
	return c
}

// end deletes everything except what explains a failure.
func (c *trial) end() {
	kill(processes(c.mark)...)
	c.tally.ended(c.start, max(0, c.rounds-1), c.Failed())
	if c.Failed() {
		c.site.keep(c)
		c.Errorf("from %q after %d rounds; files and output are in %s\nrepeat with: go test ./tests/chaos -run %s -chaos.seed %d",
			c.start, c.rounds, c.base, c.test(), c.seed)
		return
	}

	if err := os.RemoveAll(c.base); err != nil {
		c.Error(err)
	}
}

// test is the name of the test that makes trials like this one.
func (c *trial) test() string {
	name, _, _ := strings.Cut(c.Name(), "/")
	return name
}

// run continues until the run is done, and checks what it left.
func (c *trial) run() {
	for !c.round() {
		if c.rounds > 20 {
			c.Fatal("the run does not get done")
		}
	}

	if err := buried(c.mark, burial, ""); err != nil {
		c.Fatalf("after the end of the run: %v", err)
	}

	c.check()
	if c.random.IntN(5) == 0 {
		c.again()
	}

	c.checkStrays()
}

// again starts the finished run once more: it says so and changes nothing.
func (c *trial) again() {
	before := len(c.events())
	for _, args := range [][]string{{"run", "--id", run}, {"verify"}} {
		p := c.launch(c.anywhere(), args...)
		if code := p.await(); code != 0 {
			c.Errorf("hindcast %s of the finished run: exit %d\n%s", strings.Join(args, " "), code, p.output())
		}
	}

	if after := len(c.events()); after != before {
		c.Errorf("the finished run had %d events and has %d", before, after)
	}
}

// round starts or continues the run, and does its worst. It reports whether the run is done.
func (c *trial) round() bool {
	c.rounds++
	c.site.rest(c)
	c.seen, c.stopped, c.hungUp = len(c.events()), false, false
	c.length = c.remains()
	c.written = journalSize(c.site, run)
	moments := c.moments()
	p := c.launch(c.next(), c.begin()...)
	all := []*running{p}
	for _, at := range moments {
		c.until(at, p)
		if p.ended() {
			break
		}
		if other := c.strike(p); other != nil {
			all = append(all, other)
			if p.fenced {
				p = other // which now has the run
			}
		}
	}

	done := false
	for _, one := range all {
		done = c.judge(one, c.hasty || len(all) > 1) || done
	}

	if !done && c.random.IntN(2) == 0 { // otherwise the next round meets what is still dying
		if err := buried(c.mark, burial, engine); err != nil {
			c.Fatalf("after the supervisor's death: %v", err)
		}
	}

	return done
}

// anywhere is one of the machines.
func (c *trial) anywhere() machine {
	all := c.site.machines()
	return all[c.random.IntN(len(all))]
}

// next is the machine that a round begins on: at first the first one, later any. The death of a lease's holder
// elsewhere shows only in its silence; often the round waits for that.
func (c *trial) next() machine {
	m := c.anywhere()
	if c.rounds == 1 {
		m = c.site.machines()[0]
	} else if c.hasty = c.random.IntN(4) == 0; !c.hasty {
		c.silence(m)
	}

	if c.rounds > 1 && m.name != c.last {
		c.tally.other("resumes elsewhere")
	}

	c.last = m.name
	return m
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

// startup is the share of the instants before the first event of a round.
const startup = 0.25

// moments are the instants at which this round is disturbed, from 0, its start, to 1, its end.
func (c *trial) moments() []float64 {
	var at []float64
	for len(at) < c.strikes && (len(at) == 0 || c.random.Float64() < c.site.density()) {
		at = append(at, c.random.Float64())
	}

	c.strikes -= len(at)
	slices.Sort(at)
	return at
}

// until waits for the instant, or for the process to end. Before the first event instants are measured by the clock,
// after it by what the run has journaled, so that all steps are hit on slow and fast machines alike.
func (c *trial) until(at float64, p *running) {
	if at < startup {
		select {
		case <-p.done:
		case <-time.After(time.Until(p.began.Add(time.Duration(at / startup * 0.5 * float64(c.world.span))))):
		}
		return
	}

	goal := c.written + int64((at-startup)/(1-startup)*c.length*float64(c.world.written))
	for end := time.Now().Add(patience / 4); !p.ended() && journalSize(c.site, run) <= goal && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}

	time.Sleep(time.Duration(c.random.IntN(10_000)) * time.Microsecond)
}

// remains is the fraction of the run that is still to do.
func (c *trial) remains() float64 {
	st := c.state()
	if st.Total == 0 {
		return 1
	}
	return 1 - float64(st.Counts()[hindcast.Succeeded])/float64(st.Total)
}

// strike does one bad thing, and returns another process of the run if there then is one.
func (c *trial) strike(p *running) *running {
	choice := c.site.strikes()
	sum := 0
	for _, one := range choice {
		sum += one.weight
	}

	n := c.random.IntN(sum)
	for _, one := range choice {
		if n -= one.weight; n < 0 {
			return one.do(c, p)
		}
	}

	return nil
}

// second starts the run while it is in progress.
func (c *trial) second(*running) *running {
	c.tally.other("second starts")
	return c.launch(c.anywhere(), "run", "--id", run)
}

// kill kills one of the processes alive at this instant.
func (c *trial) kill(p *running) *running {
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
	for _, role := range []string{supervisor, worker, owner, engine, all} {
		if len(roles[role]) > 0 {
			choice = append(choice, role)
		}
	}

	role := choice[c.random.IntN(len(choice))]
	victims := roles[role]
	c.random.Shuffle(len(victims), func(i, k int) { victims[i], victims[k] = victims[k], victims[i] })

	if role == worker || role == owner || role == engine {
		kill(victims[0])
		c.tally.kill(role, c.phase())
		return nil
	}

	kill(victims...)
	c.tally.kill(role, c.phase())
	<-p.done
	return nil
}

// stop requests a stop from another process.
func (c *trial) stop(p *running) *running {
	if holder := c.holder(); holder.Held && holder.Pid != p.cmd.Process.Pid { // which cannot stop if it is dead
		return c.kill(p)
	}

	c.tally.other("stops")
	c.stopped = true
	s := c.launch(c.anywhere(), "stop", run)
	if code := s.await(); code != 0 && !strings.Contains(s.output(), "E-RUN") {
		c.Errorf("hindcast stop: exit %d\n%s", code, s.output())
	}
	return nil
}

// freeze suspends the supervisor; a second run in the meantime reports who holds the pipeline. The supervisor then
// continues, or is killed.
func (c *trial) freeze(p *running) *running {
	c.tally.other("freezes")
	pid := p.cmd.Process.Pid
	_ = syscall.Kill(pid, syscall.SIGSTOP)

	if holder := c.holder(); holder.Held && holder.Pid == pid && !holder.Dead {
		second := c.launch(p.machine, "run")
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
		return nil
	}

	_ = syscall.Kill(pid, syscall.SIGCONT)
	return nil
}

// holder is who holds the lease.
func (c *trial) holder() lease.Holder {
	holder, err := lease.Inspect(c.Context(), c.store, pipeline)
	if err != nil {
		c.Fatalf("who holds the lease: %v", err)
	}
	return holder
}

// judge waits for the process and reports whether it says that the run is done. It fails the trial if the process ended
// in a way that is never allowed.
func (c *trial) judge(p *running, rival bool) bool {
	code := p.await()
	said := p.output()
	switch {
	case p.fenced && code == hindcast.ExitOK:
		if c.proven() { // its successor had already committed the rest
			return false
		}
	case code == hindcast.ExitOK:
		return true
	case p.killed():
		return false
	case code == hindcast.ExitStopped && c.stopped:
		return false
	case code == hindcast.ExitUsage && strings.Contains(said, "is done: nothing is left"):
		return true // it was killed after everything had been journaled
	case code == hindcast.ExitUsage && rival && strings.Contains(said, "E-LEASE-HELD"):
		return false
	case (p.fenced || rival) && strings.Contains(said, "E-FENCED") && (code == hindcast.ExitFailed || code == hindcast.ExitUsage): // the latter before its first slice
		c.fenced = true
		return false
	}

	if why, ok := c.site.pardons(c, code, said); ok {
		c.tally.other(why)
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

// proven reports whether every slice has the status row that the run wrote or found.
func (c *trial) proven() bool {
	db := c.site.open(c.T, false)
	defer db.close()
	rows := map[string]string{}
	for _, row := range db.ask(c.T, "SELECT slice, fingerprint FROM hindcast_status") {
		rows[row[0]] = row[1]
	}

	st := c.state()
	for key, slice := range st.Slices {
		if print, there := rows[key]; !there || slice.Fingerprint != "" && slice.Fingerprint != print {
			return false
		}
	}

	return st.Total > 0 && len(rows) >= st.Total
}

// phase is what the run was doing, according to the last event of this round.
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
	trial   *trial
	machine machine
	fenced  bool // it was suspended, and another process has the run
	cmd     *exec.Cmd
	file    string
	began   time.Time
	done    chan struct{}
}

// launch starts a command on a machine.
func (c *trial) launch(m machine, args ...string) *running {
	f, err := os.CreateTemp(c.base, "output-*")
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = f.Close() }()

	p := &running{trial: c, machine: m, file: f.Name(), done: make(chan struct{}), began: time.Now(), cmd: m.command(c.T, c.mark, args...)}
	p.cmd.Stdout, p.cmd.Stderr = f, f
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

// await returns the exit code. A process that does not end dumps its goroutines, and fails the trial.
func (p *running) await() int {
	select {
	case <-p.done:
	case <-time.After(p.trial.patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.done
		p.trial.Fatalf("%s did not end in %s:\n%s", strings.Join(p.cmd.Args[1:], " "), p.trial.patience, p.output())
	}
	return p.code()
}

func (p *running) code() int { return p.cmd.ProcessState.ExitCode() }

func (p *running) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// output is what the process has printed so far, or the end of it if that is long.
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
