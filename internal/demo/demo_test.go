package demo

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// generate makes a warehouse and returns its path.
func generate(t *testing.T, o Options) string {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "w.duckdb")
	}
	if _, err := Generate(t.Context(), o); err != nil {
		t.Fatal(err)
	}

	return o.Path
}

func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = db.Close() })
	return db
}

// value runs a query of one value, as text; "" is NULL.
func value(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var text sql.NullString
	if err := db.QueryRowContext(t.Context(), "SELECT CAST(("+query+") AS VARCHAR)").Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text.String
}

// all is the demo's lines as one fact.
func all(n int) string {
	tables := make([]string, n)
	for i := range tables {
		tables[i] = "SELECT *, '" + TableName(i) + "' AS source FROM " + TableName(i)
	}
	return "(" + strings.Join(tables, " UNION ALL ") + ")"
}

// checksum returns a query for a checksum of all values of a table, in the order of the key. MD5 is the same in every
// version of DuckDB.
func checksum(from, key string) string {
	return "SELECT md5(string_agg(CAST(t AS VARCHAR), chr(10) ORDER BY " + key + ")) FROM " + from + " t"
}

// A seed's values are pinned: they must not depend on threads, time or DuckDB's version. If the demo changes on
// purpose, update them.
func TestSeedIsPinned(t *testing.T) {
	const n = 3
	pinned := map[string]string{
		checksum(all(n), "line_id"):        "ffb05acc7eb750979ff7b91799c5c610",
		checksum("accounts", "account_id"): "889445af01477b89561d7f8add12a013",
		checksum("skus", "sku_id"):         "a13061bbd43e51dc7431e4ca7853be6f",
	}

	before := runtime.GOMAXPROCS(1)
	one := open(t, generate(t, Options{Slices: n, Rows: 1000}))
	runtime.GOMAXPROCS(4)
	many := open(t, generate(t, Options{Slices: n, Rows: 1000, Seed: 1}))
	runtime.GOMAXPROCS(before)
	other := open(t, generate(t, Options{Slices: n, Rows: 1000, Seed: 2}))
	for query, want := range pinned {
		if got := value(t, one, query); got != want {
			t.Errorf("one thread: got %s, want %s by %s", got, want, query)
		}
		if got := value(t, many, query); got != want {
			t.Errorf("many threads: got %s, want %s by %s", got, want, query)
		}
		if got := value(t, other, query); got == want && !strings.Contains(query, "skus") {
			t.Errorf("seed 2 gives the values of seed 1 by %s", query)
		}
	}
}

