package scaffold_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/demo"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/scaffold"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// billing makes two-month tables, of which the given months are left out.
func billing(from, count int, without ...string) string {
	var out strings.Builder
	for i := range count {
		start := time.Date(from, time.Month(1+2*i), 1, 0, 0, 0, 0, time.UTC)
		name := start.Format("billing_2006_01")
		if strings.Contains(strings.Join(without, " "), name) {
			continue
		}
		fmt.Fprintf(&out, `CREATE TABLE %s AS SELECT DATE '%s' + CAST(range %% 59 AS INTEGER) AS usage_date,
			DATE '%s' + 70 AS billing_period_start, 'a' || range %% 7 AS account_id, 's' || range %% 3 AS sku_id, range AS line_id,
			CAST(range AS DECIMAL(18,6)) AS cost, CAST(range AS DECIMAL(18,8)) AS list_cost, 'x' AS region FROM range(100);`,
			name, start.Format(time.DateOnly), start.Format(time.DateOnly))
	}
	return out.String()
}

// dated makes count tables from 2016 on, each as many months long.
func dated(layout string, count, every int) string {
	var out strings.Builder
	for i := range count {
		start := time.Date(2016, time.Month(1+every*i), 1, 0, 0, 0, 0, time.UTC)
		fmt.Fprintf(&out, `CREATE TABLE %s AS SELECT DATE '%s' + CAST(range AS INTEGER) AS usage_date, 'a' || range %% 3 AS account_id,
			CAST(range AS DECIMAL(18,6)) AS cost FROM range(20);`, start.Format(layout), start.Format(time.DateOnly))
	}
	return out.String()
}

// numbered are n names.
func numbered(name string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s%d", name, i)
	}
	return list
}

const dimensions = `CREATE TABLE accounts AS SELECT 'a' || range AS account_id, 'n' AS account_name, DATE '2016-01-01' AS created_at FROM range(7);
	CREATE TABLE skus AS SELECT 's' || range AS sku_id, 'n' AS sku_name FROM range(3);
	CREATE TABLE hindcast_status (i INT); CREATE TABLE notes (text VARCHAR);`

