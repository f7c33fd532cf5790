package duckdb_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// A column that was not unloaded is there by name and type, and costs nothing while nobody reads it. Read after all it is
// an error, never a NULL.
func TestAbsentColumns(t *testing.T) {
	w := newSparseWorld(t)
	q := w.over(t, "", nil)
	for i := range q.Tables {
		q.Tables[i].Columns = append(q.Tables[i].Columns[:len(q.Tables[i].Columns):len(q.Tables[i].Columns)],
			hindcast.Column{Name: "gone", Type: "DECIMAL(38,2)", Absent: true}, hindcast.Column{Name: "far \"away\"", Type: "STRUCT(a BIGINT)[]", Absent: true})
	}
	run := func(sql string) (engine.Rows, error) {
		q := q
		q.SQL = sql
		return w.runner.Query(t.Context(), q, engine.Limits{}, 0)
	}
	for _, sql := range []string{
		"SELECT count(*) FROM facts", "SELECT max(cost) FROM facts WHERE id < 50", "SELECT count(*) FROM (SELECT * EXCLUDE (gone, \"far \"\"away\"\"\") FROM facts)",
		"WITH c AS (SELECT * FROM facts) SELECT count(*) FROM c a JOIN c b USING (id)", "SELECT id FROM (SELECT *, row_number() OVER (PARTITION BY day ORDER BY id) n FROM facts) WHERE n = 1",
		"SELECT a.name FROM accounts a LEFT JOIN days d ON d.week = a.id", "SELECT id FROM facts UNION ALL SELECT id FROM (SELECT * FROM accounts)",
		"SELECT * EXCLUDE (gone, \"far \"\"away\"\"\") FROM days ORDER BY day LIMIT 3",
	} {
		if _, err := run(sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}

	for sql, name := range map[string]string{
		"SELECT gone FROM facts": "gone", "SELECT count(gone) FROM facts": "gone", "SELECT id FROM facts WHERE gone IS NULL": "gone",
		"SELECT id FROM accounts ORDER BY gone": "gone", "SELECT * FROM days LIMIT 1": "gone", "SELECT count(*) FROM facts JOIN accounts USING (gone)": "gone",
		"SELECT \"far \"\"away\"\"\"[1].a FROM facts": `"far ""away"""`,
	} {
		_, err := run(sql)
		e := hindcast.AsError(err)
		if err == nil || e.Code != hindcast.ESQLColumn || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, name) || !strings.Contains(e.Next, "columns:") {
			t.Errorf("%s: got %v", sql, err)
		}
	}
}
