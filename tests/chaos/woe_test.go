package chaos_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/redshifttest/dataapi"
)

// woe is what currently goes wrong at the cluster, its control plane and its Data API. The zero woe does nothing.
type woe struct {
	ambush ambush[redshifttest.Fault] // at a statement that begins with what it waits for
	mutex  sync.Mutex
	plane  gale[control.Fault]
	api    gale[dataapi.Fault]
}

// ambush is what happens at the next call of a kind, once. The zero ambush waits for none.
type ambush[F any] struct {
	mutex sync.Mutex
	waits string // for what; "" waits for nothing
	do    func() F
}

func (a *ambush[F]) arm(waits string, do func() F) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.waits, a.do = waits, do
}

// disarm reports whether it still waited.
func (a *ambush[F]) disarm() bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	waited := a.waits != ""
	a.waits, a.do = "", nil
	return waited
}

// sprung is what happens now, if the ambush waits for this; nil otherwise.
func (a *ambush[F]) sprung(is func(waits string) bool) func() F {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.waits == "" || !is(a.waits) {
		return nil
	}
	do := a.do
	a.waits, a.do = "", nil
	return do
}

// meet arms what happens at the next call of a kind, and waits until it has come, for a while.
func (a *ambush[F]) meet(c *trial, p *running, waits string, do func() F) {
	met := make(chan struct{})
	a.arm(waits, func() F {
		defer close(met)
		return do()
	})
	select {
	case <-met:
		return
	case <-p.done:
	case <-time.After(c.world.span / 2):
	}
	if !a.disarm() { // it has come at this very moment
		<-met
	}
}

// gale has some of the next calls meet a fault.
type gale[F any] struct {
	random *rand.Rand
	left   int
	part   float64
	faults []F
}

func (g *gale[F]) blow() (fault F) {
	if g.left == 0 {
		return fault
	}
	g.left--
	if g.random.Float64() < g.part {
		fault = g.faults[g.random.IntN(len(g.faults))]
	}
	return fault
}

// statement is the cluster's rule.
func (w *woe) statement(s redshifttest.Statement) redshifttest.Fault {
	if do := w.ambush.sprung(func(prefix string) bool { return strings.HasPrefix(s.Text, prefix) }); do != nil {
		return do()
	}
	return redshifttest.None
}

// control is the control plane's rule.
func (w *woe) control(c control.Call) control.Fault {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	fault := w.plane.blow()
	if fault > control.Throttle && c.Action != "ResizeCluster" && c.Action != "UpdateWorkgroup" {
		return control.Throttle
	}
	return fault
}

// call is the Data API's rule.
func (w *woe) call(c dataapi.Call) dataapi.Fault {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	fault := w.api.blow()
	if fault == dataapi.Crowded && c.Action != "ExecuteStatement" {
		return dataapi.Throttle
	}
	return fault
}

// end ends everything that goes wrong.
func (w *woe) end() {
	w.ambush.disarm()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.plane.left, w.api.left = 0, 0
}

// strikes are the remote site's, but for those of PostgreSQL, and those of the cluster. Most end no process, so that density is the same.
func (s *onRedshift) strikes() []strike {
	all := []strike{{4, (*trial).stop}, {4, (*trial).second}, {25, (*trial).kill}, {8, (*trial).usurp}, {8, s.storm}, {8, s.clusterStorm},
		{24, s.spoil}, {16, s.deadly}, {12, s.crash}, {10, s.expire}}
	if s.scheme != byPassword || s.resized != "" {
		all = append(all, strike{10, s.throttle})
	}
	if s.scheme == byDataAPI {
		all = append(all, strike{10, s.apiStorm})
	}
	return all
}

// spoiled are statements and what becomes of them. The worst is a COMMIT whose answer is lost.
var spoiled = []struct {
	statement string
	fault     redshifttest.Fault
	name      string
}{
	{"COMMIT", redshifttest.Conflict, "1023 at COMMIT"},
	{"COMMIT", redshifttest.Conflict, "1023 at COMMIT"},
	{"COMMIT", redshifttest.Lose, "lost answers to COMMIT"},
	{"COMMIT", redshifttest.Lose, "lost answers to COMMIT"},
	{"COMMIT", redshifttest.Refuse, "connections lost before COMMIT"},
	{"COPY", redshifttest.Lose, "lost answers to COPY"},
	{"COPY", redshifttest.Refuse, "connections lost before COPY"},
	{"COPY", redshifttest.Cancel, "COPY cancelled"},
	{"UNLOAD", redshifttest.Lose, "lost answers to UNLOAD"},
	{"UNLOAD", redshifttest.Refuse, "connections lost before UNLOAD"},
	{"UNLOAD", redshifttest.Cancel, "UNLOAD cancelled"},
	{"DELETE", redshifttest.Conflict, "1023 at DELETE"},
	{"INSERT", redshifttest.Conflict, "1023 at INSERT"},
	{"INSERT", redshifttest.Lose, "lost answers to INSERT"},
	{"LOCK", redshifttest.Lose, "lost answers to LOCK"},
	{"CREATE TABLE", redshifttest.Lose, "lost answers to CREATE TABLE"},
	{"DROP", redshifttest.Lose, "lost answers to DROP"},
	{"SELECT", redshifttest.Lose, "lost answers to SELECT"},
}