func TestShape(t *testing.T) {
	const n = 36
	db := open(t, generate(t, Options{Rows: 3000}))
	lines := all(n)

	// Each query counts, or returns true or false.
	for _, test := range []struct{ what, query, want string }{
		{"tables", "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'billing_%'", "36"},
		{"first and last table", "SELECT min(table_name) || ' ' || max(table_name) FROM duckdb_tables() WHERE table_name LIKE 'billing_%'",
			"billing_2016_01 billing_2021_11"},
		{"rows in each", "SELECT min(n) || ' ' || max(n) FROM (SELECT count(*) AS n FROM " + lines + " GROUP BY source)", "3000 3000"},
		{"line ids twice", "SELECT count(*) - count(DISTINCT line_id) FROM " + lines, "0"},
		{"usage outside its table", `SELECT count(*) FROM ` + lines + ` WHERE source <> strftime(CASE month(usage_date) % 2
			WHEN 1 THEN usage_date ELSE usage_date - INTERVAL 1 MONTH END, 'billing_%Y_%m')`, "0"},
		{"days without usage", "SELECT 2192 - count(DISTINCT usage_date) FROM " + lines, "0"},
		{"categories", "SELECT string_agg(DISTINCT charge_category, ' ' ORDER BY charge_category) FROM " + lines, "Adjustment Credit Tax Usage"},
		{"usage is most", "SELECT avg((charge_category = 'Usage')::INT) BETWEEN 0.95 AND 0.98 FROM " + lines, "true"},
		{"credits and refunds are negative", "SELECT max(cost) < 0 FROM " + lines + " WHERE charge_category IN ('Credit', 'Adjustment')", "true"},
		{"taxes are positive", "SELECT min(cost) > 0 FROM " + lines + " WHERE charge_category = 'Tax'", "true"},
		{"usage is not negative", "SELECT min(cost) >= 0 AND sum(cost) > 0 FROM " + lines + " WHERE charge_category = 'Usage'", "true"},
		{"cost above list", "SELECT count(*) FROM " + lines + " WHERE charge_category = 'Usage' AND cost > list_cost + 0.000001", "0"},
		{"list cost is amount by price", "SELECT max(abs(list_cost - usage_amount * list_unit_price)) < 0.00000002 FROM " + lines + " JOIN skus USING (sku_id) WHERE list_cost IS NOT NULL", "true"},
		{"some are billed late", "SELECT avg((billing_period_start > usage_date)::INT) BETWEEN 0.02 AND 0.04 FROM " + lines, "true"},
		{"billed before use", "SELECT count(*) FROM " + lines + " WHERE billing_period_start < date_trunc('month', usage_date) OR loaded_at < usage_date", "0"},
		{"late lines load later", "SELECT count(*) FROM " + lines + " WHERE billing_period_start > usage_date AND loaded_at < billing_period_start", "0"},
		{"some regions are NULL", "SELECT avg((region_id IS NULL)::INT) BETWEEN 0.005 AND 0.2 FROM " + lines, "true"},
		{"some resources are NULL", "SELECT avg((resource_id IS NULL)::INT) BETWEEN 0.02 AND 0.3 FROM " + lines, "true"},
		{"some tags are NULL", "SELECT avg((tags IS NULL)::INT) BETWEEN 0.1 AND 0.7 FROM " + lines, "true"},
		{"tags are JSON objects", "SELECT count(*) FROM " + lines + ` WHERE tags IS NOT NULL AND NOT regexp_full_match(tags, '\{"application": "[^"]+", "environment": "[^"]+"\}')`, "0"},
		{"taxes have no SKU", "SELECT count(*) FROM " + lines + " WHERE (sku_id IS NULL) <> (charge_category IN ('Tax', 'Credit'))", "0"},
		{"SKUs are known, with their service and unit", `SELECT count(*) FROM ` + lines + ` l ANTI JOIN skus k ON k.sku_id = l.sku_id
			AND k.service_name = l.service_name AND k.service_category = l.service_category WHERE l.sku_id IS NOT NULL`, "0"},
		{"accounts", "SELECT count(*) FROM accounts", "316"},
		{"accounts twice", "SELECT count(*) - count(DISTINCT account_id) FROM accounts", "0"},
		{"some accounts are not in the dimension", "SELECT count(DISTINCT account_id) BETWEEN 1 AND 4 FROM " + lines + " ANTI JOIN accounts USING (account_id)", "true"},
		{"usage of an account that is not open", "SELECT count(*) FROM " + lines + " JOIN accounts USING (account_id) WHERE usage_date < opened_at OR usage_date >= closed_at", "0"},
		{"accounts vanish", "SELECT count(closed_at) > 20 FROM accounts", "true"},
		{"accounts grow", "SELECT (SELECT count(DISTINCT account_id) FROM billing_2021_11) > 1.4 * (SELECT count(DISTINCT account_id) FROM billing_2016_01)", "true"},
		{"cost grows", "SELECT (SELECT sum(list_cost) FROM billing_2021_11) > (SELECT sum(list_cost) FROM billing_2016_01)", "true"},
		{"a heavy tail: the ten largest accounts have a third of the lines", `SELECT sum(n) > 3000 * 36 / 3.0 FROM
			(SELECT count(*) AS n FROM ` + lines + ` GROUP BY account_id ORDER BY n DESC LIMIT 10)`, "true"},
		{"accounts stay with their provider", `SELECT count(*) FROM ` + lines + ` l JOIN accounts a USING (account_id) JOIN skus k USING (sku_id)
			WHERE a.provider_name <> k.provider_name`, "0"},
	} {
		if got := value(t, db, test.query); got != test.want {
			t.Errorf("%s: got %s, want %s", test.what, got, test.want)
		}
	}
}

