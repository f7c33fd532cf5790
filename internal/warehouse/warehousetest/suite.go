// Package warehousetest is the conformance suite of the warehouse contract: what every driver must hold. A
// driver's own test brings a warehouse with a few tables and runs it.
package warehousetest

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// World is a fresh warehouse that holds what Setup says.
type World struct {
	Warehouse warehouse.Warehouse
	Exec      func(t *testing.T, sql string)         // runs SQL in the warehouse, behind the driver's back
	Query     func(t *testing.T, sql string) string  // the rows as text: values by comma, rows by line
	Reopen    func(t *testing.T) warehouse.Warehouse // closes it and opens it again
	Kill      func(t *testing.T)                     // kills its process as a crash would; the next call starts another
}

// Setup is the SQL that a World's warehouse starts with.
const Setup = `
CREATE TABLE sales (id BIGINT, day DATE, ts TIMESTAMP, cost DECIMAL(18,6), note VARCHAR);
INSERT INTO sales VALUES
  (1, DATE '2020-01-01', TIMESTAMP '2020-01-01 00:00:00', 1.000001, 'a'),
  (2, DATE '2020-01-31', TIMESTAMP '2020-01-31 23:59:59.999999', NULL, NULL),
  (3, DATE '2020-02-01', TIMESTAMP '2020-02-01 00:00:00', -2.5, ''),
  (9007199254740993, DATE '2020-02-29', TIMESTAMP '2020-02-29 12:00:00', 999999999999.999999, 'quote '' and "');
CREATE TABLE "odd ""name"" x" ("a ""b""" INTEGER, "select" VARCHAR);
INSERT INTO "odd ""name"" x" VALUES (1, 'y');
CREATE TABLE empty_one (k BIGINT, t DATE);`

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// January is the interval that most of the suite loads.
var January = hindcast.Interval{Start: date(2020, 1, 1), End: date(2020, 2, 1)}

// February is the interval after January.
var February = hindcast.Interval{Start: date(2020, 2, 1), End: date(2020, 3, 1)}

// March is the next.
var March = hindcast.Interval{Start: date(2020, 3, 1), End: date(2020, 4, 1)}

// Run runs the suite; each test gets its own world.
func Run(t *testing.T, world func(t *testing.T) *World) {
	tests := map[string]func(*testing.T, *World){
		"describe":                       describe,
		"a table has one identity":       identity,
		"tables are listed by pattern":   listed,
		"tables that it fills are told":  made,
		"unload cuts half open":          unloadWindow,
		"bounds keep their seconds":      unloadSeconds,
		"different values are counted":   spreads,
		"unload of no rows":              unloadEmpty,
		"unload of odd names":            unloadOdd,
		"unload as text":                 unloadText,
		"sums do not depend on order":    sumsOrder,
		"strays are counted":             strays,
		"prepare creates and may repeat": prepareTwice,
		"the overview agrees":            overviewAgrees,
		"load replaces a slice whole":    loadReplaces,
		"load keeps the previous rows":   loadPrevious,
		"load hands over previous rows":  loadKeep,
		"load hands over status rows":    loadKeepsStatus,
		"load of nothing empties":        loadEmpty,
		"a failed load changes nothing":  loadFails,
		"overlapping status rows go":     loadOverlap,
		"a fenced writer cannot load":    fenced,
		"hooks run in the transaction":   hooks,
		"published sums what is there":   published,
		"altered columns are edits":      altered,
		"rows outlive a restart":         reopened,
	}
	maps.Copy(tests, publications)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, world(t)) })
	}
}

