package duckdb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
)

// facts are the suite's, of one day.
func facts(t *testing.T, w *enginetest.World) engine.Table {
	t.Helper()
	path := filepath.Join(w.Dir, "facts.parquet")
	enginetest.Parquet(t, path, "SELECT CAST(1 AS BIGINT) AS id, DATE '2020-01-01' AS day, CAST(1 AS DECIMAL(18,6)) AS cost")
	return engine.Table{Name: "facts", Time: "day", Window: january, Own: january, Files: []string{path},
		Columns: []hindcast.Column{{Name: "id", Type: "BIGINT"}, {Name: "day", Type: "DATE"}, {Name: "cost", Type: "DECIMAL(18,6)"}}}
}

func run(t *testing.T, w *enginetest.World, name, sql string, now time.Time, zone string, checks []engine.Check, columns ...hindcast.Column) (engine.Result, error) {
	t.Helper()
	work := engine.Work{Tag: t.Name() + name, Slice: hindcast.Slice{Interval: january}, Dir: filepath.Join(w.Dir, "staging", name), Columns: columns, Checks: checks,
		Query: engine.Query{SQL: sql, TimeZone: zone, Now: now, Tables: []engine.Table{facts(t, w)}}, Target: hindcast.Target{Time: "day"}}
	h, err := w.Engine.Start(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	return w.Engine.Wait(t.Context(), h, work.Dir, nil)
}

// DuckDB gives no place for these errors: it is that of the name, the clause or the function that it speaks of, or that of
// the statement.
func TestErrorsGetALikelyPlace(t *testing.T) {
	w := world(t)
	for sql, want := range map[string]struct {
		code         hindcast.Code
		line, column int
	}{
		"-- x\nSELECT day\nFROM facts\nUNION ALL\nSELECT day, id FROM facts":              {hindcast.ESQL, 4, 1},
		"SELECT *\n  EXCLUDE (day, /* tear */\n  tear) FROM facts":                        {hindcast.ESQLColumn, 3, 3},
		"SELECT sum(cost)\nFROM facts\nHAVING 'day' <> ''\n  AND day > DATE '2020-01-01'": {hindcast.ESQL, 4, 7},
		"SELECT day\nFROM facts\nQUALIFY id > 1":                                          {hindcast.ESQL, 3, 1},
		"SELECT a.day\nFROM facts a\nJOIN facts b USING (\"Daay\")":                       {hindcast.ESQL, 3, 21},
		"SELECT day,\n  strptime(day::VARCHAR, day::VARCHAR) FROM facts":                  {hindcast.ESQL, 2, 3},
		"SELECT day\nFROM facts\nGROUP BY 9":                                              {hindcast.ESQL, 3, 1},
		"-- x\n\nFROM facts NATURAL JOIN (SELECT 1 AS q)":                                 {hindcast.ESQL, 3, 12},
		"SELECT 1 AS a\nFROM facts WHERE id = ?":                                          {hindcast.ESQLParam, 2, 23},
		"SELECT day\nFROM (VALUES (DATE '2020-01-01', 2)) x(a, day, c)":                   {hindcast.ESQL, 2, 38},
		"SELECT day, {'a': INTERVAL 1 DAY}\n x FROM facts":                                {hindcast.EType, 2, 2},
	} {
		_, err := w.Binder.Bind(t.Context(), engine.Query{SQL: sql, File: "x.sql", Tables: []engine.Table{facts(t, w)}}, nil)
		e := hindcast.AsError(err)
		if e == nil || e.Code != want.code || e.Class != hindcast.ClassPermanent {
			t.Errorf("%s: got %v, want %s", sql, err, want.code)
			continue
		}
		if place := (hindcast.Place{File: "x.sql", Line: want.line, Column: want.column}); e.Place != place {
			t.Errorf("%s: at %s, want %s", sql, e.Place, place)
		}
	}
}

// Every spelling of the current time is the query's instant, in its zone, in SQL and checks alike.
func TestEveryFunctionOfTime(t *testing.T) {
	w := world(t)
	now := time.Date(2020, 3, 1, 3, 30, 0, 250_000_000, time.UTC)
	sql := `WITH late AS (SELECT now() AS t) SELECT DATE '2020-01-01' AS day, concat_ws('|', epoch_us((SELECT t FROM late)), epoch_us(CURRENT_TIMESTAMP),
		epoch_us(get_current_timestamp()), epoch_us(transaction_timestamp()), current_date, today(), localtimestamp, current_localtimestamp(),
		current_time, localtime, current_localtime(), age(TIMESTAMP '2020-01-01'), age(DATE '2020-02-02', DATE '2020-02-01'),
		CAST(ago(INTERVAL 1 HOUR) AT TIME ZONE 'UTC' AS TIMESTAMP), list_transform([1], lambda x: current_date + x)) AS text`
	const instants = "2020-01-01,1583033400250000|1583033400250000|1583033400250000|1583033400250000|"
	newYork := instants + "2020-02-29|2020-02-29|2020-02-29 22:30:00.25|2020-02-29 22:30:00.25|22:30:00.25-05|22:30:00.25|22:30:00.25|" +
		"1 month 28 days|1 day|2020-03-01 02:30:00.25|[2020-03-01]"
	utc := instants + "2020-03-01|2020-03-01|2020-03-01 03:30:00.25|2020-03-01 03:30:00.25|03:30:00.25+00|03:30:00.25|03:30:00.25|" +
		"2 months|1 day|2020-03-01 02:30:00.25|[2020-03-02]"
	check := []engine.Check{{Check: hindcast.Check{Name: "sql 1", SQL: "SELECT 1 WHERE epoch_us(now()) <> 1583033400250000"}}}
	for i, in := range []struct{ zone, want string }{{"America/New_York", newYork}, {"UTC", utc}, {"America/New_York", newYork}} {
		result, err := run(t, w, fmt.Sprint(i), sql, now, in.zone, check, hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "text", Type: "VARCHAR"})
		if err != nil {
			t.Fatal(err)
		}
		if got := enginetest.Query(t, result.Files, "SELECT * FROM result"); got != in.want {
			t.Errorf("in %s\ngot  %s\nwant %s", in.zone, got, in.want)
		}
	}

	q := engine.Query{SQL: "SELECT day,\n  system.main.now() AS t FROM facts", File: "x.sql", Tables: []engine.Table{facts(t, w)}, Now: now, TimeZone: "UTC"}
	_, err := w.Binder.Bind(t.Context(), q, nil)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ESQL || e.Place != (hindcast.Place{File: "x.sql", Line: 2, Column: 3}) {
		t.Errorf("past the run's time: %v", err)
	}
}

