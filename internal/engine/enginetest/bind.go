package enginetest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

func bind(t *testing.T, w *World) {
	q := engine.Query{SQL: "SELECT day, CAST(sum(cost) AS DECIMAL(38,6)) AS total, min(id) AS id, count(*) AS n FROM facts GROUP BY day", File: "x.sql",
		Tables: []engine.Table{w.facts(t)}}
	q.Tables[0].Files = []string{filepath.Join(w.Dir, "not there.parquet")} // which it has no need to read
	got, err := w.Binder.Bind(t.Context(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, want := spelled(got), "day DATE, total DECIMAL(38,6), id BIGINT, n BIGINT"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func spelled(columns []hindcast.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.Name + " " + c.Type
	}
	return strings.Join(list, ", ")
}

func bindErrors(t *testing.T, w *World) {
	for sql, want := range map[string]hindcast.Error{
		"SELECT day,\n  tier FROM facts":     {Code: hindcast.ESQLColumn, Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		"SELECT *\nFROM fatcs":               {Code: hindcast.ESQLTable, Place: hindcast.Place{File: "x.sql", Line: 2, Column: 6}},
		"-- x\nSELEC 1":                      {Code: hindcast.ESQLSyntax, Place: hindcast.Place{File: "x.sql", Line: 2, Column: 1}},
		"SELECT day,\n id AS day FROM facts": {Code: hindcast.ESQLColumn, Place: hindcast.Place{File: "x.sql", Line: 2, Column: 8}},
		"DELETE FROM facts":                  {Code: hindcast.ESQLNotSelect},
		"SELECT 1; SELECT 2":                 {Code: hindcast.ESQLNotSelect},
		"":                                   {Code: hindcast.ESQLNotSelect},
	} {
		_, err := w.Binder.Bind(t.Context(), engine.Query{SQL: sql, File: "x.sql", Tables: []engine.Table{w.facts(t)}}, nil)
		wantError(t, sql, err, want.Code, hindcast.ClassPermanent)
		if e := hindcast.AsError(err); e != nil && want.Place.Line != 0 && e.Place != want.Place {
			t.Errorf("%s: at %s, want %s", sql, e.Place, want.Place)
		}
	}
}

func bindChecks(t *testing.T, w *World) {
	q := engine.Query{SQL: perDay, File: "x.sql", Tables: []engine.Table{w.facts(t)}}
	for _, c := range []hindcast.Check{
		{Name: "wrong column", SQL: "SELECT tier FROM result"},
		{Name: "wrong total", Total: &hindcast.TotalCheck{Of: "total", Equals: "SELECT sum(price) FROM facts"}},
		{Name: "wrong name", NotNull: []string{"tier"}},
		{Name: "wrong field", Related: &hindcast.RelatedCheck{Column: "day", To: "facts", Field: "price"}},
		{Name: "two statements", SQL: "SELECT 1 WHERE false; SELECT 2"},
	} {
		_, err := w.Binder.Bind(t.Context(), q, []engine.Check{{Check: c}})
		if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassPermanent || !strings.HasPrefix(string(e.Code), "E-SQL") || !strings.Contains(e.Message, c.Name) {
			t.Errorf("%s: got %v", c.Name, err)
		}
	}

	fine := []engine.Check{{Check: hindcast.Check{Name: "fine", SQL: "SELECT * FROM result WHERE total < 0"}}}
	if _, err := w.Binder.Bind(t.Context(), q, fine); err != nil {
		t.Error(err)
	}
}

// used holds for tables of which the binder is sure: a column that is read is never left out, and one that is plainly not
// read is.
func used(t *testing.T, w *World) {
	for sql, want := range map[string]string{
		"SELECT cost FROM facts":                   "day,cost",
		"SELECT count(*) FROM facts":               "day",
		"SELECT max(cost) FROM facts WHERE id > 3": "id,day,cost",
		"SELECT * FROM facts":                      "id,day,cost",
	} {
		w.wantUsed(t, sql, want)
	}

	w.wantUsed(t, "SELECT cost FROM facts", "id,day,cost", engine.Check{Check: hindcast.Check{Name: "ids", SQL: "SELECT * FROM facts WHERE id < 0"}})
}

func (w *World) wantUsed(t *testing.T, sql, want string, checks ...engine.Check) {
	t.Helper()
	got, err := w.Binder.Used(t.Context(), engine.Query{SQL: sql, File: "x.sql", Tables: []engine.Table{w.facts(t)}}, checks)
	if err != nil {
		t.Fatal(err)
	}
	if columns, sure := got["facts"]; sure && strings.Join(columns, ",") != want {
		t.Errorf("%s: %q, want %s", sql, columns, want)
	}
}

func scan(t *testing.T, w *World) {
	for name, sql := range map[string]string{
		"b-1.parquet": "SELECT CAST(1 AS INTEGER) AS id, DATE '2020-01-01' AS day",
		"a-2.parquet": "SELECT CAST(2 AS BIGINT) AS id, DATE '2020-01-02' AS day UNION ALL SELECT 3, DATE '2020-01-03'",
		"a-1.parquet": "SELECT CAST(4 AS INTEGER) AS id, DATE '2020-01-04' AS day",
	} {
		Parquet(t, filepath.Join(w.Dir, name), sql)
	}

	search := engine.Search{Dir: w.Dir, Patterns: []string{"a-*.parquet", "c-*.parquet", "b-?.parquet"}}
	found, err := w.Scanner.Scan(t.Context(), search)
	if err != nil {
		t.Fatal(err)
	}
	if got := spelled(found.Columns); got != "id BIGINT, day DATE" {
		t.Errorf("columns %s", got)
	}

	var got []string
	for _, m := range found.Matches {
		var names []string
		for _, f := range m.Files {
			names = append(names, filepath.Base(f.Path))
		}
		got = append(got, strings.Join(names, " "))
	}

	if text := strings.Join(got, "|"); text != "a-1.parquet a-2.parquet||b-1.parquet" {
		t.Fatalf("matched %s", text)
	}
	before := found.Matches[0]
	if before.Files[1].Rows != 2 || before.Files[1].Bytes == 0 {
		t.Errorf("files %+v", before.Files)
	}

	Parquet(t, filepath.Join(w.Dir, "a-2.parquet"), "SELECT CAST(20 AS BIGINT) AS id, DATE '2020-01-02' AS day UNION ALL SELECT 3, DATE '2020-01-03'")
	again, err := w.Scanner.Scan(t.Context(), search)
	if err != nil {
		t.Fatal(err)
	}
	if again.Matches[0].Content == before.Content || again.Matches[2].Content != found.Matches[2].Content {
		t.Error("the content of files changes when they do, and only then")
	}
}
