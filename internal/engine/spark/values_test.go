package spark_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// values are the tests of what Spark makes of values: equal, or an error, never other ones.
func values(t *testing.T, s *shared) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"every type is equal or refused", everyType},
		{"every type of PostgreSQL is equal or refused", everyPostgres},
		{"times that are stored as text", timesAsText},
		{"infinite times and numbers of 39 digits are errors", beyond},
		{"what is compared is found", found},
		{"structs of several layouts are matched by name", structs},
		{"no rows and several files", several},
		{"the result has the target's types or fails", targets},
		{"keys, checks and their rows", held},
		{"the user's own files", ownFiles},
		{"columns that folders give", folders},
		{"names of files", fileNames},
		{"the time is the run's", oneClock},
		{"times are those of the pipeline's zone", zones},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.world(t)
			db, err := duck.Open(t.Context(), duck.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			db.SetMaxOpenConns(1) // it has settings
			test.run(t, &bench{shared: s, db: db, dir: t.TempDir(), zone: "Europe/Berlin"})
		})
	}
}

// bench runs SQL over tables in a shared session.
type bench struct {
	*shared
	db     *sql.DB
	dir    string
	zone   string
	number int
	tables []engine.Table
	now    time.Time
	key    []string
	checks []engine.Check
}

var always = hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}

// lake adds a table of files that hindcast wrote: one for each of the queries.
func (b *bench) lake(t *testing.T, name string, queries ...string) []hindcast.Column {
	t.Helper()
	table := engine.Table{Name: name}
	for i, query := range queries {
		columns := b.describe(t, query)
		stored, err := duck.Store(name, columns)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(b.dir, fmt.Sprintf("%s-%d.parquet", name, i))
		b.exec(t, duck.CopyStatement("SELECT "+duck.Encode(stored)+" FROM ("+query+")", path))
		table.Columns, table.Files = stored, append(table.Files, path)
	}
	b.tables = append(b.tables, table)
	return table.Columns
}

func (b *bench) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := b.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v in %s", err, statement)
	}
}

func (b *bench) describe(t *testing.T, query string) (columns []hindcast.Column) {
	t.Helper()
	rows, err := b.db.QueryContext(t.Context(), "SELECT column_name, column_type FROM (DESCRIBE "+query+")")
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c hindcast.Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
	}
	return columns
}

func (b *bench) query(query string) engine.Query {
	return engine.Query{Dialect: sqltext.Spark, SQL: query, File: "x.sql", Tables: b.tables, TimeZone: b.zone, Now: b.now}
}

// bind binds the SQL.
func (b *bench) bind(t *testing.T, query string) ([]hindcast.Column, error) {
	return b.binder.Bind(t.Context(), b.query(query), b.checks)
}

