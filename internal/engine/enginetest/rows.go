package enginetest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

func window(t *testing.T, w *World) {
	work := w.work(t, "", perDay+" -- end", dayTotal...)
	result := w.mustRun(t, work)
	if got := Query(t, result.Files, "SELECT * FROM result ORDER BY day"); got != "2020-01-01,1.000001\n2020-01-31,2.000000" {
		t.Errorf("got\n%s", got)
	}

	var rows, bytes int64
	for _, f := range result.Files {
		rows, bytes = rows+f.Rows, bytes+f.Bytes
		if !strings.HasPrefix(f.Path, work.Dir+"/") {
			t.Errorf("%s does not lie below %s", f.Path, work.Dir)
		}
	}

	if result.Rows != 2 || rows != 2 || result.Bytes == 0 || bytes != result.Bytes {
		t.Errorf("got %+v", result)
	}
}

// oneTime: every function of time is the query's instant, in SQL and checks alike.
func oneTime(t *testing.T, w *World) {
	now := time.Date(2020, 3, 1, 3, 30, 0, 250_000_000, time.UTC)
	for i, zone := range []string{"America/New_York", "UTC", "America/New_York"} {
		work := w.work(t, string(rune('a'+i)), "SELECT DATE '2020-01-01' AS day, "+w.Micros+" AS micros", day, hindcast.Column{Name: "micros", Type: "BIGINT"})
		work.Query.Now, work.Query.TimeZone = now, zone
		work.Checks = []engine.Check{{Check: hindcast.Check{Name: "now", SQL: "SELECT 1 WHERE " + w.Micros + " <> 1583033400250000"}}}
		if got := Query(t, w.mustRun(t, work).Files, "SELECT micros FROM result"); got != "1583033400250000" {
			t.Errorf("in %s: %s", zone, got)
		}
	}
}

func own(t *testing.T, w *World) {
	work := w.work(t, "", "SELECT DATE '2020-01-15' AS day, CAST(sum(cost) AS DECIMAL(38,6)) AS total FROM facts", dayTotal...)
	work.Query.Tables[0].Window.Start = january.Start.AddDate(0, 0, -7) // lookback
	work.Checks = []engine.Check{{Check: hindcast.Check{Name: "own", SQL: "SELECT * FROM facts WHERE day < DATE '2020-01-01'"}}}
	if got := Query(t, w.mustRun(t, work).Files, "SELECT total FROM result"); got != "13.500001" {
		t.Errorf("the SQL should see the lookback: %s", got)
	}
}

func counts(t *testing.T, w *World) {
	work := w.work(t, "", perDay, dayTotal...)
	work.Query.Tables[0].Count = true
	if got := w.mustRun(t, work).In["facts"]; got != 3 {
		t.Errorf("%d rows, want 3", got)
	}
}

// strays: rows without a time and of other times are counted in files of several layouts, by the zone's days.
func strays(t *testing.T, w *World) {
	var table engine.Table
	for i, rows := range []string{"('2020-01-31 22:30:00', 1), (NULL, 1), ('2019-12-31 22:30:00', 1)", "('2020-01-31 23:30:00', 1), ('2020-01-01', 1), (NULL, 1)"} {
		path, names := filepath.Join(w.Dir, fmt.Sprintf("own %d.parquet", i)), []string{"moment", "n"}
		query := "SELECT CAST(a AS TIMESTAMP) AS moment, b AS n FROM (VALUES " + rows + ") AS v(a, b)"
		if i == 1 {
			query, names = "SELECT n, moment, 1 AS more FROM ("+query+")", []string{"n", "moment", "more"}
		}
		Parquet(t, path, query)
		table.Layouts = append(table.Layouts, hindcast.Layout{Columns: names, Files: []string{path}})
	}

	table.Name, table.Time, table.Window = "own", "moment", january
	for zone, outside := range map[string]int64{"UTC": 1, "Europe/Berlin": 2} {
		for _, typ := range []string{"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"} { // which the pipeline has it read as
			table.Columns = []hindcast.Column{{Name: "n", Type: "INTEGER"}, {Name: "moment", Type: typ}}
			found, err := w.Scanner.Strays(t.Context(), table, zone)
			if err != nil || found.NoTime != 2 || found.Outside != outside || !found.Within.Equal(january) {
				t.Errorf("%s in %s: %+v, %v; want 2 without a time and %d outside", typ, zone, found, err, outside)
			}
		}
	}
}