var cases = []struct {
	name   string
	tables string
	first  string // the first fact's table
	period string
	from   string
	to     string
	dims   string
	key    string
	gaps   string
	idle   int

	unplanned bool // plan refuses the file until somebody says what a missing table means
}{
	{name: "gap", tables: billing(2016, 9, "billing_2016_07", "billing_2017_01") + dimensions,
		first: "billing_{yyyy}_{mm}", period: "2 months", from: "2016-01-01", to: "2017-07-01", dims: "accounts skus",
		key: "usage_month account_id sku_id", gaps: "billing_2016_07 billing_2017_01"},
	{name: "single", tables: `CREATE TABLE events AS SELECT TIMESTAMPTZ '2020-01-15 10:00:00+00' + INTERVAL 1 HOUR * range AS created_at,
			now() AS updated_at, range % 5 AS user_id, range AS id, CAST(range AS INTEGER) AS amount FROM range(20000);
		CREATE TABLE users AS SELECT range AS id, 'n' AS name, now() AS created_at FROM range(5);`,
		first: "events", period: "1 month", from: "2020-01-01", to: "2022-05-01", dims: "users", key: "created_month user_id"},
	{name: "short", tables: `CREATE TABLE clicks AS SELECT DATE '2020-01-15' + CAST(range AS INTEGER) AS day, CAST(1.5 AS DOUBLE) AS weight FROM range(30)`,
		first: "clicks", period: "1 day", from: "2020-01-15", to: "2020-02-14", key: "day"},
	{name: "none", tables: `CREATE TABLE notes (text VARCHAR); CREATE TABLE billing (cost INTEGER)`},
	{name: "names", tables: `CREATE SCHEMA "Old.Data"; CREATE TABLE "Old.Data"."Order ""Lines"" 2020Q1" AS SELECT TIMESTAMP '2020-02-01' AS "Order Date", UUID '00000000-0000-0000-0000-000000000000' AS "CustomerID", 1.5::DECIMAL(9,2) AS "Select" FROM range(3);
		CREATE TABLE "Old.Data"."order ""lines"" 2020q3" AS SELECT TIMESTAMP '2020-08-01' AS "Order Date", 'new' AS added, UUID '00000000-0000-0000-0000-000000000000' AS "CustomerID", 1.5::DECIMAL(9,2) AS "Select" FROM range(3);
		CREATE TABLE "Customers" AS SELECT UUID '00000000-0000-0000-0000-000000000000' AS "CustomerID";`,
		first: `"Old.Data"."Order ""Lines"" {yyyy}Q{q}"`, period: "2 quarters", from: "2020-01-01", to: "2021-01-01", dims: "customers", key: "order_month CustomerID"},
	{name: "several", tables: billing(2016, 4) + `CREATE TABLE usage_2016_03 AS SELECT 'a1' AS account_id, 2 AS n; CREATE TABLE usage_2016_04 AS SELECT 'a1' AS account_id, 2 AS n;
		CREATE TABLE year_2016 AS SELECT 1 AS n; CREATE TABLE year_2017 AS SELECT 1 AS n; CREATE TABLE billing_summary (usage_month DATE, account_id VARCHAR);
		CREATE TABLE "order" AS SELECT DATE '2016-02-03' AS order_date FROM range(10);`,
		first: "billing_{yyyy}_{mm}", period: "2 months", from: "2016-01-01", to: "2016-09-01", key: "usage_month account_id", idle: 1},
	{name: "outside", tables: `CREATE TABLE log_20200107 AS SELECT TIMESTAMP '2019-01-01' AS event_time, 1 AS n; CREATE TABLE log_20200114 AS SELECT TIMESTAMP '2020-01-15' AS event_time, 1 AS n;`,
		first: "log_{yyyy}{mm}{dd}", period: "1 week", from: "2020-01-07", to: "2020-01-21", key: "slice_start"},
	{name: "hours", tables: `CREATE TABLE hits_2020010122 AS SELECT TIMESTAMP '2020-01-01 22:10:00' AS ts, 1 AS n; CREATE TABLE hits_2020010123 AS SELECT TIMESTAMP '2020-01-01 23:59:59' AS ts, 1 AS n;`,
		first: "hits_{yyyy}{mm}{dd}{hh}", period: "1 hour", from: "2020-01-01T22:00", to: "2020-01-02", key: "hour"},
	{name: "lone", tables: `CREATE TABLE sales_2020 AS SELECT 7 AS amount, 'x' AS shop_code FROM range(3)`,
		first: "sales_{yyyy}", period: "1 year", from: "2020-01-01", to: "2021-01-01", key: "slice_start shop_code"},
	{name: "views", tables: `CREATE TABLE raw AS SELECT DATE '2020-01-01' AS d, 1 AS n; CREATE VIEW v_2020_01 AS SELECT * FROM raw; CREATE VIEW v_2020_02 AS SELECT * REPLACE (DATE '2020-02-02' AS d) FROM raw;
		CREATE TABLE model_2024 (n INTEGER); CREATE TABLE "odd${X}" (created_at DATE); CREATE TABLE "br{ace}" (created_at DATE)`,
		first: "raw", period: "1 day", from: "2020-01-01", to: "2020-01-02", key: "d_day", idle: 1},
	{name: "days", tables: dated("table_20060102", 12, 2) + `CREATE TABLE table_20160415 AS FROM table_20160101; DROP TABLE table_20160701`,
		first: "table_{yyyy}{mm}{dd}", period: "2 months", from: "2016-01-01", to: "2018-01-01", key: "usage_month account_id", gaps: "table_20160701", unplanned: true},
	{name: "middle", tables: `CREATE TABLE t_20160115 AS SELECT DATE '2016-01-15' + CAST(range AS INTEGER) AS usage_date, 'a' || range % 3 AS account_id FROM range(31);
		CREATE TABLE t_20160215 AS SELECT DATE '2016-02-15' + CAST(range AS INTEGER) AS usage_date, 'a' || range % 3 AS account_id FROM range(29)`,
		first: "t_{yyyy}{mm}{dd}", period: "1 month", from: "2016-01-15", to: "2016-03-15", key: "usage_day account_id"},
	{name: "weeks", tables: dated("table_20060102", 2, 1) + `CREATE TABLE w_2020w01 AS FROM table_20160101; CREATE TABLE "w_2020-W02" AS FROM table_20160101`,
		first: "table_{yyyy}{mm}{dd}", period: "1 month", from: "2016-01-01", to: "2016-03-01", key: "usage_month account_id"},
	{name: "wide", tables: `CREATE TABLE usage AS SELECT DATE '2020-01-15' + CAST(range AS INTEGER) AS day, 1.5::DECIMAL(9,2) AS cost, ` +
		"1 AS " + strings.Join(numbered("x", 20), ", 1 AS ") + ` FROM range(30)`,
		first: "usage", period: "1 day", from: "2020-01-15", to: "2020-02-14", key: "day"},
	{name: "empty", tables: `CREATE TABLE events (created_at TIMESTAMP, user_id BIGINT)`, first: "events", period: "1 month", from: "2016-01-01", to: "today", key: "created_month user_id"},
}