// spoil has one of the next statements fail.
func (s *onRedshift) spoil(c *trial, p *running) *running {
	one := spoiled[c.random.IntN(len(spoiled))]
	c.hungUp = true
	s.woe.ambush.meet(c, p, one.statement, func() redshifttest.Fault {
		c.tally.other(one.name)
		return one.fault
	})
	return nil
}

// deadly kills a process of the run when the cluster has been given a statement, which is done all the same: nobody hears of it.
func (s *onRedshift) deadly(c *trial, p *running) *running {
	statement := []string{"COMMIT", "COMMIT", "COPY", "UNLOAD", "DELETE"}[c.random.IntN(5)]
	role := []string{supervisor, owner, all}[c.random.IntN(3)]
	killed := false
	s.woe.ambush.meet(c, p, statement, func() redshifttest.Fault {
		var victims []process
		for _, one := range processes(c.mark) {
			if role == all || one.role == role && (role != supervisor || one.pid == p.cmd.Process.Pid) {
				victims = append(victims, one)
			}
		}
		kill(victims...)
		killed = true
		c.tally.kill(role, c.phase())
		c.tally.other("kills at " + statement)
		return redshifttest.None
	})
	if killed && role != owner {
		<-p.done
	}
	return nil
}

// crash cuts the cluster off as SIGKILL does, and brings it back at the same address.
func (s *onRedshift) crash(c *trial, _ *running) *running {
	c.tally.other("crashes of the cluster")
	c.hungUp = true
	s.server.Crash()
	time.Sleep(time.Duration(c.random.IntN(300)) * time.Millisecond)
	s.server.Revive(c)
	return nil
}

// expire has all credentials expire in the middle of a statement: those of the database, so that nobody connects by them again, and, as
// the cluster sees them, those of its role in S3.
func (s *onRedshift) expire(c *trial, p *running) *running {
	statement := []string{"COPY", "UNLOAD"}[c.random.IntN(2)]
	atS3 := s.scheme == byPassword || c.random.IntN(2) == 0
	fault := []redshifttest.Fault{redshifttest.None, redshifttest.Lose}[c.random.IntN(2)]
	n := 1 + c.random.IntN(3)
	c.hungUp = true
	s.woe.ambush.meet(c, p, statement, func() redshifttest.Fault {
		c.tally.other("credentials expired in " + statement)
		if atS3 {
			s.access.expire(n)
			return redshifttest.None
		}
		s.server.Advance(time.Hour)
		return fault
	})
	return nil
}

// clusterStorm has requests of the cluster to the bucket fail.
func (s *onRedshift) clusterStorm(c *trial, _ *running) *running {
	c.tally.other("S3 storms at the cluster")
	s.access.storm(c.random.Uint64(), 5+c.random.IntN(40), 0.1+0.5*c.random.Float64())
	return nil
}

// throttle has the next calls of the control plane fail, and what they ask for end otherwise.
func (s *onRedshift) throttle(c *trial, _ *running) *running {
	c.tally.other("storms of the control plane")
	c.hungUp = true
	w := s.woe
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.plane = gale[control.Fault]{random: rand.New(rand.NewPCG(c.random.Uint64(), 2)), left: 1 + c.random.IntN(20), part: 0.2 + 0.4*c.random.Float64(),
		faults: []control.Fault{control.Lose, control.Lose, control.Refuse, control.Throttle, control.Busy, control.Full, control.Fail, control.Short}}
	return nil
}

// apiStorm has the next calls of the Data API fail.
func (s *onRedshift) apiStorm(c *trial, _ *running) *running {
	c.tally.other("storms of the Data API")
	c.hungUp = true
	w := s.woe
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.api = gale[dataapi.Fault]{random: rand.New(rand.NewPCG(c.random.Uint64(), 3)), left: 5 + c.random.IntN(60), part: 0.1 + 0.2*c.random.Float64(),
		faults: []dataapi.Fault{dataapi.Lose, dataapi.Lose, dataapi.Refuse, dataapi.Throttle, dataapi.Crowded}}
	return nil
}

// pardons excuses a run that says that the warehouse is not back, which its resume or resize --back takes care of, beside what is excused
// on every remote site.
func (s *onRedshift) pardons(c *trial, code int, said string) (string, bool) {
	switch {
	case code == hindcast.ExitUnknown && s.resized != "" && strings.Contains(said, "not confirmed to be back"):
		return "ends with the warehouse resized", true
	case code == hindcast.ExitUsage && c.hungUp && (strings.Contains(said, "E-AWS") || strings.Contains(said, "E-RESIZE")):
		return "ends before the first slice", true
	}
	return s.remote.pardons(c, code, said)
}