// casts: the result has the bound types, whatever the SQL gives.
func casts(t *testing.T, w *World) {
	bound := []hindcast.Column{day, {Name: "a", Type: "BIGINT"}, {Name: "b", Type: "VARCHAR"}, {Name: "c", Type: "DECIMAL(10,2)"}, {Name: "d", Type: "DOUBLE"},
		{Name: "e", Type: "TIMESTAMP"}, {Name: "f", Type: "BOOLEAN"}}
	work := w.work(t, "", `SELECT DATE '2020-01-01' AS day, CAST(7 AS SMALLINT) AS a, 42 AS b, CAST(1.5 AS DECIMAL(4,1)) AS c, CAST(2 AS BIGINT) AS d,
		DATE '2020-01-02' AS e, CAST(NULL AS BOOLEAN) AS f`, bound...)
	result := w.mustRun(t, work)
	if got := spelled(result.Columns); got != spelled(bound) {
		t.Errorf("columns %s", got)
	}
	types := Query(t, result.Files, "SELECT typeof(day), typeof(a), typeof(b), typeof(c), typeof(d), typeof(e), typeof(f) FROM result")
	if types != "DATE,BIGINT,VARCHAR,DECIMAL(10,2),DOUBLE,TIMESTAMP,BOOLEAN" {
		t.Errorf("types %s", types)
	}
	if got := Query(t, result.Files, "SELECT * REPLACE (f IS NULL AS f) FROM result"); got != "2020-01-01,7,42,1.50,2.0,2020-01-02 00:00:00,true" {
		t.Errorf("values %s", got)
	}
}

func misfits(t *testing.T, w *World) {
	for expression, want := range map[string]struct {
		typ   string
		codes []hindcast.Code
	}{
		"300":                         {"TINYINT", []hindcast.Code{hindcast.EOverflow}},
		"CAST(-1e30 AS DOUBLE)":       {"BIGINT", []hindcast.Code{hindcast.EOverflow, hindcast.ESQL}},
		"12345.5":                     {"DECIMAL(4,1)", []hindcast.Code{hindcast.EOverflow, hindcast.ESQL}},
		"'n/a'":                       {"INTEGER", []hindcast.Code{hindcast.ESQL}},
		"'2020-02-30'":                {"DATE", []hindcast.Code{hindcast.EOverflow, hindcast.ESQL}},
		"CAST('n/a' AS DECIMAL(5,2))": {"DECIMAL(5,2)", []hindcast.Code{hindcast.ESQL}},
	} {
		_, err := w.run(t, w.work(t, expression, "SELECT day, "+expression+" AS v FROM facts", day, hindcast.Column{Name: "v", Type: want.typ}))
		e := hindcast.AsError(err)
		if e == nil || e.Class != hindcast.ClassPermanent || e.Code != want.codes[0] && e.Code != want.codes[len(want.codes)-1] {
			t.Errorf("%s as %s: got %v", expression, want.typ, err)
		}
	}
}

// at runs work whose only row has the time, an expression of the type, and reports whether it is in the slice.
func (w *World) at(t *testing.T, expression, typ, zone string, slice hindcast.Interval) bool {
	t.Helper()
	work := w.work(t, expression, "SELECT "+expression+" AS day, CAST(1 AS DECIMAL(38,6)) AS total", hindcast.Column{Name: "day", Type: typ}, dayTotal[1])
	work.Slice.Interval, work.Query.TimeZone = slice, zone
	_, err := w.run(t, work)
	if err == nil {
		return true
	}
	if e := hindcast.AsError(err); e.Code != hindcast.EOutside || e.Class != hindcast.ClassCheck || len(e.Detail) != 1 {
		t.Errorf("%s: %+v", expression, e)
	}
	return false
}