func TestWrite(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "warehouse.duckdb")
			execute(t, path, c.tables)
			w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			found, err := scaffold.Write(t.Context(), dir, w, scaffold.Options{Warehouse: "duckdb:warehouse.duckdb"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := config.Load(t.Context(), found.File); err != nil {
				t.Fatalf("%v\n%s", err, read(t, found.File))
			}
			golden(t, c.name, dir, found)
			p := withDimensions(t, found)
			if c.first == "" {
				if len(found.Facts) > 0 {
					t.Errorf("found %v", found.Facts)
				}
				return
			}
			first := p.Facts[0]
			check(t, "table", first.Table, c.first)
			check(t, "period", p.History.Every.String(), c.period)
			form := time.DateOnly
			if p.History.From.Hour() > 0 {
				form = "2006-01-02T15:04"
			}
			check(t, "from", p.History.From.Format(form), c.from)
			check(t, "to", p.History.To, c.to)
			check(t, "key", strings.Join(p.Output().Target.Key, " "), c.key)
			check(t, "gaps", strings.Join(found.Facts[0].Missing, " "), c.gaps)
			var dims []string
			for _, d := range p.Dims {
				dims = append(dims, d.Name)
			}
			if c.dims != "" {
				check(t, "dimensions", strings.Join(dims, " "), c.dims)
			}
			idle := 0
			for _, f := range found.Facts {
				if f.Idle != "" {
					idle++
				}
			}
			if idle != c.idle {
				t.Errorf("%d facts are idle, want %d", idle, c.idle)
			}
			if c.unplanned {
				check(t, "missing", string(first.Missing), "fail")
				return
			}
			slicesBind(t, path, p, w)
		})
	}
}

