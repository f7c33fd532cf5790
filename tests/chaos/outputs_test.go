package chaos_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// TestOutputs is trial after trial of a run of two outputs, of which the second reads the first one's rows, that is killed until it is
// done, over rows that an earlier run published with another parameter. Whenever nothing of it runs, both outputs of a slice are of
// the same run, and the second is what its SQL makes of the first (promise 2). It is on the embedded default; the long form:
//
//	go test ./tests/chaos -run TestOutputs -chaos.seeds 200 -timeout 80m -v
func TestOutputs(t *testing.T) {
	source := newEmbedded(t, t.TempDir())
	intoTwo(t, source)
	replacing(t, source, 3, (*trial).publishBoth)
}

// intoTwo gives the pipeline a second output, with the net cost of each month in the first.
func intoTwo(t *testing.T, s site) {
	t.Helper()
	change(t, s, "sql: cost_summary.sql, engine", "engine")
	change(t, s, "target: {table: cost_summary, time: usage_month, key: [usage_month, account_id, service_name]}", `outputs:
  summary:
    sql: cost_summary.sql
    target: {table: cost_summary, time: usage_month, key: [usage_month, account_id, service_name]}
  totals:
    sql: totals.sql
    reads: [summary]
    target: {table: cost_totals, time: usage_month, key: [usage_month]}`)
	change(t, s, "checks:\n  - rows: {min: 1}\n", "")
	change(t, s, "  - total: {of: billed_cost, equals: \"SELECT SUM(cost) FROM billing\", within: 0}\n", "")
	change(t, s, "  - sql: \"SELECT * FROM result WHERE net_cost < -1e6\"", "")
	text := "SELECT usage_month, sum(net_cost)::DECIMAL(30,6) AS net_cost FROM summary GROUP BY usage_month"
	for _, m := range s.machines() {
		if err := os.WriteFile(filepath.Join(m.dir, "totals.sql"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// publishBoth has the run killed until it is done.
func (c *trial) publishBoth() {
	strikes := 2 + c.random.IntN(4)
	for code := hindcast.ExitFailed; code != hindcast.ExitOK; c.rounds++ {
		if c.rounds > 20 {
			c.Fatal("the run does not get done")
		}
		p := c.launch(c.anywhere(), c.begin()...)
		for strikes > 0 && !p.ended() {
			select {
			case <-p.done:
			case <-time.After(time.Duration(c.random.Int64N(int64(c.world.span / 2)))):
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
		c.bothAgree()
	}

	p := c.launch(c.anywhere(), "verify")
	if code := p.await(); code != 0 || !strings.Contains(p.output(), "all equal") {
		c.Errorf("hindcast verify: exit %d\n%s", code, p.output())
	}
	db := c.site.open(c.T, false)
	defer db.close()
	if n := number(c.T, db, "SELECT count(*) FROM hindcast_status WHERE run <> '"+run+"'"); n != 0 {
		c.Errorf("%d status rows are of the run before", n)
	}
}

// bothAgree checks that each slice's outputs are of one publication.
func (c *trial) bothAgree() {
	db := c.site.open(c.T, false)
	defer db.close()
	for _, query := range []string{
		"SELECT slice FROM hindcast_status GROUP BY slice HAVING count(*) <> 2 OR count(DISTINCT run) <> 1 OR count(DISTINCT committed_at) <> 1",
		`SELECT t.usage_month FROM cost_totals AS t FULL JOIN (SELECT usage_month, sum(net_cost) AS net_cost FROM cost_summary GROUP BY 1) AS s
			ON s.usage_month = t.usage_month WHERE s.net_cost IS DISTINCT FROM t.net_cost`,
	} {
		if rows := db.ask(c.T, query); len(rows) > 0 {
			c.Errorf("the outputs of %d slices are apart, the first %v\n%s", len(rows), rows[0], query)
		}
	}
}