func describe(t *testing.T, w *World) {
	tables, err := w.Warehouse.Describe(t.Context(), []string{"sales", `"odd ""name"" x"`, "nope"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range tables["sales"].Columns {
		got = append(got, c.Name+" "+c.Type)
	}
	want := []string{"id BIGINT", "day DATE", "ts TIMESTAMP", "cost DECIMAL(18,6)", "note VARCHAR"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
	if len(tables[`"odd ""name"" x"`].Columns) != 2 {
		t.Errorf("the odd table: %+v", tables)
	}
	if _, found := tables["nope"]; found {
		t.Error("a table that is not there was found")
	}
}

// identity: every spelling leads to one identity, no two tables share one, and views say what they are over.
func identity(t *testing.T, w *World) {
	w.Exec(t, `CREATE SCHEMA s; CREATE TABLE s.sales (day DATE); CREATE VIEW direct AS SELECT day FROM sales;
		CREATE VIEW s.indirect AS WITH d AS (SELECT day FROM direct) SELECT max(day) AS day FROM d UNION ALL SELECT day FROM s.sales;
		CREATE VIEW elsewhere AS SELECT 1 AS n WHERE EXISTS (SELECT 1 FROM empty_one)`)
	names := []string{"sales", "Sales", `"sales"`, "s.sales", `S."sales"`, "direct", "s.indirect", "elsewhere", "empty_one"}
	tables, err := w.Warehouse.Describe(t.Context(), names)
	if err != nil || len(tables) != len(names) {
		t.Fatal(tables, err)
	}
	id := func(name string) string { return tables[name].ID }
	if id("sales") == "" || id("sales") != id("Sales") || id("sales") != id(`"sales"`) {
		t.Errorf("spellings of sales: %q, %q, %q", id("sales"), id("Sales"), id(`"sales"`))
	}
	if id("s.sales") == id("sales") || id("s.sales") != id(`S."sales"`) {
		t.Errorf("s.sales is %q and %q, sales is %q", id("s.sales"), id(`S."sales"`), id("sales"))
	}
	over := func(view, table string) bool { return slices.Contains(tables[view].Shows, id(table)) }
	if !over("direct", "sales") || !over("s.indirect", "sales") || !over("s.indirect", "s.sales") || !over("elsewhere", "empty_one") {
		t.Errorf("views are over too little: %+v", tables)
	}
	if over("direct", "s.sales") || over("elsewhere", "sales") || len(tables["sales"].Shows)+len(tables["sales"].Within) > 0 {
		t.Errorf("views are over too much: %+v", tables)
	}
}

func extract(t *testing.T, w *World, table, column string, in hindcast.Interval) warehouse.Extract {
	t.Helper()
	tables, err := w.Warehouse.Describe(t.Context(), []string{table})
	if err != nil {
		t.Fatal(err)
	}
	return warehouse.Extract{Table: table, Columns: tables[table].Columns, Time: column, Window: in, TimeZone: "UTC"}
}

func spreads(t *testing.T, w *World) {
	w.Exec(t, "INSERT INTO sales (id, day) VALUES (1, DATE '2020-01-01')")
	s, err := w.Warehouse.Spread(t.Context(), "sales", []string{"id", "day", "ts", "note"})
	if err != nil || s.Rows != 5 || !slices.Equal(s.Distinct, []int64{4, 4, 4, 3}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// listed: names are spelled as the pattern is, and lead to their tables.
// A target is told from the other tables however the pipeline spells it, and so are our own tables; others may be called
// hindcast_ too.
func made(t *testing.T, w *World) {
	w.Exec(t, `CREATE SCHEMA s; CREATE TABLE hindcast_notes (i INTEGER); CREATE TABLE s.result (i INTEGER)`)
	filled := func(want string) {
		t.Helper()
		tables, err := w.Warehouse.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, table := range tables {
			if table.Made {
				got = append(got, table.Name)
			}
		}
		slices.Sort(got)
		if !slices.ContainsFunc(tables, func(table warehouse.Table) bool { return table.Name == "hindcast_notes" && !table.Made }) {
			t.Error("a table is left out for its name")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("made are %q, want %q", got, want)
		}
	}
	filled("")
	w.Exec(t, "CREATE TABLE IF NOT EXISTS result (day DATE, total DECIMAL(38,6))")
	if err := w.Warehouse.Prepare(t.Context(), "p", hindcast.Target{Table: "fresh", Time: "day"}, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	filled("fresh hindcast_lease hindcast_status") // no slice of it is published
	prepare(t, w, 1)
	load(t, w, staged(t, w, January, "r1", one))
	filled("fresh hindcast_lease hindcast_status result")
	w.Exec(t, `UPDATE hindcast_status SET target = 'S.Result'`)
	filled("fresh hindcast_lease hindcast_status s.result")
	w.Exec(t, `DROP TABLE hindcast_status; CREATE TABLE hindcast_status (i INTEGER); DROP TABLE fresh; CREATE TABLE fresh (i INTEGER)`)
	filled("hindcast_lease hindcast_status")
}

func listed(t *testing.T, w *World) {
	w.Exec(t, `CREATE SCHEMA "s.x"; CREATE SCHEMA b_2020_01; CREATE TABLE b_2020_01.b_2020_02 (i INTEGER); CREATE TABLE b_2020_01 (i INTEGER); CREATE TABLE b_2020_13 (i INTEGER); CREATE VIEW b_2021_01 AS SELECT 1 AS i;
		CREATE TABLE b_2020_1 (i INTEGER); CREATE TABLE bx2020_01 (i INTEGER); CREATE TABLE b_2020_01_old (i INTEGER); CREATE TABLE "b_2020_0x" (i INTEGER);
		CREATE TABLE "s.x"."b_2022_01" (i INTEGER); CREATE TABLE "s.x"."c % 2020q3" (i INTEGER); CREATE TABLE "s.x"."c + 2020q3" (i INTEGER)`)
	for pattern, want := range map[string]string{
		"b_{yyyy}_{mm}":              "b_2020_01 b_2020_13 b_2021_01",
		"b_{yyyy}_{m}":               "b_2020_01 b_2020_1 b_2020_13 b_2021_01",
		"b_{yy}20_{m}":               "b_2020_01 b_2020_1 b_2020_13",
		`"s.x".b_{yyyy}_{mm}`:        `"s.x".b_2022_01`,
		`"s.x"."c % {yyyy}q{q}"`:     `"s.x"."c % 2020q3"`,
		"b_{yyyy}_{mm}_{dd}":         "",
		"nosuch.b_{yyyy}_{mm}":       "",
		"other.nosuch.b_{yyyy}_{mm}": "",
		"b_{yyyy}_{mm}{nonsense}":    "",
	} {
		names, err := w.Warehouse.Named(t.Context(), pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := strings.Join(slices.Sorted(slices.Values(names)), " "); got != want {
			t.Errorf("%s: got %s, want %s", pattern, got, want)
		}
		found, err := w.Warehouse.Describe(t.Context(), names)
		if err != nil || len(found) != len(names) {
			t.Errorf("%s: %d of %d names lead to a table, %v", pattern, len(found), len(names), err)
		}
	}
}

func unloadWindow(t *testing.T, w *World) {
	for _, column := range []string{"day", "ts"} {
		x := extract(t, w, "sales", column, January)
		out, err := w.Warehouse.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if out.Sums.Rows != 2 || out.Sums.Totals["id"] != "3" || out.Sums.Totals["cost"] != "1.000001" {
			t.Errorf("by %s: %+v", column, out.Sums)
		}
		var files []string
		for _, f := range out.Files {
			files = append(files, f.Path)
			if info, err := os.Stat(f.Path); err != nil || info.Size() != f.Bytes || f.Bytes == 0 {
				t.Errorf("file %+v: %v", f, err)
			}
		}
		if sums := Sums(t, out.Columns, files); !sums.Agrees(out.Sums) || !maps.Equal(sums.Totals, out.Sums.Totals) {
			t.Errorf("the files hold %+v, the source %+v", sums, out.Sums)
		}
		if sums, err := w.Warehouse.Sum(t.Context(), x); err != nil || !sums.Agrees(out.Sums) || !maps.Equal(sums.Totals, out.Sums.Totals) {
			t.Errorf("Sum gives %+v, %v", sums, err)
		}
		hashed(t, w, x, out.Sums)
	}
}

// hashed holds Hash to what an unload of the same rows said.
func hashed(t *testing.T, w *World, x warehouse.Extract, want hindcast.Sums) {
	t.Helper()
	if sums, err := w.Warehouse.Hash(t.Context(), x); err != nil || sums.Rows != want.Rows || sums.Content != want.Content || !maps.Equal(sums.Totals, want.Totals) {
		t.Errorf("Hash gives %+v, %v; the unload said %+v", sums, err, want)
	}
}

func strays(t *testing.T, w *World) {
	w.Exec(t, "INSERT INTO sales (id) VALUES (7), (8), (9)")
	for column, in := range map[string]hindcast.Interval{"day": February, "ts": January} {
		found, err := w.Warehouse.Strays(t.Context(), extract(t, w, "sales", column, in), false)
		if want := (warehouse.Strays{NoTime: 3, Outside: 2}); err != nil || found != want {
			t.Errorf("by %s: %+v, %v; want %+v", column, found, err, want)
		}
		quick, err := w.Warehouse.Strays(t.Context(), extract(t, w, "sales", column, in), true)
		if err != nil || !quick.Estimate && quick != found {
			t.Errorf("by %s, quick: %+v, %v", column, quick, err)
		}
	}
}

// unloadSeconds: Paris was 9 minutes and 21 seconds ahead of Greenwich in 1900, and RFC 3339 has no seconds of an offset.
func unloadSeconds(t *testing.T, w *World) {
	w.Exec(t, `CREATE TABLE old (i INTEGER, moment TIMESTAMP WITH TIME ZONE, civil TIMESTAMP, day DATE);
		INSERT INTO old VALUES (1, '1899-12-31 23:50:38.999999+00', '1899-12-31 23:59:59.999999', '1899-12-31'), (2, '1899-12-31 23:50:39+00', '1900-01-01', '1900-01-01'),
			(3, '1900-01-01 23:50:38.999999+00', '1900-01-01 23:59:59.999999', '1900-01-01'), (4, '1900-01-01 23:50:39+00', '1900-01-02', '1900-01-02')`)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	day := hindcast.Interval{Start: time.Date(1900, 1, 1, 0, 0, 0, 0, paris), End: time.Date(1900, 1, 2, 0, 0, 0, 0, paris)}
	for _, column := range []string{"moment", "civil", "day"} {
		x := extract(t, w, "old", column, day)
		x.TimeZone = "Europe/Paris"
		u, err := w.Warehouse.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
		if err != nil || u.Sums.Rows != 2 || u.Sums.Totals["i"] != "5" {
			t.Errorf("%s: %d rows, %v, %v", column, u.Sums.Rows, u.Sums.Totals, err)
		}
		sums, err := w.Warehouse.Sum(t.Context(), x)
		if err != nil || sums.Rows != 2 {
			t.Errorf("%s: %d rows are summed, %v", column, sums.Rows, err)
		}
	}
}

func unloadEmpty(t *testing.T, w *World) {
	x := extract(t, w, "empty_one", "t", January)
	out, err := w.Warehouse.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
	if err != nil || out.Sums.Rows != 0 || len(out.Columns) != 2 {
		t.Errorf("%+v, %v", out, err)
	}
}

func unloadText(t *testing.T, w *World) {
	x := extract(t, w, "sales", "day", January)
	for i := range x.Columns {
		if c := &x.Columns[i]; c.Name == "cost" || c.Name == "ts" || c.Name == "note" {
			c.Type, c.Text = "VARCHAR", true
		}
	}
	out, err := w.Warehouse.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range out.Files {
		files = append(files, f.Path)
	}
	if _, summed := out.Sums.Totals["cost"]; summed || out.Sums.Rows != 2 || !out.Columns[3].Text || out.Columns[3].Type != "VARCHAR" {
		t.Errorf("%+v of %+v", out.Sums, out.Columns)
	}
	if sums := Sums(t, out.Columns, files); !sums.Agrees(out.Sums) {
		t.Errorf("the files hold %+v, the source %+v", sums, out.Sums)
	}
	x.Columns = out.Columns // as a manifest has them
	if sums, err := w.Warehouse.Sum(t.Context(), x); err != nil || !sums.Agrees(out.Sums) {
		t.Errorf("Sum gives %+v, %v", sums, err)
	}
	hashed(t, w, x, out.Sums)
}

func unloadOdd(t *testing.T, w *World) {
	x := extract(t, w, `"odd ""name"" x"`, "", hindcast.Interval{})
	out, err := w.Warehouse.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: mkdir(t, "it's")})
	if err != nil || out.Sums.Rows != 1 || out.Columns[0].Name != `a "b"` {
		t.Errorf("%+v, %v", out, err)
	}
}

func mkdir(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func sumsOrder(t *testing.T, w *World) {
	w.Exec(t, `CREATE TABLE sorted AS SELECT * FROM sales ORDER BY id DESC`)
	a, b := unloaded(t, w, "sales"), unloaded(t, w, "sorted")
	if a.Content == "" || a.Content != b.Content {
		t.Errorf("%+v, %+v", a, b)
	}
	w.Exec(t, `INSERT INTO sorted SELECT * FROM sorted WHERE id = 1`)
	if c := unloaded(t, w, "sorted"); c.Content == a.Content || c.Agrees(a) {
		t.Error("a doubled row has the same content")
	}
	w.Exec(t, `CREATE TABLE noted AS SELECT * FROM sales`)
	w.Exec(t, `UPDATE noted SET note = 'b' WHERE id = 3`)
	if c := unloaded(t, w, "noted"); c.Agrees(a) {
		t.Error("another text has the same content")
	}
}

// unloaded are the sums that an unload of the whole table gives.
func unloaded(t *testing.T, w *World, table string) hindcast.Sums {
	t.Helper()
	out, err := w.Warehouse.Unload(t.Context(), warehouse.Unload{Extract: extract(t, w, table, "", hindcast.Interval{}), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return out.Sums
}

var target = hindcast.Target{Table: "result", Time: "day", Key: []string{"day"}}
var columns = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "total", Type: "DECIMAL(38,6)"}}

func prepare(t *testing.T, w *World, fence int64) {
	t.Helper()
	if err := w.Warehouse.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: fence}); err != nil {
		t.Fatal(err)
	}
}

func prepareTwice(t *testing.T, w *World) {
	fence := func(want int64) {
		t.Helper()
		if n, err := w.Warehouse.Fence(t.Context(), "p"); err != nil || n != want {
			t.Errorf("the fence is %d, want %d: %v", n, want, err)
		}
	}
	fence(0) // its table does not exist yet
	prepare(t, w, 1)
	prepare(t, w, 2)
	fence(2)
	if got := w.Query(t, "SELECT count(*) FROM result"); got != "0" {
		t.Errorf("the target has %s rows", got)
	}
	err := w.Warehouse.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1})
	if hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		t.Errorf("a lower fence: %v", err)
	}
	err = w.Warehouse.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 2, New: true})
	if hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		t.Errorf("a new claim whose fence is there already: %v", err)
	}
	if err := w.Warehouse.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 3, New: true}); err != nil {
		t.Errorf("a new claim: %v", err)
	}
	prepare(t, w, 3)
}

