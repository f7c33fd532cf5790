package warehousetest

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// month is the slice of a month of 2020.
func month(n int) hindcast.Interval {
	return hindcast.Interval{Start: date(2020, 1, 1).AddDate(0, n-1, 0), End: date(2020, 1, 1).AddDate(0, n, 0)}
}

// ofMonth are so many rows of a month, from its first day on, with totals that belong to the run.
func ofMonth(n, rows, total int) string {
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("SELECT DATE '2020-%02d-01' + CAST(range AS INTEGER) AS day, CAST(%d + range AS DECIMAL(38,6)) AS total FROM range(%d)", n, total, rows)
}

// oneTarget: of slices of one target that are published at once, in whatever order and with others between them, each has its own count, sums,
// previous rows and status row; a slice that is not among them stays as it is.
func oneTarget(t *testing.T, w *World) {
	prepare(t, w, 1)
	for _, n := range []int{1, 2, 3} {
		load(t, w, staged(t, w, month(n), "r1", ofMonth(n, n, 100)))
	}

	var loads []Load
	order, sizes := []int{4, 1, 2}, map[int]int{4: 2, 1: 5, 2: 0}
	for _, n := range order {
		loads = append(loads, staged(t, w, month(n), "r2", ofMonth(n, sizes[n], 10*n)))
	}
	var handed []string
	loads[0].Keep = func(_ context.Context, kept []warehouse.Kept) error {
		for _, k := range kept {
			handed = append(handed, fmt.Sprintf("%s: %d of %s, %d rows", loads[k.Index].Slice.Key, len(k.Rows), k.Rows[0].Slice.Key, k.Rows[0].Sums.Rows))
		}
		return nil
	}
	rows, err := publish(t.Context(), w.Warehouse, loads...)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"2020-01-01: 1 of 2020-01-01, 1 rows", "2020-02-01: 1 of 2020-02-01, 2 rows"}; !slices.Equal(handed, want) {
		t.Errorf("handed over %q, want %q", handed, want)
	}
	statesAgree(t, w, rows, 4)
	for i, n := range order {
		kept, err := filepath.Glob(filepath.Join(loads[i].Previous, "*.parquet"))
		was := map[int]int64{1: 1, 2: 2}[n]
		if err != nil || (len(kept) > 0) != (was > 0) || was > 0 && Sums(t, columns, kept).Rows != was {
			t.Errorf("of month %d %q is kept, %v", n, kept, err)
		}
		if rows[i].Sums.Rows != int64(sizes[n]) || (rows[i].Previous != "") != (was > 0) {
			t.Errorf("month %d: %+v", n, rows[i])
		}
	}
	if got := w.Query(t, "SELECT count(*), sum(total) FROM result"); got != "10,444.000000" {
		t.Errorf("the target has %s", got)
	}
}

// statesAgree: the rows are status rows, of which there are that many, and each says what the target has in its slice.
func statesAgree(t *testing.T, w *World, rows []hindcast.Committed, n int) {
	t.Helper()
	all, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil || len(all) != n {
		t.Fatalf("%d status rows, %v", len(all), err)
	}
	for _, c := range rows {
		if !slices.ContainsFunc(all, func(row hindcast.Committed) bool { return reflect.DeepEqual(row, c) }) {
			t.Errorf("Publish gave %+v, which is not a status row", c)
		}
	}
	for _, c := range all {
		sums, err := w.Warehouse.Published(t.Context(), warehouse.Published{Target: target, Columns: columns, Intervals: []hindcast.Interval{c.Slice.Interval}, TimeZone: "UTC"})
		if err != nil || !sums[0].Agrees(c.Sums) || sums[0].Rows > 0 && sums[0].Content != c.Sums.Content {
			t.Errorf("%s has %+v, and its row says %+v, %v", c.Slice.Key, sums, c.Sums, err)
		}
	}
}
