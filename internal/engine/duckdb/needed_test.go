package duckdb_test

import (
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/duckdb"
)

// Needed are the columns that results depend on, also where DuckDB reads others along.
func TestNeededColumns(t *testing.T) {
	t.Parallel()
	r, err := duckdb.NewRunner(t.Context(), duckdb.RunnerOptions{Memory: 1 << 30, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	tables := []engine.Table{
		{Name: "f", Columns: []hindcast.Column{{Name: "id", Type: "BIGINT"}, {Name: "day", Type: "DATE"}, {Name: "m", Type: "VARCHAR", Absent: true}, {Name: "cost", Type: "BIGINT"}}},
		{Name: "d", Columns: []hindcast.Column{{Name: "id", Type: "BIGINT"}, {Name: "m", Type: "VARCHAR", Absent: true}, {Name: "city", Type: "VARCHAR"}}},
	}
	for sql, want := range map[string]string{
		"SELECT * EXCLUDE (m) FROM f":                                                                                            "",
		"SELECT COLUMNS(* EXCLUDE m) FROM f":                                                                                     "",
		"SELECT COLUMNS(c -> c <> 'm') FROM f":                                                                                   "",
		"SELECT * REPLACE (NULL AS m) FROM f":                                                                                    "",
		"SELECT f.* EXCLUDE (m), d.* EXCLUDE (id, m) FROM f LEFT JOIN d USING (id)":                                              "",
		"WITH c AS (SELECT * FROM f) SELECT a.* EXCLUDE (m), b.cost AS c2 FROM c a JOIN c b USING (id)":                          "",
		"WITH c AS (SELECT * FROM f) SELECT id FROM c WHERE cost > 5 UNION ALL SELECT id FROM c WHERE cost <= 5":                 "",
		"WITH c AS MATERIALIZED (SELECT * FROM f) SELECT id FROM c WHERE cost > 5 UNION SELECT id FROM c WHERE cost <= 5":        "",
		"WITH c AS (SELECT * FROM f), e AS MATERIALIZED (SELECT c.*, d.m AS n FROM c JOIN d USING (id)) SELECT a.id FROM e a, e": "",
		"SELECT f.id, x.city FROM (SELECT DISTINCT id FROM f) f JOIN d x ON x.id = f.id":                                         "",
		"SELECT x.city FROM (SELECT id FROM f EXCEPT SELECT id FROM f) f LEFT JOIN d x ON x.id = f.id":                           "",
		"SELECT * EXCLUDE (m, n) FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY day) AS n FROM f) WHERE n = 1":      "",
		"SELECT * FROM f":                                                             "f",
		"SELECT DISTINCT m FROM d":                                                    "d",
		"SELECT id, count(f) FROM f GROUP BY ALL":                                     "f",
		"SELECT * EXCLUDE (m) FROM (SELECT DISTINCT * FROM f)":                        "f",
		"SELECT * EXCLUDE (m) FROM (SELECT * FROM f UNION SELECT * FROM f)":           "f",
		"WITH c AS (SELECT * FROM f) SELECT a.id FROM c a JOIN c b ON a.m = b.m":      "f",
		"WITH c AS (SELECT * FROM f), e AS (FROM c UNION FROM c) SELECT id FROM e":    "f",
		"SELECT id FROM f WHERE EXISTS (FROM d WHERE d.m = f.m)":                      "d f",
		"SELECT id FROM f QUALIFY row_number() OVER (PARTITION BY id ORDER BY m) = 1": "f",
	} {
		needed, err := r.Needed(t.Context(), engine.Query{SQL: sql, Tables: tables, TimeZone: "UTC"}, nil)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		got := ""
		for _, name := range []string{"d", "f"} {
			columns, sure := needed[name]
			if !sure || slices.Contains(columns, "m") {
				got += " " + name
			}
		}
		if got != "" {
			got = got[1:]
		}
		if got != want {
			t.Errorf("%s: needs m of %q, want %q", sql, got, want)
		}
	}
}

// CTEs that would be repeated without end, or recursively, are left as they are.
func TestNeededColumnsOfManyCTEs(t *testing.T) {
	t.Parallel()
	r, err := duckdb.NewRunner(t.Context(), duckdb.RunnerOptions{Memory: 1 << 30, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	tables := []engine.Table{{Name: "f", Columns: []hindcast.Column{{Name: "id", Type: "BIGINT"}, {Name: "m", Type: "VARCHAR", Absent: true}}}}
	chain := "WITH c0 AS (SELECT * FROM f)"
	for i := range 24 {
		chain += ", c" + string(rune('a'+i)) + " AS (FROM c" + previous(i) + " UNION ALL FROM c" + previous(i) + ")"
	}
	for _, sql := range []string{chain + " SELECT id FROM cx", "WITH RECURSIVE r AS (SELECT id FROM f UNION ALL SELECT r.id + 1 FROM r JOIN f ON r.id = f.id) SELECT * FROM r"} {
		if _, err := r.Needed(t.Context(), engine.Query{SQL: sql, Tables: tables, TimeZone: "UTC"}, nil); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func previous(i int) string {
	if i == 0 {
		return "0"
	}
	return string(rune('a' + i - 1))
}