// The demo's own SQL, checks and key hold on what it generates.
func TestSummaryHolds(t *testing.T) {
	db := open(t, generate(t, Options{Slices: 2, Rows: 20_000}))
	text, err := render(SQLFile, Options{})
	if err != nil {
		t.Fatal(err)
	}

	const total = "SELECT SUM(cost) FROM billing"
	const gate = "SELECT * FROM result WHERE net_cost < -1e6"
	pipeline, err := render(PipelineFile, Options{})
	if err != nil || !strings.Contains(string(pipeline), total) || !strings.Contains(string(pipeline), gate) {
		t.Fatalf("the pipeline's checks are not those of this test: %v", err)
	}

	for number := range 2 {
		with := func(rate, query string) string {
			return "WITH billing AS (FROM " + TableName(number) + "), result AS (" + strings.ReplaceAll(string(text), ":rate", rate) + ") " + query
		}
		for _, test := range []struct{ what, query, want string }{
			{"total", with("1.0", "SELECT (SELECT sum(billed_cost) FROM result) = ("+total+")"), "true"},
			{"net cost", with("1.0", "SELECT (SELECT sum(net_cost) FROM result) = (SELECT SUM(cost) FROM billing WHERE charge_category <> 'Tax')"), "true"},
			{"parts", with("1.0", "SELECT count(*) FROM result WHERE billed_cost <> net_cost + tax OR credits_and_refunds > 0"), "0"},
			{"rate", with("1.25", "SELECT abs(sum(net_cost) - 1.25 * sum(billed_cost - tax)) < 0.01 FROM result"), "true"},
			{"type at any rate", with("1.0825", "SELECT DISTINCT typeof(net_cost) FROM result"), "DECIMAL(18,6)"},
			{"gate", with("1.0", "SELECT count(*) FROM ("+gate+")"), "0"},
			{"key", with("1.0", "SELECT count(*) - count(DISTINCT (usage_month, account_id, service_name)) FROM result"), "0"},
			{"key is not NULL", with("1.0", "SELECT count(*) FROM result WHERE usage_month IS NULL OR account_id IS NULL OR service_name IS NULL"), "0"},
			{"time", with("1.0", "SELECT strftime(min(usage_month), 'billing_%Y_%m') || ' ' || datediff('month', min(usage_month), max(usage_month)) FROM result"), TableName(number) + " 1"},
			{"small", with("1.0", "SELECT count(*) BETWEEN 300 AND 5000 FROM result"), "true"},
			{"lines", with("1.0", "SELECT sum(lines) FROM result"), "20000"},
			{"unknown accounts stay", with("1.0", "SELECT count(*) FILTER (WHERE account_name IS NULL) FROM result"), "0"},
		} {
			if got := value(t, db, test.query); got != test.want {
				t.Errorf("%s, %s: got %s, want %s", TableName(number), test.what, got, test.want)
			}
		}
	}
}

func TestGenerateAgain(t *testing.T) {
	path := generate(t, Options{Slices: 2, Rows: 500})
	var told []int
	progress := func(done, total int) {
		if total != 5 {
			t.Errorf("told of %d tables, want 5", total)
		}
		told = append(told, done)
	}
	made, err := Generate(t.Context(), Options{Path: path, Slices: 5, Rows: 500, Progress: progress})
	if err != nil || made != (Generated{Tables: 5, Reused: 2, Rows: 2500}) {
		t.Fatalf("got %+v, %v", made, err)
	}
	if want := []int{2, 3, 4, 5}; len(told) != len(want) || told[0] != want[0] || told[3] != want[3] {
		t.Errorf("progress was %v, want %v", told, want)
	}

	long := open(t, path)
	fresh := open(t, generate(t, Options{Slices: 5, Rows: 500}))
	query := checksum(all(5), "line_id")
	if a, b := value(t, long, query), value(t, fresh, query); a != b {
		t.Errorf("made in two goes: %s, in one: %s", a, b)
	}
}

