// Package enginetest is the conformance suite of the engine contract: what every driver must hold. A driver's own
// test brings an engine and a way to write Parquet, and runs it.
package enginetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// World is a fresh engine that may read and write below Dir.
type World struct {
	Engine  engine.Engine
	Dir     string
	Parquet func(t *testing.T, path, selectSQL string)                   // writes rows as a Parquet file
	Query   func(t *testing.T, files []hindcast.File, sql string) string // over the files as `result`; values by comma, rows by line
	Slow    string                                                       // a SELECT that takes minutes
}

var january = hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}

// Run runs the suite; each test gets a world of its own.
func Run(t *testing.T, world func(t *testing.T) *World) {
	tests := map[string]func(*testing.T, *World){
		"bind gives columns and types":         bind,
		"bind places errors":                   bindErrors,
		"a job sees its slice only":            window,
		"a job has one time":                   oneTime,
		"checks see the slice's own rows":      own,
		"a row outside its slice fails":        outside,
		"a NULL or doubled key fails":          keys,
		"failed checks show rows":              checks,
		"an empty result is a result":          empty,
		"sums of integers stay exact":          exact,
		"a submitted tag is one job":           twice,
		"cancel is confirmed":                  cancel,
		"a job after a cancelled one is well":  afterCancel,
		"an overflow fails the job":            overflow,
		"used columns are those that are read": used,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, world(t)) })
	}
}

var columns = []hindcast.Column{{Name: "id", Type: "BIGINT"}, {Name: "day", Type: "DATE"}, {Name: "cost", Type: "DECIMAL(18,6)"}}

// facts has rows before, in and after January.
func (w *World) facts(t *testing.T) engine.Table {
	t.Helper()
	path := filepath.Join(w.Dir, "it's facts.parquet")
	w.Parquet(t, path, `SELECT CAST(a AS BIGINT) AS id, CAST(b AS DATE) AS day, CAST(c AS DECIMAL(18,6)) AS cost FROM (VALUES
		(1, '2019-12-31', 10.5), (2, '2020-01-01', 1.000001), (3, '2020-01-31', NULL), (4, '2020-01-31', 2), (5, '2020-02-01', 100)) AS v(a, b, c)`)
	return engine.Table{Name: "facts", Columns: columns, Files: []string{path}, Time: "day", Window: january, Own: january}
}

