package pgcopy_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/pgtest"
)

func TestTypesThatAreRefused(t *testing.T) {
	conn, tiny := open(t), "numeric(20,-30)"
	if !scaled(t) {
		tiny = "numeric(50,50)"
	}

	pgtest.Query(t, conn, `CREATE DOMAIN wide AS numeric;
		CREATE TABLE refused (a numeric, b numeric(39,0), c `+tiny+`, d money, e wide, f numeric[], g oidvector, h regclass, i int4range, j money[])`)
	for _, a := range describe(t, conn, "refused") {
		_, err := pgcopy.Carry("x y", a.typ, false)
		if a.name == "i" {
			if err != nil {
				t.Error(err)
			}
			continue
		}

		wantError(t, err, hindcast.EType, `"x y"`, a.typ.Name)
		f, err := pgcopy.Carry("x y", a.typ, true)
		if err != nil || !f.AsText || f.Column.Type != "VARCHAR" || f.Expression() != `CAST("x y" AS text) AS "x y"` {
			t.Errorf("%s as text: %v, %v", a.typ.Name, f, err)
		}
	}
}

// scaled reports whether a numeric's scale may lie outside its digits: from PostgreSQL 15 on.
func scaled(t *testing.T) bool { return pgtest.Shared(t).Version(t) >= 15 }

func TestNamesThatDifferInCaseAreRefused(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, `CREATE TABLE twice ("A" int, a int)`)
	_, _, err := unload(t, conn, "twice", carry(t, describe(t, conn, "twice")), 1)
	wantError(t, err, hindcast.EType, `"A"`, `"a"`)
}

// A value that its type cannot carry is refused with its column's name; the connection stays usable.
func TestValuesThatAreRefused(t *testing.T) {
	cases := []struct{ typ, value, says string }{
		{"interval", "'infinity'", "infinite"}, // PostgreSQL 17 and later
		{"numeric(5,2)", "'NaN'", "NaN"},
		{"int[]", "'{{1,2},{3,4}}'", "2 dimensions"},
		{"int[]", "'[0:1]={1,2}'", "counts from 0"},
		{"numeric(3,1)[]", "'{NaN}'", "NaN"},
		{`"char"`, "'é'", "not UTF-8"},
	}

	if pgtest.Shared(t).Version(t) < 17 {
		cases = cases[1:]
	}

	for _, c := range cases {
		t.Run(c.typ+c.value, func(t *testing.T) {
			conn := open(t)
			pgtest.Query(t, conn, `CREATE TABLE bad (n int, "a value" `+c.typ+`);
				INSERT INTO bad SELECT n, NULL FROM generate_series(1, 100000) n; INSERT INTO bad VALUES (0, `+c.value+`)`)
			fields := carry(t, describe(t, conn, "bad"))
			second := beside(t, conn)
			_, _, err := pgcopy.Unload(t.Context(), fields, pgcopy.One(second, pgcopy.CopyOut(fields, "bad")), pgcopy.Options{Dir: t.TempDir()})
			wantError(t, err, hindcast.EType, `"a value"`, c.says)

			if rows := pgtest.Query(t, second, "SELECT 7"); rows[0][0] != "7" {
				t.Error("the connection is unusable")
			}
		})
	}
}

// What is refused for its type or its value is carried as text on request, and comes back unchanged.
func TestAsText(t *testing.T) {
	conn, infinity := open(t), "Infinity"
	if pgtest.Shared(t).Version(t) < 14 {
		infinity = "NaN"
	}

	pgtest.Query(t, conn, `CREATE TABLE one (n int, a numeric, b int[], c timestamp, d numeric(50,20), e text[], f numeric[]);
		INSERT INTO one VALUES (1, 'NaN', '{{1,2},{3,NULL}}', '294276-12-31', '123456789012345678901234567890.00000000000000000001', '[2:3]={"a","b,}"}', '{NaN,1.50}'),
		(2, '`+infinity+`', '{}', '4714-11-24 BC', NULL, NULL, NULL), (3, 1.2300, NULL, 'infinity', 0, '{}', NULL)`)
	fields := carry(t, describe(t, conn, "one"), "a", "b", "c", "d", "e", "f")
	files, _, err := unload(t, conn, "one", fields, 1)
	if err != nil {
		t.Fatal(err)
	}

	pgtest.Query(t, conn, "CREATE TABLE two (LIKE one)")
	if _, err := load(t, conn, "two", columnsOf(fields), files); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content(t, conn, "one"), content(t, conn, "two")) {
		t.Errorf("the tables differ: %v %v", pgtest.Query(t, conn, "SELECT * FROM one"), pgtest.Query(t, conn, "SELECT * FROM two"))
	}
}

// stage writes a query's rows to Parquet as the engine does.
func stage(t testing.TB, query string, columns []hindcast.Column) []hindcast.File {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()

	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()

	copied, err := duck.Copy(t.Context(), conn, "SELECT "+duck.EncodeCast(columns)+" FROM ("+query+")", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}

	return copied.Files
}