func TestGenerateRefuses(t *testing.T) {
	path := generate(t, Options{Slices: 1, Rows: 100})
	foreign := filepath.Join(t.TempDir(), "foreign.duckdb")
	db, err := duck.Open(t.Context(), duck.Options{Path: foreign})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE VIEW accounts AS SELECT 1 AS mine"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		name string
		o    Options
		says string
	}{
		{"other rows", Options{Path: path, Slices: 1, Rows: 101}, "accounts is already in"},
		{"other seed", Options{Path: path, Slices: 1, Rows: 100, Seed: 2}, "accounts is already in"},
		{"foreign view", Options{Path: foreign, Slices: 1}, "accounts is already in"},
		{"negative slices", Options{Path: path, Slices: -1}, "--slices -1"},
		{"too many slices", Options{Path: path, Slices: 1001}, "--slices 1001"},
		{"no such dialect", Options{Path: path, Dialect: "oracle"}, "no SQL in the dialect"},
		{"negative rows", Options{Path: path, Rows: -5}, "--rows -5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Generate(t.Context(), test.o)
			e, ok := errors.AsType[*hindcast.Error](err)
			if !ok || e.Code != hindcast.EUsage || !strings.Contains(e.Message, test.says) || e.Next == "" {
				t.Errorf("got %v, want E-USAGE with %q and a next step", err, test.says)
			}
		})
	}
}

func TestGenerateStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "w.duckdb")
	o := Options{Path: path, Slices: 30, Rows: 2000, Progress: func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}}
	if _, err := Generate(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's end", err)
	}

	// Finished tables are whole, and the next call continues from there.
	o.Progress = nil
	made, err := Generate(t.Context(), o)
	if err != nil || made.Reused < 2 || made.Reused == 30 {
		t.Fatalf("got %+v, %v", made, err)
	}
	if got := value(t, open(t, path), "SELECT count(*) FROM "+all(30)); got != "60000" {
		t.Errorf("got %s rows, want 60000", got)
	}
}

func TestFilesGolden(t *testing.T) {
	for name, o := range map[string]Options{
		"default":  {},
		"redshift": {Dialect: "redshift"},
		"other":    {Slices: 7, Rows: 1000, Seed: 9, Warehouse: "postgres://me:${PASSWORD}@db/bills?x=y #1", Lake: "s3://bucket/lake"},
	} {
		dir := filepath.Join(t.TempDir(), "new", "demo")
		for range 2 { // the second finds its own files
			if _, err := Files(dir, o); err != nil {
				t.Fatal(err)
			}
		}

		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 3 {
			t.Errorf("got %v, %v; want three files", entries, err)
		}

		for _, file := range []string{PipelineFile, SQLFile, ReadmeFile} {
			got, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}

			golden := filepath.Join("testdata", name, file)
			if os.Getenv("UPDATE") != "" {
				if err := errors.Join(os.MkdirAll(filepath.Dir(golden), 0o755), os.WriteFile(golden, got, 0o644)); err != nil {
					t.Fatal(err)
				}
			}

			want, err := os.ReadFile(golden)
			if err != nil || string(got) != string(want) {
				t.Errorf("%s differs from %s (UPDATE=1 renews it; %v):\n%s", file, golden, err, got)
			}
		}
	}
}

func TestFilesOverwriteNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ReadmeFile)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}

	_, err := Files(dir, Options{})
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok || e.Code != hindcast.EUsage || e.Place.File != path || e.Next == "" {
		t.Errorf("got %v, want E-USAGE at %s", err, path)
	}

	entries, _ := os.ReadDir(dir)
	text, _ := os.ReadFile(path)
	if len(entries) != 1 || string(text) != "mine" {
		t.Errorf("the folder was changed: %v, %q", entries, text)
	}
}

// What was there before stays.
func TestFilesAreUndone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if undo, err := Files(dir, Options{}); err != nil {
		t.Fatal(err)
	} else {
		undo()
	}

	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if _, err := Files(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, ReadmeFile)); err != nil {
		t.Fatal(err)
	}

	if undo, err := Files(dir, Options{}); err != nil {
		t.Fatal(err)
	} else {
		undo()
	}

	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v; want the two files that were there", entries, err)
	}
}

func TestReadmeHasTenLines(t *testing.T) {
	text, err := render(ReadmeFile, Options{Slices: 36, Rows: 100_000})
	if err != nil || strings.Count(string(text), "\n") != 10 {
		t.Errorf("got %d lines, %v; want 10", strings.Count(string(text), "\n"), err)
	}
}