func outside(t *testing.T, w *World) {
	for expression, inside := range map[string]bool{
		"DATE '2020-02-01'": false, "DATE '2019-12-31'": false, "CAST(NULL AS DATE)": false, "DATE '2020-01-31'": true,
	} {
		if w.at(t, expression, "DATE", "UTC", january) != inside {
			t.Errorf("%s: inside is %t", expression, !inside)
		}
	}

	for text, inside := range map[string]bool{
		"2020-01-01 00:00:00": true, "2020-01-31 23:59:59.999999": true, "2019-12-31 23:59:59.999999": false, "2020-02-01 00:00:00": false,
	} {
		if w.at(t, "CAST('"+text+"' AS TIMESTAMP)", "TIMESTAMP", "UTC", january) != inside {
			t.Errorf("%s: inside is %t", text, !inside)
		}
	}

	for text, inside := range map[string]bool{
		"2020-01-01 00:00:00+00": true, "2020-02-01 00:30:00+01": true, "2020-01-31 23:30:00-01": false, "2020-01-01 00:59:59.999999+01": false,
	} {
		if w.at(t, w.Zoned(text), "TIMESTAMP WITH TIME ZONE", "UTC", january) != inside {
			t.Errorf("%s: inside is %t", text, !inside)
		}
	}
}

// formats: a time that is a number or a text cuts what the SQL sees, and places the result's rows, by the slice's bounds in its format.
func formats(t *testing.T, w *World) {
	for _, c := range []struct {
		format          hindcast.TimeFormat
		typ, zone       string
		inside, outside []string // by value, as SQL literals
	}{
		{hindcast.DayNumber, "INTEGER", "UTC", []string{"20200101", "20200131", "20200199"}, []string{"20191231", "20200201", "NULL"}},
		{hindcast.DayNumber, "VARCHAR", "UTC", []string{"'20200101'", "'20200131'"}, []string{"'20191231'", "'20200201'", "'202001'", "'2020-01-05'", "NULL"}},
		{hindcast.DayText, "VARCHAR", "UTC", []string{"'2020-01-01'", "'2020-01-31'"}, []string{"'2019-12-31'", "'2020-02-01'", "'2020-01-1x'", "NULL"}},
		{hindcast.Epoch, "BIGINT", "America/New_York", []string{"1577836800", "1580515199"}, []string{"1577836799", "1580515200", "NULL"}},
		{hindcast.EpochMS, "BIGINT", "UTC", []string{"1577836800000", "1580515199999"}, []string{"1577836799999", "1580515200000"}},
	} {
		column := hindcast.Column{Name: "moment", Type: c.typ, Format: c.format}
		for i, value := range append(slices.Clone(c.inside), c.outside...) {
			name := fmt.Sprint(c.format, c.typ, i)
			if c.typ != "VARCHAR" {
				value = "CAST(" + value + " AS " + c.typ + ")"
			} else if value == "NULL" {
				value = "nullif('a', 'a')"
			}
			work := w.work(t, name, "SELECT "+value+" AS moment", column)
			work.Target.Time, work.Target.Format, work.Query.TimeZone = "moment", c.format, c.zone
			_, err := w.run(t, work)
			if inside := err == nil; inside != (i < len(c.inside)) || err != nil && hindcast.AsError(err).Code != hindcast.EOutside {
				t.Errorf("%s in %s of %s: %v", value, c.typ, c.format, err)
			}
		}

		path := filepath.Join(w.Dir, "at "+string(c.format)+c.typ+".parquet")
		values := strings.Join(append(slices.Clone(c.inside), c.outside...), "), (")
		Parquet(t, path, "SELECT CAST(v AS "+c.typ+") AS moment FROM (VALUES ("+values+")) AS t(v)")
		work := w.work(t, fmt.Sprint(c.format, c.typ), "SELECT DATE '2020-01-15' AS day, CAST(count(*) AS BIGINT) AS n FROM seen", day, hindcast.Column{Name: "n", Type: "BIGINT"})
		work.Query.Tables = []engine.Table{{Name: "seen", Columns: []hindcast.Column{column}, Files: []string{path}, Time: "moment", Window: january, Own: january}}
		work.Query.TimeZone = c.zone
		want := len(c.inside)
		for _, value := range c.outside {
			if value == "'2020-01-1x'" { // it lies there, as the lake's texts are ordered
				want++
			}
		}
		if got := Query(t, w.mustRun(t, work).Files, "SELECT n FROM result"); got != fmt.Sprint(want) {
			t.Errorf("%s of %s: %s rows seen, want %d", c.typ, c.format, got, want)
		}
	}
}

