package chaos_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/demo"
	"github.com/hindcast/hindcast/internal/duck"
)

// check looks at everything that a finished run leaves.
func (c *trial) check() {
	c.checkJournal()
	c.checkWarehouse()
	c.checkLake()
	c.checkFiles()
}

// checkJournal: it reads clean, says that all is done, and names each slice's commit once.
func (c *trial) checkJournal() {
	st := c.state()
	if !st.Finished || st.ExitCode != hindcast.ExitOK || st.Total != tables {
		c.Errorf("the journal says: finished %t, exit %d, %d slices", st.Finished, st.ExitCode, st.Total)
	}
	if n := st.Counts()[hindcast.Succeeded]; n != tables {
		c.Errorf("the journal has %d of %d slices succeeded: %v", n, tables, st.Counts())
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

// open opens the trial's warehouse, which nobody else has open any more.
func (c *trial) open() *sql.DB {
	db, err := duck.Open(c.Context(), duck.Options{Path: demo.WarehousePath(c.dir), ReadOnly: true})
	if err != nil {
		c.Fatalf("opening the warehouse after the run: %v", err)
	}
	return db
}

func (c *trial) number(db *sql.DB, query string) (n int64) {
	if err := db.QueryRowContext(c.Context(), query).Scan(&n); err != nil {
		c.Fatalf("%v\n%s", err, query)
	}
	return n
}

// checkWarehouse: the target is what a direct query gives, and each slice has one status row that is right.
func (c *trial) checkWarehouse() {
	db := c.open()
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // temporary views are a session's
	c.direct(db)
	for _, query := range []string{"FROM cost_summary EXCEPT ALL FROM direct", "FROM direct EXCEPT ALL FROM cost_summary"} {
		if n := c.number(db, "SELECT count(*) FROM ("+query+")"); n != 0 {
			c.Errorf("%s: %d rows", query, n)
		}
	}
	if n := c.number(db, "SELECT count(*) FROM direct"); n == 0 {
		c.Error("the direct query gives no rows")
	}
	if n := c.number(db, "SELECT count(*) FROM hindcast_status"); n != tables {
		c.Errorf("%d status rows for %d slices", n, tables)
	}
	rows, err := db.QueryContext(c.Context(), `SELECT slice, run, "rows", totals, previous, strftime(slice_start, '%Y-%m-%d'),
		strftime(slice_end, '%Y-%m-%d') FROM hindcast_status ORDER BY slice_start`)
	if err != nil {
		c.Fatal(err)
	}
	var all []statusRow
	for rows.Next() {
		var s statusRow
		if err := rows.Scan(&s.slice, &s.run, &s.rows, &s.totals, &s.previous, &s.start, &s.end); err != nil {
			c.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		c.Fatal(err)
	}
	for _, s := range all {
		c.checkStatus(db, s)
	}
}

// direct makes the view of what the target must hold: the pipeline's SQL over all of the source at once.
func (c *trial) direct(db *sql.DB) {
	text, err := os.ReadFile(filepath.Join(c.dir, demo.SQLFile))
	if err != nil {
		c.Fatal(err)
	}
	var sources []string
	for n := range tables {
		sources = append(sources, "SELECT * FROM "+demo.TableName(n))
	}
	for _, view := range []string{
		"CREATE TEMP VIEW billing AS " + strings.Join(sources, " UNION ALL "),
		"CREATE TEMP VIEW direct AS " + regexp.MustCompile(`:rate\b`).ReplaceAllString(string(text), c.world.rate),
	} {
		if _, err := db.ExecContext(c.Context(), view); err != nil {
			c.Fatalf("%v\n%s", err, view)
		}
	}
}

type statusRow struct {
	slice, run, totals, previous, start, end string
	rows                                     int64
}

// checkStatus: the row's sums are the target's, it is of this run, and the rows that it replaced are those of
// before the run, so that it was loaded once.
func (c *trial) checkStatus(db *sql.DB, s statusRow) {
	where := fmt.Sprintf(" FROM cost_summary WHERE usage_month >= DATE '%s' AND usage_month < DATE '%s'", s.start, s.end)
	if n := c.number(db, "SELECT count(*)"+where); n != s.rows || s.run != run {
		c.Errorf("status of %s: run %s, %d rows; the target has %d", s.slice, s.run, s.rows, n)
	}
	var totals map[string]string
	if err := json.Unmarshal([]byte(s.totals), &totals); err != nil {
		c.Fatalf("totals of %s: %v", s.slice, err)
	}
	if len(totals) < 4 {
		c.Errorf("status of %s has the totals %s", s.slice, s.totals)
	}
	for column, want := range totals {
		var got string
		query := "SELECT CAST(sum(" + duck.Name(column) + ") AS VARCHAR)" + where
		if err := db.QueryRowContext(c.Context(), query).Scan(&got); err != nil || got != want {
			c.Errorf("status of %s: %s is %s; the target has %s (%v)", s.slice, column, want, got, err)
		}
	}
	before, had := c.world.before[s.slice]
	switch {
	case !had && s.previous == "":
	case had != (s.previous != ""):
		c.Errorf("status of %s keeps previous rows in %q; before the run it had %d", s.slice, s.previous, before)
	default:
		query := "SELECT CAST(sum(net_cost) * 1000000 AS BIGINT) FROM read_parquet(" + duck.String(s.previous+"/*.parquet") + ")"
		if n := c.number(db, query); n != before {
			c.Errorf("the previous rows of %s have the sum %d; before the run it was %d", s.slice, n, before)
		}
	}
}

// published sums the target's rows by slice as they are.
func published(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	db, err := duck.Open(context.Background(), duck.Options{Path: demo.WarehousePath(dir), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query(`SELECT slice, CAST(sum(net_cost) * 1000000 AS BIGINT) FROM hindcast_status
		JOIN cost_summary ON usage_month >= slice_start AND usage_month < slice_end GROUP BY slice`)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for rows.Next() {
		var slice string
		var sum int64
		if err := rows.Scan(&slice, &sum); err != nil {
			t.Fatal(err)
		}
		sums[slice] = sum
	}
	if err := rows.Err(); err != nil || len(sums) != tables {
		t.Fatalf("%d slices before the run: %v", len(sums), err)
	}
	return sums
}

// checkLake: every current generation is whole, every manifest's files are there, and no folder is without one.
func (c *trial) checkLake() {
	facts, dims, err := c.lake.Current(c.Context())
	if err != nil {
		c.Fatalf("reading the catalog: %v", err)
	}
	if len(facts["billing"]) != tables || dims["accounts"] == nil {
		c.Errorf("the catalog has %d units and %d dimensions", len(facts["billing"]), len(dims))
	}
	current := []*hindcast.Manifest{dims["accounts"]}
	for _, m := range facts["billing"] {
		current = append(current, m)
	}
	for _, m := range current {
		if err := c.lake.Verify(c.Context(), m); err != nil {
			c.Errorf("the current generation of %s %s: %v", m.Name, m.Key, err)
		}
	}
	generations, err := filepath.Glob(filepath.Join(c.dir, "lake", pipeline, "*", "*", "g[0-9]*"))
	if err != nil {
		c.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(c.dir, "lake", pipeline, "*", "*", "*", "g[0-9]*"))
	if err != nil {
		c.Fatal(err)
	}
	for _, dir := range append(generations, more...) {
		c.checkGeneration(dir)
	}
}

func (c *trial) checkGeneration(dir string) {
	body, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		c.Errorf("a generation without a manifest: %v", err)
		return
	}
	var m hindcast.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		c.Fatalf("%s: %v", dir, err)
	}
	if err := c.lake.Verify(c.Context(), &m); err != nil {
		c.Errorf("a manifest without its files: %v", err)
	}
}

// places are where a pipeline's files may lie after a run: our prefixes, the user's own files and the warehouse.
var places = regexp.MustCompile(`^(hindcast\.yml|cost_summary\.sql|README\.md|warehouse\.duckdb(\.wal)?` +
	`|lake/_hindcast/\.locks/\d\d` +
	`|lake/cloud_costs/(views\.sql|facts/billing/[0-9-]+/g\d+-\w+-f\d+-a\d+/[\w-]+\.(parquet|json)|dimensions/accounts/g\d+-\w+-f\d+-a\d+/[\w-]+\.(parquet|json))` +
	`|lake/_hindcast/cloud_costs/(lease\.json|catalog/facts/billing/[0-9-]+\.json|catalog/dimensions/accounts\.json)` +
	`|lake/_hindcast/cloud_costs/runs/\w+/(plan\.json|log|stop\.json|journal-\d+\.jsonl|previous/[0-9-]+/f\d+-a\d+/[\w-]+\.parquet))$`)

// checkFiles: no file lies anywhere else.
func (c *trial) checkFiles() {
	err := filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(c.dir, path)
		if err != nil {
			return err
		}
		switch slash := filepath.ToSlash(rel); {
		case strings.HasPrefix(filepath.Base(slash), ".tmp-") && strings.HasPrefix(slash, "lake/"):
			c.tally.other("torn writes left")
		case !places.MatchString(slash):
			c.Errorf("%s is not ours to leave", slash)
		}
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	left, err := os.ReadDir(c.temporary())
	if err != nil || len(left) > 0 {
		c.Errorf("left in TMPDIR: %v (%v)", left, err)
	}
}
