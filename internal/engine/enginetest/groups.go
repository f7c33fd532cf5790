package enginetest

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// groups: files whose columns differ are each read by their own, and cast to the table's. What is declared is found by its earlier names, or
// has its value where it is missing.
func groups(t *testing.T, w *World) {
	whole, exact := filepath.Join(w.Dir, "whole.parquet"), filepath.Join(w.Dir, "exact.parquet")
	Parquet(t, whole, "SELECT DATE '2020-01-03' AS day, 9007199254740993::BIGINT AS cost, '1' AS took, 7::SMALLINT AS label")
	Parquet(t, exact, "SELECT '2' AS took, 0.0123456789::DECIMAL(18,10) AS cost, TIMESTAMP '2020-01-04 05:06:07' AS day")
	columns := []hindcast.Column{{Name: "day", Type: "TIMESTAMP"}, {Name: "cost", Type: "DECIMAL(38,10)"}, {Name: "took", Type: "HUGEINT"}}
	fill, has := "-1", columns
	tag := hindcast.Column{Name: "tag", Type: "VARCHAR", Declared: &hindcast.Declared{Name: "tag", Type: "VARCHAR", Was: []string{"label"}}}
	rank := hindcast.Column{Name: "rank", Type: "BIGINT", Declared: &hindcast.Declared{Name: "rank", Type: "BIGINT", Fill: &fill}}
	columns = append(slices.Clone(columns), tag, rank)
	work := w.work(t, "", "SELECT day, cost, CAST(took AS BIGINT) AS took, tag, rank FROM facts", columns[0], columns[1], hindcast.Column{Name: "took", Type: "BIGINT"},
		hindcast.Column{Name: "tag", Type: "VARCHAR"}, hindcast.Column{Name: "rank", Type: "BIGINT"})
	work.Query.Tables = []engine.Table{{Name: "facts", Time: "day", Window: january, Own: january, Columns: columns, Groups: []engine.Group{
		{Columns: []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "cost", Type: "BIGINT"}, {Name: "took", Type: "HUGEINT", Stored: "VARCHAR"},
			{Name: "label", Type: "SMALLINT"}}, Files: []string{whole}},
		{Columns: []hindcast.Column{{Name: "took", Type: "HUGEINT", Stored: "VARCHAR"}, {Name: "cost", Type: "DECIMAL(18,10)"}, {Name: "day", Type: "TIMESTAMP"}}, Files: []string{exact}},
		{Columns: has}}}}

	want := "2020-01-03 00:00:00,9007199254740993.0000000000,1,7,-1\n2020-01-04 05:06:07,0.0123456789,2,<nil>,-1"
	if got := Query(t, w.mustRun(t, work).Files, "SELECT day::VARCHAR, cost::VARCHAR, took, tag, rank FROM result ORDER BY day"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