// Sums of integers are HUGEINT: they stay exact.
func TestSumsOfIntegersStayExact(t *testing.T) {
	w := world(t)
	q := engine.Query{SQL: "SELECT day, sum(cost) AS total, sum(id) AS ids FROM facts GROUP BY day", Tables: []engine.Table{facts(t, w)}}
	bound, err := w.Binder.Bind(t.Context(), q, nil)
	if err != nil || len(bound) != 3 || bound[1].Type != "DECIMAL(38,6)" || bound[2].Type != "HUGEINT" {
		t.Errorf("bound to %+v, %v", bound, err)
	}
	result, err := run(t, w, "", "SELECT DATE '2020-01-01' AS day, sum(x) AS total FROM (VALUES (9007199254740993), (0)) AS v(x)", time.Time{}, "UTC", nil,
		hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "total", Type: "HUGEINT"})
	if err != nil {
		t.Fatal(err)
	}
	if got := enginetest.Query(t, result.Files, "SELECT CAST(total AS HUGEINT) FROM result"); got != "9007199254740993" {
		t.Errorf("got %s", got)
	}
}

// Infinity and years before the first are in no slice.
func TestTimesBeyondTheCalendarAreOutside(t *testing.T) {
	w := world(t)
	for value, typ := range map[string]string{"DATE 'infinity'": "DATE", "DATE '0044-03-15 (BC)'": "DATE", "TIMESTAMP '-infinity'": "TIMESTAMP"} {
		_, err := run(t, w, strings.ReplaceAll(value, "'", ""), "SELECT "+value+" AS day", time.Time{}, "UTC", nil, hindcast.Column{Name: "day", Type: typ})
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EOutside || len(e.Detail) != 1 {
			t.Errorf("%s: %+v", value, e)
		}
	}
}

// What the SQL must not read is named as such.
func TestFilesAreRefusedByName(t *testing.T) {
	w := world(t)
	secret := filepath.Join(t.TempDir(), "secret.parquet")
	enginetest.Parquet(t, secret, "SELECT DATE '2020-01-01' AS day")
	for _, sql := range []string{"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd.csv'", "WITH a AS (SELECT * FROM glob('/*')) FROM a"} {
		_, err := w.Binder.Bind(t.Context(), engine.Query{SQL: sql, Tables: []engine.Table{facts(t, w)}}, nil)
		forbidden(t, sql, err)
	}
	_, err := run(t, w, "", "SELECT * FROM read_parquet('"+secret+"')", time.Time{}, "UTC", nil, hindcast.Column{Name: "day", Type: "DATE"})
	forbidden(t, "unbound", err)
}