// dropped: rows outside of the slice are left out before the key and the checks are looked at, and counted.
func dropped(t *testing.T, w *World) {
	for name, want := range map[string]struct {
		sql           string
		rows, outside int64
		values        string
	}{
		"some": {"SELECT day, id AS k FROM facts UNION ALL SELECT CAST(NULL AS DATE) AS day, CAST(NULL AS BIGINT) AS k", 3, 3, "2,3,4"},
		"none": {"SELECT day, id AS k FROM facts WHERE id BETWEEN 2 AND 3", 2, 0, "2,3"},
		"all":  {"SELECT day, id AS k FROM facts WHERE id IN (1, 5)", 0, 2, ""},
	} {
		work := w.work(t, name, want.sql, day, hindcast.Column{Name: "k", Type: "BIGINT"})
		work.Target.Key, work.Target.Drop = []string{"k"}, true
		work.Query.Tables[0].Window = hindcast.Interval{Start: january.Start.AddDate(0, 0, -7), End: january.End.AddDate(0, 0, 7)}
		work.Checks = []engine.Check{{Check: hindcast.Check{Name: "inside", SQL: "SELECT * FROM result WHERE day < DATE '2020-01-01' OR day >= DATE '2020-02-01'"}}}
		result := w.mustRun(t, work)
		if result.Rows != want.rows || result.Outside != want.outside {
			t.Errorf("%s: %d rows and %d outside, want %d and %d", name, result.Rows, result.Outside, want.rows, want.outside)
		}
		if want.rows == 0 {
			continue
		}
		if got := Query(t, result.Files, "SELECT string_agg(k, ',' ORDER BY k) FROM result"); got != want.values {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// zones: a slice's bounds are instants; days and times without a zone are read in the query's.
func zones(t *testing.T, w *World) {
	slice := hindcast.Interval{Start: january.Start.Add(5 * time.Hour), End: january.End.Add(5 * time.Hour)} // January in New York
	for _, c := range []struct {
		expression, typ string
		inside          bool
	}{
		{"DATE '2020-01-01'", "DATE", true}, {"DATE '2020-01-31'", "DATE", true}, {"DATE '2020-02-01'", "DATE", false},
		{"CAST('2020-01-01 00:00:00' AS TIMESTAMP)", "TIMESTAMP", true}, {"CAST('2019-12-31 23:59:59' AS TIMESTAMP)", "TIMESTAMP", false},
		{"CAST('2020-01-31 23:59:59' AS TIMESTAMP)", "TIMESTAMP", true}, {"CAST('2020-02-01 00:00:00' AS TIMESTAMP)", "TIMESTAMP", false},
		{w.Zoned("2020-01-01 04:59:59+00"), "TIMESTAMP WITH TIME ZONE", false}, {w.Zoned("2020-02-01 04:59:59+00"), "TIMESTAMP WITH TIME ZONE", true},
	} {
		if w.at(t, c.expression, c.typ, "America/New_York", slice) != c.inside {
			t.Errorf("%s: inside is %t", c.expression, !c.inside)
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
		work := w.work(t, sql, sql, day, hindcast.Column{Name: "k", Type: "BIGINT"})
		work.Target.Key = []string{"day", "k"}
		_, err := w.run(t, work)
		switch e := hindcast.AsError(err); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", sql, err)
		case want != "" && (e == nil || e.Code != want || e.Class != hindcast.ClassCheck || len(e.Detail) == 0):
			t.Errorf("%s: got %+v", sql, e)
		}
	}
}

func limit(n int64) *int64 { return &n }

func checks(t *testing.T, w *World) {
	total := func(equals, within string) hindcast.Check {
		return hindcast.Check{Total: &hindcast.TotalCheck{Of: "total", Equals: equals, Within: within}}
	}
	for name, c := range map[string]struct {
		check hindcast.Check
		fails bool
	}{
		"rows ok":         {hindcast.Check{Rows: &hindcast.RowsCheck{Min: limit(2), Max: limit(2)}}, false},
		"rows too few":    {hindcast.Check{Rows: &hindcast.RowsCheck{Min: limit(3)}}, true},
		"rows too many":   {hindcast.Check{Rows: &hindcast.RowsCheck{Max: limit(1)}}, true},
		"total equal":     {total("SELECT sum(cost) FROM facts", "0"), false},
		"total differs":   {total("SELECT sum(cost) + 1 FROM facts", "0.5"), true},
		"total within":    {total("SELECT sum(cost) + 1 FROM facts", "1"), false},
		"total NULL":      {total("SELECT CAST(NULL AS INTEGER)", "0"), true},
		"sql gives none":  {hindcast.Check{SQL: "SELECT * FROM result WHERE total < 0"}, false},
		"sql gives rows;": {hindcast.Check{SQL: "SELECT * FROM result WHERE total > 1; "}, true},
	} {
		work := w.work(t, name, perDay, dayTotal...)
		c.check.Name = name
		work.Checks = []engine.Check{{Check: c.check}}
		_, err := w.run(t, work)
		e := hindcast.AsError(err)
		if c.fails && (e == nil || e.Code != hindcast.ECheck || e.Class != hindcast.ClassCheck || !strings.Contains(e.Message, name)) {
			t.Errorf("%s: got %v", name, err)
		}
		if c.fails && c.check.SQL != "" && (e == nil || len(e.Detail) == 0) {
			t.Errorf("%s: shows no row", name)
		}
		if !c.fails && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// namedChecks are the kinds that dbt has: NULL is the business of not_null alone.
func namedChecks(t *testing.T, w *World) {
	const sql = "SELECT day, id, id + 1 AS next, cost, 'its' AS word FROM facts"
	bigint := func(name string) hindcast.Column { return hindcast.Column{Name: name, Type: "BIGINT"} }
	columns := []hindcast.Column{day, bigint("id"), bigint("next"), {Name: "cost", Type: "DECIMAL(18,6)"}, {Name: "word", Type: "VARCHAR"}}
	for i, c := range []struct {
		check hindcast.Check
		want  string // what the error says, and the rows that it shows; "" if there is none
	}{
		{hindcast.Check{NotNull: []string{"day", "ID"}}, ""},
		{hindcast.Check{NotNull: []string{"day", "cost"}}, "1 row of the result has a NULL in day or cost; day=2020-01-31  id=3  next=4  cost=NULL  word=its"},
		{hindcast.Check{Unique: []string{"id"}}, ""},
		{hindcast.Check{Unique: []string{"day", "cost"}}, ""},
		{hindcast.Check{Unique: []string{"word", "day"}}, "1 value of word, day is in more than one row of the result; word=its  day=2020-01-31  rows=2"},
		{hindcast.Check{Accepted: &hindcast.AcceptedCheck{Column: "cost", Values: []string{"2", "1.000001"}}}, ""},
		{hindcast.Check{Accepted: &hindcast.AcceptedCheck{Column: "cost", Values: []string{"2", "(-1)"}}}, "1 value of cost is not accepted; cost=1.000001  rows=1"},
		{hindcast.Check{Accepted: &hindcast.AcceptedCheck{Column: "word", Values: []string{"'it''s'", "'its'"}}}, ""},
		{hindcast.Check{Accepted: &hindcast.AcceptedCheck{Column: "word", Values: []string{"'it''s'", `'it\s'`}}}, "1 value of word is not accepted; word=its  rows=3"},
		{hindcast.Check{Related: &hindcast.RelatedCheck{Column: "cost", To: "facts", Field: "cost"}}, ""},
		{hindcast.Check{Related: &hindcast.RelatedCheck{Column: "next", To: "facts", Field: "id"}}, "1 value of next is not in facts.id; next=5  rows=1"},
		{hindcast.Check{SQL: "SELECT id FROM result WHERE id = 2"}, "it gave 1 row; id=2"},
	} {
		work := w.work(t, fmt.Sprint(i), sql, columns...)
		c.check.Name = fmt.Sprintf("check %d", i)
		work.Checks = []engine.Check{{Check: c.check}}
		if _, err := w.Binder.Bind(t.Context(), work.Query, work.Checks); err != nil {
			t.Errorf("%d is not bound: %v", i, err)
		}
		_, err := w.run(t, work)
		got := ""
		if e := hindcast.AsError(err); e != nil {
			got = strings.Join(append([]string{e.Message}, e.Detail...), "; ")
		}
		want := c.want
		if want != "" {
			want = fmt.Sprintf("check %q failed: %s", c.check.Name, want)
		}
		if got != want {
			t.Errorf("%d: got %s\nwant %s", i, got, want)
		}
	}
}

func empty(t *testing.T, w *World) {
	work := w.work(t, "", perDay, dayTotal...)
	work.Query.Tables[0].Files = nil
	work.Checks = []engine.Check{{Check: hindcast.Check{Name: "rows", Rows: &hindcast.RowsCheck{Min: limit(1)}}}, // does not apply
		{Check: hindcast.Check{Name: "total", Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT sum(cost) FROM facts", Within: "0"}}}}
	result, err := w.run(t, work)
	if err != nil || result.Rows != 0 {
		t.Errorf("got %+v, %v", result, err)
	}
}

// reach: the SQL reads its tables only, when it is bound and when it runs, even among files the engine may read.
func reach(t *testing.T, w *World) {
	within, beyond := filepath.Join(w.Dir, "near.parquet"), filepath.Join(t.TempDir(), "far.parquet")
	for _, path := range []string{within, beyond} {
		Parquet(t, path, "SELECT DATE '2020-01-01' AS day")
		for _, sql := range []string{"SELECT day FROM parquet.`" + path + "`", "SELECT day FROM read_parquet('" + path + "')", "SELECT day FROM '" + path + "'"} {
			work := w.work(t, "", sql, day)
			if columns, err := w.Binder.Bind(t.Context(), work.Query, nil); err == nil || hindcast.AsError(err).Class != hindcast.ClassPermanent {
				t.Errorf("%s: bound to %v, %v", sql, columns, err)
			}
		}
	}

	_, err := w.run(t, w.work(t, "", "SELECT day FROM '"+beyond+"'", day))
	if err == nil || hindcast.AsError(err).Class != hindcast.ClassPermanent {
		t.Errorf("it ran: %v", err)
	}
}

// outputs are works of one slice and attempt, whose tags only end in other names. Each has a result of its own.
func outputs(t *testing.T, w *World) {
	spend := w.work(t, "spend", perDay, dayTotal...)
	days := w.work(t, "days", "SELECT CAST(count(*) AS BIGINT) AS n, day FROM facts GROUP BY day", hindcast.Column{Name: "n", Type: "BIGINT"}, day)
	days.Target.Table, days.Target.Key = "days", []string{"day"}
	spend.Tag, days.Tag = spend.Tag+"/spend", spend.Tag+"/days"
	first, second := w.start(t, spend), w.start(t, days)

	for _, c := range []struct {
		of   engine.Work
		h    hindcast.Handle
		sql  string
		want string
	}{
		{days, second, "SELECT string_agg(day || '=' || n, ' ' ORDER BY day) FROM result", "2020-01-01=1 2020-01-31=2"},
		{spend, first, "SELECT string_agg(day || '=' || total, ' ' ORDER BY day) FROM result", "2020-01-01=1.000001 2020-01-31=2.000000"},
	} {
		result, err := w.Engine.Wait(t.Context(), c.h, c.of.Dir, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := Query(t, result.Files, c.sql); got != c.want {
			t.Errorf("%s gave %s, want %s", c.of.Tag, got, c.want)
		}
		for _, f := range result.Files {
			if filepath.Dir(f.Path) != c.of.Dir {
				t.Errorf("%s wrote %s", c.of.Tag, f.Path)
			}
		}
	}
}
