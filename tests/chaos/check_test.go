package chaos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/demo"
	"github.com/hindcast/hindcast/internal/duck"
)

// check looks at everything that a finished run leaves.
func (c *trial) check() {
	c.site.settle(c)
	c.checkJournal()
	c.checkWarehouse()
	c.checkLake()
	c.checkFiles()
}

// checkJournal checks that the journal is readable, says that everything is done, and has each slice's commit once.
func (c *trial) checkJournal() {
	st := c.state()
	if !st.Finished || st.ExitCode != hindcast.ExitOK || st.Total != c.site.slices() {
		c.Errorf("the journal says: finished %t, exit %d, %d slices", st.Finished, st.ExitCode, st.Total)
	}
	if n := st.Counts()[hindcast.Succeeded]; n != c.site.slices() {
		c.Errorf("the journal has %d of %d slices succeeded: %v", n, c.site.slices(), st.Counts())
	}

	commits := map[string]int{}
	for i, e := range c.events() {
		if e.Seq != int64(i+1) {
			c.Fatalf("event %d has the number %d", i+1, e.Seq)
		}
		if e.Type == hindcast.EventCommitted {
			commits[e.Slice]++
		}
	}

	for slice, n := range commits {
		if n != 1 {
			c.Errorf("%s is committed %d times in the journal", slice, n)
		}
	}
}

// number is the single value that a query returns.
func number(t *testing.T, db session, query string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(db.ask(t, query)[0][0], 10, 64)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return n
}

// checkWarehouse checks that the target equals a direct query, and that each slice has exactly one correct status row.
func (c *trial) checkWarehouse() {
	db := c.site.open(c.T, false)
	defer db.close()
	c.direct(db)

	for _, way := range [][2]string{{"cost_summary", "direct"}, {"direct", "cost_summary"}} {
		query := fmt.Sprintf("SELECT count(*) FROM (SELECT * FROM %s EXCEPT ALL SELECT * FROM %s) AS more", way[0], way[1])
		if n := number(c.T, db, query); n != 0 {
			c.Errorf("%s: %d rows", query, n)
		}
	}

	if n := number(c.T, db, "SELECT count(*) FROM direct"); n == 0 {
		c.Error("the direct query gives no rows")
	}
	if n := number(c.T, db, "SELECT count(*) FROM hindcast_status"); n != int64(c.site.slices()) {
		c.Errorf("%d status rows for %d slices", n, c.site.slices())
	}

	for _, row := range db.ask(c.T, `SELECT slice, run, "rows", totals, previous FROM hindcast_status`) {
		c.checkStatus(db, row[0], row[1], row[2], row[3], row[4])
	}
}

// direct makes the view of what the target must hold: the pipeline's SQL over all of the source at once.
func (c *trial) direct(db session) {
	text, err := os.ReadFile(filepath.Join(c.site.machines()[0].dir, demo.SQLFile))
	if err != nil {
		c.Fatal(err)
	}

	var sources []string
	for n := range c.site.slices() {
		sources = append(sources, "SELECT * FROM "+demo.TableName(n))
	}

	db.ask(c.T, "CREATE TEMPORARY VIEW billing AS "+strings.Join(sources, " UNION ALL "))
	query := regexp.MustCompile(`:rate\b`).ReplaceAllString(string(text), c.world.rate)
	db.ask(c.T, "CREATE TEMPORARY VIEW direct AS "+strings.Replace(query, "GROUP BY ALL", "GROUP BY 1, 2, 3, 4, 5, 6", 1))
}

// checkStatus checks that the row's sums are the target's, that it is of this run, and that the rows that it replaced
// are those from before the run, so that the slice was loaded once.
func (c *trial) checkStatus(db session, slice, by, rows, sums, previous string) {
	start, err := time.Parse(time.DateOnly, slice)
	if err != nil {
		c.Fatal(err)
	}

	where := fmt.Sprintf(" FROM cost_summary WHERE usage_month >= DATE '%s' AND usage_month < DATE '%s'", slice, start.AddDate(0, 2, 0).Format(time.DateOnly))
	if n := db.ask(c.T, "SELECT count(*)"+where)[0][0]; n != rows || by != run {
		c.Errorf("status of %s: run %s, %s rows; the target has %s", slice, by, rows, n)
	}

	var totals map[string]string
	if err := json.Unmarshal([]byte(sums), &totals); err != nil {
		c.Fatalf("totals of %s: %v", slice, err)
	}
	if len(totals) < 4 {
		c.Errorf("status of %s has the totals %s", slice, sums)
	}

	for column, want := range totals {
		if got := db.ask(c.T, "SELECT CAST(sum("+duck.Name(column)+") AS VARCHAR)"+where)[0][0]; got != want {
			c.Errorf("status of %s: %s is %s; the target has %s", slice, column, want, got)
		}
	}

	before, had := c.world.before[slice]
	switch {
	case !had && previous == "":
	case had != (previous != ""):
		c.Errorf("status of %s keeps previous rows in %q; before the run it had %d", slice, previous, before)
	default:
		if n := c.kept(previous); n != before {
			c.Errorf("the previous rows of %s have the sum %d; before the run it was %d", slice, n, before)
		}
	}
}

// kept sums the rows that a load replaced, which are in the lake.
func (c *trial) kept(previous string) int64 {
	db, err := duck.Open(c.Context(), duck.Options{})
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = db.Close() }()

	files := filepath.Join(c.site.objects(), previous[strings.LastIndex(previous, "_hindcast/"):], "*.parquet")
	return number(c.T, duckSession{db}, "SELECT CAST(sum(net_cost) * 1000000 AS BIGINT) FROM read_parquet("+duck.String(files)+")")
}