// Load is a publication of one replacement.
type Load struct {
	warehouse.Publication
	warehouse.Replacement
}

// Into stages and publishes it.
func (l Load) Into(ctx context.Context, w warehouse.Warehouse) (hindcast.Committed, error) {
	rows, err := publish(ctx, w, l)
	if err != nil {
		return hindcast.Committed{}, err
	}
	return rows[0], nil
}

// Files are staged files at these paths.
func Files(paths ...string) []hindcast.File {
	files := make([]hindcast.File, len(paths))
	for i, path := range paths {
		files[i].Path = path
	}
	return files
}

// publish publishes the loads together, as the first of them says.
func publish(ctx context.Context, w warehouse.Warehouse, loads ...Load) ([]hindcast.Committed, error) {
	p := loads[0].Publication
	for _, l := range loads {
		p.Replacements = append(p.Replacements, l.Replacement)
	}
	p, err := w.Stage(ctx, p)
	if err != nil {
		return nil, err
	}
	return w.Publish(ctx, p)
}

// staged makes a load of the rows that a SELECT gives.
func staged(t *testing.T, w *World, in hindcast.Interval, run string, selectSQL string) Load {
	t.Helper()
	l := Load{Publication: warehouse.Publication{Pipeline: "p", Run: run, Fence: 1},
		Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: in.Start.Format("2006-01-02"), Interval: in}, TimeZone: "UTC", Attempt: 1, Print: "print-" + run, Columns: columns, Parts: hindcast.Parts{SQL: "x", Facts: map[string]string{"f": "1"}}, Previous: filepath.Join(t.TempDir(), "previous")}}
	if selectSQL == "" {
		return l
	}
	path := filepath.Join(t.TempDir(), "staged.parquet")
	Parquet(t, path, selectSQL)
	l.Files = Files(path)
	l.Rows = Sums(t, columns, l.Paths()).Rows
	return l
}