func (w *World) job(t *testing.T, sql string, result ...hindcast.Column) engine.Job {
	t.Helper()
	dir := filepath.Join(w.Dir, "staging", strings.ReplaceAll(t.Name(), "/", "-"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return engine.Job{Tag: t.Name(), Slice: hindcast.Slice{Key: "2020-01-01", Interval: january}, Dir: dir, Columns: result,
		Query:  engine.Query{SQL: sql, File: "job.sql", Tables: []engine.Table{w.facts(t)}, TimeZone: "UTC"},
		Target: hindcast.Target{Table: "out", Time: "day"}, Limits: engine.Limits{Memory: 512 << 20, Threads: 2}}
}

func (w *World) run(t *testing.T, job engine.Job) (engine.Result, error) {
	t.Helper()
	h, err := w.Engine.Submit(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return w.Engine.Wait(t.Context(), h)
}

var dayTotal = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "total", Type: "DECIMAL(38,6)"}}

func bind(t *testing.T, w *World) {
	q := engine.Query{SQL: "SELECT day, sum(cost) AS total, sum(id) AS ids, count(*) AS n FROM facts GROUP BY day", File: "x.sql", Tables: []engine.Table{w.facts(t)}}
	got, err := w.Engine.Bind(t.Context(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, c := range got {
		text = append(text, c.Name+" "+c.Type)
	}
	if want := "day DATE,total DECIMAL(38,6),ids HUGEINT,n BIGINT"; strings.Join(text, ",") != want {
		t.Errorf("got %s, want %s", strings.Join(text, ","), want)
	}
}

func at(line, column int) hindcast.Place {
	return hindcast.Place{File: "x.sql", Line: line, Column: column}
}

func bindErrors(t *testing.T, w *World) {
	for sql, want := range map[string]hindcast.Error{
		"SELECT day,\n  tier FROM facts": {Code: hindcast.ESQLColumn, Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		"SELECT *\nFROM fatcs":           {Code: hindcast.ESQLTable, Place: hindcast.Place{File: "x.sql", Line: 2, Column: 6}},
		"-- x\nSELEC 1":                  {Code: hindcast.ESQLSyntax, Place: hindcast.Place{File: "x.sql", Line: 2, Column: 1}},
		// DuckDB says no place of these: the name, the clause or the function that it speaks of, or else the statement
		"-- x\nSELECT day\nFROM facts\nUNION ALL\nSELECT day, id FROM facts":              {Code: hindcast.ESQL, Place: at(4, 1)},
		"SELECT *\n  EXCLUDE (day, /* tear */\n  tear) FROM facts":                        {Code: hindcast.ESQLColumn, Place: at(3, 3)},
		"SELECT sum(cost)\nFROM facts\nHAVING 'day' <> ''\n  AND day > DATE '2020-01-01'": {Code: hindcast.ESQL, Place: at(4, 7)},
		"SELECT day\nFROM facts\nQUALIFY id > 1":                                          {Code: hindcast.ESQL, Place: at(3, 1)},
		"SELECT a.day\nFROM facts a\nJOIN facts b USING (\"Daay\")":                       {Code: hindcast.ESQL, Place: at(3, 21)},
		"SELECT day,\n  strptime(day::VARCHAR, day::VARCHAR) FROM facts":                  {Code: hindcast.ESQL, Place: at(2, 3)},
		"SELECT day\nFROM facts\nGROUP BY 9":                                              {Code: hindcast.ESQL, Place: at(3, 1)},
		"-- x\n\nFROM facts NATURAL JOIN (SELECT 1 AS q)":                                 {Code: hindcast.ESQL, Place: at(3, 12)},
		"SELECT 1 AS a\nFROM facts WHERE id = ?":                                          {Code: hindcast.ESQLParam, Place: at(2, 23)},
		"SELECT day\nFROM (VALUES (DATE '2020-01-01', 2)) x(a, day, c)":                   {Code: hindcast.ESQL, Place: at(2, 38)},
		"DELETE FROM facts":                     {Code: hindcast.ESQLNotSelect},
		"SELECT 1; SELECT 2":                    {Code: hindcast.ESQLNotSelect},
		"":                                      {Code: hindcast.ESQLNotSelect},
		"SELECT * FROM read_csv('/etc/passwd')": {Code: hindcast.ESQLAccess},
		"SELECT * FROM '/etc/passwd.csv'":       {Code: hindcast.ESQLAccess},
		"WITH a AS (SELECT * FROM glob('/*')) FROM a":      {Code: hindcast.ESQLAccess},
		"SELECT day,\n id AS day FROM facts":               {Code: hindcast.ESQLColumn, Place: at(2, 8)},
		"SELECT day, {'a': INTERVAL 1 DAY}\n x FROM facts": {Code: hindcast.EType, Place: at(2, 2)},
	} {
		_, err := w.Engine.Bind(t.Context(), engine.Query{SQL: sql, File: "x.sql", Tables: []engine.Table{w.facts(t)}}, nil)
		e := hindcast.AsError(err)
		if e == nil || e.Code != want.Code || e.Class != hindcast.ClassPermanent {
			t.Errorf("%s: got %v, want %s", sql, err, want.Code)
			continue
		}
		if want.Place.Line != 0 && e.Place != want.Place {
			t.Errorf("%s: at %s, want %s", sql, e.Place, want.Place)
		}
	}
}

// oneTime: every function of the time is the query's instant, in its zone, in SQL and checks alike.
func oneTime(t *testing.T, w *World) {
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
	for i, in := range []struct{ zone, want string }{{"America/New_York", newYork}, {"UTC", utc}, {"America/New_York", newYork}} {
		job := w.job(t, sql, hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "text", Type: "VARCHAR"})
		job.Tag, job.Query.Now, job.Query.TimeZone = fmt.Sprint(job.Tag, i), now, in.zone
		job.Checks = []engine.Check{{Check: hindcast.Check{Name: "sql 1", SQL: "SELECT 1 WHERE epoch_us(now()) <> 1583033400250000"}}}
		result, err := w.run(t, job)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Query(t, result.Files, "SELECT * FROM result"); got != in.want {
			t.Errorf("in %s\ngot  %s\nwant %s", in.zone, got, in.want)
		}
	}
	q := engine.Query{SQL: "SELECT day,\n  system.main.now() AS t FROM facts", File: "x.sql", Tables: []engine.Table{w.facts(t)}, Now: now, TimeZone: "UTC"}
	_, err := w.Engine.Bind(t.Context(), q, nil)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ESQL || e.Place != (hindcast.Place{File: "x.sql", Line: 2, Column: 3}) {
		t.Errorf("past the run's time: %v", err)
	}
}

func window(t *testing.T, w *World) {
	result, err := w.run(t, w.job(t, "SELECT day, sum(cost) AS total FROM facts GROUP BY day -- end", dayTotal...))
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Query(t, result.Files, "SELECT * FROM result ORDER BY day"); got != "2020-01-01,1.000001\n2020-01-31,2.000000" {
		t.Errorf("got\n%s", got)
	}
	if result.Rows != 2 || result.Bytes == 0 {
		t.Errorf("got %+v", result)
	}
}

func own(t *testing.T, w *World) {
	job := w.job(t, "SELECT DATE '2020-01-15' AS day, sum(cost) AS total FROM facts", dayTotal...)
	job.Query.Tables[0].Window.Start = january.Start.AddDate(0, 0, -7) // lookback
	job.Checks = []engine.Check{{Check: hindcast.Check{Name: "own", SQL: "SELECT * FROM facts WHERE day < DATE '2020-01-01'"}}}
	result, err := w.run(t, job)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Query(t, result.Files, "SELECT total FROM result"); got != "13.500001" {
		t.Errorf("the SQL should see the lookback: %s", got)
	}
}

func outside(t *testing.T, w *World) {
	for value, inside := range map[string]bool{
		"DATE '2020-02-01'": false, "DATE '2019-12-31'": false, "CAST(NULL AS DATE)": false, "DATE '2020-01-31'": true,
		"DATE 'infinity'": false, "DATE '0044-03-15 (BC)'": false,
		"TIMESTAMP '2020-01-01 00:00:00'": true, "TIMESTAMP '2020-01-31 23:59:59.999999'": true,
		"TIMESTAMP '2019-12-31 23:59:59.999999'": false, "TIMESTAMP '2020-02-01 00:00:00'": false, "TIMESTAMP '-infinity'": false,
		"TIMESTAMPTZ '2020-01-01 00:00:00+00'": true, "TIMESTAMPTZ '2020-02-01 00:30:00+01'": true,
		"TIMESTAMPTZ '2020-01-31 23:30:00-01'": false, "TIMESTAMPTZ '2020-01-01 00:59:59.999999+01'": false,
	} {
		typ := map[bool]string{true: "DATE"}[strings.Contains(value, "DATE")]
		if typ == "" {
			typ = map[bool]string{true: "TIMESTAMP WITH TIME ZONE", false: "TIMESTAMP"}[strings.HasPrefix(value, "TIMESTAMPTZ")]
		}
		job := w.job(t, "SELECT "+value+" AS day, CAST(1 AS DECIMAL(38,6)) AS total", hindcast.Column{Name: "day", Type: typ}, dayTotal[1])
		job.Tag += value
		job.Dir = filepath.Join(job.Dir, strings.ReplaceAll(value, "/", ""))
		_, err := w.run(t, job)
		e := hindcast.AsError(err)
		switch {
		case inside && err != nil:
			t.Errorf("%s: %v", value, err)
		case !inside && (e == nil || e.Code != hindcast.EOutside || e.Class != hindcast.ClassCheck || len(e.Detail) != 1):
			t.Errorf("%s: %+v", value, e)
		}
	}
}

func keys(t *testing.T, w *World) {
	for sql, want := range map[string]hindcast.Code{
		"SELECT day, id AS k FROM facts":                   "",
		"SELECT day, id % 2 AS k FROM facts":               "",
		"SELECT day, CAST(1 AS BIGINT) AS k FROM facts":    hindcast.EKeyViolated,
		"SELECT day, nullif(id, 3) AS k FROM facts":        hindcast.EKeyViolated,
		"SELECT day, CAST(NULL AS BIGINT) AS k FROM facts": hindcast.EKeyViolated,
	} {
		job := w.job(t, sql, hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "k", Type: "BIGINT"})
		job.Tag += sql
		job.Dir = filepath.Join(job.Dir, strings.ReplaceAll(sql, "/", ""))
		job.Target.Key = []string{"day", "k"}
		_, err := w.run(t, job)
		switch e := hindcast.AsError(err); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", sql, err)
		case want != "" && (e == nil || e.Code != want || len(e.Detail) == 0):
			t.Errorf("%s: got %+v", sql, e)
		}
	}
}

// used holds for engines that know: a column that is read is never left out, and one that is plainly not read is.
func used(t *testing.T, w *World) {
	p, knows := w.Engine.(engine.Pruner)
	if !knows {
		return
	}
	for sql, want := range map[string]string{
		"SELECT cost FROM facts":                   "day,cost",
		"SELECT count(*) FROM facts":               "day",
		"SELECT max(cost) FROM facts WHERE id > 3": "id,day,cost",
		"SELECT * FROM facts":                      "id,day,cost",
	} {
		q := engine.Query{SQL: sql, File: "x.sql", Tables: []engine.Table{w.facts(t)}}
		got, err := p.Used(t.Context(), q, nil)
		if err != nil {
			t.Fatal(err)
		}
		if columns, sure := got["facts"]; !sure || strings.Join(columns, ",") != want {
			t.Errorf("%s: %q (sure: %t), want %s", sql, columns, sure, want)
		}
	}
	q := engine.Query{SQL: "SELECT cost FROM facts", Tables: []engine.Table{w.facts(t)}}
	got, err := p.Used(t.Context(), q, []engine.Check{{Check: hindcast.Check{Name: "ids", SQL: "SELECT * FROM facts WHERE id < 0"}}})
	if err != nil || strings.Join(got["facts"], ",") != "id,day,cost" {
		t.Errorf("with a check: %q, %v", got, err)
	}
}

func limit(n int64) *int64 { return &n }

func checks(t *testing.T, w *World) {
	const sql = "SELECT day, sum(cost) AS total FROM facts GROUP BY day"
	for name, c := range map[string]struct {
		check hindcast.Check
		fails bool
	}{
		"rows ok":         {hindcast.Check{Rows: &hindcast.RowsCheck{Min: limit(2), Max: limit(2)}}, false},
		"rows too few":    {hindcast.Check{Rows: &hindcast.RowsCheck{Min: limit(3)}}, true},
		"rows too many":   {hindcast.Check{Rows: &hindcast.RowsCheck{Max: limit(1)}}, true},
		"total equal":     {hindcast.Check{Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT sum(cost) FROM facts", Within: "0"}}, false},
		"total differs":   {hindcast.Check{Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT sum(cost) + 1 FROM facts", Within: "0.5"}}, true},
		"total within":    {hindcast.Check{Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT sum(cost) + 1 FROM facts", Within: "1"}}, false},
		"total NULL":      {hindcast.Check{Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT CAST(NULL AS INTEGER)", Within: "0"}}, true},
		"sql gives none":  {hindcast.Check{SQL: "SELECT * FROM result WHERE total < 0"}, false},
		"sql gives rows;": {hindcast.Check{SQL: "SELECT * FROM result WHERE total > 1; "}, true},
	} {
		job := w.job(t, sql, dayTotal...)
		job.Tag += name
		job.Dir = filepath.Join(job.Dir, name)
		c.check.Name = name
		job.Checks = []engine.Check{{Check: c.check}}
		_, err := w.run(t, job)
		e := hindcast.AsError(err)
		if c.fails && (e == nil || e.Code != hindcast.ECheck || e.Class != hindcast.ClassCheck || !strings.Contains(e.Message, name)) {
			t.Errorf("%s: got %v", name, err)
		}
		if !c.fails && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func empty(t *testing.T, w *World) {
	job := w.job(t, "SELECT day, sum(cost) AS total FROM facts GROUP BY day", dayTotal...)
	job.Query.Tables[0].Files = nil
	job.Checks = []engine.Check{{Check: hindcast.Check{Name: "rows", Rows: &hindcast.RowsCheck{Min: limit(1)}}}, // does not apply
		{Check: hindcast.Check{Name: "total", Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT sum(cost) FROM facts", Within: "0"}}}}
	result, err := w.run(t, job)
	if err != nil || result.Rows != 0 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func exact(t *testing.T, w *World) {
	job := w.job(t, "SELECT DATE '2020-01-01' AS day, sum(x) AS total FROM (VALUES (9007199254740993), (0)) AS v(x)",
		hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "total", Type: "HUGEINT"})
	result, err := w.run(t, job)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Query(t, result.Files, "SELECT CAST(total AS HUGEINT) FROM result"); got != "9007199254740993" {
		t.Errorf("got %s", got)
	}
}

func twice(t *testing.T, w *World) {
	job := w.job(t, "SELECT day, sum(cost) AS total FROM facts GROUP BY day", dayTotal...)
	a, err := w.Engine.Submit(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.Engine.Submit(t.Context(), job)
	if err != nil || a != b {
		t.Errorf("%+v, %+v, %v", a, b, err)
	}
	if _, err := w.Engine.Wait(t.Context(), a); err != nil {
		t.Error(err)
	}
}

func cancel(t *testing.T, w *World) {
	job := w.job(t, w.Slow, hindcast.Column{Name: "day", Type: "DATE"})
	h, err := w.Engine.Submit(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	short, done := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer done()
	if _, err := w.Engine.Wait(short, h); hindcast.AsError(err) == nil || hindcast.AsError(err).Class != hindcast.ClassCanceled {
		t.Errorf("waiting in vain: %v", err)
	}
	if err := w.Engine.Cancel(t.Context(), h); err != nil {
		t.Error(err)
	}
	if err := w.Engine.Cancel(t.Context(), h); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func afterCancel(t *testing.T, w *World) {
	cancel(t, w)
	job := w.job(t, "SELECT day, sum(cost) AS total FROM facts GROUP BY day", dayTotal...)
	job.Tag += "after"
	job.Dir += "after"
	if result, err := w.run(t, job); err != nil || result.Rows != 2 {
		t.Errorf("%+v, %v", result, err)
	}
}

func overflow(t *testing.T, w *World) {
	job := w.job(t, "SELECT day, 300 AS small FROM facts", hindcast.Column{Name: "day", Type: "DATE"}, hindcast.Column{Name: "small", Type: "TINYINT"})
	_, err := w.run(t, job)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EOverflow {
		t.Errorf("got %v", err)
	}
}
