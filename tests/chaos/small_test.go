package chaos_test

import (
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// TestSmall is trial after trial of a run whose slices are so small that those that wait for the loader share a transaction: the warehouse's
// process is suspended until some wait, and soon after it goes on it is killed, or another process is. Whenever nothing of the run runs, each
// slice's status row is of the rows that are there (promise 2). It is on the embedded default; the long form:
//
//	go test ./tests/chaos -run TestSmall -chaos.seeds 200 -timeout 80m -v
func TestSmall(t *testing.T) {
	var shared atomic.Int64
	replacing(t, newEmbedded(t, t.TempDir()), 3, func(c *trial) { shared.Add(c.publishSmall()) })
	if !t.Failed() && shared.Load() == 0 && *seedFlag == 0 {
		t.Error("no slices have shared a transaction")
	}
}

// publishSmall has the run killed until it is done, and counts the slices that were published in another one's transaction.
func (c *trial) publishSmall() int64 {
	strikes := 2 + c.random.IntN(4)
	for code := hindcast.ExitFailed; code != hindcast.ExitOK; c.rounds++ {
		if c.rounds > 20 {
			c.Fatal("the run does not get done")
		}
		p := c.launch(c.anywhere(), c.begin()...)
		for strikes > 0 && c.pilesUp(p) {
			select {
			case <-p.done:
			case <-time.After(time.Duration(c.random.Int64N(int64(c.world.span / 8)))):
				c.kill(p)
				strikes--
			}
		}
		code = p.await()
		if err := buried(c.mark, burial, ""); err != nil {
			c.Fatal(err)
		}
		if code != hindcast.ExitOK && !p.killed() {
			c.Fatalf("exit %d\n%s", code, p.output())
		}
		c.rowsAgree()
	}
	c.checkWarehouse()

	db := c.site.open(c.T, false)
	defer db.close()
	shared := number(c.T, db, "SELECT count(*) - count(DISTINCT committed_at) FROM hindcast_status")
	for range shared {
		c.tally.other("slices published with others")
	}
	return shared
}

// pilesUp suspends the warehouse's process until several results wait for it, or the run does not get that far, and reports whether the
// run still goes on.
func (c *trial) pilesUp(p *running) bool {
	for deadline := time.Now().Add(2 * c.world.span); time.Now().Before(deadline) && !p.ended(); time.Sleep(2 * time.Millisecond) {
		for _, one := range processes(c.mark) {
			if one.role == owner && c.state().Total > 0 {
				_ = syscall.Kill(one.pid, syscall.SIGSTOP)
				c.awaitStaged(p, 2+c.random.IntN(5))
				_ = syscall.Kill(one.pid, syscall.SIGCONT)
				return !p.ended()
			}
		}
	}
	return !p.ended()
}

// awaitStaged waits until so many results are staged and not published.
func (c *trial) awaitStaged(p *running, n int) {
	for deadline := time.Now().Add(c.world.span); time.Now().Before(deadline) && !p.ended(); time.Sleep(2 * time.Millisecond) {
		staged := 0
		for _, s := range c.state().Slices {
			if len(s.Staged) > 0 && !s.State.Done() {
				staged++
			}
		}
		if staged >= n {
			return
		}
	}
}

// rowsAgree checks that each slice's status row is of the rows that are there.
func (c *trial) rowsAgree() {
	db := c.site.open(c.T, false)
	defer db.close()
	query := `SELECT slice, "rows", totals, n, net_cost FROM (SELECT slice, any_value("rows") AS "rows", any_value(totals) AS totals, count(r.usage_month) AS n, sum(net_cost) AS net_cost
		FROM hindcast_status AS s LEFT JOIN cost_summary AS r ON usage_month >= CAST(slice_start AS DATE) AND usage_month < CAST(slice_end AS DATE) GROUP BY slice)
		WHERE n <> "rows" OR net_cost IS DISTINCT FROM CAST(json_extract_string(totals, 'net_cost') AS DECIMAL(38,6))`
	if rows := db.ask(c.T, query); len(rows) > 0 {
		c.Errorf("%d status rows are not of what is there, the first %v", len(rows), rows[0])
	}
}