// slicesBind plans the history, and runs the SQL over each slice's own tables, with the check's totals.
func slicesBind(t *testing.T, path string, p *hindcast.Pipeline, w *duckdb.Owner) {
	t.Helper()
	now := time.Date(2016, 5, 1, 0, 0, 0, 0, time.UTC)
	to, err := plan.ResolveTo(p, now)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := plan.Cut(p.History, to)
	if err != nil {
		t.Fatal(err)
	}
	described, err := w.Describe(t.Context(), plan.Tables(p, cut))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]plan.Source{}
	for name, table := range described {
		sources[name] = plan.Source{Columns: table.Columns, Rows: table.Rows, Bytes: table.Bytes}
	}
	made, err := plan.Make(plan.Inputs{Pipeline: p, Now: now, Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	ran := 0
	for _, item := range made.Items {
		if item.Reason == hindcast.ReasonMissing {
			continue
		}
		ran++
		bindSlice(t, db, p, made, item, now)
	}
	if ran == 0 {
		t.Error("no slice was run")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// bindSlice makes views of the slice's facts and dimensions and runs the SQL over them: its rows lie in the slice
// and its key holds.
func bindSlice(t *testing.T, db *sql.DB, p *hindcast.Pipeline, made *plan.Plan, item plan.Item, now time.Time) {
	t.Helper()
	view := func(name, query string) {
		exec(t, db, "CREATE OR REPLACE TEMP VIEW "+duck.Name(name)+" AS "+query)
	}
	exec(t, db, "SET TimeZone='UTC'")
	for _, f := range p.Facts {
		for _, key := range item.Units.Of(f.Name) {
			for _, u := range made.Units {
				if u.Fact != f.Name || u.Key != key {
					continue
				}
				where := ""
				if f.Time != "" {
					where = " WHERE " + duck.Window(f.Time, "TIMESTAMP", item.Slice.Interval, p.History.TimeZone)
				}
				source := qualified(u.Source)
				if n := value(t, db, "SELECT count(*) FROM duckdb_columns() WHERE lower(schema_name || '.' || table_name) = lower("+
					duck.String(plainName(u.Source))+") AND NOT internal AND database_name = 'warehouse'"); n == "0" {
					continue
				}
				view(f.Name, "SELECT * FROM "+source+where)
			}
		}
	}
	for _, d := range p.Dims {
		view(d.Name, "SELECT * FROM "+qualified(d.Table))
	}
	params := plan.Params(item.Slice, now, p)
	query, _, err := sqltext.Standard.Bind(p.Output().Text, params)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE OR REPLACE TEMP TABLE result AS "+query)
	typ := value(t, db, "SELECT data_type FROM duckdb_columns() WHERE table_name = 'result' AND column_name = "+duck.String(p.Output().Target.Time))
	if !hindcast.IsTime(typ) {
		t.Errorf("target.time has type %s", typ)
	}
	inside := duck.Window(p.Output().Target.Time, typ, item.Slice.Interval, p.History.TimeZone)
	check(t, "rows outside", value(t, db, "SELECT count(*) FROM result WHERE "+inside+" IS NOT TRUE"), "0")
	var key []string
	for _, k := range p.Output().Target.Key {
		key = append(key, duck.Name(k))
	}
	check(t, "double keys", value(t, db, "SELECT count(*) - count(DISTINCT ("+strings.Join(key, ", ")+")) FROM result"), "0")
	for _, c := range p.Output().Checks {
		if c.Total != nil {
			check(t, "total", value(t, db, "SELECT sum("+duck.Name(c.Total.Of)+") FROM result"), value(t, db, c.Total.Equals))
		}
	}
	for _, line := range strings.Split(p.Output().Text, "\n") { // the joins that are shown in comments bind too
		if join, ok := strings.CutPrefix(line, "-- LEFT JOIN"); ok {
			joined := strings.Replace(query, line, "LEFT JOIN"+join, 1)
			exec(t, db, "CREATE OR REPLACE TEMP TABLE joined AS "+joined)
		}
	}
}

// qualified names the table itself, which a view of the slice may hide.
func qualified(name string) string {
	parts := duck.SplitTable(name)
	if len(parts) == 1 {
		parts = []string{"main", parts[0]}
	}
	for i, part := range parts {
		parts[i] = duck.Name(part)
	}
	return "warehouse." + strings.Join(parts, ".")
}

func plainName(name string) string {
	parts := duck.SplitTable(name)
	if len(parts) == 1 {
		parts = []string{"main", parts[0]}
	}
	return strings.Join(parts, ".")
}

// withDimensions reads the pipeline file with its dimensions uncommented.
func withDimensions(t *testing.T, found scaffold.Found) *hindcast.Pipeline {
	t.Helper()
	before, block, there := strings.Cut(read(t, found.File), "\n# dimensions:\n")
	block, after, _ := strings.Cut(block, "\n\n")
	if there && len(found.Dimensions) > 0 {
		block = strings.TrimPrefix(strings.ReplaceAll("\n"+block, "\n# ", "\n"), "\n")
		if err := os.WriteFile(found.File, []byte(before+"\ndimensions:\n"+block+"\n\n"+after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := config.Load(t.Context(), found.File)
	if err != nil {
		t.Fatalf("%v\n%s", err, read(t, found.File))
	}
	return p
}

func TestBlankExplainsEveryKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	found, err := scaffold.Write(t.Context(), dir, nil, scaffold.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(t.Context(), found.File); err != nil {
		t.Fatal(err)
	}
	text := read(t, found.File)
	for _, k := range config.Keys() {
		if name := k.Name(); name != "*" && !strings.Contains(text, name+":") && !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s is not in the blank file", k.Path)
		}
	}
	if strings.Contains(text, "guessed") {
		t.Error("a blank file guesses nothing")
	}
	golden(t, "blank", dir, found)
}

func TestNothingIsOverwritten(t *testing.T) {
	for _, name := range []string{"hindcast.yml", "billing_summary.sql"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := scaffold.Write(t.Context(), dir, nil, scaffold.Options{})
		e := hindcast.AsError(err)
		if err == nil || e.Code != hindcast.EUsage || !strings.Contains(e.Message, path) || e.Next == "" {
			t.Errorf("got %v, %q", err, e)
		}
		check(t, name, read(t, path), "mine")
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%d files are there, %v", len(entries), err)
		}
	}
}

// The demo's own tables are read as its pipeline has them.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "warehouse.duckdb")
	if _, err := demo.Generate(t.Context(), demo.Options{Path: path, Slices: 5, Rows: 400}); err != nil {
		t.Fatal(err)
	}
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	found, err := scaffold.Write(t.Context(), dir, w, scaffold.Options{Warehouse: "duckdb:warehouse.duckdb"})
	if err != nil {
		t.Fatal(err)
	}
	p := withDimensions(t, found)
	check(t, "table", p.Facts[0].Table, "billing_{yyyy}_{mm}")
	check(t, "time", p.Output().Target.Time, "usage_month")
	check(t, "to", p.History.To, "2016-11-01")
	if len(p.Facts) != 1 || len(p.Dims) != 2 {
		t.Errorf("got facts %v and dimensions %v", p.Facts, p.Dims)
	}
	slicesBind(t, path, p, w)
}

// blind is a warehouse that knows of no value of any column.
type blind struct{ warehouse.Warehouse }

func (blind) Bounds(context.Context, string, string) (first, last time.Time, err error) { return }

func (blind) Spread(context.Context, string, []string) (s warehouse.Spread, err error) { return }

func TestWithoutBounds(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "warehouse.duckdb")
	execute(t, path, billing(2016, 2)+"CREATE TABLE events AS SELECT now() AS created_at;")
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	found, err := scaffold.Write(t.Context(), dir, blind{w}, scaffold.Options{Warehouse: "duckdb:warehouse.duckdb", Pipeline: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := config.Load(t.Context(), found.File)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "name", p.Name, "mine")
	check(t, "time", p.Output().Target.Time, "slice_start")
	slicesBind(t, path, p, w)
}

// Every word that DuckDB keeps for itself is known: the names that init makes need no quotes.
func TestReservedWords(t *testing.T) {
	db := open(t, "")
	words := value(t, db, "SELECT string_agg(keyword_name, ' ') FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')")
	if len(strings.Fields(words)) < 80 {
		t.Fatalf("DuckDB has only these: %s", words)
	}
	for _, word := range strings.Fields(words) {
		name := scaffold.Unquoted(word)
		exec(t, db, "CREATE TABLE "+name+" (i INTEGER)")
		exec(t, db, "SELECT * FROM "+name+" AS f")
	}
}

// golden compares the files and the summary with what is kept.
func golden(t *testing.T, name, dir string, found scaffold.Found) {
	t.Helper()
	text := "-- hindcast.yml --\n" + read(t, found.File) + "-- " + filepath.Base(found.SQLFile) + " --\n" + read(t, found.SQLFile) +
		"-- stdout --\n" + strings.ReplaceAll(found.Text(), dir+string(filepath.Separator), "")
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, path); text != want {
		t.Errorf("%s differs; got\n%s", path, text)
	}
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

func execute(t *testing.T, path, statements string) {
	t.Helper()
	db := open(t, path)
	exec(t, db, statements)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}

func value(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var out sql.NullString
	if err := db.QueryRow("SELECT CAST((" + query + ") AS VARCHAR)").Scan(&out); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return out.String
}
