package chaos_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// TestHold is trial after trial of a run that is held, published and undone, each of the three killed until it is done: by the journal's
// growth, so that processes also die within the one transaction and around its COMMIT. After each death the target is whole, as it was
// before or as it is to be (promises 2 and 5), and each of the three ends truthfully (promise 6). It is on the embedded default, and on
// PostgreSQL and S3 with two machines, each of which goes on with what the other one has begun: into a plain table, and into one
// whose partitions are exchanged. The long form:
//
//	go test ./tests/chaos -run TestHold -chaos.seeds 200 -timeout 80m -v
func TestHold(t *testing.T) {
	for name, source := range map[string]func(*testing.T) site{
		"folder": func(t *testing.T) site { return newEmbedded(t, t.TempDir()) },
		"bucket": func(t *testing.T) site { return newRemote(t, t.TempDir()) },
		"partitions": func(t *testing.T) site {
			s := newRemote(t, t.TempDir())
			partitioned(t, s)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) { replacing(t, source(t), 2, (*trial).holdAndRegret) })
	}
}

// partitioned makes the target with a partition for each slice. A run makes it first, for its columns.
func partitioned(t *testing.T, s site) {
	t.Helper()
	calmly(t, s, "run", "--id", "r0")
	db := s.open(t, true)
	defer db.close()
	spans := db.ask(t, "SELECT slice, slice_start::date, slice_end::date FROM hindcast_status")
	db.ask(t, "ALTER TABLE cost_summary RENAME TO plain")
	db.ask(t, "CREATE TABLE cost_summary (LIKE plain INCLUDING ALL, PRIMARY KEY (usage_month, account_id, service_name)) PARTITION BY RANGE (usage_month)")
	db.ask(t, "ALTER TABLE cost_summary OWNER TO "+pgtest.User)
	db.ask(t, "DROP TABLE plain")
	db.ask(t, "DELETE FROM hindcast_status")
	for n, span := range spans {
		part := fmt.Sprintf("cost_summary_%d", n)
		db.ask(t, fmt.Sprintf("CREATE TABLE %s PARTITION OF cost_summary FOR VALUES FROM ('%s') TO ('%s')", part, span[1], span[2]))
		db.ask(t, "ALTER TABLE "+part+" OWNER TO "+pgtest.User)
	}
}

// checkPartitions checks that a target that had a partition for each slice still does, and that each was exchanged.
func (c *trial) checkPartitions() {
	if _, is := c.site.(*remote); !is {
		return
	}
	db := c.site.open(c.T, false)
	defer db.close()
	row := db.ask(c.T, `SELECT count(*), count(*) FILTER (WHERE inhrelid::regclass::text ~ '_hc\d+$'), (SELECT relkind FROM pg_class WHERE oid = 'cost_summary'::regclass)
		FROM pg_inherits WHERE inhparent = 'cost_summary'::regclass`)[0]
	if want := fmt.Sprint(c.site.slices()); row[2] == "p" && (row[0] != want || row[1] != want) {
		c.Errorf("the target has %s partitions, %s of them exchanged; there are %s slices", row[0], row[1], want)
	}
}

// holdAndRegret holds a run, publishes it, and undoes that.
func (c *trial) holdAndRegret() {
	old := c.content()

	c.insist("hold", old, old, "run", "--id", run, "--hold")
	held := c.content()
	if held != old {
		c.Errorf("a run that is held left\n%s\nbefore it was\n%s", held, old)
	}

	c.insist("publish", old, "", "publish", run)
	st := c.state()
	if !st.Finished || st.ExitCode != hindcast.ExitOK || st.Counts()[hindcast.Succeeded] != c.site.slices() {
		c.Errorf("published, and the journal says %v, exit %d", st.Counts(), st.ExitCode)
	}
	c.checkWarehouse()
	c.checkPartitions()
	published := c.content()

	c.cleans(published)
	c.insist("undo", published, old, "undo", run)
	if err := buried(c.mark, burial, ""); err != nil {
		c.Fatal(err)
	}
	if now := c.content(); now != old {
		c.Errorf("undone it is\n%s\nbefore it was\n%s", now, old)
	}
	c.checkPartitions()
	p := c.launch(c.anywhere(), "verify")
	if code := p.await(); code != 0 || !strings.Contains(p.output(), "all equal") {
		c.Errorf("hindcast verify: exit %d\n%s", code, p.output())
	}
}

// cleans deletes what nothing needs, killed until it is done: the target stays as it is, and an undo has what it needs.
func (c *trial) cleans(published string) {
	change(c.T, c.site, "pipeline: cloud_costs", "pipeline: cloud_costs\nkeep: {runs: 1, previous: 1}")
	c.insist("clean", published, published, "clean", "--delete")
	p := c.launch(c.anywhere(), "clean")
	if code := p.await(); code != 0 || !strings.Contains(p.output(), "nothing to delete") {
		c.Errorf("after a clean, hindcast clean: exit %d\n%s", code, p.output())
	}
}

// insist starts a command until it says that it is done, and kills it and its processes until its strikes are used up. Whenever nothing
// of it runs any more the target is as it was before, or as after, if that is known, and never in part.
func (c *trial) insist(what, before, after string, args ...string) {
	strikes, span := 1+c.random.IntN(3), c.world.span
	if what == "clean" { // which is a matter of moments
		span /= 4
	}
	for n := 0; ; n++ {
		if n > 20 {
			c.Fatalf("%s does not get done", what)
		}
		m := c.anywhere()
		c.silence(m)
		p := c.launch(m, args...)
		if strikes > 0 {
			select {
			case <-p.done:
			case <-time.After(time.Duration(c.random.Int64N(int64(span)))):
				c.kill(p)
				strikes--
			}
		}
		code, said := p.await(), p.output()
		if err := buried(c.mark, burial, ""); err != nil {
			c.Fatalf("after %s: %v", what, err)
		}

		now := c.content()
		if strings.Count(now, "mixed") > 0 || after != "" && now != before && now != after {
			c.Errorf("after %s (exit %d) the target has\n%s", what, code, now)
		}
		switch {
		case code == hindcast.ExitOK:
			return
		case code == hindcast.ExitUsage && (strings.Contains(said, "is published already") || strings.Contains(said, "nothing is left to undo") || strings.Contains(said, "was undone by run")) && n > 0:
			return // it was killed when all was done
		case p.killed():
		case what == "clean" && strings.Contains(said, "E-WORKER"): // its worker was, and it says so: it asks the warehouse once
		default:
			c.Fatalf("%s: exit %d\n%s", what, code, said)
		}
	}
}

// content is what the target and its status rows say, without what differs from publication to publication, such as PostgreSQL's
// transactions. Rows of more than one run are mixed.
func (c *trial) content() string {
	db := c.site.open(c.T, false)
	defer db.close()
	var lines []string
	runs := db.ask(c.T, "SELECT count(DISTINCT run), count(DISTINCT publication) FROM hindcast_status")[0]
	if runs[0] != "1" || runs[1] != "1" {
		lines = append(lines, fmt.Sprintf("mixed: %s runs, %s publications", runs[0], runs[1]))
	}
	for _, row := range db.ask(c.T, `SELECT slice, run, attempt, fingerprint, parts, "rows",
		regexp_replace(content, '^xid:.*', 'xid'), totals FROM hindcast_status ORDER BY slice`) {
		lines = append(lines, strings.Join(row, " "))
	}
	return strings.Join(append(lines, db.ask(c.T, "SELECT md5(string_agg(s::VARCHAR, '|' ORDER BY s::VARCHAR)) FROM cost_summary s")[0][0]), "\n")
}
