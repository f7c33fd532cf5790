//go:build unix

package scaffold_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/drivers/driverstest"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/scaffold"
	"github.com/hindcast/hindcast/internal/survey"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// The test binary is also the workers of what it opens.
func TestMain(m *testing.M) { driverstest.Main(m) }

// shop is a warehouse that a test fills.
type shop struct {
	url   string // as init takes it
	types string // lists the types that a column can have
	exec  func(statements string) error
	list  func(query string) []string
}

// inShops runs a test in a fresh warehouse of each kind.
func inShops(t *testing.T, test func(t *testing.T, s shop)) {
	t.Helper()
	t.Parallel()
	t.Run("duckdb", func(t *testing.T) { t.Parallel(); test(t, inDuckDB(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, inPostgres(t)) })
}

func inDuckDB(t *testing.T) shop {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.duckdb")
	return shop{
		url: "duckdb:" + path,
		types: `SELECT DISTINCT type_name FROM duckdb_types() WHERE NOT internal OR database_name = 'system'
				UNION VALUES ('DECIMAL(4,1)'), ('DECIMAL(18,6)'), ('DECIMAL(38,10)'), ('DECIMAL(9,2)[]'), ('INTEGER[]'), ('INTEGER[3]'), ('VARCHAR[]'), ('DATE[]'),
				('STRUCT(cost DECIMAL(9,2), id INTEGER)'), ('MAP(VARCHAR, DOUBLE)'), ('UNION(a INTEGER, b VARCHAR)'), ('ENUM(''a'', ''b'')')`,
		exec: func(statements string) error {
			db := open(t, path)
			_, err := db.Exec(statements)
			if closing := db.Close(); err == nil {
				err = closing
			}
			return err
		},
		list: func(query string) []string {
			db := open(t, path)
			defer func() { _ = db.Close() }()
			return strings.Split(value(t, db, "SELECT string_agg(x, chr(10) ORDER BY x) FROM ("+query+") q(x)"), "\n")
		},
	}
}

func inPostgres(t *testing.T) shop {
	t.Helper()
	cluster := pgtest.Shared(t)
	url := cluster.Database(t)
	conn := pgtest.Connect(t, url)
	query := func(text string) error { _, err := conn.Exec(t.Context(), text).ReadAll(); return err }
	if err := query(`CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN price AS numeric(12,2); CREATE DOMAIN plain AS numeric; CREATE TYPE pair AS (a int, cost numeric)`); err != nil {
		t.Fatal(err)
	}
	return shop{
		url: url,
		types: `SELECT format_type(t.oid, NULL) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
				WHERE n.nspname IN ('pg_catalog', 'public') AND t.typisdefined AND t.typtype <> 'p' AND (c.relkind IS NULL OR c.relkind = 'c')
				AND NOT EXISTS (SELECT FROM pg_class OF JOIN pg_type o ON o.oid = OF.reltype WHERE o.typarray = t.oid AND OF.relkind <> 'c')
				UNION VALUES ('numeric(4,1)'), ('numeric(18,6)'), ('numeric(38,10)'), ('numeric(60,2)'), ('numeric(9,2)[]'), ('varchar(3)'), ('char(3)'), ('timestamp(0)')`,
		exec: query,
		list: func(query string) (list []string) {
			for _, row := range cluster.Exec(t, url, query) {
				list = append(list, row[0])
			}
			return list
		},
	}
}

// open opens the shop's warehouse to read.
func (s shop) open(t *testing.T) warehouse.Warehouse {
	t.Helper()
	l, _, err := config.WarehouseURL(s.url, t.TempDir(), config.Env{Lookup: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	w, err := drivers.Warehouse(t.Context(), &hindcast.Pipeline{Warehouse: l}, drivers.WarehouseOptions{ReadOnly: true, Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// only is a warehouse of which one table is seen.
type only struct {
	warehouse.Warehouse
	table warehouse.Table
}

func (o only) Tables(context.Context) ([]warehouse.Table, error) {
	return []warehouse.Table{o.table}, nil
}

// What init writes always passes plan: of a table with a column of any type that the warehouse has, as key, as amount and as
// what it is.
func TestEveryTypePassesPlan(t *testing.T) {
	inShops(t, func(t *testing.T, s shop) {
		for i, typ := range s.list(s.types) {
			statement := fmt.Sprintf(`CREATE TABLE sales%[1]d (sold_at timestamp, account_id %[2]s, cost %[2]s, net_total %[2]s, "as it is" %[2]s, created %[2]s);
					INSERT INTO sales%[1]d (sold_at) VALUES ('2020-01-01'), ('2020-03-03');`, i, typ)
			if err := s.exec(statement); err != nil {
				t.Logf("%s is not for tables: %v", typ, err)
			}
		}
		w := s.open(t)
		defer func() { _ = w.Close() }()
		e, binder, err := drivers.Engine(&hindcast.Pipeline{Transform: hindcast.Transform{Engine: "duckdb"}}, drivers.EngineOptions{
			Room: engine.Room{Cores: 1, CoresAs: "1 core", Memory: 1 << 30, MemoryAs: "1 GiB"}, Spill: t.TempDir(), Log: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.Close() }()
		tables, err := w.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const few = 30
		if len(tables) < few {
			t.Fatalf("only %d types", len(tables))
		}
		for _, table := range tables {
			planned(t, w, e, binder, s.url, table)
		}
	})
}

// planned has init look at one table, and plan what it wrote.
func planned(t *testing.T, w warehouse.Warehouse, e engine.Engine, b engine.Binder, url string, table warehouse.Table) {
	t.Helper()
	dir := t.TempDir()
	found, err := scaffold.Write(t.Context(), dir, only{w, table}, scaffold.Options{Warehouse: url})
	if err != nil {
		t.Fatal(err)
	}
	plans(t, w, e, b, found)
	if text := read(t, found.SQLFile); len(found.Unsummed) > 0 { // what is proposed in comments passes, too
		if err := os.WriteFile(found.SQLFile, []byte(strings.ReplaceAll(text, "-- sum(", "sum(")), 0o600); err != nil {
			t.Fatal(err)
		}
		plans(t, w, e, b, found)
	}
}

func plans(t *testing.T, w warehouse.Warehouse, e engine.Engine, b engine.Binder, found scaffold.Found) {
	t.Helper()
	p, err := config.Load(t.Context(), found.File)
	if err != nil {
		t.Errorf("%v\n%s", err, read(t, found.File))
		return
	}
	store, err := drivers.Lake(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&survey.Survey{Pipeline: p, Warehouse: w, Source: w, Engine: e, Binder: b, Lake: lake.New(store, p.Name), Now: time.Date(2020, 6, 1, 0, 0, 0, 0, time.UTC),
		Machine: plan.Machine{Cores: 1, Memory: 1 << 30, DiskFree: 1 << 40}}).Plan(t.Context()); err != nil {
		t.Errorf("%v\n%s\n%s", err, read(t, found.SQLFile), read(t, found.File))
	}
}

// uglies are names, and parts of names, that people have.
var uglies = []string{"lineItem/UsageStartDate", "bill/PayerAccountId", "lineItem/UnblendedCost", "resourceTags/user:Cost Center", "net: cost", "Order Date",
	"select", "Größe", "it's", "100%", "a.b", `say "hi"`, "# no comment", "- item", "{x}", "$1", ":rate", "?", "*", "yes", "null", "1st",
	"back\\slash", "semi;colon", "a--b", "/* c */", "名前", "tab,comma", "[x]", "`tick`", "~", "@at", "!tag", "&anchor", "|", ">", "UPPER", "result", "slice_start"}

// braces is a table that no pipeline can name.
const braces = "{x}"

// What init writes of tables and columns with any names passes plan and run. One that no pipeline can name is left out, and named.
func TestUglyNamesRun(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ugly := func() string {
		name := uglies[random.IntN(len(uglies))]
		if random.IntN(2) == 0 {
			name += uglies[random.IntN(len(uglies))]
		}
		return name
	}
	table := func() string { // init leaves out one with braces: in `table:` they are placeholders
		for name := ugly(); ; name = ugly() {
			if !strings.ContainsAny(name, "{}") {
				return name
			}
		}
	}
	names := [][4]string{{"cur", "lineItem/UsageStartDate", "bill/PayerAccountId", "lineItem/UnblendedCost"}, {"a b/c 2020_01", "Usage Start", "account Id", "un:blended cost"}}
	billing := len(names)
	for range 4 {
		names = append(names, [4]string{table(), ugly() + " at", ugly() + "Id", ugly() + " cost"})
	}
	inShops(t, func(t *testing.T, s shop) {
		if err := s.exec("CREATE TABLE " + duck.Name(braces) + " (n integer)"); err != nil {
			t.Fatal(err)
		}
		for i, n := range names {
			if err := s.exec(fmt.Sprintf(`CREATE TABLE %[1]s (%[2]s timestamp, %[3]s varchar(20), %[4]s decimal(18,6), "n" integer);
					INSERT INTO %[1]s SELECT TIMESTAMP '2020-01-05' + i * INTERVAL '1 day', 'k', 1.5, i FROM generate_series(0, 70) AS r(i);`,
				duck.Name(n[0]), duck.Name(n[1]), duck.Name(n[2]), duck.Name(n[3]))); err != nil {
				t.Fatal(err)
			}
			found := ran(t, s, n)
			if i < billing && (len(found.Target.Key) != 2 || !strings.Contains(read(t, found.SQLFile), "sum(")) {
				t.Errorf("%q: guessed are %+v\n%s", n, found, read(t, found.SQLFile))
			}
			if err := s.exec("DROP TABLE " + duck.Name(n[0]) + "; DROP TABLE hindcast_status; DROP TABLE hindcast_lease"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// ran has init look at the shop, and runs what it wrote.
func ran(t *testing.T, s shop, names [4]string) scaffold.Found {
	t.Helper()
	dir := t.TempDir()
	w := s.open(t)
	found, err := scaffold.Write(t.Context(), dir, w, scaffold.Options{Warehouse: s.url})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	failed := func(what any) {
		t.Helper()
		t.Errorf("%q: %v\n%s\n%s", names, what, read(t, found.SQLFile), read(t, found.File))
	}
	p, err := config.Load(t.Context(), found.File)
	if err != nil {
		failed(err)
		return found
	}
	ended, err := run.Begin(t.Context(), p, run.Options{Log: func(string) (io.Writer, error) { return io.Discard, nil },
		Planned: func(*plan.Plan, []hindcast.Event, io.Writer) {}, Each: func(hindcast.Event) {}})
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
		failed(fmt.Sprintf("%v, %+v", err, ended))
		return found
	}
	named := func(unused string) bool { return strings.Trim(unused, `"`) == braces } // quoted where the warehouse's names are
	if len(found.Facts) != 1 || !slices.ContainsFunc(found.Unused, named) {
		failed(fmt.Sprintf("facts %v, not used %q", found.Facts, found.Unused))
	}
	if sum := s.list("SELECT CAST(sum(row_count) AS varchar(20)) FROM " + found.Target.Table); sum[0] != "71" {
		failed("rows: " + sum[0])
	}
	if err := s.exec("DROP TABLE " + found.Target.Table); err != nil {
		t.Fatal(err)
	}
	return found
}