func TestLoadChecksWhatTheServerWouldChange(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, "CREATE TYPE mood AS ENUM ('sad', 'glad')")
	cases := []struct{ staged, value, target, want, overflow string }{
		{"BIGINT", "32767", "smallint", "32767", ""},
		{"BIGINT", "32768", "smallint", "", "32768 does not fit smallint"},
		{"BIGINT", "-2147483649", "integer", "", "-2147483649"},
		{"UBIGINT", "18446744073709551615", "bigint", "", "18446744073709551615"},
		{"UBIGINT", "18446744073709551615", "numeric", "18446744073709551615", ""},
		{"HUGEINT", "-170141183460469231731687303715884105728", "numeric", "-170141183460469231731687303715884105728", ""},
		{"HUGEINT", "9223372036854775808", "bigint", "", "9223372036854775808"},
		{"INTEGER", "-1", "oid", "", "-1"},
		{"UINTEGER", "4294967295", "oid", "4294967295", ""},
		{"TINYINT", "-128", "real", "-128", ""},
		{"INTEGER", "16777217", "double precision", "16777217", ""},
		{"FLOAT", "0.1", "double precision", "0.10000000149011612", ""},
		{"DECIMAL(38,6)", "-12345678901234567890123456789012.000001", "numeric", "-12345678901234567890123456789012.000001", ""},
		{"DECIMAL(4,1)", "-0.5", "numeric(10,3)", "-0.500", ""},
		{"DECIMAL(9,0)", "100", "bigint", "100", ""},
		{"BIGINT", "1300", "numeric(4,-2)", "1300", ""},
		{"BIGINT", "1350", "numeric(4,-2)", "", "1350"},
		{"VARCHAR", "'äöü'", "varchar(3)", "äöü", ""},
		{"VARCHAR", "'abc '", "varchar(3)", "", "4 characters"},
		{"VARCHAR", "'abc '", "char(3)", "abc", ""},
		{"VARCHAR", "repeat('ä', 32)", "name", "", "64 bytes"},
		{"VARCHAR", "chr(0)", "text", "", "zero byte"},
		{"VARCHAR", "'ab'", `"char"`, "", "2 bytes"},
		{"VARCHAR", "'glad'", "mood", "glad", ""},
		{"ENUM('glad', 'sad')", "'glad'", "mood", "glad", ""},
		{"ENUM('glad', 'sad')", "'sad'", "text", "sad", ""},
		{"VARCHAR", "'10.0.0.1'", "inet", "10.0.0.1/32", ""},
		{"VARCHAR", "'0101'", "bit(4)", "0101", ""},
		{"JSON", `'{"a": 1}'`, "jsonb", `{"a": 1}`, ""},
		{"JSON", `'{"a": 1}'`, "text", `{"a": 1}`, ""},
		{"DATE", "'2020-02-29'", "timestamp", "2020-02-29 00:00:00", ""},
		{"DATE", "'infinity'", "timestamp", "infinity", ""},
		{"DATE", "'-infinity'", "date", "-infinity", ""},
		{"DATE", "'5000-01-01 (BC)'", "date", "", "4714 BC"},
		{"DATE", "'5000-01-01 (BC)'", "timestamp", "", "too far away"},
		{"DATE", "'300000-01-01'", "timestamp", "", "too far away"},
		{"TIMESTAMP", "'290000-01-01 (BC) 00:00:00'", "timestamp", "", "4714 BC"},
		{"TIMESTAMP", "'294247-01-10 04:00:54.775806'", "timestamp", "294247-01-10 04:00:54.775806", ""},
		{"TIMESTAMP", "'2020-01-01 00:00:00.0015'", "timestamp(3)", "", "more digits"},
		{"TIMESTAMP WITH TIME ZONE", "'2020-01-01 00:00:00.001+00'", "timestamptz(3)", "2020-01-01 00:00:00.001+00", ""},
		{"TIME", "'24:00:00'", "time", "24:00:00", ""},
		{"TIME", "'12:00:00.1'", "time(0)", "", "more digits"},
		{"TIME WITH TIME ZONE", "'12:34:56.789-01:30'", "timetz", "12:34:56.789-01:30", ""},
		{"INTERVAL", "'14 months 3 days 5 hours'", "interval", "1 year 2 mons 3 days 05:00:00", ""},
		{"INTERVAL", "'14 months 3 days'", "interval year to month", "", "more fields"},
		{"INTERVAL", "'1 day 01:30:00'", "interval day to hour", "", "more fields"},
		{"INTERVAL", "'00:00:00.001'", "interval(2)", "", "more fields"},
		{"BIGINT[]", "[1, NULL, 70000]", "int[]", "{1,NULL,70000}", ""},
		{"BIGINT[]", "[1, NULL, 70000]", "smallint[]", "", "70000 does not fit smallint[]"},
		{"VARCHAR[]", "['::1', NULL]", "inet[]", "{::1,NULL}", ""},
		{"BLOB", `'\x00\xff'::BLOB`, "bytea", `\x00ff`, ""},
		{"UUID", "'00000000-0000-0000-0000-000000000001'", "uuid", "00000000-0000-0000-0000-000000000001", ""},
	}
	for _, c := range cases {
		if strings.Contains(c.target, ",-") && !scaled(t) {
			continue
		}
		t.Run(c.staged+" "+c.value+" into "+c.target, func(t *testing.T) {
			pgtest.Query(t, conn, `DROP TABLE IF EXISTS target; CREATE TABLE target ("a value" `+c.target+")")
			columns, err := duck.Store("target", []hindcast.Column{{Name: "a value", Type: c.staged}})
			if err != nil {
				t.Fatal(err)
			}

			_, err = load(t, conn, "target", columns, stage(t, "SELECT "+c.value+` AS "a value"`, columns))
			if c.overflow != "" {
				wantError(t, err, hindcast.EOverflow, `"a value"`, c.overflow)
			} else if err != nil {
				t.Fatal(err)
			}

			got := ""
			for _, row := range pgtest.Query(t, conn, `SELECT rtrim("a value"::text) FROM target`) {
				got = row[0]
			}

			if got != c.want {
				t.Errorf("the target holds %q, want %q", got, c.want)
			}
		})
	}
}

