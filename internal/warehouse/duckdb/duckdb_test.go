package duckdb_test

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// The test binary is also the owner's process, and a stranger that holds the file.
func TestMain(m *testing.M) {
	switch os.Getenv("DUCKDB_TEST") {
	case "owner":
		if err := duckdb.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "holder":
		db, err := sql.Open("duckdb", os.Getenv("DUCKDB_FILE"))
		if err == nil {
			err = db.Ping()
		}
		if err != nil {
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString("open\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func ownerSpec() child.Spec {
	return child.Spec{Name: "warehouse", Path: os.Args[0], Env: []string{"DUCKDB_TEST=owner"}, Stderr: os.Stderr}
}

func create(t *testing.T, setup string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w'house.duckdb")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(setup); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// direct runs f on the file itself: no owner may have it open meanwhile.
func direct(t *testing.T, path string, f func(*sql.DB)) {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	f(db)
}

func rows(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	result, err := db.Query("SELECT concat_ws(',', " + "CAST(COLUMNS(*) AS VARCHAR)" + ") FROM (SELECT coalesce(CAST(COLUMNS(*) AS VARCHAR), 'NULL') FROM (" + query + "))")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = result.Close() }()
	var lines []string
	for result.Next() {
		columns, err := result.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values := make([]string, len(columns))
		dest := make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := result.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Join(values, ","))
	}
	return strings.Join(lines, "\n")
}

func world(t *testing.T) *warehousetest.World {
	path := create(t, warehousetest.Setup)
	open := func(ctx context.Context) (*hosted.Client, error) {
		return duckdb.Open(ctx, ownerSpec(), duckdb.Options{Path: path, TimeZone: "UTC"})
	}
	w := warehousetest.Hosted(t, open)
	aside := func(t *testing.T, f func(*sql.DB)) {
		if err := w.Warehouse.Close(); err != nil {
			t.Fatal(err)
		}
		direct(t, path, f)
		w.Warehouse = warehousetest.Started(t, open)
	}
	w.Exec = func(t *testing.T, statement string) {
		aside(t, func(db *sql.DB) {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		})
	}
	w.Query = func(t *testing.T, query string) (text string) {
		aside(t, func(db *sql.DB) { text = rows(t, db, query) })
		return text
	}
	return w
}

func TestConformance(t *testing.T) { warehousetest.Run(t, world) }

// Every type that DuckDB has goes out, through Parquet and back, or is refused by its name.
func TestTypesAreCarriedExactly(t *testing.T) {
	values := map[string]string{
		"BOOLEAN": "true", "TINYINT": "-128", "SMALLINT": "-32768", "INTEGER": "-2147483648", "BIGINT": "-9223372036854775808",
		"HUGEINT": "-170141183460469231731687303715884105728", "UTINYINT": "255", "USMALLINT": "65535", "UINTEGER": "4294967295",
		"UBIGINT": "18446744073709551615", "UHUGEINT": "340282366920938463463374607431768211455",
		"FLOAT": "'nan'", "DOUBLE": "'-infinity'", "DECIMAL(4,1)": "999.9", "DECIMAL(18,6)": "999999999999.999999",
		"DECIMAL(38,10)": "9999999999999999999999999999.9999999999", "VARCHAR": "'it''s\n\"odd\"'", "BLOB": "'\\x00\\xFF'",
		"DATE": "'infinity'", "TIME": "'23:59:59.999999'", "TIMESTAMP": "'294246-12-31 23:59:59.999999'",
		"TIMESTAMP_S": "'2020-01-01 01:02:03'", "TIMESTAMP_MS": "'2020-01-01 01:02:03.123'", "TIMESTAMP_NS": "'2020-01-01 01:02:03.123456789'",
		"TIMESTAMP WITH TIME ZONE": "'2020-01-01 01:02:03.123456+05'", "TIME WITH TIME ZONE": "'01:02:03.123456+05:30'",
		"INTERVAL": "'14 months 3 days 04:05:06.000007'", "UUID": "'00112233-4455-6677-8899-aabbccddeeff'", "BIT": "'10101'",
		"JSON": "'{\"a\": [1, null]}'", "ENUM('x', 'y')": "'y'", "INTEGER[]": "[1, NULL, 3]", "VARCHAR[2]": "['a', 'b']",
		"INTERVAL[]": "['14 months 3 days 04:05:06.000007', NULL]", "TIME WITH TIME ZONE[]": "['01:02:03.123456+05:30']",
		"HUGEINT[]": "[-170141183460469231731687303715884105728]", "BIT[]": "['10101', NULL]", "TIMESTAMP_MS[]": "['2020-01-01 01:02:03.123']",
		"STRUCT(a INTEGER, b VARCHAR)": "{'a': 1, 'b': NULL}", "MAP(VARCHAR, INTEGER)": "MAP {'k': 1}",
	}
	for typ, value := range values {
		t.Run(typ, func(t *testing.T) {
			path := create(t, "CREATE TABLE v (c "+typ+"); INSERT INTO v VALUES (CAST("+value+" AS "+typ+")), (NULL)")
			w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = w.Close() }()
			tables, err := w.Describe(t.Context(), []string{"v"})
			if err != nil {
				t.Fatal(err)
			}
			out, err := w.Unload(t.Context(), warehouse.Unload{Extract: warehouse.Extract{Table: "v", Columns: tables["v"].Columns}, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if got := warehousetest.Sums(t, out.Columns, []string{out.Files[0].Path}); got.Content != out.Sums.Content {
				t.Errorf("%s comes back changed", typ)
			}
		})
	}
}

// Every type that has a text comes back from it as it was; the others say so.
func TestTextsAreExact(t *testing.T) {
	values := map[string]string{
		"BOOLEAN": "true", "HUGEINT": "-170141183460469231731687303715884105728", "BIGNUM": "'123456789012345678901234567890123456789012345'",
		"FLOAT": "0.1", "DOUBLE": "5e-324", "DECIMAL(38,10)": "-9999999999999999999999999999.9999999999", "VARCHAR": "'it''s\n'",
		"BLOB": `'\x00\xFF''"\x5C'`, "DATE": "'0044-03-15 (BC)'", "TIME": "'23:59:59.999999'", "TIMESTAMP": "'-infinity'",
		"TIMESTAMP_NS":        "'2020-01-01 01:02:03.123456789'",
		"TIME WITH TIME ZONE": "'01:02:03.123456+05:30'", "INTERVAL": "'14 months -3 days 04:05:06.000007'",
		"UUID": "'00112233-4455-6677-8899-aabbccddeeff'", "BIT": "'10101'", "JSON": "'{\"a\": [1,  null]}'", "ENUM('x', 'y')": "'y'",
	}
	for typ, value := range values {
		t.Run(typ, func(t *testing.T) {
			path := create(t, "CREATE TABLE v (c "+typ+"); INSERT INTO v VALUES (CAST("+value+" AS "+typ+"))")
			w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			tables, err := w.Describe(t.Context(), []string{"v"})
			if err != nil || tables["v"].Columns[0].NoText {
				t.Fatal(tables, err)
			}
			columns := []hindcast.Column{{Name: "c", Type: "VARCHAR", Source: typ, Text: true}}
			out, err := w.Unload(t.Context(), warehouse.Unload{Extract: warehouse.Extract{Table: "v", Columns: columns}, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			_ = w.Close()
			db, err := duck.Open(t.Context(), duck.Options{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			var same bool
			if err := db.QueryRowContext(t.Context(), "SELECT v.c = CAST(f.c AS "+typ+") FROM v, read_parquet("+duck.String(out.Files[0].Path)+") f").Scan(&same); err != nil || !same {
				t.Errorf("comes back changed: %v", err)
			}
		})
	}
	path := create(t, "CREATE TABLE v (a INTEGER[], b STRUCT(a INTEGER), c MAP(VARCHAR, INTEGER), d UNION(a INTEGER, b VARCHAR), e TIMESTAMPTZ)")
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	tables, err := w.Describe(t.Context(), []string{"v"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range tables["v"].Columns {
		if !c.NoText {
			t.Errorf("%s is said to have an exact text", c.Type)
		}
	}
}

func TestTypesThatCannotBeCarriedAreNamed(t *testing.T) {
	for _, typ := range []string{"STRUCT(a INTERVAL)", "HUGEINT[][]", "HUGEINT[2]", "UNION(a INTEGER, b VARCHAR)"} {
		path := create(t, "CREATE TABLE v (ok INTEGER, bad "+typ+")")
		w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		tables, err := w.Describe(t.Context(), []string{"v"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Unload(t.Context(), warehouse.Unload{Extract: warehouse.Extract{Table: "v", Columns: tables["v"].Columns}, Dir: t.TempDir()})
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, `"bad"`) {
			t.Errorf("%s: %v", typ, err)
		}
		_ = w.Close()
	}
}

func TestTheHolderOfTheFileIsNamed(t *testing.T) {
	path := create(t, "SELECT 1")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "DUCKDB_TEST=holder", "DUCKDB_FILE="+path)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	_, err = duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	e := hindcast.AsError(err)
	if e == nil || e.Code != hindcast.EWarehouseBusy || !strings.Contains(e.Message, "pid") {
		t.Errorf("got %v", err)
	}
	_ = in.Close()
	_ = holder.Wait()
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
}

// A load that does not leave what was staged, here because a row lies in another slice, is rolled back.
func TestWhatIsStoredIsWhatWasStaged(t *testing.T) {
	path := create(t, "CREATE TABLE result AS SELECT DATE '2020-01-05' AS day")
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	staged := filepath.Join(t.TempDir(), "staged.parquet")
	warehousetest.Parquet(t, staged, "SELECT unnest([DATE '2020-01-07', DATE '2020-02-07']) AS day")
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}}
	l := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1},
		Replacement: warehouse.Replacement{Target: hindcast.Target{Table: "result", Time: "day"}, Attempt: 1, Columns: columns, Slice: hindcast.Slice{Key: "2020-01-01", Interval: warehousetest.January}, Files: warehousetest.Files(staged), Rows: 2}}
	if err := w.Prepare(t.Context(), "p", l.Target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}

	_, err = l.Into(t.Context(), w)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETarget || e.Class != hindcast.ClassPermanent {
		t.Errorf("got %v", err)
	}
	sums, err := w.Published(t.Context(), warehouse.Published{Target: l.Target, Columns: columns,
		Intervals: []hindcast.Interval{warehousetest.January, warehousetest.February}})
	if err != nil || sums[0].Rows != 1 || sums[1].Rows != 0 {
		t.Errorf("%+v, %v", sums, err)
	}
}

func TestAWarehouseIsNeverCreated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.duckdb")
	if _, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was created")
	}
}

// A dead owner costs the call that it had; the next call starts a new one and finds what was committed.
func TestAnOwnerThatDiesIsReplaced(t *testing.T) {
	path := create(t, warehousetest.Setup)
	c, err := duckdb.Open(t.Context(), ownerSpec(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	target := hindcast.Target{Table: "result", Time: "day"}
	if err := c.Prepare(t.Context(), "p", target, []hindcast.Column{{Name: "day", Type: "DATE"}}, warehouse.Claim{Fence: 3}); err != nil {
		t.Fatal(err)
	}
	c.KillOwner()
	_, err = c.Describe(t.Context(), []string{"result"})
	if err != nil {
		t.Fatalf("after the owner's death: %v", err)
	}
	if err := c.Prepare(t.Context(), "p", target, nil, warehouse.Claim{Fence: 2}); err == nil {
		t.Error("the fence was forgotten")
	}
}

// An owner that dies while its caller keeps the previous rows takes the load with it: that is a death, to be retried.
func TestAnOwnerThatDiesWhileItIsHeld(t *testing.T) {
	path := create(t, "CREATE TABLE result AS SELECT DATE '2020-01-05' AS day")
	c, err := duckdb.Open(t.Context(), ownerSpec(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}}
	l := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1},
		Replacement: warehouse.Replacement{Target: hindcast.Target{Table: "result", Time: "day"}, Attempt: 1, Columns: columns, Slice: hindcast.Slice{Key: "2020-01-01", Interval: warehousetest.January}, Previous: filepath.Join(t.TempDir(), "previous")}}
	if err := c.Prepare(t.Context(), "p", l.Target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	l.Keep = func(context.Context, []warehouse.Kept) error { c.KillOwner(); return nil }
	_, err = l.Into(t.Context(), c)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EWorker || e.Class != hindcast.ClassTransient {
		t.Fatalf("got %v, want E-WORKER", err)
	}
	if rows, err := c.Committed(t.Context(), "p", true); err != nil || len(rows) != 0 {
		t.Errorf("committed %v, %v", rows, err)
	}
	l.Previous, l.Keep = filepath.Join(t.TempDir(), "again"), func(context.Context, []warehouse.Kept) error { return nil }
	if _, err := l.Into(t.Context(), c); err != nil {
		t.Errorf("the next load: %v", err)
	}
}

// A table of status rows that an earlier version made is read as it is, and gets its column when a run prepares.
func TestStatusOfAnEarlierVersion(t *testing.T) {
	path := create(t, `CREATE TABLE result (day DATE, total DECIMAL(38,6));
		CREATE TABLE hindcast_lease (name VARCHAR PRIMARY KEY, n BIGINT NOT NULL);
		CREATE TABLE hindcast_status (pipeline VARCHAR NOT NULL, target VARCHAR NOT NULL, slice VARCHAR NOT NULL,
			slice_start TIMESTAMP WITH TIME ZONE NOT NULL, slice_end TIMESTAMP WITH TIME ZONE NOT NULL,
			run VARCHAR NOT NULL, attempt INTEGER NOT NULL, fingerprint VARCHAR NOT NULL, parts VARCHAR NOT NULL,
			"rows" BIGINT NOT NULL, content VARCHAR NOT NULL, totals VARCHAR NOT NULL, previous VARCHAR NOT NULL,
			committed_at TIMESTAMP WITH TIME ZONE NOT NULL);
		INSERT INTO hindcast_status VALUES ('p', 'result', '2020-01-01', '2020-01-01 00:00:00+00', '2020-02-01 00:00:00+00', 'r7', 1, 'f', '{}', 0, '', 'null', '', '2026-01-01 00:00:00+00')`)
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	check := func(runs ...string) {
		t.Helper()
		rows, err := w.Committed(t.Context(), "p", true)
		if err != nil || len(rows) != len(runs) {
			t.Fatalf("%+v, %v", rows, err)
		}
		for i, run := range runs {
			if rows[i].Run != run || rows[i].Publication != run {
				t.Errorf("%s is published by %q", run, rows[i].Publication)
			}
		}
		details, err := w.Details(t.Context(), "p", "result", []string{"2020-01-01"})
		if err != nil || len(details) != 1 || details[0].Publication != "r7" {
			t.Errorf("%+v, %v", details, err)
		}
	}

	check("r7")
	target, columns := hindcast.Target{Table: "result", Time: "day"}, []hindcast.Column{{Name: "day", Type: "DATE"}}
	for range 2 {
		if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r8", Fence: 1},
		Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: "2020-02-01", Interval: warehousetest.February},
			TimeZone: "UTC", Attempt: 1, Print: "g", Columns: columns}}.Into(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	check("r7", "r8")
}

// Targets with constraints of their own: a key, and a column with a default that the result lacks.
func TestTargetWithPrimaryKeyIsReplaced(t *testing.T) {
	path := create(t, "CREATE TABLE result (day DATE PRIMARY KEY, total DECIMAL(38,6), note VARCHAR DEFAULT 'none')")
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	target := hindcast.Target{Table: "result", Time: "day"}
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "total", Type: "DECIMAL(38,6)"}}
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	in := warehousetest.January
	for i := range 3 {
		file := filepath.Join(t.TempDir(), "s.parquet")
		warehousetest.Parquet(t, file, "SELECT DATE '2020-01-05' + CAST(range AS INTEGER) AS day, CAST(1 AS DECIMAL(38,6)) AS total FROM range(3)")
		_, err := warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: "r", Fence: 1},
			Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: "2020-01-01", Interval: in}, Attempt: i + 1, Columns: columns, Files: warehousetest.Files(file), Rows: 3}}.Into(t.Context(), w)
		if err != nil {
			t.Fatalf("load %d: %v", i+1, err)
		}
	}
}
