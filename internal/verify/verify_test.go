package verify_test

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers/driverstest"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/verify"
)

// The test binary is also the workers of its runs.
func TestMain(m *testing.M) { driverstest.Main(m) }

const definition = `pipeline: p
warehouse: duckdb:w.duckdb
lake: ./lake
history: {from: 2020-01-01, to: 2020-04-01, every: 1 month}
facts: {sales: {table: sales, time: day}}
dimensions: {rates: {files: "rates/*.parquet"}}
transform: {sql: totals.sql}
target: {table: totals, time: month}
`

// published is a pipeline over three months of sales, whose run is done. Each month has 30 rows and two files to read: its
// unit's and, for all months, that of the dimension.
type published struct {
	*hindcast.Pipeline
	t *testing.T
}

func publish(t *testing.T) published {
	t.Helper()
	t.Parallel()
	w := published{t: t, Pipeline: &hindcast.Pipeline{Dir: t.TempDir()}}
	w.write("p.yml", definition)
	w.write("totals.sql", "SELECT CAST(:slice_start AS DATE) AS month, sum(n * rate) AS n FROM sales, rates")

	if err := os.Mkdir(filepath.Join(w.Dir, "rates"), 0o700); err != nil {
		t.Fatal(err)
	}

	w.warehouse("CREATE TABLE sales AS SELECT DATE '2020-01-01' + INTERVAL (i % 3) MONTH + INTERVAL (i // 3 % 28) DAY AS day, i AS n FROM range(90) r(i)",
		"COPY (SELECT 2 AS rate) TO '"+w.rates()+"' (FORMAT parquet)")

	p, err := config.Load(t.Context(), filepath.Join(w.Dir, "p.yml"))
	if err != nil {
		t.Fatal(err)
	}

	w.Pipeline = p
	w.run()
	return w
}

func (w published) rates() string { return filepath.Join(w.Dir, "rates", "a.parquet") }

func (w published) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// warehouse runs statements on the warehouse's file, which nobody else has open.
func (w published) warehouse(statements ...string) {
	w.t.Helper()
	db, err := sql.Open("duckdb", filepath.Join(w.Dir, "w.duckdb"))
	if err != nil {
		w.t.Fatal(err)
	}

	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			w.t.Errorf("%s: %v", statement, err)
		}
	}

	if err := db.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w published) run() {
	w.t.Helper()
	ended, err := run.Begin(w.t.Context(), w.Pipeline, run.Options{Log: func(string) (io.Writer, error) { return io.Discard, nil },
		Planned: func(*plan.Plan, []hindcast.Event, io.Writer) {}, Each: func(hindcast.Event) {}})
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
		w.t.Fatalf("the run: %+v, %v", ended, err)
	}
}

// verify compares, as `hindcast verify` does.
func (w published) verify(files bool) *verify.Result {
	w.t.Helper()
	s, err := session.Open(w.t.Context(), w.Pipeline, io.Discard)
	if err != nil {
		w.t.Fatal(err)
	}

	defer func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	}()

	made, err := s.Plan(w.t.Context(), session.Choice{AcceptLoss: true, Compare: true, Tolerant: files}, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}

	last := 0
	v := &verify.Verify{Plan: made, Lake: s.Lake, Warehouse: s.Warehouse, Source: s.Source, Files: files, Each: func(done, of int) {
		if done < last || done > of {
			w.t.Errorf("progress went from %d to %d of %d", last, done, of)
		}
		last = done
	}}
	result, err := v.Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}

	return result
}

// wantFindings compares the findings, each "what name label: a part of its text", in any order.
func wantFindings(t *testing.T, r *verify.Result, want ...string) {
	t.Helper()
	rest := slices.Clone(r.Findings)
	for _, w := range want {
		head, text, _ := strings.Cut(w, ": ")
		at := slices.IndexFunc(rest, func(f verify.Finding) bool {
			return f.What+" "+f.Name+" "+f.Label == head && strings.Contains(f.Text, text)
		})
		if at < 0 {
			t.Errorf("no finding %q in %+v", w, r.Findings)
			continue
		}

		if rest[at].Next == "" {
			t.Errorf("%q has no next step", w)
		}

		rest = slices.Delete(rest, at, at+1)
	}

	if len(rest) > 0 {
		t.Errorf("more findings: %+v", rest)
	}
}

