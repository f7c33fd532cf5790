package duckdb

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// The plans of DuckDB 2.0 tell which columns are read as those of ours do, also of correlated subqueries.
func TestUsedColumnsOfDuckDB2(t *testing.T) {
	tables := []engine.Table{
		{Name: "facts", Columns: []hindcast.Column{{Name: "id"}, {Name: "account"}, {Name: "cost"}, {Name: "region"}}},
		{Name: "accounts", Columns: []hindcast.Column{{Name: "id"}, {Name: "name"}, {Name: "parent"}}},
	}
	wants := map[string]string{
		"SELECT id, (SELECT max(c1) FROM hindcast_used_1 WHERE c2 = f.account) FROM facts f":                                 "map[accounts:[name parent] facts:[id account]]",
		"SELECT f.id, x.n FROM facts f, LATERAL (SELECT count(*) AS n FROM accounts a WHERE a.parent = f.account) x":         "map[accounts:[parent] facts:[id account]]",
		"SELECT id FROM facts WHERE EXISTS (SELECT * FROM accounts a WHERE a.id = account AND a.name = 'x')":                 "map[accounts:[id name] facts:[id account]]",
		"SELECT region, sum(cost) FROM facts WHERE account % 3 = 0 GROUP BY region":                                          "map[accounts:[] facts:[account cost region]]",
		"WITH c AS (SELECT * FROM facts) SELECT max(c.cost) FROM c JOIN accounts a ON a.id = c.account WHERE a.name IS NULL": "map[accounts:[id name] facts:[account cost]]",
		"SELECT * FROM facts":                  "map[accounts:[] facts:[id account cost region]]",
		"SELECT count(*) FROM facts, accounts": "map[accounts:[] facts:[]]",
	}
	var queries []string
	for query := range wants {
		queries = append(queries, query)
	}
	text, err := json.Marshal(queries)
	if err != nil {
		t.Fatal(err)
	}
	said := pythontest.DuckDB2(t, t.TempDir(), `
sql.execute("CREATE TEMP TABLE hindcast_used_0 (c0 BIGINT, c1 BIGINT, c2 DECIMAL(18,6), c3 VARCHAR); CREATE TEMP TABLE hindcast_used_1 (c0 BIGINT, c1 VARCHAR, c2 BIGINT)")
sql.execute("CREATE TEMP VIEW facts AS SELECT c0 AS id, c1 AS account, c2 AS cost, c3 AS region FROM hindcast_used_0")
sql.execute("CREATE TEMP VIEW accounts AS SELECT c0 AS id, c1 AS name, c2 AS parent FROM hindcast_used_1")
plans = {}
for disabled in sys.argv[2:]:
  names, = sql.execute("SELECT array_to_string(" + disabled + ", ',') FROM duckdb_optimizers()").fetchone()
  sql.execute("SET disabled_optimizers='" + names + "'")
  for query in json.loads(sys.argv[1]):
    plans.setdefault(query, []).append(json.loads(sql.execute("EXPLAIN (FORMAT JSON) " + query).fetchone()[1]))
print(json.dumps(plans))`, string(text), pruning, duck.Strings(misleading))
	var plans map[string][][]operator
	if err := json.Unmarshal([]byte(said), &plans); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for query, want := range wants {
		reads := []map[int]bool{{}, {}}
		for _, roots := range plans[query] {
			for _, o := range roots {
				o.scans(tables, reads)
			}
		}
		if got := fmt.Sprint(names(tables, reads)); got != want || len(plans[query]) != 2 {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}