func TestTargetsThatAreRefused(t *testing.T) {
	conn := open(t)
	cases := []struct{ staged, target string }{
		{"DOUBLE", "real"}, {"DOUBLE", "numeric"}, {"BIGINT", "double precision"}, {"DECIMAL(10,3)", "numeric(10,2)"}, {"DECIMAL(10,2)", "integer"},
		{"VARCHAR", "integer"}, {"VARCHAR", "timestamp(3)"}, {"VARCHAR", "numeric(10,2)"}, {"TIMESTAMP", "timestamptz"}, {"TIMESTAMP WITH TIME ZONE", "timestamp"},
		{"TIMESTAMP", "date"}, {"BIGINT", "text"}, {"VARCHAR", "money"}, {"BIGINT[]", "bigint"}, {"BIGINT", "bigint[]"}, {"DOUBLE[]", "real[]"},
		{"STRUCT(a INTEGER)", "text"}, {"TIMESTAMP_NS", "timestamp"}, {"BIGINT", "numeric(1,-20)"},
	}
	for _, c := range cases {
		if strings.Contains(c.target, ",-") && !scaled(t) {
			continue
		}

		pgtest.Query(t, conn, "DROP TABLE IF EXISTS target; CREATE TABLE target (a "+c.target+")")
		f, err := pgcopy.Receive(hindcast.Column{Name: "a", Type: c.staged}, describe(t, conn, "target")[0].typ)
		if c.staged == "VARCHAR" && c.target == "integer" { // the server reads it, or says why not
			if err != nil || !f.AsText {
				t.Errorf("%v, %v", f, err)
			}
			continue
		}

		if err == nil {
			t.Errorf("%s into %s is not refused", c.staged, c.target)
			continue
		}

		wantError(t, err, hindcast.ETarget, `"a"`, c.staged)
	}
}

// Files that do not match their columns are not read as if they did.
func TestStagedFilesOfAnotherTypeAreRefused(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, "CREATE TABLE target (a bigint)")
	files := stage(t, "SELECT 1 AS a", []hindcast.Column{{Name: "a", Type: "INTEGER"}})
	_, err := load(t, conn, "target", []hindcast.Column{{Name: "a", Type: "BIGINT"}}, files)
	wantError(t, err, hindcast.EParquet, `"a"`, "BIGINT")

	if _, err = load(t, conn, "target", []hindcast.Column{{Name: "b", Type: "BIGINT"}}, nil); err == nil {
		t.Error("a column that the target does not have was loaded")
	}

	path := filepath.Join(t.TempDir(), "no-such.parquet")
	if _, err := load(t, conn, "target", []hindcast.Column{{Name: "a", Type: "BIGINT"}}, []hindcast.File{{Path: path}}); err == nil || !strings.Contains(err.Error(), "no-such") {
		t.Errorf("got %v", err)
	}
}

// A load that is stopped says so, and not that the server has given up.
func TestLoadEndsWithItsContext(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, "CREATE TABLE target (a bigint)")
	files := stage(t, "SELECT range AS a FROM range(1000000)", []hindcast.Column{{Name: "a", Type: "BIGINT"}})
	fields := []pgcopy.Field{{Column: hindcast.Column{Name: "a", Type: "BIGINT"}, Type: describe(t, conn, "target")[0].typ}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := pgcopy.Load(ctx, fields, []string{files[0].Path}, pgcopy.Options{}, pgcopy.Target{Conn: conn, SQL: pgcopy.CopyIn(fields, "target")})
	if e := hindcast.AsError(err); e.Code != hindcast.EStopped {
		t.Errorf("got %v", err)
	}
}