// one returns the only file that matches a pattern below the lake.
func (w published) one(pattern string) string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.Dir, "lake", filepath.FromSlash(pattern)))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// flip changes one bit of a file, and leaves its size and time.
func (w published) flip(path string, at func(size int) int) {
	w.t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		w.t.Fatal(err)
	}

	body, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}

	body[at(len(body))] ^= 1
	if err := os.WriteFile(path, body, info.Mode()); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		w.t.Fatal(err)
	}
}

// What nobody touched is equal, and the result counts what was compared: units, their rows at the source, files, slices.
func TestNothingDiffers(t *testing.T) {
	w := publish(t)
	for _, files := range []bool{false, true} {
		r := w.verify(files)
		wantFindings(t, r)
		if r.Units != 3 || r.Rows != 90 || r.Files != 4 || r.Slices != 3 {
			t.Errorf("with files %t: %+v", files, r)
		}
	}
}

// Rows that changed at the source, or are no longer there, are named with both counts and the command that takes the change.
func TestTheSourceMoved(t *testing.T) {
	w := publish(t)
	w.warehouse("DELETE FROM sales WHERE n < 9 AND month(day) = 1", "UPDATE sales SET n = n + 1 WHERE n = 4",
		"INSERT INTO sales VALUES (DATE '2020-03-05', 7), (NULL, 1), (DATE '2020-06-01', 1), (DATE '2019-06-01', 1)")
	r := w.verify(false)
	wantFindings(t, r, "source sales 2020-01: 27 rows, 30 before", "source sales 2020-02: n sums to", "source sales 2020-03: 31 rows, 30 before")

	for _, f := range r.Findings {
		loss := strings.Contains(f.Next, "--accept-loss")
		if !strings.Contains(f.Next, "hindcast unload --fresh") || loss != (f.Label == "2020-01") {
			t.Errorf("%s: the next step is %s", f.Label, f.Next)
		}
	}

	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "1 row") || !strings.Contains(notes, "2 rows of sales have a day before 2020-01-01 or from 2020-04-01 on") {
		t.Errorf("the rows of no slice are not noted: %q", r.Notes)
	}
}

// A table that is gone is one finding, and everything else is still compared.
func TestTheSourceIsGone(t *testing.T) {
	w := publish(t)
	w.warehouse("DROP TABLE sales")
	r := w.verify(false)
	wantFindings(t, r, "source sales 2020-01: is not there any more", "source sales 2020-02: is not there any more", "source sales 2020-03: is not there any more")

	if r.Units != 0 || r.Rows != 0 || r.Files != 4 || r.Slices != 3 {
		t.Errorf("counted %+v", r)
	}
}

// A file of the lake that was cut is found by its size; a flipped bit only when the files are read. One damaged file hides no
// other.
func TestFilesOfTheLakeAreDamaged(t *testing.T) {
	w := publish(t)
	cut := w.one("p/facts/sales/2020-01-01/g1-*/*.parquet")
	info, err := os.Stat(cut)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(cut, info.Size()-1); err != nil {
		t.Fatal(err)
	}

	w.flip(w.one("p/facts/sales/2020-02-01/g1-*/*.parquet"), func(size int) int { return size / 2 })
	wantFindings(t, w.verify(false), "lake sales 2020-01: "+filepath.Base(cut))
	r := w.verify(true)
	wantFindings(t, r, "lake sales 2020-01: "+filepath.Base(cut), "lake sales 2020-02: .parquet")

	if r.Units != 3 || r.Slices != 3 {
		t.Errorf("counted %+v", r)
	}
}

// A corrupt entry of the catalog is found, and the manifest beside the files is used in its place.
func TestTheCatalogIsDamaged(t *testing.T) {
	w := publish(t)
	w.flip(w.one("_hindcast/p/catalog/facts/sales/2020-02-01.json"), func(size int) int { return size / 2 })
	r := w.verify(false)
	wantFindings(t, r, "lake sales 2020-02: the copy beside the files is used")

	if r.Units != 3 || r.Rows != 90 {
		t.Errorf("counted %+v", r)
	}
}