// run binds and runs the SQL, whose result is to have a column day in January 2020. Columns in as have another type than
// the SQL gives.
func (b *bench) run(t *testing.T, query string, as ...hindcast.Column) (engine.Result, error) {
	t.Helper()
	columns, err := b.bind(t, query)
	if err != nil {
		return engine.Result{}, err
	}
	for _, a := range as {
		for i := range columns {
			if columns[i].Name == a.Name {
				columns[i] = a
			}
		}
	}
	b.number++
	work := engine.Work{Tag: fmt.Sprintf("%s/%d", t.Name(), b.number), Slice: hindcast.Slice{Key: "2020-01-01", Interval: always}, Query: b.query(query), Columns: columns,
		Target: hindcast.Target{Table: "out", Time: "day", Key: b.key}, Checks: b.checks, Dir: filepath.Join(b.dir, fmt.Sprint("out", b.number)), Limits: engine.Limits{Memory: 1 << 30, Threads: 2}}
	if err := os.Mkdir(work.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h, err := b.engine.Start(t.Context(), work)
	if err != nil {
		return engine.Result{}, err
	}
	return b.engine.Wait(t.Context(), h, work.Dir, nil)
}

// text is the values of a query's rows, by comma, one row in a line, as DuckDB writes them.
func (b *bench) text(t *testing.T, query string) string {
	t.Helper()
	rows, err := b.db.QueryContext(t.Context(), "SELECT COLUMNS(*)::VARCHAR FROM ("+query+")")
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return enginetest.Lines(t, rows, func(v sql.NullString) string {
		if !v.Valid {
			return "NULL"
		}
		return fmt.Sprintf("%q", v.String)
	})
}

// rows is what the SQL gives, without its day.
func (b *bench) rows(t *testing.T, query string, as ...hindcast.Column) string {
	t.Helper()
	result, err := b.run(t, query, as...)
	if err != nil {
		t.Errorf("%s: %v %v", query, err, hindcast.AsError(err).Detail)
		return err.Error()
	}
	return b.text(t, "SELECT * EXCLUDE day FROM ("+duck.FromParquet(result.Columns, files(result))+")")
}

func files(result engine.Result) (paths []string) {
	for _, f := range result.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// refused wants the SQL to fail with the code, at its binding or its run, and the text in the message.
func (b *bench) refused(t *testing.T, query string, code hindcast.Code, text string, as ...hindcast.Column) {
	t.Helper()
	result, err := b.run(t, query, as...)
	e := hindcast.AsError(err)
	switch {
	case err == nil:
		t.Errorf("%s gave\n%s", query, b.text(t, duck.FromParquet(result.Columns, files(result))))
	case e.Code != code || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, text):
		t.Errorf("%s: got %v, %s, %v; want %s, %q", query, err, e.Class, e.Detail, code, text)
	}
}

type typeCase struct {
	typ     string
	values  []string
	refused bool
}

// typed is every type that Parquet carries for a fact or dimension, with values at its ends. Spark has no type for those that
// are refused.
var typed = []typeCase{
	{typ: "BOOLEAN", values: []string{"true", "false"}},
	{typ: "TINYINT", values: []string{"-128", "127"}}, {typ: "SMALLINT", values: []string{"-32768", "32767"}},
	{typ: "INTEGER", values: []string{"-2147483648", "2147483647"}}, {typ: "BIGINT", values: []string{"-9223372036854775808", "9223372036854775807"}},
	{typ: "UTINYINT", values: []string{"0", "255"}}, {typ: "USMALLINT", values: []string{"0", "65535"}}, {typ: "UINTEGER", values: []string{"0", "4294967295"}},
	{typ: "UBIGINT", values: []string{"0", "9223372036854775808", "18446744073709551615"}},
	{typ: "HUGEINT", values: []string{"-99999999999999999999999999999999999999", "99999999999999999999999999999999999999", "0"}},
	{typ: "UHUGEINT", values: []string{"0", "99999999999999999999999999999999999999"}},
	{typ: "FLOAT", values: []string{"'NaN'", "'-0.0'", "0", "'inf'", "'-inf'", "1e-45", "3.4028235e38", "0.1"}},
	{typ: "DOUBLE", values: []string{"'NaN'", "'-0.0'", "0", "'inf'", "'-inf'", "'5e-324'", "1.7976931348623157e308", "0.1"}},
	{typ: "DECIMAL(4,1)", values: []string{"-999.9", "999.9"}}, {typ: "DECIMAL(9,9)", values: []string{"-0.999999999", "0.000000001"}},
	{typ: "DECIMAL(18,6)", values: []string{"-999999999999.999999", "0.000001"}}, {typ: "DECIMAL(19,0)", values: []string{"9999999999999999999"}},
	{typ: "DECIMAL(38,0)", values: []string{"'-99999999999999999999999999999999999999'", "'99999999999999999999999999999999999999'"}},
	{typ: "DECIMAL(38,38)", values: []string{"'-0.99999999999999999999999999999999999999'", "'0.00000000000000000000000000000000000001'"}},
	{typ: "VARCHAR", values: []string{"''", "' '", "'it''s \"quoted\" `so` \\ \\n $$ ${x} :n'", "'é🙂" + "\u00a0" + "'", "chr(10) || chr(9) || chr(13)", "'NULL'", "'a' || chr(0) || 'b'", "repeat('x', 100000)"}},
	{typ: "BLOB", values: []string{"''", `'\x00\xFF\x00'`, `'abc'`}},
	{typ: "DATE", values: []string{"'0001-01-01'", "'1582-10-04'", "'1582-10-05'", "'1582-10-14'", "'1582-10-15'", "'1900-01-01'", "'1969-12-31'", "'9999-12-31'", "'10000-01-01'",
		"'5881580-07-10'", "'5877642-06-25 (BC)'", "'0001-12-31 (BC)'"}},
	{typ: "TIMESTAMP", values: []string{"'0001-01-01'", "'1582-10-10 01:02:03.000001'", "'1899-12-31 23:59:59.999999'", "'2020-03-29 02:30:00'", "'2020-10-25 02:30:00'", "'9999-12-31 23:59:59.999999'",
		"'294247-01-10 04:00:54.775806'", "'290309-12-22 (BC) 00:00:00'"}},
	{typ: "TIMESTAMP WITH TIME ZONE", values: []string{"'0001-01-01 00:00:00+00'", "'1582-10-10 01:02:03.000001+00'", "'1899-12-31 23:59:59.999999+00'", "'2020-10-25 00:30:00+00'", "'2020-10-25 01:30:00+00'",
		"'9999-12-31 23:59:59.999999+00'", "'294247-01-10 04:00:54.775806+00'"}},
	{typ: "TIMESTAMP_S", values: []string{"'1582-10-10 01:02:03'", "'9999-12-31 23:59:59'"}}, {typ: "TIMESTAMP_MS", values: []string{"'1582-10-10 01:02:03.001'", "'9999-12-31 23:59:59.999'"}},
	{typ: "JSON", values: []string{`'{"a": [1, null], "b": "it''s"}'`, `'null'`, `'1.0'`}},
	{typ: "ENUM('a', 'it''s', '')", values: []string{"'it''s'", "''", "'a'"}},
	{typ: "INTEGER[]", values: []string{"[1, NULL, 3]", "[]"}}, {typ: "VARCHAR[][]", values: []string{"[['a', NULL, ''], NULL, []]"}}, {typ: "UBIGINT[]", values: []string{"[18446744073709551615]"}},
	{typ: "TIMESTAMP_S[]", values: []string{"['1582-10-10 01:02:03', NULL]"}}, {typ: "DOUBLE[]", values: []string{"['NaN', '-0.0', 'inf', NULL]"}},
	{typ: "DECIMAL(38,10)[]", values: []string{"[1.5, NULL]"}},
	{typ: `STRUCT(a INTEGER, "B b" VARCHAR, "it's" STRUCT(d DATE, t TIMESTAMP WITH TIME ZONE))`, values: []string{`{'a': 1, 'B b': '', 'it''s': {'d': '1500-01-01', 't': '2020-10-25 00:30:00+00'}}`, `{'a': NULL, 'B b': NULL, 'it''s': NULL}`}},
	{typ: "MAP(VARCHAR, DECIMAL(18,6))", values: []string{"MAP {'a': 1.5, '': NULL}", "MAP {}"}}, {typ: "MAP(DATE, INTEGER[])", values: []string{"MAP {'2020-01-01'::DATE: [1, NULL]}"}},
	{typ: "STRUCT(l UTINYINT[], m MAP(INTEGER, BLOB))[]", values: []string{`[{'l': [255], 'm': MAP {1: '\x00'::BLOB}}, NULL]`}},

	{typ: "TIME", values: []string{"'12:34:56.789'"}, refused: true}, {typ: "TIME_NS", values: []string{"'12:34:56.789'"}, refused: true},
	{typ: "TIME WITH TIME ZONE", values: []string{"'12:34:56+01'"}, refused: true}, {typ: "TIMESTAMP_NS", values: []string{"'2020-01-01'"}, refused: true},
	{typ: "UUID", values: []string{"'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"}, refused: true}, {typ: "INTERVAL", values: []string{"'1 month 2 days'"}, refused: true},
	{typ: "BIT", values: []string{"'101'"}, refused: true}, {typ: "BIGNUM", values: []string{"'1'"}, refused: true}, {typ: "HUGEINT[]", values: []string{"[1]"}, refused: true},
	{typ: "UUID[]", values: []string{"['6ba7b810-9dad-11d1-80b4-00c04fd430c8']"}, refused: true}, {typ: "STRUCT(t TIME)", values: []string{"{'t': '12:34:56'}"}, refused: true},
	{typ: "MAP(VARCHAR, UUID)", values: []string{"MAP {'a': '6ba7b810-9dad-11d1-80b4-00c04fd430c8'}"}, refused: true},
}

// ordered gives one row for each value of the types that are refused, or are not, with its number; the last row has NULL
// everywhere.
func ordered(refused bool) string {
	most := 0
	for _, c := range typed {
		most = max(most, len(c.values))
	}
	if refused {
		most = 1
	}
	var rows []string
	for row := range most + 1 {
		list := []string{fmt.Sprintf("%d AS n", row), "DATE '2020-01-01' AS day"}
		for i, c := range typed {
			if c.refused != refused {
				continue
			}
			value := "NULL"
			if row < len(c.values) {
				value = c.values[row]
			}
			list = append(list, fmt.Sprintf("CAST(%s AS %s) AS c%d", value, c.typ, i))
		}
		rows = append(rows, "SELECT "+strings.Join(list, ", "))
	}
	return strings.Join(rows, " UNION ALL ")
}

func everyType(t *testing.T, b *bench) {
	b.lake(t, "odd", ordered(true))
	for i, c := range typed {
		switch name := fmt.Sprintf("c%d", i); c.typ {
		case "TIME", "UUID[]", "STRUCT(t TIME)", "HUGEINT[]": // TestReference has them all
			b.refused(t, "SELECT day, "+name+" FROM odd", hindcast.EType, "odd."+name)
		}
	}
	_, err := b.bind(t, "SELECT *\nFROM odd")
	u, is := errors.AsType[*engine.Uncarried](err)
	if !is || u.Named || len(u.Tables) != 1 || hindcast.AsError(err).Place.Line != 0 {
		t.Fatalf("%+v, %v", u, err)
	}
	for i, c := range typed {
		if named := strings.Contains(err.Error(), fmt.Sprintf("odd.c%d (%s)", i, c.typ)); named != c.refused {
			t.Errorf("%s: %v", c.typ, err)
		}
	}
	_, err = b.bind(t, fmt.Sprintf("SELECT day,\n  c%d\nFROM odd", slices.IndexFunc(typed, func(c typeCase) bool { return c.typ == "UUID" })))
	if e := hindcast.AsError(err); e == nil || e.Place != (hindcast.Place{File: "x.sql", Line: 2, Column: 3}) {
		t.Errorf("%+v", e)
	}
	_, err = b.bind(t, "SELECT *, NULL AS a,\n  INTERVAL '1' DAY AS b, 1 AS n, NULL AS d FROM (SELECT 1 AS n)")
	if e := hindcast.AsError(err); e == nil || e.Place.Line != 1 || len(e.Detail) != 3 || !strings.Contains(fmt.Sprint(e.Message, e.Detail), `"b"`) {
		t.Errorf("%+v", e)
	}

	if got := b.rows(t, "SELECT n, day FROM odd ORDER BY n"); got != "\"0\"\n\"1\"" {
		t.Errorf("beside columns of such types: %s", got)
	}

	b.tables = nil
	columns := b.lake(t, "facts", ordered(false))
	result, err := b.run(t, "SELECT * FROM facts")
	if err != nil {
		t.Fatal(err, hindcast.AsError(err).Detail)
	}
	from := duck.FromParquet(columns, b.tables[0].Files)
	to := duck.FromParquet(result.Columns, files(result))
	for i, c := range typed {
		if c.refused {
			continue
		}
		value := fmt.Sprintf("c%d", i)
		if want, got := b.text(t, "SELECT n, "+value+" FROM ("+from+") ORDER BY n"), b.text(t, "SELECT n, "+value+" FROM ("+to+") ORDER BY n"); got != want {
			t.Errorf("%s\ngot  %.600s\nwant %.600s", c.typ, got, want)
		}
	}
}

// timesAsText has what an unload from Redshift writes.
func timesAsText(t *testing.T, b *bench) {
	query := `SELECT 1 AS n, DATE '2020-01-01' AS day, TIMESTAMP '0001-01-01 00:00:00.000001' AS civil, TIMESTAMPTZ '0001-01-01 00:00:00.000001+00' AS moment
		UNION ALL SELECT 2, DATE '2020-01-02', TIMESTAMP '2020-03-29 02:30:00', TIMESTAMPTZ '2020-10-25 01:30:00+00'
		UNION ALL SELECT 3, DATE '2020-01-03', TIMESTAMP '9999-12-31 23:59:59.999999', TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'
		UNION ALL SELECT 4, DATE '2020-01-04', NULL, NULL`
	columns := b.describe(t, query)
	columns[2].Stored, columns[3].Stored = "VARCHAR", "VARCHAR"
	path := filepath.Join(b.dir, "texts.parquet")
	b.exec(t, duck.CopyStatement("SELECT "+duck.Encode(columns)+" FROM ("+query+")", path))
	b.tables = []engine.Table{{Name: "texts", Columns: columns, Files: []string{path}}}
	result, err := b.run(t, "SELECT * FROM texts")
	if err != nil {
		t.Fatal(err, hindcast.AsError(err).Detail)
	}
	want := b.text(t, "SELECT * FROM ("+query+") ORDER BY n")
	if got := b.text(t, "SELECT * FROM ("+duck.FromParquet(result.Columns, files(result))+") ORDER BY n"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// everyPostgres has what an unload from PostgreSQL writes.
func everyPostgres(t *testing.T, b *bench) {
	config, err := pgconn.ParseConfig(pgtest.Shared(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgcopy.Connect(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }() // its answers were read
	pgtest.Query(t, conn, strings.Join(pgcopy.Settings, ";"))
	pgtest.Query(t, conn, `CREATE TYPE mood AS ENUM ('a', 'it''s'); CREATE TYPE pair AS (a int, b text);
		CREATE TABLE p (n int, day date, a boolean, b smallint, c bigint, d oid, e numeric(18,6), f numeric(38,10), g real, h float8, i text, j varchar(5), k char(5), l name, m bytea, o timestamp, q timestamptz, r json, s jsonb,
			t inet, u bit(3), v int4range, w mood, x pair, y bigint[], z text[], aa date[], bb timestamptz[], cc numeric(5,2)[], dd date, gone uuid, hour time, away uuid[]);
		INSERT INTO p VALUES (1, '2020-01-01', true, -32768, -9223372036854775808, 4294967295, -999999999999.999999, 9999999999999999999999999999.9999999999, 'NaN', '-0', 'it''s "\', 'é', 'a', 'x', '\x00ff',
			'0001-01-01 00:00:00.000001', '1850-06-01 12:00:00+00', '{"a" : 1.0}', '{"b": [null]}', '10.0.0.1/8', '101', '[1,5)', 'it''s', '(1,"x,y")', '{1,NULL}', '{"",NULL,"NULL"}', '{1500-02-28}', '{2020-10-25 00:30:00+00}', '{1.5}', '1582-10-10',
			'6ba7b810-9dad-11d1-80b4-00c04fd430c8', '12:00', '{}');
		INSERT INTO p VALUES (2, '2020-01-31');
		INSERT INTO p VALUES (3, '2020-01-02', false, 32767, 9223372036854775807, 0, 0.000001, 0.0000000001, 'Infinity', 5e-324, '', '', '', '', '',
			'9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00', 'null', '1', '::1', '000', 'empty', 'a', '(,)', '{}', '{}', '{}', '{}', '{}', '9999-12-31')`)

	rows := pgtest.Query(t, conn, "SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = 'p'::regclass AND attnum > 0 ORDER BY attnum")
	refs := make([]pgcopy.Ref, len(rows))
	for i, row := range rows {
		if _, err := fmt.Sscan(row[1]+" "+row[2], &refs[i].OID, &refs[i].Mod); err != nil {
			t.Fatal(err)
		}
	}
	types, err := pgcopy.Resolve(t.Context(), conn, refs)
	if err != nil {
		t.Fatal(err)
	}
	fields, table := make([]pgcopy.Field, len(rows)), engine.Table{Name: "p"}
	for i, row := range rows {
		if fields[i], err = pgcopy.Carry(row[0], types[i], false); err != nil {
			t.Fatal(err)
		}
		fields[i].Column.Stored = fields[i].Stored
		table.Columns = append(table.Columns, fields[i].Column)
	}
	unloaded, _, err := pgcopy.Unload(t.Context(), fields, pgcopy.One(conn, pgcopy.CopyOut(fields, "p")), pgcopy.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range unloaded {
		table.Files = append(table.Files, f.Path)
	}

	b.tables = []engine.Table{table}
	b.refused(t, "SELECT day, gone FROM p", hindcast.EType, "p.gone")
	var names []string
	for _, c := range table.Columns[:len(table.Columns)-3] {
		names = append(names, c.Name)
	}
	list := strings.Join(names, ", ")
	result, err := b.run(t, "SELECT "+list+" FROM p")
	if err != nil {
		t.Fatal(err, hindcast.AsError(err).Detail)
	}
	got := b.text(t, "SELECT "+list+" FROM ("+duck.FromParquet(result.Columns, files(result))+") ORDER BY n")
	if want := b.text(t, "SELECT "+list+" FROM ("+duck.FromParquet(table.Columns, table.Files)+") ORDER BY n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// beyond: what Spark would take for another value is an error where it is read, and only there.
func beyond(t *testing.T, b *bench) {
	b.lake(t, "facts", `SELECT DATE '2020-01-01' AS day, 1 AS n, DATE 'infinity' AS d, TIMESTAMP '-infinity' AS u,
		TIMESTAMPTZ 'infinity' AS z, {'a': NULL::DATE, 'b': {'t': [NULL, TIMESTAMPTZ '-infinity']}} AS s, MAP {DATE 'infinity': 1} AS k, 170141183460469231731687303715884105727 AS h`)
	for _, column := range []string{"d", "u", "z", "s", "k"} {
		b.refused(t, "SELECT day, "+column+" FROM facts", hindcast.EType, "facts."+column)
	}
	b.refused(t, "SELECT day, h FROM facts", hindcast.EOverflow, "")
	if got := b.rows(t, "SELECT day, n FROM facts"); got != `"1"` {
		t.Errorf("got %s", got)
	}
	// Dates that DuckDB would read as infinity, and times that it does not have.
	for _, value := range []string{"date_add(DATE '+5881580-07-10', 2 * n)", "array(CAST(timestamp_micros(-9223372036854775807) AS TIMESTAMP_LTZ))"} {
		b.refused(t, "SELECT day, "+value+" AS v FROM facts", hindcast.EOverflow, "\"v\"")
	}
}

// found: Parquet's readers know neither that 0 is -0 nor that a writer's statistics do not count NaN.
func found(t *testing.T, b *bench) {
	b.lake(t, "facts", `SELECT DATE '2020-01-01' AS day, i AS n, if(i % 2 = 0, -0.0::DOUBLE, 1.5) AS d, if(i % 2 = 0, 0.0::FLOAT, 1.5) AS f, if(i % 2 = 0, 'NaN'::DOUBLE, 1.5) AS x,
		{'d': if(i % 2 = 0, -0.0::DOUBLE, 1.5)} AS s, if(i % 2 = 0, '\x00\xFF'::BLOB, 'b') AS b, (18446744073709551615 - i::UBIGINT)::UBIGINT AS u, (4294967295 - i)::UINTEGER AS v,
		'x' || chr(CAST(200 + i % 2 AS INTEGER)) AS t FROM range(1000) r(i)`)
	b.user(t, "own", "../../duck/testdata/nan.parquet")
	bloom := filepath.Join(b.dir, "bloom.parquet")
	b.exec(t, "COPY (SELECT if(i % 2 = 0, -0.0::DOUBLE, 1.5) AS d FROM range(10000) r(i)) TO "+duck.String(bloom)+" (FORMAT parquet)")
	b.user(t, "bloom", bloom)
	counts := []string{}
	conditions := []string{"facts WHERE d = 0", "facts WHERE d IN (0.0D, 7)", "facts WHERE f = -0.0F", "facts WHERE x > 2", "facts WHERE s.d = 0",
		"facts WHERE b = X'00FF'", "facts WHERE u > 18446744073709551115 AND v > 4294966795", "facts WHERE t = 'x\u00c8'", "facts a JOIN (SELECT max(d) AS d FROM facts WHERE d < 1) b USING (d)"}
	for _, c := range conditions {
		counts = append(counts, "(SELECT count(*) FROM "+c+") AS c"+fmt.Sprint(len(counts)))
	}
	want := strings.TrimSuffix(strings.Repeat(`"500",`, len(conditions)), ",")
	if got := b.rows(t, "SELECT DATE '2020-01-01' AS day, "+strings.Join(counts, ", ")); got != want {
		t.Errorf("got %s", got)
	}
	if got := b.rows(t, "SELECT DATE '2020-01-01' AS day, (SELECT count(*) FROM own WHERE score > 100) AS a, (SELECT count(*) FROM own WHERE `inner`.score > 100) AS b, (SELECT count(*) FROM bloom WHERE d = 0) AS c"); got != `"1","1","5000"` {
		t.Errorf("of the user's files: %s", got)
	}
	// The checks see the same of the result.
	b.checks = []engine.Check{{Check: hindcast.Check{Name: "zero", SQL: "SELECT 1 WHERE (SELECT count(*) FROM result WHERE d = 0) <> 500 OR (SELECT count(*) FROM result WHERE x > 2) <> 500"}}}
	b.rows(t, "SELECT day, d, x FROM facts")
}

// user adds a table of the user's own files, each with a layout of its own, whose columns have the given types or those of
// the first file that has them.
func (b *bench) user(t *testing.T, name string, paths ...string) *engine.Table {
	t.Helper()
	table := engine.Table{Name: name}
	seen := map[string]bool{}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range b.describe(t, "SELECT * FROM read_parquet("+duck.Paths([]string{path})+", hive_partitioning=false)") {
			names = append(names, c.Name)
			if !seen[strings.ToLower(c.Name)] {
				seen[strings.ToLower(c.Name)] = true
				table.Columns = append(table.Columns, c)
			}
		}
		table.Files, table.Layouts = append(table.Files, path), append(table.Layouts, hindcast.Layout{Columns: names, Files: []string{path}})
	}
	b.tables = append(b.tables, table)
	return &b.tables[len(b.tables)-1]
}

// retype gives a column of a table another type.
func retype(table *engine.Table, column, typ string) {
	for i, c := range table.Columns {
		if c.Name == column {
			table.Columns[i].Type = typ
		}
	}
}

// sameAsDuckDB wants the table to be for Spark what it is for DuckDB, in the order of its columns.
func (b *bench) sameAsDuckDB(t *testing.T, table *engine.Table) {
	t.Helper()
	b.exec(t, "SET TimeZone = "+duck.String(b.zone))
	var names, own []string
	for _, c := range table.Columns {
		if c.Name != "day" {
			names, own = append(names, "`"+strings.ReplaceAll(c.Name, "`", "``")+"`"), append(own, duck.Name(c.Name))
		}
	}
	list, mine := strings.Join(names, ", "), strings.Join(own, ", ")
	if result, err := b.run(t, "SELECT DATE '2020-01-01' AS day, "+list+" FROM "+table.Name); err != nil {
		t.Errorf("%s: %v, %v", table.Name, err, hindcast.AsError(err).Detail)
	} else if got, want := b.text(t, "SELECT * EXCLUDE day FROM ("+duck.FromParquet(result.Columns, files(result))+") ORDER BY ALL"), b.text(t, "SELECT "+mine+" FROM ("+duck.FromUsersParquet(table.Columns, table.Layouts)+") ORDER BY ALL"); got != want {
		t.Errorf("%s\ngot  %s\nwant %s", table.Name, got, want)
	}
}

// structs: Spark's CAST takes fields in their order.
func structs(t *testing.T, b *bench) {
	one, two, three := filepath.Join(b.dir, "one.parquet"), filepath.Join(b.dir, "two.parquet"), filepath.Join(b.dir, "three.parquet")
	b.exec(t, duck.CopyStatement("SELECT 1 AS n, {'a': 1, 'b': 2} AS s, [{'x': 1::TINYINT, 'y': NULL}] AS l, MAP {'k': {'a': 1::UTINYINT}} AS m", one))
	b.exec(t, duck.CopyStatement("SELECT 2 AS n, {'B': 3, 'a': 4} AS s, [{'y': 2, 'x': 7}, NULL] AS l, MAP {'k': {'b': 2, 'a': NULL}} AS m UNION ALL SELECT 3, NULL, NULL, NULL", two))
	b.exec(t, duck.CopyStatement("SELECT 4::TINYINT AS n", three))
	table := b.user(t, "own", one, two, three)
	retype(table, "s", "STRUCT(a BIGINT, b INTEGER, c DATE)")
	retype(table, "l", "STRUCT(x INTEGER, y INTEGER)[]")
	retype(table, "m", "MAP(VARCHAR, STRUCT(a DECIMAL(5,1), b INTEGER, d STRUCT(l DATE[], m MAP(DATE, VARCHAR))))")
	b.sameAsDuckDB(t, table)

	wide := []hindcast.Column{{Name: "n", Type: "BIGINT"}, {Name: "s", Type: "STRUCT(a BIGINT, b INTEGER)"}}
	b.tables = []engine.Table{{Name: "facts", Columns: wide, Groups: []engine.Group{
		{Columns: []hindcast.Column{{Name: "n", Type: "INTEGER"}, {Name: "s", Type: "STRUCT(a INTEGER, b INTEGER)"}}, Files: []string{one}},
		{Columns: []hindcast.Column{{Name: "n", Type: "INTEGER"}, {Name: "s", Type: "STRUCT(B INTEGER, a INTEGER)"}}, Files: []string{two}},
		{Columns: []hindcast.Column{{Name: "n", Type: "TINYINT"}}, Files: []string{three}}}}}
	if got := b.rows(t, "SELECT DATE '2020-01-01' AS day, n, s.a, s.b FROM facts ORDER BY n"); got != "\"1\",\"1\",\"2\"\n\"2\",\"4\",\"3\"\n\"3\",NULL,NULL\n\"4\",NULL,NULL" {
		t.Errorf("groups: %s", got)
	}
}

// several: a fact without files has no rows and its types; one of several files has all; so has a result.
func several(t *testing.T, b *bench) {
	columns := b.lake(t, "facts", "SELECT DATE '2020-01-01' AS day, 1::UBIGINT AS u, 'a' AS s", "SELECT DATE '2020-01-31' AS day, 2::UBIGINT AS u, '' AS s", "SELECT DATE '2020-01-02' AS day, NULL::UBIGINT AS u, NULL::VARCHAR AS s")
	b.tables = append(b.tables, engine.Table{Name: "nothing", Columns: columns})
	if got := b.rows(t, "SELECT day, u, s FROM facts UNION ALL SELECT * FROM nothing ORDER BY 1"); got != "\"1\",\"a\"\nNULL,NULL\n\"2\",\"\"" {
		t.Errorf("got %s", got)
	}
	result, err := b.run(t, "SELECT * FROM nothing")
	if err != nil || result.Rows != 0 || len(result.Files) != 0 {
		t.Errorf("%+v, %v", result, err)
	}
	if got := b.rows(t, "SELECT DATE '2020-01-01' AS day, count(*) AS n, sum(u) AS u FROM nothing"); got != `"0",NULL` {
		t.Errorf("got %s", got)
	}
	result, err = b.run(t, "SELECT /*+ REPARTITION(7) */ DATE '2020-01-01' AS day, CAST(id AS DECIMAL(38,0)) AS `a b;(c)=,{d}` FROM range(1000)")
	if err != nil || len(result.Files) < 2 || result.Rows != 1000 {
		t.Fatalf("%+v, %v", result, err)
	}
	if got := b.text(t, "SELECT count(*), sum(\"a b;(c)=,{d}\") FROM ("+duck.FromParquet(result.Columns, files(result))+")"); got != `"1000","499500"` {
		t.Errorf("got %s", got)
	}
}

// targets: a result is staged with its target's types, and has their values only.
func targets(t *testing.T, b *bench) {
	b.lake(t, "facts", "SELECT DATE '2020-01-01' AS day, 255 AS n, -1 AS less, 'b' AS s, 1.7::DOUBLE AS d")
	as := func(types ...string) (list []hindcast.Column) {
		for i, typ := range types {
			list = append(list, hindcast.Column{Name: fmt.Sprintf("c%d", i), Type: typ})
		}
		return list
	}
	all := as("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT", "DECIMAL(38,0)", "DOUBLE", "DECIMAL(21,2)", "ENUM('a', 'b', 'it''s')", "JSON", "TIMESTAMP", "DOUBLE", "UUID", "UUID")
	result, err := b.run(t, "SELECT day, n AS c0, n AS c1, n AS c2, n AS c3, n AS c4, n AS c5, CAST(n AS BIGINT) AS c6, n AS c7, n AS c8, s AS c9, '1' AS c10, day AS c11, CAST(0.1 AS FLOAT) AS c12, '{6BA7B8109dad-11d1-80b4-00c04fd430c8}' AS c13, CAST(NULL AS STRING) AS c14 FROM facts", all...)
	if err != nil {
		t.Fatal(err, hindcast.AsError(err).Detail)
	}
	from := "(" + duck.FromParquet(result.Columns, files(result)) + ")"
	if got := b.text(t, "SELECT * EXCLUDE day FROM "+from); got != `"255","255","255","255","255","255","255","255.0","255.00","b","1","2020-01-01 00:00:00","0.10000000149011612","6ba7b810-9dad-11d1-80b4-00c04fd430c8",NULL` {
		t.Errorf("got %s", got)
	}
	for i, c := range b.describe(t, "SELECT * EXCLUDE day FROM "+from) {
		if c.Type != all[i].Type {
			t.Errorf("%s is %s, want %s", c.Name, c.Type, all[i].Type)
		}
	}
	for value, typ := range map[string]string{"n + 1": "UTINYINT", "less": "UBIGINT", "upper(s)": "ENUM('a', 'b')", "'6ba7b810-9dad-11d1-80b4-00c04fd430c'": "UUID", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8-'": "UUID", "d": "BIGINT", "CAST(1e300 AS DOUBLE)": "FLOAT", "double('NaN')": "DECIMAL(4,2)"} {
		_, err := b.run(t, "SELECT day, "+value+" AS c0 FROM facts", as(typ)...)
		if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassPermanent || e.Code != hindcast.EOverflow && e.Code != hindcast.ESQL {
			t.Errorf("%s as %s: %v", value, typ, err)
		}
	}
}

// held: keys are equal as in a database, and totals exact.
func held(t *testing.T, b *bench) {
	b.lake(t, "facts", `SELECT DATE '2020-01-01' AS day, * FROM (VALUES (1, 0.0::DOUBLE, 'a', 1.10::DECIMAL(38,10), TIMESTAMP '2020-01-01 00:00:00', TIMESTAMPTZ '2020-10-25 00:30:00+00'),
		(2, -0.0, 'a ', 1.1000000001, '2020-01-01 00:00:00.000001', '2020-10-25 01:30:00+00'), (3, 'NaN', 'A', 99999999, '1500-01-01', '2020-01-01 00:00:00+00'), (4, 'NaN', '', 0, '2020-01-02', '2020-01-02 00:00:00+00')) AS v(n, d, s, c, t, z)`)
	for key, unique := range map[string]bool{"d": false, "s": true, "z": true} {
		b.key = []string{key, "day"}
		result, err := b.run(t, "SELECT day, "+key+" FROM facts")
		e := hindcast.AsError(err)
		if unique && (err != nil || result.Rows != 4) || !unique && (e == nil || e.Code != hindcast.EKeyViolated || len(e.Detail) != 2) {
			t.Errorf("%s: %v", key, e)
		}
	}
	b.key = nil
	check := func(c hindcast.Check) error {
		c.Name = "it"
		b.checks = []engine.Check{{Check: c}}
		_, err := b.run(t, "SELECT day, n, d, s, c, t, CAST('x' AS BINARY) AS x, CAST(NULL AS INT) AS o FROM facts WHERE n < 4")
		b.checks = nil
		return err
	}
	if err := check(hindcast.Check{Total: &hindcast.TotalCheck{Of: "c", Equals: "SELECT sum(c) FROM facts", Within: "0"}}); err != nil {
		t.Error(err)
	}
	wrong := hindcast.Check{Total: &hindcast.TotalCheck{Of: "c", Equals: "SELECT CAST('100000001.2000000002' AS DECIMAL(38,10))", Within: "0"}}
	if e := hindcast.AsError(check(wrong)); e == nil || e.Code != hindcast.ECheck || !strings.Contains(e.Message, "100000001.2000000002") {
		t.Errorf("a total that differs in its last digit: %+v", e)
	}
	exact(t, b)
	if e := hindcast.AsError(check(hindcast.Check{SQL: "SELECT * FROM result WHERE n = 3"})); e == nil || e.Code != hindcast.ECheck || len(e.Detail) != 1 ||
		e.Detail[0] != "day=2020-01-01  n=3  d=NaN  s=A  c=99999999.0000000000  t=1500-01-01 00:00:00  x=0x78  o=NULL" {
		t.Errorf("%+v", e)
	}
}

// exact: sums of a check are exact at the ends of each type, where Spark's own overflow, and so is their difference.
func exact(t *testing.T, b *bench) {
	const query = `SELECT DATE '2020-01-01' AS day, CAST(127 AS TINYINT) AS t, CAST(32767 AS SMALLINT) AS s, 2147483647 AS i, 9223372036854775807 AS b, -9223372036854775808 AS l,
		CAST('4999999999999999999999999999.9999999999' AS DECIMAL(38,10)) AS c, double('Infinity') AS d FROM range(2)`
	total := func(of, equals string) error {
		b.checks = []engine.Check{{Check: hindcast.Check{Name: "it", Total: &hindcast.TotalCheck{Of: of, Equals: equals, Within: "0"}}}}
		_, err := b.run(t, query)
		b.checks = nil
		return err
	}
	for of, sum := range map[string]string{"t": "254", "s": "65534", "i": "4294967294", "b": "18446744073709551614BD", "l": "-18446744073709551616BD", "c": "CAST('9999999999999999999999999999.9999999998' AS DECIMAL(38,10))"} {
		if err := total(of, "SELECT "+sum); err != nil {
			t.Errorf("%s: %v", of, err)
		}
	}
	for of, sum := range map[string]string{"b": "18446744073709551615BD", "l": "CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0))", "c": "CAST('-99999999999999999999999999999999999999' AS DECIMAL(38,0))", "d": "double('-Infinity')"} {
		if e := hindcast.AsError(total(of, "SELECT "+sum)); e == nil || e.Code != hindcast.ECheck {
			t.Errorf("%s as %s: %v", of, sum, e)
		}
	}
}

// ownFiles: what writers wrote is what DuckDB reads of it.
func ownFiles(t *testing.T, b *bench) {
	testdata, written := "../duckdb/testdata/", filepath.Join(b.dir, "own files")
	b.zone = "America/New_York"
	b.sameAsDuckDB(t, b.user(t, "int96", testdata+"int96-spark.parquet"))
	b.sameAsDuckDB(t, b.user(t, "fixed", testdata+"binary16.parquet"))
	b.sameAsDuckDB(t, b.user(t, "nan", "../../duck/testdata/nan.parquet"))

	// Spark has no type for some columns: it can read the others, and those are refused by name.
	odd := b.user(t, "odd", testdata+"nanoseconds.parquet")
	retype(odd, "zoned", "") // as scans refuse it
	if got := b.rows(t, "SELECT DATE '2020-01-01' AS day, id FROM odd"); got != `"1"` {
		t.Errorf("got %s", got)
	}
	b.refused(t, "SELECT DATE '2020-01-01' AS day, clock FROM odd", hindcast.EType, "odd.clock")
	b.exec(t, duck.CopyStatement("SELECT uuid() AS id, TIME '12:00:00' AS t, {'u': uuid()} AS s, 1.5::DECIMAL(9,2) AS c, TIMESTAMP_MS '2020-10-25 02:30:00' AS ms, 7::UTINYINT AS u", written))
	b.user(t, "typed", written)
	if got := b.rows(t, "SELECT DATE '2020-01-01' AS day, c, ms, u FROM typed"); got != `"1.50","2020-10-25 02:30:00","7"` {
		t.Errorf("got %s", got)
	}
	b.refused(t, "SELECT DATE '2020-01-01' AS day, s FROM typed", hindcast.EType, "typed.s")
	half := b.user(t, "half", testdata+"../testdata/nanoseconds.parquet")
	retype(half, "plain", "TIMESTAMP") // as `types:` has it
	b.refused(t, "SELECT DATE '2020-01-01' AS day, plain FROM half", hindcast.EType, "half.plain")

	// Spark's own files, with old times, and the types that a pipeline names.
	result, err := b.run(t, "SELECT DATE '2020-01-01' AS day, DATE '1500-02-28' AS d, TIMESTAMP_NTZ '1582-10-10 12:00:00' AS n, TIMESTAMP_LTZ '1800-01-01 00:00:00' AS z, CAST(1.5 AS DOUBLE) AS f, CAST(7 AS BIGINT) AS i, 'x' AS s, array(named_struct('a', X'00', 'b', map('k', -0.0D))) AS l")
	if err != nil {
		t.Fatal(err)
	}
	b.tables = nil
	b.sameAsDuckDB(t, b.user(t, "sparks", files(result)...))
	table := b.user(t, "named", files(result)...)
	retype(table, "i", "DECIMAL(20,1)")
	retype(table, "d", "TIMESTAMP")
	retype(table, "z", "TIMESTAMP")
	retype(table, "f", "DECIMAL(3,1)")
	b.sameAsDuckDB(t, table)
	retype(table, "f", "BIGINT") // Spark's CAST would cut what DuckDB's rounds
	b.refused(t, "SELECT day, f FROM named", hindcast.EOverflow, "named.f")
}

func folders(t *testing.T, b *bench) {
	table := engine.Table{Name: "own", Columns: []hindcast.Column{{Name: "n", Type: "INTEGER"}, {Name: "region", Type: "VARCHAR", Folder: b.dir}, {Name: "Year", Type: "BIGINT", Folder: b.dir},
		{Name: "on", Type: "DATE", Folder: b.dir}}}
	for i, folder := range []string{"region=eu/year=2020/on=2020-01-01", "region=a%20b+c%2Fd", "region=__HIVE_DEFAULT_PARTITION__/year=__HIVE_DEFAULT_PARTITION__", "region=", "REGION=it's [x]*?{y}=z", "region=100%", "region=é/x/year=7",
		"region=one/region=two"} {
		path := filepath.Join(b.dir, folder, "f.parquet")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		b.exec(t, duck.CopyStatement(fmt.Sprintf("SELECT %d AS n", i), path))
		table.Files = append(table.Files, path)
	}
	table.Layouts = []hindcast.Layout{{Columns: []string{"n"}, Files: table.Files}}
	b.tables = append(b.tables, table)
	b.sameAsDuckDB(t, &table)
}

func fileNames(t *testing.T, b *bench) {
	var paths []string
	for i, name := range []string{"a b.parquet", "[1-3]*?.parquet", "it's \"so\".parquet", "50%25.parquet", "12:30/50%/a.parquet", "{a,b}.parquet", "#?x=1&y.parquet", "é.PARQ", "no suffix", "a\\b.parquet", "x=_1.parquet", "$HOME~.parquet"} {
		path := filepath.Join(b.dir, "own", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		b.exec(t, duck.CopyStatement(fmt.Sprintf("SELECT %d AS n", i), path))
		paths = append(paths, path)
	}
	table := b.user(t, "own", paths...)
	table.Layouts = []hindcast.Layout{{Columns: []string{"n"}, Files: paths}}
	b.sameAsDuckDB(t, table)
	for _, name := range []string{"12:30.parquet", "_x.parquet"} {
		path := filepath.Join(b.dir, name)
		b.exec(t, duck.CopyStatement("SELECT 1 AS n", path))
		b.tables = nil
		b.user(t, "own", path)
		b.refused(t, "SELECT DATE '2020-01-01' AS day, n FROM own", hindcast.EParquet, name)
	}
}

// oneClock: whatever gives the current time gives the run's, and nothing else is taken for it.
func oneClock(t *testing.T, b *bench) {
	b.lake(t, "facts", "SELECT DATE '2020-01-01' AS day, 1 AS n")
	b.now, b.zone = time.Date(2020, 3, 1, 3, 30, 0, 250_000_000, time.UTC), "America/New_York"
	const micros = "1583033400250000"
	for sql, want := range map[string]string{
		`unix_micros(now()) AS a, unix_micros(current_timestamp) AS b, unix_micros(CURRENT_TIMESTAMP()) AS c, unix_timestamp() AS d, current_date AS e, curdate() AS f, current_date() + 1 AS g,
			CAST(localtimestamp() AS STRING) AS h, DATE 'today' AS i, DATE /* x */ ' Tomorrow ' AS j, TIMESTAMP'now' AS k, TIMESTAMP_NTZ 'yesterday' AS l, transform(array(1), x -> date_add(current_date, x))[0] AS m,
			date_trunc('day', now()) = TIMESTAMP_LTZ '2020-02-29 05:00:00Z' AS n, current_timezone() AS o, 'today' AS p, 'now()' AS q, (SELECT unix_micros(max(now())) FROM facts WHERE now() < TIMESTAMP_LTZ '2020-03-01 04:00:00Z') AS r`: micros + "," + micros + "," + micros +
			",1583033400,2020-02-29,2020-02-29,2020-03-01,2020-02-29 22:30:00.25,2020-02-29,2020-03-01,2020-02-29 22:30:00.25,2020-02-28 00:00:00,2020-03-01,true,America/New_York,today,now()," + micros,
		"unix_micros(x) AS a, y, z FROM (SELECT now() AS x, x + INTERVAL 1 DAY > now() AS y, z FROM (VALUES (current_date)) v(z))":                                                                       micros + ",true,2020-02-29",
		"current_date, t.current_timestamp AS a, `now()` AS b, \"current_date\" AS c, now /* current_date */ FROM (SELECT 7 AS current_date, 1 AS current_timestamp, 2 AS `now()`, 5 AS now) t -- now()": "7,1,2,7,5",
		"max(a) AS a FROM (SELECT current_date AS a FROM facts GROUP BY current_date HAVING current_date IS NOT NULL ORDER BY current_date)":                                                             "2020-02-29",
	} {
		if got := b.rows(t, "WITH q AS (SELECT "+sql+"\n) SELECT DATE '2020-01-01' AS day, * FROM q"); strings.ReplaceAll(got, `"`, "") != want {
			t.Errorf("%s\ngot  %s\nwant %s", sql, got, want)
		}
	}
	for _, sql := range []string{"to_timestamp('now') AS a", "day = 'tomorrow' AS a", "(SELECT CAST(concat('to', 'day') AS DATE)) AS a", "TIMESTAMP 'now UTC' AS a"} {
		b.refused(t, "SELECT day, "+sql+" FROM facts", hindcast.ESQL, "")
	}
	b.checks = []engine.Check{{Check: hindcast.Check{Name: "now", SQL: "SELECT current_date FROM result WHERE current_date <> DATE 'today' OR unix_micros(now()) <> " + micros}}}
	b.rows(t, "SELECT day, n FROM facts")
}

// zones: instants become civil times, and civil times instants, in the pipeline's zone.
func zones(t *testing.T, b *bench) {
	b.lake(t, "facts", `SELECT DATE '2020-01-01' AS day, TIMESTAMPTZ '2020-10-25 00:30:00+00' AS z, TIMESTAMPTZ '2020-10-25 01:30:00+00' AS y, TIMESTAMP '2020-03-29 02:30:00' AS t, TIMESTAMP '2020-03-01 02:00:00' AS u`)
	for zone, want := range map[string]string{
		"Europe/Berlin":    "2020-10-25 02:30:00,2020-10-25 02:30:00,2020-10-25,2020-10-25 00:00:00,2020-03-29 03:30:00,2020-10-01 00:00:00,2020-03-01,2020-09-30 22:00:00+00,2,3600",
		"America/New_York": "2020-10-24 20:30:00,2020-10-24 21:30:00,2020-10-24,2020-10-24 00:00:00,2020-03-29 02:30:00,2020-10-01 00:00:00,2020-03-01,2020-09-30 22:00:00+00,20,3600",
	} {
		b.zone = zone
		got := b.rows(t, `SELECT day, CAST(z AS TIMESTAMP_NTZ) AS a, CAST(y AS TIMESTAMP_NTZ) AS b, CAST(z AS DATE) AS c, CAST(date_trunc('day', z) AS STRING) AS d, CAST(CAST(t AS TIMESTAMP_LTZ) AS STRING) AS e,
			CAST(date_trunc('month', z) AS TIMESTAMP_NTZ) AS f, CAST(date_trunc('month', u) AS DATE) AS g, TIMESTAMP_LTZ '2020-10-01 00:00:00Europe/Berlin' AS h, hour(z) AS i, unix_seconds(y) - unix_seconds(z) AS j FROM facts`)
		if strings.ReplaceAll(got, `"`, "") != want {
			t.Errorf("%s\ngot  %s\nwant %s", zone, got, want)
		}
	}
}