func load(t *testing.T, w *World, l Load) hindcast.Committed {
	t.Helper()
	c, err := l.Into(t.Context(), w.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const one = `SELECT DATE '2020-01-05' AS day, CAST(1.5 AS DECIMAL(38,6)) AS total`
const two = `SELECT * FROM (VALUES (DATE '2020-01-06', CAST(2 AS DECIMAL(38,6))), (DATE '2020-01-07', NULL)) AS v(day, total)`

// overviewAgrees: what a plan asks of the status rows is what they say, and what somebody edits is named.
func overviewAgrees(t *testing.T, w *World) {
	prepare(t, w, 1)
	if o, err := w.Warehouse.Overview(t.Context(), "p", target.Table, nil); err != nil || o.Rows != 0 {
		t.Fatalf("before any load: %+v, %v", o, err)
	}
	load(t, w, staged(t, w, February, "r2", `SELECT DATE '2020-02-05' AS day, CAST(7 AS DECIMAL(38,6)) AS total`))
	load(t, w, staged(t, w, January, "r1", two))
	load(t, w, staged(t, w, March, "r3", ""))
	rows, err := w.Warehouse.Committed(t.Context(), "p", false)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%+v, %v", rows, err)
	}
	lightRows(t, w, rows)
	digestsAgree(t, w, rows)
	for _, resolved := range []bool{false, true} {
		named, err := w.Warehouse.Committed(t.Context(), "p", resolved, rows[2].Slice.Key, "no such slice", rows[0].Slice.Key)
		if err != nil || !reflect.DeepEqual(named, []hindcast.Committed{rows[0], rows[2]}) {
			t.Errorf("the rows of two slices by name are %+v, %v", named, err)
		}
	}
	details, err := w.Warehouse.Details(t.Context(), "p", target.Table, []string{rows[1].Slice.Key})
	if err != nil || len(details) != 1 || !reflect.DeepEqual(details[0], rows[1]) {
		t.Errorf("the details are %+v, %v", details, err)
	}
	for _, edit := range []struct{ sql, want string }{
		{"", ""},
		{"UPDATE result SET total = 9 - total WHERE total IS NOT NULL", "2020-01-01,2020-02-01"}, // as many rows, and the same sum of all
		{"UPDATE result SET total = 8 WHERE day = DATE '2020-02-05'", "2020-01-01,2020-02-01"},
		{"INSERT INTO result VALUES (DATE '2020-03-31', 1), (DATE '2020-04-01', 1)", "2020-01-01,2020-02-01,2020-03-01"},
		{"DELETE FROM result", "2020-01-01,2020-02-01"},
	} {
		if edit.sql != "" {
			w.Exec(t, edit.sql)
		}
		keys, err := w.Warehouse.Edited(t.Context(), "p", warehouse.Published{Target: target, Columns: columns, TimeZone: "UTC"})
		if err != nil || strings.Join(keys, ",") != edit.want {
			t.Errorf("after %q: %v, %v", edit.sql, keys, err)
		}
	}
}

// lightRows: the overview has all rows, or those whose slices begin within some times.
func lightRows(t *testing.T, w *World, rows []hindcast.Committed) {
	t.Helper()
	var want []hindcast.Committed
	for _, c := range rows {
		c.Parts, c.Sums, c.Attempt, c.Previous, c.Publication = hindcast.Parts{}, hindcast.Sums{}, 0, "", ""
		want = append(want, c)
	}
	for _, c := range []struct {
		within []hindcast.Interval
		want   []hindcast.Committed
	}{
		{nil, want},
		{[]hindcast.Interval{}, nil},
		{[]hindcast.Interval{January, March}, []hindcast.Committed{want[0], want[2]}},
		{[]hindcast.Interval{{Start: January.Start.Add(time.Microsecond), End: March.Start}}, want[1:2]},
	} {
		o, err := w.Warehouse.Overview(t.Context(), "p", target.Table, c.within)
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := o.Committed("p", target.Table)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(unpacked); !reflect.DeepEqual(got, c.want) {
			t.Errorf("within %v: got\n%+v\nwant\n%+v", c.within, got, c.want)
		}
	}
}

// digestsAgree: the warehouse hashes status rows as whoever expects them does, and finds each change of what it hashes.
func digestsAgree(t *testing.T, w *World, rows []hindcast.Committed) {
	t.Helper()
	ranges := hindcast.Ranges{From: January.Start, Width: 45 * 24 * time.Hour, Count: 2}
	got, err := w.Warehouse.Digests(t.Context(), "p", target.Table, ranges)
	if err != nil {
		t.Fatal(err)
	}
	if got.Hashing == warehouse.HashNone {
		if len(got.Ranges) > 0 {
			t.Errorf("digests without a hashing: %+v", got)
		}
		return
	}

	by := func(c *hindcast.Committed) hindcast.Commits {
		return hindcast.Commits{Run: c.Run, Day: c.CommittedAt.Unix() / (24 * 3600), Rows: 1, First: c.Slice.Start, Last: c.Slice.Start}
	}
	want := []hindcast.Digest{{Range: 0, By: []hindcast.Commits{by(&rows[0]), by(&rows[1])}}, {Range: 1, By: []hindcast.Commits{by(&rows[2])}}}
	hash := got.Hashing.Rows()
	for i, n := range []int{0, 0, 1} {
		want[n].Add(hash(&rows[i]))
	}
	if !reflect.DeepEqual(got.Ranges, want) {
		t.Errorf("the digests are\n%+v\nwant\n%+v", got.Ranges, want)
	}

	for _, other := range []struct{ pipeline, target string }{{"other", target.Table}, {"p", "other"}} {
		if none, err := w.Warehouse.Digests(t.Context(), other.pipeline, other.target, ranges); err != nil || len(none.Ranges) > 0 {
			t.Errorf("of %v: %+v, %v", other, none, err)
		}
	}
	later := hindcast.Ranges{From: February.Start, Width: 28 * 24 * time.Hour, Count: 1}
	some, err := w.Warehouse.Digests(t.Context(), "p", target.Table, later)
	if err != nil || len(some.Ranges) != 1 || some.Ranges[0].Rows != 1 || some.Ranges[0].By[0].Run != "r2" {
		t.Errorf("of four weeks from February on: %+v, %v", some, err)
	}
}

func loadReplaces(t *testing.T, w *World) {
	prepare(t, w, 1)
	load(t, w, staged(t, w, February, "r1", `SELECT DATE '2020-02-05' AS day, CAST(7 AS DECIMAL(38,6)) AS total`))
	load(t, w, staged(t, w, January, "r1", one))
	c := load(t, w, staged(t, w, January, "r2", two))
	want := "2020-01-06,2.000000\n2020-01-07,NULL\n2020-02-05,7.000000"
	if got := w.Query(t, "SELECT day, total FROM result ORDER BY day"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	rows, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%+v, %v", rows, err)
	}
	if !reflect.DeepEqual(rows[0], c) {
		t.Errorf("the status row is\n%+v, Load gave\n%+v", rows[0], c)
	}
	if rows[0].Run != "r2" || rows[0].Fingerprint != "print-r2" || rows[0].Sums.Rows != 2 || rows[0].Parts.Facts["f"] != "1" {
		t.Errorf("the status row is %+v", rows[0])
	}
}

func loadPrevious(t *testing.T, w *World) {
	prepare(t, w, 1)
	first := load(t, w, staged(t, w, January, "r1", one))
	if first.Previous != "" {
		t.Errorf("nothing was replaced, yet kept in %s", first.Previous)
	}
	second := load(t, w, staged(t, w, January, "r2", two))
	kept, err := filepath.Glob(filepath.Join(second.Previous, "*.parquet"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("no previous rows below %q: %v", second.Previous, err)
	}
	if sums := Sums(t, columns, kept); sums.Rows != first.Sums.Rows || !maps.Equal(sums.Totals, first.Sums.Totals) {
		t.Errorf("kept %+v, replaced %+v", sums, first.Sums)
	}
}

// loadKeep: the caller is handed the previous rows, and their status rows, while the load can still be rolled back, and only
// if there are any.
func loadKeep(t *testing.T, w *World) {
	prepare(t, w, 1)
	calls := 0
	var handed []hindcast.Committed
	keeping := func(run, rows string, keep error) Load {
		l := staged(t, w, January, run, rows)
		l.PreviousAs = "s3://bucket/previous/" + run
		l.Keep = func(_ context.Context, kept []warehouse.Kept) error {
			calls++
			handed = kept[0].Rows
			if kept, err := filepath.Glob(filepath.Join(l.Previous, "*.parquet")); err != nil || len(kept) == 0 {
				t.Errorf("asked to keep nothing below %s: %v", l.Previous, err)
			}
			return keep
		}
		return l
	}
	first := load(t, w, keeping("r1", one, nil))
	if calls != 0 || first.Previous != "" {
		t.Errorf("nothing was replaced, yet kept %d times, in %q", calls, first.Previous)
	}
	second := load(t, w, keeping("r2", two, nil))
	if second.Previous != "s3://bucket/previous/r2" || calls != 1 {
		t.Errorf("kept %d times, in %q", calls, second.Previous)
	}
	if !reflect.DeepEqual(handed, []hindcast.Committed{first}) {
		t.Errorf("with the rows of\n%+v it was handed\n%+v", first, handed)
	}
	full := &hindcast.Error{Code: hindcast.EDiskFull, Class: hindcast.ClassResource, Message: "the bucket is full"}
	_, err := keeping("r3", one, full).Into(t.Context(), w.Warehouse)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EDiskFull || e.Class != hindcast.ClassResource {
		t.Errorf("previous rows that could not be kept: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := keeping("r4", one, nil)
	l.Keep = func(ctx context.Context, _ []warehouse.Kept) error { cancel(); <-ctx.Done(); return ctx.Err() }
	if _, err := l.Into(ctx, w.Warehouse); err == nil {
		t.Error("a load that was cancelled while its rows were kept was committed")
	}
	rows, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil || len(rows) != 1 || rows[0].Run != "r2" || rows[0].Previous != second.Previous {
		t.Errorf("committed %+v, %v", rows, err)
	}
	if got := w.Query(t, "SELECT count(*) FROM result"); got != "2" {
		t.Errorf("the target has %s rows", got)
	}
	load(t, w, staged(t, w, January, "r5", one)) // nothing is locked any more
}

// loadKeepsStatus: a slice without rows has a status row, which is handed over too.
func loadKeepsStatus(t *testing.T, w *World) {
	prepare(t, w, 1)
	first := load(t, w, staged(t, w, January, "r1", ""))
	l := staged(t, w, January, "r2", one)
	l.PreviousAs = "previous/r2"
	var handed [][]hindcast.Committed
	l.Keep = func(_ context.Context, kept []warehouse.Kept) error {
		handed = append(handed, kept[0].Rows)
		return nil
	}
	second := load(t, w, l)
	if !reflect.DeepEqual(handed, [][]hindcast.Committed{{first}}) || second.Previous != l.PreviousAs {
		t.Errorf("handed over %+v, kept in %q", handed, second.Previous)
	}
	if first.Publication != "r1" || second.Publication != "r2" {
		t.Errorf("published by %q and %q", first.Publication, second.Publication)
	}
}

func loadEmpty(t *testing.T, w *World) {
	prepare(t, w, 1)
	load(t, w, staged(t, w, January, "r1", one))
	c := load(t, w, staged(t, w, January, "r2", ""))
	if got := w.Query(t, "SELECT count(*) FROM result"); got != "0" || c.Sums.Rows != 0 {
		t.Errorf("%s rows, %+v", got, c)
	}
	if rows, err := w.Warehouse.Committed(t.Context(), "p", true); err != nil || len(rows) != 1 || rows[0].Run != "r2" {
		t.Errorf("%+v, %v", rows, err)
	}
}

func loadFails(t *testing.T, w *World) {
	prepare(t, w, 1)
	load(t, w, staged(t, w, January, "r1", one))
	wrong := staged(t, w, January, "r2", two)
	wrong.Rows = 99
	broken := staged(t, w, January, "r2", two)
	if err := os.WriteFile(broken.Files[0].Path, []byte("PAR1 but not really PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for what, l := range map[string]Load{"count": wrong, "parquet": broken} {
		if _, err := l.Into(t.Context(), w.Warehouse); err == nil {
			t.Errorf("%s: the load succeeded", what)
		}
	}
	if _, err := staged(t, w, January, "r2", two).Into(canceled, w.Warehouse); err == nil {
		t.Error("a cancelled load succeeded")
	}
	if got := w.Query(t, "SELECT day, total FROM result"); got != "2020-01-05,1.500000" {
		t.Errorf("the target holds %s", got)
	}
	if rows, _ := w.Warehouse.Committed(t.Context(), "p", true); len(rows) != 1 || rows[0].Run != "r1" {
		t.Errorf("status %+v", rows)
	}
}

func loadOverlap(t *testing.T, w *World) {
	prepare(t, w, 1)
	load(t, w, staged(t, w, January, "r1", one))
	load(t, w, staged(t, w, February, "r1", ""))
	both := hindcast.Interval{Start: January.Start, End: February.End}
	load(t, w, staged(t, w, both, "r2", two))
	rows, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil || len(rows) != 1 || rows[0].Run != "r2" {
		t.Errorf("%+v, %v", rows, err)
	}
}

func fenced(t *testing.T, w *World) {
	prepare(t, w, 1)
	load(t, w, staged(t, w, January, "r1", one))
	prepare(t, w, 2)
	_, err := staged(t, w, January, "zombie", two).Into(t.Context(), w.Warehouse) // its fence is 1
	if err == nil || hindcast.AsError(err).Code != hindcast.EFenced {
		t.Errorf("a fenced load: %v", err)
	}
	if got := w.Query(t, "SELECT count(*) FROM result"); got != "1" {
		t.Errorf("%s rows", got)
	}
}

func hooks(t *testing.T, w *World) {
	prepare(t, w, 1)
	w.Exec(t, "CREATE TABLE audit (what VARCHAR)")
	l := staged(t, w, January, "r1", one)
	l.Hooks = hindcast.Load{Before: []string{"INSERT INTO audit VALUES ('before'); -- and\nINSERT INTO audit VALUES ('in one; too');"}, After: []string{"INSERT INTO audit SELECT 'after ' || count(*) FROM result"}}
	load(t, w, l)
	if got := w.Query(t, "SELECT what FROM audit ORDER BY what"); got != "after 1\nbefore\nin one; too" {
		t.Errorf("audit holds %q", got)
	}
	bad := staged(t, w, January, "r2", two)
	bad.Hooks = hindcast.Load{Before: []string{"INSERT INTO audit VALUES ('gone')"}, After: []string{"SELECT * FROM nowhere"}}
	if _, err := bad.Into(t.Context(), w.Warehouse); err == nil || hindcast.AsError(err).Code != hindcast.EHook {
		t.Errorf("a failing hook: %v", err)
	}
	commit := staged(t, w, January, "r2", two)
	commit.Hooks.After = []string{"/* sly */ commit"}
	if _, err := commit.Into(t.Context(), w.Warehouse); err == nil || !strings.Contains(err.Error(), "transaction") {
		t.Errorf("COMMIT in a hook: %v", err)
	}
	if got := w.Query(t, "SELECT count(*) FROM audit"); got != "3" {
		t.Errorf("audit has %s rows", got)
	}
}

func published(t *testing.T, w *World) {
	prepare(t, w, 1)
	c := load(t, w, staged(t, w, January, "r1", two))
	ask := warehouse.Published{Target: target, Columns: columns, Intervals: []hindcast.Interval{January, February}}
	sums, err := w.Warehouse.Published(t.Context(), ask)
	if err != nil || !reflect.DeepEqual(sums[0], c.Sums) || sums[1].Rows != 0 {
		t.Errorf("%+v, %v; committed %+v", sums, err, c.Sums)
	}
	w.Exec(t, "UPDATE result SET total = 3 WHERE day = DATE '2020-01-06'")
	if sums, err = w.Warehouse.Published(t.Context(), ask); err != nil || sums[0].Agrees(c.Sums) {
		t.Errorf("an edit was not seen: %+v, %v", sums, err)
	}
}

// altered: a column that is not the one that was loaded any more, though no row was written, is an edit; another column is not.
func altered(t *testing.T, w *World) {
	for _, alter := range []struct {
		edits      bool
		statements []string
	}{
		{false, []string{"ALTER TABLE result ADD COLUMN other DECIMAL(38,6) DEFAULT 7"}},
		{false, []string{"ALTER TABLE result RENAME COLUMN other TO more"}},
		{false, []string{"ALTER TABLE result DROP COLUMN more", "ALTER TABLE result ADD COLUMN more DECIMAL(38,6) DEFAULT 7"}},
		{true, []string{"ALTER TABLE result RENAME COLUMN total TO was", "ALTER TABLE result RENAME COLUMN more TO total"}},
		{true, []string{"ALTER TABLE result DROP COLUMN total", "ALTER TABLE result ADD COLUMN total DECIMAL(38,6)"}},
		{true, []string{"ALTER TABLE result DROP COLUMN total", "ALTER TABLE result ADD COLUMN total DECIMAL(38,6) DEFAULT 7"}},
		{true, []string{"TRUNCATE result"}},
	} {
		prepare(t, w, 1)
		c := load(t, w, staged(t, w, January, "r1", two))
		for _, statement := range alter.statements {
			w.Exec(t, statement)
		}

		ask := warehouse.Published{Target: target, Columns: columns, Intervals: []hindcast.Interval{January}, TimeZone: "UTC"}
		sums, err := w.Warehouse.Published(t.Context(), ask)
		if err != nil || sums[0].Agrees(c.Sums) == alter.edits {
			t.Errorf("after %q there are %+v, %v; committed %+v", alter.statements, sums, err, c.Sums)
		}
		keys, err := w.Warehouse.Edited(t.Context(), "p", ask)
		if err != nil || (len(keys) == 1) != alter.edits {
			t.Errorf("after %q these slices are edited: %v, %v", alter.statements, keys, err)
		}
	}
}

func reopened(t *testing.T, w *World) {
	prepare(t, w, 1)
	c := load(t, w, staged(t, w, January, "r1", one))
	w.Warehouse = w.Reopen(t)
	rows, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil || len(rows) != 1 || !reflect.DeepEqual(rows[0], c) {
		t.Errorf("%+v, %v", rows, err)
	}
}