// A file of the user's own: another one in its place is found by any verify, one of the same size, time and footer by its
// checksum alone, and one that cannot be read does not keep the rest from being compared.
func TestTheUsersFiles(t *testing.T) {
	w := publish(t)
	w.flip(w.rates(), func(int) int { return 3 }) // of the magic at the front, which no reader needs
	wantFindings(t, w.verify(false))
	wantFindings(t, w.verify(true), "source rates all: has the size and time that it had, and other bytes")

	if err := os.Truncate(w.rates(), 40); err != nil {
		t.Fatal(err)
	}

	r := w.verify(true)
	if len(r.Findings) == 0 || r.Units != 3 || r.Slices != 3 || r.Rows != 90 {
		t.Errorf("a file that cannot be read: %+v", r)
	}

	for _, f := range r.Findings {
		if f.What != "source" || f.Name != "rates" || !strings.Contains(f.Text, "a.parquet") {
			t.Errorf("unexpected: %+v", f)
		}
	}
}

// Rows of the target that somebody changed are named by slice; a table that is gone is one finding for all slices.
func TestTheTargetDiffers(t *testing.T) {
	w := publish(t)
	w.warehouse("UPDATE totals SET n = n + 1 WHERE month = '2020-02-01'", "INSERT INTO totals VALUES ('2020-03-01', 1)")
	r := w.verify(false)
	wantFindings(t, r, "target totals 2020-02: as many rows, other values", "target totals 2020-03: 2 rows, 1 before")

	if r.Findings[0].Next != "hindcast run --slices 2020-02" {
		t.Errorf("the next step is %q", r.Findings[0].Next)
	}

	w.warehouse("DROP TABLE totals")
	wantFindings(t, w.verify(false), "target totals 2020-01: it holds 3 slices")
}

// The rows that a load replaced are read too: they are what an undo would bring back.
func TestReplacedRowsAreDamaged(t *testing.T) {
	w := publish(t)
	w.write("totals.sql", "SELECT CAST(:slice_start AS DATE) AS month, sum(n * rate) + 1 AS n FROM sales, rates")
	p, err := config.Load(t.Context(), filepath.Join(w.Dir, "p.yml"))
	if err != nil {
		t.Fatal(err)
	}

	w.Pipeline = p
	w.run()
	if r := w.verify(true); len(r.Findings) > 0 || r.Files != 7 {
		t.Fatalf("before the damage: %+v", r)
	}

	w.flip(w.one("_hindcast/p/runs/r2/previous/2020-03-01/*/*.parquet"), func(size int) int { return size / 2 })
	wantFindings(t, w.verify(false))
	wantFindings(t, w.verify(true), "lake previous 2020-03: of the rows that r2 replaced")
}

// Sums agree by their content where both have one of a kind; the words for a difference say rows and totals, the first three.
func TestDifference(t *testing.T) {
	sums := func(rows int64, content string, totals ...string) hindcast.Sums {
		s := hindcast.Sums{Rows: rows, Content: content, Totals: map[string]string{}}
		for i := 0; i+1 < len(totals); i += 2 {
			s.Totals[totals[i]] = totals[i+1]
		}

		return s
	}
	for name, c := range map[string]struct {
		was, is hindcast.Sums
		want    string
	}{
		"equal":           {sums(2, "7", "a", "3"), sums(2, "7", "a", "3"), ""},
		"one row more":    {sums(1, "7"), sums(2, "8"), "2 rows, 1 before"},
		"another total":   {sums(2, "7", "a", "3"), sums(2, "8", "a", "4"), "a sums to 4, 3 before"},
		"all NULL now":    {sums(2, "", "a", "3"), sums(2, ""), "a sums to NULL, 3 before"},
		"only the values": {sums(2, "7", "a", "3"), sums(2, "8", "a", "3"), "as many rows, other values"},
	} {
		if got := verify.Difference(c.was, c.is); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}

	many := verify.Difference(sums(1, "1", "a", "1", "b", "1", "c", "1"), sums(2, "2", "a", "2", "b", "2", "c", "2"))
	if strings.Count(many, ";") != 3 || !strings.HasSuffix(many, "; …") {
		t.Errorf("many differences: %q", many)
	}
}

// A stop ends it with an error, never with a result that looks complete.
func TestAStopIsAnError(t *testing.T) {
	w := publish(t)
	s, err := session.Open(t.Context(), w.Pipeline, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()

	made, err := s.Plan(t.Context(), session.Choice{Compare: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	v := &verify.Verify{Plan: made, Lake: s.Lake, Warehouse: s.Warehouse, Source: s.Source, Each: func(int, int) { stop() }}
	if r, err := v.Run(ctx); err == nil {
		t.Errorf("it ended with %+v", r)
	}
}
