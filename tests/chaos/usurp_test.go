package chaos_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
)

// silence waits until the lease is free for a machine: released, held by a process that the machine can see, or not
// renewed for so long that it may be taken over.
func (c *trial) silence(m machine) {
	for {
		holder := c.holder()
		if m.name == "" || !holder.Held || holder.Host == m.name || time.Since(holder.Renewed) > c.site.ttl() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// usurp suspends the supervisor for so long that the other machine takes over its run, and wakes it at any instant
// before the other one is done. It must publish and commit nothing more, and say why.
func (c *trial) usurp(p *running) *running {
	wake := p.suspend(c.random.IntN(2) == 0)
	defer wake()
	holder := c.holder()
	if !holder.Held || holder.Pid != p.cmd.Process.Pid {
		return c.second(p)
	}

	lapse := c.site.silenced()
	heir := c.inherit(p)
	if heir == nil { // everything was done
		return nil
	}

	c.tally.other("takeovers")
	p.fenced = true
	if c.random.IntN(2) == 0 {
		c.until(startup+c.random.Float64()*(1-startup), heir)
		return heir
	}

	lapse()
	if heir.await() == hindcast.ExitOK {
		c.tally.other("zombies after the end")
		theirs := ofZombie(holder.Fence)
		before := c.holdings(theirs)
		wake()
		p.await()

		if changed := differing(before, c.holdings(theirs)); len(changed) > 0 {
			c.Errorf("a zombie changed %s\n%s", strings.Join(changed, "\n"), p.output())
		}
	}

	return heir
}

// suspend stops a supervisor, or its whole machine, and returns the function that wakes it; safe to repeat.
func (p *running) suspend(machine bool) (wake func()) {
	pids := []int{p.cmd.Process.Pid}
	_ = syscall.Kill(pids[0], syscall.SIGSTOP)
	for _, one := range processes(p.trial.mark) {
		if machine && one.parent == pids[0] {
			_ = syscall.Kill(one.pid, syscall.SIGSTOP)
			pids = append(pids, one.pid)
		}
	}

	return func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT) // one that was killed in the meantime is gone
		}
	}
}

// inherit makes the other machine continue the run of a suspended process, and waits until it has the lease.
func (c *trial) inherit(p *running) *running {
	machines := c.site.machines()
	other := machines[0]
	if other.name == p.machine.name {
		other = machines[1]
	}

	for range 5 {
		c.silence(other)
		heir := c.launch(other, c.begin()...)
		for !heir.ended() {
			holder := c.holder()
			if holder.Pid == heir.cmd.Process.Pid && holder.Host == other.name {
				return heir
			}
			time.Sleep(5 * time.Millisecond)
		}

		if said := heir.output(); !strings.Contains(said, "E-LEASE-HELD") {
			if c.judge(heir, true) {
				return nil
			}
		}
	}

	c.Fatal("nobody can take the run over")
	return nil
}

// ofZombie matches the keys of what a zombie may still have been uploading: its journal file, which its successor
// closed off, its log, and files below its attempts' prefixes that nothing names.
func ofZombie(fence int64) *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf(`/runs/\w+/(log|journal-0*%d/\d+\.jsonl)$|[/-]f%[1]d-a\d+/[\w-]+(\.(parquet|json))?$|/warehouse/(copy|previous)-f%[1]d-`, fence))
}

// holdings are what counts of a run: the target, its status rows, what the journal says, and all objects except a
// zombie's.
func (c *trial) holdings(theirs *regexp.Regexp) map[string]string {
	held := map[string]string{"events": fmt.Sprint(len(c.events()))}
	db := c.site.open(c.T, false)
	defer db.close()

	for _, row := range db.ask(c.T, "SELECT slice, attempt, committed_at, content FROM hindcast_status") {
		held[row[0]] = strings.Join(row[1:], " ")
	}

	held["target"] = strings.Join(db.ask(c.T, "SELECT count(*), sum(net_cost) FROM cost_summary")[0], " ")
	for _, path := range files(c.T, c.site.objects()) {
		key := strings.TrimPrefix(path, c.site.objects())
		if theirs.MatchString(key) {
			continue
		}

		info, err := os.Stat(path)
		if err != nil {
			c.Fatal(err)
		}

		held[key] = info.ModTime().String()
	}

	return held
}

// differing are the entries that differ between the two.
func differing(before, after map[string]string) (all []string) {
	for key := range before {
		if after[key] != before[key] {
			all = append(all, fmt.Sprintf("%s: %q became %q", key, before[key], after[key]))
		}
	}

	for key := range after {
		if _, there := before[key]; !there {
			all = append(all, fmt.Sprintf("%s: %q is new", key, after[key]))
		}
	}

	return all
}
