package duck_test

import (
	"maps"
	"reflect"
	"strings"
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

// Totals of wide decimals are the same at the limits of what certainly fits, and beyond them, whatever their scale.
func TestSumsOfWideDecimals(t *testing.T) {
	db := opened(t)
	nines := func(n int) string { return strings.Repeat("9", n) }
	for _, c := range []struct {
		typ, first, second, total string // "" where there is no total
	}{
		{"DECIMAL(29,0)", nines(28), "1", "1" + strings.Repeat("0", 28)},
		{"DECIMAL(38,6)", nines(22) + "." + nines(6), "-" + nines(22) + "." + nines(6), "0.000000"},
		{"DECIMAL(38,6)", nines(30) + ".000000", "1", "1" + strings.Repeat("0", 30) + ".000000"},
		{"DECIMAL(38,28)", "0." + nines(28), "-1", "-0." + strings.Repeat("0", 27) + "1"},
		{"DECIMAL(38,30)", "7." + nines(30), "0", "7." + nines(30)},
		{"DECIMAL(38,38)", "0.1", "NULL", ".1" + strings.Repeat("0", 37)},
		{"DECIMAL(38,0)", nines(38), "1", ""},
		{"DECIMAL(38,6)", "NULL", "NULL", ""},
	} {
		if _, err := db.Exec("CREATE OR REPLACE TABLE t (w " + c.typ + ", n INTEGER); INSERT INTO t VALUES (nullif('" + c.first + "', 'NULL'), 1), (nullif('" + c.second + "', 'NULL'), 2)"); err != nil {
			t.Fatal(err)
		}
		columns := []hindcast.Column{{Name: "w", Type: c.typ}, {Name: "n", Type: "INTEGER"}}
		sums, err := duck.SumsOf(t.Context(), db, columns, "t")
		if total := sums.Totals["w"]; err != nil || total != c.total || sums.Totals["n"] != "3" || sums.Rows != 2 {
			t.Errorf("%+v: %+v, %v", c, sums, err)
		}
		if few, err := duck.SumsOfFew(t.Context(), db, columns, "t"); err != nil || !reflect.DeepEqual(few, sums) {
			t.Errorf("%+v: of few rows %+v, %v; otherwise %+v", c, few, err, sums)
		}
	}
}