// published sums the target's current rows by slice.
func published(t *testing.T, s site) map[string]int64 {
	t.Helper()
	db := s.open(t, false)
	defer db.close()
	sums := map[string]int64{}
	for _, row := range db.ask(t, `SELECT slice, CAST(sum(net_cost) * 1000000 AS BIGINT) FROM hindcast_status
		JOIN cost_summary ON usage_month >= slice_start AND usage_month < slice_end GROUP BY slice`) {
		n, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sums[row[0]] = n
	}

	if len(sums) != s.slices() {
		t.Fatalf("%d slices before the run", len(sums))
	}

	return sums
}

// checkLake checks that every current generation is whole, every manifest's files exist, and no folder lacks a
// manifest.
func (c *trial) checkLake() {
	facts, dims, err := c.lake.Current(c.Context())
	if err != nil {
		c.Fatalf("reading the catalog: %v", err)
	}
	if len(facts["billing"]) != c.site.slices() || dims["accounts"] == nil {
		c.Errorf("the catalog has %d units and %d dimensions", len(facts["billing"]), len(dims))
	}

	current := []*hindcast.Manifest{dims["accounts"]}
	for _, m := range facts["billing"] {
		current = append(current, m)
	}

	used := map[string]bool{}
	for _, m := range current {
		used[filepath.Clean(c.store.File(c.lake.Prefix(m)))] = true
		if err := c.lake.Verify(c.Context(), m); err != nil {
			c.Errorf("the current generation of %s %s: %v", m.Name, m.Key, err)
		}
	}

	generations, err := filepath.Glob(filepath.Join(c.site.objects(), pipeline, "*", "*", "g[0-9]*"))
	if err != nil {
		c.Fatal(err)
	}

	more, err := filepath.Glob(filepath.Join(c.site.objects(), pipeline, "*", "*", "*", "g[0-9]*"))
	if err != nil {
		c.Fatal(err)
	}

	for _, dir := range append(generations, more...) {
		c.checkGeneration(dir, used[dir])
	}
}

// checkGeneration checks that unused generations are whole as well, except what a zombie or a killed process was just
// uploading. The next unload of the unit removes that.
func (c *trial) checkGeneration(dir string, used bool) {
	var m hindcast.Manifest
	body, err := os.ReadFile(filepath.Join(dir, "_manifest.json"))
	if err == nil {
		if err := json.Unmarshal(body, &m); err != nil {
			c.Fatalf("%s: %v", dir, err)
		}
		err = c.lake.Verify(c.Context(), &m)
	}

	switch {
	case err != nil && c.site.late() && !used:
		c.tally.other("generations of the dead left")
	case err != nil:
		c.Errorf("a generation without a manifest, or a manifest without its files: %v", err)
	}
}

// What a run may leave, whatever the lake: in the demo's folder, and below our prefixes in the lake.
const (
	ownFiles = `hindcast\.yml|cost_summary\.sql|README\.md`
	objects  = `cloud_costs/(views\.sql|facts/billing/[0-9-]+/g\d+-\w+-f\d+-a\d+/[\w-]+\.(parquet|json)|dimensions/accounts/g\d+-\w+-f\d+-a\d+/[\w-]+\.(parquet|json)` +
		`|results/cost_summary/[0-9-]+/g\d+-\w+-f\d+-a\d+/[\w-]+\.(parquet|json))` +
		`|_hindcast/cloud_costs/(lease\.json|catalog/facts/billing/[0-9-]+\.json|catalog/dimensions/accounts\.json|catalog/results/cost_summary/[0-9-]+\.json` +
		`|superseded/(facts/billing|results/cost_summary)/[0-9-]+/g\d+-\w+-f\d+-a\d+\.json)` +
		`|_hindcast/_sources/billing_\w+-[0-9a-f]+/[0-9-]+\.json` + // claims that a zombie made too late: they hold nothing, and the next run deletes them
		`|_hindcast/cloud_costs/runs/\w+/(plan\.json|log|stop\.json|previous/[0-9-]+/f\d+-a\d+/([\w-]+\.parquet|_manifest\.json))`
)

// staged matches what an attempt staged in the lake for the warehouse, and what Redshift was to read there or has written.
var staged = regexp.MustCompile(`^lake/_hindcast/cloud_costs/(runs/\w+/staging/[0-9-]+/f\d+-a\d+/[\w-]+\.parquet|warehouse/(copy|previous)-f\d+-\w+/[\w-]+(\.parquet)?)$`)

// checkStrays checks that what was staged after its attempt had been discarded disappears with the next run.
func (c *trial) checkStrays() {
	if len(c.strays) == 0 && len(c.site.strays(c)) == 0 {
		return
	}

	c.tally.other("staged by the dead and left")
	p := c.launch(c.anywhere(), "run", "--id", "after")
	if code := p.await(); code != 0 {
		c.Errorf("the next run: exit %d\n%s", code, p.output())
	}

	for _, path := range c.strays {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			c.Errorf("%s is there after the next run (%v)", path, err)
		}
	}
	if left := c.site.strays(c); len(left) > 0 {
		c.Errorf("there after the next run: %v", left)
	}
}

// checkFiles checks that there are no files anywhere else.
func (c *trial) checkFiles() {
	for folder, places := range c.site.places() {
		for _, path := range files(c.T, folder) {
			rel := strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(path, folder)), "/")
			switch {
			case strings.HasPrefix(filepath.Base(path), ".tmp-") && strings.HasPrefix(rel, "lake/"):
				c.tally.other("torn writes left")
			case c.site.late() && staged.MatchString(rel):
				c.strays = append(c.strays, path)
			case !places.MatchString(rel):
				c.Errorf("%s is not ours to leave", rel)
			}
		}
	}
	c.site.check(c)
}

// files are all that lie in a folder and below it.
func files(t *testing.T, folder string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return paths
}
