package dialect_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// A column of json or jsonb is read by what asks for a text in it, and by nothing else.
func TestJSONColumns(t *testing.T) {
	t.Parallel()
	o := options(dialect.Postgres, dialect.DuckDB)
	o.Schema.Tables = append(o.Schema.Tables, dialect.Table{Name: "note", Columns: []dialect.Column{{Name: "id", Type: "integer"}, {Name: "j", Type: "json"}, {Name: "b", Type: "jsonb"}}})
	for _, query := range []string{"SELECT j ->> 'a' AS a, n.b -> 'x' ->> 0 AS x FROM note n", "SELECT jsonb_typeof(b) AS a FROM note WHERE b -> 'x' IS NOT NULL", "SELECT jsonb_array_length(b) AS a FROM note",
		"SELECT b #>> '{a,0}' AS a FROM note", "SELECT z.k ->> 'a' AS a FROM (SELECT id, j AS k FROM note) z", "SELECT b ->> 'a' AS a FROM (SELECT * FROM note) z",
		"WITH a AS (SELECT id, b AS x FROM note), c AS (SELECT * FROM a UNION ALL SELECT id, x FROM a LIMIT 3) SELECT jsonb_typeof(c.x) AS a, c.x -> 'q' IS NULL AS q FROM c",
		"SELECT z.b ->> 'a' AS a FROM (SELECT y.b, y.id FROM (SELECT n.b, n.id FROM note n ORDER BY n.id) y) z"} {
		r, err := dialect.Translate(query, o)
		if err != nil || !strings.Contains(r.SQL, "json_") {
			t.Errorf("%s: %v\n%s", query, err, r.SQL)
		}
	}
	for _, query := range []string{"SELECT j FROM note", "SELECT id FROM note WHERE b = '{}'", "SELECT count(DISTINCT b) AS n FROM note", "SELECT id FROM note ORDER BY b", "SELECT b -> 'x' AS a FROM note",
		"SELECT json_array_length(b) AS a FROM note", "SELECT b::text AS a FROM note", "SELECT coalesce(j, '{}') ->> 'a' AS a FROM note", "SELECT id ->> 'a' AS a FROM note", "SELECT j ->> id AS a, j #>> '{\"a b\"}' AS c FROM note",
		"SELECT b ->> 'a' AS a FROM note GROUP BY b", "SELECT b ? 'a' AS a FROM note", "SELECT json_extract_path_text(j, '-1') AS a FROM note",
		"SELECT z.k FROM (SELECT id, j AS k FROM note) z", "SELECT id FROM (SELECT DISTINCT id, b FROM note) z", "SELECT id FROM (SELECT * FROM note) z WHERE b = b", "SELECT * FROM (SELECT * FROM note) z",
		"SELECT z.id FROM (SELECT id, b FROM note ORDER BY b LIMIT 1) z", "SELECT z.id FROM (SELECT id, b FROM note ORDER BY 2 LIMIT 1) z", "SELECT id FROM note WHERE (SELECT max(id) FROM note) IN (SELECT b FROM note)",
		"SELECT id FROM (SELECT id, j AS k FROM note UNION ALL SELECT id, b FROM note) z", "SELECT id FROM (SELECT id, b FROM note UNION SELECT id, b FROM note) z", "SELECT x.id FROM note x JOIN note y USING (b)",
		"SELECT z.k ->> 'a' AS a FROM (SELECT j AS k FROM note UNION ALL SELECT '{}') z", "SELECT (SELECT b FROM note) ->> 'a' AS a", "CREATE TEMP TABLE x AS SELECT id, b FROM note; SELECT b ->> 'a' AS a FROM x",
		"WITH RECURSIVE r AS (SELECT id, b FROM note UNION ALL SELECT id + 1, b FROM r WHERE id < 3) SELECT b ->> 'a' AS a FROM r", "SELECT count(*) AS n FROM (SELECT id, b FROM note GROUP BY id, b) z", "SELECT max(z.b) AS n FROM (SELECT b FROM note) z"} {
		if r, err := dialect.Translate(query, o); err == nil {
			t.Errorf("%s is translated:\n%s", query, r.SQL)
		}
	}
	o.To = dialect.Spark35
	if _, err := dialect.Translate("SELECT j ->> 'a' AS a FROM note", o); err == nil || !strings.Contains(err.Error(), "Spark takes other texts for JSON") {
		t.Errorf("%v", err)
	}
}
