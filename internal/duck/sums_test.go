package duck_test

import (
	"maps"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// Values whose sum has more digits than DuckDB adds up are counted and hashed like others; only their column has no total.
func TestSumsThatWouldOverflow(t *testing.T) {
	db := opened(t)
	if _, err := db.Exec(`CREATE TABLE t AS SELECT i AS g, i::DECIMAL(38,2) AS small, if(i < 2, -99999999999999999999999999999999999999, i)::DECIMAL(38,0) AS large,
		CAST(NULL AS DECIMAL(38,6)) AS none FROM range(3) r(i)`); err != nil {
		t.Fatal(err)
	}
	columns := []hindcast.Column{{Name: "g", Type: "BIGINT"}, {Name: "small", Type: "DECIMAL(38,2)"}, {Name: "large", Type: "DECIMAL(38,0)"}, {Name: "none", Type: "DECIMAL(38,6)"}}

	all, err := duck.SumsOf(t.Context(), db, columns, "t")
	if want := map[string]string{"g": "3", "small": "3.00"}; err != nil || all.Rows != 3 || all.Content == "" || !maps.Equal(all.Totals, want) {
		t.Errorf("got %+v, %v; want 3 rows, %v", all, err, want)
	}
	one, err := duck.SumsOf(t.Context(), db, columns, "t WHERE g = 2")
	if want := map[string]string{"g": "2", "small": "2.00", "large": "2"}; err != nil || !maps.Equal(one.Totals, want) {
		t.Errorf("got %+v, %v; want %v", one, err, want)
	}

	totalled, err := duck.Totalled(t.Context(), db, columns, "t")
	if err != nil {
		t.Fatal(err)
	}
	grouped, over := duck.PartialSums(columns, totalled)
	partial, err := duck.ScanSums(db.QueryRow("SELECT "+over+" FROM (SELECT "+grouped+" FROM t GROUP BY g)"), totalled)
	if err != nil || partial.Content != all.Content || !maps.Equal(partial.Totals, all.Totals) {
		t.Errorf("in two steps: %+v, %v; want %+v", partial, err, all)
	}
}
